//! Hog functions: how they are written, when they run, and what they leave in the outbox.

use reqwest::Method;
use serde_json::{Value, json};

use super::objects::{alert, playlist, survey, trend};
use super::{Bench, FLAGS};
use flagline::sandbox::{GRACE_KEY, READ_KEY};

const FUNCTIONS: &str = "/api/projects/1/hog_functions/";
const TEMPLATES: &str = "/api/projects/1/hog_function_templates/";
const OUTBOX: &str = "/_sandbox/outbox/";

/// A message to Slack whenever a flag changes.
fn on_change(flag: &Value) -> Value {
    json!({"type": "internal_destination", "name": "flag new-checkout → #releases", "enabled": true, "template_id": "template-slack",
     "inputs": {
       "slack_workspace": {"value": 5}, "channel": {"value": "C0123456"},
       "text": {"value": "Flag {event.properties.detail.name}: {event.properties.activity} by {event.properties.user.email}"}},
     "filters": {"source": "events",
       "events": [{"id": "$activity_log_entry_created", "type": "events",
         "properties": [{"key": "scope", "type": "event", "operator": "exact", "value": ["FeatureFlag"]},
                        {"key": "item_id", "type": "event", "operator": "exact", "value": [flag.to_string()]}]}]}})
}

/// A request to somewhere when an alert fires.
fn on_alert() -> Value {
    json!({"type": "internal_destination", "name": "new-checkout alert webhook", "enabled": true, "template_id": "template-webhook",
     "inputs": {"url": {"value": "https://ci.example.com/flagline/rollback"}, "method": {"value": "POST"},
       "headers": {"value": {"Content-Type": "application/json"}},
       "body": {"value": {"flag": "new-checkout", "alert": "{event.properties.alert_name}", "value": "{event.properties.alert_calculated_value}"}},
       "debug": {"value": false}},
     "filters": {"source": "events", "events": [{"id": "$insight_alert_firing", "type": "events"}],
       "properties": [{"key": "alert_id", "type": "event", "operator": "exact", "value": "0190aaaa-0000-0000-0000-000000000000"}]}})
}

/// A function of a template for a captured event.
fn destination(template: &str, inputs: Value, events: Value) -> Value {
    json!({"type": "destination", "name": template, "enabled": true, "template_id": template,
        "inputs": inputs, "filters": {"events": events}})
}

