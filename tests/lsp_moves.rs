//! A rollout is moved from the editor: what is offered, what is asked, what is written, and what is refused.

#![cfg(test)]

mod support;

use flagline::sandbox::GRACE_KEY;
use serde_json::{Value, json};
use support::{Editor, Posthog, Start, eventually};

const APP: &str = "app.ts";
const CODE: &str =
    "export function Projects() {\n  return posthog.isFeatureEnabled('offset-videos') ? 1 : 2\n}\n";
const KEY: &str = "offset-videos";
const BRIEF_FILE: &str = ".flagline/offset-videos.toml";
const BRIEF: &str = r#"key = "offset-videos"
name = "Videos of offsetting projects"
owner = "ada@offset.example"

[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }

[[stage]]
name = "beta"
audience = { properties = [{ key = "plan", value = "pro" }] }
steps = [50, 100]
pace = "1d"

[[stage]]
name = "everyone"
audience = "everyone"
steps = [10, 100]

[[before_lifting]]
what = "Subtitles for all videos"
"#;

/// A feature in its first stage, with its brief and the code that reads it open.
async fn launched(posthog: &Posthog, brief: &str, adapt: impl FnOnce(Start) -> Start) -> Editor {
    let files = [(APP, CODE), (BRIEF_FILE, brief)];
    let mut editor = adapt(Start::new(&files).signed_in(posthog)).start().await;
    editor.ignore("textDocument/publishDiagnostics");
    editor.open(APP, CODE).await;
    editor.open(BRIEF_FILE, brief).await;
    let told = editor.launch(KEY).await;
    assert!(told.contains("'offset-videos' is launched, in its first stage"), "{told}");
    editor
}

async fn lenses(editor: &mut Editor, path: &str) -> Vec<Value> {
    let at = json!({ "textDocument": { "uri": editor.uri(path) } });
    editor.request("textDocument/codeLens", at).await.as_array().unwrap().clone()
}

