use jiff::Timestamp;
use jiff::civil::Date;

/// Who met a flag lately, from `$feature_flag_called`.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// By response, most people first. Empty = nobody in the window.
    pub variants: Vec<VariantExposure>,
    /// By day, oldest first; days without calls are missing.
    pub days: Vec<DayExposure>,
    /// By SDK, latest first.
    pub sdks: Vec<SdkSeen>,
    /// The window in days: 7, or less when the server was too slow for it.
    pub window_days: u32,
    /// When this was fetched.
    pub fetched_at: Timestamp,
}

/// People and calls with one response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantExposure {
    /// `true`, `false`, a variant's key, or empty for null.
    pub response: String,
    /// Distinct people in the window.
    pub people: u64,
    /// Calls in the window; SDKs send one per person, flag and value in a session.
    pub calls: u64,
    /// Distinct people in the last 24 hours.
    pub people_24h: u64,
    /// Calls in the last 24 hours.
    pub calls_24h: u64,
    /// The latest call.
    pub last_seen: Option<Timestamp>,
}

impl VariantExposure {
    /// Whether people with this response see the feature: anything but false and null.
    pub fn is_exposed(&self) -> bool {
        !matches!(self.response.as_str(), "false" | "null" | "")
    }
}

/// People with a response other than false or null on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayExposure {
    /// The day, in the project's time zone.
    pub day: Date,
    /// Distinct people, counted per SDK.
    pub people: u64,
}

/// When an SDK last asked for the flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdkSeen {
    /// `$lib`: `web`, `posthog-node`, `posthog-python`, ...
    pub lib: String,
    /// The latest call in the window.
    pub last_seen: Timestamp,
}

impl Exposure {
    /// People who see the feature, whatever variant of it.
    pub fn people(&self) -> u64 {
        self.variants.iter().filter(|it| it.is_exposed()).map(|it| it.people).sum()
    }

    /// The latest call of any response.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.variants.iter().filter_map(|it| it.last_seen).max()
    }
}
