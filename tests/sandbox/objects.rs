//! What a launch makes beside the flag: playlists, surveys, alerts, notes, experiments, cohorts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, FLAGS, NOW};

const PLAYLISTS: &str = "/api/projects/1/session_recording_playlists/";
const SURVEYS: &str = "/api/projects/1/surveys/";
const ALERTS: &str = "/api/projects/1/alerts/";
const ANNOTATIONS: &str = "/api/projects/1/annotations/";
const COHORTS: &str = "/api/projects/1/cohorts/";
const EXPERIMENTS: &str = "/api/projects/1/experiments/";

/// A refusal's status, code and field.
fn refusal(answer: &(u16, Value)) -> (u16, &str, &str) {
    let text = |name: &str| answer.1[name].as_str().unwrap_or_default();
    (answer.0, text("code"), text("attr"))
}

/// A saved search of the recordings of those who got a flag.
pub fn playlist(flag: &str) -> Value {
    json!({"name": format!("{flag}: exposed users"), "description": "created by flagline", "type": "filters",
     "filters": {"date_from": "-7d", "date_to": null, "filter_test_accounts": true, "order": "start_time",
       "duration": [{"type": "recording", "key": "active_seconds", "operator": "gt", "value": 5}],
       "filter_group": {"type": "AND", "values": [{"type": "AND", "values": [
         {"id": "$feature_flag_called", "name": "$feature_flag_called", "type": "events", "properties": [
           {"key": "$feature_flag", "type": "event", "operator": "exact", "value": [flag]},
           {"key": "$feature_flag_response", "type": "event", "operator": "exact", "value": ["true"]}]}]}]}}})
}

/// An invitation to an interview.
pub fn survey(flag: &Value) -> Value {
    json!({"name": "Interview: new checkout", "description": "", "type": "popover", "schedule": "once",
     "linked_flag_id": flag,
     "questions": [{"type": "link", "question": "Could we talk for 20 minutes about the new checkout?", "description": "You get a voucher.",
                    "buttonText": "Pick a time", "link": "https://calendly.com/acme/checkout"}],
     "conditions": {"linkedFlagVariant": "any", "seenSurveyWaitPeriodInDays": 30,
                    "events": {"repeatedActivation": false, "values": [{"name": "checkout_completed"}]}},
     "appearance": {"surveyPopupDelaySeconds": 10, "displayThankYouMessage": true},
     "responses_limit": 20, "start_date": null})
}

/// An alert on an insight.
pub fn alert(insight: &Value) -> Value {
    json!({"name": "new-checkout error rate", "insight": insight, "subscribed_users": [1],
     "condition": {"type": "absolute_value"},
     "threshold": {"configuration": {"type": "absolute", "bounds": {"upper": 2.0}}},
     "config": {"type": "TrendsAlertConfig", "series_index": 0, "check_ongoing_interval": true},
     "calculation_interval": "hourly", "enabled": true, "skip_weekend": false})
}

/// `body` with one field replaced; `None` takes it away.
fn with(mut body: Value, name: &str, value: Option<Value>) -> Value {
    let object = body.as_object_mut().unwrap();
    match value {
        Some(it) => drop(object.insert(name.into(), it)),
        None => drop(object.remove(name)),
    }
    body
}

