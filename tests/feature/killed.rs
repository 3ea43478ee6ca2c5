//! A launch that is killed at any point and repeated ends in the same state, with nothing twice.

use flagline::sandbox::Shape;
use serde_json::Value;

use crate::bench::{Bench, Exchange, Interference};

/// Benches that work side by side.
const SIDE_BY_SIDE: usize = 2;

/// Kills a launch at its requests and repeats it: after every `step`th write, before it hears of it, and at some
/// points that leave the same behind.
async fn kill_everywhere(shape: Shape, key: &'static str, step: usize) {
    let clean = Bench::start(shape).await;
    clean.without_traffic().await;
    let ran = clean.launch(&[key, "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let (exchanges, expected) = (clean.exchanges(), clean.all().await);
    let points = points(&exchanges, step);
    let mut workers = Vec::new();
    for worker in 0..SIDE_BY_SIDE {
        let (points, exchanges, expected) = (points.clone(), exchanges.clone(), expected.clone());
        workers.push(tokio::spawn(async move {
            let bench = Bench::start(shape).await;
            for point in points.into_iter().skip(worker).step_by(SIDE_BY_SIDE) {
                check(&bench, key, &point, &exchanges, &expected).await;
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

/// Reads change nothing, and before a write everything is as after the one before it: for what is left behind, the
/// writes are all points that there are. Where there is a webhook, nothing between its message and its mark is left out.
fn points(exchanges: &[Exchange], step: usize) -> Vec<Interference> {
    let writes: Vec<usize> = (0..exchanges.len()).filter(|it| exchanges[*it].writes()).collect();
    let mut points = vec![Interference::KilledAfter(0)];
    for (n, at) in writes.iter().enumerate() {
        let is_last = n + 4 >= writes.len();
        points.extend((n % step == 0 || is_last).then_some(Interference::KilledAfter(*at)));
        points.extend((n % 5 == 0 || is_last).then_some(Interference::KilledBefore(*at)));
    }
    points
}

/// Whether the last thing that happened is this request.
fn is_last(point: &Interference, request: usize) -> bool {
    match point {
        Interference::KilledAfter(at) => *at == request,
        Interference::KilledBefore(at) => *at == request + 1,
        _ => false,
    }
}

async fn check(bench: &Bench, key: &str, point: &Interference, exchanges: &[Exchange], expected: &Value) {
    bench.reset().await;
    bench.without_traffic().await;
    bench.interfere(point.clone());
    let killed = bench.launch(&[key, "--yes"]).await;
    let (Interference::KilledBefore(at) | Interference::KilledAfter(at)) = *point else { unreachable!() };
    let last = &exchanges[at];
    let place = format!("{point:?}: {} {}", last.method, last.path);
    assert_eq!(killed.code, None, "{place}: {}{}", killed.stdout, killed.stderr);
    let ran = bench.launch(&[key, "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{place}: {}{}", ran.stdout, ran.stderr);
    let mut all = bench.all().await;
    let is_hook = |it: &Exchange| it.path.starts_with("/hook/");
    let told = exchanges.iter().position(is_hook);
    // Between the message and the webhook nobody told it, and between the webhook and the mark of it nobody knows that
    // it was told. A later launch tells it then, and by the same id where it was.
    let is_untold = told.is_some_and(|told| is_last(point, told - 1));
    let is_unmarked = told.is_some_and(|told| is_last(point, told));
    let hooks = bench.hooks();
    assert_eq!(hooks.len(), usize::from(told.is_some() && !is_untold), "{place}");
    if is_untold {
        all["hooks"] = expected["hooks"].clone();
    }
    same(expected, &all, &place);
    if is_untold || is_unmarked {
        bench.posthog().advance_clock(11 * 60).await;
        let ran = bench.launch(&[key, "--yes"]).await;
        assert_eq!(ran.code, Some(0), "{place}: {}{}", ran.stdout, ran.stderr);
        let again = bench.all().await["hooks"].as_array().unwrap()[hooks.len()..].to_vec();
        assert_eq!(Value::Array(again), expected["hooks"], "{place}");
    }
}

/// Everything is as it would be without the interruption.
fn same(expected: &Value, all: &Value, place: &str) {
    if all == expected {
        return;
    }
    let text = |it: &Value| serde_json::to_string_pretty(it).unwrap();
    let (expected, all) = (text(expected), text(all));
    let diff = similar::TextDiff::from_lines(&expected, &all);
    panic!("{place}: {}", diff.unified_diff().header("uninterrupted", "killed and repeated"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout() {
    kill_everywhere(Shape::Today, "guided-tour", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test() {
    kill_everywhere(Shape::Today, "short-checkout", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_in_december_2023() {
    kill_everywhere(Shape::December2023, "guided-tour", 3).await;
}

/// Every launch comes to one write more than the one before it.
#[tokio::test]
async fn a_launch_that_is_killed_again_and_again() {
    for (shape, key) in [(Shape::Today, "short-checkout"), (Shape::December2023, "short-checkout")] {
        let bench = Bench::start(shape).await;
        bench.without_traffic().await;
        assert_eq!(bench.launch(&[key, "--yes"]).await.code, Some(0));
        let (expected, n_writes) = (bench.all().await, bench.n_writes());
        bench.reset().await;
        bench.without_traffic().await;
        let mut n_killed = 0;
        loop {
            bench.interfere(Interference::KilledAtWrite);
            let ran = bench.launch(&[key, "--yes"]).await;
            match ran.code {
                None => n_killed += 1,
                Some(code) => {
                    assert_eq!(code, 0, "{}{}", ran.stdout, ran.stderr);
                    break;
                }
            }
        }
        assert_eq!(n_killed, n_writes);
        same(&expected, &bench.all().await, key);
    }
}
