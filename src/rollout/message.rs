//! What happens to a feature, told as an event in the user's project: `flagline message`. A function in PostHog delivers
//! it; a webhook whose address is in the environment is posted directly, and a second event says that it was, or that no
//! answer came.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::posthog::queries::Post;

/// The name of the event.
pub const EVENT: &str = crate::flags::MESSAGE_EVENT;

/// The name of the event that says that a webhook was told a message, or with `answered: false` that it may be. Nothing that waits for messages waits for it.
pub const TOLD_EVENT: &str = "flagline webhook";

/// The namespace of messages' ids: the v5 id of the product's name as a URL.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f2c_0a5e_98a3_5d7d_9d5a_6a1c_41f0_7be3);

/// One message about a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The flag's key.
    pub flag: String,
    /// The number of the flag: another one of the same key is another feature.
    pub flag_id: u64,
    /// The stage that it is about.
    pub stage: String,
    /// What happened.
    pub kind: Kind,
    /// When that was, of what can happen more than once: a stage that is entered again is told again.
    pub occasion: Option<Timestamp>,
    /// What people read.
    pub text: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The feature was launched.
    Launched,
    /// Enough people met it for somebody to look at it.
    Met,
    /// A further stage was opened.
    Entered,
    /// It was stopped.
    Stopped,
    /// People are invited to an interview.
    Interview,
    /// Everyone gets it.
    Everyone,
    /// It was the same for everyone for long enough to be removed from the code.
    Remove,
    /// It is time to look at what came of it.
    Review,
}

impl Kind {
    /// Its name in the event.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Launched => "launched",
            Kind::Met => "met",
            Kind::Entered => "entered",
            Kind::Stopped => "stopped",
            Kind::Interview => "interview",
            Kind::Everyone => "everyone",
            Kind::Remove => "remove",
            Kind::Review => "review",
        }
    }
}

impl Message {
    /// The same for the same message, however often it is sent: PostHog merges events of one id, and nobody sends one
    /// that is there.
    pub fn id(&self, project: u64) -> Uuid {
        let mut name = format!("{project}/{}/{}/{}", self.flag_id, self.stage, self.kind.name());
        if let Some(occasion) = self.occasion {
            name += &format!("/{occasion}");
        }
        Uuid::new_v5(&NAMESPACE, name.as_bytes())
    }

    /// The event as it is captured, with the name of the webhook that is still to be told. Its time is the server's: by
    /// that, others wait for whoever captured it.
    pub fn event(&self, project: u64, token: &str, webhook: Option<&str>) -> Value {
        let id = self.id(project);
        let mut properties = json!({
            "flag": self.flag,
            "stage": self.stage,
            "kind": self.kind.name(),
            "text": self.text,
            "id": id.to_string(),
        });
        if let Some(webhook) = webhook {
            properties["webhook"] = webhook.into();
        }
        event(token, EVENT, id, properties)
    }

    /// What a webhook gets of it.
    pub fn post(&self, project: u64) -> Post {
        Post {
            id: self.id(project),
            flag: self.flag.as_str().into(),
            stage: self.stage.clone(),
            kind: self.kind.name().to_owned(),
            text: self.text.clone(),
        }
    }
}

/// The event that says that a webhook was told a message.
pub fn told_event(post: &Post, token: &str, webhook: &str) -> Value {
    let id = Uuid::new_v5(&NAMESPACE, format!("{}/webhook", post.id).as_bytes());
    let message = post.id.to_string();
    let properties = json!({ "flag": post.flag.as_str(), "message": message, "webhook": webhook });
    event(token, TOLD_EVENT, id, properties)
}

/// The event that says that a webhook was sent a message at this time and did not answer: one for each try.
pub fn unanswered_event(post: &Post, token: &str, webhook: &str, at: Timestamp) -> Value {
    let id = Uuid::new_v5(&NAMESPACE, format!("{}/webhook/{at}", post.id).as_bytes());
    let properties = json!({
        "flag": post.flag.as_str(),
        "message": post.id.to_string(),
        "webhook": webhook,
        "answered": false,
        "id": id.to_string(),
    });
    event(token, TOLD_EVENT, id, properties)
}

/// An event as it is captured (posthog-api, appendix E). It makes no person.
fn event(token: &str, name: &str, id: Uuid, mut properties: Value) -> Value {
    properties["$process_person_profile"] = false.into();
    json!({
        "api_key": token,
        "event": name,
        "distinct_id": "flagline",
        "uuid": id.to_string(),
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_message_has_the_same_id() {
        let message = |flag_id, stage: &str| Message {
            flag: "videos".into(),
            flag_id,
            stage: stage.into(),
            kind: Kind::Launched,
            occasion: None,
            text: "Videos is on".into(),
        };
        assert_eq!(message(7, "internal").id(1), message(7, "internal").id(1));
        assert_ne!(message(7, "internal").id(1), message(8, "internal").id(1));
        assert_ne!(message(7, "internal").id(1), message(7, "beta").id(1));
        assert_ne!(message(7, "internal").id(1), message(7, "internal").id(2));
        let again = Message { occasion: Some(Timestamp::UNIX_EPOCH), ..message(7, "internal") };
        assert_ne!(message(7, "internal").id(1), again.id(1));
        let event = message(7, "internal").event(1, "phc_x", Some("releases"));
        assert_eq!(event["uuid"], event["properties"]["id"]);
        assert_eq!(event["properties"]["webhook"], "releases");
        let told = told_event(&message(7, "internal").post(1), "phc_x", "releases");
        assert_eq!(told, told_event(&message(7, "internal").post(1), "phc_x", "releases"));
        assert_eq!(told["properties"]["message"], event["uuid"]);
        let post = message(7, "internal").post(1);
        let tries = [0, 1]
            .map(|at| unanswered_event(&post, "phc_x", "releases", Timestamp::from_second(at).unwrap()));
        assert_ne!(tries[0]["uuid"], tries[1]["uuid"], "PostHog merges events of one id");
        assert_eq!(tries[0]["properties"]["message"], event["uuid"]);
        assert_ne!(told["uuid"], event["uuid"]);
        assert_ne!(told["event"], event["event"], "whoever waits for messages is not told of it");
    }
}
