//! Signing in and out: the client keeps the keys, the server tries them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::MessageType;
use tower_lsp::lsp_types::request::Request;

use super::publish::Look;
use super::session::Session;
use crate::config::{Environment, KeySource, check_key, parse_host};
use crate::posthog::refresh::Ask;
use crate::posthog::{self, Client, account, keys};

/// A client may have to ask a person for the secret of its store.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked whether somebody signed in or out at the command line.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Asks the client for the key of a host.
enum Credential {}

impl Request for Credential {
    type Params = Host;
    type Result = Option<Key>;
    const METHOD: &'static str = "flagline/credential";
}

#[derive(Serialize, Deserialize)]
pub(super) struct Host {
    host: String,
}

#[derive(Serialize, Deserialize)]
struct Key {
    key: Option<String>,
    /// All hosts that the client has keys for, when it has none for this one.
    #[serde(default)]
    hosts: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    host: String,
    key: String,
}

#[derive(Deserialize)]
pub(super) struct Projects {
    host: Option<String>,
}

/// Refused for a reason that the user must read.
fn refused(message: impl Into<String>) -> Error {
    Error { code: ErrorCode::ServerError(-32803), message: message.into().into(), data: None }
}

/// Tries a key and uses it from now on.
pub(super) async fn sign_in(session: &Arc<Session>, SignIn { host, key }: SignIn) -> Result<Value> {
    let host = parse_host(&host).map_err(refused)?;
    let key = key.trim().to_owned();
    check_key(&key).map_err(refused)?;
    let refuse = |it: posthog::Error| refused(it.to_string());
    let account = account::try_key(host.clone(), key.clone().into()).await.map_err(refuse)?;
    let projects = account.projects.map_err(refuse)?;
    let user = account.user.map(|it| json!({ "name": it.first_name, "email": it.email }));
    session.given().keys.insert(host.clone(), key.into());
    session.reconfigure().await;
    let projects: Vec<Value> = projects.iter().map(|it| json!({ "id": it.id, "name": it.name })).collect();
    Ok(json!({ "host": &*host, "user": user, "projects": projects }))
}

/// Forgets a key and what it was used for.
pub(super) async fn sign_out(session: &Arc<Session>, Host { host }: Host) -> Result<Value> {
    let host = parse_host(&host).map_err(refused)?;
    session.given().keys.remove(&host);
    session.given().stored.remove(&host);
    session.asked().insert(host.clone(), false);
    if let (Some(file), name) = (keys::file(), host.clone()) {
        let removed = aside(move || keys::remove(&file, &name, PATIENCE)).await;
        if let Some(Err(problem)) = removed {
            tracing::warn!(%problem, "the key that was kept cannot be removed");
        }
    }
    session.reconfigure().await;
    let configs = session.workspace.configs();
    let still =
        configs.iter().flat_map(|it| &it.1.environments).any(|it| it.host == host && it.key.is_some());
    if still {
        return Err(refused(format!("the key of {host} comes from FLAGLINE_API_KEY; unset it to sign out")));
    }
    // Only now that the key is gone: with it, everything would be fetched again at once.
    session.workspace.refresh.ask(Ask::Forget(host));
    Ok(Value::Null)
}

/// The projects that a key can see.
pub(super) async fn projects(session: &Arc<Session>, Projects { host }: Projects) -> Result<Value> {
    let host = host.map(|it| parse_host(&it)).transpose().map_err(refused)?;
    let configs = session.workspace.configs();
    let mut environments = configs.iter().flat_map(|it| &it.1.environments);
    let environment = environments.find(|it| host.as_ref().is_none_or(|host| *host == it.host)).cloned();
    let key = host.as_ref().and_then(|it| session.given().keys.get(it).cloned());
    let environment = match (environment, host) {
        (Some(environment), _) => Environment { problem: None, ..environment },
        (None, Some(host)) => Environment { key, ..Environment::new(host) },
        (None, None) => return Err(refused("there is no environment")),
    };
    let client = Client::new(&environment).map_err(|it| refused(it.to_string()))?;
    let projects = client.projects().await.map_err(|it| refused(it.to_string()))?;
    Ok(projects.iter().map(|it| json!({ "id": it.id, "name": it.name })).collect())
}

