//! One client, from `initialize` to `exit`: the workspace and the tasks round it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc;
use tower_lsp::Client;
use tower_lsp::lsp_types::{InitializeParams, MessageType, Registration, Url};

use super::capabilities::ClientCaps;
use super::progress::Progress;
use super::publish::{self, Look};
use crate::config::{self, Config};
use crate::index::scan;
use crate::posthog::{disk, refresh};
use crate::workspace::Workspace;

/// The same trouble is told once an hour.
const TOLD_FOR: Duration = Duration::from_secs(60 * 60);
/// Without a client that watches files, a save is the sign to look at the disk again, this often at most.
const RESCAN_EVERY: Duration = Duration::from_secs(10);
const WATCHED: &str = "**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs,py,pyi}";

/// Everything that lives as long as the client.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) caps: Arc<ClientCaps>,
    pub(super) workspace: Arc<Workspace>,
    looks: mpsc::UnboundedSender<Look>,
    told: Mutex<HashMap<String, Instant>>,
    logged: Mutex<HashSet<String>>,
    scanned: Mutex<Option<Instant>>,
    problems: Vec<String>,
}

impl Session {
    /// Reads the settings and starts the tasks. Sends the client nothing: it may not be told before
    /// `initialized`.
    pub(super) fn new(client: Client, params: &InitializeParams) -> Arc<Session> {
        let variable = |name: &str| std::env::var(name).ok();
        let (config, problems) = config::load(variable, params.initialization_options.as_ref());
        let config: Arc<Config> = config.into();
        let refresh = refresh::spawn(&config, disk::folder());
        let workspace = Arc::new(Workspace::new(config, refresh));
        workspace.set_roots(roots(params));
        let caps = Arc::new(ClientCaps::new(&params.capabilities));
        let (looks, receiver) = mpsc::unbounded_channel();
        tokio::spawn(publish::run(workspace.clone(), client.clone(), caps.clone(), receiver));
        let (told, logged, scanned) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Session { client, caps, workspace, looks, told, logged, scanned, problems })
    }

    /// After `initialized`: tells what was wrong with the settings, watches files and the mirror, scans.
    pub(super) fn start(self: &Arc<Session>) {
        let session = self.clone();
        tokio::spawn(async move {
            for problem in &session.problems {
                session.tell(MessageType::WARNING, problem).await;
            }
            session.watch_files().await;
        });
        tokio::spawn(self.clone().watch_mirror());
        self.rescan("Reading flags");
    }

    /// Has the diagnostics of a file looked at again.
    pub(super) fn look(&self, look: Look) {
        // Fails only when the program is about to end.
        drop(self.looks.send(look));
    }

    /// Parses a large document beside the requests.
    pub(super) fn parse(self: &Arc<Session>, path: Arc<Path>) {
        let session = self.clone();
        tokio::task::spawn_blocking(move || {
            session.workspace.parse(&path);
            session.look(Look::At(path));
        });
    }

    /// Reads closed files from disk again.
    pub(super) fn reread(self: &Arc<Session>, paths: Vec<Arc<Path>>) {
        let session = self.clone();
        tokio::task::spawn_blocking(move || {
            session.workspace.reread(&paths);
            paths.into_iter().for_each(|it| session.look(Look::At(it)));
        });
    }

    /// Scans all roots again if nobody watches them for us.
    pub(super) fn saved(self: &Arc<Session>) {
        let mut scanned = self.scanned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = scanned.is_none_or(|it| it.elapsed() > RESCAN_EVERY);
        if !self.caps.watch_files && is_old {
            *scanned = Some(Instant::now());
            self.rescan("Reading flags");
        }
    }

    /// Scans all roots, with progress.
    pub(super) fn rescan(self: &Arc<Session>, title: &'static str) {
        let session = self.clone();
        tokio::spawn(async move {
            let progress = Arc::new(scan::Progress::default());
            let scan = tokio::task::spawn_blocking({
                let (session, progress) = (session.clone(), progress.clone());
                move || session.workspace.scan(&progress)
            });
            let skipped = session.show_progress(title, &progress, scan).await;
            for file in skipped.iter().flatten() {
                if let Err(why) = &file.facts {
                    session.log_once(format!("{} {why}", file.path.display())).await;
                }
            }
            session.look(Look::Everywhere);
        });
    }

    /// Shows a scan that takes longer than a glance.
    async fn show_progress<T>(
        &self,
        title: &str,
        progress: &scan::Progress,
        mut scan: tokio::task::JoinHandle<T>,
    ) -> Option<T> {
        if let Ok(done) = tokio::time::timeout(Duration::from_millis(500), &mut scan).await {
            return done.ok();
        }
        let shown = if self.caps.progress { Progress::begin(&self.client, title).await } else { None };
        loop {
            match tokio::time::timeout(Duration::from_millis(200), &mut scan).await {
                Ok(done) => {
                    if let Some(shown) = shown {
                        shown.end(None).await;
                    }
                    return done.ok();
                }
                Err(_) => {
                    let total = progress.total.load(Ordering::Relaxed);
                    let done = progress.done.load(Ordering::Relaxed);
                    if let Some(shown) = &shown {
                        shown
                            .report(format!("{done}/{total} files"), (100 * done / total.max(1)) as u32)
                            .await;
                    }
                }
            }
        }
    }

    /// Every publication of the mirror may change every diagnostic; a new trouble is told once.
    async fn watch_mirror(self: Arc<Session>) {
        let mut mirror = self.workspace.refresh.watch();
        let mut told: Option<Arc<str>> = None;
        while mirror.changed().await.is_ok() {
            self.look(Look::Everywhere);
            let trouble = mirror.borrow_and_update().primary().and_then(|it| it.trouble.clone());
            if let Some(trouble) = &trouble
                && told.as_ref() != Some(trouble)
            {
                self.tell(MessageType::WARNING, trouble).await;
            }
            told = trouble;
        }
    }

    async fn watch_files(&self) {
        if !self.caps.watch_files {
            return;
        }
        // An absolute glob: relative patterns are broken in some clients (neovim#23380).
        let registration = Registration {
            id: "flagline-files".into(),
            method: "workspace/didChangeWatchedFiles".into(),
            register_options: Some(json!({ "watchers": [{ "globPattern": WATCHED }] })),
        };
        let registered = self.client.register_capability(vec![registration]);
        match tokio::time::timeout(Duration::from_secs(5), registered).await {
            Ok(Ok(())) => {}
            other => tracing::warn!(?other, "the client does not watch files"),
        }
    }

    /// A pop-up, the same one once an hour at most.
    pub(super) async fn tell(&self, kind: MessageType, message: &str) {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.get(message).is_some_and(|it| it.elapsed() < TOLD_FOR) {
                return;
            }
            told.insert(message.to_owned(), Instant::now());
        }
        self.client.show_message(kind, format!("Flagline: {message}")).await;
    }

    /// A line in the client's log that says nothing new the second time.
    async fn log_once(&self, message: String) {
        let is_new = self.logged.lock().unwrap_or_else(PoisonError::into_inner).insert(message.clone());
        if is_new {
            self.log(&message).await;
        }
    }

    /// A line in the client's log.
    pub(super) async fn log(&self, message: &str) {
        self.client.log_message(MessageType::INFO, message).await;
    }
}

/// The folders of the client, in whichever of three ways it names them.
fn roots(params: &InitializeParams) -> Vec<PathBuf> {
    if let Some(folders) = params.workspace_folders.as_ref().filter(|it| !it.is_empty()) {
        return folders.iter().filter_map(|it| folder(&it.uri)).collect();
    }
    #[expect(deprecated, reason = "older clients send nothing else")]
    let (uri, path) = (&params.root_uri, &params.root_path);
    uri.as_ref().and_then(folder).or_else(|| path.as_ref().map(PathBuf::from)).into_iter().collect()
}

/// A folder that can be scanned.
pub(super) fn folder(uri: &Url) -> Option<PathBuf> {
    uri.to_file_path().ok()
}
