//! Expressions: what takes the place of another, and what has effects.

use std::ops::Range;

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::askers::is_asker;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::{How, Kind};
use crate::removal::view::{parts, text_of};

use super::{elements, lists, statements};

/// The parentheses of `if (...)` belong to the statement.
fn is_of_statement(parentheses: Node) -> bool {
    parentheses.parent().is_some_and(|it| {
        matches!(
            it.kind(),
            "if_statement" | "while_statement" | "do_statement" | "switch_statement" | "with_statement"
        ) && it.child_by_field_name("body") != Some(parentheses)
    })
}

/// Of the parentheses of a statement what is inside.
pub(in crate::removal) fn inside_statement(node: Node) -> Node {
    match node.kind() == "parenthesized_expression" && is_of_statement(node) {
        true => parts(node).first().copied().unwrap_or(node),
        false => node,
    }
}

/// Without the parentheses round it.
pub(in crate::removal) fn peeled(node: Node) -> Node {
    let mut node = node;
    while node.kind() == "parenthesized_expression" && !is_of_statement(node) {
        match parts(node)[..] {
            [inner] => node = inner,
            _ => break,
        }
    }
    node
}

/// Without the parentheses and the types that are said of it.
fn untyped(node: Node) -> Option<Node> {
    let mut node = peeled(node);
    while matches!(node.kind(), "as_expression" | "satisfies_expression") {
        node = peeled(node.named_child(0)?);
    }
    Some(node)
}

/// With the parentheses round it.
pub(super) fn wrapped(node: Node) -> Node {
    let mut node = node;
    while let Some(parent) = node.parent().filter(|it| it.kind() == "parenthesized_expression") {
        if is_of_statement(parent) {
            break;
        }
        node = parent;
    }
    node
}

/// Whether any expression may stand here without parentheses.
fn is_open(node: Node) -> bool {
    let Some(parent) = node.parent() else { return true };
    match parent.kind() {
        "variable_declarator"
        | "arguments"
        | "return_statement"
        | "arrow_function"
        | "pair"
        | "jsx_expression"
        | "template_substitution"
        | "parenthesized_expression"
        | "array"
        | "expression_statement"
        | "spread_element"
        | "throw_statement"
        | "public_field_definition"
        | "export_statement"
        | "switch_case"
        | "required_parameter"
        | "optional_parameter"
        | "for_statement"
        | "computed_property_name"
        | "enum_assignment" => true,
        "assignment_expression"
        | "augmented_assignment_expression"
        | "assignment_pattern"
        | "object_assignment_pattern" => parent.child_by_field_name("right") == Some(node),
        "ternary_expression" => parent.child_by_field_name("condition") != Some(node),
        "subscript_expression" => parent.child_by_field_name("index") == Some(node),
        "for_in_statement" => parent.child_by_field_name("right") == Some(node),
        _ => false,
    }
}

/// Whether an expression stands by itself in every place.
fn is_closed(node: Node) -> bool {
    matches!(
        node.kind(),
        "identifier"
            | "member_expression"
            | "subscript_expression"
            | "call_expression"
            | "string"
            | "template_string"
            | "number"
            | "true"
            | "false"
            | "null"
            | "undefined"
            | "this"
            | "array"
            | "regex"
            | "jsx_element"
            | "jsx_self_closing_element"
            | "parenthesized_expression"
            | "non_null_expression"
    )
}

/// Whether an operator binds tighter than the one round its place: comparisons and sums within `&&` and `||`.
fn binds_tighter(pass: &Pass, inner: Node, outer: Node) -> bool {
    let operator = |it: Node| {
        let operator = it.child_by_field_name("operator").filter(|_| it.kind() == "binary_expression");
        operator.map(|it| pass.doc.of(it)).unwrap_or_default()
    };
    let around = outer.parent().map(operator).unwrap_or_default();
    match (around, inner.kind()) {
        ("&&" | "||" | "??", "unary_expression" | "await_expression") => true,
        ("&&", "binary_expression") => !matches!(operator(inner), "||" | "??" | "&&"),
        ("||", "binary_expression") => !matches!(operator(inner), "??" | "||"),
        ("??", "binary_expression") => !matches!(operator(inner), "&&" | "||" | "??"),
        _ => false,
    }
}

