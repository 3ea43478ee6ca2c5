//! `flagline clean` and the brief of the feature whose flag it removes: its outcome is written down before it goes.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::process::Command;

use flagline::sandbox::READ_KEY;
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{run, signed_in, tree};

const BRIEF: &str = ".flagline/checkout.toml";
const EPITAPH: &str = "Checkout in one step: nailed, 41 % paid. The flag 'new-checkout' is removed from the code, which keeps on.";

fn app() -> TempDir {
    let folder = tree(&[
        (
            "app.ts",
            "import posthog from 'posthog-js'\nexport const n = posthog.isFeatureEnabled('new-checkout') ? 1 : 2\n",
        ),
        (
            "more/other.ts",
            "import posthog from 'posthog-js'\nexport const m = posthog.isFeatureEnabled('new-checkout') ? 1 : 2\n",
        ),
        (
            BRIEF,
            "key = \"new-checkout\"\nname = \"Checkout in one step\"\n\n[outcome]\nverdict = \"nailed\"\nmeasured = \"41 % paid\"\n",
        ),
        (".flagline/other.toml", "key = \"other\"\n"),
    ]);
    git(folder.path(), &["init", "--quiet"]);
    folder
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@offset.example"]).args(arguments);
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn clean(posthog: &Posthog, folder: &Path, arguments: &[&str]) -> String {
    let mut command = signed_in(folder, posthog);
    command.args(["clean", "new-checkout", "--keep", "on", "--write", "--yes"]).args(arguments);
    for (name, value) in [("GIT_AUTHOR_NAME", "Ada"), ("GIT_COMMITTER_NAME", "Ada")] {
        command.env(name, value);
    }
    for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
        command.env(name, "ada@offset.example");
    }
    run(command).await.2
}

async fn written_down(posthog: &Posthog) -> Vec<Value> {
    let list = posthog.get("annotations/").await;
    list["results"].as_array().unwrap().iter().map(|it| it["content"].clone()).collect()
}

#[tokio::test]
async fn the_brief_goes_with_the_last_read_and_its_outcome_stays() {
    let (posthog, folder) = (Posthog::start().await, app());
    // Another place still reads it.
    let stderr = clean(&posthog, folder.path(), &["more"]).await;
    assert!(stderr.contains(".flagline/checkout.toml stays: code still reads 'new-checkout'"), "{stderr}");
    assert!(folder.path().join(BRIEF).exists() && written_down(&posthog).await.is_empty());

    let stderr = clean(&posthog, folder.path(), &[]).await;
    assert!(
        stderr.contains(".flagline/checkout.toml is deleted; its outcome stands on the project's graphs"),
        "{stderr}"
    );
    assert!(!folder.path().join(BRIEF).exists() && folder.path().join(".flagline/other.toml").exists());
    assert_eq!(written_down(&posthog).await, [json!(EPITAPH)]);
}

#[tokio::test]
async fn a_commit_takes_the_brief_along_and_nothing_is_written_down_twice() {
    let (posthog, folder) = (Posthog::start().await, app());
    posthog.ask("POST", "annotations/", json!({ "content": EPITAPH, "scope": "project" })).await;
    git(folder.path(), &["add", "--all"]);
    git(folder.path(), &["commit", "--quiet", "-m", "All"]);
    clean(&posthog, folder.path(), &["--commit"]).await;
    let changed = git(folder.path(), &["show", "--name-status", "--format=", "HEAD"]);
    assert_eq!(changed, "D\t.flagline/checkout.toml\nM\tapp.ts\nM\tmore/other.ts\n");
    assert_eq!(git(folder.path(), &["status", "--porcelain"]), "");
    assert_eq!(written_down(&posthog).await, [json!(EPITAPH)]);
}

#[tokio::test]
async fn a_brief_stays_where_its_outcome_cannot_be_written_down() {
    let posthog = Posthog::start().await;
    for (offline, words) in [(true, "--offline asks nobody"), (false, "annotation:write")] {
        let folder = app();
        let mut command = signed_in(folder.path(), &posthog);
        command.env("FLAGLINE_API_KEY", READ_KEY);
        command.args(["clean", "new-checkout", "--keep", "on", "--write", "--yes"]);
        command.args(offline.then_some("--offline"));
        let (code, _, stderr) = run(command).await;
        assert!(code == 0 && stderr.contains(words), "{stderr}");
        assert!(folder.path().join(BRIEF).exists());
        let cleaned = std::fs::read_to_string(folder.path().join("app.ts")).unwrap();
        assert_eq!(cleaned, "export const n = 1\n");
    }
    let folder = app();
    std::fs::write(folder.path().join(BRIEF), "key = \"new-checkout\"\n[outcome]\nverdict = \"great\"\n")
        .unwrap();
    let stderr = clean(&posthog, folder.path(), &[]).await;
    assert!(stderr.contains("the brief of 'new-checkout' stays: ") && stderr.contains("nailed"), "{stderr}");
    assert!(folder.path().join(BRIEF).exists());
}
