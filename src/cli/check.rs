//! `flagline check`: all findings of a workspace, for people, programs and CI.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Format, complain, configuration, paths, print, print_coloured, progress};
use crate::analysis::{self, Finding, Severity, Snapshot, ago};
use crate::config::Config;
use crate::flags::{Environment, FlagKey, Mirror};
use crate::index::Index;
use crate::index::scan::{self, Progress, Scanned};
use crate::posthog::disk;
use crate::posthog::refresh::{self, Wanted};
use crate::report::{self, FindingRow};
use crate::syntax::FileFacts;

/// See [`super::Command::Check`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files and folders to report on; the working directory when there are none.
    paths: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Which findings make the exit code 1: a level means that level and above.
    #[arg(long, value_name = "LEVEL|CODE", value_enum, value_delimiter = ',', default_value = "warning")]
    fail_on: Vec<FailOn>,
    /// Ask nobody: use the copy of PostHog's flags on disk, as an earlier run or an editor left it.
    #[arg(long)]
    offline: bool,
}

/// What makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Information,
    Never,
    UnknownFlag,
    StaleFlag,
    DisabledFlag,
}

impl FailOn {
    fn fails(self, finding: &FindingRow) -> bool {
        match self {
            // Nothing is as loud as an error.
            FailOn::Error | FailOn::Never => false,
            FailOn::Warning => finding.severity <= Severity::Warning,
            FailOn::Information => finding.severity <= Severity::Information,
            FailOn::UnknownFlag => finding.code == "unknown-flag",
            FailOn::StaleFlag => finding.code == "stale-flag",
            FailOn::DisabledFlag => finding.code == "disabled-flag",
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let named = paths::named(&arguments.paths, &directory)?;
    let config = Arc::new(configuration());
    if config.environments.iter().any(|it| it.problem.is_some()) {
        bail!("nothing was checked, since these settings are wrong");
    }
    let is_asked = |it: &Path| named.iter().any(|named| it.starts_with(named));

    let walk = Arc::new(Progress::default());
    let progress = progress::line({
        let walk = walk.clone();
        move || activity(&walk)
    });
    let scanned = scan::scan(&roots(&named, &directory), &walk);
    let n_files = scanned.iter().filter(|it| is_asked(&it.path)).count();
    let (index, skipped) = sort(scanned);
    let mirror = Arc::new(load(&config, arguments.offline, &keys(&index, is_asked)).await);
    drop(progress);

    let skipped: Vec<Scanned> = skipped.into_iter().filter(|it| is_asked(&it.path)).collect();
    tell_skipped(&skipped, &directory);
    let now = Timestamp::now();
    let environment = loaded(&mirror, &config, arguments.offline, now)?;
    let found = findings(&Arc::new(index), &mirror, &config, is_asked, now);
    let report = report::report(found, n_files, environment, &directory);
    match arguments.format {
        Format::Text => print_coloured(&report.text(|it| std::fs::read_to_string(it).ok(), now))?,
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report.json())?))?,
    }
    // Somebody who names a file wants to know about it; the walk of a folder may skip some.
    let is_blind = skipped.iter().any(|it| named.contains(&it.path));
    let fails = report.findings.iter().any(|finding| arguments.fail_on.iter().any(|it| it.fails(finding)));
    Ok(ExitCode::from(if is_blind { 2 } else { u8::from(fails) }))
}

/// What a person waits for.
fn activity(walk: &Progress) -> String {
    let (done, total) = (walk.done.load(Ordering::Relaxed), walk.total.load(Ordering::Relaxed));
    match total {
        0 => "looking for files".to_owned(),
        _ if done < total => format!("reading {done}/{total} files"),
        _ => "asking PostHog ...".to_owned(),
    }
}

/// What is read: inside of a repository the whole working directory, since a file may tell what another one means;
/// elsewhere only what was named, since the working directory may be anything.
fn roots(named: &[PathBuf], directory: &Path) -> Vec<PathBuf> {
    let in_repository = directory.ancestors().any(|it| it.join(".git").exists());
    let whole = in_repository.then(|| directory.to_owned());
    whole.into_iter().chain(named.iter().cloned()).collect()
}

/// Facts by file, and the files that could not be read.
fn sort(scanned: Vec<Scanned>) -> (Index, Vec<Scanned>) {
    let (mut index, mut skipped) = (Index::default(), Vec::new());
    for file in scanned {
        match file.facts {
            Ok(facts) => drop(index.set(&file.path, facts.into())),
            Err(_) => skipped.push(file),
        }
    }
    (index, skipped)
}

fn tell_skipped(skipped: &[Scanned], directory: &Path) {
    for file in skipped {
        if let Err(why) = &file.facts {
            complain(&format!("{} {why}", report::relative(&file.path, directory)));
        }
    }
}

fn keys(index: &Index, is_asked: impl Fn(&Path) -> bool) -> BTreeSet<FlagKey> {
    let files = index.files().filter(|it| is_asked(it.0));
    files.flat_map(|it| &it.1.reads).filter_map(|it| it.key.clone()).collect()
}

async fn load(config: &Config, offline: bool, keys: &BTreeSet<FlagKey>) -> Mirror {
    if offline {
        refresh::stored(config, disk::folder())
    } else {
        refresh::once(config, disk::folder(), keys, Wanted::Flags).await
    }
}

/// The environment that findings are about, if its flags are there: else nothing can be said of any key.
fn loaded<'a>(
    mirror: &'a Mirror,
    config: &Config,
    offline: bool,
    now: Timestamp,
) -> anyhow::Result<&'a Environment> {
    let environment = mirror.primary().context("no environment is configured")?;
    let Some(flags) = &environment.flags else {
        let configured = config.environments.first().and_then(|it| it.project);
        bail!("nothing was checked: {}", why_not_loaded(environment, configured, offline));
    };
    if let Some(trouble) = &environment.trouble {
        complain(&format!("{trouble}; checked with the flags as of {}", ago(flags.fetched_at, now)));
    }
    Ok(environment)
}

fn why_not_loaded(environment: &Environment, project: Option<u64>, offline: bool) -> String {
    match (offline, project, &environment.trouble) {
        (true, Some(project), _) => format!(
            "there is no copy of project {project} of {} on this machine yet; run it once without --offline",
            environment.host
        ),
        (true, None, _) => {
            "to find the copy of PostHog's flags on this machine, set FLAGLINE_PROJECT to the \
                            project's number"
                .into()
        }
        (false, _, Some(trouble)) => trouble.to_string(),
        (false, _, None) => format!("the flags of {} could not be loaded", environment.host),
    }
}

fn findings(
    index: &Arc<Index>,
    mirror: &Arc<Mirror>,
    config: &Arc<Config>,
    is_asked: impl Fn(&Path) -> bool,
    now: Timestamp,
) -> Vec<(Arc<Path>, Vec<Finding>)> {
    let files = index.files().filter(|it| is_asked(it.0));
    let snapshot = |(path, facts): (&Arc<Path>, &Arc<FileFacts>)| Snapshot {
        path: path.clone(),
        source: None,
        facts: facts.clone(),
        index: index.clone(),
        mirror: mirror.clone(),
        config: config.clone(),
        now,
    };
    files.map(|it| (it.0.clone(), analysis::findings(&snapshot(it)))).collect()
}
