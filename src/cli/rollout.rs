//! `flagline rollout run`: every feature goes on, waits, or is stopped, by the rules of its brief.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::{Format, complain, configuration, print_json, print_lines, stored_keys};
use crate::analysis::plain;
use crate::config::Config;
use crate::feature::{Brief, Period};
use crate::posthog::Error;
use crate::report::{run_json, run_lines};
use crate::rollout::run::{Options, once};
use crate::workspace;

/// What `flagline rollout` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look at every feature that has a brief: promote it where its gate holds and no person is asked, stop it where a
    /// guard trips, tell people. Exits with 1 when something was stopped or could not be done.
    Run(Arguments),
}

/// See [`Command::Run`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The features' keys; every brief of this repository when there are none.
    #[arg(value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    keys: Vec<String>,
    /// Once, for cron and CI. So it is without --every, too.
    #[arg(long, conflicts_with = "every")]
    once: bool,
    /// Again and again, so often: `5m`, `1h`.
    #[arg(long, value_name = "TIME")]
    every: Option<Period>,
    /// Show what would be done, and why; do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Nobody else runs this for the project: needed on servers without versions, where two could write at once.
    #[arg(long)]
    sole_runner: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Run(arguments) = command;
    let Some(every) = arguments.every else { return turn(&arguments).await };
    let pause = Duration::from_secs(every.duration().as_secs().unsigned_abs());
    // Listened to all the time: what comes in the middle of a turn would be lost else.
    let mut end = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        // A turn that is ended in its middle is as good as one that was killed: the next run goes on with it.
        let turn = tokio::select! {
            turn = turn(&arguments) => turn,
            _ = &mut end => return Ok(ExitCode::SUCCESS),
        };
        // One that fails is told, and the next one is another try.
        if let Err(error) = turn {
            complain(&plain(&format!("{error:#}")));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = &mut end => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// One look at everything; settings and briefs are read anew each time.
async fn turn(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let (briefs, broken) = briefs(arguments, &directory)?;
    let environment = config.environments.first().context("no environment is configured")?;
    if config.environments.len() > 1 {
        complain(&plain(&format!("this happens in '{}'", environment.name)));
    }
    let report = once(environment, &briefs, &config.plans, options(arguments, &config)).await;
    let report = match report {
        Err(error @ Error::SignedOut { .. }) => bail!("{error}"),
        answer => answer?,
    };
    match arguments.format {
        Format::Text => print_lines(run_lines(&report))?,
        Format::Json => print_json(&run_json(&report))?,
    }
    for feature in &report.features {
        if let Some(why) = &feature.trouble {
            complain(&plain(&format!("'{}': {why}", feature.key)));
        }
    }
    let alarms = broken || report.features.iter().any(|it| it.is_alarming());
    Ok(ExitCode::from(u8::from(alarms)))
}

fn options(arguments: &Arguments, config: &Config) -> Options {
    Options {
        dry_run: arguments.dry_run,
        sole_runner: arguments.sole_runner,
        stale_after: config.stale_after(),
    }
}

/// The briefs to look at, and whether one of them cannot be read: it holds up none of the others.
fn briefs(arguments: &Arguments, directory: &std::path::Path) -> anyhow::Result<(Vec<Brief>, bool)> {
    let (mut briefs, mut broken): (Vec<Brief>, bool) = (Vec::new(), false);
    let mut unread = None;
    for (path, read) in workspace::briefs_round(directory) {
        match read {
            Err(why) => {
                broken = true;
                complain(&plain(&format!("{}: {why}", path.display())));
                unread = Some(path);
            }
            Ok(brief) if briefs.iter().any(|it| it.key == brief.key) => {
                broken = true;
                complain(&plain(&format!(
                    "{}: another file is the brief of '{}'",
                    path.display(),
                    brief.key
                )));
            }
            Ok(brief) => briefs.push(brief),
        }
    }
    if !arguments.keys.is_empty() {
        let missing = arguments.keys.iter().find(|key| !briefs.iter().any(|it| it.key == **key));
        if let (Some(key), Some(path)) = (missing, unread) {
            bail!("no brief of '{}' can be read: it may be the one in {}", plain(key), path.display());
        }
        if let Some(key) = missing {
            bail!("there is no brief of '{}': `flagline create` it", plain(key));
        }
        briefs.retain(|it| arguments.keys.contains(&it.key));
        broken = false;
    }
    if briefs.is_empty() && !broken {
        bail!("there are no briefs here: `flagline create` a feature first");
    }
    Ok((briefs, broken))
}
