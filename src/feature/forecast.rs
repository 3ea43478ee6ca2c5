//! What is to say of a rollout, as far as the mirror knows it: what a run would decide, what stands against its plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Brief, Coming, Happened, Ladder, NextStep, Plan, Served, Situation, StageName, Standing, Verdict,
    arrived, coming, drift, judge, served, stage_opened, transitions,
};
use crate::flags::{Environment, Evidence, Filters, Flag, History, Lookup, ReleaseCondition};

/// What is to say of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The names of its stages.
    pub stages: Vec<String>,
    /// Where it was stopped.
    pub stopped: Option<Stop>,
    /// What a run would decide, guards aside, which only a run asks; or what is not loaded.
    pub verdict: Result<Verdict, String>,
    /// What of a flag that is on is not as the plan says, sentence by sentence, as far as it is known.
    pub drift: Vec<String>,
    /// Whether only an earlier stage is not wholly open.
    pub is_only_behind: bool,
    /// The stage, counted from 0, that the rollout goes back to where a later one was opened too early.
    pub goes_back_to: Option<usize>,
    /// The next step of its plan, whatever it waits for; `None` while no stage is open.
    pub next: Option<NextStep>,
    /// What PostHog will do by itself, soonest first, as far as it is known.
    pub coming: Vec<Coming>,
    /// Who met it since its stage was opened, or why that is not known.
    pub evidence: Result<Arc<Evidence>, String>,
}

/// Where a rollout was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The stage.
    pub stage: String,
    /// Why, possibly empty.
    pub reason: String,
    /// Since when, and by whom, as far as the activity log says so.
    pub since: Option<(Timestamp, Option<String>)>,
    /// Whether PostHog opened it again by itself.
    pub leaks: bool,
}

/// Looks at the rollout of a brief's flag; `None` = nothing can be said of it: the flag is not there or not loaded, has
/// rules that are not read here, or its plan is not known.
pub fn forecast(
    environment: &Environment,
    brief: &Brief,
    plans: &BTreeMap<String, Plan>,
    now: Timestamp,
) -> Option<Forecast> {
    let Lookup::Known(flag) = environment.lookup(&brief.flag()) else { return None };
    let filters = flag.filters().filter(|it| it.version < 2 && !flag.archived && !flag.deleted)?;
    let plan = known_plan(environment, brief, plans)?;
    let view = View { environment, brief, flag, plan: &plan, ladder: Ladder::of(&plan, &filters), now };
    Some(view.forecast(&filters))
}

/// The plan, unless it depends on whom the key belongs to, and that is not known.
fn known_plan(environment: &Environment, brief: &Brief, plans: &BTreeMap<String, Plan>) -> Option<Plan> {
    match &environment.me {
        Some(me) => brief.plan(plans, me).ok(),
        None => {
            let plan = brief.plan(plans, "somebody@one.example").ok()?;
            (brief.plan(plans, "somebody@else.example").as_ref() == Ok(&plan)).then_some(plan)
        }
    }
}

/// A flag that follows a plan, and what is known of it.
struct View<'a> {
    environment: &'a Environment,
    brief: &'a Brief,
    flag: &'a Flag,
    plan: &'a Plan,
    ladder: Ladder,
    now: Timestamp,
}

