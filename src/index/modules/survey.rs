//! What the roots hold: packages by name, and folders that Python packages lie in. One walk, when it is first
//! needed.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::gitignore::GitignoreBuilder;

use super::Modules;
use super::json::Json;
use super::manifest::Manifest;

/// What a walk of the roots found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The folders of packages by their names, each in the order of paths.
    named: HashMap<String, Vec<PathBuf>>,
    /// Every folder with a `package.json`, and the folder of the workspace that it belongs to.
    workspaces: HashMap<PathBuf, Option<PathBuf>>,
    /// Folders that a Python package of this name lies in, which is in no package itself.
    python: HashMap<String, Vec<PathBuf>>,
}

impl Survey {
    /// The package of this name that an import of a file in `folder` most likely means, and whether the workspace
    /// of that file declares it.
    pub(super) fn package(
        &self,
        name: &str,
        folder: &Path,
        may_be: impl Fn(&Path) -> bool,
    ) -> Option<(&Path, bool)> {
        let common = |it: &Path| it.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
        let candidates = self.named.get(name)?.iter().map(PathBuf::as_path);
        let likely = candidates.filter(|it| !is_strange_fixture(it, folder) && may_be(it));
        let ranked = likely.map(|it| (it, self.is_fellow(it, folder)));
        ranked.min_by_key(|(it, fellow)| (!fellow, std::cmp::Reverse(common(it)), it.components().count()))
    }

    /// Every folder with a `package.json`.
    pub(super) fn packages(&self) -> impl Iterator<Item = &Path> {
        self.workspaces.keys().map(PathBuf::as_path)
    }

    fn is_fellow(&self, package: &Path, folder: &Path) -> bool {
        let workspace = |it: &Path| self.workspaces.get(it).and_then(Option::as_ref);
        let own = folder.ancestors().find(|it| self.workspaces.contains_key(*it));
        own.and_then(workspace).is_some_and(|it| workspace(package) == Some(it))
    }

    /// Folders that the dotted name `segments` may start from, because a package that it leads to lies there.
    pub(super) fn python_roots<'a>(&'a self, segments: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        segments.iter().enumerate().flat_map(|(depth, name)| {
            let above: PathBuf = segments[..depth].iter().collect();
            let parents = self.python.get(*name).into_iter().flatten();
            let fitting = parents.filter(move |it| it.ends_with(&above));
            // Folders above the package are namespaces, which several parts of a monorepo may share.
            fitting.filter_map(move |it| it.ancestors().nth(depth))
        })
    }
}

/// Packages that tests are made with are often called like real ones.
fn is_strange_fixture(package: &Path, folder: &Path) -> bool {
    let is_fixtures = |it: &&Path| {
        matches!(it.file_name().and_then(OsStr::to_str), Some("fixtures" | "__fixtures__" | "testdata"))
    };
    package.ancestors().find(is_fixtures).is_some_and(|it| !folder.starts_with(it))
}

impl Modules {
    pub(super) fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| self.walk())
    }

    fn walk(&self) -> Survey {
        let walked = |root: &Path| self.disk.walk(root, |it| it == "package.json" || it == "__init__.py");
        let mut files: Vec<PathBuf> = self.roots().flat_map(walked).collect();
        files.sort();
        files.dedup();
        let mut survey = Survey::default();
        for file in &files {
            let Some(folder) = file.parent() else { continue };
            match file.ends_with("package.json") {
                true => self.add_package(&mut survey, folder),
                false => self.add_python(&mut survey, folder),
            }
        }
        self.assign_workspaces(&mut survey);
        survey
    }

    fn add_package(&self, survey: &mut Survey, folder: &Path) {
        let Some(manifest) = self.manifest(folder) else { return };
        survey.workspaces.insert(folder.to_owned(), None);
        if let Some(name) = &manifest.name {
            survey.named.entry(name.clone()).or_default().push(folder.to_owned());
        }
    }

    fn add_python(&self, survey: &mut Survey, folder: &Path) {
        if let Some(parent) = folder.parent()
            && let Some(name) = folder.file_name().and_then(OsStr::to_str)
            && self.is_own(parent)
            && !self.disk.is_file(&parent.join("__init__.py"))
        {
            survey.python.entry(name.to_owned()).or_default().push(parent.to_owned());
        }
    }

    fn assign_workspaces(&self, survey: &mut Survey) {
        let folders: Vec<PathBuf> = survey.workspaces.keys().cloned().collect();
        for root in &folders {
            let patterns = self.workspace_patterns(root);
            if patterns.is_empty() {
                continue;
            }
            let Some(declares) = members(root, &patterns) else { continue };
            for folder in folders.iter().filter(|it| *it == root || declares(it)) {
                let workspace = survey.workspaces.entry(folder.clone()).or_default();
                // The inner one, where one workspace lies in another.
                if workspace.as_ref().is_none_or(|it| root.starts_with(it)) {
                    *workspace = Some(root.clone());
                }
            }
        }
    }

    fn workspace_patterns(&self, folder: &Path) -> Vec<String> {
        let mut patterns = self.manifest(folder).map(|it| it.workspaces.clone()).unwrap_or_default();
        if let Some(text) = self.disk.read(&folder.join("pnpm-workspace.yaml")) {
            patterns.extend(pnpm_packages(&text));
        }
        if let Some(json) = self.disk.read(&folder.join("lerna.json")).and_then(|it| Json::parse(&it)) {
            patterns.extend(json.get("packages").map(Json::texts).unwrap_or_default());
        }
        patterns
    }

    /// What the `package.json` of a folder says.
    pub(super) fn manifest(&self, folder: &Path) -> Option<std::sync::Arc<Manifest>> {
        if let Some(known) = self.manifests.get(folder) {
            return known.clone();
        }
        let text = self.disk.read(&folder.join("package.json"));
        let manifest = text.and_then(|it| Manifest::parse(&it)).map(std::sync::Arc::new);
        self.manifests.insert(folder.to_owned(), manifest.clone());
        manifest
    }
}

