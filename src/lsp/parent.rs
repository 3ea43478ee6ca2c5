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
        if !lives(&mut system, pid) {
            // A client outside of our container has a number that means nothing here; the end of stdin will do.
            return tracing::warn!(process, "the client's process is not visible here");
        }
        while lives(&mut system, pid) {
            std::thread::sleep(EVERY);
        }
        tracing::info!(process, "the client's process is gone");
        std::process::exit(1);
    };
    if let Err(error) = std::thread::Builder::new().name("client process".into()).spawn(watch) {
        tracing::warn!(%error, "the client's process cannot be watched");
    }
}

fn lives(system: &mut System, pid: Pid) -> bool {
    let refresh = ProcessRefreshKind::nothing();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, refresh);
    // A zombie has ended, though its parent has not asked how.
    system.process(pid).is_some_and(|it| it.status() != sysinfo::ProcessStatus::Zombie)
}
