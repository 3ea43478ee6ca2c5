//! A brief in an editor: what is wrong in it, what can be written, what stands there, and where it leads.

use std::path::Path;

use jiff::Timestamp;
use tower_lsp::lsp_types::{CompletionItem, Diagnostic, Hover, Location, Position, Url};

use super::capabilities::ClientCaps;
use super::convert;
use crate::analysis::{self, BriefHover, BriefSnapshot, BriefTarget};
use crate::flags::FlagKey;
use crate::text::Text;
use crate::workspace::Workspace;

/// Everything worth telling about a brief, open or closed.
pub(super) fn diagnostics(workspace: &Workspace, path: &Path, caps: &ClientCaps) -> Vec<Diagnostic> {
    let Some(snapshot) = workspace.brief_snapshot(path, Timestamp::now()) else { return Vec::new() };
    let findings = analysis::brief_findings(&snapshot);
    findings.iter().map(|it| convert::brief_finding(&snapshot.file.text, it, caps)).collect()
}

/// What can be written at a place.
pub(super) fn completions(
    brief: &BriefSnapshot,
    position: Position,
    caps: &ClientCaps,
) -> Vec<CompletionItem> {
    let items = analysis::brief_completions(brief, offset(brief, position, caps)).into_iter();
    items.map(|it| convert::completion(&brief.file.text, it, caps)).collect()
}

/// What stands at a place, and the flag whose card that is.
pub(super) fn hover(
    brief: &BriefSnapshot,
    position: Position,
    caps: &ClientCaps,
) -> Option<(Hover, Option<FlagKey>)> {
    let BriefHover { text, span, key } =
        analysis::brief_hover(brief, offset(brief, position, caps), caps.hover_markup)?;
    Some((convert::words(&brief.file.text, text, span, caps), key))
}

/// The key at a place, if it is the brief's.
pub(super) fn key_at(brief: &BriefSnapshot, position: Position, caps: &ClientCaps) -> Option<FlagKey> {
    analysis::brief_key_at(brief, offset(brief, position, caps))
}

/// Where a place leads.
pub(super) fn target(brief: &BriefSnapshot, position: Position, caps: &ClientCaps) -> Option<BriefTarget> {
    analysis::brief_target(brief, offset(brief, position, caps))
}

/// The brief of a flag; with several, that of the folder of `path`.
pub(super) fn location(
    workspace: &Workspace,
    key: &FlagKey,
    path: &Path,
    caps: &ClientCaps,
) -> Option<Location> {
    let shared = |it: &Path| it.components().zip(path.components()).take_while(|it| it.0 == it.1).count();
    let briefs = workspace.briefs().into_iter().filter(|it| it.key() == Some(key));
    let brief = briefs.max_by_key(|it| shared(&it.path))?;
    place(workspace, &brief.path, &brief.text, brief.key_span()?, caps)
}

/// A plan of the `flagline.toml` that counts for a path, or a stage of it.
pub(super) fn plan_location(
    workspace: &Workspace,
    path: &Path,
    plan: &str,
    stage: Option<&str>,
    caps: &ClientCaps,
) -> Option<Location> {
    let settings = workspace.settings_file_of(path)?;
    let text = workspace.settings_text(&settings)?;
    let span = analysis::plan_span(text.as_str(), plan, stage)?;
    place(workspace, &settings, &text, span, caps)
}

/// A place in a document, by the client's address of it.
pub(super) fn place(
    workspace: &Workspace,
    path: &Path,
    text: &Text,
    span: std::ops::Range<usize>,
    caps: &ClientCaps,
) -> Option<Location> {
    let uri: Url = workspace.address_of(path)?.0;
    Some(Location { uri, range: convert::range(text.span(span), caps.encoding) })
}

fn offset(brief: &BriefSnapshot, position: Position, caps: &ClientCaps) -> usize {
    brief.file.text.offset(convert::line_column(position), caps.encoding)
}
