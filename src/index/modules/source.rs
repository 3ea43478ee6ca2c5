//! The file of a JavaScript module, by the rules for extensions and folders.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Modules;
use super::lexical::is_declaration;
use crate::syntax::Language;

const EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];
const DECLARATIONS: [&str; 3] = ["d.ts", "d.mts", "d.cts"];

/// Folders that a build writes.
const BUILDS: [&str; 9] = ["dist", "lib", "build", "out", "output", "esm", "cjs", "es", "umd"];

/// Folders that sort what a build writes.
const KINDS: [&str; 8] = ["types", "typings", "dts", "node", "browser", "modern", "commonjs", "module"];

/// Extensions of what a bundler takes and no parser here.
const ASSETS: [&str; 40] = [
    "css", "scss", "sass", "less", "styl", "pcss", "json", "json5", "yaml", "yml", "toml", "csv", "txt",
    "md", "mdx", "html", "xml", "svg", "png", "jpg", "jpeg", "gif", "webp", "avif", "ico", "bmp", "woff",
    "woff2", "ttf", "otf", "eot", "mp3", "mp4", "webm", "ogg", "wav", "pdf", "wasm", "graphql", "glsl",
];

impl Modules {
    /// The file of the module at `path`: an extension may be missing, or be the one it has once compiled, or a
    /// folder may be meant.
    pub(super) fn module_at(&self, path: &Path) -> Option<PathBuf> {
        self.source_file(path).or_else(|| self.source_folder(path))
    }

    /// The file that a folder stands for: what its `package.json` says, or its index.
    pub(super) fn source_folder(&self, path: &Path) -> Option<PathBuf> {
        if !self.disk.is_folder(path) {
            return None;
        }
        let fields = self.manifest(path).map(|it| it.fields.clone()).unwrap_or_default();
        let own = self.is_own(path);
        self.entry_of(path, own, &fields).or_else(|| self.index_of(path))
    }

    /// Like [`Modules::module_at`], for a place that a `package.json` names: a folder there is its index.
    pub(super) fn plain_at(&self, path: &Path) -> Option<PathBuf> {
        let is_possible = path.parent().is_some_and(|it| self.disk.is_folder(it));
        is_possible.then(|| self.source_file(path).or_else(|| self.index_of(path)))?
    }

    fn index_of(&self, folder: &Path) -> Option<PathBuf> {
        // One question, where most folders are not there, saves a dozen.
        self.disk.is_folder(folder).then(|| self.source_file(&folder.join("index")))?
    }

    fn source_file(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?.to_str()?;
        let there = |name: String| Some(path.with_file_name(name)).filter(|it| self.disk.is_file(it));
        compiled_from(name)
            .find_map(there)
            .or_else(|| there(name.to_owned()).filter(|it| is_javascript(it)))
            .or_else(|| EXTENSIONS.iter().find_map(|it| there(format!("{name}.{it}"))))
            .or_else(|| declarations_of(name).find_map(there))
    }
}

/// Names that compile to `name`.
fn compiled_from(name: &str) -> impl Iterator<Item = String> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let from: &[&str] = match extension {
        "js" => &["ts", "tsx"],
        "jsx" => &["tsx", "ts"],
        "mjs" => &["mts"],
        "cjs" => &["cts"],
        _ => &[],
    };
    from.iter().map(move |it| format!("{stem}.{it}"))
}

fn declarations_of(name: &str) -> impl Iterator<Item = String> {
    let stem = match name.rsplit_once('.') {
        Some((stem, "js" | "jsx" | "mjs" | "cjs")) => stem,
        _ => name,
    };
    DECLARATIONS.iter().map(move |it| format!("{stem}.{it}"))
}

fn is_javascript(path: &Path) -> bool {
    Language::from_path(path).is_some_and(|it| it != Language::Python)
}

/// Whether a file is TypeScript that something is compiled from.
pub(super) fn is_typescript_source(path: &Path) -> bool {
    let typescript = matches!(Language::from_path(path), Some(Language::TypeScript | Language::Tsx));
    typescript && !is_declaration(path)
}

