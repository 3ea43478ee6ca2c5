//! What is to say of a rollout that runs: at its brief, and where code reads its flag.

use jiff::Timestamp;

use super::{Code, Verdict};
use crate::analysis::Snapshot;
use crate::analysis::brief::brief_in;
use crate::analysis::markup::{ago, day};
use crate::feature::brief::BriefFile;
use crate::feature::{self, Coming, Forecast, Stop, forecast, stages, time};
use crate::flags::{Environment, Flag, FlagKey};

/// Evidence that is younger needs no age.
const FRESH: jiff::SignedDuration = jiff::SignedDuration::from_mins(90);

/// Everything that is to say of a rollout, for its brief.
pub(in crate::analysis) fn of_forecast(key: &FlagKey, it: &Forecast, now: Timestamp) -> Vec<Verdict> {
    let mut all: Vec<Verdict> = it.stopped.iter().map(|it| stopped(key, it)).collect();
    all.extend(ready(key, it, now));
    let against = it.coming.iter().filter_map(|it| Some((it, it.against.as_deref()?)));
    all.extend(against.map(|(it, why)| conflict(key, it, why)));
    all.extend((!it.drift.is_empty()).then(|| drifted(key, it)));
    all
}

/// What matters where code reads a flag: whether its rollout was stopped, or waits for a person.
pub(super) fn at_reads(snapshot: &Snapshot, environment: &Environment, flag: &Flag) -> Vec<Verdict> {
    if flag.archived || flag.deleted {
        return Vec::new();
    }
    let key = &flag.key;
    let brief = brief_in(&snapshot.briefs, key);
    match brief.and_then(|it| forecast(environment, it, &snapshot.config.plans, snapshot.now)) {
        Some(it) => {
            it.stopped.iter().map(|it| stopped(key, it)).chain(ready(key, &it, snapshot.now)).collect()
        }
        None => without_brief(flag).into_iter().collect(),
    }
}

/// A stop stands in the flag; what lifts it needs the brief, which lies elsewhere or cannot be understood.
fn without_brief(flag: &Flag) -> Option<Verdict> {
    let lines = flag.filters().filter(|it| it.version < 2).map(|it| stages(&it))?;
    let line = lines.into_iter().find(|it| it.stopped.is_some())?;
    let reason = reason_words(line.stopped.as_deref().unwrap_or_default());
    let message = format!("'{}' was stopped at {}{reason}", flag.key, line.name);
    let help = "it goes on with `flagline resume`, where its brief is";
    Some(Verdict::new(Code::RolloutStopped, &message).with_help(help))
}

fn stopped(key: &FlagKey, it: &Stop) -> Verdict {
    let when = match &it.since {
        Some((at, Some(by))) => format!(" ({}, by {by})", day(*at)),
        Some((at, None)) => format!(" ({})", day(*at)),
        None => String::new(),
    };
    let leaks = match it.leaks {
        true => ". PostHog opened it again by itself: the next `flagline rollout run` closes it",
        false => "",
    };
    let reason = reason_words(&it.reason);
    // The reason before the rest: lists of problems cut what is long.
    let message = format!("'{key}' was stopped at {}{reason}{when}{leaks}", it.stage);
    Verdict::new(Code::RolloutStopped, &message).with_help(&format!("to go on: flagline resume {key}"))
}

fn reason_words(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// All else holds, and a person decides.
fn ready(key: &FlagKey, it: &Forecast, now: Timestamp) -> Option<Verdict> {
    let Ok(feature::Verdict::Asks { next, evidence }) = &it.verdict else { return None };
    let fetched = it.evidence.as_ref().ok().map(|it| it.fetched_at);
    let age = fetched.filter(|at| now.duration_since(*at) > FRESH && !evidence.is_empty());
    let told: Vec<String> =
        evidence.iter().cloned().chain(age.map(|at| format!("as of {}", ago(at, now)))).collect();
    let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
    let message = format!("'{key}' waits for a person's go: {}{told}", it.step_words(next));
    Some(Verdict::new(Code::GateReady, &message).with_help(&format!("to go on: flagline promote {key}")))
}

fn conflict(key: &FlagKey, it: &Coming, why: &str) -> Verdict {
    let message =
        format!("PostHog will change '{key}' by itself on {}: it {}, but {why}", time(it.at), it.words);
    let help = match it.step.is_some() {
        true => "the next `flagline rollout run` takes that back; so can you, on the flag's page",
        false => "take it back on the flag's page, or change the plan",
    };
    Verdict::new(Code::ScheduleConflict, &message).with_help(help)
}

fn drifted(key: &FlagKey, it: &Forecast) -> Verdict {
    let message = format!("'{key}' is not as its plan says: {}", it.drift.join("; "));
    let help = match it.is_only_behind {
        true => {
            let first = if it.stopped.is_some() { "once it is resumed, " } else { "" };
            let back = it
                .goes_back_to
                .map(|at| format!("close what is ahead: flagline roll-back {key} {}; or ", it.stages[at]));
            format!(
                "{first}{}open what is behind, with the next step: flagline promote {key} --anyway",
                back.unwrap_or_default()
            )
        }
        false => format!("change the brief, or make the flag as it says: flagline launch {key} --take-over"),
    };
    Verdict::new(Code::PlanDrift, &message).with_help(&help)
}

/// What is to say of the rollout of a brief, with the bytes of its key.
pub(in crate::analysis) fn of_brief(
    file: &BriefFile,
    environment: &Environment,
    plans: &std::collections::BTreeMap<String, feature::Plan>,
    now: Timestamp,
) -> Vec<Verdict> {
    let (Some(key), Ok(brief)) = (file.key(), &file.brief) else { return Vec::new() };
    forecast(environment, brief, plans, now).map(|it| of_forecast(key, &it, now)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
