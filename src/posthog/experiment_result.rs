//! How a running experiment goes: what PostHog is asked for, and how its answers are read. Today's servers answer an
//! `ExperimentQuery`; those before answered the metric's own query with probabilities, and those of 2023 a page of
//! results.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::WholeExperiment;
use crate::flags::{Certainty, Compared, Comparison, KeyMetric, Lacking, Sample, null_to_default};

const BASELINE: &str = "control";

/// What decides an experiment.
pub(super) fn key_metric(experiment: &WholeExperiment) -> KeyMetric {
    let shared = || experiment.saved_metrics.iter().find_map(|it| it.primary());
    let first = match &experiment.metrics {
        Some(metrics) => metrics.first().cloned().or_else(shared),
        None => return shared().as_ref().map_or(KeyMetric::InFilters, described),
    };
    first.as_ref().map_or(KeyMetric::Missing, described)
}

fn described(metric: &Value) -> KeyMetric {
    KeyMetric::Described { title: title(metric), body: metric.to_string().into() }
}

/// A metric in words: its own name, else what it counts.
fn title(metric: &Value) -> String {
    let named = |it: &Value| {
        let text = |name: &str| it[name].as_str().filter(|it| !it.is_empty()).map(str::to_owned);
        text("custom_name").or_else(|| text("name")).or_else(|| text("event")).or_else(|| text("table_name"))
    };
    let event = |it: &Value| named(it).unwrap_or_else(|| "an action".to_owned());
    if let Some(name) = metric["name"].as_str().filter(|it| !it.is_empty()) {
        return name.to_owned();
    }
    let steps = |it: &Value| {
        let steps = it.as_array().map(Vec::as_slice).unwrap_or_default();
        steps.iter().map(event).collect::<Vec<_>>().join(" → ")
    };
    match metric["metric_type"].as_str() {
        Some("funnel") => steps(&metric["series"]),
        Some("ratio") => format!("{} per {}", event(&metric["numerator"]), event(&metric["denominator"])),
        Some("retention") => {
            format!("{} after {}", event(&metric["completion_event"]), event(&metric["start_event"]))
        }
        Some("mean") => {
            let source = &metric["source"];
            match (source["math"].as_str(), source["math_property"].as_str()) {
                (Some(math @ ("sum" | "avg" | "min" | "max")), Some(property)) => {
                    format!("{math} of {property} of {} per person", event(source))
                }
                _ => format!("{} per person", event(source)),
            }
        }
        _ => match (metric["count_query"].is_object(), metric["funnels_query"].is_object()) {
            (true, _) => steps(&metric["count_query"]["series"]),
            (_, true) => steps(&metric["funnels_query"]["series"]),
            _ => "the key metric".to_owned(),
        },
    }
}

/// The query for the result by a metric.
pub(super) fn query(experiment: i64, metric: &str) -> Value {
    let metric: Value = serde_json::from_str(metric).unwrap_or_default();
    // Before there was one kind of query for all metrics, a metric was a query of its own.
    let is_query =
        matches!(metric["kind"].as_str(), Some("ExperimentTrendsQuery" | "ExperimentFunnelsQuery"));
    if is_query {
        let mut query = metric;
        query["experiment_id"] = experiment.into();
        return query;
    }
    json!({ "kind": "ExperimentQuery", "experiment_id": experiment, "metric": metric })
}

/// An answer, of whichever age.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    baseline: Option<Stats>,
    #[serde(deserialize_with = "null_to_default")]
    variant_results: Vec<Stats>,
    #[serde(deserialize_with = "null_to_default")]
    variants: Vec<OldStats>,
    #[serde(deserialize_with = "null_to_default")]
    probability: BTreeMap<String, f64>,
    significant: Option<bool>,
    /// When it was computed.
    pub last_refresh: Option<Timestamp>,
    pub error: Option<String>,
    /// A page of results has the answer in here.
    result: Option<Box<Answer>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stats {
    key: String,
    #[serde(deserialize_with = "null_to_default")]
    number_of_samples: f64,
    #[serde(deserialize_with = "null_to_default")]
    sum: f64,
    /// Of ratios, in place of the people.
    denominator_sum: Option<f64>,
    significant: Option<bool>,
    chance_to_win: Option<f64>,
    credible_interval: Option<(f64, f64)>,
    p_value: Option<f64>,
    confidence_interval: Option<(f64, f64)>,
    #[serde(deserialize_with = "null_to_default")]
    validation_failures: Vec<String>,
}

/// A variant's counts: of trends, or of funnels.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldStats {
    key: String,
    count: Option<f64>,
    absolute_exposure: Option<f64>,
    success_count: Option<f64>,
    failure_count: Option<f64>,
}

