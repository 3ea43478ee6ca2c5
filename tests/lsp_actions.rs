//! What an editor can do about a read, and what happens then.

#![cfg(test)]

mod support;

use flagline::sandbox;
use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "\
import posthog from 'posthog-js'

const emoji = '😀'; if (posthog.isFeatureEnabled('new-checkout')) {
  startCheckout()
} else {
  startOldCheckout()
}
posthog.onFeatureFlags(() => render(posthog.getFeatureFlagResult('dark-mode')))
export const badge = posthog.isFeatureEnabled('new-chekout')
export const gifts = posthog.isFeatureEnabled('gift-wrapping')
";

const REMOVED: &str = "\
import posthog from 'posthog-js'

const emoji = '😀'; startCheckout()
posthog.onFeatureFlags(() => render(posthog.getFeatureFlagResult('dark-mode')))
export const badge = posthog.isFeatureEnabled('new-chekout')
export const gifts = posthog.isFeatureEnabled('gift-wrapping')
";

const WARNINGS: [&str; 4] = [
    "stale-flag: 'new-checkout' is on for everyone since ",
    "stale-flag: 'dark-mode' is on for everyone since ",
    "did you mean 'new-checkout'?",
    "unknown-flag: Offset has no flag 'gift-wrapping'",
];

async fn warned(posthog: &Posthog, adapt: impl FnOnce(Start) -> Start) -> Editor {
    let mut editor = adapt(Start::new(&[]).signed_in(posthog)).start().await;
    editor.open(APP, CODE).await;
    editor.warned(APP, &WARNINGS).await;
    editor
}

fn without_literals(start: Start) -> Start {
    start.capability("/textDocument/codeAction", json!({}))
}

/// The text after edits as LSP means them: all ranges are of the text before.
fn applied(text: &str, edits: &Value) -> String {
    let offset = |at: &Value| {
        let (line, character) =
            (at["line"].as_u64().unwrap() as usize, at["character"].as_u64().unwrap() as usize);
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut units = 0;
        let column = text[start..].char_indices().find(|(_, c)| {
            units += c.len_utf16();
            units > character
        });
        start + column.map_or(text.len() - start, |it| it.0)
    };
    let mut edits: Vec<(usize, usize, String)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let text = it["newText"].as_str().unwrap().to_owned();
            (offset(&it["range"]["start"]), offset(&it["range"]["end"]), text)
        })
        .collect();
    edits.sort();
    let mut result = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        result.replace_range(start..end, &new);
    }
    result
}

// Create feature, launch feature.

