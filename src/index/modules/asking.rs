//! Installed packages whose functions may ask PostHog: those that depend on one of its SDKs. Their files are read
//! as a team's own are, except that nothing in them is reported.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Modules;
use super::lexical::is_declaration;
use crate::syntax::{Language, is_sdk};

/// More files than this no package of hooks and helpers has.
const MOST_FILES: usize = 1000;

/// Folders in folders; deeper ones are links that lead round.
const DEEPEST: usize = 8;

/// Folders in a package that nobody imports from.
const APART: [&str; 6] = ["node_modules", "test", "tests", "__tests__", "__pycache__", "examples"];

impl Modules {
    /// Source files of installed packages that depend on an SDK of PostHog's, in no order.
    pub fn files_that_may_ask(&self) -> Vec<PathBuf> {
        let folders: BTreeSet<PathBuf> = self.packages_that_may_ask().collect();
        let mut files: Vec<PathBuf> = folders.iter().flat_map(|it| self.sources(it)).collect();
        files.extend(self.roots().flat_map(|it| self.distributed_sources(it)));
        files
    }

    /// The folders of those that the workspace's `package.json` files ask for.
    fn packages_that_may_ask(&self) -> impl Iterator<Item = PathBuf> {
        let of_sdk = |name: &String| is_sdk(Language::TypeScript, name);
        let named = self.survey().packages().flat_map(move |folder| {
            let manifest = self.manifest(folder).unwrap_or_default();
            let names: Vec<String> = manifest.needs().filter(|it| !of_sdk(it)).cloned().collect();
            names.into_iter().map(move |it| (folder, it))
        });
        named.filter_map(move |(folder, name)| {
            let package = self.installed_package(folder, &name).filter(|it| !it.own)?;
            let manifest = self.manifest(&package.folder)?;
            manifest.needs().any(of_sdk).then_some(package.folder)
        })
    }

    /// The source files of a package, in the order of their paths.
    fn sources(&self, package: &Path) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![(package.to_owned(), 0)]);
        while let Some((folder, depth)) = folders.pop().filter(|_| found.len() < MOST_FILES) {
            let mut inside = self.disk.list(&folder);
            inside.sort();
            for path in inside.into_iter().filter(|it| !is_apart(it)) {
                if self.disk.is_folder(&path) {
                    folders.extend((depth < DEEPEST).then_some((path, depth + 1)));
                } else if is_source(&path) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found.truncate(MOST_FILES);
        found
    }

    /// What the distributions of a virtual environment installed that require the SDK.
    fn distributed_sources(&self, root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for site in super::python::site_packages(self, root) {
            for info in self.disk.list(&site) {
                let is_info = info.extension().is_some_and(|it| it == "dist-info");
                let metadata = is_info.then(|| self.disk.read(&info.join("METADATA"))).flatten();
                if metadata.is_some_and(|it| it.lines().any(requires_sdk)) {
                    let record = self.disk.read(&info.join("RECORD")).unwrap_or_default();
                    found
                        .extend(record.lines().filter_map(recorded).map(|it| site.join(it)).take(MOST_FILES));
                }
            }
        }
        found
    }
}

fn is_source(path: &Path) -> bool {
    Language::from_path(path).is_some() && !is_declaration(path)
}

fn is_apart(path: &Path) -> bool {
    path.file_name().and_then(|it| it.to_str()).is_some_and(|it| APART.contains(&it))
}

/// The source file of a line of RECORD: its path, a hash and its size, with commas between them.
fn recorded(line: &str) -> Option<&Path> {
    let path = Path::new(line.split(',').next()?);
    let is_inside = path.components().all(|it| matches!(it, Component::Normal(_)));
    (is_inside && is_source(path) && !path.ancestors().any(is_apart)).then_some(path)
}

/// `Requires-Dist: posthog (>=6)`
fn requires_sdk(line: &str) -> bool {
    let required = line.strip_prefix("Requires-Dist:").map(str::trim_start);
    let rest = required.and_then(|it| it.strip_prefix("posthog"));
    rest.is_some_and(|it| !it.starts_with(|it: char| it.is_alphanumeric() || it == '-' || it == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_says_what_it_requires() {
        let requires = [
            "Requires-Dist: posthog",
            "Requires-Dist: posthog (>=6)",
            "Requires-Dist:posthog>=6; extra == 'x'",
        ];
        assert!(requires.into_iter().all(requires_sdk));
        let others = [
            "Requires-Dist: posthog-tools",
            "Requires-Dist: requests",
            "Summary: posthog",
            "Requires-Dist: posthogx",
        ];
        assert!(!others.into_iter().any(requires_sdk));
    }
    #[test]
    fn a_record_lists_what_a_distribution_installed() {
        assert_eq!(recorded("acme/features.py,sha256=x,120"), Some(Path::new("acme/features.py")));
        for other in
            ["acme/features.pyc,,", "../../bin/acme.py,,", "acme/tests/test_it.py,,", "/etc/acme.py,,", ""]
        {
            assert_eq!(recorded(other), None, "{other}");
        }
    }
}
