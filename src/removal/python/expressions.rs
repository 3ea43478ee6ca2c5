//! Expressions: what takes the place of another, and what has effects.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::askers::is_asker;
use crate::removal::document::{Change, Document};
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::Kind;
use crate::removal::view::{parts, text_of};

use super::statements::delete_item;

pub(super) fn peeled(node: Node) -> Node {
    let mut node = node;
    while node.kind() == "parenthesized_expression" {
        match parts(node)[..] {
            [inner] => node = inner,
            _ => break,
        }
    }
    node
}

pub(super) fn wrapped(node: Node) -> Node {
    let mut node = node;
    while let Some(parent) = node.parent().filter(|it| it.kind() == "parenthesized_expression") {
        node = parent;
    }
    node
}

/// Whether any expression may stand here without parentheses.
fn is_open(node: Node) -> bool {
    let Some(parent) = node.parent() else { return true };
    match parent.kind() {
        "assignment" => parent.child_by_field_name("right") == Some(node),
        "return_statement"
        | "argument_list"
        | "keyword_argument"
        | "if_statement"
        | "elif_clause"
        | "while_statement"
        | "parenthesized_expression"
        | "list"
        | "tuple"
        | "set"
        | "pair"
        | "expression_statement"
        | "lambda"
        | "if_clause"
        | "assert_statement"
        | "default_parameter"
        | "typed_default_parameter"
        | "interpolation"
        | "match_statement"
        | "yield"
        | "expression_list"
        | "for_statement" => true,
        "subscript" => parent.child_by_field_name("subscript") == Some(node),
        "named_expression" => parent.child_by_field_name("value") == Some(node),
        "conditional_expression" => {
            parts(parent).first() != Some(&node) && parts(parent).get(1) != Some(&node)
        }
        _ => false,
    }
}

/// Whether an expression stands by itself in every place.
fn is_closed(node: Node) -> bool {
    matches!(
        node.kind(),
        "identifier"
            | "attribute"
            | "subscript"
            | "call"
            | "string"
            | "integer"
            | "float"
            | "true"
            | "false"
            | "none"
            | "list"
            | "dictionary"
            | "set"
            | "tuple"
            | "parenthesized_expression"
            | "list_comprehension"
            | "dictionary_comprehension"
            | "set_comprehension"
            | "generator_expression"
    )
}

/// Whether what an expression is lets it stand here without parentheses: tree-sitter takes more than Python does.
fn may_be_bare(outer: Node, inner: Node) -> bool {
    let round = outer.parent().map(|it| it.kind()).unwrap_or_default();
    match inner.kind() {
        "named_expression" => matches!(
            round,
            "if_statement"
                | "elif_clause"
                | "while_statement"
                | "argument_list"
                | "parenthesized_expression"
                | "list"
                | "set"
        ),
        "lambda" => !matches!(round, "if_clause" | "interpolation"),
        "yield" => matches!(round, "assignment" | "expression_statement" | "parenthesized_expression"),
        _ => true,
    }
}

/// Whether line breaks are free here: something round it is in brackets.
fn is_in_brackets(node: Node) -> bool {
    let mut node = node;
    while let Some(parent) = node.parent() {
        match parent.kind() {
            "argument_list"
            | "list"
            | "dictionary"
            | "set"
            | "tuple"
            | "parenthesized_expression"
            | "subscript"
            | "list_comprehension"
            | "dictionary_comprehension"
            | "set_comprehension"
            | "generator_expression" => {
                return true;
            }
            kind if kind.ends_with("statement")
                || kind == "block"
                || kind.ends_with("clause") && kind != "if_clause" =>
            {
                return false;
            }
            _ => node = parent,
        }
    }
    false
}

/// Whether a comparison or `not` stands beside `and` and `or`, which bind less.
fn binds_tighter(inner: Node, outer: Node) -> bool {
    matches!(inner.kind(), "comparison_operator" | "not_operator")
        && outer.parent().is_some_and(|it| it.kind() == "boolean_operator")
}

