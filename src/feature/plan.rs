use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Period, StageName};
use crate::flags::people;

/// The tag on every object that Flagline makes in PostHog.
pub const TAG: &str = "flagline";

/// The ordered stages of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order in which they open.
    pub stages: Vec<PlanStage>,
}

/// One stage of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanStage {
    /// `internal`, `beta`, ...
    pub name: String,
    /// Who belongs to it.
    pub audience: Audience,
    /// Percentages in the order in which they are reached; the last is 100.
    pub steps: Vec<f64>,
    /// How long each step lasts before the next; `None` = a person takes each step.
    pub pace: Option<Period>,
    /// What must hold before the stage may be left.
    pub gate: Gate,
}

/// Two moments of a step in time are the same within this.
pub const SAME_TIME: SignedDuration = SignedDuration::from_mins(2);

impl PlanStage {
    /// When the steps beyond a percentage are due of a stage that came there at `arrived`; none without a pace. In whole
    /// seconds: fractions decide nothing, and two who reckon come to the same.
    pub fn steps_in_time(&self, reached: f64, arrived: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
        let ahead = self.steps.iter().copied().filter(move |it| *it > reached).enumerate();
        let pace = self.pace.map(Period::duration);
        ahead.filter_map(move |(n, step)| {
            let due = arrived.checked_add(pace? * (n as i32 + 1)).ok()?;
            Some((Timestamp::from_second(due.as_second()).ok()?, step))
        })
    }
}

/// What must hold before a stage may be left; by default, that a person says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// Whether the next stage opens by itself once the rest holds.
    pub automatic: bool,
    /// So many people met the feature in this stage.
    pub people: Option<u32>,
    /// At most so many of them met an exception.
    pub max_exceptions: Option<u32>,
    /// The stage was open for so long.
    pub after: Option<Period>,
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let people = self.people.map(|it| people(it.into()));
        let exceptions = self.max_exceptions.map(|it| match it {
            0 => "no exceptions".to_owned(),
            1 => "at most 1 exception".to_owned(),
            n => format!("at most {n} exceptions"),
        });
        let after = self.after.map(|it| format!("{it} open"));
        let approval = (!self.automatic).then(|| "a person's go".to_owned());
        let all: Vec<String> = [people, exceptions, after, approval].into_iter().flatten().collect();
        f.write_str(&if all.is_empty() { "none".to_owned() } else { all.join(", ") })
    }
}

/// Who belongs to a stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Audience {
    /// People whose e-mail address ends in `@` and this domain.
    EmailDomain(String),
    /// The one person with this e-mail address.
    Email(String),
    /// The people of this cohort.
    Cohort(u64),
    /// The people of the cohort with this name; where there is none, it is made of the people with these properties,
    /// or static and empty.
    CohortNamed {
        /// Its name.
        name: String,
        /// As PostHog takes them in a release condition; none = a static cohort.
        properties: Vec<Value>,
    },
    /// People or groups with these properties, as PostHog takes them in a release condition.
    Properties(Vec<Value>),
    /// Everyone.
    Everyone,
}

/// Domains at which anybody can have an address: a colleague's stage must not open to all of them.
const PUBLIC_MAIL: [&str; 14] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "me.com",
    "proton.me",
    "protonmail.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "aol.com",
];

impl Plan {
    /// The plan of a team that named none: the owner's e-mail domain, then everyone at 5, 25, 50 and 100 %.
    /// An owner at a public mail provider is a stage of one.
    pub fn default_for(owner_email: &str) -> Plan {
        let domain = owner_email.rsplit_once('@').map(|it| it.1.to_ascii_lowercase());
        let internal = match domain {
            Some(it) if !it.is_empty() && !PUBLIC_MAIL.contains(&it.as_str()) => Audience::EmailDomain(it),
            _ => Audience::Email(owner_email.into()),
        };
        // Colleagues have seen it, and somebody has looked, before strangers do.
        let gate = Gate { people: Some(5), ..Gate::default() };
        let stage = |name: &str, audience, steps, gate| PlanStage {
            name: name.into(),
            audience,
            steps,
            pace: None,
            gate,
        };
        Plan {
            stages: vec![
                stage("internal", internal, vec![100.0], gate),
                stage("everyone", Audience::Everyone, vec![5.0, 25.0, 50.0, 100.0], Gate::default()),
            ],
        }
    }

    /// The type of groups that the plan's stages are about; `None` = people.
    pub fn group_type(&self) -> Option<u64> {
        let of = |it: &Value| it.get("group_type_index").and_then(Value::as_u64);
        self.stages.iter().find_map(|it| match &it.audience {
            Audience::Properties(properties) => properties.iter().find_map(of),
            _ => None,
        })
    }

