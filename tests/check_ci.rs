//! `flagline check` in CI: the formats that CI systems read, the baseline, and the files that the docs tell
//! people to copy.

#![cfg(test)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flagline::sandbox;
use golden::{golden, sample_app};
use posthog::Posthog;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;
use tempfile::TempDir;
use terminal::{run, signed_in, tree};

/// Keys and names that end a string, a command, an attribute, a link or a placeholder somewhere.
const HOSTILE: &str =
    "posthog.isFeatureEnabled('a \"b\" ]]> & <c> 100%0A %,:[d](1){0}\\\\ é🎉\\n::error::e\\u0001')\n";
const HOSTILE_PATH: &str = "my app/[id]/a:b, \"100%\" é🎉.ts";

async fn check(folder: &Path, posthog: &Posthog, arguments: &[&str]) -> (i32, String, String) {
    let mut command = signed_in(folder, posthog);
    command.arg("check").args(arguments);
    run(command).await
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Fails where a text is not SARIF 2.1.0.
fn assert_sarif(text: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sarif/sarif-schema-2.1.0.json");
    let mut schema = json(&fs::read_to_string(schema).unwrap());
    // Not a regular expression, which the errata of the standard mend; nothing here names a language.
    for part in ["run", "toolComponent"] {
        schema["definitions"][part]["properties"]["language"].as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let sarif = json(text);
    let wrong: Vec<_> =
        validator.iter_errors(&sarif).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(wrong.is_empty(), "{}\n{text}", wrong.join("\n"));
}

#[tokio::test]
async fn hostile_text_in_every_format() {
    let posthog = Posthog::start().await;
    let folder = tree(&[
        (HOSTILE_PATH, HOSTILE),
        (
            "b.ts",
            "x('😀', posthog.isFeatureEnabled(\n  'old-banner'))\nposthog.isFeatureEnabled(`two\n lines`)\n",
        ),
    ]);
    let root = url::Url::from_directory_path(folder.path()).unwrap();
    for format in ["sarif", "github", "gitlab", "junit"] {
        let (code, stdout, stderr) = check(folder.path(), &posthog, &["--format", format]).await;
        assert_eq!((code, &*stderr), (1, ""), "{format}");
        match format {
            "sarif" => assert_sarif(&stdout),
            "github" => assert_eq!(stdout.lines().filter(|it| it.starts_with("::")).count(), 3, "{stdout}"),
            "gitlab" => assert_eq!(json(&stdout)[2]["location"]["path"], HOSTILE_PATH),
            _ => {
                let xml = roxmltree::Document::parse(&stdout).unwrap();
                let cases = xml.descendants().filter(|it| it.has_tag_name("testcase"));
                let files: Vec<_> = cases.map(|it| it.attribute("file").unwrap()).collect();
                assert_eq!(files, ["b.ts", "b.ts", HOSTILE_PATH]);
            }
        }
        golden(&format!("hostile.{format}"), &stdout.replace(root.as_str(), "file:///root/"), &posthog);
    }
}

#[tokio::test]
async fn without_findings_every_format_says_so() {
    let (posthog, folder) = (Posthog::start().await, tree(&[("a.ts", "1\n")]));
    for (format, words) in [
        ("sarif", "\"results\": []"),
        ("github", "No findings in 1 file ("),
        ("gitlab", "[]"),
        ("junit", "<testcase classname=\"flagline\" name=\"no findings\"/>"),
    ] {
        let (code, stdout, _) = check(folder.path(), &posthog, &["--format", format]).await;
        assert!(code == 0 && stdout.contains(words) && stdout.ends_with('\n'), "{format}: {stdout}");
        if format == "sarif" {
            assert_sarif(&stdout);
        }
    }
}

#[tokio::test]
async fn ci_knows_files_by_their_way_from_the_top_of_the_repository() {
    let posthog = Posthog::start().await;
    let code = "posthog.isFeatureEnabled('no-such-flag-anywhere')\n";
    let folder = tree(&[(".git/HEAD", ""), ("web/app/a.ts", code), ("web/app/b.ts", code)]);
    let (web, top) = (folder.path().join("web"), url::Url::from_directory_path(folder.path()).unwrap());
    let (_, stdout, _) = check(&web, &posthog, &["--format", "json"]).await;
    assert_eq!(json(&stdout)["findings"][0]["path"], "app/a.ts");
    let (_, stdout, _) = check(&web, &posthog, &["--format", "gitlab"]).await;
    assert_eq!(json(&stdout)[0]["location"]["path"], "web/app/a.ts");
    let (_, stdout, _) = check(&web, &posthog, &["--format", "sarif"]).await;
    let run = &json(&stdout)["runs"][0];
    let file = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!((&file["uri"], &file["uriBaseId"]), (&"web/app/a.ts".into(), &"%SRCROOT%".into()));
    assert_eq!(run["originalUriBaseIds"]["%SRCROOT%"]["uri"], top.as_str());
    // What lies outside has no way from the top.
    let elsewhere = tree(&[("c d.ts", code)]);
    let path = elsewhere.path().join("c d.ts");
    let (_, stdout, _) = check(&web, &posthog, &[path.to_str().unwrap(), "--format", "sarif"]).await;
    assert_sarif(&stdout);
    let file =
        &json(&stdout)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(file, &serde_json::json!({ "uri": url::Url::from_file_path(&path).unwrap().as_str() }));
}

#[tokio::test]
async fn every_kind_of_finding_is_a_rule() {
    let (posthog, folder) = (Posthog::start().await, sample_app());
    let (_, stdout, _) = check(folder.path(), &posthog, &["--format", "sarif"]).await;
    let run = &json(&stdout)["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    for result in results {
        let index =
            result["ruleIndex"].as_u64().unwrap_or_else(|| panic!("{} is described", result["ruleId"]));
        assert_eq!(rules[index as usize]["id"], result["ruleId"]);
    }
    // What can make a run fail is a kind, a level or nothing.
    let (_, _, stderr) = check(folder.path(), &posthog, &["--fail-on", "?"]).await;
    let values = stderr.split("possible values: ").nth(1).and_then(|it| it.split(']').next()).unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|it| it["id"].as_str().unwrap()).collect();
    for kind in values.split(", ").filter(|it| it.contains('-')) {
        assert!(ids.contains(kind), "{kind} is described in src/report/codes.rs");
    }
}

fn unknown(key: &str) -> String {
    format!("posthog.isFeatureEnabled('{key}')\n")
}

fn new_keys(stdout: &str) -> Vec<String> {
    let findings = json(stdout)["findings"].as_array().unwrap().clone();
    findings.iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect()
}

const BASELINE: &[&str] = &["--baseline", "known.json", "--format", "json"];
const UPDATE: &[&str] = &["--baseline", "known.json", "--update-baseline", "--format", "json"];

#[tokio::test]
async fn with_a_baseline_only_new_findings_fail() {
    let posthog = Posthog::start().await;
    let folder = tree(&[("src/a.ts", &(unknown("one") + &unknown("two") + &unknown("two")))]);
    let at = folder.path();
    let (code, stdout, stderr) = check(at, &posthog, UPDATE).await;
    assert_eq!((code, new_keys(&stdout).len()), (0, 0), "{stderr}");
    assert_eq!(stderr, "flagline: known.json holds 3 findings (0 before)\n");
    let known = fs::read_to_string(at.join("known.json")).unwrap();
    assert_eq!(known.lines().count(), 8, "a finding a line: {known}");

    // Moved, formatted anew, and one more of a kind.
    let moved = format!("\n\n{}{}", unknown("two").replace('(', "(\n"), unknown("one"));
    for (text, expected, baseline) in [
        (moved.clone(), &[][..], (2, 1)),
        (moved.clone() + &unknown("two") + &unknown("two"), &["two"], (3, 0)),
        (moved + &unknown("three"), &["three"], (2, 1)),
        (String::new(), &[], (0, 3)),
    ] {
        fs::write(at.join("src/a.ts"), &text).unwrap();
        let (code, stdout, stderr) = check(at, &posthog, BASELINE).await;
        assert_eq!((code, &*stderr), (i32::from(!expected.is_empty()), ""), "{text}");
        assert_eq!(new_keys(&stdout), expected, "{text}");
        let compared = &json(&stdout)["baseline"];
        assert_eq!(
            (compared["known"].as_u64(), compared["gone"].as_u64()),
            (Some(baseline.0), Some(baseline.1))
        );
    }
    let (_, stdout, _) = check(at, &posthog, &["--baseline", "known.json"]).await;
    assert!(stdout.starts_with("No new findings in 1 file (flags as of "), "{stdout}");
    assert!(stdout.ends_with("; of the baseline, 0 left out and 3 gone\n"), "{stdout}");
    assert_eq!(fs::read_to_string(at.join("known.json")).unwrap(), known, "only --update-baseline writes");

    // What is known does not fail, also where a level or a kind is named; other formats leave it out, too.
    fs::write(at.join("src/a.ts"), unknown("one") + &unknown("new")).unwrap();
    for (format, n) in [("github", 1), ("sarif", 1), ("gitlab", 1), ("junit", 1)] {
        let arguments = ["--baseline", "known.json", "--format", format, "--fail-on", "unknown-flag"];
        let (code, stdout, _) = check(at, &posthog, &arguments).await;
        assert_eq!((code, stdout.matches("has no flag 'one'").count()), (1, 0), "{format}");
        assert!(stdout.matches("has no flag 'new'").count() >= n, "{format}: {stdout}");
    }
}

#[tokio::test]
async fn a_baseline_knows_files_by_their_way_from_its_folder() {
    let posthog = Posthog::start().await;
    let folder = tree(&[("web/src/a.ts", &unknown("one")), ("ci/.keep", "")]);
    let at = folder.path();
    let (code, _, _) = check(at, &posthog, &["--baseline", "ci/known.json", "--update-baseline"]).await;
    assert_eq!(code, 0);
    let known = fs::read_to_string(at.join("ci/known.json")).unwrap();
    assert!(
        known.contains(r#"{"path":"../web/src/a.ts","code":"unknown-flag","key":"one","occurrence":1}"#),
        "{known}"
    );
    for (directory, arguments) in [
        ("web", &["--baseline", "../ci/known.json"][..]),
        ("web/src", &["a.ts", "--baseline", "../../ci/known.json", "--format", "sarif"]),
        ("ci", &["../web", "--baseline", "known.json"]),
    ] {
        let (code, stdout, stderr) = check(&at.join(directory), &posthog, arguments).await;
        assert_eq!((code, &*stderr), (0, ""), "{directory} {stdout}");
    }
    let names = fs::read_dir(at.join("ci")).unwrap().map(|it| it.unwrap().file_name());
    let names: Vec<_> = names.filter(|it| it.to_string_lossy().contains("known")).collect();
    assert_eq!(names, ["known.json"], "no temporary file stays");
}

#[tokio::test]
async fn a_partial_run_keeps_what_it_did_not_check() {
    let posthog = Posthog::start().await;
    let folder = tree(&[
        ("a/x.ts", &unknown("a-x")),
        ("a/y.ts", &unknown("a-y")),
        ("b/z.ts", &unknown("b-z")),
        ("dist/d.ts", &unknown("dist-d")),
        (".gitignore", "dist\n"),
        (".git/HEAD", ""),
    ]);
    let at = folder.path();
    let keys = || {
        let known = json(&fs::read_to_string(at.join("known.json")).unwrap());
        let findings = known["findings"].as_array().unwrap().clone();
        findings.iter().map(|it| it["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let update = async |paths: &[&str]| {
        let (code, _, stderr) = check(at, &posthog, &[paths, UPDATE].concat()).await;
        assert_eq!(code, 0, "{stderr}");
    };
    update(&[".", "dist/d.ts"]).await;
    assert_eq!(keys(), ["a-x", "a-y", "b-z", "dist-d"]);
    // Everything vanishes, but only the run that sees it says so.
    fs::remove_file(at.join("a/x.ts")).unwrap();
    fs::write(at.join("a/y.ts"), "1\n").unwrap();
    fs::write(at.join("b/z.ts"), "1\n").unwrap();
    let (_, stdout, _) = check(at, &posthog, &[&["a"], BASELINE].concat()).await;
    assert_eq!(json(&stdout)["baseline"]["gone"], 2);
    update(&["a"]).await;
    assert_eq!(keys(), ["b-z", "dist-d"]);
    // A file that is ignored, or that cannot be read, is not checked.
    fs::write(at.join("b/z.ts"), b"posthog.isFeatureEnabled('caf\xe9')").unwrap();
    update(&[]).await;
    assert_eq!(keys(), ["b-z", "dist-d"]);
    fs::write(at.join("b/z.ts"), "1\n").unwrap();
    update(&[]).await;
    assert_eq!(keys(), ["dist-d"]);
}

#[tokio::test]
async fn a_baseline_that_cannot_be_used_says_what_to_do() {
    let (posthog, folder) = (Posthog::start().await, tree(&[("a.ts", &unknown("one"))]));
    let at = folder.path();
    let (code, _, stderr) = check(at, &posthog, &["--update-baseline"]).await;
    assert!(code == 2 && stderr.contains("--baseline <FILE>"), "{stderr}");
    for (text, words) in [
        (None, "the baseline known.json is not there; --update-baseline writes it"),
        (Some("<<<<<<< ours\n"), "known.json is no baseline (expected value at line 1"),
        (Some("{\"version\":99}"), "known.json is of version 99, and this Flagline knows up to 1"),
    ] {
        if let Some(text) = text {
            fs::write(at.join("known.json"), text).unwrap();
            let (code, _, stderr) = check(at, &posthog, UPDATE).await;
            assert!(code == 2 && stderr.contains(words), "{stderr}");
            assert_eq!(fs::read_to_string(at.join("known.json")).unwrap(), text, "it is left as it is");
        }
        let (code, stdout, stderr) = check(at, &posthog, BASELINE).await;
        assert_eq!((code, &*stdout), (2, ""));
        assert!(stderr.contains(words), "{stderr}");
    }
    let (code, _, stderr) = check(at, &posthog, &["--baseline", "."]).await;
    assert!(code == 2 && stderr.contains("the baseline . cannot be read"), "{stderr}");
    assert_eq!(posthog.all_requests().await, 0, "nothing is asked in vain");
    let (code, _, stderr) = check(at, &posthog, &["--baseline", "no/known.json", "--update-baseline"]).await;
    assert!(code == 2 && stderr.contains("no/known.json cannot be written"), "{stderr}");
}

/// The fenced blocks of `docs/check.md` in a language.
fn blocks(language: &str) -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let docs = fs::read_to_string(docs).unwrap();
    let opening = format!("```{language}\n");
    docs.split(&opening).skip(1).map(|it| it.split("```").next().unwrap().to_owned()).collect()
}

/// A command that somebody copies, and the variables that its file gives it.
#[derive(Debug, Clone)]
struct Copied {
    command: String,
    variables: BTreeSet<String>,
}

/// Every command of a workflow, a GitLab job or a pre-commit hook that runs Flagline, in order.
fn commands(yaml: &Yaml, variables: &BTreeSet<String>, found: &mut Vec<Copied>) {
    let mut variables = variables.clone();
    for list in yaml.as_sequence().into_iter().flatten() {
        commands(list, &variables, found);
    }
    let get = |name: &str| yaml.as_mapping_get(name);
    for name in ["env", "variables"] {
        let names = get(name).and_then(Yaml::as_mapping).into_iter().flatten();
        variables.extend(names.map(|it| it.0.as_str().unwrap().to_owned()));
    }
    let mut lines: Vec<String> = Vec::new();
    if let Some(run) = get("run").and_then(Yaml::as_str) {
        lines.extend(run.lines().map(str::to_owned));
    }
    for line in get("script").and_then(Yaml::as_sequence).into_iter().flatten() {
        lines.push(line.as_str().unwrap().to_owned());
    }
    if let Some(entry) = get("entry").and_then(Yaml::as_str) {
        let arguments = get("args").and_then(Yaml::as_sequence).into_iter().flatten();
        let arguments: Vec<&str> = arguments.map(|it| it.as_str().unwrap()).collect();
        // The files of the commit.
        lines.push(format!("{entry} {} src/theme.ts src/new.ts", arguments.join(" ")));
    }
    lines.retain(|it| it.starts_with("flagline "));
    found.extend(lines.into_iter().map(|command| Copied { command, variables: variables.clone() }));
    for (_, value) in yaml.as_mapping().into_iter().flatten() {
        commands(value, &variables, found);
    }
}

/// Runs a command as a shell does that has the binary on its path.
async fn shell(folder: &TempDir, posthog: &Posthog, copied: &Copied) -> (i32, String, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_flagline")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut command = assert_cmd::Command::new("sh");
    command.current_dir(folder.path()).env_clear().args(["-c", &copied.command]);
    command.env("PATH", path).env("HOME", folder.path());
    for name in &copied.variables {
        let value = match name.as_str() {
            "FLAGLINE_API_KEY" => sandbox::API_KEY.to_owned(),
            "FLAGLINE_HOST" => posthog.url().to_owned(),
            "XDG_CACHE_HOME" => folder.path().join(".cache").display().to_string(),
            other => panic!("{other} is no variable that anything reads"),
        };
        command.env(name, value);
    }
    run(command).await
}

/// A sample app with settings, a baseline made as the docs say, and a finding that it does not know.
async fn app_with_news(posthog: &Posthog) -> TempDir {
    let folder = sample_app();
    let settings =
        format!("[[environment]]\nhost = \"{}\"\nproject = {}\n", posthog.url(), sandbox::PROJECT_ID);
    fs::write(folder.path().join("flagline.toml"), settings).unwrap();
    let variables = ["FLAGLINE_API_KEY", "FLAGLINE_HOST"].map(str::to_owned).into();
    let [block] = &blocks("sh")[..] else { panic!("one block of commands") };
    for line in block.lines() {
        let copied = Copied { command: line.to_owned(), variables: BTreeSet::clone(&variables) };
        let (code, _, stderr) = shell(&folder, posthog, &copied).await;
        assert_eq!(code, 0, "{line}: {stderr}");
    }
    fs::write(folder.path().join("src/new.ts"), unknown("one-more")).unwrap();
    folder
}

#[tokio::test]
async fn what_the_docs_tell_people_to_copy_works() {
    let posthog = Posthog::start().await;
    let hooks =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml")).unwrap();
    let mut yaml = blocks("yaml");
    assert_eq!(yaml.len(), 3, "GitHub, GitLab and pre-commit");
    yaml.push(hooks);
    for text in yaml {
        let folder = app_with_news(&posthog).await;
        let documents = Yaml::load_from_str(&text).unwrap();
        // GitLab gives a job the variables of its project.
        let given = text.contains("script:").then(|| "FLAGLINE_API_KEY".to_owned());
        let mut found = Vec::new();
        commands(&documents[0], &given.into_iter().collect(), &mut found);
        let is_hook = text.contains("entry:");
        if !is_hook {
            // On a developer's machine an editor left a copy of the flags; in CI nobody did.
            fs::remove_dir_all(folder.path().join(".cache")).unwrap();
        }
        let (last, before) = found.split_last().unwrap_or_else(|| panic!("no command in {text}"));
        for copied in before {
            let (code, stdout, stderr) = shell(&folder, &posthog, copied).await;
            assert_eq!((code, &*stdout, &*stderr), (0, "", ""), "{copied:?}");
        }
        let (code, stdout, stderr) = shell(&folder, &posthog, last).await;
        assert_eq!((code, &*stderr), (1, ""), "the news fail: {last:?} {stdout}");
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            match path.extension().and_then(|it| it.to_str()) {
                Some("sarif") => assert_sarif(&text),
                Some("xml") => assert!(roxmltree::Document::parse(&text).is_ok(), "{text}"),
                Some("json") => assert!(text.contains("unknown-flag") && json(&text) != Value::Null),
                _ => continue,
            }
            assert!(stdout.is_empty() || !text.is_empty(), "{}", path.display());
        }
    }
}
