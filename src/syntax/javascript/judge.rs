//! Is a JavaScript value a PostHog client, a snapshot, or something else?

use tree_sitter::Node;

use super::super::Certainty;
use super::super::evidence::{Verdict, is_other_vendor, named_like_client};
use super::super::field::Field;
use super::super::scan::{MOST_HOPS, Scan, children, first};
use super::super::scope::{BindingId, Origin, ScopeId, Step};
use super::assigned::assigned;
use super::nodes::{ByField, argument, body, is_property, plain, property, property_name, string};
use super::scopes::is_function;

/// What an expression is. A function counts as what it returns, a promise as what it holds.
pub fn judge<'t>(scan: &mut Scan<'t>, expression: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    if hops > MOST_HOPS {
        return Verdict::Unknown;
    }
    let node = plain(scan.source, expression);
    let field = |it: Field| node.field(it);
    match node.kind() {
        "identifier" | "shorthand_property_identifier" => name(scan, scan.of(node), scope, hops),
        "member_expression" | "subscript_expression" => member(scan, node, scope, hops),
        "call_expression" => call(scan, node, scope, hops),
        "new_expression" => {
            field(Field::Constructor).map_or(Verdict::Unknown, |it| judge(scan, it, scope, hops + 1))
        }
        "this" => this(scan, scope, hops),
        "ternary_expression" => {
            either(scan, field(Field::Consequence), field(Field::Alternative), scope, hops)
        }
        "binary_expression" => match field(Field::Operator).map(|it| it.kind()) {
            Some("||" | "??") => either(scan, field(Field::Left), field(Field::Right), scope, hops),
            Some("&&") => either(scan, None, field(Field::Right), scope, hops),
            _ => Verdict::Foreign,
        },
        "assignment_expression" => either(scan, None, field(Field::Right), scope, hops),
        "class" => class(scan, node, scope, hops),
        "undefined" | "null" => Verdict::Nothing,
        "object"
        | "array"
        | "string"
        | "template_string"
        | "number"
        | "true"
        | "false"
        | "regex"
        | "unary_expression"
        | "jsx_element"
        | "jsx_self_closing_element" => Verdict::Foreign,
        kind if is_function(kind) => function(scan, node, scope, hops),
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
    if known == Verdict::Unknown || known == Verdict::Nothing {
        known.or_named(scan.is_named_like_client(name))
    } else {
        known
    }
}

/// What a declared name is.
pub fn binding(scan: &mut Scan, id: BindingId, hops: u8) -> Verdict {
    if let Some(known) = scan.bindings.get(&id) {
        return *known;
    }
    scan.bindings.insert(id, Verdict::Unknown);
    let it = scan.scopes.binding(id).clone();
    let mut verdict = origin(scan, it.origin, &it.path, it.scope, hops);
    for more in it.more {
        verdict = verdict.or(origin(scan, more, &[], it.scope, hops));
    }
    let fixed = matches!(it.origin, Origin::Value { constant: false, .. });
    if fixed && matches!(verdict, Verdict::Unknown | Verdict::Nothing | Verdict::Foreign) {
        let (name, inside) = (scan.of(it.node), scan.scopes.node(it.scope));
        for (value, scope) in assigned(scan, name, false, inside) {
            verdict = verdict.or(judge(scan, value, scope, hops + 1));
        }
    }
    if let Some(Step::Property(last)) = it.path.last() {
        verdict = verdict.or_named(scan.is_named_like_client(last));
    }
    scan.bindings.insert(id, verdict);
    verdict
}

