//! `flagline logout`: forgets a key, and what was fetched with it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use super::login::place;
use super::{complain, print};
use crate::config::{KeySource, Keys, US_CLOUD};
use crate::posthog::{disk, keys};
use crate::workspace;

pub(super) fn run(host: Option<&str>) -> anyhow::Result<ExitCode> {
    let file = keys::file().context("this system has no folder for a user's settings")?;
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let config = workspace::config_in(&directory, Keys::new()).0;
    let host: Arc<str> = match host {
        Some(host) => place(host).map_err(|it| anyhow!(it))?,
        None => {
            let hosts: Vec<String> = keys::hosts(&file).map_err(|it| anyhow!(it))?.into_keys().collect();
            match &hosts[..] {
                [] => config.environments.first().map_or(US_CLOUD.into(), |it| it.host.clone()),
                [only] => only.as_str().into(),
                several => bail!("say which: flagline logout HOST, where HOST is {}", several.join(" or ")),
            }
        }
    };
    let by_variable =
        config.environments.iter().any(|it| it.host == host && it.key_from == Some(KeySource::Variable));
    let (was_there, trouble) = match keys::remove(&file, &host, keys::PATIENCE) {
        Ok(was_there) => (was_there, None),
        Err(trouble) => (true, Some(trouble)),
    };
    // With a key in the variable, everything would be fetched again at once.
    if let Some(folder) = disk::folder().filter(|_| !by_variable) {
        disk::forget(&folder, &host);
    }
    if was_there {
        print(&format!("Signed out of {host}.\n"))?;
    } else if !by_variable {
        complain(&format!("nobody was signed in to {host}"));
    }
    if let Some(trouble) = &trouble {
        complain(trouble);
    }
    if by_variable {
        complain(&format!("the key of {host} comes from FLAGLINE_API_KEY; unset it to sign out"));
    }
    Ok(ExitCode::from(u8::from(!was_there || by_variable || trouble.is_some())))
}
