//! Reading files from disk: the walk, and what is not worth reading. The only file reading below the workspace.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ignore::WalkBuilder;
use rayon::prelude::*;

use crate::syntax::{self, FileFacts, Language};
use crate::text::Text;

/// Files above this many bytes are bundles, not source.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Lines longer than this on average are minified code.
const MAX_AVERAGE_LINE: usize = 500;

/// One file that was looked at.
#[derive(Debug)]
pub struct Scanned {
    /// Where it is, below the root that was given.
    pub path: PathBuf,
    /// Its language.
    pub language: Language,
    /// Its facts, or why they were not read.
    pub facts: Result<FileFacts, Skipped>,
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
pub fn scan(roots: &[PathBuf], progress: &Progress) -> Vec<Scanned> {
    let files = walk(roots);
    progress.total.store(files.len(), Ordering::Relaxed);
    let mut scanned: Vec<Scanned> = files
        .into_par_iter()
        .filter(|_| !progress.cancelled.load(Ordering::Relaxed))
        .map(|(path, language)| {
            let facts = read(&path, language);
            progress.done.fetch_add(1, Ordering::Relaxed);
            Scanned { path, language, facts }
        })
        .collect();
    scanned.sort_by(|a, b| a.path.cmp(&b.path));
    scanned
}

/// Reads one closed file.
pub fn read(path: &Path, language: Language) -> Result<FileFacts, Skipped> {
    let file = std::fs::File::open(path)?;
    if file.metadata()?.len() > MAX_FILE_BYTES {
        return Err(Skipped::TooLarge);
    }
    let mut bytes = Vec::new();
    // A file that grows while it is read, or one that claims to be empty (/proc), is not read without end.
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    // UTF-16 hides every word from the sieve.
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Skipped::NotUtf8);
    }
    if !syntax::may_read_flags(language, &bytes) {
        return Ok(FileFacts::default());
    }
    let text = String::from_utf8(bytes).map_err(|_| Skipped::NotUtf8)?;
    if is_minified(&text) {
        return Err(Skipped::Minified);
    }
    Ok(syntax::facts(language, &Text::new(text)))
}

/// Whether a text is code for machines: long, and hardly any lines.
pub fn is_minified(text: &str) -> bool {
    text.len() > 20_000
        && text.len() / (memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1) > MAX_AVERAGE_LINE
}

/// Those of `files` that a scan of `roots` would read.
pub fn wanted<'a>(roots: &[PathBuf], files: &[&'a Path]) -> Vec<&'a Path> {
    // Only the folders above the files are walked, which obeys every ignore file on the way.
    let on_the_way: HashSet<PathBuf> =
        files.iter().flat_map(|it| it.ancestors()).map(Path::to_owned).collect();
    let above = |root: &&PathBuf| files.iter().any(|it| it.starts_with(root));
    let roots: Vec<PathBuf> = roots.iter().filter(above).cloned().collect();
    let walked: HashSet<PathBuf> =
        walk_where(&roots, move |it| on_the_way.contains(it)).into_iter().map(|it| it.0).collect();
    files.iter().copied().filter(|it| walked.contains(*it)).collect()
}

fn walk(roots: &[PathBuf]) -> Vec<(PathBuf, Language)> {
    walk_where(roots, |_| true)
}

fn walk_where(
    roots: &[PathBuf],
    entered: impl Fn(&Path) -> bool + Send + Sync + 'static,
) -> Vec<(PathBuf, Language)> {
    let Some((first, rest)) = roots.split_first() else { return Vec::new() };
    let mut builder = WalkBuilder::new(first);
    for root in rest {
        builder.add(root);
    }
    // Ignore files count outside of a git repository too; node_modules never holds a team's own reads.
    builder.require_git(false).add_custom_ignore_filename(".flaglineignore").filter_entry(move |it| {
        let foreign =
            matches!(it.file_name().to_str(), Some("node_modules" | "__pycache__" | ".venv" | "venv"));
        it.depth() == 0 || (!foreign && entered(it.path()))
    });
    let (sender, receiver) = std::sync::mpsc::channel();
    builder.build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            if let Ok(entry) = entry
                && entry.file_type().is_some_and(|it| it.is_file())
                && let Some(language) = Language::from_path(entry.path())
            {
                // The receiver outlives the walk.
                drop(sender.send((entry.into_path(), language)));
            }
            ignore::WalkState::Continue
        })
    });
    drop(sender);
    let mut files: Vec<_> = receiver.into_iter().collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files.dedup_by(|a, b| a.0 == b.0);
    files
}
