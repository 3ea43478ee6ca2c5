//! Messages that a webhook was not told so far: each says so when it is captured, and a second event says when it was, or
//! that no answer came.

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
    /// How often it was sent without an answer.
    pub unanswered: usize,
}

/// So often a message is sent without an answer: a webhook may have been told each time.
pub const MOST_UNANSWERED: usize = 2;

/// Messages of the last days about some flags, and which of them a webhook was told: the names of both events. Of very many
/// the newest ones: what says that a webhook was told is newer than the message.
pub fn owed(message: &str, told: &str, keys: &[FlagKey]) -> Query {
    let text = "SELECT event, properties.id AS id, properties.message AS message, properties.webhook AS webhook, \
                properties.flag AS flag, properties.stage AS stage, properties.kind AS kind, \
                properties.text AS said, toUnixTimestamp(timestamp) AS seconds, \
                toString(properties.answered) AS answered FROM events \
                WHERE event IN ({message}, {told}) AND properties.flag IN {keys} \
                AND timestamp >= now() - INTERVAL 8 DAY ORDER BY seconds DESC LIMIT 10000";
    decides("flagline owed", text.into(), json!({ "message": message, "told": told, "keys": names(keys) }))
}

/// Its rows: what is owed by flag, oldest first.
pub fn owed_rows(told: &str, rows: &[Vec<Value>]) -> BTreeMap<FlagKey, Vec<Owed>> {
    let id = |it: &Value| it.as_str()?.parse::<Uuid>().ok();
    let marks = rows.iter().filter(|row| row.first().is_some_and(|it| it == told));
    let (unanswered, told_ones): (Vec<_>, Vec<_>) =
        marks.partition(|row| row.get(9).is_some_and(|it| it == "false"));
    // What was told once is not told again, and an event may stand there twice.
    let mut seen: BTreeSet<Uuid> = told_ones.into_iter().filter_map(|row| id(row.get(2)?)).collect();
    let tries: BTreeSet<(Uuid, Uuid)> =
        unanswered.into_iter().filter_map(|row| Some((id(row.get(2)?)?, id(row.get(1)?)?))).collect();
    let mut all: BTreeMap<FlagKey, Vec<Owed>> = BTreeMap::new();
    let messages = rows.iter().rev().filter(|row| row.first().is_some_and(|it| it != told));
    for mut it in messages.filter_map(|row| owed_row(row)) {
        it.unanswered = tries.iter().filter(|(message, _)| *message == it.post.id).count();
        if it.unanswered < MOST_UNANSWERED && seen.insert(it.post.id) {
            all.entry(it.post.flag.clone()).or_default().push(it);
        }
    }
    all
}

fn owed_row(row: &[Value]) -> Option<Owed> {
    let [_, id, _, webhook, flag, stage, kind, text, seconds, _] = row else { return None };
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
        unanswered: 0,
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
                Value::Null,
            ]
        };
        let told = |n| {
            let mut row = vec![Value::Null; 10];
            (row[0], row[2]) = (json!("t"), json!(id(n)));
            row
        };
        let unanswered = |n, attempt| {
            let mut row = told(n);
            (row[1], row[9]) = (json!(id(attempt)), json!("false"));
            row
        };
        let mut rows = [
            message(1, json!("hook")),
            message(2, json!("hook")),
            message(2, json!("hook")),
            message(3, Value::Null),
            message(4, json!("hook")),
            told(1),
            message(5, json!("hook")),
            unanswered(5, 50),
            unanswered(5, 50),
            message(6, json!("hook")),
            unanswered(6, 60),
            unanswered(6, 61),
            vec![json!("m")],
            vec![],
        ];
        // The newest ones come first.
        rows.reverse();
        let owed = owed_rows("t", &rows);
        let owed: Vec<(u128, usize)> =
            owed[&FlagKey::from("a")].iter().map(|it| (it.post.id.as_u128(), it.unanswered)).collect();
        assert_eq!(owed, [(2, 0), (4, 0), (5, 1)], "what was sent twice without an answer is not sent again");
    }
}
