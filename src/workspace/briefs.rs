//! The briefs of a workspace: those on disk, and in their place those that an editor has open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Content, Workspace, repository};
use crate::analysis::BriefSnapshot;
use crate::feature::brief::{BriefFile, file_name, is_brief};
use crate::feature::{BRIEFS, Brief};
use crate::flags::FlagKey;
use crate::index::Codebase;
use crate::posthog::refresh::Ask;
use crate::text::Text;

/// A brief, and the file that it stands in.
#[derive(Debug)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub brief: Brief,
}

/// The briefs that lie directly below some folders, by path.
pub fn briefs_in<'a>(folders: impl Iterator<Item = &'a Path>) -> Vec<Arc<BriefFile>> {
    let entries = folders.filter_map(|it| fs::read_dir(it.join(BRIEFS)).ok()).flatten().flatten();
    let paths: BTreeSet<PathBuf> = entries.map(|it| it.path()).filter(|it| is_brief(it)).collect();
    paths.into_iter().filter_map(|it| on_disk(&it.into())).collect()
}

/// Every brief below some folders, or why it cannot be read, by the path of its file.
pub fn all_briefs<'a>(folders: impl Iterator<Item = &'a Path>) -> Vec<(PathBuf, Result<Brief, String>)> {
    let read = |it: Arc<BriefFile>| (it.path.to_path_buf(), it.read());
    briefs_in(folders).into_iter().map(read).collect()
}

/// The briefs that count in a folder: those of it and of the folders round it, up to the repository's.
pub fn briefs_round(directory: &Path) -> Vec<(PathBuf, Result<Brief, String>)> {
    let top = super::repository(directory).unwrap_or(directory);
    all_briefs(directory.ancestors().take_while(|it| it.starts_with(top)))
}

/// The briefs that lie beside code, or in a folder and those round it, up to the repository's.
pub fn briefs_of_code<'a>(directory: &Path, code: impl Iterator<Item = &'a Path>) -> Vec<Arc<BriefFile>> {
    let top = super::repository(directory).unwrap_or(directory);
    let mut folders: BTreeSet<&Path> = directory.ancestors().take_while(|it| it.starts_with(top)).collect();
    for path in code {
        for folder in path.ancestors().skip(1) {
            if !folders.insert(folder) {
                break;
            }
        }
    }
    briefs_in(folders.into_iter().filter(|it| it.starts_with(top)))
}

/// The brief of a flag below one of some folders. An error names the file that is meant to be it and cannot be
/// understood, or the two that are.
pub fn brief_of<'a>(folders: impl Iterator<Item = &'a Path>, key: &FlagKey) -> Result<Option<Found>, String> {
    one_of(&briefs_in(folders), key)
}

fn one_of(briefs: &[Arc<BriefFile>], key: &FlagKey) -> Result<Option<Found>, String> {
    let mut of_key = briefs.iter().filter(|it| it.key() == Some(key));
    let Some(file) = of_key.next() else { return meant(briefs, key).map_or(Ok(None), Err) };
    if let Some(other) = of_key.next() {
        return Err(format!(
            "two files are the brief of '{key}': {} and {}; a flag has one, so delete one of them, or give it another \
             key",
            file.path.display(),
            other.path.display()
        ));
    }
    match &file.brief {
        Ok(brief) => Ok(Some(Found { path: file.path.to_path_buf(), brief: brief.clone() })),
        Err(_) => Err(file.problems().unwrap_or_default()),
    }
}

/// What is wrong with a file that may be meant for a flag, and says another key or none: it is called like the flag, or
/// is so broken that the key stands in it somewhere.
fn meant(briefs: &[Arc<BriefFile>], key: &FlagKey) -> Option<String> {
    let name = file_name(key);
    let is_called = |it: &&Arc<BriefFile>| it.path.file_name().is_some_and(|it| *it == *name);
    let says = |it: &&Arc<BriefFile>| {
        it.key().is_none()
            && [format!("\"{key}\""), format!("'{key}'")].iter().any(|of| it.text.as_str().contains(of))
    };
    if let Some(file) = briefs.iter().find(is_called) {
        return Some(match file.key() {
            Some(other) => {
                format!("{} is the brief of '{other}': the key in it decides", file.path.display())
            }
            None => file.problems()?,
        });
    }
    briefs.iter().find(says)?.problems()
}

