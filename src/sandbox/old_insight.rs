//! Insights as December 2023 had them: described by `filters`, not by a query. A trend is answered as the query that
//! says the same; funnels and retention are kept as they are, as their queries are today.

use serde_json::{Map, Value, json};

/// The query that filters mean; `None` unless they describe a trend.
pub(super) fn trends(filters: &Value) -> Option<Value> {
    if filters.get("insight").and_then(Value::as_str) != Some("TRENDS") {
        return None;
    }
    let field = |name: &str| filters.get(name).cloned().unwrap_or_default();
    let mut events: Vec<&Value> = filters.get("events").and_then(Value::as_array)?.iter().collect();
    events.sort_by_key(|it| it["order"].as_u64());
    let mut query = json!({
        "kind": "TrendsQuery",
        "series": events.into_iter().map(node).collect::<Vec<_>>(),
        "dateRange": {"date_from": field("date_from"), "date_to": field("date_to")},
        "interval": field("interval"),
        "properties": field("properties"),
        "filterTestAccounts": field("filter_test_accounts"),
        "trendsFilter": {"formula": field("formula"), "display": field("display")},
    });
    if field("breakdown").is_string() {
        query["breakdownFilter"] = json!({
            "breakdown": field("breakdown"),
            "breakdown_type": field("breakdown_type"),
            "breakdown_limit": field("breakdown_limit"),
        });
    }
    Some(query)
}

/// One of the `events`.
fn node(event: &Value) -> Value {
    let kept = ["name", "custom_name", "math", "properties"];
    let mut it: Map<String, Value> =
        kept.iter().filter_map(|name| Some(((*name).to_owned(), event.get(*name)?.clone()))).collect();
    it.insert("kind".into(), "EventsNode".into());
    it.insert("event".into(), event["id"].clone());
    Value::Object(it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_a_query() {
        let filters = json!({
            "insight": "TRENDS",
            "events": [
                {"id": "b", "type": "events", "order": 1},
                {"id": "a", "type": "events", "order": 0, "math": "dau", "properties": [{"key": "k"}]},
            ],
            "breakdown": "$feature/x",
            "breakdown_type": "event",
            "date_from": "-14d",
        });
        let query = trends(&filters).unwrap();
        assert_eq!(
            query["series"],
            json!([
                {"kind": "EventsNode", "event": "a", "math": "dau", "properties": [{"key": "k"}]},
                {"kind": "EventsNode", "event": "b"},
            ])
        );
        assert_eq!(query["breakdownFilter"]["breakdown"], "$feature/x");
        assert_eq!(query["dateRange"]["date_from"], "-14d");
        for other in ["FUNNELS", "RETENTION"] {
            assert_eq!(trends(&json!({"insight": other, "events": []})), None);
        }
        assert_eq!(trends(&json!({})), None);
    }
}
