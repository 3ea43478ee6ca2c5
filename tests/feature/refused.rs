//! What a launch refuses, what it leaves out, and what it says.

use axum::http::Method;
use flagline::sandbox::{API_KEY, READ_KEY, Shape};
use serde_json::{Value, json};

use crate::bench::{Bench, Interference};

const KEY: &str = "guided-tour";

/// Every scope that a launch of the tour uses.
const SCOPES: [&str; 14] = [
    "user:read",
    "project:read",
    "query:read",
    "feature_flag:write",
    "cohort:write",
    "early_access_feature:write",
    "dashboard:write",
    "insight:write",
    "session_recording_playlist:write",
    "hog_function:write",
    "survey:write",
    "alert:write",
    "integration:read",
    "annotation:write",
];

async fn bench() -> Bench {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench
}

/// The flag, if it is there.
async fn flag(bench: &Bench) -> Option<Value> {
    let list = bench.posthog().get(&format!("feature_flags/?search={KEY}")).await;
    list["results"].as_array().unwrap().iter().find(|it| it["key"] == KEY).cloned()
}

async fn is_on(bench: &Bench) -> bool {
    flag(bench).await.is_some_and(|it| it["active"] == true)
}

async fn count(bench: &Bench, path: &str) -> u64 {
    bench.posthog().ask("GET", path, Value::Null).await.1["count"].as_u64().unwrap()
}

// Nothing is written.

#[tokio::test]
async fn a_plan_is_only_shown() {
    let bench = bench().await;
    let before = bench.all().await;
    let ran = bench.launch(&[KEY, "--dry-run"]).await;
    ran.is(0, &["+ flag", "23 to make", "1/4 internal: people at offset.example at 100 %, 12 of 400"]);
    assert_eq!(ran.stderr, "");
    assert!(bench.exchanges().iter().all(|it| !it.writes()));
    assert_eq!(before, bench.all().await);
    let ran = bench.launch(&[KEY, "--dry-run", "--format", "json"]).await;
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((plan["on"].as_bool(), plan["steps"].as_array().unwrap().len()), (Some(false), 23));
    assert_eq!(
        plan["reach"][0],
        json!({ "stage": "internal", "audience": "people at offset.example", "percent": 100.0, "affected": 12, "total": 400 })
    );
}

/// A plan of one stage before everyone.
fn brief(audience: &str) -> String {
    format!(
        "key = \"one\"\nowner = \"ada@offset.example\"\n[[stage]]\nname = \"a\"\naudience = {audience}\n[[stage]]\nname = \"all\"\naudience = \"everyone\"\n"
    )
}

#[tokio::test]
async fn a_cohort_that_is_not_there_is_told_before_anything_is_made() {
    let bench = bench().await;
    bench.write("one.toml", &brief("{ cohort = 999 }"));
    for arguments in [["one", "--dry-run"], ["one", "--yes"]] {
        bench.launch(&arguments).await.is(2, &["Offset has no cohort 999"]);
    }
    let made = json!({ "name": "Tour testers", "is_static": true });
    bench.posthog().ask("POST", "cohorts/", made).await;
    bench.write("one.toml", &brief("{ cohort = \"Tour tester\" }"));
    bench.launch(&["one", "--dry-run"]).await.is(
        0,
        &[
            "static, nobody in it yet; did you mean 'Tour testers'?",
            "1/2 a: cohort 'Tour tester' at 100 %, nobody yet: an empty cohort",
        ],
    );
}

#[tokio::test]
async fn a_brief_that_is_wrong_is_not_launched() {
    let bench = bench().await;
    bench.write("one.toml", &brief("{ properties = [] }").replace("owner", "ownr"));
    let both =
        ["line 2: no such key: ownr; did you mean owner?", "line 5: without a property these are all people"];
    bench.launch(&["one", "--dry-run"]).await.is(2, &both);
    bench.write(
        "one.toml",
        "key = \"one\"\n[interview]\nstage = \"everyon\"\ncalendar = \"https://a.example\"\n",
    );
    bench
        .launch(&["one", "--dry-run"])
        .await
        .is(2, &["has no stage \"everyon\"", "did you mean \"everyone\"?"]);
    bench.write("two.toml", "key = \"one\"\n");
    bench
        .launch(&["one", "--dry-run"])
        .await
        .is(2, &["two files are the brief of 'one'", "one.toml and", "two.toml"]);
    assert_eq!(bench.n_writes(), 0);
}

#[tokio::test]
async fn nobody_there_agrees_to_nothing() {
    let bench = bench().await;
    bench.launch(&[KEY]).await.is(1, &["nothing was made; nobody was there to be asked, --yes asks nothing"]);
    assert_eq!(bench.n_writes(), 0);
    let ran = bench.launch(&[KEY, "--format", "json"]).await;
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(result["stopped"].as_str().unwrap().starts_with("nothing was made"), "{result}");
    assert_eq!((ran.code, bench.n_writes()), (Some(1), 0));
}

