//! Which keys a Python expression gives.

use std::collections::HashMap;
use std::rc::Rc;

use tree_sitter::Node;

use super::super::KeyFrom;
use super::super::field::Field;
use super::super::scan::{Key, MOST_HOPS, Scan, children, first};
use super::super::scope::{Origin, ScopeId};
use super::super::words::occurrences;
use super::judge::class_of;
use super::nodes::{ByField, piece, plain, string};

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
    let node = plain(expression);
    if hops > MOST_HOPS || found.len() >= MOST_KEYS {
        return;
    }
    let field = |it: Field| node.field(it);
    if let Some(text) = string(scan.source, node) {
        found.push(Key { node, key: Some(text), prefix: None, from: KeyFrom::Literal });
        return;
    }
    match node.kind() {
        "conditional_expression" => {
            let parts = children(node);
            for it in parts.first().into_iter().chain(parts.get(2)) {
                collect(scan, *it, scope, hops + 1, found);
            }
        }
        "boolean_operator" => {
            let left =
                field(Field::Left).filter(|_| field(Field::Operator).is_some_and(|it| it.kind() == "or"));
            left.into_iter()
                .chain(field(Field::Right))
                .for_each(|it| collect(scan, it, scope, hops + 1, found));
        }
        "string" | "concatenated_string" => found.push(composed(scan, node, scope, hops)),
        "binary_operator" | "call" => found.push(match pattern(scan.source, node) {
            Some(prefix) => Key { node, key: None, prefix, from: KeyFrom::Template },
            None => composed(scan, node, scope, hops),
        }),
        _ => match constant(scan, node, scope, hops) {
            Some(target) => found.extend(follow(scan, node, target, hops)),
            None => found.push(Key { node, key: None, prefix: None, from: KeyFrom::Constant }),
        },
    }
}

/// An f-string or a sum: as much of its beginning as the code says, and the key if it says all.
fn composed<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Key<'t> {
    let (mut text, mut complete) = (String::new(), true);
    for part in parts(scan.source, node) {
        if part.id() == node.id() {
            complete = false;
            break;
        }
        let known = match part.kind() {
            "string_content" => piece(scan.source, part),
            "interpolation" if children(part).len() == 1 => one(scan, first(part), scope, hops),
            "interpolation" => None,
            _ => one(scan, Some(part), scope, hops),
        };
        match known {
            Some(known) => text.push_str(&known),
            None => {
                complete = false;
                break;
            }
        }
    }
    complete &= node.kind() != "call";
    let prefix = (!complete && !text.is_empty()).then(|| text.clone());
    let template = complete || prefix.is_some() || matches!(node.kind(), "string" | "concatenated_string");
    let from = if template { KeyFrom::Template } else { KeyFrom::Constant };
    Key { node, key: complete.then_some(text), prefix, from }
}

/// How `"key-%s" % name` and `"key-{}".format(name)` begin.
fn pattern(source: &str, node: Node) -> Option<Option<String>> {
    let field = |node: Node, it: Field| node.field(it).map(|it| source[it.byte_range()].to_owned());
    let (text, mark) = match node.kind() {
        "call" => {
            let callee = node.field(Field::Function)?;
            let format = field(callee, Field::Attribute).is_some_and(|it| it == "format");
            (callee.field(Field::Object).filter(|_| format)?, '{')
        }
        _ => {
            let percent = field(node, Field::Operator).is_some_and(|it| it == "%");
            (node.field(Field::Left).filter(|_| percent)?, '%')
        }
    };
    let text = string(source, text)?;
    let before = text.split(mark).next().unwrap_or_default();
    Some((!before.is_empty()).then(|| before.to_owned()))
}

fn one<'t>(scan: &mut Scan<'t>, part: Option<Node<'t>>, scope: ScopeId, hops: u8) -> Option<String> {
    let mut inner = Vec::new();
    scan.composing += 1;
    part.into_iter().for_each(|it| collect(scan, it, scope, hops + 1, &mut inner));
    scan.composing -= 1;
    match inner.as_slice() {
        [only] => only.key.clone(),
        _ => None,
    }
}

/// The parts of a string, or the operands of a sum or of `%` from the left.
fn parts<'t>(source: &str, node: Node<'t>) -> Vec<Node<'t>> {
    let inside = |it: Node<'t>| {
        children(it).into_iter().filter(|it| !matches!(it.kind(), "string_start" | "string_end"))
    };
    match node.kind() {
        "string" => return inside(node).collect(),
        "concatenated_string" => return children(node).into_iter().flat_map(inside).collect(),
        _ => {}
    }
    let (mut operands, mut at) = (Vec::new(), node);
    while at.kind() == "binary_operator" && operands.len() < MOST_KEYS {
        let sum = at.field(Field::Operator).is_some_and(|it| &source[it.byte_range()] == "+");
        if !sum {
            break;
        }
        operands.extend(at.field(Field::Right));
        let Some(left) = at.field(Field::Left) else { break };
        at = left;
    }
    operands.push(at);
    operands.reverse();
    operands
}

