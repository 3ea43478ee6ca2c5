//! Exported names that nothing in the workspace uses any more.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{Planner, is_import};
use crate::removal::document::Document;
use crate::removal::imports::{Import, Name};
use crate::removal::pass::Pass;
use crate::removal::stand_ins::{Target, stand_ins};
use crate::removal::{javascript, registry};
use crate::syntax::Language;

impl Planner<'_> {
    /// Exported names that lost a use, and that nothing else imports, are like any other name. Returns whether there
    /// was one.
    pub(super) fn unexport(&mut self) -> bool {
        let candidates = self.bereft_exports();
        self.look_for(candidates.iter().map(|it| it.1.clone()).collect());
        let mut any = false;
        for (path, name) in candidates {
            let users = self.users_of(&name);
            let others: Vec<&Arc<Path>> = users.iter().filter(|it| **it != path).collect();
            if others.iter().any(|it| self.imports_from(it, &path, &name) || self.says(it, &name)) {
                continue;
            }
            if self.is_looked_up(&path, &name) || !self.was_imported(&path, &name) {
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
    pub(super) fn says(&self, user: &Arc<Path>, name: &str) -> bool {
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
    pub(super) fn is_looked_up(&self, path: &Arc<Path>, name: &str) -> bool {
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

    /// Whether anything used a name of a file at first: by an import of it or of the file as a whole, or in the file,
    /// which somebody imports. What nobody uses is there for a framework, or for others.
    pub(super) fn was_imported(&self, path: &Arc<Path>, name: &str) -> bool {
        let is_own = self.lost_own_use(path, name);
        self.may_use(path, name).iter().any(|user| {
            let now = self.imports_of(user);
            let first = self.files.get(user).map(|it| it.imports.clone()).unwrap_or_default();
            now.iter().chain(first.iter()).any(|it| match it.name {
                // Who passes it on does not use it.
                _ if it.passed_on.is_some() => false,
                Name::Named(_) => {
                    let of_it = self.origin(user, it, 0).is_some_and(|it| it.0 == *path && it.1 == name);
                    let is_module = || self.submodule(user, it).as_ref() == Some(path);
                    let of_file = || self.world.resolve(user, &it.module).as_ref() == Some(path);
                    of_it || is_module() || (is_own && of_file())
                }
                Name::All => self.world.resolve(user, &it.module).as_ref() == Some(path),
            })
        })
    }

    fn lost_own_use(&self, path: &Arc<Path>, name: &str) -> bool {
        self.with_document(path, |document| {
            let scopes = document.scopes();
            let pass = Pass::new(document, &scopes);
            let mut own = scopes.bindings.iter().filter(|it| it.scope == 0);
            own.any(|it| document.text[it.name.clone()] == *name && pass.lost_a_use(it))
        }) == Some(true)
    }

    /// Exports that something here used and uses no more: of the files under way, and of those that they imported from.
    pub(super) fn bereft_exports(&self) -> BTreeSet<(Arc<Path>, String)> {
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
                found.extend(self.loaded_no_more(path, import));
            }
        }
        found.retain(|(path, name)| {
            (self.request.whole || !self.world.is_public(path)) && !self.keeps_others(path, name)
        });
        found
    }

    /// `lazy(() => import('./Map'))` that went: all that the file declares, when nothing else imports it.
    fn loaded_no_more(&self, user: &Arc<Path>, import: &Import) -> Vec<(Arc<Path>, String)> {
        let is_loaded = import.name == Name::All && import.local.is_none() && import.passed_on.is_none();
        let file = is_loaded.then(|| self.world.resolve(user, &import.module)).flatten();
        let Some(file) = file.filter(|it| !self.is_imported(it)) else { return Vec::new() };
        let declared = |document: &Document| {
            let scopes = document.scopes();
            let own = scopes.bindings.iter().filter(|it| it.scope == 0 && !is_import(it));
            own.map(|it| (file.clone(), document.text[it.name.clone()].to_owned())).collect()
        };
        self.with_document(&file, declared).unwrap_or_default()
    }

    /// Whether a name is that of a registry that holds the keys of other flags.
    pub(super) fn keeps_others(&self, path: &Path, name: &str) -> bool {
        let facts = self.world.facts(path).unwrap_or_default();
        let others = facts.definitions.iter().filter(|it| it.key.as_str() != self.request.key);
        others.into_iter().any(|it| it.name.strip_prefix(name).is_some_and(|it| it.starts_with('.')))
    }

    /// Whether a file imports a name of another one, or may do so.
    pub(super) fn imports_from(&self, user: &Arc<Path>, path: &Arc<Path>, name: &str) -> bool {
        let Some(imports) = self.with_document(user, Document::imports) else { return true };
        imports.iter().any(|import| match &import.name {
            // Whether somebody takes it from here is asked by itself.
            Name::Named(_) if import.passed_on.is_some() => false,
            Name::Named(_) => {
                self.origin(user, import, 0).is_some_and(|it| it.0 == *path && it.1 == name)
                    // `from package import module` looks names up in it.
                    || (self.submodule(user, import).as_ref() == Some(path) && self.may_look_up(user, import, name))
            }
            // `export *` passes on what others may import; they are asked themselves.
            Name::All if import.passed_on.as_deref() == Some("*") => false,
            Name::All => {
                self.world.resolve(user, &import.module).as_ref() == Some(path)
                    && self.may_look_up(user, import, name)
            }
        })
    }

    /// Whether a file may look a name up in a module that it imports as a whole.
    fn may_look_up(&self, user: &Arc<Path>, import: &Import, name: &str) -> bool {
        let looks_up = |document: &Document| {
            let mocks = stand_ins(document);
            let Some(local) = &import.local else {
                let made = mocks.iter().find_map(|it| match &it.target {
                    Target::Module(module, Some(names)) if *module == import.module => Some(names),
                    _ => None,
                });
                return made.is_none_or(|it| it.iter().any(|it| it == name));
            };
            let scopes = document.scopes();
            let Some(binding) = scopes.declared_at(local.start) else { return true };
            registry::names(document, name).next().is_some()
                || binding.reads.iter().any(|it| {
                    let node =
                        document.tree.root_node().descendant_for_byte_range(it.range.start, it.range.end);
                    let parent = node.and_then(|it| it.parent()).map(|it| it.kind());
                    let is_asked = matches!(parent, Some("member_expression" | "attribute" | "type_query"));
                    !is_asked && !mocks.iter().any(|mock| mock.range.contains(&it.range.start))
                })
        };
        self.with_document(user, looks_up) != Some(false)
    }

    /// The names by which a file passes a name on: `export { name as alias } from`.
    pub(super) fn passed_on(
        &self,
        barrel: &Arc<Path>,
        path: &Arc<Path>,
        name: &str,
    ) -> Vec<(Arc<Path>, String)> {
        let imports = self.imports_of(barrel);
        let named = imports.iter().filter(|it| matches!(it.name, Name::Named(_)));
        let passed = named.filter_map(|it| Some((it, it.passed_on.clone()?)));
        let of_it = passed
            .filter(|(it, _)| self.origin(barrel, it, 0).is_some_and(|it| it.0 == *path && it.1 == name));
        of_it.map(|(_, alias)| (barrel.clone(), alias)).collect()
    }

    /// Whether any file takes a name from a file that passes it on.
    pub(super) fn is_imported_as(&self, barrel: &Arc<Path>, alias: &str) -> bool {
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

    pub(super) fn pass_on_no_more(&mut self, barrel: &Arc<Path>, alias: &str) {
        if !self.open(barrel) {
            return;
        }
        self.change(barrel, |it| javascript::without_export(it, alias));
    }
}
