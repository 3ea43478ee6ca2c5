//! Installed packages whose functions may ask PostHog: those that depend on one of its SDKs. Their files are read
//! as a team's own are, except that nothing in them is reported.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Modules;
use super::lexical::is_declaration;
use crate::syntax::{Language, is_sdk};

/// More files than this no package of hooks and helpers has.
const MOST_FILES: usize = 1000;

/// Folders in a package that nobody imports from.
const APART: [&str; 6] = ["node_modules", "test", "tests", "__tests__", "__pycache__", "examples"];

impl Modules {
    /// Source files of installed packages that depend on an SDK of PostHog's.
    pub fn files_that_may_ask(&self) -> Vec<PathBuf> {
        let mut folders: BTreeSet<PathBuf> = self.packages_that_may_ask().collect();
        folders.extend(self.roots().flat_map(|it| self.distributions_that_may_ask(it)));
        folders.iter().flat_map(|it| self.sources(it)).collect()
    }

    /// Those that the workspace's `package.json` files ask for.
    fn packages_that_may_ask(&self) -> impl Iterator<Item = PathBuf> {
        let of_sdk = |name: &String| is_sdk(Language::TypeScript, name);
        let named = self.survey().packages().flat_map(move |folder| {
            let manifest = self.manifest(folder).unwrap_or_default();
            let names: Vec<String> = manifest.dependencies.keys().filter(|it| !of_sdk(it)).cloned().collect();
            names.into_iter().map(move |it| (folder, it))
        });
        named.filter_map(move |(folder, name)| {
            let package = self.installed_package(folder, &name).filter(|it| !it.own)?;
            let manifest = self.manifest(&package.folder)?;
            manifest.dependencies.keys().any(of_sdk).then_some(package.folder)
        })
    }

    /// Those of a virtual environment that require the SDK: the folders and files that they install.
    fn distributions_that_may_ask(&self, root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for site in super::python::site_packages(self, root) {
            for info in self.disk.list(&site) {
                let is_info = info.extension().is_some_and(|it| it == "dist-info");
                let metadata = is_info.then(|| self.disk.read(&info.join("METADATA"))).flatten();
                if metadata.is_none_or(|it| !it.lines().any(requires_sdk)) {
                    continue;
                }
                let record = self.disk.read(&info.join("RECORD")).unwrap_or_default();
                let first = |line: &str| {
                    let name = line.split(['/', ',']).next()?;
                    (!name.is_empty() && !name.contains("..") && !name.ends_with("-info"))
                        .then(|| site.join(name))
                };
                found.extend(record.lines().filter_map(first).collect::<BTreeSet<_>>());
            }
        }
        found
    }

    /// The source files of a package, in the order of their paths.
    fn sources(&self, package: &Path) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![package.to_owned()]);
        let is_source = |it: &Path| Language::from_path(it).is_some() && !is_declaration(it);
        if self.disk.is_file(package) && is_source(package) {
            return folders;
        }
        while let Some(folder) = folders.pop().filter(|_| found.len() < MOST_FILES) {
            let mut inside = self.disk.list(&folder);
            inside.sort();
            for path in inside {
                let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
                let goes_deeper = folder.components().count() < package.components().count() + 8;
                if self.disk.is_folder(&path) {
                    folders.extend(Some(path.clone()).filter(|_| goes_deeper && !APART.contains(&name)));
                } else if is_source(&path) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found.truncate(MOST_FILES);
        found
    }
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
}
