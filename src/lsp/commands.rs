//! `workspace/executeCommand`: each command runs in a task of its own; the handler returns at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::lsp_types::request::{ApplyWorkspaceEdit, ShowDocument};
use tower_lsp::lsp_types::{
    ApplyWorkspaceEditParams, ExecuteCommandParams, MessageType, ShowDocumentParams, Url, WorkspaceEdit,
};

use super::session::Session;
use super::{clean, create, follow, launch, moves, review, status_page};
use crate::config::Config;
use crate::flags::Environment;
use crate::posthog::refresh::Ask;
use crate::workspace::Workspace;

pub(super) const CREATE_FEATURE: &str = "flagline.createFeature";
/// The client's own, which asks the user before it has a feature created.
pub(super) const NEW_FEATURE: &str = "flagline.newFeature";
pub(super) const LAUNCH: &str = "flagline.launch";
pub(super) const FOLLOW: &str = "flagline.follow";
pub(super) const UNFOLLOW: &str = "flagline.unfollow";
pub(super) const REVIEW: &str = "flagline.review";
pub(super) const PROMOTE: &str = "flagline.promote";
pub(super) const STOP: &str = "flagline.stop";
/// The client's own, which asks the user why before it has a rollout stopped.
pub(super) const STOP_FEATURE: &str = "flagline.stopFeature";
pub(super) const RESUME: &str = "flagline.resume";
pub(super) const ROLL_BACK: &str = "flagline.rollBack";
pub(super) const FINISH: &str = "flagline.finish";
pub(super) const CLEAN: &str = "flagline.clean";
pub(super) const OPEN: &str = "flagline.open";
pub(super) const REFRESH: &str = "flagline.refresh";
pub(super) const STATUS: &str = "flagline.status";
pub(super) const EXPLAIN: &str = "flagline.explain";
pub(super) const APPLY_EDIT: &str = "flagline.applyEdit";
/// The client's own command, for lenses.
pub(super) const SHOW_REFERENCES: &str = "flagline.showReferences";

/// Everything that can be executed.
pub(super) const NAMES: [&str; 16] = [
    CREATE_FEATURE,
    LAUNCH,
    FOLLOW,
    UNFOLLOW,
    REVIEW,
    PROMOTE,
    STOP,
    RESUME,
    ROLL_BACK,
    FINISH,
    CLEAN,
    OPEN,
    REFRESH,
    STATUS,
    EXPLAIN,
    APPLY_EDIT,
];

/// A flag to remove, and what it is taken to serve for ever: `on`, `off` or a variant. Without that, what PostHog
/// serves to everyone.
#[derive(Deserialize)]
struct ToClean {
    key: String,
    keep: Option<String>,
    uri: Option<Url>,
}

/// A page, or the flag that it shows; neither means the list of flags.
#[derive(Default, Deserialize)]
struct Page {
    url: Option<Url>,
    key: Option<String>,
    uri: Option<Url>,
}