    /// The cohorts that stages name, with the properties of their people.
    pub fn cohorts_named(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.stages.iter().filter_map(|it| match &it.audience {
            Audience::CohortNamed { name, properties } => Some((name.as_str(), properties.as_slice())),
            _ => None,
        })
    }

    /// The release conditions of a new flag: every stage described, the first open at its first step, the others at
    /// 0 %. Nobody sees anything until the flag is enabled. `cohort` gives the number of a cohort by its name; `None`
    /// while one of them has none.
    pub fn conditions(&self, cohort: &impl Fn(&str) -> Option<u64>) -> Option<Vec<Value>> {
        self.stages.iter().enumerate().map(|(at, stage)| self.condition(at, stage, cohort)).collect()
    }

    /// By which a stage is known in a flag.
    pub(super) fn stage_name(&self, at: usize, stage: &PlanStage) -> StageName {
        StageName { number: at as u32 + 1, of: self.stages.len() as u32, name: stage.name.clone() }
    }

    pub(super) fn condition(
        &self,
        at: usize,
        stage: &PlanStage,
        cohort: &impl Fn(&str) -> Option<u64>,
    ) -> Option<Value> {
        let name = self.stage_name(at, stage);
        let first_step = stage.steps.first().copied().unwrap_or(100.0);
        let mut condition = json!({
            "description": name.to_string(),
            "properties": stage.audience.properties(cohort)?,
            "rollout_percentage": if at == 0 { first_step } else { 0.0 },
            "variant": null,
        });
        if let Some(index) = self.group_type() {
            condition["aggregation_group_type_index"] = index.into();
        }
        Some(condition)
    }
}

impl Audience {
    /// As PostHog takes it in a release condition; `None` while a cohort is not there.
    pub fn properties(&self, cohort: &impl Fn(&str) -> Option<u64>) -> Option<Value> {
        let email = |operator: &str, value: String| json!([{ "key": "email", "type": "person", "operator": operator, "value": value }]);
        let of_cohort = |id: u64| json!([{ "key": "id", "type": "cohort", "operator": "in", "value": id }]);
        Some(match self {
            // An end anchor: `icontains` would also let in ada@offset.example.evil.com.
            Audience::EmailDomain(domain) => email("regex", format!("@{}$", domain.replace('.', "\\."))),
            Audience::Email(address) => {
                json!([{ "key": "email", "type": "person", "operator": "exact", "value": [address] }])
            }
            Audience::Cohort(id) => of_cohort(*id),
            Audience::CohortNamed { name, .. } => of_cohort(cohort(name)?),
            Audience::Properties(properties) => json!(properties),
            Audience::Everyone => json!([]),
        })
    }
}

impl std::fmt::Display for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Audience::EmailDomain(domain) => write!(f, "people at {domain}"),
            Audience::Email(address) => f.write_str(address),
            Audience::Cohort(id) => write!(f, "cohort {id}"),
            Audience::CohortNamed { name, .. } => write!(f, "cohort '{name}'"),
            Audience::Properties(properties) => {
                let compared = |it: &Value| {
                    let text = |name: &str| match &it[name] {
                        Value::String(it) => it.clone(),
                        other => other.to_string(),
                    };
                    format!("{} {} {}", text("key"), text("operator"), text("value"))
                };
                let all: Vec<String> = properties.iter().map(compared).collect();
                f.write_str(&all.join(" and "))
            }
            Audience::Everyone => f.write_str("everyone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_plan_opens_to_the_owners_colleagues_first() {
        let conditions = Plan::default_for("ada@offset.example").conditions(&|_| None).unwrap();
        assert_eq!(
            conditions[0],
            json!({
                "description": "1/2 internal",
                "properties": [{ "key": "email", "type": "person", "operator": "regex", "value": "@offset\\.example$" }],
                "rollout_percentage": 100.0,
                "variant": null,
            })
        );
        assert_eq!(conditions[1]["description"], "2/2 everyone");
        assert_eq!(conditions[1]["rollout_percentage"], 0.0);
        assert_eq!(conditions[1]["properties"], json!([]));
    }

    #[test]
    fn a_gate_counts_people() {
        let gate = |n| Gate { people: Some(n), automatic: true, ..Gate::default() }.to_string();
        assert_eq!([gate(1), gate(2)], ["1 person", "2 people"]);
    }

    #[test]
    fn an_owner_at_a_public_provider_is_a_stage_of_one() {
        for address in ["ada@gmail.com", "no-address", ""] {
            let plan = Plan::default_for(address);
            assert_eq!(plan.stages[0].audience, Audience::Email(address.into()));
        }
    }
}
