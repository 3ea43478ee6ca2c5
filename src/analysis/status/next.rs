use jiff::{SignedDuration, Timestamp};

use super::{FeatureStatus, Place, Rollout};
use crate::analysis::card::{Card, State};
use crate::analysis::markup::day;
use crate::feature::review::review_due;
use crate::feature::{Brief, Forecast, NextStep, Stage, Verdict, scheduled_words, time};
use crate::flags::FlagKey;

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
pub(super) fn next(feature: &FeatureStatus, card: &Card, brief: Option<&Brief>, now: Timestamp) -> Next {
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
        // Until then its next step is not written.
        Rollout::Known(_) if feature.waits.is_some() => {
            let request = feature.waits.as_deref().unwrap_or_default();
            Next::words(format!("waits for an approval in PostHog (change request {request})"))
        }
        Rollout::Known(stage) => of_stage(feature, stage, card, brief, now),
    }
}

fn of_stage(
    feature: &FeatureStatus,
    stage: &Stage,
    card: &Card,
    brief: Option<&Brief>,
    now: Timestamp,
) -> Next {
    let key = &feature.key;
    if feature.place == Place::CleanUp {
        return clean_up(feature);
    }
    // Of a rollout on its plan it is known what is a step of it.
    let is_on_plan = feature.forecast.is_some() && matches!(stage, Stage::Planned { .. });
    if !is_on_plan && let Some(scheduled) = scheduled(card) {
        return scheduled;
    }
    match stage {
        Stage::Off | Stage::NotLaunched if feature.stopped.is_some() => {
            stopped(key, feature.stopped.as_deref().unwrap_or_default())
        }
        Stage::NotLaunched => Next::command("launch", format!("flagline launch {key}")),
        Stage::Planned { .. } => planned(feature),
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
    let words = format!("on {} it {}", time(change.at), scheduled_words(&change.change));
    Some(Next { words, command: None, at: Some(change.at) })
}

/// As a run would decide.
fn planned(feature: &FeatureStatus) -> Next {
    let key = &feature.key;
    let Some(forecast) = &feature.forecast else {
        return match (&feature.stopped, &feature.plan_trouble) {
            (Some(why), _) => stopped(key, why),
            (None, Some(why)) => Next::words(why.clone()),
            (None, None) => Next::words("its plan is not known here: no brief has it"),
        };
    };
    match &forecast.verdict {
        Err(why) => Next::words(format!("not known: {why}")),
        Ok(_) if forecast.stopped.is_some() => stopped(key, feature.stopped.as_deref().unwrap_or_default()),
        Ok(Verdict::Rests(_)) if forecast.next == Some(NextStep::Done) && forecast.drift.is_empty() => {
            Next::command("finish", format!("flagline finish {key}"))
        }
        Ok(Verdict::Rests(why)) => Next::words(why.clone()),
        Ok(Verdict::Waits { missing, until }) => waits(forecast, missing, *until),
        Ok(Verdict::Asks { next, .. }) => Next::command(
            format!("promote to {}", forecast.step_words(next)),
            format!("flagline promote {key}"),
        ),
        Ok(Verdict::Promotes { next, .. }) => {
            let words = format!("goes to {} with the next run", forecast.step_words(next));
            Next::command(words, format!("flagline rollout run {key}"))
        }
        Ok(Verdict::Stops { reason, .. }) => Next::command(
            format!("is stopped with the next run ({reason})"),
            format!("flagline rollout run {key}"),
        ),
    }
}

fn stopped(key: &FlagKey, why: &str) -> Next {
    let words = if why.is_empty() { "stopped".to_owned() } else { format!("stopped ({why})") };
    Next::command(format!("{words}; go on"), format!("flagline resume {key}"))
}

/// A step of a stage comes on its day; a gate holds when all of it does.
fn waits(forecast: &Forecast, missing: &[String], until: Option<Timestamp>) -> Next {
    let missing = missing.join("; ");
    let is_step = matches!(forecast.next, Some(NextStep::Within { .. }));
    // Where PostHog takes the step, its schedule says when; a run reckons to the same within some minutes.
    let scheduled = |until: Timestamp| {
        let is_it = |at: &Timestamp| at.duration_since(until).abs() <= SignedDuration::from_mins(10);
        forecast.coming.iter().filter(|it| it.against.is_none()).map(|it| it.at).find(is_it)
    };
    let until = until.map(|at| scheduled(at).filter(|_| is_step).unwrap_or(at));
    let words = match until {
        Some(at) if is_step => format!("{missing} on {}", time(at)),
        Some(at) => format!("waits for {missing}, until {} at least", time(at)),
        None => format!("waits for {missing}"),
    };
    Next { words, command: None, at: until }
}

fn everyone(feature: &FeatureStatus, brief: Option<&Brief>, now: Timestamp) -> Next {
    let since = feature.age.constant.map(|it| it.0).or(feature.age.arrived);
    let unreviewed = brief.filter(|it| it.outcome.is_none());
    let due = unreviewed.zip(since).and_then(|(brief, since)| review_due(brief, since));
    // What came of it is told before the flag is put away.
    if feature.reads.is_empty() && due.is_none_or(|it| it > now) {
        return archive(feature);
    }
    if unreviewed.is_none() {
        return Next::words(match brief {
            Some(_) => "it can be removed from the code soon",
            None => "nothing: it is not long enough the same for everyone",
        });
    }
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
