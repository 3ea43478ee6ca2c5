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
use super::sample::{self, APP, text};
use super::sandbox::{until_interrupted, variables};
use crate::feature::BRIEFS;
use crate::feature::brief::file_name;
use crate::lsp::client::Client;
use crate::posthog::capture::capture;
use crate::sandbox::{self, Options, Sandbox};

/// `keep` leaves the sandbox running and a copy of the app on disk: in a folder of its own, or in the one named.
pub(super) async fn run(keep: Option<Option<PathBuf>>) -> anyhow::Result<ExitCode> {
    let scratch = Scratch::new()?;
    let app = match &keep {
        None => scratch.path.join("sample-app"),
        Some(None) => sample::fresh_folder()?,
        Some(Some(named)) => sample::empty_folder(named)?,
    };
    let app = sample::write_to(&app)?;
    let sandbox = Sandbox::start(Options::default()).await?;
    show(&sandbox, &app, &scratch.path).await?;
    drop(scratch);
    if keep.is_some() {
        print(&your_turn(&sandbox, &app)?)?;
        until_interrupted(sandbox).await?;
        print(&format!("\nThe sandbox is gone. The sample app stays in {}\n", app.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The demo itself; the server's files come below `scratch`.
async fn show(sandbox: &Sandbox, app: &Path, scratch: &Path) -> anyhow::Result<()> {
    print(&format!("A sandbox that answers like PostHog runs at {}\n", sandbox.url()))?;
    let mut editor = Editor::start(app, scratch, sandbox.url()).await?;

    heading("Hover over 'new-checkout' in src/Checkout.tsx")?;
    print(&indented(&editor.hover("src/Checkout.tsx", "new-checkout").await?))?;
    heading("Hover over 'project-videos'")?;
    print(&indented(&editor.hover("src/Checkout.tsx", "project-videos").await?))?;

    heading("Warnings")?;
    for (path, _) in APP {
        print(&editor.warnings(path)?)?;
    }

    heading("Code action on 'gift-wrapping' in server/gifts.py: Create feature, which opens its brief")?;
    print(&indented(&editor.create("server/gifts.py", "gift-wrapping").await?))?;
    heading("Lens on the brief: Launch")?;
    print(&indented(&editor.launch("server/gifts.py", "gift-wrapping").await?))?;
    heading("The warning is gone, and hover knows the flag")?;
    print(&indented(&editor.hover("server/gifts.py", "gift-wrapping").await?))?;

    heading("Six colleagues use it; $ flagline rollout run gift-wrapping")?;
    colleagues_use(sandbox, "gift-wrapping").await?;
    print(&indented(&flagline(app, scratch, sandbox.url(), &["rollout", "run", "gift-wrapping"]).await?))?;
    heading("$ flagline promote gift-wrapping --yes")?;
    print(&indented(&flagline(app, scratch, sandbox.url(), &["promote", "gift-wrapping", "--yes"]).await?))?;
    heading("$ flagline stop gift-wrapping 'paper is out' --yes")?;
    let stop = ["stop", "gift-wrapping", "paper is out", "--yes"];
    print(&indented(&flagline(app, scratch, sandbox.url(), &stop).await?))?;

    heading("Code action on 'new-checkout' in src/Checkout.tsx: Remove flag")?;
    print(&editor.remove("src/Checkout.tsx", "new-checkout").await?)?;

    editor.client.end().await?;
    Ok(())
}

/// This very binary, as somebody runs it in the app's folder.
async fn flagline(app: &Path, scratch: &Path, host: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = signed_in(scratch, host)?;
    let ran = command.args(arguments).current_dir(app).stdin(Stdio::null()).output().await?;
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    Ok(format!("{stdout}{stderr}"))
}

/// This very binary, signed in to the sandbox.
fn signed_in(scratch: &Path, host: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .env("FLAGLINE_HOST", host)
        .env("FLAGLINE_API_KEY", sandbox::API_KEY)
        .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string())
        // Nothing is left behind in the user's cache folder.
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .env("XDG_CONFIG_HOME", scratch.join("config"));
    Ok(command)
}

/// People of the first stage meet a feature, as their SDK tells it.
async fn colleagues_use(sandbox: &Sandbox, key: &str) -> anyhow::Result<()> {
    for n in 1..=6 {
        let event = json!({
            "api_key": sandbox::PROJECT_TOKEN,
            "event": "$feature_flag_called",
            "distinct_id": format!("colleague-{n}"),
            "properties": { "$feature_flag": key, "$feature_flag_response": true, "$lib": "posthog-python" },
        });
        capture(sandbox.url(), &event).await?;
    }
    Ok(())
}

/// How to go on in an editor.
fn your_turn(sandbox: &Sandbox, app: &Path) -> anyhow::Result<String> {
    const FILE: &str = "src/Checkout.tsx";
    let line = |key| anyhow::Ok(sample::position(FILE, key)?.0 + 1);
    Ok(format!(
        "\n── Your turn\n\n\
         The sandbox keeps running until Ctrl-C. Its page makes requests fail and moves its clock: {url}\n\
         The sample app is in {folder}\n\n\
         In another terminal:\n\n{variables}\n  code {shell}\n  nvim {file}\n  flagline check {shell}\n\n\
         Look first at {FILE}\n  \
         line {hover}: hover over 'new-checkout', then take the code action that removes it\n  \
         line {videos}: hover over 'project-videos', which is on its way\n  \
         line {typo}: fix the warning of 'new-chekout' by its code action\n",
        url = sandbox.url(),
        folder = app.display(),
        variables = variables(sandbox),
        shell = shell_word(app),
        file = shell_word(&app.join(FILE)),
        hover = line("new-checkout")?,
        videos = line("project-videos")?,
        typo = line("new-chekout")?,
    ))
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let harmless = |it: char| it.is_alphanumeric() || "/\\:._-+@".contains(it);
    if text.chars().all(harmless) { text.into() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn heading(text: &str) -> anyhow::Result<()> {
    print(&format!("\n── {text}\n\n"))
}

fn indented(text: &str) -> String {
    text.lines().map(|it| format!("  {it}\n")).collect()
}

/// A folder that vanishes in the end.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new() -> anyhow::Result<Scratch> {
        Ok(Scratch { path: sample::fresh_folder()? })
    }
}

impl Drop for Scratch {
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
    async fn start(folder: &Path, scratch: &Path, host: &str) -> anyhow::Result<Editor> {
        let mut command = signed_in(scratch, host)?;
        command.arg("lsp").stderr(Stdio::null());
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
        let params = json!({ "textDocument": { "uri": self.uri(path)? }, "position": position(path, key)? });
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
        let at = position(path, key)?;
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
        self.client.expect("window/showMessage").await?;
        let brief = self.folder.join(BRIEFS).join(file_name(&key.into()));
        std::fs::read_to_string(&brief).with_context(|| brief.display().to_string())
    }

    async fn launch(&mut self, path: &str, key: &str) -> anyhow::Result<String> {
        let uri = Url::from_file_path(self.folder.join(BRIEFS).join(file_name(&key.into())))
            .map_err(|()| anyhow::anyhow!("{} is no absolute path", self.folder.display()))?;
        let launch = json!({ "command": "flagline.launch", "arguments": [{ "key": key, "uri": uri }] });
        self.client.request("workspace/executeCommand", launch).await?;
        let asked = self.client.wait_for(|it| it["method"] == "window/showMessageRequest").await?;
        let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "title": "Launch" } });
        self.client.send(&answer).await?;
        let told = self.client.expect("window/showMessage").await?;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !self.hover(path, key).await?.contains("unknown") {
                break;
            }
        }
        let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
        let question = text(&asked["params"]["message"]);
        Ok(format!("{question} [Launch]\n{}", text(&told["message"]).replace(" http", "\nhttp")))
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

/// Where a key stands, as the protocol says it.
fn position(path: &str, key: &str) -> anyhow::Result<Value> {
    let (line, column) = sample::position(path, key)?;
    Ok(json!({ "line": line, "character": column }))
}

fn offset(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap_or_default() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    start + position["character"].as_u64().unwrap_or_default() as usize
}
