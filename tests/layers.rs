//! The layer picture of `src/lib.rs`, enforced: arrows run down only, and what is pure stays pure.

use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top; a module may use those before it. Modules of one row do not use each other,
/// except as listed in `SIDEWAYS`.
const LAYERS: [&[&str]; 15] = [
    &["text"],
    &["schema", "flags", "syntax"],
    &["feature", "index"],
    &["config"],
    &["posthog"],
    &["removal"],
    &["wrapping"],
    &["analysis"],
    &["workspace"],
    &["rollout"],
    &["report"],
    &["sandbox"],
    &["lsp"],
    &["cli"],
    &["main"],
];

/// Facts name keys.
const SIDEWAYS: [(&str, &str); 1] = [("syntax", "flags")];

const PURE: [&str; 9] =
    ["text", "schema", "syntax", "flags", "index", "feature", "removal", "wrapping", "analysis"];
const IMPURE: [&str; 4] = ["tower_lsp", "tokio", "reqwest", "clap"];

#[test]
fn arrows_run_down_only() {
    let mut broken = Vec::new();
    for (file, module, text) in sources() {
        let layer = layer(&module);
        for (used, line) in used_modules(&text) {
            let below = layer_of(&used) < layer;
            let sideways = SIDEWAYS.contains(&(module.as_str(), used.as_str()));
            if used != module && !below && !sideways {
                broken.push(format!("{}:{line}: {module} must not use {used}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_is_pure_knows_no_protocol_no_network_no_runtime() {
    let mut broken = Vec::new();
    for (file, module, text) in sources() {
        let mut forbidden = Vec::new();
        if PURE.contains(&module.as_str()) || file.to_string_lossy().contains("rollout/decide") {
            forbidden.extend(IMPURE);
        }
        if !["lsp", "cli"].contains(&module.as_str()) {
            forbidden.push("tower_lsp");
        }
        for (number, line) in code_lines(&text) {
            for word in forbidden.iter().filter(|it| line.contains(&format!("{it}::"))) {
                broken.push(format!("{}:{number}: {module} must not mention {word}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_convert_makes_ranges_of_the_protocol() {
    let makes = |line: &str| line.contains("Range { start: ") || line.contains("Position { line");
    let broken: Vec<_> = sources()
        .into_iter()
        .filter(|(file, module, _)| module == "lsp" && !file.ends_with("convert.rs"))
        .flat_map(|(file, _, text)| {
            let lines = code_lines(&text).filter(|(_, line)| makes(line));
            lines.map(|(number, _)| format!("{}:{number}", file.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_the_session_shows_pop_ups() {
    let broken: Vec<_> = sources()
        .into_iter()
        .filter(|(file, module, _)| module == "lsp" && !file.ends_with("session.rs"))
        .flat_map(|(file, _, text)| {
            let lines = code_lines(&text)
                .filter(|(_, line)| line.contains("show_message(") || line.contains("show_message_request("));
            lines.map(|(number, _)| format!("{}:{number}", file.display())).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "what is shown is made harmless by the session alone: {}", broken.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    for (file, module, _) in sources() {
        assert!(module == "lib" || layer_of(&module).is_some(), "{} is in no layer", file.display());
    }
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|it| it.contains(&module))
}

fn layer(module: &str) -> Option<usize> {
    // The library's map names every module and uses none.
    if module == "lib" { Some(usize::MAX) } else { layer_of(module) }
}

/// Every source file with the module that it belongs to.
fn sources() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let below = path.strip_prefix(&root).unwrap();
                let module =
                    below.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned();
                sources.push((path.clone(), module, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim_start()));
    numbered.filter(|(_, line)| !line.starts_with("//"))
}

/// `crate::module` and `flagline::module`, wherever they stand, also in `use crate::{a, b}`.
fn used_modules(text: &str) -> Vec<(String, usize)> {
    let mut used = Vec::new();
    for (number, line) in code_lines(text) {
        for root in ["crate::", "flagline::"] {
            for (at, _) in line.match_indices(root) {
                let rest = &line[at + root.len()..];
                let names = rest.strip_prefix('{').and_then(|it| it.split_once('}')).map_or(rest, |it| it.0);
                let several = rest.starts_with('{');
                for name in names.split(',').take(if several { usize::MAX } else { 1 }) {
                    let module: String =
                        name.trim().chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
                    if layer_of(&module).is_some() {
                        used.push((module, number));
                    }
                }
            }
        }
    }
    used
}
