//! The files of a workspace together: which of them have to do with flags, and what they say.
//!
//! A file is read with a parser only when its bytes have a word of the SDK, a name that leads to flags through
//! another file, or when a key comes from it. Such names are found by following those that are known, so the set
//! grows in rounds until it grows no more. It depends on what the files say and on nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use ustr::UstrSet;

use super::kept::{self, Kept};
use super::link::{self, At, Change, File, FileId, Followed, Found, FunctionAt, Methods, Program, Resolve};
use super::mentions::{Finder, Mentions};
use super::scan::{self, Progress, Root, Skipped};
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

/// See the module. A copy costs nothing, so that names can be followed beside the requests.
#[derive(Clone, Default)]
pub struct Codebase {
    entries: imbl::OrdMap<Arc<Path>, Entry>,
    mentions: Mentions,
    program: Arc<Program>,
    resolver: Option<Arc<dyn Resolve + Send + Sync>>,
    /// What following the names of each file of the program gave.
    followed: imbl::OrdMap<FileId, Arc<Followed>>,
    /// Files that were read because another imports from them.
    imported: imbl::OrdSet<Arc<Path>>,
    active: UstrSet,
    methods: Arc<Methods>,
    /// Of files that were edited since what others say changed.
    kept: imbl::HashMap<Arc<Path>, Arc<Kept>>,
    facts: imbl::OrdMap<Arc<Path>, Arc<FileFacts>>,
    /// What changed since names were followed.
    change: Change,
    /// All names are to be followed again.
    is_unsettled: bool,
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
        let mut entries: imbl::OrdMap<Arc<Path>, Entry> =
            files.into_par_iter().filter(going).map(entry).collect::<Vec<_>>().into_iter().collect();
        for (path, (module, names)) in open {
            entries.entry(path.clone()).or_insert_with(|| {
                let state = open_state(module, names);
                Entry { language: module.language, names: names.clone(), state, place: Place::Unsaved }
            });
        }
        for (path, entry) in installed(&*resolver) {
            entries.entry(path).or_insert(entry);
        }
        let mut codebase =
            Codebase { entries, resolver: Some(resolver), is_unsettled: true, ..Codebase::default() };
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
            entries: imbl::OrdMap::unit(path, entry),
            resolver: Some(Arc::new(Alone)),
            is_unsettled: true,
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

    /// The text of a file on disk, and its language; `None` for what is no source file of the workspace, or cannot be
    /// read.
    pub fn text(&self, path: &Path) -> Option<(Language, String)> {
        let entry = self.entries.get(path).filter(|it| it.place != Place::Installed)?;
        Some((entry.language, scan::read_text(path).ok()?))
    }

    /// The file of the workspace that an import names.
    pub fn resolve(&self, from: &Arc<Path>, specifier: &str) -> Option<Arc<Path>> {
        let language = self.entries.get(from)?.language;
        match self.resolver.as_ref()?.resolve(from, language, Symbol::from(specifier)) {
            Found::File(path) => {
                self.entries.get(&path).filter(|it| it.place != Place::Installed).map(|_| path)
            }
            Found::Package | Found::Missing => None,
        }
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
        if !matters {
            self.facts.remove(path);
            self.kept.remove(path);
            return Arc::default();
        }
        let program = Arc::make_mut(&mut self.program);
        let file = File::new(path.clone(), module.clone(), names.clone());
        let (id, edit) = program.set(file, &mut self.change);
        renumber(Arc::make_mut(&mut self.methods), id, &module);
        let resolver = self.resolver.clone().unwrap_or_else(|| Arc::new(Alone));
        let kept = self.kept.get(path).map(|it| &**it);
        let (kept, linked) = kept::follow(&self.program, &*resolver, &self.methods, id, kept, &edit);
        self.kept.insert(path.clone(), Arc::new(kept));
        let own = linked.defined.into_iter().filter(|it| it.file() == id);
        let mut definitions: Vec<Definition> =
            link::definitions(&self.program, own).into_iter().map(|it| it.1).collect();
        let old = self.facts.get(path).into_iter().flat_map(|it| &it.definitions);
        if let Some(before) = before {
            definitions.extend(moved(old, &before.text, &module.text));
        }
        let facts = Arc::new(tidy(FileFacts {
            reads: linked.reads,
            compared: linked.compared,
            definitions,
            remarks: module.remarks().clone(),
        }));
        self.facts.insert(path.clone(), facts.clone());
        facts
    }

