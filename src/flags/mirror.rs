use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::{
    Catalog, EarlyAccess, Evidence, Experiment, ExperimentResult, Exposure, Flag, FlagKey, History,
    ScheduledChange,
};

/// The local copy of what PostHog knows. Never changed in place: the refresh task publishes a new one.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    /// One per configured environment, the primary first.
    pub environments: Vec<Arc<Environment>>,
    /// Grows with every publication.
    pub revision: u64,
}

impl Mirror {
    /// The environment on which staleness is judged.
    pub fn primary(&self) -> Option<&Environment> {
        self.environments.first().map(|it| &**it)
    }
}

/// What is known of one environment.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The PostHog it lives on, without a slash at the end (`https://eu.posthog.com`).
    pub host: Arc<str>,
    /// The project that the settings name; `None` = the only one that the key can see.
    pub configured_project: Option<u64>,
    /// The project, once known.
    pub project: Option<Project>,
    /// All flags; `None` = not loaded.
    pub flags: Option<FlagList>,
    /// Exposure of the flags that this workspace reads.
    pub exposure: HashMap<FlagKey, Arc<Exposure>>,
    /// Why there is no exposure, when asking for it failed.
    pub exposure_trouble: Option<Arc<str>>,
    /// Who met features whose rollout is on its way, since their stage was opened; without what guards ask.
    pub evidence: HashMap<FlagKey, Arc<Evidence>>,
    /// Why there is no evidence, when asking for it failed.
    pub evidence_trouble: Option<Arc<str>>,
    /// Activity by flag id, of flags that this workspace reads.
    pub history: HashMap<u64, Arc<History>>,
    /// Why there is no activity, when asking for it failed.
    pub history_trouble: Option<Arc<str>>,
    /// Experiments by id, of flags that this workspace reads; one that is missing is not loaded.
    pub experiments: HashMap<i64, Arc<Experiment>>,
    /// How running experiments go, by their ids, of flags that this workspace reads.
    pub results: HashMap<i64, Arc<ExperimentResult>>,
    /// Changes to come by flag id, soonest first, of flags that this workspace reads.
    pub schedules: HashMap<u64, Arc<[ScheduledChange]>>,
    /// Names of cohorts by id, where a flag that this workspace reads gives only the number.
    pub cohorts: HashMap<u64, Arc<str>>,
    /// Early access features by id, of flags that this workspace reads.
    pub early_access: HashMap<Arc<str>, Arc<EarlyAccess>>,
    /// What a brief can name; loaded once somebody writes one, and never kept on disk.
    pub catalog: Option<Arc<Catalog>>,
    /// When PostHog was sent a query in the last hour, by whichever process: all of them have one limit.
    pub queries: BTreeSet<Timestamp>,
    /// When lists of plans were last read, by their name on disk.
    pub plans_at: BTreeMap<Arc<str>, Timestamp>,
    /// Why experiments are not loaded, when the server does not give them.
    pub experiments_trouble: Option<Arc<str>>,
    /// Why changes to come are not loaded, when the key may not see them.
    pub schedules_trouble: Option<Arc<str>>,
    /// What the key may not do, learned from a refusal; in the order in which it is told.
    pub lacks: Vec<Lack>,
    /// What stands in the way of newer data, as a sentence for a person.
    pub trouble: Option<Arc<str>>,
    /// What may be done about it.
    pub access: Access,
    /// The e-mail address of the key's owner, once known.
    pub me: Option<Arc<str>>,
}

/// A right that a key does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// PostHog's name of it (`query:read`).
    pub scope: Arc<str>,
    /// What does not work without it.
    pub needed_for: Arc<str>,
}

impl Environment {
    /// What does not work with this key, and what to do, as one sentence for a person.
    pub fn lacks_told(&self) -> Option<String> {
        let named: Vec<String> =
            self.lacks.iter().map(|it| format!("{} ({})", it.scope, it.needed_for)).collect();
        let scopes = match named.len() {
            0 => return None,
            1 => "scope",
            _ => "scopes",
        };
        Some(format!(
            "the API key lacks the {scopes} {}; give it more under {}/settings/user-api-keys. The rest works",
            named.join(", "),
            self.host
        ))
    }
}

/// Whether PostHog can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It can, as far as is known.
    #[default]
    Open,
    /// Nobody has signed in to the host.
    SignedOut,
    /// The settings are wrong.
    Unsettled,
}

