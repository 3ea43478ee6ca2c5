//! `flagline clean`: removes a flag from the code of a workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::answers::{Answers, is_yes};
use super::{check, complain, configuration, paths, print, print_json, progress, stored_keys};
use crate::analysis::{self, Code, Keep};
use crate::config::Config;
use crate::feature::Value;
use crate::flags::FlagKey;
use crate::index::scan::Progress;
use crate::index::{Codebase, resolver};
use crate::posthog::disk;
use crate::posthog::refresh::{self, Wanted};
use crate::removal::{Removal, Request, World as _, plan};
use crate::report::{self, relative};
use crate::rollout;
use crate::workspace::{self, CodeWorld};

/// See [`super::Command::Clean`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flag's key.
    #[arg(required_unless_present = "stale", conflicts_with = "stale")]
    key: Option<String>,
    /// What the flag is taken to serve for ever: on, off or a variant; what PostHog serves to everyone when not given.
    #[arg(long, value_name = "on|off|VARIANT", requires = "key")]
    keep: Option<String>,
    /// Files and folders to clean. Inside of a repository the whole of it is read, since a file may tell what another
    /// one means; elsewhere these are the whole workspace.
    paths: Vec<PathBuf>,
    /// Every flag that `flagline check` calls stale.
    #[arg(long)]
    stale: bool,
    /// Write the files, after a question.
    #[arg(long)]
    write: bool,
    /// Ask nothing.
    #[arg(long)]
    yes: bool,
    /// Where something is refused, clean the files that can be cleaned all the same.
    #[arg(long)]
    partly: bool,
    /// Remove exported names too that a public package has, once nothing in the workspace uses them.
    #[arg(long)]
    exports: bool,
    /// Write, and make one commit for each flag; the working tree must be clean.
    #[arg(long)]
    commit: bool,
    /// Ask nobody: use the copy of PostHog's flags on disk.
    #[arg(long)]
    offline: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Diff)]
    format: Format,
}

/// How a removal is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A unified diff, then what is left alone.
    Diff,
    /// Edits, refusals and leftovers.
    Json,
}

/// A flag to remove.
struct Target {
    key: FlagKey,
    keep: Keep,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let named = paths::named(&arguments.paths, &directory)?;
    let home = paths::home(&named, &directory);
    let config = Arc::new(configuration(&home, stored_keys())?);
    let repository = workspace::repository(&home).map(Path::to_owned);
    if arguments.commit {
        refuse_dirty(repository.as_deref())?;
    }
    let run = Run { arguments, directory, named, home, config, repository };
    let targets = run.targets().await?;
    if targets.is_empty() {
        complain("no flag is stale");
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = Vec::new();
    let mut refused = false;
    let mut gone = Vec::new();
    for target in targets {
        // Each flag is removed from what the one before it left.
        let world = run.world();
        let removal = plan(&world, &run.request(&target));
        refused |= !removal.refusals.is_empty();
        match run.arguments.format {
            Format::Json => rows.push(report::removal_json(
                target.key.as_str(),
                &target.keep.kept.value.to_string(),
                &removal,
                &run.directory,
                |it| world.text(it).map(|it| it.1),
            )),
            Format::Diff => run.show(&world, &target, &removal)?,
        }
        if run.write(&world, &target, &removal).await? && removal.refusals.is_empty() {
            gone.push(target.key.to_string());
        }
    }
    if !gone.is_empty() {
        let keys = gone.join(" ");
        complain(&analysis::plain(&format!("next: run the tests, deploy, then: flagline archive {keys}")));
    }
    if run.arguments.format == Format::Json {
        match (&rows[..], run.arguments.stale) {
            ([row], false) => print_json(row)?,
            _ => print_json(&rows)?,
        }
    }
    Ok(ExitCode::from(u8::from(refused)))
}

struct Run {
    arguments: Arguments,
    directory: PathBuf,
    named: Vec<PathBuf>,
    home: PathBuf,
    config: Arc<Config>,
    repository: Option<PathBuf>,
}

impl Run {
    /// The flags to remove, and what stays of each.
    async fn targets(&self) -> anyhow::Result<Vec<Target>> {
        let Some(key) = &self.arguments.key else { return self.stale().await };
        let key = FlagKey::from(key.as_str());
        let named = self.arguments.keep.as_deref().map(value);
        // What PostHog knows gives the payload; a value that somebody names needs nobody to be asked.
        let mirror = match (&named, self.arguments.offline) {
            (Some(_), _) | (None, true) => refresh::stored(&self.config, disk::folder()).mirror,
            (None, false) => {
                let keys = BTreeSet::from([key.clone()]);
                refresh::once(&self.config, disk::folder(), &keys, &BTreeSet::new(), Wanted::Flags)
                    .await
                    .mirror
            }
        };
        let keep = analysis::keep(&mirror, &key, named)
            .map_err(|why| anyhow::anyhow!("{why}; say what to keep with --keep on|off|VARIANT"))?;
        Ok(vec![Target { key, keep }])
    }

