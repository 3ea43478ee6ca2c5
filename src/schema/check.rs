use std::ops::Range;

use regex::Regex;
use serde_json::{Map, Value};

use super::words::{choices, either, expected, similar, types};
use super::{Content, Entry, Node, Schema};

/// Something that a document must not say, or must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Range<usize>,
    /// The keys that lead there; elements of a list by their index.
    pub path: Vec<String>,
    /// What is wrong and what is right, for a person.
    pub message: String,
}

/// Holds a document against a schema: all problems, by place.
pub fn check(schema: &Schema, document: &Node) -> Vec<Problem> {
    let mut checker = Checker { schema, path: Vec::new(), problems: Vec::new() };
    checker.node(&schema.root, document, &document.span);
    let mut problems = checker.problems;
    problems.sort_by_key(|it| it.span.start);
    problems
}

/// Problems that get a suggestion: nobody reads more, and looking for what is similar takes its time.
const HELPED: usize = 200;

struct Checker<'a> {
    schema: &'a Schema,
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    fn tell(&mut self, span: &Range<usize>, message: String) {
        self.problems.push(Problem { span: span.clone(), path: self.path.clone(), message });
    }

    fn at(&mut self, step: impl Into<String>, check: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        check(self);
        self.path.pop();
    }

    /// `named` is where to point at when a whole table is wrong: its key.
    fn node(&mut self, schema: &'a Value, node: &Node, named: &Range<usize>) {
        let branches = self.schema.branches(schema);
        let Some(branch) = best(&branches, node) else {
            let message = self.wrong(schema, node);
            let span = if matches!(node.content, Content::Table(_)) { named } else { &node.span };
            return self.tell(span, message);
        };
        match &node.content {
            Content::Table(entries) if entries.is_empty() && n_tables(&branches) > 1 => {
                let keys: Vec<String> = self.schema.properties(schema).map(|it| it.0.clone()).collect();
                let message = format!("expected {} with {}", expected(self.schema, schema), either(&keys));
                self.tell(named, message);
            }
            Content::Table(entries) => self.table(schema, branch, entries, named),
            Content::List(list) => self.list(branch, list),
            Content::Integer(it) => self.number(branch, *it as f64, &node.span),
            Content::Float(it) => self.number(branch, *it, &node.span),
            Content::String(it) => self.text(branch, it, &node.span),
            Content::Boolean(_) | Content::Other(_) => {}
        }
    }

    fn wrong(&self, schema: &Value, node: &Node) -> String {
        let expected = expected(self.schema, schema);
        let choices = choices(self.schema, schema);
        match &node.content {
            Content::String(text) if !choices.is_empty() => {
                match similar(text, choices.into_iter().map(|it| it.0)) {
                    Some(near) => format!("expected {expected}; did you mean \"{near}\"?"),
                    None => format!("expected {expected}, not \"{text}\""),
                }
            }
            // `[wrapper]` for `[[wrapper]]`.
            Content::Table(_) if holds_tables(self.schema, schema) => {
                "expected a list of tables: their headers have two brackets, [[...]]".into()
            }
            other => format!("expected {expected}, not {}", name(other)),
        }
    }

    fn number(&mut self, schema: &Value, number: f64, span: &Range<usize>) {
        // TOML has words for these, and JSON has none: a type would take them for nothing at all.
        if !number.is_finite() {
            return self.tell(span, format!("expected a number, not {}", number.to_string().to_lowercase()));
        }
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let low = bound("minimum").is_some_and(|it| number < it)
            || bound("exclusiveMinimum").is_some_and(|it| number <= it);
        if low || bound("maximum").is_some_and(|it| number > it) {
            let expected = expected(self.schema, schema);
            self.tell(span, format!("expected {expected}, not {number}"));
        }
    }

    fn text(&mut self, schema: &Value, text: &str, span: &Range<usize>) {
        let pattern = schema.get("pattern").and_then(Value::as_str).and_then(|it| Regex::new(it).ok());
        if pattern.is_some_and(|it| !it.is_match(text)) {
            let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
            let examples: Vec<String> = examples.map(Value::to_string).collect();
            self.tell(span, format!("expected text like {}, not \"{text}\"", either(&examples)));
        }
    }

    fn list(&mut self, schema: &'a Value, list: &[Node]) {
        let Some(items) = schema.get("items") else { return };
        for (at, node) in list.iter().enumerate() {
            self.at(at.to_string(), |it| it.node(items, node, &node.span));
        }
    }

    fn table(&mut self, whole: &'a Value, branch: &'a Value, entries: &[Entry], named: &Range<usize>) {
        let of_branch = branch.get("properties").and_then(Value::as_object);
        let others = branch.get("additionalProperties");
        let mut has_unknown = false;
        for entry in entries {
            let known = of_branch.and_then(|it| it.get(&entry.key)).or(others.filter(|it| it.is_object()));
            match known {
                Some(schema) => {
                    self.at(&entry.key, |it| it.node(schema, &entry.value, &entry.key_span));
                }
                None if others == Some(&Value::Bool(false)) => {
                    has_unknown = true;
                    let message = self
                        .both(whole, of_branch, entries, &entry.key)
                        .unwrap_or_else(|| self.unknown(whole, &entry.key));
                    self.at(&entry.key, |it| it.tell(&entry.key_span, message));
                }
                None => {}
            }
        }
        if has_unknown {
            // What is missing may be what is misspelt.
            return;
        }
        let required = branch.get("required").and_then(Value::as_array).into_iter().flatten();
        for missing in required.filter_map(Value::as_str).filter(|it| !entries.iter().any(|e| e.key == **it))
        {
            self.tell(named, format!("{missing} is missing"));
        }
    }

    /// What is wrong with a key that is right without another one that stands beside it.
    fn both(
        &self,
        schema: &'a Value,
        of_branch: Option<&Map<String, Value>>,
        entries: &[Entry],
        key: &str,
    ) -> Option<String> {
        let known: Vec<String> = self.schema.properties(schema).map(|it| it.0.clone()).collect();
        if !known.iter().any(|it| it == key) {
            return None;
        }
        let other = entries.iter().find(|it| of_branch.is_some_and(|of| of.contains_key(&it.key)))?;
        Some(format!("one of {}: {} and {key} both stand here", either(&known), other.key))
    }

    fn unknown(&self, schema: &'a Value, key: &str) -> String {
        if self.problems.len() > HELPED {
            return format!("no such key: {key}");
        }
        let known: Vec<&str> = self.schema.properties(schema).map(|it| it.0.as_str()).collect();
        match similar(key, known.iter().copied()) {
            Some(near) => format!("no such key: {key}; did you mean {near}?"),
            None => {
                let known: Vec<String> = known.into_iter().map(str::to_owned).collect();
                format!("no such key: {key}; there are {}", either(&known).replace(" or ", " and "))
            }
        }
    }
}

