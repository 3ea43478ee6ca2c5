//! Maps of flags: `get_all_flags(...)["k"]` and `.get("k")`, directly or through one variable.

use tree_sitter::Node;

use super::super::Returns;
use super::super::aliases::Maps;
use super::super::field::Field;
use super::super::scan::{Found, Path, Scan};
use super::super::scope::ScopeId;
use super::keys;
use super::nodes::{ByField, argument, string};

/// What becomes of a map that a call gives; answers the name to look for, with its scope.
pub fn made<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    up: usize,
    found: Found,
    maps: &mut Maps,
) -> Option<(&'t str, ScopeId)> {
    let up = widened(path, up);
    let above = path.up(up + 1)?;
    let target = match above.kind() {
        "assignment" => above.field(Field::Left),
        "named_expression" => above.field(Field::Name),
        _ => None,
    };
    let Some(target) = target.filter(|it| it.kind() == "identifier") else {
        used(scan, path, up, found);
        return None;
    };
    let id = scan.resolve(scan.of(target), path.scope_at(up + 1))?;
    if !scan.scopes.binding(id).more.is_empty() {
        return None;
    }
    maps.insert(id, found);
    Some((scan.of(target), scan.scopes.binding(id).scope))
}

/// A use of a name that holds a map.
pub fn visit<'t>(scan: &mut Scan<'t>, path: &Path<'t>, found: Found) {
    let up = widened(path, 0);
    used(scan, path, up, found);
}

fn widened(path: &Path, mut up: usize) -> usize {
    while path.up(up + 1).is_some_and(|it| matches!(it.kind(), "await" | "parenthesized_expression")) {
        up += 1;
    }
    up
}

fn used<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, found: Found) {
    let Some((key, up)) = index(scan, path, up) else { return };
    if found.returns != Returns::Result {
        let Some(whole) = path.up(up).filter(|it| !is_written(path, up, *it)) else { return };
        let keys = keys::keys(scan, key, path.scope_at(up));
        return scan.add_reads(found, keys, whole);
    }
    let returns = match string(scan.source, key).as_deref() {
        Some("featureFlags") => Returns::Variant,
        Some("featureFlagPayloads") => Returns::Payload,
        _ => return,
    };
    used(scan, path, widened(path, up), Found { returns, ..found });
}

/// The key that a map is asked for, and how far up that is.
fn index<'t>(scan: &Scan<'t>, path: &Path<'t>, up: usize) -> Option<(Node<'t>, usize)> {
    let (node, parent) = (path.up(up)?, path.up(up + 1)?);
    match parent.kind() {
        "subscript" if parent.field(Field::Value) == Some(node) => {
            Some((parent.field(Field::Subscript)?, up + 1))
        }
        "attribute" if parent.field(Field::Object) == Some(node) => {
            let name = parent.field(Field::Attribute)?;
            let call = path.up(up + 2).filter(|it| it.field(Field::Function) == Some(parent))?;
            (scan.of(name) == "get")
                .then(|| argument(scan.source, call, 0, "key"))
                .flatten()
                .map(|it| (it, up + 2))
        }
        _ => None,
    }
}

fn is_written(path: &Path, up: usize, node: Node) -> bool {
    path.up(up + 1).is_some_and(|it| {
        it.kind() == "delete_statement"
            || it.kind() == "assignment" && it.field(Field::Left).is_some_and(|it| it.id() == node.id())
    })
}
