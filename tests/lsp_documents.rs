//! Documents: what the editor and the server hold is the same text, whatever is typed, saved, deleted or too large.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Posthog, Start, eventually, write};

/// A read of a key that the sandbox does not have.
fn read(key: &str) -> String {
    format!("posthog.isFeatureEnabled('{key}')\n")
}

fn unknown(key: &str) -> String {
    format!("has no flag '{key}'")
}

#[tokio::test]
async fn the_clients_first_known_position_encoding_is_taken() {
    for (offered, expected) in [
        (json!(["utf-8", "utf-16"]), json!("utf-8")),
        (json!(["utf-16", "utf-8"]), json!("utf-16")),
        (json!(["utf-32", "utf-8"]), json!("utf-8")),
    ] {
        let start = Start::new(&[]).capability("/general/positionEncodings", offered);
        let mut editor = start.process();
        let answer = editor.initialize().await;
        assert_eq!(answer["capabilities"]["positionEncoding"], expected);
        editor.finish().await;
    }
    let mut editor = Start::new(&[]).process();
    let answer = editor.initialize().await;
    assert_eq!(answer["capabilities"].get("positionEncoding"), None);
    editor.finish().await;
}

/// Each edit replaces the first occurrence of one text by another.
const EDITS: [(&str, &str); 14] = [
    ("// start", "// 😀 start"),
    ("'new-nav'", "'new-nav' /* ü */"),
    ("const shown", "const seen = '👩‍👩‍👧'; const shown"),
    ("😀", "😀😀\r\n// é"),
    ("// start", "// start\r\n\r\n"),
    ("if (", "if ('🏳️‍🌈' && "),
    ("'new-nav'", "'new-nav-2'"),
    ("👩‍👩‍👧", ""),
    ("\r\n\r\n", "\n"),
    ("ü", "日本語"),
    ("const seen = ''; ", ""),
    ("🏳️‍🌈", "𝒳\t"),
    ("new-nav-2", "new-nav-😀"),
    ("new-nav-😀", "new-nav"),
];

#[tokio::test]
async fn edits_in_both_encodings_keep_every_place_right() {
    const FILE: &str = "a.ts";
    let text = "// start\r\nif (true) {\r\n  const shown = posthog.isFeatureEnabled('new-nav')\r\n}\r\n";
    for encoding in ["utf-8", "utf-16"] {
        let start = Start::new(&[]).capability("/general/positionEncodings", json!([encoding]));
        let mut editor = start.start_signed_out().await;
        editor.open(FILE, text).await;
        for round in 0..8 {
            for (at, (old, new)) in EDITS.into_iter().enumerate() {
                if !editor.text(FILE).contains(old) {
                    continue;
                }
                editor.edit(FILE, old, new).await;
                let key = editor.text(FILE).split("isFeatureEnabled(").nth(1).unwrap();
                let key = key[..key[1..].find('\'').unwrap() + 2].to_owned();
                let hover = editor.hover(FILE, &key).await;
                let expected = editor.range_of(FILE, &key);
                assert_eq!(hover["range"], expected, "{encoding}, round {round}, edit {at}");
            }
        }
        editor.finish().await;
    }
}

