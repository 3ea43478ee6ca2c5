//! What stands between commas: elements, properties, arguments, patterns, import specifiers.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::{Change, Document};
use crate::removal::pass::{Mark, Pass};
use crate::removal::view::parts;

use super::expressions::{peeled, wrapped};

/// The deletion of an item together with a comma, and with its lines where it has them to itself.
pub(super) fn delete_item(doc: &Document, item: Node) -> Edit {
    if let Some(comma) = next_comma(item) {
        let range = item.start_byte()..comma.end_byte();
        let with_comments = doc.with_comments(item);
        if doc.begins_line(item.start_byte()) && doc.rest_of_line(comma.end_byte()).is_empty() {
            return doc.delete_range(with_comments.start..range.end);
        }
        let gap = doc.text[range.end..].len() - doc.text[range.end..].trim_start_matches([' ', '\t']).len();
        return Edit { range: range.start..range.end + gap, text: String::new() };
    }
    match previous_comma(item) {
        Some(comma) => Edit { range: comma.start_byte()..item.end_byte(), text: String::new() },
        // The only item: the space round it goes too, but not that of a list that hugs it.
        None => {
            let before = &doc.text[..item.start_byte()];
            let is_loose = before.ends_with(char::is_whitespace);
            let start = if is_loose { before.trim_end().len() } else { item.start_byte() };
            let after = &doc.text[item.end_byte()..];
            let gap = if is_loose { after.len() - after.trim_start().len() } else { 0 };
            Edit { range: start..item.end_byte() + gap, text: String::new() }
        }
    }
}

fn next_comma(item: Node) -> Option<Node> {
    let mut next = item.next_sibling();
    while let Some(it) = next.filter(|it| it.is_extra()) {
        next = it.next_sibling();
    }
    next.filter(|it| it.kind() == ",")
}

fn previous_comma(item: Node) -> Option<Node> {
    let mut before = item.prev_sibling();
    while let Some(it) = before.filter(|it| it.is_extra()) {
        before = it.prev_sibling();
    }
    before.filter(|it| it.kind() == ",")
}

/// A read in `const [a, b] = await Promise.all([x, read])`.
pub(super) struct InPromiseAll<'d> {
    /// What the array is assigned to.
    pub(super) pattern: Node<'d>,
    /// The name at the same place, if it is one.
    pub(super) name: Option<Node<'d>>,
}

pub(super) fn in_promise_all<'d>(
    pass: &Pass<'d>,
    array: Node<'d>,
    item: Node<'d>,
) -> Option<InPromiseAll<'d>> {
    let call = array.parent()?.parent().filter(|it| it.kind() == "call_expression")?;
    let callee = call.child_by_field_name("function")?;
    (pass.doc.of(callee) == "Promise.all").then_some(())?;
    let at = parts(array).iter().position(|it| *it == item)?;
    let declarator = wrapped(call).parent().filter(|it| it.kind() == "await_expression")?;
    let declarator = wrapped(declarator).parent().filter(|it| it.kind() == "variable_declarator")?;
    let pattern = declarator.child_by_field_name("name").filter(|it| it.kind() == "array_pattern")?;
    let names = parts(pattern);
    // A hole moves the others.
    let holes = pass.doc.of(pattern).matches(',').count() > names.len();
    let same = !holes
        && names.iter().all(|it| matches!(it.kind(), "identifier" | "object_pattern" | "array_pattern"));
    let name = names.get(at).copied().filter(|it| same && it.kind() == "identifier");
    Some(InPromiseAll { pattern, name })
}

/// A known item of an array: a dependency of a hook that never changes, one that `.filter(Boolean)` drops.
pub(super) fn item_step(pass: &Pass, array: Node, item: Node) -> Option<Change> {
    pass.marked(item).filter(|it| it.effects.is_empty())?;
    if let Some(all) = in_promise_all(pass, array, item) {
        let name = all.name?;
        let binding = pass.scopes.declared_at(name.start_byte())?;
        let n = parts(all.pattern).len();
        (binding.reads.iter().all(|it| pass.is_within_mark(&it.range)) && n == parts(array).len())
            .then_some(())?;
        if n == 1 {
            // The whole declaration goes.
            let declaration = all.pattern.parent()?.parent()?;
            let alone = parts(declaration).len() == 1 && declaration.kind().ends_with("declaration");
            return alone.then(|| Change::of([pass.doc.delete(declaration)]));
        }
        return Some(Change::of([delete_item(pass.doc, name), delete_item(pass.doc, item)]));
    }
    let is_dependency = || {
        let arguments = array.parent().filter(|it| it.kind() == "arguments")?;
        let callee = arguments.parent()?.child_by_field_name("function")?;
        let name = pass.doc.of(callee).rsplit('.').next()?.to_owned();
        let is_last = parts(arguments).last() == Some(&array) && parts(arguments).len() == 2;
        Some(is_last && name.starts_with("use") && name[3..].starts_with(|it: char| it.is_uppercase()))
    };
    let is_dropped = || {
        let filter = array.parent().filter(|it| it.kind() == "member_expression")?;
        let call = filter.parent().filter(|it| pass.doc.of(*it).ends_with(".filter(Boolean)"))?;
        let falsy = pass.marked(item)?.known.is_truthy(pass.language()) == Some(false);
        Some(call.kind() == "call_expression" && falsy)
    };
    let goes = is_dependency() == Some(true) || is_dropped() == Some(true);
    goes.then(|| Change::of([delete_item(pass.doc, item)]))
}

/// `...false` spreads nothing.
pub(super) fn spread_step(pass: &Pass, spread: Node, mark: &Mark) -> Option<Change> {
    let in_object = spread.parent().is_some_and(|it| it.kind() == "object");
    let falsy = mark.known.is_truthy(pass.language()) == Some(false) && mark.effects.is_empty();
    (in_object && falsy && mark.known.as_text().is_none())
        .then(|| Change::of([delete_item(pass.doc, spread)]))
}

/// `(read, a())`: a known value before the last does nothing.
pub(super) fn sequence_step(pass: &Pass, sequence: Node, item: Node, mark: &Mark) -> Option<Change> {
    mark.effects.is_empty().then_some(())?;
    match parts(sequence)[..] {
        [first, last] if first == item => super::substitute(pass, sequence, last),
        [.., last] if last != item => Some(Change::of([delete_item(pass.doc, item)])),
        _ => None,
    }
}

/// `...(read && { a, b })` becomes `a, b`; likewise in arrays.
pub(super) fn substitute(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    let doc = pass.doc;
    let spread = wrapped(whole).parent().filter(|it| it.kind() == "spread_element")?;
    let kind = spread.parent()?.kind();
    let mut inner = peeled(kept);
    if inner.kind() == "as_expression" {
        inner = peeled(inner.named_child(0)?);
    }
    let nothing = matches!(inner.kind(), "null" | "undefined" | "false") && kind == "object";
    if nothing || (matches!(inner.kind(), "object" | "array") && parts(inner).is_empty()) {
        return matches!(kind, "object" | "array" | "arguments")
            .then(|| Change::of([delete_item(doc, spread)]));
    }
    let fits = matches!((kind, inner.kind()), ("object", "object") | ("array" | "arguments", "array"));
    fits.then_some(())?;
    let content = doc.content(inner.start_byte() + 1..inner.end_byte() - 1)?;
    // The list that it joins has its own comma.
    let content =
        content.start..doc.text[..content.end].trim_end_matches(',').trim_end().len().max(content.start);
    Some(doc.keep(&spread.byte_range(), &content, ("", "")))
}
