//! Python.

mod judge;
mod keys;
mod maps;
mod nodes;
mod scopes;
mod table;

use tree_sitter::{Node, Tree};

pub use table::TABLE;

use super::aliases::Aliases;
use super::evidence::{Verdict, is_other_vendor, names_key};
use super::field::Field;
use super::scan::{Found, Path, Scan, children};
use super::scope::{BindingId, Origin, ScopeId};
use super::words::{Call, Needs, WRAPPER, find, occurrences};
use super::{Certainty, FileFacts, Names};
use crate::text::Text;
use nodes::{ByField, argument, plain};

/// The facts of a tree.
pub fn scan(text: &Text, tree: &Tree, names: &Names) -> FileFacts {
    let mut scan = Scan::new(text, tree, names, &scopes::RULES);
    let mut path = Path::new(&scan);
    let mut aliases = Aliases::default();
    for word in find(&TABLE, scan.source) {
        path.seek(&mut scan, word.start);
        if let Some(call) = TABLE.any(&scan.source[word]) {
            visit(&mut scan, &path, call, &mut aliases);
        }
    }
    let mut places = Vec::new();
    for (name, scope) in std::mem::take(&mut aliases.found) {
        places
            .extend(occurrences(scan.source, name, scan.scopes.node(scope).byte_range()).map(|it| it.start));
    }
    places.sort_unstable();
    places.dedup();
    for place in places {
        path.seek(&mut scan, place);
        visit_alias(&mut scan, &path, &mut aliases);
    }
    for wrapper in names.wrappers.iter().filter(|it| TABLE.any(it).is_none()) {
        for place in occurrences(scan.source, wrapper, 0..scan.source.len()) {
            path.seek(&mut scan, place.start);
            visit_wrapper(&mut scan, &path, wrapper);
        }
    }
    scan.finish()
}

/// A word of the SDK.
fn visit<'t>(scan: &mut Scan<'t>, path: &Path<'t>, call: &'static Call, aliases: &mut Aliases<'t>) {
    let (Some(leaf), Some(parent), Some(above)) = (path.up(0), path.up(1), path.up(2)) else { return };
    let is =
        |node: Node<'t>, field, it: Node<'t>| node.field(field).is_some_and(|found| found.id() == it.id());
    match (leaf.kind(), parent.kind()) {
        ("identifier", "attribute") if is(parent, Field::Attribute, leaf) => {
            if above.kind() == "call" && is(above, Field::Function, parent) {
                visit_method(scan, path, parent, call, aliases);
            } else if above.kind() == "assignment" && is(above, Field::Right, parent) {
                aliases.add(scan, &TABLE, above.field(Field::Left), path.scope_at(2));
            }
        }
        ("identifier", "dotted_name") if above.kind() == "aliased_import" => {
            aliases.add(scan, &TABLE, above.field(Field::Alias), path.scope_at(2));
        }
        ("identifier", "assignment") if is(parent, Field::Right, leaf) => {
            aliases.add(scan, &TABLE, parent.field(Field::Left), path.scope_at(1));
        }
        ("identifier", _) => visit_name(scan, path, leaf, parent, aliases),
        _ => {}
    }
}

/// An occurrence of a function that the settings name.
fn visit_wrapper<'t>(scan: &mut Scan<'t>, path: &Path<'t>, name: &str) {
    let is =
        |node: Node<'t>, field, it: Node<'t>| node.field(field).is_some_and(|found| found.id() == it.id());
    let (Some(leaf), Some(parent)) = (path.up(0), path.up(1)) else { return };
    let member = parent.kind() == "attribute" && is(parent, Field::Attribute, leaf);
    let (callee, up) = if member { (parent, 2) } else { (leaf, 1) };
    let call = path.up(up).filter(|it| it.kind() == "call" && is(*it, Field::Function, callee));
    let Some(call) = call else { return };
    let key = ["key", "flag", "flag_key"].into_iter().find_map(|it| argument(scan.source, call, 0, it));
    let Some(key) = key else { return };
    let keys = keys::keys(scan, key, path.scope_at(up));
    scan.add_reads_by(name, certain(&WRAPPER), keys, call);
}

