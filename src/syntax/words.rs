//! The words of an SDK as data, and finding them in a text without a parser.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::remarks::{SECRETS, is_secret};
use super::{Returns, Via};

/// A method, hook or component of an SDK that takes a flag's key or gives a map of flags.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its name in the SDK.
    pub name: &'static str,
    /// How it reaches the flag.
    pub via: Via,
    /// What it gives.
    pub returns: Returns,
    /// What must be known before it is a read.
    pub needs: Needs,
    /// It gives a map or list of flags; else it takes a flag's key.
    pub is_map: bool,
}

/// The evidence that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// None: no other vendor uses the name. It is a read unless something speaks against it.
    Nothing,
    /// The receiver is a client, or the function comes from the SDK.
    Client,
    /// The receiver is what `evaluateFlags` gave.
    Snapshot,
}

/// The SDK of one language.
pub(crate) struct Table {
    /// Every call.
    pub calls: &'static [Call],
    /// Every call that gives a map or list of flags.
    pub maps: &'static [Call],
    /// Words of the SDK that give or name a snapshot.
    pub makers: &'static [&'static str],
    /// Finds [`POSTHOG`], [`SECRETS`] and the stems of the table's words.
    pub sieve: LazyLock<Sieve>,
}

/// Finds what every word that can lead to a read contains, in one pass over a text.
pub(crate) type Sieve = Option<AhoCorasick>;

/// How PostHog is written in names; its first letter may be a capital or not.
const POSTHOG: [&str; 3] = ["osthog", "ostHog", "OSTHOG"];

/// The sieve of a table: every name in its `calls` and `maps` that does not need a snapshot, and every maker,
/// contains one of `stems`.
pub(crate) fn sieve(stems: &[&str]) -> Sieve {
    // Only this kind of search has the quick way with vectors. Where stems overlap, one word has both.
    let patterns = POSTHOG.iter().chain(&SECRETS).chain(stems);
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns).ok()
}

impl Table {
    /// The call of this name that takes a key.
    pub fn call(&self, name: &str) -> Option<&'static Call> {
        self.calls.iter().find(|it| it.name == name)
    }

    /// Whether this word alone may lead to a read.
    fn leads_to_reads(&self, word: &[u8]) -> bool {
        let calls = self.calls.iter().chain(self.maps).filter(|it| it.needs != Needs::Snapshot);
        let mut words = calls.map(|it| it.name).chain(self.makers.iter().copied());
        words.any(|it| it.as_bytes() == word)
    }

    /// The call of this name that takes a key or gives a map.
    pub fn any(&self, name: &str) -> Option<&'static Call> {
        self.call(name).or_else(|| self.maps.iter().find(|it| it.name == name))
    }
}

/// Whether a text has a word that can lead to a read, speaks of PostHog at all, or has a secret of it.
pub(crate) fn may_read(table: &'static Table, text: &[u8]) -> bool {
    const NAMES: usize = POSTHOG.len();
    const BEFORE_STEMS: usize = NAMES + SECRETS.len();
    let Some(sieve) = &*table.sieve else { return true };
    sieve.find_iter(text).any(|found| {
        let word = || &text[word_around(text, found.start())];
        let pattern = found.pattern().as_usize();
        if pattern < NAMES {
            true
        } else if pattern < BEFORE_STEMS {
            is_secret(word())
        } else {
            table.leads_to_reads(word())
        }
    })
}

/// The whole word round a place; always at character boundaries, since other scripts count as letters.
pub(crate) fn word_around(text: &[u8], at: usize) -> Range<usize> {
    let before = text[..at].iter().rev().take_while(|it| is_part(**it)).count();
    let after = text[at..].iter().take_while(|it| is_part(**it)).count();
    at - before..at + after
}

/// Whether a byte is part of a word.
pub(crate) fn is_part(it: u8) -> bool {
    it.is_ascii_alphanumeric() || it == b'_' || it == b'$' || it >= 0x80
}
