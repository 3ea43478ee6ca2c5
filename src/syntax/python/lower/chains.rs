//! `a.b(c)['d']`: calls, members and elements, from the left. Chains are long in generated code, and where a
//! line lacks its colon the parser takes the lines behind it for one chain.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{Arg, Builder, Bytes, CallKind, Expr, ExprId, Member, Symbol};
use super::super::nodes::ByField;
use super::expressions::{expr, span};
use super::{Kind, children, errors, first, kind, parts, strings};

/// Longer chains are cut: who follows one goes down link by link.
const MOST_LINKS: u32 = 100;

/// Lowers a chain.
pub fn chain<'t>(b: &mut Builder<'t>, node: Node<'t>) -> ExprId {
    let mut links = vec![node];
    let mut at = node;
    let start = loop {
        let Some(left) = left(at) else { break None };
        if !matches!(kind(left), Kind::Call | Kind::Attribute | Kind::Subscript) {
            break Some(left);
        }
        links.push(left);
        at = left;
    };
    let mut whole = match start {
        Some(start) => expr(b, start),
        None => b.add(Expr::Opaque, node),
    };
    let mut depth = 0;
    for link in links.into_iter().rev() {
        depth += 1;
        errors(b, link);
        if let Some(receiver) = receiver(b, link) {
            (whole, depth) = (receiver, 0);
        } else if depth > MOST_LINKS {
            (whole, depth) = (b.add(Expr::Opaque, link), 0);
        }
        whole = match kind(link) {
            Kind::Call => call(b, link, whole),
            Kind::Attribute => attribute(b, link, whole),
            _ => subscript(b, link, whole),
        };
    }
    whole
}

fn left(node: Node) -> Option<Node> {
    node.field(match kind(node) {
        Kind::Call => Field::Function,
        Kind::Attribute => Field::Object,
        _ => Field::Value,
    })
}

/// What is called or has the member on a line behind one that lacks its colon: it stands in an error inside the
/// chain.
pub fn receiver<'t>(b: &mut Builder<'t>, node: Node<'t>) -> Option<ExprId> {
    if !node.has_error() {
        return None;
    }
    let mut cursor = node.walk();
    let error = node.named_children(&mut cursor).find(Node::is_error)?;
    let last = children(error).pop().filter(|it| kind(*it) == Kind::Identifier)?;
    Some(expr(b, last))
}

fn attribute<'t>(b: &mut Builder<'t>, node: Node<'t>, object: ExprId) -> ExprId {
    match node.field(Field::Attribute).filter(|it| !it.is_missing()) {
        Some(name) => member(b, object, name, node),
        None => b.add(Expr::Opaque, node),
    }
}

/// Adds `object.name`.
pub fn member<'t>(b: &mut Builder<'t>, object: ExprId, name: Node<'t>, node: Node<'t>) -> ExprId {
    let at = b.bytes(name);
    let name = b.symbol(name);
    b.add_member(Member { object, name, at, quoted: false }, node)
}

fn subscript<'t>(b: &mut Builder<'t>, node: Node<'t>, object: ExprId) -> ExprId {
    match children(node).get(1..).unwrap_or_default() {
        [slice] if kind(*slice) == Kind::Slice => {
            expr(b, *slice);
            b.add(Expr::Opaque, node)
        }
        [one] => match key(b, *one) {
            Ok((name, at)) => b.add_member(Member { object, name, at, quoted: true }, node),
            Err(index) => b.add(Expr::Index(object, index), node),
        },
        several => {
            let several: Vec<_> = several.iter().map(|it| expr(b, *it)).collect();
            let run = b.list(&several);
            let index = b.add(Expr::List(run), node);
            b.add(Expr::Index(object, index), node)
        }
    }
}

/// A name that is written as a string, and where; else the expression that gives it.
pub fn key<'t>(b: &mut Builder<'t>, node: Node<'t>) -> Result<(Symbol, Bytes), ExprId> {
    let id = expr(b, node);
    let Expr::Text(name) = b.chunk.exprs[id.at()] else { return Err(id) };
    let at = span(b, id);
    if id.at() + 1 == b.chunk.exprs.len() {
        b.chunk.exprs.pop();
        b.chunk.spans.pop();
    }
    Ok((name, at))
}

fn call<'t>(b: &mut Builder<'t>, node: Node<'t>, callee: ExprId) -> ExprId {
    let args = node.field(Field::Arguments).map(|it| arguments(b, it)).unwrap_or_default();
    match special(b, node, callee, &args) {
        Some(known) => known,
        None => b.add_call(CallKind::Call, callee, &args, node),
    }
}

fn arguments<'t>(b: &mut Builder<'t>, list: Node<'t>) -> Vec<Arg> {
    if kind(list) == Kind::GeneratorExpression {
        return vec![Arg { name: None, value: expr(b, list), spread: false }];
    }
    parts(b, list).into_iter().map(|it| argument(b, it)).collect()
}

fn argument<'t>(b: &mut Builder<'t>, node: Node<'t>) -> Arg {
    match kind(node) {
        Kind::KeywordArgument => {
            errors(b, node);
            let name = node.field(Field::Name).map(|it| b.symbol(it));
            let value = match node.field(Field::Value) {
                Some(value) => expr(b, value),
                None => b.add(Expr::Opaque, node),
            };
            Arg { name, value, spread: false }
        }
        Kind::ListSplat | Kind::DictionarySplat => {
            errors(b, node);
            let value = match first(node) {
                Some(value) => expr(b, value),
                None => b.add(Expr::Opaque, node),
            };
            Arg { name: None, value, spread: true }
        }
        _ => Arg { name: None, value: expr(b, node), spread: false },
    }
}

/// Calls that are not what they look like.
fn special<'t>(b: &mut Builder<'t>, node: Node<'t>, callee: ExprId, args: &[Arg]) -> Option<ExprId> {
    let (object, name) = match b.chunk.exprs[callee.at()] {
        Expr::Name(name, _) => (None, name),
        Expr::Member(at) => {
            let it = &b.chunk.members[at as usize];
            (Some(b.chunk.exprs[it.object.at()]), it.name)
        }
        _ => return None,
    };
    let of = |module: &str| match object {
        Some(Expr::Name(it, _)) => it == module,
        Some(_) => false,
        None => true,
    };
    match (name.as_str(), object) {
        ("cast", None | Some(Expr::Name(..))) => match args {
            [_, value] => Some(value.value),
            _ => None,
        },
        ("getattr", None) => getattr(b, node, args),
        ("import_module", _) if of("importlib") => module(b, node, args),
        ("__import__", None) => module(b, node, args),
        ("format", Some(Expr::Text(text))) => Some(strings::format(b, text, args, node)),
        _ => None,
    }
}

/// `getattr(object, 'name')`
fn getattr<'t>(b: &mut Builder<'t>, node: Node<'t>, args: &[Arg]) -> Option<ExprId> {
    let [object, name, ..] = args else { return None };
    let Expr::Text(symbol) = b.chunk.exprs[name.value.at()] else { return None };
    let at = span(b, name.value);
    let is_plain = |it: &Arg| it.name.is_none() && !it.spread;
    let member = Member { object: object.value, name: symbol, at, quoted: true };
    args.iter().all(is_plain).then(|| b.add_member(member, node))
}

/// `importlib.import_module('m')`
fn module<'t>(b: &mut Builder<'t>, node: Node<'t>, args: &[Arg]) -> Option<ExprId> {
    let [only] = args else { return None };
    let Expr::Text(name) = b.chunk.exprs[only.value.at()] else { return None };
    Some(b.add(Expr::Module(name), node))
}