#[tokio::test]
async fn a_brief_is_found_by_its_key_and_read_with_care() {
    let bench = bench().await;
    let write = |path: &str, text: &str| std::fs::write(bench.folder.path().join(path), text).unwrap();
    bench.launch(&["no-such"]).await.is(2, &["there is no brief of 'no-such'", ".flagline/no-such.toml"]);
    write(".flagline/wrong.toml", "key = \"wrong\"\nname = \"Wrong\"\nowner = \"somebody\"\n");
    bench
        .launch(&["wrong"])
        .await
        .is(2, &["wrong.toml: line 3: expected an e-mail address, not \"somebody\""]);
    write(".flagline/unplanned.toml", "key = \"unplanned\"\nplan = \"slow\"\n");
    bench.launch(&["unplanned"]).await.is(2, &["flagline.toml has no plan 'slow'"]);
    write(".flagline/any-name.toml", "key = \"by-its-key\"\nname = \"By its key\"\n");
    // A subfolder is a part of the repository.
    std::fs::create_dir_all(bench.folder.path().join("web/src")).unwrap();
    let mut command = bench.command(&["launch", "by-its-key", "--dry-run"]);
    command.current_dir(bench.folder.path().join("web/src"));
    bench
        .run(command)
        .await
        .is(0, &["By its key (by-its-key), in Offset", "people at offset.example at 100 %"]);
    assert_eq!(bench.n_writes(), 0);
}

#[tokio::test]
async fn without_a_key_that_may_nothing_is_made() {
    let bench = bench().await;
    let mut command = bench.command(&["launch", KEY, "--yes"]);
    command.env("FLAGLINE_API_KEY", "phx_nobody");
    bench.run(command).await.is(2, &["does not accept the API key"]);
    let mut command = bench.command(&["launch", KEY, "--yes"]);
    command.env("FLAGLINE_API_KEY", READ_KEY);
    bench.run(command).await.is(
        1,
        &[
            "cohort 'Tour testers'",
            "API key missing required scope 'cohort:write'",
            "the flag needs the cohort",
        ],
    );
    assert_eq!((bench.n_writes(), flag(&bench).await), (0, None));
}

// What the key or the plan does not allow is left out.

