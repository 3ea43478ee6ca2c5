use serde_json::{Value, json};

use super::super::{Found, InsightKind, Slot, Target};
use super::{described, exactly, legacy, node};
use crate::feature::TAG;
use crate::feature::brief::{Count, EventEntry, Metric, MetricKind};
use crate::posthog::queries::Evaluations;

/// The event that SDKs send when code asks for a flag.
const CALLED: &str = "$feature_flag_called";
/// What exceptions are called.
const EXCEPTION: &str = "$exception";

/// The insights of a feature, in the order in which they stand on its dashboard.
pub(in super::super) fn insights(target: &Target) -> Vec<InsightKind> {
    let brief = &target.brief;
    let metric = brief.metric.as_ref();
    let is_retention = metric.is_some_and(|it| it.kind == MetricKind::Retention);
    let mut all = vec![InsightKind::Exposure];
    all.extend(metric.map(|_| InsightKind::Metric));
    all.push(InsightKind::Exceptions);
    all.extend((!is_retention).then_some(InsightKind::Retention));
    all.extend((is_retention || target.is_test()).then_some(InsightKind::WithoutIt));
    all.extend((0..brief.secondary.len()).map(InsightKind::Secondary));
    all.push(InsightKind::ExceptionRate);
    all
}

/// Its name, by which it is found again.
pub(in super::super) fn insight_name(target: &Target, kind: InsightKind) -> String {
    let key = target.key();
    match (kind, metric(target, kind)) {
        (InsightKind::Metric, Some(metric)) => format!("{key}: {} by variant", metric.title()),
        // Two metrics may be called the same.
        (InsightKind::Secondary(at), Some(metric)) => {
            format!("{key}: {}. {} by variant", at + 2, metric.title())
        }
        (kind, _) => format!("{key}: {kind}"),
    }
}

fn metric(target: &Target, kind: InsightKind) -> Option<&Metric> {
    match kind {
        InsightKind::Metric => target.brief.metric.as_ref(),
        InsightKind::Secondary(at) => target.brief.secondary.get(at),
        _ => None,
    }
}

/// An insight; `None` while the dashboard is missing.
pub(in super::super) fn insight(target: &Target, found: &Found, kind: InsightKind) -> Option<Value> {
    let dashboard = found.id(&Slot::Dashboard)?;
    let query = query(target, found, kind)?;
    let mut body = json!({
        "name": insight_name(target, kind),
        "description": described(&description(target, kind), target.key()),
        "dashboards": [dashboard],
        "saved": true,
        "tags": [TAG],
    });
    match found.is_old {
        true => body["filters"] = legacy::filters(&query["source"])?,
        false => body["query"] = query,
    }
    Some(body)
}

fn description(target: &Target, kind: InsightKind) -> String {
    let of_metric = |it: &Metric| {
        let goal = it.target.map(|target| {
            let by = it.by.map(|it| format!(" by {it}")).unwrap_or_default();
            format!(" The target is {target}{by}.")
        });
        let what = match it.kind {
            MetricKind::Trend => "How often it happens, by what people got.",
            MetricKind::Funnel => "How many of those who meet the feature go all the way, by what they got.",
            MetricKind::Retention => "How many of those who have the feature come back, week by week.",
        };
        format!("{what}{}", goal.unwrap_or_default())
    };
    match (kind, metric(target, kind)) {
        (_, Some(metric)) => of_metric(metric),
        (InsightKind::Exposure, _) => {
            "Distinct people a day who were asked for the flag, by what they got.".into()
        }
        (InsightKind::Exceptions, _) => "Exceptions of people, by what they got.".into(),
        (InsightKind::ExceptionRate, _) => {
            "How many in a hundred of the people who have the feature met an exception, hour by hour.".into()
        }
        (InsightKind::WithoutIt, _) => {
            "How many of those who met it and got the old behaviour come back, week by week.".into()
        }
        (_, None) => "How many of those who have the feature come back, week by week.".into(),
    }
}

