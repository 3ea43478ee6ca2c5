//! Keys that the client keeps, the status that it shows, and workspaces that are not trusted.

#![cfg(test)]

mod support;

use flagline::sandbox::{API_KEY, GRACE_KEY, PROJECT_TOKEN};
use serde_json::{Value, json};
use support::{Editor, Posthog, Start, eventually};

const APP: &str = "app.ts";
const CODE: &str = "\
posthog.isFeatureEnabled('new-checkout')
posthog.isFeatureEnabled('gift-wrapping')
";
const WARNINGS: [&str; 2] =
    ["stale-flag: 'new-checkout' is on for everyone since ", "Offset has no flag 'gift-wrapping'"];

/// A client with all of Flagline's own, and everything that the server may write down.
fn declared(start: Start) -> Start {
    let own = json!({ "flagline": { "credentials": true, "status": true } });
    start.capability("/experimental", own).env("FLAGLINE_LOG", "trace")
}

/// A repository that names this host, and nobody signed in.
fn start(posthog: &Posthog) -> Start {
    let toml = format!("[[environment]]\nhost = \"{}\"\nproject = 1\n", posthog.url());
    declared(Start::new(&[("flagline.toml", &toml)]))
}

async fn opened(start: Start) -> Editor {
    let mut editor = start.start().await;
    editor.open(APP, CODE).await;
    editor
}

/// Started and given the key that the client keeps.
async fn signed_in(posthog: &Posthog) -> Editor {
    let mut editor = opened(start(posthog)).await;
    let asked = editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    assert_eq!(asked, json!({ "host": posthog.url() }));
    editor.warned(APP, &WARNINGS).await;
    assert!(editor.log().contains("asking PostHog"), "the log says everything at this level");
    editor
}

/// Ends a session; nothing that it said or wrote may hold a key.
async fn finish(mut editor: Editor) {
    editor.ignore("flagline/status");
    let log = editor.log();
    assert!(!log.contains("phx_") && !log.contains("phc_"), "{log}");
    editor.finish().await;
}

fn sign_in(host: &str, key: &str) -> Value {
    json!({ "host": host, "key": key })
}

/// The mirrors on disk, without one that is being written.
fn mirrors(editor: &Editor) -> usize {
    let Ok(files) = std::fs::read_dir(editor.folder.path().join("cache/flagline")) else { return 0 };
    files.filter(|it| it.as_ref().unwrap().path().extension().is_some_and(|it| it == "json")).count()
}

// The client's keys.

#[tokio::test]
async fn the_client_is_asked_once_for_the_one_host() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    let status = editor.status("signed-out").await;
    assert_eq!(status["environments"][0]["host"], posthog.url());
    assert_eq!(posthog.all_requests().await, 0);
    let asked = editor.answer("flagline/credential", json!({ "key": format!(" {API_KEY}\n") })).await;
    assert_eq!(asked, json!({ "host": posthog.url() }));
    editor.warned(APP, &WARNINGS).await;
    let status = editor.status("ready").await;
    assert_eq!(status["environments"][0]["project"], json!({ "id": 1, "name": "Offset" }));
    // Nobody was told that the key was missing, and nothing asks for it again.
    editor.configure(json!({ "staleDays": 365 })).await;
    editor.warned(APP, &WARNINGS[1..]).await;
    finish(editor).await;
}

#[tokio::test]
async fn a_client_without_a_key_is_told_and_not_asked_again() {
    let posthog = Posthog::start().await;
    for answer in [json!(null), json!({ "key": null }), json!({ "key": "" }), json!({ "key": PROJECT_TOKEN })]
    {
        let mut editor = opened(start(&posthog)).await;
        editor.answer("flagline/credential", answer).await;
        assert!(editor.told().await.contains(&format!("not signed in to {}", posthog.url())));
        editor.configure(json!({ "staleDays": 365 })).await;
        editor.watched("flagline.toml", 2).await;
        assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
        finish(editor).await;
    }
    assert_eq!(posthog.all_requests().await, 0);
}

