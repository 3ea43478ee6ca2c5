//! Moving a rollout by hand: what is refused, and what is left when somebody is killed in the middle.

use flagline::sandbox::{API_KEY, GRACE_KEY, PROJECT_TOKEN, READ_KEY, Shape};
use serde_json::{Value, json};

use crate::bench::{Bench, Exchange, Interference};

const TOUR: &str = "guided-tour";
const CHECKOUT: &str = "short-checkout";
const CHANGE_REQUESTS: &str = "/api/environments/1/change_requests/";

/// A feature that was launched, and nothing else happened.
async fn launched(shape: Shape, key: &str) -> Bench {
    let bench = Bench::start(shape).await;
    again(&bench, key).await;
    bench
}

async fn again(bench: &Bench, key: &str) {
    bench.reset().await;
    bench.without_traffic().await;
    bench.launch(&[key, "--yes"]).await.is(0, &[]);
}

async fn stage(bench: &Bench, key: &str) -> String {
    let ran = bench.flagline(&["rollout", "run", key, "--dry-run", "--format", "json"]).await;
    let report: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr));
    report["features"][0]["stage"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_shown_is_not_written() {
    let bench = launched(Shape::Today, TOUR).await;
    let writes = bench.n_writes();
    bench.flagline(&["promote", TOUR, "--dry-run"]).await.is(
        0,
        &[
            "Guided tour (guided-tour), in Offset, now at 1/4 internal, 100 %",
            "~ opens beta at 100 %",
            "touches beta: 0 → 0 people",
        ],
    );
    // Nobody is there to agree.
    bench
        .flagline(&["promote", TOUR])
        .await
        .is(1, &["nothing was changed: nobody agreed", "--yes asks nothing"]);
    let ran = bench.flagline(&["stop", TOUR, "too slow", "--dry-run", "--format", "json"]).await;
    let shown: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(shown["changes"][0], "switches the flag off");
    assert_eq!(bench.n_writes(), writes);
}

#[tokio::test]
async fn what_cannot_be_moved_says_what_to_do() {
    let bench = Bench::start(Shape::Today).await;
    bench.flagline(&["promote", "no-such", "--yes"]).await.is(2, &["there is no brief of 'no-such'"]);
    bench
        .flagline(&["promote", TOUR, "--yes"])
        .await
        .is(2, &["PostHog has no flag", "flagline launch guided-tour"]);
    bench.launch(&[TOUR, "--yes", "--leave-off"]).await.is(0, &[]);
    bench.flagline(&["promote", TOUR, "--yes"]).await.is(1, &["it is off; launch it first"]);
    bench.flagline(&["resume", TOUR, "--yes"]).await.is(1, &["it is not stopped"]);
    bench.launch(&[TOUR, "--yes"]).await.is(0, &[]);
    bench
        .flagline(&["roll-back", TOUR, "moon", "--yes"])
        .await
        .is(1, &["it has internal, beta, low value, everyone"]);
    bench.flagline(&["finish", TOUR, "--variant", "blue", "--yes"]).await.is(1, &["no variant 'blue'"]);
    bench.flagline(&["stop", TOUR, "too slow", "--yes"]).await.is(
        0,
        &["switches the flag off", "told: Guided tour was stopped at internal: too slow", "' is off. http"],
    );
    bench
        .flagline(&["finish", TOUR, "--yes", "--anyway"])
        .await
        .is(1, &["flagline resume guided-tour", "--off"]);
    bench.launch(&[TOUR, "--yes"]).await.is(1, &["flagline resume guided-tour"]);
    bench.flagline(&["stop", TOUR, "--yes"]).await.is(1, &["it is stopped already, at internal (too slow)"]);
    bench.flagline(&["promote", TOUR, "--yes"]).await.is(1, &["flagline resume guided-tour"]);
    let mut command = bench.command(&["resume", TOUR, "--yes"]);
    command.env("FLAGLINE_API_KEY", READ_KEY);
    bench.run(command).await.is(1, &["feature_flag:write", "settings/user-api-keys"]);
    assert_eq!(stage(&bench, TOUR).await, "off");
    bench.flagline(&["resume", TOUR, "--yes"]).await.is(0, &["is at 1/4 internal, 100 %"]);
}

#[tokio::test]
async fn what_speaks_against_it_is_said() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let brief = "key = \"gated\"\nowner = \"ada@offset.example\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\ngate = { people = 5 }\n\
        [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\n\
        [[before_lifting]]\nwhat = \"Load test\"\n";
    std::fs::write(bench.folder.path().join(".flagline/gated.toml"), brief).unwrap();
    bench.launch(&["gated", "--yes"]).await.is(0, &[]);
    let concerns =
        ["! 5 more people to meet it", "! 'Load test' to be done before lifting", "--anyway goes on"];
    bench.flagline(&["promote", "gated", "--yes"]).await.is(1, &concerns);
    bench.flagline(&["finish", "gated", "--yes"]).await.is(1, &["'Load test' to be done before lifting"]);
    assert_eq!(stage(&bench, "gated").await, "1/2 internal, 100 %");
    bench.flagline(&["promote", "gated", "--yes", "--anyway"]).await.is(0, &["is at everyone"]);
}

