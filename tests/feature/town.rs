//! People who use the product, hour by hour: their SDK asks for the flag, and what they do depends on the answer.

use flagline::sandbox::PROJECT_TOKEN;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::posthog::Posthog;

/// Everybody in town.
pub struct Town {
    people: Vec<Person>,
    flag: &'static str,
    /// Of those who have the feature, and not as the control, one in so many meets an exception each hour; 0 = nobody.
    pub one_in: usize,
}

struct Person {
    id: String,
    properties: Value,
}

impl Town {
    /// Eight colleagues, twelve testers, and eighty customers of whom half are worth more than 100.
    pub fn new(flag: &'static str) -> Town {
        let of = |prefix: &str, n: usize, properties: &dyn Fn(usize) -> Value| -> Vec<Person> {
            let one = |at| Person { id: format!("{prefix}{at:02}"), properties: properties(at) };
            (0..n).map(one).collect()
        };
        let mut people =
            of("colleague", 8, &|at| json!({ "email": format!("c{at}@offset.example"), "ltv": 0 }));
        people.extend(of(
            "tester",
            12,
            &|at| json!({ "email": format!("t{at}@mail.example"), "tester": "yes", "ltv": 500 }),
        ));
        people.extend(of("customer", 80, &|at| {
            json!({ "email": format!("p{at}@mail.example"), "ltv": if at % 2 == 0 { 20 } else { 200 } })
        }));
        Town { people, flag, one_in: 0 }
    }

    /// Everyone is known to PostHog.
    pub async fn moves_in(&self, posthog: &Posthog) {
        let known = |it: &Person| {
            json!({
                "event": "$identify", "distinct_id": it.id, "timestamp": posthog_now(),
                "properties": { "$set": it.properties },
            })
        };
        self.send(posthog, self.people.iter().map(known).collect()).await;
    }

    /// One hour that ends now: a third of the people come by, each in a minute of their own.
    pub async fn hour(&self, posthog: &Posthog, hour: usize, now: Timestamp) {
        let mut events = Vec::new();
        for (n, person) in self.people.iter().enumerate().filter(|(n, _)| (n + hour).is_multiple_of(3)) {
            let at = now - SignedDuration::from_secs(60 * (58 - (n as i64 * 7) % 55));
            let value = self.asks(posthog, person).await;
            let event = |name: &str, properties: Value| json!({ "event": name, "distinct_id": person.id, "timestamp": at, "properties": properties });
            let carried = format!("$feature/{}", self.flag);
            events.push(event(
                "$feature_flag_called",
                json!({ "$feature_flag": self.flag, "$feature_flag_response": value, "$lib": "web" }),
            ));
            events.push(event("$pageview", json!({ carried.as_str(): value })));
            if value == false {
                continue;
            }
            events.push(event("video_watched", json!({ carried.as_str(): value })));
            if self.one_in > 0 && value != "control" && (n / 3).is_multiple_of(self.one_in) {
                events.push(event(
                    "$exception",
                    json!({
                        carried.as_str(): value,
                        "$exception_types": ["TypeError"],
                        "$exception_values": ["video is undefined"],
                        "$exception_issue_id": "0190aaaa-0000-7000-8000-000000000001",
                    }),
                ));
            }
        }
        self.send(posthog, events).await;
    }

    /// What the flag is for somebody now, as the API of SDKs says it.
    async fn asks(&self, posthog: &Posthog, person: &Person) -> Value {
        let body = json!({ "api_key": PROJECT_TOKEN, "distinct_id": person.id });
        let (status, answer) = posthog.ask("POST", "/flags/?v=2", body).await;
        assert_eq!(status, 200, "{answer}");
        let flag = &answer["flags"][self.flag];
        match (&flag["variant"], flag["enabled"] == true) {
            (Value::String(variant), _) => variant.as_str().into(),
            (_, is_on) => is_on.into(),
        }
    }

    /// Who has the feature now.
    pub async fn who_has_it(&self, posthog: &Posthog) -> Vec<&str> {
        let mut who = Vec::new();
        for person in &self.people {
            if self.asks(posthog, person).await != false {
                who.push(person.id.as_str());
            }
        }
        who
    }

    async fn send(&self, posthog: &Posthog, events: Vec<Value>) {
        let body = json!({ "api_key": PROJECT_TOKEN, "batch": events });
        let (status, answer) = posthog.ask("POST", "/batch/", body).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// People were there before anything happened.
fn posthog_now() -> &'static str {
    "2026-11-01T00:00:00Z"
}