#[tokio::test]
async fn a_feature_is_created_as_a_brief_and_launched_once() {
    let posthog = Posthog::start().await;
    let mut editor =
        warned(&posthog, |it| it.capability("/window/showDocument", json!({ "support": true }))).await;
    let counts = async || {
        [
            posthog.count("flags").await,
            posthog.count("dashboards").await,
            posthog.count("session_recording_playlists").await,
        ]
    };
    let before = counts().await;
    let action = editor.action(APP, "gift-wrapping", "Create feature 'gift-wrapping'").await;
    assert_eq!(action["kind"], "quickfix");
    assert_eq!(action["diagnostics"][0]["range"], editor.range_of(APP, "'gift-wrapping'"));
    editor.execute(&action["command"]).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    let brief = ".flagline/gift-wrapping.toml";
    assert_eq!((&shown["uri"], &shown["external"]), (&json!(editor.uri(brief)), &json!(false)));
    assert!(editor.told().await.contains("'gift-wrapping' has a brief now. Launch it"));
    let text = std::fs::read_to_string(editor.root().join(brief)).unwrap();
    for line in ["key = \"gift-wrapping\"", "name = \"Gift wrapping\"", "owner = \"ada@offset.example\""] {
        assert!(text.lines().any(|it| it == line), "no {line} in\n{text}");
    }
    assert_eq!(counts().await, before, "nothing is made before the launch");
    let hover = editor.hover_until(APP, "gift-wrapping", "its brief is not launched").await;
    assert!(hover.contains("Brief: Gift wrapping"), "{hover}");
    // Once more: the brief is shown, not written over.
    std::fs::write(editor.root().join(brief), format!("{text}# mine\n")).unwrap();
    editor.execute(&action["command"]).await;
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("has a brief already"));
    assert!(std::fs::read_to_string(editor.root().join(brief)).unwrap().ends_with("# mine\n"));

    let action = editor.action(APP, "gift-wrapping", "Launch feature 'gift-wrapping'").await;
    editor.execute(&action["command"]).await;
    let question = editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    let message = question["message"].as_str().unwrap();
    for words in ["in Offset", "stage internal (people at offset.example at 100 %, 12 of 400 today)"] {
        assert!(message.contains(words), "no {words:?} in {message}");
    }
    let told = editor.told().await;
    assert!(told.contains("'gift-wrapping' is launched, in its first stage"), "{told}");
    editor.warned(APP, &WARNINGS[..3]).await;
    assert!(editor.hover_text(APP, "gift-wrapping").await.contains("1/2 internal, 100 %"));

    let flag = posthog.flag("gift-wrapping").await;
    assert_eq!(flag["active"], true);
    let groups = flag["filters"]["groups"].as_array().unwrap();
    let conditions: Vec<(&str, f64)> = groups
        .iter()
        .map(|it| (it["description"].as_str().unwrap(), it["rollout_percentage"].as_f64().unwrap()))
        .collect();
    assert_eq!(conditions, [("1/2 internal", 100.0), ("2/2 everyone", 0.0)]);
    assert_eq!(counts().await, before.map(|it| it + 1));

    // Once more: everything was there, and nobody is asked.
    editor.start_launch("gift-wrapping").await;
    let told = editor.told().await;
    assert!(told.contains("is launched already, and complete"), "{told}");
    assert_eq!(posthog.flag("gift-wrapping").await["version"], flag["version"], "nothing was written");
    editor.finish().await;
}

#[tokio::test]
async fn whoever_is_asked_may_look_leave_it_off_or_go_away() {
    let posthog = Posthog::start().await;
    let mut editor =
        warned(&posthog, |it| it.capability("/window/showDocument", json!({ "support": true }))).await;
    editor.write(".flagline/gift-wrapping.toml", "key = \"gift-wrapping\"\nname = \"Gifts\"\n");
    let before = posthog.count("flags").await;
    editor.start_launch("gift-wrapping").await;
    editor.answer("window/showMessageRequest", json!({ "title": "Show Plan" })).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    let path = url::Url::parse(shown["uri"].as_str().unwrap()).unwrap().to_file_path().unwrap();
    let plan = std::fs::read_to_string(path).unwrap();
    for words in ["Gifts (gift-wrapping), in Offset", "+ flag", "1/2 internal 100 %", "12 of 400"] {
        assert!(plan.contains(words), "no {words:?} in\n{plan}");
    }
    // The question comes again beside the plan, and nobody answers it.
    editor.answer("window/showMessageRequest", json!(null)).await;
    assert_eq!(posthog.count("flags").await, before);

    editor.start_launch("gift-wrapping").await;
    editor.answer("window/showMessageRequest", json!({ "title": "Make It, Leave It Off" })).await;
    let told = editor.told().await;
    assert!(told.contains("is made, and off: nobody sees it yet"), "{told}");
    assert_eq!(posthog.flag("gift-wrapping").await["active"], false);
    editor.watched(".flagline/gift-wrapping.toml", 1).await;
    editor.warned(APP, &WARNINGS[..3]).await;
    editor.hover_until(APP, "gift-wrapping", "not launched").await;
    let action = editor.action(APP, "gift-wrapping", "Launch feature").await;
    editor.execute(&action["command"]).await;
    editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    assert!(editor.told().await.contains("is launched, in its first stage"));
    editor.finish().await;
}

