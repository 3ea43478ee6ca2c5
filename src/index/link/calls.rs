//! What a call gives, what a function returns, and what callers pass.

use std::rc::Rc;

use super::edit::PROVIDING;
use super::eval::as_constant;
use super::rewrite::rewrite;
use super::sites::{named, positional};
use super::value::*;
use super::{Linker, Query};
use crate::syntax::ir::{Arg, Call, CallId, CallKind, Expr, ExprId, Origin, PropName, Step, Symbol};
use crate::syntax::{KeyFrom, Language, Via};

/// More callers say nothing that the first do not.
const MOST_CALLERS: usize = 48;

/// Functions that give what they are given, as far as flags are concerned.
const SEE_THROUGH: &[&str] = &[
    "useRef",
    "ref",
    "shallowRef",
    "unref",
    "toRaw",
    "markRaw",
    "readonly",
    "reactive",
    "useCallback",
    "memo",
    "forwardRef",
    "observer",
    "cache",
    "once",
    "unstable_cache",
    "debounce",
    "throttle",
    "asyncHandler",
    "set",
    "frozenset",
    "list",
    "tuple",
    "sorted",
    "Set",
    "String",
    "str",
    "bool",
    "Boolean",
    "wraps",
    "staticmethod",
    "lru_cache",
    "structuredClone",
    "withTracking",
    "memoize",
    "memoizeOne",
    "useEvent",
    "useEffectEvent",
    "useMemoizedFn",
    "sync_to_async",
    "database_sync_to_async",
    "async_to_sync",
    "json",
    "defer",
];