/// Where the source of a build's file may be, best first and without extensions: `dist/esm/a/b.js` may come from
/// `src/a/b`, or from `a/b`. Nothing for a path that no build writes.
pub(super) fn unbuilt(target: &str) -> Vec<String> {
    let segments: Vec<&str> = target.split('/').filter(|it| !matches!(*it, "" | ".")).collect();
    let starts_build = |at: &usize| is_build(segments[*at]) && (*at == 0 || !is_build(segments[*at - 1]));
    (0..segments.len()).filter(starts_build).flat_map(|it| unbuilt_at(&segments, it)).collect()
}

/// The same where the folder at `build` is what the build wrote.
fn unbuilt_at(segments: &[&str], build: usize) -> Vec<String> {
    let sorted = |it: &&&str| is_build(it) || KINDS.contains(*it);
    let most = build + 1 + segments[build + 1..].iter().take_while(sorted).count();
    let mut starts = vec![build + 1, most];
    starts.dedup();
    starts.into_iter().flat_map(|it| sources(&segments[..build], &segments[it..])).collect()
}

/// Where the source of the file `built` may be in the package at `folder`.
fn sources(folder: &[&str], built: &[&str]) -> Vec<String> {
    let mut file = built.to_vec();
    match file.last_mut() {
        Some(name) => *name = without_extensions(name),
        None => file.push("index"),
    }
    let mut sources = vec![[folder, &["src"], &file].concat(), [folder, &file].concat()];
    // A compiler that was given several packages repeats their folders below its own.
    if let Some(at) = file.iter().rposition(|it| *it == "src").filter(|it| *it > 0) {
        sources.push([folder, &file[at..]].concat());
    }
    sources.into_iter().map(|it| it.join("/")).collect()
}

fn is_build(segment: &str) -> bool {
    BUILDS.contains(&segment) || segment.starts_with("dist-")
}

/// `index.d.ts`, `index.esm.js` and `index.min.js` all are `index`.
fn without_extensions(name: &str) -> &str {
    let Some((mut stem, extension)) = name.rsplit_once('.') else { return name };
    if !EXTENSIONS.contains(&extension) {
        return name;
    }
    while let Some((
        shorter,
        "d" | "es" | "esm" | "cjs" | "umd" | "min" | "module" | "production" | "development",
    )) = stem.rsplit_once('.')
    {
        stem = shorter;
    }
    stem
}

/// Whether a specifier names what a bundler takes and no module: decided by its extension, without the disk.
pub(super) fn is_asset(specifier: &str) -> bool {
    let path = specifier.split('?').next().unwrap_or_default();
    let extension = Path::new(path).extension().and_then(OsStr::to_str).unwrap_or_default();
    // Vite's `./a.ts?raw` is a text, `./a.ts?worker` a class.
    path.len() != specifier.len() || ASSETS.contains(&extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_led_back_to_their_source() {
        assert_eq!(unbuilt("./dist/index.js"), ["src/index", "index"]);
        assert_eq!(unbuilt("dist/esm/a/b.d.mts")[..2], ["src/esm/a/b", "esm/a/b"]);
        assert_eq!(unbuilt("dist/esm/a/b.d.mts")[2..], ["src/a/b", "a/b"]);
        assert_eq!(unbuilt("lib")[..1], ["src/index"]);
        assert!(unbuilt("dist/packages/ui/src/a.js").contains(&"src/a".to_owned()));
        assert_eq!(unbuilt("packages/ui/build/index.esm.js")[0], "packages/ui/src/index");
        assert!(unbuilt("lib/ui/dist/index.js").contains(&"lib/ui/src/index".to_owned()));
        assert!(unbuilt("./index.js").is_empty());
    }

    #[test]
    fn assets_are_known_by_their_extension() {
        assert!(is_asset("./a.css") && is_asset("@/logo.svg") && is_asset("./a.ts?raw"));
        assert!(!is_asset("./a") && !is_asset("chart.js") && !is_asset("./user.service"));
    }
}
