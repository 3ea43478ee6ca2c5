use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::analysis::plain;
use crate::index::scan::Scanned;
use crate::syntax::{Certainty, Definition, KeyFrom, Language, Read, Returns, Via};
use crate::text::Span;

/// The public JSON of `flagline reads`: sorted by path, line, column, key; paths relative to the working
/// directory with `/`; lines and columns from 1, columns in Unicode scalar values; the end is exclusive.
#[derive(Debug, Serialize)]
pub struct Listing<'a> {
    /// Places that evaluate a flag.
    pub reads: Vec<ReadRow<'a>>,
    /// Constants, enum members and registry properties that hold a key.
    pub definitions: Vec<DefinitionRow<'a>>,
}

/// A read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadRow<'a> {
    #[serde(flatten)]
    place: Place,
    key: Option<&'a str>,
    prefix: Option<&'a str>,
    method: &'a str,
    returns: &'static str,
    key_from: &'static str,
    via: &'static str,
    certainty: &'static str,
    forwarded: bool,
    language: &'static str,
}

/// A definition.
#[derive(Debug, Serialize)]
pub struct DefinitionRow<'a> {
    #[serde(flatten)]
    place: Place,
    key: &'a str,
    name: &'a str,
    language: &'static str,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

/// Lists what a scan found, paths relative to `directory`.
pub fn listing<'a>(scanned: &'a [Scanned], directory: &Path) -> Listing<'a> {
    let mut listing = Listing { reads: Vec::new(), definitions: Vec::new() };
    for file in scanned {
        let Ok(facts) = &file.facts else { continue };
        let path = relative(&file.path, directory);
        listing.reads.extend(facts.reads.iter().map(|it| read_row(&path, file.language, it)));
        listing
            .definitions
            .extend(facts.definitions.iter().map(|it| definition_row(&path, file.language, it)));
    }
    listing.reads.sort_by(|a, b| (&a.place, a.key).cmp(&(&b.place, b.key)));
    listing.definitions.sort_by(|a, b| (&a.place, a.key).cmp(&(&b.place, b.key)));
    listing
}

/// One line a read: `src/a.ts:3:30 new-nav isFeatureEnabled (boolean, call)`.
pub fn reads_text(listing: &Listing) -> String {
    let mut text = String::new();
    for read in &listing.reads {
        let Place { path, line, column, .. } = &read.place;
        let key = match (read.key, read.prefix) {
            (Some(key), _) => plain(key),
            (None, Some(prefix)) => format!("{}…", plain(prefix)),
            (None, None) => "(decided at run time)".into(),
        };
        let inferred = if read.certainty == "inferred" { ", inferred" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{path}:{line}:{column} {key} {} ({}, {}{inferred})",
            read.method, read.returns, read.via
        );
    }
    text
}

fn read_row<'a>(path: &str, language: Language, read: &'a Read) -> ReadRow<'a> {
    ReadRow {
        place: place(path, read.key_span),
        key: read.key.as_ref().map(|it| it.as_str()),
        prefix: read.prefix.as_deref(),
        method: &read.method,
        returns: match read.returns {
            Returns::Boolean => "boolean",
            Returns::Variant => "variant",
            Returns::Payload => "payload",
            Returns::Result => "result",
        },
        key_from: match read.key_from {
            KeyFrom::Literal => "literal",
            KeyFrom::Constant => "constant",
            KeyFrom::Enum => "enum",
            KeyFrom::PropertyName => "property-name",
            KeyFrom::Template => "template",
        },
        via: match read.via {
            Via::Call => "call",
            Via::Hook => "hook",
            Via::Component => "component",
            Via::Snapshot => "snapshot",
            Via::Map => "map",
            Via::Callback => "callback",
            Via::Wrapper => "wrapper",
        },
        certainty: match read.certainty {
            Certainty::Certain => "certain",
            Certainty::Inferred => "inferred",
        },
        forwarded: read.is_forwarded,
        language: language.name(),
    }
}

fn definition_row<'a>(path: &str, language: Language, definition: &'a Definition) -> DefinitionRow<'a> {
    DefinitionRow {
        place: place(path, definition.key_span),
        key: definition.key.as_str(),
        name: &definition.name,
        language: language.name(),
    }
}

pub(super) fn place(path: &str, span: Span) -> Place {
    Place {
        path: path.to_owned(),
        line: span.start.line + 1,
        column: span.start.scalar + 1,
        end_line: span.end.line + 1,
        end_column: span.end.scalar + 1,
    }
}

/// Relative to `directory`, with `..` where it lies outside, and with `/` on every system.
pub fn relative(path: &Path, directory: &Path) -> String {
    let n_shared = path.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    // Without anything in common there is no way from one to the other.
    let n_up = if n_shared == 0 { 0 } else { directory.components().count() - n_shared };
    let up = std::iter::repeat_n(Component::ParentDir, n_up);
    let short: PathBuf = up.chain(path.components().skip(n_shared)).collect();
    short.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_also_outside_of_the_directory() {
        for (path, expected) in [
            ("/repo/app/src/a.ts", "src/a.ts"),
            ("/repo/app/./src/a.ts", "src/a.ts"),
            ("/repo/lib/a.ts", "../lib/a.ts"),
            ("/repo/application/a.ts", "../application/a.ts"),
            ("/tmp/a.ts", "../../tmp/a.ts"),
            ("untitled:Untitled-1", "untitled:Untitled-1"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new("/repo/app")), expected);
        }
    }
}
