//! Settings: `flagline.toml` as a document and as what counts, `.posthog.json`, and what the editor sends.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start, write};

const APP: &str = "app.ts";
const TOML: &str = "flagline.toml";
const JSON: &str = ".posthog.json";

/// A read of a flag.
fn read(key: &str) -> String {
    format!("posthog.isFeatureEnabled('{key}')\n")
}

fn unknown(key: &str) -> String {
    format!("has no flag '{key}'")
}

/// On for everyone since 110 days, off since 12 days.
const CODE: &str = "\
posthog.isFeatureEnabled('new-checkout')
posthog.isFeatureEnabled('old-banner')
";
const STALE: &str = "stale-flag: 'new-checkout'";
const BOTH_STALE: [&str; 2] = [STALE, "stale-flag: 'old-banner'"];
const OFF: &str = "disabled-flag: 'old-banner'";

/// Signed in, with these files, the source open.
async fn opened(posthog: &Posthog, files: &[(&str, &str)], adapt: impl FnOnce(Start) -> Start) -> Editor {
    let mut editor = adapt(Start::new(files).signed_in(posthog)).start().await;
    editor.open(APP, CODE).await;
    editor
}

/// The problems of a settings file as `what they point at: message`.
async fn problems(editor: &mut Editor, path: &str, text: &str) -> Vec<String> {
    let pointed = |range: &Value| {
        let line = text.lines().nth(range["start"]["line"].as_u64().unwrap() as usize).unwrap();
        let units: Vec<u16> = line.encode_utf16().collect();
        let of = |at: &str| range[at]["character"].as_u64().unwrap() as usize;
        String::from_utf16(&units[of("start")..of("end")]).unwrap()
    };
    let words = |it: &Value| {
        assert_eq!((&it["code"], &it["source"]), (&json!("settings"), &json!("flagline")));
        assert_eq!(it["severity"], 1);
        format!("{}: {}", pointed(&it["range"]), it["message"].as_str().unwrap())
    };
    editor.published(path).await.iter().map(words).collect()
}

// flagline.toml, as a document.

