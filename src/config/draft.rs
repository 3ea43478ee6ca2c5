//! A first `flagline.toml`, as `flagline init` writes it.

use std::fmt::Write as _;

use crate::schema::quoted;

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The environments, the primary first.
    pub environments: Vec<DraftEnvironment>,
    /// The stages of the default plan before `everyone`.
    pub stages: Vec<DraftStage>,
}

/// An environment to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftEnvironment {
    /// How the team calls it.
    pub name: String,
    /// Where PostHog is.
    pub host: String,
    /// The project's number.
    pub project: u64,
    /// The project's name, for a comment.
    pub project_name: String,
}

/// A stage to write.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftStage {
    /// What it is called.
    pub name: &'static str,
    /// Who belongs to it.
    pub audience: DraftAudience,
}

/// Who belongs to a stage.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftAudience {
    /// People of a mail domain.
    EmailDomain(String),
    /// One person.
    Email(String),
    /// A cohort, with its name for a comment.
    Cohort(u64, String),
    /// A property of people, compared.
    Property {
        /// Its name.
        key: String,
        /// PostHog's operator.
        operator: &'static str,
        /// What it is compared with.
        value: String,
    },
}

/// Where the schema is published.
const SCHEMA: &str = "https://raw.githubusercontent.com/flagline/flagline/main/docs/flagline.schema.json";

impl Draft {
    /// The text of the file.
    pub fn text(&self) -> String {
        let mut text = format!("#:schema {SCHEMA}\n");
        for (at, it) in self.environments.iter().enumerate() {
            let primary = if at == 0 && self.environments.len() > 1 { "primary = true\n" } else { "" };
            let _ = write!(
                text,
                "\n[[environment]]\nname = {}\nhost = {}\nproject = {} # {}\n{primary}",
                quoted(&it.name),
                quoted(&it.host),
                it.project,
                comment(&it.project_name),
            );
        }
        text += "\n# New features open stage by stage.\n[plan.default]\nstage = [\n";
        for stage in &self.stages {
            let (audience, remark) = stage.audience.written();
            let _ = writeln!(text, "  {{ name = {}, audience = {audience} }},{remark}", quoted(stage.name));
        }
        text + "  { name = \"everyone\", audience = \"everyone\", steps = [5, 25, 50, 100] },\n]\n"
    }
}

impl DraftAudience {
    fn written(&self) -> (String, String) {
        match self {
            DraftAudience::EmailDomain(it) => (format!("{{ email_domain = {} }}", quoted(it)), String::new()),
            DraftAudience::Email(it) => (format!("{{ email = {} }}", quoted(it)), String::new()),
            DraftAudience::Cohort(id, name) => {
                (format!("{{ cohort = {id} }}"), format!(" # {}", comment(name)))
            }
            DraftAudience::Property { key, operator, value } => {
                let property =
                    format!("key = {}, operator = \"{operator}\", value = {}", quoted(key), quoted(value));
                (format!("{{ properties = [{{ {property} }}] }}"), String::new())
            }
        }
    }
}

/// Text that stays on its line.
fn comment(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        let environment = |name: &str, project| DraftEnvironment {
            name: name.into(),
            host: "https://eu.posthog.com".into(),
            project,
            project_name: "Off\nset \"\u{7f}\"".into(),
        };
        let draft = Draft {
            environments: vec![environment("production", 7), environment("dev \"\u{7f}\n\"", 8)],
            stages: vec![
                DraftStage {
                    name: "internal",
                    audience: DraftAudience::EmailDomain("offset.example".into()),
                },
                DraftStage { name: "beta", audience: DraftAudience::Cohort(3, "Beta\ntesters".into()) },
                DraftStage {
                    name: "low-value",
                    audience: DraftAudience::Property {
                        key: "ltv".into(),
                        operator: "lt",
                        value: "500".into(),
                    },
                },
            ],
        };
        let text = draft.text();
        let file = file::read(&text).unwrap_or_else(|it| panic!("{it:?} in\n{text}"));
        assert_eq!(file.environment[1].name.as_deref(), Some("dev \"\u{7f}\n\""));
        assert!(file.environment[0].primary && file.environment[0].project == Some(7));
        assert_eq!(file.plan["default"].stage.len(), 4);
    }
}
