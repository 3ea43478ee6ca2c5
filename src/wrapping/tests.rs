//! Golden cases: what is wrapped stands between `«` and `»`, or the cursor is at `$0`.
//!
//! `fixtures/wrapping` holds files of cases: `=== name`, the code, `---`, and what comes out or `refused: why`. The name
//! may be followed by `: key x`, `variant y`, `path z`, `team name.key` and `one way`: the flag is `videos` without a key, and what is said to be
//! one way is not compared with what removing the flag gives. Other files follow the code, each below `//- path`. With
//! `UPDATE=1` in the environment what comes out is written down, to be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::feature::Value;
use crate::index::scan::{Progress, Root};
use crate::index::{Codebase, facts, resolver};
use crate::removal::{ALONE, Alone, Kept, named, remove};
use crate::syntax::{Language, Names, Returns, Wrapper};
use crate::text::Text;

struct Case {
    key: FlagKey,
    variant: Option<String>,
    is_one_way: bool,
    language: Language,
    before: String,
    selection: Range<usize>,
    others: Vec<(String, String)>,
    path: String,
    names: Names,
}

#[test]
fn golden_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wrapping");
    let update = std::env::var_os("UPDATE").is_some();
    let (mut failures, mut n_cases) = (String::new(), 0);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let content = std::fs::read_to_string(&path).unwrap();
        let mut written = String::new();
        for case in format!("\n{content}").split("\n=== ").skip(1) {
            let (head, body) = case.split_once('\n').unwrap();
            let body = format!("{body}\n");
            let (before, expect) = body.split_once("\n---\n").unwrap_or((&body, ""));
            let case = Case::new(&path, head, before);
            let after = case.run();
            n_cases += 1;
            let is_same = after.trim_end().replace('\r', "") == expect.trim_end().replace('\r', "");
            if !is_same && !update {
                failures.push_str(&format!("\n{}: {head}\n{before}\n---\n{after}\n", path.display()));
            }
            if let Err(why) = case.way_back() {
                failures.push_str(&format!("\n{}: {head}: {why}\n", path.display()));
            }
            written.push_str(&format!("=== {head}\n{}\n---\n{}\n", before.trim_end(), after.trim_end()));
        }
        if update {
            std::fs::write(&path, written.replace('\r', "")).unwrap();
        }
    }
    assert!(n_cases >= 60, "the cases were not found: {n_cases}");
    assert!(failures.is_empty(), "these differ; what came out stands below ---\n{failures}");
}

impl Case {
    fn new(path: &Path, head: &str, body: &str) -> Case {
        let options = head.split_once(": ").map_or("", |it| it.1);
        let option = |name: &str| {
            let mut words = options.split(' ').skip_while(|it| *it != name).skip(1);
            words.next().map(str::to_owned)
        };
        let mut parts =
            format!("{}\n", body.trim_end()).split("\n//- ").map(str::to_owned).collect::<Vec<_>>();
        let mut before = parts.remove(0);
        if !before.ends_with('\n') {
            before.push('\n');
        }
        let others = parts.iter().map(|it| {
            let (path, text) = it.split_once('\n').unwrap();
            (path.trim().to_owned(), format!("{}\n", text.trim_end()))
        });
        // Line ends and the end of the file are said in the head, since they cannot be seen.
        if options.contains("crlf") {
            before = before.replace('\n', "\r\n");
        }
        if options.contains("no newline") {
            before = before.trim_end().to_owned();
        }
        let selection = match before.find("$0") {
            Some(at) => at..at,
            None => {
                let start = before.find('«').expect("a selection");
                start..before.find('»').expect("its end") - '«'.len_utf8()
            }
        };
        let team = option("team").map(|it| {
            let (name, key) = it.split_once('.').unwrap_or((&it, ""));
            Wrapper {
                name: name.into(),
                module: Some("@acme/flags".into()),
                key: Some(key).filter(|it| !it.is_empty()).map(Box::from),
                argument: None,
                returns: Some(Returns::Boolean),
            }
        });
        let extension = path.extension().unwrap().to_str().unwrap();
        Case {
            key: FlagKey::from(&*option("key").unwrap_or("videos".into())),
            variant: option("variant"),
            is_one_way: options.contains("one way") || !others.clone().collect::<Vec<_>>().is_empty(),
            language: Language::from_path(path).unwrap(),
            before: before.replace(['«', '»'], "").replace("$0", ""),
            selection,
            others: others.collect(),
            names: Names { wrappers: team.into_iter().collect(), ..Names::default() },
            path: option("path").unwrap_or_else(|| format!("src/pages/page.{extension}")),
        }
    }

