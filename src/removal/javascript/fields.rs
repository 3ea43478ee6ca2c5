//! Fields of objects that nobody asks for any more once their value is known.

use tree_sitter::Node;

use crate::removal::document::{Change, Document};
use crate::removal::known::Known;
use crate::removal::pass::Pass;
use crate::removal::registry;
use crate::removal::view::parts;

use super::expressions::wrapped;
use super::lists::delete_item;

/// A field of what a function returns, that holds nothing but the value.
pub(in crate::removal) struct Field {
    /// The field's name.
    pub(in crate::removal) name: String,
    /// The function's.
    pub(in crate::removal) function: String,
    /// The name of the type that it is declared to return.
    typed: Option<String>,
}

/// The fields of returned objects that hold what is known.
pub(in crate::removal) fn returned(pass: &Pass) -> Vec<Field> {
    let mut found = Vec::new();
    for (object, pair, name) in known_fields(pass) {
        let Some(function) = super::returning_at_end(pass, object).filter(|_| is_written(pair)) else {
            continue;
        };
        if let Some(called) = super::name_of(function) {
            let typed = function.child_by_field_name("return_type").and_then(|it| type_named(pass.doc, it));
            found.push(Field { name, function: pass.doc.of(called).to_owned(), typed });
        }
    }
    found
}

/// The type that is promised or given.
fn type_named(document: &Document, node: Node) -> Option<String> {
    let is_promise = document.of(node) == "Promise";
    if node.kind() == "type_identifier" && !is_promise {
        return Some(document.of(node).to_owned());
    }
    parts(node).into_iter().find_map(|it| type_named(document, it))
}

/// How often a file names a field, what is declared of the type of its function left out.
pub(in crate::removal) fn n_names(document: &Document, field: &Field) -> usize {
    let names = registry::names(document, &field.name);
    names.filter(|at| signature_at(document, *at, field).is_none()).count()
}

/// What the type that a function is declared to return says of a field, at a place of its name.
fn signature_at<'d>(document: &'d Document, at: usize, field: &Field) -> Option<Node<'d>> {
    let name = document.tree.root_node().named_descendant_for_byte_range(at, at + field.name.len())?;
    let signature = name.parent().filter(|it| it.kind() == "property_signature")?;
    let mut round = signature;
    loop {
        round = round.parent()?;
        match round.kind() {
            "interface_declaration" | "type_alias_declaration" => {
                let own = round.child_by_field_name("name").map(|it| document.of(it).to_owned());
                return (own == field.typed).then_some(signature);
            }
            "property_signature" | "statement_block" => return None,
            "type_annotation" => {
                let function =
                    round.parent().filter(|it| it.child_by_field_name("return_type") == Some(round))?;
                let called = super::name_of(function).map(|it| document.of(it));
                return (called == Some(&*field.function)).then_some(signature);
            }
            _ => {}
        }
    }
}

/// What types say of a field, taken out.
fn without_signatures(document: &Document, field: &Field) -> Vec<crate::removal::Edit> {
    let signatures =
        registry::names(document, &field.name).filter_map(|at| signature_at(document, at, field));
    let edit = |it: Node| match (it.next_sibling().map(|it| it.kind()), it.prev_sibling()) {
        (Some(","), _) => delete_item(document, it),
        // The last one of `{ a: boolean; b: boolean }`.
        (Some("}"), Some(end)) if end.kind() == ";" && !document.begins_line(it.start_byte()) => {
            crate::removal::Edit { range: end.start_byte()..it.end_byte(), text: String::new() }
        }
        _ => super::delete_field(document, it),
    };
    signatures.map(edit).collect()
}

/// A file that only declares the type, without the field.
pub(in crate::removal) fn without_declared(document: &Document, field: &Field) -> Option<Change> {
    let edits = without_signatures(document, field);
    (!edits.is_empty()).then(|| Change::of(edits))
}

