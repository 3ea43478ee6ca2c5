//! The files of a workspace together: which of them have to do with flags, and what they say.
//!
//! A file is read with a parser only when its bytes have a word of the SDK, a name that leads to flags through
//! another file, or when a key comes from it. Such names are found by following those that are known, so the set
//! grows in rounds until it grows no more. It depends on what the files say and on nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use rayon::prelude::*;
use ustr::{UstrMap, UstrSet};

use super::link::{At, File, FileId, Found, Linked, Linker, Methods, Program, Resolve};
use super::scan::{self, Progress, Root, Skipped};
use crate::syntax::evidence::names_flag;
use crate::syntax::ir::{FunctionId, Module, Symbol};
use crate::syntax::{self, Definition, FileFacts, Language, Names};
use crate::text::Text;

/// Rounds of looking for names; each follows wrappers one file further.
const MOST_ROUNDS: usize = 10;

/// A source file of the workspace.
#[derive(Debug, Clone)]
struct Entry {
    language: Language,
    names: Arc<Names>,
    state: State,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the workspace, where imports find it.
    OnDisk,
    /// In an editor only, as far as is known.
    Unsaved,
    /// Of a package that a file of the workspace imports.
    Installed,
}

#[derive(Debug, Clone)]
enum State {
    /// It has no word of the SDK.
    Silent,
    /// It was parsed; with a word of the SDK, or for the sake of another file.
    Parsed(Arc<Module>, bool),
    /// It cannot be read.
    Skipped(Arc<Skipped>),
}

/// See the module.
#[derive(Clone, Default)]
pub struct Codebase {
    entries: BTreeMap<Arc<Path>, Entry>,
    /// Names that were looked for in all files, with the files that have them.
    mentions: UstrMap<Vec<Arc<Path>>>,
    program: Arc<Program>,
    resolver: Option<Arc<dyn Resolve + Send + Sync>>,
    active: UstrSet,
    methods: Arc<Methods>,
    facts: BTreeMap<Arc<Path>, Arc<FileFacts>>,
    /// Something changed that other files may depend on.
    is_stale: bool,
}

/// An open document: what it says, and what the settings add to the SDK's names in it.
pub type Open = (Arc<Module>, Arc<Names>);

impl std::fmt::Debug for Codebase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Codebase({} files)", self.entries.len())
    }
}

impl Codebase {
    /// Reads all files of `roots`; of `open` ones their text in the editor. Takes its time.
    pub fn read(
        roots: &[Root],
        resolver: Arc<dyn Resolve + Send + Sync>,
        open: &BTreeMap<Arc<Path>, Open>,
        progress: &Progress,
    ) -> Codebase {
        let files = scan::walk(roots);
        progress.total.store(files.len(), Ordering::Relaxed);
        let entry = |file: scan::File| {
            let path: Arc<Path> = file.path.into();
            let state = match open.get(&path) {
                Some((module, _)) => open_state(module, &file.names),
                None => state(&path, file.language, &file.names),
            };
            progress.done.fetch_add(1, Ordering::Relaxed);
            (path, Entry { language: file.language, names: file.names, state, place: Place::OnDisk })
        };
        let going = |_: &scan::File| !progress.cancelled.load(Ordering::Relaxed);
        let mut entries: BTreeMap<Arc<Path>, Entry> =
            files.into_par_iter().filter(going).map(entry).collect();
        for (path, (module, names)) in open {
            entries.entry(path.clone()).or_insert_with(|| {
                let state = open_state(module, names);
                Entry { language: module.language, names: names.clone(), state, place: Place::Unsaved }
            });
        }
        let mut codebase = Codebase { entries, resolver: Some(resolver), ..Codebase::default() };
        codebase.link();
        codebase
    }

    /// One file by itself.
    pub fn alone(path: &Path, module: Arc<Module>, names: Arc<Names>) -> Codebase {
        let path: Arc<Path> = path.into();
        let entry = Entry {
            language: module.language,
            state: State::Parsed(module, true),
            names,
            place: Place::Unsaved,
        };
        let mut codebase = Codebase {
            entries: BTreeMap::from([(path, entry)]),
            resolver: Some(Arc::new(Alone)),
            ..Codebase::default()
        };
        codebase.link();
        codebase
    }

