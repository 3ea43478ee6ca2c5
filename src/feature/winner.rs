//! What an experiment ended with.

use jiff::Timestamp;

use super::Value;
use crate::flags::{Environment, Experiment, Flag};

/// The experiment on a flag that ended last, and when, if none runs.
pub fn ended<'e>(flag: &Flag, environment: &'e Environment) -> Option<(&'e Experiment, Timestamp)> {
    let experiments = || flag.experiments.iter().filter_map(|it| environment.experiments.get(it));
    let is_running = flag.experiment_running == Some(true) || experiments().any(|it| it.is_running());
    let ended = experiments().filter_map(|it| Some((&**it, it.ended_at?))).max_by_key(|it| it.1);
    ended.filter(|_| !is_running)
}

/// The variant that won an experiment. PostHog records whether it was won or lost, not by whom: that tells the variant
/// where there is just one beside `control`.
pub fn winner(flag: &Flag, experiment: &Experiment) -> Option<Value> {
    let filters = flag.filters()?;
    let keys: Vec<&str> = filters.variants().iter().map(|it| &*it.key).collect();
    let other = match keys[..] {
        ["control", other] | [other, "control"] => other,
        _ => return None,
    };
    let key = match experiment.conclusion.as_deref()? {
        "won" => other,
        "lost" => "control",
        _ => return None,
    };
    Some(Value::Variant(key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::staleness::tests::{day, flag};

    fn check(variants: &[&str], conclusion: Option<&str>, expect: Option<&str>) {
        let variants: Vec<String> =
            variants.iter().map(|it| format!(r#"{{"key":"{it}","rollout_percentage":50}}"#)).collect();
        let filters = format!(r#"{{"groups":[],"multivariate":{{"variants":[{}]}}}}"#, variants.join(","));
        let experiment = Experiment {
            id: 1,
            name: "Nav".into(),
            flag: "a".into(),
            started_at: Some(day("2026-01-01")),
            ended_at: Some(day("2026-02-01")),
            conclusion: conclusion.map(str::to_owned),
            archived: false,
            metric: crate::flags::KeyMetric::Missing,
        };
        let winner = winner(&flag(true, &filters), &experiment).map(|it| it.to_string());
        assert_eq!(winner.as_deref(), expect, "{variants:?} {conclusion:?}");
    }

    #[test]
    fn who_won_where_posthog_says_only_that_it_was_won() {
        check(&["control", "test"], Some("won"), Some("test"));
        check(&["test", "control"], Some("won"), Some("test"));
        check(&["control", "test"], Some("lost"), Some("control"));
        check(&["control", "test"], Some("inconclusive"), None);
        check(&["control", "test"], None, None);
        check(&["control", "a", "b"], Some("won"), None);
        check(&["blue", "red"], Some("won"), None);
    }
}
