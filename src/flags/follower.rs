//! Who is told what happens to a flag: functions in PostHog, which run with no client there (posthog-api 4.12).

use serde_json::Value;

/// The event that tells what happens to a feature.
pub const MESSAGE_EVENT: &str = "flagline message";

const CHANGE_EVENT: &str = "$activity_log_entry_created";
const ALERT_EVENT: &str = "$insight_alert_firing";
/// What stands before whom a function tells, in the description of one by which somebody follows.
pub const IT_TELLS: &str = "It tells ";
/// How the description of everything begins that is made, whatever flag it is for.
pub const MADE_FOR: &str = "Made by Flagline for the feature flag ";

/// What stands in the description of everything that is made, so that it is found again though somebody renames it.
pub fn marker(key: &str) -> String {
    format!("{MADE_FOR}{key}.")
}

/// The key in such a description.
fn marked(description: &str) -> Option<&str> {
    let key = description.split_once(MADE_FOR)?.1.split_once('.')?.0;
    (!key.is_empty()).then_some(key)
}

/// A function that tells somebody about flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// PostHog's id of the function.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// What it tells.
    pub tells: Tells,
    /// Whom.
    pub place: Place,
    /// Whether it runs.
    pub enabled: bool,
    /// The flag that it was made for, if it was made here.
    made_for: Option<String>,
    /// The keys whose messages it tells.
    keys: Vec<String>,
    /// The numbers of the flags whose changes it tells.
    ids: Vec<u64>,
}

/// What a follower is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tells {
    /// What happens to the feature: `flagline message`.
    Messages,
    /// Every change of the flag.
    Changes,
    /// The alert on exceptions.
    Alerts,
}

/// Where a follower is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A Slack channel.
    Slack {
        /// Its id; lists of functions may leave it out.
        id: Option<String>,
        /// Its name with `#`, as far as it is known.
        name: Option<String>,
    },
    /// A webhook.
    Webhook {
        /// The team's name of it; none where it was made by hand.
        name: Option<String>,
    },
    /// Another service.
    Other,
}

impl Tells {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Tells::Messages => "messages",
            Tells::Changes => "changes",
            Tells::Alerts => "alerts",
        }
    }
}

impl Follower {
    /// What a function of PostHog is, if it tells of one flag or of several.
    pub fn of(function: &Value) -> Option<Follower> {
        let made_for = function["description"].as_str().and_then(marked).map(str::to_owned);
        let events = function["filters"]["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let tells = events.iter().find_map(|it| match it["id"].as_str()? {
            MESSAGE_EVENT => Some(Tells::Messages),
            CHANGE_EVENT => Some(Tells::Changes),
            // Alerts name an insight and no flag: only the mark tells whose they are.
            ALERT_EVENT if made_for.is_some() => Some(Tells::Alerts),
            _ => None,
        })?;
        let of_events = events.iter().map(|it| &it["properties"]);
        let properties: Vec<&Value> = of_events
            .chain([&function["filters"]["properties"]])
            .filter_map(Value::as_array)
            .flatten()
            .collect();
        let (mut keys, mut ids) = (Vec::new(), Vec::new());
        match tells {
            Tells::Messages => keys = values(&properties, "flag"),
            Tells::Changes if values(&properties, "scope").iter().any(|it| it == "FeatureFlag") => {
                ids = values(&properties, "item_id").iter().filter_map(|it| it.parse().ok()).collect();
            }
            Tells::Changes | Tells::Alerts => {}
        }
        let is_of_a_flag = !keys.is_empty() || !ids.is_empty() || tells == Tells::Alerts;
        is_of_a_flag.then(|| Follower {
            id: function["id"].as_str().unwrap_or_default().to_owned(),
            name: function["name"].as_str().unwrap_or_default().to_owned(),
            tells,
            place: place(function),
            enabled: function["enabled"] == true,
            made_for,
            keys,
            ids,
        })
    }

    /// Whether it tells about a flag. A flag that is gone has no number: then the mark decides on changes.
    pub fn is_about(&self, key: &str, id: Option<u64>) -> bool {
        match self.tells {
            Tells::Messages => self.keys.iter().any(|it| it == key),
            Tells::Changes => match id {
                Some(id) => self.ids.contains(&id),
                None => self.made_for.as_deref() == Some(key),
            },
            Tells::Alerts => self.made_for.as_deref() == Some(key),
        }
    }

    /// Whether it was made here, for this flag alone. A copy that somebody made for more or for others is theirs.
    pub fn is_ours(&self, key: &str) -> bool {
        self.made_for.as_deref() == Some(key)
            && self.keys.iter().all(|it| it == key)
            && self.keys.len() + self.ids.len() <= 1
    }

    /// Whether it tells of one flag alone.
    pub fn is_of_one(&self) -> bool {
        self.keys.len() + self.ids.len() == 1
    }

    /// Whom it tells, in words for a person.
    pub fn whom(&self) -> String {
        match &self.place {
            Place::Slack { name: Some(name), .. } => name.clone(),
            Place::Slack { id: Some(id), .. } => format!("the channel {id}"),
            Place::Webhook { name: Some(name) } => format!("the webhook {name}"),
            Place::Slack { .. } | Place::Webhook { name: None } | Place::Other => format!("'{}'", self.name),
        }
    }
}

