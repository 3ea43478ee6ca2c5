//! What an editor says of the feature at a point of its life: a real session, opened anew.

use std::time::Duration;

use flagline::lsp::client::Client;
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::bench::Bench;

/// The code that reads the feature.
pub fn code(key: &str) -> String {
    format!(
        "import posthog from 'posthog-js'\n\nexport const isOn = () => posthog.isFeatureEnabled('{key}')\n"
    )
}

/// The lenses of the brief that are about its rollout, and what hovering over the read says, once both are about `stage`.
pub async fn looks(bench: &Bench, key: &str, stage: &str) -> (Vec<String>, String) {
    let folder = bench.folder.path();
    std::fs::write(folder.join("app.ts"), code(key)).unwrap();
    let mut client = Client::start(Command::from(bench.command(&["lsp"]))).unwrap();
    let uri = |path: &str| Url::from_file_path(folder.join(path)).unwrap();
    let params = json!({
        "processId": null,
        "capabilities": { "textDocument": { "hover": { "contentFormat": ["plaintext"] } } },
        "workspaceFolders": [{ "uri": Url::from_file_path(folder).unwrap(), "name": "app" }],
    });
    client.request("initialize", params).await.unwrap();
    client.notify("initialized", json!({})).await.unwrap();
    let brief = format!(".flagline/{key}.toml");
    for (path, language) in [("app.ts", "typescript"), (brief.as_str(), "toml")] {
        let text = std::fs::read_to_string(folder.join(path)).unwrap();
        let document = json!({ "uri": uri(path), "languageId": language, "version": 1, "text": text });
        client.notify("textDocument/didOpen", json!({ "textDocument": document })).await.unwrap();
    }
    let hover =
        json!({ "textDocument": { "uri": uri("app.ts") }, "position": { "line": 2, "character": 58 } });
    let lens = json!({ "textDocument": { "uri": uri(&brief) } });
    let mut seen = (Vec::new(), String::new());
    for _ in 0..200 {
        let hovered = client.request("textDocument/hover", hover.clone()).await.unwrap();
        let lenses = client.request("textDocument/codeLens", lens.clone()).await.unwrap();
        let title = |it: &Value| it["command"]["title"].as_str().unwrap_or_default().to_owned();
        // Who follows is asked on its own, and comes when it comes.
        let titles = lenses.as_array().into_iter().flatten().map(title);
        let titles: Vec<String> = titles.filter(|it| !it.to_lowercase().contains("follow")).collect();
        seen = (titles, hovered["contents"]["value"].as_str().unwrap_or_default().to_owned());
        if seen.1.contains(stage) && seen.0.iter().any(|it| it.starts_with(stage)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    client.end().await.unwrap();
    seen
}
