//! `/api/projects/:id/early_access_feature/…`, and what one does to its flag.
//!
//! While a feature is open, whoever said yes or no to it is decided before the flag's conditions are asked. Today a
//! mark in the flag's filters says so, and alpha, beta and general availability are open; in 2023 it was a condition of
//! its own, and beta alone (posthog-api 4.1, the recordings of 2023-12, and PostHog's public source).

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::flag_write;
use super::hash::uuid;
use super::keys::{self, ApiKey};
use super::reply::{Problem, Reply, Request, Result, bool_field, page, text_field};
use super::targeting::Filters;
use super::world::{UserId, World};

const STAGES: [&str; 6] = ["draft", "concept", "alpha", "beta", "general-availability", "archived"];
const LONGEST_NAME: usize = 200;

/// A feature that people opt in to themselves.
pub(super) struct EarlyAccess {
    id: String,
    name: String,
    description: String,
    stage: String,
    documentation_url: String,
    payload: Value,
    /// The flag's id.
    flag: u64,
    created_at: Timestamp,
    created_by: UserId,
}

impl EarlyAccess {
    pub fn json(&self, world: &World) -> Value {
        let flag = world.flags.iter().find(|it| it.id == self.flag);
        json!({
            "id": self.id,
            "feature_flag": flag.map(|it| it.minimal()),
            "name": self.name,
            "description": self.description,
            "stage": self.stage,
            "documentation_url": self.documentation_url,
            "payload": self.payload,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "assignee": {"type": "user", "id": self.created_by},
            "user_access_level": "editor",
        })
    }
}

/// The features of a flag as the flag shows them.
pub(super) fn of_flag(world: &World, flag: u64, key: &str) -> Vec<Value> {
    let short = |it: &EarlyAccess| {
        json!({
            "id": it.id,
            "name": it.name,
            "description": it.description,
            "stage": it.stage,
            "documentationUrl": it.documentation_url,
            "payload": it.payload,
            "flagKey": key,
        })
    };
    world.early_access.iter().filter(|it| it.flag == flag).map(short).collect()
}

/// Answers a request below `early_access_feature/`. What writes to a flag needs the scope for that, too.
pub(super) fn route(world: &mut World, request: &Request, key: &ApiKey, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let all: Vec<&EarlyAccess> = world.early_access.iter().rev().collect();
            page(request, all.len(), |at| all[at].json(world))
        }
        (&Method::POST, []) => create(world, key, &request.object()?),
        (method, [id]) => {
            let at = world.early_access.iter().position(|it| it.id == *id).ok_or_else(Problem::not_found)?;
            match *method {
                Method::GET => {}
                Method::PATCH | Method::PUT => patch(world, key, at, &request.object()?)?,
                Method::DELETE => {
                    let flag = world.early_access[at].flag;
                    enroll(world, key, flag, false)?;
                    world.early_access.remove(at);
                    return Ok(Reply::empty());
                }
                _ => return Err(Problem::wrong_method(method)),
            }
            Ok(Reply::ok(world.early_access[at].json(world)))
        }
        (method, []) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}

fn create(world: &mut World, key: &ApiKey, body: &Map<String, Value>) -> Result {
    let name = name_field(body)?.ok_or_else(|| Problem::required("name"))?;
    let stage = stage_field(body)?.ok_or_else(|| Problem::required("stage"))?;
    let opens = is_open(world, &stage);
    let flag = match body.get("feature_flag_id").filter(|it| !it.is_null()) {
        Some(id) => {
            let flag = linkable(world, id)?;
            if opens {
                enroll(world, key, flag, true)?;
            }
            flag
        }
        None => new_flag(world, key, &name, opens)?,
    };
    let created_at = world.stamp();
    let id = uuid(&["early access", &flag.to_string(), &iso(created_at)]);
    world.early_access.push(EarlyAccess {
        id,
        name,
        description: text_field(body, "description")?.unwrap_or_default(),
        stage,
        documentation_url: text_field(body, "documentation_url")?.unwrap_or_default(),
        payload: payload_field(body).unwrap_or_else(|| json!({})),
        flag,
        created_at,
        created_by: key.user,
    });
    let made = &world.early_access[world.early_access.len() - 1];
    Ok(Reply::created(made.json(world)))
}

fn patch(world: &mut World, key: &ApiKey, at: usize, body: &Map<String, Value>) -> Result<()> {
    let (name, stage) = (name_field(body)?, stage_field(body)?);
    let (description, documentation) =
        (text_field(body, "description")?, text_field(body, "documentation_url")?);
    let (flag, before) = (world.early_access[at].flag, world.early_access[at].stage.clone());
    if let Some(stage) = &stage {
        let to_all = bool_field(body, "rollout_to_all")?.unwrap_or(false) && !world.shape.is_old();
        if to_all && stage == "general-availability" && before != *stage {
            roll_out(world, key, flag)?;
        } else if !is_open(world, stage) {
            enroll(world, key, flag, false)?;
        } else if !is_open(world, &before) {
            enroll(world, key, flag, true)?;
        }
    }
    let it = &mut world.early_access[at];
    it.name = name.unwrap_or_else(|| it.name.clone());
    it.stage = stage.unwrap_or(before);
    it.description = description.unwrap_or_else(|| it.description.clone());
    it.documentation_url = documentation.unwrap_or_else(|| it.documentation_url.clone());
    it.payload = payload_field(body).unwrap_or_else(|| it.payload.clone());
    Ok(())
}

