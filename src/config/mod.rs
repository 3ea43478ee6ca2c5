//! Settings: `flagline.toml`, `.posthog.json`, what the editor sends and environment variables, all problems
//! collected. The later of these go before the earlier.
//!
//! A key goes only to the host it was given for. Files and editor settings may come from a repository, so they may
//! name a host and a project, but never send a key to a host that it does not belong to.

pub mod draft;
pub mod file;
mod host;
pub mod posthog_json;
mod rules;
pub mod settings;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::Value;

pub use file::{File, FileProblem};
pub use host::{US_CLOUD, check_key, parse_host};
pub use rules::{Rule, Severities};

use self::posthog_json::PostHogJson;
use self::settings::Checked;
use crate::feature::Plan;
use crate::flags;
use crate::index::Exclude;
use crate::syntax::{Names, Wrapper};

/// Everything that can be set, for one root.
#[derive(Debug, Clone)]
pub struct Config {
    /// At least one; the first is the primary, on which staleness is judged.
    pub environments: Vec<Environment>,
    /// What is not read.
    pub exclude: Arc<Exclude>,
    /// What the team adds to the SDK's names.
    pub names: Arc<Names>,
    /// After how many days with one value for everyone a flag is stale.
    pub stale_days: u32,
    /// Flags with one of these tags are never called stale.
    pub permanent_tags: Vec<String>,
    /// How loud each kind of finding is.
    pub severities: Severities,
    /// Which files get diagnostics.
    pub diagnostics: Scope,
    /// The team's plans, by name.
    pub plans: BTreeMap<String, Plan>,
    /// Whether changes that somebody else makes are told.
    pub notify_changes: bool,
    /// Whether code that reads a flag gets a lens.
    pub lens: bool,
    /// Whether keys are followed by their stage.
    pub inlay_hints: bool,
    /// Whether nothing may be written to PostHog.
    pub read_only: bool,
}

impl Config {
    /// After how long with one value for everyone a flag is stale.
    pub fn stale_after(&self) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(self.stale_days))
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            environments: vec![Environment::new(US_CLOUD.into())],
            exclude: Arc::default(),
            names: Arc::default(),
            stale_days: 30,
            permanent_tags: vec!["permanent".into()],
            severities: Severities::default(),
            diagnostics: Scope::default(),
            plans: BTreeMap::new(),
            notify_changes: true,
            lens: true,
            inlay_hints: true,
            read_only: false,
        }
    }
}

/// A PostHog project at a host that this code runs against.
#[derive(Debug, Clone)]
pub struct Environment {
    /// How the team calls it.
    pub name: Arc<str>,
    /// Scheme, host and port, without a slash at the end.
    pub host: Arc<str>,
    /// The project's number; `None` = the only one that the key can see.
    pub project: Option<u64>,
    /// Which setting names that number.
    pub project_from: Option<&'static str>,
    /// Whether a settings file of the repository is about PostHog: then somebody expects it to be asked.
    pub declared: bool,
    /// The personal API key for that host; `None` = signed out.
    pub key: Option<SecretString>,
    /// Where that key comes from.
    pub key_from: Option<KeySource>,
    /// What is wrong with these settings: then nothing is asked, since it might be asked of the wrong place.
    pub problem: Option<Arc<str>>,
}

impl Environment {
    /// An environment at a host, with nobody signed in.
    pub fn new(host: Arc<str>) -> Environment {
        Environment {
            name: "production".into(),
            host,
            project: None,
            project_from: None,
            declared: false,
            key: None,
            key_from: None,
            problem: None,
        }
    }

    /// The key of its host, unless it has one already.
    fn take_key(&mut self, keys: Option<&Keys>, from: KeySource) {
        let key = keys.and_then(|it| it.get(&self.host)).filter(|_| self.key.is_none());
        if let Some(key) = key {
            (self.key, self.key_from) = (Some(key.clone()), Some(from));
        }
    }

    /// The project's number by a setting, unless that says nothing.
    fn take_project(&mut self, project: Option<u64>, from: &'static str) {
        if project.is_some() {
            (self.project, self.project_from) = (project, Some(from));
        }
    }

    /// Another host, where the number of a project means nothing.
    fn move_to(&mut self, host: &Arc<str>) {
        if self.host != *host {
            (self.host, self.project, self.project_from) = (host.clone(), None, None);
        }
    }

