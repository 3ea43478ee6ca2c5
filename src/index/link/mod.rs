//! Following names through a program: what each call, index and element asks for, whichever file says it.
//!
//! The modules say what the code says; this asks what it means, for every language alike. A question is answered
//! once and remembered; one that leads back to itself contributes nothing, so that the answer does not depend on
//! where somebody began to ask.

mod active;
mod adapters;
mod answers;
mod bindings;
mod calls;
mod compared;
mod constants;
mod edit;
mod eval;
mod fields;
mod imports;
mod keys;
mod members;
mod named;
mod open_feature;
mod order;
mod overrides;
mod pages;
mod program;
mod proxies;
mod rewrite;
mod sites;
mod stores;
mod types;
mod value;
mod wrappers;

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

pub(crate) use constants::definitions;
pub(crate) use edit::{Address, Edit};
pub(crate) use keys::{Linked, sort};
use program::View;
pub(crate) use program::{Change, File, Program, Uses};
pub use program::{Found, Resolve};
pub(crate) use value::{At, FileId, FunctionAt};
pub(crate) use wrappers::is_test;

use open_feature::Provider;
use value::*;
use wrappers::Wrap;
pub(crate) use wrappers::{Methods, OwnMethods, methods};

use ustr::UstrSet;

use crate::syntax::ir::{Step, Symbol};

/// How far names are followed. Deeper than anybody writes, and shallow enough for the stack.
const MOST_DEPTH: u32 = 96;

/// Questions that one site may lead to.
const MOST_QUESTIONS: u32 = 20_000;

/// Questions that all sites of a file may lead to.
const MOST_OF_FILE: u32 = 30_000;

/// What a site may ask however many its file asked before.
const FEWEST_QUESTIONS: u32 = 24;

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
    Wraps(FunctionAt),
    /// What a class asks for of what its maker gives for its fields.
    Fields(ClassAt),
}

/// An answer.
#[derive(Clone)]
enum Said {
    Values(Values),
    Wraps(Rc<[Wrap]>),
}

/// What is known of an answer.
enum Answer {
    /// Being answered, at this depth.
    Asked(u32),
    /// Answered while the question at this depth is open, which it leads back to: good until that is answered.
    Provisional(u32, Said),
    Known(Said),
}

/// What following the names of one file gives.
#[derive(Debug)]
pub(crate) struct Followed {
    /// What it says about flags.
    pub linked: Linked,
    /// Names by which other files reach flags through it.
    pub active: UstrSet,
    /// Its methods that ask for what their caller names.
    pub methods: OwnMethods,
    /// What it has in common with the files whose names were followed along with its own.
    pub shared: Arc<Shared>,
}

/// What following the names of some files needed.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Files that must be read before everything can be known.
    pub wanted: BTreeSet<Arc<Path>>,
    /// Names that are called of files that were not read.
    pub called_unread: BTreeSet<(Arc<Path>, Symbol)>,
    /// What the answers depend on.
    pub uses: Uses,
}

impl Followed {
    /// Whether all that leads from the file to others leads to them from another state of it, too.
    pub fn leads_no_further_than(&self, other: &Followed) -> bool {
        self.active.is_subset(&other.active)
            && self.linked.registries.is_subset(&other.linked.registries)
            && self.methods.says_same(&other.methods)
    }
}

/// Follows the names of some files, which share what is found out on the way. What this gives depends on nothing
/// but the arguments.
pub(crate) fn follow(
    program: &Program,
    resolver: &dyn Resolve,
    methods: &Methods,
    files: &[FileId],
) -> Vec<(FileId, Followed)> {
    let mut linker = Linker::over(View::new(program), resolver, methods);
    let words: UstrSet = linker.open_feature_words().collect();
    let mut own = |file: &FileId| {
        let linked = linker.link(*file);
        let active = linker.active(*file).into_iter().chain(words.iter().copied()).collect();
        (*file, linked, active, linker.own_methods(*file))
    };
    let all: Vec<_> = files.iter().map(&mut own).collect();
    let Linker { wanted, called_unread, program, .. } = linker;
    let shared = Arc::new(Shared { wanted, called_unread, uses: program.uses() });
    let followed = |(file, linked, active, methods)| {
        (file, Followed { linked, active, methods, shared: shared.clone() })
    };
    all.into_iter().map(followed).collect()
}

/// What one chunk of a file says about flags, and what that depends on.
pub(crate) fn follow_chunk(
    program: &Program,
    resolver: &dyn Resolve,
    methods: &Methods,
    file: FileId,
    chunk: u32,
) -> (Linked, Uses) {
    let mut linker = Linker::over(View::closely(program), resolver, methods);
    let linked = linker.link_chunks(file, chunk..chunk + 1);
    (linked, linker.program.uses())
}

