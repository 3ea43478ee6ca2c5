//! Rollouts in an editor: what is told at the brief and where code reads the flag, what can be done about it, and what
//! hover says is pending.

#![cfg(test)]

mod support;

use flagline::sandbox;
use serde_json::json;
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "posthog.isFeatureEnabled('project-videos')\n";
const BRIEF: &str = ".flagline/project-videos.toml";
const TOML: &str = include_str!("../fixtures/status/briefs/project-videos.toml");

async fn opened(posthog: &Posthog) -> Editor {
    let mut editor = Start::new(&[(BRIEF, TOML)]).signed_in(posthog).start().await;
    editor.open(APP, CODE).await;
    editor.open(BRIEF, TOML).await;
    editor
}

#[tokio::test]
async fn a_rollout_that_waits_and_one_that_is_stopped() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog).await;
    let ready = "gate-ready: 'project-videos' waits for a person's go: beta at 100 % (";
    editor.warned(BRIEF, &[ready]).await;
    editor.warned(APP, &[ready]).await;
    for path in [APP, BRIEF] {
        let action = editor.action(path, "project-videos", "Promote 'project-videos' to 100 %").await;
        assert_eq!(action["command"]["command"], "flagline.promote", "{action:#}");
        let hover = editor.hover_until(path, "project-videos", "by a person's go").await;
        assert!(hover.contains("beta 40 % → 100 %"), "{hover}");
    }
    let action = editor.action(APP, "project-videos", "Promote 'project-videos' to 100 %").await;
    assert_eq!(
        (&action["kind"], &action["diagnostics"][0]["code"]),
        (&json!("quickfix"), &json!("gate-ready"))
    );
    // Somebody else stops it.
    let mut filters = posthog.flag("project-videos").await["filters"].clone();
    filters["groups"][1]["description"] = "2/4 beta · stopped: too slow".into();
    filters["groups"][1]["rollout_percentage"] = 0.into();
    posthog.change(sandbox::GRACE_KEY, "project-videos", json!({ "filters": filters })).await;
    editor.ignore("window/showMessage");
    editor.ignore("window/logMessage");
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    let stopped = ", by Grace); to go on: flagline resume project-videos";
    editor.warned(BRIEF, &[stopped]).await;
    editor.warned(APP, &[stopped]).await;
    for path in [APP, BRIEF] {
        let action = editor.action(path, "project-videos", "Resume 'project-videos' at beta").await;
        assert_eq!(action["command"]["command"], "flagline.resume", "{action:#}");
    }
    // Briefs that lie elsewhere say nothing here, and nothing here lifts a stop.
    std::fs::remove_file(editor.root().join(BRIEF)).unwrap();
    editor.close(BRIEF).await;
    editor.watched(BRIEF, 3).await;
    editor.warned(BRIEF, &[]).await;
    editor.warned(APP, &["too slow; it goes on with `flagline resume`, where its brief is"]).await;
    let actions = editor.actions(APP, "project-videos").await;
    assert!(actions.iter().all(|it| it["title"] != "Resume 'project-videos' at beta"), "{actions:#?}");
    editor.finish().await;
}