#[tokio::test]
async fn a_question_that_is_open_keeps_no_other_launch_from_going_on() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let brief = ".flagline/gift-wrapping.toml";
    editor.write(brief, "key = \"gift-wrapping\"\n");
    editor.start_launch("gift-wrapping").await;
    let open = editor.client.wait_for(|it| it["method"] == "window/showMessageRequest").await.unwrap();
    let before = [posthog.count("dashboards").await, posthog.count("insights").await];
    assert!(editor.launch("gift-wrapping").await.contains("is launched, in its first stage"));
    let agreed = json!({ "jsonrpc": "2.0", "id": open["id"], "result": { "title": "Launch" } });
    editor.client.send(&agreed).await.unwrap();
    let told = editor.told().await;
    assert!(told.contains("'gift-wrapping' is launched already, and complete"), "{told}");
    let after = [posthog.count("dashboards").await, posthog.count("insights").await];
    assert_eq!(after, [before[0] + 1, before[1] + 4]);
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

#[tokio::test]
async fn what_is_to_be_done_otherwise_than_it_was_shown_is_asked_again() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let brief = ".flagline/gift-wrapping.toml";
    editor.write(brief, "key = \"gift-wrapping\"\n");
    let before = posthog.count("flags").await;
    editor.start_launch("gift-wrapping").await;
    // While somebody reads the question, the brief names a cohort, which is to be made.
    let stages = "[[stage]]\nname = \"few\"\naudience = { cohort = \"Few\" }\n[[stage]]\nname = \"all\"\naudience = \"everyone\"\n";
    let open = editor.client.wait_for(|it| it["method"] == "window/showMessageRequest").await.unwrap();
    editor.write(brief, &format!("key = \"gift-wrapping\"\n{stages}"));
    let agreed = json!({ "jsonrpc": "2.0", "id": open["id"], "result": { "title": "Launch" } });
    editor.client.send(&agreed).await.unwrap();
    let again = editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    let again = again["message"].as_str().unwrap();
    assert!(
        again.contains("meanwhile this changed: the brief, the plan, cohort 'Few'. Now: launching"),
        "{again}"
    );
    assert!(again.contains("opens it to stage few"), "{again}");
    assert!(editor.told().await.contains("is launched, in its first stage"));
    assert_eq!(posthog.count("flags").await, before + 1);
    // Somebody else changes the flag while a question is open.
    posthog.change(sandbox::GRACE_KEY, "gift-wrapping", json!({ "active": false })).await;
    editor.ignore("window/showMessage");
    editor.ignore("window/logMessage");
    editor.start_launch("gift-wrapping").await;
    editor.answer("window/showMessageRequest", json!({ "title": "Write Over Changes" })).await;
    let open = editor.client.wait_for(|it| it["method"] == "window/showMessageRequest").await.unwrap();
    posthog.change(sandbox::GRACE_KEY, "gift-wrapping", json!({ "name": "Gifts of Grace" })).await;
    let agreed = json!({ "jsonrpc": "2.0", "id": open["id"], "result": { "title": "Launch" } });
    editor.client.send(&agreed).await.unwrap();
    let again = editor.answer("window/showMessageRequest", json!(null)).await;
    assert!(
        again["message"].as_str().unwrap().contains("meanwhile this changed: the flag. Now: "),
        "{again}"
    );
    assert_eq!(posthog.flag("gift-wrapping").await["active"], false);
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

