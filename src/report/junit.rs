use std::fmt::Write as _;

use super::findings::{FindingRow, Report};

impl Report {
    /// For whatever shows the results of tests: each finding is a test that failed, and without any, one passed.
    pub fn junit(&self) -> String {
        let n = self.findings.len();
        let counts = format!("tests=\"{}\" failures=\"{n}\" errors=\"0\"", n.max(1));
        let cases = match self.findings.is_empty() {
            true => "    <testcase classname=\"flagline\" name=\"no findings\"/>\n".to_owned(),
            false => self.findings.iter().map(case).collect(),
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"flagline\" {counts}>\n  \
             <testsuite name=\"flagline\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
        )
    }
}

/// Its names are those of the finding, not of its line, so that a history of tests follows it.
fn case(finding: &FindingRow) -> String {
    let (place, code) = (&finding.place, finding.code);
    let (path, message) = (escaped(&place.path), escaped(&finding.sentence()));
    let again = if finding.occurrence > 1 { format!(" ({})", finding.occurrence) } else { String::new() };
    let mut body = format!("{message}\n{path}:{}:{}", place.line, place.column);
    if let Some(link) = &finding.link {
        // Writing to a String cannot fail.
        let _ = write!(body, "\n{}", escaped(link));
    }
    format!(
        "    <testcase classname=\"{path}\" name=\"{code}: {}{again}\" file=\"{path}\" line=\"{}\">\n      \
         <failure type=\"{code}\" message=\"{message}\">{body}</failure>\n    </testcase>\n",
        escaped(finding.key.as_deref().unwrap_or_default()),
        place.line,
    )
}

/// Text as it may stand in an element and in an attribute. XML 1.0 has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            // Also for the sake of `]]>`.
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            // As they are, attributes would make them spaces, and texts a line end of their own.
            '\t' => result.push_str("&#9;"),
            '\n' => result.push_str("&#10;"),
            '\r' => result.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => result.push('\u{fffd}'),
            c => result.push(c),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_from_xml() {
        for (text, expected) in [
            ("a \"b\" 'c' <d> & ]]> é🎉", "a \"b\" 'c' <d> & ]]> é🎉"),
            ("a\tb\nc\rd\r\n", "a\tb\nc\rd\r\n"),
            (
                "\0\u{1}\u{8}\u{b}\u{1f}\u{fffe}\u{ffff}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("\u{7f}\u{85}\u{2028}\u{feff}", "\u{7f}\u{85}\u{2028}\u{feff}"),
        ] {
            let xml = format!("<a b=\"{0}\">{0}</a>", escaped(text));
            let document = roxmltree::Document::parse(&xml).unwrap();
            let element = document.root_element();
            assert_eq!((element.attribute("b"), element.text()), (Some(expected), Some(expected)), "{xml}");
        }
    }
}
