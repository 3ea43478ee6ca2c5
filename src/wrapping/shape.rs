//! How the wrapped code is written down.

use std::ops::Range;

use tree_sitter::Node;

use super::edits::{Edits, Order};
use super::file::File;
use super::functions;
use super::markup;
use super::position::{Position, position};
use super::selection::{Target, is_element, is_jsx, trimmed};
use crate::removal::{Refusal, named};

/// Longer lines are broken.
const WIDTH: usize = 80;

/// Puts the target into a condition.
pub(super) fn shape(file: &File, target: &Target, condition: &str, edits: &mut Edits) -> Result<(), Refusal> {
    let range = target.range(file);
    // Beside other operators it is easier to read.
    let beside = match condition.starts_with("await ") {
        true => format!("({condition})"),
        false => condition.to_owned(),
    };
    match target {
        Target::Statements(all) => match shown(file, all) {
            Some(value) => expression(file, value, &beside, edits),
            None if file.is_python() => python_block(file, &range, condition, edits),
            None => block(file, all, &range, condition, edits),
        },
        Target::Children(all) => children(file, all, &range, &beside, edits),
        Target::Expression(one) => return choose(file, *one, &beside, edits),
        Target::Nothing { at, inside } => nothing(file, *at, *inside, condition, edits),
    }
    Ok(())
}

fn choose(file: &File, node: Node, condition: &str, edits: &mut Edits) -> Result<(), Refusal> {
    position(file, node).map_err(|why| file.refuse(node.byte_range(), why))?;
    expression(file, node, condition, edits);
    Ok(())
}

/// The elements of a component's only selected statement, which returns them: without the flag it shows nothing.
fn shown<'t>(file: &File, all: &[Node<'t>]) -> Option<Node<'t>> {
    let [statement] = all else { return None };
    let value = statement.named_child(0).filter(|_| statement.kind() == "return_statement")?;
    let mut inner = value;
    while inner.kind() == "parenthesized_expression" {
        inner = inner.named_child(0)?;
    }
    (is_jsx(inner) && functions::component(file, *statement).is_some()).then_some(inner)
}

/// `if (condition) { … }`
fn block(file: &File, all: &[Node], range: &Range<usize>, condition: &str, edits: &mut Edits) {
    let line_end = file.style.line_end;
    let open = format!("if ({condition}) {{");
    let end = behind_comment(file, range.end);
    if !file.begins_line(range.start) || !file.rest_of_line(end).is_empty() {
        edits.insert_check(range.start, Order::InnerStart, &format!("{open} "), "if (".len());
        let (at, gap) = inline_end(file, range);
        return edits.insert(at, Order::InnerEnd, format!("{gap}}}"));
    }
    let indentation = file.indentation(range.start);
    let unit = &file.style.unit;
    let text = format!("{open}{line_end}{indentation}{unit}");
    edits.insert_check(range.start, Order::InnerStart, &text, "if (".len());
    indent(file, &(range.start..end), unit, edits);
    let rest = if ends_component(file, all) {
        let end = file.style.end;
        format!("{line_end}{line_end}{indentation}return null{end}")
    } else {
        String::new()
    };
    edits.insert(end, Order::InnerEnd, format!("{line_end}{indentation}}}{rest}"));
}

/// Where the brace stands that closes statements on the line of others, and what stands before it: a comment that goes to
/// the end of its line would swallow it. Such a comment may be a part of the statement.
fn inline_end(file: &File, range: &Range<usize>) -> (usize, String) {
    let last = file.tree.root_node().descendant_for_byte_range(range.end - 1, range.end);
    let is_open = |it: &Node| it.kind() == "comment" && file.of_node(*it).starts_with("//");
    let Some(comment) = last.filter(is_open) else { return (range.end, " ".into()) };
    let line = file.line_start(comment.start_byte()).max(range.start);
    match trimmed(file.text, line..comment.start_byte()) {
        code if code.is_empty() => {
            (range.end, format!("{}{}", file.style.line_end, file.indentation(range.start)))
        }
        code => (code.end, " ".into()),
    }
}

