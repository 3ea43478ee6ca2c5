use std::sync::Arc;

use jiff::Timestamp;

/// An experiment on a flag (posthog-api 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// PostHog's numeric id.
    pub id: i64,
    /// Its name, possibly empty.
    pub name: String,
    /// The key of the flag that it runs on.
    pub flag: String,
    /// When it was launched; `None` = a draft.
    pub started_at: Option<Timestamp>,
    /// When it was ended; `None` = it runs, or was never launched.
    pub ended_at: Option<Timestamp>,
    /// `won`, `lost`, `inconclusive`, `stopped_early`, `invalid`; `None` where nobody said or the server is older.
    pub conclusion: Option<String>,
    /// Put away.
    pub archived: bool,
    /// What decides it.
    pub metric: KeyMetric,
}

/// The first of an experiment's primary metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyMetric {
    /// It has none yet.
    #[default]
    Missing,
    /// As PostHog describes it.
    Described {
        /// In words: "purchase per person".
        title: String,
        /// The description, JSON.
        body: Arc<str>,
    },
    /// A server of 2023 keeps it in filters, and only says how it goes.
    InFilters,
}

impl Experiment {
    /// Whether it assigns people to variants now.
    pub fn is_running(&self) -> bool {
        self.started_at.is_some() && self.ended_at.is_none() && !self.archived
    }
}
