//! JavaScript and TypeScript, lowered to the form that every language shares.
//!
//! One walk over the tree. What a node says is asked of its parts, which are collected once; an error among them
//! is lowered where it stands, so that nobody else meets one.

mod broken;
mod calls;
mod classes;
mod elements;
mod expressions;
mod functions;
mod grammar;
mod modules;
mod operators;
mod patterns;
mod statements;
mod strings;
#[cfg(test)]
mod tests;
mod types;

use std::ops::{Deref, DerefMut};

use tree_sitter::{Node, TreeCursor};

use super::super::field::Field;
use super::super::ir::{Builder, Expr, ExprId, Rules, Symbol};
use grammar::{Grammar, Kind};

/// How JavaScript and TypeScript are lowered.
pub(in crate::syntax) static RULES: Rules = Rules {
    statement: |builder, node| Walk::new(node).with(builder, node, |it, part| it.statement(part)),
    body: |builder, node| Walk::new(node).with(builder, node, |it, part| it.body_of(part)),
};

/// What goes along with a walk.
struct Walk<'t> {
    grammar: &'static Grammar,
    cursor: TreeCursor<'t>,
    /// Lists of parts to use again.
    spare: Vec<Vec<Part<'t>>>,
    /// The links of the chains that are gone through, innermost last.
    links: Vec<(Part<'t>, Parts<'t>)>,
}

impl<'t> Walk<'t> {
    fn new(node: Node<'t>) -> Walk<'t> {
        Walk { grammar: Grammar::of(node), cursor: node.walk(), spare: Vec::new(), links: Vec::new() }
    }

    fn with(mut self, builder: &mut Builder<'t>, node: Node<'t>, lower: fn(&mut Lower<'_, 't>, Part<'t>)) {
        let kind = self.grammar.kind(node).unwrap_or(Kind::Other);
        lower(&mut Lower { builder, walk: &mut self }, Part { node, kind, field: None });
    }
}

/// Lowers one chunk.
struct Lower<'b, 't> {
    builder: &'b mut Builder<'t>,
    walk: &'b mut Walk<'t>,
}

impl<'t> Deref for Lower<'_, 't> {
    type Target = Builder<'t>;

    fn deref(&self) -> &Builder<'t> {
        self.builder
    }
}

impl<'t> DerefMut for Lower<'_, 't> {
    fn deref_mut(&mut self) -> &mut Builder<'t> {
        self.builder
    }
}

/// A node that says something, or a word or sign that changes what its parent says.
#[derive(Debug, Clone, Copy)]
struct Part<'t> {
    node: Node<'t>,
    kind: Kind,
    field: Option<u16>,
}

impl Part<'_> {
    /// Whether the parser made it up, where something has to stand.
    fn is_missing(&self) -> bool {
        self.node.is_missing()
    }
}

/// The parts of a node, in order.
struct Parts<'t> {
    all: Vec<Part<'t>>,
    grammar: &'static Grammar,
}

impl<'t> Parts<'t> {
    /// The part of a field.
    fn get(&self, field: Field) -> Option<Part<'t>> {
        self.of(field).next()
    }

    /// The parts of a field.
    fn of(&self, field: Field) -> impl Iterator<Item = Part<'t>> {
        let number = self.grammar.field(field);
        self.all.iter().copied().filter(move |it| it.field == number && number.is_some())
    }

    /// The first part of a kind.
    fn first(&self, kind: Kind) -> Option<Part<'t>> {
        self.all.iter().copied().find(|it| it.kind == kind)
    }

    /// Whether there is a part of this kind.
    fn has(&self, kind: Kind) -> bool {
        self.first(kind).is_some()
    }

    /// The first expression.
    fn expression(&self) -> Option<Part<'t>> {
        self.all.iter().copied().find(|it| it.kind.is_expression())
    }
}

impl<'t> Lower<'_, 't> {
    /// The parts of a node. What is broken among them is lowered now.
    fn parts(&mut self, node: Node<'t>) -> Parts<'t> {
        let mut all = self.walk.spare.pop().unwrap_or_default();
        let mut broken = Vec::new();
        let Walk { cursor, grammar, .. } = &mut *self.walk;
        let grammar = *grammar;
        cursor.reset(node);
        let mut more = cursor.goto_first_child();
        while more {
            let node = cursor.node();
            match grammar.kind(node) {
                Some(Kind::Error) => broken.push(node),
                Some(kind) => {
                    let field = cursor.field_id().map(Into::into);
                    all.push(Part { node, kind, field });
                }
                None => {}
            }
            more = cursor.goto_next_sibling();
        }
        for node in broken {
            self.deeper(|it| it.broken(node));
        }
        Parts { all, grammar }
    }

    /// Gives back what [`Lower::parts`] gave.
    fn done(&mut self, parts: Parts<'t>) {
        let mut all = parts.all;
        all.clear();
        self.walk.spare.push(all);
    }

    /// Goes one level deeper; nothing when that is deeper than anybody writes.
    fn deeper<T>(&mut self, lower: impl FnOnce(&mut Lower<'_, 't>) -> T) -> Option<T> {
        let Lower { builder, walk } = self;
        builder.deeper(|builder| lower(&mut Lower { builder, walk }))
    }

    /// The text of a part.
    fn of(&self, part: Part<'t>) -> &'t str {
        self.text(part.node)
    }

    /// An expression that says nothing of itself.
    fn plain(&mut self, part: Part<'t>) -> ExprId {
        self.add(Expr::Plain, part.node)
    }

    /// An expression that nothing can be told of.
    fn opaque(&mut self, part: Part<'t>) -> ExprId {
        self.add(Expr::Opaque, part.node)
    }

    /// A name, looked up from here.
    fn name(&mut self, part: Part<'t>) -> ExprId {
        let expr = Expr::Name(Symbol::from(self.of(part)), self.scope);
        self.add(expr, part.node)
    }
}