async fn outbox(bench: &Bench) -> Vec<Value> {
    bench.get(OUTBOX).await["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn functions_are_written_and_read() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await["id"].clone();
    let body = on_change(&flag);
    let (status, made) = bench.post(FUNCTIONS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    for name in ["type", "name", "enabled", "template_id"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    // What PostHog compiles stands beside what was sent.
    assert_eq!(made["filters"]["events"], body["filters"]["events"]);
    assert!(made["filters"]["bytecode"].is_array());
    assert_eq!(made["inputs"]["text"]["value"], body["inputs"]["text"]["value"]);
    assert_eq!(made["template"]["id"], "template-slack");
    let path = format!("{FUNCTIONS}{}/", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await, made);
    assert_eq!(bench.post(FUNCTIONS, on_alert()).await.0, 201);
    for (query, expect) in [
        ("type=internal_destination", 2),
        ("types=destination,internal_destination", 2),
        ("types=internal_destination&search=ALERT", 1),
        ("type=destination", 0),
        ("", 0),
    ] {
        assert_eq!(bench.get(&format!("{FUNCTIONS}?{query}")).await["count"], expect, "{query}");
    }
    // What was read can be written again.
    let (status, same) =
        bench.patch(&path, json!({"filters": made["filters"], "inputs": made["inputs"]})).await;
    assert_eq!(
        (status, &same["filters"], &same["inputs"]),
        (200, &made["filters"], &made["inputs"]),
        "{same}"
    );
    let (_, off) = bench.patch(&path, json!({"enabled": false, "name": "Off"})).await;
    assert_eq!(
        (&off["enabled"], &off["name"], &off["inputs"]),
        (&json!(false), &json!("Off"), &made["inputs"])
    );
    assert_eq!(bench.ask(Method::DELETE, &path, None).await.0, 405);
    assert_eq!(bench.patch(&path, json!({"deleted": true})).await.1["deleted"], true);
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.get(&format!("{FUNCTIONS}?type=internal_destination")).await["count"], 1);
    assert_eq!(bench.get("/_sandbox/state/").await["counts"]["hog_functions"], 1);
}

#[tokio::test]
async fn templates_say_what_they_need() {
    let bench = Bench::new().await;
    let list = bench.get(TEMPLATES).await;
    let ids: Vec<&str> =
        list["results"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["template-slack", "template-webhook", "template-discord", "template-microsoft-teams"]);
    let one = bench.get(&format!("{TEMPLATES}template-discord/")).await;
    assert_eq!(one["inputs_schema"][0]["key"], "webhookUrl");
    assert_eq!(bench.ask(Method::GET, &format!("{TEMPLATES}template-odd/"), None).await.0, 404);
    let empty = |it: &str| json!({"type": "destination", "template_id": it});
    let input = |name: &str, value: Value| {
        let mut it = on_alert();
        it["inputs"][name] = json!({"value": value});
        it
    };
    let filters = |it: Value| {
        let mut body = on_alert();
        body["filters"] = it;
        body
    };
    let property = |it: Value| json!({"events": [{"id": "x", "properties": [it]}]});
    for (body, code, attr) in [
        (json!({"template_id": "template-slack"}), "required", "type"),
        (json!({"type": "odd"}), "invalid_choice", "type"),
        (json!({"type": "destination"}), "invalid_input", "template_id"),
        (empty("template-odd"), "invalid_input", "template_id"),
        (empty("template-slack"), "required", "inputs__slack_workspace"),
        (empty("template-webhook"), "required", "inputs__url"),
        (empty("template-discord"), "required", "inputs__webhookUrl"),
        (empty("template-microsoft-teams"), "required", "inputs__webhookUrl"),
        (input("url", json!("")), "required", "inputs__url"),
        (input("url", json!(1)), "invalid_input", "inputs__url"),
        (input("method", json!("BREW")), "invalid_input", "inputs__method"),
        (input("headers", json!("x")), "invalid_input", "inputs__headers"),
        (input("debug", json!("yes")), "invalid_input", "inputs__debug"),
        (input("body", json!({"a": "{upper(event.event)}"})), "invalid_input", "inputs__body"),
        (filters(json!([])), "invalid_input", "filters"),
        (filters(json!({"source": "odd"})), "invalid_input", "filters"),
        (filters(json!({"events": {}})), "invalid_input", "filters"),
        (filters(json!({"actions": [{"id": 1}]})), "invalid_input", "filters"),
        (filters(property(json!({"key": "a", "operator": "sounds_like"}))), "invalid_input", "filters"),
        (filters(property(json!({"key": "a", "type": "hogql"}))), "invalid_input", "filters"),
    ] {
        let (status, answer) = bench.post(FUNCTIONS, body.clone()).await;
        let told = (status, answer["code"].as_str(), answer["attr"].as_str());
        assert_eq!(told, (400, Some(code), Some(attr)), "{body}: {answer}");
    }
    assert_eq!(bench.get("/_sandbox/objects/").await["hog_functions"], json!([]));
}

#[tokio::test]
async fn nobody_reads_a_secret_back() {
    let bench = Bench::new().await;
    let mut body = destination("template-webhook", json!({}), json!([]));
    body["inputs"] = json!({"url": {"value": "https://a.example"}, "signing_secret": {"value": "hush"},
        "headers": {"value": {"Authorization": "Bearer x"}}, "unknown": {"value": 1}});
    let (status, made) = bench.post(FUNCTIONS, body).await;
    assert_eq!((status, &made["inputs"]["signing_secret"]), (201, &json!({"secret": true})), "{made}");
    assert_eq!(made["inputs"]["headers"]["value"]["Authorization"], "Bearer x");
    assert!(made["inputs"].get("unknown").is_none());
    let path = format!("{FUNCTIONS}{}/", made["id"].as_str().unwrap());
    for inputs in [made["inputs"].clone(), json!({"url": {"value": "https://a.example"}})] {
        let (_, kept) = bench.patch(&path, json!({"inputs": inputs})).await;
        assert_eq!(kept["inputs"]["signing_secret"], json!({"secret": true}), "{inputs}");
    }
    capture(&bench, json!({"event": "x", "distinct_id": "a"})).await;
    let sent = bench.get(OUTBOX).await;
    assert!(sent["count"] == 1 && !sent.to_string().contains("hush"), "{sent}");
}

async fn capture(bench: &Bench, mut event: Value) {
    event["api_key"] = json!("phc_sandbox");
    assert_eq!(bench.post("/i/v0/e/", event).await.0, 200);
}

#[tokio::test]
async fn a_flag_that_changes_is_told() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await["id"].clone();
    let other = bench.flag("dark-mode").await["id"].clone();
    let (_, function) = bench.post(FUNCTIONS, on_change(&flag)).await;
    bench.post(FUNCTIONS, on_alert()).await;
    let path = format!("{FLAGS}{flag}/");
    bench.patch(&path, json!({"name": "Checkout"})).await;
    bench.patch(&path, json!({"name": "Checkout"})).await;
    bench.patch(&format!("{FLAGS}{other}/"), json!({"name": "Dark"})).await;
    let body = json!({"active": false}).to_string();
    bench.send(Method::PATCH, &path, GRACE_KEY, Some(body)).await;
    let sent = outbox(&bench).await;
    let texts: Vec<&str> = sent.iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "Flag new-checkout: updated by ada@offset.example",
            "Flag new-checkout: updated by grace@offset.example",
        ]
    );
    let first = &sent[0];
    assert_eq!(
        (&first["function_id"], &first["function_name"], &first["template_id"], &first["channel"]),
        (&function["id"], &function["name"], &json!("template-slack"), &json!("C0123456"))
    );
    assert_eq!((&first["url"], &first["event"]), (&Value::Null, &json!("$activity_log_entry_created")));
    assert_ne!(sent[0]["event_uuid"], sent[1]["event_uuid"]);
    // Such events are stored nowhere.
    assert_eq!(bench.get("/_sandbox/events/?event=$activity_log_entry_created").await["count"], 0);

    // A gated write tells nothing until it is made.
    bench.control("approvals", json!({"actions": ["feature_flag.enable"]})).await;
    assert_eq!(bench.patch(&path, json!({"active": true})).await.0, 409);
    assert_eq!(outbox(&bench).await.len(), 2);
    bench.control("approvals", json!({"actions": []})).await;
    let path = format!("{FUNCTIONS}{}/", function["id"].as_str().unwrap());
    for change in [json!({"enabled": false}), json!({"enabled": true, "deleted": true})] {
        bench.patch(&path, change).await;
        bench.patch(&format!("{FLAGS}{flag}/"), json!({"active": true})).await;
        bench.patch(&format!("{FLAGS}{flag}/"), json!({"active": false})).await;
        assert_eq!(outbox(&bench).await.len(), 2);
    }
}

