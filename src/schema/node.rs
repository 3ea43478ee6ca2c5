use std::ops::Range;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of a document, with the bytes where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands; empty when it came from no text.
    pub span: Range<usize>,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text.
    String(String),
    /// A number without a fraction.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// true or false.
    Boolean(bool),
    /// A date or time of TOML, or what nothing else holds.
    Other(String),
    /// Values in their order.
    List(Vec<Node>),
    /// Keys and values.
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// Its value.
    pub value: Node,
}

/// What makes a text no document at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub span: Range<usize>,
    /// The parser's words.
    pub message: String,
}

impl Node {
    /// Reads TOML. What can be understood is there even if something else cannot.
    pub fn from_toml(text: &str) -> (Node, Vec<SyntaxError>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let end = text.len();
        let errors = errors.into_iter().map(|it| {
            let span = it.span().unwrap_or(end..end);
            let start = span.start.min(end);
            SyntaxError { span: start..span.end.clamp(start, end), message: it.message().to_owned() }
        });
        let span = table.span();
        (Node { span, content: Content::Table(entries(table.get_ref())) }, errors.collect())
    }

    /// Takes JSON; `null` and keys that hold it are nothing.
    pub fn from_json(value: &Value) -> Node {
        let content = match value {
            Value::Null => Content::Other("null".into()),
            Value::Bool(it) => Content::Boolean(*it),
            Value::Number(it) => match it.as_i64() {
                Some(it) => Content::Integer(it),
                None => Content::Float(it.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(it) => Content::String(it.clone()),
            Value::Array(list) => Content::List(list.iter().map(Node::from_json).collect()),
            Value::Object(map) => Content::Table(
                map.iter()
                    .filter(|it| !it.1.is_null())
                    .map(|(key, it)| Entry { key: key.clone(), key_span: 0..0, value: Node::from_json(it) })
                    .collect(),
            ),
        };
        Node { span: 0..0, content }
    }

    /// As JSON, for a type to be made of it.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::String(it) | Content::Other(it) => it.as_str().into(),
            Content::Integer(it) => (*it).into(),
            Content::Float(it) => (*it).into(),
            Content::Boolean(it) => (*it).into(),
            Content::List(list) => list.iter().map(Node::to_json).collect(),
            Content::Table(entries) => {
                let pairs = entries.iter().map(|it| (it.key.clone(), it.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|it| it.key == key).map(|it| &it.value)
    }

    /// The value at a path of keys and list indexes.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match &node.content {
            Content::List(list) => list.get(step.parse::<usize>().ok()?),
            _ => node.get(step),
        })
    }

    /// Whether it is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self.content, Content::Boolean(true))
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::String(it) => Some(it),
            _ => None,
        }
    }

    /// Whether it is a list with nothing in it.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.content, Content::List(list) if list.is_empty())
    }

    /// A number, with a fraction or without.
    pub fn as_f64(&self) -> Option<f64> {
        match self.content {
            Content::Integer(it) => Some(it as f64),
            Content::Float(it) => Some(it),
            _ => None,
        }
    }

    /// The keys of a table.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list.
    pub fn elements(&self) -> &[Node] {
        match &self.content {
            Content::List(list) => list,
            _ => &[],
        }
    }
}

fn entries(table: &DeTable) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            value: value_of(value),
        })
        .collect();
    entries.sort_by_key(|it| it.key_span.start);
    entries
}

fn value_of(value: &Spanned<DeValue>) -> Node {
    let content = match value.get_ref() {
        DeValue::String(it) => Content::String(it.to_string()),
        DeValue::Integer(it) => match i64::from_str_radix(it.as_str(), it.radix()) {
            Ok(it) => Content::Integer(it),
            Err(_) => Content::Other(it.as_str().into()),
        },
        DeValue::Float(it) => match it.as_str().parse() {
            Ok(it) => Content::Float(it),
            Err(_) => Content::Other(it.as_str().into()),
        },
        DeValue::Boolean(it) => Content::Boolean(*it),
        DeValue::Datetime(it) => Content::Other(it.to_string()),
        DeValue::Array(list) => Content::List(list.iter().map(value_of).collect()),
        DeValue::Table(table) => Content::Table(entries(table)),
    };
    Node { span: value.span(), content }
}