#[tokio::test]
async fn a_launch_that_completes_says_where_the_feature_is_and_what_others_wrote_stays_news() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let stages = ["few", "many", "all"].map(|it| {
        let audience = if it == "all" {
            "\"everyone\"".to_owned()
        } else {
            format!("{{ email_domain = \"{it}.example\" }}")
        };
        format!("[[stage]]\nname = \"{it}\"\naudience = {audience}\n")
    });
    editor.write(".flagline/gift-wrapping.toml", &format!("key = \"gift-wrapping\"\n{}", stages.join("")));
    assert!(editor.launch("gift-wrapping").await.contains("is launched, in its first stage"));
    editor.hover_until(APP, "gift-wrapping", "1/3 few").await;
    // Grace opens the second stage, and somebody deletes the list of recordings.
    let mut filters = posthog.flag("gift-wrapping").await["filters"].clone();
    filters["groups"][1]["rollout_percentage"] = 100.into();
    posthog.change(sandbox::GRACE_KEY, "gift-wrapping", json!({ "filters": filters })).await;
    let lists = posthog.get("session_recording_playlists/").await;
    let list = lists["results"][0]["short_id"].as_str().unwrap();
    let path = format!("session_recording_playlists/{list}/");
    assert_eq!(posthog.ask("PATCH", &path, json!({ "deleted": true })).await.0, 200);
    editor.start_launch("gift-wrapping").await;
    let asked = editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    assert!(asked["message"].as_str().unwrap().contains("makes or changes "), "{asked}");
    let mut told = [editor.told().await, editor.told().await];
    told.sort();
    assert!(told[0].contains("'gift-wrapping' is launched, at 2/3 many, 100 %; all comes next"), "{told:?}");
    assert!(told[1].contains("gift-wrapping: ") && told[1].contains("by Grace"), "{told:?}");
    editor.ignore("window/logMessage");
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

#[tokio::test]
async fn what_a_brief_says_moves_no_cursor() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let name = "Gifts\\u001b[2J\\u202e";
    let stage = format!("[[stage]]\nname = \"{name}\"\naudience = \"everyone\"\n");
    editor.write(
        ".flagline/gift-wrapping.toml",
        &format!("key = \"gift-wrapping\"\nname = \"{name}\"\n{stage}"),
    );
    editor.start_launch("gift-wrapping").await;
    let question = editor.answer("window/showMessageRequest", json!({ "title": "Show Plan" })).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    let path = url::Url::parse(shown["uri"].as_str().unwrap()).unwrap().to_file_path().unwrap();
    let plan = std::fs::read_to_string(path).unwrap();
    editor.answer("window/showMessageRequest", json!(null)).await;
    let command = json!({ "command": "flagline.explain", "arguments": [{ "reason": "a\u{1b}[2Jb" }] });
    editor.execute(&command).await;
    for text in [question["message"].as_str().unwrap(), &plan, &editor.told().await] {
        assert!(text.contains("[2J") && !text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

#[tokio::test]
async fn a_launch_that_was_cut_off_is_completed_by_the_next() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    // The last one is the key that the code reads.
    for (key, method, path, kind) in [
        ("no-board", "POST", "/dashboards/", json!({ "kind": "status", "status": 500 })),
        ("no-insight", "POST", "/insights/", json!({ "kind": "status", "status": 500 })),
        ("no-link", "PATCH", "/feature_flags/", json!({ "kind": "status", "status": 500 })),
        ("board-cut", "POST", "/dashboards/", json!({ "kind": "cut" })),
        ("insight-cut", "POST", "/insights/", json!({ "kind": "cut" })),
        ("gift-wrapping", "PATCH", "/feature_flags/", json!({ "kind": "cut" })),
    ] {
        let before = [posthog.count("dashboards").await, posthog.count("insights").await];
        let mut fault = kind;
        fault["path_contains"] = path.into();
        fault["method"] = method.into();
        fault["times"] = 1.into();
        posthog.faults(json!([fault])).await;
        let told = editor.launch(key).await;
        assert!(told.contains("is not launched: it stopped at"), "{key}: {told}");
        assert!(told.contains("launch it again to complete what is missing"), "{key}: {told}");
        // The flag is there by now, and what follows is not.
        assert_eq!(posthog.flag(key).await["active"], false, "{key}");
        let told = editor.launch(key).await;
        assert!(told.contains("is launched, in its first stage"), "{key}: {told}");
        let after = [posthog.count("dashboards").await, posthog.count("insights").await];
        assert_eq!(after[0], before[0] + 1, "{key}");
        assert_eq!(after[1], before[1] + 4, "{key}");
        let flag = posthog.flag(key).await;
        assert_eq!(flag["analytics_dashboards"].as_array().unwrap().len(), 1, "{key}: {flag:#}");
    }
    editor.warned(APP, &WARNINGS[..3]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_key_that_may_only_read_is_told_so() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it.env("FLAGLINE_API_KEY", flagline::sandbox::READ_KEY)).await;
    let before = posthog.count("flags").await;
    let told = editor.launch("gift-wrapping").await;
    assert!(told.contains("'gift-wrapping' is not launched") && told.contains("not allowed"), "{told}");
    assert!(told.contains("give the key the scope feature_flag:write under"), "{told}");
    assert_eq!(posthog.count("flags").await, before);
    editor.finish().await;
}

#[tokio::test]
async fn a_launch_shows_progress_to_those_who_want_it() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it.capability("/window/workDoneProgress", json!(true))).await;
    editor.write(".flagline/gift-wrapping.toml", "key = \"gift-wrapping\"\n");
    editor.start_launch("gift-wrapping").await;
    for title in ["Looking for 'gift-wrapping'", "Launching 'gift-wrapping'"] {
        let created = editor.answer("window/workDoneProgress/create", json!(null)).await;
        assert!(created["token"].is_string());
        for kind in ["begin", "end"] {
            let progress = editor.client.expect("$/progress").await.unwrap();
            assert_eq!((&progress["token"], &progress["value"]["kind"]), (&created["token"], &json!(kind)));
            if kind == "begin" {
                assert_eq!(progress["value"]["title"], title);
            }
        }
        if title.starts_with("Looking") {
            editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
        }
    }
    assert!(editor.told().await.contains("is launched"));
    editor.warned(APP, &WARNINGS[..3]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_key_that_posthog_would_not_take_is_refused() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    editor.edit(APP, "gift-wrapping", "gift wrapping").await;
    editor.warned(APP, &[WARNINGS[0], WARNINGS[1], WARNINGS[2], "no flag 'gift wrapping'"]).await;
    let action = editor.action(APP, "gift wrapping", "Create feature").await;
    assert!(action["disabled"]["reason"].as_str().unwrap().contains("letters, digits, - and _"), "{action}");
    editor.finish().await;
}

