//! One launch of a feature at a time on a machine: of two that look at the same moment, both would find nothing.

use std::fs::{self, File, TryLockError};

use crate::feature::brief::file_name;
use crate::flags::FlagKey;
use crate::posthog::disk;

/// Held while a launch lives; the system takes it back from one that is killed.
#[derive(Debug)]
pub(super) struct Turn {
    _held: Option<File>,
}

/// Somebody else has it.
#[derive(Debug)]
pub(super) struct Busy;

/// Takes the turn of a feature in a project. Where no file can be written there is none to take, and a launch goes on
/// without.
pub(super) fn take(host: &str, project: u64, key: &FlagKey) -> Result<Turn, Busy> {
    let Some(folder) = disk::folder().map(|it| it.join("launches")) else { return Ok(Turn { _held: None }) };
    let stem = disk::path(&folder, host, project).with_extension("");
    let path = stem.join(file_name(key)).with_extension("lock");
    let file = path.parent().map(fs::create_dir_all).and_then(|_| File::create(&path).ok());
    match file {
        None => Ok(Turn { _held: None }),
        Some(file) => match file.try_lock() {
            Ok(()) => Ok(Turn { _held: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Busy),
            // This file system has no locks.
            Err(TryLockError::Error(_)) => Ok(Turn { _held: None }),
        },
    }
}