/// Whether an expression without parentheses would become part of what stands round it: `new (make())()`,
/// `(a?.b).c`.
fn would_join(pass: &Pass, outer: Node, inner: Node) -> bool {
    let Some(parent) = outer.parent() else { return false };
    let is = |field: &str| parent.child_by_field_name(field) == Some(outer);
    match parent.kind() {
        "new_expression" => is("constructor") && pass.doc.of(inner).contains(['(', '?']),
        "member_expression" | "subscript_expression" => is("object") && pass.doc.of(inner).contains("?."),
        "call_expression" => is("function") && pass.doc.of(inner).contains("?."),
        _ => false,
    }
}

/// Puts `kept`, a part of `whole`, in its place.
pub(super) fn substitute_with(pass: &Pass, whole: Node, kept: Node) -> (Range<usize>, Range<usize>) {
    let (outer, inner) = (wrapped(whole), peeled(kept));
    let spans_lines = |it: Node| pass.doc.of(it).contains('\n');
    let keeps_parentheses = inner != kept
        && (inner.kind() == "sequence_expression"
            || (spans_lines(kept)
                && outer.parent().is_some_and(|it| it.kind() != "jsx_expression")
                && pass.doc.begins_line(inner.start_byte())));
    let is_closed = is_closed(inner) && !would_join(pass, outer, inner);
    let is_free = is_open(outer) || is_closed || binds_tighter(pass, inner, outer);
    let (outer, inner) = match (keeps_parentheses, is_free) {
        (true, _) => (outer, kept),
        (_, true) => (outer, inner),
        // One pair of parentheses stays.
        _ if inner != kept => (outer, kept),
        _ => (whole, kept),
    };
    (outer.byte_range(), inner.byte_range())
}

pub(in crate::removal) fn substitute(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    if let Some(change) = elements::substitute(pass, whole, kept) {
        return Some(change);
    }
    if let Some(change) = lists::substitute(pass, whole, kept).or_else(|| in_template(pass, whole, kept)) {
        return Some(change);
    }
    let (outer, inner) = substitute_with(pass, whole, kept);
    let doc = pass.doc;
    let mut before = String::new();
    let mut after = String::new();
    let node = pass.node(&outer)?;
    if begins_statement(node) && needs_parentheses_at_start(pass, kept, &inner) {
        before.push('(');
        after.push(')');
    } else if doc.text[..outer.start].ends_with(is_word)
        && doc.text[inner.start..].starts_with(|it| is_word(it) || matches!(it, '"' | '\'' | '`'))
    {
        before.push(' ');
    }
    if doc.text[outer.end..].starts_with(is_word) && doc.text[..inner.end].ends_with(is_word) {
        after.push(' ');
    }
    if let Some(statement) = node.parent().filter(|it| it.kind() == "expression_statement") {
        let ends = statements::ends(pass, statement, &(before.clone() + &doc.text[inner.clone()]));
        before = ends.0 + &before;
        if !doc.of(statement).ends_with(';') {
            after += &ends.1;
        }
    }
    Some(doc.keep(&outer, &inner, (&before, &after)))
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_' || it == '$'
}

/// Whether an expression is all that an arrow function does.
pub(in crate::removal) fn is_body(node: Node) -> bool {
    node.parent()
        .is_some_and(|it| it.kind() == "arrow_function" && it.child_by_field_name("body") == Some(node))
}

/// Whether an expression is what a statement or an arrow function's body begins with.
pub(in crate::removal) fn begins_statement(node: Node) -> bool {
    let mut at = node;
    while let Some(parent) = at.parent() {
        match parent.kind() {
            "expression_statement" | "export_statement" => return true,
            "arrow_function" => return parent.child_by_field_name("body") == Some(at),
            _ if parent.start_byte() != node.start_byte() => return false,
            _ => at = parent,
        }
    }
    false
}

