use serde_json::json;

use super::Rollout;
use crate::feature::{Ladder, Served, Value, served};
use crate::posthog::Error;
use crate::posthog::objects::Kind;

impl Rollout<'_> {
    /// Whether nothing is left to write to the flag for everyone to get this value.
    pub(super) fn is_finished(&self, value: &Value) -> bool {
        let filters = self.flag.filters().unwrap_or_default();
        let is_served = served(self.flag.active, Some(&filters)) == Served::Everyone(value.clone());
        is_served && (*value == Value::Off || !Ladder::of(&self.plan, &filters).has_steps())
    }

    /// People who opted in or out are decided before any condition, so that goes first; its flag stays.
    pub(super) async fn leave_early_access(&mut self) -> Result<Vec<String>, Error> {
        let features = self.flag.early_access.clone();
        for feature in &features {
            self.base.client.remove(&self.base.project, Kind::EarlyAccess, &feature.id).await?;
        }
        if !features.is_empty() {
            self.read_again().await?;
        }
        Ok(features.iter().map(|it| format!("removes the early access feature '{}'", it.name)).collect())
    }

    /// What finishing removes and ends beside the flag's conditions.
    pub(super) async fn ends(&self) -> Result<Vec<String>, Error> {
        let features = self.flag.early_access.iter();
        let features = features.map(|it| format!("removes the early access feature '{}'", it.name));
        let running = self.running().await?.into_iter();
        Ok(features.chain(running.map(|(_, name)| format!("ends the experiment '{name}'"))).collect())
    }

    /// The experiments that run on the flag: their ids and names.
    pub(super) async fn running(&self) -> Result<Vec<(String, String)>, Error> {
        let (client, project) = (&self.base.client, &self.base.project);
        let mut running = Vec::new();
        for id in self.flag.experiments.iter().map(i64::to_string) {
            let experiment = match client.object(project, Kind::Experiment, &id).await {
                Err(error) if error.is_refusal() => continue,
                answer => answer?,
            };
            if !experiment["start_date"].is_null() && experiment["end_date"].is_null() {
                running.push((id, experiment["name"].as_str().unwrap_or_default().to_owned()));
            }
        }
        Ok(running)
    }

    /// Ends what runs on the flag, with the value as its winner.
    pub(super) async fn end_experiments(&mut self, value: &Value) -> Result<Vec<String>, Error> {
        let (client, project) = (&self.base.client, &self.base.project);
        let mut told = Vec::new();
        for (id, name) in self.running().await? {
            let conclusion = match value {
                Value::Variant(key) if **key == *"control" => "lost",
                Value::Off => "lost",
                _ => "won",
            };
            let body =
                json!({ "conclusion": conclusion, "conclusion_comment": format!("{value} for everyone") });
            match client.act(project, Kind::Experiment, &id, "end", &body).await {
                // Older servers end it by its date.
                Err(Error::NotFound(_)) => {
                    client
                        .change(project, Kind::Experiment, &id, &json!({ "end_date": self.base.now }))
                        .await?;
                }
                answer => drop(answer?),
            }
            told.push(format!("ends the experiment '{name}': {conclusion}"));
        }
        Ok(told)
    }
}
