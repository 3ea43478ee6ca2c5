//! When the mirror on disk was last found to be what PostHog has. Most refreshes change nothing else, and the mirror of
//! a large project takes megabytes, so that a small file beside it says when.
//!
//! That file names the state of the mirror that it is about. Beside any other one, be it newer or put back from
//! somewhere, it says nothing. An older Flagline does not know it, and takes the mirror for older than it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::atomic;
use crate::flags::{Environment, FlagList};

/// How the file's name ends in place of the mirror's `json`.
pub(super) const EXTENSION: &str = "confirmed";

/// One state of the mirror on disk. Several may be written within one tick of the system's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    written: SystemTime,
    size: u64,
    /// Every write makes a new file; 0 where the system does not number them.
    number: u64,
}

impl Version {
    /// The state in which a mirror lies on disk.
    pub(super) fn of(mirror: &Path) -> Option<Version> {
        let file = fs::metadata(mirror).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&file);
        #[cfg(not(unix))]
        let number = 0;
        Some(Version { written: file.modified().ok()?, size: file.len(), number })
    }

    pub(super) fn written(self) -> Option<Timestamp> {
        Timestamp::try_from(self.written).ok()
    }
}

/// What a refresh without news tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmed {
    /// The state that still holds.
    of: Version,
    /// [`FlagList::fetched_at`].
    fetched_at: Timestamp,
    /// [`FlagList::read_at`].
    read_at: Timestamp,
    /// When PostHog was last asked for anything.
    pub(super) asked_at: Timestamp,
}

impl Confirmed {
    /// What is known of this state of a mirror; `None` when nobody confirmed it, or the file says nothing that can be
    /// understood, which the next refresh mends.
    pub(super) fn read(mirror: &Path, of: Version) -> Option<Confirmed> {
        let text = fs::read(path(mirror)).ok()?;
        serde_json::from_slice(&text).ok().filter(|it: &Confirmed| it.of == of)
    }

    /// Says that this state of a mirror holds what is known; whole or not at all.
    pub(super) fn write(mirror: &Path, of: Version, list: &FlagList, asked_at: Timestamp) -> io::Result<()> {
        let it = Confirmed { of, fetched_at: list.fetched_at, read_at: list.read_at, asked_at };
        atomic::replace_private(&path(mirror), &serde_json::to_vec(&it)?)
    }

    /// Moves the times of what is known, which must hold the confirmed state. Returns whether they moved.
    pub(super) fn apply(&self, known: &mut Environment) -> bool {
        let Some(list) = &mut known.flags else { return false };
        let before = (list.fetched_at, list.read_at);
        list.fetched_at = list.fetched_at.max(self.fetched_at);
        list.read_at = list.read_at.max(self.read_at);
        before != (list.fetched_at, list.read_at)
    }
}

fn path(mirror: &Path) -> PathBuf {
    mirror.with_extension(EXTENSION)
}
