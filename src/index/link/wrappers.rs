//! Functions of the program that ask for the flag that their caller names.

use std::path::Path;
use std::rc::Rc;

use ustr::{UstrMap, UstrSet};

use super::calls::depends_on;
use super::rewrite::rewrite;
use super::sites::Asked;
use super::value::*;
use super::{Linker, Query, Said};
use crate::syntax::ir::{CallId, Expr, ExprId, FunctionId, Origin, ScopeId, ScopeKind, Step, Symbol};
use crate::syntax::{Certainty, Language, Returns};

/// A flag that a function asks for, by what its caller passes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrap {
    /// The key: a [`Value`] that depends on a parameter of the function.
    pub key: Value,
    /// The function of the SDK that is asked in the end.
    pub method: &'static str,
    pub returns: Returns,
    pub certainty: Certainty,
    pub by_name: bool,
}

/// Methods by name that all ask for what their caller names. Found out in one round of following names, used in the
/// next: a method may ask through another of which only the name is known.
pub(crate) type Methods = UstrMap<Vec<FunctionAt>>;

/// What the methods of one file say of others of their names.
#[derive(Debug, Default)]
pub(crate) struct OwnMethods {
    asking: Vec<(Symbol, FunctionAt)>,
    refused: UstrSet,
}

impl OwnMethods {
    /// Whether the same names are said to ask, and the same to do something else.
    pub fn says_same(&self, other: &OwnMethods) -> bool {
        let names = |it: &OwnMethods| it.asking.iter().map(|it| it.0).collect::<Vec<_>>();
        names(self) == names(other) && self.refused == other.refused
    }
}

/// Methods of all files that ask for what their caller names, where every method of that name does so or does
/// nothing, as an abstract one.
pub(crate) fn methods<'m>(files: impl Iterator<Item = &'m OwnMethods>) -> Methods {
    let mut found = Methods::default();
    let mut refused = UstrSet::default();
    for own in files {
        own.asking.iter().for_each(|(name, at)| found.entry(*name).or_default().push(*at));
        refused.extend(&own.refused);
    }
    found.retain(|name, all| !refused.contains(name) && all.len() <= MOST_METHODS);
    found
}

/// Methods of one name in more places than this are not told apart by their name.
const MOST_METHODS: usize = 24;

