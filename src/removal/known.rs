//! What an expression gives once the flag is gone, and what operators make of it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::feature::Value;
use crate::syntax::Language;

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// A boolean, text, number, null or None, list or object.
    Json(Json),
    /// JavaScript's `undefined`.
    Undefined,
    /// Off in a map of flags: false, or not there at all.
    Falsy,
    /// What `getFeatureFlagResult` and its like give.
    Result(Kept),
    /// A payload that nobody told.
    UntoldPayload,
    /// An object that a function of one's own gives; these fields of it are known.
    Record(BTreeMap<String, Known>),
    /// An element `<PostHogFeature>`: what it shows is up to the flag.
    Feature(Kept),
    /// An object that stays where it is; these fields of it are known.
    Partly(BTreeMap<String, Known>),
    /// A decorator or middleware that only goes on to what it is put before.
    PassesOn,
    /// An element of a component that shows one of its properties, or else what stands there.
    Shows {
        /// The name of the property.
        property: String,
        /// As code, where the property is not given.
        otherwise: String,
    },
}

/// What a flag is taken to serve for ever.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Off, on, or a variant.
    pub value: Value,
    /// The payload of that value: `None` where nobody told whether there is one, JSON null where there is none.
    pub payload: Option<Json>,
}

impl Kept {
    /// A value whose payload nobody told.
    pub fn new(value: Value) -> Kept {
        Kept { value, payload: None }
    }

    /// Off, on or the variant, as the SDK's variant methods give it.
    pub(super) fn variant(&self) -> Known {
        match &self.value {
            Value::Off => Known::bool(false),
            Value::On => Known::bool(true),
            Value::Variant(key) => Known::text(key),
        }
    }

    /// Whether it is on, as the SDK's boolean methods say.
    pub(super) fn is_on(&self) -> Known {
        Known::bool(self.value != Value::Off)
    }

    /// The payload, as the SDK's payload methods give it.
    pub(super) fn payload(&self, language: Language) -> Known {
        match &self.payload {
            _ if self.value == Value::Off => nothing(language),
            Some(Json::Null) => nothing(language),
            Some(payload) => Known::Json(payload.clone()),
            None => Known::UntoldPayload,
        }
    }

    /// A field of the result object; `None` for what has no name in the SDKs.
    fn field(&self, name: &str, language: Language) -> Option<Known> {
        match name {
            "enabled" => Some(self.is_on()),
            "variant" => Some(match &self.value {
                Value::Variant(key) => Known::text(key),
                _ => nothing(language),
            }),
            "payload" => Some(self.payload(language)),
            _ => None,
        }
    }
}

/// What stands where there is nothing.
pub(super) fn nothing(language: Language) -> Known {
    match language {
        Language::Python => Known::Json(Json::Null),
        _ => Known::Undefined,
    }
}

impl Known {
    pub(super) fn bool(value: bool) -> Known {
        Known::Json(Json::Bool(value))
    }

