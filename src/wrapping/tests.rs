//! Golden cases: what is wrapped stands between `«` and `»`, or the cursor is at `$0`.
//!
//! `fixtures/wrapping` holds files of cases: `=== name`, the code, `---`, and what comes out or `refused: why`. The name
//! may be followed by `: key x`, `variant y` and `one way`: the flag is `videos` without a key, and what is said to be
//! one way is not compared with what removing the flag gives. Other files follow the code, each below `//- path`. With
//! `UPDATE=1` in the environment what comes out is written down, to be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::feature::Value;
use crate::index::scan::{Progress, Root};
use crate::index::{Codebase, facts, resolver};
use crate::removal::{ALONE, Alone, Kept, remove};
use crate::syntax::{Language, Names};
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
        let extension = path.extension().unwrap().to_str().unwrap();
        Case {
            key: FlagKey::from(&*option("key").unwrap_or("videos".into())),
            variant: option("variant"),
            is_one_way: options.contains("one way") || !others.clone().collect::<Vec<_>>().is_empty(),
            language: Language::from_path(path).unwrap(),
            before: before.replace(['«', '»'], "").replace("$0", ""),
            selection,
            others: others.collect(),
            path: format!("src/pages/page.{extension}"),
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
            let roots = [Root { path: folder.path().to_owned(), ..Root::default() }];
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
        let facts = facts(self.language, &Text::new(&*after), &Names::default()).into();
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

/// Every statement, element and expression of programs can be wrapped or is refused; what is wrapped asks for the flag,
/// and taking that out again gives back the program.
#[test]
fn whatever_is_wrapped_comes_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let (mut failures, mut n_wrapped, mut n_back, mut n_all) = (Vec::new(), 0, 0, 0);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for path in programs(&root) {
        let Some(language) = Language::from_path(&path) else { continue };
        let text = std::fs::read_to_string(&path).unwrap();
        let source = Source::new(language, 1, Text::new(&*text));
        let own = facts(language, &source.text, &Names::default());
        let index = Index::default();
        let key = FlagKey::from("wrapped-here");
        let mut stack = vec![source.tree.root_node()];
        while let Some(node) = stack.pop() {
            stack.extend(named(node));
            n_all += 1;
            let wrapped = wrap(&Request {
                source: &source,
                path: &path,
                facts: &own,
                index: &index,
                text_of: &|_| None,
                selection: node.byte_range(),
                key: &key,
                variant: None,
            });
            let wrapped = match wrapped {
                Ok(it) => it,
                Err(it) => {
                    *reasons.entry(it.reason.clone()).or_default() += 1;
                    if it.reason.contains("bug") {
                        failures.push(format!(
                            "{}: would not parse: {}",
                            path.display(),
                            &text[node.byte_range()]
                        ));
                    }
                    continue;
                }
            };
            n_wrapped += 1;
            let after = apply(&text, &wrapped.edits);
            let now = facts(language, &Text::new(&*after), &Names::default());
            if !now.reads.iter().any(|it| it.key.as_ref() == Some(&key)) {
                failures.push(format!("{}: not read: {}\n{after}", path.display(), &text[node.byte_range()]));
                continue;
            }
            let now = now.into();
            let world = Alone { facts: &now, text: &after, language };
            let back = remove(&world, Path::new(ALONE), key.as_str(), &Kept::new(Value::On));
            match back.map(|it| apply(&after, &it)) {
                Ok(back) if back == text => n_back += 1,
                Ok(back) => {
                    let diff = similar::TextDiff::from_lines(&text, &back);
                    let diff = diff.unified_diff().context_radius(1).to_string();
                    let made = similar::TextDiff::from_lines(&text, &after);
                    let made = made.unified_diff().context_radius(1).to_string();
                    failures.push(format!(
                        "{}: WAYBACK {}\n{diff}\nMADE\n{made}",
                        path.display(),
                        &text[node.byte_range()]
                    ));
                }
                Err(it) => failures.push(format!(
                    "{}: NOBACK {} {}",
                    path.display(),
                    it[0].reason,
                    &text[node.byte_range()]
                )),
            }
        }
    }
    eprintln!("{n_wrapped} of {n_all}, back {n_back}");
    eprintln!("{reasons:#?}");
    eprintln!("FAILURES {}\n{}", failures.len(), failures.join("\n=====\n"));
}

fn programs(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) =
        (Vec::new(), vec![root.join("sample-app"), root.join("programs"), root.join("clean-apps")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
