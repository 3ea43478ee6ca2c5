//! What a declared name may be.

use super::eval::as_constant;
use super::value::*;
use super::{Linker, Query};
use crate::syntax::KeyFrom;
use crate::syntax::ir::{Assigned, Binding, ExprId, FunctionId, Origin, ScopeId, Step, Symbol, TypeId};

/// More assignments to one name say nothing that the first do not.
const MOST_ASSIGNMENTS: usize = 8;

impl Linker<'_> {
    /// What a declared name may be, further declarations of it included.
    pub(super) fn binding(&mut self, at: BindingAt) -> Values {
        self.ask(Query::Binding(at), |it| it.declared(at))
    }

    fn declared(&mut self, at: BindingAt) -> Values {
        let (mut union, mut n_definers, mut is_elsewhere) = (Union::default(), 0, false);
        let mut next = Some(at.id);
        while let Some(id) = next.take().filter(|_| n_definers < MOST_ASSIGNMENTS) {
            let binding = &self.chunk(&at).bindings[id.at()];
            let values = self.origin(at.with(id), binding);
            let is_declared_only = matches!(binding.origin, Origin::Value { value: None, .. });
            n_definers += usize::from(!is_declared_only && !is_nothing(&values));
            union.add(values);
            next = binding.next;
        }
        let binding = &self.chunk(&at).bindings[at.id.at()];
        if matches!(binding.origin, Origin::Value { constant: false, .. } | Origin::Parameter { .. }) {
            let function = self.function_round(at.with(binding.scope));
            for (value, from) in self.assigned_to(at) {
                let values = self.eval(value);
                n_definers += usize::from(!is_nothing(&values));
                union.add(values);
                is_elsewhere |= self.function_round(from) != function;
            }
        }
        match is_elsewhere {
            true => unsettled(union.done(), n_definers),
            false => settled(union.done(), n_definers),
        }
    }

    pub(super) fn origin(&mut self, at: BindingAt, binding: &Binding) -> Values {
        let values = match binding.origin {
            Origin::Import { module, name } => self.import(at.file, module, name),
            Origin::Value { value, declared, .. } => {
                let values = self.value(at, value, declared, binding);
                as_constant(values, KeyFrom::Constant)
            }
            Origin::Parameter { function, index, declared, rest } => {
                self.parameter(at, function, index, declared, rest, binding)
            }
            Origin::Function(function) => one(Value::Function(at.with(function), None)),
            Origin::Class(class) => one(Value::Class(at.with(class))),
            Origin::Other => one(Value::Unknown),
        };
        let values = match binding.path.last() {
            Some(Step::Property(name)) => self.or_named(at.file, *name, values),
            _ => values,
        };
        match binding.default {
            Some(default) if !values.iter().all(is_there) || values.is_empty() => {
                let mut union = Union::default();
                union.add(values);
                union.add(as_constant(self.eval(at.with(default)), KeyFrom::Constant));
                union.done()
            }
            _ => values,
        }
    }

    fn value(
        &mut self,
        at: BindingAt,
        value: Option<ExprId>,
        declared: Option<TypeId>,
        binding: &Binding,
    ) -> Values {
        let declared = declared.map(|it| self.declared_type(at.with(it))).unwrap_or_else(none);
        let declared = self.walk(declared, &binding.path);
        if declared.iter().any(|it| it.is_evidence() || matches!(it, Value::Vendor)) {
            return declared;
        }
        let value = match value {
            Some(value) => self.eval(at.with(value)),
            None => one(Value::Nothing),
        };
        let value = self.walk(value, &binding.path);
        let is_open = value.iter().all(|it| it.is_blank() || matches!(it, Value::Parameter(_)));
        if !is_open || declared.iter().all(Value::is_blank) {
            return value;
        }
        let mut union = Union::default();
        union.add(value);
        union.add(declared);
        union.done()
    }

    fn parameter(
        &mut self,
        at: BindingAt,
        function: FunctionId,
        index: u32,
        declared: Option<TypeId>,
        rest: bool,
        binding: &Binding,
    ) -> Values {
        if rest {
            return one(Value::Unknown);
        }
        let it = &self.chunk(&at).functions[function.at()];
        if let Some(class) = it.class.filter(|_| it.has_self && index == 0) {
            let is_class = self.is_class_method(at.with(function));
            return one(if is_class {
                Value::Class(at.with(class))
            } else {
                Value::Instance(at.with(class))
            });
        }
        let declared = declared.map(|it| self.declared_type(at.with(it))).unwrap_or_else(none);
        let declared = self.walk(declared, &binding.path);
        if declared.iter().any(|it| it.is_evidence() || matches!(it, Value::Vendor)) {
            return declared;
        }
        let handed = self.handed(at.with(function), index);
        if !handed.is_empty() {
            return self.walk(handed, &binding.path);
        }
        if index == 0 {
            let props = self.page_props(at.with(function));
            let given = self.walk(props, &binding.path);
            if given.iter().any(Value::is_evidence) {
                return given;
            }
        }
        let path = binding.path.clone();
        let mut union = Union::default();
        union.push(Value::Parameter(Parameter { function: at.with(function), index, path }.into()));
        declared.iter().filter(|it| !it.is_blank()).for_each(|it| union.push(it.clone()));
        union.done()
    }

    /// The innermost function round a scope.
    fn function_round(&self, scope: At<ScopeId>) -> Option<FunctionAt> {
        self.program.functions_around(scope).next()
    }

    /// What is assigned to a name elsewhere in its file, and from where.
    fn assigned_to(&self, at: BindingAt) -> Vec<(ExprAt, At<ScopeId>)> {
        let name = self.chunk(&at).bindings[at.id.at()].name;
        let all = self.program.assigned(at.file, name);
        let here = |it: &Assigned<ScopeId>| At { file: at.file, chunk: it.chunk, id: it.to };
        let own = all.iter().filter(|it| self.program.lookup(name, here(it)).contains(&at));
        own.map(|it| (here(it).with(it.value), here(it))).take(MOST_ASSIGNMENTS).collect()
    }

    /// What a file assigns to a member of something.
    pub(super) fn assigned_to_member(
        &mut self,
        file: FileId,
        name: Symbol,
        is_owner: &dyn Fn(&Value) -> bool,
    ) -> Vec<ExprAt> {
        let mut found = Vec::new();
        for it in self.program.assigned_to_member(file, name) {
            let object = At { file, chunk: it.chunk, id: it.to };
            if self.eval(object).iter().any(is_owner) {
                found.push(object.with(it.value));
            }
            if found.len() == MOST_ASSIGNMENTS {
                break;
            }
        }
        found
    }
}

