//! What died by the removal: declarations that nothing uses any more.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::{Change, Document};
use crate::removal::pass::Pass;
use crate::removal::scopes::{Binding, How, Kind};
use crate::removal::view::parts;

use super::expressions::{substitute, wrapped};
use super::statements::{delete, delete_item};

/// A variable whose value is known goes with its last use.
pub(super) fn known_assignment(pass: &Pass, assignment: Node) -> Option<Change> {
    let value = assignment.child_by_field_name("right")?;
    let mark = pass.marked(value).filter(|it| it.effects.is_empty())?;
    let name = assignment.child_by_field_name("left").filter(|it| it.kind() == "identifier")?;
    let binding = pass.scopes.declared_at(name.start_byte()).filter(|it| it.again.is_empty())?;
    // What cannot be written down must go, and can.
    let untold = mark.known.literal(pass.language(), pass.doc.quote).is_none();
    let lost = untold || !binding.reads.is_empty() || pass.doc.bereft.contains(&binding.name.start);
    let statement = assignment.parent().filter(|it| it.kind() == "expression_statement")?;
    (lost && !is_alive(pass, binding)).then(|| delete(pass, statement))
}

/// The declarations that lost their last use.
pub(in crate::removal) fn bury(pass: &Pass) -> Vec<Change> {
    let lost = pass.scopes.bindings.iter().filter(|it| pass.lost_a_use(it));
    lost.flat_map(|it| match is_alive(pass, it) {
        false => bury_one(pass, it).into_iter().collect(),
        true => unread_errors(pass, it),
    })
    .collect()
}

/// Whether anything but itself uses a name, or may use it.
fn is_alive(pass: &Pass, binding: &Binding) -> bool {
    let own = |it: &Range<usize>| binding.is_within_itself(it.start);
    let is_read = |it: &crate::removal::scopes::Use| {
        !own(&it.range) && (matches!(it.how, How::Export | How::Type) || !pass.is_within_mark(&it.range))
    };
    binding.reads.iter().any(is_read)
        || !binding.writes.is_empty()
        || binding.kind == Kind::Parameter
        || binding.kind == Kind::Other && !names(binding).all(|it| target_of(pass, it).is_some())
        || may_be_imported(pass, binding)
}

/// What a module declares other files may import; nobody imports a name from where it was imported to, except from a
/// package.
fn may_be_imported(pass: &Pass, binding: &Binding) -> bool {
    let is_of_module = binding.scope == 0;
    let name = &pass.doc.text[binding.name.clone()];
    let is_closed = || name.starts_with('_') || pass.doc.unexported.contains(&binding.name.start);
    if pass.scopes.is_member(binding) {
        return name.starts_with("__") || !is_closed() || pass.is_member_named(binding);
    }
    is_of_module && binding.kind != Kind::Import && !is_closed()
}

fn bury_one(pass: &Pass, binding: &Binding) -> Option<Change> {
    let node = pass.node(&binding.declaration)?;
    match binding.kind {
        Kind::Import if binding.again.is_empty() => delete_import(pass, node),
        Kind::Function if binding.again.is_empty() => delete_definition(pass, node),
        Kind::Class if binding.again.is_empty() => delete_definition(pass, node),
        Kind::Variable | Kind::Other => delete_assignments(pass, binding),
        Kind::Member if binding.again.is_empty() && node.kind() == "assignment" => {
            let is_pure = node.child_by_field_name("right").is_some_and(|it| pass.is_pure(it));
            node.parent().filter(|_| is_pure).map(|it| delete(pass, it))
        }
        _ => None,
    }
}

/// Where fields that `__init__` fills and properties are declared that lost their last use. Those of classes that
/// inherit or are decorated are left alone: the base may want them.
pub(in crate::removal) fn unread_fields(document: &Document) -> Vec<usize> {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let members = scopes.bindings.iter().filter(|it| scopes.is_member(it) && pass.lost_a_use(it));
    let unread = members.filter(|it| {
        let node = pass.node(&it.declaration);
        node.is_some_and(|node| is_field(&pass, node) && is_of_plain_class(node))
            && it.writes.is_empty()
            && it.again.is_empty()
            && pass.is_only_declared(it)
    });
    unread.map(|it| it.name.start).collect()
}

fn is_field(pass: &Pass, declaration: Node) -> bool {
    let left = declaration.child_by_field_name("left").filter(|_| declaration.kind() == "assignment");
    left.is_some_and(|it| it.kind() == "attribute")
        || declaration.kind() == "function_definition" && super::is_property(pass, declaration)
}

fn is_of_plain_class(member: Node) -> bool {
    let mut node = member;
    while node.kind() != "class_definition" {
        let Some(parent) = node.parent() else { return false };
        node = parent;
    }
    node.child_by_field_name("superclasses").is_none()
        && node.parent().is_none_or(|it| it.kind() != "decorated_definition")
}

/// Decorators that do nothing but change what they decorate.
const QUIET: &[&str] = &[
    "staticmethod",
    "classmethod",
    "property",
    "cached_property",
    "functools.cached_property",
    "cache",
    "lru_cache",
    "functools.cache",
    "functools.lru_cache",
    "wraps",
    "functools.wraps",
    "dataclass",
    "dataclasses.dataclass",
    "contextmanager",
    "contextlib.contextmanager",
];

