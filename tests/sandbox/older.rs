//! What a launch makes on a server of December 2023.

use flagline::sandbox::Shape;
use reqwest::Method;
use serde_json::{Value, json};

use super::objects::{playlist, survey};
use super::{Bench, FLAGS};

fn names(it: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = it.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn playlists_and_surveys_have_the_fields_of_their_time() {
    let bench = Bench::shaped(Shape::December2023).await;
    let (status, made) =
        bench.post("/api/projects/1/session_recording_playlists/", playlist("new-checkout")).await;
    assert_eq!((status, made.get("type")), (201, None), "{made}");
    let path = format!("/api/projects/1/session_recording_playlists/{}/", made["short_id"].as_str().unwrap());
    // Nothing needs to be repeated.
    let (status, renamed) = bench.patch(&path, json!({"name": "Other"})).await;
    assert_eq!((status, &renamed["filters"]), (200, &made["filters"]));
    let found = bench.get("/api/projects/1/session_recording_playlists/?search=other").await;
    assert_eq!(found["count"], 1);

    let flag = bench.get(&format!("{FLAGS}?limit=500")).await["results"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["key"] == "new-checkout")
        .unwrap()
        .clone();
    let (status, made) = bench.post("/api/projects/1/surveys/", survey(&flag["id"])).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        names(&made),
        [
            "appearance",
            "archived",
            "conditions",
            "created_at",
            "created_by",
            "description",
            "end_date",
            "id",
            "linked_flag",
            "linked_flag_id",
            "name",
            "questions",
            "start_date",
            "targeting_flag",
            "type",
        ]
    );
    let path = format!("/api/projects/1/surveys/{}/", made["id"].as_str().unwrap());
    for action in ["launch", "stop"] {
        assert_eq!(bench.post(&format!("{path}{action}/"), json!({})).await.0, 404, "{action}");
    }
    let (_, started) = bench.patch(&path, json!({"start_date": "2026-11-20T12:00:00Z"})).await;
    assert!(started["start_date"].is_string());
    let shown = bench.get(&format!("{FLAGS}{}/", flag["id"])).await;
    assert_eq!(shown["surveys"][0]["name"], made["name"]);
    // They cannot be searched, nor can cohorts.
    let cohorts = bench.get("/api/projects/1/cohorts/").await["count"].clone();
    assert_eq!(bench.get("/api/projects/1/cohorts/?search=nothing").await["count"], cohorts);
    assert_eq!(bench.get("/api/projects/1/surveys/?search=nothing").await["count"], 1);
}

#[tokio::test]
async fn what_came_later_is_not_there() {
    let bench = Bench::shaped(Shape::December2023).await;
    for path in ["alerts", "hog_functions", "hog_function_templates", "event_definitions/by_name"] {
        for method in [Method::GET, Method::POST] {
            let (status, _) = bench.ask(method, &format!("/api/projects/1/{path}/"), Some(json!({}))).await;
            assert_eq!(status, 404, "{path}");
        }
    }
    assert_eq!(bench.post("/api/projects/1/annotations/", json!({"content": "x"})).await.0, 201);
    assert_eq!(bench.get("/api/projects/1/event_definitions/?search=purchase").await["count"], 1);
    assert!(bench.get("/api/projects/1/property_definitions/?type=person").await["count"].as_u64() > Some(0));
    let radius = json!({"condition": {"properties": []}});
    let (_, radius) = bench.post(&format!("{FLAGS}user_blast_radius/"), radius).await;
    assert_eq!(radius, json!({"users_affected": 400, "total_users": 400}));
}

#[tokio::test]
async fn insights_are_described_by_filters() {
    const INSIGHTS: &str = "/api/projects/1/insights/";
    let bench = Bench::shaped(Shape::December2023).await;
    let called = json!({"id": "$feature_flag_called", "name": "$feature_flag_called", "type": "events", "order": 0, "math": "dau",
        "properties": [{"key": "$feature_flag", "type": "event", "operator": "exact", "value": ["project-videos"]}]});
    let filters = json!({"insight": "TRENDS", "events": [called], "breakdown": "$feature_flag_response", "breakdown_type": "event",
        "display": "ActionsLineGraph", "date_from": "-14d", "interval": "day"});
    let (_, board) = bench.post("/api/projects/1/dashboards/", json!({"name": "Videos"})).await;
    let body = json!({"name": "Exposure", "filters": filters, "dashboards": [board["id"]], "saved": true});
    let (status, made) = bench.post(INSIGHTS, body).await;
    assert_eq!((status, &made["filters"], &made["query"]), (201, &filters, &Value::Null), "{made}");
    let path = format!("{INSIGHTS}{}/", made["id"]);
    let read = bench.get(&format!("{path}?refresh=true")).await;
    let lines = read["result"].as_array().unwrap_or_else(|| panic!("{read}"));
    let on = lines.iter().find(|it| it["breakdown_value"] == "true").unwrap();
    assert_eq!(on["data"].as_array().unwrap().len(), 15);
    assert!(on["count"].as_u64() > Some(0), "{on}");
    // Funnels and retention are kept.
    for insight in ["FUNNELS", "RETENTION"] {
        let filters =
            json!({"insight": insight, "events": [{"id": "purchase", "type": "events", "order": 0}]});
        let (_, made) = bench.post(INSIGHTS, json!({"name": insight, "filters": filters})).await;
        assert_eq!((&made["filters"], &made["result"]), (&filters, &Value::Null));
    }
    // So is a query of today's, which is not understood.
    let query = json!({"kind": "InsightVizNode", "source": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "purchase"}]}});
    let (_, new) = bench.post(INSIGHTS, json!({"name": "New", "query": query})).await;
    let read = bench.get(&format!("{INSIGHTS}{}/?refresh=true", new["id"])).await;
    assert_eq!((&read["query"], &read["result"]), (&query, &Value::Null));
    assert_eq!(bench.post(INSIGHTS, json!({"filters": []})).await.0, 400);

    let path = format!("/api/projects/1/dashboards/{}/", board["id"]);
    let tiles =
        json!([{"text": {"body": "### Runbook"}, "layouts": {"sm": {"x": 0, "y": 5, "w": 12, "h": 2}}}]);
    let (status, after) = bench.patch(&path, json!({"tiles": tiles})).await;
    assert_eq!((status, &after["tiles"][1]["text"]["body"]), (200, &json!("### Runbook")), "{after}");
    assert_eq!(after["tiles"][0]["insight"]["filters"], filters);
}