/// A plan that is changed in the brief while its rollout is on its way holds up whatever opens, and no stop.
#[tokio::test]
async fn a_plan_that_changed_on_the_way_is_stopped_all_the_same() {
    let bench = launched(Shape::Today, TOUR).await;
    bench.flagline(&["promote", TOUR, "--yes", "--anyway"]).await.is(0, &["is at 2/4 beta"]);
    let path = bench.folder.path().join(".flagline/guided-tour.toml");
    let brief = std::fs::read_to_string(&path).unwrap();
    let first = brief.find("[[stage]]").unwrap();
    let added = "[[stage]]\nname = \"friends\"\naudience = { properties = [{ key = \"friend\", value = \"yes\" }] }\n";
    std::fs::write(&path, format!("{}{added}{}", &brief[..first], &brief[first..])).unwrap();
    bench.flagline(&["promote", TOUR, "--yes"]).await.is(1, &["no condition '1/5 friends'", "--take-over"]);
    bench.flagline(&["stop", TOUR, "slow", "--yes"]).await.is(0, &["closes beta; internal stays"]);
    bench.launch(&[TOUR, "--yes", "--take-over"]).await.is(0, &[]);
    let flag = bench.posthog().flag(TOUR).await;
    let beta = &flag["filters"]["groups"][2];
    assert!(beta["description"].as_str().unwrap().starts_with("3/5 beta · stopped: slow"), "{beta}");
    bench.flagline(&["promote", TOUR, "--yes"]).await.is(1, &["it was stopped at beta (slow)"]);
}

/// PostHog's numbers fail first when a product is in trouble, and then somebody wants to stop something.
#[tokio::test]
async fn a_stop_does_not_wait_for_numbers() {
    let bench = launched(Shape::Today, TOUR).await;
    let of = |path: &str| json!([{ "kind": "status", "status": 503, "path_contains": path }]);
    bench.posthog().faults(of("/query/")).await;
    bench.flagline(&["rollout", "run"]).await.is(2, &["PostHog has a problem of its own (503)"]);
    let ran = bench.flagline(&["stop", TOUR, "--yes"]).await;
    ran.is(0, &["' is off. http"]);
    assert!(ran.stderr.contains("who met it cannot be told"), "{}", ran.stderr);
}

