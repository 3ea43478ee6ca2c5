//! `/api/projects/:id/annotations/…` (posthog-api 4.10).

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{Caller, Problem, Reply, Request, Result, page, text_field};
use super::world::{UserId, World};

/// A note on the project's graphs.
pub(super) struct Annotation {
    id: u64,
    content: String,
    date_marker: String,
    created_at: Timestamp,
    created_by: UserId,
}

impl Annotation {
    fn json(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "content": self.content,
            "date_marker": self.date_marker,
            "creation_type": "USR",
            "dashboard_item": null,
            "created_by": world.user_basic(Some(self.created_by)),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
            "deleted": false,
            "scope": "project",
        })
    }
}

/// Answers a request below `annotations/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").unwrap_or_default().to_lowercase();
            let is_found = |it: &&Annotation| it.content.to_lowercase().contains(&search);
            let found: Vec<&Annotation> = world.annotations.iter().rev().filter(is_found).collect();
            page(request, found.len(), |at| found[at].json(world))
        }
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let content = text_field(body, "content")?.unwrap_or_default();
    let created_at = world.stamp();
    let id = world.annotations.len() as u64 + 1;
    let date_marker = text_field(body, "date_marker")?.unwrap_or_else(|| iso(created_at));
    world.annotations.push(Annotation { id, content, date_marker, created_at, created_by: caller.user });
    let made = &world.annotations[world.annotations.len() - 1];
    Ok(Reply::created(made.json(world)))
}