impl Linker<'_> {
    /// What a call gives.
    pub(super) fn called(&mut self, at: At<CallId>) -> Values {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        if call.kind == CallKind::Element {
            return one(Value::Foreign);
        }
        let name = chunk.call_names[at.id.at()];
        if let Some(name) = name
            && let Some(values) = self.by_method(at, call, name)
        {
            return values;
        }
        if call.kind == CallKind::New && name.is_some_and(|it| matches!(&*it, "Map" | "WeakMap")) {
            return one(Value::Cache(at.with(call.expr)));
        }
        if call.kind == CallKind::New && name.is_some_and(|it| it == "Proxy") {
            return self.proxied(at, call);
        }
        let callee = self.callee(at);
        let mut union = Union::default();
        for value in callee.iter() {
            union.add(self.result(at, call, value));
        }
        if union.is_blank()
            && let Some(values) = match name.and_then(|it| self.by_name(at, call, &it)) {
                Some(values) => Some(values),
                None => self.store(at, call),
            }
        {
            if self.is_built_in(at.with(call.callee)) {
                return values;
            }
            union.add(values);
        }
        // What fetches may be an option that nobody sets.
        if !union.has(|it| !it.is_blank() && !matches!(it, Value::Foreign))
            && let Some(value) = self.fetched(at, call)
        {
            union.push(value);
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// Whether an expression is a name that the program does not declare.
    fn is_built_in(&self, at: ExprAt) -> bool {
        match self.chunk(&at).exprs[at.id.at()] {
            Expr::Name(name, scope) => self.program.lookup(name, at.with(scope)).is_empty(),
            _ => false,
        }
    }

    /// What a call calls. A method of the SDK on what callers pass is looked for at theirs, and an object of a
    /// class is called by a method of its own.
    pub(super) fn callee(&mut self, at: At<CallId>) -> Values {
        let callee = self.chunk(&at).calls[at.id.at()].callee;
        let values = self.eval(at.with(callee));
        let is_of_sdk = |it: &Value| match it {
            Value::Parameter(it) => {
                matches!(it.path.last(), Some(Step::Property(name)) if super::members::is_of_sdk(*name))
            }
            _ => false,
        };
        let is_object = |it: &Value| it.class().is_some();
        let is_super = self.is_super(at.with(callee));
        if !values.iter().any(|it| is_of_sdk(it) || is_object(it)) {
            return values;
        }
        let mut union = Union::default();
        for value in values.iter() {
            match value {
                Value::Parameter(passed) if is_of_sdk(value) => union.add(self.passed(passed)),
                // `super(key)` makes the object that it is called for.
                Value::Instance(class) if is_super => union.push(Value::Class(*class)),
                Value::Instance(class) | Value::Made(class, _) => {
                    let object = Value::Instance(*class);
                    union.add(self.of_class(*class, Symbol::from("__call__"), Some(&object)));
                }
                other => union.push(other.clone()),
            }
        }
        union.done()
    }

    fn result(&mut self, at: At<CallId>, call: &Call, callee: &Value) -> Values {
        match callee {
            Value::Client(_) | Value::Snapshot(_) | Value::Unloaded(_) | Value::Vendor => one(callee.clone()),
            Value::OpenFeature(it) => one(self.given_by_open_feature(at, call, *it)),
            Value::Store(store) => self.of_store(at, call, *store),
            Value::Options(_) | Value::Adapter(_) => one(callee.clone()),
            Value::Answer => one(Value::Answer),
            Value::Maker(certainty) => one(Value::Snapshot(*certainty)),
            Value::Sdk(it) if it.is_map && it.via != Via::Callback => {
                let Sdk { name: method, via, returns, certainty, .. } = *it;
                one(Value::Map(Map { method, via, returns, certainty, by_name: false }))
            }
            Value::Sdk(_) => one(Value::Flag),
            Value::Class(class) => one(Value::Made(*class, at)),
            Value::Function(function, this) => {
                let returned = self.returned(*function);
                let given = self.passing(&returned, at, call, *function, Placing::of(this));
                self.or_overridden(given, *function, this.as_deref())
            }
            Value::Partial(function, placing) => {
                let returned = self.returned(*function);
                self.passing(&returned, at, call, *function, *placing)
            }
            Value::Shape(shape) => match self.chunk(shape).types[shape.id.at()] {
                crate::syntax::ir::Type::Function(result) => self.declared_type(shape.with(result)),
                _ => one(Value::Unknown),
            },
            Value::Parameter(_) => one(Value::Unknown),
            Value::Foreign => one(Value::Foreign),
            _ => one(Value::Unknown),
        }
    }

    /// Methods that mean the same on whatever they are called.
    fn by_method(&mut self, at: At<CallId>, call: &Call, name: Symbol) -> Option<Values> {
        let chunk = self.chunk(&at);
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return None };
        let object = at.with(chunk.members[member as usize].object);
        let argument = chunk.args_in(call.args).first().filter(|it| !it.spread).map(|it| at.with(it.value));
        let is = |known: &str| matches!(chunk.exprs[object.id.at()], Expr::Name(name, _) if &*name == known);
        match (&*name, argument) {
            ("get", Some(key)) => self.got_from(object, key),
            ("then", Some(callback)) => Some(self.applied(callback)),
            ("catch" | "finally", _) => Some(self.eval(object)),
            ("bind", _) => Some(self.partly(object, call, 1, at)),
            ("all" | "allSettled", Some(list)) if is("Promise") => Some(self.eval(list)),
            ("keys", Some(of)) if is("Object") => self.collection(of, Value::Names),
            ("values", Some(of)) if is("Object") => self.collection(of, Value::Members),
            ("entries", Some(of)) if is("Object") => self.collection(of, Value::Entries),
            ("freeze" | "seal" | "assign" | "fromEntries", Some(of)) if is("Object") => Some(self.eval(of)),
            ("get_or_set", Some(_)) => Some(self.got_or_set(at, call)),
            ("parse", Some(text)) if is("JSON") => {
                let text = self.eval(text);
                text.contains(&Value::Answer).then_some(text)
            }
            ("from", Some(of)) if is("Array") => Some(self.eval(of)),
            ("keys", None) => self.collection(object, Value::Names),
            ("values", None) => self.collection(object, Value::Members),
            ("items" | "entries", None) => {
                let numbered = |it: &Value| match it {
                    Value::List(_) => Some(Value::Numbered(it.clone().into())),
                    _ => None,
                };
                let lists: Values = self.eval(object).iter().filter_map(numbered).collect();
                if lists.is_empty() { self.collection(object, Value::Entries) } else { Some(lists) }
            }
            ("filter" | "slice" | "sort" | "toSorted" | "reverse" | "concat", _) => {
                let values = self.eval(object);
                let is_list = |it: &Value| {
                    matches!(it, Value::List(_) | Value::Names(_) | Value::Members(_) | Value::Entries(_))
                };
                values.iter().any(is_list).then_some(values)
            }
            ("createContext", _) if is("React") => Some(one(Value::Context(at.with(call.expr)))),
            ("useContext", Some(context)) if is("React") => Some(self.of_context(context)),
            _ => self.rewritten(at, call, &name),
        }
    }

    /// `cache.get_or_set("flags", lambda: fetch(), 60)`
    fn got_or_set(&mut self, at: At<CallId>, call: &Call) -> Values {
        let args = self.chunk(&at).args_in(call.args);
        match named(args, "default").or_else(|| positional(args, 1)) {
            Some(default) => self.applied(at.with(default)),
            None => one(Value::Unknown),
        }
    }

    /// `decision.get("flags")`, `cache.get(key)`.
    fn got_from(&mut self, object: ExprAt, key: ExprAt) -> Option<Values> {
        let whole = self.eval(object);
        if !whole.iter().any(|it| {
            matches!(
                it,
                Value::Map(_)
                    | Value::Object(_)
                    | Value::Cache(_)
                    | Value::Answer
                    | Value::Picked(..)
                    | Value::Part(..)
            )
        }) {
            return None;
        }
        let names = self.eval(key);
        Some(self.pick(&whole, &names))
    }

    /// The map of flags that a `Map` is, when what is put into it are flags.
    pub(super) fn cached(&mut self, cache: ExprAt) -> Option<Map> {
        let values = self.ask(Query::Cached(cache), |it| {
            let mut union = Union::default();
            for value in it.put_into(cache) {
                union.add(it.eval(value));
            }
            union.done()
        });
        values.contains(&Value::Flag).then_some(super::eval::named_map())
    }

    fn put_into(&mut self, cache: ExprAt) -> Vec<ExprAt> {
        let mut found = Vec::new();
        for at in self.program.calls_of(cache.file, Symbol::from("set")) {
            let it = self.chunk(&at);
            let call = &it.calls[at.id.at()];
            let (Expr::Member(member), Some(value)) =
                (it.exprs[call.callee.at()], it.args_in(call.args).get(1))
            else {
                continue;
            };
            let object = self.eval(at.with(it.members[member as usize].object));
            if object.contains(&Value::Cache(cache)) {
                found.push(at.with(value.value));
            }
        }
        found.truncate(MOST_CALLERS);
        found
    }

    /// The map of flags that an object becomes which is filled element by element: `on[key] = isOn(key)`.
    pub(super) fn filled_map(&mut self, object: ExprAt) -> Option<Map> {
        let values = self.ask(Query::Cached(object), |it| {
            let mut union = Union::default();
            for value in it.put_into_object(object) {
                union.add(it.eval(value));
            }
            union.done()
        });
        values.contains(&Value::Flag).then_some(super::eval::named_map())
    }

    fn put_into_object(&mut self, object: ExprAt) -> Vec<ExprAt> {
        let mut found = Vec::new();
        for (filled, value) in self.program.filled(object.file) {
            if self.eval(filled).contains(&Value::Object(object)) {
                found.push(filled.with(value));
            }
        }
        found.truncate(MOST_CALLERS);
        found
    }

    fn collection(&mut self, of: ExprAt, make: fn(ExprAt) -> Value) -> Option<Values> {
        let mut union = Union::default();
        for value in self.eval(of).iter() {
            match value {
                Value::Object(at) => union.push(make(*at)),
                Value::Class(_) | Value::Unloaded(_) => union.push(value.clone()),
                _ => {}
            }
        }
        (!union.is_empty()).then(|| union.done())
    }

    /// Functions of frameworks that are known by their names alone.
    fn by_name(&mut self, at: At<CallId>, call: &Call, name: &str) -> Option<Values> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(call.args);
        let first = args.first().filter(|it| !it.spread).map(|it| at.with(it.value));
        match (name, first) {
            ("createContext", _) => Some(one(Value::Context(at.with(call.expr)))),
            ("useContext" | "use" | "inject", Some(context)) => Some(self.of_context(context)),
            ("enumerate", Some(of)) if self.language(at.file) == Language::Python => {
                let of = self.eval(of);
                let numbered = |it: &Value| Value::Numbered(super::eval::as_names(it).into());
                Some(of.iter().map(numbered).collect())
            }
            ("type", Some(of)) if self.language(at.file) == Language::Python && args.len() == 1 => {
                let classes: Values =
                    self.eval(of).iter().filter_map(|it| Some(Value::Class(it.class()?))).collect();
                (!classes.is_empty()).then_some(classes)
            }
            ("getattr", Some(of)) if self.language(at.file) == Language::Python => {
                let of = self.eval(of);
                let has_members =
                    |it: &Value| matches!(it, Value::Class(_) | Value::Object(_) | Value::Unloaded(_));
                let name = positional(args, 1).filter(|_| of.iter().all(has_members))?;
                let names = self.eval(at.with(name));
                Some(self.pick(&of, &names))
            }
            ("super", _) if self.language(at.file) == Language::Python => {
                Some(self.base(at.with(call.scope)))
            }
            ("useLoaderData", _) => self.loaded_for_page(at.file),
            ("useState", _) => Some(one(Value::State(at.with(call.expr)))),
            ("useMemo" | "computed" | "lazy" | "useAsync", Some(of)) => Some(self.applied(of)),
            ("partial", Some(of)) => Some(self.partly(of, call, 1, at)),
            ("useRef" | "ref" | "shallowRef", first) if self.is_filled(at.with(call.expr)) => {
                let values = first.map(|it| self.eval(it)).unwrap_or_else(none);
                let holds = values.iter().any(Value::is_evidence);
                Some(if holds { values } else { one(Value::State(at.with(call.expr))) })
            }
            (name, Some(of)) if SEE_THROUGH.contains(&name) => {
                let values = self.eval(of);
                let known = values.iter().any(|it| !it.is_blank() && !matches!(it, Value::Foreign));
                known.then_some(values)
            }
            _ => None,
        }
    }

    /// A function that the arguments after the first `n_before` are passed to already.
    fn partly(&mut self, function: ExprAt, call: &Call, n_before: usize, at: At<CallId>) -> Values {
        let args = self.chunk(&at).args_in(call.args);
        let values = self.eval(function);
        if args.iter().any(|it| it.spread) {
            return one(Value::Unknown);
        }
        let given = args.iter().filter(|it| it.name.is_none()).count().saturating_sub(n_before) as i32;
        let partly = |it: &Value| match it {
            Value::Function(function, this) if given > 0 => {
                let placing = Placing::of(this);
                Value::Partial(*function, Placing { shift: placing.shift + given, ..placing })
            }
            other => other.clone(),
        };
        values.iter().map(partly).collect()
    }

    /// What a function gives that somebody calls for us.
    pub(super) fn applied(&mut self, callback: ExprAt) -> Values {
        let mut union = Union::default();
        for value in self.eval(callback).iter() {
            match value {
                Value::Function(function, _) => union.add(self.returned(*function)),
                Value::Client(_) | Value::Snapshot(_) => union.push(value.clone()),
                _ => {}
            }
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    /// What a function returns, as far as what callers pass leaves it open.
    pub(super) fn returned(&mut self, function: FunctionAt) -> Values {
        self.ask(Query::Returns(function), |it| it.returned_anew(function))
    }

    fn returned_anew(&mut self, at: FunctionAt) -> Values {
        let chunk = self.chunk(&at);
        let function = &chunk.functions[at.id.at()];
        let declared = function.declared.map(|it| self.declared_type(at.with(it))).unwrap_or_else(none);
        if declared.iter().any(|it| it.is_evidence() || matches!(it, Value::Vendor)) {
            return declared;
        }
        let mut union = Union::default();
        match function.nested {
            None => chunk.exprs_in(function.returns).iter().for_each(|it| union.add(self.eval(at.with(*it)))),
            Some(nested) => {
                let body = self.program.module(at.file).chunks[at.chunk as usize].nested[nested as usize];
                let body: At<()> = At { file: at.file, chunk: body, id: () };
                for it in &self.chunk(&body).returns {
                    union.add(self.eval(body.with(*it)));
                }
            }
        }
        if union.is_blank() {
            union.add(declared);
        }
        if union.is_empty() { one(Value::Unknown) } else { as_constant(union.done(), KeyFrom::Constant) }
    }

    /// Values that depend on the parameters of a function, for one call of it.
    pub(super) fn passing(
        &mut self,
        values: &Values,
        at: At<CallId>,
        call: &Call,
        function: FunctionAt,
        placing: Placing,
    ) -> Values {
        if !values.iter().any(|it| depends_on(it, function)) {
            return values.clone();
        }
        let mut union = Union::default();
        for value in values.iter() {
            union.add(self.passing_one(value, at, call, function, placing));
        }
        union.done()
    }

    fn passing_one(
        &mut self,
        value: &Value,
        at: At<CallId>,
        call: &Call,
        function: FunctionAt,
        placing: Placing,
    ) -> Values {
        match value {
            Value::Parameter(it) if it.function == function => {
                match self.argument(at, call, function, placing, it.index, &it.path) {
                    Some((arg, rest)) => {
                        let values = self.eval(arg);
                        self.walk(values, &rest)
                    }
                    None => none(),
                }
            }
            Value::Picked(of, name) if depends_on(value, function) => {
                let of = self.passing_one(of, at, call, function, placing);
                let names = self.passing_one(name, at, call, function, placing);
                self.pick(&of, &names)
            }
            Value::Part(of, step) if depends_on(of, function) => {
                let of = self.passing_one(of, at, call, function, placing);
                self.step(&of, *step)
            }
            Value::Joined(parts) if parts.iter().any(|it| depends_on(it, function)) => {
                let pass = |it: &Value| self.passing_one(it, at, call, function, placing);
                let parts: Vec<Values> = parts.iter().map(pass).collect();
                super::eval::join_any(at.with(call.expr), &parts)
            }
            Value::Rewritten(of, how) if depends_on(of, function) => {
                let of = self.passing_one(of, at, call, function, placing);
                of.iter().map(|it| rewrite(it, *how, at.with(call.expr))).collect()
            }
            other => one(other.clone()),
        }
    }

    /// The expression that a call passes for a parameter, or for the part of it that a path leads to, and what is
    /// left of the path where that expression is not written out.
    pub(super) fn argument(
        &mut self,
        at: At<CallId>,
        call: &Call,
        function: FunctionAt,
        placing: Placing,
        index: u32,
        path: &[Step],
    ) -> Option<(ExprAt, Vec<Step>)> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(call.args);
        if call.kind == CallKind::Element {
            let (Step::Property(name), rest) = path.split_first().filter(|_| index == 0)? else {
                return None;
            };
            let arg = args.iter().rev().find(|it| it.name == Some(*name))?;
            return Some(self.along(at.with(arg.value), rest));
        }
        let own = &self.chunk(&function).functions[function.id.at()];
        let shift = i64::from(placing.is_bound && own.has_self) + i64::from(placing.shift);
        if let Some(name) = self.parameter_name(function, index)
            && let Some(arg) = args.iter().find(|it| it.name == Some(name) && !it.spread)
        {
            return Some(self.along(at.with(arg.value), path));
        }
        let position = usize::try_from(i64::from(index) - shift).ok()?;
        let positional = |it: &&Arg| it.name.is_none();
        if args.iter().filter(positional).take(position + 1).any(|it| it.spread) {
            return None;
        }
        let arg = args.iter().filter(positional).nth(position)?;
        Some(self.along(at.with(arg.value), path))
    }

    /// Goes along a path as far as object literals are written out.
    fn along(&self, mut at: ExprAt, path: &[Step]) -> (ExprAt, Vec<Step>) {
        let mut rest = path;
        while let Some((Step::Property(name), after)) = rest.split_first() {
            let chunk = self.chunk(&at);
            let Expr::Object(run) = chunk.exprs[at.id.at()] else { break };
            let found = chunk.props_in(run).iter().rev().find(|it| it.name == PropName::Fixed(*name));
            let Some(prop) = found else { break };
            (at, rest) = (at.with(prop.value), after);
        }
        (at, rest.to_vec())
    }

    fn parameter_name(&self, function: FunctionAt, index: u32) -> Option<Symbol> {
        let chunk = self.chunk(&function);
        let own = |it: &Origin| matches!(it, Origin::Parameter { function: of, index: at, .. } if *of == function.id && *at == index);
        chunk.bindings.iter().find(|it| it.path.is_empty() && own(&it.origin)).map(|it| it.name)
    }

    /// Values with what callers pass in place of parameters.
    pub(super) fn concrete(&mut self, values: &Values) -> Values {
        if !values.iter().any(|it| matches!(it, Value::Parameter(_))) {
            return values.clone();
        }
        let mut union = Union::default();
        for value in values.iter() {
            match value {
                Value::Parameter(it) => union.add(self.passed(it)),
                other => union.push(other.clone()),
            }
        }
        union.done()
    }

    /// What the callers of a function pass.
    fn passed(&mut self, parameter: &Rc<Parameter>) -> Values {
        let parameter = parameter.clone();
        self.ask(Query::Passed(parameter.clone()), |it| {
            let mut union = Union::default();
            for (at, placing) in it.callers(parameter.function) {
                let call = &it.chunk(&at).calls[at.id.at()];
                let found =
                    it.argument(at, call, parameter.function, placing, parameter.index, &parameter.path);
                if let Some((arg, rest)) = found {
                    let values = it.eval(arg);
                    let values = it.walk(values, &rest);
                    union.add(it.concrete(&values));
                }
            }
            union.done()
        })
    }

    /// The calls of a function that can be told to be its, and how they pass what it takes.
    fn callers(&mut self, function: FunctionAt) -> Vec<(At<CallId>, Placing)> {
        let chunk = self.chunk(&function);
        let it = &chunk.functions[function.id.at()];
        let Some(mut name) = it.name else { return Vec::new() };
        let mut made = None;
        if let (Some(class), "constructor" | "__init__") = (it.class, &*name) {
            let Some(own) = chunk.classes[class.at()].name else { return Vec::new() };
            (name, made) = (own, Some(function.with(class)));
        }
        let mut found = Vec::new();
        for file in self.program.files_that_call(name) {
            if found.len() >= MOST_CALLERS {
                break;
            }
            for at in self.program.calls_of(file, name) {
                let callee = self.eval(at.with(self.chunk(&at).calls[at.id.at()].callee));
                let of = callee.iter().find_map(|it| match it {
                    Value::Class(class) if made == Some(*class) => Some(Placing { is_bound: true, shift: 0 }),
                    Value::Function(of, this) if *of == function => Some(Placing::of(this)),
                    Value::Partial(of, placing) if *of == function => Some(*placing),
                    _ => None,
                });
                found.extend(of.map(|it| (at, it)));
            }
        }
        if let Some(class) = made {
            found.extend(self.callers_by_super(class, function));
        }
        found
    }

    /// The calls of a constructor by those of the classes that are derived from its own: `super(key)`,
    /// `super().__init__(key)`.
    fn callers_by_super(&mut self, class: ClassAt, function: FunctionAt) -> Vec<(At<CallId>, Placing)> {
        let mut found = Vec::new();
        let init = Symbol::from("__init__");
        for derived in self.derived_from(class) {
            for here in self.chunks_from(derived.with(())) {
                let chunk = self.chunk(&here);
                for (id, call) in chunk.calls.iter().enumerate() {
                    let is_init = chunk.call_names[id] == Some(init);
                    let is_here = is_init || self.is_super(here.with(call.callee));
                    if !is_here || !self.is_in_class(here.with(call.scope), derived) {
                        continue;
                    }
                    let at = here.with(CallId(id as u32));
                    let is_it = |it: &Value| match it {
                        Value::Class(of) => *of == class,
                        Value::Function(of, _) => *of == function,
                        _ => false,
                    };
                    if self.callee(at).iter().any(is_it) {
                        found.push((at, Placing { is_bound: true, shift: 0 }));
                    }
                }
            }
        }
        found
    }

    /// What is handed to a function that is itself an argument: `.then(it => ...)`, `loaded: (posthog) => ...`.
    pub(super) fn handed(&mut self, function: FunctionAt, index: u32) -> Values {
        let chunk = self.chunk(&function);
        let Some(expr) = chunk.function_exprs[function.id.at()] else { return none() };
        match chunk.passed.binary_search_by_key(&expr, |it| it.0) {
            Ok(found) => {
                let (_, call, argument) = chunk.passed[found];
                self.handed_by(function.with(call), argument, index)
            }
            Err(_) if index == 0 => self.handed_on_load(function, expr),
            Err(_) => none(),
        }
    }

    fn handed_by(&mut self, at: At<CallId>, argument: u32, index: u32) -> Values {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        let callee = self.eval(at.with(call.callee));
        for value in callee.iter() {
            if let (Value::Store(store), 0, 0) = (value, argument, index) {
                return self.returned(*store);
            }
            if let Value::Sdk(Sdk { name, via: Via::Callback, returns, certainty, is_map: true, .. }) = value
                && argument == 0
                && index < 2
            {
                let map = Map {
                    method: name,
                    via: Via::Callback,
                    returns: *returns,
                    certainty: *certainty,
                    by_name: false,
                };
                return one(Value::Map(map));
            }
        }
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return none() };
        let it = &chunk.members[member as usize];
        let object = at.with(it.object);
        match (&*it.name, index) {
            ("then", 0) => self.eval(object),
            ("map" | "forEach" | "filter" | "some" | "every" | "find" | "flatMap" | "findIndex", 0)
            | ("reduce", 1) => {
                let list = self.eval(object);
                let values = self.at_index(&list, None);
                let known = |it: &Value| !matches!(it, Value::Unknown | Value::Foreign);
                if values.iter().any(known) { values } else { none() }
            }
            _ => none(),
        }
    }

    /// `posthog.init(token, { loaded: (posthog) => ... })`
    fn handed_on_load(&mut self, at: FunctionAt, expr: ExprId) -> Values {
        let chunk = self.chunk(&at);
        let loaded = Symbol::from("loaded");
        let is_ours = |it: &crate::syntax::ir::Prop| it.value == expr && it.name == PropName::Fixed(loaded);
        let Some(prop) = chunk.props.iter().position(is_ours) else { return none() };
        let options =
            chunk.exprs.iter().position(|it| matches!(it, Expr::Object(run) if run.range().contains(&prop)));
        let Some(options) = options.map(|it| ExprId(it as u32)) else { return none() };
        if let Ok(found) = chunk.passed.binary_search_by_key(&options, |it| it.0) {
            let call = &chunk.calls[chunk.passed[found].1.at()];
            if let Expr::Member(member) = chunk.exprs[call.callee.at()] {
                let it = &chunk.members[member as usize];
                if &*it.name == "init" {
                    return self.eval(at.with(it.object));
                }
            }
        }
        match self.program.file(at.file).speaks_of_posthog() {
            true => one(Value::Client(crate::syntax::Certainty::Inferred)),
            false => none(),
        }
    }

    /// What a context gives to those who use it.
    fn of_context(&mut self, context: ExprAt) -> Values {
        let mut union = Union::default();
        for value in self.eval(context).iter() {
            match value {
                Value::Context(at) => union.add(self.context(*at)),
                Value::Client(_) | Value::Snapshot(_) | Value::Unloaded(_) => union.push(value.clone()),
                _ => {}
            }
        }
        if union.is_empty() { one(Value::Unknown) } else { union.done() }
    }

    pub(super) fn context(&mut self, at: ExprAt) -> Values {
        self.ask(Query::Context(at), |it| {
            let mut union = Union::default();
            let chunk = it.chunk(&at);
            if let Expr::Call(call) = chunk.exprs[at.id.at()]
                && let Some(default) = chunk.args_in(chunk.calls[call.at()].args).first()
            {
                union.add(it.eval(at.with(default.value)));
            }
            for provided in it.provided(at) {
                union.add(it.eval(provided));
            }
            union.done()
        })
    }

    /// The values of a context's providers: `<Context.Provider value={...}>`, `<Context value={...}>`.
    fn provided(&mut self, context: ExprAt) -> Vec<ExprAt> {
        let mut found = Vec::new();
        let value = Symbol::from("value");
        for file in self.program.files_that_call(Symbol::from(PROVIDING)) {
            for (chunk, placed) in self.program.module(file).chunks.iter().enumerate() {
                let elements = placed.chunk.calls.iter().filter(|it| it.kind == CallKind::Element);
                for call in elements {
                    let args = placed.chunk.args_in(call.args);
                    let Some(arg) = args.iter().find(|it| it.name == Some(value)) else { continue };
                    let at = At { file, chunk: chunk as u32, id: call.callee };
                    let callee = self.eval(at);
                    if callee.contains(&Value::Context(context)) {
                        found.push(at.with(arg.value));
                    }
                }
            }
        }
        found
    }

    /// What a state of React holds: what it begins with, and what its setter is called with.
    pub(super) fn state(&mut self, at: ExprAt) -> Values {
        self.ask(Query::State(at), |it| {
            let chunk = it.chunk(&at);
            let mut union = Union::default();
            let Expr::Call(call) = chunk.exprs[at.id.at()] else { return none() };
            if let Some(initial) = chunk.args_in(chunk.calls[call.at()].args).first() {
                let initial = it.eval(at.with(initial.value));
                union.add(initial.iter().filter(|it| it.is_evidence()).cloned().collect());
            }
            let filled = it.set_to(at).into_iter().chain(it.put_into_ref(at));
            for value in filled.collect::<Vec<_>>() {
                let values = it.eval(value);
                union.add(values.iter().filter(|it| it.is_evidence()).cloned().collect());
            }
            if union.is_empty() { one(Value::Unknown) } else { union.done() }
        })
    }

    fn set_to(&mut self, state: ExprAt) -> Vec<ExprAt> {
        let chunk = self.chunk(&state);
        let setter = chunk.bindings.iter().find(|it| {
            it.path.first() == Some(&Step::Index(1))
                && matches!(it.origin, Origin::Value { value: Some(value), .. } if value == state.id)
        });
        let Some(setter) = setter.map(|it| it.name) else { return Vec::new() };
        let set_to = |at: At<CallId>| {
            let it = self.chunk(&at);
            Some(at.with(it.args_in(it.calls[at.id.at()].args).first()?.value))
        };
        self.program.calls_of(state.file, setter).filter_map(set_to).take(MOST_CALLERS).collect()
    }
}

/// Whether a value depends on what is passed to a function.
pub(super) fn depends_on(value: &Value, function: FunctionAt) -> bool {
    rests_on(value, &|it| matches!(it, Value::Parameter(it) if it.function == function))
}

/// Whether a value is made of one that is so.
pub(super) fn rests_on(value: &Value, is_so: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Picked(of, name) => rests_on(of, is_so) || rests_on(name, is_so),
        Value::Part(of, _) | Value::Rewritten(of, _) => rests_on(of, is_so),
        Value::Joined(parts) => parts.iter().any(|it| rests_on(it, is_so)),
        other => is_so(other),
    }
}