    pub(super) fn text(value: &str) -> Known {
        Known::Json(Json::String(value.into()))
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Known::Json(Json::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether a condition holds by it; `None` where that cannot be told.
    pub(super) fn is_truthy(&self, language: Language) -> Option<bool> {
        Some(match self {
            Known::Undefined | Known::Falsy => false,
            Known::Result(_) | Known::Record(_) | Known::Partly(_) | Known::Feature(_) | Known::PassesOn => {
                true
            }
            Known::UntoldPayload | Known::Shows { .. } => return None,
            Known::Json(json) => match json {
                Json::Null => false,
                Json::Bool(it) => *it,
                Json::Number(it) => it.as_f64() != Some(0.0),
                Json::String(it) => !it.is_empty(),
                Json::Array(it) => language != Language::Python || !it.is_empty(),
                Json::Object(it) => language != Language::Python || !it.is_empty(),
            },
        })
    }

    /// Whether it is null, undefined or None.
    pub(super) fn is_nothing(&self) -> Option<bool> {
        match self {
            Known::Undefined | Known::Json(Json::Null) => Some(true),
            Known::Falsy | Known::UntoldPayload | Known::Shows { .. } => None,
            _ => Some(false),
        }
    }

    pub(super) fn is_bool(&self) -> bool {
        matches!(self, Known::Json(Json::Bool(_)))
    }

    /// Whether both are the same value. `loose` is JavaScript's `==`, which knows no difference between null and
    /// undefined; where it would convert, nothing is said.
    pub(super) fn equals(&self, other: &Known, loose: bool) -> Option<bool> {
        use Known::{Falsy, Feature, Partly, PassesOn, Record, Result, Shows, UntoldPayload};
        match (self, other) {
            (Record(_) | Partly(_) | Feature(_) | PassesOn | Shows { .. }, _)
            | (_, Record(_) | Partly(_) | Feature(_) | PassesOn | Shows { .. }) => None,
            (UntoldPayload, _) | (_, UntoldPayload) | (Result(_), Result(_)) | (Falsy, Falsy) => None,
            (Falsy, it) | (it, Falsy) => match it {
                Known::Undefined | Known::Json(Json::Bool(false) | Json::Null) => None,
                Known::Json(Json::Number(_)) if loose => None,
                Known::Json(Json::String(it)) if loose && it.is_empty() => None,
                _ => Some(false),
            },
            (Result(_), _) | (_, Result(_)) => Some(false),
            (a, b) => {
                let nothings = (a.is_nothing() == Some(true), b.is_nothing() == Some(true));
                match nothings {
                    (true, true) => Some(loose || a == b),
                    (true, false) | (false, true) => Some(false),
                    (false, false) => Known::same(a, b, loose),
                }
            }
        }
    }

    fn same(a: &Known, b: &Known, loose: bool) -> Option<bool> {
        let (Known::Json(a), Known::Json(b)) = (a, b) else { return None };
        match (a, b) {
            (Json::Array(_) | Json::Object(_), _) | (_, Json::Array(_) | Json::Object(_)) => None,
            (Json::Bool(_), Json::String(text)) | (Json::String(text), Json::Bool(_)) if loose => {
                // `true == 'x'` compares numbers; a text that is none equals nothing.
                let is_number = text.trim().is_empty() || text.trim().parse::<f64>().is_ok();
                (!is_number).then_some(false)
            }
            // Python's True is 1.
            (Json::Bool(_), Json::Number(_)) | (Json::Number(_), Json::Bool(_)) => None,
            (Json::Number(a), Json::Number(b)) => Some(a.as_f64() == b.as_f64()),
            _ if std::mem::discriminant(a) != std::mem::discriminant(b) && loose => None,
            (a, b) => Some(a == b),
        }
    }

    /// `a < b` and the like, of numbers.
    pub(super) fn is_ordered(&self, other: &Known, operator: &str) -> Option<bool> {
        let (Known::Json(Json::Number(a)), Known::Json(Json::Number(b))) = (self, other) else { return None };
        let (a, b) = (a.as_f64()?, b.as_f64()?);
        Some(match operator {
            "<" => a < b,
            ">" => a > b,
            "<=" => a <= b,
            _ => a >= b,
        })
    }

    /// `value.name`, `value['name']`.
    pub(super) fn field(&self, name: &str, language: Language) -> Option<Known> {
        match self {
            Known::Result(kept) => kept.field(name, language),
            Known::Record(fields) | Known::Partly(fields) => fields.get(name).cloned(),
            // Nuxt's composables give refs; a boolean or text has no field of that name.
            Known::Json(Json::Bool(_) | Json::String(_)) | Known::Falsy
                if name == "value" && language != Language::Python =>
            {
                Some(self.clone())
            }
            Known::Json(Json::Object(fields)) => match fields.get(name) {
                Some(it) => Some(Known::Json(it.clone())),
                // A method of every object or dictionary is no field.
                None if language == Language::Python || name.starts_with("to") => None,
                None => Some(Known::Undefined),
            },
            _ => None,
        }
    }

    /// `typeof value`.
    pub(super) fn type_name(&self) -> Option<&'static str> {
        match self {
            Known::Undefined => Some("undefined"),
            Known::Json(Json::Bool(_)) => Some("boolean"),
            Known::Json(Json::String(_)) => Some("string"),
            Known::Json(Json::Number(_)) => Some("number"),
            Known::Json(_) | Known::Result(_) | Known::Record(_) => Some("object"),
            _ => None,
        }
    }

    /// Whether it is an instance of one of Python's own types; `None` where that cannot be told.
    pub(super) fn is_of_python_type(&self, name: &str) -> Option<bool> {
        let Known::Json(json) = self else { return None };
        let types: &[&str] = match json {
            Json::Null => &["NoneType", "type(None)", "None"],
            Json::Bool(_) => &["bool", "int"],
            Json::Number(it) if it.is_f64() => &["float"],
            Json::Number(_) => &["int"],
            Json::String(_) => &["str"],
            Json::Array(_) => &["list"],
            Json::Object(_) => &["dict"],
        };
        let others = ["bytes", "complex", "frozenset", "set", "tuple"];
        let all = ["NoneType", "type(None)", "None", "bool", "int", "float", "str", "list", "dict"];
        let is_own = all.contains(&name) || others.contains(&name);
        is_own.then(|| types.contains(&name))
    }

    /// As text inside a template or f-string.
    pub(super) fn in_template(&self, language: Language) -> Option<String> {
        match self {
            Known::Json(Json::String(text)) => Some(text.clone()),
            Known::Json(Json::Bool(it)) if language == Language::Python => {
                Some(if *it { "True" } else { "False" }.into())
            }
            Known::Json(Json::Bool(it)) => Some(it.to_string()),
            Known::Json(Json::Number(it)) if it.is_i64() => Some(it.to_string()),
            _ => None,
        }
    }

    /// As code; `None` where it cannot be written down.
    pub(super) fn literal(&self, language: Language, quote: char) -> Option<String> {
        match self {
            Known::Undefined => Some("undefined".into()),
            Known::Falsy => Some(if language == Language::Python { "False" } else { "false" }.into()),
            Known::Json(json) => Some(match language {
                Language::Python => python(json, quote),
                _ => javascript(json, quote),
            }),
            _ => None,
        }
    }
}

fn quoted(text: &str, quote: char) -> String {
    let mut result = String::from(quote);
    for it in text.chars() {
        match it {
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\\' => result.push_str("\\\\"),
            it if it == quote => result.extend(['\\', it]),
            it if it.is_control() || matches!(it, '\u{2028}' | '\u{2029}') => {
                result.push_str(&format!("\\u{:04x}", u32::from(it)));
            }
            it => result.push(it),
        }
    }
    result.push(quote);
    result
}

fn javascript(json: &Json, quote: char) -> String {
    let list = |it: &Vec<Json>| it.iter().map(|it| javascript(it, quote)).collect::<Vec<_>>().join(", ");
    match json {
        Json::String(text) => quoted(text, quote),
        Json::Array(items) => format!("[{}]", list(items)),
        Json::Object(fields) if fields.is_empty() => "{}".into(),
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                let plain = name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
                    && name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
                    && name != "__proto__";
                let name = if plain { name.clone() } else { quoted(name, quote) };
                format!("{name}: {}", javascript(value, quote))
            };
            format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn python(json: &Json, quote: char) -> String {
    match json {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(it) => it.to_string(),
        Json::String(text) => quoted(text, quote),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(|it| python(it, quote)).collect::<Vec<_>>().join(", "))
        }
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                format!("{}: {}", quoted(name, quote), python(value, quote))
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(json: Json) -> Known {
        Known::Json(json)
    }

    #[test]
    fn equality_says_nothing_where_it_would_convert() {
        assert_eq!(of(json!(true)).equals(&of(json!("test")), true), Some(false));
        assert_eq!(of(json!(true)).equals(&of(json!("1")), true), None);
        assert_eq!(of(json!(true)).equals(&of(json!("1")), false), Some(false));
        assert_eq!(Known::Undefined.equals(&of(Json::Null), true), Some(true));
        assert_eq!(Known::Undefined.equals(&of(Json::Null), false), Some(false));
        assert_eq!(Known::Falsy.equals(&of(json!(false)), false), None);
        assert_eq!(Known::Falsy.equals(&of(json!("test")), false), Some(false));
    }

    #[test]
    fn empty_lists_hold_in_javascript_alone() {
        assert_eq!(of(json!([])).is_truthy(Language::TypeScript), Some(true));
        assert_eq!(of(json!([])).is_truthy(Language::Python), Some(false));
    }

    #[test]
    fn literals_are_code_of_the_language() {
        let payload = of(json!({ "max": 3, "dark-mode": true, "name": "it's\n" }));
        assert_eq!(
            payload.literal(Language::Tsx, '\'').unwrap(),
            r"{ 'dark-mode': true, max: 3, name: 'it\'s\n' }"
        );
        assert_eq!(
            payload.literal(Language::Python, '"').unwrap(),
            r#"{"dark-mode": True, "max": 3, "name": "it's\n"}"#
        );
    }

    #[test]
    fn a_result_has_the_fields_of_the_sdk() {
        let kept = Kept { value: Value::Variant("test".into()), payload: Some(Json::Null) };
        let result = Known::Result(kept);
        assert_eq!(result.field("variant", Language::Tsx), Some(of(json!("test"))));
        assert_eq!(result.field("enabled", Language::Python), Some(of(json!(true))));
        assert_eq!(result.field("payload", Language::Tsx), Some(Known::Undefined));
        assert_eq!(result.field("payload", Language::Python), Some(of(Json::Null)));
        assert_eq!(result.field("reason", Language::Tsx), None);
    }
}
