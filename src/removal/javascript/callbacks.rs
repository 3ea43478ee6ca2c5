//! Callbacks of arrays: those that pick all or none, and parameters that nobody reads any more.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::Binding;
use crate::removal::view::parts;

use super::lists::delete_item;
use super::returning;

/// Methods that do not ask how many parameters a callback has.
const TAKERS: &[&str] = &[
    "every",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "flatMap",
    "forEach",
    "map",
    "reduce",
    "some",
    "then",
];

/// Methods that read an array and give something new.
const READERS: &[&str] = &[
    "at",
    "concat",
    "every",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "flat",
    "flatMap",
    "includes",
    "indexOf",
    "join",
    "map",
    "reduce",
    "slice",
    "some",
];

/// Methods that give an array that nobody else has.
const MAKERS: &[&str] =
    &["concat", "entries", "filter", "flat", "flatMap", "from", "keys", "map", "slice", "split", "values"];

/// The call that an inline function is the first argument of, and the name of what is called.
fn call_of<'d>(pass: &Pass<'d>, function: Node<'d>) -> Option<(Node<'d>, &'d str)> {
    let arguments = function.parent().filter(|it| it.kind() == "arguments")?;
    let call = arguments.parent().filter(|it| it.kind() == "call_expression")?;
    let callee = call.child_by_field_name("function").filter(|it| it.kind() == "member_expression")?;
    let is_first = parts(arguments).first() == Some(&function);
    let name = &pass.doc.text[callee.child_by_field_name("property")?.byte_range()];
    is_first.then_some((call, name))
}

/// `xs.some(() => false)`, `xs.every(() => true)`: what the call gives, whatever is in the array.
pub(super) fn settled<'d>(pass: &Pass<'d>, value: Node<'d>) -> Option<Node<'d>> {
    let function = returning(value)?;
    let (call, name) = call_of(pass, function)?;
    let settles = match &pass.marked(value)?.known {
        Known::Json(serde_json::Value::Bool(false)) => name == "some",
        Known::Json(serde_json::Value::Bool(true)) => name == "every",
        _ => false,
    };
    let object = call.child_by_field_name("function")?.child_by_field_name("object")?;
    let is_plain = call.child_by_field_name("function")?.child_by_field_name("optional_chain").is_none();
    (settles && is_plain && pass.is_pure(object)).then_some(call)
}

/// `xs.filter(() => true)` gives all of it: in a new array, where that may be asked for.
pub(super) fn filter_step(pass: &Pass, value: Node, mark: &Mark) -> Option<Change> {
    let function = pass.node(&returning(value)?.byte_range())?;
    let (call, name) = call_of(pass, function).filter(|it| it.1 == "filter")?;
    let holds = mark.known.is_truthy(pass.language())? && mark.effects.is_empty();
    let is_guard = function.child_by_field_name("return_type").is_some();
    let is_only = parts(call.child_by_field_name("arguments")?).len() == 1;
    (holds && !is_guard && is_only).then_some(())?;
    let callee = call.child_by_field_name("function")?;
    let object = callee.child_by_field_name("object")?;
    let is_plain = callee.child_by_field_name("optional_chain").is_none();
    let edit = match is_plain && (is_made(pass, object) || is_only_read(pass, call)) {
        true => Edit { range: object.end_byte()..call.end_byte(), text: String::new() },
        false => {
            let start = callee.end_byte() - name.len();
            Edit { range: start..call.end_byte(), text: "slice()".into() }
        }
    };
    Some(Change::of([edit]))
}

/// Whether an array is new, so that nobody else can change it.
fn is_made(pass: &Pass, array: Node) -> bool {
    let name = || {
        let callee = array.child_by_field_name("function").filter(|_| array.kind() == "call_expression")?;
        callee.child_by_field_name("property").map(|it| pass.doc.of(it))
    };
    array.kind() == "array" || name().is_some_and(|it| MAKERS.contains(&it))
}

/// Whether something new is made of an array at once.
fn is_only_read(pass: &Pass, array: Node) -> bool {
    let Some(round) = array.parent() else { return false };
    let property = round.child_by_field_name("property").map(|it| pass.doc.of(it));
    match round.kind() {
        "spread_element" => true,
        "member_expression" if property == Some("length") => true,
        "member_expression" => {
            let is_called = round.parent().is_some_and(|it| {
                it.kind() == "call_expression" && it.child_by_field_name("function") == Some(round)
            });
            is_called && property.is_some_and(|it| READERS.contains(&it))
        }
        _ => false,
    }
}

/// Whether a parameter may go from its list: nobody asks for it by its place.
pub(super) fn may_lose(pass: &Pass, binding: &Binding) -> bool {
    let Some(parameter) = parameter_of(pass, binding) else { return false };
    if is_of_pattern(parameter) {
        return true;
    }
    let list = parameter.parent().filter(|it| it.kind() == "formal_parameters");
    let function = list.or(Some(parameter)).and_then(|it| it.parent());
    let is_last = list.is_none_or(|it| parts(it).last() == Some(&parameter));
    let function = function.filter(|it| is_last && it.kind() == "arrow_function");
    let call = function.and_then(|it| pass.node(&it.byte_range())).and_then(|it| call_of(pass, it));
    call.is_some_and(|it| TAKERS.contains(&it.1))
}

/// The whole parameter that declares a name.
fn parameter_of<'d>(pass: &Pass<'d>, binding: &Binding) -> Option<Node<'d>> {
    let node = pass.node(&binding.declaration)?;
    // A bare name is as long as its parameter.
    let round = node.parent().filter(|it| it.byte_range() == node.byte_range());
    Some(round.filter(|it| it.kind().ends_with("_parameter")).unwrap_or(node))
}

/// Whether a parameter takes apart what it is given, into more than one thing.
fn is_of_pattern(parameter: Node) -> bool {
    let pattern = pattern_of(parameter);
    matches!(pattern.kind(), "object_pattern" | "array_pattern") && parts(pattern).len() > 1
}

fn pattern_of(parameter: Node) -> Node {
    parameter.child_by_field_name("pattern").unwrap_or(parameter)
}

/// A parameter that nobody reads, taken out, or a name of the pattern that it is.
pub(super) fn delete_parameter(pass: &Pass, binding: &Binding) -> Option<Change> {
    let parameter = parameter_of(pass, binding)?;
    if is_of_pattern(parameter) {
        let pattern = pattern_of(parameter);
        return super::dead::delete_from_pattern(pass, pattern, binding, || None);
    }
    let list = parameter.parent()?;
    let edit = match list.kind() {
        "formal_parameters" if parts(list).len() > 1 => delete_item(pass.doc, parameter),
        "formal_parameters" => Edit { range: parameter.byte_range(), text: String::new() },
        _ => Edit { range: parameter.byte_range(), text: "()".into() },
    };
    Some(Change { claim: Some(list.start_byte()), ..Change::of([edit]) })
}