/// Follows names. Its answers hold as long as the program does not change.
pub(crate) struct Linker<'p> {
    program: View<'p>,
    resolver: &'p dyn Resolve,
    answers: FxHashMap<Query, Answer>,
    /// Questions with provisional answers, in the order in which they were answered.
    provisional: Vec<Query>,
    /// Methods that ask for what their caller names, where nobody knows whose method is meant.
    methods: &'p Methods,
    resolved: FxHashMap<(FileId, Symbol), Found>,
    depth: u32,
    /// The shallowest question that was met again while it was being answered.
    lowest: u32,
    /// What this site may still ask.
    fuel: u32,
    /// What it might ask at first.
    given: u32,
    /// What the sites of this file may ask together.
    tank: u32,
    /// Files that a key or a client comes from and that were not read so far.
    wanted: BTreeSet<Arc<Path>>,
    /// Names that are called of files that were not read: by `export *` they may lead on without being named there.
    called_unread: BTreeSet<(Arc<Path>, Symbol)>,
    /// The providers that OpenFeature asks.
    providers: Rc<[Provider]>,
}

impl<'p> Linker<'p> {
    fn over(program: View<'p>, resolver: &'p dyn Resolve, methods: &'p Methods) -> Linker<'p> {
        let mut linker = Linker {
            program,
            resolver,
            answers: FxHashMap::default(),
            methods,
            provisional: Vec::new(),
            resolved: FxHashMap::default(),
            depth: 0,
            lowest: u32::MAX,
            fuel: 0,
            given: 0,
            tank: MOST_OF_FILE,
            wanted: BTreeSet::new(),
            called_unread: BTreeSet::new(),
            providers: Rc::new([]),
        };
        linker.find_providers();
        linker
    }

    /// Begins with a file.
    fn begin_file(&mut self) {
        (self.tank, self.given, self.fuel) = (MOST_OF_FILE, 0, 0);
    }

    /// Begins with a site. Names that lead in circles by many ways take long to follow: no site may hold up its file,
    /// and no file the others.
    fn begin_site(&mut self) {
        self.tank = self.tank.saturating_sub(self.given - self.fuel);
        self.given = MOST_QUESTIONS.min(self.tank).max(FEWEST_QUESTIONS);
        self.fuel = self.given;
    }

    /// Answers a question of values once.
    fn ask(&mut self, query: Query, answer: impl FnOnce(&mut Self) -> Values) -> Values {
        let deepest = Said::Values(one(Value::Unknown));
        match self.answer(query, Said::Values(none()), deepest, |it| Said::Values(answer(it))) {
            Said::Values(values) => values,
            Said::Wraps(_) => none(),
        }
    }

    /// Answers a question once. Met again while it is being answered it is `in_circle`, and where it is too deep
    /// to be asked `deepest`.
    fn answer(
        &mut self,
        query: Query,
        in_circle: Said,
        deepest: Said,
        answer: impl FnOnce(&mut Self) -> Said,
    ) -> Said {
        let (waits_for, said) = match self.answers.get(&query) {
            Some(Answer::Known(said)) => return said.clone(),
            Some(Answer::Provisional(depth, said)) => (Some(*depth), said.clone()),
            Some(Answer::Asked(depth)) => (Some(*depth), in_circle),
            None if self.depth >= MOST_DEPTH || self.fuel == 0 => (Some(0), deepest),
            None => (None, in_circle),
        };
        if let Some(depth) = waits_for {
            self.lowest = self.lowest.min(depth);
            return said;
        }
        self.fuel -= 1;
        let (depth, outside) = (self.depth, std::mem::replace(&mut self.lowest, u32::MAX));
        let n_before = self.provisional.len();
        self.answers.insert(query.clone(), Answer::Asked(depth));
        self.depth += 1;
        let said = answer(self);
        self.depth -= 1;
        if let Said::Values(values) = &said {
            // To tell many values apart takes its time, too.
            self.fuel = self.fuel.saturating_sub((values.len() * values.len() / 16) as u32);
        }
        self.remember(query, said.clone(), depth, n_before);
        self.lowest = self.lowest.min(outside);
        said
    }

    /// Keeps an answer. If it led back to an open question, it and what waited for it wait for that one; else what
    /// waited for it may lack what it adds, and is asked anew the next time.
    fn remember(&mut self, query: Query, said: Said, depth: u32, n_before: usize) {
        let waiting = self.provisional.split_off(n_before);
        if self.lowest >= depth {
            self.lowest = u32::MAX;
            waiting.iter().for_each(|it| drop(self.answers.remove(it)));
            self.answers.insert(query, Answer::Known(said));
            return;
        }
        for it in &waiting {
            if let Some(Answer::Provisional(waits_for, _)) = self.answers.get_mut(it) {
                *waits_for = self.lowest.min(*waits_for);
            }
        }
        self.provisional.extend(waiting);
        self.answers.insert(query.clone(), Answer::Provisional(self.lowest, said));
        self.provisional.push(query);
    }

    /// What a step leads to.
    fn step(&mut self, values: &Values, step: Step) -> Values {
        match step {
            Step::Property(name) => self.member(values, name),
            // Of a parameter any element: see [`Linker::at_index`].
            Step::Index(u32::MAX) => self.at_index(values, None),
            Step::Index(at) => self.at_index(values, Some(at)),
            Step::Rest => values.clone(),
        }
    }

    /// What a way leads to.
    fn walk(&mut self, values: Values, path: &[Step]) -> Values {
        path.iter().fold(values, |it, step| self.step(&it, *step))
    }
}