/// The command of the lens that says this, once it is there: what decides is loaded in the background.
async fn lens(editor: &mut Editor, path: &str, words: &str) -> Value {
    let mut seen = Vec::new();
    for _ in 0..1500 {
        seen = lenses(editor, path).await;
        let said = |it: &&Value| it["command"]["title"].as_str().unwrap().contains(words);
        if let Some(found) = seen.iter().find(said) {
            return found["command"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no lens says {words:?}: {seen:#?}");
}

fn command(editor: &Editor, name: &str, more: Value) -> Value {
    let mut argument = json!({ "key": KEY, "uri": editor.uri(APP) });
    argument.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "command": format!("flagline.{name}"), "arguments": [argument] })
}

/// Answers the next question; `None` goes away from it. Returns what it says and its buttons.
async fn asked(editor: &mut Editor, choice: Option<&str>) -> (String, Vec<String>) {
    let answer = choice.map_or(Value::Null, |it| json!({ "title": it }));
    let question = editor.answer("window/showMessageRequest", answer).await;
    let buttons = question["actions"].as_array().unwrap().iter();
    let buttons = buttons.map(|it| it["title"].as_str().unwrap().to_owned()).collect();
    (question["message"].as_str().unwrap().to_owned(), buttons)
}

/// Runs a move that is agreed to, and returns what is told.
async fn moved(editor: &mut Editor, name: &str, more: Value, button: &str) -> String {
    let command = command(editor, name, more);
    editor.execute(&command).await;
    let (question, buttons) = asked(editor, Some(button)).await;
    assert_eq!(buttons, [button], "{question}");
    editor.told().await
}

/// Whether the flag is on, and its conditions, the marks of messages aside.
async fn state(posthog: &Posthog) -> (bool, Vec<String>) {
    let flag = posthog.flag(KEY).await;
    let groups = flag["filters"]["groups"].as_array().unwrap().iter();
    let words = |it: &Value| {
        let description = it["description"].as_str().unwrap().split(" · telling").next().unwrap().to_owned();
        format!("{description}: {} %", it["rollout_percentage"].as_f64().unwrap())
    };
    (flag["active"].as_bool().unwrap(), groups.map(words).collect())
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[tokio::test]
async fn a_lens_of_the_brief_promotes() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it).await;
    let promote = lens(&mut editor, BRIEF_FILE, "promote to beta").await;
    assert_eq!(promote["command"], "flagline.promote");
    let titles: Vec<Value> =
        lenses(&mut editor, BRIEF_FILE).await.iter().map(|it| it["command"]["title"].clone()).collect();
    assert_eq!(titles[1..3], [json!("promote to beta"), json!("stop")]);
    // The code has one, too.
    assert_eq!(lens(&mut editor, APP, "promote to beta").await["command"], "flagline.promote");
    let before = state(&posthog).await;
    editor.execute(&promote).await;
    let (question, buttons) = asked(&mut editor, None).await;
    contains(
        &question,
        &[
            "promoting 'offset-videos' in Offset, now at 1/3 internal, 100 %: opens beta at 50 %.",
            "It touches beta: 0 →",
        ],
    );
    assert_eq!(buttons, ["Promote"]);
    assert_eq!(state(&posthog).await, before);
    editor.execute(&promote).await;
    asked(&mut editor, Some("Promote")).await;
    let told = editor.told().await;
    contains(
        &told,
        &[
            "'offset-videos' is promoted: opens beta at 50 %; PostHog goes to 100 % on ",
            "It is at 2/3 beta, 50 %. http",
            "Who follows it was told: entered.",
        ],
    );
    let after = ["1/3 internal: 100 %", "2/3 beta: 50 %", "3/3 everyone: 0 %"];
    assert_eq!(state(&posthog).await, (true, after.map(str::to_owned).to_vec()));
    // What PostHog will do by itself is known at once.
    lens(&mut editor, BRIEF_FILE, "goes to 100 % on").await;
    let card = editor.hover_until(APP, "offset-videos", "Next, on").await;
    contains(&card, &[": opens 2/3 beta to 100 %"]);
    for remark in ["scheduled", "telling"] {
        assert!(!card.contains(remark), "{card}");
    }
    editor.finish().await;
}

#[tokio::test]
async fn a_gate_that_does_not_hold_is_named_in_the_question() {
    let posthog = Posthog::start().await;
    let gated = BRIEF.replacen(
        "audience = { email_domain = \"offset.example\" }",
        "audience = { email_domain = \"offset.example\" }\ngate = { people = 5 }",
        1,
    );
    let mut editor = launched(&posthog, &gated, |it| it).await;
    let waits = lens(&mut editor, BRIEF_FILE, "waits for 5 more people").await;
    editor
        .hover_until(APP, "offset-videos", "Missing before it goes to beta: 5 more people to meet it")
        .await;
    editor.execute(&waits).await;
    let (question, buttons) = asked(&mut editor, None).await;
    contains(&question, &["opens beta at 50 %", "This speaks against it: 5 more people to meet it."]);
    assert_eq!(buttons, ["Promote Anyway"]);
    assert_eq!(state(&posthog).await.1[1], "2/3 beta: 0 %");
    let told = moved(&mut editor, "promote", json!({}), "Promote Anyway").await;
    contains(&told, &["is promoted: opens beta at 50 %"]);
    assert_eq!(state(&posthog).await.1[1], "2/3 beta: 50 %");
    editor.finish().await;
}

#[tokio::test]
async fn a_stop_bears_its_reason_until_somebody_resumes() {
    let posthog = Posthog::start().await;
    let asks_why = |it: Start| {
        it.capability("/experimental", json!({ "commands": { "commands": ["flagline.stopFeature"] } }))
    };
    let mut editor = launched(&posthog, BRIEF, asks_why).await;
    moved(&mut editor, "promote", json!({}), "Promote").await;
    // The client asks why, and says so.
    let own = editor.action(BRIEF_FILE, KEY, "Stop 'offset-videos'…").await["command"].clone();
    assert_eq!(own["command"], "flagline.stopFeature");
    assert_eq!(own["arguments"], json!([{ "key": KEY, "uri": editor.uri(BRIEF_FILE) }]));
    let told = moved(&mut editor, "stop", json!({ "reason": "videos do not load on iOS" }), "Stop").await;
    contains(
        &told,
        &[
            "'offset-videos' is stopped: closes beta; internal stays",
            "takes back 1 step of what was scheduled",
            "It is at 1/3 internal",
        ],
    );
    let stopped = "2/3 beta · stopped: videos do not load on iOS: 0 %";
    assert_eq!(state(&posthog).await.1[1], stopped);
    let card = editor.hover_until(APP, "offset-videos", "Stopped at beta: videos do not load on iOS").await;
    contains(&card, &["1/3 internal, 100 %", "flagline resume offset-videos"]);
    assert!(!card.contains("telling") && !card.contains("Next, on"), "{card}");
    // Nothing else goes on with it.
    let command = command(&editor, "promote", json!({}));
    editor.execute(&command).await;
    contains(
        &editor.told().await,
        &["'offset-videos' is not promoted: it was stopped at beta (videos do not load on iOS)"],
    );
    let resume = lens(&mut editor, APP, "resume beta (stopped: videos do not load on iOS)").await;
    editor.execute(&resume).await;
    let (question, buttons) = asked(&mut editor, Some("Resume")).await;
    contains(&question, &["resuming 'offset-videos'", "lifts the stop of beta (videos do not load on iOS)"]);
    assert_eq!(buttons, ["Resume"]);
    contains(&editor.told().await, &["'offset-videos' is resumed"]);
    assert_eq!(state(&posthog).await.1[1], "2/3 beta: 0 %");
    lens(&mut editor, BRIEF_FILE, "promote to beta").await;
    // Who gives no reason did it by hand.
    moved(&mut editor, "stop", json!({}), "Stop").await;
    assert_eq!(
        state(&posthog).await,
        (
            false,
            vec![
                "1/3 internal · stopped: by hand: 100 %".to_owned(),
                "2/3 beta: 0 %".to_owned(),
                "3/3 everyone: 0 %".to_owned(),
            ]
        )
    );
    lens(&mut editor, BRIEF_FILE, "resume internal (stopped: by hand)").await;
    let titles: Vec<Value> =
        lenses(&mut editor, BRIEF_FILE).await.iter().map(|it| it["command"]["title"].clone()).collect();
    assert!(!titles.contains(&json!("Launch")), "{titles:?}");
    editor.finish().await;
}

#[tokio::test]
async fn a_rollout_is_rolled_back_to_a_stage_that_is_chosen() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it).await;
    moved(&mut editor, "promote", json!({}), "Promote").await;
    moved(&mut editor, "promote", json!({}), "Promote Anyway").await;
    // Something must be done before the last stage.
    let promote = command(&editor, "promote", json!({}));
    editor.execute(&promote).await;
    let (question, _) = asked(&mut editor, Some("Promote Anyway")).await;
    contains(&question, &["This speaks against it: 'Subtitles for all videos' to be done before lifting."]);
    editor.told().await;
    assert_eq!(state(&posthog).await.1[2], "3/3 everyone: 10 %");
    let roll_back = command(&editor, "rollBack", json!({}));
    editor.execute(&roll_back).await;
    let (question, stages) = asked(&mut editor, Some("beta")).await;
    contains(&question, &["which stage of 'offset-videos' stays open?"]);
    assert_eq!(stages, ["internal", "beta"]);
    let (question, _) = asked(&mut editor, Some("Roll Back")).await;
    contains(&question, &["closes everyone; beta stays", "It touches everyone: 40 → 0 people, of 400"]);
    contains(&editor.told().await, &["'offset-videos' is rolled back: closes everyone; beta stays"]);
    assert_eq!(state(&posthog).await.1[2], "3/3 everyone · stopped: rolled back to beta: 0 %");
    // Or by an action, which names the stage.
    editor.hover_until(APP, "offset-videos", "Stopped at everyone").await;
    let action = editor.action(BRIEF_FILE, KEY, "Roll 'offset-videos' back to internal").await;
    editor.execute(&action["command"]).await;
    asked(&mut editor, Some("Roll Back")).await;
    contains(&editor.told().await, &["closes beta; internal stays"]);
    assert_eq!(state(&posthog).await.1[1], "2/3 beta · stopped: rolled back to internal: 0 %");
    // There is nothing before the first stage.
    editor.execute(&roll_back).await;
    contains(&editor.told().await, &["is not rolled back: it is not further than internal"]);
    editor.finish().await;
}

