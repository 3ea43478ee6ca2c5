//! What a launch sends and what comes back, as it was read in review: `fixtures/launch/*.http`.
//! `UPDATE=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use flagline::sandbox::Shape;

use crate::bench::Bench;

async fn recorded(shape: Shape, key: &str, file: &str) {
    let bench = Bench::start(shape).await;
    let ran = bench.launch(&[key, "--yes"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let mut text = String::new();
    for exchange in bench.exchanges() {
        writeln!(text, "{} {}", exchange.method, exchange.path).unwrap();
        if !exchange.body.is_null() {
            writeln!(text, "{}", serde_json::to_string_pretty(&bench.normal(&exchange.body)).unwrap())
                .unwrap();
        }
        writeln!(text, "{} {}\n", exchange.status, bench.normal(&exchange.answer)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/launch").join(file);
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    if stored != text {
        let diff = similar::TextDiff::from_lines(&stored, &text);
        panic!("{file}; UPDATE=1 accepts it\n{}", diff.unified_diff().header("stored", "now"));
    }
}

#[tokio::test]
async fn a_rollout() {
    recorded(Shape::Today, "guided-tour", "guided-tour.http").await;
}

#[tokio::test]
async fn a_test() {
    recorded(Shape::Today, "short-checkout", "short-checkout.http").await;
}

#[tokio::test]
async fn a_rollout_in_december_2023() {
    recorded(Shape::December2023, "guided-tour", "guided-tour-2023-12.http").await;
}

#[tokio::test]
async fn a_test_in_december_2023() {
    recorded(Shape::December2023, "short-checkout", "short-checkout-2023-12.http").await;
}
