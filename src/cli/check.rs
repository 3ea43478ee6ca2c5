//! `flagline check`: all findings of a workspace, for people, programs and CI.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};

use anyhow::{Context as _, bail};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::baseline::BaselineFile;
use super::{complain, configuration, paths, print, print_coloured, print_json, progress, stored_keys};
use crate::analysis::{self, BriefSnapshot, Finding, Severity, Snapshot, ago};
use crate::config::{Config, Rule};
use crate::feature::brief::BriefFile;
use crate::flags::{Catalog, Environment, FlagKey, Listed, Mirror};
use crate::index::Index;
use crate::index::scan::{self, Progress, Scanned};
use crate::posthog::refresh::{self, Loaded, Wanted};
use crate::posthog::{self, Client, disk};
use crate::report::{self, FindingRow};
use crate::syntax::FileFacts;
use crate::workspace;

/// See [`super::Command::Check`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Files and folders to report on; the working directory when there are none.
    paths: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The findings in this file are known: only others are shown, and only they make the exit code 1.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the baseline with the findings of now. Those of files that are not checked stay in it.
    #[arg(long, requires = "baseline")]
    update_baseline: bool,
    /// Which findings make the exit code 1: a level means that level and above.
    #[arg(long, value_name = "LEVEL|CODE", value_enum, value_delimiter = ',', default_value = "warning")]
    fail_on: Vec<FailOn>,
    /// Ask nobody: use the copy of PostHog's flags on disk, as an earlier run or an editor left it.
    #[arg(long)]
    offline: bool,
}

/// How findings are printed: more ways than other commands have, since CI systems read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab Code Quality.
    Gitlab,
    /// JUnit XML, for whatever shows the results of tests.
    Junit,
}

/// What makes a run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailOn {
    Level(Severity),
    Rule(Rule),
    Never,
}

impl FailOn {
    const LEVELS: [Severity; 4] = [Severity::Error, Severity::Warning, Severity::Information, Severity::Hint];

