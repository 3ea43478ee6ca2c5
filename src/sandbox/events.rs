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

    /// Stores events and keeps the order.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        let before = self.list.len();
        self.list.extend(events);
        for event in &self.list[before..] {
            let key = event.properties.get("$feature_flag").and_then(Value::as_str);
            let Some(key) = key.filter(|_| &*event.event == FLAG_CALLED) else { continue };
            match self.last_called.get_mut(key) {
                Some(last) => *last = event.timestamp.max(*last),
                None => drop(self.last_called.insert(key.to_owned(), event.timestamp)),
            }
        }
        self.list.sort_by_key(|it| it.timestamp);
    }
}

impl Event {
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
