use serde_json::{Value, json};

use super::super::Target;
use crate::feature::{Remarks, StageName, TAG};
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
    let remarks = |it: &Value| it["description"].as_str().and_then(Remarks::parse);
    let groups = found["groups"].as_array().cloned().unwrap_or_default();
    let keeps = |mut wanted: Value| {
        let same = groups.iter().find(|it| named(it).is_some() && named(it) == named(&wanted));
        if let Some(same) = same {
            wanted["rollout_percentage"] = same["rollout_percentage"].clone();
            if let (Some(stage), Some(old)) = (whole(&wanted), remarks(same)) {
                // With its remarks, why it was stopped, whatever its number is now.
                wanted["description"] = Remarks { stage, ..old }.to_string().into();
            }
        }
        wanted
    };
    let mut conditions: Vec<Value> = target.plan.conditions(cohort)?.into_iter().map(keeps).collect();
    let stopped = |of: &[Value]| of.iter().filter_map(remarks).find_map(|it| it.stopped);
    if let (Some(reason), None) = (stopped(&groups), stopped(&conditions)) {
        keep_stopped(&mut conditions, reason);
    }
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

/// The stage that was stopped is none of the plan any more: the first one that is closed says why.
fn keep_stopped(conditions: &mut [Value], reason: String) {
    let closed = conditions.iter().position(|it| it["rollout_percentage"].as_f64() == Some(0.0));
    let at = closed.unwrap_or(conditions.len().saturating_sub(1));
    let Some(condition) = conditions.get_mut(at) else { return };
    if let Some(old) = condition["description"].as_str().and_then(Remarks::parse) {
        condition["description"] = Remarks { stopped: Some(reason), ..old }.to_string().into();
    }
}