    /// Whether the mirror's environment is of this place.
    pub fn is_at(&self, other: &flags::Environment) -> bool {
        self.host == other.host && self.project == other.configured_project
    }
}

/// Where a key comes from; the first that has one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// `FLAGLINE_API_KEY`.
    Variable,
    /// The editor.
    Client,
    /// What `flagline login` kept.
    Stored,
}

/// Which files get diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Those that are open.
    #[default]
    Open,
    /// All of the workspace.
    Workspace,
}

/// How loud a finding is, from loud to quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Must not be merged.
    Error,
    /// Something is wrong or should be done.
    Warning,
    /// Good to know.
    Information,
    /// Hardly visible.
    Hint,
}

impl Severity {
    /// The public name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
            Severity::Hint => "hint",
        }
    }
}

/// The keys that the user signed in with, by host.
pub type Keys = HashMap<Arc<str>, SecretString>;

/// Everything that settings come from.
#[derive(Default)]
pub struct Inputs<'a> {
    /// The folder of `flagline.toml`; patterns are relative to it.
    pub folder: Option<&'a Path>,
    /// `flagline.toml`, or why nothing can be taken from it.
    pub file: Option<Result<&'a File, &'a str>>,
    /// `.posthog.json`.
    pub posthog_json: PostHogJson,
    /// What the editor sent.
    pub settings: Option<&'a Value>,
    /// Keys that the editor keeps.
    pub keys: Option<&'a Keys>,
    /// Keys that `flagline login` kept.
    pub stored: Option<&'a Keys>,
}

