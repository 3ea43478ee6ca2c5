use jiff::Timestamp;

use super::gate::current;
use super::{FeatureStatus, Place, Rollout};
use crate::analysis::card::{Card, State};
use crate::analysis::markup::day;
use crate::feature::review::review_due;
use crate::feature::{Brief, Plan, PlanStage, Stage, scheduled_words};

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Next {
    /// In words: `25 % → 50 %`, `waits for 2 more people`.
    pub words: String,
    /// The command that does it, where a person does it by one.
    pub command: Option<String>,
    /// When it happens by itself or is due.
    pub at: Option<Timestamp>,
}

impl Next {
    fn words(words: impl Into<String>) -> Next {
        Next { words: words.into(), ..Next::default() }
    }

    fn command(words: impl Into<String>, command: String) -> Next {
        Next { words: words.into(), command: Some(command), at: None }
    }

    /// With its command, in one sentence.
    pub fn sentence(&self) -> String {
        match &self.command {
            Some(command) => format!("{}: {command}", self.words),
            None => self.words.clone(),
        }
    }
}

/// What comes next for a feature that has its place.
pub(super) fn next(
    feature: &FeatureStatus,
    card: &Card,
    plan: Option<&Plan>,
    brief: Option<&Brief>,
    now: Timestamp,
) -> Next {
    let key = &feature.key;
    match &feature.rollout {
        Rollout::NotLoaded => {
            let why = card.trouble.as_deref().unwrap_or("PostHog has not answered yet");
            Next::words(format!("not known: {why}"))
        }
        Rollout::NotInPostHog if brief.is_some() => Next::command("launch", format!("flagline launch {key}")),
        Rollout::NotInPostHog => Next::words(match &card.state {
            State::Unknown { similar: Some(similar), .. } => {
                format!("mend the key: did you mean '{similar}'?")
            }
            _ => "create it in PostHog, or mend the key".into(),
        }),
        Rollout::Known(stage) => of_stage(feature, stage, card, plan, brief, now),
    }
}

fn of_stage(
    feature: &FeatureStatus,
    stage: &Stage,
    card: &Card,
    plan: Option<&Plan>,
    brief: Option<&Brief>,
    now: Timestamp,
) -> Next {
    let key = &feature.key;
    if feature.place == Place::CleanUp {
        return clean_up(feature);
    }
    if let Some(scheduled) = scheduled(card) {
        return scheduled;
    }
    match stage {
        Stage::NotLaunched => Next::command("launch", format!("flagline launch {key}")),
        Stage::Planned { .. } if feature.stopped.is_some() => {
            let why = feature.stopped.as_deref().unwrap_or_default();
            let words = if why.is_empty() { "stopped".to_owned() } else { format!("stopped ({why})") };
            Next::command(format!("{words}; go on"), format!("flagline resume {key}"))
        }
        Stage::Planned { custom: true, .. } => {
            Next::words("somebody changed it by hand: look at its conditions in PostHog")
        }
        Stage::Planned { percent, .. } => planned(feature, *percent, plan, now),
        Stage::Everyone(_) => everyone(feature, brief, now),
        Stage::Experiment => Next::words("the experiment decides"),
        Stage::Off if feature.reads.is_empty() => archive(feature),
        Stage::Off => Next::words("switch it on again, or remove it from the code"),
        Stage::Archived | Stage::Deleted => Next::words(match brief {
            Some(_) => "nothing; its brief can go",
            None => "nothing",
        }),
        Stage::Targeted | Stage::Partial(_) => Next::words("no plan: a person moves it in PostHog"),
        Stage::Unreadable => Next::words("cannot be told: its conditions are of another shape"),
    }
}

/// A change that PostHog makes by itself.
fn scheduled(card: &Card) -> Option<Next> {
    let State::Known(details) = &card.state else { return None };
    let change = details.next.as_ref()?;
    let words = format!("on {} it {}", day(change.at), scheduled_words(&change.change));
    Some(Next { words, command: None, at: Some(change.at) })
}

