//! What held the key and that nothing names any more: entries of registries, fields of what functions return.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{Planner, Work};
use crate::removal::document::Document;
use crate::removal::pass::Pass;
use crate::removal::{javascript, registry};
use crate::syntax::Language;

impl Planner<'_> {
    /// Constants, enum members and entries that held the key and that nothing names any more. Returns whether there was
    /// one.
    pub(super) fn clear_registries(&mut self) -> bool {
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
                if !self.open(&path) || self.is_last_of_type(&path, &definition.key_span.bytes()) {
                    continue;
                }
                any |= self.change(&path, |it| registry::without(it, &definition.key_span.bytes()));
                any |= self.clear_entries_named(&member);
            }
        }
        any
    }

    /// Whether an entry is the last one of what a type that stays is made of: nothing would be of that type.
    fn is_last_of_type(&self, path: &Arc<Path>, key: &Range<usize>) -> bool {
        let Some(emptied) = self.with_document(path, |it| registry::emptied(it, key)).flatten() else {
            return false;
        };
        let users = self.users_of(&emptied.name);
        let is_typed = |user: &Arc<Path>| {
            self.with_document(user, |it| registry::is_typed_by(it, &emptied, user == path))
        };
        is_typed(path) == Some(true)
            || users.iter().any(|user| {
                user != path && self.imports_from(user, path, &emptied.name) && is_typed(user) == Some(true)
            })
    }

    /// Fields of what a function returns that hold the value and that nothing names any more. Returns whether there was
    /// one.
    pub(super) fn clear_fields(&mut self) -> bool {
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
            let is_asked = !self.exports(&path, &field.function) || self.was_imported(&path, &field.function);
            if is_closed && is_asked && self.is_field_unnamed(&path, &field) {
                any |= self.change(&path, |it| javascript::fields::without(it, &field));
                self.clear_declared(&path, &field);
            }
        }
        any
    }

    /// Takes a field out of the type that a function of another file is declared to return.
    fn clear_declared(&mut self, path: &Arc<Path>, field: &javascript::fields::Field) {
        let declared = |it: &Document| javascript::fields::without_declared(it, field);
        for user in self.users_of(&field.name).iter().filter(|it| *it != path) {
            if self.with_document(user, |it| declared(it).is_some()) == Some(true) && self.open(user) {
                self.change(user, declared);
            }
        }
    }

    pub(super) fn is_field_unnamed(&self, path: &Arc<Path>, field: &javascript::fields::Field) -> bool {
        let named = |document: &Document| javascript::fields::n_names(document, field);
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

    /// Entries of the flag in what a page says before PostHog answers. Returns whether there was one.
    pub(super) fn clear_bootstraps(&mut self) -> bool {
        let key = self.request.key;
        let entry = |document: &Document| match document.language {
            Language::Python => None,
            _ => javascript::bootstrap::without_flag(document, key),
        };
        let mut any = false;
        let users = self.users_of(key);
        let users: Vec<_> = users.iter().filter(|it| self.is_within(it)).collect();
        for user in users {
            while self.with_document(user, |it| entry(it).is_some()) == Some(true)
                && self.open(user)
                && self.change(user, entry)
            {
                any = true;
            }
        }
        any
    }

    /// Entries that have a member as their key: `{ [Flag.NEW_NAV]: false }`.
    pub(super) fn clear_entries_named(&mut self, member: &str) -> bool {
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

    /// Whether a member is named anywhere but where it is defined, and as the key of entries.
    pub(super) fn is_mentioned(&self, path: &Arc<Path>, member: &str, definition: &Range<usize>) -> bool {
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
}
