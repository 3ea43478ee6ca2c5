//! The feature that a command means: its brief, and the settings of the folder in which that lies. In a workspace of
//! several folders, the document that somebody looks at may be about another project.

use std::path::Path;
use std::sync::Arc;

use tower_lsp::lsp_types::Url;

use super::commands::{config_of, settings_to_write, trusted};
use super::session::Session;
use crate::config::Config;
use crate::flags::FlagKey;
use crate::workspace::{FoundBrief, Workspace};

/// The brief of a feature that is to be written to PostHog, and the settings that count for it; or why nothing may be.
pub(super) fn brief_to_write(
    session: &Session,
    key: &FlagKey,
    uri: Option<&Url>,
) -> Result<(Arc<Config>, FoundBrief), String> {
    trusted(config_of(session, uri))?;
    let found = brief_near(session, key, uri);
    if !matches!(found, Ok(Some(_))) {
        // Which project is meant comes before what is wrong in it.
        settings_to_write(session, uri)?;
    }
    let found = found?.ok_or("it has no brief; create the feature first")?;
    let config = settings_to_write(session, own_address(session, &found.path).as_ref().or(uri))?;
    Ok((config, found))
}

/// The settings that count for a brief.
pub(super) fn config_of_brief(session: &Session, found: &FoundBrief, uri: Option<&Url>) -> Arc<Config> {
    config_of(session, own_address(session, &found.path).as_ref().or(uri))
}

/// The brief of a flag of the project that these settings are about, if it can be understood.
pub(super) fn brief_there(
    session: &Session,
    key: &FlagKey,
    uri: Option<&Url>,
    config: &Config,
) -> Option<FoundBrief> {
    let found = brief_near(session, key, uri).ok()??;
    let project = |it: &Config| it.environments.first().map(|it| (it.host.clone(), it.project));
    (project(&config_of_brief(session, &found, uri)) == project(config)).then_some(found)
}

/// The brief of a flag, of the folder of a document rather than of another one.
pub(super) fn brief_near(
    session: &Session,
    key: &FlagKey,
    uri: Option<&Url>,
) -> Result<Option<FoundBrief>, String> {
    session.workspace.brief_of(key, uri.map(Workspace::path_of).as_deref())
}

/// The address of a brief by which its settings are found, unless it lies above all folders: then those of the document
/// count.
fn own_address(session: &Session, path: &Path) -> Option<Url> {
    let is_around = session.workspace.roots().iter().any(|it| path.starts_with(it));
    is_around.then(|| Url::from_file_path(path).ok())?
}