pub fn origin<'t>(
    scan: &mut Scan<'t>,
    it: Origin<'t>,
    path: &[Step<'t>],
    scope: ScopeId,
    hops: u8,
) -> Verdict {
    match it {
        Origin::Import { module, name } => import(module, name),
        Origin::Value { value, annotation, .. } => {
            let declared = annotation.map_or(Verdict::Unknown, |it| annotated(scan, it, path, scope, hops));
            match (declared, value) {
                (Verdict::Unknown, Some(value)) => at_path(scan, value, path, scope, hops),
                (Verdict::Unknown, None) => Verdict::Nothing,
                _ => declared,
            }
        }
        Origin::Parameter { function, index, annotation, value } => {
            let declared = annotation.map_or(Verdict::Unknown, |it| annotated(scan, it, path, scope, hops));
            let outer = scan.scopes.outward(scope).nth(1).unwrap_or(scope);
            let known = match (declared, value) {
                (Verdict::Unknown, Some(value)) => at_path(scan, value, path, outer, hops),
                _ => declared,
            };
            if matches!(known, Verdict::Unknown | Verdict::Nothing) {
                let passed = parameter(scan, function, index, outer, hops);
                return path.iter().fold(passed, |it, step| stepped(scan, it, *step));
            }
            known
        }
        Origin::Function(node) => function(scan, node, scope, hops),
        Origin::Class(node) => class(scan, node, scope, hops),
        Origin::Enum(_) => Verdict::Foreign,
        Origin::Type(_) | Origin::Other => Verdict::Unknown,
    }
}

/// Whether a module is one of PostHog's SDKs.
pub fn is_sdk(module: &str) -> bool {
    let module = module.strip_prefix("npm:").unwrap_or(module);
    if module.starts_with("@posthog/") {
        return true;
    }
    if module.contains("://") {
        return ["posthog-js", "posthog-node"].iter().any(|it| module.contains(it));
    }
    let package = module.split(['/', '@']).next().unwrap_or(module);
    matches!(
        package,
        "posthog-js" | "posthog-node" | "posthog-react-native" | "posthog-js-lite" | "posthog-core"
    )
}

fn import(module: &str, name: &str) -> Verdict {
    let last = module.rsplit('/').find(|it| !it.is_empty() && *it != "index").unwrap_or(module);
    if is_sdk(module) {
        match name {
            "FeatureFlagEvaluations" => Verdict::Snapshot(Certainty::Certain),
            _ => Verdict::Client(Certainty::Certain),
        }
    } else if is_other_vendor(module) {
        Verdict::Foreign
    } else if named_like_client(last) && name != "*" {
        Verdict::Client(Certainty::Inferred)
    } else {
        Verdict::Unknown
    }
}

fn at_path<'t>(scan: &mut Scan<'t>, value: Node<'t>, path: &[Step<'t>], scope: ScopeId, hops: u8) -> Verdict {
    let mut value = plain(scan.source, value);
    let mut rest = path;
    while let Some((step, after)) = rest.split_first() {
        let Some(inner) = inside(scan, value, *step) else { break };
        (value, rest) = (plain(scan.source, inner), after);
    }
    let whole = judge(scan, value, scope, hops + 1);
    rest.iter().fold(whole, |it, step| stepped(scan, it, *step))
}

/// The part of a literal that a step leads to.
fn inside<'t>(scan: &Scan<'t>, value: Node<'t>, step: Step<'t>) -> Option<Node<'t>> {
    match (value.kind(), step) {
        ("object", Step::Property(name)) => super::keys::pair(scan.source, value, name),
        ("array", Step::Index(index)) => children(value).into_iter().nth(index),
        ("call_expression", Step::Index(index)) if scan.of(value).starts_with("Promise.all") => {
            let list = argument(value, 0).filter(|it| it.kind() == "array")?;
            children(list).into_iter().nth(index)
        }
        _ => None,
    }
}

fn stepped(scan: &mut Scan, whole: Verdict, step: Step) -> Verdict {
    match step {
        Step::Property(name) => property_of(scan, whole, name),
        Step::Rest => whole,
        Step::Index(_) => Verdict::Unknown,
    }
}

/// What a property of something is, when only the whole is known.
fn property_of(scan: &mut Scan, whole: Verdict, name: &str) -> Verdict {
    let through = matches!(
        name,
        "featureFlags"
            | "client"
            | "instance"
            | "getClient"
            | "getInstance"
            | "default"
            | "current"
            | "value"
            | "init"
    );
    match whole {
        Verdict::Client(_) if through || scan.is_named_like_client(name) => whole,
        Verdict::Snapshot(_) if matches!(name, "only" | "onlyAccessed" | "value" | "current") => whole,
        _ if scan.is_named_like_client(name) => Verdict::Client(Certainty::Inferred),
        Verdict::Foreign => Verdict::Foreign,
        _ => Verdict::Unknown,
    }
}

