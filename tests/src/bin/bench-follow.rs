//! Measures what it costs to follow a company in which nothing changes, over all datasets.
//! Started by `cargo xtask bench follow`.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use system_tests::{Reader, Site, measure, run_in};

fn main() {
    let scale = std::env::args().nth(1).unwrap_or_else(|| "100".to_owned());
    let reader = if test_tier::tier("odbc").is_some_and(test_tier::Tier::is_available) {
        Reader::Odbc
    } else {
        Reader::Sandbox
    };
    println!("The demo company at scale {scale}, all datasets, read through {reader:?}, hub on SQLite");
    let site = Site::new(reader, |file| {
        let file = file.display().to_string();
        let folder = std::env::temp_dir();
        run_in(
            &folder,
            "sage-sandbox",
            &["create", &file, "--scale", &scale],
            &[],
        )
        .ok();
    });
    println!(
        "{:<22} {:>10} {:>8} {:>12} {:>11} {:>17}",
        "pass", "documents", "seconds", "driver CPU s", "driver MiB", "driver+bridge MiB"
    );
    for (name, arguments) in [
        ("full load", vec!["sync", "--json"]),
        ("delta, nothing changed", vec!["sync", "--json"]),
        ("sweep, nothing changed", vec!["sync", "--full", "--json"]),
        ("verify", vec!["verify", "--json"]),
    ] {
        let (cost, output) = measure(&site, &arguments);
        let rows: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        let of = |row: &serde_json::Value| row["documents"].as_u64().or_else(|| row["equal"].as_u64());
        let documents: u64 = rows.as_array().into_iter().flatten().filter_map(of).sum();
        println!(
            "{name:<22} {documents:>10} {:>8.2} {:>12.2} {:>11.1} {:>17.1}",
            cost.seconds, cost.driver_cpu_s, cost.driver_mib, cost.family_mib
        );
    }
}