    /// Wraps the selection in a workspace of all files, and looks whether the flag is read there then.
    fn wrapped(&self) -> Result<(String, Wrapped), Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let read = || {
            let names = self.names.clone().into();
            let roots = [Root { path: folder.path().to_owned(), names, ..Root::default() }];
            Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default())
        };
        self.others.iter().for_each(|(path, text)| write(path, text));
        write(&self.path, &self.before);
        let path = folder.path().join(&self.path);
        let codebase = read();
        let known = codebase.files().filter_map(|it| Some((it.0.clone(), it.2.ok()?)));
        let index = Index::new(known.filter(|it| !it.1.is_empty()));
        let source = Source::new(self.language, 1, Text::new(&*self.before));
        let facts = codebase.facts(&path).cloned().unwrap_or_default();
        let wrapped = wrap(&Request {
            source: &source,
            path: &path,
            facts: &facts,
            index: &index,
            names: &self.names,
            text_of: &|path| std::fs::read_to_string(path).ok().map(Into::into),
            selection: self.selection.clone(),
            key: &self.key,
            variant: self.variant.as_deref(),
        })?;
        let after = apply(&self.before, &wrapped.edits);
        write(&self.path, &after);
        let n_reads =
            |it: &FileFacts| it.reads.iter().filter(|it| it.key.as_ref() == Some(&self.key)).count();
        let now = read().facts(&path).cloned().unwrap_or_default();
        let check = &after[wrapped.check.clone()];
        let is_reused = check.starts_with(&wrapped.asks) && !check.contains('(') && n_reads(&facts) > 0;
        assert!(n_reads(&now) > n_reads(&facts) || is_reused, "the flag is not read in\n{after}");
        let mut ends = wrapped.edits.iter().zip(wrapped.edits.iter().skip(1));
        assert!(ends.all(|(a, b)| a.range.end < b.range.start), "edits touch: {:?}", wrapped.edits);
        Ok((after, wrapped))
    }

    fn run(&self) -> String {
        match self.wrapped() {
            Ok((after, wrapped)) => {
                let check = &after[wrapped.check.clone()];
                let asks = &wrapped.asks;
                format!("{}\nasks {asks}: {check}", after.trim_end())
            }
            Err(refusal) => {
                let at = self.before[refusal.range.clone()].lines().next().unwrap_or_default().to_owned();
                format!("refused: {}\nat: {at}", refusal.reason)
            }
        }
    }

    /// Removing the flag gives back the text from before.
    fn way_back(&self) -> Result<(), String> {
        let Ok((after, _)) = self.wrapped() else { return Ok(()) };
        // A client that nothing else uses would go with the flag, although it was there before.
        let imports = |name: &&&str| {
            let [default, whole] = [format!("import {name}"), format!("import * as {name}")];
            let [required, named] = [format!("{{ {name} }} = require("), format!("import {{ {name} }}")];
            [default, whole, required, named].iter().any(|it| self.before.contains(it))
                || self.before.contains(&format!("import {name}\n"))
        };
        let used = ["posthog", "ph"].iter().find(imports).map(|it| format!("\n{it}.capture(1)\n"));
        let used = used.unwrap_or_default();
        let (before, after) = (format!("{}{used}", self.before), format!("{after}{used}"));
        let facts = facts(self.language, &Text::new(&*after), &self.names).into();
        let world = Alone { facts: &facts, text: &after, language: self.language };
        let kept = Kept::new(self.variant.as_deref().map_or(Value::from("on"), Value::from));
        if self.is_one_way {
            return Ok(());
        }
        let edits = remove(&world, Path::new(ALONE), self.key.as_str(), &kept)
            .map_err(|it| format!("no way back: {}", it[0].reason))?;
        let back = apply(&after, &edits);
        match back == before {
            true => Ok(()),
            false => Err(format!("this is the way back\n{back}")),
        }
    }
}

/// Of so many places one is tried, which takes long enough.
const ONE_OF: usize = 5;