    async fn stale(&self) -> anyhow::Result<Vec<Target>> {
        let walk = Arc::new(Progress::default());
        let read = check::read(self.named.clone(), &self.home, &self.config, &walk);
        let loaded = check::load(&self.config, self.arguments.offline, &read.keys(), &BTreeSet::new()).await;
        let now = jiff::Timestamp::now();
        check::environment(&loaded, &self.config, self.arguments.offline, now)?;
        let mut found: BTreeMap<FlagKey, Keep> = BTreeMap::new();
        for (_, findings) in check::findings(&read, &loaded.mirror, &self.config, now) {
            for finding in findings {
                let (Code::StaleFlag { value: Some(value) }, Some(key)) = (&finding.code, &finding.key)
                else {
                    continue;
                };
                if let Ok(mut keep) = analysis::keep(&loaded.mirror, key, Some(value.clone())) {
                    keep.why = finding.message.clone();
                    found.entry(key.clone()).or_insert(keep);
                }
            }
        }
        Ok(found.into_iter().map(|(key, keep)| Target { key, keep }).collect())
    }

    fn world(&self) -> CodeWorld {
        let walk = Arc::new(Progress::default());
        let line = progress::line({
            let walk = walk.clone();
            move || check::activity(&walk)
        });
        let roots = paths::roots(check::roots(&self.named, &self.home), &self.config);
        let code = Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &walk);
        drop(line);
        CodeWorld::new(code, [])
    }