fn needs_parentheses_at_start(pass: &Pass, kept: Node, inner: &Range<usize>) -> bool {
    let mut first = peeled(kept);
    if first.byte_range() != *inner {
        return false;
    }
    while let Some(it) = first.child(0) {
        first = it;
    }
    matches!(first.kind(), "{" | "function" | "class" | "async" | "let") && pass.doc.of(kept) != "{}"
}

/// `(a(), b)`: what had effects stays, and then comes what is kept.
pub(in crate::removal) fn sequence(whole: Node, effects: &[Range<usize>], kept: Node) -> Option<Change> {
    let outer = wrapped(whole).byte_range();
    let mut at = outer.start;
    let mut edits = Vec::new();
    let mut text = "(";
    for part in effects.iter().chain([&kept.byte_range()]) {
        edits.push(Edit { range: at..part.start, text: text.into() });
        (at, text) = (part.end, ", ");
    }
    edits.push(Edit { range: at..outer.end, text: ")".into() });
    let is_ordered = edits.iter().all(|it| it.range.start <= it.range.end);
    is_ordered.then(|| Change::of(edits))
}

/// `${read}` with what it gives.
pub(super) fn template_step(pass: &Pass, substitution: Node, mark: &Mark) -> Option<Change> {
    let text = mark.known.in_template(pass.language()).filter(|_| mark.effects.is_empty())?;
    let text = text.replace('\\', "\\\\").replace('`', "\\`").replace("${", "\\${");
    Some(Change::of([Edit { range: substitution.byte_range(), text }]))
}

/// `${read ? 'a' : 'b'}`: a text joins the template.
fn in_template(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    let substitution = wrapped(whole).parent().filter(|it| it.kind() == "template_substitution")?;
    let text = text_of(&pass.doc.text, peeled(kept)).filter(|it| !it.contains(['`', '$']))?;
    Some(Change::of([Edit { range: substitution.byte_range(), text }]))
}

/// `TABLE[read]` and `{ a: x, b: y }[read]`.
pub(super) fn lookup_step(pass: &Pass, lookup: Node, mark: &Mark) -> Option<Change> {
    let doc = pass.doc;
    mark.effects.is_empty().then_some(())?;
    let object = lookup.child_by_field_name("object")?;
    if let Some(change) = without_entry(pass, lookup, object, &mark.known) {
        return Some(change);
    }
    let variant = mark.known.as_text()?;
    let table = untyped(object)?;
    if table.kind() == "object" {
        let value = entry(pass, table, variant)?;
        pass.is_pure(table).then_some(())?;
        return consumed(pass, lookup, value).or_else(|| substitute(pass, lookup, value));
    }
    if let Some(change) = from_table(pass, lookup, object, variant) {
        return Some(change);
    }
    let index = lookup.child_by_field_name("index")?;
    let is_plain = variant.chars().all(is_word) && !variant.starts_with(|it: char| it.is_ascii_digit());
    let optional = lookup.child_by_field_name("optional_chain").is_some();
    let edit = match (is_plain, optional) {
        (true, true) => Edit { range: object.end_byte()..lookup.end_byte(), text: format!("?.{variant}") },
        (true, false) => Edit { range: object.end_byte()..lookup.end_byte(), text: format!(".{variant}") },
        _ => {
            let text = mark.known.literal(pass.language(), doc.quote)?;
            if doc.of(index) == text {
                return None;
            }
            Edit { range: index.byte_range(), text }
        }
    };
    Some(Change::of([edit]))
}

/// A plain value of which something asks what it is: `table[read] ?? 'other'`.
fn consumed(pass: &Pass, lookup: Node, value: Node) -> Option<Change> {
    let known =
        pass.node(&value.byte_range()).and_then(|it| pass.known(it)).filter(|it| it.effects.is_empty())?;
    let lookup = pass.node(&lookup.byte_range()).filter(|it| pass.is_consumed(*it))?;
    Some(Change::literal(lookup.byte_range(), "", pass.doc.of(value), known.known))
}

