//! `flagline status`: the table, the JSON and the page, with a whole project, with none, and with everything that goes
//! wrong.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flagline::analysis::CodeReads;
use flagline::analysis::status::{Sources, Status, clean_ups, status};
use flagline::config::{Config, Environment};
use flagline::feature::Brief;
use flagline::feature::Period;
use flagline::flags::{AllSeries, FlagList, Mirror};
use flagline::index::Index;
use flagline::index::scan::{self, Progress, Root};
use flagline::posthog::refresh::{self, Wanted};
use flagline::report::{StatusReport, status_html, status_json, status_markdown, status_text};
use flagline::sandbox::{self, Options, Sandbox, Shape};
use flagline::workspace;
use jiff::Timestamp;
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{flagline, run, signed_in, tree};

const CODE: &str = "\
import posthog from 'posthog-js'

export const checkout = posthog.isFeatureEnabled('new-checkout')
export const videos = posthog.isFeatureEnabled('project-videos')
export const price = posthog.getFeatureFlag('pricing-page')
export const badge = posthog.isFeatureEnabled('new-chekout')
export const banner = posthog.isFeatureEnabled('old-banner')
";

/// A repository with briefs of every kind, one of them broken.
fn app() -> TempDir {
    let folder =
        tree(&[("src/app.ts", CODE), (".flagline/broken.toml", "key = \"broken\"\nnmae = \"Broken\"\n")]);
    let briefs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/status/briefs");
    for brief in fs::read_dir(briefs).unwrap() {
        let brief = brief.unwrap();
        fs::copy(brief.path(), folder.path().join(".flagline").join(brief.file_name())).unwrap();
    }
    fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

// A whole project, at a moment that never changes.

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn index_of(folder: &Path) -> Index {
    let root = Root { path: folder.to_owned(), exclude: Arc::default(), names: Arc::default() };
    let mut index = Index::default();
    for file in scan::scan(&[root], &Progress::default()) {
        index.set(&file.path, file.facts.unwrap());
    }
    index
}

fn look(folder: &Path, mirror: &Arc<Mirror>) -> Status {
    let index = Arc::new(index_of(folder));
    let sources = Sources {
        briefs: &workspace::briefs_round(folder),
        plans: &BTreeMap::new(),
        mirror,
        code: &CodeReads::new(&index),
        clean_ups: &clean_ups(&index, mirror, &Arc::default(), now()),
        waiting: &BTreeMap::new(),
        now: now(),
    };
    status(&sources, &BTreeSet::new())
}

/// Compares with a file of `fixtures/status`, or writes it when `UPDATE=1` stands in the environment.
fn golden(name: &str, got: &str, host: &str) {
    let got = got.replace(host, "http://sandbox").replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/status").join(name);
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &got).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == got,
        "{name} differs; UPDATE=1 accepts it:\n{got}"
    );
}

