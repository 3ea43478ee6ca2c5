//! What a method does that is there for others to override.

use std::rc::Rc;

use ustr::UstrMap;

use super::Linker;
use super::value::*;
use crate::syntax::ir::{ClassId, Expr, ExprId, Symbol};

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
        let Some(Value::Instance(class)) = this else { return given };
        let Some(name) = self.chunk(&method).functions[method.id.at()].name else { return given };
        if self.does_something(method) {
            return given;
        }
        let mut union = Union::default();
        union.add(given);
        for override_ in self.overrides(*class, name) {
            let returned = self.returned(override_);
            // Of the rest nobody knows whether it is meant.
            let says_of_flags = |it: &&Value| it.is_evidence() || matches!(it, Value::Object(_));
            returned.iter().filter(says_of_flags).for_each(|it| union.push(it.clone()));
        }
        union.done()
    }

    /// The methods of a name in the classes that are derived from a class.
    fn overrides(&mut self, class: ClassAt, name: Symbol) -> Vec<FunctionAt> {
        let Some(own) = self.chunk(&class).classes[class.id.at()].name else { return Vec::new() };
        let derived = self.derived();
        let mut found = Vec::new();
        for other in derived.get(&own).into_iter().flatten().take(MOST_CLASSES) {
            let chunk = self.chunk(other);
            let it = &chunk.classes[other.id.at()];
            let method = it.members.iter().find(|it| it.name == name).and_then(|it| it.value);
            let Some(Expr::Function(method)) = method.map(|it| chunk.exprs[it.at()]) else { continue };
            let is_base = |it: &ExprId| self.eval(other.with(*it)).contains(&Value::Class(class));
            if chunk.exprs_in(it.bases).iter().any(is_base) {
                found.push(other.with(method));
            }
        }
        found
    }

    /// All classes by the names of what they are derived from.
    fn derived(&mut self) -> Rc<UstrMap<Vec<ClassAt>>> {
        if let Some(known) = &self.derived {
            return known.clone();
        }
        let mut found: UstrMap<Vec<ClassAt>> = UstrMap::default();
        for file in self.program.ids() {
            for (number, placed) in self.program.module(file).chunks.iter().enumerate() {
                let chunk = &placed.chunk;
                for (id, class) in chunk.classes.iter().enumerate() {
                    for base in chunk.exprs_in(class.bases) {
                        let name = match chunk.exprs[base.at()] {
                            Expr::Name(name, _) => name,
                            Expr::Member(member) => chunk.members[member as usize].name,
                            _ => continue,
                        };
                        let at = At { file, chunk: number as u32, id: ClassId(id as u32) };
                        found.entry(name).or_default().push(at);
                    }
                }
            }
        }
        let found = Rc::new(found);
        self.derived = Some(found.clone());
        found
    }
}
