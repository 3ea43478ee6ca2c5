//! What an editor shows: cards, warnings, actions, and what it tells when PostHog cannot be asked.

#![cfg(test)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "\
import posthog from 'posthog-js'

if (posthog.isFeatureEnabled('new-checkout')) {
  startCheckout()
} else {
  startOldCheckout()
}
export const banner = posthog.isFeatureEnabled('old-banner')
export const badge = posthog.isFeatureEnabled('new-chekout')
export const videos = posthog.isFeatureEnabled('project-videos')
";

/// The flags in `CODE` that the sandbox has.
const FLAGS_READ: usize = 3;

/// The end of every session here that got everything from the sandbox.
const WARNINGS: [&str; 3] = [
    "stale-flag: 'new-checkout' is on for everyone since ",
    "disabled-flag: 'old-banner' is off for everyone since ",
    "unknown-flag: Offset has no flag 'new-chekout'; did you mean 'new-checkout'?",
];

async fn opened(start: Start) -> Editor {
    let mut editor = start.start().await;
    editor.open(APP, CODE).await;
    editor
}

async fn warned(posthog: &Posthog, adapt: impl FnOnce(Start) -> Start) -> Editor {
    let mut editor = opened(adapt(Start::new(&[]).signed_in(posthog))).await;
    editor.warned(APP, &WARNINGS).await;
    editor
}

// Hover.

#[tokio::test]
async fn hover_shows_what_is_known_in_markdown() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let text = editor.hover_until(APP, "project-videos", "People in the last 7 days").await;
    let hover = editor.hover(APP, "project-videos").await;
    assert_eq!(hover["contents"]["kind"], "markdown");
    assert_eq!(hover["range"], editor.range_of(APP, "'project-videos'"));
    let flag = posthog.flag("project-videos").await;
    let page = format!("[Flag]({}/project/1/feature_flags/{})", posthog.url(), flag["id"]);
    for words in ["**project-videos**", "beta, 40 %", "Videos of the projects", "**on**", "last seen", &page]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let text = editor.hover_text(APP, "new-chekout").await;
    assert!(text.contains("unknown") && text.contains("Did you mean **new-checkout**?"), "{text}");
    // Beside the key there is nothing to show.
    assert_eq!(editor.hover(APP, "posthog-js").await, json!(null));
    editor.finish().await;
}

#[tokio::test]
async fn hover_is_plain_text_for_those_who_want_it() {
    let posthog = Posthog::start().await;
    let formats = json!(["plaintext", "markdown"]);
    let mut editor = warned(&posthog, |it| it.capability("/textDocument/hover/contentFormat", formats)).await;
    let text = editor.hover_until(APP, "new-checkout", "in the last 7 days").await;
    assert_eq!(editor.hover(APP, "new-checkout").await["contents"]["kind"], "plaintext");
    for markup in ["**", "](", "`", "\\"] {
        assert!(!text.contains(markup), "{markup:?} in {text}");
    }
    assert!(text.contains(&format!("{}/project/1/feature_flags/", posthog.url())), "{text}");
    editor.finish().await;
}

// Diagnostics.

#[tokio::test]
async fn the_three_diagnostics_are_whole() {
    let posthog = Posthog::start().await;
    let mut editor = opened(Start::new(&[]).signed_in(&posthog)).await;
    let found = loop {
        let found = editor.published(APP).await;
        if found.len() == 3 && found[0]["message"].as_str().unwrap().contains("since") {
            break found;
        }
    };
    let checkout = posthog.flag("new-checkout").await["id"].clone();
    let banner = posthog.flag("old-banner").await["id"].clone();
    for (diagnostic, code, severity, key, page) in [
        (&found[0], "stale-flag", 2, "new-checkout", format!("feature_flags/{checkout}")),
        (&found[1], "disabled-flag", 3, "old-banner", format!("feature_flags/{banner}")),
        (&found[2], "unknown-flag", 2, "new-chekout", "feature_flags".to_owned()),
    ] {
        let href = format!("{}/project/1/{page}", posthog.url());
        let expected = json!({
            "range": editor.range_of(APP, &format!("'{key}'")),
            "severity": severity,
            "code": code,
            "codeDescription": { "href": href },
            "source": "flagline",
            "message": diagnostic["message"],
            "data": { "key": key },
        });
        assert_eq!(*diagnostic, expected);
    }
    editor.finish().await;
}

