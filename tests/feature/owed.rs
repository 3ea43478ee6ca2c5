//! A webhook that was not told a message is told later: the same text, once, and a second time only where somebody was
//! killed between telling it and writing that down.

use flagline::sandbox::Shape;
use serde_json::{Value, json};

use crate::bench::{Bench, Exchange, Interference, Ran};

const KEY: &str = "guided-tour";
const RUN: [&str; 4] = ["rollout", "run", KEY, "--once"];
const NOT_TOLD: &str =
    "the webhook was not told: 127.0.0.1 answered with status 500; later runs try it again, for a week";
const LATE: &str = "tells the webhook what it was not told before: launched";

/// A feature that was launched while its webhook failed; it works again.
async fn launched(shape: Shape) -> Bench {
    let bench = Bench::start(shape).await;
    bench.without_traffic().await;
    bench.hook_answers(500);
    bench.launch(&[KEY, "--yes"]).await.is(0, &[NOT_TOLD]);
    bench.hook_answers(200);
    bench
}

async fn minutes(bench: &Bench, n: i64) {
    bench.posthog().advance_clock(n * 60).await;
}

/// Requests to the webhook, those that failed too.
fn tries(bench: &Bench) -> Vec<Value> {
    let exchanges = bench.exchanges().into_iter();
    exchanges.filter(|it| it.path.starts_with("/hook/")).map(|it| it.body).collect()
}

async fn messages(bench: &Bench) -> usize {
    bench.all().await["messages"].as_array().unwrap().len()
}

/// A run of somebody who does not know the webhook's address.
async fn run_without_address(bench: &Bench, arguments: &[&str]) -> Ran {
    let mut command = bench.command(arguments);
    command.env_remove("FLAGLINE_WEBHOOK_RELEASES");
    bench.run(command).await
}

/// What follows changes nothing more, for two weeks.
async fn is_over(bench: &Bench) {
    let told = bench.hooks();
    for pause in [0, 11, 60, 24 * 60, 6 * 24 * 60, 7 * 24 * 60] {
        minutes(bench, pause).await;
        bench.flagline(&RUN).await.is(0, &[]);
    }
    let more: Vec<Value> = bench.hooks().split_off(told.len());
    assert!(more.iter().all(|it| it["kind"] != "launched"), "{more:?}");
}

#[tokio::test]
async fn what_a_webhook_was_not_told_is_told_by_a_later_run_word_for_word() {
    let bench = launched(Shape::Today).await;
    assert_eq!((tries(&bench).len(), messages(&bench).await), (1, 1));
    // Whoever launched it may still be at it.
    bench.flagline(&RUN).await.is(0, &[]);
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    minutes(&bench, 9).await;
    bench.flagline(&RUN).await.is(0, &[]);
    assert_eq!(tries(&bench).len(), 1);
    minutes(&bench, 2).await;
    bench.flagline(&["rollout", "run", KEY, "--dry-run"]).await.is(0, &[LATE]);
    assert_eq!(tries(&bench).len(), 1);
    bench.flagline(&RUN).await.is(0, &[LATE]);
    let tries = tries(&bench);
    assert_eq!((tries.len(), &tries[0]), (2, &tries[1]));
    is_over(&bench).await;
    // Slack, which waits for messages, was told once.
    let (_, outbox) = bench.posthog().ask("GET", "/_sandbox/outbox/", Value::Null).await;
    let id = &tries[0]["id"];
    let of_message = |it: &&Value| it["event_uuid"] == *id && it["template_id"] == "template-slack";
    assert_eq!(outbox["results"].as_array().unwrap().iter().filter(of_message).count(), 1);
    let mark = |it: &&Value| it["event"] == "flagline webhook";
    assert_eq!(outbox["results"].as_array().unwrap().iter().filter(mark).count(), 0);
}

