//! What a page says of flags before PostHog answers: `bootstrap: { featureFlags: { 'new-nav': true } }`.

use tree_sitter::Node;

use crate::removal::document::{Change, Document};
use crate::removal::view::{parts, text_of};

use super::lists::delete_item;

/// The first entry of a flag, taken out together with the objects that held nothing else.
pub(in crate::removal) fn without_flag(document: &Document, key: &str) -> Option<Change> {
    let mut stack = vec![document.tree.root_node()];
    while let Some(node) = stack.pop() {
        if node.kind() == "pair"
            && name_of(document, node).as_deref() == Some(key)
            && is_of_bootstrap(document, node)
        {
            return Some(Change::of([delete_item(document, widest(node))]));
        }
        stack.extend(parts(node).into_iter().rev());
    }
    None
}

fn name_of(document: &Document, pair: Node) -> Option<String> {
    let key = pair.child_by_field_name("key")?;
    match key.kind() {
        "property_identifier" => Some(document.of(key).to_owned()),
        _ => text_of(&document.text, key),
    }
}

fn is_of_bootstrap(document: &Document, entry: Node) -> bool {
    let said = |pair: Option<Node>| pair.and_then(|it| name_of(document, it));
    let is_plain = entry.child_by_field_name("value").is_some_and(is_plain);
    let flags = pair_round(entry);
    let is_list = matches!(said(flags).as_deref(), Some("featureFlags" | "featureFlagPayloads"));
    is_plain && is_list && said(flags.and_then(pair_round)).as_deref() == Some("bootstrap")
}

/// Whether nothing is called for a value.
fn is_plain(value: Node) -> bool {
    !matches!(value.kind(), "call_expression" | "await_expression" | "new_expression")
        && parts(value).into_iter().all(is_plain)
}

/// The property whose object an entry stands in.
fn pair_round(entry: Node) -> Option<Node> {
    let object = entry.parent().filter(|it| it.kind() == "object")?;
    object.parent().filter(|it| it.kind() == "pair")
}

/// The property that would be empty without an entry, up to `bootstrap` itself.
fn widest(entry: Node) -> Node {
    let mut node = entry;
    for _ in 0..2 {
        let is_only = node.parent().is_some_and(|it| parts(it).len() == 1);
        match pair_round(node).filter(|_| is_only) {
            Some(round) => node = round,
            None => break,
        }
    }
    node
}
