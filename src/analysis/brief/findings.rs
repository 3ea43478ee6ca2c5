use std::ops::Range;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::names::{cohorts, events};
use super::review::review_finding;
use super::{BriefSnapshot, Followed};
use crate::analysis::card::project_name;
use crate::analysis::findings::{Code, Finding, Verdict, rollout};
use crate::analysis::markup::plain;
use crate::config::{Rule, Severity};
use crate::feature::brief::no_stage;
use crate::flags::{Catalog, Cohort, CohortKind, Environment, FlagKey, Lookup};
use crate::schema::{Content, Node, similar};

/// Something worth telling about a brief, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefFinding {
    /// What kind it is: the name of a rule, or `brief`.
    pub code: &'static str,
    /// Where.
    pub span: Range<usize>,
    /// How loud.
    pub severity: Severity,
    /// What it is, and what to do.
    pub message: String,
    /// A page that tells more.
    pub link: Option<String>,
}

/// Everything worth telling about a brief, by place. What depends on something that is not loaded is not told.
pub fn brief_findings(snapshot: &BriefSnapshot) -> Vec<BriefFinding> {
    let mut findings = in_brief(snapshot);
    let (file, mirror, config) = (&snapshot.file, &snapshot.mirror, &snapshot.config);
    let review = review_finding(file, mirror, config, snapshot.now);
    findings.extend(rollout_findings(snapshot).iter().chain(&review).map(BriefFinding::from));
    findings.sort_by_key(|it| it.span.start);
    findings
}

/// The same, as `flagline check` tells it.
pub fn checked_brief(snapshot: &BriefSnapshot) -> Vec<Finding> {
    let finding = |it: BriefFinding| Finding {
        code: Code::Brief,
        key: snapshot.file.key().cloned(),
        span: snapshot.file.text.span(it.span),
        message: it.message,
        severity: it.severity,
        help: None,
        link: it.link,
        related: Vec::new(),
    };
    let (file, mirror, config) = (&snapshot.file, &snapshot.mirror, &snapshot.config);
    let review = review_finding(file, mirror, config, snapshot.now);
    in_brief(snapshot).into_iter().map(finding).chain(rollout_findings(snapshot)).chain(review).collect()
}

/// What is wrong in the brief itself.
fn in_brief(snapshot: &BriefSnapshot) -> Vec<BriefFinding> {
    let problems = snapshot.file.brief.as_ref().err().into_iter().flatten();
    let problem = |it: &crate::feature::brief::BriefProblem| BriefFinding {
        code: BRIEF,
        span: it.span.clone(),
        severity: Severity::Error,
        message: it.message.clone(),
        link: None,
    };
    let mut findings = Findings(problems.map(problem).collect());
    let node = snapshot.node();
    findings.key(snapshot);
    findings.settings(snapshot);
    findings.plan(snapshot, &node);
    findings.day(snapshot, &node);
    if let (Some(environment), Some(catalog)) = (snapshot.environment(), snapshot.catalog()) {
        let project = plain(&project_name(environment));
        findings.cohorts(&node, catalog, &project);
        findings.events(&node, catalog, &project);
        findings.channel(&node, catalog);
    }
    findings.0
}

/// What is wrong in the brief itself, of whatever kind.
const BRIEF: &str = Rule::Brief.name();

/// What is to say of the rollout that a brief describes, at its key.
fn rollout_findings(snapshot: &BriefSnapshot) -> Vec<Finding> {
    let (Some(environment), Some(span)) = (snapshot.environment(), snapshot.file.key_span()) else {
        return Vec::new();
    };
    // Of two briefs of one flag, nobody knows which counts.
    if snapshot.others.iter().any(|it| it.key() == snapshot.file.key()) {
        return Vec::new();
    }
    let link = snapshot.file.key().and_then(|it| match environment.lookup(it) {
        Lookup::Known(flag) => environment.page(format!("feature_flags/{}", flag.id)),
        Lookup::Unknown | Lookup::NotLoaded => None,
    });
    let span = snapshot.file.text.span(span);
    let said = rollout::of_brief(&snapshot.file, environment, &snapshot.config.plans, snapshot.now);
    let finding = |it: Verdict| {
        Some(Finding {
            severity: snapshot.config.severities.of(it.code.rule())?,
            code: it.code,
            key: snapshot.file.key().cloned(),
            span,
            message: it.message,
            help: it.help,
            link: link.clone(),
            related: Vec::new(),
        })
    };
    said.into_iter().filter_map(finding).collect()
}

impl From<&Finding> for BriefFinding {
    fn from(it: &Finding) -> BriefFinding {
        BriefFinding {
            span: it.span.bytes(),
            severity: it.severity,
            message: it.sentence(),
            code: it.code.name(),
            link: it.link.clone(),
        }
    }
}

struct Findings(Vec<BriefFinding>);

impl Findings {
    fn tell(&mut self, node: &Node, severity: Severity, message: String) {
        let span = node.span.clone();
        self.0.push(BriefFinding { code: BRIEF, span, severity, message, link: None });
    }

    /// A key belongs to one brief, and to a flag that is still in use.
    fn key(&mut self, snapshot: &BriefSnapshot) {
        let (Some(key), Some(span)) = (snapshot.file.key(), snapshot.file.key_span()) else { return };
        let mut tell = |severity, message| {
            self.0.push(BriefFinding { code: BRIEF, span: span.clone(), severity, message, link: None })
        };
        if let Some(other) = snapshot.others.iter().find(|it| it.key() == Some(key)) {
            let other = file_name(&other.path);
            tell(Severity::Error, format!("{other} is a brief of this flag too; a flag has one"));
        }
        if let Some(environment) = snapshot.environment().filter(|it| is_archived(it, key)) {
            let project = plain(&project_name(environment));
            let message = format!(
                "{project} has this flag, and it is archived: take it back there, or choose another key"
            );
            tell(Severity::Warning, message);
        }
    }

