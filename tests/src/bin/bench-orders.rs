//! Measures what the driver adds to an order beside the calls into Sage: many orders, one
//! session. Started by `cargo xtask bench orders`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Reader, Site};

/// Longest for one order, so that a run that hangs ends.
const LIMIT_EACH: Duration = Duration::from_secs(2);

fn main() {
    let orders: u32 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000);
    let reader = if test_tier::tier("odbc").is_some_and(test_tier::Tier::is_available) {
        Reader::Odbc
    } else {
        Reader::Sandbox
    };
    println!(
        "{orders} orders of two lines into the demo company, read back through {reader:?}, hub on SQLite"
    );
    let site = Site::demo(reader);
    site.driver(&["sync"]).ok();
    let ids: Vec<String> = (0..orders)
        .map(|number| {
            let body = json!({
                "company": "ABC",
                "customer": {"ar_division_no": "01", "customer_no": "ABF"},
                "customer_po_no": format!("BENCH-{number}"),
                "lines": [
                    {"item_code": "1001-HON-H252", "quantity_ordered": "2"},
                    {"item_code": "1001-HON-H254", "quantity_ordered": "1"},
                ],
            });
            site.send("sales_orders", &format!("bench-{number}"), &body)
        })
        .collect();
    let started = Instant::now();
    let mut driver = site.start_driver("driver", &[("ERP_DRIVER_LOG", "info")]);
    let limit = LIMIT_EACH * orders;
    let read = |id: &String| {
        site.api
            .wait_for(&format!("/v1/imports/{id}"), limit, |a| {
                a.body["state"] == "written"
            })
            .body
    };
    let first = read(ids.first().unwrap());
    let written: Vec<Value> = ids.iter().map(read).collect();
    let wall = started.elapsed();
    driver.stop();
    let log = driver.log();
    // Each session tells at its end what its calls took.
    let told = |name: &str| -> Vec<u64> {
        log.lines()
            .filter(|line| line.contains("session with Sage ended"))
            .filter_map(|line| {
                let rest = line.split(name).nth(1)?.trim_start_matches('=');
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
            })
            .collect()
    };
    let (calls, in_sage_ms) = (told("calls"), told("in_sage_ms"));
    assert_eq!(in_sage_ms.len(), 1, "one session for all: {log}");
    let instant = |import: &Value, last: bool| -> jiff::Timestamp {
        let attempts = import["attempts"].as_array().unwrap();
        let attempt = if last { attempts.last() } else { attempts.first() };
        attempt.unwrap()["at"].as_str().unwrap().parse().unwrap()
    };
    let begin = instant(&first, false);
    let end = written.iter().map(|import| instant(import, true)).max().unwrap();
    let whole_ms = end.duration_since(begin).as_secs_f64() * 1000.0;
    let in_sage: f64 = in_sage_ms.iter().map(|ms| *ms as f64).sum();
    if std::env::args().any(|a| a == "--steps") {
        for attempt in written.last().unwrap()["attempts"].as_array().unwrap() {
            println!("{} {}", attempt["at"], attempt["step"]);
        }
    }
    let each = |ms: f64| ms / f64::from(orders);
    println!(
        "wall time {:.1} s, {} calls into Sage in one session",
        wall.as_secs_f64(),
        calls[0]
    );
    println!("an order          {:>7.2} ms", each(whole_ms));
    println!("  in Sage's calls {:>7.2} ms", each(in_sage));
    println!("  beside them     {:>7.2} ms", each(whole_ms - in_sage));
}
