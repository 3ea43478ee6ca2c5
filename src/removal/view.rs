//! What an expression does with its parts, in one form for every language.

use tree_sitter::Node;

use super::known::Known;
use crate::syntax::Language;

/// An expression by what it does with its parts.
#[derive(Debug, Clone)]
pub(super) enum View<'t> {
    /// Its value is that of a part: parentheses, `await`, `as T`, `!`.
    Same(Node<'t>),
    /// `!a`, `not a`.
    Not(Node<'t>),
    /// `a && b`, `a and b`.
    And(Node<'t>, Node<'t>),
    /// `a || b`, `a or b`.
    Or(Node<'t>, Node<'t>),
    /// `a ?? b`.
    Coalesce(Node<'t>, Node<'t>),
    /// `test ? yes : no`, `yes if test else no`.
    Choice {
        /// Decides.
        test: Node<'t>,
        /// The value where it holds.
        yes: Node<'t>,
        /// The other.
        no: Node<'t>,
    },
    /// `a === b`, `a is b`.
    Equal {
        /// One side.
        left: Node<'t>,
        /// The other.
        right: Node<'t>,
        /// `!==`.
        negated: bool,
        /// JavaScript's `==`.
        loose: bool,
    },
    /// `a < b`, `a >= b`.
    Ordered {
        /// One side.
        left: Node<'t>,
        /// The other.
        right: Node<'t>,
        /// As it is written.
        operator: &'static str,
    },
    /// `[a, b].includes(x)`, `x in (a, b)`.
    OneOf {
        /// What is looked for.
        subject: Node<'t>,
        /// Where.
        items: Vec<Node<'t>>,
        /// `not in`.
        negated: bool,
    },
    /// `object.name`, `object?.name`, `object['name']`.
    Field {
        /// Of what.
        object: Node<'t>,
        /// Which.
        name: String,
        /// `?.`: nothing of nothing.
        optional: bool,
    },
    /// `Boolean(a)`, `bool(a)`.
    Truth(Node<'t>),
    /// `String(a)`, `str(a)`.
    Words(Node<'t>),
    /// `typeof a`.
    TypeOf(Node<'t>),
    /// `isinstance(a, types)`.
    IsInstance {
        /// What is asked about.
        subject: Node<'t>,
        /// The type, or several.
        types: Node<'t>,
    },
    /// Written down.
    Literal(Known),
    /// Anything else.
    Opaque,
}

pub(super) fn view<'t>(language: Language, text: &str, node: Node<'t>) -> View<'t> {
    match language {
        Language::Python => python(text, node),
        _ => javascript(text, node),
    }
    .unwrap_or(View::Opaque)
}

/// The parts of a node without comments.
pub(crate) fn parts(node: Node) -> Vec<Node> {
    let mut parts = named(node);
    parts.retain(|it| !it.is_extra());
    parts
}

/// The named children of a node, comments included.
pub(crate) fn named(node: Node) -> Vec<Node> {
    // A cursor is dearer than a few steps from the first child.
    match node.named_child_count() as u32 {
        0 => Vec::new(),
        n @ 1..=4 => (0..n).filter_map(|it| node.named_child(it)).collect(),
        _ => node.named_children(&mut node.walk()).collect(),
    }
}

fn javascript<'t>(text: &str, node: Node<'t>) -> Option<View<'t>> {
    let field = |name: &str| node.child_by_field_name(name);
    let of = |it: Node| &text[it.byte_range()];
    Some(match node.kind() {
        "parenthesized_expression" | "await_expression" | "non_null_expression" => match parts(node)[..] {
            [inner] => View::Same(inner),
            _ => View::Opaque,
        },
        "as_expression" | "satisfies_expression" => View::Same(node.named_child(0)?),
        "type_assertion" => View::Same(*parts(node).last()?),
        "unary_expression" => match of(field("operator")?) {
            "!" => View::Not(field("argument")?),
            "typeof" => View::TypeOf(field("argument")?),
            "void" if field("argument")?.kind() == "number" => View::Literal(Known::Undefined),
            _ => View::Opaque,
        },
        "binary_expression" => {
            let (left, right) = (field("left")?, field("right")?);
            match of(field("operator")?) {
                "&&" => View::And(left, right),
                "||" => View::Or(left, right),
                "??" => View::Coalesce(left, right),
                "===" => View::Equal { left, right, negated: false, loose: false },
                "!==" => View::Equal { left, right, negated: true, loose: false },
                "==" => View::Equal { left, right, negated: false, loose: true },
                "!=" => View::Equal { left, right, negated: true, loose: true },
                it => View::Ordered { left, right, operator: ordering(it)? },
            }
        }
        "ternary_expression" => {
            View::Choice { test: field("condition")?, yes: field("consequence")?, no: field("alternative")? }
        }
        "member_expression" => View::Field {
            object: field("object")?,
            name: of(field("property")?).to_owned(),
            optional: field("optional_chain").is_some(),
        },
        "subscript_expression" => match text_of(text, field("index")?) {
            Some(name) => {
                View::Field { object: field("object")?, name, optional: field("optional_chain").is_some() }
            }
            None => View::Opaque,
        },
        "call_expression" => return javascript_call(text, node),
        "true" => View::Literal(Known::bool(true)),
        "false" => View::Literal(Known::bool(false)),
        "null" => View::Literal(Known::Json(serde_json::Value::Null)),
        "undefined" => View::Literal(Known::Undefined),
        "string" => View::Literal(Known::text(&text_of(text, node)?)),
        "template_string" if node.named_child_count() <= 1 => {
            View::Literal(Known::text(&text_of(text, node)?))
        }
        "number" => View::Literal(Known::Json(serde_json::from_str(of(node)).ok()?)),
        _ => View::Opaque,
    })
}

