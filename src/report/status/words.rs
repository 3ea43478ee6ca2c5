//! The words that table and page share.

use jiff::Timestamp;

use super::StatusReport;
use crate::analysis::status::{Age, FeatureStatus, People, Place};
use crate::analysis::{ago, day};
use crate::feature::brief::{Metric, Outcome, Release};
use crate::feature::{Coming, time};
use crate::flags::Access;

/// The places in their order, with their headings.
pub(super) const PLACES: [(Place, &str); 8] = [
    (Place::Running, "Running"),
    (Place::NotLaunched, "Not launched"),
    (Place::Everyone, "Everyone has it"),
    (Place::CleanUp, "To clean up"),
    (Place::Off, "Switched off"),
    (Place::Gone, "Archived or deleted"),
    (Place::Unknown, "Not in PostHog"),
    (Place::NotLoaded, "Not loaded"),
];

/// The project, and as of when its flags are known; or why they are not.
pub(super) fn source(report: &StatusReport) -> String {
    let Some(environment) = report.environment else { return "No environment is configured".into() };
    let project = match &environment.project {
        Some(project) => project.name.to_string(),
        None => environment.host.to_string(),
    };
    match &environment.flags {
        Some(list) => format!("{project}, flags as of {}", ago(list.fetched_at, report.now)),
        None => format!("{project}, flags not loaded"),
    }
}

/// What stands in the way of newer or fuller data: a sentence each.
pub(super) fn troubles(report: &StatusReport) -> Vec<String> {
    let Some(environment) = report.environment else { return Vec::new() };
    let is_loaded = environment.flags.is_some();
    let mut all = Vec::new();
    match (environment.access, is_loaded) {
        (Access::SignedOut, false) => all.push(format!(
            "not signed in to {}: only briefs and reads are known; sign in with `flagline login`",
            environment.host
        )),
        (Access::SignedOut, true) => all.push(format!(
            "not signed in to {}: this is the copy on this machine; sign in with `flagline login`",
            environment.host
        )),
        (_, false) => {
            let why =
                environment.trouble.as_deref().unwrap_or("there is no copy of its flags on this machine");
            all.push(format!("only briefs and reads are known: {why}"));
        }
        (_, true) => all.extend(environment.trouble.as_deref().map(str::to_owned)),
    }
    let parts = [
        ("who is exposed", &environment.exposure_trouble),
        ("who met features since their stage was opened", &environment.evidence_trouble),
        ("since when", &environment.history_trouble),
        ("experiments", &environment.experiments_trouble),
    ];
    for (what, why) in parts {
        all.extend(why.as_deref().filter(|_| is_loaded).map(|why| format!("{what}: {why}")));
    }
    all
}

/// "7 features, 2 of them without a brief"
pub(super) fn count(features: &[FeatureStatus]) -> String {
    let all = match features.len() {
        1 => "1 feature".to_owned(),
        n => format!("{n} features"),
    };
    match features.iter().filter(|it| it.brief.is_none()).count() {
        0 => all,
        n if n == features.len() => format!("{all} without a brief"),
        n => format!("{all}, {n} of them without a brief"),
    }
}

/// "1,245 people", "nobody", "cannot tell"
pub(super) fn people(people: &People) -> String {
    match people {
        People::Nobody => "nobody".into(),
        People::NotLoaded => "not loaded".into(),
        People::CannotTell(_) => "cannot tell".into(),
        People::Counted { people: 0, .. } => "nobody".into(),
        People::Counted { people: 1, .. } => "1 person".into(),
        People::Counted { people, .. } => format!("{} people", number(*people)),
    }
}

/// "26 people in the last 7 days (on 26, off 279), last seen 3 min ago", or why it cannot be told.
pub(super) fn people_more(it: &People, now: Timestamp) -> String {
    match it {
        People::Nobody | People::NotLoaded => people(it),
        People::CannotTell(why) => format!("cannot tell: {why}"),
        People::Counted { variants, days, last_seen, .. } => {
            let by: Vec<String> =
                variants.iter().map(|it| format!("{} {}", it.name, number(it.people))).collect();
            let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
            let days = if *days == 1 { "day".to_owned() } else { format!("{days} days") };
            let seen = last_seen.map_or("never seen".to_owned(), |at| format!("last seen {}", ago(at, now)));
            format!("{} in the last {days}{by}, {seen}", people(it))
        }
    }
}

