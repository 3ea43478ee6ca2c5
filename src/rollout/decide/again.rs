//! What is there already is found again, so that nothing is made twice though somebody renamed or changed it: by name, by
//! what it shows, and by the marker in its description. One thing is never taken for two.

use jiff::Timestamp;
use serde_json::Value;

use super::bodies::{self, is_marked};
use super::launch::slots;
use super::{Found, FunctionKind, InsightKind, Slot, Target};
use crate::feature::differences;
use crate::flags::{Flag, Follower, IT_TELLS, MADE_FOR, Place, Tells};

/// One that should be there.
struct Wanted {
    slot: Slot,
    name: String,
    /// As it would be made; none while what it needs is missing.
    body: Option<Value>,
}

/// The insights of a launch among those of its dashboard.
pub fn insights(target: &Target, found: &Found, list: &[Value]) -> Vec<(Slot, Value)> {
    let field = if found.is_old { "filters" } else { "query" };
    let wanted = bodies::insights(target).into_iter().map(|kind| Wanted {
        slot: Slot::Insight(kind),
        name: bodies::insight_name(target, kind),
        body: bodies::insight(target, found, kind),
    });
    pair(target.key(), wanted.collect(), list, field)
}

/// The playlists of a launch.
pub fn playlists(target: &Target, found: &Found, slots: &[Slot], list: &[Value]) -> Vec<(Slot, Value)> {
    let wanted = slots.iter().filter_map(|slot| {
        let Slot::Playlist(variant) = slot else { return None };
        let body = bodies::playlist(target, found, variant.as_deref());
        let name = body["name"].as_str()?.to_owned();
        Some(Wanted { slot: slot.clone(), name, body: Some(body) })
    });
    pair(target.key(), wanted.collect(), list, "filters")
}

/// The invitation to an interview.
pub fn survey(key: &str, flag: Option<&Flag>, list: &[Value]) -> Option<Value> {
    let name = format!("{key}: interview");
    let is_this = |it: &&Value| !flag.is_some_and(|flag| was_of_another(it, flag));
    let mut list: Vec<Value> = list.iter().filter(is_this).cloned().collect();
    // One that somebody archived stands in the way of another one of its name.
    list.sort_by_key(|it| it["archived"] == true);
    let pairs = pair(key, vec![Wanted { slot: Slot::Survey, name, body: None }], &list, "questions");
    pairs.into_iter().next().map(|it| it.1)
}

/// Whether a survey invited people to an earlier flag of the same key: it began, and is older than the flag.
fn was_of_another(survey: &Value, flag: &Flag) -> bool {
    !survey["start_date"].is_null() && is_older(survey, flag)
}

/// Whether something is older than a flag, so that an earlier flag of its key has it.
pub fn is_older(object: &Value, flag: &Flag) -> bool {
    let made = object["created_at"].as_str().and_then(|it| it.parse::<Timestamp>().ok());
    made.zip(flag.created_at).is_some_and(|(made, flag)| made < flag)
}

/// Signs that a thing is what should be there, the surest first.
const SIGNS: [Sign; 6] =
    [Sign::NameAndContent, Sign::MarkAndContent, Sign::Name, Sign::MarkAndWords, Sign::Mark, Sign::Content];

#[derive(Clone, Copy)]
enum Sign {
    NameAndContent,
    Name,
    MarkAndContent,
    MarkAndWords,
    /// Only where there is one of its kind.
    Mark,
    /// Somebody called and described it anew: what it shows is of this flag alone.
    Content,
}

/// Whose things are looked for, and the field that says what they show.
struct Pairing<'a> {
    key: &'a str,
    field: &'a str,
    is_only: bool,
}

impl Pairing<'_> {
    fn holds(&self, sign: Sign, wanted: &Wanted, there: &Value) -> bool {
        let named = || !wanted.name.is_empty() && there["name"] == wanted.name.as_str();
        let marked = || is_marked(there, self.key);
        let body = wanted.body.as_ref();
        let shows = || body.is_some_and(|it| differences(&it[self.field], &there[self.field]).is_empty());
        let says = || body.is_some_and(|it| it["description"] == there["description"]);
        match sign {
            Sign::NameAndContent => named() && shows(),
            Sign::Name => named(),
            Sign::MarkAndContent => marked() && shows(),
            Sign::MarkAndWords => marked() && says(),
            Sign::Mark => self.is_only && marked(),
            Sign::Content => shows(),
        }
    }
}

/// Pairs what should be there with what is.
fn pair(key: &str, mut wanted: Vec<Wanted>, list: &[Value], field: &str) -> Vec<(Slot, Value)> {
    let pairing = Pairing { key, field, is_only: wanted.len() == 1 };
    let mut left: Vec<&Value> = list.iter().collect();
    let mut pairs = Vec::new();
    for sign in SIGNS {
        wanted.retain(|it| {
            let Some(at) = left.iter().position(|there| pairing.holds(sign, it, there)) else { return true };
            pairs.push((it.slot.clone(), left.remove(at).clone()));
            false
        });
    }
    pairs
}

/// The alert on exceptions: by its name, or else the one that watches the launch's own insight.
pub fn alert<'a>(target: &Target, found: &Found, list: &'a [Value]) -> Option<&'a Value> {
    let name = format!("{}: exceptions", target.key());
    let insight = found.id(&Slot::Insight(InsightKind::ExceptionRate));
    let by_insight = || list.iter().find(|it| insight.is_some() && watched(it) == insight);
    list.iter().find(|it| it["name"] == name.as_str()).or_else(by_insight)
}

