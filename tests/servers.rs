//! The stories of an editor against PostHog servers of today and of December 2023, and everything that goes wrong with
//! either. What is here never asks a server for its version: what the answers hold decides.

#![cfg(test)]

mod support;

use flagline::posthog::account::SCOPES;
use flagline::sandbox::{GRACE_KEY, Shape};
use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "\
import posthog from 'posthog-js'

export const checkout = posthog.isFeatureEnabled('new-checkout')
export const banner = posthog.isFeatureEnabled('old-banner')
export const badge = posthog.isFeatureEnabled('new-chekout')
export const videos = posthog.isFeatureEnabled('project-videos')
export const price = posthog.getFeatureFlag('pricing-page')
";

/// What every server has to say of `CODE`, in parts of sentences.
const WARNINGS: [&str; 3] = [
    "stale-flag: 'new-checkout' is on for everyone since ",
    "disabled-flag: 'old-banner' is off for everyone since ",
    "unknown-flag: Offset has no flag 'new-chekout'; did you mean 'new-checkout'?",
];

async fn opened(posthog: &Posthog) -> Editor {
    let mut editor = Start::new(&[]).signed_in(posthog).start().await;
    editor.open(APP, CODE).await;
    editor
}

async fn warned(posthog: &Posthog) -> Editor {
    let mut editor = opened(posthog).await;
    editor.warned(APP, &WARNINGS).await;
    editor
}

/// Reads diagnostics until the unknown flag is among them, whatever is known of the others.
async fn unknown_is_told(editor: &mut Editor) {
    while !editor.warnings(APP).await.iter().any(|it| it.starts_with("unknown-flag")) {}
}

async fn refresh(editor: &mut Editor) {
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
}

/// A status, in place of what is behind a part of a path.
fn status(path: &str, status: u16) -> Value {
    json!([{ "kind": "status", "status": status, "path_contains": path }])
}

// Stories.

#[tokio::test]
async fn cards_say_stage_exposure_history_and_experiments() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let mut editor = warned(&posthog).await;
        let text = editor.hover_until(APP, "project-videos", "% since").await;
        for words in ["beta, 40 %", "People in the last 7 days", "**on**", "last seen", "made by Ada", " by "]
        {
            assert!(text.contains(words), "{shape}: no {words:?} in {text}");
        }
        let text = editor.hover_until(APP, "new-checkout", "People in the last 7 days").await;
        assert!(text.contains("everyone since "), "{shape}: {text}");
        let text = editor.hover_until(APP, "pricing-page", "Experiment ").await;
        assert!(text.contains("runs since"), "{shape}: {text}");
        if shape == Shape::Today {
            let text = editor.hover_until(APP, "pricing-page", "purchase per person").await;
            let words = ["control", "test", " people", " % (", " to ", "ignificant: "];
            assert!(words.iter().all(|it| text.contains(it)), "{text}");
        }
        let text = editor.hover_text(APP, "new-chekout").await;
        assert!(text.contains("Did you mean **new-checkout**?"), "{shape}: {text}");
        editor.finish().await;
    }
}

