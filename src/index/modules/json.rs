//! JSON with comments, its members in the order in which they are written: conditions of `exports` depend on it.

use jsonc_parser::{JsonValue, ParseOptions, parse_to_value};

/// A value of a configuration file. Numbers and booleans say nothing here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
    Null,
    Other,
}

impl Json {
    /// Reads a file's text; one that is no JSON says nothing.
    pub(super) fn parse(text: &str) -> Option<Json> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        parse_to_value(text, &ParseOptions::default()).ok()?.map(Json::from)
    }

    /// A member of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members of a map; nothing has none.
    pub(super) fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Map(members) => members,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or the one that stands for a list of one.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Json::Text(text) => vec![text.clone()],
            Json::List(list) => list.iter().filter_map(Json::text).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

impl From<JsonValue<'_>> for Json {
    fn from(value: JsonValue<'_>) -> Json {
        match value {
            JsonValue::String(text) => Json::Text(text.into_owned()),
            JsonValue::Array(list) => Json::List(list.into_iter().map(Json::from).collect()),
            JsonValue::Object(members) => {
                Json::Map(members.into_iter().map(|(key, value)| (key.into_owned(), value.into())).collect())
            }
            JsonValue::Null => Json::Null,
            JsonValue::Number(_) | JsonValue::Boolean(_) => Json::Other,
        }
    }
}
