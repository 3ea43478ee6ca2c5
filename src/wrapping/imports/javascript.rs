//! `import` and `require`.

use tree_sitter::Node;

use super::{Import, What, at_the_top};
use crate::removal::{named, parts, text_of};
use crate::wrapping::edits::{Edits, Order};
use crate::wrapping::file::File;
use crate::wrapping::style::literal;

/// One statement that imports.
struct Statement<'t> {
    node: Node<'t>,
    module: String,
    /// `import type`
    is_type: bool,
}

/// The import that a node is, of a name of this file, with the module's own word for it.
pub(super) fn import<'t>(file: &File<'t>, node: Node<'t>, local: &str) -> Option<(Import, Node<'t>)> {
    let (module, is_require) = match node.kind() {
        "import_statement" => (module_of(file, node)?, false),
        "variable_declarator" => (required(file, node)?, true),
        _ => return None,
    };
    let found = names(file, node, is_require).into_iter().find(|it| it.1 == local);
    found.map(|(what, _)| (Import { module, what }, node))
}

/// The modules that are imported or required at the top level.
pub(super) fn modules(file: &File) -> Vec<String> {
    let imports = statements(file).into_iter().map(|it| it.module);
    imports.chain(requires(file).into_iter().map(|it| it.1)).collect()
}

/// Whether a file requires its modules and imports none.
pub(in crate::wrapping) fn is_common_js(file: &File) -> bool {
    let has_modules = parts(file.tree.root_node())
        .into_iter()
        .any(|it| matches!(it.kind(), "import_statement" | "export_statement"));
    !has_modules && (!requires(file).is_empty() || file.text.contains("module.exports"))
}

fn statements<'t>(file: &File<'t>) -> Vec<Statement<'t>> {
    let imports = parts(file.tree.root_node()).into_iter().filter(|it| it.kind() == "import_statement");
    let statement = |node: Node<'t>| {
        let after = file.of_node(node).trim_start_matches("import").trim_start();
        let is_type = after
            .strip_prefix("type")
            .is_some_and(|it| it.starts_with([' ', '{']) && !it.trim_start().starts_with("from"));
        Some(Statement { node, module: module_of(file, node)?, is_type })
    };
    imports.filter_map(statement).collect()
}

fn module_of(file: &File, node: Node) -> Option<String> {
    text_of(file.text, node.child_by_field_name("source")?)
}

/// `const x = require('module')` at the top level: the declarators.
fn requires<'t>(file: &File<'t>) -> Vec<(Node<'t>, String)> {
    let declarations = parts(file.tree.root_node()).into_iter();
    let declarators = declarations
        .filter(|it| matches!(it.kind(), "lexical_declaration" | "variable_declaration"))
        .flat_map(parts);
    declarators.filter_map(|it| Some((it, required(file, it)?))).collect()
}

fn required(file: &File, declarator: Node) -> Option<String> {
    let value = declarator.child_by_field_name("value").filter(|it| it.kind() == "call_expression")?;
    value.child_by_field_name("function").filter(|it| file.of_node(*it) == "require")?;
    text_of(file.text, *parts(value.child_by_field_name("arguments")?).first()?)
}

/// What a statement imports, and the names here.
fn names(file: &File, node: Node, is_require: bool) -> Vec<(What, String)> {
    let text = |it: Node| file.of_node(it).to_owned();
    let mut found = Vec::new();
    if is_require {
        let Some(name) = node.child_by_field_name("name") else { return found };
        if name.kind() == "identifier" {
            return vec![(What::Whole(text(name)), text(name))];
        }
        for it in parts(name) {
            match it.kind() {
                "shorthand_property_identifier_pattern" => found.push((What::Named(text(it)), text(it))),
                "pair_pattern" => {
                    let pair = it.child_by_field_name("key").zip(it.child_by_field_name("value"));
                    found.extend(pair.map(|(key, value)| (What::Named(text(key)), text(value))));
                }
                _ => {}
            }
        }
        return found;
    }
    let clause = parts(node).into_iter().find(|it| it.kind() == "import_clause");
    for it in clause.map(parts).unwrap_or_default() {
        match it.kind() {
            "identifier" => found.push((What::Default(text(it)), text(it))),
            "namespace_import" => {
                let name = it.named_child(0).map(text).unwrap_or_default();
                found.push((What::Whole(name.clone()), name));
            }
            _ => found.extend(specifiers(it).into_iter().filter(|it| !is_of_type(file, *it)).filter_map(
                |it| {
                    let name = it.child_by_field_name("name")?;
                    let local = it.child_by_field_name("alias").unwrap_or(name);
                    Some((What::Named(text(name)), text(local)))
                },
            )),
        }
    }
    found
}

