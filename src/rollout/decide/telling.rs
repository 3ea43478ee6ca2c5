//! What becomes of that which tells people: functions, the alert on exceptions, and what an earlier brief wanted told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::again::watched;
use super::bodies;
use super::launch::{Action, kept_or_changed, lacks, there_or};
use super::{Found, FunctionKind, InsightKind, Slot, Target, Webhook};
use crate::feature::differences;

/// A function that tells people.
pub(super) fn function(target: &Target, found: &Found, kind: FunctionKind) -> Action {
    let slot = Slot::Function(kind);
    if let Some(why) = cannot_tell(target, found, kind) {
        return cannot(found, &slot, why);
    }
    let fields = ["inputs", "filters", "enabled"];
    let body = bodies::function(target, found, kind);
    // The address is a secret in the environment, and another machine may have another one.
    let fields = if kind.is_webhook() { &fields[1..] } else { &fields[..] };
    with_name(there_or(target, found, &slot, || body.clone(), fields), body.as_ref())
}

/// What cannot be made; one that is there goes on as it is.
fn cannot(found: &Found, slot: &Slot, why: String) -> Action {
    match found.objects.contains_key(slot) {
        true => Action::Differs(vec![format!("{why}; what is there goes on telling")]),
        false => Action::Skip(why),
    }
}

/// One that tells another place from now on is called after it: its name says whom it tells.
fn with_name(action: Action, body: Option<&Value>) -> Action {
    match action {
        Action::Change(mut change, what) if what.iter().any(|it| it.starts_with("inputs")) => {
            if let (Some(change), Some(name)) = (change.as_object_mut(), body.map(|it| it["name"].clone())) {
                change.insert("name".into(), name);
            }
            Action::Change(change, what)
        }
        action => action,
    }
}

/// Why there is no way to tell people by this function.
fn cannot_tell(target: &Target, found: &Found, kind: FunctionKind) -> Option<String> {
    match (kind, &found.slack, &target.webhook) {
        (kind, _, Webhook::Missing(variable)) if kind.is_webhook() => {
            let there = found.objects.contains_key(&Slot::Function(kind));
            (!there).then(|| format!("the webhook's address is not in the variable {variable}"))
        }
        (kind, ..) if kind.is_webhook() => None,
        (_, Some(Err(why)), _) => Some(why.clone()),
        (_, None, _) => Some("Slack could not be asked for its channels".into()),
        (_, Some(Ok(_)), _) => None,
    }
}

/// The alert on exceptions.
pub(super) fn alert(target: &Target, found: &Found) -> Action {
    let insight = Slot::Insight(InsightKind::ExceptionRate);
    if found.is_old {
        return Action::Skip("this server has no alerts".into());
    }
    if lacks(target, found, &insight) {
        return Action::Skip("needs its insight".into());
    }
    let (body, there) = (bodies::alert(target, found), found.objects.get(&Slot::Alert));
    let (Some(body), Some(there)) = (&body, there) else {
        return there_or(target, found, &Slot::Alert, || body, &[]);
    };
    let mut wanted = json!({ "threshold": body["threshold"], "enabled": body["enabled"] });
    let mut changed = differences(&wanted, there);
    if watched(there) != watched(body) {
        changed.push("it watches another insight".into());
        wanted["insight"] = body["insight"].clone();
    }
    // Whoever subscribed besides stays so. Servers show numbers, or people.
    let number = |it: &Value| it.as_u64().or_else(|| it["id"].as_u64());
    let mut subscribed: BTreeSet<u64> =
        there["subscribed_users"].as_array().into_iter().flatten().filter_map(number).collect();
    let (n, brief) = (subscribed.len(), &target.brief);
    // Whoever launches is told only where the brief names nobody, and then another one may be told already.
    let is_named = brief.owner.is_some() || !brief.notify.people.is_empty();
    if is_named || n == 0 {
        subscribed.extend(&target.alerted);
    }
    if subscribed.len() > n {
        changed.push("subscribed_users".into());
        wanted["subscribed_users"] = json!(subscribed);
    }
    kept_or_changed(target, changed, wanted)
}

/// What tells Slack of the alert.
pub(super) fn alert_function(target: &Target, found: &Found) -> Action {
    if lacks(target, found, &Slot::Alert) {
        return Action::Skip("needs the alert".into());
    }
    if let Some(why) = cannot_tell(target, found, FunctionKind::SlackMessages) {
        return cannot(found, &Slot::AlertFunction, why);
    }
    let body = bodies::alert_function(target, found);
    let fields = ["inputs", "filters", "enabled"];
    with_name(there_or(target, found, &Slot::AlertFunction, || body.clone(), &fields), body.as_ref())
}