/// Whether a component would give nothing at its end, which is no way to show nothing.
fn ends_component(file: &File, all: &[Node]) -> bool {
    let Some(last) = all.iter().rev().find(|it| it.kind() != "comment") else { return false };
    let function = last.parent().and_then(|it| it.parent());
    last.kind() == "return_statement"
        && last.named_child(0).is_some()
        && last.next_named_sibling().is_none()
        && function.is_some_and(|it| functions::component(file, *last) == Some(it))
        && function.and_then(|it| functions::name(file, it)).is_none_or(|it| !functions::is_hook_name(&it))
}

/// `if condition:`
fn python_block(file: &File, range: &Range<usize>, condition: &str, edits: &mut Edits) {
    let indentation = file.indentation(range.start);
    let unit = &file.style.unit;
    let text = format!("if {condition}:{}{indentation}{unit}", file.style.line_end);
    edits.insert_check(range.start, Order::InnerStart, &text, "if ".len());
    indent(file, range, unit, edits);
}

/// The end of a range with the comment behind it on the same line.
fn behind_comment(file: &File, end: usize) -> usize {
    let rest = file.rest_of_line(end);
    let is_comment = rest.starts_with("//") || rest.starts_with("/*") && rest.ends_with("*/");
    if is_comment { trimmed(file.text, end..file.line_end(end)).end } else { end }
}

/// Moves the lines of a range but the first further in, those inside of strings excepted.
fn indent(file: &File, range: &Range<usize>, by: &str, edits: &mut Edits) {
    let mut at = file.line_end(range.start);
    while at < range.end {
        let next = file.line_end(at);
        if !file.text[at..next].trim().is_empty() && !file.is_in_string(at) {
            edits.insert(at, Order::Indentation, by);
        }
        at = next;
    }
}

/// `{condition && (…)}`
fn children(file: &File, all: &[Node], range: &Range<usize>, condition: &str, edits: &mut Edits) {
    if let [one] = all
        && let Some(value) = value_of(*one)
    {
        return expression(file, value, condition, edits);
    }
    let line_end = file.style.line_end;
    let is_one = matches!(all, [it] if is_jsx(*it));
    let text = &file.text[range.clone()];
    let (open, close) = if is_one { ("", "") } else { ("<>", "</>") };
    let start = format!("{{{condition} && ");
    let length =
        range.start - file.line_start(range.start) + start.len() + text.len() + open.len() + close.len() + 1;
    let is_inline = !file.begins_line(range.start) || !file.rest_of_line(range.end).is_empty();
    if !text.contains('\n') && (is_inline || length <= WIDTH) {
        edits.insert_check(range.start, Order::InnerStart, &format!("{start}{open}"), 1);
        return edits.insert(range.end, Order::InnerEnd, format!("{close}}}"));
    }
    let outer = file.indentation(range.start);
    let unit = &file.style.unit;
    let (first, last, inner) = match is_one {
        true => (String::new(), String::new(), unit.clone()),
        false => (
            format!("{line_end}{outer}{unit}<>"),
            format!("{line_end}{outer}{unit}</>"),
            format!("{unit}{unit}"),
        ),
    };
    let text = format!("{start}({first}{line_end}{outer}{inner}");
    edits.insert_check(range.start, Order::InnerStart, &text, 1);
    indent(file, range, &inner, edits);
    edits.insert(range.end, Order::InnerEnd, format!("{last}{line_end}{outer})}}"));
}

/// The value of `{value}` between tags.
fn value_of(child: Node) -> Option<Node> {
    let inside = named(child);
    match &inside[..] {
        [value]
            if child.kind() == "jsx_expression" && !value.is_extra() && value.kind() != "spread_element" =>
        {
            Some(*value)
        }
        _ => None,
    }
}

