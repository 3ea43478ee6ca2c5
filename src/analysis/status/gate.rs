use jiff::{SignedDuration, Timestamp};

use super::track::{Position, planned};
use super::{FeatureStatus, People};
use crate::analysis::hover::people as people_words;
use crate::analysis::markup::span;
use crate::feature::{Gate, Plan, PlanStage};

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
    /// What is waited for while it does not: `2 more people`.
    pub missing: Option<String>,
}

/// Three states, never two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
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

    /// What is waited for.
    pub fn missing(&self) -> Vec<&str> {
        self.checks.iter().filter(|it| it.holds == Holds::No).filter_map(|it| it.missing.as_deref()).collect()
    }
}

/// The stage of the plan that is open, with its place.
pub(super) fn current<'p>(feature: &FeatureStatus, plan: Option<&'p Plan>) -> Option<(usize, &'p PlanStage)> {
    let at = feature.track.iter().position(|it| it.position == Position::Current)?;
    Some((at, planned(plan, at, &feature.track[at].name)?))
}

/// The gate of the stage that is open.
pub(super) fn gate(feature: &FeatureStatus, plan: Option<&Plan>, now: Timestamp) -> Option<GateStatus> {
    let (at, stage) = current(feature, plan)?;
    let Gate { automatic, people, max_exceptions, after } = stage.gate;
    let open = feature.age.opened.map(|it| now.duration_since(it));
    let checks = [
        people.map(|it| of_people(feature, at, u64::from(it), open)),
        max_exceptions.map(of_exceptions),
        after.map(|it| of_time(it.duration(), open)),
    ];
    let checks = checks.into_iter().flatten().collect();
    Some(GateStatus { stage: stage.name.clone(), automatic, checks })
}

/// Exposure knows of a window, not of a stage: earlier stages may count in, and earlier days are left out.
fn of_people(feature: &FeatureStatus, at: usize, wanted: u64, open: Option<SignedDuration>) -> Check {
    let what = people_words(wanted);
    let cannot_tell = |known: &str| Check {
        what: what.clone(),
        holds: Holds::CannotTell,
        known: Some(known.to_owned()),
        missing: None,
    };
    let (met, days) = match &feature.people {
        People::Counted { people, days, .. } => (*people, *days),
        People::Nobody => (0, 0),
        People::NotLoaded => return cannot_tell("not loaded"),
        People::CannotTell(_) => return cannot_tell("cannot tell"),
    };
    let window = SignedDuration::from_hours(24 * i64::from(days));
    let all_are_in = open.is_some_and(|it| it <= window);
    let known = if all_are_in { format!("{met} so far") } else { format!("{met} in the last {days} days") };
    let holds = match met >= wanted {
        // Who came before the stage opened counts for an earlier one.
        true if at == 0 => Holds::Yes,
        false if all_are_in => Holds::No,
        true | false => Holds::CannotTell,
    };
    let more = wanted.saturating_sub(met);
    let missing = (holds == Holds::No).then(|| match more {
        1 => "1 more person".to_owned(),
        n => format!("{n} more people"),
    });
    let known = if at > 0 && met >= wanted { format!("{known}, earlier stages counted in") } else { known };
    Check { what, holds, known: Some(known), missing }
}

fn of_exceptions(most: u32) -> Check {
    let gate = Gate { automatic: true, max_exceptions: Some(most), ..Gate::default() };
    let known = Some("not counted here".to_owned());
    Check { what: gate.to_string(), holds: Holds::CannotTell, known, missing: None }
}

fn of_time(after: SignedDuration, open: Option<SignedDuration>) -> Check {
    let what = format!("{} open", span(after));
    let Some(open) = open else {
        let known = Some("since when is not known".into());
        return Check { what, holds: Holds::CannotTell, known, missing: None };
    };
    let holds = if open >= after { Holds::Yes } else { Holds::No };
    let missing = (holds == Holds::No).then(|| format!("{} more", span(after - open)));
    Check { what, holds, known: Some(format!("{} so far", span(open))), missing }
}
