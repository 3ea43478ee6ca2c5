//! What would mean something else inside of a condition.

use std::ops::Range;

use tree_sitter::Node;

use super::file::{File, ancestors, inside};
use super::selection::{PART_OF_TYPE, Target, case_of, is_list, is_of_type};
use super::{functions, position};
use crate::removal::{Binding, Kind, Refusal, parts};
use crate::syntax::Language;

/// Refuses what cannot be made conditional.
pub(super) fn check(file: &File, target: &Target) -> Result<(), Refusal> {
    let nodes = target.nodes();
    if let Some(broken) = nodes.iter().find(|it| it.has_error()) {
        return Err(file.refuse(broken.byte_range(), "the code here has a syntax error"));
    }
    match target {
        Target::Statements(all) => {
            for statement in all {
                statement_of_its_own(file, *statement)?;
            }
            if all.iter().all(|it| it.kind() == "comment") {
                return Err(file.refuse(target.range(file), "only a comment is selected"));
            }
            own_lines(file, target)?;
            next_case(file, all)?;
        }
        Target::Children(all) => {
            let is_code = |it: &Node| {
                it.kind() != "jsx_expression" || it.named_child(0).is_some_and(|it| it.kind() != "comment")
            };
            if !all.iter().any(is_code) {
                return Err(file.refuse(target.range(file), "only a comment is selected"));
            }
        }
        Target::Expression(one) => {
            when_code_runs(file, *one)?;
            position::position(file, *one).map_err(|why| file.refuse(one.byte_range(), why))?;
        }
        Target::Nothing { .. } => {}
    }
    for node in &nodes {
        hooks(file, *node)?;
        super_call(file, *node)?;
    }
    declared(file, &target.range(file))?;
    given_nowhere_else(file, &target.range(file))
}

/// Statements that only may stand where they are.
fn statement_of_its_own(file: &File, node: Node) -> Result<(), Refusal> {
    let in_class =
        node.parent().is_some_and(|it| it.parent().is_some_and(|it| it.kind() == "class_definition"));
    let is_first = || node.parent().and_then(|it| it.named_child(0)) == Some(node);
    let is_text = || {
        node.kind() == "expression_statement" && node.named_child(0).is_some_and(|it| it.kind() == "string")
    };
    let reason = match node.kind() {
        _ if requires(file, node) => "imports cannot stand in a condition",
        "import_statement" if !file.is_python() => "imports cannot stand in a condition",
        "export_statement" => {
            "what a module gives to others cannot stand in a condition; select what is inside of it"
        }
        "future_import_statement" => "'from __future__' has to stand at the top of the file",
        "import_from_statement" | "import_statement" if file.of_node(node).ends_with('*') => {
            "it cannot be told which names this import gives"
        }
        "global_statement" | "nonlocal_statement" => "this says what a name means in the whole function",
        "internal_module" | "module" | "ambient_declaration" | "import_alias" | "function_signature" => {
            "this is a declaration, which cannot stand in a condition"
        }
        "expression_statement" if node.named_child(0).is_some_and(|it| it.kind() == "internal_module") => {
            "this is a declaration, which cannot stand in a condition"
        }
        "hash_bang_line" => "this line has to stand at the top of the file",
        "switch_case" | "switch_default" | "case_clause" => {
            "a case cannot stand in a condition; select the statements in it"
        }
        _ if in_class && file.is_python() => {
            "members of a class cannot stand in a condition; select the statements in them"
        }
        _ if file.is_python() && is_text() && is_first() => {
            "the text that documents the code has to stand first; select what is below it"
        }
        _ if !file.is_python() && file.is_directive(node) && before_others(file, node) => {
            "a directive has to stand at the top"
        }
        _ => return Ok(()),
    };
    Err(file.refuse(node.byte_range(), reason))
}

/// `const x = require('x')` of the top level.
fn requires(file: &File, node: Node) -> bool {
    let is_top = node.parent().is_some_and(|it| it.kind() == "program");
    is_top
        && node.kind().ends_with("_declaration")
        && parts(node).into_iter().any(|it| {
            let value = it.child_by_field_name("value");
            value.is_some_and(|it| file.of_node(it).starts_with("require("))
        })
}

/// Whether only directives stand before a statement.
fn before_others(file: &File, node: Node) -> bool {
    let before = std::iter::successors(node.prev_named_sibling(), Node::prev_named_sibling);
    before.into_iter().all(|it| it.kind() == "comment" || file.is_directive(it))
}

/// In Python a block begins on a line of its own.
fn own_lines(file: &File, target: &Target) -> Result<(), Refusal> {
    let range = target.range(file);
    let rest = file.rest_of_line(range.end);
    let is_alone = file.begins_line(range.start) && (rest.is_empty() || rest.starts_with('#'));
    match file.is_python() && !is_alone {
        true => {
            Err(file.refuse(range, "other code stands on the same line; give this a line of its own first"))
        }
        false => Ok(()),
    }
}

/// Without what ends a case, the next one would be run.
fn next_case(file: &File, all: &[Node]) -> Result<(), Refusal> {
    let Some(last) = all.iter().rfind(|it| it.kind() != "comment") else { return Ok(()) };
    let Some(case) = case_of(*last).filter(|_| always_leaves(*last)) else { return Ok(()) };
    let is_last = |it: Node| {
        std::iter::successors(it.next_named_sibling(), Node::next_named_sibling)
            .all(|it| it.kind() == "comment")
    };
    let ends_case = last.parent() == Some(case) || last.parent().is_some_and(is_last);
    match ends_case && is_last(*last) && !is_last(case) {
        true => Err(file.refuse(
            last.byte_range(),
            "without the flag the next case would be run; leave out what ends this one, or select the whole 'switch'",
        )),
        false => Ok(()),
    }
}

