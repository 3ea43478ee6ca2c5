//! The files and folders that a command is given.

use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;

use crate::config::Config;
use crate::index::scan::Root;

/// Full names without `.` and `..`; the working directory when nothing is named. What is missing or a folder that
/// cannot be listed is an error, since it would look like a place without any flags.
pub(super) fn named(paths: &[PathBuf], directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if paths.is_empty() {
        return Ok(vec![directory.to_owned()]);
    }
    let mut named = Vec::new();
    for path in paths {
        let full = normal(&directory.join(path));
        full.symlink_metadata().with_context(|| path.display().to_string())?;
        if full.is_dir() {
            full.read_dir().with_context(|| path.display().to_string())?;
        }
        named.push(full);
    }
    Ok(named)
}

/// The folder whose settings count: the working directory, unless all that is named lies outside of it; then the
/// folder round that.
pub(super) fn home(named: &[PathBuf], directory: &Path) -> PathBuf {
    if named.iter().any(|it| it.starts_with(directory) || directory.starts_with(it)) {
        return directory.to_owned();
    }
    let folder = |it: &PathBuf| match it.is_dir() {
        true => it.clone(),
        false => it.parent().map_or_else(|| it.clone(), Path::to_owned),
    };
    let shared = |a: PathBuf, b: PathBuf| {
        a.ancestors().find(|it| b.starts_with(it)).map_or_else(|| a.clone(), Path::to_owned)
    };
    named.iter().map(folder).reduce(shared).unwrap_or_else(|| directory.to_owned())
}

/// Paths to scan as the settings say.
pub(super) fn roots(paths: Vec<PathBuf>, config: &Config) -> Vec<Root> {
    let root = |path| Root { path, exclude: config.exclude.clone(), names: config.names.clone() };
    paths.into_iter().map(root).collect()
}

/// Without `.` and `..`, so that a file named twice is one file. Links are left as they are.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}
