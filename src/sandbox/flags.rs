//! `/api/projects/:id/feature_flags/…`

use axum::http::Method;
use serde_json::{Value, json};

use super::flag::{Entry, Flag};
use super::flag_write::{self as write, find};
use super::reply::{Caller, Problem, Reply, Request, Result, encode, page};
use super::targeting::{Condition, Served, Subject, serve, text};
use super::world::World;

/// Answers a request below `feature_flags/`; `rest` is the path after it.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    let (method, by) = (&request.method, caller.user);
    if let [id, rest @ ..] = rest
        && let Ok(id) = id.parse::<u64>()
    {
        return one(world, request, caller, id, rest);
    }
    match (method, rest) {
        (&Method::GET, []) => list(world, request),
        (&Method::POST, []) => {
            let id = write::create(world, by, &request.object()?)?;
            Ok(Reply::created(find(world, id)?.json(world)))
        }
        (&Method::GET, ["activity"]) => {
            let flags = world
                .flags
                .iter()
                .flat_map(|flag| flag.activity.iter().enumerate().map(move |it| (flag.id, it)));
            let mut entries: Vec<_> = flags.map(|(flag, (at, entry))| (flag, at, entry)).collect();
            entries.sort_by_key(|(_, _, entry)| std::cmp::Reverse(entry.at));
            activity(world, request, &entries)
        }
        (&Method::POST, ["user_blast_radius"]) => blast_radius(world, request),
        (&Method::POST, ["bulk_keys"]) => bulk_keys(world, request),
        (&Method::GET, ["my_flags"]) => my_flags(world, caller),
        (_, [] | ["activity" | "user_blast_radius" | "bulk_keys" | "my_flags"]) => {
            Err(Problem::wrong_method(method))
        }
        _ => Err(Problem::not_found()),
    }
}

/// One flag.
fn one(world: &mut World, request: &Request, caller: Caller, id: u64, rest: &[&str]) -> Result {
    let (method, by) = (&request.method, caller.user);
    find(world, id)?;
    match (method, rest) {
        (&Method::GET, []) => {}
        (&Method::PATCH | &Method::PUT, []) => write::patch(world, by, id, &request.object()?)?,
        (&Method::DELETE, []) => return Err(Problem::no_hard_delete()),
        (&Method::GET, ["status"]) => return Ok(Reply::ok(find(world, id)?.status_json(world))),
        (&Method::GET, ["activity"]) => {
            let entries: Vec<_> =
                find(world, id)?.activity.iter().enumerate().map(|(at, it)| (id, at, it)).rev().collect();
            return activity(world, request, &entries);
        }
        (&Method::GET, ["versions", number]) => return version(world, id, number),
        (&Method::GET, ["dependent_flags"]) => {
            let others = world.living_flags().filter(|it| it.state.active && write::depends_on(it, id));
            let short = |it: &Flag| json!({"id": it.id, "key": it.state.key, "name": it.state.name});
            return Ok(Reply::ok(others.map(short).collect()));
        }
        (&Method::POST, ["test_evaluation"]) => return test_evaluation(world, request, id),
        (&Method::POST, [action @ ("enable" | "disable" | "archive" | "unarchive")]) => {
            write::lifecycle(world, by, id, action)?;
        }
        (&Method::POST, ["set_release_condition_rollout"]) => {
            write::set_rollout(world, by, id, &request.object()?)?
        }
        (&Method::POST, ["roll_out_to_everyone"]) => write::roll_out(world, by, id, &request.object()?)?,
        (
            _,
            [
                "status"
                | "activity"
                | "dependent_flags"
                | "test_evaluation"
                | "enable"
                | "disable"
                | "archive"
                | "unarchive"
                | "set_release_condition_rollout"
                | "roll_out_to_everyone",
            ],
        ) => return Err(Problem::wrong_method(method)),
        (_, []) => return Err(Problem::wrong_method(method)),
        _ => return Err(Problem::no_endpoint()),
    }
    Ok(Reply::ok(find(world, id)?.json(world)))
}

/// The list with its filters, order and pages.
fn list(world: &World, request: &Request) -> Result {
    let mut flags = Vec::new();
    for flag in world.living_flags() {
        if listed(world, flag, request)? {
            flags.push(flag);
        }
    }
    order(world, &mut flags, request.param("order").unwrap_or("-created_at"));
    let dropped = json_list(request, "excluded_properties")?;
    page(request, flags.len(), |at| {
        let mut flag = flags[at].json(world);
        if let Some(object) = flag.as_object_mut() {
            object.retain(|name, _| !dropped.contains(name));
        }
        flag
    })
}

