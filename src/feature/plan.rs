use serde_json::{Value, json};

use super::StageName;

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
        let stage = |name: &str, audience, steps| PlanStage { name: name.into(), audience, steps };
        Plan {
            stages: vec![
                stage("internal", internal, vec![100.0]),
                stage("everyone", Audience::Everyone, vec![5.0, 25.0, 50.0, 100.0]),
            ],
        }
    }

    /// The `filters` of a new flag: every stage a described release condition, the first open, the others at
    /// 0 %. Nobody sees anything until the flag is enabled.
    pub fn filters(&self) -> Value {
        let groups: Vec<Value> =
            self.stages.iter().enumerate().map(|(at, stage)| self.condition(at, stage)).collect();
        json!({ "groups": groups, "multivariate": null, "payloads": {} })
    }

    fn condition(&self, at: usize, stage: &PlanStage) -> Value {
        let name =
            StageName { number: at as u32 + 1, of: self.stages.len() as u32, name: stage.name.clone() };
        let first_step = stage.steps.first().copied().unwrap_or(100.0);
        json!({
            "description": name.to_string(),
            "properties": stage.audience.properties(),
            "rollout_percentage": if at == 0 { first_step } else { 0.0 },
            "variant": null,
        })
    }
}

impl Audience {
    fn properties(&self) -> Value {
        let email = |operator: &str, value: String| json!([{ "key": "email", "type": "person", "operator": operator, "value": value }]);
        match self {
            // An end anchor: `icontains` would also let in ada@offset.example.evil.com.
            Audience::EmailDomain(domain) => email("regex", format!("@{}$", domain.replace('.', "\\."))),
            Audience::Email(address) => {
                json!([{ "key": "email", "type": "person", "operator": "exact", "value": [address] }])
            }
            Audience::Cohort(id) => json!([{ "key": "id", "type": "cohort", "operator": "in", "value": id }]),
            Audience::Properties(properties) => json!(properties),
            Audience::Everyone => json!([]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_plan_opens_to_the_owners_colleagues_first() {
        let filters = Plan::default_for("ada@offset.example").filters();
        assert_eq!(
            filters["groups"][0],
            json!({
                "description": "1/2 internal",
                "properties": [{ "key": "email", "type": "person", "operator": "regex", "value": "@offset\\.example$" }],
                "rollout_percentage": 100.0,
                "variant": null,
            })
        );
        assert_eq!(filters["groups"][1]["description"], "2/2 everyone");
        assert_eq!(filters["groups"][1]["rollout_percentage"], 0.0);
        assert_eq!(filters["groups"][1]["properties"], json!([]));
    }

    #[test]
    fn an_owner_at_a_public_provider_is_a_stage_of_one() {
        for address in ["ada@gmail.com", "no-address", ""] {
            let plan = Plan::default_for(address);
            assert_eq!(plan.stages[0].audience, Audience::Email(address.into()));
        }
    }
}
