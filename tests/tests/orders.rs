//! Web orders into Sage, exactly once: every process killed at every step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Reader, Site};

const SETTLED: Duration = Duration::from_secs(90);

fn order(po: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": po,
        "ship_to": { "ship_to_code": "2" },
        "lines": [
            { "item_code": "1001-HON-H252", "quantity_ordered": "2", "warehouse_code": "000" },
            { "item_code": "1001-HON-H254", "quantity_ordered": "1", "unit_price": "120.50" }
        ]
    })
}

/// A site whose company is claimed and whose Sage processes go away quickly.
fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    setting(&site, "linger_ms", "50");
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn setting(site: &Site, name: &str, value: &str) {
    let company = site.company().display().to_string();
    system_tests::run("sage-sandbox", &["setting", &company, "set", name, value]).ok();
}

fn post(site: &Site, key: &str, body: &Value) -> String {
    let answer = site.api.post("/v1/sales_orders", key, body);
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

fn settled(site: &Site, id: &str) -> Value {
    let is_settled = |a: &Answer| {
        let state = a.body["state"].as_str().unwrap_or_default();
        ["written", "held", "in_doubt", "refused", "discarded"].contains(&state)
    };
    site.api
        .wait_for(&format!("/v1/imports/{id}"), SETTLED, is_settled)
        .body
}

/// Orders with this customer PO, open or in history.
fn orders_with(site: &Site, po: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(site.company()).unwrap();
    let mut select = connection
        .prepare(
            "SELECT SalesOrderNo FROM SO_SalesOrderHeader WHERE CustomerPONo = ?1 \
             UNION SELECT SalesOrderNo FROM SO_SalesOrderHistoryHeader WHERE CustomerPONo = ?1",
        )
        .unwrap();
    let rows = select.query_map([po], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[track_caller]
fn is_written_once(site: &Site, id: &str, po: &str) -> Value {
    let import = settled(site, id);
    assert_eq!(import["state"], "written", "{import}");
    assert_eq!(
        orders_with(site, po),
        [import["sales_order_no"].as_str().unwrap()],
        "{import}"
    );
    import
}

#[test]
fn three_posts_become_one_order_with_the_customers_defaults_and_sages_prices() {
    let site = site();
    let driver = site.start_driver("driver", &[]);
    let ids: Vec<String> = (0..3).map(|_| post(&site, "key-1", &order("WEB-1"))).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let import = is_written_once(&site, &ids[0], "WEB-1");
    let number = import["sales_order_no"].as_str().unwrap();

    let header = |column: &str| {
        site.ask_erp(&format!(
            "SELECT {column} FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'"
        ))
    };
    let customer = |column: &str| {
        site.ask_erp(&format!(
            "SELECT {column} FROM AR_Customer WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF'"
        ))
    };
    assert_eq!(header("TermsCode"), customer("TermsCode"));
    assert_eq!(header("BillToName"), customer("CustomerName"));
    assert_eq!(header("TaxSchedule"), customer("TaxSchedule"));
    assert_eq!(header("ShipToName"), "Racine Warehouse");
    let line = |item: &str, column: &str| {
        site.ask_erp(&format!(
            "SELECT {column} FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}' AND ItemCode = '{item}'"
        ))
    };
    // The customer's own price up to nine pieces. Sage prices by default, whatever the web
    // sent, and a difference is told.
    assert!(
        line("1001-HON-H252", "UnitPrice").starts_with("82"),
        "{}",
        line("1001-HON-H252", "UnitPrice")
    );
    assert_eq!(
        line("1001-HON-H252", "QuantityOrdered")
            .trim_end_matches('0')
            .trim_end_matches('.'),
        "2"
    );
    assert!(!line("1001-HON-H254", "UnitPrice").starts_with("120.5"));
    assert_eq!(line("1001-HON-H254", "PriceOverridden"), "N");
    let warnings = import["warnings"].to_string();
    assert!(warnings.contains("120.5"), "{warnings}");
    let taxable: f64 = header("TaxableAmt").parse().unwrap();
    assert_eq!(
        import["totals"]["taxable_amt"],
        format!("{taxable:.2}"),
        "{import}"
    );

    let mut other = order("WEB-1");
    other["lines"][0]["quantity_ordered"] = json!("3");
    let answer = site.api.post("/v1/sales_orders", "key-1", &other);
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (409, "application/problem+json"),
        "{}",
        answer.body
    );

    // The order comes back through the read side.
    let found = site.api.wait_for(
        &format!("/v1/sales_orders/{number}"),
        Duration::from_secs(10),
        |a| a.status == 200,
    );
    assert_eq!(found.body["lines"].as_array().unwrap().len(), 2);
    drop(driver);
    // The order moved stock and what the customer has on order, which stamps no customer; the
    // driver may have been ended before it saw that.
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn an_order_that_sage_would_refuse_names_every_problem() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut body = order("WEB-BAD");
    body["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    body["lines"][1]["warehouse_code"] = json!("ZZZ");
    body["ship_to"]["ship_to_code"] = json!("9999");
    let import = settled(&site, &post(&site, "bad", &body));
    assert_eq!(import["state"], "refused", "{import}");
    let fields: Vec<&str> = import["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["field"].as_str().unwrap())
        .collect();
    for wanted in [
        "lines[0].item_code",
        "lines[1].warehouse_code",
        "ship_to.ship_to_code",
    ] {
        assert!(fields.contains(&wanted), "{wanted} not in {import}");
    }
    assert!(
        import["problems"]
            .as_array()
            .unwrap()
            .iter()
            .all(|p| !p["remedy"].as_str().unwrap().is_empty())
    );
    assert_eq!(orders_with(&site, "WEB-BAD"), Vec::<String>::new());
    // The queue goes on.
    let id = post(&site, "good", &order("WEB-GOOD"));
    is_written_once(&site, &id, "WEB-GOOD");
}

/// The fault points that one order passes in the driver, in order, each with how often it
/// was passed before.
fn points(site: &Site, prefix: &str) -> Vec<String> {
    let log = site.path().join("points");
    let log_text = log.display().to_string();
    let driver = site.start_driver("driver", &[("ERP_DRIVER_FAULT_LOG", &log_text)]);
    let id = post(site, "points", &order("WEB-POINTS"));
    is_written_once(site, &id, "WEB-POINTS");
    drop(driver);
    let text = std::fs::read_to_string(&log).unwrap();
    let mut seen = std::collections::HashMap::new();
    text.lines()
        .filter(|name| name.starts_with(prefix))
        .map(|name| {
            let count = seen.entry(name).or_insert(0);
            *count += 1;
            format!("{name}@{count}")
        })
        .collect()
}

/// Posts an order while a fault waits at this point, and lets the driver be started again
/// until the order is settled.
fn with_fault(site: &Site, point: &str) {
    let once = once_file(site);
    let once_text = once.display().to_string();
    let environment = [
        ("ERP_DRIVER_FAULT_POINT", point),
        ("ERP_DRIVER_FAULT_ONCE", once_text.as_str()),
    ];
    let mut driver = site.start_driver("driver", &environment);
    let po = format!("WEB-{point}").replace(['.', '_'], "-");
    let po = &po[..po.len().min(30)];
    let id = post(site, point, &order(po));
    let mut starts = 1;
    let began = std::time::Instant::now();
    let import = loop {
        assert!(
            began.elapsed() < SETTLED,
            "{point}: not settled: {}",
            driver.log()
        );
        if driver.has_ended() {
            starts += 1;
            assert!(
                starts < 5,
                "{point}: the driver does not stay up: {}",
                driver.log()
            );
            driver = site.start_driver("driver", &environment);
        }
        let import = site.api.get(&format!("/v1/imports/{id}")).body;
        let state = import["state"].as_str().unwrap_or_default().to_owned();
        if ["written", "held", "in_doubt", "refused"].contains(&state.as_str()) {
            break import;
        }
        std::thread::sleep(Duration::from_millis(30));
    };
    assert_eq!(import["state"], "written", "{point}: {import}");
    assert_eq!(
        orders_with(site, po),
        [import["sales_order_no"].as_str().unwrap()],
        "{point}: {import}"
    );
    assert!(!once.exists(), "{point} was never passed");
}

fn once_file(site: &Site) -> PathBuf {
    let once = site.path().join("once");
    std::fs::write(&once, "").unwrap();
    once
}

#[test]
fn the_driver_is_killed_at_every_step_of_an_order() {
    let site = site();
    let points = points(&site, "import.");
    assert!(points.len() >= 12, "{points:?}");
    for point in &points {
        with_fault(&site, point);
    }
}

#[test]
fn the_worker_is_killed_around_every_call_into_sage() {
    let site = site();
    let points = points(&site, "bridge.");
    assert!(points.len() >= 40, "{points:?}");
    for point in &points {
        with_fault(&site, point);
    }
}

#[test]
fn the_driver_is_killed_and_sage_commits_late() {
    let site = site();
    let points: Vec<String> = points(&site, "import.")
        .into_iter()
        .filter(|p| p.contains("header_write"))
        .collect();
    assert!(!points.is_empty());
    for point in points {
        setting(&site, "fault.header_write.delay_ms", "once:1500");
        with_fault(&site, &point);
    }
}

#[test]
fn the_worker_is_killed_inside_the_write_and_sage_commits_late() {
    let site = site();
    setting(&site, "fault.header_write.delay_ms", "once:2000");
    let driver = site.start_driver("driver", &[]);
    let id = post(&site, "late", &order("WEB-LATE"));
    site.wait_until_fired("fault.header_write.delay_ms");
    driver.kill_worker();
    // Not there yet: the commit comes later, from a process that nobody holds any more.
    assert_eq!(orders_with(&site, "WEB-LATE"), Vec::<String>::new());
    is_written_once(&site, &id, "WEB-LATE");
}

#[test]
fn sage_crashes_before_and_after_its_commit() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    for fault in ["crash_before_commit", "crash_after_commit"] {
        setting(&site, &format!("fault.header_write.{fault}"), "once");
        let po = format!("WEB-{}", &fault[..12]);
        let id = post(&site, fault, &order(&po));
        is_written_once(&site, &id, &po);
    }
}

#[test]
fn a_driver_without_its_journal_asks_the_hub() {
    let site = site();
    for point in ["import.after_header_write@1", "import.before_header_write@1"] {
        let once = once_file(&site).display().to_string();
        let environment = [
            ("ERP_DRIVER_FAULT_POINT", point),
            ("ERP_DRIVER_FAULT_ONCE", once.as_str()),
        ];
        let mut driver = site.start_driver("driver", &environment);
        let po = &point[7..30.min(point.len())].replace(['_', '@'], "-");
        let id = post(&site, point, &order(po));
        assert!(
            driver.wait(Duration::from_secs(60)).is_some(),
            "{point} was not reached"
        );
        for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            let _ = std::fs::remove_file(site.path().join("driver").join(file));
        }
        let _driver = site.start_driver("driver", &[]);
        let import = settled(&site, &id);
        let found = orders_with(&site, po);
        match import["state"].as_str().unwrap() {
            "written" => assert_eq!(found, [import["sales_order_no"].as_str().unwrap()]),
            "in_doubt" => {
                assert!(found.len() <= 1, "{found:?}");
                assert!(
                    !import["problems"][0]["remedy"].as_str().unwrap().is_empty(),
                    "{import}"
                );
            }
            other => panic!("{other}: {import}"),
        }
    }
}

#[test]
fn an_order_invoiced_before_it_is_read_back_is_found() {
    let site = site();
    let once = once_file(&site).display().to_string();
    let environment = [
        ("ERP_DRIVER_FAULT_POINT", "import.after_header_write@1"),
        ("ERP_DRIVER_FAULT_ONCE", once.as_str()),
    ];
    let mut driver = site.start_driver("driver", &environment);
    let id = post(&site, "invoiced", &order("WEB-INVOICED"));
    assert!(driver.wait(Duration::from_secs(60)).is_some());
    let written = orders_with(&site, "WEB-INVOICED");
    assert_eq!(written.len(), 1);
    let company = site.company().display().to_string();
    system_tests::run("sage-sandbox", &["post", &company, "--order", &written[0]]).ok();
    let _driver = site.start_driver("driver", &[]);
    let import = is_written_once(&site, &id, "WEB-INVOICED");
    assert_eq!(import["sales_order_no"].as_str(), Some(written[0].as_str()));
}

#[test]
fn a_reserved_number_taken_by_somebody_else_is_left_to_them() {
    let site = site();
    setting(&site, "fault.number_taken", "once");
    let _driver = site.start_driver("driver", &[]);
    let id = post(&site, "taken", &order("WEB-TAKEN"));
    is_written_once(&site, &id, "WEB-TAKEN");
}

#[test]
fn a_header_without_its_lines_is_in_doubt_and_never_repaired() {
    let site = site();
    setting(&site, "fault.partial_write", "once");
    let _driver = site.start_driver("driver", &[]);
    let id = post(&site, "partial", &order("WEB-PARTIAL"));
    let import = settled(&site, &id);
    assert_eq!(import["state"], "in_doubt", "{import}");
    assert!(!import["problems"][0]["remedy"].as_str().unwrap().is_empty());
    assert_eq!(orders_with(&site, "WEB-PARTIAL").len(), 1);
}

#[test]
fn two_drivers_with_one_identity_write_one_order() {
    let site = site();
    let first = site.start_driver("driver", &[]);
    // A copy of the whole state folder, as a cloned server has it.
    let copy = site.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(site.path().join("driver")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "driver.lock" {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    site.write_config("copy", "");
    let second = site.start_driver("copy", &[]);
    for number in 0..5 {
        let po = format!("WEB-TWO-{number}");
        let id = post(&site, &po, &order(&po));
        is_written_once(&site, &id, &po);
    }
    drop((first, second));
}

#[test]
fn a_seat_that_is_taken_is_waited_for() {
    let site = site();
    setting(&site, "Seats", "0");
    let _driver = site.start_driver("driver", &[]);
    let id = post(&site, "seat", &order("WEB-SEAT"));
    let path = format!("/v1/imports/{id}");
    let waiting = site
        .api
        .wait_for(&path, SETTLED, |a| a.body["state"] == "waiting")
        .body;
    assert_eq!(waiting["problems"][0]["code"], "no_seat", "{waiting}");
    setting(&site, "Seats", "5");
    is_written_once(&site, &id, "WEB-SEAT");
}