/// Steps that PostHog takes by itself are still there where it fails between the stop and taking them back.
#[tokio::test]
async fn a_stop_that_was_cut_short_is_completed_by_the_next() {
    let bench = launched(Shape::Today, TOUR).await;
    let brief = "key = \"ramped\"\nowner = \"ada@offset.example\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
        [[stage]]\nname = \"all\"\naudience = \"everyone\"\nsteps = [5, 60, 100]\npace = \"6h\"\n";
    bench.write("ramped.toml", brief);
    bench.launch(&["ramped", "--yes"]).await.is(0, &[]);
    bench.flagline(&["promote", "ramped", "--yes", "--anyway"]).await.is(0, &["PostHog goes to 60 %"]);
    let fails = |method: &str, path: &str, status: u16| json!([{ "kind": "status", "status": status, "path_contains": path, "method": method }]);
    bench.posthog().faults(fails("DELETE", "/scheduled_changes/", 500)).await;
    let ran = bench.flagline(&["stop", "ramped", "too slow", "--yes"]).await;
    ran.is(1, &["closes all; internal stays"]);
    assert!(ran.stderr.contains("what PostHog will do by itself is not as the plan says"), "{}", ran.stderr);
    assert!(ran.stderr.contains("run it again"), "{}", ran.stderr);
    bench.posthog().faults(json!([])).await;
    bench.flagline(&["stop", "ramped", "--yes"]).await.is(0, &["takes back 2 steps of what was scheduled"]);
    bench.flagline(&["stop", "ramped", "--yes"]).await.is(1, &["it is stopped already"]);
    // Nothing that the stop itself does not need holds it up.
    bench.flagline(&["resume", "ramped", "--yes"]).await.is(0, &[]);
    bench.flagline(&["promote", "ramped", "--yes", "--anyway"]).await.is(0, &["PostHog goes to 60 %"]);
    let all = ["/activity/", "/scheduled_changes/", "/change_requests/", "/query/"];
    let faults = all.map(|path| json!({ "kind": "status", "status": 503, "path_contains": path }));
    bench.posthog().faults(json!(faults)).await;
    let ran = bench.flagline(&["stop", "ramped", "--yes"]).await;
    ran.is(1, &["closes all; internal stays"]);
    assert!(ran.stderr.contains("what is scheduled cannot be seen"), "{}", ran.stderr);
}

/// What was opened too early passed no gate: going on from there is somebody's word.
#[tokio::test]
async fn going_on_from_a_gap_is_agreed_to() {
    let bench = launched(Shape::Today, TOUR).await;
    let flag = bench.posthog().flag(TOUR).await;
    let mut filters = flag["filters"].clone();
    let last = filters["groups"].as_array_mut().unwrap().last_mut().unwrap();
    last["rollout_percentage"] = 40.into();
    let path = format!("feature_flags/{}/", flag["id"]);
    assert_eq!(bench.posthog().ask("PATCH", &path, json!({ "filters": filters })).await.0, 200);
    let ran = bench.flagline(&["promote", TOUR, "--yes"]).await;
    ran.is(1, &["not as planned: an earlier stage is not wholly open"]);
}

/// One flag that PostHog cannot show holds up none of the others.
#[tokio::test]
async fn one_that_fails_holds_up_no_other() {
    let bench = launched(Shape::Today, TOUR).await;
    bench.launch(&[CHECKOUT, "--yes"]).await.is(0, &[]);
    let id = bench.posthog().flag(TOUR).await["id"].clone();
    let fault =
        json!([{ "kind": "status", "status": 500, "path_contains": format!("/feature_flags/{id}/") }]);
    bench.posthog().faults(fault).await;
    let ran = bench.flagline(&["rollout", "run"]).await;
    ran.is(1, &["failed: PostHog has a problem of its own (500)"]);
    assert!(ran.stdout.contains("short-checkout  1/"), "{}", ran.stdout);
}

/// PostHog's trouble with the numbers of one flag's guard holds up that flag alone.
#[tokio::test]
async fn a_guard_that_cannot_be_asked_holds_up_no_other() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let stages = "[[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
        gate = { automatic = true, after = \"1h\" }\n[[stage]]\nname = \"everyone\"\naudience = \"everyone\"\n";
    for (key, event) in [("calm", "calm_event"), ("ill", "ill_event")] {
        let guard = format!("[[guard]]\nmetric = \"{event}\"\nabove = 2\nwindow = \"30m\"\n");
        let brief = format!("key = \"{key}\"\nowner = \"ada@offset.example\"\n{stages}{guard}");
        bench.write(&format!("{key}.toml"), &brief);
        bench.launch(&[key, "--yes"]).await.is(0, &[]);
    }
    bench.posthog().advance_clock(2 * 3600).await;
    bench.has_trouble_with("ill_event");
    let ran = bench.flagline(&["rollout", "run", "calm", "ill", "--once", "--format", "json"]).await;
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let of = |at: usize| &report["features"][at];
    assert_eq!((&of(0)["key"], &of(0)["verdict"]), (&json!("calm"), &json!("promotes")), "{report:#}");
    assert_eq!((&of(1)["key"], &of(1)["verdict"]), (&json!("ill"), &json!("waits")), "{report:#}");
    assert!(of(1)["details"].to_string().contains("PostHog has a problem of its own (503)"), "{report:#}");
    assert_eq!(
        (&*stage(&bench, "calm").await, &*stage(&bench, "ill").await),
        ("everyone", "1/2 internal, 100 %")
    );
}