#[tokio::test]
async fn a_client_that_never_answers_blocks_nothing() {
    let posthog = Posthog::start().await;
    let other = Posthog::start().await;
    let more = format!(
        "[[environment]]\nhost = \"{}\"\nproject = 1\n[[environment]]\nname = \"dev\"\nhost = \"{}\"\n",
        posthog.url(),
        other.url()
    );
    let mut editor = opened(declared(Start::new(&[("flagline.toml", &more)]))).await;
    editor.status("signed-out").await;
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    // One host is answered for, the other never.
    let wanted = |it: &Value| it["method"] == "flagline/credential" && it["params"]["host"] == *posthog.url();
    let request = editor.client.wait_for(wanted).await.unwrap();
    editor
        .client
        .send(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "key": API_KEY } }))
        .await
        .unwrap();
    editor.warned(APP, &WARNINGS).await;
    // Signing in does not need the answer either.
    editor.request("flagline/signIn", sign_in(other.url(), GRACE_KEY)).await;
    eventually("the other host is asked", async || other.all_requests().await > 2).await;
    editor.ignore("flagline/credential");
    finish(editor).await;
}

#[tokio::test]
async fn the_host_of_the_editors_settings_is_the_one_that_is_asked_for() {
    let (posthog, other) = (Posthog::start().await, Posthog::start().await);
    let start = declared(Start::new(&[])).capability("/workspace/configuration", json!(true));
    let mut editor = opened(start).await;
    // Not before they are known: US cloud is nobody's here.
    editor.answer("workspace/configuration", json!([{ "host": posthog.url() }])).await;
    let asked = editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    assert_eq!(asked, json!({ "host": posthog.url() }));
    editor.warned(APP, &WARNINGS).await;
    editor.configure(json!(null)).await;
    editor.answer("workspace/configuration", json!([{ "host": other.url() }])).await;
    let asked = editor.answer("flagline/credential", json!({ "key": GRACE_KEY })).await;
    assert_eq!(asked, json!({ "host": other.url() }));
    eventually("the other host is asked", async || other.all_requests().await > 2).await;
    // Back again, nothing is asked for twice.
    editor.configure(json!(null)).await;
    editor.answer("workspace/configuration", json!([{ "host": posthog.url() }])).await;
    eventually("the first host counts", async || editor.debug().await["host"] == posthog.url()).await;
    editor.hover_until(APP, "new-checkout", "everyone").await;
    editor.ignore("textDocument/publishDiagnostics");
    finish(editor).await;
}

#[tokio::test]
async fn a_client_that_keeps_no_keys_is_not_asked() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog).capability("/experimental", json!(null))).await;
    assert!(editor.told().await.contains("not signed in to"));
    editor.finish().await;
}

#[tokio::test]
async fn a_file_that_is_wrong_asks_for_no_key() {
    let mut editor = opened(declared(Start::new(&[("flagline.toml", "stale_days = 0\n")]))).await;
    editor.status("settings").await;
    assert!(editor.told().await.contains("flagline.toml has 1 error"));
    assert_eq!(editor.published("flagline.toml").await.len(), 1);
    finish(editor).await;
}

#[tokio::test]
async fn where_nothing_names_a_host_the_clients_only_one_is_used() {
    let posthog = Posthog::start().await;
    let mut editor = opened(declared(Start::new(&[]))).await;
    let asked = editor.answer("flagline/credential", json!({ "key": null, "hosts": [posthog.url()] })).await;
    assert_eq!(asked, json!({ "host": "https://us.posthog.com" }));
    let asked = editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    assert_eq!(asked, json!({ "host": posthog.url() }));
    editor.warned(APP, &WARNINGS).await;
    finish(editor).await;
}

