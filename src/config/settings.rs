//! What an editor may send: its own settings, which go before `flagline.toml`.

use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Scope;
use super::host::{not_a_project, parse_host};
use crate::schema::{Node, Schema, check};

/// The settings of an editor, under `flagline` or as `initializationOptions`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// Where PostHog is, when flagline.toml does not say it: `https://us.posthog.com`, `https://eu.posthog.com`, or your
    /// own.
    pub host: Option<String>,
    /// The project's number, as in the address of its pages, when flagline.toml does not say it.
    pub project: Option<ProjectSetting>,
    /// After how many days with one value for everyone a flag is stale.
    #[schemars(range(min = 1, max = 3650), extend("default" = 30))]
    pub stale_days: Option<u32>,
    /// Which files get warnings: those that are open, or all of the workspace.
    #[schemars(extend("default" = "open"))]
    pub diagnostics: Option<ScopeSetting>,
    /// Tell when somebody else changes a flag that this workspace reads.
    #[schemars(extend("default" = true))]
    pub notify_changes: Option<bool>,
    /// Show the stage, the people and the number of reads above functions and components that read a flag.
    #[schemars(extend("default" = true))]
    pub lens: Option<bool>,
    /// Show the stage behind every key.
    #[schemars(extend("default" = true))]
    pub inlay_hints: Option<bool>,
    /// Write nothing to PostHog and create no feature, for a workspace that is not trusted. Set by clients, not by people.
    #[schemars(extend("default" = false))]
    pub read_only: Option<bool>,
}

/// A project's number; some editors only have text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ProjectSetting {
    /// As it should be.
    Number(u64),
    /// As text.
    Text(String),
}

/// Which files get warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScopeSetting {
    /// Those that are open.
    Open,
    /// All of the workspace.
    Workspace,
}

/// The settings, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Checked {
    pub host: Option<Arc<str>>,
    pub project: Option<u64>,
    pub stale_days: Option<u32>,
    pub diagnostics: Option<Scope>,
    pub notify_changes: Option<bool>,
    pub lens: Option<bool>,
    pub inlay_hints: Option<bool>,
    pub read_only: bool,
}

/// The schema of the settings.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Settings>);
    &SCHEMA
}

/// Takes what an editor sent. What is wrong is told and left out, the rest counts.
pub(super) fn read(value: &Value, problems: &mut Vec<String>) -> Checked {
    let mut sent = match value {
        Value::Null => return Checked::default(),
        Value::Object(sent) => meant(sent),
        _ => {
            problems.push("settings: expected an object".into());
            return Checked::default();
        }
    };
    for name in ["apiKey", "key", "token"] {
        if sent.remove(name).is_some() {
            problems.push(format!(
                "settings, {name}: keys are not taken from editor settings, which are often shared; sign in, or set \
                 the environment variable FLAGLINE_API_KEY"
            ));
        }
    }
    for problem in check(schema(), &Node::from_json(&Value::Object(sent.clone()))) {
        let Some(name) = problem.path.first() else { continue };
        sent.remove(name);
        problems.push(format!("settings, {name}: {}", problem.message));
    }
    match serde_json::from_value::<Settings>(Value::Object(sent)) {
        Ok(settings) => settings.checked(problems),
        Err(error) => {
            problems.push(format!("settings: {error}"));
            Checked::default()
        }
    }
}

/// Without what says nothing: `null`, empty text, and what only clients look at.
fn meant(sent: &Map<String, Value>) -> Map<String, Value> {
    let of_client = |name: &str| matches!(name, "path" | "trace");
    let says = |it: &Value| !it.is_null() && it != "";
    sent.iter().filter(|it| says(it.1) && !of_client(it.0)).map(|(a, b)| (a.clone(), b.clone())).collect()
}

impl Settings {
    fn checked(self, problems: &mut Vec<String>) -> Checked {
        let mut tell = |name: &str, problem: String| problems.push(format!("settings, {name}: {problem}"));
        let host = self.host.and_then(|it| parse_host(&it).map_err(|it| tell("host", it)).ok());
        let project = self.project.and_then(|it| match it {
            ProjectSetting::Number(it) => Some(it),
            ProjectSetting::Text(it) => {
                it.trim().parse().map_err(|_| tell("project", not_a_project(&it))).ok()
            }
        });
        Checked {
            host,
            project,
            stale_days: self.stale_days,
            diagnostics: self.diagnostics.map(|it| match it {
                ScopeSetting::Open => Scope::Open,
                ScopeSetting::Workspace => Scope::Workspace,
            }),
            notify_changes: self.notify_changes,
            lens: self.lens,
            inlay_hints: self.inlay_hints,
            read_only: self.read_only.unwrap_or(false),
        }
    }
}
