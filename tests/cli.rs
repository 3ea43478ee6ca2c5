//! The command line: what is printed, and the exit codes: 0 fine, 1 found or refused something, 2 could not run.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use posthog::Posthog;
use serde_json::{Value, json};
use tempfile::TempDir;
use terminal::{flagline, run, signed_in, std_flagline, tree};

// reads

const TREE: [(&str, &str); 5] = [
    (
        "web/b.ts",
        "import posthog from 'posthog-js'\nconst nav = '😀é' + posthog.isFeatureEnabled('new-nav')\r\nposthog.getFeatureFlag(`beta-${x}`)\n",
    ),
    ("web/a.tsx", "const x = useFeatureFlagEnabled('x'), y = useFeatureFlagPayload('y')\n"),
    ("server/flags.py", "KEY = 'from-constant'\nif posthog.feature_enabled(KEY, user):\n    pass\n"),
    ("dist/bundle.js", "posthog.isFeatureEnabled('ignored')\n"),
    (".gitignore", "dist\n"),
];

#[tokio::test]
async fn reads_lists_every_read_in_order() {
    let folder = tree(&TREE);
    let mut command = flagline(folder.path());
    command.arg("reads");
    let (code, stdout, stderr) = run(command).await;
    let expected = "\
server/flags.py:2:28 from-constant feature_enabled (boolean, call, inferred)
web/a.tsx:1:33 x useFeatureFlagEnabled (boolean, hook)
web/a.tsx:1:65 y useFeatureFlagPayload (payload, hook)
web/b.ts:2:45 new-nav isFeatureEnabled (boolean, call)
web/b.ts:3:24 beta-… getFeatureFlag (variant, call)
";
    assert_eq!((code, &*stdout, &*stderr), (0, expected, ""));
}

#[tokio::test]
async fn reads_json_is_what_programs_rely_on() {
    let folder = tree(&TREE);
    let mut command = flagline(folder.path());
    command.args(["reads", "--format", "json"]);
    let (code, stdout, stderr) = run(command).await;
    // The Python file does not say where its `posthog` comes from.
    let certainty = |language: &str| if language == "python" { "inferred" } else { "certain" };
    let read = |path: &str, place: [u32; 3], key: Value, rest: [&str; 5]| {
        let [line, column, end_column] = place;
        let [method, returns, key_from, via, language] = rest;
        json!({
            "path": path, "line": line, "column": column, "endLine": line, "endColumn": end_column,
            "key": key, "prefix": null, "method": method, "returns": returns, "keyFrom": key_from,
            "via": via, "certainty": certainty(language), "forwarded": false, "language": language,
        })
    };
    let mut dynamic = read(
        "web/b.ts",
        [3, 24, 35],
        json!(null),
        ["getFeatureFlag", "variant", "template", "call", "typescript"],
    );
    dynamic["prefix"] = "beta-".into();
    let expected = json!({
        "reads": [
            read("server/flags.py", [2, 28, 31], json!("from-constant"),
                ["feature_enabled", "boolean", "constant", "call", "python"]),
            read("web/a.tsx", [1, 33, 36], json!("x"),
                ["useFeatureFlagEnabled", "boolean", "literal", "hook", "tsx"]),
            read("web/a.tsx", [1, 65, 68], json!("y"),
                ["useFeatureFlagPayload", "payload", "literal", "hook", "tsx"]),
            read("web/b.ts", [2, 45, 54], json!("new-nav"),
                ["isFeatureEnabled", "boolean", "literal", "call", "typescript"]),
            dynamic,
        ],
        "definitions": [{
            "path": "server/flags.py", "line": 1, "column": 7, "endLine": 1, "endColumn": 22,
            "key": "from-constant", "name": "KEY", "language": "python",
        }],
    });
    let actual: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(actual, expected, "{stdout}");
    assert_eq!((code, &*stderr), (0, ""));
}

