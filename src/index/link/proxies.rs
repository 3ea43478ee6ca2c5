//! What stands behind a `new Proxy({}, { get: ... })`: an object that is made when it is used first.

use super::Linker;
use super::value::*;
use crate::syntax::ir::{Call, CallId, Chunk, Expr, ExprId, PropName, Symbol};

impl Linker<'_> {
    /// The objects whose members a proxy gives, besides those of what it stands before.
    pub(super) fn proxied(&mut self, at: At<CallId>, call: &Call) -> Values {
        let [target, handler] = self.chunk(&at).args_in(call.args) else { return one(Value::Unknown) };
        let mut union = Union::default();
        union.add(self.eval(at.with(target.value)));
        if let Some(getter) = self.getter(at.with(handler.value)) {
            for object in self.picked_from(getter) {
                union.add(self.eval(object));
            }
        }
        union.done()
    }

    fn getter(&mut self, handler: ExprAt) -> Option<FunctionAt> {
        let chunk = self.chunk(&handler);
        let Expr::Object(run) = chunk.exprs[handler.id.at()] else { return None };
        let get = PropName::Fixed(Symbol::from("get"));
        let prop = chunk.props_in(run).iter().find(|it| it.name == get)?;
        self.eval(handler.with(prop.value)).iter().find_map(|it| match it {
            Value::Function(function, _) => Some(*function),
            _ => None,
        })
    }

    /// What a getter takes members of by the name that it is asked for: `client[name]`, `Reflect.get(client, name)`.
    fn picked_from(&mut self, getter: FunctionAt) -> Vec<ExprAt> {
        let mut found = Vec::new();
        for chunk in 0..self.program.module(getter.file).chunks.len() as u32 {
            let here: At<()> = At { file: getter.file, chunk, id: () };
            let chunk = self.chunk(&here);
            for expr in &chunk.exprs {
                let Some((object, name)) = picked(chunk, expr) else { continue };
                if self.is_name_asked_for(here.with(name), getter) {
                    found.push(here.with(object));
                }
            }
        }
        found
    }

    fn is_name_asked_for(&mut self, name: ExprAt, getter: FunctionAt) -> bool {
        let is_name = matches!(self.chunk(&name).exprs[name.id.at()], Expr::Name(..));
        let is_asked_for = |it: &Value| match it {
            Value::Parameter(it) => it.function == getter && it.index == 1 && it.path.is_empty(),
            _ => false,
        };
        is_name && self.eval(name).iter().any(is_asked_for)
    }
}

/// The object and the name of a member that is taken by a name in a variable.
fn picked(chunk: &Chunk, expr: &Expr) -> Option<(ExprId, ExprId)> {
    match *expr {
        Expr::Index(object, name) => Some((object, name)),
        Expr::Call(call) => {
            let call = &chunk.calls[call.at()];
            let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return None };
            let it = &chunk.members[member as usize];
            let is_reflect = matches!(chunk.exprs[it.object.at()], Expr::Name(name, _) if name == "Reflect");
            let [object, name, ..] = chunk.args_in(call.args) else { return None };
            (is_reflect && it.name == "get").then_some((object.value, name.value))
        }
        _ => None,
    }
}
