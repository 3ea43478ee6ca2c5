//! Moving a rollout: what is written to its flag, as one change. Percentages and remarks stand in the same write, so that
//! nobody ever sees one without the other.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::feature::brief::After;
use crate::feature::{
    self, Audience, Brief, Ladder, NextStep, Plan, Remarks, StageName, Telling, differences, rung_of, served,
};
use crate::flags::{Filters, Flag};
use crate::rollout::message::Kind;

/// A way to move a rollout.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// To the next step of its plan.
    Promote,
    /// Nobody new gets it, until somebody resumes it.
    Stop {
        /// Why.
        reason: String,
        /// Where it goes.
        then: After,
    },
    /// A stop is lifted.
    Resume,
    /// Later stages than this are closed, and it stays so until somebody resumes it.
    RollBack {
        /// The stage's name.
        stage: String,
    },
    /// Everyone gets this value.
    Finish(feature::Value),
}

/// What is written to a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The fields of the flag that change.
    pub body: Value,
    /// What becomes of it, as sentences.
    pub what: Vec<String>,
    /// The stage whose people are touched most, counted from 0, with the percentage before and after.
    pub touches: Option<(usize, f64, f64)>,
}

/// Where a move begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The feature.
    pub brief: &'a Brief,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its flag.
    pub flag: &'a Flag,
    /// What of the flag's conditions is not as the plan says.
    pub drift: &'a [String],
    /// Messages of which the conditions say that somebody is about to send them, and that were sent.
    pub finished: &'a [Telling],
    /// The stage of which whoever promotes also tells that enough people met it.
    pub also_tells: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// So long nobody else sends a message that somebody is about to send: until then the mark of it may not be seen yet.
pub const SETTLED: SignedDuration = SignedDuration::from_mins(10);

/// So long a message is remembered that somebody was about to send and that was not sent.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// What a move comes to; an error says why it cannot be made, and what to do instead.
pub fn change(start: &Start, step: &Move) -> Result<Change, String> {
    let flag = start.flag;
    if flag.deleted || flag.archived {
        return Err("the flag is archived or deleted in PostHog".into());
    }
    let Some(filters) = flag.filters().filter(|it| it.version < 2) else {
        return Err("the flag has rules of a newer kind, which can be changed on its page only".into());
    };
    let draft = Draft::of(start, &filters)?;
    match step {
        Move::Promote => promote(draft),
        Move::Stop { reason, then } => stop(draft, reason, *then),
        Move::Resume => resume(draft),
        Move::RollBack { stage } => roll_back(draft, stage),
        Move::Finish(value) => finish(draft, value),
    }
}

/// The flag's description says that something is about to be told: a message by its kind, or what a webhook is owed.
/// Where the stage has no condition any more, another one's says so. `None` where no condition can hold it.
pub fn claim(start: &Start, stage: usize, what: &str) -> Option<Value> {
    let filters = start.flag.filters().filter(|it| it.version < 2)?;
    let mut draft = Draft::of(start, &filters).ok()?;
    let there = draft.groups.iter().filter_map(|it| draft.rung(it)).map(|it| it.0);
    let there: Vec<usize> = there.collect();
    let stage = there.iter().find(|it| **it == stage).or(there.first())?;
    draft.claim(*stage, &[what]);
    Some(draft.body(None))
}

/// A change that is being made.
struct Draft<'a> {
    start: &'a Start<'a>,
    ladder: Ladder,
    /// The filters as the server sent them.
    raw: Map<String, Value>,
    /// Their conditions.
    groups: Vec<Value>,
    what: Vec<String>,
}