/// A project of PostHog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its number, as in the page's address.
    pub id: u64,
    /// Its name.
    pub name: Arc<str>,
}

/// All flags of a project: archived ones, and deleted ones that were seen before.
#[derive(Debug, Clone)]
pub struct FlagList {
    /// By key. A deleted or archived flag gives way to a living one of the same key.
    pub by_key: HashMap<FlagKey, Arc<Flag>>,
    /// When the whole list was last compared.
    pub fetched_at: Timestamp,
    /// When all of it was last read, rather than found to be the same.
    pub read_at: Timestamp,
}

impl FlagList {
    /// Collects flags, living ones first, all of which were just read.
    pub fn new(flags: impl IntoIterator<Item = Arc<Flag>>, fetched_at: Timestamp) -> FlagList {
        let mut list = FlagList { by_key: HashMap::new(), fetched_at, read_at: fetched_at };
        for flag in flags {
            list.insert(flag);
        }
        list
    }

    /// Adds or replaces a flag; a living one is not replaced by a deleted or archived namesake.
    pub fn insert(&mut self, flag: Arc<Flag>) {
        let gone = |it: &Flag| (it.deleted, it.archived);
        match self.by_key.get(&flag.key) {
            Some(old) if old.id != flag.id && gone(old) < gone(&flag) => {}
            _ => drop(self.by_key.insert(flag.key.clone(), flag)),
        }
    }
}

/// What the mirror says of a key: three states, never two.
#[derive(Debug, Clone)]
pub enum Lookup<'a> {
    /// Nothing can be said: signed out, offline without a mirror, or still loading.
    NotLoaded,
    /// The mirror is complete and does not have it.
    Unknown,
    /// Here it is, possibly archived or deleted.
    Known(&'a Arc<Flag>),
}

impl Environment {
    /// Looks a key up.
    pub fn lookup(&self, key: &FlagKey) -> Lookup<'_> {
        match &self.flags {
            None => Lookup::NotLoaded,
            Some(list) => list.by_key.get(key).map_or(Lookup::Unknown, Lookup::Known),
        }
    }

    /// The history of a flag, if it belongs to the flag's present version.
    pub fn history_of(&self, flag: &Flag) -> Option<&Arc<History>> {
        self.history.get(&flag.id).filter(|it| it.version == Some(flag.stamp()))
    }

    /// Who met a feature since its stage was opened, if that was asked since then; or why it is not known.
    pub fn evidence_since(&self, key: &FlagKey, since: Timestamp) -> Result<&Arc<Evidence>, String> {
        let known = self.evidence.get(key);
        known.filter(|it| it.since == since).ok_or_else(|| match (&self.evidence_trouble, &self.trouble) {
            (Some(why), _) | (None, Some(why)) => why.to_string(),
            (None, None) if known.is_some() => "nobody asked since the stage was opened".into(),
            (None, None) => "PostHog was not asked so far".into(),
        })
    }

    /// The number of the cohort with a name; `Some(None)` = there is none, `None` = not loaded.
    pub fn cohort_named(&self, name: &str) -> Option<Option<u64>> {
        let kept = self.cohorts.iter().filter(|it| **it.1 == *name).map(|it| *it.0).min();
        let listed = self.catalog.as_ref().and_then(|it| it.cohorts.find(|it| it.name == name));
        match (kept, listed) {
            (Some(id), _) => Some(Some(id)),
            (None, Some(listed)) => Some(listed.map(|it| it.id)),
            (None, None) => self.plans_at.contains_key("cohorts").then_some(None),
        }
    }

    /// Forgets what belongs to the project: another one is asked from now on.
    pub fn forget_project(&mut self) {
        *self = Environment {
            name: self.name.clone(),
            host: self.host.clone(),
            configured_project: self.configured_project,
            trouble: self.trouble.take(),
            access: self.access,
            me: self.me.take(),
            // The limit is the key's.
            queries: std::mem::take(&mut self.queries),
            ..Environment::default()
        };
    }

    /// The address of one of the project's pages: `feature_flags/42`, `dashboard/3`.
    pub fn page(&self, path: impl std::fmt::Display) -> Option<String> {
        let project = self.project.as_ref()?;
        Some(format!("{}/project/{}/{path}", self.host, project.id))
    }
}
