//! What somebody renamed is found again by link and marker: a repeated launch makes nothing twice.

use flagline::sandbox::Shape;
use serde_json::{Value, json};

use crate::bench::Bench;

/// Objects that have a name, and by what each is addressed.
const NAMED: [(&str, &str); 7] = [
    ("cohorts", "id"),
    ("dashboards", "id"),
    ("insights", "id"),
    ("session_recording_playlists", "short_id"),
    ("surveys", "id"),
    ("alerts", "id"),
    ("hog_functions", "id"),
];

async fn launched(shape: Shape, key: &str) -> Bench {
    let bench = Bench::start(shape).await;
    bench.without_traffic().await;
    bench.launch(&[key, "--yes"]).await.is(0, &["is launched"]);
    bench
}

/// Changes everything of these kinds that was made for a flag.
async fn change_all(
    bench: &Bench,
    key: &str,
    kinds: &[(&str, &str)],
    change: impl Fn(&str, &Value, usize) -> Value,
) {
    let all = bench.posthog().ask("GET", "/_sandbox/objects/", Value::Null).await.1;
    let marker = format!("Made by Flagline for the feature flag {key}.");
    for (kind, address) in kinds {
        let objects = all[*kind].as_array().unwrap().iter();
        let is_made = |it: &&Value| {
            let text = |name: &str| it[name].as_str().unwrap_or_default();
            text("description").contains(&marker) || text("name").starts_with(&format!("{key}: "))
        };
        for (n, object) in objects.filter(is_made).enumerate() {
            let id = object[*address].as_str().map_or_else(|| object[*address].to_string(), str::to_owned);
            let mut body = change(kind, object, n);
            // A saved search is changed as a whole.
            if *kind == "session_recording_playlists" && body.get("filters").is_none() {
                body["filters"] = object["filters"].clone();
            }
            let (status, answer) = bench.posthog().ask("PATCH", &format!("{kind}/{id}/"), body).await;
            assert!(status < 300, "{kind} {answer}");
        }
    }
}

fn renamed(kind: &str, _: &Value, n: usize) -> Value {
    json!({ "name": format!("Ours, {kind} {n}") })
}

fn kinds(shape: Shape) -> Vec<(&'static str, &'static str)> {
    let of_today = |it: &&(&str, &str)| shape == Shape::Today || !matches!(it.0, "alerts" | "hog_functions");
    NAMED.iter().filter(of_today).copied().collect()
}

#[tokio::test]
async fn nothing_is_made_twice_though_everything_was_renamed() {
    for shape in [Shape::Today, Shape::December2023] {
        for key in ["guided-tour", "short-checkout"] {
            let bench = launched(shape, key).await;
            change_all(&bench, key, &kinds(shape), renamed).await;
            let before = bench.all().await;
            for arguments in [&[key, "--yes"][..], &[key, "--yes", "--take-over"]] {
                let writes = bench.n_writes();
                let again = bench.launch(arguments).await;
                again.is(0, &["is launched"]);
                // The dashboard alone is found by the link, and its name is the plan's.
                let is_taken = arguments.len() == 3;
                assert_eq!(
                    bench.n_writes() - writes,
                    usize::from(is_taken),
                    "{shape:?} {key} {}",
                    again.stdout
                );
            }
            let mut after = bench.all().await;
            after["objects"]["dashboards"] = before["objects"]["dashboards"].clone();
            assert_eq!(before, after, "{shape:?} {key}");
        }
    }
}

/// What was renamed and changed is still the launch's own, is shown, and stays.
#[tokio::test]
async fn what_was_renamed_and_changed_is_kept() {
    let key = "guided-tour";
    let bench = launched(Shape::Today, key).await;
    change_all(&bench, key, &kinds(Shape::Today), |kind, object, n| {
        let mut body = renamed(kind, object, n);
        match kind {
            "insights" => {
                body["query"] = object["query"].clone();
                body["query"]["source"]["dateRange"]["date_from"] = "-90d".into();
            }
            "session_recording_playlists" => {
                body["filters"] = object["filters"].clone();
                body["filters"]["date_from"] = "-1d".into();
            }
            "hog_functions" => body["enabled"] = false.into(),
            "alerts" => body["enabled"] = false.into(),
            _ => {}
        }
        body
    })
    .await;
    let (before, writes) = (bench.all().await, bench.n_writes());
    let again = bench.launch(&[key, "--yes"]).await;
    again.is(
        0,
        &["! recordings playlist", "! messages to Slack", "! the alert to Slack", "! alert on exceptions"],
    );
    assert_eq!(bench.n_writes(), writes, "{}", again.stdout);
    assert_eq!(before, bench.all().await);
}

/// A function that somebody follows by is theirs; the channel of the brief is told once.
#[tokio::test]
async fn a_follower_is_not_taken_for_the_launchs_own_function() {
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    bench.launch(&["guided-tour", "--yes", "--leave-off"]).await.is(0, &[]);
    let of = async |name: &'static str| {
        let all = bench.posthog().ask("GET", "/_sandbox/objects/", Value::Null).await.1;
        let living = |it: &&Value| it["deleted"] != true && it["name"].as_str().unwrap().contains(name);
        all["hog_functions"].as_array().unwrap().iter().filter(living).count()
    };
    change_all(&bench, "guided-tour", &[("hog_functions", "id")], |_, _, _| json!({ "deleted": true })).await;
    bench.flagline(&["follow", "guided-tour", "--slack", "#alerts", "--yes"]).await.is(0, &[]);
    bench.launch(&["guided-tour", "--yes"]).await.is(0, &["✓ messages to Slack"]);
    assert_eq!((of("messages to #releases").await, of("#alerts follows").await), (1, 1));
    bench.flagline(&["unfollow", "guided-tour", "--slack", "#alerts"]).await.is(0, &[]);
    bench.launch(&["guided-tour", "--yes"]).await.is(0, &[]);
    assert_eq!((of("messages to #releases").await, of("#alerts follows").await), (1, 0));
}
