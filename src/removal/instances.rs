//! Where a member of a class is asked of an instance of it, by what is declared of the instance.

use std::collections::BTreeSet;
use std::ops::Range;

use tree_sitter::Node;

use super::document::Document;
use super::known::Known;
use super::pass::Pass;
use super::scopes::{Binding, Kind};
use super::view::parts;
use super::{javascript, python};
use crate::syntax::Language;

/// A member of a class that gives the same for ever.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The class's name in its own file.
    pub(super) class: String,
    pub(super) name: String,
    /// Where the name is declared.
    pub(super) at: usize,
    pub(super) known: Known,
    /// It is a method; to call it gives the value.
    pub(super) is_called: bool,
}

/// What an instance may be known by in a file.
pub(super) struct Of<'a> {
    /// What the file calls the class.
    pub(super) class: Option<&'a str>,
    /// Imported instances.
    pub(super) instances: &'a BTreeSet<String>,
}

/// Whether a name at the top level of a file is an instance of a class, which this file calls `class`.
pub(super) fn makes(document: &Document, name: &str, class: &str) -> bool {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let instances = BTreeSet::new();
    let of = Of { class: Some(class), instances: &instances };
    let mut own =
        scopes.bindings.iter().filter(|it| it.scope == 0 && document.text[it.name.clone()] == *name);
    own.any(|it| !matches!(it.kind, Kind::Import | Kind::Class) && is_declared_so(&pass, it, &of, 0))
}

/// The members of the classes at the top level whose value is known.
pub(super) fn known_members(document: &Document) -> Vec<Member> {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let mut found = Vec::new();
    for binding in scopes.bindings.iter().filter(|it| scopes.is_member(it) && pass.is_constant(it)) {
        let (Some(class), Some(node)) = (class_round(document, binding), pass.node(&binding.declaration))
        else {
            continue;
        };
        let given = match document.language {
            Language::Python => python::given_by_member(&pass, node),
            _ => javascript::given_by_member(&pass, node),
        };
        if let Some((known, is_called)) = given.filter(|it| !matches!(it.0, Known::Partly(_))) {
            let name = document.text[binding.name.clone()].to_owned();
            found.push(Member { class, name, at: binding.name.start, known, is_called });
        }
    }
    found
}

/// The members that something known stands in: they may give the same for ever, once it is followed.
pub(super) fn touched_members(document: &Document) -> Vec<(String, String, usize)> {
    let scopes = document.scopes();
    let is_touched = |binding: &&Binding| {
        let own = &binding.declaration;
        scopes.is_member(binding) && document.marks.keys().any(|it| own.start <= it.0 && it.1 <= own.end)
    };
    let touched = scopes.bindings.iter().filter(is_touched);
    touched
        .filter_map(|it| {
            Some((class_round(document, it)?, document.text[it.name.clone()].to_owned(), it.name.start))
        })
        .collect()
}

/// The name of the class at the top level that a member is declared in.
fn class_round(document: &Document, member: &Binding) -> Option<String> {
    let root = document.tree.root_node();
    let mut node = root.named_descendant_for_byte_range(member.name.start, member.name.end)?;
    while !matches!(node.kind(), "class_declaration" | "abstract_class_declaration" | "class_definition") {
        node = node.parent()?;
    }
    node.child_by_field_name("name").map(|it| document.of(it).to_owned())
}

/// The expressions of a file that ask a member of an instance of a class.
pub(super) fn asked(document: &Document, of: &Of, member: &Member) -> Vec<Range<usize>> {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let names = super::registry::names(document, &member.name);
    let asked = names.filter_map(|at| {
        let name = pass.node(&(at..at + member.name.len()))?;
        let field = name.parent().filter(|it| matches!(it.kind(), "member_expression" | "attribute"))?;
        let is_name = ["property", "attribute"].iter().any(|it| field.child_by_field_name(it) == Some(name));
        let object = field.child_by_field_name("object").filter(|_| is_name)?;
        is_instance(&pass, object, of, 0).then_some(())?;
        if !member.is_called {
            return Some(field.byte_range());
        }
        let call = field.parent().filter(|it| matches!(it.kind(), "call_expression" | "call"))?;
        let arguments = parts(call.child_by_field_name("arguments")?);
        let is_value = document.language != Language::Python || !python::is_scheduled(document, call);
        (is_value
            && call.child_by_field_name("function") == Some(field)
            && arguments.iter().all(|it| pass.is_pure(*it)))
        .then(|| call.byte_range())
    });
    asked.collect()
}

