//! `flagline archive`: where flags are on their way out, and the last step of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::answers::Answers;
use super::{
    Format, check, complain, configuration, paths, print, print_json, print_lines, progress, stored_keys,
};
use crate::analysis::{
    self, CodeReads, Evidence, Obstacle, Standing, ago, controls, leaving, plain, standing,
};
use crate::config::Config;
use crate::feature::stage;
use crate::flags::{Environment, Flag, FlagKey, FlagUses, Lookup, Mirror, Project};
use crate::index::{self, scan::Progress};
use crate::posthog::{Client, Error, disk, give_scope, refresh};
use crate::report::{self, ArchiveRow};
use crate::rollout::{self, NotArchived};
use crate::workspace;

/// See [`super::Command::Archive`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The flags' keys. Without any, every flag that this repository does not read is listed, with where it is.
    #[arg(value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    keys: Vec<String>,
    /// Ask nothing.
    #[arg(long, requires = "keys")]
    yes: bool,
    /// Archive also where nobody can tell whether the flag is still asked for. What is read or asked for is refused
    /// all the same.
    #[arg(long, requires = "keys")]
    anyway: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let run = Run::load(arguments, directory, config).await?;
    match run.keys.is_empty() {
        true => run.list().await,
        false => run.archive().await,
    }
}

/// What is known before anything is decided.
struct Run {
    arguments: Arguments,
    keys: BTreeSet<FlagKey>,
    directory: PathBuf,
    config: Config,
    client: Client,
    code: CodeReads,
    mirror: Mirror,
    now: Timestamp,
}

impl Run {
    async fn load(arguments: Arguments, directory: PathBuf, config: Config) -> anyhow::Result<Run> {
        let primary = config.environments.first().context("no environment is configured")?;
        let client = Client::new(primary)?;
        let begun = Timestamp::now();
        let walk = Arc::new(Progress::default());
        let line = progress::line({
            let walk = walk.clone();
            move || check::activity(&walk)
        });
        // A flag that any part of the repository reads is in use.
        let home = workspace::repository(&directory).unwrap_or(&directory).to_owned();
        let files = check::read(vec![home.clone()], &home, &config, &walk);
        let mut code = CodeReads::new(files.index());
        let keys: BTreeSet<FlagKey> = arguments.keys.iter().map(|it| it.as_str().into()).collect();
        let mirror = refresh::calls(primary, disk::folder(), &keys, |it| wanted(it, &keys, &code)).await;
        if let Some(environment) = mirror.primary() {
            add_mentions(&mut code, in_question(environment, &keys), &home, &config);
        }
        drop(line);
        files.tell_skipped(&directory);
        let environment = mirror.primary().context("no environment is configured")?;
        if environment.flags.as_ref().is_none_or(|it| it.read_at < begun) {
            let why = environment.trouble.as_deref().unwrap_or("the flags could not be loaded");
            bail!("nothing was archived, since nobody can say where flags are now: {why}");
        }
        if config.environments.len() > 1 {
            let name = &environment.name;
            complain(&plain(&format!(
                "this is about '{name}' alone; flags of other environments stay as they are"
            )));
        }
        let now = Timestamp::now();
        Ok(Run { arguments, keys, directory, config, client, code, mirror, now })
    }

    fn environment(&self) -> anyhow::Result<(&Environment, &Project)> {
        let environment = self.mirror.primary().context("no environment is configured")?;
        Ok((environment, environment.project.as_ref().context("the project is not known")?))
    }

    fn row(&self, environment: &Environment, key: &FlagKey, standing: &Standing) -> ArchiveRow {
        report::archive_row(environment, key, standing, &self.code.of(key), &self.directory, self.now)
    }

