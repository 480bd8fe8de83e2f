//! A user's day in Sage, and the sweep that follows it: whatever moved, with a stamp or
//! without, ends at the hub.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use serde_json::Value;
use system_tests::{Reader, Site, run};

/// Plays a script on the site's company.
fn play(site: &Site, script: &str, more: &[&str]) -> Value {
    let company = site.company().display().to_string();
    let mut arguments = vec!["play", &company, "--script", script, "--json"];
    arguments.extend(more);
    serde_json::from_str(&run("sage-sandbox", &arguments).ok()).unwrap()
}

/// The rows of `sync --json`.
fn sync(site: &Site, more: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["sync", "--json"];
    arguments.extend(more);
    serde_json::from_str(&site.driver(&arguments).ok()).unwrap()
}

fn of<'a>(rows: &'a [Value], dataset: &str) -> &'a Value {
    rows.iter().find(|r| r["dataset"] == dataset).unwrap()
}

fn a_sweep_finds_all_of(reader: Reader, script: &str, more: &[&str]) -> (Site, Vec<Value>) {
    let site = Site::demo(reader);
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
    play(&site, script, more);
    let rows = sync(&site, &["--full"]);
    for row in &rows {
        assert!(row["held"].is_null(), "{script}: {row}");
    }
    site.driver(&["verify"]).ok();
    (site, rows)
}

#[test]
fn a_price_load_without_stamps() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "price-load", &["--count", "20"]);
    let sent =
        of(&rows, "price_codes")["sent"].as_u64().unwrap() + of(&rows, "items")["sent"].as_u64().unwrap();
    assert!((1..=20).contains(&sent), "sent {sent}");
}

#[test]
fn credit_matching() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "credit-matching", &[]);
    assert!(of(&rows, "open_invoices")["sent"].as_u64().unwrap() > 0);
}

#[test]
fn a_stock_batch() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "stock-batch", &["--count", "30"]);
    assert_eq!(of(&rows, "inventory")["sent"], 30);
}

#[test]
fn a_promotion_applied_to_items() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "promotion", &["--count", "5"]);
    assert_eq!(of(&rows, "items")["sent"], 5);
}

#[test]
fn a_customer_is_renumbered() {
    let (site, rows) = a_sweep_finds_all_of(Reader::Sandbox, "renumber-customer", &[]);
    assert_eq!(of(&rows, "customers")["removed"], 1);
    let gone = site.api.get("/v1/customers?updated_since=&limit=1000").body;
    assert!(
        gone.to_string().contains("deleted_at"),
        "a tombstone is in the feed"
    );
}

#[test]
fn two_customers_are_merged() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "merge-customer", &[]);
    assert_eq!(of(&rows, "customers")["removed"], 1);
}

#[test]
fn items_are_deleted() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "delete-items", &["--count", "2"]);
    assert_eq!(of(&rows, "items")["removed"], 2);
}

#[test]
fn the_day_end_is_posted() {
    let (site, rows) = a_sweep_finds_all_of(Reader::Sandbox, "day-end", &[]);
    assert!(of(&rows, "sales_orders")["removed"].as_u64().unwrap() > 0);
    assert!(of(&rows, "invoices")["sent"].as_u64().unwrap() > 0);
    assert!(!site.api.all("invoices").is_empty());
}

#[test]
fn a_period_ends() {
    let (_, rows) = a_sweep_finds_all_of(Reader::Sandbox, "period-end", &[]);
    assert!(of(&rows, "open_invoices")["removed"].as_u64().unwrap() > 0);
}

#[test]
fn clerks_work_in_another_time_zone() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    play(&site, "clock", &["--zone", "America/Chicago"]);
    play(&site, "maintain", &[]);
    // An hour behind the server: within the overlap, so that the delta finds the rows.
    site.driver(&["sync"]).ok();
    sync(&site, &["--full"]);
    site.driver(&["verify"]).ok();
}

#[test]
fn clerks_work_all_day_through_odbc() {
    if !test_tier::require("odbc") {
        return;
    }
    a_sweep_finds_all_of(Reader::Odbc, "maintain", &["--count", "40"]);
}

#[test]
fn the_posting_of_a_thousand_orders_trips_no_brake() {
    let site = Site::new(Reader::Sandbox, |file| {
        run(
            "sage-sandbox",
            &["create", &file.display().to_string(), "--scale", "40"],
        )
        .ok();
    });
    site.driver(&["sync"]).ok();
    let open: u64 = site
        .ask_erp("SELECT count(*) FROM SO_SalesOrderHeader")
        .parse()
        .unwrap();
    assert!(open >= 1000, "only {open} open orders");
    play(&site, "day-end", &["--count", "1000"]);
    let rows = sync(&site, &[]);
    assert_eq!(
        of(&rows, "sales_orders")["removed"],
        1000,
        "{}",
        of(&rows, "sales_orders")
    );
    for row in &rows {
        assert!(row["held"].is_null(), "{row}");
    }
    sync(&site, &["--full"]);
    site.driver(&["verify"]).ok();
}

#[test]
fn a_bulk_load_of_100_000_rows_sends_only_what_changed() {
    let site = Site::new(Reader::Sandbox, |file| {
        let file = file.display().to_string();
        run(
            "sage-sandbox",
            &["create", &file, "--profile", "stock", "--rows", "200000"],
        )
        .ok();
    });
    site.driver(&["sync", "--dataset", "inventory"]).ok();
    play(&site, "stock-batch", &["--count", "100000"]);
    let rows = sync(&site, &["--dataset", "inventory", "--full"]);
    assert_eq!(of(&rows, "inventory")["sent"], 100_000);
    site.driver(&["verify", "--dataset", "inventory"]).ok();
}

/// Columns come, go and hold more than they should: the dataset goes on, with findings.
#[test]
fn a_table_changes_its_shape() {
    let site = Site::demo(Reader::Sandbox);
    site.driver(&["sync"]).ok();
    for (script, column) in [
        ("add-column", "UDF_NEW"),
        ("widen-column", "ItemCodeDesc"),
        ("drop-column", "AllocateLandedCost"),
    ] {
        play(&site, script, &["--table", "CI_Item", "--column", column]);
        let rows = sync(&site, &["--full"]);
        assert!(
            of(&rows, "items")["held"].is_null(),
            "{script}: {}",
            of(&rows, "items")
        );
        // Another dataset is not sent again.
        assert_eq!(of(&rows, "customers")["sent"], 0, "{script}");
        site.driver(&["verify"]).ok();
    }
    let status: Value = serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap();
    for code in ["longer_than_declared", "column_missing"] {
        assert!(status.to_string().contains(code), "no {code} in {status}");
    }
}
