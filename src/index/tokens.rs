//! PostHog's project tokens in the files of a folder: they say which project code runs against.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use ignore::WalkBuilder;
use memchr::memmem;

use super::scan::MAX_FILE_BYTES;

/// What the files say about PostHog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Project tokens, with the number of files that hold each.
    pub tokens: BTreeMap<String, usize>,
    /// Hosts of PostHog's clouds that are named, with the number of files.
    pub hosts: BTreeMap<&'static str, usize>,
}

/// Names of PostHog's clouds in code, and where their API is.
const CLOUDS: [(&str, &str); 4] = [
    ("eu.i.posthog.com", "https://eu.posthog.com"),
    ("eu.posthog.com", "https://eu.posthog.com"),
    ("us.i.posthog.com", "https://us.posthog.com"),
    ("us.posthog.com", "https://us.posthog.com"),
];

/// Reads every text file that git would track, and the `.env` files of the folder itself, which git often ignores.
pub fn traces(folder: &Path) -> Traces {
    let mut traces = Traces::default();
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .require_git(false)
        .filter_entry(|it| {
            !matches!(it.file_name().to_str(), Some(".git" | "node_modules" | ".venv" | "venv"))
        })
        .build();
    let mut read: Vec<_> = walk.flatten().map(ignore::DirEntry::into_path).collect();
    let own = std::fs::read_dir(folder).into_iter().flatten().flatten();
    read.extend(own.filter(|it| it.file_name().to_string_lossy().starts_with(".env")).map(|it| it.path()));
    read.sort();
    read.dedup();
    for path in read.iter().filter(|it| it.is_file()) {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map(|it| it.take(MAX_FILE_BYTES));
        if file.and_then(|mut it| it.read_to_end(&mut bytes)).is_ok() {
            traces.take(&bytes);
        }
    }
    traces
}

impl Traces {
    /// Counts what one file says.
    fn take(&mut self, bytes: &[u8]) {
        let mut tokens: Vec<String> =
            memmem::find_iter(bytes, "phc_").filter_map(|at| token(bytes, at)).collect();
        tokens.sort();
        tokens.dedup();
        for token in tokens {
            *self.tokens.entry(token).or_default() += 1;
        }
        let mut hosts: Vec<_> = CLOUDS
            .iter()
            .filter(|it| memmem::find(bytes, it.0.as_bytes()).is_some())
            .map(|it| it.1)
            .collect();
        hosts.dedup();
        for host in hosts {
            *self.hosts.entry(host).or_default() += 1;
        }
    }
}

/// The token at a place, unless it is a part of a word or a placeholder such as `phc_...`.
fn token(bytes: &[u8], at: usize) -> Option<String> {
    let is_word = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_' || *it == b'-';
    if at > 0 && is_word(&bytes[at - 1]) {
        return None;
    }
    let end = bytes[at..].iter().position(|it| !is_word(it)).map_or(bytes.len(), |it| at + it);
    let token = std::str::from_utf8(&bytes[at..end]).ok()?;
    (token.len() > "phc_".len() + 2).then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_hosts_are_found_in_code_and_in_env_files_that_git_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", ".env\ndist\n");
        write(".env", "NEXT_PUBLIC_POSTHOG_KEY=phc_abc123\n");
        write(
            "src/a.ts",
            "posthog.init('phc_abc123', { api_host: 'https://eu.i.posthog.com' }) // phc_abc123, phc_...",
        );
        write("src/b.py", "Posthog(\"phc_other9\")\nxphc_nope9 = 1");
        write("dist/bundle.js", "phc_ignored1");
        write("node_modules/x/i.js", "phc_foreign1");
        let traces = traces(folder.path());
        let found: Vec<(&str, usize)> = traces.tokens.iter().map(|it| (it.0.as_str(), *it.1)).collect();
        assert_eq!(found, [("phc_abc123", 2), ("phc_other9", 1)]);
        assert_eq!(traces.hosts, BTreeMap::from([("https://eu.posthog.com", 1)]));
    }
}
