//! Dictionaries that are looked up in by what is known.

use tree_sitter::Node;

use crate::removal::Edit;
use crate::removal::document::Change;
use crate::removal::known::Known;
use crate::removal::pass::{Mark, Pass};
use crate::removal::scopes::{Binding, Kind};
use crate::removal::view::{parts, text_of};

use super::expressions::{peeled, substitute};

/// `TABLE[read]` and `{"a": x, "b": y}[read]`.
pub(super) fn lookup_step(pass: &Pass, lookup: Node, mark: &Mark) -> Option<Change> {
    mark.effects.is_empty().then_some(())?;
    let table = peeled(lookup.child_by_field_name("value")?);
    if table.kind() == "dictionary" {
        let value = entry(pass, table, &mark.known)??;
        return pass.is_pure(table).then(|| substitute(pass, lookup, value)).flatten();
    }
    from_table(pass, lookup, table, &mark.known)
}

/// `TABLE.get(read, other)`
pub(super) fn get_step(pass: &Pass, list: Node, key: Node, mark: &Mark) -> Option<Change> {
    let call = list.parent().filter(|_| mark.effects.is_empty() && parts(list).first() == Some(&key))?;
    let callee = call.child_by_field_name("function").filter(|it| it.kind() == "attribute")?;
    (pass.doc.of(callee.child_by_field_name("attribute")?) == "get").then_some(())?;
    let object = peeled(callee.child_by_field_name("object")?);
    let others = parts(list).into_iter().skip(1).collect::<Vec<_>>();
    others.iter().all(|it| it.kind() != "keyword_argument" && pass.is_pure(*it)).then_some(())?;
    let table = if object.kind() == "dictionary" { object } else { constant_table(pass, object)?.0 };
    if let Some(value) = entry(pass, table, &mark.known)? {
        return match object.kind() {
            "dictionary" => substitute(pass, call, value),
            _ => {
                from_table(pass, call, object, &mark.known).or_else(|| Some(as_subscript(object, key, call)))
            }
        };
    }
    match others[..] {
        [other] => substitute(pass, call, other),
        [] => Some(Change::literal(call.byte_range(), "", "None", Known::Json(serde_json::Value::Null))),
        _ => None,
    }
}

/// `TABLE.get(read, other)` of what the table has: `TABLE[read]`.
fn as_subscript(table: Node, key: Node, call: Node) -> Change {
    let edit = |range: std::ops::Range<usize>, text: &str| Edit { range, text: text.into() };
    Change::of([edit(table.end_byte()..key.start_byte(), "["), edit(key.end_byte()..call.end_byte(), "]")])
}

/// `read in TABLE`
pub(super) fn contains<'d>(pass: &Pass<'d>, comparison: Node<'d>) -> Option<Mark> {
    let [key, table] = parts(comparison)[..] else { return None };
    let between = &pass.doc.text[key.end_byte()..table.start_byte()];
    let negated = match &between.split_whitespace().collect::<Vec<_>>()[..] {
        ["in"] => false,
        ["not", "in"] => true,
        _ => return None,
    };
    let mark = pass.marked(key)?.clone();
    let table = peeled(table);
    let table = if table.kind() == "dictionary" { table } else { constant_table(pass, table)?.0 };
    let is_there = entry(pass, table, &mark.known)?.is_some();
    pass.is_pure(table).then_some(Mark { known: Known::bool(is_there != negated), ..mark })
}

/// The value of a key in a dictionary of which every key is known; `None` inside where there is none.
fn entry<'d>(pass: &Pass, table: Node<'d>, key: &Known) -> Option<Option<Node<'d>>> {
    let mut found = None;
    for pair in parts(table) {
        let own = pair.child_by_field_name("key").filter(|_| pair.kind() == "pair")?;
        let own = Known::text(&text_of(&pass.doc.text, own)?);
        if own.equals(key, false)? {
            found = pair.child_by_field_name("value");
        }
    }
    Some(found)
}

/// The dictionary of a name that is only looked up in, and the name.
fn constant_table<'d>(pass: &Pass<'d>, name: Node) -> Option<(Node<'d>, &'d Binding)> {
    let scopes = pass.scopes;
    let binding =
        scopes.at(&name.byte_range()).filter(|it| it.kind == Kind::Variable && pass.is_constant(it))?;
    let spelt = &pass.doc.text[binding.name.clone()];
    // Other modules may fill what is not named like a constant.
    let is_fixed = binding.scope != 0
        || spelt.starts_with('_')
        || spelt.chars().all(|it| it.is_uppercase() || it.is_ascii_digit() || it == '_');
    let is_looked_up = binding.reads.iter().all(|it| {
        let node = pass.node(&it.range);
        node.is_some_and(|it| is_lookup(pass, it))
    });
    let assignment = pass.node(&binding.declaration).filter(|it| it.kind() == "assignment")?;
    let table = assignment.child_by_field_name("right").filter(|it| it.kind() == "dictionary")?;
    (is_fixed && is_looked_up).then_some((table, binding))
}

fn is_lookup(pass: &Pass, name: Node) -> bool {
    let Some(parent) = name.parent() else { return false };
    match parent.kind() {
        "subscript" => {
            let round = parent.parent().map(|it| it.kind()).unwrap_or_default();
            !matches!(round, "assignment" | "augmented_assignment" | "delete_statement")
                || parent.parent().and_then(|it| it.child_by_field_name("right")) == Some(parent)
        }
        "attribute" => {
            let method = parent.child_by_field_name("attribute").map(|it| pass.doc.of(it));
            matches!(method, Some("get" | "items" | "keys" | "values"))
        }
        "comparison_operator" => parts(parent).last() == Some(&name),
        _ => false,
    }
}

/// A table that only this lookup uses is not needed for one plain value; of another one a value that something is
/// decided by is taken.
fn from_table(pass: &Pass, lookup: Node, name: Node, key: &Known) -> Option<Change> {
    let (table, binding) = constant_table(pass, name)?;
    let value = entry(pass, table, key)??;
    pass.is_pure(table).then_some(())?;
    let known = pass.node(&value.byte_range()).and_then(|it| pass.known(it)).map(|it| it.known);
    let node = pass.node(&lookup.byte_range())?;
    let text = pass.doc.of(value).to_owned();
    match known {
        Some(known) if pass.is_consumed(node) => Some(Change::literal(lookup.byte_range(), "", &text, known)),
        _ if binding.reads.len() > 1 => None,
        Some(_) => Some(Change::of([Edit { range: lookup.byte_range(), text }])),
        // A name means the same wherever nothing else has it.
        None => {
            let declared = pass.scopes.at(&value.byte_range()).filter(|_| value.kind() == "identifier")?;
            let named = pass.scopes.bindings.iter().filter(|it| pass.doc.text[it.name.clone()] == text);
            let is_same = named.count() == 1 && pass.is_constant(declared);
            is_same.then(|| Change::of([Edit { range: lookup.byte_range(), text }]))
        }
    }
}
