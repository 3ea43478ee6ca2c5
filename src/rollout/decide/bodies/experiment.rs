use serde_json::{Value, json};

use super::super::{Found, Target};
use super::{described, exactly, legacy, node};
use crate::feature::brief::{EarlyAccessStage, EventEntry, Goal, Metric, MetricKind};

/// The draft of an experiment on the flag, with the brief's metrics (posthog-api 4.3).
pub(in super::super) fn experiment(target: &Target, found: &Found) -> Value {
    let brief = &target.brief;
    let variants: Vec<Value> = brief
        .variants()
        .iter()
        .map(|it| json!({ "key": it.key, "name": it.key, "rollout_percentage": it.percent }))
        .collect();
    let mut body = json!({
        "name": brief.title(),
        "description": described(brief.hypothesis.as_deref().unwrap_or_default(), &brief.key),
        "feature_flag_key": brief.key,
        "parameters": { "feature_flag_variants": variants },
    });
    match found.is_old {
        true => {
            let filters = brief.metric.as_ref().and_then(goal);
            body["filters"] = filters.unwrap_or_else(|| json!({}));
        }
        false => {
            let of = |it: &Metric| metric(target, it);
            body["metrics"] = brief.metric.iter().map(of).collect();
            body["metrics_secondary"] = brief.secondary.iter().map(of).collect();
        }
    }
    body
}

/// A metric as experiments count it.
fn metric(target: &Target, metric: &Metric) -> Value {
    let event = |it: &EventEntry| json!({ "kind": "EventsNode", "event": it.event(), "name": it.event(), "properties": it.properties() });
    let goal = match metric.goal {
        Goal::AtLeast => "increase",
        Goal::AtMost => "decrease",
    };
    let mut body = json!({ "kind": "ExperimentMetric", "name": metric.title(), "goal": goal });
    match metric.kind {
        MetricKind::Trend => {
            body["metric_type"] = "mean".into();
            body["source"] = metric.events.first().map(event).unwrap_or_default();
        }
        MetricKind::Funnel => {
            body["metric_type"] = "funnel".into();
            body["series"] = metric.events.iter().map(event).collect();
        }
        MetricKind::Retention => {
            let called =
                node("$feature_flag_called", "total", vec![exactly("$feature_flag", &[target.key().into()])]);
            let page = json!({ "kind": "EventsNode", "event": "$pageview", "name": "$pageview" });
            body["metric_type"] = "retention".into();
            body["start_event"] = called;
            body["completion_event"] = metric.events.first().map_or(page, event);
            body["retention_window_start"] = 1.into();
            body["retention_window_end"] = 7.into();
            body["retention_window_unit"] = "day".into();
            body["start_handling"] = "first_seen".into();
        }
    }
    body
}

/// What decides an experiment on a server that described it by filters; coming back was not among it.
fn goal(metric: &Metric) -> Option<Value> {
    let kind = match metric.kind {
        MetricKind::Trend => "TrendsQuery",
        MetricKind::Funnel => "FunnelsQuery",
        MetricKind::Retention => return None,
    };
    let series: Vec<Value> =
        metric.events.iter().map(|it| node(it.event(), "total", it.properties())).collect();
    legacy::filters(&json!({
        "kind": kind,
        "series": series,
        "dateRange": { "date_from": "-14d" },
        "interval": "day",
        "filterTestAccounts": false,
        "trendsFilter": { "display": "ActionsLineGraph" },
        "funnelsFilter": { "funnelVizType": "steps", "funnelOrderType": "ordered" },
    }))
}

/// The early access feature on the flag; `None` while the flag is missing, or when the brief has none.
pub(in super::super) fn early_access(target: &Target, found: &Found) -> Option<Value> {
    let brief = &target.brief;
    let wanted = brief.early_access.as_ref()?;
    let stage = match wanted.stage {
        EarlyAccessStage::Concept => "concept",
        EarlyAccessStage::Alpha => "alpha",
        EarlyAccessStage::Beta => "beta",
    };
    let about = wanted.description.as_ref().or(brief.description.as_ref());
    Some(json!({
        "name": brief.title(),
        "description": about.map(String::as_str).unwrap_or_default(),
        "stage": stage,
        "documentation_url": wanted.documentation_url.as_deref().unwrap_or_default(),
        "feature_flag_id": found.flag.as_ref()?.id,
    }))
}