impl Answer {
    /// The comparison; `None` where the answer has none.
    pub(super) fn comparison(self) -> Option<Comparison> {
        if let Some(inner) = self.result {
            return inner.comparison();
        }
        match &self.baseline {
            Some(baseline) => Some(Comparison {
                baseline: baseline.sample(),
                baseline_lacks: baseline.lacks(),
                variants: self.variant_results.iter().map(|it| it.compared(baseline)).collect(),
            }),
            None => self.old_comparison(),
        }
    }

    /// Older servers say how probable it is that a variant is the best of all, and nothing of the difference.
    fn old_comparison(self) -> Option<Comparison> {
        let baseline = self.variants.iter().find(|it| it.key == BASELINE)?.sample();
        let compared = |it: &OldStats| {
            let sample = it.sample();
            let chance = self.probability.get(&it.key).copied();
            Compared {
                difference: difference(&sample, &baseline),
                interval: None,
                certainty: chance.map(Certainty::ChanceToWin),
                // It is said of the experiment as a whole: of whichever is most probably the best.
                significant: self.significant.map(|it| it && chance.is_some_and(|it| it > 0.5)),
                lacks: Vec::new(),
                sample,
            }
        };
        let variants = self.variants.iter().filter(|it| it.key != BASELINE).map(compared).collect();
        Some(Comparison { variants, baseline, baseline_lacks: Vec::new() })
    }
}

impl Stats {
    fn sample(&self) -> Sample {
        let whole = self.denominator_sum.unwrap_or(self.number_of_samples);
        Sample {
            variant: self.key.clone(),
            people: self.number_of_samples as u64,
            mean: (whole > 0.0).then(|| self.sum / whole),
        }
    }

    fn lacks(&self) -> Vec<Lacking> {
        let lacking = |it: &String| match it.as_str() {
            "not-enough-exposures" => Lacking::People,
            "not-enough-metric-data" => Lacking::MetricData,
            "baseline-mean-is-zero" => Lacking::Baseline,
            other => Lacking::Other(other.replace(['-', '_'], " ")),
        };
        self.validation_failures.iter().map(lacking).collect()
    }

    fn compared(&self, baseline: &Stats) -> Compared {
        let interval = self.credible_interval.or(self.confidence_interval);
        let certainty =
            self.chance_to_win.map(Certainty::ChanceToWin).or(self.p_value.map(Certainty::PValue));
        // PostHog shows the middle of the interval.
        let middle = interval.map(|(low, high)| (low + high) / 2.0);
        let is_said = certainty.is_some() || self.significant.is_some();
        let by_means = || is_said.then(|| difference(&self.sample(), &baseline.sample())).flatten();
        Compared {
            sample: self.sample(),
            difference: middle.or_else(by_means),
            interval,
            certainty,
            significant: self.significant,
            lacks: self.lacks(),
        }
    }
}

impl OldStats {
    fn sample(&self) -> Sample {
        let (sum, people) = match (self.success_count, self.failure_count) {
            (Some(success), Some(failure)) => (success, success + failure),
            _ => (self.count.unwrap_or_default(), self.absolute_exposure.unwrap_or_default()),
        };
        Sample {
            variant: self.key.clone(),
            people: people as u64,
            mean: (people > 0.0).then(|| sum / people),
        }
    }
}

