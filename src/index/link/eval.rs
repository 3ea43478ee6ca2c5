//! What an expression may be.

use std::rc::Rc;

use super::value::*;
use super::{Linker, Query};
use crate::syntax::KeyFrom;
use crate::syntax::evidence::{named_like_client, named_like_flags, short_for_client};
use crate::syntax::ir::{Chunk, Expr, ScopeId, Symbol};
use crate::syntax::words::{Call as SdkCall, Needs, Table};
use crate::syntax::{Certainty, Language, Returns, Via, table};

/// What a map of flags is taken to come from of which only the name is known.
const NAMED_MAP: &str = "getAllFlags";

impl<'p> Linker<'p> {
    pub(super) fn chunk<T>(&self, at: &At<T>) -> &'p Chunk {
        self.program.chunk(at)
    }

    pub(super) fn table<T>(&self, at: &At<T>) -> &'static Table {
        table(self.program.module(at.file).language)
    }

    /// What an expression may be.
    pub(super) fn eval(&mut self, at: ExprAt) -> Values {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Text(text) => one(Value::Text(Rc::new(Known { text, from: KeyFrom::Literal, at }))),
            Expr::Name(name, scope) => self.name(name, at.with(scope)),
            Expr::Member(_) | Expr::Call(_) | Expr::Index(..) | Expr::Template(_) | Expr::Element(_) => {
                self.ask(Query::Expr(at), |it| it.composite(at))
            }
            Expr::Function(function) => one(Value::Function(at.with(function), None)),
            Expr::Class(class) => one(Value::Class(at.with(class))),
            Expr::Object(_) | Expr::Enum(_) => one(Value::Object(at)),
            Expr::List(_) => one(Value::List(at)),
            Expr::Either(run) => {
                let mut union = Union::default();
                chunk.exprs_in(run).iter().for_each(|it| union.add(self.eval(at.with(*it))));
                union.done()
            }
            Expr::This(scope) => self.this(at.with(scope)),
            Expr::Module(module) => self.import(at.file, module, Symbol::from("*")),
            Expr::Nothing => one(Value::Nothing),
            Expr::Plain | Expr::In(..) => one(Value::Foreign),
            Expr::Opaque => one(Value::Unknown),
        }
    }

    fn composite(&mut self, at: ExprAt) -> Values {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Member(member) => {
                let it = &chunk.members[member as usize];
                let whole = self.eval(at.with(it.object));
                let values = self.member(&whole, it.name);
                let values = self.or_free(it.name, values);
                self.or_named(at.file, it.name, values)
            }
            Expr::Index(object, index) => self.indexed(at.with(object), at.with(index)),
            Expr::Call(call) => self.called(at.with(call)),
            Expr::Template(run) => self.joined(at, chunk.exprs_in(run)),
            Expr::Element(list) => {
                let list = self.eval(at.with(list));
                match self.language(at.file) {
                    // Who goes over a dictionary gets its names.
                    Language::Python => self.at_index(&list.iter().map(as_names).collect(), None),
                    _ => self.at_index(&list, None),
                }
            }
            _ => one(Value::Unknown),
        }
    }

    /// What a name means in a scope.
    pub(super) fn name(&mut self, name: Symbol, from: At<ScopeId>) -> Values {
        if self.program.file(from.file).names.is_client(&name) {
            return one(Value::Client(Certainty::Certain));
        }
        let found = self.program.lookup(name, from);
        if found.is_empty() {
            return self.undeclared(name, from);
        }
        let (mut union, n_definers) = (Union::default(), found.len());
        for binding in found {
            union.add(self.binding(binding));
        }
        let values = super::bindings::settled(union.done(), n_definers);
        self.or_named(from.file, name, values)
    }

    fn undeclared(&mut self, name: Symbol, from: At<ScopeId>) -> Values {
        if matches!(name.as_str(), "window" | "globalThis" | "global" | "self") {
            return one(Value::Global);
        }
        match self.table(&from).any(&name).filter(|it| it.needs == Needs::Nothing) {
            Some(call) => one(sdk(call, Certainty::Certain)),
            None => self.or_named(from.file, name, one(Value::Unknown)),
        }
    }

    /// Lets a name decide where nothing else does.
    pub(super) fn or_named(&mut self, file: FileId, name: Symbol, values: Values) -> Values {
        let file = self.program.file(file);
        if file.names.is_client(&name) {
            return one(Value::Client(Certainty::Certain));
        }
        if !values.iter().all(Value::is_open) {
            return values;
        }
        let named = if is_named_like_client(&name, || file.speaks_of_posthog()) {
            Value::Client(Certainty::Inferred)
        } else if named_like_flags(&name) {
            Value::Map(named_map())
        } else {
            return values;
        };
        let mut union = Union::default();
        union.add(values);
        union.push(named);
        union.done()
    }

    /// The object that `this` means: of the class round it.
    fn this(&mut self, from: At<ScopeId>) -> Values {
        use crate::syntax::ir::ScopeKind;
        let mut at = Some(from);
        while let Some(scope) = at {
            if let ScopeKind::Class(class) = self.chunk(&scope).scopes[scope.id.at()].kind {
                return one(Value::Instance(scope.with(class)));
            }
            at = self.program.outward(scope);
        }
        one(Value::Unknown)
    }

    fn joined(&mut self, at: ExprAt, parts: &[crate::syntax::ir::ExprId]) -> Values {
        let mut joined = Vec::with_capacity(parts.len());
        for part in parts {
            let values = self.eval(at.with(*part));
            joined.push(single(&values));
        }
        one(join(at, joined))
    }

    /// An index into something by what an expression says.
    fn indexed(&mut self, object: ExprAt, index: ExprAt) -> Values {
        let whole = self.eval(object);
        let names = self.eval(index);
        self.pick(&whole, &names)
    }

    /// The members of these names.
    pub(super) fn pick(&mut self, whole: &Values, names: &Values) -> Values {
        // What comes out of a cache is what is put in; what is put back must not decide it.
        let is_map = whole.iter().any(|it| match it {
            Value::Map(_) => true,
            Value::Cache(cache) => self.cached(*cache).is_some(),
            _ => false,
        });
        let mut union = Union::default();
        for name in names.iter() {
            match name {
                Value::Text(known) => union.add(self.member(whole, known.text)),
                _ if is_map => union.push(Value::Flag),
                Value::Parameter(_) => {
                    for object in whole.iter() {
                        match object {
                            Value::Object(at) => union.push(Value::Picked(*at, Rc::new(name.clone()))),
                            _ => union.push(Value::Unknown),
                        }
                    }
                }
                // A number, or what nobody knows: of a list any element.
                Value::Foreign => union.add(self.at_index(whole, None)),
                _ => union.push(Value::Unknown),
            }
        }
        union.done()
    }
}

