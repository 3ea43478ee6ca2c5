//! Taking the steps of a launch. After each one they are decided anew.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::decide::{Action, FunctionKind, Pending, Refused, Slot, Step, Webhook};
use super::super::messenger::Messenger;
use super::found::refusal;
use super::{Launch, launched, webhook_from_here};
use crate::flags::Flag;
use crate::posthog::Error;
use crate::posthog::objects::Kind;

/// What became of a step that was taken.
#[derive(Debug)]
pub enum Told<'a> {
    /// It is done.
    Done(&'a Step),
    /// It could not be; the rest goes on.
    Refused(&'a Step, String),
    /// It waits for an approval.
    Waits(&'a Step, String),
    /// It is done, but for this.
    Warning(String),
}

/// A launch that did not come to its end. What was made stays, and the next launch completes it.
#[derive(Debug, thiserror::Error)]
#[error("{slot}: {error}")]
pub struct Interrupted {
    /// What was being made.
    pub slot: Slot,
    /// Why.
    pub error: Error,
}

impl Launch {
    /// Takes all steps before the feature opens to anybody, and reads the flag: what a person then decides about.
    pub async fn prepare(&mut self, told: &mut impl FnMut(Told)) -> Result<(), Interrupted> {
        self.take(|it| *it < Slot::On, told).await?;
        self.read_flag().await.map_err(|error| Interrupted { slot: Slot::Flag, error })
    }

    /// Opens the feature to its first stage.
    pub async fn open(&mut self, told: &mut impl FnMut(Told)) -> Result<(), Interrupted> {
        self.take(|it| *it >= Slot::On, told).await
    }

    async fn take(
        &mut self,
        is_now: impl Fn(&Slot) -> bool,
        told: &mut impl FnMut(Told),
    ) -> Result<(), Interrupted> {
        let mut taken = BTreeSet::new();
        loop {
            let next = |steps: Vec<Step>| {
                steps
                    .into_iter()
                    .find(|it| is_now(&it.slot) && it.action.writes() && !taken.contains(&it.slot))
            };
            let Some(step) = next(self.steps()) else { return Ok(()) };
            let interrupted = |error| Interrupted { slot: step.slot.clone(), error };
            self.read_again(&step.slot).await.map_err(interrupted)?;
            let interrupted = |error| Interrupted { slot: step.slot.clone(), error };
            taken.insert(step.slot.clone());
            let Some(step) = self.steps().into_iter().find(|it| it.slot == step.slot && it.action.writes())
            else {
                continue;
            };
            match self.write(&step, told).await {
                Ok(()) => told(Told::Done(&step)),
                Err(Error::ApprovalRequired { detail, request, .. }) => {
                    let pending = Some(Pending { id: request.unwrap_or_default() });
                    match step.slot {
                        Slot::On => self.found.pending = pending,
                        // A policy may stand before the making of a flag too.
                        Slot::Flag if self.found.flag.is_none() => {
                            self.found.pending = pending;
                            self.found.refused.insert(Slot::Flag, Refused(detail.clone()));
                        }
                        Slot::Flag => self.found.pending_conditions = pending,
                        _ => drop(self.found.refused.insert(step.slot.clone(), Refused(detail.clone()))),
                    }
                    told(Told::Waits(&step, detail));
                }
                Err(error) if may_go_on(&step.slot, &error) => {
                    let why = refusal(&error);
                    self.found.refused.insert(step.slot.clone(), Refused(why.clone()));
                    told(Told::Refused(&step, why));
                }
                Err(error) => return Err(interrupted(error)),
            }
        }
    }

    /// Reads again what steps before this one changed on the server.
    async fn read_again(&mut self, slot: &Slot) -> Result<(), Error> {
        match slot {
            Slot::Link => self.read_flag().await?,
            Slot::On => {
                let shown = self.found.flag.as_ref().map(Flag::stamp);
                self.read_flag().await?;
                if self.found.flag.as_ref().map(Flag::stamp) != shown {
                    return Err(Error::Conflict(
                        "somebody changed the flag meanwhile, and it stays off".into(),
                    ));
                }
            }
            Slot::Layout => {
                if let Some(id) = self.found.id(&Slot::Dashboard) {
                    let dashboard =
                        self.client.object(&self.project, Kind::Dashboard, &id.to_string()).await?;
                    self.found.objects.insert(Slot::Dashboard, dashboard);
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn read_flag(&mut self) -> Result<(), Error> {
        if let Some(flag) = &self.found.flag {
            let now = self.client.flag(&self.project, flag.id).await?;
            self.found.switched_on_elsewhere |= now.active && !flag.active;
            self.found.flag = Some(now);
        }
        Ok(())
    }

    async fn write(&mut self, step: &Step, told: &mut impl FnMut(Told)) -> Result<(), Error> {
        let body = match &step.action {
            Action::Make(Some(body)) | Action::Change(body, _) => body.clone(),
            // What it is made of could not be made, and was told.
            _ => {
                return Err(Error::Invalid {
                    code: String::new(),
                    detail: "what it needs is missing".into(),
                });
            }
        };
        match &step.slot {
            Slot::Flag | Slot::Link | Slot::On => self.write_flag(step, &body).await,
            Slot::Start => self.start().await,
            Slot::Message => self.tell(told).await,
            Slot::Layout => {
                let id = self.found.id(&Slot::Dashboard).unwrap_or_default().to_string();
                let dashboard = self.client.change(&self.project, Kind::Dashboard, &id, &body).await?;
                self.found.objects.insert(Slot::Dashboard, dashboard);
                Ok(())
            }
            slot => {
                let Some(kind) = kind(slot) else { return Ok(()) };
                let made = match (&step.action, self.found.objects.get(slot).and_then(|it| address(kind, it)))
                {
                    (Action::Change(..), Some(id)) => {
                        self.client.change(&self.project, kind, &id, &body).await?
                    }
                    _ => self.client.make(&self.project, kind, &body).await?,
                };
                if kind == Kind::Cohort && matches!(step.action, Action::Make(_)) {
                    self.cohorts_made.extend(made["id"].as_u64());
                }
                self.found.objects.insert(slot.clone(), made);
                Ok(())
            }
        }
    }

    async fn write_flag(&mut self, step: &Step, body: &Value) -> Result<(), Error> {
        let flag = match &self.found.flag {
            None => self.create_flag(body).await?,
            Some(flag) => self.client.change_flag(&self.project, flag, body).await?,
        };
        if step.slot == Slot::On && !flag.active {
            return Err(Error::Conflict(
                "PostHog took the change, and the flag is not on: look at its page".into(),
            ));
        }
        self.found.switched_on |= step.slot == Slot::On;
        self.found.flag = Some(flag);
        Ok(())
    }

    /// Makes the flag. Of two launches at the same time, the one that comes second ends here: keys are unique, and
    /// names of what follows are not. The cohorts that it made for nothing are taken back.
    async fn create_flag(&mut self, body: &Value) -> Result<Flag, Error> {
        match self.client.create_flag(&self.project, body).await {
            Err(error @ Error::Invalid { .. }) => {
                if self.client.flag_by_key(&self.project, &self.target.brief.flag()).await?.is_none() {
                    return Err(error);
                }
                for id in std::mem::take(&mut self.cohorts_made) {
                    let gone = json!({ "deleted": true });
                    self.client.change(&self.project, Kind::Cohort, &id.to_string(), &gone).await?;
                }
                let faster = "somebody made the flag in this very moment, perhaps another launch of it";
                Err(Error::Conflict(faster.into()))
            }
            answer => answer,
        }
    }

    /// Launches the experiment: by an action, or on older servers by its date.
    async fn start(&mut self) -> Result<(), Error> {
        let id = self.found.id(&Slot::Experiment).unwrap_or_default().to_string();
        let (client, project) = (&self.client, &self.project);
        let started = match client.act(project, Kind::Experiment, &id, "launch", &json!({})).await {
            Err(Error::NotFound(_)) => {
                let body = json!({ "start_date": self.target.now });
                client.change(project, Kind::Experiment, &id, &body).await?
            }
            answer => answer?,
        };
        self.found.objects.insert(Slot::Experiment, started);
        Ok(())
    }

    /// Sends the message that it begins.
    async fn tell(&mut self, told: &mut impl FnMut(Told)) -> Result<(), Error> {
        let Some(message) = launched(&self.target, &self.found) else { return Ok(()) };
        let is_by_posthog = matches!(self.target.webhook, Webhook::Missing(_))
            && self.found.objects.contains_key(&Slot::Function(FunctionKind::WebhookMessages));
        let name = webhook_from_here(&self.target.brief).filter(|_| !is_by_posthog);
        let messenger = Messenger {
            host: &self.target.host,
            project: self.target.project,
            token: self.token.as_deref(),
            webhook: name.map(|name| (name, &self.target.webhook)),
        };
        let warning = messenger.send(&message).await?;
        warning.into_iter().for_each(|it| told(Told::Warning(it)));
        self.found.told = Some(true);
        self.has_told = true;
        Ok(())
    }
}

/// Whether the rest of a launch makes sense without this step.
fn may_go_on(slot: &Slot, error: &Error) -> bool {
    let is_wrong = matches!(error, Error::Invalid { .. });
    match slot {
        // Nothing is anything without the flag.
        Slot::Flag | Slot::On => false,
        // Nobody waits for a message to be told that the feature is on, and nothing depends on alerts.
        Slot::Message | Slot::Alert | Slot::AlertFunction => true,
        _ => is_wrong || error.is_refusal(),
    }
}

/// What kind of object a slot is.
fn kind(slot: &Slot) -> Option<Kind> {
    Some(match slot {
        Slot::Cohort(_) => Kind::Cohort,
        Slot::EarlyAccess => Kind::EarlyAccess,
        Slot::Experiment => Kind::Experiment,
        Slot::Dashboard => Kind::Dashboard,
        Slot::Insight(_) => Kind::Insight,
        Slot::Playlist(_) => Kind::Playlist,
        Slot::Function(_) | Slot::AlertFunction => Kind::HogFunction,
        Slot::Survey => Kind::Survey,
        Slot::Alert => Kind::Alert,
        Slot::Annotation => Kind::Annotation,
        Slot::Flag | Slot::Link | Slot::Layout | Slot::On | Slot::Start | Slot::Message => return None,
    })
}

/// How an object is addressed.
fn address(kind: Kind, object: &Value) -> Option<String> {
    if kind == Kind::Playlist {
        return object["short_id"].as_str().map(str::to_owned);
    }
    object["id"].as_u64().map(|it| it.to_string()).or_else(|| object["id"].as_str().map(str::to_owned))
}
