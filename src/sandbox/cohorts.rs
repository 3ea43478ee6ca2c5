//! `/api/projects/:id/cohorts/…`, and who is in a cohort.

use axum::http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{Caller, Problem, Reply, Request, Result, bool_field, page, text_field};
use super::targeting::{Property, Subject};
use super::world::{UserId, World};

/// A named set of people.
pub(super) struct Cohort {
    pub id: u64,
    pub name: String,
    pub description: String,
    /// `{"properties": {"type": "OR", "values": […]}}`; null for a static cohort.
    pub filters: Value,
    /// The people of a static cohort, by UUID.
    pub people: Option<Vec<String>>,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub created_by: UserId,
}

impl Cohort {
    pub fn json(&self, world: &World) -> Value {
        let count = world.people.iter().filter(|it| contains(world, self.id, world.subject(it))).count();
        let kind = match (&self.people, behavioral(world, self.id)) {
            (Some(_), _) => "static",
            (None, true) => "behavioral",
            (None, false) => "person_property",
        };
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "groups": [],
            "deleted": self.deleted,
            "filters": self.filters,
            "query": null,
            "is_calculating": false,
            "created_by": world.user_basic(Some(self.created_by)),
            "created_at": iso(self.created_at),
            "last_calculation": iso(world.now()),
            "errors_calculating": 0,
            "last_error_message": null,
            "count": count,
            "is_static": self.people.is_some(),
            "cohort_type": kind,
            "experiment_set": [],
        })
    }
}

/// Whether the subject is in the cohort; deleted cohorts are empty.
pub(super) fn contains(world: &World, id: u64, subject: Subject<'_>) -> bool {
    inside(world, id, subject, 8)
}

/// `depth` ends cohorts that contain each other.
fn inside(world: &World, id: u64, subject: Subject<'_>, depth: u8) -> bool {
    let Some(person) = subject.person.filter(|_| depth > 0) else { return false };
    let Some(cohort) = world.cohorts.iter().find(|it| it.id == id && !it.deleted) else { return false };
    match &cohort.people {
        Some(people) => people.iter().any(|it| it == person),
        None => node(world, cohort.filters.get("properties").unwrap_or(&Value::Null), subject, depth),
    }
}

/// A node of the tree of conditions.
fn node(world: &World, it: &Value, subject: Subject<'_>, depth: u8) -> bool {
    if let Some(values) = it.get("values").and_then(Value::as_array) {
        let mut held = values.iter().map(|it| node(world, it, subject, depth));
        return match it.get("type").and_then(Value::as_str) {
            Some("AND") => !values.is_empty() && held.all(|it| it),
            _ => held.any(|it| it),
        };
    }
    let negated = it.get("negation").and_then(Value::as_bool).unwrap_or(false);
    match it.get("type").and_then(Value::as_str) {
        Some("behavioral") => behaved(world, it, subject) != negated,
        Some("cohort") => {
            let id = it.get("value").and_then(Value::as_u64);
            id.is_some_and(|it| inside(world, it, subject, depth - 1)) != negated
        }
        _ => Property::deserialize(it).is_ok_and(|it| it.matches(world, subject).unwrap_or(false)),
    }
}

/// `performed_event` within a time.
fn behaved(world: &World, it: &Value, subject: Subject<'_>) -> bool {
    let hours = match it.get("time_interval").and_then(Value::as_str) {
        Some("hour") => 1,
        Some("week") => 24 * 7,
        Some("month") => 24 * 30,
        _ => 24,
    };
    let count =
        it.get("time_value").and_then(|it| it.as_i64().or_else(|| it.as_str()?.parse().ok())).unwrap_or(30);
    let back = jiff::SignedDuration::from_hours(hours * count.clamp(0, 36_500));
    let since = super::clock::add(world.now(), -back);
    let Some(name) = it.get("key").and_then(Value::as_str) else { return false };
    let mut recent = world.events.iter().rev().take_while(|it| it.timestamp >= since);
    recent.any(|it| &*it.event == name && Some(&*it.person_id) == subject.person)
}

