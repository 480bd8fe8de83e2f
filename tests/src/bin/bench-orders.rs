//! Measures what the driver adds to an order beside the calls into Sage: many orders, one
//! session. Started by `cargo xtask bench orders`.
//!
//! The time of an order is the time from the first order's plan to the last order's journaled
//! outcome, by the attempts that the hub has of them, divided by the orders. From it the time
//! is taken that the session says it spent inside calls of business objects. What remains is
//! all that the driver adds: waiting for the hub, for the disk, for the tables. The orders are
//! all at the hub before the driver starts.

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
    let site = Site::demo(reader);
    let is_for_one = std::env::args().any(|argument| argument == "--one-customer");
    // Credit is checked for every order, and none is to be held.
    site.erp("UPDATE AR_Customer SET CreditLimit = 999999999 WHERE CreditLimit <> 0");
    let customers = if is_for_one {
        vec![("01".to_owned(), "ABF".to_owned())]
    } else {
        buyers(&site.company())
    };
    println!(
        "{orders} orders of two lines for {} customers of the demo company, read back through {reader:?}, hub on SQLite",
        customers.len()
    );
    site.driver(&["sync"]).ok();
    let ids: Vec<String> = (0..orders)
        .zip(customers.iter().cycle())
        .map(|(number, (division, customer))| {
            let body = json!({
                "company": "ABC",
                "customer": {"ar_division_no": division, "customer_no": customer},
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
    // What the writer waited for or did beside the calls; `(…)` is done by others meanwhile.
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
    println!("what the writer's time went into, calls into Sage included:");
    for line in log
        .lines()
        .filter(|line| line.contains("what the time of documents went into"))
    {
        let told = line.split("spent=").nth(1).unwrap_or_default();
        for part in told.split(' ') {
            let fields: Vec<&str> = part.trim_matches('"').split(':').collect();
            if let [what, times, us] = fields[..]
                && let (Ok(times), Ok(us)) = (times.parse::<f64>(), us.parse::<f64>())
            {
                let orders = f64::from(orders);
                println!(
                    "  {what:<22} {:>6.2} x {:>7.3} ms an order",
                    times / orders,
                    us / 1000.0 / orders
                );
            }
        }
    }
    println!("an order          {:>7.2} ms", each(whole_ms));
    println!("  in Sage's calls {:>7.2} ms", each(in_sage));
    println!("  beside them     {:>7.2} ms", each(whole_ms - in_sage));
}

/// Customers who may buy.
fn buyers(company: &std::path::Path) -> Vec<(String, String)> {
    let db = rusqlite::Connection::open(company).unwrap();
    let mut statement = db
        .prepare(
            "SELECT ARDivisionNo, CustomerNo FROM AR_Customer WHERE CustomerStatus <> 'I' AND CreditHold <> 'Y' \
             AND TaxSchedule <> '' AND TemporaryCustomer <> 'Y' ORDER BY CustomerNo LIMIT 40",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}
