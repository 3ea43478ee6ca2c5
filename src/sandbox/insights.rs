//! `/api/projects/:id/insights/…`

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::dashboards::{Content, Tile, next_tile};
use super::old_insight;
use super::reply::{
    Caller, Problem, Reply, Request, Result, bool_field, ids_field, object_field, page, text_field,
    texts_field,
};
use super::world::{UserId, World};

/// A saved query.
pub(super) struct Insight {
    pub id: u64,
    pub short_id: String,
    pub name: String,
    pub description: String,
    pub query: Value,
    /// What described it in 2023, in place of a query.
    filters: Value,
    pub saved: bool,
    pub favorited: bool,
    pub tags: Vec<String>,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub created_by: UserId,
    pub updated_at: Timestamp,
}

impl Insight {
    /// With `compute` the answer holds the query's result as of now; a query that the sandbox cannot answer
    /// has none.
    pub fn json(&self, world: &World, compute: bool) -> Value {
        let on: Vec<_> = world.dashboards.iter().filter(|it| !it.deleted && it.shows(self.id)).collect();
        let tiles = on.iter().flat_map(|dashboard| {
            let own = |it: &&Tile| !it.deleted && matches!(it.content, Content::Insight(id) if id == self.id);
            let link = |it: &Tile| json!({"id": it.id, "dashboard_id": dashboard.id, "deleted": null});
            dashboard.tiles.iter().filter(own).map(link)
        });
        let mut it = json!({
            "id": self.id,
            "short_id": self.short_id,
            "name": self.name,
            "derived_name": null,
            "description": self.description,
            "filters": self.filters,
            "query": self.query,
            "order": null,
            "deleted": self.deleted,
            "dashboards": on.iter().map(|it| it.id).collect::<Vec<_>>(),
            "dashboard_tiles": tiles.collect::<Vec<_>>(),
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "updated_at": iso(self.updated_at),
            "last_modified_at": iso(self.updated_at),
            "last_modified_by": world.user_basic(Some(self.created_by)),
            "favorited": self.favorited,
            "saved": self.saved,
            "tags": self.tags,
            "is_sample": false,
            "is_cached": false,
            "result": null,
            "columns": null,
            "hasMore": null,
            "hogql": null,
            "last_refresh": null,
            "next_allowed_client_refresh": null,
            "timezone": "UTC",
            "alerts": world.alerts.iter().filter(|it| it.insight == self.id).map(|it| it.of_insight(world)).collect::<Vec<_>>(),
            "effective_restriction_level": 21,
            "effective_privilege_level": 37,
            "user_access_level": "editor",
        });
        // An old server keeps a query of today's, and does not understand it.
        let understood = !world.shape.is_old() || self.query.is_null();
        let answer = if compute && understood { self.answer(world).ok() } else { None };
        if let Some(answer) = answer {
            it["result"] = answer["results"].clone();
            it["columns"] = answer["columns"].clone();
            it["hogql"] = answer["hogql"].clone();
            it["last_refresh"] = iso(world.now()).into();
        }
        it
    }

    /// What its query, or its filters, count.
    pub fn answer(&self, world: &World) -> Result<Value> {
        match old_insight::trends(&self.filters) {
            Some(query) => super::query::answer(world, &query),
            None => super::query::answer(world, &self.query),
        }
    }
}

