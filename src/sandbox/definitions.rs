//! `/api/projects/:id/event_definitions/…` and `property_definitions/` (posthog-api appendix B): the names that the
//! project's events and people have.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::iso;
use super::hash::uuid;
use super::reply::{Problem, Reply, Request, Result, page};
use super::world::World;

/// Answers a request below `event_definitions/`.
pub(super) fn events(world: &World, request: &Request, rest: &[&str]) -> Result {
    let all = names(world);
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").unwrap_or_default().to_lowercase();
            let found: Vec<_> =
                all.iter().filter(|(name, _)| name.to_lowercase().contains(&search)).collect();
            page(request, found.len(), |at| event(found[at].0, found[at].1))
        }
        (&Method::GET, ["by_name"]) => {
            let name = request.param("name").ok_or_else(|| Problem::required("name"))?;
            let times = all.get(name).ok_or_else(Problem::not_found)?;
            Ok(Reply::ok(event(name, times)))
        }
        (&Method::GET, [id]) => {
            let found = all.iter().find(|(name, _)| uuid(&["event definition", name]) == *id);
            let (name, times) = found.ok_or_else(Problem::not_found)?;
            Ok(Reply::ok(event(name, times)))
        }
        (method, [] | [_]) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

/// Every event's name, when it first came and when last.
fn names(world: &World) -> BTreeMap<&str, [Timestamp; 2]> {
    let mut names: BTreeMap<&str, [Timestamp; 2]> = BTreeMap::new();
    for event in world.events.iter() {
        names.entry(&event.event).or_insert([event.timestamp; 2])[1] = event.timestamp;
    }
    names
}

fn event(name: &str, [first, last]: &[Timestamp; 2]) -> Value {
    json!({
        "id": uuid(&["event definition", name]),
        "name": name,
        "owner": null,
        "description": "",
        "tags": [],
        "created_at": iso(*first),
        "last_seen_at": iso(*last),
        "updated_at": iso(*first),
        "last_updated_at": iso(*first),
        "verified": false,
        "hidden": false,
        "is_action": false,
        "is_calculating": false,
        "last_calculated_at": null,
        "post_to_slack": false,
    })
}

/// Answers a request below `property_definitions/`.
pub(super) fn properties(world: &World, request: &Request, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {}
        (method, []) => return Err(Problem::wrong_method(method)),
        _ => return Err(Problem::no_endpoint()),
    }
    let kind = request.param("type").unwrap_or("event");
    let asked = match request.param("event_names") {
        None => None,
        Some(it) => {
            let wrong = |_| Problem::invalid(Some("event_names"), "Must be a JSON list of strings.");
            Some(serde_json::from_str::<Vec<String>>(it).map_err(wrong)?)
        }
    };
    // For each name a value that it has, and whether one of the events that were asked for has it.
    let mut known: BTreeMap<&str, (&Value, bool)> = BTreeMap::new();
    match kind {
        "event" => {
            for event in world.events.iter() {
                let is_asked = asked.as_ref().is_some_and(|it| it.iter().any(|it| **it == *event.event));
                for (name, value) in &event.properties {
                    known.entry(name).or_insert((value, false)).1 |= is_asked;
                }
            }
        }
        "person" => {
            for (name, value) in world.people.iter().flat_map(|it| &it.properties) {
                known.entry(name).or_insert((value, false));
            }
        }
        "group" => {
            for (name, value) in world.groups.iter().flat_map(|it| &it.properties) {
                known.entry(name).or_insert((value, false));
            }
        }
        "session" => {}
        other => {
            let text = format!("\"{other}\" is not a valid choice.");
            return Err(Problem::field(Some("type"), "invalid_choice", text));
        }
    }
    let search = request.param("search").unwrap_or_default().to_lowercase();
    let only_seen = asked.is_some() && request.param("filter_by_event_names") == Some("true");
    let listed = |(name, (_, seen)): &(&str, (&Value, bool))| {
        name.to_lowercase().contains(&search) && (!only_seen || *seen)
    };
    let found: Vec<_> = known.into_iter().filter(listed).collect();
    page(request, found.len(), |at| {
        let (name, (value, seen)) = found[at];
        property(kind, name, value, asked.as_ref().map(|_| seen))
    })
}

fn property(kind: &str, name: &str, value: &Value, seen: Option<bool>) -> Value {
    let of_type = match value {
        Value::Number(_) => Some("Numeric"),
        Value::Bool(_) => Some("Boolean"),
        Value::String(_) => Some("String"),
        _ => None,
    };
    json!({
        "id": uuid(&["property definition", kind, name]),
        "name": name,
        "description": "",
        "tags": [],
        "is_numerical": value.is_number(),
        "property_type": of_type,
        "is_seen_on_filtered_events": seen,
        "verified": false,
        "hidden": false,
    })
}
