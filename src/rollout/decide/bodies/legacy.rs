//! Insights as servers took them before there were queries: described by `filters`.

use serde_json::{Map, Value, json};

/// The filters that mean the same as a query of one of the kinds that are made here.
pub(super) fn filters(query: &Value) -> Option<Value> {
    let mut filters = match query["kind"].as_str()? {
        "TrendsQuery" => trends(query),
        "FunnelsQuery" => funnel(query),
        "RetentionQuery" => retention(query)?,
        _ => return None,
    };
    let range = &query["dateRange"]["date_from"];
    filters.insert("date_from".into(), range.clone());
    filters.insert("filter_test_accounts".into(), query["filterTestAccounts"].clone());
    for name in ["breakdown", "breakdown_type"] {
        if let Some(value) = query["breakdownFilter"].get(name) {
            filters.insert(name.into(), value.clone());
        }
    }
    Some(Value::Object(filters))
}

fn trends(query: &Value) -> Map<String, Value> {
    let mut filters = object(json!({
        "insight": "TRENDS",
        "events": events(query),
        "interval": query["interval"],
        "display": query["trendsFilter"]["display"],
    }));
    if let Some(formula) = query["trendsFilter"].get("formula") {
        filters.insert("formula".into(), formula.clone());
    }
    filters
}

fn funnel(query: &Value) -> Map<String, Value> {
    let filter = &query["funnelsFilter"];
    object(json!({
        "insight": "FUNNELS",
        "events": events(query),
        "funnel_viz_type": filter["funnelVizType"],
        "funnel_order_type": filter["funnelOrderType"],
        "funnel_window_interval": filter["funnelWindowInterval"],
        "funnel_window_interval_unit": filter["funnelWindowIntervalUnit"],
        "breakdown_attribution_type": filter["breakdownAttributionType"],
    }))
}

fn retention(query: &Value) -> Option<Map<String, Value>> {
    let filter = query.get("retentionFilter")?;
    Some(object(json!({
        "insight": "RETENTION",
        "period": filter["period"],
        "total_intervals": filter["totalIntervals"],
        "retention_type": filter["retentionType"],
        "retention_reference": filter["retentionReference"],
        "target_entity": filter["targetEntity"],
        "returning_entity": filter["returningEntity"],
    })))
}

fn events(query: &Value) -> Vec<Value> {
    let series = query["series"].as_array().into_iter().flatten().enumerate();
    let event = |(order, node): (usize, &Value)| {
        let mut event = json!({
            "id": node["event"],
            "name": node["name"],
            "type": "events",
            "order": order,
            "properties": node["properties"],
        });
        if let Some(math) = node.get("math") {
            event["math"] = math.clone();
        }
        event
    };
    series.map(event).collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
