//! Where code stands on its lines: what a deletion takes along, and how a block moves.

use std::ops::Range;

use tree_sitter::Node;

use super::Edit;
use super::document::{Change, Document};

impl Document {
    /// Where the line of a place begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.text.as_bytes()[..at]).map_or(0, |it| it + 1)
    }

    /// Where the line of a place ends, its line break included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.text.as_bytes()[at..]).map_or(self.text.len(), |it| at + it + 1)
    }

    /// The white space that the line of a place begins with.
    pub(super) fn indentation(&self, at: usize) -> &str {
        let line = &self.text[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Whether nothing but white space stands before a place on its line.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].chars().all(char::is_whitespace)
    }

    /// The rest of the line after a place, without white space round it.
    pub(super) fn rest_of_line(&self, at: usize) -> &str {
        self.text[at..self.line_end(at)].trim()
    }

    /// The edits that move the lines of a range from one indentation to another. The first line stays where it is
    /// put; lines that begin inside a string keep every character.
    pub(super) fn reindent(&self, range: &Range<usize>, from: &str, to: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        if from == to {
            return edits;
        }
        let mut at = self.line_end(range.start);
        while at < range.end {
            let line = &self.text[at..self.line_end(at)];
            if line.starts_with(from) && !line.trim().is_empty() && !self.is_in_string(at) {
                // Only what differs, so that what stands there may be edited too.
                let common = from.bytes().zip(to.bytes()).take_while(|(a, b)| a == b).count();
                edits.push(Edit { range: at + common..at + from.len(), text: to[common..].into() });
            }
            at = self.line_end(at);
        }
        edits
    }

    /// What is kept of a range stays in its place, with texts round it and the indentation of the line that it moves to.
    pub(super) fn keep(&self, whole: &Range<usize>, kept: &Range<usize>, round: (&str, &str)) -> Change {
        let mut edits = vec![
            Edit { range: whole.start..kept.start, text: round.0.into() },
            Edit { range: kept.end..whole.end, text: round.1.into() },
        ];
        edits.extend(self.reindent(kept, self.inner_indentation(kept), self.indentation(whole.start)));
        Change { whole: Some(whole.clone()), ..Change::of(edits) }
    }

    /// The indentation that the lines of a range have in common. What begins in the middle of a line says it at its
    /// end, where a bracket closes, or below a comment.
    fn inner_indentation(&self, range: &Range<usize>) -> &str {
        let first = self.indentation(range.start);
        let text = &self.text[range.clone()];
        if self.begins_line(range.start) || !text.contains('\n') {
            return first;
        }
        let last = &self.text[self.line_start(range.end)..];
        if text.starts_with("//") || text.starts_with("/*") {
            return self.indentation(self.line_end(range.start));
        }
        match last.trim_start().starts_with(['}', ')', ']', '/', '`']) || last.trim_start().starts_with("</")
        {
            true => self.indentation(range.end),
            false => first,
        }
    }

    fn is_in_string(&self, at: usize) -> bool {
        let mut node = self.tree.root_node().descendant_for_byte_range(at, at);
        while let Some(it) = node {
            let is_text =
                matches!(it.kind(), "string" | "template_string" | "string_content" | "string_fragment");
            if is_text && it.start_byte() < at && at < it.end_byte() {
                return true;
            }
            node = it.parent();
        }
        false
    }

    /// A node without the comments behind its end, which some grammars count in.
    pub(super) fn extent(&self, node: Node) -> Range<usize> {
        let mut end = node.end_byte();
        let mut last = Some(node);
        while let Some(it) = last {
            end = it.end_byte();
            let mut cursor = it.walk();
            last = it.children(&mut cursor).filter(|it| !it.is_extra()).last();
        }
        node.start_byte()..end
    }

    /// The comments that stand right above a node and describe it, and the one behind it on its last line.
    pub(super) fn with_comments(&self, node: Node) -> Range<usize> {
        let mut range = self.extent(node);
        let mut before = node.prev_sibling();
        while let Some(it) = before.filter(|it| it.is_extra() && self.begins_line(it.start_byte())) {
            let between = &self.text[it.end_byte()..range.start];
            if between.matches('\n').count() != 1 || self.is_header(it) {
                break;
            }
            range.start = it.start_byte();
            before = it.prev_sibling();
        }
        let rest = self.rest_of_line(range.end);
        let is_comment = rest.starts_with("//") || rest.starts_with('#') && node.kind() != "jsx_expression";
        if is_comment && self.begins_line(range.start) {
            range.end = self.line_end(range.end);
            range.end -= self.text[..range.end].len() - self.text[..range.end].trim_end().len();
        }
        range
    }

    /// What speaks of the whole file: a licence, `#!`, `// @ts-check`, `/* eslint-disable */`.
    fn is_header(&self, comment: Node) -> bool {
        let text = self.of(comment);
        comment.start_byte() == 0 && (text.starts_with("#!") || text.contains("opyright"))
            || text.contains("@ts-check")
            || text.contains("@ts-nocheck")
            || text.starts_with("/* eslint-disable")
            || text.starts_with("# -*-")
            || text.starts_with("# ruff: noqa")
            || text.starts_with("# type: ignore") && comment.start_byte() == 0
    }

    /// The deletion of a statement or the like, with its comments: whole lines where nothing else stands on them.
    pub(super) fn delete(&self, node: Node) -> Edit {
        self.delete_range(self.with_comments(node))
    }

    pub(super) fn delete_range(&self, range: Range<usize>) -> Edit {
        let text = String::new();
        if !self.begins_line(range.start) || !self.rest_of_line(range.end).is_empty() {
            return Edit { range: self.without_gap(range), text };
        }
        Edit { range: self.line_start(range.start)..self.line_end(range.end), text }
    }

    /// On a line with other things: the white space on one side goes too.
    fn without_gap(&self, range: Range<usize>) -> Range<usize> {
        let before =
            self.text[..range.start].len() - self.text[..range.start].trim_end_matches([' ', '\t']).len();
        let after =
            self.text[range.end..].len() - self.text[range.end..].trim_start_matches([' ', '\t']).len();
        let ends_line = self.rest_of_line(range.end).is_empty();
        match (before, after) {
            _ if ends_line && !self.begins_line(range.start) => range.start - before..range.end,
            (_, after) if self.begins_line(range.start) => range.start..range.end + after,
            (1.., 1..) => range.start..range.end + after,
            _ => range,
        }
    }

    /// Where the content of a block begins and ends, comments included; `None` when it is empty.
    pub(super) fn content(&self, inner: Range<usize>) -> Option<Range<usize>> {
        let content = self.text[inner.clone()].trim();
        let start = inner.start + (self.text[inner.clone()].len() - self.text[inner].trim_start().len());
        (!content.is_empty()).then(|| start..start + content.len())
    }
}
