//! The steps of one stage that are taken in time, as changes that PostHog makes by itself, with no client running. Never
//! across a gate: the first step of a stage is nobody's but a verdict's or a person's.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::moves::Start;
use crate::feature::{
    LATE, Ladder, Remarks, SAME_TIME, StageName, differences, rung_of, scheduled_words, time,
};

/// A change of the flag that PostHog has scheduled and did not make yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// Its number.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// `{"operation", "value"}`
    pub payload: Value,
}

/// What becomes of the changes that are scheduled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ramp {
    /// These are missing: when, the percentage, and the payload.
    pub make: Vec<(Timestamp, f64, Value)>,
    /// These are ours and not wanted any more.
    pub drop: Vec<u64>,
    /// These are ours and as they should be.
    pub keep: Vec<(Timestamp, f64)>,
    /// Somebody else's, which may stand against the plan: in words.
    pub foreign: Vec<String>,
}

/// What should be scheduled, and what is: `arrived` is when the flag came where it stands.
pub fn ramp(start: &Start, arrived: Option<Timestamp>, scheduled: &[Scheduled]) -> Ramp {
    let mut ramp = Ramp::default();
    let mut wanted = wanted(start, arrived);
    for it in scheduled {
        let Some(percent) = own_step(it) else {
            ramp.foreign.push(words(it));
            continue;
        };
        let same = |want: &(Timestamp, f64, Value)| {
            want.1 == percent
                && want.0.duration_since(it.at).abs() <= SAME_TIME
                && differences(&want.2, &it.payload).is_empty()
        };
        match wanted.iter().position(same) {
            Some(at) => {
                wanted.remove(at);
                ramp.keep.push((it.at, percent));
            }
            None => ramp.drop.push(it.id),
        }
    }
    // One that is due already and that PostHog does not have is a run's.
    ramp.make = wanted.into_iter().filter(|it| it.0 > start.now).collect();
    ramp
}

fn wanted(start: &Start, arrived: Option<Timestamp>) -> Vec<(Timestamp, f64, Value)> {
    let plan = start.plan;
    let Some(filters) = start.flag.filters().filter(|it| it.version < 2 && start.flag.is_evaluated()) else {
        return Vec::new();
    };
    let ladder = Ladder::of(plan, &filters);
    let (Some((at, percent)), Some(arrived)) = (ladder.position(), arrived) else { return Vec::new() };
    let stage = &plan.stages[at];
    let is_planned = ladder.stopped().is_none() && ladder.is_as_planned() && start.drift.is_empty();
    let Some(people) = people_of(start, at).filter(|_| is_planned) else { return Vec::new() };
    // PostHog may be about to take one that is due.
    let to_come = stage.steps_in_time(percent, arrived).filter(|it| start.now.duration_since(it.0) < LATE);
    to_come.map(|(when, step)| (when, step, payload(start, at, step, &people))).collect()
}

/// Whom the stage's condition is for, as the flag has it.
fn people_of(start: &Start, stage: usize) -> Option<Value> {
    let raw: Value = serde_json::from_str(start.flag.filters.get()).ok()?;
    let is_of = |it: &&Value| {
        let of = it["description"].as_str().and_then(|it| rung_of(start.plan, it));
        of.is_some_and(|it| it.0 == stage)
    };
    raw["groups"].as_array()?.iter().find(is_of).cloned()
}

fn payload(start: &Start, stage: usize, percent: f64, people: &Value) -> Value {
    let plan = start.plan;
    let name = plan.stages[stage].name.clone();
    let mut remarks = Remarks::of(StageName { number: stage as u32 + 1, of: plan.stages.len() as u32, name });
    remarks.scheduled = true;
    let mut group = json!({
        "properties": people["properties"],
        "rollout_percentage": percent,
        "variant": people["variant"],
        "description": remarks.to_string(),
    });
    if let Some(index) = people.get("aggregation_group_type_index") {
        group["aggregation_group_type_index"] = index.clone();
    }
    json!({
        "operation": "add_release_condition",
        "value": { "groups": [group], "payloads": {}, "multivariate": null },
    })
}

/// The percentage of a scheduled step that was made here, be it for an earlier plan; `None` = somebody else's.
fn own_step(it: &Scheduled) -> Option<f64> {
    if it.payload["operation"] != "add_release_condition" {
        return None;
    }
    let [group] = &it.payload["value"]["groups"].as_array()?[..] else { return None };
    Remarks::parse(group["description"].as_str()?).filter(|it| it.scheduled)?;
    group["rollout_percentage"].as_f64()
}

fn words(it: &Scheduled) -> String {
    let change = scheduled_words(&crate::posthog::wire::scheduled(&it.payload));
    format!("on {} it {change}", time(it.at))
}
