//! A file while it is rewritten: its text, its tree, and what is known of its expressions, kept in step.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use tree_sitter::{InputEdit, Node, Point, Tree};

use super::Edit;
use super::imports::{Import, imports};
use super::known::Known;
use super::scopes::{Binding, Scopes};
use super::settled;
use crate::syntax::Language;

/// One step of a removal: edits that belong together, and what the new texts give.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    /// Sorted, without overlap.
    pub(super) edits: Vec<Edit>,
    /// What the new text of an edit gives: the edit's number, and where in its text that begins.
    pub(super) known: Vec<(usize, usize, Known)>,
    /// What no two changes may touch at once, by a place that stands for it.
    pub(super) claim: Option<usize>,
    /// What it rewrites, where that is more than the edits touch.
    pub(super) whole: Option<Range<usize>>,
}

impl Change {
    /// Sorted and without what does nothing.
    pub(super) fn of(edits: impl IntoIterator<Item = Edit>) -> Change {
        let mut edits: Vec<Edit> =
            edits.into_iter().filter(|it| !it.range.is_empty() || !it.text.is_empty()).collect();
        edits.sort_by_key(|it| (it.range.start, it.range.end));
        Change { edits, ..Change::default() }
    }

    /// One replacement: after `lead` it gives `known`.
    pub(super) fn literal(range: Range<usize>, lead: &str, literal: &str, known: Known) -> Change {
        let edit = Edit { range, text: format!("{lead}{literal}") };
        Change { edits: vec![edit], known: vec![(0, lead.len(), known)], ..Change::default() }
    }
}

/// Where in a new text something begins, and what it gives.
type Told = (usize, Known);

/// A byte range as a key.
pub(super) type Place = (usize, usize);

/// A file while it is rewritten.
pub(super) struct Document {
    pub(super) language: Language,
    pub(super) text: String,
    pub(super) tree: Tree,
    /// What expressions give, by their place.
    pub(super) marks: BTreeMap<Place, Known>,
    /// Where the names are declared that lost a use: the candidates for what died.
    pub(super) bereft: BTreeSet<usize>,
    /// Where the names are declared that lost an assignment.
    pub(super) unassigned: BTreeSet<usize>,
    /// Where exported names are declared that nothing outside uses.
    pub(super) unexported: BTreeSet<usize>,
    /// Where imported functions are declared that only ask PostHog for all flags.
    pub(super) askers: BTreeSet<usize>,
    /// Where functions begin that lost code.
    pub(super) shortened: BTreeSet<usize>,
    /// Those of which that lost a `yield`: they gave several things.
    pub(super) exhausted: BTreeSet<usize>,
    /// Where members are declared that another file gives another value: overrides, assignments.
    pub(super) overridden: BTreeSet<usize>,
    /// What imported names give, by where they are declared here: the value, and whether it is that of a call.
    pub(super) given: BTreeMap<usize, (Known, bool)>,
    /// A copy, to see what is left of one function: it stays, whatever becomes of its callers.
    pub(super) is_copy: bool,
    /// The quote that literals of this file have.
    pub(super) quote: char,
    /// What its lines end with.
    pub(super) line_break: &'static str,
    /// The names of the text as it is now, once somebody asked for them.
    scopes: OnceCell<Rc<Scopes>>,
    /// Those of the text as it was at first.
    first_scopes: OnceCell<Rc<Scopes>>,
    imports: OnceCell<Rc<[Import]>>,
    /// Every edit so far, in order; each against the text that the one before it left.
    history: Vec<Edit>,
    first_len: usize,
}

impl Document {
    pub(super) fn new(language: Language, text: String, tree: Tree) -> Document {
        let n = |quote: u8| memchr::memchr_iter(quote, text.as_bytes()).count();
        let quote = if n(b'"') > n(b'\'') { '"' } else { '\'' };
        let first_end = text.find('\n').unwrap_or_default();
        let line_break = if text[..first_end].ends_with('\r') { "\r\n" } else { "\n" };
        let first_len = text.len();
        let (marks, bereft, unexported) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Document {
            language,
            text,
            tree,
            marks,
            bereft,
            unexported,
            unassigned: BTreeSet::new(),
            askers: BTreeSet::new(),
            shortened: BTreeSet::new(),
            exhausted: BTreeSet::new(),
            overridden: BTreeSet::new(),
            given: BTreeMap::new(),
            is_copy: false,
            quote,
            line_break,
            scopes: OnceCell::new(),
            first_scopes: OnceCell::new(),
            imports: OnceCell::new(),
            history: Vec::new(),
            first_len,
        }
    }

