//! `flagline.toml`: what a team agrees on, as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;

use super::host::parse_host;
use super::{Rule, Severities, Severity};
use crate::feature::{PlanEntry, check_stages};
use crate::index::Exclude;
use crate::schema::{Content, Node, Schema, check};
use crate::syntax::{Names, Returns, Wrapper};

/// The name of the file, in a root or in a folder above it.
pub const FILE_NAME: &str = "flagline.toml";

/// Flagline's settings for a repository: `flagline.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "flagline.toml")]
pub struct File {
    /// The PostHog projects that this code runs against. One is enough, unless development, staging and production
    /// are kept apart.
    pub environment: Vec<EnvironmentEntry>,
    /// Files and folders that are not read: patterns as in a .gitignore file, relative to this file.
    pub exclude: Vec<String>,
    /// Variables and properties that hold a PostHog client and are not called like one.
    pub client_names: Vec<String>,
    /// The team's own functions, hooks and components that take a flag's key: as their first argument, or as the
    /// attribute `flag`.
    pub wrapper_names: Vec<String>,
    /// A function that takes a flag's key, and how: one that asks PostHog where no source of it can be read.
    pub wrapper: Vec<WrapperEntry>,
    /// After how many days with one value for everyone a flag is stale.
    #[schemars(range(min = 1, max = 3650), extend("default" = 30))]
    pub stale_days: Option<u32>,
    /// Flags with one of these tags in PostHog stay: they are never called stale.
    #[schemars(extend("default" = ["permanent"]))]
    pub permanent_tags: Option<Vec<String>>,
    /// How loud each kind of finding is.
    pub severity: SeverityTable,
    /// Plans for rollouts, by name. `default` is used for features that name none.
    pub plan: BTreeMap<String, PlanEntry>,
}

/// A PostHog project at a host.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnvironmentEntry {
    /// How the team calls it.
    #[schemars(extend("default" = "production"))]
    pub name: Option<String>,
    /// Where PostHog is. Keys are never sent to a host that the user has not signed in to.
    #[schemars(extend("default" = "https://us.posthog.com"))]
    pub host: Option<String>,
    /// The project's number, as in the address of its pages.
    pub project: Option<u64>,
    /// Whether staleness is judged here; the first environment when none says so.
    pub primary: bool,
}

/// A function that takes a flag's key, and how.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrapperEntry {
    /// What it is called by: the name of a function, method, hook, component or decorator.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What it is imported from; without it, what is called by this name from anywhere.
    #[serde(default)]
    pub module: Option<String>,
    /// The keyword argument, field of an object, or attribute that is the key.
    #[serde(default)]
    pub key: Option<String>,
    /// The position of the key among the arguments, from 0. Counts where `key` is not written.
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    pub argument: Option<u32>,
    /// What it gives.
    #[serde(default)]
    #[schemars(extend("default" = "variant"))]
    pub returns: Option<Gives>,
}

/// What a function gives that asks for a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gives {
    /// Whether the flag is on.
    Boolean,
    /// The variant.
    Variant,
    /// The payload.
    Payload,
}

/// How loud each kind of finding is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SeverityTable {
    /// The project has no such flag.
    #[schemars(extend("default" = "warning"))]
    pub unknown_flag: Option<Level>,
    /// Everyone gets the same value for long enough: the code can do without the flag.
    #[schemars(extend("default" = "warning"))]
    pub stale_flag: Option<Level>,
    /// The flag was on before and is off now.
    #[schemars(extend("default" = "information"))]
    pub disabled_flag: Option<Level>,
    /// The flag was archived or deleted.
    #[schemars(extend("default" = "warning"))]
    pub archived_flag: Option<Level>,
    /// The code asks for a variant that the flag does not have.
    #[schemars(extend("default" = "warning"))]
    pub unknown_variant: Option<Level>,
    /// The code tells variants apart and leaves one out.
    #[schemars(extend("default" = "warning"))]
    pub missing_variant: Option<Level>,
    /// The payload is read of a flag that has none.
    #[schemars(extend("default" = "warning"))]
    pub wrong_read: Option<Level>,
    /// Only true or false is read of a flag that has variants; told as `wrong-read`.
    #[schemars(extend("default" = "off"))]
    pub boolean_read: Option<Level>,
    /// The flag is on for everyone, and nobody has asked for it.
    #[schemars(extend("default" = "information"))]
    pub not_live: Option<Level>,
    /// The rollout of the flag was stopped.
    #[schemars(extend("default" = "information"))]
    pub rollout_stopped: Option<Level>,
    /// The rollout of the flag waits for a person's go. Where code reads the flag, that is a hint.
    #[schemars(extend("default" = "information"))]
    pub gate_ready: Option<Level>,
    /// PostHog will change the flag by itself, against its plan.
    #[schemars(extend("default" = "warning"))]
    pub schedule_conflict: Option<Level>,
    /// The flag is not as its plan says.
    #[schemars(extend("default" = "warning"))]
    pub plan_drift: Option<Level>,
    /// A secret key of PostHog stands in the code.
    #[schemars(extend("default" = "error"))]
    pub secret_in_code: Option<Level>,
    /// Everyone has had the feature for as long as its brief says, and nobody has said what came of it.
    #[schemars(extend("default" = "information"))]
    pub review_due: Option<Level>,
}

