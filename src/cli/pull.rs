//! `flagline pull`: fetches what there is to know about the flags that are read here, for later without PostHog.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Format, Project, check, complain, configuration, print_json, print_lines, progress, stored_keys,
};
use crate::analysis::{ago, plain};
use crate::flags::{Environment, FlagKey};
use crate::index::scan::Progress;
use crate::posthog::disk;
use crate::posthog::refresh::{self, Wanted};

/// What was fetched of an environment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    environment: String,
    host: String,
    project: Option<Project>,
    flags: usize,
    /// Keys read here that the project has.
    keys: usize,
    /// For how many of them exposure is known.
    exposure: usize,
    /// Of how many flags the activity is known.
    history: usize,
    fetched_at: Option<Timestamp>,
    path: Option<PathBuf>,
    trouble: Option<String>,
    exposure_trouble: Option<String>,
    history_trouble: Option<String>,
    experiments_trouble: Option<String>,
    schedules_trouble: Option<String>,
}

pub(super) async fn run(format: Format) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    let folder = disk::folder().context("this system has no cache folder to keep it in")?;
    let walk = Arc::new(Progress::default());
    let progress = progress::line({
        let walk = walk.clone();
        move || check::activity(&walk)
    });
    let read = check::read(vec![directory.clone()], &directory, &config, &walk);
    let (keys, briefs) = (read.keys(), read.brief_keys());
    let loaded = refresh::once(&config, Some(folder.clone()), &keys, &briefs, Wanted::Exposure).await;
    drop(progress);

    let rows: Vec<Row> = loaded.mirror.environments.iter().map(|it| row(it, &folder, keys.iter())).collect();
    let now = Timestamp::now();
    match format {
        Format::Text => print_lines(rows.iter().filter_map(|it| line(it, now)))?,
        Format::Json => {
            let json = serde_json::json!({ "environments": rows });
            print_json(&json)?;
        }
    }
    for row in &rows {
        let parts = [
            ("", &row.trouble),
            ("exposure: ", &row.exposure_trouble),
            ("activity: ", &row.history_trouble),
            ("experiments: ", &row.experiments_trouble),
            ("scheduled changes: ", &row.schedules_trouble),
        ];
        for (what, trouble) in parts {
            if let Some(trouble) = trouble {
                complain(&plain(&format!("{}: {what}{trouble}", row.environment)));
            }
        }
    }
    Ok(ExitCode::from(if rows.iter().any(|it| it.trouble.is_some()) { 2 } else { 0 }))
}

fn row<'a>(it: &Environment, folder: &Path, keys: impl Iterator<Item = &'a FlagKey>) -> Row {
    let list = it.flags.as_ref();
    let known: Vec<&FlagKey> =
        keys.filter(|key| list.is_some_and(|it| it.by_key.contains_key(*key))).collect();
    let path = it.project.as_ref().map(|project| disk::path(folder, &it.host, project.id));
    let on_disk = path.as_ref().and_then(|path| disk::load(path, &it.name, &it.host)).and_then(|it| it.flags);
    let fetched_at = list.map(|it| it.fetched_at);
    let sentence = |it: &Option<Arc<str>>| it.as_deref().map(str::to_owned);
    let trouble = sentence(&it.trouble).or_else(|| match (fetched_at, &path) {
        (None, _) => Some("the flags could not be loaded".into()),
        (Some(_), Some(path)) if disk::is_of_newer(path) => {
            Some(format!("{} is of a newer Flagline and stays as it is", path.display()))
        }
        (Some(_), Some(path)) if on_disk.is_none_or(|it| Some(it.fetched_at) < fetched_at) => {
            Some(format!("{} could not be written", path.display()))
        }
        _ => None,
    });
    Row {
        environment: it.name.to_string(),
        host: it.host.to_string(),
        project: it.project.as_ref().map(|it| Project { id: it.id, name: it.name.to_string() }),
        flags: list.map_or(0, |it| it.by_key.len()),
        keys: known.len(),
        exposure: known.iter().filter(|key| it.exposure.contains_key(**key)).count(),
        history: it.history.len(),
        fetched_at,
        path,
        trouble,
        exposure_trouble: sentence(&it.exposure_trouble),
        history_trouble: sentence(&it.history_trouble),
        experiments_trouble: sentence(&it.experiments_trouble),
        schedules_trouble: sentence(&it.schedules_trouble),
    }
}

fn line(row: &Row, now: Timestamp) -> Option<String> {
    let (project, path, at) = (row.project.as_ref()?, row.path.as_ref()?, row.fetched_at?);
    Some(format!(
        "{}: {} flags of project {} {} at {}, as of {}; exposure of {} of the {} keys that are read here, activity of \
         {} flags; in {}",
        row.environment,
        row.flags,
        project.id,
        project.name,
        row.host,
        ago(at, now),
        row.exposure,
        row.keys,
        row.history,
        path.display()
    ))
}
