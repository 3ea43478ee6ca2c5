use serde_json::{Value, json};

use super::super::Target;
use super::super::compare::differences;
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
        "multivariate": multivariate(target),
        "payloads": {},
    });
    if let Some(index) = target.plan.group_type() {
        filters["aggregation_group_type_index"] = index.into();
    }
    Some(filters)
}

fn multivariate(target: &Target) -> Value {
    let variants: Vec<Value> = target
        .brief
        .variants()
        .into_iter()
        .map(|it| json!({ "key": it.key, "name": "", "rollout_percentage": it.percent }))
        .collect();
    if variants.is_empty() { Value::Null } else { json!({ "variants": variants }) }
}

/// What of a flag's conditions is not as the plan says, as sentences; percentages aside, which grow on the way.
pub(in super::super) fn changed_conditions(
    target: &Target,
    flag: &Flag,
    cohort: &impl Fn(&str) -> Option<u64>,
) -> Vec<String> {
    let Ok(found) = serde_json::from_str::<Value>(flag.filters.get()) else {
        return vec!["its release conditions cannot be read".into()];
    };
    let empty = Vec::new();
    let groups = found["groups"].as_array().unwrap_or(&empty);
    let named = |it: &Value| it["description"].as_str().and_then(StageName::parse);
    let mut told = Vec::new();
    for wanted in target.plan.conditions(cohort).unwrap_or_default() {
        let name = named(&wanted);
        let label = wanted["description"].as_str().unwrap_or_default();
        match groups.iter().find(|it| named(it) == name) {
            None => told.push(format!("it has no condition '{label}'")),
            Some(it) if !differences(&json!({ "properties": wanted["properties"] }), it).is_empty() => {
                told.push(format!("the condition '{label}' is for other people"));
            }
            Some(it) if !it["variant"].is_null() => {
                told.push(format!("the condition '{label}' gives all of its people one variant"));
            }
            Some(_) => {}
        }
    }
    let planned: Vec<StageName> =
        target.plan.conditions(cohort).unwrap_or_default().iter().filter_map(named).collect();
    let foreign = groups.iter().filter(|it| named(it).is_none_or(|it| !planned.contains(&it))).count();
    match foreign {
        0 => {}
        1 => told.push("it has a condition that the plan does not have".into()),
        n => told.push(format!("it has {n} conditions that the plan does not have")),
    }
    let index = target.plan.group_type().map_or(Value::Null, Into::into);
    if found["aggregation_group_type_index"] != index {
        let units = |it: &Value| if it.is_null() { "people" } else { "groups of a type" };
        let is = units(&found["aggregation_group_type_index"]);
        told.push(match units(&index) {
            wanted if wanted != is => format!("it is for {is}, and the plan for {wanted}"),
            _ => "it is for groups of another type".into(),
        });
    }
    let of_plan = multivariate(target);
    if !differences(&variants(&of_plan, &["key"]), &variants(&found["multivariate"], &["key"])).is_empty() {
        told.push("it has other variants".into());
    } else if !differences(&shares(&of_plan), &shares(&found["multivariate"])).is_empty() {
        told.push("its variants have other shares".into());
    }
    told
}

fn shares(it: &Value) -> Value {
    variants(it, &["key", "rollout_percentage"])
}

/// These fields of variants.
fn variants(it: &Value, fields: &[&str]) -> Value {
    let variants = it["variants"].as_array().into_iter().flatten();
    let of = |it: &Value| -> Value { fields.iter().map(|name| it[*name].clone()).collect() };
    json!({ "variants": variants.map(of).collect::<Vec<Value>>() })
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
        found["multivariate"] = multivariate(target);
    }
    let index = target.plan.group_type();
    if index.is_some() || !found["aggregation_group_type_index"].is_null() {
        found["aggregation_group_type_index"] = index.into();
    }
    Some(found)
}
