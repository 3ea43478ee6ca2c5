//! The places of a file that ask for a flag.

use super::Linker;
use super::constants::leaves;
use super::value::*;
use crate::syntax::evidence::names_key;
use crate::syntax::ir::{Arg, Call, CallId, CallKind, Chunk, Expr, ExprId, Origin, PropName, Step, Symbol};
use crate::syntax::{Certainty, Language, Returns, Via, open_feature};

/// A flag that a place asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The function of the SDK, or one that the settings name.
    pub method: &'static str,
    pub via: Via,
    pub returns: Returns,
    pub certainty: Certainty,
    /// The expression that yields the key at this place.
    pub key: ExprAt,
    /// What the key may be.
    pub values: Values,
    /// Only the name of a map says that this asks for a flag.
    pub by_name: bool,
}

impl Linker<'_> {
    /// The branches of an expression.
    pub(super) fn leaves(&self, at: ExprAt) -> Vec<ExprAt> {
        leaves(self.chunk(&at), at.id).into_iter().map(|it| at.with(it)).collect()
    }

    /// What a call or element asks for.
    pub(super) fn asked_by_call(&mut self, at: At<CallId>) -> Vec<Asked> {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        let name = chunk.call_names[at.id.at()];
        if let Some(wrapper) = name.and_then(|it| self.named_wrapper(at, it)) {
            return self.asked_by_settings(at, call, wrapper);
        }
        if let Some(asked) = self.asked_by_adapter(at, call) {
            return asked;
        }
        if let Some(asked) = self.asked_of_map(at, call) {
            return asked;
        }
        if call.args.len == 0 {
            return Vec::new();
        }
        let is_of_sdk = name.is_some_and(|it| self.table(&at).any(&it).is_some());
        let callee = self.callee(at);
        let mut found = Vec::new();
        for value in callee.iter() {
            match value {
                Value::Sdk(it) if !it.is_map => found.extend(self.asked_of_sdk(at, call, it)),
                Value::Unloaded(path) => self.called_unread.extend(name.map(|it| (path.clone(), it))),
                Value::Function(function, this) if self.may_name_key(at, call) => {
                    found.extend(self.asked_through(at, *function, Placing::of(this), Certainty::Certain));
                }
                Value::Partial(function, placing) if self.may_name_key(at, call) => {
                    found.extend(self.asked_through(at, *function, *placing, Certainty::Certain));
                }
                Value::Class(class) if self.may_name_key(at, call) => {
                    found.extend(self.asked_for_fields(at, *class));
                    if let Some(made_by) = self.constructor(*class) {
                        let making = Placing { is_bound: true, shift: 0 };
                        found.extend(self.asked_through(at, made_by, making, Certainty::Certain));
                    }
                }
                _ => {}
            }
        }
        if let Some(name) = name.filter(|_| found.is_empty() && callee.iter().all(Value::is_open)) {
            found = self.asked_for_us(at, call, &name);
        }
        // An abstract method, or one that stands in for another, is called for what others of its name do.
        let mut is_stand_in = |it: &Value| match it {
            Value::Function(function, Some(this)) => {
                !self.does_something(*function) && !self.stands_for_itself(*function, this)
            }
            // What is called like a map of flags and has methods is no map.
            Value::Flag => true,
            other => other.is_open(),
        };
        // The SDK's names are those of many a settings class, too.
        let stands_in = callee.iter().any(|it| matches!(it, Value::Function(..)));
        if found.is_empty() && callee.iter().all(&mut is_stand_in) && (stands_in || !is_of_sdk) {
            found.extend(name.into_iter().flat_map(|it| self.asked_by_name(at, call, it)));
        }
        found
    }

    /// A function that is passed to another with what it is to be called with: `asyncio.to_thread(is_on, "key")`.
    fn asked_for_us(&mut self, at: At<CallId>, call: &Call, name: &str) -> Vec<Asked> {
        let n_before = match name {
            "partial" | "to_thread" | "run_in_threadpool" | "run_sync" | "submit" => 0,
            "run_in_executor" => 1,
            _ => return Vec::new(),
        };
        let Some(passed) = positional(self.chunk(&at).args_in(call.args), n_before) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for value in self.eval(at.with(passed)).iter() {
            match value {
                Value::Function(function, this) => {
                    let placing = Placing { shift: -(n_before as i32 + 1), ..Placing::of(this) };
                    found.extend(self.asked_through(at, *function, placing, Certainty::Certain));
                }
                Value::Sdk(it) if !it.is_map => {
                    let args = self.chunk(&at).args_in(call.args);
                    let key = named(args, "key").or_else(|| positional(args, n_before + 1));
                    found.extend(key.into_iter().flat_map(|key| self.asked_for(at.with(key), it)));
                }
                _ => {}
            }
        }
        found
    }

    /// What an expression that names a flag asks for.
    pub(super) fn asked_for(&mut self, key: ExprAt, of: &Sdk) -> Vec<Asked> {
        let leaves = self.leaves(key);
        let asked = |(key, values)| Asked {
            method: of.name,
            via: of.via,
            returns: of.returns,
            certainty: of.certainty,
            key,
            values,
            by_name: of.by_name,
        };
        leaves.into_iter().map(|it| (it, self.eval(it))).map(asked).collect()
    }

    fn asked_of_sdk(&mut self, at: At<CallId>, call: &Call, of: &Sdk) -> Vec<Asked> {
        if open_feature::find(of.name).is_some() {
            let keys = self.keys_of_open_feature(at, call, of);
            return keys.into_iter().flat_map(|it| self.asked_for(it, of)).collect();
        }
        let Some(key) = self.key_argument(at, call, of) else { return Vec::new() };
        if of.via != Via::Snapshot && !self.is_surely_client(at, call) && self.is_local_method(at, call, key)
        {
            return Vec::new();
        }
        self.asked_for(key, of)
    }

    /// Whether a method is certainly called on a client.
    fn is_surely_client(&mut self, at: At<CallId>, call: &Call) -> bool {
        let chunk = self.chunk(&at);
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return true };
        let object = self.eval(at.with(chunk.members[member as usize].object));
        object.contains(&Value::Client(Certainty::Certain))
    }

    /// The argument that names the flag.
    fn key_argument(&self, at: At<CallId>, call: &Call, of: &Sdk) -> Option<ExprAt> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(call.args);
        let named = |name: &str| named(args, name);
        let positional = |index: usize| positional(args, index);
        let is_element = call.kind == CallKind::Element;
        let found = match of.via {
            Via::Component => is_element.then(|| named("flag").or_else(|| named("flagKey"))).flatten(),
            _ if is_element => None,
            _ if self.language(at.file) == Language::Python => {
                named("key").or_else(|| named("flag_key")).or_else(|| positional(0))
            }
            _ => {
                // With Convex `key` of the second argument, after the context.
                let convex = positional(1).and_then(|it| property_of(chunk, it, "key"));
                match of.name {
                    "evaluateFlag" | "evaluateFlagPayload" => convex,
                    _ => convex.or_else(|| positional(0)),
                }
            }
        };
        found.map(|it| at.with(it))
    }

    /// The arguments that name flags by way of OpenFeature: a decorator may name several.
    fn keys_of_open_feature(&mut self, at: At<CallId>, call: &Call, of: &Sdk) -> Vec<ExprAt> {
        let chunk = self.chunk(&at);
        let args = chunk.args_in(call.args);
        if of.via == Via::Component || call.kind == CallKind::Element {
            let key = named(args, "flagKey").filter(|_| of.via == Via::Component);
            return key.map(|it| at.with(it)).into_iter().collect();
        }
        let by_name = ["flag_key", "flagKey"].into_iter().find_map(|it| named(args, it));
        let Some(first) = by_name.or_else(|| positional(args, 0)) else { return Vec::new() };
        let domain = property_of(chunk, first, "domain").map(|it| at.with(it));
        if domain.is_some_and(|it| self.is_of_other_domain(it)) {
            return Vec::new();
        }
        let keys = match (of.name, chunk.exprs[first.at()]) {
            ("RequireFlagsEnabled", _) => {
                let Some(flags) = property_of(chunk, first, "flags") else { return Vec::new() };
                let Expr::List(run) = chunk.exprs[flags.at()] else { return Vec::new() };
                let flags = chunk.exprs_in(run).iter();
                flags.filter_map(|it| property_of(chunk, *it, "flagKey")).collect()
            }
            (_, Expr::Object(_)) => property_of(chunk, first, "flagKey").into_iter().collect(),
            _ => vec![first],
        };
        keys.into_iter().map(|it| at.with(it)).collect()
    }

    /// `service.isFeatureEnabled(userId, 'key')` is a method of this code base, which has the SDK's name for it
    /// but not its arguments.
    fn is_local_method(&mut self, at: At<CallId>, call: &Call, first: ExprAt) -> bool {
        let chunk = self.chunk(&at);
        let later = chunk.args_in(call.args).iter().skip(1);
        let is_text = |it: &Arg| it.name.is_none() && matches!(chunk.exprs[it.value.at()], Expr::Text(_));
        if !later.take(3).any(is_text) {
            return false;
        }
        let name = match chunk.exprs[first.id.at()] {
            Expr::Name(name, _) => name,
            Expr::Member(at) => chunk.members[at as usize].name,
            _ => return false,
        };
        if names_key(&name) {
            return false;
        }
        let values = self.eval(first);
        // What a file says that was not read decides it.
        self.wanted.extend(values.iter().filter_map(Value::unloaded).cloned());
        !values.iter().any(|it| matches!(it, Value::Text(_)))
    }

    /// Whether an argument may be a key, or what a caller passes: only then the function is looked into.
    fn may_name_key(&mut self, at: At<CallId>, call: &Call) -> bool {
        let chunk = self.chunk(&at);
        chunk.args_in(call.args).iter().any(|arg| {
            let at = at.with(arg.value);
            match chunk.exprs[arg.value.at()] {
                Expr::Object(run) => chunk.props_in(run).iter().any(|it| self.may_be_key(at.with(it.value))),
                _ => self.may_be_key(at),
            }
        })
    }

    fn may_be_key(&mut self, at: ExprAt) -> bool {
        if matches!(self.chunk(&at).exprs[at.id.at()], Expr::Function(_) | Expr::Plain | Expr::Nothing) {
            return false;
        }
        self.eval(at).iter().any(|it| {
            matches!(
                it,
                Value::Text(_)
                    | Value::Joined(_)
                    | Value::Parameter(_)
                    | Value::Picked(..)
                    | Value::Made(..)
                    | Value::Field(..)
                    | Value::Part(..)
                    | Value::List(_)
                    | Value::Object(_)
                    | Value::Rewritten(..)
                    | Value::Unloaded(_)
                    | Value::Unknown
            )
        })
    }

    /// A method of a receiver that nobody knows, by its name.
    fn asked_by_name(&mut self, at: At<CallId>, call: &Call, name: Symbol) -> Vec<Asked> {
        let chunk = self.chunk(&at);
        if !matches!(chunk.exprs[call.callee.at()], Expr::Member(_)) {
            return Vec::new();
        }
        self.program.use_method(name);
        if !self.methods.contains_key(&name) || !self.may_name_key(at, call) {
            return Vec::new();
        }
        let as_method = Placing { is_bound: true, shift: 0 };
        let mut found: Vec<Asked> = Vec::new();
        for function in self.methods.get(&name).into_iter().flatten() {
            for asked in self.asked_through(at, *function, as_method, Certainty::Inferred) {
                if !found.iter().any(|it| it.key == asked.key) {
                    found.push(asked);
                }
            }
        }
        found
    }

    /// A function that is handed a map of flags asks it, though its file has no word of the SDK and was not read.
    pub(super) fn want_who_is_handed_flags(&mut self, at: At<CallId>) {
        let chunk = self.chunk(&at);
        let call = &chunk.calls[at.id.at()];
        if call.args.len == 0 {
            return;
        }
        let callee = self.eval(at.with(call.callee));
        let Some(path) = callee.iter().find_map(Value::unloaded) else { return };
        let are_flags =
            |it: &Value| matches!(it, Value::Map(Map { by_name: false, .. }) | Value::Snapshot(_));
        if chunk.args_in(call.args).iter().any(|it| self.eval(at.with(it.value)).iter().any(are_flags)) {
            self.wanted.insert(path.clone());
        }
    }

    /// `flags.get('k')`, `flags.includes('k')`.
    fn asked_of_map(&mut self, at: At<CallId>, call: &Call) -> Option<Vec<Asked>> {
        let chunk = self.chunk(&at);
        let Expr::Member(member) = chunk.exprs[call.callee.at()] else { return None };
        let it = &chunk.members[member as usize];
        let asks = matches!(&*it.name, "get" | "includes" | "has" | "hasOwnProperty" | "indexOf" | "pop");
        if !asks {
            return None;
        }
        let key = positional(chunk.args_in(call.args), 0)?;
        let object = self.eval(at.with(it.object));
        let object = self.concrete(&object);
        let map = self.map_in(&object)?;
        self.want_what_is_named(&object, map);
        if map.returns == Returns::Result {
            return Some(Vec::new());
        }
        let is_list = matches!(&*it.name, "includes" | "has" | "indexOf" | "hasOwnProperty");
        let returns = if is_list { Returns::Boolean } else { map.returns };
        Some(self.asked_for(at.with(key), &read_of(Map { returns, ..map })))
    }

    /// What is only called like a map of flags is what its file says.
    fn want_what_is_named(&mut self, object: &Values, map: Map) {
        let unread = object.iter().filter(|_| map.by_name).filter_map(Value::unloaded);
        self.wanted.extend(unread.cloned());
    }

    /// A map that is one, rather than one that is only called so.
    fn map_in(&mut self, values: &Values) -> Option<Map> {
        if let Some(known) = values.iter().filter_map(map).find(|it| !it.by_name) {
            return Some(known);
        }
        for value in values.iter() {
            if let Value::Cache(cache) = value
                && let Some(map) = self.cached(*cache)
            {
                return Some(map);
            }
            if let Value::Object(object) = value
                && let Some(map) = self.filled_map(*object)
            {
                return Some(map);
            }
            if let Value::State(state) = value
                && let Some(map) = self.state(*state).iter().find_map(map)
            {
                return Some(map);
            }
        }
        values.iter().find_map(map)
    }

    /// What an index into a map of flags asks for, or `key in flags`.
    pub(super) fn asked_by_index(&mut self, at: ExprAt) -> Vec<Asked> {
        let chunk = self.chunk(&at);
        let (object, key, is_in) = match chunk.exprs[at.id.at()] {
            Expr::Index(object, key) => (object, key, false),
            Expr::In(key, object) => (object, key, true),
            _ => return Vec::new(),
        };
        if matches!(chunk.exprs[key.at()], Expr::Plain) {
            return Vec::new();
        }
        let object = self.eval(at.with(object));
        let object = self.concrete(&object);
        let Some(map) = self.map_in(&object) else { return Vec::new() };
        self.want_what_is_named(&object, map);
        let read = match (is_in, map.returns) {
            // Of a list of what is on; whether a map has a key says nothing of the flag.
            (true, Returns::Boolean) => map,
            (true, _) | (false, Returns::Boolean | Returns::Result) => return Vec::new(),
            (false, _) => map,
        };
        self.asked_for(at.with(key), &read_of(read))
    }

    /// The map that a member's name is the key of.
    pub(super) fn map_of_member(&mut self, at: ExprAt) -> Option<Map> {
        let chunk = self.chunk(&at);
        let Expr::Member(member) = chunk.exprs[at.id.at()] else { return None };
        let it = &chunk.members[member as usize];
        let object = self.eval(at.with(it.object));
        let object = self.concrete(&object);
        // What a ref holds.
        if object.iter().any(|it| matches!(it, Value::State(_))) && matches!(&*it.name, "value" | "current") {
            return None;
        }
        let map = self.map_in(&object)?;
        let is_flag = !map.by_name
            && !matches!(map.returns, Returns::Boolean | Returns::Result)
            && &*it.name != "length";
        is_flag.then_some(map)
    }

    /// The map that a destructured name is the key of.
    pub(super) fn map_of_binding(&mut self, at: BindingAt) -> Option<(Map, Symbol)> {
        let binding = &self.chunk(&at).bindings[at.id.at()];
        let (Step::Property(name), path) = binding.path.split_last()? else { return None };
        let whole = match binding.origin {
            Origin::Value { value: Some(value), .. } => self.eval(at.with(value)),
            Origin::Parameter { function, index, .. } => {
                let handed = self.handed(at.with(function), index);
                if handed.is_empty() {
                    let path = Vec::new();
                    let parameter = Parameter { function: at.with(function), index, path };
                    one(Value::Parameter(parameter.into()))
                } else {
                    handed
                }
            }
            _ => return None,
        };
        let whole = self.walk(whole, path);
        let whole = self.concrete(&whole);
        let map = self.map_in(&whole)?;
        let is_flag = !map.by_name && !matches!(map.returns, Returns::Boolean | Returns::Result);
        is_flag.then_some((map, *name))
    }
}

fn map(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(*map),
        _ => None,
    }
}

fn read_of(map: Map) -> Sdk {
    Sdk {
        name: map.method,
        via: map.via,
        returns: map.returns,
        certainty: map.certainty,
        is_map: false,
        by_name: map.by_name,
    }
}

/// The argument or attribute of a name.
pub(super) fn named(args: &[Arg], name: &str) -> Option<ExprId> {
    args.iter().find(|it| it.name.is_some_and(|it| &*it == name)).map(|it| it.value)
}

/// The argument at a position, if nothing before it may be several.
pub(super) fn positional(args: &[Arg], index: usize) -> Option<ExprId> {
    if args.iter().filter(|it| it.name.is_none()).take(index + 1).any(|it| it.spread) {
        return None;
    }
    args.iter().filter(|it| it.name.is_none()).nth(index).map(|it| it.value)
}

/// A property of an object that is written out.
pub(super) fn property_of(chunk: &Chunk, object: ExprId, name: &str) -> Option<ExprId> {
    let Expr::Object(run) = chunk.exprs[object.at()] else { return None };
    let own = |it: &PropName| matches!(it, PropName::Fixed(own) if &**own == name);
    chunk.props_in(run).iter().find(|it| own(&it.name)).map(|it| it.value)
}
