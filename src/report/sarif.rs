//! SARIF 2.1.0, as GitHub's code scanning and others read it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::path::Path;
use url::Url;

use super::codes::describe;
use super::findings::{Elsewhere, FindingRow, Report};
use super::reads::Place;
use crate::analysis::Severity;
use crate::config::Rule;

/// What a part of a path is written in: all but what RFC 3986 lets stand in every part of a relative path. A colon
/// may not stand in its first one, where it would end a scheme.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// What paths are relative to; viewers ask for it by this name.
const ROOT: &str = "%SRCROOT%";

impl Report {
    /// One run with all findings; `root` is what their paths are relative to.
    pub fn sarif(&self, root: &Path) -> Value {
        let mut run = json!({
            "tool": { "driver": {
                "name": "Flagline",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "columnKind": "unicodeCodePoints",
            "results": self.findings.iter().map(result).collect::<Vec<_>>(),
        });
        if let Ok(uri) = Url::from_directory_path(root) {
            run["originalUriBaseIds"] = json!({ ROOT: { "uri": uri.as_str() } });
        }
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [run],
        })
    }
}

fn rule(rule: Rule) -> Value {
    let (short, help) = describe(rule);
    json!({
        "id": rule.name(),
        "name": pascal_case(rule.name()),
        "shortDescription": { "text": short },
        "fullDescription": { "text": format!("{short}. {help}") },
        "help": { "text": help },
        "properties": { "tags": ["feature-flags"] },
    })
}

fn result(finding: &FindingRow) -> Value {
    let place = &finding.place;
    let text = match &finding.link {
        Some(link) => format!("{}.\n{link}", finding.sentence()),
        None => finding.sentence(),
    };
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": message(&text) },
        "locations": [location(place, &finding.file)],
        // GitHub's upload adds its own beside it, made of the line's text, and complains of any other by that name.
        "partialFingerprints": { "flaglineIdentity/v1": finding.identity().fingerprint() },
        "properties": { "key": finding.key, "link": finding.link },
    });
    if let Some(index) = Rule::ALL.iter().position(|it| it.name() == finding.code) {
        result["ruleIndex"] = index.into();
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().zip(1..).map(|(it, id)| related(it, id));
        result["relatedLocations"] = related.collect();
    }
    result
}

fn related(Elsewhere { place, file }: &Elsewhere, id: usize) -> Value {
    let mut location = location(place, file);
    location["id"] = id.into();
    location["message"] = json!({ "text": "The flag is read here too" });
    location
}

fn location(place: &Place, file: &Path) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": artifact(&place.path, file),
        "region": {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        },
    }})
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information | Severity::Hint => "note",
    }
}

/// A file below the root by its relative path, any other by its full one.
fn artifact(path: &str, file: &Path) -> Value {
    let is_below = !path.starts_with("../") && !Path::new(path).is_absolute();
    match Url::from_file_path(file) {
        Ok(uri) if !is_below => json!({ "uri": uri.as_str() }),
        _ => json!({ "uri": utf8_percent_encode(path, ENCODED).to_string(), "uriBaseId": ROOT }),
    }
}

/// Text without what SARIF takes for a link or a placeholder (3.11.5 and 3.11.6 of the standard).
fn message(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => result.push('\\'),
            '{' | '}' => result.push(c),
            _ => {}
        }
        result.push(c);
    }
    result
}

/// `unknown-flag` as `UnknownFlag`.
fn pascal_case(code: &str) -> String {
    let word = |it: &str| {
        let (first, rest) = it.split_at(it.chars().next().map_or(0, char::len_utf8));
        first.to_uppercase() + rest
    };
    code.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        for (path, expected) in [
            ("src/a.ts", "src/a.ts"),
            ("my app/[id]/(shop)/+page.ts", "my%20app/%5Bid%5D/(shop)/+page.ts"),
            ("a:b/100%.ts", "a%3Ab/100%25.ts"),
            ("é🎉?#\".ts", "%C3%A9%F0%9F%8E%89%3F%23%22.ts"),
        ] {
            assert_eq!(utf8_percent_encode(path, ENCODED).to_string(), expected);
        }
    }

    #[test]
    fn messages_hold_no_links_and_no_placeholders() {
        for (text, expected) in [
            ("no flag 'x'", "no flag 'x'"),
            ("no flag '[x](1)'", r"no flag '\[x\](1)'"),
            ("{0} \\", r"{{0}} \\"),
        ] {
            assert_eq!(message(text), expected);
        }
    }

    #[test]
    fn names_of_rules() {
        assert_eq!(pascal_case("secret-in-code"), "SecretInCode");
        assert_eq!(pascal_case("-ä"), "Ä");
    }
}