impl View<'_> {
    fn forecast(&self, filters: &Filters) -> Forecast {
        let drift = self.drift();
        let coming = self.coming(drift.as_deref());
        let evidence = self.evidence();
        let varies = !matches!(served(self.flag.is_evaluated(), Some(filters)), Served::Everyone(_));
        // A condition that somebody added may give it to everyone.
        let is_told = (varies || self.ladder.is_open_elsewhere && self.ladder.has_steps())
            && self.follows_a_plan(filters);
        let behind = self.behind();
        let foreign = drift.clone().unwrap_or_default();
        let is_only_behind = foreign.is_empty() && !behind.is_empty() && !self.ladder.is_open_elsewhere;
        Forecast {
            stages: self.plan.stages.iter().map(|it| it.name.clone()).collect(),
            stopped: self.stop(),
            verdict: self.verdict(drift.as_deref(), &coming, &evidence),
            drift: foreign.into_iter().chain(behind).filter(|_| is_told).collect(),
            is_only_behind,
            goes_back_to: self.goes_back_to(),
            next: self.ladder.next(self.plan),
            coming,
            evidence,
        }
    }

    /// Whether the plan is meant for the flag: the brief says so, or the flag has a stage of one. A test that somebody
    /// made in PostHog, say, follows none.
    fn follows_a_plan(&self, filters: &Filters) -> bool {
        let has_stage = |it: &ReleaseCondition| {
            it.description.as_deref().is_some_and(|it| StageName::parse(it).is_some())
        };
        !self.brief.stage.is_empty() || self.brief.plan.is_some() || filters.groups.iter().any(has_stage)
    }

    fn history(&self) -> Option<&History> {
        self.environment.history_of(self.flag).map(|it| &**it)
    }

    /// Whether nobody has to wait for the activity: it is there, or the key may not see it.
    fn knows_history(&self) -> bool {
        self.history().is_some() || self.environment.history_trouble.is_some()
    }

    /// `None` where it names a cohort, and the cohorts are not loaded.
    fn drift(&self) -> Option<Vec<String>> {
        let known = |name: &str| self.environment.cohort_named(name);
        let is_known = self.plan.cohorts_named().all(|it| known(it.0).is_some());
        is_known.then(|| drift(self.brief, self.plan, self.flag, &|name| known(name).flatten()))
    }

    /// Stages that are not wholly open, before one that is open.
    fn behind(&self) -> Vec<String> {
        let Some((open, percent)) = self.ladder.position() else { return Vec::new() };
        let earlier = self.ladder.rungs.iter().zip(&self.plan.stages).take(open);
        let short = earlier.filter(|(it, _)| it.is_there && it.percent < 100.0);
        let next = &self.plan.stages[open].name;
        short
            .map(|(it, stage)| {
                let (name, is) = (&stage.name, it.percent);
                format!(
                    "{name} is open to {is} % of its people, and {next}, which comes after it, to {percent} %"
                )
            })
            .collect()
    }

    /// The last stage that is open without one behind it that is not wholly so.
    fn goes_back_to(&self) -> Option<usize> {
        let short = self.ladder.rungs.iter().position(|it| it.percent < 100.0)?;
        if self.ladder.rungs[short].percent > 0.0 { Some(short) } else { short.checked_sub(1) }
    }

    fn coming(&self, drift: Option<&[String]>) -> Vec<Coming> {
        let arrived = self.history().and_then(|it| arrived(self.flag, it)).map(|it| it.at);
        let is_as_planned = self.ladder.is_as_planned() && drift.is_none_or(<[String]>::is_empty);
        let standing = Standing { plan: self.plan, ladder: &self.ladder, arrived, is_as_planned };
        let scheduled = self.environment.schedules.get(&self.flag.id).map_or(&[][..], |it| it);
        coming(&standing, scheduled, self.now)
    }

    fn evidence(&self) -> Result<Arc<Evidence>, String> {
        if self.ladder.position().is_none() || !self.flag.is_evaluated() {
            return Err("no stage is open".into());
        }
        if !self.knows_history() {
            return Err("since when its stage is open is not loaded".into());
        }
        let since =
            stage_opened(self.flag, self.history()).ok_or("since when its stage is open is not known")?;
        self.environment.evidence_since(&self.flag.key, since).cloned()
    }

    fn stop(&self) -> Option<Stop> {
        let (stage, reason) = self.ladder.stopped()?;
        let stage = &self.plan.stages[stage].name;
        let happened = self.history().map(|it| transitions(self.flag, it)).unwrap_or_default();
        let of_stage = |it: &Happened| matches!(it, Happened::Stopped { stage: at, .. } if at == stage);
        let newest = happened.into_iter().find(|it| of_stage(&it.what));
        Some(Stop {
            stage: stage.clone(),
            reason: reason.to_owned(),
            since: newest.map(|it| (it.at, it.by)),
            leaks: self.flag.active && self.ladder.rungs.iter().any(|it| it.leaks),
        })
    }

    fn verdict(
        &self,
        drift: Option<&[String]>,
        coming: &[Coming],
        evidence: &Result<Arc<Evidence>, String>,
    ) -> Result<Verdict, String> {
        let is_stopped = self.ladder.stopped().is_some();
        if !self.knows_history() && !is_stopped {
            return Err("its activity is not loaded".into());
        }
        let Some(drift) = drift.or(is_stopped.then_some(&[])) else {
            return Err("the cohorts of its plan are not loaded".into());
        };
        let next = self.ladder.next(self.plan);
        let is_next = |it: &&Coming| it.against.is_none() && next.is_some_and(|next| next.is(it.step));
        Ok(judge(&Situation {
            brief: self.brief,
            plan: self.plan,
            flag: self.flag,
            history: self.history(),
            evidence: evidence.as_deref().map_err(String::as_str),
            drift,
            scheduled: coming.iter().filter(is_next).map(|it| it.at).min(),
            now: self.now,
        }))
    }
}

impl Forecast {
    /// `beta at 10 %`
    pub fn step_words(&self, next: &NextStep) -> String {
        match next {
            NextStep::Within { stage, percent } | NextStep::Across { stage, percent } => {
                format!("{} at {percent} %", self.stages.get(*stage).map_or("", String::as_str))
            }
            NextStep::Done => "every stage is open".into(),
        }
    }
}