    /// What each file of the workspace says that was looked at, or why it could not be.
    pub fn files(
        &self,
    ) -> impl Iterator<Item = (&Arc<Path>, Language, Result<Arc<FileFacts>, Arc<Skipped>>)> {
        self.entries.iter().filter(|it| it.1.place != Place::Installed).map(|(path, it)| {
            let facts = match &it.state {
                State::Skipped(why) => Err(why.clone()),
                _ => Ok(self.facts.get(path).cloned().unwrap_or_default()),
            };
            (path, it.language, facts)
        })
    }

    /// What a file says.
    pub fn facts(&self, path: &Path) -> Option<&Arc<FileFacts>> {
        self.facts.get(path)
    }

    /// Takes the text of an open document, and says what it says now. Other files follow with [`Codebase::link`].
    pub fn set(&mut self, path: &Arc<Path>, module: Arc<Module>, names: &Arc<Names>) -> Arc<FileFacts> {
        let before = self.entries.get(path).and_then(|it| match &it.state {
            State::Parsed(module, _) => Some(module.clone()),
            _ => None,
        });
        let text = module.text.as_str().as_bytes();
        let speaks = syntax::may_read_flags(module.language, text, names);
        let mentions = !speaks && self.mention(path, text);
        let matters = speaks || mentions || self.program.id(path).is_some();
        let state = State::Parsed(module.clone(), speaks);
        let place = self.entries.get(path).map_or(Place::Unsaved, |it| it.place);
        let entry = Entry { language: module.language, names: names.clone(), state, place };
        self.entries.insert(path.clone(), entry);
        self.is_stale |= matters;
        if !matters {
            self.facts.remove(path);
            return Arc::default();
        }
        let program = Arc::make_mut(&mut self.program);
        let id = program.set(File::new(path.clone(), module.clone(), names.clone()));
        renumber(Arc::make_mut(&mut self.methods), id, &module);
        let resolver = self.resolver.clone().unwrap_or_else(|| Arc::new(Alone));
        let linked = Linker::new(&self.program, &*resolver, &self.methods).link(id);
        let mut definitions: Vec<Definition> =
            linked.definitions.into_iter().filter(|it| it.0 == id).map(|it| it.1).collect();
        let old = self.facts.get(path).into_iter().flat_map(|it| &it.definitions);
        if let Some(before) = before {
            definitions.extend(moved(old, &before.text, &module.text));
        }
        let facts = Arc::new(tidy(FileFacts { reads: linked.reads, definitions }));
        self.facts.insert(path.clone(), facts.clone());
        facts
    }

    /// Looks at a closed file again; whether imports may name other files since: it came or went, or says where
    /// they are.
    pub fn reread(&mut self, path: &Arc<Path>, wanted: Option<&scan::File>) -> bool {
        let was_there = self.entries.get(path).is_some_and(|it| it.place == Place::OnDisk);
        let came_or_went = was_there != wanted.is_some();
        let redirects = self.resolver.as_ref().is_some_and(|it| it.depends_on(path));
        self.is_stale = true;
        let Some(file) = wanted else {
            self.mention(path, &[]);
            self.entries.remove(path);
            return came_or_went || redirects;
        };
        let state = state(path, file.language, &file.names);
        let text = match &state {
            State::Silent => scan::read_bytes(path).unwrap_or_default(),
            State::Parsed(..) | State::Skipped(_) => Vec::new(),
        };
        self.mention(path, &text);
        let entry = Entry { language: file.language, names: file.names.clone(), state, place: Place::OnDisk };
        self.entries.insert(path.clone(), entry);
        came_or_went || redirects
    }

    /// Whether an open file is on disk now and was not before, so that imports may name it.
    pub fn is_saved_first(&mut self, path: &Path) -> bool {
        let Some(entry) = self.entries.get_mut(path).filter(|it| it.place == Place::Unsaved) else {
            return false;
        };
        if !path.is_file() {
            return false;
        }
        entry.place = Place::OnDisk;
        self.is_stale = true;
        true
    }