#[tokio::test]
async fn a_whole_project_in_all_formats() {
    let folder = app();
    let sandbox = Sandbox::start(Options { port: 0, now: Some(now()), shape: Shape::Today }).await.unwrap();
    let mut environment = Environment::new(sandbox.url().into());
    environment.key = Some(sandbox::API_KEY.into());
    environment.project = Some(sandbox::PROJECT_ID);
    let config = Config { environments: vec![environment], ..Config::default() };
    let keys = index_of(folder.path()).keys();
    let briefs = workspace::briefs_round(folder.path());
    let briefs = briefs.iter().filter_map(|it| Some(it.1.as_ref().ok()?.flag())).collect();
    let loaded = refresh::once(&config, None, &keys, &briefs, Wanted::Exposure).await;
    let mut mirror = (*loaded.mirror).clone();
    // The sandbox's clock stands; that of whoever asks does not.
    let known = Arc::make_mut(&mut mirror.environments[0]);
    known.flags.as_mut().unwrap().fetched_at = now();
    known.exposure.values_mut().for_each(|it| Arc::make_mut(it).fetched_at = now());
    known.evidence.values_mut().for_each(|it| Arc::make_mut(it).fetched_at = now());
    let mirror = Arc::new(mirror);
    let status = look(folder.path(), &mirror);
    let series = workspace::load_series(&config, &status.features, now()).await;
    assert_eq!((&series.exposure_trouble, &series.metric_trouble), (&None, &None));
    let report = StatusReport {
        status: &status,
        environment: mirror.primary(),
        series: Some(&series),
        directory: folder.path(),
        now: now(),
    };
    let text = anstream::adapter::strip_str(&status_text(&report)).to_string();
    assert!(text.lines().all(|it| it.chars().count() <= 100), "{text}");
    golden("status.txt", &text, sandbox.url());
    let json = serde_json::to_string_pretty(&status_json(&report)).unwrap() + "\n";
    golden("status.json", &json, sandbox.url());
    golden("status.md", &status_markdown(&report, Period::days(14)), sandbox.url());
    let html = status_html(&report);
    check_page(&html);
    // How it looks is looked at in a browser.
    let html = regex::Regex::new("(?s)<style>.*</style>").unwrap().replace(&html, "<style>STYLE</style>");
    let html =
        regex::Regex::new("sha256-[A-Za-z0-9+/=]+").unwrap().replace(&html, "sha256-HASH").into_owned();
    golden("status.html", &html, sandbox.url());
}

// The page, whatever stands in it.

/// It is XML, runs and loads nothing, and whoever hears it or uses the keyboard gets everywhere.
fn check_page(html: &str) {
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
    let page =
        roxmltree::Document::parse_with_options(html, options).unwrap_or_else(|it| panic!("{it}\n{html}"));
    let all: Vec<_> = page.descendants().filter(roxmltree::Node::is_element).collect();
    let named = |name: &str| all.iter().filter(|it| it.tag_name().name() == name).collect::<Vec<_>>();
    for forbidden in ["script", "iframe", "link", "img", "form", "object", "base"] {
        assert!(named(forbidden).is_empty(), "a {forbidden}");
    }
    let policy = all.iter().find(|it| it.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy = policy.and_then(|it| it.attribute("content")).unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.root_element().attribute("lang"), Some("en"));
    assert_eq!(
        (named("header").len(), named("main").len(), named("footer").len(), named("h1").len()),
        (1, 1, 1, 1)
    );
    let mut ids = HashSet::new();
    assert!(all.iter().filter_map(|it| it.attribute("id")).all(|it| ids.insert(it)), "an id twice");
    for node in &all {
        assert!(!node.attributes().any(|it| it.name().starts_with("on") || it.name() == "style"), "{node:?}");
        if let Some(target) = node.attribute("href") {
            let is_page = target.starts_with("http://") || target.starts_with("https://");
            assert!(is_page || ids.contains(target.trim_start_matches('#')), "{target} leads nowhere");
        }
        for it in node.attribute("aria-labelledby").into_iter().flat_map(str::split_whitespace) {
            assert!(ids.contains(it), "nothing is called {it}");
        }
        if node.attribute("role") == Some("img") {
            let has = |name: &str| node.children().any(|it| it.tag_name().name() == name);
            assert!(has("title") && has("desc"));
        }
    }
    let levels = all.iter().filter_map(|it| it.tag_name().name().strip_prefix('h')?.parse::<u32>().ok());
    levels.fold(0, |before, level| {
        assert!(level <= before + 1, "a heading of level {level} below one of level {before}");
        level
    });
}

fn retrospective(folder: &Path, briefs: &[(PathBuf, Result<Brief, String>)]) -> String {
    let mirror = Mirror::default();
    let sources = Sources {
        briefs,
        plans: &BTreeMap::new(),
        mirror: &mirror,
        code: &CodeReads::default(),
        clean_ups: &BTreeMap::new(),
        waiting: &BTreeMap::new(),
        now: now(),
    };
    let status = status(&sources, &BTreeSet::new());
    let report =
        StatusReport { status: &status, environment: None, series: None, directory: folder, now: now() };
    status_markdown(&report, Period::days(14))
}

