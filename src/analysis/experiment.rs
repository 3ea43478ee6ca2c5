//! How a running experiment goes, in two lines.

use jiff::Timestamp;

use super::card::Details;
use super::hover::{Page, people};
use super::markup::ago;
use crate::flags::{Certainty, Compared, Comparison, Experiment, KeyMetric, Lacking, Outcome};

/// Adds what is known of a running experiment's result: the numbers, and what can be made of them.
pub(super) fn result(page: &mut Page, experiment: &Experiment, details: &Details, now: Timestamp) {
    if !experiment.is_running() {
        return;
    }
    let title = match &experiment.metric {
        KeyMetric::Missing => return page.paragraph("It has no metric, so there is no result"),
        KeyMetric::Described { title, .. } => title,
        KeyMetric::InFilters => "Its metric",
    };
    let Some(result) = details.results.get(&experiment.id) else { return };
    match &result.outcome {
        // What the key may not ask is said where exposure is missing.
        Outcome::CannotTell(why) if details.exposure_trouble.as_ref() == Some(why) => {
            page.paragraph("Its result cannot be told either");
        }
        Outcome::CannotTell(why) => {
            page.paragraph(&format!("Its result cannot be told: {}", page.escape(why)));
        }
        Outcome::Compared(comparison) => {
            page.paragraph(&numbers(page, title, comparison, &ago(result.computed_at, now)));
            page.paragraph(&verdict(page, comparison));
        }
    }
}

/// "purchase per person, computed 5 minutes ago: control 104 people · yearly 98 people, +12.3 % (-3.1 to +27.7 %)"
fn numbers(page: &Page, title: &str, it: &Comparison, age: &str) -> String {
    let variant = |it: &Compared| {
        let difference = it.difference.map(|it| format!(", {} %", percent(it))).unwrap_or_default();
        let interval = it.interval.map(|(low, high)| format!(" ({} to {} %)", percent(low), percent(high)));
        let who = people(it.sample.people);
        format!("{} {who}{difference}{}", page.bold(&it.sample.variant), interval.unwrap_or_default())
    };
    let baseline = format!("{} {}", page.bold(&it.baseline.variant), people(it.baseline.people));
    let all: Vec<String> = std::iter::once(baseline).chain(it.variants.iter().map(variant)).collect();
    format!("{}, computed {age}: {}", page.escape(title), all.join(" · "))
}

/// What can be made of the numbers.
fn verdict(page: &Page, it: &Comparison) -> String {
    let said: Vec<&Compared> = it.variants.iter().filter(|it| it.significant.is_some()).collect();
    if said.is_empty() {
        let why = first_lack(page, it).map(|it| format!(": {it}")).unwrap_or_default();
        return format!("Too early to tell{why}");
    }
    let name = |it: &&Compared| format!("{}{}", page.escape(&it.sample.variant), certainty(it));
    let of = |wanted: bool| -> Vec<String> {
        said.iter().filter(|it| it.significant == Some(wanted)).map(name).collect()
    };
    let early = it.variants.iter().filter(|it| it.significant.is_none());
    let early: Vec<String> = early.map(|it| page.escape(&it.sample.variant)).collect();
    let parts = [("Significant", of(true)), ("Not significant", of(false)), ("Too early to tell", early)];
    let parts = parts.into_iter().filter(|it| !it.1.is_empty());
    parts.map(|(what, names)| format!("{what}: {}", names.join(", "))).collect::<Vec<_>>().join(" · ")
}

/// What lacks first before anything can be said, and with which variants: while people are few, what they did says
/// little.
fn first_lack(page: &Page, it: &Comparison) -> Option<String> {
    let baseline = it.baseline_lacks.iter().map(|lack| (lack, &it.baseline.variant));
    let others = it.variants.iter().flat_map(|it| it.lacks.iter().map(|lack| (lack, &it.sample.variant)));
    let all: Vec<(&Lacking, &String)> = baseline.chain(others).collect();
    let order = |it: &Lacking| match it {
        Lacking::People => 0,
        Lacking::MetricData => 1,
        Lacking::Baseline => 2,
        Lacking::Other(_) => 3,
    };
    let (first, _) = all.iter().min_by_key(|it| order(it.0))?;
    let with: Vec<String> = all.iter().filter(|it| it.0 == *first).map(|it| page.escape(it.1)).collect();
    let with = with.join(" and ");
    Some(match first {
        Lacking::People => format!("fewer than 50 people with {with}"),
        Lacking::MetricData => format!("too few did it with {with}"),
        Lacking::Baseline => format!("nobody did it with {with}"),
        Lacking::Other(it) => format!("{} ({with})", page.escape(it)),
    })
}

fn certainty(it: &Compared) -> String {
    match it.certainty {
        Some(Certainty::ChanceToWin(it)) => format!(" wins with {}", share(it)),
        Some(Certainty::PValue(it)) if it < 0.001 => " (p < 0.001)".to_owned(),
        Some(Certainty::PValue(it)) => format!(" (p = {it:.3})"),
        None => String::new(),
    }
}

/// A probability; none is told as certain.
fn share(it: f64) -> String {
    match it * 100.0 {
        percent if percent > 99.0 => "more than 99 %".to_owned(),
        percent if percent < 1.0 => "less than 1 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// 0.123 as +12.3
fn percent(it: f64) -> String {
    let rounded = (it * 1000.0).round() / 10.0;
    // There is no -0.0.
    format!("{:+.1}", if rounded == 0.0 { 0.0 } else { rounded })
}
