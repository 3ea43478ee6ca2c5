//! One client, from `initialize` to `exit`: the workspace and the tasks round it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tower_lsp::Client;
use tower_lsp::lsp_types::{
    ConfigurationItem, InitializeParams, MessageActionItem, MessageType, Registration, Url,
};

use super::capabilities::ClientCaps;
use super::progress::Progress;
use super::publish::{self, Look};
use crate::analysis::plain;
use crate::index::scan;
use crate::posthog::{disk, refresh};
use crate::workspace::{Given, Workspace};

/// The same trouble is told once an hour.
const TOLD_FOR: Duration = Duration::from_secs(60 * 60);
/// How long the first scan is waited for at most.
const FIRST_SCAN: Duration = Duration::from_secs(2);

/// How long an edit waits for further ones before other files are looked at.
const FOLLOW_AFTER: Duration = Duration::from_millis(300);
/// Without a client that watches files, a save is the sign to look at the disk again, this often at most.
const RESCAN_EVERY: Duration = Duration::from_secs(10);
const WATCHED: [&str; 4] = [
    "**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs,py,pyi}",
    "**/{flagline.toml,.posthog.json}",
    "**/.flagline/*.toml",
    "**/{package.json,tsconfig*.json,jsconfig*.json,pnpm-workspace.yaml,pyproject.toml}",
];

/// Everything that lives as long as the client.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) caps: Arc<ClientCaps>,
    pub(super) workspace: Arc<Workspace>,
    given: Mutex<Given>,
    folders: Mutex<Vec<PathBuf>>,
    /// One at a time: the later settings win.
    configuring: tokio::sync::Mutex<()>,
    looks: mpsc::UnboundedSender<Look>,
    /// Is told whenever something is looked at again: other flags may be read by then.
    pub(super) looked: Notify,
    /// Is told of every edit: what it means to other files is found out once nobody types.
    edited: Notify,
    told: Mutex<HashMap<String, Instant>>,
    logged: Mutex<HashSet<String>>,
    scanned: Mutex<Option<Instant>>,
    /// Whether all files were read once.
    read_once: watch::Sender<bool>,
    written: Mutex<HashSet<(u64, Option<i64>)>>,
    asked: Mutex<HashMap<Arc<str>, bool>>,
    /// Whether the keys that `flagline login` kept are known.
    pub(super) stored_keys_are_known: AtomicBool,
    /// The last status that was sent. Held while the next one is sent: an older one must not come after it.
    pub(super) status: tokio::sync::Mutex<Option<Value>>,
    problems: Vec<String>,
}

impl Session {
    /// Reads the settings and starts the tasks. Sends the client nothing: it may not be told before
    /// `initialized`.
    pub(super) fn new(client: Client, params: &InitializeParams) -> Arc<Session> {
        let given = Given { settings: params.initialization_options.clone(), ..Given::default() };
        let workspace = Arc::new(Workspace::new(refresh::spawn(&[], disk::folder())));
        let folders = roots(params);
        let configured = workspace.configure(folders.clone(), &given);
        let caps = Arc::new(ClientCaps::new(&params.capabilities));
        let (looks, receiver) = mpsc::unbounded_channel();
        tokio::spawn(publish::run(workspace.clone(), client.clone(), caps.clone(), receiver));
        Arc::new(Session {
            client,
            caps,
            workspace,
            given: given.into(),
            folders: folders.into(),
            configuring: tokio::sync::Mutex::default(),
            looks,
            looked: Notify::new(),
            edited: Notify::new(),
            told: Mutex::default(),
            logged: Mutex::default(),
            scanned: Mutex::default(),
            read_once: watch::Sender::new(false),
            written: Mutex::default(),
            asked: Mutex::default(),
            stored_keys_are_known: AtomicBool::new(false),
            status: tokio::sync::Mutex::default(),
            problems: configured.problems,
        })
    }

