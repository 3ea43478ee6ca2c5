use std::fmt;

use super::served::of_groups;
use super::{Served, Value, served, was_enabled};
use crate::flags::{Filters, Flag, History, ReleaseCondition};

/// Where a flag's rollout stands, derived from its release conditions and stored nowhere else.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Never enabled so far.
    NotLaunched,
    /// Off for everyone: disabled, or enabled at 0 %.
    Off,
    /// Open to people or groups with certain properties.
    Targeted,
    /// Open to this percentage of everyone.
    Partial(f64),
    /// An experiment decides.
    Experiment,
    /// The same value for everyone, or a split among variants for everyone when `None`.
    Everyone(Option<Value>),
    /// A stage of a plan.
    Planned {
        /// The stage, as its conditions name it.
        name: StageName,
        /// The largest percentage of its conditions.
        percent: f64,
        /// Whether a person changed something that the plan does not say: an earlier stage below 100 %, or an
        /// open condition without a stage.
        custom: bool,
    },
    /// Put away in PostHog.
    Archived,
    /// Deleted in PostHog.
    Deleted,
    /// The conditions are of a shape that nobody here can read; shown, never written.
    Unreadable,
}

/// The public encoding of a stage: a condition's description begins `<n>/<N> <stage>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageName {
    /// Counted from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// `internal`, `beta`, ...
    pub name: String,
}

impl StageName {
    /// Reads the stage from a condition's description; what follows ` · ` is a remark.
    pub fn parse(description: &str) -> Option<StageName> {
        let (count, name) = description.trim().split_once(' ')?;
        let (number, of) = count.split_once('/')?;
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        let name = name.split(" · ").next()?.trim();
        ((1..=of).contains(&number) && !name.is_empty()).then(|| StageName { number, of, name: name.into() })
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.number, self.of, self.name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::NotLaunched => f.write_str("not launched"),
            Stage::Off => f.write_str("off"),
            Stage::Targeted => f.write_str("targeted"),
            Stage::Partial(percent) => write!(f, "partial {percent} %"),
            Stage::Experiment => f.write_str("experiment"),
            Stage::Everyone(None | Some(Value::On)) => f.write_str("everyone"),
            Stage::Everyone(Some(value)) => write!(f, "everyone ({value})"),
            Stage::Planned { name, percent, custom } => {
                write!(f, "{name}, {percent} %{}", if *custom { " (custom)" } else { "" })
            }
            Stage::Archived => f.write_str("archived"),
            Stage::Deleted => f.write_str("deleted"),
            Stage::Unreadable => f.write_str("not readable here"),
        }
    }
}

/// The stage of a flag now. The history tells "not launched" from "off"; without it, a disabled flag is off.
pub fn stage(flag: &Flag, history: Option<&History>) -> Stage {
    if flag.deleted {
        return Stage::Deleted;
    }
    if flag.archived {
        return Stage::Archived;
    }
    if was_enabled(flag, history) == Some(false) {
        return Stage::NotLaunched;
    }
    let filters = flag.filters();
    match served(flag.active, filters.as_ref()) {
        Served::Everyone(Value::Off) => return Stage::Off,
        Served::Everyone(value) => return Stage::Everyone(Some(value)),
        Served::Varies | Served::CannotTell => {}
    }
    let Some(filters) = filters.filter(|it| it.version < 2 && !it.groups.is_empty()) else {
        return Stage::Unreadable;
    };
    if let Some(planned) = planned(&filters) {
        return planned;
    }
    if !flag.experiments.is_empty() {
        return Stage::Experiment;
    }
    without_plan(&filters)
}

fn planned(filters: &Filters) -> Option<Stage> {
    let named = |it: &ReleaseCondition| StageName::parse(it.description.as_deref()?);
    let open = |it: &&ReleaseCondition| it.percent() > 0.0;
    let current = filters.groups.iter().filter(open).filter_map(named).max_by_key(|it| it.number)?;
    let percent_of = |number: u32| {
        let of_stage = |it: &&ReleaseCondition| named(it).is_some_and(|it| it.number == number);
        filters.groups.iter().filter(of_stage).map(ReleaseCondition::percent).fold(0.0, f64::max)
    };
    let earlier_short = (1..current.number).any(|it| percent_of(it) < 100.0);
    let nameless = filters.groups.iter().filter(open).any(|it| named(it).is_none());
    Some(Stage::Planned {
        percent: percent_of(current.number),
        custom: earlier_short || nameless,
        name: current,
    })
}

