//! Reads that lie: truncated, empty, stalled and failing tables delete nothing, and say so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use system_tests::{Output, Reader, Site, run};

/// Live records of each dataset at the hub.
fn records(site: &Site) -> BTreeMap<String, u64> {
    let sites = site.api.get("/v1/sites").body;
    let datasets = sites["datasets"].as_array().unwrap();
    datasets
        .iter()
        .map(|d| {
            let name = d["dataset"].as_str().unwrap().to_owned();
            (name, d["records"].as_u64().unwrap())
        })
        .collect()
}

fn sandbox(site: &Site, arguments: &[&str]) -> Output {
    let company = site.company().display().to_string();
    let mut all = vec![arguments[0], &company];
    all.extend(&arguments[1..]);
    run("sage-sandbox", &all)
}

fn set_fault(site: &Site, table: &str, fault: &str) {
    let name = format!("reader.{table}.fault");
    sandbox(site, &["setting", "set", &name, fault]).ok();
}

fn rows(output: &Output) -> Vec<Value> {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

fn of<'a>(rows: &'a [Value], dataset: &str) -> &'a Value {
    rows.iter().find(|r| r["dataset"] == dataset).unwrap()
}

/// Every dataset that has records, and its table, as the documentation names them.
fn datasets(site: &Site) -> Vec<(String, String)> {
    let catalog = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/data.md")).unwrap();
    let mut found = Vec::new();
    let mut name = String::new();
    for line in catalog.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            name = heading.to_owned();
        } else if let Some(rest) = line.strip_prefix("From `")
            && !name.is_empty()
        {
            let table = rest.split('`').next().unwrap().to_owned();
            found.push((std::mem::take(&mut name), table));
        }
    }
    let known = records(site);
    found.retain(|(dataset, _)| known.get(dataset).is_some_and(|n| *n > 0));
    found
}

/// A synced demo company in which every dataset has records.
fn site() -> (Site, Vec<(String, String)>) {
    let site = Site::demo(Reader::Sandbox);
    let config = site.config("driver");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("interval_s = 1\n", "interval_s = 1\npage_limit_s = 1\n"),
    )
    .unwrap();
    site.driver(&["sync"]).ok();
    let all = datasets(&site);
    assert_eq!(all.len(), 29, "{all:?}");
    (site, all)
}

/// Sweeps under a fault of every table; what each dataset says is for `said`.
fn sweeps_under(fault: &str, said: impl Fn(&Value, &Value)) {
    let (site, all) = site();
    let before = records(&site);
    for (_, table) in &all {
        set_fault(&site, table, fault);
    }
    let output = site.driver(&["sync", "--full", "--json"]);
    let rows = rows(&output);
    let status: Value = serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap();
    for (dataset, _) in &all {
        let row = of(&rows, dataset);
        assert_eq!(row["removed"].as_u64().unwrap_or(0), 0, "{fault}: {row}");
        let status = status["datasets"].as_array().unwrap();
        let status = status.iter().find(|s| s["dataset"] == dataset.as_str()).unwrap();
        said(row, status);
    }
    assert_eq!(records(&site), before, "{fault}");
    for (_, table) in &all {
        set_fault(&site, table, "");
    }
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
    assert_eq!(records(&site), before, "{fault}, and over again");
}

fn has_finding(status: &Value, code: &str) -> bool {
    let findings = status["findings"].as_array().into_iter().flatten();
    findings.into_iter().any(|f| f["code"] == code)
}

#[test]
fn empty_tables_delete_nothing_and_are_held() {
    sweeps_under("empty", |row, status| {
        // Of a large table the look by key ends when a day's allowance is passed.
        let reason = row["held"]["reason"].as_str();
        assert!(matches!(reason, Some("emptied" | "deletes")), "{row}");
        assert_eq!(status["state"], "held", "{status}");
        assert!(
            status["held"]["message"].as_str().unwrap().contains("reconcile"),
            "{status}"
        );
    });
}

#[test]
fn scans_that_give_nothing_delete_nothing_and_are_found() {
    sweeps_under("empty:scan", |row, status| {
        assert!(row["held"].is_null(), "{row}");
        // The one record of company_options is always read by its key.
        let by_key = row["dataset"] == "company_options";
        assert!(by_key || has_finding(status, "missed_by_scan"), "{status}");
    });
}

