//! The facts of all files: which file reads which key.

mod codebase;
mod exclude;
mod kept;
mod link;
mod mentions;
pub mod modules;
mod quoted;
pub mod scan;
pub mod tokens;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use codebase::{Codebase, Open};
pub use exclude::Exclude;
pub use quoted::{Quoted, quoted};

use dashmap::DashMap;
use rustc_hash::FxBuildHasher;

use crate::flags::FlagKey;
use crate::syntax::ir::Symbol;
use crate::syntax::{self, FileFacts, Language, Names, Read};
use crate::text::Text;
pub(crate) use link::is_test;
pub use link::{Found, Resolve};
use modules::{Files, Modules, Resolved};

/// Facts by file. Files that say nothing about flags are not kept, so a clone costs microseconds.
#[derive(Debug, Clone, Default)]
pub struct Index {
    files: BTreeMap<Arc<Path>, Arc<FileFacts>>,
}

impl Index {
    /// Of these files.
    pub fn new(files: impl IntoIterator<Item = (Arc<Path>, Arc<FileFacts>)>) -> Index {
        Index { files: files.into_iter().collect() }
    }

    /// The files of which this one says something else.
    pub fn differences(&self, other: &Index) -> Vec<Arc<Path>> {
        let paths: BTreeSet<&Arc<Path>> = self.files.keys().chain(other.files.keys()).collect();
        paths.into_iter().filter(|it| self.files.get(*it) != other.files.get(*it)).cloned().collect()
    }

    /// Replaces the facts of a file. Returns whether the set of read keys of that file changed.
    pub fn set(&mut self, path: &Path, facts: Arc<FileFacts>) -> bool {
        let keys = |it: &FileFacts| it.reads.iter().filter_map(|it| it.key.clone()).collect::<BTreeSet<_>>();
        let before = self.files.get(path).map(|it| keys(it)).unwrap_or_default();
        let after = keys(&facts);
        if facts.is_empty() {
            self.files.remove(path);
        } else {
            self.files.insert(path.into(), facts);
        }
        before != after
    }

    /// Forgets a file.
    pub fn remove(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Forgets every file that `keep` refuses.
    pub fn retain(&mut self, mut keep: impl FnMut(&Path) -> bool) {
        self.files.retain(|path, _| keep(path));
    }

    /// The facts of a file, if it has any.
    pub fn facts(&self, path: &Path) -> Option<&Arc<FileFacts>> {
        self.files.get(path)
    }

    /// Files with facts, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&Arc<Path>, &Arc<FileFacts>)> {
        self.files.iter()
    }

    /// Every key that some file reads.
    pub fn keys(&self) -> BTreeSet<FlagKey> {
        self.files.values().flat_map(|it| &it.reads).filter_map(|it| it.key.clone()).collect()
    }

    /// The reads of a key, file by file.
    pub fn reads_of<'a>(&'a self, key: &'a FlagKey) -> impl Iterator<Item = (&'a Arc<Path>, &'a Read)> {
        self.files
            .iter()
            .flat_map(|(path, facts)| facts.reads.iter().map(move |it| (path, it)))
            .filter(move |(_, it)| it.key.as_ref() == Some(key))
    }
}

/// What one text says by itself.
pub fn facts(language: Language, text: &Text, names: &Names) -> FileFacts {
    let module = syntax::module(language, text).into();
    let path = Path::new("file");
    let codebase = Codebase::alone(path, module, Arc::new(names.clone()));
    codebase.facts(path).map(|it| (**it).clone()).unwrap_or_default()
}

/// Finds the files that imports of these roots name.
pub fn resolver(roots: &[scan::Root]) -> Arc<dyn Resolve + Send + Sync> {
    let roots = roots.iter().map(|it| it.path.clone()).collect();
    let modules = Modules::new(roots, Arc::new(Files::default()));
    Arc::new(Remembering { modules, found: DashMap::default() })
}

/// Remembers which file each import names, for as long as no file comes or goes.
struct Remembering {
    modules: Modules,
    found: DashMap<(Arc<Path>, Symbol), Found, FxBuildHasher>,
}

impl Resolve for Remembering {
    fn resolve(&self, from: &Arc<Path>, language: Language, specifier: Symbol) -> Found {
        let key = (from.clone(), specifier);
        if let Some(known) = self.found.get(&key) {
            return known.clone();
        }
        let found = match self.modules.resolve(from, language, &specifier) {
            Resolved::File { path, .. } => Found::File(path),
            Resolved::Package => Found::Package,
            Resolved::Missing => Found::Missing,
        };
        self.found.insert(key, found.clone());
        found
    }

    fn depends_on(&self, path: &Path) -> bool {
        self.modules.depends_on(path)
    }

    fn files_that_may_ask(&self) -> Vec<PathBuf> {
        self.modules.files_that_may_ask()
    }

    fn package_of(&self, path: &Path) -> Option<Symbol> {
        self.modules.package_of(path).map(|it| Symbol::from(&it))
    }
}
