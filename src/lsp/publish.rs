//! The task that publishes diagnostics: after a short debounce, only what changed, never twice at once.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tower_lsp::Client;
use tower_lsp::lsp_types::{Diagnostic, Url};

use super::capabilities::ClientCaps;
use super::convert;
use crate::analysis;
use crate::config::Scope;
use crate::feature::brief::is_brief;
use crate::workspace::Workspace;

const DEBOUNCE: Duration = Duration::from_millis(150);
/// Somebody who never stops typing still sees something.
const LONGEST: Duration = Duration::from_millis(1000);

/// What to look at again.
#[derive(Debug)]
pub(super) enum Look {
    /// This file.
    At(Arc<Path>),
    /// Every file: what is known of flags changed.
    Everywhere,
}

/// Runs until the session ends.
pub(super) async fn run(
    workspace: Arc<Workspace>,
    client: Client,
    caps: Arc<ClientCaps>,
    mut looks: mpsc::UnboundedReceiver<Look>,
) {
    let mut published: HashMap<Url, Vec<Diagnostic>> = HashMap::new();
    while let Some(first) = looks.recv().await {
        let mut paths = BTreeSet::new();
        let mut everywhere = gather(&workspace, first, &mut paths);
        let deadline = tokio::time::Instant::now() + LONGEST;
        loop {
            let quiet = tokio::time::Instant::now() + DEBOUNCE;
            match tokio::time::timeout_at(quiet.min(deadline), looks.recv()).await {
                Ok(Some(look)) => everywhere |= gather(&workspace, look, &mut paths),
                Ok(None) => return,
                Err(_) => break,
            }
        }
        if everywhere {
            paths.extend(published.keys().map(Workspace::path_of));
        }
        for path in paths {
            publish(&workspace, &client, &caps, &path, &mut published).await;
        }
        // Nobody waits for the answers: a client that does not give one still has its diagnostics.
        if everywhere && caps.lens_refresh {
            let client = client.clone();
            tokio::spawn(async move { drop(client.code_lens_refresh().await) });
        }
        if everywhere && caps.inlay_refresh {
            let client = client.clone();
            tokio::spawn(async move { drop(client.inlay_hint_refresh().await) });
        }
    }
}

fn gather(workspace: &Workspace, look: Look, paths: &mut BTreeSet<Arc<Path>>) -> bool {
    match look {
        Look::At(path) => {
            // Two briefs may be of one flag, and what is said where code reads it depends on them.
            if is_brief(&path) {
                paths.extend(briefs(workspace));
                paths.extend(workspace.open_paths());
            }
            paths.insert(path);
            false
        }
        Look::Everywhere => {
            paths.extend(workspace.open_paths());
            paths.extend(workspace.settings_files());
            paths.extend(briefs(workspace));
            if workspace.configs().iter().any(|it| it.1.diagnostics == Scope::Workspace) {
                paths.extend(workspace.index().files().map(|it| it.0.clone()));
            }
            true
        }
    }
}

fn briefs(workspace: &Workspace) -> impl Iterator<Item = Arc<Path>> {
    workspace.briefs().into_iter().map(|it| it.path.clone())
}

async fn publish(
    workspace: &Workspace,
    client: &Client,
    caps: &ClientCaps,
    path: &Arc<Path>,
    published: &mut HashMap<Url, Vec<Diagnostic>>,
) {
    workspace.parsed(path).await;
    let document = workspace.document(path);
    let counts = document.is_some() || workspace.config_of(path).diagnostics == Scope::Workspace;
    let snapshot = workspace.snapshot(path, Timestamp::now()).filter(|_| counts);
    let version = snapshot.as_ref().and_then(|it| it.source.as_ref()).map(|it| it.version);
    let findings = snapshot.map(|snapshot| {
        // A file that breaks a rule must not end the diagnostics of all others.
        catch_unwind(AssertUnwindSafe(|| analysis::findings(&snapshot))).unwrap_or_default()
    });
    let mut diagnostics: Vec<Diagnostic> =
        findings.unwrap_or_default().iter().map(|it| convert::diagnostic(it, caps)).collect();
    if workspace.is_settings_file(path) {
        diagnostics = super::toml::diagnostics(workspace, path, caps);
    } else if is_brief(path) {
        diagnostics = super::brief::diagnostics(workspace, path, caps);
    }
    let uri = match document {
        Some((uri, _)) => uri,
        None => match Url::from_file_path(path).or_else(|()| Url::parse(&path.to_string_lossy())) {
            Ok(uri) => uri,
            Err(_) => return,
        },
    };
    if published.get(&uri).map_or(&[][..], Vec::as_slice) == diagnostics {
        return;
    }
    if diagnostics.is_empty() {
        published.remove(&uri);
    } else {
        published.insert(uri.clone(), diagnostics.clone());
    }
    client.publish_diagnostics(uri, diagnostics, version).await;
}