fn delete_definition(pass: &Pass, node: Node) -> Option<Change> {
    let Some(decorated) = node.parent().filter(|it| it.kind() == "decorated_definition") else {
        return Some(delete(pass, node));
    };
    let quiet = parts(decorated).iter().filter(|it| it.kind() == "decorator").all(|it| {
        let name = pass.doc.of(*it).trim_start_matches('@').split('(').next().unwrap_or_default().trim();
        QUIET.contains(&name)
    });
    quiet.then(|| delete(pass, decorated))
}

/// Every place that gives a name a value.
fn names(binding: &Binding) -> impl Iterator<Item = &Range<usize>> {
    std::iter::once(&binding.name).chain(&binding.again)
}

/// Every assignment of a name that nobody reads.
fn delete_assignments(pass: &Pass, binding: &Binding) -> Option<Change> {
    // The last one first, all of them or none: the first one is where it is known what was lost.
    let all: Option<Vec<Change>> = names(binding).map(|it| without_name(pass, it)).collect();
    all?.pop()
}

/// What gives a name a value, without the name.
fn without_name(pass: &Pass, name: &Range<usize>) -> Option<Change> {
    if let Some(target) = target_of(pass, name) {
        return Some(without_target(target));
    }
    let round = pass.node(name)?.parent()?;
    match round.kind() {
        "assignment" => without_assignment(pass, round),
        "named_expression" => without_walrus(pass, round),
        _ => None,
    }
}

fn without_assignment(pass: &Pass, assignment: Node) -> Option<Change> {
    let value = assignment.child_by_field_name("right");
    let only_the_value = |value: Node| {
        Change::of([Edit { range: assignment.start_byte()..value.start_byte(), text: String::new() }])
    };
    // `a = b = f()`: the other names stay.
    let is_one_of_several = |it: Node| it.kind() == "assignment";
    let round = assignment.parent()?;
    if is_one_of_several(round) || value.is_some_and(is_one_of_several) {
        let mut whole = round;
        while is_one_of_several(whole) {
            whole = whole.parent()?;
        }
        return Some(Change { claim: Some(whole.start_byte()), ..only_the_value(value?) });
    }
    (round.kind() == "expression_statement").then_some(())?;
    match value {
        // What a function of one's own asks for the flag alone goes with it.
        Some(value) if !pass.is_pure(value) && !pass.doc.is_copy => {
            matches!(value.kind(), "call" | "await").then(|| only_the_value(value))
        }
        _ => Some(delete(pass, round)),
    }
}

/// `(n := f())` gives the same without the name.
fn without_walrus(pass: &Pass, named: Node) -> Option<Change> {
    let value = named.child_by_field_name("value")?;
    let statement = wrapped(named).parent().filter(|it| it.kind() == "expression_statement");
    match statement.filter(|_| pass.is_pure(value)) {
        Some(statement) => Some(delete(pass, statement)),
        None => substitute(pass, named, value),
    }
}

/// The `with` item or the `except` that a name is the `as` of.
fn target_of<'d>(pass: &Pass<'d>, name: &Range<usize>) -> Option<Node<'d>> {
    let mut target = pass.node(name)?;
    if target.kind() == "identifier" {
        target = target.parent()?;
    }
    let pattern = target.parent().filter(|_| target.kind() == "as_pattern_target")?;
    let is_plain = matches!(pattern.parent()?.kind(), "with_item" | "except_clause");
    is_plain.then_some(pattern)
}

fn without_target(pattern: Node) -> Change {
    let end = pattern.named_child(0).map_or(pattern.start_byte(), |it| it.end_byte());
    Change::of([Edit { range: end..pattern.end_byte(), text: String::new() }])
}

/// `except ValueError as error` whose block does not read the error: the name ends with the block, whatever else in the
/// function has it.
fn unread_errors(pass: &Pass, binding: &Binding) -> Vec<Change> {
    let unread = names(binding).filter_map(|it| {
        let pattern = target_of(pass, it)?;
        let clause = pattern.parent().filter(|it| it.kind() == "except_clause")?.byte_range();
        let is_inside = |it: &Range<usize>| clause.start <= it.start && it.end <= clause.end;
        let mut reads = binding.reads.iter().map(|it| &it.range).filter(|it| is_inside(it));
        reads.all(|it| pass.is_within_mark(it)).then(|| without_target(pattern))
    });
    unread.collect()
}

fn delete_import(pass: &Pass, node: Node) -> Option<Change> {
    let mut statement = node;
    while !matches!(statement.kind(), "import_statement" | "import_from_statement") {
        statement = statement.parent()?;
    }
    let module = statement.child_by_field_name("module_name");
    let names: Vec<_> = parts(statement).into_iter().filter(|it| Some(*it) != module).collect();
    if names.len() == 1 {
        return Some(delete(pass, statement));
    }
    let item = names
        .into_iter()
        .find(|it| it.start_byte() <= node.start_byte() && node.end_byte() <= it.end_byte())?;
    Some(Change::of([delete_item(pass.doc, item)]))
}
