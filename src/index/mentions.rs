//! Which files have which of the names that lead to flags, as whole words.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, Match, MatchKind};
use memchr::memmem;
use ustr::UstrSet;

use crate::syntax::ir::Symbol;
use crate::syntax::words::{is_part, word_around};

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Mentions {
    files: imbl::HashMap<Symbol, imbl::OrdSet<Arc<Path>>>,
    names: imbl::HashMap<Arc<Path>, Arc<UstrSet>>,
    /// Finds all names that were looked for.
    finder: OnceLock<Option<Arc<Finder>>>,
}

/// Finds names in a text. A name is a word, or a way to import a file and, on a line of its own, a word too short to
/// look for everywhere: a text has it that has both.
pub(super) struct Finder {
    /// Of names that begin alike the longest is the one that may be a whole word.
    words: Patterns,
    /// Ways to import a file that are more than a word, and may lie across others.
    ways: Patterns,
    has_short: bool,
}

struct Patterns {
    automaton: AhoCorasick,
    /// What each may stand for.
    names: Vec<Vec<Name>>,
}

#[derive(Clone, Copy)]
struct Name {
    whole: Symbol,
    short: Option<Symbol>,
}

impl Patterns {
    fn new(by_pattern: &BTreeMap<&str, Vec<Name>>, are_words: bool) -> Option<Patterns> {
        let chosen = || by_pattern.iter().filter(|it| is_way(it.0) != are_words);
        let kind = if are_words { MatchKind::LeftmostLongest } else { MatchKind::Standard };
        let automaton = AhoCorasick::builder().match_kind(kind).build(chosen().map(|it| it.0)).ok()?;
        Some(Patterns { automaton, names: chosen().map(|it| it.1.clone()).collect() })
    }

    fn names_at<'f>(&'f self, text: &'f [u8], found: &Match) -> &'f [Name] {
        match is_whole(text, found.range()) {
            true => &self.names[found.pattern().as_usize()],
            false => &[],
        }
    }
}

impl Finder {
    /// Of these names; nothing if there are none.
    pub fn new(names: Vec<Symbol>) -> Option<Arc<Finder>> {
        let mut by_pattern: BTreeMap<&str, Vec<Name>> = BTreeMap::new();
        let mut has_short = false;
        for whole in &names {
            let (pattern, short) = match whole.as_str().split_once('\n') {
                Some((pattern, short)) => (pattern, Some(Symbol::from(short))),
                None => (whole.as_str(), None),
            };
            has_short |= short.is_some();
            by_pattern.entry(pattern).or_default().push(Name { whole: *whole, short });
        }
        if by_pattern.is_empty() {
            return None;
        }
        let (words, ways) = (Patterns::new(&by_pattern, true)?, Patterns::new(&by_pattern, false)?);
        Some(Arc::new(Finder { words, ways, has_short }))
    }

    fn found<'f>(&'f self, text: &'f [u8]) -> impl Iterator<Item = &'f Name> {
        let words = self.words.automaton.find_iter(text).flat_map(|it| self.words.names_at(text, &it));
        let has_ways = !self.ways.names.is_empty();
        let ways = has_ways.then(|| self.ways.automaton.find_overlapping_iter(text)).into_iter().flatten();
        words.chain(ways.flat_map(|it| self.ways.names_at(text, &it)))
    }

    /// Whether a part of a text has any of the names; of short ones those that count in the whole text.
    pub fn has_any(&self, part: &[u8], short: &UstrSet) -> bool {
        self.found(part).next().is_some() || short.iter().any(|it| has_word(part, it))
    }

    /// The short words that count in a text.
    pub fn short_in(&self, text: &[u8]) -> UstrSet {
        match self.has_short {
            true => self.found(text).filter_map(|it| it.short).collect(),
            false => UstrSet::default(),
        }
    }

    /// The names that a text has.
    pub fn names_in(&self, text: &[u8]) -> UstrSet {
        let (mut found, mut missing) = (UstrSet::default(), UstrSet::default());
        for name in self.found(text) {
            if found.contains(&name.whole) || missing.contains(&name.whole) {
                continue;
            }
            match name.short {
                Some(short) if !has_word(text, &short) && !gives_all(text) => missing.insert(name.whole),
                _ => found.insert(name.whole),
            };
        }
        found
    }
}

/// Whether a pattern is a way to import a file, of which a word may be part.
fn is_way(pattern: &str) -> bool {
    pattern.contains([' ', '/', '\'', '"']) || pattern.starts_with('.')
}

/// Whether what was found is no part of a longer word.
fn is_whole(text: &[u8], found: Range<usize>) -> bool {
    let last = found.end - 1;
    (!is_part(text[found.start]) || word_around(text, found.start).start == found.start)
        && (!is_part(text[last]) || word_around(text, last).end == found.end)
}

fn has_word(text: &[u8], word: &str) -> bool {
    memmem::find_iter(text, word).any(|at| word_around(text, at) == (at..at + word.len()))
}

/// Whether a file gives what it imports without naming it.
fn gives_all(text: &[u8]) -> bool {
    memmem::find(text, b"export *").is_some() || memmem::find(text, b"import *").is_some()
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