/// Answers a request below `cohorts/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").map(str::to_lowercase);
            let listed = |it: &&Cohort| {
                !it.deleted && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
            };
            let found: Vec<_> = world.cohorts.iter().rev().filter(listed).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id, rest @ ..]) => {
            let at = id.parse().ok().and_then(|id: u64| world.cohorts.iter().position(|it| it.id == id));
            let at = at.ok_or_else(Problem::not_found)?;
            match (method, rest) {
                (&Method::GET, []) => {}
                (&Method::PATCH, []) => {
                    let body = request.object()?;
                    known_cohorts(world, &body)?;
                    patch(&mut world.cohorts[at], &body)?;
                    if body.get("filters").is_some_and(|it| !it.is_null()) {
                        return Ok(Reply::ok(uncounted(&world.cohorts[at], world)));
                    }
                }
                (&Method::DELETE, []) => {
                    return Err(Problem::no_hard_delete());
                }
                (&Method::GET, ["persons"]) => return persons(world, request, world.cohorts[at].id),
                (&Method::PATCH, ["add_persons_to_static_cohort"]) => add(world, at, &request.object()?)?,
                (&Method::PATCH, ["remove_person_from_static_cohort"]) => {
                    remove(world, at, &request.object()?)?
                }
                (
                    _,
                    [] | ["persons" | "add_persons_to_static_cohort" | "remove_person_from_static_cohort"],
                ) => {
                    return Err(Problem::wrong_method(method));
                }
                _ => return Err(Problem::no_endpoint()),
            }
            Ok(Reply::ok(world.cohorts[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

/// Makes a cohort from a request's body.
pub(super) fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let at = world.stamp();
    let id = world.cohorts.iter().map(|it| it.id).max().unwrap_or(0) + 1;
    let mut cohort = Cohort {
        id,
        name: String::new(),
        description: String::new(),
        filters: Value::Null,
        people: None,
        deleted: false,
        created_at: at,
        created_by: caller.user,
    };
    if body.get("name").is_none() {
        return Err(Problem::required("name"));
    }
    if text_field(body, "name")?.is_none_or(|it| it.is_empty()) {
        return Err(Problem::field(Some("name"), "blank", "This field may not be blank."));
    }
    known_cohorts(world, body)?;
    patch(&mut cohort, body)?;
    if bool_field(body, "is_static")? == Some(true) {
        let ids = super::reply::texts_field(body, "_create_static_person_ids")?.unwrap_or_default();
        cohort.people = Some(ids);
    } else if cohort.filters.is_null() {
        return Err(Problem::invalid(
            Some("filters"),
            "Must contain a 'properties' key with type and values",
        ));
    }
    world.cohorts.push(cohort);
    let made = &world.cohorts[world.cohorts.len() - 1];
    Ok(Reply::created(uncounted(made, world)))
}

/// A cohort as the answer to the write of its rule shows it: its people are counted later.
fn uncounted(cohort: &Cohort, world: &World) -> Value {
    let mut it = cohort.json(world);
    if cohort.people.is_none() {
        (it["is_calculating"], it["count"], it["last_calculation"]) = (true.into(), Value::Null, Value::Null);
    }
    it
}

fn patch(cohort: &mut Cohort, body: &Map<String, Value>) -> Result<()> {
    if let Some(name) = text_field(body, "name")? {
        cohort.name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        cohort.description = description;
    }
    if let Some(filters) = body.get("filters").filter(|it| !it.is_null()) {
        if filters.pointer("/properties/values").and_then(Value::as_array).is_none() {
            return Err(Problem::invalid(
                Some("filters"),
                "Must contain a 'properties' key with type and values",
            ));
        }
        cohort.filters = filters.clone();
    }
    if let Some(deleted) = bool_field(body, "deleted")? {
        cohort.deleted = deleted;
    }
    Ok(())
}

/// Refuses a rule that asks for a cohort that is not there, and leaves of unknown types.
fn known_cohorts(world: &World, body: &Map<String, Value>) -> Result<()> {
    let refuse = |text: String| Err(Problem::invalid(Some("filters"), text));
    let Some(root) = body.get("filters").and_then(|it| it.get("properties")) else { return Ok(()) };
    for leaf in leaves(root) {
        match leaf.get("type").and_then(Value::as_str) {
            Some("person" | "behavioral") => {}
            Some("cohort") => {
                let id = leaf.get("value").and_then(Value::as_u64);
                if !world.cohorts.iter().any(|it| Some(it.id) == id && !it.deleted) {
                    let id = leaf.get("value").cloned().unwrap_or_default();
                    return refuse(format!("Invalid Cohort ID in filter: {id}"));
                }
            }
            Some(other) => return refuse(format!("Invalid filter type: {other}")),
            None => return refuse("Every filter needs a type.".into()),
        }
    }
    Ok(())
}

/// The conditions of a tree.
fn leaves(it: &Value) -> Vec<&Value> {
    match it.get("values").and_then(Value::as_array) {
        Some(values) => values.iter().flat_map(leaves).collect(),
        None => vec![it],
    }
}

/// Whether a cohort, or one that it asks for, asks what people did, which flags cannot use.
pub(super) fn behavioral(world: &World, id: u64) -> bool {
    // Cohorts that contain each other are asked once.
    let (mut asked, mut open) = (Vec::new(), vec![id]);
    while let Some(id) = open.pop() {
        let Some(cohort) = world.cohorts.iter().find(|it| it.id == id && !asked.contains(&id)) else {
            continue;
        };
        asked.push(id);
        for leaf in cohort.filters.get("properties").map(leaves).unwrap_or_default() {
            match leaf.get("type").and_then(Value::as_str) {
                Some("behavioral") => return true,
                Some("cohort") => open.extend(leaf.get("value").and_then(Value::as_u64)),
                _ => {}
            }
        }
    }
    false
}

fn remove(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let id = text_field(body, "person_id")?.ok_or_else(|| Problem::required("person_id"))?;
    match &mut world.cohorts[at].people {
        Some(people) => {
            people.retain(|it| *it != id);
            Ok(())
        }
        None => Err(Problem::invalid(None, "Can only remove persons from static cohorts")),
    }
}

fn add(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let ids =
        super::reply::texts_field(body, "person_ids")?.ok_or_else(|| Problem::required("person_ids"))?;
    match &mut world.cohorts[at].people {
        Some(people) => {
            people.extend(ids);
            Ok(())
        }
        None => Err(Problem::invalid(None, "Can only add persons to static cohorts")),
    }
}

fn persons(world: &World, request: &Request, id: u64) -> Result {
    let inside: Vec<_> = world.people.iter().filter(|it| contains(world, id, world.subject(it))).collect();
    page(request, inside.len(), |at| {
        let person = inside[at];
        json!({
            "type": "person",
            "id": &*person.uuid,
            "uuid": &*person.uuid,
            "distinct_ids": [&*person.distinct_id],
            "properties": person.properties,
        })
    })
}
