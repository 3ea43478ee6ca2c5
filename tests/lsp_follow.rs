//! Following a flag from an editor: who is asked for, what is made, and the lens that counts.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const BRIEF: &str = "key = \"project-videos\"\n\n[notify]\nslack = \"#releases\"\n";
const PATH: &str = ".flagline/project-videos.toml";
const APP: &str = "app.ts";
const CODE: &str = "import posthog from 'posthog-js'\nposthog.isFeatureEnabled('new-checkout')\n";

async fn opened(posthog: &Posthog, adapt: impl FnOnce(Start) -> Start) -> Editor {
    let start = adapt(Start::new(&[(PATH, BRIEF), (APP, CODE)]).signed_in(posthog));
    let mut editor = start.start().await;
    editor.ignore("textDocument/publishDiagnostics");
    editor.open(PATH, BRIEF).await;
    editor
}

/// What the lens about following says, once it says something that is wanted.
async fn lens(editor: &mut Editor, wanted: &str) -> Value {
    let at = json!({ "textDocument": { "uri": editor.uri(PATH) } });
    let mut lenses = Value::Null;
    for _ in 0..500 {
        lenses = editor.request("textDocument/codeLens", at.clone()).await;
        let found = lenses.as_array().into_iter().flatten().find(|it| it["command"]["title"] == wanted);
        if let Some(found) = found {
            return found["command"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no {wanted:?} in {lenses:#}");
}

async fn functions(posthog: &Posthog) -> Vec<Value> {
    let listed = posthog.get("hog_functions/?types=destination,internal_destination").await;
    listed["results"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_lens_of_a_brief_lets_a_channel_follow_and_counts() {
    let posthog = Posthog::start().await;
    let mut editor =
        opened(&posthog, |it| it.env("FLAGLINE_WEBHOOK_DEPLOYS", "https://chat.example/s3cret")).await;
    let command = lens(&mut editor, "Follow").await;
    editor.execute(&command).await;
    let asked = editor.answer("window/showMessageRequest", json!({ "title": "#releases" })).await;
    let titles: Vec<&str> =
        asked["actions"].as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["#releases", "#alerts", "webhook deploys"], "the brief's channel stands first");
    assert_eq!(asked["message"], "Flagline: Who is told from now on what happens to 'project-videos'?");
    assert_eq!(
        editor.told().await,
        "Flagline: #releases follows: Offset tells it what happens to 'project-videos'."
    );
    let command = lens(&mut editor, "1 follower · follow").await;
    editor.execute(&command).await;
    editor.answer("window/showMessageRequest", json!({ "title": "webhook deploys" })).await;
    let told = editor.told().await;
    assert!(told.starts_with("Flagline: the webhook deploys follows") && !told.contains("s3cret"), "{told}");
    lens(&mut editor, "2 followers · follow").await;
    let argument = json!({ "key": "project-videos", "uri": editor.uri(PATH) });
    editor.execute(&json!({ "command": "flagline.unfollow", "arguments": [argument] })).await;
    let asked = editor.answer("window/showMessageRequest", json!({ "title": "#releases" })).await;
    assert_eq!(asked["actions"], json!([{ "title": "#releases" }, { "title": "the webhook deploys" }]));
    let told = editor.told().await;
    assert!(told.contains("#releases does not follow 'project-videos' any more (messages)."), "{told}");
    assert!(told.contains("Its brief still names it"), "{told}");
    lens(&mut editor, "1 follower · follow").await;
    assert_eq!(functions(&posthog).await.len(), 1);
    editor.finish().await;
}

#[tokio::test]
async fn a_webhook_that_the_brief_tells_already_is_not_offered() {
    let posthog = Posthog::start().await;
    let brief = format!("{BRIEF}webhook = \"deploys\"\n");
    let start = Start::new(&[(PATH, &brief)]).signed_in(&posthog);
    let mut editor = start.env("FLAGLINE_WEBHOOK_DEPLOYS", "https://chat.example/s3cret").start().await;
    editor.ignore("textDocument/publishDiagnostics");
    editor.open(PATH, &brief).await;
    let command = lens(&mut editor, "Follow").await;
    editor.execute(&command).await;
    let asked = editor.answer("window/showMessageRequest", Value::Null).await;
    assert_eq!(asked["actions"], json!([{ "title": "#releases" }, { "title": "#alerts" }]));
    let argument = json!({ "key": "project-videos", "webhook": "deploys", "uri": editor.uri(PATH) });
    editor.execute(&json!({ "command": "flagline.follow", "arguments": [argument] })).await;
    let told = editor.told().await;
    let words = "nobody new follows 'project-videos': the brief of 'project-videos' has the webhook deploys told already";
    assert!(told.contains(words), "{told}");
    editor.finish().await;
}

#[tokio::test]
async fn a_client_with_a_list_of_its_own_is_asked_by_that() {
    let posthog = Posthog::start().await;
    let declared = json!({ "flagline": { "pick": true } });
    let mut editor = opened(&posthog, |it| it.capability("/experimental", declared)).await;
    editor.open(APP, CODE).await;
    lens(&mut editor, "Follow").await;
    let action = editor.action(APP, "new-checkout", "Follow 'new-checkout'").await;
    editor.execute(&action["command"]).await;
    // A flag without a brief has changes and no messages.
    let asked = editor.answer("flagline/pick", json!(0)).await;
    assert!(asked["title"].as_str().unwrap().starts_with("'new-checkout' has no brief"), "{asked}");
    assert_eq!(asked["items"][0], json!({ "label": "#alerts", "description": "" }));
    assert_eq!(
        editor.told().await,
        "Flagline: #alerts follows: Offset tells it every change of 'new-checkout'."
    );
    editor.execute(&action["command"]).await;
    let asked = editor.answer("flagline/pick", json!(null)).await;
    assert_eq!(asked["items"][0], json!({ "label": "#alerts", "description": "follows already" }));
    let made = functions(&posthog).await;
    assert_eq!((made.len(), &made[0]["type"]), (1, &json!("internal_destination")));
    // What is named is not asked for.
    let argument = json!({ "key": "project-videos", "slack": "#nowhere", "uri": editor.uri(APP) });
    editor.execute(&json!({ "command": "flagline.follow", "arguments": [argument] })).await;
    let told = editor.told().await;
    assert!(told.contains("nobody new follows 'project-videos': Slack has no channel #nowhere"), "{told}");
    editor.finish().await;
}

#[tokio::test]
async fn what_somebody_disabled_is_enabled_only_when_that_is_agreed_to() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    lens(&mut editor, "Follow").await;
    let argument = json!({ "key": "project-videos", "slack": "releases", "uri": editor.uri(PATH) });
    let follow = json!({ "command": "flagline.follow", "arguments": [argument] });
    editor.execute(&follow).await;
    editor.told().await;
    let path = format!("hog_functions/{}/", functions(&posthog).await[0]["id"].as_str().unwrap());
    posthog.ask("PATCH", &path, json!({ "enabled": false })).await;
    editor.execute(&follow).await;
    editor.answer("window/showMessageRequest", json!(null)).await;
    editor.execute(&follow).await;
    assert_eq!(posthog.get(&path).await["enabled"], false);
    editor.answer("window/showMessageRequest", json!({ "title": "Enable Again" })).await;
    assert!(editor.told().await.contains("#releases follows again"));
    assert_eq!(posthog.get(&path).await["enabled"], true);
    editor.finish().await;
}