    /// After `initialized`: tells what was wrong with the settings, watches files and the mirror, scans.
    pub(super) fn start(self: &Arc<Session>) {
        let session = self.clone();
        tokio::spawn(async move {
            for problem in &session.problems {
                session.tell(MessageType::WARNING, problem).await;
            }
            // Before anything is asked: a client that does not answer has a status all the same.
            session.send_status().await;
            session.watch_files().await;
            if session.pull_settings().await {
                session.reconfigure().await;
            }
            session.ask_for_keys();
        });
        tokio::spawn(self.clone().follow_stored_keys());
        tokio::spawn(self.clone().watch_mirror());
        tokio::spawn(self.clone().follow_edits());
        self.rescan("Reading flags");
    }

    /// What settings depend on besides files.
    pub(super) fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hosts whose keys the client was asked for, and whether it did not answer yet.
    pub(super) fn asked(&self) -> MutexGuard<'_, HashMap<Arc<str>, bool>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the folders of the workspace.
    pub(super) fn change_folders(self: &Arc<Session>, removed: &[PathBuf], added: Vec<PathBuf>) {
        {
            let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            // A folder that is there already would count twice.
            folders.retain(|it| !removed.contains(it) && !added.contains(it));
            folders.extend(added);
        }
        self.settings_changed();
    }

    /// Reads the files of settings again, in a task of its own.
    pub(super) fn settings_changed(self: &Arc<Session>) {
        let session = self.clone();
        tokio::spawn(async move {
            session.reconfigure().await;
            session.ask_for_keys();
        });
    }

    /// Reads the files of settings again and makes everything follow.
    pub(super) async fn reconfigure(self: &Arc<Session>) {
        let _one_at_a_time = self.configuring.lock().await;
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (workspace, given) = (self.workspace.clone(), self.given().clone());
        let work = tokio::task::spawn_blocking(move || workspace.configure(folders, &given));
        let Ok(configured) = work.await else { return };
        for problem in &configured.problems {
            self.tell(MessageType::WARNING, problem).await;
        }
        if configured.rescan {
            self.rescan("Reading flags");
        }
        self.look(Look::Everywhere);
        self.send_status().await;
    }

    /// Asks the client for its settings, if it can be asked; whether they are others than before.
    async fn pull_settings(&self) -> bool {
        if !self.caps.pull_settings {
            return false;
        }
        let item = ConfigurationItem { scope_uri: None, section: Some("flagline".into()) };
        let asked = self.client.configuration(vec![item]);
        match tokio::time::timeout(Duration::from_secs(10), asked).await {
            Ok(Ok(mut answers)) if answers.first().is_some_and(Value::is_object) => {
                let settings = Some(answers.swap_remove(0));
                let mut given = self.given();
                let changed = given.settings != settings;
                given.settings = settings;
                changed
            }
            // It has none: what it sent with `initialize` counts.
            Ok(Ok(_)) => false,
            other => {
                tracing::warn!(failed = other.is_err(), "the client does not say its settings");
                false
            }
        }
    }

    /// Takes settings that the client sent by itself.
    pub(super) fn take_settings(self: &Arc<Session>, sent: Value) {
        if !self.caps.pull_settings {
            let own = sent.get("flagline").cloned().unwrap_or(sent);
            if own.is_object() {
                self.given().settings = Some(own);
            }
        }
        let session = self.clone();
        tokio::spawn(async move {
            session.pull_settings().await;
            session.reconfigure().await;
            session.ask_for_keys();
        });
    }

