//! Everything worth telling about a file. One pure function makes it, so that editor and CI show the same.

mod flag;
mod variants;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::Snapshot;
use super::card::{project_name, similar};
use super::markup::plain;
use crate::config::{Rule, Severity};
use crate::feature::Value;
use crate::flags::{Environment, FlagKey, Lookup};
use crate::syntax::{Keep, Read, Returns};
use crate::text::Span;

/// Other places that a finding names at most.
const MOST_RELATED: usize = 20;

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is.
    pub code: Code,
    /// The flag; `None` when it is about none.
    pub key: Option<FlagKey>,
    /// Where: mostly the key in the source.
    pub span: Span,
    /// A sentence for a person.
    pub message: String,
    /// How loud it is.
    pub severity: Severity,
    /// What to try: another sentence, `did you mean 'x'?`.
    pub help: Option<String>,
    /// A page that tells more.
    pub link: Option<String>,
    /// The other reads of the flag, the first twenty.
    pub related: Vec<Related>,
}

/// Another place that a finding concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The file.
    pub path: Arc<Path>,
    /// The key there.
    pub span: Span,
}

/// The kinds of findings, with what can be done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// [`Rule::UnknownFlag`].
    UnknownFlag {
        /// A key that the project has and that looks much like this one.
        similar: Option<FlagKey>,
    },
    /// [`Rule::StaleFlag`].
    StaleFlag {
        /// The value that everyone gets; `None` when that still differs.
        value: Option<Value>,
    },
    /// [`Rule::DisabledFlag`].
    DisabledFlag,
    /// [`Rule::ArchivedFlag`].
    ArchivedFlag,
    /// [`Rule::UnknownVariant`].
    UnknownVariant {
        /// A variant that the flag has and that looks much like this one.
        similar: Option<Box<str>>,
    },
    /// [`Rule::MissingVariant`].
    MissingVariant,
    /// [`Rule::WrongRead`].
    WrongRead {
        /// A check for true or false of a flag that has variants; else a payload that is not there.
        boolean: bool,
    },
    /// [`Rule::NotLive`].
    NotLive,
    /// [`Rule::SecretInCode`].
    SecretInCode,
}

impl Code {
    /// The rule that it breaks.
    pub fn rule(&self) -> Rule {
        match self {
            Code::UnknownFlag { .. } => Rule::UnknownFlag,
            Code::StaleFlag { .. } => Rule::StaleFlag,
            Code::DisabledFlag => Rule::DisabledFlag,
            Code::ArchivedFlag => Rule::ArchivedFlag,
            Code::UnknownVariant { .. } => Rule::UnknownVariant,
            Code::MissingVariant => Rule::MissingVariant,
            Code::WrongRead { .. } => Rule::WrongRead,
            Code::NotLive => Rule::NotLive,
            Code::SecretInCode => Rule::SecretInCode,
        }
    }

    /// The public name.
    pub fn name(&self) -> &'static str {
        self.rule().name()
    }

    /// The value with which the flag can be removed from the code.
    pub fn removable(&self) -> Option<Value> {
        match self {
            Code::StaleFlag { value } => value.clone(),
            Code::ArchivedFlag => Some(Value::Off),
            _ => None,
        }
    }
}

impl Finding {
    /// The message and the help in one sentence, for those who show one.
    pub fn sentence(&self) -> String {
        let help = self.help.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
        format!("{}{help}", self.message)
    }
}

/// What is said of a read, before its place is known.
struct Verdict {
    code: Code,
    message: String,
    help: Option<String>,
}

impl Verdict {
    fn new(code: Code, message: &str) -> Verdict {
        Verdict { code, message: plain(message), help: None }
    }

    fn with_help(self, help: &str) -> Verdict {
        Verdict { help: Some(plain(help)), ..self }
    }
}

/// Everything worth telling about a file, in the order of its text. Nothing is said of what is not loaded.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    all(snapshot).into_iter().filter_map(|(finding, told)| told.then_some(finding)).collect()
}

/// Every finding, and whether the settings want it told: what is not told can still be acted upon.
pub(super) fn all(snapshot: &Snapshot) -> Vec<(Finding, bool)> {
    let mut all = of_reads(snapshot);
    all.extend(variants::findings(snapshot));
    add_related(snapshot, &mut all);
    all.extend(snapshot.facts.remarks.secrets.iter().map(|it| secret(snapshot, *it)));
    all.sort_by_key(|it| it.0.span);
    all
}

fn of_reads(snapshot: &Snapshot) -> Vec<(Finding, bool)> {
    let Some(environment) = snapshot.mirror.primary() else { return Vec::new() };
    let workspace = Workspace::of(snapshot);
    let mut all = Vec::new();
    for read in &snapshot.facts.reads {
        let Some(key) = &read.key else { continue };
        let (verdicts, page) = match environment.lookup(key) {
            Lookup::NotLoaded => continue,
            Lookup::Unknown => (unknown(environment, key).into_iter().collect(), "feature_flags".to_owned()),
            Lookup::Known(flag) => {
                let case = flag::Case {
                    flag,
                    environment,
                    read,
                    config: &snapshot.config,
                    now: snapshot.now,
                    keep: workspace.keep(snapshot, read, key),
                    is_silent: workspace.silent.contains(key),
                };
                (case.verdicts(), format!("feature_flags/{}", flag.id))
            }
        };
        let link = environment.page(page);
        all.extend(
            verdicts.into_iter().map(|it| placed(snapshot, it, Some(key), read.key_span, link.clone())),
        );
    }
    all
}

