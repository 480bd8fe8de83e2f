//! States of Sage in which documents wait: each has its name in `status`, in `/v1/sites`
//! and on the document, and when it has passed the document goes in by itself. And what a
//! person decides at the driver's host.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Reader, Running, Site, run};

const SOON: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(90);

fn order(po: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": po,
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "1", "warehouse_code": "000" }]
    })
}

fn site(more: &str) -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.write_config("driver", more);
    set(&site, "linger_ms", "50");
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn set(site: &Site, name: &str, value: &str) {
    let company = site.company().display().to_string();
    run("sage-sandbox", &["setting", &company, "set", name, value]).ok();
}

fn unset(site: &Site, name: &str) {
    let company = site.company().display().to_string();
    run("sage-sandbox", &["setting", &company, "unset", name]).ok();
}

fn post(site: &Site, po: &str) -> String {
    let answer = site.api.post("/v1/sales_orders", po, &order(po));
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

fn import(site: &Site, id: &str, limit: Duration, state: &str) -> Value {
    let suits = |a: &Answer| a.body["state"] == state;
    site.api.wait_for(&format!("/v1/imports/{id}"), limit, suits).body
}

fn is_written_once(site: &Site, id: &str, po: &str, limit: Duration) {
    let _ = import(site, id, limit, "written");
    let sql = format!("SELECT count(*) FROM SO_SalesOrderHeader WHERE CustomerPONo = '{po}'");
    assert_eq!(site.ask_erp(&sql), "1", "{po}");
}

fn status(site: &Site) -> Value {
    serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap()
}

/// The document waits under this name, everywhere that people look; its row in `/v1/sites`.
#[track_caller]
fn waits_by_name(site: &Site, id: &str, name: &str) -> Value {
    let on_document = site.api.wait_for(&format!("/v1/imports/{id}"), SOON, |a| {
        a.body["state"] == "waiting" && a.body["problems"][0]["code"] == name
    });
    let problem = &on_document.body["problems"][0];
    assert!(!problem["remedy"].as_str().unwrap().is_empty(), "{problem}");

    let row = |standing: &Value| {
        let waiting = standing["waiting"].as_array().cloned().unwrap_or_default();
        waiting
            .into_iter()
            .find(|w| w["import"] == id && w["code"] == name)
    };
    let sites = site.api.wait_for("/v1/sites", SOON, |a| {
        row(&a.body["companies"][0]["imports"]).is_some()
    });
    let standing = &sites.body["companies"][0]["imports"];
    let shown = row(standing).unwrap();
    assert!(!shown["remedy"].as_str().unwrap().is_empty(), "{shown}");
    assert!(
        shown["since"].is_string() && shown["until"].is_string(),
        "{shown}"
    );
    // One document's lock holds up nobody else.
    if name == "record_locked" {
        assert_eq!(standing["condition"], Value::Null, "{standing}");
    } else {
        assert_eq!(standing["condition"]["code"], name, "{standing}");
    }

    let local = status(site);
    assert!(row(&local["documents"]["ABC"]).is_some(), "{local}");
    let words = site.driver(&["status"]).ok();
    assert!(words.contains(name) && words.contains("hint: "), "{words}");
    shown
}

/// A driver that was started again tries at once, however long the wait was.
fn start_again(site: &Site, driver: &mut Running) {
    driver.stop();
    *driver = site.start_driver("driver", &[]);
}

/// Sees the condition by its name, ends it, and sees the order in Sage.
fn passes(site: &Site, driver: &mut Running, name: &str, setting: (&str, &str)) -> Value {
    set(site, setting.0, setting.1);
    // A session that is open would not notice.
    start_again(site, driver);
    let po = format!("PO-{name}");
    let id = post(site, &po);
    let shown = waits_by_name(site, &id, name);
    unset(site, setting.0);
    start_again(site, driver);
    is_written_once(site, &id, &po, SOON);
    shown
}

#[test]
fn what_closes_sage_for_us_has_its_name() {
    let site = site("");
    let mut driver = site.start_driver("driver", &[]);
    passes(&site, &mut driver, "sage_closed", ("closed", "Y"));
    passes(
        &site,
        &mut driver,
        "exclusive_task",
        ("exclusive_task", "Rebuild Sort Files"),
    );
    passes(&site, &mut driver, "period_end", ("period_end", "S/O"));
    let sites = site.api.get("/v1/sites").body;
    assert_eq!(sites["companies"][0]["imports"]["in_doubt"], 0, "{sites}");
}

#[test]
fn what_sage_does_not_let_us_do_has_its_name() {
    let site = site("");
    let mut driver = site.start_driver("driver", &[]);
    passes(
        &site,
        &mut driver,
        "external_access_off",
        ("external_access", "N"),
    );
    let shown = passes(
        &site,
        &mut driver,
        "permission_denied",
        ("permission:SO_SalesOrder_ui", "N"),
    );
    assert!(
        shown["detail"].as_str().unwrap().contains("SO_SalesOrder_ui"),
        "{shown}"
    );
    passes(
        &site,
        &mut driver,
        "subscription_lapsed",
        ("subscription", "lapsed"),
    );
}

#[test]
fn a_seat_that_comes_free_is_taken_without_anybodys_doing() {
    let site = site("");
    set(&site, "Seats", "0");
    let _driver = site.start_driver("driver", &[]);
    let first = post(&site, "PO-SEAT-1");
    waits_by_name(&site, &first, "no_seat");
    let second = post(&site, "PO-SEAT-2");
    waits_by_name(&site, &second, "no_seat");
    unset(&site, "Seats");
    is_written_once(&site, &first, "PO-SEAT-1", LONG);
    is_written_once(&site, &second, "PO-SEAT-2", LONG);
    let gone = |a: &Answer| {
        let standing = &a.body["companies"][0]["imports"];
        standing["condition"].is_null() && standing["queued"] == 0 && standing["waiting"] == json!([])
    };
    let _ = site.api.wait_for("/v1/sites", SOON, gone);
}

#[test]
fn a_record_that_somebody_has_open_names_who_and_holds_up_nobody_else() {
    let site = site("");
    let _driver = site.start_driver("driver", &[]);
    let first = post(&site, "PO-LOCK-0");
    let number = import(&site, &first, SOON, "written")["sales_order_no"].clone();
    let number: u64 = number.as_str().unwrap().parse().unwrap();
    let lock = format!("lock:SO_SalesOrderHeader:{:07}", number + 1);
    set(&site, &lock, "JQ");
    let locked = post(&site, "PO-LOCK-1");
    let shown = waits_by_name(&site, &locked, "record_locked");
    assert_eq!(shown["locked_by"], "JQ", "{shown}");
    let other = post(&site, "PO-LOCK-2");
    is_written_once(&site, &other, "PO-LOCK-2", SOON);
    let words = site.driver(&["imports", "list", "--state", "waiting"]).ok();
    assert!(
        words.contains(&locked) && words.contains("record_locked by JQ") && !words.contains(&other),
        "{words}"
    );
    unset(&site, &lock);
    is_written_once(&site, &locked, "PO-LOCK-1", LONG);
}

#[test]
fn a_logon_that_hangs_is_a_time_out_and_the_order_goes_in_afterwards() {
    let site = site("orders.call_limit_s = 2\n");
    set(&site, "fault.session_open.delay_ms", "once:6000");
    let _driver = site.start_driver("driver", &[]);
    let hung = post(&site, "PO-HUNG");
    waits_by_name(&site, &hung, "time_out");
    is_written_once(&site, &hung, "PO-HUNG", LONG);
}

#[test]
fn a_held_order_is_shown_and_goes_in_at_a_persons_word_whether_the_driver_runs_or_not() {
    let site = site("");
    site.erp("UPDATE AR_Customer SET CreditHold = 'Y' WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF'");
    let mut driver = site.start_driver("driver", &[]);
    let (first, second, third) = (
        post(&site, "PO-HELD-1"),
        post(&site, "PO-HELD-2"),
        post(&site, "PO-HELD-3"),
    );
    for id in [&first, &second, &third] {
        let held = import(&site, id, SOON, "held");
        assert_eq!(held["problems"][0]["code"], "credit_hold", "{held}");
    }
    let listed: Value = serde_json::from_str(
        &site
            .driver(&["imports", "list", "--state", "held", "--json"])
            .ok(),
    )
    .unwrap();
    assert_eq!(listed["imports"].as_array().unwrap().len(), 3, "{listed}");
    let shown: Value =
        serde_json::from_str(&site.driver(&["imports", "show", &first, "--json"]).ok()).unwrap();
    assert_eq!(
        (&shown["state"], &shown["problems"][0]["code"]),
        (&json!("held"), &json!("credit_hold")),
        "{shown}"
    );
    assert!(!shown["attempts"].as_array().unwrap().is_empty(), "{shown}");
    assert_eq!(shown["request"]["customer_po_no"], "PO-HELD-1");

    // A slip of the pen is no word, and neither is one about what is not there any more.
    let retry = |id: &str, more: &[&str]| site.driver(&[&["imports", "retry", id], more].concat());
    let mistyped = retry(&first, &["--accept", "credit-hold", "--why", "paid today"]);
    assert_eq!(mistyped.code, Some(2), "{}", mistyped.stderr);
    assert!(
        mistyped.stderr.contains("accept_unknown") && mistyped.stderr.contains("it has credit_hold"),
        "{}",
        mistyped.stderr
    );
    let older = retry(&first, &["--accept", "credit_hold", "--revision", "7"]);
    assert_eq!(older.code, Some(1), "{}", older.stderr);
    assert!(
        older.stderr.contains("revision_stale") && older.stderr.contains("nothing was done"),
        "{}",
        older.stderr
    );
    let misnamed = site.driver(&["imports", "list", "--state", "hold"]);
    assert!(
        misnamed.code == Some(2) && misnamed.stderr.contains("held, in_doubt"),
        "{}",
        misnamed.stderr
    );
    // Page by page: each document once, the newest first.
    let mut seen = Vec::new();
    let mut after = Vec::new();
    loop {
        let page = site.driver(
            &[
                &["imports", "list", "--state", "held", "--limit", "2", "--json"],
                after.as_slice(),
            ]
            .concat(),
        );
        let page: Value = serde_json::from_str(&page.ok()).unwrap();
        seen.extend(
            page["imports"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].clone()),
        );
        let Some(next) = page["next"].as_str() else { break };
        after = vec!["--after", String::from(next).leak()];
    }
    assert_eq!(seen, [third.as_str(), &second, &first], "newest first");

    // The driver runs.
    site.driver(&[
        "imports",
        "retry",
        &first,
        "--accept",
        "credit_hold",
        "--why",
        "paid today",
    ])
    .ok();
    is_written_once(&site, &first, "PO-HELD-1", SOON);
    let words = site.driver(&["imports", "show", &first]).ok();
    assert!(
        words.contains("in Sage as") && words.contains("paid today"),
        "{words}"
    );
    let again = site.driver(&["imports", "retry", &first]);
    assert!(
        again.code != Some(0) && again.stderr.contains("import_written"),
        "{}",
        again.stderr
    );

    // It does not.
    driver.stop();
    site.driver(&[
        "imports",
        "retry",
        &second,
        "--accept",
        "credit_hold",
        "--why",
        "paid today",
    ])
    .ok();
    site.driver(&["imports", "discard", &third, "--why", "entered by hand"])
        .ok();
    assert_eq!(import(&site, &third, SOON, "discarded")["state"], "discarded");
    let unknown = site.driver(&["imports", "discard", "nosuch", "--why", "x"]);
    assert!(unknown.stderr.contains("import_unknown"), "{}", unknown.stderr);
    let driver = site.start_driver("driver", &[]);
    is_written_once(&site, &second, "PO-HELD-2", SOON);
    let told = || site.driver(&["imports", "list", "--state", "discarded"]).ok();
    let began = std::time::Instant::now();
    while !told().contains(&third) {
        assert!(began.elapsed() < SOON, "{}", told());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(
        site.ask_erp("SELECT count(*) FROM SO_SalesOrderHeader WHERE CustomerPONo = 'PO-HELD-3'"),
        "0"
    );
    drop(driver);
}

#[test]
fn without_the_hub_a_decision_says_what_to_check() {
    let mut site = site("");
    site.hub.kill();
    let told = site.driver(&["imports", "discard", "0197c5d2", "--why", "x"]);
    assert!(
        told.code != Some(0)
            && told.stderr.contains("hub_connection_refused")
            && told.stderr.contains("check"),
        "{}",
        told.stderr
    );
}
