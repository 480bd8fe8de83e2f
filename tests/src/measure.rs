//! What a process costs: time, processor and memory, as the kernel counts them.

use std::collections::BTreeMap;
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
    let mut peaks = BTreeMap::new();
    let mut cpu_s = 0.0;
    let output = loop {
        for pid in family(driver) {
            let peak = peaks.entry(pid).or_insert(0);
            *peak = resident_peak_kib(pid).max(*peak);
        }
        cpu_s = processor_s(driver).max(cpu_s);
        if let Some(output) = running.wait(Duration::ZERO) {
            break output;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(output.code, Some(0), "{arguments:?}: {output:?}");
    let mib = |kib: u64| kib as f64 / 1024.0;
    let cost = Cost {
        seconds,
        driver_cpu_s: cpu_s,
        driver_mib: mib(peaks.get(&driver).copied().unwrap_or(0)),
        family_mib: mib(peaks.values().sum()),
        hub_mib: mib(resident_peak_kib(hub)),
    };
    (cost, output)
}

/// A process and its children.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|p| p.parse::<u32>().ok()));
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

/// User and system time of a process with all its threads; 0 when it has been waited for.
fn processor_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name stands in brackets and may hold blanks; utime and stime are the
    // 14th and 15th fields, the 12th and 13th behind it.
    let Some((_, rest)) = stat.rsplit_once(") ") else {
        return 0.0;
    };
    let ticks = |place: usize| -> f64 {
        let field = rest.split(' ').nth(place);
        field.and_then(|f| f.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_PER_S
}
