//! `.posthog.json`, the settings of PostHog's own extension: three of its keys count here too.

use serde_json::Value;

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
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => {
            let line =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
            let at = (line + error.column().saturating_sub(1)).min(text.len());
            let at = (0..=at).rev().find(|it| text.is_char_boundary(*it)).unwrap_or_default();
            let problem = FileProblem { span: at..at, message: error.to_string() };
            return (PostHogJson::default(), vec![problem]);
        }
    };
    let mut problems = Vec::new();
    let span = |key: &str| {
        let at = text.find(&format!("\"{key}\"")).unwrap_or_default();
        at..(at + key.len() + 2).min(text.len())
    };
    let mut tell = |key: &str, message: String| problems.push(FileProblem { span: span(key), message });
    let project = match &value["projectId"] {
        Value::Null => None,
        Value::Number(it) if it.as_u64().is_some() => it.as_u64(),
        Value::String(it) if it.trim().parse::<u64>().is_ok() => it.trim().parse().ok(),
        other => {
            tell("projectId", not_a_project(other));
            None
        }
    };
    let mut names = |key: &str| match &value[key] {
        Value::Null => Vec::new(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        }
        _ => {
            tell(key, "expected a list of names".into());
            Vec::new()
        }
    };
    let (client_names, wrapper_names) = (names("additionalClientNames"), names("additionalFlagFunctions"));
    (PostHogJson { project, client_names, wrapper_names }, problems)
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
}
