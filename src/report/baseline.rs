//! The findings that a team has decided to live with for now, so that only new ones fail.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::findings::Report;
use super::identity::Identity;
use super::relative;

/// The version of the file that is written.
const VERSION: u64 = 1;

/// The known findings, by paths relative to the folder that the file lies in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeSet<Identity>,
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum NoBaseline {
    /// A later Flagline wrote it.
    #[error("is of version {0}, and this Flagline knows up to {VERSION}; use a newer Flagline")]
    Newer(u64),
    /// Something else, or cut off, or in the midst of a merge.
    #[error(
        "is no baseline ({0}); take it back from version control, or remove it and make it anew with --update-baseline"
    )]
    Broken(#[from] serde_json::Error),
}

/// What became of the known findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    /// Found again, and left out.
    pub(super) known: usize,
    /// Not found any more, in files that were checked.
    pub(super) gone: usize,
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Deserialize)]
struct Stored {
    findings: BTreeSet<Identity>,
}

impl Baseline {
    /// Reads a baseline.
    pub fn parse(text: &str) -> Result<Baseline, NoBaseline> {
        let Versioned { version } = serde_json::from_str(text)?;
        if version > VERSION {
            return Err(NoBaseline::Newer(version));
        }
        let Stored { findings } = serde_json::from_str(text)?;
        Ok(Baseline { known: findings })
    }

    /// The text of its file: sorted, a finding a line, so that version control can merge it.
    pub fn text(&self) -> serde_json::Result<String> {
        let lines: Vec<String> = self.known.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let findings = match lines.is_empty() {
            true => String::new(),
            false => format!("\n    {}\n  ", lines.join(",\n    ")),
        };
        Ok(format!("{{\n  \"version\": {VERSION},\n  \"findings\": [{findings}]\n}}\n"))
    }

    /// How many findings it holds.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The baseline as `report` has it: every finding of now, and of those before only the ones in files that were
    /// not checked. `was_checked` is asked by a path below `folder`, as the file has it.
    pub fn updated(&self, report: &Report, folder: &Path, was_checked: impl Fn(&str) -> bool) -> Baseline {
        let kept = self.known.iter().filter(|it| !was_checked(&it.path)).cloned();
        Baseline { known: kept.chain(identities(report, folder)).collect() }
    }
}

fn identities(report: &Report, folder: &Path) -> impl Iterator<Item = Identity> {
    let identity = |it: &super::FindingRow| Identity { path: relative(&it.file, folder), ..it.identity() };
    report.findings.iter().map(identity)
}

impl Report {
    /// Leaves known findings out, and counts those that are gone. For `was_checked` see [`Baseline::updated`].
    pub fn leave_out(&mut self, baseline: &Baseline, folder: &Path, was_checked: impl Fn(&str) -> bool) {
        let now: Vec<Identity> = identities(self, folder).collect();
        let found: BTreeSet<&Identity> = now.iter().collect();
        let gone = baseline.known.iter().filter(|it| !found.contains(it) && was_checked(&it.path)).count();
        let mut is_new = now.iter().map(|it| !baseline.known.contains(it));
        let before = self.findings.len();
        self.findings.retain(|_| is_new.next().unwrap_or(true));
        self.baseline = Some(Compared { known: before - self.findings.len(), gone });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(path: &str, key: &str, occurrence: u32) -> Identity {
        Identity { path: path.into(), code: "unknown-flag".into(), key: key.into(), occurrence }
    }

    #[test]
    fn a_file_reads_as_it_was_written() {
        let known = [identity("b.ts", "x", 1), identity("a \"b\".ts", "é\n🎉", 2), identity("a.ts", "x", 10)];
        let baseline = Baseline { known: known.into() };
        let text = baseline.text().unwrap();
        assert_eq!(
            text,
            r#"{
  "version": 1,
  "findings": [
    {"path":"a \"b\".ts","code":"unknown-flag","key":"é\n🎉","occurrence":2},
    {"path":"a.ts","code":"unknown-flag","key":"x","occurrence":10},
    {"path":"b.ts","code":"unknown-flag","key":"x","occurrence":1}
  ]
}
"#
        );
        assert_eq!(Baseline::parse(&text).unwrap(), baseline);
        let empty = Baseline::default().text().unwrap();
        assert_eq!(empty, "{\n  \"version\": 1,\n  \"findings\": []\n}\n");
        assert_eq!(Baseline::parse(&empty).unwrap(), Baseline::default());
    }

    #[test]
    fn what_is_no_baseline_says_what_to_do() {
        for (text, words) in [
            ("", "--update-baseline"),
            ("[]", "--update-baseline"),
            ("{\"version\":1}", "--update-baseline"),
            ("{\"version\":1,\"findings\":[\n<<<<<<< ours\n", "take it back from version control"),
            ("{\"version\":2,\"findings\":{}}", "use a newer Flagline"),
        ] {
            let why = Baseline::parse(text).unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
        // What a merge wrote twice, or a later version added, does no harm.
        let entry = r#"{"path":"a.ts","code":"stale-flag","key":"x","occurrence":1,"by":"Ada"}"#;
        let text = format!("{{\"version\":1,\"findings\":[{entry},{entry}],\"made\":\"today\"}}");
        assert_eq!(Baseline::parse(&text).unwrap().len(), 1);
    }
}
