//! What a method does that is there for others to override.

use super::Linker;
use super::edit::bases;
use super::value::*;
use crate::syntax::ir::{ClassId, Expr, ExprId, Origin, Symbol};

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

    /// A member of an object of a class, or of one that is derived from it: what the derived classes say it is
    /// counts as well, as far as it is written out.
    pub(super) fn or_of_derived(&mut self, class: ClassAt, name: Symbol, values: Values) -> Values {
        let may_be_key = |it: &Value| {
            matches!(it, Value::Text(_) | Value::Field(..) | Value::Shape(_) | Value::Foreign)
                || it.is_blank()
        };
        if !values.iter().all(may_be_key) {
            return values;
        }
        let (mut texts, mut is_open) = (Union::default(), false);
        for derived in self.all_derived_from(class) {
            let of_derived = self.of_class(derived, name, None);
            of_derived.iter().filter(|it| matches!(it, Value::Text(_))).for_each(|it| texts.push(it.clone()));
            is_open |= of_derived.iter().any(|it| !matches!(it, Value::Text(_) | Value::Nothing));
        }
        if texts.is_empty() {
            return values;
        }
        let mut union = Union::default();
        values.iter().filter(|it| matches!(it, Value::Text(_))).for_each(|it| union.push(it.clone()));
        union.add(texts.done());
        if is_open {
            union.push(Value::Field(class, name));
        }
        union.done()
    }

    /// Whether an expression is the class of the object that a method is called on: `cls`, `type(self)`.
    pub(super) fn is_own_class(&self, at: ExprAt) -> bool {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Name(name, scope) => self.program.lookup(name, at.with(scope)).iter().any(|it| {
                matches!(self.chunk(it).bindings[it.id.at()].origin, Origin::Parameter { index: 0, .. })
            }),
            Expr::Call(call) => chunk.call_names[call.at()].is_some_and(|it| &*it == "type"),
            Expr::Member(member) => {
                matches!(&*chunk.members[member as usize].name, "__class__" | "constructor")
            }
            _ => false,
        }
    }

    /// Whether a class asks for a flag by a member that classes derived from it may say something else of.
    pub(super) fn asks_for_members(&mut self, class: ClassAt, hops: u32) -> bool {
        let mut asks = Vec::new();
        let is_inside = |it: &Self, scope| it.is_in_class(scope, class);
        self.asked_inside(class.with(()), &is_inside, &mut |asked| asks.extend(asked));
        let asks = asks.into_iter().any(|it| {
            let chunk = self.chunk(&it.key);
            let Expr::Member(member) = chunk.exprs[it.key.id.at()] else { return false };
            let object = it.key.with(chunk.members[member as usize].object);
            let is_own = |it: &Value| it.class() == Some(class) || *it == Value::Class(class);
            self.eval(object).iter().any(is_own)
        });
        let chunk = self.chunk(&class);
        asks || hops < MOST_HOPS
            && chunk.exprs_in(chunk.classes[class.id.at()].bases).iter().any(|base| {
                let bases = self.eval(class.with(*base));
                bases
                    .iter()
                    .any(|it| matches!(it, Value::Class(base) if self.asks_for_members(*base, hops + 1)))
            })
    }

    fn all_derived_from(&mut self, class: ClassAt) -> Vec<ClassAt> {
        let mut found = self.derived_from(class);
        let mut next = 0;
        while let Some(it) = found.get(next).copied().filter(|_| found.len() < MOST_CLASSES) {
            for derived in self.derived_from(it) {
                if !found.contains(&derived) && derived != class {
                    found.push(derived);
                }
            }
            next += 1;
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
