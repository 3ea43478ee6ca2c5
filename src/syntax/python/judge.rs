//! Is a Python value a PostHog client, a snapshot, or something else?

use tree_sitter::Node;

use super::super::Certainty;
use super::super::evidence::{Verdict, is_other_vendor, named_like_client};
use super::super::field::Field;
use super::super::scan::{MOST_HOPS, Scan, children, first};
use super::super::scope::{BindingId, Origin, ScopeId, Step};
use super::super::words::occurrences;
use super::nodes::{ByField, argument, plain};

/// What an expression is. A function counts as what it returns and a class as its instances.
pub fn judge<'t>(scan: &mut Scan<'t>, expression: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    if hops > MOST_HOPS {
        return Verdict::Unknown;
    }
    let node = plain(expression);
    let field = |it: Field| node.field(it);
    match node.kind() {
        "identifier" => name(scan, scan.of(node), scope, hops),
        "attribute" => attribute(scan, node, scope, hops),
        "call" => call(scan, node, scope, hops),
        "conditional_expression" => {
            let parts = children(node);
            either(scan, parts.first().copied(), parts.get(2).copied(), scope, hops)
        }
        "boolean_operator" => match field(Field::Operator).map(|it| it.kind()) {
            Some("or") => either(scan, field(Field::Left), field(Field::Right), scope, hops),
            _ => either(scan, None, field(Field::Right), scope, hops),
        },
        "lambda" => field(Field::Body).map_or(Verdict::Unknown, |it| judge(scan, it, scope, hops + 1)),
        "none" => Verdict::Nothing,
        "string"
        | "integer"
        | "float"
        | "true"
        | "false"
        | "list"
        | "dictionary"
        | "set"
        | "tuple"
        | "list_comprehension"
        | "dictionary_comprehension"
        | "comparison_operator"
        | "binary_operator"
        | "concatenated_string"
        | "not_operator" => Verdict::Foreign,
        _ => Verdict::Unknown,
    }
}

fn either<'t>(
    scan: &mut Scan<'t>,
    left: Option<Node<'t>>,
    right: Option<Node<'t>>,
    scope: ScopeId,
    hops: u8,
) -> Verdict {
    let mut of = |it: Option<Node<'t>>| it.map_or(Verdict::Nothing, |it| judge(scan, it, scope, hops + 1));
    of(left).or(of(right))
}

fn name<'t>(scan: &mut Scan<'t>, name: &'t str, scope: ScopeId, hops: u8) -> Verdict {
    if scan.names.is_client(name) {
        return Verdict::Client(Certainty::Certain);
    }
    let known = match scan.resolve(name, scope) {
        Some(id) => binding(scan, id, hops),
        None => Verdict::Unknown,
    };
    known.or_named(scan.is_named_like_client(name))
}

/// What a declared name is.
pub fn binding(scan: &mut Scan, id: BindingId, hops: u8) -> Verdict {
    if let Some(known) = scan.bindings.get(&id) {
        return *known;
    }
    scan.bindings.insert(id, Verdict::Unknown);
    let it = scan.scopes.binding(id).clone();
    let mut verdict = origin(scan, it.origin, &it.path, it.scope, hops);
    for more in it.more.iter().take(8) {
        verdict = verdict.or(origin(scan, *more, &[], it.scope, hops));
    }
    let fixed = matches!(it.origin, Origin::Value { .. }) && it.scope == ScopeId::ROOT;
    if fixed && matches!(verdict, Verdict::Unknown | Verdict::Nothing) {
        let name = scan.of(it.node);
        for (value, scope) in assigned(scan, name, "", scan.scopes.node(it.scope)) {
            verdict = verdict.or(judge(scan, value, scope, hops + 1));
        }
    }
    scan.bindings.insert(id, verdict);
    verdict
}

