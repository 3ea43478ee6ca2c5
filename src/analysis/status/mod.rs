//! Where every feature stands: what its brief wants, what PostHog says, what the code reads, and what comes next.
//!
//! A feature is a brief, or a flag that this code reads and that has none.

mod clean_up;
mod gate;
mod next;
mod people;
#[cfg(test)]
mod tests;
mod track;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use clean_up::{CleanUp, clean_ups};
pub use gate::{Check, GateStatus, Holds};
pub use next::Next;
pub use people::{People, VariantPeople, response_name};
pub use track::{Position, TrackStage};

use super::card::{Details, Link, State, card};
use super::{CodeReads, Related};
use crate::feature::brief::{Metric, Outcome, Release};
use crate::feature::{Brief, Forecast, Milestone, Plan, Stage, forecast, milestones, opened};
use crate::flags::{Flag, FlagKey, Lookup, Mirror};

/// Everything that the status is made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// Every brief that was found, or why it cannot be read, by the path of its file.
    pub briefs: &'a [(PathBuf, Result<Brief, String>)],
    /// The team's plans.
    pub plans: &'a BTreeMap<String, Plan>,
    /// What PostHog says.
    pub mirror: &'a Mirror,
    /// Where code reads which flag.
    pub code: &'a CodeReads,
    /// What can be removed from the code, by flag.
    pub clean_ups: &'a BTreeMap<FlagKey, CleanUp>,
    /// Flags of which a change waits for an approval, by their numbers, with the change request.
    pub waiting: &'a BTreeMap<u64, String>,
    /// Now.
    pub now: Timestamp,
}

/// All features, by where they stand, then by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// One for each feature.
    pub features: Vec<FeatureStatus>,
    /// Briefs that cannot be used; they hide none of the others.
    pub problems: Vec<BriefTrouble>,
}

/// A brief that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefTrouble {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong, as a sentence.
    pub message: String,
}

/// Where a feature stands, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On its way: some get it.
    Running,
    /// A brief or a flag that was never enabled.
    NotLaunched,
    /// Everyone gets the same.
    Everyone,
    /// It can be removed from the code.
    CleanUp,
    /// Switched off, and not for long enough to be called finished.
    Off,
    /// Archived or deleted, and no code reads it.
    Gone,
    /// The project does not have it, and there is no brief either.
    Unknown,
    /// Nothing can be said.
    NotLoaded,
}

/// Where its rollout stands: three states, never two.
#[derive(Debug, Clone, PartialEq)]
pub enum Rollout {
    /// Nothing can be said: signed out, offline without a copy, still loading.
    NotLoaded,
    /// The project does not have the flag.
    NotInPostHog,
    /// It has it.
    Known(Stage),
}

/// Since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Age {
    /// When the flag was made.
    pub created: Option<Timestamp>,
    /// When its rollout came where it stands, if its history is known.
    pub arrived: Option<Timestamp>,
    /// When the stage of its plan that it has reached was opened, if its history is known.
    pub opened: Option<Timestamp>,
    /// Since when everyone gets the same, and whether that is the day itself.
    pub constant: Option<(Timestamp, bool)>,
}

/// Everything about one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureStatus {
    /// The flag's key.
    pub key: FlagKey,
    /// The feature's name; of a flag without a brief, its description in PostHog or else its key.
    pub title: String,
    /// Who answers for it; of a flag without a brief, who made it.
    pub owner: Option<String>,
    /// The file of its brief; `None` = it has none, and the brief's fields are empty.
    pub brief: Option<PathBuf>,
    /// How it reaches people; `None` without a brief.
    pub release: Option<Release>,
    /// Where it stands.
    pub place: Place,
    /// Where its rollout stands.
    pub rollout: Rollout,
    /// Why its rollout was stopped.
    pub stopped: Option<String>,
    /// The stages of its plan in their order; empty without one.
    pub track: Vec<TrackStage>,
    /// Why its plan cannot be told.
    pub plan_trouble: Option<String>,
    /// Who meets it.
    pub people: People,
    /// What must hold before its stage may be left; `None` where no stage of a plan is open.
    pub gate: Option<GateStatus>,
    /// What a run would decide, and what PostHog will do by itself; `None` without a plan, and where nothing is loaded.
    pub forecast: Option<Forecast>,
    /// The change request of it that waits for an approval in PostHog.
    pub waits: Option<String>,
    /// What comes next.
    pub next: Next,
    /// What must still be done before the flag can be lifted.
    pub to_do: Vec<String>,
    /// How many of those things are done.
    pub n_done: usize,
    /// Since when.
    pub age: Age,
    /// What the team believes will come of it.
    pub hypothesis: Option<String>,
    /// What it is for.
    pub metric: Option<Metric>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// The stages that it entered and its stops, oldest first, as far as its history is known.
    pub happened: Vec<Milestone>,
    /// Where code reads it.
    pub reads: Vec<Related>,
    /// What can be removed.
    pub clean_up: Option<CleanUp>,
    /// The values that it serves, as exposure names them: `true` and `false`, or its variants.
    pub responses: Vec<String>,
    /// Its pages.
    pub links: Vec<Link>,
}

