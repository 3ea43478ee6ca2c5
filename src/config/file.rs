//! `flagline.toml`: what a team agrees on, as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;

use super::host::parse_host;
use super::{Severities, Severity};
use crate::feature::{Audience, Plan, PlanStage};
use crate::index::Exclude;
use crate::schema::{Node, Schema, check};

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
    /// After how many days with one value for everyone a flag is stale.
    #[schemars(range(min = 1, max = 3650), extend("default" = 30))]
    pub stale_days: Option<u32>,
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

/// The stages of a rollout.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// The stages in the order in which they open.
    pub stage: Vec<StageEntry>,
}

/// One stage of a rollout.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageEntry {
    /// What the stage is called: internal, beta, everyone.
    pub name: String,
    /// Who belongs to it.
    pub audience: AudienceEntry,
    /// Percentages in the order in which they are reached; the last is 100.
    #[serde(default)]
    #[schemars(inner(range(min = 0, max = 100)), extend("default" = [100]))]
    pub steps: Vec<f64>,
}

/// Who belongs to a stage.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudienceEntry {
    /// Everyone.
    Everyone,
    /// People whose e-mail address is at this domain.
    EmailDomain(String),
    /// The one person with this e-mail address.
    Email(String),
    /// The people of a cohort, by its number. A cohort of behaviour must be a static one: PostHog refuses others.
    Cohort(u64),
    /// People or groups with these properties, all of them.
    Properties(Vec<PropertyEntry>),
}

/// A property of a person or group.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PropertyEntry {
    /// Its name.
    pub key: String,
    /// What it is compared with: text, a number, or a list of them.
    pub value: serde_json::Value,
    /// How it is compared, in PostHog's words: `exact`, `is_not`, `icontains`, `regex`, `gt`, `lt`, `is_set`, ...
    #[serde(default)]
    #[schemars(extend("default" = "exact"))]
    pub operator: Option<String>,
    /// The number of the group type (0 to 4) when it is a group's property; a person's without.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4))]
    pub group_type: Option<u8>,
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

/// Reads `flagline.toml`: what it says, or everything that is wrong with it, by place.
pub fn read(text: &str) -> Result<File, Vec<FileProblem>> {
    let (node, errors) = Node::from_toml(text);
    let mut problems: Vec<FileProblem> =
        errors.into_iter().map(|it| FileProblem { span: it.span, message: it.message }).collect();
    let wrong = check(schema(), &node);
    let sound = problems.is_empty() && wrong.is_empty();
    problems.extend(wrong.into_iter().map(|it| FileProblem { span: it.span, message: it.message }));
    let file = serde_json::from_value::<File>(node.to_json());
    let tell = &mut |span: Range<usize>, message: String| problems.push(FileProblem { span, message });
    match &file {
        Ok(file) => {
            check_environments(file, &node, tell);
            check_plans(file, &node, tell);
            check_patterns(file, &node, tell);
        }
        // The schema is made of the type, so this is what it cannot say.
        Err(error) if sound => tell(0..0, error.to_string()),
        Err(_) => {}
    }
    problems.sort_by_key(|it| it.span.start);
    match file {
        Ok(file) if problems.is_empty() => Ok(file),
        _ => Err(problems),
    }
}

/// All problems in one sentence, which names the first.
pub fn summary(text: &str, problems: &[FileProblem]) -> String {
    let n = problems.len();
    let errors = if n == 1 { "1 error".to_owned() } else { format!("{n} errors, the first") };
    let first = problems.first().map(|it| {
        let line = text.get(..it.span.start).unwrap_or_default().matches('\n').count() + 1;
        format!(" in line {line}: {}", it.message)
    });
    format!("{FILE_NAME} has {errors}{}", first.unwrap_or_default())
}

fn check_environments(file: &File, node: &Node, tell: &mut impl FnMut(Range<usize>, String)) {
    let span = |at: usize, key: &str| {
        let entry = node.at(&["environment", &at.to_string()]);
        let value = entry.and_then(|it| it.get(key)).or(entry);
        value.map(|it| it.span.clone()).unwrap_or_default()
    };
    let (mut names, mut has_primary) = (BTreeSet::new(), false);
    for (at, entry) in file.environment.iter().enumerate() {
        if let Some(Err(problem)) = entry.host.as_deref().map(parse_host) {
            tell(span(at, "host"), problem);
        }
        if !names.insert(entry.name.as_deref().unwrap_or("production")) {
            tell(span(at, "name"), "two environments have this name".into());
        }
        if entry.primary && std::mem::replace(&mut has_primary, true) {
            tell(span(at, "primary"), "one environment is primary, and another is already".into());
        }
    }
}

