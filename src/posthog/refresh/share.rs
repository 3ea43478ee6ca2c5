//! Several processes with one project: an editor with two windows, another editor, a command.
//!
//! A lock beside the mirror on disk says who asks PostHog for what all of them need: the flags. The system releases it
//! when its holder ends, however that happens. The others read the mirror when it changed, and take over once the
//! lock is free; commands never look at it. Whoever cannot ask, or has nobody who types, does not hold it.
//!
//! What only some of them need (the exposure and the activity of the keys that they read) is asked for by whoever
//! lacks it. To ask for little twice, the others wait a moment for what the holder may be about to write, and then ask
//! for what is still missing or old; two of them that lack the same part in the same seconds both ask for it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::flags::{Environment, Flag, FlagList};
use crate::posthog::disk;

/// How often the others look at the lock and at the mirror on disk, while somebody is active.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A mirror that did not change for so long has a holder that sleeps or hangs, whatever the lock says.
const SILENT_AFTER: Duration = Duration::from_secs(5 * 60);
/// How long a holder may take to write a first mirror.
const FIRST_AFTER: Duration = Duration::from_secs(30);
/// How much later than the holder the others ask for what they lack.
pub(super) const AFTER_HOLDER: Duration = Duration::from_secs(5);
/// How long one waits for another's write. The locked part takes milliseconds; a process that was stopped in it must
/// not stop all others.
const WRITE_PATIENCE: Duration = Duration::from_secs(1);

/// How a task shares its project.
pub(super) struct Share {
    /// `Some` = this task asks for all.
    lock: Option<File>,
    /// When it was last looked.
    pub(super) looked: Option<Instant>,
    /// Since when another one is waited for.
    waits_since: Instant,
    /// When the mirror on disk last changed, as seen from here.
    news: Instant,
}

impl Share {
    pub(super) fn new(now: Instant) -> Share {
        Share { lock: None, looked: None, waits_since: now, news: now }
    }

    pub(super) fn holds(&self) -> bool {
        self.lock.is_some()
    }

    /// Whether to ask for all, be it because the holder does not.
    pub(super) fn leads(&self, now: Instant, has_flags: bool) -> bool {
        let is_silent = match has_flags {
            true => now > self.news + SILENT_AFTER,
            false => now > self.waits_since + FIRST_AFTER,
        };
        self.holds() || is_silent
    }

    /// Takes the lock if nobody has it. Returns whether it took over from somebody.
    pub(super) fn try_hold(&mut self, mirror: &Path, now: Instant) -> bool {
        let is_first = self.looked.replace(now).is_none();
        self.lock = try_hold(mirror);
        self.holds() && !is_first
    }

    /// Lets others ask.
    pub(super) fn release(&mut self, now: Instant) {
        *self = Share { looked: self.looked, ..Share::new(now) };
    }

    pub(super) fn note_news(&mut self, now: Instant) {
        self.news = now;
    }
}

/// Takes the lock, if nobody has it. Where files cannot be locked, everybody asks for himself.
fn try_hold(mirror: &Path) -> Option<File> {
    let file = match open(&mirror.with_extension("lock")) {
        Ok(file) => file,
        Err(error) => {
            tracing::debug!(%error, "no lock beside the mirror");
            return None;
        }
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => None,
        Ok(()) | Err(fs::TryLockError::Error(_)) => Some(file),
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// One state of the mirror on disk. Several may be written within one tick of the system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) written: SystemTime,
    size: u64,
    /// Every write makes a new file; 0 where the system does not number them.
    number: u64,
}

/// The state in which the mirror lies on disk.
pub(super) fn version(mirror: &Path) -> Option<Version> {
    let file = fs::metadata(mirror).ok()?;
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&file);
    #[cfg(not(unix))]
    let number = 0;
    Some(Version { written: file.modified().ok()?, size: file.len(), number })
}

/// Writes what is known together with what another process wrote since `seen`. Returns what is known then, and what
/// lies on disk.
pub(super) fn save(
    mirror: &Path,
    mut known: Environment,
    seen: Option<Version>,
) -> (Environment, Option<Version>) {
    // Held from reading to writing, so that nothing comes between.
    let _writing = lock_for_writing(&mirror.with_extension("writing"));
    if version(mirror) != seen
        && let Some(theirs) = disk::load(mirror, &known.name, &known.host)
    {
        merge(&mut known, theirs);
    }
    if let Err(error) = disk::save(mirror, &known) {
        tracing::warn!(path = %mirror.display(), %error, "the mirror cannot be kept on disk");
    }
    let written = version(mirror);
    (known, written)
}

