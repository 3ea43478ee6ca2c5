use jiff::Timestamp;

use super::staleness::walk_back;
use super::{Remarks, Served, StageName, Value, served};
use crate::flags::{Flag, History};

/// Something that happened to a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// By whom; `None` = the system.
    pub by: Option<String>,
    /// What.
    pub what: Happened,
}

/// What happened to a rollout.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// A stage was opened that is later than those that were open.
    Entered {
        /// Its number, counted from 1.
        number: u32,
        /// Its name.
        stage: String,
        /// The percentage of its people.
        percent: f64,
        /// Whether nobody had the feature before.
        is_first: bool,
    },
    /// A stage was stopped.
    Stopped {
        /// Its name.
        stage: String,
        /// Why, possibly empty.
        reason: String,
    },
    /// A stop was lifted.
    Resumed {
        /// The stage's name.
        stage: String,
    },
    /// Everyone gets one value from here on.
    Constant(Value),
    /// It was switched off, and not by a stop.
    SwitchedOff {
        /// The last stage that was open; `None` = everyone had it.
        stage: Option<String>,
    },
}

/// What decides between two states of a rollout.
#[derive(Debug, PartialEq)]
struct State {
    served: Served,
    /// Whether it is archived or deleted, which switches it off as well.
    is_gone: bool,
    /// The last stage that is open: its name and percentage.
    open: Option<(StageName, f64)>,
    stopped: Option<(String, String)>,
}

/// What happened to a flag's rollout as far as its history says, newest first.
pub fn transitions(flag: &Flag, history: &History) -> Vec<Transition> {
    let mut after = state(flag);
    let mut found = Vec::new();
    walk_back(flag, history, |entry, before| {
        let before = state(before);
        for what in between(&before, &after) {
            found.push(Transition { at: entry.at, by: entry.by.clone(), what });
        }
        after = before;
        None::<()>
    });
    found
}

fn state(flag: &Flag) -> State {
    let is_on = flag.is_evaluated();
    let filters = flag.filters();
    let groups = filters.as_ref().map(|it| &it.groups[..]).unwrap_or_default();
    let named = || groups.iter().filter_map(|it| Some((it, Remarks::parse(it.description.as_deref()?)?)));
    let open = named().filter(|it| it.0.percent() > 0.0).max_by_key(|it| it.1.stage.number);
    State {
        is_gone: flag.archived || flag.deleted,
        open: open.filter(|_| is_on).map(|(condition, it)| (it.stage, condition.percent())),
        stopped: named().find_map(|(_, it)| Some((it.stage.name, it.stopped?))),
        served: served(is_on, filters.as_ref()),
    }
}

/// What made one state of the other; the last of them is the first that happened.
fn between(before: &State, after: &State) -> Vec<Happened> {
    let mut found = Vec::new();
    if let Served::Everyone(value) = &after.served
        && *value != Value::Off
        && before.served != after.served
    {
        // Whatever stage that opened is part of it.
        found.push(Happened::Constant(value.clone()));
    } else if let Some((stage, percent)) = &after.open
        && before.open.as_ref().is_none_or(|it| is_later(stage, &it.0))
    {
        found.push(Happened::Entered {
            number: stage.number,
            stage: stage.name.clone(),
            percent: *percent,
            is_first: before.open.is_none(),
        });
    }
    let off = Served::Everyone(Value::Off);
    if after.served == off && before.served != off && after.stopped.is_none() && !after.is_gone {
        let stage = before.open.as_ref().map(|it| it.0.name.clone());
        found.push(Happened::SwitchedOff { stage });
    }
    match (&before.stopped, &after.stopped) {
        (None, Some((stage, reason))) => {
            found.push(Happened::Stopped { stage: stage.clone(), reason: reason.clone() });
        }
        (Some((stage, _)), None) => found.push(Happened::Resumed { stage: stage.clone() }),
        _ => {}
    }
    found
}

