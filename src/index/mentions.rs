//! Which files have which of the names that lead to flags, as whole words.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use ustr::UstrSet;

use crate::syntax::ir::Symbol;
use crate::syntax::words::word_around;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Mentions {
    files: imbl::HashMap<Symbol, imbl::OrdSet<Arc<Path>>>,
    names: imbl::HashMap<Arc<Path>, Arc<UstrSet>>,
    /// Finds all names that were looked for.
    finder: OnceLock<Option<Arc<Finder>>>,
}

/// Finds names in a text.
pub(super) struct Finder {
    automaton: AhoCorasick,
    names: Vec<Symbol>,
}

impl Finder {
    /// Of these names; nothing if there are none.
    pub fn new(names: Vec<Symbol>) -> Option<Arc<Finder>> {
        if names.is_empty() {
            return None;
        }
        // Of names that begin alike the longest is the one that may be a whole word.
        let mut builder = AhoCorasick::builder();
        let automaton =
            builder.match_kind(MatchKind::LeftmostLongest).build(names.iter().map(|it| it.as_str()));
        Some(Arc::new(Finder { automaton: automaton.ok()?, names }))
    }

    /// Whether a text has any of the names.
    pub fn has_any(&self, text: &[u8]) -> bool {
        let mut found = self.automaton.find_iter(text);
        found.any(|it| word_around(text, it.start()) == it.range())
    }

    /// The names that a text has.
    pub fn names_in(&self, text: &[u8]) -> UstrSet {
        let found = self.automaton.find_iter(text);
        let whole = found.filter(|it| word_around(text, it.start()) == it.range());
        whole.map(|it| self.names[it.pattern().as_usize()]).collect()
    }
}

impl Mentions {
    /// Begins to look for names; finds those that are new. Nothing if none is.
    pub fn begin(&mut self, names: &UstrSet) -> Option<Arc<Finder>> {
        let mut new: Vec<Symbol> = names.iter().filter(|it| !self.files.contains_key(*it)).copied().collect();
        new.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        let finder = Finder::new(new.clone())?;
        new.into_iter().for_each(|it| drop(self.files.insert(it, imbl::OrdSet::new())));
        self.finder = OnceLock::new();
        Some(finder)
    }

    /// The names that a text has, of all that were looked for.
    pub fn names_in(&self, text: &[u8]) -> UstrSet {
        let finder = self.finder.get_or_init(|| Finder::new(self.files.keys().copied().collect()));
        finder.as_ref().map(|it| it.names_in(text)).unwrap_or_default()
    }

    /// Adds names that a file has.
    pub fn add(&mut self, path: &Arc<Path>, names: UstrSet) {
        for name in &names {
            self.files.entry(*name).or_default().insert(path.clone());
        }
        Arc::make_mut(self.names.entry(path.clone()).or_default()).extend(names);
    }

    /// Says which names a file has now.
    pub fn set(&mut self, path: &Arc<Path>, names: UstrSet) {
        let before = self.names.get(path).cloned().unwrap_or_default();
        for name in before.difference(&names) {
            if let Some(files) = self.files.get_mut(name) {
                files.remove(path);
            }
        }
        for name in names.difference(&before) {
            self.files.entry(*name).or_default().insert(path.clone());
        }
        match names.is_empty() {
            true => drop(self.names.remove(path)),
            false => drop(self.names.insert(path.clone(), names.into())),
        }
    }

    /// The files that have a name.
    pub fn files(&self, name: &Symbol) -> impl Iterator<Item = &Arc<Path>> {
        self.files.get(name).into_iter().flatten()
    }

    /// The names that a file has.
    pub fn of(&self, path: &Arc<Path>) -> impl Iterator<Item = &Symbol> {
        self.names.get(path).into_iter().flat_map(|it| it.iter())
    }
}
