//! What objects hold that their makers give them: by a constructor, or in Python by fields that a class declares and
//! nothing but its decorator or base makes parameters of.

use std::rc::Rc;

use super::calls::rests_on;
use super::eval::as_constant;
use super::sites::{Asked, named, positional};
use super::value::*;
use super::wrappers::{Wrap, add_wrap};
use super::{Linker, Query, Said};
use crate::syntax::ir::{Bytes, CallId, Expr, Symbol};
use crate::syntax::{KeyFrom, Language, Via};

/// Classes of packages that make fields parameters, and such as add none.
const BASES: &[&str] =
    &["NamedTuple", "BaseModel", "Struct", "SQLModel", "Generic", "Protocol", "ABC", "object"];

/// Classes derived from classes, as far as anybody looks.
const MOST_HOPS: u32 = 8;

/// The fields that the call of a class takes.
#[derive(Default)]
pub(super) struct Fields {
    /// In order.
    names: Vec<Symbol>,
    /// The class, after those that it is derived from.
    classes: Vec<ClassAt>,
}

impl Linker<'_> {
    /// The fields that the call of a class takes. Nothing of a class that is made in another way.
    pub(super) fn fields(&mut self, class: ClassAt) -> Option<Fields> {
        let mut found = Fields::default();
        (self.language(class.file) == Language::Python && !self.is_enum(class)).then_some(())?;
        self.add_fields(class, &mut found, 0).filter(|()| !found.names.is_empty())?;
        Some(found)
    }

    fn add_fields(&mut self, class: ClassAt, found: &mut Fields, hops: u32) -> Option<()> {
        let chunk = self.chunk(&class);
        let it = &chunk.classes[class.id.at()];
        if hops > MOST_HOPS || it.members.iter().any(|it| matches!(&*it.name, "__init__" | "__new__")) {
            return None;
        }
        for base in chunk.exprs_in(it.bases) {
            let name = match chunk.exprs[base.at()] {
                Expr::Name(name, _) => name,
                Expr::Member(member) => chunk.members[member as usize].name,
                _ => return None,
            };
            match &*self.eval(class.with(*base)) {
                [Value::Class(base)] => self.add_fields(*base, found, hops + 1)?,
                _ if BASES.contains(&&*name) => {}
                _ => return None,
            }
        }
        for member in &it.members {
            let is_field = member.declared.is_some() && !self.is_of_class_itself(class, &member.at);
            if is_field && !found.names.contains(&member.name) {
                found.names.push(member.name);
            }
        }
        found.classes.push(class);
        Some(())
    }

    /// Whether what is declared here is the class's own, not its objects': `name: ClassVar[T]`.
    fn is_of_class_itself(&self, class: ClassAt, name: &Bytes) -> bool {
        let module = self.program.module(class.file);
        let end = module.span(class.chunk, name).bytes().end;
        let after = module.text.as_str().get(end..).unwrap_or_default().trim_start();
        let declared = after.strip_prefix(':').unwrap_or_default().trim_start();
        let name = declared.split(|it: char| !it.is_alphanumeric() && it != '.').next();
        name.and_then(|it| it.rsplit('.').next()) == Some("ClassVar")
    }

    /// What a call of a class gives for a field.
    fn given_for(&self, at: At<CallId>, fields: &Fields, name: Symbol) -> Option<ExprAt> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(chunk.calls[at.id.at()].args);
        let position = fields.names.iter().position(|it| *it == name)?;
        named(args, &name).or_else(|| positional(args, position)).map(|it| at.with(it))
    }

    /// A member of the object that a call makes.
    pub(super) fn of_made(&mut self, class: ClassAt, made: At<CallId>, name: Symbol) -> Values {
        let values = self.of_class(class, name, Some(&Value::Instance(class)));
        if !values.iter().any(Value::waits) {
            return values;
        }
        let fields = self.fields(class).unwrap_or_default();
        let maker = self.constructor(class);
        let call = &self.chunk(&made).calls[made.id.at()];
        let mut union = Union::default();
        for value in values.iter() {
            if let Value::Field(_, name) = value {
                if let Some(given) = self.given_for(made, &fields, *name) {
                    union.add(as_constant(self.eval(given), KeyFrom::Constant));
                }
            } else if let Some(maker) = maker {
                let as_method = Placing { is_bound: true, shift: 0 };
                let given = self.passing(&one(value.clone()), made, call, maker, as_method);
                union.add(as_constant(given, KeyFrom::Constant));
            } else {
                union.push(value.clone());
            }
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// What the methods of a class ask for by what its maker gives for the fields that it declares.
    fn wraps_of_fields(&mut self, class: ClassAt) -> Rc<[Wrap]> {
        let none = || Said::Wraps(Rc::new([]));
        let said = self.answer(Query::Fields(class), none(), none(), |it| {
            let mut found = Vec::new();
            let fields = it.fields(class).unwrap_or_default();
            let is_field = |it: &Value| matches!(it, Value::Field(of, _) if fields.classes.contains(of));
            let is_inside = |it: &Self, scope| it.is_in_class(scope, class);
            it.asked_inside(class.with(()), &is_inside, &mut |asked| {
                for it in asked {
                    let by_field = it.values.iter().filter(|it| rests_on(it, &is_field));
                    by_field.for_each(|key| add_wrap(&mut found, &it, key));
                }
            });
            Said::Wraps(found.into())
        });
        match said {
            Said::Wraps(wraps) => wraps,
            Said::Values(_) => Rc::new([]),
        }
    }

    fn wraps_of_all_fields(&mut self, fields: &Fields) -> Vec<Wrap> {
        fields.classes.iter().flat_map(|it| self.wraps_of_fields(*it).to_vec()).collect()
    }

    /// Whether a class asks for what its maker gives for a field.
    pub(super) fn asks_for_fields(&mut self, class: ClassAt) -> bool {
        self.fields(class).is_some_and(|it| !self.wraps_of_all_fields(&it).is_empty())
    }

    /// The reads of a call of a class that asks for what the call gives for a field.
    pub(super) fn asked_for_fields(&mut self, at: At<CallId>, class: ClassAt) -> Vec<Asked> {
        let Some(fields) = self.fields(class) else { return Vec::new() };
        let mut found = Vec::new();
        for wrap in self.wraps_of_all_fields(&fields) {
            let Some(argument) = field_in(&wrap.key).and_then(|it| self.given_for(at, &fields, it)) else {
                continue;
            };
            for key in self.leaves(argument) {
                let values = self.eval(key);
                found.push(Asked {
                    method: wrap.method,
                    via: Via::Wrapper,
                    returns: wrap.returns,
                    certainty: wrap.certainty,
                    key,
                    values: self.filled(&wrap.key, &values, key),
                    by_name: wrap.by_name,
                });
            }
        }
        found
    }
}

/// The field that a key is, or the name of a member that it is. Joined keys wait for more than that.
fn field_in(key: &Value) -> Option<Symbol> {
    match key {
        Value::Field(_, name) => Some(*name),
        Value::Picked(of, name) => field_in(name).or_else(|| field_in(of)),
        Value::Part(of, _) | Value::Rewritten(of, _) => field_in(of),
        _ => None,
    }
}
