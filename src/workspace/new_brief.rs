//! A new brief on disk.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Workspace, briefs::brief_of, repository};
use crate::config;
use crate::feature::BRIEFS;
use crate::feature::brief::{Draft, file_name};

/// Why a brief was not written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The flag has one.
    #[error("'{key}' has a brief already: {}", path.display())]
    Exists {
        /// The flag's key.
        key: String,
        /// Where it is.
        path: PathBuf,
    },
    /// The disk said no.
    #[error("{} cannot be written: {error}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// Writes a brief below a folder; one that is there is never written over.
pub fn write_brief(folder: &Path, draft: &Draft) -> Result<PathBuf, NotWritten> {
    let key = &draft.key;
    let path = folder.join(BRIEFS).join(file_name(key));
    if let Ok(Some(found)) = brief_of(std::iter::once(folder), key) {
        return Err(NotWritten::Exists { key: key.to_string(), path: found.path });
    }
    let disk = |error| NotWritten::Disk { path: path.clone(), error };
    fs::create_dir_all(folder.join(BRIEFS)).map_err(disk)?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(NotWritten::Exists { key: key.to_string(), path });
        }
        file => file.map_err(disk)?,
    };
    let written = file.write_all(draft.text().as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a brief would be in the way of the next one.
        drop(fs::remove_file(&path));
        return Err(disk(error));
    }
    Ok(path)
}

/// The folder beside whose `.flagline` the settings of a path lie: that of `flagline.toml`, else the repository, else
/// the folder itself.
pub fn home_of(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let repository = repository(folder);
    let within = |it: &&Path| repository.is_none_or(|repository| it.starts_with(repository));
    let settled = folder.ancestors().take_while(within).find(|it| it.join(config::file::FILE_NAME).is_file());
    settled.or(repository).unwrap_or(folder).to_owned()
}

impl Workspace {
    /// The folder beside whose `.flagline` the feature of a document is described; the first folder's without one.
    pub fn brief_home(&self, path: Option<&Path>) -> Option<PathBuf> {
        let roots = self.roots();
        let root = path.and_then(|path| roots.iter().find(|it| path.starts_with(it))).or(roots.first());
        match (path.filter(|it| it.is_absolute()), root) {
            (Some(path), Some(root)) if path.starts_with(root) => {
                let home = home_of(path);
                // A folder that was opened alone keeps its features to itself.
                Some(if root.starts_with(&home) || home.starts_with(root) { home } else { root.clone() })
            }
            (_, Some(root)) => Some(home_of(root)),
            (Some(path), None) => Some(home_of(path)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::brief::Release;

    fn draft(key: &str) -> Draft {
        Draft {
            key: key.into(),
            name: "Videos".into(),
            owner: None,
            hypothesis: None,
            release: Release::AutoRollout,
            metric: None,
        }
    }

    #[test]
    fn a_brief_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_brief(folder.path(), &draft("videos")).unwrap();
        assert_eq!(path, folder.path().join(".flagline/videos.toml"));
        let told = write_brief(folder.path(), &draft("videos")).unwrap_err().to_string();
        assert!(told.contains("'videos' has a brief already"), "{told}");
        // The key inside decides.
        fs::write(folder.path().join(".flagline/other.toml"), "key = \"banner\"\n").unwrap();
        let told = write_brief(folder.path(), &draft("banner")).unwrap_err().to_string();
        assert!(told.ends_with("other.toml"), "{told}");
        // Another's file is in the way.
        fs::write(folder.path().join(".flagline/chat.toml"), "key = \"talk\"\n").unwrap();
        assert!(write_brief(folder.path(), &draft("chat")).is_err());
    }

    #[test]
    fn briefs_lie_beside_the_settings_or_at_the_top_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        fs::create_dir_all(top.join(".git")).unwrap();
        fs::create_dir_all(top.join("web/src")).unwrap();
        fs::create_dir_all(top.join("server")).unwrap();
        fs::write(top.join("web/flagline.toml"), "").unwrap();
        assert_eq!(home_of(&top.join("web/src/app.ts")), top.join("web"));
        assert_eq!(home_of(&top.join("server/app.py")), top);
        assert_eq!(home_of(top), top);
    }
}