    /// Finds imported files anew: some came or went, or what says where they are changed.
    pub fn resolve_by(&mut self, resolver: Arc<dyn Resolve + Send + Sync>) {
        self.resolver = Some(resolver);
    }

    /// Takes note of the names that lead to flags and that a text has; whether it has any that does so now.
    fn mention(&mut self, path: &Arc<Path>, text: &[u8]) -> bool {
        let mut any = false;
        for (name, files) in &mut self.mentions {
            files.retain(|it| it != path);
            if has_word(text, name) {
                files.push(path.clone());
                any |= self.active.contains(name);
            }
        }
        any
    }

    /// Whether something changed that other files may depend on.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Follows all names again, from the files that have a word of the SDK.
    pub fn link(&mut self) {
        let resolver = self.resolver.clone().unwrap_or_else(|| Arc::new(Alone));
        let mut chosen: BTreeSet<Arc<Path>> = self.speaking().collect();
        let (mut program, mut active, mut methods) =
            (Program::default(), UstrSet::default(), Methods::default());
        let mut fresh: Vec<Arc<Path>> = chosen.iter().cloned().collect();
        for round in 0..MOST_ROUNDS {
            for path in &fresh {
                if let Some(file) = self.file(path) {
                    program.set(file);
                }
            }
            let mut linker = Linker::new(&program, &*resolver, &methods);
            let mut linked = Vec::new();
            for id in program.ids() {
                linked.push((id, linker.link(id)));
            }
            let mut names = UstrSet::default();
            for id in program.ids() {
                names.extend(linker.active(id));
            }
            names.extend(linker.open_feature_words());
            // Who names a registry of keys may index a map that comes from anywhere.
            let definitions = linked.iter().flat_map(|it| &it.1.definitions).map(|it| &it.1);
            names.extend(definitions.filter_map(|it| registry(&it.name)));
            names.retain(|it| !active.contains(it));
            let mut more: BTreeSet<Arc<Path>> = linker.wanted().map(Arc::from).collect();
            let asking = linker.asking_methods();
            drop(linker);
            self.look_for(&names);
            more.extend(names.iter().flat_map(|it| self.mentions.get(it)).flatten().cloned());
            active.extend(names);
            more.retain(|it| !chosen.contains(it));
            tracing::debug!(round, files = chosen.len(), more = more.len(), "following names");
            self.parse(&more);
            fresh = more.iter().filter(|it| self.is_parsed(it)).cloned().collect();
            chosen.extend(more);
            let is_settled = fresh.is_empty() && asking == methods;
            methods = asking;
            if is_settled || round + 1 == MOST_ROUNDS {
                self.facts = facts(&program, linked);
                break;
            }
        }
        (self.program, self.active, self.methods) = (program.into(), active, methods.into());
        self.is_stale = false;
    }

    fn speaking(&self) -> impl Iterator<Item = Arc<Path>> {
        self.entries.iter().filter(|it| matches!(it.1.state, State::Parsed(_, true))).map(|it| it.0.clone())
    }

