//! `tsconfig.json` and `jsconfig.json`: which names they map to which paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::json::Json;
use super::lexical::{join, normal};
use super::manifest::Exported;
use super::{Modules, packages};

/// How many files one configuration may extend and refer to, in all: lists of lists grow without end otherwise.
const MOST: u32 = 64;

/// What a configuration maps, with what it extends.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Mapping {
    /// Pattern, targets.
    paths: Vec<(String, Vec<String>)>,
    /// The folder of the configuration that has `paths`.
    paths_base: PathBuf,
    /// Where names are looked for that are not mapped, and where targets are.
    base_url: Option<PathBuf>,
}

/// What the mappings of a folder say about a name.
#[derive(Debug, Default)]
pub(super) struct Mapped {
    /// The file that they lead to.
    pub(super) file: Option<PathBuf>,
    /// Whether one of them knows the name, and not only every name.
    pub(super) is_mapped: bool,
}

/// Whether a file of this name is a configuration of TypeScript.
pub(super) fn is_tsconfig(name: &str) -> bool {
    is_main(name) || name.strip_prefix("tsconfig.").is_some_and(|it| it.ends_with(".json"))
}

fn is_main(name: &str) -> bool {
    matches!(name, "tsconfig.json" | "jsconfig.json")
}

impl Mapping {
    /// Where a name is mapped to, and whether by more than a star.
    fn targets(&self, name: &str) -> Option<(Vec<PathBuf>, bool)> {
        let exact = self.paths.iter().find(|(pattern, _)| pattern == name).map(|it| (usize::MAX, "", &it.1));
        let starred = self.paths.iter().filter_map(|(pattern, targets)| {
            let (prefix, suffix) = pattern.split_once('*')?;
            Some((prefix.len(), name.strip_prefix(prefix)?.strip_suffix(suffix)?, targets))
        });
        // The first of equals, as TypeScript has it.
        let longest = || starred.reduce(|best, it| if it.0 > best.0 { it } else { best });
        let (length, star, targets) = exact.or_else(longest)?;
        let base = self.base_url.as_ref().unwrap_or(&self.paths_base);
        let target = |it: &String| at(base, &it.replacen('*', star, 1));
        Some((targets.iter().filter_map(target).collect(), length > 0))
    }
}

/// A path of a configuration, which may be absolute.
fn at(base: &Path, path: &str) -> Option<PathBuf> {
    match Path::new(path).is_absolute() {
        true => normal(path),
        false => join(base, path),
    }
}

impl Modules {
    /// What the configurations that count for files of `folder` make of a name.
    pub(super) fn mapped(&self, folder: &Path, name: &str) -> Mapped {
        let mut mapped = Mapped::default();
        for mapping in self.mappings_of(folder).iter() {
            let mut places = Vec::new();
            if let Some((targets, is_mapped)) = mapping.targets(name) {
                mapped.is_mapped |= is_mapped;
                places = targets;
            }
            places.extend(mapping.base_url.as_ref().and_then(|it| join(it, name)));
            mapped.file = places.iter().find_map(|it| self.mapped_file(it));
            if mapped.file.is_some() {
                return mapped;
            }
        }
        mapped
    }

    fn mapped_file(&self, place: &Path) -> Option<PathBuf> {
        self.module_at(place).or_else(|| {
            let root = self.root_of(place)?;
            self.source_of(root, &place.strip_prefix(root).ok()?.to_string_lossy())
        })
    }

    fn mappings_of(&self, folder: &Path) -> Arc<[Arc<Mapping>]> {
        if let Some(known) = self.mappings.get(folder) {
            return known.clone();
        }
        // What is installed was compiled by configurations that it does not ship.
        let mappings: Arc<[_]> = match self.is_own(folder) {
            true => self.nearest_mappings(folder),
            false => Arc::new([]),
        };
        self.mappings.insert(folder.to_owned(), mappings.clone());
        mappings
    }

    fn nearest_mappings(&self, folder: &Path) -> Arc<[Arc<Mapping>]> {
        let here = self.configurations_in(folder);
        let above = folder.parent().filter(|it| self.is_own(it));
        let is_complete = here.iter().any(|it| is_main(&name_of(it)));
        if let (true, Some(above)) = (here.is_empty(), above) {
            return self.mappings_of(above);
        }
        let mut budget = MOST;
        let mut paths = Vec::new();
        here.into_iter().for_each(|it| self.with_references(it, folder, &mut paths, &mut budget));
        let mut mappings: Vec<_> = paths.iter().map(|it| self.mapping(it)).collect();
        // A folder with nothing but a `tsconfig.build.json` gets the rest from above.
        if let (false, Some(above)) = (is_complete, above) {
            mappings.extend(self.mappings_of(above).iter().cloned());
        }
        mappings.retain(|it| !it.paths.is_empty() || it.base_url.is_some());
        mappings.into()
    }

    /// The configurations of a folder, those that editors take first.
    fn configurations_in(&self, folder: &Path) -> Vec<PathBuf> {
        let mut paths = self.disk.list(folder);
        paths.retain(|it| is_tsconfig(&name_of(it)) && self.disk.is_file(it));
        paths.sort_by_key(|it| {
            let name = name_of(it);
            (name != "tsconfig.json", name != "jsconfig.json", name)
        });
        paths
    }

