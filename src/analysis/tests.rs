//! Fixtures that look like the editor: carets under code for findings, Markdown files for hovers.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::flags::{Environment, Flag, FlagKey, FlagList, History, Project};
use crate::index;
use crate::posthog::{queries, wire};
use crate::syntax::{Language, Names, Source};
use crate::text::Text;

pub(super) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

pub(super) fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

#[derive(Deserialize)]
struct Stored {
    flags: Vec<wire::Flag>,
    activity: HashMap<u64, Vec<wire::Activity>>,
    exposure: Vec<Vec<Value>>,
    trend: Vec<Vec<Value>>,
    exposed: Vec<String>,
}

/// The mirror of `fixtures/mirror.json`.
pub(super) fn environment() -> Environment {
    let stored = fs::read_to_string(fixtures().join("mirror.json")).unwrap();
    let stored: Stored = serde_json::from_str(&stored).unwrap();
    let flags: Vec<Arc<Flag>> = stored.flags.into_iter().map(|it| Arc::new(it.into())).collect();
    let version = |id: u64| flags.iter().find(|it| it.id == id).map(|it| it.stamp());
    let history = stored.activity.into_iter().map(|(id, entries)| {
        let complete = entries.iter().any(|it| it.activity == "created");
        let entries = entries.into_iter().map(Into::into).collect();
        (id, Arc::new(History { version: version(id), entries, complete, fetched_at: now() }))
    });
    let keys: Vec<FlagKey> = stored.exposed.iter().map(|it| it.as_str().into()).collect();
    let fetched_at = "2026-11-25T11:59:48Z".parse().unwrap();
    let exposure = queries::exposures(&keys, &stored.exposure, &stored.trend, 7, fetched_at);
    Environment {
        name: "production".into(),
        host: "https://eu.posthog.com".into(),
        project: Some(Project { id: 7, name: "Offset".into() }),
        history: history.collect(),
        exposure: exposure.into_iter().map(|(key, it)| (key, Arc::new(it))).collect(),
        flags: Some(FlagList::new(flags, fetched_at)),
        schedules: HashMap::from([(2, [scheduled("2026-12-01", 25.0)].into())]),
        ..Environment::default()
    }
}

fn scheduled(day: &str, percent: f64) -> crate::flags::ScheduledChange {
    let change = crate::flags::Scheduled::Conditions { percent, description: "3/3 everyone".into() };
    crate::flags::ScheduledChange {
        at: format!("{day}T08:00:00Z").parse().unwrap(),
        change,
        recurring: false,
    }
}

fn snapshot(path: &str, text: &str, environment: Environment) -> Snapshot {
    let language = Language::from_path(Path::new(path)).unwrap();
    let source = Arc::new(Source::new(language, 1, Text::new(text)));
    Snapshot {
        path: Path::new(path).into(),
        facts: index::facts(language, &source.text, &Names::default()).into(),
        source: Some(source),
        index: Arc::default(),
        briefs: Arc::default(),
        mirror: Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 }),
        config: Arc::default(),
        now: now(),
    }
}

/// The text with every finding under its line, and nothing else that begins with a caret.
fn annotated(path: &str, text: &str) -> String {
    let comment = if path.ends_with(".py") { "#" } else { "//" };
    let is_mark = |it: &str| it.strip_prefix(comment).is_some_and(|it| it.trim_start().starts_with('^'));
    let bare: String = text.split_inclusive('\n').filter(|it| !is_mark(it)).collect();
    let found = findings(&snapshot(path, &bare, environment()));
    let mut result = String::new();
    for (number, line) in bare.split_inclusive('\n').enumerate() {
        result.push_str(line);
        for it in found.iter().filter(|it| it.span.start.line == number as u32) {
            let (from, to) = (it.span.start.scalar as usize, it.span.end.scalar as usize);
            let gap = " ".repeat(from - comment.len());
            result.push_str(&format!(
                "{comment}{gap}{} {}: {}\n",
                "^".repeat(to - from),
                it.code.name(),
                it.sentence()
            ));
        }
    }
    result
}

/// Compares with a file, or writes it when `UPDATE=1` stands in the environment.
pub(super) fn check_file(path: &Path, got: &str) {
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        fs::write(path, got).unwrap();
    }
    let expect = fs::read_to_string(path).unwrap_or_default();
    assert!(got == expect, "{} differs; what came out:\n{got}", path.display());
}

#[test]
fn findings_stand_under_their_reads() {
    let mut n_files = 0;
    for entry in fs::read_dir(fixtures().join("findings")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        check_file(&path, &annotated(&path.to_string_lossy(), &text));
        n_files += 1;
    }
    assert!(n_files >= 2);
}

