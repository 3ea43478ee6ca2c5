//! JSX: what stands between tags.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::{Binding, Kind};
use crate::removal::view::{parts, text_of};

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
    let inner = peeled(kept);
    if let Some(text) = text_of(&doc.text, inner).filter(|_| inner.kind() == "string")
        && let Some(change) = attribute_text(wrapped(whole), &text)
    {
        return Some(change);
    }
    let braces = child_braces(whole)?;
    match inner.kind() {
        "null" | "undefined" | "false" | "true" => return Some(nothing(pass, braces)),
        "jsx_element" | "jsx_self_closing_element" => {}
        "string" => return between_tags_text(pass, braces, &text_of(&doc.text, inner)?),
        _ => return None,
    }
    let mut range = inner.byte_range();
    // A fragment of one element is that element.
    if let Some(round) = braces.parent().filter(|it| is_fragment(pass, *it) && !is_fragment(pass, inner))
        && between_tags_of(pass, round).len() == 1
        && round.parent().is_some_and(|it| it.kind() != "jsx_element")
    {
        return Some(doc.keep(&round.byte_range(), &range, ("", "")));
    }
    if is_fragment(pass, inner) {
        let (open, close) = (inner.child_by_field_name("open_tag")?, inner.child_by_field_name("close_tag")?);
        match doc.content(open.end_byte()..close.start_byte()) {
            Some(content) if joins(pass, braces, &content) => range = content,
            Some(_) => {}
            None => return Some(nothing(pass, braces)),
        }
    }
    Some(doc.keep(&braces.byte_range(), &range, ("", "")))
}

/// A text as it stands between tags, without braces and quotes.
fn between_tags_text(pass: &Pass, braces: Node, text: &str) -> Option<Change> {
    let is_plain = text.trim() == text && !text.is_empty() && !text.contains(['{', '}', '<', '>', '&', '\n']);
    let said = |it: Option<Node>| {
        it.filter(|it| it.kind() == "jsx_text").map(|it| pass.doc.of(it)).filter(|it| !it.trim().is_empty())
    };
    // A line break between two texts would become a space.
    let (before, after) = (said(braces.prev_sibling()), said(braces.next_sibling()));
    let breaks = before.is_some_and(|it| it[it.trim_end().len()..].contains('\n'))
        || after.is_some_and(|it| it[..it.len() - it.trim_start().len()].contains('\n'))
        || may_meet_text(pass, braces, |it| it.prev_sibling())
        || may_meet_text(pass, braces, |it| it.next_sibling());
    (is_plain && !breaks).then(|| Change::of([Edit { range: braces.byte_range(), text: text.into() }]))
}

/// Whether something that gives a text, or may give one soon, stands beside an expression, a line break between them.
fn may_meet_text<'t>(pass: &Pass, braces: Node<'t>, step: impl Fn(Node<'t>) -> Option<Node<'t>>) -> bool {
    let mut beside = step(braces);
    while let Some(it) = beside.filter(|it| it.kind() == "jsx_text" && pass.doc.of(*it).trim().is_empty()) {
        beside = step(it);
    }
    beside.is_some_and(|it| {
        let gap = braces.end_byte().min(it.end_byte())..braces.start_byte().max(it.start_byte());
        matches!(it.kind(), "jsx_text" | "jsx_expression" | "html_character_reference")
            && pass.doc.text[gap].contains('\n')
    })
}

/// Whether a text stands beside an expression between tags. One that an expression gives meets no other: a line break
/// beside braces is none.
fn is_beside_text<'t>(pass: &Pass, braces: Node<'t>, step: impl Fn(Node<'t>) -> Option<Node<'t>>) -> bool {
    let mut beside = step(braces);
    while let Some(it) = beside.filter(|it| it.kind() == "jsx_text" && pass.doc.of(*it).trim().is_empty()) {
        beside = step(it);
    }
    beside.is_some_and(|it| matches!(it.kind(), "jsx_text" | "html_character_reference"))
}

