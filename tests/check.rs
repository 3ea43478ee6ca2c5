//! `flagline check`: what it prints, what it fails on, and what it refuses to claim.

#![cfg(test)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::fs;
use std::path::Path;

use golden::{golden, sample_app};
use posthog::Posthog;
use serde_json::{Value, json};
use terminal::{flagline, run, signed_in, tree};

const UNKNOWN: (&str, &str) = ("a.ts", "posthog.isFeatureEnabled('no-such-flag-anywhere')\n");
const STALE: (&str, &str) = ("b.ts", "posthog.isFeatureEnabled('new-checkout')\n");
const DISABLED: (&str, &str) = ("c.ts", "posthog.isFeatureEnabled('old-banner')\n");

/// Exit code, stdout, stderr.
async fn check(folder: &Path, posthog: &Posthog, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder, posthog);
    command.arg("check").args(arguments);
    run(command).await
}

/// The codes and lines of a JSON report.
fn codes(stdout: &str) -> Vec<(String, u64)> {
    let json: Value = serde_json::from_str(stdout).unwrap();
    let of = |it: &Value| (it["code"].as_str().unwrap().to_owned(), it["line"].as_u64().unwrap());
    json["findings"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn the_sample_app_in_text_and_json() {
    let (posthog, folder) = (Posthog::start().await, sample_app());
    for (format, file) in [("text", "sample-app.txt"), ("json", "sample-app.json")] {
        let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", format]).await;
        assert_eq!((code, &*stderr), (1, ""));
        golden(file, &stdout, &posthog);
    }
    let queries = posthog.requests("POST /api/projects/:id/query/").await;
    assert_eq!(queries, 2, "the second run knows exposure from the first one");
}

#[tokio::test]
async fn code_that_is_hard_to_draw() {
    let posthog = Posthog::start().await;
    let folder = tree(&[
        ("tabs.ts", "if (x) {\n\tposthog\t.isFeatureEnabled('unknown-tabs')\n}\n"),
        ("wide.ts", "const 漢字 = '😀é', y = posthog.isFeatureEnabled('unknown-漢字'), z = 1\r\n"),
        ("lines.ts", "posthog.isFeatureEnabled(`unknown\n  lines`)\n"),
        (
            "control.ts",
            "/* \u{1b}[31m \u{9b}2J \u{202e} */ posthog.isFeatureEnabled('unknown-\u{7}control')\n",
        ),
        ("long.ts", &format!("/* {} */ posthog.isFeatureEnabled('unknown-long')\n", "x".repeat(1000))),
    ]);
    let (code, stdout, _) = check(folder.path(), &posthog, &[]).await;
    assert_eq!(code, 1);
    let wild = |it: &char| it.is_control() && *it != '\n' || *it == '\u{202e}';
    assert_eq!(stdout.chars().find(wild), None, "a terminal must not obey source");
    golden("hard.txt", &stdout, &posthog);
}

#[tokio::test]
async fn colours_only_where_they_are_wanted() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN]));
    for (variables, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "1")], false),
    ] {
        let mut command = signed_in(folder.path(), &posthog);
        command.envs(variables.iter().copied()).arg("check");
        let (code, stdout, _) = run(command).await;
        assert_eq!((code, stdout.contains("\u{1b}[")), (1, coloured), "{variables:?}");
        assert!(stdout.contains("unknown-flag"), "{stdout}");
    }
}

#[tokio::test]
async fn fails_on_what_it_is_told() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN, STALE, DISABLED]));
    for (path, arguments, expected) in [
        (".", &[][..], 1),
        ("a.ts", &[], 1),
        ("b.ts", &[], 1),
        ("c.ts", &[], 0),
        ("c.ts", &["--fail-on", "information"], 1),
        ("c.ts", &["--fail-on", "disabled-flag"], 1),
        ("b.ts", &["--fail-on", "information"], 1),
        ("b.ts", &["--fail-on", "unknown-flag"], 0),
        ("b.ts", &["--fail-on", "unknown-flag,stale-flag"], 1),
        ("a.ts", &["--fail-on", "unknown-flag,stale-flag"], 1),
        (".", &["--fail-on", "error"], 0),
        (".", &["--fail-on", "never"], 0),
        (".", &["--fail-on", "never,disabled-flag"], 1),
    ] {
        let arguments: Vec<&str> = std::iter::once(path).chain(arguments.iter().copied()).collect();
        let (code, stdout, stderr) = check(folder.path(), &posthog, &arguments).await;
        assert_eq!((code, &*stderr), (expected, ""), "{arguments:?}");
        assert!(stdout.contains("flag]: "), "what does not fail is shown too: {stdout}");
    }
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--fail-on", "warnings"]).await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(
        stderr.contains("possible values: error, warning, information, hint, never, unknown-flag"),
        "{stderr}"
    );
}

