//! The review of a feature, for people and programs: what came of it, how sure that is, and where to look.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::status::words;
use crate::analysis::{ago, day, plain};
use crate::feature::brief::{Metric, MetricKind};
use crate::feature::review::{
    Comparison, Design, Estimate, Group, LEAST_PEOPLE, Measure, Review, Role, Target,
};
use crate::rollout::review::{Numbers, Reviewed};

/// A review as a person reads it on a terminal or in an editor.
pub fn review_text(it: &Reviewed) -> String {
    let brief = &it.brief;
    let mut text = format!("{} ({}), in {}\n", brief.title(), brief.key, it.project.name);
    if let Some(hypothesis) = &brief.hypothesis {
        let _ = writeln!(text, "Hypothesis: {hypothesis}");
    }
    let _ = writeln!(text, "{}", since(it));
    match &it.numbers {
        None => {
            text += "\nThe brief has no key metric, so there are no numbers: [metric] says what it is for.\n"
        }
        Some(numbers) => of_numbers(&mut text, numbers),
    }
    if !it.links.is_empty() {
        text += "\n";
    }
    for link in &it.links {
        let _ = writeln!(text, "{}: {}", link.title, link.url);
    }
    if let Some(outcome) = &brief.outcome {
        let _ = write!(text, "\nThe brief says: {outcome}\n");
    }
    // Lines stay lines, and nothing in them is obeyed.
    text.lines().map(|it| plain(it) + "\n").collect()
}

/// `Everyone has had it since 7 Aug 2026 (110 days); the review was due on 5 Nov 2026.`
fn since(it: &Reviewed) -> String {
    let ended = &it.ended;
    let long = ago(ended.since, it.now).trim_end_matches(" ago").to_owned();
    let what = match ended.value.to_string().as_str() {
        "on" => "Everyone has had it".to_owned(),
        "off" => "It has been off for everyone".to_owned(),
        variant => format!("Everyone has had '{variant}'"),
    };
    let since = match ended.exact {
        true => format!("since {} ({long})", day(ended.since)),
        false => format!("for at least {long}"),
    };
    let due = match it.due {
        Some(at) if it.is_due() => format!("the review was due on {}", day(at)),
        Some(at) => format!("the review is due on {}, and these are the numbers so far", day(at)),
        None => "when the review is due cannot be told".into(),
    };
    format!("{what} {since}; {due}.")
}

fn of_numbers(text: &mut String, numbers: &Numbers) {
    let metric = &numbers.metric;
    let _ = write!(text, "\n{}\n{}\n", words::metric(metric), counted(metric));
    let review = match &numbers.result {
        Ok(review) => review,
        Err(why) => {
            let _ = writeln!(text, "It cannot be measured: {why}");
            return;
        }
    };
    text.push('\n');
    let roles: Vec<String> = review.groups.iter().map(|it| who(&it.role, numbers)).collect();
    let width = roles.iter().map(|it| it.chars().count()).max().unwrap_or(0);
    for (group, role) in review.groups.iter().zip(&roles) {
        let people = words::number(group.people);
        let _ =
            writeln!(text, "  {role:<width$}  {people:>7} people  {}", value(group, metric, review.measure));
    }
    if review.groups.is_empty() {
        let _ = writeln!(text, "  Nobody met it then for as long as the metric takes of a person.");
    }
    for comparison in &review.comparisons {
        let _ = writeln!(text, "  {}", compared(comparison, review.measure));
    }
    for remark in remarks(numbers, review) {
        let _ = writeln!(text, "{remark}");
    }
    let _ = write!(text, "\n{}\n", against(metric, review));
    if let Some(verdict) = review.suggested {
        let _ = writeln!(text, "The numbers suggest: {verdict}");
    }
}

