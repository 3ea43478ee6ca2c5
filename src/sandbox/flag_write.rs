//! Writes to flags: create, patch with its conflict rule, and the lifecycle and rollout actions.

use serde_json::{Map, Value, json};

use super::approvals;
use super::flag::{Entry, Flag, State, Version, plain};
use super::flag_check as check;
use super::outbox;
use super::reply::{Problem, Result, bool_field, ids_field, text_field, texts_field};
use super::targeting::Filters;
use super::world::{UserId, World};

/// Makes a flag and returns its id.
pub(super) fn create(world: &mut World, by: UserId, body: &Map<String, Value>) -> Result<u64> {
    let key = text_field(body, "key")?.ok_or_else(|| Problem::required("key"))?;
    let mut state = State {
        key: String::new(),
        name: String::new(),
        active: true,
        archived: false,
        deleted: false,
        filters: Value::Null,
        version: 1,
        tags: Vec::new(),
        evaluation_contexts: Vec::new(),
        evaluation_runtime: Some("all".into()),
        bucketing_identifier: None,
        ensure_experience_continuity: false,
        is_remote_configuration: false,
        has_encrypted_payloads: false,
        analytics_dashboards: Vec::new(),
    };
    check::key(world, &key, None)?;
    if world.shape.is_old() {
        // Deletion did not free the key: a new flag took the place of a deleted one.
        world.flags.retain(|it| !(it.state.deleted && it.state.called_as() == key));
    }
    apply(world, &mut state, None, body)?;
    if state.filters.is_null() {
        state.filters = json!({"groups": []});
    }
    if state.is_remote_configuration {
        state.filters["groups"] = json!([{"properties": [], "rollout_percentage": 100}]);
    }
    check::filters(world, &state.filters, true)?;
    approvals::gate(world, by, None, &state)?;
    let at = world.stamp();
    let id = world.flags.iter().map(|it| it.id).max().unwrap_or(0) + 1;
    world.flags.push(Flag {
        id,
        created_at: at,
        created_by: by,
        updated_at: at,
        last_modified_by: by,
        versions: vec![Version { at, by, state: state.clone() }],
        activity: vec![Entry { at, by, activity: "created", name: state.key.clone(), changes: None }],
        state,
    });
    outbox::flag_written(world, id);
    Ok(id)
}

/// `PATCH :id/`.
pub(super) fn patch(world: &mut World, by: UserId, id: u64, body: &Map<String, Value>) -> Result<()> {
    conflict(world, id, body)?;
    let mut state = find(world, id)?.state.clone();
    apply(world, &mut state, Some(id), body)?;
    if state.archived {
        state.active = false;
    }
    write(world, by, id, state)
}

/// `POST :id/enable/` and its siblings.
pub(super) fn lifecycle(world: &mut World, by: UserId, id: u64, action: &str) -> Result<()> {
    let mut state = find(world, id)?.state.clone();
    if state.deleted {
        return Err(Problem::invalid(None, "This feature flag has been deleted."));
    }
    match action {
        "enable" if state.archived => {
            return Err(Problem::invalid(
                None,
                "An archived feature flag cannot be enabled. Unarchive it first.",
            ));
        }
        "enable" => state.active = true,
        "disable" => state.active = false,
        "archive" => (state.active, state.archived) = (false, true),
        _ => state.archived = false,
    }
    write(world, by, id, state)
}

/// `POST :id/set_release_condition_rollout/`.
pub(super) fn set_rollout(world: &mut World, by: UserId, id: u64, body: &Map<String, Value>) -> Result<()> {
    strict_version(find(world, id)?, body)?;
    let mut state = find(world, id)?.state.clone();
    let index = body.get("condition_index").ok_or_else(|| Problem::required("condition_index"))?;
    let index = index
        .as_u64()
        .ok_or_else(|| Problem::invalid(Some("condition_index"), "A valid integer is required."))?;
    let percentage = body.get("rollout_percentage").ok_or_else(|| Problem::required("rollout_percentage"))?;
    if !percentage.as_f64().is_some_and(|it| (0.0..=100.0).contains(&it)) {
        return Err(Problem::invalid(Some("rollout_percentage"), "Must be a number between 0 and 100."));
    }
    let groups = state.filters.get_mut("groups").and_then(Value::as_array_mut).filter(|it| !it.is_empty());
    let Some(groups) = groups else {
        return Err(Problem::invalid(
            Some("condition_index"),
            "This feature flag has no release conditions.",
        ));
    };
    let count = groups.len();
    let Some(group) = groups.get_mut(index as usize) else {
        let text =
            format!("Condition index {index} is out of range: the flag has {count} release conditions.");
        return Err(Problem::invalid(Some("condition_index"), text));
    };
    group["rollout_percentage"] = percentage.clone();
    write(world, by, id, state)
}

