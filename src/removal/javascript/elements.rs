//! JSX: what stands between tags.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::pass::{Mark, Pass};
use crate::removal::view::parts;

use super::expressions::{peeled, wrapped};

/// The braces between tags round an expression, when they hold nothing else.
fn child_braces(node: Node) -> Option<Node> {
    let braces = wrapped(node).parent().filter(|it| it.kind() == "jsx_expression")?;
    let between_tags = braces.parent().is_some_and(|it| it.kind() == "jsx_element");
    (parts(braces).len() == 1 && between_tags).then_some(braces)
}

fn is_fragment(pass: &Pass, node: Node) -> bool {
    node.kind() == "jsx_element"
        && node
            .child_by_field_name("open_tag")
            .is_some_and(|it| matches!(pass.doc.of(it), "<>" | "<Fragment>" | "<React.Fragment>"))
}

/// An expression that takes the place of braces between tags.
pub(super) fn substitute(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    let doc = pass.doc;
    let braces = child_braces(whole)?;
    let inner = peeled(kept);
    match inner.kind() {
        "null" | "undefined" | "false" | "true" => return Some(nothing(pass, braces)),
        "jsx_element" | "jsx_self_closing_element" => {}
        _ => return None,
    }
    let mut range = inner.byte_range();
    if is_fragment(pass, inner) {
        let (open, close) = (inner.child_by_field_name("open_tag")?, inner.child_by_field_name("close_tag")?);
        match doc.content(open.end_byte()..close.start_byte()) {
            Some(content) => range = content,
            None => return Some(nothing(pass, braces)),
        }
    }
    Some(replace(pass, braces, range))
}

fn replace(pass: &Pass, braces: Node, kept: std::ops::Range<usize>) -> Change {
    let doc = pass.doc;
    let (from, to) =
        (doc.indentation(kept.start).to_owned(), doc.indentation(braces.start_byte()).to_owned());
    let mut edits = vec![
        Edit { range: braces.start_byte()..kept.start, text: String::new() },
        Edit { range: kept.end..braces.end_byte(), text: String::new() },
    ];
    edits.extend(doc.reindent(&kept, &from, &to));
    Change::of(edits)
}

/// What renders nothing goes.
fn nothing(pass: &Pass, braces: Node) -> Change {
    let doc = pass.doc;
    // Between two texts the braces keep the line break from becoming a space.
    let is_text =
        |it: Option<Node>| it.is_some_and(|it| it.kind() == "jsx_text" && !doc.of(it).trim().is_empty());
    if is_text(braces.prev_sibling()) && is_text(braces.next_sibling()) {
        let has_line = |it: Option<Node>| it.is_some_and(|it| doc.of(it).contains('\n'));
        if has_line(braces.prev_sibling()) || has_line(braces.next_sibling()) {
            let is_done = doc.of(braces) == "{null}";
            return if is_done {
                Change::default()
            } else {
                Change::of([Edit { range: braces.byte_range(), text: "{null}".into() }])
            };
        }
        return Change::of([Edit { range: braces.byte_range(), text: String::new() }]);
    }
    let mut range = braces.byte_range();
    // `{/* why */}` right above speaks of it.
    if let Some(above) = comment_above(pass, braces) {
        range.start = above;
    }
    Change::of([doc.delete_range(range)])
}

/// Where a comment between tags begins that stands on the line above.
fn comment_above(pass: &Pass, braces: Node) -> Option<usize> {
    let space = braces.prev_sibling().filter(|it| it.kind() == "jsx_text")?;
    let text = pass.doc.of(space);
    (text.trim().is_empty() && text.matches('\n').count() == 1).then_some(())?;
    let above = space.prev_sibling().filter(|it| it.kind() == "jsx_expression")?;
    let is_comment = parts(above).is_empty() && pass.doc.of(above).contains("/*");
    (is_comment && pass.doc.begins_line(above.start_byte())).then(|| above.start_byte())
}

/// `{read}` between tags: true and false render nothing.
pub(super) fn child_step(pass: &Pass, braces: Node, mark: &Mark) -> Option<Change> {
    let between_tags = braces.parent().is_some_and(|it| it.kind() == "jsx_element");
    let renders_nothing = mark.known.is_bool()
        || mark.known.is_nothing() == Some(true)
        || mark.known == crate::removal::known::Known::Falsy;
    (between_tags && renders_nothing && mark.effects.is_empty())
        .then(|| nothing(pass, braces))
        .filter(|it| !it.edits.is_empty())
}
