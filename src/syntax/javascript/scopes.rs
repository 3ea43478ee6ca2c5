//! What JavaScript and TypeScript declare where.

use tree_sitter::Node;

use super::super::field::Field;
use super::super::scan::{children, first};
use super::super::scope::{Names, Origin, Rules, Step};
use super::nodes::ByField;

pub static RULES: Rules = Rules { is_scope, is_visible_inside: |_| true, declare };

/// Whether a node of this kind is a function.
pub fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "generator_function_declaration"
            | "function_expression"
            | "generator_function"
            | "arrow_function"
            | "method_definition"
    )
}

fn is_scope(kind: &str) -> bool {
    is_function(kind)
        || matches!(
            kind,
            "statement_block"
                | "class_body"
                | "for_statement"
                | "for_in_statement"
                | "catch_clause"
                | "switch_body"
        )
}

fn declare<'t>(names: &mut Names<'t, '_>, scope: Node<'t>) {
    match scope.kind() {
        "class_body" => {}
        "for_statement" => scope.field(Field::Initializer).into_iter().for_each(|it| statement(names, it)),
        "for_in_statement" if scope.field(Field::Kind).is_some() => {
            pattern(names, scope.field(Field::Left), Origin::Other, &[]);
        }
        "for_in_statement" => {}
        "catch_clause" => pattern(names, scope.field(Field::Parameter), Origin::Other, &[]),
        kind if is_function(kind) => parameters(names, scope),
        _ => {
            statements(names, scope);
            hoisted(names, scope);
        }
    }
}

/// A `var` belongs to the whole function, however deep the block that declares it.
fn hoisted<'t>(names: &mut Names<'t, '_>, scope: Node<'t>) {
    let any = memchr::memmem::find(names.source[scope.byte_range()].as_bytes(), b"var ").is_some();
    if !any || !scope.parent().is_none_or(|it| is_function(it.kind()) || is_module(it.kind())) {
        return;
    }
    let mut stack = vec![scope];
    while let Some(node) = stack.pop() {
        if node.kind() == "variable_declaration" {
            children(node).into_iter().for_each(|it| variable(names, it, false));
        } else if node.id() == scope.id() || holds_statements(node.kind()) {
            stack.extend(children(node).into_iter().rev());
        }
    }
}

fn is_module(kind: &str) -> bool {
    matches!(kind, "internal_module" | "module" | "class_static_block")
}

fn holds_statements(kind: &str) -> bool {
    matches!(
        kind,
        "statement_block"
            | "if_statement"
            | "else_clause"
            | "for_statement"
            | "for_in_statement"
            | "while_statement"
            | "do_statement"
            | "try_statement"
            | "catch_clause"
            | "finally_clause"
            | "switch_statement"
            | "switch_body"
            | "switch_case"
            | "switch_default"
            | "labeled_statement"
            | "export_statement"
            | "ambient_declaration"
            | "ERROR"
    )
}

fn statements<'t>(names: &mut Names<'t, '_>, parent: Node<'t>) {
    let mut cursor = parent.walk();
    for child in parent.named_children(&mut cursor) {
        statement(names, child);
    }
}

fn statement<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    match node.kind() {
        "import_statement" => import(names, node),
        "lexical_declaration" => {
            let constant = node.child(0).is_some_and(|it| it.kind() == "const");
            children(node).into_iter().for_each(|it| variable(names, it, constant));
        }
        "variable_declarator" => variable(names, node, false),
        "function_declaration" | "generator_function_declaration" | "function_signature" => {
            named(names, node, Origin::Function(node));
        }
        "class_declaration" | "abstract_class_declaration" => named(names, node, Origin::Class(node)),
        "enum_declaration" => named(names, node, Origin::Enum(node)),
        "interface_declaration" | "type_alias_declaration" => named(names, node, Origin::Type(node)),
        // Half-typed code leaves whole statements inside errors. Errors nest only as deep as brackets do.
        "export_statement" | "ambient_declaration" | "switch_case" | "switch_default" => {
            statements(names, node)
        }
        "ERROR" => {
            children(node).into_iter().filter(|it| it.kind() != "ERROR").for_each(|it| statement(names, it))
        }
        _ => {}
    }
}

fn named<'t>(names: &mut Names<'t, '_>, node: Node<'t>, origin: Origin<'t>) {
    if let Some(name) = node.field(Field::Name) {
        names.declare(name, origin, &[]);
    }
}

