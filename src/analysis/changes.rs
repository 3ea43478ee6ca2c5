use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::markup::{ago, plain};
use crate::feature::stage;
use crate::flags::{Environment, Flag, FlagKey, History};

/// What is older is no news for a message, only for the log.
const NEWS_FOR: SignedDuration = SignedDuration::from_mins(10);

/// A change of a flag that somebody else made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The flag.
    pub key: FlagKey,
    /// PostHog's number of it.
    pub id: u64,
    /// Its version after the change, or what stands for it on servers without versions.
    pub version: Option<i64>,
    /// `new-checkout: 2/4 beta, 40 % → everyone, 2 min ago, by Ada`.
    pub text: String,
    /// Whether it happened a moment ago.
    pub is_recent: bool,
}

/// What happened between two states of the mirror to the flags that are read here, the user's own changes and
/// those that change nothing for anybody left out.
pub fn changes(
    before: &Environment,
    after: &Environment,
    read: &BTreeSet<FlagKey>,
    now: Timestamp,
) -> Vec<Change> {
    let (Some(old), Some(new)) = (&before.flags, &after.flags) else { return Vec::new() };
    let mut found = Vec::new();
    for key in read {
        let Some(flag) = new.by_key.get(key) else { continue };
        let old = old.by_key.get(key).filter(|it| it.id == flag.id);
        let by = flag.modified_by.as_ref();
        let is_mine = by.zip(after.me.as_deref()).is_some_and(|(by, me)| !me.is_empty() && by.email == me);
        let Some(what) = what(before, after, old.map(|it| &**it), flag).filter(|_| !is_mine) else {
            continue;
        };
        let by = by.map(|it| format!(", by {}", it.display())).unwrap_or_default();
        let when = flag.updated_at.map(|it| format!(", {}", ago(it, now))).unwrap_or_default();
        let text = plain(&format!("{key}: {what}{when}{by}"));
        let is_recent = flag.updated_at.is_some_and(|it| now.duration_since(it) < NEWS_FOR);
        found.push(Change { key: key.clone(), id: flag.id, version: Some(flag.stamp()), text, is_recent });
    }
    found
}

fn what(before: &Environment, after: &Environment, old: Option<&Flag>, new: &Flag) -> Option<String> {
    let stage_in = |environment: &Environment, flag: &Flag| {
        stage(flag, environment.history_of(flag).map(|it| -> &History { it })).to_string()
    };
    let now = stage_in(after, new);
    let Some(old) = old else { return Some(format!("created, {now}")) };
    let served = |it: &Flag| (it.active, it.archived, it.deleted, it.filters.get().to_owned());
    if served(old) == served(new) {
        return None;
    }
    let then = stage_in(before, old);
    Some(if then == now {
        format!("release conditions changed ({now})")
    } else {
        format!("{then} → {now}")
    })
}
