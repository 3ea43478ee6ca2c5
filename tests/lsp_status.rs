//! `flagline.status`: the page of all features, from an editor.

#![cfg(test)]

mod support;

use serde_json::json;
use support::{Posthog, Start};

const CODE: &str =
    "import posthog from 'posthog-js'\nexport const a = posthog.isFeatureEnabled('project-videos')\n";

#[tokio::test]
async fn the_page_is_written_and_shown() {
    let posthog = Posthog::start().await;
    let brief = (".flagline/videos.toml", "key = \"project-videos\"\nname = \"Videos of projects\"\n");
    let mut editor = Start::new(&[("app.ts", CODE), brief]).signed_in(&posthog).start().await;
    // The flag goes by another plan than the brief, which is told beside this.
    editor.ignore("textDocument/publishDiagnostics");
    editor.open("app.ts", CODE).await;
    editor.hover_until("app.ts", "project-videos", "beta").await;
    let command = json!({ "command": "flagline.status", "arguments": [{ "uri": editor.uri("app.ts") }] });
    editor.execute(&command).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    assert_eq!(shown["external"], true);
    let page: url::Url = shown["uri"].as_str().unwrap().parse().unwrap();
    let html = std::fs::read_to_string(page.to_file_path().unwrap()).unwrap();
    assert!(html.contains("Videos of projects") && html.contains("2/4 beta, 40 %"), "{html}");
    // An editor that cannot show it is told where it is.
    editor.execute(&json!({ "command": "flagline.status" })).await;
    editor.answer("window/showDocument", json!({ "success": false })).await;
    assert!(editor.told().await.ends_with(".html"));
    editor.finish().await;
}
