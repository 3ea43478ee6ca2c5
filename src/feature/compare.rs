//! Whether what is there is what is wanted. Servers add fields of their own, so only what is wanted is looked at.

use serde_json::Value;

/// The paths at which what is there is not what is wanted; none when all of it is there.
pub(crate) fn differences(wanted: &Value, found: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    compare("", wanted, found, &mut paths);
    paths
}

fn compare(path: &str, wanted: &Value, found: &Value, paths: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(wanted), _) => {
            for (name, value) in wanted {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&below, value, found.get(name).unwrap_or(&Value::Null), paths);
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (at, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{path}[{at}]"), wanted, found, paths);
            }
        }
        _ if same(wanted, found) => {}
        _ => paths.push(path.to_owned()),
    }
}

fn same(wanted: &Value, found: &Value) -> bool {
    let numbers = wanted.as_f64().zip(found.as_f64());
    let is_nothing = |it: &Value| match it {
        Value::Null => true,
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
        Value::String(it) => it.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    numbers.map_or(wanted == found, |(a, b)| a == b) || (is_nothing(wanted) && is_nothing(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_wanted_counts() {
        let wanted =
            json!({"name": "a", "query": {"kind": "X", "series": [{"event": "e", "math": null}]}, "n": 2});
        for (found, expect) in [
            (
                json!({"name": "a", "query": {"kind": "X", "version": 2, "series": [{"event": "e"}]}, "n": 2.0}),
                vec![],
            ),
            (json!({"name": "b", "query": {"kind": "X", "series": [{"event": "e"}]}, "n": 2}), vec!["name"]),
            (json!({"name": "a", "query": {"kind": "X", "series": []}, "n": 2}), vec!["query.series"]),
            (
                json!({"name": "a", "query": {"kind": "X", "series": [{"event": "f"}]}}),
                vec!["n", "query.series[0].event"],
            ),
            (json!({"name": "a", "n": 2}), vec!["query.kind", "query.series"]),
        ] {
            assert_eq!(differences(&wanted, &found), expect, "{found}");
        }
    }
}