#[test]
fn nothing_is_found_while_nothing_is_loaded() {
    let text = fs::read_to_string(fixtures().join("findings/reads.ts")).unwrap();
    let not_loaded = Environment { flags: None, ..environment() };
    assert_eq!(findings(&snapshot("reads.ts", &text, not_loaded)), []);
}

#[test]
fn hover_cards() {
    let silent = Environment { exposure: HashMap::new(), ..environment() };
    let refused = Environment {
        exposure_trouble: Some("the API key is not allowed to do this: query:read".into()),
        ..silent.clone()
    };
    let offline = Environment {
        trouble: Some("https://eu.posthog.com cannot be reached: no route".into()),
        ..environment()
    };
    let mut named = environment();
    let beta =
        crate::flags::EarlyAccess { id: "01a1".into(), name: "Videos <b>".into(), stage: "beta".into() };
    let mut flag = (*named.flags.as_ref().unwrap().by_key["project-videos"]).clone();
    flag.early_access.push(crate::flags::EarlyAccess { stage: "alpha".into(), ..beta.clone() });
    named.flags.as_mut().unwrap().insert(flag.into());
    named.early_access.insert(beta.id.clone(), beta.into());
    named.cohorts.insert(2, "Beta [testers]".into());
    let not_loaded = Environment { flags: None, ..Environment::default() };
    let signed_out =
        Environment { trouble: Some("not signed in; set FLAGLINE_API_KEY".into()), ..not_loaded.clone() };
    for (name, key, environment) in [
        ("everyone", "new-checkout", environment()),
        ("planned-and-hostile", "project-videos", silent),
        ("cohort-and-early-access", "project-videos", named),
        ("experiment", "pricing-page", environment()),
        ("experiment-not-yet", "pricing-page", compared(NOT_YET)),
        ("experiment-by-chance", "pricing-page", compared(BY_CHANCE)),
        ("experiment-decided", "pricing-page", compared(DECIDED)),
        (
            "experiment-refused",
            "pricing-page",
            compared("{\"trouble\":\"this plan has no <b>experiments</b>\"}"),
        ),
        ("nobody", "fresh", environment()),
        ("not-launched", "gift-cards", environment()),
        ("off", "old-banner", refused),
        ("archived", "legacy-export", environment()),
        ("offline", "new-checkout", offline),
        ("unknown", "new-chekout", environment()),
        ("loading", "new-checkout", not_loaded),
        ("signed-out", "new-checkout", signed_out),
    ] {
        let text = format!("import posthog from 'posthog-js'\nposthog.isFeatureEnabled('{key}')\n");
        let snapshot = snapshot("a.ts", &text, environment);
        let at = text.find(key).unwrap() as u32;
        for (markup, extension) in [(Markup::Markdown, "md"), (Markup::Plain, "txt")] {
            let hover = hover(&snapshot, at, markup).unwrap();
            assert_eq!(&text[hover.span.bytes()], format!("'{key}'"));
            check_file(&fixtures().join(format!("hover/{name}.{extension}")), &format!("{}\n", hover.text));
        }
        assert_eq!(hover(&snapshot, 3, Markup::Plain), None, "there is no flag in an import");
    }
}

const NOT_YET: &str = r#"{"baseline": {"key": "control", "people": 30, "lacks": ["People", "Baseline"]},
    "variants": [{"key": "test", "people": 31, "lacks": ["People"]}]}"#;
const BY_CHANCE: &str = r#"{"baseline": {"key": "control", "people": 1204},
    "variants": [{"key": "test", "people": 1187, "by": [-0.012, 0.2581], "wins": 0.9412}, {"key": "*new*", "people": 3, "lacks": ["People"]}]}"#;
const DECIDED: &str = r#"{"baseline": {"key": "control", "people": 1204},
    "variants": [{"key": "test", "people": 1187, "by": [0.05, 0.25], "p": 0.0004}, {"key": "other", "people": 1100, "by": [-0.0004, 0.0004], "p": 0.31}]}"#;