    /// The names of the text as it is now.
    pub(super) fn scopes(&self) -> Rc<Scopes> {
        let scopes = self.scopes.get_or_init(|| Scopes::of(self.language, &self.text, &self.tree).into());
        if self.history.is_empty() {
            self.first_scopes.get_or_init(|| scopes.clone());
        }
        scopes.clone()
    }

    /// The names of the text as it was at first.
    pub(super) fn first_scopes(&self, before: &str, tree: &Tree) -> Rc<Scopes> {
        self.first_scopes.get_or_init(|| Scopes::of(self.language, before, tree).into()).clone()
    }

    /// What the text imports now.
    pub(super) fn imports(&self) -> Rc<[Import]> {
        self.imports.get_or_init(|| imports(self).into()).clone()
    }

    pub(super) fn of(&self, node: Node) -> &str {
        &self.text[node.byte_range()]
    }

    /// Applies the changes that do not touch each other, the first ones first. Returns how many.
    pub(super) fn apply(&mut self, changes: Vec<Change>, scopes: &Scopes) -> usize {
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut chosen, mut claimed) = (Vec::new(), BTreeSet::new());
        let mut spans: Vec<Range<usize>> = Vec::new();
        for change in changes {
            // Inside of what another one rewrites it may fit better afterwards.
            let span = change.whole.clone().unwrap_or_else(|| span(&change.edits));
            if spans.iter().any(|it| it.start <= span.start && span.end <= it.end) {
                continue;
            }
            if change.claim.is_some_and(|it| claimed.contains(&it)) {
                continue;
            }
            if change.edits.is_empty() || change.edits.iter().any(|it| overlaps(&taken, &it.range)) {
                continue;
            }
            claimed.extend(change.claim);
            spans.push(span);
            taken.extend(change.edits.iter().map(|it| (it.range.start, it.range.end)));
            chosen.push(change);
        }
        let n = chosen.len();
        let mut edits = Vec::new();
        for change in chosen {
            let known = change.known.into_iter().map(|(at, lead, known)| (at, (lead, known)));
            let mut known: BTreeMap<usize, Told> = known.collect();
            edits.extend(change.edits.into_iter().enumerate().map(|(at, it)| (it, known.remove(&at))));
        }
        edits.sort_by_key(|(it, _)| (it.range.start, it.range.end));
        self.note_bereft(&edits, scopes);
        self.move_marks(&edits);
        self.splice(edits.into_iter().map(|it| it.0).collect());
        n
    }

    fn note_bereft(&mut self, edits: &[(Edit, Option<Told>)], scopes: &Scopes) {
        for (edit, _) in edits {
            self.bereft.extend(scopes.declared_of_uses_in(&edit.range));
            self.unassigned.extend(scopes.declared_of_writes_in(&edit.range));
            let function = settled::round(self, &edit.range).map(|it| it.start_byte());
            if self.text[edit.range.clone()].contains("yield") {
                self.exhausted.extend(function);
            }
            self.shortened.extend(function);
        }
    }

    /// Whether a name had more assignments before.
    pub(super) fn lost_writes(&self, binding: &Binding) -> bool {
        self.unassigned.contains(&binding.name.start)
    }

    fn move_marks(&mut self, edits: &[(Edit, Option<Told>)]) {
        let moved = Moved::new(edits.iter().map(|it| &it.0));
        let marks = std::mem::take(&mut self.marks);
        self.marks = marks
            .into_iter()
            .filter_map(|((start, end), known)| Some(((moved.start(start)?, moved.end(end)?), known)))
            .filter(|((start, end), _)| start < end)
            .collect();
        let given = std::mem::take(&mut self.given);
        self.given = given.into_iter().filter_map(|(at, it)| Some((moved.start(at)?, it))).collect();
        let (bereft, unassigned) = (&mut self.bereft, &mut self.unassigned);
        let (unexported, overridden) = (&mut self.unexported, &mut self.overridden);
        let (shortened, exhausted) = (&mut self.shortened, &mut self.exhausted);
        for names in [bereft, unassigned, unexported, overridden, shortened, exhausted, &mut self.askers] {
            *names = names.iter().filter_map(|it| moved.start(*it)).collect();
        }
        let mut shift = 0_isize;
        for (edit, known) in edits {
            let start = edit.range.start.saturating_add_signed(shift);
            if let Some((lead, known)) = known {
                self.marks.insert((start + lead, start + edit.text.len()), known.clone());
            }
            shift += edit.text.len() as isize - edit.range.len() as isize;
        }
    }

    fn splice(&mut self, edits: Vec<Edit>) {
        // From the end: what stands before an edit is still where it was.
        for edit in edits.into_iter().rev() {
            let (start, old_end) = (edit.range.start, edit.range.end);
            let (start_position, old_end_position) = (self.point(start), self.point(old_end));
            self.text.replace_range(edit.range.clone(), &edit.text);
            let new_end = start + edit.text.len();
            self.tree.edit(&InputEdit {
                start_byte: start,
                old_end_byte: old_end,
                new_end_byte: new_end,
                start_position,
                old_end_position,
                new_end_position: self.point(new_end),
            });
            self.history.push(edit);
        }
        self.tree = self.language.parse(&self.text, Some(&self.tree));
        self.scopes.take();
        self.imports.take();
    }

    /// All edits so far as edits of `before`, the text as it was at first.
    pub(super) fn edits(&self, before: &str) -> Vec<Edit> {
        let mut edits = Pieces::of(self.first_len, &self.history).edits();
        // What was taken away and came back.
        edits.retain(|it| before[it.range.clone()] != it.text);
        edits
    }

    /// Where the places of the first text are now.
    pub(super) fn moved(&self) -> Pieces {
        Pieces::of(self.first_len, &self.history)
    }

    fn point(&self, offset: usize) -> Point {
        let before = &self.text.as_bytes()[..offset];
        let row = memchr::memchr_iter(b'\n', before).count();
        let column = offset - memchr::memrchr(b'\n', before).map_or(0, |it| it + 1);
        Point { row, column }
    }
}

