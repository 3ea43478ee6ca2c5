use serde_json::{Value, json};

use super::super::Target;
use crate::feature::{Remarks, StageName, TAG, rung_of};
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
    let remarks = |it: &Value| it["description"].as_str().and_then(Remarks::parse);
    let groups = found["groups"].as_array().cloned().unwrap_or_default();
    let conditions = target.plan.conditions(cohort)?.into_iter().enumerate();
    let mut conditions: Vec<Value> =
        conditions.map(|(at, wanted)| kept(target, at, wanted, &groups)).collect();
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

/// A condition as planned, as far as its stage is and with its remarks: why it was stopped, whatever its name or number is
/// now. Where it was not, what PostHog appended by itself counts too.
fn kept(target: &Target, at: usize, mut wanted: Value, groups: &[Value]) -> Value {
    let of_stage = groups.iter().filter_map(|it| {
        let (of, remarks) = rung_of(&target.plan, it["description"].as_str()?)?;
        (of == at).then_some((it["rollout_percentage"].as_f64().unwrap_or(100.0), it, remarks))
    });
    let of_stage: Vec<(f64, &Value, Remarks)> = of_stage.collect();
    let is_own = |it: &&(f64, &Value, Remarks)| !it.2.scheduled;
    let Some(own) = of_stage.iter().find(is_own).or(of_stage.first()) else { return wanted };
    let stopped = of_stage.iter().find(|it| it.2.stopped.is_some());
    let furthest = of_stage.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some(same) = stopped.or(furthest) {
        wanted["rollout_percentage"] = same.1["rollout_percentage"].clone();
    }
    let stage = wanted["description"].as_str().and_then(StageName::parse);
    if let Some(stage) = stage {
        let stopped = stopped.and_then(|it| it.2.stopped.clone());
        let remarks = Remarks { stage, stopped, scheduled: false, ..own.2.clone() };
        wanted["description"] = remarks.to_string().into();
    }
    wanted
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
