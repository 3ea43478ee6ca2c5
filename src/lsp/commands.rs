//! `workspace/executeCommand`: each command runs in a task of its own; the handler returns at once.

use std::path::PathBuf;
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

use super::clean;
use super::progress::Progress;
use super::session::Session;
use crate::config::Config;
use crate::flags::{Environment, FlagKey};
use crate::posthog::refresh::Ask;
use crate::posthog::{self, Client};
use crate::rollout::{self, Created, Interrupted, Made};
use crate::workspace::Workspace;

pub(super) const CREATE_FEATURE: &str = "flagline.createFeature";
pub(super) const CLEAN: &str = "flagline.clean";
pub(super) const OPEN: &str = "flagline.open";
pub(super) const REFRESH: &str = "flagline.refresh";
pub(super) const EXPLAIN: &str = "flagline.explain";
pub(super) const APPLY_EDIT: &str = "flagline.applyEdit";
/// The client's own command, for lenses.
pub(super) const SHOW_REFERENCES: &str = "flagline.showReferences";

/// Everything that can be executed.
pub(super) const NAMES: [&str; 6] = [CREATE_FEATURE, CLEAN, OPEN, REFRESH, EXPLAIN, APPLY_EDIT];

/// A flag, and the document that decides whose it is.
#[derive(Deserialize)]
struct Key {
    key: String,
    uri: Option<Url>,
}

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
            let wanted: Key = argument(params.arguments)?;
            tokio::spawn(async move { create_feature(&session, wanted).await });
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
        EXPLAIN => {
            let Reason { reason } = argument(params.arguments)?;
            let message = format!("Flagline: {reason}");
            tokio::spawn(async move { session.client.show_message(MessageType::INFO, message).await });
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

async fn create_feature(session: &Session, Key { key, uri }: Key) {
    let key = &FlagKey::from(key.as_str());
    let config = match config_to_write(session, uri.as_ref()) {
        Ok(config) => config,
        Err(why) => {
            let message = crate::analysis::plain(&format!("Flagline: feature '{key}' is not created: {why}"));
            return session.client.show_message(MessageType::ERROR, message).await;
        }
    };
    let title = format!("Creating feature '{key}'");
    let progress = if session.caps.progress { Progress::begin(&session.client, &title).await } else { None };
    let (kind, message) = match try_create(session, key, &config).await {
        Ok(message) => (MessageType::INFO, message),
        Err(stopped) => {
            let host = config.environments.first().map(|it| &*it.host).unwrap_or_default();
            (MessageType::ERROR, interrupted(key, host, &stopped))
        }
    };
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    session.client.show_message(kind, format!("Flagline: {message}")).await;
}

/// What is missing, why, and what to do. Nobody knows for certain how far it came: an answer may be lost after
/// something was made.
fn interrupted(key: &FlagKey, host: &str, Interrupted { error, missing, flag }: &Interrupted) -> String {
    let is_refused = matches!(error, posthog::Error::Forbidden(_));
    let nothing_was_sent = matches!(error, posthog::Error::Settings(_) | posthog::Error::SignedOut { .. });
    let state = match flag {
        Some(_) => format!("not complete, {missing} is missing"),
        None if is_refused || nothing_was_sent => "not created".into(),
        None => "not complete".into(),
    };
    let remedy = match error {
        _ if is_refused => format!(
            "; give the key the scopes feature_flag:write, dashboard:write and insight:write under \
             {host}/settings/user-api-keys, and run it again to complete what is missing"
        ),
        _ if error.is_passing() => "; run it again to complete what is missing".into(),
        _ => String::new(),
    };
    crate::analysis::plain(&format!("feature '{key}' is {state}: {error}{remedy}"))
}

/// The settings for a document; the first folder's when none is named.
pub(super) fn config_of(session: &Session, uri: Option<&Url>) -> Arc<Config> {
    match uri {
        Some(uri) => session.workspace.config_of(&Workspace::path_of(uri)),
        None => session.workspace.configs().swap_remove(0).1,
    }
}

/// The settings for something to be written. Which project is meant must be clear: the document lies in a folder, or
/// all folders mean the same.
fn config_to_write(session: &Session, uri: Option<&Url>) -> std::result::Result<Arc<Config>, &'static str> {
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
        return Err(
            "the folders that are open belong to different projects; open a file of the folder that is meant, \
                    and run it again",
        );
    }
    Ok(config_of(session, uri))
}

/// Before anything was sent.
fn not_begun(error: posthog::Error) -> Interrupted {
    Interrupted { error, missing: "the flag", flag: None }
}

fn not_possible(why: &str) -> Interrupted {
    not_begun(posthog::Error::Settings(why.into()))
}

async fn try_create(
    session: &Session,
    key: &FlagKey,
    config: &Config,
) -> std::result::Result<String, Interrupted> {
    let workspace = &session.workspace;
    let configured = config.environments.first().ok_or_else(|| not_possible("no environment is set"))?;
    if config.read_only {
        return Err(not_possible("this workspace is not trusted, so nothing is written to PostHog"));
    }
    if !key.is_valid() {
        return Err(not_possible("PostHog takes letters, digits, - and _ in a key, 400 at most"));
    }
    let client = Client::new(configured).map_err(not_begun)?;
    let mirror = workspace.mirror_of(config);
    let known = mirror.primary().and_then(|it| it.project.clone());
    let project = match known {
        Some(project) => project,
        None => client.project(configured).await.map_err(not_begun)?.into(),
    };
    let created = rollout::create_feature(&client, &project, key, config.plans.get("default")).await;
    match created.as_ref().map_or_else(|it| it.flag.as_ref(), |it| Some(&it.flag)) {
        // Also of a creation that was interrupted: what completes it is offered from now on.
        Some(flag) => {
            session.note_written(flag.id, Some(flag.stamp()));
            let (host, flag) = (configured.host.clone(), Arc::new(flag.clone()));
            workspace.refresh.ask(Ask::Written { host, project: project.id, flag });
        }
        // The answer may be lost, and the flag be there.
        None => workspace.refresh.ask(Ask::Everything),
    }
    let created = created?;
    let environment =
        Environment { host: configured.host.clone(), project: Some(project), ..Environment::default() };
    Ok(words(&created, &environment))
}

/// What was made, and where it is.
fn words(created: &Created, environment: &Environment) -> String {
    let page = |path: String| environment.page(path).unwrap_or_default();
    let made = |it: Made, what: &str| match it {
        Made::Now => format!("{what} created"),
        Made::Before => format!("{what} was there"),
    };
    let project = environment.project.as_ref().map(|it| it.name.to_string()).unwrap_or_default();
    let state = if created.flag.active { "on" } else { "off, nobody sees it yet" };
    crate::analysis::plain(&format!(
        "feature '{}' in {project}: {} ({state}) {} · {} {}",
        created.flag.key,
        made(created.flag_made, "flag"),
        page(format!("feature_flags/{}", created.flag.id)),
        made(created.dashboard_made, "dashboard"),
        page(format!("dashboard/{}", created.dashboard)),
    ))
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
            session.client.show_message(MessageType::WARNING, format!("Flagline: {why}")).await;
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
    session.client.show_message(MessageType::INFO, format!("Flagline: {url}")).await;
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
    session.client.show_message(MessageType::ERROR, format!("Flagline: nothing was changed: {why}")).await;
    false
}

async fn apply(session: &Session, LabelledEdit { label, edit }: LabelledEdit) {
    apply_edit(session, label, edit).await;
}
