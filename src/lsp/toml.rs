//! `flagline.toml` in an editor: what is wrong in it, what can be written, what a key means.

use std::path::Path;

use tower_lsp::lsp_types::{CompletionItem, Diagnostic, Hover, Position};

use super::capabilities::ClientCaps;
use super::convert;
use crate::config::{FileProblem, file, posthog_json};
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
    items.map(|it| convert::completion(text, it, caps.encoding)).collect()
}

/// What the key or value at a place means.
pub(super) fn hover(text: &Text, position: Position, caps: &ClientCaps) -> Option<Hover> {
    let offset = text.offset(convert::line_column(position), caps.encoding);
    let (markdown, span) = schema::explain(file::schema(), text.as_str(), offset)?;
    Some(convert::explanation(text, markdown, span, caps))
}