/// `POST :id/roll_out_to_everyone/`.
pub(super) fn roll_out(world: &mut World, by: UserId, id: u64, body: &Map<String, Value>) -> Result<()> {
    strict_version(find(world, id)?, body)?;
    let mut state = find(world, id)?.state.clone();
    if state.filters.get("feature_enrollment").and_then(Value::as_bool) == Some(true) {
        return Err(Problem::invalid(
            None,
            "Flags with early access enrollment cannot be rolled out to everyone.",
        ));
    }
    let chosen = text_field(body, "variant_key")?;
    let variants = state.filters.pointer_mut("/multivariate/variants").and_then(Value::as_array_mut);
    match (variants.filter(|it| !it.is_empty()), &chosen) {
        (Some(variants), Some(chosen)) => {
            if !variants.iter().any(|it| it["key"] == **chosen) {
                let text = format!("There is no variant with key '{chosen}'.");
                return Err(Problem::invalid(Some("variant_key"), text));
            }
            for variant in variants {
                variant["rollout_percentage"] =
                    if variant["key"] == **chosen { 100.into() } else { 0.into() };
            }
        }
        (Some(_), None) => return Err(Problem::required("variant_key")),
        (None, Some(_)) => {
            return Err(Problem::invalid(Some("variant_key"), "This feature flag is not multivariate."));
        }
        (None, None) => {}
    }
    let everyone = json!({"properties": [], "rollout_percentage": 100, "variant": null});
    match state.filters.get_mut("groups").and_then(Value::as_array_mut) {
        Some(groups) => groups.insert(0, everyone),
        None => state.filters["groups"] = json!([everyone]),
    }
    write(world, by, id, state)
}

/// The flag, also a deleted one.
pub(super) fn find(world: &World, id: u64) -> Result<&Flag> {
    world.flags.iter().find(|it| it.id == id).ok_or_else(Problem::not_found)
}

/// The rollout actions want the version that the caller read.
fn strict_version(flag: &Flag, body: &Map<String, Value>) -> Result<()> {
    let Some(version) = body.get("version") else { return Err(Problem::required("version")) };
    match version.as_u64() == Some(flag.state.version) {
        true => Ok(()),
        false => Err(Problem::conflict(format!(
            "The feature flag changed since version {version}. Please refresh and try again."
        ))),
    }
}

/// A stale `version` is refused only when a field that this write changes was changed meanwhile, judged by the
/// values that the caller read (`original_flag`); without those the last write wins.
fn conflict(world: &World, id: u64, body: &Map<String, Value>) -> Result<()> {
    let flag = find(world, id)?;
    let stale = body.get("version").and_then(Value::as_u64).is_some_and(|it| it < flag.state.version);
    let Some(original) = body.get("original_flag").and_then(Value::as_object).filter(|_| stale) else {
        return Ok(());
    };
    let stored = flag.state.fields();
    let clashes = body.iter().any(|(field, new)| {
        let (Some(read), Some(now)) = (original.get(field), stored.get(field)) else { return false };
        field != "version" && !same(field, new, read) && !same(field, read, now)
    });
    if !clashes {
        return Ok(());
    }
    let who = world.user(flag.last_modified_by).map_or("another user", |it| it.email);
    Err(Problem::conflict(format!(
        "The feature flag was updated by {who} since you started editing it. Please refresh and try again."
    )))
}

/// Equal as far as meaning goes: `100` is `100.0`, null is absent, names that answers add do not count.
fn same(field: &str, a: &Value, b: &Value) -> bool {
    fn equal(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
            }
            (Value::Object(a), Value::Object(b)) => a
                .keys()
                .chain(b.keys())
                .all(|key| equal(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null))),
            _ => a == b,
        }
    }
    match field {
        "filters" => equal(&plain(a.clone()), &plain(b.clone())),
        _ => equal(a, b),
    }
}

