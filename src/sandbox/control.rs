//! `/_sandbox/…`: what tests set and see. The module's header documents it.

use axum::http::Method;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::API_KEY;
use super::approvals;
use super::capture;
use super::clock::{Clock, iso};
use super::events::{Event, Events};
use super::fault::Fault;
use super::objects;
use super::outbox::Delivery;
use super::panel;
use super::reply::{Problem, Reply, Request, Result, text_field, texts_field};
use super::server::{First, Inner};

/// Answers a request below `/_sandbox/`.
pub(super) fn route(inner: &mut Inner, first: First, request: &Request) -> Result {
    let segments: Vec<&str> = request.segments.iter().skip(1).map(String::as_str).collect();
    match (&request.method, &segments[..]) {
        (&Method::GET, ["state"]) => {}
        (&Method::POST, ["clock"]) => clock(inner, request)?,
        (&Method::POST, ["faults"]) => faults(inner, request)?,
        (&Method::POST, ["keys"]) => keys(inner, request)?,
        (&Method::POST, ["plan"]) => inner.world.unpaid = texts(request, "lacks")?,
        (&Method::POST, ["approvals"]) => inner.world.policies = actions(request)?,
        (&Method::POST, ["reset"]) => *inner = Inner::new(first),
        (&Method::GET, ["events"]) => return Ok(dump(inner, request)),
        (&Method::POST, ["events"]) => add(inner, request)?,
        (&Method::DELETE, ["events"]) => inner.world.events = Events::default(),
        (&Method::GET, ["outbox"]) => {
            let results: Vec<Value> = inner.world.outbox.iter().map(Delivery::json).collect();
            return Ok(Reply::ok(json!({"count": results.len(), "results": results})));
        }
        (&Method::DELETE, ["outbox"]) => inner.world.outbox.clear(),
        (&Method::GET, ["objects"]) => return Ok(Reply::ok(objects::all(&inner.world))),
        (_, ["form", form @ ..]) => return panel::route(inner, first, request, form),
        (
            method,
            [
                "state" | "clock" | "faults" | "keys" | "plan" | "approvals" | "reset" | "events" | "outbox"
                | "objects",
            ],
        ) => return Err(Problem::wrong_method(method)),
        _ => return Err(Problem::no_endpoint()),
    }
    Ok(Reply::ok(state(inner)))
}

/// What every control answers with.
pub(super) fn state(inner: &Inner) -> Value {
    let world = &inner.world;
    let last: Vec<Value> = inner
        .log
        .last
        .iter()
        .map(|(method, path, status)| json!({"method": method, "path": path, "status": status}))
        .collect();
    json!({
        "shape": world.shape.name(),
        "now": iso(world.now()),
        "clock": match world.clock { Clock::Running(_) => "running", Clock::Stopped(_) => "stopped" },
        "counts": {
            "flags": world.living_flags().count(),
            "deleted_flags": world.flags.len() - world.living_flags().count(),
            "people": world.people.len(),
            "annotations": world.annotations.iter().filter(|it| !it.deleted).count(),
            "session_recording_playlists": world.playlists.iter().filter(|it| !it.deleted).count(),
            "surveys": world.surveys.len(),
            "alerts": world.alerts.len(),
            "hog_functions": world.hog_functions.iter().filter(|it| !it.deleted).count(),
            "outbox": world.outbox.len(),
            "cohorts": world.cohorts.iter().filter(|it| !it.deleted).count(),
            "experiments": world.experiments.iter().filter(|it| !it.deleted).count(),
            "early_access_features": world.early_access.len(),
            "dashboards": world.dashboards.iter().filter(|it| !it.deleted).count(),
            "insights": world.insights.iter().filter(|it| !it.deleted).count(),
            "events": world.events.len(),
        },
        "scopes": world.keys.iter().map(|it| (it.token.to_owned(), json!(it.scopes))).collect::<serde_json::Map<_, _>>(),
        "lacks": world.unpaid,
        "approvals": world.policies,
        "faults": inner.faults,
        "requests": inner.log.counts,
        "last_requests": last,
    })
}

fn clock(inner: &mut Inner, request: &Request) -> Result<()> {
    let body = request.object()?;
    match (body.get("now"), body.get("advance_seconds")) {
        (Some(Value::Null), None) => inner.world.clock = Clock::new(None),
        (Some(now), None) => {
            let now = now.as_str().and_then(|it| it.parse().ok());
            let now =
                now.ok_or_else(|| Problem::invalid(Some("now"), "A time such as 2026-11-20T12:00:00Z."))?;
            inner.world.clock = Clock::new(Some(now));
        }
        (None, Some(seconds)) => {
            let seconds = seconds.as_i64();
            let seconds =
                seconds.ok_or_else(|| Problem::invalid(Some("advance_seconds"), "A whole number."))?;
            inner.world.clock.advance(SignedDuration::from_secs(seconds));
        }
        _ => return Err(Problem::invalid(None, "Either now or advance_seconds.")),
    }
    Ok(())
}

fn faults(inner: &mut Inner, request: &Request) -> Result<()> {
    let body = request.object()?;
    let faults = body.get("faults").ok_or_else(|| Problem::required("faults"))?;
    let read = Vec::<Fault>::deserialize(faults);
    inner.faults = read.map_err(|error| Problem::invalid(Some("faults"), error.to_string()))?;
    Ok(())
}

/// A list of texts that must be there.
fn texts(request: &Request, name: &str) -> Result<Vec<String>> {
    texts_field(&request.object()?, name)?.ok_or_else(|| Problem::required(name))
}

fn keys(inner: &mut Inner, request: &Request) -> Result<()> {
    let token = text_field(&request.object()?, "key")?.unwrap_or_else(|| API_KEY.to_owned());
    let scopes = texts(request, "scopes")?;
    let key = inner.world.keys.iter_mut().find(|it| it.token == token);
    key.ok_or_else(|| Problem::invalid(Some("key"), "There is no such key."))?.scopes = scopes;
    Ok(())
}

fn actions(request: &Request) -> Result<Vec<String>> {
    let actions = texts(request, "actions")?;
    match actions.iter().find(|it| !approvals::ACTIONS.contains(&it.as_str())) {
        None => Ok(actions),
        Some(it) => Err(Problem::invalid(Some("actions"), format!("Nothing gates \"{it}\"."))),
    }
}

/// The stored events, so that tests can count on their own.
fn dump(inner: &Inner, request: &Request) -> Reply {
    let limit = request.param("limit").and_then(|it| it.parse().ok()).unwrap_or(usize::MAX);
    let flag = request.param("flag");
    let meant = |it: &&Event| {
        let called = it.properties.get("$feature_flag").and_then(Value::as_str);
        request.param("event").is_none_or(|event| event == &*it.event) && (flag.is_none() || flag == called)
    };
    let results: Vec<Value> = inner.world.events.iter().filter(meant).take(limit).map(Event::json).collect();
    Reply::ok(json!({"count": results.len(), "results": results}))
}

fn add(inner: &mut Inner, request: &Request) -> Result<()> {
    let body = request.object()?;
    let events = body.get("events").and_then(Value::as_array).ok_or_else(|| Problem::required("events"))?;
    let mut read = Vec::new();
    for event in events {
        let event = event.as_object().ok_or_else(|| Problem::invalid(Some("events"), "Expected objects."))?;
        read.push(capture::event(&mut inner.world, event)?);
    }
    inner.world.events.extend(read);
    Ok(())
}