const TEST: &str = r#"key = "offset-videos"
owner = "ada@offset.example"
release = "ab-test"

[metric]
kind = "trend"
events = ["offset bought"]

[[stage]]
name = "everyone"
audience = "everyone"
"#;

#[tokio::test]
async fn a_test_is_finished_with_its_winner() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, TEST, |it| it).await;
    let finish = lens(&mut editor, BRIEF_FILE, "finish").await;
    editor.execute(&finish).await;
    let (question, variants) = asked(&mut editor, Some("test")).await;
    contains(&question, &["which variant of 'offset-videos' does everyone get?"]);
    assert_eq!(variants, ["control", "test"]);
    let (question, buttons) = asked(&mut editor, Some("Finish")).await;
    contains(&question, &["finishing 'offset-videos'", "everyone gets test"]);
    assert_eq!(buttons, ["Finish"]);
    contains(
        &editor.told().await,
        &[
            "'offset-videos' is finished: everyone gets test",
            "ends the experiment",
            "It is at everyone (test)",
        ],
    );
    let flag = posthog.flag(KEY).await;
    let shares: Vec<&Value> = flag["filters"]["multivariate"]["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["rollout_percentage"])
        .collect();
    assert_eq!(shares, [&json!(0), &json!(100)]);
    let experiments = posthog.get("experiments/?limit=100").await;
    let experiment =
        experiments["results"].as_array().unwrap().iter().find(|it| it["feature_flag_key"] == KEY).unwrap();
    assert!(experiment["end_date"].is_string() && experiment["conclusion"] == "won", "{experiment}");
    eventually("no lens finishes it again", async || {
        let titles = lenses(&mut editor, BRIEF_FILE).await;
        titles.iter().all(|it| it["command"]["title"] != "finish")
    })
    .await;
    editor.finish().await;
}

