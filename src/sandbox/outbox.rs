//! What hog functions sent: messages that stay here. The sandbox never sends anything over the network.
//!
//! An event that is captured runs the functions of type `destination`, what PostHog tells about itself those of type
//! `internal_destination`. The latter events are stored nowhere, as in PostHog.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::PROJECT_ID;
use super::clock::iso;
use super::events::Event;
use super::hash::uuid;
use super::hog_functions::{DESTINATION, HogFunction, INTERNAL};
use super::hog_templates::language;
use super::hog_text::render;
use super::world::World;

/// What PostHog tells internal destinations when somebody changes something.
const ACTIVITY: &str = "$activity_log_entry_created";

/// One message.
pub(super) struct Delivery {
    id: String,
    pub at: Timestamp,
    function: String,
    pub function_name: String,
    template: &'static str,
    /// The Slack channel.
    pub channel: Value,
    /// Where it would be sent; null for Slack.
    pub url: Value,
    method: Value,
    headers: Value,
    /// The message, where it is a text.
    pub text: Value,
    /// What else it holds: the body of a webhook, the blocks of a Slack message.
    pub body: Value,
    pub event: String,
    event_uuid: String,
}

impl Delivery {
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "at": iso(self.at),
            "function_id": self.function,
            "function_name": self.function_name,
            "template_id": self.template,
            "channel": self.channel,
            "url": self.url,
            "method": self.method,
            "headers": self.headers,
            "text": self.text,
            "body": self.body,
            "event": self.event,
            "event_uuid": self.event_uuid,
        })
    }
}

/// Runs what waits for an event that was captured.
pub(super) fn captured(world: &mut World, event: &Event) {
    let person = world.people.by_uuid(&event.person_id);
    let person = person.map_or(Value::Null, |it| {
        let name = it.properties.get("email").cloned().unwrap_or_else(|| (*it.distinct_id).into());
        json!({"id": &*it.uuid, "name": name, "properties": it.properties, "url": ""})
    });
    run(world, DESTINATION, event, &person);
}

/// Runs what waits for an entry of a flag's activity: the last one that was written.
pub(super) fn flag_written(world: &mut World, flag: u64) {
    let Some(written) = world.flags.iter().find(|it| it.id == flag) else { return };
    let Some((at, entry)) = written.activity.iter().enumerate().next_back() else { return };
    let Value::Object(properties) = entry.json(flag, at, world) else { return };
    let user = world.user_basic(Some(entry.by));
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    let event = Event {
        uuid: uuid(&["internal", ACTIVITY, &flag.to_string(), &at.to_string()]).into(),
        event: ACTIVITY.into(),
        distinct_id: text("distinct_id").into(),
        person_id: text("uuid").into(),
        timestamp: entry.at,
        properties,
    };
    let person = json!({"id": user["id"], "name": user["first_name"], "properties": user, "url": ""});
    run(world, INTERNAL, &event, &person);
}

fn run(world: &mut World, kind: &str, event: &Event, person: &Value) {
    let meant = |it: &&HogFunction| it.kind == kind && it.wants(world, event);
    let functions: Vec<&HogFunction> = world.hog_functions.iter().filter(meant).collect();
    let mut made: Vec<Delivery> = Vec::new();
    for function in functions {
        let globals = globals(world, function, event, person);
        let serial = world.outbox.len() + made.len();
        made.push(delivery(function, event, &globals, world.now(), serial));
    }
    world.outbox.extend(made);
}

/// What inputs can name.
fn globals(world: &World, function: &HogFunction, event: &Event, person: &Value) -> Value {
    let project = world.project.get("name");
    json!({
        "event": {
            "uuid": &*event.uuid,
            "event": &*event.event,
            "distinct_id": &*event.distinct_id,
            "timestamp": iso(event.timestamp),
            "properties": event.properties,
            "elements_chain": "",
            "url": "",
        },
        "person": person,
        "groups": {},
        "project": {"id": PROJECT_ID, "name": project, "url": format!("/project/{PROJECT_ID}")},
        "source": {"name": function.name, "url": ""},
    })
}

fn delivery(
    function: &HogFunction,
    event: &Event,
    globals: &Value,
    at: Timestamp,
    serial: usize,
) -> Delivery {
    let rendered = function
        .inputs
        .iter()
        .map(|(name, it)| (name.as_str(), render(&it["value"], language(&it["templating"]), globals)));
    let inputs: Map<String, Value> = rendered.map(|(name, it)| (name.to_owned(), it)).collect();
    let input = |name: &str| inputs.get(name).cloned().unwrap_or_default();
    let (is_slack, is_webhook) =
        (function.template.id == "template-slack", function.template.id == "template-webhook");
    let method = || if input("method").is_null() { "POST".into() } else { input("method") };
    Delivery {
        id: uuid(&["delivery", &function.id, &event.uuid, &serial.to_string()]),
        at,
        function: function.id.clone(),
        function_name: function.name.clone(),
        template: function.template.id,
        channel: input("channel"),
        url: if is_webhook { input("url") } else { input("webhookUrl") },
        method: if is_webhook { method() } else { Value::Null },
        headers: input("headers"),
        text: if function.template.id == "template-discord" { input("content") } else { input("text") },
        body: if is_slack { input("blocks") } else { input("body") },
        event: event.event.to_string(),
        event_uuid: event.uuid.to_string(),
    }
}
