//! A plan as it is written, in a brief or in `flagline.toml`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Audience, Gate, Period, Plan, PlanStage};

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
    #[schemars(extend("items" = { "type": "number", "exclusiveMinimum": 0, "maximum": 100 }, "default" = [100]))]
    pub steps: Vec<f64>,
    /// How long each step lasts before the next one. Without it, a person takes each step.
    #[serde(default)]
    pub pace: Option<Period>,
    /// What must hold before the stage may be left. Without it, a person says so.
    #[serde(default)]
    pub gate: Option<GateEntry>,
}

/// What must hold before a stage may be left.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GateEntry {
    /// The next stage opens by itself once everything else here holds; else a person says so, by `promote`.
    pub automatic: bool,
    /// So many people met the feature in this stage.
    #[schemars(range(min = 1))]
    pub people: Option<u32>,
    /// At most so many of them met an exception.
    pub max_exceptions: Option<u32>,
    /// The stage was open for so long.
    pub after: Option<Period>,
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
    /// The people of a cohort: its number, its name, or `{ name, properties }` of one that is made at launch if it is
    /// missing. A cohort of behaviour must be a static one: PostHog refuses others in flags.
    Cohort(CohortEntry),
    /// People or groups with these properties, all of them.
    Properties(Vec<PropertyEntry>),
}

/// A cohort, by its number or its name.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CohortEntry {
    /// Its number, as in the address of its page.
    Number(u64),
    /// Its name. One that does not exist is made at launch, static and empty.
    Name(String),
    /// One that is made at launch if it does not exist.
    Made(MadeCohort),
}

/// A cohort that is made at launch if it does not exist.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeCohort {
    /// Its name.
    pub name: String,
    /// The people with these properties, all of them.
    pub properties: Vec<PropertyEntry>,
}

/// How PostHog compares a property, and what it means. The last ones are of graphs alone.
const OPERATORS: [(&str, &str); 32] = [
    ("exact", "It is this, or one of these."),
    ("is_not", "It is none of these."),
    ("icontains", "This stands in it, in capitals or not."),
    ("not_icontains", "This does not stand in it, in capitals or not."),
    ("icontains_multi", "One of these stands in it, in capitals or not."),
    ("not_icontains_multi", "None of these stands in it, in capitals or not."),
    ("regex", "This regular expression matches it."),
    ("not_regex", "This regular expression does not match it."),
    ("gt", "It is more than this."),
    ("gte", "It is this or more."),
    ("lt", "It is less than this."),
    ("lte", "It is this or less."),
    ("is_set", "It is there, whatever it is."),
    ("is_not_set", "It is not there."),
    ("is_date_exact", "It is this day."),
    ("is_date_before", "It is a time before this one."),
    ("is_date_after", "It is a time after this one."),
    ("semver_eq", "It is this version."),
    ("semver_neq", "It is another version."),
    ("semver_gt", "It is a later version."),
    ("semver_gte", "It is this version or a later one."),
    ("semver_lt", "It is an earlier version."),
    ("semver_lte", "It is this version or an earlier one."),
    ("semver_tilde", "It is this version or a later patch of it, as `~1.2.3` says."),
    ("semver_caret", "It is this version or a later compatible one, as `^1.2.3` says."),
    ("semver_wildcard", "It is one of the versions that `1.2.*` means."),
    ("between", "It is from the first to the second number. Only graphs compare so."),
    ("not_between", "It is outside of the first and the second number. Only graphs compare so."),
    ("min", "It is this or more. Only graphs compare so."),
    ("max", "It is this or less. Only graphs compare so."),
    ("in", "It is in this cohort. Only graphs compare so."),
    ("not_in", "It is not in this cohort. Only graphs compare so."),
];

/// How many of them release conditions and cohorts know.
const OF_CONDITIONS: usize = 26;

/// Whether release conditions and cohorts do not know an operator.
pub(crate) fn is_of_graphs(operator: &str) -> bool {
    OPERATORS[OF_CONDITIONS..].iter().any(|it| it.0 == operator)
}

/// Each operator with its meaning, for the schema.
fn operators() -> serde_json::Value {
    let one = |it: &(&str, &str)| serde_json::json!({ "const": it.0, "description": it.1 });
    OPERATORS.iter().map(one).collect()
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
    #[schemars(extend("default" = "exact", "oneOf" = operators()))]
    pub operator: Option<String>,
    /// The number of the group type (0 to 4) when it is a group's property; a person's without.
    #[serde(default)]
    #[schemars(range(min = 0, max = 4))]
    pub group_type: Option<u8>,
}

impl PlanEntry {
    /// The plan that is written here.
    pub fn plan(&self) -> Plan {
        Plan { stages: self.stage.iter().map(StageEntry::stage).collect() }
    }
}

impl StageEntry {
    /// The stage that is written here.
    pub fn stage(&self) -> PlanStage {
        PlanStage {
            name: self.name.trim().to_owned(),
            audience: self.audience.audience(),
            steps: if self.steps.is_empty() { vec![100.0] } else { self.steps.clone() },
            pace: self.pace,
            gate: self.gate.as_ref().map(GateEntry::gate).unwrap_or_default(),
        }
    }
}

impl GateEntry {
    fn gate(&self) -> Gate {
        Gate {
            automatic: self.automatic,
            people: self.people,
            max_exceptions: self.max_exceptions,
            after: self.after,
        }
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
            AudienceEntry::Cohort(CohortEntry::Number(id)) => Audience::Cohort(*id),
            AudienceEntry::Cohort(CohortEntry::Name(name)) => {
                Audience::CohortNamed { name: name.trim().to_owned(), properties: Vec::new() }
            }
            AudienceEntry::Cohort(CohortEntry::Made(cohort)) => Audience::CohortNamed {
                name: cohort.name.trim().to_owned(),
                properties: cohort.properties.iter().map(PropertyEntry::filter).collect(),
            },
            AudienceEntry::Properties(properties) => {
                Audience::Properties(properties.iter().map(PropertyEntry::filter).collect())
            }
        }
    }
}

impl PropertyEntry {
    /// As PostHog takes it in a release condition.
    pub(super) fn filter(&self) -> serde_json::Value {
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
