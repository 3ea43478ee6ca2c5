//! The variable of a hook at the top of a component.

use tree_sitter::Node;

use crate::removal::{named, parts};
use crate::wrapping::edits::{Edits, Order};
use crate::wrapping::file::{File, ancestors};
use crate::wrapping::functions;

/// The place in a component where a hook is declared, for asking what has a name there.
pub(super) fn place(file: &File, component: Node) -> Option<usize> {
    let body = component.child_by_field_name("body")?;
    Some(match body.kind() {
        "statement_block" => behind_directives(file, body).0,
        _ => body.start_byte(),
    })
}

/// The end of the directives of a body or of its opening brace, and the first statement behind.
fn behind_directives<'t>(file: &File, body: Node<'t>) -> (usize, Option<Node<'t>>) {
    let mut end = body.start_byte() + 1;
    for statement in named(body) {
        match file.is_directive(statement) {
            true => end = statement.end_byte(),
            false if statement.kind() == "comment" => {}
            false => return (end, Some(statement)),
        }
    }
    (end, None)
}

/// Declares a variable above everything else in a component, where no early return comes before.
pub(super) fn declare(file: &File, component: Node, declaration: &str, edits: &mut Edits) {
    let Some(body) = component.child_by_field_name("body") else { return };
    let line_end = file.style.line_end;
    let outer = file.indentation(component.start_byte());
    let inner = format!("{outer}{}", file.style.unit);
    if body.kind() != "statement_block" {
        return unfold(file, body, declaration, edits);
    }
    let (at, first) = behind_directives(file, body);
    let is_one_line = first.is_some_and(|it| file.line_start(it.start_byte()) <= at);
    if is_one_line {
        return edits.insert(at, Order::OuterStart, format!(" {declaration};"));
    }
    // A comment behind the brace stays there.
    let at = file.content_end(at);
    let end = file.end_before(at);
    let inner = first.map_or(inner, |it| file.indentation(it.start_byte()).to_owned());
    let is_declaration = first.is_some_and(|it| it.kind() == "lexical_declaration");
    let gap = if is_declaration || first.is_none() { "" } else { line_end };
    edits.insert(at, Order::OuterStart, format!("{line_end}{inner}{declaration}{end}{gap}"));
}

/// A body that is one expression becomes a block.
fn unfold(file: &File, body: Node, declaration: &str, edits: &mut Edits) {
    let (end, line_end, unit) = (file.style.end, file.style.line_end, &file.style.unit);
    let is_below = file.begins_line(body.start_byte());
    let outer = file.indentation(body.start_byte());
    let outer = if is_below { outer.strip_suffix(unit.as_str()).unwrap_or(outer) } else { outer };
    let start =
        format!("{{{line_end}{outer}{unit}{declaration}{end}{line_end}{line_end}{outer}{unit}return ");
    let arrow = body.prev_sibling().map(|it| it.end_byte()).filter(|_| is_below);
    match arrow {
        // The brace stands behind the arrow, and what was below it is as far in as before.
        Some(arrow) => edits.replace(arrow..body.start_byte(), format!(" {start}")),
        None => edits.insert(body.start_byte(), Order::OuterStart, start),
    }
    let mut at = file.line_end(body.start_byte());
    while at < body.end_byte() && arrow.is_none() {
        let line_has_text = !file.text[at..file.line_end(at)].trim().is_empty();
        if line_has_text && !file.is_in_string(at) {
            edits.insert(at, Order::Indentation, unit);
        }
        at = file.line_end(at);
    }
    edits.insert(body.end_byte(), Order::OuterEnd, format!("{end}{line_end}{outer}}}"));
}

/// Adds a variable to the dependencies of the hooks whose callbacks use it: else they would go on with what it was at
/// first, which is nothing before the flags are loaded.
pub(super) fn depend(file: &File, node: Node, component: Node, name: &str, edits: &mut Edits) {
    for callback in ancestors(node).skip(1).take_while(|it| *it != component) {
        let arguments =
            callback.parent().filter(|it| functions::is_function(callback) && it.kind() == "arguments");
        let Some(arguments) = arguments else { continue };
        let hook = arguments.parent().and_then(|it| functions::called_hook(file, it));
        let all = parts(arguments);
        let is_first = all.iter().find(|it| functions::is_function(**it)) == Some(&callback);
        let list = all.iter().rfind(|it| it.kind() == "array" && it.start_byte() > callback.end_byte());
        let Some(list) = list.filter(|_| is_first && hook.is_some_and(has_dependencies)) else { continue };
        match parts(*list).last() {
            Some(last) => edits.insert(last.end_byte(), Order::OuterEnd, format!(", {name}")),
            None if named(*list).is_empty() => edits.replace(list.byte_range(), format!("[{name}]")),
            // Comments stay.
            None => {
                let at = list.start_byte() + 1;
                let gap = if file.text[at..].starts_with(char::is_whitespace) { "" } else { " " };
                edits.insert(at, Order::OuterEnd, format!("{name}{gap}"));
            }
        }
    }
}

/// Whether the list that a hook is given says when its callback is made anew, and is not where it begins.
fn has_dependencies(hook: &str) -> bool {
    !hook.ends_with("useReducer") && !hook.ends_with("useActionState") && !hook.ends_with("useFormState")
}
