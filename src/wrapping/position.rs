//! Where an expression stands, and with it what may stand in its place.

use tree_sitter::Node;

use super::asking::quote_at;
use super::file::{File, ancestors};
use super::functions::called_hook;
use super::markup;
use super::selection::is_jsx;

/// How an expression is made conditional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// A value: `flag ? it : otherwise`.
    Value {
        /// What stands there without the flag.
        otherwise: &'static str,
        /// The choice needs parentheses.
        parentheses: bool,
    },
    /// A condition or a child of an element: `flag && it`.
    And,
    /// An item of a list: `...(flag ? [it] : [])`.
    Item,
    /// The string of an attribute, which needs braces: `{flag ? "it" : undefined}`.
    Attribute,
}

/// The expression that is made conditional, with the parentheses round the selected one, and how.
pub(super) fn position<'t>(file: &File, node: Node<'t>) -> Result<(Node<'t>, Position), &'static str> {
    match file.is_python() {
        true => python(file, node),
        false => javascript(file, node),
    }
}

fn plain(otherwise: &'static str) -> Position {
    Position::Value { otherwise, parentheses: false }
}

fn bracketed(otherwise: &'static str) -> Position {
    Position::Value { otherwise, parentheses: true }
}

const CALLED: &str = "this is called; select the whole call";
const TAKEN_OF: &str = "something of this is used; select the whole expression";
const CALCULATED: &str =
    "nothing can be calculated with what stands here without the flag; select more of it";
const ASSIGNED: &str = "this is assigned to; select the whole statement";
const TAKEN_APART: &str =
    "this is taken apart, which fails without the flag; select the statements that use it";
const DEFAULT: &str = "a default of a parameter cannot ask for a flag";
const FORMATTED: &str = "nothing can be formatted like this without the flag; select the whole string";
const ENTITY: &str = "this has a character by a name that is not known here; write the character itself";
const NO_VALUE: &str = "nothing else can stand in this place; select the whole statement";

fn javascript<'t>(file: &File, node: Node<'t>) -> Result<(Node<'t>, Position), &'static str> {
    let Some(parent) = node.parent() else { return Err(NO_VALUE) };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    let none = none_of(file, node);
    let pattern = |field: &str| {
        let target = parent.child_by_field_name(field);
        target.is_some_and(|it| matches!(it.kind(), "object_pattern" | "array_pattern"))
    };
    let position = match parent.kind() {
        "parenthesized_expression" => match parent.parent().map(|it| it.kind()) {
            Some("if_statement" | "while_statement" | "do_statement") => Position::And,
            Some("switch_statement") => return Err(NO_VALUE),
            _ => return javascript(file, parent),
        },
        "variable_declarator" if is("value") && pattern("name") => return Err(TAKEN_APART),
        "assignment_expression" if is("right") && pattern("left") => return Err(TAKEN_APART),
        "variable_declarator" if is("value") => plain(none),
        "assignment_expression" if is("right") => plain(none),
        "assignment_expression" | "augmented_assignment_expression" if is("left") => return Err(ASSIGNED),
        "update_expression" | "object_pattern" | "array_pattern" | "pair_pattern" => return Err(ASSIGNED),
        "augmented_assignment_expression" => return Err(CALCULATED),
        "arguments"
            if parent
                .parent()
                .and_then(|it| it.child_by_field_name("function"))
                .is_some_and(|it| it.kind() == "import") =>
        {
            return Err(NO_VALUE);
        }
        "yield_expression"
            if file.of_node(parent).trim_start_matches("yield").trim_start().starts_with('*') =>
        {
            plain("[]")
        }
        "array" if is_free_item(file, parent) => Position::Item,
        "arguments" | "array" | "yield_expression" => plain(none),
        "return_statement" => plain(none),
        "arrow_function" if is("body") => plain(none),
        "pair" if is("value") => plain(none),
        "public_field_definition" if is("value") => plain(none),
        "await_expression" => bracketed(none),
        // `as const` is said of literals only, and what is said not to be null would be.
        "as_expression" | "satisfies_expression" | "non_null_expression" => {
            return javascript(file, parent);
        }
        "unary_expression" => match file.of_node(parent).starts_with(['-', '+', '~']) {
            true => return Err(CALCULATED),
            false if file.of_node(parent).starts_with("delete") => return Err(NO_VALUE),
            false => bracketed(none),
        },
        "binary_expression" => match parent.child_by_field_name("operator").map(|it| file.of_node(it)) {
            Some("&&") => Position::And,
            Some("||" | "??" | "===" | "!==" | "==" | "!=") => bracketed(none),
            _ => return Err(CALCULATED),
        },
        "ternary_expression" if is("condition") => Position::And,
        "ternary_expression" => {
            let other = if is("consequence") { "alternative" } else { "consequence" };
            let other = parent.child_by_field_name(other);
            let otherwise = if other.is_some_and(|it| it.kind() == "null") { "null" } else { none };
            Position::Value { otherwise, parentheses: is("consequence") }
        }
        "template_substitution" => plain(if file.style.quote == '"' { "\"\"" } else { "''" }),
        "jsx_expression" => match parent.parent() {
            Some(it) if it.kind() == "jsx_attribute" => plain(none_in_attribute(file, node)),
            _ => Position::And,
        },
        "jsx_attribute" if !markup::is_clear(file.of_node(node)) => return Err(ENTITY),
        "jsx_attribute" => Position::Attribute,
        "spread_element" => match parent.parent().map(|it| it.kind()) {
            Some("object" | "jsx_expression") => bracketed("{}"),
            _ => bracketed("[]"),
        },
        "for_in_statement" if is("right") => plain("[]"),
        "call_expression" if is("function") => return Err(CALLED),
        "new_expression" if is("constructor") => return Err(CALLED),
        "member_expression" | "subscript_expression" => return Err(TAKEN_OF),
        "assignment_pattern" | "object_assignment_pattern" => return Err(DEFAULT),
        "required_parameter" | "optional_parameter" => return Err(DEFAULT),
        "export_statement" => return Err("what a module gives to others is the same for everybody"),
        _ => return Err(NO_VALUE),
    };
    Ok((node, position))
}

/// What stands for nothing: `null` for elements, and where the function gives `null` elsewhere.
fn none_of(file: &File, node: Node) -> &'static str {
    let mut inner = node;
    while let Some(it) = inner.named_child(0).filter(|_| inner.kind() == "parenthesized_expression") {
        inner = it;
    }
    let gives_null = || {
        node.parent().is_some_and(|it| it.kind() == "return_statement")
            && super::functions::around(node).is_some_and(|it| file.of_node(it).contains("return null"))
    };
    if is_jsx(inner) || gives_null() { "null" } else { "undefined" }
}

