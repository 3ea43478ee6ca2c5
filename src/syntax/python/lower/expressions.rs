//! Expressions that are neither chains, operators nor strings.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Builder, Bytes, Expr, ExprId, Prop, PropName, ScopeId, ScopeKind};
use super::super::nodes::ByField;
use super::statements::statement;
use super::targets::{self, Bound};
use super::{Kind, all, chains, children, errors, first, functions, kind, operators, parts, strings, types};

/// Lowers an expression, or whatever else a tree has in its place.
pub fn expr<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let node = bare(b, node);
    b.deeper(|b| lower(b, node)).unwrap_or_else(|| b.add(Expr::Opaque, node))
}

/// An expression without parentheses and `await`, however many there are.
fn bare<'t>(b: &mut Builder<'t>, mut node: Node<'t>) -> Node<'t> {
    while matches!(kind(node), Kind::ParenthesizedExpression | Kind::Await) {
        let Some(inner) = first(node) else { break };
        errors(b, node);
        node = inner;
    }
    node
}

fn lower<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    match kind(node) {
        Kind::Identifier if node.is_missing() => b.add(Expr::Opaque, node),
        Kind::Identifier => {
            let name = b.symbol(node);
            b.add(Expr::Name(name, b.scope), node)
        }
        Kind::Call | Kind::Attribute | Kind::Subscript => chains::chain(b, node),
        Kind::String | Kind::ConcatenatedString => strings::string(b, node),
        Kind::None => b.add(Expr::Nothing, node),
        Kind::Integer | Kind::Float | Kind::True | Kind::False | Kind::Ellipsis => b.add(Expr::Plain, node),
        Kind::Other => {
            all(b, node);
            b.add(Expr::Opaque, node)
        }
        _ => {
            errors(b, node);
            compound(b, node)
        }
    }
}

fn compound<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    match kind(node) {
        Kind::BinaryOperator => operators::binary(b, node),
        Kind::BooleanOperator => operators::boolean(b, node),
        Kind::ComparisonOperator => operators::comparison(b, node),
        Kind::NotOperator | Kind::UnaryOperator => operators::unary(b, node),
        Kind::ConditionalExpression => conditional(b, node),
        Kind::NamedExpression => named(b, node),
        Kind::Lambda => functions::lambda(b, node),
        Kind::List | Kind::Tuple | Kind::Set | Kind::ExpressionList | Kind::PatternList => list(b, node),
        Kind::Dictionary => dictionary(b, node),
        Kind::ListComprehension
        | Kind::SetComprehension
        | Kind::DictionaryComprehension
        | Kind::GeneratorExpression => comprehension(b, node),
        Kind::Yield => {
            let value = first(node).map(|it| expr(b, it));
            b.returns.extend(value);
            b.add(Expr::Opaque, node)
        }
        Kind::AsPattern => as_pattern(b, node),
        _ => anything(b, node),
    }
}

/// What is no expression, or none that has a meaning by itself.
fn anything<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    match kind(node) {
        Kind::Assignment | Kind::AugmentedAssignment | Kind::Block => statement(b, node),
        Kind::Type => {
            types::lower(b, node);
        }
        Kind::KeywordArgument => node.field(Field::Value).into_iter().for_each(|it| {
            expr(b, it);
        }),
        Kind::StringContent | Kind::StringStart | Kind::StringEnd => {}
        _ => children(node).into_iter().for_each(|it| statement(b, it)),
    }
    b.add(Expr::Opaque, node)
}

/// `a if condition else b`
fn conditional<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let parts: Vec<_> = children(node).into_iter().map(|it| expr(b, it)).collect();
    let [consequence, _, alternative] = parts.as_slice() else { return b.add(Expr::Opaque, node) };
    let either = b.list(&[*consequence, *alternative]);
    b.add(Expr::Either(either), node)
}

/// `name := value`, which belongs to the function even in a comprehension.
fn named<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let value = match node.field(Field::Value) {
        Some(value) => expr(b, value),
        None => b.add(Expr::Opaque, node),
    };
    let mut places = Vec::new();
    node.field(Field::Name).into_iter().for_each(|it| targets::places(b, it, &mut places));
    let scope = b.function_scope;
    targets::bind(b, places, scope, Bound { value: Some(value), declared: None });
    value
}

