//! A flag as the sandbox stores it, and as PostHog shows it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::clock::iso;
use super::targeting::Filters;
use super::world::{UserId, World, iso_or_null};

/// A flag with its whole history.
pub(super) struct Flag {
    pub id: u64,
    pub created_at: Timestamp,
    pub created_by: UserId,
    pub updated_at: Timestamp,
    pub last_modified_by: UserId,
    /// What the flag is now.
    pub state: State,
    /// What it was from which time on, the present state last.
    pub versions: Vec<Version>,
    /// Oldest first.
    pub activity: Vec<Entry>,
}

/// The fields that a write can change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub key: String,
    pub name: String,
    pub active: bool,
    pub archived: bool,
    pub deleted: bool,
    pub filters: Value,
    pub version: u64,
    pub tags: Vec<String>,
    pub evaluation_contexts: Vec<String>,
    pub evaluation_runtime: Option<String>,
    pub bucketing_identifier: Option<String>,
    pub ensure_experience_continuity: bool,
    pub is_remote_configuration: bool,
    pub has_encrypted_payloads: bool,
    pub analytics_dashboards: Vec<u64>,
}

/// A state and since when.
pub(super) struct Version {
    pub at: Timestamp,
    pub by: UserId,
    pub state: State,
}

/// An entry of the activity log.
pub(super) struct Entry {
    pub at: Timestamp,
    pub by: UserId,
    pub activity: &'static str,
    /// The flag's key after the write.
    pub name: String,
    /// `None` for the creation.
    pub changes: Option<Vec<Value>>,
}

impl State {
    /// The fields under PostHog's names.
    pub fn fields(&self) -> Map<String, Value> {
        let fields = json!({
            "key": self.key,
            "name": self.name,
            "active": self.active,
            "archived": self.archived,
            "deleted": self.deleted,
            "filters": self.filters,
            "version": self.version,
            "tags": self.tags,
            "evaluation_contexts": self.evaluation_contexts,
            "evaluation_runtime": self.evaluation_runtime,
            "bucketing_identifier": self.bucketing_identifier,
            "ensure_experience_continuity": self.ensure_experience_continuity,
            "is_remote_configuration": self.is_remote_configuration,
            "has_encrypted_payloads": self.has_encrypted_payloads,
            "analytics_dashboards": self.analytics_dashboards,
        });
        match fields {
            Value::Object(it) => it,
            _ => Map::new(),
        }
    }

    /// The key under which code calls the flag, even after deletion renamed it.
    pub fn called_as(&self) -> &str {
        self.key.split(":deleted:").next().unwrap_or(&self.key)
    }
}

impl Flag {
    pub fn last_called_at(&self, world: &World) -> Option<Timestamp> {
        world.events.last_called(self.state.called_as()).filter(|it| *it >= self.created_at)
    }

