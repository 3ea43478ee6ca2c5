//! The code of a workspace as a removal sees it: what editors hold, else what lies on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, MatchKind};
use rayon::prelude::*;

use crate::index::Codebase;
use crate::removal::World;
use crate::syntax::{FileFacts, Language};

type LanguageAndText = (Language, Arc<str>);

/// See the module. Texts are read once.
pub struct CodeWorld {
    code: Codebase,
    texts: Mutex<BTreeMap<Arc<Path>, Option<LanguageAndText>>>,
    open: BTreeSet<Arc<Path>>,
}

impl CodeWorld {
    /// Of what was read of a workspace, and the texts of its open documents.
    pub fn new(code: Codebase, open: impl IntoIterator<Item = (Arc<Path>, Language, Arc<str>)>) -> CodeWorld {
        let open: Vec<_> = open.into_iter().collect();
        CodeWorld {
            code,
            open: open.iter().map(|it| it.0.clone()).collect(),
            texts: Mutex::new(
                open.into_iter().map(|(path, language, text)| (path, Some((language, text)))).collect(),
            ),
        }
    }

    fn finds(&self, path: &Arc<Path>, finder: &AhoCorasick, words: &[&String]) -> BTreeSet<usize> {
        let text = match self.open.contains(path) {
            true => self.text(path).map(|it| it.1),
            // Of all the files few are looked at twice, so their texts are not kept.
            false => self.code.text(path).map(|it| it.1.into()),
        };
        let Some(text) = text else { return BTreeSet::new() };
        let is_word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '$');
        let whole = |it: &aho_corasick::Match| {
            // A key may begin and end with anything.
            let word = words[it.pattern().as_usize()];
            let begins = !word.starts_with(is_word) || !text[..it.start()].ends_with(is_word);
            begins && (!word.ends_with(is_word) || !text[it.end()..].starts_with(is_word))
        };
        finder.find_iter(&*text).filter(whole).map(|it| it.pattern().as_usize()).collect()
    }
}

impl World for CodeWorld {
    fn files(&self) -> Vec<Arc<Path>> {
        let speaks = |it: Result<Arc<FileFacts>, _>| it.is_ok_and(|it| !it.is_empty());
        self.code.files().filter(|it| speaks(it.2.clone().map_err(drop))).map(|it| it.0.clone()).collect()
    }

    fn facts(&self, path: &Path) -> Option<Arc<FileFacts>> {
        self.code.facts(path).cloned()
    }

    fn text(&self, path: &Path) -> Option<(Language, Arc<str>)> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || self.code.text(path).map(|(language, text)| (language, text.into()));
        texts.entry(path.into()).or_insert_with(read).clone()
    }

    fn resolve(&self, from: &Path, specifier: &str) -> Option<Arc<Path>> {
        self.code.resolve(&from.into(), specifier)
    }

    fn mentioning(&self, words: &BTreeSet<String>) -> BTreeMap<String, Vec<Arc<Path>>> {
        let words: Vec<&String> = words.iter().filter(|it| !it.is_empty()).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&words);
        let Ok(finder) = finder else { return BTreeMap::new() };
        let paths: Vec<&Arc<Path>> = self.code.files().map(|it| it.0).collect();
        let found: Vec<(&Arc<Path>, BTreeSet<usize>)> =
            paths.into_par_iter().map(|it| (it, self.finds(it, &finder, &words))).collect();
        let mut by_word: BTreeMap<String, Vec<Arc<Path>>> = BTreeMap::new();
        for (path, found) in found {
            for word in found {
                by_word.entry(words[word].clone()).or_default().push(path.clone());
            }
        }
        by_word
    }

    fn is_public(&self, path: &Path) -> bool {
        let read = |name: &'static str| {
            path.ancestors().skip(1).find_map(move |it| std::fs::read_to_string(it.join(name)).ok())
        };
        if Language::from_path(path) == Some(Language::Python) {
            let builds = |it: String| it.contains("[build-system]") && !it.contains("Private ::");
            return read("pyproject.toml").is_some_and(builds) || read("setup.py").is_some();
        }
        let manifest =
            read("package.json").and_then(|it| serde_json::from_str::<serde_json::Value>(&it).ok());
        // Without a name nobody can install it.
        manifest.is_some_and(|it| it["private"] != true && it["name"].is_string())
    }
}
