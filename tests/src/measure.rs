//! What a process costs: time, processor and memory, as the kernel counts them.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Output, Running, Site};

/// Kernel ticks of a second in `/proc`: fixed at 100 by the kernel's interface.
const TICKS_PER_S: f64 = 100.0;

/// What a command of the driver cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Wall time in seconds.
    pub seconds: f64,
    /// Processor time of the driver itself, without its bridges, in seconds.
    pub driver_cpu_s: f64,
    /// Processor time of its bridges, in seconds.
    pub bridge_cpu_s: f64,
    /// Processor time of the hub meanwhile, in seconds.
    pub hub_cpu_s: f64,
    /// Peak memory of the driver itself in MiB.
    pub driver_mib: f64,
    /// Peak memory of the driver and its bridges in MiB.
    pub family_mib: f64,
    /// Peak memory of the hub so far in MiB.
    pub hub_mib: f64,
}

/// Runs a command of the site's driver to its end and watches it.
///
/// # Panics
/// When the command fails.
#[must_use]
pub fn measure(site: &Site, arguments: &[&str]) -> (Cost, Output) {
    let config = site.config("driver").display().to_string();
    let mut all = vec!["--config", &config];
    all.extend(arguments);
    let started = Instant::now();
    let mut running = Running::start(site.path(), "erp-driver", &all, &[("SAGE_PASSWORD", "sandbox")]);
    let driver = running.pid();
    let hub = site.hub.pid();
    let hub_before = processor_s(hub);
    let mut peaks = BTreeMap::new();
    let mut cpu_s = BTreeMap::new();
    let output = loop {
        for pid in family(driver) {
            let peak = peaks.entry(pid).or_insert(0);
            *peak = resident_peak_kib(pid).max(*peak);
            let so_far = cpu_s.entry(pid).or_insert(0.0);
            *so_far = processor_s(pid).max(*so_far);
        }
        if let Some(output) = running.wait(Duration::ZERO) {
            break output;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    let mib = |kib: u64| kib as f64 / 1024.0;
    let driver_cpu_s = cpu_s.remove(&driver).unwrap_or(0.0);
    let cost = Cost {
        seconds,
        driver_cpu_s,
        bridge_cpu_s: cpu_s.values().sum(),
        hub_cpu_s: processor_s(hub) - hub_before,
        driver_mib: mib(peaks.get(&driver).copied().unwrap_or(0)),
        family_mib: mib(peaks.values().sum()),
        hub_mib: mib(resident_peak_kib(hub)),
    };
    (cost, output)
}

/// What any other program cost.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Wall time in seconds.
    pub seconds: f64,
    /// Peak memory of the program and all that it started, in MiB.
    pub family_mib: f64,
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote on both outputs.
    pub log: String,
}

/// Runs a program to its end and watches it.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn watch(command: &mut Command) -> Watched {
    let mut log = tempfile::tempfile().unwrap();
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log.try_clone().unwrap())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let mut peaks = BTreeMap::new();
    let status = loop {
        for pid in family(child.id()) {
            let peak = peaks.entry(pid).or_insert(0);
            *peak = resident_peak_kib(pid).max(*peak);
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = started.elapsed().as_secs_f64();
    let mut text = Vec::new();
    log.seek(SeekFrom::Start(0)).unwrap();
    log.read_to_end(&mut text).unwrap();
    Watched {
        seconds,
        family_mib: peaks.values().sum::<u64>() as f64 / 1024.0,
        status,
        log: String::from_utf8_lossy(&text).into_owned(),
    }
}

/// Processor time of a process and all that descend from it, in seconds: of those that have
/// ended, too, once their parent has waited for them.
#[must_use]
pub fn family_processor_s(pid: u32) -> f64 {
    let own = processor_s(pid) + ticks(pid, [13, 14]);
    let others = family(pid);
    own + others.iter().skip(1).map(|pid| processor_s(*pid)).sum::<f64>()
}

/// A process and all that descend from it.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(pid) = all.get(next) {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|p| p.parse::<u32>().ok()));
        }
        next += 1;
    }
    all
}

/// Peak resident memory; 0 when the process has ended.
fn resident_peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// User and system time of a process with all its threads, in seconds; 0 when it has been
/// waited for.
#[must_use]
pub fn processor_s(pid: u32) -> f64 {
    ticks(pid, [11, 12])
}

/// Two of the times in a process's `stat`, by their places behind the program's name, in
/// seconds together.
fn ticks(pid: u32, places: [usize; 2]) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name stands in brackets and may hold blanks; utime, stime, cutime and
    // cstime are the 14th to 17th fields, the first of them the 12th behind it.
    let Some((_, rest)) = stat.rsplit_once(") ") else {
        return 0.0;
    };
    let fields: Vec<&str> = rest.split(' ').collect();
    let tick = |place: usize| fields.get(place).and_then(|f| f.parse::<f64>().ok());
    places.into_iter().filter_map(tick).sum::<f64>() / TICKS_PER_S
}