#[tokio::test]
async fn what_somebody_else_wrote_between_question_and_answer_stays() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it.options(json!({ "notifyChanges": false }))).await;
    let promote = command(&editor, "promote", json!({}));
    editor.execute(&promote).await;
    let question = editor.client.wait_for(|it| it["method"] == "window/showMessageRequest").await.unwrap();
    let mut filters = posthog.flag(KEY).await["filters"].clone();
    filters["groups"][0]["rollout_percentage"] = json!(30);
    posthog.change(GRACE_KEY, KEY, json!({ "filters": filters })).await;
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "title": "Promote" } });
    editor.client.send(&answer).await.unwrap();
    let told = editor.told().await;
    contains(
        &told,
        &[
            "is not promoted",
            "nothing was changed",
            "Now, by Grace",
            "1/3 internal, 30 %",
            "This would be: internal: 30 % → 100 %",
        ],
    );
    let now = ["1/3 internal: 30 %", "2/3 beta: 0 %", "3/3 everyone: 0 %"];
    assert_eq!(state(&posthog).await.1, now);
    // What is there now is known here, and decides what is offered.
    lens(&mut editor, BRIEF_FILE, "promote to 100 %").await;
    editor.finish().await;
}

#[tokio::test]
async fn what_cannot_be_written_is_said_with_what_to_do() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it).await;
    let before = state(&posthog).await;
    let promote = command(&editor, "promote", json!({}));
    // Somebody else must approve: it is asked for once.
    posthog.control("approvals", json!({ "actions": ["feature_flag.update"] })).await;
    for words in ["it waits for an approval", "a change of it waits for an approval"] {
        let told = moved(&mut editor, "promote", json!({}), "Promote").await;
        let words = format!("is not promoted: {words} in PostHog: change request ");
        contains(&told, &[&words, "/feature_flags/"]);
    }
    let (_, requests) = posthog.ask("GET", "/api/environments/1/change_requests/", Value::Null).await;
    assert_eq!(requests["results"].as_array().unwrap().len(), 1, "{requests}");
    posthog.control("approvals", json!({ "actions": [] })).await;
    let id = requests["results"][0]["id"].as_str().unwrap();
    let path = format!("/api/environments/1/change_requests/{id}/cancel/");
    assert_eq!(posthog.ask("POST", &path, json!({})).await.0, 200);
    // The key may only read.
    let reads =
        ["user:read", "project:read", "feature_flag:read", "query:read", "activity_log:read", "cohort:read"];
    posthog.scopes(&reads).await;
    let told = moved(&mut editor, "promote", json!({}), "Promote").await;
    contains(&told, &["not allowed", "give the key the scope feature_flag:write under http"]);
    assert_eq!(state(&posthog).await, before);
    // There is no such stage, no such feature, no brief.
    let nowhere = command(&editor, "rollBack", json!({ "stage": "alpha" }));
    editor.execute(&nowhere).await;
    contains(&editor.told().await, &["its plan has no stage 'alpha'; it has internal, beta, everyone"]);
    let briefless = json!({ "command": "flagline.promote", "arguments": [{ "key": "new-checkout" }] });
    editor.execute(&briefless).await;
    contains(&editor.told().await, &["'new-checkout' is not promoted: it has no brief"]);
    // Nobody answers.
    editor.ignore("window/showMessage");
    posthog.stop().await;
    editor.execute(&promote).await;
    contains(&editor.told().await, &["'offset-videos' is not promoted: ", "cannot be reached"]);
    editor.finish().await;
}

