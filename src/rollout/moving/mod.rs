//! Moving a rollout: what is there is read, the move is decided from it, shown, and written with the version that was
//! read. What follows a write (scheduled steps, experiment, messages) is found again by whoever comes next, so that a
//! move that was cut off is completed and not repeated.

mod evidence;
mod finish;
mod interview;
mod metric;
mod preview;
mod schedule;
mod tell;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

pub(super) use evidence::load as load_evidence;
pub use interview::Invitation;
pub use metric::MetricWeek;
pub(super) use metric::load as load_metrics;
pub use preview::{Preview, Reached};
pub(super) use schedule::steps;
pub use tell::Told;
pub(super) use tell::late_words;
pub use write::{Made, NotMoved};

use super::decide::{self, Change, Move, Ramp, Scheduled, Start};
use super::message::Message;
use crate::config;
use crate::feature::brief::Brief;
use crate::feature::{Ladder, NextStep, Plan, Situation, Telling, arrived, drift};
use crate::flags::{Evidence, Flag, History, Project};
use crate::posthog::queries::{self, Evaluations, Owed};
use crate::posthog::{Client, Error, wire};

/// A project in which rollouts move.
#[derive(Debug)]
pub struct Base {
    client: Client,
    /// The project.
    pub project: Project,
    /// Where PostHog is, without a slash at the end.
    pub host: String,
    /// The project's public token, for messages.
    token: Option<String>,
    table: Evaluations,
    /// The cohorts by name.
    cohorts: BTreeMap<String, u64>,
    /// Whose key this is: the owner of features that name none.
    me: String,
    /// Now, by the server's clock; by this machine's where the server does not tell.
    pub now: Timestamp,
    /// Why the server did not tell, where it may the next time: a person who stops something does not wait for that.
    pub(super) clock_trouble: Option<Error>,
}

/// A feature on its way, as it is now.
#[derive(Debug)]
pub struct Rollout<'a> {
    base: &'a Base,
    /// The feature.
    pub brief: Brief,
    /// Its plan.
    pub plan: Plan,
    /// Its flag.
    pub flag: Flag,
    history: Option<History>,
    scheduled: Option<Vec<Scheduled>>,
    /// Why scheduled changes are not known.
    pub schedules_trouble: Option<String>,
    /// Why the activity is not known, where it may be the next time.
    history_trouble: Option<String>,
    /// Why nobody may read the activity with this key, or on this plan.
    history_refused: Option<String>,
    /// Whether it is read to close something: what that does not need holds it up not.
    is_urgent: bool,
    /// The message that is told together with the next step, since it is about the stage before.
    met: Option<Message>,
    evidence: Result<Evidence, String>,
    /// Ids of the messages that were captured; `None` = nobody can tell.
    told: Option<BTreeSet<Uuid>>,
    /// What its webhook was not told; `None` = nobody can tell.
    owed: Option<Vec<Owed>>,
    /// Messages that this run was elected to send.
    elected: Vec<super::message::Kind>,
    drift: Vec<String>,
    /// How its key metric did in the last week; `None` = not asked, or not known.
    pub metric: Option<MetricWeek>,
    /// Claims of the flag's conditions whose message was captured.
    finished: Vec<Telling>,
}

/// Why a rollout could not be read.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// PostHog could not be asked.
    #[error(transparent)]
    PostHog(#[from] Error),
    /// The brief names a plan that is not there, or nobody knows who is first.
    #[error("{0}")]
    Brief(String),
    /// There is no such flag.
    #[error("PostHog has no flag '{0}': launch it first, flagline launch {0}")]
    NoFlag(String),
}

