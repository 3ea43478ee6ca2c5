//! Launching a feature: what its brief describes is made in PostHog, in an order useful at every point; last, the flag
//! is switched on. Everything is found again by link, name and marker, so that a launch that was cut off is completed
//! by the next one.

mod found;
mod perform;
mod turn;

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

pub use perform::{Interrupted, Told};

use super::decide::{self, Found, Slot, Step, Target, Webhook};
use super::message::{EVENT, Kind, Message, TOLD_EVENT};
use super::moving::{self, Base, NotRead, Rollout};
use crate::config;
use crate::feature::brief::Brief;
use crate::feature::{Audience, Plan};
use crate::flags::Project;
use crate::posthog::queries::{self, Evaluations};
use crate::posthog::{Client, Error};

/// How to launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Everything is made, and the flag stays off.
    pub leave_off: bool,
    /// What was changed by hand is written over.
    pub take_over: bool,
    /// Nothing will be written: others may launch it meanwhile.
    pub only_shown: bool,
}

/// Why a launch could not even be planned.
#[derive(Debug, thiserror::Error)]
pub enum NotPlanned {
    /// PostHog could not be asked.
    #[error(transparent)]
    PostHog(#[from] Error),
    /// The brief does not say enough, or names something that is not there.
    #[error("{0}")]
    Brief(String),
    /// Somebody launches it on this machine in this moment.
    #[error(
        "another launch of '{0}' is under way on this machine; launch again when it is over, to complete it"
    )]
    Busy(String),
}

/// A launch: where it should come to, and what is there.
#[derive(Debug)]
pub struct Launch {
    client: Client,
    /// The project that it happens in.
    pub project: Project,
    /// The project's public token, for messages.
    token: Option<String>,
    /// Where it should come to.
    pub target: Target,
    /// What is there.
    pub found: Found,
    /// Addresses of the brief to which no alert is sent: PostHog does not know whose they are.
    pub unknown: Vec<String>,
    /// Whether that is because the key may not list colleagues.
    pub is_blind: bool,
    /// The numbers of the cohorts that were made by this launch.
    cohorts_made: Vec<u64>,
    /// Whether this launch sent the message, and tried the webhook.
    has_told: bool,
    /// Nobody else on this machine launches it while this lives.
    _turn: Option<turn::Turn>,
}

/// A stage and whom it touches at its first step: people or groups, of how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// The stage's name.
    pub stage: String,
    /// Who belongs to it, in words.
    pub audience: String,
    /// The first percentage.
    pub percent: f64,
    /// How many it touches at that percentage, of how many; `None` = PostHog could not tell.
    pub people: Option<(u64, u64)>,
    /// Whether it is a cohort that is made with nobody in it.
    pub is_empty: bool,
}

impl Reach {
    /// How many it touches, in words.
    pub fn words(&self) -> Option<String> {
        if self.is_empty {
            return Some("nobody yet: an empty cohort".to_owned());
        }
        let (affected, total) = self.people?;
        let about = if self.percent < 100.0 { "about " } else { "" };
        Some(format!("{about}{affected} of {total}"))
    }
}

impl Launch {
    /// Reads what is there. Writes nothing.
    pub async fn load(
        environment: &config::Environment,
        brief: Brief,
        plans: &BTreeMap<String, Plan>,
        options: Options,
        now: Timestamp,
    ) -> Result<Launch, NotPlanned> {
        let client = Client::new(environment)?;
        let whole = client.project(environment).await?;
        // A key that may not say whose it is can do without, but for a plan that is made of the address.
        let owner = match client.owner().await {
            Err(Error::Forbidden(_)) => Value::Null,
            answer => answer?,
        };
        let email = brief.owner.as_deref().or(owner["email"].as_str()).unwrap_or_default();
        let plan = brief.plan(plans, email).map_err(NotPlanned::Brief)?;
        if let Some(why) = brief.interview_trouble(&plan) {
            return Err(NotPlanned::Brief(why));
        }
        if plan.stages.iter().any(|it| it.audience == Audience::Email(String::new())) {
            let why = "nobody knows who the first people are: write an owner into the brief, or stages";
            return Err(NotPlanned::Brief(why.into()));
        }
        let Alerted { alerted, unknown, is_blind } = alerted(&client, &brief, &owner).await?;
        let target = Target {
            webhook: webhook(&brief, |name| std::env::var(name).ok()),
            brief,
            plan,
            host: environment.host.to_string(),
            project: whole.id,
            evaluations: Evaluations::of_mode(whole.flag_evaluations_mode),
            alerted,
            leave_off: options.leave_off,
            take_over: options.take_over,
            now,
        };
        let turn = match options.only_shown {
            true => None,
            false => {
                let taken = turn::take(&target.host, target.project, &target.brief.flag());
                Some(taken.map_err(|turn::Busy| NotPlanned::Busy(target.brief.key.clone()))?)
            }
        };
        let token = whole.api_token.clone();
        let project: Project = whole.into();
        let found = found::find(&client, &project, &target).await?;
        let is_gone = |it: &&Audience| matches!(it, Audience::Cohort(id) if found.lacks_cohort(*id));
        if let Some(gone) = target.plan.stages.iter().map(|it| &it.audience).find(is_gone) {
            let why = format!("{} has no {gone}: name another one in the plan", project.name);
            return Err(NotPlanned::Brief(why));
        }
        let mut launch = Launch {
            client,
            project,
            token,
            target,
            found,
            unknown,
            is_blind,
            cohorts_made: Vec::new(),
            has_told: false,
            _turn: turn,
        };
        launch.found.to_schedule = launch.to_schedule(environment, plans).await;
        Ok(launch)
    }

