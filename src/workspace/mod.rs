//! A workspace: open documents, the index, the mirror; it yields [`Snapshot`]s to the language server and to
//! commands alike.
//!
//! Every state change is synchronous and complete when its method returns. Locks and guards never leave the
//! method that took them.

mod briefs;
mod code;
mod new_brief;
mod page;
mod series;
mod settings;
mod waiting;
mod world;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use dashmap::DashMap;
use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;

use crate::analysis::Snapshot;
use crate::config::{self, Config, posthog_json};
use crate::feature::brief::{BriefFile, is_brief};
use crate::flags::{self, FlagKey, Mirror};
use crate::index::Index;
use crate::index::scan::{self, MAX_FILE_BYTES};
use crate::posthog::refresh::{Ask, Handle};
use crate::syntax::{Language, Names, Source};
use crate::text::{Change, Encoding, Text};

pub use briefs::{Found as FoundBrief, all_briefs, brief_of, briefs_in, briefs_of_code, briefs_round};
use code::Code;
pub use new_brief::{NotWritten, home_of, write_brief};
pub use page::write_page;
pub use series::load_series;
pub use settings::{Configured, Given, SettingsFile, config_in, files_of};
pub use waiting::load_waiting;
pub use world::CodeWorld;
pub use write::{repository, write_files};

/// Larger texts are parsed beside the requests: at 3 MB/s this is 5 ms.
const PARSE_AT_ONCE: usize = 16 << 10;

/// An edit whose parse takes longer goes on beside the requests.
const PARSE_FOR: Duration = Duration::from_millis(5);

/// See the module.
#[derive(Debug)]
pub struct Workspace {
    /// The way to the task that owns the mirror.
    pub refresh: Handle,
    documents: DashMap<Arc<Path>, Document>,
    index: RwLock<Arc<Index>>,
    code: Mutex<Code>,
    /// Those on disk, and in their place those that are open.
    briefs: Mutex<BTreeMap<Arc<Path>, Arc<BriefFile>>>,
    roots: RwLock<Arc<Roots>>,
    parsed: Notify,
    /// Held while files are read, so that what was read earlier, perhaps by other settings, never comes later.
    reading: Mutex<()>,
}

/// The folders that are scanned, each with its settings, and the settings of what lies in none of them.
#[derive(Debug, Default)]
struct Roots {
    folders: Vec<Root>,
    outside: Arc<Config>,
}

/// A folder that is scanned.
#[derive(Debug, Clone)]
struct Root {
    path: PathBuf,
    config: Arc<Config>,
    /// Where its `flagline.toml` and `.posthog.json` lie, if it has them.
    files: Vec<Arc<Path>>,
    /// What that file said when it was last right.
    good: Option<Arc<config::File>>,
}

impl Roots {
    /// The innermost folder round a path.
    fn around(&self, path: &Path) -> Option<&Root> {
        let around = self.folders.iter().filter(|it| path.starts_with(&it.path));
        around.max_by_key(|it| it.path.components().count())
    }

    fn config_of(&self, path: &Path) -> &Arc<Config> {
        let first = || self.folders.first().map(|it| &it.config);
        self.around(path).map(|it| &it.config).or_else(first).unwrap_or(&self.outside)
    }

    fn to_scan(&self) -> Vec<scan::Root> {
        let root = |it: &Root| scan::Root {
            path: it.path.clone(),
            exclude: it.config.exclude.clone(),
            names: it.config.names.clone(),
        };
        self.folders.iter().map(root).collect()
    }
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
    /// `flagline.toml` or a brief, as it stands in the editor.
    Toml(Text),
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
    pub fn new(refresh: Handle) -> Workspace {
        Workspace {
            refresh,
            documents: DashMap::new(),
            index: RwLock::default(),
            code: Mutex::default(),
            briefs: Mutex::default(),
            roots: RwLock::default(),
            parsed: Notify::new(),
            reading: Mutex::default(),
        }
    }

    /// The folders that are scanned.
    pub fn roots(&self) -> Vec<PathBuf> {
        self.all_roots().folders.iter().map(|it| it.path.clone()).collect()
    }

    fn all_roots(&self) -> Arc<Roots> {
        self.roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings that count for a path.
    pub fn config_of(&self, path: &Path) -> Arc<Config> {
        self.all_roots().config_of(path).clone()
    }

    /// The settings of all folders, each once for every folder; of none, those of a file that lies alone.
    pub fn configs(&self) -> Vec<(Option<PathBuf>, Arc<Config>)> {
        let roots = self.all_roots();
        let folders = roots.folders.iter().map(|it| (Some(it.path.clone()), it.config.clone()));
        match roots.folders.is_empty() {
            true => vec![(None, roots.outside.clone())],
            false => folders.collect(),
        }
    }

    /// Whether a path is where some folder's settings lie.
    pub fn is_settings_file(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|it| it.to_str()).filter(|_| !is_brief(path));
        matches!(name, Some(config::file::FILE_NAME | posthog_json::FILE_NAME))
    }

    /// The settings files of all folders.
    pub fn settings_files(&self) -> Vec<Arc<Path>> {
        self.all_roots().folders.iter().flat_map(|it| it.files.clone()).collect()
    }

