//! Flags removed from apps as a team would write them, each alone and one after another: what is left compiles and
//! keeps nothing that is not used, as `tsc` with `noUnusedLocals` and ruff's rules `F` tell.

#![cfg(test)]

#[path = "support/npm.rs"]
mod npm;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What can be removed from an app.
struct Removals {
    /// By key, what is kept of it.
    alone: &'static [(&'static str, &'static [&'static str])],
    /// One after another.
    orders: &'static [&'static str],
    /// What is refused, and how.
    refused: &'static [(&'static str, &'static [&'static str])],
}

const BERTH: Removals = Removals {
    alone: &[
        ("berth-map", &["on", "off"]),
        ("checkout-copy", &["control", "short", "friendly", "off"]),
        ("crew-sharing", &["on", "off"]),
        ("instant-booking", &["on", "off"]),
        ("price-display", &["control", "table", "cards", "off"]),
        ("season-pass", &["on", "off"]),
        ("tide-alerts", &["on", "off"]),
        ("weather-panel", &["on", "off"]),
    ],
    orders: &[
        "berth-map=on instant-booking=on price-display=cards weather-panel=on tide-alerts=on \
         checkout-copy=friendly crew-sharing=on season-pass=off",
        "season-pass=off crew-sharing=off checkout-copy=off tide-alerts=off weather-panel=off price-display=off \
         instant-booking=off berth-map=off",
        "checkout-copy=short price-display=table season-pass=off tide-alerts=on berth-map=off weather-panel=off \
         instant-booking=on crew-sharing=off",
    ],
    // Nobody is asked, so nobody tells the payload, which is passed on.
    refused: &[(
        "season-pass=on",
        &[
            "src/booking/SeasonPassOffer.tsx:14:20: not removed: the payload that it gives is not known",
            "src/booking/SeasonPassOffer.tsx:18:51: not removed: the payload that it gives is not known",
            "src/booking/SeasonPassOffer.tsx:18:64: not removed: the payload that it gives is not known",
        ],
    )],
};

const TOOLSHED: Removals = Removals {
    alone: &[
        ("deposit-model", &["control", "flat", "tiered", "off"]),
        ("kiosk-layout", &["on", "off"]),
        ("late-fee-grace", &["on", "off"]),
        ("photo-checkin", &["on", "off"]),
        ("reminder-tone", &["control", "warm", "brief", "off"]),
        ("reserve-ahead", &["on", "off"]),
        ("smart-suggestions", &["on", "off"]),
        ("sms-reminders", &["on", "off"]),
    ],
    orders: &[
        "reserve-ahead=on late-fee-grace=on smart-suggestions=on reminder-tone=warm sms-reminders=on \
         kiosk-layout=on deposit-model=tiered photo-checkin=on",
        "photo-checkin=on deposit-model=off reserve-ahead=off late-fee-grace=off smart-suggestions=off \
         reminder-tone=off sms-reminders=off kiosk-layout=off",
        "sms-reminders=off deposit-model=flat kiosk-layout=on reminder-tone=brief photo-checkin=on \
         reserve-ahead=off late-fee-grace=on smart-suggestions=on",
    ],
    // A decorator that lets nobody through is the page's end, which is for a person to decide.
    refused: &[(
        "photo-checkin=off",
        &[
            "toolshed/views.py:47:2: not removed: the flag is read by 'requires_flag', which does more than give its \
           value: `def decorate(view: Callable) -> Callable:` (flags.py)",
        ],
    )],
};

#[test]
fn typescript() {
    let packages = npm::install(&app("typescript"), "clean-apps");
    let all = TempDir::new_in(&packages).unwrap();
    remove(&BERTH, &app("typescript"), all.path());

    // All of them are one program: a process for each would read the packages' types again.
    let settings = r#"{ "extends": "./untouched/tsconfig.json", "include": ["*/src", "*/server"] }"#;
    fs::write(all.path().join("tsconfig.json"), settings).unwrap();
    let tsc = Command::new("node")
        .arg(packages.join("node_modules/typescript/bin/tsc"))
        .args(["--noEmit", "--pretty", "false"])
        .current_dir(all.path())
        .output()
        .unwrap();
    assert_finds_nothing(&tsc);
}

