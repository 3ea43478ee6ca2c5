//! Everything worth telling about a file. One pure function makes it, so that editor and CI show the same.

mod calls;
mod flag;
pub(super) mod rollout;
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
use crate::syntax::{FileFacts, Keep, Read};
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
    /// [`Rule::RolloutStopped`].
    RolloutStopped,
    /// [`Rule::GateReady`].
    GateReady,
    /// [`Rule::ScheduleConflict`].
    ScheduleConflict,
    /// [`Rule::PlanDrift`].
    PlanDrift,
    /// [`Rule::SecretInCode`].
    SecretInCode,
    /// [`Rule::ReviewDue`].
    ReviewDue,
    /// [`Rule::Brief`].
    Brief,
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
            Code::RolloutStopped => Rule::RolloutStopped,
            Code::GateReady => Rule::GateReady,
            Code::ScheduleConflict => Rule::ScheduleConflict,
            Code::PlanDrift => Rule::PlanDrift,
            Code::SecretInCode => Rule::SecretInCode,
            Code::ReviewDue => Rule::ReviewDue,
            Code::Brief => Rule::Brief,
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

/// What is said of a read or a brief, before its place is known.
#[derive(Clone)]
pub(super) struct Verdict {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Verdict {
    fn new(code: Code, message: &str) -> Verdict {
        Verdict { code, message: plain(message), help: None }
    }

    /// With something more that helps.
    fn with_help(self, help: &str) -> Verdict {
        let before = self.help.map(|it| it + "; ").unwrap_or_default();
        Verdict { help: Some(before + &plain(help)), ..self }
    }
}

/// Everything worth telling about a file, in the order of its text. Nothing is said of what is not loaded.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    all(snapshot).into_iter().filter_map(|(finding, told)| told.then_some(finding)).collect()
}

/// Every finding, and whether the settings want it told: what is not told can still be acted upon.
pub(super) fn all(snapshot: &Snapshot) -> Vec<(Finding, bool)> {
    let mut all = Vec::new();
    if let Some(environment) = snapshot.mirror.primary() {
        let workspace = Workspace::of(snapshot);
        all.extend(of_reads(snapshot, environment, &workspace));
        all.extend(variants::findings(snapshot, environment));
        for (finding, _) in &mut all {
            let key = finding.key.as_ref();
            finding.related = key.map(|it| workspace.related(snapshot, it, finding.span)).unwrap_or_default();
        }
    }
    all.extend(snapshot.facts.remarks.secrets.iter().map(|it| secret(snapshot, *it)));
    all.sort_by_key(|it| it.0.span);
    all
}

fn of_reads(snapshot: &Snapshot, environment: &Environment, workspace: &Workspace) -> Vec<(Finding, bool)> {
    let (mut all, mut rollouts) = (Vec::new(), BTreeMap::new());
    for read in &snapshot.facts.reads {
        let Some(key) = &read.key else { continue };
        let (verdicts, page): (Vec<Verdict>, String) = match environment.lookup(key) {
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
                let of_rollout =
                    rollouts.entry(key).or_insert_with(|| rollout::at_reads(snapshot, environment, flag));
                let all = case.verdicts().into_iter().chain(of_rollout.iter().cloned()).collect();
                (all, format!("feature_flags/{}", flag.id))
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
    // Whoever reads the code is told more quietly than whoever looks at the brief.
    let severity = told.filter(|_| code != Code::GateReady).unwrap_or(Severity::Hint);
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

/// What all files say that matters to the reads of this one.
struct Workspace<'a> {
    /// Comments on definitions, by the key that is defined.
    kept: BTreeMap<&'a FlagKey, &'a Keep>,
    /// Flags of which PostHog is not told by any read.
    silent: HashSet<&'a FlagKey>,
    /// The first reads of each key.
    reads: BTreeMap<&'a FlagKey, Vec<Related>>,
}

impl<'a> Workspace<'a> {
    fn of(snapshot: &'a Snapshot) -> Workspace<'a> {
        let facts = &snapshot.facts;
        let read = facts.reads.iter().filter_map(|it| it.key.as_ref());
        let compared = facts.compared.iter().map(|it| &it.key);
        let mut it = Workspace {
            kept: BTreeMap::new(),
            silent: read.clone().collect(),
            reads: read.chain(compared).map(|key| (key, Vec::new())).collect(),
        };
        let mut is_indexed = false;
        for (path, indexed) in snapshot.index.files() {
            // An edit reaches the index a little later, so this file speaks for itself.
            let is_own = *path == snapshot.path;
            is_indexed |= is_own;
            it.add(path, if is_own { facts } else { indexed });
        }
        if !is_indexed {
            it.add(&snapshot.path, facts);
        }
        it
    }

    fn add(&mut self, path: &Arc<Path>, facts: &'a FileFacts) {
        for read in &facts.reads {
            let Some(key) = &read.key else { continue };
            let Some(of_key) = self.reads.get_mut(key) else { continue };
            // One more than is told: one of them may be the finding's own place.
            if of_key.len() <= MOST_RELATED {
                of_key.push(Related { path: path.clone(), span: read.key_span });
            }
            if read.is_told() {
                self.silent.remove(key);
            }
        }
        if facts.remarks.keeps.is_empty() {
            return;
        }
        for it in facts.definitions.iter().filter(|it| self.reads.contains_key(&it.key)) {
            let lines = it.key_span.start.line..=it.key_span.end.line;
            if let Some(keep) = facts.remarks.keeps.iter().find(|it| lines.contains(&it.line)) {
                self.kept.insert(&it.key, keep);
            }
        }
    }

    /// The comment that keeps a flag: at this read, or at the definition of its key.
    fn keep(&self, snapshot: &'a Snapshot, read: &Read, key: &FlagKey) -> Option<&'a Keep> {
        let first = read.key_span.start.line.min(read.call_span.start.line);
        let lines = first..=read.key_span.end.line;
        let here = snapshot.facts.remarks.keeps.iter().find(|it| lines.contains(&it.line));
        here.or_else(|| self.kept.get(key).copied())
    }

    /// The reads of a flag beside the one that a finding is about.
    fn related(&self, snapshot: &Snapshot, key: &FlagKey, own: Span) -> Vec<Related> {
        let all = self.reads.get(key).into_iter().flatten();
        all.filter(|it| it.path != snapshot.path || it.span != own).take(MOST_RELATED).cloned().collect()
    }
}
