use jiff::Timestamp;

use super::staleness::walk_back;
use super::{Stage, StageName, stage};
use crate::flags::{Filters, Flag, History, ReleaseCondition};

/// A stage of the plan that a flag follows, as its conditions say it.
#[derive(Debug, Clone, PartialEq)]
pub struct StageLine {
    /// `internal`, `beta`, ...
    pub name: String,
    /// The largest percentage of its conditions, 0 to 100.
    pub percent: f64,
    /// Whether it is the last one that is open.
    pub current: bool,
    /// Why it was stopped.
    pub stopped: Option<String>,
}

/// All stages of a flag's plan in their order; empty without a plan.
pub fn stages(filters: &Filters) -> Vec<StageLine> {
    let mut named: Vec<(StageName, &ReleaseCondition)> = filters
        .groups
        .iter()
        .filter_map(|it| Some((StageName::parse(it.description.as_deref()?)?, it)))
        .collect();
    named.sort_by_key(|it| it.0.number);
    let current = named.iter().rfind(|it| it.1.percent() > 0.0).map(|it| it.0.number);
    let mut lines: Vec<(u32, StageLine)> = Vec::new();
    for (name, condition) in named {
        let (percent, stopped) = (condition.percent(), stopped(condition));
        match lines.last_mut().filter(|it| it.0 == name.number) {
            Some((_, line)) => {
                line.percent = line.percent.max(percent);
                line.stopped = line.stopped.take().or(stopped);
            }
            None => {
                let current = current == Some(name.number);
                lines.push((name.number, StageLine { name: name.name, percent, current, stopped }));
            }
        }
    }
    lines.into_iter().map(|it| it.1).collect()
}

/// The reason that stands behind ` · stopped:` in a condition's description.
fn stopped(condition: &ReleaseCondition) -> Option<String> {
    let remarks = condition.description.as_deref()?.split(" · ").skip(1);
    remarks
        .filter_map(|it| it.trim().strip_prefix("stopped"))
        .map(|it| it.trim_start_matches(':').trim().to_owned())
        .next()
}

/// When a flag came where its rollout stands, and who took it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at: Timestamp,
    /// By whom; `None` = the system, or its maker.
    pub by: Option<String>,
}

/// Since when a flag's rollout stands where it does: the last change that moved it, by the activity log.
pub fn arrived(flag: &Flag, history: &History) -> Option<Arrived> {
    let now = stage(flag, Some(history));
    let last = walk_back(flag, history, |entry, before| {
        moved(&stage(before, None), &now).then(|| Arrived { at: entry.at, by: entry.by.clone() })
    });
    if last.is_some() {
        return last;
    }
    let at = flag.created_at.filter(|_| history.complete)?;
    Some(Arrived { at, by: flag.created_by.as_ref().map(|it| it.display().to_owned()) })
}

/// Since when the stage is open that a flag's rollout has reached, at whatever percentage; `None` where no stage of a
/// plan is, or where the activity log does not say.
pub fn opened(flag: &Flag, history: &History) -> Option<Timestamp> {
    let planned = |it: Stage| match it {
        Stage::Planned { name, .. } => Some(name),
        _ => None,
    };
    let now = planned(stage(flag, Some(history)))?;
    // When its plan changes, a stage gets another number or another name.
    let is_same = |it: &StageName| it.number == now.number || it.name == now.name;
    let changed = walk_back(flag, history, |entry, before| {
        (!planned(stage(before, None)).is_some_and(|it| is_same(&it))).then_some(entry.at)
    });
    changed.or_else(|| flag.created_at.filter(|_| history.complete))
}

/// A change that took a rollout somewhere else, or stopped it.
#[derive(Debug, Clone, PartialEq)]
pub struct Milestone {
    /// When.
    pub at: Timestamp,
    /// What it came to, in a few words: `entered beta`, `stopped in beta: 12 exceptions`.
    pub words: String,
}

