//! Where texts stand between quotes, in files of whatever kind: code in languages that are not read here too.

use std::path::Path;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

use super::scan::{Root, read_text};
use super::walk;
use crate::syntax::Language;
use crate::text::{Span, Text};

/// Languages that PostHog has an SDK for and that are not read here, by how their files' names end.
const FOREIGN: [&str; 21] = [
    "swift", "m", "mm", "kt", "kts", "java", "dart", "go", "rb", "erb", "php", "cs", "ex", "exs", "heex",
    "rs", "vue", "svelte", "astro", "html", "scala",
];

/// A text between quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// Which of the texts.
    pub text: usize,
    /// The file.
    pub path: Arc<Path>,
    /// The text there, without the quotes.
    pub span: Span,
    /// Whether it is code in a language that is not read here.
    pub is_foreign: bool,
}

/// Finds texts between quotes below the roots, as git would walk them, sorted by path and place. Files that cannot be
/// read, and those larger than a person writes, are left out.
pub fn quoted(roots: &[Root], texts: &[&str]) -> Vec<Quoted> {
    let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts);
    // Fails only for more texts than a project has flags.
    let Ok(finder) = finder else { return Vec::new() };
    let in_root = |root: &Root| {
        let exclude = root.exclude.clone();
        let entered = move |it: &ignore::DirEntry| {
            !exclude.excludes(it.path(), it.file_type().is_some_and(|it| it.is_dir()))
        };
        walk::files(&root.path, entered, |path| Some(in_file(path, &finder)).filter(|it| !it.is_empty()))
    };
    let mut found: Vec<Quoted> = roots.iter().flat_map(in_root).flatten().collect();
    found.sort_by(|a, b| (&a.path, a.span.start.offset).cmp(&(&b.path, b.span.start.offset)));
    found.dedup();
    found
}

fn in_file(path: &Path, finder: &AhoCorasick) -> Vec<Quoted> {
    let Ok(text) = read_text(path) else { return Vec::new() };
    let bytes = text.as_bytes();
    let is_quoted = |it: &aho_corasick::Match| {
        let before = it.start().checked_sub(1).map(|at| bytes[at]);
        before.is_some_and(|it| matches!(it, b'\'' | b'"' | b'`')) && before == bytes.get(it.end()).copied()
    };
    let matches: Vec<_> = finder.find_iter(bytes).filter(is_quoted).collect();
    if matches.is_empty() {
        return Vec::new();
    }
    let name_ends_with = |it: &&str| path.extension().is_some_and(|of| of.eq_ignore_ascii_case(it));
    let is_foreign = Language::from_path(path).is_none() && FOREIGN.iter().any(name_ends_with);
    let (path, text): (Arc<Path>, Text) = (path.into(), Text::new(text));
    let found = matches.into_iter().map(|it| Quoted {
        text: it.pattern().as_usize(),
        path: path.clone(),
        span: text.span(it.range()),
        is_foreign,
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts_between_quotes_of_one_kind_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("ios/App.swift", "let a = 1\nisFeatureEnabled(\"new-nav\")\n"),
            ("docs/a.md", "the flag `new-nav`, and 'new-nav-2', \"new-nav' and new-nav\n"),
            ("ignored/b.go", "\"new-nav\""),
            (".gitignore", "ignored\n"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root { path: folder.path().to_owned(), ..Root::default() };
        let found: Vec<_> = quoted(&[root], &["new", "new-nav"])
            .into_iter()
            .map(|it| {
                let path = it.path.strip_prefix(folder.path()).unwrap().to_string_lossy().replace('\\', "/");
                (it.text, path, it.span.start.line + 1, it.span.start.scalar + 1, it.is_foreign)
            })
            .collect();
        let expected =
            [(1, "docs/a.md".to_owned(), 1, 11, false), (1, "ios/App.swift".to_owned(), 2, 19, true)];
        assert_eq!(found, expected);
    }
}