/// Today's servers say that a flag is archived; older ones have it among those that are off.
#[tokio::test]
async fn a_flag_that_was_put_away_is_not_unknown() {
    for (shape, words) in [(Shape::Today, "archived"), (Shape::December2023, "off")] {
        let posthog = Posthog::shaped(shape).await;
        let mut editor = opened(&posthog).await;
        editor.warned(APP, &WARNINGS).await;
        editor
            .edit(APP, "posthog.getFeatureFlag('pricing-page')", "posthog.isFeatureEnabled('legacy-export')")
            .await;
        let text = editor.hover_until(APP, "legacy-export", words).await;
        assert!(!text.contains("unknown"), "{shape}: {text}");
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_flag_that_is_deleted_is_told_so_and_its_key_is_free() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let mut editor = warned(&posthog).await;
        editor.ignore("window/showMessage");
        editor.ignore("window/logMessage");
        posthog.change(GRACE_KEY, "old-banner", json!({ "deleted": true })).await;
        refresh(&mut editor).await;
        editor.hover_until(APP, "old-banner", "deleted").await;
        // The key is free, and whoever has it now counts.
        posthog.create("old-banner").await;
        refresh(&mut editor).await;
        editor.hover_until(APP, "old-banner", "partial 30 %").await;
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_feature_is_launched_and_a_launch_that_was_cut_off_completed() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let mut editor = warned(&posthog).await;
        posthog.faults(json!([{ "kind": "status", "status": 500, "method": "POST", "path_contains": "/dashboards/" }])).await;
        let told = editor.launch("gift-wrapping").await;
        assert!(told.contains("it stopped at dashboard"), "{shape}: {told}");
        posthog.faults(json!([])).await;
        let told = editor.launch("gift-wrapping").await;
        assert!(told.contains("is launched, in its first stage"), "{shape}: {told}");
        editor.start_launch("gift-wrapping").await;
        let told = editor.told().await;
        assert!(told.contains("is launched already, and complete"), "{shape}: {told}");
        let flag = posthog.flag("gift-wrapping").await;
        let dashboards = flag["analytics_dashboards"].as_array().unwrap();
        assert_eq!(dashboards.len(), 1, "{shape}: {flag}");
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn what_others_change_is_news() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let mut editor = warned(&posthog).await;
        editor.ignore("textDocument/publishDiagnostics");
        editor.hover_until(APP, "pricing-page", "in the last 7 days").await;
        posthog.change(GRACE_KEY, "project-videos", json!({ "active": false })).await;
        refresh(&mut editor).await;
        // Who did it, and when, older servers do not say with the flag: it may be one's own, and does not pop up.
        let pops_up = shape == Shape::Today;
        let told = if pops_up { editor.told().await } else { editor.logged().await };
        assert!(told.contains("beta, 40 % → off"), "{shape}: {told}");
        editor.hover_until(APP, "project-videos", "off").await;
        editor.ignore("window/logMessage");
        editor.finish().await;
    }
}

#[tokio::test]
async fn early_access_is_on_the_card_and_follows_its_stage() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let feature = posthog.feature("project-videos", "draft").await;
        let mut editor = warned(&posthog).await;
        editor.hover_until(APP, "project-videos", "Early access feature Videos: draft").await;
        editor.ignore("textDocument/publishDiagnostics");
        let one = format!("early_access_feature/{}/", feature["id"].as_str().unwrap());
        let (status, answer) = posthog.ask("PATCH", &one, json!({ "stage": "beta" })).await;
        assert_eq!(status, 200, "{shape}: {answer}");
        refresh(&mut editor).await;
        editor.hover_until(APP, "project-videos", "Early access feature Videos: beta").await;
        assert_eq!(posthog.ask("DELETE", &one, Value::Null).await.0, 204);
        refresh(&mut editor).await;
        let gone = async {
            while editor.hover_text(APP, "project-videos").await.contains("Early access") {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.unwrap();
        editor.ignore("window/showMessage");
        editor.ignore("window/logMessage");
        editor.finish().await;
    }
}

#[tokio::test]
async fn changes_to_come_are_on_the_card() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        posthog.schedule("project-videos", json!({ "operation": "update_status", "value": false })).await;
        let mut editor = warned(&posthog).await;
        editor.hover_until(APP, "project-videos", "Next, on ").await;
        editor.finish().await;
    }
}

// What goes wrong with everything.