#[tokio::test]
async fn a_query_asks_of_a_hundred_features_at_most() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    for n in 0..101 {
        let key = format!("many-{n:03}");
        bench.posthog().create(&key).await;
        let stage = "[[stage]]\nname = \"all\"\naudience = \"everyone\"\nsteps = [30, 100]\n";
        bench.write(
            &format!("{key}.toml"),
            &format!("key = \"{key}\"\n{stage}[notify]\nwebhook = \"releases\"\n"),
        );
    }
    for key in [TOUR, CHECKOUT] {
        std::fs::remove_file(bench.folder.path().join(format!(".flagline/{key}.toml"))).unwrap();
    }
    bench.flagline(&["rollout", "run", "--dry-run"]).await.is(0, &["many-100"]);
    let of = |name: &str| -> Vec<usize> {
        let queries = bench.exchanges().into_iter().filter(|it| it.body["name"] == name);
        queries.map(|it| it.body["query"]["values"].to_string().matches("\"many-").count()).collect()
    };
    for name in ["flagline told", "flagline owed"] {
        assert_eq!(of(name), [100, 1], "{name}");
    }
}

/// A promotion that waits for an approval keeps nobody from switching the flag off, and is not taken for a stop.
#[tokio::test]
async fn what_waits_for_an_approval_is_not_taken_for_a_stop() {
    let bench = launched(Shape::Today, TOUR).await;
    bench.flagline(&["promote", TOUR, "--yes", "--anyway"]).await.is(0, &["is at 2/4 beta"]);
    bench.posthog().control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    bench.flagline(&["promote", TOUR, "--yes", "--anyway"]).await.is(1, &["it waits for an approval"]);
    let stop = async || bench.flagline(&["stop", TOUR, "--yes"]).await;
    let waits = ["an earlier change of it waits", ": change request ", "reject it if it opens more"];
    stop().await.is(1, &waits);
    // A key that may not see what waits is told so by the write.
    bench.posthog().scopes(&["feature_flag:write", "project:read", "user:read", "query:read"]).await;
    stop().await.is(1, &waits);
    bench.posthog().scopes(&["*"]).await;
    bench.flagline(&["stop", TOUR, "--off", "--yes"]).await.is(
        0,
        &["' is off. http", "an earlier change of it waits for an approval in PostHog: change request"],
    );
}

#[tokio::test]
async fn somebodys_change_meanwhile_is_shown_beside_it() {
    let bench = launched(Shape::Today, TOUR).await;
    let flag = bench.posthog().flag(TOUR).await;
    let mut filters = flag["filters"].clone();
    filters["groups"][0]["rollout_percentage"] = 50.into();
    bench.interfere(Interference::Meanwhile {
        method: axum::http::Method::PATCH,
        path: "/feature_flags/",
        does: ("PATCH", format!("feature_flags/{}/", flag["id"]), json!({ "filters": filters })),
        by: GRACE_KEY,
    });
    bench.flagline(&["promote", TOUR, "--yes"]).await.is(
        1,
        &[
            "nothing was changed",
            "updated by grace@offset.example",
            "Now, by Grace: 1/4 internal, 50 %",
            "This would be: internal: 50 % → 100 %",
        ],
    );
    assert_eq!(stage(&bench, TOUR).await, "1/4 internal, 50 %");
    assert_eq!(bench.posthog().ask_as(API_KEY, "GET", "feature_flags/", Value::Null).await.0, 200);
}

