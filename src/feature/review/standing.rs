use std::fmt;

use jiff::Timestamp;

use crate::feature::{
    Brief, Stage, Value, constant_since, ended as experiment_ended, first_on, stage, was_on,
};
use crate::flags::{Environment, Flag};

/// A feature that came to its end: everyone gets the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What everyone gets.
    pub value: Value,
    /// Since when.
    pub since: Timestamp,
    /// Whether that is the day itself; otherwise it has been so for at least that long.
    pub exact: bool,
    /// When somebody first got it, if its history says.
    pub opened: Option<Timestamp>,
    /// When its experiment began, if it had one.
    pub split_from: Option<Timestamp>,
    /// When its experiment ended.
    pub split_until: Option<Timestamp>,
}

/// Why a feature cannot be reviewed yet.
#[derive(Debug, Clone, PartialEq)]
pub enum NotYet {
    /// Nobody has got it so far.
    NotLaunched,
    /// Some get it, or different things.
    OnItsWay(Stage),
    /// Its experiment runs.
    Experiment,
    /// Whether it was ever on, or since when it is the same for everyone, cannot be told.
    Unknown,
}

impl fmt::Display for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotYet::NotLaunched => f.write_str("it was never launched"),
            NotYet::OnItsWay(Stage::Everyone(None)) => {
                f.write_str("it is still on its way: what people get is split among variants")
            }
            NotYet::OnItsWay(stage) => {
                write!(f, "it is still on its way ({stage}): it is reviewed once everyone gets the same")
            }
            NotYet::Experiment => f.write_str("its experiment still runs, which decides"),
            NotYet::Unknown => f.write_str(
                "its history does not say when it was on: see whether the key has the scope activity_log:read",
            ),
        }
    }
}

/// How a feature ended, or why it has not.
pub fn ended(flag: &Flag, environment: &Environment) -> Result<Ended, NotYet> {
    let history = environment.history_of(flag).map(|it| &**it);
    // What counts is what people got before it was put away.
    let flag = &Flag { archived: false, deleted: false, ..flag.clone() };
    let now = stage(flag, history);
    if now == Stage::NotLaunched || was_on(flag, history) == Some(false) {
        return Err(NotYet::NotLaunched);
    }
    // One that is off may never have been on: that is no end.
    if now == Stage::Off && was_on(flag, history).is_none() {
        return Err(NotYet::Unknown);
    }
    if flag.experiment_running == Some(true) || has_running_experiment(flag, environment) {
        return Err(NotYet::Experiment);
    }
    if !matches!(now, Stage::Everyone(Some(_)) | Stage::Off) {
        return Err(NotYet::OnItsWay(now));
    }
    let since = constant_since(flag, history).ok_or(NotYet::Unknown)?;
    let split = experiment_ended(flag, environment).map(|it| it.0);
    Ok(Ended {
        value: since.value,
        since: since.at,
        exact: since.exact,
        opened: history.and_then(|it| first_on(flag, it)),
        split_from: split.and_then(|it| it.started_at),
        split_until: split.and_then(|it| it.ended_at).map(|it| it.min(since.at)),
    })
}

fn has_running_experiment(flag: &Flag, environment: &Environment) -> bool {
    flag.experiments.iter().filter_map(|it| environment.experiments.get(it)).any(|it| it.is_running())
}

/// When the team looks at what came of a feature that everyone has since then.
pub fn review_due(brief: &Brief, since: Timestamp) -> Option<Timestamp> {
    since.checked_add(brief.review_after().duration()).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::feature::staleness::tests::{day, entry, flag, history};
    use crate::flags::History;

    const ALL: &str = r#"{"groups":[{"rollout_percentage":100}]}"#;
    const HALF: &str = r#"{"groups":[{"rollout_percentage":50}]}"#;

    fn looked(flag: &Flag, history: Option<History>) -> Result<Ended, NotYet> {
        let mut environment = Environment::default();
        environment.history.extend(history.map(|it| (flag.id, Arc::new(it))));
        ended(flag, &environment)
    }

    #[test]
    fn a_feature_has_ended_once_everyone_gets_the_same() {
        let steps = vec![entry("2026-05-01", None, Some(HALF)), entry("2026-04-01", Some(false), None)];
        let it = looked(&flag(true, ALL), Some(history(steps.clone(), true))).unwrap();
        assert_eq!((it.value, it.since, it.exact), (Value::On, day("2026-05-01"), true));
        assert_eq!(it.opened, Some(day("2026-04-01")));
        // That it was put away later changes nothing of that.
        let mut put_away = steps;
        put_away.insert(
            0,
            crate::flags::Entry { archived_before: Some(false), ..entry("2026-05-20", None, None) },
        );
        let archived = Flag { archived: true, ..flag(true, ALL) };
        assert_eq!(looked(&archived, Some(history(put_away, true))).unwrap().since, day("2026-05-01"));
        // One that is off for good has ended too.
        let off = vec![entry("2026-05-09", Some(true), None), entry("2026-04-01", Some(false), None)];
        let it = looked(&flag(false, HALF), Some(history(off, true))).unwrap();
        assert_eq!((it.value, it.opened), (Value::Off, Some(day("2026-04-01"))));
    }

    #[test]
    fn what_has_not_ended_says_why() {
        let told = |flag: &Flag, history| looked(flag, history).unwrap_err().to_string();
        assert_eq!(
            told(&flag(true, HALF), None),
            "it is still on its way (partial 50 %): it is reviewed once everyone gets the same"
        );
        assert_eq!(told(&flag(false, HALF), Some(history(vec![], true))), "it was never launched");
        assert_eq!(looked(&flag(false, HALF), None), Err(NotYet::Unknown), "it may never have been on");
        assert!(looked(&flag(true, ALL), None).is_ok_and(|it| !it.exact));
        let running = Flag { experiment_running: Some(true), ..flag(true, ALL) };
        assert_eq!(told(&running, None), "its experiment still runs, which decides");
    }
}
