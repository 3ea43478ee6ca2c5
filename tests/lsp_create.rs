//! A feature from a place in the code: what is suggested, what is asked of the client, and the code wrapped.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "Projects.tsx";
const CODE: &str = "\
import { useFeatureFlagEnabled } from 'posthog-js/react'
import { Map } from './Map'
import { VideoPanel } from './VideoPanel'

export function Projects() {
  const mapEnabled = useFeatureFlagEnabled('offset-map')
  return (
    <main>
      {mapEnabled && <Map />}
      <VideoPanel autoplay />
    </main>
  )
}
";

async fn opened(posthog: &Posthog, adapt: impl FnOnce(Start) -> Start) -> Editor {
    let mut editor = adapt(Start::new(&[(APP, CODE)]).signed_in(posthog)).start().await;
    editor.open(APP, CODE).await;
    editor.warned(APP, &["unknown-flag: Offset has no flag 'offset-map'"]).await;
    editor
}

async fn actions(editor: &mut Editor, range: &Value, trigger: u32) -> Vec<Value> {
    let params = json!({
        "textDocument": { "uri": editor.uri(APP) },
        "range": range,
        "context": { "diagnostics": [], "triggerKind": trigger },
    });
    editor.request("textDocument/codeAction", params).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_selection_becomes_a_feature_and_its_code_is_wrapped() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    let range = editor.range_of(APP, "<VideoPanel autoplay />");
    let found = actions(&mut editor, &range, 2).await;
    let action = found.iter().find(|it| it["kind"] == "refactor").unwrap_or_else(|| panic!("{found:#?}"));
    assert_eq!(action["title"], "Create feature 'video-panel' from the selection");
    editor.execute(&action["command"]).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert_eq!(asked["label"], "Wrap in 'video-panel'");
    let edits = asked["edit"]["documentChanges"][0]["edits"].as_array().unwrap();
    let texts: Vec<&str> = edits.iter().map(|it| it["newText"].as_str().unwrap()).collect();
    assert!(texts.iter().any(|it| it.contains("useFeatureFlagEnabled('video-panel')")), "{texts:?}");
    assert!(texts.iter().any(|it| it.contains("videoPanelEnabled &&")), "{texts:?}");
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("'video-panel' has a brief now"));
    let brief = std::fs::read_to_string(editor.root().join(".flagline/video-panel.toml")).unwrap();
    assert!(brief.contains("name = \"Video panel\""), "{brief}");
    editor.finish().await;
}

#[tokio::test]
async fn nothing_is_created_for_code_that_cannot_be_wrapped() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    let range = editor.range_of(APP, "import { Map } from './Map'");
    let argument = json!({ "key": "maps", "uri": editor.uri(APP), "range": range });
    editor.execute(&json!({ "command": "flagline.createFeature", "arguments": [argument] })).await;
    let told = editor.told().await;
    assert!(told.contains("feature 'maps' is not created, since the code is not wrapped: imports"), "{told}");
    assert!(!editor.root().join(".flagline/maps.toml").exists());
    editor.finish().await;
}

#[tokio::test]
async fn code_is_wrapped_in_a_feature_that_is_there() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    editor.write(".flagline/videos.toml", "key = \"videos\"\n");
    let range = editor.range_of(APP, "<VideoPanel autoplay />");
    let argument = json!({ "key": "videos", "uri": editor.uri(APP), "range": range, "version": 1 });
    editor.execute(&json!({ "command": "flagline.createFeature", "arguments": [argument] })).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert_eq!(asked["label"], "Wrap in 'videos'");
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("'videos' has a brief already"));
    editor.finish().await;
}

#[tokio::test]
async fn code_is_wrapped_as_the_others_are_once_all_files_are_read() {
    let posthog = Posthog::start().await;
    let gate = "import { useFeatureFlagEnabled } from 'posthog-js/react'\n\
                export function useGate(key: string) { return useFeatureFlagEnabled(key) ?? false }\n";
    let user = "import { useGate } from './gate'\nexport function Map() { return useGate('offset-map') ? <b /> : null }\n";
    let code = "export function Panel() {\n  return <div><b /></div>\n}\n";
    let names: Vec<String> = (0..300).map(|it| format!("src/many/{it}.tsx")).collect();
    let mut files = vec![("src/gate.ts", gate), ("src/Map.tsx", user), ("src/Panel.tsx", code)];
    files.extend(names.iter().map(|it| (it.as_str(), user)));
    let mut editor = Start::new(&files).signed_in(&posthog).start().await;
    editor.open("src/Panel.tsx", code).await;
    let range = editor.range_of("src/Panel.tsx", "<b />");
    let argument = json!({ "key": "panel", "uri": editor.uri("src/Panel.tsx"), "range": range });
    editor.execute(&json!({ "command": "flagline.createFeature", "arguments": [argument] })).await;
    let asked = editor.answer("workspace/applyEdit", json!({ "applied": true })).await;
    assert!(asked["edit"].to_string().contains("const panelEnabled = useGate('panel')"), "{asked:#}");
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("'panel' has a brief now"));
    editor.finish().await;
}

