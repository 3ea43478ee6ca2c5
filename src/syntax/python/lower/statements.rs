//! Statements, and what only stands in them.

use std::ops::Range;

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Assignment, Binding, BranchKind, Builder, End, Expr, ExprId, Origin, Target};
use super::super::nodes::ByField;
use super::expressions::{element, expr};
use super::targets::{self, Bound};
use super::{Kind, all, children, classes, errors, first, functions, imports, kind, types};

/// Lowers a statement, or whatever else a tree has in its place.
pub fn statement<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let n_before = b.n_given();
    b.deeper(|b| compound(b, node));
    if b.n_given() > n_before {
        branches(b, node);
    }
}

/// Takes note of which parts of a statement may run, or not.
fn branches<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let of = |kinds: &[&str]| -> Vec<(Range<usize>, End)> {
        let parts = children(node).into_iter().filter(|it| kinds.contains(&it.kind()));
        parts.map(branch).collect()
    };
    let has = |kind: &str| children(node).iter().any(|it| it.kind() == kind);
    match node.kind() {
        "if_statement" => {
            b.branches(BranchKind::Way, has("else_clause"), of(&["block", "elif_clause", "else_clause"]));
        }
        "match_statement" => {
            let body = node.field(Field::Body).into_iter().flat_map(children);
            b.branches(BranchKind::Way, false, body.map(branch));
        }
        "try_statement" => {
            let parts = of(&["block", "except_clause", "else_clause"]);
            b.branches(BranchKind::Attempt, has("except_clause"), parts);
        }
        "for_statement" | "while_statement" => {
            let first = node.field(Field::Left).or_else(|| node.field(Field::Condition));
            let ends = first.zip(node.field(Field::Body));
            let range = ends.map(|(first, body)| (first.start_byte()..body.end_byte(), End::On));
            b.branches(BranchKind::Loop, false, range);
        }
        _ => {}
    }
}

/// Where a branch is, and where it goes at its end.
fn branch(node: Node) -> (Range<usize>, End) {
    let mut last = node;
    while matches!(last.kind(), "block" | "elif_clause" | "else_clause" | "except_clause" | "case_clause") {
        let Some(inner) = children(last).pop() else { break };
        last = inner;
    }
    let end = match last.kind() {
        "return_statement" | "raise_statement" => End::Out,
        "break_statement" | "continue_statement" => End::OutOfLoop,
        _ => End::On,
    };
    (node.byte_range(), end)
}

/// Statements that hold others.
fn compound<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    match kind(node) {
        Kind::Block | Kind::IfStatement | Kind::TryStatement | Kind::WithStatement => all(b, node),
        Kind::FunctionDefinition => functions::function(b, node, &[]),
        Kind::ClassDefinition => classes::class(b, node),
        Kind::DecoratedDefinition => decorated(b, node),
        Kind::Other => all(b, node),
        _ => {
            errors(b, node);
            simple(b, node);
        }
    }
}

fn simple<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    match kind(node) {
        Kind::ExpressionStatement => expression_statement(b, node),
        Kind::Assignment => assignment(b, node),
        Kind::AugmentedAssignment => augmented(b, node),
        Kind::ReturnStatement => {
            let value = first(node).map(|it| expr(b, it));
            b.returns.extend(value);
        }
        Kind::ForStatement => for_loop(b, node),
        Kind::ExceptClause => except(b, node),
        Kind::Match => matched(b, node),
        // Outside of a match it is broken code.
        Kind::CaseClause => drop(case(b, node, &mut Vec::new())),
        Kind::DeleteStatement => delete(b, node),
        Kind::GlobalStatement | Kind::NonlocalStatement => {
            for name in children(node) {
                let name = b.symbol(name);
                b.outer.push((name, b.function_scope));
            }
        }
        Kind::ImportStatement => imports::import(b, node),
        Kind::ImportFromStatement => imports::import_from(b, node),
        Kind::FutureImportStatement => {}
        Kind::TypeAliasStatement => types::alias(b, node),
        _ => {
            expr(b, node);
        }
    }
}

fn expression_statement<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    for child in children(node) {
        match kind(child) {
            Kind::Assignment | Kind::AugmentedAssignment => statement(b, child),
            // What documentation says is nobody's key, and is not worth remembering.
            Kind::String if !child.has_error() && !has_interpolations(child) => {}
            _ => {
                expr(b, child);
            }
        }
    }
}

fn has_interpolations(string: Node) -> bool {
    string.named_child_count() > 3 || children(string).into_iter().any(|it| kind(it) == Kind::Interpolation)
}

fn decorated<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    errors(b, node);
    let mut decorators = Vec::new();
    for child in children(node) {
        match kind(child) {
            Kind::Decorator => {
                errors(b, child);
                decorators.extend(first(child).map(|it| expr(b, it)));
            }
            Kind::FunctionDefinition => functions::function(b, child, &decorators),
            _ => statement(b, child),
        }
    }
}

