//! Small repositories in memory, written as text.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Disk, Modules, Resolved};
use crate::syntax::Language;

/// A path a line, with the file's text behind it or in deeper lines below it; `path -> path` is a link.
pub struct Tree {
    files: BTreeMap<PathBuf, String>,
    links: BTreeMap<PathBuf, PathBuf>,
}

impl Tree {
    pub fn new(text: &str) -> Tree {
        let mut tree = Tree { files: BTreeMap::new(), links: BTreeMap::new() };
        let mut last = PathBuf::new();
        for line in text.lines().map(str::trim_end).filter(|it| !it.trim().is_empty()) {
            let line = line.strip_prefix("        ").unwrap_or(line);
            match line.split_once(' ').unwrap_or((line, "")) {
                ("", more) => tree.files.get_mut(&last).unwrap().push_str(&format!("{more}\n")),
                (path, text) => match text.strip_prefix("-> ") {
                    Some(to) => drop(tree.links.insert(path.into(), to.into())),
                    None => {
                        last = path.into();
                        tree.files.insert(path.into(), text.to_owned());
                    }
                },
            }
        }
        tree
    }

    fn follow(&self, path: &Path) -> Option<PathBuf> {
        let mut path = path.to_owned();
        for _ in 0..40 {
            let Some(link) = path.ancestors().find(|it| self.links.contains_key(*it)) else {
                return Some(path);
            };
            path = match path.strip_prefix(link).unwrap() {
                rest if rest.as_os_str().is_empty() => self.links[link].clone(),
                rest => self.links[link].join(rest),
            };
        }
        None
    }
}

impl Disk for Tree {
    fn is_file(&self, path: &Path) -> bool {
        self.follow(path).is_some_and(|it| self.files.contains_key(&it))
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.follow(path).is_some_and(|path| self.files.keys().any(|it| *it != path && it.starts_with(&path)))
    }

    fn read(&self, path: &Path) -> Option<String> {
        self.files.get(&self.follow(path)?).cloned()
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let Some(real) = self.follow(folder) else { return Vec::new() };
        let below = self.files.keys().filter_map(|it| it.strip_prefix(&real).ok()?.iter().next());
        let mut names: Vec<_> = below.map(|it| folder.join(it)).collect();
        names.dedup();
        names
    }

    fn walk(&self, root: &Path, wanted: fn(&OsStr) -> bool) -> Vec<PathBuf> {
        let hidden = |it: &Path| it.iter().any(|it| it == "node_modules" || it == ".venv");
        let below = self.files.keys().filter(|it| it.strip_prefix(root).is_ok_and(|it| !hidden(it)));
        below.filter(|it| it.file_name().is_some_and(wanted)).cloned().collect()
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        self.follow(path)
    }

    fn forget(&self, _: &Path) {}
}

/// Resolves each import of a repository at `/repo`, and compares. What is expected is a path below `/repo`,
/// `installed <path>`, `package` or `missing`.
#[track_caller]
pub fn check(tree: &str, imports: &[(&str, &str, &str)]) {
    check_roots(&["/repo"], tree, imports);
}

/// The same for a workspace with other roots.
#[track_caller]
pub fn check_roots(roots: &[&str], tree: &str, imports: &[(&str, &str, &str)]) {
    let modules = Modules::new(roots.iter().map(PathBuf::from).collect(), Arc::new(Tree::new(tree)));
    let mut wrong = Vec::new();
    for (from, specifier, expected) in imports {
        let from = Path::new("/repo").join(from);
        let language = Language::from_path(&from).unwrap();
        let resolved = shown(&modules.resolve(&from, language, specifier));
        if resolved != *expected {
            wrong.push(format!("{specifier} in {}: {resolved}, not {expected}", from.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub fn shown(resolved: &Resolved) -> String {
    match resolved {
        Resolved::File { path, installed } => {
            let path = path.strip_prefix("/repo").unwrap_or(path).display();
            if *installed { format!("installed {path}") } else { path.to_string() }
        }
        Resolved::Package => "package".to_owned(),
        Resolved::Missing => "missing".to_owned(),
    }
}
