//! Files that are replaced whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// Replaces a file by way of another one beside it, which `create` makes.
pub(crate) fn replace(path: &Path, bytes: &[u8], create: fn(&Path) -> io::Result<File>) -> io::Result<()> {
    write(path, create, |to| to.write_all(bytes))
}

/// The same for what is written bit by bit.
fn write(
    path: &Path,
    create: fn(&Path) -> io::Result<File>,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    // The process id keeps two writers apart; the last one wins whole.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = BufWriter::new(create(&temporary)?);
    let written = content(&mut file).and_then(|()| file.flush()).and_then(|()| file.get_ref().sync_all());
    drop(file);
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        drop(fs::remove_file(&temporary));
    }
    renamed
}

/// The same for a file that is nobody else's business: its owner alone may read it. Makes its folder.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_private(path, |to| to.write_all(bytes))
}

/// The same for what is written bit by bit.
pub(super) fn write_private(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    write(path, private, content)
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::create(path)
}