/// Whether children may stand in place of something between tags: a text of theirs must not meet another one.
fn joins<'t>(pass: &Pass, whole: Node<'t>, content: &Range<usize>) -> bool {
    let text = &pass.doc.text[content.clone()];
    let (before, after) = (|it: Node<'t>| it.prev_sibling(), |it: Node<'t>| it.next_sibling());
    let is_text = |begins: bool, is_expression: bool| !begins && !is_expression;
    let meets_before = match is_text(text.starts_with('<'), text.starts_with('{')) {
        true => is_beside_text(pass, whole, before) || may_meet_text(pass, whole, before),
        false => text.starts_with('{') && is_beside_text(pass, whole, before),
    };
    let meets_after = match is_text(text.ends_with('>'), text.ends_with('}')) {
        true => is_beside_text(pass, whole, after) || may_meet_text(pass, whole, after),
        false => text.ends_with('}') && is_beside_text(pass, whole, after),
    };
    !meets_before && !meets_after
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
    let mut above = braces.prev_sibling()?;
    if above.kind() == "jsx_text" && pass.doc.of(above).trim().is_empty() {
        above = above.prev_sibling()?;
    }
    let between = &pass.doc.text[above.end_byte()..braces.start_byte()];
    let is_next = between.trim().is_empty() && between.matches('\n').count() == 1;
    (is_next && above.kind() == "jsx_expression").then_some(())?;
    let is_comment = parts(above).is_empty() && pass.doc.of(above).contains("/*");
    (is_comment && pass.doc.begins_line(above.start_byte())).then(|| above.start_byte())
}

/// `{read}` between tags: true and false render nothing.
pub(super) fn child_step(pass: &Pass, braces: Node, mark: &Mark) -> Option<Change> {
    let between_tags = braces.parent().is_some_and(|it| it.kind() == "jsx_element");
    let renders_nothing =
        mark.known.is_bool() || mark.known.is_nothing() == Some(true) || mark.known == Known::Falsy;
    (between_tags && renders_nothing && mark.effects.is_empty())
        .then(|| nothing(pass, braces))
        .filter(|it| !it.edits.is_empty())
}

/// What an element shows, in its place: the children or a property of it, or nothing.
pub(super) fn shown_step(pass: &Pass, element: Node, mark: &Mark) -> Option<Change> {
    let (property, otherwise) = match &mark.known {
        Known::Feature(kept) => {
            let wanted = match attribute(pass, element, "match") {
                Some(value) => Some(attribute_value(pass, value)?),
                // `match` alone is `match={true}`.
                None => is_said_alone(pass, element, "match").then(|| Known::bool(true)),
            };
            let shown = match wanted {
                // Without a match the SDK shows the children whatever the flag serves.
                None => true,
                Some(wanted) => kept.variant().equals(&wanted, false)?,
            };
            (if shown { "children" } else { "fallback" }, "null")
        }
        Known::Shows { property, otherwise } => (property.as_str(), otherwise.as_str()),
        Known::Json(_) | Known::Undefined | Known::Falsy if element.kind().starts_with("jsx_") => {
            ("", "null")
        }
        _ => return None,
    };
    let kept = match property {
        "children" => children(pass, element),
        "" => None,
        name => attribute(pass, element, name).and_then(|value| {
            let inner = match value.kind() {
                "jsx_expression" => peeled(*parts(value).first()?),
                _ => value,
            };
            Some(Shown::One(inner))
        }),
    };
    let between_tags = element.parent().is_some_and(|it| it.kind() == "jsx_element");
    match kept {
        Some(Shown::One(inner)) => Some(one_shown(pass, element, inner, between_tags)),
        Some(Shown::Several(content)) if between_tags && joins(pass, element, &content) => {
            Some(pass.doc.keep(&element.byte_range(), &content, ("", "")))
        }
        Some(Shown::Several(_)) => in_fragment(element),
        None if between_tags => Some(nothing(pass, element)),
        None => {
            let known = Known::Json(serde_json::Value::Null);
            (otherwise == "null").then(|| Change::literal(element.byte_range(), "", otherwise, known))
        }
    }
}

