//! Python: what a name, an expression and a statement mean to a removal.

mod comprehensions;
mod dead;
mod expressions;
mod statements;
mod tables;

use std::ops::Range;

use tree_sitter::Node;

use super::document::{Change, Document};
use super::known::Known;
use super::pass::{Mark, Pass};
use super::scopes::Kind;
use super::view::parts;

pub(super) use dead::{bury, unread_fields};
pub(super) use expressions::{in_string, is_bool, is_instance, is_pure, substitute};

pub(super) use statements::yields;

/// The names that an expression gives a value to, and which.
pub(super) fn bound(node: Node, known: &Known) -> Vec<(Range<usize>, Known)> {
    bound_name(node).or_else(|| walrus(node)).map(|it| vec![(it, known.clone())]).unwrap_or_default()
}

/// The name of the variable that an expression begins.
pub(super) fn bound_name(node: Node) -> Option<Range<usize>> {
    let assignment = node.parent().filter(|it| it.kind() == "assignment")?;
    let is_value = assignment.child_by_field_name("right") == Some(node);
    let left = assignment.child_by_field_name("left").filter(|_| is_value)?;
    let name = match left.kind() {
        "identifier" => left,
        "attribute" => left.child_by_field_name("attribute")?,
        _ => return None,
    };
    // `a = b = read` binds more.
    assignment.parent().filter(|it| it.kind() == "expression_statement")?;
    Some(name.byte_range())
}

/// `(name := read)`
fn walrus(node: Node) -> Option<Range<usize>> {
    let named = node.parent().filter(|it| it.kind() == "named_expression")?;
    let is_value = named.child_by_field_name("value") == Some(node);
    named.child_by_field_name("name").filter(|_| is_value).map(|it| it.byte_range())
}

/// Other expressions that give the same: calls of a function that returns nothing else, `(name := read)`.
pub(super) fn echoes<'d>(pass: &Pass<'d>, node: Node<'d>) -> Vec<Node<'d>> {
    if let Some(name) = walrus(node) {
        let binding = pass.scopes.declared_at(name.start).filter(|it| pass.is_constant(it));
        return binding.and(node.parent()).into_iter().collect();
    }
    if let Some(call) = comprehensions::settled(pass, node) {
        return vec![call];
    }
    let Some(function) = returning(pass, node) else { return Vec::new() };
    let Some(name) = function.child_by_field_name("name") else { return Vec::new() };
    let Some(binding) = pass.scopes.declared_at(name.start_byte()).filter(|it| pass.is_constant(it)) else {
        return Vec::new();
    };
    match is_property(pass, function) {
        true => pass.reads_of(binding),
        false => pass.calls_of(binding),
    }
}

fn is_property(pass: &Pass, function: Node) -> bool {
    decorators(pass, function).iter().any(|it| it.ends_with("property"))
}

/// Whether a call is given to something that wants the coroutine, not its value.
pub(super) fn is_scheduled(doc: &Document, call: Node) -> bool {
    let round = call.parent().filter(|it| it.kind() == "argument_list").and_then(|it| it.parent());
    let name = round.and_then(|it| it.child_by_field_name("function")).map(|it| doc.of(it));
    let name = name.and_then(|it| it.rsplit('.').next());
    name.is_some_and(|it| {
        let takers =
            ["gather", "create_task", "ensure_future", "run", "run_until_complete", "wait_for", "wait"];
        takers.contains(&it)
    })
}

/// The names of a function's decorators.
fn decorators<'d>(pass: &Pass<'d>, function: Node) -> Vec<&'d str> {
    let round = function.parent().filter(|it| it.kind() == "decorated_definition");
    let all = round.map(parts).unwrap_or_default().into_iter().filter(|it| it.kind() == "decorator");
    let name = |it: Node| pass.doc.text[it.byte_range()].trim_start_matches('@').split('(').next();
    all.filter_map(name).map(str::trim).collect()
}

/// Decorators after which a call, or a property, gives what the function returns.
const PLAIN: &[&str] = &[
    "staticmethod",
    "classmethod",
    "property",
    "cached_property",
    "functools.cached_property",
    "cache",
    "lru_cache",
    "functools.cache",
    "functools.lru_cache",
];

/// The function whose value an expression is, when it returns nothing else.
fn returning<'d>(pass: &Pass, node: Node<'d>) -> Option<Node<'d>> {
    let statement = node.parent().filter(|it| it.kind() == "return_statement")?;
    let block = statement.parent().filter(|it| it.kind() == "block")?;
    let only = parts(block).into_iter().filter(|it| !is_docstring(*it)).count() == 1;
    let function = block.parent().filter(|it| only && it.kind() == "function_definition")?;
    decorators(pass, function).iter().all(|it| PLAIN.contains(it)).then_some(function)
}

pub(super) fn is_docstring(statement: Node) -> bool {
    statement.kind() == "expression_statement" && parts(statement).iter().all(|it| it.kind() == "string")
}

