//! Every name of a file: where it is declared, and every place that uses it.
//!
//! Unlike the index, which follows values from file to file, this knows all uses of all names, types included: to
//! say that nothing uses a name needs all of them.

mod javascript;
mod members;
mod python;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use tree_sitter::Tree;

use crate::syntax::Language;

/// A declared name.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Where the name stands in its declaration; of several, the first.
    pub(crate) name: Range<usize>,
    /// The other declarations: `var` twice, overloads, Python's assignments.
    pub(crate) again: Vec<Range<usize>>,
    /// The whole declaration that names it: statement, declarator, parameter, import specifier.
    pub(crate) declaration: Range<usize>,
    /// What declares it.
    pub(crate) kind: Kind,
    /// The uses of its value or type, without those that write.
    pub(crate) reads: Vec<Use>,
    /// Where it is assigned to, its declaration not counted.
    pub(crate) writes: Vec<Range<usize>>,
    /// The scope that declares it.
    pub(crate) scope: usize,
}

impl Binding {
    /// Whether a place is inside of a function or class that has this name.
    pub(super) fn is_within_itself(&self, at: usize) -> bool {
        matches!(self.kind, Kind::Function | Kind::Class | Kind::Type | Kind::Member)
            && self.declaration.start <= at
            && at < self.declaration.end
    }
}

/// What declares a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `const`.
    Constant,
    /// `let`, `var`, a Python assignment.
    Variable,
    /// A function.
    Function,
    /// A class.
    Class,
    /// An enum.
    Enum,
    /// A type alias or interface.
    Type,
    /// An import.
    Import,
    /// A parameter.
    Parameter,
    /// A field, method or getter of a class; Python's are what their declaration is.
    Member,
    /// A caught error, a loop's variable, a pattern of `match`, and the like.
    Other,
}

/// A use of a name.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    /// The name.
    pub(crate) range: Range<usize>,
    /// How it is used.
    pub(crate) how: How,
}

/// How a name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Its value is read.
    Value,
    /// `{ name }`: the value, and the name of a property too.
    Shorthand,
    /// In a type.
    Type,
    /// `export { name }`, `__all__`.
    Export,
}

/// The names of a file.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    pub(crate) bindings: Vec<Binding>,
    /// The scope round each.
    parents: Vec<Option<usize>>,
    /// What each scope belongs to, in bytes.
    extents: Vec<Range<usize>>,
    /// Scopes whose names functions inside do not see: Python's classes.
    hidden: Vec<usize>,
    /// Names of each scope.
    names: Vec<HashMap<(Box<str>, Space), usize>>,
    /// Uses by where they begin: of which binding, up to where.
    uses: BTreeMap<usize, (usize, usize)>,
    /// Bindings by where they are declared, each time that they are.
    declared: HashMap<usize, usize>,
    /// Where members of classes are declared.
    members: BTreeSet<usize>,
    /// Names that nothing here declares, where they are used.
    free: Vec<(Box<str>, Range<usize>, usize)>,
}

/// Values and types may share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    Value,
    Type,
}

impl Scopes {
    pub(crate) fn of(language: Language, text: &str, tree: &Tree) -> Scopes {
        let mut scopes = match language {
            Language::Python => python::scopes(text, tree),
            _ => javascript::scopes(text, tree),
        };
        scopes.note_declared();
        members::add(&mut scopes, language, text, tree);
        scopes.note_declared();
        scopes
    }

    fn note_declared(&mut self) {
        for (at, binding) in self.bindings.iter().enumerate() {
            for name in std::iter::once(&binding.name).chain(&binding.again) {
                self.declared.entry(name.start).or_insert(at);
            }
        }
    }

    /// The binding that is used or declared at a place.
    pub(crate) fn at(&self, range: &Range<usize>) -> Option<&Binding> {
        let used = self.uses.get(&range.start).filter(|it| it.1 == range.end).map(|it| &self.bindings[it.0]);
        used.or_else(|| self.declared_at(range.start))
    }

    /// The binding whose name is declared at an offset.
    pub(super) fn declared_at(&self, at: usize) -> Option<&Binding> {
        self.declared.get(&at).map(|it| &self.bindings[*it])
    }