const WRONG: &str = "\
# Büro: alles falsch
stale_day = 3
exclude = [\"büro/\", 3]
[severity]
unknown-flag = \"eror\"
";
const WRONG_AT: [&str; 3] = [
    "stale_day: no such key: stale_day; did you mean stale_days?",
    "3: expected text, not a number",
    "\"eror\": expected \"error\", \"warning\", \"information\", \"hint\" or \"off\"; did you mean \"error\"?",
];

#[tokio::test]
async fn everything_wrong_is_shown_while_it_is_typed_and_what_was_right_counts() {
    let posthog = Posthog::start().await;
    let good = "stale_days = 365\nclient_names = [\"metrics\"]\n";
    let mut editor = opened(&posthog, &[(TOML, good)], |it| it).await;
    editor.warned(APP, &[OFF]).await;
    editor.open(TOML, good).await;
    editor.rewrite(TOML, WRONG).await;
    assert_eq!(problems(&mut editor, TOML, WRONG).await, WRONG_AT);
    // On disk it is wrong too, and what it said before still counts, also for new text.
    editor.save(TOML).await;
    editor.edit(APP, "posthog.isFeatureEnabled('old", "metrics.isFeatureEnabled('old").await;
    editor.edit(APP, "posthog", "posthog.isFeatureEnabled('typo'); posthog").await;
    editor.warned(APP, &[&unknown("typo"), OFF]).await;
    // Repaired in the editor, the file is no longer wrong; it counts when it is saved.
    let repaired = "stale_days = 5\n";
    editor.rewrite(TOML, repaired).await;
    editor.warned(TOML, &[]).await;
    editor.edit(APP, "typo", "typo-2").await;
    editor.warned(APP, &[&unknown("typo-2"), OFF]).await;
    editor.save(TOML).await;
    // `metrics` is no client any more.
    editor.warned(APP, &[&unknown("typo-2"), STALE]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_text_that_is_no_toml_is_told_whole() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &[], |it| it).await;
    editor.warned(APP, &[STALE, OFF]).await;
    let text = "stale_days = \nexclude = [\nclient_names = 3\n";
    editor.open(TOML, text).await;
    let found = editor.published(TOML).await;
    assert!(found.len() >= 2, "{found:#?}");
    // Closed without being saved, what is on disk counts: nothing.
    editor.close(TOML).await;
    editor.warned(TOML, &[]).await;
    // What Windows puts before and between lines is no error.
    editor.open(TOML, "\u{feff}stale_days = 0\r\n").await;
    let found = editor.published(TOML).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    editor.write(TOML, "\u{feff}stale_days = 365\r\nexclude = []\r\n");
    editor.close(TOML).await;
    editor.warned(TOML, &[]).await;
    editor.watched(TOML, 1).await;
    editor.warned(APP, &[OFF]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_closed_file_that_is_wrong_from_the_start_asks_posthog_nothing() {
    let posthog = Posthog::start().await;
    let experimental = json!({ "flagline": { "status": true, "credentials": true } });
    let declared = |it: Start| it.capability("/experimental", experimental);
    let mut editor = opened(&posthog, &[(TOML, WRONG)], declared).await;
    assert_eq!(problems(&mut editor, TOML, WRONG).await, WRONG_AT);
    let told = editor.told().await;
    assert!(told.contains("flagline.toml has 3 errors"), "{told}");
    let status = editor.status("settings").await;
    let message = status["environments"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("flagline.toml has 3 errors, the first in line "), "{message}");
    assert!(editor.hover_text(APP, "new-checkout").await.contains("not loaded"));
    assert_eq!(posthog.all_requests().await, 0);
    editor.write(TOML, "stale_days = 365\n");
    editor.watched(TOML, 2).await;
    editor.warned(TOML, &[]).await;
    editor.warned(APP, &[OFF]).await;
    editor.status("ready").await;
    // Deleted, the defaults count.
    std::fs::remove_file(editor.root().join(TOML)).unwrap();
    editor.watched(TOML, 3).await;
    editor.warned(APP, &[STALE, OFF]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_file_that_is_created_wrong_and_deleted_leaves_nothing() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &[], |it| it).await;
    editor.warned(APP, &[STALE, OFF]).await;
    editor.write(TOML, "stale_days = 0\n");
    editor.watched(TOML, 1).await;
    let found = problems(&mut editor, TOML, "stale_days = 0\n").await;
    assert_eq!(found, ["0: expected a whole number from 1 to 3650, not 0"]);
    // Nothing was right before it, so nothing is asked, and the reason is told once.
    assert!(editor.told().await.contains("flagline.toml has 1 error"));
    std::fs::remove_file(editor.root().join(TOML)).unwrap();
    editor.watched(TOML, 3).await;
    editor.warned(TOML, &[]).await;
    editor.edit(APP, "old-banner", "no-banner").await;
    editor.warned(APP, &[STALE, &unknown("no-banner")]).await;
    editor.finish().await;
}

#[tokio::test]
async fn the_file_lies_in_the_root_or_above_it_as_far_as_the_repository_goes() {
    let posthog = Posthog::start().await;
    for (git, expected) in [(".git", &[OFF][..]), ("app/.git", &[STALE, OFF])] {
        let start = Start::new(&[("legacy/old.ts", &read("in-legacy"))]).signed_in(&posthog);
        let above = start.folder.path().to_owned();
        std::fs::create_dir(above.join(git)).unwrap();
        // Patterns are relative to the file.
        write(&above.join(TOML), "stale_days = 365\nexclude = [\"app/legacy/\"]\n");
        let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
        if git == "app/.git" {
            editor.warned("legacy/old.ts", &[&unknown("in-legacy")]).await;
        }
        editor.open(APP, CODE).await;
        editor.warned(APP, expected).await;
        if git == ".git" {
            let path = above.join(TOML).to_str().unwrap().to_owned();
            editor.open(&path, "stale_days = 365\nexclude = []\n").await;
            editor.save(&path).await;
            editor.warned("legacy/old.ts", &[&unknown("in-legacy")]).await;
        }
        editor.finish().await;
    }
}

/// What completions write, with the label of each, applied to the text.
fn written(editor: &Editor, completions: &Value, label: &str) -> String {
    let found = completions.as_array().unwrap().iter().find(|it| it["label"] == label);
    let found = found.unwrap_or_else(|| panic!("no {label} in {completions:#}"));
    let edit = &found["textEdit"];
    let mut lines: Vec<String> = editor.text(TOML).split('\n').map(str::to_owned).collect();
    let line = &mut lines[edit["range"]["start"]["line"].as_u64().unwrap() as usize];
    let offset = |at: &str| {
        let column = edit["range"][at]["character"].as_u64().unwrap() as usize;
        if editor.utf8 {
            return column;
        }
        let mut units = 0;
        let before = line.chars().take_while(|it| {
            units += it.len_utf16();
            units <= column
        });
        before.map(char::len_utf8).sum()
    };
    let (start, end) = (offset("start"), offset("end"));
    line.replace_range(start..end, edit["newText"].as_str().unwrap());
    lines.join("\n")
}

#[tokio::test]
async fn completion_knows_keys_headers_and_values_in_both_encodings() {
    for encoding in ["utf-8", "utf-16"] {
        let start = Start::new(&[]).capability("/general/positionEncodings", json!([encoding]));
        let mut editor = start.start_signed_out().await;
        editor.open(TOML, "").await;
        for (text, label, expected) in [
            ("st|", "stale_days", "stale_days = 30"),
            ("excl|ude = []", "exclude", "exclude = []"),
            ("env|", "environment", "[[environment]]\n"),
            ("pl|", "plan", "[plan.default]\n"),
            ("[sev|]", "severity", "[severity]"),
            ("[[en|]]", "environment", "[[environment]]"),
            ("[severity]\nst|", "stale-flag", "[severity]\nstale-flag = \"warning\""),
            ("[severity]\nstale-flag = |", "off", "[severity]\nstale-flag = \"off\""),
            ("[severity]\nstale-flag = \"o|\"", "off", "[severity]\nstale-flag = \"off\""),
            ("[severity]\r\nstale-flag = \"o|\r\n", "off", "[severity]\r\nstale-flag = \"off\r\n"),
            ("[severity]\r\nst|\r\n", "stale-flag", "[severity]\r\nstale-flag = \"warning\"\r\n"),
            ("severity = { stale-flag = \"|\" } # ü", "error", "severity = { stale-flag = \"error\" } # ü"),
            (
                "[[environment]]\nname = \"Büro\"\nprim|",
                "primary",
                "[[environment]]\nname = \"Büro\"\nprimary = false",
            ),
            (
                "[plan.büro]\nstage = [{ name = \"😀ü\", aud| }]",
                "audience",
                "[plan.büro]\nstage = [{ name = \"😀ü\", audience = \"everyone\" }]",
            ),
            (
                "[plan.büro]\nstage = [{ name = \"😀ü\", audience = \"ev|\" }]",
                "everyone",
                "[plan.büro]\nstage = [{ name = \"😀ü\", audience = \"everyone\" }]",
            ),
        ] {
            let (before, after) = text.split_once('|').unwrap();
            editor.rewrite(TOML, &format!("{before}{after}")).await;
            let completions = editor.completions(TOML, before).await;
            assert_eq!(written(&editor, &completions, label), expected, "{encoding}: {text}");
        }
        editor.rewrite(TOML, "# st\n[severity]\nstale-flag = \"off\"\n").await;
        assert_eq!(editor.completions(TOML, "# st").await, json!([]), "nothing in a comment");
        let rest = editor.completions(TOML, "\"off\"\n").await;
        assert!(rest.as_array().unwrap().iter().all(|it| it["label"] != "stale-flag"), "{rest:#}");
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn hover_explains_keys_and_values_in_the_clients_markup() {
    let text = "# ü\nstale_days = 30\n[severity]\nunknown-flag = \"off\" # ü\n";
    for formats in [json!(["markdown"]), json!(["plaintext"])] {
        let start = Start::new(&[]).capability("/textDocument/hover/contentFormat", formats.clone());
        let mut editor = start.start_signed_out().await;
        editor.open(TOML, text).await;
        let hover = editor.hover(TOML, "ale_days").await;
        assert_eq!(hover["contents"]["kind"], formats[0]);
        assert_eq!(hover["range"], editor.range_of(TOML, "stale_days"));
        let words = hover["contents"]["value"].as_str().unwrap();
        assert!(words.contains("After how many days") && words.contains("1 to 3650"), "{words}");
        assert_eq!(words.contains('`'), formats[0] == "markdown");
        assert!(editor.hover_text(TOML, "severity").await.contains("How loud"));
        assert!(editor.hover_text(TOML, "unknown-flag").await.contains("has no such flag"));
        assert!(editor.hover_text(TOML, "off").await.contains("Not told at all"));
        assert_eq!(editor.hover(TOML, "# ü").await, json!(null));
        editor.finish().await;
    }
}

#[tokio::test]
async fn other_toml_files_are_left_alone() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    for path in ["Cargo.toml", "sub/my-flagline.toml"] {
        let text = "stale_days = \"x\"\n";
        editor.open(path, text).await;
        assert_eq!(editor.completions(path, "stale").await, json!(null));
        assert_eq!(editor.hover(path, "stale_days").await, json!(null));
        let place = editor.behind(path, "stale");
        assert_eq!(editor.request("flagline/flagAt", place).await, json!(null));
        editor.save(path).await;
    }
    editor.finish().await;
}

// What flagline.toml says about code.

#[tokio::test]
async fn what_is_excluded_has_no_findings_open_or_closed() {
    let posthog = Posthog::start().await;
    let files =
        [("src/a.ts", &*read("in-src")), ("generated/b.ts", &*read("closed")), ("generated/c.ts", "")];
    let start = Start::new(&files).signed_in(&posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("generated/b.ts", &[&unknown("closed")]).await;
    editor.open("generated/c.ts", &read("open")).await;
    editor.warned("generated/c.ts", &[&unknown("open")]).await;
    editor.warned("src/a.ts", &[&unknown("in-src")]).await;
    editor.write(TOML, "exclude = [\"generated/\"]\n");
    editor.watched(TOML, 1).await;
    editor.warned("generated/b.ts", &[]).await;
    editor.warned("generated/c.ts", &[]).await;
    assert_eq!(editor.hover("generated/c.ts", "open").await, json!(null));
    assert_eq!(editor.actions("generated/c.ts", "open").await, Vec::<Value>::new());
    assert_eq!(editor.debug().await["keys"], 1);
    // What is typed there stays unread.
    editor.edit("generated/c.ts", "open", "still-open").await;
    assert_eq!(editor.debug().await["keys"], 1);
    std::fs::remove_file(editor.root().join(TOML)).unwrap();
    editor.watched(TOML, 3).await;
    editor.warned("generated/b.ts", &[&unknown("closed")]).await;
    editor.warned("generated/c.ts", &[&unknown("still-open")]).await;
    editor.finish().await;
}

const NAMED_TSX: &str = "\
import { metrics } from './metrics'
import { useFlag, features, Feature } from './flags'

export function Page() {
  const a = metrics.isFeatureEnabled('by-client')
  const b = useFlag('by-hook')
  const c = features.useFlag('by-member')
  return <Feature flag=\"by-component\">{a && b && c}</Feature>
}
";
const NAMED_PY: &str = "\
from app.flags import is_on

if is_on(\"by-call\", user=1) or is_on(user=1, key=\"by-keyword\"):
    ship()
";

/// All names are read, in open and in closed files, and none is when the settings are gone.
async fn named(posthog: &Posthog, path: &str, settings: &str) {
    let files = [("page.tsx", NAMED_TSX), ("views.py", NAMED_PY), (path, settings)];
    let start = Start::new(&files).signed_in(posthog);
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    let tsx = ["by-client", "by-hook", "by-member", "by-component"].map(unknown);
    let tsx: Vec<&str> = tsx.iter().map(String::as_str).collect();
    let py = ["by-call", "by-keyword"].map(unknown);
    let py: Vec<&str> = py.iter().map(String::as_str).collect();
    editor.warned("page.tsx", &tsx).await;
    editor.warned("views.py", &py).await;
    editor.open("page.tsx", NAMED_TSX).await;
    assert!(editor.hover_text("page.tsx", "by-component").await.contains("unknown"));
    std::fs::remove_file(editor.root().join(path)).unwrap();
    editor.watched(path, 3).await;
    editor.warned("page.tsx", &[]).await;
    editor.warned("views.py", &[]).await;
    editor.write(path, settings);
    editor.watched(path, 1).await;
    editor.warned("page.tsx", &tsx).await;
    editor.warned("views.py", &py).await;
    editor.finish().await;
}

#[tokio::test]
async fn the_teams_own_names_are_read() {
    let posthog = Posthog::start().await;
    let settings = "client_names = [\"metrics\"]\nwrapper_names = [\"useFlag\", \"Feature\", \"is_on\"]\n";
    named(&posthog, TOML, settings).await;
}

#[tokio::test]
async fn the_names_of_posthog_json_are_read() {
    let posthog = Posthog::start().await;
    let settings = json!({
        "additionalClientNames": ["metrics"],
        "additionalFlagFunctions": ["useFlag", "Feature", "is_on"],
    });
    named(&posthog, JSON, &settings.to_string()).await;
}

#[tokio::test]
async fn posthog_json_names_the_project_and_what_is_wrong_in_it_is_shown() {
    let posthog = Posthog::start().await;
    let wrong = "{\n  \"projectId\": \"Offset\",\n  \"additionalClientNames\": \"metrics\"\n}\n";
    let mut start = Start::new(&[(JSON, wrong)]).signed_in(&posthog);
    start.command.env_remove("FLAGLINE_PROJECT");
    let mut editor = start.start().await;
    editor.open(APP, CODE).await;
    let found = problems(&mut editor, JSON, wrong).await;
    assert!(found[0].starts_with("\"projectId\": expected the project's number"), "{found:#?}");
    assert!(found[1].starts_with("\"additionalClientNames\": expected a list"), "{found:#?}");
    // It has no project that counts, and the key sees one alone.
    editor.warned(APP, &[STALE, OFF]).await;
    editor.write(JSON, r#"{ "projectId": 77 }"#);
    editor.watched(JSON, 2).await;
    editor.warned(JSON, &[]).await;
    editor.warned(APP, &[]).await;
    assert!(!editor.told().await.is_empty(), "there is no project 77");
    editor.write(JSON, r#"{ "projectId": 1 }"#);
    editor.watched(JSON, 2).await;
    editor.warned(APP, &[STALE, OFF]).await;
    editor.finish().await;
}

#[tokio::test]
async fn how_loud_a_finding_is_can_be_set_and_what_is_off_can_be_acted_upon() {
    let posthog = Posthog::start().await;
    let text = "[severity]\nunknown-flag = \"error\"\nstale-flag = \"off\"\ndisabled-flag = \"hint\"\n";
    let mut editor = opened(&posthog, &[(TOML, text)], |it| it).await;
    let code = format!("if ({}) {{ a() }} else {{ b() }}\n{}", CODE.lines().next().unwrap(), read("typo"));
    editor.rewrite(APP, &code).await;
    editor.warned(APP, &[&unknown("typo")]).await;
    let action = editor.action(APP, "new-checkout", "Remove flag 'new-checkout' here").await;
    assert!(action["edit"].is_object(), "{action:#}");
    // The numbers are those of the protocol.
    editor.rewrite(APP, &format!("{}{}", read("typos"), read("old-banner"))).await;
    let found = loop {
        let found = editor.published(APP).await;
        if found.len() == 2 && found[0]["message"].as_str().unwrap().contains("typos") {
            break found;
        }
    };
    assert_eq!((&found[0]["severity"], &found[1]["severity"]), (&json!(1), &json!(4)));
    editor.write(TOML, "[severity]\nunknown-flag = \"information\"\ndisabled-flag = \"off\"\n");
    editor.watched(TOML, 2).await;
    let found = editor.published(APP).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["severity"], 3);
    editor.finish().await;
}

// What the editor sends.

#[tokio::test]
async fn settings_are_pushed_with_and_without_their_section() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &[], |it| it.options(json!({ "staleDays": 365 }))).await;
    editor.warned(APP, &[OFF]).await;
    editor.configure(json!({ "flagline": { "staleDays": 10 } })).await;
    editor.warned(APP, &BOTH_STALE).await;
    editor.configure(json!({ "staleDays": 100 })).await;
    editor.warned(APP, &[STALE, OFF]).await;
    editor.configure(json!({ "flagline": { "staleDays": 365 } })).await;
    editor.warned(APP, &[OFF]).await;
    // What says nothing is not set.
    editor.configure(json!({ "staleDays": null, "host": "", "project": "", "lens": null })).await;
    editor.warned(APP, &[STALE, OFF]).await;
    // No settings at all change nothing.
    editor.configure(json!(null)).await;
    editor.edit(APP, "old-banner", "no-banner").await;
    editor.warned(APP, &[STALE, &unknown("no-banner")]).await;
    editor.finish().await;
}

#[tokio::test]
async fn settings_are_pulled_from_those_who_have_them() {
    let posthog = Posthog::start().await;
    let pull = |it: Start| {
        let it = it.capability("/workspace/configuration", json!(true));
        it.options(json!({ "staleDays": 10 }))
    };
    let mut editor = opened(&posthog, &[], pull).await;
    let asked = editor.answer("workspace/configuration", json!([{ "staleDays": 365 }])).await;
    assert_eq!(asked, json!({ "items": [{ "section": "flagline" }] }));
    editor.warned(APP, &[OFF]).await;
    // What is pushed is only the sign to ask again.
    editor.configure(json!({ "flagline": { "staleDays": 1 } })).await;
    editor.answer("workspace/configuration", json!([{ "staleDays": 100 }])).await;
    editor.warned(APP, &[STALE, OFF]).await;
    // A file of settings needs no question.
    editor.write(TOML, "[severity]\ndisabled-flag = \"off\"\n");
    editor.watched(TOML, 1).await;
    editor.warned(APP, &[STALE]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_client_that_has_no_such_section_keeps_what_it_sent_first() {
    let posthog = Posthog::start().await;
    let pull = |it: Start| {
        let it = it.capability("/workspace/configuration", json!(true));
        it.options(json!({ "staleDays": 365 }))
    };
    let mut editor = opened(&posthog, &[], pull).await;
    editor.answer("workspace/configuration", json!([null])).await;
    editor.warned(APP, &[OFF]).await;
    editor.finish().await;
}

#[tokio::test]
async fn a_client_that_does_not_say_its_settings_holds_up_nothing() {
    let posthog = Posthog::start().await;
    let pull = |it: Start| it.capability("/workspace/configuration", json!(true));
    let mut editor = opened(&posthog, &[], pull).await;
    editor.warned(APP, &[STALE, OFF]).await;
    editor.ignore("workspace/configuration");
    editor.finish().await;
}

#[tokio::test]
async fn wrong_settings_are_told_once_all_of_them() {
    let posthog = Posthog::start().await;
    let wrong = json!({ "staleDay": 3, "diagnostics": "all", "staleDays": 365, "apiKey": "phx_secret", "lens": "yes" });
    let mut editor = opened(&posthog, &[], |it| it.options(wrong.clone())).await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(editor.told().await);
    }
    for words in
        ["did you mean staleDays?", "diagnostics: expected", "apiKey: keys are not taken", "lens: expected"]
    {
        assert!(told.iter().any(|it| it.contains(words)), "no {words:?} in {told:#?}");
    }
    assert!(!told.concat().contains("phx_secret"));
    // What is right counts, and the same again is nothing new.
    editor.warned(APP, &[OFF]).await;
    let mut again = wrong;
    again["staleDays"] = 10.into();
    editor.configure(json!({ "flagline": again })).await;
    editor.warned(APP, &BOTH_STALE).await;
    assert!(!editor.log().contains("phx_secret"));
    editor.finish().await;
}

#[tokio::test]
async fn which_files_have_diagnostics_can_change() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("closed.ts", &read("in-closed"))]).signed_in(&posthog);
    let mut editor = start.start().await;
    editor.open(APP, &read("in-open")).await;
    editor.warned(APP, &[&unknown("in-open")]).await;
    editor.configure(json!({ "diagnostics": "workspace" })).await;
    editor.warned("closed.ts", &[&unknown("in-closed")]).await;
    editor.configure(json!({ "diagnostics": "open" })).await;
    editor.warned("closed.ts", &[]).await;
    editor.finish().await;
}

// Several folders.

#[tokio::test]
async fn each_folder_is_judged_by_its_own_file() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("app.ts", CODE), (TOML, "stale_days = 365\n")]).signed_in(&posthog);
    let start = start.folder("web", &[("web.ts", CODE), (TOML, "stale_days = 5\n")]);
    let web = start.folder.path().join("web");
    let path = |name: &str| web.join(name).to_str().unwrap().to_owned();
    let (source, toml) = (&*path("web.ts"), &*path(TOML));
    let mut editor = start.options(json!({ "diagnostics": "workspace" })).start().await;
    editor.warned("app.ts", &[OFF]).await;
    editor.warned(source, &BOTH_STALE).await;
    // One of them changes, the other stays.
    editor.write(toml, "stale_days = 50\n");
    editor.watched(toml, 2).await;
    editor.warned(source, &[STALE, OFF]).await;
    let folder = json!({ "uri": url::Url::from_file_path(&web).unwrap(), "name": "web" });
    let change = async |editor: &mut Editor, added: Value, removed: Value| {
        let event = json!({ "event": { "added": added, "removed": removed } });
        editor.notify("workspace/didChangeWorkspaceFolders", event).await;
    };
    change(&mut editor, json!([]), json!([folder])).await;
    editor.warned(source, &[]).await;
    change(&mut editor, json!([folder]), json!([])).await;
    editor.warned(source, &[STALE, OFF]).await;
    // Twice is once.
    change(&mut editor, json!([folder]), json!([])).await;
    editor.open(source, &read("new-checkout")).await;
    editor.warned(source, &[STALE]).await;
    assert_eq!(editor.debug().await["roots"].as_array().unwrap().len(), 2);
    editor.finish().await;
}

