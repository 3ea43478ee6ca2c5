use serde::Serialize;

use super::findings::{FindingRow, Report};
use crate::analysis::Severity;

/// An entry of a Code Quality report; GitLab ignores what else such an entry can have.
#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

impl Report {
    /// For GitLab's Code Quality, which compares the fingerprints of two branches.
    pub fn gitlab(&self) -> impl Serialize {
        self.findings.iter().map(issue).collect::<Vec<_>>()
    }
}

fn issue(finding: &FindingRow) -> Issue<'_> {
    let place = &finding.place;
    Issue {
        description: finding.sentence(),
        check_name: finding.code,
        fingerprint: finding.identity().fingerprint(),
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Information => "minor",
            Severity::Hint => "info",
        },
        location: Location { path: &place.path, lines: Lines { begin: place.line, end: place.end_line } },
    }
}