#[tokio::test]
async fn paths_limit_what_is_reported() {
    let posthog = Posthog::start().await;
    let folder = tree(&[
        ("web/a.ts", UNKNOWN.1),
        ("web/deep/b.ts", STALE.1),
        ("webs/c.ts", DISABLED.1),
        ("dist/d.ts", UNKNOWN.1),
        (".gitignore", "dist\n"),
        (".git/HEAD", ""),
    ]);
    let unknown = ("unknown-flag".to_owned(), 1);
    let stale = ("stale-flag".to_owned(), 1);
    let disabled = ("disabled-flag".to_owned(), 1);
    for (paths, expected, files) in [
        (&[][..], vec![&unknown, &stale, &disabled], 3),
        (&["web"], vec![&unknown, &stale], 2),
        (&["web/deep", "webs/../webs/c.ts", "webs/c.ts"], vec![&stale, &disabled], 2),
        // A file that is named is read whatever ignore files say.
        (&["dist/d.ts"], vec![&unknown], 1),
    ] {
        let arguments: Vec<&str> = ["--format", "json"].iter().chain(paths).copied().collect();
        let (_, stdout, _) = check(folder.path(), &posthog, &arguments).await;
        assert_eq!(codes(&stdout).iter().collect::<Vec<_>>(), expected, "{paths:?}");
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(json["summary"]["files"], files, "{paths:?}");
    }
    let mut command = signed_in(&folder.path().join("web/deep"), &posthog);
    command.args(["check", "../../webs", "--format", "json", "--fail-on", "information"]);
    let (code, stdout, _) = run(command).await;
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, codes(&stdout)), (1, vec![disabled]));
    assert_eq!(json["findings"][0]["path"], "../../webs/c.ts");
}

#[tokio::test]
async fn what_lies_elsewhere_has_its_own_settings() {
    let posthog = Posthog::start().await;
    let quiet = "[severity]\nunknown-flag = \"off\"\n";
    let folder = tree(&[
        ("here/.git/HEAD", ""),
        ("here/flagline.toml", quiet),
        ("here/a.ts", UNKNOWN.1),
        ("there/.git/HEAD", ""),
        ("there/flagline.toml", "exclude = [\"generated/\"]\nclient_names = [\"metrics\"]\n"),
        ("there/generated/b.ts", UNKNOWN.1),
        ("there/web/c.ts", "\nmetrics.isFeatureEnabled('no-such-flag-anywhere')\n"),
        ("flagline.toml", "stale_days = 0\n"),
    ]);
    let here = folder.path().join("here");
    let unknown = |line| ("unknown-flag".to_owned(), line);
    for (paths, expected) in [
        (&["../there"][..], vec![unknown(2)]),
        (&["../there/web"], vec![unknown(2)]),
        (&["../there/web/c.ts"], vec![unknown(2)]),
        (&["../there/web", "../there/generated"], vec![unknown(2)]),
        // As soon as one lies here, the settings are those of here.
        (&["../there/web", "."], vec![]),
    ] {
        let arguments: Vec<&str> = ["--format", "json"].iter().chain(paths).copied().collect();
        let (_, stdout, stderr) = check(&here, &posthog, &arguments).await;
        assert_eq!(stderr, "", "{paths:?}");
        assert_eq!(codes(&stdout), expected, "{paths:?}");
    }
    // Above the repository nothing counts, and what is wrong is told by its path from here.
    fs::write(folder.path().join("there/flagline.toml"), "stale_days = 0\n").unwrap();
    let (code, _, stderr) = check(&here, &posthog, &["../there/web"]).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("../there/flagline.toml:1:14: expected a whole number"), "{stderr}");
}

#[tokio::test]
async fn offline_the_only_copy_of_a_host_will_do_without_a_project() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN]));
    check(folder.path(), &posthog, &[]).await;
    let offline = async || {
        let mut command = signed_in(folder.path(), &posthog);
        command.env_remove("FLAGLINE_PROJECT").args(["check", "--offline", "--format", "json"]);
        run(command).await
    };
    let (code, stdout, stderr) = offline().await;
    assert_eq!((code, &*stderr, codes(&stdout)), (1, "", vec![("unknown-flag".to_owned(), 1)]));
    // Of two, nobody knows which is meant.
    let mirrors = folder.path().join(".cache/flagline");
    let files = fs::read_dir(&mirrors).unwrap().map(|it| it.unwrap().path());
    let files: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "json")).collect();
    let [mirror] = &files[..] else { panic!("one mirror") };
    let second = mirror.to_str().unwrap().replace("-1.json", "-2.json");
    fs::copy(mirror, second).unwrap();
    let (code, stdout, stderr) = offline().await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(stderr.contains("name the project in flagline.toml, or set FLAGLINE_PROJECT"), "{stderr}");
}