/// Fields of an object by a name that only some of them are read of.
pub(super) fn bury(pass: &Pass) -> Vec<Change> {
    let is_dead = |(object, pair, name): &(Node, Node, String)| {
        let declarator = wrapped(*object).parent().filter(|it| it.kind() == "variable_declarator");
        let local = declarator.and_then(|it| it.child_by_field_name("name"));
        let binding = local.and_then(|it| pass.scopes.declared_at(it.start_byte()));
        let is_read = |binding: &crate::removal::scopes::Binding| {
            binding.reads.iter().any(|it| {
                let parent = pass.node(&it.range).and_then(|it| it.parent());
                let field = |name: &str| parent.and_then(|it| it.child_by_field_name(name));
                let taken = field("name").filter(|it| it.kind() == "object_pattern").map(parts);
                match (field("property"), taken) {
                    (Some(asked), _) => pass.doc.of(asked) == name,
                    (None, Some(taken)) => taken.into_iter().any(|it| {
                        let key =
                            it.child_by_field_name("key").or(it.child_by_field_name("left")).unwrap_or(it);
                        it.kind() == "rest_pattern" || pass.doc.of(key) == name
                    }),
                    (None, None) => true,
                }
            })
        };
        let is_typed = declarator.is_some_and(|it| it.child_by_field_name("type").is_some());
        let is_exported =
            declarator.and_then(|it| it.parent()?.parent()).is_some_and(|it| it.kind() == "export_statement");
        let other = binding.is_some_and(|it| !it.reads.is_empty() && !is_read(it));
        other && !is_typed && !is_exported && is_written(*pair)
    };
    let dead = known_fields(pass).into_iter().filter(is_dead);
    dead.map(|(_, pair, _)| Change::of([delete_item(pass.doc, pair)])).collect()
}

/// Object, field and its name, where the object is known in part.
fn known_fields<'d>(pass: &Pass<'d>) -> Vec<(Node<'d>, Node<'d>, String)> {
    let mut found = Vec::new();
    for ((start, end), mark) in &pass.marks {
        let Known::Partly(fields) = &mark.known else { continue };
        let Some(object) = pass.node(&(*start..*end)).filter(|it| it.kind() == "object") else { continue };
        for pair in parts(object) {
            let key = pair.child_by_field_name("key").map(|it| pass.doc.of(it));
            if let Some(name) = key.filter(|it| fields.contains_key(*it)) {
                found.push((object, pair, name.to_owned()));
            }
        }
    }
    found.sort_by_key(|it| it.1.start_byte());
    found
}

/// Whether the value of a field is written down already.
fn is_written(pair: Node) -> bool {
    let value = pair.child_by_field_name("value");
    value.is_some_and(|it| matches!(it.kind(), "true" | "false" | "string" | "undefined" | "null"))
}

/// The field of what a function returns, taken out.
pub(in crate::removal) fn without(document: &Document, field: &Field) -> Option<Change> {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let (_, pair, _) = known_fields(&pass).into_iter().find(|(object, _, name)| {
        let function = super::returning_at_end(&pass, *object).and_then(super::name_of);
        *name == field.name && function.is_some_and(|it| document.of(it) == field.function)
    })?;
    let signatures = without_signatures(document, field);
    Some(Change::of(signatures.into_iter().chain([delete_item(document, pair)])))
}

/// Whether a file calls a function for its fields alone: nobody gets the whole of what it returns.
pub(in crate::removal) fn only_looks_into(document: &Document, function: &str) -> bool {
    registry::names(document, function).all(|at| {
        let root = document.tree.root_node();
        let Some(node) = root.named_descendant_for_byte_range(at, at + function.len()) else { return false };
        let Some(parent) = node.parent() else { return false };
        match parent.kind() {
            "import_specifier" | "export_specifier" | "function_declaration" => true,
            "variable_declarator" => parent.child_by_field_name("name") == Some(node),
            "call_expression" => parent.parent().is_some_and(|round| match round.kind() {
                "member_expression" => true,
                "variable_declarator" => {
                    round.child_by_field_name("name").is_some_and(|it| is_taken_apart(document, it))
                }
                _ => false,
            }),
            _ => matches!(node.kind(), "string_fragment" | "string"),
        }
    })
}

fn is_taken_apart(document: &Document, name: Node) -> bool {
    if name.kind() == "object_pattern" {
        return parts(name).iter().all(|it| it.kind() != "rest_pattern");
    }
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let binding = scopes.declared_at(name.start_byte()).filter(|_| name.kind() == "identifier");
    binding.is_some_and(|it| super::is_only_looked_into(&pass, it))
}