#[tokio::test]
async fn what_one_scope_is_missing_for_is_left_out() {
    for (scope, code, words) in [
        ("user:read", 0, "'guided-tour' is launched"),
        ("query:read", 0, "'guided-tour' is launched"),
        ("early_access_feature:write", 0, "early access feature: Guided tour: left out"),
        ("dashboard:write", 0, "dashboard: Feature: Guided tour (guided-tour): left out"),
        ("insight:write", 0, "insight: guided-tour: people by variant: left out"),
        ("session_recording_playlist:write", 0, "recordings playlist: guided-tour: recordings: left out"),
        ("hog_function:write", 0, "messages to Slack: left out"),
        ("survey:write", 0, "interview invitation: guided-tour: interview: left out"),
        ("alert:write", 0, "alert on exceptions: guided-tour: exceptions: left out"),
        ("annotation:write", 0, "left out, the API key is not allowed to do this"),
        ("integration:read", 0, "messages to Slack             left out"),
        ("cohort:write", 1, "the flag needs the cohort 'Tour testers'"),
        ("feature_flag:write", 1, "the launch stopped at flag"),
        ("project:read", 2, "API key missing required scope 'project:read'"),
    ] {
        let bench = bench().await;
        let (object, right) = scope.split_once(':').unwrap();
        let mut scopes: Vec<&str> = SCOPES.into_iter().filter(|it| *it != scope).collect();
        let read = format!("{object}:read");
        scopes.extend((right == "write").then_some(read.as_str()));
        bench.posthog().scopes(&scopes).await;
        let ran = bench.launch(&[KEY, "--yes"]).await;
        bench.posthog().scopes(&["*"]).await;
        let all = format!("{scope}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(code), "{all}");
        let words = words.replace(": left out", ": left out, the API key is not allowed to do this");
        assert!(all.contains(&words), "no {words:?} in {all}");
        assert_eq!(is_on(&bench).await, code == 0, "{all}");
        // Whoever gives the key the scope and launches again has all of it.
        bench.launch(&[KEY, "--yes"]).await.is(0, &["'guided-tour' is launched"]);
        if scope == "user:read" {
            // An alert that tells nobody may be meant so.
            let ran = bench.launch(&[KEY, "--yes", "--take-over"]).await;
            ran.is(0, &["~ alert on exceptions           exceptions (written over: subscribed_users)"]);
        }
        let ran = bench.launch(&[KEY, "--dry-run"]).await;
        assert!(!ran.stdout.contains(" + ") && !ran.stdout.contains(" ! "), "{scope}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn what_the_plan_lacks_is_left_out() {
    for part in [
        "early_access_feature",
        "dashboards",
        "insights",
        "session_recording_playlists",
        "hog_functions",
        "surveys",
        "alerts",
        "annotations",
        "integrations",
        "query",
    ] {
        let bench = bench().await;
        bench.posthog().control("plan", json!({ "lacks": [part] })).await;
        let ran = bench.launch(&[KEY, "--yes"]).await;
        ran.is(0, &["'guided-tour' is launched"]);
        if part != "query" {
            ran.is(0, &["this PostHog plan does not include it"]);
        }
        assert!(is_on(&bench).await, "{part}");
        let again = bench.launch(&[KEY, "--yes"]).await;
        again.is(0, &["'guided-tour' is launched"]);
        assert_eq!(bench.hooks().len(), 1, "{part}: {}{}", again.stdout, again.stderr);
        bench.posthog().control("plan", json!({ "lacks": [] })).await;
        bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
        let ran = bench.launch(&[KEY, "--dry-run"]).await;
        assert!(!ran.stdout.contains(" + ") && !ran.stdout.contains(" ! "), "{part}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn an_experiment_that_the_plan_lacks_leaves_the_flag() {
    let bench = bench().await;
    bench.posthog().control("plan", json!({ "lacks": ["experiments"] })).await;
    bench.launch(&["short-checkout", "--yes"]).await.is(0, &["- experiment", "'short-checkout' is launched"]);
}

#[tokio::test]
async fn alerts_that_are_used_up_are_left_out() {
    let bench = bench().await;
    let insight = bench.posthog().get("insights/").await["results"][0]["id"].clone();
    let trend = json!({ "kind": "TrendsQuery", "series": [{ "kind": "EventsNode", "event": "$pageview" }] });
    let (status, made) = bench
        .posthog()
        .ask(
            "POST",
            "insights/",
            json!({ "name": "a", "query": { "kind": "InsightVizNode", "source": trend } }),
        )
        .await;
    assert_eq!(status, 201, "{made} {insight}");
    for _ in 0..5 {
        let alert = json!({
            "name": "other", "insight": made["id"], "subscribed_users": [], "condition": { "type": "absolute_value" },
            "threshold": { "configuration": { "type": "absolute", "bounds": { "upper": 5 } } },
            "config": { "type": "TrendsAlertConfig", "series_index": 0 },
        });
        let (status, made) = bench.posthog().ask("POST", "alerts/", alert).await;
        assert_eq!(status, 201, "{made}");
    }
    let ran = bench.launch(&[KEY, "--yes"]).await;
    ran.is(0, &["exceptions: left out, PostHog refused: Your team has reached the limit of 5 alerts"]);
    assert!(is_on(&bench).await && !ran.stdout.contains("the alert to Slack: left out"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_server_without_functions_gets_the_rest() {
    let bench = bench().await;
    let fault = json!([{ "kind": "status", "status": 404, "path_contains": "/hog_functions/" }]);
    bench.posthog().faults(fault).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["- messages to Slack", "this server does not have it"]);
    let list = bench.posthog().get("insights/?search=guided-tour").await;
    let insights = list["results"].as_array().unwrap();
    assert!(!insights.is_empty() && insights.iter().all(|it| it["query"]["kind"] == "InsightVizNode"));
}

// What goes wrong in the middle.

#[tokio::test]
async fn whatever_breaks_off_is_completed_by_a_repetition() {
    let clean = bench().await;
    clean.launch(&[KEY, "--yes"]).await.is(0, &[]);
    let expected = clean.all().await;
    for (fault, method, path) in [
        (json!({ "kind": "status", "status": 500 }), "POST", "/dashboards/"),
        (json!({ "kind": "status", "status": 504 }), "POST", "/insights/"),
        (json!({ "kind": "cut" }), "POST", "/session_recording_playlists/"),
        (json!({ "kind": "malformed" }), "POST", "/feature_flags/"),
        (json!({ "kind": "cut" }), "PATCH", "/feature_flags/"),
        (json!({ "kind": "malformed" }), "POST", "/annotations/"),
        (json!({ "kind": "html" }), "POST", "/surveys/"),
    ] {
        let bench = bench().await;
        let mut fault = fault;
        fault["method"] = method.into();
        fault["path_contains"] = path.into();
        // Whom it touches is asked below the same path, for three of the stages.
        fault["times"] = if (method, path) == ("POST", "/feature_flags/") { 4.into() } else { 1.into() };
        bench.posthog().faults(json!([fault])).await;
        bench.launch(&[KEY, "--yes"]).await.is(1, &["flagline: the launch stopped at "]);
        bench.launch(&[KEY, "--yes"]).await.is(0, &["'guided-tour' is launched"]);
        let all = bench.all().await;
        let (expected, all) =
            (serde_json::to_string_pretty(&expected).unwrap(), serde_json::to_string_pretty(&all).unwrap());
        let diff = similar::TextDiff::from_lines(&expected, &all);
        assert!(expected == all, "{fault}: {}", diff.unified_diff());
    }
}

#[tokio::test]
async fn who_is_asked_to_wait_waits() {
    let bench = bench().await;
    let fault = |seconds: u64| json!([{ "kind": "status", "status": 429, "retry_after": seconds, "method": "POST", "path_contains": "/dashboards/", "times": 1 }]);
    bench.posthog().faults(fault(1)).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["'guided-tour' is launched"]);
    assert_eq!(count(&bench, "dashboards/?search=guided-tour").await, 1);
    bench.reset().await;
    bench.posthog().faults(fault(60)).await;
    bench
        .launch(&[KEY, "--yes"])
        .await
        .is(1, &["stopped at dashboard: PostHog asks to wait 60 s", "launch again"]);
    bench.launch(&[KEY, "--yes"]).await.is(0, &["'guided-tour' is launched"]);
}

#[tokio::test]
async fn a_message_that_is_not_taken_is_sent_by_the_next_launch() {
    let bench = bench().await;
    bench.posthog().faults(json!([{ "kind": "status", "status": 503, "path_contains": "/i/v0/e/" }])).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["message: left out, PostHog has a problem of its own (503)"]);
    bench.posthog().faults(json!([])).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["✓ message"]);
    let messages = bench.all().await["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 1);
}

// What somebody else does.

/// The number of the request before the one that switches the flag on, of a launch after one that left it off.
async fn before_on() -> usize {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes", "--leave-off"]).await.is(0, &[]);
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    let on = bench.exchanges().iter().position(|it| it.method == Method::PATCH && it.body["active"] == true);
    on.unwrap() - 1
}

#[tokio::test]
async fn a_flag_that_changes_meanwhile_stays_off() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes", "--leave-off"]).await.is(0, &["off: nobody sees it yet"]);
    assert!(!is_on(&bench).await);
    let made = flag(&bench).await.unwrap();
    let mut filters = made["filters"].clone();
    filters["groups"][0]["rollout_percentage"] = 50.into();
    // After the question, the flag is read once more before it is switched on.
    bench.interfere(Interference::MeanwhileAt {
        at: before_on().await,
        does: ("PATCH", format!("feature_flags/{}/", made["id"]), json!({ "filters": filters })),
        by: API_KEY,
    });
    bench.launch(&[KEY, "--yes"]).await.is(
        1,
        &[
            "the launch stopped at flag on: somebody changed the flag meanwhile, and it stays off",
            "launch again to decide anew",
        ],
    );
    assert!(!is_on(&bench).await && bench.hooks().is_empty());
    // Where it begins elsewhere is a matter for a person.
    bench.launch(&[KEY, "--yes"]).await.is(1, &["its stage 'internal' is at 50 % already", "--take-over"]);
    assert!(!is_on(&bench).await);
    bench.launch(&[KEY, "--yes", "--take-over"]).await.is(0, &["'guided-tour' is launched"]);
    assert_eq!(flag(&bench).await.unwrap()["filters"]["groups"][0]["rollout_percentage"], 50);
}

#[tokio::test]
async fn what_was_changed_by_hand_stays_and_stays_off() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes", "--leave-off"]).await.is(0, &[]);
    let made = flag(&bench).await.unwrap();
    let mut filters = made["filters"].clone();
    filters["groups"][0]["properties"] = json!([]);
    let path = format!("feature_flags/{}/", made["id"]);
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "filters": filters })).await.0, 200);
    let list = bench.posthog().get("insights/?search=people%20by%20variant").await;
    let insight = list["results"][0].clone();
    let mut query = insight["query"].clone();
    query["source"]["dateRange"]["date_from"] = "-30d".into();
    let path = format!("insights/{}/", insight["id"]);
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "query": query })).await.0, 200);
    let n = bench.n_writes();
    bench.launch(&[KEY, "--yes"]).await.is(
        1,
        &[
            "the condition '1/4 internal' is for other people",
            "query.source.dateRange.date_from: \"-30d\" → \"-14d\"",
            "--take-over",
        ],
    );
    assert_eq!((bench.n_writes(), is_on(&bench).await), (n, false));
    bench.launch(&[KEY, "--yes", "--take-over"]).await.is(0, &["'guided-tour' is launched"]);
    let now = flag(&bench).await.unwrap();
    assert_eq!(now["filters"]["groups"], made["filters"]["groups"]);
    let now = bench.posthog().get(&format!("insights/{}/", insight["id"])).await;
    assert_eq!(now["query"]["source"]["dateRange"]["date_from"], "-14d");
}