/// Whether nothing behind a statement is run.
fn always_leaves(statement: Node) -> bool {
    match statement.kind() {
        "break_statement" | "return_statement" | "throw_statement" | "continue_statement" => true,
        "statement_block" => parts(statement).last().is_some_and(|it| always_leaves(*it)),
        "if_statement" => {
            let other = statement.child_by_field_name("alternative").and_then(|it| it.named_child(0));
            let one = statement.child_by_field_name("consequence");
            one.is_some_and(always_leaves) && other.is_some_and(always_leaves)
        }
        _ => false,
    }
}

fn when_code_runs(file: &File, node: Node) -> Result<(), Refusal> {
    let outwards = || ancestors(node).take_while(|it| !is_list(*it) && !functions::is_function(*it));
    if outwards().any(is_of_type) {
        return Err(file.refuse(node.byte_range(), PART_OF_TYPE));
    }
    match outwards().any(|it| it.kind() == "decorator" || it.kind() == "enum_body") {
        true => Err(file.refuse(node.byte_range(), "this is decided before anybody can be asked for a flag")),
        false => Ok(()),
    }
}

/// Hooks have to be called each time that a component is shown.
fn hooks(file: &File, node: Node) -> Result<(), Refusal> {
    if file.is_python() {
        return Ok(());
    }
    // Functions inside call their hooks when they are called themselves.
    let enter = |it: Node| !functions::is_function(it);
    if functions::is_function(node) {
        return Ok(());
    }
    let called = inside(node, enter).into_iter().find_map(|it| Some((it, functions::called_hook(file, it)?)));
    let Some((call, name)) = called else { return Ok(()) };
    let reason =
        format!("'{name}' is a hook, which may not be called conditionally; leave it out of the selection");
    Err(file.refuse(call.byte_range(), reason))
}

fn super_call(file: &File, node: Node) -> Result<(), Refusal> {
    let is_super = |it: &Node| {
        it.kind() == "call_expression"
            && it.child_by_field_name("function").is_some_and(|it| it.kind() == "super")
    };
    let enter = |it: Node| !it.kind().starts_with("class");
    match inside(node, enter).into_iter().find(is_super) {
        Some(call) => Err(file.refuse(call.byte_range(), "a constructor always has to call 'super'")),
        None => Ok(()),
    }
}

/// Names that are declared inside and used outside.
fn declared(file: &File, range: &Range<usize>) -> Result<(), Refusal> {
    let is_inside = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
    for binding in file.scopes.bindings.iter().filter(|it| is_inside(&it.name) && !file.scopes.is_member(it))
    {
        let name = &file.text[binding.name.clone()];
        let elsewhere = binding.again.iter().chain(&binding.writes);
        // Of an assignment further up there is a value in any case.
        if file.is_python() && elsewhere.clone().any(|it| it.end <= range.start) {
            continue;
        }
        let used = binding.reads.iter().map(|it| &it.range).chain(elsewhere).find(|it| !is_inside(it));
        if let Some(used) = used {
            let line = file.line_number(used.start);
            let reason = format!(
                "'{name}' is declared in the selection and used outside of it, in line {line}; select that too, or \
                 declare it above"
            );
            return Err(file.refuse(binding.name.clone(), reason));
        }
        if file.is_python() && binding.scope == 0 && is_importable(binding, name) {
            let reason = format!("'{name}' is a name of the module, which others may import");
            return Err(file.refuse(binding.name.clone(), reason));
        }
    }
    Ok(())
}

/// A variable with a type that only what is selected gives a value: it would be used before it has one.
fn given_nowhere_else(file: &File, range: &Range<usize>) -> Result<(), Refusal> {
    if !matches!(file.language, Language::TypeScript | Language::Tsx) {
        return Ok(());
    }
    let is_inside = |it: &Range<usize>| range.start <= it.start && it.end <= range.end;
    let outside = file.scopes.bindings.iter().filter(|it| it.kind == Kind::Variable && !is_inside(&it.name));
    for binding in outside {
        let declaration = &file.text[binding.declaration.clone()];
        let needs_value = declaration.contains(':')
            && !["=", "!:", "undefined", "any", "?"].iter().any(|it| declaration.contains(it));
        let Some(write) = binding.writes.iter().find(|it| is_inside(it)).filter(|_| needs_value) else {
            continue;
        };
        let has_value = binding.writes.iter().any(|it| !is_inside(it));
        let used = binding.reads.iter().find(|it| it.range.start >= range.end).filter(|_| !has_value);
        if let Some(used) = used {
            let (name, line) = (&file.text[binding.name.clone()], file.line_number(used.range.start));
            let reason = format!(
                "'{name}' would have no value in line {line} without the flag; give it one where it is declared"
            );
            return Err(file.refuse(write.clone(), reason));
        }
    }
    Ok(())
}

fn is_importable(binding: &Binding, name: &str) -> bool {
    let is_value = matches!(binding.kind, Kind::Function | Kind::Class | Kind::Variable | Kind::Import);
    is_value && !name.starts_with('_')
}
