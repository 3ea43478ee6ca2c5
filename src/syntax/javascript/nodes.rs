//! Small questions about nodes of the TypeScript grammar.

use std::sync::LazyLock;

use tree_sitter::Node;

use super::super::field::{Field, Fields};
use super::super::scan::{children, few, first};

/// Asks a node of either TypeScript grammar for a field; the two number them differently.
pub trait ByField<'t> {
    /// The child of this field.
    fn field(&self, field: Field) -> Option<Node<'t>>;
}

impl<'t> ByField<'t> for Node<'t> {
    fn field(&self, field: Field) -> Option<Node<'t>> {
        static JSX: LazyLock<Fields> = LazyLock::new(|| Fields::of(tree_sitter_typescript::LANGUAGE_TSX));
        static PLAIN: LazyLock<Fields> =
            LazyLock::new(|| Fields::of(tree_sitter_typescript::LANGUAGE_TYPESCRIPT));
        let fields = if JSX.are_of(*self) { &JSX } else { &PLAIN };
        self.child_by_field_id(fields.number(field)?)
    }
}

/// An expression without what does not change its value: parentheses, `await`, `!`, `as`, `satisfies`, `<T>`,
/// `Object.freeze(...)`.
pub fn plain<'t>(source: &str, mut node: Node<'t>) -> Node<'t> {
    for _ in 0..64 {
        let inner = match node.kind() {
            "parenthesized_expression"
            | "await_expression"
            | "non_null_expression"
            | "as_expression"
            | "satisfies_expression"
            | "instantiation_expression" => first(node),
            "type_assertion" => children(node).into_iter().next_back(),
            "sequence_expression" => children(node).into_iter().next_back(),
            "call_expression" if is_freeze(source, node) => argument(node, 0),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}

fn is_freeze(source: &str, call: Node) -> bool {
    call.field(Field::Function).is_some_and(|it| &source[it.byte_range()] == "Object.freeze")
}

/// An argument of a call.
pub fn argument<'t>(call: Node<'t>, index: usize) -> Option<Node<'t>> {
    let list = call.field(Field::Arguments).filter(|it| it.kind() == "arguments")?;
    few(list).nth(index)
}

/// The content of a string literal, or of a template without substitutions; nothing for an escape that is
/// not understood.
pub fn string(source: &str, node: Node) -> Option<String> {
    if !matches!(node.kind(), "string" | "template_string") || node.has_error() {
        return None;
    }
    let mut text = String::new();
    for part in children(node) {
        text.push_str(&piece(source, part)?);
    }
    Some(text)
}

/// A part of a string or template.
pub fn piece(source: &str, part: Node) -> Option<String> {
    let raw = &source[part.byte_range()];
    match part.kind() {
        "string_fragment" => Some(raw.into()),
        "escape_sequence" => unescape(raw),
        "html_character_reference" => None,
        _ => None,
    }
}

fn unescape(raw: &str) -> Option<String> {
    let rest = raw.strip_prefix('\\')?;
    let hex = |it: &str| u32::from_str_radix(it, 16).ok().and_then(char::from_u32).map(String::from);
    Some(match rest.chars().next()? {
        'n' => "\n".into(),
        't' => "\t".into(),
        'r' => "\r".into(),
        '\n' => String::new(),
        'x' => hex(&rest[1..])?,
        'u' => hex(rest[1..].trim_matches(['{', '}']))?,
        '0'..='9' | 'b' | 'f' | 'v' | '\r' => return None,
        other => other.into(),
    })
}

/// The name of a property as written in an object, class or enum.
pub fn property_name<'t>(source: &'t str, name: Node<'t>) -> &'t str {
    source[name.byte_range()].trim_matches(['"', '\'', '`'])
}

/// Whether a name in the tree is a property of something.
pub fn is_property(kind: &str) -> bool {
    matches!(kind, "property_identifier" | "private_property_identifier")
}

/// The property that a member or subscript expression names.
pub fn property<'t>(source: &'t str, node: Node<'t>) -> Option<&'t str> {
    match node.kind() {
        "member_expression" => Some(&source[node.field(Field::Property)?.byte_range()]),
        "subscript_expression" => {
            let index = node.field(Field::Index).filter(|it| it.kind() == "string")?;
            Some(property_name(source, index))
        }
        _ => None,
    }
}

/// A node's body.
pub fn body(node: Node) -> Option<Node> {
    node.field(Field::Body)
}
