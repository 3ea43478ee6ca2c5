//! The real binary: how soon it answers, how fast it hovers, how much memory it holds.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flagline::lsp::client::Client;
use flagline::sandbox::{self, Options, Sandbox};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use super::{Figures, resident};

pub(super) async fn run() -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Options::default()).await?;
    let cache = tempfile::tempdir()?;
    let start = || server(&sandbox, cache.path());
    start_up(&start).await?;
    hovers(&start).await
}

/// The language server, signed in to a sandbox, before it is told anything.
pub(super) fn server(sandbox: &Sandbox, cache: &Path) -> anyhow::Result<Client> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flagline"));
    command
        .arg("lsp")
        .env("FLAGLINE_HOST", sandbox.url())
        .env("FLAGLINE_API_KEY", sandbox::API_KEY)
        .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string())
        .env("XDG_CACHE_HOME", cache)
        .stderr(Stdio::null());
    Client::start(command)
}

async fn start_up(start: &impl Fn() -> anyhow::Result<Client>) -> anyhow::Result<()> {
    let (mut answered, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let begin = Instant::now();
        Command::new("true").status().await?;
        nothing.push(begin.elapsed());
        let begin = Instant::now();
        let mut client = start()?;
        client.request("initialize", initialize()?).await?;
        answered.push(begin.elapsed());
        client.end().await?;
    }
    let nothing = Figures::new(nothing);
    nothing.print("a process that does nothing", None);
    Figures::new(answered).print("start to `initialize` answered", Some(&nothing));
    Ok(())
}

async fn hovers(start: &impl Fn() -> anyhow::Result<Client>) -> anyhow::Result<()> {
    let mut client = start()?;
    client.request("initialize", initialize()?).await?;
    client.notify("initialized", json!({})).await?;
    for (path, language) in [
        ("src/Checkout.tsx", "typescriptreact"),
        ("src/Banner.tsx", "typescriptreact"),
        ("src/theme.ts", "typescript"),
        ("server/gifts.py", "python"),
    ] {
        let text = std::fs::read_to_string(app().join(path))?;
        let document = json!({ "uri": uri(path)?, "languageId": language, "version": 1, "text": text });
        client.notify("textDocument/didOpen", json!({ "textDocument": document })).await?;
    }
    let hover = json!({
        "textDocument": { "uri": uri("src/Checkout.tsx")? },
        "position": { "line": 8, "character": 40 },
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    while !client
        .request("textDocument/hover", hover.clone())
        .await?
        .to_string()
        .contains("People in the last")
    {
        anyhow::ensure!(Instant::now() < deadline, "the mirror is not filled");
    }
    // The refresh task has its say between requests, as it has for people.
    let (mut hovered, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let begin = Instant::now();
        client.request("textDocument/hover", hover.clone()).await?;
        hovered.push(begin.elapsed());
        let begin = Instant::now();
        drop(client.request("flagline/no-such-method", Value::Null).await);
        refused.push(begin.elapsed());
    }
    let refused = Figures::new(refused);
    refused.print("a request that is refused unread", None);
    Figures::new(hovered).print("hover from the mirror, 1,000 times", Some(&refused));
    if let Some(memory) = client.process().id().and_then(|it| resident(it, "VmRSS:")) {
        println!("resident memory with the sample app open: {} MB", memory / 1000);
    }
    client.end().await?;
    Ok(())
}

fn initialize() -> anyhow::Result<Value> {
    Ok(json!({
        "processId": std::process::id(),
        "capabilities": {},
        "workspaceFolders": [{ "uri": uri("")?, "name": "sample-app" }],
    }))
}

fn app() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample-app")
}

fn uri(path: &str) -> anyhow::Result<Url> {
    Url::from_file_path(app().join(path)).ok().context("an absolute path")
}
