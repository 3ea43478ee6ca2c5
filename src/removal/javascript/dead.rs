//! What died by the removal: declarations that nothing uses any more.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::Pass;
use crate::removal::scopes::{Binding, How, Kind};
use crate::removal::view::parts;

use super::lists::delete_item;
use super::{bound, callbacks};

/// A variable whose value is known goes with its last use.
pub(super) fn known_declarator(pass: &Pass, declarator: Node) -> Option<Change> {
    let value = declarator.child_by_field_name("value")?;
    let known = pass.marked(value).filter(|it| it.effects.is_empty())?.known.clone();
    if matches!(known, Known::Partly(_)) {
        return None;
    }
    let names = bound(pass, value, &known);
    let pattern = declarator.child_by_field_name("name")?;
    let n = if pattern.kind() == "identifier" { 1 } else { parts(pattern).len() };
    // What cannot be written down must go, and can.
    let untold = known.literal(pass.language(), pass.doc.quote).is_none();
    let lost = |it: &&Binding| untold || !it.reads.is_empty() || pass.doc.bereft.contains(&it.name.start);
    let bindings = names.iter().filter_map(|(name, _)| pass.scopes.declared_at(name.start));
    let unused = bindings.filter(lost).filter(|it| !is_alive(pass, it));
    (unused.count() == n && n > 0).then(|| delete_declarator(pass, declarator))
}

/// The declarations that lost their last use.
pub(in crate::removal) fn bury(pass: &Pass) -> Vec<Change> {
    let lost = pass.scopes.bindings.iter().filter(|it| pass.lost_a_use(it));
    lost.filter_map(|it| match is_alive(pass, it) {
        false => delete(pass, it),
        true => unwritten(pass, it).or_else(|| constant(pass, it)).or_else(|| without_modifiers(pass, it)),
    })
    .chain(super::fields::bury(pass))
    .collect()
}

/// The last write of a variable that nobody reads; the others follow.
fn unwritten(pass: &Pass, binding: &Binding) -> Option<Change> {
    let is_read = || binding.reads.iter().any(|it| !pass.is_within_mark(&it.range));
    let is_local = binding.kind == Kind::Variable && !is_exported(pass, binding);
    (is_local && !binding.writes.is_empty() && !is_read()).then_some(())?;
    let statement = |write: &std::ops::Range<usize>| {
        let assignment = pass.node(write)?.parent().filter(|it| it.kind() == "assignment_expression")?;
        let is_target = assignment.child_by_field_name("left")?.byte_range() == *write;
        let is_pure = assignment.child_by_field_name("right").is_some_and(|it| pass.is_pure(it));
        let statement = assignment.parent().filter(|it| it.kind() == "expression_statement")?;
        let round = statement.parent()?;
        let statement = match round.kind() {
            // `if (late) reason = 'late';`
            "if_statement" if round.child_by_field_name("alternative").is_none() => {
                round.child_by_field_name("condition").filter(|it| pass.is_pure(*it)).map(|_| round)?
            }
            _ => statement,
        };
        (is_target && is_pure && statement.parent().is_some_and(super::statements::is_list))
            .then_some(statement)
    };
    let all: Option<Vec<Node>> = binding.writes.iter().map(statement).collect();
    all?.into_iter().max_by_key(|it| it.start_byte()).map(|it| super::statements::delete(pass, it))
}

/// A `let` that lost its last write is a `const`.
fn constant(pass: &Pass, binding: &Binding) -> Option<Change> {
    let is_open = binding.kind == Kind::Variable && binding.writes.is_empty() && binding.again.is_empty();
    let declarator = pass.node(&binding.declaration).filter(|_| is_open && pass.doc.lost_writes(binding))?;
    let declaration = declarator.parent().filter(|it| it.kind() == "lexical_declaration")?;
    let is_let = pass.doc.of(declaration).starts_with("let")
        && parts(declaration).len() == 1
        && declarator.child_by_field_name("value").is_some()
        && declaration
            .parent()
            .is_some_and(|it| super::statements::is_list(it) || it.kind() == "export_statement");
    is_let.then(|| Change::of([super::statements::as_constant(declaration)]))
}

