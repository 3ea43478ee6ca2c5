//! Which flags wait for an approval.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::flags::Environment;
use crate::posthog::{Client, Error};

/// Asks PostHog which flags wait for an approval, by their numbers, with the number of the change request; none where
/// there are no approvals, and where that cannot be told.
pub async fn load_waiting(config: &Config, environment: Option<&Environment>) -> BTreeMap<u64, String> {
    let project = environment.and_then(|it| it.project.as_ref());
    let (Some(configured), Some(project)) = (config.environments.first(), project) else {
        return BTreeMap::new();
    };
    let asked = async { Client::new(configured)?.flags_that_wait(project).await };
    asked.await.unwrap_or_else(|error: Error| {
        tracing::info!(%error, "which flags wait for an approval cannot be told");
        BTreeMap::new()
    })
}