/// Every statement, element and expression of programs can be wrapped or is refused; what is wrapped asks for the flag,
/// and taking that out again gives back the program, but for parentheses, braces and white space.
#[test]
fn whatever_is_wrapped_comes_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (mut failures, mut n_back, mut n_seen) = (Vec::new(), 0, 0);
    for path in programs(&root) {
        let Some(language) = Language::from_path(&path) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let source = Source::new(language, 1, Text::new(&*text));
        let own = facts(language, &source.text, &Names::default());
        let mut stack = vec![source.tree.root_node()];
        while let Some(node) = stack.pop() {
            stack.extend(named(node));
            n_seen += 1;
            if n_seen % ONE_OF != 0 {
                continue;
            }
            // What is known to be so when the flag is gone makes more go.
            let is_literal = matches!(node.kind(), "true" | "false" | "object" | "null" | "none");
            match there_and_back(&path, &source, &own, node.byte_range()) {
                Ok(Some(back)) if is_literal || essence(&back) == essence(&text) => n_back += 1,
                Ok(None) => {}
                Ok(Some(back)) => {
                    let diff = similar::TextDiff::from_lines(&text, &back);
                    failures.push(format!("{}\n{}", path.display(), diff.unified_diff().context_radius(1)));
                }
                Err(why) => failures.push(format!("{}: {why}: {}", path.display(), source_of(&source, node))),
            }
        }
    }
    assert!(n_back > 2500 / ONE_OF, "too little is wrapped: {n_back}");
    assert!(failures.is_empty(), "{}\n{} in all", failures.join("\n"), failures.len());
}

/// Wraps a range and takes the flag out again; `None` where one of them is refused.
fn there_and_back(
    path: &Path,
    source: &Source,
    own: &FileFacts,
    selection: Range<usize>,
) -> Result<Option<String>, String> {
    let key = FlagKey::from("wrapped-here");
    let facts_of = |text: &str| facts(source.language, &Text::new(text), &Names::default());
    let wrapped = wrap(&Request {
        source,
        path,
        facts: own,
        index: &Index::default(),
        names: &Names::default(),
        text_of: &|_| None,
        selection,
        key: &key,
        variant: None,
    });
    let wrapped = match wrapped {
        Ok(wrapped) => wrapped,
        Err(refusal) if refusal.reason.contains("bug") => return Err(refusal.reason),
        Err(_) => return Ok(None),
    };
    let after = apply(source.text.as_str(), &wrapped.edits);
    let facts = facts_of(&after);
    if !facts.reads.iter().any(|it| it.key.as_ref() == Some(&key)) {
        return Err("the flag is not read".into());
    }
    let facts = facts.into();
    let world = Alone { facts: &facts, text: &after, language: source.language };
    // What reads through functions of other files, and code that is broken, is not rewritten.
    let edits = remove(&world, Path::new(ALONE), key.as_str(), &Kept::new(Value::On));
    Ok(edits.ok().map(|it| apply(&after, &it)))
}

fn source_of(source: &Source, node: tree_sitter::Node) -> String {
    source.text.as_str()[node.byte_range()].to_owned()
}

/// What is left when one does not look at how code is set.
fn essence(text: &str) -> String {
    let text = text.replace("return", "");
    text.chars()
        .filter(|it| !it.is_whitespace() && !matches!(it, '(' | ')' | '{' | '}' | ';' | ','))
        .collect()
}

fn programs(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> =
        ["sample-app", "programs", "clean-apps"].iter().map(|it| root.join(it)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let list = if path.is_dir() { &mut folders } else { &mut found };
            list.push(path);
        }
    }
    found.sort();
    found
}

/// Whatever is selected: nothing panics, and nothing is said to be a bug.
#[test]
fn any_selection_has_an_answer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for path in programs(&root) {
        let Some(language) = Language::from_path(&path) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let source = Source::new(language, 1, Text::new(&*text));
        let own = facts(language, &source.text, &Names::default());
        for start in (0..=text.len()).step_by(11) {
            for length in [0, 1 + start % 50] {
                let selection = start..start + length;
                let wrapped = wrap(&Request {
                    source: &source,
                    path: &path,
                    facts: &own,
                    index: &Index::default(),
                    names: &Names::default(),
                    text_of: &|_| None,
                    selection,
                    key: &FlagKey::from("wrapped-here"),
                    variant: None,
                });
                let is_bug = wrapped.is_err_and(|it| it.reason.contains("bug"));
                assert!(!is_bug, "{}: {start} and {length} more", path.display());
            }
        }
    }
}
