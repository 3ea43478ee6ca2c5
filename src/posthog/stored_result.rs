//! How the mirror on disk keeps the results of experiments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::flags::{Certainty, Compared, Comparison, ExperimentResult, Lacking, Outcome, Sample};

#[derive(Serialize, Deserialize)]
pub(super) struct StoredResult {
    pub experiment: i64,
    computed_at: Timestamp,
    fetched_at: Timestamp,
    /// Why it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The baseline first.
    #[serde(default)]
    variants: Vec<StoredVariant>,
}

#[derive(Serialize, Deserialize)]
struct StoredVariant {
    key: String,
    people: u64,
    mean: Option<f64>,
    difference: Option<f64>,
    interval: Option<(f64, f64)>,
    chance_to_win: Option<f64>,
    p_value: Option<f64>,
    significant: Option<bool>,
    lacks: Vec<StoredLacking>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredLacking {
    People,
    MetricData,
    Baseline,
    #[serde(untagged)]
    Other(String),
}

impl StoredResult {
    pub fn new(experiment: i64, it: &ExperimentResult) -> StoredResult {
        let (why, variants) = match &it.outcome {
            Outcome::CannotTell(why) => (Some(why.clone()), Vec::new()),
            Outcome::Compared(all) => {
                let baseline = Compared {
                    sample: all.baseline.clone(),
                    difference: None,
                    interval: None,
                    certainty: None,
                    significant: None,
                    lacks: all.baseline_lacks.clone(),
                };
                (None, [baseline].iter().chain(&all.variants).map(StoredVariant::new).collect())
            }
        };
        StoredResult { experiment, computed_at: it.computed_at, fetched_at: it.fetched_at, why, variants }
    }

    pub fn into_result(self) -> ExperimentResult {
        let mut variants = self.variants.into_iter().map(StoredVariant::into_compared);
        let outcome = match (self.why, variants.next()) {
            (None, Some(baseline)) => Outcome::Compared(Comparison {
                baseline: baseline.sample,
                baseline_lacks: baseline.lacks,
                variants: variants.collect(),
            }),
            (why, _) => Outcome::CannotTell(why.unwrap_or_default()),
        };
        ExperimentResult { outcome, computed_at: self.computed_at, fetched_at: self.fetched_at }
    }
}

impl StoredVariant {
    fn new(it: &Compared) -> StoredVariant {
        let lacking = |it: &Lacking| match it {
            Lacking::People => StoredLacking::People,
            Lacking::MetricData => StoredLacking::MetricData,
            Lacking::Baseline => StoredLacking::Baseline,
            Lacking::Other(it) => StoredLacking::Other(it.clone()),
        };
        let (chance_to_win, p_value) = match it.certainty {
            Some(Certainty::ChanceToWin(it)) => (Some(it), None),
            Some(Certainty::PValue(it)) => (None, Some(it)),
            None => (None, None),
        };
        StoredVariant {
            key: it.sample.variant.clone(),
            people: it.sample.people,
            mean: it.sample.mean,
            difference: it.difference,
            interval: it.interval,
            chance_to_win,
            p_value,
            significant: it.significant,
            lacks: it.lacks.iter().map(lacking).collect(),
        }
    }

    fn into_compared(self) -> Compared {
        let lacking = |it: StoredLacking| match it {
            StoredLacking::People => Lacking::People,
            StoredLacking::MetricData => Lacking::MetricData,
            StoredLacking::Baseline => Lacking::Baseline,
            StoredLacking::Other(it) => Lacking::Other(it),
        };
        Compared {
            sample: Sample { variant: self.key, people: self.people, mean: self.mean },
            difference: self.difference,
            interval: self.interval,
            certainty: self.chance_to_win.map(Certainty::ChanceToWin).or(self.p_value.map(Certainty::PValue)),
            significant: self.significant,
            lacks: self.lacks.into_iter().map(lacking).collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A comparison and a refusal, for the mirror that is written and read again.
    pub fn all() -> Vec<StoredResult> {
        let variant = |key: &str, certainty, lacks: &[Lacking]| Compared {
            sample: Sample { variant: key.into(), people: 90, mean: Some(0.25) },
            difference: Some(0.125),
            interval: Some((-0.25, 0.5)),
            certainty,
            significant: Some(false),
            lacks: lacks.to_vec(),
        };
        let comparison = Comparison {
            baseline: Sample { variant: "control".into(), people: 80, mean: None },
            baseline_lacks: vec![Lacking::Baseline, Lacking::Other("new".into())],
            variants: vec![
                variant("a", Some(Certainty::ChanceToWin(0.75)), &[]),
                variant("b", Some(Certainty::PValue(0.5)), &[Lacking::People, Lacking::MetricData]),
            ],
        };
        let result = |outcome| ExperimentResult {
            outcome,
            computed_at: Timestamp::UNIX_EPOCH,
            fetched_at: Timestamp::UNIX_EPOCH,
        };
        let all = [result(Outcome::Compared(comparison)), result(Outcome::CannotTell("not allowed".into()))];
        let stored: Vec<StoredResult> =
            all.iter().zip([3]).map(|(it, id)| StoredResult::new(id, it)).collect();
        let back: Vec<ExperimentResult> =
            all.iter().map(|it| StoredResult::new(4, it).into_result()).collect();
        assert_eq!(back, all);
        stored
    }
}
