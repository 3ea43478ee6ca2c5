use serde_json::{Value, json};

use super::super::Target;
use crate::feature::{StageName, TAG};
use crate::flags::Flag;

/// A new flag: off, its plan written into its release conditions. `None` while a cohort is missing.
pub(in super::super) fn flag(target: &Target, cohort: &impl Fn(&str) -> Option<u64>) -> Option<Value> {
    let brief = &target.brief;
    Some(json!({
        "key": brief.key,
        "name": brief.title(),
        "active": false,
        "filters": filters(target, cohort)?,
        "tags": [TAG],
    }))
}

fn filters(target: &Target, cohort: &impl Fn(&str) -> Option<u64>) -> Option<Value> {
    let mut filters = json!({
        "groups": target.plan.conditions(cohort)?,
        "multivariate": target.brief.multivariate(),
        "payloads": {},
    });
    if let Some(index) = target.plan.group_type() {
        filters["aggregation_group_type_index"] = index.into();
    }
    Some(filters)
}

/// A flag's filters with the plan's conditions; stages that are open keep their percentages, and what nobody here
/// knows stays.
pub(in super::super) fn patched_filters(
    target: &Target,
    flag: &Flag,
    cohort: &impl Fn(&str) -> Option<u64>,
) -> Option<Value> {
    let mut found: Value = serde_json::from_str(flag.filters.get()).ok()?;
    let whole = |it: &Value| it["description"].as_str().and_then(StageName::parse);
    let named = |it: &Value| whole(it).map(|it| it.name);
    let groups = found["groups"].as_array().cloned().unwrap_or_default();
    let keeps = |mut wanted: Value| {
        let same = groups.iter().find(|it| named(it).is_some() && named(it) == named(&wanted));
        if let Some(same) = same {
            wanted["rollout_percentage"] = same["rollout_percentage"].clone();
            if whole(same) == whole(&wanted) {
                // With its remarks: why it was stopped.
                wanted["description"] = same["description"].clone();
            }
        }
        wanted
    };
    let conditions: Vec<Value> = target.plan.conditions(cohort)?.into_iter().map(keeps).collect();
    found["groups"] = conditions.into();
    if target.is_test() || !found["multivariate"].is_null() {
        found["multivariate"] = target.brief.multivariate();
    }
    let index = target.plan.group_type();
    if index.is_some() || !found["aggregation_group_type_index"].is_null() {
        found["aggregation_group_type_index"] = index.into();
    }
    Some(found)
}