/// How loud a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Must not be merged.
    Error,
    /// Should be looked at.
    Warning,
    /// Good to know.
    Information,
    /// Hardly visible.
    Hint,
    /// Not told at all.
    Off,
}

/// Something wrong in a file, with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Where.
    pub span: Range<usize>,
    /// What is wrong and what is right.
    pub message: String,
}

/// The schema of `flagline.toml`.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<File>);
    &SCHEMA
}

/// Reads `flagline.toml`: what it says, or everything that is wrong with it, by place; of very many, the first.
pub fn read(text: &str) -> Result<File, Vec<FileProblem>> {
    let (node, errors) = Node::from_toml(text);
    let is_whole = errors.is_empty();
    let mut problems: Vec<FileProblem> =
        errors.into_iter().map(|it| FileProblem { span: it.span, message: it.message }).collect();
    let wrong = check(schema(), &node);
    problems.extend(wrong.into_iter().map(|it| FileProblem { span: it.span, message: it.message }));
    // What no schema can say is looked for in the document, not in the type: a value that is wrong elsewhere must
    // not hide it.
    let tell = &mut |span: &Range<usize>, message: String| {
        problems.push(FileProblem { span: span.clone(), message });
    };
    check_environments(&node, is_whole, tell);
    check_patterns(&node, tell);
    check_names(&node, tell);
    if is_whole {
        check_plans(&node, tell);
    }
    let file = serde_json::from_value::<File>(node.to_json());
    match file {
        Ok(file) if problems.is_empty() => return Ok(file),
        Err(error) if problems.is_empty() => {
            // The schema is made of the type, so this is what it cannot say.
            problems.push(FileProblem { span: 0..0, message: error.to_string() });
        }
        _ => {}
    }
    problems.sort_by_key(|it| it.span.start);
    Err(capped(problems))
}

/// What a person reads of a file that is wrong from end to end; the rest is counted.
pub const MOST_PROBLEMS: usize = 100;

/// The first problems, and in one more how many there are besides.
pub(super) fn capped(mut problems: Vec<FileProblem>) -> Vec<FileProblem> {
    let n_more = problems.len().saturating_sub(MOST_PROBLEMS);
    if n_more > 0 {
        problems.truncate(MOST_PROBLEMS + 1);
        problems[MOST_PROBLEMS].message = format!("and {n_more} more");
    }
    problems
}

/// How many problems there are, in words.
pub fn n_errors(problems: &[FileProblem]) -> String {
    match problems.len() {
        1 => "1 error".into(),
        n if n > MOST_PROBLEMS => format!("more than {MOST_PROBLEMS} errors"),
        n => format!("{n} errors"),
    }
}

/// All problems in one sentence, which names the first.
pub fn summary(text: &str, problems: &[FileProblem]) -> String {
    let first_of = if problems.len() > 1 { ", the first" } else { "" };
    let first = problems.first().map(|it| {
        let line = text.get(..it.span.start).unwrap_or_default().matches('\n').count() + 1;
        format!(" in line {line}: {}", it.message)
    });
    format!("{FILE_NAME} has {}{first_of}{}", n_errors(problems), first.unwrap_or_default())
}

/// `is_whole` when the text could be read to its end: only then a name that is not there is the default.
fn check_environments(node: &Node, is_whole: bool, tell: &mut impl FnMut(&Range<usize>, String)) {
    let (mut names, mut has_primary) = (BTreeSet::new(), false);
    for entry in list(node, "environment") {
        let at = |key: &str| entry.get(key).unwrap_or(entry);
        if let Some(Err(problem)) = entry.get("host").and_then(Node::as_str).map(parse_host) {
            tell(&at("host").span, problem);
        }
        let name = match entry.get("name") {
            Some(name) => name.as_str(),
            None => is_whole.then_some("production"),
        };
        if name.is_some_and(|it| !names.insert(it)) {
            tell(&at("name").span, "two environments have this name".into());
        }
        let is_primary = at("primary").content == Content::Boolean(true);
        if is_primary && std::mem::replace(&mut has_primary, true) {
            tell(&at("primary").span, "one environment is primary, and another is already".into());
        }
    }
}

