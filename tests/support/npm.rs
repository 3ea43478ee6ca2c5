//! What tests need of npm.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what a folder's lock file says, once, below the folder that everything is built in; returns where.
pub fn install(from: &Path, name: &str) -> PathBuf {
    let lock = std::fs::read_to_string(from.join("package-lock.json")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let stamp = target.join("stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|it| it == lock) {
        return target;
    }
    std::fs::create_dir_all(&target).unwrap();
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(from.join(name), target.join(name)).unwrap();
    }
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&target);
    let done = npm.status().unwrap_or_else(|why| {
        panic!("npm does not start: {why}. Install Node 18 or newer: https://nodejs.org")
    });
    assert!(done.success(), "npm could not install what {} lists in {}", from.display(), target.display());
    std::fs::write(stamp, lock).unwrap();
    target
}
