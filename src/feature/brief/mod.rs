//! A feature as a document in the user's repository: `.flagline/<key>.toml`. The schema is made of the type; key and
//! name are enough, the rest has defaults.

mod check;
mod draft;
mod file;
mod metric;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plan_entry::StageEntry;
use super::{Period, Plan};
use crate::flags::FlagKey;
use crate::schema::{Node, Schema, similar};

pub use check::{BriefProblem, is_address, read};
pub use draft::{Draft, missing_events, name_for};
pub use file::{BriefFile, is_brief};
pub use metric::{After, Baseline, Count, EventEntry, FilteredEvent, Goal, Guard, Metric, MetricKind};
pub use outcome::{Outcome, Verdict, outcome_edit};

/// Where briefs lie, below the folder of `flagline.toml`.
pub const BRIEFS: &str = ".flagline";

/// A feature: one flag, its rollout and its purpose. `.flagline/<key>.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A feature's brief")]
pub struct Brief {
    /// The flag's key; it decides, whatever the file is called.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,400}$"), extend("examples" = ["new-checkout"]))]
    pub key: String,
    /// The feature's name, as people say it.
    #[serde(default)]
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Who answers for it: one e-mail address.
    #[serde(default)]
    pub owner: Option<String>,
    /// What the team believes will come of it.
    #[serde(default)]
    pub hypothesis: Option<String>,
    /// How it reaches people.
    #[serde(default)]
    pub release: Release,
    /// The variants of an A/B test; `control` and `test`, half each, when nothing is written.
    #[serde(default)]
    pub variant: Vec<VariantEntry>,
    /// The key metric: what the feature is for.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// Other metrics to watch.
    #[serde(default)]
    pub secondary: Vec<Metric>,
    /// The name of a plan of `flagline.toml`; `default` when neither this nor `stage` is written.
    #[serde(default)]
    pub plan: Option<String>,
    /// The stages of a plan of its own, in the order in which they open.
    #[serde(default)]
    pub stage: Vec<StageEntry>,
    /// Lets people opt in before it is their turn, on PostHog's early access page.
    #[serde(default)]
    pub early_access: Option<EarlyAccessEntry>,
    /// What stops the rollout.
    #[serde(default)]
    pub guard: Vec<Guard>,
    /// Who is told.
    #[serde(default)]
    pub notify: Notify,
    /// An invitation to an interview, shown to people who use the feature.
    #[serde(default)]
    pub interview: Option<Interview>,
    /// What must be done before the flag can be lifted.
    #[serde(default)]
    pub before_lifting: Vec<Todo>,
    /// How long after everyone has it the team looks at what came of it.
    #[serde(default)]
    #[schemars(extend("default" = "90d"))]
    pub review_after: Option<Period>,
    /// What came of it, once somebody said so.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// How a feature reaches people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Release {
    /// Stage by stage, as the plan says.
    #[default]
    AutoRollout,
    /// As an experiment among variants.
    AbTest,
}

/// A variant of an A/B test.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantEntry {
    /// What code compares with; one is called `control`.
    pub key: String,
    /// Percent of people who get it; all of them make 100.
    #[schemars(range(min = 0, max = 100))]
    pub percent: f64,
}

/// A feature that people can opt in to.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyAccessEntry {
    /// How far it is, as PostHog shows it.
    #[serde(default)]
    pub stage: EarlyAccessStage,
    /// What people read who think about it; the brief's description when nothing is written.
    #[serde(default)]
    pub description: Option<String>,
    /// Where they can read more.
    #[serde(default)]
    pub documentation_url: Option<String>,
}

/// How far an early access feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EarlyAccessStage {
    /// An idea: people can only say that they want it.
    Concept,
    /// People can opt in, at their own risk.
    Alpha,
    /// People can opt in.
    #[default]
    Beta,
}

/// Who is told of what happens to a feature.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Notify {
    /// A Slack channel, by its name (`#releases`) or its id.
    pub slack: Option<String>,
    /// A webhook, by a name of the team's: its address is in the variable `FLAGLINE_WEBHOOK_<NAME>`, never in a file.
    pub webhook: Option<String>,
    /// PostHog keeps the webhook's address and posts by itself, instead of whoever moves the rollout.
    pub webhook_in_posthog: bool,
    /// People who get PostHog's alerts by e-mail; the owner when nobody is named.
    pub people: Vec<String>,
    /// Every change of the flag is told too, whoever makes it: in Slack, or to the webhook where PostHog keeps its address.
    pub flag_changes: bool,
}

/// An invitation to an interview.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interview {
    /// The stage in which people are invited; the first one when nothing is written.
    #[serde(default)]
    pub stage: Option<String>,
    /// How many people are wanted.
    #[serde(default)]
    #[schemars(range(min = 1, max = 500), extend("default" = 5))]
    pub people: Option<u32>,
    /// The event after which somebody is asked; without it, the people of the stage are.
    #[serde(default)]
    pub event: Option<String>,
    /// What they are asked.
    #[serde(default)]
    pub text: Option<String>,
    /// Where they pick a time.
    pub calendar: String,
}

/// Something to do before the flag can be lifted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Todo {
    /// What.
    pub what: String,
    /// Whether it is done.
    #[serde(default)]
    pub done: bool,
}

/// How many people are invited to an interview where the brief does not say.
const PEOPLE_TO_INTERVIEW: u32 = 5;

/// How long after everyone has it the team looks at what came of it, where the brief does not say.
const REVIEW_AFTER: Period = Period::days(90);