#[tokio::test]
async fn a_folder_that_has_nothing_to_do_with_posthog_is_left_in_peace() {
    let mut editor = declared(Start::new(&[("notes.ts", "export const a = 1\n")])).start().await;
    editor.answer("flagline/credential", json!(null)).await;
    editor.open(APP, "export const b = 2\n").await;
    eventually("the log says it", async || editor.log().contains("not told, since no flag is read here"))
        .await;
    let status = editor.status("signed-out").await;
    assert!(status["environments"][0]["message"].as_str().unwrap().contains("not signed in"), "{status}");
    assert!(editor.client.unread().await.iter().all(|it| it["method"] == "flagline/status"));
    // As soon as a flag is read, somebody expects an answer; once.
    editor.edit(APP, "2", "posthog.isFeatureEnabled('new-nav')").await;
    assert!(editor.told().await.contains("not signed in to https://us.posthog.com"));
    editor.edit(APP, "new-nav", "new-navigation").await;
    editor.hover_text(APP, "new-navigation").await;
    finish(editor).await;
    // So does a closed file that reads one, and a file of settings that names a project.
    for (path, text) in [
        ("closed.ts", "posthog.isFeatureEnabled('new-nav')\n"),
        (".posthog.json", "{ \"projectId\": 3 }"),
        ("flagline.toml", "[[environment]]\n"),
    ] {
        let mut editor = Start::new(&[(path, text)]).start().await;
        assert!(editor.told().await.contains("not signed in"), "{path}");
        editor.finish().await;
    }
}

// Signing in and out.

#[tokio::test]
async fn signing_in_tries_the_key_and_uses_it() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    editor.answer("flagline/credential", json!(null)).await;
    editor.told().await;
    let answer = editor
        .request(
            "flagline/signIn",
            sign_in(&format!("{}/project/1", posthog.url()), &format!("{GRACE_KEY}\n")),
        )
        .await;
    let expected = json!({
        "host": posthog.url(),
        "user": { "name": "Grace", "email": "grace@offset.example" },
        "projects": [{ "id": 1, "name": "Offset" }],
    });
    assert_eq!(answer, expected);
    editor.warned(APP, &WARNINGS).await;
    editor.status("ready").await;
    finish(editor).await;
}

#[tokio::test]
async fn what_cannot_be_signed_in_with_is_refused_in_words() {
    let posthog = Posthog::start().await;
    let gone = Posthog::start().await.stop().await;
    let mut editor = opened(start(&posthog)).await;
    editor.answer("flagline/credential", json!(null)).await;
    editor.told().await;
    for (host, key, words) in [
        (posthog.url(), "phx_wrong", "does not accept the API key"),
        (posthog.url(), PROJECT_TOKEN, "this is a project token"),
        (posthog.url(), "phs_secret", "this is a project secret key"),
        (posthog.url(), "  ", "was it pasted whole?"),
        (posthog.url(), "phx_käse", "was it pasted whole?"),
        (&gone, API_KEY, "cannot be reached"),
        ("http://ph.example", API_KEY, "ph.example must be https"),
        ("https://ada:x@ph.example", API_KEY, "user name or password"),
        ("", API_KEY, "no address"),
    ] {
        let sentence = editor.refused("flagline/signIn", sign_in(host, key)).await;
        assert!(sentence.contains(words), "no {words:?} in {sentence}");
        assert!(key.trim().is_empty() || !sentence.contains(key), "{sentence}");
    }
    // None of them is used.
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    assert_eq!(posthog.requests("GET /api/projects/:id/feature_flags/").await, 0);
    finish(editor).await;
}

#[tokio::test]
async fn a_key_that_may_not_say_whose_it_is_is_a_key() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "status", "status": 403, "path_contains": "/users/" }])).await;
    let mut editor = opened(start(&posthog)).await;
    editor.answer("flagline/credential", json!(null)).await;
    editor.told().await;
    let answer = editor.request("flagline/signIn", sign_in(posthog.url(), API_KEY)).await;
    assert_eq!(answer["user"], json!(null));
    editor.warned(APP, &WARNINGS).await;
    finish(editor).await;
}

#[tokio::test]
async fn a_stored_key_that_is_no_longer_accepted_is_told_and_replaced() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    editor.answer("flagline/credential", json!({ "key": "phx_revoked" })).await;
    assert!(editor.told().await.contains("does not accept the API key"));
    let status = editor.status("trouble").await;
    assert!(status["environments"][0]["message"].as_str().unwrap().contains("does not accept"));
    editor.request("flagline/signIn", sign_in(posthog.url(), API_KEY)).await;
    editor.warned(APP, &WARNINGS).await;
    editor.status("ready").await;
    finish(editor).await;
}

