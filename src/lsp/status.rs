//! `flagline/status`: what a status bar shows.

use serde_json::{Value, json};
use tower_lsp::lsp_types::Url;
use tower_lsp::lsp_types::notification::Notification;

use super::session::Session;
use crate::config;
use crate::flags::{Access, Environment};
use crate::workspace::Workspace;

enum Status {}

impl Notification for Status {
    type Params = Value;
    const METHOD: &'static str = "flagline/status";
}

impl Session {
    /// Sends the status if the client wants it and it differs from the last.
    pub(super) async fn send_status(&self) {
        if !self.caps.status {
            return;
        }
        let mut last = self.status.lock().await;
        let status = status(&self.workspace);
        if last.as_ref() != Some(&status) {
            *last = Some(status.clone());
            self.client.send_notification::<Status>(status).await;
        }
    }
}

/// Every environment once, with the folders that it belongs to.
fn status(workspace: &Workspace) -> Value {
    let configs = workspace.configs();
    let mut environments: Vec<(Value, Vec<Url>)> = Vec::new();
    for (folder, config) in &configs {
        let mirror = workspace.mirror_of(config);
        for (configured, known) in config.environments.iter().zip(&mirror.environments) {
            let shown = environment(configured, known);
            let root = folder.as_ref().and_then(|it| Url::from_file_path(it).ok());
            match environments.iter_mut().find(|it| it.0 == shown) {
                Some((_, roots)) => roots.extend(root),
                None => environments.push((shown, root.into_iter().collect())),
            }
        }
    }
    let environments = environments.into_iter().map(|(mut shown, roots)| {
        shown["roots"] = json!(roots);
        shown
    });
    json!({
        "readOnly": configs.iter().any(|it| it.1.read_only),
        "environments": environments.collect::<Vec<_>>(),
    })
}

fn environment(configured: &config::Environment, known: &Environment) -> Value {
    let list = known.flags.as_ref();
    let state = match (known.access, &known.trouble) {
        (Access::SignedOut, _) => "signed-out",
        (Access::Unsettled, _) => "settings",
        (Access::Open, Some(_)) => "trouble",
        (Access::Open, None) if list.is_some() => "ready",
        (Access::Open, None) => "loading",
    };
    json!({
        "name": &*configured.name,
        "host": &*configured.host,
        "state": state,
        "project": known.project.as_ref().map(|it| json!({ "id": it.id, "name": &*it.name })),
        "message": known.trouble.as_deref(),
        "flags": list.map(|it| it.by_key.values().filter(|it| !it.deleted && !it.archived).count()),
        "fetchedAt": list.map(|it| it.fetched_at.to_string()),
    })
}