impl Linker<'_> {
    /// What a function asks for by what its caller passes.
    pub(super) fn wraps(&mut self, function: FunctionAt) -> Rc<[Wrap]> {
        let none = || Said::Wraps(Rc::new([]));
        let found = |it: &mut Self| Said::Wraps(it.wraps_anew(function).into());
        match self.answer(Query::Wraps(function), none(), none(), found) {
            Said::Wraps(wraps) => wraps,
            Said::Values(_) => Rc::new([]),
        }
    }

    fn wraps_anew(&mut self, function: FunctionAt) -> Vec<Wrap> {
        let mut found = Vec::new();
        if !self.takes_anything(function) {
            return found;
        }
        // What a constructor keeps, its class may ask for later.
        let class = self.class_made_by(function);
        let is_inside = |it: &Self, scope: At<ScopeId>| {
            it.is_inside(scope, function) || class.is_some_and(|class| it.is_in_class(scope, class))
        };
        self.asked_inside(function.with(()), &is_inside, &mut |asked| add(&mut found, asked, function));
        found
    }

    /// What is asked for in a chunk and all bodies in it, where it stands in certain scopes.
    pub(super) fn asked_inside(
        &mut self,
        at: At<()>,
        is_inside: &dyn Fn(&Self, At<ScopeId>) -> bool,
        add: &mut dyn FnMut(Vec<Asked>),
    ) {
        for here in self.chunks_from(at) {
            let is_own = here.chunk == at.chunk;
            if !is_own && !is_inside(self, here.with(ScopeId::ROOT)) {
                continue;
            }
            let chunk = self.chunk(&here);
            for (id, call) in chunk.calls.iter().enumerate() {
                if !is_own || is_inside(self, here.with(call.scope)) {
                    add(self.asked_by_call(here.with(CallId(id as u32))));
                }
            }
            for (id, expr) in chunk.exprs.iter().enumerate() {
                let (Expr::Index(_, key) | Expr::In(key, _)) = *expr else { continue };
                let scope = self.scope_of(here.with(key));
                if scope.is_some_and(|it| is_inside(self, it)) {
                    add(self.asked_by_index(here.with(ExprId(id as u32))));
                }
            }
        }
    }

    /// A chunk and all bodies in it.
    pub(super) fn chunks_from(&self, at: At<()>) -> Vec<At<()>> {
        let all = &self.program.module(at.file).chunks;
        let (mut found, mut next) = (vec![at], 0);
        while let Some(it) = found.get(next) {
            found.extend(all[it.chunk as usize].nested.iter().map(|chunk| At { chunk: *chunk, ..at }));
            next += 1;
        }
        found
    }

    fn takes_anything(&self, function: FunctionAt) -> bool {
        let own = |it: &Origin| matches!(it, Origin::Parameter { function: of, .. } if *of == function.id);
        self.chunk(&function).bindings.iter().any(|it| own(&it.origin))
    }

    fn is_inside(&self, scope: At<ScopeId>, function: FunctionAt) -> bool {
        self.program.functions_around(scope).any(|it| it == function)
    }

    /// The class whose constructor a function is.
    fn class_made_by(&self, function: FunctionAt) -> Option<ClassAt> {
        let it = &self.chunk(&function).functions[function.id.at()];
        it.class.filter(|_| it.name.is_some_and(|it| is_constructor(&it))).map(|it| function.with(it))
    }

    pub(super) fn is_in_class(&self, scope: At<ScopeId>, class: ClassAt) -> bool {
        let mut around = std::iter::successors(Some(scope), |it| self.program.outward(*it));
        around.any(|it| {
            it.chunk == class.chunk && self.chunk(&it).scopes[it.id.at()].kind == ScopeKind::Class(class.id)
        })
    }

    /// The function that makes the objects of a class, its own or an inherited one.
    pub(super) fn constructor(&mut self, class: ClassAt) -> Option<FunctionAt> {
        let name = match self.language(class.file) {
            Language::Python => "__init__",
            _ => "constructor",
        };
        let values = self.of_class(class, Symbol::from(name), None);
        values.iter().find_map(|it| match it {
            Value::Function(function, _) => Some(*function),
            _ => None,
        })
    }

    /// Where an expression stands, as far as a name in it says so.
    fn scope_of(&self, at: ExprAt) -> Option<At<ScopeId>> {
        let chunk = self.chunk(&at);
        match chunk.exprs[at.id.at()] {
            Expr::Name(_, scope) | Expr::This(scope) => Some(at.with(scope)),
            Expr::Member(member) => self.scope_of(at.with(chunk.members[member as usize].object)),
            Expr::Index(object, index) => {
                self.scope_of(at.with(index)).or_else(|| self.scope_of(at.with(object)))
            }
            Expr::Call(call) => Some(at.with(chunk.calls[call.at()].scope)),
            Expr::Template(run) | Expr::Either(run) | Expr::List(run) => {
                chunk.exprs_in(run).iter().find_map(|it| self.scope_of(at.with(*it)))
            }
            _ => None,
        }
    }

    /// The reads of a call of a function that asks for what its caller names.
    pub(super) fn asked_through(
        &mut self,
        at: At<CallId>,
        function: FunctionAt,
        placing: Placing,
        most: Certainty,
    ) -> Vec<Asked> {
        let mut found = Vec::new();
        for wrap in self.wraps(function).iter() {
            let Some(parameter) = parameter_in(&wrap.key, function) else { continue };
            let call = &self.chunk(&at).calls[at.id.at()];
            let argument = self.argument(at, call, function, placing, parameter.index, &parameter.path);
            let Some((argument, rest)) = argument else { continue };
            for (leaf, values) in self.named_by(at, wrap, function, placing, argument, &rest) {
                found.push(Asked {
                    method: wrap.method,
                    via: crate::syntax::Via::Wrapper,
                    returns: wrap.returns,
                    certainty: if most == Certainty::Inferred { most } else { wrap.certainty },
                    key: leaf,
                    values,
                    by_name: wrap.by_name,
                });
            }
        }
        found
    }

    /// What the argument of a call names, branch by branch.
    fn named_by(
        &mut self,
        at: At<CallId>,
        wrap: &Wrap,
        function: FunctionAt,
        placing: Placing,
        argument: ExprAt,
        rest: &[Step],
    ) -> Vec<(ExprAt, Values)> {
        if has_joined(&wrap.key) {
            let call = &self.chunk(&at).calls[at.id.at()];
            let values = self.passing(&one(wrap.key.clone()), at, call, function, placing);
            // What the call gives is no constant that holds the key.
            let made_here = |it: &Value| match it {
                Value::Text(known) => Value::Text(Rc::new(Known { at: argument, ..(**known).clone() })),
                other => other.clone(),
            };
            return vec![(argument, values.iter().map(made_here).collect())];
        }
        let (leaves, rest) = match (self.chunk(&argument).exprs[argument.id.at()], rest) {
            (_, []) => (self.leaves(argument), rest),
            // Whoever goes over a list that is written out asks for each of its elements.
            (Expr::List(run), [Step::Index(u32::MAX), rest @ ..]) => {
                let elements = self.chunk(&argument).exprs_in(run).iter();
                (elements.flat_map(|it| self.leaves(argument.with(*it))).collect(), rest)
            }
            _ => (vec![argument], rest),
        };
        let mut found = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let values = self.eval(leaf);
            let values = self.walk(values, rest);
            let values = self.filled(&wrap.key, &values, leaf);
            found.push((leaf, values));
        }
        found
    }

    /// A key with what is passed in the place of the parameter that it depends on.
    pub(super) fn filled(&mut self, key: &Value, passed: &Values, at: ExprAt) -> Values {
        match key {
            Value::Parameter(_) | Value::Field(..) => passed.clone(),
            Value::Picked(of, name) => {
                let of = self.filled(of, passed, at);
                let names = self.filled(name, passed, at);
                self.pick(&of, &names)
            }
            Value::Part(of, step) => {
                let of = self.filled(of, passed, at);
                self.step(&of, *step)
            }
            Value::Rewritten(of, how) => {
                let of = self.filled(of, passed, at);
                of.iter().map(|it| rewrite(it, *how, at)).collect()
            }
            other => one(other.clone()),
        }
    }

    /// The methods of a file that ask for what their caller names, and the names of those that do something else.
    pub(super) fn own_methods(&mut self, file: FileId) -> OwnMethods {
        let mut own = OwnMethods::default();
        // What stands in for a method in a test says nothing of the method.
        let is_test = is_test(&self.program.file(file).path);
        for (chunk, placed) in self.program.module(file).chunks.iter().enumerate() {
            for (id, it) in placed.chunk.functions.iter().enumerate() {
                let is_method = |name: &Symbol| it.class.is_some() && !is_constructor(name);
                let Some(name) = it.name.filter(is_method) else { continue };
                let at = At { file, chunk: chunk as u32, id: FunctionId(id as u32) };
                self.begin_site();
                if !self.wraps(at).is_empty() {
                    own.asking.push((name, at));
                } else if !is_test && self.does_something(at) && !self.hands_on(at) {
                    own.refused.insert(name);
                }
            }
        }
        own
    }

    /// Whether a method asks a method of its own name of an object that nobody knows: a cache before a repository
    /// behind an interface. It does what that one does.
    fn hands_on(&mut self, function: FunctionAt) -> bool {
        let Some(name) = self.chunk(&function).functions[function.id.at()].name else { return false };
        for at in self.program.calls_of(function.file, name) {
            let chunk = self.chunk(&at);
            let call = &chunk.calls[at.id.at()];
            let Expr::Member(member) = chunk.exprs[call.callee.at()] else { continue };
            let is_own = matches!(chunk.exprs[chunk.members[member as usize].object.at()], Expr::This(_));
            if is_own || !self.is_inside(at.with(call.scope), function) {
                continue;
            }
            let callee = self.eval(at.with(call.callee));
            let is_abstract = |it: &Value| match it {
                Value::Function(callee, Some(_)) => *callee != function && !self.does_something(*callee),
                other => other.is_open(),
            };
            if !callee.is_empty() && callee.iter().all(is_abstract) {
                return true;
            }
        }
        false
    }

    /// Whether a function gives more than a fixed value.
    pub(super) fn does_something(&self, function: FunctionAt) -> bool {
        let it = &self.chunk(&function).functions[function.id.at()];
        let says_something = |id: &ExprId| match self.chunk(&function).exprs[id.at()] {
            Expr::Plain | Expr::Nothing | Expr::Opaque => false,
            Expr::Object(run) | Expr::List(run) => run.len > 0,
            _ => true,
        };
        it.nested.is_some() || self.chunk(&function).exprs_in(it.returns).iter().any(says_something)
    }
}