/// Whether a statement asks for nothing but the truth of a part.
pub(super) fn is_decided_by(text: &str, parent: Node, node: Node) -> bool {
    match parent.kind() {
        "if_statement" | "elif_clause" | "while_statement" => {
            parent.child_by_field_name("condition") == Some(node)
        }
        "assert_statement" => parent.named_child(0) == Some(node),
        "if_clause" | "expression_statement" => true,
        "lambda" => {
            let list = parent.parent().filter(|it| it.kind() == "argument_list");
            let callee = list.and_then(|it| it.parent()).and_then(|it| it.child_by_field_name("function"));
            let is_first = list.and_then(|it| it.named_child(0)) == Some(parent);
            parent.child_by_field_name("body") == Some(node)
                && is_first
                && callee.is_some_and(|it| &text[it.byte_range()] == "filter")
        }
        _ => false,
    }
}

/// What an expression gives that no operator says.
pub(super) fn evaluate<'d>(pass: &Pass<'d>, node: Node<'d>) -> Option<Mark> {
    if node.kind() == "comparison_operator" { tables::contains(pass, node) } else { None }
}

/// The step that a known expression allows where it stands.
pub(super) fn step(pass: &Pass, parent: Node, node: Node, mark: &Mark) -> Option<Change> {
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "if_statement" if is("condition") => statements::if_step(pass, parent, mark),
        "elif_clause" if is("condition") => statements::elif_step(pass, parent, mark),
        "while_statement" if is("condition") => statements::while_step(pass, parent, mark),
        "match_statement" if is("subject") => statements::match_step(pass, parent, mark),
        "assert_statement" => statements::assert_step(pass, parent, node, mark),
        "expression_statement" => statements::expression_step(pass, parent, mark),
        "assignment" if is("right") => {
            dead::known_assignment(pass, parent).or_else(|| statements::assignment_step(pass, parent, mark))
        }
        "decorator" if mark.known == Known::PassesOn => Some(Change::of([pass.doc.delete(parent)])),
        "if_clause" => comprehensions::filter_step(pass, parent, mark),
        "interpolation" => expressions::interpolation_step(pass, parent, mark),
        "subscript" if is("subscript") => tables::lookup_step(pass, parent, mark),
        "argument_list" => tables::get_step(pass, parent, node, mark),
        _ => None,
    }
    .or_else(|| statements::try_step(pass, node))
}

/// Why a known expression still decides something.
pub(super) fn why_undecided(node: Node) -> Option<(Range<usize>, String)> {
    let parent = node.parent()?;
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    let reason = match parent.kind() {
        "if_statement" | "elif_clause" if is("condition") => "this condition has effects that must stay",
        "match_statement" if is("subject") => "a case of this match is not a plain value",
        _ => return None,
    };
    Some((node.byte_range(), reason.into()))
}

/// The names of the module whose value is known: where they are declared, what they give, whether by a call.
pub(super) fn constants(pass: &Pass) -> Vec<(Range<usize>, Known, bool)> {
    let mut found = Vec::new();
    for binding in pass.scopes.bindings.iter().filter(|it| it.scope == 0 && pass.is_constant(it)) {
        let Some(declaration) = pass.node(&binding.declaration) else { continue };
        let value = match binding.kind {
            Kind::Variable => declaration.child_by_field_name("right"),
            Kind::Function => returned(pass, declaration),
            _ => None,
        };
        let known = value.and_then(|it| pass.marked(it)).filter(|it| it.effects.is_empty());
        found
            .extend(known.map(|it| (binding.name.clone(), it.known.clone(), binding.kind == Kind::Function)));
    }
    found
}

/// What a member of a class gives, and whether by a call.
pub(super) fn given_by_member(pass: &Pass, declaration: Node) -> Option<(Known, bool)> {
    let plain = |it: Node| pass.marked(it).filter(|it| it.effects.is_empty()).map(|it| it.known.clone());
    match declaration.kind() {
        "function_definition" => {
            let known = returned(pass, declaration).and_then(plain)?;
            Some((known, !is_property(pass, declaration)))
        }
        "assignment" => Some((plain(declaration.child_by_field_name("right")?)?, false)),
        _ => None,
    }
}

/// The only thing that a function returns, when it does nothing else.
fn returned<'d>(pass: &Pass, function: Node<'d>) -> Option<Node<'d>> {
    let body = function.child_by_field_name("body")?;
    let last = *parts(body).last()?;
    let value = *parts(last).first().filter(|_| last.kind() == "return_statement")?;
    (returning(pass, value)? == function).then_some(value)
}

/// An entry of a registry, taken out; a class that would be empty gets a `pass`.
pub(super) fn without_entry(document: &Document, entry: Node) -> Change {
    if entry.kind() == "pair" {
        return Change::of([statements::delete_item(document, entry)]);
    }
    let is_only = entry.parent().is_some_and(|it| it.kind() == "block" && parts(it).len() == 1);
    match is_only {
        true => Change::of([super::Edit { range: entry.byte_range(), text: "pass".into() }]),
        false => Change::of([document.delete(entry)]),
    }
}
