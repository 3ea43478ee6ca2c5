//! `rollout run`: every feature goes on, waits, or is stopped, and people are told. What there is to do follows from what
//! PostHog says alone, so that it does not matter who runs this, how often, and where it was cut off.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::decide::{Move, Surroundings};
use super::message::Message;
use super::moving::{
    self, Base, Invitation, Made, MetricWeek, NotMoved, NotRead, Rollout, late_words, steps,
};
use crate::config;
use crate::feature::{Brief, NextStep, Plan, Stage, StageName, Verdict, guarded, judge, stage};
use crate::flags::people;
use crate::posthog::Error;

/// How to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Nothing is written.
    pub dry_run: bool,
    /// Nobody else runs this: needed where the server has no versions, by which one of many would be elected.
    pub sole_runner: bool,
    /// How long a flag is the same for everyone before it is called finished.
    pub stale_after: SignedDuration,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Now, by the server's clock.
    pub now: Timestamp,
    /// Whether nothing was done, and all of it is what would be.
    pub is_dry: bool,
    /// One for each feature, in the order of their keys.
    pub features: Vec<FeatureReport>,
}

/// What became of one feature.
#[derive(Debug)]
pub struct FeatureReport {
    /// The flag's key.
    pub key: String,
    /// The names of its plan's stages.
    stages: Vec<String>,
    /// Where its rollout stands afterwards, in words.
    pub stage: String,
    /// Why.
    pub verdict: Option<Verdict>,
    /// What people met it, since its stage was opened; `None` = not known.
    pub people: Option<(u64, u64)>,
    /// How its key metric did in the last week.
    pub metric: Option<MetricWeek>,
    /// What was done, or would be.
    pub done: Vec<String>,
    /// The messages that were sent, or would be.
    pub messages: Vec<Message>,
    /// What is to say of it.
    pub warnings: Vec<String>,
    /// Why it could not be done.
    pub trouble: Option<String>,
}

impl FeatureReport {
    fn new(key: &str) -> FeatureReport {
        FeatureReport {
            key: key.to_owned(),
            stages: Vec::new(),
            stage: String::new(),
            verdict: None,
            people: None,
            metric: None,
            done: Vec::new(),
            messages: Vec::new(),
            warnings: Vec::new(),
            trouble: None,
        }
    }

    /// Whether somebody should look: it was stopped, or something could not be done.
    pub fn is_alarming(&self) -> bool {
        self.trouble.is_some() || matches!(self.verdict, Some(Verdict::Stops { .. }))
    }

    /// The stage that the next step is about.
    pub fn next_stage(&self) -> Option<&str> {
        let (Verdict::Asks { next, .. } | Verdict::Promotes { next, .. }) = self.verdict.as_ref()? else {
            return None;
        };
        match next {
            NextStep::Within { stage, .. } | NextStep::Across { stage, .. } => {
                self.stages.get(*stage).map(String::as_str)
            }
            NextStep::Done => None,
        }
    }

    /// What becomes of it, in words.
    pub fn words(&self) -> String {
        match &self.verdict {
            None => String::new(),
            Some(Verdict::Rests(why)) => format!("rests: {why}"),
            Some(Verdict::Waits { missing, .. }) => format!("waits for {}", missing.join("; ")),
            Some(Verdict::Asks { next, .. }) => format!("asks for a person's go: {}", self.step(next)),
            Some(Verdict::Promotes { next, .. }) => format!("goes on: {}", self.step(next)),
            Some(Verdict::Stops { reason, .. }) => format!("stops: {reason}"),
        }
    }

    /// `beta at 10 %`
    fn step(&self, next: &NextStep) -> String {
        match next {
            NextStep::Within { percent, .. } | NextStep::Across { percent, .. } => {
                format!("{} at {percent} %", self.next_stage().unwrap_or_default())
            }
            NextStep::Done => "every stage is open".into(),
        }
    }
}