    /// The `flagline.toml` that counts for a path.
    pub fn settings_file_of(&self, path: &Path) -> Option<Arc<Path>> {
        let roots = self.all_roots();
        let root = roots.around(path).or(roots.folders.first())?;
        root.files.iter().find(|it| is_flagline_toml(it)).cloned()
    }

    /// Replaces the folders and reads the settings of each. What was right before stays while a file is wrong;
    /// files outside of all folders are forgotten, open documents excepted. Returns what is wrong with variables
    /// and editor settings.
    pub fn configure(&self, folders: Vec<PathBuf>, given: &Given) -> Configured {
        let before = self.all_roots();
        let mut problems = BTreeSet::new();
        let mut root = |path: PathBuf| {
            let old = before.folders.iter().find(|it| it.path == path);
            let (root, told) = Root::load(path, old, given);
            problems.extend(told);
            root
        };
        let folders: Vec<Root> = folders.into_iter().map(&mut root).collect();
        let outside = given.outside();
        let roots = Arc::new(Roots { folders, outside: outside.0.into() });
        if roots.folders.is_empty() {
            problems.extend(outside.1);
        }
        *self.roots.write().unwrap_or_else(PoisonError::into_inner) = roots.clone();
        let reading = |it: &Roots| {
            let of = |it: &Root| (it.path.clone(), it.config.exclude.clone(), it.config.names.clone());
            it.folders.iter().map(of).collect::<Vec<_>>()
        };
        let rescan = reading(&before) != reading(&roots);
        if rescan {
            self.change_index(|index| {
                index.retain(|path| self.is_open(path) || roots.around(path).is_some());
                true
            });
        }
        let environments = roots.folders.iter().flat_map(|it| it.config.environments.clone());
        let environments: Vec<_> = match roots.folders.is_empty() {
            true => roots.outside.environments.clone(),
            false => environments.collect(),
        };
        self.refresh.ask(Ask::Configure(environments));
        Configured { problems: problems.into_iter().collect(), rescan }
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
            None if is_flagline_toml(&path) || is_brief(&path) => {
                (Content::Toml(Text::new(text)), Opened::Read)
            }
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
            Content::Toml(text) => (Content::Toml(text.apply(changes, encoding).0), Opened::Read),
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
                self.take(path, Some(&source));
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

    /// Everything about a file at this moment; `None` when nothing is known of it.
    pub fn snapshot(&self, path: &Arc<Path>, now: Timestamp) -> Option<Snapshot> {
        let source = match self.documents.get(path).map(|it| it.content.clone()) {
            Some(Content::Source(source)) => Some(source),
            Some(Content::Parsing(..) | Content::Toml(_) | Content::Ignored(_)) => return None,
            None => None,
        };
        let config = self.config_of(path);
        if config.exclude.excludes(path, false) {
            return None;
        }
        let index = self.index();
        let facts = match (index.facts(path), &source) {
            (Some(facts), _) => facts.clone(),
            (None, Some(_)) => Arc::default(),
            (None, None) => return None,
        };
        let mirror = view(&self.refresh.mirror(), &config).into();
        let briefs = self.briefs_of(path);
        Some(Snapshot { path: path.clone(), source, facts, index, mirror, briefs, config, now })
    }

    /// The text of an open `flagline.toml` or brief.
    pub fn toml(&self, path: &Path) -> Option<Text> {
        match self.documents.get(path).map(|it| it.content.clone())? {
            Content::Toml(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a settings file, as it stands in the editor or else on disk.
    pub fn settings_text(&self, path: &Path) -> Option<Text> {
        self.toml(path).or_else(|| std::fs::read_to_string(path).ok().map(Text::new))
    }

    /// The mirror as a folder's settings see it: their environments, the primary first.
    pub fn mirror_of(&self, config: &Config) -> Mirror {
        view(&self.refresh.mirror(), config)
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
        let source = match &document.content {
            Content::Source(source) => Some(Some(source.clone())),
            Content::Parsing(..) => None,
            Content::Toml(_) | Content::Ignored(_) => Some(None),
        };
        let content = document.content.clone();
        self.documents.insert(path.clone(), document);
        // Only now: whoever reads the disk looks whether it is open.
        self.take_brief(&path, &content);
        if let Some(source) = source {
            self.take(&path, source.as_deref());
        }
    }

    fn names_of(&self, path: &Path) -> Arc<Names> {
        self.config_of(path).names.clone()
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

fn is_flagline_toml(path: &Path) -> bool {
    path.file_name().is_some_and(|it| it == config::file::FILE_NAME)
}

fn view(mirror: &Mirror, config: &Config) -> Mirror {
    let of = |it: &config::Environment| mirror.environments.iter().find(|known| it.is_at(known)).cloned();
    let missing = |it: &config::Environment| {
        // The refresh task has not taken note of it yet.
        Arc::new(flags::Environment {
            name: it.name.clone(),
            host: it.host.clone(),
            configured_project: it.project,
            ..flags::Environment::default()
        })
    };
    let environments = config.environments.iter().map(|it| of(it).unwrap_or_else(|| missing(it))).collect();
    Mirror { environments, revision: mirror.revision }
}