/// Whether the filters of a list request let a flag pass.
fn listed(world: &World, flag: &Flag, request: &Request) -> Result<bool> {
    let state = &flag.state;
    let same = |name: &str, actual: bool| request.param(name).is_none_or(|it| (it == "true") == actual);
    let experiments: Vec<_> =
        world.experiments.iter().filter(|it| it.flag == flag.id && !it.deleted).collect();
    let active = match request.param("active") {
        Some("STALE") => flag.status(world) == "STALE",
        Some(it) => (it == "true") == state.active,
        None => true,
    };
    let archived = match request.param("archived") {
        Some(it) => (it == "true") == state.archived,
        None => !state.archived,
    };
    let search = request.param("search").map(str::to_lowercase);
    let found = |it: &str| {
        let names = experiments.iter().any(|experiment| experiment.name.to_lowercase().contains(it));
        state.key.to_lowercase().contains(it) || state.name.to_lowercase().contains(it) || names
    };
    let multivariant = state.filters.pointer("/multivariate/variants").and_then(Value::as_array);
    let multivariant = multivariant.is_some_and(|it| !it.is_empty());
    let kind = match request.param("type") {
        Some("boolean") => !multivariant,
        Some("multivariant") => multivariant,
        Some("experiment") => !experiments.is_empty(),
        Some("remote_config") => state.is_remote_configuration,
        _ => true,
    };
    let tags = json_list(request, "tags")?;
    let excluded = json_list(request, "excluded_tags")?;
    let creators = request.param("created_by_id").map(|it| it.trim_matches(['[', ']']).to_owned());
    Ok(active
        && archived
        && kind
        && search.is_none_or(|it| found(&it))
        && request.param("key").is_none_or(|it| it.eq_ignore_ascii_case(&state.key))
        && request
            .param("evaluation_runtime")
            .is_none_or(|it| Some(it) == state.evaluation_runtime.as_deref())
        && same("has_evaluation_contexts", !state.evaluation_contexts.is_empty())
        && (tags.is_empty() || tags.iter().any(|it| state.tags.contains(it)))
        && !excluded.iter().any(|it| state.tags.contains(it))
        && creators.is_none_or(|it| it.split(',').any(|it| it.trim() == flag.created_by.to_string())))
}

/// A parameter that holds a JSON list of strings.
fn json_list(request: &Request, name: &str) -> Result<Vec<String>> {
    let Some(value) = request.param(name) else { return Ok(Vec::new()) };
    serde_json::from_str(value).map_err(|_| Problem::invalid(Some(name), "Must be a JSON list of strings."))
}

/// Orders by any field of the answer, descending with `-`; equal ones by id, newest first.
fn order(world: &World, flags: &mut [&Flag], by: &str) {
    let (field, down) = by.strip_prefix('-').map_or((by, false), |it| (it, true));
    flags.sort_by_cached_key(|it| {
        let shown = match field {
            "created_at" => Value::from(super::clock::iso(it.created_at)),
            "updated_at" => Value::from(super::clock::iso(it.updated_at)),
            _ => it.json(world).get(field).cloned().unwrap_or_default(),
        };
        match shown {
            Value::Number(number) => format!("{:020.6}", number.as_f64().unwrap_or_default()),
            Value::Object(user) => user.get("first_name").map(text).unwrap_or_default(),
            other => text(&other).to_lowercase(),
        }
    });
    if down {
        flags.reverse();
    }
}

/// Activity is paged by number, not by offset.
fn activity(world: &World, request: &Request, entries: &[(u64, usize, &Entry)]) -> Result {
    let number =
        |name: &str| request.param(name).and_then(|it| it.parse::<usize>().ok()).filter(|it| *it > 0);
    let (limit, at) = (number("limit").unwrap_or(10), number("page").unwrap_or(1));
    let start = (at - 1).saturating_mul(limit);
    let end = start.saturating_add(limit).min(entries.len());
    if start > 0 && start >= entries.len() {
        return Err(Problem::missing("Invalid page."));
    }
    let link = |page: usize| {
        let query = [("limit".to_owned(), limit.to_string()), ("page".to_owned(), page.to_string())];
        format!("{}{}?{}", request.base, request.path, encode(&query))
    };
    let results: Vec<Value> =
        entries[start.min(end)..end].iter().map(|(flag, at, entry)| entry.json(*flag, *at, world)).collect();
    Ok(Reply::ok(json!({
        "results": results,
        "next": (end < entries.len()).then(|| link(at + 1)),
        "previous": (at > 1).then(|| link(at - 1)),
        "total_count": entries.len(),
    })))
}

