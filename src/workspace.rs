//! A workspace: open documents, the index, the mirror; it yields [`Snapshot`]s to the language server and to
//! commands alike.
//!
//! Every state change is synchronous and complete when its method returns. Locks and guards never leave the
//! method that took them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;

use crate::analysis::Snapshot;
use crate::config::Config;
use crate::flags::FlagKey;
use crate::index::Index;
use crate::index::scan::{self, MAX_FILE_BYTES, Progress, Scanned};
use crate::posthog::refresh::{Ask, Handle};
use crate::syntax::{FileFacts, Language, Source};
use crate::text::{Change, Encoding, Text};

/// Larger texts are parsed beside the requests: at 3 MB/s this is 5 ms.
const PARSE_AT_ONCE: usize = 16 << 10;

/// An edit whose parse takes longer goes on beside the requests.
const PARSE_FOR: Duration = Duration::from_millis(5);

/// See the module.
#[derive(Debug)]
pub struct Workspace {
    /// The settings.
    pub config: Arc<Config>,
    /// The way to the task that owns the mirror.
    pub refresh: Handle,
    documents: DashMap<Arc<Path>, Document>,
    index: RwLock<Arc<Index>>,
    roots: RwLock<Vec<PathBuf>>,
    parsed: Notify,
}

/// An open document.
#[derive(Debug, Clone)]
struct Document {
    /// As the client writes it; another spelling would be another file to it.
    uri: Url,
    version: i32,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    /// Parsed, with its facts.
    Source(Arc<Source>),
    /// A large text that is being parsed; edits go on meanwhile.
    Parsing(Language, Text),
    /// Not read: too large or minified, or in no language that is known here.
    Ignored(Option<Language>),
}

/// What became of a document that was opened or changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// It has facts now, or a parse that is under way will see to it.
    Read,
    /// [`Workspace::parse`] must be called, where it takes nobody's time.
    Parse,
    /// It is not read, and this is why.
    Ignored(Option<&'static str>),
}

impl Workspace {
    /// A workspace with nothing in it.
    pub fn new(config: Arc<Config>, refresh: Handle) -> Workspace {
        Workspace {
            config,
            refresh,
            documents: DashMap::new(),
            index: RwLock::default(),
            roots: RwLock::default(),
            parsed: Notify::new(),
        }
    }

