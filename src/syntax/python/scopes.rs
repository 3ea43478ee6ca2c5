//! What Python declares where: a name that is assigned anywhere in a function belongs to the whole function.

use tree_sitter::Node;

use super::super::field::Field;
use super::super::scan::{children, first};
use super::super::scope::{Names, Origin, Rules, Step};
use super::nodes::ByField;

pub static RULES: Rules = Rules { is_scope, is_visible_inside: |kind| kind != "class_definition", declare };

fn is_scope(kind: &str) -> bool {
    matches!(
        kind,
        "function_definition"
            | "class_definition"
            | "lambda"
            | "list_comprehension"
            | "set_comprehension"
            | "dictionary_comprehension"
            | "generator_expression"
    )
}

fn declare<'t>(names: &mut Names<'t, '_>, scope: Node<'t>) {
    walruses(names, scope);
    match scope.kind() {
        "function_definition" | "lambda" => {
            parameters(names, scope);
            scope.field(Field::Body).into_iter().for_each(|it| statements(names, it));
        }
        "class_definition" => scope.field(Field::Body).into_iter().for_each(|it| statements(names, it)),
        "list_comprehension" | "set_comprehension" | "dictionary_comprehension" | "generator_expression" => {
            for clause in children(scope).into_iter().filter(|it| it.kind() == "for_in_clause") {
                targets(names, clause.field(Field::Left), Origin::Other);
            }
        }
        _ => statements(names, scope),
    }
}

/// Every `name := value` in a scope, wherever in an expression; one in a comprehension belongs to the function.
fn walruses<'t>(names: &mut Names<'t, '_>, scope: Node<'t>) {
    let range = scope.byte_range();
    for at in memchr::memmem::find_iter(names.source[range.clone()].as_bytes(), b":=") {
        let token = scope.descendant_for_byte_range(range.start + at, range.start + at + 2);
        let Some(node) = token.and_then(|it| it.parent()).filter(|it| it.kind() == "named_expression") else {
            continue;
        };
        let whole = |it: &Node| matches!(it.kind(), "function_definition" | "class_definition" | "lambda");
        let owner = std::iter::successors(node.parent(), Node::parent).find(whole);
        if owner.map(|it| it.id()) == scope.parent().map(|_| scope.id()) {
            let value = node.field(Field::Value);
            let origin = Origin::Value { value, annotation: None, constant: false };
            targets(names, node.field(Field::Name), origin);
        }
    }
}

/// Everything that a block declares, blocks inside it included.
fn statements<'t>(names: &mut Names<'t, '_>, parent: Node<'t>) {
    let mut stack = vec![parent];
    while let Some(node) = stack.pop() {
        statement(names, node);
        let nests = matches!(
            node.kind(),
            "module"
                | "block"
                | "if_statement"
                | "elif_clause"
                | "else_clause"
                | "for_statement"
                | "while_statement"
                | "try_statement"
                | "except_clause"
                | "finally_clause"
                | "with_statement"
                | "with_clause"
                | "with_item"
                | "match_statement"
                | "case_clause"
                | "decorated_definition"
                | "expression_statement"
                | "ERROR"
        );
        if nests || node.id() == parent.id() {
            stack.extend(children(node).into_iter().rev());
        }
    }
}

fn statement<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    let field = |it: Field| node.field(it);
    match node.kind() {
        "import_statement" => import(names, node),
        "import_from_statement" => import_from(names, node),
        "assignment" => assignment(names, node),
        "augmented_assignment" => targets(names, field(Field::Left), Origin::Other),
        "for_statement" => targets(names, field(Field::Left), Origin::Other),
        "except_clause" => targets(names, field(Field::Alias), Origin::Other),
        "delete_statement" => {
            children(node).into_iter().for_each(|it| targets(names, Some(it), Origin::Other))
        }
        "as_pattern" => as_pattern(names, node),
        "with_item" => {
            if let Some(value) = field(Field::Value).filter(|it| it.kind() == "as_pattern") {
                as_pattern(names, value);
            }
        }
        "function_definition" => {
            field(Field::Name).into_iter().for_each(|it| names.declare(it, Origin::Function(node), &[]))
        }
        "class_definition" => {
            field(Field::Name).into_iter().for_each(|it| names.declare(it, Origin::Class(node), &[]))
        }
        _ => {}
    }
}

