//! Removing a read from the code when its value is known: pure, from a tree to edits or to a refusal.
//!
//! So far a bare condition only: `if (read) ... else ...` and `read ? a : b`. Everything else is refused with a
//! reason, never guessed.

mod javascript;
mod python;

use std::ops::Range;

use tree_sitter::{Node, Tree};

use crate::feature::Value;
use crate::syntax::{Language, Read, Returns};

/// A replacement; ranges are bytes of the text before any edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}

/// Why a read is left alone, and where the reason stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// A sentence for a person.
    pub reason: String,
}

/// Removes one read, as if it gave `keep` for ever. The edits do not overlap and are sorted.
pub fn remove(
    language: Language,
    text: &str,
    tree: &Tree,
    read: &Read,
    keep: &Value,
) -> Result<Vec<Edit>, Refusal> {
    let refuse = |reason: &str| Refusal { range: read.call_span.bytes(), reason: reason.into() };
    if !matches!(read.returns, Returns::Boolean | Returns::Variant) {
        return Err(refuse("it reads a payload or a result object, not on or off"));
    }
    if read.via == crate::syntax::Via::Wrapper {
        return Err(refuse("the flag is read inside another function"));
    }
    let call = node_at(tree, &read.call_span.bytes()).ok_or_else(|| refuse("the code changed meanwhile"))?;
    let code = Code { text, keep: *keep != Value::Off };
    let edits = match language {
        Language::Python => python::remove(&code, call),
        _ => javascript::remove(&code, call),
    }?;
    let edits = edits.into_iter().map(|it| code.kept_apart(it)).collect::<Vec<_>>();
    still_parses(language, text, tree, &edits).then_some(edits).ok_or_else(|| {
        refuse("the result would not parse, so nothing is changed; please report this code as a bug")
    })
}

/// Applies sorted edits that do not overlap.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        result.push_str(&text[at..edit.range.start]);
        result.push_str(&edit.text);
        at = edit.range.end;
    }
    result.push_str(&text[at..]);
    result
}

/// The safety net under every removal: a tree without errors stays one.
fn still_parses(language: Language, text: &str, tree: &Tree, edits: &[Edit]) -> bool {
    tree.root_node().has_error() || !language.parse(&apply(text, edits), None).root_node().has_error()
}

/// What the rules of both languages work on.
struct Code<'a> {
    text: &'a str,
    /// Whether the condition holds once the flag is gone.
    keep: bool,
}

