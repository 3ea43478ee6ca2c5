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

/// What should be scheduled, and what is: `arrived` is when the flag came where it stands. Where that is not sure, what
/// is scheduled stays when it is.
pub fn ramp(start: &Start, arrived: Option<Timestamp>, is_sure: bool, scheduled: &[Scheduled]) -> Ramp {
    let mut ramp = Ramp::default();
    let mut wanted = wanted(start, arrived);
    for it in scheduled {
        let Some(percent) = own_step(it) else {
            ramp.foreign.push(words(it));
            continue;
        };
        let same = |want: &(Timestamp, f64, Value)| {
            want.1 == percent
                && (!is_sure || want.0.duration_since(it.at).abs() <= SAME_TIME)
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::feature::Brief;
    use crate::flags::Flag;
    use crate::posthog::wire;

    const BRIEF: &str = "key = \"a\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
        [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\nsteps = [5, 25, 100]\npace = \"1h\"\n";

    fn at(minute: i64) -> Timestamp {
        "2026-06-10T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn step(id: u64, minute: i64, description: &str, percent: f64) -> Scheduled {
        let group = json!({ "properties": [], "variant": null, "description": description, "rollout_percentage": percent });
        let value = json!({ "groups": [group], "payloads": {}, "multivariate": null });
        Scheduled {
            id,
            at: at(minute),
            payload: json!({ "operation": "add_release_condition", "value": value }),
        }
    }

    /// Of a rollout that came to 5 % of everyone at minute 0.
    fn ramped(remark: &str, minute: i64, scheduled: &[Scheduled]) -> Ramp {
        let brief = Brief::parse(BRIEF).unwrap();
        let plan = brief.plan(&Default::default(), "").unwrap();
        let open = if remark.is_empty() { 5 } else { 0 };
        let flag: wire::Flag = serde_json::from_value(json!({
            "id": 1, "key": "a", "active": true,
            "filters": { "groups": [
                { "description": "1/2 internal", "properties": [], "rollout_percentage": 100 },
                { "description": format!("2/2 everyone{remark}"), "properties": [], "variant": null, "rollout_percentage": open },
            ]},
        }))
        .unwrap();
        let flag = Flag::from(flag);
        let start = Start {
            brief: &brief,
            plan: &plan,
            flag: &flag,
            drift: &[],
            finished: &[],
            also_tells: None,
            now: at(minute),
        };
        ramp(&start, Some(at(0)), true, scheduled)
    }

    const OURS: &str = "2/2 everyone · scheduled";

    #[test]
    fn a_step_that_is_due_is_posthogs_for_a_while_and_then_a_runs() {
        let both = [step(1, 60, OURS, 25.0), step(2, 120, OURS, 100.0)];
        let kept = |minute| ramped("", minute, &both).keep.into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(kept(30), [25.0, 100.0]);
        assert_eq!(kept(61), [25.0, 100.0]);
        assert_eq!(kept(91), [100.0]);
        assert_eq!(ramped("", 91, &both).drop, [1]);
        // What is due and not scheduled is not scheduled for the past.
        assert!(ramped("", 61, &both[1..]).make.is_empty());
    }

    #[test]
    fn what_an_earlier_plan_scheduled_is_taken_back_too() {
        let earlier = [step(1, 60, "3/3 everyone · scheduled", 25.0), step(2, 60, "3/3 everyone", 25.0)];
        let ramp = ramped(" · stopped: x", 10, &earlier);
        assert_eq!(ramp.drop, [1]);
        assert_eq!(ramp.foreign.len(), 1, "{:?}", ramp.foreign);
    }
}
