//! `flagline demo`: a sandbox, the sample app, and a session with this very binary as its language server, as an
//! editor holds one.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use similar::TextDiff;
use tokio::process::Command;
use url::Url;

use super::print;
use crate::lsp::client::Client;
use crate::sandbox::{self, Options, Sandbox};

/// The sample app, as it stands in `fixtures/`.
const APP: [(&str, &str); 4] = [
    ("src/Checkout.tsx", include_str!("../../fixtures/sample-app/src/Checkout.tsx")),
    ("src/Banner.tsx", include_str!("../../fixtures/sample-app/src/Banner.tsx")),
    ("src/theme.ts", include_str!("../../fixtures/sample-app/src/theme.ts")),
    ("server/gifts.py", include_str!("../../fixtures/sample-app/server/gifts.py")),
];

pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let sandbox = Sandbox::start(Options::default()).await?;
    let folder = Folder::new()?;
    print(&format!("A sandbox that answers like PostHog runs at {}\n", sandbox.url()))?;
    let mut editor = Editor::start(&folder.path, sandbox.url()).await?;

    heading("Hover over 'new-checkout' in src/Checkout.tsx")?;
    print(&indented(&editor.hover("src/Checkout.tsx", "new-checkout").await?))?;
    heading("Hover over 'project-videos'")?;
    print(&indented(&editor.hover("src/Checkout.tsx", "project-videos").await?))?;

    heading("Warnings")?;
    for (path, _) in APP {
        print(&editor.warnings(path)?)?;
    }

    heading("Code action on 'gift-wrapping' in server/gifts.py: Create feature")?;
    print(&indented(&editor.create("server/gifts.py", "gift-wrapping").await?))?;
    heading("The warning is gone, and hover knows the flag")?;
    print(&indented(&editor.hover("server/gifts.py", "gift-wrapping").await?))?;

    heading("Code action on 'new-checkout' in src/Checkout.tsx: Remove flag")?;
    print(&editor.remove("src/Checkout.tsx", "new-checkout").await?)?;

    editor.client.end().await?;
    Ok(ExitCode::SUCCESS)
}

fn heading(text: &str) -> anyhow::Result<()> {
    print(&format!("\n── {text}\n\n"))
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("  {it}\n")).collect()
}

/// A copy of the sample app that vanishes in the end.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("flagline-demo-{}", std::process::id()));
        for (file, text) in APP {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            std::fs::write(file, text)?;
        }
        Ok(Folder { path: path.canonicalize()? })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// What an editor does, without its windows.
struct Editor {
    client: Client,
    folder: PathBuf,
    diagnostics: Vec<(String, Vec<Value>)>,
}

