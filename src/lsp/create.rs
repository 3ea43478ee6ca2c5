//! `flagline.createFeature`: writes the brief of a feature and opens it; a selection is wrapped in the flag's check.

use std::sync::Arc;

use serde::Deserialize;
use tower_lsp::lsp_types::{MessageType, Range, Url};

use super::commands::{apply_edit, open_file};
use super::new_feature::wrapping_edit;
use super::session::Session;
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
}

#[derive(Debug, Deserialize)]
struct ToMeasure {
    kind: MetricKind,
    #[serde(default)]
    events: Vec<String>,
}

/// Creates a feature and says what comes next.
pub(super) async fn run(session: &Arc<Session>, wanted: ToCreate) {
    let key = FlagKey::from(wanted.key.as_str());
    let place = wanted.uri.clone().zip(wanted.range).filter(|it| it.1.start != it.1.end);
    let variant = (wanted.release == Some(Release::AbTest)).then_some("test");
    match create(session, &key, wanted) {
        Ok(path) => {
            // Not every client tells of new files.
            session.reread(vec![path.as_path().into()]);
            if let Some((uri, range)) = place {
                wrap(session, &key, &uri, range, variant).await;
            }
            let place = match open_file(session, &path).await {
                true => String::new(),
                false => format!(": {}", path.display()),
            };
            let next = "Launch it from there once it says what you mean";
            session.answer(MessageType::INFO, &format!("'{key}' has a brief now{place}. {next}")).await;
        }
        Err(Refusal::Exists(path, why)) => {
            open_file(session, &path).await;
            session.answer(MessageType::INFO, &why).await;
        }
        Err(Refusal::Other(why)) => {
            session.answer(MessageType::ERROR, &format!("feature '{key}' is not created: {why}")).await;
        }
    }
}

/// Wraps the code at a place; why it is not wrapped is told.
async fn wrap(session: &Session, key: &FlagKey, uri: &Url, range: Range, variant: Option<&str>) {
    match wrapping_edit(session, &Workspace::path_of(uri), range, key, variant) {
        Ok(edit) => drop(apply_edit(session, format!("Wrap in '{key}'"), edit).await),
        Err(why) => session.answer(MessageType::WARNING, &format!("the code is not wrapped: {why}")).await,
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