fn member<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let (Some(object), Some(name)) = (node.field(Field::Object), property(scan.source, node)) else {
        return Verdict::Unknown;
    };
    if scan.names.is_client(name) {
        return Verdict::Client(Certainty::Certain);
    }
    let object = plain(scan.source, object);
    if object.kind() == "this" {
        let known = class_around(scan, scope).map_or(Verdict::Unknown, |it| field(scan, it, name, hops + 1));
        return known.or_named(scan.is_named_like_client(name));
    }
    if object.kind() == "identifier" {
        let base = scan.of(object);
        let known = scan.resolve(base, scope);
        if known.is_none() && name == "posthog" && matches!(base, "window" | "globalThis" | "global" | "self")
        {
            return Verdict::Client(Certainty::Certain);
        }
        if let Some(known) = known.and_then(|it| in_object(scan, it, name, hops)) {
            return known;
        }
    }
    let whole = judge(scan, object, scope, hops + 1);
    property_of(scan, whole, name)
}

/// A property of a name that is declared as an object literal.
fn in_object(scan: &mut Scan, id: BindingId, name: &str, hops: u8) -> Option<Verdict> {
    let it = scan.scopes.binding(id);
    let (Origin::Value { value: Some(value), .. }, true) = (it.origin, it.path.is_empty()) else {
        return None;
    };
    let scope = it.scope;
    let value = plain(scan.source, value);
    let found = super::keys::pair(scan.source, value, name)?;
    Some(judge(scan, found, scope, hops + 1).or_named(scan.is_named_like_client(name)))
}

fn call<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let Some(callee) = node.field(Field::Function) else { return Verdict::Unknown };
    let callee = plain(scan.source, callee);
    let argument = argument(node, 0);
    match callee.kind() {
        "import" => loaded(scan, argument),
        "identifier" if scan.of(callee) == "require" => loaded(scan, argument),
        "identifier" => called_name(scan, callee, argument, scope, hops),
        "member_expression" => called_member(scan, callee, argument, scope, hops),
        _ => judge(scan, callee, scope, hops + 1),
    }
}

fn loaded<'t>(scan: &Scan<'t>, module: Option<Node<'t>>) -> Verdict {
    module.and_then(|it| string(scan.source, it)).map_or(Verdict::Unknown, |it| import(&it, "*"))
}

fn called_name<'t>(
    scan: &mut Scan<'t>,
    callee: Node<'t>,
    argument: Option<Node<'t>>,
    scope: ScopeId,
    hops: u8,
) -> Verdict {
    let called = scan.of(callee);
    let known = name(scan, called, scope, hops + 1);
    let Some(argument) = argument.filter(|_| known == Verdict::Unknown) else { return known };
    let passes = matches!(
        called,
        "useContext" | "use" | "inject" | "useRef" | "ref" | "shallowRef" | "unref" | "toRaw" | "markRaw"
    );
    // `cache(() => new PostHog(...))`, `useMemo(...)`, `once(...)`
    if passes || is_function(argument.kind()) {
        let inner = judge(scan, argument, scope, hops + 1);
        return if matches!(inner, Verdict::Client(_) | Verdict::Snapshot(_)) {
            inner
        } else {
            Verdict::Unknown
        };
    }
    known
}

fn called_member<'t>(
    scan: &mut Scan<'t>,
    callee: Node<'t>,
    argument: Option<Node<'t>>,
    scope: ScopeId,
    hops: u8,
) -> Verdict {
    let Some(object) = callee.field(Field::Object) else { return Verdict::Unknown };
    match property(scan.source, callee) {
        Some("evaluateFlags") => match judge(scan, object, scope, hops + 1) {
            Verdict::Client(certainty) => Verdict::Snapshot(certainty),
            Verdict::Foreign => Verdict::Foreign,
            _ => Verdict::Unknown,
        },
        Some("then") => argument.map_or(Verdict::Unknown, |it| judge(scan, it, scope, hops + 1)),
        Some("catch" | "finally") => judge(scan, object, scope, hops + 1),
        _ => member(scan, callee, scope, hops + 1),
    }
}

