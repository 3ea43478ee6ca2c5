//! `flagline review`: what the numbers say of a feature that ended, and what is written down of it.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use flagline::sandbox::{API_KEY, Options, READ_KEY};
use jiff::{SignedDuration, Timestamp};
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{run, signed_in, tree};

const BRIEF: &str = ".flagline/videos.toml";

/// A feature with a key metric; comments are the team's own.
fn brief(metric: &str) -> String {
    format!(
        "# Ours\nkey = \"videos\" # of projects\nname = \"Videos of projects\"\nowner = \"ada@offset.example\"\nhypothesis = \"Who sees a project buys\"\n\n[metric]\n{metric}"
    )
}

const BUYERS: &str = "kind = \"trend\"\nevents = [\"purchase\"]\ncount = \"people\"\ntarget = 30\n";

struct Bench {
    posthog: Posthog,
    folder: TempDir,
    now: Timestamp,
}

impl Bench {
    /// A sandbox where nothing happened, so many days ago.
    async fn ago(days: i64) -> Bench {
        let now = Timestamp::now();
        let then = now - SignedDuration::from_hours(24 * days);
        let posthog = Posthog::with(Options { now: Some(then), ..Options::default() }).await;
        posthog.ask("DELETE", "/_sandbox/events/", Value::Null).await;
        let folder = tree(&[(".git/HEAD", "ref: refs/heads/main\n"), (BRIEF, &brief(BUYERS))]);
        Bench { posthog, folder, now }
    }

    async fn make(&self, key: &str, filters: Value) {
        let body = json!({ "key": key, "active": false, "filters": filters });
        let (status, made) = self.posthog.ask("POST", "feature_flags/", body).await;
        assert_eq!(status, 201, "{made}");
    }

    async fn days_go_by(&self, days: i64) {
        self.posthog.advance_clock(days * 86_400).await;
    }

    /// The feature opened to half of all people 100 days ago, and everyone has had it for 95.
    async fn rollout() -> Bench {
        let bench = Bench::ago(120).await;
        let groups =
            |percent: u32| json!({ "groups": [{ "properties": [], "rollout_percentage": percent }] });
        bench.make("videos", groups(50)).await;
        bench.days_go_by(20).await;
        bench.posthog.change(API_KEY, "videos", json!({ "active": true })).await;
        bench.days_go_by(5).await;
        bench.posthog.change(API_KEY, "videos", json!({ "filters": groups(100) })).await;
        bench.days_go_by(95).await;
        bench
    }

    fn event(&self, who: &str, event: &str, days_ago: f64, properties: Value) -> Value {
        let at = self.now - SignedDuration::from_secs((days_ago * 86_400.0) as i64);
        json!({ "event": event, "distinct_id": who, "timestamp": at.to_string(), "properties": properties })
    }

    async fn happened(&self, events: Vec<Value>) {
        self.posthog.control("events", json!({ "events": events })).await;
    }

    /// 200 people before and after: a fifth of them bought something within a week, and half of them do now.
    async fn traffic(&self) {
        let mut events = Vec::new();
        for at in 0..200 {
            let (old, new) = (format!("old-{at}"), format!("new-{at}"));
            events.push(self.event(&old, "$pageview", 150.0, json!({})));
            events.push(self.event(&new, "$pageview", 60.5, json!({})));
            events.push(self.event(&new, "$feature_flag_called", 60.0, called("videos", json!(true))));
            if at < 40 {
                events.push(self.event(&old, "purchase", 148.0, json!({ "kg": 5 })));
            }
            if at < 100 {
                events.push(self.event(&new, "purchase", 58.0, json!({ "kg": at })));
            }
            // Too late to be of the week after.
            if at >= 150 {
                events.push(self.event(&new, "purchase", 40.0, json!({ "kg": at })));
            }
            if at % 4 == 0 {
                events.push(self.event(&new, "$pageview", 51.0, json!({})));
            }
            if at < 80 {
                events.push(self.event(&new, "video watched", 59.0, json!({})));
            }
        }
        // Whoever has not had it for long enough says nothing yet, and whoever gets false never met it.
        events.push(self.event("late", "$feature_flag_called", 3.0, called("videos", json!(true))));
        events.push(self.event("outside", "$feature_flag_called", 99.0, called("videos", json!(false))));
        self.happened(events).await;
    }