/// The elements of a component that stand where nothing but what they show counts.
pub(in crate::removal) fn elements_of<'d>(pass: &Pass<'d>, component: &Binding) -> Vec<Node<'d>> {
    let elements = component.reads.iter().filter_map(|it| {
        let tag = pass.node(&it.range)?.parent()?;
        let element = match tag.kind() {
            "jsx_self_closing_element" => tag,
            "jsx_opening_element" => tag.parent()?,
            _ => return None,
        };
        (is_only_shown(pass, element) && pass.is_pure(element)).then_some(element)
    });
    elements.collect()
}

/// Whether an expression is shown, and nobody asks what it is.
fn is_only_shown(pass: &Pass, node: Node) -> bool {
    let node = wrapped(node);
    let Some(parent) = node.parent() else { return false };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    match parent.kind() {
        "jsx_element" => true,
        "jsx_expression" => parent.parent().is_some_and(|it| it.kind() == "jsx_element"),
        "ternary_expression" => !is("condition") && is_only_shown(pass, parent),
        "binary_expression" => {
            let operator = parent.child_by_field_name("operator").map(|it| pass.doc.of(it));
            let is_shown = is("right") && is_only_shown(pass, parent);
            is_shown && matches!(operator, Some("&&" | "||" | "??"))
        }
        _ => false,
    }
}

enum Shown<'t> {
    One(Node<'t>),
    Several(Range<usize>),
}

/// What stands between the tags of an element, without white space.
fn between_tags_of<'t>(pass: &Pass, element: Node<'t>) -> Vec<Node<'t>> {
    let tags = [element.child_by_field_name("open_tag"), element.child_by_field_name("close_tag")];
    let is_space = |it: &Node| it.kind() == "jsx_text" && pass.doc.of(*it).trim().is_empty();
    parts(element).into_iter().filter(|it| !tags.contains(&Some(*it)) && !is_space(it)).collect()
}

/// What stands between the tags of an element.
fn children<'t>(pass: &Pass, element: Node<'t>) -> Option<Shown<'t>> {
    let (open, close) = (element.child_by_field_name("open_tag")?, element.child_by_field_name("close_tag")?);
    let content = pass.doc.content(open.end_byte()..close.start_byte())?;
    match between_tags_of(pass, element)[..] {
        [only] if matches!(only.kind(), "jsx_element" | "jsx_self_closing_element") => Some(Shown::One(only)),
        [only] if only.kind() == "jsx_expression" && parts(only).len() == 1 => {
            let value = *parts(only).first()?;
            match value.kind() {
                // Children that are a function get the payload.
                "arrow_function" => {
                    let body =
                        value.child_by_field_name("body").filter(|it| it.kind() != "statement_block")?;
                    Some(Shown::One(peeled(body)))
                }
                _ => Some(Shown::One(value)),
            }
        }
        _ => Some(Shown::Several(content)),
    }
}

fn one_shown(pass: &Pass, element: Node, inner: Node, between_tags: bool) -> Change {
    let is_nothing = matches!(inner.kind(), "null" | "undefined" | "false" | "true");
    let is_element = matches!(inner.kind(), "jsx_element" | "jsx_self_closing_element");
    if between_tags && is_nothing {
        return nothing(pass, element);
    }
    let round = if between_tags && !is_element { ("{", "}") } else { ("", "") };
    let change = pass.doc.keep(&element.byte_range(), &inner.byte_range(), round);
    let key = is_element.then(|| carried_key(pass, element, inner)).flatten();
    Change { whole: change.whole.clone(), ..Change::of(change.edits.into_iter().chain(key)) }
}

