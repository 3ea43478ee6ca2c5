//! The key as it is written: a constant that holds it and is at hand, else a string.

use std::path::Path;

use crate::removal::Kind;
use crate::syntax::Definition;
use crate::wrapping::Request;
use crate::wrapping::file::File;
use crate::wrapping::imports;
use crate::wrapping::style::literal;

/// The expression of the key at a place.
pub(super) fn key(file: &File, request: &Request, at: usize, quote: char) -> String {
    let own = request.facts.definitions.iter().filter(|it| is_of(request, it));
    let own = own.filter(|it| is_own(file, it, at));
    let of_others = request.index.files().filter(|(path, _)| ***path != *request.path);
    let of_others = of_others.flat_map(|(path, facts)| {
        let definitions = facts.definitions.iter().filter(|it| is_of(request, it));
        definitions.filter(|it| is_imported(file, it, path, at))
    });
    let constant = own.chain(of_others).next();
    constant.map_or_else(|| literal(quote, request.key.as_str()), |it| it.name.to_string())
}

fn is_of(request: &Request, definition: &Definition) -> bool {
    let is_path = |it: char| it.is_alphanumeric() || matches!(it, '_' | '$' | '.');
    definition.key == *request.key && definition.name.chars().all(is_path)
}

fn root(definition: &Definition) -> &str {
    definition.name.split('.').next().unwrap_or_default()
}

/// Whether a constant of this file has its name at a place.
fn is_own(file: &File, definition: &Definition, at: usize) -> bool {
    let key = definition.key_span.bytes();
    let binding = file.scopes.visible(root(definition), at);
    binding.is_some_and(|it| {
        it.declaration.start <= key.start && key.end <= it.declaration.end && it.declaration.end <= at
    })
}

/// Whether a constant of another file is imported already.
fn is_imported(file: &File, definition: &Definition, path: &Path, at: usize) -> bool {
    let name = root(definition);
    let Some(binding) = file.scopes.visible(name, at).filter(|it| it.kind == Kind::Import) else {
        return false;
    };
    let Some(import) = imports::imported(file, &file.text[binding.name.clone()]) else { return false };
    let last =
        import.module.rsplit(['/', '.']).find(|it| !matches!(*it, "ts" | "js" | "")).unwrap_or_default();
    let stem = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|it| it.to_str()).unwrap_or_default();
    import.is_named(name) && (last == stem || last == folder && matches!(stem, "index" | "__init__"))
}
