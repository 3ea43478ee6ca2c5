//! Everything that the sandbox knows: one project with its people, flags, dashboards and events.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Shape;
use super::alerts::Alert;
use super::annotations::Annotation;
use super::approvals::ChangeRequest;
use super::clock::{Clock, iso};
use super::cohorts::Cohort;
use super::dashboards::Dashboard;
use super::early_access::EarlyAccess;
use super::events::Events;
use super::experiments::Experiment;
use super::flag::Flag;
use super::hash::uuid;
use super::hog_functions::HogFunction;
use super::insights::Insight;
use super::keys::ApiKey;
use super::outbox::Delivery;
use super::playlists::Playlist;
use super::query::KeptAnswers;
use super::schedules::Schedule;
use super::surveys::Survey;
use super::targeting::Subject;

/// The id of a person who works in PostHog (not of a person whom PostHog tracks).
pub(super) type UserId = u64;

/// The state of the project.
pub(super) struct World {
    pub clock: Clock,
    pub shape: Shape,
    /// The latest time that a write was stamped with; the next one is later, even when the clock stands.
    last_stamp: Timestamp,
    pub users: Vec<User>,
    pub keys: Vec<ApiKey>,
    /// What the plan does not include: parts of paths, and `tagging`.
    pub unpaid: Vec<String>,
    /// Actions that wait for an approval.
    pub policies: Vec<String>,
    pub change_requests: Vec<ChangeRequest>,
    /// The project as `GET /api/projects/:id/` shows it.
    pub project: Map<String, Value>,
    pub people: People,
    pub groups: Vec<Group>,
    pub cohorts: Vec<Cohort>,
    pub flags: Vec<Flag>,
    pub experiments: Vec<Experiment>,
    pub early_access: Vec<EarlyAccess>,
    pub dashboards: Vec<Dashboard>,
    pub insights: Vec<Insight>,
    pub schedules: Vec<Schedule>,
    pub annotations: Vec<Annotation>,
    pub playlists: Vec<Playlist>,
    pub surveys: Vec<Survey>,
    pub alerts: Vec<Alert>,
    pub hog_functions: Vec<HogFunction>,
    /// What they would have sent.
    pub outbox: Vec<Delivery>,
    pub events: Events,
    /// What was answered to queries lately.
    pub kept_answers: KeptAnswers,
}

/// Somebody who works in PostHog.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub id: UserId,
    pub first_name: &'static str,
    pub email: &'static str,
}

/// A group (a company) that PostHog tracks.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub type_index: u64,
    pub key: String,
    pub properties: Map<String, Value>,
}

/// Somebody who uses the product.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub uuid: Arc<str>,
    pub distinct_id: Arc<str>,
    pub properties: Map<String, Value>,
}

/// The people, found by distinct id.
#[derive(Default)]
pub(super) struct People {
    list: Vec<Person>,
    by_distinct_id: HashMap<Arc<str>, usize>,
    by_uuid: HashMap<Arc<str>, usize>,
}

impl World {
    /// A project without flags, people and events.
    pub fn new(clock: Clock) -> World {
        World {
            last_stamp: Timestamp::MIN,
            project: super::account::project(clock.now()),
            clock,
            shape: Shape::Today,
            users: vec![
                User { id: 1, first_name: "Ada", email: "ada@offset.example" },
                User { id: 2, first_name: "Grace", email: "grace@offset.example" },
            ],
            keys: super::keys::all(),
            unpaid: Vec::new(),
            policies: Vec::new(),
            change_requests: Vec::new(),
            people: People::default(),
            groups: Vec::new(),
            cohorts: Vec::new(),
            flags: Vec::new(),
            experiments: Vec::new(),
            early_access: Vec::new(),
            dashboards: Vec::new(),
            insights: Vec::new(),
            schedules: Vec::new(),
            annotations: Vec::new(),
            playlists: Vec::new(),
            surveys: Vec::new(),
            alerts: Vec::new(),
            hog_functions: Vec::new(),
            outbox: Vec::new(),
            events: Events::default(),
            kept_answers: KeptAnswers::new(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time of a write. Later than every one before it, so that orders by time are total.
    pub fn stamp(&mut self) -> Timestamp {
        let tick = jiff::SignedDuration::from_micros(1);
        let now = self.now();
        self.last_stamp =
            match self.last_stamp >= now && self.last_stamp.duration_since(now) < tick * 1_000_000 {
                true => super::clock::add(self.last_stamp, tick),
                false => now,
            };
        self.last_stamp
    }

    /// Whether the plan does not include this.
    pub fn lacks(&self, feature: &str) -> bool {
        self.unpaid.iter().any(|it| it == feature)
    }

    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.iter().find(|it| it.id == id)
    }

    /// PostHog's `UserBasic`, or null.
    pub fn user_basic(&self, id: Option<UserId>) -> Value {
        id.and_then(|it| self.user(it)).map_or(Value::Null, User::basic)
    }

    /// Flags that are not deleted.
    pub fn living_flags(&self) -> impl Iterator<Item = &Flag> {
        self.flags.iter().filter(|it| !it.state.deleted)
    }

    /// What a flag's conditions are matched against for a person.
    pub fn subject<'a>(&'a self, person: &'a Person) -> Subject<'a> {
        Subject { id: &person.distinct_id, person: Some(&person.uuid), properties: &person.properties }
    }
}

impl User {
    /// PostHog's `UserBasic`.
    pub fn basic(&self) -> Value {
        json!({
            "id": self.id,
            "uuid": uuid(&["user", self.email]),
            "distinct_id": self.email,
            "first_name": self.first_name,
            "last_name": "",
            "email": self.email,
            "is_email_verified": true,
            "hedgehog_config": null,
            "role_at_organization": "engineering",
        })
    }
}

impl People {
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn get(&self, distinct_id: &str) -> Option<&Person> {
        self.by_distinct_id.get(distinct_id).and_then(|it| self.list.get(*it))
    }

    pub fn by_uuid(&self, uuid: &str) -> Option<&Person> {
        self.by_uuid.get(uuid).and_then(|it| self.list.get(*it))
    }

    /// The person with this distinct id, made when there is none; `set` goes into the properties.
    pub fn upsert(&mut self, distinct_id: &str, set: Map<String, Value>) -> &Person {
        let at = match self.by_distinct_id.get(distinct_id) {
            Some(at) => *at,
            None => {
                let person = Person {
                    uuid: uuid(&["person", distinct_id]).into(),
                    distinct_id: distinct_id.into(),
                    properties: Map::new(),
                };
                self.by_distinct_id.insert(person.distinct_id.clone(), self.list.len());
                self.by_uuid.insert(person.uuid.clone(), self.list.len());
                self.list.push(person);
                self.list.len() - 1
            }
        };
        self.list[at].properties.extend(set);
        &self.list[at]
    }
}

/// An optional time as PostHog writes it.
pub(super) fn iso_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |it| iso(it).into())
}
