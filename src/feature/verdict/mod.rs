use jiff::Timestamp;

use super::brief::{After, Baseline, Guard};
use super::{Brief, Ladder, NextStep, Plan, PlanStage, Served, Value, arrived, opened, served, was_enabled};
use crate::flags::{Evidence, Flag, GuardEvidence, History, Share, Window, people};

/// Everything that decides what becomes of a rollout.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The feature.
    pub brief: &'a Brief,
    /// Its plan.
    pub plan: &'a Plan,
    /// Its flag.
    pub flag: &'a Flag,
    /// What was changed on the flag; `None` = nobody can tell.
    pub history: Option<&'a History>,
    /// Who met it, or why that is not known.
    pub evidence: Result<&'a Evidence, &'a str>,
    /// What of the flag's conditions is not as the plan says.
    pub drift: &'a [String],
    /// When PostHog takes the next step of the stage by itself; that may be a moment ago.
    pub scheduled: Option<Timestamp>,
    /// Now, by the server's clock.
    pub now: Timestamp,
}

/// What becomes of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing, for this reason: it is off, stopped, over, or not as planned.
    Rests(String),
    /// It stays where it is until this holds, or at least until then.
    Waits {
        /// One by one.
        missing: Vec<String>,
        /// When it is worth to look again.
        until: Option<Timestamp>,
    },
    /// All else holds, and a person decides.
    Asks {
        /// What a person's go does.
        next: NextStep,
        /// What speaks for it.
        evidence: Vec<String>,
    },
    /// It goes on by itself.
    Promotes {
        /// Where to.
        next: NextStep,
        /// Why it may.
        evidence: Vec<String>,
    },
    /// It is stopped.
    Stops {
        /// Why.
        reason: String,
        /// Where it goes.
        then: After,
    },
}

/// A scheduled step that is later than this does not come any more: a run takes it.
pub const LATE: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// What becomes of a rollout now. Narrowing needs a guard that tripped and nothing else; widening needs that all is as
/// planned, that everything before the next step holds, and that nobody stopped it.
pub fn judge(it: &Situation) -> Verdict {
    let rests = |why: &str| Verdict::Rests(why.to_owned());
    if it.flag.archived || it.flag.deleted {
        return rests("the flag is archived or deleted");
    }
    let Some(filters) = it.flag.filters().filter(|it| it.version < 2) else {
        return rests("the flag has rules of a newer kind, which are read here and never written");
    };
    let ladder = Ladder::of(it.plan, &filters);
    if let Some((stage, reason)) = ladder.stopped() {
        let name = &it.plan.stages[stage].name;
        if ladder.rungs.iter().any(|it| it.leaks) && it.flag.active {
            return Verdict::Stops { reason: reason.to_owned(), then: After::PreviousStage };
        }
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        return Verdict::Rests(format!("stopped at {name}{why}"));
    }
    match served(it.flag.active, Some(&filters)) {
        Served::Everyone(Value::Off) if was_enabled(it.flag, it.history) == Some(false) => {
            return rests("not launched yet");
        }
        Served::Everyone(Value::Off) => return rests("off"),
        Served::Everyone(value) => {
            // The last step is the widest: until it is finished, what goes wrong then is guarded as well.
            let stops = tripped(it).filter(|_| ladder.has_steps());
            return stops.unwrap_or_else(|| Verdict::Rests(format!("everyone gets {value}")));
        }
        Served::Varies | Served::CannotTell => {}
    }
    let Some((stage, percent)) = ladder.position() else {
        return rests("no stage of its plan is open");
    };
    if let Some(stops) = tripped(it) {
        return stops;
    }
    if !ladder.is_as_planned() || !it.drift.is_empty() {
        return Verdict::Rests(custom(it, &ladder));
    }
    match ladder.next(it.plan) {
        Some(next @ NextStep::Within { percent: to, .. }) => {
            within(it, &it.plan.stages[stage], (percent, to), next)
        }
        Some(next @ NextStep::Across { .. }) => across(it, stage, next),
        Some(NextStep::Done) | None => rests("every stage is open; `finish` serves one value to everyone"),
    }
}

