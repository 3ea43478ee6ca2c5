//! Pages that a browser shows: where they lie, and that they are whole.

use std::hash::{Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use crate::posthog::{disk, replace_private};

/// Writes the page that shows a folder's features into the user's cache folder, where its owner alone can read it, and
/// returns where it lies. The next one for the same folder takes its place, so that a browser can load it anew.
pub fn write_page(folder: &Path, html: &str) -> io::Result<PathBuf> {
    let cache = disk::folder().ok_or_else(|| io::Error::other("this system has no cache folder"))?;
    let mut hasher = std::hash::DefaultHasher::new();
    folder.hash(&mut hasher);
    let path = disk::pages(&cache).join(format!("status-{:016x}.html", hasher.finish()));
    replace_private(&path, html.as_bytes())?;
    Ok(path)
}