/// What counts of a person.
fn counted(metric: &Metric) -> &'static str {
    match metric.kind {
        MetricKind::Trend => "Counted is what a person does in the first 7 days after meeting the feature.",
        MetricKind::Funnel => {
            "Counted is who takes all steps, in their order, within 14 days of meeting the feature."
        }
        MetricKind::Retention => "Counted is who is back in the second 7 days after meeting the feature.",
    }
}

fn who(role: &Role, numbers: &Numbers) -> String {
    let days = match &numbers.design {
        Design::BeforeAfter { sides: Ok((before, _)), .. } => before.days(),
        _ => 0,
    };
    match role {
        Role::Met => "met it".into(),
        Role::Variant(key) => key.clone(),
        Role::Before => format!("active, {days} days before it opened"),
        Role::After => format!("active, {days} days since everyone has it"),
    }
}

/// `38.2 % (33.1 to 44.0)`
fn value(group: &Group, metric: &Metric, measure: Measure) -> String {
    match group.value {
        None => format!("too few to tell (at least {LEAST_PEOPLE})"),
        Some(it) => {
            format!("{}{} ({} to {})", one(it.value), unit(metric, measure), one(it.low), one(it.high))
        }
    }
}

fn unit(metric: &Metric, measure: Measure) -> &'static str {
    match (metric.kind, measure.is_share) {
        (MetricKind::Trend, false) => " for each hundred",
        _ => " %",
    }
}

/// `test less control: +5.1 points (1.2 to 8.9), 1.24 times (1.05 to 1.46): beyond chance`
fn compared(it: &Comparison, measure: Measure) -> String {
    let names = format!("{} less {}", short(&it.of), short(&it.with));
    let Some(difference) = it.difference else { return format!("{names}: too few to tell") };
    let points = if measure.is_share { " points" } else { "" };
    let ratio =
        it.ratio.map(|it| format!(", {:.2} times as much ({:.2} to {:.2})", it.value, it.low, it.high));
    let chance = match difference.includes(0.0) {
        true => "chance could have done it",
        false => "more than chance",
    };
    format!(
        "{names}: {}{points} ({} to {}){}: {chance}",
        signed(difference.value),
        signed(difference.low),
        signed(difference.high),
        ratio.unwrap_or_default()
    )
}

fn short(role: &Role) -> String {
    match role {
        Role::Met => "met it".into(),
        Role::Variant(key) => key.clone(),
        Role::Before => "before".into(),
        Role::After => "after".into(),
    }
}

/// What must be known to understand the numbers.
fn remarks(numbers: &Numbers, review: &Review) -> Vec<String> {
    let mut all = Vec::new();
    if review.groups.iter().any(|it| it.value.is_some()) {
        all.push("In brackets: the truth lies there 19 times in 20, as far as chance goes.".to_owned());
    }
    match &numbers.design {
        Design::BeforeAfter { sides: Ok(_), .. } => all.push(
            "Nobody was kept without it, so that before and after are compared, of people with an event of the metric's \
             or a page view: whatever else changed meanwhile is in the difference, too."
                .into(),
        ),
        Design::BeforeAfter { sides: Err(why), .. } => {
            all.push(format!("Before and after are not compared: {why}."));
        }
        Design::Variants { control, .. } => {
            let has_control =
                review.groups.iter().any(|it| it.role == Role::Variant(control.clone()));
            if !has_control {
                all.push(format!("Nobody got '{control}', so that there is nothing to compare with."));
            }
        }
    }
    if review.mixed > 0 {
        let people = words::number(review.mixed);
        all.push(format!("{people} people got different variants at different times; they are left out."));
    }
    all
}

fn against(metric: &Metric, review: &Review) -> String {
    let Some(target) = metric.target else { return "The brief names no target.".into() };
    if review.judged.is_none() {
        return format!(
            "Target {target}: which variant is meant to reach it cannot be told, since none is served now"
        );
    }
    let words = match review.target {
        Target::None => "nobody wrote one",
        Target::TooFew => "too few people to tell",
        Target::Reached => "reached, by more than chance",
        Target::JustReached => "reached, though chance could have done it",
        Target::JustMissed => "not reached, though chance could have done that",
        Target::Missed => "not reached, by more than chance",
    };
    format!("Target {target}: {words}")
}

