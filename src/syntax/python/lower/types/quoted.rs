//! Annotations in quotes, `"Client | None"`, which the grammar does not parse.

use tree_sitter::Node;

use super::super::super::super::ir::{Builder, Expr, ExprId, Member, Symbol, Type, TypeId};
use super::{any, formed, last_name};

/// Lowers the text of a string that begins at `start` in the file.
pub fn lower<'t>(b: &mut Builder<'t>, node: Node<'t>, text: &'t str, start: usize) -> TypeId {
    Quoted { node, text, start, at: 0 }.union(b).unwrap_or_else(|| b.add_type(Type::Other))
}

struct Quoted<'t> {
    node: Node<'t>,
    text: &'t str,
    start: usize,
    at: usize,
}

impl<'t> Quoted<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip_spaces();
        let is_next = self.rest().starts_with(token);
        self.at += if is_next { token.len_utf8() } else { 0 };
        is_next
    }

    /// A name without dots.
    fn word(&mut self) -> Option<std::ops::Range<usize>> {
        self.skip_spaces();
        let rest = self.rest();
        let len = rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
        self.at += len;
        (len > 0).then_some(self.at - len..self.at)
    }

    /// `A | B`; nothing when it is None or no type.
    fn union(&mut self, b: &mut Builder<'t>) -> Option<TypeId> {
        let mut members = Vec::new();
        loop {
            members.extend(b.deeper(|b| self.one(b)).flatten());
            if !self.eat('|') {
                break;
            }
        }
        (!members.is_empty()).then(|| any(b, &members))
    }

    fn one(&mut self, b: &mut Builder<'t>) -> Option<TypeId> {
        if self.eat('\'') || self.eat('"') {
            return self.literal(b);
        }
        if self.eat('[') {
            self.arguments(b);
            return Some(b.add_type(Type::Other));
        }
        let name = self.name(b)?;
        let arguments = if self.eat('[') { self.arguments(b) } else { Vec::new() };
        Some(match last_name(b, name) {
            "None" => return None,
            "Literal" => any(b, &arguments),
            _ => formed(b, name, &arguments),
        })
    }

    fn literal(&mut self, b: &mut Builder<'t>) -> Option<TypeId> {
        let quote = self.at - 1;
        let len = self.rest().find(['\'', '"'])?;
        self.at += len + 1;
        let text = Symbol::from(&self.text[quote + 1..quote + 1 + len]);
        let bytes = b.place(self.start + quote..self.start + self.at);
        Some(b.add_type(Type::Text(text, bytes)))
    }

    /// What stands between brackets.
    fn arguments(&mut self, b: &mut Builder<'t>) -> Vec<TypeId> {
        let mut found = Vec::new();
        while !self.eat(']') && self.at < self.text.len() {
            let before = self.at;
            found.extend(self.union(b));
            self.eat(',');
            if self.at == before {
                // No type begins like this.
                self.at += self.rest().chars().next().map_or(0, char::len_utf8);
            }
        }
        found
    }

    /// `a.b.C` as the expression that it is.
    fn name(&mut self, b: &mut Builder<'t>) -> Option<ExprId> {
        let first = self.word()?;
        let from = first.start;
        let expr = Expr::Name(Symbol::from(&self.text[first.clone()]), b.scope);
        let mut whole = b.add_at(expr, b.place(self.start + first.start..self.start + first.end));
        while self.eat('.') {
            let Some(word) = self.word() else { break };
            let at = b.place(self.start + word.start..self.start + word.end);
            let name = Symbol::from(&self.text[word.clone()]);
            whole = b.add_member(Member { object: whole, name, at, quoted: false }, self.node);
            b.chunk.spans[whole.at()] = b.place(self.start + from..self.start + word.end);
        }
        Some(whole)
    }
}