#[test]
fn a_long_key_is_never_broken() {
    let key = "a-key-that-is-rather-long-and-wants-to-be-copied-from-here";
    let briefs = [(PathBuf::from("/app/.flagline/a.toml"), Brief::parse(&format!("key = \"{key}\"\n")))];
    let flags = FlagList::new([], now());
    let environment = flagline::flags::Environment { flags: Some(flags), ..Default::default() };
    let mirror = Mirror { environments: vec![environment.clone().into()], revision: 1 };
    let sources = Sources {
        briefs: &briefs,
        plans: &BTreeMap::new(),
        mirror: &mirror,
        code: &CodeReads::default(),
        clean_ups: &BTreeMap::new(),
        waiting: &BTreeMap::new(),
        now: now(),
    };
    let status = status(&sources, &BTreeSet::new());
    let report = StatusReport {
        status: &status,
        environment: Some(&environment),
        series: None,
        directory: Path::new("/app"),
        now: now(),
    };
    let text = anstream::adapter::strip_str(&status_text(&report)).to_string();
    assert!(text.contains(&format!("\n  {key}\n")), "{text}");
    assert!(text.contains(&format!("\n      next: launch: flagline launch {key}\n")), "{text}");
}

fn page(folder: &Path, briefs: &[(PathBuf, Result<Brief, String>)], series: Option<&AllSeries>) -> String {
    let mirror = Mirror::default();
    let sources = Sources {
        briefs,
        plans: &BTreeMap::new(),
        mirror: &mirror,
        code: &CodeReads::default(),
        clean_ups: &BTreeMap::new(),
        waiting: &BTreeMap::new(),
        now: now(),
    };
    let status = status(&sources, &BTreeSet::new());
    let report = StatusReport { status: &status, environment: None, series, directory: folder, now: now() };
    let html = status_html(&report);
    check_page(&html);
    let text = anstream::adapter::strip_str(&status_text(&report)).to_string();
    // A key is whole, so that it can be copied.
    let is_key = |it: &str| it.trim().len() > 90 && !it.trim().contains(' ');
    assert!(text.lines().all(|it| it.chars().count() <= 100 || is_key(it)), "{text}");
    html
}

#[test]
fn pages_of_no_feature_of_one_and_of_many() {
    let brief = |n: usize| {
        let text = format!("key = \"feature-{n}\"\nname = \"Feature {n}\"\nowner = \"ada@offset.example\"\n");
        (PathBuf::from(format!("/app/.flagline/{n}.toml")), Brief::parse(&text))
    };
    for n in [0, 1, 500] {
        let briefs: Vec<_> = (0..n).map(brief).collect();
        let html = page(Path::new("/app"), &briefs, None);
        assert_eq!(html.matches("<article").count(), n);
        assert_eq!(html.contains("No brief lies in"), n == 0);
    }
}

#[test]
fn whatever_people_write_is_text() {
    let evil = "</title><script>alert(1)</script>\\\"'&amp;\\u202Eevil\\u0007 \u{1f381} مرحبا";
    let long = "x".repeat(400);
    let text = format!(
        "key = \"{long}\"\nname = \"{evil}\"\nplan = \"{evil}\"\n[[before_lifting]]\nwhat = \"{evil}\"\n[metric]\nname = \
         \"{evil}\"\nkind = \"trend\"\nevents = [\"{evil}\"]\n[outcome]\nverdict = \"failed\"\nmeasured = \"{evil}\"\n"
    );
    let brief = Brief::parse(&text).unwrap();
    let briefs = [
        (PathBuf::from("/app/.flagline/<b>.toml"), Ok(brief)),
        (PathBuf::from("/app/.flagline/\"'.toml"), Err("<script>".to_owned())),
    ];
    let series = AllSeries::unknown("<script>");
    let markdown = retrospective(Path::new("/app"), &briefs);
    assert!(!markdown.contains("<script") && !markdown.contains('\u{202e}'), "{markdown}");
    let html = page(Path::new("/app"), &briefs, Some(&series));
    assert!(!html.contains("<script") && !html.contains("<b>.toml") && !html.contains('\u{202e}'));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
}

// The command.