/// Puts the fields of a request into a state, checked.
fn apply(world: &World, state: &mut State, own: Option<u64>, body: &Map<String, Value>) -> Result<()> {
    if let Some(deleted) = bool_field(body, "deleted")?.filter(|_| own.is_some()) {
        delete(world, state, own, deleted)?;
    }
    if let Some(key) = text_field(body, "key")?
        && key != state.key
    {
        check::key(world, &key, own)?;
        state.key = key;
    }
    if let Some(name) = text_field(body, "name")? {
        state.name = name;
    }
    if let Some(sent) = body.get("filters").filter(|it| !it.is_null()) {
        let sent = plain(sent.clone());
        match (&mut state.filters, sent) {
            // Only the keys that were sent are replaced; older servers replaced everything.
            (Value::Object(stored), Value::Object(sent)) if !world.shape.is_old() => stored.extend(sent),
            (stored, sent) => *stored = sent,
        }
        check::filters(world, &state.filters, own.is_none())?;
    }
    if let Some(archived) = bool_field(body, "archived")? {
        state.archived = archived;
    }
    if let Some(active) = bool_field(body, "active")? {
        if active && state.archived {
            return Err(Problem::invalid(Some("active"), "An archived feature flag cannot be enabled."));
        }
        state.active = active;
    }
    // Without the plan for it, tags are dropped without a word.
    if let Some(tags) = texts_field(body, "tags")?.filter(|_| !world.lacks("tagging")) {
        state.tags = tags;
    }
    if let Some(contexts) = texts_field(body, "evaluation_contexts")? {
        state.evaluation_contexts = contexts;
    }
    if let Some(runtime) = text_field(body, "evaluation_runtime")? {
        if !["", "server", "client", "all"].contains(&runtime.as_str()) {
            let text = format!("\"{runtime}\" is not a valid choice.");
            return Err(Problem::field(Some("evaluation_runtime"), "invalid_choice", text));
        }
        state.evaluation_runtime = Some(runtime).filter(|it| !it.is_empty());
    }
    if let Some(identifier) = text_field(body, "bucketing_identifier")? {
        state.bucketing_identifier = Some(identifier).filter(|it| !it.is_empty());
    }
    if !body.get("ensure_experience_continuity").is_some_and(Value::is_null)
        && let Some(it) = bool_field(body, "ensure_experience_continuity")?
    {
        state.ensure_experience_continuity = it;
    }
    if let Some(it) = bool_field(body, "is_remote_configuration")? {
        state.is_remote_configuration = it;
    }
    if let Some(it) = bool_field(body, "has_encrypted_payloads")? {
        state.has_encrypted_payloads = it;
    }
    if let Some(ids) = ids_field(body, "analytics_dashboards")? {
        let unknown = ids.iter().find(|id| !world.dashboards.iter().any(|it| it.id == **id && !it.deleted));
        if let Some(id) = unknown {
            let text = format!("Invalid pk \"{id}\" - object does not exist.");
            return Err(Problem::field(Some("analytics_dashboards"), "does_not_exist", text));
        }
        state.analytics_dashboards = ids;
    }
    Ok(())
}

/// A deleted flag gives its key away and takes it back when it returns.
fn delete(world: &World, state: &mut State, own: Option<u64>, deleted: bool) -> Result<()> {
    if deleted && !state.deleted {
        if own.is_some_and(|it| !super::early_access::of_flag(world, it, &state.key).is_empty()) {
            let text = "Cannot delete a feature flag that is in use with early access features. Please delete the early access feature before deleting the flag.";
            return Err(Problem::invalid(None, text));
        }
        let running = world.experiments.iter().find(|it| Some(it.flag) == own && it.running());
        if let Some(experiment) = running {
            return Err(Problem::invalid(
                None,
                format!(
                    "Cannot delete a feature flag that is linked to active experiment(s) with ID(s): {}. Please delete the experiment(s) before deleting the flag.",
                    experiment.id
                ),
            ));
        }
        state.key = format!("{}:deleted:{}", state.key, own.unwrap_or_default());
    } else if !deleted && state.deleted {
        let key = state.called_as().to_owned();
        check::key(world, &key, own)?;
        state.key = key;
    }
    state.deleted = deleted;
    Ok(())
}

/// Stores a new state with its version and its activity entry. A write that changes nothing leaves no trace.
pub(super) fn write(world: &mut World, by: UserId, id: u64, mut state: State) -> Result<()> {
    dependents(world, id, &state)?;
    approvals::gate(world, by, Some(id), &state)?;
    let at = world.stamp();
    let flag = world.flags.iter_mut().find(|it| it.id == id).ok_or_else(Problem::not_found)?;
    if state == flag.state {
        return Ok(());
    }
    state.version = flag.state.version + 1;
    let before = flag.state.fields();
    let changes = state.fields().into_iter().filter_map(|(field, after)| {
        let before = before.get(&field).cloned().unwrap_or_default();
        let changed = json!({"type": "FeatureFlag", "action": "changed", "field": field, "before": before, "after": after});
        (before != after).then_some(changed)
    });
    let activity = match (flag.state.deleted, state.deleted) {
        (false, true) => "deleted",
        (true, false) => "restored",
        _ => "updated",
    };
    flag.activity.push(Entry { at, by, activity, name: state.key.clone(), changes: Some(changes.collect()) });
    flag.versions.push(Version { at, by, state: state.clone() });
    (flag.state, flag.updated_at, flag.last_modified_by) = (state, at, by);
    outbox::flag_written(world, id);
    Ok(())
}

/// A flag that others depend on cannot be switched off.
fn dependents(world: &World, id: u64, state: &State) -> Result<()> {
    let now = find(world, id)?;
    let goes = (now.state.active && !state.active) || (!now.state.deleted && state.deleted);
    let depends = |it: &&Flag| it.state.active && it.id != id && depends_on(it, id);
    match world.living_flags().find(depends).filter(|_| goes) {
        None => Ok(()),
        Some(other) => Err(Problem::invalid(
            None,
            format!(
                "Cannot disable this feature flag because other active flags depend on it: {} (ID: {})",
                other.state.key, other.id
            ),
        )),
    }
}

/// Whether a condition of `flag` asks for the flag with this id.
pub(super) fn depends_on(flag: &Flag, id: u64) -> bool {
    let filters = Filters::read(&flag.state.filters);
    let mut properties = filters.groups.iter().flat_map(|it| &it.properties);
    properties.any(|it| it.kind.as_deref() == Some("flag") && it.name() == id.to_string())
}
