//! What a schema allows, in words.

use serde_json::Value;

use super::Schema;

/// The names of a node's types.
pub(super) fn types(node: &Value) -> impl Iterator<Item = &str> {
    let (one, several) = match node.get("type") {
        Some(Value::String(one)) => (Some(one.as_str()), &[][..]),
        Some(Value::Array(several)) => (None, several.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(several.iter().filter_map(Value::as_str)).filter(|it| *it != "null")
}

/// The texts that a node allows when it allows no other, with what each means.
pub(super) fn choices<'a>(schema: &'a Schema, node: &'a Value) -> Vec<(&'a str, Option<&'a str>)> {
    let mut choices = Vec::new();
    for branch in schema.branches(node) {
        let meaning = branch.get("description").and_then(Value::as_str);
        let constant = branch.get("const").and_then(Value::as_str);
        choices.extend(constant.map(|it| (it, meaning)));
        let listed = branch.get("enum").and_then(Value::as_array).into_iter().flatten();
        let alone = branch.get("enum").and_then(Value::as_array).is_some_and(|it| it.len() == 1);
        choices.extend(listed.filter_map(Value::as_str).map(|it| (it, meaning.filter(|_| alone))));
    }
    choices
}

/// What a node allows: `a whole number from 1 to 3650`, `"open" or "workspace"`.
pub(super) fn expected(schema: &Schema, node: &Value) -> String {
    let quoted = choices(schema, node).into_iter().map(|it| format!("\"{}\"", it.0));
    let mut words: Vec<String> = quoted.collect();
    for branch in schema.branches(node) {
        let closed = branch.get("const").is_some() || branch.get("enum").is_some();
        words.extend(types(branch).filter(|it| !(closed && *it == "string")).map(|it| of_type(branch, it)));
    }
    words.dedup();
    if words.is_empty() {
        return "anything".into();
    }
    either(&words)
}

fn of_type(node: &Value, kind: &str) -> String {
    let bound = |name: &str| node.get(name).and_then(Value::as_f64);
    let range = match (bound("minimum"), bound("maximum")) {
        (None, most) if bound("exclusiveMinimum").is_some() => {
            let most = most.map(|it| format!(" and at most {it}")).unwrap_or_default();
            format!(" above {}{most}", bound("exclusiveMinimum").unwrap_or_default())
        }
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(0.0), None) => String::new(),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    match kind {
        "string" => "text".into(),
        "integer" => format!("a whole number{range}"),
        "number" => format!("a number{range}"),
        "boolean" => "true or false".into(),
        "array" => "a list".into(),
        "object" => "a table".into(),
        other => other.into(),
    }
}

/// `a, b or c`.
pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => "nothing".into(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The candidate that looks most like `word`, if one does: one slip for every three characters.
pub fn similar<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = |it: &str| it.to_lowercase().replace('-', "_");
    let at_most = (word.len() / 3).clamp(1, 4);
    let scored = candidates.into_iter().map(|it| (strsim::osa_distance(&folded(it), &folded(word)), it));
    scored.filter(|it| it.0 <= at_most).min_by_key(|it| it.0).map(|it| it.1)
}
