//! One file: its language, its tree, and the facts that are read from it.
//!
//! A scan is driven by demand. `memmem` finds the stems of the SDK's words, a whole-word comparison with the
//! table of SDK calls throws nearly all of them away, and only then the tree is asked: what is called here, on
//! what receiver, with which key? Names are looked up in scopes that are made when somebody asks.
//!
//! A language is a folder: its table of SDK calls, its scopes, how receivers are judged, how keys are read.

mod aliases;
mod evidence;
pub mod facts;
mod field;
mod javascript;
mod language;
mod names;
mod python;
mod scan;
mod scope;
mod source;
mod words;

pub use facts::{Certainty, Definition, FileFacts, KeyFrom, Read, Returns, Via};
pub use language::Language;
pub use names::Names;
pub use source::Source;

use crate::text::Text;

/// The facts of a closed file. It is parsed only if it can hold a read.
pub fn facts(language: Language, text: &Text, names: &Names) -> FileFacts {
    if !may_read_flags(language, text.as_str().as_bytes(), names) {
        return FileFacts::default();
    }
    scan_tree(language, text, &language.parse(text.as_str(), None), names)
}

/// Whether a file has a word of the SDK or of the settings at all: the sieve before the parser.
pub fn may_read_flags(language: Language, bytes: &[u8], names: &Names) -> bool {
    words::may_read(table(language), bytes) || names.mentions_wrapper(bytes)
}

fn scan_tree(language: Language, text: &Text, tree: &tree_sitter::Tree, names: &Names) -> FileFacts {
    match language {
        Language::Python => python::scan(text, tree, names),
        _ => javascript::scan(text, tree, names),
    }
}

fn table(language: Language) -> &'static words::Table {
    match language {
        Language::Python => &python::TABLE,
        _ => &javascript::TABLE,
    }
}
