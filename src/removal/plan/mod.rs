//! Removing a flag from a whole workspace: from file to file until nothing follows any more.

mod entries;
mod exports;
mod gone;
mod members;
mod origins;
mod stand_ins;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::Tree;

use super::document::{Change, Document};
use super::imports::Import;
use super::known::{Kept, Known};
use super::pass::Pass;
use super::registry;
use super::scopes::Binding;
use super::world::World;
use super::wrappers::Wrappers;
use super::{Edit, Refusal, check, gaps, javascript, python, rewrite, settled, sow};
use crate::index::is_test;
use crate::syntax::Language;

/// Each round follows what was found one file further.
const MOST_ROUNDS: usize = 30;

/// What is to be removed, and how far.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The flag's key.
    pub key: &'a str,
    /// What it is taken to serve for ever.
    pub kept: Kept,
    /// Whether names may go that a public package exports, once nothing in the workspace uses them.
    pub whole: bool,
    /// Only reads below these folders and files are removed; all where there are none.
    pub within: Vec<PathBuf>,
    /// Whether files without a refusal are cleaned even though others have one.
    pub partly: bool,
}

/// What the removal of a flag does to a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// What changes, by path.
    pub files: BTreeMap<Arc<Path>, FileChange>,
    /// What is left alone, and why.
    pub refusals: Vec<(Arc<Path>, Refusal)>,
    /// What is left to look at, sorted.
    pub leftovers: Vec<(Arc<Path>, Leftover)>,
}

/// A place that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Bytes of the text before any edit.
    pub range: Range<usize>,
    /// A sentence for a person.
    pub reason: String,
}

/// What happens to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Edits of its text, sorted, without overlap.
    Edited(Vec<Edit>),
    /// Nothing is left in it, and nothing imports it.
    Deleted,
}

impl Leftover {
    fn stand_in(range: Range<usize>, name: &str) -> Leftover {
        let reason =
            format!("a test put something in the place of '{name}' here, which is always the same now");
        Leftover { range, reason }
    }

    fn gone(range: Range<usize>, name: &str) -> Leftover {
        Leftover { range, reason: format!("this needs '{name}', which is not there any more") }
    }

    fn mock(range: Range<usize>, method: &str) -> Leftover {
        let reason = format!(
            "a test sets here what '{method}' gives; code that it imports does not ask for this flag any more"
        );
        Leftover { range, reason }
    }
}

/// A file under way.
struct Work {
    document: Document,
    before: Arc<str>,
    tree: Tree,
    /// What it imported at first.
    imports: Rc<[Import]>,
    is_changed: bool,
}

/// Removes a flag from all files.
pub fn plan(world: &dyn World, request: &Request) -> Removal {
    let mut planner = Planner {
        world,
        request,
        files: BTreeMap::new(),
        refusals: Vec::new(),
        shared: Vec::new(),
        told: BTreeSet::new(),
        cleared: Vec::new(),
        users: RefCell::default(),
        looked_at: RefCell::default(),
    };
    planner.sow();
    if !planner.refusals.is_empty() && !request.partly {
        return Removal { refusals: sorted(planner.refusals), ..Removal::default() };
    }
    for _ in 0..MOST_ROUNDS {
        planner.note_overridden();
        planner.rewrite();
        let more = planner.tell_importers()
            || planner.tell_instances()
            || planner.close_members()
            || planner.close_fields()
            || planner.clear_stand_ins()
            || planner.unexport()
            || planner.clear_registries()
            || planner.clear_bootstraps()
            || planner.clear_fields();
        if !more {
            break;
        }
    }
    planner.finish()
}

struct Planner<'w> {
    world: &'w dyn World,
    request: &'w Request<'w>,
    files: BTreeMap<Arc<Path>, Work>,
    refusals: Vec<(Arc<Path>, Refusal)>,
    /// Calls that read the flags of a list.
    shared: Vec<(Arc<Path>, Refusal)>,
    /// Exports whose value the importers know already.
    told: BTreeSet<(Arc<Path>, String)>,
    /// Mocks that went.
    cleared: Vec<(Arc<Path>, Leftover)>,
    /// The files in which words occur, of all words that were looked for: to look reads the whole workspace.
    users: RefCell<BTreeMap<String, Arc<[Arc<Path>]>>>,
    /// Files that are not under way, parsed.
    looked_at: RefCell<BTreeMap<Arc<Path>, Rc<Document>>>,
}