#[tokio::test]
async fn a_project_that_is_not_there_is_told_with_those_that_are() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN]));
    let mut command = signed_in(folder.path(), &posthog);
    command.env("FLAGLINE_PROJECT", "77").arg("check");
    let (code, _, stderr) = run(command).await;
    assert_eq!(code, 2);
    let expected = format!(
        "{} has no project 77 that the key can see; FLAGLINE_PROJECT names it; it can see 1 (Offset)",
        posthog.url()
    );
    assert!(stderr.contains(&expected), "{stderr}");
    let toml = format!("[[environment]]\nhost = \"{}\"\nproject = 78\n", posthog.url());
    fs::write(folder.path().join("flagline.toml"), toml).unwrap();
    let mut command = signed_in(folder.path(), &posthog);
    command.env_remove("FLAGLINE_PROJECT").arg("check");
    let (_, _, stderr) = run(command).await;
    assert!(stderr.contains("no project 78 that the key can see; flagline.toml names it"), "{stderr}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_says_what_to_do() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN]));
    posthog.faults(json!([{ "kind": "malformed", "path_contains": "feature_flags" }])).await;
    let (code, _, stderr) = check(folder.path(), &posthog, &[]).await;
    assert_eq!(code, 2);
    for words in [posthog.url(), "gave an answer that cannot be understood (", "try again"] {
        assert!(stderr.contains(words), "no {words} in {stderr}");
    }
    assert!(!stderr.contains(" at ?") && !stderr.contains(" at .:"), "{stderr}");
}

#[tokio::test]
async fn what_cannot_be_read_is_exit_code_2() {
    let (posthog, folder) = (Posthog::start().await, tree(&[STALE]));
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["b.ts", "no/such/folder"]).await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(stderr.starts_with("flagline: no/such/folder: "), "{stderr}");
    assert_eq!(posthog.all_requests().await, 0, "nothing is asked in vain");

    fs::write(folder.path().join("latin1.ts"), b"posthog.isFeatureEnabled('caf\xe9')").unwrap();
    for (arguments, expected) in
        [(&["--fail-on", "never"][..], 0), (&["latin1.ts", "b.ts", "--fail-on", "never"], 2)]
    {
        let (code, stdout, stderr) = check(folder.path(), &posthog, arguments).await;
        assert_eq!(code, expected, "{arguments:?}");
        assert!(stderr.contains("latin1.ts is not UTF-8"), "{stderr}");
        assert!(stdout.contains("stale-flag"), "the rest is checked: {stdout}");
    }
}

#[tokio::test]
async fn a_workspace_without_flags_is_fine() {
    let posthog = Posthog::start().await;
    for (files, summary) in
        [(&[][..], "No findings in 0 files (flags as of "), (&[("a.ts", "1\n")], "No findings in 1 file (")]
    {
        let folder = tree(files);
        let (code, stdout, stderr) = check(folder.path(), &posthog, &[]).await;
        assert_eq!((code, &*stderr), (0, ""));
        assert!(stdout.starts_with(summary), "{stdout}");
        let (_, stdout, _) = check(folder.path(), &posthog, &["--format", "json"]).await;
        let json: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&json["findings"], &json["summary"]["codes"]), (&json!([]), &json!({})));
    }
}

#[tokio::test]
async fn nothing_is_claimed_of_what_is_not_loaded() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN, STALE]));
    let mut signed_out = flagline(folder.path());
    signed_out.arg("check");
    let mut wrong_key = signed_in(folder.path(), &posthog);
    wrong_key.env("FLAGLINE_API_KEY", "phx_revoked").arg("check");
    let mut token = signed_in(folder.path(), &posthog);
    token.env("FLAGLINE_API_KEY", "phc_token").arg("check");
    let mut no_copy = signed_in(folder.path(), &posthog);
    no_copy.args(["check", "--offline"]);
    let mut no_project = signed_in(folder.path(), &posthog);
    no_project.env_remove("FLAGLINE_PROJECT").args(["check", "--offline"]);
    for (command, why) in [
        (signed_out, "nothing was checked: not signed in to https://us.posthog.com; sign in"),
        (wrong_key, "nothing was checked: http://127.0.0.1"),
        (token, "this is a project token"),
        (no_copy, "run it once without --offline"),
        (no_project, "name the project in flagline.toml, or set FLAGLINE_PROJECT"),
    ] {
        let (code, stdout, stderr) = run(command).await;
        assert_eq!((code, &*stdout), (2, ""), "{why}");
        assert!(stderr.contains(why), "no {why:?} in {stderr}");
        assert!(!stderr.contains("phx_revoked"), "{stderr}");
    }
    posthog.faults(json!([{ "kind": "status", "status": 500, "path_contains": "feature_flags" }])).await;
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", "json"]).await;
    assert_eq!((code, &*stdout), (2, ""));
    assert!(stderr.contains("a problem of its own (500)"), "{stderr}");
}