fn without_plan(filters: &Filters) -> Stage {
    let open = filters.groups.iter().filter(|it| it.percent() > 0.0);
    let (for_all, for_some): (Vec<_>, Vec<_>) =
        open.partition(|it| it.properties.is_empty() && !of_groups(filters, it));
    let percent = for_all.iter().map(|it| it.percent()).fold(0.0, f64::max);
    // Who matches such a condition and is outside of its percentage gets no further.
    let some_are_out = filters.early_exit && for_some.iter().any(|it| it.percent() < 100.0);
    let percent = if some_are_out { 0.0 } else { percent };
    match (percent, for_some.is_empty()) {
        (100.0.., _) => Stage::Everyone(None),
        (0.0, _) | (_, false) => Stage::Targeted,
        (percent, true) => Stage::Partial(percent),
    }
}

#[cfg(test)]
mod tests {
    use super::super::staleness::tests::{entry, flag, history};
    use super::*;

    fn check(filters: &str, expect: &str) {
        assert_eq!(stage(&flag(true, filters), None).to_string(), expect, "{filters}");
    }

    #[test]
    fn stages_without_a_plan() {
        check(r#"{"groups":[{"rollout_percentage":25}]}"#, "partial 25 %");
        check(r#"{"groups":[{"rollout_percentage":12.5}]}"#, "partial 12.5 %");
        check(r#"{"groups":[{"rollout_percentage":0}]}"#, "off");
        check(r#"{"groups":[{}]}"#, "everyone");
        check(r#"{"groups":[{"properties":[{"key":"plan","value":"pro"}]}]}"#, "targeted");
        check(
            r#"{"groups":[{"properties":[{"key":"plan","value":"pro"}]},{"rollout_percentage":5}]}"#,
            "targeted",
        );
        check(r#"{"groups":[{}],"aggregation_group_type_index":0}"#, "targeted");
        check(r#"{"version":2}"#, "not readable here");
        check(r#"{"groups":"x"}"#, "not readable here");
        let split = r#""multivariate":{"variants":[{"key":"a","rollout_percentage":50},{"key":"b","rollout_percentage":50}]}"#;
        check(&format!(r#"{{"groups":[{{}}],{split}}}"#), "everyone");
        check(&format!(r#"{{"groups":[{{"variant":"b"}}],{split}}}"#), "everyone (b)");
    }

    #[test]
    fn stages_of_a_plan_are_read_from_the_descriptions() {
        let groups = |percents: [u32; 3]| {
            let [a, b, c] = percents;
            format!(
                r#"{{"groups":[
                  {{"description":"1/3 internal","rollout_percentage":{a},"properties":[{{"key":"email","value":"x"}}]}},
                  {{"description":"2/3 beta · stopped: errors","rollout_percentage":{b},"properties":[{{"key":"id","type":"cohort","value":1}}]}},
                  {{"description":"3/3 everyone","rollout_percentage":{c}}}]}}"#
            )
        };
        check(&groups([100, 0, 0]), "1/3 internal, 100 %");
        check(&groups([100, 40, 0]), "2/3 beta, 40 %");
        check(&groups([50, 40, 0]), "2/3 beta, 40 % (custom)");
        check(&groups([100, 100, 25]), "3/3 everyone, 25 %");
        check(&groups([100, 100, 100]), "everyone");
        check(&groups([0, 0, 0]), "off");
    }

    #[test]
    fn a_description_that_only_looks_like_a_stage_is_none() {
        for text in ["", "beta", "3/2 beta", "0/2 beta", "a/b c", "1/2", "1/2 "] {
            assert_eq!(StageName::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn disabled_flags() {
        let off = flag(false, r#"{"groups":[{}]}"#);
        assert_eq!(stage(&off, None), Stage::Off);
        assert_eq!(stage(&off, Some(&history(vec![], true))), Stage::NotLaunched);
        assert_eq!(
            stage(&off, Some(&history(vec![entry("2026-01-02", Some(true), None)], true))),
            Stage::Off
        );
    }

    #[test]
    fn an_experiment_with_one_winner_for_everyone_is_everyone() {
        let mut it = flag(true, r#"{"groups":[{"rollout_percentage":50}]}"#);
        it.experiments = vec![1];
        assert_eq!(stage(&it, None), Stage::Experiment);
    }
}
