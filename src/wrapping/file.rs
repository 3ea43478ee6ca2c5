//! The file at hand with everything that is asked of it more than once.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::style::Style;
use crate::removal::{Refusal, Scopes, parts};
use crate::syntax::{Language, Source};

/// See the module.
pub(super) struct File<'a> {
    pub(super) language: Language,
    pub(super) text: &'a str,
    pub(super) tree: &'a Tree,
    pub(super) scopes: Scopes,
    pub(super) style: Style,
}

impl<'a> File<'a> {
    pub(super) fn of(source: &'a Source) -> File<'a> {
        File::new(source.language, source.text.as_str(), &source.tree)
    }

    pub(super) fn new(language: Language, text: &'a str, tree: &'a Tree) -> File<'a> {
        let scopes = Scopes::of(language, text, tree);
        File { language, text, tree, scopes, style: Style::of(language, text, tree) }
    }

    pub(super) fn is_python(&self) -> bool {
        self.language == Language::Python
    }

    pub(super) fn of_node(&self, node: Node) -> &'a str {
        &self.text[node.byte_range()]
    }

    /// `'use client'`
    pub(super) fn is_directive(&self, statement: Node) -> bool {
        statement.kind() == "expression_statement"
            && statement.named_child(0).is_some_and(|it| it.kind() == "string")
            && self.of_node(statement).trim_end_matches(';').ends_with(['\'', '"'])
    }

    /// Where the line of a place begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.text.as_bytes()[..at]).map_or(0, |it| it + 1)
    }

    /// Where the line of a place ends, its line break included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |it| at + it + 1)
    }

    /// Where the text of a line ends, its line break left out.
    pub(super) fn content_end(&self, at: usize) -> usize {
        let line = &self.text[at..self.line_end(at)];
        at + line.trim_end_matches(['\n', '\r']).len()
    }

    /// The white space that the line of a place begins with.
    pub(super) fn indentation(&self, at: usize) -> &'a str {
        let line = &self.text[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Whether nothing but white space stands before a place on its line.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }

    /// The rest of the line after a place, without white space round it.
    pub(super) fn rest_of_line(&self, at: usize) -> &'a str {
        self.text[at..self.line_end(at)].trim()
    }

    /// What ends a statement before a place: `;` too in a file without them, where what follows would go on with it.
    pub(super) fn end_before(&self, at: usize) -> &'static str {
        let mut rest = self.text[at..].trim_start();
        loop {
            let behind = match rest {
                it if it.starts_with("//") => it.split_once('\n').map_or("", |it| it.1),
                it if it.starts_with("/*") => it.split_once("*/").map_or("", |it| it.1),
                _ => break,
            };
            rest = behind.trim_start();
        }
        let goes_on = !self.is_python() && rest.starts_with(['[', '(', '`', '+', '-', '/', '<']);
        if goes_on { ";" } else { self.style.end }
    }

    /// Whether a line that begins at a place does so inside of a string, where white space counts.
    pub(super) fn is_in_string(&self, at: usize) -> bool {
        let mut node = self.tree.root_node().descendant_for_byte_range(at, at);
        while let Some(it) = node {
            let is_text = matches!(it.kind(), "string" | "template_string");
            if is_text && it.start_byte() < at && at < it.end_byte() {
                return true;
            }
            node = it.parent();
        }
        false
    }

    /// Whether a name stands anywhere in the file, whatever it means there.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '$');
        self.text.match_indices(word).any(|(at, _)| {
            !self.text[..at].ends_with(is_part) && !self.text[at + word.len()..].starts_with(is_part)
        })
    }

    /// A name that nothing in the file has.
    pub(super) fn unused(&self, name: &str) -> String {
        let mut numbered = (2..).map(|it| format!("{name}{it}"));
        match self.has_word(name) {
            false => name.to_owned(),
            true => numbered.find(|it| !self.has_word(it)).unwrap_or_default(),
        }
    }

    /// The number of the line of a place, from 1.
    pub(super) fn line_number(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    pub(super) fn refuse(&self, range: Range<usize>, reason: impl Into<String>) -> Refusal {
        Refusal { range, reason: reason.into() }
    }
}

/// A node and those round it, from the inside out.
pub(super) fn ancestors(node: Node) -> impl Iterator<Item = Node> {
    std::iter::successors(Some(node), |it| it.parent())
}

/// Every node in a node, itself first, in the order of the text.
pub(super) fn inside<'t>(node: Node<'t>, enter: impl Fn(Node<'t>) -> bool) -> Vec<Node<'t>> {
    let (mut found, mut stack) = (Vec::new(), vec![node]);
    while let Some(it) = stack.pop() {
        found.push(it);
        if it == node || enter(it) {
            stack.extend(parts(it).into_iter().rev());
        }
    }
    found
}
