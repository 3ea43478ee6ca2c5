//! Documents that a person writes, held against the JSON schema of the type that they become: every problem with
//! its place, completion, and what a key means. The schema is generated from the type, so that code, editor
//! and published schema cannot differ.

mod check;
mod complete;
mod format;
mod node;
mod place;
#[cfg(test)]
mod tests;
mod words;
mod write;

use serde_json::{Map, Value};

pub use check::{Problem, check};
pub use complete::{Item, ItemKind, complete, explain};
pub use format::{differing_lines, format};
pub use node::{Content, Entry, Node, SyntaxError};
pub use place::{ValuePlace, value_at};
pub use words::similar;
pub use write::quoted;

/// The schema of a type, JSON Schema 2020-12.
#[derive(Debug)]
pub struct Schema {
    root: Value,
}

/// A variant with a value is an object of one key; what it means stands on the object, and is said of the key too.
fn describe_variants(node: &mut Value) {
    if let Some(description) = node.get("description").cloned()
        && let Some(properties) = node.get_mut("properties").and_then(Value::as_object_mut)
        && properties.len() == 1
    {
        for property in properties.values_mut().filter_map(Value::as_object_mut) {
            property.entry("description").or_insert(description.clone());
        }
    }
    match node {
        Value::Object(map) => map.values_mut().for_each(describe_variants),
        Value::Array(list) => list.iter_mut().for_each(describe_variants),
        _ => {}
    }
}

impl Schema {
    /// The schema of `T`.
    pub fn of<T: schemars::JsonSchema>() -> Schema {
        let mut root = schemars::schema_for!(T).to_value();
        describe_variants(&mut root);
        Schema { root }
    }

    /// The whole schema, as it is published.
    pub fn json(&self) -> &Value {
        &self.root
    }

    /// Follows a reference to a definition.
    fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        let pointer = node.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix('#'));
        pointer.and_then(|it| self.root.pointer(it)).unwrap_or(node)
    }

    /// The alternatives that a node allows; itself when it has none. `null` is none: no document can say it.
    fn branches<'a>(&'a self, node: &'a Value) -> Vec<&'a Value> {
        let node = self.resolve(node);
        let several = ["oneOf", "anyOf", "allOf"].iter().find_map(|it| node.get(it)?.as_array());
        match several {
            Some(several) => several
                .iter()
                .flat_map(|it| self.branches(it))
                .filter(|it| it.get("type").is_none_or(|it| it != "null"))
                .collect(),
            None => vec![node],
        }
    }

    /// The named properties of a node, of all its alternatives.
    fn properties<'a>(&'a self, node: &'a Value) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let objects = self.branches(node).into_iter();
        objects.filter_map(|it| it.get("properties").and_then(Value::as_object)).flat_map(Map::iter)
    }

    /// What a key of a table must be; through a list to its elements.
    fn property<'a>(&'a self, node: &'a Value, name: &str) -> Option<&'a Value> {
        let named = self.properties(node).find(|it| it.0 == name).map(|it| it.1);
        named.or_else(|| {
            self.branches(node).into_iter().find_map(|it| match it.get("items") {
                Some(items) => self.property(items, name),
                None => it.get("additionalProperties").filter(|it| it.is_object()),
            })
        })
    }

    /// What a key of a table must be that may have dots: `metric.kind`.
    fn dotted<'a>(&'a self, node: &'a Value, key: &str) -> Option<&'a Value> {
        place::split(key).iter().try_fold(node, |node, name| self.property(node, name))
    }

    /// What stands at a path of keys; of a list, its elements.
    fn at<'a>(&'a self, path: &[String]) -> Option<&'a Value> {
        let node = path.iter().try_fold(&self.root, |node, name| self.property(node, name))?;
        Some(self.branches(node).into_iter().find_map(|it| it.get("items")).unwrap_or(node))
    }

    fn is(&self, node: &Value, kind: &str) -> bool {
        self.branches(node).into_iter().any(|it| words::types(it).any(|it| it == kind))
    }
}
