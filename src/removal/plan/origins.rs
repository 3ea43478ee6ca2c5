//! Where imported names come from, through files that pass them on.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::{Planner, is_import};
use crate::removal::askers;
use crate::removal::document::Document;
use crate::removal::imports::{Import, Name, default_export};
use crate::syntax::Language;

impl Planner<'_> {
    /// The file and name that an import is of at last, through files that pass it on.
    pub(super) fn origin(
        &self,
        from: &Arc<Path>,
        import: &Import,
        depth: u32,
    ) -> Option<(Arc<Path>, String)> {
        let Name::Named(name) = &import.name else { return None };
        let path = self.world.resolve(from, &import.module)?;
        self.origin_of_export(&path, name, depth)
    }

    pub(super) fn origin_of_export(
        &self,
        path: &Arc<Path>,
        name: &str,
        depth: u32,
    ) -> Option<(Arc<Path>, String)> {
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

    /// Where a file imports functions that only ask PostHog for all flags. Only names that say so are followed: to
    /// follow an import reads its file.
    pub(super) fn askers_in(&self, path: &Arc<Path>, document: &Document) -> BTreeSet<usize> {
        let imports = document.imports();
        let asks = imports.iter().filter_map(|it| {
            let local = it.local.clone()?;
            document.text[local.clone()].to_lowercase().contains("flag").then_some(())?;
            let (file, name) = self.origin(path, it, 0)?;
            let is_one = self.with_document(&file, |it| askers::declares(it, &name)) == Some(true);
            is_one.then_some(local.start)
        });
        asks.collect()
    }

    pub(super) fn exports(&self, path: &Arc<Path>, name: &str) -> bool {
        self.with_document(path, |document| {
            let scopes = document.scopes();
            scopes.bindings.iter().any(|it| it.scope == 0 && document.text[it.name.clone()] == *name)
        }) == Some(true)
    }

    /// What a file imports now.
    pub(super) fn imports_of(&self, path: &Arc<Path>) -> Rc<[Import]> {
        self.with_document(path, Document::imports).unwrap_or_default()
    }

    /// The file that an import gives as a whole: names may be looked up in it.
    pub(super) fn whole_file(&self, user: &Arc<Path>, import: &Import) -> Option<Arc<Path>> {
        match import.name {
            Name::All => self.world.resolve(user, &import.module),
            Name::Named(_) => self.submodule(user, import),
        }
    }

    pub(super) fn submodule(&self, user: &Arc<Path>, import: &Import) -> Option<Arc<Path>> {
        let Name::Named(name) = &import.name else { return None };
        let dot = if import.module.ends_with('.') { "" } else { "." };
        self.world.resolve(user, &format!("{}{dot}{name}", import.module))
    }

    /// The files that name a file, or its folder.
    pub(super) fn importers(&self, path: &Arc<Path>) -> BTreeSet<Arc<Path>> {
        let word =
            |it: Option<&std::ffi::OsStr>| it.and_then(|it| it.to_str()).unwrap_or_default().to_owned();
        let words = [word(path.file_stem()), word(path.parent().and_then(|it| it.file_name()))];
        self.look_for(words.clone().into());
        words.iter().flat_map(|it| self.users_of(it).to_vec()).filter(|it| it != path).collect()
    }

    pub(super) fn is_imported(&self, path: &Arc<Path>) -> bool {
        self.importers(path).iter().any(|user| {
            let imports = self.imports_of(user);
            imports.iter().any(|it| {
                self.world.resolve(user, &it.module).as_ref() == Some(path)
                    || self.submodule(user, it).as_ref() == Some(path)
            })
        })
    }
}