    /// Where the names are declared that are used inside a range; what a function or class says of itself is no use.
    pub(super) fn declared_of_uses_in(&self, range: &Range<usize>) -> Vec<usize> {
        let uses = self.uses.range(range.start..range.end).filter(|(_, (_, end))| *end <= range.end);
        let used = uses.map(|(start, (binding, _))| (*start, &self.bindings[*binding]));
        let members = self.members.iter().filter_map(|it| self.declared_at(*it));
        let members = members.flat_map(|binding| {
            let within = binding.reads.iter().map(|it| &it.range);
            let within = within.filter(|it| range.start <= it.start && it.end <= range.end);
            within.map(move |it| (it.start, binding))
        });
        let others = used.chain(members).filter(|(at, binding)| !binding.is_within_itself(*at));
        others.map(|(_, binding)| binding.name.start).collect()
    }

    /// Where the names are declared that are assigned to inside a range.
    pub(super) fn declared_of_writes_in(&self, range: &Range<usize>) -> Vec<usize> {
        let is_inside = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
        let written = self.bindings.iter().filter(|it| it.writes.iter().any(is_inside));
        written.map(|it| it.name.start).collect()
    }

    /// What a name means in a scope, the scopes round it included.
    fn lookup(&self, name: &str, space: Space, scope: usize) -> Option<usize> {
        let mut at = Some(scope);
        let from = scope;
        while let Some(scope) = at {
            if scope != from && self.hidden.contains(&scope) {
                at = self.parents[scope];
                continue;
            }
            if let Some(found) = self.names[scope].get(&(name.into(), space)) {
                return Some(*found);
            }
            at = self.parents[scope];
        }
        None
    }

    /// What a value's name means at a place.
    pub(crate) fn visible(&self, name: &str, at: usize) -> Option<&Binding> {
        let is_round = |it: &usize| {
            // Scopes of members stand apart: no name is looked up in them.
            let is_apart = *it != 0 && self.parents[*it].is_none();
            !is_apart && self.extents[*it].start <= at && at < self.extents[*it].end
        };
        let round = (0..self.extents.len()).filter(is_round);
        let innermost = round.min_by_key(|it| (self.extents[*it].len(), std::cmp::Reverse(*it))).unwrap_or(0);
        self.lookup(name, Space::Value, innermost).map(|it| &self.bindings[it])
    }

    /// The bindings that a scope itself declares.
    pub(super) fn declared_in(&self, scope: &Range<usize>) -> impl Iterator<Item = &Binding> {
        let scope = self.extents.iter().position(|it| it == scope);
        self.bindings.iter().filter(move |it| Some(it.scope) == scope)
    }

    /// Whether a name, moved from a scope into the one round a statement, would meet another of that name: one that is declared
    /// there, or one from further out that is used there.
    pub(super) fn would_clash(&self, text: &str, binding: &Binding, statement: &Range<usize>) -> bool {
        let mut outer = binding.scope;
        // Out of the whole statement, which may have several scopes.
        while statement.start <= self.extents[outer].start && self.extents[outer].end <= statement.end {
            match self.parents[outer] {
                Some(it) => outer = it,
                None => return true,
            }
        }
        let name = &text[binding.name.clone()];
        let inside = &self.extents[binding.scope];
        let declared = [Space::Value, Space::Type].iter().any(|space| {
            self.names[outer].contains_key(&(name.into(), *space)) || self.is_parameter_of(name, outer)
        });
        let is_within = |it: &Range<usize>| {
            let extent = &self.extents[outer];
            extent.start <= it.start
                && it.end <= extent.end
                && !(inside.start <= it.start && it.end <= inside.end)
        };
        let names = || self.bindings.iter().filter(|it| it.kind != Kind::Member);
        let used = names().any(|it| {
            text[it.name.clone()] == *name
                && it.scope != binding.scope
                && (it.reads.iter().any(|it| is_within(&it.range)) || it.writes.iter().any(is_within))
        });
        // A `var` of the function stands in the way where it is declared.
        let is_outer = |it: &Binding| {
            self.extents[it.scope].start <= self.extents[outer].start
                && self.extents[outer].end <= self.extents[it.scope].end
        };
        let stands = names().any(|it| {
            text[it.name.clone()] == *name
                && it.scope != binding.scope
                && is_outer(it)
                && std::iter::once(&it.name).chain(&it.again).any(is_within)
        });
        let free = self.free.iter().any(|(it, range, _)| **it == *name && is_within(range));
        declared || used || stands || free
    }

    /// Whether a name is that of a member of a class, which is read as `this.name` and the like.
    pub(crate) fn is_member(&self, binding: &Binding) -> bool {
        self.members.contains(&binding.name.start)
    }

