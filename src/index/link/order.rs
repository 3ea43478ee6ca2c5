//! Which of the values that a name is given it has at a place: the last one before it, as far as the code there runs
//! straight on. Where it may go several ways, any of their values.

use std::ops::Range;

use super::eval::as_constant;
use super::value::*;
use super::{Linker, Query};
use crate::syntax::KeyFrom;
use crate::syntax::ir::{Branch, BranchKind, End, Origin, ScopeId, Symbol};

/// More values of one name say nothing that the first do not.
const MOST_GIVEN: usize = 48;

/// A place where a name is given a value.
struct Given {
    /// The last byte of what says so: behind it the name has the value.
    from: usize,
    what: What,
    function: Option<FunctionAt>,
}

#[derive(Clone, Copy)]
enum What {
    Declared(BindingAt),
    Assigned(ExprAt),
}

/// A branch, and where it is in the file.
#[derive(Debug, Clone, PartialEq)]
struct Placed {
    range: Range<usize>,
    statement: (u32, u32),
    kind: BranchKind,
    is_total: bool,
    end: End,
}

impl Linker<'_> {
    /// What a name has at its place, if that may be something else than `values`, which it has anywhere.
    pub(super) fn in_order(&mut self, at: ExprAt, name: Symbol, scope: ScopeId, values: Values) -> Values {
        let may_vary = match &*values {
            [] => false,
            [only] => matches!(only, Value::Unknown),
            _ => true,
        };
        let found = if may_vary { self.program.lookup(name, at.with(scope)) } else { Default::default() };
        if found.is_empty() {
            return values;
        }
        let assigned = self.program.assigned(at.file, name);
        if let ([only], []) = (&found[..], assigned)
            && self.chunk(only).bindings[only.id.at()].next.is_none()
        {
            return values;
        }
        let given = self.given_to(&found, name);
        let function = self.program.functions_around(at.with(scope)).next();
        if given.len() < 2 || given.iter().any(|it| it.function != function) {
            return values;
        }
        self.ask(Query::Expr(at), |it| it.last_given(at, name, &given).unwrap_or(values))
    }

    fn last_given(&mut self, at: ExprAt, name: Symbol, given: &[Given]) -> Option<Values> {
        let place = self.place_in_file(at.file, at.chunk, self.chunk(&at).spans[at.id.at()].start);
        let branches = self.branches_of(at, given);
        let places: Vec<usize> = given.iter().map(|it| it.from).collect();
        let reaching = reaching(&places, place, &branches);
        if reaching.is_empty() {
            return None;
        }
        let (mut union, mut n_definers) = (Union::default(), 0);
        for it in reaching {
            let values = match given[it].what {
                What::Declared(at) => self.origin(at, &self.chunk(&at).bindings[at.id.at()]),
                What::Assigned(at) => as_constant(self.eval(at), KeyFrom::Constant),
            };
            n_definers += usize::from(!super::bindings::is_nothing(&values));
            union.add(values);
        }
        let values = super::bindings::settled(union.done(), n_definers);
        Some(self.or_named(at.file, name, values))
    }

    fn place_in_file(&self, file: FileId, chunk: u32, place: u32) -> usize {
        (self.program.module(file).chunks[chunk as usize].start + place) as usize
    }

    fn given_to(&mut self, bindings: &[BindingAt], name: Symbol) -> Vec<Given> {
        let mut found = Vec::new();
        for first in bindings {
            let mut next = Some(first.id);
            while let Some(id) = next.take().filter(|_| found.len() < MOST_GIVEN) {
                let chunk = self.chunk(first);
                let binding = &chunk.bindings[id.at()];
                next = binding.next;
                let end = match binding.origin {
                    Origin::Value { value: None, .. } => continue,
                    Origin::Value { value: Some(value), .. } => chunk.spans[value.at()].end - 1,
                    _ => 0,
                };
                found.push(Given {
                    from: self.place_in_file(first.file, first.chunk, end.max(binding.at.start)),
                    what: What::Declared(first.with(id)),
                    function: self.program.functions_around(first.with(binding.scope)).next(),
                });
            }
        }
        let Some(file) = bindings.first().map(|it| it.file) else { return found };
        for it in self.program.assigned(file, name).iter().take(MOST_GIVEN) {
            let to = At { file, chunk: it.chunk, id: it.to };
            if self.program.lookup(name, to).iter().any(|it| bindings.contains(it)) {
                let end = self.chunk(&to).spans[it.value.at()].end - 1;
                found.push(Given {
                    from: self.place_in_file(file, it.chunk, end),
                    what: What::Assigned(to.with(it.value)),
                    function: self.program.functions_around(to).next(),
                });
            }
        }
        found
    }

    /// The branches of the chunks that have a part in it.
    fn branches_of(&self, at: ExprAt, given: &[Given]) -> Vec<Placed> {
        let chunk_of = |it: &Given| match it.what {
            What::Declared(at) => at.chunk,
            What::Assigned(at) => at.chunk,
        };
        let mut chunks: Vec<u32> = given.iter().map(chunk_of).chain([at.chunk]).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let mut found = Vec::new();
        for chunk in chunks {
            let start = self.place_in_file(at.file, chunk, 0);
            let placed = |it: &Branch| Placed {
                range: start + it.at.start as usize..start + it.at.end as usize,
                statement: (chunk, it.statement),
                kind: it.kind,
                is_total: it.is_total,
                end: it.end,
            };
            found.extend(self.chunk(&At { file: at.file, chunk, id: () }).branches.iter().map(placed));
        }
        found
    }
}