/// Whether something is certainly there, so that no default counts.
fn is_there(value: &Value) -> bool {
    use Value::*;
    matches!(
        value,
        Text(_) | Joined(_) | Function(..) | Class(_) | Instance(_) | Made(..) | Object(_) | List(_)
    )
}

/// Whether a name is given nothing at all here: that is no key, and says nothing against another.
pub(super) fn is_nothing(values: &Values) -> bool {
    !values.is_empty() && values.iter().all(|it| matches!(it, Value::Nothing))
}

/// A name that is given several strings is any of them, unless it may be something else, too.
pub(super) fn settled(values: Values, n_definers: usize) -> Values {
    match values.iter().all(|it| matches!(it, Value::Text(_) | Value::Nothing)) {
        true => values,
        false => unsettled(values, n_definers),
    }
}

/// What is given several strings by whoever comes along is none of them for certain.
pub(super) fn unsettled(values: Values, n_definers: usize) -> Values {
    let is_text = |it: &Value| matches!(it, Value::Text(_) | Value::Joined(_));
    if n_definers < 2 || !values.iter().any(is_text) {
        return values;
    }
    let mut union = Union::default();
    union.push(Value::Unknown);
    values.iter().filter(|it| !is_text(it)).for_each(|it| union.push(it.clone()));
    union.done()
}