    fn is_parsed(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|it| matches!(it.state, State::Parsed(..)))
    }

    fn file(&self, path: &Arc<Path>) -> Option<File> {
        let entry = self.entries.get(path)?;
        match &entry.state {
            State::Parsed(module, _) => Some(File::new(path.clone(), module.clone(), entry.names.clone())),
            _ => None,
        }
    }

    /// Parses files for the sake of others.
    fn parse(&mut self, paths: &BTreeSet<Arc<Path>>) {
        let parsed: Vec<_> = paths
            .par_iter()
            .filter_map(|path| {
                let entry = self.entries.get(path);
                let language = entry.map(|it| it.language).or_else(|| Language::from_path(path))?;
                let is_silent = entry.is_none_or(|it| matches!(it.state, State::Silent));
                let module = is_silent.then(|| scan::read_text(path)).and_then(Result::ok)?;
                let module = Arc::new(syntax::module(language, &Text::new(module)));
                Some((path.clone(), language, module))
            })
            .collect();
        for (path, language, module) in parsed {
            let state = State::Parsed(module, false);
            match self.entries.get_mut(&path) {
                Some(entry) => entry.state = state,
                None => {
                    let names = Arc::default();
                    self.entries.insert(path, Entry { language, names, state, place: Place::Installed });
                }
            }
        }
    }

    /// Looks for names in all files that were not parsed for a word of the SDK.
    fn look_for(&mut self, names: &UstrSet) {
        let new: Vec<Symbol> = names.iter().filter(|it| !self.mentions.contains_key(it)).copied().collect();
        if new.is_empty() {
            return;
        }
        let Ok(finder) = AhoCorasick::new(new.iter().map(|it| it.as_str())) else { return };
        let found: Vec<(Arc<Path>, Vec<usize>)> = self
            .entries
            .par_iter()
            .filter_map(|(path, entry)| {
                let found = match &entry.state {
                    State::Parsed(_, true) | State::Skipped(_) => return None,
                    State::Parsed(module, false) => mentioned(&finder, module.text.as_str().as_bytes()),
                    State::Silent => mentioned(&finder, &scan::read_bytes(path).ok()?),
                };
                (!found.is_empty()).then(|| (path.clone(), found))
            })
            .collect();
        let mut mentions: HashMap<usize, Vec<Arc<Path>>> = HashMap::new();
        for (path, names) in found {
            names.into_iter().for_each(|it| mentions.entry(it).or_default().push(path.clone()));
        }
        for (at, name) in new.into_iter().enumerate() {
            self.mentions.insert(name, mentions.remove(&at).unwrap_or_default());
        }
    }
}

/// Finds the methods of a file again after an edit, by their names.
fn renumber(methods: &mut Methods, file: FileId, module: &Module) {
    let mut names = UstrSet::default();
    methods.retain(|name, all| {
        let n_before = all.len();
        all.retain(|it| it.file != file);
        if all.len() < n_before {
            names.insert(*name);
        }
        !all.is_empty() || names.contains(name)
    });
    for (chunk, placed) in module.chunks.iter().enumerate() {
        for (id, function) in placed.chunk.functions.iter().enumerate() {
            if let Some(name) = function.name.filter(|it| function.class.is_some() && names.contains(it)) {
                let id = FunctionId(id as u32);
                methods.entry(name).or_default().push(At { file, chunk: chunk as u32, id });
            }
        }
    }
}

/// The name of the object or enum that a constant is a member of, if it says that it holds keys.
fn registry(name: &str) -> Option<Symbol> {
    let (container, _) = name.split_once('.')?;
    (container.len() > 4 && names_flag(container)).then(|| Symbol::from(container))
}

/// Which names a text has as whole words.
fn mentioned(finder: &AhoCorasick, text: &[u8]) -> Vec<usize> {
    let mut found: Vec<usize> = finder
        .find_overlapping_iter(text)
        .filter(|it| syntax::words::word_around(text, it.start()) == it.range())
        .map(|it| it.pattern().as_usize())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn facts(program: &Program, linked: Vec<(FileId, Linked)>) -> BTreeMap<Arc<Path>, Arc<FileFacts>> {
    let mut all: BTreeMap<Arc<Path>, FileFacts> = BTreeMap::new();
    for (id, linked) in linked {
        let path = program.file(id).path.clone();
        all.entry(path).or_default().reads = linked.reads;
        for (file, definition) in linked.definitions {
            all.entry(program.file(file).path.clone()).or_default().definitions.push(definition);
        }
    }
    all.into_iter().map(|(path, it)| (path, Arc::new(tidy(it)))).collect()
}

fn tidy(mut facts: FileFacts) -> FileFacts {
    facts.definitions.sort_by(|a, b| (a.key_span, &a.name).cmp(&(b.key_span, &b.name)));
    facts.definitions.dedup_by(|a, b| a.key_span == b.key_span);
    facts
}

fn has_word(text: &[u8], word: &str) -> bool {
    memmem::find_iter(text, word).any(|at| syntax::words::word_around(text, at) == (at..at + word.len()))
}

/// Definitions where they are after an edit; those that it touched are found again when all names are followed.
fn moved<'a>(
    definitions: impl Iterator<Item = &'a Definition>,
    before: &Text,
    now: &Text,
) -> Vec<Definition> {
    let (old, new) = (before.as_str().as_bytes(), now.as_str().as_bytes());
    let front = old.iter().zip(new).take_while(|it| it.0 == it.1).count();
    let most = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|it| it.0 == it.1).count();
    let place = |it: &Definition| {
        let range = it.key_span.bytes();
        if range.end <= front {
            return Some(range);
        }
        let from_end = old.len() - range.end;
        (range.start >= old.len() - back).then(|| new.len() - from_end - range.len()..new.len() - from_end)
    };
    let moved = |it: &'a Definition| Some(Definition { key_span: now.span(place(it)?), ..it.clone() });
    definitions.filter_map(moved).collect()
}

