//! What still asks a file for a name that the removal took out of it: tests, mostly.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Leftover, Planner, Work};
use crate::removal::document::Document;
use crate::removal::imports::{Import, Name};
use crate::removal::registry;
use crate::removal::stand_ins::{Target, stand_ins};
use crate::syntax::Language;

impl Planner<'_> {
    /// The places of other files that need a name which a file has no more.
    pub(super) fn uses_of_gone(&self) -> Vec<(Arc<Path>, Leftover)> {
        let mut found = Vec::new();
        for (path, work) in &self.files {
            let gone = gone_from(work);
            if gone.is_empty() {
                continue;
            }
            for user in self.importers(path) {
                let uses = self.with_document(&user, |it| self.uses_in(it, &user, path, &gone));
                found.extend(uses.unwrap_or_default().into_iter().filter_map(|(range, name)| {
                    Some((user.clone(), Leftover::gone(self.range_before(&user, &range)?, &name)))
                }));
            }
        }
        found
    }

    fn uses_in(
        &self,
        document: &Document,
        user: &Arc<Path>,
        path: &Arc<Path>,
        gone: &BTreeSet<String>,
    ) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        for it in stand_ins(document) {
            found.extend(
                self.gone_target(document, user, path, &it.target, gone).map(|name| (it.range, name)),
            );
        }
        if document.language == Language::Python {
            for import in document.imports().iter() {
                found.extend(self.asked_of_import(document, user, path, import, gone));
            }
        }
        found
    }

    /// The name that a test puts something in the place of, if it is gone.
    fn gone_target(
        &self,
        document: &Document,
        user: &Arc<Path>,
        path: &Arc<Path>,
        target: &Target,
        gone: &BTreeSet<String>,
    ) -> Option<String> {
        let is_file = |module: &str| self.world.resolve(user, module).as_ref() == Some(path);
        let is_gone = |it: &&String| gone.contains(*it);
        match target {
            Target::Module(module, Some(names)) if is_file(module) => names.iter().find(is_gone).cloned(),
            // `patch("app.views.posthog.feature_enabled")`
            Target::Module(module, Some(_)) => {
                let (module, name) = module.rsplit_once('.')?;
                let name = name.to_owned();
                (is_file(module) && gone.contains(&name)).then_some(name)
            }
            Target::Member(local, name) if gone.contains(name) => {
                let imports = document.imports();
                let mut own = imports
                    .iter()
                    .filter(|it| it.local.clone().is_some_and(|it| document.text[it] == *local));
                own.any(|it| self.whole_file(user, it).as_ref() == Some(path)).then(|| name.clone())
            }
            _ => None,
        }
    }

    /// `from app.fees import _GRACE`, `fees._GRACE`.
    fn asked_of_import(
        &self,
        document: &Document,
        user: &Arc<Path>,
        path: &Arc<Path>,
        import: &Import,
        gone: &BTreeSet<String>,
    ) -> Vec<(Range<usize>, String)> {
        let Some(local) = import.local.clone() else { return Vec::new() };
        if self.whole_file(user, import).as_ref() == Some(path) {
            let asks = |name: &String| {
                let said = format!("{}.{name}", &document.text[local.clone()]);
                let places = registry::names(document, name)
                    .filter(|at| document.text[..at + name.len()].ends_with(&said));
                places.map(|at| (at..at + name.len(), name.clone())).collect::<Vec<_>>()
            };
            return gone.iter().flat_map(asks).collect();
        }
        match &import.name {
            Name::Named(name) if gone.contains(name) => {
                let is_from = self.world.resolve(user, &import.module).as_ref() == Some(path);
                is_from.then(|| (local, name.clone())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The names of a file's top level that the removal took away.
fn gone_from(work: &Work) -> BTreeSet<String> {
    let document = &work.document;
    let (first, now) = (document.first_scopes(&work.before, &work.tree), document.scopes());
    let of_module = |it: &&crate::removal::scopes::Binding| it.scope == 0;
    let mut gone: BTreeSet<String> =
        first.bindings.iter().filter(of_module).map(|it| work.before[it.name.clone()].to_owned()).collect();
    for it in now.bindings.iter().filter(of_module) {
        gone.remove(&document.text[it.name.clone()]);
    }
    gone
}