pub(in crate::removal) fn substitute(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    if let Some(change) = substitute_splat(pass, whole, kept).or_else(|| in_f_string(pass, whole, kept)) {
        return Some(change);
    }
    let doc = pass.doc;
    let (outer, inner) = (wrapped(whole), peeled(kept));
    let breaks = doc.of(inner).contains('\n') && !is_closed(inner) && !is_in_brackets(outer);
    let fits =
        may_be_bare(outer, inner) && (is_open(outer) || is_closed(inner) || binds_tighter(inner, outer));
    let (outer, inner) = match fits && !breaks {
        true => (outer, inner),
        false if inner != kept => (outer, kept),
        false => (whole, kept),
    };
    let (outer, inner) = (outer.byte_range(), inner.byte_range());
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let joins = |a: &str, b: &str| {
        a.ends_with(is_word) && b.starts_with(|it| is_word(it) || matches!(it, '"' | '\''))
    };
    let space = |joins: bool| if joins { " ".to_owned() } else { String::new() };
    let before = space(joins(&doc.text[..outer.start], &doc.text[inner.start..]));
    let after = space(joins(&doc.text[..inner.end], &doc.text[outer.end..]));
    Some(doc.keep(&outer, &inner, (&before, &after)))
}

/// `**({"a": 1} if read else {})` becomes `"a": 1`; likewise in lists.
fn substitute_splat(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    let doc = pass.doc;
    let splat =
        wrapped(whole).parent().filter(|it| matches!(it.kind(), "dictionary_splat" | "list_splat"))?;
    let list = splat.parent()?.kind();
    let inner = peeled(kept);
    let fits = matches!(
        (list, inner.kind()),
        ("dictionary", "dictionary") | ("list" | "tuple" | "set", "list" | "tuple")
    );
    fits.then_some(())?;
    let left = parts(splat.parent()?).len() - 1 + parts(inner).len();
    if list == "tuple" && left == 1 && !doc.of(splat.parent()?).ends_with(",)") {
        // A tuple of one needs a comma.
        return None;
    }
    let Some(content) = doc.content(inner.start_byte() + 1..inner.end_byte() - 1) else {
        return Some(Change::of([delete_item(doc, splat)]));
    };
    let content = content.start..doc.text[..content.end].trim_end_matches(',').trim_end().len();
    Some(doc.keep(&splat.byte_range(), &content, ("", "")))
}

/// A literal inside of an f-string, where the quotes of the string would end it.
pub(in crate::removal) fn in_string(doc: &Document, node: Node, known: &Known) -> Option<String> {
    let mut at = node;
    while at.kind() != "interpolation" {
        at = at.parent()?;
    }
    let string = doc.of(at.parent()?);
    let outer = string.trim_start_matches(|it: char| it.is_alphabetic()).chars().next()?;
    known.literal(doc.language, if outer == '"' { '\'' } else { '"' })
}

/// `f"{'a' if read else 'b'}"`: a text joins the string.
fn in_f_string(pass: &Pass, whole: Node, kept: Node) -> Option<Change> {
    let interpolation = wrapped(whole).parent().filter(|it| it.kind() == "interpolation")?;
    let text = text_of(&pass.doc.text, peeled(kept))?;
    filled_in(pass, interpolation, text)
}

/// `f"{read}"` with what it gives.
pub(super) fn interpolation_step(pass: &Pass, interpolation: Node, mark: &Mark) -> Option<Change> {
    let text = mark.known.in_template(pass.language()).filter(|_| mark.effects.is_empty())?;
    filled_in(pass, interpolation, text)
}

fn filled_in(pass: &Pass, interpolation: Node, text: String) -> Option<Change> {
    let doc = pass.doc;
    let is_plain = interpolation.named_child_count() == 1 && !doc.of(interpolation).contains("=}");
    is_plain.then_some(())?;
    let string = interpolation.parent()?;
    let quote = doc.of(string).trim_start_matches(|it: char| it.is_alphabetic()).chars().next()?;
    if text.contains(['\\', quote, '{', '}', '\n']) {
        return None;
    }
    let mut edits = vec![Edit { range: interpolation.byte_range(), text }];
    // Without anything to fill in it is a plain string.
    let start = parts(string).first().copied()?;
    let others = parts(string).iter().filter(|it| it.kind() == "interpolation").count();
    let content = doc.of(string);
    let escapes = content.contains("{{") || content.contains("}}");
    if others == 1 && !escapes && matches!(doc.of(start).chars().next(), Some('f' | 'F')) {
        edits.push(Edit { range: start.start_byte()..start.start_byte() + 1, text: String::new() });
    }
    Some(Change::of(edits))
}

