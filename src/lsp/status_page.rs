//! `flagline.status`: where every feature stands, as a page in the browser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tower_lsp::lsp_types::request::ShowDocument;
use tower_lsp::lsp_types::{MessageType, ShowDocumentParams, Url};

use super::progress::Progress;
use super::session::Session;
use crate::analysis::CodeReads;
use crate::analysis::status::{Sources, Status, clean_ups, status};
use crate::config::Config;
use crate::flags::Mirror;
use crate::index::Index;
use crate::report::{self, StatusReport};
use crate::workspace::{self, Workspace};

/// Shows the features of the folder round a document; of the first folder, when none is named or it lies in none.
pub(super) async fn run(session: &Session, uri: Option<&Url>) {
    let Some((folder, config)) = folder_of(session, uri) else {
        let message = "no folder is open, so nobody knows whose features are meant";
        return session.answer(MessageType::WARNING, message).await;
    };
    let progress = match session.caps.progress {
        true => Progress::begin(&session.client, "Looking at features").await,
        false => None,
    };
    let written = write(session, folder, config).await;
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    match written {
        Ok(path) => show(session, &path).await,
        Err(why) => {
            let message = format!("the page of the features is not written: {why}");
            session.answer(MessageType::ERROR, &message).await;
        }
    }
}

fn folder_of(session: &Session, uri: Option<&Url>) -> Option<(PathBuf, Arc<Config>)> {
    let path = uri.map(Workspace::path_of);
    let mut folders: Vec<(PathBuf, Arc<Config>)> = session
        .workspace
        .configs()
        .into_iter()
        .filter_map(|(folder, config)| Some((folder?, config)))
        .collect();
    let around = |it: &(PathBuf, _)| path.as_ref().is_some_and(|path| path.starts_with(&it.0));
    let innermost = (0..folders.len()).filter(|it| around(&folders[*it]));
    let at = innermost.max_by_key(|it| folders[*it].0.components().count()).unwrap_or(0);
    (at < folders.len()).then(|| folders.swap_remove(at))
}

async fn write(session: &Session, folder: PathBuf, config: Arc<Config>) -> Result<PathBuf, String> {
    let now = Timestamp::now();
    let mirror = Arc::new(session.workspace.mirror_of(&config));
    let index = session.workspace.index();
    let waiting = workspace::load_waiting(&config, mirror.primary()).await;
    // It reads briefs and looks at every read, which takes its time.
    let looked = tokio::task::spawn_blocking({
        let (folder, config, mirror) = (folder.clone(), config.clone(), mirror.clone());
        move || look(&folder, index, &mirror, &config, &waiting, now)
    });
    let status = looked.await.map_err(|it| it.to_string())?;
    let series = workspace::load_series(&config, &status.features, now).await;
    let report = StatusReport {
        status: &status,
        environment: mirror.primary(),
        series: Some(&series),
        directory: &folder,
        now,
    };
    let html = report::status_html(&report);
    let write = tokio::task::spawn_blocking(move || workspace::write_page(&folder, &html));
    write.await.map_err(|it| it.to_string())?.map_err(|it| it.to_string())
}

/// What other folders read belongs to other settings.
fn look(
    folder: &Path,
    mut index: Arc<Index>,
    mirror: &Arc<Mirror>,
    config: &Arc<Config>,
    waiting: &BTreeMap<u64, String>,
    now: Timestamp,
) -> Status {
    Arc::make_mut(&mut index).retain(|it| it.starts_with(folder));
    let sources = Sources {
        briefs: &workspace::briefs_round(folder),
        plans: &config.plans,
        mirror,
        code: &CodeReads::new(&index),
        clean_ups: &clean_ups(&index, mirror, config, now),
        waiting,
        now,
    };
    status(&sources, &std::collections::BTreeSet::new())
}

/// Opens the page in the browser, or tells where it lies.
async fn show(session: &Session, path: &Path) {
    let url = Url::from_file_path(path).ok().filter(|_| session.caps.show_document);
    if let Some(uri) = url {
        let params =
            ShowDocumentParams { uri, external: Some(true), take_focus: Some(true), selection: None };
        let shown = session.client.send_request::<ShowDocument>(params);
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(10), shown).await
            && answer.success
        {
            return;
        }
    }
    let message = format!("the page of the features is {}", path.display());
    session.answer(MessageType::INFO, &message).await;
}
