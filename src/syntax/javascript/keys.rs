//! Which keys an expression gives.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::super::KeyFrom;
use super::super::field::Field;
use super::super::scan::{Key, MOST_HOPS, Scan, children, first};
use super::super::scope::{Origin, ScopeId, Step};
use super::assigned::is_reassigned;
use super::judge::class_around;
use super::nodes::{ByField, body, piece, plain, property, property_name, string};

/// More keys in one expression than this are not written by hand.
const MOST_KEYS: usize = 64;

/// The keys that an expression gives, in order: one for each branch.
pub fn keys<'t>(scan: &mut Scan<'t>, expression: Node<'t>, scope: ScopeId) -> Vec<Key<'t>> {
    let mut found = Vec::new();
    collect(scan, expression, scope, 0, &mut found);
    found
}

fn collect<'t>(
    scan: &mut Scan<'t>,
    expression: Node<'t>,
    scope: ScopeId,
    hops: u8,
    found: &mut Vec<Key<'t>>,
) {
    let node = plain(scan.source, expression);
    if hops > MOST_HOPS || found.len() >= MOST_KEYS {
        return;
    }
    let field = |it: Field| node.field(it);
    let branches = match node.kind() {
        "ternary_expression" => [field(Field::Consequence), field(Field::Alternative)],
        "binary_expression" => match field(Field::Operator).map(|it| it.kind()) {
            Some("||" | "??") => [field(Field::Left), field(Field::Right)],
            Some("&&") => [field(Field::Right), None],
            _ => [None; 2],
        },
        _ => [None; 2],
    };
    if branches[0].is_some() {
        branches.into_iter().flatten().for_each(|it| collect(scan, it, scope, hops + 1, found));
        return;
    }
    if let Some(text) = string(scan.source, node) {
        found.push(Key { node, key: Some(text), prefix: None, from: KeyFrom::Literal });
        return;
    }
    match node.kind() {
        "template_string" | "binary_expression" => found.push(composed(scan, node, scope, hops)),
        _ => match constant(scan, node, scope, hops) {
            Some(target) => found.extend(follow(scan, node, target, hops)),
            None => found.push(Key { node, key: None, prefix: None, from: KeyFrom::Constant }),
        },
    }
}

/// A template or a sum: as much of its beginning as the code says, and the key if it says all.
fn composed<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Key<'t> {
    let (mut text, mut complete) = (String::new(), true);
    for part in parts(node) {
        let known = match part.kind() {
            "string_fragment" | "escape_sequence" => piece(scan.source, part),
            _ => {
                let mut inner = Vec::new();
                let part = if part.kind() == "template_substitution" { first(part) } else { Some(part) };
                scan.composing += 1;
                part.into_iter().for_each(|it| collect(scan, it, scope, hops + 1, &mut inner));
                scan.composing -= 1;
                match inner.as_slice() {
                    [only] => {
                        text.push_str(only.prefix.as_deref().unwrap_or_default());
                        only.key.clone()
                    }
                    _ => None,
                }
            }
        };
        match known {
            Some(known) => text.push_str(&known),
            None => {
                complete = false;
                break;
            }
        }
    }
    let prefix = (!complete && !text.is_empty()).then(|| text.clone());
    let from = if complete || prefix.is_some() || node.kind() == "template_string" {
        KeyFrom::Template
    } else {
        KeyFrom::Constant
    };
    Key { node, key: complete.then_some(text), prefix, from }
}

/// The parts of a template, or the operands of a sum from the left.
fn parts(node: Node) -> Vec<Node> {
    if node.kind() == "template_string" {
        return children(node);
    }
    let (mut operands, mut at) = (Vec::new(), node);
    while at.kind() == "binary_expression" && operands.len() < MOST_KEYS {
        operands.extend(at.field(Field::Right));
        let Some(left) = at.field(Field::Left) else { break };
        at = left;
    }
    operands.push(at);
    operands.reverse();
    operands
}

/// What a constant stands for.
#[derive(Clone)]
pub struct Target<'t> {
    /// The expression, or the object, enum or class.
    node: Node<'t>,
    scope: ScopeId,
    /// Its name, qualified inside its container.
    name: String,
    from: KeyFrom,
    /// The object or enum that it is a member of, and the name of that.
    container: Option<(Node<'t>, String)>,
}

fn follow<'t>(scan: &mut Scan<'t>, at: Node<'t>, target: Target<'t>, hops: u8) -> Vec<Key<'t>> {
    let mut inner = Vec::new();
    collect(scan, target.node, target.scope, hops + 1, &mut inner);
    for it in &inner {
        if let (Some(key), KeyFrom::Literal | KeyFrom::Template) = (&it.key, it.from) {
            scan.add_definition(key, &target.name, it.node);
        }
    }
    let known = inner.iter().any(|it| it.key.is_some());
    if let Some((container, name)) = target.container.filter(|_| known) {
        define_members(scan, container, &name, 0);
    }
    let from = |it: &Key| match (&it.key, it.from) {
        (None, from) => from,
        (Some(_), _) => target.from,
    };
    inner.iter().map(|it| Key { node: at, from: from(it), ..it.clone() }).collect()
}

