//! What a declared type says.

use super::Linker;
use super::value::*;
use crate::syntax::Certainty;
use crate::syntax::evidence::named_like_client;
use crate::syntax::ir::{Expr, Origin, Run, Symbol, Type};

impl Linker<'_> {
    /// What a value of a declared type may be.
    pub(super) fn declared_type(&mut self, at: TypeAt) -> Values {
        self.typed(at, 0)
    }

    fn typed(&mut self, at: TypeAt, hops: u32) -> Values {
        if hops > 12 {
            return one(Value::Unknown);
        }
        match &self.chunk(&at).types[at.id.at()] {
            Type::Name(name, args) => self.type_by_name(at.with(*name), *args, hops),
            Type::Either(run) => {
                let mut union = Union::default();
                for it in self.chunk(&at).types_in(*run) {
                    let values = self.typed(at.with(*it), hops + 1);
                    values.iter().filter(|it| !it.is_blank()).for_each(|it| union.push(it.clone()));
                }
                if union.is_empty() { one(Value::Unknown) } else { union.done() }
            }
            Type::Object(_) | Type::Function(_) => one(Value::Shape(at)),
            Type::Of(expr) => self.eval(at.with(*expr)),
            _ => one(Value::Unknown),
        }
    }

    fn type_by_name(&mut self, name: ExprAt, args: Run, hops: u32) -> Values {
        let chunk = self.chunk(&name);
        let argument = chunk.types_in(args).first().map(|it| name.with(*it));
        let (last, scope) = match chunk.exprs[name.id.at()] {
            Expr::Name(last, scope) => (last, Some(scope)),
            Expr::Member(at) => (chunk.members[at as usize].name, None),
            _ => return one(Value::Unknown),
        };
        if let Some(scope) = scope {
            if let Some(alias) = self.program.lookup_type(last, name.with(scope)) {
                return self.typed(alias, hops + 1);
            }
            if let Some(alias) = self.imported_type(last, name.with(scope)) {
                return self.typed(alias, hops + 1);
            }
        }
        if let Some(argument) = argument
            && is_wrapping(&last)
        {
            return self.typed(argument, hops + 1);
        }
        if &*last == "ReturnType"
            && let Some(argument) = argument
        {
            return self.returned_by_type(argument);
        }
        let values = self.eval(name);
        let mut union = Union::default();
        for value in values.iter() {
            match value {
                Value::Class(class) => union.push(Value::Instance(*class)),
                Value::Client(_) | Value::Snapshot(_) | Value::Vendor | Value::OpenFeature(_) => {
                    union.push(value.clone());
                }
                _ => {}
            }
        }
        if !union.is_empty() {
            return union.done();
        }
        one(match &*last {
            "FeatureFlagEvaluations" => Value::Snapshot(Certainty::Inferred),
            // A union of keys may be called so, and a map of flags.
            _ if named_like_client(&last) && argument.is_none() => Value::Client(Certainty::Inferred),
            _ => Value::Unknown,
        })
    }

    fn imported_type(&mut self, name: Symbol, from: At<crate::syntax::ir::ScopeId>) -> Option<TypeAt> {
        let binding = *self.program.lookup(name, from).first()?;
        let Origin::Import { module, name } = self.chunk(&binding).bindings[binding.id.at()].origin else {
            return None;
        };
        let super::Found::File(path) = self.resolve(from.file, module) else { return None };
        let file = self.program.id(&path)?;
        self.type_named(file, name, 0)
    }

    fn returned_by_type(&mut self, argument: TypeAt) -> Values {
        let Type::Of(function) = self.chunk(&argument).types[argument.id.at()] else {
            return one(Value::Unknown);
        };
        let mut union = Union::default();
        for value in self.eval(argument.with(function)).iter() {
            match value {
                Value::Function(function, _) => union.add(self.returned(*function)),
                Value::Client(_) => union.push(value.clone()),
                _ => {}
            }
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }
}

/// Types that hold one value of their first argument.
fn is_wrapping(name: &str) -> bool {
    matches!(
        name,
        "Promise"
            | "Awaited"
            | "PromiseLike"
            | "Ref"
            | "ShallowRef"
            | "ComputedRef"
            | "MutableRefObject"
            | "RefObject"
            | "Readonly"
            | "Required"
            | "Partial"
            | "NonNullable"
            | "Optional"
            | "Annotated"
            | "Final"
            | "ClassVar"
            | "type"
            | "Type"
            | "Awaitable"
            | "Coroutine"
            | "InstanceType"
            | "PropsWithChildren"
            | "FC"
    )
}