/// Every stage that a flag entered, and every stop, oldest first, as far as its history goes. Steps of percent inside of
/// a stage are none.
pub fn milestones(flag: &Flag, history: &History) -> Vec<Milestone> {
    let mut moves = Vec::new();
    let mut after = standing(flag);
    walk_back(flag, history, |entry, before| {
        let before = standing(before);
        moves.extend(moved_words(&before, &after).map(|words| Milestone { at: entry.at, words }));
        after = before;
        None::<()>
    });
    moves.reverse();
    moves
}

/// Where a flag stands, and why it was stopped there.
fn standing(flag: &Flag) -> (Stage, Option<String>) {
    let stopped = flag.filters().and_then(|it| stages(&it).into_iter().find_map(|it| it.stopped));
    (stage(flag, None), stopped)
}

fn moved_words(before: &(Stage, Option<String>), after: &(Stage, Option<String>)) -> Option<String> {
    let place = |it: &Stage| match it {
        Stage::Planned { name, .. } => name.name.clone(),
        other => other.to_string(),
    };
    match (&before.1, &after.1) {
        (None, Some(why)) if is_gone(&after.0) => {
            let what = if is_gone(&before.0) { "stopped" } else { "switched off" };
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            return Some(format!("{what}{why}"));
        }
        (None, Some(why)) if why.is_empty() => return Some(format!("stopped in {}", place(&after.0))),
        (None, Some(why)) => return Some(format!("stopped in {}: {why}", place(&after.0))),
        (Some(_), None) if place(&before.0) == place(&after.0) => {
            return Some(format!("went on in {}", place(&after.0)));
        }
        _ => {}
    }
    if place(&before.0) == place(&after.0) || !moved(&before.0, &after.0) {
        return None;
    }
    Some(match &after.0 {
        Stage::Off | Stage::NotLaunched => "switched off".into(),
        Stage::Everyone(_) => "reached everyone".into(),
        Stage::Archived => "archived".into(),
        Stage::Deleted => "deleted".into(),
        Stage::Planned { name, .. } if is_gone(&before.0) => format!("opened to {}", name.name),
        Stage::Planned { name, .. } => format!("entered {}", name.name),
        other if is_gone(&before.0) => format!("opened: {other}"),
        other => format!("changed to {other}"),
    })
}

/// Whether nobody got anything.
fn is_gone(stage: &Stage) -> bool {
    matches!(stage, Stage::Off | Stage::NotLaunched | Stage::Archived | Stage::Deleted)
}

/// Whether a rollout stood somewhere else. Without its history a flag that is off may never have been launched.
fn moved(before: &Stage, now: &Stage) -> bool {
    let off = |it: &Stage| matches!(it, Stage::Off | Stage::NotLaunched);
    before != now && !(off(before) && off(now))
}

#[cfg(test)]
mod tests {
    use super::super::staleness::tests::{day, entry, flag, history};
    use super::*;