impl Base {
    /// Reads what all rollouts of a project share.
    pub async fn load(environment: &config::Environment, briefs: &[&Brief]) -> Result<Base, Error> {
        let client = Client::new(environment)?;
        let whole = client.project(environment).await?;
        let table = Evaluations::of_mode(whole.flag_evaluations_mode);
        let token = whole.api_token.clone();
        let project: Project = whole.into();
        // A key that may not say whose it is can do without, but for a plan that is made of the address.
        let me = match client.owner().await {
            Err(Error::Forbidden(_)) => Value::Null,
            answer => answer?,
        };
        let (now, clock_trouble) = match server_time(&client, &project).await {
            Err(error @ (Error::Server { .. } | Error::Limited(_))) => (Timestamp::now(), Some(error)),
            answer => (answer?, None),
        };
        let mut base = Base {
            client,
            project,
            host: environment.host.to_string(),
            token,
            table,
            cohorts: BTreeMap::new(),
            me: me["email"].as_str().unwrap_or_default().to_owned(),
            now,
            clock_trouble,
        };
        if briefs.iter().any(|it| !it.stage.is_empty() || it.plan.is_some()) {
            base.cohorts().await?;
        }
        Ok(base)
    }

    async fn cohorts(&mut self) -> Result<(), Error> {
        let listed: Vec<wire::Cohort> = match self.client.cohorts(&self.project).await {
            // Their names are not known then, and what names one is not as planned.
            Err(Error::Forbidden(_) | Error::PaymentRequired(_)) => Vec::new(),
            answer => answer?,
        };
        for cohort in listed {
            // Of two of one name, the first counts.
            self.cohorts.entry(cohort.name).or_insert(cohort.id);
        }
        Ok(())
    }

    /// The plan of a brief.
    pub fn plan(&self, brief: &Brief, plans: &BTreeMap<String, Plan>) -> Result<Plan, NotRead> {
        brief.plan(plans, brief.owner.as_deref().unwrap_or(&self.me)).map_err(NotRead::Brief)
    }

    /// The address of one of the project's pages.
    pub fn page(&self, path: impl std::fmt::Display) -> String {
        format!("{}/project/{}/{path}", self.host, self.project.id)
    }
}

async fn server_time(client: &Client, project: &Project) -> Result<Timestamp, Error> {
    match client.query(project, &queries::server_time()).await {
        Ok(rows) => {
            let seconds = rows.first().and_then(|it| it.first()).and_then(Value::as_i64);
            let told = seconds.and_then(|it| Timestamp::from_second(it).ok());
            Ok(told.unwrap_or_else(Timestamp::now))
        }
        Err(error) if error.is_refusal() || matches!(error, Error::TooSlow | Error::Invalid { .. }) => {
            Ok(Timestamp::now())
        }
        Err(error) => Err(error),
    }
}