/// Where the experiment on the prices has a result.
fn compared(result: &str) -> Environment {
    use crate::flags::{
        Certainty, Compared, Comparison, ExperimentResult, KeyMetric, Lacking, Outcome, Sample,
    };
    let json: Value = serde_json::from_str(result).unwrap();
    let lacks = |it: &Value| {
        let lack = |it: &Value| if it == "Baseline" { Lacking::Baseline } else { Lacking::People };
        it["lacks"].as_array().into_iter().flatten().map(lack).collect::<Vec<_>>()
    };
    let sample = |it: &Value| Sample {
        variant: it["key"].as_str().unwrap().into(),
        people: it["people"].as_u64().unwrap(),
        mean: None,
    };
    let variant = |it: &Value| {
        let interval: Option<(f64, f64)> = serde_json::from_value(it["by"].clone()).ok();
        let certainty = it["wins"].as_f64().map(Certainty::ChanceToWin);
        Compared {
            sample: sample(it),
            difference: interval.map(|it| (it.0 + it.1) / 2.0),
            significant: interval.map(|it| it.0 > 0.0),
            interval,
            certainty: certainty.or(it["p"].as_f64().map(Certainty::PValue)),
            lacks: lacks(it),
        }
    };
    let outcome = match json["trouble"].as_str() {
        Some(why) => Outcome::CannotTell(why.into()),
        None => Outcome::Compared(Comparison {
            baseline: sample(&json["baseline"]),
            baseline_lacks: lacks(&json["baseline"]),
            variants: json["variants"].as_array().unwrap().iter().map(variant).collect(),
        }),
    };
    let at = "2026-11-25T11:30:00Z".parse().unwrap();
    let mut all = environment();
    let mut experiment = experiment(
        r#"{"id": 1, "name": "Prices by the [year]", "feature_flag_key": "pricing-page", "start_date": "2026-11-10T08:00:00Z"}"#,
    );
    experiment.metric = KeyMetric::Described { title: "purchase per person".into(), body: "{}".into() };
    all.experiments.insert(1, experiment.into());
    all.results.insert(1, ExperimentResult { outcome, computed_at: at, fetched_at: at }.into());
    all
}

/// Titles and effects of the actions on the first read of `text`.
fn menu(text: &str) -> Vec<String> {
    menu_with(&[], text)
}

/// The same where some flags have briefs.
fn menu_with(briefs: &[&str], text: &str) -> Vec<String> {
    let text = format!("import posthog from 'posthog-js'\n{text}\n");
    let mut snapshot = snapshot("a.ts", &text, environment());
    let brief = |key: &&str| {
        let text = Text::new(format!("key = \"{key}\"\n"));
        Arc::new(BriefFile::new(Path::new("a.toml").into(), text))
    };
    snapshot.briefs = briefs.iter().map(brief).collect();
    let at = snapshot.facts.reads[0].key_span.start.offset;
    let describe = |it: Action| match it.effect {
        Effect::Clean(key, value) => format!("{} -> {key} {value}", it.title),
        Effect::Launch(key) => format!("launch {key}"),
        Effect::Follow(key) => format!("follow {key}"),
        Effect::Move(..) => it.title,
        Effect::CreateFeature(key) => format!("{} -> create {key}", it.title),
        Effect::Edit(edits) => {
            let after = crate::removal::apply(&text, &edits);
            format!("{} -> {}", it.title, after.lines().last().unwrap_or_default())
        }
        Effect::Open(url) => format!("{} -> {url}", it.title),
        Effect::Refused(reason) => format!("{} -> refused: {reason}", it.title),
        Effect::Withheld(reason) => format!("{} -> withheld: {reason}", it.title),
    };
    actions(&snapshot, at..at).into_iter().map(describe).collect()
}

#[test]
fn who_meets_a_flag_cannot_be_told_where_only_its_payload_is_read() {
    let text = "import posthog from 'posthog-js'\nposthog.getFeatureFlagPayload('fresh')\n";
    let hover =
        hover(&snapshot("a.ts", text, environment()), text.find("fresh").unwrap() as u32, Markup::Plain)
            .unwrap();
    assert!(hover.text.contains("cannot be told: only the payload is read"), "{}", hover.text);
    assert!(!hover.text.contains("Nobody"), "{}", hover.text);
}

#[test]
fn a_card_shows_the_other_environments() {
    let text = "import posthog from 'posthog-js'\nposthog.isFeatureEnabled('new-checkout')\n";
    let mut snapshot = snapshot("a.ts", text, environment());
    let named = |name: &str, it: Environment| Arc::new(Environment { name: name.into(), ..it });
    snapshot.mirror = Arc::new(Mirror {
        environments: vec![
            named("production", environment()),
            named("staging", environment()),
            named("dev", Environment { flags: None, exposure: HashMap::new(), ..environment() }),
        ],
        revision: 1,
    });
    let hover = hover(&snapshot, text.find("new-").unwrap() as u32, Markup::Plain).unwrap();
    check_file(&fixtures().join("hover/environments.txt"), &format!("{}\n", hover.text));
}