#[tokio::test]
async fn reads_takes_files_and_folders_and_says_what_it_cannot_read() {
    let folder = tree(&TREE);
    let mut command = flagline(folder.path());
    // A file that is named is read whatever ignore files say.
    command.args(["reads", "web/a.tsx", "dist/bundle.js"]);
    let (code, stdout, _) = run(command).await;
    let lines: Vec<&str> = stdout.lines().map(|it| it.split(' ').next().unwrap()).collect();
    assert_eq!((code, lines), (0, vec!["dist/bundle.js:1:26", "web/a.tsx:1:33", "web/a.tsx:1:65"]));

    std::fs::write(folder.path().join("web/latin1.ts"), b"posthog.isFeatureEnabled('caf\xe9')").unwrap();
    let mut command = flagline(folder.path());
    command.args(["reads", "web"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, stdout.lines().count()), (0, 4));
    assert!(stderr.contains("latin1.ts is not UTF-8"), "{stderr}");

    let mut command = flagline(folder.path());
    command.args(["reads", "web", "no/such/folder"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(stderr.starts_with("flagline: no/such/folder: "), "{stderr}");
}

#[cfg(unix)]
#[test]
fn whoever_has_read_enough_may_leave() {
    let folder = TempDir::new().unwrap();
    let many = "posthog.isFeatureEnabled('a-key-of-some-length')\n".repeat(10_000);
    std::fs::write(folder.path().join("a.ts"), many).unwrap();
    let mut command = std_flagline(folder.path());
    let mut child = command.arg("reads").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("a.ts:1:26 a-key-of-some-length"), "{line}");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(0), ""));
}

// show

#[tokio::test]
async fn show_tells_of_a_known_flag() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "project-videos"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stderr), (0, ""));
    for words in ["project-videos", "beta, 40 %", "People in the last 7 days", "/project/1/feature_flags/"] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "new-checkout", "--format", "json"]);
    let (code, stdout, _) = run(command).await;
    let card: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, 0);
    for (pointer, expected) in [
        ("/key", json!("new-checkout")),
        ("/state", json!("known")),
        ("/project", json!("Offset")),
        ("/stage", json!("everyone")),
        ("/since/value", json!("on")),
        ("/since/exact", json!(true)),
        ("/exposure/windowDays", json!(7)),
        ("/exposureTrouble", json!(null)),
        ("/trouble", json!(null)),
        ("/links/0/title", json!("Flag")),
        ("/links/1/title", json!("Dashboard")),
    ] {
        assert_eq!(card.pointer(pointer), Some(&expected), "{pointer} in {card:#}");
    }
}

#[tokio::test]
async fn show_says_how_a_running_experiment_goes() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "pricing-page"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stderr), (0, ""));
    for words in
        ["Prices by the year runs since", "purchase per person, computed ", "control ", "ignificant: test"]
    {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "pricing-page", "--format", "json"]);
    let (code, stdout, _) = run(command).await;
    let card: Value = serde_json::from_str(&stdout).unwrap();
    let (experiment, result) = (&card["experiments"][0], &card["experiments"][0]["result"]);
    assert_eq!((code, &experiment["metric"]), (0, &json!("purchase per person")));
    assert_eq!((&result["baseline"]["variant"], &result["trouble"]), (&json!("control"), &Value::Null));
    let test = &result["variants"][0];
    let number = |it: &Value| it.as_f64().unwrap_or_else(|| panic!("{card:#}"));
    let by_means = number(&test["mean"]) / number(&result["baseline"]["mean"]) - 1.0;
    assert!((number(&test["difference"]) - by_means).abs() < 1e-9, "{test}");
    assert!(number(&test["interval"][0]) < by_means && by_means < number(&test["interval"][1]));

    // Where the plan has no queries, the reason is said once.
    let posthog = Posthog::start().await;
    posthog.faults(json!([{ "kind": "status", "status": 402, "path_contains": "/query/" }])).await;
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "pricing-page"]);
    let (_, stdout, _) = run(command).await;
    assert!(stdout.contains("Its result cannot be told either"), "{stdout}");
    assert_eq!(stdout.matches("cannot be told: ").count(), 1, "{stdout}");
}

#[tokio::test]
async fn show_exits_with_1_for_an_unknown_flag() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "new-chekout"]);
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 1);
    assert!(stdout.contains("No such flag in Offset. Did you mean new-checkout?"), "{stdout}");
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "new-chekout", "--format", "json"]);
    let (code, stdout, _) = run(command).await;
    let expected = json!({
        "key": "new-chekout", "state": "unknown", "project": "Offset", "similar": "new-checkout", "trouble": null,
        "elsewhere": [],
    });
    assert_eq!((code, serde_json::from_str::<Value>(&stdout).unwrap()), (1, expected));
}

#[tokio::test]
async fn show_exits_with_2_when_nothing_is_loaded() {
    let folder = tree(&[]);
    for format in ["text", "json"] {
        let mut command = flagline(folder.path());
        command.args(["show", "new-checkout", "--format", format]);
        let (code, stdout, _) = run(command).await;
        assert_eq!(code, 2);
        assert!(stdout.contains("not signed in to"), "{stdout}");
        if format == "json" {
            assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["state"], "not-loaded");
        }
    }
    let posthog = Posthog::start().await;
    let mut command = signed_in(folder.path(), &posthog);
    command.env("FLAGLINE_API_KEY", "phx_revoked").args(["show", "new-checkout"]);
    let (code, stdout, stderr) = run(command).await;
    assert_eq!(code, 2);
    assert!(stdout.contains("does not accept the API key"), "{stdout}");
    assert!(!format!("{stdout}{stderr}").contains("phx_revoked"));
}

