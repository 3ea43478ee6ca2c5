//! `flagline login`: a key is asked for, tried and kept.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use secrecy::{ExposeSecret as _, SecretString};

use super::answers::Answers;
use super::{complain, print, print_lines};
use crate::config::{KeySource, Keys, US_CLOUD, check_key, parse_host};
use crate::posthog::account::{self, Account};
use crate::posthog::keys::{self, Place};
use crate::posthog::wire;
use crate::workspace;

const EU_CLOUD: &str = "https://eu.posthog.com";
/// A person may have to unlock the keyring first.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn run(host: Option<&str>, from_stdin: bool) -> anyhow::Result<ExitCode> {
    let file = keys::file().context("this system has no folder for a user's settings")?;
    let directory = std::env::current_dir().context("the working directory is gone")?;
    // Whether the rest of the settings is right does not matter here.
    let config = workspace::config_in(&directory, Keys::new()).0;
    let is_asked = std::io::stdin().is_terminal() && !from_stdin;
    let host = match host {
        Some(host) => place(host).map_err(|it| anyhow!(it))?,
        // What a repository names is not enough to send a key there: a person must have seen it.
        None if !is_asked => {
            bail!("say which PostHog the key is for: us, eu, or an address: flagline login HOST")
        }
        None => ask_host(config.environments.first().map_or(US_CLOUD, |it| &it.host))?,
    };
    let key = match (from_stdin, is_asked) {
        (true, _) => read_key()?,
        (false, true) => ask_key(&host)?,
        (false, false) => {
            bail!("nobody is there to type the key; pipe it into flagline login {host} --key-from-stdin")
        }
    };
    check_key(key.expose_secret()).map_err(|it| anyhow!("nothing is kept: {it}"))?;
    let account = match account::try_key(host.clone(), key.clone()).await {
        Ok(account) => account,
        Err(error) => {
            complain(&format!("nothing is kept: {error}"));
            return Ok(ExitCode::from(if error.is_passing() { 2 } else { 1 }));
        }
    };
    let patience = if is_asked { PATIENCE } else { keys::PATIENCE };
    let place = keys::keep(&file, &host, &key, patience).map_err(|it| anyhow!(it))?;
    print_lines(told(&host, &account))?;
    print(&match place {
        Place::Keyring => "The key is kept in the keyring of this machine.\n".to_owned(),
        Place::File(why) => {
            format!("The key is kept in {}, readable by you alone, since {why}.\n", file.display())
        }
    })?;
    if config.environments.iter().any(|it| it.host == host && it.key_from == Some(KeySource::Variable)) {
        complain("FLAGLINE_API_KEY is set and goes before the key that was kept");
    }
    Ok(ExitCode::SUCCESS)
}

/// A host as people name it.
pub(super) fn place(text: &str) -> Result<Arc<str>, String> {
    match text.trim() {
        "" => Err("say us, eu, or an address".into()),
        "us" | "US" => Ok(US_CLOUD.into()),
        "eu" | "EU" => Ok(EU_CLOUD.into()),
        // Not repeated: whoever reads the screen need not read it too.
        key if key.starts_with("phx_") || key.starts_with("phc_") || key.starts_with("phs_") => {
            Err("a key does not belong on the command line, where others can see it; it is asked for".into())
        }
        host => parse_host(host),
    }
}

fn ask_host(named: &str) -> anyhow::Result<Arc<str>> {
    let default = match named {
        US_CLOUD => "us",
        EU_CLOUD => "eu",
        other => other,
    };
    Answers { ask: true }.ask_until(
        "Which PostHog: us cloud, eu cloud, or the address of your own?",
        default,
        place,
    )
}

fn ask_key(host: &str) -> anyhow::Result<SecretString> {
    let prompt =
        format!("Personal API key (phx_..., made at {host}/settings/user-api-keys; it is not shown): ");
    let key = rpassword::prompt_password(prompt).context("the key cannot be asked for")?;
    Ok(key.trim().into())
}

fn read_key() -> anyhow::Result<SecretString> {
    let mut key = String::new();
    // No key is longer; a file that was meant for something else may be.
    std::io::stdin().take(10_000).read_to_string(&mut key).context("the key cannot be read")?;
    Ok(key.trim().into())
}

/// Who is signed in now, and what does not work.
fn told(host: &str, account: &Account) -> Vec<String> {
    let who = account.user.as_ref().map(|it| format!(" as {}", name(it))).unwrap_or_default();
    let projects = match account.projects.as_deref() {
        Ok([]) => "The key cannot see any project.".into(),
        Ok(projects) => {
            let projects: Vec<String> = projects.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
            format!("The key can see {}.", projects.join(", "))
        }
        Err(error) => format!("Which projects the key can see is not known: {error}."),
    };
    let missing = account.scopes.as_deref().map(account::missing).unwrap_or_default();
    let lacks = missing
        .iter()
        .map(|(scope, needed_for)| format!("The key lacks the scope {scope}, for {needed_for}."));
    [format!("Signed in to {host}{who}."), projects].into_iter().chain(lacks).collect()
}

/// A person by name and address.
pub(super) fn name(user: &wire::User) -> String {
    match (user.first_name.trim(), user.email.trim()) {
        ("", email) => email.to_owned(),
        (name, "") => name.to_owned(),
        (name, email) => format!("{name} ({email})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_as_people_name_them() {
        assert_eq!(place(" eu ").as_deref(), Ok("https://eu.posthog.com"));
        assert_eq!(place("us").as_deref(), Ok("https://us.posthog.com"));
        assert_eq!(place("ph.example/project/1").as_deref(), Ok("https://ph.example"));
        assert!(place("").is_err() && place("http://ph.example").is_err());
        let key = place("phx_secret").unwrap_err();
        assert!(!key.contains("secret"), "{key}");
    }
}
