//! Operators. Sums and chains of `or` are as long as their text: those that lean to the left are walked, not
//! descended into.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Builder, Expr, ExprId};
use super::super::nodes::ByField;
use super::expressions::expr;
use super::{Kind, children, errors, first, kind, strings};

/// The operators of one kind that lean to the left, from the innermost, and what the innermost begins with.
fn spine<'t>(node: Node<'t>) -> (Vec<Node<'t>>, Option<Node<'t>>) {
    let (of, mut found, mut at) = (kind(node), vec![node], node);
    loop {
        match at.field(Field::Left) {
            Some(left) if kind(left) == of => {
                found.push(left);
                at = left;
            }
            left => {
                found.reverse();
                return (found, left);
            }
        }
    }
}

/// Lowers the right side of an operator that [`spine`] gave for `whole`, whose errors are lowered already.
fn right<'t>(b: &mut Builder<'t>, node: Node<'t>, whole: Node<'t>) -> ExprId {
    if node.id() != whole.id() {
        errors(b, node);
    }
    match node.field(Field::Right) {
        Some(right) => expr(b, right),
        None => b.add(Expr::Opaque, node),
    }
}

fn operator<'t>(b: &Builder<'t>, node: Node<'t>) -> &'t str {
    node.field(Field::Operator).map_or("", |it| b.text(it))
}

/// `+` joins, `%` fills in, the rest calculates.
pub fn binary<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let (operators, start) = spine(node);
    let start = match start {
        Some(start) => expr(b, start),
        None => b.add(Expr::Opaque, node),
    };
    let mut sum = vec![start];
    for at in operators {
        let right = right(b, at, node);
        match operator(b, at) {
            "+" => {
                // What else than a sum stands to the left is one operand.
                let run = flat(b, right);
                sum.extend(run);
            }
            other => {
                let left = whole(b, &sum, at);
                sum = vec![calculated(b, other, left, right, at)];
            }
        }
    }
    whole(b, &sum, node)
}

/// An operand, or those of a sum in parentheses.
fn flat(b: &Builder, id: ExprId) -> Vec<ExprId> {
    match b.chunk.exprs[id.at()] {
        Expr::Template(run) => b.chunk.exprs_in(run).to_vec(),
        _ => vec![id],
    }
}

fn whole<'t>(b: &mut Builder<'t>, sum: &[ExprId], node: Node<'t>) -> ExprId {
    let (first, rest) = match sum {
        [only] => return *only,
        [first, rest @ ..] => (flat(b, *first), rest),
        [] => return b.add(Expr::Opaque, node),
    };
    let run = b.list(&[&first, rest].concat());
    b.add(Expr::Template(run), node)
}

fn calculated<'t>(b: &mut Builder<'t>, operator: &str, left: ExprId, right: ExprId, at: Node<'t>) -> ExprId {
    match (operator, b.chunk.exprs[left.at()]) {
        ("%", Expr::Text(text)) => strings::percent(b, text, right, at),
        ("%", Expr::Plain) => b.add(Expr::Plain, at),
        // A constant's `%`, and two dictionaries together.
        ("%" | "|", _) => b.add(Expr::Opaque, at),
        _ => b.add(Expr::Plain, at),
    }
}

/// `a or b` is either, `a and b` is `b` where it matters.
pub fn boolean<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let (operators, start) = spine(node);
    let mut either: Vec<_> = start.map(|it| expr(b, it)).into_iter().collect();
    for at in operators {
        let right = right(b, at, node);
        if operator(b, at) == "and" {
            either.clear();
        }
        match b.chunk.exprs[right.at()] {
            Expr::Either(run) => either.extend_from_slice(b.chunk.exprs_in(run)),
            _ => either.push(right),
        }
    }
    if let [only] = either.as_slice() {
        return *only;
    }
    let run = b.list(&either);
    b.add(Expr::Either(run), node)
}

/// `a in b`; other comparisons say nothing about keys.
pub fn comparison<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let nodes = children(node);
    let operands: Vec<_> = nodes.iter().map(|it| expr(b, *it)).collect();
    let it = match (nodes.as_slice(), operands.as_slice()) {
        ([left, right], [key, object]) => {
            let between = b.source[left.end_byte()..right.start_byte()].trim();
            let is_in = between == "in" || between.starts_with("not") && between.ends_with("in");
            match b.chunk.exprs[object.at()] {
                Expr::List(run) if is_in => {
                    let values = b.chunk.exprs_in(run).to_vec();
                    b.compare(*key, &values, false);
                }
                _ if matches!(between, "==" | "!=") => compared(b, *key, *object),
                _ => {}
            }
            if is_in { Expr::In(*key, *object) } else { Expr::Plain }
        }
        _ => Expr::Plain,
    };
    b.add(it, node)
}

/// `a == 'x'`; what is compared with a number or a calculation has to do with no variant.
fn compared(b: &mut Builder, left: ExprId, right: ExprId) {
    let expr = |it: ExprId| b.chunk.exprs[it.at()];
    if matches!(expr(left), Expr::Text(_)) {
        b.compare(right, &[left], false);
    } else if matches!(expr(right), Expr::Text(_) | Expr::Name(..) | Expr::Member(_)) {
        b.compare(left, &[right], false);
    }
}

/// `not`, `-`, `~`, however many there are.
pub fn unary<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let mut inner = node;
    while matches!(kind(inner), Kind::NotOperator | Kind::UnaryOperator) {
        if inner.id() != node.id() {
            errors(b, inner);
        }
        let Some(argument) = first(inner) else { break };
        inner = argument;
    }
    if inner.id() != node.id() {
        expr(b, inner);
    }
    b.add(Expr::Plain, node)
}
