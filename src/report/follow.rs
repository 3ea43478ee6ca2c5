//! Who follows a flag, for people and programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::flags::{Follower, Place, Tells};
use crate::rollout::decide::follow::Whom;
use crate::rollout::follow::{Done, Followed, Following};

/// Who follows, a line for each, and before it how many that are.
pub fn followers_text(following: &Following) -> Vec<String> {
    let (key, project) = (&following.scene.key, &following.project.name);
    let all = following.followers();
    if all.is_empty() {
        return vec![format!("Nobody follows '{key}' in {project}.")];
    }
    let mut told: BTreeMap<(bool, String), Vec<String>> = BTreeMap::new();
    for it in &all {
        let ours = following.scene.is_ours(it);
        let disabled = if it.enabled { "" } else { " (disabled)" };
        told.entry((!ours, it.whom())).or_default().push(format!("{}{disabled}", it.tells.word()));
    }
    let lines = told.into_iter().map(|((by_hand, whom), tells)| {
        let note = if by_hand { "; made by hand, left alone" } else { "" };
        format!("  {whom}: {}{note}", tells.join(", "))
    });
    std::iter::once(format!("Who follows '{key}' in {project}:")).chain(lines).collect()
}

/// What came of following, in a sentence.
pub fn followed_words(following: &Following, whom: &Whom, followed: &Followed) -> String {
    let key = &following.scene.key;
    let what = match followed.follower.tells {
        Tells::Messages => format!("what happens to '{key}'"),
        Tells::Changes | Tells::Alerts => format!("every change of '{key}'"),
    };
    let (whom, project) = (whom.words(), &following.project.name);
    match followed.done {
        Done::Made => format!("{whom} follows: {project} tells it {what}."),
        Done::Enabled => format!("{whom} follows again: {project} tells it {what}."),
        Done::Kept => format!("{whom} follows already: {project} tells it {what}."),
        Done::LeftDisabled => format!("Somebody disabled '{}', and it stays so.", followed.follower.name),
    }
}

/// Who is told no more, in a sentence.
pub fn unfollowed_words(following: &Following, deleted: &[Follower]) -> String {
    let whom = deleted.first().map(Follower::whom).unwrap_or_default();
    let what: Vec<&str> = deleted.iter().map(|it| it.tells.word()).collect();
    format!("{whom} does not follow '{}' any more ({}).", following.scene.key, what.join(", "))
}

/// Who follows, for programs.
pub fn followers_json(following: &Following) -> Value {
    let flag = following
        .flag
        .as_ref()
        .map(|it| json!({ "id": it.id, "link": following.page(&format!("feature_flags/{}", it.id)) }));
    let one = |it: Follower| {
        let by_flagline = following.scene.is_ours(&it);
        let (slack, webhook) = match it.place {
            Place::Slack { id, name } => (Some(json!({ "id": id, "name": name })), None),
            Place::Webhook { name } => (None, name),
            Place::Other => (None, None),
        };
        json!({
            "id": it.id,
            "name": it.name,
            "tells": it.tells.word(),
            "slack": slack,
            "webhook": webhook,
            "enabled": it.enabled,
            "by_flagline": by_flagline,
        })
    };
    json!({
        "key": following.scene.key.as_str(),
        "project": { "id": following.project.id, "name": &*following.project.name },
        "flag": flag,
        "followers": following.followers().into_iter().map(one).collect::<Vec<Value>>(),
    })
}