/// `a = b = value` and `name: Type = value`.
fn assignment<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    let mut value = node.field(Field::Right);
    for _ in 0..16 {
        match value.filter(|it| it.kind() == "assignment") {
            Some(inner) => {
                value = inner.field(Field::Right);
                let origin = Origin::Value { value, annotation: None, constant: false };
                targets(names, inner.field(Field::Left), origin);
            }
            None => break,
        }
    }
    let annotation = node.field(Field::Type);
    let origin = Origin::Value { value, annotation, constant: false };
    targets(names, node.field(Field::Left), origin);
}

fn as_pattern<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    let origin = Origin::Value { value: first(node), annotation: None, constant: false };
    let target = node.field(Field::Alias).map(|it| first(it).unwrap_or(it));
    targets(names, target, origin);
}

fn targets<'t>(names: &mut Names<'t, '_>, node: Option<Node<'t>>, origin: Origin<'t>) {
    let Some(node) = node else { return };
    match node.kind() {
        "identifier" => names.declare(node, origin, &[]),
        "pattern_list" | "tuple_pattern" | "list_pattern" => {
            for (index, child) in children(node).into_iter().enumerate() {
                match child.kind() {
                    "identifier" => names.declare(child, origin, &[Step::Index(index)]),
                    _ => targets(names, Some(child).filter(|it| it.kind() != "pattern_list"), Origin::Other),
                }
            }
        }
        "list_splat_pattern" => targets(names, first(node), Origin::Other),
        _ => {}
    }
}

fn parameters<'t>(names: &mut Names<'t, '_>, function: Node<'t>) {
    let list = function.field(Field::Parameters).map(children).unwrap_or_default();
    for (index, parameter) in list.into_iter().enumerate() {
        let name = match parameter.kind() {
            "identifier" => Some(parameter),
            "default_parameter" | "typed_default_parameter" => parameter.field(Field::Name),
            "typed_parameter" => first(parameter),
            _ => None,
        };
        let (annotation, value) = (parameter.field(Field::Type), parameter.field(Field::Value));
        let origin = Origin::Parameter { function, index, annotation, value };
        targets(names, name.filter(|it| it.kind() == "identifier"), origin);
    }
}

/// `import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`.
fn import<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    for child in children(node) {
        match child.kind() {
            "dotted_name" => {
                let Some(name) = first(child) else { continue };
                let module = &names.source[name.byte_range()];
                names.declare(name, Origin::Import { module, name: "*" }, &[]);
            }
            "aliased_import" => {
                let (name, alias) = (child.field(Field::Name), child.field(Field::Alias));
                let (Some(name), Some(alias)) = (name, alias) else { continue };
                let module = &names.source[name.byte_range()];
                names.declare(alias, Origin::Import { module, name: "*" }, &[]);
            }
            _ => {}
        }
    }
}

fn import_from<'t>(names: &mut Names<'t, '_>, node: Node<'t>) {
    let Some(module) = node.field(Field::ModuleName) else { return };
    let text = &names.source[module.byte_range()];
    for child in children(node).into_iter().filter(|it| it.id() != module.id()) {
        let (name, local) = match child.kind() {
            "dotted_name" => (Some(child), first(child)),
            "aliased_import" => (child.field(Field::Name), child.field(Field::Alias)),
            _ => continue,
        };
        let (Some(name), Some(local)) = (name, local) else { continue };
        let name = &names.source[name.byte_range()];
        names.declare(local, Origin::Import { module: text, name }, &[]);
    }
}
