//! What `flagline check` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::baseline::Compared;
use super::frame::frame;
use super::identity::{self, Identity};
use super::reads::{Place, place};
use super::relative;
use crate::analysis::{Finding, Severity, ago};
use crate::config::Rule;
use crate::flags::Environment;
use crate::text::Span;

/// The findings of some files, and what they were made of.
#[derive(Debug)]
pub struct Report {
    /// Sorted by path, line and column; of a report with a baseline, those that are new.
    pub findings: Vec<FindingRow>,
    /// How many files were looked at.
    pub n_files: usize,
    project: Option<String>,
    fetched_at: Option<Timestamp>,
    history_trouble: Option<String>,
    trouble: Option<String>,
    pub(super) baseline: Option<Compared>,
}

/// A finding in its file.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    #[serde(flatten)]
    pub(super) place: Place,
    /// The public name of its kind.
    pub code: &'static str,
    /// How loud it is here.
    #[serde(serialize_with = "name_of_severity")]
    pub severity: Severity,
    pub(super) key: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) link: Option<String>,
    /// The other reads of the flag.
    pub(super) related: Vec<Elsewhere>,
    #[serde(skip)]
    pub(super) span: Span,
    #[serde(skip)]
    pub(super) file: Arc<Path>,
    /// The how manieth of its file that is like it, from 1.
    #[serde(skip)]
    pub(super) occurrence: u32,
}

impl FindingRow {
    /// What makes it the same one in another run.
    pub(super) fn identity(&self) -> Identity {
        let (path, code, key) = (self.place.path.clone(), self.code.to_owned(), self.key.clone());
        Identity { path, code, key: key.unwrap_or_default(), occurrence: self.occurrence }
    }

    /// The message and the help in one sentence, for those who show one.
    pub(super) fn sentence(&self) -> String {
        let help = self.help.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        format!("{}{help}", self.message)
    }
}

/// Another read of the flag.
#[derive(Debug, Serialize)]
pub(super) struct Elsewhere {
    #[serde(flatten)]
    pub(super) place: Place,
    #[serde(skip)]
    pub(super) file: Arc<Path>,
}

fn name_of_severity<S: serde::Serializer>(it: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(it.name())
}

/// The public JSON of `flagline check`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    findings: &'a [FindingRow],
    summary: Summary,
    project: Option<&'a str>,
    fetched_at: Option<String>,
    history_trouble: Option<&'a str>,
    trouble: Option<&'a str>,
    baseline: Option<&'a Compared>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    findings: usize,
    codes: BTreeMap<&'static str, usize>,
    files_with_findings: usize,
    files: usize,
}

/// Collects findings, paths relative to `directory`.
pub fn report(
    found: impl IntoIterator<Item = (Arc<Path>, Vec<Finding>)>,
    n_files: usize,
    environment: &Environment,
    directory: &Path,
) -> Report {
    let rows = found
        .into_iter()
        .flat_map(|(file, findings)| findings.into_iter().map(move |it| row(it, &file, directory)));
    let mut findings: Vec<FindingRow> = rows.collect();
    findings.sort_by(|a, b| (&a.place, a.code, &a.key).cmp(&(&b.place, b.code, &b.key)));
    identity::number(&mut findings);
    Report {
        findings,
        n_files,
        project: environment.project.as_ref().map(|it| it.name.to_string()),
        fetched_at: environment.flags.as_ref().map(|it| it.fetched_at),
        history_trouble: environment.history_trouble.as_deref().map(str::to_owned),
        trouble: environment.trouble.as_deref().map(str::to_owned),
        baseline: None,
    }
}

fn row(finding: Finding, file: &Arc<Path>, directory: &Path) -> FindingRow {
    let related = finding
        .related
        .iter()
        .map(|it| Elsewhere { place: place(&relative(&it.path, directory), it.span), file: it.path.clone() });
    FindingRow {
        related: related.collect(),
        place: place(&relative(file, directory), finding.span),
        code: finding.code.name(),
        severity: finding.severity,
        key: finding.key.map(|it| it.as_str().to_owned()),
        message: finding.message,
        help: finding.help,
        link: finding.link,
        span: finding.span,
        file: file.clone(),
        occurrence: 1,
    }
}

impl Report {
    /// For people, as compilers print: a frame for each finding, then a summary. `source` yields the text of a
    /// file. The text has colours; whoever prints it takes them out where nobody sees them.
    pub fn text(&self, source: impl Fn(&Path) -> Option<String>, now: Timestamp) -> String {
        let mut text = String::new();
        let (mut path, mut content) = (None, None);
        for finding in &self.findings {
            if path != Some(&finding.file) {
                path = Some(&finding.file);
                content = source(&finding.file);
            }
            text += &frame(finding, content.as_deref());
            text += "\n\n";
        }
        text + &self.summary(now) + "\n"
    }

    /// For programs.
    pub fn json(&self) -> impl Serialize {
        Json {
            findings: &self.findings,
            summary: Summary {
                findings: self.findings.len(),
                codes: self.counts().into_iter().collect(),
                files_with_findings: self.n_files_with_findings(),
                files: self.n_files,
            },
            project: self.project.as_deref(),
            fetched_at: self.fetched_at.map(|it| it.to_string()),
            history_trouble: self.history_trouble.as_deref(),
            trouble: self.trouble.as_deref(),
            baseline: self.baseline.as_ref(),
        }
    }

    /// One line for people.
    pub(super) fn summary(&self, now: Timestamp) -> String {
        let age = self.fetched_at.map(|it| format!(" (flags as of {})", ago(it, now))).unwrap_or_default();
        let files = plural(self.n_files, "file");
        let (new, rest) = match &self.baseline {
            None => ("", String::new()),
            Some(Compared { known, gone }) => {
                ("new ", format!("; of the baseline, {known} left out and {gone} gone"))
            }
        };
        if self.findings.is_empty() {
            return format!("No {new}findings in {files}{age}{rest}");
        }
        let counts: Vec<String> = self.counts().iter().map(|(code, n)| format!("{n} {code}")).collect();
        let total = plural(self.findings.len(), &format!("{new}finding"));
        format!("{total}: {}, in {} of {files}{age}{rest}", counts.join(", "), self.n_files_with_findings())
    }

    /// How many there are of each kind.
    fn counts(&self) -> Vec<(&'static str, usize)> {
        let mut counts: BTreeMap<(usize, &'static str), usize> = BTreeMap::new();
        for it in &self.findings {
            let rank = Rule::ALL.iter().position(|rule| rule.name() == it.code).unwrap_or(Rule::ALL.len());
            *counts.entry((rank, it.code)).or_default() += 1;
        }
        counts.into_iter().map(|((_, code), n)| (code, n)).collect()
    }

    fn n_files_with_findings(&self) -> usize {
        self.findings.iter().map(|it| &it.file).collect::<BTreeSet<_>>().len()
    }
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
