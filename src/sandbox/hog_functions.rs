//! `/api/projects/:id/hog_functions/…` (posthog-api 4.12): what PostHog does when an event happens. [`super::outbox`]
//! runs them.

use axum::http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::events::Event;
use super::hash::uuid;
use super::hog_templates::{self, Template};
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, choice_field, object_field, page, text_field,
};
use super::targeting::{OPERATORS, Property};
use super::trends;
use super::world::{UserId, World};

/// Runs for events that are captured.
pub(super) const DESTINATION: &str = "destination";
/// Runs for what PostHog itself tells.
pub(super) const INTERNAL: &str = "internal_destination";
const TYPES: [&str; 7] = [
    DESTINATION,
    INTERNAL,
    "site_destination",
    "site_app",
    "transformation",
    "source_webhook",
    "warehouse_source_webhook",
];
const SOURCES: [&str; 4] = ["events", "person-updates", "data-warehouse-table", "internal-events"];

/// A function.
pub(super) struct HogFunction {
    pub id: String,
    pub kind: String,
    pub name: String,
    description: String,
    pub enabled: bool,
    pub deleted: bool,
    pub template: &'static Template,
    /// `{name: {"value", "templating"?}}`, secret ones as well.
    pub inputs: Map<String, Value>,
    filters: Value,
    created_at: Timestamp,
    created_by: UserId,
    updated_at: Timestamp,
}

/// Which events a function runs for.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Filters {
    events: Vec<EventFilter>,
    actions: Vec<Value>,
    properties: Vec<Property>,
    filter_test_accounts: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EventFilter {
    /// The event's name; none is every event.
    id: Option<String>,
    properties: Vec<Property>,
}

impl HogFunction {
    /// As a list shows it: without what it was set up with.
    fn listed(&self, world: &World) -> Value {
        let mut it = self.json(world);
        if let Value::Object(it) = &mut it {
            for name in
                ["inputs", "inputs_schema", "template_id", "masking", "mappings", "transpiled", "deleted"]
            {
                it.remove(name);
            }
        }
        it
    }

    pub fn json(&self, world: &World) -> Value {
        let mut filters = self.filters.clone();
        if let Value::Object(it) = &mut filters {
            // PostHog compiles what it is given, and shows that, too.
            it.insert("bytecode".into(), json!(["_H", 1]));
        }
        json!({
            "id": self.id,
            "type": self.kind,
            "name": self.name,
            "description": self.description,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "updated_at": iso(self.updated_at),
            "enabled": self.enabled,
            "deleted": self.deleted,
            "hog": "",
            "transpiled": null,
            "inputs_schema": self.template.schema(),
            "inputs": self.shown_inputs(),
            "filters": filters,
            "masking": null,
            "mappings": null,
            "icon_url": null,
            "template": self.template.json(),
            "template_id": self.template.id,
            "status": {"state": 1, "tokens": 10_000},
            "execution_order": null,
        })
    }

    /// Nobody reads a secret back.
    fn shown_inputs(&self) -> Map<String, Value> {
        let one = |(order, (name, it)): (usize, (&String, &Value))| {
            let is_secret = self.template.inputs.iter().any(|input| input.key == *name && input.secret);
            let mut it = if is_secret { json!({"secret": true}) } else { it.clone() };
            if !is_secret {
                it["bytecode"] = json!(["_H", 1]);
                it["order"] = order.into();
            }
            (name.clone(), it)
        };
        self.inputs.iter().enumerate().map(one).collect()
    }

    /// Whether it runs for an event.
    pub fn wants(&self, world: &World, event: &Event) -> bool {
        if !self.enabled || self.deleted {
            return false;
        }
        let Ok(filters) = Filters::deserialize(&self.filters) else { return false };
        if !matches!(self.filters["source"].as_str(), None | Some("events" | "internal-events")) {
            return false;
        }
        let all = |list: &[Property]| list.iter().all(|it| trends::holds(world, event, it).unwrap_or(false));
        let meant =
            |it: &EventFilter| it.id.as_ref().is_none_or(|id| **id == *event.event) && all(&it.properties);
        let people = || trends::properties(world.project.get("test_account_filters").unwrap_or(&Value::Null));
        (filters.events.is_empty() || filters.events.iter().any(meant))
            && all(&filters.properties)
            && (!filters.filter_test_accounts || people().is_ok_and(|it| all(&it)))
    }
}