fn specifiers(list: Node) -> Vec<Node> {
    let mut all = parts(list);
    all.retain(|it| it.kind() == "import_specifier");
    all
}

/// `import { type X }`
fn is_of_type(file: &File, specifier: Node) -> bool {
    let text = file.of_node(specifier);
    text.strip_prefix("type")
        .is_some_and(|it| it.starts_with(char::is_whitespace) && !it.trim_start().starts_with("as "))
}

pub(super) fn ensure(file: &File, import: &Import, edits: &mut Edits) -> Option<String> {
    let of_module: Vec<_> =
        statements(file).into_iter().filter(|it| it.module == import.module && !it.is_type).collect();
    let required: Vec<_> = requires(file).into_iter().filter(|it| it.1 == import.module).collect();
    let all = of_module.iter().map(|it| (it.node, false)).chain(required.iter().map(|it| (it.0, true)));
    let names: Vec<_> = all.flat_map(|(node, is_require)| names(file, node, is_require)).collect();
    if let Some(local) = names.iter().find_map(|(what, local)| is_same(import, what).then_some(local)) {
        return Some(local.clone());
    }
    let whole = names.iter().find(|(what, _)| matches!(what, What::Whole(_)));
    if let (Some((_, whole)), What::Named(name)) = (whole, &import.what) {
        return Some(format!("{whole}.{name}"));
    }
    let wanted = import.local();
    let local = if is_taken(file, wanted) { file.unused(wanted) } else { wanted.to_owned() };
    let is_common_js = is_common_js(file);
    let specifier = match &import.what {
        What::Named(name) if *name == local => name.clone(),
        What::Named(name) if is_common_js => format!("{name}: {local}"),
        What::Named(name) => format!("{name} as {local}"),
        _ => String::new(),
    };
    let joined = !specifier.is_empty()
        && (of_module.iter().any(|it| join(file, it.node, &specifier, edits))
            || required.iter().any(|it| join_required(file, it.0, &specifier, edits)));
    if !joined {
        let statement = written(file, import, &local, &specifier, is_common_js);
        let (at, text) = new_line(file, &statement);
        // Only what is required is an expression, which can go on in the next line.
        let text = match is_common_js && statement.ends_with(')') && !file.end_before(at).is_empty() {
            true => text.replacen(&statement, &format!("{statement};"), 1),
            false => text,
        };
        edits.insert(at, Order::Import, text);
    }
    Some(local)
}

fn is_same(import: &Import, what: &What) -> bool {
    match (&import.what, what) {
        (What::Named(a), What::Named(b)) => a == b,
        (What::Default(_), What::Default(_)) | (What::Whole(_), What::Whole(_)) => true,
        // The client is exported both ways.
        (What::Default(_), What::Named(name)) => {
            import.module == "posthog-js" && (name == "posthog" || name == "default")
        }
        _ => false,
    }
}

/// Whether a name means something else somewhere in the file.
fn is_taken(file: &File, name: &str) -> bool {
    file.scopes.bindings.iter().any(|it| !file.scopes.is_member(it) && file.text[it.name.clone()] == *name)
}

