//! Which statements of a closed file are worth a parser: those that have a word that may lead to flags, and whatever
//! leads from them to a key or from a caller to them, by the names that they share.
//!
//! Most of a large file has nothing to do with the flag that it reads. A language tells its statements apart by a
//! look at brackets, quotes and the beginnings of lines; wherever that look is not sure, the whole file is parsed.
//! What is left out is known by its names: who asks for one of them gets the whole file.

use std::collections::HashMap;
use std::ops::Range;

use rustc_hash::FxBuildHasher;
use ustr::UstrSet;

use super::evidence::{named_like_client, named_like_flags, short_for_client};
use super::ir::Symbol;
use super::open_feature::SETTERS;

/// A shorter file is parsed before one has looked at it.
const SMALL: usize = 4096;

/// A shorter statement costs no more to parse than to leave out.
const SHORT: usize = 160;

/// What was left out of a module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Where, in bytes; whole statements of the top level, in order.
    pub ranges: Vec<Range<usize>>,
    /// The names that are declared there; `default` for what the module gives by that name.
    pub names: UstrSet,
}

/// What to parse of a file and what not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skim {
    /// What to parse, in bytes; whole statements, in order.
    pub kept: Vec<Range<usize>>,
    pub left_out: LeftOut,
}

/// A statement of the top level, with the comments before the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'t> {
    pub range: Range<usize>,
    pub says: Says<'t>,
}

/// What a statement says to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says<'t> {
    /// An import, or something that one must look at closely.
    Anything,
    /// A type is declared. It may say which keys there are, and is little to parse.
    Type(&'t str),
    /// Something is done; no name is declared.
    Done,
    /// These names are declared. What they hold may be changed from elsewhere, or not.
    Declared { names: Vec<&'t str>, may_change: bool },
}

impl Statement<'_> {
    fn names(&self) -> &[&str] {
        match &self.says {
            Says::Declared { names, .. } => names,
            Says::Type(name) => std::slice::from_ref(name),
            _ => &[],
        }
    }
}

/// What to parse of a text; nothing when that is all of it. `statements` tells its statements apart, `leads` says
/// whether a stretch of it has a word that may lead to flags.
pub(super) fn skim(
    text: &str,
    statements: fn(&str) -> Option<Vec<Statement<'_>>>,
    leads: &dyn Fn(&str) -> bool,
) -> Option<Skim> {
    if text.len() < SMALL {
        return None;
    }
    let statements = statements(text)?;
    let kept = Names::of(text, &statements).kept(text, leads);
    let mut skim = Skim { kept: Vec::new(), left_out: LeftOut::default() };
    for (statement, is_kept) in statements.iter().zip(kept) {
        let ranges = if is_kept { &mut skim.kept } else { &mut skim.left_out.ranges };
        match ranges.last_mut().filter(|it| it.end == statement.range.start) {
            Some(last) => last.end = statement.range.end,
            None => ranges.push(statement.range.clone()),
        }
        if !is_kept {
            skim.left_out.names.extend(statement.names().iter().map(|it| Symbol::from(it)));
        }
    }
    (!skim.left_out.ranges.is_empty()).then_some(skim)
}

/// Who names whom.
struct Names<'s, 't> {
    statements: &'s [Statement<'t>],
    /// Of each statement the others whose names it has.
    named: Vec<Vec<usize>>,
    /// Of each statement the others that have its names.
    naming: Vec<Vec<usize>>,
}

/// How a statement is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keep {
    No,
    /// Others need what it says.
    Needed,
    /// It may lead to flags, and so may whoever names it.
    Leads,
}

