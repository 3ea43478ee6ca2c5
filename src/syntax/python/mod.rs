//! Python.

mod lower;
mod nodes;
pub(super) mod statements;
mod table;

pub(super) use lower::RULES;
pub use table::TABLE;

/// Whether a module is PostHog's SDK. Packages inside `posthog` may be those of PostHog's own app.
pub fn is_sdk(module: &str) -> bool {
    matches!(module, "posthog" | "posthoganalytics" | "posthog.client" | "posthoganalytics.client")
}
