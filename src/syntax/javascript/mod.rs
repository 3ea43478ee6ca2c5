//! JavaScript and TypeScript.

mod lower;
pub(super) mod statements;
mod table;

pub(super) use lower::RULES;
pub use table::TABLE;

/// Whether a module is one of PostHog's SDKs.
pub fn is_sdk(module: &str) -> bool {
    let module = module.strip_prefix("npm:").unwrap_or(module);
    if module.starts_with("@posthog/") {
        return true;
    }
    if module.contains("://") {
        return ["posthog-js", "posthog-node"].iter().any(|it| module.contains(it));
    }
    let package = module.split(['/', '@']).next().unwrap_or(module);
    matches!(
        package,
        "posthog-js" | "posthog-node" | "posthog-react-native" | "posthog-js-lite" | "posthog-core"
    )
}