#[tokio::test]
async fn playlists() {
    let bench = Bench::new().await;
    let body = playlist("new-checkout");
    let (status, made) = bench.post(PLAYLISTS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    for name in ["name", "description", "type", "filters"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!((&made["deleted"], &made["pinned"]), (&json!(false), &json!(false)));
    let path = format!("{PLAYLISTS}{}/", made["short_id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await, made);
    // A search of recordings that somebody saved is always written whole.
    let answer = bench.patch(&path, json!({"name": "Other"})).await;
    assert_eq!(refusal(&answer), (400, "invalid_input", "filters"));
    let (_, renamed) = bench.patch(&path, json!({"name": "Other", "filters": body["filters"]})).await;
    assert_eq!((&renamed["name"], &renamed["filters"]), (&json!("Other"), &body["filters"]));
    let answer = bench.patch(&path, json!({"type": "collection", "filters": body["filters"]})).await;
    assert_eq!(refusal(&answer), (400, "invalid_input", "type"));
    assert_eq!(bench.get(&format!("{path}recordings/")).await["results"], json!([]));
    let (status, collection) = bench.post(PLAYLISTS, json!({"name": "Best", "type": "collection"})).await;
    assert_eq!((status, &collection["filters"]), (201, &json!({})));
    for (query, expect) in [("search=OTHER", 1), ("type=collection", 1), ("search=nothing", 0), ("", 2)] {
        assert_eq!(bench.get(&format!("{PLAYLISTS}?{query}")).await["count"], expect, "{query}");
    }
    let page = bench.get(&format!("{PLAYLISTS}?limit=1")).await;
    assert_eq!(bench.get(page["next"].as_str().unwrap()).await["results"].as_array().unwrap().len(), 1);
    for (body, attr) in [
        (with(body.clone(), "type", None), "type"),
        (with(body.clone(), "type", Some(json!("odd"))), "type"),
        (with(body.clone(), "filters", None), "filters"),
        (with(body.clone(), "filters", Some(json!([]))), "filters"),
        (with(body.clone(), "type", Some(json!("collection"))), "filters"),
        (with(body.clone(), "name", Some(json!({}))), "name"),
    ] {
        assert_eq!(
            refusal(&bench.post(PLAYLISTS, body.clone()).await),
            (400, "invalid_input", attr),
            "{body}"
        );
    }
    assert_eq!(bench.ask(Method::DELETE, &path, None).await.0, 405);
    assert_eq!(bench.patch(&path, json!({"deleted": true})).await.1["deleted"], true);
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.ask(Method::GET, &format!("{PLAYLISTS}nobody12/"), None).await.0, 404);
}

#[tokio::test]
async fn surveys_and_their_flags() {
    let bench = Bench::new().await;
    let flag = bench.flag("new-checkout").await;
    let body = survey(&flag["id"]);
    let (status, made) = bench.post(SURVEYS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(made[name], *value, "{name}");
    }
    assert_eq!(made["linked_flag"]["key"], "new-checkout");
    assert_eq!((&made["end_date"], &made["archived"]), (&Value::Null, &json!(false)));
    let path = format!("{SURVEYS}{}/", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await, made);
    let shown = bench.flag("new-checkout").await["surveys"].clone();
    assert_eq!(
        (shown.as_array().unwrap().len(), &shown[0]["name"], &shown[0]["linked_flag_key"]),
        (1, &made["name"], &json!("new-checkout"))
    );
    assert_eq!(bench.flag("dark-mode").await["surveys"], json!([]));

    let stop = format!("{path}stop/");
    assert_eq!(bench.post(&stop, json!({})).await.0, 400, "not launched yet");
    let (status, launched) = bench.post(&format!("{path}launch/"), json!({})).await;
    assert_eq!((status, launched["start_date"].as_str().is_some()), (200, true), "{launched}");
    assert_eq!(bench.post(&format!("{path}launch/"), json!({})).await.0, 400);
    assert!(bench.post(&stop, json!({})).await.1["end_date"].is_string());
    let (_, again) =
        bench.patch(&path, json!({"start_date": "2026-11-21T08:00:00Z", "end_date": null})).await;
    assert_eq!(
        (&again["start_date"], &again["end_date"]),
        (&json!("2026-11-21T08:00:00.000000Z"), &Value::Null)
    );
    assert_eq!(bench.ask(Method::PUT, &path, Some(body)).await.0, 405);

    // The flag that PostHog makes for a survey stands in no list of flags.
    let filters = json!({"groups": [{"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": 1}], "rollout_percentage": 100}]});
    let before = bench.get(FLAGS).await["count"].clone();
    let cohort = json!({"name": "For the team", "type": "popover", "targeting_flag_filters": filters,
        "questions": [{"type": "open", "question": "Why?"}]});
    let (status, targeted) = bench.post(SURVEYS, cohort).await;
    assert_eq!((status, &targeted["targeting_flag"]["filters"]), (201, &filters), "{targeted}");
    assert_eq!(bench.get(FLAGS).await["count"], before);
    let own = format!("{SURVEYS}{}/", targeted["id"].as_str().unwrap());
    // Other filters make no other flag, and it is on while the survey runs.
    let people = json!({"groups": [{"properties": [{"key": "email", "type": "person", "operator": "exact", "value": ["ada@offset.example"]}], "rollout_percentage": 100}]});
    bench.post(&format!("{own}launch/"), json!({})).await;
    let (status, changed) = bench.patch(&own, json!({"targeting_flag_filters": people})).await;
    let (flag, first) = (&changed["targeting_flag"], &targeted["targeting_flag"]);
    assert_eq!((status, &flag["filters"], &flag["id"]), (200, &people, &first["id"]), "{changed}");
    assert_eq!((&first["active"], &flag["active"]), (&json!(false), &json!(true)));
    let (_, open) = bench.patch(&own, json!({"remove_targeting_flag": true})).await;
    assert_eq!(open["targeting_flag"], Value::Null);

    for (query, expect) in [("search=interview", 1), ("search=TEAM", 1), ("search=x", 0), ("", 2)] {
        assert_eq!(bench.get(&format!("{SURVEYS}?{query}")).await["count"], expect, "{query}");
    }
    let gone = bench.ask(Method::DELETE, &path, None).await;
    assert_eq!(gone.0, 204);
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.flag("new-checkout").await["surveys"], json!([]));
}