impl FeatureStatus {
    /// Where its rollout stands, in words.
    pub fn stage_words(&self) -> String {
        match (&self.rollout, self.brief.is_some()) {
            (Rollout::NotLoaded, _) => "not loaded".into(),
            (Rollout::NotInPostHog, true) => "brief only, not launched".into(),
            (Rollout::NotInPostHog, false) => "unknown".into(),
            (Rollout::Known(Stage::Planned { .. }), _) if self.stopped.is_some() => {
                format!("{}, stopped", self.rollout_words())
            }
            (Rollout::Known(_), _) => self.rollout_words(),
        }
    }

    fn rollout_words(&self) -> String {
        match &self.rollout {
            Rollout::Known(stage) => stage.to_string(),
            Rollout::NotLoaded | Rollout::NotInPostHog => String::new(),
        }
    }
}

/// Where all features stand; of some keys only those, also when nothing else names them.
pub fn status(sources: &Sources, only: &BTreeSet<FlagKey>) -> Status {
    let (briefs, problems) = by_key(sources.briefs);
    let mut keys: BTreeSet<FlagKey> = briefs.keys().cloned().chain(sources.code.keys()).collect();
    // A key that is half typed names no flag.
    keys.retain(|it| !it.as_str().is_empty());
    if !only.is_empty() {
        keys = only.clone();
    }
    let feature = |key: &FlagKey| feature(sources, key, briefs.get(key).copied());
    let mut features: Vec<FeatureStatus> = keys.iter().map(feature).collect();
    features.sort_by_key(|it| it.place);
    Status { features, problems }
}

type Briefs<'a> = BTreeMap<FlagKey, (&'a Path, &'a Brief)>;

fn by_key(all: &[(PathBuf, Result<Brief, String>)]) -> (Briefs<'_>, Vec<BriefTrouble>) {
    let (mut briefs, mut problems) = (Briefs::new(), Vec::new());
    let mut trouble = |path: &Path, message: String| {
        problems.push(BriefTrouble { path: path.to_owned(), message });
    };
    for (path, read) in all {
        match read {
            Err(why) => trouble(path, why.clone()),
            Ok(brief) => match briefs.get(&brief.flag()) {
                Some((first, _)) => {
                    let first = first.file_name().unwrap_or_default().to_string_lossy();
                    trouble(path, format!("the brief of '{}' is another file, {first}", brief.key));
                }
                None => drop(briefs.insert(brief.flag(), (path, brief))),
            },
        }
    }
    (briefs, problems)
}