    /// The steps in time that PostHog does not know of, where that can be told.
    async fn to_schedule(
        &self,
        environment: &config::Environment,
        plans: &BTreeMap<String, Plan>,
    ) -> Vec<(Timestamp, f64)> {
        if !self.has_steps_in_time() {
            return Vec::new();
        }
        let brief = self.target.brief.clone();
        let Ok(base) = Base::load(environment, &[&brief]).await else { return Vec::new() };
        let rollout = Rollout::load(&base, brief, plans).await;
        rollout.map(|it| it.ramp().make.into_iter().map(|it| (it.0, it.1)).collect()).unwrap_or_default()
    }

    /// Whether the flag is on, and its first stage grows in time.
    fn has_steps_in_time(&self) -> bool {
        let first = self.target.plan.stages.first();
        let is_on = self.found.flag.as_ref().is_some_and(|it| it.active);
        is_on && first.is_some_and(|it| it.pace.is_some() && it.steps.len() > 1)
    }

    /// Lets PostHog take the steps in time of the stage that is open. What comes back is what was done; nothing where
    /// there are none.
    pub async fn schedule(
        &self,
        environment: &config::Environment,
        plans: &BTreeMap<String, Plan>,
    ) -> Result<Vec<String>, Error> {
        if !self.has_steps_in_time() {
            return Ok(Vec::new());
        }
        let brief = self.target.brief.clone();
        let base = Base::load(environment, &[&brief]).await?;
        match Rollout::load(&base, brief, plans).await {
            Ok(mut rollout) => rollout.sync_schedules().await,
            Err(NotRead::PostHog(error)) => Err(error),
            Err(NotRead::Brief(_) | NotRead::NoFlag(_)) => Ok(Vec::new()),
        }
    }

    /// Tells the webhook what an earlier launch could not tell it.
    pub async fn tell_webhook(
        &self,
        environment: &config::Environment,
        plans: &BTreeMap<String, Plan>,
    ) -> Result<moving::Told, Error> {
        let mut told = moving::Told::default();
        let brief = &self.target.brief;
        if self.has_told || self.found.told != Some(true) || webhook_from_here(brief).is_none() {
            return Ok(told);
        }
        let query = queries::owed(EVENT, TOLD_EVENT, &[brief.flag()]);
        let owed = match self.client.query(&self.project, &query).await {
            Err(error) if error.is_refusal() || matches!(error, Error::TooSlow) => return Ok(told),
            answer => queries::owed_rows(TOLD_EVENT, &answer?),
        };
        if owed.is_empty() {
            return Ok(told);
        }
        let base = Base::load(environment, &[brief]).await?;
        match Rollout::load(&base, brief.clone(), plans).await {
            Ok(mut rollout) => {
                rollout.take_owed(Some(&owed));
                rollout.tell_webhook(&mut told).await?;
            }
            Err(NotRead::PostHog(error)) => return Err(error),
            Err(NotRead::Brief(_) | NotRead::NoFlag(_)) => {}
        }
        Ok(told)
    }

    /// What is to be done, all of it.
    pub fn steps(&self) -> Vec<Step> {
        decide::steps(&self.target, &self.found)
    }

    /// Whom each stage touches.
    pub async fn reach(&self) -> Vec<Reach> {
        let mut all = Vec::new();
        for stage in &self.target.plan.stages {
            let cohort = |name: &str| self.found.cohort(name);
            let body = decide::blast_radius(&stage.audience, &cohort, self.target.plan.group_type());
            let is_empty = body.is_none() && self.found.cohorts.is_some();
            let people = match body {
                Some(body) => self.client.blast_radius(&self.project, &body).await.ok(),
                // A static cohort that is made only now has nobody in it.
                None => None,
            };
            let percent = stage.steps.first().copied().unwrap_or(100.0);
            // PostHog counts who matches, whatever the percentage.
            let share = |n: u64| (n as f64 * percent / 100.0).floor() as u64;
            all.push(Reach {
                stage: stage.name.clone(),
                audience: stage.audience.to_string(),
                percent,
                people: people.map(|(matching, total)| (share(matching), total)),
                is_empty,
            });
        }
        all
    }