#[tokio::test]
async fn what_finishing_ends_is_shown_before() {
    let bench = launched(Shape::Today, TOUR).await;
    let end = "~ removes the early access feature 'Guided tour'";
    bench.flagline(&["finish", TOUR, "--dry-run"]).await.is(0, &["~ everyone gets on", end]);
    bench.launch(&[CHECKOUT, "--yes"]).await.is(0, &[]);
    let dry = ["finish", CHECKOUT, "--variant", "one-page", "--dry-run"];
    bench.flagline(&dry).await.is(0, &["~ everyone gets one-page", "~ ends the experiment '"]);
}

/// Nobody loses what a change takes away that somebody must approve first.
#[tokio::test]
async fn who_opted_in_keeps_it_until_finishing_is_approved() {
    let bench = launched(Shape::Today, TOUR).await;
    let n = async || bench.posthog().get("early_access_feature/?search=tour").await["count"].clone();
    let before = n().await;
    bench.posthog().control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    let finish = ["finish", TOUR, "--yes", "--anyway"];
    bench.flagline(&finish).await.is(1, &["it waits for an approval in PostHog: change request "]);
    assert_eq!(n().await, before, "nothing is removed for a change that may be rejected");
    bench.flagline(&finish).await.is(1, &["a change of it waits for an approval"]);
    assert_eq!(n().await, before);
    let (_, waiting) = bench.posthog().ask("GET", CHANGE_REQUESTS, Value::Null).await;
    let id = waiting["results"][0]["id"].as_str().unwrap();
    let approve = format!("{CHANGE_REQUESTS}{id}/approve/");
    assert_eq!(bench.posthog().ask_as(GRACE_KEY, "POST", &approve, json!({})).await.0, 200);
    bench
        .flagline(&finish)
        .await
        .is(0, &["removes the early access feature 'Guided tour'", "is at everyone"]);
    assert_eq!(n().await.as_u64(), before.as_u64().map(|it| it - 1));
}

/// Finishing removes early access, replaces the conditions and ends the experiment: killed at any of its writes and
/// repeated, it comes to the same.
async fn finish_is_killed(key: &'static str, arguments: &[&str]) {
    let bench = launched(Shape::Today, key).await;
    let before = bench.exchanges().len();
    bench.flagline(arguments).await.is(0, &["is at everyone"]);
    let (exchanges, expected) = (bench.exchanges(), bench.all().await);
    let writes: Vec<usize> =
        (before..exchanges.len()).filter(|it| Exchange::writes(&exchanges[*it])).collect();
    assert!(writes.len() >= 3, "{writes:?}");
    for at in writes {
        for point in [Interference::KilledBefore(at), Interference::KilledAfter(at)] {
            again(&bench, key).await;
            bench.interfere(point.clone());
            assert_eq!(bench.flagline(arguments).await.code, None, "{point:?}");
            let repeated = bench.flagline(arguments).await;
            // All was done but for the message.
            assert!(
                matches!(repeated.code, Some(0 | 1)),
                "{point:?}: {}{}",
                repeated.stdout,
                repeated.stderr
            );
            bench.posthog().advance_clock(3600).await;
            bench.flagline(&["rollout", "run", key, "--once"]).await.is(0, &[]);
            let all = bench.all().await;
            assert_eq!(without_remarks(&all["objects"]), without_remarks(&expected["objects"]), "{point:?}");
            let ids = |it: &Value| -> Vec<Value> {
                it["messages"].as_array().unwrap().iter().map(|it| it["properties"]["kind"].clone()).collect()
            };
            assert_eq!(ids(&all), ids(&expected), "{point:?}");
        }
    }
}