/// The `key` of an element in a list, for the one that takes its place.
fn carried_key(pass: &Pass, element: Node, inner: Node) -> Option<Edit> {
    let key = attribute(pass, element, "key")?.parent()?;
    let tag = inner.child_by_field_name("open_tag").unwrap_or(inner);
    let at = tag.child_by_field_name("name")?.end_byte();
    attribute(pass, inner, "key")
        .is_none()
        .then(|| Edit { range: at..at, text: format!(" {}", pass.doc.of(key)) })
}

/// Several children where one expression is wanted.
fn in_fragment(element: Node) -> Option<Change> {
    let (open, close) = (element.child_by_field_name("open_tag")?, element.child_by_field_name("close_tag")?);
    let tag = |it: Node, text: &str| Edit { range: it.byte_range(), text: text.into() };
    Some(Change::of([tag(open, "<>"), tag(close, "</>")]))
}

/// Whether an attribute has no value.
fn is_said_alone(pass: &Pass, element: Node, name: &str) -> bool {
    let tag = element.child_by_field_name("open_tag").unwrap_or(element);
    parts(tag).into_iter().any(|it| it.kind() == "jsx_attribute" && pass.doc.of(it) == name)
}

/// The value of an attribute.
fn attribute<'t>(pass: &Pass, element: Node<'t>, name: &str) -> Option<Node<'t>> {
    let tag = element.child_by_field_name("open_tag").unwrap_or(element);
    let attributes = parts(tag).into_iter().filter(|it| it.kind() == "jsx_attribute");
    attributes.map(parts).find_map(|it| match it[..] {
        [key, value] if pass.doc.of(key) == name => Some(value),
        _ => None,
    })
}

fn attribute_value(pass: &Pass, value: Node) -> Option<Known> {
    match value.kind() {
        "string" => Some(Known::text(&text_of(&pass.doc.text, value)?)),
        _ => {
            let inner = pass.node(&parts(value).first()?.byte_range())?;
            pass.known(inner).map(|it| it.known)
        }
    }
}

/// Whether `left && false` between tags shows nothing, whatever the left side gives: of what is falsy only a number
/// would be seen.
pub(in crate::removal) fn shows_nothing<'d>(pass: &Pass<'d>, node: Node<'d>, left: Node<'d>) -> bool {
    let mut chain = wrapped(node);
    while let Some(parent) = chain.parent().filter(|it| {
        it.child_by_field_name("operator").is_some_and(|it| pass.doc.of(it) == "&&")
            && it.child_by_field_name("left") == Some(chain)
    }) {
        chain = wrapped(parent);
    }
    let is_path = matches!(peeled(left).kind(), "identifier" | "member_expression");
    child_braces(chain).is_some() && is_path && !may_be_number(pass, peeled(left))
}

/// Names that numbers have.
const NUMBERS: &[&str] = &[
    "age", "amount", "balance", "count", "idx", "index", "length", "num", "number", "percent", "price",
    "progress", "qty", "quantity", "rate", "score", "size", "sum", "total", "value",
];

/// Whether a name is, by its declared type or by what it says, that of a number.
fn may_be_number(pass: &Pass, path: Node) -> bool {
    let declaration = pass.scopes.at(&path.byte_range()).and_then(|it| pass.node(&it.declaration));
    let declared = declaration.and_then(|it| it.child_by_field_name("type")).map(|it| pass.doc.of(it));
    let value = declaration.and_then(|it| it.child_by_field_name("value"));
    let counted = value.is_some_and(|it| {
        matches!(
            peeled(it).kind(),
            "number" | "binary_expression" | "unary_expression" | "ternary_expression"
        ) && !pass.is_bool(it)
    });
    let name = pass.doc.of(path).rsplit('.').next().unwrap_or_default().to_lowercase();
    let short = name.len() < 2;
    counted
        || short
        || declared.is_some_and(|it| it.contains("number") || it.contains("bigint"))
        || NUMBERS.iter().any(|it| name.ends_with(it) || name.starts_with(it))
}