fn origin<'t>(scan: &mut Scan<'t>, it: Origin<'t>, path: &[Step<'t>], scope: ScopeId, hops: u8) -> Verdict {
    match it {
        Origin::Import { module, name } => import(module, name),
        Origin::Value { value, annotation, .. } => {
            let declared = annotation.map_or(Verdict::Unknown, |it| annotated(scan, it, scope, hops));
            match (declared, value) {
                (Verdict::Unknown, Some(value)) => at_path(scan, value, path, scope, hops),
                (Verdict::Unknown, None) => Verdict::Nothing,
                _ => declared,
            }
        }
        Origin::Parameter { function, index, annotation, value } => {
            let declared = annotation.map_or(Verdict::Unknown, |it| annotated(scan, it, scope, hops));
            let outer = scan.scopes.outward(scope).nth(1).unwrap_or(scope);
            match (declared, value) {
                (Verdict::Unknown, None) if index == 0 => own(scan, function, outer, hops),
                (Verdict::Unknown, Some(value)) => judge(scan, value, outer, hops + 1),
                _ => declared,
            }
        }
        Origin::Function(node) => function(scan, node, scope, hops),
        Origin::Class(node) => class(scan, node, scope, hops),
        _ => Verdict::Unknown,
    }
}

/// The first parameter of a method is an instance of the class.
fn own<'t>(scan: &mut Scan<'t>, function: Node<'t>, outer: ScopeId, hops: u8) -> Verdict {
    let node = scan.scopes.node(outer);
    let method = function.kind() == "function_definition" && node.kind() == "class_definition";
    if method { class(scan, node, outer, hops) } else { Verdict::Unknown }
}

/// Whether a module is PostHog's SDK. Packages inside `posthog` may be those of PostHog's own app.
pub fn is_sdk(module: &str) -> bool {
    matches!(module, "posthog" | "posthoganalytics" | "posthog.client" | "posthoganalytics.client")
}

fn import(module: &str, name: &str) -> Verdict {
    let last = module.rsplit('.').next().unwrap_or(module);
    let inside = module.starts_with("posthog.") || module.starts_with("posthoganalytics.");
    match name {
        _ if is_other_vendor(module) => Verdict::Foreign,
        "FeatureFlagEvaluations" => Verdict::Snapshot(Certainty::Certain),
        "*" | "Posthog" | "Client" | "posthog" | "default_client" if is_sdk(module) => {
            Verdict::Client(Certainty::Certain)
        }
        _ if is_sdk(module) || inside => Verdict::Unknown,
        _ if named_like_client(last) && name != "*" => Verdict::Client(Certainty::Inferred),
        _ => Verdict::Unknown,
    }
}

fn at_path<'t>(scan: &mut Scan<'t>, value: Node<'t>, path: &[Step<'t>], scope: ScopeId, hops: u8) -> Verdict {
    let value = plain(value);
    match path {
        [] => judge(scan, value, scope, hops + 1),
        [Step::Index(index)] if value.kind() == "call" => of_returned(scan, value, *index, scope, hops),
        [Step::Index(index)] => element(scan, value, *index, scope, hops),
        _ => Verdict::Unknown,
    }
}

fn element<'t>(scan: &mut Scan<'t>, tuple: Node<'t>, index: usize, scope: ScopeId, hops: u8) -> Verdict {
    if !matches!(tuple.kind(), "tuple" | "list" | "expression_list") {
        return Verdict::Unknown;
    }
    let part = children(tuple).into_iter().nth(index);
    part.map_or(Verdict::Unknown, |it| judge(scan, it, scope, hops + 1))
}

/// One element of the tuple that a function of this file returns: `client, events = make_client()`.
fn of_returned<'t>(scan: &mut Scan<'t>, call: Node<'t>, index: usize, scope: ScopeId, hops: u8) -> Verdict {
    let body = called(scan, call, scope).and_then(|it| it.field(Field::Body));
    let mut verdict = Verdict::Nothing;
    for value in body.map(returned).unwrap_or_default() {
        let scope = scan.scopes.around(value);
        verdict = verdict.or(element(scan, plain(value), index, scope, hops + 1));
    }
    if verdict == Verdict::Nothing { Verdict::Unknown } else { verdict }
}