/// Runs once over these features.
pub async fn once(
    environment: &config::Environment,
    briefs: &[Brief],
    plans: &BTreeMap<String, Plan>,
    options: Options,
) -> Result<Report, Error> {
    let all: Vec<&Brief> = briefs.iter().collect();
    let mut base = Base::load(environment, &all).await?;
    if let Some(error) = base.clock_trouble.take() {
        return Err(error);
    }
    let mut features: BTreeMap<String, FeatureReport> =
        briefs.iter().map(|it| (it.key.clone(), FeatureReport::new(&it.key))).collect();
    let mut rollouts = Vec::new();
    let listed = base.schedules().await?;
    for brief in briefs {
        match Rollout::among(&base, brief.clone(), plans, &listed).await {
            Ok(rollout) => rollouts.push(rollout),
            // Of one flag PostHog may have a problem; whoever is not let in, or reaches nobody, is so with all.
            Err(NotRead::PostHog(error)) if !matches!(error, Error::Server { .. } | Error::TooSlow) => {
                return Err(error);
            }
            Err(error) => {
                let feature =
                    features.entry(brief.key.clone()).or_insert_with(|| FeatureReport::new(&brief.key));
                match error {
                    NotRead::NoFlag(_) => {
                        feature.stage = "not launched".into();
                        feature.verdict = Some(Verdict::Rests("not launched yet".into()));
                    }
                    error => {
                        feature.stage = "-".into();
                        feature.trouble = Some(error.to_string());
                    }
                }
            }
        }
    }
    moving::load_evidence(&mut rollouts).await?;
    moving::load_metrics(&mut rollouts).await?;
    for rollout in &mut rollouts {
        let key = rollout.brief.key.clone();
        let mut feature = FeatureReport::new(&key);
        feature.stages = rollout.plan.stages.iter().map(|it| it.name.clone()).collect();
        // One that fails holds up none of the others, and whoever comes next goes on with it.
        if let Err(error) = one(rollout, options, &mut feature).await {
            feature.trouble = Some(error.to_string());
        }
        feature.stage = rollout.stage_words();
        features.insert(key, feature);
    }
    Ok(Report { now: base.now, is_dry: options.dry_run, features: features.into_values().collect() })
}

async fn one(rollout: &mut Rollout<'_>, options: Options, report: &mut FeatureReport) -> Result<(), Error> {
    let situation = rollout.situation();
    let verdict = guarded(judge(&situation), &situation);
    report.people = situation.evidence.ok().map(|it| (it.people(), it.troubled()));
    report.verdict = Some(verdict.clone());
    report.metric.clone_from(&rollout.metric);
    report.warnings.extend(
        rollout.foreign_schedules().into_iter().map(|it| format!("scheduled by somebody else: {it}")),
    );
    if let Some(why) = &rollout.schedules_trouble {
        report.warnings.push(format!("scheduled changes are not known: {why}"));
    }
    let step = match &verdict {
        Verdict::Promotes { .. } => Some(Move::Promote),
        Verdict::Stops { reason, then } => Some(Move::Stop { reason: reason.clone(), then: *then }),
        Verdict::Rests(_) | Verdict::Waits { .. } | Verdict::Asks { .. } => None,
    };
    let may_write = rollout.is_versioned() || options.sole_runner;
    if !may_write && !options.dry_run {
        report.warnings.push(
            "this server has no versions, by which one of many runners is elected: nothing is written without --sole-runner"
                .into(),
        );
        return Ok(());
    }
    if options.dry_run {
        return preview(rollout, step, options, report).await;
    }
    match step {
        Some(step) => {
            let stops = matches!(step, Move::Stop { .. });
            if !stops {
                rollout.prepare_met().await?;
            }
            moved(rollout.make(&step).await, stops, report)?;
        }
        None => report.done.extend(rollout.sync_schedules().await?),
    }
    // What goes wrong with it holds up no message.
    let interview = interview(rollout, report).await.unwrap_or_else(|why| {
        report.trouble = Some(match report.trouble.take() {
            Some(trouble) => format!("{trouble}; the interview waits: {why}"),
            None => format!("the interview waits: {why}"),
        });
        None
    });
    let around = Surroundings { interview, stale_after: options.stale_after };
    let told = rollout.tell(&around).await?;
    report.messages = told.sent;
    report.done.extend(told.done);
    report.warnings.extend(told.warnings);
    Ok(())
}