impl<'a> Draft<'a> {
    fn of(start: &'a Start<'a>, filters: &Filters) -> Result<Draft<'a>, String> {
        let raw: Map<String, Value> = serde_json::from_str(start.flag.filters.get())
            .map_err(|_| "the flag's release conditions cannot be read".to_owned())?;
        let groups = raw.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
        let ladder = Ladder::of(start.plan, filters);
        let mut draft = Draft { start, ladder, raw, groups, what: Vec::new() };
        draft.prune();
        Ok(draft)
    }

    /// Drops conditions of a stage that another one of it covers, and claims of messages that were sent.
    fn prune(&mut self) {
        let mut kept: Vec<Value> = Vec::new();
        for group in std::mem::take(&mut self.groups) {
            let twin = self.rung(&group).and_then(|(at, _)| {
                kept.iter()
                    .position(|it| self.rung(it).is_some_and(|it| it.0 == at) && is_for_same(it, &group))
            });
            match twin {
                Some(twin) => self.merge(&mut kept[twin], &group),
                None => kept.push(group),
            }
        }
        for group in &mut kept {
            let Some((at, mut remarks)) = self.rung(group) else { continue };
            let Start { now, finished, .. } = *self.start;
            // What is settled by now may not be seen by others yet.
            remarks.telling.retain(|it| {
                let age = now.duration_since(it.since);
                age < SETTLED || (age < FORGOTTEN && !finished.contains(it))
            });
            // Until it is closed, one that PostHog opened in spite of a stop can be told from what people opened.
            remarks.scheduled &= self.is_closed_by_a_stop(at) && percent(group) > 0.0;
            group["description"] = remarks.to_string().into();
        }
        self.groups = kept;
    }

    /// Two conditions of one stage for the same people become one: the wider counts, but for a stage that was stopped.
    fn merge(&self, kept: &mut Value, other: &Value) {
        let (Some((at, mut remarks)), Some((_, more))) = (self.rung(kept), self.rung(other)) else { return };
        let is_leak = |it: &Remarks| it.scheduled && self.is_closed_by_a_stop(at);
        if is_leak(&remarks) || (percent(other) > percent(kept) && !is_leak(&more)) {
            kept["rollout_percentage"] = other["rollout_percentage"].clone();
        }
        remarks.stopped = remarks.stopped.or(more.stopped);
        remarks.telling.extend(more.telling);
        remarks.others.extend(more.others);
        remarks.scheduled &= more.scheduled;
        kept["description"] = remarks.to_string().into();
    }

    /// Whether a stop of this stage or of one before keeps it closed.
    fn is_closed_by_a_stop(&self, stage: usize) -> bool {
        self.ladder.stopped().is_some_and(|(stopped, _)| stage >= stopped)
    }

    fn rung(&self, group: &Value) -> Option<(usize, Remarks)> {
        rung_of(self.start.plan, group["description"].as_str()?)
    }

    fn name(&self, stage: usize) -> &'a str {
        &self.start.plan.stages[stage].name
    }

    /// Changes every condition of a stage.
    fn each(&mut self, stage: usize, change: impl Fn(&mut Value, &mut Remarks)) {
        for at in 0..self.groups.len() {
            let Some((of, mut remarks)) = self.rung(&self.groups[at]) else { continue };
            if of == stage {
                change(&mut self.groups[at], &mut remarks);
                self.groups[at]["description"] = remarks.to_string().into();
            }
        }
    }

    fn set(&mut self, stage: usize, percent: f64) {
        self.each(stage, |group, _| group["rollout_percentage"] = percent.into());
    }

    /// Closes a stage and all after it; those too that an earlier plan had there.
    fn close_from(&mut self, stage: usize) {
        let first = self.groups.iter().filter_map(|it| self.rung(it)).filter(|it| it.0 >= stage);
        let first = first.map(|it| it.1.stage.number).min().unwrap_or(stage as u32 + 1);
        (stage..self.start.plan.stages.len()).for_each(|at| self.set(at, 0.0));
        for at in 0..self.groups.len() {
            let group = &self.groups[at];
            let name = group["description"].as_str().and_then(StageName::parse);
            let Some(name) = name.filter(|it| it.number >= first) else { continue };
            if self.rung(group).is_none() && percent(group) > 0.0 {
                self.what.push(format!("closes {name} too, which is none of its plan any more"));
                self.groups[at]["rollout_percentage"] = 0.0.into();
            }
        }
    }

    /// Whether a condition is open that is none of the plan's.
    fn is_open_elsewhere(&self) -> bool {
        self.groups.iter().any(|it| self.rung(it).is_none() && percent(it) > 0.0)
    }

    /// The last open stage before this one.
    fn open_before(&self, stage: usize) -> Option<usize> {
        (0..stage).rev().find(|at| self.ladder.rungs[*at].percent > 0.0)
    }

    /// The first stage from this one on that the flag has: a mark on one that it lacks would be lost.
    fn first_there(&self, stage: usize) -> Option<usize> {
        (stage..self.ladder.rungs.len()).find(|at| self.ladder.rungs[*at].is_there)
    }

    fn mark(&mut self, stage: usize, reason: &str) {
        self.each(stage, |_, it| it.stopped = Some(reason.to_owned()));
    }

    fn tell(&mut self, stage: usize, kinds: &[Kind]) {
        self.claim(stage, &kinds.iter().map(|it| it.name()).collect::<Vec<_>>());
    }

    fn claim(&mut self, stage: usize, what: &[&str]) {
        let since = self.start.now;
        let telling = |kind: &&str| Telling { kind: (*kind).to_owned(), since };
        let telling: Vec<Telling> = what.iter().map(telling).collect();
        let mut is_first = true;
        for at in 0..self.groups.len() {
            let Some((of, mut remarks)) = self.rung(&self.groups[at]) else { continue };
            if of == stage && std::mem::take(&mut is_first) {
                remarks.telling.retain(|it| !telling.iter().any(|new| new.kind == it.kind));
                remarks.telling.extend(telling.iter().cloned());
                self.groups[at]["description"] = remarks.to_string().into();
            }
        }
    }

    fn body(&self, active: Option<bool>) -> Value {
        let mut filters = self.raw.clone();
        filters.insert("groups".into(), self.groups.clone().into());
        let mut body = json!({ "filters": filters });
        if let Some(active) = active.filter(|it| *it != self.start.flag.active) {
            body["active"] = active.into();
        }
        body
    }

    fn done(self, active: Option<bool>, touches: Option<(usize, f64, f64)>) -> Change {
        Change { body: self.body(active), what: self.what, touches }
    }
}

