//! `workspace/executeCommand`: each command runs in a task of its own; the handler returns at once.

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

use super::progress::Progress;
use super::session::Session;
use crate::config::Config;
use crate::flags::{Environment, FlagKey};
use crate::posthog::refresh::Ask;
use crate::posthog::{self, Client};
use crate::rollout::{self, Created, Made};
use crate::workspace::Workspace;

pub(super) const CREATE_FEATURE: &str = "flagline.createFeature";
pub(super) const OPEN: &str = "flagline.open";
pub(super) const REFRESH: &str = "flagline.refresh";
pub(super) const EXPLAIN: &str = "flagline.explain";
pub(super) const APPLY_EDIT: &str = "flagline.applyEdit";
/// The client's own command, for lenses.
pub(super) const SHOW_REFERENCES: &str = "flagline.showReferences";

/// Everything that can be executed.
pub(super) const NAMES: [&str; 5] = [CREATE_FEATURE, OPEN, REFRESH, EXPLAIN, APPLY_EDIT];

/// A flag, and the document that decides whose it is.
#[derive(Deserialize)]
struct Key {
    key: String,
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
    let (key, config) = (&FlagKey::from(key.as_str()), config_of(session, uri.as_ref()));
    let title = format!("Creating feature '{key}'");
    let progress = if session.caps.progress { Progress::begin(&session.client, &title).await } else { None };
    let (kind, message) = match try_create(session, key, &config).await {
        Ok(message) => (MessageType::INFO, message),
        Err(error) => (MessageType::ERROR, interrupted(key, &error)),
    };
    if let Some(progress) = progress {
        progress.end(None).await;
    }
    session.client.show_message(kind, format!("Flagline: {message}")).await;
}

/// Nobody knows how far it came: an answer may be lost after the flag was made.
fn interrupted(key: &FlagKey, error: &posthog::Error) -> String {
    if matches!(error, posthog::Error::Settings(_) | posthog::Error::SignedOut { .. }) {
        return crate::analysis::plain(&format!("feature '{key}' is not created: {error}"));
    }
    let again = if error.is_passing() { "; run it again to complete what is missing" } else { "" };
    crate::analysis::plain(&format!("feature '{key}' is not complete: {error}{again}"))
}

/// The settings for a document; the first folder's when none is named.
fn config_of(session: &Session, uri: Option<&Url>) -> Arc<Config> {
    match uri {
        Some(uri) => session.workspace.config_of(&Workspace::path_of(uri)),
        None => session.workspace.configs().swap_remove(0).1,
    }
}

async fn try_create(
    session: &Session,
    key: &FlagKey,
    config: &Config,
) -> std::result::Result<String, posthog::Error> {
    let workspace = &session.workspace;
    let Some(configured) = config.environments.first() else {
        return Err(posthog::Error::Settings("no environment is set".into()));
    };
    if config.read_only {
        let why = "this workspace is not trusted, so nothing is written to PostHog";
        return Err(posthog::Error::Settings(why.into()));
    }
    if !key.is_valid() {
        let why = "PostHog takes letters, digits, - and _ in a key, 400 at most";
        return Err(posthog::Error::Settings(why.into()));
    }
    let client = Client::new(configured)?;
    let mirror = workspace.mirror_of(config);
    let known = mirror.primary().and_then(|it| it.project.clone());
    let project = match known {
        Some(project) => project,
        None => client.project(configured.project).await?.into(),
    };
    let created = rollout::create_feature(&client, &project, key, config.plans.get("default")).await?;
    session.note_written(created.flag.id, created.flag.version);
    workspace.refresh.ask(Ask::Written {
        host: configured.host.clone(),
        project: project.id,
        flag: Arc::new(created.flag.clone()),
    });
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

async fn apply(session: &Session, LabelledEdit { label, edit }: LabelledEdit) {
    let params = ApplyWorkspaceEditParams { label: Some(label), edit };
    let applied = session.client.send_request::<ApplyWorkspaceEdit>(params);
    let why = match tokio::time::timeout(Duration::from_secs(10), applied).await {
        Ok(Ok(answer)) if answer.applied => return,
        Ok(Ok(answer)) => answer.failure_reason.unwrap_or_else(|| "the editor refused the edit".into()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the editor did not answer".into(),
    };
    session.client.show_message(MessageType::ERROR, format!("Flagline: nothing was changed: {why}")).await;
}
