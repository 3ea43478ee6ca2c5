//! `flagline status`: where every feature stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{browser, check, complain, configuration, print, print_coloured, progress, stored_keys};
use crate::analysis::status::{Sources, clean_ups, status};
use crate::analysis::{CodeReads, plain};
use crate::feature::Period;
use crate::flags::{AllSeries, FlagKey};
use crate::index::scan::Progress;
use crate::posthog::replace;
use crate::report::{self, StatusReport};
use crate::workspace;

/// See [`super::Command::Status`].
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The features' keys; every brief and every flag that this code reads when there are none.
    #[arg(value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    keys: Vec<String>,
    /// How to print; html is a page of its own, without scripts, and markdown a retrospective.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Tell what happened in this time, as markdown: a number with m, h, d or w, like 2w, which it is when not given.
    #[arg(long, value_name = "PERIOD")]
    since: Option<Period>,
    /// Write to this file, whole or not at all, instead of stdout.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Open the page in the browser; it lies in the cache folder when no FILE is named.
    #[arg(long)]
    open: bool,
    /// In JSON, tell also how each feature went in the last days; pages always do.
    #[arg(long)]
    series: bool,
    /// Ask nobody: use the copy of PostHog's flags on disk, as an earlier run or an editor left it.
    #[arg(long)]
    offline: bool,
}

/// How features are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For people, in a browser.
    Html,
    /// For people, in their notes: what happened in a time, and what waits for whom.
    Markdown,
}

/// A retrospective is about this time where nobody says otherwise.
const TWO_WEEKS: Period = Period::days(14);

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = Arc::new(configuration(&directory, stored_keys())?);
    let usual = match (arguments.open, arguments.since) {
        (true, _) => Format::Html,
        (false, Some(_)) => Format::Markdown,
        (false, None) => Format::Text,
    };
    let format = arguments.format.unwrap_or(usual);
    if arguments.since.is_some() && format != Format::Markdown {
        bail!(
            "--since tells what happened in a time, which only markdown does: leave --format and --open out"
        );
    }
    if arguments.open && format != Format::Html {
        bail!("--open shows a page: leave --format out, or make it html");
    }
    let walk = Arc::new(Progress::default());
    let line = progress::line({
        let walk = walk.clone();
        move || check::activity(&walk)
    });
    let top = workspace::repository(&directory).unwrap_or(&directory);
    let briefs = workspace::briefs_round(&directory);
    let files = check::read(vec![top.to_owned()], top, &config, &walk);
    let only: BTreeSet<FlagKey> = arguments.keys.iter().map(|it| it.as_str().into()).collect();
    let mut keys = files.keys();
    let of_briefs: BTreeSet<FlagKey> =
        briefs.iter().filter_map(|it| Some(it.1.as_ref().ok()?.flag())).collect();
    keys.extend(only.clone());
    let mirror = check::load(&config, arguments.offline, &keys, &of_briefs).await.mirror;
    let waiting = match arguments.offline {
        true => BTreeMap::new(),
        false => workspace::load_waiting(&config, mirror.primary()).await,
    };
    let now = Timestamp::now();
    let sources = Sources {
        briefs: &briefs,
        plans: &config.plans,
        mirror: &mirror,
        code: &CodeReads::new(files.index()),
        clean_ups: &clean_ups(&files.shared_index(), &mirror, &config, now),
        waiting: &waiting,
        now,
    };
    let status = status(&sources, &only);
    let environment = mirror.primary();
    let series = match format {
        Format::Text | Format::Markdown => None,
        Format::Json if !arguments.series => None,
        _ if arguments.offline => Some(AllSeries::unknown("nobody was asked (--offline)")),
        Format::Json | Format::Html => Some(workspace::load_series(&config, &status.features, now).await),
    };
    drop(line);
    files.tell_skipped(&directory);
    let report =
        StatusReport { status: &status, environment, series: series.as_ref(), directory: &directory, now };
    tell(&arguments, format, &report, top)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(arguments: &Arguments, format: Format, report: &StatusReport, top: &Path) -> anyhow::Result<()> {
    let text = match format {
        Format::Text => report::status_text(report),
        Format::Json => serde_json::to_string_pretty(&report::status_json(report))? + "\n",
        Format::Html => report::status_html(report),
        Format::Markdown => report::status_markdown(report, arguments.since.unwrap_or(TWO_WEEKS)),
    };
    let path = match &arguments.output {
        Some(path) => {
            let bytes = anstream::adapter::strip_str(&text).to_string();
            let bytes = if format == Format::Text { bytes } else { text };
            replace(path, bytes.as_bytes(), |it| File::create(it))
                .with_context(|| format!("{} cannot be written", path.display()))?;
            path.clone()
        }
        None if arguments.open => workspace::write_page(top, &text).context("the page cannot be written")?,
        None if format == Format::Text => return print_coloured(&text),
        None => return print(&text),
    };
    if arguments.open
        && let Err(why) = browser::open(&path)
    {
        complain(&plain(&format!("{why:#}; the page is {}", path.display())));
    }
    Ok(())
}
