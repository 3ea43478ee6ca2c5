//! Settings, their schema, their documentation and the VS Code extension say the same. `UPDATE=1` writes what is
//! generated.

use std::fs;
use std::path::{Path, PathBuf};

use flagline::config::{file, settings};
use flagline::feature::brief;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares a file with what it should be, or writes it.
fn same(path: &str, expected: &str) {
    let full = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&full, expected).unwrap();
    }
    let found = fs::read_to_string(&full).unwrap_or_default();
    assert!(found == expected, "{path} is not what the types say; run UPDATE=1 cargo test --test settings");
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(file::schema().json()).unwrap();
    same("docs/flagline.schema.json", &(schema + "\n"));
    let schema = serde_json::to_string_pretty(brief::schema().json()).unwrap();
    same("docs/brief.schema.json", &(schema + "\n"));
}

#[test]
fn the_documentation_lists_every_setting() {
    let text = fs::read_to_string(root().join("docs/settings.md")).unwrap();
    let text = between(&text, "flagline.toml", &table(file::schema().json(), ""));
    let text = between(&text, "editor", &table(settings::schema().json(), ""));
    same("docs/settings.md", &text);
    let text = fs::read_to_string(root().join("docs/briefs.md")).unwrap();
    same("docs/briefs.md", &between(&text, "brief", &table(brief::schema().json(), "")));
}

/// Replaces what stands between the marks of a generated part.
fn between(text: &str, mark: &str, generated: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let start = text.find(&begin).expect("the mark is there") + begin.len();
    let stop = text.find(&end).expect("the end mark is there");
    format!("{}{generated}{}", &text[..start], &text[stop..])
}

fn table(root: &Value, path: &str) -> String {
    let mut rows = String::from("| setting | values | default | |\n| --- | --- | --- | --- |\n");
    rows_of(root, root, path, &mut rows);
    rows
}

/// A row for each property, and for those inside of tables and lists of tables.
fn rows_of(root: &Value, node: &Value, path: &str, rows: &mut String) {
    for (name, property) in node["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let target = resolved(root, property);
        let meaning = property.get("description").or(target.get("description")).and_then(Value::as_str);
        let default = property
            .get("default")
            .filter(|it| !it.is_null() && !it.is_object() && **it != Value::Array(vec![]));
        let default = default.map(|it| format!("`{it}`")).unwrap_or_default();
        let meaning = meaning.unwrap_or_default().replace(['\n', '|'], " ");
        rows.push_str(&format!("| `{path}` | {} | {default} | {meaning} |\n", values(root, property)));
        for inner in inner(root, property) {
            let step = if property.get("additionalProperties").is_some() { ".NAME" } else { "" };
            rows_of(root, inner, &format!("{path}{step}"), rows);
        }
    }
}

fn resolved<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let pointer = |it: &'a Value| it["$ref"].as_str().and_then(|it| root.pointer(it.strip_prefix('#')?));
    pointer(node).unwrap_or(node)
}

/// The alternatives of a node, `null` left out.
fn branches<'a>(root: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let node = resolved(root, node);
    match node.get("anyOf").or(node.get("oneOf")).and_then(Value::as_array) {
        Some(several) => {
            several.iter().flat_map(|it| branches(root, it)).filter(|it| it["type"] != "null").collect()
        }
        None => vec![node],
    }
}

/// Tables inside of a node: its own, those of its list, those of a map.
fn inner<'a>(root: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let own = branches(root, node).into_iter();
    own.flat_map(|it| match (it.get("items"), it.get("additionalProperties").filter(|it| it.is_object())) {
        (Some(items), _) => branches(root, items),
        (_, Some(others)) => branches(root, others),
        _ => vec![it],
    })
    .filter(|it| it.get("properties").is_some())
    .collect()
}

fn values(root: &Value, node: &Value) -> String {
    let mut words: Vec<String> = Vec::new();
    for it in branches(root, node) {
        let choices = it["enum"].as_array().into_iter().flatten().chain(it.get("const"));
        let choices: Vec<String> = choices.map(|it| format!("`{it}`")).collect();
        let kind = it["type"]
            .as_str()
            .or_else(|| it["type"].as_array()?.iter().find_map(|it| it.as_str().filter(|it| *it != "null")));
        let range = match (it["minimum"].as_u64(), it["maximum"].as_u64()) {
            (Some(least), Some(most)) => format!(" {least} to {most}"),
            _ => String::new(),
        };
        match kind {
            _ if !choices.is_empty() => words.extend(choices),
            Some("array") => words.push(format!(
                "list of {}",
                values(root, &it["items"]).replacen("table", "tables", 1).replacen("number", "numbers", 1)
            )),
            Some("integer") => words.push(format!("whole number{range}")),
            Some("string") => words.push("text".into()),
            Some("boolean") => words.push("`true`, `false`".into()),
            Some("object") => words.push("table".into()),
            Some(other) => words.push(format!("{other}{range}")),
            None => words.push("anything".into()),
        }
    }
    words.dedup();
    words.join(", ")
}

#[test]
fn vs_code_has_the_same_settings() {
    let package = fs::read_to_string(root().join("editors/vscode/package.json")).unwrap();
    let package: Value = serde_json::from_str(&package).unwrap();
    let theirs = package["contributes"]["configuration"]["properties"].as_object().unwrap();
    let schema = settings::schema().json();
    // One is for clients, not for people; two are the client's own.
    let ours = schema["properties"].as_object().unwrap().iter().filter(|it| it.0 != "readOnly");
    let mut expected: Vec<String> = ours.clone().map(|it| format!("flagline.{}", it.0)).collect();
    expected.extend(["flagline.path".to_owned(), "flagline.trace.server".to_owned()]);
    expected.sort();
    let mut found: Vec<&String> = theirs.keys().collect();
    found.sort();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    for (name, ours) in ours {
        let theirs = &theirs[&format!("flagline.{name}")];
        let words =
            theirs["markdownDescription"].as_str().or(theirs["description"].as_str()).unwrap_or_default();
        assert!(words.len() > 20, "{name} is not described");
        let default = |it: &Value| Some(it["default"].clone()).filter(|it| !it.is_null() && *it != "");
        assert_eq!(default(theirs), default(ours), "{name}");
        assert_eq!((&theirs["minimum"], &theirs["maximum"]), (&ours["minimum"], &ours["maximum"]), "{name}");
        let choices: Vec<&Value> = branches(schema, ours).iter().filter_map(|it| it.get("const")).collect();
        let offered: Vec<&Value> = theirs["enum"].as_array().into_iter().flatten().collect();
        assert_eq!(offered, choices, "{name}");
    }
}
