//! TypeScript, TSX and JavaScript: what a name, an expression and a statement mean to a removal.

pub(super) mod bootstrap;
mod callbacks;
mod dead;
mod elements;
mod expressions;
pub(super) mod fields;
mod lists;
mod statements;

use std::ops::Range;

use tree_sitter::Node;

use super::Edit;
use super::document::{Change, Document};
use super::known::Known;
use super::pass::{Mark, Pass};
use super::scopes::{Binding, Kind};
use super::view::parts;

pub(super) use dead::bury;
pub(super) use elements::{elements_of, payload_of_children, property_of, shows_nothing, written};
pub(super) use expressions::{
    begins_statement, inside_statement, is_body, is_bool, is_pure, peeled, sequence, substitute,
};

/// The names that an expression gives a value to, and which. Of what is asked for its `.value` the name is a ref.
pub(super) fn bound(pass: &Pass, node: Node, known: &Known) -> Vec<(Range<usize>, Known)> {
    let mut names = bound_plainly(pass, node, known);
    for (name, known) in names.iter_mut().filter(|it| matches!(it.1, Known::Json(_) | Known::Falsy)) {
        if pass.scopes.declared_at(name.start).is_some_and(|it| !values_of(pass, it).is_empty()) {
            *known = Known::Record([("value".to_owned(), known.clone())].into());
        }
    }
    names
}

/// Where the `.value` of a name is asked for.
fn values_of<'d>(pass: &Pass<'d>, binding: &Binding) -> Vec<Node<'d>> {
    let asked = binding.reads.iter().filter_map(|it| {
        let member = pass.node(&it.range)?.parent().filter(|it| it.kind() == "member_expression")?;
        let is_value = member.child_by_field_name("property").is_some_and(|it| pass.doc.of(it) == "value");
        is_value.then_some(member)
    });
    asked.collect()
}

/// `const on = computed(() => read)`, `ref(read)`: what its `.value` is, unless that is assigned.
fn unwrapped<'d>(pass: &Pass<'d>, node: Node<'d>) -> Vec<Node<'d>> {
    let value = || {
        let argument = returning(node).unwrap_or(node);
        let call = argument.parent()?.parent().filter(|it| it.kind() == "call_expression")?;
        let callee = pass.doc.of(call.child_by_field_name("function")?);
        let fits = match argument == node {
            true => matches!(callee, "ref" | "shallowRef" | "signal"),
            false => matches!(callee, "computed"),
        };
        let is_only = parts(call.child_by_field_name("arguments")?).len() == 1;
        let name = bound_name(call).filter(|_| fits && is_only)?;
        let binding = pass.scopes.declared_at(name.start).filter(|it| pass.is_constant(it))?;
        let asked = values_of(pass, binding);
        let is_written = |it: &Node| {
            it.parent().is_some_and(|round| {
                round.kind() == "update_expression"
                    || round.kind().contains("assignment") && round.child_by_field_name("left") == Some(*it)
            })
        };
        let passed_on = !fits || (callee != "computed" && asked.len() != binding.reads.len());
        (!passed_on && !asked.iter().any(is_written)).then_some(asked)
    };
    value().unwrap_or_default()
}