fn written(file: &File, import: &Import, local: &str, specifier: &str, is_common_js: bool) -> String {
    let (module, end) = (literal(file.style.quote, &import.module), file.style.end);
    match (&import.what, is_common_js) {
        (What::Named(_), false) => format!("import {{ {specifier} }} from {module}{end}"),
        (What::Named(_), true) => format!("const {{ {specifier} }} = require({module}){end}"),
        (What::Default(_), false) => format!("import {local} from {module}{end}"),
        (What::Default(name), true) if import.module == "posthog-js" && local == name => {
            format!("const {{ {local} }} = require({module}){end}")
        }
        (What::Default(_), true) => format!("const {local} = require({module}).default{end}"),
        (What::Whole(_), false) => format!("import * as {local} from {module}{end}"),
        (What::Whole(_), true) => format!("const {local} = require({module}){end}"),
    }
}

/// Adds a name to a statement that imports others of the module.
fn join(file: &File, statement: Node, specifier: &str, edits: &mut Edits) -> bool {
    let Some(clause) = parts(statement).into_iter().find(|it| it.kind() == "import_clause") else {
        return false;
    };
    let all = parts(clause);
    if let Some(list) = all.iter().find(|it| it.kind() == "named_imports") {
        match specifiers(*list).last() {
            Some(last) => add_behind(file, *last, specifier, edits),
            None => edits.replace(list.byte_range(), format!("{{ {specifier} }}")),
        }
        return true;
    }
    match &all[..] {
        [default] if default.kind() == "identifier" => {
            edits.insert(default.end_byte(), Order::Import, format!(", {{ {specifier} }}"));
            true
        }
        _ => false,
    }
}

fn join_required(file: &File, declarator: Node, specifier: &str, edits: &mut Edits) -> bool {
    let pattern = declarator.child_by_field_name("name").filter(|it| it.kind() == "object_pattern");
    let last = pattern.and_then(|it| parts(it).last().copied());
    last.map(|it| add_behind(file, it, specifier, edits)).is_some()
}

/// One more in a list, on a line of its own where the others are.
fn add_behind(file: &File, last: Node, specifier: &str, edits: &mut Edits) {
    let own_line = file.begins_line(last.start_byte());
    let gap = match own_line {
        true => format!("{}{}", file.style.line_end, file.indentation(last.start_byte())),
        false => " ".to_owned(),
    };
    edits.insert(last.end_byte(), Order::Import, format!(",{gap}{specifier}"));
}

/// A new line for an import, behind those that are there.
fn new_line(file: &File, statement: &str) -> (usize, String) {
    let line_end = file.style.line_end;
    let last_import = statements(file).last().map(|it| it.node);
    let required = requires(file).last().and_then(|it| it.0.parent());
    if let Some(last) = last_import.or(required) {
        let at = file.content_end(last.end_byte());
        return (at, format!("{line_end}{statement}"));
    }
    let mut after = 0;
    for node in named(file.tree.root_node()) {
        let is_header = node.kind() == "hash_bang_line"
            || file.is_directive(node)
            || node.kind() == "comment" && speaks_of_file(file, node);
        if !is_header {
            break;
        }
        after = file.line_end(node.end_byte());
    }
    if after > 0 {
        // A blank line stands between the directives and what follows.
        return match file.text[after..].starts_with(['\n', '\r']) {
            true => {
                let at = file.line_end(after);
                let (at, text) = at_the_top(file, at, statement);
                (at, text)
            }
            false => {
                let (at, text) = at_the_top(file, after, statement);
                (at, format!("{line_end}{text}"))
            }
        };
    }
    at_the_top(file, 0, statement)
}

fn speaks_of_file(file: &File, comment: Node) -> bool {
    let text = file.of_node(comment);
    let is_apart = file.text[file.line_end(comment.end_byte())..].starts_with(['\n', '\r']);
    comment.start_byte() == 0 && is_apart
        || text.contains("@ts-")
        || text.contains("eslint-")
        || text.contains("opyright")
}