/// Who was about to tell something is no part of what there is; nor how often the flag was written for it.
fn without_remarks(objects: &Value) -> Value {
    let text = serde_json::to_string(objects).unwrap();
    let remark = regex::Regex::new(r" · telling \w+ TIME").unwrap();
    let version = regex::Regex::new(r#""version":\d+"#).unwrap();
    let mut objects: Value =
        serde_json::from_str(&version.replace_all(&remark.replace_all(&text, ""), r#""version":0"#)).unwrap();
    // Lists of what was sent and written grow with each write.
    for name in ["activity", "outbox"] {
        objects.as_object_mut().unwrap().remove(name);
    }
    objects
}

#[tokio::test]
async fn a_rollout_that_is_finished() {
    finish_is_killed(TOUR, &["finish", TOUR, "--yes"]).await;
}

#[tokio::test]
async fn a_test_that_is_finished() {
    finish_is_killed(CHECKOUT, &["finish", CHECKOUT, "--variant", "one-page", "--yes"]).await;
}

/// What was read before a move is read again when its flag was written, also by a command that keeps it on disk.
#[tokio::test]
async fn what_a_move_took_back_is_not_told_any_more() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    // What is told of plans counts from this machine's clock.
    bench.posthog().control("clock", json!({ "now": jiff::Timestamp::now().to_string() })).await;
    let stages = "[[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n[[stage]]\n\
        name = \"all\"\naudience = \"everyone\"\nsteps = [5, 60, 100]\npace = \"6h\"\n";
    bench.write("ramp.toml", &format!("key = \"ramp\"\nowner = \"ada@offset.example\"\n{stages}"));
    bench.launch(&["ramp", "--yes"]).await.is(0, &[]);
    bench.flagline(&["promote", "ramp", "--yes", "--anyway"]).await.is(0, &["PostHog goes to 60 %"]);
    let check = || bench.flagline(&["check"]);
    let ran = check().await;
    assert!(!ran.stdout.contains("'ramp'"), "{}", ran.stdout);
    bench.flagline(&["stop", "ramp", "slow", "--yes"]).await.is(0, &["closes all; internal stays"]);
    let ran = check().await;
    ran.is(ran.code.unwrap(), &["'ramp' was stopped at all: slow"]);
    assert!(!ran.stdout.contains("schedule-conflict"), "{}", ran.stdout);
}

#[tokio::test]
async fn an_experiment_that_finishing_ended_is_reviewed_at_once() {
    let bench = launched(Shape::Today, CHECKOUT).await;
    bench.flagline(&["review", CHECKOUT]).await.is(1, &["its experiment still runs"]);
    bench
        .flagline(&["finish", CHECKOUT, "--variant", "one-page", "--yes", "--anyway"])
        .await
        .is(0, &["ends the experiment"]);
    let ran = bench.flagline(&["review", CHECKOUT]).await;
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("still runs"), "{}{}", ran.stdout, ran.stderr);
}

const TALK: &str = r#"
key = "talk"
owner = "ada@offset.example"
[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
[[stage]]
name = "everyone"
audience = "everyone"
steps = [50, 100]
[interview]
stage = "internal"
people = 3
calendar = "https://calendar.example/ada"
"#;

/// What the key may not do for the interview holds up no message.
#[tokio::test]
async fn an_interview_that_cannot_begin_is_trouble_and_messages_go_on() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench.write("talk.toml", TALK);
    bench.launch(&["talk", "--yes"]).await.is(0, &[]);
    meet(&bench, "talk", &["ann", "bob", "cat", "dan", "eve"]).await;
    bench.posthog().advance_clock(660).await;
    let run = || bench.flagline(&["rollout", "run", "talk", "--once"]);
    bench
        .posthog()
        .scopes(&[
            "user:read",
            "project:read",
            "query:read",
            "feature_flag:write",
            "survey:write",
            "cohort:read",
            "activity_log:read",
        ])
        .await;
    let trouble = "the interview waits: the API key is not allowed to do this: API key missing required scope 'cohort:write'";
    run().await.is(1, &[trouble, "> met: "]);
    bench.posthog().scopes(&["*"]).await;
    bench.posthog().advance_clock(660).await;
    run().await.is(0, &["invites 3 people to an interview", "> interview: "]);
}

/// Who met the feature in the stage of the interview is asked, whatever opens meanwhile, and nobody of an earlier flag.
#[tokio::test]
async fn who_met_the_stage_of_an_interview_is_asked_after_the_next_one_opened_too() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench.write("talk.toml", TALK);
    let old = json!({ "name": "talk: interview", "is_static": true, "_create_static_person_ids": [] });
    let (status, old) = bench.posthog().ask("POST", "cohorts/", old).await;
    assert_eq!(status, 201, "{old}");
    bench.posthog().advance_clock(60).await;
    bench.launch(&["talk", "--yes"]).await.is(0, &[]);
    let run = || bench.flagline(&["rollout", "run", "talk", "--once"]);
    meet(&bench, "talk", &["ann", "bob"]).await;
    run().await.is(0, &["the interview waits for people to ask: 2 of 3"]);
    bench.flagline(&["promote", "talk", "--yes", "--anyway"]).await.is(0, &["is at 2/2 everyone"]);
    meet(&bench, "talk", &["cat"]).await;
    run().await.is(0, &["invites 3 people to an interview"]);
    let survey = bench.posthog().get("surveys/?search=talk").await["results"][0].clone();
    let asked = &survey["targeting_flag"]["filters"]["groups"][0]["properties"][0]["value"];
    assert_ne!(*asked, old["id"]);
    let cohort = bench.posthog().get(&format!("cohorts/{asked}/")).await;
    assert_eq!(cohort["count"], 3, "{cohort}");
}