async fn told(posthog: &Posthog, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder, posthog);
    command.arg("status").args(arguments);
    run(command).await
}

#[tokio::test]
async fn the_table_tells_what_comes_next_wherever_one_stands() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, stdout, stderr) = told(&posthog, &folder.path().join("src"), &[]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    for words in [
        "Offset, flags as of just now: 7 features, 2 of them without a brief\n",
        "\nRunning\n",
        "  project-videos ",
        "before lifting: 1 of 2 done; open: Load test of the video service\n",
        "brief only, not launched",
        "launch: flagline launch team-calendar\n",
        "outcome: nailed, 41 % paid\n",
        "did you mean 'new-checkout'?\n",
        "  ../.flagline/broken.toml: line 2: no such key: nmae; did you mean name?\n",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    assert!(!stdout.contains('\x1b'), "{stdout:?}");
    let (code, stdout, _) = told(&posthog, folder.path(), &["dark-mode", "nowhere"]).await;
    assert!(code == 0 && stdout.contains("2 features") && !stdout.contains("project-videos"), "{stdout}");
}

#[tokio::test]
async fn what_waits_for_an_approval_says_so() {
    let (posthog, folder) = (Posthog::start().await, app());
    posthog.control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    let flag = posthog.flag("project-videos").await;
    let mut filters = flag["filters"].clone();
    filters["groups"][1]["rollout_percentage"] = 100.into();
    let path = format!("feature_flags/{}/", flag["id"]);
    assert_eq!(posthog.ask("PATCH", &path, json!({ "filters": filters })).await.0, 409);
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let waits = "people waits for an approval in PostHog (change request ";
    let (code, stdout, stderr) = told(&posthog, folder.path(), &["project-videos"]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    assert!(one_line(&stdout).contains(waits), "{stdout}");
    // A key that may not know of it says what it knows.
    posthog.scopes(&["feature_flag:read", "project:read", "query:read", "user:read"]).await;
    let (code, stdout, _) = told(&posthog, folder.path(), &["project-videos"]).await;
    assert!(code == 0 && stdout.contains("project-videos ") && !stdout.contains("approval"), "{stdout}");
}

#[tokio::test]
async fn all_that_is_wrong_in_a_brief_is_told() {
    let (posthog, folder) = (Posthog::start().await, app());
    let text = "key = \"broken\"\nnmae = \"Broken\"\nowner = \"ada\"\n";
    fs::write(folder.path().join(".flagline/broken.toml"), text).unwrap();
    let (_, stdout, _) = told(&posthog, folder.path(), &[]).await;
    let words: Vec<&str> = stdout.split_whitespace().collect();
    let all =
        "line 2: no such key: nmae; did you mean name?; line 3: expected an e-mail address, not \"ada\"";
    assert!(words.join(" ").contains(all), "{stdout}");
}

#[tokio::test]
async fn programs_get_series_when_they_ask() {
    let (posthog, folder) = (Posthog::start().await, app());
    let json = async |arguments: &[&str]| -> Value {
        let (code, stdout, _) = told(&posthog, folder.path(), arguments).await;
        assert_eq!(code, 0);
        serde_json::from_str(&stdout).unwrap()
    };
    let short = json(&["pricing-page", "--format", "json"]).await;
    assert_eq!((&short["days"], &short["features"][0]["series"]), (&Value::Null, &Value::Null));
    let n_queries = posthog.requests("POST /api/projects/:id/query/").await;
    let long = json(&["pricing-page", "--format", "json", "--series"]).await;
    assert_eq!(posthog.requests("POST /api/projects/:id/query/").await - n_queries, 3);
    let series = &long["features"][0]["series"];
    assert_eq!(long["days"].as_array().map(Vec::len), Some(14));
    let responses: Vec<&Value> =
        series["metric"].as_array().unwrap().iter().map(|it| &it["response"]).collect();
    assert_eq!(responses, ["control", "test"]);
    assert!(series["exposure"][0]["values"].as_array().unwrap().iter().any(|it| *it != 0), "{series:#}");
}

#[tokio::test]
async fn a_page_says_why_it_has_no_graphs() {
    for (scopes, fault, words) in [
        (Some("query:read"), json!([]), "It cannot be drawn: the API key is not allowed"),
        (
            None,
            json!([{ "kind": "status", "status": 402, "path_contains": "/query/" }]),
            "It cannot be drawn: this PostHog plan does not include it",
        ),
    ] {
        let (posthog, folder) = (Posthog::start().await, app());
        if let Some(scope) = scopes {
            let all = flagline::posthog::account::SCOPES.iter().map(|it| it.0).filter(|it| *it != scope);
            posthog.scopes(&all.collect::<Vec<_>>()).await;
        }
        posthog.faults(fault).await;
        let (code, html, stderr) = told(&posthog, folder.path(), &["--format", "html"]).await;
        assert_eq!((code, &*stderr), (0, ""));
        assert!(html.contains(words) && !html.contains("role=\"img\""), "{html}");
        check_page(&html);
    }
}

#[tokio::test]
async fn offline_the_copy_is_told_with_its_age() {
    let (posthog, folder) = (Posthog::start().await, app());
    told(&posthog, folder.path(), &[]).await;
    for arguments in [&["--offline"][..], &["--offline", "--format", "html"]] {
        let (code, stdout, _) = told(&posthog, folder.path(), arguments).await;
        assert!(code == 0 && stdout.contains("Videos of offsetting projects"), "{stdout}");
        assert!(stdout.to_lowercase().contains("flags as of "), "{stdout}");
    }
    posthog.faults(json!([{ "kind": "cut" }])).await;
    let (code, stdout, _) = told(&posthog, folder.path(), &[]).await;
    assert!(code == 0 && stdout.contains("40 %") && stdout.contains("cannot be reached"), "{stdout}");
    let (code, html, _) = told(&posthog, folder.path(), &["--format", "html"]).await;
    assert!(code == 0 && html.contains("It cannot be drawn: "), "{html}");
    check_page(&html);
}

#[tokio::test]
async fn signed_out_there_are_briefs_and_reads() {
    let folder = app();
    let mut command = flagline(folder.path());
    command.arg("status");
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 0);
    for words in [
        "not signed in to https://us.posthog.com: only briefs and reads are known",
        "\nNot loaded\n",
        "1 read\n",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    assert!(!stdout.contains("unknown"), "{stdout}");
}

#[tokio::test]
async fn a_retrospective_is_about_a_time() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, stdout, stderr) = told(&posthog, folder.path(), &["--since", "2w"]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    let videos = "### Videos of offsetting projects (`project-videos`)";
    assert!(stdout.starts_with("# ") && stdout.contains(videos), "{stdout}");
    let (code, same, _) = told(&posthog, folder.path(), &["--format", "markdown"]).await;
    assert_eq!((code, same), (0, stdout), "two weeks when nobody says otherwise");
    let (_, hour, _) = told(&posthog, folder.path(), &["--since", "1h", "old-banner"]).await;
    assert!(hour.contains("\nNothing happened: `old-banner`\n") && !hour.contains("## "), "{hour}");
    for refused in [["--format", "json"], ["--format", "text"], ["--format", "html"]] {
        let (code, _, stderr) =
            told(&posthog, folder.path(), &[&["--since", "2w"], &refused[..]].concat()).await;
        assert!(code == 2 && stderr.contains("which only markdown does"), "{stderr}");
    }
    let (code, _, stderr) = told(&posthog, folder.path(), &["--since", "soon"]).await;
    assert!(code == 2 && stderr.contains("expected a time like"), "{stderr}");
}

/// The conditions of the feature whose beta was stopped.
async fn stopped(posthog: &Posthog) -> Value {
    let mut filters = posthog.flag("project-videos").await["filters"].clone();
    let stage = filters["groups"].as_array_mut().unwrap().iter_mut();
    for it in stage.filter(|it| it["description"].as_str().is_some_and(|it| it.starts_with("2/4 beta"))) {
        it["description"] = "2/4 beta · stopped: 12 *exceptions*".into();
    }
    filters
}

#[tokio::test]
async fn a_retrospective_tells_what_a_stop_switched_off_among_what_was_stopped() {
    let (posthog, folder) = (Posthog::start().await, app());
    let stop = json!({ "active": false, "filters": stopped(&posthog).await });
    posthog.change(sandbox::API_KEY, "project-videos", stop).await;
    let (code, stdout, stderr) = told(&posthog, folder.path(), &["--since", "1h"]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    let day = flagline::analysis::day(Timestamp::now());
    for words in [
        "\n## Stopped or blocked\n\n### Videos of offsetting projects (`project-videos`)\n",
        &format!("\n- **Happened:** {day} switched off: 12 \\*exceptions\\*\n"),
        "\n- **Blocked by:** stopped: 12 \\*exceptions\\*; before lifting: ",
        "`flagline resume project-videos`\n",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
}

#[tokio::test]
async fn a_retrospective_tells_what_reached_everyone_and_what_was_stopped() {
    let (posthog, folder) = (Posthog::start().await, app());
    let everyone = json!({ "groups": [{ "properties": [], "rollout_percentage": 100 }] });
    posthog.change(sandbox::API_KEY, "gift-cards", json!({ "active": true, "filters": everyone })).await;
    let filters = stopped(&posthog).await;
    posthog.change(sandbox::API_KEY, "project-videos", json!({ "filters": filters })).await;
    let (code, stdout, stderr) = told(&posthog, folder.path(), &["--since", "1h"]).await;
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    let day = flagline::analysis::day(Timestamp::now());
    for words in [
        "\n## Reached everyone\n\n### Offsets as a present (`gift-cards`)\n",
        &format!("\n- **Happened:** {day} reached everyone\n"),
        "\n## Stopped or blocked\n\n### Videos of offsetting projects (`project-videos`)\n",
        &format!("\n- **Happened:** {day} stopped in beta: 12 \\*exceptions\\*\n"),
        "\n- **Blocked by:** stopped: 12 \\*exceptions\\*; before lifting: ",
        "`flagline resume project-videos`\n",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
}

#[tokio::test]
async fn settings_that_are_wrong_end_it() {
    let (posthog, folder) = (Posthog::start().await, app());
    fs::write(folder.path().join("flagline.toml"), "stale_days = \"x\"\n").unwrap();
    assert_eq!(told(&posthog, folder.path(), &[]).await.0, 2);
}

#[tokio::test]
async fn a_file_is_written_whole_and_opened() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, stdout, _) =
        told(&posthog, folder.path(), &["--format", "html", "--output", "status.html"]).await;
    let html = fs::read_to_string(folder.path().join("status.html")).unwrap();
    assert_eq!((code, &*stdout), (0, ""));
    check_page(&html);
    let (code, _, stderr) = told(&posthog, folder.path(), &["--open", "--format", "json"]).await;
    assert!(code == 2 && stderr.contains("--open shows a page"), "{stderr}");
    let (code, _, stderr) = told(&posthog, folder.path(), &["--output", "nowhere/status.txt"]).await;
    assert!(code == 2 && stderr.contains("nowhere/status.txt cannot be written"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_page_is_opened_by_the_desktop() {
    use std::os::unix::fs::PermissionsExt as _;
    let (posthog, folder) = (Posthog::start().await, app());
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let opener = programs.join("xdg-open");
    let opened = folder.path().join("opened");
    fs::write(&opener, format!("#!/bin/sh\nprintf %s \"$1\" >'{}'\n", opened.display())).unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["status", "--open"]).env("PATH", &programs);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stdout, &*stderr), (0, "", ""));
    let path = fs::read_to_string(&opened).unwrap();
    assert!(Path::new(&path).starts_with(folder.path().join(".cache/flagline/pages")), "{path}");
    check_page(&fs::read_to_string(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // Where nothing opens it, it says where the page is.
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["status", "--open"]).env("PATH", folder.path());
    let (code, _, stderr) = run(command).await;
    assert!(
        code == 0 && stderr.contains("xdg-open cannot be run") && stderr.contains("; the page is "),
        "{stderr}"
    );
}