    /// Looks at a closed file again; whether imports may name other files since: it came or went, or says where
    /// they are.
    pub fn reread(&mut self, path: &Arc<Path>, wanted: Option<&scan::File>) -> bool {
        let was_there = self.entries.get(path).is_some_and(|it| it.place == Place::OnDisk);
        let came_or_went = was_there != wanted.is_some();
        let redirects = self.resolver.as_ref().is_some_and(|it| it.depends_on(path));
        let Some(file) = wanted else {
            self.mentions.set(path, UstrSet::default());
            if self.entries.remove(path).is_some() {
                self.is_unsettled = true;
            }
            return came_or_went || redirects;
        };
        let state = state(path, file.language, &file.names);
        let text = match &state {
            State::Silent => scan::read_bytes(path).unwrap_or_default(),
            State::Parsed(..) | State::Skipped(_) => Vec::new(),
        };
        let mentions = self.mention(path, &text);
        if mentions || matches!(state, State::Parsed(..)) || self.program.id(path).is_some() {
            self.is_unsettled = true;
        }
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
        self.is_unsettled = true;
        true
    }

    /// Finds imported files anew: some came or went, or what says where they are changed.
    pub fn resolve_by(&mut self, resolver: Arc<dyn Resolve + Send + Sync>) {
        self.resolver = Some(resolver);
        self.is_unsettled = true;
    }

    /// Takes note of the names that lead to flags and that a text has; whether it has any that does so now.
    fn mention(&mut self, path: &Arc<Path>, text: &[u8]) -> bool {
        let names = self.mentions.names_in(text);
        let any = names.iter().any(|it| self.active.contains(it));
        self.mentions.set(path, names);
        any
    }

    /// Whether something changed that other files may depend on.
    pub fn is_stale(&self) -> bool {
        self.is_unsettled || !self.change.is_empty()
    }

    /// Follows names again where something changed that they depend on.
    pub fn link(&mut self) {
        let change = std::mem::take(&mut self.change);
        self.keep_what_stands_alone(&change);
        if std::mem::take(&mut self.is_unsettled) || !self.link_again(change) {
            self.link_all();
        }
        self.facts = facts(&self.program, &self.followed);
    }

    /// Has everything found out again.
    #[cfg(test)]
    pub(super) fn forget_kept(&mut self) {
        self.kept.clear();
    }

    /// Forgets what chunks said before something else than their file changed.
    fn keep_what_stands_alone(&mut self, change: &Change) {
        let program = &self.program;
        self.kept.retain(|path, _| program.id(path).is_some_and(|it| change.is_only_of(it)));
    }

    /// Follows all names, from the files that have a word of the SDK.
    fn link_all(&mut self) {
        self.program = Arc::default();
        self.followed.clear();
        self.imported.clear();
        self.active.clear();
        self.methods = Arc::default();
        self.kept.clear();
        let mut change = Change::default();
        let speaking: Vec<Arc<Path>> = self.speaking().collect();
        self.add(speaking.iter(), &mut change);
        self.rounds(change);
    }

    /// Follows names from the files that changed. Gives up, and answers so, where a name leads to flags no longer:
    /// what was found by it may hold itself up.
    fn link_again(&mut self, change: Change) -> bool {
        let before = self.followed.clone();
        self.rounds(change);
        let holds = |(id, it): (&FileId, &Arc<Followed>)| {
            let Some(now) = self.followed.get(id) else { return false };
            Arc::ptr_eq(it, now) || it.leads_no_further_than(now)
        };
        before.iter().all(holds) && self.program.paths().all(|it| self.is_called_for(it))
    }

