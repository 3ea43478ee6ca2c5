use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::posthog::Posthog;
use crate::terminal::tree;

pub fn sample_app() -> TempDir {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample-app");
    let files = ["src/Checkout.tsx", "src/Banner.tsx", "src/theme.ts", "server/gifts.py"];
    let texts: Vec<String> = files.iter().map(|it| fs::read_to_string(app.join(it)).unwrap()).collect();
    let files: Vec<(&str, &str)> = files.into_iter().zip(texts.iter().map(String::as_str)).collect();
    tree(&files)
}

/// Compares with a file of `fixtures/check`, or writes it when `UPDATE=1` stands in the environment. What differs
/// from run to run is replaced.
pub fn golden(name: &str, got: &str, posthog: &Posthog) {
    let mut got = got.replace(posthog.url(), "http://sandbox");
    for (varies, stands) in [
        (r#""semanticVersion": "[^"]+""#, r#""semanticVersion": "VERSION""#),
        (r"\d+ [A-Z][a-z]{2} 20\d\d", "DAY"),
        (r"\d+ days", "N days"),
        (r"as of (just now|\d+ s ago)", "as of AGE"),
        (r#""fetchedAt": "[^"]+""#, r#""fetchedAt": "TIME""#),
    ] {
        got = regex::Regex::new(varies).unwrap().replace_all(&got, stands).into_owned();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/check").join(name);
    if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &got).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), got, "{name}; UPDATE=1 accepts it");
}
