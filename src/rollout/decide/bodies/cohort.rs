use serde_json::{Value, json};

use super::super::Target;
use super::marker;
use crate::feature::differences;

/// A cohort that a stage names: of its rule, or static and empty where the plan has none.
pub(in super::super) fn cohort(target: &Target, name: &str) -> Value {
    let properties = target.plan.cohorts_named().find(|it| it.0 == name).map(|it| it.1).unwrap_or_default();
    let description = marker(target.key());
    match properties.is_empty() {
        true => json!({ "name": name, "description": description, "is_static": true }),
        false => json!({
            "name": name,
            "description": description,
            "filters": { "properties": { "type": "OR", "values": [{ "type": "AND", "values": properties }] } },
        }),
    }
}

/// Where a cohort is not of the plan's rule; nothing where the plan has none, and means whoever is in it.
pub(in super::super) fn cohort_differences(wanted: &Value, there: &Value) -> Vec<String> {
    match wanted.get("filters") {
        None => Vec::new(),
        Some(_) if there["is_static"] == true => vec!["it is static, and the plan has a rule".into()],
        // Some servers leave the rule out of lists.
        Some(_) if there["filters"].is_null() => Vec::new(),
        Some(filters) => differences(&json!({ "filters": filters }), there),
    }
}
