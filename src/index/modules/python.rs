//! Specifiers of Python: dotted, with leading dots for relative ones.
//!
//! Nobody says where imports start, so it is taken from the tree: a folder above the file which is no package
//! itself, or the `src` in it. A file inside of a package is not importable by its bare name, which keeps a
//! team's own `app/posthog.py` apart from the SDK.

use std::path::{Path, PathBuf};

use super::lexical::is_name;
use super::{Modules, Resolved, stdlib};

pub(super) fn resolve(modules: &Modules, from: &Path, specifier: &str) -> Resolved {
    let Some(folder) = from.parent() else { return Resolved::Missing };
    let name = specifier.trim_start_matches('.');
    let segments: Vec<&str> = if name.is_empty() { Vec::new() } else { name.split('.').collect() };
    if !segments.iter().all(|it| is_name(it)) {
        return Resolved::Missing;
    }
    match specifier.len() - name.len() {
        0 => absolute(modules, from, folder, &segments),
        dots => relative(modules, folder, dots, &segments),
    }
}

fn relative(modules: &Modules, folder: &Path, dots: usize, segments: &[&str]) -> Resolved {
    let base = folder.ancestors().nth(dots - 1);
    let found = base.and_then(|it| module(modules, it, segments));
    found.map_or(Resolved::Missing, |it| modules.found(folder, it))
}

fn absolute(modules: &Modules, from: &Path, folder: &Path, segments: &[&str]) -> Resolved {
    let Some(first) = segments.first() else { return Resolved::Missing };
    let roots = import_roots(modules, folder);
    let (packages, others): (Vec<_>, Vec<_>) =
        roots.into_iter().partition(|it| is_package(modules, &it.join(first)));
    let at = |root: &PathBuf| module(modules, root, segments);
    // `from email import utils` means the standard library, unless there is an `email/utils.py`.
    let is_known = stdlib::MODULES.binary_search(first).is_ok();
    if let Some(file) = packages.iter().find_map(at).filter(|_| !is_known || segments.len() > 1) {
        return modules.found(folder, file);
    }
    // What follows is weaker than the standard library and what is installed: a lone file of that name, a folder
    // that is no package, a package elsewhere.
    if let Some(file) = installed(modules, folder, segments).filter(|_| !is_known) {
        return modules.found(folder, file);
    }
    let own =
        || others.iter().find_map(at).filter(|it| it != from && !imports_its_name(modules, it, segments));
    let elsewhere = || unique_elsewhere(modules, segments);
    if !is_known && let Some(file) = own().or_else(elsewhere) {
        return modules.found(folder, file);
    }
    match packages.is_empty() || is_known {
        true => Resolved::Package,
        false => Resolved::Missing,
    }
}

/// The file of a module below an import root.
fn module(modules: &Modules, root: &Path, segments: &[&str]) -> Option<PathBuf> {
    let path: PathBuf = root.iter().chain(segments.iter().map(std::ffi::OsStr::new)).collect();
    let there = |it: PathBuf| Some(it).filter(|it| modules.disk.is_file(it));
    let beside = |extension: &str| {
        let name = segments.last()?;
        there(path.with_file_name(format!("{name}.{extension}")))
    };
    there(path.join("__init__.py"))
        .or_else(|| beside("py"))
        .or_else(|| there(path.join("__init__.pyi")))
        .or_else(|| beside("pyi"))
}

fn is_package(modules: &Modules, folder: &Path) -> bool {
    ["__init__.py", "__init__.pyi"].iter().any(|it| modules.disk.is_file(&folder.join(it)))
}

/// Folders that absolute imports of `folder` may start from, the nearest first.
fn import_roots(modules: &Modules, folder: &Path) -> Vec<PathBuf> {
    // A repository's own folder may be a package for the sake of a test runner; programs start in it all the same.
    let starts = |it: &&Path| !is_package(modules, it) || is_project(modules, it);
    let outside = modules.ancestors(folder).filter(starts);
    outside.flat_map(|it| [it.to_owned(), it.join("src")]).filter(|it| modules.disk.is_folder(it)).collect()
}

/// Whether a folder is where a project of Python begins.
fn is_project(modules: &Modules, folder: &Path) -> bool {
    const MARKS: [&str; 7] =
        ["manage.py", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", ".git"];
    MARKS.iter().any(|it| modules.disk.is_file(&folder.join(it)) || modules.disk.is_folder(&folder.join(it)))
}

/// A file that imports a module of its own name cannot be that module: `celery.py` with `from celery import Celery`.
fn imports_its_name(modules: &Modules, file: &Path, segments: &[&str]) -> bool {
    let [name] = segments else { return false };
    let text = modules.disk.read(file).unwrap_or_default();
    text.lines().any(|line| {
        let imported = ["import ", "from "].iter().find_map(|it| line.trim_start().strip_prefix(it));
        let rest = imported.and_then(|it| it.trim_start().strip_prefix(name));
        rest.is_some_and(|it| !it.starts_with(|it: char| it.is_alphanumeric() || it == '_'))
    })
}

/// A module of a virtual environment in a folder above.
fn installed(modules: &Modules, folder: &Path, segments: &[&str]) -> Option<PathBuf> {
    let mut environments = modules.ancestors(folder).flat_map(|it| site_packages(modules, it));
    environments.find_map(|it| module(modules, &it, segments))
}

/// The folders that the virtual environment in `folder` installs to.
pub(super) fn site_packages(modules: &Modules, folder: &Path) -> Vec<PathBuf> {
    let environment = folder.join(".venv");
    if !modules.disk.is_folder(&environment) {
        return Vec::new();
    }
    let versions = modules.disk.list(&environment.join("lib")).into_iter();
    let mut folders: Vec<_> = versions.map(|it| it.join("site-packages")).collect();
    folders.push(environment.join("Lib").join("site-packages"));
    folders
}

/// A module of a package that lies somewhere else in the roots: a monorepo's packages import each other once they
/// are installed, wherever they lie. Only where one file can be meant, and never by a single word, which may be
/// any package of the world.
fn unique_elsewhere(modules: &Modules, segments: &[&str]) -> Option<PathBuf> {
    let [first, _, ..] = segments else { return None };
    if *first == SDK {
        return None;
    }
    let roots = modules.survey().python_roots(segments);
    let mut files = roots.filter_map(|it| module(modules, it, segments));
    let file = files.next()?;
    files.all(|it| it == file).then_some(file)
}

/// The SDK's own package: a folder of this name elsewhere is not it, but nor is it what an import means.
const SDK: &str = "posthog";
