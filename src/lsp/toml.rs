//! `flagline.toml` in an editor: what is wrong in it, what can be written, what a key means. Of briefs too: what they
//! consist of, and how they are laid out.

use std::path::Path;

use tower_lsp::lsp_types::{
    CompletionItem, Diagnostic, DocumentSymbolResponse, Hover, Position, TextEdit, Url,
};

use super::capabilities::ClientCaps;
use super::convert;
use crate::analysis;
use crate::config::{FileProblem, file, posthog_json};
use crate::feature::brief::is_brief;
use crate::schema;
use crate::text::Text;
use crate::workspace::Workspace;

/// Everything wrong in a settings file, as it stands in the editor or else on disk.
pub(super) fn diagnostics(workspace: &Workspace, path: &Path, caps: &ClientCaps) -> Vec<Diagnostic> {
    let Some(text) = workspace.settings_text(path) else { return Vec::new() };
    let problems: Vec<FileProblem> = match path.file_name().is_some_and(|it| it == posthog_json::FILE_NAME) {
        true => posthog_json::read(text.as_str()).1,
        false => file::read(text.as_str()).err().unwrap_or_default(),
    };
    problems.iter().map(|it| convert::settings_problem(&text, it, caps.encoding)).collect()
}

/// What can be written at a place.
pub(super) fn completions(text: &Text, position: Position, caps: &ClientCaps) -> Vec<CompletionItem> {
    let offset = text.offset(convert::line_column(position), caps.encoding);
    let items = schema::complete(file::schema(), text.as_str(), offset).into_iter();
    items.map(|it| convert::completion(text, it, caps)).collect()
}

/// What the key or value at a place means.
pub(super) fn hover(text: &Text, position: Position, caps: &ClientCaps) -> Option<Hover> {
    let offset = text.offset(convert::line_column(position), caps.encoding);
    let (markdown, span) = schema::explain(file::schema(), text.as_str(), offset)?;
    Some(convert::explanation(text, markdown, span, caps))
}

/// What a document consists of.
pub(super) fn symbols(text: &Text, path: &Path, uri: &Url, caps: &ClientCaps) -> DocumentSymbolResponse {
    convert::symbols(text, analysis::outline(text.as_str(), is_brief(path)), uri, caps)
}

/// The edits that lay a document out; none for one that cannot be read.
pub(super) fn formatting(text: &Text, caps: &ClientCaps) -> Option<Vec<TextEdit>> {
    let formatted = schema::format(text.as_str())?;
    let edits = schema::differing_lines(text.as_str(), &formatted).into_iter();
    Some(edits.map(|(range, with)| convert::text_edit(text, range, with, caps.encoding)).collect())
}
