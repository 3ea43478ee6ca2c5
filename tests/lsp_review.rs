//! A feature whose review is due, in an editor: it is told, shown, and a person's word is written down.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "posthog.isFeatureEnabled('new-checkout')\n";
const BRIEF: &str = ".flagline/new-checkout.toml";
const TEXT: &str = "\
key = \"new-checkout\" # the short one
name = \"Checkout in one step\"

[metric]
kind = \"trend\"
events = [\"purchase\"]
count = \"people\"
target = 5
";
const DUE: &str = "review-due: the review of 'new-checkout' was due on ";

async fn opened(posthog: &Posthog, text: &str) -> Editor {
    let mut editor = Start::new(&[(BRIEF, text)]).signed_in(posthog).start().await;
    editor.open(APP, CODE).await;
    editor.open(BRIEF, text).await;
    // What is told of the code is not looked at here.
    editor.ignore("textDocument/publishDiagnostics");
    editor
}

async fn lenses(editor: &mut Editor) -> Vec<Value> {
    let params = json!({ "textDocument": { "uri": editor.uri(BRIEF) } });
    let found = editor.request("textDocument/codeLens", params).await;
    found.as_array().unwrap().iter().map(|it| it["command"].clone()).collect()
}

async fn notes(posthog: &Posthog) -> Vec<String> {
    let list = posthog.get("annotations/").await;
    let notes = list["results"].as_array().unwrap().iter();
    notes.map(|it| it["content"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_review_that_is_due_is_told_shown_and_written_down() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, TEXT).await;
    editor.warned(BRIEF, &[DUE]).await;
    let lenses = lenses(&mut editor).await;
    let review = lenses.iter().find(|it| it["title"] == "review").unwrap_or_else(|| panic!("{lenses:#?}"));
    assert_eq!(review["command"], "flagline.review");
    let action = editor.action(BRIEF, "new-checkout", "Review feature 'new-checkout'").await;
    editor.execute(&action["command"]).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    let page = shown["uri"].as_str().unwrap().strip_prefix("file://").unwrap().to_owned();
    let text = std::fs::read_to_string(page).unwrap();
    for words in [
        "Checkout in one step (new-checkout), in Offset\n",
        "purchase: at least 5 people a week for each hundred\n",
        "  met it ",
        "\nTarget 5: ",
        "\nFlag: http://",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // The numbers again, then a word.
    let question = editor.answer("window/showMessageRequest", json!({ "title": "Show Numbers" })).await;
    assert!(question["message"].as_str().unwrap().ends_with("What came of it?"), "{question}");
    editor.answer("window/showDocument", json!({ "success": true })).await;
    editor.answer("window/showMessageRequest", json!({ "title": "Nailed" })).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert!(asked.to_string().contains("[outcome]\\nverdict = \\\"nailed\\\"\\nmeasured = "), "{asked}");
    let told = editor.told().await;
    assert!(told.contains("It stands in its brief, and on the graphs of Offset."), "{told}");
    let notes = notes(&posthog).await;
    assert!(notes.iter().any(|it| it.starts_with("Checkout in one step: nailed, ")), "{notes:?}");
    editor.finish().await;
}

#[tokio::test]
async fn one_that_somebody_leaves_open_or_that_is_over_changes_nothing() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, TEXT).await;
    editor.warned(BRIEF, &[DUE]).await;
    let before = notes(&posthog).await;
    let argument = json!({ "key": "new-checkout", "uri": editor.uri(BRIEF) });
    editor.execute(&json!({ "command": "flagline.review", "arguments": [argument] })).await;
    editor.answer("window/showDocument", json!({ "success": true })).await;
    editor.answer("window/showMessageRequest", json!(null)).await;
    // With its outcome it is over.
    editor.rewrite(BRIEF, &format!("{TEXT}[outcome]\nverdict = \"failed\"\n")).await;
    editor.warned(BRIEF, &[]).await;
    assert!(lenses(&mut editor).await.iter().all(|it| it["title"] != "review"));
    // What runs cannot be reviewed.
    editor.write(".flagline/project-videos.toml", "key = \"project-videos\"\n");
    let argument = json!({ "key": "project-videos", "uri": editor.uri(APP) });
    editor.execute(&json!({ "command": "flagline.review", "arguments": [argument] })).await;
    let told = editor.told().await;
    assert!(told.contains("'project-videos' is not reviewed: it is still on its way (2/4 beta"), "{told}");
    assert_eq!(notes(&posthog).await, before);
    editor.finish().await;
}
