//! JavaScript and TypeScript.

mod assigned;
mod judge;
mod keys;
mod maps;
mod nodes;
mod scopes;
mod table;

use std::collections::HashSet;

use tree_sitter::{Node, Tree};

pub use table::TABLE;

use super::aliases::Aliases;
use super::evidence::{Verdict, is_other_vendor, names_key};
use super::field::Field;
use super::scan::{Found, Path, Scan, children, first};
use super::scope::{BindingId, Origin, ScopeId, Step};
use super::words::{Call, Needs, WRAPPER, find, occurrences};
use super::{Certainty, FileFacts, Names, Returns, Via};
use crate::text::Text;
use nodes::{ByField, argument, is_property, plain, property};

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
    for _ in 0..MOST_ROUNDS {
        let found = std::mem::take(&mut aliases.found);
        for place in places(&scan, found) {
            path.seek(&mut scan, place);
            visit_alias(&mut scan, &path, &mut aliases);
        }
    }
    for wrapper in names.wrappers.iter().filter(|it| TABLE.any(it).is_none()) {
        let places = occurrences(scan.source, wrapper, 0..scan.source.len());
        for place in places {
            path.seek(&mut scan, place.start);
            visit_wrapper(&mut scan, &path, wrapper);
        }
    }
    scan.finish()
}

/// How often a map is handed on from name to name.
const MOST_ROUNDS: usize = 3;

/// Where names occur, by place.
fn places<'t>(scan: &Scan<'t>, names: HashSet<(&'t str, ScopeId)>) -> Vec<usize> {
    let mut places = Vec::new();
    for (name, scope) in names {
        places
            .extend(occurrences(scan.source, name, scan.scopes.node(scope).byte_range()).map(|it| it.start));
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// A word of the SDK.
fn visit<'t>(scan: &mut Scan<'t>, path: &Path<'t>, call: &'static Call, aliases: &mut Aliases<'t>) {
    let (Some(leaf), Some(parent)) = (path.up(0), path.up(1)) else { return };
    match leaf.kind() {
        kind if is_property(kind) && parent.kind() == "member_expression" => {
            let called = visit_member(scan, path, parent, 1, call, aliases);
            if !called {
                alias_of_value(scan, path, aliases);
            }
        }
        "string_fragment" if path.up(2).is_some_and(|it| it.kind() == "subscript_expression") => {
            if let Some(node) = path.up(2) {
                visit_member(scan, path, node, 2, call, aliases);
            }
        }
        "property_identifier" if parent.kind() == "pair_pattern" => {
            let value = parent.field(Field::Value);
            let name = value.map(|it| it.field(Field::Left).unwrap_or(it));
            aliases.add(scan, &TABLE, name, path.scope());
        }
        "identifier" if parent.kind() == "import_specifier" => {
            aliases.add(scan, &TABLE, parent.field(Field::Alias), ScopeId::ROOT);
        }
        "identifier" if !visit_name(scan, path, leaf, aliases) => alias_of_value(scan, path, aliases),
        _ => {}
    }
}

/// `const isOn = posthog.isFeatureEnabled`, bound or not.
fn alias_of_value<'t>(scan: &Scan<'t>, path: &Path<'t>, aliases: &mut Aliases<'t>) {
    for up in 1..6 {
        let Some(node) = path.up(up) else { return };
        match node.kind() {
            "variable_declarator" => {
                return aliases.add(scan, &TABLE, node.field(Field::Name), path.scope_at(up));
            }
            "member_expression" | "call_expression" | "as_expression" | "non_null_expression" => {}
            _ => return,
        }
    }
}

/// An occurrence of a local name of a call.
fn visit_alias<'t>(scan: &mut Scan<'t>, path: &Path<'t>, aliases: &mut Aliases<'t>) {
    let Some(leaf) = path.up(0).filter(|it| it.kind() == "identifier") else { return };
    let map = scan.resolve(scan.of(leaf), path.scope()).and_then(|it| aliases.maps.get(&it).copied());
    match map {
        Some(found) => aliases.found.extend(maps::visit(scan, path, found, &mut aliases.maps)),
        None => {
            visit_name(scan, path, leaf, aliases);
        }
    }
}

