use std::collections::BTreeSet;
use std::ops::Range;

use jiff::civil::Date;
use url::Url;

use super::{Brief, no_stage, schema};
use crate::feature::plan_check::{check_properties, check_stages, is_blank};
use crate::schema::{Node, check};

/// Something wrong in a brief, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefProblem {
    /// Where.
    pub span: Range<usize>,
    /// What is wrong and what is right.
    pub message: String,
}

/// Reads a brief: what it says, or everything that is wrong with it, by place; at least one thing.
pub fn read(text: &str) -> Result<Brief, Vec<BriefProblem>> {
    let (node, errors) = Node::from_toml(text);
    let is_whole = errors.is_empty();
    let broken_lines: BTreeSet<usize> = errors.iter().map(|it| line(text, &it.span)).collect();
    let mut problems: Vec<BriefProblem> =
        errors.into_iter().map(|it| BriefProblem { span: it.span, message: it.message }).collect();
    problems.sort_by_key(|it| it.span.start);
    problems.dedup_by_key(|it| line(text, &it.span));
    let n_broken = problems.len();
    let wrong = check(schema(), &node).into_iter();
    // Of a text that breaks off, what is missing may come after the break.
    let wrong = wrong.filter(|it| is_whole || !it.message.ends_with(" is missing"));
    problems.extend(wrong.map(|it| BriefProblem { span: it.span, message: it.message }));
    let tell = &mut |span: &Range<usize>, message: String| {
        problems.push(BriefProblem { span: span.clone(), message });
    };
    check_texts(&node, tell);
    check_metrics(&node, tell);
    check_guards(&node, tell);
    check_stages(list(&node, "stage"), tell);
    check_release(&node, tell);
    check_choices(&node, tell);
    match serde_json::from_value::<Brief>(node.to_json()) {
        Ok(brief) if problems.is_empty() => return Ok(brief),
        Err(error) if problems.is_empty() => {
            // The schema is made of the type, so this is what it cannot say.
            problems.push(BriefProblem { span: 0..0, message: error.to_string() });
        }
        _ => {}
    }
    // What is said of a line that is half typed is said once.
    let mut rest = problems.split_off(n_broken);
    rest.retain(|it| !broken_lines.contains(&line(text, &it.span)));
    problems.extend(rest);
    problems.sort_by_key(|it| it.span.start);
    Err(problems)
}

fn line(text: &str, span: &Range<usize>) -> usize {
    text.get(..span.start).unwrap_or_default().matches('\n').count()
}

fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::elements).unwrap_or_default()
}

fn text<'a>(node: &'a Node, path: &[&str]) -> Option<(&'a Node, &'a str)> {
    let at = node.at(path)?;
    Some((at, at.as_str()?))
}

/// Addresses of people and pages, and days.
fn check_texts(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let people = list(node.get("notify").unwrap_or(node), "people").iter();
    let people = people.filter_map(|it| Some((it, it.as_str()?)));
    let addresses = text(node, &["owner"]).into_iter().chain(people);
    for (at, address) in addresses.filter(|it| !is_address(it.1)) {
        tell(&at.span, format!("expected an e-mail address, not \"{address}\""));
    }
    for path in [["interview", "calendar"], ["early_access", "documentation_url"]] {
        if let Some((at, address)) = text(node, &path)
            && !Url::parse(address).is_ok_and(|it| matches!(it.scheme(), "https" | "http"))
        {
            tell(&at.span, format!("expected the address of a page (https://...), not \"{address}\""));
        }
    }
    tell_nameless(node.at(&["notify", "slack"]), "a Slack channel", tell);
    tell_nameless(node.at(&["notify", "webhook"]), "a webhook", tell);
    tell_nameless(node.at(&["interview", "event"]), "an event", tell);
    if let Some((at, name)) = text(node, &["notify", "webhook"])
        && !name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'))
    {
        let message = "expected a name, not an address: addresses of webhooks are secrets and stand in the variable \
                       FLAGLINE_WEBHOOK_<NAME>";
        tell(&at.span, message.into());
    }
    let metrics = node.get("metric").into_iter().chain(list(node, "secondary"));
    for by in metrics.filter_map(|it| it.get("by")) {
        let is_day = |it: &str| it.parse::<Date>().is_ok();
        if by.as_str().is_some_and(|it| it.len() == 10 && !is_day(it)) {
            tell(&by.span, "there is no such day".into());
        }
    }
}

/// Whether a text is somebody's e-mail address.
pub fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.chars().any(char::is_whitespace)
    })
}

fn check_metrics(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    for metric in node.get("metric").into_iter().chain(list(node, "secondary")) {
        for event in list(metric, "events") {
            tell_nameless(Some(event.get("event").unwrap_or(event)), "an event", tell);
            check_properties(list(event, "properties"), tell);
        }
        check_target(metric, tell);
        let n_events = list(metric, "events").len();
        let span = &metric.get("events").unwrap_or(metric).span;
        let message = match metric.get("kind").and_then(Node::as_str) {
            Some("trend") if n_events != 1 => "a trend is of one event: events = [\"...\"]",
            Some("funnel") if n_events == 0 => "a funnel has at least one event after meeting the feature",
            Some("retention") if n_events > 1 => "coming back is one event",
            _ => continue,
        };
        tell(span, message.into());
    }
}