#[tokio::test]
async fn what_has_newer_rules_is_only_read() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it).await;
    lens(&mut editor, BRIEF_FILE, "promote to beta").await;
    let mut flag = posthog.flag(KEY).await;
    flag["filters"]["version"] = json!(2);
    flag["version"] = json!(99);
    flag["updated_at"] = json!("2099-01-01T00:00:00Z");
    let body = json!({ "count": 1, "next": null, "results": [flag] });
    let listed = json!({ "path_contains": "feature_flags/?", "kind": "status", "status": 200, "body": body });
    posthog.faults(json!([listed])).await;
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    editor.hover_until(APP, "offset-videos", "changed on its page only").await;
    let is_harmless = |it: &str| matches!(it, "flagline.open" | "flagline.follow");
    for path in [BRIEF_FILE, APP] {
        let found = lenses(&mut editor, path).await;
        let commands: Vec<&str> = found.iter().map(|it| it["command"]["command"].as_str().unwrap()).collect();
        assert!(commands.iter().all(|it| is_harmless(it)), "{path}: {found:#?}");
    }
    let actions = editor.actions(BRIEF_FILE, KEY).await;
    let commands: Vec<&str> = actions.iter().map(|it| it["command"]["command"].as_str().unwrap()).collect();
    assert!(commands.iter().all(|it| is_harmless(it)), "{actions:#?}");
    let promote = command(&editor, "promote", json!({}));
    editor.execute(&promote).await;
    contains(&editor.told().await, &["rules of a newer kind, which can be changed on its page only"]);
    editor.finish().await;
}

#[tokio::test]
async fn in_a_workspace_that_is_not_trusted_nothing_is_moved() {
    let posthog = Posthog::start().await;
    let mut editor = launched(&posthog, BRIEF, |it| it).await;
    lens(&mut editor, BRIEF_FILE, "promote to beta").await;
    editor.configure(json!({ "flagline": { "readOnly": true } })).await;
    let promote = command(&editor, "promote", json!({}));
    eventually("no lens moves it", async || {
        let titles = lenses(&mut editor, BRIEF_FILE).await;
        titles.iter().all(|it| it["command"]["command"] == "flagline.open")
    })
    .await;
    editor.execute(&promote).await;
    contains(&editor.told().await, &["is not promoted: this workspace is not trusted"]);
    let action = editor.action(APP, "offset-videos", "Promote 'offset-videos' to beta").await;
    assert!(action["disabled"]["reason"].as_str().unwrap().contains("not trusted"), "{action}");
    editor.finish().await;
}
