//! Settings: environment variables and what the editor sends, all problems collected.
//!
//! A key goes only to the host it was given for. The editor's settings may come from a repository, so they may
//! name a project, but never send the key of the environment variables to another host.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use url::Url;

/// Where a key without a host belongs.
const US_CLOUD: &str = "https://us.posthog.com";

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// At least one; the first is the primary, on which staleness is judged.
    pub environments: Vec<Environment>,
    /// After how many days with one value for everyone a flag is stale.
    pub stale_days: u32,
    /// Which files get diagnostics.
    pub diagnostics: Scope,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            environments: vec![Environment::new(US_CLOUD.into())],
            stale_days: 30,
            diagnostics: Scope::default(),
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
    /// The personal API key for that host; `None` = signed out.
    pub key: Option<SecretString>,
    /// What is wrong with these settings: then nothing is asked, since it might be asked of the wrong place.
    pub problem: Option<Arc<str>>,
}

impl Environment {
    fn new(host: Arc<str>) -> Environment {
        Environment { name: "production".into(), host, project: None, key: None, problem: None }
    }
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

/// Reads the configuration from environment variables and LSP initialization options. Problems are sentences
/// for a person; what is wrong is left out, the rest counts.
pub fn load(variable: impl Fn(&str) -> Option<String>, options: Option<&Value>) -> (Config, Vec<String>) {
    let mut problems = Vec::new();
    let mut config = Config::default();
    let variable = |name: &str| variable(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let environment = &mut config.environments[0];

    if let Some(host) = variable("FLAGLINE_HOST") {
        match parse_host(&host) {
            Ok(host) => environment.host = host,
            Err(problem) => problems.push(format!("FLAGLINE_HOST: {problem}")),
        }
    }
    if let Some(project) = variable("FLAGLINE_PROJECT") {
        match project.parse() {
            Ok(project) => environment.project = Some(project),
            Err(_) => problems.push(not_a_project("FLAGLINE_PROJECT", &project)),
        }
    }
    if let Some(key) = variable("FLAGLINE_API_KEY") {
        match check_key(&key) {
            // A key whose host is garbled goes nowhere: US cloud is not what its owner meant.
            Ok(()) if problems.is_empty() => environment.key = Some(key.into()),
            Ok(()) => {}
            Err(problem) => problems.push(format!("FLAGLINE_API_KEY: {problem}")),
        }
    }
    environment.problem = problems.first().map(|it| it.as_str().into());
    match options {
        None | Some(Value::Null) => {}
        Some(Value::Object(options)) => apply_options(&mut config, options, &mut problems),
        Some(_) => problems.push("initializationOptions: expected an object".into()),
    }
    (config, problems)
}

/// The options that an editor may send.
const OPTIONS: [&str; 4] = ["host", "project", "staleDays", "diagnostics"];

fn apply_options(config: &mut Config, options: &serde_json::Map<String, Value>, problems: &mut Vec<String>) {
    for (name, value) in options {
        if let Err(problem) = apply_option(config, name, value) {
            problems.push(format!("initializationOptions.{problem}"));
        }
    }
}

fn apply_option(config: &mut Config, name: &str, value: &Value) -> Result<(), String> {
    let environment = &mut config.environments[0];
    match (name, value) {
        (_, Value::Null) => {}
        ("host", Value::String(host)) => {
            let host = parse_host(host).map_err(|it| format!("host: {it}"))?;
            if environment.key.is_some() && host != environment.host {
                let known = &environment.host;
                return Err(format!(
                    "host: the key in FLAGLINE_API_KEY belongs to {known}, so it is not sent to {host}; \
                     set FLAGLINE_HOST={host} if the key is from there"
                ));
            }
            environment.host = host;
        }
        ("project", project) => {
            let number = project.as_u64().or_else(|| project.as_str()?.trim().parse().ok());
            environment.project = Some(number.ok_or_else(|| not_a_project("project", project))?);
        }
        ("staleDays", days) => {
            let days = days.as_u64().filter(|it| (1..=3650).contains(it));
            config.stale_days = days.ok_or("staleDays: expected a number of days from 1 to 3650")? as u32;
        }
        ("diagnostics", Value::String(scope)) if scope == "open" => config.diagnostics = Scope::Open,
        ("diagnostics", Value::String(scope)) if scope == "workspace" => {
            config.diagnostics = Scope::Workspace
        }
        ("diagnostics", _) => return Err("diagnostics: expected \"open\" or \"workspace\"".into()),
        ("host", _) => return Err("host: expected an address such as \"https://eu.posthog.com\"".into()),
        ("apiKey" | "key" | "token", _) => {
            return Err(format!(
                "{name}: keys are not taken from editor settings, which are often shared; \
                 set the environment variable FLAGLINE_API_KEY"
            ));
        }
        _ => {
            let close = OPTIONS.into_iter().find(|it| strsim::damerau_levenshtein(it, name) <= 2);
            let hint = close.map(|it| format!("; did you mean {it}?")).unwrap_or_default();
            return Err(format!("{name}: no such setting{hint}"));
        }
    }
    Ok(())
}

fn not_a_project(name: &str, value: impl std::fmt::Display) -> String {
    format!(
        "{name}: expected the project's number, as in the address of its pages (/project/1/), not {value}"
    )
}

/// Checks and normalises a host: HTTPS, loopback excepted; PostHog's ingestion hosts become their app hosts.
fn parse_host(host: &str) -> Result<Arc<str>, String> {
    let with_scheme = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let url = Url::parse(&with_scheme).map_err(|it| format!("{host:?} is no address: {it}"))?;
    let name = url.host_str().ok_or_else(|| format!("{host:?} names no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address with a user name or password is not taken".into());
    }
    let loopback = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(format!("{name} must be https: a key is sent there")),
    }
    let name = match name {
        "app.posthog.com" | "us.i.posthog.com" | "app.i.posthog.com" => "us.posthog.com",
        "eu.i.posthog.com" => "eu.posthog.com",
        other => other,
    };
    let port = url.port().map(|it| format!(":{it}")).unwrap_or_default();
    Ok(format!("{}://{name}{port}", url.scheme()).into())
}

fn check_key(key: &str) -> Result<(), String> {
    if key.starts_with("phc_") {
        return Err("this is a project token, which is public and cannot read flags; \
                    make a personal API key (phx_...) in PostHog's settings"
            .into());
    }
    if key.starts_with("phs_") {
        return Err("this is a project secret key; a personal API key (phx_...) is needed".into());
    }
    if !key.bytes().all(|it| it.is_ascii_graphic()) {
        return Err("the key has characters that no key has; was it pasted whole?".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn check(variables: &[(&str, &str)], options: Value) -> (Config, Vec<String>) {
        let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        load(variable, Some(&options))
    }

    #[test]
    fn a_key_without_a_host_is_for_us_cloud() {
        let (config, problems) = check(&[("FLAGLINE_API_KEY", "phx_1")], json!(null));
        assert!(problems.is_empty());
        let environment = &config.environments[0];
        assert_eq!(&*environment.host, US_CLOUD);
        assert_eq!(environment.key.as_ref().map(|it| it.expose_secret()), Some("phx_1"));
        assert!(!format!("{config:?}").contains("phx_1"), "Debug must not print a key");
    }

    #[test]
    fn a_repository_cannot_send_the_key_elsewhere() {
        let key = [("FLAGLINE_API_KEY", "phx_1"), ("FLAGLINE_HOST", "eu.posthog.com/")];
        let (config, problems) = check(&key, json!({ "host": "https://evil.example" }));
        assert_eq!(&*config.environments[0].host, "https://eu.posthog.com");
        assert!(problems[0].contains("not sent to https://evil.example"), "{problems:?}");
        let (config, problems) = check(&key, json!({ "host": "https://eu.i.posthog.com", "project": "7" }));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(config.environments[0].project, Some(7));
        let (config, problems) =
            check(&[("FLAGLINE_API_KEY", "phx_1"), ("FLAGLINE_HOST", "http://ph.example")], json!(null));
        assert!(
            config.environments[0].key.is_none() && problems[0].contains("must be https"),
            "{problems:?}"
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let (_, problems) = check(
            &[("FLAGLINE_PROJECT", "acme"), ("FLAGLINE_API_KEY", "phc_1")],
            json!({ "staleDay": 3, "diagnostics": "all", "apiKey": "x", "staleDays": 0, "host": 3 }),
        );
        assert_eq!(problems.len(), 7, "{problems:#?}");
        assert!(problems.iter().any(|it| it.contains("did you mean staleDays?")));
        assert!(problems.iter().any(|it| it.contains("phx_...")));
    }
}
