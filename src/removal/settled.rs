//! Functions of which a removal left nothing but one plain value.

use std::ops::Range;

use tree_sitter::Node;

use super::document::Document;
use super::known::{Known, nothing};
use super::pass::Pass;
use super::python;
use super::scopes::Binding;
use super::view::{View, named, parts, view};
use crate::syntax::Language;

/// The functions that lost code and now give the same for ever, and what that is. Methods are left alone: heirs and
/// interfaces may want them.
pub(super) fn functions<'d>(pass: &Pass<'d>) -> Vec<(&'d Binding, Known)> {
    let doc = pass.doc;
    let settled = |at: &usize| {
        let function = function_at(doc, *at)?;
        let name = name_of(function)?;
        let scopes = pass.scopes;
        let binding = scopes.declared_at(name.start_byte())?;
        let is_fixed = pass.is_constant(binding) && !scopes.is_member(binding);
        is_fixed.then_some((binding, value_of(doc, function)?))
    };
    doc.shortened.difference(&doc.exhausted).filter_map(settled).collect()
}

/// The innermost function that holds a range and more.
pub(super) fn round<'t>(document: &'t Document, range: &Range<usize>) -> Option<Node<'t>> {
    let mut node = document.tree.root_node().descendant_for_byte_range(range.start, range.end);
    while let Some(it) = node {
        if is_function(it) && it.byte_range() != *range {
            return Some(it);
        }
        node = it.parent();
    }
    None
}

fn is_function(node: Node) -> bool {
    matches!(
        node.kind(),
        "function_declaration"
            | "function_expression"
            | "arrow_function"
            | "function_definition"
            | "method_definition"
    )
}

fn function_at(document: &Document, at: usize) -> Option<Node<'_>> {
    let mut node = document.tree.root_node().descendant_for_byte_range(at, at + 1);
    while let Some(it) = node.filter(|it| it.start_byte() == at) {
        if is_function(it) {
            return Some(it);
        }
        node = it.parent();
    }
    None
}

/// The name by which a function is called.
fn name_of(function: Node) -> Option<Node> {
    if function.kind() == "function_definition" {
        let is_decorated = function.parent().is_some_and(|it| it.kind() == "decorated_definition");
        return function.child_by_field_name("name").filter(|_| !is_decorated);
    }
    if function.kind() == "function_declaration" {
        return function.child_by_field_name("name");
    }
    let declarator = function.parent().filter(|it| it.kind() == "variable_declarator")?;
    declarator.child_by_field_name("name").filter(|it| it.kind() == "identifier")
}

/// What a function gives that does nothing else.
fn value_of(document: &Document, function: Node) -> Option<Known> {
    // A promise or coroutine is not its value where nobody waits for it at once.
    let is_async = function.child(0).is_some_and(|it| it.kind() == "async");
    (!is_async).then_some(())?;
    let body = function.child_by_field_name("body")?;
    if !matches!(body.kind(), "statement_block" | "block") {
        return literal(document, body);
    }
    let is_said = |it: &Node| it.kind() != "pass_statement" && !python::is_docstring(*it);
    let is_python = document.language == Language::Python;
    let said: Vec<Node> = named(body).into_iter().filter(|it| !is_python || is_said(it)).collect();
    match said[..] {
        [] => Some(nothing(document.language)),
        [only] if only.kind() == "return_statement" => match parts(only).first() {
            Some(value) => literal(document, *value),
            None => Some(nothing(document.language)),
        },
        _ => None,
    }
}

fn literal(document: &Document, value: Node) -> Option<Known> {
    match view(document.language, &document.text, value) {
        View::Literal(known) => Some(known),
        View::Same(inner) if value.kind() == "parenthesized_expression" => literal(document, inner),
        _ => None,
    }
}
