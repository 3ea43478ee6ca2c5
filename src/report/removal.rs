//! What a removal does, for people (a diff) and programs.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use similar::TextDiff;

use super::relative;
use crate::removal::{FileChange, Refusal, Removal, apply};
use crate::text::{Span, Text};

/// One flag's removal in public JSON.
#[derive(Debug, Serialize)]
pub struct RemovalRow {
    /// The flag's key.
    pub key: String,
    /// What it is taken to serve for ever: `on`, `off` or a variant.
    pub keep: String,
    /// What changes.
    pub files: Vec<FileRow>,
    /// What is left alone, and why. Where there is one, nothing changes, unless the part that works was asked for.
    pub refusals: Vec<RefusalRow>,
    /// What is left to look at: where the key still stands between quotes, and tests of what went.
    pub leftovers: Vec<LeftoverRow>,
}

/// A file that changes.
#[derive(Debug, Serialize)]
pub struct FileRow {
    /// Relative to the working directory.
    pub path: String,
    /// Whether nothing is left of it.
    pub deleted: bool,
    /// In the order of the file; places are those before any edit.
    pub edits: Vec<EditRow>,
}

/// One replacement.
#[derive(Debug, Serialize)]
pub struct EditRow {
    /// What is replaced.
    pub range: RangeRow,
    /// By what.
    pub text: String,
}

/// A read that stays.
#[derive(Debug, Serialize)]
pub struct RefusalRow {
    /// Relative to the working directory.
    pub path: String,
    /// What is in the way.
    pub range: RangeRow,
    /// A sentence.
    pub reason: String,
}

/// A place to look at.
#[derive(Debug, Serialize)]
pub struct LeftoverRow {
    /// Relative to the working directory.
    pub path: String,
    /// Before any edit; of a text the quotes included.
    pub range: RangeRow,
    /// A sentence.
    pub reason: String,
}

/// From, and up to but without.
#[derive(Debug, Serialize)]
pub struct RangeRow {
    /// Where it begins.
    pub start: PointRow,
    /// Where it ends.
    pub end: PointRow,
}

/// A line and a column, both from 1; columns count Unicode scalar values.
#[derive(Debug, Serialize)]
pub struct PointRow {
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl From<Span> for RangeRow {
    fn from(span: Span) -> RangeRow {
        let point = |it: crate::text::Point| PointRow { line: it.line + 1, column: it.scalar + 1 };
        RangeRow { start: point(span.start), end: point(span.end) }
    }
}

/// A removal for programs; `text` gives the text of a file before it.
pub fn removal_json(
    key: &str,
    keep: &str,
    removal: &Removal,
    directory: &Path,
    text: impl Fn(&Path) -> Option<Arc<str>>,
) -> RemovalRow {
    let range = |path: &Path, range: std::ops::Range<usize>| {
        let text = Text::new(text(path).map(|it| it.to_string()).unwrap_or_default());
        RangeRow::from(text.span(range))
    };
    let files = removal.files.iter().map(|(path, change)| FileRow {
        path: relative(path, directory),
        deleted: *change == FileChange::Deleted,
        edits: match change {
            FileChange::Deleted => Vec::new(),
            FileChange::Edited(edits) => {
                let row = |it: &crate::removal::Edit| EditRow {
                    range: range(path, it.range.clone()),
                    text: it.text.clone(),
                };
                edits.iter().map(row).collect()
            }
        },
    });
    let refusal = |(path, it): &(Arc<Path>, Refusal)| RefusalRow {
        path: relative(path, directory),
        range: range(path, it.range.clone()),
        reason: it.reason.clone(),
    };
    RemovalRow {
        key: key.into(),
        keep: keep.into(),
        files: files.collect(),
        refusals: removal.refusals.iter().map(refusal).collect(),
        leftovers: removal
            .leftovers
            .iter()
            .map(|(path, it)| LeftoverRow {
                path: relative(path, directory),
                range: range(path, it.range.clone()),
                reason: it.reason.clone(),
            })
            .collect(),
    }
}

/// A removal as a unified diff.
pub fn removal_diff(removal: &Removal, directory: &Path, text: impl Fn(&Path) -> Option<Arc<str>>) -> String {
    let mut diff = String::new();
    for (path, change) in &removal.files {
        let before = text(path).unwrap_or_default();
        let (after, name) = match change {
            FileChange::Deleted => (String::new(), None),
            FileChange::Edited(edits) => (apply(&before, edits), Some(relative(path, directory))),
        };
        let old = format!("a/{}", relative(path, directory));
        let new = name.map_or_else(|| "/dev/null".to_owned(), |it| format!("b/{it}"));
        diff.push_str(&TextDiff::from_lines(&*before, &*after).unified_diff().header(&old, &new).to_string());
    }
    diff
}
