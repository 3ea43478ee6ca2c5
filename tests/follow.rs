//! `flagline follow` and `flagline unfollow`: who is told by PostHog what happens to a flag, with no client running.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use flagline::sandbox::{PROJECT_TOKEN, Shape};
use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{run, signed_in, tree};

const SECRET: &str = "https://chat.example/s3cret";
const BRIEF: &str = "key = \"project-videos\"\nname = \"Videos\"\n";

/// A repository in which one of the project's flags has a brief.
fn app() -> TempDir {
    tree(&[(".git/HEAD", "ref: refs/heads/main\n"), (".flagline/project-videos.toml", BRIEF)])
}

/// Exit code, stdout and stderr of a command, with nobody at the terminal.
async fn told(posthog: &Posthog, folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder.path(), posthog);
    command
        .args(arguments)
        .env("FLAGLINE_WEBHOOK_DEPLOYS", SECRET)
        .env("FLAGLINE_WEBHOOK_PLAIN", "http://chat.example");
    run(command).await
}

/// The functions that are not deleted.
async fn functions(posthog: &Posthog) -> Vec<Value> {
    let listed = posthog.get("hog_functions/?types=destination,internal_destination").await;
    listed["results"].as_array().unwrap().clone()
}

/// Something happens to the feature.
async fn message(posthog: &Posthog, flag: &str) {
    let event = json!({
        "api_key": PROJECT_TOKEN,
        "event": "flagline message",
        "distinct_id": "flagline",
        "properties": { "flag": flag, "stage": "beta", "kind": "stage", "text": format!("{flag} is in beta"),
            "$process_person_profile": false },
    });
    let (status, answer) = posthog.ask("POST", "/i/v0/e/", event).await;
    assert_eq!(status, 200, "{answer}");
}

/// What was sent since the last look: to whom, and what.
async fn sent(posthog: &Posthog) -> Vec<(String, Value)> {
    let outbox = posthog.ask("GET", "/_sandbox/outbox/", Value::Null).await.1;
    posthog.ask("DELETE", "/_sandbox/outbox/", Value::Null).await;
    let whom = |it: &Value| it["channel"].as_str().or(it["url"].as_str()).unwrap().to_owned();
    let what = |it: &Value| if it["text"].is_null() { it["body"].clone() } else { it["text"].clone() };
    outbox["results"].as_array().unwrap().iter().map(|it| (whom(it), what(it))).collect()
}