impl Planner<'_> {
    /// The files in which a word occurs.
    fn users_of(&self, word: &str) -> Arc<[Arc<Path>]> {
        self.look_for([word.to_owned()].into());
        self.users.borrow().get(word).cloned().unwrap_or_default()
    }

    /// Finds the files of several words at once.
    fn look_for(&self, mut words: BTreeSet<String>) {
        words.retain(|it| !self.users.borrow().contains_key(it));
        if words.is_empty() {
            return;
        }
        let mut found = self.world.mentioning(&words);
        let users = words.into_iter().map(|it| (found.remove(&it).unwrap_or_default().into(), it));
        self.users.borrow_mut().extend(users.map(|(files, word)| (word, files)));
    }

    fn is_within(&self, path: &Path) -> bool {
        let within = &self.request.within;
        within.is_empty() || within.iter().any(|folder| path.starts_with(folder))
    }

    fn sow(&mut self) {
        let reads = |it: &Arc<Path>| {
            let facts = self.world.facts(it)?;
            let own = facts
                .reads
                .iter()
                .any(|it| it.key.as_ref().is_some_and(|it| it.as_str() == self.request.key));
            own.then_some(facts)
        };
        let files: Vec<_> = self
            .world
            .files()
            .into_iter()
            .filter(|it| self.is_within(it))
            .filter_map(|it| Some((reads(&it)?, it)))
            .collect();
        let wrappers = Wrappers::new(self.world, &self.request.kept);
        for (facts, path) in files {
            if !self.open(&path) {
                let reason = "the file cannot be read".to_owned();
                self.refusals.push((path, Refusal { range: 0..0, reason }));
                continue;
            }
            let Some(work) = self.files.get_mut(&path) else { continue };
            let mut shared = Vec::new();
            let document = &mut work.document;
            let refused = sow(&wrappers, &path, document, &facts.reads, self.request.key, &mut shared);
            self.shared.extend(shared.into_iter().map(|it| (path.clone(), it)));
            work.is_changed = true;
            if !refused.is_empty() {
                self.files.remove(&path);
                self.refusals.extend(refused.into_iter().map(|it| (path.clone(), it)));
            }
        }
    }

    /// Takes a file into work. Returns whether it could be read.
    fn open(&mut self, path: &Arc<Path>) -> bool {
        if self.files.contains_key(path) {
            return true;
        }
        let Some((language, text)) = self.world.text(path) else { return false };
        let tree = language.parse(&text, None);
        let mut document = Document::new(language, text.to_string(), tree.clone());
        let imports = document.imports();
        document.askers = self.askers_in(path, &document);
        self.files.insert(path.clone(), Work { document, before: text, tree, imports, is_changed: false });
        true
    }

    fn rewrite(&mut self) {
        for work in self.files.values_mut().filter(|it| it.is_changed) {
            rewrite(&mut work.document);
            work.is_changed = false;
        }
    }

    /// Exports that became constant are known where they are imported. Returns whether there was one.
    fn tell_importers(&mut self) -> bool {
        let mut news: Vec<(Arc<Path>, Constant)> = Vec::new();
        for (path, work) in &self.files {
            let constants = constants(&work.document);
            news.extend(constants.into_iter().map(|it| (path.clone(), it)));
        }
        news.retain(|(path, it)| !it.is_settled || !self.is_tested(path, &it.name));
        news.retain(|(path, it)| self.told.insert((path.clone(), it.name.clone())));
        self.look_for(news.iter().map(|(_, it)| it.name.clone()).collect());
        let mut any = false;
        for (path, constant) in news {
            for user in self.users_of(&constant.name).iter().filter(|it| **it != path) {
                any |= self.tell(user, &path, &constant);
            }
        }
        any
    }

    /// Whether a test asks for a name: then it is there for itself, whatever it gives.
    fn is_tested(&self, path: &Arc<Path>, name: &str) -> bool {
        let users = self.users_of(name);
        users.iter().any(|it| it != path && is_test(it) && self.imports_from(it, path, name))
    }

    fn tell(&mut self, user: &Arc<Path>, path: &Arc<Path>, constant: &Constant) -> bool {
        let was_open = self.files.contains_key(user);
        if !self.open(user) {
            return false;
        }
        let imports = self.files[user].document.imports();
        let mut any = false;
        for import in imports.iter() {
            let Some(local) = &import.local else { continue };
            if self.origin(user, import, 0).is_some_and(|it| it == (path.clone(), constant.name.clone())) {
                let given = (constant.known.clone(), constant.is_called);
                if let Some(work) = self.files.get_mut(user) {
                    work.document.given.insert(local.start, given);
                    work.is_changed = true;
                    any = true;
                }
            }
        }
        if !any && !was_open {
            self.files.remove(user);
        }
        any
    }

    /// Looks at a file as it is now, be it under way or not.
    fn with_document<T>(&self, path: &Arc<Path>, look: impl FnOnce(&Document) -> T) -> Option<T> {
        if let Some(work) = self.files.get(path) {
            return Some(look(&work.document));
        }
        let known = self.looked_at.borrow().get(path).cloned();
        let document = match known {
            Some(document) => document,
            None => {
                let (language, text) = self.world.text(path)?;
                let tree = language.parse(&text, None);
                let document = Rc::new(Document::new(language, text.to_string(), tree));
                self.looked_at.borrow_mut().insert(path.clone(), document.clone());
                document
            }
        };
        Some(look(&document))
    }

    fn change(&mut self, path: &Arc<Path>, change: impl Fn(&Document) -> Option<Change>) -> bool {
        let Some(work) = self.files.get_mut(path) else { return false };
        let Some(change) = change(&work.document) else { return false };
        let scopes = work.document.scopes();
        work.is_changed = true;
        work.document.apply(vec![change], &scopes) > 0
    }

    /// The calls that read the flags of a list, when the key is still in one.
    fn still_shared(&self) -> bool {
        !self.shared.is_empty()
            && self.world.files().iter().any(|path| {
                let facts = self.world.facts(path).unwrap_or_default();
                let mut own = facts.definitions.iter().filter(|it| it.key.as_str() == self.request.key);
                own.any(|it| match self.files.get(path) {
                    Some(work) => work.document.moved().now(it.key_span.start.offset as usize).is_some(),
                    None => true,
                })
            })
    }

    fn finish(mut self) -> Removal {
        let mut refusals = std::mem::take(&mut self.refusals);
        if self.still_shared() {
            refusals.append(&mut self.shared);
        }
        let mut removal = Removal { refusals, ..Removal::default() };
        for (path, work) in &self.files {
            let edits = gaps::closed(&work.before, work.document.edits(&work.before));
            match check::unsound(&work.before, &work.tree, &work.document, &edits) {
                Some(refusals) => removal.refusals.extend(refusals.into_iter().map(|it| (path.clone(), it))),
                None if edits.is_empty() => {}
                None => drop(removal.files.insert(path.clone(), FileChange::Edited(edits))),
            }
        }
        removal.refusals = sorted(removal.refusals);
        if !removal.refusals.is_empty() && !self.request.partly {
            removal.files.clear();
        }
        for (path, work) in &self.files {
            let is_edited = removal.files.contains_key(path);
            if is_edited && registry::is_empty(&work.document) && !self.is_imported(path) {
                removal.files.insert(path.clone(), FileChange::Deleted);
            }
        }
        removal.leftovers = self.leftovers(&removal);
        removal
    }

    /// Where the key stands between quotes in what stays: tests, lists, settings; and tests of what went.
    fn leftovers(&self, removal: &Removal) -> Vec<(Arc<Path>, Leftover)> {
        let mut found = Vec::new();
        for user in self.users_of(self.request.key).iter() {
            if removal.files.get(user) == Some(&FileChange::Deleted) {
                continue;
            }
            let edits = match removal.files.get(user) {
                Some(FileChange::Edited(edits)) => &edits[..],
                _ => &[],
            };
            let Some((_, text)) = self.world.text(user) else { continue };
            for at in registry::quoted(&text, self.request.key) {
                if !edits.iter().any(|it| it.range.start <= at.start && at.end <= it.range.end) {
                    found.push((
                        user.clone(),
                        Leftover { range: at, reason: "the key still stands here".into() },
                    ));
                }
            }
        }
        let is_said = |(path, it): &(Arc<Path>, Leftover)| {
            found.iter().any(|(other, key)| other == path && it.range.contains(&key.range.start))
        };
        let mut left = self.stand_ins_left();
        left.retain(|it| !is_said(it));
        let is_same = |(path, it): &(Arc<Path>, Leftover)| {
            left.iter().any(|(other, known)| {
                other == path && known.range.start <= it.range.start && it.range.end <= known.range.end
            })
        };
        let mut gone = self.uses_of_gone();
        gone.retain(|it| !is_said(it) && !is_same(it));
        found.extend(gone);
        found.extend(left);
        found.sort_unstable_by(|a, b| {
            (&a.0, a.1.range.start, a.1.range.end).cmp(&(&b.0, b.1.range.start, b.1.range.end))
        });
        found.dedup();
        found
    }
}