#[tokio::test]
async fn bad_surveys_are_refused() {
    let bench = Bench::new().await;
    let body = survey(&bench.flag("new-checkout").await["id"]);
    assert_eq!(bench.post(SURVEYS, body.clone()).await.0, 201);
    let body = with(body, "name", Some(json!("Another")));
    let question = |it: Value| Some(json!([it]));
    for (name, value, code, attr) in [
        ("name", None, "required", "name"),
        ("name", Some(json!("")), "blank", "name"),
        ("name", Some(json!("Interview: new checkout")), "unique", "name"),
        ("type", None, "required", "type"),
        ("type", Some(json!("odd")), "invalid_choice", "type"),
        ("schedule", Some(json!("sometimes")), "invalid_choice", "schedule"),
        ("linked_flag_id", Some(json!(999)), "invalid_input", "linked_flag_id"),
        ("linked_flag_id", Some(json!("new-checkout")), "invalid_input", "linked_flag_id"),
        ("questions", Some(json!("Why?")), "invalid_input", "questions"),
        ("questions", question(json!("Why?")), "invalid_input", "questions"),
        ("questions", question(json!({"type": "open"})), "invalid_input", "questions"),
        ("questions", question(json!({"type": "odd", "question": "Why?"})), "invalid_input", "questions"),
        (
            "questions",
            question(json!({"type": "link", "question": "Why?", "link": "http://a.example"})),
            "invalid_input",
            "questions",
        ),
        (
            "questions",
            question(json!({"type": "single_choice", "question": "Why?"})),
            "invalid_input",
            "questions",
        ),
        ("conditions", Some(json!([])), "invalid_input", "conditions"),
        ("conditions", Some(json!({"linkedFlagVariant": "test"})), "invalid_input", "conditions"),
        ("responses_limit", Some(json!("many")), "invalid_input", "responses_limit"),
        ("start_date", Some(json!("soon")), "invalid_input", "start_date"),
        (
            "targeting_flag_filters",
            Some(json!({"groups": [{"properties": [], "rollout_percentage": 100}]})),
            "invalid_input",
            "targeting_flag_filters",
        ),
        ("targeting_flag_filters", Some(json!({"groups": []})), "invalid_input", "targeting_flag_filters"),
    ] {
        let answer = bench.post(SURVEYS, with(body.clone(), name, value.clone())).await;
        assert_eq!(refusal(&answer), (400, code, attr), "{name} {value:?}: {}", answer.1);
    }
    assert_eq!(bench.get(SURVEYS).await["count"], 1);
    assert_eq!(bench.ask(Method::GET, &format!("{SURVEYS}0190aaaa/"), None).await.0, 404);
}

/// The id of a trends insight with one series.
pub async fn trend(bench: &Bench) -> Value {
    bench.get("/api/projects/1/insights/?search=Daily%20people").await["results"][0]["id"].clone()
}

