//! The walk over a folder, as git would: ignore files are obeyed, hidden files and what is installed are left out.

use std::path::Path;

use ignore::{DirEntry, WalkBuilder, WalkState};

/// What `keep` makes of the files below `root`, in no order. `entered` refuses files and folders; `root` itself is
/// never refused.
pub(super) fn files<T: Send>(
    root: &Path,
    entered: impl Fn(&DirEntry) -> bool + Send + Sync + 'static,
    keep: impl Fn(&Path) -> Option<T> + Sync,
) -> Vec<T> {
    let mut builder = WalkBuilder::new(root);
    // Ignore files count outside of a git repository too; node_modules never holds a team's own code.
    builder.require_git(false).add_custom_ignore_filename(".flaglineignore").filter_entry(move |it| {
        let name = it.file_name().to_str();
        let is_foreign = matches!(name, Some("node_modules" | "__pycache__" | ".venv" | "venv"));
        it.depth() == 0 || (!is_foreign && entered(it))
    });
    let (sender, receiver) = std::sync::mpsc::channel();
    builder.build_parallel().run(|| {
        let (sender, keep) = (sender.clone(), &keep);
        Box::new(move |entry| {
            if let Ok(entry) = entry
                && entry.file_type().is_some_and(|it| it.is_file())
                && let Some(kept) = keep(entry.path())
            {
                // The receiver outlives the walk.
                drop(sender.send(kept));
            }
            WalkState::Continue
        })
    });
    drop(sender);
    receiver.into_iter().collect()
}