// Remove flag, change to.

#[tokio::test]
async fn remove_flag_edits_this_version_of_the_document() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    editor.edit(APP, "import", "// version 2\nimport").await;
    editor.warned(APP, &WARNINGS).await;
    let action = editor.action(APP, "new-checkout", "Remove flag 'new-checkout' here (keep on)").await;
    assert_eq!((&action["kind"], &action["isPreferred"]), (&json!("quickfix"), &json!(true)));
    let [change] = &action["edit"]["documentChanges"].as_array().unwrap()[..] else { panic!("{action:#}") };
    assert_eq!(change["textDocument"], json!({ "uri": editor.uri(APP), "version": 2 }));
    assert_eq!(applied(editor.text(APP), &change["edits"]), format!("// version 2\n{REMOVED}"));
    assert_eq!(action["edit"].get("changes"), None);
    editor.finish().await;
}

#[tokio::test]
async fn remove_flag_everywhere_is_one_edit_of_all_files_as_they_stand_in_the_editor() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[
        (
            "flags.ts",
            "import posthog from 'posthog-js'\n\nexport const isNew = () => posthog.isFeatureEnabled('new-checkout')\n",
        ),
        ("page.ts", "import { isNew } from './flags'\nimport { old } from './old'\n\nold()\n"),
        ("old.ts", "export const old = () => 1\n"),
        (".flagline/checkout.toml", "key = \"new-checkout\"\nname = \"Checkout\"\nreview_after = \"52w\"\n"),
    ]);
    let start = start.capability(
        "/workspace/workspaceEdit",
        json!({
            "documentChanges": true,
            "resourceOperations": ["delete"],
            "changeAnnotationSupport": {},
        }),
    );
    let mut editor = start.signed_in(&posthog).start().await;
    let flags = std::fs::read_to_string(editor.folder.path().join("app/flags.ts")).unwrap();
    // What counts is the text in the editor.
    let page = "import { isNew } from './flags'\nimport { old } from './old'\n\nexport const x = isNew() ? 1 : old()\n";
    editor.open("flags.ts", &flags).await;
    editor.open("page.ts", page).await;
    editor.warned("flags.ts", &WARNINGS[..1]).await;
    let action =
        editor.action("flags.ts", "new-checkout", "Remove flag 'new-checkout' everywhere (keep on)").await;
    editor.execute(&action["command"]).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert_eq!(asked["label"], "Remove flag 'new-checkout' (keep on)");
    let changes = asked["edit"]["documentChanges"].as_array().unwrap();
    let of = |path: &str| {
        let uri = editor.uri(path);
        let is_of = |it: &&Value| it["uri"] == *uri || it["textDocument"]["uri"] == *uri;
        changes.iter().find(is_of).unwrap_or_else(|| panic!("nothing of {path} in {asked:#}"))
    };
    assert_eq!(of("flags.ts")["kind"], "delete", "nothing is left of it");
    assert_eq!(of("old.ts")["kind"], "delete");
    let edited = of("page.ts");
    assert_eq!(edited["textDocument"]["version"], 1);
    assert_eq!(applied(page, &edited["edits"]), "export const x = 1\n");
    let annotation = edited["edits"][0]["annotationId"].as_str().unwrap();
    assert_eq!(
        asked["edit"]["changeAnnotations"][annotation]["label"],
        "Remove flag 'new-checkout' (keep on)"
    );
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert_eq!(asked["label"], "Delete the brief of 'new-checkout'");
    let brief = json!({ "kind": "delete", "uri": editor.uri(".flagline/checkout.toml") });
    let deleted = &asked["edit"]["documentChanges"][0];
    assert_eq!((&deleted["kind"], &deleted["uri"]), (&brief["kind"], &brief["uri"]));
    let told = editor.told().await;
    assert!(told.contains("is removed from 3 files") && told.contains("Its brief is deleted"), "{told}");
    let written = posthog.get("annotations/").await;
    assert!(
        written["results"][0]["content"].as_str().unwrap().starts_with("Checkout: no outcome"),
        "{written}"
    );
    editor.finish().await;
}

