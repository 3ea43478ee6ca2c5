//! `flagline whoami`: who is signed in where, and what the key may not do.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::{Format, Project, configuration, login, print_json, print_lines, stored_keys};
use crate::config::{Environment, KeySource};
use crate::posthog::{Client, Error, account, keys, wire};

/// What is said of an environment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    environment: String,
    host: String,
    project: Option<Project>,
    user: Option<User>,
    /// `FLAGLINE_API_KEY`, `keyring` or `file`.
    key_from: Option<&'static str>,
    /// `None` when it is not known.
    missing_scopes: Option<Vec<Scope>>,
    problem: Option<String>,
    #[serde(skip)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
struct User {
    name: String,
    email: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scope {
    scope: &'static str,
    needed_for: &'static str,
}

/// The exit code of one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    SignedIn,
    /// Without a key, or with one that the server does not take.
    SignedOut,
    NotAsked,
}

pub(super) async fn run(format: Format) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = configuration(&directory, stored_keys())?;
    // What is wrong with the file was told.
    let hosts = keys::file().and_then(|it| keys::hosts(&it).ok()).unwrap_or_default();
    let mut rows = Vec::new();
    for environment in &config.environments {
        rows.push(row(environment, &hosts).await);
    }
    let elsewhere: Vec<&String> =
        hosts.keys().filter(|host| config.environments.iter().all(|it| *it.host != ***host)).collect();
    match format {
        Format::Text => {
            let other = |host| format!("Signed in to {host} too, which no setting names here.");
            print_lines(rows.iter().flat_map(lines).chain(elsewhere.into_iter().map(other)))?;
        }
        Format::Json => {
            let json = serde_json::json!({ "environments": rows, "elsewhere": elsewhere });
            print_json(&json)?;
        }
    }
    Ok(ExitCode::from(code(rows.iter().map(|it| it.outcome))))
}

/// 0 when somebody is signed in, 1 when nobody is, 2 when it could not be found out.
fn code(outcomes: impl Iterator<Item = Outcome>) -> u8 {
    let outcomes: Vec<Outcome> = outcomes.collect();
    match outcomes.contains(&Outcome::NotAsked) {
        true => 2,
        false => u8::from(!outcomes.contains(&Outcome::SignedIn)),
    }
}

async fn row(environment: &Environment, hosts: &BTreeMap<String, bool>) -> Row {
    let mut row = Row {
        environment: environment.name.to_string(),
        host: environment.host.to_string(),
        project: None,
        user: None,
        key_from: environment.key_from.map(|it| match it {
            KeySource::Variable => "FLAGLINE_API_KEY",
            KeySource::Client | KeySource::Stored => match hosts.get(&*environment.host) {
                Some(true) => "file",
                _ => "keyring",
            },
        }),
        missing_scopes: None,
        problem: None,
        outcome: Outcome::SignedIn,
    };
    if let Err(error) = ask(environment, &mut row).await {
        row.outcome = match error {
            Error::SignedOut { .. } | Error::Unauthorized { .. } => Outcome::SignedOut,
            // The key is fine; it is the project that is not there for it.
            Error::NoProject { .. } | Error::WhichProject(_) | Error::Forbidden(_) | Error::NotFound(_) => {
                Outcome::SignedIn
            }
            _ => Outcome::NotAsked,
        };
        row.problem = Some(error.to_string());
    }
    row
}

async fn ask(environment: &Environment, row: &mut Row) -> Result<(), Error> {
    let client = Client::new(environment)?;
    row.user = account::user(&client).await?.map(|it| User { name: it.first_name, email: it.email });
    let scopes = account::scopes(&client).await?;
    let scope = |(scope, needed_for)| Scope { scope, needed_for };
    row.missing_scopes = scopes.map(|it| account::missing(&it).into_iter().map(scope).collect());
    let project = client.project(environment).await?;
    row.project = Some(Project { id: project.id, name: project.name });
    Ok(())
}

fn lines(row: &Row) -> Vec<String> {
    let project = row.project.as_ref().map(|it| format!(", project {} {}", it.id, it.name));
    let mut lines = vec![format!("{}: {}{}", row.environment, row.host, project.unwrap_or_default())];
    if let Some(from) = row.key_from {
        let from = match from {
            "file" => "the file that `flagline login` wrote",
            "keyring" => "the keyring of this machine",
            variable => variable,
        };
        let whose = row.user.as_ref().map_or_else(String::new, |it| {
            let user = wire::User { first_name: it.name.clone(), email: it.email.clone() };
            format!("of {}, ", login::name(&user))
        });
        lines.push(format!("  the key is {whose}from {from}"));
    }
    for it in row.missing_scopes.iter().flatten() {
        lines.push(format!("  it lacks the scope {}, for {}", it.scope, it.needed_for));
    }
    lines.extend(row.problem.as_ref().map(|it| format!("  {it}")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_is_signed_in_somewhere_is_somebody() {
        use Outcome::{NotAsked, SignedIn, SignedOut};
        for (outcomes, expected) in [
            (&[SignedIn][..], 0),
            (&[SignedOut, SignedIn], 0),
            (&[SignedOut, SignedOut], 1),
            (&[SignedIn, NotAsked], 2),
            (&[SignedOut, NotAsked], 2),
        ] {
            assert_eq!(code(outcomes.iter().copied()), expected, "{outcomes:?}");
        }
    }
}