fn variable<'t>(names: &mut Names<'t, '_>, node: Node<'t>, constant: bool) {
    let (value, annotation) = (node.field(Field::Value), node.field(Field::Type));
    let origin = Origin::Value { value, annotation, constant };
    pattern(names, node.field(Field::Name), origin, &[]);
}

fn parameters<'t>(names: &mut Names<'t, '_>, function: Node<'t>) {
    if function.kind() == "function_expression" {
        named(names, function, Origin::Function(function));
    }
    let plain = |index| Origin::Parameter { function, index, annotation: None, value: None };
    if let Some(only) = function.field(Field::Parameter) {
        names.declare(only, plain(0), &[]);
    }
    let list = function.field(Field::Parameters).map(children).unwrap_or_default();
    for (index, parameter) in list.into_iter().enumerate() {
        let (annotation, value) = (parameter.field(Field::Type), parameter.field(Field::Value));
        let origin = Origin::Parameter { function, index, annotation, value };
        let name = parameter.field(Field::Pattern).or_else(|| parameter.field(Field::Name));
        pattern(names, name, origin, &[]);
    }
}

fn pattern<'t>(names: &mut Names<'t, '_>, node: Option<Node<'t>>, origin: Origin<'t>, path: &[Step<'t>]) {
    let Some(node) = node else { return };
    if path.len() > 8 {
        return;
    }
    let at = |names: &mut Names<'t, '_>, node: Option<Node<'t>>, step: Step<'t>| {
        pattern(names, node, origin, &[path, &[step]].concat());
    };
    match node.kind() {
        "identifier" | "shorthand_property_identifier_pattern" => names.declare(node, origin, path),
        "assignment_pattern" | "object_assignment_pattern" => {
            let left = node.field(Field::Left);
            match left.filter(|it| it.kind() == "shorthand_property_identifier_pattern") {
                Some(name) => at(names, left, Step::Property(&names.source[name.byte_range()])),
                None => pattern(names, left, origin, path),
            }
        }
        "object_pattern" => {
            for child in children(node) {
                match child.kind() {
                    "shorthand_property_identifier_pattern" => {
                        at(names, Some(child), Step::Property(&names.source[child.byte_range()]));
                    }
                    "pair_pattern" => {
                        let Some(key) = child.field(Field::Key) else { continue };
                        let key = names.source[key.byte_range()].trim_matches(['"', '\'']);
                        at(names, child.field(Field::Value), Step::Property(key));
                    }
                    "rest_pattern" => at(names, first(child), Step::Rest),
                    _ => pattern(names, Some(child), origin, path),
                }
            }
        }
        "array_pattern" => array(names, node, &at),
        "rest_pattern" => at(names, first(node), Step::Rest),
        _ => {}
    }
}

/// Holes count: `[, second]`.
fn array<'t, 'a>(
    names: &mut Names<'t, 'a>,
    node: Node<'t>,
    at: &impl Fn(&mut Names<'t, 'a>, Option<Node<'t>>, Step<'t>),
) {
    let (mut index, mut cursor) = (0, node.walk());
    for child in node.children(&mut cursor) {
        match child.kind() {
            "," => index += 1,
            _ if child.is_named() => at(names, Some(child), Step::Index(index)),
            _ => {}
        }
    }
}

fn import<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    let inner = |names: &Names<'t, '_>, it: Node<'t>| names.source[it.byte_range()].trim_matches(['"', '\'']);
    let required = children(node).into_iter().find(|it| it.kind() == "import_require_clause");
    let source = node.field(Field::Source).or_else(|| required?.field(Field::Source));
    let Some(module) = source.map(|it| inner(names, it)) else { return };
    if let Some(name) = required.and_then(first) {
        names.declare(name, Origin::Import { module, name: "default" }, &[]);
    }
    let Some(clause) = children(node).into_iter().find(|it| it.kind() == "import_clause") else { return };
    for child in children(clause) {
        match child.kind() {
            "identifier" => names.declare(child, Origin::Import { module, name: "default" }, &[]),
            "namespace_import" => {
                let Some(name) = first(child) else { continue };
                names.declare(name, Origin::Import { module, name: "*" }, &[]);
            }
            _ => {
                for specifier in children(child) {
                    let Some(name) = specifier.field(Field::Name) else { continue };
                    let local = specifier.field(Field::Alias).unwrap_or(name);
                    names.declare(local, Origin::Import { module, name: inner(names, name) }, &[]);
                }
            }
        }
    }
}