fn as_names(value: &Value) -> Value {
    match value {
        Value::Object(at) => Value::Names(*at),
        other => other.clone(),
    }
}

/// Whether a name is plainly that of a client.
fn is_named_like_client(name: &str, speaks_of_posthog: impl FnOnce() -> bool) -> bool {
    named_like_client(name) || short_for_client(name) && speaks_of_posthog()
}

/// A function of the SDK as a value.
pub(super) fn sdk(call: &'static SdkCall, certainty: Certainty) -> Value {
    Value::Sdk(Sdk {
        name: call.name,
        via: call.via,
        returns: call.returns,
        certainty,
        is_map: call.is_map,
        by_name: false,
    })
}

/// Strings joined into one where all are known; what cannot be told stays a part.
pub(super) fn join(at: ExprAt, parts: Vec<Value>) -> Value {
    let mut text = String::new();
    for part in &parts {
        match part {
            Value::Text(known) => text.push_str(&known.text),
            _ => return Value::Joined(parts.into()),
        }
    }
    Value::Text(Rc::new(Known { text: Symbol::from(&text), from: KeyFrom::Template, at }))
}

/// Values as a name or member gives them: a string that was written elsewhere is a constant here.
pub(super) fn as_constant(values: Values, from: KeyFrom) -> Values {
    let literal = |it: &Value| matches!(it, Value::Text(known) if matches!(known.from, KeyFrom::Literal | KeyFrom::Template));
    if !values.iter().any(literal) {
        return values;
    }
    let constant = |it: &Value| match it {
        Value::Text(known) if literal(it) => Value::Text(Rc::new(Known { from, ..(**known).clone() })),
        other => other.clone(),
    };
    values.iter().map(constant).collect()
}

/// A map of flags that nobody saw coming from the SDK: what it is asked for must be plainly a key.
pub(super) fn named_map() -> Map {
    Map {
        method: NAMED_MAP,
        via: Via::Map,
        returns: Returns::Variant,
        certainty: Certainty::Inferred,
        by_name: true,
    }
}

/// What a part of a joined string is: one thing, or nobody knows.
pub(super) fn single(values: &Values) -> Value {
    let mut known = values.iter().filter(|it| !it.is_blank());
    match (known.next(), known.next()) {
        (Some(only), None) => only.clone(),
        _ => Value::Unknown,
    }
}
