//! What a member or an element of something may be.

use super::bindings::{is_nothing, unsettled};
use super::eval::{as_constant, sdk};
use super::value::*;
use super::{Linker, Query};
use crate::syntax::evidence::named_like_flags;
use crate::syntax::ir::{Expr, ExprId, Prop, PropName, Step, Symbol, Type};
use crate::syntax::words::{Call, Needs, Table};
use crate::syntax::{Certainty, KeyFrom, Language, Returns, table};

impl Linker<'_> {
    /// What a member of something may be.
    pub(super) fn member(&mut self, whole: &Values, name: Symbol) -> Values {
        let mut union = Union::default();
        // What is nothing at times is something whenever it is asked for a member.
        let is_something = |it: &Value| !matches!(it, Value::Nothing);
        let is_sometimes = whole.iter().any(is_something);
        for value in whole.iter().filter(|it| !is_sometimes || is_something(it)) {
            union.add(self.member_of(value, name));
        }
        if whole.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// The same of what is not there: nothing.
    pub(super) fn own_member(&mut self, whole: &Values, name: Symbol) -> Values {
        let mut union = Union::default();
        for value in whole.iter() {
            let values = self.member_of(value, name);
            union.add(if values.iter().all(|it| matches!(it, Value::Unknown | Value::Foreign)) {
                none()
            } else {
                values
            });
        }
        union.done()
    }

    fn member_of(&mut self, value: &Value, name: Symbol) -> Values {
        match value {
            Value::Client(certainty) => one(self.of_client(*certainty, name)),
            Value::Snapshot(certainty) => one(self.of_snapshot(*certainty, name)),
            Value::Map(map) => one(of_map(*map, name)),
            Value::Object(at) => self.of_object(*at, name, 0),
            Value::Class(class) => self.of_class(*class, name, None),
            Value::Instance(class) => match &*name {
                "__class__" | "constructor" => one(Value::Class(*class)),
                _ => {
                    let values = self.of_class(*class, name, Some(value));
                    self.or_of_derived(*class, name, values)
                }
            },
            Value::Made(class, call) => self.of_made(*class, *call, name),
            Value::Namespace(file) => self.of_namespace(*file, name),
            Value::Parameter(it) => one(further(it, Step::Property(name))),
            Value::Shape(at) => self.of_shape(*at, name),
            Value::Adapter(returns) => one(super::adapters::of_adapter(*returns, name)),
            Value::OpenFeature(it) => one(self.of_open_feature(*it, name)),
            Value::Dotted(file, module) => self.dotted(*file, *module, name),
            // `Flags.NEW_NAV.value`
            Value::Text(known) if known.from == KeyFrom::Enum && &*name == "value" => one(value.clone()),
            Value::Global if &*name == "posthog" => one(Value::Client(Certainty::Certain)),
            Value::Context(_) if &*name == "Provider" => one(value.clone()),
            Value::Answer => one(super::answers::of_answer(name)),
            Value::State(at) if matches!(&*name, "value" | "current") => self.state(*at),
            Value::Store(_) if matches!(&*name, "getState") => one(value.clone()),
            Value::Options(at) => self.of_options(*at, name),
            Value::Unloaded(_) => one(value.clone()),
            Value::Vendor | Value::Flag => one(value.clone()),
            Value::Picked(..) | Value::Part(..) => match self.free(name) {
                Some(call) => one(call),
                None => one(part(value, Step::Property(name))),
            },
            Value::Unknown | Value::Nothing | Value::Global => match self.free(name) {
                Some(call) => one(call),
                None => one(Value::Unknown),
            },
            _ => one(Value::Foreign),
        }
    }

    /// Lets a name decide that is the SDK's whatever it is called on, where nothing speaks against it.
    pub(super) fn or_free(&self, name: Symbol, values: Values) -> Values {
        match self.free(name).filter(|_| values.iter().all(Value::is_open)) {
            Some(free) => {
                let mut union = Union::default();
                union.add(values);
                union.push(free);
                union.done()
            }
            None => values,
        }
    }

    /// A name that is the SDK's whatever it is called on.
    fn free(&self, name: Symbol) -> Option<Value> {
        let call = in_any_table(|it| it.call(&name))?;
        (call.needs == Needs::Nothing).then(|| sdk(call, Certainty::Certain))
    }

    fn of_client(&self, certainty: Certainty, name: Symbol) -> Value {
        if let Some(call) = in_any_table(|it| it.any(&name)).filter(|it| it.needs != Needs::Snapshot) {
            let certainty = if call.needs == Needs::Nothing { Certainty::Certain } else { certainty };
            return sdk(call, certainty);
        }
        match &*name {
            "evaluateFlags" | "evaluate_flags" => Value::Maker(certainty),
            "featureFlags" | "client" | "instance" | "getClient" | "getInstance" | "default" | "current"
            | "value" | "init" | "default_client" | "get_client" | "Posthog" | "Client" | "PostHog"
            | "posthog" => Value::Client(certainty),
            _ => Value::Unknown,
        }
    }

    fn of_snapshot(&self, certainty: Certainty, name: Symbol) -> Value {
        if let Some(call) = in_any_table(|it| it.call(&name)).filter(|it| it.needs == Needs::Snapshot) {
            return sdk(call, certainty);
        }
        match &*name {
            "only" | "onlyAccessed" | "only_accessed" | "value" | "current" => Value::Snapshot(certainty),
            _ => Value::Foreign,
        }
    }

    /// A property of an object literal or enum.
    fn of_object(&mut self, at: ExprAt, name: Symbol, hops: u32) -> Values {
        let chunk = self.chunk(&at);
        let (run, from) = match chunk.exprs[at.id.at()] {
            Expr::Object(run) => (run, KeyFrom::Constant),
            Expr::Enum(run) => (run, KeyFrom::Enum),
            _ => return one(Value::Unknown),
        };
        // The last one wins; what comes before an unknown spread may be overwritten, and nobody writes that.
        for prop in chunk.props_in(run).iter().rev() {
            let found = match prop.name {
                PropName::Fixed(own) => (own == name).then(|| self.eval(at.with(prop.value))),
                PropName::Computed(own) => {
                    let names = self.eval(at.with(own));
                    let is_named = names.iter().any(|it| matches!(it, Value::Text(it) if it.text == name));
                    is_named.then(|| self.eval(at.with(prop.value)))
                }
                PropName::Spread if hops < 4 => {
                    let spread = self.eval(at.with(prop.value));
                    self.spread_member(&spread, name, hops)
                }
                PropName::Spread => None,
            };
            if let Some(values) = found {
                return self.with_assigned(at, name, as_constant(values, from));
            }
        }
        self.with_assigned(at, name, none())
    }

    /// What a property of an object is, and what is assigned to it elsewhere in its file.
    fn with_assigned(&mut self, at: ExprAt, name: Symbol, own: Values) -> Values {
        let assigned =
            self.assigned_to_member(at.file, name, &|it| matches!(it, Value::Object(of) if *of == at));
        if assigned.is_empty() {
            return if own.is_empty() { one(Value::Foreign) } else { own };
        }
        let (mut union, mut n_definers) =
            (Union::default(), usize::from(!own.is_empty() && !is_nothing(&own)));
        union.add(own);
        for value in assigned {
            let values = as_constant(self.eval(value), KeyFrom::Constant);
            n_definers += usize::from(!is_nothing(&values));
            union.add(values);
        }
        unsettled(union.done(), n_definers)
    }

    fn spread_member(&mut self, spread: &Values, name: Symbol, hops: u32) -> Option<Values> {
        let mut union = Union::default();
        for value in spread.iter() {
            match value {
                Value::Object(at) => union.add(self.of_object(*at, name, hops + 1)),
                Value::Unloaded(_) => union.push(value.clone()),
                Value::Map(map) => union.push(of_map(*map, name)),
                _ => {}
            }
        }
        let values = union.done();
        let known = values.iter().any(|it| !matches!(it, Value::Foreign));
        known.then_some(values)
    }

    fn of_namespace(&mut self, file: FileId, name: Symbol) -> Values {
        let values = self.exported(file, name);
        if !values.is_empty() {
            return values;
        }
        if self.language(file) == Language::Python {
            // `import a.b` and then `a.b.c`
            let values = self.submodule(file, Symbol::from("."), name);
            return if values.is_empty() { one(Value::Unknown) } else { values };
        }
        if &*name == "default" { one(Value::Namespace(file)) } else { one(Value::Unknown) }
    }

    /// A member of a class or of its objects, wherever in its line it is declared.
    pub(super) fn of_class(&mut self, class: ClassAt, name: Symbol, this: Option<&Value>) -> Values {
        let values = self.ask(Query::Member(class, name), |it| it.declared_member(class, name));
        // A class method is bound to its class.
        let own = Value::Class(class);
        let this_of = |function: &FunctionAt| this.or(self.is_class_method(*function).then_some(&own));
        let bind = |it: &Value| match it {
            Value::Function(function, None) => {
                Value::Function(*function, this_of(function).map(|it| it.clone().into()))
            }
            other => other.clone(),
        };
        values.iter().map(bind).collect()
    }

    pub(super) fn is_class_method(&self, function: FunctionAt) -> bool {
        let chunk = self.chunk(&function);
        let decorators = chunk.exprs_in(chunk.functions[function.id.at()].decorators);
        decorators
            .iter()
            .any(|it| matches!(chunk.exprs[it.at()], Expr::Name(name, _) if &*name == "classmethod"))
    }

    fn declared_member(&mut self, class: ClassAt, name: Symbol) -> Values {
        let chunk = self.chunk(&class);
        let it = &chunk.classes[class.id.at()];
        let from = if self.is_enum(class) { KeyFrom::Enum } else { KeyFrom::Constant };
        let mut union = Union::default();
        for member in it.members.iter().filter(|it| it.name == name) {
            if let Some(declared) = member.declared {
                let declared = self.declared_type(class.with(declared));
                if declared.iter().any(|it| !it.is_blank()) {
                    union.add(declared);
                    continue;
                }
            }
            if let Some(value) = member.value {
                let values = match self.is_auto(class, value) {
                    true => {
                        let text = Symbol::from(&name.to_lowercase());
                        one(Value::Text(Known { text, from, at: class.with(value) }.into()))
                    }
                    false => self.eval(class.with(value)),
                };
                union.add(as_constant(self.got(values), from));
            }
            if member.declared.is_some() && self.fields(class).is_some() {
                union.push(Value::Field(class, name));
            }
        }
        if union.is_blank() || union.has(|it| self.is_filled_later(it)) {
            let is_ours =
                |it: &Value| it.class() == Some(class) || matches!(it, Value::Class(of) if *of == class);
            for value in self.assigned_to_member(class.file, name, &is_ours) {
                union.add(as_constant(self.eval(value), KeyFrom::Constant));
            }
        }
        if union.is_empty() {
            union.add(self.inherited(class, name));
        }
        union.done()
    }

    /// `NAME = auto()` in a `StrEnum`, which is the name in small letters.
    fn is_auto(&mut self, class: ClassAt, value: ExprId) -> bool {
        let chunk = self.chunk(&class);
        let Expr::Call(call) = chunk.exprs[value.at()] else { return false };
        let is_auto = chunk.call_names[call.at()].is_some_and(|it| &*it == "auto");
        is_auto && super::edit::bases(chunk, &chunk.classes[class.id.at()]).any(|it| &*it == "StrEnum")
    }

    /// Whether a member begins as something that another takes the place of: `= {}`, `= []`, `: Record<string, T>`, or
    /// a cache, which another may replace that was filled before.
    fn is_filled_later(&self, value: &Value) -> bool {
        match value {
            Value::Cache(_) => true,
            Value::Object(at) | Value::List(at) => {
                matches!(self.chunk(at).exprs[at.id.at()], Expr::Object(run) | Expr::List(run) if run.len == 0)
            }
            Value::Shape(at) => matches!(self.chunk(at).types[at.id.at()], Type::Holding(_)),
            _ => false,
        }
    }

    /// A getter as what it gives.
    fn got(&mut self, values: Values) -> Values {
        let is_getter = |it: &Value| match it {
            Value::Function(function, _) => self.chunk(function).functions[function.id.at()].is_getter,
            _ => false,
        };
        if !values.iter().any(is_getter) {
            return values;
        }
        let mut union = Union::default();
        for value in values.iter() {
            match value {
                Value::Function(function, _) => union.add(self.returned(*function)),
                other => union.push(other.clone()),
            }
        }
        union.done()
    }

    fn inherited(&mut self, class: ClassAt, name: Symbol) -> Values {
        let chunk = self.chunk(&class);
        let mut union = Union::default();
        for base in chunk.exprs_in(chunk.classes[class.id.at()].bases) {
            let base = self.eval(class.with(*base));
            for value in base.iter() {
                union.add(match value {
                    Value::Class(base) => self.of_class(*base, name, None),
                    Value::Unknown | Value::Parameter(_) => one(Value::Unknown),
                    other => self.member_of(other, name),
                });
            }
        }
        // Its objects may be given it by anybody.
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// Whether a class of Python is an enumeration.
    pub(super) fn is_enum(&mut self, class: ClassAt) -> bool {
        let chunk = self.chunk(&class);
        let bases = chunk.exprs_in(chunk.classes[class.id.at()].bases);
        bases.iter().any(|it| {
            let name = match chunk.exprs[it.at()] {
                Expr::Name(name, _) => name,
                Expr::Member(at) => chunk.members[at as usize].name,
                _ => return false,
            };
            name.contains("Enum") || name.ends_with("Choices")
        })
    }

    fn of_shape(&mut self, at: TypeAt, name: Symbol) -> Values {
        self.ask(Query::Shape(at, name), |it| it.declared_in_shape(at, name))
    }

    fn declared_in_shape(&mut self, at: TypeAt, name: Symbol) -> Values {
        match &self.chunk(&at).types[at.id.at()] {
            Type::Object(members) => {
                let extended = Symbol::from("..");
                if let Some((_, it)) = members.iter().find(|it| it.0 == name) {
                    return self.declared_type(at.with(*it));
                }
                let mut union = Union::default();
                for (_, base) in members.iter().filter(|it| it.0 == extended) {
                    let base = self.declared_type(at.with(*base));
                    union.add(self.member(&base, name));
                }
                if union.is_empty() { one(Value::Unknown) } else { union.done() }
            }
            _ => one(Value::Unknown),
        }
    }

    /// An element of a list, or any of them.
    pub(super) fn at_index(&mut self, whole: &Values, index: Option<u32>) -> Values {
        let mut union = Union::default();
        for value in whole.iter() {
            union.add(match value {
                Value::List(at) => self.of_list(*at, index),
                Value::Names(at) => self.names_of(*at),
                Value::Members(at) => self.members_of(*at),
                Value::Entries(at) => match index {
                    Some(0) => self.names_of(*at),
                    Some(1) => self.members_of(*at),
                    _ => one(value.clone()),
                },
                Value::Numbered(of) => match index {
                    Some(0) => one(Value::Foreign),
                    Some(1) => self.at_index(&one((**of).clone()), None),
                    _ => one(value.clone()),
                },
                Value::State(at) if index == Some(0) => self.state(*at),
                Value::Class(class) => self.members_of_class(*class),
                Value::Unloaded(_) => one(value.clone()),
                Value::Parameter(it) => one(further(it, Step::Index(index.unwrap_or(u32::MAX)))),
                Value::Picked(..) | Value::Part(..) => {
                    one(part(value, Step::Index(index.unwrap_or(u32::MAX))))
                }
                _ => one(Value::Unknown),
            });
        }
        union.done()
    }

    fn of_list(&mut self, at: ExprAt, index: Option<u32>) -> Values {
        let chunk = self.chunk(&at);
        let Expr::List(run) = chunk.exprs[at.id.at()] else { return one(Value::Unknown) };
        let all = chunk.exprs_in(run);
        let mut union = Union::default();
        // Behind others that are spread nobody knows where one stands.
        let n_placed = all.iter().position(|it| matches!(chunk.exprs[it.at()], Expr::Element(_)));
        if index.is_some_and(|it| n_placed.is_some_and(|end| it as usize >= end)) {
            return one(Value::Unknown);
        }
        let from = index.map_or(0, |it| it as usize);
        let to = index.map_or(all.len(), |it| (it as usize + 1).min(all.len()));
        for it in all.get(from..to).unwrap_or_default() {
            union.add(self.eval(at.with(*it)));
        }
        as_constant(union.done(), KeyFrom::Constant)
    }

    fn props(&mut self, at: ExprAt) -> &[Prop] {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Object(run) | Expr::Enum(run) => chunk.props_in(run),
            _ => &[],
        }
    }

    /// The names of an object's properties.
    fn names_of(&mut self, at: ExprAt) -> Values {
        let fixed = |it: &Prop| match it.name {
            PropName::Fixed(text) => {
                Value::Text(Known { text, from: KeyFrom::PropertyName, at: at.with(it.value) }.into())
            }
            _ => Value::Unknown,
        };
        let props: Vec<Value> = self.props(at).iter().map(fixed).collect();
        let mut union = Union::default();
        props.into_iter().for_each(|it| union.push(it));
        union.done()
    }

    /// The values of an object's properties.
    fn members_of(&mut self, at: ExprAt) -> Values {
        let values: Vec<_> = self.props(at).iter().map(|it| it.value).collect();
        let from = if matches!(self.chunk(&at).exprs[at.id.at()], Expr::Enum(_)) {
            KeyFrom::Enum
        } else {
            KeyFrom::Constant
        };
        let mut union = Union::default();
        for value in values {
            union.add(as_constant(self.eval(at.with(value)), from));
        }
        union.done()
    }

    fn members_of_class(&mut self, class: ClassAt) -> Values {
        if !self.is_enum(class) {
            return one(Value::Unknown);
        }
        let names: Vec<Symbol> =
            self.chunk(&class).classes[class.id.at()].members.iter().map(|it| it.name).collect();
        let mut union = Union::default();
        for name in names {
            let values = self.of_class(class, name, None);
            values.iter().filter(|it| matches!(it, Value::Text(_))).for_each(|it| union.push(it.clone()));
        }
        union.done()
    }
}