/// Defines every literal member of an object or enum.
fn define_members<'t>(scan: &mut Scan<'t>, container: Node<'t>, name: &str, depth: u8) {
    if depth > MOST_HOPS || !scan.first_time(container) {
        return;
    }
    for (member, value) in members(scan, container).iter() {
        let (value, name) = (plain(scan.source, *value), format!("{name}.{member}"));
        if let Some(key) = string(scan.source, value) {
            scan.add_definition(&key, &name, value);
        } else if value.kind() == "object" {
            define_members(scan, value, &name, depth + 1);
        }
    }
}

/// What a name or a member of a name stands for, when this file fixes it.
fn constant<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Option<Target<'t>> {
    let node = plain(scan.source, node);
    if hops > MOST_HOPS {
        return None;
    }
    match node.kind() {
        "identifier" | "shorthand_property_identifier" => named(scan, scan.of(node), scope, hops),
        "member_expression" | "subscript_expression" => {
            let (object, name) = (node.field(Field::Object)?, property(scan.source, node)?);
            if plain(scan.source, object).kind() == "this" {
                let class = class_around(scan, scope)?;
                let body = scan.scopes.node(class);
                let value = *members(scan, body).get(name)?;
                return Some(Target {
                    node: value,
                    scope: class,
                    name: name.into(),
                    from: KeyFrom::Constant,
                    container: None,
                });
            }
            let whole = constant(scan, object, scope, hops + 1)?;
            member(scan, whole, name, hops)
        }
        _ => None,
    }
}

fn named<'t>(scan: &mut Scan<'t>, name: &'t str, scope: ScopeId, hops: u8) -> Option<Target<'t>> {
    let id = scan.resolve(name, scope)?;
    let it = scan.scopes.binding(id).clone();
    let whole = |node, from| Target { node, scope: it.scope, name: name.into(), from, container: None };
    let mut target = match it.origin {
        Origin::Value { value: Some(value), .. } if !is_reassigned(scan, id) => {
            whole(value, KeyFrom::Constant)
        }
        Origin::Enum(node) => whole(node, KeyFrom::Enum),
        Origin::Class(node) => whole(body(node)?, KeyFrom::Constant),
        _ => return None,
    };
    if !it.path.is_empty() {
        target = resolved(scan, target, hops);
    }
    for step in &it.path {
        let Step::Property(name) = step else { return None };
        target = member(scan, target, name, hops)?;
    }
    Some(target)
}

/// An object itself rather than the name that stands for it.
fn resolved<'t>(scan: &mut Scan<'t>, target: Target<'t>, hops: u8) -> Target<'t> {
    let node = plain(scan.source, target.node);
    match node.kind() {
        "identifier" | "member_expression" => constant(scan, node, target.scope, hops + 1).unwrap_or(target),
        _ => target,
    }
}

fn member<'t>(scan: &mut Scan<'t>, whole: Target<'t>, name: &str, hops: u8) -> Option<Target<'t>> {
    let whole = resolved(scan, whole, hops);
    let node = plain(scan.source, whole.node);
    let value = *members(scan, node).get(name)?;
    let container = whole.container.or((node.kind() != "class_body").then(|| (node, whole.name.clone())));
    let name = format!("{}.{name}", whole.name);
    Some(Target { node: value, scope: whole.scope, name, from: whole.from, container })
}

/// The members of an object, enum or class that have a value, by name.
fn members<'t>(scan: &mut Scan<'t>, node: Node<'t>) -> Rc<HashMap<&'t str, Node<'t>>> {
    if let Some(known) = scan.members.get(&node.id()) {
        return known.clone();
    }
    let list = match node.kind() {
        "object" | "class_body" => children(node),
        "enum_declaration" => body(node).map(children).unwrap_or_default(),
        _ => Vec::new(),
    };
    let source = scan.source;
    let pair = |it: Node<'t>| match it.kind() {
        "shorthand_property_identifier" => Some((&source[it.byte_range()], it)),
        "pair" | "enum_assignment" | "public_field_definition" => {
            let name = it.field(Field::Key).or_else(|| it.field(Field::Name))?;
            let name = if name.kind() == "computed_property_name" { first(name)? } else { name };
            Some((property_name(source, name), it.field(Field::Value)?))
        }
        _ => None,
    };
    let found = Rc::new(list.into_iter().filter_map(pair).collect::<HashMap<_, _>>());
    scan.members.insert(node.id(), found.clone());
    found
}

/// The value of a property in an object literal.
pub fn pair<'t>(source: &'t str, object: Node<'t>, name: &str) -> Option<Node<'t>> {
    if object.kind() != "object" {
        return None;
    }
    children(object).into_iter().find_map(|it| match it.kind() {
        "shorthand_property_identifier" if &source[it.byte_range()] == name => Some(it),
        "pair" => {
            let key = it.field(Field::Key).filter(|it| it.kind() != "computed_property_name")?;
            (property_name(source, key) == name).then(|| it.field(Field::Value)).flatten()
        }
        _ => None,
    })
}
