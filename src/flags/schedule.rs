use jiff::Timestamp;

/// A change that PostHog will make to a flag by itself (posthog-api 3).
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledChange {
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Scheduled,
    /// Whether it comes again.
    pub recurring: bool,
}

/// What a scheduled change does.
#[derive(Debug, Clone, PartialEq)]
pub enum Scheduled {
    /// Switches the flag on or off.
    Active(bool),
    /// Appends release conditions: the largest percentage of them, 0 to 100, and the description of that one.
    Conditions {
        /// The largest percentage.
        percent: f64,
        /// Its description, possibly empty.
        description: String,
    },
    /// Replaces the variants.
    Variants,
    /// An operation that nobody here knows.
    Other(String),
}