impl Code<'_> {
    fn of(&self, node: Node) -> &str {
        &self.text[node.byte_range()]
    }

    /// The columns before a node, when nothing but white space stands there.
    fn indentation(&self, at: usize) -> Option<&str> {
        let line = &self.text[self.line_start(at)..at];
        line.chars().all(char::is_whitespace).then_some(line)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |it| it + 1)
    }

    /// The rest of the line after a place, without white space round it.
    fn line_rest(&self, at: usize) -> &str {
        self.text[at..].split('\n').next().unwrap_or_default().trim()
    }

    /// `return(read)?a:b` must not become `returna`.
    fn kept_apart(&self, edit: Edit) -> Edit {
        let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
        let (before, after) = (&self.text[..edit.range.start], &self.text[edit.range.end..]);
        let mut text = edit.text;
        if text.is_empty() && before.ends_with(is_word) && after.starts_with(is_word) {
            text.push(' ');
        }
        if before.ends_with(is_word) && text.starts_with(|it: char| is_word(it) || matches!(it, '"' | '\'')) {
            text.insert(0, ' ');
        }
        if text.ends_with(is_word) && after.starts_with(is_word) {
            text.push(' ');
        }
        Edit { range: edit.range, text }
    }

    /// The white space that the line of `at` begins with.
    fn line_indentation(&self, at: usize) -> &str {
        let line = &self.text[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Deletes whole lines when nothing else stands on them.
    fn delete(&self, range: Range<usize>) -> Edit {
        let rest = &self.text[range.end..];
        let line_rest = &rest[..rest.find('\n').map_or(rest.len(), |it| it + 1)];
        if self.indentation(range.start).is_some() && line_rest.trim().is_empty() {
            let start = self.line_start(range.start);
            return Edit { range: start..range.end + line_rest.len(), text: String::new() };
        }
        Edit { range, text: String::new() }
    }

    /// The text of `range` moved from one indentation to another. Its first line stays where it is put; lines
    /// that begin inside a string keep every character.
    fn reindent(&self, root: Node, range: Range<usize>, from: &str, to: &str) -> String {
        let text = &self.text[range.clone()];
        let mut result = String::with_capacity(text.len());
        let mut at = range.start;
        for line in text.split_inclusive('\n') {
            let blank = line.trim().is_empty();
            match line.strip_prefix(from) {
                Some(rest) if at != range.start && !blank && !in_string(root, at) => {
                    result.push_str(to);
                    result.push_str(rest);
                }
                _ => result.push_str(line),
            }
            at += line.len();
        }
        result
    }
}

fn in_string(root: Node, at: usize) -> bool {
    let mut node = root.descendant_for_byte_range(at, at);
    while let Some(it) = node {
        let literal = matches!(it.kind(), "string" | "template_string" | "string_content" | "jsx_text");
        // A text of JSX is no literal: its white space at line ends does not count.
        if literal && it.kind() != "jsx_text" && it.start_byte() < at && at < it.end_byte() {
            return true;
        }
        node = it.parent();
    }
    false
}

/// The outermost node that spans exactly `range`, short of a whole statement.
fn node_at<'t>(tree: &'t Tree, range: &Range<usize>) -> Option<Node<'t>> {
    let node = tree.root_node().named_descendant_for_byte_range(range.start, range.end)?;
    (node.byte_range() == *range).then_some(node)
}

/// The widest expression that is still only the read: in parentheses, awaited.
fn bare<'t>(call: Node<'t>, wrappers: &[&str]) -> Node<'t> {
    let mut node = call;
    while let Some(parent) = node.parent() {
        if !wrappers.contains(&parent.kind()) || parent.named_child_count() != 1 {
            break;
        }
        node = parent;
    }
    node
}

fn root_of(node: Node) -> Node {
    let mut node = node;
    while let Some(parent) = node.parent() {
        node = parent;
    }
    node
}

fn refusal(node: Node, reason: impl Into<String>) -> Refusal {
    Refusal { range: node.byte_range(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{Names, Source};
    use crate::text::Text;
    use std::path::Path;

    /// Fixture files hold cases: `=== name: keep on`, the code, `---`, the code after or `refused: why`.
    #[test]
    fn golden_cases() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/removal");
        let mut failures = String::new();
        let mut n_cases = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let language = Language::from_path(&path).unwrap();
            let content = std::fs::read_to_string(&path).unwrap();
            for case in format!("\n{content}").split("\n=== ").skip(1) {
                let (head, body) = case.split_once('\n').unwrap();
                let (before, expect) = body.split_once("\n---\n").unwrap();
                let (_, keep) = head.split_once(": keep ").unwrap();
                let after = run(language, before, keep);
                n_cases += 1;
                if after.trim_end() != expect.trim_end() {
                    failures.push_str(&format!("\n{}: {head}\n{before}---\n{after}\n", path.display()));
                }
            }
        }
        assert!(n_cases > 40, "the cases were not found: {n_cases}");
        assert!(failures.is_empty(), "these differ; what came out stands below ---\n{failures}");
    }

    fn run(language: Language, before: &str, keep: &str) -> String {
        let keep = match keep.trim() {
            "on" => Value::On,
            "off" => Value::Off,
            variant => Value::Variant(variant.into()),
        };
        let source = Source::new(language, 1, Text::new(before));
        let facts = crate::index::facts(language, &source.text, &Names::default());
        let read = facts.reads.first().unwrap_or_else(|| panic!("no read in:\n{before}"));
        match remove(language, before, &source.tree, read, &keep) {
            Ok(edits) => apply(before, &edits),
            Err(refusal) => format!("refused: {}", refusal.reason),
        }
    }
}
