//! The real server process: order, panics, cancellation, exit codes, a client that does not read. Each row of the
//! list of tower-lsp's defects is a test here.

#![cfg(test)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const FILE: &str = "a.ts";
const START: &str = "posthog.isFeatureEnabled('k')\n";

/// The key grows by one letter with every change.
fn letter(n: usize) -> char {
    char::from(b'a' + (n % 26) as u8)
}

fn key(n_changes: usize) -> String {
    format!("k{}", (0..n_changes).map(letter).collect::<String>())
}

/// The `n`th change appends a letter to the key.
async fn type_letter(editor: &mut Editor, n: usize) {
    let at = json!({ "line": 0, "character": START.find("')").unwrap() + n });
    let change = json!({ "range": { "start": at, "end": at }, "text": letter(n).to_string() });
    editor.change(FILE, n as i32 + 2, json!([change])).await;
}

/// A request that misbehaves as a debug build can; returns its id.
async fn misbehave(editor: &mut Editor, how: Value) -> u64 {
    editor.client.send_request("flagline/debug", how).await.unwrap()
}

async fn opened() -> Editor {
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.open(FILE, START).await;
    editor
}

#[tokio::test]
async fn row_1_changes_are_applied_in_order() {
    let mut editor = opened().await;
    for n in 0..300 {
        type_letter(&mut editor, n).await;
    }
    let hover = editor.hover_text(FILE, "k").await;
    assert!(hover.contains(&key(300)), "{hover}");
    editor.finish().await;
}

#[tokio::test]
async fn row_2_a_hover_between_two_changes_sees_exactly_those_before_it() {
    let mut editor = opened().await;
    let mut slow = Vec::new();
    for how in [json!({ "sleep": 400 }), json!({ "spin": 200 })] {
        slow.push(misbehave(&mut editor, how).await);
    }
    let mut hovers = Vec::new();
    for n in 0..100 {
        type_letter(&mut editor, n).await;
        hovers.push(editor.ask_hover(FILE, "k").await);
    }
    for (n, id) in hovers.into_iter().enumerate() {
        let hover = editor.client.answer_to(id).await.unwrap();
        let length = key(n + 1).len() + 2;
        let range = &hover["range"];
        let (start, end) = (&range["start"]["character"], &range["end"]["character"]);
        assert_eq!(end.as_u64().unwrap() - start.as_u64().unwrap(), length as u64, "after change {n}");
    }
    for id in slow {
        editor.client.answer_to(id).await.unwrap();
    }
    editor.finish().await;
}

#[tokio::test]
async fn row_3_shutdown_and_exit_end_the_server_though_stdin_stays_open() {
    let editor = opened().await;
    // `finish` leaves stdin open and expects code 0.
    editor.finish().await;
}

#[tokio::test]
async fn row_3_what_was_asked_before_exit_is_answered() {
    let mut editor = opened().await;
    let slow = editor.client.send_request("flagline/debug", json!({ "sleep": 300 })).await.unwrap();
    let shutdown = editor.client.send_request("shutdown", json!(null)).await.unwrap();
    editor.notify("exit", json!(null)).await;
    editor.client.answer_to(shutdown).await.unwrap();
    editor.client.answer_to(slow).await.unwrap();
    assert_eq!(editor.ended().await, Some(0));
}

#[tokio::test]
async fn row_4_a_message_after_exit_changes_nothing() {
    let mut editor = opened().await;
    editor.request("shutdown", json!(null)).await;
    editor.notify("exit", json!(null)).await;
    // The pipe may be closed by now, which is as good.
    editor.client.notify("textDocument/didSave", json!({})).await.ok();
    editor.client.close_input();
    assert_eq!(editor.ended().await, Some(0));
}

#[tokio::test]
async fn row_5_exit_without_shutdown_and_a_bare_end_of_input_are_failures() {
    let mut editor = opened().await;
    editor.notify("exit", json!(null)).await;
    assert_eq!(editor.ended().await, Some(1));
    let mut editor = opened().await;
    editor.client.close_input();
    assert_eq!(editor.ended().await, Some(1));
    // Before `initialize` as well.
    let mut editor = Start::new(&[]).process();
    editor.notify("exit", json!(null)).await;
    assert_eq!(editor.ended().await, Some(1));
}