fn feature(sources: &Sources, key: &FlagKey, brief: Option<(&Path, &Brief)>) -> FeatureStatus {
    let reads = sources.code.of(key).certain;
    let card = card(sources.mirror, key, sources.now);
    let (path, brief) = brief.unzip();
    let details = match &card.state {
        State::Known(details) => Some(&**details),
        State::NotLoaded | State::Unknown { .. } => None,
    };
    let rollout = match &card.state {
        State::NotLoaded => Rollout::NotLoaded,
        State::Unknown { .. } => Rollout::NotInPostHog,
        State::Known(details) => Rollout::Known(details.stage.clone()),
    };
    let me = sources.mirror.primary().and_then(|it| it.me.as_deref()).unwrap_or_default();
    let plan = brief.map(|it| it.plan(sources.plans, me)).transpose();
    let (plan, plan_trouble) = match plan {
        Ok(plan) => {
            let trouble = brief.zip(plan.as_ref()).and_then(|(brief, plan)| brief.interview_trouble(plan));
            (plan, trouble)
        }
        Err(why) => (None, Some(why)),
    };
    let flag = match sources.mirror.primary().map(|it| it.lookup(key)) {
        Some(Lookup::Known(flag)) => Some(&**flag),
        _ => None,
    };
    let clean_up = sources.clean_ups.get(key).cloned();
    let environment = sources.mirror.primary();
    let forecast = brief.zip(environment).and_then(|(it, at)| forecast(at, it, sources.plans, sources.now));
    let mut feature = FeatureStatus {
        key: key.clone(),
        title: title(brief, details, key),
        owner: brief.and_then(|it| it.owner.clone()).or_else(|| details.and_then(|it| it.owner.clone())),
        brief: path.map(Path::to_owned),
        release: brief.map(|it| it.release),
        place: Place::NotLoaded,
        stopped: details.and_then(|it| it.stages.iter().find_map(|it| it.stopped.clone())),
        track: track::track(details, plan.as_ref()),
        plan_trouble,
        people: people::people(&card, sources.code.is_silent(key)),
        gate: None,
        forecast,
        waits: flag.and_then(|it| sources.waiting.get(&it.id).cloned()),
        next: Next::default(),
        to_do: brief.map(|it| it.open_todos().map(|it| it.what.clone()).collect()).unwrap_or_default(),
        n_done: brief.map_or(0, |it| it.before_lifting.iter().filter(|it| it.done).count()),
        age: age(details, flag, sources.mirror),
        hypothesis: brief.and_then(|it| it.hypothesis.clone()),
        metric: brief.and_then(|it| it.metric.clone()),
        outcome: brief.and_then(|it| it.outcome.clone()),
        happened: happened(flag, sources.mirror),
        reads,
        clean_up,
        responses: responses(flag, brief),
        links: details.map(|it| it.links.clone()).unwrap_or_default(),
        rollout,
    };
    feature.place = place(&feature);
    feature.gate = gate::gate(&feature, plan.as_ref(), sources.now);
    feature.next = next::next(&feature, &card, brief, sources.now);
    feature
}

fn title(brief: Option<&Brief>, details: Option<&Details>, key: &FlagKey) -> String {
    let of_flag = details.map(|it| it.name.trim()).filter(|it| !it.is_empty());
    match brief {
        Some(brief) => brief.title().to_owned(),
        None => of_flag.map_or_else(|| key.to_string(), str::to_owned),
    }
}

fn happened(flag: Option<&Flag>, mirror: &Mirror) -> Vec<Milestone> {
    let history = flag.zip(mirror.primary()).and_then(|(flag, it)| it.history_of(flag));
    flag.zip(history).map(|(flag, history)| milestones(flag, history)).unwrap_or_default()
}

fn age(details: Option<&Details>, flag: Option<&Flag>, mirror: &Mirror) -> Age {
    let history = flag.zip(mirror.primary()).and_then(|(flag, it)| it.history_of(flag));
    // What was never launched is not "off since".
    let since = details.filter(|it| it.stage != Stage::NotLaunched).and_then(|it| it.since.as_ref());
    Age {
        created: flag.and_then(|it| it.created_at),
        arrived: details.and_then(|it| it.arrived.as_ref()).map(|it| it.at),
        opened: flag.zip(history).and_then(|(flag, history)| opened(flag, history)),
        constant: since.map(|it| (it.at, it.exact)),
    }
}

/// What is served now comes first; without a flag, what the brief wants to be served.
fn responses(flag: Option<&Flag>, brief: Option<&Brief>) -> Vec<String> {
    let wanted = || brief.into_iter().flat_map(Brief::variants).map(|it| it.key).collect();
    let served: Vec<String> = match flag.and_then(Flag::filters) {
        Some(filters) => filters.variants().iter().map(|it| it.key.clone()).collect(),
        None => wanted(),
    };
    if served.is_empty() { vec!["true".into(), "false".into()] } else { served }
}

fn place(feature: &FeatureStatus) -> Place {
    let stage = match &feature.rollout {
        Rollout::NotLoaded => return Place::NotLoaded,
        Rollout::NotInPostHog if feature.brief.is_some() => return Place::NotLaunched,
        Rollout::NotInPostHog => return Place::Unknown,
        Rollout::Known(stage) => stage,
    };
    if feature.clean_up.is_some() {
        return Place::CleanUp;
    }
    match stage {
        Stage::NotLaunched => Place::NotLaunched,
        Stage::Off => Place::Off,
        Stage::Everyone(_) => Place::Everyone,
        Stage::Archived | Stage::Deleted => Place::Gone,
        Stage::Targeted
        | Stage::Partial(_)
        | Stage::Experiment
        | Stage::Planned { .. }
        | Stage::Unreadable => Place::Running,
    }
}