fn check_plans(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    for plan in node.get("plan").map(Node::entries).unwrap_or_default() {
        if plan.value.get("stage").is_some_and(|it| it.content == Content::List(Vec::new())) {
            tell(&plan.value.span, format!("plan {} has no stage", plan.key));
        }
        check_stages(list(&plan.value, "stage"), tell);
    }
}

fn check_patterns(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let patterns: Vec<(&Node, &str)> =
        list(node, "exclude").iter().filter_map(|it| Some((it, it.as_str()?))).collect();
    let texts = patterns.iter().map(|it| it.1.to_owned()).collect();
    for (at, message) in Exclude::new(Path::new(""), texts).1 {
        if let Some((pattern, _)) = patterns.get(at) {
            tell(&pattern.span, format!("this is no pattern: {message}"));
        }
    }
}

/// A name is found as one word of the code.
fn check_names(node: &Node, tell: &mut impl FnMut(&Range<usize>, String)) {
    let described = list(node, "wrapper").iter().filter_map(|it| it.get("name"));
    let listed = ["client_names", "wrapper_names"].into_iter().flat_map(|it| list(node, it));
    for at in listed.chain(described) {
        let Some(name) = at.as_str().filter(|it| !is_one_word(it)) else { continue };
        let word = name.split('(').next().and_then(|it| it.rsplit('.').next()).filter(|it| is_one_word(it));
        let hint = word.map(|it| format!(": write \"{it}\"")).unwrap_or_default();
        tell(&at.span, format!("this is not the name of one thing{hint}"));
    }
}

fn is_one_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | '$' | '#' | '@'))
}

fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::elements).unwrap_or_default()
}

impl File {
    /// The names that it adds to those of the SDK.
    pub fn names(&self) -> Names {
        let wrapper = |it: &WrapperEntry| Wrapper {
            name: it.name.as_str().into(),
            module: it.module.as_deref().map(Box::from),
            key: it.key.as_deref().map(Box::from),
            argument: it.argument,
            returns: it.returns.map(|it| match it {
                Gives::Boolean => Returns::Boolean,
                Gives::Variant => Returns::Variant,
                Gives::Payload => Returns::Payload,
            }),
        };
        let described = self.wrapper.iter().map(wrapper);
        Names {
            clients: self.client_names.iter().map(|it| it.as_str().into()).collect(),
            // The first that fits counts, and these say more.
            wrappers: described.chain(self.wrapper_names.iter().map(|it| Wrapper::named(it))).collect(),
        }
    }
}

impl SeverityTable {
    /// What counts, defaults included.
    pub(super) fn severities(&self) -> Severities {
        let mut severities = Severities::default();
        for rule in Rule::ALL {
            if let Some(level) = self.of(rule) {
                severities.set(rule, level.severity());
            }
        }
        severities.boolean_read = self.boolean_read.and_then(Level::severity);
        severities
    }

    fn of(&self, rule: Rule) -> Option<Level> {
        match rule {
            Rule::UnknownFlag => self.unknown_flag,
            Rule::StaleFlag => self.stale_flag,
            Rule::DisabledFlag => self.disabled_flag,
            Rule::ArchivedFlag => self.archived_flag,
            Rule::UnknownVariant => self.unknown_variant,
            Rule::MissingVariant => self.missing_variant,
            Rule::WrongRead => self.wrong_read,
            Rule::NotLive => self.not_live,
            Rule::RolloutStopped => self.rollout_stopped,
            Rule::GateReady => self.gate_ready,
            Rule::ScheduleConflict => self.schedule_conflict,
            Rule::PlanDrift => self.plan_drift,
            Rule::SecretInCode => self.secret_in_code,
            Rule::ReviewDue => self.review_due,
            Rule::Brief => None,
        }
    }
}

impl Level {
    fn severity(self) -> Option<Severity> {
        match self {
            Level::Error => Some(Severity::Error),
            Level::Warning => Some(Severity::Warning),
            Level::Information => Some(Severity::Information),
            Level::Hint => Some(Severity::Hint),
            Level::Off => None,
        }
    }
}
