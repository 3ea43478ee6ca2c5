//! `ExperimentQuery`: how an experiment goes by a mean or a funnel, computed from the stored events as PostHog does:
//! people count from the first event that says which variant they have, and what they do counts from then on.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::Event;
use super::experiments::Experiment;
use super::reply::{Problem, Result};
use super::statistics::{Spread, compare};
use super::targeting::{Filters, Property, text};
use super::trends::{holds, properties};
use super::world::World;

/// Before that PostHog compares nothing.
const FEWEST_PEOPLE: usize = 50;
const FEWEST_SUCCESSES: f64 = 5.0;
const BASELINE: &str = "control";

/// Answers the query.
pub(super) fn run(world: &World, query: &Value) -> Result<Value> {
    let id = query["experiment_id"].as_u64();
    let id = id.ok_or_else(|| refused("experiment_id is required"))?;
    let experiment = world.experiments.iter().find(|it| it.id == id && !it.deleted);
    let experiment = experiment.ok_or_else(|| refused(format!("Experiment with id {id} not found")))?;
    let start = experiment.start.ok_or_else(|| refused("Experiment has not been launched yet."))?;
    if experiment.method() == Some("frequentist") {
        return Err(refused("The sandbox knows Bayesian statistics only."));
    }
    let metric = Metric::read(&query["metric"])?;
    let until = experiment.end.unwrap_or_else(|| world.now());
    let (variants, people) = exposed(world, experiment, start, until);
    if !variants.iter().any(|it| it == BASELINE) {
        return Err(refused(
            "Invalid experiment configuration detected. Please check your experiment setup.",
        ));
    }
    let mut values: BTreeMap<&str, Vec<f64>> = variants.iter().map(|it| (&**it, Vec::new())).collect();
    let events = metric.events(world, start, until)?;
    for (person, (variant, since)) in &people {
        let own = events.get(person).map(Vec::as_slice).unwrap_or_default();
        if let Some(values) = values.get_mut(variant.as_str()) {
            values.push(metric.value(own, *since));
        }
    }
    let inverse = query["metric"]["goal"] == "decrease";
    let spreads: Vec<(&String, Spread)> =
        variants.iter().filter_map(|it| Some((it, Spread::of(values.get(&**it)?)))).collect();
    answer(&metric, &spreads, inverse)
}

fn refused(text: impl Into<String>) -> Problem {
    Problem::invalid(None, text)
}

fn answer(metric: &Metric, spreads: &[(&String, Spread)], inverse: bool) -> Result<Value> {
    let lacks = |it: &Spread, is_baseline: bool| {
        let mut lacks = Vec::new();
        if it.count < FEWEST_PEOPLE {
            lacks.push("not-enough-exposures");
        }
        if metric.is_funnel() && it.sum < FEWEST_SUCCESSES {
            lacks.push("not-enough-metric-data");
        }
        if is_baseline && it.sum == 0.0 {
            lacks.push("baseline-mean-is-zero");
        }
        lacks
    };
    let stats = |key: &str, it: &Spread, is_baseline: bool| {
        json!({
            "key": key,
            "number_of_samples": it.count,
            "sum": it.sum,
            "sum_squares": it.sum_squares,
            "validation_failures": lacks(it, is_baseline),
        })
    };
    let baseline = spreads.iter().find(|it| it.0 == BASELINE);
    let (_, baseline) = baseline.ok_or_else(|| refused("No control variant found"))?;
    let mut results = Vec::new();
    for (key, spread) in spreads.iter().filter(|it| it.0 != BASELINE) {
        let mut result = stats(key, spread, false);
        result["method"] = "bayesian".into();
        if lacks(baseline, true).is_empty() && lacks(spread, false).is_empty() {
            let found = compare(spread, baseline, metric.is_funnel(), inverse).ok_or_else(|| {
                refused(
                    "Unable to calculate experiment statistics. Please ensure your experiment has sufficient data \
                     and try again.",
                )
            })?;
            result["chance_to_win"] = found.chance_to_win.into();
            result["credible_interval"] = json!([found.interval.0, found.interval.1]);
            result["significant"] = found.is_decisive().into();
        }
        results.push(result);
    }
    Ok(json!({ "baseline": stats(BASELINE, baseline, true), "variant_results": results, "error": null }))
}

/// The variants, and who has which since when. Who met two of them is left out.
fn exposed(
    world: &World,
    experiment: &Experiment,
    start: Timestamp,
    until: Timestamp,
) -> (Vec<String>, BTreeMap<String, (String, Timestamp)>) {
    let Some(flag) = world.flags.iter().find(|it| it.id == experiment.flag) else {
        return (Vec::new(), BTreeMap::new());
    };
    let variants: Vec<String> =
        Filters::read(&flag.state.filters).variants().iter().map(|it| it.key.clone()).collect();
    let (key, name) = (flag.state.called_as(), experiment.exposure_event());
    let variant = |it: &Event| {
        let own = it.properties.get(&format!("$feature/{key}"));
        let called = it.properties.get("$feature_flag").is_some_and(|it| *it == *key);
        let response = it.properties.get("$feature_flag_response").filter(|_| called);
        let is_custom = !it.properties.contains_key("$feature_flag");
        response.or(own.filter(|_| is_custom)).map(text).filter(|it| variants.contains(it))
    };
    let mut people: BTreeMap<String, (String, Timestamp)> = BTreeMap::new();
    let mut mixed = Vec::new();
    for event in world.events.iter().filter(|it| &*it.event == name && within(it, start, until)) {
        let Some(variant) = variant(event) else { continue };
        let (first, _) =
            people.entry(event.person_id.to_string()).or_insert((variant.clone(), event.timestamp));
        if *first != variant {
            mixed.push(event.person_id.to_string());
        }
    }
    mixed.iter().for_each(|it| drop(people.remove(it)));
    (variants, people)
}