/// An occurrence of a function that the settings name.
fn visit_wrapper<'t>(scan: &mut Scan<'t>, path: &Path<'t>, name: &str) {
    let (Some(leaf), Some(parent)) = (path.up(0), path.up(1)) else { return };
    let member = is_property(leaf.kind()) && parent.kind() == "member_expression";
    let (node, up) = if member { (parent, 1) } else { (leaf, 0) };
    let Some(up) = user(path, node, up) else { return };
    let Some(user) = path.up(up) else { return };
    let key =
        if user.kind() == "call_expression" { argument(user, 0) } else { attribute(scan, user, "flag") };
    let Some(key) = key else { return };
    let whole = if user.kind() == "jsx_opening_element" { path.up(up + 1).unwrap_or(user) } else { user };
    let keys = keys::keys(scan, key, path.scope_at(up));
    scan.add_reads_by(name, certain(&WRAPPER), keys, whole);
}

/// `receiver.method(...)` or `<Namespace.Component>`; says whether it was called.
fn visit_member<'t>(
    scan: &mut Scan<'t>,
    path: &Path<'t>,
    node: Node<'t>,
    up: usize,
    call: &'static Call,
    aliases: &mut Aliases<'t>,
) -> bool {
    let Some(object) = node.field(Field::Object) else { return false };
    let Some(user) = user(path, node, up) else { return false };
    let scope = path.scope_at(user);
    let verdict = match (plain(scan.source, object).kind(), call.needs) {
        ("this", _) => own_method(scan, object, scope, call.name),
        _ => judge::judge(scan, object, scope, 0),
    };
    if let Some(certainty) = accepted(call, verdict)
        && (verdict == Verdict::Client(Certainty::Certain) || !is_local_method(scan, path, user, call))
    {
        report(scan, path, user, Found { call, returns: call.returns, certainty }, aliases);
    }
    true
}

/// `service.isFeatureEnabled(userId, 'key')` is a method of this code base, which has the SDK's name for it
/// but not its arguments.
fn is_local_method<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, call: &Call) -> bool {
    let Some(node) = path.up(up).filter(|it| it.kind() == "call_expression") else { return false };
    let later = (1..4).filter_map(|it| argument(node, it));
    if call.needs == Needs::Snapshot || !later.into_iter().any(|it| it.kind() == "string") {
        return false;
    }
    let Some(first) = argument(node, 0).map(|it| plain(scan.source, it)) else { return false };
    let name = match first.kind() {
        "identifier" => scan.of(first),
        "member_expression" => property(scan.source, first).unwrap_or_default(),
        _ => return false,
    };
    !names_key(name) && keys::keys(scan, first, path.scope_at(up)).iter().all(|it| it.key.is_none())
}

/// `this.method(...)`: the class's own method is not the SDK's.
fn own_method<'t>(scan: &mut Scan<'t>, this: Node<'t>, scope: ScopeId, name: &str) -> Verdict {
    let class = judge::class_around(scan, scope).map(|it| scan.scopes.node(it));
    let own = class
        .map(children)
        .unwrap_or_default()
        .into_iter()
        .any(|it| it.field(Field::Name).is_some_and(|it| scan.of(it) == name));
    if own { Verdict::Foreign } else { judge::judge(scan, this, scope, 0) }
}

/// A bare name, as function or component; says whether it was called.
fn visit_name<'t>(scan: &mut Scan<'t>, path: &Path<'t>, leaf: Node<'t>, aliases: &mut Aliases<'t>) -> bool {
    let Some(user) = user(path, leaf, 0) else { return false };
    let (name, scope) = (scan.of(leaf), path.scope_at(user));
    let found = match scan.resolve(name, scope) {
        Some(id) => bound(scan, id, 0),
        None => TABLE.call(name).filter(|it| it.needs == Needs::Nothing).map(certain),
    };
    if let Some(found) = found {
        report(scan, path, user, found, aliases);
    }
    true
}