fn moved(made: Result<Made, NotMoved>, stops: bool, report: &mut FeatureReport) -> Result<(), Error> {
    match made {
        Ok(made) => {
            report.done.extend(made.done);
            report.warnings.extend(made.against);
            report.trouble = (!made.left.is_empty()).then(|| made.left.join("; "));
        }
        // Somebody was faster, perhaps another run: what is to be done now is seen the next time.
        Err(NotMoved::Changed { words, .. }) => report.warnings.push(words),
        // A stop that waits is none, and somebody should know.
        Err(waits @ (NotMoved::Waits { .. } | NotMoved::Behind { .. })) if stops => {
            report.trouble = Some(waits.to_string());
        }
        Err(waits @ (NotMoved::Waits { .. } | NotMoved::Behind { .. })) => {
            report.warnings.push(waits.to_string())
        }
        Err(error @ (NotMoved::Refused(_) | NotMoved::Partly { .. })) => {
            report.trouble = Some(error.to_string())
        }
        Err(NotMoved::PostHog(error)) => return Err(error),
    }
    Ok(())
}

/// Begins the interview where its time has come. To how many people it is shown, once it is.
async fn interview(rollout: &mut Rollout<'_>, report: &mut FeatureReport) -> Result<Option<u64>, Error> {
    if rollout.was_told_of_interview() {
        return Ok(None);
    }
    let (invitation, survey) = rollout.invitation().await?;
    match invitation {
        Invitation::None => Ok(None),
        Invitation::Shown(n) => Ok(Some(n)),
        Invitation::Waits(n, of) => {
            report.warnings.push(format!("the interview waits for people to ask: {n} of {of}"));
            Ok(None)
        }
        Invitation::Trouble(why) => {
            report.warnings.push(format!("the interview waits: {why}"));
            Ok(None)
        }
        Invitation::Begins(people) => {
            let n = people.len() as u64;
            let began = rollout.invite(&people, &survey).await?;
            if began {
                report.done.push(invites(n));
            }
            Ok(began.then_some(n))
        }
    }
}

fn invites(n: u64) -> String {
    format!("invites {} to an interview", people(n))
}

/// What would be done.
async fn preview(
    rollout: &Rollout<'_>,
    step: Option<Move>,
    options: Options,
    report: &mut FeatureReport,
) -> Result<(), Error> {
    match step.map(|it| rollout.change(&it)) {
        Some(Ok(change)) => report.done.extend(change.what),
        Some(Err(why)) => report.trouble = Some(why),
        None => {
            let ramp = rollout.ramp();
            if !ramp.make.is_empty() {
                report.done.push(format!("schedules {}", steps(ramp.make.len())));
            }
            if !ramp.drop.is_empty() {
                report.done.push(format!("takes back {} of what is scheduled", steps(ramp.drop.len())));
            }
        }
    }
    report.warnings.extend(rollout.given_up_words());
    let late = rollout.owed_now();
    match rollout.webhook_waits(&late) {
        Some(why) => report.warnings.push(why),
        None => report.done.extend(late.iter().map(late_words)),
    }
    let shown = match rollout.invitation().await?.0 {
        Invitation::Shown(n) => Some(n),
        Invitation::Begins(people) => {
            report.done.push(invites(people.len() as u64));
            None
        }
        _ => None,
    };
    let around = Surroundings { interview: shown, stale_after: options.stale_after };
    report.messages = rollout.to_tell(&around).into_iter().map(|it| it.message).collect();
    Ok(())
}

impl Rollout<'_> {
    /// Where it is: `at 2/4 beta, 10 %`, or `off`.
    pub fn place_words(&self) -> String {
        let at = if self.flag.active { "at " } else { "" };
        format!("{at}{}", self.stage_words())
    }

    /// Where it stands: `2/4 beta, 10 %`.
    pub fn stage_words(&self) -> String {
        match stage(&self.flag, self.situation().history) {
            Stage::Planned { name: StageName { number, of, name }, percent, custom } => {
                format!("{number}/{of} {name}, {percent} %{}", if custom { " (custom)" } else { "" })
            }
            stage => stage.to_string(),
        }
    }
}
