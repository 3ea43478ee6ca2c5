//! A feature from its launch to its review, hour by hour: `fixtures/rollout/*.txt` tells what happened. Each hour people
//! come by, `rollout run` looks at everything once, and once more, which changes nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use flagline::sandbox::{GRACE_KEY, Shape};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bench::{Bench, NOW, Ran};
use crate::editor;
use crate::town::Town;

const WORDS: &str = include_str!("../../fixtures/rollout/checkout-words.toml");
const VIDEOS: &str = include_str!("../../fixtures/rollout/offset-videos.toml");

/// A feature whose life is written down.
struct Story {
    bench: Bench,
    town: Town,
    key: &'static str,
    /// Hours since the launch.
    hour: usize,
    now: Timestamp,
    told: String,
    /// Messages that were told, by their ids.
    messages: BTreeSet<String>,
    stage: String,
    /// What else there was.
    things: Vec<String>,
    /// Whether a Slack channel is told.
    has_slack: bool,
    extra: &'static [&'static str],
}

impl Story {
    async fn begin(shape: Shape, key: &'static str, brief: &str) -> Story {
        let bench = Bench::start(shape).await;
        bench.without_traffic().await;
        std::fs::write(bench.folder.path().join(format!(".flagline/{key}.toml")), brief).unwrap();
        let town = Town::new(key);
        town.moves_in(bench.posthog()).await;
        let now = NOW.parse().unwrap();
        let extra: &[&str] = if shape == Shape::Today { &[] } else { &["--sole-runner"] };
        let told = String::new();
        let stage = String::new();
        // Servers of 2023 have no functions.
        let has_slack = brief.contains("slack = ") && shape == Shape::Today;
        let (messages, things) = (BTreeSet::new(), Vec::new());
        Story { bench, town, key, hour: 0, now, told, messages, stage, things, has_slack, extra }
    }

    fn brief_path(&self) -> std::path::PathBuf {
        self.bench.folder.path().join(format!(".flagline/{}.toml", self.key))
    }

