//! `/api/projects/:id/annotations/…` (posthog-api 4.10).

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, choice_field, page, text_field, time_field,
};
use super::world::{UserId, World, iso_or_null};

const SCOPES: [&str; 5] = ["project", "organization", "dashboard", "dashboard_item", "recording"];
const CREATION_TYPES: [&str; 3] = ["USR", "GIT", "BOT"];

/// A note on the project's graphs.
pub(super) struct Annotation {
    id: u64,
    content: String,
    date_marker: Option<Timestamp>,
    scope: String,
    creation_type: String,
    /// The dashboard and the insight that it is about.
    dashboard: Option<u64>,
    insight: Option<u64>,
    pub deleted: bool,
    created_at: Timestamp,
    created_by: UserId,
    updated_at: Timestamp,
}

impl Annotation {
    pub fn json(&self, world: &World) -> Value {
        let insight = world.insights.iter().find(|it| Some(it.id) == self.insight);
        let dashboard = world.dashboards.iter().find(|it| Some(it.id) == self.dashboard);
        json!({
            "id": self.id,
            "content": self.content,
            "date_marker": iso_or_null(self.date_marker),
            "creation_type": self.creation_type,
            "dashboard_item": self.insight,
            "dashboard_id": self.dashboard,
            "dashboard_name": dashboard.map(|it| &it.name),
            "insight_short_id": insight.map(|it| &it.short_id),
            "insight_name": insight.map(|it| &it.name),
            "created_by": world.user_basic(Some(self.created_by)),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "deleted": self.deleted,
            "scope": self.scope,
        })
    }
}

/// Answers a request below `annotations/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").unwrap_or_default().to_lowercase();
            let is_found = |it: &&Annotation| !it.deleted && it.content.to_lowercase().contains(&search);
            let found: Vec<&Annotation> = world.annotations.iter().rev().filter(is_found).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id]) => {
            let at = id.parse().ok().and_then(|id: u64| world.annotations.iter().position(|it| it.id == id));
            let at = at.ok_or_else(Problem::not_found)?;
            match *method {
                Method::GET if !world.annotations[at].deleted => {}
                Method::GET => return Err(Problem::not_found()),
                Method::PATCH => patch(world, at, &request.object()?)?,
                Method::DELETE => return Err(Problem::no_hard_delete()),
                _ => return Err(Problem::wrong_method(method)),
            }
            Ok(Reply::ok(world.annotations[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let created_at = world.stamp();
    world.annotations.push(Annotation {
        id: world.annotations.iter().map(|it| it.id).max().unwrap_or(0) + 1,
        content: String::new(),
        date_marker: Some(created_at),
        scope: SCOPES[0].into(),
        creation_type: CREATION_TYPES[0].into(),
        dashboard: None,
        insight: None,
        deleted: false,
        created_at,
        created_by: caller.user,
        updated_at: created_at,
    });
    let at = world.annotations.len() - 1;
    if let Err(refusal) = patch(world, at, body) {
        world.annotations.truncate(at);
        return Err(refusal);
    }
    Ok(Reply::created(world.annotations[at].json(world)))
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let content = text_field(body, "content")?;
    let date_marker = time_field(body, "date_marker")?;
    let scope = choice_field(body, "scope", &SCOPES)?;
    let creation_type = choice_field(body, "creation_type", &CREATION_TYPES)?;
    let dashboard = place(body, "dashboard_id", |id| world.dashboards.iter().any(|it| it.id == id))?;
    let insight = place(body, "dashboard_item", |id| world.insights.iter().any(|it| it.id == id))?;
    let deleted = bool_field(body, "deleted")?;
    let now = world.stamp();
    let it = &mut world.annotations[at];
    it.content = content.unwrap_or_else(|| it.content.clone());
    it.date_marker = date_marker.unwrap_or(it.date_marker);
    it.scope = scope.unwrap_or_else(|| it.scope.clone());
    it.creation_type = creation_type.unwrap_or_else(|| it.creation_type.clone());
    it.dashboard = dashboard.unwrap_or(it.dashboard);
    it.insight = insight.unwrap_or(it.insight);
    it.deleted = deleted.unwrap_or(it.deleted);
    it.updated_at = now;
    Ok(())
}

/// The id of something that exists; null takes it away.
fn place(body: &Map<String, Value>, name: &str, exists: impl Fn(u64) -> bool) -> Result<Option<Option<u64>>> {
    match body.get(name) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(id) => match id.as_u64().filter(|it| exists(*it)) {
            Some(id) => Ok(Some(Some(id))),
            None => {
                let text = format!("Invalid pk \"{id}\" - object does not exist.");
                Err(Problem::field(Some(name), "does_not_exist", text))
            }
        },
    }
}