#[tokio::test]
async fn code_that_changed_meanwhile_is_left_alone_and_the_feature_created() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    let range = editor.range_of(APP, "<VideoPanel autoplay />");
    let argument = json!({ "key": "videos", "uri": editor.uri(APP), "range": range, "version": 0 });
    editor.execute(&json!({ "command": "flagline.createFeature", "arguments": [argument] })).await;
    assert!(editor.told().await.contains("the code changed meanwhile, it is not wrapped"));
    editor.answer("window/showDocument", json!({ "success": true })).await;
    assert!(editor.told().await.contains("'videos' has a brief now"));
    editor.finish().await;
}

#[tokio::test]
async fn a_client_that_asks_its_user_is_told_what_to_ask_with() {
    let posthog = Posthog::start().await;
    let declared = json!({ "commands": { "commands": ["flagline.newFeature"] } });
    let mut editor = opened(&posthog, |it| it.capability("/experimental", declared)).await;
    let range = editor.range_of(APP, "<VideoPanel autoplay />");
    let found = actions(&mut editor, &range, 2).await;
    let action = found.iter().find(|it| it["kind"] == "refactor").unwrap();
    assert_eq!(action["title"], "Create a feature from the selection…");
    assert_eq!(action["command"]["command"], "flagline.newFeature");
    let create = editor.action(APP, "offset-map", "Create feature 'offset-map'").await;
    assert_eq!(create["command"]["command"], "flagline.newFeature");
    let here = json!({ "textDocument": { "uri": editor.uri(APP) }, "range": range });
    let suggested = editor.request("flagline/newFeature", here).await;
    assert_eq!((&suggested["key"], &suggested["name"]), (&json!("video-panel"), &json!("Video panel")));
    assert_eq!(
        (&suggested["owner"], &suggested["wraps"]),
        (&json!("ada@offset.example"), &json!("useFeatureFlagEnabled"))
    );
    assert_eq!(suggested["version"], 1, "a client sends it on");
    let events = suggested["events"].as_array().unwrap();
    assert!(events.contains(&json!("$pageview")), "{events:?}");
    // A name that somebody typed makes the key, free of those that are taken.
    editor.write(".flagline/groesse.toml", "key = \"groesse\"\n");
    editor.watched(".flagline/groesse.toml", 1).await;
    for (name, key) in [("Größe", "groesse-2"), ("New checkout", "new-checkout-2"), ("Café", "cafe")] {
        // The brief that was written outside is read in a moment.
        let mut suggested = json!(null);
        for _ in 0..100 {
            suggested = editor.request("flagline/newFeature", json!({ "name": name })).await;
            if suggested["key"] == key {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!((&suggested["key"], &suggested["name"]), (&json!(key), &json!(name)));
    }
    // Anywhere in a brief its own key is meant, whatever stands in texts and variants.
    let brief = "description = \"\"\"\nkey = 'x'\n\"\"\"\nkey = \"maps\"\n[[variant]]\nkey = \"control\"\n";
    editor.ignore("textDocument/publishDiagnostics");
    for (text, key) in [(brief, json!("maps")), ("[[variant]]\nkey = \"control\"\n", json!(null))] {
        editor.write(".flagline/maps.toml", text);
        editor.open(".flagline/maps.toml", text).await;
        for line in [0, 1] {
            let at = json!({ "textDocument": { "uri": editor.uri(".flagline/maps.toml") }, "position": { "line": line, "character": 0 } });
            let found = editor.request("flagline/flagAt", at).await;
            assert_eq!(found.get("key").unwrap_or(&json!(null)), &key);
        }
        editor.close(".flagline/maps.toml").await;
    }
    // Nothing is known without a place.
    let nowhere = editor.request("flagline/newFeature", json!({})).await;
    assert_eq!((&nowhere["key"], &nowhere["wraps"]), (&json!(null), &json!(null)));
    editor.finish().await;
}

#[tokio::test]
async fn an_empty_place_has_an_action_for_whoever_asks_for_actions() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it).await;
    let at = editor.range_of(APP, "<main>")["start"].clone();
    let range = json!({ "start": at, "end": at });
    assert_eq!(
        actions(&mut editor, &range, 2).await,
        Vec::<Value>::new(),
        "no light wherever the cursor rests"
    );
    let found = actions(&mut editor, &range, 1).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["title"], "Create feature 'projects'");
    editor.finish().await;
}

