//! Paths as text: nothing here asks the disk.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Joins a path written with slashes. `.` and `..` are taken out, so that a file has one path only. `None` when it
/// leads above the root of the disk or holds what no path can hold.
pub(super) fn join(folder: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for segment in relative.split('/') {
        match segment {
            "" | "." => {}
            ".." if path.pop() => {}
            ".." => return None,
            _ if is_name(segment) => path.push(segment),
            _ => return None,
        }
    }
    Some(path)
}

/// Takes `.` and `..` out of an absolute path.
pub(super) fn normal(path: &str) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            Component::ParentDir => return None,
            _ => normal.push(component),
        }
    }
    Some(normal).filter(|it| it.is_absolute() && !path.contains('\0'))
}

/// Like [`join`], but `None` for a path that leads out of the folder.
pub(super) fn join_within(folder: &Path, relative: &str) -> Option<PathBuf> {
    join(folder, relative).filter(|it| it.starts_with(folder))
}

/// Whether a text is the name of one file or folder.
pub(super) fn is_name(text: &str) -> bool {
    let mut components = Path::new(text).components();
    let one = matches!(components.next(), Some(Component::Normal(name)) if name == OsStr::new(text));
    one && components.next().is_none() && !text.contains('\0')
}

/// Whether a path leads through a folder of installed packages.
pub(super) fn is_installed(path: &Path) -> bool {
    path.components().any(|it| it.as_os_str() == "node_modules" || it.as_os_str() == "site-packages")
}

/// Whether a file only declares what another one does: `.d.ts` and the like, `.pyi`.
pub(super) fn is_declaration(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    [".d.ts", ".d.mts", ".d.cts", ".pyi"].iter().any(|it| name.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_path() {
        let at = |relative| join(Path::new("/repo/src"), relative).map(|it| it.display().to_string());
        assert_eq!(at("./a/../b//c").as_deref(), Some("/repo/src/b/c"));
        assert_eq!(at("../..").as_deref(), Some("/"));
        assert_eq!(at("../../../etc/passwd"), None);
        assert_eq!(at("a\0b"), None);
        assert_eq!(normal("/repo/./a/../b"), Some(PathBuf::from("/repo/b")));
        assert_eq!((normal("repo"), normal("/.."), normal("/a\0")), (None, None, None));
        assert_eq!(join_within(Path::new("/repo/src"), "../lib"), None);
    }
}