#[tokio::test]
async fn a_client_without_code_descriptions_gets_none() {
    let posthog = Posthog::start().await;
    let plain = |it: Start| it.capability("/textDocument/publishDiagnostics", json!({}));
    let mut editor = opened(plain(Start::new(&[]).signed_in(&posthog))).await;
    let first = editor.published(APP).await;
    assert!(first.iter().all(|it| it.get("codeDescription").is_none()), "{first:#?}");
    editor.warned(APP, &WARNINGS).await;
    editor.finish().await;
}

#[tokio::test]
async fn how_old_a_stale_flag_is_can_be_set() {
    let posthog = Posthog::start().await;
    let mut editor = opened(Start::new(&[]).signed_in(&posthog).options(json!({ "staleDays": 365 }))).await;
    editor.warned(APP, &WARNINGS[1..]).await;
    editor.finish().await;
    let mut editor = opened(Start::new(&[]).signed_in(&posthog).options(json!({ "staleDays": 10 }))).await;
    editor
        .warned(APP, &[WARNINGS[0], "stale-flag: 'old-banner' is off for everyone since ", WARNINGS[2]])
        .await;
    editor.finish().await;
}

// Nothing is loaded: no diagnostics, and one message that says what to do.

/// Whatever is typed and looked at, there is nothing to read but the one message.
async fn stays_silent(mut editor: Editor, why: &str) {
    let told = editor.told().await;
    assert!(told.contains(why), "{told}");
    let hover = editor.hover_text(APP, "new-checkout").await;
    assert!(hover.contains("not loaded"), "{hover}");
    editor.edit(APP, "'new-chekout'", "'no-such-flag'").await;
    let hover = editor.hover_text(APP, "no-such-flag").await;
    assert!(hover.contains("not loaded"), "{hover}");
    assert_eq!(editor.actions(APP, "no-such-flag").await, Vec::<Value>::new());
    editor.write(".flagline/no-such-flag.toml", "key = \"no-such-flag\"\n");
    editor.start_launch("no-such-flag").await;
    let told = editor.told().await;
    assert!(told.contains("no-such-flag"), "{told}");
    editor.finish().await;
}

#[tokio::test]
async fn signed_out() {
    let editor = opened(Start::new(&[])).await;
    stays_silent(editor, "not signed in to").await;
}

#[tokio::test]
async fn a_project_token_is_no_key() {
    let start = Start::new(&[]).env("FLAGLINE_API_KEY", "phc_public");
    let mut editor = opened(start).await;
    let told = editor.told().await;
    assert!(told.contains("this is a project token") && told.contains("phx_..."), "{told:?}");
    editor.finish().await;
}

#[tokio::test]
async fn unreachable_and_nothing_on_disk() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[]).signed_in(&posthog);
    let url = posthog.stop().await;
    stays_silent(opened(start).await, &format!("{url} cannot be reached")).await;
}

#[tokio::test]
async fn a_key_that_is_not_accepted() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[]).signed_in(&posthog).env("FLAGLINE_API_KEY", "phx_revoked");
    let why = "does not accept the API key";
    stays_silent(opened(start).await, why).await;
}

#[tokio::test]
async fn a_host_that_answers_with_web_pages() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "html" }])).await;
    let start = Start::new(&[]).signed_in(&posthog);
    stays_silent(opened(start).await, "does not answer like PostHog (a web page); is the address right?")
        .await;
}

#[tokio::test]
async fn json_that_ends_in_the_middle() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "malformed" }])).await;
    let start = Start::new(&[]).signed_in(&posthog);
    stays_silent(opened(start).await, "gave an answer that cannot be understood").await;
}

