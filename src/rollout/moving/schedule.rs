use serde_json::Value;

use super::{Base, Rollout};
use crate::feature::time;
use crate::posthog::{Error, wire};
use crate::rollout::decide::{Change, Scheduled};

/// What PostHog will do by itself with the flags of a project, or why that is not known.
pub type Listed = Result<Vec<wire::Schedule>, String>;

/// So often what is scheduled is looked at again after something was.
const TRIES: usize = 3;

impl Base {
    /// Asks what PostHog will do by itself.
    pub async fn schedules(&self) -> Result<Listed, Error> {
        match self.client.schedules(&self.project).await {
            Err(error) if error.is_refusal() => Ok(Err(error.to_string())),
            answer => Ok(Ok(answer?)),
        }
    }
}

impl Rollout<'_> {
    async fn read_schedules(&mut self) -> Result<(), Error> {
        let listed = self.base.schedules().await?;
        self.take_schedules(&listed);
        Ok(())
    }

    /// Takes what is of this flag and not done.
    pub(super) fn take_schedules(&mut self, listed: &Listed) {
        let id = self.flag.id.to_string();
        let now = self.base.now;
        let scheduled = |it: &wire::Schedule| Scheduled {
            id: it.id,
            // One whose time cannot be read may come at any moment.
            at: it.scheduled_at.unwrap_or(now),
            payload: it.payload.clone(),
        };
        let of_flag = |it: &&wire::Schedule| it.record_id == id && it.executed_at.is_none();
        match listed {
            Ok(all) => self.scheduled = Some(all.iter().filter(of_flag).map(scheduled).collect()),
            Err(why) => self.schedules_trouble = Some(why.clone()),
        }
    }

    /// Schedules the steps of the stage that are missing and takes back those that are not wanted any more. What comes
    /// back is what was done, or why it could not be: then the steps wait for a run.
    pub async fn sync_schedules(&mut self) -> Result<Vec<String>, Error> {
        let mut told = Vec::new();
        for _ in 0..=TRIES {
            let (done, has_made) = self.sync_once().await?;
            told.extend(done);
            if !has_made {
                break;
            }
            // Somebody may have stopped it meanwhile, and looked at what is scheduled before this was.
            self.read_again().await?;
        }
        Ok(told)
    }

    /// The same, once; and whether something was scheduled.
    async fn sync_once(&mut self) -> Result<(Vec<String>, bool), Error> {
        let ramp = self.ramp();
        let mut told = Vec::new();
        let mut has_made = false;
        if ramp.drop.is_empty() && ramp.make.is_empty() {
            return Ok((told, has_made));
        }
        let (client, project) = (&self.base.client, &self.base.project);
        for id in &ramp.drop {
            match client.unschedule(project, *id).await {
                // It was taken meanwhile, or somebody else took it back.
                Err(Error::Invalid { .. } | Error::NotFound(_)) => {}
                answer => answer?,
            }
        }
        if !ramp.drop.is_empty() {
            told.push(format!("takes back {} of what was scheduled", steps(ramp.drop.len())));
        }
        for (at, percent, payload) in &ramp.make {
            match client.schedule(project, self.flag.id, *at, payload).await {
                Err(error) if error.is_refusal() || matches!(error, Error::Invalid { .. }) => {
                    told.push(format!(
                        "PostHog does not take steps by itself ({error}); they wait for a run"
                    ));
                    break;
                }
                answer => answer?,
            }
            has_made = true;
            told.push(format!("PostHog goes to {percent} % on {}", time(*at)));
        }
        self.read_schedules().await?;
        Ok((told, has_made))
    }

    /// What PostHog will do that is none of the plan's.
    pub fn foreign_schedules(&self) -> Vec<String> {
        self.ramp().foreign
    }

    /// A flag's pending changes are asked for before it is written: nothing is filed a second time. What waits to be
    /// opened further does not keep anybody from switching the flag off.
    pub(super) async fn waiting(&self, change: &Change) -> Result<Option<Value>, Error> {
        let waiting = self.base.client.pending_changes(&self.base.project, self.flag.id).await?;
        let switches_off = change.body["active"] == false;
        let is_other = |it: &Value| switches_off && it["action_key"] != "feature_flag.disable";
        Ok(waiting.into_iter().find(|it| !is_other(it)))
    }
}

/// `1 step`, `3 steps`
pub(in crate::rollout) fn steps(n: usize) -> String {
    if n == 1 { "1 step".to_owned() } else { format!("{n} steps") }
}
