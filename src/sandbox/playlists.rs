//! `/api/projects/:id/session_recording_playlists/…` (posthog-api 4.8): saved searches of recordings, and
//! collections. The sandbox has no recordings.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::reply::{Caller, Problem, Reply, Request, Result, bool_field, page, text_field};
use super::world::{UserId, World};

/// A playlist.
pub(super) struct Playlist {
    pub id: u64,
    pub short_id: String,
    pub name: String,
    pub description: String,
    pub pinned: bool,
    /// `filters` or `collection`; older servers knew no kinds.
    pub kind: Option<String>,
    pub filters: Value,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub created_by: UserId,
    pub modified_at: Timestamp,
    pub modified_by: UserId,
}

impl Playlist {
    pub fn json(&self, world: &World) -> Value {
        json!({
            "id": self.id,
            "short_id": self.short_id,
            "name": self.name,
            "derived_name": null,
            "description": self.description,
            "pinned": self.pinned,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "deleted": self.deleted,
            "filters": self.filters,
            "last_modified_at": iso(self.modified_at),
            "last_modified_by": world.user_basic(Some(self.modified_by)),
            "recordings_counts": {
                "saved_filters": {"count": null, "has_more": null, "watched_count": null, "increased": null, "last_refreshed_at": null},
                "collection": {"count": null, "watched_count": 0},
            },
            "type": self.kind,
            "is_synthetic": false,
        })
    }
}

/// Answers a request below `session_recording_playlists/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => list(world, request),
        (&Method::POST, []) => create(world, caller, &request.object()?),
        (method, [id, rest @ ..]) => {
            let at = world.playlists.iter().position(|it| it.short_id == *id);
            let at = at.ok_or_else(Problem::not_found)?;
            match (method, rest) {
                (&Method::GET, []) if !world.playlists[at].deleted => {}
                (&Method::GET, ["recordings"]) => {
                    return Ok(Reply::ok(
                        json!({"results": [], "has_next": false, "next_cursor": null, "version": 4}),
                    ));
                }
                (&Method::GET, []) => return Err(Problem::not_found()),
                (&Method::PATCH, []) => patch(world, caller, at, &request.object()?)?,
                (&Method::DELETE, []) => return Err(Problem::no_hard_delete()),
                (_, [] | ["recordings"]) => return Err(Problem::wrong_method(method)),
                _ => return Err(Problem::no_endpoint()),
            }
            Ok(Reply::ok(world.playlists[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
    }
}

fn list(world: &World, request: &Request) -> Result {
    let search = request.param("search").map(str::to_lowercase);
    let listed = |it: &&Playlist| {
        !it.deleted
            && search.as_ref().is_none_or(|text| it.name.to_lowercase().contains(text))
            && request.param("type").is_none_or(|kind| Some(kind) == it.kind.as_deref())
            && request.param("pinned").is_none_or(|pinned| (pinned == "true") == it.pinned)
    };
    let mut found: Vec<_> = world.playlists.iter().filter(listed).collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.modified_at));
    page(request, found.len(), |at| found[at].json(world))
}

fn create(world: &mut World, caller: Caller, body: &Map<String, Value>) -> Result {
    let filters = filters_field(body)?.unwrap_or_else(|| json!({}));
    let kind = text_field(body, "type")?.filter(|_| !world.shape.is_old());
    let is_empty = filters.as_object().is_none_or(Map::is_empty);
    match kind.as_deref() {
        _ if world.shape.is_old() => {}
        Some("filters") if is_empty => {
            let text = "You must provide a valid filters object when creating a saved filter";
            return Err(Problem::invalid(Some("filters"), text));
        }
        Some("collection") if !is_empty => {
            return Err(Problem::invalid(Some("filters"), "You cannot create a collection with filters"));
        }
        Some("filters" | "collection") => {}
        _ => {
            let text = "Must provide a valid playlist type: either filters or collection";
            return Err(Problem::invalid(Some("type"), text));
        }
    }
    let at = world.stamp();
    let id = world.playlists.iter().map(|it| it.id).max().unwrap_or(0) + 1;
    let mut playlist = Playlist {
        id,
        short_id: super::hash::short_id(&["playlist", &id.to_string()]),
        name: String::new(),
        description: String::new(),
        pinned: false,
        kind,
        filters,
        deleted: false,
        created_at: at,
        created_by: caller.user,
        modified_at: at,
        modified_by: caller.user,
    };
    apply(&mut playlist, body)?;
    world.playlists.push(playlist);
    let made = &world.playlists[world.playlists.len() - 1];
    Ok(Reply::created(made.json(world)))
}

fn patch(world: &mut World, caller: Caller, at: usize, body: &Map<String, Value>) -> Result<()> {
    let playlist = &world.playlists[at];
    let kind = playlist.kind.as_deref();
    if !world.shape.is_old() {
        if let Some(sent) = text_field(body, "type")?
            && Some(&*sent) != kind
        {
            return Err(Problem::invalid(Some("type"), "The type of a playlist cannot be changed."));
        }
        let only_deletes = body.keys().all(|it| it == "deleted");
        let sent = filters_field(body)?;
        let is_empty = sent.as_ref().and_then(Value::as_object).is_none_or(Map::is_empty);
        if kind == Some("filters") && is_empty && !only_deletes {
            let text = "You must provide a valid filters object when updating a saved filter";
            return Err(Problem::invalid(Some("filters"), text));
        }
        if kind == Some("collection") && !is_empty {
            return Err(Problem::invalid(Some("filters"), "You cannot add filters to a collection"));
        }
    }
    let now = world.stamp();
    let playlist = &mut world.playlists[at];
    apply(playlist, body)?;
    (playlist.modified_at, playlist.modified_by) = (now, caller.user);
    Ok(())
}

fn apply(playlist: &mut Playlist, body: &Map<String, Value>) -> Result<()> {
    let (name, description) = (text_field(body, "name")?, text_field(body, "description")?);
    let (pinned, deleted) = (bool_field(body, "pinned")?, bool_field(body, "deleted")?);
    let filters = filters_field(body)?;
    playlist.name = name.unwrap_or_else(|| playlist.name.clone());
    playlist.description = description.unwrap_or_else(|| playlist.description.clone());
    playlist.pinned = pinned.unwrap_or(playlist.pinned);
    playlist.deleted = deleted.unwrap_or(playlist.deleted);
    playlist.filters = filters.unwrap_or_else(|| playlist.filters.clone());
    Ok(())
}

fn filters_field(body: &Map<String, Value>) -> Result<Option<Value>> {
    match body.get("filters") {
        None => Ok(None),
        Some(it) if it.is_object() => Ok(Some(it.clone())),
        Some(_) => Err(Problem::invalid(Some("filters"), "Must be a valid JSON object.")),
    }
}