/// An occurrence of a local name of a call or map.
fn visit_alias<'t>(scan: &mut Scan<'t>, path: &Path<'t>, aliases: &mut Aliases<'t>) {
    let (Some(leaf), Some(parent)) = (path.up(0), path.up(1)) else { return };
    let map = scan.resolve(scan.of(leaf), path.scope()).and_then(|it| aliases.maps.get(&it));
    match map {
        Some(found) if leaf.kind() == "identifier" => maps::visit(scan, path, *found),
        _ => visit_name(scan, path, leaf, parent, aliases),
    }
}

/// `receiver.method(...)`, two levels above the method's name.
fn visit_method<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    callee: Node<'t>,
    call: &'static Call,
    aliases: &mut Aliases<'t>,
) {
    let Some(object) = object(callee).map(plain) else { return };
    let verdict = receiver(scan, object, call.name, path.scope_at(2));
    if let Some(certainty) = accepted(call, verdict)
        && (verdict == Verdict::Client(Certainty::Certain) || !is_local_method(scan, path, 2, call))
    {
        report(scan, path, 2, Found { call, returns: call.returns, certainty }, aliases);
    }
}

/// `service.feature_enabled(user_id, "key")` is a method of this code base, which has the SDK's name for it
/// but not its arguments.
fn is_local_method<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, call: &Call) -> bool {
    let Some(node) = path.up(up) else { return false };
    let arguments = node.field(Field::Arguments).map(children).unwrap_or_default();
    let Some((first, later)) = arguments.split_first() else { return false };
    if call.needs == Needs::Snapshot || !later.iter().any(|it| it.kind() == "string") {
        return false;
    }
    let name = match first.kind() {
        "identifier" => scan.of(*first),
        "attribute" => first.field(Field::Attribute).map(|it| scan.of(it)).unwrap_or_default(),
        _ => return false,
    };
    !names_key(name) && keys::keys(scan, *first, path.scope_at(up)).iter().all(|it| it.key.is_none())
}

/// What stands before the dot. Behind a line that lacks its colon the parser takes the next line's receiver for
/// an error inside one long chain.
fn object(attribute: Node) -> Option<Node> {
    let broken = children(attribute).into_iter().find(|it| it.kind() == "ERROR");
    let last = broken.and_then(|it| children(it).pop()).filter(|it| it.kind() == "identifier");
    last.or_else(|| attribute.field(Field::Object))
}

/// What a method is called on; a class's own method is not the SDK's.
fn receiver<'t>(scan: &mut Scan<'t>, object: Node<'t>, method: &str, scope: ScopeId) -> Verdict {
    let class = judge::class_of(scan, object, scope);
    let own = class.is_some_and(|it| scan.scopes.own(scan.source, method, it).is_some());
    if own { Verdict::Foreign } else { judge::judge(scan, object, scope, 0) }
}

/// `feature_enabled(...)`
fn visit_name<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    leaf: Node<'t>,
    parent: Node<'t>,
    aliases: &mut Aliases<'t>,
) {
    let called =
        parent.kind() == "call" && parent.field(Field::Function).is_some_and(|it| it.id() == leaf.id());
    if !called {
        return;
    }
    let name = scan.of(leaf);
    let found = match scan.resolve(name, path.scope_at(1)) {
        Some(id) => bound(scan, id),
        None => TABLE.call(name).filter(|it| it.needs == Needs::Nothing).map(certain),
    };
    if let Some(found) = found {
        report(scan, path, 1, found, aliases);
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
            let name = value.field(Field::Attribute)?;
            let call = TABLE.any(scan.of(name))?;
            let verdict = receiver(scan, value.field(Field::Object)?, call.name, it.scope);
            accepted(call, verdict).map(|certainty| Found { call, returns: call.returns, certainty })
        }
        _ => None,
    }
}

fn imported(module: &str, name: &str) -> Option<Found> {
    let call = TABLE.any(name).filter(|it| it.needs != Needs::Snapshot)?;
    let free = call.needs == Needs::Nothing && !is_other_vendor(module);
    (free || judge::is_sdk(module)).then(|| certain(call))
}

/// Adds the reads of a call that is one, or follows the map that it gives.
fn report<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, found: Found, aliases: &mut Aliases<'t>) {
    if TABLE.call(found.call.name).is_none() {
        aliases.found.extend(maps::made(scan, path, up, found, &mut aliases.maps));
        return;
    }
    let Some(user) = path.up(up) else { return };
    let Some(expression) = argument(scan.source, user, 0, "key") else { return };
    let keys = keys::keys(scan, expression, path.scope_at(up));
    scan.add_reads(found, keys, user);
}