/// How far up the call or element is that uses an expression as its function or name.
fn user<'t>(path: &Path<'t>, mut node: Node<'t>, mut up: usize) -> Option<usize> {
    loop {
        up += 1;
        let parent = path.up(up)?;
        let at = |field| parent.field(field).is_some_and(|it| it.id() == node.id());
        match parent.kind() {
            "non_null_expression" | "parenthesized_expression" | "instantiation_expression" => node = parent,
            "call_expression" if at(Field::Function) => return Some(up),
            "jsx_self_closing_element" if at(Field::Name) => return Some(up),
            "jsx_opening_element" if at(Field::Name) => return Some(up),
            _ => return None,
        }
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

/// The call that a declared name stands for.
fn bound(scan: &mut Scan, id: BindingId, hops: u8) -> Option<Found> {
    let it = scan.scopes.binding(id).clone();
    if hops > 4 || !it.more.is_empty() && !matches!(it.origin, Origin::Import { .. }) {
        return None;
    }
    match (it.origin, it.path.split_last()) {
        (Origin::Import { module, name }, _) => imported(module, name),
        (Origin::Value { value: Some(value), .. }, None) => valued(scan, value, it.scope, hops),
        (Origin::Value { .. }, Some((Step::Property(method), before))) => {
            let call = TABLE.any(method)?;
            let mut whole = it.clone();
            whole.path = before.to_vec();
            let verdict = judge::origin(scan, whole.origin, &whole.path, whole.scope, 0);
            accepted(call, verdict).map(|certainty| Found { call, returns: call.returns, certainty })
        }
        (Origin::Parameter { .. }, Some((Step::Property(method), before))) => {
            let call = TABLE.any(method)?;
            let verdict = judge::origin(scan, it.origin, before, it.scope, 0);
            accepted(call, verdict).map(|certainty| Found { call, returns: call.returns, certainty })
        }
        _ => None,
    }
}

fn imported(module: &str, name: &str) -> Option<Found> {
    let call = TABLE.any(name)?;
    if judge::is_sdk(module) {
        // React Native gives the variant, Next the whole result.
        let result = name == "useFeatureFlag" && module.starts_with("@posthog/next");
        let returns = if result { Returns::Result } else { call.returns };
        return (call.needs != Needs::Snapshot).then_some(Found { returns, ..certain(call) });
    }
    (call.needs == Needs::Nothing && !is_other_vendor(module)).then(|| certain(call))
}

/// `const f = posthog.isFeatureEnabled`, `= posthog.isFeatureEnabled.bind(posthog)`, `= useFeatureFlagEnabled`.
fn valued<'t>(scan: &mut Scan<'t>, value: Node<'t>, scope: ScopeId, hops: u8) -> Option<Found> {
    let mut node = plain(scan.source, value);
    if node.kind() == "call_expression" {
        let callee = node.field(Field::Function)?;
        node = callee.field(Field::Object).filter(|_| property(scan.source, callee) == Some("bind"))?;
    }
    if node.kind() == "identifier" {
        let id = scan.resolve(scan.of(node), scope)?;
        return bound(scan, id, hops + 1);
    }
    let call = TABLE.call(property(scan.source, node)?)?;
    let verdict = judge::judge(scan, node.field(Field::Object)?, scope, 0);
    accepted(call, verdict).map(|certainty| Found { call, returns: call.returns, certainty })
}

/// Adds the reads of a call or element that is one, or follows the map that it gives.
fn report<'t>(scan: &mut Scan<'t>, path: &Path<'t>, up: usize, found: Found, aliases: &mut Aliases<'t>) {
    let Some(user) = path.up(up) else { return };
    if TABLE.call(found.call.name).is_none() {
        if user.kind() == "call_expression" {
            let names = maps::made(scan, path, up, found, &mut aliases.maps);
            aliases.found.extend(names);
        }
        return;
    }
    let component = found.call.via == Via::Component;
    let expression = match user.kind() {
        "call_expression" if !component => key_argument(scan, user, found.call),
        "jsx_self_closing_element" | "jsx_opening_element" if component => attribute(scan, user, "flag"),
        _ => None,
    };
    let Some(expression) = expression else { return };
    let whole = if user.kind() == "jsx_opening_element" { path.up(up + 1).unwrap_or(user) } else { user };
    let keys = keys::keys(scan, expression, path.scope_at(up));
    scan.add_reads(found, keys, whole);
}

/// The first argument; with Convex `key` of the second, after the context.
fn key_argument<'t>(scan: &Scan<'t>, call: Node<'t>, of: &Call) -> Option<Node<'t>> {
    let options = argument(call, 1).filter(|it| it.kind() == "object");
    let convex = options.and_then(|it| keys::pair(scan.source, it, "key"));
    match of.name {
        "evaluateFlag" | "evaluateFlagPayload" => convex,
        _ => convex.or_else(|| argument(call, 0)),
    }
}

/// The value of an attribute.
fn attribute<'t>(scan: &Scan<'t>, element: Node<'t>, name: &str) -> Option<Node<'t>> {
    let found = children(element)
        .into_iter()
        .find(|it| it.kind() == "jsx_attribute" && first(*it).is_some_and(|it| scan.of(it) == name))?;
    let value = children(found).into_iter().nth(1)?;
    if value.kind() == "jsx_expression" { first(value) } else { Some(value) }
}