/// The text with every inlay hint where an editor shows it, and every lens above its line.
fn decorated(path: &str, text: &str) -> String {
    let mut snapshot = snapshot(path, text, environment());
    snapshot.index = Arc::new(index::Index::new([(snapshot.path.clone(), snapshot.facts.clone())]));
    let mut inserts: Vec<(usize, String)> = Vec::new();
    for it in inlay_hints(&snapshot, 0..u32::MAX) {
        inserts.push((it.span.end.offset as usize, format!("⟨{}⟩", it.label)));
    }
    for it in lenses(&snapshot) {
        let line = (it.span.start.offset - it.span.start.utf8) as usize;
        let indent = " ".repeat(it.span.start.scalar as usize);
        inserts.push((line, format!("{indent}⟦{}⟧\n", it.title)));
    }
    inserts.sort_by_key(|it| it.0);
    let mut result = String::new();
    let mut from = 0;
    for (at, inserted) in inserts {
        result += &text[from..at];
        result += &inserted;
        from = at;
    }
    result + &text[from..]
}

#[test]
fn hints_stand_behind_keys_and_lenses_above_functions() {
    for entry in fs::read_dir(fixtures().join("decorations")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let is_lens = |it: &&str| !it.trim_start().starts_with('⟦');
        let mut bare: String = text.split_inclusive('\n').filter(is_lens).collect();
        while let Some((from, to)) = bare.find('⟨').zip(bare.find('⟩')) {
            bare.replace_range(from..to + '⟩'.len_utf8(), "");
        }
        check_file(&path, &decorated(&path.to_string_lossy(), &bare));
    }
}

#[test]
fn actions_settle_findings() {
    assert_eq!(
        menu("const x = posthog.isFeatureEnabled('new-checkout') ? 1 : 2"),
        [
            "Remove flag 'new-checkout' here (keep on) -> const x = 1",
            "Remove flag 'new-checkout' everywhere (keep on) -> new-checkout on",
            "Open in PostHog -> https://eu.posthog.com/project/7/feature_flags/1",
            "follow new-checkout"
        ]
    );
    assert_eq!(
        menu("const x = posthog.isFeatureEnabled('new-chekout')"),
        [
            "Change to 'new-checkout' -> const x = posthog.isFeatureEnabled('new-checkout')",
            "Create feature 'new-chekout' -> create new-chekout"
        ]
    );
    assert_eq!(
        menu("const x = posthog.isFeatureEnabled('not a key')"),
        [
            "Create feature 'not a key' -> refused: PostHog takes letters, digits, - and _ in a key, 400 at most"
        ]
    );
    let open = "Open in PostHog -> https://eu.posthog.com/project/7/feature_flags/11";
    assert_eq!(menu("posthog.isFeatureEnabled('half-made')"), [open, "follow half-made"]);
    // With a brief there is something to launch.
    let briefs = ["half-made", "new-chekout"];
    assert_eq!(
        menu_with(&briefs, "posthog.isFeatureEnabled('half-made')"),
        ["launch half-made", open, "follow half-made"]
    );
    assert_eq!(menu_with(&briefs, "posthog.isFeatureEnabled('new-chekout')")[1], "launch new-chekout");
    let several = menu("const x = posthog.isFeatureEnabled(b ? 'new-checkout' : 'fresh') ? 1 : 2");
    assert!(several[0].contains("refused: this call reads several flags"), "{several:?}");
    let refused = menu("send(posthog.getFeatureFlagResult('new-checkout'))");
    assert!(refused[0].contains("refused: the whole result is passed on"), "{refused:?}");
    assert_eq!(
        menu("posthog.isFeatureEnabled('fresh')"),
        ["Open in PostHog -> https://eu.posthog.com/project/7/feature_flags/7", "follow fresh"]
    );
}