/// Which of the places where a name is given a value the value at `place` may come from.
fn reaching(given: &[usize], place: usize, branches: &[Placed]) -> Vec<usize> {
    let round = |at: usize| branches.iter().filter(move |it| it.range.contains(&at));
    // Branches that end before they get to the place, and go somewhere else than on.
    let left =
        |from: usize, end: End| round(from).filter(move |it| it.end == end && !it.range.contains(&place));
    let is_loop = |it: &&Placed| it.kind == BranchKind::Loop;
    let loop_round = |it: &Placed| {
        round(it.range.start).filter(is_loop).min_by_key(|it| it.range.len()).map(|it| &it.range)
    };
    // Whoever comes from the one and gets to the other passes this.
    let is_passed = |between: usize, from: usize, to: usize| {
        let is_left_out = |it: &Placed| {
            !it.range.contains(&between) && loop_round(it).is_some_and(|it| it.contains(&between))
        };
        round(between).all(|it| it.range.contains(&from) || it.range.contains(&to))
            && !left(from, End::OutOfLoop).any(is_left_out)
    };
    // What is raised in an attempt may be caught.
    let is_caught = |it: &Placed| {
        let attempts = branches.iter().filter(|it| it.kind == BranchKind::Attempt);
        attempts.clone().any(|of| of.range.start <= it.range.start && it.range.end <= of.range.end)
    };
    let ends_before =
        |from: usize| left(from, End::Out).any(|it| it.kind == BranchKind::Way && !is_caught(it));
    let statement = |of: &Placed| {
        let of = of.statement;
        branches.iter().filter(move |it| it.statement == of)
    };
    // So it does where every way of a statement between gives a value.
    let is_passed_by_any_way = |from: usize| {
        branches.iter().filter(|it| it.is_total).any(|it| {
            let all = || statement(it);
            all().all(|it| from < it.range.start && it.range.end <= place)
                && all().all(|way| {
                    let inner = |it: &&Placed| *it != way && way.range.start <= it.range.start;
                    let gives = |at: &&usize| way.range.contains(at) && !round(**at).any(|it| inner(&it));
                    way.end == End::Out || given.iter().any(|it| gives(&it))
                })
        })
    };
    let goes_straight = |from: usize| {
        let other_way = |it: &Placed| {
            it.kind == BranchKind::Way
                && !it.range.contains(&place)
                && statement(it).any(|other| other.range.contains(&place))
        };
        from < place
            && !left(from, End::OutOfLoop).any(|it| loop_round(it).is_some_and(|it| it.contains(&place)))
            && !round(from).any(other_way)
            && !given.iter().any(|it| *it > from && *it < place && is_passed(*it, from, place))
            && !is_passed_by_any_way(from)
    };
    // Once more round a loop: to its end, and from its beginning.
    let goes_round = |from: usize| {
        round(place).filter(|it| it.kind == BranchKind::Loop && it.range.contains(&from)).any(|it| {
            let (start, end) = (it.range.start, it.range.end - 1);
            let inside = |at: &&usize| it.range.contains(at);
            let before_end = |at: &usize| *at > from && is_passed(*at, from, end);
            let after_start = |at: &usize| *at < place && is_passed(*at, start, place);
            !given.iter().filter(inside).any(|at| before_end(at) || after_start(at))
        })
    };
    let reaches = |from: usize| !ends_before(from) && (goes_straight(from) || goes_round(from));
    (0..given.len()).filter(|it| reaches(given[*it])).collect()
}