/// "made 20 days ago, there since 25 Nov 2026"
pub(super) fn age(age: &Age, now: Timestamp) -> Option<String> {
    let span = |at: Timestamp| ago(at, now).trim_end_matches(" ago").to_owned();
    let made = age.created.map(|it| format!("made {}", ago(it, now)));
    let stands = match (age.constant, age.arrived.filter(|it| age.created.is_none_or(|made| *it > made))) {
        (Some((at, true)), _) | (None, Some(at)) => Some(format!("there since {}", day(at))),
        (Some((at, false)), _) => Some(format!("there for at least {}", span(at))),
        (None, None) => None,
    };
    let all: Vec<String> = made.into_iter().chain(stands).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// "purchase: at least 12 a week for each hundred people, by 28 Feb 2027"
pub(in crate::report) fn metric(it: &Metric) -> String {
    match it.target {
        Some(_) => it.words(),
        None => format!("{}, without a target", it.title()),
    }
}

/// "nailed, 41 % paid"
pub(in crate::report) fn outcome(it: &Outcome) -> String {
    it.to_string()
}

/// "beta, on 8 Jun 2026 by Ada: too many exceptions"; why is left out where what comes next says it.
pub(super) fn stopped(it: &FeatureStatus) -> Option<String> {
    let stop = it.forecast.as_ref()?.stopped.as_ref()?;
    let when = match &stop.since {
        Some((at, Some(by))) => format!(", on {} by {by}", day(*at)),
        Some((at, None)) => format!(", on {}", day(*at)),
        None => String::new(),
    };
    let is_told = stop.reason.is_empty() || it.next.words.contains(&stop.reason);
    let why = if is_told { String::new() } else { format!(": {}", stop.reason) };
    let leaks = if stop.leaks { "; PostHog opened it again by itself" } else { "" };
    Some(format!("{}{when}{why}{leaks}", stop.stage))
}

/// What PostHog will do by itself, a sentence each: "on 28 Nov 2026, 10:00 UTC it goes to beta 50 %"
pub(super) fn coming(it: &FeatureStatus) -> Vec<String> {
    let all = it.forecast.iter().flat_map(|it| &it.coming);
    let sentence = |it: &Coming| {
        let against = it.against.as_ref().map(|why| format!(", but {why}")).unwrap_or_default();
        format!("on {} it {}{against}", time(it.at), it.words)
    };
    all.map(sentence).collect()
}

/// What is not as the plan says.
pub(super) fn drift(it: &FeatureStatus) -> Option<String> {
    let drift = &it.forecast.as_ref()?.drift;
    (!drift.is_empty()).then(|| drift.join("; "))
}

/// How a feature reaches people.
pub(super) fn release(it: Option<Release>) -> &'static str {
    match it {
        Some(Release::AutoRollout) => "staged rollout",
        Some(Release::AbTest) => "A/B test",
        None => "flag without a brief",
    }
}

/// "1 read", "3 reads"
pub(super) fn reads(n: usize) -> String {
    if n == 1 { "1 read".into() } else { format!("{n} reads") }
}

/// "1 of 3 done: load test; translations"
pub(super) fn to_do(it: &FeatureStatus) -> Option<String> {
    let all = it.to_do.len() + it.n_done;
    (all > 0).then(|| match it.to_do.is_empty() {
        true => all_done(all),
        false => format!("{} of {all} done; open: {}", it.n_done, it.to_do.join("; ")),
    })
}

/// "all 3 done"
pub(super) fn all_done(all: usize) -> String {
    if all == 1 { "1 of 1 done".into() } else { format!("all {all} done") }
}

/// 12345 as 12,345.
pub(in crate::report) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}