    /// Whether something still says that a file of the program is part of it.
    fn is_called_for(&self, path: &Arc<Path>) -> bool {
        let speaks = self.entries.get(path).is_some_and(|it| matches!(it.state, State::Parsed(_, true)));
        speaks || self.mentions.of(path).any(|it| self.active.contains(it)) || {
            let id = self.program.id(path);
            self.imported.contains(path)
                && id.is_some_and(|id| {
                    self.followed.iter().any(|(user, it)| *user != id && it.shared.uses.has(id))
                })
        }
    }

    /// Follows the names of all files that a change concerns, and of those that this leads to, until nothing is
    /// new.
    fn rounds(&mut self, mut change: Change) {
        let resolver = self.resolver.clone().unwrap_or_else(|| Arc::new(Alone));
        let mut new_methods = UstrSet::default();
        for round in 0..MOST_ROUNDS {
            let is_concerned = |id: &FileId| {
                self.followed.get(id).is_none_or(|it| {
                    let uses = &it.shared.uses;
                    change.concerns(*id, uses) || !new_methods.is_disjoint(uses.methods())
                })
            };
            let concerned: Vec<FileId> = self.program.ids().into_iter().filter(is_concerned).collect();
            let (program, methods) = (&*self.program, &*self.methods);
            let follow = |ids: &[FileId]| link::follow(program, &*resolver, methods, ids);
            let followed: Vec<_> = concerned.par_chunks(together(concerned.len())).map(follow).collect();
            self.followed.extend(followed.into_iter().flatten().map(|(id, it)| (id, Arc::new(it))));
            change = Change::default();
            let n_files = self.grow(&mut change);
            let methods = link::methods(self.followed.values().map(|it| &it.methods));
            new_methods = different(&self.methods, &methods);
            self.methods = methods.into();
            tracing::debug!(round, followed = concerned.len(), more = n_files, "following names");
            if change.is_empty() && new_methods.is_empty() {
                break;
            }
            self.kept.clear();
        }
    }

    /// Reads the files that the names found so far lead to; how many there are.
    fn grow(&mut self, change: &mut Change) -> usize {
        let mut names = UstrSet::default();
        for followed in self.followed.values() {
            names.extend(&followed.active);
            // Who names a registry of keys may index a map that comes from anywhere.
            names.extend(&followed.linked.registries);
        }
        self.look_for(&names);
        let is_new = |it: &&Arc<Path>| self.program.id(it).is_none();
        let named = names.iter().flat_map(|it| self.mentions.files(it)).filter(is_new);
        let mut more: BTreeSet<Arc<Path>> = named.cloned().collect();
        let called = self.followed.values().flat_map(|it| &it.shared.called_unread);
        let called = called.filter(|it| names.contains(&it.1)).map(|it| &it.0);
        let wanted = self.followed.values().flat_map(|it| &it.shared.wanted).chain(called);
        let wanted: BTreeSet<Arc<Path>> = wanted.cloned().collect();
        more.extend(wanted.iter().filter(is_new).cloned());
        let mut whole: BTreeSet<Arc<Path>> =
            wanted.iter().filter(|it| self.left_out(it).is_some()).cloned().collect();
        self.imported.extend(wanted);
        // An edit seldom leads to new names or files: then nothing is looked through.
        let are_new = !names.is_subset(&self.active);
        self.active = names;
        if are_new || !more.is_empty() {
            let finder = Finder::new(self.active.iter().copied().collect());
            whole.extend(finder.iter().flat_map(|it| self.partial_with(it, &more)));
            self.parse(&more, finder.as_deref());
        }
        self.parse_whole(&whole);
        more.append(&mut whole);
        self.add(more.iter(), change);
        more.len()
    }

