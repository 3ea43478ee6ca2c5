//! What a run would decide, and what status and check say of the same rollout: the same, whatever its flag looks like.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use flagline::sandbox;
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{run, signed_in, tree};

const KEY: &str = "project-videos";
const BRIEF: &str = include_str!("../fixtures/status/briefs/project-videos.toml");
const CODE: &str = "\
import posthog from 'posthog-js'

export const videos = posthog.isFeatureEnabled('project-videos')
";

fn app() -> TempDir {
    let folder = tree(&[("src/app.ts", CODE), (".flagline/project-videos.toml", BRIEF)]);
    fs::create_dir(folder.path().join(".git")).unwrap();
    folder
}

/// What a command says, as JSON; what an earlier one kept is forgotten.
async fn said(posthog: &Posthog, folder: &Path, arguments: &[&str]) -> Value {
    drop(fs::remove_dir_all(folder.join(".cache")));
    let mut command = signed_in(folder, posthog);
    command.args(arguments).args(["--format", "json"]);
    let (_, stdout, stderr) = run(command).await;
    serde_json::from_str(&stdout).unwrap_or_else(|it| panic!("{arguments:?}: {it}\n{stdout}{stderr}"))
}

/// Changes the conditions of the flag by their descriptions.
async fn change(posthog: &Posthog, edit: impl Fn(&str, &mut Value)) {
    let mut filters = posthog.flag(KEY).await["filters"].clone();
    for group in filters["groups"].as_array_mut().unwrap() {
        let description = group["description"].as_str().unwrap_or_default().to_owned();
        edit(&description, group);
    }
    posthog.change(sandbox::API_KEY, KEY, json!({ "filters": filters })).await;
}

/// The verdict, and the codes that check tells at the brief and at the read.
async fn agreed(posthog: &Posthog, folder: &Path) -> (String, Vec<String>) {
    let run = said(posthog, folder, &["rollout", "run", "--dry-run"]).await["features"][0].clone();
    let status = said(posthog, folder, &["status", KEY]).await["features"][0].clone();
    let forecast = &status["forecast"];
    for part in ["verdict", "details"] {
        assert_eq!(forecast[part], run[part], "{part}: {status:#}\n{run:#}");
    }
    assert_eq!(forecast["evidence"]["people"], run["people"], "{status:#}\n{run:#}");
    let check = said(posthog, folder, &["check"]).await;
    let told = check["findings"].as_array().unwrap().iter().map(|it| {
        let text = |name: &str| it[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("path"), text("severity"), text("code"))
    });
    (run["verdict"].as_str().unwrap().to_owned(), told.collect())
}

#[tokio::test]
async fn status_and_check_say_what_a_run_would_decide() {
    let (posthog, folder) = (Posthog::start().await, app());
    let at = folder.path();
    let verdict = |verdict: &str, told: &[&str]| {
        let brief =
            |it: &&str| it.strip_prefix("brief ").map(|it| format!(".flagline/project-videos.toml {it}"));
        let read = |it: &&str| it.strip_prefix("read ").map(|it| format!("src/app.ts {it}"));
        (verdict.to_owned(), told.iter().filter_map(|it| brief(it).or_else(|| read(it))).collect::<Vec<_>>())
    };
    // As it is in the sandbox: a stage whose steps a person takes.
    let expected = verdict("asks", &["brief information gate-ready", "read hint gate-ready"]);
    assert_eq!(agreed(&posthog, at).await, expected);
    // The whole stage, which is not met by enough people so far.
    change(&posthog, |name, group| {
        if name.starts_with("2/4") {
            group["rollout_percentage"] = 100.into();
        }
    })
    .await;
    assert_eq!(agreed(&posthog, at).await, verdict("waits", &[]));
    // A key that may not ask.
    let all = flagline::posthog::account::SCOPES.iter().map(|it| it.0).filter(|it| *it != "query:read");
    posthog.scopes(&all.collect::<Vec<_>>()).await;
    assert_eq!(agreed(&posthog, at).await, verdict("waits", &[]));
    posthog.scopes(&["*"]).await;
    // Somebody closes what lies behind.
    change(&posthog, |name, group| {
        if name.starts_with("1/4") {
            group["rollout_percentage"] = 50.into();
        }
    })
    .await;
    assert_eq!(agreed(&posthog, at).await, verdict("rests", &["brief warning plan-drift"]));
    // Somebody opens a stage to others.
    change(&posthog, |name, group| {
        if name.starts_with("1/4") {
            group["rollout_percentage"] = 100.into();
            group["properties"] = json!([{ "key": "email", "type": "person", "operator": "exact", "value": ["bob@else.example"] }]);
        }
    })
    .await;
    assert_eq!(agreed(&posthog, at).await, verdict("rests", &["brief warning plan-drift"]));
}

#[tokio::test]
async fn a_stop_is_told_with_who_and_why_and_what_is_scheduled_against_it() {
    let (posthog, folder) = (Posthog::start().await, app());
    let at = folder.path();
    change(&posthog, |name, group| {
        if name.starts_with("2/4") {
            group["description"] = "2/4 beta · stopped: 12 \u{1b}[31mexceptions".into();
            group["rollout_percentage"] = 0.into();
        }
    })
    .await;
    let (verdict, told) = agreed(&posthog, at).await;
    assert_eq!(verdict, "rests");
    let expected = [
        ".flagline/project-videos.toml information rollout-stopped",
        "src/app.ts information rollout-stopped",
    ];
    assert_eq!(told, expected);
    let mut command = signed_in(at, &posthog);
    command.arg("check");
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stderr), (0, ""), "a stop makes no build fail: {stdout}");
    let today = flagline::analysis::day(jiff::Timestamp::now());
    for words in [
        "'project-videos' was stopped at beta: 12 ".to_owned(),
        format!("({today}, by Ada)"),
        "to go on: flagline resume project-videos".to_owned(),
        ".flagline/project-videos.toml:1:7".to_owned(),
    ] {
        assert!(stdout.contains(&words), "no {words:?} in {stdout}");
    }
    assert!(!stdout.contains('\u{1b}'), "{stdout:?}");
    // Without the network: as it was.
    let offline = |arguments: &[&str]| {
        let mut command = signed_in(at, &posthog);
        command.args(arguments).arg("--offline");
        run(command)
    };
    let (_, stdout, _) = offline(&["status", KEY]).await;
    assert!(stdout.contains("stopped: beta, on ") && stdout.contains("go on: flagline"), "{stdout}");
}