fn bound_plainly(pass: &Pass, node: Node, known: &Known) -> Vec<(Range<usize>, Known)> {
    let Some(parent) = node.parent() else { return Vec::new() };
    match parent.kind() {
        "variable_declarator" if parent.child_by_field_name("value") == Some(node) => {
            parent.child_by_field_name("name").map(|it| pattern(pass, it, known)).unwrap_or_default()
        }
        "public_field_definition" if parent.child_by_field_name("value") == Some(node) => parent
            .child_by_field_name("name")
            .map(|it| vec![(it.byte_range(), known.clone())])
            .unwrap_or_default(),
        "assignment_expression" if parent.child_by_field_name("right") == Some(node) => {
            let member = parent.child_by_field_name("left").filter(|it| it.kind() == "member_expression");
            let name = member.and_then(|it| it.child_by_field_name("property"));
            name.map(|it| vec![(it.byte_range(), known.clone())]).unwrap_or_default()
        }
        "array" => lists::in_promise_all(pass, parent, node)
            .and_then(|it| it.name)
            .map(|it| vec![(it.byte_range(), known.clone())])
            .unwrap_or_default(),
        "member_expression" => {
            then_parameter(pass, parent).map(|it| vec![(it, known.clone())]).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// The names of a pattern, by what its fields give.
fn pattern(pass: &Pass, pattern: Node, known: &Known) -> Vec<(Range<usize>, Known)> {
    let of = |it: Node| &pass.doc.text[it.byte_range()];
    match pattern.kind() {
        "identifier" => vec![(pattern.byte_range(), known.clone())],
        "object_pattern" => parts(pattern)
            .into_iter()
            .filter_map(|it| {
                let (key, name) = match it.kind() {
                    "shorthand_property_identifier_pattern" => (it, it),
                    "pair_pattern" => (it.child_by_field_name("key")?, it.child_by_field_name("value")?),
                    _ => return None,
                };
                let field = known.field(of(key).trim_matches(['"', '\'']), pass.language())?;
                let is_name = matches!(name.kind(), "identifier" | "shorthand_property_identifier_pattern");
                is_name.then(|| (name.byte_range(), field))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// `read.then(on => ...)`: the parameter.
fn then_parameter(pass: &Pass, member: Node) -> Option<Range<usize>> {
    let is_then = member.child_by_field_name("property").is_some_and(|it| pass.doc.of(it) == "then");
    let call = member.parent().filter(|it| is_then && it.kind() == "call_expression")?;
    let callback = *parts(call.child_by_field_name("arguments")?).first()?;
    parameter(callback, 0).map(|it| it.byte_range())
}

/// Whether `.then` or its like is asked of an expression.
pub(super) fn is_chained(doc: &Document, node: Node) -> bool {
    let member = node.parent().filter(|it| it.kind() == "member_expression");
    let is_object = member.and_then(|it| it.child_by_field_name("object")) == Some(node);
    let name = member.filter(|_| is_object).and_then(|it| it.child_by_field_name("property"));
    name.is_some_and(|it| matches!(doc.of(it), "then" | "catch" | "finally"))
}

/// A parameter of a function that is a plain name.
fn parameter(function: Node, number: usize) -> Option<Node> {
    if let Some(only) = function.child_by_field_name("parameter").filter(|_| number == 0) {
        return Some(only);
    }
    let parameter = *parts(function.child_by_field_name("parameters")?).get(number)?;
    let name = parameter.child_by_field_name("pattern").unwrap_or(parameter);
    (name.kind() == "identifier" && parameter.child_by_field_name("value").is_none()).then_some(name)
}

/// Other expressions that give the same: calls of a function that returns nothing else, `useMemo`.
pub(super) fn echoes<'d>(pass: &Pass<'d>, node: Node<'d>) -> Vec<Node<'d>> {
    let unwrapped = unwrapped(pass, node);
    if !unwrapped.is_empty() {
        return unwrapped;
    }
    if let Some(call) = callbacks::settled(pass, node) {
        return vec![call];
    }
    let is_object = node.kind() == "object";
    let function = if is_object { returning_at_end(pass, node) } else { returning(node) };
    let Some(function) = function else { return Vec::new() };
    if is_memo(pass, function) {
        return function.parent().and_then(|it| it.parent()).into_iter().collect();
    }
    let Some(name) = name_of(function) else { return Vec::new() };
    let Some(binding) = pass.scopes.declared_at(name.start_byte()).filter(|it| pass.is_constant(it)) else {
        return Vec::new();
    };
    match has_word(function, "get") {
        true => pass.reads_of(binding),
        false => pass.calls_of(binding),
    }
}

fn is_memo(pass: &Pass, function: Node) -> bool {
    let call = function.parent().and_then(|it| it.parent()).filter(|it| it.kind() == "call_expression");
    let callee = call.and_then(|it| it.child_by_field_name("function"));
    callee.is_some_and(|it| matches!(pass.doc.of(it), "useMemo" | "React.useMemo"))
}

/// The object that an expression is a field of, and the field's name.
pub(super) fn field_of_object<'d>(pass: &Pass<'d>, node: Node<'d>) -> Option<(Node<'d>, String)> {
    if node.kind() == "shorthand_property_identifier" {
        let object = node.parent().filter(|it| it.kind() == "object")?;
        return Some((object, pass.doc.of(node).to_owned()));
    }
    let pair = expressions::wrapped(node).parent().filter(|it| it.kind() == "pair")?;
    let key = pair.child_by_field_name("key").filter(|it| it.kind() == "property_identifier")?;
    let object = pair.parent().filter(|it| it.kind() == "object")?;
    // A field that is said twice, or spread over, may be another.
    let is_plain = parts(object).iter().all(|it| it.kind() != "spread_element");
    let is_value = pair.child_by_field_name("value").is_some_and(|it| it != key);
    (is_plain && is_value).then(|| (object, pass.doc.of(key).to_owned()))
}

/// Whether of an object by a name only fields are read: nothing assigns to them, and nobody else gets it.
pub(super) fn is_only_looked_into(pass: &Pass, binding: &Binding) -> bool {
    binding.reads.iter().all(|it| {
        let Some(node) = pass.node(&it.range) else { return false };
        let Some(parent) = node.parent() else { return false };
        match parent.kind() {
            "member_expression" => parent.parent().is_some_and(|round| {
                let is_target =
                    round.kind().contains("assignment") && round.child_by_field_name("left") == Some(parent);
                !is_target && round.kind() != "update_expression"
            }),
            "variable_declarator" | "return_statement" | "export_specifier" => true,
            _ => false,
        }
    })
}

/// The function whose value an expression is, when it returns nothing else.
fn returning(node: Node) -> Option<Node> {
    let parent = node.parent()?;
    if parent.kind() == "arrow_function" && parent.child_by_field_name("body") == Some(node) {
        return Some(parent);
    }
    let block = parent.parent().filter(|_| parent.kind() == "return_statement")?;
    let function = block.parent().filter(|_| block.kind() == "statement_block" && parts(block).len() == 1)?;
    let is_generator = function.kind().starts_with("generator");
    let is_function = function.kind().ends_with("function")
        || function.kind() == "method_definition" && !has_word(function, "set") && !has_word(function, "*")
        || function.kind() == "function_declaration"
        || function.kind() == "function_expression";
    (is_function && !is_generator).then_some(function)
}

/// Whether a keyword stands before the name of a method.
fn has_word(method: Node, word: &str) -> bool {
    let mut cursor = method.walk();
    method.kind() == "method_definition" && method.children(&mut cursor).any(|it| it.kind() == word)
}

/// The function that returns an object at its end, and nothing elsewhere, after nothing but declarations.
fn returning_at_end<'d>(pass: &Pass<'d>, object: Node<'d>) -> Option<Node<'d>> {
    let statement = expressions::wrapped(object).parent()?;
    if statement.kind() == "arrow_function" {
        return Some(statement);
    }
    let block = statement.parent().filter(|it| it.kind() == "statement_block")?;
    let function = block.parent().filter(|it| {
        statement.kind() == "return_statement"
            && (it.kind().ends_with("function") || it.kind().ends_with("function_declaration"))
    })?;
    let all = parts(block);
    let quiet = |it: &Node| match it.kind() {
        "lexical_declaration" => parts(*it)
            .iter()
            .all(|it| it.child_by_field_name("value").is_none_or(|it| pass.is_pure(it) || is_hook(pass, it))),
        kind => kind.contains("function_declaration"),
    };
    let (last, before) = all.split_last()?;
    (*last == statement && before.iter().all(quiet)).then_some(function)
}

/// A call of a hook gives something; that it asks again when something changes is no effect of the caller's.
fn is_hook(pass: &Pass, call: Node) -> bool {
    let callee = call.child_by_field_name("function").filter(|_| call.kind() == "call_expression");
    let name = callee.map(|it| pass.doc.of(it)).and_then(|it| it.rsplit('.').next()).unwrap_or_default();
    name.strip_prefix("use").is_some_and(|it| it.starts_with(char::is_uppercase))
        || ["isFeatureEnabled", "getFeatureFlag", "getFeatureFlagPayload"].contains(&name)
}

/// The name that a function is called by.
fn name_of(function: Node) -> Option<Node> {
    match function.kind() {
        "function_declaration" | "method_definition" => function.child_by_field_name("name"),
        _ => {
            if let Some(field) = function.parent().filter(|it| it.kind() == "public_field_definition") {
                return field.child_by_field_name("name");
            }
            let declarator = function.parent().filter(|it| it.kind() == "variable_declarator")?;
            declarator.child_by_field_name("name").filter(|it| it.kind() == "identifier")
        }
    }
}

/// The name of the variable that an expression begins.
pub(super) fn bound_name(node: Node) -> Option<Range<usize>> {
    let declarator = node.parent().filter(|it| it.kind() == "variable_declarator")?;
    let is_value = declarator.child_by_field_name("value") == Some(node);
    let name = declarator.child_by_field_name("name").filter(|it| is_value && it.kind() == "identifier")?;
    Some(name.byte_range())
}

/// Whether a variable has its value wherever it is read. A `var` is seen outside of its block, and before it.
pub(super) fn is_set_when_read(pass: &Pass, binding: &Binding) -> bool {
    if binding.kind != Kind::Variable {
        return true;
    }
    let declaration = pass.node(&binding.declaration).and_then(|it| it.parent());
    let Some(var) = declaration.filter(|it| it.kind() == "variable_declaration") else { return true };
    let Some(block) = var.parent().filter(|it| statements::is_list(*it)) else { return false };
    binding.reads.iter().all(|it| {
        let is_after = var.end_byte() <= it.range.start && it.range.end <= block.end_byte();
        is_after && !is_called_before(pass, &it.range, block, var)
    })
}

/// Whether a place stands in a function of a block that is used before a statement of it.
fn is_called_before(pass: &Pass, place: &Range<usize>, block: Node, statement: Node) -> bool {
    let mut node = pass.doc.tree.root_node().named_descendant_for_byte_range(place.start, place.end);
    while let Some(it) = node.filter(|it| *it != block) {
        let name = it.child_by_field_name("name").filter(|_| it.kind() == "function_declaration");
        let function = name.and_then(|it| pass.scopes.declared_at(it.start_byte()));
        if function.is_some_and(|it| it.reads.iter().any(|it| it.range.start < statement.start_byte())) {
            return true;
        }
        node = it.parent();
    }
    false
}

/// Whether a statement, or a callback that picks, asks for nothing but the truth of a part.
pub(super) fn is_decided_by(text: &str, parent: Node, node: Node) -> bool {
    match parent.kind() {
        "if_statement" | "while_statement" | "do_statement" | "for_statement" => {
            parent.child_by_field_name("condition") == Some(node)
        }
        "expression_statement" => true,
        "arrow_function" => {
            let picks = || {
                let call = parent.parent()?.parent().filter(|it| it.kind() == "call_expression")?;
                let name = call.child_by_field_name("function")?.child_by_field_name("property")?;
                let name = &text[name.byte_range()];
                Some(matches!(name, "filter" | "some" | "every" | "find" | "findIndex" | "findLast"))
            };
            parent.child_by_field_name("body") == Some(node) && picks() == Some(true)
        }
        _ => false,
    }
}

/// What an expression gives that no operator says: `read in TABLE`.
pub(super) fn evaluate<'d>(pass: &Pass<'d>, node: Node<'d>) -> Option<Mark> {
    if node.kind() == "binary_expression" { expressions::contains(pass, node) } else { None }
}

/// The step that a known expression allows where it stands.
pub(super) fn step(pass: &Pass, parent: Node, node: Node, mark: &Mark) -> Option<Change> {
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    if let Some(change) = elements::shown_step(pass, node, mark) {
        return Some(change);
    }
    match parent.kind() {
        "if_statement" if is("condition") => statements::if_step(pass, parent, mark),
        "while_statement" | "for_statement" if is("condition") => statements::loop_step(pass, parent, mark),
        "do_statement" if is("condition") => statements::do_step(pass, parent, mark),
        "switch_statement" if is("value") => statements::switch_step(pass, parent, mark),
        "expression_statement" => statements::expression_step(pass, parent, mark),
        "variable_declarator" if is("value") => dead::known_declarator(pass, parent),
        "assignment_expression" if is("right") => statements::assignment_step(pass, parent, mark),
        "jsx_expression" => elements::child_step(pass, parent, mark),
        "template_substitution" => expressions::template_step(pass, parent, mark),
        "spread_element" => lists::spread_step(pass, parent, mark),
        "arguments" if mark.known == Known::PassesOn => {
            Some(Change::of([lists::delete_item(pass.doc, node)]))
        }
        "array" => lists::item_step(pass, parent, node),
        "arrow_function" | "return_statement" => callbacks::filter_step(pass, node, mark),
        "sequence_expression" => lists::sequence_step(pass, parent, node, mark),
        "subscript_expression" if is("index") => expressions::lookup_step(pass, parent, mark),
        _ => None,
    }
    .or_else(|| statements::try_step(pass, node))
}

/// Why a known expression still decides something.
pub(super) fn why_undecided(pass: &Pass, node: Node) -> Option<(Range<usize>, String)> {
    let parent = node.parent()?;
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "if_statement" if is("condition") => Some((node.byte_range(), statements::why_not_if(pass, parent))),
        "switch_statement" if is("value") => {
            Some((node.byte_range(), "a case of this switch does not end by itself".into()))
        }
        _ => None,
    }
}

/// The exported names whose value is known: where they are declared, what they give, whether by a call.
pub(super) fn constants(pass: &Pass) -> Vec<(Range<usize>, Known, bool)> {
    let mut found = Vec::new();
    for binding in pass.scopes.bindings.iter().filter(|it| it.scope == 0 && pass.is_constant(it)) {
        let value = match binding.kind {
            Kind::Constant | Kind::Variable => {
                pass.node(&binding.declaration).and_then(|it| it.child_by_field_name("value"))
            }
            Kind::Function => pass.node(&binding.declaration),
            _ => None,
        };
        let Some(value) = value else { continue };
        let plain = |it: Node| pass.marked(it).filter(|it| it.effects.is_empty()).map(|it| it.known.clone());
        let is_function =
            matches!(value.kind(), "arrow_function" | "function_expression" | "function_declaration");
        let known = match is_function {
            true => returned(value).or_else(|| returned_object(pass, value)).and_then(plain),
            false => plain(value),
        };
        found.extend(known.map(|it| (binding.name.clone(), it, is_function)));
    }
    found
}

/// The only thing that a function returns, when it does nothing else.
fn returned(function: Node) -> Option<Node> {
    let body = function.child_by_field_name("body")?;
    let value = match body.kind() {
        "statement_block" => *parts(*parts(body).first()?).first()?,
        _ => body,
    };
    (returning(value)? == function).then_some(value)
}

/// What a member of a class gives, and whether by a call.
pub(super) fn given_by_member(pass: &Pass, declaration: Node) -> Option<(Known, bool)> {
    let plain = |it: Node| pass.marked(it).filter(|it| it.effects.is_empty()).map(|it| it.known.clone());
    match declaration.kind() {
        "method_definition" => {
            let known = returned(declaration).and_then(plain)?;
            Some((known, !has_word(declaration, "get")))
        }
        "public_field_definition" => {
            let value = declaration.child_by_field_name("value")?;
            match value.kind() {
                "arrow_function" => Some((returned(value).and_then(plain)?, true)),
                _ => Some((plain(value)?, false)),
            }
        }
        "assignment_expression" => Some((plain(declaration.child_by_field_name("right")?)?, false)),
        _ => None,
    }
}

/// The object that a function returns at its end.
fn returned_object<'d>(pass: &Pass<'d>, function: Node<'d>) -> Option<Node<'d>> {
    let body = function.child_by_field_name("body")?;
    let value = match body.kind() {
        "statement_block" => *parts(*parts(body).last()?).first()?,
        _ => body,
    };
    let object = peeled(value);
    (object.kind() == "object" && returning_at_end(pass, object)? == function).then_some(object)
}

/// The deletion of a field of a class, with its semicolon and the comment behind it.
fn delete_field(document: &Document, field: Node) -> Edit {
    let mut range = document.with_comments(field);
    if let Some(semicolon) = field.next_sibling().filter(|it| it.kind() == ";") {
        range.end = semicolon.end_byte();
        let rest = document.rest_of_line(range.end);
        if document.begins_line(range.start) && rest.starts_with("//") {
            range.end = document.text[..document.line_end(range.end)].trim_end().len();
        }
    }
    document.delete_range(range)
}

/// An entry of a registry, taken out.
pub(super) fn without_entry(document: &Document, entry: Node) -> Change {
    match entry.kind() {
        "public_field_definition" => Change::of([delete_field(document, entry)]),
        _ => Change::of([lists::delete_item(document, entry)]),
    }
}

/// `export { a as alias } from 'm'` without that name; the statement goes with its last one.
pub(super) fn without_export(document: &Document, alias: &str) -> Option<Change> {
    let statements = parts(document.tree.root_node());
    let clauses = statements.into_iter().flat_map(parts).filter(|it| it.kind() == "export_clause");
    let mut specifiers = clauses.flat_map(parts);
    let found = specifiers.find(|it| {
        let name = it.child_by_field_name("alias").or_else(|| it.child_by_field_name("name"));
        name.is_some_and(|it| document.of(it) == alias)
    })?;
    let clause = found.parent()?;
    Some(match parts(clause).len() {
        1 => Change::of([document.delete(clause.parent()?)]),
        _ => Change::of([lists::delete_item(document, found)]),
    })
}
