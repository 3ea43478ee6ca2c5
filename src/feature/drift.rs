use serde_json::{Value, json};

use super::compare::differences;
use super::{Brief, Plan, StageName};
use crate::flags::Flag;

/// What of a flag's conditions is not as the plan says, as sentences; percentages aside, which grow on the way.
pub fn drift(brief: &Brief, plan: &Plan, flag: &Flag, cohort: &impl Fn(&str) -> Option<u64>) -> Vec<String> {
    let Ok(found) = serde_json::from_str::<Value>(flag.filters.get()) else {
        return vec!["its release conditions cannot be read".into()];
    };
    let empty = Vec::new();
    let groups = found["groups"].as_array().unwrap_or(&empty);
    let named = |it: &Value| it["description"].as_str().and_then(StageName::parse);
    let mut told = Vec::new();
    for (at, stage) in plan.stages.iter().enumerate() {
        let name = Some(plan.stage_name(at, stage));
        let Some(wanted) = plan.condition(at, stage, cohort) else {
            told.push(format!("the {} of '{}' is not there", stage.audience, plan.stage_name(at, stage)));
            continue;
        };
        let label = wanted["description"].as_str().unwrap_or_default();
        // Of one stage there may be several: PostHog appends one for each step that it takes by itself.
        let of_stage: Vec<&Value> = groups.iter().filter(|it| named(it) == name).collect();
        let is_for = json!({ "properties": wanted["properties"] });
        if of_stage.is_empty() {
            told.push(format!("it has no condition '{label}'"));
        } else if of_stage.iter().any(|it| !differences(&is_for, it).is_empty()) {
            told.push(format!("the condition '{label}' is for other people"));
        } else if of_stage.iter().any(|it| !it["variant"].is_null()) {
            told.push(format!("the condition '{label}' gives all of its people one variant"));
        }
    }
    let stages = plan.stages.iter().enumerate();
    let planned: Vec<StageName> = stages.map(|(at, stage)| plan.stage_name(at, stage)).collect();
    let foreign = groups.iter().filter(|it| named(it).is_none_or(|it| !planned.contains(&it))).count();
    match foreign {
        0 => {}
        1 => told.push("it has a condition that the plan does not have".into()),
        n => told.push(format!("it has {n} conditions that the plan does not have")),
    }
    let index = plan.group_type().map_or(Value::Null, Into::into);
    if found["aggregation_group_type_index"] != index {
        let units = |it: &Value| if it.is_null() { "people" } else { "groups of a type" };
        let is = units(&found["aggregation_group_type_index"]);
        told.push(match units(&index) {
            wanted if wanted != is => format!("it is for {is}, and the plan for {wanted}"),
            _ => "it is for groups of another type".into(),
        });
    }
    let of_plan = brief.multivariate();
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
