//! Signing in and out: the client keeps the keys, the server tries them.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::lsp_types::request::Request;

use super::publish::Look;
use super::session::Session;
use crate::config::{Environment, check_key, parse_host};
use crate::posthog::refresh::Ask;
use crate::posthog::{self, Client};

/// A client may have to ask a person for the secret of its store.
const PATIENCE: Duration = Duration::from_secs(120);

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
    let environment = Environment { key: Some(key.clone().into()), ..Environment::new(host.clone()) };
    let client = Client::new(&environment).map_err(|it| refused(it.to_string()))?;
    let projects = client.projects().await.map_err(|it| refused(it.to_string()))?;
    let user = match client.me().await {
        Ok(user) => json!({ "name": user.first_name, "email": user.email }),
        // A key without the scope user:read is a key.
        Err(posthog::Error::Forbidden(_)) => Value::Null,
        Err(error) => return Err(refused(error.to_string())),
    };
    session.given().keys.insert(host.clone(), key.into());
    session.reconfigure().await;
    let projects: Vec<Value> = projects.iter().map(|it| json!({ "id": it.id, "name": it.name })).collect();
    Ok(json!({ "host": &*host, "user": user, "projects": projects }))
}

/// Forgets a key and what it was used for.
pub(super) async fn sign_out(session: &Arc<Session>, Host { host }: Host) -> Result<Value> {
    let host = parse_host(&host).map_err(refused)?;
    session.given().keys.remove(&host);
    session.asked().insert(host.clone(), false);
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
        let lacking = configs.iter().flat_map(|it| &it.1.environments);
        for environment in lacking.filter(|it| it.key.is_none() && it.problem.is_none()) {
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

    /// Whether a host may have a key in a moment, so that nothing is missing yet: the client was not heard, or its
    /// key has not come as far as the mirror.
    pub(super) fn awaits_key(&self, host: &str) -> bool {
        let unheard = self.caps.credentials && self.asked().get(host) != Some(&false);
        unheard || self.given().keys.contains_key(host)
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