    /// A command of a person, which must work.
    async fn person(&mut self, arguments: &[&str]) -> Ran {
        let ran = self.bench.flagline(arguments).await;
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        self.tell(&format!("$ flagline {}", arguments.join(" ")));
        self.news().await;
        ran
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.told, "h {:<4} {line}", self.hour).unwrap();
    }

    /// One hour: people come by, and the rollout is run.
    async fn hour(&mut self) -> Value {
        self.passes(1).await;
        self.town.hour(self.bench.posthog(), self.hour, self.now).await;
        self.run().await
    }

    /// So many hours in which nobody comes by and nothing runs.
    async fn passes(&mut self, hours: usize) {
        self.hour += hours;
        self.now += SignedDuration::from_hours(hours as i64);
        self.bench.posthog().advance_clock(3600 * hours as i64).await;
    }

    /// Runs the rollout twice; the second time changes nothing. Returns what the first said of the feature.
    async fn run(&mut self) -> Value {
        let first = self.run_once().await;
        self.news().await;
        let before = self.bench.all().await;
        self.run_once().await;
        let after = self.bench.all().await;
        assert_eq!(before, after, "a second run changed something at hour {}\n{}", self.hour, self.told);
        first
    }

    async fn run_once(&mut self) -> Value {
        let mut arguments = vec!["rollout", "run", self.key, "--once", "--format", "json"];
        arguments.extend(self.extra);
        let ran = self.bench.flagline(&arguments).await;
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| {
            panic!("hour {}: {:?} {}{}\n{}", self.hour, ran.code, ran.stdout, ran.stderr, self.told)
        });
        let feature = report["features"][0].clone();
        assert_eq!(feature["trouble"], Value::Null, "hour {}\n{}", self.hour, self.told);
        let stops = feature["verdict"] == "stops";
        assert_eq!(ran.code, Some(i32::from(stops)), "hour {}: {}", self.hour, ran.stderr);
        feature
    }

    /// Writes down what is new: the stage, messages, and what reached Slack and the webhook.
    async fn news(&mut self) {
        let flag = self.bench.posthog().flag(self.key).await;
        let groups = flag["filters"]["groups"].as_array().unwrap().clone();
        let percent = |it: &Value| it["rollout_percentage"].as_f64().unwrap();
        let name = |it: &Value| {
            let text = it["description"].as_str().unwrap_or("without a name").to_owned();
            text.split(" · telling").next().unwrap().to_owned()
        };
        let open: Vec<String> = groups.iter().map(|it| format!("{} {} %", name(it), percent(it))).collect();
        let on = if flag["active"] == true { "on" } else { "off" };
        let stage = format!("{on}: {}", open.join(", "));
        if stage != self.stage {
            self.tell(&format!("  flag {stage}"));
            self.stage = stage;
        }
        let all = self.bench.all().await;
        let messages = all["messages"].as_array().unwrap().clone();
        let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
        let ids: BTreeSet<String> = messages.iter().map(|it| id(&it["properties"])).collect();
        assert_eq!(ids.len(), messages.len(), "a message was sent twice");
        for message in messages.iter().map(|it| &it["properties"]) {
            if self.messages.insert(id(message)) {
                let text = message["text"].as_str().unwrap();
                self.tell(&format!("  message {}: {text}", message["kind"].as_str().unwrap()));
            }
        }
        self.things().await;
        self.slack(&ids).await;
        // Each message reached everyone who is told, once.
        let hooks: Vec<String> = self.bench.hooks().iter().map(id).collect();
        assert_eq!(hooks.len(), ids.len(), "{hooks:?}");
        assert_eq!(hooks.into_iter().collect::<BTreeSet<String>>(), ids);
    }

    /// What PostHog will do by itself, and whom it asks.
    async fn things(&mut self) {
        let posthog = self.bench.posthog();
        let id = posthog.flag(self.key).await["id"].to_string();
        let mut things = Vec::new();
        let scheduled = posthog.get("scheduled_changes/?limit=100").await;
        for change in scheduled["results"].as_array().into_iter().flatten() {
            if change["record_id"] == id.as_str() && change["executed_at"].is_null() {
                let group = &change["payload"]["value"]["groups"][0];
                let at: Timestamp = change["scheduled_at"].as_str().unwrap().parse().unwrap();
                let hours = at.duration_since(NOW.parse().unwrap()).as_hours();
                let percent = &group["rollout_percentage"];
                things
                    .push(format!("{} {percent} % in hour {hours}", group["description"].as_str().unwrap()));
            }
        }
        let surveys = posthog.get(&format!("surveys/?search={}", self.key)).await;
        for survey in surveys["results"].as_array().into_iter().flatten() {
            let is_on = !survey["start_date"].is_null();
            let who = &survey["targeting_flag"]["filters"]["groups"][0]["properties"][0];
            if is_on {
                let cohort = posthog.get(&format!("cohorts/{}/", who["value"])).await;
                things.push(format!(
                    "survey for '{}' ({} people), {} answers at most",
                    cohort["name"].as_str().unwrap(),
                    cohort["count"],
                    survey["responses_limit"]
                ));
            }
        }
        if things != self.things {
            self.tell(&format!("  things {}", things.join(", ")));
            self.things = things;
        }
    }

    /// Slack was told each message once, where the brief names a channel.
    async fn slack(&self, ids: &BTreeSet<String>) {
        let (_, outbox) = self.bench.posthog().ask("GET", "/_sandbox/outbox/", Value::Null).await;
        let of_slack =
            |it: &&Value| it["event"] == "flagline message" && it["template_id"] == "template-slack";
        let sent: Vec<String> = outbox["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_slack)
            .map(|it| it["event_uuid"].as_str().unwrap().to_owned())
            .collect();
        let wanted = if self.has_slack { ids.clone() } else { BTreeSet::new() };
        assert_eq!(sent.len(), wanted.len(), "{sent:?}");
        assert_eq!(sent.into_iter().collect::<BTreeSet<String>>(), wanted);
    }

    /// An editor is opened: its lenses are written down, its hover must say all of this.
    async fn look(&mut self, stage: &str, words: &[&str]) {
        let (lenses, hover) = editor::looks(&self.bench, self.key, stage).await;
        for words in words.iter().chain([&stage]) {
            assert!(hover.contains(words), "no {words:?} in\n{hover}\n{lenses:?}\n{}", self.told);
        }
        self.tell(&format!("  lens {}", lenses.join(" | ")));
    }

    async fn until(&mut self, most: usize, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..most {
            let feature = self.hour().await;
            if is(&feature) {
                return feature;
            }
        }
        panic!("it did not come in {most} hours\n{}", self.told);
    }

    fn is_as_told(&self, file: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rollout").join(file);
        if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
            std::fs::write(&path, &self.told).unwrap();
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        if stored != self.told {
            let diff = similar::TextDiff::from_lines(&stored, &self.told);
            panic!("{file}; UPDATE=1 accepts it\n{}", diff.unified_diff().header("stored", "now"));
        }
    }
}

