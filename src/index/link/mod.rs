//! Following names through a program: what each call, index and element asks for, whichever file says it.
//!
//! The modules say what the code says; this asks what it means, for every language alike. A question is answered
//! once and remembered; one that leads back to itself contributes nothing, so that the answer does not depend on
//! where somebody began to ask.

mod active;
mod bindings;
mod calls;
mod eval;
mod imports;
mod keys;
mod members;
mod program;
mod sites;
mod types;
mod value;
mod wrappers;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::rc::Rc;

pub(crate) use keys::Linked;
pub(crate) use program::{File, Program};
pub use program::{Found, Resolve};
pub(crate) use value::{At, FileId};

use value::*;
pub(crate) use wrappers::Methods;
use wrappers::Wrap;

use crate::syntax::ir::{Step, Symbol};

/// How far names are followed. Deeper than anybody writes, and shallow enough for the stack.
const MOST_DEPTH: u32 = 96;

/// Questions that one site may lead to.
const MOST_QUESTIONS: u32 = 50_000;

/// A question that is asked more than once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Query {
    Expr(ExprAt),
    Binding(BindingAt),
    Returns(FunctionAt),
    Member(ClassAt, Symbol),
    Shape(TypeAt, Symbol),
    Export(FileId, Symbol),
    Passed(Rc<Parameter>),
    Context(ExprAt),
    State(ExprAt),
    Cached(ExprAt),
}

/// What is known of an answer.
enum Answer<T> {
    /// Being answered, at this depth.
    Asked(u32),
    /// Answered while the question at this depth is open, which it leads back to: good until that is answered.
    Provisional(u32, T),
    Known(T),
}

/// A question whose answer is provisional.
enum Open {
    Values(Query),
    Wraps(FunctionAt),
}

/// Follows names. Its answers hold as long as the program does not change.
pub(crate) struct Linker<'p> {
    program: &'p Program,
    resolver: &'p dyn Resolve,
    answers: HashMap<Query, Answer<Values>>,
    wraps: HashMap<FunctionAt, Answer<Rc<[Wrap]>>>,
    /// Questions with provisional answers, with the depth of what they wait for.
    provisional: Vec<(u32, Open)>,
    /// Methods that ask for what their caller names, where nobody knows whose method is meant.
    methods: &'p Methods,
    resolved: HashMap<(FileId, Symbol), Found>,
    depth: u32,
    /// The shallowest question that was met again while it was being answered.
    lowest: u32,
    fuel: u32,
    /// Files that a key or a client comes from and that were not read so far.
    wanted: BTreeSet<Rc<Path>>,
}

impl<'p> Linker<'p> {
    pub fn new(program: &'p Program, resolver: &'p dyn Resolve, methods: &'p Methods) -> Linker<'p> {
        Linker {
            program,
            resolver,
            answers: HashMap::new(),
            wraps: HashMap::new(),
            methods,
            provisional: Vec::new(),
            resolved: HashMap::new(),
            depth: 0,
            lowest: u32::MAX,
            fuel: MOST_QUESTIONS,
            wanted: BTreeSet::new(),
        }
    }

    /// Files that must be read before everything can be known.
    pub fn wanted(&self) -> impl Iterator<Item = &Path> {
        self.wanted.iter().map(|it| &**it)
    }

    /// Answers a question once.
    fn ask(&mut self, query: Query, answer: impl FnOnce(&mut Self) -> Values) -> Values {
        match self.answers.get(&query) {
            Some(Answer::Known(values)) => return values.clone(),
            Some(Answer::Provisional(depth, values)) => {
                self.lowest = self.lowest.min(*depth);
                return values.clone();
            }
            Some(Answer::Asked(depth)) => {
                self.lowest = self.lowest.min(*depth);
                return none();
            }
            None => {}
        }
        let Some((depth, outside)) = self.descend() else { return one(Value::Unknown) };
        self.answers.insert(query.clone(), Answer::Asked(depth));
        let values = answer(self);
        let known = match self.ascend(depth) {
            None => Answer::Known(values.clone()),
            Some(waits_for) => {
                self.provisional.push((waits_for, Open::Values(query.clone())));
                Answer::Provisional(waits_for, values.clone())
            }
        };
        self.answers.insert(query, known);
        self.lowest = self.lowest.min(outside);
        values
    }

    /// Goes one question deeper, unless that is too deep.
    fn descend(&mut self) -> Option<(u32, u32)> {
        if self.depth >= MOST_DEPTH || self.fuel == 0 {
            self.lowest = 0;
            return None;
        }
        self.fuel -= 1;
        let outside = std::mem::replace(&mut self.lowest, u32::MAX);
        self.depth += 1;
        Some((self.depth - 1, outside))
    }

    /// Comes back from a question; the depth of an open one that it led back to, if it did. Else what waited for
    /// it may lack what it adds, and is asked anew the next time.
    fn ascend(&mut self, depth: u32) -> Option<u32> {
        self.depth -= 1;
        if self.lowest < depth {
            return Some(self.lowest);
        }
        self.lowest = u32::MAX;
        while let Some((_, open)) = self.provisional.pop_if(|it| it.0 >= depth) {
            match open {
                Open::Values(query) => drop(self.answers.remove(&query)),
                Open::Wraps(function) => drop(self.wraps.remove(&function)),
            }
        }
        None
    }

    /// What a step leads to.
    fn step(&mut self, values: &Values, step: Step) -> Values {
        match step {
            Step::Property(name) => self.member(values, name),
            Step::Index(at) => self.at_index(values, Some(at)),
            Step::Rest => values.clone(),
        }
    }

    /// What a way leads to.
    fn walk(&mut self, values: Values, path: &[Step]) -> Values {
        path.iter().fold(values, |it, step| self.step(&it, *step))
    }
}
