//! Whether what is there is what is wanted. Servers add fields of their own, so only what is wanted is looked at.

use serde_json::Value;

/// Where what is there is not what is wanted, as `path: is → wanted`; nothing when all of it is there.
pub(crate) fn differences(wanted: &Value, found: &Value) -> Vec<String> {
    let mut told = Vec::new();
    compare("", wanted, found, &mut told);
    told
}

fn compare(path: &str, wanted: &Value, found: &Value, told: &mut Vec<String>) {
    match (wanted, found) {
        (Value::Object(wanted), _) => {
            for (name, value) in wanted {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&below, value, found.get(name).unwrap_or(&Value::Null), told);
            }
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            for (at, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                compare(&format!("{path}[{at}]"), wanted, found, told);
            }
        }
        _ if same(wanted, found) => {}
        // The address of a webhook is a secret.
        _ if path.split('.').any(|it| it == "url") => told.push(path.to_owned()),
        _ => told.push(format!("{path}: {} → {}", short(found), short(wanted))),
    }
}

/// Characters of a value that a person reads.
const MOST_SHOWN: usize = 40;

fn short(value: &Value) -> String {
    if is_nothing(value) {
        return "nothing".into();
    }
    let text = value.to_string();
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(it) => it.is_empty(),
        Value::Object(it) => it.is_empty(),
        Value::String(it) => it.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn same(wanted: &Value, found: &Value) -> bool {
    let numbers = wanted.as_f64().zip(found.as_f64());
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
            (
                json!({"name": "b", "query": {"kind": "X", "series": [{"event": "e"}]}, "n": 2}),
                vec!["name: \"b\" → \"a\""],
            ),
            (
                json!({"name": "a", "query": {"kind": "X", "series": []}, "n": 2}),
                vec!["query.series: nothing → [{\"event\":\"e\",\"math\":null}]"],
            ),
            (
                json!({"name": "a", "query": {"kind": "X", "series": [{"event": "f"}]}}),
                vec!["n: nothing → 2", "query.series[0].event: \"f\" → \"e\""],
            ),
            (
                json!({"name": "a", "n": 2}),
                vec![
                    "query.kind: nothing → \"X\"",
                    "query.series: nothing → [{\"event\":\"e\",\"math\":null}]",
                ],
            ),
        ] {
            assert_eq!(differences(&wanted, &found), expect, "{found}");
        }
    }

    #[test]
    fn long_values_are_cut_and_addresses_of_webhooks_are_not_shown() {
        let wanted =
            json!({"text": "ä".repeat(60), "inputs": {"url": {"value": "https://hooks.example/secret"}}});
        let told = differences(&wanted, &json!({"text": "short"}));
        assert_eq!(told, ["inputs.url.value".to_owned(), format!("text: \"short\" → \"{}…", "ä".repeat(39))]);
    }
}