fn none_in_attribute(file: &File, node: Node) -> &'static str {
    if is_jsx(node) { "null" } else { none_of(file, node) }
}

/// Whether an item may be missing in an array: no place in it has a meaning of its own, as in what a hook depends on.
fn is_free_item(file: &File, array: Node) -> bool {
    let mut outwards = ancestors(array).skip(1);
    match outwards.next() {
        Some(it) if it.kind() == "array" => false,
        Some(it) if it.kind() == "variable_declarator" => {
            it.child_by_field_name("name").is_some_and(|it| it.kind() == "identifier")
        }
        Some(it) if it.kind() == "arguments" => {
            let is_made = it.parent().is_some_and(|it| it.kind() == "new_expression");
            !is_made && it.parent().is_none_or(|it| called_hook(file, it).is_none())
        }
        _ => true,
    }
}

/// What stands on one side of Python's comparisons: `None` has no order, and nothing is in it.
fn compared(node: Node) -> Result<Position, &'static str> {
    let is_order = |it: Option<Node>| it.is_some_and(|it| it.kind().contains(['<', '>']));
    let is_in = |it: Option<Node>| it.is_some_and(|it| matches!(it.kind(), "in" | "not in"));
    let (before, behind) = (node.prev_sibling(), node.next_sibling());
    match () {
        () if is_order(before) || is_order(behind) || is_in(behind) => Err(CALCULATED),
        () if is_in(before) => Ok(bracketed("()")),
        () => Ok(bracketed("None")),
    }
}

/// `{price:.2f}`, `{price=}`
fn is_formatted(file: &File, interpolation: Node) -> bool {
    let mut cursor = interpolation.walk();
    let has_format =
        interpolation.children(&mut cursor).any(|it| matches!(it.kind(), "format_specifier" | "="));
    has_format || file.of_node(interpolation).trim_end_matches('}').trim_end().ends_with('=')
}

fn python<'t>(file: &File, node: Node<'t>) -> Result<(Node<'t>, Position), &'static str> {
    let Some(parent) = node.parent() else { return Err(NO_VALUE) };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    let targets = |field: &str| {
        let target = parent.child_by_field_name(field);
        target.is_some_and(|it| matches!(it.kind(), "pattern_list" | "tuple_pattern" | "list_pattern"))
    };
    let position = match parent.kind() {
        "parenthesized_expression" => return python(file, parent),
        "assignment" if is("left") => return Err(ASSIGNED),
        "assignment" if is("right") && targets("left") => return Err(TAKEN_APART),
        "assignment" if is("right") => plain("None"),
        "augmented_assignment" => return Err(CALCULATED),
        "yield" if file.of_node(parent).trim_start_matches("yield").trim_start().starts_with("from ") => {
            plain("()")
        }
        "argument_list" | "list" | "set" | "tuple" | "expression_list" | "return_statement" | "yield" => {
            plain("None")
        }
        "keyword_argument" if is("value") => plain("None"),
        "pair" if is("value") => plain("None"),
        "lambda" if is("body") => plain("None"),
        "list_comprehension" | "set_comprehension" | "generator_expression" if is("body") => plain("None"),
        "if_statement" | "while_statement" | "elif_clause" if is("condition") => Position::And,
        "if_clause" => Position::And,
        "boolean_operator" => match parent.child_by_field_name("operator").map(|it| it.kind()) {
            Some("and") => Position::And,
            _ => bracketed("None"),
        },
        "not_operator" => bracketed("None"),
        "conditional_expression" => match parent.named_child(1) == Some(node) {
            true => Position::And,
            false => bracketed("None"),
        },
        "comparison_operator" => compared(node)?,
        "interpolation" if is_formatted(file, parent) => return Err(FORMATTED),
        "interpolation" => plain(if quote_at(file, node) == '"' { "\"\"" } else { "''" }),
        "list_splat" => bracketed("[]"),
        "dictionary_splat" => bracketed("{}"),
        "for_statement" | "for_in_clause" if is("right") => bracketed("[]"),
        "for_statement" | "for_in_clause" => return Err(ASSIGNED),
        "await" => return Err("without the flag there is nothing to wait for; select the 'await' too"),
        "binary_operator" | "unary_operator" => return Err(CALCULATED),
        "call" if is("function") => return Err(CALLED),
        "attribute" | "subscript" => return Err(TAKEN_OF),
        "default_parameter" | "typed_default_parameter" => return Err(DEFAULT),
        "pattern_list" | "delete_statement" | "global_statement" | "named_expression" => {
            return Err(ASSIGNED);
        }
        _ => return Err(NO_VALUE),
    };
    Ok((node, position))
}
