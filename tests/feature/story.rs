//! A feature from its launch to its review, hour by hour: `fixtures/rollout/*.txt` tells what happened. Each hour people
//! come by, `rollout run` looks at everything once, and once more, which changes nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use flagline::sandbox::Shape;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bench::{Bench, NOW, Ran};
use crate::town::Town;

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
        Story { bench, town, key, hour: 0, now, told, messages: BTreeSet::new(), stage, extra }
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
        // Each message reached everyone who is told, once.
        let hooks: Vec<String> = self.bench.hooks().iter().map(id).collect();
        assert_eq!(hooks.len(), ids.len(), "{hooks:?}");
        assert_eq!(hooks.into_iter().collect::<BTreeSet<String>>(), ids);
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

#[tokio::test]
async fn videos_of_offsetting_projects() {
    let mut story = Story::begin(Shape::Today, "offset-videos", VIDEOS).await;
    story.person(&["launch", "offset-videos", "--yes"]).await;
    // Colleagues use it, and somebody gives a go.
    story.until(12, |it| it["verdict"] == "asks").await;
    story.person(&["promote", "offset-videos", "--yes"]).await;
    // From here it goes by itself, up to an error spike among those who pay most.
    story.until(60, |it| it["stage"].as_str().unwrap().starts_with("4/5")).await;
    story.town.one_in = 3;
    let stopped = story.until(6, |it| it["verdict"] == "stops").await;
    assert!(stopped["details"][0].as_str().unwrap().contains("met an exception"), "{stopped}");
    // Nothing goes on before somebody says so.
    story.town.one_in = 0;
    for _ in 0..4 {
        assert_eq!(story.hour().await["verdict"], "rests");
    }
    story.person(&["resume", "offset-videos", "--yes"]).await;
    let waits = story
        .until(60, |it| it["verdict"] == "waits" && it["details"][0].as_str().unwrap().contains("lifted"))
        .await;
    assert_eq!(waits["details"], json!(["before the flag is lifted: Subtitles for all videos"]));
    let brief = std::fs::read_to_string(story.brief_path()).unwrap();
    std::fs::write(
        story.brief_path(),
        brief.replace("Subtitles for all videos\"", "Subtitles for all videos\"\ndone = true"),
    )
    .unwrap();
    story.until(60, |it| it["stage"] == "everyone").await;
    assert_eq!(story.town.who_has_it(story.bench.posthog()).await.len(), 100);
    story.passes(31 * 24).await;
    story.run().await;
    story.passes(60 * 24).await;
    story.run().await;
    story.is_as_told("offset-videos.txt");
}