#[tokio::test]
async fn captured_events_run_functions() {
    let bench = Bench::new().await;
    let property = |operator: &str, key: &str, value: Value| json!({"key": key, "type": "event", "operator": operator, "value": value});
    let meant = json!([{"id": "flagline message", "type": "events", "properties": [
        property("exact", "kind", json!(["stopped", "finished"])),
        property("is_not", "flag", json!("other")),
        property("icontains", "text", json!("RATE")),
        property("is_set", "run", json!("is_set")),
        property("in", "to", json!(["releases", "alerts"])),
    ]}]);
    let webhook = json!({"url": {"value": "https://ci.example.com/{event.properties.flag}"}, "body": {"value": {
        "text": "{event.properties.text}",
        "nested": [{"by": "{person.properties.email}", "n": "{event.properties.run.number}", "who": "{event.distinct_id}"}],
        "project": "in {project.name}", "nothing": "{event.properties.nothing.at.all}", "event": "{event.event} {event.uuid}"}}});
    bench.post(FUNCTIONS, destination("template-webhook", webhook, meant.clone())).await;
    let discord = json!({"webhookUrl": {"value": "https://discord.example"}, "content": {"value": "**{event.properties.text}**{event.properties.nothing}"}});
    bench.post(FUNCTIONS, destination("template-discord", discord, meant)).await;
    let teams = json!({"webhookUrl": {"value": "https://teams.example"}, "text": {"value": "any", "templating": "hog"}});
    bench.post(FUNCTIONS, destination("template-microsoft-teams", teams, json!([{"id": null}]))).await;
    let properties = json!({"kind": "stopped", "flag": "new-checkout", "text": "Error rate above 2 %", "to": "alerts",
        "run": {"number": 7}, "$process_person_profile": false});
    let event = json!({"event": "flagline message", "distinct_id": "ada@offset.example", "properties": properties,
        "timestamp": "2026-11-20T11:00:00Z", "uuid": "0190aaaa-0000-0000-0000-000000000001"});
    capture(&bench, event.clone()).await;
    let sent = outbox(&bench).await;
    assert_eq!(sent.len(), 3, "{sent:?}");
    let hook = &sent[0];
    assert_eq!(
        (&hook["url"], &hook["method"]),
        (&json!("https://ci.example.com/new-checkout"), &json!("POST"))
    );
    assert_eq!(
        hook["body"],
        json!({
            "text": "Error rate above 2 %",
            "nested": [{"by": "ada@offset.example", "n": 7, "who": "ada@offset.example"}],
            "project": "in Offset",
            "nothing": null,
            "event": "flagline message 0190aaaa-0000-0000-0000-000000000001",
        })
    );
    assert_eq!(
        (&sent[1]["text"], &sent[1]["url"]),
        (&json!("**Error rate above 2 %**"), &json!("https://discord.example"))
    );
    assert_eq!((&sent[2]["text"], &sent[2]["event_uuid"]), (&json!("any"), &event["uuid"]));
    assert_eq!(bench.get("/_sandbox/state/").await["counts"]["outbox"], 3);

    // One that is sent twice is stored once, and runs functions twice.
    capture(&bench, event.clone()).await;
    let twice = json!({"api_key": "phc_sandbox", "batch": [event, event]});
    assert_eq!(bench.post("/batch/", twice).await.0, 200);
    assert_eq!(bench.get("/_sandbox/events/?event=flagline%20message").await["count"], 1);
    assert_eq!(outbox(&bench).await.len(), 12);
    assert_eq!(bench.ask(Method::DELETE, OUTBOX, None).await.1["counts"]["outbox"], 0);

    // Each difference makes it another event, for which the first two do not run.
    for (key, value) in [
        ("kind", json!("odd")),
        ("flag", json!("other")),
        ("text", json!("x")),
        ("run", Value::Null),
        ("to", json!("x")),
    ] {
        let mut other = event.clone();
        other["properties"][key] = value;
        other["uuid"] = json!(format!("0190aaaa-0000-0000-0000-{:012x}", key.len()));
        capture(&bench, other).await;
        let sent = outbox(&bench).await;
        assert_eq!((sent.len(), &sent[0]["text"]), (1, &json!("any")), "{key}");
        bench.ask(Method::DELETE, OUTBOX, None).await;
    }
    // Events without an id of their own are never one.
    let plain = json!({"event": "plain", "distinct_id": "a"});
    bench.post("/batch/", json!({"api_key": "phc_sandbox", "batch": [plain, plain]})).await;
    capture(&bench, plain).await;
    assert_eq!(bench.get("/_sandbox/events/?event=plain").await["count"], 3);
    // What a test adds happened before: nothing runs.
    bench.ask(Method::DELETE, OUTBOX, None).await;
    bench.control("events", json!({"events": [{"event": "plain", "distinct_id": "a"}]})).await;
    assert_eq!(outbox(&bench).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_outbox_is_shown() {
    let bench = Bench::new().await;
    let home = async || bench.send(Method::GET, "/", "", None).await.text().await.unwrap();
    assert!(home().await.contains("no hog function ran"));
    let text = json!({"webhookUrl": {"value": "https://teams.example"}, "text": {"value": "<script>{event.properties.x}"}});
    bench.post(FUNCTIONS, destination("template-microsoft-teams", text, json!([{"id": "hello"}]))).await;
    capture(&bench, json!({"event": "hello", "distinct_id": "a", "properties": {"x": "<b>"}})).await;
    let page = home().await;
    assert!(page.contains("&lt;script&gt;&lt;b&gt;") && !page.contains("<script"), "{page}");
    assert_eq!(super::submit(&bench, "form/outbox", "", &[]).await, (303, "/".to_owned()));
    assert!(home().await.contains("no hog function ran"));
    bench.control("reset", json!({})).await;
    assert_eq!(bench.get("/_sandbox/objects/").await["hog_functions"], json!([]));
}

/// Every kind of object that a launch makes.
async fn launch(bench: &Bench) {
    let flag = bench.flag("new-checkout").await["id"].clone();
    for (path, body) in [
        ("session_recording_playlists/", playlist("new-checkout")),
        ("surveys/", survey(&flag)),
        ("alerts/", alert(&trend(bench).await)),
        ("hog_functions/", on_change(&flag)),
        ("annotations/", json!({"content": "launched"})),
        (
            "scheduled_changes/",
            json!({"record_id": flag.to_string(), "model_name": "FeatureFlag",
            "scheduled_at": "2027-01-01T00:00:00Z", "payload": {"operation": "update_status", "value": false}}),
        ),
    ] {
        let (status, made) = bench.post(&format!("/api/projects/1/{path}"), body).await;
        assert_eq!(status, 201, "{path}: {made}");
    }
    bench.patch(&format!("{FLAGS}{flag}/"), json!({"name": "Checkout"})).await;
}

#[tokio::test]
async fn everything_is_in_one_document() {
    let (bench, other) = (Bench::new().await, Bench::new().await);
    launch(&bench).await;
    launch(&other).await;
    let all = bench.get("/_sandbox/objects/").await;
    for (name, count) in [
        ("flags", 18),
        ("dashboards", 3),
        ("session_recording_playlists", 1),
        ("surveys", 1),
        ("alerts", 1),
        ("hog_functions", 1),
        ("experiments", 1),
        ("early_access_features", 0),
        ("annotations", 1),
        ("scheduled_changes", 1),
        ("outbox", 1),
    ] {
        assert_eq!(all[name].as_array().unwrap().len(), count, "{name}");
    }
    assert!(
        !all["cohorts"].as_array().unwrap().is_empty() && !all["insights"].as_array().unwrap().is_empty()
    );
    assert!(!all["dashboards"][0]["tiles"].as_array().unwrap().is_empty());
    // The same requests at the same time leave the same behind.
    assert_eq!(all, other.get("/_sandbox/objects/").await);
    let deleted = all["session_recording_playlists"][0]["short_id"].as_str().unwrap();
    bench
        .patch(&format!("/api/projects/1/session_recording_playlists/{deleted}/"), json!({"deleted": true}))
        .await;
    assert_eq!(bench.get("/_sandbox/objects/").await["session_recording_playlists"][0]["deleted"], true);
    assert_eq!(bench.ask(Method::POST, "/_sandbox/objects/", None).await.0, 405);
}

#[tokio::test]
async fn pages_of_what_was_launched() {
    let bench = Bench::new().await;
    launch(&bench).await;
    let page = async |path: &str| bench.send(Method::GET, path, "", None).await.text().await.unwrap();
    let home = page("/").await;
    for part in ["Recordings", "Surveys", "Alerts", "Hog functions", "flag new-checkout → #releases"] {
        assert!(home.contains(part), "{part}");
    }
    let all = bench.get("/_sandbox/objects/").await;
    let survey = all["surveys"][0]["id"].as_str().unwrap();
    assert!(page(&format!("/project/1/surveys/{survey}")).await.contains("Could we talk"));
    let playlist = all["session_recording_playlists"][0]["short_id"].as_str().unwrap();
    assert!(page(&format!("/project/1/replay/playlists/{playlist}")).await.contains("active_seconds"));
    assert_eq!(bench.send(Method::GET, "/project/1/surveys/odd", "", None).await.status(), 404);
}

#[tokio::test]
async fn scopes_and_plans_know_the_new_parts() {
    let bench = Bench::new().await;
    for (path, scope) in [
        ("session_recording_playlists", "session_recording_playlist"),
        ("surveys", "survey"),
        ("alerts", "alert"),
        ("hog_functions", "hog_function"),
        ("hog_function_templates", "hog_function"),
        ("annotations", "annotation"),
        ("event_definitions", "event_definition"),
        ("property_definitions", "property_definition"),
    ] {
        let path = format!("/api/projects/1/{path}/");
        assert_eq!(bench.send(Method::GET, &path, READ_KEY, None).await.status(), 200, "{path}");
        let answer = bench.send(Method::POST, &path, READ_KEY, Some("{}".into())).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["detail"], format!("API key missing required scope '{scope}:write'"), "{path}");
    }
    bench.control("plan", json!({"lacks": ["alerts", "hog_functions", "surveys"]})).await;
    for path in ["alerts", "hog_functions", "surveys"] {
        let (status, _) = bench.post(&format!("/api/projects/1/{path}/"), json!({})).await;
        assert_eq!(status, 402, "{path}");
    }
    bench.get("/api/projects/1/session_recording_playlists/").await;
    for (kind, count) in [("slack", 1), ("github", 0)] {
        let list = bench.get(&format!("/api/projects/1/integrations/?kind={kind}")).await;
        assert_eq!(list["count"], count, "{kind}");
    }
    assert_eq!(bench.get("/api/projects/1/integrations/1/").await["kind"], "slack");
    assert_eq!(bench.ask(Method::GET, "/api/projects/1/integrations/9/channels/", None).await.0, 404);
    let channels = bench.get("/api/projects/1/integrations/1/channels/").await;
    assert_eq!(channels["channels"][0]["name"], "releases");
}
