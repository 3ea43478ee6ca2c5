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
        let rest = doc.rest_of_line(comma.end_byte());
        if doc.begins_line(item.start_byte()) && is_comment_of_line(rest) {
            let end = doc.text[..doc.line_end(comma.end_byte())].trim_end().len();
            return doc.delete_range(with_comments.start..end.max(range.end));
        }
        // The next one takes the place of the first one behind `const`.
        let spaces: &[char] =
            if doc.begins_line(item.start_byte()) { &[' ', '\t'] } else { &[' ', '\t', '\r', '\n'] };
        let gap = doc.text[range.end..].len() - doc.text[range.end..].trim_start_matches(spaces).len();
        return Edit { range: range.start..range.end + gap, text: String::new() };
    }
    let rest = doc.rest_of_line(item.end_byte());
    if doc.begins_line(item.start_byte()) && rest.starts_with("//") {
        // The last one, without a comma: that of the one before it would be too many in some lists, and may stay.
        return doc.delete_range(doc.with_comments(item));
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

/// Whether nothing, or a comment alone, follows on a line.
fn is_comment_of_line(rest: &str) -> bool {
    rest.is_empty()
        || rest.starts_with("//")
        || (rest.starts_with("/*") && rest.find("*/") == Some(rest.len() - 2))
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
        let all = parts(arguments);
        let has_callback = all.len() == 2 || all.iter().any(|it| it.kind().contains("function"));
        let is_last = all.last() == Some(&array) && has_callback;
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
    let falsy = mark.known.is_truthy(pass.language()) == Some(false) && mark.effects.is_empty();
    let parent = spread.parent().filter(|_| falsy && mark.known.as_text().is_none())?;
    match parent.kind() {
        "object" => Some(Change::of([delete_item(pass.doc, spread)])),
        "jsx_expression" => attribute_gone(pass, parent),
        _ => None,
    }
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

/// `{...props}` among the attributes of an element, taken out.
fn attribute_gone(pass: &Pass, braces: Node) -> Option<Change> {
    let tag = braces.parent()?.kind();
    matches!(tag, "jsx_opening_element" | "jsx_self_closing_element").then_some(())?;
    let start = pass.doc.text[..braces.start_byte()].trim_end().len();
    Some(Change::of([Edit { range: start..braces.end_byte(), text: String::new() }]))
}

/// The properties of an object as attributes of an element.
fn as_attributes(pass: &Pass, braces: Node, object: Node) -> Option<Change> {
    let doc = pass.doc;
    let is_name = |it: &str| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') && it != "key";
    let mut edits = Vec::new();
    let (mut at, mut text) = (braces.start_byte(), String::new());
    for pair in parts(object) {
        let key = pair.child_by_field_name("key").unwrap_or(pair);
        is_name(doc.of(key)).then_some(())?;
        let replace = |range: std::ops::Range<usize>, text: String| Edit { range, text };
        edits.push(replace(at..key.start_byte(), std::mem::replace(&mut text, " ".into())));
        at = pair.end_byte();
        match (pair.kind(), pair.child_by_field_name("value")) {
            ("shorthand_property_identifier", _) => {
                edits.push(replace(key.start_byte()..key.start_byte(), format!("{}={{", doc.of(key))));
                text = "} ".into();
            }
            ("pair", Some(value)) if value.kind() == "true" => {
                edits.push(replace(key.end_byte()..value.end_byte(), String::new()));
            }
            ("pair", Some(value)) if value.kind() == "string" => {
                let inner = doc.of(value).trim_matches(['"', '\'']);
                (!inner.contains(['"', '\'', '\\', '&'])).then_some(())?;
                edits.push(replace(key.end_byte()..value.end_byte(), format!("=\"{inner}\"")));
            }
            ("pair", Some(value)) => {
                edits.push(replace(key.end_byte()..value.start_byte(), "={".into()));
                text = "} ".into();
            }
            _ => return None,
        }
    }
    edits.push(Edit { range: at..braces.end_byte(), text: text.trim_end().to_owned() });
    // Two edits in one place have no order.
    let mut joined: Vec<Edit> = Vec::new();
    for it in edits {
        match joined.last_mut().filter(|last| last.range.end == it.range.start && it.range.is_empty()) {
            Some(last) => last.text.push_str(&it.text),
            None => joined.push(it),
        }
    }
    (!doc.of(object).contains('\n')).then(|| Change::of(joined))
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
    let is_empty = matches!(inner.kind(), "null" | "undefined" | "false")
        || inner.kind() == "object" && parts(inner).is_empty();
    if kind == "jsx_expression" {
        let braces = spread.parent()?;
        if is_empty {
            return attribute_gone(pass, braces);
        }
        return if inner.kind() == "object" { as_attributes(pass, braces, inner) } else { None };
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
