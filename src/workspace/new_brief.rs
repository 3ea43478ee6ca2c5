//! A new brief on disk.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::{Workspace, briefs::briefs_in, repository};
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
    // One that is wrong counts too.
    if let Some(found) = briefs_in(std::iter::once(folder)).iter().find(|it| it.key() == Some(key)) {
        return Err(NotWritten::Exists { key: key.to_string(), path: found.path.to_path_buf() });
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

/// The folder in which the briefs of a folder's code lie: that of `flagline.toml`, else the repository, else `folder`.
pub fn home_of(folder: &Path) -> PathBuf {
    let repository = repository(folder);
    let within = |it: &&Path| repository.is_none_or(|repository| it.starts_with(repository));
    let settled = folder.ancestors().take_while(within).find(|it| it.join(config::file::FILE_NAME).is_file());
    settled.or(repository).unwrap_or(folder).to_owned()
}

impl Workspace {
    /// The folder in which the brief of a feature lies that a document is about; the first folder's without one.
    pub fn brief_home(&self, path: Option<&Path>) -> Option<PathBuf> {
        let roots = self.roots();
        let around = path.and_then(|path| roots.iter().find(|it| path.starts_with(it)));
        let Some(root) = around.or(roots.first()) else {
            return path.filter(|it| it.is_absolute())?.parent().map(home_of);
        };
        // A package of the folder may have settings of its own.
        let settled = around.and(path).into_iter().flat_map(Path::ancestors).skip(1);
        let mut settled = settled.take_while(|it| it.starts_with(root));
        let own = settled.find(|it| it.join(config::file::FILE_NAME).is_file());
        Some(own.map_or_else(|| home_of(root), Path::to_owned))
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
        assert_eq!(home_of(&top.join("web/src")), top.join("web"));
        assert_eq!(home_of(&top.join("server")), top);
        assert_eq!(home_of(top), top);
    }
}