/// The whole story of `offset-videos`, on a server of some age.
async fn videos(shape: Shape, file: &str) {
    let mut story = Story::begin(shape, "offset-videos", VIDEOS).await;
    story.person(&["launch", "offset-videos", "--yes"]).await;
    // Colleagues use it, and somebody gives a go.
    let asks = story.until(12, |it| it["verdict"] == "asks").await;
    // Those who came by with the feature on saw a page.
    let metric = json!({
        "title": "User retention", "counts": "people", "week": [{ "response": "true", "value": asks["people"] }],
    });
    assert_eq!(asks["metric"], metric);
    story.look("1/5 internal", &["by a person's go: flagline promote offset-videos"]).await;
    story.person(&["promote", "offset-videos", "--yes"]).await;
    // From here it goes by itself, up to an error spike among those who pay most.
    story.until(60, |it| it["stage"].as_str().unwrap().starts_with("4/5")).await;
    story.town.one_in = 3;
    let stopped = story.until(6, |it| it["verdict"] == "stops").await;
    assert!(stopped["details"][0].as_str().unwrap().contains("met an exception"), "{stopped}");
    assert_eq!(stopped["stage"], "3/5 low value, 100 %");
    story.look("3/5 low value", &["people met an exception", "flagline resume offset-videos"]).await;
    // Nothing goes on before somebody says so.
    story.town.one_in = 0;
    for _ in 0..4 {
        assert_eq!(story.hour().await["verdict"], "rests");
    }
    story.person(&["resume", "offset-videos", "--yes"]).await;
    let is_blocked = |it: &Value| it["details"][0].as_str().is_some_and(|it| it.contains("before lifting"));
    let waits = story.until(60, |it| it["verdict"] == "waits" && is_blocked(it)).await;
    assert_eq!(waits["details"], json!(["'Subtitles for all videos' to be done before lifting"]));
    story.look("4/5 high value", &["Subtitles for all videos"]).await;
    let brief = std::fs::read_to_string(story.brief_path()).unwrap();
    let todo = "what = \"Subtitles for all videos\"";
    std::fs::write(story.brief_path(), brief.replace(todo, &format!("{todo}\ndone = true"))).unwrap();
    story.until(60, |it| it["stage"] == "everyone").await;
    assert_eq!(story.town.who_has_it(story.bench.posthog()).await.len(), 100);
    story.look("everyone", &[]).await;
    story.passes(31 * 24).await;
    story.run().await;
    story.passes(60 * 24).await;
    story.run().await;
    story.is_as_told(file);
}

#[tokio::test]
async fn videos_of_offsetting_projects() {
    videos(Shape::Today, "offset-videos.txt").await;
}

#[tokio::test]
async fn videos_of_offsetting_projects_in_december_2023() {
    videos(Shape::December2023, "offset-videos-2023-12.txt").await;
}

#[tokio::test]
async fn a_test_that_is_stopped_and_then_won() {
    let mut story = Story::begin(Shape::Today, "checkout-words", WORDS).await;
    story.person(&["launch", "checkout-words", "--yes"]).await;
    story.until(12, |it| it["stage"] == "2/2 everyone, 50 %").await;
    // More exceptions than those who see the old words meet.
    story.town.one_in = 2;
    let stopped = story.until(6, |it| it["verdict"] == "stops").await;
    assert!(stopped["details"][0].as_str().unwrap().contains("times that of control"), "{stopped}");
    assert_eq!(stopped["stage"], "off");
    assert_eq!(story.town.who_has_it(story.bench.posthog()).await, Vec::<&str>::new());
    story.town.one_in = 0;
    story.hour().await;
    story.person(&["resume", "checkout-words", "--yes"]).await;
    let asks = story.until(6, |it| it["verdict"] == "asks").await;
    assert_eq!(asks["next"], json!({ "stage": "everyone", "percent": 100.0 }));
    story.person(&["promote", "checkout-words", "--yes"]).await;
    story.hour().await;
    let refused = story.bench.flagline(&["finish", "checkout-words", "--yes"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("--variant control or test"), "{}", refused.stderr);
    story.person(&["finish", "checkout-words", "--variant", "test", "--yes"]).await;
    let experiment = story.bench.posthog().get("experiments/?limit=100").await;
    let is_ours = |it: &&Value| it["feature_flag_key"] == "checkout-words";
    let ours = experiment["results"].as_array().unwrap().iter().find(is_ours).unwrap().clone();
    assert_eq!((ours["conclusion"].as_str(), ours["end_date"].is_null()), (Some("won"), false), "{ours}");
    story.hour().await;
    story.is_as_told("checkout-words.txt");
}

/// Under a policy a promotion waits for an approval, is asked for once, and is told when it is there.
#[tokio::test]
async fn a_promotion_that_needs_an_approval() {
    let mut story = Story::begin(Shape::Today, "offset-videos", VIDEOS).await;
    story.person(&["launch", "offset-videos", "--yes"]).await;
    story.until(12, |it| it["verdict"] == "asks").await;
    story.bench.posthog().control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    for _ in 0..2 {
        let waits = story.bench.flagline(&["promote", "offset-videos", "--yes"]).await;
        assert_eq!(waits.code, Some(1), "{}", waits.stdout);
        assert!(
            waits.stderr.contains("waits for an approval in PostHog: change request"),
            "{}",
            waits.stderr
        );
    }
    let requests = "/api/environments/1/change_requests/";
    let posthog = story.bench.posthog();
    let (_, pending) = posthog.ask("GET", &format!("{requests}?state=pending"), Value::Null).await;
    assert_eq!(pending["results"].as_array().map(Vec::len), Some(1), "{pending}");
    assert_eq!(story.hour().await["stage"], "1/5 internal, 100 %");
    let id = pending["results"][0]["id"].as_str().unwrap();
    let url = format!("{requests}{id}/approve/");
    let (status, answer) = story.bench.posthog().ask_as(GRACE_KEY, "POST", &url, json!({})).await;
    assert!(status < 300, "{answer}");
    let beta = story.hour().await;
    assert_eq!(beta["stage"], "2/5 beta, 100 %");
    story.hour().await;
    assert!(story.told.contains("message entered"), "{}", story.told);
    assert_eq!(story.told.matches("message entered").count(), 1, "{}", story.told);
}
