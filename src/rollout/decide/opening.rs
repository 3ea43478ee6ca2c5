//! What a launch opens: the flag on, as the steps before it leave it, to whom, and what speaks against it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::launch::{cohort_to_be, stage_of, step};
use super::{Action, Found, Pending, Slot, Target};
use crate::feature::{Happened, StageName, drift, stages, time, transitions, was_enabled};
use crate::flags::{Flag, History};

/// A flag that was launched before and that somebody switched off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwitchedOff {
    /// When, where the history says so.
    pub at: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
    /// Whether nobody can tell: then it is taken for one.
    pub is_guessed: bool,
}

impl SwitchedOff {
    /// What the flag's history and the marks of a launch say: the message, the note on all graphs. A flag that was left
    /// off, or whose launch was cut off before, was never launched. A mark is `None` where the key may not read it.
    pub fn of(
        flag: &Flag,
        history: Option<&History>,
        told: Option<bool>,
        is_noted: Option<bool>,
    ) -> Option<SwitchedOff> {
        if flag.active || was_enabled(flag, history) == Some(false) {
            return None;
        }
        if history.is_none() && told.is_none() && is_noted.is_none() {
            return Some(SwitchedOff { is_guessed: true, ..SwitchedOff::default() });
        }
        let is_noted = is_noted == Some(true);
        let is_marked = told == Some(true) || (is_noted && (told.is_none() || history.is_some()));
        let was_open = |it: &History| {
            let all = transitions(flag, it);
            all.iter().any(|it| matches!(it.what, Happened::Entered { .. } | Happened::Constant(_)))
        };
        if !is_marked && !history.is_some_and(was_open) {
            return None;
        }
        let off = history.and_then(|it| it.entries.iter().find(|it| it.active_before == Some(true)));
        let (at, by) = (off.map(|it| it.at), off.and_then(|it| it.by.clone()));
        Some(SwitchedOff { at, by, is_guessed: false })
    }

    fn words(&self) -> String {
        if self.is_guessed {
            return "whether it was launched before and switched off cannot be told: the key has none of the scopes \
                    query:read, activity_log:read and annotation:write"
                .into();
        }
        let at = self.at.map(|it| format!(" on {}", time(it))).unwrap_or_default();
        let by = self.by.as_ref().map(|it| format!(" by {it}")).unwrap_or_default();
        format!("it was launched before, and switched off{at}{by}")
    }
}

/// Where a launch came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The flag is on, as its plan says.
    Launched,
    /// The flag is on, and this is not as its plan says.
    NotAsPlanned(Vec<String>),
    /// The flag is on, and writing over what was changed waits for an approval.
    TakeOverWaits(Pending),
    /// The flag's being made or switched on waits for an approval.
    Waits,
    /// The flag is off.
    Off,
}

impl Ending {
    /// One word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Ending::Launched => "launched",
            Ending::NotAsPlanned(_) => "not-as-planned",
            Ending::TakeOverWaits(_) => "take-over-waits",
            Ending::Waits => "waits",
            Ending::Off => "off",
        }
    }
}

/// Where a launch came to, by what is there.
pub fn ending(target: &Target, found: &Found) -> Ending {
    let Some(flag) = found.flag.as_ref().filter(|it| it.active) else {
        let waits =
            found.pending.is_some() || matches!(step(target, found, Slot::On).action, Action::Wait(_));
        return if waits && !target.leave_off { Ending::Waits } else { Ending::Off };
    };
    let changed = drifted(target, found, flag);
    match step(target, found, Slot::Flag).action {
        Action::Wait(pending) => Ending::TakeOverWaits(pending),
        _ if !changed.is_empty() => Ending::NotAsPlanned(changed),
        _ => Ending::Launched,
    }
}

/// What speaks against opening the feature.
pub fn concerns(target: &Target, found: &Found) -> Vec<String> {
    let opens = step(target, found, Slot::On).action.writes();
    let last = target.plan.stages.last().map(|it| it.name.as_str());
    if target.leave_off || !opens || !opening(target, found).iter().any(|it| Some(&*it.0.name) == last) {
        return Vec::new();
    }
    target.brief.open_todos().map(|it| format!("'{}' to be done before lifting", it.what)).collect()
}

/// A step that follows in time by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedStep {
    /// How long after the flag is on, as people write it.
    pub after: String,
    /// Percent of the stage's people.
    pub percent: f64,
}

impl TimedStep {
    /// `PostHog goes to 60 % after 6h`
    pub fn words(&self) -> String {
        format!("PostHog goes to {} % after {}", self.percent, self.after)
    }
}