#[tokio::test]
async fn a_channel_is_told_until_it_follows_no_more() {
    let (posthog, folder) = (Posthog::start().await, app());
    message(&posthog, "project-videos").await;
    assert_eq!(sent(&posthog).await, Vec::new());
    let arguments = ["follow", "project-videos", "--slack", "#releases", "--yes"];
    let (code, stdout, stderr) = told(&posthog, &folder, &arguments).await;
    assert_eq!((code, &*stderr), (0, ""));
    assert_eq!(stdout, "#releases follows: Offset tells it what happens to 'project-videos'.\n");
    message(&posthog, "project-videos").await;
    message(&posthog, "new-checkout").await;
    assert_eq!(sent(&posthog).await, [("C0RELEASES".to_owned(), json!("project-videos is in beta"))]);
    // By its id it is the same channel, and nothing is asked.
    let (code, stdout, _) =
        told(&posthog, &folder, &["follow", "project-videos", "--slack", "C0RELEASES"]).await;
    assert_eq!((code, functions(&posthog).await.len()), (0, 1));
    assert_eq!(stdout, "#releases follows already: Offset tells it what happens to 'project-videos'.\n");
    let (code, stdout, _) =
        told(&posthog, &folder, &["unfollow", "project-videos", "--slack", "releases", "--yes"]).await;
    assert_eq!((code, &*stdout), (0, "#releases does not follow 'project-videos' any more (messages).\n"));
    message(&posthog, "project-videos").await;
    assert_eq!((sent(&posthog).await, functions(&posthog).await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_webhook_is_told_and_its_address_is_shown_to_nobody() {
    let (posthog, folder) = (Posthog::start().await, app());
    let follow = ["follow", "project-videos", "--webhook", "deploys", "--yes", "--format", "json"];
    let (code, stdout, stderr) = told(&posthog, &folder, &follow).await;
    assert!(code == 0 && !stdout.contains("s3cret") && stderr.is_empty(), "{stdout}{stderr}");
    let body: Value = serde_json::from_str(&stdout).unwrap();
    let follower = &body["followers"][0];
    assert_eq!((&follower["webhook"], &follower["tells"]), (&json!("deploys"), &json!("messages")));
    assert_eq!(body["done"], json!({ "action": "made", "id": follower["id"] }));
    message(&posthog, "project-videos").await;
    let sent = sent(&posthog).await;
    assert_eq!((&*sent[0].0, &sent[0].1["text"]), (SECRET, &json!("project-videos is in beta")));
    let (_, stdout, _) = told(&posthog, &folder, &["follow", "project-videos"]).await;
    assert_eq!(stdout, "Who follows 'project-videos' in Offset:\n  the webhook deploys: messages\n");
    for (name, words) in [
        ("other", "FLAGLINE_WEBHOOK_OTHER does not hold the webhook's address; set it"),
        ("plain", "the address in FLAGLINE_WEBHOOK_PLAIN must begin with https://"),
        (SECRET, "its address is a secret and stands in the variable FLAGLINE_WEBHOOK_<NAME>"),
    ] {
        let (code, _, stderr) =
            told(&posthog, &folder, &["follow", "project-videos", "--webhook", name, "--yes"]).await;
        assert!(code == 1 && stderr.contains(words) && !stderr.contains("s3cret"), "{stderr}");
    }
    // Nobody needs the address to be told no more.
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["unfollow", "project-videos", "--webhook", "deploys"]);
    assert_eq!(run(command).await.0, 0);
    assert_eq!(functions(&posthog).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_webhook_that_the_brief_tells_already_is_not_told_twice() {
    let (posthog, folder) = (Posthog::start().await, app());
    let brief = folder.path().join(".flagline/project-videos.toml");
    std::fs::write(&brief, format!("{BRIEF}[notify]\nwebhook = \"deploys\"\n")).unwrap();
    let follow = ["follow", "project-videos", "--webhook", "deploys", "--yes"];
    let (code, stdout, stderr) = told(&posthog, &folder, &follow).await;
    let words = "flagline: the brief of 'project-videos' has the webhook deploys told already, so that PostHog would tell it \
        everything a second time; to let PostHog tell it instead, write webhook_in_posthog = true under [notify] and run: \
        flagline launch project-videos\n";
    assert_eq!((code, &*stdout, &*stderr), (1, "", words));
    assert_eq!(functions(&posthog).await, Vec::<Value>::new());
    assert_eq!(told(&posthog, &folder, &[&follow[..], &["--changes"]].concat()).await.0, 0);
    std::fs::write(&brief, format!("{BRIEF}[notify]\nwebhook = \"deploys\"\nwebhook_in_posthog = true\n"))
        .unwrap();
    assert_eq!(told(&posthog, &folder, &follow).await.0, 0);
    assert_eq!(functions(&posthog).await.len(), 2);
}

#[tokio::test]
async fn of_a_flag_without_a_brief_there_are_changes() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, _, stderr) = told(&posthog, &folder, &["follow", "new-checkout", "--slack", "#alerts"]).await;
    assert!(code == 1 && stderr.contains("--changes follows every change of it in PostHog"), "{stderr}");
    assert_eq!(functions(&posthog).await, Vec::<Value>::new());
    let arguments = ["follow", "new-checkout", "--slack", "#alerts", "--changes", "--yes"];
    let (code, stdout, stderr) = told(&posthog, &folder, &arguments).await;
    assert_eq!((code, &*stderr), (0, ""));
    assert_eq!(stdout, "#alerts follows: Offset tells it every change of 'new-checkout'.\n");
    posthog.change(flagline::sandbox::API_KEY, "new-checkout", json!({ "active": false })).await;
    posthog
        .change(flagline::sandbox::API_KEY, "project-videos", json!({ "name": "Videos of projects" }))
        .await;
    let sent = sent(&posthog).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].1.as_str().unwrap().starts_with("Flag new-checkout: updated by "), "{sent:?}");
    // Whoever asks nothing agrees to what would be asked.
    let (code, stdout, _) =
        told(&posthog, &folder, &["follow", "new-checkout", "--slack", "#releases", "--yes"]).await;
    assert!(code == 0 && stdout.contains("every change of 'new-checkout'"), "{stdout}");
}