/// The number of the insight that an alert watches; servers show the number, or the insight.
pub(super) fn watched(alert: &Value) -> Option<u64> {
    alert["insight"].as_u64().or_else(|| alert["insight"]["id"].as_u64())
}

/// The function of a slot: one that tells the same place already, whoever made it follow; else the launch's own, which
/// may tell another place by now; else one of its name, whatever became of its description.
pub fn function<'a>(target: &Target, found: &Found, slot: &Slot, list: &'a [Value]) -> Option<&'a Value> {
    let (key, flag) = (target.key(), found.flag.as_ref().map(|it| it.id));
    let of_slot = |it: &Value| {
        let follower = Follower::of(it).filter(|it| it.is_ours(key) && it.is_about(key, flag));
        follower.filter(|it| tells(it, slot))
    };
    let is_wanted = slots(target).contains(slot);
    let is_there = |it: &&Value| is_wanted && of_slot(it).is_some_and(|it| is_at(target, found, &it.place));
    let is_own = |it: &&Value| !is_follower(it) && of_slot(it).is_some();
    // Somebody called and described it anew, and it tells the same place of this flag alone.
    let is_alike = |it: &&Value| {
        let follower =
            Follower::of(it).filter(|it| it.is_of_one() && it.is_about(key, flag) && tells(it, slot));
        is_wanted && follower.is_some_and(|it| it.tells != Tells::Alerts && is_at(target, found, &it.place))
    };
    let is_named = |it: &&Value| !is_follower(it) && is_named_for(it, key, slot);
    let first = |is: &dyn Fn(&&Value) -> bool| list.iter().find(|it| is(it));
    first(&is_there).or_else(|| first(&is_own)).or_else(|| first(&is_named)).or_else(|| first(&is_alike))
}

/// Whether somebody follows by it, who may unfollow: that is no launch's.
fn is_follower(function: &Value) -> bool {
    function["description"].as_str().is_some_and(|it| it.contains(IT_TELLS))
}

fn tells(it: &Follower, slot: &Slot) -> bool {
    let is_webhook = matches!(it.place, Place::Webhook { .. });
    match slot {
        Slot::Function(FunctionKind::SlackMessages) => it.tells == Tells::Messages && !is_webhook,
        Slot::Function(FunctionKind::WebhookMessages) => it.tells == Tells::Messages && is_webhook,
        Slot::Function(FunctionKind::SlackChanges) => it.tells == Tells::Changes && !is_webhook,
        Slot::Function(FunctionKind::WebhookChanges) => it.tells == Tells::Changes && is_webhook,
        Slot::AlertFunction => it.tells == Tells::Alerts && !is_webhook,
        _ => false,
    }
}

/// Whether a place is the brief's channel or webhook.
fn is_at(target: &Target, found: &Found, place: &Place) -> bool {
    let channel = found.slack.as_ref().and_then(|it| it.as_ref().ok());
    match place {
        Place::Slack { id: Some(id), .. } => channel.is_some_and(|it| it.id == *id),
        Place::Slack { id: None, name } => channel.is_some_and(|it| name.as_ref() == Some(&it.name)),
        Place::Webhook { name } => name.is_some() && *name == target.brief.notify.webhook,
        Place::Other => false,
    }
}

fn is_named_for(function: &Value, key: &str, slot: &Slot) -> bool {
    let Some(name) = function["name"].as_str() else { return false };
    let is_of = |what: &str| name.starts_with(&format!("{key}: {what} to "));
    let is_webhook = name.contains(" to the webhook ");
    match slot {
        Slot::Function(FunctionKind::SlackMessages) => is_of("messages") && !is_webhook,
        Slot::Function(FunctionKind::WebhookMessages) => is_of("messages") && is_webhook,
        Slot::Function(FunctionKind::SlackChanges) => is_of("changes") && !is_webhook,
        Slot::Function(FunctionKind::WebhookChanges) => is_of("changes") && is_webhook,
        Slot::AlertFunction => is_of("alerts"),
        _ => false,
    }
}

/// The cohorts that stages name: by name, or else the one that was made for this flag and stands in its conditions.
pub fn cohorts(target: &Target, found: &Found, list: &[Value]) -> Vec<(Slot, Value)> {
    let names: Vec<&str> = target.plan.cohorts_named().map(|it| it.0).collect();
    // Of two of one name the older counts, today and tomorrow.
    let named = |name: &str| list.iter().filter(|it| it["name"] == name).min_by_key(|it| it["id"].as_u64());
    let filters = found.flag.as_ref().and_then(Flag::filters).unwrap_or_default();
    // Features share cohorts: another one's launch may have made it.
    let is_made = |it: &Value| it["description"].as_str().is_some_and(|it| it.contains(MADE_FOR));
    let is_renamed = |it: &&Value| {
        is_made(it)
            && filters.cohorts().any(|id| it["id"] == id.0)
            && !names.iter().any(|name| it["name"] == *name)
    };
    let mut renamed: Vec<&Value> = list.iter().filter(is_renamed).collect();
    let missing = names.iter().filter(|it| named(it).is_none()).count();
    let mut pairs = Vec::new();
    for name in names {
        let body = bodies::cohort(target, name);
        let is_static = body.get("filters").is_none();
        let is_alike = |it: &Value| {
            (it["is_static"] == true) == is_static && bodies::cohort_differences(&body, it).is_empty()
        };
        let is_same = |it: &&Value| missing == 1 || is_alike(it);
        let found = named(name).or_else(|| {
            let at = renamed.iter().position(is_same)?;
            Some(renamed.remove(at))
        });
        pairs.extend(found.map(|it| (Slot::Cohort(name.to_owned()), it.clone())));
    }
    pairs
}