fn within(event: &Event, start: Timestamp, until: Timestamp) -> bool {
    (start..=until).contains(&event.timestamp)
}

/// What is counted.
enum Metric {
    Mean { source: Source, window: Option<SignedDuration>, of: Option<(String, String)> },
    Funnel { steps: Vec<Source>, window: Option<SignedDuration> },
}

struct Source {
    event: Option<String>,
    filters: Vec<Property>,
}

/// An event that counts: when, for which step, and how much.
struct Counted {
    at: Timestamp,
    step: usize,
    value: f64,
}

impl Metric {
    fn read(metric: &Value) -> Result<Metric> {
        let window = window(metric)?;
        match metric["metric_type"].as_str() {
            Some("mean") => {
                let source = &metric["source"];
                let of = match source["math"].as_str() {
                    None | Some("total") => None,
                    Some(math @ ("sum" | "avg" | "min" | "max")) => {
                        let property = source["math_property"].as_str();
                        let property = property.ok_or_else(|| refused("math_property is required"))?;
                        Some((math.to_owned(), property.to_owned()))
                    }
                    Some(other) => return Err(refused(format!("The sandbox does not count by {other}."))),
                };
                Ok(Metric::Mean { source: Source::read(source)?, window, of })
            }
            Some("funnel") => {
                if metric["funnel_order_type"] == "unordered" {
                    return Err(refused("The sandbox counts ordered funnels only."));
                }
                let steps = metric["series"].as_array().map(Vec::as_slice).unwrap_or_default();
                let steps = steps.iter().map(Source::read).collect::<Result<Vec<_>>>()?;
                match steps.is_empty() {
                    true => Err(refused("Funnel metric must have at least one step")),
                    false => Ok(Metric::Funnel { steps, window }),
                }
            }
            Some(other) => {
                Err(refused(format!("The sandbox compares means and funnels; this is a {other} metric.")))
            }
            None => Err(refused("metric is required")),
        }
    }

    fn is_funnel(&self) -> bool {
        matches!(self, Metric::Funnel { .. })
    }

    /// What people did, oldest first.
    fn events(
        &self,
        world: &World,
        start: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<String, Vec<Counted>>> {
        let (sources, of) = match self {
            Metric::Mean { source, of, .. } => (std::slice::from_ref(source), of.as_ref()),
            Metric::Funnel { steps, .. } => (steps.as_slice(), None),
        };
        let mut all: BTreeMap<String, Vec<Counted>> = BTreeMap::new();
        for event in world.events.iter().filter(|it| within(it, start, until)) {
            for (step, source) in sources.iter().enumerate() {
                if !source.counts(world, event)? {
                    continue;
                }
                let value = match of {
                    None => Some(1.0),
                    Some((_, property)) => {
                        let value = event.properties.get(property);
                        value.and_then(|it| it.as_f64().or_else(|| it.as_str()?.parse().ok()))
                    }
                };
                if let Some(value) = value {
                    let own = all.entry(event.person_id.to_string()).or_default();
                    own.push(Counted { at: event.timestamp, step, value });
                }
            }
        }
        Ok(all)
    }

    /// One person's value: how much, or whether they came through.
    fn value(&self, events: &[Counted], since: Timestamp) -> f64 {
        let (Metric::Mean { window, .. } | Metric::Funnel { window, .. }) = self;
        let until = window.and_then(|it| since.checked_add(it).ok()).unwrap_or(Timestamp::MAX);
        let counted = events.iter().filter(|it| (since..=until).contains(&it.at));
        match self {
            Metric::Mean { of, .. } => {
                let values: Vec<f64> = counted.map(|it| it.value).collect();
                let sum: f64 = values.iter().sum();
                match of.as_ref().map(|it| it.0.as_str()) {
                    _ if values.is_empty() => 0.0,
                    Some("avg") => sum / values.len() as f64,
                    Some("min") => values.into_iter().fold(f64::INFINITY, f64::min),
                    Some("max") => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
                    _ => sum,
                }
            }
            Metric::Funnel { steps, .. } => {
                let mut next = 0;
                let mut last: Option<Timestamp> = None;
                for it in counted {
                    // One event is one step, also where two steps ask for the same.
                    if it.step == next && last != Some(it.at) {
                        (next, last) = (next + 1, Some(it.at));
                    }
                }
                if next >= steps.len() { 1.0 } else { 0.0 }
            }
        }
    }
}

impl Source {
    fn read(source: &Value) -> Result<Source> {
        if source["kind"] != "EventsNode" {
            return Err(refused(format!("The sandbox counts events only, not {}", source["kind"])));
        }
        let event = source["event"].as_str().map(str::to_owned);
        Ok(Source { event, filters: properties(&source["properties"])? })
    }

    fn counts(&self, world: &World, event: &Event) -> Result<bool> {
        if self.event.as_ref().is_some_and(|it| **it != *event.event) {
            return Ok(false);
        }
        for filter in &self.filters {
            if !holds(world, event, filter)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// For how long after the exposure something counts; without a window until the end.
fn window(metric: &Value) -> Result<Option<SignedDuration>> {
    let Some(count) = metric["conversion_window"].as_i64() else { return Ok(None) };
    let seconds = match metric["conversion_window_unit"].as_str() {
        Some("second") => 1,
        Some("minute") => 60,
        Some("hour") => 3_600,
        Some("day") => 86_400,
        Some("week") => 7 * 86_400,
        Some("month") => 30 * 86_400,
        other => {
            let other = other.unwrap_or_default();
            return Err(refused(format!("Unsupported conversion window unit: {other}")));
        }
    };
    Ok(Some(SignedDuration::from_secs(count.saturating_mul(seconds))))
}