#[tokio::test]
async fn what_somebody_disabled_is_enabled_when_that_is_agreed_to() {
    let (posthog, folder) = (Posthog::start().await, app());
    let follow = ["follow", "project-videos", "--slack", "#releases"];
    let (code, _, stderr) = told(&posthog, &folder, &follow).await;
    assert!(code == 1 && stderr.contains("nothing was changed; nobody was there to be asked"), "{stderr}");
    assert_eq!(told(&posthog, &folder, &[&follow[..], &["--yes"]].concat()).await.0, 0);
    let id = functions(&posthog).await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("hog_functions/{id}/");
    posthog.ask("PATCH", &path, json!({ "enabled": false, "name": "Ada's" })).await;
    assert_eq!(told(&posthog, &folder, &follow).await.0, 1);
    let (_, stdout, _) = told(&posthog, &folder, &["follow", "project-videos"]).await;
    assert!(stdout.ends_with("  #releases: messages (disabled)\n"), "{stdout}");
    assert_eq!(posthog.get(&path).await["enabled"], false);
    let (code, stdout, _) = told(&posthog, &folder, &[&follow[..], &["--yes"]].concat()).await;
    assert!(code == 0 && stdout.starts_with("#releases follows again: "), "{stdout}");
    let now = functions(&posthog).await;
    assert_eq!((now.len(), &now[0]["enabled"], &now[0]["name"]), (1, &json!(true), &json!("Ada's")));
}

#[tokio::test]
async fn what_a_person_made_is_listed_and_left_alone() {
    let (posthog, folder) = (Posthog::start().await, app());
    let by_hand = json!({
        "type": "destination", "name": "Ada's own", "enabled": true, "template_id": "template-slack",
        "inputs": { "slack_workspace": { "value": 1 }, "channel": { "value": "C0RELEASES" }, "text": { "value": "x" } },
        "filters": { "events": [{ "id": "flagline message", "type": "events",
            "properties": [{ "key": "flag", "type": "event", "operator": "exact", "value": "project-videos" }] }] },
    });
    let (status, made) = posthog.ask("POST", "hog_functions/", by_hand).await;
    assert_eq!(status, 201, "{made}");
    let (code, stdout, _) = told(&posthog, &folder, &["follow", "project-videos"]).await;
    assert_eq!(
        (code, &*stdout),
        (
            0,
            "Who follows 'project-videos' in Offset:\n  the channel C0RELEASES: messages; made by hand, left alone\n"
        )
    );
    let (code, _, stderr) =
        told(&posthog, &folder, &["unfollow", "project-videos", "--slack", "C0RELEASES"]).await;
    assert!(code == 1 && stderr.contains("'Ada's own' was made by hand and is left alone"), "{stderr}");
    let follow = ["follow", "project-videos", "--slack", "#releases", "--yes"];
    let (code, _, stderr) = told(&posthog, &folder, &follow).await;
    assert!(
        code == 0 && stderr.contains("'Ada's own', which somebody made by hand, may tell it too"),
        "{stderr}"
    );
    let (code, _, _) = told(&posthog, &folder, &["unfollow", "project-videos", "--slack", "#releases"]).await;
    let left = functions(&posthog).await;
    assert_eq!((code, left.len(), &left[0]["id"]), (0, 1, &made["id"]));
}

