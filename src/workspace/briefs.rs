//! The briefs of a workspace: those on disk, and in their place those that an editor has open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::{Content, Workspace, repository};
use crate::analysis::BriefSnapshot;
use crate::feature::brief::{BriefFile, is_brief};
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
    let read = |it: Arc<BriefFile>| (it.path.to_path_buf(), Brief::parse(it.text.as_str()));
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

/// The brief of a flag below one of some folders. An error names the file that might be it and cannot be understood: it
/// says the key between quotes.
pub fn brief_of<'a>(folders: impl Iterator<Item = &'a Path>, key: &FlagKey) -> Result<Option<Found>, String> {
    one_of(&briefs_in(folders), key)
}

fn one_of(briefs: &[Arc<BriefFile>], key: &FlagKey) -> Result<Option<Found>, String> {
    let mut unclear = None;
    for file in briefs {
        match &file.brief {
            Ok(brief) if brief.is_of(key) => {
                return Ok(Some(Found { path: file.path.to_path_buf(), brief: brief.clone() }));
            }
            Err(_) if file.text.as_str().contains(&format!("\"{key}\"")) => {
                let why = Brief::parse(file.text.as_str()).err().unwrap_or_default();
                unclear = unclear.or_else(|| Some(format!("{}: {why}", file.path.display())));
            }
            _ => {}
        }
    }
    unclear.map_or(Ok(None), Err)
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

    /// The brief of a flag. An error names the file that might be it and cannot be understood.
    pub fn brief_of(&self, key: &FlagKey) -> Result<Option<Found>, String> {
        one_of(&self.briefs(), key)
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