    /// What a file says that is parsed in part.
    fn left_out(&self, path: &Arc<Path>) -> Option<&Arc<Module>> {
        match &self.entries.get(path)?.state {
            State::Parsed(module, _) if !module.left_out.ranges.is_empty() => Some(module),
            _ => None,
        }
    }

    /// The files of the program, and of those to come, of whose text something was left out that has a name.
    fn partial_with(&self, finder: &Finder, more: &BTreeSet<Arc<Path>>) -> Vec<Arc<Path>> {
        let partial = |it: &Arc<Path>| Some((it.clone(), self.left_out(it)?.clone()));
        let files: Vec<_> = self.program.paths().chain(more).filter_map(partial).collect();
        let has = |(path, module): (Arc<Path>, Arc<Module>)| {
            let text = module.text.as_str().as_bytes();
            let short = finder.short_in(text);
            let mut parts = module.left_out.ranges.iter().map(|it| &text[it.clone()]);
            parts.any(|it| finder.has_any(it, &short)).then_some(path)
        };
        files.into_par_iter().filter_map(has).collect()
    }

    /// Parses all of files of which something was left out.
    fn parse_whole(&mut self, paths: &BTreeSet<Arc<Path>>) {
        let parse = |path: &Arc<Path>| {
            let module = self.left_out(path)?;
            Some((path.clone(), Arc::new(syntax::module(module.language, &module.text))))
        };
        let parsed: Vec<_> = paths.par_iter().filter_map(parse).collect();
        for (path, module) in parsed {
            if let Some(Entry { state: State::Parsed(partial, _), .. }) = self.entries.get_mut(&path) {
                *partial = module;
            }
        }
    }

    fn speaking(&self) -> impl Iterator<Item = Arc<Path>> {
        self.entries.iter().filter(|it| matches!(it.1.state, State::Parsed(_, true))).map(|it| it.0.clone())
    }