#[tokio::test]
async fn a_flag_of_somebody_else_is_not_switched_on() {
    let bench = bench().await;
    let groups = json!([{ "properties": [], "rollout_percentage": 30 }]);
    let body = json!({ "key": KEY, "active": false, "filters": { "groups": groups } });
    assert_eq!(bench.posthog().ask("POST", "feature_flags/", body).await.0, 201);
    bench.launch(&[KEY, "--yes"]).await.is(
        1,
        &[
            "it has no condition '1/4 internal'",
            "it has a condition that the plan does not have",
            "the flag is not switched on",
        ],
    );
    assert!(!is_on(&bench).await);
    assert_eq!(flag(&bench).await.unwrap()["filters"]["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_archived_flag_gets_nothing() {
    let bench = bench().await;
    let groups = json!([{ "properties": [], "rollout_percentage": 30 }]);
    let body = json!({ "key": KEY, "active": false, "filters": { "groups": groups } });
    let (_, made) = bench.posthog().ask("POST", "feature_flags/", body).await;
    let path = format!("feature_flags/{}/", made["id"]);
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "archived": true })).await.0, 200);
    let ran = bench.launch(&[KEY, "--yes"]).await;
    ran.is(1, &["the flag is archived"]);
    assert_eq!(bench.n_writes(), 0, "{}", ran.stdout);
}

