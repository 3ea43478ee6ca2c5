use std::ops::Range;

use serde_json::Value;

use super::Schema;
use super::place::{Place, Slot, place, siblings};
use super::words::{choices, expected};

/// Something that can be written at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the list shows.
    pub label: String,
    /// What is written.
    pub text: String,
    /// The bytes that it takes the place of.
    pub replaced: Range<usize>,
    /// What kind it is.
    pub kind: ItemKind,
    /// What it may hold, in a few words.
    pub detail: String,
    /// What it means.
    pub meaning: String,
    /// What is written instead in an editor that goes from one place to be filled in to the next.
    pub snippet: Option<String>,
}

/// The kinds of what can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A key of a table.
    Key,
    /// The header of a table.
    Table,
    /// A value.
    Value,
}

/// What can be written at `offset` of a TOML text, broken or not.
pub fn complete(schema: &Schema, text: &str, offset: usize) -> Vec<Item> {
    let Some(place) = place(text, offset) else { return Vec::new() };
    let Some(node) = schema.at(&place.table) else { return Vec::new() };
    match &place.slot {
        Slot::Key => keys(schema, node, &place, &siblings(text, offset), has_value(text, place.word.end)),
        Slot::Header { list } => headers(schema, node, &place, *list),
        Slot::Value { key, quoted } => match schema.dotted(node, key) {
            Some(node) => values(schema, node, &place, *quoted),
            None => Vec::new(),
        },
    }
}

/// What the key or value at `offset` means, and the bytes of it: Markdown.
pub fn explain(schema: &Schema, text: &str, offset: usize) -> Option<(String, Range<usize>)> {
    let mut place = place(text, offset)?;
    if matches!(place.slot, Slot::Value { .. }) && place.word.is_empty() {
        return None;
    }
    // A word ends where the place is, but a person points at its middle.
    let before =
        text[..place.word.start].rfind(|it: char| !(it.is_alphanumeric() || matches!(it, '_' | '-')));
    place.word.start = before.map_or(0, |it| it + text[it..].chars().next().map_or(1, char::len_utf8));
    let node = schema.at(&place.table)?;
    let word = text.get(place.word.clone())?;
    let (name, node) = match &place.slot {
        Slot::Key | Slot::Header { .. } => (word.to_owned(), schema.property(node, word)?),
        Slot::Value { key, .. } => {
            let node = schema.dotted(node, key)?;
            let chosen = choices(schema, node).into_iter().find(|it| it.0 == word);
            if let Some((choice, Some(meaning))) = chosen {
                return Some((format!("`\"{choice}\"`\n\n{meaning}"), place.word));
            }
            (key.clone(), node)
        }
    };
    let default = default(node).map(|it| format!(", default `{it}`")).unwrap_or_default();
    let text = format!("`{name}`: {}{default}\n\n{}", expected(schema, node), meaning(schema, node));
    Some((text.trim_end().to_owned(), place.word))
}

fn has_value(text: &str, word_end: usize) -> bool {
    text[word_end..].trim_start_matches([' ', '\t']).starts_with('=')
}

fn keys(schema: &Schema, node: &Value, place: &Place, present: &[String], has_value: bool) -> Vec<Item> {
    let open = schema.properties(node).filter(|it| !present.contains(it.0));
    open.map(|(name, of)| {
        let header = place.at_line_start && place.table.is_empty() && is_section(schema, of) && !has_value;
        let (kind, text) = match header {
            true if schema.is(of, "array") => (ItemKind::Table, format!("[[{name}]]\n")),
            true if is_map(schema, of) => (ItemKind::Table, format!("[{name}.default]\n")),
            true => (ItemKind::Table, format!("[{name}]\n")),
            false if has_value => (ItemKind::Key, name.clone()),
            false => (ItemKind::Key, format!("{name} = {}", empty_value(schema, of))),
        };
        let snippet = header.then(|| snippet(schema, &text, of)).flatten();
        Item { snippet, ..item(schema, place, name, text, kind, of) }
    })
    .collect()
}