#[tokio::test]
async fn several_changes_in_one_message_are_applied_one_after_the_other() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.open("a.ts", "one\ntwo\n").await;
    let at = |line: u32, start: u32, end: u32| json!({ "start": { "line": line, "character": start }, "end": { "line": line, "character": end } });
    let changes = json!([
        { "range": at(0, 0, 3), "text": "x\nposthog.isFeatureEnabled('a')" },
        { "range": at(1, 26, 27), "text": "new-nav" },
        // Past the end of the line and of the text, which is clamped.
        { "range": at(2, 3, 99), "text": ";" },
        { "range": at(99, 0, 0), "text": "// end" },
    ]);
    editor.change("a.ts", 2, changes).await;
    editor.open("b.ts", "x\nposthog.isFeatureEnabled('new-nav')\ntwo;\n// end").await;
    let (a, b) = (editor.debug().await, editor.debug().await);
    assert_eq!(a, b);
    let params =
        |uri: String| json!({ "textDocument": { "uri": uri }, "position": { "line": 1, "character": 27 } });
    let uri = editor.uri("a.ts");
    let changed = editor.request("textDocument/hover", params(uri)).await;
    let uri = editor.uri("b.ts");
    assert_eq!(changed["range"], editor.request("textDocument/hover", params(uri)).await["range"]);
    assert!(changed["contents"]["value"].as_str().unwrap().contains("new-nav"));
    // A change without a range replaces everything.
    editor.change("a.ts", 3, json!([{ "text": read("whole") }])).await;
    editor.change("b.ts", 2, json!([{ "text": "" }, { "text": read("whole") }])).await;
    for path in ["a.ts", "b.ts"] {
        let uri = editor.uri(path);
        let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 26 } });
        let hover = editor.request("textDocument/hover", at).await;
        assert!(hover["contents"]["value"].as_str().unwrap().contains("whole"), "{path}: {hover}");
    }
    editor.finish().await;
}