/// `a = b = value` and `name: Type = value`.
fn assignment<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let (mut places, mut declared, mut at) = (Vec::new(), None, node);
    let value = loop {
        if at.id() != node.id() {
            errors(b, at);
        }
        let (left, right) = (at.field(Field::Left), at.field(Field::Right));
        left.into_iter().for_each(|it| targets::places(b, it, &mut places));
        if let Some(annotation) = at.field(Field::Type) {
            declared = Some(types::lower(b, annotation));
        }
        match right {
            Some(right) if kind(right) == Kind::Assignment => at = right,
            _ => break right,
        }
    };
    let lowered = value.map(|it| expr(b, it));
    if let (Some(name), Some(lowered)) = (node.field(Field::Left), lowered) {
        functions::name(b, lowered, name);
    }
    if let Some(value) = value {
        types::implicit_alias(b, node, value);
    }
    let scope = b.function_scope;
    targets::bind(b, places, scope, Bound { value: lowered, declared });
}

/// `name += value`: what it becomes is not told.
fn augmented<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let mut places = Vec::new();
    node.field(Field::Left).into_iter().for_each(|it| targets::places(b, it, &mut places));
    node.field(Field::Right).into_iter().for_each(|it| {
        expr(b, it);
    });
    targets::bind_other(b, places, node);
}

fn for_loop<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let mut places = Vec::new();
    node.field(Field::Left).into_iter().for_each(|it| targets::places(b, it, &mut places));
    let iterable = node.field(Field::Right).map(|it| expr(b, it));
    let value = iterable.map(|it| element(b, it));
    let scope = b.function_scope;
    targets::bind(b, places, scope, Bound { value, declared: None });
    for part in [Field::Body, Field::Alternative] {
        node.field(part).into_iter().for_each(|it| statement(b, it));
    }
}

/// `except Error as name`
fn except<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    for child in children(node) {
        if kind(child) != Kind::AsPattern {
            statement(b, child);
            continue;
        }
        errors(b, child);
        first(child).into_iter().for_each(|it| {
            expr(b, it);
        });
        let mut places = Vec::new();
        child.field(Field::Alias).into_iter().for_each(|it| targets::places(b, it, &mut places));
        targets::bind_other(b, places, child);
    }
}

/// Lowers a case; its strings go to `values`. Answers whether it may fit whatever it is given.
fn case<'t>(b: &mut Builder<'t>, node: Node<'t>, values: &mut Vec<ExprId>) -> bool {
    let mut fits_all = false;
    for child in children(node) {
        match kind(child) {
            Kind::CasePattern => fits_all |= case_pattern(b, child, values),
            _ => statement(b, child),
        }
    }
    fits_all
}

fn case_pattern<'t>(b: &mut Builder<'t>, node: Node<'t>, values: &mut Vec<ExprId>) -> bool {
    let inner = children(node);
    match inner.as_slice() {
        [only] if matches!(kind(*only), Kind::String | Kind::ConcatenatedString) => {
            values.push(expr(b, *only));
            false
        }
        // `'a' | 'b'`
        [only] if kind(*only) == Kind::UnionPattern => {
            let mut fits_all = false;
            for it in children(*only) {
                if matches!(kind(it), Kind::String | Kind::ConcatenatedString) {
                    values.push(expr(b, it));
                } else {
                    targets::pattern(b, it);
                    fits_all = true;
                }
            }
            fits_all
        }
        // `True`, `None` and numbers are no variants.
        [only] if matches!(kind(*only), Kind::True | Kind::False | Kind::None) => false,
        _ => {
            targets::pattern(b, node);
            true
        }
    }
}

/// `match subject: case 'x': ...`
fn matched<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let (mut subjects, mut values, mut fits_all) = (Vec::new(), Vec::new(), false);
    for child in children(node) {
        if kind(child) != Kind::Block {
            subjects.push(expr(b, child));
            continue;
        }
        for it in children(child) {
            match kind(it) {
                Kind::CaseClause => fits_all |= case(b, it, &mut values),
                _ => statement(b, it),
            }
        }
    }
    if let [subject] = subjects[..] {
        b.compare(subject, &values, !fits_all);
    }
}

/// `del x['a']` reads nothing, and leaves nothing there.
fn delete<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let mut places = Vec::new();
    for child in children(node) {
        targets::places(b, child, &mut places);
    }
    let value = b.add(Expr::Nothing, node);
    for place in places {
        if let targets::Place::Member { object, name, .. } = place {
            b.chunk.assignments.push(Assignment { target: Target::Member(object, name), value });
        }
    }
}

/// Declares a name in the scope of the function; one that is not the function's own is assigned to.
pub fn declare<'t>(b: &mut Builder<'t>, name: Node<'t>, origin: Origin) {
    let symbol = b.symbol(name);
    let scope = b.function_scope;
    if b.outer.contains(&(symbol, scope)) {
        let value = as_value(b, name, origin);
        let target = Target::Name(symbol, b.scope);
        b.chunk.assignments.push(Assignment { target, value });
        return;
    }
    let at = b.bytes(name);
    b.declare(Binding { name: symbol, scope, at, origin, path: Vec::new(), default: None, next: None });
}

fn as_value<'t>(b: &mut Builder<'t>, node: Node<'t>, origin: Origin) -> ExprId {
    match origin {
        Origin::Value { value: Some(value), .. } => value,
        Origin::Function(it) => b.add(Expr::Function(it), node),
        Origin::Class(it) => b.add(Expr::Class(it), node),
        _ => b.add(Expr::Opaque, node),
    }
}
