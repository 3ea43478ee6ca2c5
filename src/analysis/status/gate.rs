use jiff::{SignedDuration, Timestamp};

use super::FeatureStatus;
use super::track::{Position, planned};
use crate::analysis::hover::people as people_words;
use crate::analysis::markup::span;
use crate::feature::{Forecast, Gate, Plan, PlanStage};
use crate::flags::Evidence;

/// What must hold before a stage may be left, and what of it is known to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct GateStatus {
    /// The stage.
    pub stage: String,
    /// Whether the next stage opens by itself once all of it holds.
    pub automatic: bool,
    /// One by one; empty = nothing.
    pub checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `5 people`
    pub what: String,
    /// Whether it does.
    pub holds: Holds,
    /// What is known of it: `3 so far`.
    pub known: Option<String>,
}

/// What cannot be told is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not so far: time and people are to come.
    NotYet,
    /// It does not.
    No,
    /// Nobody here can tell.
    CannotTell,
}

impl GateStatus {
    /// `5 people: 3 so far; a person's go`
    pub fn words(&self) -> String {
        let words = |it: &Check| match &it.known {
            Some(known) => format!("{}: {known}", it.what),
            None => it.what.clone(),
        };
        let mut all: Vec<String> = self.checks.iter().map(words).collect();
        if !self.automatic {
            all.push("a person's go".into());
        }
        if all.is_empty() { "none".into() } else { all.join("; ") }
    }
}

impl GateStatus {
    /// Whether something is known not to hold.
    pub fn is_waiting(&self) -> bool {
        self.checks.iter().any(|it| matches!(it.holds, Holds::NotYet | Holds::No))
    }
}

/// The stage of the plan that is open, with its place.
pub(super) fn current<'p>(feature: &FeatureStatus, plan: Option<&'p Plan>) -> Option<(usize, &'p PlanStage)> {
    let at = feature.track.iter().position(|it| it.position == Position::Current)?;
    Some((at, planned(plan, at, &feature.track[at].name)?))
}

/// The gate of the stage that is open; none while the rollout is stopped, which no gate lifts.
pub(super) fn gate(feature: &FeatureStatus, plan: Option<&Plan>, now: Timestamp) -> Option<GateStatus> {
    let (_, stage) = current(feature, plan).filter(|_| feature.stopped.is_none())?;
    let not_loaded = Err("not loaded");
    let evidence = feature.forecast.as_ref().map_or(not_loaded, evidence_of);
    let Gate { automatic, people, max_exceptions, after } = stage.gate;
    let open = feature.age.opened.map(|it| now.duration_since(it));
    let checks = [
        people.map(|it| of_people(u64::from(it), evidence)),
        max_exceptions.map(|it| of_exceptions(it, evidence)),
        after.map(|it| of_time(it.duration(), open)),
    ];
    let checks = checks.into_iter().flatten().collect();
    Some(GateStatus { stage: stage.name.clone(), automatic, checks })
}

fn evidence_of(it: &Forecast) -> Result<&Evidence, &str> {
    it.evidence.as_deref().map_err(String::as_str)
}

fn of_people(wanted: u64, evidence: Result<&Evidence, &str>) -> Check {
    let what = people_words(wanted);
    match evidence {
        Err(why) => cannot_tell(what, why),
        Ok(it) => {
            let met = it.people();
            let holds = if met >= wanted { Holds::Yes } else { Holds::NotYet };
            Check { what, holds, known: Some(format!("{met} so far")) }
        }
    }
}

fn of_exceptions(most: u32, evidence: Result<&Evidence, &str>) -> Check {
    let gate = Gate { automatic: true, max_exceptions: Some(most), ..Gate::default() };
    match evidence {
        Err(why) => cannot_tell(gate.to_string(), why),
        Ok(it) => {
            let troubled = it.troubled();
            let holds = if troubled <= u64::from(most) { Holds::Yes } else { Holds::No };
            let known = match troubled {
                0 => "nobody met one".to_owned(),
                n => format!("{} met one", people_words(n)),
            };
            Check { what: gate.to_string(), holds, known: Some(known) }
        }
    }
}

fn cannot_tell(what: String, why: &str) -> Check {
    Check { what, holds: Holds::CannotTell, known: Some(format!("cannot tell: {why}")) }
}

fn of_time(after: SignedDuration, open: Option<SignedDuration>) -> Check {
    let what = format!("{} open", span(after));
    let Some(open) = open else {
        let known = Some("since when is not known".into());
        return Check { what, holds: Holds::CannotTell, known };
    };
    let holds = if open >= after { Holds::Yes } else { Holds::NotYet };
    Check { what, holds, known: Some(format!("{} so far", span(open))) }
}
