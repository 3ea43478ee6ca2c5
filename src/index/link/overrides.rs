//! What a method does that is there for others to override.

use super::Linker;
use super::edit::bases;
use super::value::*;
use crate::syntax::ir::{ClassId, Expr, ExprId, Symbol};

/// Classes derived from classes, as far as anybody looks.
const MOST_HOPS: u32 = 8;

/// More classes than this are not told apart.
const MOST_CLASSES: usize = 24;

impl Linker<'_> {
    /// What a method gives, or what it gives in the classes that override it, where it does nothing itself.
    pub(super) fn or_overridden(
        &mut self,
        given: Values,
        method: FunctionAt,
        this: Option<&Value>,
    ) -> Values {
        let Some(class) = this.and_then(Value::class) else { return given };
        let Some(name) = self.chunk(&method).functions[method.id.at()].name else { return given };
        if self.does_something(method) {
            return given;
        }
        let mut union = Union::default();
        union.add(given);
        for override_ in self.overrides(class, name) {
            let returned = self.returned(override_);
            // Of the rest nobody knows whether it is meant.
            let says_of_flags = |it: &&Value| it.is_evidence() || matches!(it, Value::Object(_));
            returned.iter().filter(says_of_flags).for_each(|it| union.push(it.clone()));
        }
        union.done()
    }

    /// Whether a method of a class is meant when its object is asked, though it gives no more than a fixed value or
    /// a comparison: no class overrides it, and it is there in the place of no other.
    pub(super) fn stands_for_itself(&mut self, method: FunctionAt, this: &Value) -> bool {
        let Some(class) = this.class() else { return false };
        let it = &self.chunk(&method).functions[method.id.at()];
        let Some(name) = it.name else { return false };
        let chunk = self.chunk(&method);
        let mut gives = chunk.exprs_in(it.returns).iter().map(|it| chunk.exprs[it.at()]);
        gives.any(|it| matches!(it, Expr::Plain | Expr::Object(_) | Expr::List(_)))
            && self.stands_alone(class, name, 0)
            && self.overrides(class, name).is_empty()
    }

    /// Whether all that a class is derived from is known, and nothing of it has a member that its own is in the
    /// place of.
    fn stands_alone(&mut self, class: ClassAt, name: Symbol, hops: u32) -> bool {
        let chunk = self.chunk(&class);
        let it = &chunk.classes[class.id.at()];
        if it.implements || hops > MOST_HOPS {
            return false;
        }
        let is_own = it.members.iter().any(|it| it.name == name);
        chunk.exprs_in(it.bases).iter().all(|base| {
            if matches!(chunk.exprs[base.at()], Expr::Name(name, _) if &*name == "object") {
                return true;
            }
            let bases = self.eval(class.with(*base));
            !bases.is_empty()
                && bases.iter().all(|base| match base {
                    Value::Class(base) => {
                        let members = &self.chunk(base).classes[base.id.at()].members;
                        let has = members.iter().any(|it| it.name == name);
                        !(is_own && has) && self.stands_alone(*base, name, hops + 1)
                    }
                    _ => false,
                })
        })
    }

    /// The methods of a name in the classes that are derived from a class.
    fn overrides(&mut self, class: ClassAt, name: Symbol) -> Vec<FunctionAt> {
        let mut found = Vec::new();
        for other in self.derived_from(class) {
            let chunk = self.chunk(&other);
            let it = &chunk.classes[other.id.at()];
            let method = it.members.iter().find(|it| it.name == name).and_then(|it| it.value);
            if let Some(Expr::Function(method)) = method.map(|it| chunk.exprs[it.at()]) {
                found.push(other.with(method));
            }
        }
        found
    }

    /// Classes that are derived from a class itself.
    pub(super) fn derived_from(&mut self, class: ClassAt) -> Vec<ClassAt> {
        let Some(own) = self.chunk(&class).classes[class.id.at()].name else { return Vec::new() };
        let mut found = self.derived(own);
        found.retain(|other| {
            let chunk = self.chunk(other);
            let is_base = |it: &ExprId| self.eval(other.with(*it)).contains(&Value::Class(class));
            chunk.exprs_in(chunk.classes[other.id.at()].bases).iter().any(is_base)
        });
        found
    }

    /// Classes that are derived from one of this name.
    fn derived(&self, base: Symbol) -> Vec<ClassAt> {
        let mut found = Vec::new();
        for file in self.program.files_that_derive(base) {
            for (number, placed) in self.program.module(file).chunks.iter().enumerate() {
                for (id, class) in placed.chunk.classes.iter().enumerate() {
                    if bases(&placed.chunk, class).any(|it| it == base) {
                        found.push(At { file, chunk: number as u32, id: ClassId(id as u32) });
                    }
                }
            }
        }
        found.truncate(MOST_CLASSES);
        found
    }
}