fn class<'t>(scan: &mut Scan<'t>, node: Node<'t>, scope: ScopeId, hops: u8) -> Verdict {
    let heritage = children(node).into_iter().find(|it| it.kind() == "class_heritage");
    let base = heritage.and_then(first).and_then(|it| it.field(Field::Value));
    match base.map(|it| judge(scan, it, scope, hops + 1)) {
        Some(it @ (Verdict::Client(_) | Verdict::Snapshot(_))) => it,
        _ => Verdict::Foreign,
    }
}

/// The class that `this` means; a function between the two is taken for a method's callback.
pub fn class_around(scan: &Scan, scope: ScopeId) -> Option<ScopeId> {
    scan.scopes.outward(scope).find(|it| scan.scopes.node(*it).kind() == "class_body")
}

fn this(scan: &mut Scan, scope: ScopeId, hops: u8) -> Verdict {
    let Some(body) = class_around(scan, scope) else { return Verdict::Unknown };
    let outer = scan.scopes.outward(body).nth(1).unwrap_or(ScopeId::ROOT);
    match scan.scopes.node(body).parent() {
        Some(node) => class(scan, node, outer, hops),
        None => Verdict::Unknown,
    }
}

/// What an attribute of a class is: its declared type or value, a constructor's parameter, an assignment.
fn field<'t>(scan: &mut Scan<'t>, class: ScopeId, name: &'t str, hops: u8) -> Verdict {
    if let Some(known) = scan.fields.get(&(class, name)) {
        return *known;
    }
    scan.fields.insert((class, name), Verdict::Unknown);
    let node = scan.scopes.node(class);
    let mut verdict = Verdict::Nothing;
    for child in children(node) {
        verdict = verdict.or(class_item(scan, child, name, class, hops));
    }
    if matches!(verdict, Verdict::Nothing | Verdict::Unknown) {
        for (value, scope) in assigned(scan, name, true, node) {
            verdict = verdict.or(judge(scan, value, scope, hops + 1));
        }
    }
    let verdict = if verdict == Verdict::Nothing { Verdict::Unknown } else { verdict };
    scan.fields.insert((class, name), verdict);
    verdict
}

fn class_item<'t>(scan: &mut Scan<'t>, item: Node<'t>, name: &str, class: ScopeId, hops: u8) -> Verdict {
    let called = item.field(Field::Name).map(|it| scan.of(it));
    match item.kind() {
        "public_field_definition" if called == Some(name) => {
            let value = item.field(Field::Value);
            let declared = item.field(Field::Type).map(|it| annotated(scan, it, &[], class, hops));
            match declared {
                None | Some(Verdict::Unknown) => {
                    value.map_or(declared.unwrap_or(Verdict::Nothing), |it| judge(scan, it, class, hops + 1))
                }
                Some(known) => known,
            }
        }
        "method_definition" if called == Some(name) => function(scan, item, class, hops),
        "method_definition" if called == Some("constructor") => {
            let list = item.field(Field::Parameters).map(children).unwrap_or_default();
            let own = list.into_iter().find(|it| {
                let modified = it.child(0).is_some_and(|it| it.kind() != "identifier");
                modified && it.field(Field::Pattern).is_some_and(|it| scan.of(it) == name)
            });
            let declared = own.and_then(|it| it.field(Field::Type));
            declared.map_or(Verdict::Nothing, |it| annotated(scan, it, &[], class, hops))
        }
        _ => Verdict::Nothing,
    }
}

fn function<'t>(scan: &mut Scan<'t>, node: Node<'t>, outer: ScopeId, hops: u8) -> Verdict {
    let scope = scan.scopes.enter(node, outer);
    if let Some(declared) = node.field(Field::ReturnType) {
        let declared = annotated(scan, declared, &[], outer, hops);
        if declared != Verdict::Unknown {
            return declared;
        }
    }
    let Some(body) = body(node) else { return Verdict::Unknown };
    if body.kind() != "statement_block" {
        return judge(scan, body, scope, hops + 1);
    }
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
            "expression_statement" | "lexical_declaration" | "variable_declaration" => {}
            kind if is_function(kind) => {}
            _ => stack.extend(children(node)),
        }
    }
    found
}

