//! `flagline clean` on whole workspaces: what changes, what is refused, what is told, and what is never written.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Fixture files hold cases: `=== name: clean a --keep on`, then files after `--- path`, then after `===>` what stands on
/// stderr and each file that is another one afterwards. With `UPDATE=1` in the environment what comes out is written
/// down, to be read.
#[test]
fn golden_workspaces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clean");
    let update = std::env::var_os("UPDATE").is_some();
    let (mut failures, mut n_cases) = (String::new(), 0);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read_to_string(&path).unwrap();
        let mut written = String::new();
        for case in format!("\n{content}").split("\n=== ").skip(1) {
            let (head, body) = case.split_once('\n').unwrap();
            let body = format!("{body}\n");
            let (before, expect) = body.split_once("===>\n").unwrap_or((&body, ""));
            let files = files(before);
            let after = cleaned(head.split_once(": ").unwrap().1, &files);
            n_cases += 1;
            if after.trim_end() != expect.trim_end() {
                failures.push_str(&format!("\n{}: {head}\n{after}", path.display()));
            }
            written.push_str(&format!("=== {head}\n{}\n===>\n{}\n", before.trim_end(), after.trim_end()));
        }
        if update {
            fs::write(&path, written).unwrap();
        }
    }
    assert!(n_cases > 0, "the cases were not found");
    assert!(update || failures.is_empty(), "these differ; what came out stands below\n{failures}");
}

fn files(text: &str) -> BTreeMap<String, String> {
    let parts = format!("\n{text}");
    let file = |it: &str| {
        let (path, content) = it.split_once('\n').unwrap_or((it, ""));
        (path.to_owned(), format!("{}\n", content.trim_end()))
    };
    parts.split("\n--- ").skip(1).map(file).collect()
}

fn workspace(files: &BTreeMap<String, String>) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn flagline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flagline"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("HOME", folder)
        .env("XDG_CACHE_HOME", folder.join(".cache"));
    for variable in ["FLAGLINE_API_KEY", "FLAGLINE_HOST", "FLAGLINE_PROJECT", "FLAGLINE_LOG"] {
        command.env_remove(variable);
    }
    command.output().unwrap()
}

fn changes(folder: &Path, before: &BTreeMap<String, String>) -> bool {
    before.iter().any(|(path, content)| fs::read_to_string(folder.join(path)).ok().as_ref() != Some(content))
}

fn cleaned(arguments: &str, before: &BTreeMap<String, String>) -> String {
    let folder = workspace(before);
    let arguments: Vec<&str> = arguments.split(' ').chain(["--write", "--yes", "--offline"]).collect();
    let output = flagline(folder.path(), &arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    // What comes next stands at the end, once something was removed and nothing is left.
    let key = arguments[1];
    let next = format!("flagline: next: run the tests, deploy, then: flagline archive {key}\n");
    let is_gone = !stderr.contains("not removed:") && changes(folder.path(), before);
    assert_eq!(stderr.ends_with(&next), is_gone, "{arguments:?}: {stderr}");
    let mut result = stderr.strip_suffix(&next).unwrap_or(&stderr).to_owned();
    for (path, content) in before {
        match fs::read_to_string(folder.path().join(path)) {
            Ok(after) if after == *content => {}
            Ok(after) => result.push_str(&format!("--- {path}\n{after}")),
            Err(_) => result.push_str(&format!("--- {path} is gone\n")),
        }
    }
    result
}