#[tokio::test]
async fn an_approval_is_awaited_and_asked_for_once() {
    for key in [KEY, "short-checkout"] {
        let bench = bench().await;
        bench.posthog().control("approvals", json!({ "actions": ["feature_flag.enable"] })).await;
        bench.launch(&[key, "--yes"]).await.is(1, &["? flag on: ", "waits for an approval"]);
        let waiting = || async { count(&bench, "/api/environments/1/change_requests/?state=pending").await };
        assert_eq!((waiting().await, bench.hooks().len()), (1, 0));
        let again = bench.launch(&[key, "--yes"]).await;
        again.is(1, &["waits for an approval in PostHog: change request"]);
        assert_eq!((waiting().await, bench.hooks().len()), (1, 0), "{}", again.stdout);
        let id = bench.posthog().ask("GET", "/api/environments/1/change_requests/", Value::Null).await.1["results"][0]["id"].clone();
        let path = format!("/api/environments/1/change_requests/{}/approve/", id.as_str().unwrap());
        assert_eq!(bench.posthog().ask("POST", &path, json!({})).await.0, 200);
        bench.launch(&[key, "--yes"]).await.is(0, &[&format!("'{key}' is launched"), "✓ message"]);
        let all = bench.all().await;
        assert_eq!(all["messages"].as_array().unwrap().len(), 1);
        assert_eq!(bench.hooks().len(), usize::from(key == KEY));
        if key != KEY {
            let experiments = bench.posthog().get("experiments/?search=Short").await;
            assert!(!experiments["results"][0]["start_date"].is_null(), "{experiments}");
        }
        bench.launch(&[key, "--yes"]).await.is(0, &[]);
        assert_eq!(bench.all().await, all);
    }
}

/// Who may not see what waits is told by PostHog, which files no second request either.
#[tokio::test]
async fn a_key_that_may_not_read_approvals_asks_for_one_once() {
    let bench = bench().await;
    bench.posthog().scopes(&SCOPES).await;
    bench.posthog().control("approvals", json!({ "actions": ["feature_flag.enable"] })).await;
    for _ in 0..2 {
        bench.launch(&[KEY, "--yes"]).await.is(1, &["waits for an approval"]);
        assert!(!is_on(&bench).await && bench.hooks().is_empty());
    }
    bench.posthog().scopes(&["*"]).await;
    assert_eq!(count(&bench, "/api/environments/1/change_requests/?state=pending").await, 1);
}

#[tokio::test]
async fn conditions_that_wait_for_an_approval_are_asked_for_once() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes", "--leave-off"]).await.is(0, &[]);
    let made = flag(&bench).await.unwrap();
    let mut filters = made["filters"].clone();
    filters["groups"].as_array_mut().unwrap().truncate(2);
    let path = format!("feature_flags/{}/", made["id"]);
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "filters": filters })).await.0, 200);
    bench.posthog().control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    for _ in 0..2 {
        bench.launch(&[KEY, "--yes", "--take-over"]).await.is(1, &["waits for an approval"]);
        assert_eq!(count(&bench, "/api/environments/1/change_requests/?state=pending").await, 1);
        assert!(!is_on(&bench).await);
    }
}