fn check_plans(file: &File, node: &Node, tell: &mut impl FnMut(Range<usize>, String)) {
    for (name, plan) in &file.plan {
        let span = |path: &[&str]| {
            let path: Vec<&str> = ["plan", name.as_str()].into_iter().chain(path.iter().copied()).collect();
            node.at(&path).map(|it| it.span.clone()).unwrap_or_default()
        };
        if plan.stage.is_empty() {
            tell(span(&[]), format!("plan {name} has no stage"));
        }
        for (at, stage) in plan.stage.iter().enumerate() {
            let at = at.to_string();
            if stage.name.trim().is_empty() || stage.name.contains(" · ") {
                let rule = "a stage is called by a word or two, without \" · \"";
                tell(span(&["stage", &at, "name"]), rule.into());
            }
            let grows = stage.steps.is_sorted_by(|a, b| a < b);
            if !stage.steps.is_empty() && (!grows || stage.steps.last() != Some(&100.0)) {
                tell(span(&["stage", &at, "steps"]), "steps grow, and the last is 100".into());
            }
        }
    }
}

fn check_patterns(file: &File, node: &Node, tell: &mut impl FnMut(Range<usize>, String)) {
    let (_, wrong) = Exclude::new(Path::new(""), file.exclude.clone());
    for (at, message) in wrong {
        let span = node.at(&["exclude", &at.to_string()]).map(|it| it.span.clone());
        tell(span.unwrap_or_default(), format!("this is no pattern: {message}"));
    }
}

impl SeverityTable {
    /// What counts, defaults included.
    pub(super) fn severities(&self) -> Severities {
        let of = |level: Option<Level>, default: Option<Severity>| match level {
            None => default,
            Some(Level::Error) => Some(Severity::Error),
            Some(Level::Warning) => Some(Severity::Warning),
            Some(Level::Information) => Some(Severity::Information),
            Some(Level::Hint) => Some(Severity::Hint),
            Some(Level::Off) => None,
        };
        let default = Severities::default();
        Severities {
            unknown_flag: of(self.unknown_flag, default.unknown_flag),
            stale_flag: of(self.stale_flag, default.stale_flag),
            disabled_flag: of(self.disabled_flag, default.disabled_flag),
        }
    }
}

impl PlanEntry {
    /// The plan that is written here.
    pub(super) fn plan(&self) -> Plan {
        let stage = |it: &StageEntry| PlanStage {
            name: it.name.trim().to_owned(),
            audience: it.audience.audience(),
            steps: if it.steps.is_empty() { vec![100.0] } else { it.steps.clone() },
        };
        Plan { stages: self.stage.iter().map(stage).collect() }
    }
}

impl AudienceEntry {
    fn audience(&self) -> Audience {
        match self {
            AudienceEntry::Everyone => Audience::Everyone,
            AudienceEntry::EmailDomain(domain) => {
                Audience::EmailDomain(domain.trim_start_matches('@').to_ascii_lowercase())
            }
            AudienceEntry::Email(address) => Audience::Email(address.clone()),
            AudienceEntry::Cohort(id) => Audience::Cohort(*id),
            AudienceEntry::Properties(properties) => {
                Audience::Properties(properties.iter().map(PropertyEntry::filter).collect())
            }
        }
    }
}

impl PropertyEntry {
    /// As PostHog takes it in a release condition.
    fn filter(&self) -> serde_json::Value {
        let operator = self.operator.as_deref().unwrap_or("exact");
        match self.group_type {
            Some(index) => serde_json::json!({
                "key": self.key, "type": "group", "group_type_index": index, "operator": operator, "value": self.value,
            }),
            None => serde_json::json!({
                "key": self.key, "type": "person", "operator": operator, "value": self.value,
            }),
        }
    }
}