#[tokio::test]
async fn what_cannot_be_removed_everywhere_is_told_and_nothing_changes() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let action = editor.action(APP, "dark-mode", "Remove flag 'dark-mode' everywhere (keep on)").await;
    editor.execute(&action["command"]).await;
    let told = editor.told().await;
    assert!(told.contains("'dark-mode' is not removed") && told.contains("app.ts:8"), "{told}");
    editor.finish().await;
}

#[tokio::test]
async fn clients_without_document_changes_get_plain_ones() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it.capability("/workspace/workspaceEdit", json!({}))).await;
    let action = editor.action(APP, "new-checkout", "Remove flag").await;
    let edits = &action["edit"]["changes"][editor.uri(APP)];
    assert_eq!(applied(CODE, edits), REMOVED);
    assert_eq!(action["edit"].get("documentChanges"), None);
    editor.finish().await;
}

#[tokio::test]
async fn a_refused_removal_is_disabled_with_its_reason() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let action = editor.action(APP, "dark-mode", "Remove flag 'dark-mode'").await;
    let reason = action["disabled"]["reason"].as_str().unwrap_or_else(|| panic!("{action:#}"));
    assert!(!reason.is_empty());
    assert!(
        action.get("edit").is_none()
            && action.get("command").is_none()
            && action.get("isPreferred").is_none()
    );
    editor.finish().await;
}

#[tokio::test]
async fn a_refused_removal_explains_itself_to_those_who_cannot_show_disabled_actions() {
    let posthog = Posthog::start().await;
    let pointer = "/textDocument/codeAction/disabledSupport";
    let mut editor = warned(&posthog, |it| it.capability(pointer, json!(false))).await;
    let action = editor.action(APP, "dark-mode", "Remove flag 'dark-mode'").await;
    assert!(action.get("disabled").is_none() && action.get("edit").is_none());
    editor.execute(&action["command"]).await;
    let told = editor.told().await;
    assert_eq!(told, format!("Flagline: {}", action["command"]["arguments"][0]["reason"].as_str().unwrap()));
    editor.finish().await;
}

