use std::collections::BTreeMap;

use super::brief::BriefNote;
use super::moves::Outlook;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::feature::{Arrived, Since, Stage, StageLine, arrived, constant_since, stage, stages};
use crate::flags::{
    EarlyAccess, Environment, Experiment, ExperimentResult, Exposure, Filters, Flag, FlagKey, Lookup, Mirror,
    Person, ScheduledChange,
};

/// What there is to tell about one flag: what hover, `flagline show` and tests share.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The key.
    pub key: FlagKey,
    /// What is known.
    pub state: State,
    /// What stands in the way of newer data.
    pub trouble: Option<String>,
    /// Where the rollout stands in the other environments.
    pub elsewhere: Vec<Elsewhere>,
    /// What its brief adds, where that is looked at.
    pub brief: Option<BriefNote>,
    /// Where its rollout stands on the brief's plan, where that is looked at.
    pub outlook: Option<Outlook>,
}

impl Card {
    /// PostHog's description of the flag; empty without one.
    pub(super) fn name(&self) -> &str {
        match &self.state {
            State::Known(details) => &details.name,
            State::NotLoaded | State::Unknown { .. } => "",
        }
    }
}

/// A flag in an environment that is not the primary one.
#[derive(Debug, Clone, PartialEq)]
pub struct Elsewhere {
    /// The environment's name.
    pub environment: String,
    /// Where its rollout stands; `None` = not loaded.
    pub stage: Option<String>,
    /// People who see the feature in the exposure's window, where that is known.
    pub people: Option<u64>,
}

/// Three states, never two.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Nothing can be said.
    NotLoaded,
    /// The project does not have it.
    Unknown {
        /// The project that was asked.
        project: String,
        /// A key that it has and that looks much like this one.
        similar: Option<FlagKey>,
    },
    /// The project has it.
    Known(Box<Details>),
}

/// What is known of a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// PostHog's `name`, the description.
    pub name: String,
    /// The environment's and the project's name.
    pub project: String,
    /// Where its rollout stands.
    pub stage: Stage,
    /// All stages of its plan; empty without one.
    pub stages: Vec<StageLine>,
    /// Since when its rollout stands there.
    pub arrived: Option<Arrived>,
    /// The next change that PostHog makes by itself.
    pub next: Option<ScheduledChange>,
    /// Those after it, soonest first.
    pub later: Vec<ScheduledChange>,
    /// Whether its conditions are of a kind that nothing here writes.
    pub is_read_only: bool,
    /// Since when everyone gets the same value.
    pub since: Option<Since>,
    /// Its experiments, as far as they are loaded.
    pub experiments: Vec<Experiment>,
    /// How those that run go, by their ids, as far as that is known.
    pub results: BTreeMap<i64, ExperimentResult>,
    /// Its early access features.
    pub early_access: Vec<EarlyAccess>,
    /// Names of the cohorts that its open conditions ask for, as far as they are known, each once.
    pub cohorts: Vec<String>,
    /// Who made it.
    pub owner: Option<String>,
    /// Who meets it; `None` = not loaded.
    pub exposure: Option<Exposure>,
    /// Why there is no exposure.
    pub exposure_trouble: Option<String>,
    /// What else cannot be told, and why: a sentence each.
    pub withheld: Vec<String>,
    /// Whether the code reads it only in a way of which PostHog is not told; not known without the code.
    pub is_silent: bool,
    /// People a day over the last seven days, oldest first, today last; silent days are 0.
    pub trend: Vec<u64>,
    /// The latest call that anything knows of.
    pub last_seen: Option<Timestamp>,
    /// When the flag was last compared with PostHog.
    pub fetched_at: Timestamp,
    /// The flag's page, then its dashboards.
    pub links: Vec<Link>,
}

/// A page of PostHog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// Everything about a flag in the primary environment.
pub fn card(mirror: &Mirror, key: &FlagKey, now: Timestamp) -> Card {
    let Some(environment) = mirror.primary() else {
        let state = State::NotLoaded;
        return Card {
            key: key.clone(),
            state,
            trouble: None,
            elsewhere: vec![],
            brief: None,
            outlook: None,
        };
    };
    let state = match environment.lookup(key) {
        Lookup::NotLoaded => State::NotLoaded,
        Lookup::Unknown => {
            State::Unknown { project: project_name(environment), similar: similar(environment, key) }
        }
        Lookup::Known(flag) => State::Known(Box::new(details(environment, flag, now))),
    };
    let others = mirror.environments.iter().skip(1);
    Card {
        key: key.clone(),
        state,
        trouble: environment.trouble.as_deref().map(str::to_owned),
        elsewhere: others.map(|it| elsewhere(it, key)).collect(),
        brief: None,
        outlook: None,
    }
}

fn elsewhere(environment: &Environment, key: &FlagKey) -> Elsewhere {
    let exposure = environment.exposure.get(key);
    Elsewhere {
        environment: environment.name.to_string(),
        stage: match environment.lookup(key) {
            Lookup::NotLoaded => None,
            Lookup::Unknown => Some("unknown".to_owned()),
            Lookup::Known(flag) => {
                Some(stage(flag, environment.history_of(flag).map(|it| &**it)).to_string())
            }
        },
        people: exposure.map(|it| it.people()),
    }
}

