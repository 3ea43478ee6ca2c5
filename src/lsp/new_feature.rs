//! A new feature from a place in the code: what it may be called, and the code there wrapped in its check.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::lsp_types::{Range, TextDocumentIdentifier, WorkspaceEdit};

use super::convert::{self, Asked};
use super::session::Session;
use crate::analysis::{self, Snapshot};
use crate::config::Config;
use crate::feature::brief::name_for;
use crate::flags::{Access, Catalog, FlagKey, Mirror};
use crate::removal::World as _;
use crate::workspace::Workspace;
use crate::wrapping::{self, Request, Wrapped, name_at, suggest_key};

/// How long a client waits for the names that PostHog has to choose from.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Where a feature is to be.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    text_document: Option<TextDocumentIdentifier>,
    range: Option<Range>,
    /// What the feature is called, once somebody said so.
    name: Option<String>,
}

/// What a feature at a place may be called, who answers for it, and whether the code there can be wrapped.
pub(super) async fn suggest(session: &Session, place: Place) -> Value {
    let uri = place.text_document.map(|it| it.uri);
    let path = uri.as_ref().map(Workspace::path_of);
    let config = super::commands::config_of(session, uri.as_ref());
    if place.range.is_some_and(|it| it.start != it.end) {
        session.first_scan().await;
    }
    let snapshot = path.as_ref().and_then(|it| session.workspace.snapshot(it, Timestamp::now()));
    // Whoever has a name was asked for it, and what there is to choose from was answered before.
    let catalog_of = path.as_deref().filter(|_| place.name.is_none());
    let found = match place.name.filter(|it| !it.trim().is_empty()) {
        Some(name) => {
            let mirror = session.workspace.mirror_of(&config);
            let briefs = session.workspace.briefs();
            let has_brief = |key: &FlagKey| briefs.iter().any(|it| it.key() == Some(key));
            Some((free(&suggest_key(&name), |it| has_flag(&mirror, it) || has_brief(it)), name))
        }
        None => snapshot.as_ref().zip(place.range).and_then(|(it, range)| named(session, it, range)),
    };
    let key = found.as_ref().map(|it| it.0.clone());
    let wrapped = match (&snapshot, place.range) {
        (Some(snapshot), Some(range)) if range.start != range.end => {
            // Whether it can be does not depend on how it will be called.
            let key = key.clone().unwrap_or_else(|| suggest_key(""));
            Some(wrap(session, snapshot, range, &key, None).map(|it| it.asks))
        }
        _ => None,
    };
    let catalog = catalog(session, &config, catalog_of).await;
    let events = catalog.iter().flat_map(|it| &it.events.items).map(|it| it.name.as_str());
    let me = session.workspace.mirror_of(&config).primary().and_then(|it| it.me.clone());
    json!({
        "key": key.as_ref().map(FlagKey::as_str),
        "name": found.map(|it| it.1),
        "owner": me.as_deref(),
        "events": events.collect::<Vec<&str>>(),
        "wraps": wrapped.as_ref().and_then(|it| it.as_ref().ok()),
        "refused": wrapped.as_ref().and_then(|it| it.as_ref().err()),
        "version": snapshot.as_ref().and_then(|it| it.source.as_ref()).map(|it| it.version),
    })
}

/// A key and a name for a feature at a place: those of the flag that is read there and has no brief, else of the
/// component or function around.
pub(super) fn named(session: &Session, snapshot: &Snapshot, range: Range) -> Option<(FlagKey, String)> {
    let source = snapshot.source.as_ref()?;
    let selection = convert::offsets(source, range, session.caps.encoding);
    let of_flag = analysis::key_at(snapshot, selection.start).map(|it| it.0);
    let of_flag =
        of_flag.filter(|key| key.is_valid() && analysis::brief_note(&snapshot.briefs, key).is_none());
    if let Some(key) = of_flag {
        let name = name_for(&key);
        return Some((key, name));
    }
    let name = name_at(source, selection.start as usize..selection.end as usize)?;
    Some((unused(snapshot, &suggest_key(&name)), name))
}

/// A key and a name for a feature of which nothing is known yet.
pub(super) fn nameless(snapshot: &Snapshot) -> (FlagKey, String) {
    let key = unused(snapshot, &suggest_key(""));
    let name = name_for(&key);
    (key, name)
}

/// The key, or the first of its successors that nobody has.
fn unused(snapshot: &Snapshot, key: &FlagKey) -> FlagKey {
    free(key, |it| has_flag(&snapshot.mirror, it) || analysis::brief_note(&snapshot.briefs, it).is_some())
}

fn has_flag(mirror: &Mirror, key: &FlagKey) -> bool {
    let flags = mirror.primary().and_then(|it| it.flags.as_ref());
    flags.is_some_and(|it| it.by_key.contains_key(key))
}

fn free(key: &FlagKey, is_taken: impl Fn(&FlagKey) -> bool) -> FlagKey {
    let successors = (2..).map(|n| FlagKey::from(&*format!("{key}-{n}")));
    std::iter::once(key.clone()).chain(successors).find(|it| !is_taken(it)).unwrap_or_else(|| key.clone())
}

/// Wraps the code at a place in the check of a flag; an error is a sentence that says why not.
fn wrap(
    session: &Session,
    snapshot: &Snapshot,
    range: Range,
    key: &FlagKey,
    variant: Option<&str>,
) -> Result<Wrapped, String> {
    let source = snapshot.source.as_ref().ok_or("the file is not open")?;
    let selection = convert::offsets(source, range, session.caps.encoding);
    let world = session.workspace.code_world();
    let request = Request {
        source,
        path: &snapshot.path,
        facts: &snapshot.facts,
        index: &snapshot.index,
        names: &snapshot.config.names,
        text_of: &|path| world.text(path).map(|it| it.1),
        selection: selection.start as usize..selection.end as usize,
        key,
        variant,
    };
    wrapping::wrap(&request).map_err(|it| it.reason)
}

/// The same as an edit for the client.
pub(super) fn wrapping_edit(
    session: &Session,
    path: &Arc<Path>,
    range: Range,
    key: &FlagKey,
    variant: Option<&str>,
) -> Result<WorkspaceEdit, String> {
    let snapshot =
        session.workspace.snapshot(path, Timestamp::now()).ok_or("the file is not read by Flagline")?;
    let source = snapshot.source.clone().ok_or("the file is not open")?;
    let (uri, _) = session.workspace.document(path).ok_or("the file is not open")?;
    let wrapped = wrap(session, &snapshot, range, key, variant)?;
    let asked = Asked { uri: &uri, version: source.version, source: &source, caps: &session.caps };
    Ok(convert::workspace_edit(&wrapped.edits, &asked))
}

/// What PostHog has to choose from, unless it takes too long to say.
async fn catalog(session: &Session, config: &Config, path: Option<&Path>) -> Option<Arc<Catalog>> {
    let workspace = &session.workspace;
    let known = || workspace.mirror_of(config).primary().and_then(|it| it.catalog.clone());
    if let Some(path) = path {
        workspace.want_catalog(path);
    }
    let can_come = workspace.mirror_of(config).primary().is_some_and(|it| it.access == Access::Open);
    let came = async {
        loop {
            match known() {
                Some(catalog) => return catalog,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    if !can_come || path.is_none() {
        return known();
    }
    tokio::time::timeout(PATIENCE, came).await.ok()
}