/// A known value as JSX writes it: `text="..."`, `isOn`, a text between tags.
pub(in crate::removal) fn written(pass: &Pass, node: Node, known: &Known) -> Option<Change> {
    if let Some(braces) = child_braces(node) {
        return between_tags_text(pass, braces, known.as_text()?);
    }
    if *known != Known::bool(true) {
        return attribute_text(node, known.as_text()?);
    }
    let braces = node.parent().filter(|it| it.kind() == "jsx_expression")?;
    let attribute = braces.parent().filter(|it| it.kind() == "jsx_attribute")?;
    let name = attribute.named_child(0)?;
    Some(Change::of([Edit { range: name.end_byte()..attribute.end_byte(), text: String::new() }]))
}

/// `text={read}` with a text: `text="..."`.
fn attribute_text(node: Node, text: &str) -> Option<Change> {
    let braces = node.parent().filter(|it| it.kind() == "jsx_expression")?;
    let attribute = braces.parent().filter(|it| it.kind() == "jsx_attribute")?;
    let fits = !text.contains(['"', '\\', '&', '\n']) && attribute.named_child_count() == 2;
    fits.then(|| Change::of([Edit { range: braces.byte_range(), text: format!("\"{text}\"") }]))
}

/// The property of a component that it returns as it is: `children`, `props.fallback`, `<>{children}</>`.
pub(in crate::removal) fn property_of(pass: &Pass, function: Node, value: Node) -> Option<Known> {
    let mut value = value;
    if is_fragment(pass, value) {
        let [only] = between_tags_of(pass, value)[..] else { return None };
        value = peeled(*parts(only).first().filter(|_| only.kind() == "jsx_expression")?);
    }
    if matches!(value.kind(), "as_expression" | "non_null_expression") {
        value = value.named_child(0)?;
    }
    // `fallback ?? null`
    if value.kind() == "binary_expression" {
        let field = |name: &str| value.child_by_field_name(name).map(|it| (it, pass.doc.of(it)));
        let (left, operator, right) = (field("left")?, field("operator")?.1, field("right")?.1);
        (matches!(operator, "??" | "||") && matches!(right, "null" | "undefined")).then_some(())?;
        value = left.0;
    }
    let name = match value.kind() {
        "identifier" => value,
        "member_expression" => value.child_by_field_name("object").filter(|it| it.kind() == "identifier")?,
        _ => return None,
    };
    let binding = pass.scopes.at(&name.byte_range())?;
    let is_own = function.start_byte() <= binding.name.start && binding.name.end <= function.end_byte();
    (is_own && binding.kind == Kind::Parameter && binding.writes.is_empty()).then_some(())?;
    let declared = pass.node(&binding.name)?;
    let pattern = declared.parent()?;
    let (property, default) = match (value.kind(), pattern.kind()) {
        ("member_expression", _) => (pass.doc.of(value.child_by_field_name("property")?).to_owned(), None),
        (_, "object_pattern") => (pass.doc.of(declared).to_owned(), None),
        (_, "object_assignment_pattern") => (
            pass.doc.of(declared).to_owned(),
            pattern.child_by_field_name("right").map(|it| pass.doc.of(it).to_owned()),
        ),
        (_, "pair_pattern") => (pass.doc.of(pattern.child_by_field_name("key")?).to_owned(), None),
        _ => return None,
    };
    let otherwise = match default.as_deref() {
        None | Some("null" | "undefined" | "false") => "null".to_owned(),
        Some(other) => other.to_owned(),
    };
    Some(Known::Shows { property, otherwise })
}

/// The parameter of children that are a function, and the payload that it gets.
pub(in crate::removal) fn payload_of_children(
    pass: &Pass,
    element: Node,
    known: &Known,
) -> Option<(Range<usize>, Known)> {
    let Known::Feature(kept) = known else { return None };
    let braces = parts(element).into_iter().find(|it| it.kind() == "jsx_expression")?;
    let function = parts(braces).into_iter().find(|it| it.kind() == "arrow_function")?;
    Some((super::parameter(function, 0)?.byte_range(), kept.payload(pass.language())))
}