#[tokio::test]
async fn two_at_once_make_one() {
    let (posthog, folder) = (Posthog::start().await, app());
    // Both look before either makes one.
    posthog
        .faults(json!([{ "kind": "latency", "path_contains": "hog_functions", "milliseconds": 300 }]))
        .await;
    let follow = ["follow", "project-videos", "--slack", "#releases", "--yes"];
    let both = tokio::join!(told(&posthog, &folder, &follow), told(&posthog, &folder, &follow));
    assert_eq!((both.0.0, both.1.0), (0, 0), "{both:?}");
    posthog.faults(json!([])).await;
    assert_eq!(functions(&posthog).await.len(), 1);
    message(&posthog, "project-videos").await;
    assert_eq!(sent(&posthog).await.len(), 1);
}

#[tokio::test]
async fn a_launch_takes_who_follows_for_its_own() {
    let (posthog, folder) = (Posthog::start().await, app());
    let brief = "key = \"tours\"\nowner = \"ada@offset.example\"\n[notify]\nslack = \"#releases\"\nflag_changes = true\n";
    std::fs::write(folder.path().join(".flagline/tours.toml"), brief).unwrap();
    assert_eq!(told(&posthog, &folder, &["launch", "tours", "--leave-off", "--yes"]).await.0, 0);
    // Another channel is another follower, and no changed one of the launch's.
    for arguments in
        [&["--slack", "#alerts"][..], &["--slack", "#releases"], &["--slack", "#releases", "--changes"]]
    {
        let arguments = [&["follow", "tours", "--yes"], arguments].concat();
        assert_eq!(told(&posthog, &folder, &arguments).await.0, 0);
    }
    let (_, stdout, _) = told(&posthog, &folder, &["follow", "tours"]).await;
    assert_eq!(
        stdout,
        "Who follows 'tours' in Offset:\n  #alerts: messages\n  #releases: messages, changes, alerts\n"
    );
    let before = functions(&posthog).await.len();
    // What was unfollowed, and followed again, is the launch's as well.
    let (code, stdout, stderr) =
        told(&posthog, &folder, &["unfollow", "tours", "--slack", "#releases"]).await;
    assert!(
        code == 0 && stderr.contains("the brief of 'tours' names it: take it out of [notify]"),
        "{stdout}{stderr}"
    );
    assert_eq!(told(&posthog, &folder, &["follow", "tours", "--slack", "#releases", "--yes"]).await.0, 0);
    let (code, stdout, _) = told(&posthog, &folder, &["launch", "tours", "--leave-off", "--yes"]).await;
    assert!(code == 0 && !stdout.contains("not as the brief says"), "{stdout}");
    assert_eq!(functions(&posthog).await.len(), before);
}

