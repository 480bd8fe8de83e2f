//! Measures the read side: stock records of a generated company through a driver into the
//! hub. Started by `cargo xtask bench read`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use system_tests::{Reader, Site, measure, run};

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    println!(
        "IM_ItemWarehouse, 26 columns, read through {:?}, hub on SQLite, one machine",
        reader()
    );
    println!(
        "{:>10} {:<10} {:>8} {:>9} {:>12} {:>11} {:>17} {:>8}",
        "rows", "pass", "seconds", "rows/s", "driver CPU s", "driver MiB", "driver+bridge MiB", "hub MiB"
    );
    for rows in sizes {
        one_size(rows);
    }
}

fn one_size(rows: u64) {
    let site = Site::new(reader(), |file| {
        let (file, rows) = (file.display().to_string(), rows.to_string());
        run(
            "sage-sandbox",
            &["create", &file, "--profile", "stock", "--rows", &rows],
        )
        .ok();
    });
    for (name, command) in [("full load", "sync"), ("sweep", "sync"), ("verify", "verify")] {
        let (cost, _) = measure(&site, &[command, "--dataset", "inventory"]);
        println!(
            "{rows:>10} {name:<10} {:>8.2} {:>9.0} {:>12.2} {:>11.1} {:>17.1} {:>8.1}",
            cost.seconds,
            rows as f64 / cost.seconds,
            cost.driver_cpu_s,
            cost.driver_mib,
            cost.family_mib,
            cost.hub_mib
        );
    }
    let index = std::fs::metadata(site.path().join("driver/index.db")).map_or(0, |m| m.len());
    let keys = site.ask_erp("SELECT sum(length(ItemCode) + 1 + length(WarehouseCode)) FROM IM_ItemWarehouse");
    let keys: f64 = keys.parse().unwrap_or(0.0);
    println!(
        "{rows:>10} index: {:.1} bytes a row beside the key ({:.1} MiB)",
        (index as f64 - keys) / rows as f64,
        index as f64 / 1024.0 / 1024.0
    );
}

fn reader() -> Reader {
    if test_tier::tier("odbc").is_some_and(test_tier::Tier::is_available) {
        Reader::Odbc
    } else {
        Reader::Sandbox
    }
}