    const PLAN: &str = r#"{"groups":[
        {"description":"1/3 internal","rollout_percentage":100,"properties":[{"key":"a","value":1}]},
        {"description":"2/3 beta · stopped: 12 exceptions","rollout_percentage":40,"properties":[{"key":"b","value":1}]},
        {"description":"2/3 beta","rollout_percentage":10,"properties":[{"key":"c","value":1}]},
        {"description":"3/3 everyone","rollout_percentage":0}]}"#;

    #[test]
    fn every_stage_of_a_plan() {
        let filters = flag(true, PLAN).filters().unwrap();
        let lines: Vec<_> =
            stages(&filters).into_iter().map(|it| (it.name, it.percent, it.current, it.stopped)).collect();
        assert_eq!(
            lines,
            [
                ("internal".into(), 100.0, false, None),
                ("beta".into(), 40.0, true, Some("12 exceptions".into())),
                ("everyone".into(), 0.0, false, None),
            ]
        );
        assert_eq!(stages(&Filters::default()), []);
    }

    #[test]
    fn arrived_by_the_last_change_that_moved_it() {
        let narrower = PLAN.replace("\"rollout_percentage\":40", "\"rollout_percentage\":20");
        let reworded = PLAN.replace("12 exceptions", "errors");
        let steps = vec![
            entry("2026-05-03", None, Some(&reworded)),
            entry("2026-05-02", None, Some(&narrower)),
            entry("2026-05-01", Some(false), None),
        ];
        let got = arrived(&flag(true, PLAN), &history(steps, false));
        assert_eq!(got, Some(Arrived { at: day("2026-05-02"), by: Some("Ada".into()) }));
        assert_eq!(arrived(&flag(true, PLAN), &history(vec![], false)), None);
        let made = arrived(&flag(true, PLAN), &history(vec![], true)).map(|it| it.at);
        assert_eq!(made, Some(day("2026-01-01")));
    }

    #[test]
    fn stages_that_were_entered_and_stops_in_their_order() {
        let running = PLAN.replace(" · stopped: 12 exceptions", "");
        let narrower = running.replace("\"rollout_percentage\":40", "\"rollout_percentage\":20");
        let internal = narrower.replace("\"rollout_percentage\":20", "\"rollout_percentage\":0");
        let internal = internal.replace("\"rollout_percentage\":10,", "\"rollout_percentage\":0,");
        let steps = vec![
            entry("2026-05-06", None, Some(PLAN)),
            entry("2026-05-05", None, Some(&running)),
            entry("2026-05-04", None, Some(&narrower)),
            entry("2026-05-03", None, Some(&internal)),
            entry("2026-05-02", Some(false), None),
        ];
        let told = |flag: &Flag| {
            let moves = milestones(flag, &history(steps.clone(), false));
            moves
                .into_iter()
                .map(|it| format!("{} {}", &it.at.to_string()[8..10], it.words))
                .collect::<Vec<_>>()
        };
        let so_far = ["02 opened to internal", "03 entered beta", "05 stopped in beta: 12 exceptions"];
        assert_eq!(told(&flag(true, PLAN)), so_far);
        assert_eq!(told(&flag(true, &running)), [&so_far[..], &["06 went on in beta"]].concat());
        let full = r#"{"groups":[{"rollout_percentage":100}]}"#;
        assert_eq!(told(&flag(true, full)), [&so_far[..], &["06 reached everyone"]].concat());
        let off = [vec![entry("2026-05-07", Some(true), None)], steps.clone()].concat();
        let last = milestones(&flag(false, PLAN), &history(off, false)).pop().map(|it| it.words);
        assert_eq!(last.as_deref(), Some("switched off"));
        // A stop that switches the flag off.
        let stop = vec![entry("2026-05-06", Some(true), Some(&running))];
        let stop = milestones(&flag(false, PLAN), &history(stop, false)).pop().map(|it| it.words);
        assert_eq!(stop.as_deref(), Some("switched off: 12 exceptions"));
    }

    #[test]
    fn a_stage_is_open_since_it_was_reached_whatever_its_percentage() {
        let narrower = PLAN.replace("\"rollout_percentage\":40", "\"rollout_percentage\":20");
        let shut = PLAN.replace("\"rollout_percentage\":40", "\"rollout_percentage\":0");
        let shut = shut.replace("\"rollout_percentage\":10,", "\"rollout_percentage\":0,");
        let steps = vec![
            entry("2026-05-03", None, Some(&narrower)),
            entry("2026-05-02", None, Some(&shut)),
            entry("2026-05-01", Some(false), None),
        ];
        assert_eq!(opened(&flag(true, PLAN), &history(steps, true)), Some(day("2026-05-02")));
        assert_eq!(opened(&flag(true, PLAN), &history(vec![], false)), None);
        assert_eq!(opened(&flag(true, r#"{"groups":[{}]}"#), &history(vec![], true)), None);
    }
}
