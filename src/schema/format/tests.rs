use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// Each `fixtures/briefs/format/NAME.toml` beside what becomes of it; `UPDATE=1` writes that.
#[test]
fn documents_are_laid_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/briefs/format");
    let mut n_files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".out.toml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let got = format(&text).unwrap_or_else(|| "# refused\n".into());
        let expected = path.with_extension("out.toml");
        if std::env::var_os("UPDATE").is_some_and(|it| it == "1") {
            fs::write(&expected, &got).unwrap();
        }
        let expect = fs::read_to_string(&expected).unwrap_or_default();
        assert!(got == expect, "{} differs; what came out:\n{got}", expected.display());
        assert_eq!(applied(&text, &got), got, "{}", path.display());
        n_files += 1;
    }
    assert!(n_files >= 3);
}

/// The text after the edits that make `after` of it.
fn applied(before: &str, after: &str) -> String {
    let mut text = before.to_owned();
    for (range, with) in differing_lines(before, after).into_iter().rev() {
        text.replace_range(range, &with);
    }
    text
}

#[test]
fn what_is_no_toml_is_left_alone() {
    for text in ["key = ", "[a\n", "a = 1\na = 2\n", "a = 1 b = 2", "x"] {
        assert_eq!(format(text), None, "{text}");
    }
}

#[test]
fn the_ends_of_lines_stay_as_they_are() {
    assert_eq!(
        format("\u{feff}a=1\r\n\r\n\r\n[b]\r\nc  =\"\"\"x\r\n  y\"\"\""),
        Some("\u{feff}a = 1\r\n\r\n[b]\r\nc = \"\"\"x\r\n  y\"\"\"\r\n".into())
    );
    assert_eq!(format("a=1\r\nb=2\n"), None, "of two kinds, which one is meant?");
    assert_eq!(format(""), Some(String::new()));
    assert_eq!(format("\n\n"), Some(String::new()));
    assert_eq!(format("# alone"), Some("# alone\n".into()));
}

#[test]
fn edits_are_lines_that_differ() {
    let before = "a=1\nb = 2\nc=3";
    let after = format(before).unwrap();
    let edits = differing_lines(before, &after);
    assert_eq!(edits, [(0..4, "a = 1\n".to_owned()), (10..13, "c = 3\n".to_owned())]);
    assert_eq!(differing_lines(&after, &after), []);
}

/// Lines of documents, right and wrong, as people leave them.
fn line() -> impl Strategy<Value = String> {
    let space = || prop::sample::select(vec!["", " ", "  ", "\t"]);
    let key = prop::sample::select(vec!["a", "b", "c", "d", "\"e f\"", "g.h", "g . i", "'j'"]);
    let value = prop::sample::select(vec![
        "1",
        "\"x # y\"",
        "[]",
        "[1,2 ,3]",
        "[ 1, # one\n# two\n\n\n2\n]",
        "[1,\n2,\n]",
        "[[1, 2],\n [3]]",
        "[{a=1},{ b.c = 2 }]",
        "{}",
        "{ a=1, b = [ 1,2 ] }",
        "{a.b=1,a.c=2}",
        "\"\"\"x\n  y \n\"\"\"",
        "2027-02-28",
        "1.5",
        "[1 # why\n, 2]",
        "[1, 2 # why\n]",
        "[1\n, 2]",
    ]);
    let header =
        prop::sample::select(vec!["[p]", "[ p.q ]", "[[r]]", "[[ r . s ]]", "[t.u.v]", "[w]", "[r.x]"]);
    let remark = prop::sample::select(vec!["", "", "# ü", " #x "]);
    let pair = (space(), key, space(), space(), value, space(), remark.clone())
        .prop_map(|(a, key, b, c, value, d, remark)| format!("{a}{key}{b}={c}{value}{d}{remark}"));
    let header = (space(), header, space(), remark.clone())
        .prop_map(|(a, it, b, remark)| format!("{a}{it}{b}{remark}"));
    let other = (space(), remark).prop_map(|(a, it)| format!("{a}{it}"));
    prop_oneof![4 => pair, 2 => header, 3 => other]
}

/// Every comment, in their order.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|it| Some(it[it.rfind('#')?..].trim())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn the_document_stays_the_same_and_is_laid_out_once(lines in prop::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        let is_document = text.parse::<DocumentMut>().is_ok();
        match format(&text) {
            None => prop_assert!(!is_document || Node::from_toml(&text).1.is_empty()),
            Some(formatted) => {
                prop_assert!(is_document);
                prop_assert_eq!(Node::from_toml(&formatted).0.to_json(), Node::from_toml(&text).0.to_json());
                prop_assert_eq!(comments(&formatted), comments(&text));
                prop_assert_eq!(applied(&text, &formatted), formatted.clone());
                prop_assert_eq!(format(&formatted), Some(formatted.clone()));
            }
        }
    }

    #[test]
    fn only_what_cannot_be_kept_is_refused(lines in prop::collection::vec(line(), 0..8)) {
        let text = lines.join("\n");
        // Keys with dots that are torn apart would come together.
        let is_document = text.parse::<DocumentMut>().is_ok() && !text.contains("g.") && !text.contains("g .") && !text.contains("[r.x]");
        prop_assert_eq!(is_document && format(&text).is_none(), false, "{}", text);
    }
}
