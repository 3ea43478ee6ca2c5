use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{Slot, SwitchedOff};
use crate::feature::Plan;
use crate::feature::brief::{Brief, Release};
use crate::flags::Flag;
use crate::posthog::queries::Evaluations;
use crate::schema::similar;

/// What a launch is to come to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The feature.
    pub brief: Brief,
    /// Its stages.
    pub plan: Plan,
    /// Where PostHog is, without a slash at the end.
    pub host: String,
    /// The project's number.
    pub project: u64,
    /// Where evaluations of flags are kept.
    pub evaluations: Evaluations,
    /// Who gets alerts by e-mail, by their numbers; older servers do not tell them.
    pub alerted: Vec<u64>,
    /// The webhook that the brief names.
    pub webhook: Webhook,
    /// Everything but the flag on.
    pub leave_off: bool,
    /// What was changed by hand is written over.
    pub take_over: bool,
    /// Now.
    pub now: Timestamp,
}

/// The webhook of a brief.
#[derive(Debug, Clone)]
pub enum Webhook {
    /// The brief names none.
    None,
    /// Its address is in the environment.
    Known(SecretString),
    /// Its address is not; this is the variable that would hold it.
    Missing(String),
}

/// What PostHog has of a launch.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The living or archived flag of the key.
    pub flag: Option<Flag>,
    /// Everything else that was found or made, as PostHog shows it.
    pub objects: BTreeMap<Slot, Value>,
    /// What could not be made, and why; the rest is made all the same.
    pub refused: BTreeMap<Slot, Refused>,
    /// The names of the project's cohorts, by number; `None` = nobody asked, or may not.
    pub cohorts: Option<BTreeMap<u64, String>>,
    /// Cohorts that a flag's conditions may not name, by number.
    pub behavioral_cohorts: BTreeSet<u64>,
    /// The Slack workspace and its channel that the brief names.
    pub slack: Option<Result<SlackChannel, String>>,
    /// The flag's being switched on, where that waits for an approval.
    pub pending: Option<Pending>,
    /// A change of the flag's conditions that waits for an approval.
    pub pending_conditions: Option<Pending>,
    /// The steps in time of a flag that is on which PostHog should take and does not know of: when, and the percentage.
    pub to_schedule: Vec<(Timestamp, f64)>,
    /// Whether the message that it begins was captured before; `None` = nobody can tell.
    pub told: Option<bool>,
    /// A launch before this one switched the flag on, and somebody switched it off.
    pub switched_off: Option<SwitchedOff>,
    /// Whether this run switched the flag on.
    pub switched_on: bool,
    /// Whether somebody else did while this run was under way: they tell of it.
    pub switched_on_elsewhere: bool,
    /// Whether the server is of the time when insights were described by filters.
    pub is_old: bool,
}

/// A channel of a Slack workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackChannel {
    /// The number of the integration.
    pub workspace: u64,
    /// The channel's id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
}

impl SlackChannel {
    /// One of a workspace's list, as PostHog shows it.
    pub fn of(workspace: u64, channel: &Value) -> Option<SlackChannel> {
        let text = |name: &str| channel[name].as_str().map(str::to_owned);
        Some(SlackChannel { workspace, id: text("id")?, name: format!("#{}", text("name")?) })
    }
}

/// A change that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// PostHog's id of the change request.
    pub id: String,
}

/// Why something could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(
    /// A sentence for a person.
    pub String,
);

impl Target {
    /// The flag's key.
    pub fn key(&self) -> &str {
        &self.brief.key
    }

    /// Whether variants are compared.
    pub fn is_test(&self) -> bool {
        self.brief.release == Release::AbTest
    }

    /// What people who have the feature get, as PostHog writes it: `true`, or the variants without control.
    pub fn responses(&self) -> Vec<String> {
        match self.is_test() {
            false => vec!["true".into()],
            true => self.brief.variants().into_iter().map(|it| it.key).filter(|it| it != "control").collect(),
        }
    }

    /// The address of one of the project's pages.
    pub fn page(&self, path: impl std::fmt::Display) -> String {
        format!("{}/project/{}/{path}", self.host, self.project)
    }
}

impl Found {
    /// The number of an object.
    pub fn id(&self, slot: &Slot) -> Option<u64> {
        self.objects.get(slot)?.get("id")?.as_u64()
    }

    /// The id of an object that has a text for one.
    pub fn text_id(&self, slot: &Slot, name: &str) -> Option<&str> {
        self.objects.get(slot)?.get(name)?.as_str()
    }

    /// Whether the project is known not to have a cohort of this number.
    pub fn lacks_cohort(&self, id: u64) -> bool {
        self.cohorts.as_ref().is_some_and(|it| !it.contains_key(&id))
    }

    /// A cohort that may be meant by the name of one that is not there.
    pub fn similar_cohort(&self, name: &str) -> Option<&str> {
        similar(name, self.cohorts.iter().flat_map(BTreeMap::values).map(String::as_str))
    }

    /// The number of a cohort by its name.
    pub fn cohort(&self, name: &str) -> Option<u64> {
        self.id(&Slot::Cohort(name.to_owned()))
    }
}
