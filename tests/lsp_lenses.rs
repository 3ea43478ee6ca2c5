//! What stands above code and leads from it: lenses, references, the flag at a place, pages.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start, eventually};

const APP: &str = "app.ts";
const CODE: &str = "\
import { KEYS } from './keys'

const emoji = '😀ü'; if (posthog.isFeatureEnabled('project-videos') || posthog.isFeatureEnabled('project-videos')) {
  show(posthog.isFeatureEnabled('quick-offset'), posthog.isFeatureEnabled('typo'))
}
";
const KEYS: &str =
    "/* ü */ export const VIDEOS = 'project-videos'\nexport const on = posthog.isFeatureEnabled(VIDEOS)\n";
const VIEWS: &str = "# ü\nif posthog.feature_enabled(\"project-videos\", 1):\n    ship()\n";

fn start(posthog: &Posthog) -> Start {
    let files = [(APP, CODE), ("keys.ts", KEYS), ("views.py", VIEWS)];
    Start::new(&files).signed_in(posthog)
}

fn shows_references(start: Start) -> Start {
    start.capability("/experimental", json!({ "commands": { "commands": ["flagline.showReferences"] } }))
}

/// All files are read, and everything is known.
async fn opened(start: Start) -> Editor {
    let mut editor = start.start().await;
    editor.open(APP, CODE).await;
    eventually("all files are read", async || editor.debug().await["filesWithFlags"] == 3).await;
    editor.warned(APP, &["has no flag 'typo'"]).await;
    editor
}

async fn lenses(editor: &mut Editor, path: &str) -> Vec<Value> {
    let at = json!({ "textDocument": { "uri": editor.uri(path) } });
    editor.request("textDocument/codeLens", at).await.as_array().unwrap().clone()
}

/// What the lenses say, without the people, who come a little later.
fn titles(lenses: &[Value]) -> Vec<String> {
    let title = |it: &Value| {
        let title = it["command"]["title"].as_str().unwrap();
        let parts: Vec<&str> = title.split(" · ").filter(|it| !it.contains("people")).collect();
        parts.join(" · ")
    };
    lenses.iter().map(title).collect()
}

#[tokio::test]
async fn a_lens_of_a_function_stands_above_it_and_says_how_many_people_see_the_feature() {
    let posthog = Posthog::start().await;
    let code = "export function Page() {\n  return posthog.isFeatureEnabled('new-checkout') ? 1 : 2\n}\n";
    let mut editor = Start::new(&[(APP, code)]).signed_in(&posthog).start().await;
    editor.open(APP, code).await;
    editor.warned(APP, &["days, by"]).await;
    let mut title = String::new();
    for _ in 0..100 {
        let found = lenses(&mut editor, APP).await;
        assert_eq!(found[0]["range"]["start"], json!({ "line": 0, "character": 0 }));
        title = found[0]["command"]["title"].as_str().unwrap().to_owned();
        if title.contains("people") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(title.starts_with("everyone · ") && title.ends_with(" people · 1 read"), "{title}");
    // It is done: a second one removes it.
    let found = lenses(&mut editor, APP).await;
    // Neovim orders them by where they begin.
    assert_eq!(found[1]["range"]["start"], json!({ "line": 0, "character": 1 }));
    let command = &found[1]["command"];
    assert_eq!((found.len(), &command["title"]), (2, &json!("remove 'new-checkout' (keep on)")));
    let argument = json!({ "key": "new-checkout", "keep": "on", "uri": editor.uri(APP) });
    assert_eq!((&command["command"], &command["arguments"]), (&json!("flagline.clean"), &json!([argument])));
    editor.finish().await;
}

#[tokio::test]
async fn the_stage_stands_behind_every_key_of_the_range() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    let hints = |from: u32, to: u32| {
        let position = |line: u32| json!({ "line": line, "character": 0 });
        json!({ "textDocument": { "uri": editor.uri(APP) },
            "range": { "start": position(from), "end": position(to) } })
    };
    let (whole, one_line, none) = (hints(0, 9), hints(3, 4), hints(0, 1));
    let behind = editor.range_of(APP, "'quick-offset'")["end"].clone();
    let found = editor.request("textDocument/inlayHint", whole).await;
    let labels: Vec<&str> =
        found.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["◐ beta 40 %", "◐ beta 40 %", "◐ partial 25 %"]);
    let found = editor.request("textDocument/inlayHint", one_line).await;
    assert_eq!((&found[0]["position"], found.as_array().unwrap().len()), (&behind, 1));
    assert_eq!(editor.request("textDocument/inlayHint", none).await, json!([]));
    editor.finish().await;
}