/// What is offered in a file at a place, as a client asks that sends this context.
async fn offered(editor: &mut Editor, path: &str, context: Value) -> Vec<Value> {
    let at = json!({ "line": 0, "character": 0 });
    let params = json!({
        "textDocument": { "uri": editor.uri(path) },
        "range": { "start": at, "end": at },
        "context": context,
    });
    editor.request("textDocument/codeAction", params).await.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_place_without_a_name_has_an_action_too() {
    let posthog = Posthog::start().await;
    let declared = json!({ "commands": { "commands": ["flagline.newFeature"] } });
    for is_asked in [false, true] {
        let declared = declared.clone();
        let adapt = |it: Start| if is_asked { it.capability("/experimental", declared) } else { it };
        let mut editor = opened(&posthog, adapt).await;
        for (path, text) in [("empty.ts", ""), ("empty.py", ""), ("blank.ts", "\n\nconst a = 1\n")] {
            editor.open(path, text).await;
            for context in [
                json!({ "diagnostics": [], "triggerKind": 2 }),
                json!({ "diagnostics": [] }),
                json!({ "diagnostics": [], "triggerKind": 2, "only": ["refactor"] }),
                json!({ "diagnostics": [], "triggerKind": 1, "only": ["quickfix"] }),
            ] {
                assert_eq!(offered(&mut editor, path, context).await, Vec::<Value>::new(), "{path}");
            }
            for context in [
                json!({ "diagnostics": [], "triggerKind": 1 }),
                json!({ "diagnostics": [], "only": ["refactor"] }),
            ] {
                let found = offered(&mut editor, path, context).await;
                assert_eq!(found.len(), 1, "{found:#?}");
                let argument = &found[0]["command"]["arguments"][0];
                match is_asked {
                    true => {
                        assert_eq!(found[0]["title"], "Create a feature…");
                        assert_eq!((&argument["key"], &argument["name"]), (&json!(null), &json!(null)));
                    }
                    false => {
                        assert_eq!(found[0]["title"], "Create feature 'new-feature'");
                        assert_eq!(argument["name"], "New feature");
                    }
                }
            }
        }
        if !is_asked {
            let context = || json!({ "diagnostics": [], "triggerKind": 1 });
            let found = offered(&mut editor, "empty.ts", context()).await;
            editor.execute(&found[0]["command"]).await;
            editor.answer("window/showDocument", json!({ "success": true })).await;
            assert!(editor.told().await.contains("'new-feature' has a brief now"));
            let next = offered(&mut editor, "empty.ts", context()).await;
            assert_eq!(next[0]["title"], "Create feature 'new-feature-2'");
        }
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn in_a_workspace_that_is_not_trusted_nothing_is_created() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, |it| it.options(json!({ "readOnly": true }))).await;
    let selected = editor.range_of(APP, "<VideoPanel autoplay />");
    let unknown = editor.range_of(APP, "offset-map");
    for range in [selected, unknown] {
        let found = actions(&mut editor, &range, 1).await;
        let create = found.iter().find(|it| it["title"].as_str().unwrap().starts_with("Create")).unwrap();
        assert!(create["disabled"]["reason"].as_str().unwrap().contains("not trusted"), "{create:#}");
        assert!(create.get("command").is_none(), "{create:#}");
    }
    let argument = json!({ "key": "maps", "uri": editor.uri(APP) });
    editor.execute(&json!({ "command": "flagline.createFeature", "arguments": [argument] })).await;
    let told = editor.told().await;
    assert!(told.contains("feature 'maps' is not created: this workspace is not trusted"), "{told}");
    assert!(!editor.root().join(".flagline").exists());
    editor.finish().await;
}
