//! Python.

mod judge;
mod keys;
mod nodes;
mod scopes;
mod table;

use std::collections::HashSet;

use tree_sitter::{Node, Tree};

pub use table::TABLE;

use super::evidence::{Verdict, is_other_vendor};
use super::scan::{Found, Path, Scan};
use super::scope::{BindingId, Origin, ScopeId};
use super::words::{Call, Needs, find, occurrences};
use super::{Certainty, FileFacts};
use crate::text::Text;
use nodes::{argument, plain};

/// The facts of a tree.
pub fn scan(text: &Text, tree: &Tree) -> FileFacts {
    let mut scan = Scan::new(text, tree, &scopes::RULES);
    let mut path = Path::new(&scan);
    let mut aliases = HashSet::new();
    for word in find(&TABLE, scan.source) {
        path.seek(&mut scan, word.start);
        if let Some(call) = TABLE.call(&scan.source[word]) {
            visit(&mut scan, &path, call, &mut aliases);
        }
    }
    let mut places = Vec::new();
    for (name, scope) in aliases {
        places
            .extend(occurrences(scan.source, name, scan.scopes.node(scope).byte_range()).map(|it| it.start));
    }
    places.sort_unstable();
    places.dedup();
    for place in places {
        path.seek(&mut scan, place);
        if let (Some(leaf), Some(parent)) = (path.up(0), path.up(1)) {
            visit_name(&mut scan, leaf, parent, path.scope_at(1));
        }
    }
    scan.finish()
}

/// A word of the SDK.
fn visit<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    call: &'static Call,
    aliases: &mut HashSet<(&'t str, ScopeId)>,
) {
    let (Some(leaf), Some(parent), Some(above)) = (path.up(0), path.up(1), path.up(2)) else { return };
    let is = |node: Node<'t>, field, it: Node<'t>| {
        node.child_by_field_name(field).is_some_and(|found| found.id() == it.id())
    };
    match (leaf.kind(), parent.kind()) {
        ("identifier", "attribute") if is(parent, "attribute", leaf) => {
            if above.kind() == "call" && is(above, "function", parent) {
                visit_method(scan, parent, above, call, path.scope_at(2));
            } else if above.kind() == "assignment" && is(above, "right", parent) {
                alias(scan, above.child_by_field_name("left"), path.scope_at(2), aliases);
            }
        }
        ("identifier", "dotted_name") if above.kind() == "aliased_import" => {
            alias(scan, above.child_by_field_name("alias"), path.scope_at(2), aliases);
        }
        ("identifier", "assignment") if is(parent, "right", leaf) => {
            alias(scan, parent.child_by_field_name("left"), path.scope_at(1), aliases);
        }
        ("identifier", _) => visit_name(scan, leaf, parent, path.scope_at(1)),
        _ => {}
    }
}

fn alias<'t>(
    scan: &Scan<'t>,
    name: Option<Node<'t>>,
    scope: ScopeId,
    aliases: &mut HashSet<(&'t str, ScopeId)>,
) {
    if let Some(name) = name.filter(|it| it.kind() == "identifier")
        && TABLE.call(scan.of(name)).is_none()
    {
        aliases.insert((scan.of(name), scope));
    }
}

/// `receiver.method(...)`
fn visit_method<'t>(
    scan: &mut Scan<'t>,
    callee: Node<'t>,
    user: Node<'t>,
    call: &'static Call,
    scope: ScopeId,
) {
    let Some(object) = callee.child_by_field_name("object").map(plain) else { return };
    let verdict = receiver(scan, object, call.name, scope);
    if let Some(certainty) = accepted(call, verdict) {
        report(scan, Found { call, returns: call.returns, certainty }, user, scope);
    }
}

/// What a method is called on; a class's own method is not the SDK's.
fn receiver<'t>(scan: &mut Scan<'t>, object: Node<'t>, method: &str, scope: ScopeId) -> Verdict {
    let class = judge::class_of(scan, object, scope);
    let own = class.is_some_and(|it| scan.scopes.own(scan.source, method, it).is_some());
    if own { Verdict::Foreign } else { judge::judge(scan, object, scope, 0) }
}

/// `feature_enabled(...)`
fn visit_name<'t>(scan: &mut Scan<'t>, leaf: Node<'t>, parent: Node<'t>, scope: ScopeId) {
    let called = parent.kind() == "call"
        && parent.child_by_field_name("function").is_some_and(|it| it.id() == leaf.id());
    if !called {
        return;
    }
    let name = scan.of(leaf);
    let found = match scan.resolve(name, scope) {
        Some(id) => bound(scan, id),
        None => TABLE.call(name).filter(|it| it.needs == Needs::Nothing).map(certain),
    };
    if let Some(found) = found {
        report(scan, found, parent, scope);
    }
}

fn accepted(call: &Call, verdict: Verdict) -> Option<Certainty> {
    match (call.needs, verdict) {
        (Needs::Nothing, Verdict::Foreign) => None,
        (Needs::Nothing, _) => Some(Certainty::Certain),
        (Needs::Client, Verdict::Client(certainty)) => Some(certainty),
        (Needs::Snapshot, Verdict::Snapshot(certainty)) => Some(certainty),
        _ => None,
    }
}

fn certain(call: &'static Call) -> Found {
    Found { call, returns: call.returns, certainty: Certainty::Certain }
}

/// The call that a declared name stands for. `try: import ... except ImportError: name = None` still imports.
fn bound(scan: &mut Scan, id: BindingId) -> Option<Found> {
    let it = scan.scopes.binding(id).clone();
    match it.origin {
        Origin::Import { module, name } => imported(module, name),
        Origin::Value { value: Some(value), .. } if it.more.is_empty() && it.path.is_empty() => {
            let value = plain(value);
            let name = value.child_by_field_name("attribute")?;
            let call = TABLE.call(scan.of(name))?;
            let verdict = receiver(scan, value.child_by_field_name("object")?, call.name, it.scope);
            accepted(call, verdict).map(|certainty| Found { call, returns: call.returns, certainty })
        }
        _ => None,
    }
}

fn imported(module: &str, name: &str) -> Option<Found> {
    let call = TABLE.call(name).filter(|it| it.needs != Needs::Snapshot)?;
    let free = call.needs == Needs::Nothing && !is_other_vendor(module);
    (free || judge::is_sdk(module)).then(|| certain(call))
}

/// Adds the reads of a call that is one.
fn report<'t>(scan: &mut Scan<'t>, found: Found, user: Node<'t>, scope: ScopeId) {
    let Some(expression) = argument(scan.source, user, 0, "key") else { return };
    let keys = keys::keys(scan, expression, scope);
    scan.add_reads(found, keys, user);
}