/// What a table has no entry for is `undefined`.
fn without_entry(pass: &Pass, lookup: Node, object: Node, known: &Known) -> Option<Change> {
    let name = match known {
        Known::Undefined => "undefined".to_owned(),
        Known::Falsy => "false".to_owned(),
        Known::Json(serde_json::Value::String(text)) => text.clone(),
        Known::Json(it) if !it.is_array() && !it.is_object() => it.to_string(),
        _ => return None,
    };
    let table = untyped(object)?;
    let table = if table.kind() == "object" { table } else { constant_table(pass, table)? };
    let names = entries(pass, table)?;
    let is_inherited = INHERITED.contains(&&*name);
    let is_there = names.iter().any(|it| it.0 == name) || is_inherited;
    (!is_there && pass.is_pure(table))
        .then(|| Change::literal(lookup.byte_range(), "", "undefined", Known::Undefined))
}

/// `read in TABLE`, `read in { a: x }`.
pub(super) fn contains<'d>(pass: &Pass<'d>, node: Node<'d>) -> Option<Mark> {
    let field = |name: &str| node.child_by_field_name(name);
    (pass.doc.of(field("operator")?) == "in").then_some(())?;
    let mark = pass.marked(field("left")?)?.clone();
    let name = mark.known.as_text()?;
    let table = untyped(field("right")?)?;
    let table = if table.kind() == "object" { table } else { constant_table(pass, table)? };
    let is_there = entries(pass, table)?.iter().any(|it| it.0 == name);
    (pass.is_pure(table) && (is_there || !INHERITED.contains(&name)))
        .then_some(Mark { known: Known::bool(is_there), ..mark })
}

/// What every object has without saying so.
const INHERITED: &[&str] = &["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"];

/// The object of a name that is only looked up in.
fn constant_table<'d>(pass: &Pass<'d>, name: Node<'d>) -> Option<Node<'d>> {
    let binding = pass.scopes.at(&name.byte_range()).filter(|it| it.kind == Kind::Constant)?;
    let is_looked_up = binding.reads.iter().filter(|it| it.how != How::Type).all(|it| {
        let parent = pass.node(&it.range).and_then(|it| it.parent());
        let asks = parent.is_some_and(|it| {
            let operator = it.child_by_field_name("operator").map(|it| pass.doc.of(it));
            it.kind() == "binary_expression" && operator == Some("in")
        });
        asks || parent.is_some_and(|it| {
            matches!(it.kind(), "subscript_expression" | "member_expression")
                && it.parent().is_some_and(|round| {
                    !round.kind().contains("assignment") || round.child_by_field_name("left") != Some(it)
                })
        })
    });
    let declarator = pass.node(&binding.declaration).filter(|it| it.kind() == "variable_declarator")?;
    let value = untyped(declarator.child_by_field_name("value")?)?;
    let is_exported = declarator.parent()?.parent()?.kind() == "export_statement";
    (is_looked_up && !is_exported && value.kind() == "object").then_some(value)
}

/// A table that only this lookup uses is not needed for one plain value.
fn from_table(pass: &Pass, lookup: Node, object: Node, variant: &str) -> Option<Change> {
    let binding =
        pass.scopes.at(&object.byte_range()).filter(|it| it.kind == Kind::Constant && it.reads.len() == 1)?;
    let declarator = pass.node(&binding.declaration).filter(|it| it.kind() == "variable_declarator")?;
    let is_exported = declarator.parent()?.parent()?.kind() == "export_statement";
    let table = untyped(declarator.child_by_field_name("value")?)?;
    (table.kind() == "object" && !is_exported && pass.is_pure(table)).then_some(())?;
    let value = entry(pass, table, variant)?;
    let is_same_everywhere = match value.kind() {
        "string" | "number" | "true" | "false" | "null" => true,
        "identifier" => {
            let name = pass.doc.of(value);
            let declared = pass.scopes.at(&value.byte_range())?;
            let only =
                pass.scopes.bindings.iter().filter(|it| &pass.doc.text[it.name.clone()] == name).count() == 1;
            only && pass.is_constant(declared)
        }
        _ => false,
    };
    let text = pass.doc.of(value).to_owned();
    is_same_everywhere.then_some(())?;
    consumed(pass, lookup, value).or_else(|| Some(Change::of([Edit { range: lookup.byte_range(), text }])))
}

