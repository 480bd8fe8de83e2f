//! Measures how long the hub takes to price a basket of fifty lines while two hundred baskets
//! a second are asked. Started by `cargo xtask bench prices`.
//!
//! The baskets come at fixed instants, whether those before are answered or not: a basket that
//! waits for a connection waits on the clock that is measured.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Connection, Reader, Site, processor_s, run};

/// Connections, each with its share of the baskets.
const CALLERS: u32 = 8;
const BASKETS_A_SECOND: u32 = 200;
const LINES: usize = 50;
const SECONDS: u32 = 20;
/// Size of the demo company.
const SCALE: &str = "20";

fn main() {
    let site = Site::new(Reader::Sandbox, |file| {
        run(
            "sage-sandbox",
            &["create", &file.display().to_string(), "--scale", SCALE],
        )
        .ok();
    });
    site.driver(&["sync"]).ok();
    let column = |dataset: &str, names: [&str; 3]| -> Vec<[String; 3]> {
        let text = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let records = site.api.all(dataset);
        records
            .iter()
            .map(|record| names.map(|name| text(record, name)))
            .collect()
    };
    let items: Vec<String> = column("items", ["item_code", "item_type", "inactive_item"])
        .into_iter()
        .filter(|[_, kind, inactive]| kind == "1" && inactive != "Y")
        .map(|[code, ..]| code)
        .collect();
    let customers = column("customers", ["ar_division_no", "customer_no", "customer_status"]);
    let baskets: Vec<String> = (0..997_usize)
        .map(|number| {
            let lines: Vec<Value> = (0..LINES)
                .map(|line| {
                    let item = &items[(number * 61 + line * 7) % items.len()];
                    json!({ "item_code": item, "quantity": (1 + (number + line) % 120).to_string() })
                })
                .collect();
            let [division, customer, _] = &customers[number % customers.len()];
            let body = json!({
                "company": "ABC", "date": "2026-05-06", "lines": lines,
                "customer": { "ar_division_no": division, "customer_no": customer },
            });
            let body = body.to_string();
            let head = format!(
                "POST /v1/prices HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {}\r\n",
                site.api.token()
            );
            format!(
                "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        })
        .collect();
    let address = site.hub.address.trim_start_matches("http://").to_owned();
    // The first question reads the company's prices into memory.
    let first = Connection::open(&address).ask(&baskets[0]);
    let answer: Value = serde_json::from_slice(&first).expect("JSON");
    let priced = answer["lines"].as_array().map_or(0, |lines| {
        lines.iter().filter(|line| line["unit_price"].is_string()).count()
    });
    assert_eq!(
        priced,
        LINES,
        "each line has its price: {:.2000}",
        answer.to_string()
    );

    let before = processor_s(site.hub.pid());
    let began = Instant::now() + Duration::from_millis(100);
    let step = Duration::from_secs(1) / BASKETS_A_SECOND;
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (address, baskets) = (&address, &baskets);
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    let numbers = (caller..BASKETS_A_SECOND * SECONDS).step_by(CALLERS as usize);
                    let ask = |number: u32| {
                        let due = began + step * number;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        connection.ask(&baskets[number as usize % baskets.len()]);
                        due.elapsed()
                    };
                    numbers.map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        callers
            .into_iter()
            .flat_map(|caller| caller.join().unwrap())
            .collect()
    });
    let processor = processor_s(site.hub.pid()) - before;
    times.sort_unstable();
    let at =
        |permille: usize| times[(times.len() * permille / 1000).min(times.len() - 1)].as_secs_f64() * 1000.0;
    println!(
        "{} baskets of {LINES} lines, {BASKETS_A_SECOND} a second, {} items and {} customers: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms; \
         {:.2} ms of processor each",
        times.len(),
        items.len(),
        customers.len(),
        at(500),
        at(990),
        at(1000),
        processor * 1000.0 / times.len() as f64,
    );
}
