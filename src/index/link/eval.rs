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
            Expr::Name(name, scope) => {
                let values = self.name(name, at.with(scope));
                self.in_order(at, name, scope, values)
            }
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
            Expr::This(scope) if self.is_super(at) => self.base(at.with(scope)),
            Expr::This(scope) => self.this(at.with(scope)),
            Expr::Module(module) => self.loaded(at.file, module),
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
                let object = at.with(it.object);
                let whole = self.eval(object);
                let mut values = self.member(&whole, it.name);
                if let [Value::Class(class)] = &*whole
                    && self.is_own_class(object)
                {
                    values = self.or_of_derived(*class, it.name, values);
                }
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
        let (mut union, mut n_definers) = (Union::default(), 0);
        for binding in found {
            let values = self.binding(binding);
            n_definers += usize::from(!super::bindings::is_nothing(&values));
            union.add(values);
        }
        let values = super::bindings::settled(union.done(), n_definers);
        self.or_named(from.file, name, values)
    }

    fn undeclared(&mut self, name: Symbol, from: At<ScopeId>) -> Values {
        let left_out = self.left_out(from.file, name);
        if !left_out.is_empty() {
            return left_out;
        }
        if matches!(name.as_str(), "window" | "globalThis" | "global" | "self") {
            return one(Value::Global);
        }
        match self.table(&from).any(&name).filter(|it| it.needs == Needs::Nothing) {
            Some(call) => one(sdk(call, Certainty::Certain)),
            None => {
                let starred = self.by_star(from.file, name);
                self.or_named(from.file, name, starred)
            }
        }
    }

    /// What a name means that a module of Python has from a star.
    fn by_star(&mut self, file: FileId, name: Symbol) -> Values {
        if self.language(file) != Language::Python {
            return one(Value::Unknown);
        }
        let values = self.exported(file, name);
        if values.is_empty() { one(Value::Unknown) } else { values }
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
        } else if named_like_flags(&name) && name.bytes().any(|it| it.is_ascii_lowercase()) {
            // In capitals it is a table of constants.
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

    /// The object that `super` means: of what the class round it is derived from.
    pub(super) fn base(&mut self, from: At<ScopeId>) -> Values {
        let mut union = Union::default();
        for value in self.this(from).iter() {
            let Value::Instance(class) = value else { continue };
            let chunk = self.chunk(class);
            for base in chunk.exprs_in(chunk.classes[class.id.at()].bases) {
                let base = self.eval(class.with(*base));
                let object = |it: &Value| match it {
                    Value::Class(base) => Value::Instance(*base),
                    other => other.clone(),
                };
                union.add(base.iter().map(object).collect());
            }
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// Whether an expression is `super`.
    pub(super) fn is_super(&self, at: ExprAt) -> bool {
        matches!(self.chunk(&at).exprs[at.id.at()], Expr::This(_)) && self.written(at) == "super"
    }

    fn joined(&mut self, at: ExprAt, parts: &[crate::syntax::ir::ExprId]) -> Values {
        let parts: Vec<Values> = parts.iter().map(|it| self.eval(at.with(*it))).collect();
        join_any(at, &parts)
    }

    /// An index into something by what an expression says.
    fn indexed(&mut self, object: ExprAt, index: ExprAt) -> Values {
        let whole = self.eval(object);
        if let Some(index) = self.number(index)
            && whole.iter().any(|it| matches!(it, Value::List(_)))
        {
            return self.at_index(&whole, Some(index));
        }
        let names = self.eval(index);
        self.pick(&whole, &names)
    }

    /// A number that is written out.
    fn number(&self, at: ExprAt) -> Option<u32> {
        let is_plain = matches!(self.chunk(&at).exprs[at.id.at()], Expr::Plain);
        self.written(at).parse().ok().filter(|_| is_plain)
    }

    /// The text of an expression.
    fn written(&self, at: ExprAt) -> &'p str {
        let module = self.program.module(at.file);
        let bytes = module.span(at.chunk, &self.chunk(&at).spans[at.id.at()]).bytes();
        module.text.as_str().get(bytes).unwrap_or_default()
    }

    /// The members of these names.
    pub(super) fn pick(&mut self, whole: &Values, names: &Values) -> Values {
        // What comes out of a cache is what is put in; what is put back must not decide it. Of a name alone the file
        // decides that has it.
        let is_unread = whole.iter().any(|it| it.unloaded().is_some());
        let is_map = whole.iter().any(|it| match it {
            Value::Map(map) => !(map.by_name && is_unread),
            Value::Cache(cache) => self.cached(*cache).is_some(),
            _ => false,
        });
        let mut union = Union::default();
        for name in names.iter() {
            match name {
                Value::Text(known) => union.add(self.member(whole, known.text)),
                _ if is_map => union.push(Value::Flag),
                _ if name.waits() => {
                    for object in whole.iter() {
                        match object {
                            Value::Object(_) | Value::Class(_) | Value::Picked(..) | Value::Part(..) => {
                                let of = Rc::new(object.clone());
                                union.push(Value::Picked(of, Rc::new(name.clone())));
                            }
                            // Only the file that it is from says what it is.
                            Value::Unloaded(_) => union.push(object.clone()),
                            _ => union.push(Value::Unknown),
                        }
                    }
                }
                Value::Unloaded(_) => union.push(name.clone()),
                // A number, or what nobody knows: of a list any element.
                Value::Foreign => union.add(self.at_index(whole, None)),
                _ => union.push(Value::Unknown),
            }
        }
        union.done()
    }
}

pub(super) fn as_names(value: &Value) -> Value {
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
    let inner = |it: Value| match it {
        Value::Joined(parts) => parts.to_vec(),
        other => vec![other],
    };
    let parts: Vec<Value> = parts.into_iter().flat_map(inner).collect();
    let mut text = String::new();
    for part in &parts {
        match part {
            Value::Text(known) => text.push_str(&known.text),
            _ => return Value::Joined(parts.into()),
        }
    }
    Value::Text(Rc::new(Known { text: Symbol::from(&text), from: KeyFrom::Template, at }))
}

/// Strings joined, one of whose parts may be any of several. With two such parts nobody knows which go together.
pub(super) fn join_any(at: ExprAt, parts: &[Values]) -> Values {
    let varies = |it: &Values| it.len() > 1 && it.iter().all(|it| matches!(it, Value::Text(_)));
    let mut varying = parts.iter().enumerate().filter(|it| varies(it.1));
    let mut joined: Vec<Value> = parts.iter().map(single).collect();
    let (Some((place, values)), None) = (varying.next(), varying.next()) else {
        return one(join(at, joined));
    };
    let mut union = Union::default();
    for value in values.iter() {
        joined[place] = value.clone();
        union.push(join(at, joined.clone()));
    }
    union.done()
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

fn unloaded(value: &Value) -> Option<Value> {
    match value {
        Value::Unloaded(_) => Some(value.clone()),
        Value::Joined(parts) => parts.iter().find_map(unloaded),
        _ => None,
    }
}

/// What a part of a joined string is: one thing, or nobody knows. What is said of a parameter besides is its type.
pub(super) fn single(values: &Values) -> Value {
    // What is in a file that was not read is asked for again.
    if let Some(unloaded) = values.iter().find_map(unloaded) {
        return unloaded;
    }
    let is_passed = values.iter().any(|it| matches!(it, Value::Parameter(_)));
    let says_nothing = |it: &Value| matches!(it, Value::Nothing) || is_passed && it.is_blank();
    let mut known = values.iter().filter(|it| !says_nothing(it));
    match (known.next(), known.next()) {
        (Some(only), None) => only.clone(),
        _ => Value::Unknown,
    }
}