#[tokio::test]
async fn alerts_watch_trends() {
    let bench = Bench::new().await;
    let insight = trend(&bench).await;
    let body = alert(&insight);
    let (status, made) = bench.post(ALERTS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    for name in ["name", "condition", "config", "calculation_interval", "enabled", "skip_weekend"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!(made["threshold"]["configuration"], body["threshold"]["configuration"]);
    assert_eq!((&made["insight"]["id"], &made["insight"]["name"]), (&insight, &json!("Daily people")));
    assert_eq!(made["subscribed_users"][0]["email"], "ada@offset.example");
    assert_eq!((&made["state"], &made["checks"]), (&json!("Not firing"), &json!([])));
    let path = format!("{ALERTS}{}/", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await["id"], made["id"]);
    let shown = bench.get(&format!("/api/projects/1/insights/{insight}/")).await;
    assert_eq!((&shown["alerts"][0]["id"], &shown["alerts"][0]["insight"]), (&made["id"], &insight));
    let (_, off) = bench.patch(&path, json!({"enabled": false, "subscribed_users": []})).await;
    assert_eq!(
        (&off["enabled"], &off["subscribed_users"], &off["name"]),
        (&json!(false), &json!([]), &body["name"])
    );

    let sql = json!({"name": "SQL", "query": {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "select 1"}}});
    let sql = bench.post("/api/projects/1/insights/", sql).await.1["id"].clone();
    let bounds = |it: Value| Some(json!({"configuration": {"type": "absolute", "bounds": it}}));
    for (name, value, code) in [
        ("insight", None, "required"),
        ("insight", Some(json!(999)), "does_not_exist"),
        ("insight", Some(json!("x")), "incorrect_type"),
        ("insight", Some(sql), "invalid_input"),
        ("subscribed_users", None, "required"),
        ("subscribed_users", Some(json!([17])), "does_not_exist"),
        ("subscribed_users", Some(json!(1)), "invalid_input"),
        ("condition", Some(json!({"type": "odd"})), "invalid_input"),
        ("threshold", None, "required"),
        ("threshold", Some(json!({"configuration": {"bounds": {"upper": 1}}})), "invalid_input"),
        ("threshold", bounds(json!({})), "invalid_input"),
        ("threshold", bounds(json!({"upper": "much"})), "invalid_input"),
        ("threshold", bounds(json!({"lower": 2, "upper": 1})), "invalid_input"),
        ("config", Some(json!({"type": "TrendsAlertConfig", "series_index": 1})), "invalid_input"),
        ("config", Some(json!({"series_index": 0})), "invalid_input"),
        ("calculation_interval", Some(json!("yearly")), "invalid_choice"),
        ("enabled", Some(json!("maybe")), "invalid_input"),
    ] {
        let answer = bench.post(ALERTS, with(body.clone(), name, value.clone())).await;
        assert_eq!(refusal(&answer), (400, code, name), "{value:?}: {}", answer.1);
    }
    let fast = with(body.clone(), "calculation_interval", Some(json!("real_time")));
    assert_eq!(bench.post(ALERTS, fast).await.0, 402);

    // Five are free.
    for _ in 0..4 {
        assert_eq!(bench.post(ALERTS, body.clone()).await.0, 201);
    }
    let (status, full) = bench.post(ALERTS, body.clone()).await;
    assert!(status == 400 && full["detail"].as_str().unwrap().contains("limit of 5 alerts"), "{full}");
    assert_eq!(bench.get(&format!("{ALERTS}?limit=2")).await["count"], 5);
    assert_eq!(bench.ask(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.post(ALERTS, body).await.0, 201);
}

#[tokio::test]
async fn annotations_are_written_and_changed() {
    let bench = Bench::new().await;
    let body = json!({"content": "new-checkout 25 % → 50 %", "date_marker": "2026-11-24T08:00:00Z",
        "scope": "project", "creation_type": "GIT"});
    let (status, made) = bench.post(ANNOTATIONS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["content"], &made["creation_type"], &made["date_marker"]),
        (&body["content"], &json!("GIT"), &json!("2026-11-24T08:00:00.000000Z"))
    );
    let path = format!("{ANNOTATIONS}{}/", made["id"]);
    assert_eq!(bench.get(&path).await, made);
    let (_, after) = bench.patch(&path, json!({"content": "new"})).await;
    assert_eq!((&after["content"], &after["date_marker"]), (&json!("new"), &made["date_marker"]));
    for (body, code, attr) in [
        (json!({"scope": "world"}), "invalid_choice", "scope"),
        (json!({"date_marker": "soon"}), "invalid_input", "date_marker"),
        (json!({"dashboard_item": 999}), "does_not_exist", "dashboard_item"),
    ] {
        assert_eq!(refusal(&bench.patch(&path, body.clone()).await), (400, code, attr), "{body}");
        assert_eq!(refusal(&bench.post(ANNOTATIONS, body.clone()).await), (400, code, attr), "{body}");
    }
    assert_eq!(bench.get(&format!("{ANNOTATIONS}?search=NEW")).await["count"], 1);
    assert_eq!(bench.ask(Method::DELETE, &path, None).await.0, 405);
    assert_eq!(bench.patch(&path, json!({"deleted": true})).await.1["deleted"], true);
    assert_eq!(bench.get(ANNOTATIONS).await["count"], 0);
    assert_eq!(bench.ask(Method::GET, &path, None).await.0, 404);
    assert_eq!(bench.get("/_sandbox/state/").await["counts"]["annotations"], 0);
}

/// A rule of one condition.
fn rule(leaf: Value) -> Value {
    json!({"properties": {"type": "OR", "values": [{"type": "AND", "values": [leaf]}]}})
}

#[tokio::test]
async fn cohorts_are_counted_later() {
    let bench = Bench::new().await;
    let staff =
        json!({"type": "person", "key": "email", "operator": "icontains", "value": "@offset.example"});
    let (status, made) = bench.post(COHORTS, json!({"name": "Staff", "filters": rule(staff.clone())})).await;
    assert_eq!(
        (status, &made["is_calculating"], &made["count"]),
        (201, &json!(true), &Value::Null),
        "{made}"
    );
    let path = format!("{COHORTS}{}/", made["id"]);
    let counted = bench.get(&path).await;
    assert_eq!((&counted["is_calculating"], &counted["count"]), (&json!(false), &json!(12)));
    assert_eq!(bench.get(&format!("{COHORTS}?search=STAFF")).await["count"], 1);

    let person = bench.get(&format!("{path}persons/?limit=1")).await["results"][0]["uuid"].clone();
    let fixed = json!({"name": "Some", "is_static": true, "_create_static_person_ids": [person]});
    let (_, fixed) = bench.post(COHORTS, fixed).await;
    assert_eq!((&fixed["is_calculating"], &fixed["count"]), (&json!(false), &json!(1)), "{fixed}");
    let one = format!("{COHORTS}{}/", fixed["id"]);
    let (_, none) =
        bench.patch(&format!("{one}remove_person_from_static_cohort/"), json!({"person_id": person})).await;
    assert_eq!(none["count"], 0);
    // Somebody who is in it already is not in it twice.
    let both = json!({"person_ids": [person, person]});
    let (_, back) = bench.patch(&format!("{one}add_persons_to_static_cohort/"), both).await;
    assert_eq!(back["count"], 1);
    let inside = bench.get(&format!("{one}persons/")).await;
    assert_eq!((&inside["results"][0]["uuid"], inside["results"].as_array().unwrap().len()), (&person, 1));
    let add = format!("{path}add_persons_to_static_cohort/");
    assert_eq!(bench.patch(&add, json!({"person_ids": [person]})).await.0, 400, "its rule decides");

    for (body, code, attr) in [
        (json!({"filters": rule(staff.clone())}), "required", "name"),
        (json!({"name": "", "filters": rule(staff)}), "blank", "name"),
        (json!({"name": "x"}), "invalid_input", "filters"),
        (json!({"name": "x", "filters": {}}), "invalid_input", "filters"),
        (json!({"name": "x", "filters": rule(json!({"type": "odd"}))}), "invalid_input", "filters"),
        (
            json!({"name": "x", "filters": rule(json!({"type": "cohort", "key": "id", "value": 99}))}),
            "invalid_input",
            "filters",
        ),
    ] {
        assert_eq!(refusal(&bench.post(COHORTS, body.clone()).await), (400, code, attr), "{body}");
    }

    // What people did decides for no flag, neither itself nor through another cohort.
    let did = json!({"type": "behavioral", "key": "purchase", "value": "performed_event",
        "event_type": "events", "time_value": 30, "time_interval": "day"});
    let (_, buyers) = bench.post(COHORTS, json!({"name": "Buyers", "filters": rule(did)})).await;
    assert_eq!(buyers["cohort_type"], "behavioral");
    let through = rule(json!({"type": "cohort", "key": "id", "value": buyers["id"]}));
    let (_, through) = bench.post(COHORTS, json!({"name": "Through", "filters": through})).await;
    for id in [&buyers["id"], &through["id"]] {
        let group = json!({"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": id}], "rollout_percentage": 100});
        let answer = bench.post(FLAGS, json!({"key": "x", "filters": {"groups": [group]}})).await;
        assert_eq!(refusal(&answer), (400, "behavioral_cohort_found", "filters"));
    }
}