/// The function or method of this file that a call calls.
fn called<'t>(scan: &mut Scan<'t>, call: Node<'t>, scope: ScopeId) -> Option<Node<'t>> {
    let callee = plain(call.field(Field::Function)?);
    let id = match callee.kind() {
        "identifier" => scan.resolve(scan.of(callee), scope)?,
        "attribute" => {
            let class = class_of(scan, plain(callee.field(Field::Object)?), scope)?;
            let name = scan.of(callee.field(Field::Attribute)?);
            let source = scan.source;
            lineage(scan, class).into_iter().find_map(|it| scan.scopes.own(source, name, it))?
        }
        _ => return None,
    };
    let it = scan.scopes.binding(id);
    match it.origin {
        Origin::Function(node) if it.more.is_empty() => Some(node),
        _ => None,
    }
}

fn attribute<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let (Some(object), Some(name)) = (node.field(Field::Object), node.field(Field::Attribute)) else {
        return Verdict::Unknown;
    };
    let (object, name) = (plain(object), scan.of(name));
    if scan.names.is_client(name) {
        return Verdict::Client(Certainty::Certain);
    }
    if let Some(class) = class_of(scan, object, scope) {
        let known = field(scan, class, name, hops + 1);
        return known.or_named(scan.is_named_like_client(name));
    }
    let whole = judge(scan, object, scope, hops + 1);
    let through = matches!(
        name,
        "client" | "default_client" | "instance" | "get_client" | "Posthog" | "Client" | "posthog"
    );
    match whole {
        Verdict::Client(_) if through => whole,
        Verdict::Snapshot(_) if matches!(name, "only" | "only_accessed") => whole,
        _ if scan.is_named_like_client(name) => Verdict::Client(Certainty::Inferred),
        Verdict::Foreign => Verdict::Foreign,
        _ => Verdict::Unknown,
    }
}

/// The class that `self` or `cls` means, or a class that is named itself.
pub fn class_of<'t>(scan: &mut Scan<'t>, object: Node<'t>, scope: ScopeId) -> Option<ScopeId> {
    if object.kind() != "identifier" {
        return None;
    }
    let id = scan.resolve(scan.of(object), scope)?;
    let it = scan.scopes.binding(id);
    match it.origin {
        Origin::Parameter { index: 0, annotation: None, .. } => {
            let outer = scan.scopes.outward(it.scope).nth(1)?;
            (scan.scopes.node(outer).kind() == "class_definition").then_some(outer)
        }
        Origin::Class(node) => {
            let outer = it.scope;
            Some(scan.scopes.enter(node, outer))
        }
        _ => None,
    }
}

/// A class and those of this file that it is derived from.
fn lineage(scan: &mut Scan, class: ScopeId) -> Vec<ScopeId> {
    let (mut found, mut at) = (vec![class], 0);
    while at < found.len() && found.len() < 8 {
        let outer = scan.scopes.outward(found[at]).nth(1).unwrap_or(ScopeId::ROOT);
        let bases = scan.scopes.node(found[at]).field(Field::Superclasses).map(children).unwrap_or_default();
        for base in bases {
            let base = class_of(scan, base, outer).filter(|it| !found.contains(it));
            found.extend(base);
        }
        at += 1;
    }
    found
}

/// What an attribute of a class is: its own, or that of a class that it is derived from.
fn field<'t>(scan: &mut Scan<'t>, class: ScopeId, name: &'t str, hops: u8) -> Verdict {
    let mut verdict = Verdict::Nothing;
    for class in lineage(scan, class) {
        verdict = verdict.or(own_field(scan, class, name, hops));
        if verdict != Verdict::Nothing && verdict != Verdict::Unknown {
            break;
        }
    }
    verdict
}