fn on_disk(path: &Arc<Path>) -> Option<Arc<BriefFile>> {
    let text = fs::read_to_string(path).ok()?;
    Some(Arc::new(BriefFile::new(path.clone(), Text::new(text))))
}

impl Workspace {
    /// All briefs, by path; of an open one what the editor has.
    pub fn briefs(&self) -> Vec<Arc<BriefFile>> {
        self.briefs.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The briefs of the folder in which a file lies: another folder may be about another project.
    pub(super) fn briefs_of(&self, path: &Path) -> Arc<[Arc<BriefFile>]> {
        let roots = self.all_roots();
        let root = |it: &Path| roots.around(it).map(|it| it.path.clone());
        let own = root(path);
        self.briefs().into_iter().filter(|it| root(&it.path) == own).collect()
    }

    /// The brief of a flag that a document is about: the document itself, else one of the folder where its briefs lie,
    /// else of its root, else of another one, where the same key may be another flag. An error names the file that might
    /// be it and cannot be understood.
    pub fn brief_of(&self, key: &FlagKey, near: Option<&Path>) -> Result<Option<Found>, String> {
        let home = self.brief_home(near);
        let briefs = self.briefs_now(home.as_deref());
        let roots = self.all_roots();
        let root = |it: &Path| roots.around(it).map(|it| &it.path);
        // Of a document that lies in no folder, the first folder's home is not its own.
        let near = near.filter(|it| root(it).is_some());
        let farness = |it: &Path| match near {
            None => 3,
            Some(near) if it == near => 0,
            Some(_) if it.parent().and_then(Path::parent) == home.as_deref() => 1,
            Some(near) if root(it) == root(near) => 2,
            Some(_) => 3,
        };
        let of_key = briefs.iter().filter(|it| it.key() == Some(key));
        let Some(nearest) = of_key.map(|it| farness(&it.path)).min() else { return one_of(&briefs, key) };
        let nearest: Vec<_> = briefs.into_iter().filter(|it| farness(&it.path) == nearest).collect();
        one_of(&nearest, key)
    }

    /// All briefs, those of closed files as they are on disk in this moment: not every client tells of new files.
    fn briefs_now(&self, home: Option<&Path>) -> Vec<Arc<BriefFile>> {
        let known = self.briefs();
        let folder_of = |it: &Arc<BriefFile>| it.path.parent()?.parent().map(Path::to_owned);
        let folders: BTreeSet<PathBuf> =
            known.iter().filter_map(folder_of).chain(self.roots()).chain(home.map(Path::to_owned)).collect();
        let closed =
            briefs_in(folders.iter().map(|it| &**it)).into_iter().filter(|it| !self.is_open(&it.path));
        known.iter().filter(|it| self.is_open(&it.path)).cloned().chain(closed).collect()
    }

    /// A brief with everything that an answer about it depends on.
    pub fn brief_snapshot(&self, path: &Path, now: Timestamp) -> Option<BriefSnapshot> {
        let mut briefs = self.briefs();
        let at = briefs.iter().position(|it| *it.path == *path)?;
        let file = briefs.swap_remove(at);
        let roots = self.all_roots();
        // Another folder may be about another project, where the same key is another flag.
        let root = |it: &Path| roots.around(it).map(|it| it.path.clone());
        let own = root(path);
        briefs.retain(|it| root(&it.path) == own);
        briefs.sort_by(|a, b| a.path.cmp(&b.path));
        let config = roots.config_of(path).clone();
        let mirror = self.mirror_of(&config).into();
        Some(BriefSnapshot { file, others: briefs, index: self.index(), mirror, config, now })
    }

    /// Somebody writes a brief: what PostHog has to choose from is wanted, of the project that counts there.
    pub fn want_catalog(&self, path: &Path) {
        if let Some(environment) = self.config_of(path).environments.first() {
            self.refresh.ask(Ask::Catalog(environment.host.clone(), environment.project));
        }
    }

    /// The refresh task is told which flags have a brief, while nobody changes them.
    fn tell_briefs(&self, briefs: &BTreeMap<Arc<Path>, Arc<BriefFile>>) {
        let keys = briefs.values().filter_map(|it| it.key().cloned()).collect();
        self.refresh.ask(Ask::Briefs(keys));
    }

    /// Takes what an editor has of a brief.
    pub(super) fn take_brief(&self, path: &Arc<Path>, content: &Content) {
        if let Content::Toml(text) = content
            && is_brief(path)
        {
            let file = Arc::new(BriefFile::new(path.clone(), text.clone()));
            let mut briefs = self.briefs.lock().unwrap_or_else(PoisonError::into_inner);
            briefs.insert(path.clone(), file);
            self.tell_briefs(&briefs);
        }
    }

    /// Reads closed briefs from disk again; those that are gone are forgotten.
    pub(super) fn reread_briefs<'a>(&self, paths: impl Iterator<Item = &'a Arc<Path>>) {
        for path in paths.filter(|it| !self.is_open(it)) {
            let file = on_disk(path);
            let mut briefs = self.briefs.lock().unwrap_or_else(PoisonError::into_inner);
            match file {
                // Somebody may have opened it meanwhile.
                _ if self.is_open(path) => {}
                Some(file) => drop(briefs.insert(path.clone(), file)),
                None => drop(briefs.remove(path)),
            }
            self.tell_briefs(&briefs);
        }
    }

