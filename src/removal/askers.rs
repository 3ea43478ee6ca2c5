//! Functions of one's own that do nothing but ask PostHog for all flags of somebody.

use tree_sitter::Node;

use super::document::Document;
use super::pass::Pass;
use super::scopes::Binding;
use super::view::parts;

/// The SDKs' names for that.
const ALL_FLAGS: &[&str] = &[
    "evaluateFlags",
    "evaluate_flags",
    "getAllFlags",
    "getAllFlagsAndPayloads",
    "get_all_flags",
    "get_all_flags_and_payloads",
];

/// Whether what a file declares by a name is such a function.
pub(super) fn declares(document: &Document, name: &str) -> bool {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let own = scopes.bindings.iter().find(|it| it.scope == 0 && document.text[it.name.clone()] == *name);
    own.is_some_and(|it| is_asker(&pass, it))
}

/// Whether a name is such a function, of this file or imported.
pub(super) fn is_asker(pass: &Pass, binding: &Binding) -> bool {
    if pass.doc.askers.contains(&binding.name.start) {
        return true;
    }
    let asks = || {
        let declaration = pass.node(&binding.declaration).filter(|_| pass.is_constant(binding))?;
        let function = match declaration.kind() {
            "variable_declarator" => declaration.child_by_field_name("value")?,
            "function_declaration" | "function_definition" => declaration,
            _ => return None,
        };
        let body = function.child_by_field_name("body")?;
        let value = match body.kind() {
            "statement_block" | "block" => match parts(body)[..] {
                [only] if only.kind() == "return_statement" => *parts(only).first()?,
                _ => return None,
            },
            _ => body,
        };
        Some(asks_for_all(pass.doc, value))
    };
    asks() == Some(true)
}

/// `posthog.getAllFlags(id)`, `(await ...) ?? {}`, `... or {}`, without other calls.
fn asks_for_all(document: &Document, value: Node) -> bool {
    let first = |it: Node| parts(it).first().is_some_and(|it| asks_for_all(document, *it));
    match value.kind() {
        "await_expression" | "await" | "parenthesized_expression" | "as_expression" => first(value),
        "binary_expression" | "boolean_operator" => {
            let right = value.child_by_field_name("right").map(|it| document.of(it));
            matches!(right, Some("{}" | "undefined" | "null" | "None")) && first(value)
        }
        "call_expression" | "call" => {
            let callee = value.child_by_field_name("function").map(|it| document.of(it)).unwrap_or_default();
            let arguments = value.child_by_field_name("arguments").map(|it| document.of(it));
            ALL_FLAGS.contains(&callee.rsplit('.').next().unwrap_or_default())
                && !callee.contains('(')
                && arguments.is_some_and(|it| it.matches('(').count() == 1)
        }
        _ => false,
    }
}
