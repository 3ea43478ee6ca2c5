//! `/api/projects/:id/dashboards/…`

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{Caller, Problem, Reply, Request, Result, bool_field, page, text_field, texts_field};
use super::world::{UserId, World};

/// A dashboard.
pub(super) struct Dashboard {
    pub id: u64,
    pub name: String,
    pub description: String,
    pub pinned: bool,
    pub tags: Vec<String>,
    pub filters: Value,
    pub tiles: Vec<Tile>,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub created_by: UserId,
}

/// What a dashboard shows at one place.
pub(super) struct Tile {
    pub id: u64,
    pub content: Content,
    pub layouts: Value,
    pub color: Option<String>,
    pub deleted: bool,
}

/// An insight, or text.
pub(super) enum Content {
    /// The insight's id.
    Insight(u64),
    /// Markdown.
    Text(String),
}

impl Dashboard {
    /// The insights that stand on it.
    pub fn shows(&self, insight: u64) -> bool {
        self.tiles.iter().any(|it| !it.deleted && matches!(it.content, Content::Insight(id) if id == insight))
    }

    pub fn json(&self, world: &World, tiles: bool, compute: bool) -> Value {
        let mut it = json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "pinned": self.pinned,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "last_accessed_at": null,
            "is_shared": false,
            "deleted": self.deleted,
            "creation_mode": "default",
            "filters": self.filters,
            "variables": null,
            "tags": self.tags,
            "restriction_level": 21,
            "effective_restriction_level": 21,
            "effective_privilege_level": 37,
            "user_access_level": "manager",
        });
        if tiles {
            let living = self.tiles.iter().filter(|it| !it.deleted);
            it["tiles"] = living.filter_map(|it| it.json(world, compute)).collect();
        }
        it
    }
}

impl Tile {
    /// `None` when its insight was deleted.
    fn json(&self, world: &World, compute: bool) -> Option<Value> {
        let (insight, text) = match &self.content {
            Content::Insight(id) => {
                let insight = world.insights.iter().find(|it| it.id == *id && !it.deleted)?;
                (insight.json(world, compute), Value::Null)
            }
            Content::Text(body) => (Value::Null, json!({"body": body})),
        };
        Some(json!({
            "id": self.id,
            "layouts": self.layouts,
            "color": self.color,
            "insight": insight,
            "text": text,
            "last_refresh": null,
            "is_cached": false,
        }))
    }
}

/// The next free id of a tile, unique in the project.
pub(super) fn next_tile(world: &World) -> u64 {
    world.dashboards.iter().flat_map(|it| &it.tiles).map(|it| it.id).max().unwrap_or(0) + 1
}

/// Answers a request below `dashboards/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").map(str::to_lowercase);
            let listed = |it: &&Dashboard| {
                !it.deleted && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
            };
            let mut found: Vec<_> = world.dashboards.iter().filter(listed).collect();
            found.sort_by_key(|it| (!it.pinned, it.name.to_lowercase()));
            page(request, found.len(), |at| found[at].json(world, false, false))
        }
        (&Method::POST, []) => {
            let id = create(world, caller.user, &request.object()?)?;
            let made = world.dashboards.iter().find(|it| it.id == id).ok_or_else(Problem::not_found)?;
            Ok(Reply::created(made.json(world, true, false)))
        }
        (method, [id, rest @ ..]) => {
            let at = id.parse().ok().and_then(|id: u64| world.dashboards.iter().position(|it| it.id == id));
            let at = at.ok_or_else(Problem::not_found)?;
            match (method, rest) {
                (&Method::GET, []) if !world.dashboards[at].deleted => {}
                (&Method::GET, []) => return Err(Problem::not_found()),
                (&Method::PATCH, []) => patch(world, at, &request.object()?)?,
                (&Method::DELETE, []) => {
                    return Err(Problem::no_hard_delete());
                }
                (_, []) => return Err(Problem::wrong_method(method)),
                _ => return Err(Problem::no_endpoint()),
            }
            let compute = request.param("refresh").is_some();
            Ok(Reply::ok(world.dashboards[at].json(world, true, compute)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

/// Makes a dashboard and returns its id.
pub(super) fn create(world: &mut World, by: UserId, body: &Map<String, Value>) -> Result<u64> {
    let created_at = world.stamp();
    let id = world.dashboards.iter().map(|it| it.id).max().unwrap_or(0) + 1;
    world.dashboards.push(Dashboard {
        id,
        name: String::new(),
        description: String::new(),
        pinned: false,
        tags: Vec::new(),
        filters: json!({}),
        tiles: Vec::new(),
        deleted: false,
        created_at,
        created_by: by,
    });
    let at = world.dashboards.len() - 1;
    let done = patch(world, at, body);
    if done.is_err() {
        world.dashboards.truncate(at);
    }
    done.map(|()| id)
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let next = next_tile(world);
    let dashboard = &mut world.dashboards[at];
    if let Some(name) = text_field(body, "name")? {
        dashboard.name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        dashboard.description = description;
    }
    if let Some(pinned) = bool_field(body, "pinned")? {
        dashboard.pinned = pinned;
    }
    if let Some(tags) = texts_field(body, "tags")? {
        dashboard.tags = tags;
    }
    if let Some(filters) = body.get("filters").filter(|it| it.is_object()) {
        dashboard.filters = filters.clone();
    }
    if let Some(deleted) = bool_field(body, "deleted")? {
        dashboard.deleted = deleted;
    }
    let Some(tiles) = body.get("tiles").filter(|it| !it.is_null()) else { return Ok(()) };
    let tiles =
        tiles.as_array().ok_or_else(|| Problem::invalid(Some("tiles"), "Expected a list of items."))?;
    let mut next = next..;
    for sent in tiles {
        let known = sent.get("id").and_then(Value::as_u64);
        let known = known.and_then(|id| dashboard.tiles.iter().position(|it| it.id == id));
        let body = sent.pointer("/text/body").and_then(Value::as_str);
        let place = match (known, body, next.next()) {
            (Some(place), ..) => place,
            (None, Some(body), Some(id)) => {
                dashboard.tiles.push(Tile {
                    id,
                    content: Content::Text(body.to_owned()),
                    layouts: json!({}),
                    color: None,
                    deleted: false,
                });
                dashboard.tiles.len() - 1
            }
            _ => return Err(Problem::invalid(Some("tiles"), "A tile needs a known id, or text.")),
        };
        let tile = &mut dashboard.tiles[place];
        if let (Content::Text(text), Some(body)) = (&mut tile.content, body) {
            body.clone_into(text);
        }
        if let Some(layouts) = sent.get("layouts") {
            tile.layouts = layouts.clone();
        }
        if let Some(color) = sent.get("color") {
            tile.color = color.as_str().map(str::to_owned);
        }
        if let Some(deleted) = sent.get("deleted").and_then(Value::as_bool) {
            tile.deleted = deleted;
        }
    }
    Ok(())
}