#[tokio::test]
async fn a_version_that_does_not_grow_drops_the_document_until_it_is_opened_again() {
    let posthog = Posthog::start().await;
    let disk = read("on-disk");
    let start = Start::new(&[("a.ts", &disk)]).signed_in(&posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("a.ts", &[&unknown("on-disk")]).await;
    editor.open("a.ts", &read("typed")).await;
    editor.warned("a.ts", &[&unknown("typed")]).await;
    let change = json!([{ "text": read("wrong") }]);
    editor.change("a.ts", 1, change.clone()).await;
    // What is on disk counts again, and later changes of a lost document do not.
    editor.warned("a.ts", &[&unknown("on-disk")]).await;
    editor.change("a.ts", 7, change).await;
    assert_eq!(editor.hover("a.ts", "typed").await, json!(null));
    editor.open("a.ts", &read("healed")).await;
    editor.warned("a.ts", &[&unknown("healed")]).await;
    assert!(editor.hover_text("a.ts", "healed").await.contains("unknown"));
    editor.finish().await;
}

#[tokio::test]
async fn closing_returns_to_what_is_on_disk() {
    let posthog = Posthog::start().await;
    let (a, b) = (read("disk-a"), read("disk-b"));
    let start = Start::new(&[("a.ts", &a), ("b.ts", &b)]).signed_in(&posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("a.ts", &[&unknown("disk-a")]).await;
    editor.warned("b.ts", &[&unknown("disk-b")]).await;
    editor.open("a.ts", &read("typed")).await;
    editor.warned("a.ts", &[&unknown("typed")]).await;
    editor.close("a.ts").await;
    editor.warned("a.ts", &[&unknown("disk-a")]).await;

    // Deleted while it is open: the editor's text counts, until it is closed.
    editor.open("b.ts", &read("still-here")).await;
    editor.warned("b.ts", &[&unknown("still-here")]).await;
    std::fs::remove_file(editor.root().join("b.ts")).unwrap();
    let deleted = json!({ "changes": [{ "uri": editor.uri("b.ts"), "type": 3 }] });
    editor.notify("workspace/didChangeWatchedFiles", deleted).await;
    editor.edit("b.ts", "still-here", "still-there").await;
    editor.warned("b.ts", &[&unknown("still-there")]).await;
    editor.close("b.ts").await;
    editor.warned("b.ts", &[]).await;
    editor.finish().await;
}

#[tokio::test]
async fn only_open_files_have_diagnostics_unless_asked_for() {
    let posthog = Posthog::start().await;
    let (a, b) = (read("in-a"), read("in-b"));
    let mut editor = Start::new(&[("a.ts", &a), ("b.ts", &b)]).signed_in(&posthog).start().await;
    editor.open("a.ts", &a).await;
    editor.warned("a.ts", &[&unknown("in-a")]).await;
    editor.close("a.ts").await;
    editor.warned("a.ts", &[]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_utf8_is_told_once() {
    let mut start = Start::new(&[("b.ts", &read("b"))]);
    let latin1: Vec<u8> = [read("a").as_bytes(), b"// caf\xe9\n"].concat();
    std::fs::write(start.folder.path().join("app/a.ts"), latin1).unwrap();
    let other = start.folder.path().join("other");
    write(&other.join("c.ts"), &read("c"));
    start = start.options(json!({}));
    let mut editor = start.start_signed_out().await;
    let logged = editor.logged().await;
    assert!(logged.contains("a.ts is not UTF-8; save it as UTF-8"), "{logged}");
    // A second look at the same file says nothing new.
    let folder = json!({ "uri": url::Url::from_file_path(&other).unwrap(), "name": "other" });
    let added = json!({ "event": { "added": [folder], "removed": [] } });
    editor.notify("workspace/didChangeWorkspaceFolders", added).await;
    eventually("two files have flags", async || editor.debug().await["filesWithFlags"] == 2).await;
    editor.open("d.ts", &read("d")).await;
    assert!(editor.hover_text("d.ts", "d'").await.contains("not loaded"));
    editor.finish().await;
}

#[tokio::test]
async fn a_bundle_that_becomes_source_is_read() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    editor.open("a.ts", &"x".repeat(2_000_000)).await;
    assert!(editor.told().await.contains("a.ts is larger than 1 MB"));
    editor.change("a.ts", 2, json!([{ "text": read("small") }])).await;
    eventually("the file has flags", async || editor.debug().await["filesWithFlags"] == 1).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_bundle_of_10_mb_is_told_and_left_alone() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    let bundle = "function a(){return posthog.isFeatureEnabled('x')}".repeat(200_000);
    editor.open("bundle.js", &bundle).await;
    let told = editor.told().await;
    assert!(told.contains("bundle.js is larger than 1 MB"), "{told}");
    editor.open("minified.js", &bundle[..100_000]).await;
    let told = editor.told().await;
    assert!(told.contains("minified.js is minified: its flags are not read"), "{told}");
    editor.open("a.ts", &read("small")).await;
    editor.edit("bundle.js", "'x'", "'y'").await;
    editor.edit("minified.js", "'x'", "'y'").await;
    assert!(editor.hover_text("a.ts", "small").await.contains("small"));
    assert_eq!(editor.hover("bundle.js", "y'").await, json!(null));
    assert_eq!(editor.hover("minified.js", "y'").await, json!(null));
    editor.close("bundle.js").await;
    editor.close("minified.js").await;
    editor.finish().await;
}

#[tokio::test]
async fn a_large_file_is_answered_at_once_and_after_an_edit_at_once() {
    let posthog = Posthog::start().await;
    let mut editor = Start::new(&[]).signed_in(&posthog).start().await;
    let filler = "export function add(a: number, b: number) { return a + b }\n".repeat(3_400);
    let text = format!("{filler}{}", read("at-the-end"));
    assert!(text.len() > 200_000);
    editor.open("large.ts", &text).await;
    let hover = editor.hover("large.ts", "at-the-end").await;
    assert!(hover["contents"]["value"].as_str().unwrap().contains("at-the-end"), "{hover}");
    editor.warned("large.ts", &[&unknown("at-the-end")]).await;

    editor.open("large-2.ts", &text).await;
    editor.edit("large-2.ts", "export", "// 😀\n\nexport").await;
    editor.edit("large-2.ts", "at-the-end", "edited").await;
    let hover = editor.hover("large-2.ts", "'edited").await;
    assert_eq!(hover["range"], editor.range_of("large-2.ts", "'edited'"));
    editor.warned("large-2.ts", &[&unknown("edited")]).await;
    // A large paste, then again a small edit.
    editor.edit("large-2.ts", "// 😀\n", &filler).await;
    editor.edit("large-2.ts", "edited", "pasted").await;
    let hover = editor.hover("large-2.ts", "'pasted").await;
    assert_eq!(hover["range"], editor.range_of("large-2.ts", "'pasted'"));
    editor.warned("large-2.ts", &[&unknown("pasted")]).await;
    // Closed while it is parsed.
    editor.open("large-3.ts", &filler).await;
    editor.close("large-3.ts").await;
    assert_eq!(editor.debug().await["openDocuments"], 2);
    editor.finish().await;
}

#[tokio::test]
async fn half_typed_code_is_no_trouble() {
    let posthog = Posthog::start().await;
    let mut editor = Start::new(&[]).signed_in(&posthog).start().await;
    editor.open("a.ts", "posthog.isFeatureEnabled('first')\n/* here */\n").await;
    editor.warned("a.ts", &[&unknown("first")]).await;
    let typed = "if (posthog.isFeatureEnabled('second')) {";
    let mut before = "/* here */".to_owned();
    for (at, _) in typed.char_indices() {
        let now = format!("{}/* here */", &typed[..=at]);
        editor.edit("a.ts", &before, &now).await;
        assert!(editor.hover_text("a.ts", "first").await.contains("first"), "{now}");
        before = now;
    }
    assert!(editor.hover_text("a.ts", "second").await.contains("unknown"));
    editor.edit("a.ts", "second", "third").await;
    editor.warned("a.ts", &[&unknown("first"), &unknown("third")]).await;
    // Closing the brace changes nothing that is told.
    editor.edit("a.ts", "{/* here */", "{ }").await;
    assert!(editor.hover_text("a.ts", "third").await.contains("unknown"));
    editor.finish().await;
}

#[tokio::test]
async fn documents_that_are_on_no_disk_work_and_vanish() {
    const UNTITLED: &str = "untitled:Untitled-1";
    let posthog = Posthog::start().await;
    let start = Start::new(&[]).signed_in(&posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.open(UNTITLED, &read("not-saved")).await;
    editor.warned(UNTITLED, &[&unknown("not-saved")]).await;
    assert!(editor.hover_text(UNTITLED, "not-saved").await.contains("unknown"));
    let action = editor.action(UNTITLED, "not-saved", "Create feature").await;
    assert_eq!(action["command"]["arguments"][0]["key"], "not-saved");
    editor.edit(UNTITLED, "not-saved", "still-not").await;
    editor.warned(UNTITLED, &[&unknown("still-not")]).await;
    editor.close(UNTITLED).await;
    editor.warned(UNTITLED, &[]).await;
    assert_eq!(editor.debug().await["keys"], 0, "nothing of it is left");
    editor.finish().await;
}

#[tokio::test]
async fn files_outside_of_every_root_work_while_they_are_open() {
    let posthog = Posthog::start().await;
    let outside = read("outside");
    for roots in [json!([]), json!(null)] {
        let mut start = Start::new(&[("a.ts", &outside)]).signed_in(&posthog);
        start.params["workspaceFolders"] = roots;
        let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
        editor.open("a.ts", &outside).await;
        editor.warned("a.ts", &[&unknown("outside")]).await;
        assert!(editor.hover_text("a.ts", "outside").await.contains("unknown"));
        editor.close("a.ts").await;
        editor.warned("a.ts", &[]).await;
        assert_eq!(editor.debug().await["filesWithFlags"], 0);
        editor.finish().await;
    }
}

#[tokio::test]
async fn watched_files_are_read_when_they_come_change_and_go() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("src/a.ts", &read("a-1")), (".gitignore", "dist/\n")])
        .signed_in(&posthog)
        .capability("/workspace/didChangeWatchedFiles", json!({ "dynamicRegistration": true }));
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    let asked = editor.answer("client/registerCapability", json!(null)).await;
    let registration = &asked["registrations"][0];
    assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
    let glob = registration["registerOptions"]["watchers"][0]["globPattern"].as_str().unwrap();
    assert!(glob.starts_with("**/*.") && glob.contains("tsx") && glob.contains("py"), "{glob}");
    editor.warned("src/a.ts", &[&unknown("a-1")]).await;

    let event =
        |editor: &support::Editor, path: &str, kind: u32| json!({ "uri": editor.uri(path), "type": kind });
    let notify = async |editor: &mut support::Editor, changes: Vec<Value>| {
        editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
    };
    // What git ignores is not read, though clients tell of it too.
    editor.write("dist/bundle.ts", &read("in-dist"));
    editor.write("node_modules/lib/index.ts", &read("in-modules"));
    editor.write("src/new.ts", &read("new-file"));
    let created =
        ["dist/bundle.ts", "node_modules/lib/index.ts", "src/new.ts"].map(|it| event(&editor, it, 1));
    notify(&mut editor, created.to_vec()).await;
    editor.warned("src/new.ts", &[&unknown("new-file")]).await;
    editor.write("src/a.ts", &read("a-2"));
    let changed = event(&editor, "src/a.ts", 2);
    notify(&mut editor, vec![changed]).await;
    editor.warned("src/a.ts", &[&unknown("a-2")]).await;
    std::fs::remove_file(editor.root().join("src/new.ts")).unwrap();
    let deleted = event(&editor, "src/new.ts", 3);
    notify(&mut editor, vec![deleted]).await;
    editor.warned("src/new.ts", &[]).await;

    // An open document is the editor's, whatever happens on disk.
    editor.open("src/a.ts", &read("a-3")).await;
    editor.warned("src/a.ts", &[&unknown("a-3")]).await;
    editor.write("src/a.ts", &read("a-4"));
    let changed = event(&editor, "src/a.ts", 2);
    notify(&mut editor, vec![changed]).await;
    assert!(editor.hover_text("src/a.ts", "a-3").await.contains("a-3"));
    assert_eq!(editor.debug().await["filesWithFlags"], 1);

    // A switch of branches: many events, one look at everything.
    editor.write("src/branch.ts", &read("on-branch"));
    let many: Vec<Value> = (0..600).map(|it| event(&editor, &format!("src/{it}.ts"), 3)).collect();
    notify(&mut editor, many).await;
    editor.warned("src/branch.ts", &[&unknown("on-branch")]).await;
    editor.finish().await;
}

#[tokio::test]
async fn folders_come_and_go() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("a.ts", &read("in-app"))]).signed_in(&posthog);
    let other = start.folder.path().join("other");
    write(&other.join("b.py"), "posthog.feature_enabled('in-other', 1)\n");
    write(&other.join("open.ts"), &read("stays-open"));
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("a.ts", &[&unknown("in-app")]).await;
    let folder = json!({ "uri": url::Url::from_file_path(&other).unwrap(), "name": "other" });
    let absolute = |name: &str| other.join(name).to_str().unwrap().to_owned();
    let (b, open) = (&*absolute("b.py"), &*absolute("open.ts"));
    let added = json!({ "event": { "added": [folder], "removed": [] } });
    editor.notify("workspace/didChangeWorkspaceFolders", added).await;
    editor.warned(b, &[&unknown("in-other")]).await;
    editor.warned(open, &[&unknown("stays-open")]).await;
    let text = read("stays-open");
    editor.open(open, &text).await;
    let removed = json!({ "event": { "added": [], "removed": [folder] } });
    editor.notify("workspace/didChangeWorkspaceFolders", removed).await;
    // What is open keeps its diagnostics.
    editor.warned(b, &[]).await;
    assert!(editor.hover_text(open, "stays-open").await.contains("unknown"));
    editor.close(open).await;
    editor.warned(open, &[]).await;
    assert_eq!(editor.debug().await["roots"].as_array().unwrap().len(), 1);
    editor.finish().await;
}

#[tokio::test]
async fn without_watching_a_save_looks_at_the_disk_again() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("a.ts", &read("in-a"))]).signed_in(&posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("a.ts", &[&unknown("in-a")]).await;
    editor.write("b.ts", &read("in-b"));
    let saved = json!({ "textDocument": { "uri": editor.uri("a.ts") } });
    editor.notify("textDocument/didSave", saved).await;
    editor.warned("b.ts", &[&unknown("in-b")]).await;
    editor.finish().await;
}