    fn fails(self, finding: &FindingRow) -> bool {
        match self {
            FailOn::Never => false,
            FailOn::Level(level) => finding.severity <= level,
            FailOn::Rule(rule) => finding.code == rule.name(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            FailOn::Never => "never",
            FailOn::Level(level) => level.name(),
            FailOn::Rule(rule) => rule.name(),
        }
    }
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [FailOn] {
        static ALL: LazyLock<Vec<FailOn>> = LazyLock::new(|| {
            let levels = FailOn::LEVELS.into_iter().map(FailOn::Level);
            levels.chain([FailOn::Never]).chain(Rule::ALL.into_iter().map(FailOn::Rule)).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let named = paths::named(&arguments.paths, &directory)?;
    let home = paths::home(&named, &directory);
    let update = arguments.update_baseline;
    let baseline = arguments.baseline.as_ref().map(|it| BaselineFile::open(it, &directory, update));
    let mut baseline = baseline.transpose()?;
    let config = Arc::new(configuration(&home, stored_keys())?);
    if config.environments.iter().any(|it| it.problem.is_some()) {
        bail!("nothing was checked, since these settings are wrong");
    }

    let walk = Arc::new(Progress::default());
    let progress = progress::line({
        let walk = walk.clone();
        move || activity(&walk)
    });
    let read = read(named, &home, &config, &walk);
    let mut loaded = load(&config, arguments.offline, &read.keys(), &read.brief_keys()).await;
    if !arguments.offline && read.names_cohorts() {
        load_cohorts(&config, &mut loaded).await;
    }
    drop(progress);

    read.tell_skipped(&directory);
    let now = Timestamp::now();
    let environment = match environment(&loaded, &config, arguments.offline, now) {
        Ok(environment) => environment,
        Err(why) => {
            read.tell_secrets(&directory);
            read.tell_problems(&directory);
            return Err(why);
        }
    };
    let found = findings(&read, &loaded.mirror, &config, now);
    let base = base(arguments.format, &directory);
    let mut report = report::report(found, read.n_files, environment, base);
    if let Some(baseline) = &mut baseline {
        if update {
            baseline.update(&report, |it| read.was_checked(it))?;
        }
        baseline.apply(&mut report, |it| read.was_checked(it));
    }
    match arguments.format {
        Format::Text => print_coloured(&report.text(|it| std::fs::read_to_string(it).ok(), now))?,
        Format::Json => print_json(&report.json())?,
        Format::Sarif => print_json(&report.sarif(base))?,
        Format::Github => print(&report.github(now))?,
        Format::Gitlab => print_json(&report.gitlab())?,
        Format::Junit => print(&report.junit())?,
    }
    let fails = report.findings.iter().any(|finding| arguments.fail_on.iter().any(|it| it.fails(finding)));
    Ok(ExitCode::from(if read.is_blind() { 2 } else { u8::from(fails) }))
}

/// What paths are relative to: CI systems know a file by its way from the top of the repository, wherever the
/// command runs.
fn base(format: Format, directory: &Path) -> &Path {
    match format {
        Format::Text | Format::Json => directory,
        _ => workspace::repository(directory).unwrap_or(directory),
    }
}

/// What a person waits for.
pub(super) fn activity(walk: &Progress) -> String {
    let (done, total) = (walk.done.load(Ordering::Relaxed), walk.total.load(Ordering::Relaxed));
    match total {
        0 => "looking for files".to_owned(),
        _ if done < total => format!("reading {done}/{total} files"),
        _ => "asking PostHog ...".to_owned(),
    }
}

/// What is read: inside of a repository the whole folder that settings are taken from, since a file may tell what
/// another one means; elsewhere only what was named, since that folder may be anything.
pub(super) fn roots(named: &[PathBuf], home: &Path) -> Vec<PathBuf> {
    let whole = workspace::repository(home).map(|_| home.to_owned());
    whole.into_iter().chain(named.iter().cloned()).collect()
}

/// What the files say.
pub(super) struct Files {
    /// Full names of what is reported on.
    named: Vec<PathBuf>,
    /// Facts of all files that were read.
    index: Arc<Index>,
    /// The briefs that lie round what was read.
    briefs: Arc<[Arc<BriefFile>]>,
    /// Files that were read, also those that have no facts.
    read: HashSet<PathBuf>,
    /// Files that could not be read.
    skipped: Vec<Scanned>,
    /// How many files are reported on.
    n_files: usize,
}

pub(super) fn read(named: Vec<PathBuf>, home: &Path, config: &Config, walk: &Progress) -> Files {
    let mut files = Files {
        named,
        index: Arc::default(),
        briefs: Arc::default(),
        read: HashSet::new(),
        skipped: Vec::new(),
        n_files: 0,
    };
    let mut index = Index::default();
    let roots = paths::roots(roots(&files.named, home), config);
    for file in scan::scan(&roots, walk) {
        files.n_files += usize::from(files.is_asked(&file.path));
        match file.facts {
            Ok(facts) => {
                index.set(&file.path, facts);
                files.read.insert(file.path);
            }
            Err(_) => files.skipped.push(file),
        }
    }
    files.index = index.into();
    files.briefs = workspace::briefs_of_code(home, files.read.iter().map(|it| &**it)).into();
    let asked: Vec<PathBuf> =
        files.briefs.iter().map(|it| it.path.to_path_buf()).filter(|it| files.is_asked(it)).collect();
    files.n_files += asked.len();
    files.read.extend(asked);
    files
}

impl Files {
    fn is_asked(&self, path: &Path) -> bool {
        self.named.iter().any(|it| path.starts_with(it))
    }

    fn facts(&self) -> impl Iterator<Item = (&Arc<Path>, &Arc<FileFacts>)> {
        self.index.files().filter(|it| self.is_asked(it.0))
    }

    pub(super) fn keys(&self) -> BTreeSet<FlagKey> {
        self.facts().flat_map(|it| &it.1.reads).filter_map(|it| it.key.clone()).collect()
    }

    /// The flags that have a brief.
    pub(super) fn brief_keys(&self) -> BTreeSet<FlagKey> {
        self.briefs.iter().filter_map(|it| it.key().cloned()).collect()
    }

    /// What all files say.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// The same, to keep.
    pub(super) fn shared_index(&self) -> Arc<Index> {
        self.index.clone()
    }

    pub(super) fn tell_skipped(&self, directory: &Path) {
        for file in self.skipped.iter().filter(|it| self.is_asked(&it.path)) {
            if let Err(why) = &file.facts {
                complain(&format!("{} {why}", report::relative(&file.path, directory)));
            }
        }
    }

    /// What needs no flags to be told.
    fn tell_secrets(&self, directory: &Path) {
        for (path, facts) in self.facts() {
            for span in &facts.remarks.secrets {
                let (line, column) = (span.start.line + 1, span.start.scalar + 1);
                let path = report::relative(path, directory);
                complain(&format!("{path}:{line}:{column}: a secret key of PostHog stands in the code"));
            }
        }
    }

    /// What is wrong in briefs, whatever PostHog has.
    fn tell_problems(&self, directory: &Path) {
        for file in self.briefs.iter().filter(|it| self.is_asked(&it.path)) {
            for problem in file.brief.as_ref().err().into_iter().flatten() {
                let start = file.text.span(problem.span.clone()).start;
                let path = report::relative(&file.path, directory);
                let (line, column) = (start.line + 1, start.scalar + 1);
                complain(&analysis::plain(&format!("{path}:{line}:{column}: {}", problem.message)));
            }
        }
    }

    /// Whether this run can tell what a file has: it was read, or it is not there any more. A file that is ignored
    /// or cannot be read may still have what it had.
    fn was_checked(&self, path: &Path) -> bool {
        self.is_asked(path) && (self.read.contains(path) || !path.exists())
    }

    /// Whether a brief that is reported on names a cohort.
    fn names_cohorts(&self) -> bool {
        let mut asked = self.briefs.iter().filter(|it| self.is_asked(&it.path));
        asked.any(|it| analysis::names_cohort(it.text.as_str()))
    }

    /// Whether a file that somebody named could not be read; the walk of a folder may skip some.
    fn is_blind(&self) -> bool {
        self.skipped.iter().any(|it| self.named.contains(&it.path))
    }
}

pub(super) async fn load(
    config: &Config,
    offline: bool,
    keys: &BTreeSet<FlagKey>,
    briefs: &BTreeSet<FlagKey>,
) -> Loaded {
    if offline {
        refresh::stored(config, disk::folder())
    } else {
        refresh::once(config, disk::folder(), keys, briefs, Wanted::Findings).await
    }
}

/// Asks for the cohorts that briefs name, which nothing else of a check needs. Where they cannot be told, nothing is said
/// of them.
async fn load_cohorts(config: &Config, loaded: &mut Loaded) {
    let Some((configured, environment)) =
        config.environments.first().zip(Arc::make_mut(&mut loaded.mirror).environments.first_mut())
    else {
        return;
    };
    let Some(project) = environment.project.clone().filter(|_| environment.trouble.is_none()) else { return };
    let asked = async { Client::new(configured)?.cohorts_to_name(&project).await };
    let cohorts = asked.await.unwrap_or_else(|error: posthog::Error| Listed::absent(error.to_string()));
    if let Some(trouble) = &cohorts.trouble {
        complain(&format!(
            "cohorts: {trouble}; without them, briefs that name one that is not there are not told"
        ));
    }
    let catalog = Catalog { cohorts, ..Catalog::default() };
    Arc::make_mut(environment).catalog = Some(catalog.into());
}

/// The environment that findings are about, if its flags are there: else nothing can be said of any key.
pub(super) fn environment<'a>(
    loaded: &'a Loaded,
    config: &Config,
    offline: bool,
    now: Timestamp,
) -> anyhow::Result<&'a Environment> {
    let environment = loaded.mirror.primary().context("no environment is configured")?;
    let Some(flags) = &environment.flags else {
        let configured = config.environments.first().and_then(|it| it.project);
        bail!("nothing was checked: {}", why_not_loaded(environment, configured, offline));
    };
    if let Some(trouble) = &environment.trouble {
        if loaded.refused {
            bail!(
                "nothing was checked: {trouble}; --offline checks with the flags as of {}",
                ago(flags.fetched_at, now)
            );
        }
        complain(&format!("{trouble}; checked with the flags as of {}", ago(flags.fetched_at, now)));
    }
    if let Some(trouble) = &environment.exposure_trouble {
        complain(&format!("who is exposed: {trouble}; without it, flags that nobody asks for are not told"));
    }
    if let Some(trouble) = &environment.evidence_trouble {
        complain(&format!(
            "who met features on their way: {trouble}; without it, gates that wait for a person are not told"
        ));
    }
    if let Some(trouble) = &environment.experiments_trouble {
        complain(&format!(
            "experiments: {trouble}; without them, flags of experiments that are over are not told"
        ));
    }
    if let Some(trouble) = &environment.history_trouble {
        complain(&format!(
            "{trouble}; without the activity log, flags are stale \"for at least\" some time, and those that were \
             switched off are not told"
        ));
    }
    Ok(environment)
}

fn why_not_loaded(environment: &Environment, project: Option<u64>, offline: bool) -> String {
    let copy = |project| disk::path(&disk::folder().unwrap_or_default(), &environment.host, project);
    match (offline, project, &environment.trouble) {
        (true, Some(project), _) if disk::is_of_newer(&copy(project)) => format!(
            "the copy of project {project} of {} on this machine is of a newer Flagline; update this one, or run it \
             without --offline",
            environment.host
        ),
        (true, Some(project), _) => format!(
            "there is no copy of project {project} of {} on this machine yet; run it once without --offline",
            environment.host
        ),
        (true, None, _) => {
            format!(
                "to find the copy of the flags of {} on this machine, name the project in flagline.toml, or set \
                 FLAGLINE_PROJECT to its number",
                environment.host
            )
        }
        (false, _, Some(trouble)) => trouble.to_string(),
        (false, _, None) => format!("the flags of {} could not be loaded", environment.host),
    }
}

pub(super) fn findings(
    files: &Files,
    mirror: &Arc<Mirror>,
    config: &Arc<Config>,
    now: Timestamp,
) -> Vec<(Arc<Path>, Vec<Finding>)> {
    let snapshot = |path: &Arc<Path>, facts: &Arc<FileFacts>| Snapshot {
        path: path.clone(),
        source: None,
        facts: facts.clone(),
        index: files.index.clone(),
        mirror: mirror.clone(),
        briefs: files.briefs.clone(),
        config: config.clone(),
        now,
    };
    let of_code =
        files.facts().map(|(path, facts)| (path.clone(), analysis::findings(&snapshot(path, facts))));
    let of_brief = |file: &Arc<BriefFile>| BriefSnapshot {
        file: file.clone(),
        others: files.briefs.iter().filter(|it| it.path != file.path).cloned().collect(),
        index: files.index.clone(),
        mirror: mirror.clone(),
        config: config.clone(),
        now,
    };
    let briefs = files.briefs.iter().filter(|it| files.is_asked(&it.path));
    let of_briefs = briefs.map(|it| {
        let found = analysis::checked_brief(&of_brief(it));
        (it.path.clone(), found)
    });
    of_code.chain(of_briefs).collect()
}
