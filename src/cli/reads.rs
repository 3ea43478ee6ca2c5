use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{Format, complain, configuration, print};
use crate::config::Config;
use crate::index::scan::{self, Progress, Root, Scanned};
use crate::report;

pub(super) fn run(paths: Vec<PathBuf>, format: Format) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let scanned = scan(&paths, &directory, &configuration(&directory)?)?;
    for file in &scanned {
        if let Err(why) = &file.facts {
            complain(&format!("{} {why}", report::relative(&file.path, &directory)));
        }
    }
    // Somebody who names a file wants its reads; the walk of a folder may skip some.
    let named = |it: &&Scanned| {
        it.facts.is_err() && paths.iter().any(|path| normal(&directory.join(path)) == it.path)
    };
    let code = if scanned.iter().any(|it| named(&it)) { ExitCode::from(2) } else { ExitCode::SUCCESS };
    let listing = report::listing(&scanned, &directory);
    match format {
        Format::Text => print(&report::reads_text(&listing))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&listing)?))?,
    }
    Ok(code)
}

/// Without `.` and `..`, so that a file named twice is one file. Links are left as they are.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

fn scan(paths: &[PathBuf], directory: &Path, config: &Config) -> anyhow::Result<Vec<Scanned>> {
    let root = |path| Root { path, exclude: config.exclude.clone(), names: config.names.clone() };
    let mut roots = Vec::new();
    for path in paths {
        let full = normal(&directory.join(path));
        match full.symlink_metadata() {
            Ok(_) => roots.push(root(full)),
            Err(error) => bail!("{}: {error}", path.display()),
        }
    }
    if roots.is_empty() {
        roots.push(root(directory.to_owned()));
    }
    Ok(scan::scan(&roots, &Progress::default()))
}
