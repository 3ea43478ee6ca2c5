//! The retrospective that a team pastes into its notes: what happened in a time, and what waits for whom.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{StatusReport, words};
use crate::analysis::status::{FeatureStatus, Next, People, Place, Rollout};
use crate::analysis::{day, escaped, plain};
use crate::feature::{Period, Stage};
use crate::report::relative;

/// Where a feature is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    ReachedEveryone,
    Launched,
    OnItsWay,
    Blocked,
    Finished,
    ToRemove,
}

const SECTIONS: [(Section, &str); 6] = [
    (Section::ReachedEveryone, "Reached everyone"),
    (Section::Launched, "Launched"),
    (Section::OnItsWay, "On their way"),
    (Section::Blocked, "Stopped or blocked"),
    (Section::Finished, "Finished"),
    (Section::ToRemove, "To remove from the code"),
];

/// All features in which something happened in the last while, or which wait for something, a section a group; the
/// others in a line. Whatever people wrote is text in it.
pub fn status_markdown(report: &StatusReport, period: Period) -> String {
    let since = report.now.checked_sub(period.duration()).unwrap_or(report.now);
    let mut text = format!("# {} to {}: {}\n", day(since), day(report.now), escaped(&project(report)));
    for trouble in words::troubles(report) {
        let _ = write!(text, "\n> {}\n", escaped(&trouble));
    }
    let features = &report.status.features;
    for (section, title) in SECTIONS {
        let of_section: Vec<&FeatureStatus> =
            features.iter().filter(|it| self::section(it, since) == Some(section)).collect();
        if !of_section.is_empty() {
            let _ = write!(text, "\n## {title}\n");
        }
        for it in of_section {
            feature(&mut text, it, since);
        }
    }
    rest(&mut text, features, since);
    for it in &report.status.problems {
        let path = relative(&it.path, report.directory);
        let _ = write!(text, "\n> {}\n", escaped(&format!("{path}: {}", it.message)));
    }
    text
}

fn project(report: &StatusReport) -> String {
    match report.environment {
        Some(environment) => match &environment.project {
            Some(project) => project.name.to_string(),
            None => environment.host.to_string(),
        },
        None => "no environment is configured".into(),
    }
}

/// Where a feature is told; `None` = in a line at the end.
fn section(it: &FeatureStatus, since: Timestamp) -> Option<Section> {
    let happened = it.happened.iter().any(|it| it.at >= since);
    let reached = it.age.constant.is_some_and(|(at, exact)| exact && at >= since);
    let is_on = matches!(it.rollout, Rollout::Known(Stage::Everyone(_)));
    match it.place {
        Place::Everyone | Place::CleanUp if is_on && reached => Some(Section::ReachedEveryone),
        Place::CleanUp => Some(Section::ToRemove),
        Place::Running if is_blocked(it) => Some(Section::Blocked),
        Place::Running if happened && is_new(it, since) => Some(Section::Launched),
        Place::Running if happened || it.gate.is_some() || it.next.at.is_some() => Some(Section::OnItsWay),
        // Switched off by a stop, it goes on by a person.
        Place::Off | Place::NotLaunched if it.stopped.is_some() => Some(Section::Blocked),
        Place::Everyone | Place::Off if happened || is_waiting(&it.next) => Some(Section::Finished),
        Place::Gone if happened => Some(Section::Finished),
        _ => None,
    }
}

/// Whether nothing goes on without a person.
fn is_blocked(it: &FeatureStatus) -> bool {
    let is_custom = matches!(it.rollout, Rollout::Known(Stage::Planned { custom: true, .. }));
    it.stopped.is_some() || is_custom || is_waiting(&it.next)
}

fn is_waiting(next: &Next) -> bool {
    next.command.is_some()
}

/// Whether its first stage was entered in the period.
fn is_new(it: &FeatureStatus, since: Timestamp) -> bool {
    it.happened.first().is_some_and(|first| first.at >= since)
}

