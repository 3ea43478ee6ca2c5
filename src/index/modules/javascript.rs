//! Specifiers of JavaScript and TypeScript.

use std::path::{Path, PathBuf};

use super::lexical::{join, normal};
use super::manifest::Exported;
use super::source::is_asset;
use super::{Modules, Resolved, packages};

pub(super) fn resolve(modules: &Modules, from: &Path, specifier: &str) -> Resolved {
    let Some(folder) = from.parent() else { return Resolved::Missing };
    if is_asset(specifier) {
        return Resolved::Missing;
    }
    match is_path(specifier) {
        true => path(modules, folder, specifier),
        false => name(modules, folder, specifier),
    }
}

fn is_path(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || ["./", "../", "/"].iter().any(|it| specifier.starts_with(it))
}

fn path(modules: &Modules, folder: &Path, specifier: &str) -> Resolved {
    let place = if specifier.starts_with('/') { normal(specifier) } else { join(folder, specifier) };
    let is_folder = matches!(specifier.rsplit('/').next(), Some("" | "." | ".."));
    let found = place.and_then(|it| match is_folder {
        true => modules.source_folder(&it),
        false => modules.module_at(&it),
    });
    found.map_or(Resolved::Missing, |it| modules.found(folder, it))
}

fn name(modules: &Modules, folder: &Path, specifier: &str) -> Resolved {
    let mapped = modules.mapped(folder, specifier);
    if let Some(file) = mapped.file {
        return modules.found(folder, file);
    }
    if has_scheme(specifier) {
        return Resolved::Package;
    }
    if specifier.starts_with('#') {
        return imported(modules, folder, specifier);
    }
    let package = match packages::split(specifier) {
        Some((name, subpath)) if is_package_name(name) => modules.package(folder, name, subpath),
        _ => Resolved::Package,
    };
    match package {
        Resolved::File { .. } => package,
        _ if let Some(file) = by_convention(modules, folder, specifier) => modules.found(folder, file),
        Resolved::Package if mapped.is_mapped || is_conventional(specifier) => Resolved::Missing,
        _ => package,
    }
}

/// `node:fs`, `virtual:icons`, `https://...`
fn has_scheme(specifier: &str) -> bool {
    specifier.split('/').next().is_some_and(|it| it.contains(':'))
}

fn is_package_name(name: &str) -> bool {
    !name.starts_with("@/") && !matches!(name.as_bytes().first(), Some(b'~' | b'$'))
}

/// A package's own name for something, from the nearest `package.json` that has some.
fn imported(modules: &Modules, folder: &Path, specifier: &str) -> Resolved {
    let has_imports = |it: &&Path| modules.manifest(it).is_some_and(|it| it.imports.is_some());
    let Some(package) = modules.ancestors(folder).find(has_imports) else { return Resolved::Missing };
    let Some(manifest) = modules.manifest(package) else { return Resolved::Missing };
    let Exported::Targets(targets) = manifest.imported(specifier) else { return Resolved::Missing };
    let (paths, names): (Vec<_>, Vec<_>) = targets.into_iter().partition(|it| it.starts_with("./"));
    if let Some(file) = modules.entry_of(package, modules.is_own(package), &paths) {
        return modules.found(folder, file);
    }
    let named = names.iter().filter_map(|it| packages::split(it)).next();
    named.map_or(Resolved::Missing, |(name, subpath)| modules.package(package, name, subpath))
}

/// What build tools are told to understand, where no configuration that is read here says so.
const CONVENTIONS: [(&str, &[&str]); 3] =
    [("@/", &["src", ""]), ("~/", &["src", ""]), ("$lib/", &["src/lib"])];

fn is_conventional(specifier: &str) -> bool {
    CONVENTIONS.iter().any(|(prefix, _)| specifier.starts_with(prefix)) || specifier == "$lib"
}

fn by_convention(modules: &Modules, folder: &Path, specifier: &str) -> Option<PathBuf> {
    let specifier = if specifier == "$lib" { "$lib/" } else { specifier };
    let (prefix, places) = CONVENTIONS.iter().find(|(prefix, _)| specifier.starts_with(prefix))?;
    let rest = &specifier[prefix.len()..];
    let root = modules.root_of(folder);
    let is_base = |it: &&Path| Some(*it) == root || modules.manifest(it).is_some();
    let bases = modules.ancestors(folder).filter(is_base);
    bases
        .flat_map(|base| places.iter().map(move |place| base.join(place)))
        .filter_map(|place| join(&place, rest))
        .find_map(|it| modules.module_at(&it))
}