/// The values that a property is compared with exactly.
fn values(properties: &[&Value], key: &str) -> Vec<String> {
    let is_meant = |it: &&&Value| {
        it["key"] == key && it.get("operator").is_none_or(|it| it.is_null() || it == "exact" || it == "in")
    };
    let text = |it: &Value| match it {
        Value::String(it) => Some(it.clone()),
        Value::Number(it) => Some(it.to_string()),
        _ => None,
    };
    let found = properties.iter().filter(is_meant).map(|it| &it["value"]);
    found
        .flat_map(|it| match it {
            Value::Array(list) => list.iter().filter_map(text).collect::<Vec<String>>(),
            one => text(one).into_iter().collect(),
        })
        .collect()
}

fn place(function: &Value) -> Place {
    let template = [&function["template_id"], &function["template"]["id"]];
    let called = || {
        let text = |field: &str| function[field].as_str().unwrap_or_default();
        told_to(text("description"), IT_TELLS).or_else(|| told_to(text("name"), " to ")).map(str::to_owned)
    };
    match template.iter().find_map(|it| it.as_str()).unwrap_or_default() {
        "template-slack" => Place::Slack {
            id: function["inputs"]["channel"]["value"].as_str().map(str::to_owned),
            name: called().filter(|it| it.starts_with('#')),
        },
        "template-webhook" => {
            let name = called().and_then(|it| it.strip_prefix("the webhook ").map(str::to_owned));
            Place::Webhook { name }
        }
        _ => Place::Other,
    }
}

/// What follows these words, up to the end of the sentence.
fn told_to<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let rest = text.rsplit_once(words)?.1.trim();
    Some(rest.strip_suffix('.').unwrap_or(rest)).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn function(fields: Value) -> Value {
        let mut it = json!({
            "id": "0190",
            "name": "videos: messages to #releases",
            "description": marker("videos"),
            "enabled": true,
            "template_id": "template-slack",
            "inputs": { "channel": { "value": "C0RELEASES" } },
            "filters": { "events": [{ "id": MESSAGE_EVENT, "properties": [{ "key": "flag", "value": ["videos"] }] }] },
        });
        for (name, value) in fields.as_object().unwrap() {
            it[name] = value.clone();
        }
        it
    }

    fn changes(ids: Value) -> Value {
        json!({ "events": [{ "id": CHANGE_EVENT, "properties": [
            { "key": "scope", "operator": "exact", "value": ["FeatureFlag"] },
            { "key": "item_id", "operator": "exact", "value": ids },
        ] }] })
    }

    #[test]
    fn a_function_is_told_by_its_filters() {
        let it = Follower::of(&function(json!({}))).unwrap();
        assert_eq!((it.tells, it.enabled, &*it.whom()), (Tells::Messages, true, "#releases"));
        assert!(it.is_about("videos", Some(7)) && !it.is_about("video", Some(7)) && it.is_ours("videos"));
        let it = Follower::of(&function(json!({ "filters": changes(json!(["7"])) }))).unwrap();
        assert!(
            it.tells == Tells::Changes && it.is_about("videos", Some(7)) && !it.is_about("videos", Some(8))
        );
        let alert =
            json!({ "events": [{ "id": ALERT_EVENT }], "properties": [{ "key": "alert_id", "value": "a" }] });
        let it = Follower::of(&function(json!({ "filters": alert }))).unwrap();
        assert!(it.tells == Tells::Alerts && it.is_about("videos", None) && !it.is_about("maps", None));
        for filters in [
            json!({}),
            json!({ "events": [{ "id": "$pageview" }] }),
            json!({ "events": [{ "id": MESSAGE_EVENT }] }),
            json!({ "events": [{ "id": CHANGE_EVENT, "properties": [{ "key": "item_id", "value": "7" }] }] }),
        ] {
            assert_eq!(Follower::of(&function(json!({ "filters": filters }))), None, "{filters}");
        }
        assert_eq!(Follower::of(&function(json!({ "filters": alert, "description": "by hand" }))), None);
    }

    #[test]
    fn what_somebody_made_or_widened_is_not_ours() {
        let both = json!({ "events": [{ "id": MESSAGE_EVENT, "properties": [{ "key": "flag", "value": ["videos", "maps"] }] }] });
        let other = json!({ "events": [{ "id": MESSAGE_EVENT, "properties": [{ "key": "flag", "value": "maps" }] }] });
        for (fields, about) in [
            (json!({ "description": "by Ada" }), "videos"),
            (json!({ "description": marker("maps") }), "videos"),
            (json!({ "filters": both }), "videos"),
            (json!({ "filters": other }), "maps"),
        ] {
            let it = Follower::of(&function(fields.clone())).unwrap();
            assert!(it.is_about(about, None) && !it.is_ours("videos"), "{fields}");
        }
        let it = Follower::of(&function(json!({ "filters": changes(json!(["7", "8"])) }))).unwrap();
        assert!(!it.is_ours("videos"));
    }

    #[test]
    fn whom_it_tells_is_in_the_description_whatever_its_name() {
        let told = |fields: Value| Follower::of(&function(fields)).unwrap().whom();
        let tells = |whom: &str| format!("{} It tells {whom}.", marker("videos"));
        assert_eq!(told(json!({ "name": "mine", "description": tells("#v2.0") })), "#v2.0");
        assert_eq!(told(json!({ "name": "mine" })), "the channel C0RELEASES");
        let hook = |name: &str, description: String| {
            told(json!({ "template_id": "template-webhook", "name": name, "description": description }))
        };
        assert_eq!(hook("mine", tells("the webhook deploys")), "the webhook deploys");
        assert_eq!(hook("videos: messages to the webhook deploys", marker("videos")), "the webhook deploys");
        assert_eq!(hook("mine", marker("videos")), "'mine'");
        assert_eq!(told(json!({ "template_id": "template-discord", "name": "mine" })), "'mine'");
    }
}