/// The steps in time that follow when the flag is switched on, or that PostHog is told of where it is on.
pub fn steps_in_time(target: &Target, found: &Found) -> Vec<TimedStep> {
    let after = |at: Timestamp| {
        // Moments are in whole seconds, and now is not.
        let minutes = (at.duration_since(target.now).as_secs() + 30) / 60;
        format!("{minutes}m").parse::<crate::feature::Period>().map_or(String::new(), |it| it.to_string())
    };
    let timed = |(at, percent): (Timestamp, f64)| TimedStep { after: after(at), percent };
    if target.leave_off || !step(target, found, Slot::On).action.writes() {
        return found.to_schedule.iter().copied().map(timed).collect();
    }
    let open = opening(target, found);
    let Some((name, percent)) = open.last() else { return Vec::new() };
    let Some(stage) = target.plan.stages.iter().find(|it| it.name == name.name) else { return Vec::new() };
    stage.steps_in_time(*percent, target.now).map(timed).collect()
}

/// The stages that are open once the flag is on, with their percentages.
pub fn opening(target: &Target, found: &Found) -> Vec<(StageName, f64)> {
    if let Some(flag) = as_left(target, found) {
        return open_stages(&flag);
    }
    let Some(first) = target.plan.stages.first() else { return Vec::new() };
    let name = StageName { number: 1, of: target.plan.stages.len() as u32, name: first.name.clone() };
    vec![(name, first.steps.first().copied().unwrap_or(100.0))]
}

/// The stages that are open or would be, were the flag on, with their percentages.
pub fn open_stages(flag: &Flag) -> Vec<(StageName, f64)> {
    let filters = flag.filters().unwrap_or_default();
    let named = filters.groups.iter().filter_map(|it| {
        let stage = StageName::parse(it.description.as_deref()?)?;
        Some((stage, it.percent()))
    });
    named.filter(|it| it.1 > 0.0).collect()
}

/// The flag as the step before leaves it: who takes it over is told of what then opens.
fn as_left(target: &Target, found: &Found) -> Option<Flag> {
    let mut flag = found.flag.clone()?;
    if let Action::Change(body, _) = step(target, found, Slot::Flag).action
        && let Some(filters) = body.get("filters")
        && let Ok(filters) = RawValue::from_string(filters.to_string())
    {
        flag.filters = Arc::from(filters);
    }
    Some(flag)
}

fn drifted(target: &Target, found: &Found, flag: &Flag) -> Vec<String> {
    drift(&target.brief, &target.plan, flag, &|name| cohort_to_be(target, found, name))
}

/// Whether this launch completes one that switched the flag on and was cut off, or waited for an approval: nobody was told
/// of it, and it stands where a launch begins. Who switched on something else by hand launched nothing.
pub(super) fn completes(target: &Target, found: &Found) -> bool {
    let Some(flag) = &found.flag else { return false };
    let is_first = || drifted(target, found, flag).is_empty() && begins_elsewhere(target, flag).is_none();
    found.switched_on || found.objects.contains_key(&Slot::Annotation) || is_first()
}

pub(super) fn on(target: &Target, found: &Found) -> Action {
    let Some(flag) = as_left(target, found) else {
        return found.pending.clone().map_or(Action::Make(None), Action::Wait);
    };
    if flag.active {
        return Action::Keep(stage_of(&flag));
    }
    if let Some(pending) = &found.pending {
        return Action::Wait(pending.clone());
    }
    let lines = flag.filters().map(|it| stages(&it)).unwrap_or_default();
    if let Some((name, why)) = lines.into_iter().find_map(|it| Some((it.name, it.stopped?))) {
        let key = target.key();
        return Action::Skip(format!(
            "its stage '{name}' was stopped ({why}); go on with flagline resume {key}"
        ));
    }
    if let Some(off) = found.switched_off.as_ref().filter(|_| !target.take_over) {
        return Action::Differs(vec![off.words()]);
    }
    let changed = drifted(target, found, &flag);
    match (&found.pending_conditions, on_for_others(target, &flag, changed)) {
        (_, None) => Action::Make(Some(serde_json::json!({ "active": true }))),
        (Some(pending), Some(_)) if target.take_over => Action::Wait(pending.clone()),
        (_, Some(why)) => Action::Skip(why),
    }
}

/// A flag whose conditions somebody changed would open to people whom the plan does not mean.
fn on_for_others(target: &Target, flag: &Flag, changed: Vec<String>) -> Option<String> {
    // Whoever takes a flag over is told where its stages are, and decides.
    let elsewhere = if target.take_over { None } else { begins_elsewhere(target, flag) };
    let why = changed.into_iter().chain(elsewhere).collect::<Vec<String>>().join("; ");
    (!why.is_empty()).then(|| {
        format!(
            "{why}; it would not begin where the plan does. Look at it on its page, or run this with --take-over"
        )
    })
}

/// Why the first stage at its first step is not what opens.
fn begins_elsewhere(target: &Target, flag: &Flag) -> Option<String> {
    let open = open_stages(flag);
    let first = target.plan.stages.first()?;
    let percent = first.steps.first().copied().unwrap_or(100.0);
    match &open[..] {
        [(stage, is)] if stage.number == 1 && *is == percent => None,
        [] => Some("none of its stages is open".into()),
        open => {
            let (stage, is) = open.last()?;
            Some(format!("its stage '{}' is at {is} % already", stage.name))
        }
    }
}
