//! Maps and lists of flags: `getAllFlags()['k']`, `useActiveFeatureFlags().includes('k')`,
//! `onFeatureFlags((flags, variants) => variants.k)`, directly or through one variable.

use std::collections::HashMap;

use tree_sitter::Node;

use super::super::scan::{Found, Key, Path, Scan, children};
use super::super::scope::{BindingId, ScopeId};
use super::super::{KeyFrom, Returns, Via};
use super::keys;
use super::nodes::{argument, plain, property_name};
use super::scopes::is_function;

/// Names that hold a map or list of flags.
pub type Maps = HashMap<BindingId, Found>;

/// What becomes of a map that a call gives; answers the names to look for, with their scopes.
pub fn made<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    up: usize,
    found: Found,
    maps: &mut Maps,
) -> Vec<(&'t str, ScopeId)> {
    let Some(call) = path.up(up) else { return Vec::new() };
    if found.call.via == Via::Callback {
        return argument(call, 0)
            .map(|it| passed(scan, plain(scan.source, it), path.scope_at(up), found, maps))
            .unwrap_or_default();
    }
    let (node, up) = widened(path, up);
    let declares = path.up(up + 1).filter(|it| it.kind() == "variable_declarator");
    let Some(target) = declares.and_then(|it| it.child_by_field_name("name")) else {
        used(scan, path, up, node, found);
        return Vec::new();
    };
    held(scan, target, path.scope_at(up + 1), found, maps).into_iter().collect()
}

fn passed<'t>(
    scan: &mut Scan<'t>,
    function: Node<'t>,
    outer: ScopeId,
    found: Found,
    maps: &mut Maps,
) -> Vec<(&'t str, ScopeId)> {
    if !is_function(function.kind()) {
        return Vec::new();
    }
    let scope = scan.scopes.enter(function, outer);
    let list = function.child_by_field_name("parameters").map(children).unwrap_or_default();
    let only = function.child_by_field_name("parameter");
    let patterns = list.into_iter().take(2).filter_map(|it| it.child_by_field_name("pattern"));
    only.into_iter().chain(patterns).filter_map(|it| held(scan, it, scope, found, maps)).collect()
}

/// A name that holds the map, or a pattern that takes flags out of it.
fn held<'t>(
    scan: &mut Scan<'t>,
    target: Node<'t>,
    scope: ScopeId,
    found: Found,
    maps: &mut Maps,
) -> Option<(&'t str, ScopeId)> {
    match target.kind() {
        "identifier" => {
            let id = scan.resolve(scan.of(target), scope)?;
            maps.insert(id, found);
            Some((scan.of(target), scan.scopes.binding(id).scope))
        }
        "object_pattern" if found.returns == Returns::Variant => {
            for part in children(target) {
                let name = part
                    .child_by_field_name("key")
                    .or_else(|| part.child_by_field_name("left"))
                    .unwrap_or(part);
                if matches!(
                    name.kind(),
                    "string" | "property_identifier" | "shorthand_property_identifier_pattern"
                ) {
                    named(scan, name, target, found);
                }
            }
            None
        }
        _ => None,
    }
}

/// A use of a name that holds a map.
pub fn visit<'t>(scan: &mut Scan<'t>, path: &Path<'t>, found: Found) {
    let (node, up) = widened(path, 0);
    used(scan, path, up, node, found);
}

/// The outermost expression with the same value, and how far up it is.
fn widened<'t>(path: &Path<'t>, mut up: usize) -> (Node<'t>, usize) {
    loop {
        let parent = path.up(up + 1);
        match parent.map(|it| it.kind()) {
            Some(
                "await_expression"
                | "parenthesized_expression"
                | "non_null_expression"
                | "as_expression"
                | "satisfies_expression",
            ) => up += 1,
            _ => return (path.up(up).unwrap_or(path.root()), up),
        }
    }
}

fn used<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, node: Node<'t>, found: Found) {
    let (Some(parent), Some(above)) = (path.up(up + 1), path.up(up + 2)) else { return };
    if parent.child_by_field_name("object").is_none_or(|it| it.id() != node.id()) || is_written(parent, above)
    {
        return;
    }
    let list = found.returns == Returns::Boolean;
    match parent.kind() {
        "subscript_expression" if !list => {
            let Some(index) = parent.child_by_field_name("index").filter(|it| it.kind() != "number") else {
                return;
            };
            let keys = keys::keys(scan, index, path.scope_at(up + 1));
            scan.add_reads(found, keys, parent);
        }
        "member_expression" => {
            let Some(name) = parent.child_by_field_name("property") else { return };
            let called =
                above.kind() == "call_expression" && above.child_by_field_name("function") == Some(parent);
            let pair = (scan.of(name), found.returns);
            match pair {
                ("featureFlags", Returns::Result) => {
                    used(scan, path, up + 1, parent, Found { returns: Returns::Variant, ..found });
                }
                ("featureFlagPayloads", Returns::Result) => {
                    used(scan, path, up + 1, parent, Found { returns: Returns::Payload, ..found });
                }
                ("includes", _) if called => {
                    let Some(key) = argument(above, 0) else { return };
                    let keys = keys::keys(scan, key, path.scope_at(up + 2));
                    scan.add_reads(Found { returns: Returns::Boolean, ..found }, keys, above);
                }
                ("length", _) | (_, Returns::Boolean | Returns::Result) => {}
                _ if !called => named(scan, name, parent, found),
                _ => {}
            }
        }
        _ => {}
    }
}

fn is_written(node: Node, above: Node) -> bool {
    above.child_by_field_name("left") == Some(node)
        && matches!(above.kind(), "assignment_expression" | "augmented_assignment_expression")
}

/// A flag named by a property.
fn named<'t>(scan: &mut Scan<'t>, name: Node<'t>, whole: Node<'t>, found: Found) {
    let key = property_name(scan.source, name).to_owned();
    let key = Key { node: name, key: Some(key), prefix: None, from: KeyFrom::PropertyName };
    scan.add_reads(found, vec![key], whole);
}
