//! Code that is being typed.

use super::super::super::ir::{Arg, CallKind, ExprId};
use super::{Kind, Lower, Part};

impl<'t> Lower<'_, 't> {
    /// Lowers what is inside an error: pieces of expressions and statements side by side.
    pub fn broken(&mut self, error: tree_sitter::Node<'t>) {
        let parts = self.parts(error);
        let mut at = 0;
        while at < parts.all.len() {
            if self.is_open_call(&parts.all, at) {
                at = self.open_call(&parts.all, at).1;
                continue;
            }
            self.statement(parts.all[at]);
            at += 1;
        }
        self.done(parts);
    }

    /// `f(x` is a call already; `function f(` is none.
    fn is_open_call(&self, parts: &[Part<'t>], at: usize) -> bool {
        let callable =
            matches!(parts[at].kind, Kind::Identifier | Kind::Member | Kind::Subscript | Kind::Call);
        callable
            && parts.get(at + 1).is_some_and(|it| it.kind == Kind::OpenParen)
            && (at == 0 || parts[at - 1].kind != Kind::FunctionWord)
    }

    /// Lowers a call whose parenthesis is not closed yet; answers where it ends among the parts.
    fn open_call(&mut self, parts: &[Part<'t>], at: usize) -> (ExprId, usize) {
        let callee = self.expression(parts[at]);
        let mut args = Vec::new();
        let mut next = at + 2;
        while let Some(it) = parts.get(next) {
            let value = match it.kind {
                Kind::Comma => {
                    next += 1;
                    continue;
                }
                Kind::Quote | Kind::DoubleQuote => {
                    let text = parts.get(next + 1).filter(|it| it.kind == Kind::StringFragment);
                    next += 1 + usize::from(text.is_some());
                    self.opaque(text.copied().unwrap_or(*it))
                }
                kind if kind.is_expression() => match self.is_open_call(parts, next) {
                    true => {
                        let inner = self.deeper(|it| it.open_call(parts, next));
                        let (value, end) = inner.unwrap_or((callee, parts.len()));
                        next = end;
                        value
                    }
                    false => {
                        next += 1;
                        self.expression(*it)
                    }
                },
                _ => break,
            };
            args.push(Arg { name: None, value, spread: false });
        }
        let end = parts[next.min(parts.len()) - 1].node.end_byte();
        let node = parts[at].node;
        let call = self.add_call(CallKind::Call, callee, &args, node);
        let place = self.place(node.start_byte()..end);
        self.chunk.spans[call.at()] = place;
        (call, next)
    }
}