#[tokio::test]
async fn each_folder_asks_its_own_project() {
    let (one, two) = (Posthog::start().await, Posthog::start().await);
    two.change(flagline::sandbox::API_KEY, "new-checkout", json!({ "active": false })).await;
    let toml = |it: &Posthog, name: &str| {
        format!("[[environment]]\nname = \"{name}\"\nhost = \"{}\"\nproject = 1\n", it.url())
    };
    let experimental = json!({ "flagline": { "status": true, "credentials": true } });
    let start = Start::new(&[("app.ts", CODE), (TOML, &toml(&one, "first"))]);
    let start = start.folder("web", &[("web.ts", CODE), (TOML, &toml(&two, "second"))]);
    let source = start.folder.path().join("web/web.ts").to_str().unwrap().to_owned();
    let start =
        start.options(json!({ "diagnostics": "workspace" })).capability("/experimental", experimental);
    let mut editor = start.start().await;
    for _ in 0..2 {
        editor.answer("flagline/credential", json!({ "key": flagline::sandbox::API_KEY })).await;
    }
    editor.warned("app.ts", &[STALE, OFF]).await;
    editor.warned(&source, &["disabled-flag: 'new-checkout'", OFF]).await;
    let status = loop {
        let status = editor.client.expect("flagline/status").await.unwrap();
        if status["environments"].as_array().unwrap().iter().all(|it| it["state"] == "ready") {
            break status;
        }
    };
    for (at, name, posthog, root) in
        [(0, "first", &one, editor.uri("")), (1, "second", &two, editor.uri(&source))]
    {
        let environment = &status["environments"][at];
        assert_eq!((&environment["name"], &environment["host"]), (&json!(name), &json!(posthog.url())));
        let of = environment["roots"][0].as_str().unwrap();
        assert!(root.starts_with(of), "{root} is not below {of}");
    }
    editor.ignore("flagline/status");
    editor.finish().await;
}

