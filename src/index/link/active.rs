//! Names that lead to flags from files that do not speak of the SDK at all.

use std::path::Path;

use super::value::*;
use super::wrappers::is_constructor;
use super::{File, Found, Linker};
use crate::syntax::Language;
use crate::syntax::ir::{Export, Expr, FunctionId, Origin, Symbol, Target};
use crate::syntax::open_feature::is_posthog_provider;

/// How far a value is looked into: a hook that gives an object of functions, a class with a method.
const MOST_LEVELS: u32 = 3;

/// Shorter names are too many words to look for: they count beside an import of their file.
const SHORTEST: usize = 3;

impl Linker<'_> {
    /// Names by which other files reach flags through this one.
    pub(crate) fn active(&mut self, file: FileId) -> Vec<Symbol> {
        let mut found = Vec::new();
        let has_provider = self.imports_provider(file);
        let mut names = self.given_names(file);
        names.extend(self.short_starred(file, 0));
        for name in names {
            self.begin_site();
            let values = self.exported(file, name);
            let gives_provider = has_provider && values.iter().any(|it| self.gives_client(it));
            if !gives_provider && !values.iter().any(|it| self.leads_to_flags(it, 0)) {
                continue;
            }
            match &*name {
                "default" | "*" => found.extend(self.import_words(file)),
                _ if name.len() < SHORTEST => {
                    let beside = |it: Symbol| Symbol::from(&format!("{it}\n{name}"));
                    found.extend(self.import_words(file).into_iter().map(beside));
                }
                _ => found.push(name),
            }
            for value in values.iter() {
                if let Value::Class(class) | Value::Instance(class) | Value::Made(class, _) = value {
                    let members = self.leading_members(*class);
                    found.extend(members.into_iter().filter(|it| it.len() >= SHORTEST));
                }
            }
        }
        for (chunk, placed) in self.program.module(file).chunks.iter().enumerate() {
            for (id, function) in placed.chunk.functions.iter().enumerate() {
                let at = At { file, chunk: chunk as u32, id: FunctionId(id as u32) };
                let is_method = |name: &Symbol| {
                    function.class.is_some() && !is_constructor(name) && name.len() >= SHORTEST
                };
                let Some(name) = function.name.filter(is_method) else { continue };
                self.begin_site();
                if !self.wraps(at).is_empty() {
                    found.push(name);
                }
            }
        }
        found
    }

    /// What an import of a file has in it: the file's name, or the folder's of an index, or the package's.
    fn import_words(&self, file: FileId) -> Vec<Symbol> {
        let File { path, module, .. } = self.program.file(file);
        let mut words: Vec<String> = self.resolver.package_of(path).iter().map(ToString::to_string).collect();
        let stem = path.file_name().and_then(|it| it.to_str()?.split('.').next()).unwrap_or_default();
        let is_python = module.language == Language::Python;
        let (stem, inside): (_, &[&str]) = match stem {
            "__init__" => (folder(path), &[". import"]),
            "index" => (folder(path), &["'.'", "\".\"", "..'", "..\""]),
            _ => (stem, &[]),
        };
        words.extend(inside.iter().map(ToString::to_string));
        match stem.len() {
            0 => {}
            len if len >= SHORTEST => words.push(stem.to_owned()),
            _ if is_python => {
                words.extend(["from ", "import ", ", ", "."].iter().map(|it| format!("{it}{stem}")))
            }
            _ => words.push(format!("/{stem}")),
        }
        words.iter().map(|it| Symbol::from(it)).collect()
    }

    /// Names that come by `export *` and are too short to be looked for.
    fn short_starred(&mut self, file: FileId, hops: u32) -> Vec<Symbol> {
        let all = self.program.exports(file, &[]).filter_map(|it| match it.id {
            Export::All { module } => Some(*module),
            _ => None,
        });
        let mut names = Vec::new();
        for module in all.collect::<Vec<_>>() {
            let Found::File(path) = self.resolve(file, module) else { continue };
            let Some(other) = self.program.id(&path).filter(|_| hops < MOST_LEVELS) else { continue };
            names.extend(self.given_names(other).into_iter().filter(|it| it.len() < SHORTEST));
            names.extend(self.short_starred(other, hops + 1));
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        names
    }

    fn given_names(&self, file: FileId) -> Vec<Symbol> {
        let module = self.program.module(file);
        let mut names = Vec::new();
        for placed in module.chunks.iter().filter(|it| it.parent.is_none()) {
            if module.language == Language::Python {
                names.extend(placed.chunk.scopes.first().into_iter().flat_map(|it| &it.names).map(|it| it.0));
            }
            for export in &placed.chunk.exports {
                match export {
                    Export::Name { name, .. } | Export::From { name, .. } => names.push(*name),
                    Export::Whole { value } => {
                        names.push(Symbol::from("default"));
                        if let Expr::Object(run) = placed.chunk.exprs[value.at()] {
                            names.extend(placed.chunk.props_in(run).iter().filter_map(|it| it.name.fixed()));
                        }
                    }
                    Export::All { .. } => {}
                }
            }
        }
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        names
    }

    /// Whether a file may hand a provider of OpenFeature to the one that sets it.
    fn imports_provider(&self, file: FileId) -> bool {
        let module = self.program.module(file);
        let bindings = module.chunks.iter().flat_map(|it| &it.chunk.bindings);
        let mut imported = bindings.filter_map(|it| match it.origin {
            Origin::Import { module, .. } => Some(module),
            _ => None,
        });
        // A module of Python gives all its names, and too many files have one of them.
        module.language != Language::Python && imported.any(|it| is_posthog_provider(&it))
    }

    fn gives_client(&mut self, value: &Value) -> bool {
        match value {
            Value::Client(_) => true,
            Value::Function(function, _) => {
                self.returned(*function).iter().any(|it| matches!(it, Value::Client(_)))
            }
            _ => false,
        }
    }

    fn leads_to_flags(&mut self, value: &Value, level: u32) -> bool {
        if level > MOST_LEVELS {
            return false;
        }
        match value {
            Value::Map(map) => !map.by_name,
            Value::Snapshot(_) | Value::Maker(_) | Value::Sdk(_) | Value::Answer | Value::Adapter(_) => true,
            Value::Function(function, _) => {
                !self.wraps(*function).is_empty() || {
                    let returned = self.returned(*function);
                    returned.iter().any(|it| self.leads_to_flags(it, level + 1))
                }
            }
            Value::Store(function) => {
                let state = self.returned(*function);
                state.iter().any(|it| self.leads_to_flags(it, level))
            }
            Value::Options(at) => {
                let parts = self.parts_of_options(*at);
                parts.iter().any(|it| self.leads_to_flags(it, level))
            }
            Value::Object(at) => {
                let chunk = self.chunk(at);
                let (Expr::Object(run) | Expr::Enum(run)) = chunk.exprs[at.id.at()] else { return false };
                chunk.props_in(run).iter().any(|it| {
                    let values = self.eval(at.with(it.value));
                    values
                        .iter()
                        .any(|it| !matches!(it, Value::Object(_)) && self.leads_to_flags(it, level + 1))
                })
            }
            Value::Class(class) | Value::Instance(class) | Value::Made(class, _) => {
                !self.leading_members(*class).is_empty()
                    || self.constructor(*class).is_some_and(|it| !self.wraps(it).is_empty())
                    || self.asks_for_fields(*class)
                    || self.asks_for_members(*class, 0)
            }
            Value::Context(at) => {
                let chunk = self.chunk(at);
                let Expr::Call(_) = chunk.exprs[at.id.at()] else { return false };
                let given = self.context(*at);
                given.iter().any(|it| self.leads_to_flags(it, level + 1))
            }
            _ => false,
        }
    }

    /// The methods of a class that ask for what their caller names, and what holds flags in its objects.
    fn leading_members(&mut self, class: ClassAt) -> Vec<Symbol> {
        let chunk = self.chunk(&class);
        let mut found = Vec::new();
        for member in &chunk.classes[class.id.at()].members {
            let Some(value) = member.value.filter(|_| !is_constructor(&member.name)) else { continue };
            let leads = match chunk.exprs[value.at()] {
                Expr::Function(function) => {
                    let function = class.with(function);
                    holds_flags(&self.returned(function)) || !self.wraps(function).is_empty()
                }
                _ => holds_flags(&self.eval(class.with(value))),
            };
            if leads {
                found.push(member.name);
            }
        }
        found.extend(self.assigned_members(class));
        found
    }

    /// Members of a class that are given maps of flags or snapshots: `self.flags = posthog.get_all_flags(...)`.
    fn assigned_members(&mut self, class: ClassAt) -> Vec<Symbol> {
        let mut found = Vec::new();
        for (chunk, placed) in self.program.module(class.file).chunks.iter().enumerate() {
            let at = |id| At { file: class.file, chunk: chunk as u32, id };
            for it in &placed.chunk.assignments {
                let Target::Member(object, name) = it.target else { continue };
                if holds_flags(&self.eval(at(it.value)))
                    && self.eval(at(object)).iter().any(|it| it.class() == Some(class))
                {
                    found.push(name);
                }
            }
        }
        found
    }
}

fn holds_flags(values: &Values) -> bool {
    values.iter().any(|it| matches!(it, Value::Map(Map { by_name: false, .. }) | Value::Snapshot(_)))
}

fn folder(path: &Path) -> &str {
    path.parent().and_then(|it| it.file_name()?.to_str()).unwrap_or_default()
}