#[test]
fn python() {
    let ruff = ruff();
    let all = TempDir::new().unwrap();
    remove(&TOOLSHED, &app("python"), all.path());

    let output = Command::new(ruff)
        .args(["check", "--select", "F", "--no-cache", "--output-format", "concise", "."])
        .current_dir(all.path())
        .output()
        .unwrap();
    assert_finds_nothing(&output);
}

fn assert_finds_nothing(output: &Output) {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
}

fn app(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/clean-apps").join(name)
}

/// Makes a folder for each state of the app: untouched, and after each removal.
fn remove(removals: &Removals, app: &Path, all: &Path) {
    let untouched = all.join("untouched");
    copy(app, &untouched);
    fs::create_dir(untouched.join(".git")).unwrap();

    for (key, kept) in removals.alone {
        for keep in *kept {
            let removal = format!("{key}={keep}");
            let folder = all.join(format!("alone-{removal}"));
            copy(&untouched, &folder);
            match removals.refused.iter().find(|(it, _)| *it == removal) {
                Some((_, reasons)) => assert_refused(&folder, &removal, reasons),
                None => assert_removed(&folder, &removal),
            }
        }
    }
    for (n, order) in removals.orders.iter().enumerate() {
        let mut before = untouched.clone();
        for (step, removal) in order.split_whitespace().enumerate() {
            let folder = all.join(format!("order-{n}-step-{step}-{removal}"));
            copy(&before, &folder);
            assert_removed(&folder, removal);
            before = folder;
        }
    }
}

fn assert_removed(folder: &Path, removal: &str) {
    let key = removal.split_once('=').unwrap().0;
    let mut expected = keys(folder);
    assert!(expected.remove(key), "{key} is not read in {}", folder.display());

    let output = clean(folder, removal);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}: {stderr}", folder.display());
    assert!(!stderr.contains("not removed:"), "{}: {stderr}", folder.display());
    assert_eq!(keys(folder), expected, "{}", folder.display());
}

fn assert_refused(folder: &Path, removal: &str, reasons: &[&str]) {
    let before = files(folder);
    let output = clean(folder, removal);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let told: BTreeSet<&str> = stderr.lines().filter(|it| it.contains("not removed:")).collect();
    assert_eq!(told, reasons.iter().copied().collect(), "{removal}");
    assert_eq!(output.status.code(), Some(1), "{removal}: {stderr}");
    assert_eq!(files(folder), before, "{removal}");
}

fn clean(folder: &Path, removal: &str) -> Output {
    let (key, keep) = removal.split_once('=').unwrap();
    flagline(folder, &["clean", key, "--keep", keep, "--write", "--yes", "--offline"])
}

/// What is read, without what is decided at run time.
fn keys(folder: &Path) -> BTreeSet<String> {
    let output = flagline(folder, &["reads", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["reads"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["key"].as_str())
        .map(str::to_owned)
        .collect()
}

fn flagline(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flagline"));
    // Beside the app, lest something written there counts as a part of it.
    let home = folder.with_file_name("home");
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", home.join("cache")).env("HOME", home);
    for variable in ["FLAGLINE_API_KEY", "FLAGLINE_HOST", "FLAGLINE_PROJECT", "FLAGLINE_LOG"] {
        command.env_remove(variable);
    }
    command.output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// Where ruff is: installed once, below the folder that everything is built in.
fn ruff() -> PathBuf {
    const VERSION: &str = "0.17.6";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ruff-{VERSION}"));
    let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let stamp = folder.join("stamp");
    if !stamp.exists() {
        let run = |command: &mut Command| {
            let done = command.status().unwrap_or_else(|why| {
                panic!("{command:?} does not start: {why}. Install python3 3.11 or newer, with its venv")
            });
            assert!(done.success(), "{command:?} failed; it takes python3 with its venv");
        };
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        let package = format!("ruff=={VERSION}");
        run(Command::new(programs.join("pip")).args(["install", "--quiet", &package]));
        fs::write(stamp, "").unwrap();
    }
    programs.join("ruff")
}