fn add(found: &mut Vec<Wrap>, asked: Vec<Asked>, function: FunctionAt) {
    for it in asked {
        for value in it.values.iter().filter(|it| depends_on(it, function)) {
            add_wrap(found, &it, value);
        }
    }
}

/// Adds what a place asks for by something that is not known there.
pub(super) fn add_wrap(found: &mut Vec<Wrap>, asked: &Asked, key: &Value) {
    let Asked { method, returns, certainty, by_name, .. } = *asked;
    let wrap = Wrap { key: key.clone(), method, returns, certainty, by_name };
    if !found.contains(&wrap) {
        found.push(wrap);
    }
}

fn has_joined(key: &Value) -> bool {
    match key {
        Value::Joined(_) => true,
        Value::Picked(of, name) => has_joined(of) || has_joined(name),
        Value::Part(of, _) | Value::Rewritten(of, _) => has_joined(of),
        _ => false,
    }
}

/// The parameter that a key depends on.
fn parameter_in(key: &Value, function: FunctionAt) -> Option<Rc<Parameter>> {
    match key {
        Value::Parameter(it) if it.function == function => Some(it.clone()),
        Value::Picked(of, name) => parameter_in(name, function).or_else(|| parameter_in(of, function)),
        Value::Part(of, _) => parameter_in(of, function),
        Value::Joined(parts) => parts.iter().find_map(|it| parameter_in(it, function)),
        Value::Rewritten(of, _) => parameter_in(of, function),
        _ => None,
    }
}

/// Whether a method of this name makes the objects of its class; nobody calls it by this name.
pub(super) fn is_constructor(name: &str) -> bool {
    matches!(name, "constructor" | "__init__")
}

/// Whether a file is a test by its name or its folder's.
pub(crate) fn is_test(path: &Path) -> bool {
    let names = path.iter().filter_map(|it| it.to_str()).rev().take(6);
    names.into_iter().any(|it| {
        matches!(it, "tests" | "test" | "__tests__" | "__mocks__" | "conftest.py" | "e2e")
            || it.starts_with("test_")
            || [".test.", ".spec.", ".stories.", "_test."].iter().any(|mark| it.contains(mark))
    })
}