/// The keys that a table must have.
fn required(table: &Value) -> Vec<&str> {
    let names = table.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A header with the keys that its table must have, or a text of it, each with a place to be filled in.
fn snippet(schema: &Schema, header: &str, of: &Value) -> Option<String> {
    let element = schema.branches(of).into_iter().find_map(|it| it.get("items")).unwrap_or(of);
    let table = schema.branches(element).into_iter().find(|it| it.get("properties").is_some())?;
    let required = required(table);
    let all: Vec<(&String, &Value)> = schema.properties(table).collect();
    // In the order in which they must be, which is that of the type.
    let of = |name: &&str| all.iter().find(|it| it.0 == name).copied();
    let mut wanted: Vec<(&String, &Value)> = required.iter().filter_map(of).collect();
    if wanted.is_empty() {
        let text = all.iter().find(|it| schema.is(it.1, "string"));
        wanted.extend(text.or(all.first()).copied());
    }
    let mut text = header.to_owned();
    for (at, (name, of)) in wanted.into_iter().enumerate() {
        text += &format!("{name} = {}\n", tab_stop(schema, of, at + 1));
    }
    Some(text + "$0")
}

/// The place of a value, with what it can be where that is a few words.
fn tab_stop(schema: &Schema, node: &Value, number: usize) -> String {
    let words: Vec<&str> = choices(schema, node).into_iter().map(|it| it.0).collect();
    match &words[..] {
        [] if schema.is(node, "string") => format!("\"${number}\""),
        [] if schema.is(node, "array") => format!("[${number}]"),
        [] => format!("${number}"),
        [first, ..] if schema.is(node, "object") => format!("${{{number}:\"{first}\"}}"),
        words => format!("\"${{{number}|{}|}}\"", words.join(",")),
    }
}

fn headers(schema: &Schema, node: &Value, place: &Place, list: bool) -> Vec<Item> {
    let sections = schema.properties(node).filter(|it| is_section(schema, it.1));
    let fitting = sections.filter(|it| schema.is(it.1, "array") == list);
    fitting.map(|(name, of)| item(schema, place, name, name.clone(), ItemKind::Table, of)).collect()
}

/// A list of more texts than that is read by nobody.
const MOST_NAMED: usize = 8;

fn values(schema: &Schema, node: &Value, place: &Place, quoted: bool) -> Vec<Item> {
    let items_of = schema.branches(node).into_iter().find_map(|it| it.get("items"));
    let element = items_of.unwrap_or(node);
    let node = if place.in_list { element } else { node };
    // Outside of brackets a list has none yet.
    let listed = |text: String| match items_of.is_some() && !place.in_list {
        true => format!("[{text}]"),
        false => text,
    };
    let mut items = Vec::new();
    let all = choices(schema, element);
    // Of many, each says what it means and not what the others are.
    let says_all = all.len() <= MOST_NAMED;
    for (choice, meaning) in all {
        let text = if quoted { choice.to_owned() } else { listed(format!("\"{choice}\"")) };
        let mut it = item(schema, place, choice, text, ItemKind::Value, element);
        it.meaning = meaning.unwrap_or(&it.meaning).to_owned();
        it.detail = if says_all { it.detail } else { String::new() };
        items.push(it);
    }
    if quoted {
        return items;
    }
    for branch in schema.branches(element) {
        for (name, of, text) in tables(schema, branch) {
            items.push(item(schema, place, name, listed(text), ItemKind::Value, of));
        }
    }
    if schema.is(element, "boolean") {
        let truth = ["true", "false"].into_iter();
        items.extend(truth.map(|it| item(schema, place, it, it.to_owned(), ItemKind::Value, element)));
    }
    if let Some(default) = default(node).filter(|it| !items.iter().any(|item| item.text == *it)) {
        items.push(item(schema, place, &default, default.clone(), ItemKind::Value, element));
    }
    items
}

/// Tables to begin with: with all that one must have, or where that is nothing, with each of its keys.
fn tables<'a>(schema: &Schema, branch: &'a Value) -> Vec<(&'a String, &'a Value, String)> {
    let properties: Vec<(&String, &Value)> =
        branch.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    let required = required(branch);
    let written = |(name, of): &(&String, &Value)| format!("{name} = {}", empty_value(schema, of));
    let needed: Vec<(&String, &Value)> =
        properties.iter().copied().filter(|it| required.contains(&it.0.as_str())).collect();
    if let Some((name, of)) = needed.first() {
        let pairs: Vec<String> = needed.iter().map(written).collect();
        return vec![(*name, *of, format!("{{ {} }}", pairs.join(", ")))];
    }
    let alone = |it: (&'a String, &'a Value)| (it.0, it.1, format!("{{ {} }}", written(&it)));
    properties.into_iter().map(alone).collect()
}

fn item(schema: &Schema, place: &Place, label: &str, text: String, kind: ItemKind, of: &Value) -> Item {
    Item {
        label: label.to_owned(),
        text,
        replaced: place.word.clone(),
        kind,
        detail: expected(schema, of),
        meaning: meaning(schema, of),
        snippet: None,
    }
}

fn meaning(schema: &Schema, node: &Value) -> String {
    let own = node.get("description").or_else(|| schema.resolve(node).get("description"));
    own.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn default(node: &Value) -> Option<String> {
    let default = node.get("default").filter(|it| !it.is_null() && !it.is_object())?;
    Some(default.to_string()).filter(|it| it != "[]")
}

/// What begins with a header of its own: a table, or a list of tables.
fn is_section(schema: &Schema, node: &Value) -> bool {
    let items = schema.branches(node).into_iter().find_map(|it| it.get("items"));
    schema.is(items.unwrap_or(node), "object")
}

fn is_map(schema: &Schema, node: &Value) -> bool {
    schema.branches(node).into_iter().any(|it| it.get("additionalProperties").is_some_and(Value::is_object))
}

fn empty_value(schema: &Schema, node: &Value) -> String {
    if let Some(default) = default(node) {
        return default;
    }
    if let Some((choice, _)) = choices(schema, node).first() {
        return format!("\"{choice}\"");
    }
    for (kind, text) in [("string", "\"\""), ("array", "[]"), ("object", "{}"), ("boolean", "true")] {
        if schema.is(node, kind) {
            return text.to_owned();
        }
    }
    String::new()
}
