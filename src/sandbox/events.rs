//! The stored events, in order of time.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::iso;

/// The event that SDKs send when code asks for a flag.
pub(super) const FLAG_CALLED: &str = "$feature_flag_called";

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub uuid: Arc<str>,
    pub event: Arc<str>,
    pub distinct_id: Arc<str>,
    pub person_id: Arc<str>,
    pub timestamp: Timestamp,
    pub properties: Map<String, Value>,
}

/// All events, oldest first.
#[derive(Default)]
pub(super) struct Events {
    list: Vec<Event>,
    /// When each flag key was last called.
    last_called: HashMap<String, Timestamp>,
    /// How many events came without an id of their own.
    serial: u64,
}

impl Events {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.list.iter()
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// When code last asked for the flag.
    pub fn last_called(&self, key: &str) -> Option<Timestamp> {
        self.last_called.get(key).copied()
    }

    /// A number that no other event has, for those that come without an id.
    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Stores events and keeps the order. One that is stored already takes the place of what came before: PostHog
    /// merges those later, the sandbox at once.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        let sorted = self.list.len();
        let mut fresh: HashMap<(Arc<str>, Timestamp), usize> = HashMap::new();
        for event in events {
            self.note_call(&event);
            let id = (Arc::clone(&event.uuid), event.timestamp);
            let twin = self.stored(&event, sorted).or_else(|| fresh.get(&id).copied());
            match twin.filter(|at| self.list[*at].is_same(&event)) {
                Some(at) => self.list[at] = event,
                None => {
                    fresh.insert(id, self.list.len());
                    self.list.push(event);
                }
            }
        }
        self.list.sort_by_key(|it| it.timestamp);
    }

    fn note_call(&mut self, event: &Event) {
        let key = event.properties.get("$feature_flag").and_then(Value::as_str);
        let Some(key) = key.filter(|_| &*event.event == FLAG_CALLED) else { return };
        match self.last_called.get_mut(key) {
            Some(last) => *last = event.timestamp.max(*last),
            None => drop(self.last_called.insert(key.to_owned(), event.timestamp)),
        }
    }

    /// Where the event stands already, among the first `sorted` ones.
    fn stored(&self, event: &Event, sorted: usize) -> Option<usize> {
        let start = self.list[..sorted].partition_point(|it| it.timestamp < event.timestamp);
        let mut at_its_time = (start..sorted).take_while(|at| self.list[*at].timestamp == event.timestamp);
        at_its_time.find(|at| self.list[*at].is_same(event))
    }
}

impl Event {
    /// Whether PostHog takes both for one event that was sent twice.
    fn is_same(&self, other: &Event) -> bool {
        (&self.uuid, &self.event, &self.distinct_id, self.timestamp)
            == (&other.uuid, &other.event, &other.distinct_id, other.timestamp)
    }

    /// The event as a control endpoint dumps it.
    pub fn json(&self) -> Value {
        json!({
            "uuid": &*self.uuid,
            "event": &*self.event,
            "distinct_id": &*self.distinct_id,
            "person_id": &*self.person_id,
            "timestamp": iso(self.timestamp),
            "properties": self.properties,
        })
    }
}
