//! The ways in which products read flags, a folder each in `fixtures/patterns`: `pattern.toml` says what it is, and
//! `typescript` and `python` are programs with carets. The table in `docs/reads.md` is made from them; `UPDATE=1`
//! writes it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{check_program, entries, is_carets, lookalikes, read_together};

const LANGUAGES: [(&str, &str); 2] = [("typescript", "TypeScript"), ("python", "Python")];

/// What a `pattern.toml` says.
struct Pattern {
    folder: PathBuf,
    /// Where it stands in the table.
    place: u32,
    title: String,
    /// What is read and what is not, in a sentence or two.
    note: String,
    /// A piece of the line that stands for the others, by language.
    example: BTreeMap<String, String>,
}

impl Pattern {
    fn program(&self, language: &str) -> Option<PathBuf> {
        Some(self.folder.join(language)).filter(|it| it.is_dir())
    }
}

#[test]
fn programs() {
    let mut wrong = String::new();
    for pattern in patterns() {
        for program in LANGUAGES.iter().filter_map(|it| pattern.program(it.0)) {
            check_program(&program, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_documentation_lists_every_pattern() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reads.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = between(&text, "patterns", &table(&patterns()));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(
        found == expected,
        "docs/reads.md is not what the fixtures say; run UPDATE=1 cargo test --test reads"
    );
}

/// In the order of the table.
fn patterns() -> Vec<Pattern> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/patterns");
    let mut all: Vec<Pattern> = entries(&folder).into_iter().map(pattern).collect();
    all.sort_by_key(|it| it.place);
    all
}

fn pattern(folder: PathBuf) -> Pattern {
    let file = folder.join("pattern.toml");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
    let table = DeTable::parse(&text).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
    let value =
        |name: &str| table.get_ref().get(name).unwrap_or_else(|| panic!("{}: {name}?", file.display()));
    let text = |name: &str| value(name).get_ref().as_str().unwrap().to_owned();
    let DeValue::Table(example) = value("example").get_ref() else { panic!("{}: example?", file.display()) };
    let example = example
        .iter()
        .map(|(language, it)| (language.get_ref().to_string(), it.get_ref().as_str().unwrap().to_owned()));
    let place = value("place").get_ref().as_integer().unwrap().to_string().parse().unwrap();
    Pattern { place, title: text("title"), note: text("note"), example: example.collect(), folder }
}

/// Replaces what stands between the marks of a generated part.
fn between(text: &str, mark: &str, generated: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let start = text.find(&begin).expect("the mark is there") + begin.len();
    let stop = text.find(&end).expect("the end mark is there");
    format!("{}{generated}{}", &text[..start], &text[stop..])
}

fn table(patterns: &[Pattern]) -> String {
    let mut rows = String::from("| the read is | in | reads | none | for example | |\n");
    rows += "| --- | --- | --: | --: | --- | --- |\n";
    for pattern in patterns {
        let (mut title, mut note) = (format!("**{}**", pattern.title), &*pattern.note);
        for (folder, language) in LANGUAGES {
            let Some(program) = pattern.program(folder) else { continue };
            let found = Found::of(&program);
            let piece = pattern.example.get(folder).unwrap_or_else(|| panic!("{title}: no example"));
            let example = found.example(piece);
            let Found { n_reads, n_lookalikes, .. } = found;
            writeln!(rows, "| {title} | {language} | {n_reads} | {n_lookalikes} | {example} | {note} |")
                .unwrap();
            // Said once, not for each language.
            (title, note) = (String::new(), "");
        }
    }
    rows
}

/// What the fixtures of a program say.
struct Found {
    n_reads: usize,
    n_lookalikes: usize,
    /// Lines of code with the words below them.
    lines: Vec<(String, Vec<String>)>,
}

impl Found {
    fn of(program: &Path) -> Found {
        let mut found = Found { n_reads: 0, n_lookalikes: 0, lines: Vec::new() };
        for (_, fixture, facts) in read_together(program) {
            found.n_reads += facts.reads.len();
            found.n_lookalikes += lookalikes(&fixture).len();
            for line in fixture.lines() {
                match found.lines.last_mut().filter(|_| is_carets(line)) {
                    Some((_, words)) => words.push(words_of(line)),
                    None => found.lines.push((line.trim().to_owned(), Vec::new())),
                }
            }
        }
        found
    }

    /// The line with this piece, and what its first carets say.
    fn example(&self, piece: &str) -> String {
        let has_read = |it: &&(String, Vec<String>)| it.0.contains(piece) && !it.1.is_empty();
        let (line, words) =
            self.lines.iter().find(has_read).unwrap_or_else(|| panic!("no read in {piece:?}"));
        let line = code(line);
        match &*words[0].split(' ').collect::<Vec<_>>() {
            ["none:", why @ ..] => format!("{line}: none, {}", why.join(" ")),
            [key, _method, _returns, from, via, "certain", ..] => format!("{line}: `{key}`, {from}, {via}"),
            [key, _method, _returns, from, via, sure, ..] => {
                format!("{line}: `{key}`, {from}, {via}, {sure}")
            }
            _ => panic!("{line} has {words:?}"),
        }
    }
}

/// A line of code in a cell.
fn code(line: &str) -> String {
    let line = line.replace('|', "\\|");
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}

/// What stands behind carets.
fn words_of(carets: &str) -> String {
    let words = carets.trim_start_matches(['/', '#', '{', '*', ' ', '\t', '^']);
    words.trim_end().trim_end_matches("*/}").trim_end().to_owned()
}