/// What a constant stands for.
struct Target<'t> {
    /// The expression, or the class or dictionary.
    node: Node<'t>,
    scope: ScopeId,
    /// Its name, qualified inside its container.
    name: String,
    from: KeyFrom,
    /// The class or dictionary that it is a member of, and the name of that.
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
    if let Some((container, name)) = target.container.filter(|_| known)
        && scan.first_time(container)
    {
        for (member, value) in members(scan, container).iter() {
            let value = plain(*value);
            if let Some(key) = string(scan.source, value) {
                scan.add_definition(&key, &format!("{name}.{member}"), value);
            }
        }
    }
    let from = |it: &Key| if it.key.is_some() { target.from } else { it.from };
    inner.iter().map(|it| Key { node: at, from: from(it), ..it.clone() }).collect()
}

/// What a name or a member of a name stands for, when this file fixes it.
fn constant<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Option<Target<'t>> {
    let node = plain(node);
    if hops > MOST_HOPS {
        return None;
    }
    match node.kind() {
        "identifier" => named(scan, scan.of(node), scope),
        "attribute" => {
            let object = plain(node.field(Field::Object)?);
            let name = scan.of(node.field(Field::Attribute)?);
            if let Some(class) = class_of(scan, object, scope) {
                let class = scan.scopes.node(class);
                return member(scan, class, name, class_name(scan, class), scope);
            }
            // `Flags.NEW_NAV.value`
            let whole = constant(scan, object, scope, hops + 1).filter(|_| name == "value")?;
            (whole.from == KeyFrom::Enum).then_some(whole)
        }
        "subscript" => {
            let name = string(scan.source, node.field(Field::Subscript)?)?;
            let whole = constant(scan, node.field(Field::Value)?, scope, hops + 1)?;
            member(scan, plain(whole.node), &name, whole.name, whole.scope)
        }
        _ => None,
    }
}

fn class_name<'t>(scan: &Scan<'t>, class: Node<'t>) -> String {
    class.field(Field::Name).map(|it| scan.of(it).to_owned()).unwrap_or_default()
}

fn named<'t>(scan: &mut Scan<'t>, name: &'t str, scope: ScopeId) -> Option<Target<'t>> {
    let id = scan.resolve(name, scope)?;
    let it = scan.scopes.binding(id);
    let Origin::Value { value: Some(node), .. } = it.origin else { return None };
    if !it.path.is_empty() || !it.more.is_empty() {
        return None;
    }
    let at = it.scope;
    if at == ScopeId::ROOT && is_global_somewhere(scan, name) {
        return None;
    }
    Some(Target { node, scope: at, name: name.into(), from: KeyFrom::Constant, container: None })
}

/// Whether a function assigns a name of the module.
fn is_global_somewhere(scan: &mut Scan, name: &str) -> bool {
    let source = scan.source;
    let find = || {
        let lines = occurrences(source, "global", 0..source.len());
        let lines = lines.map(|it| source[it.end..].lines().next().unwrap_or_default());
        lines.flat_map(|it| it.split([',', ' ', ';'])).map(str::trim).collect()
    };
    scan.assigned_names.get_or_insert_with(find).contains(name)
}

fn member<'t>(
    scan: &mut Scan<'t>,
    whole: Node<'t>,
    name: &str,
    of: String,
    scope: ScopeId,
) -> Option<Target<'t>> {
    let value = *members(scan, whole).get(name)?;
    let is_class = whole.kind() == "class_definition";
    let bases = whole.field(Field::Superclasses).filter(|_| is_class).map(|it| scan.of(it));
    let is_enum = bases.is_some_and(|it| it.contains("Enum") || it.contains("TextChoices"));
    let from = if is_enum { KeyFrom::Enum } else { KeyFrom::Constant };
    let scope = if is_class { scan.scopes.enter(whole, scope) } else { scope };
    let container = (is_enum || !is_class).then(|| (whole, of.clone()));
    Some(Target { node: value, scope, name: format!("{of}.{name}"), from, container })
}

/// The members of a class or dictionary that have a value, by name.
fn members<'t>(scan: &mut Scan<'t>, node: Node<'t>) -> Rc<HashMap<&'t str, Node<'t>>> {
    if let Some(known) = scan.members.get(&node.id()) {
        return known.clone();
    }
    let source = scan.source;
    let list = match node.kind() {
        "dictionary" => children(node),
        "class_definition" => node.field(Field::Body).map(children).unwrap_or_default(),
        _ => Vec::new(),
    };
    let pair = |it: Node<'t>| match it.kind() {
        "pair" => {
            let key = it.field(Field::Key).filter(|it| it.kind() == "string")?;
            Some((source[key.byte_range()].trim_matches(['"', '\'']), it.field(Field::Value)?))
        }
        _ => {
            let it = if it.kind() == "expression_statement" { first(it)? } else { it };
            let name = it.field(Field::Left).filter(|it| it.kind() == "identifier")?;
            Some((&source[name.byte_range()], it.field(Field::Right)?))
        }
    };
    let found = Rc::new(list.into_iter().filter_map(pair).collect::<HashMap<_, _>>());
    scan.members.insert(node.id(), found.clone());
    found
}
