//! What a file takes from others, and what it gives to them.

use std::path::Path;
use std::sync::Arc;

use super::eval::sdk;
use super::program::Found;
use super::value::*;
use super::{Linker, Query};
use crate::syntax::evidence::{is_other_vendor, named_like_client};
use crate::syntax::ir::{Export, Expr, Origin, ScopeId, Symbol};
use crate::syntax::words::Needs;
use crate::syntax::{Certainty, Language, Returns, is_sdk};

impl Linker<'_> {
    /// What a name of a module is; `*` is the module itself.
    pub(super) fn import(&mut self, from: FileId, module: Symbol, name: Symbol) -> Values {
        match self.resolve(from, module) {
            Found::File(path) => match self.program.id(&path) {
                Some(file) => {
                    let values = self.given(file, from, module, name);
                    if values.iter().all(Value::is_blank) {
                        self.unresolved(from, module, name)
                    } else {
                        values
                    }
                }
                None => self.unread(from, &path, module, name),
            },
            Found::Package | Found::Missing => {
                let values = self.in_bare_folder(from, module, name);
                if values.is_empty() { self.unresolved(from, module, name) } else { values }
            }
        }
    }

    /// `from folder import module`, where the folder is a package of Python without a file of its own.
    fn in_bare_folder(&mut self, from: FileId, module: Symbol, name: Symbol) -> Values {
        let language = self.language(from);
        if language != Language::Python || name == "*" || is_sdk(language, &module) {
            return none();
        }
        self.submodule(from, module, name)
    }

    /// What `require` gives: the module, or what the module says it is.
    pub(super) fn loaded(&mut self, from: FileId, module: Symbol) -> Values {
        let values = self.import(from, module, Symbol::from("*"));
        let mut union = Union::default();
        for value in values.iter() {
            if let Value::Namespace(file) = value {
                self.whole(*file).iter().for_each(|it| union.push(it.clone()));
            }
        }
        // A string or list has no members of interest; everything else may have been given some.
        let is_all = |it: &Value| matches!(it, Value::Text(_) | Value::List(_));
        let whole = union.done();
        if !whole.is_empty() && whole.iter().all(is_all) {
            return whole;
        }
        let mut union = Union::default();
        union.add(values);
        let says = |it: &&Value| !it.is_blank() && !matches!(it, Value::Object(_) | Value::Foreign);
        whole.iter().filter(says).for_each(|it| union.push(it.clone()));
        union.done()
    }

    /// `module.exports = value`
    fn whole(&mut self, file: FileId) -> Values {
        let mut union = Union::default();
        for export in self.program.exports(file, &[]) {
            if let Export::Whole { value } = *export.id {
                union.add(self.eval(export.with(value)));
            }
        }
        union.done()
    }

    pub(super) fn resolve(&mut self, from: FileId, module: Symbol) -> Found {
        if let Some(known) = self.resolved.get(&(from, module)) {
            return known.clone();
        }
        let file = self.program.file(from);
        let found = self.resolver.resolve(&file.path, file.module.language, module);
        self.resolved.insert((from, module), found.clone());
        found
    }

    fn given(&mut self, file: FileId, from: FileId, module: Symbol, name: Symbol) -> Values {
        let values = self.exported(file, name);
        if !values.is_empty() || self.language(from) != Language::Python {
            return values;
        }
        // `from package import module`
        self.submodule(from, module, name)
    }

    /// A module inside a package of Python.
    pub(super) fn submodule(&mut self, from: FileId, module: Symbol, name: Symbol) -> Values {
        let dot = if module.ends_with('.') { "" } else { "." };
        let inner = Symbol::from(&format!("{module}{dot}{name}"));
        match self.resolve(from, inner) {
            Found::File(path) => match self.program.id(&path) {
                Some(file) => one(Value::Namespace(file)),
                None => one(Value::Unloaded(path)),
            },
            _ => none(),
        }
    }

    /// A file that is there and was not read: if names of it matter, somebody will ask for it.
    fn unread(&mut self, from: FileId, path: &Arc<Path>, module: Symbol, name: Symbol) -> Values {
        let mut union = Union::default();
        union.push(Value::Unloaded(path.clone()));
        if self.language(from) == Language::Python && name != "*" {
            union.add(self.submodule(from, module, name));
        }
        self.unresolved(from, module, name)
            .iter()
            .filter(|it| it.is_evidence())
            .for_each(|it| union.push(it.clone()));
        union.done()
    }

    /// What a module says by its name alone.
    fn unresolved(&mut self, from: FileId, module: Symbol, name: Symbol) -> Values {
        let language = self.language(from);
        if is_sdk(language, &module) {
            return one(self.of_sdk(from, module, name));
        }
        if let Some(value) = super::adapters::imported(module, name) {
            return one(value);
        }
        if let Some(value) = self.imported_from_open_feature(module, name) {
            return one(value);
        }
        let separators: &[char] = if language == Language::Python { &['.'] } else { &['/'] };
        let last = module.rsplit(separators).find(|it| !it.is_empty() && *it != "index").unwrap_or(&module);
        let own = language == Language::Python
            && (module.starts_with("posthog.") || module.starts_with("posthoganalytics."));
        one(match &*name {
            _ if is_other_vendor(&module) => Value::Vendor,
            "FeatureFlagEvaluations" => Value::Snapshot(Certainty::Inferred),
            _ if own => Value::Unknown,
            "*" if language == Language::Python => Value::Dotted(from, module),
            "*" => Value::Unknown,
            _ if named_like_client(last) => Value::Client(Certainty::Inferred),
            _ => match crate::syntax::table(language).any(&name).filter(|it| it.needs == Needs::Nothing) {
                Some(call) => sdk(call, Certainty::Certain),
                None => Value::Unknown,
            },
        })
    }

    /// A name of the SDK.
    fn of_sdk(&self, from: FileId, module: Symbol, name: Symbol) -> Value {
        let language = self.language(from);
        let table = crate::syntax::table(language);
        if let Some(call) = table.any(&name).filter(|it| it.needs != Needs::Snapshot) {
            let Value::Sdk(mut it) = sdk(call, Certainty::Certain) else { return Value::Unknown };
            // React Native gives the variant, Next the whole result.
            if &*name == "useFeatureFlag" && module.starts_with("@posthog/next") {
                it.returns = Returns::Result;
            }
            return Value::Sdk(it);
        }
        match &*name {
            "FeatureFlagEvaluations" => Value::Snapshot(Certainty::Certain),
            "evaluateFlags" | "evaluate_flags" => Value::Maker(Certainty::Certain),
            "*" | "Posthog" | "Client" | "posthog" | "default_client" => Value::Client(Certainty::Certain),
            _ if language == Language::Python => Value::Unknown,
            _ => Value::Client(Certainty::Certain),
        }
    }

    /// What a dotted name of Python goes on to.
    pub(super) fn dotted(&mut self, from: FileId, module: Symbol, name: Symbol) -> Values {
        let values = self.submodule(from, module, name);
        if !values.is_empty() {
            return values;
        }
        let inner = Symbol::from(&format!("{module}.{name}"));
        if is_sdk(Language::Python, &inner) {
            return one(Value::Client(Certainty::Certain));
        }
        one(Value::Dotted(from, inner))
    }

    pub(super) fn language(&self, file: FileId) -> Language {
        self.program.module(file).language
    }

    /// What a file gives by a name; nothing when it does not give it.
    pub(super) fn exported(&mut self, file: FileId, name: Symbol) -> Values {
        if &*name == "*" {
            return one(Value::Namespace(file));
        }
        self.ask(Query::Export(file, name), |it| match it.language(file) {
            Language::Python => it.exported_of_python(file, name),
            _ => it.exported_of_javascript(file, name),
        })
    }

    fn exported_of_python(&mut self, file: FileId, name: Symbol) -> Values {
        let root = At { file, chunk: 0, id: ScopeId::ROOT };
        if !self.program.declared(file, name).is_empty() {
            return self.name(name, root);
        }
        let left_out = self.left_out(file, name);
        if left_out.is_empty() { self.starred(file, name) } else { left_out }
    }

    fn exported_of_javascript(&mut self, file: FileId, name: Symbol) -> Values {
        let mut union = Union::default();
        union.add(self.left_out(file, name));
        for export in self.program.exports(file, &[name]) {
            match *export.id {
                Export::Name { name: own, value } if own == name => union.add(self.eval(export.with(value))),
                Export::From { name: own, module, of } if own == name => {
                    union.add(self.import(file, module, of));
                }
                Export::Whole { value } => {
                    let whole = self.eval(export.with(value));
                    union.add(if &*name == "default" { whole } else { self.own_member(&whole, name) });
                }
                _ => {}
            }
        }
        if !union.is_empty() {
            return union.done();
        }
        match &*name {
            // A CommonJS module by `import x from`.
            "default" if !self.has_default(file) => one(Value::Namespace(file)),
            "default" => none(),
            _ => self.starred(file, name),
        }
    }

    /// What a name means that a part of its file declares which was not parsed.
    pub(super) fn left_out(&self, file: FileId, name: Symbol) -> Values {
        let it = self.program.file(file);
        match it.module.left_out.names.contains(&name) {
            true => one(Value::Unloaded(it.path.clone())),
            false => none(),
        }
    }

    fn has_default(&self, file: FileId) -> bool {
        let default = Symbol::from("default");
        self.program.module(file).left_out.names.contains(&default)
            || self.program.exports(file, &[default]).any(|it| match it.id {
                Export::Name { name, .. } | Export::From { name, .. } => *name == default,
                _ => false,
            })
    }

    /// A name that comes by `export * from` or `from module import *`.
    fn starred(&mut self, file: FileId, name: Symbol) -> Values {
        let all = |it: At<&Export>| match it.id {
            Export::All { module } => Some(*module),
            _ => None,
        };
        let modules: Vec<Symbol> = self.program.exports(file, &[]).filter_map(all).collect();
        let mut union = Union::default();
        let is_python = self.language(file) == Language::Python;
        // In Python the last one wins; a file that was not read may not have the name.
        let mut is_known = false;
        for module in modules.into_iter().rev() {
            if is_python && is_known {
                break;
            }
            match self.resolve(file, module) {
                Found::File(path) => match self.program.id(&path) {
                    Some(other) if is_python && !self.stars(other, name) => {}
                    Some(other) => {
                        let values = self.exported(other, name);
                        is_known |= values.iter().any(|it| !matches!(it, Value::Unloaded(_)));
                        union.add(values);
                    }
                    None => union.push(Value::Unloaded(path)),
                },
                _ if is_sdk(self.language(file), &module) => union.push(self.of_sdk(file, module, name)),
                _ => {}
            }
        }
        union.done()
    }

    /// Whether a module of Python gives a name to those who want all of them.
    fn stars(&mut self, file: FileId, name: Symbol) -> bool {
        let mut listed = None;
        for (chunk, id) in self.program.declared(file, Symbol::from("__all__")) {
            let it = self.chunk(&At { file, chunk: *chunk, id: () });
            let Origin::Value { value: Some(value), .. } = it.bindings[id.at()].origin else { return true };
            let Expr::List(run) = it.exprs[value.at()] else { return true };
            listed = Some(
                it.exprs_in(run)
                    .iter()
                    .any(|at| !matches!(it.exprs[at.at()], Expr::Text(own) if own != name)),
            );
        }
        listed.unwrap_or(!name.starts_with('_'))
    }

    /// The alias or interface of this name that a file takes from another or declares itself.
    pub(super) fn type_named(&mut self, file: FileId, name: Symbol, hops: u32) -> Option<TypeAt> {
        if let Some(found) = self.program.type_of_module(file, name) {
            return Some(found);
        }
        if hops > 8 {
            return None;
        }
        let mut further = Vec::new();
        for export in self.program.exports(file, &[name]) {
            match *export.id {
                Export::From { name: own, module, of } if own == name => further.push((module, of)),
                Export::All { module } => further.push((module, name)),
                _ => {}
            }
        }
        for (chunk, id) in self.program.declared(file, name) {
            let origin = self.chunk(&At { file, chunk: *chunk, id: () }).bindings[id.at()].origin;
            if let crate::syntax::ir::Origin::Import { module, name } = origin {
                further.push((module, name));
            }
        }
        further.into_iter().find_map(|(module, of)| {
            let Found::File(path) = self.resolve(file, module) else { return None };
            let other = self.program.id(&path)?;
            self.type_named(other, of, hops + 1)
        })
    }
}