fn query(target: &Target, found: &Found, kind: InsightKind) -> Option<Value> {
    let source = match (kind, metric(target, kind)) {
        (InsightKind::Exposure, _) => exposure(target, found),
        (InsightKind::Exceptions, _) => by_variant(target, node(EXCEPTION, "total", vec![is_set(target)])),
        (InsightKind::ExceptionRate, _) => exception_rate(target),
        (InsightKind::Retention, _) => retention(target, found, None, &target.responses()),
        (InsightKind::WithoutIt, _) => without_it(target, found),
        (_, Some(metric)) => of_metric(target, found, metric)?,
        (_, None) => return None,
    };
    Some(json!({ "kind": "InsightVizNode", "source": source }))
}

fn of_metric(target: &Target, found: &Found, metric: &Metric) -> Option<Value> {
    Some(match metric.kind {
        MetricKind::Trend => {
            let event = metric.events.first()?;
            let math = match metric.count {
                Count::Events => "total",
                Count::People => "dau",
            };
            let mut properties = event.properties();
            properties.push(is_set(target));
            by_variant(target, node(event.event(), math, properties))
        }
        MetricKind::Funnel => funnel(target, found, metric),
        MetricKind::Retention => retention(target, found, metric.events.first(), &target.responses()),
    })
}

/// Any event in the series of an insight.
fn anything(math: &str, properties: Vec<Value>) -> Value {
    json!({ "kind": "EventsNode", "event": null, "name": "All events", "math": math, "properties": properties })
}

/// Whether an event says what its person got.
fn is_set(target: &Target) -> Value {
    json!({ "key": feature(target), "type": "event", "operator": "is_set", "value": "is_set" })
}

/// The property with which other events say what their person got (posthog-api 5.7).
pub(super) fn feature(target: &Target) -> String {
    format!("$feature/{}", target.key())
}

fn by_variant(target: &Target, series: Value) -> Value {
    json!({
        "kind": "TrendsQuery",
        "dateRange": { "date_from": "-14d" },
        "interval": "day",
        "filterTestAccounts": false,
        "series": [series],
        "breakdownFilter": { "breakdown": feature(target), "breakdown_type": "event", "breakdown_limit": 10 },
        "trendsFilter": { "display": "ActionsLineGraph", "showLegend": true },
    })
}

/// People by what they got.
fn exposure(target: &Target, found: &Found) -> Value {
    let series = match table(target, found) {
        true => evaluation(target, &[]),
        false => {
            node(exposure_event(target, found), "dau", vec![exactly("$feature_flag", &[target.key().into()])])
        }
    };
    json!({
        "kind": "TrendsQuery",
        "dateRange": { "date_from": "-14d" },
        "interval": "day",
        "filterTestAccounts": false,
        "series": [series],
        "breakdownFilter": by_response(target, found),
        "trendsFilter": { "display": "ActionsLineGraph", "showLegend": true },
    })
}

/// By what people got when they met the feature.
fn by_response(target: &Target, found: &Found) -> Value {
    match table(target, found) {
        true => json!({ "breakdown": "response", "breakdown_type": "data_warehouse" }),
        false => {
            json!({ "breakdown": "$feature_flag_response", "breakdown_type": "event", "breakdown_limit": 10 })
        }
    }
}

/// Whether exposure is read from the table of evaluations: an experiment with an event of its own has it among events.
pub(super) fn table(target: &Target, found: &Found) -> bool {
    target.evaluations == Evaluations::FlagEvaluations && exposure_event(target, found) == CALLED
}

/// The event that counts as meeting the feature: the experiment's, where one runs.
pub(super) fn exposure_event<'a>(target: &Target, found: &'a Found) -> &'a str {
    let of_test = found.text_id(&Slot::Experiment, "resolved_exposure_event");
    of_test.filter(|_| target.is_test()).unwrap_or(CALLED)
}