    /// Every flag that is not read here.
    async fn list(&self) -> anyhow::Result<ExitCode> {
        let (environment, project) = self.environment()?;
        let evidence = Evidence::new(environment, &self.config.permanent_tags, self.now);
        let can_archive = self.can_archive(environment, project).await;
        if !can_archive {
            complain(report::CANNOT_ARCHIVE);
        }
        let placed = leaving(&evidence, &self.code);
        let rows: Vec<ArchiveRow> = placed.iter().map(|it| self.row(environment, &it.0, &it.1)).collect();
        self.tell_blind_spots();
        match self.arguments.format {
            Format::Text => print(&report::archive_table(&rows, environment, can_archive, self.now))?,
            Format::Json => self.print_json(environment, project, &rows)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether the server can archive at all: any flag that is asked for by itself tells.
    async fn can_archive(&self, environment: &Environment, project: &Project) -> bool {
        let any = environment.flags.as_ref().and_then(|it| it.by_key.values().find(|it| !it.deleted));
        let Some(flag) = any else { return true };
        self.client.flag_uses(project, flag.id).await.map_or(true, |it| it.can_archive)
    }

    /// Places that may read any flag.
    fn tell_blind_spots(&self) {
        let Some(first) = self.code.undecided.first() else { return };
        let path = report::relative(&first.path, &self.directory);
        let others = match self.code.undecided.len() - 1 {
            0 => String::new(),
            n => format!(", and so do {n} other places"),
        };
        let (line, column) = (first.span.start.line + 1, first.span.start.scalar + 1);
        complain(&plain(&format!(
            "{path}:{line}:{column} reads a flag whose key nobody can tell before it runs{others}; what it reads is not \
             known here"
        )));
    }

    fn print_json(
        &self,
        environment: &Environment,
        project: &Project,
        rows: &[ArchiveRow],
    ) -> anyhow::Result<()> {
        print_json(&json!({
            "environment": &*environment.name,
            "host": &*environment.host,
            "project": super::Project { id: project.id, name: project.name.to_string() },
            "quietDays": analysis::QUIET_DAYS,
            "fetchedAt": environment.flags.as_ref().map(|it| it.fetched_at.to_string()),
            "flags": rows,
        }))
    }

    /// The flags that were named, one after the other.
    async fn archive(&self) -> anyhow::Result<ExitCode> {
        let (environment, project) = self.environment()?;
        let evidence = Evidence::new(environment, &self.config.permanent_tags, self.now);
        self.tell_blind_spots();
        let mut answers = Answers { ask: true };
        let mut rows = Vec::new();
        let mut code = 0;
        for key in &self.keys {
            let flag = known(environment, key);
            let uses = self.uses(project, flag).await;
            let standing = standing(&evidence, key, &self.code.of(key), uses.as_ref().ok())
                .context("the flags could not be loaded")?;
            let mut row = self.row(environment, key, &standing);
            if self.arguments.format == Format::Text {
                print(&row.text(self.arguments.anyway))?;
            }
            match (&uses, flag.filter(|_| self.may_be(&standing))) {
                (Ok(_), Some(flag)) => self.write(project, flag, &mut row, &mut answers).await?,
                // What is in the way may be what could not be asked for.
                (Err(why), Some(_)) => {
                    tell(&mut row, format!("'{key}' is not archived, what else uses it is not known: {why}"));
                    code = 2;
                }
                (_, None) => {}
            }
            let is_done = row.archived || matches!(standing, Standing::Archived | Standing::Deleted);
            code = code.max(u8::from(!is_done));
            rows.push(row);
        }
        if self.arguments.format == Format::Json {
            self.print_json(environment, project, &rows)?;
        }
        Ok(ExitCode::from(code))
    }

    /// What else uses a flag; nothing uses one that is not there.
    async fn uses(&self, project: &Project, flag: Option<&Flag>) -> Result<FlagUses, Error> {
        match flag {
            Some(flag) => self.client.flag_uses(project, flag.id).await,
            None => Ok(FlagUses::default()),
        }
    }

    /// Whether a flag may be archived, as far as nobody says no.
    fn may_be(&self, standing: &Standing) -> bool {
        match standing {
            Standing::Ready { .. } => true,
            Standing::Blocked(_) => self.arguments.anyway && !is_final(standing),
            Standing::Unknown { .. } | Standing::Deleted | Standing::Archived => false,
        }
    }

    async fn write(
        &self,
        project: &Project,
        flag: &Flag,
        row: &mut ArchiveRow,
        answers: &mut Answers,
    ) -> anyhow::Result<()> {
        if !self.arguments.yes && !self.agrees(project, flag, row, answers)? {
            let nobody = "; nobody was there to be asked, --yes asks nothing";
            let hint = if answers.ask { "" } else { nobody };
            tell(row, format!("'{}' is not archived{hint}", flag.key));
            return Ok(());
        }
        match rollout::archive(&self.client, project, flag).await {
            Err(why) => tell(row, self.why_not(flag, &why)),
            Ok(_) => {
                row.archived = true;
                if self.arguments.format == Format::Text {
                    let page = row.link.as_deref().unwrap_or("PostHog");
                    print_lines([format!("'{}' is archived; its page takes it back: {page}", flag.key)])?;
                }
            }
        }
        Ok(())
    }

    /// Whether somebody says yes.
    fn agrees(
        &self,
        project: &Project,
        flag: &Flag,
        row: &ArchiveRow,
        answers: &mut Answers,
    ) -> anyhow::Result<bool> {
        let anyway = if row.place == "ready" { "" } else { " anyway" };
        let question = format!("Archive '{}' in {}{anyway}? yes or no", flag.key, project.name);
        answers.agrees(&question)
    }

    /// What went wrong with a write, and what to do.
    fn why_not(&self, decided: &Flag, why: &NotArchived) -> String {
        let key = &decided.key;
        match why {
            NotArchived::Changed { now, words } => {
                let words = words.as_deref().map(|it| format!(" PostHog says: {it}")).unwrap_or_default();
                format!(
                    "'{key}' is not archived, since somebody changed it meanwhile: it was {}, and is now {}.{words} Run \
                     it again to decide anew",
                    state(decided, None),
                    state(now, Some(self.now)),
                )
            }
            NotArchived::NotTaken => format!(
                "PostHog took the change, and '{key}' is not archived: switch it off or delete it on its page"
            ),
            NotArchived::Refused(error) => format!("'{key}' is not archived: {error}{}", self.remedy(error)),
        }
    }

    fn remedy(&self, error: &Error) -> String {
        let host = self.mirror.primary().map(|it| it.host.to_string()).unwrap_or_default();
        match error {
            Error::Forbidden(_) => format!("; {}", give_scope(&host, "feature_flag:write")),
            // Nothing was done.
            Error::Limited(_) => "; run it again then".into(),
            // The request may have arrived, and its answer was lost.
            error if error.is_passing() || matches!(error, Error::Decode { .. } | Error::TooSlow) => {
                "; it may be all the same, run it again to see".into()
            }
            _ => String::new(),
        }
    }
}

/// Says why a flag is not archived.
fn tell(row: &mut ArchiveRow, why: String) {
    complain(&plain(&why));
    row.trouble = Some(why);
}

/// The flags in question: those that were named, else all.
fn in_question(environment: &Environment, named: &BTreeSet<FlagKey>) -> BTreeSet<FlagKey> {
    let all = environment.flags.iter().flat_map(|it| it.by_key.values());
    match named.is_empty() {
        true => all.filter(|it| !it.deleted && !it.archived).map(|it| it.key.clone()).collect(),
        false => named.clone(),
    }
}

/// The flags whose exposure matters: those in question, and some that tell whether silence means anything.
fn wanted(environment: &Environment, named: &BTreeSet<FlagKey>, code: &CodeReads) -> BTreeSet<FlagKey> {
    let mut wanted = in_question(environment, named);
    wanted.extend(code.keys());
    wanted.extend(controls(environment));
    wanted
}

/// Looks for the keys in all files, those in languages that are not read here too.
fn add_mentions(code: &mut CodeReads, keys: BTreeSet<FlagKey>, home: &Path, config: &Config) {
    let keys: Vec<FlagKey> = keys.into_iter().collect();
    let texts: Vec<&str> = keys.iter().map(FlagKey::as_str).collect();
    let found = index::quoted(&paths::roots(vec![home.to_owned()], config), &texts);
    code.add_mentions(&keys, found);
}

fn known<'a>(environment: &'a Environment, key: &FlagKey) -> Option<&'a Flag> {
    match environment.lookup(key) {
        Lookup::Known(flag) if !flag.deleted => Some(flag),
        _ => None,
    }
}

fn is_final(standing: &Standing) -> bool {
    matches!(standing, Standing::Blocked(obstacles) if obstacles.iter().any(Obstacle::is_final))
}

/// A flag in a few words.
fn state(flag: &Flag, now: Option<Timestamp>) -> String {
    let version = flag.version.map(|it| format!(" (version {it}")).unwrap_or_default();
    let by = now.zip(flag.updated_at).map(|(now, at)| {
        let who = flag.modified_by.as_ref().map(|it| format!(" by {}", it.display())).unwrap_or_default();
        format!(", {}{who}", ago(at, now))
    });
    let close = if version.is_empty() { "" } else { ")" };
    format!("{}{version}{}{close}", stage(flag, None), by.unwrap_or_default())
}
