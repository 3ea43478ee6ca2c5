//! `package.json`: what a package is called, and which files stand for it.

use std::collections::HashMap;

use super::json::Json;

/// What a `package.json` says about resolution.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Manifest {
    /// What imports call the package.
    pub(super) name: Option<String>,
    /// Its entry points, the most telling first.
    pub(super) fields: Vec<String>,
    /// Its subpaths, if it has a list of them.
    exports: Option<Json>,
    /// Its own names, which begin with `#`.
    pub(super) imports: Option<Json>,
    /// Patterns for the folders of the workspace's packages.
    pub(super) workspaces: Vec<String>,
    /// The `tsconfig.json` that the package shares.
    pub(super) tsconfig: Option<String>,
    /// The packages that it asks for, and in which versions.
    pub(super) dependencies: HashMap<String, String>,
    /// The packages that it asks those for who use it; which versions it gets is for them to say.
    peers: Vec<String>,
    version: Option<String>,
}

/// What a list of subpaths says about one of them.
#[derive(Debug, PartialEq)]
pub(super) enum Exported {
    /// Where it may be, the most telling first.
    Targets(Vec<String>),
    /// Nobody may import it.
    Hidden,
    /// It is not in the list.
    Unlisted,
}

impl Manifest {
    /// Reads a file's text; `None` for one that is no JSON.
    pub(super) fn parse(text: &str) -> Option<Manifest> {
        let json = Json::parse(text)?;
        let text = |name: &str| json.get(name).and_then(Json::text).map(str::to_owned);
        let workspaces = json.get("workspaces").map(|it| it.get("packages").unwrap_or(it).texts());
        Some(Manifest {
            name: text("name").filter(|it| !it.is_empty()),
            fields: ["source", "module", "main", "types", "typings"]
                .iter()
                .filter_map(|it| text(it))
                .collect(),
            exports: json.get("exports").filter(|it| **it != Json::Null).cloned(),
            imports: json.get("imports").cloned(),
            workspaces: workspaces.unwrap_or_default(),
            tsconfig: text("tsconfig"),
            dependencies: ["devDependencies", "dependencies"]
                .iter()
                .flat_map(|it| dependencies(&json, it))
                .collect(),
            peers: dependencies(&json, "peerDependencies").map(|it| it.0).collect(),
            version: text("version"),
        })
    }

    /// The packages that it works with, its peers among them.
    pub(super) fn needs(&self) -> impl Iterator<Item = &String> {
        self.dependencies.keys().chain(&self.peers)
    }

    /// Whether a package that asks for this version may get this one. Teams call their apps like packages of the
    /// registry (`storybook`), so the rule of the package managers counts, if only by the first number.
    pub(super) fn satisfies(&self, range: &str) -> bool {
        let number = |it: &str| {
            let digits = it.trim_start_matches(|it: char| !it.is_ascii_digit());
            digits.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default().to_owned()
        };
        match range {
            _ if ["workspace:", "link:", "file:", "portal:"].iter().any(|it| range.starts_with(it)) => true,
            "" | "*" | "x" | "latest" => true,
            // pnpm's name for a version of the registry.
            _ if range.starts_with("catalog:") => false,
            _ => self.version.as_deref().is_some_and(|it| number(it) == number(range)),
        }
    }

    /// What `exports` says about a subpath; the package itself is the empty one.
    pub(super) fn exported(&self, subpath: &str) -> Exported {
        let Some(exports) = &self.exports else { return Exported::Unlisted };
        let subpaths = exports.members().iter().any(|(key, _)| key.starts_with('.'));
        match (subpaths, subpath) {
            (true, "") => listed(exports, "."),
            (true, _) => listed(exports, &format!("./{subpath}")),
            (false, "") => targets(exports, ""),
            (false, _) => Exported::Unlisted,
        }
    }

    /// What `imports` says about a name that begins with `#`.
    pub(super) fn imported(&self, name: &str) -> Exported {
        self.imports.as_ref().map_or(Exported::Unlisted, |it| listed(it, name))
    }
}

