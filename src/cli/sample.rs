//! The sample app, and folders for copies of it.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The sample app, as it stands in `fixtures/`.
pub(super) const APP: [(&str, &str); 4] = [
    ("src/Checkout.tsx", include_str!("../../fixtures/sample-app/src/Checkout.tsx")),
    ("src/Banner.tsx", include_str!("../../fixtures/sample-app/src/Banner.tsx")),
    ("src/theme.ts", include_str!("../../fixtures/sample-app/src/theme.ts")),
    ("server/gifts.py", include_str!("../../fixtures/sample-app/server/gifts.py")),
];

/// The text of one of its files.
pub(super) fn text(path: &str) -> anyhow::Result<&'static str> {
    APP.iter().find(|it| it.0 == path).map(|it| it.1).with_context(|| format!("the sample app has no {path}"))
}

/// Line and column of a key, from 0; the sample app is ASCII, so that bytes are columns.
pub(super) fn position(path: &str, key: &str) -> anyhow::Result<(usize, usize)> {
    let text = text(path)?;
    let at = text.find(key).with_context(|| format!("{key} is not in the sample app"))?;
    let line_start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    Ok((text[..at].matches('\n').count(), at - line_start))
}

/// Writes the app into an empty folder, and returns the folder's full name.
pub(super) fn write_to(folder: &Path) -> anyhow::Result<PathBuf> {
    for (file, text) in APP {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        std::fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(folder.canonicalize()?)
}

/// A new folder for temporary files. Nobody can have laid a link in its place: an existing name is not taken.
pub(super) fn fresh_folder() -> anyhow::Result<PathBuf> {
    let base = std::env::temp_dir();
    let mut name = format!("flagline-demo-{}", std::process::id());
    for attempt in 2..100 {
        let path = base.join(&name);
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                name = format!("flagline-demo-{}-{attempt}", std::process::id());
            }
            created => {
                created.with_context(|| format!("{} cannot be made", path.display()))?;
                return Ok(path.canonicalize()?);
            }
        }
    }
    bail!("{} has too many folders of earlier demos; remove some", base.display())
}

/// The folder that somebody named: made when it is missing, refused when something is in it.
pub(super) fn empty_folder(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
    let mut entries =
        std::fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if entries.next().is_some() {
        bail!("{} is not empty, and nothing is overwritten; name a new folder", path.display());
    }
    Ok(path.canonicalize()?)
}