/// What a parameter of a callback is: `.then(it => ...)`, `loaded: (posthog) => ...`.
fn parameter<'t>(scan: &mut Scan<'t>, function: Node<'t>, index: usize, scope: ScopeId, hops: u8) -> Verdict {
    if index != 0 {
        return Verdict::Unknown;
    }
    let Some(parent) = function.parent() else { return Verdict::Unknown };
    let called = |it: Node<'t>| it.field(Field::Name).or_else(|| it.field(Field::Key));
    match parent.kind() {
        "arguments" => {
            let callee = parent.parent().and_then(|it| it.field(Field::Function));
            let Some(callee) = callee.filter(|it| property(scan.source, *it) == Some("then")) else {
                return Verdict::Unknown;
            };
            either(scan, None, callee.field(Field::Object), scope, hops)
        }
        "pair" if called(parent).is_some_and(|it| scan.of(it) == "loaded") => {
            on_loaded(scan, parent.parent(), scope, hops)
        }
        "object" if called(function).is_some_and(|it| scan.of(it) == "loaded") => {
            on_loaded(scan, Some(parent), scope, hops)
        }
        _ => Verdict::Unknown,
    }
}

fn on_loaded<'t>(scan: &mut Scan<'t>, options: Option<Node<'t>>, scope: ScopeId, hops: u8) -> Verdict {
    let call =
        options.and_then(|it| it.parent()).filter(|it| it.kind() == "arguments").and_then(|it| it.parent());
    let callee = call.and_then(|it| it.field(Field::Function));
    if let Some(callee) = callee.filter(|it| property(scan.source, *it) == Some("init")) {
        return either(scan, None, callee.field(Field::Object), scope, hops);
    }
    Verdict::Unknown.or_named(scan.speaks_of_posthog())
}

/// What a declared type is.
fn annotated<'t>(
    scan: &mut Scan<'t>,
    node: Node<'t>,
    path: &[Step<'t>],
    scope: ScopeId,
    hops: u8,
) -> Verdict {
    if hops > MOST_HOPS {
        return Verdict::Unknown;
    }
    let Some(node) = declared_at(scan, node, path, scope) else { return Verdict::Unknown };
    let (mut verdict, mut left, mut stack) = (Verdict::Unknown, 24, vec![node]);
    while let Some(node) = stack.pop() {
        left -= 1;
        if left == 0 {
            break;
        }
        let found = match node.kind() {
            "type_identifier" => type_name(scan, scan.of(node), scope, hops),
            "identifier" => name(scan, scan.of(node), scope, hops + 1),
            "object_type" | "function_type" if node.id() != stack.first().map_or(0, Node::id) => {
                Verdict::Unknown
            }
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

/// The type of the part of an object type that a pattern binds.
fn declared_at<'t>(
    scan: &mut Scan<'t>,
    node: Node<'t>,
    path: &[Step<'t>],
    scope: ScopeId,
) -> Option<Node<'t>> {
    let mut node = node;
    for step in path {
        let Step::Property(name) = step else { return None };
        let mut object = if node.kind() == "type_annotation" { first(node)? } else { node };
        if object.kind() == "type_identifier" {
            let id = scan.resolve(scan.of(object), scope)?;
            let Origin::Type(declared) = scan.scopes.binding(id).origin else { return None };
            object = declared.field(Field::Body).or_else(|| declared.field(Field::Value))?;
        }
        let found = children(object).into_iter().find(|it| {
            let key = it.field(Field::Name).filter(|it| is_property(it.kind()) || it.kind() == "string");
            key.is_some_and(|it| property_name(scan.source, it) == *name)
        })?;
        node = found.field(Field::Type)?;
    }
    Some(node)
}

fn type_name<'t>(scan: &mut Scan<'t>, called: &'t str, scope: ScopeId, hops: u8) -> Verdict {
    let known = scan.resolve(called, scope).map(|id| {
        let origin = scan.scopes.binding(id).origin;
        match origin {
            Origin::Import { module, name } if is_sdk(module) => import(module, name),
            Origin::Import { module, .. } if is_other_vendor(module) => Verdict::Foreign,
            Origin::Class(_) => binding(scan, id, hops + 1),
            _ => Verdict::Unknown,
        }
    });
    match known {
        Some(it @ (Verdict::Client(_) | Verdict::Snapshot(_) | Verdict::Foreign)) => it,
        _ if called == "FeatureFlagEvaluations" => Verdict::Snapshot(Certainty::Inferred),
        _ => Verdict::Unknown.or_named(named_like_client(called)),
    }
}