impl Session {
    /// Asks the client for the keys of hosts that lack one, each host once: who signs in later says so.
    pub(super) fn ask_for_keys(self: &Arc<Session>) {
        if !self.caps.credentials {
            return;
        }
        let configs = self.workspace.configs();
        // The client goes before what `flagline login` kept; that counts until the client has answered.
        let lacks = |it: &&Environment| matches!(it.key_from, None | Some(KeySource::Stored));
        let lacking = configs.iter().flat_map(|it| &it.1.environments).filter(lacks);
        for environment in lacking.filter(|it| it.problem.is_none()) {
            let host = environment.host.clone();
            if self.asked().contains_key(&host) {
                continue;
            }
            self.asked().insert(host.clone(), true);
            // A host that the client does not answer for holds up no other.
            let session = self.clone();
            tokio::spawn(async move {
                let hosts = session.take_credential(&host).await;
                // Nothing may name a host: then the only one that the user signed in to is meant.
                if let [only] = &hosts[..] {
                    session.take_credential(only).await;
                    session.asked().insert(only.clone(), false);
                }
                session.reconfigure().await;
                // Only now that settings follow the answer: until then they may name a host that nobody means.
                session.asked().insert(host, false);
                // Also without a key: that nobody is signed in was not told yet.
                session.look(Look::Everywhere);
            });
        }
    }

    /// Whether a host may have a key in a moment, so that nothing is missing yet: the client was not heard, the
    /// keyring neither, or a key has not come as far as the mirror.
    pub(super) fn awaits_key(&self, host: &str) -> bool {
        let unheard = self.caps.credentials && self.asked().get(host) != Some(&false);
        let unread = !self.stored_keys_are_known.load(Ordering::Relaxed);
        let given = self.given();
        unheard || unread || given.keys.contains_key(host) || given.stored.contains_key(host)
    }

    /// Takes the keys that `flagline login` kept, now and whenever somebody signs in or out there. A keyring may
    /// have to be unlocked by a person: nobody waits for this.
    pub(super) async fn follow_stored_keys(self: Arc<Session>) {
        let mut seen = None;
        loop {
            let file = keys::file();
            let changed = file.as_deref().and_then(keys::changed);
            if changed != seen {
                self.take_stored_keys(file.unwrap_or_default()).await;
            }
            seen = changed;
            if !self.stored_keys_are_known.swap(true, Ordering::Relaxed) {
                // Also without a key: that nobody is signed in was not told yet.
                self.look(Look::Everywhere);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn take_stored_keys(self: &Arc<Session>, file: PathBuf) {
        let Some(stored) = aside(move || keys::read(&file, PATIENCE)).await else { return };
        for problem in &stored.problems {
            self.tell(MessageType::WARNING, problem).await;
        }
        let before = std::mem::replace(&mut self.given().stored, stored.keys);
        self.reconfigure().await;
        let configs = self.workspace.configs();
        let has_key = |host: &str| {
            configs.iter().flat_map(|it| &it.1.environments).any(|it| *it.host == *host && it.key.is_some())
        };
        for host in before.into_keys().filter(|it| !has_key(it)) {
            self.workspace.refresh.ask(Ask::Forget(host));
        }
    }

    /// Uses the client's key of a host; without one, returns the hosts that it has keys for.
    async fn take_credential(&self, host: &Arc<str>) -> Vec<Arc<str>> {
        let Some(Key { key, hosts }) = self.credential(host).await else { return Vec::new() };
        let key = key.map(|it| it.trim().to_owned()).filter(|it| check_key(it).is_ok());
        let Some(key) = key else {
            return hosts.iter().filter_map(|it| parse_host(it).ok()).collect();
        };
        // Who signed in meanwhile knows better.
        self.given().keys.entry(host.clone()).or_insert(key.into());
        Vec::new()
    }

    async fn credential(&self, host: &Arc<str>) -> Option<Key> {
        let asked = self.client.send_request::<Credential>(Host { host: host.to_string() });
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            // The answer is not logged: it may hold a key.
            Ok(Err(error)) => {
                tracing::warn!(%host, code = %error.code, "the client did not give a key");
                None
            }
            Err(_) => {
                tracing::warn!(%host, "the client does not say whether it has a key");
                None
            }
        }
    }
}

/// Asks for something that may never answer; not on a thread of the runtime, which waits for its own when it ends.
async fn aside<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // Fails when nobody waits any more.
        drop(tell.send(what()));
    });
    told.await.ok()
}