/// How many people (or groups) a condition's properties match, whatever its percentage.
fn blast_radius(world: &World, request: &Request) -> Result {
    let body = request.object()?;
    let condition = body.get("condition").ok_or_else(|| Problem::required("condition"))?;
    let condition: Condition = serde::Deserialize::deserialize(condition)
        .map_err(|error| Problem::invalid(Some("condition"), format!("Invalid condition: {error}")))?;
    let matches = |subject: Subject<'_>| -> Result<bool> {
        for property in &condition.properties {
            let held = property.matches(world, subject).map_err(|operator| {
                Problem::invalid(Some("condition"), format!("Operator '{operator}' is not supported here."))
            })?;
            if !held {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let (mut affected, mut total) = (0, 0);
    match body.get("group_type_index").and_then(Value::as_u64) {
        None => {
            for person in world.people.iter() {
                affected += u64::from(matches(world.subject(person))?);
                total += 1;
            }
        }
        Some(index) => {
            for group in world.groups.iter().filter(|it| it.type_index == index) {
                affected += u64::from(matches(Subject {
                    id: &group.key,
                    person: None,
                    properties: &group.properties,
                })?);
                total += 1;
            }
        }
    }
    Ok(Reply::ok(json!({"affected": affected, "total": total})))
}

fn bulk_keys(world: &World, request: &Request) -> Result {
    let ids = super::reply::ids_field(&request.object()?, "ids")?.ok_or_else(|| Problem::required("ids"))?;
    let known = world.flags.iter().filter(|it| ids.contains(&it.id));
    let keys: serde_json::Map<_, _> =
        known.map(|it| (it.id.to_string(), it.state.key.as_str().into())).collect();
    Ok(Reply::ok(json!({"keys": keys})))
}

/// What each active flag serves to the owner of the API key.
fn my_flags(world: &World, caller: Caller) -> Result {
    let email = world.user(caller.user).map_or("", |it| it.email);
    let nobody = serde_json::Map::new();
    let subject = match world.people.get(email) {
        Some(person) => world.subject(person),
        None => Subject { id: email, person: None, properties: &nobody },
    };
    let mine = |it: &Flag| json!({"feature_flag": it.minimal(), "value": serve(world, &it.state, subject).0.response()});
    Ok(Reply::ok(world.living_flags().filter(|it| it.state.active).map(mine).collect()))
}

/// The flag as of a version.
fn version(world: &World, id: u64, number: &str) -> Result {
    let flag = find(world, id)?;
    let number: Option<u64> = number.parse().ok();
    let version =
        flag.versions.iter().find(|it| Some(it.state.version) == number).ok_or_else(Problem::not_found)?;
    let mut shown = flag.json(world);
    if let Some(object) = shown.as_object_mut() {
        object.extend(version.state.fields());
        object.insert("is_historical".into(), (version.state.version != flag.state.version).into());
        object.insert("version_timestamp".into(), super::clock::iso(version.at).into());
        object.insert("modified_by".into(), version.by.into());
    }
    Ok(Reply::ok(shown))
}

/// What one person gets, and why.
fn test_evaluation(world: &World, request: &Request, id: u64) -> Result {
    let body = request.object()?;
    let person = match (
        body.get("distinct_id").and_then(Value::as_str),
        body.get("person_id").and_then(Value::as_str),
    ) {
        (Some(it), None) => world.people.get(it),
        (None, Some(it)) => world.people.by_uuid(it),
        _ => return Err(Problem::invalid(None, "Provide exactly one of distinct_id and person_id.")),
    };
    let person = person.ok_or_else(|| Problem::missing("Person not found."))?;
    let flag = find(world, id)?;
    let (served, condition) = serve(world, &flag.state, world.subject(person));
    let (reason, description) = match (&served, flag.state.active) {
        (Served::Off, false) => ("disabled", "Feature flag is disabled"),
        (Served::Off, true) => ("no_condition_match", "No condition matched"),
        _ if condition.is_none() => ("super_condition_value", "Opted in to the early access feature"),
        _ => ("condition_match", "Matched a condition"),
    };
    Ok(Reply::ok(json!({
        "flag_key": flag.state.key,
        "result": served.response(),
        "reason": reason,
        "reason_description": description,
        "condition_index": condition,
        "payload": null,
        "person_properties": person.properties,
        "evaluation_distinct_id": &*person.distinct_id,
        "conditions": [],
    })))
}