/// Whether a name is one that the SDK of any language has.
pub(super) fn is_of_sdk(name: Symbol) -> bool {
    matches!(&*name, "evaluateFlags" | "evaluate_flags") || in_any_table(|it| it.any(&name)).is_some()
}

/// Longer ways into what a caller passes are those of a function that calls itself.
const MOST_STEPS: usize = 8;

/// What the SDK of any language says of a name: their names differ where their meanings do.
fn in_any_table(find: impl Fn(&'static Table) -> Option<&'static Call>) -> Option<&'static Call> {
    [Language::TypeScript, Language::Python].into_iter().find_map(|it| find(table(it)))
}

/// What `getAllFlagsAndPayloads` gives has a map of each; a member of a map is what a flag is for somebody.
fn of_map(map: Map, name: Symbol) -> Value {
    match (&*name, map.returns) {
        ("featureFlags" | "flags", Returns::Result) => Value::Map(Map { returns: Returns::Variant, ..map }),
        ("featureFlagPayloads" | "payloads", Returns::Result) => {
            Value::Map(Map { returns: Returns::Payload, ..map })
        }
        // The part of a store that is called `flags` may hold the map, and more.
        _ if map.by_name && named_like_flags(&name) => Value::Map(map),
        _ => Value::Flag,
    }
}

/// A part of what is not known before somebody says what callers pass.
fn part(of: &Value, step: Step) -> Value {
    let mut n_steps = 1;
    let mut at = of;
    while let Value::Part(inner, _) = at {
        (at, n_steps) = (inner, n_steps + 1);
    }
    match n_steps > MOST_STEPS {
        true => Value::Unknown,
        false => Value::Part(of.clone().into(), step),
    }
}

/// A part of what a caller passes.
fn further(passed: &Parameter, step: Step) -> Value {
    if passed.path.len() >= MOST_STEPS {
        return Value::Unknown;
    }
    let path = passed.path.iter().copied().chain([step]).collect();
    Value::Parameter(Parameter { path, ..*passed }.into())
}
