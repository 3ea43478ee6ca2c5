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
}

impl Experiment {
    /// Whether it assigns people to variants now.
    pub fn is_running(&self) -> bool {
        self.started_at.is_some() && self.ended_at.is_none() && !self.archived
    }
}
