//! What is assigned to: names, members, and patterns of them.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{
    Assignment, Binding, Builder, Expr, ExprId, Origin, ScopeId, Step, Symbol, Target, TypeId,
};
use super::super::nodes::ByField;
use super::chains::{key, receiver};
use super::expressions::expr;
use super::statements::declare;
use super::{Kind, errors, first, kind, parts};

/// Something that is assigned to.
pub enum Place<'t> {
    /// A name, and the way to it from the value; nothing behind `*rest`, where places are not told.
    Name { node: Node<'t>, path: Option<Vec<Step>> },
    /// `object.name`, `object['name']`.
    Member { object: ExprId, name: Symbol, node: Node<'t>, path: Option<Vec<Step>> },
    /// `object[index]`.
    Element { object: ExprId, node: Node<'t>, path: Option<Vec<Step>> },
}

/// What is assigned.
#[derive(Clone, Copy)]
pub struct Bound {
    /// The value; nothing in `name: Type`.
    pub value: Option<ExprId>,
    /// The declared type.
    pub declared: Option<TypeId>,
}

/// Collects what a target assigns to. What it reads on the way, the object of a member, is lowered.
pub fn places<'t>(b: &mut Builder<'t>, node: Node<'t>, found: &mut Vec<Place<'t>>) {
    collect(b, node, Some(Vec::new()), found);
}

fn collect<'t>(b: &mut Builder<'t>, node: Node<'t>, path: Option<Vec<Step>>, found: &mut Vec<Place<'t>>) {
    match kind(node) {
        Kind::Identifier if node.is_missing() => {}
        Kind::Identifier => found.push(Place::Name { node, path }),
        Kind::Attribute => {
            let object = node.field(Field::Object).map(|it| expr(b, it));
            errors(b, node);
            let object = receiver(b, node).or(object);
            if let (Some(object), Some(name)) = (object, node.field(Field::Attribute)) {
                let name = b.symbol(name);
                found.push(Place::Member { object, name, node, path });
            }
        }
        Kind::Subscript => {
            let all = parts(b, node);
            let Some((value, subscripts)) = all.split_first() else { return };
            let object = expr(b, *value);
            for it in subscripts {
                let path = path.clone();
                found.push(match key(b, *it) {
                    Ok((name, _)) => Place::Member { object, name, node, path },
                    Err(_) => Place::Element { object, node, path },
                });
            }
        }
        _ => {
            b.deeper(|b| pattern_of(b, node, path, found));
        }
    }
}

/// A target that is made of others.
fn pattern_of<'t>(b: &mut Builder<'t>, node: Node<'t>, path: Option<Vec<Step>>, found: &mut Vec<Place<'t>>) {
    match kind(node) {
        Kind::PatternList
        | Kind::TuplePattern
        | Kind::ListPattern
        | Kind::Tuple
        | Kind::List
        | Kind::ExpressionList => {
            let mut told = path.is_some();
            for (index, child) in parts(b, node).into_iter().enumerate() {
                let is_rest = matches!(kind(child), Kind::ListSplatPattern | Kind::ListSplat);
                let step = if is_rest { Step::Rest } else { Step::Index(index as u32) };
                let inner = path.iter().filter(|_| told).map(|it| [it.as_slice(), &[step]].concat()).next();
                told &= !is_rest;
                collect(b, child, inner, found);
            }
        }
        Kind::ListSplatPattern | Kind::ListSplat | Kind::ParenthesizedExpression | Kind::AsPatternTarget => {
            errors(b, node);
            if let Some(inner) = first(node) {
                collect(b, inner, path, found);
            }
        }
        _ => {
            expr(b, node);
        }
    }
}

/// Declares the names in a scope, and assigns to the rest.
pub fn bind<'t>(b: &mut Builder<'t>, places: Vec<Place<'t>>, scope: ScopeId, bound: Bound) {
    for place in places {
        match place {
            Place::Name { node, path } => bind_name(b, node, path, scope, bound),
            Place::Member { object, name, node, path } => {
                let value = at_path(b, bound.value, path.as_deref(), node);
                assign(b, Target::Member(object, name), value, bound.declared);
            }
            Place::Element { object, node, path } => {
                let value = at_path(b, bound.value, path.as_deref(), node);
                assign(b, Target::Element(object), value, bound.declared);
            }
        }
    }
}

