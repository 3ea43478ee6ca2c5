//! Thirty days of events that agree with the flags' histories: what an event says that a flag served is what the
//! flag in its state of that moment serves to that person.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::company;
use crate::sandbox::clock::add;
use crate::sandbox::events::{Event, FLAG_CALLED};
use crate::sandbox::hash::{hash, unit, uuid};
use crate::sandbox::targeting::{Filters, Subject};
use crate::sandbox::world::{Person, World};

const DAYS: u64 = 30;

/// Code that asks for a flag: on how many of a person's days, and through which SDKs in turn.
const CALLS: &[(&str, f64, &[&str])] = &[
    ("new-checkout", 0.40, &["web", "web", "posthog-node"]),
    ("project-videos", 0.60, &["web"]),
    ("pricing-page", 0.35, &["web"]),
    ("old-banner", 0.20, &["web"]),
    ("company-reports", 0.15, &["posthog-node"]),
    ("beta-nav", 0.25, &["web"]),
    ("quick-offset", 0.25, &["posthog-python"]),
    ("checkout-copy", 0.25, &["web"]),
    ("certificate-pdf", 0.15, &["posthog-python"]),
    ("referral-banner", 0.15, &["web"]),
    ("project-map", 0.15, &["web"]),
    ("email-digest", 0.10, &["posthog-python"]),
    ("team-accounts", 0.10, &["web", "posthog-node"]),
    ("tree-counter", 0.20, &["web"]),
    ("search-v1", 0.10, &["web"]),
];

/// Flags whose value other events carry, as the web SDK adds it.
const CARRIED: &[&str] = &["new-checkout", "project-videos", "pricing-page"];

/// A flag's history with its filters already read.
struct Served {
    id: u64,
    key: String,
    by_group: bool,
    /// Since when, the version, and the filters while it is on.
    versions: Vec<(Timestamp, u64, Option<Filters>)>,
    deleted: Option<Timestamp>,
}

impl Served {
    fn new(world: &World, key: &str) -> Option<Served> {
        let flag = world.flags.iter().find(|it| it.state.called_as() == key)?;
        let versions = flag.versions.iter().map(|it| {
            let on = it.state.active && !it.state.archived && !it.state.deleted;
            (it.at, it.state.version, on.then(|| Filters::read(&it.state.filters)))
        });
        Some(Served {
            id: flag.id,
            key: key.to_owned(),
            by_group: flag.state.filters.get("aggregation_group_type_index").is_some_and(Value::is_u64),
            versions: versions.collect(),
            deleted: flag.versions.iter().find(|it| it.state.deleted).map(|it| it.at),
        })
    }

    /// The response and the flag's version; `None` while there is no such flag.
    fn response(&self, world: &World, person: &Person, at: Timestamp) -> Option<(Value, u64)> {
        if self.deleted.is_some_and(|it| it <= at) {
            return None;
        }
        let (_, version, filters) = self.versions.iter().rev().find(|(since, ..)| *since <= at)?;
        let Some(filters) = filters else { return Some((false.into(), *version)) };
        let subject = match (self.by_group, world.groups.get(company(&person.distinct_id))) {
            (true, Some(it)) => Subject { id: &it.key, person: None, properties: &it.properties },
            _ => world.subject(person),
        };
        Some((filters.serve(world, &self.key, subject).0.response(), *version))
    }
}