/// Whether a value is of a type, or one of several: `isinstance("x", (str, bool))`, `str | None`.
pub(in crate::removal) fn is_instance(pass: &Pass, known: &Known, types: Node) -> Option<bool> {
    let types = peeled(types);
    match types.kind() {
        "tuple" | "binary_operator" => {
            let each: Option<Vec<bool>> =
                parts(types).into_iter().map(|it| is_instance(pass, known, it)).collect();
            each.map(|it| it.contains(&true))
        }
        "identifier" if pass.scopes.at(&types.byte_range()).is_some() => None,
        _ => known.is_of_python_type(pass.doc.of(types)),
    }
}

/// Whether an expression gives True or False and nothing else.
pub(in crate::removal) fn is_bool(pass: &Pass, node: Node) -> bool {
    match node.kind() {
        "comparison_operator" => true,
        "call" => node.child_by_field_name("function").is_some_and(|it| {
            matches!(pass.doc.of(it), "isinstance" | "issubclass" | "hasattr" | "callable" | "any" | "all")
        }),
        "identifier" => pass.scopes.at(&node.byte_range()).is_some_and(|binding| {
            let declaration = pass.node(&binding.declaration);
            let declared = declaration.and_then(|it| it.child_by_field_name("type"));
            declared.is_some_and(|it| pass.doc.of(it) == "bool") && binding.again.is_empty()
        }),
        _ => false,
    }
}

/// Functions that give something and do nothing else.
const GIVERS: &[&str] = &[
    "bool",
    "str",
    "int",
    "len",
    "isinstance",
    "issubclass",
    "hasattr",
    "tuple",
    "set",
    "dict",
    "frozenset",
    "evaluate_flags",
    "get_all_flags",
    "get_all_flags_and_payloads",
    "getattr",
    "getLogger",
    "get_logger",
    "Posthog",
    "compile",
    "TypeVar",
    "namedtuple",
    "NewType",
    "list",
    "Path",
];

/// Classes of the language whose instances can be made without an effect.
const PLAIN_CLASSES: &[&str] = &[
    "Counter",
    "Decimal",
    "Fraction",
    "MappingProxyType",
    "OrderedDict",
    "UUID",
    "ZoneInfo",
    "attrgetter",
    "bytes",
    "date",
    "datetime",
    "defaultdict",
    "deque",
    "float",
    "itemgetter",
    "object",
    "partial",
    "range",
    "time",
    "timedelta",
    "timezone",
];

/// Whether a call makes a value of the language; a function of the file may have the same name.
fn makes_plain(pass: &Pass, callee: Node) -> bool {
    let name = pass.doc.of(callee).rsplit('.').next().unwrap_or_default();
    let mut root = callee;
    while let Some(object) = root.child_by_field_name("object") {
        root = object;
    }
    let declared = pass.scopes.at(&root.byte_range());
    PLAIN_CLASSES.contains(&name) && declared.is_none_or(|it| it.kind == Kind::Import)
}

/// Whether to evaluate an expression does nothing but give its value.
pub(in crate::removal) fn is_pure(pass: &Pass, node: Node) -> bool {
    let all = |nodes: Vec<Node>| nodes.into_iter().all(|it| pass.is_pure(it));
    match node.kind() {
        "identifier" | "integer" | "float" | "true" | "false" | "none" | "lambda" | "string_content"
        | "string_start" | "string_end" | "ellipsis" | "escape_sequence" => true,
        "attribute" => node.child_by_field_name("object").is_some_and(|it| pass.is_pure(it)),
        "keyword_argument" => node.child_by_field_name("value").is_some_and(|it| pass.is_pure(it)),
        "string"
        | "concatenated_string"
        | "interpolation"
        | "parenthesized_expression"
        | "list"
        | "tuple"
        | "set"
        | "dictionary"
        | "pair"
        | "boolean_operator"
        | "not_operator"
        | "comparison_operator"
        | "conditional_expression"
        | "binary_operator"
        | "unary_operator"
        | "subscript"
        | "expression_list"
        | "await" => all(parts(node)),
        "call" => {
            let Some(callee) = node.child_by_field_name("function") else { return false };
            let name = pass.doc.of(callee).rsplit('.').next().unwrap_or_default();
            let asks = || {
                let binding = pass.scopes.at(&callee.byte_range()).filter(|_| callee.kind() == "identifier");
                binding.is_some_and(|it| is_asker(pass, it))
            };
            (GIVERS.contains(&name) || makes_plain(pass, callee) || asks())
                && node.child_by_field_name("arguments").is_some_and(|it| all(parts(it)))
        }
        _ => false,
    }
}