fn feature(text: &mut String, it: &FeatureStatus, since: Timestamp) {
    let key = code(it.key.as_str());
    let title = match it.title == it.key.as_str() {
        true => key,
        false => format!("{} ({key})", escaped(&it.title)),
    };
    let _ = write!(text, "\n### {title}\n\n");
    let mut line = |label: &str, words: Option<String>| {
        if let Some(words) = words.filter(|it| !it.is_empty()) {
            let _ = writeln!(text, "- **{label}:** {words}");
        }
    };
    line("Goal", goal(it));
    line("Owner", it.owner.as_deref().map(escaped));
    match &it.outcome {
        Some(outcome) => line("Outcome", Some(escaped(&words::outcome(outcome)))),
        None => line("State", Some(escaped(&state(it)))),
    }
    line("Happened", happened(it, since));
    line("Blocked by", blocks(it));
    line("Next", next(it));
    line("To remove", to_remove(it));
    let links: Vec<String> =
        it.links.iter().map(|it| format!("[{}]({})", escaped(&it.title), it.url)).collect();
    line("Pages", (!links.is_empty()).then(|| links.join(", ")));
}

/// `Who sees a project buys more of it. Purchases: at least 30 a week for each hundred people`
fn goal(it: &FeatureStatus) -> Option<String> {
    let hypothesis = it.hypothesis.as_deref().map(|it| {
        let it = it.trim();
        let end = if it.ends_with(['.', '!', '?']) { "" } else { "." };
        format!("{it}{end}")
    });
    let all: Vec<String> = hypothesis.into_iter().chain(it.metric.as_ref().map(words::metric)).collect();
    (!all.is_empty()).then(|| escaped(&all.join(" ")))
}

fn state(it: &FeatureStatus) -> String {
    match &it.people {
        People::Counted { days, .. } => {
            format!("{}; {} in the last {days} days", it.stage_words(), words::people(&it.people))
        }
        People::Nobody | People::NotLoaded | People::CannotTell(_) => it.stage_words(),
    }
}

fn happened(it: &FeatureStatus, since: Timestamp) -> Option<String> {
    let told = it.happened.iter().filter(|it| it.at >= since);
    let all: Vec<String> = told.map(|it| format!("{} {}", day(it.at), escaped(&it.words))).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Why it was stopped, its gate, and what must be done before it can be lifted.
fn blocks(it: &FeatureStatus) -> Option<String> {
    let stopped = it.stopped.as_deref().map(|why| match why {
        "" => "stopped".to_owned(),
        why => format!("stopped: {why}"),
    });
    let gate = it.gate.as_ref().filter(|it| !it.automatic || it.is_waiting());
    let gate = gate.map(|it| format!("gate of {}: {}", it.stage, it.words()));
    let to_do = (!it.to_do.is_empty()).then(|| format!("before lifting: {}", it.to_do.join("; ")));
    let all: Vec<String> = [stopped, gate, to_do].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.iter().map(|it| escaped(it)).collect::<Vec<_>>().join("; "))
}

/// What comes next; what can be removed has a line of its own.
fn next(it: &FeatureStatus) -> Option<String> {
    if it.place == Place::CleanUp && it.to_do.is_empty() && it.outcome.is_some() {
        return None;
    }
    let words = escaped(&it.next.words);
    Some(match &it.next.command {
        Some(command) if it.place != Place::CleanUp => format!("{words}: {}", code(command)),
        _ => words,
    })
}

fn to_remove(it: &FeatureStatus) -> Option<String> {
    let clean_up = it.clean_up.as_ref()?;
    let command = clean_up.command.as_ref().map(|it| format!(": {}", code(it))).unwrap_or_default();
    Some(format!("{}{command}", words::reads(it.reads.len())))
}

/// The features of which there is nothing to tell.
fn rest(text: &mut String, features: &[FeatureStatus], since: Timestamp) {
    let quiet: Vec<&FeatureStatus> = features.iter().filter(|it| section(it, since).is_none()).collect();
    for (title, places) in [
        ("Not launched", &[Place::NotLaunched][..]),
        ("Nothing happened", &[Place::Running, Place::Everyone, Place::CleanUp, Place::Off, Place::Gone]),
        ("Not in PostHog", &[Place::Unknown]),
        ("Not loaded", &[Place::NotLoaded]),
    ] {
        let keys: Vec<String> =
            quiet.iter().filter(|it| places.contains(&it.place)).map(|it| code(it.key.as_str())).collect();
        if !keys.is_empty() {
            let _ = write!(text, "\n{title}: {}\n", keys.join(", "));
        }
    }
}

/// A text that stands between back ticks, whatever is in it.
fn code(text: &str) -> String {
    let text = plain(text);
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_code_whatever_is_in_it() {
        for (text, expect) in [("a-b", "`a-b`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\n<b>", "`a <b>`")]
        {
            assert_eq!(code(text), expect);
        }
    }
}