/// `constructor(private readonly mailer: Mailer)` of which nothing asks `this.mailer`: a parameter, which callers give.
fn without_modifiers(pass: &Pass, binding: &Binding) -> Option<Change> {
    let parameter = pass.node(&binding.declaration).filter(|_| pass.scopes.is_member(binding))?;
    let is_private = |it: &Node| it.kind() == "accessibility_modifier" && pass.doc.of(*it) == "private";
    let modifier = parts(parameter).into_iter().find(is_private)?;
    let pattern = parameter.child_by_field_name("pattern")?;
    let is_asked = binding.reads.iter().map(|it| &it.range).any(|it| {
        let is_member = pass.node(it).is_some_and(|it| it.kind() != "identifier");
        is_member && !pass.is_within_mark(it)
    });
    let is_written = binding.writes.iter().any(|it| *it != binding.name);
    let range = modifier.start_byte()..pattern.start_byte();
    let is_unasked = !is_asked && !is_written && !pass.is_member_named(binding);
    is_unasked.then(|| Change::of([Edit { range, text: String::new() }]))
}

/// Whether anything but itself uses a name, or may use it.
fn is_alive(pass: &Pass, binding: &Binding) -> bool {
    let own = |it: &std::ops::Range<usize>| binding.is_within_itself(it.start);
    let is_read = |it: &&crate::removal::scopes::Use| {
        matches!(it.how, How::Export | How::Type) && !own(&it.range)
            || !own(&it.range) && !pass.is_within_mark(&it.range)
    };
    binding.reads.iter().any(|it| is_read(&it))
        || binding.writes.iter().any(|it| !own(it))
        || (binding.kind == Kind::Other && !is_of_loop_or_catch(pass, binding))
        || (binding.kind == Kind::Parameter && !callbacks::may_lose(pass, binding))
        || match binding.kind {
            Kind::Member => is_member_open(pass, binding),
            _ => is_exported(pass, binding),
        }
}

/// Whether others may use a member.
fn is_member_open(pass: &Pass, binding: &Binding) -> bool {
    let is_private = || {
        let declaration = pass.node(&binding.declaration);
        let name = &pass.doc.text[binding.name.clone()];
        let field = declaration.map(|it| field_of(pass, it).unwrap_or(it));
        let modifier = field.map(parts).unwrap_or_default();
        name.starts_with('#')
            || modifier
                .iter()
                .any(|it| it.kind() == "accessibility_modifier" && pass.doc.of(*it) == "private")
    };
    let is_closed = pass.doc.unexported.contains(&binding.name.start) || is_private();
    !is_closed || pass.is_member_named(binding)
}

/// The field without a value that is assigned to in the constructor.
fn field_of<'d>(pass: &Pass<'d>, assignment: Node<'d>) -> Option<Node<'d>> {
    let member = assignment.child_by_field_name("left").filter(|it| it.kind() == "member_expression")?;
    let name = pass.doc.of(member.child_by_field_name("property")?);
    let mut class = assignment;
    while class.kind() != "class_body" {
        class = class.parent()?;
    }
    parts(class).into_iter().find(|it| {
        it.kind() == "public_field_definition"
            && it.child_by_field_name("name").is_some_and(|it| pass.doc.of(it) == name)
    })
}

/// A field, getter or method, together with the field that the constructor fills.
fn delete_member(pass: &Pass, node: Node) -> Option<Change> {
    let doc = pass.doc;
    let is_pure = |field: &str| node.child_by_field_name(field).is_none_or(|it| pass.is_pure(it));
    match node.kind() {
        "method_definition" => {
            let above = node.prev_named_sibling().filter(|it| it.kind() == "decorator");
            above.is_none().then(|| Change::of([doc.delete(node)]))
        }
        "public_field_definition" => is_pure("value").then(|| Change::of([super::delete_field(doc, node)])),
        "assignment_expression" => {
            let field = field_of(pass, node);
            let statement = node.parent().filter(|_| is_pure("right"))?;
            let field = field.map(|it| super::delete_field(doc, it));
            Some(Change::of(field.into_iter().chain([doc.delete(statement)])))
        }
        _ => None,
    }
}