/// What can be reached: of a share, a percentage. Only a trend counts.
fn check_target(metric: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let is_share = matches!(metric.get("kind").and_then(Node::as_str), Some("funnel" | "retention"));
    if let Some(count) = metric.get("count").filter(|_| is_share) {
        tell(&count.span, "count belongs to a trend".into());
    }
    let Some((at, target)) = metric.get("target").and_then(|it| Some((it, it.as_f64()?))) else { return };
    match target {
        it if it.is_finite() && it < 0.0 => {
            tell(&at.span, format!("expected a number of at least 0, not {it}"))
        }
        it if is_share && it.is_finite() && it > 100.0 => {
            tell(&at.span, format!("this is percent of the people, of whom there are 100 at most, not {it}"));
        }
        _ => {}
    }
}

/// Tells of a name that says nothing.
fn tell_nameless(node: Option<&Node>, what: &str, tell: &mut impl FnMut(&Range<usize>, String)) {
    if let Some(node) = node.filter(|it| is_blank(it)) {
        tell(&node.span, format!("expected the name of {what}"));
    }
}

fn check_guards(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    for guard in list(node, "guard") {
        match (guard.get("above"), guard.get("below")) {
            (None, None) => tell(&guard.span, "a guard needs a threshold: above or below".into()),
            (Some(_), Some(below)) => tell(&below.span, "a guard has one threshold: above or below".into()),
            _ => check_threshold(guard, tell),
        }
        tell_nameless(guard.get("metric"), "an event, or exceptions", tell);
        if let Some((at, "control")) = text(guard, &["baseline"])
            && text(node, &["release"]).map(|it| it.1) != Some("ab-test")
        {
            tell(&at.span, "only an A/B test has a control; compare with \"before\"".into());
        }
    }
}

/// A threshold that no number crosses, or every one does.
fn check_threshold(guard: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let number =
        |name: &str| guard.get(name).and_then(|it| Some((it, it.as_f64()?))).filter(|it| it.1.is_finite());
    // Without a baseline it is percent of the people.
    let is_share = guard.get("baseline").is_none();
    if let Some((at, _)) = number("above").filter(|it| is_share && it.1 >= 100.0) {
        let hint = "for so many times what is usual, add baseline = \"before\"";
        tell(
            &at.span,
            format!("more than 100 % of the people never is: the guard would stop nothing; {hint}"),
        );
    }
    match number("below") {
        Some((at, it)) if it <= 0.0 => {
            tell(&at.span, "less than nothing never is: the guard would stop nothing".into());
        }
        Some((at, it)) if is_share && it > 100.0 => {
            tell(&at.span, "less than that always is: the guard would stop everything".into());
        }
        _ => {}
    }
}

/// What belongs to one kind of release only.
fn check_release(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let variants = list(node, "variant");
    if text(node, &["release"]).map(|it| it.1) != Some("ab-test") {
        if let Some(first) = variants.first() {
            tell(&first.span, "variants belong to an A/B test: release = \"ab-test\"".into());
        }
        return;
    }
    let release = node.get("release").unwrap_or(node);
    if node.get("metric").is_none() {
        tell(&release.span, "an A/B test needs a metric that decides it".into());
    }
    if let Some(at) = node.get("early_access") {
        tell(&at.span, "PostHog has no early access to flags with variants".into());
    }
    let key = |it: &&Node| it.get("key").and_then(Node::as_str).map(str::to_owned);
    let mut keys = BTreeSet::new();
    for variant in variants {
        tell_nameless(variant.get("key"), "a variant", tell);
        if let Some(name) = key(&variant)
            && !keys.insert(name)
        {
            tell(&variant.get("key").unwrap_or(variant).span, "two variants have this key".into());
        }
    }
    let Some(first) = variants.first() else { return };
    if variants.len() < 2 || variants.len() > 20 {
        tell(&first.span, "an A/B test has 2 to 20 variants".into());
    }
    if !keys.contains("control") {
        tell(&first.span, "one variant must have the key \"control\"".into());
    }
    let percents: Option<Vec<f64>> =
        variants.iter().map(|it| it.get("percent").and_then(Node::as_f64)).collect();
    if let Some(sum) = percents.map(|it| it.iter().sum::<f64>()).filter(|it| (it - 100.0).abs() > 0.001) {
        tell(&first.span, format!("the percentages of the variants make {sum}, not 100"));
    }
}

/// What can be written in one of two places, or names something of the brief.
fn check_choices(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let stages = list(node, "stage");
    if let Some(plan) = node.get("plan").filter(|_| !stages.is_empty()) {
        tell(&plan.span, "the brief has stages of its own, so that it follows no other plan".into());
    }
    if let Some((at, wanted)) = text(node, &["interview", "stage"])
        && !stages.is_empty()
    {
        let names = stages.iter().filter_map(|it| text(it, &["name"])).map(|it| it.1.trim());
        if !names.clone().any(|it| it == wanted.trim()) {
            tell(&at.span, no_stage(None, wanted, names));
        }
    }
    if let Some((at, _)) = text(node, &["notify", "webhook_in_posthog"]) {
        tell(&at.span, "expected true or false".into());
    }
    let notify = |name: &str| node.at(&["notify", name]);
    let is_true = |name: &str| notify(name).is_some_and(|it| it.is_true());
    if let Some(at) = notify("flag_changes").filter(|_| is_true("flag_changes"))
        && notify("slack").is_none()
        && !(notify("webhook").is_some() && is_true("webhook_in_posthog"))
    {
        tell(
            &at.span,
            "changes are told by PostHog: name a Slack channel, or a webhook with webhook_in_posthog = true"
                .into(),
        );
    }
}
