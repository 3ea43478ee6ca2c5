//! Stores: what holds flags, or functions that ask for them, for a whole app.

use super::Linker;
use super::value::*;
use crate::syntax::ir::{Call, CallId, Expr, Origin, PropName, Symbol};

impl Linker<'_> {
    /// What makes a store: `defineStore('id', () => ...)`, `defineStore('id', { actions: ... })`,
    /// `create((set) => ({ ... }))`, `create()((set) => ({ ... }))`.
    pub(super) fn store(&mut self, at: At<CallId>, call: &Call) -> Option<Values> {
        let chunk = self.chunk(&at);
        let name = chunk.call_names[at.id.at()].or_else(|| match chunk.exprs[call.callee.at()] {
            Expr::Call(inner) => chunk.call_names[inner.at()],
            _ => None,
        })?;
        let made_by = chunk.args_in(call.args).iter().take(2).rfind(|it| !it.spread)?;
        let made_by = at.with(made_by.value);
        match &*name {
            "defineStore" => {
                let values = self.eval(made_by);
                let store = values.iter().find_map(|it| match it {
                    // A call of what is defined gives what the function gives.
                    Value::Function(..) => Some(it.clone()),
                    Value::Object(options) => Some(Value::Options(*options)),
                    _ => None,
                });
                store.map(one)
            }
            "create" | "createStore" => {
                let made_by = at.with(chunk.args_in(call.args).first()?.value);
                let made_by = self.creator(made_by, 0)?;
                let state = self.returned(made_by);
                let is_object = state.iter().any(|it| matches!(it, Value::Object(_)));
                is_object.then(|| one(Value::Store(made_by)))
            }
            _ => None,
        }
    }

    /// The function that makes a store's state, perhaps inside `persist(...)`, `devtools(...)`.
    fn creator(&mut self, at: ExprAt, hops: u32) -> Option<FunctionAt> {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Call(call) if hops < 4 => {
                let name = chunk.call_names[call.at()]?;
                let is_layer =
                    matches!(&*name, "persist" | "devtools" | "immer" | "subscribeWithSelector" | "logger");
                let inner = chunk.args_in(chunk.calls[call.at()].args).first().filter(|_| is_layer)?;
                self.creator(at.with(inner.value), hops + 1)
            }
            _ => self.eval(at).iter().find_map(|it| match it {
                Value::Function(function, None) => Some(*function),
                _ => None,
            }),
        }
    }

    /// What a call of a store gives: what its selector picks, or all of its state.
    pub(super) fn of_store(&mut self, at: At<CallId>, call: &Call, store: FunctionAt) -> Values {
        match self.chunk(&at).args_in(call.args).first() {
            Some(selector) => self.applied(at.with(selector.value)),
            None => self.returned(store),
        }
    }

    /// A member of a store that is defined by options.
    pub(super) fn of_options(&mut self, options: ExprAt, name: Symbol) -> Values {
        if let Some(actions) = self.option(options, "actions") {
            let values = self.own_member(&actions, name);
            if !values.is_empty() {
                return values;
            }
        }
        for (part, is_called) in [("getters", false), ("state", true)] {
            let Some(values) = self.option(options, part) else { continue };
            let whole = if is_called { self.given_by_functions(&values) } else { values };
            let member = self.own_member(&whole, name);
            if !member.is_empty() {
                return if is_called { member } else { self.given_by_functions(&member) };
            }
        }
        one(Value::Unknown)
    }

    /// The objects of functions of a store that is defined by options.
    pub(super) fn parts_of_options(&mut self, options: ExprAt) -> Vec<Value> {
        let parts = ["actions", "getters"].into_iter().filter_map(|it| self.option(options, it));
        parts.flat_map(|it| it.to_vec()).collect()
    }

    fn option(&mut self, options: ExprAt, name: &str) -> Option<Values> {
        let chunk = self.chunk(&options);
        let Expr::Object(run) = chunk.exprs[options.id.at()] else { return None };
        let is_it = |it: &PropName| matches!(it, PropName::Fixed(own) if &**own == name);
        let prop = chunk.props_in(run).iter().find(|it| is_it(&it.name))?;
        Some(self.eval(options.with(prop.value)))
    }

    /// Whether something that says anything is put into `ref(null)` later on.
    pub(super) fn is_filled(&mut self, at: ExprAt) -> bool {
        self.state(at).iter().any(Value::is_evidence)
    }

    /// What is assigned to `held.value` of `const held = ref(null)`, or to `held.current`.
    pub(super) fn put_into_ref(&mut self, held: ExprAt) -> Vec<ExprAt> {
        let mut found = Vec::new();
        for held_by in ["value", "current"] {
            for it in self.program.assigned_to_member(held.file, Symbol::from(held_by)) {
                let here: At<()> = At { file: held.file, chunk: it.chunk, id: () };
                let Expr::Name(name, scope) = self.chunk(&here).exprs[it.to.at()] else { continue };
                let here = here.with(scope);
                let holds = |it: &BindingAt| {
                    let origin = self.chunk(it).bindings[it.id.at()].origin;
                    it.chunk == held.chunk
                        && matches!(origin, Origin::Value { value: Some(value), .. } if value == held.id)
                };
                if self.program.lookup(name, here).iter().any(holds) {
                    found.push(here.with(it.value));
                }
            }
        }
        found
    }
}