impl Editor {
    async fn start(folder: &Path, host: &str) -> anyhow::Result<Editor> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("lsp")
            .env("FLAGLINE_HOST", host)
            .env("FLAGLINE_API_KEY", sandbox::API_KEY)
            .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string())
            // The demo leaves nothing behind, not in the cache folder either.
            .env("XDG_CACHE_HOME", folder.join(".cache"))
            .stderr(Stdio::null());
        let mut editor =
            Editor { client: Client::start(command)?, folder: folder.to_owned(), diagnostics: Vec::new() };
        let capabilities = json!({
            "textDocument": {
                "hover": { "contentFormat": ["plaintext"] },
                "codeAction": { "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } } },
            },
        });
        let params = json!({
            "processId": std::process::id(),
            "capabilities": capabilities,
            "workspaceFolders": [{ "uri": editor.uri("")?, "name": "sample-app" }],
        });
        editor.client.request("initialize", params).await?;
        editor.client.notify("initialized", json!({})).await?;
        for (path, text) in APP {
            let language = if path.ends_with(".py") { "python" } else { "typescriptreact" };
            let document =
                json!({ "uri": editor.uri(path)?, "languageId": language, "version": 1, "text": text });
            editor.client.notify("textDocument/didOpen", json!({ "textDocument": document })).await?;
        }
        editor.settle().await?;
        Ok(editor)
    }

    /// Waits until flags, histories and exposure are there and every file has its warnings.
    async fn settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..200 {
            self.read_diagnostics().await;
            let silent = self.hover("src/theme.ts", "dark-mode").await?;
            let videos = self.hover("src/Checkout.tsx", "project-videos").await?;
            let warned = |path: &str| self.diagnostics.iter().any(|it| it.0 == path && !it.1.is_empty());
            let all = ["src/Checkout.tsx", "src/Banner.tsx", "src/theme.ts", "server/gifts.py"]
                .into_iter()
                .all(warned);
            if all && silent.contains("Nobody in the last") && videos.contains("People in the last") {
                return Ok(());
            }
        }
        bail!(
            "the language server did not get to know the sandbox; FLAGLINE_LOG=debug flagline lsp tells more"
        )
    }

    async fn read_diagnostics(&mut self) {
        for message in self.client.unread().await {
            if message["method"] != "textDocument/publishDiagnostics" {
                continue;
            }
            let uri = message["params"]["uri"].as_str().unwrap_or_default();
            let path = APP.iter().map(|it| it.0).find(|it| uri.ends_with(it)).unwrap_or_default().to_owned();
            let found = message["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
            self.diagnostics.retain(|it| it.0 != path);
            self.diagnostics.push((path, found));
        }
    }

    async fn hover(&mut self, path: &str, key: &str) -> anyhow::Result<String> {
        let params =
            json!({ "textDocument": { "uri": self.uri(path)? }, "position": position(text(path)?, key)? });
        let hover = self.client.request("textDocument/hover", params).await?;
        Ok(hover["contents"]["value"].as_str().unwrap_or_default().to_owned())
    }

    /// The warnings of a file under their lines, as an editor underlines them.
    fn warnings(&self, path: &str) -> anyhow::Result<String> {
        let text = text(path)?;
        let found =
            self.diagnostics.iter().find(|it| it.0 == path).map(|it| it.1.as_slice()).unwrap_or_default();
        let mut result = String::new();
        for it in found {
            let (start, end) = (&it["range"]["start"], &it["range"]["end"]);
            let line = start["line"].as_u64().unwrap_or_default() as usize;
            let from = start["character"].as_u64().unwrap_or_default() as usize;
            let carets = (end["character"].as_u64().unwrap_or_default() as usize).saturating_sub(from).max(1);
            let (code, message) =
                (it["code"].as_str().unwrap_or_default(), it["message"].as_str().unwrap_or_default());
            let source = text.lines().nth(line).unwrap_or_default();
            result.push_str(&format!(
                "  {path}:{}:{}\n  │ {source}\n  │ {}{} {code}: {message}\n\n",
                line + 1,
                from + 1,
                " ".repeat(from),
                "^".repeat(carets)
            ));
        }
        Ok(result)
    }

    async fn actions(&mut self, path: &str, key: &str) -> anyhow::Result<Vec<Value>> {
        let at = position(text(path)?, key)?;
        let params = json!({
            "textDocument": { "uri": self.uri(path)? },
            "range": { "start": at, "end": at },
            "context": { "diagnostics": [] },
        });
        let actions = self.client.request("textDocument/codeAction", params).await?;
        Ok(actions.as_array().cloned().unwrap_or_default())
    }

    async fn action(&mut self, path: &str, key: &str, title: &str) -> anyhow::Result<Value> {
        let actions = self.actions(path, key).await?;
        let found = actions.iter().find(|it| it["title"].as_str().is_some_and(|it| it.starts_with(title)));
        found.cloned().with_context(|| format!("no action {title:?} on {key}; there are {actions:?}"))
    }

    async fn create(&mut self, path: &str, key: &str) -> anyhow::Result<String> {
        let action = self.action(path, key, "Create feature").await?;
        self.client.request("workspace/executeCommand", action["command"].clone()).await?;
        let told = self.client.expect("window/showMessage").await?;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !self.hover(path, key).await?.contains("unknown") {
                break;
            }
        }
        Ok(told["message"].as_str().unwrap_or_default().replace(": flag ", ":\nflag ").replace(" · ", "\n"))
    }

    async fn remove(&mut self, path: &str, key: &str) -> anyhow::Result<String> {
        let action = self.action(path, key, "Remove flag").await?;
        let edits = action["edit"]["changes"][self.uri(path)?.as_str()].as_array().cloned();
        let before = text(path)?;
        let mut after = before.to_owned();
        for edit in edits.context("the removal has no edits")?.iter().rev() {
            let range = offset(before, &edit["range"]["start"])..offset(before, &edit["range"]["end"]);
            after.replace_range(range, edit["newText"].as_str().unwrap_or_default());
        }
        Ok(TextDiff::from_lines(before, &after).unified_diff().header(path, path).to_string())
    }

    fn uri(&self, path: &str) -> anyhow::Result<Url> {
        match Url::from_file_path(self.folder.join(path)) {
            Ok(uri) => Ok(uri),
            Err(()) => bail!("{} is no absolute path", self.folder.display()),
        }
    }
}

fn text(path: &str) -> anyhow::Result<&'static str> {
    APP.iter().find(|it| it.0 == path).map(|it| it.1).with_context(|| format!("the sample app has no {path}"))
}

/// Where a key stands; the sample app is ASCII, so that bytes are columns.
fn position(text: &str, key: &str) -> anyhow::Result<Value> {
    let at = text.find(key).with_context(|| format!("{key} is not in the sample app"))?;
    let line_start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    Ok(json!({ "line": text[..at].matches('\n').count(), "character": at - line_start }))
}

fn offset(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap_or_default() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    start + position["character"].as_u64().unwrap_or_default() as usize
}