/// What a run makes of a verdict: what nobody can guard does not get wider by itself.
pub fn guarded(verdict: Verdict, it: &Situation) -> Verdict {
    match (verdict, it.evidence) {
        (Verdict::Promotes { .. }, Err(why)) if !it.brief.guard.is_empty() => {
            Verdict::Waits { missing: vec![format!("its guards, which cannot be told: {why}")], until: None }
        }
        (verdict, _) => verdict,
    }
}

fn custom(it: &Situation, ladder: &Ladder) -> String {
    let mut told = it.drift.to_vec();
    if !ladder.is_as_planned() && told.is_empty() {
        told.push("an earlier stage is not wholly open".into());
    }
    format!("not as planned: {}", told.join("; "))
}

/// A step of a stage that is open: by its pace, or by a person.
fn within(it: &Situation, stage: &PlanStage, (from, to): (f64, f64), next: NextStep) -> Verdict {
    let Some(pace) = stage.pace else {
        let evidence = met(it).into_iter().collect();
        return Verdict::Asks { next, evidence };
    };
    let step = format!("{} {from} % → {to} %", stage.name);
    let Some(due) = since(it).and_then(|it| it.checked_add(pace.duration()).ok()) else {
        return Verdict::Waits {
            missing: vec![format!("{step}: since when it is there is not known")],
            until: None,
        };
    };
    if it.now < due {
        return Verdict::Waits { missing: vec![step], until: Some(due) };
    }
    match it.scheduled {
        // PostHog takes it in a moment.
        Some(at) if it.now < at + LATE => Verdict::Waits { missing: vec![step], until: Some(at) },
        _ => Verdict::Promotes { next, evidence: vec![format!("{pace} are over")] },
    }
}

/// Since when the rollout stands where it does.
fn since(it: &Situation) -> Option<Timestamp> {
    match it.history {
        Some(history) => arrived(it.flag, history).map(|it| it.at),
        // It came there then or before: whoever sends a message writes too.
        None => it.flag.updated_at,
    }
}

/// Since when the stage is open that the rollout has reached; `None` where the activity does not say so. The time of the
/// flag's last change is no answer: by that, who met it before a message was sent would be forgotten, and what they met.
pub fn stage_opened(flag: &Flag, history: Option<&History>) -> Option<Timestamp> {
    opened(flag, history?)
}

/// The next stage: what its gate asks for, and what must be done before the last one.
fn across(it: &Situation, stage: usize, next: NextStep) -> Verdict {
    let gate = it.plan.stages[stage].gate;
    let (mut missing, mut holds, mut until) = (Vec::new(), Vec::new(), None);
    let mut tell = |is: bool, yes: String, no: String| if is { holds.push(yes) } else { missing.push(no) };
    if let Some(after) = gate.after {
        let at = stage_opened(it.flag, it.history).and_then(|it| it.checked_add(after.duration()).ok());
        until = at.filter(|at| it.now < *at);
        let is_over = at.is_some_and(|at| at <= it.now);
        let unknown = if at.is_none() { ", which is not known" } else { "" };
        tell(is_over, format!("open for {after}"), format!("{after} to pass since it opened{unknown}"));
    }
    if gate.people.is_some() || gate.max_exceptions.is_some() {
        match it.evidence {
            Err(why) => tell(false, String::new(), format!("who met it, which cannot be told: {why}")),
            Ok(evidence) => of_people(gate, evidence, &mut tell),
        }
    }
    if stage + 2 == it.plan.stages.len() {
        for todo in it.brief.open_todos() {
            tell(false, String::new(), format!("'{}' to be done before lifting", todo.what));
        }
    }
    match (missing.is_empty(), gate.automatic) {
        (false, _) => Verdict::Waits { missing, until },
        (true, true) => Verdict::Promotes { next, evidence: holds },
        (true, false) => Verdict::Asks { next, evidence: holds },
    }
}

fn of_people(gate: super::Gate, evidence: &Evidence, tell: &mut impl FnMut(bool, String, String)) {
    let met = evidence.people();
    if let Some(wanted) = gate.people.map(u64::from) {
        let more = people(wanted.saturating_sub(met)).replacen(' ', " more ", 1);
        tell(met >= wanted, format!("{} met it", people(met)), format!("{more} to meet it"));
    }
    if let Some(most) = gate.max_exceptions.map(u64::from) {
        let troubled = evidence.troubled();
        let words = match troubled {
            0 => "nobody met an exception".to_owned(),
            n => format!("{} of {met} met an exception", people(n)),
        };
        tell(troubled <= most, words.clone(), format!("fewer exceptions: {words}, at most {most} may"));
    }
}