    /// PostHog's status, upper-case.
    pub fn status(&self, world: &World) -> &'static str {
        if self.state.deleted {
            "DELETED"
        } else if self.state.archived {
            "ARCHIVED"
        } else if self.state.active && self.stale(world) {
            "STALE"
        } else {
            "ACTIVE"
        }
    }

    /// PostHog's rule: usage decides; without any, a flag fully rolled out that is over 30 days old.
    fn stale(&self, world: &World) -> bool {
        let before = super::clock::add(world.now(), SignedDuration::from_hours(-24 * 30));
        match self.last_called_at(world) {
            Some(last) => last < before,
            None => self.created_at < before && Filters::read(&self.state.filters).full(),
        }
    }

    /// The complete object.
    pub fn json(&self, world: &World) -> Value {
        let mut it = self.state.fields();
        it.insert("filters".into(), enriched(&self.state.filters, world));
        let experiments: Vec<_> =
            world.experiments.iter().filter(|it| it.flag == self.id && !it.deleted).collect();
        let metadata: Vec<Value> = experiments
            .iter()
            .map(|it| json!({"id": it.id, "name": it.name, "is_running": it.running()}))
            .collect();
        let ids: Vec<u64> = experiments.iter().map(|it| it.id).collect();
        let variants = Filters::read(&self.state.filters).variants().len();
        let rest = json!({
            "id": self.id,
            "created_at": iso(self.created_at),
            "created_by": world.user_basic(Some(self.created_by)),
            "updated_at": iso(self.updated_at),
            "last_modified_by": world.user_basic(Some(self.last_modified_by)),
            "last_called_at": iso_or_null(self.last_called_at(world)),
            "status": self.status(world),
            "experiment_set": ids,
            "experiment_set_metadata": metadata,
            "surveys": super::surveys::of_flag(world, self.id, &self.state.key),
            "features": super::early_access::of_flag(world, self.id, &self.state.key),
            "usage_dashboard": null,
            "has_enriched_analytics": false,
            "can_edit": true,
            "user_access_level": "editor",
            "is_used_in_replay_settings": false,
            "is_eligible_for_experiment": variants >= 2,
        });
        if let Value::Object(rest) = rest {
            it.extend(rest);
        }
        Value::Object(it)
    }

    /// The short form in which other objects show their flag.
    pub fn minimal(&self) -> Value {
        json!({
            "id": self.id,
            "team_id": super::PROJECT_ID,
            "name": self.state.name,
            "key": self.state.key,
            "filters": self.state.filters,
            "deleted": self.state.deleted,
            "active": self.state.active,
            "ensure_experience_continuity": self.state.ensure_experience_continuity,
            "version": self.state.version,
        })
    }

    /// `GET :id/status/`.
    pub fn status_json(&self, world: &World) -> Value {
        let filters = Filters::read(&self.state.filters);
        let status = self.status(world).to_lowercase();
        let max = filters.groups.iter().map(super::targeting::Condition::percentage).reduce(f64::max);
        let full = filters.full();
        let reason = match status.as_str() {
            "deleted" => "Flag has been deleted",
            "archived" => "Flag has been archived",
            "stale" if self.last_called_at(world).is_some() => "Flag has not been called in the last 30 days",
            "stale" => "This flag has been fully rolled out and was created over 30 days ago",
            _ if !self.state.active => "Flag is disabled",
            _ if full => "Flag is fully rolled out and still being called",
            _ => "Flag is not fully rolled out and may still be active",
        };
        json!({
            "status": status,
            "reason": reason,
            "reason_states_rollout": full && self.state.active,
            "rollout": {
                "effectively_full_rollout": full && self.state.active,
                "has_targeting_conditions": filters.groups.iter().any(|it| !it.properties.is_empty()),
                "max_rollout_percentage": max,
                "is_multivariate": !filters.variants().is_empty(),
            },
        })
    }
}

impl Entry {
    pub fn json(&self, flag: u64, at: usize, world: &World) -> Value {
        let user = world.user(self.by);
        json!({
            "id": super::hash::uuid(&["activity", &flag.to_string(), &at.to_string()]),
            "user": user.map(|it| json!({"first_name": it.first_name, "last_name": "", "email": it.email})),
            "activity": self.activity,
            "scope": "FeatureFlag",
            "item_id": flag.to_string(),
            "created_at": iso(self.at),
            "detail": {
                "id": null,
                "name": self.name,
                "short_id": null,
                "type": null,
                "merge": null,
                "trigger": null,
                "changes": self.changes,
            },
        })
    }
}

/// Answers name the cohorts that conditions only number.
fn enriched(filters: &Value, world: &World) -> Value {
    let mut filters = filters.clone();
    for property in properties_mut(&mut filters) {
        if property.get("type").and_then(Value::as_str) == Some("cohort") {
            let id = property.get("value").and_then(Value::as_u64);
            let name = world.cohorts.iter().find(|it| Some(it.id) == id).map(|it| it.name.as_str());
            property.insert("cohort_name".into(), name.into());
        }
    }
    filters
}

/// Takes out what [`enriched`] put in.
pub(super) fn plain(mut filters: Value) -> Value {
    for property in properties_mut(&mut filters) {
        property.remove("cohort_name");
        property.remove("group_key_names");
    }
    filters
}

fn properties_mut(filters: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let groups = filters.get_mut("groups").and_then(Value::as_array_mut);
    groups
        .into_iter()
        .flatten()
        .filter_map(|it| it.get_mut("properties"))
        .filter_map(Value::as_array_mut)
        .flatten()
        .filter_map(Value::as_object_mut)
}
