//! One file: its language, its tree, and the facts that are read from it.
//!
//! A sieve finds the stems of the SDK's words in one pass, a whole-word comparison with the table of SDK calls
//! throws nearly all of them away, and only what is left is parsed. Its tree is lowered to a form that knows no
//! language ([`ir`]); what the names in it mean is found out from there.
//!
//! A language is a folder: its grammar, its table of SDK calls, and how its trees are lowered.

pub(crate) mod evidence;
pub mod facts;
mod field;
pub mod ir;
mod javascript;
mod kinds;
mod language;
mod names;
pub(crate) mod open_feature;
mod python;
mod source;
pub(crate) mod words;

pub use facts::{Certainty, Definition, FileFacts, KeyFrom, Read, Returns, Via};
pub use language::Language;
pub use names::{Names, Wrapper};
pub use source::Source;

use crate::text::Text;
use ir::Module;

/// What a text says, in the form that every language is lowered to.
pub fn module(language: Language, text: &Text) -> Module {
    ir::lower(rules(language), language, text, &language.parse(text.as_str(), None), None)
}

/// Whether a file has a word of the SDK or of the settings at all: the sieve before the parser.
pub fn may_read_flags(language: Language, bytes: &[u8], names: &Names) -> bool {
    words::may_read(table(language), bytes) || names.mentions_wrapper(bytes)
}

fn rules(language: Language) -> &'static ir::Rules {
    match language {
        Language::Python => &python::RULES,
        _ => &javascript::RULES,
    }
}

/// The words of the SDK of a language.
pub(crate) fn table(language: Language) -> &'static words::Table {
    match language {
        Language::Python => &python::TABLE,
        _ => &javascript::TABLE,
    }
}

/// Whether a module is one of PostHog's SDKs.
pub(crate) fn is_sdk(language: Language, module: &str) -> bool {
    match language {
        Language::Python => python::is_sdk(module),
        _ => javascript::is_sdk(module),
    }
}