/// Answers a request below `insights/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let search = request.param("search").map(str::to_lowercase);
            let ids: Vec<u64> = request
                .param("dashboards")
                .map(|it| {
                    it.trim_matches(['[', ']']).split(',').filter_map(|it| it.trim().parse().ok()).collect()
                })
                .unwrap_or_default();
            let listed = |it: &&Insight| {
                let on =
                    |id: &u64| world.dashboards.iter().any(|board| board.id == *id && board.shows(it.id));
                !it.deleted
                    && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
                    && request.param("short_id").is_none_or(|id| id == it.short_id)
                    && request.param("saved").is_none_or(|saved| (saved == "true") == it.saved)
                    && request.param("dashboards").is_none_or(|_| ids.iter().all(on))
            };
            let found: Vec<_> = world.insights.iter().rev().filter(listed).collect();
            let compute = request.param("refresh").is_some();
            page(request, found.len(), |at| found[at].json(world, compute))
        }
        (&Method::POST, []) => {
            let id = create(world, caller.user, &request.object()?)?;
            let made = world.insights.iter().find(|it| it.id == id).ok_or_else(Problem::not_found)?;
            Ok(Reply::created(made.json(world, false)))
        }
        (method, [id, rest @ ..]) => {
            let same = |it: &Insight| it.id.to_string() == *id || it.short_id == *id;
            let at = world.insights.iter().position(same).ok_or_else(Problem::not_found)?;
            match (method, rest) {
                (&Method::GET, []) if !world.insights[at].deleted => {}
                (&Method::GET, []) => return Err(Problem::not_found()),
                (&Method::PATCH, []) => patch(world, at, &request.object()?)?,
                (&Method::DELETE, []) => {
                    return Err(Problem::no_hard_delete());
                }
                (_, []) => return Err(Problem::wrong_method(method)),
                _ => return Err(Problem::no_endpoint()),
            }
            let compute = request.param("refresh").is_some();
            Ok(Reply::ok(world.insights[at].json(world, compute)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

/// Makes an insight and returns its id.
pub(super) fn create(world: &mut World, by: UserId, body: &Map<String, Value>) -> Result<u64> {
    let at = world.stamp();
    let id = world.insights.iter().map(|it| it.id).max().unwrap_or(0) + 1;
    world.insights.push(Insight {
        id,
        short_id: super::hash::short_id(&["insight", &id.to_string()]),
        name: String::new(),
        description: String::new(),
        query: Value::Null,
        filters: json!({}),
        saved: false,
        favorited: false,
        tags: Vec::new(),
        deleted: false,
        created_at: at,
        created_by: by,
        updated_at: at,
    });
    let place = world.insights.len() - 1;
    let done = patch(world, place, body);
    if done.is_err() {
        world.insights.truncate(place);
    }
    done.map(|()| id)
}

fn patch(world: &mut World, at: usize, body: &Map<String, Value>) -> Result<()> {
    let boards = ids_field(body, "dashboards")?;
    let unknown = |id: &&u64| !world.dashboards.iter().any(|it| it.id == **id && !it.deleted);
    if let Some(id) = boards.iter().flatten().find(unknown) {
        let text = format!("Invalid pk \"{id}\" - object does not exist.");
        return Err(Problem::field(Some("dashboards"), "does_not_exist", text));
    }
    let filters = object_field(body, "filters")?.filter(|_| world.shape.is_old());
    let now = world.stamp();
    let insight = &mut world.insights[at];
    insight.filters = filters.unwrap_or_else(|| insight.filters.clone());
    if let Some(name) = text_field(body, "name")? {
        insight.name = name;
    }
    if let Some(description) = text_field(body, "description")? {
        insight.description = description;
    }
    if let Some(query) = body.get("query") {
        if !query.is_null() && query.get("kind").and_then(Value::as_str).is_none() {
            return Err(Problem::invalid(Some("query"), "A query needs a kind."));
        }
        insight.query = query.clone();
    }
    if let Some(saved) = bool_field(body, "saved")? {
        insight.saved = saved;
    }
    if let Some(favorited) = bool_field(body, "favorited")? {
        insight.favorited = favorited;
    }
    if let Some(tags) = texts_field(body, "tags")? {
        insight.tags = tags;
    }
    if let Some(deleted) = bool_field(body, "deleted")? {
        insight.deleted = deleted;
    }
    insight.updated_at = now;
    let id = insight.id;
    if let Some(boards) = boards {
        place(world, id, &boards);
    }
    Ok(())
}

/// Makes the insight stand on exactly these dashboards.
fn place(world: &mut World, insight: u64, boards: &[u64]) {
    let mut next = next_tile(world)..;
    for dashboard in &mut world.dashboards {
        let wanted = boards.contains(&dashboard.id);
        let own = |it: &&mut Tile| matches!(it.content, Content::Insight(id) if id == insight);
        match dashboard.tiles.iter_mut().find(own) {
            Some(tile) => tile.deleted = !wanted,
            None if wanted => dashboard.tiles.extend(next.next().map(|id| Tile {
                id,
                content: Content::Insight(insight),
                layouts: json!({}),
                color: None,
                deleted: false,
            })),
            None => {}
        }
    }
}
