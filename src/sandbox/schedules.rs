//! `/api/projects/:id/scheduled_changes/…`: writes to flags that happen later, when the clock gets there.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::flag_write::{find, patch};
use super::reply::{Caller, Problem, Reply, Request, Result, bool_field, page, text_field};
use super::world::{UserId, World, iso_or_null};

/// A change to a flag at a time.
pub(super) struct Schedule {
    id: u64,
    /// The flag's id, as text like in PostHog.
    record_id: String,
    /// `{"operation", "value"}`; what is wrong in it shows when it is executed.
    payload: Value,
    at: Timestamp,
    executed_at: Option<Timestamp>,
    failure_reason: Option<String>,
    created_at: Timestamp,
    created_by: UserId,
    updated_at: Timestamp,
}

impl Schedule {
    pub fn json(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "team_id": super::PROJECT_ID,
            "record_id": self.record_id,
            "model_name": "FeatureFlag",
            "payload": self.payload,
            "scheduled_at": iso(self.at),
            "executed_at": iso_or_null(self.executed_at),
            "failure_reason": self.failure_reason,
            "is_recurring": false,
            "recurrence_interval": null,
            "cron_expression": null,
            "last_executed_at": null,
            "end_date": null,
            "timezone": "UTC",
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "updated_at": iso(self.updated_at),
        })
    }
}

/// Answers a request below `scheduled_changes/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let listed = |it: &&Schedule| {
                request.param("record_id").is_none_or(|id| id == it.record_id)
                    && request.param("model_name").is_none_or(|name| name == "FeatureFlag")
            };
            let found: Vec<_> = world.schedules.iter().filter(listed).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id]) => {
            let at = id.parse().ok().and_then(|id: u64| world.schedules.iter().position(|it| it.id == id));
            let at = at.ok_or_else(Problem::not_found)?;
            let executed = world.schedules[at].executed_at.is_some();
            match *method {
                Method::GET => {}
                Method::PATCH | Method::DELETE if executed => {
                    return Err(Problem::invalid(
                        None,
                        "Cannot change a scheduled change that was executed.",
                    ));
                }
                Method::PATCH => {
                    let (now, body) = (world.stamp(), request.object()?);
                    change(&mut world.schedules[at], &body)?;
                    world.schedules[at].updated_at = now;
                }
                Method::DELETE => {
                    world.schedules.remove(at);
                    return Ok(Reply::empty());
                }
                _ => return Err(Problem::wrong_method(method)),
            }
            Ok(Reply::ok(world.schedules[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let now = world.stamp();
    let record_id = text_field(body, "record_id")?.ok_or_else(|| Problem::required("record_id"))?;
    for name in ["model_name", "payload", "scheduled_at"] {
        body.get(name).ok_or_else(|| Problem::required(name))?;
    }
    if body.get("model_name").and_then(Value::as_str) != Some("FeatureFlag") {
        return Err(Problem::field(
            Some("model_name"),
            "invalid_choice",
            "Only FeatureFlag can be scheduled.",
        ));
    }
    if record_id.parse().ok().and_then(|id| find(world, id).ok()).is_none_or(|it| it.state.deleted) {
        return Err(Problem::invalid(Some("record_id"), "Feature flag not found."));
    }
    if bool_field(body, "is_recurring")? == Some(true) {
        return Err(Problem::invalid(Some("is_recurring"), "The sandbox has no recurring changes."));
    }
    let mut schedule = Schedule {
        id: world.schedules.iter().map(|it| it.id).max().unwrap_or(0) + 1,
        record_id,
        payload: Value::Null,
        at: now,
        executed_at: None,
        failure_reason: None,
        created_at: now,
        created_by: caller.user,
        updated_at: now,
    };
    change(&mut schedule, body)?;
    world.schedules.push(schedule);
    let made = &world.schedules[world.schedules.len() - 1];
    Ok(Reply::created(made.json(world)))
}

fn change(schedule: &mut Schedule, body: &Map<String, Value>) -> Result<()> {
    if let Some(payload) = body.get("payload") {
        schedule.payload = payload.clone();
    }
    if let Some(at) = text_field(body, "scheduled_at")? {
        let wrong = |_| Problem::invalid(Some("scheduled_at"), "Datetime has wrong format.");
        schedule.at = at.parse().map_err(wrong)?;
    }
    Ok(())
}

/// Executes what is due, in the name of whoever scheduled it.
pub(super) fn run(world: &mut World) {
    let now = world.now();
    loop {
        let due =
            world.schedules.iter().enumerate().filter(|(_, it)| it.executed_at.is_none() && it.at <= now);
        let Some(at) = due.min_by_key(|(_, it)| it.at).map(|(at, _)| at) else { return };
        let schedule = &world.schedules[at];
        let (by, flag, payload) = (schedule.created_by, schedule.record_id.parse(), schedule.payload.clone());
        let done = match flag {
            Ok(flag) => execute(world, by, flag, &payload),
            Err(_) => Err(Problem::not_found()),
        };
        world.schedules[at].executed_at = Some(now);
        world.schedules[at].failure_reason = done.err().map(|it| it.detail);
    }
}

fn execute(world: &mut World, by: UserId, flag: u64, payload: &Value) -> Result<()> {
    let value = payload.get("value").cloned().unwrap_or_default();
    let field = |name: &str| value.get(name).cloned().unwrap_or_default();
    let body = match payload.get("operation").and_then(Value::as_str) {
        Some("update_status") if value.is_boolean() => json!({"active": value}),
        Some("add_release_condition") => {
            let stored = find(world, flag)?.state.filters.get("groups").and_then(Value::as_array).cloned();
            let mut groups = stored.unwrap_or_default();
            let more = value.get("groups").and_then(Value::as_array);
            groups.extend(
                more.ok_or_else(|| Problem::invalid(None, "Invalid payload: groups are missing"))?.clone(),
            );
            json!({"filters": {"groups": groups}})
        }
        Some("update_variants") => {
            json!({"filters": {"multivariate": {"variants": field("variants")}, "payloads": field("payloads")}})
        }
        _ => return Err(Problem::invalid(None, "Invalid payload: unrecognized operation")),
    };
    patch(world, by, flag, body.as_object().unwrap_or(&Map::new()))
}
