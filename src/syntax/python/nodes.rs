//! Small questions about nodes of the Python grammar.

use std::sync::LazyLock;

use tree_sitter::Node;

use super::super::field::{Field, Fields};
use super::super::scan::{children, first};

/// Asks a node for a field.
pub trait ByField<'t> {
    /// The child of this field.
    fn field(&self, field: Field) -> Option<Node<'t>>;
}

impl<'t> ByField<'t> for Node<'t> {
    fn field(&self, field: Field) -> Option<Node<'t>> {
        static FIELDS: LazyLock<Fields> = LazyLock::new(|| Fields::of(tree_sitter_python::LANGUAGE));
        self.child_by_field_id(FIELDS.number(field)?)
    }
}

/// An expression without what does not change its value: parentheses, `await`, `name := value`.
pub fn plain(mut node: Node) -> Node {
    for _ in 0..64 {
        let inner = match node.kind() {
            "parenthesized_expression" | "await" | "type" => first(node),
            "named_expression" => node.field(Field::Value),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

/// The positional argument at `index`, or the one named `keyword`.
pub fn argument<'t>(source: &str, call: Node<'t>, index: usize, keyword: &str) -> Option<Node<'t>> {
    let list = call.field(Field::Arguments).filter(|it| it.kind() == "argument_list")?;
    let all = children(list);
    let named = all.iter().find(|it| {
        let name = it.field(Field::Name).filter(|_| it.kind() == "keyword_argument");
        name.is_some_and(|it| &source[it.byte_range()] == keyword)
    });
    match named {
        Some(named) => named.field(Field::Value),
        None => all.get(index).copied().filter(|it| {
            let before = &all[..index];
            let splat = |it: &Node| matches!(it.kind(), "keyword_argument" | "dictionary_splat");
            !splat(it) && !before.iter().any(splat)
        }),
    }
}

/// The content of a string without interpolations; implicitly joined ones together.
pub fn string(source: &str, node: Node) -> Option<String> {
    if node.has_error() {
        return None;
    }
    let mut text = String::new();
    match node.kind() {
        "concatenated_string" => {
            for part in children(node) {
                text.push_str(&string(source, part)?);
            }
        }
        "string" => {
            for part in children(node) {
                match part.kind() {
                    "string_start" if source[part.byte_range()].contains(['b', 'B']) => return None,
                    "string_start" | "string_end" => {}
                    _ => text.push_str(&piece(source, part)?),
                }
            }
        }
        _ => return None,
    }
    Some(text)
}

/// A part of a string as text; nothing for an escape.
pub fn piece(source: &str, part: Node) -> Option<String> {
    if part.kind() != "string_content" {
        return None;
    }
    let escapes = children(part);
    if escapes.iter().any(|it| it.kind() == "escape_sequence") {
        return None;
    }
    let raw = &source[part.byte_range()];
    Some(if escapes.is_empty() { raw.into() } else { raw.replace("{{", "{").replace("}}", "}") })
}
