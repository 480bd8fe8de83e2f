//! Processes by number and start time, so that a later one under the same number is not
//! taken for an earlier one.

use sage::ServerProcess;
use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// This process, as the system tells; `None` where the system does not.
pub(crate) fn current() -> Option<ServerProcess> {
    let pid = std::process::id();
    Some(ServerProcess {
        pid,
        started_at: started_at(pid)?,
    })
}

/// Does exactly that process still run? One that ended and that nobody has waited for yet
/// does not.
pub(crate) fn is_running(process: ServerProcess) -> bool {
    started_at(process.pid) == Some(process.started_at)
}

fn started_at(pid: u32) -> Option<u64> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        true,
        ProcessRefreshKind::nothing(),
    );
    let process = system.process(pid)?;
    let ended = matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (!ended).then(|| process.start_time())
}