    async fn review(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = signed_in(self.folder.path(), &self.posthog);
        command.args(["review", "videos"]).args(arguments);
        let (code, stdout, stderr) = run(command).await;
        let shown = |it: String| it.replace(self.posthog.url(), "http://posthog");
        (code, shown(stdout), shown(stderr))
    }

    async fn json(&self, metric: &str) -> Value {
        fs::write(self.folder.path().join(BRIEF), brief(metric)).unwrap();
        let (code, stdout, stderr) = self.review(&["--format", "json"]).await;
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.path().join(BRIEF)).unwrap()
    }

    async fn notes(&self) -> Vec<String> {
        let list = self.posthog.get("annotations/").await;
        let notes = list["results"].as_array().unwrap().iter();
        notes.map(|it| it["content"].as_str().unwrap().to_owned()).collect()
    }
}

fn called(key: &str, response: Value) -> Value {
    json!({ "$feature_flag": key, "$feature_flag_response": response })
}

/// Compares with a file of `fixtures/review`, or writes it when `UPDATE=1` stands in the environment.
fn golden(name: &str, got: &str) {
    let got = regex::Regex::new(r"\d+ [A-Z][a-z]{2} 20\d\d").unwrap().replace_all(got, "DAY");
    let got = regex::Regex::new(r"feature_flags/\d+").unwrap().replace_all(&got, "feature_flags/ID");
    let got = regex::Regex::new(r"playlists/\w+").unwrap().replace_all(&got, "playlists/ID");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/review").join(name);
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &*got).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), got, "{name}; UPDATE=1 accepts it");
}

/// Value, low and high, rounded.
fn estimate(it: &Value) -> [i64; 3] {
    ["value", "low", "high"].map(|name| it[name].as_f64().unwrap().round() as i64)
}

