//! How the features of a status went.

use jiff::Timestamp;

use crate::analysis::status::{FeatureStatus, Rollout};
use crate::config::Config;
use crate::flags::AllSeries;
use crate::posthog::Client;
use crate::posthog::series::{self, Asked};

/// Asks PostHog how features went in the last days; of those that it does not have there is nothing to ask.
pub async fn load_series(config: &Config, features: &[FeatureStatus], now: Timestamp) -> AllSeries {
    let asked: Vec<Asked> = features.iter().filter_map(asked).collect();
    let Some(configured) = config.environments.first() else {
        return AllSeries::unknown("no environment is configured");
    };
    match Client::new(configured) {
        Ok(client) => series::load(&client, configured, &asked, now).await,
        Err(error) => AllSeries::unknown(&error.to_string()),
    }
}

fn asked(feature: &FeatureStatus) -> Option<Asked> {
    matches!(feature.rollout, Rollout::Known(_)).then(|| Asked {
        key: feature.key.clone(),
        responses: feature.responses.clone(),
        metric: feature.metric.clone(),
    })
}