#[tokio::test]
async fn change_to_the_similar_key_keeps_the_quotes() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let action = editor.action(APP, "new-chekout", "Change to 'new-checkout'").await;
    let edits = &action["edit"]["documentChanges"][0]["edits"];
    assert_eq!(applied(CODE, edits), CODE.replace("new-chekout", "new-checkout"));
    editor.finish().await;
}

#[tokio::test]
async fn only_the_kinds_that_were_asked_for_are_sent() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let range = editor.range_of(APP, "new-checkout");
    for (only, expected) in [
        (
            json!(["quickfix"]),
            vec![
                "Remove flag 'new-checkout' here (keep on)",
                "Remove flag 'new-checkout' everywhere (keep on)",
            ],
        ),
        (json!(["refactor"]), vec![]),
        (json!(["source.fixAll"]), vec![]),
        (
            json!([""]),
            vec![
                "Remove flag 'new-checkout' here (keep on)",
                "Remove flag 'new-checkout' everywhere (keep on)",
                "Open in PostHog",
                "Follow 'new-checkout'",
            ],
        ),
    ] {
        let params = json!({
            "textDocument": { "uri": editor.uri(APP) },
            "range": range,
            "context": { "diagnostics": [], "only": only },
        });
        let actions = editor.request("textDocument/codeAction", params).await;
        let titles: Vec<&str> =
            actions.as_array().unwrap().iter().map(|it| it["title"].as_str().unwrap()).collect();
        assert_eq!(titles, expected, "{only}");
    }
    editor.finish().await;
}

// Open in PostHog.

#[tokio::test]
async fn open_in_posthog_shows_the_page() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it).await;
    let page = format!("{}/project/1/feature_flags/{}", posthog.url(), posthog.flag("dark-mode").await["id"]);
    let action = editor.action(APP, "dark-mode", "Open in PostHog").await;
    editor.execute(&action["command"]).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    assert_eq!((&shown["uri"], &shown["external"]), (&json!(page), &json!(true)));
    // An editor that did not show it still tells where it is.
    editor.execute(&action["command"]).await;
    editor.answer("window/showDocument", json!({ "success": false })).await;
    assert!(editor.told().await.ends_with(&page));
    // No other kind of address is opened, whoever asks.
    let file = json!({ "command": "flagline.open", "arguments": [{ "url": "file:///etc/passwd" }] });
    editor.execute(&file).await;
    assert!(editor.told().await.ends_with("file:///etc/passwd"));
    editor.finish().await;
}

#[tokio::test]
async fn open_in_posthog_is_a_message_where_documents_cannot_be_shown() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, |it| it.capability("/window/showDocument", json!(null))).await;
    let action = editor.action(APP, "dark-mode", "Open in PostHog").await;
    editor.execute(&action["command"]).await;
    let page = format!("{}/project/1/feature_flags/", posthog.url());
    assert!(editor.told().await.contains(&page));
    editor.finish().await;
}

// Clients that know commands only.

#[tokio::test]
async fn a_client_without_action_literals_gets_commands() {
    let posthog = Posthog::start().await;
    let mut editor = warned(&posthog, without_literals).await;
    for (needle, title) in [
        ("new-checkout", "Remove flag"),
        ("dark-mode", "Remove flag"),
        ("new-chekout", "Change to"),
        ("gift-wrapping", "Create feature"),
        ("dark-mode", "Open in PostHog"),
    ] {
        let command = editor.action(APP, needle, title).await;
        assert!(command["command"].is_string() && command.get("edit").is_none(), "{command:#}");
    }
    let remove = editor.action(APP, "new-checkout", "Remove flag").await;
    editor.execute(&remove).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert_eq!(asked["label"], "Remove flag 'new-checkout' here (keep on)");
    assert_eq!(applied(CODE, &asked["edit"]["documentChanges"][0]["edits"]), REMOVED);
    // An editor that refuses is not left without a word.
    editor.execute(&remove).await;
    let refusal = json!({ "applied": false, "failureReason": "the file is read-only" });
    editor.answer("workspace/applyEdit", refusal).await;
    assert_eq!(editor.told().await, "Flagline: nothing was changed: the file is read-only");
    editor.finish().await;
}