#[tokio::test]
async fn of_two_launches_at_the_same_time_one_goes_on() {
    let bench = bench().await;
    let (a, b) = tokio::join!(bench.launch(&[KEY, "--yes"]), bench.launch(&[KEY, "--yes"]));
    let said = format!("{}{}\n{}{}", a.stdout, a.stderr, b.stdout, b.stderr);
    let mut codes = [a.code.unwrap(), b.code.unwrap()];
    codes.sort_unstable();
    // Whoever is late finds everything, or ends at the flag.
    assert!(codes == [0, 1] || codes == [0, 0], "{said}");
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    for path in ["dashboards", "session_recording_playlists", "surveys", "alerts", "annotations"] {
        assert_eq!(count(&bench, &format!("{path}/?search=uided")).await, 1, "{path}: {said}");
    }
    let all = bench.all().await;
    assert_eq!((all["messages"].as_array().unwrap().len(), bench.hooks().len()), (1, 1), "{said}");
}

/// Keys of flags are unique, and names of cohorts are not.
#[tokio::test]
async fn who_comes_second_with_the_flag_takes_its_cohorts_back() {
    let bench = bench().await;
    bench.interfere(Interference::Meanwhile {
        method: Method::POST,
        path: "/feature_flags/",
        does: ("POST", "feature_flags/".into(), json!({ "key": KEY, "active": false, "filters": { "groups": [{ "properties": [], "rollout_percentage": 0 }] } })),
        by: API_KEY,
    });
    bench.launch(&[KEY, "--yes"]).await.is(1, &["somebody made the flag in this very moment"]);
    for name in ["Tour%20testers", "Low%20value"] {
        assert_eq!(count(&bench, &format!("cohorts/?search={name}")).await, 0, "{name}");
    }
}

/// Nothing depends on alerts.
#[tokio::test]
async fn a_server_with_trouble_with_alerts_launches_all_else() {
    let bench = bench().await;
    for method in ["GET", "POST"] {
        let fault =
            json!([{ "kind": "status", "status": 500, "method": method, "path_contains": "/alerts/" }]);
        bench.posthog().faults(fault).await;
        bench
            .launch(&[KEY, "--yes"])
            .await
            .is(0, &["alert on exceptions", "a problem of its own (500)", "is launched"]);
        assert!(is_on(&bench).await);
        bench.reset().await;
    }
}

// Who is told.

/// Who told people by Slack and does so no more is asked to say so, and PostHog stops telling.
#[tokio::test]
async fn what_left_the_brief_goes_on_telling_until_it_is_taken_over() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    let path = bench.folder.path().join(".flagline/guided-tour.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replace("slack = \"#releases\"\n", "").replace("flag_changes = true\n", "");
    std::fs::write(&path, &text).unwrap();
    let functions = || async { count(&bench, "hog_functions/?types=destination,internal_destination").await };
    bench.launch(&[KEY, "--yes"]).await.is(
        0,
        &[
            "! messages to Slack             not as the brief says, kept: not in the brief any more, and it goes on telling",
            "! changes of the flag to Slack",
            "! the alert to Slack",
        ],
    );
    assert_eq!(functions().await, 3);
    bench
        .launch(&[KEY, "--yes", "--take-over"])
        .await
        .is(0, &["✓ messages to Slack", "✓ the alert to Slack"]);
    assert_eq!(functions().await, 0);
    let quiet = bench.launch(&[KEY, "--yes"]).await;
    quiet.is(0, &[]);
    assert!(!quiet.stdout.contains("to Slack"), "{}", quiet.stdout);
    // What somebody follows by was in no brief.
    bench.flagline(&["follow", KEY, "--slack", "#alerts", "--yes"]).await.is(0, &[]);
    assert!(!bench.launch(&[KEY, "--yes", "--take-over"]).await.stdout.contains("to Slack"));
    assert_eq!(functions().await, 1);
    // Changes of the flag reach a webhook too, where PostHog knows it.
    let words = "webhook = \"releases\"\n";
    std::fs::write(&path, text.replace(words, &format!("{words}flag_changes = true\n"))).unwrap();
    bench.launch(&[KEY, "--yes"]).await.is(2, &["changes are told by PostHog: name a Slack channel"]);
    let known = format!("{words}webhook_in_posthog = true\nflag_changes = true\n");
    std::fs::write(&path, text.replace(words, &known)).unwrap();
    bench
        .launch(&[KEY, "--yes"])
        .await
        .is(0, &["✓ messages to a webhook", "✓ changes of the flag to a webhook"]);
    bench.launch(&[KEY, "--yes"]).await.is(0, &["= changes of the flag to a webhook"]);
    assert_eq!(functions().await, 3);
}

#[tokio::test]
async fn whom_an_alert_cannot_tell_is_said_and_why() {
    let bench = bench().await;
    let people = "[notify]\npeople = [\"grace@offset.example\", \"nobody@offset.example\"]\n";
    bench.write("guided-tour.toml", &format!("key = \"{KEY}\"\nowner = \"ada@offset.example\"\n{people}"));
    let shown = async || bench.launch(&[KEY, "--dry-run"]).await;
    shown()
        .await
        .is(0, &["by e-mail to one person, but not to nobody@offset.example: no colleague in PostHog"]);
    bench.posthog().scopes(&SCOPES).await;
    let words = "but not to grace@offset.example, nobody@offset.example: the key may not list colleagues";
    shown().await.is(0, &[words]);
}