fn difference(variant: &Sample, baseline: &Sample) -> Option<f64> {
    let (mean, base) = (variant.mean?, baseline.mean?);
    (base > 0.0).then(|| mean / base - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: Value) -> Comparison {
        serde_json::from_value::<Answer>(answer).unwrap().comparison().unwrap()
    }

    #[test]
    fn both_methods_of_today() {
        let sample = |key: &str, n: u64, sum: f64| json!({ "key": key, "number_of_samples": n, "sum": sum, "sum_squares": sum });
        let with = |mut it: Value, more: Value| {
            it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            it
        };
        let answer = json!({
            "baseline": sample("control", 200, 50.0),
            "variant_results": [
                with(sample("test", 210, 63.0), json!({ "method": "bayesian", "significant": false,
                    "chance_to_win": 0.91, "credible_interval": [-0.1, 0.5], "validation_failures": [] })),
                with(sample("late", 3, 0.0), json!({ "method": "bayesian", "significant": null, "chance_to_win": null,
                    "credible_interval": null, "validation_failures": ["not-enough-exposures", "as-yet_unknown"] })),
            ],
        });
        let it = read(answer);
        assert_eq!(
            (&*it.baseline.variant, it.baseline.people, it.baseline.mean),
            ("control", 200, Some(0.25))
        );
        let [test, late] = &it.variants[..] else { panic!("{it:?}") };
        assert_eq!((test.difference, test.interval), (Some(0.2), Some((-0.1, 0.5))));
        assert_eq!((test.certainty, test.significant), (Some(Certainty::ChanceToWin(0.91)), Some(false)));
        assert_eq!((late.difference, late.significant, late.sample.people), (None, None, 3));
        assert_eq!(late.lacks, [Lacking::People, Lacking::Other("as yet unknown".into())]);

        let frequentist = read(json!({
            "baseline": with(sample("control", 200, 50.0), json!({ "validation_failures": [] })),
            "variant_results": [with(sample("test", 200, 40.0), json!({ "method": "frequentist", "significant": true,
                "p_value": 0.01, "confidence_interval": [-0.3, -0.1] }))],
        }));
        assert_eq!(frequentist.variants[0].certainty, Some(Certainty::PValue(0.01)));
        assert_eq!(frequentist.variants[0].difference.map(|it| (it * 100.0).round()), Some(-20.0));
    }

    #[test]
    fn answers_of_older_servers() {
        let trends = json!({
            "kind": "ExperimentTrendsQuery", "significant": true, "significance_code": "significant", "p_value": 0.0,
            "probability": { "control": 0.03, "test": 0.97 },
            "credible_intervals": { "control": [0.2, 0.3], "test": [0.3, 0.4] },
            "variants": [{ "key": "control", "count": 50, "exposure": 1, "absolute_exposure": 200 },
                { "key": "test", "count": 75, "exposure": 1, "absolute_exposure": 200 }],
        });
        let it = read(trends.clone());
        assert_eq!((it.baseline.people, it.variants[0].difference), (200, Some(0.5)));
        assert_eq!((it.variants[0].interval, it.variants[0].significant), (None, Some(true)));
        assert_eq!(read(json!({ "result": trends, "is_cached": true })), it);
        let funnel =
            read(json!({ "significant": false, "probability": { "test": 0.4, "control": 0.6 }, "variants": [
            { "key": "control", "success_count": 20, "failure_count": 80 },
            { "key": "test", "success_count": 15, "failure_count": 85 } ] }));
        assert_eq!(
            (funnel.variants[0].sample.mean, funnel.variants[0].significant),
            (Some(0.15), Some(false))
        );
        // Without anybody there is nothing to compare.
        assert_eq!(serde_json::from_value::<Answer>(json!({ "result": null })).unwrap().comparison(), None);
    }

    #[test]
    fn metrics_are_found_and_named() {
        let of = |it: Value| {
            let mut whole = json!({ "id": 1 });
            whole.as_object_mut().unwrap().extend(it.as_object().unwrap().clone());
            key_metric(&serde_json::from_value(whole).unwrap())
        };
        let node = |event: &str| json!({ "kind": "EventsNode", "event": event });
        for (metric, words) in [
            (json!({ "metric_type": "mean", "source": node("purchase") }), "purchase per person"),
            (
                json!({ "metric_type": "mean", "source": { "event": "purchase", "math": "sum", "math_property": "amount" } }),
                "sum of amount of purchase per person",
            ),
            (json!({ "metric_type": "funnel", "series": [node("cart"), node("paid")] }), "cart → paid"),
            (
                json!({ "metric_type": "ratio", "numerator": node("paid"), "denominator": node("cart") }),
                "paid per cart",
            ),
            (
                json!({ "metric_type": "retention", "start_event": node("cart"), "completion_event": node("visit") }),
                "visit after cart",
            ),
            (json!({ "kind": "ExperimentTrendsQuery", "count_query": { "series": [node("paid")] } }), "paid"),
            (json!({ "name": "Sales", "metric_type": "mean", "source": node("purchase") }), "Sales"),
        ] {
            let KeyMetric::Described { title, body } = of(json!({ "metrics": [metric] })) else { panic!() };
            assert_eq!(title, words);
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), metric);
        }
        let shared = json!({ "metrics": [], "saved_metrics": [
            { "metadata": { "type": "secondary" }, "name": "Errors", "query": { "metric_type": "mean" } },
            { "metadata": { "type": "primary" }, "name": "Revenue", "query": { "metric_type": "mean" } } ] });
        assert!(matches!(of(shared), KeyMetric::Described { title, .. } if title == "Revenue"));
        assert_eq!(of(json!({ "metrics": [] })), KeyMetric::Missing);
        assert_eq!(of(json!({ "filters": {} })), KeyMetric::InFilters);
    }

    #[test]
    fn a_metric_that_is_a_query_is_asked_as_one() {
        let (new, old) =
            (r#"{"kind":"ExperimentMetric"}"#, r#"{"kind":"ExperimentFunnelsQuery","funnels_query":{}}"#);
        assert_eq!(
            query(4, new),
            json!({ "kind": "ExperimentQuery", "experiment_id": 4, "metric": { "kind": "ExperimentMetric" } })
        );
        assert_eq!(
            query(4, old),
            json!({ "kind": "ExperimentFunnelsQuery", "experiment_id": 4, "funnels_query": {} })
        );
    }
}