#[tokio::test]
async fn row_6_shutdown_takes_null_an_object_or_nothing() {
    for params in [Some(json!(null)), Some(json!({})), None] {
        let mut editor = opened().await;
        let mut message = json!({ "jsonrpc": "2.0", "id": "last", "method": "shutdown" });
        if let Some(params) = params {
            message["params"] = params;
        }
        editor.client.send(&message).await.unwrap();
        let answer = editor.client.wait_for(|it| it["id"] == "last").await.unwrap();
        assert_eq!(answer, json!({ "jsonrpc": "2.0", "id": "last", "result": null }), "{message}");
        editor.notify("exit", json!(null)).await;
        assert_eq!(editor.ended().await, Some(0));
    }
}

#[tokio::test]
async fn row_7_a_panic_is_an_error_and_the_server_goes_on() {
    let mut editor = opened().await;
    for _ in 0..3 {
        assert_eq!(editor.error_code("flagline/debug", json!({ "panic": true })).await, -32603);
    }
    assert!(editor.hover_text(FILE, "k").await.contains("not loaded"));
    assert!(editor.log().contains("asked for by a test"), "the log tells of the panic");
    editor.finish().await;
}

#[tokio::test]
async fn row_8_requests_can_be_cancelled_while_many_are_in_flight() {
    let mut editor = opened().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(misbehave(&mut editor, json!({ "sleep": 600_000 })).await);
    }
    for id in &ids {
        editor.notify("$/cancelRequest", json!({ "id": id })).await;
    }
    for id in ids {
        assert_eq!(editor.raw_answer(id).await["error"]["code"], -32800);
    }
    assert!(editor.hover_text(FILE, "k").await.contains("not loaded"));
    editor.finish().await;
}

#[tokio::test]
async fn row_9_long_computations_hold_up_nobody() {
    let mut editor = opened().await;
    let long = misbehave(&mut editor, json!({ "spin": 2000 })).await;
    let short = editor.ask_hover(FILE, "k").await;
    let first = editor.client.wait_for(|it| it["id"] == long || it["id"] == short).await.unwrap();
    assert_eq!(first["id"], short);
    editor.client.answer_to(long).await.unwrap();
    editor.finish().await;
}

#[tokio::test]
async fn row_10_a_client_that_answers_nothing_blocks_nothing() {
    // It watches files and shows progress, so it is asked for both, and stays silent.
    let start = Start::new(&[])
        .capability("/workspace/didChangeWatchedFiles", json!({ "dynamicRegistration": true }))
        .capability("/window/workDoneProgress", json!(true));
    let mut editor = start.start_signed_out().await;
    editor.open(FILE, START).await;
    editor.write(".flagline/k.toml", "key = \"k\"\n");
    let create = json!({ "command": "flagline.launch", "arguments": [{ "key": "k" }] });
    for n in 0..400 {
        type_letter(&mut editor, n).await;
        if n % 80 == 0 {
            editor.execute(&create).await;
        }
    }
    let hover = editor.hover(FILE, "k").await;
    assert_eq!(hover["range"]["end"]["character"], START.find("')").unwrap() + 400 + 1);
    editor.client.wait_for(|it| it["method"] == "client/registerCapability").await.unwrap();
    for _ in 0..5 {
        editor.client.wait_for(|it| it["method"] == "window/workDoneProgress/create").await.unwrap();
    }
    // Each gives up on its progress and goes on.
    for _ in 0..5 {
        assert!(editor.told().await.contains("not signed in"));
    }
    editor.finish().await;
}

#[tokio::test]
async fn row_11_a_client_that_does_not_read_is_read_all_the_same() {
    const N: usize = 20_000;
    let mut editor = opened().await;
    let mut ids = Vec::new();
    for _ in 0..N {
        let params = json!({ "textDocument": { "uri": "file:///nowhere.ts" }, "position": { "line": 0, "character": 0 } });
        let sent = editor.client.send_request("textDocument/hover", params);
        let sent = tokio::time::timeout(Duration::from_secs(30), sent).await;
        ids.push(sent.expect("the server does not read on").unwrap());
    }
    for id in ids {
        assert_eq!(editor.client.answer_to(id).await.unwrap(), json!(null));
    }
    editor.finish().await;
}

