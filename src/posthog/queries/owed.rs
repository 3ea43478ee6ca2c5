//! Messages that a webhook was not told so far: each says so when it is captured, and a second event says when it was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Query, decides, names};
use crate::flags::FlagKey;

/// What a webhook gets: a message as it was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The same for the same message.
    pub id: Uuid,
    /// The flag.
    pub flag: FlagKey,
    /// The stage that it is about.
    pub stage: String,
    /// What happened.
    pub kind: String,
    /// What people read.
    pub text: String,
}

impl Post {
    /// Its body.
    pub fn body(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "flag": self.flag.as_str(),
            "stage": self.stage,
            "kind": self.kind,
            "text": self.text,
        })
    }
}

/// A message that a webhook was not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The message.
    pub post: Post,
    /// The webhook, by the team's name for it.
    pub webhook: String,
    /// When the message was captured.
    pub at: Timestamp,
}

/// Late messages about some flags, and which of them a webhook was told: the names of both events.
pub fn owed(message: &str, told: &str, keys: &[FlagKey]) -> Query {
    let text = "SELECT event, properties.id AS id, properties.message AS message, properties.webhook AS webhook, \
                properties.flag AS flag, properties.stage AS stage, properties.kind AS kind, \
                properties.text AS said, toUnixTimestamp(timestamp) AS seconds FROM events \
                WHERE event IN ({message}, {told}) AND properties.flag IN {keys} \
                AND timestamp >= now() - INTERVAL 2 DAY ORDER BY seconds LIMIT 10000";
    decides("flagline owed", text.into(), json!({ "message": message, "told": told, "keys": names(keys) }))
}

/// Its rows: what is owed by flag, oldest first.
pub fn owed_rows(told: &str, rows: &[Vec<Value>]) -> BTreeMap<FlagKey, Vec<Owed>> {
    let id = |it: &Value| it.as_str()?.parse::<Uuid>().ok();
    // What was told once is not told again, and an event may stand there twice.
    let mut seen: BTreeSet<Uuid> = rows
        .iter()
        .filter(|row| row.first().is_some_and(|it| it == told))
        .filter_map(|row| id(row.get(2)?))
        .collect();
    let mut all: BTreeMap<FlagKey, Vec<Owed>> = BTreeMap::new();
    for it in
        rows.iter().filter(|row| row.first().is_some_and(|it| it != told)).filter_map(|row| owed_row(row))
    {
        if seen.insert(it.post.id) {
            all.entry(it.post.flag.clone()).or_default().push(it);
        }
    }
    all
}

fn owed_row(row: &[Value]) -> Option<Owed> {
    let [_, id, _, webhook, flag, stage, kind, text, seconds] = row else { return None };
    let words = |it: &Value| it.as_str().map(str::to_owned);
    Some(Owed {
        post: Post {
            id: id.as_str()?.parse().ok()?,
            flag: flag.as_str()?.into(),
            stage: words(stage)?,
            kind: words(kind)?,
            text: words(text)?,
        },
        webhook: words(webhook)?,
        at: Timestamp::from_second(seconds.as_i64()?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_not_owed() {
        let id = |n: u128| Uuid::from_u128(n).to_string();
        let message = |n, webhook: Value| {
            let id = id(n);
            vec![
                json!("m"),
                json!(id),
                Value::Null,
                webhook,
                json!("a"),
                json!("beta"),
                json!("entered"),
                json!("A"),
                json!(n),
            ]
        };
        let told = |n| {
            let mut row = vec![Value::Null; 9];
            (row[0], row[2]) = (json!("t"), json!(id(n)));
            row
        };
        let rows = [
            message(1, json!("hook")),
            message(2, json!("hook")),
            message(2, json!("hook")),
            message(3, Value::Null),
            message(4, json!("hook")),
            told(1),
            vec![json!("m")],
            vec![],
        ];
        let owed = owed_rows("t", &rows);
        let ids: Vec<Uuid> = owed[&FlagKey::from("a")].iter().map(|it| it.post.id).collect();
        assert_eq!(ids, [2, 4].map(Uuid::from_u128));
    }
}
