//! One pass over a file: what follows from what is known, then the steps that it allows.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use tree_sitter::Node;

use super::document::{Change, Document, Place};
use super::known::Known;
use super::scopes::{Binding, How, Kind, Scopes};
use super::view::{View, parts, view};
use super::{javascript, python, settled};
use crate::syntax::Language;

/// What an expression gives, and what must be evaluated all the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub(super) known: Known,
    /// Expressions with effects that ran before, in order.
    pub(super) effects: Vec<Range<usize>>,
}

impl Mark {
    /// Whether the expression will not stay as it is written.
    fn is_replaced(&self) -> bool {
        self.effects.is_empty() && !matches!(self.known, Known::Partly(_))
    }

    /// What comes after it gives, once both were evaluated.
    fn then(self, second: Mark) -> Mark {
        let effects = self.effects.into_iter().chain(second.effects).collect();
        Mark { known: second.known, effects }
    }
}

pub(super) struct Pass<'d> {
    pub(super) doc: &'d Document,
    pub(super) scopes: &'d Scopes,
    pub(super) marks: HashMap<Place, Mark>,
    queue: Vec<Node<'d>>,
    /// The expressions that will not stay as they are written, without those inside of others.
    outermost: OnceCell<Vec<Place>>,
}

fn outermost(marks: &HashMap<Place, Mark>) -> Vec<Place> {
    let mut places: Vec<Place> =
        marks.iter().filter(|(_, mark)| mark.is_replaced()).map(|it| *it.0).collect();
    places.sort_by_key(|(start, end)| (*start, Reverse(*end)));
    let mut until = 0;
    places.retain(|(_, end)| {
        let is_outer = *end > until;
        until = until.max(*end);
        is_outer
    });
    places
}

/// The expression or statement that a node is a part of; an argument is one of the call.
fn around(node: Node) -> Option<Node> {
    let parent = node.parent()?;
    match parent.kind() {
        "arguments" | "argument_list" => parent.parent(),
        _ => Some(parent),
    }
}

fn place(node: Node) -> Place {
    (node.start_byte(), node.end_byte())
}