#[tokio::test]
async fn signing_out_forgets_the_key_the_flags_and_the_mirror() {
    let posthog = Posthog::start().await;
    let mut editor = signed_in(&posthog).await;
    editor.status("ready").await;
    eventually("a mirror on disk", async || mirrors(&editor) == 1).await;
    let host = json!({ "host": posthog.url() });
    assert_eq!(editor.request("flagline/signOut", host.clone()).await, json!(null));
    editor.warned(APP, &[]).await;
    while !editor.status("signed-out").await["environments"][0]["flags"].is_null() {}
    assert!(editor.told().await.contains("not signed in to"));
    assert_eq!(mirrors(&editor), 0);
    let before = posthog.all_requests().await;
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    editor.configure(json!({ "staleDays": 10 })).await;
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    // Twice does no harm.
    editor.request("flagline/signOut", host).await;
    assert_eq!((mirrors(&editor), posthog.all_requests().await), (0, before));
    editor.request("flagline/signIn", sign_in(posthog.url(), API_KEY)).await;
    editor.warned(APP, &[" since ", "gift-wrapping"]).await;
    finish(editor).await;
}

#[tokio::test]
async fn signing_out_while_everything_loads_leaves_nothing() {
    let posthog = Posthog::start().await;
    posthog
        .faults(json!([{ "kind": "latency", "milliseconds": 300, "path_contains": "/feature_flags/" }]))
        .await;
    let mut editor = opened(start(&posthog)).await;
    editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    eventually("flags are asked for", async || posthog.requests("GET /api/projects/:id/").await > 0).await;
    editor.request("flagline/signOut", json!({ "host": posthog.url() })).await;
    assert!(editor.told().await.contains("not signed in to"));
    eventually("nothing is on disk", async || {
        editor.debug().await["flags"].is_null() && mirrors(&editor) == 0
    })
    .await;
    editor.ignore("textDocument/publishDiagnostics");
    finish(editor).await;
}

#[tokio::test]
async fn projects_are_those_of_the_key() {
    let posthog = Posthog::start().await;
    let mut editor = signed_in(&posthog).await;
    let projects = json!([{ "id": 1, "name": "Offset" }]);
    assert_eq!(editor.request("flagline/projects", json!({})).await, projects);
    let here = json!({ "host": posthog.url() });
    assert_eq!(editor.request("flagline/projects", here.clone()).await, projects);
    let elsewhere = json!({ "host": "https://ph.example" });
    let sentence = editor.refused("flagline/projects", elsewhere).await;
    assert!(sentence.contains("not signed in to https://ph.example"), "{sentence}");
    editor.request("flagline/signOut", here).await;
    let sentence = editor.refused("flagline/projects", json!({})).await;
    assert!(sentence.contains("not signed in to"), "{sentence}");
    editor.warned(APP, &[]).await;
    editor.told().await;
    finish(editor).await;
}

#[tokio::test]
async fn the_environments_key_goes_before_the_clients() {
    let posthog = Posthog::start().await;
    let mut editor = opened(declared(Start::new(&[]).signed_in(&posthog))).await;
    editor.warned(APP, &WARNINGS).await;
    // Signing in with another key works, and the variable still counts.
    let answer = editor.request("flagline/signIn", sign_in(posthog.url(), GRACE_KEY)).await;
    assert_eq!(answer["user"]["name"], "Grace");
    editor.launch("gift-wrapping").await;
    assert_eq!(posthog.flag("gift-wrapping").await["created_by"]["email"], "ada@offset.example");
    editor.warned(APP, &WARNINGS[..1]).await;
    let host = json!({ "host": posthog.url() });
    let sentence = editor.refused("flagline/signOut", host).await;
    assert!(sentence.contains("comes from FLAGLINE_API_KEY"), "{sentence}");
    // What it serves is not forgotten.
    assert_eq!(mirrors(&editor), 1);
    assert!(editor.hover_text(APP, "new-checkout").await.contains("everyone"));
    finish(editor).await;
}

// Status.

