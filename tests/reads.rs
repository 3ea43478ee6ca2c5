//! Every file in `fixtures/reads` is code as an editor shows it, with carets under each key:
//!
//! ```text
//! posthog.isFeatureEnabled('new-nav')
//! //                       ^^^^^^^^^ new-nav isFeatureEnabled boolean literal call certain
//! ```
//!
//! The words are the key (`?` when dynamic, `checkout-*` when its beginning is known), the method, what it
//! gives, where the key comes from, how the flag is reached, and how sure that is. Carets with `defines` mark
//! a definition. A read without carets is an error, so every line without carets says that there is none. What
//! looks like a read and is none may be told by hand, with the reason:
//!
//! ```text
//! license.isFeatureEnabled('sso')
//! //                       ^^^^^ none: what a customer has bought
//! ```
//!
//! `fixtures/patterns` has a folder of such programs for each way in which products read flags.
//! `UPDATE=1 cargo test --test reads` rewrites the files; the review is in the diff.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

mod patterns;

use std::path::{Path, PathBuf};

use flagline::config::file;
use flagline::index::{facts, scan};
use flagline::syntax::{Definition, FileFacts, KeyFrom, Language, Names, Read, Source};
use flagline::text::{Span, Text};

#[test]
fn fixtures() {
    let mut wrong = String::new();
    for file in entries(&folder()).into_iter().filter(|it| it.is_file()) {
        let expected = std::fs::read_to_string(&file).unwrap();
        let actual = annotated(&file, &expected);
        compare(&file, &expected, &actual, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A folder is a program of several files, read together.
#[test]
fn programs() {
    let mut wrong = String::new();
    for program in entries(&folder()).into_iter().filter(|it| it.is_dir()) {
        check_program(&program, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Of a long file only those parts are parsed that may have to do with flags.
#[test]
fn long_programs() {
    let mut wrong = String::new();
    let written = entries(&folder().parent().unwrap().join("programs"));
    for program in entries(&folder()).into_iter().chain(written).filter(|it| it.is_dir()) {
        for (short, long) in read_together(&program).into_iter().zip(read_lengthened(&program)) {
            if short.2 != long.2 {
                wrong += &format!("{} says something else when it is longer\n", short.0.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What follows on a file to make it long: a function that has nothing to do with anything.
fn more_code(language: Language) -> String {
    let text = "and so on ".repeat(600);
    match language {
        Language::Python => format!("\n\ndef unrelated():\n    return '{text}'\n"),
        _ => format!("\n\nexport function unrelated() {{\n  return '{text}'\n}}\n"),
    }
}

fn check_program(program: &Path, wrong: &mut String) {
    for (file, expected, facts) in read_together(program) {
        compare(&file, &expected, &with_carets(&file, &expected, &facts), wrong);
        *wrong += &contradictions(&file, &expected, &facts);
    }
}

/// Each source file of a program, with its text and what is in it. Files of installed packages are followed and
/// never told of, so there is nothing in them.
fn read_together(program: &Path) -> Vec<(PathBuf, String, FileFacts)> {
    read_with(program, |_| String::new())
}

fn read_lengthened(program: &Path) -> Vec<(PathBuf, String, FileFacts)> {
    read_with(program, more_code)
}

fn read_with(program: &Path, more: fn(Language) -> String) -> Vec<(PathBuf, String, FileFacts)> {
    let copy = tempfile::tempdir().unwrap();
    let files = all_files(program);
    let in_copy = |file: &Path| copy.path().join(file.strip_prefix(program).unwrap());
    for file in &files {
        std::fs::create_dir_all(in_copy(file).parent().unwrap()).unwrap();
        let more = Language::from_path(file).map(more).unwrap_or_default();
        std::fs::write(in_copy(file), bare_code(&std::fs::read_to_string(file).unwrap()) + &more).unwrap();
    }
    let names = settings(program).into();
    let root = scan::Root { path: copy.path().to_owned(), names, ..scan::Root::default() };
    let found = scan::scan(&[root], &scan::Progress::default());
    let facts = |file: &Path| {
        let found = found.iter().find(|it| it.path == in_copy(file));
        found.map_or_else(FileFacts::default, |it| (**it.facts.as_ref().unwrap()).clone())
    };
    let sources = files.into_iter().filter(|it| Language::from_path(it).is_some());
    sources.map(|it| (it.clone(), std::fs::read_to_string(&it).unwrap(), facts(&it))).collect()
}

/// The names that a program's `flagline.toml` adds, if it has one.
fn settings(program: &Path) -> Names {
    let Ok(text) = std::fs::read_to_string(program.join("flagline.toml")) else { return Names::default() };
    file::read(&text).unwrap().names()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reads")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    all.sort();
    all
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let inside = |it: PathBuf| if it.is_dir() { all_files(&it) } else { vec![it] };
    entries(folder).into_iter().flat_map(inside).collect()
}

fn compare(file: &Path, expected: &str, actual: &str, wrong: &mut String) {
    if actual == expected {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, actual).unwrap();
        return;
    }
    let lines = similar::TextDiff::from_lines(expected, actual);
    *wrong += &format!("=== {} is really:\n{actual}\n=== that is:\n{}", file.display(), lines.unified_diff());
}

fn bare_code(fixture: &str) -> String {
    fixture.split_inclusive('\n').filter(|it| !is_carets(it)).collect()
}

/// The code of a fixture with the carets that it should have.
fn annotated(file: &Path, fixture: &str) -> String {
    let language = Language::from_path(file).unwrap();
    let code = bare_code(fixture);
    let text = Text::new(code.as_str());
    let found = facts(language, &text, &Names::default());
    let open = Source::new(language, 1, text.clone());
    let half_typed = file.file_stem().unwrap().to_string_lossy().contains("half_typed");
    assert_eq!(open.tree.root_node().has_error(), half_typed, "{}: does it parse?", file.display());
    with_carets(file, fixture, &found)
}

/// The code of a fixture with carets under what was found, and with what it calls no read.
fn with_carets(file: &Path, fixture: &str, found: &FileFacts) -> String {
    let language = Language::from_path(file).unwrap();
    let code = bare_code(fixture);
    let (notes, lookalikes) = (notes(found, &Text::new(code.as_str())), lookalikes(fixture));
    let mut out = String::new();
    for (number, line) in code.split_inclusive('\n').enumerate() {
        out += line;
        for (span, note) in notes.iter().filter(|it| it.0.start.line as usize == number) {
            out += &carets(language, line, span, note);
        }
        out.extend(lookalikes.iter().filter(|it| it.line == number).map(|it| it.text));
    }
    out
}

/// A line of carets that a person wrote under what is no read, with the columns that it marks.
struct Lookalike<'a> {
    line: usize,
    start: usize,
    end: usize,
    text: &'a str,
}

fn lookalikes(fixture: &str) -> Vec<Lookalike<'_>> {
    let (mut found, mut n_lines) = (Vec::new(), 0);
    for text in fixture.split_inclusive('\n') {
        if !is_carets(text) {
            n_lines += 1;
        } else if text.trim_start_matches(['/', '#', '{', '*', ' ', '\t', '^']).starts_with("none: ") {
            let start = text.chars().position(|it| it == '^').unwrap();
            let end = text.chars().skip(start).position(|it| it != '^').unwrap() + start;
            found.push(Lookalike { line: n_lines - 1, start, end, text });
        }
    }
    found
}

/// What is found where a fixture says that there is none. No update of the fixture makes that right.
fn contradictions(file: &Path, fixture: &str, found: &FileFacts) -> String {
    let mut told = String::new();
    for (span, note) in notes(found, &Text::new(bare_code(fixture))) {
        let (line, columns) =
            (span.start.line as usize, span.start.scalar as usize..span.end.scalar as usize);
        let is_here = |it: &&Lookalike| it.line == line && it.start < columns.end && columns.start < it.end;
        for lookalike in lookalikes(fixture).iter().filter(is_here) {
            told += &format!("{}:{}: {note}, but {}", file.display(), line + 1, lookalike.text);
        }
    }
    told
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
    let forwarded = if it.is_forwarded { " forwarded" } else { "" };
    format!("{key} {} {words}{forwarded}", it.method)
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