/// The document that the user looks at.
#[derive(Default, Deserialize)]
struct LookedAt {
    uri: Option<Url>,
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

#[derive(Deserialize)]
struct LabelledEdit {
    label: String,
    edit: WorkspaceEdit,
}

/// Starts a command; wrong arguments are told at once.
pub(super) fn execute(session: &Arc<Session>, params: ExecuteCommandParams) -> Result<()> {
    let session = session.clone();
    match params.command.as_str() {
        CREATE_FEATURE => {
            let wanted: create::ToCreate = argument(params.arguments)?;
            tokio::spawn(async move { create::run(&session, wanted).await });
        }
        LAUNCH => {
            let wanted: launch::ToLaunch = argument(params.arguments)?;
            tokio::spawn(async move { launch::run(&session, wanted).await });
        }
        FOLLOW => {
            let wanted: follow::Wanted = argument(params.arguments)?;
            tokio::spawn(async move { follow::run(&session, wanted).await });
        }
        UNFOLLOW => {
            let wanted: follow::Wanted = argument(params.arguments)?;
            tokio::spawn(async move { follow::unfollow(&session, wanted).await });
        }
        REVIEW => {
            let wanted: review::ToReview = argument(params.arguments)?;
            tokio::spawn(async move { review::run(&session, wanted).await });
        }
        PROMOTE | STOP | RESUME | ROLL_BACK | FINISH => {
            let wanted: moves::ToMove = argument(params.arguments)?;
            let way = moves::Way::of(&params.command);
            tokio::spawn(async move { moves::run(&session, way, wanted).await });
        }
        CLEAN => {
            let wanted: ToClean = argument(params.arguments)?;
            tokio::spawn(async move {
                clean::run(&session, &wanted.key, wanted.keep.as_deref(), wanted.uri.as_ref()).await
            });
        }
        OPEN => {
            let page = argument::<Option<Page>>(params.arguments)?.unwrap_or_default();
            tokio::spawn(async move { open_page(&session, page).await });
        }
        REFRESH => {
            session.workspace.refresh.ask(Ask::Everything);
            session.rescan("Reading flags");
        }
        STATUS => {
            let looked_at = argument::<Option<LookedAt>>(params.arguments)?.unwrap_or_default();
            tokio::spawn(async move { status_page::run(&session, looked_at.uri.as_ref()).await });
        }
        EXPLAIN => {
            let Reason { reason } = argument(params.arguments)?;
            tokio::spawn(async move { session.answer(MessageType::INFO, &reason).await });
        }
        APPLY_EDIT => {
            let edit: LabelledEdit = argument(params.arguments)?;
            tokio::spawn(async move { apply(&session, edit).await });
        }
        other => return Err(Error::invalid_params(format!("no such command: {other}"))),
    }
    Ok(())
}

fn argument<T: DeserializeOwned>(arguments: Vec<Value>) -> Result<T> {
    let first = arguments.into_iter().next().unwrap_or_default();
    serde_json::from_value(first).map_err(|it| Error::invalid_params(it.to_string()))
}

/// The settings for a document; the first folder's when none is named.
pub(super) fn config_of(session: &Session, uri: Option<&Url>) -> Arc<Config> {
    match uri {
        Some(uri) => session.workspace.config_of(&Workspace::path_of(uri)),
        None => session.workspace.configs().swap_remove(0).1,
    }
}

/// The settings for something to be written, or why nothing may be. Which project is meant must be clear: the document
/// lies in a folder, or all folders mean the same.
pub(super) fn settings_to_write(
    session: &Session,
    uri: Option<&Url>,
) -> std::result::Result<Arc<Config>, String> {
    let configs = session.workspace.configs();
    let path = uri.map(Workspace::path_of);
    let is_around = |folder: &Option<PathBuf>| {
        path.as_ref().zip(folder.as_ref()).is_some_and(|(path, folder)| path.starts_with(folder))
    };
    let meant = |it: &Config| {
        let environment = it.environments.first().map(|it| (it.host.clone(), it.project));
        (environment, it.plans.get("default").cloned())
    };
    let agree = configs.iter().all(|it| meant(&it.1) == meant(&configs[0].1));
    if !agree && !configs.iter().any(|it| is_around(&it.0)) {
        return Err("the folders that are open belong to different projects; open a file of the folder that is meant, \
                    and run it again"
            .into());
    }
    trusted(config_of(session, uri))
}

/// The settings, where somebody trusts the workspace.
pub(super) fn trusted(config: Arc<Config>) -> std::result::Result<Arc<Config>, String> {
    match config.read_only {
        true => Err("this workspace is not trusted, so nothing is written to PostHog".into()),
        false => Ok(config),
    }
}

/// Opens a file in the editor; whether that could be done.
pub(super) async fn open_file(session: &Session, path: &Path) -> bool {
    let Some(uri) = Url::from_file_path(path).ok().filter(|_| session.caps.show_document) else {
        return false;
    };
    let params = ShowDocumentParams { uri, external: Some(false), take_focus: Some(true), selection: None };
    let shown = session.client.send_request::<ShowDocument>(params);
    matches!(tokio::time::timeout(Duration::from_secs(10), shown).await, Ok(Ok(answer)) if answer.success)
}

async fn open_page(session: &Session, page: Page) {
    let config = config_of(session, page.uri.as_ref());
    let mirror = session.workspace.mirror_of(&config);
    let of_flag = |environment: &Environment| {
        let key = page.key.as_deref()?;
        let flag = environment.flags.as_ref()?.by_key.get(key)?;
        environment.page(format!("feature_flags/{}", flag.id))
    };
    let list = || mirror.primary().and_then(|it| it.page("feature_flags"));
    let known = mirror.environments.iter().find_map(|it| of_flag(it)).or_else(list);
    match page.url.or_else(|| known.and_then(|it| Url::parse(&it).ok())) {
        Some(url) => open(session, url).await,
        None => {
            let why =
                mirror.primary().and_then(|it| it.trouble.as_deref()).unwrap_or("PostHog was not asked yet");
            session.answer(MessageType::WARNING, why).await;
        }
    }
}

/// Opens a page in the browser, or tells its address.
async fn open(session: &Session, url: Url) {
    if session.caps.show_document && matches!(url.scheme(), "https" | "http") {
        let params = ShowDocumentParams {
            uri: url.clone(),
            external: Some(true),
            take_focus: Some(true),
            selection: None,
        };
        let shown = session.client.send_request::<ShowDocument>(params);
        if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(10), shown).await
            && answer.success
        {
            return;
        }
    }
    session.answer(MessageType::INFO, url.as_str()).await;
}

/// Asks the client to apply an edit. Returns whether it did; why not is told.
pub(super) async fn apply_edit(session: &Session, label: String, edit: WorkspaceEdit) -> bool {
    let params = ApplyWorkspaceEditParams { label: Some(label), edit };
    let applied = session.client.send_request::<ApplyWorkspaceEdit>(params);
    let why = match tokio::time::timeout(Duration::from_secs(10), applied).await {
        Ok(Ok(answer)) if answer.applied => return true,
        Ok(Ok(answer)) => answer.failure_reason.unwrap_or_else(|| "the editor refused the edit".into()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the editor did not answer".into(),
    };
    session.answer(MessageType::ERROR, &format!("nothing was changed: {why}")).await;
    false
}

async fn apply(session: &Session, LabelledEdit { label, edit }: LabelledEdit) {
    apply_edit(session, label, edit).await;
}
