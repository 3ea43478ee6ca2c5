//! What the code of a workspace says, followed from file to file.
//!
//! An edit is answered at once for the file that it is in. What it means to other files is found out beside the
//! requests ([`Workspace::link`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, PoisonError};

use url::Url;

use super::{CodeWorld, Content, Workspace};
use crate::feature::brief::is_brief;
use crate::index::scan::{self, Progress, Scanned};
use crate::index::{Codebase, Index, Open, resolver};
use crate::syntax::ir::Module;
use crate::syntax::{FileFacts, Source};

/// The files, and what happened to them since somebody took a copy to work on.
#[derive(Debug, Default)]
pub(super) struct Code {
    files: Codebase,
    /// Files that were edited, opened or closed since then.
    touched: BTreeSet<Arc<Path>>,
}

impl Workspace {
    fn code(&self) -> std::sync::MutexGuard<'_, Code> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what an open document says; of one that is not read, that it says nothing.
    pub(super) fn take(&self, path: &Arc<Path>, source: Option<&Source>) {
        let config = self.config_of(path);
        let source = source.filter(|_| !config.exclude.excludes(path, false));
        let mut code = self.code();
        let facts = match source {
            Some(source) => code.files.set(path, source.module.clone(), &config.names),
            None => {
                code.files.reread(path, None);
                Arc::default()
            }
        };
        code.touched.insert(path.clone());
        drop(code);
        self.change_index(|index| index.set(path, facts));
    }

    /// Reads closed files from disk again, as a scan would; those that are gone are forgotten. Takes its time.
    /// Answers the files whose facts changed.
    pub fn reread(&self, paths: &[Arc<Path>]) -> Vec<Arc<Path>> {
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (briefs, paths): (Vec<_>, Vec<_>) = paths.iter().partition(|it| is_brief(it));
        self.reread_briefs(briefs.into_iter());
        if paths.is_empty() {
            return Vec::new();
        }
        let roots = self.all_roots().to_scan();
        let (open, closed): (Vec<_>, Vec<_>) = paths.into_iter().partition(|it| self.is_open(it));
        let names: Vec<&Path> = closed.iter().map(|it| &***it).collect();
        let wanted = scan::wanted(&roots, &names);
        let mut code = self.code();
        let mut names_others = false;
        for path in open {
            names_others |= code.files.is_saved_first(path);
        }
        // Somebody may have opened it meanwhile.
        for path in closed.into_iter().filter(|it| !self.is_open(it)) {
            names_others |= code.files.reread(path, wanted.iter().find(|it| *it.path == **path));
            code.touched.insert(path.clone());
        }
        if names_others {
            code.files.resolve_by(resolver(&roots));
        }
        drop(code);
        self.follow()
    }

    /// Follows all names again after edits. Takes its time. Answers the files whose facts changed.
    pub fn link(&self) -> Vec<Arc<Path>> {
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.code().files.is_stale() { self.follow() } else { Vec::new() }
    }

    /// Scans all roots; takes its time. Returns the files that could not be read though they should be.
    pub fn scan(&self, progress: &Progress) -> Vec<Scanned> {
        let _one_at_a_time = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let roots = self.all_roots().to_scan();
        self.code().touched.clear();
        let files = Codebase::read(&roots, resolver(&roots), &self.open_modules(), progress);
        self.find_briefs(&files);
        let skipped = files.files().filter(|it| it.2.is_err());
        let skipped =
            skipped.map(|(path, language, facts)| Scanned { path: path.to_path_buf(), language, facts });
        let skipped: Vec<Scanned> = skipped.collect();
        self.settle(files);
        skipped
    }

    /// The code as a removal sees it.
    pub fn code_world(&self) -> CodeWorld {
        let open = self.documents.iter().filter_map(|it| match &it.content {
            Content::Source(source) => {
                Some((it.key().clone(), source.language, Arc::from(source.text.as_str())))
            }
            _ => None,
        });
        let open: Vec<_> = open.collect();
        let code = self.code().files.clone();
        CodeWorld::new(code, open)
    }

    /// How the client calls a file, and its version of it when it is open there.
    pub fn address_of(&self, path: &Path) -> Option<(Url, Option<i32>)> {
        match self.documents.get(path) {
            Some(document) => Some((document.uri.clone(), Some(document.version))),
            None => Some((Url::from_file_path(path).ok()?, None)),
        }
    }

    fn open_modules(&self) -> BTreeMap<Arc<Path>, Open> {
        let module = |content: &Content| match content {
            Content::Source(source) => Some(source.module.clone()),
            _ => None,
        };
        let open = self.documents.iter().filter_map(|it| Some((it.key().clone(), module(&it.content)?)));
        let open: Vec<_> = open.collect();
        let counted = |(path, module): (Arc<Path>, Arc<Module>)| {
            let config = self.config_of(&path);
            let is_excluded = config.exclude.excludes(&path, false);
            (!is_excluded).then(|| (path, (module, config.names.clone())))
        };
        open.into_iter().filter_map(counted).collect()
    }

    fn follow(&self) -> Vec<Arc<Path>> {
        let mut files = {
            let mut code = self.code();
            code.touched.clear();
            code.files.clone()
        };
        files.link();
        self.settle(files)
    }

    /// Puts files in place that were worked on, with what happened to some of them meanwhile.
    fn settle(&self, files: Codebase) -> Vec<Arc<Path>> {
        let mut code = self.code();
        code.files = files;
        let touched: Vec<Arc<Path>> = code.touched.iter().cloned().collect();
        for path in touched {
            let source = self.documents.get(&path).and_then(|it| match &it.content {
                Content::Source(source) => Some(source.clone()),
                _ => None,
            });
            if let Some(source) = source {
                let names = self.names_of(&path);
                code.files.set(&path, source.module.clone(), &names);
            }
        }
        let facts: Vec<(Arc<Path>, Arc<FileFacts>)> = code
            .files
            .files()
            .filter_map(|(path, _, facts)| Some((path.clone(), facts.ok()?)))
            .filter(|it| !it.1.is_empty())
            .collect();
        let before = self.index();
        let index = Index::new(facts);
        let changed = before.differences(&index);
        self.change_index(|it| {
            *it = index;
            !changed.is_empty()
        });
        drop(code);
        changed
    }
}