/// Answers a request below `hog_functions/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => list(world, request),
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id]) => {
            let at = world.hog_functions.iter().position(|it| it.id == *id).ok_or_else(Problem::not_found)?;
            match *method {
                Method::GET if !world.hog_functions[at].deleted => {}
                Method::GET => return Err(Problem::not_found()),
                Method::PATCH => patch(world, at, &request.object()?)?,
                Method::DELETE => return Err(Problem::no_hard_delete()),
                _ => return Err(Problem::wrong_method(method)),
            }
            Ok(Reply::ok(world.hog_functions[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn list(world: &World, request: &Request) -> Result {
    // PostHog shows destinations to whoever does not say which types.
    let types = request.param("type").or_else(|| request.param("types")).unwrap_or(DESTINATION);
    let search = request.param("search").map(str::to_lowercase);
    let listed = |it: &&HogFunction| {
        !it.deleted
            && types.split(',').any(|kind| kind.trim() == it.kind)
            && request.param("enabled").is_none_or(|enabled| (enabled == "true") == it.enabled)
            && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
    };
    let found: Vec<_> = world.hog_functions.iter().rev().filter(listed).collect();
    page(request, found.len(), |at| found[at].listed(world))
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let kind = choice_field(body, "type", &TYPES)?.ok_or_else(|| Problem::required("type"))?;
    let template = text_field(body, "template_id")?.ok_or_else(|| {
        Problem::invalid(Some("template_id"), "The sandbox makes functions from its templates only.")
    })?;
    let template = hog_templates::find(&template).ok_or_else(|| {
        Problem::invalid(Some("template_id"), format!("No template found for id '{template}'"))
    })?;
    let inputs = object_field(body, "inputs")?.unwrap_or_else(|| json!({}));
    let inputs = template.inputs(inputs.as_object().unwrap_or(&Map::new()))?;
    let created_at = world.stamp();
    world.hog_functions.push(HogFunction {
        id: uuid(&["hog function", &iso(created_at)]),
        kind,
        name: String::new(),
        description: String::new(),
        enabled: false,
        deleted: false,
        template,
        inputs,
        filters: json!({}),
        created_at,
        created_by: caller.user,
        updated_at: created_at,
    });
    let at = world.hog_functions.len() - 1;
    if let Err(refusal) = patch(world, at, body) {
        world.hog_functions.truncate(at);
        return Err(refusal);
    }
    Ok(Reply::created(world.hog_functions[at].json(world)))
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let (name, description) = (text_field(body, "name")?, text_field(body, "description")?);
    let (enabled, deleted) = (bool_field(body, "enabled")?, bool_field(body, "deleted")?);
    let inputs = object_field(body, "inputs")?;
    let inputs = inputs.map(|it| inputs_with_secrets(&world.hog_functions[at], it)).transpose()?;
    let filters = object_field(body, "filters")?.map(filters_field).transpose()?;
    let now = world.stamp();
    let it = &mut world.hog_functions[at];
    it.name = name.unwrap_or_else(|| it.name.clone());
    it.description = description.unwrap_or_else(|| it.description.clone());
    it.enabled = enabled.unwrap_or(it.enabled);
    it.deleted = deleted.unwrap_or(it.deleted);
    if let Some(inputs) = inputs {
        it.inputs = inputs;
    }
    it.filters = filters.unwrap_or_else(|| it.filters.clone());
    it.updated_at = now;
    Ok(())
}

/// The inputs that were sent; a secret that was only read back, or left out, stays what it is.
fn inputs_with_secrets(function: &HogFunction, sent: Value) -> Result<Map<String, Value>> {
    let Value::Object(mut sent) = sent else { return Ok(function.inputs.clone()) };
    for input in function.template.inputs.iter().filter(|it| it.secret) {
        let is_kept = sent.get(input.key).is_none_or(|it| it.get("value").is_none());
        if let Some(stored) = function.inputs.get(input.key).filter(|_| is_kept) {
            sent.insert(input.key.into(), stored.clone());
        }
    }
    function.template.inputs(&sent)
}

/// Filters that [`HogFunction::wants`] understands.
fn filters_field(mut filters: Value) -> Result<Value> {
    let refuse = |text: String| Err(Problem::invalid(Some("filters"), text));
    if let Value::Object(it) = &mut filters {
        it.remove("bytecode");
    }
    let source = &filters["source"];
    if !source.is_null() && !source.as_str().is_some_and(|it| SOURCES.contains(&it)) {
        return refuse(format!("{source} is not a valid choice."));
    }
    let typed = match Filters::deserialize(&filters) {
        Ok(it) => it,
        Err(error) => return refuse(format!("Invalid filters: {error}")),
    };
    if !typed.actions.is_empty() {
        return refuse("The sandbox has no actions.".into());
    }
    for it in typed.events.iter().flat_map(|it| &it.properties).chain(&typed.properties) {
        let operator = it.operator.as_deref().unwrap_or("exact");
        if !OPERATORS.contains(&operator) {
            return refuse(format!("Invalid operator: '{operator}'."));
        }
        if let Some(kind) = it.kind.as_deref().filter(|it| !["event", "person", "cohort"].contains(it)) {
            return refuse(format!("The sandbox does not know properties of type '{kind}'."));
        }
    }
    Ok(filters)
}