/// How many people met the feature, where that is known.
fn met(it: &Situation) -> Option<String> {
    let evidence = it.evidence.ok()?;
    Some(format!("{} met it", people(evidence.people())))
}

/// The first guard that tripped.
fn tripped(it: &Situation) -> Option<Verdict> {
    let evidence = it.evidence.ok()?;
    let guards = it.brief.guard.iter().zip(&evidence.guards);
    guards.into_iter().find_map(|(guard, seen)| {
        let reason = crossed(guard, seen, it.now)?;
        Some(Verdict::Stops { reason, then: guard.then })
    })
}

/// Why a guard trips: its threshold was crossed in each of the last complete windows, by enough people each.
fn crossed(guard: &Guard, seen: &GuardEvidence, now: Timestamp) -> Option<String> {
    let n = guard.windows() as usize;
    let last: Vec<&Window> = seen.windows.iter().rev().take(n).collect();
    let length = guard.window().duration();
    // Windows in which nobody came are missing, and say nothing.
    let is_recent = last.last().is_some_and(|it| it.begin + length * (n as i32 + 1) > now);
    if last.len() < n || !is_recent {
        return None;
    }
    let newest = judged(&last).into_iter().find_map(|variant| {
        let told: Option<Vec<String>> =
            last.iter().map(|it| crossing(guard, it, variant, seen.before)).collect();
        told?.into_iter().next()
    })?;
    let windows = match n {
        1 => format!("in the last {}", guard.window()),
        n => format!("in each of the last {n} windows of {}", guard.window()),
    };
    Some(format!("{newest}, {windows}"))
}

/// Who is judged: everybody who met the feature, then each variant by itself, where there are several: a good one must not
/// hide a bad one.
fn judged<'a>(windows: &[&'a Window]) -> Vec<Option<&'a str>> {
    let all = windows.iter().flat_map(|it| &it.shares).map(|it| it.0.as_str());
    let variants: std::collections::BTreeSet<&str> = all.filter(|it| *it != "control").collect();
    let each = variants.iter().map(|it| Some(*it)).filter(|_| variants.len() > 1);
    std::iter::once(None).chain(each).collect()
}

fn crossing(guard: &Guard, window: &Window, variant: Option<&str>, before: Option<Share>) -> Option<String> {
    let exposed = window.share(|it| variant.map_or(it != "control", |variant| it == variant));
    let enough = u64::from(guard.people());
    if exposed.people < enough {
        return None;
    }
    let base = match guard.baseline {
        None => None,
        Some(Baseline::Control) => Some(window.share(|it| it == "control")),
        Some(Baseline::Before) => Some(before?),
    };
    if base.is_some_and(|it| it.people < enough) {
        return None;
    }
    let rate = exposed.rate();
    let limit = |times: f64, least: f64| match base {
        None => times / 100.0,
        Some(base) => times * base.rate().max(least / base.people as f64),
    };
    // Of a base to which nothing happened, one case counts: times nothing would be nothing.
    let (above_limit, below_limit) = (|times| limit(times, 1.0), |times| limit(times, 0.0));
    let than = |times: f64| match base {
        None => format!("{times} %"),
        Some(base) => {
            let of = if guard.baseline == Some(Baseline::Control) { "control" } else { "the week before" };
            format!("{times} times that of {of} ({} %)", round(base.rate()))
        }
    };
    let with = variant.map_or_else(String::new, |it| format!(" with {it}"));
    let happens = match guard.metric.as_str() {
        "exceptions" => format!("{} % of {}{with} met an exception", round(rate), people(exposed.people)),
        event => format!("{event} happened to {} % of {}{with}", round(rate), people(exposed.people)),
    };
    match (guard.above, guard.below) {
        (Some(above), _) if rate > above_limit(above) => {
            Some(format!("{happens}, more than {}", than(above)))
        }
        (_, Some(below)) if rate < below_limit(below) => {
            Some(format!("{happens}, less than {}", than(below)))
        }
        _ => None,
    }
}

/// A share in percent, with one digit behind the point.
fn round(rate: f64) -> f64 {
    (rate * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests;
