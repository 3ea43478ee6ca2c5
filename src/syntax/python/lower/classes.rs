//! Classes.

use tree_sitter::Node;

use super::super::super::field::Field;
use super::super::super::ir::{
    Binding, Builder, Class, ClassMember, Expr, ExprId, Origin, ScopeId, ScopeKind,
};
use super::super::nodes::ByField;
use super::expressions::expr;
use super::statements::{declare, statement};
use super::{Kind, errors, kind, parts, types};

/// Lowers a class. What its body declares is its members, whether or not an `if` stands round it.
pub fn class<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    types::parameters(b, node);
    let bases = node.field(Field::Superclasses).map(|it| bases(b, it)).unwrap_or_default();
    let bases = b.list(&bases);
    let name = node.field(Field::Name).filter(|it| !it.is_missing());
    let symbol = name.map(|it| b.symbol(it));
    let id = b.add_class(Class {
        name: symbol,
        bases,
        implements: false,
        scope: ScopeId::ROOT,
        members: Vec::new(),
    });
    name.into_iter().for_each(|it| declare(b, it, Origin::Class(id)));

    let outside = b.open(ScopeKind::Class(id));
    let scope = b.scope;
    let function_outside = std::mem::replace(&mut b.function_scope, scope);
    b.chunk.classes[id.at()].scope = scope;
    let first = b.chunk.bindings.len();
    errors(b, node);
    node.field(Field::Body).into_iter().for_each(|it| statement(b, it));
    b.scope = outside;
    b.function_scope = function_outside;
    b.chunk.classes[id.at()].members = members(b, first, scope);
}

/// Bases without what only says more about them: `metaclass=M`, `Base[T]`.
fn bases<'t>(b: &mut Builder<'t>, list: Node<'t>) -> Vec<ExprId> {
    let mut found = Vec::new();
    for node in parts(b, list) {
        let base = expr(b, node);
        match b.chunk.exprs[base.at()] {
            _ if kind(node) == Kind::KeywordArgument => {}
            Expr::Index(generic, _) => found.push(generic),
            _ => found.push(base),
        }
    }
    found
}

/// What the body declares, from the binding `first` on.
fn members(b: &mut Builder, first: usize, scope: ScopeId) -> Vec<ClassMember> {
    let own = (first..b.chunk.bindings.len()).filter(|it| b.chunk.bindings[*it].scope == scope);
    let own: Vec<_> = own.collect();
    own.into_iter().map(|it| member(b, it)).collect()
}

fn member(b: &mut Builder, binding: usize) -> ClassMember {
    let Binding { name, scope, ref at, origin, ref path, .. } = b.chunk.bindings[binding];
    let (at, is_whole) = (at.clone(), path.is_empty());
    let (value, declared) = match origin {
        Origin::Value { value, declared, .. } if is_whole => (value, declared),
        Origin::Function(it) => (Some(b.add_at(Expr::Function(it), at.clone())), None),
        Origin::Class(it) => (Some(b.add_at(Expr::Class(it), at.clone())), None),
        Origin::Other => (None, None),
        // A part of a value and an import are what the name is inside the class.
        _ => (Some(b.add_at(Expr::Name(name, scope), at.clone())), None),
    };
    ClassMember { name, at, value, declared }
}