#[tokio::test]
async fn a_rollout_is_measured_and_its_outcome_written_down_once() {
    let bench = Bench::rollout().await;
    bench.traffic().await;
    let playlist = |of: &str| json!({ "name": of, "type": "filters", "filters": { "date_from": "-7d" }, "description": format!("Made by Flagline for the feature flag {of}.") });
    for of in ["videos", "videos-of-others"] {
        let (status, made) = bench.posthog.ask("POST", "session_recording_playlists/", playlist(of)).await;
        assert_eq!(status, 201, "{made}");
    }
    let (code, stdout, stderr) = bench.review(&[]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    golden("rollout.txt", &stdout);
    assert!(bench.notes().await.is_empty() && bench.text() == brief(BUYERS), "nobody gave a word");

    // Nobody is there to agree.
    let (code, _, stderr) = bench.review(&["--outcome", "nailed"]).await;
    assert!(code == 1 && stderr.contains("--yes asks nothing"), "{stderr}");
    assert!(bench.notes().await.is_empty() && bench.text() == brief(BUYERS));

    let measured = ["--outcome", "nailed", "--measured", "half of them buy", "--yes"];
    let (code, stdout, stderr) = bench.review(&measured).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    assert!(
        stdout.ends_with("It stands in .flagline/videos.toml, and on the graphs of Offset.\n"),
        "{stdout}"
    );
    let written = "\n[outcome]\nverdict = \"nailed\"\nmeasured = \"half of them buy\"\n";
    assert_eq!(bench.text(), brief(BUYERS) + written);
    let note = "Videos of projects: nailed, half of them buy. So the review of the feature flag 'videos'.";
    assert_eq!(bench.notes().await, [note]);
    // Said again, it is there already, and no question is asked.
    let (code, ..) = bench.review(&measured[..4]).await;
    assert_eq!((code, bench.notes().await.len()), (0, 1));
    // Another word takes its place only after a yes; without words, the numbers are its words.
    let (code, stdout, _) = bench.review(&["--outcome", "scraped"]).await;
    assert!(code == 1 && stdout.contains("The brief says: nailed, half of them buy"), "{stdout}");
    let (code, ..) = bench.review(&["--outcome", "scraped", "--yes"]).await;
    let scraped = "measured = \"50.0 % (43.1 to 56.9) of 200 people\"";
    assert!(code == 0 && bench.text().contains(scraped), "{}", bench.text());
    assert_eq!(bench.notes().await.len(), 2);
}

#[tokio::test]
async fn every_kind_of_metric() {
    let bench = Bench::rollout().await;
    bench.traffic().await;
    let values = async |metric: &str| {
        let told = bench.json(metric).await;
        let groups = told["numbers"]["groups"].as_array().unwrap_or_else(|| panic!("{told:#}"));
        let all: Vec<(String, i64, i64)> = groups
            .iter()
            .map(|it| {
                (
                    it["who"].as_str().unwrap().to_owned(),
                    it["people"].as_i64().unwrap(),
                    estimate(&it["value"])[0],
                )
            })
            .collect();
        (all, told)
    };
    let group = |who: &str, people, value| (who.to_owned(), people, value);
    let (found, told) = values(BUYERS).await;
    assert_eq!(found, [group("met", 200, 50), group("before", 200, 20), group("after", 200, 50)]);
    let compared = &told["numbers"]["comparisons"][0];
    assert_eq!(estimate(&compared["difference"]), [30, 21, 38]);
    assert_eq!(
        (&told["numbers"]["target"], &told["numbers"]["suggested"]),
        (&json!("reached"), &json!("nailed"))
    );
    assert_eq!((&told["due"], &told["recorded"]), (&json!(true), &json!(false)));
    // Each event of the week, and those of some kind alone.
    let (found, _) = values("kind = \"trend\"\nevents = [\"purchase\"]\n").await;
    assert_eq!(found[0], group("met", 200, 50));
    let heavy = "kind = \"trend\"\nevents = [{ event = \"purchase\", properties = [{ key = \"kg\", operator = \"gte\", value = 60 }] }]\n";
    let (found, told) = values(heavy).await;
    assert_eq!((&found[0], &told["numbers"]["target"]), (&group("met", 200, 20), &Value::Null));
    // Of 80 who watched, all bought later; of those who bought, 20 never watched.
    let (found, _) =
        values("kind = \"funnel\"\nevents = [\"video watched\", \"purchase\"]\ntarget = 35\n").await;
    assert_eq!(found[0], group("met", 200, 40));
    // In the other order nobody goes all the way.
    let (found, told) =
        values("kind = \"funnel\"\nevents = [\"purchase\", \"video watched\"]\ntarget = 35\n").await;
    assert_eq!((&found[0], &told["numbers"]["suggested"]), (&group("met", 200, 0), &json!("failed")));
    let (found, _) = values("kind = \"retention\"\n").await;
    assert_eq!(found[0], group("met", 200, 25));
    let (_, told) = bench.both("kind = \"trend\"\nevents = [{ event = \"purchase\", properties = [{ key = \"kg\", operator = \"between\", value = [1, 2] }] }]\n").await;
    assert!(
        told["numbers"]["trouble"].as_str().unwrap().contains("only PostHog's own graphs know"),
        "{told:#}"
    );
}

impl Bench {
    async fn both(&self, metric: &str) -> (String, Value) {
        let told = self.json(metric).await;
        (self.review(&[]).await.1, told)
    }
}

#[tokio::test]
async fn variants_are_measured_beside_control_at_the_same_time() {
    let bench = Bench::ago(120).await;
    let split = |control: u32| {
        json!({
            "groups": [{ "properties": [], "rollout_percentage": 100 }],
            "multivariate": { "variants": [
                { "key": "control", "rollout_percentage": control },
                { "key": "test", "rollout_percentage": 100 - control }] },
        })
    };
    bench.make("videos", split(50)).await;
    bench.posthog.change(API_KEY, "videos", json!({ "active": true })).await;
    // While it is split, it cannot be reviewed.
    let test = "release = \"ab-test\"\n";
    let text = brief(BUYERS).replace("\n[metric]", &format!("{test}\n[metric]"));
    fs::write(bench.folder.path().join(BRIEF), &text).unwrap();
    let (code, _, stderr) = bench.review(&[]).await;
    assert!(code == 1 && stderr.contains("split among variants"), "{stderr}");
    bench.days_go_by(25).await;
    bench.posthog.change(API_KEY, "videos", json!({ "filters": split(0) })).await;
    bench.days_go_by(95).await;
    let mut events = Vec::new();
    for at in 0..400 {
        let who = format!("p-{at}");
        let variant = if at % 2 == 0 { "control" } else { "test" };
        events.push(bench.event(&who, "$feature_flag_called", 115.0, called("videos", json!(variant))));
        if at < 5 {
            events.push(bench.event(&who, "$feature_flag_called", 114.0, called("videos", json!("test"))));
        }
        if at % 10 < 3 || at % 10 == 5 {
            events.push(bench.event(&who, "purchase", 112.0, json!({})));
        }
        // After it was over, everyone gets the same.
        events.push(bench.event(&who, "$feature_flag_called", 50.0, called("videos", json!("test"))));
    }
    bench.happened(events).await;
    let (code, stdout, stderr) = bench.review(&[]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    golden("variants.txt", &stdout);
}

#[tokio::test]
async fn before_it_is_time_the_numbers_so_far_are_shown() {
    let bench = Bench::rollout().await;
    let late = format!("review_after = \"52w\"\n{}", brief(BUYERS));
    fs::write(bench.folder.path().join(BRIEF), &late).unwrap();
    let (code, stdout, _) = bench.review(&[]).await;
    assert_eq!(code, 0);
    assert!(stdout.contains("and these are the numbers so far."), "{stdout}");
    assert!(
        stdout.contains("too few to tell") && stdout.contains("to write its outcome down before: "),
        "{stdout}"
    );
    assert!(!stdout.contains("suggest"), "{stdout}");
}

#[tokio::test]
async fn what_cannot_be_reviewed_says_why() {
    let bench = Bench::ago(120).await;
    let (code, _, stderr) = bench.review(&[]).await;
    assert!(code == 1 && stderr.contains("Offset has no such flag: launch the feature first"), "{stderr}");
    bench.make("videos", json!({ "groups": [{ "properties": [], "rollout_percentage": 50 }] })).await;
    let (code, _, stderr) = bench.review(&[]).await;
    assert!(code == 1 && stderr.contains("it was never launched"), "{stderr}");
    bench.posthog.change(API_KEY, "videos", json!({ "active": true })).await;
    let (code, _, stderr) = bench.review(&[]).await;
    assert!(code == 1 && stderr.contains("still on its way (partial 50 %)"), "{stderr}");
    let mut command = signed_in(bench.folder.path(), &bench.posthog);
    command.args(["review", "nothing"]);
    let (code, _, stderr) = run(command).await;
    assert!(code == 2 && stderr.contains("there is no brief of 'nothing'"), "{stderr}");
    bench.posthog.faults(json!([{ "kind": "cut" }])).await;
    let (code, _, stderr) = bench.review(&[]).await;
    assert!(code == 2 && stderr.contains("cannot be reached"), "{stderr}");
}

#[tokio::test]
async fn what_is_not_allowed_is_said_and_the_rest_goes_on() {
    let bench = Bench::rollout().await;
    bench.traffic().await;
    // A key that only reads: the brief has the word, and the graphs get it next time.
    let mut command = signed_in(bench.folder.path(), &bench.posthog);
    command.env("FLAGLINE_API_KEY", READ_KEY).args(["review", "videos", "--outcome", "nailed", "--yes"]);
    let (code, _, stderr) = run(command).await;
    assert!(code == 1 && stderr.contains("annotation:write"), "{stderr}");
    assert!(bench.text().contains("verdict = \"nailed\"") && bench.notes().await.is_empty());
    let (code, ..) = bench.review(&["--outcome", "nailed"]).await;
    assert_eq!((code, bench.notes().await.len()), (0, 1));
    // Without queries there are no numbers, and a person may have counted.
    bench.posthog.faults(json!([{ "kind": "status", "status": 402, "path_contains": "/query/" }])).await;
    let (code, stdout, _) = bench.review(&[]).await;
    assert!(
        code == 0 && stdout.contains("It cannot be measured: this PostHog plan does not include it"),
        "{stdout}"
    );
}
