//! The briefs of a repository on disk.

use std::fs;
use std::path::{Path, PathBuf};

use crate::feature::{BRIEFS, Brief};
use crate::flags::FlagKey;

/// A brief, and the file that it stands in.
#[derive(Debug)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub brief: Brief,
}

/// The brief of a flag below one of some folders. An error names the file that might be it and cannot be understood: it says the key
/// between quotes.
pub fn brief_of<'a>(folders: impl Iterator<Item = &'a Path>, key: &FlagKey) -> Result<Option<Found>, String> {
    let is_toml = |it: &PathBuf| it.extension().is_some_and(|it| it == "toml");
    let entries = folders.filter_map(|it| fs::read_dir(it.join(BRIEFS)).ok()).flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|it| it.path()).filter(is_toml).collect();
    paths.sort();
    let mut unclear = None;
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        match Brief::parse(&text) {
            Ok(brief) if brief.is_of(key) => return Ok(Some(Found { path, brief })),
            Ok(_) => {}
            Err(why) if text.contains(&format!("\"{key}\"")) => {
                unclear = unclear.or_else(|| Some(format!("{}: {why}", path.display())));
            }
            Err(_) => {}
        }
    }
    unclear.map_or(Ok(None), Err)
}