impl<'a> Rollout<'a> {
    /// Reads where a feature is. Writes nothing.
    pub async fn load(
        base: &'a Base,
        brief: Brief,
        plans: &BTreeMap<String, Plan>,
    ) -> Result<Rollout<'a>, NotRead> {
        let listed = base.schedules().await?;
        Rollout::read(base, brief, plans, &listed, false).await
    }

    /// The same to close something: where PostHog does not tell its activity or what is scheduled, that is left out.
    pub async fn load_to_close(
        base: &'a Base,
        brief: Brief,
        plans: &BTreeMap<String, Plan>,
    ) -> Result<Rollout<'a>, NotRead> {
        let listed = base.schedules().await.unwrap_or_else(|error| Err(error.to_string()));
        Rollout::read(base, brief, plans, &listed, true).await
    }

    /// The same for one of many: what is scheduled was asked for all of them.
    pub(super) async fn among(
        base: &'a Base,
        brief: Brief,
        plans: &BTreeMap<String, Plan>,
        listed: &schedule::Listed,
    ) -> Result<Rollout<'a>, NotRead> {
        Rollout::read(base, brief, plans, listed, false).await
    }

    async fn read(
        base: &'a Base,
        brief: Brief,
        plans: &BTreeMap<String, Plan>,
        listed: &schedule::Listed,
        is_urgent: bool,
    ) -> Result<Rollout<'a>, NotRead> {
        let plan = base.plan(&brief, plans)?;
        let flag = base.client.flag_by_key(&base.project, &brief.flag()).await?;
        let flag = flag.ok_or_else(|| NotRead::NoFlag(brief.key.clone()))?;
        let mut rollout = Rollout {
            base,
            brief,
            plan,
            flag,
            history: None,
            scheduled: None,
            schedules_trouble: None,
            history_trouble: None,
            history_refused: None,
            is_urgent,
            met: None,
            evidence: Err("it was not asked for".into()),
            told: None,
            owed: None,
            elected: Vec::new(),
            drift: Vec::new(),
            metric: None,
            finished: Vec::new(),
        };
        rollout.look_at_flag().await?;
        rollout.take_schedules(listed);
        Ok(rollout)
    }

    /// Reads the flag again, and what depends on it.
    async fn read_again(&mut self) -> Result<(), Error> {
        self.flag = self.base.client.flag(&self.base.project, self.flag.id).await?;
        self.look_at_flag().await
    }

    async fn look_at_flag(&mut self) -> Result<(), Error> {
        let cohort = |name: &str| self.base.cohorts.get(name).copied();
        self.drift = drift(&self.brief, &self.plan, &self.flag, &cohort);
        self.history = match self.base.client.history(&self.base.project, &self.flag, self.base.now).await {
            Err(error) if error.is_refusal() => {
                self.history_refused = Some(error.to_string());
                None
            }
            Err(error) if self.is_urgent => {
                self.history_trouble = Some(error.to_string());
                None
            }
            answer => {
                self.history_trouble = None;
                Some(answer?)
            }
        };
        Ok(())
    }

    /// Asks who met it, and which messages were captured. Where that cannot be told, it is said where it is needed.
    pub async fn ask_evidence(&mut self) -> Result<(), Error> {
        evidence::load(std::slice::from_mut(self)).await
    }

    /// What decides about it.
    pub fn situation(&self) -> Situation<'_> {
        let next = self.next();
        let keep = self.ramp().keep.into_iter();
        let scheduled = keep.filter(
            |(_, percent)| matches!(next, Some(NextStep::Within { percent: to, .. }) if to == *percent),
        );
        Situation {
            brief: &self.brief,
            plan: &self.plan,
            flag: &self.flag,
            history: self.history.as_ref(),
            evidence: self.evidence.as_ref().map_err(String::as_str),
            drift: &self.drift,
            scheduled: scheduled.map(|it| it.0).min(),
            now: self.base.now,
        }
    }

    /// What comes next on the plan; `None` where no stage is open.
    fn next(&self) -> Option<NextStep> {
        Ladder::of(&self.plan, &self.flag.filters()?).next(&self.plan)
    }

    /// Where a move begins.
    pub fn start(&self) -> Start<'_> {
        Start {
            brief: &self.brief,
            plan: &self.plan,
            flag: &self.flag,
            drift: &self.drift,
            finished: &self.finished,
            also_tells: self.met.as_ref().map(|it| &*it.stage),
            now: self.base.now,
        }
    }

    /// What a move would come to.
    pub fn change(&self, step: &Move) -> Result<Change, String> {
        decide::change(&self.start(), step)
    }

    /// What is scheduled, and what should be.
    pub fn ramp(&self) -> Ramp {
        let arrived = match &self.history {
            Some(history) => arrived(&self.flag, history).map(|it| it.at),
            None => self.flag.updated_at,
        };
        match &self.scheduled {
            Some(scheduled) => decide::ramp(&self.start(), arrived, self.history.is_some(), scheduled),
            None => Ramp::default(),
        }
    }

    /// How many people a stage touches, of how many; `None` = PostHog cannot tell.
    pub async fn reach(&self, stage: usize, percent: f64) -> Option<(u64, u64)> {
        let cohort = |name: &str| self.base.cohorts.get(name).copied();
        let audience = &self.plan.stages.get(stage)?.audience;
        let body = decide::blast_radius(audience, &cohort, self.plan.group_type())?;
        let (matching, total) = self.base.client.blast_radius(&self.base.project, &body).await.ok()?;
        // PostHog counts who matches, whatever the percentage.
        Some(((matching as f64 * percent / 100.0).floor() as u64, total))
    }

    /// Whether writes are checked by a version: two who write at once cannot both win.
    pub fn is_versioned(&self) -> bool {
        self.flag.version.is_some()
    }

    /// The project's name.
    pub fn project_name(&self) -> &str {
        &self.base.project.name
    }

    /// The project's number.
    pub fn project_id(&self) -> u64 {
        self.base.project.id
    }

    /// The address of the flag's page.
    pub fn page(&self) -> String {
        self.base.page(format!("feature_flags/{}", self.flag.id))
    }
}
