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

impl std::fmt::Display for Scheduled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scheduled::Active(true) => f.write_str("is switched on"),
            Scheduled::Active(false) => f.write_str("is switched off"),
            Scheduled::Conditions { percent, description } if description.is_empty() => {
                write!(f, "opens a further condition to {percent} %")
            }
            Scheduled::Conditions { percent, description } => write!(f, "opens {description} to {percent} %"),
            Scheduled::Variants => f.write_str("gets other variants"),
            Scheduled::Other(operation) => write!(f, "changes ({operation})"),
        }
    }
}