#[tokio::test]
async fn experiments_from_draft_to_the_end() {
    let bench = Bench::new().await;
    let half = |key: &str| json!({"key": key, "rollout_percentage": 50});
    let filters = |variants: [&str; 2]| {
        json!({"groups": [{"properties": [], "rollout_percentage": 100}],
            "multivariate": {"variants": [half(variants[0]), half(variants[1])]}})
    };
    let flag = json!({"key": "prices", "active": false, "filters": filters(["control", "yearly"])});
    assert_eq!(bench.post(FLAGS, flag).await.0, 201);
    bench.post(FLAGS, json!({"key": "no-control", "filters": filters(["a", "b"])})).await;
    let mean = json!({"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "purchase"}});
    let errors = json!({"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "$exception"}});
    let body = json!({"name": "Prices", "feature_flag_key": "prices", "metrics": [mean], "metrics_secondary": [errors],
        "exposure_criteria": {"filterTestAccounts": true}, "parameters": {"minimum_detectable_effect": 5}});
    let (status, made) = bench.post(EXPERIMENTS, body.clone()).await;
    assert_eq!((status, &made["status"]), (201, &json!("draft")), "{made}");
    for name in ["metrics", "metrics_secondary", "exposure_criteria"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!(made["parameters"]["minimum_detectable_effect"], 5);
    assert_eq!(made["parameters"]["feature_flag_variants"][1]["key"], "yearly");
    assert_eq!(made["resolved_exposure_event"], "$experiment_exposure");
    assert_eq!(bench.flag("prices").await["active"], false);
    let path = format!("{EXPERIMENTS}{}/", made["id"]);
    let (_, launched) = bench.post(&format!("{path}launch/"), json!({})).await;
    assert_eq!(
        (&launched["status"], bench.flag("prices").await["active"].clone()),
        (&json!("running"), json!(true))
    );
    let ship =
        |key: &str| json!({"variant_key": key, "conclusion": "won", "conclusion_comment": "More sales"});
    let answer = bench.post(&format!("{path}ship_variant/"), ship("odd")).await;
    assert_eq!(refusal(&answer), (400, "invalid_input", "variant_key"));
    let (status, shipped) = bench.post(&format!("{path}ship_variant/"), ship("yearly")).await;
    assert_eq!(
        (status, &shipped["status"], &shipped["conclusion"]),
        (200, &json!("stopped"), &json!("won")),
        "{shipped}"
    );
    let served = bench.flag("prices").await["filters"].clone();
    assert_eq!(served["multivariate"]["variants"][1]["rollout_percentage"], 100);
    assert_eq!(served["groups"][0]["rollout_percentage"], 100);

    // Clients of older servers write the date in place of launching.
    let (_, second) =
        bench.post(EXPERIMENTS, json!({"name": "New", "feature_flag_key": "made-with-it"})).await;
    let path = format!("{EXPERIMENTS}{}/", second["id"]);
    assert_eq!(bench.post(&format!("{path}ship_variant/"), ship("test")).await.0, 400, "a draft");
    // A launch that waits for an approval has not happened.
    bench.control("approvals", json!({"actions": ["feature_flag.enable"]})).await;
    let start = json!({"start_date": "2026-11-20T10:00:00Z", "name": "Renamed"});
    assert_eq!(bench.patch(&path, start).await.0, 409);
    assert_eq!(bench.post(&format!("{path}launch/"), json!({})).await.0, 409);
    let same = bench.get(&path).await;
    assert_eq!((&same["status"], &same["name"]), (&json!("draft"), &json!("New")));
    bench.control("approvals", json!({"actions": []})).await;
    let (_, started) = bench.patch(&path, json!({"start_date": "2026-11-20T10:00:00Z"})).await;
    assert_eq!(started["status"], "running");
    assert_eq!(bench.flag("made-with-it").await["active"], true);
    assert_eq!(bench.post(&format!("{path}end/"), json!({"conclusion": "odd"})).await.0, 400);
    let (end, before) = (format!("{path}end/"), bench.flag("made-with-it").await["filters"].clone());
    let told = json!({"conclusion": "inconclusive", "conclusion_comment": "Too few people"});
    let (status, ended) = bench.post(&end, told.clone()).await;
    assert_eq!((status, &ended["status"]), (200, &json!("stopped")), "{ended}");
    assert_eq!(
        (&ended["conclusion"], &ended["conclusion_comment"]),
        (&told["conclusion"], &told["conclusion_comment"])
    );
    assert!(ended["end_date"].is_string());
    let flag = bench.flag("made-with-it").await;
    assert_eq!((&flag["active"], &flag["filters"]), (&json!(true), &before), "the flag stays as it is");
    assert_eq!(bench.post(&end, told).await.0, 400, "it has ended");

    bench.control("clock", json!({"now": "2026-08-31T12:00:00Z"})).await;
    let (_, old) = bench.post(EXPERIMENTS, json!({"name": "Old", "feature_flag_key": "old-one"})).await;
    assert_eq!(old["resolved_exposure_event"], "$feature_flag_called");

    for (name, value, code, attr) in [
        ("name", None, "required", "name"),
        ("name", Some(json!("")), "blank", "name"),
        ("feature_flag_key", None, "required", "feature_flag_key"),
        ("feature_flag_key", Some(json!("no-control")), "invalid_input", "feature_flag_key"),
        ("feature_flag_key", Some(json!("new-checkout")), "invalid_input", "feature_flag_key"),
        ("metrics", Some(json!({})), "invalid_input", "metrics"),
        (
            "metrics",
            Some(json!([{"kind": "ExperimentMetric", "metric_type": "odd"}])),
            "invalid_input",
            "metrics",
        ),
        (
            "metrics_secondary",
            Some(json!([{"kind": "ExperimentMetric", "metric_type": "mean"}])),
            "invalid_input",
            "metrics_secondary",
        ),
        (
            "parameters",
            Some(json!({"feature_flag_variants": [half("control")]})),
            "invalid_input",
            "parameters",
        ),
        (
            "parameters",
            Some(json!({"feature_flag_variants": [half("a"), half("b")]})),
            "invalid_input",
            "parameters",
        ),
        ("description", Some(json!("x".repeat(3001))), "max_length", "description"),
    ] {
        let answer = bench.post(EXPERIMENTS, with(body.clone(), name, value.clone())).await;
        assert_eq!(refusal(&answer), (400, code, attr), "{name} {value:?}: {}", answer.1);
    }
}

/// An experiment on prices that runs, with so many people of both variants, of whom the first so many do the steps.
async fn compared(
    bench: &Bench,
    people: [usize; 2],
    steps: &[(&str, [usize; 2])],
    metric: Value,
) -> (u64, Value) {
    let body = json!({"name": "Prices", "feature_flag_key": "prices", "metrics": [metric]});
    let (_, made) = bench.post(EXPERIMENTS, body).await;
    bench.post(&format!("{EXPERIMENTS}{}/launch/", made["id"]), json!({})).await;
    let mut events = Vec::new();
    for (of, variant) in ["control", "test"].into_iter().enumerate() {
        for n in 0..people[of] {
            let who = format!("{variant}-{n}");
            let exposed = json!({"$feature_flag": "prices", "$feature_flag_response": variant});
            events
                .push(json!({"event": "purchase", "distinct_id": who, "timestamp": "2026-11-20T11:00:00Z"}));
            events.push(json!({"event": "$experiment_exposure", "distinct_id": who, "properties": exposed, "timestamp": NOW}));
            for (at, (event, how_many)) in steps.iter().enumerate() {
                if n < how_many[of] {
                    let properties = json!({"amount": 10 * (of + 1)});
                    let when = format!("2026-11-20T12:00:0{}Z", at + 1);
                    events.push(json!({"event": event, "distinct_id": who, "properties": properties, "timestamp": when}));
                }
            }
        }
    }
    bench.control("clock", json!({"now": "2026-11-20T13:00:00Z"})).await;
    bench.control("events", json!({ "events": events })).await;
    (made["id"].as_u64().unwrap(), made["metrics"][0].clone())
}

async fn result(bench: &Bench, experiment: u64, metric: &Value) -> (u16, Value) {
    let query = json!({"kind": "ExperimentQuery", "experiment_id": experiment, "metric": metric});
    bench.post("/api/projects/1/query/", json!({ "query": query })).await
}

#[tokio::test]
async fn experiments_say_how_they_go() {
    let node = |event: &str| json!({"kind": "EventsNode", "event": event});
    let funnel = json!({"kind": "ExperimentMetric", "metric_type": "funnel", "series": [node("cart"), node("purchase")]});
    // What people did before they took part does not count.
    let steps = [("cart", [40, 50]), ("purchase", [20, 30])];
    let bench = Bench::new().await;
    let (id, metric) = compared(&bench, [100, 100], &steps, funnel).await;
    let (status, answer) = result(&bench, id, &metric).await;
    assert_eq!(status, 200, "{answer}");
    let (control, test) = (&answer["baseline"], &answer["variant_results"][0]);
    assert_eq!(
        (&control["key"], &control["number_of_samples"], &control["sum"]),
        (&json!("control"), &json!(100), &json!(20.0))
    );
    assert_eq!(
        (&test["key"], &test["sum"], &test["method"]),
        (&json!("test"), &json!(30.0), &json!("bayesian"))
    );
    let bound = |at: usize| test["credible_interval"][at].as_f64().unwrap();
    // Half as many more, give or take 1.96 times the root of 0.0525 + 0.09.
    assert!((bound(0) + 0.2399).abs() < 1e-4 && (bound(1) - 1.2399).abs() < 1e-4, "{test}");
    assert!((test["chance_to_win"].as_f64().unwrap() - 0.9073).abs() < 1e-4, "{test}");
    assert_eq!(test["significant"], false);

    // Money by person, and what less of is better.
    let source = json!({"kind": "EventsNode", "event": "purchase", "math": "sum", "math_property": "amount"});
    let mut mean = json!({"kind": "ExperimentMetric", "metric_type": "mean", "source": source});
    let (_, sums) = result(&bench, id, &mean).await;
    assert_eq!(
        (&sums["baseline"]["sum"], &sums["variant_results"][0]["sum"]),
        (&json!(200.0), &json!(600.0))
    );
    assert_eq!(sums["variant_results"][0]["significant"], true, "{sums}");
    mean["goal"] = "decrease".into();
    let (_, less) = result(&bench, id, &mean).await;
    let chance = |it: &Value| it["variant_results"][0]["chance_to_win"].as_f64().unwrap();
    assert!((chance(&less) - (1.0 - chance(&sums))).abs() < 1e-9);

    for (metric, text) in [
        (
            json!({"metric_type": "ratio", "numerator": {}}),
            "The sandbox compares means and funnels; this is a ratio metric.",
        ),
        (json!(null), "metric is required"),
    ] {
        let (status, refused) = result(&bench, id, &metric).await;
        assert_eq!((status, &refused["detail"]), (400, &json!(text)));
    }
    assert_eq!(result(&bench, 99, &mean).await.1["detail"], "Experiment with id 99 not found");
}

#[tokio::test]
async fn few_people_are_not_compared() {
    let bench = Bench::new().await;
    let source = json!({"kind": "EventsNode", "event": "purchase"});
    let mean = json!({"kind": "ExperimentMetric", "metric_type": "mean", "source": source});
    let (id, metric) = compared(&bench, [50, 49], &[("purchase", [0, 9])], mean).await;
    let (_, answer) = result(&bench, id, &metric).await;
    let (control, test) = (&answer["baseline"], &answer["variant_results"][0]);
    assert_eq!(control["validation_failures"], json!(["baseline-mean-is-zero"]), "{answer}");
    assert_eq!(test["validation_failures"], json!(["not-enough-exposures"]));
    assert_eq!((&test["significant"], &test["chance_to_win"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn names_of_events_and_properties() {
    let bench = Bench::new().await;
    const EVENTS: &str = "/api/projects/1/event_definitions/";
    const PROPERTIES: &str = "/api/projects/1/property_definitions/";
    let names = |list: &Value| -> Vec<String> {
        list["results"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let all = bench.get(EVENTS).await;
    assert_eq!(names(&all), ["$exception", "$feature_flag_called", "$pageview", "purchase"]);
    assert_eq!(names(&bench.get(&format!("{EVENTS}?search=PURCH")).await), ["purchase"]);
    let one = bench.get(&format!("{EVENTS}by_name/?name=purchase")).await;
    assert_eq!(one, all["results"][3]);
    assert!(one["last_seen_at"].is_string());
    assert_eq!(bench.get(&format!("{EVENTS}{}/", one["id"].as_str().unwrap())).await, one);
    assert_eq!(bench.ask(Method::GET, &format!("{EVENTS}by_name/?name=odd"), None).await.0, 404);
    assert_eq!(bench.ask(Method::POST, EVENTS, None).await.0, 405);

    let of_purchase =
        format!("{PROPERTIES}?type=event&event_names=%5B%22purchase%22%5D&filter_by_event_names=true");
    let list = bench.get(&of_purchase).await;
    let found = names(&list);
    assert!(found.contains(&"amount".into()) && !found.contains(&"$feature_flag".into()), "{found:?}");
    let amount = list["results"].as_array().unwrap().iter().find(|it| it["name"] == "amount").unwrap();
    assert_eq!(
        (&amount["property_type"], &amount["is_seen_on_filtered_events"]),
        (&json!("Numeric"), &json!(true))
    );
    let people = bench.get(&format!("{PROPERTIES}?type=person")).await;
    assert_eq!(names(&people), ["beta_tester", "country", "email", "ltv", "plan"]);
    for query in ["type=odd", "event_names=purchase"] {
        assert_eq!(bench.ask(Method::GET, &format!("{PROPERTIES}?{query}"), None).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn early_access_features_on_a_flag() {
    const FEATURES: &str = "/api/projects/1/early_access_feature/";
    let bench = Bench::new().await;
    let flag = bench.flag("beta-nav").await["id"].clone();
    let body = json!({"name": "Navigation", "description": "New", "stage": "beta", "feature_flag_id": flag,
        "documentation_url": "https://offset.example/docs", "payload": {"a": 1}});
    let (status, made) = bench.post(FEATURES, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    for name in ["name", "description", "stage", "documentation_url", "payload"] {
        assert_eq!(made[name], body[name], "{name}");
    }
    assert_eq!(made["feature_flag"]["key"], "beta-nav");
    assert_eq!(bench.flag("beta-nav").await["filters"]["feature_enrollment"], true);
    assert_eq!(bench.post(FEATURES, body).await.0, 400, "the flag has one");
}