/// By path and place.
fn sorted(mut refusals: Vec<(Arc<Path>, Refusal)>) -> Vec<(Arc<Path>, Refusal)> {
    let place = |it: &(Arc<Path>, Refusal)| (it.0.clone(), it.1.range.start, it.1.range.end);
    refusals.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.1.reason.cmp(&b.1.reason)));
    refusals
}

fn is_import(binding: &Binding) -> bool {
    binding.kind == super::scopes::Kind::Import
}

/// A name of a module whose value is known.
struct Constant {
    name: String,
    known: Known,
    /// It is a function; to call it gives the value.
    is_called: bool,
    /// The value is not the flag's, but all that is left of the function.
    is_settled: bool,
}

/// What a file exports that is constant now.
fn constants(document: &Document) -> Vec<Constant> {
    let scopes = document.scopes();
    let pass = Pass::new(document, &scopes);
    let found = match document.language {
        Language::Python => python::constants(&pass),
        _ => javascript::constants(&pass),
    };
    let constant = |(name, known, is_called): (Range<usize>, Known, bool)| Constant {
        name: document.text[name].to_owned(),
        known,
        is_called,
        is_settled: false,
    };
    let mut found: Vec<Constant> = found.into_iter().map(constant).collect();
    let settled = settled::functions(&pass).into_iter().filter(|it| it.0.scope == 0);
    let settled = settled.map(|(binding, known)| Constant {
        is_settled: true,
        ..constant((binding.name.clone(), known, true))
    });
    found.extend(settled);
    found
}