    /// Remembers what was written here, so that it is not told as news.
    pub(super) fn note_written(&self, id: u64, version: Option<i64>) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert((id, version));
    }

    /// Whether this version of a flag was written here.
    pub(super) fn wrote(&self, id: u64, version: Option<i64>) -> bool {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(&(id, version))
    }

    /// Has the diagnostics of a file looked at again.
    pub(super) fn look(&self, look: Look) {
        // Fails only when the program is about to end.
        drop(self.looks.send(look));
        self.looked.notify_one();
    }

    /// Takes note of an edit.
    pub(super) fn edited(&self) {
        self.edited.notify_one();
    }

    /// Finds out what edits mean to other files.
    async fn follow_edits(self: Arc<Session>) {
        loop {
            self.edited.notified().await;
            tokio::time::sleep(FOLLOW_AFTER).await;
            let session = self.clone();
            let work = tokio::task::spawn_blocking(move || session.workspace.link());
            for path in work.await.unwrap_or_default() {
                self.look(Look::At(path));
            }
        }
    }

    /// Parses a large document beside the requests.
    pub(super) fn parse(self: &Arc<Session>, path: Arc<Path>) {
        let session = self.clone();
        tokio::task::spawn_blocking(move || {
            session.workspace.parse(&path);
            session.look(Look::At(path));
            session.edited();
        });
    }

    /// Reads closed files from disk again.
    pub(super) fn reread(self: &Arc<Session>, paths: Vec<Arc<Path>>) {
        drop(self.read_again(paths));
    }

    /// The same for whoever waits for it.
    pub(super) fn read_again(self: &Arc<Session>, paths: Vec<Arc<Path>>) -> JoinHandle<()> {
        let session = self.clone();
        tokio::task::spawn_blocking(move || {
            let changed = session.workspace.reread(&paths);
            paths.into_iter().chain(changed).for_each(|it| session.look(Look::At(it)));
        })
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

    /// Waits until all files were read once, which says how this code base asks for flags; not for ever.
    pub(super) async fn first_scan(&self) {
        let mut read_once = self.read_once.subscribe();
        let read = read_once.wait_for(|it| *it);
        drop(tokio::time::timeout(FIRST_SCAN, read).await);
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
            session.read_once.send_replace(true);
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
        mut scan: JoinHandle<T>,
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

    async fn watch_files(&self) {
        let mut wanted = Vec::new();
        if self.caps.watch_files {
            // Absolute globs: relative patterns are broken in some clients (neovim#23380).
            wanted.push(Registration {
                id: "flagline-files".into(),
                method: "workspace/didChangeWatchedFiles".into(),
                register_options: Some(json!({
                    "watchers": WATCHED.map(|it| json!({ "globPattern": it })),
                })),
            });
        }
        if self.caps.settings_registration {
            wanted.push(Registration {
                id: "flagline-settings".into(),
                method: "workspace/didChangeConfiguration".into(),
                register_options: Some(json!({ "section": "flagline" })),
            });
        }
        if wanted.is_empty() {
            return;
        }
        let registered = self.client.register_capability(wanted);
        match tokio::time::timeout(Duration::from_secs(5), registered).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the client does not watch files or settings for us"),
            Err(_) => tracing::warn!("the client does not say whether it watches files and settings for us"),
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
        self.answer(kind, message).await;
    }

    /// A pop-up, each time. This and [`Session::ask`] are the only ways to a pop-up: what they show may come from a brief
    /// or from a server, and is made harmless here.
    pub(super) async fn answer(&self, kind: MessageType, message: &str) {
        self.client.show_message(kind, plain(&format!("Flagline: {message}"))).await;
    }

    /// A question with its choices; `None` = nothing was chosen, or nobody is there any more. A person may think for long,
    /// and a client that is gone ends the session with all its tasks.
    pub(super) async fn ask(&self, kind: MessageType, question: &str, choices: &[&str]) -> Option<String> {
        let item = |it: &&str| MessageActionItem { title: plain(it), properties: Default::default() };
        let items = choices.iter().map(item).collect();
        let asked =
            self.client.show_message_request(kind, plain(&format!("Flagline: {question}")), Some(items));
        asked.await.ok().flatten().map(|it| it.title)
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
        self.client.log_message(MessageType::INFO, plain(message)).await;
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