#[tokio::test]
async fn a_server_that_fails_is_told_once_and_nothing_is_said_of_flags() {
    for shape in Shape::ALL {
        for (fault, words) in [
            (json!({ "kind": "status", "status": 401 }), "does not accept the API key"),
            (json!({ "kind": "status", "status": 402 }), "plan does not include"),
            (json!({ "kind": "status", "status": 403 }), "not allowed to do this"),
            (json!({ "kind": "status", "status": 404 }), "has no project 1 that the key can see"),
            (json!({ "kind": "status", "status": 405 }), "has no project 1 that the key can see"),
            (json!({ "kind": "status", "status": 409 }), "was updated since"),
            (json!({ "kind": "status", "status": 429, "retry_after": 600 }), "asks to wait 600 s"),
            (json!({ "kind": "status", "status": 500 }), "a problem of its own (500)"),
            (json!({ "kind": "status", "status": 503 }), "a problem of its own (503)"),
            (json!({ "kind": "status", "status": 504 }), "a problem of its own (504)"),
            (json!({ "kind": "html" }), "does not answer like PostHog"),
            (json!({ "kind": "malformed" }), "cannot be understood"),
            (json!({ "kind": "cut" }), "cannot be reached"),
            (json!({ "kind": "huge" }), "larger than 64 MB"),
        ] {
            let posthog = Posthog::shaped(shape).await;
            posthog.faults(json!([fault])).await;
            let mut editor = opened(&posthog).await;
            let told = editor.told().await;
            assert!(told.contains(words), "{shape} {fault}: {told}");
            let text = editor.hover_text(APP, "new-checkout").await;
            assert!(text.contains("not loaded"), "{shape} {fault}: {text}");
            // Once it is over, everything comes.
            posthog.faults(json!([])).await;
            refresh(&mut editor).await;
            editor.warned(APP, &WARNINGS).await;
            editor.finish().await;
        }
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_and_holds_up_no_hover() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        posthog.faults(json!([{ "kind": "latency", "milliseconds": 700 }])).await;
        let mut editor = opened(&posthog).await;
        let begun = std::time::Instant::now();
        assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
        assert!(begun.elapsed().as_millis() < 600, "{shape}: {:?}", begun.elapsed());
        editor.warned(APP, &WARNINGS).await;
        editor.finish().await;
    }
}

// What goes wrong with a part.

#[tokio::test]
async fn a_part_that_is_not_given_leaves_the_rest() {
    let exposure = ("/query/", "project-videos", "Exposure cannot be told");
    let since = ("/activity/", "project-videos", "Since when cannot be told");
    let experiment = ("/experiments/", "pricing-page", "Its experiment cannot be told");
    for shape in Shape::ALL {
        for (path, key, words) in [exposure, since, experiment] {
            for code in [402, 403, 404] {
                let posthog = Posthog::shaped(shape).await;
                posthog.faults(status(path, code)).await;
                let mut editor = opened(&posthog).await;
                unknown_is_told(&mut editor).await;
                let text = editor.hover_until(APP, key, words).await;
                assert!(!text.contains("· not loaded"), "{shape} {path} {code}: {text}");
                editor.ignore("textDocument/publishDiagnostics");
                editor.finish().await;
            }
        }
    }
}

#[tokio::test]
async fn what_no_card_needs_is_not_missed() {
    for shape in Shape::ALL {
        for (path, code) in [
            ("/users/@me/", 403),
            ("/users/@me/", 404),
            ("/scheduled_changes/", 402),
            ("/scheduled_changes/", 404),
            ("/scheduled_changes/", 405),
        ] {
            let posthog = Posthog::shaped(shape).await;
            posthog.faults(status(path, code)).await;
            let mut editor = warned(&posthog).await;
            let text = editor.hover_until(APP, "project-videos", "% since").await;
            assert!(!text.contains("cannot be told"), "{shape} {path} {code}: {text}");
            editor.finish().await;
        }
    }
}

#[tokio::test]
async fn a_write_that_is_refused_says_why() {
    let approval = json!({
        "code": "approval_required",
        "detail": "This change requires approval.",
        "change_request_id": "1",
    });
    for shape in Shape::ALL {
        for (fault, words) in [
            (json!({ "status": 402 }), "plan does not include"),
            (json!({ "status": 403 }), "not allowed to do this"),
            (json!({ "status": 409 }), "was updated since"),
            (json!({ "status": 409, "body": approval }), "waits for an approval in PostHog"),
            (json!({ "status": 429, "retry_after": 600 }), "asks to wait 600 s"),
            (json!({ "status": 500 }), "a problem of its own"),
        ] {
            let posthog = Posthog::shaped(shape).await;
            let mut editor = warned(&posthog).await;
            let mut post = fault.clone();
            (post["kind"], post["method"]) = (json!("status"), json!("POST"));
            post["path_contains"] = json!("/feature_flags/");
            posthog.faults(json!([post])).await;
            let told = editor.launch("gift-wrapping").await;
            assert!(told.contains(words), "{shape} {fault}: {told}");
            editor.ignore("textDocument/publishDiagnostics");
            editor.finish().await;
        }
    }
}

// Scopes.

