use std::collections::{BTreeMap, BTreeSet};

use super::Related;
use crate::flags::FlagKey;
use crate::index::{Index, Quoted};
use crate::syntax::Read;

/// What all files of a workspace say about reads: those of each key, and those whose key the code decides at run time.
#[derive(Debug, Default)]
pub struct CodeReads {
    by_key: BTreeMap<FlagKey, Vec<Related>>,
    /// How the key begins.
    beginning: Vec<(Box<str>, Related)>,
    /// Nothing is known of the key.
    pub undecided: Vec<Related>,
    /// Flags of which PostHog is told by some read.
    told: BTreeSet<FlagKey>,
    /// Where keys stand between quotes, and whether in code that is not read here.
    mentions: BTreeMap<FlagKey, Vec<(Related, bool)>>,
}

/// Where the code reads one flag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    /// Its key is read here.
    pub certain: Vec<Related>,
    /// A key is read here that the code decides at run time, and that begins like this one.
    pub possible: Vec<Related>,
    /// The key stands between quotes in code of a language that is not read here.
    pub foreign: Vec<Related>,
    /// It stands so in other files, and is no read there.
    pub mentions: Vec<Related>,
}

impl CodeReads {
    /// Of an index.
    pub fn new(index: &Index) -> CodeReads {
        let mut all = CodeReads::default();
        for (path, facts) in index.files() {
            for read in &facts.reads {
                all.add(read, Related { path: path.clone(), span: read.key_span });
            }
        }
        all
    }

    /// Adds where keys stand between quotes; `found` says which of them by its number.
    pub fn add_mentions(&mut self, keys: &[FlagKey], found: Vec<Quoted>) {
        for it in found {
            let Some(key) = keys.get(it.text) else { continue };
            let place = Related { path: it.path, span: it.span };
            self.mentions.entry(key.clone()).or_default().push((place, it.is_foreign));
        }
    }

    fn add(&mut self, read: &Read, place: Related) {
        if let Some(key) = read.key.as_ref().filter(|_| read.is_told()) {
            self.told.insert(key.clone());
        }
        match (&read.key, &read.prefix) {
            (Some(key), _) => self.by_key.entry(key.clone()).or_default().push(place),
            // What its callers pass are reads of their own.
            (None, _) if read.is_forwarded => {}
            (None, Some(prefix)) if !prefix.is_empty() => self.beginning.push((prefix.clone(), place)),
            (None, _) => self.undecided.push(place),
        }
    }

    /// Every key that is read.
    pub fn keys(&self) -> BTreeSet<FlagKey> {
        self.by_key.keys().cloned().collect()
    }

    /// Whether a key is read for certain.
    pub fn reads(&self, key: &FlagKey) -> bool {
        self.by_key.contains_key(key)
    }

    /// Whether only payloads are read of a flag: PostHog is told of no such read (posthog-api 5.7).
    pub fn is_silent(&self, key: &FlagKey) -> bool {
        self.reads(key) && !self.told.contains(key)
    }

    /// Where one flag is read.
    pub fn of(&self, key: &FlagKey) -> Reads {
        let certain = self.by_key.get(key).cloned().unwrap_or_default();
        let begins = self.beginning.iter().filter(|it| key.as_str().starts_with(&*it.0));
        let mut reads = Reads { possible: begins.map(|it| it.1.clone()).collect(), ..Reads::default() };
        for (place, is_foreign) in self.mentions.get(key).into_iter().flatten() {
            // The range of a read has the quotes too.
            let is_it = |it: &&Related| it.path == place.path && it.span.touches(place.span.start.offset);
            match is_foreign {
                true => reads.foreign.push(place.clone()),
                false if certain.iter().any(|it| is_it(&it)) => {}
                false => reads.mentions.push(place.clone()),
            }
        }
        Reads { certain, ..reads }
    }
}
