//! Briefs as documents in an editor: what is wrong, what can be written, what stands there, where it leads, outline and
//! layout.

#![cfg(test)]

mod support;

use serde_json::{Value, json};
use support::{Editor, Posthog, Start};

const APP: &str = "app.ts";
const CODE: &str = "\
const VIDEOS = 'project-videos'
posthog.isFeatureEnabled(VIDEOS)
posthog.isFeatureEnabled('brand-new')
";
const BRIEF: &str = ".flagline/project-videos.toml";
const TOML: &str = "flagline.toml";
const SETTINGS: &str = "\
# Büro
[plan.careful]
stage = [{ name = \"internal\", audience = \"everyone\" }, { name = \"beta\", audience = \"everyone\" }]

[severity]
plan-drift = \"off\"
";

/// A brief with nothing wrong in it.
const GOOD: &str = "\
# ü
key = \"project-videos\"
plan = \"careful\"

[interview]
stage = \"beta\"
calendar = \"https://cal.example/ada\"
";

/// The briefs here are about flags that others made, by other plans.
const QUIET: &str = "[severity]\nplan-drift = \"off\"\n";

async fn opened(posthog: &Posthog, files: &[(&str, &str)]) -> Editor {
    let has_settings = files.iter().any(|it| it.0 == TOML);
    let quiet = [(TOML, QUIET)];
    let files = [files, if has_settings { &[] } else { &quiet[..] }].concat();
    let mut editor = Start::new(&files).signed_in(posthog).start().await;
    editor.open(APP, CODE).await;
    editor.warned(APP, &["unknown-flag"]).await;
    editor
}

/// What is offered behind `needle`, once `label` is: what PostHog has is loaded in the background.
async fn offered(editor: &mut Editor, path: &str, needle: &str, label: &str) -> Vec<String> {
    for _ in 0..1500 {
        let items = editor.completions(path, needle).await;
        let label_of = |it: &Value| it["label"].as_str().unwrap().to_owned();
        let labels: Vec<String> = items["items"].as_array().unwrap().iter().map(label_of).collect();
        if labels.iter().any(|it| it == label) {
            return labels;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{label} is never offered");
}

async fn definition(editor: &mut Editor, path: &str, needle: &str) -> Value {
    let params = editor.behind(path, needle);
    editor.request("textDocument/definition", params).await
}

// What is wrong.

#[tokio::test]
async fn what_is_wrong_is_told_open_closed_and_changed_outside() {
    let posthog = Posthog::start().await;
    let broken = "key = \"brand-new\"\nowner = \"ada\"\n";
    let files = [(TOML, SETTINGS), (BRIEF, GOOD), (".flagline/brand-new.toml", broken)];
    let mut editor = opened(&posthog, &files).await;
    editor.warned(".flagline/brand-new.toml", &["brief: expected an e-mail address"]).await;
    editor.open(BRIEF, GOOD).await;
    editor.edit(BRIEF, "careful", "carefull").await;
    editor.warned(BRIEF, &["brief: flagline.toml has no plan \"carefull\"; did you mean \"careful\"?"]).await;
    editor.edit(BRIEF, "carefull", "careful").await;
    editor.warned(BRIEF, &[]).await;
    // A key belongs to one brief; both are told, also the one that is closed.
    editor.edit(BRIEF, "project-videos", "brand-new").await;
    editor.warned(BRIEF, &["brief: brand-new.toml is a brief of this flag too"]).await;
    let closed =
        ["brief: project-videos.toml is a brief of this flag too", "brief: expected an e-mail address"];
    editor.warned(".flagline/brand-new.toml", &closed).await;
    // Closed without being saved, what is on disk counts.
    editor.close(BRIEF).await;
    editor.warned(BRIEF, &[]).await;
    editor.warned(".flagline/brand-new.toml", &closed[1..]).await;
    editor.write(".flagline/brand-new.toml", "key = \"brand-new\"\n");
    editor.watched(".flagline/brand-new.toml", 2).await;
    editor.warned(".flagline/brand-new.toml", &[]).await;
    editor.write("packages/shop/.flagline/new.toml", "key = 3\n");
    editor.watched("packages/shop/.flagline/new.toml", 1).await;
    editor.warned("packages/shop/.flagline/new.toml", &["brief: expected text, not a number"]).await;
    std::fs::remove_file(editor.root().join("packages/shop/.flagline/new.toml")).unwrap();
    editor.watched("packages/shop/.flagline/new.toml", 3).await;
    editor.warned("packages/shop/.flagline/new.toml", &[]).await;
    // A plan that comes with the settings.
    editor.write(BRIEF, &GOOD.replace("careful", "bold"));
    editor.watched(BRIEF, 2).await;
    editor.warned(BRIEF, &["brief: flagline.toml has no plan \"bold\""]).await;
    editor.write(TOML, &SETTINGS.replace("careful", "bold"));
    editor.watched(TOML, 2).await;
    editor.warned(BRIEF, &[]).await;
    editor.finish().await;
}

#[tokio::test]
async fn audiences_and_channels_that_posthog_does_not_have_are_told() {
    let posthog = Posthog::start().await;
    let behaves = json!({ "type": "behavioral", "key": "video watched", "value": "performed_event", "event_type": "events", "time_value": 30, "time_interval": "day" });
    let filters =
        json!({ "properties": { "type": "OR", "values": [{ "type": "AND", "values": [behaves] }] } });
    let (status, _) = posthog.ask("POST", "cohorts/", json!({ "name": "Watched", "filters": filters })).await;
    assert_eq!(status, 201);
    let mut editor = opened(&posthog, &[]).await;
    assert_eq!(posthog.requests("GET /api/projects/:id/integrations/").await, 0, "nobody writes a brief");
    let stage = |name: &str, cohort: &str| {
        format!("[[stage]]\nname = \"{name}\"\naudience = {{ cohort = {cohort} }}\n")
    };
    let text = [
        "key = \"brand-new\"\n".to_owned(),
        stage("a", "\"Beta testers\""),
        stage("b", "\"Watched\""),
        stage("c", "77"),
        stage("d", "\"Beta tester\""),
        "[notify]\nslack = \"#relases\"\n".into(),
    ]
    .concat();
    editor.open(".flagline/brand-new.toml", &text).await;
    let told = [
        "brief: PostHog refuses cohorts of behaviour in flags, and 'Watched' is one",
        "has no cohort 77",
        "static and empty; did you mean \"Beta testers\"?",
        "brief: PostHog sees no such channel in Slack; did you mean \"releases\"?",
    ];
    editor.warned(".flagline/brand-new.toml", &told).await;
    // One of a flag that was put away.
    editor.rewrite(".flagline/brand-new.toml", "key = \"legacy-export\"\n").await;
    editor.warned(".flagline/brand-new.toml", &["and it is archived"]).await;
    // Within an hour nothing is asked again.
    for _ in 0..3 {
        editor.completions(".flagline/brand-new.toml", "legacy").await;
    }
    editor.debug().await;
    assert_eq!(posthog.requests("GET /api/projects/:id/integrations/").await, 1);
    editor.finish().await;
}

#[tokio::test]
async fn a_key_that_may_see_little_fails_nothing() {
    let posthog = Posthog::start().await;
    posthog
        .scopes(&[
            "user:read",
            "project:read",
            "feature_flag:read",
            "activity_log:read",
            "query:read",
            "experiment:read",
            "cohort:read",
            "early_access_feature:read",
        ])
        .await;
    let mut editor = opened(&posthog, &[]).await;
    let text = "key = \"project-videos\"\n[notify]\nslack = \"#nowhere\"\n[[stage]]\nname = \"a\"\naudience = { cohort = \"\" }\n";
    editor.open(BRIEF, text).await;
    let labels = offered(&mut editor, BRIEF, "cohort = \"", "Beta testers").await;
    assert!(labels.contains(&"Internal".to_owned()), "{labels:?}");
    let nothing = json!({ "isIncomplete": false, "items": [] });
    assert_eq!(editor.completions(BRIEF, "slack = \"").await, nothing);
    editor.rewrite(BRIEF, &text.replace("cohort = \"\"", "cohort = \"Nobody\"")).await;
    editor.warned(BRIEF, &["has no such cohort yet"]).await;
    editor.finish().await;
}

/// The answer of a list that the server has, in place of its own.
fn listing(path: &str, rows: &Value) -> Value {
    let body = json!({ "count": rows.as_array().unwrap().len(), "next": null, "results": rows });
    json!({ "path_contains": path, "kind": "status", "status": 200, "body": body })
}

#[tokio::test]
async fn events_and_properties_are_those_that_posthog_has_seen() {
    let posthog = Posthog::start().await;
    let event =
        |name: &str| json!({ "id": "01a1", "name": name, "description": "Played to its end", "tags": [] });
    let property = |name: &str| json!({ "id": "01a1", "name": name, "property_type": "String" });
    let faults = [
        listing(
            "event_definitions",
            &json!([event("video watched"), { "name": "$pageview", "description": null }]),
        ),
        listing("property_definitions/?type=event", &json!([property("kg")])),
        listing("property_definitions/?type=person", &json!([property("country")])),
    ];
    posthog.faults(json!(faults)).await;
    let mut editor = opened(&posthog, &[]).await;
    let text = "key = \"project-videos\"\n[metric]\nkind = \"trend\"\nevents = [\"video wached\"]\n";
    editor.open(BRIEF, text).await;
    editor
        .warned(
            BRIEF,
            &["Offset has not seen the event 'video wached' so far; did you mean \"video watched\"?"],
        )
        .await;
    let of_metric = offered(&mut editor, BRIEF, "video w", "$pageview").await;
    assert_eq!(of_metric, ["video watched", "$pageview"]);
    editor.edit(BRIEF, "wached", "watched").await;
    editor.warned(BRIEF, &[]).await;
    assert!(editor.hover_text(BRIEF, "video watched").await.contains("Played to its end"));
    let rest = "[[guard]]\nmetric = \"\"\n[[stage]]\naudience = { properties = [{ key = \"\" }] }\n";
    editor.rewrite(BRIEF, rest).await;
    let of_guard = offered(&mut editor, BRIEF, "metric = \"", "exceptions").await;
    assert_eq!(of_guard, ["exceptions", "video watched", "$pageview"]);
    assert_eq!(offered(&mut editor, BRIEF, "key = \"", "country").await, ["country"]);
    editor.rewrite(BRIEF, "[[secondary]]\nevents = [{ event = \"x\", properties = [{ key = ").await;
    assert_eq!(offered(&mut editor, BRIEF, "key = ", "kg").await, ["kg"]);
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

// What can be written, and what stands there.

#[tokio::test]
async fn completion_knows_the_project_the_settings_and_the_code_in_both_encodings() {
    let posthog = Posthog::start().await;
    for encoding in ["utf-8", "utf-16"] {
        let start = Start::new(&[(TOML, SETTINGS), (APP, CODE)]).signed_in(&posthog);
        let mut editor = start.capability("/general/positionEncodings", json!([encoding])).start().await;
        editor.ignore("textDocument/publishDiagnostics");
        let path = ".flagline/new.toml";
        editor.open(path, "# 🎈\n[notify] # ü\nslack = \"#").await;
        assert_eq!(offered(&mut editor, path, "slack = \"#", "#releases").await, ["#releases", "#alerts"]);
        editor.rewrite(path, "name = \"ü\"\nkey = \"").await;
        assert_eq!(offered(&mut editor, path, "key = \"", "brand-new").await, ["brand-new"]);
        editor.rewrite(path, "# 🎈\nplan = \"").await;
        assert_eq!(offered(&mut editor, path, "plan = \"", "careful").await, ["careful"]);
        editor
            .rewrite(path, "[[stage]]\naudience = { email = \"ü\" }\n[[stage]]\naudience = { cohort = \"Be")
            .await;
        let labels = offered(&mut editor, path, "cohort = \"Be", "Beta testers").await;
        assert!(labels.contains(&"High-value".to_owned()), "{labels:?}");
        let items = editor.completions(path, "cohort = \"Be").await;
        let beta =
            items["items"].as_array().unwrap().iter().find(|it| it["label"] == "Beta testers").unwrap();
        assert_eq!(beta["textEdit"]["newText"], "Beta testers\"");
        assert_eq!(beta["textEdit"]["range"], editor.range_of(path, "Be"));
        assert!(beta["detail"].as_str().unwrap().ends_with("people, static"), "{beta:#}");
        editor.rewrite(path, "owner = \"").await;
        offered(&mut editor, path, "owner = \"", "ada@offset.example").await;
        editor.rewrite(path, "ow").await;
        offered(&mut editor, path, "ow", "owner").await;
        editor.finish().await;
    }
}

#[tokio::test]
async fn whole_tables_have_places_to_be_filled_in_where_the_client_has_them() {
    let posthog = Posthog::start().await;
    let path = ".flagline/new.toml";
    let written = async |has_snippets: bool, label: &str| {
        let item = json!({ "snippetSupport": has_snippets });
        let start = Start::new(&[]).signed_in(&posthog);
        let mut editor =
            start.capability("/textDocument/completion", json!({ "completionItem": item })).start().await;
        editor.ignore("textDocument/publishDiagnostics");
        editor.open(path, &format!("key = \"a\"\n{label}")).await;
        let found = editor.completions(path, &format!("\n{label}")).await;
        let found =
            found["items"].as_array().unwrap().iter().find(|it| it["label"] == label).unwrap().clone();
        editor.finish().await;
        (found["textEdit"]["newText"].as_str().unwrap().to_owned(), found["insertTextFormat"].as_u64())
    };
    for (label, snippet) in [
        ("metric", "[metric]\nkind = \"${1|trend,funnel,retention|}\"\n$0"),
        ("stage", "[[stage]]\nname = \"$1\"\naudience = ${2:\"everyone\"}\n$0"),
        ("variant", "[[variant]]\nkey = \"$1\"\npercent = $2\n$0"),
        ("guard", "[[guard]]\nmetric = \"$1\"\n$0"),
        ("interview", "[interview]\ncalendar = \"$1\"\n$0"),
        ("notify", "[notify]\nslack = \"$1\"\n$0"),
    ] {
        assert_eq!(written(true, label).await, (snippet.to_owned(), Some(2)));
    }
    assert_eq!(written(false, "metric").await, ("[metric]\n".to_owned(), None));
}

#[tokio::test]
async fn hover_shows_the_card_the_stage_and_the_meaning() {
    let posthog = Posthog::start().await;
    let mut editor = opened(&posthog, &[(TOML, SETTINGS)]).await;
    editor.open(BRIEF, GOOD).await;
    let card = editor.hover_until(BRIEF, "project-videos", "People in the last 7 days").await;
    assert!(card.contains("beta, 40 %") && card.contains("[Flag]("), "{card}");
    let hover = editor.hover(BRIEF, "project-videos").await;
    assert_eq!(hover["range"], editor.range_of(BRIEF, "project-videos"));
    let stage = editor.hover_text(BRIEF, "beta").await;
    assert!(stage.contains("open to 40 %, where the rollout is"), "{stage}");
    assert!(editor.hover_text(BRIEF, "calendar").await.contains("Where they pick a time"));
    assert_eq!(editor.hover(BRIEF, "# ü").await, json!(null));
    editor.finish().await;
}

// Where it leads.

#[tokio::test]
async fn a_key_leads_to_its_brief_and_a_brief_to_its_reads() {
    let posthog = Posthog::start().await;
    let mut editor = opened(
        &posthog,
        &[(TOML, SETTINGS), (BRIEF, GOOD), ("b.ts", "posthog.isFeatureEnabled('project-videos')\n")],
    )
    .await;
    editor.open(BRIEF, GOOD).await;
    let place =
        |editor: &Editor, path: &str, range: Value| json!({ "uri": editor.uri(path), "range": range });
    let key = place(&editor, BRIEF, editor.range_of(BRIEF, "\"project-videos\""));
    assert_eq!(definition(&mut editor, APP, "isFeatureEnabled(VI").await, json!([key]));
    assert_eq!(definition(&mut editor, APP, "'project").await, json!([key]), "the definition too");
    let reads = definition(&mut editor, BRIEF, "project").await;
    let paths: Vec<&str> = reads.as_array().unwrap().iter().map(|it| it["uri"].as_str().unwrap()).collect();
    assert_eq!(paths, [editor.uri(APP), editor.uri("b.ts")]);
    let params = |editor: &Editor, declaration: bool| {
        let mut params = editor.behind(BRIEF, "project");
        params["context"] = json!({ "includeDeclaration": declaration });
        params
    };
    let (short, long) = (params(&editor, false), params(&editor, true));
    assert_eq!(editor.request("textDocument/references", short).await, reads);
    assert_eq!(editor.request("textDocument/references", long).await.as_array().unwrap().len(), 3);
    editor.open(TOML, SETTINGS).await;
    let plan = place(&editor, TOML, editor.range_of(TOML, "careful"));
    let stage = place(&editor, TOML, editor.range_of(TOML, "\"beta\""));
    assert_eq!(definition(&mut editor, BRIEF, "care").await, json!([plan]));
    assert_eq!(definition(&mut editor, BRIEF, "stage = \"be").await, json!([stage]));
    assert_eq!(definition(&mut editor, BRIEF, "cal.example").await, json!(null));
    // Without a brief, the constant that holds the key.
    editor.edit(BRIEF, "project-videos", "other").await;
    let constant = place(&editor, APP, editor.range_of(APP, "'project-videos'"));
    assert_eq!(definition(&mut editor, APP, "isFeatureEnabled(VI").await, json!([constant]));
    assert_eq!(definition(&mut editor, APP, "brand").await, json!(null));
    editor.finish().await;
}

// Outline and layout.

#[tokio::test]
async fn an_outline_is_nested_where_the_client_can_show_it() {
    for is_nested in [true, false] {
        let capability = "/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport";
        let mut editor = Start::new(&[]).capability(capability, json!(is_nested)).start_signed_out().await;
        editor.open(BRIEF, GOOD).await;
        let params = json!({ "textDocument": { "uri": editor.uri(BRIEF) } });
        let symbols = editor.request("textDocument/documentSymbol", params).await;
        assert_eq!(symbols[0]["name"], "project-videos");
        if is_nested {
            assert_eq!(symbols[0]["selectionRange"], editor.range_of(BRIEF, "\"project-videos\""));
            assert_eq!(symbols[0]["children"][0]["name"], "interview");
            assert_eq!(symbols[0]["children"][0]["selectionRange"], editor.range_of(BRIEF, "interview"));
        } else {
            assert_eq!(symbols[1]["containerName"], "project-videos");
        }
        editor.open(APP, CODE).await;
        let params = json!({ "textDocument": { "uri": editor.uri(APP) } });
        assert_eq!(editor.request("textDocument/documentSymbol", params).await, json!(null));
        editor.ignore("textDocument/publishDiagnostics");
        editor.finish().await;
    }
}

#[tokio::test]
async fn layout_changes_the_lines_that_need_it() {
    let mut editor = Start::new(&[]).start_signed_out().await;
    let options = json!({ "tabSize": 2, "insertSpaces": true });
    let format = |editor: &Editor, path: &str| json!({ "textDocument": { "uri": editor.uri(path) }, "options": options });
    for path in [BRIEF, TOML] {
        editor.open(path, "# ü 😀\nstale_days   =  60 # ü\n").await;
        let params = format(&editor, path);
        let edits = editor.request("textDocument/formatting", params).await;
        let range = editor.range_of(path, "stale_days   =  60 # ü\n");
        assert_eq!(edits, json!([{ "range": range, "newText": "stale_days = 60 # ü\n" }]));
        editor.rewrite(path, "stale_days = 60\n").await;
        let params = format(&editor, path);
        assert_eq!(editor.request("textDocument/formatting", params).await, json!([]));
        editor.rewrite(path, "stale_days =60\nexclude = [\n").await;
        let params = format(&editor, path);
        assert_eq!(editor.request("textDocument/formatting", params).await, json!(null), "broken text stays");
    }
    editor.ignore("textDocument/publishDiagnostics");
    editor.finish().await;
}

#[tokio::test]
async fn what_is_announced_and_what_is_left_alone() {
    let mut editor = Start::new(&[]).process();
    let answer = editor.initialize().await;
    for name in ["definitionProvider", "documentSymbolProvider", "documentFormattingProvider"] {
        assert_eq!(answer["capabilities"][name], true, "{name}");
    }
    for path in ["flagline/a.toml", ".flagline/deep/a.toml", ".flagline/a.json"] {
        editor.open(path, "key=\"\"\n").await;
        assert_eq!(editor.completions(path, "key=\"").await, json!(null), "{path}");
        assert_eq!(editor.hover(path, "key").await, json!(null), "{path}");
        assert_eq!(definition(&mut editor, path, "key").await, json!(null), "{path}");
        let params = json!({ "textDocument": { "uri": editor.uri(path) }, "options": { "tabSize": 2, "insertSpaces": true } });
        assert_eq!(editor.request("textDocument/formatting", params).await, json!(null), "{path}");
    }
    editor.finish().await;
}