fn span(edits: &[Edit]) -> Range<usize> {
    let start = edits.iter().map(|it| it.range.start).min().unwrap_or_default();
    start..edits.iter().map(|it| it.range.end).max().unwrap_or_default()
}

fn overlaps(taken: &BTreeMap<usize, usize>, range: &Range<usize>) -> bool {
    // Two insertions at one place have no order, so they count as well.
    let before = taken.range(..=range.start).next_back();
    let after = taken.range(range.start..).next();
    before.is_some_and(|(start, end)| *end > range.start || *start == range.start)
        || after.is_some_and(|(start, _)| *start < range.end || *start == range.start)
}

/// Where the places of a text are after edits.
pub(super) struct Moved {
    /// Range and length of the new text.
    edits: Vec<(Range<usize>, usize)>,
}

impl Moved {
    /// By edits that are sorted and do not overlap.
    pub(super) fn new<'a>(edits: impl Iterator<Item = &'a Edit>) -> Moved {
        Moved { edits: edits.map(|it| (it.range.clone(), it.text.len())).collect() }
    }

    fn shift(&self, is_before: impl Fn(&Range<usize>) -> bool) -> isize {
        let before = self.edits.iter().take_while(|it| is_before(&it.0));
        before.map(|(range, len)| *len as isize - range.len() as isize).sum()
    }

    /// Where something begins that began here; `None` when that is gone.
    pub(super) fn start(&self, at: usize) -> Option<usize> {
        let gone = self.edits.iter().any(|(it, _)| it.start <= at && at < it.end);
        (!gone).then(|| at.saturating_add_signed(self.shift(|it| it.end <= at)))
    }

    /// Where something ends that ended here.
    pub(super) fn end(&self, at: usize) -> Option<usize> {
        let gone = self.edits.iter().any(|(it, _)| it.start < at && at <= it.end && !it.is_empty());
        (!gone).then(|| at.saturating_add_signed(self.shift(|it| it.end <= at && it.start < at)))
    }
}

