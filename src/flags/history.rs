use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;

/// What was changed on a flag, newest first (posthog-api 6).
#[derive(Debug, Clone)]
pub struct History {
    /// The flag's [`stamp`](super::Flag::stamp) when this was fetched: another one means that something is missing here.
    pub version: Option<i64>,
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Whether it reaches back to the flag's creation.
    pub complete: bool,
    /// When this was fetched.
    pub fetched_at: Timestamp,
}

/// One entry of the activity log, reduced to what decides who gets which value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// By whom; `None` = the system.
    pub by: Option<String>,
    /// Whether this entry is the flag's creation.
    pub created: bool,
    /// `active` before this entry, when it changed.
    pub active_before: Option<bool>,
    /// `archived` before this entry, when it changed.
    pub archived_before: Option<bool>,
    /// `deleted` before this entry, when it changed.
    pub deleted_before: Option<bool>,
    /// `filters` before this entry, when they changed.
    pub filters_before: Option<Arc<RawValue>>,
}