fn lock_for_writing(path: &Path) -> Option<File> {
    let file = open(path).ok()?;
    let begun = std::time::Instant::now();
    while let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
        if begun.elapsed() > WRITE_PATIENCE {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(file)
}

/// Adds what another process knows, part by part: of each, the one that was fetched later.
pub(super) fn merge(ours: &mut Environment, theirs: Environment) {
    if ours.project.as_ref().map(|it| it.id) != theirs.project.as_ref().map(|it| it.id) {
        return;
    }
    ours.flags = match (ours.flags.take(), theirs.flags) {
        (Some(ours), Some(theirs)) if ours.fetched_at >= theirs.fetched_at => Some(merged(ours, theirs)),
        (Some(ours), Some(theirs)) => Some(merged(theirs, ours)),
        (ours, theirs) => ours.or(theirs),
    };
    for (key, it) in theirs.exposure {
        if ours.exposure.get(&key).is_none_or(|ours| ours.fetched_at < it.fetched_at) {
            ours.exposure.insert(key, it);
        }
    }
    // Whoever asked has all of them.
    if ours.experiments.is_empty() {
        ours.experiments = theirs.experiments;
    }
    if ours.schedules.is_empty() {
        ours.schedules = theirs.schedules;
    }
    if ours.cohorts.is_empty() {
        ours.cohorts = theirs.cohorts;
    }
    if ours.early_access.is_empty() {
        ours.early_access = theirs.early_access;
    }
    ours.queries.extend(theirs.queries);
    for (id, it) in theirs.history {
        if ours.history.get(&id).is_none_or(|ours| ours.fetched_at < it.fetched_at) {
            ours.history.insert(id, it);
        }
    }
}

/// The list that was fetched later, with the flags that changed after that.
fn merged(mut later: FlagList, earlier: FlagList) -> FlagList {
    later.read_at = later.read_at.max(earlier.read_at);
    let state = |it: &Flag| (it.version, it.updated_at);
    let here: std::collections::HashMap<u64, Arc<Flag>> =
        later.by_key.values().map(|it| (it.id, it.clone())).collect();
    for (_, flag) in earlier.by_key {
        let is_news = match here.get(&flag.id) {
            Some(known) => state(known) < state(&flag),
            // Else it vanished from the list.
            None => flag.updated_at.or(flag.created_at).is_some_and(|it| it > later.fetched_at),
        };
        if is_news {
            super::compare::replace(&mut later, flag);
        }
    }
    later
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{History, Project};
    use crate::posthog::wire;
    use jiff::Timestamp;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An environment with flags (id, version, second of the last change) as of a second.
    fn environment(fetched: i64, flags: &[(u64, i64, i64)]) -> Environment {
        let flag = |(id, version, updated): &(u64, i64, i64)| {
            let json = json!({ "id": id, "key": format!("flag-{id}"), "version": version, "updated_at": at(*updated) });
            Arc::new(Flag::from(serde_json::from_value::<wire::Flag>(json).unwrap()))
        };
        Environment {
            project: Some(Project { id: 1, name: "Acme".into() }),
            host: "https://ph.example".into(),
            flags: Some(FlagList::new(flags.iter().map(flag), at(fetched))),
            ..Environment::default()
        }
    }

    fn with_history(mut it: Environment, id: u64, fetched: i64) -> Environment {
        let history =
            History { version: Some(1), entries: Vec::new(), complete: true, fetched_at: at(fetched) };
        it.history.insert(id, Arc::new(history));
        it
    }

    fn versions(it: &Environment) -> Vec<(u64, Option<i64>)> {
        let mut all: Vec<_> =
            it.flags.iter().flat_map(|it| it.by_key.values()).map(|it| (it.id, it.version)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn of_each_part_the_later_one_stays() {
        let one = environment(100, &[(1, 3, 105), (2, 1, 50), (3, 1, 60), (4, 1, 110)]);
        let two = environment(101, &[(1, 2, 99), (2, 2, 100)]);
        // 1 changed after the second list, 3 vanished from it, 4 was made after it.
        let expected = [(1, Some(3)), (2, Some(2)), (4, Some(1))];
        for (mut ours, theirs) in [(one.clone(), two.clone()), (two, one)] {
            merge(&mut ours, theirs);
            assert_eq!(versions(&ours), expected);
            assert_eq!(ours.flags.unwrap().fetched_at, at(101));
        }
        let mut ours = with_history(with_history(environment(1, &[]), 1, 5), 2, 7);
        merge(&mut ours, with_history(with_history(environment(1, &[]), 1, 6), 2, 6));
        assert_eq!([1, 2].map(|it| ours.history[&it].fetched_at), [at(6), at(7)]);
    }

    #[test]
    fn two_writers_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ph-1.json");
        let writers: Vec<_> = (0..8_u64)
            .map(|id| {
                let path = path.clone();
                std::thread::spawn(move || {
                    save(&path, with_history(environment(1, &[]), id, 1), None);
                })
            })
            .collect();
        writers.into_iter().for_each(|it| it.join().unwrap());
        let loaded = disk::load(&path, &"".into(), &"https://ph.example".into()).unwrap();
        assert_eq!(loaded.history.len(), 8);
    }

    #[test]
    fn one_holds_and_its_end_frees() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/ph-1.json");
        let holder = try_hold(&path);
        assert!(holder.is_some() && try_hold(&path).is_none());
        drop(holder);
        assert!(try_hold(&path).is_some());
    }
}