/// Fills the world with events up to now.
pub(super) fn events(world: &mut World, now: Timestamp) {
    let called: Vec<_> = CALLS
        .iter()
        .filter_map(|(key, chance, libs)| Some((Served::new(world, key)?, *chance, *libs)))
        .collect();
    let carried: Vec<_> = CARRIED.iter().filter_map(|it| Served::new(world, it)).collect();
    let mut made = Vec::new();
    for (at, person) in world.people.iter().enumerate() {
        let often =
            if at < super::STAFF.len() { 0.8 } else { 0.15 + 0.3 * unit(&["often", &person.distinct_id]) };
        for day in 0..DAYS {
            let day = day.to_string();
            let draw = |name: &str| unit(&[name, &person.distinct_id, &day]);
            if draw("visit") >= often {
                continue;
            }
            let back = day.parse::<i64>().unwrap_or(0) * 86_400 + (draw("time") * 86_000.0) as i64 + 300;
            let start = add(now, SignedDuration::from_secs(-back));
            let mut visit = Visit { world, person, carried: &carried, made: &mut made, day: &day };
            visit.event(
                "$pageview",
                start,
                json!({"$lib": "web", "$current_url": "https://offset.example/"}),
            );
            for (place, (flag, chance, libs)) in called.iter().enumerate() {
                let roll = draw(&flag.key);
                if roll < *chance {
                    let lib =
                        libs[(hash(&[&flag.key, &person.distinct_id, &day]) % libs.len() as u64) as usize];
                    visit.call(flag, add(start, SignedDuration::from_millis(137 * (place as i64 + 1))), lib);
                }
            }
            let videos = carried.iter().find(|it| it.key == "project-videos");
            let sees = videos.and_then(|it| it.response(world, person, start)).is_some_and(|it| it.0 == true);
            let seconds = |it: i64| add(start, SignedDuration::from_secs(it));
            if draw("purchase") < if sees { 0.11 } else { 0.07 } {
                let amount = 5 + hash(&["amount", &person.distinct_id, &day]) % 95;
                visit.event(
                    "purchase",
                    seconds(95),
                    json!({"$lib": "web", "amount": amount, "currency": "EUR"}),
                );
            }
            if draw("exception") < if sees { 0.08 } else { 0.03 } {
                let (kind, text) = match sees && draw("kind") < 0.6 {
                    true => ("MediaError", "The video could not be decoded"),
                    false => ("TypeError", "Cannot read properties of undefined (reading 'total')"),
                };
                let properties = json!({
                    "$lib": "web",
                    "$exception_types": [kind],
                    "$exception_values": [text],
                    "$exception_issue_id": uuid(&["issue", kind]),
                });
                visit.event("$exception", seconds(60), properties);
            }
        }
    }
    // Somebody is always there: each flag that code still asks for was called within the last minutes.
    let people: Vec<&Person> = world.people.iter().collect();
    for (flag, _, libs) in called.iter().filter(|(it, ..)| it.deleted.is_none()) {
        let person = people[(hash(&["recent", &flag.key]) % people.len() as u64) as usize];
        let back = SignedDuration::from_secs(-60 - (hash(&["minute", &flag.key]) % 180) as i64);
        let mut visit = Visit { world, person, carried: &carried, made: &mut made, day: "now" };
        visit.call(flag, add(now, back), libs[0]);
    }
    world.events.extend(made);
}

/// One person on one day.
struct Visit<'a> {
    world: &'a World,
    person: &'a Person,
    carried: &'a [Served],
    made: &'a mut Vec<Event>,
    day: &'a str,
}

impl Visit<'_> {
    fn call(&mut self, flag: &Served, at: Timestamp, lib: &str) {
        let Some((response, version)) = flag.response(self.world, self.person, at) else { return };
        let mut properties = Map::new();
        properties.insert("$lib".into(), lib.into());
        properties.insert("$feature_flag".into(), flag.key.as_str().into());
        properties.insert("$feature_flag_id".into(), flag.id.into());
        properties.insert("$feature_flag_version".into(), version.into());
        properties.insert(format!("$feature/{}", flag.key), response.clone());
        properties.insert("$feature_flag_response".into(), response);
        self.push(FLAG_CALLED, at, properties, &flag.key);
    }

    fn event(&mut self, name: &str, at: Timestamp, properties: Value) {
        let mut properties = super::object(properties);
        for flag in self.carried {
            if let Some((response, _)) = flag.response(self.world, self.person, at) {
                properties.insert(format!("$feature/{}", flag.key), response);
            }
        }
        self.push(name, at, properties, "");
    }

    fn push(&mut self, name: &str, timestamp: Timestamp, properties: Map<String, Value>, more: &str) {
        self.made.push(Event {
            uuid: uuid(&["event", name, more, &self.person.distinct_id, self.day]).into(),
            event: name.into(),
            distinct_id: Arc::clone(&self.person.distinct_id),
            person_id: Arc::clone(&self.person.uuid),
            timestamp,
            properties,
        });
    }
}