    /// Settings that are wrong keep quiet what PostHog has, and somebody who writes a brief would wait for it.
    fn settings(&mut self, snapshot: &BriefSnapshot) {
        let problem = snapshot.config.environments.first().and_then(|it| it.problem.as_deref());
        if let (Some(problem), Some(span)) = (problem, snapshot.file.key_span()) {
            let message =
                format!("what PostHog has is neither offered nor compared here: {}", plain(problem));
            self.0.push(BriefFinding {
                code: BRIEF,
                span,
                severity: Severity::Information,
                message,
                link: None,
            });
        }
    }

    fn plan(&mut self, snapshot: &BriefSnapshot, node: &Node) {
        if !snapshot.knows_plans() {
            return;
        }
        let plans = snapshot.config.plans.keys().map(String::as_str);
        let followed = snapshot.followed(node);
        if let (None, Some(at)) = (&followed, node.get("plan"))
            && let Some(wanted) = at.as_str()
        {
            let hint = did_you_mean(wanted, plans);
            self.tell(at, Severity::Error, format!("flagline.toml has no plan \"{wanted}\"{hint}"));
        }
        if let Some(Followed { plan: Some(plan), stages }) = followed
            && let Some(at) = node.at(&["interview", "stage"])
            && let Some(wanted) = at.as_str()
            && !stages.iter().any(|it| it == wanted.trim())
        {
            let stages = stages.iter().map(String::as_str);
            self.tell(at, Severity::Error, no_stage(Some(&plan), wanted, stages));
        }
    }

    /// A day for the target is to come, until somebody says what came of it.
    fn day(&mut self, snapshot: &BriefSnapshot, node: &Node) {
        let today = TimeZone::UTC.to_datetime(snapshot.now).date();
        let Some(at) = node.at(&["metric", "by"]).filter(|_| node.get("outcome").is_none()) else { return };
        let (Content::String(day) | Content::Other(day)) = &at.content else { return };
        if day.parse::<Date>().is_ok_and(|it| it < today) {
            let message = "this day has passed: choose another one, or say under [outcome] what came of it";
            self.tell(at, Severity::Warning, message.into());
        }
    }

    fn cohorts(&mut self, node: &Node, catalog: &Catalog, project: &str) {
        for (at, is_made) in cohorts(node) {
            let found = match &at.content {
                Content::Integer(number) => {
                    let found = catalog.cohorts.find(|it| i64::try_from(it.id) == Ok(*number));
                    if found == Some(None) {
                        self.tell(at, Severity::Error, format!("{project} has no cohort {number}"));
                    }
                    found.flatten()
                }
                Content::String(name) => {
                    let found = cohort_named(catalog, name);
                    if found == Some(None) {
                        let names = catalog.cohorts.items.iter().map(|it| it.name.as_str());
                        let hint = did_you_mean(name, names);
                        let of =
                            if is_made { "of the people with these properties" } else { "static and empty" };
                        let message =
                            format!("{project} has no such cohort yet; it is made at launch, {of}{hint}");
                        self.tell(at, Severity::Information, message);
                    }
                    found.flatten()
                }
                _ => None,
            };
            if let Some(cohort) = found.filter(|it| it.kind == CohortKind::Behavior) {
                let name = plain(&cohort.name);
                let message = format!(
                    "PostHog refuses cohorts of behaviour in flags, and '{name}' is one: make it static, or use properties"
                );
                self.tell(at, Severity::Error, message);
            }
        }
    }

    fn events(&mut self, node: &Node, catalog: &Catalog, project: &str) {
        for at in events(node) {
            let Some(name) = at.as_str() else { continue };
            if catalog.events.find(|it| it.name == name) == Some(None) {
                let hint = did_you_mean(name, catalog.events.items.iter().map(|it| it.name.as_str()));
                self.tell(
                    at,
                    Severity::Information,
                    format!("{project} has not seen the event '{name}' so far{hint}"),
                );
            }
        }
    }

    fn channel(&mut self, node: &Node, catalog: &Catalog) {
        let Some(at) = node.at(&["notify", "slack"]) else { return };
        let Some(wanted) = at.as_str() else { return };
        let name = wanted.trim().trim_start_matches('#');
        if catalog.channels.find(|it| it.name == name || it.id == name) == Some(None) {
            let message = match catalog.channels.items.is_empty() {
                true => "PostHog is connected to no Slack: see Settings, Integrations there".to_owned(),
                false => {
                    let hint = did_you_mean(name, catalog.channels.items.iter().map(|it| it.name.as_str()));
                    format!("PostHog sees no such channel in Slack{hint}")
                }
            };
            self.tell(at, Severity::Warning, message);
        }
    }
}

/// The cohort of a name, or `None` where nothing can be said.
pub(super) fn cohort_named<'a>(catalog: &'a Catalog, name: &str) -> Option<Option<&'a Cohort>> {
    catalog.cohorts.find(|it| it.name.trim() == name.trim())
}

fn is_archived(environment: &Environment, key: &FlagKey) -> bool {
    matches!(environment.lookup(key), Lookup::Known(flag) if flag.archived && !flag.deleted)
}

fn did_you_mean<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    similar(word, candidates).map(|it| format!("; did you mean \"{}\"?", plain(it))).unwrap_or_default()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}