/// Makes the configuration of a root. Problems are sentences for a person; what is wrong is left out, the rest
/// counts. The problems of files are not told here: [`file::read`] does that.
pub fn load(variable: impl Fn(&str) -> Option<String>, inputs: &Inputs) -> (Config, Vec<String>) {
    let mut problems = Vec::new();
    let mut config = Config::default();
    let settings = inputs.settings.map(|it| settings::read(it, &mut problems)).unwrap_or_default();
    // A folder that is not trusted does not say which PostHog is asked.
    let is_trusted = !settings.read_only;
    let file = inputs.file.and_then(Result::ok);
    if let Some(file) = file {
        apply_file(&mut config, file, inputs.folder.unwrap_or(Path::new("")));
        if is_trusted {
            apply_environments(&mut config, file);
        }
    }
    apply_names(&mut config, &inputs.posthog_json);
    let variable = |name: &str| variable(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let given = Variables::read(variable);
    let has_environments = is_trusted && file.is_some_and(|it| !it.environment.is_empty());
    if !has_environments && settings.host.is_none() && given.say_nothing_of_a_host() {
        apply_only_key(&mut config, [inputs.keys, inputs.stored]);
    }
    apply_settings(&mut config, &settings);
    given.apply(&mut config, &settings, &mut problems);
    // `.posthog.json` names no host: its number is of whichever host counts in the end.
    if is_trusted && !has_environments {
        let environment = &mut config.environments[0];
        environment.declared |= inputs.posthog_json.project.is_some();
        if environment.project.is_none() {
            environment.take_project(inputs.posthog_json.project, posthog_json::FILE_NAME);
        }
    }
    for environment in &mut config.environments {
        environment.take_key(inputs.keys, KeySource::Client);
        environment.take_key(inputs.stored, KeySource::Stored);
        if let Some(Err(why)) = inputs.file {
            environment.problem.get_or_insert_with(|| why.into());
            environment.declared = true;
        }
    }
    (config, problems)
}

fn apply_environments(config: &mut Config, file: &File) {
    let mut entries: Vec<&file::EnvironmentEntry> = file.environment.iter().collect();
    entries.sort_by_key(|it| !it.primary);
    if !entries.is_empty() {
        config.environments = entries.into_iter().map(environment).collect();
    }
}

fn apply_file(config: &mut Config, file: &File, folder: &Path) {
    config.exclude = Exclude::new(folder, file.exclude.clone()).0.into();
    config.names = file.names().into();
    config.stale_days = file.stale_days.unwrap_or(config.stale_days);
    if let Some(tags) = &file.permanent_tags {
        config.permanent_tags.clone_from(tags);
    }
    config.severities = file.severity.severities();
    config.plans = file.plan.iter().map(|(name, it)| (name.clone(), it.plan())).collect();
}

fn environment(entry: &file::EnvironmentEntry) -> Environment {
    let host = entry.host.as_deref().and_then(|it| parse_host(it).ok());
    let mut environment = Environment::new(host.unwrap_or_else(|| US_CLOUD.into()));
    environment.name = entry.name.as_deref().unwrap_or("production").into();
    environment.declared = true;
    environment.take_project(entry.project, file::FILE_NAME);
    environment
}

/// Nothing names a host: the only one that the user signed in to is meant.
fn apply_only_key(config: &mut Config, keys: [Option<&Keys>; 2]) {
    let hosts: BTreeSet<&Arc<str>> = keys.into_iter().flatten().flat_map(HashMap::keys).collect();
    let mut hosts = hosts.into_iter();
    if let (Some(only), None) = (hosts.next(), hosts.next()) {
        config.environments[0].move_to(only);
    }
}

fn apply_names(config: &mut Config, json: &PostHogJson) {
    let names = Arc::make_mut(&mut config.names);
    names.clients.extend(json.client_names.iter().map(|it| it.as_str().into()));
    names.wrappers.extend(json.wrapper_names.iter().map(|it| Wrapper::named(it)));
}

fn apply_settings(config: &mut Config, settings: &Checked) {
    let environment = &mut config.environments[0];
    if let Some(host) = &settings.host {
        environment.move_to(host);
    }
    environment.take_project(settings.project, "the editor's settings");
    config.stale_days = settings.stale_days.unwrap_or(config.stale_days);
    config.diagnostics = settings.diagnostics.unwrap_or(config.diagnostics);
    config.notify_changes = settings.notify_changes.unwrap_or(config.notify_changes);
    config.lens = settings.lens.unwrap_or(config.lens);
    config.inlay_hints = settings.inlay_hints.unwrap_or(config.inlay_hints);
    config.read_only = settings.read_only;
}

/// The environment variables, with what is wrong with them.
#[derive(Default)]
struct Variables {
    host: Option<Arc<str>>,
    project: Option<u64>,
    key: Option<SecretString>,
    problems: Vec<String>,
}

impl Variables {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Variables {
        let mut it = Variables::default();
        if let Some(host) = variable("FLAGLINE_HOST") {
            it.host = it.take("FLAGLINE_HOST", parse_host(&host));
        }
        if let Some(project) = variable("FLAGLINE_PROJECT") {
            let number = project.parse().map_err(|_| host::not_a_project(&project));
            it.project = it.take("FLAGLINE_PROJECT", number);
        }
        if let Some(key) = variable("FLAGLINE_API_KEY") {
            // A key whose host is garbled goes nowhere: US cloud is not what its owner meant.
            let place_is_clear = it.problems.is_empty();
            let checked = it.take("FLAGLINE_API_KEY", check_key(&key));
            it.key = checked.filter(|()| place_is_clear).map(|()| key.into());
        }
        it
    }

    /// A key says it too: without a host, it is one of US cloud.
    fn say_nothing_of_a_host(&self) -> bool {
        self.host.is_none() && self.key.is_none() && self.problems.is_empty()
    }

    fn take<T>(&mut self, name: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|problem| self.problems.push(format!("{name}: {problem}"))).ok()
    }

    /// Variables are set by the person at the machine, so they go before all files and settings.
    fn apply(self, config: &mut Config, settings: &Checked, problems: &mut Vec<String>) {
        let environment = &mut config.environments[0];
        let key_host = self.host.clone().unwrap_or_else(|| US_CLOUD.into());
        if let (Some(wanted), true) = (&settings.host, self.key.is_some())
            && *wanted != key_host
        {
            problems.push(format!(
                "settings, host: the key in FLAGLINE_API_KEY belongs to {key_host}, so it is not sent to {wanted}; set \
                 FLAGLINE_HOST={wanted} if the key is from there"
            ));
        }
        if let Some(host) = &self.host {
            environment.move_to(host);
        }
        environment.take_project(self.project, "FLAGLINE_PROJECT");
        environment.problem = self.problems.first().map(|it| it.as_str().into());
        for environment in config.environments.iter_mut().filter(|it| it.host == key_host) {
            environment.key.clone_from(&self.key);
            environment.key_from = self.key.as_ref().map(|_| KeySource::Variable);
        }
        problems.extend(self.problems);
    }
}

#[cfg(test)]
mod tests;