fn placed(
    snapshot: &Snapshot,
    verdict: Verdict,
    key: Option<&FlagKey>,
    span: Span,
    link: Option<String>,
) -> (Finding, bool) {
    let Verdict { code, message, help } = verdict;
    let severities = &snapshot.config.severities;
    let told = match &code {
        Code::WrongRead { boolean: true } => severities.boolean_read,
        code => severities.of(code.rule()),
    };
    let severity = told.unwrap_or(Severity::Hint);
    (
        Finding { code, key: key.cloned(), span, message, severity, help, link, related: vec![] },
        told.is_some(),
    )
}

fn unknown(environment: &Environment, key: &FlagKey) -> Option<Verdict> {
    // An empty key is half-typed, not unknown.
    (!key.as_str().is_empty()).then_some(())?;
    let similar = similar(environment, key);
    let help = similar.as_ref().map(|it| format!("did you mean '{it}'?"));
    let message = format!("{} has no flag '{key}'", project_name(environment));
    let verdict = Verdict::new(Code::UnknownFlag { similar }, &message);
    Some(match help {
        Some(help) => verdict.with_help(&help),
        None => verdict,
    })
}

fn secret(snapshot: &Snapshot, span: Span) -> (Finding, bool) {
    let message = "a secret key of PostHog stands in the code, and in its history from now on";
    let verdict = Verdict::new(Code::SecretInCode, message)
        .with_help("take it out, and make a new one in PostHog's settings: whoever saw this one can use it");
    placed(snapshot, verdict, None, span, None)
}

/// What the other files say that matters to the reads of this one.
struct Workspace<'a> {
    /// Comments on definitions, by the key that is defined.
    kept: BTreeMap<&'a FlagKey, &'a Keep>,
    /// Flags of which only payloads are read, which PostHog is not told of.
    silent: HashSet<&'a FlagKey>,
}

impl Workspace<'_> {
    fn of(snapshot: &Snapshot) -> Workspace<'_> {
        let own: HashSet<&FlagKey> = snapshot.facts.reads.iter().filter_map(|it| it.key.as_ref()).collect();
        let mut kept = BTreeMap::new();
        let mut silent = own.clone();
        let files = snapshot.index.files().map(|it| it.1).chain([&snapshot.facts]);
        for facts in files {
            for it in facts.reads.iter().filter(|it| it.returns != Returns::Payload) {
                it.key.as_ref().map(|it| silent.remove(it));
            }
            if facts.remarks.keeps.is_empty() {
                continue;
            }
            for it in facts.definitions.iter().filter(|it| own.contains(&it.key)) {
                let lines = it.key_span.start.line..=it.key_span.end.line;
                let keep = facts.remarks.keeps.iter().find(|it| lines.contains(&it.line));
                keep.map(|keep| kept.insert(&it.key, keep));
            }
        }
        Workspace { kept, silent }
    }

    /// The comment that keeps a flag: at this read, or at the definition of its key.
    fn keep<'a>(&'a self, snapshot: &'a Snapshot, read: &Read, key: &FlagKey) -> Option<&'a Keep> {
        let first = read.key_span.start.line.min(read.call_span.start.line);
        let lines = first..=read.key_span.end.line;
        let here = snapshot.facts.remarks.keeps.iter().find(|it| lines.contains(&it.line));
        here.or_else(|| self.kept.get(key).copied())
    }
}

/// Names the other reads of each flag.
fn add_related(snapshot: &Snapshot, findings: &mut [(Finding, bool)]) {
    let keys: HashSet<FlagKey> = findings.iter().filter_map(|it| it.0.key.clone()).collect();
    if keys.is_empty() {
        return;
    }
    let mut reads: BTreeMap<&FlagKey, Vec<Related>> = BTreeMap::new();
    for (path, facts) in snapshot.index.files() {
        // An edit reaches the index a little later.
        let facts = if *path == snapshot.path { &snapshot.facts } else { facts };
        for read in &facts.reads {
            let Some(key) = read.key.as_ref().filter(|it| keys.contains(*it)) else { continue };
            let of_key = reads.entry(key).or_default();
            // One more than is told: one of them may be the finding's own place.
            if of_key.len() <= MOST_RELATED {
                of_key.push(Related { path: path.clone(), span: read.key_span });
            }
        }
    }
    for (finding, _) in findings {
        let all = finding.key.as_ref().and_then(|it| reads.get(it)).into_iter().flatten();
        let others = all.filter(|it| it.path != snapshot.path || it.span != finding.span);
        finding.related = others.take(MOST_RELATED).cloned().collect();
    }
}
