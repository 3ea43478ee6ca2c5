//! Members of classes: what they give is known wherever an instance is asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::{Planner, Work};
use crate::removal::document::Document;
use crate::removal::instances::{Member, Of, asked, known_members, makes, touched_members};
use crate::removal::pass::Pass;
use crate::removal::{python, registry};
use crate::syntax::Language;

impl Planner<'_> {
    /// What a member of a class gives is known where it is asked of an instance. Returns whether there was one.
    pub(super) fn tell_instances(&mut self) -> bool {
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

    pub(super) fn tell_asked(&mut self, user: &Arc<Path>, path: &Arc<Path>, member: &Member) -> bool {
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
    pub(super) fn note_overridden(&mut self) {
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
    pub(super) fn called_here(&self, user: &Arc<Path>, path: &Arc<Path>, class: &str) -> Option<String> {
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
    pub(super) fn instances_here(&self, user: &Arc<Path>, path: &Arc<Path>, class: &str) -> BTreeSet<String> {
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
    pub(super) fn is_overridden(&self, path: &Arc<Path>, class: &str, name: &str) -> bool {
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

    /// Fields and properties that lost their last use, and that no file names any more, go like private ones. Returns
    /// whether there was one.
    pub(super) fn close_fields(&mut self) -> bool {
        let lost = |(path, work): (&Arc<Path>, &Work)| {
            let document = &work.document;
            let fields = match document.language {
                Language::Python => python::unread_fields(document),
                _ => Vec::new(),
            };
            let open = fields.into_iter().filter(|it| !document.unexported.contains(it));
            open.map(|it| (path.clone(), it, document.text[it..].to_owned())).collect::<Vec<_>>()
        };
        let candidates: Vec<_> = self.files.iter().flat_map(lost).collect();
        let mut any = false;
        for (path, at, rest) in candidates {
            let name = rest.split(|it: char| !it.is_alphanumeric() && it != '_').next().unwrap_or_default();
            let is_public = !self.request.whole && self.world.is_public(&path);
            let names = |document: &Document| registry::asks(document, name);
            let users = self.users_of(name);
            let mut others = users.iter().filter(|it| **it != path);
            if is_public || others.any(|it| self.with_document(it, names) != Some(false)) {
                continue;
            }
            let Some(work) = self.files.get_mut(&path) else { continue };
            work.document.unexported.insert(at);
            work.document.bereft.insert(at);
            work.is_changed = true;
            any = true;
        }
        any
    }

    /// Members that lost a use and that nothing else names go like private ones. Returns whether there was one.
    pub(super) fn close_members(&mut self) -> bool {
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
}