#[tokio::test]
async fn show_works_offline_from_the_mirror_on_disk() {
    let (posthog, folder) = (Posthog::start().await, tree(&[]));
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["show", "new-checkout"]);
    assert_eq!(run(command).await.0, 0);
    let mut command = signed_in(folder.path(), &posthog);
    posthog.stop().await;
    command.args(["show", "new-checkout"]);
    let (code, stdout, _) = run(command).await;
    assert_eq!(code, 0);
    assert!(stdout.contains("Not up to date") && stdout.contains("cannot be reached"), "{stdout}");
}

#[tokio::test]
async fn wrong_settings_are_told() {
    let folder = tree(&[]);
    let mut command = flagline(folder.path());
    command.env("FLAGLINE_API_KEY", "phc_token").env("FLAGLINE_PROJECT", "acme").args(["show", "x"]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 2);
    for words in
        ["flagline: FLAGLINE_API_KEY: this is a project token", "flagline: FLAGLINE_PROJECT: expected"]
    {
        assert!(stderr.contains(words), "no {words:?} in {stderr}");
    }
}

// The rest.

#[tokio::test]
async fn help_and_mistakes() {
    let folder = tree(&[]);
    for (arguments, code, words) in [
        (&["--help"][..], 0, "Usage: flagline"),
        (&["reads", "--help"], 0, "--format"),
        (&["--version"], 0, env!("CARGO_PKG_VERSION")),
        (&[], 2, "Usage: flagline"),
        (&["raeds"], 2, "reads"),
        (&["show"], 2, "<KEY>"),
        (&["reads", "--format", "xml"], 2, "json"),
    ] {
        let mut command = flagline(folder.path());
        command.args(arguments);
        let (is, stdout, stderr) = run(command).await;
        assert_eq!(is, code, "{arguments:?}");
        let (said, silent) = if code == 0 { (stdout, stderr) } else { (stderr, stdout) };
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(silent, "", "{arguments:?}");
    }
    let mut command = flagline(folder.path());
    let (_, help, _) = run({
        command.arg("--help");
        command
    })
    .await;
    for command in ["lsp", "reads", "check", "clean", "archive", "show", "sandbox", "demo"] {
        assert!(help.lines().any(|it| it.trim_start().starts_with(command)), "{command} in {help}");
    }
}

#[tokio::test]
async fn sandbox_prints_what_it_takes_to_use_it() {
    let folder = tree(&[]);
    let mut child = std_flagline(folder.path()).arg("sandbox").stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut variables = std::collections::BTreeMap::new();
    while variables.len() < 3 {
        let mut line = String::new();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it ended after {variables:?}");
        if let Some((name, value)) = line.trim().strip_prefix("export ").and_then(|it| it.split_once('=')) {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut command = flagline(folder.path());
    command.envs(&variables).args(["show", "dark-mode"]);
    let (code, stdout, _) = run(command).await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(code, 0);
    assert!(stdout.contains("Dark colours"), "{stdout}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let folder = tree(&[]);
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = flagline(folder.path());
    command.args(["sandbox", "--port", &port]);
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 2);
    assert!(stderr.contains(&format!("port {port} on 127.0.0.1 cannot be used")), "{stderr}");
}

#[tokio::test]
async fn demo_shows_the_whole_life_of_a_flag() {
    let folder = tree(&[]);
    let mut command = flagline(folder.path());
    command.env("TMPDIR", folder.path()).arg("demo");
    let (code, stdout, stderr) = run(command).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    for words in [
        "Checkout in one step",
        "People in the last 7 days",
        "unknown-flag: ",
        "stale-flag: ",
        "disabled-flag: ",
        "^^^^",
        "key = \"gift-wrapping\"",
        "launching 'gift-wrapping' makes or changes 10 things in Offset",
        "'gift-wrapping' is launched, in its first stage.",
        "1/2 internal, 100 %",
        "asks for a person's go: everyone at 5 %",
        "touches everyone: 0 → 20 people, of 406",
        "told: Gift wrapping was stopped at everyone: paper is out.",
        "--- src/Checkout.tsx",
        "-    if (posthog.isFeatureEnabled('new-checkout')) {",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.is_empty(), "the demo leaves {left:?} behind");
}

#[cfg(unix)]
#[tokio::test]
async fn demo_keeps_the_sandbox_and_the_app_until_it_is_interrupted() {
    let folder = tree(&[]);
    for (keep, stays) in [(&["--keep", "my app"][..], Some("my app")), (&["--keep"], None)] {
        let mut command = std_flagline(folder.path());
        command.env("TMPDIR", folder.path()).arg("demo").args(keep).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("the warning of 'new-chekout'") {
            assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "it ended after {said}");
        }
        for words in [
            "Checkout in one step",
            "Your turn",
            "export FLAGLINE_API_KEY=phx_sandbox",
            "line 9: hover over 'new-checkout'",
            "line 22: fix the warning of 'new-chekout'",
        ] {
            assert!(said.contains(words), "no {words:?} in {said}");
        }
        let app = said.lines().find_map(|it| it.strip_prefix("The sample app is in ")).unwrap().to_owned();
        assert!(stays.is_none_or(|it| Path::new(&app).ends_with(it)), "{app}");
        if stays.is_some() {
            assert!(said.contains(&format!("  code '{app}'\n  nvim '{app}/src/Checkout.tsx'\n")), "{said}");
        }
        let mut files: Vec<_> = std::fs::read_dir(&app)
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, [".flagline", "server", "src"], "the app, and the brief of what was launched");

        let variable = |name: &str| {
            let line = said.lines().find_map(|it| it.trim().strip_prefix(&format!("export {name}=")));
            line.unwrap().to_owned()
        };
        let mut command = flagline(Path::new(&app));
        for name in ["FLAGLINE_HOST", "FLAGLINE_API_KEY", "FLAGLINE_PROJECT"] {
            command.env(name, variable(name));
        }
        command.env("XDG_CACHE_HOME", folder.path().join("cache")).args(["show", "gift-wrapping"]);
        assert_eq!(run(command).await.0, 0, "the sandbox runs, as the demo left it");

        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(rest.contains(&format!("The sample app stays in {app}")), "{rest}");
        assert!(Path::new(&app).join("src/Checkout.tsx").exists());
        let address = variable("FLAGLINE_HOST").replace("http://", "");
        assert!(std::net::TcpStream::connect(address).is_err(), "the sandbox is gone");
    }
}

