//! `.posthog.json`, the settings of PostHog's own extension: three of its keys count here too.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use super::FileProblem;
use super::host::not_a_project;

/// The name of the file, in a root or in a folder above it.
pub const FILE_NAME: &str = ".posthog.json";

/// What is taken from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostHogJson {
    /// `projectId`.
    pub project: Option<u64>,
    /// `additionalClientNames`.
    pub client_names: Vec<String>,
    /// `additionalFlagFunctions`.
    pub wrapper_names: Vec<String>,
}

/// Reads the file. Other keys are PostHog's business; what is wrong is told and left out.
pub fn read(text: &str) -> (PostHogJson, Vec<FileProblem>) {
    let values: HashMap<String, &RawValue> = match serde_json::from_str(text) {
        Ok(values) => values,
        Err(error) => return (PostHogJson::default(), vec![no_object(text, &error)]),
    };
    let mut problems = Vec::new();
    let mut tell = |raw: &RawValue, message: String| {
        problems.push(FileProblem { span: key_of(text, raw), message });
    };
    let project = values.get("projectId").and_then(|raw| match value(raw) {
        Value::Null => None,
        Value::Number(it) if it.is_u64() => it.as_u64(),
        Value::String(it) if it.trim().parse::<u64>().is_ok() => it.trim().parse().ok(),
        other => {
            tell(raw, not_a_project(other));
            None
        }
    });
    let mut names = |key: &str| match values.get(key).map(|raw| (raw, serde_json::from_str(raw.get()))) {
        None => Vec::new(),
        Some((_, Ok(names))) => Option::<Vec<String>>::unwrap_or_default(names),
        Some((raw, Err(_))) => {
            tell(raw, "expected a list of names".into());
            Vec::new()
        }
    };
    let (client_names, wrapper_names) = (names("additionalClientNames"), names("additionalFlagFunctions"));
    problems.sort_by_key(|it| it.span.start);
    (PostHogJson { project, client_names, wrapper_names }, problems)
}

/// Why a text is no JSON object.
fn no_object(text: &str, error: &serde_json::Error) -> FileProblem {
    if error.is_data() {
        let start = text.len() - text.trim_start().len();
        let message = "expected an object, such as { \"projectId\": 1 }".into();
        return FileProblem { span: start..text.trim_end().len(), message };
    }
    let line = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let at = text.floor_char_boundary(line + error.column().saturating_sub(1));
    FileProblem { span: at..at, message: error.to_string() }
}

fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Where the key of a value stands, quotes included: before the value, since the same words may stand elsewhere too.
fn key_of(text: &str, value: &RawValue) -> Range<usize> {
    // The value is a piece of the text.
    let start = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..start).unwrap_or_default().trim_end().trim_end_matches(':').trim_end();
    let inside = before.strip_suffix('"').unwrap_or(before);
    inside.rfind('"').unwrap_or_default()..before.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_keys_count_and_the_rest_is_left_alone() {
        let (it, problems) = read(
            r#"{"projectId": "42", "additionalClientNames": ["analytics"], "additionalFlagFunctions": ["useFlag"], "x": 1}"#,
        );
        assert!(problems.is_empty());
        assert_eq!(it.project, Some(42));
        assert_eq!((it.client_names[0].as_str(), it.wrapper_names[0].as_str()), ("analytics", "useFlag"));
    }

    #[test]
    fn what_is_wrong_is_told_at_its_place() {
        let text = "{\"projectId\": [],\n \"additionalClientNames\": \"ph\"}";
        let (it, problems) = read(text);
        assert_eq!(it, PostHogJson::default());
        let places: Vec<&str> = problems.iter().map(|it| &text[it.span.clone()]).collect();
        assert_eq!(places, ["\"projectId\"", "\"additionalClientNames\""]);
        let (_, problems) = read("{\n  \"projectId\": 1,,\n}");
        assert_eq!(problems[0].span.start, 19, "{problems:?}");
    }

    #[test]
    fn the_key_is_pointed_at_and_not_the_same_words_elsewhere() {
        let text = r#"{ "note": "\"projectId\": x", "deep": { "projectId": 1 }, "projectId" : "Offset" }"#;
        let (_, problems) = read(text);
        let at: Vec<usize> = problems.iter().map(|it| it.span.start).collect();
        assert_eq!(at, [text.rfind("\"projectId\"").unwrap()]);
        assert_eq!(&text[problems[0].span.clone()], "\"projectId\"");
    }

    #[test]
    fn what_is_no_object_is_told() {
        for text in ["[1]", " 7\n", "\"x\"", "null"] {
            let (it, problems) = read(text);
            assert_eq!(it, PostHogJson::default());
            assert_eq!(problems.len(), 1, "{text}");
            assert!(problems[0].message.starts_with("expected an object"), "{problems:?}");
            assert_eq!(&text[problems[0].span.clone()], text.trim());
        }
        assert_eq!(read("{}").1, []);
        assert_eq!(read(r#"{ "projectId": null, "additionalClientNames": null }"#).1, []);
    }
}