    fn request<'a>(&self, target: &'a Target) -> Request<'a> {
        let is_whole = self.repository.is_none() && !self.arguments.paths.is_empty();
        Request {
            key: target.key.as_str(),
            kept: target.keep.kept.clone(),
            whole: self.arguments.exports || is_whole,
            within: if self.arguments.paths.is_empty() { Vec::new() } else { self.named.clone() },
            partly: self.arguments.partly,
        }
    }

    fn show(&self, world: &CodeWorld, target: &Target, removal: &Removal) -> anyhow::Result<()> {
        let text = |it: &Path| world.text(it).map(|it| it.1);
        print(&report::removal_diff(removal, &self.directory, text))?;
        let mut lines = String::new();
        let place = |path: &Path, at: usize| {
            let text = crate::text::Text::new(text(path).map(|it| it.to_string()).unwrap_or_default());
            let at = text.point(at);
            format!("{}:{}:{}", relative(path, &self.directory), at.line + 1, at.scalar + 1)
        };
        for (path, refusal) in &removal.refusals {
            let at = place(path, refusal.range.start);
            lines.push_str(&format!("{at}: not removed: {}\n", analysis::plain(&refusal.reason)));
        }
        for (path, left) in &removal.leftovers {
            let at = place(path, left.range.start);
            lines.push_str(&format!("{at}: look: {}\n", analysis::plain(&left.reason)));
        }
        if removal.files.is_empty() && removal.refusals.is_empty() {
            lines.push_str(&format!("nothing reads '{}'\n", analysis::plain(target.key.as_str())));
        }
        // Not part of the diff, which other programs may apply.
        drop(std::io::stderr().lock().write_all(lines.as_bytes()));
        Ok(())
    }

    /// Returns whether something was written.
    async fn write(&self, world: &CodeWorld, target: &Target, removal: &Removal) -> anyhow::Result<bool> {
        let writes = self.arguments.write || self.arguments.commit;
        if !writes || removal.files.is_empty() {
            return Ok(false);
        }
        let mut answers = Answers { ask: !self.arguments.yes && !self.arguments.commit };
        let question = format!(
            "Remove '{}' (keep {}) from {} file(s)? yes or no",
            target.key.as_str(),
            target.keep.kept.value,
            removal.files.len()
        );
        if !is_yes(&answers.ask(&question, if answers.ask { "no" } else { "yes" })?) {
            complain("nothing was written");
            return Ok(false);
        }
        let text = |it: &Path| world.text(it).map(|it| it.1);
        workspace::write_files(removal.files.iter().map(|(path, it)| (&**path, it)), text)?;
        let brief = if removal.refusals.is_empty() { self.bury_brief(target).await? } else { None };
        if self.arguments.commit {
            self.commit(target, removal, brief.as_deref())?;
        }
        Ok(true)
    }

    /// Deletes the brief of a flag that nothing reads any more, once its outcome stands in PostHog. Returns its path.
    async fn bury_brief(&self, target: &Target) -> anyhow::Result<Option<PathBuf>> {
        let key = &target.key;
        let top = self.repository.as_ref().unwrap_or(&self.home);
        let folders = self.home.ancestors().take_while(|it| it.starts_with(top));
        let found = match workspace::brief_of(folders, key) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(why) => {
                complain(&analysis::plain(&format!("the brief of '{key}' stays: {why}")));
                return Ok(None);
            }
        };
        let path = relative(&found.path, &self.directory);
        if self.is_still_read(key) {
            complain(&analysis::plain(&format!("{path} stays: code still reads '{key}'")));
            return Ok(None);
        }
        if let Err(why) = self.write_down(&found.brief.epitaph(&target.keep.kept.value)).await {
            complain(&analysis::plain(&format!(
                "{path} stays: its outcome could not be written to PostHog ({why:#}); delete it by hand, or with a key that may \
                 write annotations"
            )));
            return Ok(None);
        }
        std::fs::remove_file(&found.path).with_context(|| path.clone())?;
        complain(&analysis::plain(&format!("{path} is deleted; its outcome stands on the project's graphs")));
        Ok(Some(found.path))
    }

    fn is_still_read(&self, key: &FlagKey) -> bool {
        let world = self.world();
        world
            .files()
            .iter()
            .filter_map(|it| world.facts(it))
            .any(|it| it.reads.iter().any(|it| it.key.as_ref() == Some(key)))
    }

    async fn write_down(&self, epitaph: &str) -> anyhow::Result<()> {
        if self.arguments.offline {
            bail!("--offline asks nobody");
        }
        let environment = self.config.environments.first().context("no environment is configured")?;
        Ok(rollout::retire(environment, epitaph, jiff::Timestamp::now()).await?)
    }

    fn commit(&self, target: &Target, removal: &Removal, brief: Option<&Path>) -> anyhow::Result<()> {
        let repository = self.repository.as_ref().context("there is no repository here")?;
        let mut paths: Vec<&Path> = removal.files.keys().map(|it| &**it).collect();
        if let Some(brief) = brief {
            // Git knows nothing of a file that was never added.
            let is_tracked = !git(repository, |it| it.arg("ls-files").arg("--").arg(brief))?.is_empty();
            paths.extend(is_tracked.then_some(brief));
        }
        git(repository, |it| it.args(["add", "--all", "--"]).args(&paths))?;
        let message = format!(
            "Remove flag {}, keep {}\n\n{}\n",
            target.key.as_str(),
            target.keep.kept.value,
            analysis::plain(&target.keep.why)
        );
        git(repository, |it| it.args(["commit", "--quiet", "-m", &message, "--"]).args(&paths))?;
        Ok(())
    }
}

/// What a word after `--keep` means.
fn value(word: &str) -> Value {
    match word {
        "true" => Value::On,
        "false" => Value::Off,
        word => Value::from(word),
    }
}

fn refuse_dirty(repository: Option<&Path>) -> anyhow::Result<()> {
    let repository = repository.context("--commit needs a git repository")?;
    let status = git(repository, |it| it.args(["status", "--porcelain"]))?;
    if !status.is_empty() {
        bail!("the working tree has changes that are not committed; commit or stash them first");
    }
    Ok(())
}

fn git(
    repository: &Path,
    arguments: impl FnOnce(&mut std::process::Command) -> &mut std::process::Command,
) -> anyhow::Result<String> {
    let mut command = std::process::Command::new("git");
    command.arg("-C").arg(repository);
    let output = arguments(&mut command).output().context("git cannot be run")?;
    if !output.status.success() {
        bail!("git: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
