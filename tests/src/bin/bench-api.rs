//! Measures how often the hub's API answers, from each kind of store. Started by
//! `cargo xtask bench api`.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark speaks to the person before it and stops where it fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use system_tests::{Connection, Postgres, Reader, Site, processor_s, run};

/// Callers at the same time, each with a connection of its own.
const CALLERS: usize = 8;
const SECONDS: u64 = 5;

const DATABASE: &str = "hub";

fn main() {
    for store in std::env::args().skip(1) {
        if store == "sqlite" {
            of(&Site::demo(Reader::Sandbox), "SQLite", None);
        } else if let Some(bin) = test_tier::postgres_bin() {
            let server = Postgres::start(bin);
            server.execute("postgres", &format!("CREATE DATABASE {DATABASE}"));
            let site = Site::with_store(Reader::Sandbox, &server.url(DATABASE), |file| {
                run("sage-sandbox", &["create", &file.display().to_string()]).ok();
            });
            of(&site, &format!("PostgreSQL {}", server.version()), Some(&server));
        }
    }
}

/// All requests, one kind after the other.
fn of(site: &Site, store: &str, server: Option<&Postgres>) {
    site.driver(&["sync"]).ok();
    let keys: Vec<String> = {
        let page = site.api.get("/v1/items?fields=key&limit=200").body;
        let data = page["data"].as_array().expect("a page of items");
        data.iter()
            .filter_map(|r| r["key"].as_str().map(str::to_owned))
            .collect()
    };
    let cursor = "fields=item_code,item_code_desc,item_type,price_code,product_line,standard_unit_price,\
                  standard_unit_of_measure,ship_weight,date_created,tax_class";
    let one: Vec<_> = keys.iter().map(|key| format!("/v1/items/{key}")).collect();
    let ten: Vec<_> = keys
        .iter()
        .map(|key| format!("/v1/items/{key}?{cursor}"))
        .collect();
    println!(
        "\n{store}, {} items, {CALLERS} callers. On one core: by the processor time of hub and server",
        keys.len()
    );
    println!(
        "{:<24} {:>8} {:>11} {:>14} {:>8} {:>8} {:>8} {:>8}",
        "request", "bytes", "requests/s", "on one core/s", "hub µs", "server", "p50 ms", "p99 ms"
    );
    let feed = site.api.get("/v1/changes?limit=1000").body;
    let mut since = feed["next_cursor"].as_str().unwrap_or_default().to_owned();
    loop {
        let page = site
            .api
            .get(&format!("/v1/changes?limit=1000&since={since}"))
            .body;
        since = page["next_cursor"].as_str().unwrap_or_default().to_owned();
        if page["has_more"] != true {
            break;
        }
    }
    for (name, paths) in [
        ("one item, all fields", one),
        ("one item, ten fields", ten),
        (
            "100 items, ten fields",
            vec![format!("/v1/items?limit=100&{cursor}")],
        ),
        ("100 items, all fields", vec!["/v1/items?limit=100".to_owned()]),
        (
            "the feed, nothing new",
            vec![format!("/v1/changes?since={since}")],
        ),
    ] {
        measure(site, server, name, &paths);
    }
}

fn measure(site: &Site, server: Option<&Postgres>, name: &str, paths: &[String]) {
    let address = site.hub.address.trim_start_matches("http://").to_owned();
    let over = Arc::new(AtomicBool::new(false));
    let of_server = || server.map_or(0.0, Postgres::processor_s);
    let before = (processor_s(site.hub.pid()), of_server());
    let began = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (address, token) = (address.clone(), site.api.token().to_owned());
            let (paths, over) = (paths.to_vec(), Arc::clone(&over));
            std::thread::spawn(move || call(&address, &token, &paths, caller, &over))
        })
        .collect();
    std::thread::sleep(Duration::from_secs(SECONDS));
    over.store(true, Ordering::SeqCst);
    let (mut times, mut bytes) = (Vec::new(), 0);
    for caller in callers {
        let (of_caller, size) = caller.join().expect("a caller");
        times.extend(of_caller);
        bytes = size.max(bytes);
    }
    let took = began.elapsed().as_secs_f64();
    let hub = processor_s(site.hub.pid()) - before.0;
    let server = of_server() - before.1;
    times.sort_unstable();
    let count = times.len();
    let at = |percent: usize| {
        times
            .get(count * percent / 100)
            .map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    println!(
        "{name:<24} {bytes:>8} {:>11.0} {:>14.0} {:>8.0} {:>8.0} {:>8.2} {:>8.2}",
        count as f64 / took,
        count as f64 / (hub + server),
        hub * 1e6 / count as f64,
        server * 1e6 / count as f64,
        at(50),
        at(99)
    );
}

/// Asks one after the other on one connection; returns how long each took.
fn call(
    address: &str,
    token: &str,
    paths: &[String],
    caller: usize,
    over: &AtomicBool,
) -> (Vec<Duration>, usize) {
    let mut connection = Connection::open(address);
    let (mut times, mut size) = (Vec::new(), 0);
    for path in paths.iter().cycle().skip(caller * 7) {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let request = format!("GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n");
        let began = Instant::now();
        size = connection.ask(&request).len();
        times.push(began.elapsed());
    }
    (times, size)
}