#[tokio::test]
async fn the_status_follows_what_happens_and_is_sent_when_it_changes() {
    let posthog = Posthog::start().await;
    posthog
        .faults(json!([{ "kind": "latency", "milliseconds": 300, "path_contains": "/feature_flags/" }]))
        .await;
    let start = declared(Start::new(&[]).signed_in(&posthog));
    let mut editor = opened(start).await;
    let status = editor.status("loading").await;
    assert_eq!(status["readOnly"], false);
    let shown = &status["environments"][0];
    assert_eq!((&shown["name"], &shown["host"]), (&json!("production"), &json!(posthog.url())));
    let root = editor.uri("");
    assert_eq!(shown["roots"], json!([root.trim_end_matches('/')]));
    assert_eq!((&shown["flags"], &shown["fetchedAt"]), (&json!(null), &json!(null)));
    let ready = editor.status("ready").await;
    let shown = &ready["environments"][0];
    assert_eq!(shown["flags"], posthog.count("flags").await - 1, "one is archived");
    assert!(shown["fetchedAt"].as_str().unwrap().ends_with('Z'));
    editor.warned(APP, &WARNINGS).await;
    // What changes nothing is no reason to send it.
    editor.hover_until(APP, "new-checkout", "in the last 7 days").await;
    editor.edit(APP, "gift", "no-gift").await;
    editor.configure(json!({ "staleDays": 50 })).await;
    editor.warned(APP, &[WARNINGS[0], "no-gift-wrapping"]).await;
    let again = editor.client.unread().await;
    assert!(again.iter().all(|it| it["method"] != "flagline/status"), "{again:#?}");
    // Trouble, with what was known before.
    posthog.faults(json!([{ "kind": "html" }])).await;
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    let status = editor.status("trouble").await;
    let shown = &status["environments"][0];
    assert_eq!(shown["flags"], ready["environments"][0]["flags"]);
    assert!(shown["message"].as_str().unwrap().contains("does not answer like PostHog"));
    editor.told().await;
    posthog.faults(json!([])).await;
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    editor.status("ready").await;
    editor.configure(json!({ "staleDays": 50, "readOnly": true })).await;
    assert_eq!(editor.status("ready").await["readOnly"], true);
    finish(editor).await;
}

#[tokio::test]
async fn the_status_is_only_for_those_who_want_it() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[]).signed_in(&posthog);
    let own = json!({ "flagline": { "credentials": true, "status": false } });
    let mut editor = opened(start.capability("/experimental", own)).await;
    editor.warned(APP, &WARNINGS).await;
    editor.finish().await;
}

// A workspace that is not trusted.