fn details(environment: &Environment, flag: &Flag, now: Timestamp) -> Details {
    let history = environment.history_of(flag).map(|it| &**it);
    let exposure = environment.exposure.get(&flag.key).map(|it| (**it).clone());
    let seen = exposure.as_ref().and_then(Exposure::last_seen);
    let mut links = Vec::new();
    let mut link = |title: &str, path: String| {
        links.extend(environment.page(path).map(|url| Link { title: title.into(), url }));
    };
    link("Flag", format!("feature_flags/{}", flag.id));
    for dashboard in &flag.dashboards {
        link("Dashboard", format!("dashboard/{dashboard}"));
    }
    for experiment in &flag.experiments {
        link("Experiment", format!("experiments/{experiment}"));
    }
    for feature in &flag.early_access {
        link("Early access", format!("early_access_features/{}", feature.id));
    }
    let filters = flag.filters();
    let pending = environment.schedules.get(&flag.id).into_iter().flat_map(|it| it.iter());
    let mut pending = pending.filter(|it| it.at > now).cloned();
    Details {
        name: flag.name.clone(),
        project: project_name(environment),
        stage: stage(flag, history),
        stages: filters.as_ref().map(stages).unwrap_or_default(),
        arrived: history.and_then(|it| arrived(flag, it)),
        next: pending.next(),
        later: pending.collect(),
        is_read_only: filters.as_ref().is_none_or(|it| it.version >= 2),
        experiments: flag
            .experiments
            .iter()
            .filter_map(|it| environment.experiments.get(it).map(|it| (**it).clone()))
            .collect(),
        results: flag
            .experiments
            .iter()
            .filter(|it| environment.experiments.get(it).is_some_and(|it| it.is_running()))
            .filter_map(|it| environment.results.get(it).map(|result| (*it, (**result).clone())))
            .collect(),
        early_access: flag.early_access.iter().map(|it| early_access(environment, it)).collect(),
        cohorts: filters.map(|it| cohorts(environment, &it)).unwrap_or_default(),
        owner: flag.created_by.as_ref().map(Person::display).map(str::to_owned),
        since: constant_since(flag, history),
        trend: exposure.as_ref().map(|it| trend(it, now)).unwrap_or_default(),
        exposure,
        exposure_trouble: environment.exposure_trouble.as_deref().map(str::to_owned),
        withheld: withheld(environment, flag),
        is_silent: false,
        last_seen: seen.max(flag.last_called_at),
        fetched_at: environment.flags.as_ref().map_or(now, |it| it.fetched_at),
        links,
    }
}

/// The feature as it was last listed, else as its flag showed it.
fn early_access(environment: &Environment, of_flag: &EarlyAccess) -> EarlyAccess {
    environment.early_access.get(&of_flag.id).map_or(of_flag, |it| it).clone()
}

fn cohorts(environment: &Environment, filters: &Filters) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let open = filters.groups.iter().filter(|it| it.percent() > 0.0);
    for property in open.flat_map(|it| &it.properties) {
        let Some(id) = property.cohort() else { continue };
        // What the condition says is as old as the flag.
        let name = environment.cohorts.get(&id).map(|it| &**it).or(property.cohort_name.as_deref());
        let Some(name) = name.filter(|it| !it.is_empty()) else { continue };
        if names.iter().all(|it| it != name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What a card would show, if the key's scopes or the plan allowed it.
fn withheld(environment: &Environment, flag: &Flag) -> Vec<String> {
    let sentence = |what: &str, why: &Option<_>| why.as_deref().map(|why: &str| format!("{what}: {why}"));
    let loaded = flag.experiments.iter().all(|it| environment.experiments.contains_key(it));
    let history = environment.history_of(flag).is_none();
    let parts = [
        history.then(|| sentence("Since when cannot be told", &environment.history_trouble)),
        (!loaded).then(|| sentence("Its experiment cannot be told", &environment.experiments_trouble)),
        Some(sentence("Changes to come cannot be told", &environment.schedules_trouble)),
    ];
    parts.into_iter().flatten().flatten().collect()
}

pub(super) fn project_name(environment: &Environment) -> String {
    environment.project.as_ref().map_or_else(|| environment.host.to_string(), |it| it.name.to_string())
}

fn trend(exposure: &Exposure, now: Timestamp) -> Vec<u64> {
    let today: Date = TimeZone::UTC.to_datetime(now).date();
    let days = (0..7).rev().filter_map(|it| today.checked_sub(it.days()).ok());
    days.map(|day| exposure.days.iter().filter(|it| it.day == day).map(|it| it.people).sum()).collect()
}

/// How many slips make a name look like another one: one for every four characters.
pub(super) fn most_slips(name: &str) -> usize {
    (name.len() / 4).clamp(1, 4)
}

/// The key of the project that looks most like `key`, if one does.
pub(super) fn similar(environment: &Environment, key: &FlagKey) -> Option<FlagKey> {
    let list = environment.flags.as_ref()?;
    let at_most = most_slips(key.as_str());
    let near = |it: &&FlagKey| it.as_str().len().abs_diff(key.as_str().len()) <= at_most;
    let living = list.by_key.iter().filter(|it| !it.1.deleted && !it.1.archived).map(|it| it.0);
    let distance = |it: &FlagKey| {
        let folded = |it: &str| it.to_lowercase().replace('_', "-");
        strsim::osa_distance(&folded(it.as_str()), &folded(key.as_str()))
    };
    let scored = living.filter(near).map(|it| (distance(it), it)).filter(|it| it.0 <= at_most);
    scored.min().map(|it| it.1.clone())
}
