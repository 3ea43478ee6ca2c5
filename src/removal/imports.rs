//! What a file takes from other files, and what it passes on of them.

use std::ops::Range;

use tree_sitter::Node;

use super::document::Document;
use super::view::{parts, text_of};
use crate::syntax::Language;

/// One name that a file takes from a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// The module, as it is written.
    pub(super) module: String,
    /// Its name there.
    pub(super) name: Name,
    /// Where its name in this file is declared; `None` where it is passed on only.
    pub(super) local: Option<Range<usize>>,
    /// The name by which this file passes it on: `export { name as alias } from`.
    pub(super) passed_on: Option<String>,
}

/// Which name of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// This one; `default` for the default export.
    Named(String),
    /// The module as a whole, in which any name may be looked up.
    All,
}

/// Everything that a file imports, wherever that stands.
pub(super) fn imports(document: &Document) -> Vec<Import> {
    let mut found = Vec::new();
    let root = document.tree.root_node();
    let is_deep = has_inner(document);
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        match document.language {
            Language::Python => python(document, node, &mut found),
            _ => javascript(document, node, &mut found),
        }
        if is_deep || node == root {
            stack.extend(parts(node));
        }
    }
    found
}

/// Whether anything is imported below the top level; to look for it reads the whole tree.
fn has_inner(document: &Document) -> bool {
    let text = &document.text;
    match document.language {
        Language::Python => text.lines().any(|it| {
            let inner = it.trim_start();
            inner.len() < it.len() && (inner.starts_with("import ") || inner.starts_with("from "))
                || it.contains(": import ")
                || it.contains(": from ")
        }),
        _ => ["require(", "import(", "ock(", "Actual("].iter().any(|it| text.contains(it)),
    }
}

fn javascript(document: &Document, node: Node, found: &mut Vec<Import>) {
    let text = |it: Node| document.of(it).to_owned();
    let source = node.child_by_field_name("source").and_then(|it| text_of(&document.text, it));
    let mut add = |module: &str, name: Name, local: Option<Node>, passed_on: Option<String>| {
        let local = local.map(|it| it.byte_range());
        found.push(Import { module: module.into(), name, local, passed_on });
    };
    match (node.kind(), source) {
        ("import_statement", Some(module)) => {
            let clause = parts(node).into_iter().find(|it| it.kind() == "import_clause");
            for it in clause.map(parts).unwrap_or_default() {
                match it.kind() {
                    "identifier" => add(&module, Name::Named("default".into()), Some(it), None),
                    "namespace_import" => add(&module, Name::All, it.named_child(0), None),
                    _ => {
                        for specifier in parts(it) {
                            let Some(name) = specifier.child_by_field_name("name") else { continue };
                            let local = specifier.child_by_field_name("alias").unwrap_or(name);
                            add(&module, Name::Named(text(name)), Some(local), None);
                        }
                    }
                }
            }
        }
        ("export_statement", Some(module)) => {
            let clause = parts(node).into_iter().find(|it| it.kind() == "export_clause");
            let Some(clause) = clause else {
                let namespace = parts(node).into_iter().find(|it| it.kind() == "namespace_export");
                let alias = namespace.and_then(|it| it.named_child(0)).map(text);
                return add(&module, Name::All, None, Some(alias.unwrap_or_else(|| "*".into())));
            };
            for specifier in parts(clause) {
                let Some(name) = specifier.child_by_field_name("name") else { continue };
                let alias = specifier.child_by_field_name("alias").unwrap_or(name);
                add(&module, Name::Named(text(name)), None, Some(text(alias)));
            }
        }
        // `require('m')`, `import('m')`, `jest.mock('m')`.
        ("call_expression", _) => {
            let arguments = node.child_by_field_name("arguments").map(parts).unwrap_or_default();
            let module = arguments.first().and_then(|it| text_of(&document.text, *it));
            let callee = node.child_by_field_name("function").map(|it| document.of(it)).unwrap_or_default();
            let loads = matches!(callee, "require" | "import")
                || callee.ends_with("mock")
                || callee.ends_with("Actual");
            if let Some(module) = module.filter(|_| loads) {
                add(&module, Name::All, None, None);
            }
        }
        _ => {}
    }
}

fn python(document: &Document, node: Node, found: &mut Vec<Import>) {
    let text = |it: Node| document.of(it).to_owned();
    let mut add = |module: String, name: Name, local: Option<Node>| {
        let local = local.map(|it| it.byte_range());
        found.push(Import { module, name, local, passed_on: None });
    };
    match node.kind() {
        "import_statement" => {
            for it in parts(node) {
                match it.kind() {
                    "aliased_import" => {
                        let module = it.child_by_field_name("name").map(text).unwrap_or_default();
                        add(module, Name::All, it.child_by_field_name("alias"));
                    }
                    _ => add(text(it), Name::All, it.named_child(0)),
                }
            }
        }
        "import_from_statement" => {
            let Some(module) = node.child_by_field_name("module_name") else { return };
            for it in parts(node).into_iter().filter(|it| *it != module) {
                let name = it.child_by_field_name("name").unwrap_or(it);
                match it.kind() {
                    "wildcard_import" => add(text(module), Name::All, None),
                    "aliased_import" => {
                        add(text(module), Name::Named(text(name)), it.child_by_field_name("alias"));
                    }
                    _ => add(text(module), Name::Named(text(name)), it.named_child(0)),
                }
            }
        }
        _ => {}
    }
}

/// The name of what a file exports as its default, if it has one there.
pub(super) fn default_export(document: &Document) -> Option<String> {
    let statements =
        parts(document.tree.root_node()).into_iter().filter(|it| it.kind() == "export_statement");
    let mut defaults =
        statements.filter(|it| document.of(*it)["export".len()..].trim_start().starts_with("default"));
    let default = defaults.next()?;
    let value = default.child_by_field_name("value").filter(|it| it.kind() == "identifier");
    let declared = default.child_by_field_name("declaration").and_then(|it| it.child_by_field_name("name"));
    value.or(declared).map(|it| document.of(it).to_owned())
}