fn is_exported(pass: &Pass, binding: &Binding) -> bool {
    if pass.doc.unexported.contains(&binding.name.start) {
        return false;
    }
    let mut node = pass.node(&binding.declaration);
    while let Some(it) = node {
        match it.kind() {
            "export_statement" => return true,
            "variable_declarator"
            | "lexical_declaration"
            | "variable_declaration"
            | "ambient_declaration" => {}
            _ if Some(it.byte_range()) == Some(binding.declaration.clone()) => {}
            _ => return false,
        }
        node = it.parent();
    }
    false
}

fn delete(pass: &Pass, binding: &Binding) -> Option<Change> {
    let doc = pass.doc;
    let node = pass.node(&binding.declaration)?;
    match binding.kind {
        Kind::Import => delete_import(pass, node),
        Kind::Member if binding.again.is_empty() => delete_member(pass, node),
        Kind::Parameter => callbacks::delete_parameter(pass, binding),
        Kind::Function | Kind::Type | Kind::Enum if binding.again.is_empty() => {
            Some(Change::of([doc.delete(statement(node))]))
        }
        Kind::Class if binding.again.is_empty() && is_quiet(pass, node) => {
            Some(Change::of([doc.delete(statement(node))]))
        }
        Kind::Constant | Kind::Variable if node.kind() == "variable_declarator" => {
            delete_variable(pass, node, binding)
        }
        Kind::Other => delete_from_head(pass, node, binding),
        _ => None,
    }
}

/// A declaration together with its `export`.
fn statement(node: Node) -> Node {
    let mut node = node;
    while let Some(parent) =
        node.parent().filter(|it| matches!(it.kind(), "export_statement" | "ambient_declaration"))
    {
        node = parent;
    }
    node
}

/// Whether a class does nothing where it is declared.
fn is_quiet(pass: &Pass, class: Node) -> bool {
    let Some(body) = class.child_by_field_name("body") else { return false };
    let is_static = |it: &Node| pass.doc.of(*it).contains("static");
    let decorated = parts(class).iter().any(|it| it.kind() == "decorator");
    !decorated
        && parts(body).iter().all(|it| match it.kind() {
            "class_static_block" => false,
            "public_field_definition" => {
                !is_static(it) || it.child_by_field_name("value").is_none_or(|it| pass.is_pure(it))
            }
            _ => true,
        })
}

fn delete_variable(pass: &Pass, declarator: Node, binding: &Binding) -> Option<Change> {
    let pattern = declarator.child_by_field_name("name")?;
    let value = declarator.child_by_field_name("value");
    let whole = || match value {
        Some(value) if !pass.is_pure(value) => only_the_value(pass, declarator, value),
        _ => Some(delete_declarator(pass, declarator)),
    };
    match pattern.kind() {
        "identifier" => whole(),
        _ => delete_from_pattern(pass, pattern, binding, whole),
    }
}

/// `const total = count();` nobody uses: `count();`.
fn only_the_value(pass: &Pass, declarator: Node, value: Node) -> Option<Change> {
    let declaration = declarator.parent()?;
    let is_listed = declaration.parent().is_some_and(super::statements::is_list);
    let begins_well = matches!(value.kind(), "call_expression" | "await_expression" | "new_expression");
    (is_listed && parts(declaration).len() == 1).then_some(())?;
    if pass.doc.is_copy {
        // What a function of one's own asks for the flag alone goes with it.
        return Some(Change::of([pass.doc.delete(declaration)]));
    }
    begins_well.then_some(())?;
    // `[...].filter(f)` would be joined to a line before it that has no semicolon.
    let (text, _) = super::statements::ends(pass, declaration, pass.doc.of(value));
    Some(Change::of([Edit { range: declaration.start_byte()..value.start_byte(), text }]))
}

fn delete_declarator(pass: &Pass, declarator: Node) -> Change {
    match declarator.parent() {
        Some(declaration) if parts(declaration).len() == 1 => {
            Change::of([pass.doc.delete(statement(declaration))])
        }
        _ => Change::of([delete_item(pass.doc, declarator)]),
    }
}

/// Whether a name is one of a pattern that a loop takes apart, or that of a caught error.
fn is_of_loop_or_catch(pass: &Pass, binding: &Binding) -> bool {
    let Some(node) = pass.node(&binding.declaration) else { return false };
    node.parent().is_some_and(|it| match it.kind() {
        "for_in_statement" => node.kind().ends_with("pattern"),
        "catch_clause" => node.kind() == "identifier",
        _ => false,
    })
}

