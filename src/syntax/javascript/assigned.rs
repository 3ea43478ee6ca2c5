//! Assignments to a name or to an attribute of `this`, found by text and then looked up in the tree.

use std::collections::HashSet;

use tree_sitter::Node;

use super::super::field::Field;
use super::super::scan::Scan;
use super::super::scope::{BindingId, Origin, ScopeId};
use super::super::words::occurrences;
use super::nodes::ByField;

/// What is assigned to a name, or with `to_this` to an attribute, inside a node. The first few say enough.
pub fn assigned<'t>(
    scan: &mut Scan<'t>,
    name: &str,
    to_this: bool,
    inside: Node<'t>,
) -> Vec<(Node<'t>, ScopeId)> {
    let mut found = Vec::new();
    let word = name.trim_start_matches('#');
    for at in occurrences(scan.source, word, inside.byte_range()) {
        let before = scan.source[..at.start].trim_end_matches('#').trim_end();
        let fits = if to_this { before.ends_with("this.") } else { !before.ends_with('.') };
        let Some(equals) = equals_after(scan.source, at.end).filter(|_| fits) else { continue };
        let token = scan.tree.root_node().descendant_for_byte_range(equals, equals + 1);
        let Some(parent) = token.and_then(|it| it.parent()) else { continue };
        let assignment = matches!(parent.kind(), "assignment_expression" | "augmented_assignment_expression");
        let Some(right) = parent.field(Field::Right).filter(|_| assignment) else { continue };
        found.push(right);
        if found.len() == 8 {
            break;
        }
    }
    found.into_iter().map(|it| (it, scan.scopes.around(it))).collect()
}

/// Whether a variable can hold something else than it begins with.
pub fn is_reassigned(scan: &mut Scan, id: BindingId) -> bool {
    let it = scan.scopes.binding(id);
    if matches!(it.origin, Origin::Value { constant: true, .. }) && it.more.is_empty() {
        return false;
    }
    if let Some(known) = scan.reassigned.get(&id) {
        return *known;
    }
    let (node, inside) = (it.node, scan.scopes.node(it.scope));
    let declared_again = !it.more.is_empty();
    let word = scan.of(node);
    let source = scan.source;
    let suspect = scan.assigned_names.get_or_insert_with(|| assigned_names(source)).contains(word);
    let reassigned = declared_again
        || suspect
            && occurrences(scan.source, word, inside.byte_range()).any(|at| {
                let before = scan.source[..at.start].trim_end();
                let declares = is_declared_after(before);
                let after = scan.source[at.end..].trim_start();
                let steps = after.starts_with("++") || after.starts_with("--") || before.ends_with("++");
                at.start != node.start_byte()
                    && !declares
                    && !before.ends_with('.')
                    && (steps || equals_after(scan.source, at.end).is_some())
            });
    scan.reassigned.insert(id, reassigned);
    reassigned
}

fn is_declared_after(before: &str) -> bool {
    ["let", "const", "var"].iter().any(|it| before.ends_with(it))
}

/// The words before every `=` and before or after every `++`: one pass that spares one for each variable.
fn assigned_names(source: &str) -> HashSet<&str> {
    let part = |it: char| it.is_alphanumeric() || it == '_' || it == '$' || !it.is_ascii();
    let last = |text: &'_ str| {
        text.len() - text.chars().rev().take_while(|it| part(*it)).map(char::len_utf8).sum::<usize>()
    };
    let mut names = HashSet::new();
    for at in memchr::memchr3_iter(b'=', b'+', b'-', source.as_bytes()) {
        let before = source[..at].trim_end_matches(['?', '|', '&', '+', '-']).trim_end();
        let (rest, name) = before.split_at(last(before));
        if !is_declared_after(rest.trim_end()) {
            names.insert(name);
        }
        let after = source[at..].trim_start_matches(['+', '-']).trim_start();
        let length = after.chars().take_while(|it| part(*it)).map(char::len_utf8).sum();
        names.insert(&after[..length]);
    }
    names
}

/// Where the `=` of an assignment stands after a name.
fn equals_after(source: &str, end: usize) -> Option<usize> {
    let after = source[end..].trim_start();
    let operator = ["??=", "||=", "&&=", "+=", "="].into_iter().find(|it| after.starts_with(it))?;
    let at = source.len() - after.len();
    let next = after[operator.len()..].chars().next();
    (!matches!(next, Some('=' | '>'))).then_some(at)
}