/// Whether an expression is declared, or made, to be an instance of a class.
fn is_instance<'d>(pass: &Pass<'d>, object: Node<'d>, of: &Of, depth: u32) -> bool {
    if depth > 4 {
        return false;
    }
    match object.kind() {
        "identifier" => {
            let Some(binding) = pass.scopes.at(&object.byte_range()) else { return false };
            // A static member.
            let name = pass.doc.of(object);
            of.class == Some(name) && matches!(binding.kind, Kind::Import | Kind::Class)
                || binding.kind == Kind::Import && of.instances.contains(name)
                || is_declared_so(pass, binding, of, depth)
        }
        "member_expression" | "attribute" => is_own_field(pass, object, of, depth),
        "non_null_expression" | "parenthesized_expression" => {
            object.named_child(0).is_some_and(|it| is_instance(pass, it, of, depth + 1))
        }
        _ => is_made(pass, object, of),
    }
}

/// `new Class(...)`, `Class(...)`
fn is_made(pass: &Pass, value: Node, of: &Of) -> bool {
    let callee = match (value.kind(), pass.language()) {
        ("new_expression", _) => value.child_by_field_name("constructor"),
        ("call", Language::Python) => value.child_by_field_name("function"),
        _ => None,
    };
    callee.is_some_and(|it| of.class == Some(pass.doc.of(it)))
}

fn is_declared_so(pass: &Pass, binding: &Binding, of: &Of, depth: u32) -> bool {
    let Some(declaration) = pass.node(&binding.declaration).filter(|_| pass.is_constant(binding)) else {
        return false;
    };
    // A bare name of a pattern is as long as its parameter.
    let outer = declaration.parent().filter(|it| it.byte_range() == declaration.byte_range());
    [Some(declaration), outer].into_iter().flatten().any(|it| {
        let value = it.child_by_field_name("value").or_else(|| it.child_by_field_name("right"));
        is_typed(pass, it, of) || value.is_some_and(|it| is_instance_value(pass, it, of, depth))
    })
}

fn is_instance_value<'d>(pass: &Pass<'d>, value: Node<'d>, of: &Of, depth: u32) -> bool {
    is_made(pass, value, of)
        || matches!(value.kind(), "identifier" | "member_expression" | "attribute")
            && is_instance(pass, value, of, depth + 1)
}

fn is_typed(pass: &Pass, declaration: Node, of: &Of) -> bool {
    let declared = declaration.child_by_field_name("type").map(|it| pass.doc.of(it));
    declared.is_some_and(|it| of.class == Some(it.trim_start_matches(':').trim()))
}

/// `this.flags`, `self.flags`, by a field, or a parameter of the constructor, of the class round it.
fn is_own_field<'d>(pass: &Pass<'d>, field: Node<'d>, of: &Of, depth: u32) -> bool {
    let name = field.child_by_field_name("property").or_else(|| field.child_by_field_name("attribute"));
    let object = field.child_by_field_name("object");
    let is_self = object.is_some_and(|it| it.kind() == "this" || pass.doc.of(it) == "self");
    let (Some(name), true) = (name.map(|it| pass.doc.of(it)), is_self) else { return false };
    let mut round = field.parent();
    while let Some(it) = round.filter(|it| !matches!(it.kind(), "class_body" | "class_definition")) {
        round = it.parent();
    }
    let Some(round) = round else { return false };
    let mut stack = vec![round];
    while let Some(node) = stack.pop() {
        let is_called =
            |field: &str| node.child_by_field_name(field).is_some_and(|it| pass.doc.of(it) == name);
        let says = match node.kind() {
            "public_field_definition" if is_called("name") => {
                is_typed(pass, node, of)
                    || node.child_by_field_name("value").is_some_and(|it| is_made(pass, it, of))
            }
            "required_parameter" if is_called("pattern") => {
                let is_property = parts(node).iter().any(|it| it.kind() == "accessibility_modifier")
                    || pass.doc.of(node).starts_with("readonly ");
                is_property && is_typed(pass, node, of)
            }
            "assignment" => {
                let target = node.child_by_field_name("left").map(|it| pass.doc.of(it));
                let value = node.child_by_field_name("right");
                target.is_some_and(|it| it.strip_prefix("self.") == Some(name))
                    && value.is_some_and(|it| is_instance_value(pass, it, of, depth))
            }
            _ => false,
        };
        if says {
            return true;
        }
        stack.extend(parts(node));
    }
    false
}
