//! One file: its language, its tree, and the facts that are read from it.
//!
//! A sieve finds the stems of the SDK's words in one pass, a whole-word comparison with the table of SDK calls
//! throws nearly all of them away, and only what is left is parsed; of a long file that nobody has open only the
//! statements that may have to do with flags. Its tree is lowered to a form that knows no language ([`ir`]); what the
//! names in it mean is found out from there.
//!
//! A language is a folder: its grammar, its table of SDK calls, how statements are told apart, and how its trees are
//! lowered.

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
mod remarks;
mod skim;
mod source;
pub(crate) mod words;

pub use facts::{Certainty, Compared, Definition, FileFacts, KeyFrom, Read, Returns, Via};
pub use language::Language;
pub use names::{Names, Wrapper};
pub use remarks::{Keep, Remarks, Until};
pub use source::Source;

use crate::text::Text;
use ir::Module;
pub use skim::LeftOut;

/// What a text says, in the form that every language is lowered to.
pub fn module(language: Language, text: &Text) -> Module {
    ir::lower(rules(language), language, text, &language.parse(text.as_str(), None), None)
}

/// What the text of a closed file says, as far as it may have to do with flags. `leads` says of a part of it whether
/// it has a word that may lead to some.
pub fn skimmed(language: Language, text: &Text, leads: &dyn Fn(&str) -> bool) -> Module {
    let statements = match language {
        Language::Python => python::statements::statements,
        _ => javascript::statements::statements,
    };
    let has_open_feature = text.as_str().contains("openfeature");
    let asks = |part: &str| has_open_feature && skim::words(part).any(|it| open_feature::find(it).is_some());
    let leads = &|part: &str| leads(part) || asks(part);
    let Some(skim) = skim::skim(text.as_str(), statements, leads) else { return module(language, text) };
    let tree = language.parse_parts(text, &skim.kept);
    // What was told apart wrongly does not parse.
    if tree.root_node().has_error() {
        return module(language, text);
    }
    let mut module = ir::lower(rules(language), language, text, &tree, None);
    module.left_out = skim.left_out;
    module
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