#[tokio::test]
async fn without_the_activity_log_it_says_what_is_missing() {
    let (posthog, folder) = (Posthog::start().await, tree(&[STALE, DISABLED]));
    posthog.faults(json!([{ "kind": "status", "status": 403, "path_contains": "activity" }])).await;
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", "json"]).await;
    assert_eq!((code, codes(&stdout)), (1, vec![("stale-flag".to_owned(), 1)]));
    assert!(stderr.contains("without the activity log"), "{stderr}");
    let trouble = &serde_json::from_str::<Value>(&stdout).unwrap()["historyTrouble"];
    assert!(trouble.as_str().unwrap().contains("not allowed"), "{trouble}");
}

#[tokio::test]
async fn without_posthog_the_copy_on_disk_serves() {
    let (posthog, folder) = (Posthog::start().await, tree(&[UNKNOWN, STALE]));
    let (_, online, _) = check(folder.path(), &posthog, &["--format", "json"]).await;
    let asked = posthog.all_requests().await;

    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--offline", "--format", "json"]).await;
    assert_eq!((code, &*stderr, codes(&stdout)), (1, "", codes(&online)));
    let mut signed_out = signed_in(folder.path(), &posthog);
    signed_out.env_remove("FLAGLINE_API_KEY").args(["check", "--offline"]);
    let (code, stdout, stderr) = run(signed_out).await;
    assert_eq!((code, &*stderr), (1, ""));
    assert!(stdout.contains("since ") && stdout.contains("2 findings: "), "{stdout}");
    assert_eq!(posthog.all_requests().await, asked, "offline nothing is asked");

    let mut wrong_key = signed_in(folder.path(), &posthog);
    wrong_key.env("FLAGLINE_API_KEY", "phx_revoked").arg("check");
    let (code, stdout, stderr) = run(wrong_key).await;
    assert_eq!((code, &*stdout), (2, ""), "a refused key is no matter of the network");
    assert!(
        stderr.contains("does not accept the API key") && stderr.contains("--offline checks"),
        "{stderr}"
    );

    let mut signed_out = signed_in(folder.path(), &posthog);
    signed_out.env_remove("FLAGLINE_API_KEY").arg("check");
    let (code, stdout, stderr) = run(signed_out).await;
    assert!(code == 1 && stdout.contains("2 findings: "), "{stdout}");
    assert!(
        stderr.contains("not signed in") && stderr.contains("; checked with the flags as of "),
        "{stderr}"
    );

    let mut unreachable = signed_in(folder.path(), &posthog);
    unreachable.args(["check", "--format", "json"]);
    posthog.stop().await;
    let (code, stdout, stderr) = run(unreachable).await;
    assert_eq!((code, codes(&stdout)), (1, codes(&online)));
    assert!(
        stderr.contains("cannot be reached") && stderr.contains("; checked with the flags as of "),
        "{stderr}"
    );
    let trouble = &serde_json::from_str::<Value>(&stdout).unwrap()["trouble"];
    assert!(trouble.as_str().unwrap().contains("cannot be reached"), "{trouble}");
}

