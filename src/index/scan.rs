//! Reading files from disk: the walk, and what is not worth reading. The only file reading below the workspace.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use rayon::prelude::*;

use super::{Exclude, walk};
use crate::syntax::{self, FileFacts, Language, Names};

/// Files above this many bytes are bundles, not source.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Lines longer than this on average are minified code.
const MAX_AVERAGE_LINE: usize = 500;

/// A folder or file to scan, and how.
#[derive(Debug, Clone, Default)]
pub struct Root {
    /// Where it is.
    pub path: PathBuf,
    /// What is left out of it.
    pub exclude: Arc<Exclude>,
    /// What its settings add to the SDK's names.
    pub names: Arc<Names>,
}

/// One file that was looked at.
#[derive(Debug)]
pub struct Scanned {
    /// Where it is, below the root that was given.
    pub path: PathBuf,
    /// Its language.
    pub language: Language,
    /// Its facts, or why they were not read.
    pub facts: Result<Arc<FileFacts>, Arc<Skipped>>,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Its bytes are no UTF-8, though they mention flags or may do so.
    #[error("is not UTF-8; save it as UTF-8 to have its flags read")]
    NotUtf8,
    /// It is a bundle.
    #[error("is larger than 1 MB, which is taken for a bundle")]
    TooLarge,
    /// Its lines are longer than a person writes.
    #[error("is minified")]
    Minified,
}

/// How far a scan is, told while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files found by the walk.
    pub total: AtomicUsize,
    /// Files looked at.
    pub done: AtomicUsize,
    /// Set it to end the scan early.
    pub cancelled: AtomicBool,
}

/// Walks `roots` as git would (ignore files are obeyed, hidden files skipped) and reads every source file that
/// can hold a read. A root that is a file is read whatever ignore files say. Sorted by path.
pub fn scan(roots: &[Root], progress: &Progress) -> Vec<Scanned> {
    let resolver = super::resolver(roots);
    let codebase = super::Codebase::read(roots, resolver, &BTreeMap::new(), progress);
    let scanned = |(path, language, facts): (&Arc<Path>, Language, Result<Arc<FileFacts>, Arc<Skipped>>)| {
        Scanned { path: path.to_path_buf(), language, facts }
    };
    codebase.files().map(scanned).collect()
}

/// The bytes of a file that may be source.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, Skipped> {
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > MAX_FILE_BYTES {
        return Err(Skipped::TooLarge);
    }
    // One read takes it all, and the room that is left tells that this was the end.
    let mut bytes = Vec::with_capacity(length as usize + 1);
    // A file that grows while it is read, or one that claims to be empty (/proc), is not read without end.
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    // UTF-16 hides every word from the sieve.
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Skipped::NotUtf8);
    }
    Ok(bytes)
}

/// Bytes as the text of a file that a person wrote.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, Skipped> {
    let text = String::from_utf8(bytes).map_err(|_| Skipped::NotUtf8)?;
    if is_minified(&text) { Err(Skipped::Minified) } else { Ok(text) }
}

/// The text of a file that a person wrote.
pub(super) fn read_text(path: &Path) -> Result<String, Skipped> {
    text_of(read_bytes(path)?)
}

/// Whether a text is code for machines: long, and hardly any lines.
pub fn is_minified(text: &str) -> bool {
    text.len() > 20_000
        && text.len() / (memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1) > MAX_AVERAGE_LINE
}

/// Those of `files` that a scan of `roots` would read, with what it would read them by.
pub fn wanted(roots: &[Root], files: &[&Path]) -> Vec<File> {
    // Only the folders above the files are walked, which obeys every ignore file on the way.
    let on_the_way: Arc<HashSet<PathBuf>> =
        Arc::new(files.iter().flat_map(|it| it.ancestors()).map(Path::to_owned).collect());
    let above = |root: &&Root| files.iter().any(|it| it.starts_with(&root.path));
    let roots: Vec<Root> = roots.iter().filter(above).cloned().collect();
    let mut walked = walk_where(&roots, &on_the_way, |on_the_way, it| on_the_way.contains(it));
    walked.retain(|it| files.contains(&&*it.path));
    walked
}

/// The source files of `roots`, by path.
pub(super) fn walk(roots: &[Root]) -> Vec<File> {
    walk_where(roots, &Arc::default(), |_, _| true)
}

/// The files of `roots` that the sieve leaves for the parsers, before anybody asks for more. For measuring it.
pub fn candidates(roots: &[Root]) -> Vec<String> {
    let sifted = |it: File| sift(&it.path, it.language, &it.names).ok().flatten();
    walk(roots).into_par_iter().filter_map(sifted).collect()
}

/// The text of a file, if it has a word that may lead to a read.
pub(super) fn sift(path: &Path, language: Language, names: &Names) -> Result<Option<String>, Skipped> {
    let bytes = read_bytes(path)?;
    match syntax::may_read_flags(language, &bytes, names) {
        true => text_of(bytes).map(Some),
        false => Ok(None),
    }
}

/// A file that the walk found.
#[derive(Debug, Clone)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its language.
    pub language: Language,
    /// The names that count in it.
    pub names: Arc<Names>,
}

fn walk_where(
    roots: &[Root],
    on_the_way: &Arc<HashSet<PathBuf>>,
    entered: fn(&HashSet<PathBuf>, &Path) -> bool,
) -> Vec<File> {
    let mut roots: Vec<&Root> = roots.iter().collect();
    // Where one root lies in another, a file belongs to the inner one.
    roots.sort_by_key(|it| std::cmp::Reverse(it.path.components().count()));
    let mut files = Vec::new();
    for root in roots {
        let on_the_way = on_the_way.clone();
        files.extend(walk_root(root, move |it| entered(&on_the_way, it)));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    files
}

fn walk_root(root: &Root, entered: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Vec<File> {
    let exclude = root.exclude.clone();
    let entered = move |it: &ignore::DirEntry| {
        let is_folder = it.file_type().is_some_and(|it| it.is_dir());
        !exclude.excludes(it.path(), is_folder) && (!is_folder || entered(it.path()))
    };
    let names = &root.names;
    walk::files(&root.path, entered, |path| {
        let language = Language::from_path(path)?;
        Some(File { path: path.to_owned(), language, names: names.clone() })
    })
}
