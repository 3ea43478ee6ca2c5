//! Every file in `fixtures/reads` is code as an editor shows it, with carets under each key:
//!
//! ```text
//! posthog.isFeatureEnabled('new-nav')
//! //                       ^^^^^^^^^ new-nav isFeatureEnabled boolean literal call certain
//! ```
//!
//! The words are the key (`?` when dynamic, `checkout-*` when its beginning is known), the method, what it
//! gives, where the key comes from, how the flag is reached, and how sure that is. Carets with `defines` mark
//! a definition. A read without carets is an error, so every line without carets says that there is none.
//! `UPDATE=1 cargo test --test reads` rewrites the files; the review is in the diff.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use std::path::{Path, PathBuf};

use flagline::syntax::{Definition, FileFacts, KeyFrom, Language, Names, Read, Source, facts};
use flagline::text::{Span, Text};

#[test]
fn fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reads");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let mut wrong = String::new();
    for file in files {
        let expected = std::fs::read_to_string(&file).unwrap();
        let actual = annotated(&file, &expected);
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &actual).unwrap();
        } else {
            let lines = similar::TextDiff::from_lines(&expected, &actual);
            wrong += &format!(
                "=== {} is really:\n{actual}\n=== that is:\n{}",
                file.display(),
                lines.unified_diff()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The code of a fixture with the carets that it should have.
fn annotated(file: &Path, fixture: &str) -> String {
    let language = Language::from_path(file).unwrap();
    let code: String = fixture.split_inclusive('\n').filter(|it| !is_carets(it)).collect();
    let text = Text::new(code.as_str());
    let found = facts(language, &text, &Names::default());
    let open = Source::new(language, 1, text.clone());
    assert_eq!(found, *open.facts, "{}: open and closed differ", file.display());
    let half_typed = file.file_stem().unwrap().to_string_lossy().contains("half_typed");
    assert_eq!(open.tree.root_node().has_error(), half_typed, "{}: does it parse?", file.display());
    let notes = notes(&found, &text);
    let mut out = String::new();
    for (number, line) in code.split_inclusive('\n').enumerate() {
        out += line;
        for (span, note) in notes.iter().filter(|it| it.0.start.line as usize == number) {
            out += &carets(language, line, span, note);
        }
    }
    out
}

fn is_carets(line: &str) -> bool {
    let line = line.trim_start();
    ["//", "#", "{/*"]
        .iter()
        .any(|it| line.strip_prefix(it).is_some_and(|it| it.trim_start().starts_with('^')))
}

fn notes(found: &FileFacts, text: &Text) -> Vec<(Span, String)> {
    let reads = found.reads.iter().map(|it| (it.key_span, read(it)));
    let definitions = found.definitions.iter().map(|it| (it.key_span, definition(it)));
    let mut notes: Vec<_> = reads.chain(definitions).collect();
    notes.sort();
    for (span, _) in &notes {
        assert_eq!(*span, text.span(span.bytes()));
    }
    notes
}

fn read(it: &Read) -> String {
    let key = match (&it.key, &it.prefix) {
        (Some(key), _) => key.to_string(),
        (None, Some(prefix)) => format!("{prefix}*"),
        (None, None) => "?".into(),
    };
    let from = match it.key_from {
        KeyFrom::PropertyName => "property-name".into(),
        other => format!("{other:?}").to_lowercase(),
    };
    let words = format!("{:?} {from} {:?} {:?}", it.returns, it.via, it.certainty).to_lowercase();
    format!("{key} {} {words}", it.method)
}

fn definition(it: &Definition) -> String {
    format!("{} defines {}", it.name, it.key)
}

fn carets(language: Language, line: &str, span: &Span, note: &str) -> String {
    let start = span.start.scalar as usize;
    let (open, close) = match language {
        Language::Python => ("#", ""),
        Language::Tsx | Language::Jsx if line.trim_start().starts_with(['<', '{']) => ("{/*", " */}"),
        _ => ("//", ""),
    };
    assert!(start >= open.len(), "no room for carets under {line:?}");
    let whole = span.end.line == span.start.line;
    let end = if whole { span.end.scalar as usize } else { line.trim_end().chars().count() };
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let indent = indent.min(start - open.len());
    let (before, gap) = (&line[..indent], " ".repeat(start - open.len() - indent));
    let more = if whole { "" } else { " ..." };
    format!("{before}{open}{gap}{}{more} {note}{close}\n", "^".repeat(end - start))
}