/// What an attribute of a class is: declared in its body, or assigned to `self`.
fn own_field<'t>(scan: &mut Scan<'t>, class: ScopeId, name: &'t str, hops: u8) -> Verdict {
    if let Some(known) = scan.fields.get(&(class, name)) {
        return *known;
    }
    scan.fields.insert((class, name), Verdict::Unknown);
    let mut verdict = match scan.scopes.own(scan.source, name, class) {
        Some(id) => binding(scan, id, hops),
        None => Verdict::Nothing,
    };
    if matches!(verdict, Verdict::Nothing | Verdict::Unknown) {
        for (value, scope) in assigned(scan, name, "self", scan.scopes.node(class)) {
            verdict = verdict.or(judge(scan, value, scope, hops + 1));
        }
    }
    let verdict = if verdict == Verdict::Nothing { Verdict::Unknown } else { verdict };
    scan.fields.insert((class, name), verdict);
    verdict
}

/// What is assigned to a name, or to an attribute of `of`, inside a node. The first few say enough.
fn assigned<'t>(scan: &mut Scan<'t>, name: &str, of: &str, inside: Node<'t>) -> Vec<(Node<'t>, ScopeId)> {
    let mut found = Vec::new();
    for at in occurrences(scan.source, name, inside.byte_range()) {
        let before = &scan.source[..at.start];
        let fits = match of {
            "" => !before.ends_with('.'),
            of => before.strip_suffix('.').is_some_and(|it| it.ends_with(of) || it.ends_with("cls")),
        };
        let after = scan.source[at.end..].trim_start_matches([' ', '\t']);
        if !fits || !after.starts_with([':', '=']) || after.starts_with("==") {
            continue;
        }
        let node = scan.tree.root_node().descendant_for_byte_range(at.start, at.end);
        let mut up = node.and_then(|it| it.parent());
        if up.is_some_and(|it| it.kind() == "attribute") {
            up = up.and_then(|it| it.parent());
        }
        let Some(assignment) = up.filter(|it| it.kind() == "assignment") else { continue };
        found.extend(assignment.field(Field::Right).or(assignment.field(Field::Type)));
        if found.len() == 8 {
            break;
        }
    }
    found.into_iter().map(|it| (it, scan.scopes.around(it))).collect()
}

fn call<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let Some(callee) = node.field(Field::Function).map(plain) else { return Verdict::Unknown };
    if callee.kind() == "attribute" {
        let name = callee.field(Field::Attribute).map(|it| scan.of(it));
        if name == Some("evaluate_flags") {
            return match callee.field(Field::Object).map(|it| judge(scan, it, scope, hops + 1)) {
                Some(Verdict::Client(certainty)) => Verdict::Snapshot(certainty),
                Some(Verdict::Foreign) => Verdict::Foreign,
                _ => Verdict::Unknown,
            };
        }
        return attribute(scan, callee, scope, hops + 1);
    }
    match (callee.kind(), scan.of(callee)) {
        ("identifier", "evaluate_flags") if is_sdk_function(scan, callee, scope) => {
            Verdict::Snapshot(Certainty::Certain)
        }
        ("identifier", "getattr" | "cast") => {
            let index = usize::from(scan.of(callee) == "cast");
            let inner = argument(scan.source, node, index, "").map(|it| judge(scan, it, scope, hops + 1));
            inner.filter(|_| index == 1).unwrap_or(Verdict::Unknown)
        }
        _ => judge(scan, callee, scope, hops + 1),
    }
}

fn is_sdk_function<'t>(scan: &mut Scan<'t>, name: Node<'t>, scope: ScopeId) -> bool {
    let id = scan.resolve(scan.of(name), scope);
    id.is_some_and(
        |id| matches!(scan.scopes.binding(id).origin, Origin::Import { module, .. } if is_sdk(module)),
    )
}