fn bind_name<'t>(b: &mut Builder<'t>, node: Node<'t>, path: Option<Vec<Step>>, scope: ScopeId, bound: Bound) {
    let name = b.symbol(node);
    if b.outer.contains(&(name, scope)) {
        let value = at_path(b, bound.value, path.as_deref(), node);
        let target = Target::Name(name, b.scope);
        return assign(b, target, value, bound.declared);
    }
    let Bound { value, declared } = bound;
    let (origin, path) = match path {
        Some(path) => (Origin::Value { value, declared, constant: false }, path),
        None => (Origin::Other, Vec::new()),
    };
    let at = b.bytes(node);
    b.declare(Binding { name, scope, at, origin, path, default: None, next: None });
}

fn assign(b: &mut Builder, target: Target, value: ExprId, declared: Option<TypeId>) {
    let at = b.chunk.assignments.len() as u32;
    b.chunk.assigned_types.extend(declared.map(|it| (at, it)));
    b.chunk.assignments.push(Assignment { target, value });
}

/// The part of a value that a pattern takes, if it is written out.
fn at_path<'t>(b: &mut Builder<'t>, value: Option<ExprId>, path: Option<&[Step]>, node: Node<'t>) -> ExprId {
    let (Some(mut at), Some(path)) = (value, path) else {
        let unknown = if path.is_some() { Expr::Nothing } else { Expr::Opaque };
        return b.add(unknown, node);
    };
    for step in path {
        let part = match (b.chunk.exprs[at.at()], step) {
            (Expr::List(run), Step::Index(index)) => b.chunk.exprs_in(run).get(*index as usize).copied(),
            _ => None,
        };
        let Some(part) = part else { return b.add(Expr::Opaque, node) };
        at = part;
    }
    at
}

/// Declares names of which nothing is known, and assigns the unknown to members.
pub fn bind_other<'t>(b: &mut Builder<'t>, places: Vec<Place<'t>>, node: Node<'t>) {
    for place in places {
        match place {
            Place::Name { node, .. } => declare(b, node, Origin::Other),
            Place::Member { object, name, .. } => {
                let value = b.add(Expr::Opaque, node);
                assign(b, Target::Member(object, name), value, None);
            }
            Place::Element { .. } => {}
        }
    }
}

/// A pattern of `case`: its names are declared, the rest is lowered.
pub fn pattern<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    b.deeper(|b| {
        errors(b, node);
        pattern_inside(b, node);
    });
}

fn pattern_inside<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let all = super::children(node);
    match kind(node) {
        Kind::DottedName if all.len() == 1 => declare(b, all[0], Origin::Other),
        Kind::DottedName => dotted(b, &all),
        Kind::SplatPattern => all.into_iter().for_each(|it| declare(b, it, Origin::Other)),
        Kind::ClassPattern => {
            let Some((class, rest)) = all.split_first() else { return };
            let names = parts(b, *class);
            dotted(b, &names);
            rest.iter().for_each(|it| pattern(b, *it));
        }
        // `name=pattern` names a member of what is matched.
        Kind::KeywordPattern => all.into_iter().skip(1).for_each(|it| pattern(b, it)),
        Kind::Identifier => declare(b, node, Origin::Other),
        Kind::String | Kind::ConcatenatedString => {
            expr(b, node);
        }
        _ => all.into_iter().for_each(|it| pattern(b, it)),
    }
}

/// `a.b.c` as the expression that it is.
fn dotted<'t>(b: &mut Builder<'t>, names: &[Node<'t>]) {
    let Some((object, rest)) = names.split_first() else { return };
    let mut whole = expr(b, *object);
    for name in rest {
        whole = super::chains::member(b, whole, *name, *name);
    }
}
