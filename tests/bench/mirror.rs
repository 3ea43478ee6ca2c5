//! A project with 10,000 flags: how long the first mirror takes, how much memory it holds, what a refresh costs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flagline::lsp::client::Client;
use flagline::sandbox::{self, Options, Sandbox};
use serde_json::{Value, json};

use super::{Figures, resident};

const N_FLAGS: usize = 10_000;
/// Flags of a page, as Flagline asks for them.
const PAGE: usize = 500;
const RUNS: usize = 5;

pub(super) async fn run() -> anyhow::Result<()> {
    // As the program does; fails only when it was done before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let sandbox = Sandbox::start(Options::default()).await?;
    let http = reqwest::Client::builder().no_proxy().gzip(true).build()?;
    make_flags(&sandbox, &http).await?;
    let (mut plain, mut first, mut last) = (Vec::new(), Vec::new(), None);
    for _ in 0..RUNS {
        plain.push(read_pages(&sandbox, &http).await?);
        let cache = tempfile::tempdir()?;
        let begin = Instant::now();
        let client = server(&sandbox, cache.path()).await?;
        while !has_mirror(cache.path()) {
            anyhow::ensure!(begin.elapsed() < Duration::from_secs(60), "there is no mirror");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        first.push(begin.elapsed());
        // The one that stays is looked at more closely.
        if let Some((mut before, _)) = last.replace((client, cache)) {
            before.end().await?;
        }
    }
    let plain = Figures::new(plain);
    plain.print("the pages of 10,000 flags, read and thrown away", None);
    Figures::new(first).print("start to a first mirror of them on disk", Some(&plain));
    let (mut client, _cache) = last.context("no server")?;
    // What reading left over is given back meanwhile.
    tokio::time::sleep(Duration::from_secs(2)).await;
    print_memory(&mut client, "resident memory with 10,000 flags");
    let before = n_requests(&sandbox, &http).await?;
    let refresh = json!({ "command": "flagline.refresh" });
    client.request("workspace/executeCommand", refresh).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = n_requests(&sandbox, &http).await?;
    println!("requests of a refresh that finds nothing new: {}", after - before);
    print_memory(&mut client, "resident memory after it");
    client.end().await?;
    Ok(())
}

fn print_memory(client: &mut Client, what: &str) {
    let process = client.process().id();
    let memory = |line| process.and_then(|it| resident(it, line)).map_or(0, |it| it / 1000);
    println!("{what}: {} MB, at most {} MB", memory("VmRSS:"), memory("VmHWM:"));
}

/// Flags with one to three conditions, a tenth of them with variants.
async fn make_flags(sandbox: &Sandbox, http: &reqwest::Client) -> anyhow::Result<()> {
    let url = format!("{}/api/projects/{}/feature_flags/", sandbox.url(), sandbox::PROJECT_ID);
    for number in 0..N_FLAGS {
        let condition = |at: usize| {
            json!({
                "description": format!("{}/{} stage-{at}", at + 1, number % 3 + 1),
                "properties": [{ "key": "email", "type": "person", "operator": "icontains", "value": "@offset.example" }],
                "rollout_percentage": (number + at) % 101,
            })
        };
        let groups: Vec<Value> = (0..=number % 3).map(condition).collect();
        let variants = json!({ "variants": [
            { "key": "control", "name": "", "rollout_percentage": 50 },
            { "key": "test", "name": "", "rollout_percentage": 50 },
        ] });
        let multivariate = if number % 10 == 0 { variants } else { Value::Null };
        let flag = json!({
            "key": format!("bench-flag-{number}"),
            "name": format!("What flag {number} is for, in a sentence as people write them"),
            "active": number % 4 != 0,
            "filters": { "groups": groups, "multivariate": multivariate, "payloads": {} },
        });
        let answer = http.post(&url).bearer_auth(sandbox::API_KEY).json(&flag).send().await?;
        anyhow::ensure!(answer.status().is_success(), "{}", answer.text().await?);
    }
    Ok(())
}

/// How long it takes to read the pages that a mirror is made of, and to do nothing with them.
async fn read_pages(sandbox: &Sandbox, http: &reqwest::Client) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    for archived in ["false", "true"] {
        for offset in (0..=N_FLAGS).step_by(PAGE) {
            let url = format!(
                "{}/api/projects/{}/feature_flags/?excluded_properties=[\"surveys\"]&archived={archived}&limit={PAGE}&offset={offset}",
                sandbox.url(),
                sandbox::PROJECT_ID
            );
            http.get(url).bearer_auth(sandbox::API_KEY).send().await?.error_for_status()?.bytes().await?;
            if archived == "true" {
                break;
            }
        }
    }
    Ok(begin.elapsed())
}

async fn server(sandbox: &Sandbox, cache: &Path) -> anyhow::Result<Client> {
    let mut client = super::server::server(sandbox, cache)?;
    let root = url::Url::from_file_path(cache).ok().context("an absolute path")?;
    let folders = json!([{ "uri": root, "name": "empty" }]);
    let initialize =
        json!({ "processId": std::process::id(), "capabilities": {}, "workspaceFolders": folders });
    client.request("initialize", initialize).await?;
    client.notify("initialized", json!({})).await?;
    Ok(client)
}

fn has_mirror(cache: &Path) -> bool {
    let files = std::fs::read_dir(cache.join("flagline")).into_iter().flatten().flatten();
    files.into_iter().any(|it| it.path().extension().is_some_and(|it| it == "json"))
}

async fn n_requests(sandbox: &Sandbox, http: &reqwest::Client) -> anyhow::Result<u64> {
    let state: Value = http.get(format!("{}/_sandbox/state/", sandbox.url())).send().await?.json().await?;
    let counts = state["requests"].as_object().context("counts of requests")?;
    Ok(counts.values().filter_map(Value::as_u64).sum())
}
