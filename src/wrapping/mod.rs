//! Wrapping code in the check of a flag: pure, from a file and a selection to edits or to a refusal.
//!
//! The selection is brought to whole nodes, what would mean something else inside of a condition is refused, the code
//! base says how it asks for flags, and what is written keeps the file's style. Removing the flag again gives back
//! the text from before.

mod asking;
mod edits;
mod file;
mod functions;
mod imports;
mod markup;
mod names;
mod obstacles;
mod position;
mod selection;
mod server;
mod shape;
mod style;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tree_sitter::Tree;

use self::file::File;
use crate::flags::FlagKey;
use crate::index::Index;
use crate::removal::{Edit, Refusal, apply};
use crate::syntax::{FileFacts, Source};

pub use self::names::{name_at, suggest_key};

/// What is wrapped, in what, and where one can look how this code base asks for flags.
pub struct Request<'a> {
    /// The file.
    pub source: &'a Source,
    /// Where it is.
    pub path: &'a Path,
    /// What it says about flags.
    pub facts: &'a FileFacts,
    /// What all files say.
    pub index: &'a Index,
    /// The text of another file, where it can be read.
    pub text_of: &'a dyn Fn(&Path) -> Option<Arc<str>>,
    /// What is wrapped, in bytes; empty for what stands at the cursor.
    pub selection: Range<usize>,
    /// The flag.
    pub key: &'a FlagKey,
    /// The variant that is shown it; without one everybody who has the flag.
    pub variant: Option<&'a str>,
}

/// What wrapping changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Sorted, without overlaps.
    pub edits: Vec<Edit>,
    /// Where the condition stands in the new text.
    pub check: Range<usize>,
    /// What asks for the flag (`useFeatureFlagEnabled`).
    pub asks: String,
}

/// Wraps a selection in the check of a flag.
pub fn wrap(request: &Request) -> Result<Wrapped, Refusal> {
    let file = File::of(request.source);
    let target = selection::target(&file, request.selection.clone())?;
    obstacles::check(&file, &target)?;
    let ask = asking::ask(&file, request, &target)?;
    let mut edits = ask.edits;
    shape::shape(&file, &target, &ask.condition, &mut edits)?;
    let (edits, check) = edits.finish(&ask.condition);
    let text = apply(file.text, &edits);
    if n_errors(&file.language.parse(&text, None)) > n_errors(file.tree) {
        let reason = "the result would not parse, so nothing is changed; please report this code as a bug";
        return Err(Refusal { range: target.range(&file), reason: reason.into() });
    }
    Ok(Wrapped { edits, check, asks: ask.asks })
}

/// How many places do not parse; what is missing may be a brace, which has no name.
fn n_errors(tree: &Tree) -> usize {
    let mut n = 0;
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        if node.has_error() || node.is_missing() {
            n += usize::from(node.is_error() || node.is_missing());
            stack.extend(node.children(&mut node.walk()));
        }
    }
    n
}