/// A value that is only there with the flag.
fn expression(file: &File, node: Node, condition: &str, edits: &mut Edits) {
    let Ok((node, position)) = position(file, node) else { return };
    let (start, end) = (node.start_byte(), node.end_byte());
    match position {
        Position::And => {
            let and = if file.is_python() { "and" } else { "&&" };
            let (open, close) = if binds_less(file, node) { ("(", ")") } else { ("", "") };
            edits.insert_check(start, Order::InnerStart, &format!("{condition} {and} {open}"), 0);
            edits.insert(end, Order::InnerEnd, close);
        }
        Position::Attribute => {
            if let Some(text) = markup::as_code(file.of_node(node)) {
                edits.replace(start..end, text);
            }
            edits.insert_check(start, Order::InnerStart, &format!("{{{condition} ? "), 1);
            edits.insert(end, Order::InnerEnd, " : undefined}");
        }
        Position::Item => {
            let text = format!("...({condition} ? [");
            edits.insert_check(start, Order::InnerStart, &text, "...(".len());
            edits.insert(end, Order::InnerEnd, "] : [])");
        }
        Position::Value { otherwise, parentheses } => {
            let (open, close) = if parentheses { ("(", ")") } else { ("", "") };
            if !file.is_python() {
                let text = format!("{open}{condition} ? ");
                edits.insert_check(start, Order::InnerStart, &text, open.len());
                return edits.insert(end, Order::InnerEnd, format!(" : {otherwise}{close}"));
            }
            let is_loose = matches!(node.kind(), "lambda" | "conditional_expression" | "yield");
            let (inner_open, inner_close) = if is_loose { ("(", ")") } else { ("", "") };
            edits.insert(start, Order::InnerStart, format!("{open}{inner_open}"));
            let before = format!("{inner_close} if ");
            let text = format!("{before}{condition} else {otherwise}{close}");
            edits.insert_check(end, Order::InnerEnd, &text, before.len());
        }
    }
}

/// Whether an expression would fall apart beside `&&`.
fn binds_less(file: &File, node: Node) -> bool {
    match node.kind() {
        "ternary_expression"
        | "assignment_expression"
        | "augmented_assignment_expression"
        | "arrow_function"
        | "yield_expression"
        | "conditional_expression"
        | "lambda"
        | "named_expression" => true,
        "binary_expression" | "boolean_operator" => {
            let operator = node.child_by_field_name("operator").map(|it| file.of_node(it));
            matches!(operator, Some("||" | "??" | "or"))
        }
        _ => false,
    }
}

/// A check in an empty line, for what is yet to be written.
fn nothing(file: &File, at: usize, inside: Node, condition: &str, edits: &mut Edits) {
    let start = file.line_start(at);
    let end = file.content_end(at);
    let indentation = empty_indentation(file, at, inside);
    let (unit, line_end) = (&file.style.unit, file.style.line_end);
    let (text, before) = if file.is_python() {
        (format!("if {condition}:{line_end}{indentation}{unit}pass"), "if ".len())
    } else if is_element(inside) {
        (format!("{{{condition} && <></>}}"), 1)
    } else {
        (format!("if ({condition}) {{{line_end}{indentation}}}"), "if (".len())
    };
    // The white space that is there stays.
    let there = &file.text[start..end];
    let rest = indentation.strip_prefix(there).unwrap_or("");
    edits.insert_check(end, Order::InnerStart, &format!("{rest}{text}"), rest.len() + before);
}

/// The indentation of what would stand in an empty line.
fn empty_indentation(file: &File, at: usize, inside: Node) -> String {
    let start = file.line_start(at);
    let there = &file.text[start..file.content_end(at)];
    if !there.is_empty() {
        return there.to_owned();
    }
    let begins = |it: &Node| file.begins_line(it.start_byte());
    let sibling = named(inside).into_iter().filter(|it| it.kind() != "jsx_text").find(begins);
    let tags = [inside.child_by_field_name("open_tag"), inside.child_by_field_name("close_tag")];
    match sibling.filter(|it| !tags.contains(&Some(*it))) {
        Some(it) => file.indentation(it.start_byte()).to_owned(),
        None if inside.parent().is_none() => String::new(),
        None => format!("{}{}", file.indentation(inside.start_byte()), file.style.unit),
    }
}