fn dependencies(json: &Json, field: &str) -> impl Iterator<Item = (String, String)> {
    let listed = json.get(field).map(Json::members).unwrap_or_default();
    listed.iter().filter_map(|(name, range)| Some((name.clone(), range.text()?.to_owned())))
}

/// Finds the entry for `name`: its own, or the pattern with the longest text before the star.
fn listed(entries: &Json, name: &str) -> Exported {
    if let Some(value) = entries.get(name) {
        return targets(value, "");
    }
    let matching = entries.members().iter().filter_map(|(key, value)| {
        let (prefix, suffix) = key.split_once('*').or_else(|| key.ends_with('/').then_some((key, "")))?;
        let star = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        Some((prefix.len(), star, value))
    });
    match matching.max_by_key(|(length, ..)| *length) {
        Some((_, star, value)) => targets(value, star),
        None => Exported::Unlisted,
    }
}

fn targets(value: &Json, star: &str) -> Exported {
    let mut targets = Vec::new();
    collect(value, star, &mut targets);
    match targets.is_empty() {
        true => Exported::Hidden,
        false => Exported::Targets(targets),
    }
}

/// Longer targets, and more of them for one subpath, are nobody's.
const MAX_TARGET: usize = 512;
const MAX_TARGETS: usize = 64;

/// Every alternative counts, since the first often is a build that a clone does not have.
fn collect(value: &Json, star: &str, targets: &mut Vec<String>) {
    match value {
        _ if targets.len() == MAX_TARGETS => {}
        Json::Text(text) if text.len() > MAX_TARGET => {}
        Json::Text(text) if text.contains('*') => targets.push(text.replace('*', star)),
        // An entry for a folder, which Node no longer knows.
        Json::Text(text) if text.ends_with('/') => targets.push(format!("{text}{star}")),
        Json::Text(text) => targets.push(text.clone()),
        Json::List(list) => list.iter().for_each(|it| collect(it, star, targets)),
        Json::Map(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(condition, _)| rank(condition));
            members.iter().for_each(|(_, value)| collect(value, star, targets));
        }
        Json::Null | Json::Other => {}
    }
}

/// Conditions for sources go first; teams have their own words for them (`@acme/source`). Those that every tool
/// knows follow in the order of the file, and last the others.
fn rank(condition: &str) -> u8 {
    match condition {
        _ if condition.contains("source") || condition.contains("src") => 0,
        "development" => 1,
        "types" | "import" | "module" | "require" | "default" => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exported(exports: &str, subpath: &str) -> Exported {
        Manifest::parse(&format!(r#"{{ "exports": {exports} }}"#)).unwrap().exported(subpath)
    }

    fn to(targets: &[&str]) -> Exported {
        Exported::Targets(targets.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn exports_are_read_in_every_shape() {
        assert_eq!(exported(r#""./a.js""#, ""), to(&["./a.js"]));
        assert_eq!(exported(r#"["./a.js", "./b.js"]"#, ""), to(&["./a.js", "./b.js"]));
        assert_eq!(
            exported(r#"{"node":"./n.js","types":"./t.d.ts","import":{"@acme/source":"./s.ts"}}"#, ""),
            to(&["./t.d.ts", "./s.ts", "./n.js"])
        );
        assert_eq!(exported(r#"{".":"./a.js","./b/*":"./dist/b/*.js"}"#, "b/c/d"), to(&["./dist/b/c/d.js"]));
        assert_eq!(exported(r#"{"./*":"./dist/*.js","./secret/*":null}"#, "secret/a"), Exported::Hidden);
        assert_eq!(exported(r#"{"./*/x":"./dist/*/x.js","./b/*":"./B/*"}"#, "b/x"), to(&["./B/x"]));
        assert_eq!(exported(r#"{".":"./a.js"}"#, "b"), Exported::Unlisted);
        assert_eq!(exported("null", ""), Exported::Unlisted);
        assert_eq!(exported(r#"{"./b/":"./dist/b/"}"#, "b/c.js"), to(&["./dist/b/c.js"]));
    }
}
