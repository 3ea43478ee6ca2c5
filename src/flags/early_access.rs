use std::sync::Arc;

/// An early access feature on a flag (posthog-api 4.1): people opt in to it themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyAccess {
    /// PostHog's id, a UUID.
    pub id: Arc<str>,
    /// Its name, possibly empty.
    pub name: String,
    /// `draft`, `concept`, `alpha`, `beta`, `general-availability` or `archived`.
    pub stage: String,
}
