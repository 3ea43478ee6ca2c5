//! Finding the file that an import names.
//!
//! The questions are those of Node, TypeScript and Python, but the repository may be a fresh clone: nothing is
//! installed and nothing is built. So packages of the workspace are known by their `package.json` alone, and a
//! path into a build is led back to the source. Resolvers that imitate a runtime stop at both.

mod asking;
mod disk;
mod javascript;
mod json;
mod lexical;
mod manifest;
mod packages;
mod python;
mod source;
mod stdlib;
mod survey;
mod tsconfig;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dashmap::{DashMap, DashSet};

pub use disk::{Disk, Files};

use self::lexical::{is_declaration, is_installed};
use self::manifest::Manifest;
use self::survey::Survey;
use self::tsconfig::Mapping;
use crate::syntax::Language;

/// Specifiers longer than this are data.
const LONGEST: usize = 4096;

/// What an import names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A file of source code.
    File {
        /// Where it is; for files of the roots, below the root as it was given.
        path: Arc<Path>,
        /// Whether it belongs to an installed package, not to the team.
        installed: bool,
    },
    /// A package that is neither in the workspace nor installed with sources that can be read.
    Package,
    /// A relative path, a mapped one or one into a package of the workspace, and no such file.
    Missing,
}

impl Resolved {
    fn own(path: PathBuf) -> Resolved {
        Resolved::File { path: path.into(), installed: false }
    }

    fn installed(path: PathBuf) -> Resolved {
        Resolved::File { path: path.into(), installed: true }
    }
}

/// Resolves the imports of a workspace. What configuration files say is remembered: when one of them changes
/// ([`Modules::depends_on`]), let the disk forget it and make a new one. That costs a walk of the roots, when an
/// import of a package is next resolved.
pub struct Modules {
    /// The inner ones first, where one root lies in another.
    roots: Vec<Root>,
    disk: Arc<dyn Disk>,
    /// By folder.
    manifests: DashMap<PathBuf, Option<Arc<Manifest>>>,
    /// By folder: the mappings that count for its files.
    mappings: DashMap<PathBuf, Arc<[Arc<Mapping>]>>,
    /// By the path of a configuration that stands on its own.
    configurations: DashMap<PathBuf, Arc<Mapping>>,
    /// Configurations that were asked for, also those that are not there.
    consulted: DashSet<PathBuf>,
    /// Folders of installed packages without links.
    real: DashMap<PathBuf, PathBuf>,
    survey: OnceLock<Survey>,
}

struct Root {
    path: PathBuf,
    real: PathBuf,
}

impl Modules {
    /// For a workspace with these roots, which are absolute paths.
    pub fn new(roots: Vec<PathBuf>, disk: Arc<dyn Disk>) -> Modules {
        let root = |path: PathBuf| Root { real: disk.real(&path).unwrap_or_else(|| path.clone()), path };
        let mut roots: Vec<Root> = roots.into_iter().map(root).collect();
        roots.sort_by_key(|it| std::cmp::Reverse(it.path.components().count()));
        Modules {
            roots,
            disk,
            manifests: DashMap::new(),
            mappings: DashMap::new(),
            configurations: DashMap::new(),
            consulted: DashSet::new(),
            real: DashMap::new(),
            survey: OnceLock::new(),
        }
    }

    /// The file that `specifier` names in an import of `from`, an absolute path.
    ///
    /// Python's specifiers are dotted, with leading dots for relative imports: `..pkg.mod`, `.`, `a.b.c`. A
    /// package without `__init__.py` is no file, though `a.b` in it may be one.
    pub fn resolve(&self, from: &Path, language: Language, specifier: &str) -> Resolved {
        if specifier.is_empty() || specifier.len() > LONGEST || specifier.contains('\0') {
            return Resolved::Missing;
        }
        match language {
            Language::Python => python::resolve(self, from, specifier),
            _ => javascript::resolve(self, from, specifier),
        }
    }

    /// Whether a change of this file makes what was resolved before stale: [`is_configuration`], or a file of
    /// another name that a configuration extends.
    pub fn depends_on(&self, path: &Path) -> bool {
        is_configuration(path) || self.consulted.contains(path)
    }

    fn roots(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(|it| it.path.as_path())
    }

    fn root_of(&self, path: &Path) -> Option<&Path> {
        self.roots().find(|it| path.starts_with(it))
    }

    /// Whether a path is the team's own: in a root, and in no folder of installed packages there.
    fn is_own(&self, path: &Path) -> bool {
        let below = self.root_of(path).and_then(|it| path.strip_prefix(it).ok());
        below.is_some_and(|it| !is_installed(it))
    }

    /// Folders from `folder` up to its root, or to the root of the disk for what is installed elsewhere.
    fn ancestors<'a>(&self, folder: &'a Path) -> impl Iterator<Item = &'a Path> + use<'a> {
        let root = self.root_of(folder).map(|it| it.components().count()).unwrap_or(0);
        folder.ancestors().take_while(move |it| it.components().count() >= root)
    }

    /// Tells what a path was found to be. A path that leads out of the roots names nothing, unless it stays in
    /// what is installed.
    fn found(&self, folder: &Path, path: PathBuf) -> Resolved {
        if self.is_own(&path) {
            return Resolved::own(path);
        }
        if !is_installed(&path) && !self.is_in_linked_package(folder, &path) {
            return Resolved::Missing;
        }
        match is_declaration(&path) {
            true => Resolved::Package,
            false => Resolved::installed(path),
        }
    }

    /// Whether `path` lies in the package of `folder`, which is outside of the roots and linked to from them.
    fn is_in_linked_package(&self, folder: &Path, path: &Path) -> bool {
        let package = || folder.ancestors().find(|it| self.manifest(it).is_some());
        !self.is_own(folder) && package().is_some_and(|it| path.starts_with(it))
    }

    /// A folder without links; one in a root keeps the root as it was given.
    fn real(&self, folder: PathBuf) -> PathBuf {
        if let Some(known) = self.real.get(&folder) {
            return known.clone();
        }
        let real = self.disk.real(&folder).unwrap_or_else(|| folder.clone());
        let rebased = self.roots.iter().find_map(|it| Some(it.path.join(real.strip_prefix(&it.real).ok()?)));
        let real = rebased.unwrap_or(real);
        self.real.insert(folder, real.clone());
        real
    }
}

/// Whether a change of this file makes what was resolved before stale.
pub fn is_configuration(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let named = [
        "package.json",
        "pnpm-workspace.yaml",
        "lerna.json",
        // They decide which packages are found.
        ".gitignore",
        ".ignore",
        ".flaglineignore",
    ];
    named.contains(&name) || tsconfig::is_tsconfig(name)
}
