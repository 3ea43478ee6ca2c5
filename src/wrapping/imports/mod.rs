//! What a file imports, and what it has to.

mod javascript;
mod python;
mod relative;

use std::path::Path;

use super::edits::Edits;
use super::file::{File, ancestors};
use crate::removal::Kind;

pub(super) use self::javascript::is_common_js;

/// One name of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// The module, as it is written.
    pub(super) module: String,
    /// Which name of it.
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// The default export, and what it is called here.
    Default(String),
    /// This one.
    Named(String),
    /// The module itself, and what it is called here.
    Whole(String),
}

impl Import {
    /// `import { name } from 'module'`
    pub(super) fn named(module: &str, name: &str) -> Import {
        Import { module: module.into(), what: What::Named(name.into()) }
    }

    /// `import local from 'module'`
    pub(super) fn default(module: &str, local: &str) -> Import {
        Import { module: module.into(), what: What::Default(local.into()) }
    }

    /// `import module`
    pub(super) fn whole(module: &str) -> Import {
        Import { module: module.into(), what: What::Whole(module.into()) }
    }

    /// The name in the module.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.what {
            What::Named(name) => Some(name),
            What::Default(_) | What::Whole(_) => None,
        }
    }

    /// Whether this is a name of the module.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    /// Whether this is the default export.
    pub(super) fn is_default(&self) -> bool {
        matches!(self.what, What::Default(_))
    }

    /// Whether it is of the SDK of browsers.
    pub(super) fn is_of_browser(&self) -> bool {
        self.module == "posthog-js" || self.module.starts_with("posthog-js/")
    }

    /// Another name of the same module.
    pub(super) fn with_name(&self, name: &str) -> Import {
        Import::named(&self.module, name)
    }

    /// The same import in another file.
    pub(super) fn seen_from(self, of: &Path, to: &Path) -> Option<Import> {
        let is_python = of.extension().is_some_and(|it| it == "py" || it == "pyi");
        let module = relative::module(&self.module, of, to, is_python)?;
        Some(Import { module, ..self })
    }

    /// What it is called by default.
    fn local(&self) -> &str {
        match &self.what {
            What::Default(local) | What::Named(local) | What::Whole(local) => local,
        }
    }
}

/// The import of a name of the top level.
pub(super) fn imported(file: &File, local: &str) -> Option<Import> {
    let binding = file.scopes.bindings.iter().find(|it| {
        let is_import = it.kind == Kind::Import || it.declaration.len() > it.name.len();
        is_import && file.text[it.name.clone()] == *local && it.scope == 0
    })?;
    let node = file.tree.root_node().named_descendant_for_byte_range(binding.name.start, binding.name.end)?;
    let found = match file.is_python() {
        true => ancestors(node).find_map(|it| python::import(file, it, local)),
        false => ancestors(node).find_map(|it| javascript::import(file, it, local)),
    };
    found.map(|it| it.0)
}

/// The modules that a file imports from.
pub(super) fn modules(file: &File) -> Vec<String> {
    match file.is_python() {
        true => Vec::new(),
        false => javascript::modules(file),
    }
}

/// The name under which something can be used, which is imported where it is not yet.
pub(super) fn ensure(file: &File, import: &Import, edits: &mut Edits) -> Option<String> {
    match file.is_python() {
        true => python::ensure(file, import, edits),
        false => javascript::ensure(file, import, edits),
    }
}

/// Where the imports of a file begin when it has none: behind what speaks of the whole file. The text has the gap to
/// what follows.
fn at_the_top(file: &File, after: usize, text: &str) -> (usize, String) {
    let line_end = file.style.line_end;
    let rest = &file.text[after..];
    // Functions and classes of Python stand two lines apart.
    let is_far = file.is_python()
        && ["def ", "class ", "async ", "@"].iter().any(|it| rest.trim_start().starts_with(it));
    let there = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    let there = rest[..there].matches('\n').count();
    let gap = if rest.is_empty() { 0 } else { (1 + usize::from(is_far)).saturating_sub(there) };
    let gap = line_end.repeat(gap);
    let before = if after > 0 && !file.text[..after].ends_with('\n') { line_end } else { "" };
    (after, format!("{before}{text}{line_end}{gap}"))
}
