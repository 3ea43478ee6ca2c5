use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{Format, complain, configuration, paths, print, print_json};
use crate::config::Keys;
use crate::index::scan::{self, Progress, Scanned};
use crate::report;

pub(super) fn run(paths: Vec<PathBuf>, format: Format) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let roots = paths::named(&paths, &directory)?;
    let roots = paths::roots(roots, &configuration(&directory, Keys::new())?);
    let scanned = scan::scan(&roots, &Progress::default());
    for file in &scanned {
        if let Err(why) = &file.facts {
            complain(&format!("{} {why}", report::relative(&file.path, &directory)));
        }
    }
    // Somebody who names a file wants its reads; the walk of a folder may skip some.
    let named = |it: &Scanned| it.facts.is_err() && roots.iter().any(|root| root.path == it.path);
    let code = if scanned.iter().any(named) { ExitCode::from(2) } else { ExitCode::SUCCESS };
    let listing = report::listing(&scanned, &directory);
    match format {
        Format::Text => print(&report::reads_text(&listing))?,
        Format::Json => print_json(&listing)?,
    }
    Ok(code)
}