fn percent(group: &Value) -> f64 {
    group["rollout_percentage"].as_f64().unwrap_or(100.0)
}

/// Whether two conditions are for the same people, and give them the same.
fn is_for_same(a: &Value, b: &Value) -> bool {
    let of = |it: &Value| {
        json!({
            "properties": it["properties"],
            "variant": it["variant"],
            "aggregation_group_type_index": it["aggregation_group_type_index"],
        })
    };
    let (a, b) = (of(a), of(b));
    differences(&a, &b).is_empty() && differences(&b, &a).is_empty()
}

fn promote(mut draft: Draft) -> Result<Change, String> {
    let start = draft.start;
    let key = &start.brief.key;
    if let Some((stage, reason)) = draft.ladder.stopped() {
        let name = draft.name(stage);
        return Err(format!("it was stopped at {name} ({reason}); lift that first: flagline resume {key}"));
    }
    if !start.flag.active {
        return Err(format!("it is off; launch it first: flagline launch {key}"));
    }
    if let feature::Served::Everyone(value) = served(true, start.flag.filters().as_ref())
        && !draft.ladder.has_steps()
    {
        return Err(format!("everyone gets {value} already; it has no further stage"));
    }
    if draft.ladder.is_open_elsewhere || !start.drift.is_empty() {
        return Err(format!(
            "it is not as its plan says ({}); look at its page, or make it so: flagline launch {key} --take-over",
            start.drift.join("; ")
        ));
    }
    let next = draft.ladder.next(start.plan);
    let (stage, to) = match next {
        Some(NextStep::Within { stage, percent } | NextStep::Across { stage, percent }) => (stage, percent),
        Some(NextStep::Done) => {
            return Err(format!("every stage is open; one value for everyone: flagline finish {key}"));
        }
        None => return Err(format!("no stage of its plan is open; launch it: flagline launch {key}")),
    };
    let from = draft.ladder.rungs[stage].percent;
    for earlier in 0..stage {
        if draft.ladder.rungs[earlier].percent < 100.0 {
            draft.what.push(format!(
                "{}: {} % → 100 %",
                draft.name(earlier),
                draft.ladder.rungs[earlier].percent
            ));
            draft.set(earlier, 100.0);
        }
    }
    draft.set(stage, to);
    draft.what.push(match next {
        Some(NextStep::Across { .. }) => format!("opens {} at {to} %", draft.name(stage)),
        _ => format!("{}: {from} % → {to} %", draft.name(stage)),
    });
    if matches!(next, Some(NextStep::Across { .. })) {
        draft.tell(stage, &[Kind::Entered]);
    }
    let is_told = |name: &str| start.plan.stages.iter().position(|it| it.name == name);
    if let Some(of) = start.also_tells.and_then(is_told) {
        draft.tell(of, &[Kind::Met]);
    }
    Ok(draft.done(None, Some((stage, from, to))))
}