#[tokio::test]
async fn read_only_writes_nothing_until_it_is_trusted() {
    let posthog = Posthog::start().await;
    for literals in [true, false] {
        let mut start = Start::new(&[]).signed_in(&posthog).options(json!({ "readOnly": true }));
        if !literals {
            start = start.capability("/textDocument/codeAction", json!({}));
        }
        let mut editor = opened(start).await;
        editor.warned(APP, &WARNINGS).await;
        let before = [posthog.count("flags").await, posthog.count("dashboards").await];
        editor.write(".flagline/gift-wrapping.toml", "key = \"gift-wrapping\"\n");
        editor.watched(".flagline/gift-wrapping.toml", 1).await;
        editor.hover_until(APP, "gift-wrapping", "its brief is not launched").await;
        match literals {
            true => {
                let action = editor.action(APP, "gift-wrapping", "Launch feature").await;
                let reason = action["disabled"]["reason"].as_str().unwrap();
                assert!(reason.contains("this workspace is not trusted"), "{reason}");
                assert!(action.get("command").is_none() && action.get("edit").is_none());
            }
            // Who cannot be shown why is not offered what does not work.
            false => assert_eq!(editor.actions(APP, "gift-wrapping").await, Vec::<Value>::new()),
        }
        editor.start_launch("gift-wrapping").await;
        assert!(editor.told().await.contains("this workspace is not trusted"));
        assert_eq!([posthog.count("flags").await, posthog.count("dashboards").await], before);
        // Removing code is the user's own.
        editor.action(APP, "new-checkout", "Remove flag").await;
        editor.finish().await;
    }
    let start = Start::new(&[]).signed_in(&posthog).options(json!({ "readOnly": true }));
    let mut editor = opened(start).await;
    editor.warned(APP, &WARNINGS).await;
    editor.write(".flagline/gift-wrapping.toml", "key = \"gift-wrapping\"\n");
    editor.watched(".flagline/gift-wrapping.toml", 1).await;
    editor.hover_until(APP, "gift-wrapping", "its brief is not launched").await;
    editor.configure(json!({ "flagline": { "readOnly": false } })).await;
    eventually("the action is allowed", async || {
        editor.action(APP, "gift-wrapping", "Launch feature").await.get("disabled").is_none()
    })
    .await;
    assert!(editor.launch("gift-wrapping").await.contains("is launched"));
    editor.warned(APP, &WARNINGS[..1]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_folder_that_is_not_trusted_does_not_choose_the_posthog() {
    let (posthog, evil) = (Posthog::start().await, Posthog::start().await);
    let toml = format!("[[environment]]\nhost = \"{}\"\nproject = 1\n", evil.url());
    let start = declared(Start::new(&[("flagline.toml", &toml), (".posthog.json", "{ \"projectId\": 9 }")]));
    let settings = json!({ "readOnly": true, "host": posthog.url() });
    let mut editor = opened(start.options(settings)).await;
    // The folder's own host is not even asked for.
    let asked = editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    assert_eq!(asked, json!({ "host": posthog.url() }));
    editor.warned(APP, &WARNINGS).await;
    assert_eq!(evil.all_requests().await, 0);
    // Trusted, the settings of the editor still go before; without them, the folder says it.
    editor.configure(json!({ "readOnly": false, "host": null })).await;
    let asked = editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    assert_eq!(asked, json!({ "host": evil.url() }));
    eventually("the folder's own is asked", async || evil.all_requests().await > 0).await;
    editor.ignore("textDocument/publishDiagnostics");
    finish(editor).await;
}

// Keys that `flagline login` kept.

/// What `flagline login` leaves.
fn keep(folder: &std::path::Path, host: &str, key: Option<&str>) {
    let kept = key.map_or(json!({}), |it| json!({ "key": it }));
    let folder = folder.join("config/flagline");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("keys.json"), json!({ "hosts": { host: kept } }).to_string()).unwrap();
}

#[tokio::test]
async fn a_kept_key_counts_and_signing_in_and_out_elsewhere_is_noticed() {
    let posthog = Posthog::start().await;
    let start = start(&posthog).capability("/experimental", json!({ "flagline": { "status": true } }));
    let mut editor = start.start().await;
    assert!(editor.told().await.contains("not signed in to"));
    editor.open(APP, CODE).await;
    keep(editor.folder.path(), posthog.url(), Some(API_KEY));
    editor.warned(APP, &WARNINGS).await;
    eventually("there is a mirror", async || mirrors(&editor) == 1).await;
    std::fs::write(editor.folder.path().join("config/flagline/keys.json"), r#"{ "hosts": {} }"#).unwrap();
    eventually("the mirror is gone", async || mirrors(&editor) == 0).await;
    editor.ignore("textDocument/publishDiagnostics");
    editor.ignore("window/showMessage");
    finish(editor).await;
}

#[tokio::test]
async fn the_client_goes_before_a_kept_key_and_signing_out_forgets_both() {
    let posthog = Posthog::start().await;
    let start = start(&posthog);
    keep(start.folder.path(), posthog.url(), Some(GRACE_KEY));
    let mut editor = opened(start).await;
    editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    editor.warned(APP, &WARNINGS).await;
    editor.request("flagline/signOut", json!({ "host": posthog.url() })).await;
    editor.status("signed-out").await;
    let kept = std::fs::read_to_string(editor.folder.path().join("config/flagline/keys.json")).unwrap();
    assert!(!kept.contains("phx_"), "{kept}");
    editor.ignore("textDocument/publishDiagnostics");
    editor.ignore("window/showMessage");
    finish(editor).await;
}

/// A bus that takes connections and never says a word.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_keyring_that_hangs_holds_up_nothing() {
    let posthog = Posthog::start().await;
    let start = start(&posthog);
    let socket = start.folder.path().join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    keep(start.folder.path(), posthog.url(), None);
    let address = format!("unix:path={}", socket.display());
    let start = start.env("FLAGLINE_KEYRING", "on").env("DBUS_SESSION_BUS_ADDRESS", &address);
    let begun = std::time::Instant::now();
    let mut editor = opened(start).await;
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    // The client has the key: what the keyring would say does not matter.
    editor.answer("flagline/credential", json!({ "key": API_KEY })).await;
    editor.warned(APP, &WARNINGS).await;
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    finish(editor).await;
}
