//! Processes, named by id and start, so that a later one under the same number is never
//! taken for an earlier one.

use sage::ServerProcess;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// This machine's name, for people.
#[must_use]
pub fn host_name() -> String {
    System::host_name().unwrap_or_else(|_| "unknown".to_owned())
}

/// What can be told of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// This process has the number now.
    There(ServerProcess),
    /// Nobody has the number, or only what is left of a process that ended.
    Gone,
    /// The system does not tell.
    Unknown,
}

/// Whether exactly this process may still be there. When that cannot be told, it is.
#[must_use]
pub fn is_running(process: ServerProcess) -> bool {
    match look_at(process.pid) {
        Sight::There(found) => found == process,
        Sight::Gone => false,
        Sight::Unknown => true,
    }
}

/// Kills exactly this process. `false` when it is not there (any more) or may not be killed;
/// it may take a moment to disappear.
#[must_use]
pub fn end(process: ServerProcess) -> bool {
    if look_at(process.pid) != Sight::There(process) {
        return false;
    }
    listing(process.pid).is_some_and(|system| {
        system
            .process(Pid::from_u32(process.pid))
            .is_some_and(sysinfo::Process::kill)
    })
}

/// The process that has this id now; one that ended and was not yet collected has none.
#[must_use]
pub fn identity_of(pid: u32) -> Option<ServerProcess> {
    match look_at(pid) {
        Sight::There(process) => Some(process),
        Sight::Gone | Sight::Unknown => None,
    }
}

/// This process.
#[must_use]
pub fn own() -> Option<ServerProcess> {
    identity_of(std::process::id())
}

fn listing(pid: u32) -> Option<System> {
    let mut system = System::new().ok()?;
    let only = [Pid::from_u32(pid)];
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&only),
        true,
        ProcessRefreshKind::nothing(),
    );
    Some(system)
}

/// From the kernel's own numbers: the start in clock ticks since boot, which no step of the
/// wall clock moves, and the boot that they count from.
#[cfg(target_os = "linux")]
fn look_at(pid: u32) -> Sight {
    let stat = match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Sight::Gone,
        // The process ended between the opening and the reading.
        Err(error) if error.raw_os_error() == Some(NO_SUCH_PROCESS) => return Sight::Gone,
        Err(_) => return Sight::Unknown,
    };
    let Ok(boot) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") else {
        return Sight::Unknown;
    };
    // The name stands in parentheses and may hold anything, parentheses too.
    let mut fields = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace();
    let state = fields.next();
    let ticks: Option<u64> = fields.nth(18).and_then(|field| field.parse().ok());
    match (state, ticks) {
        (Some("Z" | "X"), _) => Sight::Gone,
        (Some(_), Some(ticks)) => {
            let boot = values::Hash::of_bytes(boot.trim().as_bytes()).0;
            // 40 bits of ticks are 348 years; the rest tells boots apart.
            let started_at = (boot << TICK_BITS) | (ticks & ((1 << TICK_BITS) - 1));
            Sight::There(ServerProcess { pid, started_at })
        }
        (_, _) => Sight::Unknown,
    }
}

#[cfg(target_os = "linux")]
const TICK_BITS: u32 = 40;
/// `ESRCH`.
#[cfg(target_os = "linux")]
const NO_SUCH_PROCESS: i32 = 3;

#[cfg(not(target_os = "linux"))]
fn look_at(pid: u32) -> Sight {
    use sysinfo::ProcessStatus;
    let Some(system) = listing(pid) else {
        return Sight::Unknown;
    };
    match system.process(Pid::from_u32(pid)) {
        None => Sight::Gone,
        Some(found) if matches!(found.status(), ProcessStatus::Zombie | ProcessStatus::Dead) => Sight::Gone,
        Some(found) => Sight::There(ServerProcess {
            pid,
            started_at: found.start_time(),
        }),
    }
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

    #[test]
    fn a_process_that_ended_and_was_not_collected_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let process = loop {
            match identity_of(child.id()) {
                Some(process) => {
                    std::thread::sleep(std::time::Duration::from_millis(u64::from(process.pid % 2 + 1)))
                }
                None => break child.id(),
            }
        };
        assert_eq!(identity_of(process), None);
        child.wait().unwrap();
    }
}
