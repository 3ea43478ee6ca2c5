//! `flagline.createFeature`: writes the brief of a feature and opens it; a selection is wrapped in the flag's check.

use std::sync::Arc;

use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Range, Url, WorkspaceEdit};

use super::commands::{apply_edit, open_file};
use super::feature::brief_near;
use super::new_feature::wrapping_edit;
use super::session::Session;
use crate::analysis::NOTHING_WRITTEN;
use crate::feature::brief::{Draft, MetricKind, Release, name_for};
use crate::flags::FlagKey;
use crate::workspace::{NotWritten, Workspace, write_brief};

/// A feature to create: as much as is known of it.
#[derive(Debug, Deserialize)]
pub(super) struct ToCreate {
    /// The flag's key.
    key: String,
    name: Option<String>,
    owner: Option<String>,
    hypothesis: Option<String>,
    release: Option<Release>,
    metric: Option<ToMeasure>,
    /// The document that decides whose it is.
    uri: Option<Url>,
    /// What of it is wrapped in the flag's check.
    range: Option<Range>,
    /// The version of the document in which the range means that; without one the present one.
    version: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct ToMeasure {
    kind: MetricKind,
    #[serde(default)]
    events: Vec<String>,
}

/// Creates a feature, wraps the code in its check, and says what comes next. Code that cannot be wrapped is said before
/// anything is written, so that the same can be tried again with other code.
pub(super) async fn run(session: &Arc<Session>, wanted: ToCreate) {
    let key = FlagKey::from(wanted.key.as_str());
    let wrapping = match wrapping(session, &key, &wanted).await {
        Ok(wrapping) => wrapping,
        Err(why) => {
            let next = "Select other code, or none to create the feature alone";
            let text =
                format!("feature '{key}' is not created, since the code is not wrapped: {why}. {next}");
            return session.answer(MessageType::ERROR, &text).await;
        }
    };
    match create(session, &key, wanted) {
        Ok(path) => {
            // Not every client tells of new files, and what is offered next depends on it.
            drop(session.read_again(vec![path.as_path().into()]).await);
            wrap(session, &key, wrapping).await;
            let place = match open_file(session, &path).await {
                true => String::new(),
                false => format!(": {}", path.display()),
            };
            let next = "Launch it from there once it says what you mean";
            session.answer(MessageType::INFO, &format!("'{key}' has a brief now{place}. {next}")).await;
        }
        Err(Refusal::Exists(path, why)) => {
            wrap(session, &key, wrapping).await;
            open_file(session, &path).await;
            session.answer(MessageType::INFO, &why).await;
        }
        Err(Refusal::Other(why)) => {
            session.answer(MessageType::ERROR, &format!("feature '{key}' is not created: {why}")).await;
        }
    }
}

/// What comes of the code at the place of a feature.
enum Wrapping {
    /// No code is selected.
    Nothing,
    /// The code is not what it was when it was selected.
    Changed,
    /// The edit that wraps it.
    Edit(Box<WorkspaceEdit>),
}

/// How the selected code is wrapped; an error says why it cannot be.
async fn wrapping(session: &Session, key: &FlagKey, wanted: &ToCreate) -> Result<Wrapping, String> {
    let place = wanted.uri.as_ref().zip(wanted.range).filter(|it| it.1.start != it.1.end);
    let Some((uri, range)) = place else { return Ok(Wrapping::Nothing) };
    let path = Workspace::path_of(uri);
    session.first_scan().await;
    let now = session.workspace.document(&path).map(|it| it.1);
    if wanted.version.is_some_and(|it| now.is_some_and(|now| it != now)) {
        return Ok(Wrapping::Changed);
    }
    let variant = match brief_near(session, key, Some(uri)) {
        // A brief that is there has decided.
        Ok(Some(found)) => found.brief.variants().into_iter().map(|it| it.key).find(|it| it != "control"),
        _ => (wanted.release == Some(Release::AbTest)).then(|| "test".to_owned()),
    };
    wrapping_edit(session, &path, range, key, variant.as_deref()).map(|it| Wrapping::Edit(it.into()))
}

/// Wraps the code; why it is not wrapped is told.
async fn wrap(session: &Session, key: &FlagKey, wrapping: Wrapping) {
    match wrapping {
        Wrapping::Nothing => {}
        Wrapping::Changed => {
            let text = "the code changed meanwhile, it is not wrapped. Select it once more and create the feature again";
            session.answer(MessageType::WARNING, text).await;
        }
        Wrapping::Edit(edit) => drop(apply_edit(session, format!("Wrap in '{key}'"), *edit).await),
    }
}

enum Refusal {
    /// There is one, which is shown.
    Exists(std::path::PathBuf, String),
    Other(String),
}

fn create(session: &Session, key: &FlagKey, wanted: ToCreate) -> Result<std::path::PathBuf, Refusal> {
    if !key.is_valid() {
        return Err(Refusal::Other("PostHog takes letters, digits, - and _ in a key, 400 at most".into()));
    }
    let workspace = &session.workspace;
    let path = wanted.uri.as_ref().map(Workspace::path_of);
    let home = workspace.brief_home(path.as_deref());
    let home = home.ok_or_else(|| Refusal::Other("no folder is open to write its brief to".into()))?;
    let config = super::commands::config_of(session, wanted.uri.as_ref());
    if config.read_only {
        return Err(Refusal::Other(NOTHING_WRITTEN.into()));
    }
    let me = || workspace.mirror_of(&config).primary().and_then(|it| it.me.as_deref().map(str::to_owned));
    let name = wanted.name.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| name_for(key));
    let draft = Draft {
        name,
        owner: wanted.owner.or_else(me),
        hypothesis: wanted.hypothesis,
        release: wanted.release.unwrap_or_default(),
        metric: wanted.metric.map(|it| (it.kind, it.events)),
        key: key.clone(),
    };
    write_brief(&home, &draft).map_err(|why| match why {
        NotWritten::Exists { ref path, .. } => Refusal::Exists(path.clone(), why.to_string()),
        NotWritten::Disk { .. } => Refusal::Other(why.to_string()),
    })
}
