use std::sync::Arc;

use super::{Follower, people};

/// What a project has that a brief can name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// Cohorts that are not deleted.
    pub cohorts: Listed<Cohort>,
    /// Events that were seen.
    pub events: Listed<Named>,
    /// Properties of events.
    pub event_properties: Listed<Named>,
    /// Properties of people.
    pub person_properties: Listed<Named>,
    /// Slack channels that PostHog can see.
    pub channels: Listed<Channel>,
    /// Functions that tell somebody about flags.
    pub followers: Listed<Follower>,
}

/// A list of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What there is, as far as it was read.
    pub items: Vec<T>,
    /// Whether that is all: only then something else is not there.
    pub is_whole: bool,
    /// Why it could not be read.
    pub trouble: Option<Arc<str>>,
}

/// A cohort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What makes its people.
    pub kind: CohortKind,
    /// How many people are in it, when that was counted.
    pub count: Option<u64>,
}

/// What makes the people of a cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CohortKind {
    /// A list of them.
    Static,
    /// What is known of them.
    Properties,
    /// What they did. PostHog refuses such cohorts in flags.
    Behavior,
}

/// An event or a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What somebody wrote about it, possibly nothing.
    pub description: String,
}

/// A Slack channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id (`C0123456`).
    pub id: String,
    /// Its name, without `#`.
    pub name: String,
}

impl<T> Default for Listed<T> {
    fn default() -> Listed<T> {
        Listed { items: Vec::new(), is_whole: false, trouble: None }
    }
}

impl<T> Listed<T> {
    /// One that could not be read.
    pub fn absent(why: impl Into<Arc<str>>) -> Listed<T> {
        Listed { trouble: Some(why.into()), ..Listed::default() }
    }

    /// What fits, or `None` where nothing can be said: it may be among what was not read.
    pub fn find(&self, fits: impl Fn(&T) -> bool) -> Option<Option<&T>> {
        let found = self.items.iter().find(|it| fits(it));
        (found.is_some() || self.is_whole).then_some(found)
    }
}

impl Cohort {
    /// Its size and what makes it, in a few words.
    pub fn words(&self) -> String {
        let kind = match self.kind {
            CohortKind::Static => "static",
            CohortKind::Properties => "by properties",
            CohortKind::Behavior => "by behaviour: PostHog refuses it in flags",
        };
        match self.count {
            Some(n) => format!("{}, {kind}", people(n)),
            None => kind.to_owned(),
        }
    }
}
