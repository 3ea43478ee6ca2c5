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
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::due::Part;
use crate::flags::{Environment, Flag, FlagList};
use crate::posthog::confirmed::{Confirmed, Version};
use crate::posthog::disk;

/// How often the others look at the lock and at the mirror on disk, while somebody is active.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(3);
/// A mirror that was neither changed nor confirmed for so long has a holder that sleeps or hangs, whatever the lock
/// says.
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
    /// When the mirror on disk was last changed or confirmed, as seen from here.
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

/// The mirror on disk as it was last looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    pub(super) version: Option<Version>,
    pub(super) confirmed: Option<Confirmed>,
    /// Whether what it holds is known here; that of another host, or of a Flagline too new, is not.
    pub(super) is_taken: bool,
    /// What it holds ([`disk::digest`]), once that was worked out.
    digest: Option<u64>,
}

impl Seen {
    /// As it is now, before anything of it is taken.
    pub(super) fn now(mirror: &Path) -> Seen {
        let version = Version::of(mirror);
        let confirmed = version.and_then(|it| Confirmed::read(mirror, it));
        Seen { version, confirmed, is_taken: false, digest: None }
    }

    /// When whoever keeps the mirror last asked PostHog.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        self.version.and_then(Version::written).max(self.confirmed.map(|it| it.asked_at))
    }
}

/// Writes what is known together with what another process wrote since `seen`; where the mirror on disk holds it
/// already, it is only confirmed. Returns what is known then, and what lies on disk.
pub(super) fn save(
    mirror: &Path,
    mut known: Environment,
    mut seen: Seen,
    now: Timestamp,
) -> (Environment, Seen) {
    // Held from reading to writing, so that nothing comes between.
    let _writing = lock_for_writing(&mirror.with_extension("writing"));
    let there = Seen::now(mirror);
    if there.version != seen.version {
        let theirs = disk::load(mirror, &known.name, &known.host);
        seen.digest = theirs.as_ref().and_then(disk::digest);
        if let Some(theirs) = theirs {
            merge(&mut known, theirs);
        }
    } else if let Some(confirmed) = there.confirmed.filter(|_| seen.is_taken) {
        confirmed.apply(&mut known);
    }
    let digest = disk::digest(&known);
    let is_there = digest.is_some() && digest == seen.digest;
    let written = match (there.version.filter(|_| is_there), &known.flags) {
        (Some(version), Some(list)) => Confirmed::write(mirror, version, list, now),
        _ => disk::save(mirror, &known),
    };
    let digest = match written {
        Ok(()) => digest,
        Err(error) => {
            tracing::warn!(path = %mirror.display(), %error, "the mirror cannot be kept on disk");
            None
        }
    };
    (known, Seen { is_taken: true, digest, ..Seen::now(mirror) })
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
    for (id, it) in theirs.results {
        if ours.results.get(&id).is_none_or(|ours| ours.fetched_at < it.fetched_at) {
            ours.results.insert(id, it);
        }
    }
    for (key, it) in theirs.evidence {
        if ours.evidence.get(&key).is_none_or(|ours| ours.fetched_at < it.fetched_at) {
            ours.evidence.insert(key, it);
        }
    }
    // Whoever asked has all of them.
    let is_newer = |part: Part| theirs.plans_at.get(part.name()) > ours.plans_at.get(part.name());
    if ours.experiments.is_empty() || is_newer(Part::Experiments) {
        ours.experiments = theirs.experiments;
    }
    if ours.schedules.is_empty() || is_newer(Part::Schedules) {
        ours.schedules = theirs.schedules;
    }
    if ours.cohorts.is_empty() || is_newer(Part::Cohorts) {
        ours.cohorts = theirs.cohorts;
    }
    if ours.early_access.is_empty() || is_newer(Part::EarlyAccess) {
        ours.early_access = theirs.early_access;
    }
    for (part, at) in theirs.plans_at {
        let known = ours.plans_at.entry(part).or_insert(at);
        *known = at.max(*known);
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
                    save(&path, with_history(environment(1, &[]), id, 1), Seen::default(), at(1));
                })
            })
            .collect();
        writers.into_iter().for_each(|it| it.join().unwrap());
        let loaded = disk::load(&path, &"".into(), &"https://ph.example".into()).unwrap();
        assert_eq!(loaded.history.len(), 8);
    }

    #[test]
    fn what_is_there_already_is_only_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ph-1.json");
        let load = || disk::load(&path, &"".into(), &"https://ph.example".into()).unwrap();
        let fetched = |it: Environment| it.flags.unwrap().fetched_at;
        // More than one, whose order in memory is another one each time.
        let known = |second| environment(second, &[(1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1)]);
        let (_, first) = save(&path, known(10), Seen::default(), at(10));
        let mut seen = first;
        for second in 11..20 {
            seen = save(&path, known(second), seen, at(second)).1;
            assert_eq!((seen.version, fetched(load())), (first.version, at(second)));
            assert!(seen.asked_at() >= Some(at(second)));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let beside = path.with_extension(crate::posthog::confirmed::EXTENSION);
            assert_eq!(fs::metadata(beside).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // Another process knows what there is once it has read it, and no time goes back.
        let (late, seen) = save(&path, known(5), Seen::default(), at(20));
        assert_eq!((seen.version, fetched(late), fetched(load())), (first.version, at(19), at(19)));
        // What changed is written, and what was confirmed of its predecessor says nothing.
        let copy = fs::read(&path).unwrap();
        let changed = environment(21, &[(1, 2, 21), (2, 1, 1), (3, 1, 1), (4, 1, 1)]);
        let (_, changed) = save(&path, changed, seen, at(21));
        assert_ne!(changed.version, first.version);
        save(&path, load(), changed, at(22));
        assert_eq!(Confirmed::read(&path, first.version.unwrap()), None);
        assert!(Seen::now(&path).confirmed.is_some());
        // Nor does it say anything of a file that was put back.
        fs::write(&path, copy).unwrap();
        assert_eq!((Seen::now(&path).confirmed, fetched(load())), (None, at(10)));
        // Where the mirror is gone it is written again.
        fs::remove_file(&path).unwrap();
        save(&path, known(30), changed, at(30));
        assert_eq!(fetched(load()), at(30));
    }

    #[test]
    fn what_is_not_understood_confirms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ph-1.json");
        let theirs = Environment { host: "https://other.example".into(), ..environment(10, &[(1, 1, 1)]) };
        let list = environment(90, &[]).flags.unwrap();
        for is_seen in [false, true] {
            disk::save(&path, &theirs).unwrap();
            Confirmed::write(&path, Version::of(&path).unwrap(), &list, at(90)).unwrap();
            let seen = if is_seen { Seen::now(&path) } else { Seen::default() };
            let (known, _) = save(&path, environment(20, &[(1, 1, 1)]), seen, at(20));
            assert_eq!(known.flags.unwrap().fetched_at, at(20));
        }
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
