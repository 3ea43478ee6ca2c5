//! The files whose names are followed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memchr::memmem;
use rustc_hash::FxHashSet;
use ustr::UstrSet;

use super::edit::{Address, EXPORTING, Edit, FILLING, calls_of, deriving};
use super::value::{At, BindingAt, FileId};
use crate::syntax::ir::{
    Assigned, BindingId, CallId, Chunk, Export, ExprId, FunctionId, Module, Placed, ScopeId, ScopeKind,
    Symbol, Target, TypeId,
};
use crate::syntax::{Language, Names};

/// Finds the file that an import names.
pub trait Resolve {
    /// The file that `specifier` names in an import of `from`.
    fn resolve(&self, from: &Arc<Path>, language: Language, specifier: Symbol) -> Found;

    /// Whether imports may name other files once this one changed.
    fn depends_on(&self, path: &Path) -> bool;

    /// Source files of installed packages whose functions may ask PostHog.
    fn files_that_may_ask(&self) -> Vec<PathBuf>;

    /// What imports call the package last whose entry a file is.
    fn package_of(&self, path: &Path) -> Option<Symbol>;
}

/// What an import names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This file.
    File(Arc<Path>),
    /// A package that is not here.
    Package,
    /// It should be here and is not.
    Missing,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub path: Arc<Path>,
    pub module: Arc<Module>,
    pub names: Arc<Names>,
    speaks_of_posthog: OnceLock<bool>,
}

impl File {
    pub fn new(path: Arc<Path>, module: Arc<Module>, names: Arc<Names>) -> File {
        File { path, module, names, speaks_of_posthog: OnceLock::new() }
    }

    /// Whether it speaks of PostHog anywhere.
    pub fn speaks_of_posthog(&self) -> bool {
        *self.speaks_of_posthog.get_or_init(|| {
            let text = self.module.text.as_str().as_bytes();
            ["posthog", "PostHog", "Posthog", "POSTHOG"]
                .iter()
                .any(|it| memmem::find(text, it.as_bytes()).is_some())
        })
    }
}

/// The files whose names are followed; the others say nothing about flags, or were not asked so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    files: Vec<Option<File>>,
    by_path: HashMap<Arc<Path>, FileId>,
    /// Which files call something of a name.
    callers: imbl::HashMap<Symbol, BTreeSet<FileId>>,
}

impl Program {
    /// Adds a file, or replaces what is known of it.
    pub fn set(&mut self, file: File, change: &mut Change) -> (FileId, Edit) {
        let id = match self.by_path.get(&file.path) {
            Some(id) => *id,
            None => {
                let id = FileId(self.files.len() as u32);
                self.by_path.insert(file.path.clone(), id);
                self.files.push(None);
                id
            }
        };
        let before = self.files[id.0 as usize].take();
        let old = before.as_ref().map_or(&[][..], |it| &it.module.chunks);
        let edit = Edit::of(old, &file.module.chunks);
        self.update_callers(id, &edit, &file.module.chunks);
        if before.is_none() {
            change.paths.insert(file.path.clone());
        }
        change.calls.extend(edit.called_anew().chain(edit.called_no_more()));
        change.files.insert(id);
        self.files[id.0 as usize] = Some(file);
        (id, edit)
    }

    fn update_callers(&mut self, file: FileId, edit: &Edit, chunks: &[Placed]) {
        for name in edit.called_anew() {
            self.callers.entry(*name).or_default().insert(file);
        }
        let mut gone = edit.called_no_more().peekable();
        if gone.peek().is_none() {
            return;
        }
        let still = calls_of(chunks);
        for name in gone.filter(|it| !still.contains(*it)) {
            if let Some(files) = self.callers.get_mut(name) {
                files.remove(&file);
                if files.is_empty() {
                    self.callers.remove(name);
                }
            }
        }
    }

    /// The files that call something of this name, in the order of their paths.
    pub fn files_that_call(&self, name: Symbol) -> Vec<FileId> {
        self.in_order(self.callers.get(&name))
    }

    fn in_order(&self, files: Option<&BTreeSet<FileId>>) -> Vec<FileId> {
        let mut all: Vec<FileId> = files.into_iter().flatten().copied().collect();
        all.sort_by_key(|it| &self.file(*it).path);
        all
    }

    /// The number of a file.
    pub fn id(&self, path: &Path) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &Arc<Path>> {
        self.by_path.keys()
    }

    /// All files in the order of their paths, so that nothing depends on the order in which they came.
    pub fn ids(&self) -> Vec<FileId> {
        let mut all: Vec<(&Arc<Path>, FileId)> = self.by_path.iter().map(|it| (it.0, *it.1)).collect();
        all.sort();
        all.into_iter().map(|it| it.1).collect()
    }

    /// A file. Numbers that this program gave stay right until the file is removed.
    pub fn file(&self, id: FileId) -> &File {
        self.files[id.0 as usize].as_ref().unwrap_or_else(|| unreachable!("numbers come from this program"))
    }
}

