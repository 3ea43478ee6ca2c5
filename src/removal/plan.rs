//! Removing a flag from a whole workspace: from file to file until nothing follows any more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use tree_sitter::Tree;

use super::document::{Change, Document};
use super::imports::{Import, Name, default_export};
use super::instances::{Member, Of, asked, known_members, makes, touched_members};
use super::known::{Kept, Known};
use super::pass::Pass;
use super::registry;
use super::scopes::Binding;
use super::world::World;
use super::wrappers::Wrappers;
use super::{Edit, Refusal, check, gaps, javascript, python, rewrite, sow};
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
    /// Where the key still stands though nothing reads the flag: tests, lists, settings to look at.
    pub leftovers: Vec<(Arc<Path>, Range<usize>)>,
}

/// What happens to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Edits of its text, sorted, without overlap.
    Edited(Vec<Edit>),
    /// Nothing is left in it, and nothing imports it.
    Deleted,
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
        users: RefCell::default(),
        looked_at: RefCell::default(),
    };
    planner.sow();
    if !planner.refusals.is_empty() && !request.partly {
        return Removal { refusals: planner.refusals, ..Removal::default() };
    }
    for _ in 0..MOST_ROUNDS {
        planner.note_overridden();
        planner.rewrite();
        let more = planner.tell_importers()
            || planner.tell_instances()
            || planner.close_members()
            || planner.unexport()
            || planner.clear_registries()
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

    fn sow(&mut self) {
        let reads = |it: &Arc<Path>| {
            let facts = self.world.facts(it)?;
            let own = facts
                .reads
                .iter()
                .any(|it| it.key.as_ref().is_some_and(|it| it.as_str() == self.request.key));
            own.then_some(facts)
        };
        let is_within = |it: &Arc<Path>| {
            let within = &self.request.within;
            within.is_empty() || within.iter().any(|folder| it.starts_with(folder))
        };
        let files: Vec<_> = self
            .world
            .files()
            .into_iter()
            .filter(is_within)
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
        let document = Document::new(language, text.to_string(), tree.clone());
        let imports = document.imports();
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

    /// What a member of a class gives is known where it is asked of an instance. Returns whether there was one.
    fn tell_instances(&mut self) -> bool {
        let of_file = |(path, work): (&Arc<Path>, &Work)| {
            let members = known_members(&work.document).into_iter();
            members.map(|it| (path.clone(), it)).collect::<Vec<_>>()
        };
        let mut news: Vec<(Arc<Path>, Member)> = self.files.iter().flat_map(of_file).collect();
        news.retain(|(path, it)| self.told.insert((path.clone(), format!("{}.{}", it.class, it.name))));
        self.look_for(news.iter().flat_map(|(_, it)| [it.name.clone(), it.class.clone()]).collect());
        news.retain(|(path, it)| !self.is_overridden(path, &it.class, &it.name));
        let mut any = false;
        for (path, member) in news {
            for user in self.users_of(&member.name).iter() {
                any |= self.tell_asked(user, &path, &member);
            }
        }
        any
    }

    fn tell_asked(&mut self, user: &Arc<Path>, path: &Arc<Path>, member: &Member) -> bool {
        let class = self.called_here(user, path, &member.class);
        let instances = self.instances_here(user, path, &member.class);
        if class.is_none() && instances.is_empty() {
            return false;
        }
        let of = Of { class: class.as_deref(), instances: &instances };
        let asked = self.with_document(user, |it| asked(it, &of, member)).unwrap_or_default();
        if asked.is_empty() || !self.open(user) {
            return false;
        }
        let Some(work) = self.files.get_mut(user) else { return false };
        let mut any = false;
        for range in asked {
            let told = work.document.marks.insert((range.start, range.end), member.known.clone());
            any |= told.as_ref() != Some(&member.known);
        }
        work.is_changed |= any;
        any
    }

    /// Members that a class of another file gives another value are not followed.
    fn note_overridden(&mut self) {
        let of_file = |(path, work): (&Arc<Path>, &Work)| {
            let members = touched_members(&work.document).into_iter();
            members.map(|it| (path.clone(), it)).collect::<Vec<_>>()
        };
        let changed = self.files.iter().filter(|it| it.1.is_changed);
        let members: Vec<_> = changed.flat_map(of_file).collect();
        self.look_for(members.iter().flat_map(|(_, it)| [it.0.clone(), it.1.clone()]).collect());
        for (path, (class, name, at)) in members {
            if self.is_overridden(&path, &class, &name)
                && let Some(work) = self.files.get_mut(&path)
            {
                work.document.overridden.insert(at);
            }
        }
    }

    /// The name that a file has for a class.
    fn called_here(&self, user: &Arc<Path>, path: &Arc<Path>, class: &str) -> Option<String> {
        if user == path {
            return Some(class.to_owned());
        }
        let imports = self.imports_of(user);
        let import = imports.iter().find(|it| {
            it.local.is_some() && self.origin(user, it, 0).is_some_and(|it| it.0 == *path && it.1 == class)
        })?;
        self.with_document(user, |document| import.local.clone().map(|it| document.text[it].to_owned()))?
    }

    /// The names of imported instances of a class.
    fn instances_here(&self, user: &Arc<Path>, path: &Arc<Path>, class: &str) -> BTreeSet<String> {
        let imports = self.imports_of(user);
        let made = imports.iter().filter_map(|import| {
            let local = import.local.clone()?;
            let (file, name) = self.origin(user, import, 0)?;
            let own = self.called_here(&file, path, class)?;
            let is_one = self.with_document(&file, |it| makes(it, &name, &own)) == Some(true);
            is_one.then(|| self.with_document(user, |it| it.text[local].to_owned())).flatten()
        });
        made.collect()
    }

    /// Whether another class may give a member another value, or somebody assigns to it.
    fn is_overridden(&self, path: &Arc<Path>, class: &str, name: &str) -> bool {
        let users = self.users_of(class);
        let extends = |document: &Document| {
            let text = &document.text;
            let mut names = registry::names(document, class);
            names.any(|at| {
                let before = text[..at].trim_end();
                before.ends_with("extends") || before.ends_with("implements") || {
                    let line = text[..at].rsplit('\n').next().unwrap_or_default().trim_start();
                    document.language == Language::Python && line.starts_with("class ") && line.contains('(')
                }
            }) && text.contains(name)
        };
        let assigns = |document: &Document| {
            registry::names(document, name).any(|at| {
                let after = document.text[at + name.len()..].trim_start();
                document.text[..at].ends_with('.') && after.starts_with('=') && !after.starts_with("==")
            })
        };
        users.iter().any(|it| self.with_document(it, extends) == Some(true))
            || self
                .users_of(name)
                .iter()
                .any(|it| it != path && self.with_document(it, assigns) == Some(true))
    }

    /// Members that lost a use and that nothing else names go like private ones. Returns whether there was one.
    fn close_members(&mut self) -> bool {
        let lost = |(path, work): (&Arc<Path>, &Work)| {
            let document = &work.document;
            let scopes = document.scopes();
            let pass = Pass::new(document, &scopes);
            let members = known_members(document).into_iter();
            let told = |it: &Member| self.told.contains(&(path.clone(), format!("{}.{}", it.class, it.name)));
            members
                .filter(|it| !document.unexported.contains(&it.at))
                .filter(|it| {
                    told(it) && scopes.declared_at(it.at).is_some_and(|it| pass.is_only_declared(it))
                })
                .map(|it| (path.clone(), it))
                .collect::<Vec<_>>()
        };
        let candidates: Vec<_> = self.files.iter().flat_map(lost).collect();
        let mut any = false;
        for (path, member) in candidates {
            let is_public = !self.request.whole && self.world.is_public(&path);
            let names = |document: &Document| registry::names(document, &member.name).next().is_some();
            let users = self.users_of(&member.name);
            let others = || users.iter().filter(|it| **it != path);
            if is_public || others().any(|it| self.with_document(it, names) != Some(false)) {
                continue;
            }
            // It was asked for from elsewhere, or never: then a framework calls it.
            let Some(work) = self.files.get_mut(&path).filter(|_| others().next().is_some()) else {
                continue;
            };
            work.document.unexported.insert(member.at);
            work.document.bereft.insert(member.at);
            work.is_changed = true;
            any = true;
        }
        any
    }

    /// The file and name that an import is of at last, through files that pass it on.
    fn origin(&self, from: &Arc<Path>, import: &Import, depth: u32) -> Option<(Arc<Path>, String)> {
        let Name::Named(name) = &import.name else { return None };
        let path = self.world.resolve(from, &import.module)?;
        self.origin_of_export(&path, name, depth)
    }

    fn origin_of_export(&self, path: &Arc<Path>, name: &str, depth: u32) -> Option<(Arc<Path>, String)> {
        if depth > 8 {
            return None;
        }
        let looked = self.with_document(path, |document| {
            let name = match name {
                "default" => default_export(document).unwrap_or_else(|| name.to_owned()),
                _ => name.to_owned(),
            };
            let scopes = document.scopes();
            let mut own = scopes.bindings.iter().filter(|it| it.scope == 0 && !is_import(it));
            let is_own = own.any(|it| document.text[it.name.clone()] == name);
            (name, is_own, document.language, document.imports())
        });
        let (name, is_own, language, passed) = looked?;
        if is_own {
            return Some((path.clone(), name));
        }
        let mut all = Vec::new();
        for import in passed.iter() {
            let alias = match language {
                // In Python what a module imports can be imported from it.
                Language::Python => import
                    .local
                    .clone()
                    .and_then(|it| self.with_document(path, |document| document.text[it].to_owned())),
                _ => import.passed_on.clone(),
            };
            match alias {
                Some(it) if it == name => return self.origin(path, import, depth + 1),
                Some(it) if it == "*" => all.push(import),
                _ => {}
            }
        }
        for import in all {
            let Some(next) = self.world.resolve(path, &import.module) else { continue };
            if let Some(found) =
                self.origin_of_export(&next, &name, depth + 1).filter(|it| self.exports(&it.0, &it.1))
            {
                return Some(found);
            }
        }
        (name == "default").then(|| (path.clone(), name))
    }

    fn exports(&self, path: &Arc<Path>, name: &str) -> bool {
        self.with_document(path, |document| {
            let scopes = document.scopes();
            scopes.bindings.iter().any(|it| it.scope == 0 && document.text[it.name.clone()] == *name)
        }) == Some(true)
    }

    /// What a file imports now.
    fn imports_of(&self, path: &Arc<Path>) -> Rc<[Import]> {
        self.with_document(path, Document::imports).unwrap_or_default()
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

    /// Exported names that lost a use, and that nothing else imports, are like any other name. Returns whether there
    /// was one.
    fn unexport(&mut self) -> bool {
        let candidates = self.bereft_exports();
        self.look_for(candidates.iter().map(|it| it.1.clone()).collect());
        let mut any = false;
        for (path, name) in candidates {
            let users = self.users_of(&name);
            let others: Vec<&Arc<Path>> = users.iter().filter(|it| **it != path).collect();
            if others.iter().any(|it| self.imports_from(it, &path, &name) || self.says(it, &name)) {
                continue;
            }
            if self.is_looked_up(&path, &name) || !self.was_imported(&path) {
                continue;
            }
            let passed: Vec<_> = others.iter().flat_map(|it| self.passed_on(it, &path, &name)).collect();
            if passed.iter().any(|(barrel, alias)| self.is_imported_as(barrel, alias)) || !self.open(&path) {
                continue;
            }
            for (barrel, alias) in passed {
                self.pass_on_no_more(&barrel, &alias);
            }
            let Some(work) = self.files.get_mut(&path) else { continue };
            let scopes = work.document.scopes();
            let binding = scopes
                .bindings
                .iter()
                .find(|it| it.scope == 0 && work.document.text[it.name.clone()] == *name);
            if let Some(at) =
                binding.map(|it| it.name.start).filter(|it| !work.document.unexported.contains(it))
            {
                work.document.unexported.insert(at);
                work.document.bereft.insert(at);
                work.is_changed = true;
                any = true;
            }
        }
        any
    }

    /// Whether a Python file names something between quotes: settings, `patch("app.flags.is_new")`.
    fn says(&self, user: &Arc<Path>, name: &str) -> bool {
        let is_text = |document: &Document| {
            document.language == Language::Python
                && registry::names(document, name).any(|at| {
                    let node = document.tree.root_node().descendant_for_byte_range(at, at + 1);
                    node.is_some_and(|it| matches!(it.kind(), "string_content" | "string"))
                })
        };
        self.with_document(user, is_text) == Some(true)
    }

    /// Whether a name may be looked up in what a file passes on of another one as a whole: `export * as flags`.
    fn is_looked_up(&self, path: &Arc<Path>, name: &str) -> bool {
        let is_namespace = self.importers(path).iter().any(|user| {
            let imports = self.imports_of(user);
            imports.iter().any(|it| {
                it.name == Name::All
                    && it.passed_on.as_deref() != Some("*")
                    && (it.passed_on.is_some() || it.local.is_some())
                    && self.world.resolve(user, &it.module).as_ref() == Some(path)
            })
        });
        let looks_up = |document: &Document| {
            let mut names = registry::names(document, name);
            names.any(|at| document.text[..at].ends_with('.') || document.text[..at].ends_with(['\'', '"']))
        };
        is_namespace
            && self
                .users_of(name)
                .iter()
                .any(|it| it != path && self.with_document(it, looks_up) == Some(true))
    }

    /// Whether anything imported a file at first: what nobody imports is there for a framework, or for others.
    fn was_imported(&self, path: &Arc<Path>) -> bool {
        self.importers(path).iter().any(|user| {
            let now = self.imports_of(user);
            let first = self.files.get(user).map(|it| it.imports.clone()).unwrap_or_default();
            now.iter().chain(first.iter()).any(|it| {
                self.world.resolve(user, &it.module).as_ref() == Some(path)
                    || self.submodule(user, it).as_ref() == Some(path)
            })
        })
    }

    /// The files that name a file, or its folder.
    fn importers(&self, path: &Arc<Path>) -> BTreeSet<Arc<Path>> {
        let word =
            |it: Option<&std::ffi::OsStr>| it.and_then(|it| it.to_str()).unwrap_or_default().to_owned();
        let words = [word(path.file_stem()), word(path.parent().and_then(|it| it.file_name()))];
        self.look_for(words.clone().into());
        words.iter().flat_map(|it| self.users_of(it).to_vec()).filter(|it| it != path).collect()
    }

    /// Exports that something here used and uses no more: of the files under way, and of those that they imported from.
    fn bereft_exports(&self) -> BTreeSet<(Arc<Path>, String)> {
        let mut found = BTreeSet::new();
        for (path, work) in &self.files {
            let document = &work.document;
            let scopes = document.scopes();
            let pass = Pass::new(document, &scopes);
            for binding in scopes.bindings.iter().filter(|it| it.scope == 0 && !is_import(it)) {
                let lost = pass.lost_a_use(binding)
                    || self.told.contains(&(path.clone(), document.text[binding.name.clone()].to_owned()));
                if lost && !document.unexported.contains(&binding.name.start) {
                    found.insert((path.clone(), document.text[binding.name.clone()].to_owned()));
                }
            }
            let now = document.imports();
            let is_gone =
                |it: &&Import| !now.iter().any(|now| now.module == it.module && now.name == it.name);
            for import in work.imports.iter().filter(is_gone) {
                found.extend(self.origin(path, import, 0));
            }
        }
        found.retain(|(path, name)| {
            (self.request.whole || !self.world.is_public(path)) && !self.keeps_others(path, name)
        });
        found
    }

    /// Whether a name is that of a registry that holds the keys of other flags.
    fn keeps_others(&self, path: &Path, name: &str) -> bool {
        let facts = self.world.facts(path).unwrap_or_default();
        let others = facts.definitions.iter().filter(|it| it.key.as_str() != self.request.key);
        others.into_iter().any(|it| it.name.strip_prefix(name).is_some_and(|it| it.starts_with('.')))
    }

    /// Whether a file imports a name of another one, or may do so.
    fn imports_from(&self, user: &Arc<Path>, path: &Arc<Path>, name: &str) -> bool {
        let Some(imports) = self.with_document(user, Document::imports) else { return true };
        imports.iter().any(|import| match &import.name {
            // Whether somebody takes it from here is asked by itself.
            Name::Named(_) if import.passed_on.is_some() => false,
            Name::Named(_) => {
                self.origin(user, import, 0).is_some_and(|it| it.0 == *path && it.1 == name)
                    // `from package import module` looks names up in it.
                    || self.submodule(user, import).as_ref() == Some(path)
            }
            // `export *` passes on what others may import; they are asked themselves.
            Name::All if import.passed_on.as_deref() == Some("*") => false,
            Name::All => self.world.resolve(user, &import.module).as_ref() == Some(path),
        })
    }

    /// The names by which a file passes a name on: `export { name as alias } from`.
    fn passed_on(&self, barrel: &Arc<Path>, path: &Arc<Path>, name: &str) -> Vec<(Arc<Path>, String)> {
        let imports = self.imports_of(barrel);
        let named = imports.iter().filter(|it| matches!(it.name, Name::Named(_)));
        let passed = named.filter_map(|it| Some((it, it.passed_on.clone()?)));
        let of_it = passed
            .filter(|(it, _)| self.origin(barrel, it, 0).is_some_and(|it| it.0 == *path && it.1 == name));
        of_it.map(|(_, alias)| (barrel.clone(), alias)).collect()
    }

    /// Whether any file takes a name from a file that passes it on.
    fn is_imported_as(&self, barrel: &Arc<Path>, alias: &str) -> bool {
        let is_public = !self.request.whole && self.world.is_public(barrel);
        is_public
            || self.users_of(alias).iter().filter(|it| *it != barrel).any(|user| {
                let imports = self.imports_of(user);
                imports.iter().any(|it| match &it.name {
                    Name::Named(name) if name != alias => false,
                    // Through another barrel it may come from this one.
                    _ if it.passed_on.as_deref() == Some("*") => false,
                    Name::Named(_) => self.world.resolve(user, &it.module).is_some(),
                    Name::All => self.world.resolve(user, &it.module).as_ref() == Some(barrel),
                })
            })
    }

    fn pass_on_no_more(&mut self, barrel: &Arc<Path>, alias: &str) {
        if !self.open(barrel) {
            return;
        }
        self.change(barrel, |it| javascript::without_export(it, alias));
    }

    fn submodule(&self, user: &Arc<Path>, import: &Import) -> Option<Arc<Path>> {
        let Name::Named(name) = &import.name else { return None };
        let dot = if import.module.ends_with('.') { "" } else { "." };
        self.world.resolve(user, &format!("{}{dot}{name}", import.module))
    }

    /// Constants, enum members and entries that held the key and that nothing names any more. Returns whether there was
    /// one.
    fn clear_registries(&mut self) -> bool {
        let mut any = false;
        for path in self.world.files() {
            let Some(facts) = self.world.facts(&path) else { continue };
            let own = facts.definitions.iter().filter(|it| it.key.as_str() == self.request.key);
            for definition in own {
                let member = definition.name.rsplit('.').next().unwrap_or_default().to_owned();
                if !definition.name.contains('.')
                    || self.is_mentioned(&path, &member, &definition.key_span.bytes())
                {
                    continue;
                }
                if !self.open(&path) {
                    continue;
                }
                any |= self.change(&path, |it| registry::without(it, &definition.key_span.bytes()));
                any |= self.clear_entries_named(&member);
            }
        }
        any
    }

    /// Fields of what a function returns that hold the value and that nothing names any more. Returns whether there was
    /// one.
    fn clear_fields(&mut self) -> bool {
        let of_file = |(path, work): (&Arc<Path>, &Work)| {
            let scopes = work.document.scopes();
            let fields = match work.document.language {
                Language::Python => Vec::new(),
                _ => javascript::fields::returned(&Pass::new(&work.document, &scopes)),
            };
            fields.into_iter().map(|it| (path.clone(), it)).collect::<Vec<_>>()
        };
        let found: Vec<_> = self.files.iter().flat_map(of_file).collect();
        let mut any = false;
        for (path, field) in found {
            let is_closed = self.request.whole || !self.world.is_public(&path);
            if is_closed && self.is_field_unnamed(&path, &field) {
                any |= self.change(&path, |it| javascript::fields::without(it, &field));
            }
        }
        any
    }

    fn is_field_unnamed(&self, path: &Arc<Path>, field: &javascript::fields::Field) -> bool {
        let named = |document: &Document| registry::names(document, &field.name).count();
        let own = self.with_document(path, named) == Some(1);
        let users = self.users_of(&field.name);
        let others = users.iter().filter(|it| *it != path);
        let looks_into = |document: &Document| javascript::fields::only_looks_into(document, &field.function);
        own && others.into_iter().all(|it| self.with_document(it, named) == Some(0))
            && self
                .users_of(&field.function)
                .iter()
                .all(|it| self.with_document(it, looks_into) == Some(true))
    }

    fn change(&mut self, path: &Arc<Path>, change: impl Fn(&Document) -> Option<Change>) -> bool {
        let Some(work) = self.files.get_mut(path) else { return false };
        let Some(change) = change(&work.document) else { return false };
        let scopes = work.document.scopes();
        work.is_changed = true;
        work.document.apply(vec![change], &scopes) > 0
    }

    /// Entries that have a member as their key: `{ [Flag.NEW_NAV]: false }`.
    fn clear_entries_named(&mut self, member: &str) -> bool {
        let mut any = false;
        for user in self.users_of(member).iter() {
            while self.with_document(user, |it| registry::without_key(it, member).is_some()) == Some(true)
                && self.open(user)
                && self.change(user, |it| registry::without_key(it, member))
            {
                any = true;
            }
        }
        any
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

    /// Whether a member is named anywhere but where it is defined, and as the key of entries.
    fn is_mentioned(&self, path: &Arc<Path>, member: &str, definition: &Range<usize>) -> bool {
        self.users_of(member).iter().chain([path]).any(|user| {
            let is_other = |document: &Document| {
                let moved = document.moved();
                let own = (user == path).then(|| moved.now(definition.start)).flatten();
                registry::names(document, member)
                    .filter(|at| registry::entry_of_key(document, *at).is_none())
                    .any(|at| own.is_none_or(|it| !registry::is_of(document, at, it)))
            };
            self.with_document(user, is_other) == Some(true)
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

    fn is_imported(&self, path: &Arc<Path>) -> bool {
        self.importers(path).iter().any(|user| {
            let imports = self.imports_of(user);
            imports.iter().any(|it| {
                self.world.resolve(user, &it.module).as_ref() == Some(path)
                    || self.submodule(user, it).as_ref() == Some(path)
            })
        })
    }

    /// Where the key stands between quotes in what stays.
    fn leftovers(&self, removal: &Removal) -> Vec<(Arc<Path>, Range<usize>)> {
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
                    found.push((user.clone(), at));
                }
            }
        }
        found
    }
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
    };
    found.into_iter().map(constant).collect()
}
