//! Measures the read side: stock records of a generated company through a driver into the
//! hub. Started by `cargo xtask bench read`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use system_tests::{Reader, Running, Site, run};

fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(1_000_000);
    let reader = if test_tier::tier("odbc").is_some_and(test_tier::Tier::is_available) {
        Reader::Odbc
    } else {
        Reader::Sandbox
    };
    println!(
        "IM_ItemWarehouse, 26 columns x {rows} rows, read through {reader:?}, hub on SQLite, one machine"
    );
    let site = Site::new(reader, |file| {
        run(
            "sage-sandbox",
            &[
                "create",
                &file.display().to_string(),
                "--profile",
                "stock",
                "--rows",
                &rows.to_string(),
            ],
        )
        .ok();
    });
    println!(
        "{:<12} {:>8} {:>12} {:>22} {:>10}",
        "pass", "seconds", "rows/s", "driver+bridge peak MiB", "hub MiB"
    );
    for (name, arguments) in [
        ("full load", vec!["sync"]),
        ("no change", vec!["sync"]),
        ("verify", vec!["verify"]),
    ] {
        let mut all = arguments;
        all.extend(["--dataset", "inventory"]);
        let pass = measure(&site, &all);
        let rate = rows as f64 / pass.seconds;
        println!(
            "{name:<12} {:>8.2} {rate:>12.0} {:>22.1} {:>10.1}",
            pass.seconds, pass.driver_mib, pass.hub_mib
        );
    }
}

struct Pass {
    seconds: f64,
    driver_mib: f64,
    hub_mib: f64,
}

/// Runs the driver to its end and watches the memory of it and its children, and the hub's.
fn measure(site: &Site, arguments: &[&str]) -> Pass {
    let config = site.config("driver").display().to_string();
    let mut all = vec!["--config", &config];
    all.extend(arguments);
    let started = Instant::now();
    let mut running = Running::start(site.path(), "erp-driver", &all, &[("SAGE_PASSWORD", "sandbox")]);
    let mut peaks = BTreeMap::new();
    let hub = site.hub.pid();
    let output = loop {
        for pid in family(running.pid()) {
            let peak = peaks.entry(pid).or_insert(0);
            *peak = resident_peak(pid).max(*peak);
        }
        if let Some(output) = running.wait(Duration::ZERO) {
            break output;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let seconds = started.elapsed().as_secs_f64();
    output.ok();
    let mib = |kib: u64| kib as f64 / 1024.0;
    Pass {
        seconds,
        driver_mib: mib(peaks.values().sum()),
        hub_mib: mib(resident_peak(hub)),
    }
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

/// Peak resident memory of a process in KiB, as the kernel counts it; 0 when it has ended.
fn resident_peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