#[test]
fn scans_that_end_early_delete_nothing_and_are_found() {
    sweeps_under("ends-early:scan", |row, status| {
        assert!(row["held"].is_null(), "{row}");
        // The one record of company_options is always read by its key.
        let by_key = row["dataset"] == "company_options";
        assert!(by_key || has_finding(status, "missed_by_scan"), "{status}");
    });
}

#[test]
fn reads_that_fail_delete_nothing_and_say_so() {
    sweeps_under("fails", |row, status| {
        assert_eq!(row["problem"]["code"], "driver_error", "{row}");
        assert_eq!(status["state"], "failing", "{status}");
    });
}

#[test]
fn reads_that_stall_delete_nothing_and_say_so() {
    sweeps_under("stalls", |row, status| {
        assert_eq!(row["problem"]["code"], "timed_out", "{row}");
        assert_eq!(status["state"], "failing", "{status}");
    });
}

#[test]
fn denied_tables_delete_nothing_and_say_so() {
    sweeps_under("denied", |row, _| {
        let absent = row["result"] == "absent";
        assert!(absent || !row["problem"].is_null(), "{row}");
    });
}

/// More rows than a day may lose without being asked about: the larger half is left.
const ENOUGH: u64 = 8;

#[test]
fn tables_cut_to_half_are_held_until_a_person_has_looked() {
    let (site, all) = site();
    let before = records(&site);
    let cut: Vec<&(String, String)> = all.iter().filter(|(d, _)| before[d] >= ENOUGH).collect();
    assert!(cut.len() >= 18, "{cut:?}");
    for (_, table) in &cut {
        sandbox(&site, &["play", "--script", "truncate", "--table", table]).ok();
    }
    let output = site.driver(&["sync", "--full", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let rows = rows(&output);
    let held: Vec<&str> = cut
        .iter()
        .map(|(dataset, _)| dataset.as_str())
        .filter(|dataset| !of(&rows, dataset)["held"].is_null())
        .collect();
    for (dataset, _) in &cut {
        let row = of(&rows, dataset);
        // A successor may explain some of a hot set; what it does not explain is held.
        assert!(held.contains(&dataset.as_str()) || row["removed"] != 0, "{row}");
    }
    for dataset in [
        "items",
        "customers",
        "price_codes",
        "contacts",
        "invoices",
        "payments",
        "sales_orders",
    ] {
        assert!(
            held.contains(&dataset),
            "{dataset} is not held: {}",
            of(&rows, dataset)
        );
        assert_eq!(records(&site)[dataset], before[dataset], "{dataset}");
    }
    // The copy is mended: nothing was lost, and nobody has to do anything.
    for (_, table) in &cut {
        sandbox(&site, &["play", "--script", "restore", "--table", table]).ok();
    }
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
    assert_eq!(records(&site), before);
}

#[test]
fn a_person_looks_and_confirms_what_was_shown() {
    let (site, _) = site();
    let before = records(&site)["items"];
    let refused = site.driver(&["reconcile", "--dataset", "items", "--confirm-deletes"]);
    assert_eq!(refused.code, Some(1), "nothing was shown before: {refused:?}");

    sandbox(&site, &["play", "--script", "truncate", "--table", "CI_Item"]).ok();
    let left: u64 = site.ask_erp("SELECT count(*) FROM CI_Item").parse().unwrap();
    let shown = site.driver(&["reconcile", "--dataset", "items", "--json"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let row = &rows(&shown)[0];
    assert_eq!(row["held"]["unexplained"], before - left, "{row}");
    assert_eq!(
        row["held"]["records"].as_array().unwrap().len() as u64,
        before - left
    );
    assert_eq!(records(&site)["items"], before, "looking deletes nothing");

    site.driver(&["reconcile", "--dataset", "items", "--confirm-deletes"])
        .ok();
    assert_eq!(records(&site)["items"], left);
    site.driver(&["verify", "--dataset", "items"]).ok();
}

#[test]
fn a_column_that_goes_blank_stops_its_dataset() {
    let (site, _) = site();
    let price = site.api.get("/v1/items/1001-HON-H252").body["standard_unit_price"].clone();
    sandbox(
        &site,
        &[
            "play",
            "--script",
            "blank-column",
            "--table",
            "CI_Item",
            "--column",
            "StandardUnitPrice",
        ],
    )
    .ok();
    let output = site.driver(&["sync", "--full", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let rows = rows(&output);
    assert_eq!(
        of(&rows, "items")["held"]["reason"],
        "column",
        "{}",
        of(&rows, "items")
    );
    assert!(of(&rows, "customers")["held"].is_null(), "others go on");
    assert_eq!(
        site.api.get("/v1/items/1001-HON-H252").body["standard_unit_price"],
        price
    );

    site.driver(&["reconcile", "--dataset", "items", "--confirm-columns"])
        .ok();
    assert_eq!(
        site.api.get("/v1/items/1001-HON-H252").body["standard_unit_price"],
        "0.000000"
    );
    site.driver(&["verify"]).ok();
}

const HISTORY: &str = "sales_order_history";

/// The order history, of which every record has freight and an invoiced amount, read whole;
/// then as many new records as are asked for, without either, behind all the others.
fn history_grows(more: u32) -> Site {
    let (site, _) = site();
    site.erp("UPDATE SO_SalesOrderHistoryHeader SET FreightAmt = 12.5, LastInvoiceNo = '0000001'");
    site.driver(&["sync", "--full", "--dataset", HISTORY]).ok();
    let connection = rusqlite::Connection::open(site.company()).unwrap();
    let made = connection.execute_batch(&format!(
        "CREATE TEMP TABLE fresh AS
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {more})
                SELECT h.*, i FROM (SELECT * FROM SO_SalesOrderHistoryHeader LIMIT 1) h, n;
             UPDATE fresh SET SalesOrderNo = 'Z' || printf('%06d', i), FreightAmt = 0, LastInvoiceNo = '';
             ALTER TABLE fresh DROP COLUMN i;
             INSERT INTO SO_SalesOrderHistoryHeader SELECT * FROM fresh;"
    ));
    made.unwrap();
    site
}

/// Rows and rows with a value, as the driver remembers them of the last whole pass.
fn remembered_fill(site: &Site, column: &str) -> (u64, u64) {
    let index =
        rusqlite::Connection::open(site.config("driver").with_extension("").join("index.db")).unwrap();
    let text: String = index
        .query_row(
            "SELECT text FROM note JOIN stream ON stream.id = note.stream
             WHERE dataset = ?1 AND name = 'fill'",
            [HISTORY],
            |row| row.get(0),
        )
        .unwrap();
    let fill: Value = serde_json::from_str(&text).unwrap();
    let of = &fill["columns"][column];
    (of["rows"].as_u64().unwrap(), of["filled"].as_u64().unwrap())
}

#[test]
fn many_new_records_without_a_value_are_no_loss_in_a_pass_that_goes_on_after_a_stop() {
    let mut site = history_grows(3000);
    let filled: u64 = site
        .ask_erp("SELECT count(*) FROM SO_SalesOrderHistoryHeader WHERE FreightAmt <> 0")
        .parse()
        .unwrap();
    assert!((21..1000).contains(&filled), "{filled}");
    assert_eq!(remembered_fill(&site, "FreightAmt"), (filled, filled));
    // The pass ends in its middle: the hub takes one batch of it and no other.
    site.hub.kill();
    site.hub
        .start_again(&[("ERP_DRIVER_FAULT_POINT", "hub.before_ingest@3")]);
    let output = site.driver(&["sync", "--full", "--dataset", HISTORY]);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(site.hub.has_ended(), "it was stopped elsewhere: {output:?}");
    site.hub.start_again(&[]);
    // Another process goes on with it, behind all the records that have a value, and ends
    // where it would look at everything once more.
    let before_another = [("ERP_DRIVER_FAULT_POINT", "sync.begin_sweep")];
    let output = site.driver_named(
        "driver",
        &["sync", "--full", "--dataset", HISTORY],
        &before_another,
    );
    assert_eq!(output.code, None, "it goes on to the end: {output:?}");
    assert_eq!(
        remembered_fill(&site, "FreightAmt"),
        (3000 + filled, filled),
        "what both processes read is counted, and nothing twice"
    );
    site.driver(&["sync", "--full", "--dataset", HISTORY]).ok();
    site.driver(&["verify", "--dataset", HISTORY]).ok();
}

#[test]
fn all_columns_that_went_blank_are_named_and_confirmed_at_once() {
    // Those that share a page with the blank new ones, too.
    let site = history_grows(3000);
    site.erp("UPDATE SO_SalesOrderHistoryHeader SET FreightAmt = 0, LastInvoiceNo = '', BillToName = ''");
    let sweep = ["sync", "--full", "--dataset", HISTORY, "--json"];
    let row = of(&rows(&site.driver(&sweep)), HISTORY).clone();
    let message = row["held"]["message"].as_str().unwrap_or_default();
    for column in ["BillToName", "FreightAmt", "LastInvoiceNo"] {
        assert!(message.contains(&format!("column {column}")), "{row}");
    }
    site.driver(&["reconcile", "--dataset", HISTORY, "--confirm-columns"])
        .ok();
    site.driver(&["sync", "--full", "--dataset", HISTORY]).ok();
    site.driver(&["verify", "--dataset", HISTORY]).ok();
}

#[test]
fn an_approval_is_good_for_one_pass_and_for_what_was_shown() {
    let (site, _) = site();
    let before = records(&site)["contacts"];
    let truncate = ["play", "--script", "truncate", "--table", "AR_CustomerContact"];
    let restore = ["play", "--script", "restore", "--table", "AR_CustomerContact"];
    let sweep = ["sync", "--full", "--dataset", "contacts"];
    sandbox(&site, &truncate).ok();
    assert_eq!(site.driver(&sweep).code, Some(1));
    // A pass by stamps does not look, but it does not say that all is well either.
    assert_eq!(site.driver(&["sync", "--dataset", "contacts"]).code, Some(1));
    sandbox(&site, &restore).ok();
    // Confirmed for nothing: the rows are back. The next accident is asked about again.
    site.driver(&["reconcile", "--dataset", "contacts", "--confirm-deletes"])
        .ok();
    sandbox(&site, &truncate).ok();
    let output = site.driver(&sweep);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(records(&site)["contacts"], before);
}

#[test]
fn a_second_large_removal_on_one_day_is_asked_about_and_confirmed() {
    let (site, _) = site();
    let sweep = ["sync", "--full", "--dataset", "ship_to_addresses"];
    let confirm = ["reconcile", "--dataset", "ship_to_addresses", "--confirm-deletes"];
    for share in ["2", "3"] {
        site.erp(&format!("DELETE FROM SO_ShipToAddress WHERE rowid % {share} = 0"));
        assert_eq!(site.driver(&sweep).code, Some(1), "every {share}");
        site.driver(&confirm).ok();
        let left: u64 = site
            .ask_erp("SELECT count(*) FROM SO_ShipToAddress")
            .parse()
            .unwrap();
        assert_eq!(records(&site)["ship_to_addresses"], left, "every {share}");
    }
    // A few more leave without being asked about.
    site.erp("DELETE FROM SO_ShipToAddress WHERE rowid IN (SELECT max(rowid) FROM SO_ShipToAddress)");
    site.driver(&sweep).ok();
    site.driver(&["verify", "--dataset", "ship_to_addresses"]).ok();
}

#[test]
fn lines_that_vanish_stop_their_documents() {
    let (site, _) = site();
    let order = "/v1/sales_orders?limit=1";
    let lines = |site: &Site| {
        site.api.get(order).body["data"][0]["lines"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = lines(&site);
    assert!(before > 0);
    set_fault(&site, "SO_SalesOrderDetail", "empty");
    let output = site.driver(&["sync", "--full", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let rows = rows(&output);
    assert_eq!(
        of(&rows, "sales_orders")["held"]["reason"],
        "column",
        "{}",
        of(&rows, "sales_orders")
    );
    assert_eq!(lines(&site), before);
    set_fault(&site, "SO_SalesOrderDetail", "");
    site.driver(&["reconcile", "--dataset", "sales_orders"]).ok();
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
}
