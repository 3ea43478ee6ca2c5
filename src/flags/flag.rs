use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{EarlyAccess, Filters, FlagKey};

/// A feature flag of one PostHog project (posthog-api 2.1). Unknown fields are not kept here: a write patches
/// the raw `filters`, and sends nothing else that it did not mean to change.
#[derive(Debug, Clone)]
pub struct Flag {
    /// PostHog's numeric id.
    pub id: u64,
    /// The key that code reads.
    pub key: FlagKey,
    /// PostHog's `name`: the description, possibly empty.
    pub name: String,
    /// Whether the flag is enabled at all.
    pub active: bool,
    /// Put away: disabled, hidden from lists.
    pub archived: bool,
    /// Soft-deleted.
    pub deleted: bool,
    /// The release conditions as PostHog sent them, so that fields unknown here survive a write.
    pub filters: Arc<RawValue>,
    /// Grows by one with every write; `None` on old servers and old rows.
    pub version: Option<i64>,
    /// When the flag was made.
    pub created_at: Option<Timestamp>,
    /// When it was last written.
    pub updated_at: Option<Timestamp>,
    /// When it was last evaluated, up to 30 minutes late; `None` = never, or not tracked.
    pub last_called_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<Person>,
    /// Who wrote it last; `None` on old servers.
    pub modified_by: Option<Person>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whether it carries configuration instead of a decision; such a flag is never done.
    pub is_remote_config: bool,
    /// Ids of the experiments on this flag.
    pub experiments: Vec<i64>,
    /// Whether one of them runs, where the server says so.
    pub experiment_running: Option<bool>,
    /// The early access features on this flag, as they were when it was read.
    pub early_access: Vec<EarlyAccess>,
    /// Ids of the linked dashboards.
    pub dashboards: Vec<u64>,
}

impl Flag {
    /// Whether anybody is asked at all: enabled, and neither put away nor deleted.
    pub fn is_evaluated(&self) -> bool {
        self.active && !self.archived && !self.deleted
    }

    /// What tells this state of the flag from its others: its version, and on servers and rows without one, a number
    /// below 0 that is made of what decides who gets which value.
    pub fn stamp(&self) -> i64 {
        self.version.unwrap_or_else(|| {
            let mut hasher = std::hash::DefaultHasher::new();
            (self.active, self.archived, self.deleted, self.filters.get()).hash(&mut hasher);
            -((hasher.finish() >> 1) as i64) - 1
        })
    }

    /// The release conditions, typed on demand; `None` when they have a shape that nobody documented.
    pub fn filters(&self) -> Option<Filters> {
        Filters::parse(&self.filters)
    }
}

/// Somebody in PostHog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First name, possibly empty.
    pub first_name: String,
    /// E-mail address, possibly empty.
    pub email: String,
}

impl Person {
    /// What to call them: the first name, else the e-mail address, else "somebody".
    pub fn display(&self) -> &str {
        [self.first_name.as_str(), self.email.as_str()]
            .into_iter()
            .find(|it| !it.is_empty())
            .unwrap_or("somebody")
    }
}