/// These people meet a feature, a minute after what was before.
async fn meet(bench: &Bench, key: &str, people: &[&str]) {
    bench.posthog().advance_clock(60).await;
    let event = |who: &&str| {
        let properties = json!({ "$feature_flag": key, "$feature_flag_response": true });
        json!({ "event": "$feature_flag_called", "distinct_id": who, "properties": properties })
    };
    let batch: Vec<Value> = people.iter().map(event).collect();
    let body = json!({ "api_key": PROJECT_TOKEN, "batch": batch });
    assert_eq!(bench.posthog().ask("POST", "/batch/", body).await.0, 200);
    bench.posthog().advance_clock(60).await;
}

#[tokio::test]
async fn one_person_is_no_people() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let brief = "key = \"solo\"\nowner = \"ada@offset.example\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\ngate = { people = 1 }\n\
        [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\n";
    bench.write("solo.toml", brief);
    bench.launch(&["solo", "--yes"]).await.is(0, &[]);
    meet(&bench, "solo", &["ann"]).await;
    let ran = bench.flagline(&["rollout", "run", "solo", "--once"]).await;
    ran.is(
        0,
        &["= 1 person met it", "> met: solo: 1 person has used it at internal; nobody met an exception."],
    );
}

const LADDER: &str = "key = \"ramped\"\nowner = \"ada@offset.example\"\n\
    [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
    [[stage]]\nname = \"beta\"\naudience = { properties = [{ key = \"tester\", value = \"yes\" }] }\n\
    [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\nsteps = [25, 60, 100]\npace = \"6h\"\n";

/// A feature of this brief at its first stage.
async fn at_first(brief: &str) -> Bench {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench.write("ramped.toml", brief);
    bench.launch(&["ramped", "--yes"]).await.is(0, &[]);
    bench
}

/// At 25 % of everyone, where PostHog has the next two steps.
async fn ramped() -> Bench {
    let bench = at_first(LADDER).await;
    for _ in 0..2 {
        bench.flagline(&["promote", "ramped", "--yes", "--anyway"]).await.is(0, &[]);
    }
    assert_eq!((stage(&bench, "ramped").await, scheduled(&bench).await), ("3/3 everyone, 25 %".into(), 2));
    bench
}

/// How much PostHog would do by itself.
async fn scheduled(bench: &Bench) -> usize {
    let listed = bench.posthog().get("scheduled_changes/?model_name=FeatureFlag").await;
    let waits = |it: &&Value| it["executed_at"].is_null();
    listed["results"].as_array().unwrap().iter().filter(waits).count()
}