/// One case of `fixtures/life.txt`: the lines of each name.
struct Case<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Case<'a> {
    fn of(text: &'a str) -> Case<'a> {
        let line = |it: &'a str| it.split_once(": ").filter(|_| !it.starts_with(['#', '=', '-']));
        Case(text.lines().filter_map(line).collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |it| it.0 == name).map(|it| it.1)
    }

    /// The environment that has the flag, and perhaps another one that was called.
    fn environment(&self) -> Environment {
        let flag = self.all("flag").next().unwrap();
        let defaults = r#"{"id":1,"key":"x","active":true,"version":3,"created_at":"2026-01-01T00:00:00Z",
            "updated_at":"2026-06-01T00:00:00Z"}"#;
        let mut whole: Value = serde_json::from_str(defaults).unwrap();
        let given: Value =
            serde_json::from_str(&format!("{{{flag}}}")).unwrap_or_else(|it| panic!("{flag}: {it}"));
        whole.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let flag: wire::Flag = serde_json::from_str(&whole.to_string()).unwrap();
        let flag: Arc<Flag> = Arc::new(flag.into());
        let called = r#"{"id":2,"key":"other","last_called_at":"2026-11-25T00:00:00Z"}"#;
        let called: wire::Flag = serde_json::from_str(called).unwrap();
        let called = self.all("others_called").next().map(|_| Arc::new(called.into()));
        let history =
            (!self.all("activity").collect::<Vec<_>>().is_empty()).then(|| Arc::new(self.history()));
        Environment {
            host: "https://eu.posthog.com".into(),
            project: Some(Project { id: 7, name: "Offset".into() }),
            history: history.into_iter().map(|it| (1, it)).collect(),
            experiments: self.all("experiment").map(experiment).map(|it| (it.id, Arc::new(it))).collect(),
            flags: Some(FlagList::new([flag].into_iter().chain(called), now())),
            ..Environment::default()
        }
    }

    fn history(&self) -> History {
        let entry = |it: &str| {
            let mut words = it.splitn(3, ' ');
            let (at, by, changes) = (words.next().unwrap(), words.next().unwrap(), words.next());
            let at = if at.len() == 10 { format!("{at}T00") } else { at.to_owned() };
            let user = if matches!(by, "created" | "null") {
                "null".into()
            } else {
                format!(r#"{{"first_name":"{by}"}}"#)
            };
            let activity = if by == "created" { "created" } else { "updated" };
            let changes = changes.unwrap_or("null");
            let json = format!(
                r#"{{"user":{user},"activity":"{activity}","created_at":"{at}:00:00Z","detail":{{"changes":{changes}}}}}"#
            );
            crate::flags::Entry::from(serde_json::from_str::<wire::Activity>(&json).unwrap())
        };
        let entries: Vec<_> = self.all("activity").map(entry).collect();
        let complete = entries.iter().any(|it| it.created);
        History { version: Some(3), entries, complete, fetched_at: now() }
    }

    /// What is said of the flag.
    fn outcome(&self) -> String {
        let mut code = String::from("import posthog from 'posthog-js'\n");
        let read = self.all("read").collect::<Vec<_>>().join("\n");
        code += if read.is_empty() { "posthog.isFeatureEnabled('x')" } else { &read };
        let mut snapshot = snapshot("a.ts", &code, self.environment());
        let mut config = crate::config::Config::default();
        if self.all("settings").any(|it| it == "boolean-read") {
            config.severities.boolean_read = Some(Severity::Hint);
        }
        snapshot.config = Arc::new(config);
        let card = card(&snapshot.mirror, &FlagKey::from("x"), now());
        let State::Known(details) = card.state else { panic!("not known") };
        let mut lines = vec![format!("-> {}", details.stage)];
        if let Some(since) = &details.since {
            let by = since.by.as_ref().map(|it| format!(" by {it}")).unwrap_or_default();
            let about = if since.exact { "" } else { "at least " };
            lines.push(format!("-> {} since {about}{}{by}", since.value, day(since.at)));
        }
        let found = findings(&snapshot);
        lines.extend(
            found.iter().map(|it| format!("-> {}[{}] {}", it.severity.name(), it.code.name(), it.sentence())),
        );
        lines.join("\n")
    }
}

fn experiment(json: &str) -> crate::flags::Experiment {
    let json: Value = serde_json::from_str(json).unwrap();
    let time = |name: &str| json[name].as_str().map(|it| it.parse().unwrap());
    crate::flags::Experiment {
        id: json["id"].as_i64().unwrap(),
        name: json["name"].as_str().unwrap().into(),
        flag: json["feature_flag_key"].as_str().unwrap().into(),
        started_at: time("start_date"),
        ended_at: time("end_date"),
        conclusion: json["conclusion"].as_str().map(Into::into),
        archived: false,
        metric: crate::flags::KeyMetric::Missing,
    }
}

#[test]
fn the_life_of_a_flag_case_by_case() {
    let path = fixtures().join("life.txt");
    let text = fs::read_to_string(&path).unwrap();
    let (head, cases) = text.split_at(text.find("\n== ").unwrap() + 1);
    let cases: Vec<&str> = cases.split("\n\n").filter(|it| !it.trim().is_empty()).collect();
    assert!(cases.len() >= 80, "{} cases", cases.len());
    let mut got = head.to_owned();
    for case in cases {
        let given: Vec<&str> = case.lines().filter(|it| !it.starts_with("->")).collect();
        got += &format!("{}\n{}\n\n", given.join("\n").trim(), Case::of(case).outcome());
    }
    check_file(&path, &got);
}