    /// Adds a scope that no name is looked up in.
    fn open_apart(&mut self, extent: Range<usize>) -> usize {
        self.parents.push(None);
        self.extents.push(extent);
        self.names.push(HashMap::new());
        self.parents.len() - 1
    }

    /// A function's parameters share the names of its body.
    fn is_parameter_of(&self, name: &str, scope: usize) -> bool {
        self.parents[scope].is_some_and(|outer| {
            let found = self.names[outer].get(&(name.into(), Space::Value));
            found.is_some_and(|it| matches!(self.bindings[*it].kind, Kind::Parameter | Kind::Other))
        })
    }

    /// Each use and declaration with the place where its name is declared, for comparing before and after.
    pub(super) fn resolved(&self) -> impl Iterator<Item = (Range<usize>, usize)> {
        self.uses.iter().map(|(start, (binding, end))| (*start..*end, self.bindings[*binding].name.start))
    }

    /// Names that nothing declares, where they are used.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = &Range<usize>> {
        self.free.iter().map(|it| &it.1)
    }
}

/// What a language's walk collects; uses are resolved at the end, when every declaration is known.
#[derive(Default)]
struct Collector {
    scopes: Scopes,
    pending: Vec<Pending>,
    comprehensions: Vec<usize>,
}

struct Pending {
    name: Box<str>,
    range: Range<usize>,
    scope: usize,
    space: Option<Space>,
    how: Option<How>,
}

impl Collector {
    fn open(&mut self, parent: Option<usize>, extent: Range<usize>) -> usize {
        self.scopes.parents.push(parent);
        self.scopes.extents.push(extent);
        self.scopes.names.push(HashMap::new());
        self.scopes.parents.len() - 1
    }

    fn hide_from_inner(&mut self, scope: usize) {
        self.scopes.hidden.push(scope);
    }

    fn mark_comprehension(&mut self, scope: usize) {
        self.comprehensions.push(scope);
    }

    fn outside_of_comprehensions(&self, scope: usize) -> usize {
        let mut scope = scope;
        while let Some(outer) = self.scopes.parents[scope].filter(|_| self.comprehensions.contains(&scope)) {
            scope = outer;
        }
        scope
    }

    /// Declares a name; a second declaration in the same scope joins the first.
    fn declare(
        &mut self,
        scope: usize,
        name: (&str, Range<usize>),
        kind: Kind,
        declaration: Range<usize>,
        spaces: &[Space],
    ) {
        let (name, range) = name;
        let first = spaces.iter().find_map(|it| self.scopes.names[scope].get(&(name.into(), *it)).copied());
        let binding = first.unwrap_or_else(|| {
            self.scopes.bindings.push(Binding {
                name: range.clone(),
                again: Vec::new(),
                declaration,
                kind,
                reads: Vec::new(),
                writes: Vec::new(),
                scope,
            });
            self.scopes.bindings.len() - 1
        });
        if first.is_some() {
            self.scopes.bindings[binding].again.push(range);
        }
        for space in spaces {
            self.scopes.names[scope].entry((name.into(), *space)).or_insert(binding);
        }
    }

    /// Notes a read (`how`), or a write (`None`).
    fn note(&mut self, scope: usize, name: (&str, Range<usize>), space: Option<Space>, how: Option<How>) {
        self.pending.push(Pending { name: name.0.into(), range: name.1, scope, space, how });
    }

    fn finish(mut self) -> Scopes {
        for it in self.pending {
            let spaces: &[Space] = match it.space {
                Some(Space::Value) => &[Space::Value],
                Some(Space::Type) => &[Space::Type],
                None => &[Space::Value, Space::Type],
            };
            let mut found = spaces.iter().filter_map(|space| self.scopes.lookup(&it.name, *space, it.scope));
            let Some(binding) = found.next() else {
                self.scopes.free.push((it.name, it.range, it.scope));
                continue;
            };
            let also = found.next().filter(|it| *it != binding);
            self.scopes.uses.insert(it.range.start, (binding, it.range.end));
            for binding in [Some(binding), also].into_iter().flatten() {
                let binding = &mut self.scopes.bindings[binding];
                match it.how {
                    Some(how) => binding.reads.push(Use { range: it.range.clone(), how }),
                    None => binding.writes.push(it.range.clone()),
                }
            }
        }
        self.scopes
    }
}
