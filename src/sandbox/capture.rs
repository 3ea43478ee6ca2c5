//! What SDKs talk to, with the project's public token: capturing events and asking for flags.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::PROJECT_TOKEN;
use super::events::Event;
use super::hash::uuid;
use super::outbox;
use super::reply::{Problem, Reply, Request, Result};
use super::targeting::{Served, Subject, serve};
use super::world::World;

/// Answers `/i/v0/e/`, `/capture/`, `/e/` and `/batch/`.
pub(super) fn capture(world: &mut World, request: &Request) -> Result {
    if request.method != Method::POST {
        return Err(Problem::wrong_method(&request.method));
    }
    let body = request.object()?;
    authorize(&body)?;
    let events = match body.get("batch") {
        Some(batch) => {
            let list = batch
                .as_array()
                .ok_or_else(|| Problem::invalid(Some("batch"), "Expected a list of items."))?;
            list.iter().filter_map(Value::as_object).collect()
        }
        None => vec![&body],
    };
    let mut read = Vec::new();
    for event in events {
        read.push(self::event(world, event)?);
    }
    world.events.extend(read.iter().cloned());
    // They run for each arrival, also of an event that is merged with an earlier one.
    for event in &read {
        outbox::captured(world, event);
    }
    Ok(Reply::ok(json!({"status": "Ok"})))
}

fn authorize(body: &Map<String, Value>) -> Result<()> {
    let token = ["api_key", "token"].iter().find_map(|it| body.get(*it)?.as_str());
    match token {
        Some(PROJECT_TOKEN) => Ok(()),
        Some(_) => Err(Problem::unauthenticated(
            "invalid_api_key",
            "Project API key invalid. You can find your project API key in your PostHog project settings.",
        )),
        None => Err(Problem::unauthenticated(
            "missing_api_key",
            "API key not provided. You can find your project API key in your PostHog project settings.",
        )),
    }
}

/// An event as a client sends it; the person is made when it is new.
pub(super) fn event(world: &mut World, sent: &Map<String, Value>) -> Result<Event> {
    let name = sent.get("event").and_then(Value::as_str).filter(|it| !it.is_empty());
    let name = name.ok_or_else(|| Problem::required("event"))?;
    let mut properties = sent.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let distinct_id = sent.get("distinct_id").or_else(|| properties.get("distinct_id"));
    let distinct_id = distinct_id.and_then(Value::as_str).filter(|it| !it.is_empty());
    let distinct_id = distinct_id.ok_or_else(|| Problem::required("distinct_id"))?.to_owned();
    let timestamp = match sent.get("timestamp").and_then(Value::as_str) {
        Some(it) => {
            it.parse::<Timestamp>().map_err(|_| Problem::invalid(Some("timestamp"), "Invalid timestamp."))?
        }
        None => world.now(),
    };
    let serial = world.events.next_serial().to_string();
    let own = sent.get("uuid").and_then(Value::as_str).map(str::to_owned);
    let own = own.unwrap_or_else(|| uuid(&["captured", &serial, name, &distinct_id, &timestamp.to_string()]));
    let person = match properties.get("$process_person_profile") {
        Some(Value::Bool(false)) if world.people.get(&distinct_id).is_none() => {
            uuid(&["person", &distinct_id]).into()
        }
        _ => {
            let set = properties.get("$set").or_else(|| sent.get("$set")).and_then(Value::as_object).cloned();
            world.people.upsert(&distinct_id, set.unwrap_or_default()).uuid.clone()
        }
    };
    properties.remove("distinct_id");
    properties.remove("token");
    Ok(Event {
        uuid: own.into(),
        event: name.into(),
        distinct_id: distinct_id.into(),
        person_id: person,
        timestamp,
        properties,
    })
}

/// `POST /flags/?v=2`: what each flag serves to somebody.
pub(super) fn flags(world: &World, request: &Request) -> Result {
    if request.method != Method::POST {
        return Err(Problem::wrong_method(&request.method));
    }
    let body = request.object()?;
    authorize(&body)?;
    let distinct_id =
        body.get("distinct_id").and_then(Value::as_str).ok_or_else(|| Problem::required("distinct_id"))?;
    let person = world.people.get(distinct_id);
    let mut properties = person.map(|it| it.properties.clone()).unwrap_or_default();
    properties.extend(body.get("person_properties").and_then(Value::as_object).cloned().unwrap_or_default());
    let subject = Subject { id: distinct_id, person: person.map(|it| &*it.uuid), properties: &properties };
    let asked = super::reply::texts_field(&body, "flag_keys_to_evaluate")?;
    let wanted = |key: &String| asked.as_ref().is_none_or(|it| it.contains(key));
    let mut flags = Map::new();
    for flag in world.living_flags().filter(|it| it.state.active && wanted(&it.state.key)) {
        let nobody = Map::new();
        let by_group = flag.state.filters.get("aggregation_group_type_index").and_then(Value::as_u64);
        let group = by_group.and_then(|index| {
            let kind = body.get("groups").and_then(|it| it.get("company")).and_then(Value::as_str)?;
            world.groups.iter().find(|it| it.type_index == index && it.key == kind)
        });
        let subject = match (by_group, group) {
            (None, _) => subject,
            (_, Some(group)) => Subject { id: &group.key, person: None, properties: &group.properties },
            (_, None) => Subject { id: "", person: None, properties: &nobody },
        };
        let (served, condition) = match by_group.is_some() && group.is_none() {
            true => (Served::Off, None),
            false => serve(world, &flag.state, subject),
        };
        let variant = match &served {
            Served::Variant(key) => Some(key.as_str()),
            _ => None,
        };
        let payload = flag.state.filters.get("payloads").and_then(|it| it.get(variant.unwrap_or("true")));
        flags.insert(
            flag.state.key.clone(),
            json!({
                "key": flag.state.key,
                "enabled": served != Served::Off,
                "variant": variant,
                "reason": match condition {
                    Some(at) => json!({"code": "condition_match", "condition_index": at, "description": format!("Matched condition set {}", at + 1)}),
                    None => json!({"code": "no_condition_match", "condition_index": null, "description": "No matching condition set"}),
                },
                "metadata": {
                    "id": flag.id,
                    "version": flag.state.version,
                    "payload": payload.filter(|_| served != Served::Off),
                    "description": null,
                    "has_experiment": world.experiments.iter().any(|it| it.flag == flag.id && !it.deleted),
                },
            }),
        );
    }
    let now = world.now();
    Ok(Reply::ok(json!({
        "flags": flags,
        "errorsWhileComputingFlags": false,
        "requestId": uuid(&["request", distinct_id, &now.to_string()]),
        "evaluatedAt": now.as_millisecond(),
    })))
}
