//! The server ends when the editor that started it is gone, also when stdin stays open in a grandchild.

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

const EVERY: Duration = Duration::from_secs(2);

/// Ends this process with 1 soon after `process` is gone.
pub(super) fn end_with(process: u32) {
    let watch = move || {
        let pid = Pid::from_u32(process);
        let Ok(mut system) = System::new() else {
            return tracing::warn!("processes cannot be watched on this system");
        };
        loop {
            let refresh = ProcessRefreshKind::nothing();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, refresh);
            // A zombie has ended, though its parent has not asked how.
            let gone = system.process(pid).is_none_or(|it| it.status() == sysinfo::ProcessStatus::Zombie);
            if gone {
                tracing::info!(process, "the client's process is gone");
                std::process::exit(1);
            }
            std::thread::sleep(EVERY);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("client process".into()).spawn(watch) {
        tracing::warn!(%error, "the client's process cannot be watched");
    }
}