/// All that Flagline needs but these.
fn scopes_without(missing: &[&str]) -> Vec<&'static str> {
    // Writing includes reading.
    let is_missing =
        |it: &str| missing.iter().any(|gone| *gone == it || *gone == it.replace(":write", ":read"));
    SCOPES.iter().map(|it| it.0).filter(|it| !is_missing(it)).collect()
}

#[tokio::test]
async fn each_missing_scope_is_named_once_and_the_rest_goes_on() {
    for (scope, needed_for, key, words) in [
        ("user:read", "telling your own changes", "project-videos", "% since"),
        ("query:read", "how many people", "project-videos", "Exposure cannot be told"),
        ("activity_log:read", "since when", "project-videos", "Since when cannot be told"),
        ("experiment:read", "experiment is over", "pricing-page", "Its experiment cannot be told"),
    ] {
        let posthog = Posthog::start().await;
        posthog.scopes(&scopes_without(&[scope])).await;
        let mut editor = opened(&posthog).await;
        editor.ignore("textDocument/publishDiagnostics");
        unknown_is_told(&mut editor).await;
        let told = editor.told().await;
        assert!(told.contains(&format!("lacks the scope {scope} (")), "{told}");
        assert!(told.contains(needed_for) && told.contains("/settings/user-api-keys"), "{told}");
        let text = editor.hover_until(APP, key, words).await;
        assert!(scope == "user:read" || text.contains(&format!("'{scope}'")), "{text}");
        // It is not told again, neither after a refresh.
        refresh(&mut editor).await;
        editor.hover_until(APP, key, words).await;
        editor.finish().await;
    }
}

#[tokio::test]
async fn several_missing_scopes_are_one_message() {
    let posthog = Posthog::start().await;
    let missing = ["user:read", "query:read", "activity_log:read", "experiment:read"];
    posthog.scopes(&scopes_without(&missing)).await;
    let mut editor = opened(&posthog).await;
    editor.ignore("textDocument/publishDiagnostics");
    unknown_is_told(&mut editor).await;
    let told = editor.told().await;
    assert!(told.contains("lacks the scopes ") && missing.iter().all(|it| told.contains(it)), "{told}");
    editor.hover_until(APP, "pricing-page", "Its experiment cannot be told").await;
    editor.hover_until(APP, "pricing-page", "Exposure cannot be told").await;
    editor.hover_until(APP, "pricing-page", "Since when cannot be told").await;
    editor.finish().await;
}

/// Where a key may not ask about itself, the refusals name what is missing.
#[tokio::test]
async fn a_server_that_does_not_tell_scopes_names_them_as_it_refuses() {
    for code in [401, 403, 404, 405] {
        let posthog = Posthog::start().await;
        posthog.scopes(&scopes_without(&["query:read"])).await;
        posthog.faults(status("/personal_api_keys/", code)).await;
        let mut editor = opened(&posthog).await;
        editor.ignore("textDocument/publishDiagnostics");
        unknown_is_told(&mut editor).await;
        let told = editor.told().await;
        assert!(told.contains("lacks the scope query:read (how many people"), "{told}");
        editor.finish().await;
    }
}

