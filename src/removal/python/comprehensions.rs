//! Comprehensions whose filter or value is decided, and loops that do nothing any more.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::Binding;
use crate::removal::view::parts;

/// `[x for x in xs if read]`
pub(super) fn filter_step(pass: &Pass, clause: Node, mark: &Mark) -> Option<Change> {
    let holds = mark.known.is_truthy(pass.language()).filter(|_| mark.effects.is_empty())?;
    let round = clause.parent().filter(|it| it.kind() != "case_clause")?;
    if !holds {
        return is_quiet_until(pass, round, clause).then(|| emptied(pass, round)).flatten();
    }
    let start = pass.doc.text[..clause.start_byte()].trim_end().len();
    Some(Change::of([Edit { range: start..clause.end_byte(), text: String::new() }]))
}

/// Whether a comprehension does nothing before one of its clauses but go through something.
fn is_quiet_until(pass: &Pass, round: Node, clause: Node) -> bool {
    let before = parts(round).into_iter().skip(1).take_while(|it| *it != clause);
    before.into_iter().all(|it| match it.kind() {
        "for_in_clause" => it.child_by_field_name("right").is_some_and(|it| is_quiet(pass, it)),
        _ => parts(it).into_iter().all(|it| pass.is_pure(it)),
    })
}

/// Whether going through something does nothing: what a call gave may be a generator.
fn is_quiet(pass: &Pass, iterable: Node) -> bool {
    let binding = pass.scopes.at(&iterable.byte_range()).filter(|_| iterable.kind() == "identifier");
    let value =
        binding.and_then(|it| pass.node(&it.declaration)).and_then(|it| it.child_by_field_name("right"));
    pass.is_pure(iterable) && value.is_none_or(|it| pass.is_pure(it))
}

/// A comprehension that gives nothing, written down, or what takes that in.
fn emptied(pass: &Pass, round: Node) -> Option<Change> {
    let whole =
        |node: Node, text: &str| Some(Change::of([Edit { range: node.byte_range(), text: text.into() }]));
    match round.kind() {
        "list_comprehension" => return whole(round, "[]"),
        "set_comprehension" => return whole(round, "set()"),
        "dictionary_comprehension" => return whole(round, "{}"),
        _ => {}
    }
    let list = round.parent()?;
    if list.kind() == "argument_list" {
        return with_default(pass, list.parent()?, round);
    }
    let name = pass.doc.of(list.child_by_field_name("function")?);
    let known = |literal: &str, known: Known| Some(Change::literal(list.byte_range(), "", literal, known));
    match name {
        "any" => known("False", Known::bool(false)),
        "all" => known("True", Known::bool(true)),
        "sum" => known("0", Known::Json(0.into())),
        "list" | "sorted" => whole(list, "[]"),
        "tuple" => whole(list, "()"),
        "dict" => whole(list, "{}"),
        "set" | "frozenset" => whole(round, "()"),
        _ => None,
    }
}

/// `next((x for x in xs if False), other)` gives the other.
fn with_default(pass: &Pass, call: Node, generator: Node) -> Option<Change> {
    let is_next = call.child_by_field_name("function").is_some_and(|it| pass.doc.of(it) == "next");
    match parts(call.child_by_field_name("arguments")?)[..] {
        [first, default] if is_next && first == generator => super::substitute(pass, call, default),
        _ => None,
    }
}

/// `any(False for x in xs)`, `all(True for x in xs)`: what the call gives, whatever is in it.
pub(super) fn settled<'d>(pass: &Pass<'d>, value: Node<'d>) -> Option<Node<'d>> {
    let generator = value.parent().filter(|it| it.kind() == "generator_expression")?;
    let is_body = generator.child_by_field_name("body") == Some(value);
    let call = generator.parent().filter(|it| is_body && it.kind() == "call")?;
    let truth = pass.marked(value)?.known.clone();
    let settles = match pass.doc.of(call.child_by_field_name("function")?) {
        "any" => truth == Known::bool(false),
        "all" => truth == Known::bool(true),
        _ => false,
    };
    // No clause is the generator itself: all of them are looked at.
    (settles && is_quiet_until(pass, generator, generator)).then_some(call)
}

/// The loop that a block without anything to do is the body of, where it goes with that.
pub(super) fn idle_loop<'d>(pass: &Pass<'d>, block: Node<'d>) -> Option<Node<'d>> {
    let statement = block.parent().filter(|it| it.kind() == "for_statement")?;
    let is_body = statement.child_by_field_name("body") == Some(block);
    let is_plain = statement.child_by_field_name("alternative").is_none()
        && !pass.doc.of(statement).starts_with("async");
    let iterable = statement.child_by_field_name("right")?;
    (is_body && is_plain && !leaves_an_item(pass, statement) && is_quiet(pass, iterable)).then_some(statement)
}

/// Whether the last item of a loop may be read behind it, where its name still means that.
fn leaves_an_item(pass: &Pass, statement: Node) -> bool {
    let Some(left) = statement.child_by_field_name("left").map(|it| it.byte_range()) else { return true };
    let names =
        |it: &'_ Binding| std::iter::once(it.name.clone()).chain(it.again.clone()).collect::<Vec<_>>();
    let own = pass.scopes.bindings.iter().filter(|it| names(it).iter().any(|it| left.contains(&it.start)));
    own.into_iter().any(|binding| {
        let mut loops: Vec<_> = names(binding).iter().filter_map(|it| loop_of(pass, it)).collect();
        // A loop round this one goes on with what this one left.
        loops.retain(|it| *it == statement.byte_range() || !it.contains(&statement.start_byte()));
        let is_inside = |at: usize| loops.iter().any(|it| it.contains(&at));
        binding.scope == 0 || binding.reads.iter().any(|it| !is_inside(it.range.start))
    })
}

/// The loop that gives a name its value.
fn loop_of(pass: &Pass, name: &Range<usize>) -> Option<Range<usize>> {
    let mut node = pass.node(name)?;
    while node.kind() != "for_statement" {
        node = node.parent().filter(|it| !it.kind().ends_with("block"))?;
    }
    let is_own = node.child_by_field_name("left").is_some_and(|it| it.byte_range().contains(&name.start));
    is_own.then(|| node.byte_range())
}
