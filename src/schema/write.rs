/// A basic string of TOML: JSON's, but for one character that TOML wants escaped.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