/// The value that is held against the target, as it may stand in the brief: `38.2 % (33.1 to 44.0) of 245 people`.
pub fn measured_words(it: &Reviewed) -> Option<String> {
    let numbers = it.numbers.as_ref()?;
    let review = numbers.result.as_ref().ok()?;
    let group = review.groups.iter().find(|it| Some(&it.role) == review.judged.as_ref())?;
    group.value?;
    let value = value(group, &numbers.metric, review.measure);
    Some(format!("{value} of {} people", words::number(group.people)))
}

/// With one digit behind the point.
fn one(value: f64) -> String {
    format!("{value:.1}")
}

fn signed(value: f64) -> String {
    format!("{value:+.1}").replace('-', "\u{2212}")
}

/// The same for programs.
pub fn review_json(it: &Reviewed) -> Value {
    json!({
        "key": it.brief.key,
        "title": it.brief.title(),
        "project": { "id": it.project.id, "name": &*it.project.name },
        "value": it.ended.value.to_string(),
        "since": { "at": it.ended.since.to_string(), "exact": it.ended.exact },
        "openedAt": it.ended.opened.map(|it| it.to_string()),
        "due": it.is_due(),
        "dueAt": it.due.map(|it| it.to_string()),
        "hypothesis": it.brief.hypothesis,
        "numbers": it.numbers.as_ref().map(numbers_json),
        "outcome": it.brief.outcome.as_ref().map(|it| {
            json!({ "verdict": it.verdict.to_string(), "measured": it.measured })
        }),
        "links": it.links.iter().map(|it| json!({ "title": it.title, "url": it.url })).collect::<Vec<_>>(),
    })
}

fn numbers_json(it: &Numbers) -> Value {
    let review = it.result.as_ref().ok();
    json!({
        "metric": super::status::metric_json(&it.metric),
        "unit": review.map(|review| match (it.metric.kind, review.measure.is_share) {
            (MetricKind::Trend, false) => "for-each-hundred",
            _ => "percent",
        }),
        "trouble": it.result.as_ref().err(),
        "notCompared": match &it.design {
            Design::BeforeAfter { sides: Err(why), .. } => Some(why),
            _ => None,
        },
        "groups": review.map(|it| it.groups.iter().map(group_json).collect::<Vec<_>>()),
        "comparisons": review.map(|it| it.comparisons.iter().map(comparison_json).collect::<Vec<_>>()),
        "leftOut": review.map(|it| it.mixed),
        "judged": review.and_then(|it| it.judged.as_ref()).map(short),
        "target": review.and_then(|it| target_name(it.target)),
        "suggested": review.and_then(|it| it.suggested).map(|it| it.to_string()),
    })
}

fn group_json(it: &Group) -> Value {
    json!({ "who": role_name(&it.role), "people": it.people, "value": it.value.map(estimate_json) })
}

fn comparison_json(it: &Comparison) -> Value {
    json!({
        "of": role_name(&it.of),
        "with": role_name(&it.with),
        "difference": it.difference.map(estimate_json),
        "ratio": it.ratio.map(estimate_json),
    })
}

fn estimate_json(it: Estimate) -> Value {
    json!({ "value": it.value, "low": it.low, "high": it.high })
}

fn role_name(role: &Role) -> String {
    match role {
        Role::Met => "met".into(),
        role => short(role),
    }
}

fn target_name(it: Target) -> Option<&'static str> {
    match it {
        Target::None => None,
        Target::TooFew => Some("too-few"),
        Target::Reached => Some("reached"),
        Target::JustReached => Some("just-reached"),
        Target::JustMissed => Some("just-missed"),
        Target::Missed => Some("missed"),
    }
}
