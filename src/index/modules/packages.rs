//! Packages: where they are, and which of their files an import means.

use std::path::{Path, PathBuf};

use super::lexical::{is_declaration, is_name, join, join_within};
use super::manifest::Exported;
use super::source::{is_typescript_source, unbuilt};
use super::{Modules, Resolved};

/// A package that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) folder: PathBuf,
    /// Whether it is the team's own, so that its sources count before what was built from them.
    pub(super) own: bool,
}

/// The name of the package in a specifier, and the path in it.
pub(super) fn split(specifier: &str) -> Option<(&str, &str)> {
    let (first, rest) = specifier.split_once('/').unwrap_or((specifier, ""));
    if !first.starts_with('@') {
        return is_name(first).then_some((first, rest));
    }
    let (second, subpath) = rest.split_once('/').unwrap_or((rest, ""));
    let name = &specifier[..(first.len() + 1 + second.len()).min(specifier.len())];
    (is_name(first) && is_name(second)).then_some((name, subpath))
}

impl Modules {
    /// The file that the import of a package means, for files of `folder`.
    pub(super) fn package(&self, folder: &Path, name: &str, subpath: &str) -> Resolved {
        let Some(package) = self.find_package(folder, name) else { return Resolved::Package };
        match self.entry(&package, subpath) {
            Some(file) if package.own => Resolved::own(file),
            None if package.own => Resolved::Missing,
            Some(file) if !is_declaration(&file) => Resolved::installed(file),
            _ => Resolved::Package,
        }
    }

    /// Where a package is for files of `folder`. A fellow of the same workspace goes first, since its sources do
    /// not wait for an installation; then what is installed; then any package of the roots, because a clone that
    /// nobody installed still says what it calls its packages.
    pub(super) fn find_package(&self, folder: &Path, name: &str) -> Option<Package> {
        let own = |it: &Path| Package { folder: it.to_owned(), own: true };
        if !self.is_own(folder) {
            return self.installed_package(folder, name);
        }
        let range = self.ancestors(folder).find_map(|it| self.manifest(it)?.dependencies.get(name).cloned());
        let satisfies = |range: &String, it: &Path| self.manifest(it).is_some_and(|it| it.satisfies(range));
        let may_be = |it: &Path| range.as_ref().is_none_or(|range| satisfies(range, it));
        match self.survey().package(name, folder, may_be) {
            Some((it, true)) => Some(own(it)),
            other => self.installed_package(folder, name).or_else(|| other.map(|it| own(it.0))),
        }
    }

    /// Where an installed package is for files of `folder`.
    pub(super) fn installed_package(&self, folder: &Path, name: &str) -> Option<Package> {
        let inside = |it: &Path| it.join("node_modules").join(name);
        let folder = folder.ancestors().map(inside).find(|it| self.disk.is_folder(it))?;
        // pnpm links every package to the place where it finds its own; a workspace's own packages are links too.
        let real = self.real(folder);
        Some(Package { own: self.is_own(&real), folder: real })
    }

    /// The last part of a package's name, if the file is what its import means.
    pub fn package_of(&self, path: &Path) -> Option<String> {
        let folder = self.ancestors(path.parent()?).find(|it| self.manifest(it).is_some())?;
        let name = self.manifest(folder)?.name.clone()?;
        let package = Package { folder: folder.to_owned(), own: self.is_own(folder) };
        let last = name.rsplit('/').next().unwrap_or_default().to_owned();
        (self.entry(&package, "")? == path).then_some(last)
    }

    fn entry(&self, package: &Package, subpath: &str) -> Option<PathBuf> {
        let manifest = self.manifest(&package.folder).unwrap_or_default();
        let mut targets = match manifest.exported(subpath) {
            Exported::Targets(targets) => targets,
            Exported::Hidden => return None,
            Exported::Unlisted => Vec::new(),
        };
        match subpath {
            "" => {
                targets.extend(manifest.fields.iter().cloned());
                targets.extend(["index".to_owned(), "src/index".to_owned()]);
            }
            _ => targets.extend([subpath.to_owned(), format!("src/{subpath}")]),
        }
        self.entry_of(&package.folder, package.own, &targets)
    }

    /// The first of `targets` that is there; what only declares comes last.
    pub(super) fn entry_of(&self, folder: &Path, own: bool, targets: &[String]) -> Option<PathBuf> {
        let mut declared = None;
        for target in targets {
            match self.target(folder, own, target) {
                Some(file) if is_declaration(&file) => declared = declared.or(Some(file)),
                Some(file) => return Some(file),
                None => {}
            }
        }
        declared
    }

    /// The file of one target. What a team builds is not in its clones, or is not what its people read.
    pub(super) fn target(&self, folder: &Path, own: bool, target: &str) -> Option<PathBuf> {
        let there = join_within(folder, target).and_then(|it| self.plain_at(&it));
        if !own || there.as_ref().is_some_and(|it| is_typescript_source(it)) {
            return there;
        }
        self.source_of(folder, target).or(there)
    }

    /// The source that a build at `target` comes from.
    pub(super) fn source_of(&self, folder: &Path, target: &str) -> Option<PathBuf> {
        let sources = unbuilt(target).into_iter().filter_map(|it| join(folder, &it));
        sources.filter_map(|it| self.plain_at(&it)).find(|it| !is_declaration(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_split_from_paths() {
        assert_eq!(split("a"), Some(("a", "")));
        assert_eq!(split("a/b/c"), Some(("a", "b/c")));
        assert_eq!(split("@a/b"), Some(("@a/b", "")));
        assert_eq!(split("@a/b/c/d"), Some(("@a/b", "c/d")));
        assert_eq!(
            (split("@a"), split("@/a"), split("@a/"), split("..")),
            (None, Some(("@/a", "")), None, None)
        );
    }
}