#[tokio::test]
async fn demo_overwrites_nothing() {
    let folder = tree(&[("app/src/Checkout.tsx", "mine")]);
    for (named, why) in [("app", "app is not empty"), ("app/src/Checkout.tsx", "cannot be made")] {
        let mut command = flagline(folder.path());
        command.env("TMPDIR", folder.path()).args(["demo", "--keep", named]);
        let (code, stdout, stderr) = run(command).await;
        assert_eq!((code, &*stdout), (2, ""));
        assert!(stderr.contains(why), "{stderr}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("app/src/Checkout.tsx")).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary folder stays");
}

// pull

#[tokio::test]
async fn pull_fetches_what_check_needs_offline() {
    let posthog = Posthog::start().await;
    let folder = tree(&[(
        "app.ts",
        "posthog.isFeatureEnabled('new-checkout')\nposthog.isFeatureEnabled('project-videos')\n",
    )]);
    let mut command = signed_in(folder.path(), &posthog);
    command.arg("pull");
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stderr), (0, ""));
    for words in [
        &format!("of project 1 Offset at {}, as of just now", posthog.url()),
        "exposure of 2 of the 2 keys that are read here, activity of 2 flags",
        &folder.path().join(".cache/flagline").display().to_string(),
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let mut command = signed_in(folder.path(), &posthog);
    command.args(["pull", "--format", "json"]);
    let (code, stdout, _) = run(command).await;
    let row = serde_json::from_str::<Value>(&stdout).unwrap()["environments"][0].clone();
    assert_eq!((code, &row["exposure"], &row["trouble"]), (0, &json!(2), &json!(null)));
    assert!(Path::new(row["path"].as_str().unwrap()).exists());

    let host = posthog.stop().await;
    let again = |arguments: &'static [&'static str]| {
        let mut command = flagline(folder.path());
        command.env("FLAGLINE_HOST", &host).env("FLAGLINE_PROJECT", "1").args(arguments);
        command
    };
    let (code, stdout, _) = run(again(&["check", "--offline"])).await;
    assert!(code == 1 && stdout.contains("new-checkout"), "{stdout}");
    let (code, stdout, stderr) = run(again(&["pull"])).await;
    assert_eq!(code, 2);
    assert!(stdout.contains("as of") && stderr.contains("not signed in"), "{stdout}{stderr}");
    let mut command = again(&["pull"]);
    command.env("FLAGLINE_API_KEY", "phx_any");
    let (code, _, stderr) = run(command).await;
    assert!(code == 2 && stderr.contains("cannot be reached"), "{stderr}");
}
