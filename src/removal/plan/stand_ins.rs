//! Tests that put something in the place of what a removal takes away.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Leftover, Planner};
use crate::removal::document::Document;
use crate::removal::imports::{Import, Name};
use crate::removal::registry;
use crate::removal::stand_ins::{StandIn, Target, stand_ins, without};
use crate::syntax::{Language, Read};

/// An exported name, by its file.
type Export = (Arc<Path>, String);

impl Planner<'_> {
    /// Mocks of what is only the flag's value go when nothing but mocks names it. Returns whether there was one.
    pub(super) fn clear_stand_ins(&mut self) -> bool {
        let mut candidates = self.bereft_exports();
        candidates.retain(|it| self.told.contains(it));
        let mut any = false;
        for export in candidates {
            let found = self.stand_ins_for(&export);
            let is_certain = !found.is_empty()
                && found.iter().all(|(_, it)| it.is_statement)
                && self
                    .may_use(&export.0, &export.1)
                    .iter()
                    .all(|it| !self.uses_besides(it, &export, &found));
            if !is_certain {
                continue;
            }
            for (user, _) in found {
                any |= self.clear_one(&user, &export);
            }
        }
        any
    }

    /// Takes out one mock.
    fn clear_one(&mut self, user: &Arc<Path>, export: &Export) -> bool {
        let last = self.with_document(user, |it| self.stand_ins_in(it, user, export).pop());
        let Some(last) = last.flatten().filter(|_| self.open(user)) else { return false };
        let range = self.range_before(user, &last.range);
        let name = self.handed_out_as(export);
        let is_gone = self.change(user, |it| without(it, last.range.start, &name));
        if let Some(range) = range.filter(|_| is_gone) {
            self.cleared.push((user.clone(), Leftover::stand_in(range, &export.1)));
        }
        is_gone
    }

    /// The name by which a file hands out what it declares.
    fn handed_out_as(&self, (path, name): &Export) -> String {
        let default = self.with_document(path, crate::removal::imports::default_export).flatten();
        if default.as_ref() == Some(name) { "default".into() } else { name.clone() }
    }

    /// The files that may use or mock a name.
    pub(super) fn may_use(&self, path: &Arc<Path>, name: &str) -> BTreeSet<Arc<Path>> {
        let mut users = self.importers(path);
        users.extend(self.users_of(name).iter().filter(|it| *it != path).cloned());
        users
    }

    fn stand_ins_for(&self, export: &Export) -> Vec<(Arc<Path>, StandIn)> {
        let of_file = |user: &Arc<Path>| {
            let found = self.with_document(user, |it| self.stand_ins_in(it, user, export));
            found.unwrap_or_default().into_iter().map(|it| (user.clone(), it)).collect::<Vec<_>>()
        };
        self.may_use(&export.0, &export.1).iter().flat_map(of_file).collect()
    }

    fn stand_ins_in(&self, document: &Document, user: &Arc<Path>, export: &Export) -> Vec<StandIn> {
        stand_ins(document)
            .into_iter()
            .filter(|it| self.stands_for(document, user, &it.target, export))
            .collect()
    }

    fn stands_for(&self, document: &Document, user: &Arc<Path>, target: &Target, export: &Export) -> bool {
        let imports = document.imports();
        let is_named =
            |it: &Import, local: &str| it.local.clone().is_some_and(|it| document.text[it] == *local);
        match target {
            Target::Module(module, Some(names)) => {
                let file = self.world.resolve(user, module);
                file.is_some_and(|file| {
                    names.iter().any(|it| self.origin_at_first(&file, it).as_ref() == Some(export))
                })
            }
            // Of what is made for the whole module, only what a module of one name gives is sure.
            Target::Module(module, None) => {
                self.world.resolve(user, module).as_ref() == Some(&export.0) && self.is_all_of(export)
            }
            Target::Local(local) => imports
                .iter()
                .any(|it| is_named(it, local) && self.origin(user, it, 0).as_ref() == Some(export)),
            Target::Member(local, name) => imports.iter().filter(|it| is_named(it, local)).any(|it| {
                let file = self.whole_file(user, it);
                file.and_then(|it| self.origin_of_export(&it, name, 0)).as_ref() == Some(export)
            }),
        }
    }

    /// Where a name of a file is from, or was before the removal took the import away.
    fn origin_at_first(&self, file: &Arc<Path>, name: &str) -> Option<Export> {
        let imported = || {
            let work = self.files.get(file)?;
            let is_it = |it: &&Import| it.local.clone().is_some_and(|it| work.before[it] == *name);
            self.origin(file, work.imports.iter().find(is_it)?, 0)
        };
        self.origin_of_export(file, name, 0).or_else(imported)
    }

    /// Whether a file declares nothing but this name.
    fn is_all_of(&self, (path, name): &Export) -> bool {
        self.with_document(path, |document| {
            let scopes = document.scopes();
            let mut own = scopes.bindings.iter().filter(|it| it.scope == 0 && !super::is_import(it));
            own.all(|it| document.text[it.name.clone()] == *name)
        }) == Some(true)
    }

    /// Whether a file uses a name elsewhere than in what stands in for it.
    fn uses_besides(&self, user: &Arc<Path>, export: &Export, found: &[(Arc<Path>, StandIn)]) -> bool {
        let (path, name) = export;
        let is_own = |at: usize| found.iter().any(|it| it.0 == *user && it.1.range.contains(&at));
        let imports = self.imports_of(user);
        let of_it: Vec<&Import> = imports
            .iter()
            .filter(|it| {
                self.origin(user, it, 0).as_ref() == Some(export)
                    || self.whole_file(user, it).as_ref() == Some(path)
            })
            .collect();
        let is_used = |document: &Document| {
            let is_renamed = of_it.iter().any(|it| {
                matches!(it.name, Name::Named(_))
                    && self.submodule(user, it).is_none()
                    && it.local.clone().is_some_and(|it| document.text[it] != *name)
            });
            let elsewhere = |at: &usize| !is_own(*at) && !is_in_import(document, *at);
            is_renamed
                || registry::names(document, name).filter(elsewhere).any(|at| {
                    !of_it.is_empty() || (document.language == Language::Python && is_text(document, at))
                })
        };
        self.with_document(user, is_used) != Some(false)
    }

    /// What tests put in the place of names that went, or say that PostHog gives where they import what was cleaned:
    /// they may be about the side that went.
    pub(super) fn stand_ins_left(&self) -> Vec<(Arc<Path>, Leftover)> {
        let mut found = self.cleared.clone();
        for export in self.told.iter().filter(|it| !it.1.contains('.')) {
            let left = self.stand_ins_for(export).into_iter();
            found.extend(left.filter_map(|(user, it)| {
                let range = self.range_before(&user, &it.range)?;
                Some((user, Leftover::stand_in(range, &export.1)))
            }));
        }
        for (path, work) in &self.files {
            if work.document.edits(&work.before).is_empty() {
                continue;
            }
            let facts = self.world.facts(path).unwrap_or_default();
            let is_own = |it: &&Read| it.key.as_ref().is_some_and(|it| it.as_str() == self.request.key);
            let methods: BTreeSet<&str> = facts.reads.iter().filter(is_own).map(|it| &*it.method).collect();
            if !methods.is_empty() {
                found.extend(self.importers(path).iter().flat_map(|user| self.mocks_in(user, &methods)));
            }
        }
        found
    }

    fn mocks_in(&self, user: &Arc<Path>, methods: &BTreeSet<&str>) -> Vec<(Arc<Path>, Leftover)> {
        let in_document = |document: &Document| {
            let mocks = stand_ins(document).into_iter().filter_map(|it| {
                let text = &document.text[it.range.clone()];
                let method = methods.iter().find(|method| text.contains(**method))?;
                let range = self.range_before(user, &it.range)?;
                Some((user.clone(), Leftover::mock(range, method)))
            });
            mocks.collect()
        };
        self.with_document(user, in_document).unwrap_or_default()
    }

    /// Where a range of a file as it is now was at first.
    pub(super) fn range_before(&self, path: &Arc<Path>, range: &Range<usize>) -> Option<Range<usize>> {
        let Some(work) = self.files.get(path) else { return Some(range.clone()) };
        let moved = work.document.moved();
        Some(moved.before(range.start)?..moved.before(range.end - 1)? + 1)
    }
}

fn is_in_import(document: &Document, at: usize) -> bool {
    let mut node = document.tree.root_node().descendant_for_byte_range(at, at + 1);
    while let Some(it) = node {
        if it.kind().starts_with("import_") && it.kind().ends_with("statement") {
            return true;
        }
        node = it.parent();
    }
    false
}

fn is_text(document: &Document, at: usize) -> bool {
    let node = document.tree.root_node().descendant_for_byte_range(at, at + 1);
    node.is_some_and(|it| matches!(it.kind(), "string_content" | "string"))
}