/// `value as name` in `with`.
fn as_pattern<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let value = match first(node) {
        Some(value) => expr(b, value),
        None => b.add(Expr::Opaque, node),
    };
    let mut places = Vec::new();
    node.field(Field::Alias).into_iter().for_each(|it| targets::places(b, it, &mut places));
    let scope = b.function_scope;
    targets::bind(b, places, scope, Bound { value: Some(value), declared: None });
    value
}

fn list<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let elements: Vec<_> = children(node).into_iter().map(|it| list_element(b, it)).collect();
    let run = b.list(&elements);
    b.add(Expr::List(run), node)
}

/// An element of a list; `*others` is any of the others.
fn list_element<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    if kind(node) != Kind::ListSplat {
        return expr(b, node);
    }
    errors(b, node);
    match first(node).map(|it| expr(b, it)) {
        Some(others) => element(b, others),
        None => b.add(Expr::Opaque, node),
    }
}

/// What is in an iterable.
pub fn element(b: &mut Builder, iterable: ExprId) -> ExprId {
    let bytes = b.chunk.spans[iterable.at()].clone();
    b.add_at(Expr::Element(iterable), bytes)
}

fn dictionary<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let mut props = Vec::new();
    for child in children(node) {
        let prop = match kind(child) {
            Kind::Pair => pair(b, child),
            _ => {
                errors(b, child);
                let at = b.bytes(child);
                first(child).map(|it| Prop { name: PropName::Spread, value: expr(b, it), at })
            }
        };
        props.extend(prop);
    }
    let run = b.props(props);
    b.add(Expr::Object(run), node)
}

fn pair<'t>(b: &mut Builder<'t>, node: Node<'t>) -> Option<Prop> {
    errors(b, node);
    let (key, value) = (node.field(Field::Key)?, node.field(Field::Value)?);
    let (name, at) = match chains::key(b, key) {
        Ok((name, at)) => (PropName::Fixed(name), at),
        Err(computed) => (PropName::Computed(computed), b.bytes(key)),
    };
    let value = expr(b, value);
    if let PropName::Fixed(name) = name {
        functions::name_as(b, value, name);
    }
    Some(Prop { name, value, at })
}

/// A scope of its own, with the loops' variables. What the first loop goes over is read outside of it.
fn comprehension<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let outside = b.open(ScopeKind::Block);
    let inside = b.scope;
    let (mut made, mut is_first) = (None, true);
    for child in children(node) {
        match kind(child) {
            Kind::ForInClause => {
                for_clause(b, child, if is_first { outside } else { inside });
                is_first = false;
            }
            Kind::Pair => made = pair(b, child).map(Made::Prop),
            _ if made.is_none() => made = Some(Made::One(expr(b, child))),
            // `if condition`
            _ => parts(b, child).into_iter().for_each(|it| {
                expr(b, it);
            }),
        }
    }
    b.scope = outside;
    let whole = match made {
        Some(Made::One(one)) => Expr::List(b.list(&[one])),
        Some(Made::Prop(prop)) => Expr::Object(b.props(vec![prop])),
        None => Expr::Opaque,
    };
    b.add(whole, node)
}

/// What a comprehension gives for each round.
enum Made {
    One(ExprId),
    Prop(Prop),
}

fn for_clause<'t>(b: &mut Builder<'t>, node: Node<'t>, outer: ScopeId) {
    let mut places = Vec::new();
    let inside = b.scope;
    let all = parts(b, node);
    let Some((left, iterables)) = all.split_first() else { return };
    targets::places(b, *left, &mut places);
    b.scope = outer;
    let values: Vec<_> = iterables.iter().map(|it| expr(b, *it)).collect();
    b.scope = inside;
    let value = match values.as_slice() {
        [] => None,
        [one] => Some(element(b, *one)),
        several => {
            let run = b.list(several);
            let list = b.add(Expr::List(run), node);
            Some(element(b, list))
        }
    };
    targets::bind(b, places, inside, Bound { value, declared: None });
}

/// Where an expression is.
pub fn span(b: &Builder, id: ExprId) -> Bytes {
    b.chunk.spans[id.at()].clone()
}