fn javascript_call<'t>(text: &str, node: Node<'t>) -> Option<View<'t>> {
    let callee = node.child_by_field_name("function")?;
    let arguments = node.child_by_field_name("arguments").filter(|it| it.kind() == "arguments")?;
    let [argument] = parts(arguments)[..] else { return None };
    if argument.kind() == "spread_element" {
        return None;
    }
    match &text[callee.byte_range()] {
        "Boolean" => return Some(View::Truth(argument)),
        "String" => return Some(View::Words(argument)),
        _ => {}
    }
    let is_includes = callee.kind() == "member_expression"
        && callee.child_by_field_name("property").is_some_and(|it| &text[it.byte_range()] == "includes");
    let mut list = callee.child_by_field_name("object").filter(|_| is_includes)?;
    while matches!(list.kind(), "parenthesized_expression" | "as_expression" | "satisfies_expression") {
        list = list.named_child(0)?;
    }
    let items = parts(Some(list).filter(|it| it.kind() == "array")?);
    let plain = items.iter().all(|it| it.kind() != "spread_element");
    plain.then_some(View::OneOf { subject: argument, items, negated: false })
}

/// The content of a string literal without escapes.
pub(crate) fn text_of(text: &str, node: Node) -> Option<String> {
    match node.kind() {
        "string" | "template_string" => {}
        _ => return None,
    }
    let mut result = String::new();
    for part in parts(node) {
        match part.kind() {
            "string_fragment" | "string_content" => result.push_str(&text[part.byte_range()]),
            "string_start" | "string_end" => {}
            _ => return None,
        }
    }
    // Python's prefixes make bytes and templates of strings.
    let written = &text[node.byte_range()];
    let is_plain = written.starts_with(['"', '\'', '`']) && !result.contains('\\');
    is_plain.then_some(result)
}

fn ordering(operator: &str) -> Option<&'static str> {
    ["<", ">", "<=", ">="].into_iter().find(|it| *it == operator)
}

fn python<'t>(text: &str, node: Node<'t>) -> Option<View<'t>> {
    let field = |name: &str| node.child_by_field_name(name);
    let of = |it: Node| &text[it.byte_range()];
    Some(match node.kind() {
        "parenthesized_expression" | "await" => match parts(node)[..] {
            [inner] => View::Same(inner),
            _ => View::Opaque,
        },
        "not_operator" => View::Not(field("argument")?),
        "boolean_operator" => {
            let (left, right) = (field("left")?, field("right")?);
            match of(field("operator")?) {
                "and" => View::And(left, right),
                _ => View::Or(left, right),
            }
        }
        "conditional_expression" => match parts(node)[..] {
            [yes, test, no] => View::Choice { test, yes, no },
            _ => View::Opaque,
        },
        "comparison_operator" => {
            let [left, right] = parts(node)[..] else { return None };
            let between = text[left.end_byte()..right.start_byte()].split_whitespace().collect::<Vec<_>>();
            let items = || matches!(right.kind(), "list" | "tuple" | "set").then(|| parts(right));
            match &between[..] {
                ["=="] | ["is"] => View::Equal { left, right, negated: false, loose: false },
                ["!="] | ["is", "not"] => View::Equal { left, right, negated: true, loose: false },
                ["in"] => View::OneOf { subject: left, items: items()?, negated: false },
                ["not", "in"] => View::OneOf { subject: left, items: items()?, negated: true },
                [it] => View::Ordered { left, right, operator: ordering(it)? },
                _ => View::Opaque,
            }
        }
        "attribute" => View::Field {
            object: field("object")?,
            name: of(field("attribute")?).to_owned(),
            optional: false,
        },
        "subscript" => match text_of(text, field("subscript")?) {
            Some(name) => View::Field { object: field("value")?, name, optional: false },
            None => View::Opaque,
        },
        "call" => {
            let arguments = field("arguments").filter(|it| it.kind() == "argument_list")?;
            let arguments = parts(arguments);
            match (of(field("function")?), &arguments[..]) {
                ("bool", [it]) if it.kind() != "keyword_argument" => View::Truth(*it),
                ("str", [it]) if it.kind() != "keyword_argument" => View::Words(*it),
                ("isinstance", [subject, types]) => View::IsInstance { subject: *subject, types: *types },
                _ => View::Opaque,
            }
        }
        "true" => View::Literal(Known::bool(true)),
        "false" => View::Literal(Known::bool(false)),
        "none" => View::Literal(Known::Json(serde_json::Value::Null)),
        "string" => View::Literal(Known::text(&text_of(text, node)?)),
        "integer" | "float" => View::Literal(Known::Json(serde_json::from_str(of(node)).ok()?)),
        _ => View::Opaque,
    })
}
