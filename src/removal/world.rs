//! What a removal may look at beyond the file at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::syntax::{FileFacts, Language};

/// The code of a workspace as it is now, unsaved buffers included.
pub trait World {
    /// The files that say something about flags.
    fn files(&self) -> Vec<Arc<Path>>;

    /// What a file says about flags.
    fn facts(&self, path: &Path) -> Option<Arc<FileFacts>>;

    /// The text of a file and its language; `None` where it cannot be read.
    fn text(&self, path: &Path) -> Option<(Language, Arc<str>)>;

    /// The file of the workspace that an import names.
    fn resolve(&self, from: &Path, specifier: &str) -> Option<Arc<Path>>;

    /// The source files in which words occur, by the word.
    fn mentioning(&self, words: &BTreeSet<String>) -> BTreeMap<String, Vec<Arc<Path>>>;

    /// Whether a file belongs to a package that others may install.
    fn is_public(&self, path: &Path) -> bool;
}

/// A file by itself: nothing else is known.
pub struct Alone<'a> {
    /// Its facts.
    pub facts: &'a Arc<FileFacts>,
    /// Its text.
    pub text: &'a str,
    /// Its language.
    pub language: Language,
}

/// The name of the only file of [`Alone`].
pub const ALONE: &str = "file";

impl World for Alone<'_> {
    fn files(&self) -> Vec<Arc<Path>> {
        vec![Path::new(ALONE).into()]
    }

    fn facts(&self, path: &Path) -> Option<Arc<FileFacts>> {
        (path == Path::new(ALONE)).then(|| self.facts.clone())
    }

    fn text(&self, path: &Path) -> Option<(Language, Arc<str>)> {
        (path == Path::new(ALONE)).then(|| (self.language, self.text.into()))
    }

    fn resolve(&self, _: &Path, _: &str) -> Option<Arc<Path>> {
        None
    }

    fn mentioning(&self, _: &BTreeSet<String>) -> BTreeMap<String, Vec<Arc<Path>>> {
        BTreeMap::new()
    }

    fn is_public(&self, _: &Path) -> bool {
        true
    }
}