/// A program as one file's names are followed through it. It takes note of what the answers depend on.
#[derive(Debug)]
pub(crate) struct View<'p> {
    program: &'p Program,
    last: Cell<Option<FileId>>,
    uses: RefCell<Uses>,
    /// Chunks and names are taken note of, too.
    is_close: bool,
}

/// What facts depend on. Chunks and names are noted only of a single chunk's facts: a file's depend on whole files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    files: FxHashSet<FileId>,
    /// Files that are there or may come, and are not part of the program.
    paths: FxHashSet<Arc<Path>>,
    /// Names whose callers were looked for.
    callers: UstrSet,
    /// Names of methods of receivers that nobody knows.
    methods: UstrSet,
    /// Chunks that were looked at.
    chunks: FxHashSet<Address>,
    /// Names that were looked up at the top level of a module.
    names: UstrSet,
}

/// What changed in a program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    files: FxHashSet<FileId>,
    paths: FxHashSet<Arc<Path>>,
    calls: UstrSet,
}

impl Change {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether nothing but this file changed.
    pub fn is_only_of(&self, file: FileId) -> bool {
        self.paths.is_empty() && self.files.iter().all(|it| *it == file)
    }

    /// Whether a file itself changed, or what its facts depend on.
    pub fn concerns(&self, file: FileId, uses: &Uses) -> bool {
        self.files.contains(&file)
            || !self.files.is_disjoint(&uses.files)
            || !self.paths.is_disjoint(&uses.paths)
            || self.calls.iter().any(|it| uses.callers.contains(it))
    }
}

impl Uses {
    /// Whether an edit changed what the facts of a chunk depend on.
    pub fn has_changed(&self, edit: &Edit) -> bool {
        !edit.gone.is_disjoint(&self.chunks)
            || !edit.names.is_disjoint(&self.names)
            // What is called no longer was looked at.
            || edit.called_anew().any(|it| self.callers.contains(it))
    }

    /// Names of methods of which it matters whether they all ask for what their caller names.
    pub fn methods(&self) -> &UstrSet {
        &self.methods
    }

    /// Whether this file was looked at.
    pub fn has(&self, file: FileId) -> bool {
        self.files.contains(&file)
    }
}

impl<'p> View<'p> {
    pub fn new(program: &'p Program) -> View<'p> {
        View { program, last: Cell::new(None), uses: RefCell::default(), is_close: false }
    }

    /// Takes note of chunks and names, too.
    pub fn closely(program: &'p Program) -> View<'p> {
        View { is_close: true, ..View::new(program) }
    }

    fn use_name(&self, name: Symbol) {
        if self.is_close {
            self.uses.borrow_mut().names.insert(name);
        }
    }

    /// What was asked for so far.
    pub fn uses(self) -> Uses {
        self.uses.into_inner()
    }

    /// The number of a file.
    pub fn id(&self, path: &Arc<Path>) -> Option<FileId> {
        let id = self.program.id(path);
        if id.is_none() {
            self.uses.borrow_mut().paths.insert(path.clone());
        }
        id
    }

    /// The files that call something of this name, in the order of their paths.
    pub fn files_that_call(&self, name: Symbol) -> Vec<FileId> {
        self.uses.borrow_mut().callers.insert(name);
        self.program.files_that_call(name)
    }

    /// Takes note that it matters what all methods of this name do.
    pub fn use_method(&self, name: Symbol) {
        self.uses.borrow_mut().methods.insert(name);
    }

    /// The files with a class that is derived from one of this name.
    pub fn files_that_derive(&self, base: Symbol) -> Vec<FileId> {
        self.files_that_call(deriving(base))
    }

    /// A file.
    pub fn file(&self, id: FileId) -> &'p File {
        if self.last.replace(Some(id)) != Some(id) {
            self.uses.borrow_mut().files.insert(id);
        }
        self.program.file(id)
    }

    /// A file's module.
    pub fn module(&self, id: FileId) -> &'p Module {
        &self.file(id).module
    }