/// Which folders the patterns of a workspace declare. They are those of gitignore, but for the order: what a `!`
/// takes out stays out.
fn members(root: &Path, patterns: &[String]) -> Option<impl Fn(&Path) -> bool> {
    let mut builder = GitignoreBuilder::new(root);
    let (out, r#in): (Vec<_>, Vec<_>) = patterns.iter().partition(|it| it.starts_with('!'));
    for pattern in r#in.into_iter().chain(out) {
        let (not, pattern) = pattern.strip_prefix('!').map_or(("", pattern.as_str()), |it| ("!", it));
        let pattern = pattern.trim_start_matches("./").trim_matches('/');
        // A pattern that is none declares nothing; the others count.
        drop(builder.add_line(None, &format!("{not}/{pattern}")));
    }
    let matcher = builder.build().ok()?;
    let root = root.to_owned();
    Some(move |folder: &Path| {
        folder.strip_prefix(&root).is_ok_and(|it| matcher.matched(it, true).is_ignore())
    })
}

/// The list `packages` of a `pnpm-workspace.yaml`, in either of the two ways in which people write it. No more of
/// YAML is needed here.
fn pnpm_packages(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(|it| it.split(" #").next().unwrap_or_default().trim_end());
    let Some(first) = lines.find_map(|it| it.strip_prefix("packages:")) else { return Vec::new() };
    let unquoted = |it: &str| it.trim().trim_matches(['"', '\'']).to_owned();
    let rest = lines.take_while(|it| it.is_empty() || it.starts_with([' ', '\t', '-', '#', ']']));
    match first.trim_start().strip_prefix('[') {
        Some(inline) => {
            let whole = rest.fold(inline.to_owned(), |whole, line| whole + line);
            let inside = whole.split(']').next().unwrap_or_default();
            inside.split(',').map(unquoted).filter(|it| !it.is_empty()).collect()
        }
        None => rest.filter_map(|it| it.trim_start().strip_prefix('-')).map(unquoted).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_of_a_pnpm_workspace_are_read_in_both_ways() {
        let block =
            "# yes\npackages: # all\n  - 'packages/*'\n\n  # no\n  - \"!**/test/**\"\ncatalog:\n  - react\n";
        assert_eq!(pnpm_packages(block), ["packages/*", "!**/test/**"]);
        assert_eq!(pnpm_packages("packages:\n- apps/*\n- libs/*\n"), ["apps/*", "libs/*"]);
        assert_eq!(pnpm_packages("packages: ['a', \"b/*\",\n  c]\n"), ["a", "b/*", "c"]);
        assert!(pnpm_packages("catalog:\n  react: 18\n").is_empty());
    }

    #[test]
    fn patterns_of_a_workspace_declare_folders() {
        let patterns = ["!packages/old", "packages/*", "./apps/**/", "tools/{a,b}"].map(str::to_owned);
        let declares = members(Path::new("/repo"), &patterns).unwrap();
        let declared = |it: &str| declares(Path::new(it));
        assert!(declared("/repo/packages/ui") && declared("/repo/apps/a/b") && declared("/repo/tools/b"));
        assert!(
            !declared("/repo/packages/old")
                && !declared("/repo/packages/ui/x")
                && !declared("/x/packages/ui")
        );
        assert!(!declared("/repo/a/packages/ui"));
    }
}