    /// The address of a page about the feature, once there is one.
    pub fn page(&self, slot: &Slot) -> Option<String> {
        let found = &self.found;
        let path = match slot {
            Slot::Flag => format!("feature_flags/{}", found.flag.as_ref()?.id),
            Slot::Dashboard => format!("dashboard/{}", found.id(slot)?),
            Slot::Experiment => format!("experiments/{}", found.id(slot)?),
            Slot::Playlist(_) => format!("replay/playlists/{}", found.text_id(slot, "short_id")?),
            Slot::Survey => format!("surveys/{}", found.text_id(slot, "id")?),
            _ => return None,
        };
        Some(self.target.page(path))
    }
}

/// Who gets alerts.
struct Alerted {
    /// By their numbers.
    alerted: Vec<u64>,
    /// The addresses of whom nobody knows.
    unknown: Vec<String>,
    /// Whether colleagues could not be asked for.
    is_blind: bool,
}

/// Who gets alerts: the brief's people, else its owner, else whoever launches; and the addresses of nobody.
async fn alerted(client: &Client, brief: &Brief, me: &Value) -> Result<Alerted, Error> {
    let named = &brief.notify.people;
    let wanted: Vec<&String> =
        if named.is_empty() { brief.owner.iter().collect() } else { named.iter().collect() };
    let is_me = |it: &&&String| me["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(it));
    let myself: Vec<u64> = me["id"].as_u64().into_iter().collect();
    if wanted.iter().all(|it| is_me(&it)) {
        return Ok(Alerted { alerted: myself, unknown: Vec::new(), is_blind: false });
    }
    let (members, is_blind) = match client.members().await {
        // A key that may not list colleagues can launch all the same.
        Err(error) if error.is_refusal() => (Vec::new(), true),
        answer => (answer?, false),
    };
    let (mut alerted, mut unknown) = (Vec::new(), Vec::new());
    for address in wanted {
        let is = |it: &&Value| it["email"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(address));
        match members.iter().map(|it| &it["user"]).find(is).and_then(|it| it["id"].as_u64()) {
            Some(id) => alerted.push(id),
            None if is_me(&&address) => alerted.extend(&myself),
            None => unknown.push(address.clone()),
        }
    }
    let alerted = if alerted.is_empty() { myself } else { alerted };
    Ok(Alerted { alerted, unknown, is_blind })
}

/// The message that a feature begins.
fn launched(target: &Target, found: &Found) -> Option<Message> {
    let stage = target.plan.stages.first()?;
    let playlist = found.objects.iter().find_map(|(slot, it)| match slot {
        Slot::Playlist(_) => it["short_id"].as_str(),
        _ => None,
    });
    let links = [
        found.id(&Slot::Dashboard).map(|it| ("Dashboard", format!("dashboard/{it}"))),
        playlist.map(|it| ("Recordings", format!("replay/playlists/{it}"))),
    ];
    let links: Vec<String> =
        links.into_iter().flatten().map(|(title, path)| format!("{title}: {}", target.page(path))).collect();
    let end = if links.is_empty() { String::new() } else { format!(" {}", links.join(" ")) };
    Some(Message {
        flag: target.key().to_owned(),
        flag_id: found.flag.as_ref()?.id,
        stage: stage.name.clone(),
        kind: Kind::Launched,
        occasion: None,
        text: format!(
            "{} is launched, in its first stage: {} ({}).{end}",
            target.brief.title(),
            stage.name,
            stage.audience
        ),
    })
}

/// The name of the webhook that is told from here, and not by PostHog.
pub(super) fn webhook_from_here(brief: &Brief) -> Option<&str> {
    let name = brief.notify.webhook.as_deref().filter(|_| !brief.notify.webhook_in_posthog)?;
    decide::follow::variable(name).is_ok().then_some(name)
}

/// The webhook that a brief names, with its address from the environment.
pub(super) fn webhook(brief: &Brief, variable: impl Fn(&str) -> Option<String>) -> Webhook {
    let Some(name) = &brief.notify.webhook else { return Webhook::None };
    let Ok(variable_name) = decide::follow::variable(name) else { return Webhook::None };
    match variable(&variable_name).filter(|it| !it.trim().is_empty()) {
        Some(address) => Webhook::Known(SecretString::from(address.trim().to_owned())),
        None => Webhook::Missing(variable_name),
    }
}