/// A name of `for (const { a, b } of all)` or `catch (error)`.
fn delete_from_head(pass: &Pass, node: Node, binding: &Binding) -> Option<Change> {
    if node.kind() != "identifier" {
        // Something must stand there; another `_` could be meant.
        let is_free = || crate::removal::registry::names(pass.doc, "_").next().is_none();
        let unnamed = || Change::of([Edit { range: node.byte_range(), text: "_".into() }]);
        return delete_from_pattern(pass, node, binding, || is_free().then(unnamed));
    }
    let clause = node.parent().filter(|it| it.kind() == "catch_clause")?;
    let body = clause.child_by_field_name("body")?;
    let range = clause.start_byte() + "catch".len()..body.start_byte();
    Some(Change::of([Edit { range, text: " ".into() }]))
}

/// A name of a pattern, or all of it by `whole`.
pub(super) fn delete_from_pattern(
    pass: &Pass,
    pattern: Node,
    binding: &Binding,
    whole: impl FnOnce() -> Option<Change>,
) -> Option<Change> {
    let mut item = pass.node(&binding.name)?;
    while let Some(parent) = item.parent().filter(|it| *it != pattern) {
        // `{ a: { b } }`: the inner pattern goes when it is empty.
        if matches!(parent.kind(), "object_pattern" | "array_pattern") && parts(parent).len() > 1 {
            break;
        }
        item = parent;
    }
    let list = item.parent()?;
    let all = parts(list);
    if list.kind() == "object_pattern" && all.iter().any(|it| it.kind() == "rest_pattern" && *it != item) {
        // The rest would get what is no longer taken out.
        return None;
    }
    let default_is_pure = match item.kind() {
        "object_assignment_pattern" | "assignment_pattern" => {
            item.child_by_field_name("right").is_some_and(|it| pass.is_pure(it))
        }
        _ => true,
    };
    default_is_pure.then_some(())?;
    let change = match list.kind() {
        _ if list == pattern && all.len() == 1 => whole()?,
        "object_pattern" => Change::of([delete_item(pass.doc, item)]),
        "array_pattern" if all.last() == Some(&item) => Change::of([delete_last(pass, item)]),
        // A hole keeps the others in their places.
        "array_pattern" => Change::of([Edit { range: item.byte_range(), text: String::new() }]),
        _ => return None,
    };
    // Two deletions at once could empty it.
    Some(Change { claim: Some(pattern.start_byte()), ..change })
}

/// The last item of an array's pattern together with the holes before it.
fn delete_last(pass: &Pass, item: Node) -> Edit {
    let before = item.prev_named_sibling().map_or(item.start_byte(), |it| it.end_byte());
    match pass.doc.text[before..item.start_byte()].matches(',').count() {
        0 | 1 => delete_item(pass.doc, item),
        _ => Edit { range: before..item.end_byte(), text: String::new() },
    }
}

fn delete_import(pass: &Pass, node: Node) -> Option<Change> {
    let doc = pass.doc;
    // `{ a }`: the specifier is as long as its name.
    let node = node.parent().filter(|it| it.byte_range() == node.byte_range()).unwrap_or(node);
    let mut statement = node;
    while statement.kind() != "import_statement" && statement.kind() != "import_alias" {
        statement = statement.parent()?;
    }
    if node == statement || node.kind() == "import_require_clause" || statement.kind() == "import_alias" {
        return Some(Change::of([doc.delete(statement)]));
    }
    let clause = parts(statement).into_iter().find(|it| it.kind() == "import_clause")?;
    let whole = parts(clause);
    if node.kind() == "import_specifier" {
        let list = node.parent()?;
        if parts(list).len() > 1 {
            return Some(Change::of([delete_item(doc, node)]));
        }
        if whole.len() == 1 {
            return Some(Change::of([doc.delete(statement)]));
        }
        return Some(Change::of([delete_item(doc, list)]));
    }
    if whole.len() == 1 {
        return Some(Change::of([doc.delete(statement)]));
    }
    let item = whole
        .into_iter()
        .find(|it| it.start_byte() <= node.start_byte() && node.end_byte() <= it.end_byte())?;
    Some(Change::of([delete_item(doc, item)]))
}