async fn references(editor: &mut Editor, needle: &str, declaration: bool) -> Value {
    let mut params = editor.behind(APP, needle);
    params["context"] = json!({ "includeDeclaration": declaration });
    let mut found = editor.request("textDocument/references", params).await;
    if let Some(found) = found.as_array_mut() {
        found.sort_by_key(|it| {
            (it["uri"].as_str().unwrap().to_owned(), it["range"]["start"]["character"].as_u64())
        });
    }
    found
}

/// Where `needle` stands the `nth` time, counted from 0, in a text that the editor has not opened.
fn place(editor: &Editor, path: &str, text: &str, needle: &str, nth: usize) -> Value {
    let start = text.match_indices(needle).nth(nth).unwrap().0;
    let position = |offset: usize| {
        let line = text[..offset].matches('\n').count();
        let before = text[..offset].rsplit('\n').next().unwrap();
        let character = if editor.utf8 { before.len() } else { before.encode_utf16().count() };
        json!({ "line": line, "character": character })
    };
    json!({ "uri": editor.uri(path), "range": { "start": position(start), "end": position(start + needle.len()) } })
}

#[tokio::test]
async fn a_lens_says_stage_and_count_and_leads_to_all_reads() {
    let posthog = Posthog::start().await;
    let mut editor = opened(shows_references(start(&posthog))).await;
    let found = lenses(&mut editor, APP).await;
    // One for each key of a line.
    assert_eq!(
        titles(&found),
        ["2/4 beta, 40 % · 4 reads", "quick-offset: partial 25 % · 1 read", "typo: unknown · 1 read"]
    );
    let mut line = editor.range_of(APP, "'project-videos'");
    line["start"]["character"] = 0.into();
    assert_eq!(found[0]["range"], line, "it begins with the line");
    let command = &found[0]["command"];
    assert_eq!(command["command"], "flagline.showReferences");
    let arguments = command["arguments"].as_array().unwrap();
    assert_eq!((&arguments[0], &arguments[1]), (&json!(editor.uri(APP)), &found[0]["range"]["start"]));
    let mut places = arguments[2].as_array().unwrap().clone();
    places.sort_by_key(|it| it["uri"].as_str().unwrap().to_owned());
    let expected = [
        place(&editor, APP, CODE, "'project-videos'", 0),
        place(&editor, APP, CODE, "'project-videos'", 1),
        place(&editor, "keys.ts", KEYS, "VIDEOS", 1),
        place(&editor, "views.py", VIEWS, "\"project-videos\"", 0),
    ];
    assert_eq!(places, expected);
    // A constant that is read has one too, in a closed file as well.
    let found = lenses(&mut editor, "keys.ts").await;
    assert_eq!(titles(&found), ["2/4 beta, 40 % · 4 reads", "2/4 beta, 40 % · 4 reads"]);
    let definition = place(&editor, "keys.ts", KEYS, "'project-videos'", 0);
    assert_eq!(found[0]["range"]["end"], definition["range"]["end"]);
    editor.finish().await;
}

#[tokio::test]
async fn without_a_command_to_show_them_a_lens_opens_the_page() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    let found = lenses(&mut editor, APP).await;
    let command = found[0]["command"].clone();
    assert_eq!(command["command"], "flagline.open");
    assert_eq!(command["arguments"], json!([{ "key": "project-videos", "uri": editor.uri(APP) }]));
    editor.execute(&command).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    let id = &posthog.flag("project-videos").await["id"];
    assert_eq!(shown["uri"], format!("{}/project/1/feature_flags/{id}", posthog.url()));
    editor.finish().await;
}

#[tokio::test]
async fn lenses_follow_edits_and_settings() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    editor.edit(APP, "posthog.isFeatureEnabled('project-videos') || ", "").await;
    let found = lenses(&mut editor, APP).await;
    assert_eq!(titles(&found)[0], "2/4 beta, 40 % · 3 reads");
    editor.configure(json!({ "flagline": { "lens": false } })).await;
    eventually("there are none", async || lenses(&mut editor, APP).await.is_empty()).await;
    editor.configure(json!({ "flagline": { "lens": true } })).await;
    eventually("they are back", async || lenses(&mut editor, APP).await.len() == 3).await;
    editor.finish().await;
    let mut editor = opened(start(&posthog).options(json!({ "lens": false }))).await;
    assert_eq!(lenses(&mut editor, APP).await, Vec::<Value>::new());
    editor.finish().await;
}

#[tokio::test]
async fn nothing_is_said_of_a_stage_that_is_not_loaded() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.open(APP, CODE).await;
    let found = lenses(&mut editor, APP).await;
    assert_eq!(titles(&found), ["2 reads", "quick-offset: 1 read", "typo: 1 read"]);
    editor.finish().await;
}