/// The value of a property of an object literal in which every other name is known.
fn entry<'d>(pass: &Pass, object: Node<'d>, name: &str) -> Option<Node<'d>> {
    entries(pass, object)?.into_iter().rev().find(|it| it.0 == name).map(|it| it.1)
}

/// The properties of an object literal in which every name is known.
fn entries<'d>(pass: &Pass, object: Node<'d>) -> Option<Vec<(String, Node<'d>)>> {
    let entry = |pair: Node<'d>| {
        let key = pair.child_by_field_name("key").filter(|_| pair.kind() == "pair")?;
        let name = match key.kind() {
            "property_identifier" => pass.doc.of(key).to_owned(),
            _ => text_of(&pass.doc.text, key)?,
        };
        Some((name, pair.child_by_field_name("value")?))
    };
    parts(object).into_iter().map(entry).collect()
}

/// Whether an expression gives true or false and nothing else.
pub(in crate::removal) fn is_bool(pass: &Pass, node: Node) -> bool {
    let doc = pass.doc;
    match node.kind() {
        "binary_expression" => node.child_by_field_name("operator").is_some_and(|it| {
            matches!(doc.of(it), "<" | ">" | "<=" | ">=" | "in" | "instanceof" | "===" | "!==" | "==" | "!=")
        }),
        "unary_expression" => node.child_by_field_name("operator").is_some_and(|it| doc.of(it) == "delete"),
        "identifier" => pass.scopes.at(&node.byte_range()).is_some_and(|binding| {
            let Some(declaration) = pass.node(&binding.declaration) else { return false };
            let declared = declaration.child_by_field_name("type");
            let says = declared.is_some_and(|it| doc.of(it).trim_start_matches(':').trim() == "boolean");
            let optional = declaration.kind() == "optional_parameter";
            let begins = declaration.child_by_field_name("value").is_some_and(|it| {
                pass.is_constant(binding)
                    && declaration.kind() == "variable_declarator"
                    && is_comparison(pass, it)
            });
            (says && !optional) || begins
        }),
        _ => false,
    }
}

fn is_comparison(pass: &Pass, node: Node) -> bool {
    let node = peeled(node);
    match node.kind() {
        "true" | "false" => true,
        "unary_expression" => node.child_by_field_name("operator").is_some_and(|it| pass.doc.of(it) == "!"),
        "binary_expression" => {
            let operator = node.child_by_field_name("operator").map(|it| pass.doc.of(it)).unwrap_or_default();
            match operator {
                "&&" | "||" => ["left", "right"]
                    .iter()
                    .all(|it| node.child_by_field_name(it).is_some_and(|it| is_comparison(pass, it))),
                _ => is_bool(pass, node),
            }
        }
        _ => false,
    }
}

/// Hooks and functions that give something and do nothing else.
const GIVERS: &[&str] = &[
    "usePostHog",
    "getPostHog",
    "useContext",
    "useMemo",
    "useCallback",
    "useRef",
    "useId",
    "evaluateFlags",
    "getAllFlags",
    "getAllFlagsAndPayloads",
    "useFeatureFlags",
    "useActiveFeatureFlags",
    "useAllFlags",
    "getFlags",
    "useValues",
    "useSelector",
    "useStore",
    "useAtomValue",
    "Boolean",
    "String",
    "Number",
    "require",
    "useState",
    "useReducer",
    "useTransition",
    "useRouter",
    "useNavigate",
    "useParams",
    "useLocation",
    "usePathname",
    "useSearchParams",
    "useTranslation",
    "useTheme",
    "useDispatch",
    "lazy",
    "dynamic",
    "memo",
    "forwardRef",
    "createContext",
    "Symbol",
    "clone",
    "computed",
    "ref",
    "shallowRef",
];