#[tokio::test]
async fn without_the_project_or_its_flags_nothing_is_shown() {
    for (scope, missing) in [
        ("project:read", vec!["project:read"]),
        ("feature_flag:read", vec!["feature_flag:read", "feature_flag:write"]),
    ] {
        let posthog = Posthog::start().await;
        posthog.scopes(&scopes_without(&missing)).await;
        let mut editor = opened(&posthog).await;
        let told = editor.told().await;
        assert!(told.contains(&format!("missing required scope '{scope}'")), "{told}");
        assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_key_that_only_reads_is_no_trouble_until_something_is_launched() {
    for (scope, words) in [
        ("feature_flag:write", "is not launched"),
        ("dashboard:write", "Left out: dashboard ("),
        ("insight:write", "Left out: insight ("),
    ] {
        let posthog = Posthog::start().await;
        let mut scopes = scopes_without(&[scope]);
        scopes.extend(["feature_flag:read", "dashboard:read", "insight:read"]);
        posthog.scopes(&scopes).await;
        let mut editor = warned(&posthog).await;
        let told = editor.launch("gift-wrapping").await;
        for words in [words, &format!("'{scope}'")] {
            assert!(told.contains(words), "{scope}: no {words:?} in {told}");
        }
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

/// Keys had no scopes then: what one is given now means nothing there.
#[tokio::test]
async fn an_old_server_knows_no_scopes() {
    let posthog = Posthog::shaped(Shape::December2023).await;
    posthog.scopes(&[]).await;
    let mut editor = warned(&posthog).await;
    editor.hover_until(APP, "project-videos", "People in the last 7 days").await;
    editor.finish().await;
}

// The shape of answers.

/// What is below these names differs from object to object.
const FREE: [&str; 12] = [
    "rollout_percentage",
    "filters",
    "payload",
    "query",
    "before",
    "after",
    "parameters",
    "modifiers",
    "timings",
    "test_account_filters",
    "has_completed_onboarding_for",
    "metadata",
];

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/servers/2023-12/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Fails where two answers differ in the names of their fields, or in the kind of a value; null may be anything.
fn same_shape(at: &str, expected: &Value, actual: &Value) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let names = |it: &serde_json::Map<String, Value>| {
                let mut names: Vec<String> = it.keys().cloned().collect();
                names.sort();
                names
            };
            assert_eq!(names(actual), names(expected), "{at}");
            for (name, it) in expected.iter().filter(|it| !FREE.contains(&it.0.as_str())) {
                same_shape(&format!("{at}/{name}"), it, &actual[name]);
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if let (Some(expected), Some(actual)) = (expected.first(), actual.first()) {
                same_shape(&format!("{at}/0"), expected, actual);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        _ => {
            let kind = std::mem::discriminant::<Value>;
            assert_eq!(kind(expected), kind(actual), "{at}: {expected} {actual}");
        }
    }
}

#[tokio::test]
async fn an_old_server_answers_with_the_fields_of_its_time() {
    let posthog = Posthog::shaped(Shape::December2023).await;
    let flag = json!({
        "key": "gift-cards-2",
        "active": true,
        "filters": { "groups": [{ "properties": [], "rollout_percentage": 30 }] },
    });
    let (_, made) = posthog.ask("POST", "feature_flags/", flag.clone()).await;
    let id = &made["id"];
    let schedule = json!({
        "record_id": id.to_string(),
        "model_name": "FeatureFlag",
        "payload": { "operation": "update_status", "value": false },
        "scheduled_at": "2040-01-01T00:00:00Z",
    });
    let query = |text: &str| json!({ "query": { "kind": "HogQLQuery", "query": text } });
    let experiment = json!({ "name": "Gifts", "feature_flag_key": "gift-test" });
    let (flags, one) = ("feature_flags/", format!("feature_flags/{id}/"));
    let activity = format!("feature_flags/{id}/activity/");
    let nothing = || Value::Null;
    for (method, path, body, status, name) in [
        ("GET", "/api/users/@me/", nothing(), 200, "users-me"),
        ("GET", "", nothing(), 200, "project"),
        ("GET", "feature_flags/?limit=2", nothing(), 200, "flags"),
        ("GET", &one, nothing(), 200, "flag"),
        ("PATCH", &one, json!({ "active": false, "version": 1 }), 200, "flag-multivariate"),
        ("GET", &activity, nothing(), 200, "activity"),
        ("POST", "scheduled_changes/", schedule, 201, ""),
        ("GET", "scheduled_changes/?model_name=FeatureFlag", nothing(), 200, "schedules"),
        (
            "POST",
            "feature_flags/user_blast_radius/",
            json!({ "condition": { "properties": [] } }),
            200,
            "blast-radius",
        ),
        ("POST", "dashboards/", json!({ "name": "Gifts" }), 201, "dashboard"),
        (
            "POST",
            "insights/",
            json!({ "name": "Gifts", "query": { "kind": "DataTableNode" } }),
            201,
            "insight",
        ),
        (
            "POST",
            "cohorts/",
            json!({ "name": "Gifts", "filters": { "properties": { "type": "OR", "values": [] } } }),
            201,
            "cohort",
        ),
        ("POST", "experiments/", experiment, 201, "experiment"),
        (
            "POST",
            "early_access_feature/",
            json!({ "name": "Travel diary", "stage": "beta" }),
            201,
            "early-access",
        ),
        ("POST", "query/", query("select event, count() from events group by event"), 200, "query"),
        ("POST", flags, flag, 400, "error-400"),
        ("POST", "query/", query("select nopefn(1)"), 400, "error-400-query"),
        ("GET", "feature_flags/999999/", nothing(), 404, "error-404"),
        ("GET", "/api/projects/2/feature_flags/", nothing(), 403, "error-403"),
        ("PATCH", &one, json!({ "deleted": true }), 200, "flag-deleted"),
    ] {
        let (is, answer) = posthog.ask(method, path, body).await;
        assert_eq!(is, status, "{method} {path}: {answer}");
        if !name.is_empty() {
            same_shape(name, &fixture(name), &answer);
        }
        if name.starts_with("error-") {
            let words = |it: &Value| [it["type"].clone(), it["code"].clone(), it["attr"].clone()];
            assert_eq!(words(&answer), words(&fixture(name)), "{name}");
        }
    }
    // Deleted, it keeps its key.
    assert_eq!(posthog.ask("GET", &one, nothing()).await.1["key"], "gift-cards-2");
}

#[tokio::test]
async fn an_old_server_does_not_have_what_came_later() {
    let posthog = Posthog::shaped(Shape::December2023).await;
    let id = posthog.flag("new-checkout").await["id"].clone();
    for (method, path, status) in [
        ("GET", format!("feature_flags/{id}/status/"), 404),
        ("GET", format!("feature_flags/{id}/versions/1/"), 404),
        ("GET", format!("feature_flags/{id}/dependent_flags/"), 404),
        ("POST", format!("feature_flags/{id}/enable/"), 404),
        ("POST", format!("feature_flags/{id}/set_release_condition_rollout/"), 404),
        ("GET", "change_requests/".into(), 404),
        ("GET", "/api/environments/1/change_requests/".into(), 404),
        ("POST", "/api/environments/1/query/".into(), 404),
        ("GET", "/api/personal_api_keys/@current/".into(), 403),
        ("DELETE", format!("feature_flags/{id}/"), 405),
    ] {
        let (is, answer) = posthog.ask(method, &path, Value::Null).await;
        assert_eq!(is, status, "{method} {path}: {answer}");
    }
    // What it does not know in an address, it does not hear.
    let all = posthog.get("feature_flags/").await;
    for query in
        ["search=checkout", "archived=true", "order=key", "active=false", "key=new-checkout", "type=boolean"]
    {
        let same = posthog.get(&format!("feature_flags/?{query}")).await;
        assert_eq!(same["results"], all["results"], "{query}");
    }
    // And a write knows no versions: the last one wins, and replaces all of the filters.
    let everyone = json!({ "groups": [{ "properties": [], "rollout_percentage": 100 }] });
    let stale = json!({ "filters": everyone, "version": 1, "original_flag": { "filters": {} } });
    let (status, after) = posthog.ask("PATCH", &format!("feature_flags/{id}/"), stale).await;
    assert_eq!((status, &after["filters"]), (200, &everyone));
}

#[tokio::test]
async fn an_old_server_is_asked_with_the_query_alone() {
    use flagline::config::Environment;
    use flagline::flags::Project;
    use flagline::posthog::queries::{Evaluations, Freshness, exposure_counts, message_count};
    use flagline::posthog::{Client, Error};
    const QUERIES: &str = "POST /api/projects/:id/query/";
    for (shape, n_asked) in [(Shape::Today, 2), (Shape::December2023, 3)] {
        let posthog = Posthog::shaped(shape).await;
        let environment = Environment {
            key: Some(flagline::sandbox::API_KEY.into()),
            ..Environment::new(posthog.url().into())
        };
        let client = Client::new(&environment).unwrap();
        let project = Project { id: flagline::sandbox::PROJECT_ID, name: "Offset".into() };
        let mut query = exposure_counts(Evaluations::Events, &["project-videos".into()], 7);
        for client in [&client, &client.clone()] {
            assert!(!client.query(&project, &query).await.unwrap().is_empty(), "{shape}");
        }
        assert_eq!(posthog.requests(QUERIES).await, n_asked, "{shape}");
        // A query that is wrong itself is not asked twice.
        query.text = "SELECT nopefn(1)".into();
        let refused = client.query(&project, &query).await.unwrap_err();
        assert!(matches!(&refused, Error::Invalid { detail, .. } if detail.contains("nopefn")), "{refused}");
        assert_eq!(posthog.requests(QUERIES).await, n_asked + 1, "{shape}");
        // What was sent already is never told from an answer of before.
        let told = message_count("told", "a");
        assert_eq!(told.freshness, Freshness::Computed);
        assert_eq!(client.query(&project, &told).await.unwrap(), [[json!(0)]], "{shape}");
        let event = json!({ "event": "told", "distinct_id": "x", "properties": { "id": "a" } });
        posthog.control("events", json!({ "events": [event] })).await;
        assert_eq!(client.query(&project, &told).await.unwrap(), [[json!(1)]], "{shape}");
    }
    let posthog = Posthog::shaped(Shape::December2023).await;
    let query = json!({ "kind": "HogQLQuery", "query": "select 1" });
    for (beside, field) in [
        (json!({ "name": "x" }), Some("name\n  Extra inputs are not permitted")),
        (json!({ "refresh": "blocking" }), Some("refresh\n  Input should be a valid boolean")),
        (json!({ "refresh": true, "client_query_id": "x" }), None),
    ] {
        let mut body = beside.clone();
        body["query"] = query.clone();
        let (status, answer) = posthog.ask("POST", "query/", body).await;
        assert_eq!(status, if field.is_some() { 400 } else { 200 }, "{beside}: {answer}");
        if let Some(field) = field {
            assert_eq!(answer["code"], "parse_error");
            assert!(answer["detail"].as_str().unwrap().contains(field), "{answer}");
        }
    }
}

#[test]
fn answers_of_an_old_server_are_understood() {
    use flagline::flags::{Entry, Flag};
    use flagline::posthog::wire;
    fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
        serde_json::from_value(fixture(name)).unwrap_or_else(|it| panic!("{name}: {it}"))
    }
    let me: wire::User = read("users-me");
    assert_eq!(me.email, "grace@offset.example");
    let project: wire::Project = read("project");
    assert_eq!((&*project.name, project.flag_evaluations_mode), ("Offset", None));
    let page: wire::Page<wire::Flag> = read("flags");
    assert!(page.next.is_some() && page.results.len() == 2);
    // A percentage that is a word leaves the flag, though nothing can be said of its conditions.
    let odd = Flag::from(page.results.into_iter().next().unwrap());
    assert_eq!((&*odd.key.to_string(), odd.filters()), ("word-percentage", None));
    let flag = Flag::from(read::<wire::Flag>("flag"));
    assert_eq!(
        (flag.version, flag.updated_at, flag.last_called_at, flag.archived),
        (None, None, None, false)
    );
    assert_eq!(flag.filters().unwrap().groups.len(), 2);
    let variants = Flag::from(read::<wire::Flag>("flag-multivariate"));
    assert_eq!(variants.filters().unwrap().variants().len(), 3);
    assert!(Flag::from(read::<wire::Flag>("flag-deleted")).deleted);
    let activity: wire::ActivityPage = read("activity");
    assert!(activity.results.iter().all(|it| it.flag() == Some(1)), "{:?}", activity.results);
    let entries: Vec<Entry> = activity.results.into_iter().map(Entry::from).collect();
    assert!(
        entries[3].created
            && entries[1].active_before == Some(true)
            && entries[2].active_before == Some(false)
    );
    let schedules: wire::Page<wire::Schedule> = read("schedules");
    assert_eq!(schedules.results.iter().filter_map(wire::Schedule::to_come).count(), 2);
    let experiment: wire::WholeExperiment = read("experiment");
    assert_eq!((&*experiment.feature_flag_key, experiment.conclusion), ("pricing-page", None));
    let feature: wire::EarlyAccess = read("early-access");
    assert_eq!((&*feature.name, &*feature.stage), ("Travel diary", "beta"));
    let cohort: wire::Cohort = read("cohort");
    assert!(cohort.is_usable());
    let query: wire::QueryAnswer = read("query");
    assert_eq!(query.results.map(|it| it.len()), Some(2));
    for name in ["error-400", "error-401", "error-402", "error-403", "error-404", "error-429"] {
        let error: wire::ErrorBody = read(name);
        assert!(error.code.is_some() && error.detail.is_some(), "{name}");
    }
}
