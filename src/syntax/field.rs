//! The fields of the grammars by number. A name is looked up in a list of strings each time that somebody asks
//! a node for it, and a scan asks thousands of times.

use std::num::NonZeroU16;

use tree_sitter::{Language, Node};

/// Declares the fields, with their names in the grammars.
macro_rules! fields {
    ($($field:ident $name:literal,)*) => {
        /// A field of a grammar.
        #[derive(Debug, Clone, Copy)]
        pub(super) enum Field { $($field,)* }

        const NAMES: &[&str] = &[$($name,)*];
    };
}

fields! {
    Alias "alias",
    Alternative "alternative",
    Argument "argument",
    Arguments "arguments",
    Attribute "attribute",
    Body "body",
    Condition "condition",
    Consequence "consequence",
    Constructor "constructor",
    Declaration "declaration",
    Decorator "decorator",
    Function "function",
    Index "index",
    Key "key",
    Kind "kind",
    Left "left",
    Module "module",
    ModuleName "module_name",
    Name "name",
    Object "object",
    OpenTag "open_tag",
    Operator "operator",
    Parameter "parameter",
    Parameters "parameters",
    Pattern "pattern",
    Property "property",
    ReturnType "return_type",
    Right "right",
    Source "source",
    Superclasses "superclasses",
    Type "type",
    TypeArguments "type_arguments",
    Value "value",
}

/// The numbers of the fields in one grammar; a field that it lacks has none.
#[derive(Debug)]
pub(super) struct Fields {
    grammar: Language,
    numbers: [Option<NonZeroU16>; NAMES.len()],
}

impl Fields {
    pub fn of(grammar: impl Into<Language>) -> Fields {
        let grammar = grammar.into();
        let numbers = std::array::from_fn(|at| grammar.field_id_for_name(NAMES[at]));
        Fields { grammar, numbers }
    }

    /// Whether a node is of this grammar.
    pub fn are_of(&self, node: Node) -> bool {
        *node.language() == self.grammar
    }

    pub fn number(&self, field: Field) -> Option<u16> {
        self.numbers[field as usize].map(NonZeroU16::get)
    }
}
