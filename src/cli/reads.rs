use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{Format, complain, print};
use crate::index::scan::{self, Progress, Scanned};
use crate::report;

pub(super) fn run(paths: Vec<PathBuf>, format: Format) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let scanned = scan(&paths, &directory)?;
    for file in &scanned {
        if let Err(why) = &file.facts {
            complain(&format!("{} {why}", file.path.display()));
        }
    }
    let listing = report::listing(&scanned, &directory);
    match format {
        Format::Text => print(&report::reads_text(&listing))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&listing)?))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn scan(paths: &[PathBuf], directory: &Path) -> anyhow::Result<Vec<Scanned>> {
    let mut roots = Vec::new();
    for path in paths {
        let root = directory.join(path);
        match root.symlink_metadata() {
            Ok(_) => roots.push(root),
            Err(error) => bail!("{}: {error}", path.display()),
        }
    }
    if roots.is_empty() {
        roots.push(directory.to_owned());
    }
    Ok(scan::scan(&roots, &Progress::default()))
}
