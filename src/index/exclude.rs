use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Files and folders that are not read, as gitignore patterns relative to a folder.
#[derive(Debug, Clone)]
pub struct Exclude {
    folder: PathBuf,
    patterns: Vec<String>,
    matcher: Gitignore,
}

impl Default for Exclude {
    fn default() -> Exclude {
        Exclude { folder: PathBuf::new(), patterns: Vec::new(), matcher: Gitignore::empty() }
    }
}

impl PartialEq for Exclude {
    fn eq(&self, other: &Exclude) -> bool {
        (&self.folder, &self.patterns) == (&other.folder, &other.patterns)
    }
}

impl Exclude {
    /// Compiles patterns; those that are none are told by their index, the others count.
    pub fn new(folder: &Path, patterns: Vec<String>) -> (Exclude, Vec<(usize, String)>) {
        let mut builder = GitignoreBuilder::new(folder);
        let mut wrong = Vec::new();
        for (at, pattern) in patterns.iter().enumerate() {
            if let Err(error) = builder.add_line(None, pattern) {
                wrong.push((at, error.to_string()));
            }
        }
        let matcher = builder.build().unwrap_or_else(|error| {
            wrong.push((0, error.to_string()));
            Gitignore::empty()
        });
        (Exclude { folder: folder.to_owned(), patterns, matcher }, wrong)
    }

    /// Whether a file or folder is left out, itself or by a folder above it.
    pub fn excludes(&self, path: &Path, is_folder: bool) -> bool {
        // The matcher must not see a path outside of its folder.
        let Ok(inside) = path.strip_prefix(&self.folder) else { return false };
        !self.patterns.is_empty() && self.matcher.matched_path_or_any_parents(inside, is_folder).is_ignore()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore() {
        let patterns = ["generated/", "*.stories.tsx", "/legacy", "!legacy/keep.ts"];
        let (exclude, wrong) = Exclude::new(Path::new("/app"), patterns.map(str::to_owned).to_vec());
        assert!(wrong.is_empty(), "{wrong:?}");
        let excluded = |path: &str| exclude.excludes(Path::new(path), false);
        assert!(excluded("/app/web/generated/a.ts") && excluded("/app/src/a.stories.tsx"));
        assert!(excluded("/app/legacy/a.ts") && !excluded("/app/web/legacy/a.ts"));
        assert!(!excluded("/other/generated/a.ts") && !excluded("/app/src/a.ts"));
    }

    #[test]
    fn a_pattern_that_is_none_is_told_and_the_others_count() {
        let patterns = vec!["[z-a]".to_owned(), "*.gen.ts".to_owned()];
        let (exclude, wrong) = Exclude::new(Path::new("/app"), patterns);
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].0, 0);
        assert!(exclude.excludes(Path::new("/app/a.gen.ts"), false));
    }
}