fn class<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let bases = node.field(Field::Superclasses).map(children).unwrap_or_default();
    for base in bases.into_iter().take(4).filter(|it| it.kind() != "keyword_argument") {
        let outer = if scan.scopes.node(scope).id() == node.id() {
            scan.scopes.outward(scope).nth(1).unwrap_or(ScopeId::ROOT)
        } else {
            scope
        };
        let verdict = judge(scan, base, outer, hops + 1);
        if matches!(verdict, Verdict::Client(_) | Verdict::Snapshot(_)) {
            return verdict;
        }
    }
    Verdict::Foreign
}

fn function<'t>(scan: &mut Scan<'t>, node: Node<'t>, outer: ScopeId, hops: u8) -> Verdict {
    if let Some(declared) = node.field(Field::ReturnType) {
        let declared = annotated(scan, declared, outer, hops);
        if declared != Verdict::Unknown {
            return declared;
        }
    }
    let Some(body) = node.field(Field::Body) else { return Verdict::Unknown };
    let mut verdict = Verdict::Nothing;
    for value in returned(body) {
        let scope = scan.scopes.around(value);
        verdict = verdict.or(judge(scan, value, scope, hops + 1));
    }
    if verdict == Verdict::Nothing { Verdict::Unknown } else { verdict }
}

/// What a function's body returns. Long bodies are searched in part.
fn returned(body: Node) -> Vec<Node> {
    let (mut found, mut left, mut stack) = (Vec::new(), 2_000, vec![body]);
    while let Some(node) = stack.pop() {
        left -= 1;
        if left == 0 || found.len() > 8 {
            break;
        }
        match node.kind() {
            "return_statement" => found.extend(first(node)),
            "yield" => found.extend(first(node)),
            "expression_statement" => stack.extend(first(node).filter(|it| it.kind() == "yield")),
            "function_definition" | "class_definition" => {}
            _ => stack.extend(children(node)),
        }
    }
    found
}

/// What a declared type is: `Posthog`, `Posthog | None`, `Optional["Client"]`.
fn annotated<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    if hops > MOST_HOPS {
        return Verdict::Unknown;
    }
    let (mut verdict, mut left, mut stack) = (Verdict::Unknown, 24, vec![node]);
    while let Some(node) = stack.pop() {
        left -= 1;
        if left == 0 {
            break;
        }
        let found = match node.kind() {
            "identifier" => type_name(scan, scan.of(node), scope, hops),
            "string_content" => {
                let names = scan.of(node).split(|it: char| !it.is_alphanumeric() && it != '_');
                let mut names =
                    names.filter(|it| !it.is_empty()).take(8).map(|it| type_name(scan, it, scope, hops));
                names.find(|it| *it != Verdict::Unknown).unwrap_or(Verdict::Unknown)
            }
            "attribute" => judge(scan, node, scope, hops + 1),
            _ => {
                stack.extend(children(node));
                Verdict::Unknown
            }
        };
        match found {
            Verdict::Client(_) | Verdict::Snapshot(_) => return found,
            Verdict::Foreign => verdict = found,
            _ => {}
        }
    }
    verdict
}

fn type_name<'t>(scan: &mut Scan<'t>, called: &'t str, scope: ScopeId, hops: u8) -> Verdict {
    let Some(id) = scan.resolve(called, scope) else {
        let snapshot = called == "FeatureFlagEvaluations";
        let known = if snapshot { Verdict::Snapshot(Certainty::Inferred) } else { Verdict::Unknown };
        return known.or_named(named_like_client(called));
    };
    match scan.scopes.binding(id).origin {
        // `Optional`, `Union` and the like come from modules that say nothing.
        Origin::Import { .. } | Origin::Class(_) => {
            binding(scan, id, hops + 1).or_named(named_like_client(called))
        }
        _ => Verdict::Unknown,
    }
}
