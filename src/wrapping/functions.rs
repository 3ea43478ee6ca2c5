//! Functions, and which of them are components or hooks.

use tree_sitter::Node;

use super::file::{File, ancestors, inside};
use super::selection::is_jsx;

/// The function round a node; it may be the node itself.
pub(super) fn around(node: Node) -> Option<Node> {
    ancestors(node).find(|it| is_function(*it))
}

pub(super) fn is_function(node: Node) -> bool {
    matches!(
        node.kind(),
        "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "generator_function"
            | "arrow_function"
            | "method_definition"
            | "function_definition"
            | "lambda"
    )
}

/// Whether a function may wait.
pub(super) fn is_async(file: &File, function: Node) -> bool {
    let head = function.start_byte()
        ..function.child_by_field_name("body").map_or(function.end_byte(), |it| it.start_byte());
    let head = &file.text[head];
    let before = head.split(['(', '=']).next().unwrap_or_default();
    before.split_whitespace().any(|it| it == "async")
}

/// The component or custom hook that a place belongs to, callbacks in it included.
pub(super) fn component<'t>(file: &File, node: Node<'t>) -> Option<Node<'t>> {
    if file.is_python() {
        return None;
    }
    // A function that is wrapped itself is no part of its own body.
    let outwards = ancestors(node).skip(1).take_while(|it| !matches!(it.kind(), "class_body"));
    outwards.filter(|it| is_function(*it) && it.kind() != "method_definition").find(|it| {
        // What stands among the parameters is no part of the body.
        let is_in_body = it
            .child_by_field_name("body")
            .is_some_and(|body| body.start_byte() <= node.start_byte() && node.end_byte() <= body.end_byte());
        is_in_body && is_component(file, *it)
    })
}

fn is_component(file: &File, function: Node) -> bool {
    if file.of_node(function).starts_with("function*") || function.kind().starts_with("generator") {
        return false;
    }
    // Also through `memo(...)`.
    let is_default_export = || {
        let is_call = |it: &Node| matches!(it.kind(), "arguments" | "call_expression");
        let outer = ancestors(function).skip(1).find(|it| !is_call(it));
        outer.is_some_and(|it| it.kind() == "export_statement")
    };
    match name(file, function) {
        Some(name) if is_hook_name(&name) => true,
        Some(name) => name.starts_with(char::is_uppercase) && shows(file, function),
        None => is_default_export() && shows(file, function),
    }
}

/// Whether a function has elements, or asks hooks.
fn shows(file: &File, function: Node) -> bool {
    inside(function, |_| true).into_iter().any(|it| is_jsx(it) || called_hook(file, it).is_some())
}

/// The hook that a node calls, as it is written.
pub(super) fn called_hook<'a>(file: &File<'a>, node: Node) -> Option<&'a str> {
    let callee = node.child_by_field_name("function").filter(|_| node.kind() == "call_expression")?;
    let name = file.of_node(callee);
    name.rsplit('.').next().is_some_and(is_hook_name).then_some(name)
}

/// `useX`
pub(super) fn is_hook_name(name: &str) -> bool {
    name.strip_prefix("use").is_some_and(|it| it.starts_with(|it: char| it.is_uppercase() || it.is_numeric()))
}

/// The name that a function goes by: its own, that of its variable, also through `memo(...)`.
pub(super) fn name(file: &File, function: Node) -> Option<String> {
    if let Some(name) = function.child_by_field_name("name") {
        return Some(file.of_node(name).to_owned());
    }
    let mut outer = function.parent()?;
    while matches!(
        outer.kind(),
        "arguments" | "call_expression" | "parenthesized_expression" | "as_expression"
    ) {
        let is_first = outer.kind() != "arguments"
            || outer.named_child(0).is_some_and(|it| it.byte_range() == function.byte_range());
        if !is_first {
            return None;
        }
        outer = outer.parent()?;
    }
    let is_direct = function.parent() == Some(outer);
    let name = match outer.kind() {
        "variable_declarator" | "public_field_definition" => outer.child_by_field_name("name")?,
        "assignment_expression" => outer.child_by_field_name("left")?,
        "pair" => outer.child_by_field_name("key")?,
        _ => return None,
    };
    let name = file.of_node(name);
    // What is given to a hook has no name of its own; a component that is wrapped has.
    let is_plain = name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '$'));
    (is_plain && (is_direct || name.starts_with(char::is_uppercase))).then(|| name.to_owned())
}