    /// Looks for briefs in the folders of the code, and above the roots as far as the repository goes, or else as far as
    /// their settings: briefs lie beside `flagline.toml`.
    pub(super) fn find_briefs(&self, code: &Codebase) {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for root in self.roots() {
            let settings = self.settings_file_of(&root);
            let top = repository(&root).or_else(|| settings.as_deref()?.parent()).unwrap_or(&root);
            folders.extend(root.ancestors().take_while(|it| it.starts_with(top)).map(Path::to_owned));
            folders.insert(root);
        }
        for (path, ..) in code.files() {
            for folder in path.ancestors().skip(1) {
                if !folders.insert(folder.to_owned()) {
                    break;
                }
            }
        }
        let found = briefs_in(folders.iter().map(|it| &**it));
        let mut briefs = self.briefs.lock().unwrap_or_else(PoisonError::into_inner);
        briefs.retain(|path, _| self.is_open(path));
        for file in found {
            briefs.entry(file.path.clone()).or_insert(file);
        }
        self.tell_briefs(&briefs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)], key: &str) -> Result<Option<PathBuf>, String> {
        let file = |it: &(&str, &str)| Arc::new(BriefFile::new(Path::new(it.0).into(), Text::new(it.1)));
        let briefs: Vec<Arc<BriefFile>> = files.iter().map(file).collect();
        one_of(&briefs, &key.into()).map(|it| it.map(|it| it.path))
    }

    #[test]
    fn a_flag_has_one_brief() {
        let right = ("a.toml", "key = \"a\"");
        assert_eq!(of(&[right], "a"), Ok(Some("a.toml".into())));
        assert_eq!(of(&[right], "b"), Ok(None));
        // One that is wrong counts too.
        for second in ["key = 'a'", "key = \"a\"\nkeyy = 1"] {
            let told = of(&[right, ("b.toml", second)], "a").unwrap_err();
            assert!(told.starts_with("two files are the brief of 'a': a.toml and b.toml; "), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_meant_says_what_is_wrong_in_it() {
        let told = |text: &str| of(&[("other.toml", "key = \"b\""), ("k.toml", text)], "k").unwrap_err();
        assert_eq!(told("key = 5"), "k.toml: line 1: expected text, not a number");
        assert_eq!(told("name = \"K\""), "k.toml: line 1: key is missing");
        assert_eq!(told("key = 'kk'"), "k.toml is the brief of 'kk': the key in it decides");
        assert_eq!(
            told("key = 'k'\nkeyy = 1\nowner = \"ada\""),
            "k.toml cannot be read as a brief:\n  line 2: no such key: keyy; did you mean key?\n  line 3: expected an \
             e-mail address, not \"ada\""
        );
        let elsewhere = of(&[("other.toml", "[key]\nkey = 'k'\n")], "k").unwrap_err();
        assert!(elsewhere.starts_with("other.toml"), "{elsewhere}");
        let many = told(&(1..30).map(|n| format!("k{n} = 1\n")).collect::<String>());
        assert!(many.ends_with("\n  and 9 more"), "{many}");
    }
}