#[tokio::test]
async fn a_webhook_that_goes_on_failing_is_tried_less_and_less_for_a_week() {
    let bench = launched(Shape::Today).await;
    bench.hook_answers(500);
    minutes(&bench, 11).await;
    let ran = bench.flagline(&RUN).await;
    ran.is(0, &[&format!("launched: {NOT_TOLD}")]);
    assert!(!ran.stdout.contains("s3cret") && !ran.stderr.contains("s3cret"));
    for (pause, n) in [(0, 2), (9, 2), (3, 3), (10, 3), (14, 4)] {
        minutes(&bench, pause).await;
        bench.flagline(&RUN).await.is(0, &[]);
        assert_eq!(tries(&bench).len(), n, "{pause}");
    }
    // Pauses become as long as an hour, and no longer.
    for (pause, n) in [(3 * 24 * 60 - 60, 5), (59, 5), (1, 6)] {
        minutes(&bench, pause).await;
        bench.flagline(&RUN).await.is(0, &[]);
        assert_eq!(tries(&bench).iter().filter(|it| it["kind"] == "launched").count(), n, "{pause}");
    }
    minutes(&bench, 4 * 24 * 60).await;
    bench.hook_answers(200);
    let given_up = "given up: the webhook was not told for a week: launched";
    bench.flagline(&RUN).await.is(0, &[given_up]);
    minutes(&bench, 60).await;
    let ran = bench.flagline(&RUN).await;
    assert!(!ran.stdout.contains("given up") && !ran.stderr.contains("given up"), "{}", ran.stdout);
    assert!(bench.hooks().iter().all(|it| it["kind"] != "launched"));
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_told_twice_and_no_more() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench.hook_hangs();
    let unknown = "whether the webhook was told is not known: 127.0.0.1 did not answer within 15 s";
    let more = format!("{unknown}; a later run tries it once more");
    bench.launch(&[KEY, "--yes"]).await.is(0, &[&more]);
    minutes(&bench, 11).await;
    bench.flagline(&RUN).await.is(0, &[&format!("launched: {unknown}; that was the last try")]);
    let told = bench.hooks();
    assert_eq!((told.len(), &told[0]), (2, &told[1]));
    is_over(&bench).await;
}

#[tokio::test]
async fn who_does_not_know_the_address_leaves_it_to_others() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let unknown = "its address is not in the variable FLAGLINE_WEBHOOK_RELEASES";
    let ran = run_without_address(&bench, &["launch", KEY, "--yes"]).await;
    ran.is(0, &[&format!("the webhook was not told: {unknown}; later runs try it again")]);
    minutes(&bench, 11).await;
    let version = bench.posthog().flag(KEY).await["version"].clone();
    for _ in 0..2 {
        let ran = run_without_address(&bench, &RUN).await;
        ran.is(0, &[&format!("the webhook waits (launched): {unknown}")]);
    }
    let dry = run_without_address(&bench, &["rollout", "run", KEY, "--dry-run"]).await;
    dry.is(0, &[&format!("the webhook waits (launched): {unknown}")]);
    assert!(!dry.stdout.contains(LATE), "{}", dry.stdout);
    assert_eq!(bench.posthog().flag(KEY).await["version"], version, "the flag was claimed");
    bench.flagline(&RUN).await.is(0, &[LATE]);
    assert_eq!(bench.hooks().len(), 1);
    is_over(&bench).await;
}

#[tokio::test]
async fn of_two_runs_one_tells_it() {
    let bench = launched(Shape::Today).await;
    minutes(&bench, 11).await;
    let (a, b) = tokio::join!(bench.flagline(&RUN), bench.flagline(&RUN));
    assert_eq!(bench.hooks().len(), 1, "{}{}\n{}{}", a.stdout, a.stderr, b.stdout, b.stderr);
    is_over(&bench).await;
}

#[tokio::test]
async fn a_run_that_is_killed_anywhere_loses_nothing_and_repeats_it_once_at_most() {
    let bench = launched(Shape::Today).await;
    minutes(&bench, 11).await;
    let before = bench.exchanges().len();
    bench.flagline(&RUN).await.is(0, &[LATE]);
    let ran: Vec<Exchange> = bench.exchanges().split_off(before);
    let told = ran.iter().position(|it| it.path.starts_with("/hook/")).unwrap();
    let points = (0..ran.len()).filter(|at| ran[*at].writes()).flat_map(|at| {
        [(at, Interference::KilledBefore as fn(usize) -> Interference), (at, Interference::KilledAfter)]
    });
    for (at, killed) in points {
        bench.reset().await;
        bench.without_traffic().await;
        bench.hook_answers(500);
        bench.launch(&[KEY, "--yes"]).await.is(0, &[NOT_TOLD]);
        bench.hook_answers(200);
        minutes(&bench, 11).await;
        bench.interfere(killed(bench.exchanges().len() + at));
        let place = format!("{:?}: {}", killed(at), ran[at].path);
        assert_eq!(bench.flagline(&RUN).await.code, None, "{place}");
        minutes(&bench, 25).await;
        bench.flagline(&RUN).await.is(0, &[]);
        let hooks = bench.hooks();
        let is_between = matches!(killed(at), Interference::KilledAfter(it) if it == told)
            || matches!(killed(at), Interference::KilledBefore(it) if it == told + 1);
        assert_eq!(hooks.len(), 1 + usize::from(is_between), "{place}");
        assert!(hooks.iter().all(|it| *it == hooks[0]), "{place}");
        is_over(&bench).await;
    }
}

