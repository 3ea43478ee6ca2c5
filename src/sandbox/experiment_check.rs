//! What PostHog refuses in an experiment.

use serde_json::{Map, Value};

use super::reply::{Problem, Result, text_field};

const LONGEST_NAME: usize = 400;
const LONGEST_DESCRIPTION: usize = 3_000;
const MOST_VARIANTS: usize = 20;

/// Checks the fields that were sent, one by one.
pub(super) fn body(body: &Map<String, Value>) -> Result<()> {
    if text_field(body, "name")?.is_some_and(|it| it.is_empty()) {
        return Err(Problem::field(Some("name"), "blank", "This field may not be blank."));
    }
    for (name, most) in [("name", LONGEST_NAME), ("description", LONGEST_DESCRIPTION)] {
        if text_field(body, name)?.is_some_and(|it| it.chars().count() > most) {
            let text = format!("Ensure this field has no more than {most} characters.");
            return Err(Problem::field(Some(name), "max_length", text));
        }
    }
    for name in ["metrics", "metrics_secondary"] {
        metrics(body, name)?;
    }
    match body.get("parameters").and_then(|it| it.get("feature_flag_variants")) {
        None | Some(Value::Null) => Ok(()),
        Some(sent) => variants(sent),
    }
}

/// The variants of a flag that is to be made.
fn variants(sent: &Value) -> Result<()> {
    let refuse = |text: String| Err(Problem::invalid(Some("parameters"), text));
    let list = sent.as_array().map_or(&[][..], Vec::as_slice);
    if list.len() < 2 {
        return refuse(
            "Feature flag must have at least 2 variants (control and at least one test variant)".into(),
        );
    }
    if list.len() > MOST_VARIANTS {
        return refuse(format!("Feature flag variants must be less than {}", MOST_VARIANTS + 1));
    }
    match list.iter().any(|it| it["key"] == "control") {
        true => Ok(()),
        false => refuse("Feature flag variants must contain a control variant".into()),
    }
}

/// What a metric of a type needs.
fn needs(metric: &Value) -> Option<&'static [&'static str]> {
    Some(match metric["metric_type"].as_str()? {
        "mean" => &["source"],
        "funnel" => &["series"],
        "ratio" => &["numerator", "denominator"],
        "retention" => &["start_event", "completion_event", "retention_window_start", "retention_window_end"],
        _ => return None,
    })
}

fn metrics(body: &Map<String, Value>, name: &str) -> Result<()> {
    let refuse = |text: String| Err(Problem::invalid(Some(name), text));
    let list = match body.get(name) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(list)) => list,
        Some(_) => return refuse("Expected a list of items.".into()),
    };
    for metric in list {
        if metric["kind"] != "ExperimentMetric" {
            return refuse("Metric kind must be ExperimentMetric".into());
        }
        let Some(needs) = needs(metric) else {
            return refuse(format!("Unknown metric_type: {}", metric["metric_type"]));
        };
        if let Some(missing) = needs.iter().find(|it| metric[**it].is_null()) {
            return refuse(format!("The metric needs {missing}."));
        }
    }
    Ok(())
}