    /// The folders that are scanned.
    pub fn roots(&self) -> Vec<PathBuf> {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the folders; files outside of all of them are forgotten, open documents excepted.
    pub fn set_roots(&self, roots: Vec<PathBuf>) {
        self.change_index(|index| {
            index.retain(|path| self.is_open(path) || roots.iter().any(|root| path.starts_with(root)));
            true
        });
        *self.roots.write().unwrap_or_else(PoisonError::into_inner) = roots;
    }

    /// Where a document lies; one that is on no disk has its address for a path.
    pub fn path_of(uri: &Url) -> Arc<Path> {
        uri.to_file_path().map_or_else(|()| Path::new(uri.as_str()).into(), Arc::from)
    }

    /// Takes an opened document.
    pub fn open(&self, uri: Url, language_id: &str, version: i32, text: String) -> Opened {
        let path = Workspace::path_of(&uri);
        let language = Language::from_language_id(language_id).or_else(|| Language::from_path(&path));
        let (content, opened) = match language {
            None => (Content::Ignored(None), Opened::Ignored(None)),
            Some(language) => content(language, version, Text::new(text)),
        };
        self.put(path, Document { uri, version, content });
        opened
    }

    /// Applies a client's changes. `None` when the document is not open, or when its version does not grow: then
    /// it is dropped, so that nothing is ever computed on wrong text, and the next opening heals it.
    pub fn change(&self, uri: &Url, version: i32, changes: &[Change], encoding: Encoding) -> Option<Opened> {
        let path = Workspace::path_of(uri);
        let document = self.documents.get(&path)?.clone();
        if version <= document.version {
            tracing::error!(%uri, version, had = document.version, "a change is out of order; the document is dropped");
            self.documents.remove(&path);
            return None;
        }
        let n_bytes = changes.iter().map(|it| it.text.len()).sum::<usize>();
        let (content, opened) = match document.content {
            Content::Source(source) if n_bytes <= PARSE_AT_ONCE => {
                match source.edit_within(version, changes, encoding, PARSE_FOR) {
                    Ok(edited) => (Content::Source(edited.into()), Opened::Read),
                    Err(text) => (Content::Parsing(source.language, text), Opened::Parse),
                }
            }
            Content::Source(source) => {
                let text = source.text.apply(changes, encoding).0;
                content(source.language, version, text)
            }
            Content::Parsing(language, text) => {
                (Content::Parsing(language, text.apply(changes, encoding).0), Opened::Read)
            }
            // The text of an ignored document is not kept, so only a whole new one can be read again.
            Content::Ignored(Some(language)) if changes.iter().any(|it| it.range.is_none()) => {
                content(language, version, Text::new("").apply(changes, encoding).0)
            }
            Content::Ignored(language) => (Content::Ignored(language), Opened::Ignored(None)),
        };
        self.put(path, Document { uri: document.uri, version, content });
        Some(opened)
    }

    /// Parses a large document; takes its time. Edits that come meanwhile are parsed too.
    pub fn parse(&self, path: &Arc<Path>) {
        loop {
            let Some(document) = self.documents.get(path).map(|it| it.clone()) else { break };
            let Content::Parsing(language, text) = document.content else { break };
            let source = Arc::new(Source::new(language, document.version, text));
            let mut is_current = false;
            if let Some(mut now) = self.documents.get_mut(path)
                && now.version == document.version
            {
                now.content = Content::Source(source.clone());
                is_current = true;
            }
            if is_current {
                self.set_facts(path, &source.facts);
                break;
            }
        }
        self.parsed.notify_waiters();
    }

    /// Waits until a document is parsed, if it is being parsed.
    pub async fn parsed(&self, path: &Arc<Path>) {
        loop {
            let notified = self.parsed.notified();
            let parsing =
                self.documents.get(path).is_some_and(|it| matches!(it.content, Content::Parsing(..)));
            if !parsing {
                return;
            }
            notified.await;
        }
    }

    /// Forgets a document. Its file counts again: [`Workspace::reread`] must follow.
    pub fn close(&self, uri: &Url) -> Arc<Path> {
        let path = Workspace::path_of(uri);
        self.documents.remove(&path);
        self.parsed.notify_waiters();
        path
    }

    /// Reads closed files from disk again, as a scan would; the others are forgotten. Takes its time.
    pub fn reread(&self, paths: &[Arc<Path>]) {
        let closed: Vec<&Path> = paths.iter().filter(|it| !self.is_open(it)).map(|it| &**it).collect();
        let wanted: BTreeSet<&Path> = scan::wanted(&self.roots(), &closed).into_iter().collect();
        for path in closed {
            let language = Language::from_path(path).filter(|_| wanted.contains(path));
            let read = language.map(|it| scan::read(path, it));
            if let Some(Err(skipped)) = &read {
                tracing::debug!(path = %path.display(), %skipped, "not read");
            }
            let facts: Arc<FileFacts> = read.and_then(Result::ok).unwrap_or_default().into();
            // Somebody may have opened it meanwhile.
            self.change_index(|index| !self.is_open(path) && index.set(path, facts));
        }
    }

    /// Scans all roots; takes its time. Returns the files that could not be read though they should be.
    pub fn scan(&self, progress: &Progress) -> Vec<Scanned> {
        let scanned = scan::scan(&self.roots(), progress);
        let mut skipped = Vec::new();
        let mut found: Vec<(PathBuf, Arc<FileFacts>)> = Vec::new();
        for file in scanned {
            match file.facts {
                Ok(facts) => found.push((file.path, facts.into())),
                Err(_) => skipped.push(file),
            }
        }
        let roots = self.roots();
        self.change_index(|index| {
            let paths: BTreeSet<&Path> = found.iter().map(|it| &*it.0).collect();
            index.retain(|path| {
                paths.contains(path) || self.is_open(path) || !roots.iter().any(|root| path.starts_with(root))
            });
            for (path, facts) in &found {
                if !self.is_open(path) {
                    index.set(path, facts.clone());
                }
            }
            true
        });
        skipped
    }

    /// Everything about a file at this moment; `None` when nothing is known of it.
    pub fn snapshot(&self, path: &Arc<Path>, now: Timestamp) -> Option<Snapshot> {
        let source = match self.documents.get(path).map(|it| it.content.clone()) {
            Some(Content::Source(source)) => Some(source),
            Some(Content::Parsing(..) | Content::Ignored(_)) => return None,
            None => None,
        };
        let index = self.index();
        let facts = match &source {
            Some(source) => source.facts.clone(),
            None => index.facts(path)?.clone(),
        };
        let (mirror, config) = (self.refresh.mirror(), self.config.clone());
        Some(Snapshot { path: path.clone(), source, facts, index, mirror, config, now })
    }

    /// The address and version of an open document.
    pub fn document(&self, path: &Path) -> Option<(Url, i32)> {
        self.documents.get(path).map(|it| (it.uri.clone(), it.version))
    }

    /// All open documents.
    pub fn open_paths(&self) -> Vec<Arc<Path>> {
        self.documents.iter().map(|it| it.key().clone()).collect()
    }

    /// The index as it is now.
    pub fn index(&self) -> Arc<Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_open(&self, path: &Path) -> bool {
        self.documents.contains_key(path)
    }

    fn put(&self, path: Arc<Path>, document: Document) {
        let facts = match &document.content {
            Content::Source(source) => Some(source.facts.clone()),
            Content::Parsing(..) => None,
            Content::Ignored(_) => Some(Arc::default()),
        };
        self.documents.insert(path.clone(), document);
        if let Some(facts) = facts {
            self.set_facts(&path, &facts);
        }
    }

    fn set_facts(&self, path: &Path, facts: &Arc<FileFacts>) {
        self.change_index(|index| index.set(path, facts.clone()));
    }

    /// Changes the index; the refresh task is told when other keys are read afterwards.
    fn change_index(&self, change: impl FnOnce(&mut Index) -> bool) {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if change(Arc::make_mut(&mut index)) {
            let keys: BTreeSet<FlagKey> = index.keys();
            self.refresh.ask(Ask::Keys(keys));
        }
    }
}

fn content(language: Language, version: i32, text: Text) -> (Content, Opened) {
    let ignored = |why| (Content::Ignored(Some(language)), Opened::Ignored(Some(why)));
    match text.as_str() {
        it if it.len() as u64 > MAX_FILE_BYTES => ignored("is larger than 1 MB, which is taken for a bundle"),
        it if scan::is_minified(it) => ignored("is minified"),
        it if it.len() > PARSE_AT_ONCE => (Content::Parsing(language, text), Opened::Parse),
        _ => (Content::Source(Source::new(language, version, text).into()), Opened::Read),
    }
}
