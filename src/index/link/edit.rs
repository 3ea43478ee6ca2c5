//! What an edit of a file changes for others: chunks that are gone, and the names by which others come to what is
//! in a chunk.

use rustc_hash::FxHashSet;
use ustr::UstrSet;

use crate::syntax::ir::{Call, CallKind, Chunk, Class, Export, Expr, Placed, Symbol, Target};

/// Stands for the name of any element with a `value`, which may be the provider of a context.
pub(super) const PROVIDING: &str = "<value>";

/// Stands for what puts an element into an object, among the names that are called.
pub(super) const FILLING: &str = "<element>";

/// Stands for what a module gives to others as another has it, among the names that are looked up.
pub(super) const EXPORTING: &str = "<exports>";

/// Stands for what derives a class from one of this name, among the names that are called.
pub(super) fn deriving(base: Symbol) -> Symbol {
    Symbol::from(&format!("<of {base}>"))
}

/// The names of what a class is derived from.
pub(super) fn bases(chunk: &Chunk, class: &Class) -> impl Iterator<Item = Symbol> {
    chunk.exprs_in(class.bases).iter().filter_map(|it| match chunk.exprs[it.at()] {
        Expr::Name(name, _) => Some(name),
        Expr::Member(member) => Some(chunk.members[member as usize].name),
        _ => None,
    })
}

/// What an edit of a file changed.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    /// Chunks that are there no longer.
    pub gone: FxHashSet<Address>,
    /// Names that are declared, assigned or exported now and were not, or the other way round.
    pub names: UstrSet,
    /// Names that are called by what changed, before and now.
    called_before: UstrSet,
    called: UstrSet,
}

/// Tells the chunks of a program from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(usize);

impl Address {
    /// Of a chunk, as long as it is there.
    pub fn of(chunk: &Chunk) -> Address {
        Address(std::ptr::from_ref(chunk).addr())
    }
}

impl Edit {
    /// From one state of a file to another.
    pub fn of(old: &[Placed], new: &[Placed]) -> Edit {
        let (gone, come): (Vec<_>, Vec<_>) = (not_in(old, new).collect(), not_in(new, old).collect());
        let (before, now) = (names_of(gone.iter().copied()), names_of(come.iter().copied()));
        let mut names: UstrSet = before.symmetric_difference(&now).map(|it| it.1).collect();
        let exports = |it: &&Placed| it.chunk.exports.iter().any(|it| !matches!(it, Export::Name { .. }));
        if gone.iter().chain(&come).any(exports) {
            names.insert(Symbol::from(EXPORTING));
        }
        Edit {
            gone: gone.iter().map(|it| Address::of(&it.chunk)).collect(),
            names,
            called_before: calls_of(gone),
            called: calls_of(come),
        }
    }

    /// Names that are called and were not.
    pub fn called_anew(&self) -> impl Iterator<Item = &Symbol> {
        self.called.difference(&self.called_before)
    }

    /// Names that what changed called before and calls no longer.
    pub fn called_no_more(&self) -> impl Iterator<Item = &Symbol> {
        self.called_before.difference(&self.called)
    }
}

/// The names that chunks call.
pub(super) fn calls_of<'c>(chunks: impl IntoIterator<Item = &'c Placed>) -> UstrSet {
    let mut names = UstrSet::default();
    for placed in chunks {
        let chunk = &placed.chunk;
        names.extend(chunk.call_names.iter().flatten());
        names.extend(chunk.classes.iter().flat_map(|it| bases(chunk, it)).map(deriving));
        let gives_value = |it: &Call| {
            it.kind == CallKind::Element
                && chunk.args_in(it.args).iter().any(|it| it.name.is_some_and(|it| &*it == "value"))
        };
        if chunk.calls.iter().any(gives_value) {
            names.insert(Symbol::from(PROVIDING));
        }
        if chunk.assignments.iter().any(|it| matches!(it.target, Target::Element(_))) {
            names.insert(Symbol::from(FILLING));
        }
    }
    names
}

/// How a chunk has a name, for others to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Has {
    Declared,
    Type,
    Assigned,
    Member,
    Exported,
}

/// The names that chunks declare, assign or export.
fn names_of<'c>(chunks: impl IntoIterator<Item = &'c Placed>) -> FxHashSet<(Has, Symbol)> {
    let mut names = FxHashSet::default();
    for placed in chunks {
        let chunk = &placed.chunk;
        if let Some(root) = chunk.scopes.first().filter(|_| placed.parent.is_none()) {
            names.extend(root.names.iter().map(|it| (Has::Declared, it.0)));
            names.extend(root.types.iter().map(|it| (Has::Type, it.0)));
        }
        names.extend(chunk.assignments.iter().filter_map(|it| match it.target {
            Target::Name(name, _) => Some((Has::Assigned, name)),
            Target::Member(_, name) => Some((Has::Member, name)),
            Target::Element(_) => None,
        }));
        names.extend(chunk.exports.iter().filter_map(|it| match it {
            Export::Name { name, .. } | Export::From { name, .. } => Some((Has::Exported, *name)),
            Export::All { .. } | Export::Whole { .. } => None,
        }));
    }
    names
}

/// The chunks that are not among those of another state of the file.
fn not_in<'c>(chunks: &'c [Placed], others: &[Placed]) -> impl Iterator<Item = &'c Placed> {
    let others: FxHashSet<Address> = others.iter().map(|it| Address::of(&it.chunk)).collect();
    chunks.iter().filter(move |it| !others.contains(&Address::of(&it.chunk)))
}
