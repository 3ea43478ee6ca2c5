use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::super::{Found, FunctionKind, InsightKind, SlackChannel, Slot, Target, Webhook};
use super::marker;
use crate::flags::Tells;
use crate::rollout::message::EVENT;

/// What percentage of people with exceptions raises the alarm where no guard says.
const MANY_EXCEPTIONS: f64 = 5.0;

/// A function that tells people (posthog-api 4.12). `None` while what it needs is missing.
pub(in super::super) fn function(target: &Target, found: &Found, kind: FunctionKind) -> Option<Value> {
    match kind {
        FunctionKind::SlackMessages => {
            let channel = channel(found)?;
            let name = format!("{}: messages to {}", target.key(), channel.name);
            Some(to_slack(target.key(), &name, channel, Tells::Messages, messages(target.key())))
        }
        FunctionKind::SlackChanges => {
            let channel = channel(found)?;
            let name = format!("{}: changes to {}", target.key(), channel.name);
            let filters = changes(found.flag.as_ref()?.id);
            Some(to_slack(target.key(), &name, channel, Tells::Changes, filters))
        }
        FunctionKind::WebhookMessages => webhook(target, Tells::Messages, messages(target.key())),
        FunctionKind::WebhookChanges => webhook(target, Tells::Changes, changes(found.flag.as_ref()?.id)),
    }
}

fn channel(found: &Found) -> Option<&SlackChannel> {
    found.slack.as_ref()?.as_ref().ok()
}

/// The messages about this flag.
pub(in super::super) fn messages(key: &str) -> Value {
    json!({
        "source": "events",
        "events": [{
            "id": EVENT,
            "name": EVENT,
            "type": "events",
            "properties": [{ "key": "flag", "type": "event", "operator": "exact", "value": [key] }],
        }],
    })
}

/// The changes of this flag, as PostHog's activity has them.
pub(in super::super) fn changes(flag: u64) -> Value {
    let exact = |key: &str, value: String| json!({ "key": key, "type": "event", "operator": "exact", "value": [value] });
    let of_flag = [exact("scope", "FeatureFlag".into()), exact("item_id", flag.to_string())];
    json!({
        "source": "events",
        "events": [{ "id": "$activity_log_entry_created", "type": "events", "properties": of_flag }],
    })
}

/// What Slack is told of a change.
const CHANGE: &str =
    "Flag {event.properties.detail.name}: {event.properties.activity} by {event.properties.user.email}";

fn kind(tells: Tells) -> &'static str {
    if tells == Tells::Messages { "destination" } else { "internal_destination" }
}

/// A function that writes messages or changes into a channel.
pub(in super::super) fn to_slack(
    key: &str,
    name: &str,
    channel: &SlackChannel,
    tells: Tells,
    filters: Value,
) -> Value {
    let text = if tells == Tells::Messages { "{event.properties.text}" } else { CHANGE };
    slack(key, name, kind(tells), channel, text, filters)
}

fn slack(key: &str, name: &str, kind: &str, channel: &SlackChannel, text: &str, filters: Value) -> Value {
    json!({
        "type": kind,
        "name": name,
        "description": marker(key),
        "enabled": true,
        "template_id": "template-slack",
        "inputs": {
            "slack_workspace": { "value": channel.workspace },
            "channel": { "value": channel.id },
            "text": { "value": text },
        },
        "filters": filters,
    })
}

fn webhook(target: &Target, tells: Tells, filters: Value) -> Option<Value> {
    let Webhook::Known(address) = &target.webhook else { return None };
    let named = target.brief.notify.webhook.as_deref().unwrap_or_default();
    let name = format!("{}: {} to the webhook {named}", target.key(), tells.word());
    Some(to_webhook(target.key(), &name, address, tells, filters))
}

/// A function that posts messages or changes to a webhook.
pub(in super::super) fn to_webhook(
    key: &str,
    name: &str,
    address: &SecretString,
    tells: Tells,
    filters: Value,
) -> Value {
    let body = match tells {
        Tells::Messages => json!({
            "id": "{event.uuid}",
            "flag": "{event.properties.flag}",
            "stage": "{event.properties.stage}",
            "kind": "{event.properties.kind}",
            "text": "{event.properties.text}",
        }),
        Tells::Changes | Tells::Alerts => json!({
            "id": "{event.uuid}",
            "flag": "{event.properties.detail.name}",
            "kind": "changed",
            "text": CHANGE,
        }),
    };
    json!({
        "type": kind(tells),
        "name": name,
        "description": marker(key),
        "enabled": true,
        "template_id": "template-webhook",
        "inputs": {
            "url": { "value": address.expose_secret() },
            "method": { "value": "POST" },
            "headers": { "value": { "Content-Type": "application/json" } },
            "body": { "value": body },
        },
        "filters": filters,
    })
}

/// The alert on exceptions; `None` while its insight is missing.
pub(in super::super) fn alert(target: &Target, found: &Found) -> Option<Value> {
    let insight = found.id(&Slot::Insight(InsightKind::ExceptionRate))?;
    // An alert compares with a number, not with another time or variant.
    let guard = target.brief.guard.iter().find(|it| it.metric == "exceptions" && it.baseline.is_none());
    let upper = guard.and_then(|it| it.above).unwrap_or(MANY_EXCEPTIONS);
    Some(json!({
        "name": format!("{}: exceptions", target.key()),
        "insight": insight,
        "subscribed_users": target.alerted,
        "condition": { "type": "absolute_value" },
        "threshold": { "configuration": { "type": "absolute", "bounds": { "upper": upper } } },
        "config": { "type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": true },
        "calculation_interval": "hourly",
        "enabled": true,
    }))
}

/// What tells Slack of the alert; `None` while one of them is missing.
pub(in super::super) fn alert_function(target: &Target, found: &Found) -> Option<Value> {
    let (alert, channel) = (found.text_id(&Slot::Alert, "id")?, channel(found)?);
    let name = format!("{}: alerts to {}", target.key(), channel.name);
    let text = "{event.properties.alert_name}: {event.properties.alert_calculated_value}";
    let filters = json!({
        "source": "events",
        "events": [{ "id": "$insight_alert_firing", "type": "events" }],
        "properties": [{ "key": "alert_id", "type": "event", "operator": "exact", "value": alert }],
    });
    Some(slack(target.key(), &name, "internal_destination", channel, text, filters))
}
