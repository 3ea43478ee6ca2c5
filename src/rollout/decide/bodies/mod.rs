//! What is sent to PostHog for each thing of a launch (posthog-api 4).

mod cohort;
mod dashboard;
mod experiment;
mod flag;
mod functions;
mod insights;
mod legacy;
mod playlist;
mod survey;

use serde_json::{Value, json};

use crate::feature::Audience;
pub use crate::flags::marker;

pub(super) use cohort::{cohort, cohort_differences};
pub(super) use dashboard::{dashboard, dashboard_name, layout, only_links_more, text_tile};
pub(super) use experiment::{early_access, experiment};
pub(super) use flag::{flag, patched_filters};
pub(super) use functions::{alert, alert_function, changes, function, messages, to_slack, to_webhook};
pub(super) use insights::{insight, insight_name, insights};
pub(super) use playlist::playlist;
pub(super) use survey::survey;

/// A description, with the marker behind it.
fn described(text: &str, key: &str) -> String {
    match text.trim() {
        "" => marker(key),
        text => format!("{text}\n\n{}", marker(key)),
    }
}

/// Whether an object was made here for the flag of this key.
pub fn is_marked(object: &Value, key: &str) -> bool {
    object["description"].as_str().is_some_and(|it| it.contains(&marker(key)))
}

/// The question how many people belong to an audience; `None` where its cohort is not there and has no rule.
pub fn blast_radius(
    audience: &Audience,
    cohort: &impl Fn(&str) -> Option<u64>,
    group: Option<u64>,
) -> Option<Value> {
    let by_rule = match audience {
        Audience::CohortNamed { properties, .. } if !properties.is_empty() => Some(json!(properties)),
        _ => None,
    };
    let properties = audience.properties(cohort).or(by_rule)?;
    Some(
        json!({ "condition": { "properties": properties, "rollout_percentage": 100 }, "group_type_index": group }),
    )
}

/// An event in the series of an insight.
fn node(event: &str, math: &str, properties: Vec<Value>) -> Value {
    json!({ "kind": "EventsNode", "event": event, "name": event, "math": math, "properties": properties })
}

/// A property of an event, compared exactly with one of some texts.
fn exactly(key: &str, values: &[String]) -> Value {
    json!({ "key": key, "type": "event", "operator": "exact", "value": values })
}
