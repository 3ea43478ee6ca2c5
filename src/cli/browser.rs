//! Opening a page in the user's browser.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// Opens a file as the desktop does. Its program returns once the browser has it.
pub(super) fn open(path: &Path) -> anyhow::Result<()> {
    let arguments: &[&OsStr] = match std::env::consts::OS {
        "macos" => &["open".as_ref(), path.as_os_str()],
        // `start` takes a first argument in quotes for a title; `explorer` takes only the file.
        "windows" => &["explorer".as_ref(), path.as_os_str()],
        _ => &["xdg-open".as_ref(), path.as_os_str()],
    };
    let (program, rest) = (arguments[0], &arguments[1..]);
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let name = program.to_string_lossy();
    let ended = command.status().with_context(|| format!("{name} cannot be run"))?;
    // Explorer says 1 whatever came of it.
    if !ended.success() && std::env::consts::OS != "windows" {
        bail!("{name} could not open it");
    }
    Ok(())
}