/// A text as parts of an older one, with new texts between.
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    old_len: usize,
}

#[derive(Debug, Clone)]
enum Piece {
    Old(Range<usize>),
    New(String),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Old(range) => range.len(),
            Piece::New(text) => text.len(),
        }
    }

    fn split(&self, at: usize) -> (Piece, Piece) {
        match self {
            Piece::Old(range) => {
                (Piece::Old(range.start..range.start + at), Piece::Old(range.start + at..range.end))
            }
            Piece::New(text) => (Piece::New(text[..at].into()), Piece::New(text[at..].into())),
        }
    }
}

impl Pieces {
    /// By edits in the order in which they were made, each against what the one before it left.
    fn of(old_len: usize, history: &[Edit]) -> Pieces {
        let mut pieces = vec![Piece::Old(0..old_len)];
        for edit in history {
            let mut before = Vec::with_capacity(pieces.len() + 2);
            let mut after = Vec::new();
            let mut at = 0;
            for piece in pieces {
                let (start, end) = (at, at + piece.len());
                at = end;
                if end <= edit.range.start {
                    before.push(piece);
                } else if start >= edit.range.end {
                    after.push(piece);
                } else {
                    if start < edit.range.start {
                        before.push(piece.split(edit.range.start - start).0);
                    }
                    if end > edit.range.end {
                        after.push(piece.split(edit.range.end - start).1);
                    }
                }
            }
            if !edit.text.is_empty() {
                before.push(Piece::New(edit.text.clone()));
            }
            before.append(&mut after);
            pieces = before;
        }
        pieces.retain(|it| it.len() > 0);
        Pieces { pieces, old_len }
    }

    fn edits(&self) -> Vec<Edit> {
        let mut edits: Vec<Edit> = Vec::new();
        let (mut at, mut text) = (0, String::new());
        let mut close = |at: usize, until: usize, text: &mut String| {
            if at < until || !text.is_empty() {
                edits.push(Edit { range: at..until, text: std::mem::take(text) });
            }
        };
        for piece in &self.pieces {
            match piece {
                Piece::New(new) => text.push_str(new),
                Piece::Old(range) => {
                    close(at, range.start, &mut text);
                    at = range.end;
                }
            }
        }
        close(at, self.old_len, &mut text);
        edits
    }

    /// Where an old place is now, and where a new one was; `None` for what is gone or new.
    pub(super) fn now(&self, old: usize) -> Option<usize> {
        let mut at = 0;
        for piece in &self.pieces {
            if let Piece::Old(range) = piece
                && range.contains(&old)
            {
                return Some(at + old - range.start);
            }
            at += piece.len();
        }
        None
    }

    /// Where what is at a place now was before.
    pub(super) fn before(&self, new: usize) -> Option<usize> {
        let mut at = 0;
        for piece in &self.pieces {
            if (at..at + piece.len()).contains(&new) {
                return match piece {
                    Piece::Old(range) => Some(range.start + new - at),
                    Piece::New(_) => None,
                };
            }
            at += piece.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_with_what_is_replaced_round_them() {
        let edit = |range: Range<usize>, text: &str| Edit { range, text: text.into() };
        let moved = Moved { edits: vec![(2..5, 1), (8..8, 4)] };
        assert_eq!(moved.start(1), Some(1));
        assert_eq!(moved.start(2), None);
        assert_eq!(moved.start(5), Some(3));
        assert_eq!(moved.start(8), Some(10), "an insertion stands before what begins there");
        assert_eq!(moved.end(8), Some(6), "and behind what ends there");
        assert_eq!(moved.end(5), None);
        let taken = BTreeMap::from([(2, 5)]);
        assert!(overlaps(&taken, &(4..6)) && overlaps(&taken, &(1..3)) && !overlaps(&taken, &(5..6)));
        assert_eq!(edit(1..2, "a").text, "a");
    }
}