/// The alternative that a value means: of its type, and of tables the one that knows a key of it.
fn best<'a>(branches: &[&'a Value], node: &Node) -> Option<&'a Value> {
    let fitting: Vec<&'a Value> = branches.iter().copied().filter(|it| fits(it, node)).collect();
    let knows = |it: &&Value| {
        let properties = it.get("properties").and_then(Value::as_object);
        properties.is_some_and(|it| node.entries().iter().any(|entry| it.contains_key(&entry.key)))
    };
    fitting.iter().copied().find(knows).or(fitting.first().copied())
}

/// How many of the alternatives are tables.
fn n_tables(branches: &[&Value]) -> usize {
    branches.iter().filter(|it| types(it).any(|kind| kind == "object")).count()
}

fn fits(schema: &Value, node: &Node) -> bool {
    if let Content::String(text) = &node.content {
        let constant = schema.get("const").is_none_or(|it| it == text.as_str());
        let listed = schema.get("enum").and_then(Value::as_array);
        if !constant || listed.is_some_and(|it| !it.iter().any(|it| it == text.as_str())) {
            return false;
        }
    }
    let mut types = types(schema).peekable();
    let kinds: &[&str] = match &node.content {
        Content::String(_) => &["string"],
        Content::Integer(_) => &["integer", "number"],
        Content::Float(_) => &["number"],
        Content::Boolean(_) => &["boolean"],
        // TOML has dates of its own; they are read as the text that they are.
        Content::Other(_) if schema.get("format").is_some_and(|it| it == "date") => &["string"],
        Content::Other(_) => &[],
        Content::List(_) => &["array"],
        Content::Table(_) => &["object"],
    };
    types.peek().is_none() || types.any(|it| kinds.contains(&it))
}

/// Whether what is expected is a list of tables.
fn holds_tables(schema: &Schema, node: &Value) -> bool {
    node.get("items").is_some_and(|it| expected(schema, it) == "a table")
}

fn name(content: &Content) -> &'static str {
    match content {
        Content::String(_) => "text",
        Content::Integer(_) | Content::Float(_) => "a number",
        Content::Boolean(_) => "true or false",
        Content::Other(_) => "this",
        Content::List(_) => "a list",
        Content::Table(_) => "a table",
    }
}