/// Classes whose instances can be made without an effect.
const PLAIN_CLASSES: &[&str] = &[
    "PostHog",
    "Set",
    "Map",
    "WeakSet",
    "WeakMap",
    "RegExp",
    "Date",
    "Array",
    "Error",
    "URL",
    "URLSearchParams",
    "AbortController",
];

/// Functions of the language that give something and do nothing else, by their whole name.
const BUILT_IN: &[&str] = &[
    "Array.from",
    "Array.isArray",
    "Array.of",
    "BigInt",
    "Number.isFinite",
    "Number.isInteger",
    "Object.entries",
    "Object.freeze",
    "Object.fromEntries",
    "Object.keys",
    "Object.values",
    "Symbol.for",
    "parseFloat",
    "parseInt",
];

/// What comes before a template that makes a component, a style or a query of it.
const TAGS: &[&str] = &["styled", "css", "keyframes", "gql", "graphql", "html"];

/// Whether to evaluate an expression does nothing but give its value.
pub(in crate::removal) fn is_pure(pass: &Pass, node: Node) -> bool {
    let all = |nodes: Vec<Node>| nodes.into_iter().all(|it| pass.is_pure(it));
    match node.kind() {
        "identifier"
        | "string"
        | "number"
        | "true"
        | "false"
        | "null"
        | "undefined"
        | "this"
        | "regex"
        | "arrow_function"
        | "function_expression"
        | "generator_function"
        | "property_identifier"
        | "jsx_text"
        | "shorthand_property_identifier"
        | "method_definition"
        | "string_fragment"
        | "super"
        | "import"
        | "private_property_identifier"
        | "escape_sequence"
        | "meta_property"
        | "html_character_reference" => true,
        "member_expression" => node.child_by_field_name("object").is_some_and(|it| pass.is_pure(it)),
        "unary_expression" => {
            node.child_by_field_name("operator").is_some_and(|it| pass.doc.of(it) != "delete")
                && all(parts(node))
        }
        "binary_expression"
        | "ternary_expression"
        | "parenthesized_expression"
        | "subscript_expression"
        | "object"
        | "array"
        | "pair"
        | "spread_element"
        | "non_null_expression"
        | "template_string"
        | "template_substitution"
        | "jsx_element"
        | "jsx_self_closing_element"
        | "jsx_opening_element"
        | "jsx_closing_element"
        | "jsx_expression"
        | "jsx_attribute"
        | "sequence_expression"
        | "computed_property_name" => all(parts(node)),
        "as_expression" | "satisfies_expression" => node.named_child(0).is_some_and(|it| pass.is_pure(it)),
        "new_expression" => {
            let class = node.child_by_field_name("constructor").map(|it| pass.doc.of(it));
            class.is_some_and(|it| PLAIN_CLASSES.contains(&it) || it.starts_with("Intl."))
                && node.child_by_field_name("arguments").is_none_or(|it| all(parts(it)))
        }
        "await_expression" => parts(node).first().is_some_and(|it| pass.is_pure(*it)),
        "call_expression" => {
            let callee = node.child_by_field_name("function").map(|it| pass.doc.of(it)).unwrap_or_default();
            let name = callee.rsplit(['.', ' ']).next().unwrap_or_default();
            let arguments = node.child_by_field_name("arguments");
            let is_tag = arguments.is_some_and(|it| it.kind() == "template_string")
                && TAGS.contains(&callee.split(['.', '(', '<']).next().unwrap_or_default());
            let asks = || {
                let function = node.child_by_field_name("function").filter(|it| it.kind() == "identifier");
                let binding = function.and_then(|it| pass.scopes.at(&it.byte_range()));
                binding.is_some_and(|it| is_asker(pass, it))
            };
            (is_tag || GIVERS.contains(&name) || BUILT_IN.contains(&callee) || asks())
                && arguments.is_some_and(|it| all(parts(it)))
        }
        _ => false,
    }
}