fn stop(mut draft: Draft, reason: &str, then: After) -> Result<Change, String> {
    let position = draft.ladder.position();
    let stopped = draft.ladder.stopped().map(|it| it.0);
    let is_active = draft.start.flag.active;
    if let Some((stage, why)) = draft.ladder.stopped()
        && !(is_active && (then == After::Off || draft.ladder.rungs.iter().any(|it| it.leaks)))
    {
        let more = match is_active && draft.is_open_elsewhere() {
            true => "; a condition that is none of its plan's is open: --off closes all",
            false => "",
        };
        return Err(format!("it is stopped already, at {} ({why}){more}", draft.name(stage)));
    }
    if !is_active {
        return Err("it is off already".into());
    }
    let Some((open, from)) = position else { return stop_elsewhere(draft, reason) };
    let stage = stopped.unwrap_or(open);
    draft.mark(stage, reason);
    draft.tell(stage, &[Kind::Stopped]);
    // Nothing is before the first stage and before one for which the others were given up, and nothing is left of one
    // that is open beside the plan.
    let active = match then {
        After::PreviousStage if let Some(before) = draft.open_before(stage) => {
            draft.close_from(stage);
            draft.what.push(format!("closes {}; {} stays", draft.name(stage), draft.name(before)));
            None
        }
        After::PreviousStage | After::Off => {
            draft.what.push("switches the flag off".into());
            Some(false)
        }
    };
    if draft.is_open_elsewhere() && active.is_none() {
        draft.what.push("a condition that is none of the plan's stays open; --off closes all".into());
    }
    draft.what.push(format!(
        "nobody and nothing opens it again before `flagline resume {}`",
        draft.start.brief.key
    ));
    Ok(draft.done(active, Some((stage, from, 0.0))))
}

/// What is open is none of the plan, which may have changed meanwhile: all of it goes off, and the first stage of the
/// plan that the flag has says why.
fn stop_elsewhere(mut draft: Draft, reason: &str) -> Result<Change, String> {
    let Some(stage) = draft.first_there(0).filter(|_| draft.start.flag.active && draft.is_open_elsewhere())
    else {
        return Err("no stage of its plan is open; switch it off on its page".into());
    };
    draft.mark(stage, reason);
    draft.tell(stage, &[Kind::Stopped]);
    draft.what.push("switches the flag off: what is open is none of its plan".into());
    draft.what.push(format!(
        "nobody and nothing opens it again before `flagline resume {}`",
        draft.start.brief.key
    ));
    Ok(draft.done(Some(false), None))
}

fn resume(mut draft: Draft) -> Result<Change, String> {
    let Some((stage, reason)) = draft.ladder.stopped().map(|(at, why)| (at, why.to_owned())) else {
        return Err("it is not stopped".into());
    };
    for at in 0..draft.start.plan.stages.len() {
        draft.each(at, |_, it| it.stopped = None);
    }
    draft.what.push(format!("lifts the stop of {} ({reason})", draft.name(stage)));
    let open = open_after(&draft);
    let touches = match (draft.start.flag.active, open) {
        (false, Some((open, percent))) => {
            draft.what.push(format!("switches the flag on, with {} at {percent} %", draft.name(open)));
            Some((open, 0.0, percent))
        }
        (_, Some((open, percent))) => {
            draft.what.push(format!("it goes on from {}, {percent} %", draft.name(open)));
            None
        }
        (_, None) => None,
    };
    Ok(draft.done(open.map(|_| true), touches))
}

/// The last stage that is open in a draft.
fn open_after(draft: &Draft) -> Option<(usize, f64)> {
    let open = draft.groups.iter().filter_map(|it| Some((draft.rung(it)?.0, percent(it))));
    open.filter(|it| it.1 > 0.0).max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))
}

fn roll_back(mut draft: Draft, stage: &str) -> Result<Change, String> {
    let plan = draft.start.plan;
    let Some(at) = plan.stages.iter().position(|it| it.name == stage) else {
        let names: Vec<&str> = plan.stages.iter().map(|it| it.name.as_str()).collect();
        return Err(format!("its plan has no stage '{stage}'; it has {}", names.join(", ")));
    };
    let Some((open, from)) = draft.ladder.position() else {
        return Err("no stage of its plan is open".into());
    };
    if open <= at {
        return Err(format!("it is not further than {stage}: {} is its last open stage", draft.name(open)));
    }
    let Some(stays) = draft.open_before(at + 1) else {
        let key = &draft.start.brief.key;
        return Err(format!(
            "neither {stage} nor a stage before it is open; to close it for all: flagline stop {key}"
        ));
    };
    draft.close_from(at + 1);
    let marked = draft.first_there(at + 1).unwrap_or(open);
    draft.mark(marked, &format!("rolled back to {stage}"));
    draft.tell(marked, &[Kind::Stopped]);
    let closed: Vec<&str> = (at + 1..=open).map(|it| draft.name(it)).collect();
    draft.what.push(format!("closes {}; {} stays", closed.join(", "), draft.name(stays)));
    draft.what.push(format!("nothing opens it again before `flagline resume {}`", draft.start.brief.key));
    Ok(draft.done(None, Some((open, from, 0.0))))
}

