use std::fmt::Write as _;

use jiff::Timestamp;

use super::findings::{FindingRow, Report};
use crate::analysis::Severity;

impl Report {
    /// For the runner of GitHub Actions, which shows each finding at its line: one workflow command a finding, then
    /// the summary for the log.
    pub fn github(&self, now: Timestamp) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", command(finding));
        }
        text + &self.summary(now) + "\n"
    }
}

fn command(finding: &FindingRow) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information | Severity::Hint => "notice",
    };
    let place = &finding.place;
    let mut message = finding.sentence();
    if let Some(link) = &finding.link {
        message += "\n";
        message += link;
    }
    format!(
        "::{level} file={},line={},endLine={},col={},title={}::{}",
        property(&place.path),
        place.line,
        place.end_line,
        place.column,
        property(finding.code),
        data(&message)
    )
}

/// What the runner takes back before it reads the message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for what stands between commas and colons.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(data("100 %, a::b\r\n::error::x %0A"), "100 %25, a::b%0D%0A::error::x %250A");
        assert_eq!(property("a,b: c%\n::x"), "a%2Cb%3A c%25%0A%3A%3Ax");
        assert_eq!(property("src/my app/é🎉.ts"), "src/my app/é🎉.ts");
    }
}
