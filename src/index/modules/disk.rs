//! What resolution may ask of the disk, and the real one.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashmap::DashMap;

use super::super::walk;

/// What resolution may ask of the disk.
pub trait Disk: Send + Sync {
    /// Whether a file is there, links followed.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether a folder is there, links followed.
    fn is_folder(&self, path: &Path) -> bool;
    /// The text of a file; `None` for one that is not there, is no UTF-8 or is absurdly large.
    fn read(&self, path: &Path) -> Option<String>;
    /// What lies in a folder, in no order.
    fn list(&self, folder: &Path) -> Vec<PathBuf>;
    /// The files below `root` that `wanted` knows by their name. Installed packages, hidden folders and what git
    /// ignores are left out, links are not followed.
    fn walk(&self, root: &Path, wanted: fn(&OsStr) -> bool) -> Vec<PathBuf>;
    /// The path without links.
    fn real(&self, path: &Path) -> Option<PathBuf>;
    /// Forgets what was cached about a path that was created, deleted or renamed.
    fn forget(&self, path: &Path);
}

/// Configuration above this many bytes is none.
const MAX_BYTES: u64 = 4 << 20;

/// The real disk. What lies in a folder is asked once, since an import asks for a dozen names in the same folder
/// and most of them are not there. Names are compared with their case, on every platform.
#[derive(Debug, Default)]
pub struct Files {
    /// By the folder's path as text, which is hashed and compared several times faster than a path.
    folders: DashMap<OsString, Arc<HashMap<OsString, Kind>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

impl Files {
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.folder(path.parent()?).get(path.file_name()?).copied()
    }

    fn folder(&self, path: &Path) -> Arc<HashMap<OsString, Kind>> {
        if let Some(known) = self.folders.get(path.as_os_str()) {
            return known.clone();
        }
        // A folder that is not there is remembered as an empty one.
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let listed: Arc<HashMap<_, _>> =
            Arc::new(entries.filter_map(|it| Some((it.file_name(), kind_of(&it)?))).collect());
        self.folders.insert(path.as_os_str().to_owned(), listed.clone());
        listed
    }
}

fn kind_of(entry: &std::fs::DirEntry) -> Option<Kind> {
    let mut kind = entry.file_type().ok()?;
    if kind.is_symlink() {
        // Fails for a link to nowhere and for one to itself.
        kind = std::fs::metadata(entry.path()).ok()?.file_type();
    }
    match kind {
        _ if kind.is_file() => Some(Kind::File),
        _ if kind.is_dir() => Some(Kind::Folder),
        _ => None,
    }
}

impl Disk for Files {
    fn is_file(&self, path: &Path) -> bool {
        self.kind(path) == Some(Kind::File)
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.kind(path) == Some(Kind::Folder)
    }

    fn read(&self, path: &Path) -> Option<String> {
        // A pipe would never end.
        if !self.is_file(path) {
            return None;
        }
        let mut text = String::new();
        let read = std::fs::File::open(path).ok()?.take(MAX_BYTES + 1).read_to_string(&mut text).ok()?;
        (read as u64 <= MAX_BYTES).then_some(text)
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        self.folder(folder).keys().map(|it| folder.join(it)).collect()
    }

    fn walk(&self, root: &Path, wanted: fn(&OsStr) -> bool) -> Vec<PathBuf> {
        let is_wanted = |path: &Path| path.file_name().is_some_and(wanted).then(|| path.to_owned());
        walk::files(root, |_| true, is_wanted)
    }

    fn real(&self, path: &Path) -> Option<PathBuf> {
        std::fs::canonicalize(path).ok()
    }

    fn forget(&self, path: &Path) {
        // A folder may have come or gone with all that lies in it, and with the folders above it.
        let concerns = |it: &Path| it.starts_with(path) || path.starts_with(it);
        self.folders.retain(|it, _| !concerns(Path::new(it)));
    }
}
