//! Where keys are kept: enums, objects of constants, classes of constants; and what is left of a file.

use std::ops::Range;

use tree_sitter::Node;

use super::document::{Change, Document};
use super::view::parts;
use super::{javascript, python};
use crate::syntax::Language;

/// The entry that holds a key, taken out of its registry.
pub(super) fn without(document: &Document, key: &Range<usize>) -> Option<Change> {
    let moved = document.moved();
    let start = moved.now(key.start)?;
    Some(delete(document, entry_at(document, start)?))
}

fn delete(document: &Document, entry: Node) -> Change {
    match document.language {
        Language::Python => python::without_entry(document, entry),
        _ => javascript::without_entry(document, entry),
    }
}

/// The first entry that has a member as its key, taken out: `{ [Flag.NEW_NAV]: false }`.
pub(super) fn without_key(document: &Document, member: &str) -> Option<Change> {
    let entry = names(document, member).find_map(|at| entry_of_key(document, at))?;
    Some(delete(document, entry))
}

/// The entry of an object or dictionary whose key is a member that is named at a place, and whose value is a plain one.
pub(super) fn entry_of_key(document: &Document, at: usize) -> Option<Node<'_>> {
    let mut node = document.tree.root_node().descendant_for_byte_range(at, at + 1)?;
    loop {
        let parent = node.parent()?;
        match parent.kind() {
            "pair" => {
                let is_key = parent.child_by_field_name("key") == Some(node);
                let value = parent.child_by_field_name("value")?;
                let is_member = matches!(node.kind(), "computed_property_name" | "attribute");
                let is_plain =
                    !matches!(value.kind(), "call_expression" | "call" | "await_expression" | "await");
                return (is_key && is_member && is_plain && is_table(parent)).then_some(parent);
            }
            "computed_property_name" | "member_expression" | "attribute" => node = parent,
            _ => return None,
        }
    }
}

/// Whether an entry is one of a table that a module declares, rather than of data that a program makes as it runs.
fn is_table(entry: Node) -> bool {
    let mut node = entry;
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "arguments" | "argument_list" | "return_statement" | "call" | "jsx_expression" => return false,
            kind if kind.contains("function") || kind == "method_definition" || kind == "lambda" => {
                return false;
            }
            _ => node = parent,
        }
    }
    true
}

/// The property, enum member or assignment that a value stands in.
fn entry_at(document: &Document, at: usize) -> Option<Node<'_>> {
    let mut node = document.tree.root_node().descendant_for_byte_range(at, at + 1)?;
    loop {
        match node.kind() {
            "pair" | "enum_assignment" | "public_field_definition" => return Some(node),
            "assignment" if node.parent().is_some_and(|it| it.kind() == "expression_statement") => {
                return node.parent();
            }
            "statement_block" | "block" | "function_declaration" | "function_definition" => return None,
            _ => node = node.parent()?,
        }
    }
}

/// The enum that a member is the last one of.
pub(super) struct Emptied {
    /// Its name.
    pub(super) name: String,
    /// Its declaration.
    range: Range<usize>,
}

/// The enum that would be empty without the member that holds a key: nothing could be of its type. An object of keys may
/// be empty, and a type made of it is `never`; Python's classes have a `pass` then.
pub(super) fn emptied(document: &Document, key: &Range<usize>) -> Option<Emptied> {
    let entry = entry_at(document, document.moved().now(key.start)?)?;
    let list = entry.parent().filter(|it| it.kind() == "enum_body")?;
    (parts(list).len() == 1).then_some(())?;
    let declaration = list.parent()?;
    let name = document.of(declaration.child_by_field_name("name")?).to_owned();
    Some(Emptied { name, range: declaration.byte_range() })
}

/// Whether a type of a file is made of an enum; `is_own` where the file declares it.
pub(super) fn is_typed_by(document: &Document, emptied: &Emptied, is_own: bool) -> bool {
    names(document, &emptied.name).filter(|at| !is_own || !emptied.range.contains(at)).any(|at| {
        let mut node = document.tree.root_node().descendant_for_byte_range(at, at + emptied.name.len());
        while let Some(it) = node {
            match it.kind() {
                "type_identifier" | "type_query" => return true,
                "identifier" | "member_expression" | "nested_identifier" | "nested_type_identifier" => {
                    node = it.parent();
                }
                _ => return false,
            }
        }
        false
    })
}

/// Where a word stands as a name or a text.
pub(super) fn names<'d>(document: &'d Document, word: &'d str) -> impl Iterator<Item = usize> + 'd {
    let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    let text = &document.text;
    memchr::memmem::find_iter(text.as_bytes(), word.as_bytes())
        .collect::<Vec<_>>()
        .into_iter()
        .filter(move |at| !text[..*at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word))
        .filter(|at| {
            let node = document.tree.root_node().descendant_for_byte_range(*at, at + 1);
            node.is_some_and(|it| !it.is_extra())
        })
}

/// Whether a file asks something for a field of a name, by `.name` or by a text.
pub(super) fn asks(document: &Document, name: &str) -> bool {
    names(document, name).any(|at| {
        let node = document.tree.root_node().descendant_for_byte_range(at, at + 1);
        document.text[..at].ends_with('.') || node.is_some_and(|it| it.kind().starts_with("string"))
    })
}

/// Whether a name stands in the entry whose value begins at a place.
pub(super) fn is_of(document: &Document, name: usize, value: usize) -> bool {
    entry_at(document, value).is_some_and(|it| it.start_byte() <= name && name < it.end_byte())
}

/// Whether nothing is left of a file that does or exports anything.
pub(super) fn is_empty(document: &Document) -> bool {
    parts(document.tree.root_node()).into_iter().all(|it| match it.kind() {
        "import_statement" | "import_from_statement" | "future_import_statement" | "empty_statement" => true,
        // 'use client', a docstring.
        "expression_statement" => parts(it).iter().all(|it| it.kind() == "string"),
        "export_statement" => document.of(it).replace(char::is_whitespace, "").starts_with("export{}"),
        _ => false,
    })
}

/// A text between quotes, the quotes included.
pub(super) fn quoted(text: &str, word: &str) -> Vec<Range<usize>> {
    let found = memchr::memmem::find_iter(text.as_bytes(), word.as_bytes());
    let is_quoted = |at: &usize| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        before == after && before.is_some_and(|it| matches!(it, '"' | '\'' | '`'))
    };
    found.filter(is_quoted).map(|at| at - 1..at + word.len() + 1).collect()
}