    /// The chunk that something belongs to.
    pub fn chunk<T>(&self, at: &At<T>) -> &'p Chunk {
        let chunk = &*self.module(at.file).chunks[at.chunk as usize].chunk;
        if self.is_close {
            self.uses.borrow_mut().chunks.insert(Address::of(chunk));
        }
        chunk
    }

    /// The calls of something of this name in a file.
    pub fn calls_of(&self, file: FileId, name: Symbol) -> impl Iterator<Item = At<CallId>> + use<'p> {
        self.uses.borrow_mut().callers.insert(name);
        self.module(file).chunks.iter().enumerate().flat_map(move |(chunk, placed)| {
            let named = placed.chunk.call_names.iter().enumerate().filter(move |it| *it.1 == Some(name));
            named.map(move |(id, _)| At { file, chunk: chunk as u32, id: CallId(id as u32) })
        })
    }

    /// What a file puts into objects by `object[index] = value`: the object and the value.
    pub fn filled(&self, file: FileId) -> impl Iterator<Item = (At<ExprId>, ExprId)> + use<'p> {
        self.uses.borrow_mut().callers.insert(Symbol::from(FILLING));
        self.module(file).chunks.iter().enumerate().flat_map(move |(chunk, placed)| {
            placed.chunk.assignments.iter().filter_map(move |it| match it.target {
                Target::Element(filled) => Some((At { file, chunk: chunk as u32, id: filled }, it.value)),
                _ => None,
            })
        })
    }

    /// What a file assigns to names like this one.
    pub fn assigned(&self, file: FileId, name: Symbol) -> &'p [Assigned<ScopeId>] {
        self.use_name(name);
        self.module(file).assigned(name)
    }

    /// What a file assigns to members of this name.
    pub fn assigned_to_member(&self, file: FileId, name: Symbol) -> &'p [Assigned<ExprId>] {
        self.use_name(name);
        self.module(file).assigned_to_member(name)
    }

    /// The bindings of a name at the top level of a file, with their chunks.
    pub fn declared(&self, file: FileId, name: Symbol) -> &'p [(u32, BindingId)] {
        self.use_name(name);
        self.module(file).declared(name)
    }

    /// What a file gives to others, looked through for some names.
    pub fn exports(&self, file: FileId, names: &[Symbol]) -> impl Iterator<Item = At<&'p Export>> + use<'p> {
        if self.is_close {
            let exporting = Symbol::from(EXPORTING);
            self.uses.borrow_mut().names.extend(names.iter().chain([&exporting]));
        }
        self.module(file).chunks.iter().enumerate().flat_map(move |(chunk, placed)| {
            placed.chunk.exports.iter().map(move |it| At { file, chunk: chunk as u32, id: it })
        })
    }

    /// The scope round a scope, perhaps in the chunk of the function whose body this one is.
    pub fn outward(&self, at: At<ScopeId>) -> Option<At<ScopeId>> {
        if let Some(parent) = self.chunk(&at).scopes[at.id.at()].parent {
            return Some(at.with(parent));
        }
        let (chunk, function) = self.module(at.file).chunks[at.chunk as usize].parent?;
        let outer = At { file: at.file, chunk, id: function };
        Some(outer.with(self.chunk(&outer).functions[function.at()].scope))
    }

    /// What a name means in a scope: every binding of it in the innermost scope that has any.
    pub fn lookup(&self, name: Symbol, from: At<ScopeId>) -> smallvec::SmallVec<[BindingAt; 2]> {
        let is_python = self.module(from.file).language == Language::Python;
        let mut found = smallvec::SmallVec::new();
        let mut at = Some(from);
        while let Some(scope) = at {
            let it = &self.chunk(&scope).scopes[scope.id.at()];
            let hidden = is_python && scope != from && matches!(it.kind, ScopeKind::Class(_));
            if it.kind == ScopeKind::Module {
                let declared = self.declared(from.file, name);
                found.extend(declared.iter().map(|(chunk, id)| At {
                    file: from.file,
                    chunk: *chunk,
                    id: *id,
                }));
                return found;
            }
            if !hidden && let Some((_, id)) = it.names.iter().find(|it| it.0 == name) {
                found.push(scope.with(*id));
                // A parameter of Python that is assigned in a long body is one name in two chunks.
                if it.kind != ScopeKind::Body || !is_python {
                    return found;
                }
            } else if !found.is_empty() {
                return found;
            }
            at = self.outward(scope);
            if !found.is_empty() && !at.is_some_and(|it| self.is_function(it)) {
                return found;
            }
        }
        found
    }

    fn is_function(&self, at: At<ScopeId>) -> bool {
        matches!(self.chunk(&at).scopes[at.id.at()].kind, ScopeKind::Function(_))
    }

    /// The alias or interface that a name means in a scope.
    pub fn lookup_type(&self, name: Symbol, from: At<ScopeId>) -> Option<At<TypeId>> {
        let mut at = Some(from);
        while let Some(scope) = at {
            let it = &self.chunk(&scope).scopes[scope.id.at()];
            if it.kind == ScopeKind::Module {
                return self.type_of_module(from.file, name);
            }
            if let Some((_, id)) = it.types.iter().find(|it| it.0 == name) {
                return Some(scope.with(*id));
            }
            at = self.outward(scope);
        }
        None
    }

    /// The alias or interface of this name at the top level of a file.
    pub fn type_of_module(&self, file: FileId, name: Symbol) -> Option<At<TypeId>> {
        self.use_name(name);
        let (chunk, id) = self.module(file).declared_type(name)?;
        Some(At { file, chunk, id })
    }

    /// The functions round a scope, from the innermost.
    pub fn functions_around(&self, from: At<ScopeId>) -> impl Iterator<Item = At<FunctionId>> {
        std::iter::successors(Some(from), |it| self.outward(*it)).filter_map(|it| {
            match self.chunk(&it).scopes[it.id.at()].kind {
                ScopeKind::Function(function) => Some(it.with(function)),
                _ => None,
            }
        })
    }
}
