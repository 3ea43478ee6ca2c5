use serde_json::Value;

use super::{Rollout, is_refusal};
use crate::posthog::Error;
use crate::rollout::decide::Scheduled;

impl Rollout<'_> {
    pub(super) async fn read_schedules(&mut self) -> Result<(), Error> {
        match self.base.client.schedules(&self.base.project).await {
            Err(error) if is_refusal(&error) => {
                self.scheduled = None;
                self.schedules_trouble = Some(error.to_string());
            }
            answer => {
                let id = self.flag.id.to_string();
                let of_flag = answer?.into_iter().filter(|it| it.record_id == id && it.executed_at.is_none());
                let scheduled = |it: crate::posthog::wire::Schedule| Scheduled {
                    id: it.id,
                    at: it.scheduled_at,
                    payload: it.payload,
                };
                self.scheduled = Some(of_flag.map(scheduled).collect());
            }
        }
        Ok(())
    }

    /// Schedules the steps of the stage that are missing and takes back those that are not wanted any more. What comes
    /// back is what was done, or why it could not be: then the steps wait for a run.
    pub async fn sync_schedules(&mut self) -> Result<Vec<String>, Error> {
        let ramp = self.ramp();
        let mut told = Vec::new();
        if ramp.drop.is_empty() && ramp.make.is_empty() {
            return Ok(told);
        }
        let (client, project) = (&self.base.client, &self.base.project);
        for id in &ramp.drop {
            client.unschedule(project, *id).await?;
        }
        if !ramp.drop.is_empty() {
            told.push(format!("takes back {} scheduled steps", ramp.drop.len()));
        }
        for (at, percent, payload) in &ramp.make {
            match client.schedule(project, self.flag.id, *at, payload).await {
                Err(error) if is_refusal(&error) || matches!(error, Error::Invalid { .. }) => {
                    told.push(format!(
                        "PostHog does not take steps by itself ({error}); they wait for a run"
                    ));
                    break;
                }
                answer => answer?,
            }
            told.push(format!("PostHog goes to {percent} % on {} UTC", at.strftime("%Y-%m-%d %H:%M")));
        }
        self.read_schedules().await?;
        Ok(told)
    }

    /// Whether nothing is scheduled that this would have to take back or make.
    pub fn is_on_schedule(&self) -> bool {
        let ramp = self.ramp();
        ramp.drop.is_empty() && ramp.make.is_empty()
    }

    /// What PostHog will do that is none of the plan's.
    pub fn foreign_schedules(&self) -> Vec<String> {
        self.ramp().foreign
    }

    /// A flag's pending changes are asked for before it is written: nothing is filed a second time.
    pub(super) async fn waiting(&self) -> Result<Option<Value>, Error> {
        let waiting = self.base.client.pending_changes(&self.base.project, self.flag.id).await?;
        Ok(waiting.into_iter().next())
    }
}