impl<'s, 't> Names<'s, 't> {
    fn of(text: &'t str, statements: &'s [Statement<'t>]) -> Names<'s, 't> {
        let mut declared: HashMap<&str, Vec<usize>, FxBuildHasher> = HashMap::default();
        for (at, statement) in statements.iter().enumerate() {
            for name in statement.names() {
                declared.entry(name).or_default().push(at);
            }
        }
        let (mut named, mut naming) =
            (vec![Vec::new(); statements.len()], vec![Vec::new(); statements.len()]);
        for (at, statement) in statements.iter().enumerate() {
            for word in words(&text[statement.range.clone()]) {
                for &other in declared.get(word).into_iter().flatten().filter(|it| **it != at) {
                    named[at].push(other);
                    naming[other].push(at);
                }
            }
        }
        Names { statements, named, naming }
    }

    /// The statements to parse.
    fn kept(&self, text: &str, leads: &dyn Fn(&str) -> bool) -> Vec<bool> {
        let mut kept = vec![Keep::No; self.statements.len()];
        let mut todo: Vec<(usize, Keep)> = Vec::new();
        for (at, statement) in self.statements.iter().enumerate() {
            let part = &text[statement.range.clone()];
            match statement.says {
                Says::Anything => kept[at] = Keep::Needed,
                _ if leads(part) || words(part).any(leads_by_name) => todo.push((at, Keep::Leads)),
                Says::Type(_) => todo.push((at, Keep::Needed)),
                _ if part.len() < SHORT => todo.push((at, Keep::Needed)),
                _ => {}
            }
        }
        while let Some((at, how)) = todo.pop() {
            if kept[at] < how {
                kept[at] = how;
                todo.extend(self.along_with(at, how));
            }
        }
        kept.into_iter().map(|it| it != Keep::No).collect()
    }

    /// What must be kept along with a statement.
    fn along_with(&self, at: usize, how: Keep) -> impl Iterator<Item = (usize, Keep)> {
        let may_change = matches!(self.statements[at].says, Says::Declared { may_change: true, .. });
        let naming = self.naming[at].iter().filter_map(move |&other| match self.statements[other].says {
            Says::Done => Some((other, Keep::Needed)),
            _ if how == Keep::Leads || may_change => Some((other, Keep::Leads)),
            _ => None,
        });
        self.named[at].iter().map(|&other| (other, Keep::Needed)).chain(naming)
    }
}

fn leads_by_name(word: &str) -> bool {
    // Most words are told by a glance.
    let may_be = word.len() < 12 || word.bytes().any(|it| matches!(it, b'g' | b'G'));
    let is_name = || short_for_client(word) || named_like_client(word) || named_like_flags(word);
    (may_be && is_name()) || SETTERS.contains(&word)
}

/// The words of a text that may be names.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !is_word(it)).filter(|it| !it.is_empty() && !it.as_bytes()[0].is_ascii_digit())
}

/// The word that a text begins with, spaces aside, and the rest.
pub(super) fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|it: char| !is_word(it)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Whether a statement assigns to a part of something, which may come from anywhere: `config.flag = 'a'`.
pub(super) fn fills_something(statement: &str) -> bool {
    let target = statement.split_once('=').filter(|it| !it.1.starts_with(['=', '>']));
    target.is_some_and(|(target, _)| !target.contains(['(', '{', '\n']))
}

/// Whether a character may be part of a name.
pub(super) fn is_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, '_' | '$') || !it.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::super::javascript::statements;
    use super::*;

    /// What is kept of statements that are padded to be worth a look.
    fn kept(statements: &[&str]) -> Vec<String> {
        let pad = |it: &&str| format!("{it}\n/* {} */\n", "long ".repeat(SHORT / 5));
        let filler = format!("/* {} */\n", "x ".repeat(SMALL / 2));
        let text: String = statements.iter().map(pad).collect::<String>() + &filler;
        let whole = || std::iter::once(0..text.len()).collect();
        let leads = |part: &str| part.contains("isFeatureEnabled");
        let kept = skim(&text, statements_of, &leads).map_or_else(whole, |it| it.kept);
        let lines = kept.iter().flat_map(|it| text[it.clone()].lines());
        lines.filter(|it| !it.starts_with("/*")).map(str::to_owned).collect()
    }

    fn statements_of(text: &str) -> Option<Vec<Statement<'_>>> {
        statements::statements(text)
    }

    #[test]
    fn what_has_nothing_to_do_with_flags_is_left_out() {
        let kept = kept(&[
            "import posthog from 'posthog-js'",
            "export function isNew() { return posthog.isFeatureEnabled('new') }",
            "export function row(it) { return it.name }",
            "type Row = { name: string }",
            "export default class Table { rows = [] }",
        ]);
        assert_eq!(
            kept,
            [
                "import posthog from 'posthog-js'",
                "export function isNew() { return posthog.isFeatureEnabled('new') }",
                "type Row = { name: string }",
            ]
        );
    }

    #[test]
    fn names_lead_to_what_a_read_needs_and_to_who_uses_it() {
        let code = [
            "const PREFIX = 'beta-'",
            "function key(name) { return PREFIX + name }",
            "const isOn = (name) => ph.isFeatureEnabled(key(name))",
            "function Page() { return isOn('videos') ? label() : null }",
            "function label() { return 'Videos' }",
            "function other() { return label() }",
        ];
        assert_eq!(kept(&code), code[..5]);
    }

    #[test]
    fn who_may_change_what_is_needed_is_kept() {
        let code = [
            "let current = 'a'",
            "function read() { return ph.isFeatureEnabled(current) }",
            "function change(to) { current = to }",
            "function start() { change('b') }",
            "function stop() { return null }",
        ];
        assert_eq!(kept(&code), code[..4]);
    }
}