impl Brief {
    /// A brief that says only what a feature is called.
    pub fn new(key: &FlagKey, name: &str) -> Brief {
        Brief {
            key: key.to_string(),
            name: name.to_owned(),
            description: None,
            owner: None,
            hypothesis: None,
            release: Release::default(),
            variant: Vec::new(),
            metric: None,
            secondary: Vec::new(),
            plan: None,
            stage: Vec::new(),
            early_access: None,
            guard: Vec::new(),
            notify: Notify::default(),
            interview: None,
            before_lifting: Vec::new(),
            review_after: None,
            outcome: None,
        }
    }

    /// Reads a brief; an error says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Brief, String> {
        read(text).map_err(|problems| {
            let first = &problems[0];
            let line = text.get(..first.span.start).unwrap_or_default().matches('\n').count() + 1;
            let more = match problems.len() {
                1 => String::new(),
                n => format!(" (and {} more)", n - 1),
            };
            format!("line {line}: {}{more}", first.message)
        })
    }

    /// The flag's key.
    pub fn flag(&self) -> FlagKey {
        self.key.as_str().into()
    }

    /// Whether this is the brief of a flag.
    pub fn is_of(&self, key: &FlagKey) -> bool {
        self.key == key.as_str()
    }

    /// The feature's name; the key where there is none.
    pub fn title(&self) -> &str {
        if self.name.trim().is_empty() { &self.key } else { &self.name }
    }

    /// The plan: its own stages, else the one that it names, else the team's, else the default one for the owner (or,
    /// where the brief names none, for `me`, an e-mail address). An error says which plan is not there.
    pub fn plan(&self, plans: &BTreeMap<String, Plan>, me: &str) -> Result<Plan, String> {
        if !self.stage.is_empty() {
            return Ok(Plan { stages: self.stage.iter().map(StageEntry::stage).collect() });
        }
        let wanted = self.plan.as_deref().unwrap_or("default");
        match plans.get(wanted) {
            Some(plan) => Ok(plan.clone()),
            None if wanted == "default" => Ok(Plan::default_for(self.owner.as_deref().unwrap_or(me))),
            None => Err(format!("flagline.toml has no plan '{wanted}'")),
        }
    }

    /// Why nobody would be invited to the interview: the plan does not have its stage.
    pub fn interview_trouble(&self, plan: &Plan) -> Option<String> {
        let interview = self.interview.as_ref().filter(|it| it.stage_in(plan).is_none())?;
        let stages = plan.stages.iter().map(|it| it.name.as_str());
        Some(no_stage(self.plan.as_deref(), interview.stage.as_deref()?, stages))
    }

    /// The variants of an A/B test with their percentages; none for a rollout.
    pub fn variants(&self) -> Vec<VariantEntry> {
        let half = |key: &str| VariantEntry { key: key.into(), percent: 50.0 };
        match self.release {
            Release::AutoRollout => Vec::new(),
            Release::AbTest if self.variant.is_empty() => vec![half("control"), half("test")],
            Release::AbTest => self.variant.clone(),
        }
    }

    /// The variants as PostHog takes them in a flag; null for a rollout.
    pub fn multivariate(&self) -> Value {
        let body = |it: VariantEntry| json!({ "key": it.key, "name": "", "rollout_percentage": it.percent });
        match self.variants() {
            none if none.is_empty() => Value::Null,
            variants => json!({ "variants": variants.into_iter().map(body).collect::<Vec<Value>>() }),
        }
    }

    /// What must still be done before the flag can be lifted.
    pub fn open_todos(&self) -> impl Iterator<Item = &Todo> {
        self.before_lifting.iter().filter(|it| !it.done)
    }

    /// How long after everyone has it the team looks at what came of it.
    pub fn review_after(&self) -> Period {
        self.review_after.unwrap_or(REVIEW_AFTER)
    }
}

impl Interview {
    /// How many people are wanted.
    pub fn people(&self) -> u32 {
        self.people.unwrap_or(PEOPLE_TO_INTERVIEW)
    }

    /// The stage of a plan in which people are invited, counted from 0; `None` where the plan does not have it.
    pub fn stage_in(&self, plan: &Plan) -> Option<usize> {
        plan.stages.iter().position(|it| self.stage.as_deref().is_none_or(|name| name.trim() == it.name))
    }
}

/// What to say of a stage that a plan does not have: which ones it has, and which of them may be meant.
pub fn no_stage<'a>(
    plan: Option<&str>,
    wanted: &str,
    stages: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let plan = plan.map(|it| format!(" \"{it}\"")).unwrap_or_default();
    let of_interview = format!("the plan{plan} has no stage \"{wanted}\" for the interview");
    match similar(wanted.trim(), stages.clone()) {
        Some(near) => format!("{of_interview}; did you mean \"{near}\"?"),
        None => format!("{of_interview}, but {}", stages.collect::<Vec<_>>().join(", ")),
    }
}

/// The schema of a brief.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Brief>);
    &SCHEMA
}

/// The key that a text names, even if much of the rest is wrong, with its bytes.
pub fn key_in(text: &str) -> Option<(FlagKey, std::ops::Range<usize>)> {
    let (node, _) = Node::from_toml(text);
    let at = node.get("key")?;
    Some((at.as_str()?.into(), at.span.clone()))
}

/// The name of the file of a feature's brief: its key, or for a long key its beginning and a hash (file names end
/// somewhere).
pub fn file_name(key: &FlagKey) -> String {
    const LONGEST: usize = 100;
    let key = key.as_str();
    if key.len() <= LONGEST {
        return format!("{key}.toml");
    }
    // FNV-1a: the same on all machines and at all times.
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let beginning: String = key.chars().take(LONGEST - 17).collect();
    format!("{beginning}-{hash:016x}.toml")
}