/// PostHog takes a step by itself before it is taken back; the stop stands at a stage before that one.
#[tokio::test]
async fn a_step_that_posthog_takes_meanwhile_undoes_no_roll_back_over_two_stages() {
    let later = json!({ "advance_seconds": 6 * 3600 + 60 });
    for arguments in
        [&["roll-back", "ramped", "internal", "--yes"][..], &["stop", "ramped", "--off", "--yes"]]
    {
        let bench = ramped().await;
        bench.interfere(Interference::Meanwhile {
            method: axum::http::Method::DELETE,
            path: "/scheduled_changes/",
            does: ("POST", "/_sandbox/clock/".into(), later.clone()),
            by: API_KEY,
        });
        bench.flagline(arguments).await.is(0, &[]);
        let flag = bench.posthog().flag("ramped").await;
        let is_open = |it: &Value| {
            flag["active"] == true
                && it["rollout_percentage"].as_f64() != Some(0.0)
                && !it["description"].as_str().unwrap().starts_with("1/3")
        };
        assert!(!flag["filters"]["groups"].as_array().unwrap().iter().any(is_open), "{flag}");
        assert_eq!(scheduled(&bench).await, 0);
    }
}

/// Who schedules steps looks again: a stop in between has seen none of them.
#[tokio::test]
async fn who_promotes_leaves_nothing_scheduled_behind_a_stop() {
    let bench = at_first(LADDER).await;
    bench.flagline(&["promote", "ramped", "--yes", "--anyway"]).await.is(0, &[]);
    let flag = bench.posthog().flag("ramped").await;
    let mut filters = flag["filters"].clone();
    filters["groups"][1]["rollout_percentage"] = 0.into();
    filters["groups"][1]["description"] = "2/3 beta · stopped: bug".into();
    bench.interfere(Interference::Meanwhile {
        method: axum::http::Method::POST,
        path: "/scheduled_changes/",
        does: ("PATCH", format!("feature_flags/{}/", flag["id"]), json!({ "filters": filters })),
        by: GRACE_KEY,
    });
    bench.flagline(&["promote", "ramped", "--yes", "--anyway"]).await.is(0, &["takes back"]);
    assert_eq!((scheduled(&bench).await, stage(&bench, "ramped").await), (0, "1/3 internal, 100 %".into()));
}

/// What others want of PostHog is said to who stops something; that they wanted it opens a drifted flag for nobody.
#[tokio::test]
async fn what_may_undo_a_stop_is_said_and_what_is_not_as_planned_is_asked_for() {
    let bench = ramped().await;
    let flag = bench.posthog().flag("ramped").await;
    let value = json!({ "groups": [{ "properties": [], "rollout_percentage": 100 }], "payloads": {}, "multivariate": null });
    let body = json!({
        "record_id": flag["id"].to_string(),
        "model_name": "FeatureFlag",
        "scheduled_at": "2026-11-28T12:00:00Z",
        "payload": { "operation": "add_release_condition", "value": value },
    });
    assert_eq!(bench.posthog().ask("POST", "scheduled_changes/", body).await.0, 201);
    bench
        .flagline(&["stop", "ramped", "--yes"])
        .await
        .is(0, &["PostHog will change it by itself, as somebody wants"]);
    bench.posthog().advance_clock(25 * 3600).await;
    bench.flagline(&["stop", "ramped", "--yes"]).await.is(1, &["it is stopped already", "--off closes all"]);
    bench.flagline(&["check"]).await.is(1, &["plan-drift"]);
    bench.flagline(&["resume", "ramped", "--yes"]).await.is(1, &["it is not as its plan says"]);
}

/// A key that may not read the activity: nothing goes on by itself, and that is said.
#[tokio::test]
async fn without_the_activity_nothing_goes_on_by_itself() {
    let gate = "gate = { automatic = true, people = 1, max_exceptions = 0 }\n";
    let beta = "[[stage]]\nname = \"beta\"";
    let bench = at_first(&LADDER.replace(beta, &format!("{gate}{beta}"))).await;
    let scopes = ["feature_flag:write", "project:read", "user:read", "query:read", "cohort:read"];
    bench.posthog().scopes(&scopes).await;
    for _ in 0..2 {
        bench.posthog().advance_clock(1200).await;
        let ran = bench.flagline(&["rollout", "run", "ramped"]).await;
        ran.is(
            0,
            &[
                "since when its stage is open stands in the flag's activity, which cannot be read",
                "activity_log:read",
            ],
        );
        assert_eq!(stage(&bench, "ramped").await, "1/3 internal, 100 %");
    }
}