#[tokio::test]
async fn lenses_are_refreshed_for_those_who_can() {
    let posthog = Posthog::start().await;
    let refreshes = |it: Start| it.capability("/workspace/codeLens", json!({ "refreshSupport": true }));
    let mut editor = opened(refreshes(start(&posthog))).await;
    // At the start, as flags come in.
    editor.answer("workspace/codeLens/refresh", json!(null)).await;
    editor.hover_until(APP, "project-videos", "in the last 7 days").await;
    for unanswered in editor.client.unread().await {
        assert_eq!(unanswered["method"], "workspace/codeLens/refresh", "{unanswered:#}");
    }
    // A client that answers no more gets the next all the same.
    editor.execute(&json!({ "command": "flagline.refresh" })).await;
    editor.client.expect("workspace/codeLens/refresh").await.unwrap();
    editor.ignore("workspace/codeLens/refresh");
    editor.finish().await;
    // The other tests here fail when it is sent to those who did not say that they can.
}

#[tokio::test]
async fn references_are_found_in_all_files_in_both_encodings() {
    let posthog = Posthog::start().await;
    for encoding in ["utf-8", "utf-16"] {
        let encodings = json!([encoding]);
        let start = start(&posthog).capability("/general/positionEncodings", encodings);
        let mut editor = opened(start).await;
        let reads = vec![
            place(&editor, APP, CODE, "'project-videos'", 0),
            place(&editor, APP, CODE, "'project-videos'", 1),
            place(&editor, "keys.ts", KEYS, "VIDEOS", 1),
            place(&editor, "views.py", VIEWS, "\"project-videos\"", 0),
        ];
        assert_eq!(references(&mut editor, "('project-vi", false).await, json!(reads));
        let mut all = reads;
        let definition = place(&editor, "keys.ts", KEYS, "'project-videos'", 0);
        all.insert(2, definition);
        all[2..4].sort_by_key(|it| it["range"]["start"]["character"].as_u64());
        assert_eq!(references(&mut editor, "('project-vi", true).await, json!(all));
        assert_eq!(references(&mut editor, "import", true).await, json!(null));
        // What is typed counts at once.
        editor.edit(APP, "'project-videos') ||", "'typo') ||").await;
        let found = references(&mut editor, "('project-vi", true).await;
        assert_eq!(found.as_array().unwrap().len(), 4, "{found:#}");
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn the_flag_at_a_place() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    for (needle, key, state) in [("'project-vi", "project-videos", "known"), ("'ty", "typo", "unknown")] {
        let place = editor.behind(APP, needle);
        let found = editor.request("flagline/flagAt", place).await;
        let range = editor.range_of(APP, &format!("'{key}'"));
        assert_eq!(found, json!({ "key": key, "range": range, "state": state }));
    }
    let place = editor.behind(APP, "import");
    assert_eq!(editor.request("flagline/flagAt", place).await, json!(null));
    let nowhere = json!({ "textDocument": { "uri": editor.uri("none.ts") }, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.request("flagline/flagAt", nowhere).await, json!(null));
    editor.finish().await;
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.open(APP, CODE).await;
    let place = editor.behind(APP, "'ty");
    assert_eq!(editor.request("flagline/flagAt", place).await["state"], "not-loaded");
    editor.finish().await;
}

#[tokio::test]
async fn pages_are_opened_by_key_or_the_list_of_all() {
    let posthog = Posthog::start().await;
    let mut editor = opened(start(&posthog)).await;
    let id = posthog.flag("quick-offset").await["id"].clone();
    let list = format!("{}/project/1/feature_flags", posthog.url());
    for (arguments, page) in [
        (json!([{ "key": "quick-offset" }]), format!("{list}/{id}")),
        (json!([{ "key": "quick-offset", "uri": editor.uri(APP) }]), format!("{list}/{id}")),
        (json!([{ "key": "typo" }]), list.clone()),
        (json!([{}]), list.clone()),
        (json!([null]), list.clone()),
        (json!([]), list.clone()),
        (json!(null), list.clone()),
    ] {
        let mut command = json!({ "command": "flagline.open" });
        if !arguments.is_null() {
            command["arguments"] = arguments.clone();
        }
        editor.execute(&command).await;
        let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
        assert_eq!((&shown["uri"], &shown["external"]), (&json!(page), &json!(true)), "{arguments}");
    }
    editor.finish().await;
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.execute(&json!({ "command": "flagline.open" })).await;
    assert!(editor.told().await.contains("not signed in to"));
    editor.finish().await;
}