#[tokio::test]
async fn a_launch_that_is_repeated_tells_it_too() {
    let bench = launched(Shape::Today).await;
    minutes(&bench, 11).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &[LATE, "'guided-tour' is launched"]);
    assert_eq!(bench.hooks().len(), 1);
    bench.launch(&[KEY, "--yes"]).await.is(0, &[]);
    is_over(&bench).await;
}

#[tokio::test]
async fn a_move_by_hand_owes_it_and_tells_it_in_the_same_way() {
    let bench = launched(Shape::Today).await;
    bench.hook_answers(500);
    minutes(&bench, 11).await;
    let ran = bench.flagline(&["stop", KEY, "too slow", "--yes"]).await;
    ran.is(0, &[NOT_TOLD, &format!("launched: {NOT_TOLD}")]);
    bench.hook_answers(200);
    minutes(&bench, 11).await;
    let ran = bench.flagline(&["resume", KEY, "--yes"]).await;
    ran.is(0, &[LATE, "tells the webhook what it was not told before: stopped"]);
    let mut kinds: Vec<String> =
        bench.hooks().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["entered", "launched", "stopped"]);
    is_over(&bench).await;
}

#[tokio::test]
async fn while_posthog_takes_no_events_nobody_is_told_and_later_everyone_is() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let no_events = json!([{ "kind": "status", "status": 503, "path_contains": "/i/v0/e/" }]);
    bench.posthog().faults(no_events).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["message: left out"]);
    for _ in 0..2 {
        minutes(&bench, 11).await;
        bench.flagline(&RUN).await.is(0, &["a message waits (launched)"]);
    }
    assert_eq!((tries(&bench).len(), messages(&bench).await), (0, 0));
    bench.posthog().faults(json!([])).await;
    minutes(&bench, 11).await;
    bench.flagline(&RUN).await.is(0, &["> launched: "]);
    assert_eq!((tries(&bench).len(), messages(&bench).await), (1, 1));
    is_over(&bench).await;
}

/// What PostHog took a moment ago it may not show yet.
#[tokio::test]
async fn a_mark_that_cannot_be_read_yet_is_waited_for() {
    let bench = launched(Shape::Today).await;
    minutes(&bench, 11).await;
    let not_yet = json!([{ "kind": "status", "status": 200, "path_contains": "/i/v0/e/", "body": {} }]);
    bench.posthog().faults(not_yet).await;
    bench.flagline(&RUN).await.is(0, &[LATE]);
    for pause in [0, 3, 6] {
        minutes(&bench, pause).await;
        bench.flagline(&RUN).await.is(0, &[]);
    }
    assert_eq!(bench.hooks().len(), 1);
}

/// The same with the message itself: neither another launch nor a run sends it again meanwhile.
#[tokio::test]
async fn a_message_that_cannot_be_read_yet_is_sent_once() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    let not_yet = json!([{ "kind": "status", "status": 200, "path_contains": "/i/v0/e/", "body": {} }]);
    bench.posthog().faults(not_yet).await;
    bench.launch(&[KEY, "--yes"]).await.is(0, &["is launched"]);
    for _ in 0..2 {
        let again = bench.launch(&[KEY, "--yes"]).await;
        again.is(0, &["= message                       was sent", "is launched"]);
        bench.flagline(&RUN).await.is(0, &[]);
        minutes(&bench, 2).await;
    }
    assert_eq!(tries(&bench).len(), 1);
}

#[tokio::test]
async fn servers_without_versions_leave_it_to_the_only_runner() {
    let bench = launched(Shape::December2023).await;
    minutes(&bench, 11).await;
    bench.flagline(&RUN).await.is(0, &["nothing is written without --sole-runner"]);
    assert_eq!(bench.hooks().len(), 0);
    bench.flagline(&[&RUN[..], &["--sole-runner"]].concat()).await.is(0, &[LATE]);
    bench.flagline(&[&RUN[..], &["--sole-runner"]].concat()).await.is(0, &[]);
    assert_eq!(bench.hooks().len(), 1);
}