#[tokio::test]
async fn a_review_that_is_due_is_told_at_its_brief() {
    let posthog = Posthog::start().await;
    let brief = "# ours\nkey = \"new-checkout\"\n";
    let folder = tree(&[("src/a.ts", "export {}\n"), ("src/.flagline/checkout.toml", brief)]);
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", "json"]).await;
    assert_eq!((code, &*stderr, codes(&stdout)), (0, "", vec![("review-due".to_owned(), 2)]), "{stdout}");
    assert!(stdout.contains("\"path\": \"src/.flagline/checkout.toml\""), "{stdout}");
    let (code, stdout, _) = check(folder.path(), &posthog, &["--fail-on", "review-due"]).await;
    assert!(code == 1 && stdout.contains("flagline review new-checkout"), "{stdout}");
    // Files that are named alone have no briefs beside them.
    let (code, stdout, _) = check(folder.path(), &posthog, &["src/a.ts", "--fail-on", "review-due"]).await;
    assert!(code == 0 && stdout.starts_with("No findings in 1 file"), "{stdout}");
    let settings = "[severity]\nreview-due = \"off\"\n";
    fs::write(folder.path().join("flagline.toml"), settings).unwrap();
    let (code, stdout, _) = check(folder.path(), &posthog, &["--fail-on", "review-due"]).await;
    assert!(code == 0 && stdout.starts_with("No findings in 2 files"), "{stdout}");
    // Once somebody has said what came of it, there is nothing to say.
    fs::remove_file(folder.path().join("flagline.toml")).unwrap();
    let said = format!("{brief}[outcome]\nverdict = \"failed\"\n");
    fs::write(folder.path().join("src/.flagline/checkout.toml"), said).unwrap();
    let (_, stdout, _) = check(folder.path(), &posthog, &[]).await;
    assert!(stdout.starts_with("No findings"), "{stdout}");
}

#[tokio::test]
async fn what_is_wrong_in_a_brief_is_found() {
    let posthog = Posthog::start().await;
    let folder = tree(&[
        ("a.ts", "let a = 1\n"),
        (
            ".flagline/empty.toml",
            "key = \"empty\"\n[[stage]]\nname = \"a\"\naudience = { properties = [] }\n",
        ),
        (
            ".flagline/nowhere.toml",
            "key = \"nowhere\"\n[interview]\nstage = \"beta\"\ncalendar = \"https://a.example\"\n",
        ),
        (".flagline/one.toml", "key = \"one\"\n"),
        (".flagline/two.toml", "key = \"one\"\n"),
    ]);
    let of_briefs = [4, 3, 1, 1].map(|line| ("brief".to_owned(), line)).to_vec();
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", "json"]).await;
    assert_eq!((code, &*stderr, codes(&stdout)), (1, "", of_briefs), "{stdout}");
    let (code, stdout, _) = check(folder.path(), &posthog, &["--fail-on", "brief"]).await;
    assert_eq!(code, 1);
    assert!(stdout.contains("error[brief]: one.toml is a brief of this flag too"), "{stdout}");
    let (code, _, _) = check(folder.path(), &posthog, &["--fail-on", "unknown-flag"]).await;
    assert_eq!(code, 0);
}

#[tokio::test]
async fn cohorts_that_briefs_name_are_looked_for() {
    let posthog = Posthog::start().await;
    let behaves = json!({ "type": "behavioral", "key": "video watched", "value": "performed_event", "event_type": "events", "time_value": 30, "time_interval": "day" });
    let filters =
        json!({ "properties": { "type": "OR", "values": [{ "type": "AND", "values": [behaves] }] } });
    assert_eq!(
        posthog.ask("POST", "cohorts/", json!({ "name": "Watched", "filters": filters })).await.0,
        201
    );
    let stage = |name: &str, cohort: &str| {
        format!("[[stage]]\nname = \"{name}\"\naudience = {{ cohort = {cohort} }}\n")
    };
    let all = [
        stage("a", "\"Beta testers\""),
        stage("b", "\"Watched\""),
        stage("c", "77"),
        stage("d", "\"Beta tester\""),
    ];
    let text = format!("key = \"brand-new\"\n{}", all.concat());
    let folder = tree(&[("a.ts", "let a = 1\n")]);
    // What nobody names is not asked for.
    assert_eq!(check(folder.path(), &posthog, &[]).await.0, 0);
    assert_eq!(posthog.requests("GET /api/projects/:id/cohorts/").await, 0);
    fs::create_dir(folder.path().join(".flagline")).unwrap();
    fs::write(folder.path().join(".flagline/brand-new.toml"), text).unwrap();
    let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", "json"]).await;
    let of_briefs = [7, 10, 13].map(|line| ("brief".to_owned(), line)).to_vec();
    assert_eq!((code, &*stderr, codes(&stdout)), (1, "", of_briefs), "{stdout}");
    for words in ["'Watched' is one", "has no cohort 77", "did you mean \\\"Beta testers\\\"?"] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    // Of what is not known nothing is said.
    let (code, stdout, _) = check(folder.path(), &posthog, &["--offline"]).await;
    assert_eq!(code, 0, "{stdout}");
    posthog.scopes(&["feature_flag:read", "project:read", "query:read", "user:read"]).await;
    let (code, stdout, stderr) = check(folder.path(), &posthog, &[]).await;
    assert_eq!(code, 0, "{stdout}");
    assert!(stderr.contains("without them, briefs that name one that is not there are not told"), "{stderr}");
}