#[tokio::test]
async fn a_flag_that_cannot_be_followed_is_refused_with_what_to_do() {
    let (posthog, folder) = (Posthog::start().await, app());
    let (code, stdout, stderr) = told(&posthog, &folder, &["follow", "project-videos"]).await;
    assert_eq!((code, &*stdout), (1, "Nobody follows 'project-videos' in Offset.\n"));
    assert!(stderr.contains("name whom to tell: --slack '#channel', or --webhook NAME"), "{stderr}");
    posthog.create("old-tours").await;
    posthog
        .change(flagline::sandbox::API_KEY, "old-tours", json!({ "archived": true, "active": false }))
        .await;
    for (arguments, words) in [
        (["old-tours", "--slack", "#releases"], "'old-tours' is archived, so nothing happens to it"),
        (
            ["project-vidoes", "--slack", "#releases"],
            "Offset has no flag 'project-vidoes'; did you mean 'project-videos'?",
        ),
        (
            ["project-videos", "--slack", "#release"],
            "Slack has no channel #release that PostHog sees; did you mean #releases?",
        ),
        (["project-videos", "--slack", "#nowhere"], "invite PostHog to it in Slack, or name another"),
    ] {
        let (code, _, stderr) =
            told(&posthog, &folder, &[&["follow", "--yes"], &arguments[..]].concat()).await;
        assert!(code == 1 && stderr.contains(words), "{arguments:?}: {stderr}");
    }
    let (code, _, stderr) =
        told(&posthog, &folder, &["unfollow", "project-videos", "--slack", "#alerts"]).await;
    assert!(
        code == 1 && stderr.contains("#alerts does not follow 'project-videos'; nobody does"),
        "{stderr}"
    );
    assert_eq!(
        told(&posthog, &folder, &["follow", "project-videos", "--slack", "#a", "--webhook", "b"]).await.0,
        2
    );
    assert_eq!(functions(&posthog).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_the_key_the_plan_or_the_server_does_not_have_is_said() {
    let (posthog, folder) = (Posthog::start().await, app());
    let follow = ["follow", "project-videos", "--slack", "#releases", "--yes"];
    let nothing = json!({ "count": 0, "next": null, "previous": null, "results": [] });
    let upgrade =
        json!({ "type": "validation_error", "code": "payment_required", "detail": "Upgrade to use this." });
    for (fault, words) in [
        (
            json!({ "kind": "status", "status": 200, "path_contains": "/integrations/?", "body": nothing }),
            "no Slack workspace is connected to Offset; connect one under ",
        ),
        (
            json!({ "kind": "status", "status": 402, "method": "POST", "path_contains": "hog_functions", "body": upgrade }),
            "this PostHog plan does not include it: Upgrade to use this.; the plan is changed under ",
        ),
    ] {
        posthog.faults(json!([fault])).await;
        let (code, _, stderr) = told(&posthog, &folder, &follow).await;
        assert!(code == 1 && stderr.contains(words), "{stderr}");
    }
    posthog.faults(json!([])).await;
    let all = ["user:read", "project:read", "feature_flag:read"];
    for (scopes, lacking) in [
        (&[][..], "hog_function:write"),
        (&["hog_function:read"], "integration:read"),
        (&["hog_function:read", "integration:read"], "hog_function:write"),
    ] {
        posthog.scopes(&[&all[..], scopes].concat()).await;
        let (code, _, stderr) = told(&posthog, &folder, &follow).await;
        let words = format!("give the key the scope {lacking} under ");
        assert!(code == 1 && stderr.contains(&words), "{scopes:?}: {stderr}");
    }
    let old = Posthog::shaped(Shape::December2023).await;
    let (code, _, stderr) = told(&old, &folder, &follow).await;
    assert!(code == 1 && stderr.contains("this server is too old to tell anybody by itself"), "{stderr}");
}

/// Newer servers leave the inputs out of lists, and with them the channel.
#[tokio::test]
async fn a_channel_that_the_list_leaves_out_is_asked_for() {
    let (posthog, folder) = (Posthog::start().await, app());
    let follow = ["follow", "project-videos", "--slack", "#releases", "--yes"];
    assert_eq!(told(&posthog, &folder, &follow).await.0, 0);
    let mut listed = posthog.get("hog_functions/?types=destination").await;
    let function = listed["results"][0].as_object_mut().unwrap();
    for name in ["inputs", "inputs_schema"] {
        function.remove(name);
    }
    // Even its name and its description are somebody else's words by now.
    function["name"] = "mine".into();
    let lists = json!({ "kind": "status", "status": 200, "method": "GET", "path_contains": "hog_functions/?", "body": listed });
    posthog.faults(json!([lists])).await;
    let (code, stdout, _) = told(&posthog, &folder, &follow).await;
    assert!(code == 0 && stdout.starts_with("#releases follows already"), "{stdout}");
    let path = "GET /api/projects/:id/hog_functions/:id/";
    assert!(posthog.requests(path).await > 0, "it was asked for");
}