/// One value for everyone: what the conditions were for is over, so that one is left. Whoever opted in or was held out
/// gets it too.
fn finish(mut draft: Draft, value: &feature::Value) -> Result<Change, String> {
    let start = draft.start;
    let filters = start.flag.filters().unwrap_or_default();
    // What everyone has at the end of a plan is finished once the conditions of its stages are gone.
    let is_served = served(start.flag.active, Some(&filters)) == feature::Served::Everyone(value.clone());
    if is_served && (*value == feature::Value::Off || !draft.ladder.has_steps()) {
        return Err(format!("everyone gets {value} already"));
    }
    let open = draft.ladder.position().filter(|_| start.flag.active);
    if *value == feature::Value::Off {
        draft.what.push("switches the flag off for everyone".into());
        if let Some((stage, _)) = open {
            draft.tell(stage, &[Kind::Stopped]);
        }
        return Ok(draft.done(Some(false), open.map(|(stage, from)| (stage, from, 0.0))));
    }
    // Whoever ends a stopped test with `control` opens nothing.
    if let Some((stage, reason)) =
        draft.ladder.stopped().filter(|_| *value != feature::Value::from("control"))
    {
        let (name, key) = (draft.name(stage), &start.brief.key);
        return Err(format!(
            "it was stopped at {name} ({reason}); lift that first: flagline resume {key}, or give it up: \
             flagline finish {key} --off"
        ));
    }
    let variants = filters.variants();
    match value {
        feature::Value::Variant(key) if variants.iter().any(|it| it.key == **key) => {
            let all = draft.raw.get_mut("multivariate").and_then(|it| it.get_mut("variants"));
            for variant in all.and_then(Value::as_array_mut).into_iter().flatten() {
                variant["rollout_percentage"] = if variant["key"] == **key { 100.into() } else { 0.into() };
            }
        }
        feature::Value::Variant(key) => return Err(format!("the flag has no variant '{key}'")),
        _ if !variants.is_empty() => {
            let keys: Vec<&str> = variants.iter().map(|it| it.key.as_str()).collect();
            return Err(format!("which one wins? --variant {}", keys.join(" or ")));
        }
        _ => {}
    }
    let of = start.plan.stages.len().max(1) as u32;
    let name = start.plan.stages.last().map_or("everyone", |it| it.name.as_str()).to_owned();
    let mut remarks = Remarks::of(StageName { number: of, of, name });
    for (_, old) in draft.groups.iter().filter_map(|it| draft.rung(it)) {
        remarks.telling.extend(old.telling);
    }
    let telling = Telling { kind: Kind::Everyone.name().into(), since: start.now };
    remarks.telling.extend((!is_served).then_some(telling));
    draft.groups = vec![json!({
        "description": remarks.to_string(),
        "properties": [],
        "rollout_percentage": 100,
        "variant": null,
    })];
    for name in ["aggregation_group_type_index", "holdout", "holdout_groups", "super_groups"] {
        draft.raw.get_mut(name).into_iter().for_each(|it| *it = Value::Null);
    }
    draft.raw.get_mut("feature_enrollment").into_iter().for_each(|it| *it = false.into());
    draft.what.push(format!("everyone gets {value}; its other conditions go"));
    let touches = everyone(start, &draft.ladder);
    Ok(draft.done(Some(true), touches))
}

/// The last stage of a plan, where that is everyone and they do not have it all yet.
fn everyone(start: &Start, ladder: &Ladder) -> Option<(usize, f64, f64)> {
    let last = start.plan.stages.len().checked_sub(1)?;
    let from = if start.flag.active { ladder.rungs[last].percent } else { 0.0 };
    let is_wider = start.plan.stages[last].audience == Audience::Everyone && from < 100.0;
    is_wider.then_some((last, from, 100.0))
}

#[cfg(test)]
mod tests;