    /// Adds a configuration and those that it refers to for files of `folder`.
    fn with_references(&self, path: PathBuf, folder: &Path, paths: &mut Vec<PathBuf>, budget: &mut u32) {
        if *budget == 0 || paths.contains(&path) {
            return;
        }
        *budget -= 1;
        let json = self.json(&path);
        paths.push(path.clone());
        let Some(Json::List(references)) = json.as_ref().and_then(|it| it.get("references")) else { return };
        for reference in references.iter().filter_map(|it| it.get("path")?.text()) {
            let Some(place) = path.parent().and_then(|it| at(it, reference)) else { continue };
            let place = if self.disk.is_folder(&place) { place.join("tsconfig.json") } else { place };
            // Another package's configuration is for that package.
            let counts = |it: &Path| folder.starts_with(it) || self.manifest(it).is_none();
            if place.parent().is_some_and(counts) && self.disk.is_file(&place) {
                self.with_references(place, folder, paths, budget);
            }
        }
    }

    fn mapping(&self, path: &Path) -> Arc<Mapping> {
        if let Some(known) = self.configurations.get(path) {
            return known.clone();
        }
        let mapping =
            Arc::new(self.extended(path, path.parent().unwrap_or(path), &mut Vec::new(), &mut { MOST }));
        self.configurations.insert(path.to_owned(), mapping.clone());
        mapping
    }

    /// `leaf` is the folder of the configuration that everything is read for, `above` what led here.
    fn extended(&self, path: &Path, leaf: &Path, above: &mut Vec<PathBuf>, budget: &mut u32) -> Mapping {
        let mut mapping = Mapping::default();
        let Some(folder) = path.parent() else { return mapping };
        if *budget == 0 || above.iter().any(|it| it == path) {
            return mapping;
        }
        *budget -= 1;
        let Some(json) = self.json(path) else { return mapping };
        above.push(path.to_owned());
        for base in json.get("extends").map(Json::texts).unwrap_or_default() {
            if let Some(base) = self.extends(folder, &base) {
                mapping.take(self.extended(&base, leaf, above, budget));
            }
        }
        above.pop();
        mapping.take(own_mapping(&json, folder, leaf));
        mapping
    }

    /// The file that `extends` names.
    fn extends(&self, folder: &Path, named: &str) -> Option<PathBuf> {
        let is_path = named.starts_with('.') || Path::new(named).is_absolute();
        let places: Vec<PathBuf> = match is_path {
            true => at(folder, named).into_iter().collect(),
            false => self.shared_configurations(folder, named),
        };
        places.iter().find_map(|it| {
            let with_extension = PathBuf::from(format!("{}.json", it.display()));
            [it.clone(), with_extension, it.join("tsconfig.json")]
                .into_iter()
                .find(|it| self.disk.is_file(it))
        })
    }

    /// Where a package may have the configuration that it shares.
    fn shared_configurations(&self, folder: &Path, named: &str) -> Vec<PathBuf> {
        let Some((name, subpath)) = packages::split(named) else { return Vec::new() };
        let Some(package) = self.find_package(folder, name) else { return Vec::new() };
        let manifest = self.manifest(&package.folder).unwrap_or_default();
        let mut places = match manifest.exported(subpath) {
            Exported::Targets(targets) => targets,
            _ => Vec::new(),
        };
        match subpath {
            "" => places.extend(manifest.tsconfig.iter().cloned().chain(["tsconfig.json".to_owned()])),
            _ => places.push(subpath.to_owned()),
        }
        places.iter().filter_map(|it| join(&package.folder, it)).collect()
    }

    fn json(&self, path: &Path) -> Option<Json> {
        self.consulted.insert(path.to_owned());
        Json::parse(&self.disk.read(path)?)
    }
}

impl Mapping {
    /// Lays `later` over this one: an option replaces the same one as a whole.
    fn take(&mut self, later: Mapping) {
        if !later.paths_base.as_os_str().is_empty() {
            self.paths = later.paths;
            self.paths_base = later.paths_base;
        }
        self.base_url = later.base_url.or(self.base_url.take());
    }
}

fn own_mapping(json: &Json, folder: &Path, leaf: &Path) -> Mapping {
    let Some(options) = json.get("compilerOptions") else { return Mapping::default() };
    let for_leaf = |it: &str| it.replace("${configDir}", &leaf.to_string_lossy());
    let mut mapping = Mapping::default();
    if let Some(paths @ Json::Map(_)) = options.get("paths") {
        let entry = |(pattern, targets): &(String, Json)| {
            (pattern.clone(), targets.texts().iter().map(|it| for_leaf(it)).collect())
        };
        mapping.paths = paths.members().iter().map(entry).collect();
        mapping.paths_base = folder.to_owned();
    }
    mapping.base_url = options.get("baseUrl").and_then(Json::text).and_then(|it| at(folder, &for_leaf(it)));
    mapping
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}