#[tokio::test]
async fn a_list_of_flags_that_fails_says_nothing_of_flags() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "malformed", "path_contains": "archived=true" }])).await;
    let mut editor = opened(Start::new(&[]).signed_in(&posthog)).await;
    // Half of the flags are there, and archived ones would look unknown.
    assert!(editor.told().await.contains("cannot be understood"));
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    // Once the cause is gone, a refresh brings everything.
    posthog.faults(json!([])).await;
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    editor.warned(APP, &WARNINGS).await;
    editor.finish().await;
}

// Partly loaded.

/// The mirror's file once it holds a history of every flag that is read: those come last.
async fn mirror_on_disk(editor: &Editor) -> (PathBuf, Vec<u8>) {
    let cache = editor.folder.path().join("cache/flagline");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let entries = std::fs::read_dir(&cache).into_iter().flatten().map(|it| it.unwrap().path());
        let files: Vec<_> = entries.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
        assert!(files.len() <= 1, "{files:?}");
        if let [file] = &files[..] {
            let stored = std::fs::read(file).unwrap();
            let known: Value = serde_json::from_slice(&stored).unwrap();
            let n = |part: &str| known[part].as_array().map_or(0, Vec::len);
            if n("exposure") == FLAGS_READ && n("history") == FLAGS_READ {
                return (file.clone(), stored);
            }
        }
        assert!(Instant::now() < deadline, "the disk never had everything");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_mirror_on_disk_starts_warm_and_works_offline() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    editor.hover_until(APP, "project-videos", "People in the last 7 days").await;
    let (file, stored) = mirror_on_disk(&editor).await;
    assert!(!String::from_utf8_lossy(&stored).contains(flagline::sandbox::API_KEY));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    editor.finish().await;

    let start = Start::new(&[]).signed_in(&posthog);
    let folder = start.folder.path().join("cache/flagline");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(file.file_name().unwrap()), &stored).unwrap();
    let url = posthog.stop().await;
    let mut editor = opened(start).await;
    assert!(editor.told().await.contains(&format!("{url} cannot be reached")));
    editor.warned(APP, &WARNINGS).await;
    let hover = editor.hover_text(APP, "project-videos").await;
    for words in ["People in the last 7 days", "Not up to date: ", "cannot be reached"] {
        assert!(hover.contains(words), "no {words:?} in {hover}");
    }
    editor.finish().await;
}

#[tokio::test]
async fn a_key_without_queries_leaves_everything_else() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "status", "status": 403, "path_contains": "/query/" }])).await;
    let mut editor = warned(&posthog, |it| it).await;
    let hover = editor.hover_until(APP, "project-videos", "Exposure cannot be told").await;
    assert!(hover.contains("beta, 40 %") && hover.contains("not allowed"), "{hover}");
    // Not asked again and again.
    assert_eq!(posthog.requests("POST /api/projects/:id/query/").await, 1);
    editor.hover_text(APP, "new-checkout").await;
    assert_eq!(posthog.requests("POST /api/projects/:id/query/").await, 1);
    editor.finish().await;
}

#[tokio::test]
async fn a_short_wait_is_waited_for() {
    let posthog = Posthog::start().await;
    let fault = json!({ "kind": "status", "status": 429, "retry_after": 2, "times": 1 });
    posthog.faults(json!([fault])).await;
    let began = Instant::now();
    let editor = warned(&posthog, |it| it).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "asked again after {:?}", began.elapsed());
    assert_eq!(posthog.requests("GET /api/projects/:id/").await, 2);
    editor.finish().await;
}

#[tokio::test]
async fn a_long_wait_is_obeyed() {
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "status", "status": 429, "retry_after": 600 }])).await;
    let mut editor = opened(Start::new(&[]).signed_in(&posthog)).await;
    let told = editor.told().await;
    assert!(told.contains("PostHog asks to wait 600 s"), "{told}");
    for n in 0..20 {
        editor.edit(APP, "import", &format!("// {n}\nimport")).await;
        assert!(editor.hover_text(APP, "new-checkout").await.contains("wait 600 s"));
    }
    editor.close(APP).await;
    // `finish` waits for a moment, and nothing was asked in all that time.
    editor.finish().await;
    assert_eq!(posthog.all_requests().await, 1);
}