#[tokio::test]
async fn what_is_out_of_place_gets_the_protocols_errors() {
    let mut editor = Start::new(&[]).process();
    let place =
        json!({ "textDocument": { "uri": "file:///a.ts" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.error_code("textDocument/hover", place.clone()).await, -32002);
    assert_eq!(editor.error_code("flagline/debug", json!({})).await, -32002);
    editor.initialize().await;
    assert_eq!(editor.error_code("initialize", json!({ "capabilities": {} })).await, -32600);
    assert_eq!(editor.error_code("flagline/nothing", json!({})).await, -32601);
    assert_eq!(editor.error_code("textDocument/hover", json!({ "position": 7 })).await, -32602);
    let unknown = json!({ "command": "flagline.nothing", "arguments": [] });
    assert_eq!(editor.error_code("workspace/executeCommand", unknown).await, -32602);
    let without_argument = json!({ "command": "flagline.createFeature" });
    assert_eq!(editor.error_code("workspace/executeCommand", without_argument).await, -32602);
    // Notifications nobody knows are nobody's business.
    editor.notify("$/setTrace", json!({ "value": "verbose" })).await;
    editor.notify("flagline/nothing", json!({})).await;
    assert_eq!(editor.request("textDocument/hover", place).await, json!(null));
    editor.finish().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_ends_with_the_process_that_the_arguments_name() {
    let mut client = sleeper();
    let mut start = Start::new(&[]);
    start.command.args(["--stdio", &format!("--clientProcessId={}", client.id())]);
    let mut editor = start.start_signed_out().await;
    assert_eq!(editor.debug().await["version"], env!("CARGO_PKG_VERSION"));
    client.kill().unwrap();
    assert_eq!(editor.ended().await, Some(1));
    client.wait().unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_server_ends_with_the_process_that_initialize_names() {
    let mut client = sleeper();
    let mut start = Start::new(&[]);
    start.params["processId"] = client.id().into();
    let mut editor = start.start_signed_out().await;
    assert_eq!(editor.debug().await["version"], env!("CARGO_PKG_VERSION"));
    client.kill().unwrap();
    client.wait().unwrap();
    assert_eq!(editor.ended().await, Some(1));
}

#[cfg(unix)]
fn sleeper() -> std::process::Child {
    std::process::Command::new("sleep").arg("600").spawn().unwrap()
}

/// The strict client fails on anything that is no message, so this also shows that stdout is the protocol's alone.
#[tokio::test]
async fn the_log_holds_no_key_and_no_text_however_much_is_logged() {
    const WRONG_KEY: &str = "phx_wrong_0123456789";
    let posthog = Posthog::start().await;
    let code = "posthog.isFeatureEnabled('new-checkout') // not for the log\n";

    let start = Start::new(&[(FILE, code)]).signed_in(&posthog).env("FLAGLINE_LOG", "trace");
    let mut editor = start.options(json!({ "apiKey": "phx_from_settings" })).start().await;
    assert!(editor.told().await.contains("keys are not taken from editor settings"));
    editor.open(FILE, code).await;
    editor.warned(FILE, &["'new-checkout' is on for everyone since "]).await;
    assert!(editor.launch("made-by-a-test").await.contains("is launched"));
    posthog.faults(json!([{ "kind": "status", "status": 401 }])).await;
    editor.execute(&json!({ "command": "flagline.refresh", "arguments": [] })).await;
    assert!(editor.told().await.contains("does not accept the API key"));
    assert_eq!(editor.error_code("flagline/debug", json!({ "panic": true })).await, -32603);
    let log = editor.log();
    assert!(log.contains("asking PostHog") && log.contains("hyper_util"), "{log}");
    for secret in [flagline::sandbox::API_KEY, "phx_from_settings", "not for the log", "Bearer"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    editor.finish().await;

    posthog.faults(json!([])).await;
    let start = Start::new(&[(FILE, code)]).signed_in(&posthog).env("FLAGLINE_LOG", "trace");
    let mut editor = start.env("FLAGLINE_API_KEY", WRONG_KEY).start().await;
    let told = editor.told().await;
    assert!(told.contains("does not accept the API key") && !told.contains(WRONG_KEY), "{told}");
    assert!(!editor.log().contains(WRONG_KEY));
    editor.finish().await;
}
