//! `import` and `from … import`.

use tree_sitter::Node;

use super::{Import, What, at_the_top};
use crate::removal::{named, parts};
use crate::wrapping::edits::{Edits, Order};
use crate::wrapping::file::File;

/// The import that a node is, of a name of this file.
pub(super) fn import<'t>(file: &File<'t>, node: Node<'t>, local: &str) -> Option<(Import, Node<'t>)> {
    let found = names(file, node)?.into_iter().find(|it| it.1 == local);
    found.map(|(import, _)| (import, node))
}

/// What a statement imports, and the names here.
fn names(file: &File, node: Node) -> Option<Vec<(Import, String)>> {
    let text = |it: Node| file.of_node(it).to_owned();
    let module = match node.kind() {
        "import_statement" => None,
        "import_from_statement" => Some(node.child_by_field_name("module_name")?),
        _ => return None,
    };
    let mut found = Vec::new();
    for it in parts(node).into_iter().filter(|it| Some(*it) != module) {
        let name = it.child_by_field_name("name").unwrap_or(it);
        let local = it.child_by_field_name("alias").map_or_else(|| text(name), text);
        let import = match module {
            Some(module) => Import { module: text(module), what: What::Named(text(name)) },
            None => Import { module: text(name), what: What::Whole(local.clone()) },
        };
        found.push((import, local));
    }
    Some(found)
}

pub(super) fn ensure(file: &File, import: &Import, edits: &mut Edits) -> Option<String> {
    let root = file.tree.root_node();
    let top: Vec<Node> = parts(root);
    let all = || top.iter().filter_map(|it| names(file, *it)).flatten();
    let is_same = |other: &Import| match (&import.what, &other.what) {
        (What::Named(a), What::Named(b)) => a == b && import.module == other.module,
        (What::Whole(_), What::Whole(_)) => import.module == other.module,
        _ => false,
    };
    if let Some((_, local)) = all().find(|it| is_same(&it.0)) {
        return Some(local);
    }
    let wanted = import.local();
    let is_taken = file
        .scopes
        .bindings
        .iter()
        .any(|it| !file.scopes.is_member(it) && file.text[it.name.clone()] == *wanted);
    let local = if is_taken { file.unused(wanted) } else { wanted.to_owned() };
    let aliased = |name: &str| if name == local { name.to_owned() } else { format!("{name} as {local}") };
    // Those further down may be conditional in effect.
    let leading: Vec<Node> = top
        .iter()
        .copied()
        .skip_while(|it| is_text(*it))
        .take_while(|it| it.kind().contains("import"))
        .collect();
    let statement = match &import.what {
        What::Named(name) => {
            let from = leading.iter().find(|it| {
                let module = it.child_by_field_name("module_name");
                module.is_some_and(|it| file.of_node(it) == import.module)
            });
            if let Some(last) =
                from.and_then(|it| parts(*it).last().copied()).filter(|it| it.kind() != "wildcard_import")
            {
                let own_line = file.begins_line(last.start_byte());
                let indentation = file.indentation(last.start_byte());
                let gap = if own_line { format!("{}{indentation}", file.style.line_end) } else { " ".into() };
                edits.insert(last.end_byte(), Order::Import, format!(",{gap}{}", aliased(name)));
                return Some(local);
            }
            format!("from {} import {}", import.module, aliased(name))
        }
        _ => format!("import {}", aliased(&import.module)),
    };
    let (at, text) = match leading.last() {
        Some(last) => (file.content_end(last.end_byte()), format!("{}{statement}", file.style.line_end)),
        None => top_of_module(file, &statement),
    };
    edits.insert(at, Order::Import, text);
    Some(local)
}

/// The text that documents a module.
fn is_text(node: Node) -> bool {
    node.kind() == "expression_statement" && node.named_child(0).is_some_and(|it| it.kind() == "string")
}

fn top_of_module(file: &File, statement: &str) -> (usize, String) {
    let mut after = 0;
    for node in named(file.tree.root_node()) {
        let text = file.of_node(node);
        let is_header = text.starts_with("#!") || text.starts_with("# -*-") || is_text(node);
        if !is_header {
            break;
        }
        after = file.line_end(node.end_byte());
    }
    let line_end = file.style.line_end;
    let (at, text) = match file.text[after..].starts_with(['\n', '\r']) && after > 0 {
        true => at_the_top(file, file.line_end(after), statement),
        false if after > 0 => {
            let (at, text) = at_the_top(file, after, statement);
            (at, format!("{line_end}{text}"))
        }
        false => at_the_top(file, 0, statement),
    };
    (at, text)
}