#[tokio::test]
async fn an_alert_tells_whom_the_brief_names() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    let alerts = || async { bench.posthog().get("alerts/").await["results"][0].clone() };
    let made = alerts().await;
    let people = |it: &Value| it["subscribed_users"].as_array().unwrap().len();
    let path = format!("alerts/{}/", made["id"].as_str().unwrap());
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "subscribed_users": [] })).await.0, 200);
    bench.launch(&[KEY, "--yes"]).await.is(0, &["! alert on exceptions", "kept: subscribed_users"]);
    assert_eq!(people(&alerts().await), 0);
    bench.launch(&[KEY, "--yes", "--take-over"]).await.is(0, &["✓ alert on exceptions"]);
    assert_eq!(people(&alerts().await), people(&made));
}

#[tokio::test]
async fn slack_is_left_out_where_it_does_not_have_the_channel() {
    let bench = bench().await;
    let path = bench.folder.path().join(".flagline/guided-tour.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("#releases", "#nowhere");
    std::fs::write(&path, text).unwrap();
    bench
        .launch(&[KEY, "--yes"])
        .await
        .is(0, &["Slack has no channel '#nowhere' that PostHog sees; invite PostHog to it"]);
    assert_eq!(count(&bench, "hog_functions/?types=destination,internal_destination").await, 0);
    bench.reset().await;
    let none = json!({ "count": 0, "next": null, "previous": null, "results": [] });
    bench
        .posthog()
        .faults(json!([{ "kind": "status", "status": 200, "path_contains": "/integrations/", "body": none }]))
        .await;
    bench.launch(&[KEY, "--yes"]).await.is(
        0,
        &["no Slack workspace is connected; connect one under http://posthog/project/1/settings/project-integrations"],
    );
}

#[tokio::test]
async fn a_webhook_is_told_and_its_address_never() {
    let bench = bench().await;
    let ran = bench.launch(&[KEY, "--yes"]).await;
    ran.is(0, &[]);
    let hooks = bench.hooks();
    assert_eq!(hooks.len(), 1);
    assert_eq!(
        (&hooks[0]["flag"], &hooks[0]["stage"], &hooks[0]["kind"]),
        (&json!(KEY), &json!("internal"), &json!("launched"))
    );
    let text = hooks[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Guided tour is launched, in its first stage: internal (people at offset.example)."),
        "{text}"
    );
    assert_eq!(bench.all().await["messages"][0]["uuid"], hooks[0]["id"]);
    for status in [500, 302] {
        bench.reset().await;
        bench.hook_answers(status);
        let ran = bench.launch(&[KEY, "--yes"]).await;
        ran.is(0, &[&format!("the webhook was not told: 127.0.0.1 answered with status {status}")]);
        assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"));
    }
    bench.reset().await;
    for (address, words) in [
        ("http://chat.example/s3cret", "its address must begin with https://"),
        ("s3cret", "its address is no URL"),
        ("http://127.0.0.1:1/s3cret", "127.0.0.1 cannot be reached"),
        ("", "its address is not in the variable FLAGLINE_WEBHOOK_RELEASES"),
    ] {
        bench.reset().await;
        let mut command = bench.command(&["launch", KEY, "--yes"]);
        command.env("FLAGLINE_WEBHOOK_RELEASES", address);
        let ran = bench.run(command).await;
        ran.is(0, &[&format!("the webhook was not told: {words}")]);
        assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_webhook_that_posthog_tells_is_told_by_posthog() {
    let bench = bench().await;
    let ran = bench.launch(&["short-checkout", "--yes"]).await;
    ran.is(0, &["✓ messages to a webhook"]);
    assert!(bench.hooks().is_empty() && !ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"));
    let sent = bench.all().await["objects"]["outbox"].clone();
    let to: Vec<&Value> = sent.as_array().unwrap().iter().map(|it| &it["template_id"]).collect();
    assert_eq!(to, ["template-slack", "template-webhook"]);
    // Another machine does not know the address, and needs not.
    let mut command = bench.command(&["launch", "short-checkout", "--yes"]);
    command.env_remove("FLAGLINE_WEBHOOK_RELEASES");
    let ran = bench.run(command).await;
    ran.is(0, &["is launched"]);
    assert_eq!(ran.stderr, "");
}

#[tokio::test]
async fn for_programs_there_is_nothing_but_json() {
    let bench = bench().await;
    let ran = bench.launch(&[KEY, "--yes", "--format", "json"]).await;
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &result["on"], &result["stopped"]), (Some(0), &json!(true), &json!(null)));
    assert_eq!(ran.stderr, "");
    let actions: Vec<&str> =
        result["steps"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert!(actions.iter().all(|it| *it == "keep"), "{result}");
}

// What opens.

/// A brief whose only stage is for everyone, with something to do before.
const LOAD: &str = "key = \"load\"\nname = \"Load\"\nbefore_lifting = [{ what = \"Load test\" }]\n\
    [[stage]]\nname = \"all\"\naudience = \"everyone\"\nsteps = [5, 60, 100]\npace = \"6h\"\n";

#[tokio::test]
async fn what_must_be_done_before_lifting_is_asked_for() {
    let bench = bench().await;
    std::fs::write(bench.folder.path().join(".flagline/load.toml"), LOAD).unwrap();
    bench.launch(&["load", "--dry-run"]).await.is(
        0,
        &[
            "! 'Load test' to be done before lifting",
            "PostHog goes to 60 % after 6h",
            "PostHog goes to 100 % after 12h",
        ],
    );
    let ran = bench.launch(&["load", "--yes"]).await;
    ran.is(1, &["the flag stays off: 'Load test' to be done before lifting", "--anyway"]);
    assert_eq!(bench.posthog().flag("load").await["active"], false);
    assert_eq!(count(&bench, "scheduled_changes/?model_name=FeatureFlag").await, 0);
    let ran = bench.launch(&["load", "--yes", "--anyway", "--format", "json"]).await;
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &result["on"], &result["ending"]), (Some(0), &json!(true), &json!("launched")));
    let scheduled = result["scheduled"].as_array().unwrap();
    assert_eq!(scheduled.len(), 2, "{result}");
    assert!(
        scheduled[0].as_str().unwrap().starts_with("PostHog goes to 60 % on 27 Nov 2026, 18:00"),
        "{result}"
    );
    // Somebody took one back: it is shown, and asked for, before PostHog is told of it again.
    let waiting = bench.posthog().get("scheduled_changes/?model_name=FeatureFlag").await;
    let path = format!("scheduled_changes/{}/", waiting["results"][0]["id"]);
    assert!(bench.posthog().ask("DELETE", &path, Value::Null).await.0 < 300);
    bench.launch(&["load"]).await.is(
        0,
        &[
            "What PostHog should do by itself and does not know of:\n  + PostHog goes to ",
            "nothing was scheduled",
        ],
    );
    assert_eq!(count(&bench, "scheduled_changes/?model_name=FeatureFlag").await, 1);
    bench.launch(&["load", "--yes"]).await.is(0, &["✓ PostHog goes to "]);
    assert_eq!(count(&bench, "scheduled_changes/?model_name=FeatureFlag").await, 2);
}

#[tokio::test]
async fn who_switched_it_off_after_its_launch_keeps_it_off() {
    let bench = bench().await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    bench.posthog().change(API_KEY, KEY, json!({ "active": false })).await;
    bench.launch(&[KEY, "--yes"]).await.is(
        1,
        &[
            "the flag stays off: it was launched before, and switched off on ",
            "--take-over switches it on again",
        ],
    );
    assert!(!is_on(&bench).await);
    bench.launch(&[KEY, "--yes", "--take-over"]).await.is(0, &["'guided-tour' is launched"]);
    assert!(is_on(&bench).await);
    assert_eq!(bench.all().await["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_takes_over_is_told_what_is_done() {
    let bench = bench().await;
    let groups = json!([{ "properties": [], "rollout_percentage": 100 }]);
    let body = json!({ "key": KEY, "active": false, "filters": { "groups": groups } });
    assert_eq!(bench.posthog().ask("POST", "feature_flags/", body).await.0, 201);
    let plan = bench.launch(&[KEY, "--take-over", "--dry-run"]).await;
    plan.is(0, &["+ annotation", "+ flag on", "+ message"]);
    bench.launch(&[KEY, "--take-over", "--yes"]).await.is(0, &["✓ annotation", "✓ flag on", "✓ message"]);
}

#[tokio::test]
async fn a_flag_that_is_on_otherwise_is_not_called_launched() {
    let bench = bench().await;
    let groups = json!([{ "properties": [], "rollout_percentage": 30 }]);
    let body = json!({ "key": KEY, "active": true, "filters": { "groups": groups } });
    assert_eq!(bench.posthog().ask("POST", "feature_flags/", body).await.0, 201);
    bench
        .launch(&[KEY, "--yes"])
        .await
        .is(1, &["'guided-tour' is on, but not as its plan says: it has no condition"]);
    bench.posthog().control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    for _ in 0..2 {
        bench.launch(&[KEY, "--yes", "--take-over"]).await.is(
            1,
            &["'guided-tour' is on, and writing over its conditions still waits for an approval in PostHog: change request "],
        );
    }
}