fn planned(feature: &FeatureStatus, percent: f64, plan: Option<&Plan>, now: Timestamp) -> Next {
    let key = &feature.key;
    let promote = format!("flagline promote {key}");
    let Some((at, stage)) = current(feature, plan) else {
        return Next::words(match &feature.plan_trouble {
            Some(why) => why.clone(),
            None => "its plan is not known here: no brief has it".into(),
        });
    };
    if let Some(step) = stage.steps.iter().find(|it| **it > percent) {
        return step_to(feature, stage, (percent, *step), promote, now);
    }
    let to = match plan.and_then(|it| it.stages.get(at + 1)) {
        Some(next) => next.name.as_str(),
        None => return Next::command("finish", format!("flagline finish {key}")),
    };
    let gate = feature.gate.as_ref();
    let missing = gate.map(|it| it.missing()).unwrap_or_default();
    let is_automatic = gate.is_some_and(|it| it.automatic);
    match (missing.is_empty(), is_automatic) {
        (false, _) => Next::words(format!("waits for {}", missing.join(", "))),
        (true, true) => Next::words(format!("{to} opens by itself once its gate holds")),
        (true, false) => Next::command(format!("promote to {to}"), promote),
    }
}

/// A step takes itself once its pace is over; one that is late waits for a person.
fn step_to(
    feature: &FeatureStatus,
    stage: &PlanStage,
    (from, to): (f64, f64),
    promote: String,
    now: Timestamp,
) -> Next {
    let words = format!("{from} % → {to} %");
    let Some(pace) = stage.pace else { return Next::command(words, promote) };
    match feature.age.arrived.and_then(|it| it.checked_add(pace.duration()).ok()) {
        Some(at) if at <= now => {
            Next { at: Some(at), ..Next::command(format!("{words}, due since {}", day(at)), promote) }
        }
        Some(at) => Next { words: format!("{words} on {}", day(at)), command: None, at: Some(at) },
        None => Next::words(format!("{words} after {pace}")),
    }
}

fn everyone(feature: &FeatureStatus, brief: Option<&Brief>, now: Timestamp) -> Next {
    if feature.reads.is_empty() {
        return archive(feature);
    }
    let Some(brief) = brief.filter(|it| it.outcome.is_none()) else {
        return Next::words(match brief {
            Some(_) => "it can be removed from the code soon",
            None => "nothing: it is not long enough the same for everyone",
        });
    };
    let since = feature.age.constant.map(|it| it.0).or(feature.age.arrived);
    let due = since.and_then(|it| review_due(brief, it));
    match due {
        Some(at) if at <= now => Next {
            words: format!("review, due since {}", day(at)),
            command: Some(format!("flagline review {}", feature.key)),
            at: due,
        },
        Some(at) => Next { words: format!("review due on {}", day(at)), command: None, at: due },
        None => Next::words("review: since when everyone has it is not known"),
    }
}

fn archive(feature: &FeatureStatus) -> Next {
    Next::command("no code here reads it; archive it", format!("flagline archive {}", feature.key))
}

fn clean_up(feature: &FeatureStatus) -> Next {
    let Some(clean_up) = &feature.clean_up else { return Next::default() };
    if let Some(first) = feature.to_do.first() {
        let words = match feature.to_do.len() {
            1 => format!("before it is lifted: {first}"),
            n => format!("before it is lifted: {first} (and {} more)", n - 1),
        };
        return Next::words(words);
    }
    // The brief goes with the code, and what came of the feature is told nowhere else.
    let first = match feature.metric.is_some() && feature.outcome.is_none() {
        true => format!("say what came of it (flagline review {}), then ", feature.key),
        false => String::new(),
    };
    match &clean_up.command {
        Some(command) => Next::command(format!("{first}remove it from the code"), command.clone()),
        None => Next::words("decide what stays, then remove it from the code"),
    }
}