/// Whether people can opt in at this stage.
fn is_open(world: &World, stage: &str) -> bool {
    match world.shape.is_old() {
        true => stage == "beta",
        false => ["alpha", "beta", "general-availability"].contains(&stage),
    }
}

/// The flag to link, if it takes a feature.
fn linkable(world: &World, id: &Value) -> Result<u64> {
    let refuse = |detail: String| Err(Problem::invalid(None, detail));
    let Some(flag) = world.flags.iter().find(|it| Some(it.id) == id.as_u64()) else {
        return refuse("Feature Flag with this ID does not exist".into());
    };
    let filters = Filters::read(&flag.state.filters);
    if world.early_access.iter().any(|it| it.flag == flag.id) {
        let key = &flag.state.key;
        return refuse(format!("Linked feature flag {key} already has a feature attached to it."));
    }
    if filters.aggregation_group_type_index.is_some() {
        return refuse("Group-based feature flags are not supported for Early Access Features.".into());
    }
    if !filters.variants().is_empty() {
        return refuse("Multivariate feature flags are not supported for Early Access Features.".into());
    }
    Ok(flag.id)
}

/// A flag for those who opt in, and nobody else.
fn new_flag(world: &mut World, key: &ApiKey, name: &str, opens: bool) -> Result<u64> {
    keys::grants(world, key, "feature_flag", "write")?;
    let flag_key = slug(name);
    let mut filters = json!({"groups": [{"properties": [], "rollout_percentage": 0, "variant": null}]});
    if opens {
        enrolment(world, &mut filters, &flag_key, true);
    }
    let what = if world.shape.is_old() { "Feature" } else { "Early Access Feature" };
    let flag = json!({
        "key": flag_key,
        "name": format!("Feature Flag for {what} {name}"),
        "filters": filters,
    });
    flag_write::create(world, key.user, flag.as_object().unwrap_or(&Map::new()))
}

/// Lets those who opted in decide for themselves, or no longer.
fn enroll(world: &mut World, key: &ApiKey, flag: u64, on: bool) -> Result<()> {
    keys::grants(world, key, "feature_flag", "write")?;
    let state = &flag_write::find(world, flag)?.state;
    let (mut filters, flag_key) = (state.filters.clone(), state.key.clone());
    enrolment(world, &mut filters, &flag_key, on);
    write(world, key, flag, filters)
}

/// Everybody gets it, whatever they said.
fn roll_out(world: &mut World, key: &ApiKey, flag: u64) -> Result<()> {
    keys::grants(world, key, "feature_flag", "write")?;
    let state = &flag_write::find(world, flag)?.state;
    let (mut filters, flag_key) = (state.filters.clone(), state.key.clone());
    enrolment(world, &mut filters, &flag_key, false);
    filters["groups"] = json!([{"properties": [], "rollout_percentage": 100}]);
    write(world, key, flag, filters)
}

fn enrolment(world: &World, filters: &mut Value, flag_key: &str, on: bool) {
    if world.shape.is_old() {
        let said_yes =
            json!({"key": property(flag_key), "type": "person", "operator": "exact", "value": ["true"]});
        let condition = json!([{"properties": [said_yes], "rollout_percentage": 100}]);
        filters["super_groups"] = if on { condition } else { Value::Null };
    } else {
        filters["feature_enrollment"] = if on { true.into() } else { Value::Null };
    }
}

/// Stored as it is: newer servers keep keys of filters that are not sent, so all are.
fn write(world: &mut World, key: &ApiKey, flag: u64, filters: Value) -> Result<()> {
    let mut state = flag_write::find(world, flag)?.state.clone();
    state.filters = filters;
    flag_write::write(world, key.user, flag, state)
}

/// The property of people that says whether they opted in.
pub(super) fn property(flag_key: &str) -> String {
    format!("$feature_enrollment/{flag_key}")
}

fn name_field(body: &Map<String, Value>) -> Result<Option<String>> {
    let Some(name) = text_field(body, "name")? else { return Ok(None) };
    if name.is_empty() {
        return Err(Problem::field(Some("name"), "blank", "This field may not be blank."));
    }
    if name.chars().count() > LONGEST_NAME {
        let text = format!("Ensure this field has no more than {LONGEST_NAME} characters.");
        return Err(Problem::field(Some("name"), "max_length", text));
    }
    Ok(Some(name))
}

fn stage_field(body: &Map<String, Value>) -> Result<Option<String>> {
    let Some(stage) = text_field(body, "stage")? else { return Ok(None) };
    match STAGES.contains(&stage.as_str()) {
        true => Ok(Some(stage)),
        false => {
            let text = format!("\"{stage}\" is not a valid choice.");
            Err(Problem::field(Some("stage"), "invalid_choice", text))
        }
    }
}

fn payload_field(body: &Map<String, Value>) -> Option<Value> {
    body.get("payload").map(|it| if it.is_object() { it.clone() } else { json!({}) })
}

/// A name as a key: lower case, words joined by hyphens (Django's `slugify`).
fn slug(name: &str) -> String {
    let kept = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | ' ');
    let text: String = name.to_lowercase().chars().filter(kept).collect();
    let words: Vec<&str> = text.split([' ', '-']).filter(|it| !it.is_empty()).collect();
    words.join("-").trim_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_key() {
        for (name, key) in [
            ("Dark mode", "dark-mode"),
            (" Videos -  of (all) projects! ", "videos-of-all-projects"),
            ("_a_b_", "a_b"),
            ("…", ""),
        ] {
            assert_eq!(slug(name), key, "{name}");
        }
    }
}