#[tokio::test]
async fn a_feature_is_made_in_the_project_of_the_folder_that_is_meant() {
    let (one, two) = (Posthog::start().await, Posthog::start().await);
    let toml = |it: &Posthog| format!("[[environment]]\nhost = \"{}\"\nproject = 1\n", it.url());
    let start = Start::new(&[("app.ts", CODE), (TOML, &toml(&one))]);
    let start = start.folder("web", &[("web.ts", CODE), (TOML, &toml(&two))]);
    let source = start.folder.path().join("web/web.ts").to_str().unwrap().to_owned();
    let start = start.capability("/experimental", json!({ "flagline": { "credentials": true } }));
    let mut editor = start.start().await;
    for _ in 0..2 {
        editor.answer("flagline/credential", json!({ "key": flagline::sandbox::API_KEY })).await;
    }
    editor.open(&source, CODE).await;
    editor.warned(&source, &[STALE, OFF]).await;
    let before = [one.count("flags").await, two.count("flags").await];
    let run = async |editor: &mut Editor, command: &str, argument: Value| {
        editor.execute(&json!({ "command": command, "arguments": [argument] })).await;
    };
    // Nothing says which: no document, or one that lies in no folder.
    for uri in [json!(null), json!("untitled:Untitled-1"), json!("file:///nowhere/a.ts")] {
        run(&mut editor, "flagline.launch", json!({ "key": "in-two", "uri": uri })).await;
        let told = editor.told().await;
        assert!(told.contains("'in-two' is not launched") && told.contains("different projects"), "{told}");
    }
    assert_eq!([one.count("flags").await, two.count("flags").await], before);
    let uri = editor.uri(&source);
    run(&mut editor, "flagline.createFeature", json!({ "key": "in-two", "uri": uri })).await;
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("'in-two' has a brief now"));
    assert!(editor.folder.path().join("web/.flagline/in-two.toml").exists());
    run(&mut editor, "flagline.launch", json!({ "key": "in-two", "uri": uri })).await;
    editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    assert!(editor.told().await.contains("is launched"));
    two.flag("in-two").await;
    assert_eq!(one.count("flags").await, before[0]);
    run(&mut editor, "flagline.open", json!({ "uri": uri })).await;
    let shown = editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(shown["uri"].as_str().unwrap().starts_with(two.url()), "{shown}");
    // Whatever document is looked at, the project is that of the folder in which the brief lies.
    editor.ignore("window/logMessage");
    editor.ignore("textDocument/publishDiagnostics");
    let mut written = before[1] + 1;
    for uri in [json!(editor.uri("app.ts")), json!(null)] {
        run(&mut editor, "flagline.stop", json!({ "key": "in-two", "uri": uri })).await;
        editor.answer("window/showMessageRequest", json!({ "title": "Stop" })).await;
        let told = editor.told().await;
        assert!(told.contains("'in-two' is stopped"), "{told}");
        run(&mut editor, "flagline.resume", json!({ "key": "in-two", "uri": uri })).await;
        editor.answer("window/showMessageRequest", json!({ "title": "Resume" })).await;
        let told = editor.told().await;
        assert!(told.contains("'in-two' is resumed") && told.contains(two.url()), "{told}");
        let key = if uri.is_null() { "also-two" } else { "and-two" };
        let brief = editor.folder.path().join(format!("web/.flagline/{key}.toml"));
        std::fs::write(brief, format!("key = \"{key}\"\n")).unwrap();
        run(&mut editor, "flagline.launch", json!({ "key": key, "uri": uri })).await;
        editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
        assert!(editor.told().await.contains("is launched"));
        written += 1;
        assert_eq!([one.count("flags").await, two.count("flags").await], [before[0], written]);
    }
    // Of two briefs of the same key, that of the document's folder is meant; without one nobody knows.
    editor.write(".flagline/in-two.toml", "key = \"in-two\"\n");
    run(&mut editor, "flagline.launch", json!({ "key": "in-two" })).await;
    let told = editor.told().await;
    assert!(told.contains("'in-two' is not launched") && told.contains("different projects"), "{told}");
    let uri = editor.uri("app.ts");
    run(&mut editor, "flagline.launch", json!({ "key": "in-two", "uri": uri })).await;
    editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    assert!(editor.told().await.contains("is launched"));
    one.flag("in-two").await;
    // Where a flag is read it is that folder's, whatever brief another folder has of its key.
    let brief = editor.folder.path().join("web/.flagline/project-videos.toml");
    std::fs::write(brief, "key = \"project-videos\"\n").unwrap();
    for (uri, asked) in [
        (editor.uri("app.ts"), "'project-videos' has no brief, so there are no messages about it"),
        (editor.uri(&source), "Who is told from now on what happens to 'project-videos'?"),
    ] {
        run(&mut editor, "flagline.follow", json!({ "key": "project-videos", "uri": uri })).await;
        let question = editor.answer("window/showMessageRequest", json!(null)).await;
        assert!(question["message"].as_str().unwrap().contains(asked), "{question}");
    }
    editor.finish().await;
}

#[tokio::test]
async fn folders_that_mean_the_same_project_need_no_document() {
    let posthog = Posthog::start().await;
    let start = Start::new(&[("app.ts", CODE)]).folder("web", &[]).signed_in(&posthog);
    let mut editor = start.start().await;
    editor.write(".flagline/in-both.toml", "key = \"in-both\"\n");
    editor.execute(&json!({ "command": "flagline.launch", "arguments": [{ "key": "in-both" }] })).await;
    editor.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
    assert!(editor.told().await.contains("is launched"));
    editor.finish().await;
}
