//! Processes, named by id and start, so that a later one under the same number is never
//! taken for an earlier one.

use sage::ServerProcess;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// This machine's name, for people.
#[must_use]
pub fn host_name() -> String {
    System::host_name().unwrap_or_else(|_| "unknown".to_owned())
}

/// Whether exactly this process is still there.
#[must_use]
pub fn is_running(process: ServerProcess) -> bool {
    identity_of(process.pid) == Some(process)
}

/// Kills exactly this process. `false` when it is not there (any more) or may not be killed;
/// it may take a moment to disappear.
#[must_use]
pub fn end(process: ServerProcess) -> bool {
    let Some(system) = look_at(process.pid) else {
        return false;
    };
    let found = system.process(Pid::from_u32(process.pid));
    found.is_some_and(|found| found.start_time() == process.started_at && found.kill())
}

/// The process that has this id now; one that ended and was not yet collected has none.
#[must_use]
pub fn identity_of(pid: u32) -> Option<ServerProcess> {
    let system = look_at(pid)?;
    let found = system.process(Pid::from_u32(pid))?;
    let gone = matches!(found.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (!gone).then(|| ServerProcess {
        pid,
        started_at: found.start_time(),
    })
}

/// This process.
#[must_use]
pub fn own() -> Option<ServerProcess> {
    identity_of(std::process::id())
}

fn look_at(pid: u32) -> Option<System> {
    let mut system = System::new().ok()?;
    let only = [Pid::from_u32(pid)];
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&only),
        true,
        ProcessRefreshKind::nothing(),
    );
    Some(system)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_process_is_ended() {
        assert!(is_running(own().unwrap()));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let process = identity_of(child.id()).unwrap();
        let earlier = ServerProcess {
            started_at: process.started_at - 1,
            ..process
        };
        assert!(!is_running(earlier) && !end(earlier));
        assert!(is_running(process) && end(process));
        child.wait().unwrap();
        assert!(!is_running(process) && !end(process));
    }
}