impl<'d> Pass<'d> {
    /// Follows what is known as far as it goes.
    pub(super) fn new(doc: &'d Document, scopes: &'d Scopes) -> Pass<'d> {
        let mut pass =
            Pass { doc, scopes, marks: HashMap::new(), queue: Vec::new(), outermost: OnceCell::new() };
        for ((start, end), known) in &doc.marks {
            if let Some(node) = pass.node(&(*start..*end)) {
                pass.mark(node, Mark { known: known.clone(), effects: Vec::new() });
            }
        }
        for (at, (known, is_called)) in &doc.given {
            match is_called {
                true => pass.follow_calls(*at, known),
                false => pass.follow_name(&(*at..*at), known),
            }
        }
        if !doc.is_copy {
            for (binding, known) in settled::functions(&pass) {
                pass.follow_calls(binding.name.start, &known);
            }
        }
        while let Some(node) = pass.queue.pop() {
            pass.follow(node);
        }
        pass
    }

    pub(super) fn language(&self) -> Language {
        self.doc.language
    }

    /// The smallest node that spans exactly a range.
    pub(super) fn node(&self, range: &Range<usize>) -> Option<Node<'d>> {
        let node = self.doc.tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
        (node.byte_range() == *range).then_some(node)
    }

    pub(super) fn view(&self, node: Node<'d>) -> View<'d> {
        view(self.language(), &self.doc.text, node)
    }

    pub(super) fn mark(&mut self, node: Node<'d>, mark: Mark) {
        if let Entry::Vacant(free) = self.marks.entry(place(node)) {
            free.insert(mark);
            self.queue.push(node);
        }
    }

    pub(super) fn marked(&self, node: Node) -> Option<&Mark> {
        self.marks.get(&place(node))
    }

    /// What an expression gives: followed from the flag, or written down.
    pub(super) fn known(&self, node: Node<'d>) -> Option<Mark> {
        if let Some(mark) = self.marked(node) {
            return Some(mark.clone());
        }
        match self.view(node) {
            View::Literal(known) => Some(Mark { known, effects: Vec::new() }),
            View::Same(inner) => self.known(inner),
            _ => None,
        }
    }

    fn truth(&self, node: Node<'d>) -> Option<(bool, Mark)> {
        let mark = self.known(node)?;
        Some((mark.known.is_truthy(self.language())?, mark))
    }

    fn follow(&mut self, node: Node<'d>) {
        let is_element = |it: &Mark| matches!(it.known, Known::Feature(_) | Known::Shows { .. });
        if self.marked(node).is_some_and(is_element) {
            let known = self.marked(node).map(|it| it.known.clone());
            if let Some((name, payload)) =
                known.and_then(|it| javascript::payload_of_children(self, node, &it))
            {
                self.follow_name(&name, &payload);
            }
            return;
        }
        if let Some(parent) = around(node).filter(|it| place(*it) != place(node))
            && self.marked(parent).is_none()
        {
            match self.evaluate(parent) {
                Some(mark) => self.mark(parent, mark),
                None => self.follow_chosen(parent),
            }
        }
        let Some(mark) = self.marked(node).filter(|it| it.effects.is_empty()) else { return };
        let known = mark.known.clone();
        if self.language() != Language::Python {
            self.follow_field(node, &known);
        }
        let bound = match self.language() {
            Language::Python => python::bound(node, &known),
            _ => javascript::bound(self, node, &known),
        };
        for (name, known) in bound {
            self.follow_name(&name, &known);
        }
        if self.doc.is_copy {
            return;
        }
        let echoes = match self.language() {
            Language::Python => python::echoes(self, node),
            _ => javascript::echoes(self, node),
        };
        for echo in echoes {
            self.mark(echo, Mark { known: known.clone(), effects: Vec::new() });
        }
    }

    /// `{ isNew: read }`: of the object one field more is known.
    fn follow_field(&mut self, node: Node<'d>, known: &Known) {
        let Some((object, name)) = javascript::field_of_object(self, node) else { return };
        let mut fields = match self.marked(object).map(|it| &it.known) {
            Some(Known::Partly(fields)) => fields.clone(),
            Some(_) => return,
            None => BTreeMap::new(),
        };
        if fields.insert(name, known.clone()).is_none() {
            self.marks.insert(place(object), Mark { known: Known::Partly(fields), effects: Vec::new() });
            self.queue.push(object);
        }
    }

    /// `const size = read ? 'l' : 's'`: the text stays where the code says it, but what it decides is decided.
    fn follow_chosen(&mut self, choice: Node<'d>) {
        let View::Choice { test, yes, no } = self.view(choice) else { return };
        let Some((truth, mark)) = self.truth(test) else { return };
        let value = self.known(if truth { yes } else { no });
        let Some(value) = value.filter(|it| it.effects.is_empty() && mark.effects.is_empty()) else { return };
        let scopes = self.scopes;
        let binding = self.bound_name(choice).and_then(|it| scopes.declared_at(it.start));
        let Some(binding) = binding.filter(|it| self.is_constant(it)) else { return };
        for it in binding.reads.iter().filter(|it| it.how == How::Value) {
            if let Some(node) = self.node(&it.range).filter(|it| self.is_consumed(*it)) {
                self.mark(node, value.clone());
            }
        }
    }

    /// Every read of a name that is assigned once gives what it was assigned.
    fn follow_name(&mut self, name: &Range<usize>, known: &Known) {
        let scopes = self.scopes;
        let Some(binding) = scopes.declared_at(name.start).filter(|it| self.is_constant(it)) else { return };
        let is_object = matches!(known, Known::Partly(_));
        if is_object && !javascript::is_only_looked_into(self, binding) {
            return;
        }
        for it in &binding.reads {
            if let Some(node) =
                self.node(&it.range).filter(|_| it.how == How::Value || it.how == How::Shorthand)
            {
                if is_object {
                    // More of its fields may be known by now.
                    self.marks.remove(&place(node));
                }
                self.mark(node, Mark { known: known.clone(), effects: Vec::new() });
            }
        }
    }

    /// Every call of a name that is imported gives what is known of it.
    fn follow_calls(&mut self, name: usize, known: &Known) {
        let scopes = self.scopes;
        let Some(binding) = scopes.declared_at(name).filter(|it| self.is_constant(it)) else { return };
        for call in self.calls_of(binding) {
            self.mark(call, Mark { known: known.clone(), effects: Vec::new() });
        }
        let shows_nothing = known.is_bool() || known.is_nothing() == Some(true);
        if self.language() != Language::Python && shows_nothing {
            let shows = Known::Shows { property: String::new(), otherwise: "null".into() };
            for element in javascript::elements_of(self, binding) {
                self.mark(element, Mark { known: shows.clone(), effects: Vec::new() });
            }
        }
    }

    /// Every call of a name whose arguments do nothing.
    pub(super) fn calls_of(&self, binding: &Binding) -> Vec<Node<'d>> {
        let calls = binding.reads.iter().filter_map(|it| {
            let callee = self.node(&it.range)?;
            let call = callee.parent().filter(|it| matches!(it.kind(), "call_expression" | "call"))?;
            let is_callee = call.child_by_field_name("function") == Some(callee);
            let arguments = parts(call.child_by_field_name("arguments")?);
            let is_value = self.language() != Language::Python || !python::is_scheduled(self.doc, call);
            (is_callee && is_value && arguments.iter().all(|it| self.is_pure(*it))).then_some(call)
        });
        calls.collect()
    }

    /// Every read of a member that is a getter or property.
    pub(super) fn reads_of(&self, binding: &Binding) -> Vec<Node<'d>> {
        let values = binding.reads.iter().filter(|it| it.how == How::Value);
        values.filter_map(|it| self.node(&it.range)).collect()
    }

    /// Whether a name was used where the removal took it away, or will.
    pub(super) fn lost_a_use(&self, binding: &Binding) -> bool {
        self.doc.bereft.contains(&binding.name.start)
            || (binding.reads.iter())
                .any(|it| !binding.is_within_itself(it.range.start) && self.is_within_mark(&it.range))
    }

    /// Whether a name has one value for ever.
    pub(super) fn is_constant(&self, binding: &Binding) -> bool {
        let is_other = matches!(binding.kind, Kind::Class | Kind::Enum | Kind::Type);
        let is_open = self.doc.overridden.contains(&binding.name.start);
        let once = !is_other && !is_open && binding.again.is_empty() && binding.writes.is_empty();
        once && (self.language() == Language::Python || javascript::is_set_when_read(self, binding))
    }

    fn evaluate(&self, node: Node<'d>) -> Option<Mark> {
        let language = self.language();
        let plain = |known: Known| Some(Mark { known, effects: Vec::new() });
        match self.view(node) {
            View::Same(inner) => self.marked(inner).cloned(),
            View::Not(inner) | View::Truth(inner) => {
                let is_not = matches!(self.view(node), View::Not(_));
                let (truth, mark) = self.truth(inner)?;
                Some(Mark { known: Known::bool(truth != is_not), ..mark })
            }
            View::And(left, right) => self.evaluate_logic(node, left, right, true),
            View::Or(left, right) => self.evaluate_logic(node, left, right, false),
            View::Coalesce(left, right) => {
                let mark = self.known(left)?;
                match mark.known.is_nothing()? {
                    false => Some(mark),
                    true => Some(mark.then(self.known(right)?)),
                }
            }
            View::Choice { test, yes, no } => {
                let Some((truth, mark)) = self.truth(test) else { return self.agreed(test, yes, no) };
                let kept = if truth { yes } else { no };
                let value = self.known(kept)?;
                // A text that the code says stays where it is said, unless something is decided by it.
                let follows = self.marked(kept).is_some() || value.known.is_bool() || self.is_consumed(node);
                follows.then(|| mark.then(value))
            }
            View::Equal { left, right, negated, loose } => {
                let (left, right) = (self.known(left)?, self.known(right)?);
                let equal = left.known.equals(&right.known, loose)?;
                Some(left.then(Mark { known: Known::bool(equal != negated), ..right }))
            }
            View::Ordered { left, right, operator } => {
                let (left, right) = (self.known(left)?, self.known(right)?);
                let holds = left.known.is_ordered(&right.known, operator)?;
                Some(left.then(Mark { known: Known::bool(holds), ..right }))
            }
            View::OneOf { subject, items, negated } => {
                let subject = self.known(subject)?;
                let mut found = false;
                for item in items {
                    let item = self.known(item).filter(|it| it.effects.is_empty())?;
                    found |= subject.known.equals(&item.known, false)?;
                }
                Some(Mark { known: Known::bool(found != negated), ..subject })
            }
            View::Field { object, name, optional } => {
                let mark = self.known(object)?;
                if mark.known.is_nothing() == Some(true) {
                    return optional.then_some(Mark { known: Known::Undefined, ..mark });
                }
                // A method is called, not read.
                let is_called =
                    node.parent().is_some_and(|it| it.child_by_field_name("function") == Some(node));
                (!is_called).then_some(())?;
                Some(Mark { known: mark.known.field(&name, language)?, ..mark })
            }
            View::Words(inner) => {
                let mark = self.known(inner)?;
                Some(Mark { known: Known::text(&mark.known.in_template(language)?), ..mark })
            }
            View::TypeOf(inner) => plain(Known::text(self.known(inner)?.known.type_name()?)),
            View::IsInstance { subject, types } => {
                let mark = self.known(subject)?;
                Some(Mark { known: Known::bool(python::is_instance(self, &mark.known, types)?), ..mark })
            }
            View::Literal(_) => None,
            View::Opaque => match language {
                Language::Python => python::evaluate(self, node),
                _ => javascript::evaluate(self, node),
            },
        }
    }

    /// `c ? read : read`: what both ways give, where one of them follows from the flag.
    fn agreed(&self, test: Node<'d>, yes: Node<'d>, no: Node<'d>) -> Option<Mark> {
        let (first, second) = (self.known(yes)?, self.known(no)?);
        let follows = self.marked(yes).is_some() || self.marked(no).is_some();
        let is_same = first.known.equals(&second.known, false)? && first.known == second.known;
        let is_quiet = first.effects.is_empty() && second.effects.is_empty() && self.is_pure(test);
        (follows && is_same && is_quiet).then_some(first)
    }

    /// Whether what stands round an expression asks what it is.
    pub(super) fn is_consumed(&self, node: Node<'d>) -> bool {
        let Some(parent) = around(node) else { return false };
        match self.view(parent) {
            View::Same(_) if !self.is_decided_by(parent, node) => self.is_consumed(parent),
            View::Equal { .. } | View::OneOf { .. } | View::Not(_) | View::Truth(_) => true,
            View::TypeOf(_) | View::IsInstance { .. } => true,
            View::And(left, _) | View::Or(left, _) | View::Coalesce(left, _) if left == node => true,
            _ => {
                self.is_condition(node)
                    || parent.child_by_field_name("value") == Some(node)
                        && parent.kind() == "switch_statement"
            }
        }
    }

    /// `&&` goes on where the left side holds, `||` where it does not.
    fn evaluate_logic(&self, node: Node<'d>, left: Node<'d>, right: Node<'d>, goes_on: bool) -> Option<Mark> {
        if let Some((truth, mark)) = self.truth(left) {
            return match truth == goes_on {
                false => Some(mark),
                true => Some(mark.then(self.known(right)?)),
            };
        }
        // The right side decides, whatever the left one gives, where only the truth counts.
        let (truth, mark) = self.truth(right)?;
        let decides = truth != goes_on;
        let counts = self.is_condition(node)
            || (mark.known.is_bool() && self.seems_bool(left))
            || (goes_on
                && self.language() != Language::Python
                && javascript::shows_nothing(self, node, left));
        if !decides || !counts {
            return None;
        }
        let left_effects = if self.is_pure(left) { Vec::new() } else { vec![left.byte_range()] };
        // What the right side does would depend on the left one.
        mark.effects.is_empty().then_some(Mark { known: Known::bool(truth), effects: left_effects })
    }

    /// Whether only the truth of an expression counts where it stands.
    pub(super) fn is_condition(&self, node: Node<'d>) -> bool {
        self.is_condition_within(node, 4)
    }

    fn is_condition_within(&self, node: Node<'d>, names: u32) -> bool {
        let Some(parent) = around(node) else { return false };
        match self.view(parent) {
            View::Not(_) | View::Truth(_) => true,
            View::And(..) | View::Or(..) => self.is_condition_within(parent, names),
            View::Same(_) if !self.is_decided_by(parent, node) => self.is_condition_within(parent, names),
            View::Choice { test, .. } if test == node => true,
            View::Choice { .. } => self.is_condition_within(parent, names),
            _ if self.is_decided_by(parent, node) => true,
            _ => {
                let Some(name) = self.bound_name(node).filter(|_| names > 0) else { return false };
                let Some(binding) = self.scopes.declared_at(name.start).filter(|it| self.is_constant(it))
                else {
                    return false;
                };
                let reads = || binding.reads.iter();
                reads().next().is_some()
                    && reads().all(|it| {
                        let node = self.node(&it.range).filter(|_| it.how == How::Value);
                        node.is_some_and(|it| self.is_condition_within(it, names - 1))
                    })
            }
        }
    }

    /// Whether an expression is the left side of an operator like its own: of `(a && true) && b` only the truth of the
    /// left side and `a` itself count.
    fn goes_on_alike(&self, node: Node<'d>) -> bool {
        let Some(parent) = node.parent() else { return false };
        match (self.view(node), self.view(parent)) {
            (View::And(..), View::And(left, _)) | (View::Or(..), View::Or(left, _)) => left == node,
            (_, View::Same(_)) if parent.kind() == "parenthesized_expression" => self.goes_on_alike(parent),
            _ => false,
        }
    }

    /// Whether a statement asks for nothing but the truth of a part.
    fn is_decided_by(&self, parent: Node<'d>, node: Node<'d>) -> bool {
        match self.language() {
            Language::Python => python::is_decided_by(&self.doc.text, parent, node),
            _ => javascript::is_decided_by(&self.doc.text, parent, node),
        }
    }

    fn bound_name(&self, node: Node<'d>) -> Option<Range<usize>> {
        match self.language() {
            Language::Python => python::bound_name(node),
            _ => javascript::bound_name(node),
        }
    }

    /// Whether an expression gives true or false and nothing else.
    pub(super) fn is_bool(&self, node: Node<'d>) -> bool {
        if let Some(mark) = self.known(node) {
            return mark.known.is_bool();
        }
        match self.view(node) {
            View::Not(_) | View::Truth(_) | View::Equal { .. } | View::OneOf { .. } => true,
            View::Same(inner) => self.is_bool(inner),
            View::And(left, right) | View::Or(left, right) => self.is_bool(left) && self.is_bool(right),
            View::Choice { yes, no, .. } => self.is_bool(yes) && self.is_bool(no),
            _ => match self.language() {
                Language::Python => python::is_bool(self, node),
                _ => javascript::is_bool(self, node),
            },
        }
    }

    /// Whether to evaluate an expression does nothing but give its value.
    pub(super) fn is_pure(&self, node: Node<'d>) -> bool {
        // The other fields of an object may do something.
        if let Some(mark) = self.marked(node).filter(|it| it.is_replaced() || node.kind() != "object") {
            return mark.effects.is_empty();
        }
        match self.language() {
            Language::Python => python::is_pure(self, node),
            _ => javascript::is_pure(self, node),
        }
    }

    /// Whether a place is inside an expression that will not stay as it is written.
    pub(super) fn is_within_mark(&self, range: &Range<usize>) -> bool {
        let outermost = self.outermost.get_or_init(|| outermost(&self.marks));
        let before = outermost.partition_point(|it| it.0 <= range.start);
        before.checked_sub(1).is_some_and(|it| range.end <= outermost[it].1)
    }

    /// What is known without anything that must be evaluated first.
    pub(super) fn lasting(&self) -> Vec<(Place, Known)> {
        let lasting = self.marks.iter().filter(|(_, mark)| mark.effects.is_empty());
        lasting.map(|(place, mark)| (*place, mark.known.clone())).collect()
    }

    /// The steps that what is known allows, the outermost first.
    pub(super) fn steps(&self) -> Vec<Change> {
        let mut places: Vec<Place> = self.marks.keys().copied().collect();
        places.sort_by_key(|(start, end)| (*start, Reverse(*end)));
        let nodes = places.into_iter().filter_map(|(start, end)| self.node(&(start..end)));
        nodes.filter_map(|it| self.step(it)).collect()
    }

    fn step(&self, node: Node<'d>) -> Option<Change> {
        let parent = node.parent()?;
        let stays = |it: &Mark| matches!(it.known, Known::Partly(_));
        let is_part = |it: Node| self.marked(it).is_some_and(|it| !stays(it)) && place(it) != place(node);
        if is_part(parent) || around(node).is_some_and(is_part) {
            return None;
        }
        let mark = self.marked(node)?;
        if matches!(mark.known, Known::Feature(_) | Known::Shows { .. }) {
            return javascript::step(self, parent, node, mark);
        }
        match self.view(parent) {
            View::And(left, right) if left == node => {
                mark.known.is_truthy(self.language())?.then(|| self.stays(parent, right, mark))?
            }
            View::Or(left, right) if left == node => {
                (!mark.known.is_truthy(self.language())?).then(|| self.stays(parent, right, mark))?
            }
            View::Coalesce(left, right) if left == node => {
                mark.known.is_nothing()?.then(|| self.stays(parent, right, mark))?
            }
            View::And(left, right) | View::Or(left, right) if right == node => {
                let neutral =
                    mark.known.is_truthy(self.language())? == matches!(self.view(parent), View::And(..));
                let counts = self.is_condition(parent)
                    || self.goes_on_alike(parent)
                    || (mark.known.is_bool() && self.seems_bool(left));
                (neutral && counts && mark.effects.is_empty()).then_some(())?;
                self.substitute(parent, left)
            }
            View::Choice { test, yes, no } if test == node => {
                let kept = if mark.known.is_truthy(self.language())? { yes } else { no };
                self.stays(parent, kept, mark)
            }
            _ => match self.language() {
                Language::Python => python::step(self, parent, node, mark),
                _ => javascript::step(self, parent, node, mark),
            },
        }
    }

    /// The declarations that lost their last use.
    pub(super) fn bury(&self) -> Vec<Change> {
        match self.language() {
            Language::Python => python::bury(self),
            _ => javascript::bury(self),
        }
    }

    fn stays(&self, parent: Node<'d>, kept: Node<'d>, mark: &Mark) -> Option<Change> {
        match self.language() {
            _ if mark.effects.is_empty() => self.substitute(parent, kept),
            Language::Python => None,
            _ => javascript::sequence(parent, &mark.effects, kept),
        }
    }

    /// Puts a part of an expression in its place.
    fn substitute(&self, whole: Node<'d>, kept: Node<'d>) -> Option<Change> {
        match self.language() {
            Language::Python => python::substitute(self, whole, kept),
            _ => javascript::substitute(self, whole, kept),
        }
    }

    /// Whether an expression gives true or false, by all that its name says: `user.isAdmin`, `has_plan(user)`.
    fn seems_bool(&self, node: Node<'d>) -> bool {
        if self.is_bool(node) {
            return true;
        }
        let is_name_or_call = match node.kind() {
            "parenthesized_expression" | "await_expression" | "await" => {
                return node.named_child(0).is_some_and(|it| self.seems_bool(it));
            }
            kind => {
                matches!(kind, "identifier" | "member_expression" | "call_expression" | "attribute" | "call")
            }
        };
        let text = &self.doc.text[node.byte_range()];
        let plain = text.split('(').next().unwrap_or_default();
        let is_path = plain.chars().all(|it| it.is_alphanumeric() || matches!(it, '.' | '_' | '$'));
        let name = plain.rsplit('.').next().unwrap_or_default();
        let says = ["is", "has", "can", "should", "was", "will", "did", "are"];
        is_name_or_call
            && is_path
            && says.iter().any(|it| {
                let rest = name.strip_prefix(it);
                rest.is_some_and(|it| it.starts_with('_') || it.starts_with(|it: char| it.is_uppercase()))
            })
    }

    /// What is left as it was read, written down: the last steps.
    pub(super) fn literals(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for ((start, end), mark) in &self.marks {
            let Some(node) = self.node(&(*start..*end)) else { continue };
            let is_inner = around(node)
                .is_some_and(|it| place(it) != place(node) && self.marked(it).is_some_and(Mark::is_replaced));
            // A name that stays, because others may use it, may be used here too.
            let is_name = matches!(node.kind(), "identifier" | "shorthand_property_identifier");
            let stays =
                is_name && self.scopes.at(&node.byte_range()).is_some_and(|it| it.kind != Kind::Import);
            if is_inner || stays || !mark.effects.is_empty() {
                continue;
            }
            let Some(literal) = mark.known.literal(self.language(), self.doc.quote) else { continue };
            // The parentheses of `if (...)` stay.
            let node = match self.language() {
                Language::Python => node,
                _ => javascript::inside_statement(node),
            };
            let is_javascript = self.language() != Language::Python;
            let written = || is_javascript.then(|| javascript::written(self, node, &mark.known)).flatten();
            if let Some(change) = written() {
                changes.push(change);
                continue;
            }
            if self.doc.of(node) == literal || self.is_written(node, &mark.known) {
                continue;
            }
            let literal = match self.language() {
                Language::Python => python::in_string(self.doc, node, &mark.known).unwrap_or(literal),
                _ => literal,
            };
            let lead = match node.kind() {
                "shorthand_property_identifier" => format!("{}: ", self.doc.of(node)),
                _ => String::new(),
            };
            let literal = match literal.as_str() {
                _ if is_javascript && javascript::is_chained(self.doc, node) => {
                    format!("Promise.resolve({literal})")
                }
                "undefined" if is_javascript && javascript::is_body(node) => "{}".into(),
                it if it.starts_with('{') && is_javascript && javascript::begins_statement(node) => {
                    format!("({literal})")
                }
                _ => literal,
            };
            changes.push(Change::literal(node.byte_range(), &lead, &literal, mark.known.clone()));
        }
        changes
    }

    fn is_written(&self, node: Node<'d>, known: &Known) -> bool {
        let text = self.doc.of(node);
        matches!(self.view(node), View::Literal(it) if it == *known) || text.starts_with("Promise.resolve(")
    }

    /// What is still decided by a known expression, because no step fits.
    pub(super) fn undecided(&self) -> Vec<(Range<usize>, String)> {
        let told = |mark: &Mark| mark.effects.is_empty() && mark.known.is_truthy(self.language()).is_some();
        let places = self.marks.iter().filter(|(_, mark)| told(mark));
        let nodes = places.filter_map(|((start, end), _)| self.node(&(*start..*end)));
        nodes
            .filter_map(|node| match self.language() {
                Language::Python => python::why_undecided(node),
                _ => javascript::why_undecided(self, node),
            })
            .collect()
    }

    /// Expressions that nobody can write down, where they stand.
    pub(super) fn untold(&self) -> Vec<(Range<usize>, Known)> {
        let mut untold = Vec::new();
        for ((start, end), mark) in &self.marks {
            if mark.known.literal(self.language(), '\'').is_some() {
                continue;
            }
            let range = *start..*end;
            let Some(node) = self.node(&range) else { continue };
            let is_inner = around(node).is_some_and(|it| {
                place(it) != place(node)
                    && self.marked(it).is_some_and(|it| !matches!(it.known, Known::Partly(_)))
            });
            if !is_inner && !matches!(mark.known, Known::Partly(_)) {
                untold.push((range, mark.known.clone()));
            }
        }
        untold
    }
}
