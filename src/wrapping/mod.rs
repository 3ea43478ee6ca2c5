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

use tree_sitter::{Node, Tree};

use self::file::{File, ancestors};
use crate::flags::FlagKey;
use crate::index::Index;
use crate::removal::{Edit, Refusal, apply};
use crate::syntax::{FileFacts, Names, Source};

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
    /// What the team says of its own functions.
    pub names: &'a Names,
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
    wrap_in(&file, request).map_err(|it| broken(&file, &it.range).unwrap_or(it))
}

/// Why code is not understood: something near does not parse.
fn broken(file: &File, range: &Range<usize>) -> Option<Refusal> {
    let at = file.tree.root_node().descendant_for_byte_range(range.start, range.end)?;
    let is_broken = |it: &Node| it.is_error() || functions::is_function(*it) && it.has_error();
    let around = ancestors(at).filter(is_broken).last()?;
    let is_error = |it: &Node| it.is_error() || it.is_missing();
    let first = faulty(around).into_iter().filter(is_error).min_by_key(Node::start_byte)?;
    let line = file.line_number(first.start_byte());
    let reason = format!("the code here has a syntax error, in line {line} or before");
    Some(Refusal { range: range.clone(), reason })
}

fn wrap_in(file: &File, request: &Request) -> Result<Wrapped, Refusal> {
    let target = selection::target(file, request.selection.clone())?;
    obstacles::check(file, &target)?;
    let ask = asking::ask(file, request, &target)?;
    let mut edits = ask.edits;
    shape::shape(file, &target, &ask.condition, &mut edits)?;
    let (edits, check) = edits.finish(&ask.condition);
    let text = apply(file.text, &edits);
    if n_errors(&file.language.parse(&text, None)) > n_errors(file.tree) {
        let reason = "the result would not parse, so nothing is changed; please report this code as a bug";
        return Err(Refusal { range: target.range(file), reason: reason.into() });
    }
    Ok(Wrapped { edits, check, asks: ask.asks })
}

/// How many places do not parse; what is missing may be a brace, which has no name.
fn n_errors(tree: &Tree) -> usize {
    faulty(tree.root_node()).into_iter().filter(|it| it.is_error() || it.is_missing()).count()
}

/// Every node that something is wrong in, those without names too.
fn faulty(node: Node) -> Vec<Node> {
    let (mut found, mut stack) = (Vec::new(), vec![node]);
    while let Some(it) = stack.pop() {
        if it.has_error() || it.is_missing() {
            found.push(it);
            stack.extend(it.children(&mut it.walk()));
        }
    }
    found
}