    /// Makes files part of the program, those that can be read.
    fn add<'f>(&mut self, paths: impl Iterator<Item = &'f Arc<Path>>, change: &mut Change) {
        for path in paths {
            let Some(entry) = self.entries.get(path) else { continue };
            if let State::Parsed(module, _) = &entry.state {
                let file = File::new(path.clone(), module.clone(), entry.names.clone());
                Arc::make_mut(&mut self.program).set(file, change);
            }
        }
    }

    /// Parses files for the sake of others.
    fn parse(&mut self, paths: &BTreeSet<Arc<Path>>, finder: Option<&Finder>) {
        let parsed: Vec<_> = paths
            .par_iter()
            .filter_map(|path| {
                let entry = self.entries.get(path);
                let language = entry.map(|it| it.language).or_else(|| Language::from_path(path))?;
                let names = entry.map(|it| it.names.clone()).unwrap_or_default();
                let is_silent = entry.is_none_or(|it| matches!(it.state, State::Silent));
                let text = is_silent.then(|| scan::read_text(path)).and_then(Result::ok)?;
                let short = finder.map(|it| it.short_in(text.as_bytes())).unwrap_or_default();
                let leads = |part: &str| {
                    syntax::may_read_flags(language, part.as_bytes(), &names)
                        || finder.is_some_and(|it| it.has_any(part.as_bytes(), &short))
                };
                let module = Arc::new(syntax::skimmed(language, &Text::new(text), &leads));
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
        let Some(finder) = self.mentions.begin(names) else { return };
        let entries: Vec<_> = self.entries.iter().collect();
        let found: Vec<(Arc<Path>, UstrSet)> = entries
            .into_par_iter()
            .filter_map(|(path, entry)| {
                let found = match &entry.state {
                    State::Parsed(_, true) | State::Skipped(_) => return None,
                    State::Parsed(module, false) => finder.names_in(module.text.as_str().as_bytes()),
                    State::Silent => finder.names_in(&scan::read_bytes(path).ok()?),
                };
                (!found.is_empty()).then(|| (path.clone(), found))
            })
            .collect();
        found.into_iter().for_each(|(path, names)| self.mentions.add(&path, names));
    }
}

/// Of how many files names are followed together. Together they share what they find out on the way; but whatever
/// concerns one of them later concerns all, and they are followed on one core.
fn together(n_files: usize) -> usize {
    const MOST: usize = 16;
    (n_files / (2 * rayon::current_num_threads())).clamp(1, MOST)
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

/// The names of methods of which two rounds say something else. Where a method moved in its file, its callers
/// depend on the file.
fn different(before: &Methods, now: &Methods) -> UstrSet {
    let same = |a: &[FunctionAt], b: &[FunctionAt]| a.iter().map(|it| it.file).eq(b.iter().map(|it| it.file));
    let is_other = |it: &&Symbol| match (before.get(it), now.get(it)) {
        (Some(a), Some(b)) => !same(a, b),
        _ => true,
    };
    before.keys().chain(now.keys()).filter(is_other).copied().collect()
}

fn facts(
    program: &Program,
    followed: &imbl::OrdMap<FileId, Arc<Followed>>,
) -> imbl::OrdMap<Arc<Path>, Arc<FileFacts>> {
    let mut all: BTreeMap<FileId, FileFacts> = BTreeMap::new();
    let mut defined = FxHashSet::default();
    for (id, it) in followed {
        let facts = all.entry(*id).or_default();
        facts.reads.clone_from(&it.linked.reads);
        facts.compared.clone_from(&it.linked.compared);
        facts.remarks = program.file(*id).module.remarks().clone();
        defined.extend(&it.linked.defined);
    }
    for (file, definition) in link::definitions(program, defined.into_iter()) {
        all.entry(file).or_default().definitions.push(definition);
    }
    all.into_iter().map(|(id, it)| (program.file(id).path.clone(), Arc::new(tidy(it)))).collect()
}

fn tidy(mut facts: FileFacts) -> FileFacts {
    facts.compared.sort_by_key(|it| it.span);
    facts.definitions.sort_by(|a, b| (a.key_span, &a.name).cmp(&(b.key_span, &b.name)));
    facts.definitions.dedup_by(|a, b| a.key_span == b.key_span);
    facts
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

/// The files of installed packages that have a word of the SDK.
fn installed(resolver: &(dyn Resolve + Sync)) -> Vec<(Arc<Path>, Entry)> {
    let entry = |path: PathBuf| {
        let (language, names) = (Language::from_path(&path)?, Arc::default());
        let state = state(&path, language, &names);
        let asks = matches!(state, State::Parsed(..));
        asks.then(|| (path.into(), Entry { language, names, state, place: Place::Installed }))
    };
    resolver.files_that_may_ask().into_par_iter().filter_map(entry).collect()
}

/// What a closed file is before anybody asks further.
fn state(path: &Path, language: Language, names: &Names) -> State {
    match scan::sift(path, language, names) {
        Ok(Some(text)) => {
            let leads = |part: &str| syntax::may_read_flags(language, part.as_bytes(), names);
            State::Parsed(syntax::skimmed(language, &Text::new(text), &leads).into(), true)
        }
        Ok(None) => State::Silent,
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
    fn resolve(&self, _: &Arc<Path>, _: Language, _: Symbol) -> Found {
        Found::Package
    }

    fn depends_on(&self, _: &Path) -> bool {
        false
    }

    fn files_that_may_ask(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn package_of(&self, _: &Path) -> Option<Symbol> {
        None
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
    fn a_type_of_a_file_that_says_nothing_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "types.ts", "");
        let text = "import posthog from 'posthog-js'\nimport type { Flag } from './types'\n\
                    let key: Flag = 'typed'\nposthog.isFeatureEnabled(key)\n";
        let page = write(folder.path(), "page.ts", text);
        assert_eq!(keys(&read(folder.path()), &page), ["typed"]);
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