/// Whether a stage comes after another one. One that only has another number, since its plan changed, is the same.
fn is_later(it: &StageName, other: &StageName) -> bool {
    it.number > other.number && it.name != other.name
}

#[cfg(test)]
mod tests {
    use super::super::staleness::tests::{day, entry, flag, history};
    use super::*;

    fn filters(internal: f64, beta: f64, everyone: f64, remark: &str) -> String {
        format!(
            r#"{{"groups":[
                {{"description":"1/3 internal","rollout_percentage":{internal},"properties":[{{"key":"a","value":1}}]}},
                {{"description":"2/3 beta{remark}","rollout_percentage":{beta},"properties":[{{"key":"b","value":1}}]}},
                {{"description":"3/3 everyone","rollout_percentage":{everyone}}}]}}"#
        )
    }

    #[test]
    fn a_whole_life_newest_first() {
        let stopped = " · stopped: exceptions";
        let entries = vec![
            entry("2026-05-08", None, Some(&filters(100.0, 100.0, 25.0, ""))),
            entry("2026-05-07", None, Some(&filters(100.0, 100.0, 0.0, ""))),
            entry("2026-05-06", None, Some(&filters(100.0, 10.0, 0.0, ""))),
            entry("2026-05-05", None, Some(&filters(100.0, 0.0, 0.0, ""))),
            entry("2026-05-04", None, Some(&filters(100.0, 0.0, 0.0, stopped))),
            entry("2026-05-03", None, Some(&filters(100.0, 10.0, 0.0, ""))),
            entry("2026-05-02", None, Some(&filters(100.0, 0.0, 0.0, ""))),
            entry("2026-05-01", Some(false), None),
        ];
        let life = transitions(&flag(true, &filters(100.0, 100.0, 100.0, "")), &history(entries, true));
        let entered = |day: &str, number, stage: &str, percent, is_first| {
            (day.to_owned(), Happened::Entered { number, stage: stage.into(), percent, is_first })
        };
        let told: Vec<_> =
            life.iter().map(|it| (it.at.to_string()[..10].to_owned(), it.what.clone())).collect();
        assert_eq!(
            told,
            [
                ("2026-05-08".to_owned(), Happened::Constant(Value::On)),
                entered("2026-05-07", 3, "everyone", 25.0, false),
                entered("2026-05-05", 2, "beta", 10.0, false),
                ("2026-05-04".to_owned(), Happened::Resumed { stage: "beta".into() }),
                (
                    "2026-05-03".to_owned(),
                    Happened::Stopped { stage: "beta".into(), reason: "exceptions".into() }
                ),
                entered("2026-05-02", 2, "beta", 10.0, false),
                entered("2026-05-01", 1, "internal", 100.0, true),
            ]
        );
        assert_eq!(life[0].by.as_deref(), Some("Ada"));
        assert_eq!(life.last().unwrap().at, day("2026-05-01"));
    }

    #[test]
    fn switched_off_by_hand_or_by_a_stop() {
        let on = filters(100.0, 10.0, 0.0, "");
        let off = |now: &str| {
            let entries = vec![entry("2026-05-03", Some(true), Some(&on))];
            let life = transitions(&flag(false, now), &history(entries, true));
            life.into_iter().next().unwrap().what
        };
        assert_eq!(off(&on), Happened::SwitchedOff { stage: Some("beta".into()) });
        let stopped = filters(100.0, 10.0, 0.0, " · stopped: exceptions");
        assert_eq!(off(&stopped), Happened::Stopped { stage: "beta".into(), reason: "exceptions".into() });
    }

    #[test]
    fn a_stage_that_a_longer_plan_counts_otherwise_is_not_entered_again() {
        let longer = filters(100.0, 10.0, 0.0, "").replace("2/3 beta", "3/4 beta").replace("1/3", "1/4");
        let entries = vec![entry("2026-05-03", None, Some(&filters(100.0, 10.0, 0.0, "")))];
        assert_eq!(transitions(&flag(true, &longer), &history(entries, false)), []);
    }
}
