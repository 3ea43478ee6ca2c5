//! The keys that `flagline login` keeps: in the system's keyring, or where there is none, in a file that its owner
//! alone may read.
//!
//! The file names the hosts in either case, so a machine on which nobody signed in never asks its keyring. A keyring
//! may be locked, hang or fail: it is asked in a thread of its own, and whoever asks waits for a limited time only.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use etcetera::BaseStrategy as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::atomic;
use crate::config::Keys;

/// How long a command waits for the keyring.
pub const PATIENCE: Duration = Duration::from_secs(3);
/// The name of Flagline's entries in the keyring; the user is the host.
const SERVICE: &str = "flagline";

/// Where keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The system's keyring.
    Keyring,
    /// A file, and why not the keyring.
    File(String),
}

/// What was kept.
#[derive(Default)]
pub struct Stored {
    /// By host.
    pub keys: Keys,
    /// What could not be read, as sentences for a person.
    pub problems: Vec<String>,
}

/// The file as it is on disk: hosts, and the keys that no keyring has.
#[derive(Default, Serialize, Deserialize)]
struct Accounts {
    hosts: BTreeMap<String, Kept>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// `None` = the keyring has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// Where the file of the user lies, if the system has a place for it.
pub fn file() -> Option<PathBuf> {
    Some(
        etcetera::base_strategy::choose_base_strategy().ok()?.config_dir().join("flagline").join("keys.json"),
    )
}

/// The hosts that somebody signed in to, and whether the key lies in the file. Asks no keyring.
pub fn hosts(file: &Path) -> Result<BTreeMap<String, bool>, String> {
    Ok(accounts(file)?.hosts.into_iter().map(|(host, kept)| (host, kept.key.is_some())).collect())
}

/// When somebody last signed in or out.
pub fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|it| it.modified()).ok()
}

/// All keys that were kept. Blocks, for as long as `patience` allows.
pub fn read(file: &Path, patience: Duration) -> Stored {
    let accounts = match accounts(file) {
        Ok(accounts) => accounts,
        Err(problem) => return Stored { problems: vec![problem], ..Stored::default() },
    };
    let mut stored = Stored::default();
    let mut in_keyring = Vec::new();
    for (host, kept) in accounts.hosts {
        match kept.key {
            Some(key) => drop(stored.keys.insert(host.into(), key.into())),
            None => in_keyring.push(host),
        }
    }
    if in_keyring.is_empty() {
        return stored;
    }
    let hosts = in_keyring.clone();
    let asked = ask(patience, move || {
        let key = |host: &String| keyring::Entry::new(SERVICE, host)?.get_password().map(SecretString::from);
        Ok(hosts.iter().map(|host| (host.clone(), key(host))).collect::<Vec<_>>())
    });
    match asked {
        Ok(answers) => {
            for (host, answer) in answers {
                match answer {
                    Ok(key) => drop(stored.keys.insert(host.into(), key)),
                    Err(error) => stored.problems.push(without(&host, &error)),
                }
            }
        }
        Err(why) => stored.problems.extend(in_keyring.iter().map(|host| without(host, &why))),
    }
    stored
}

fn without(host: &str, why: &dyn fmt::Display) -> String {
    format!(
        "the key of {host} is in the keyring of this machine, which does not give it: {why}; unlock it, or sign in again"
    )
}

/// Keeps a key: in the keyring if that takes it within `patience`, else in the file.
pub fn keep(file: &Path, host: &str, key: &SecretString, patience: Duration) -> Result<Place, String> {
    let mut accounts = accounts(file)?;
    let (user, secret) = (host.to_owned(), key.clone());
    let asked = ask(patience, move || {
        let entry = keyring::Entry::new(SERVICE, &user)?;
        entry.set_password(secret.expose_secret())?;
        // Some keyrings take everything and keep nothing.
        entry.get_password().map(|it| it == *secret.expose_secret())
    });
    let place = match asked {
        Ok(true) => Place::Keyring,
        Ok(false) => Place::File("the keyring of this machine did not keep it".into()),
        Err(why) => Place::File(why),
    };
    let in_file = matches!(place, Place::File(_)).then(|| key.expose_secret().to_owned());
    accounts.hosts.insert(host.to_owned(), Kept { key: in_file });
    write(file, &accounts)?;
    Ok(place)
}

/// Forgets the key of a host; whether there was one.
pub fn remove(file: &Path, host: &str, patience: Duration) -> Result<bool, String> {
    let mut accounts = accounts(file)?;
    let Some(kept) = accounts.hosts.remove(host) else { return Ok(false) };
    let user = host.to_owned();
    let asked = ask(patience, move || match keyring::Entry::new(SERVICE, &user)?.delete_credential() {
        Err(keyring::Error::NoEntry) => Ok(()),
        answer => answer,
    });
    write(file, &accounts)?;
    match asked {
        // It was asked all the same: an earlier key may be there, from when it could be reached.
        Err(_) if kept.key.is_some() => Ok(true),
        Err(why) => Err(format!(
            "the key of {host} is not used any more, but may still be in the keyring of this machine: {why}"
        )),
        Ok(()) => Ok(true),
    }
}

fn accounts(file: &Path) -> Result<Accounts, String> {
    match fs::read_to_string(file) {
        // What cannot be read is not quoted: there are keys in it.
        Ok(text) => serde_json::from_str(&text)
            .map_err(|_| format!("{} cannot be understood; remove it and sign in again", file.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Accounts::default()),
        Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
    }
}

fn write(file: &Path, accounts: &Accounts) -> Result<(), String> {
    let bytes = serde_json::to_vec_pretty(accounts).map_err(|it| it.to_string())?;
    atomic::replace_private(file, &bytes).map_err(|it| format!("{} cannot be written: {it}", file.display()))
}

/// Asks the keyring.
fn ask<T: Send + 'static>(
    patience: Duration,
    what: impl FnOnce() -> keyring::Result<T> + Send + 'static,
) -> Result<T, String> {
    if std::env::var_os("FLAGLINE_KEYRING").is_some_and(|it| it == "off") {
        return Err("FLAGLINE_KEYRING is off".into());
    }
    let (tell, told) = mpsc::channel();
    // Not a thread of the runtime, which waits for its own when it ends.
    std::thread::spawn(move || {
        // Fails when nobody waits any more.
        drop(tell.send(what()));
    });
    match told.recv_timeout(patience) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(keyring::Error::NoDefaultStore)) => Err("this machine has no keyring".into()),
        Ok(Err(error)) => Err(format!("the keyring of this machine says: {error}")),
        Err(RecvTimeoutError::Timeout) => Err("the keyring of this machine does not answer".into()),
        Err(RecvTimeoutError::Disconnected) => Err("the keyring of this machine failed".into()),
    }
}