/// What a closed file is before anybody asks further.
fn state(path: &Path, language: Language, names: &Names) -> State {
    let bytes = match scan::read_bytes(path) {
        Ok(bytes) => bytes,
        Err(why) => return State::Skipped(why.into()),
    };
    if !syntax::may_read_flags(language, &bytes, names) {
        return State::Silent;
    }
    match scan::text_of(bytes) {
        Ok(text) => State::Parsed(syntax::module(language, &Text::new(text)).into(), true),
        Err(why) => State::Skipped(why.into()),
    }
}

fn open_state(module: &Arc<Module>, names: &Names) -> State {
    let speaks = syntax::may_read_flags(module.language, module.text.as_str().as_bytes(), names);
    State::Parsed(module.clone(), speaks)
}

/// Of a file that stands alone nothing is imported.
struct Alone;

impl Resolve for Alone {
    fn resolve(&self, _: &Path, _: Language, _: &str) -> Found {
        Found::Package
    }

    fn depends_on(&self, _: &Path) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::resolver;

    const HOOK: &str = "import { useFeatureFlagEnabled } from 'posthog-js/react'\n\
                        export const useFlag = (key: string) => useFeatureFlagEnabled(key)\n";

    fn read(folder: &Path) -> Codebase {
        let roots = [Root { path: folder.to_owned(), ..Root::default() }];
        Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default())
    }

    fn write(folder: &Path, path: &str, text: &str) -> Arc<Path> {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.into()
    }

    fn keys(codebase: &Codebase, path: &Path) -> Vec<String> {
        let reads = codebase.facts(path).into_iter().flat_map(|it| &it.reads);
        reads.filter_map(|it| it.key.as_ref()).map(ToString::to_string).collect()
    }

    #[test]
    fn an_edit_that_begins_to_use_a_wrapper_counts_when_all_names_are_followed_too() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "hooks.ts", HOOK);
        let page = write(folder.path(), "page.ts", "export const page = 1\n");
        let mut codebase = read(folder.path());
        let module = |text: &str| Arc::new(syntax::module(Language::TypeScript, &Text::new(text)));
        codebase.set(&page, module("export const page = 2\n"), &Arc::default());
        assert!(!codebase.is_stale(), "nothing depends on what has nothing to do with flags");
        let uses = "import { useFlag } from './hooks'\nuseFlag('typed')\n";
        codebase.set(&page, module(uses), &Arc::default());
        assert_eq!(keys(&codebase, &page), ["typed"]);
        codebase.link();
        assert_eq!(keys(&codebase, &page), ["typed"]);
        codebase.set(&page, module("export const page = 3\n"), &Arc::default());
        codebase.link();
        assert!(keys(&codebase, &page).is_empty());
    }

    #[test]
    fn an_installed_package_gives_keys_and_is_not_reported_itself() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "node_modules/kit/package.json", r#"{ "name": "kit", "main": "index.js" }"#);
        write(folder.path(), "node_modules/kit/index.js", "export const KEY = 'kit-key'\n");
        let text =
            "import posthog from 'posthog-js'\nimport { KEY } from 'kit'\nposthog.isFeatureEnabled(KEY)\n";
        let page = write(folder.path(), "page.ts", text);
        let codebase = read(folder.path());
        assert_eq!(keys(&codebase, &page), ["kit-key"]);
        let listed: Vec<_> = codebase.files().map(|it| it.0.clone()).collect();
        assert_eq!(listed, [page]);
    }
}