/// An evaluation in a series, of these responses or of all.
fn evaluation(target: &Target, responses: &[String]) -> Value {
    let property = |key: &str, value: Vec<String>| json!({ "key": key, "type": "data_warehouse", "operator": "exact", "value": value });
    let mut properties = vec![property("flag_key", vec![target.key().into()])];
    if !responses.is_empty() {
        properties.push(property("response", responses.to_vec()));
    }
    json!({
        "kind": "DataWarehouseNode",
        "id": "flag_evaluations",
        "name": "flag_evaluations",
        "table_name": "flag_evaluations",
        "id_field": "uuid",
        "distinct_id_field": "distinct_id",
        "timestamp_field": "timestamp",
        "math": "dau",
        "properties": properties,
    })
}

/// The properties of an exposure of people who have the feature.
pub(super) fn exposed(target: &Target, responses: &[String]) -> Vec<Value> {
    vec![exactly("$feature_flag", &[target.key().into()]), exactly("$feature_flag_response", responses)]
}

/// Who comes back of those who met the feature and do not have it: what the key metric compares with, where it is that.
fn without_it(target: &Target, found: &Found) -> Value {
    let metric = target.brief.metric.as_ref().filter(|it| it.kind == MetricKind::Retention);
    let old = if target.is_test() { "control" } else { "false" };
    retention(target, found, metric.and_then(|it| it.events.first()), &[old.to_owned()])
}

/// A formula, since an alert wants one number. It counts as a guard does: people, of those who have the feature and are
/// there in that hour.
fn exception_rate(target: &Target) -> Value {
    let having = || vec![exactly(&feature(target), &target.responses())];
    json!({
        "kind": "TrendsQuery",
        "dateRange": { "date_from": "-48h" },
        "interval": "hour",
        "filterTestAccounts": false,
        "series": [node(EXCEPTION, "dau", having()), anything("dau", having())],
        "trendsFilter": { "formula": "100 * A / B", "display": "ActionsLineGraph", "aggregationAxisPostfix": "%" },
    })
}

fn funnel(target: &Target, found: &Found, metric: &Metric) -> Value {
    let met = match table(target, found) {
        true => evaluation(target, &[]),
        false => node(
            exposure_event(target, found),
            "total",
            vec![exactly("$feature_flag", &[target.key().into()])],
        ),
    };
    let steps = metric.events.iter().map(|it| node(it.event(), "total", it.properties()));
    let series: Vec<Value> = std::iter::once(met).chain(steps).map(without_math).collect();
    json!({
        "kind": "FunnelsQuery",
        "dateRange": { "date_from": "-30d" },
        "filterTestAccounts": false,
        "series": series,
        "breakdownFilter": by_response(target, found),
        "funnelsFilter": {
            "funnelVizType": "steps",
            "funnelOrderType": "ordered",
            "funnelWindowInterval": 14,
            "funnelWindowIntervalUnit": "day",
            // Who got what counts from the moment they met it.
            "breakdownAttributionType": "first_touch",
        },
    })
}

fn without_math(mut node: Value) -> Value {
    if let Some(node) = node.as_object_mut() {
        node.remove("math");
    }
    node
}

/// Who comes back after meeting the feature, for three months.
fn retention(target: &Target, found: &Found, event: Option<&EventEntry>, responses: &[String]) -> Value {
    let (returning, properties) = event.map_or(("$pageview", Vec::new()), |it| (it.event(), it.properties()));
    let met = match table(target, found) {
        true => json!({
            "id": "flag_evaluations",
            "name": "flag_evaluations",
            "type": "data_warehouse",
            "table_name": "flag_evaluations",
            "timestamp_field": "timestamp",
            "aggregation_target_field": "person_id",
            "properties": evaluation(target, responses)["properties"],
        }),
        false => json!({
            "id": exposure_event(target, found),
            "name": exposure_event(target, found),
            "type": "events",
            "properties": exposed(target, responses),
        }),
    };
    json!({
        "kind": "RetentionQuery",
        "dateRange": { "date_from": "-13w" },
        "filterTestAccounts": false,
        "retentionFilter": {
            "period": "Week",
            "totalIntervals": 13,
            "retentionType": "retention_first_time",
            "retentionReference": "total",
            "targetEntity": met,
            "returningEntity": { "id": returning, "name": returning, "type": "events", "properties": properties },
        },
    })
}
