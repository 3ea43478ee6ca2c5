//! Writing a removal to disk: all files or none.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::posthog::replace;
use crate::removal::{FileChange, apply};

/// The folder of the repository round a path.
pub fn repository(path: &Path) -> Option<&Path> {
    path.ancestors().find(|it| it.join(".git").exists())
}

/// Writes changes to files whose text is still the one that they were made for; `text` gives it. Where one cannot be
/// written, those before it are put back.
pub fn write_files<'a>(
    changes: impl Iterator<Item = (&'a Path, &'a FileChange)>,
    text: impl Fn(&Path) -> Option<Arc<str>>,
) -> anyhow::Result<()> {
    let mut planned = Vec::new();
    for (path, change) in changes {
        let before = text(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let now = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        if now != *before {
            bail!("{} was changed meanwhile; nothing was written", path.display());
        }
        let after = match change {
            FileChange::Edited(edits) => Some(apply(&before, edits)),
            FileChange::Deleted => None,
        };
        planned.push((path, before, after));
    }
    for (at, (path, _, after)) in planned.iter().enumerate() {
        let written = match after {
            Some(after) => write(path, after),
            None => fs::remove_file(path).map_err(Into::into),
        };
        if let Err(error) = written {
            for (path, before, _) in &planned[..at] {
                // The first error is the one to tell.
                drop(write(path, before));
            }
            return Err(error)
                .with_context(|| format!("{} cannot be written; nothing was changed", path.display()));
        }
    }
    Ok(())
}

/// Replaces a file, which keeps its permissions; a link stays one.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let permissions = fs::metadata(&path).map(|it| it.permissions()).ok();
    replace(&path, text.as_bytes(), |it| fs::File::create(it))?;
    if let Some(permissions) = permissions {
        fs::set_permissions(&path, permissions)?;
    }
    Ok(())
}
