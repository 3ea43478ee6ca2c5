//! Maps and lists of flags: `getAllFlags()['k']`, `useActiveFeatureFlags().includes('k')`,
//! `onFeatureFlags((flags, variants) => variants.k)`, directly or through one variable.

use tree_sitter::Node;

use super::super::aliases::Maps;
use super::super::field::Field;
use super::super::scan::{Found, Key, Path, Scan, children};
use super::super::scope::ScopeId;
use super::super::{KeyFrom, Returns, Via};
use super::keys;
use super::nodes::{ByField, argument, plain, property_name};
use super::scopes::is_function;

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
    settle(scan, path, up, found, maps)
}

/// A use of a name that holds a map; answers further names to look for.
pub fn visit<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    found: Found,
    maps: &mut Maps,
) -> Vec<(&'t str, ScopeId)> {
    settle(scan, path, 0, found, maps)
}

/// A map is indexed where it stands, or a declaration names it or takes flags out of it.
fn settle<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    up: usize,
    found: Found,
    maps: &mut Maps,
) -> Vec<(&'t str, ScopeId)> {
    let (node, up, found) = unfolded(scan, path, up, found);
    let value = |it: &Node<'t>| it.field(Field::Value).is_some_and(|it| it.id() == node.id());
    let declares = path.up(up + 1).filter(|it| it.kind() == "variable_declarator").filter(value);
    let Some(target) = declares.and_then(|it| it.field(Field::Name)) else {
        used(scan, path, up, node, found);
        return Vec::new();
    };
    let mut names = Vec::new();
    held(scan, target, path.scope_at(up + 1), found, maps, &mut names);
    names
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
    let list = function.field(Field::Parameters).map(children).unwrap_or_default();
    let only = function.field(Field::Parameter);
    let patterns = list.into_iter().take(2).filter_map(|it| it.field(Field::Pattern));
    let mut names = Vec::new();
    only.into_iter().chain(patterns).for_each(|it| held(scan, it, scope, found, maps, &mut names));
    names
}

/// A name that holds the map, or a pattern that takes flags out of it.
fn held<'t>(
    scan: &mut Scan<'t>,
    target: Node<'t>,
    scope: ScopeId,
    found: Found,
    maps: &mut Maps,
    names: &mut Vec<(&'t str, ScopeId)>,
) {
    if is_name(target) {
        let Some(id) = scan.resolve(scan.of(target), scope) else { return };
        maps.insert(id, found);
        return names.push((scan.of(target), scan.scopes.binding(id).scope));
    }
    if target.kind() != "object_pattern" {
        return;
    }
    for part in children(target) {
        let Some(name) = part_name(part) else { continue };
        match found.returns {
            Returns::Boolean => {}
            Returns::Result => {
                let Some(returns) = part_of_result(property_name(scan.source, name)) else { continue };
                let inner = part.field(Field::Value).unwrap_or(name);
                held(scan, inner, scope, Found { returns, ..found }, maps, names);
            }
            _ => named(scan, name, target, found),
        }
    }
}

fn is_name(node: Node) -> bool {
    matches!(node.kind(), "identifier" | "shorthand_property_identifier_pattern")
}

/// The property that a part of an object pattern takes out.
fn part_name(part: Node) -> Option<Node> {
    let name = part.field(Field::Key).or_else(|| part.field(Field::Left)).unwrap_or(part);
    let kinds = ["string", "property_identifier", "shorthand_property_identifier_pattern"];
    kinds.contains(&name.kind()).then_some(name)
}

/// What `getAllFlagsAndPayloads` gives has a map of each.
fn part_of_result(name: &str) -> Option<Returns> {
    match name {
        "featureFlags" => Some(Returns::Variant),
        "featureFlagPayloads" => Some(Returns::Payload),
        _ => None,
    }
}

/// The map of flags or payloads inside what `getAllFlagsAndPayloads` gives, when the code goes on to it.
fn unfolded<'t>(scan: &Scan<'t>, path: &Path<'t>, up: usize, found: Found) -> (Node<'t>, usize, Found) {
    let (node, up) = widened(path, up);
    let member = path.up(up + 1).filter(|it| it.kind() == "member_expression");
    let name = member.and_then(|it| it.field(Field::Property)).map(|it| scan.of(it));
    match name.and_then(part_of_result).filter(|_| found.returns == Returns::Result) {
        Some(returns) => {
            let (node, up) = widened(path, up + 1);
            (node, up, Found { returns, ..found })
        }
        None => (node, up, found),
    }
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
    if parent.field(Field::Object).is_none_or(|it| it.id() != node.id()) || is_written(parent, above) {
        return;
    }
    let list = found.returns == Returns::Boolean;
    match parent.kind() {
        "subscript_expression" if !list => {
            let Some(index) = parent.field(Field::Index).filter(|it| it.kind() != "number") else {
                return;
            };
            let keys = keys::keys(scan, index, path.scope_at(up + 1));
            scan.add_reads(found, keys, parent);
        }
        "member_expression" => {
            let Some(name) = parent.field(Field::Property) else { return };
            let called = above.kind() == "call_expression" && above.field(Field::Function) == Some(parent);
            let pair = (scan.of(name), found.returns);
            match pair {
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
    above.field(Field::Left) == Some(node)
        && matches!(above.kind(), "assignment_expression" | "augmented_assignment_expression")
}

/// A flag named by a property.
fn named<'t>(scan: &mut Scan<'t>, name: Node<'t>, whole: Node<'t>, found: Found) {
    let key = property_name(scan.source, name).to_owned();
    let key = Key { node: name, key: Some(key), prefix: None, from: KeyFrom::PropertyName };
    scan.add_reads(found, vec![key], whole);
}
