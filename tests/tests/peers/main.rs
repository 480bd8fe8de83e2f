//! How other tools fail, one test for each failure that is known of them.
//!
//! | failure | test |
//! |---|---|
//! | stuck orders are reset by support and sent twice | `stuck_orders_are_reset_by_support_and_sent_twice` |
//! | fetching an order marks it exported, so that a lost reply is a lost order | `a_lost_reply_is_a_lost_order`; the driver killed at every step: `orders.rs` |
//! | a payment batch named by day is reused after it was posted, across local midnight | `a_batch_named_by_day_is_reused_after_posting_across_midnight`; shared until posted: `receipts.rs`; clock changes: the tests of `planning::payments` |
//! | session credentials changed, and nothing says so | `changed_credentials_stop_everything_silently` |
//! | the ERP is hammered | `the_erp_is_hammered_while_a_condition_lasts` |
//! | a sync inside the ERP's transaction stops the ERP when the peer is down | `the_erp_stops_when_the_peer_is_down` |
//! | dead letters are deleted on restart | `dead_letters_are_deleted_on_restart` |
//! | a disk buffer sends everything again | `a_disk_buffer_sends_everything_again`; the read side: `disturbances.rs` |
//! | a corrupt buffer loops until a person deletes it | `a_corrupt_buffer_loops_until_somebody_deletes_it`; a lost one: `orders.rs` |
//! | two runners run one job | `two_runners_run_one_job`; a copied state folder: `orders.rs`; only reading: `disturbances.rs` |
//! | an identity key stops only pending twins | `an_identity_key_stops_only_pending_twins` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

mod delivery;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Answer, Reader, Running, Site};

const SETTLED: Duration = Duration::from_secs(90);

const PAYMENTS: &str = "[company.imports.payments]\nbank_code = \"A\"\nhistory_kept = true\n\
                        [company.imports.capabilities]\nreceipts = true\n";

fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.setting("linger_ms", "50");
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn play(site: &Site, script: &str, count: &str) {
    let company = site.company().display().to_string();
    let arguments = ["play", &company, "--script", script, "--count", count];
    system_tests::run("sage-sandbox", &arguments).ok();
}

fn order(po: &str) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" }, "customer_po_no": po,
        "lines": [ { "item_code": "1001-HON-H252", "quantity_ordered": "1" } ]
    })
}

fn send_order(site: &Site, po: &str) -> String {
    site.send("sales_orders", po, &order(po))
}

fn import(site: &Site, id: &str) -> Value {
    site.api.get(&format!("/v1/imports/{id}")).body
}

fn in_state(site: &Site, id: &str, states: &[&str]) -> Value {
    let is_there = |a: &Answer| states.contains(&a.body["state"].as_str().unwrap_or_default());
    site.api
        .wait_for(&format!("/v1/imports/{id}"), SETTLED, is_there)
        .body
}

/// Orders with this number of the buyer, open or in history.
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
    let import = site.settled(id);
    assert_eq!(import["state"], "written", "{import}");
    assert_eq!(
        orders_with(site, po),
        [import["sales_order_no"].as_str().unwrap()],
        "{import}"
    );
    import
}

/// What `erp-driver status` says.
fn status(site: &Site, driver: &str) -> Value {
    let text = site.driver_named(driver, &["status", "--json"], &[]).ok();
    serde_json::from_str(&text).unwrap()
}

fn problem_code(import: &Value) -> &str {
    import["problems"][0]["code"].as_str().unwrap_or_default()
}

#[track_caller]
fn has_remedies(import: &Value) {
    let problems = import["problems"].as_array().unwrap();
    assert!(!problems.is_empty(), "{import}");
    for problem in problems {
        assert!(!problem["remedy"].as_str().unwrap().is_empty(), "{import}");
    }
}

/// A person wants the document entered again; what the hub says.
fn retry(site: &Site, id: &str, accept: &[&str]) -> Answer {
    let words = json!({ "accept": accept, "why": "support was asked" });
    site.api
        .post(&format!("/v1/imports/{id}/retry"), "unused", &words)
}

#[test]
fn stuck_orders_are_reset_by_support_and_sent_twice() {
    let site = site();
    site.setting("Seats", "0");
    let driver = site.start_driver("driver", &[]);
    // It waits for a seat: there is nothing to reset, it goes in by itself.
    let waiting = send_order(&site, "STUCK-WAITING");
    in_state(&site, &waiting, &["waiting"]);
    let answer = retry(&site, &waiting, &[]);
    assert_eq!(
        (answer.status, answer.body["code"].as_str()),
        (409, Some("import_not_editable")),
        "{}",
        answer.body
    );
    assert!(!answer.body["remedy"].as_str().unwrap().is_empty());
    drop(driver);
    site.setting("Seats", "5");

    // It is being written, for seconds: it looks stuck, and is not sent again.
    site.setting("fault.header_write.delay_ms", "once:3000");
    let driver = site.start_driver("driver", &[]);
    let slow = in_state(&site, &waiting, &["writing"]);
    for accept in [&[][..], &["in_doubt"]] {
        let answer = retry(&site, &waiting, accept);
        assert_eq!(answer.status, 409, "{}: {slow}", answer.body);
    }
    is_written_once(&site, &waiting, "STUCK-WAITING");

    // It is written: no retry, no edit, no discard, and the same key is the same order.
    for _ in 0..3 {
        assert_eq!(retry(&site, &waiting, &["in_doubt"]).status, 409);
        assert_eq!(send_order(&site, "STUCK-WAITING"), waiting);
    }
    drop(driver);
    let _driver = site.start_driver("driver", &[]);
    let other = send_order(&site, "STUCK-OTHER");
    is_written_once(&site, &other, "STUCK-OTHER");
    is_written_once(&site, &waiting, "STUCK-WAITING");

    // One in doubt needs a person's word that it is not there, and is looked for all the same.
    site.setting("fault.partial_write", "once");
    let doubtful = send_order(&site, "STUCK-DOUBT");
    assert_eq!(site.settled(&doubtful)["state"], "in_doubt");
    let answer = retry(&site, &doubtful, &[]);
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    assert_eq!(orders_with(&site, "STUCK-DOUBT").len(), 1);
}

#[test]
fn a_lost_reply_is_a_lost_order() {
    let mut site = site();
    // The hub dies while the driver has just taken the document, before and after it journaled it.
    for (place, point) in [
        "import.before_accept_local",
        "import.after_accept_local",
        "import.after_accept_hub",
    ]
    .into_iter()
    .enumerate()
    {
        let once_text = site.once_file().display().to_string();
        let environment = [
            ("ERP_DRIVER_FAULT_POINT", point),
            ("ERP_DRIVER_FAULT_ONCE", once_text.as_str()),
        ];
        let mut driver = site.start_driver("driver", &environment);
        let po = format!("LOST-{place}");
        let id = send_order(&site, &po);
        assert!(
            driver.wait(Duration::from_secs(60)).is_some(),
            "{point} was not passed"
        );
        site.hub.kill();
        site.hub.start_again(&[]);
        // Fetched by somebody who is gone: still the hub's, and still to be entered.
        let state = import(&site, &id)["state"].as_str().unwrap().to_owned();
        assert!(
            ["received", "validated"].contains(&state.as_str()),
            "{point}: {state}"
        );
        assert_eq!(orders_with(&site, &po), Vec::<String>::new());
        let _driver = site.start_driver("driver", &[]);
        is_written_once(&site, &id, &po);
    }
    // The reply to the report is lost, too: the hub is gone while the order is entered.
    site.setting("fault.header_write.delay_ms", "once:2000");
    let _driver = site.start_driver("driver", &[]);
    let id = send_order(&site, "LOST-REPORT");
    in_state(&site, &id, &["writing"]);
    site.hub.kill();
    std::thread::sleep(Duration::from_secs(3));
    site.hub.start_again(&[]);
    is_written_once(&site, &id, "LOST-REPORT");
}

fn payment(site: &Site, name: &str, day: Option<&str>) -> Value {
    let mut body = json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment_type": "CHECK", "amount": "1.00", "gateway_transaction_id": name,
        "invoices": [ { "invoice_no": "0100029", "amount": "1.00" } ]
    });
    if let Some(day) = day {
        body["captured_on"] = json!(day);
    }
    let import = site.settled(&site.send("payments", name, &body));
    assert_eq!(import["state"], "written", "{import}");
    import
}

#[test]
fn a_batch_named_by_day_is_reused_after_posting_across_midnight() {
    let site = site();
    site.write_config("driver", PAYMENTS);
    let driver = site.start_driver("driver", &[]);
    let batch = |import: &Value| import["batch_no"].as_str().unwrap().to_owned();
    let in_batch = |no: &str| {
        site.ask_erp(&format!(
            "SELECT count(*) FROM AR_CashReceiptsHeader WHERE BatchNo = '{no}'"
        ))
    };
    let (first, second) = (
        payment(&site, "mid-1", Some("2026-05-20")),
        payment(&site, "mid-2", Some("2026-05-20")),
    );
    assert_eq!(batch(&first), batch(&second));
    // The other side of midnight, while the batch of the day before is open.
    let next_day = payment(&site, "mid-3", Some("2026-05-21"));
    assert_ne!(batch(&next_day), batch(&first));
    play(&site, "post-receipts", "3");
    assert_eq!(in_batch(&batch(&first)), "0");
    // Late money of both days: neither posted batch is used, each day has a new one; also after
    // a restart, and without the journal's help in the driver's memory.
    let late = payment(&site, "mid-4", Some("2026-05-20"));
    drop(driver);
    let _driver = site.start_driver("driver", &[]);
    let later = payment(&site, "mid-5", Some("2026-05-20"));
    let late_next = payment(&site, "mid-6", Some("2026-05-21"));
    assert_eq!(batch(&late), batch(&later));
    let mut batches = [&first, &next_day, &late, &late_next].map(batch).to_vec();
    batches.sort();
    batches.dedup();
    assert_eq!(batches.len(), 4, "{batches:?}");
    assert_eq!(
        (in_batch(&batch(&first)), in_batch(&batch(&late))),
        ("0".to_owned(), "2".to_owned())
    );

    // Money without a day is of the site's day, not of UTC's.
    let new_york = || {
        let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
        zone.to_datetime(jiff::Timestamp::now()).date().to_string()
    };
    let (before, today, after) = (new_york(), payment(&site, "mid-7", None), new_york());
    let no = today["check_no"].as_str().unwrap();
    let day = site.ask_erp(&format!(
        "SELECT DepositDate FROM AR_CashReceiptsHeader WHERE CheckNo = '{no}'"
    ));
    assert!([&before, &after].contains(&&day), "{day} is not {before}");
    let comment = format!(
        "SELECT BatchComment FROM AR_CashReceiptsBatch WHERE BatchNo = '{}'",
        batch(&today)
    );
    let comment = site.ask_erp(&comment);
    assert!(
        comment.contains(&day) || comment.contains(&day.replace('-', "")),
        "{comment} is not of {day}"
    );
}

/// Calls into Sage so far, by what the worker notes.
fn calls(log: &std::path::Path) -> usize {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| *line == "bridge.before_call").count()
}

fn start_logged(site: &Site, password: &str) -> (Running, std::path::PathBuf) {
    let log = site.path().join("calls");
    // Only what comes from now on.
    let _ = std::fs::remove_file(&log);
    let text = log.display().to_string();
    let environment = [
        ("ERP_DRIVER_FAULT_LOG", text.as_str()),
        ("SAGE_PASSWORD", password),
    ];
    (site.start_driver("driver", &environment), log)
}

#[test]
fn changed_credentials_stop_everything_silently() {
    let site = site();
    let (driver, _) = start_logged(&site, "sandbox");
    let before = send_order(&site, "PASSWORD-BEFORE");
    is_written_once(&site, &before, "PASSWORD-BEFORE");
    drop(driver);
    site.setting("sage_password", "changed by somebody");

    let (driver, log) = start_logged(&site, "sandbox");
    let ids: Vec<String> = (0..5)
        .map(|n| send_order(&site, &format!("PASSWORD-{n}")))
        .collect();
    for id in &ids {
        let waiting = in_state(&site, id, &["waiting"]);
        assert_eq!(problem_code(&waiting), "password_refused", "{waiting}");
        has_remedies(&waiting);
    }
    // By name where people look, on both sides.
    let sites = site.api.wait_for("/v1/sites", Duration::from_secs(30), |a| {
        a.body["companies"][0]["imports"]["condition"]["code"] == "password_refused"
    });
    let condition = &sites.body["companies"][0]["imports"]["condition"];
    assert!(
        condition["remedy"].as_str().unwrap().contains("password_env"),
        "{condition}"
    );
    let began = Instant::now();
    loop {
        let told = status(&site, "driver");
        if told.to_string().contains("password_refused") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{told}");
        std::thread::sleep(Duration::from_millis(200));
    }
    // Five documents and many seconds: one logon, or Sage would lock the user.
    assert!((1..=2).contains(&calls(&log)), "{} calls", calls(&log));
    // Reading goes on meanwhile: it has credentials of its own.
    site.erp("UPDATE CI_Item SET ItemCodeDesc = 'Seen' WHERE ItemCode = '1001-HON-H252'");
    drop(driver);
    // Nothing was stamped: a whole pass finds it.
    site.driver(&["sync", "--dataset", "items", "--full"]).ok();
    assert_eq!(
        site.api.get("/v1/items/1001-HON-H252").body["item_code_desc"],
        "Seen"
    );

    // With the new password all go in by themselves, once each.
    let (_driver, _) = start_logged(&site, "changed by somebody");
    for (n, id) in ids.iter().enumerate() {
        is_written_once(&site, id, &format!("PASSWORD-{n}"));
    }
}

#[test]
fn the_erp_is_hammered_while_a_condition_lasts() {
    let site = site();
    for (name, value, code) in [
        ("Seats", "0", "no_seat"),
        ("exclusive_task", "Physical Count", "exclusive_task"),
        ("closed", "Y", "sage_closed"),
        ("permission:SO_SalesOrder_ui", "N", "permission_denied"),
    ] {
        site.setting(name, value);
        let (driver, log) = start_logged(&site, "sandbox");
        let ids: Vec<String> = (0..8)
            .map(|n| send_order(&site, &format!("{code}-{n}")))
            .collect();
        for id in &ids {
            let waiting = in_state(&site, id, &["waiting"]);
            assert_eq!(problem_code(&waiting), code, "{waiting}");
            has_remedies(&waiting);
        }
        let first = calls(&log);
        // A logon is a handful of calls. Eight documents that each tried would make eight.
        assert!((1..=8).contains(&first), "{code}: {first} calls");
        std::thread::sleep(Duration::from_secs(6));
        assert_eq!(calls(&log), first, "{code}: it is tried again within seconds");
        drop(driver);
        let company = site.company().display().to_string();
        if name == "Seats" {
            site.setting(name, "5");
        } else {
            system_tests::run("sage-sandbox", &["setting", &company, "unset", name]).ok();
        }
        let (_driver, _) = start_logged(&site, "sandbox");
        for (n, id) in ids.iter().enumerate() {
            is_written_once(&site, id, &format!("{code}-{n}"));
        }
    }
}

#[test]
fn the_erp_stops_when_the_peer_is_down() {
    let mut site = site();
    site.driver(&["sync"]).ok();
    let mut driver = site.start_driver("driver", &[]);
    site.setting("fault.header_write.delay_ms", "once:1000");
    let id = send_order(&site, "PEER-DOWN");
    in_state(&site, &id, &["writing"]);
    driver.kill();
    site.hub.kill();
    // Clerks work on, bulk jobs and the day end too, without waiting for anybody.
    let count = |what: &str| -> u64 {
        site.ask_erp(&format!("SELECT count(*) FROM {what}"))
            .parse()
            .unwrap()
    };
    let (open, invoices) = (count("SO_SalesOrderHeader"), count("AR_InvoiceHistoryHeader"));
    let began = Instant::now();
    // None of these changes the order that is on its way: a clerk who does is another story.
    play(&site, "stock-batch", "40");
    play(&site, "price-load", "50");
    play(&site, "day-end", "5");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(count("AR_InvoiceHistoryHeader") > invoices);
    assert!(count("SO_SalesOrderHeader") < open + 40);
    site.erp("UPDATE CI_Item SET ItemCodeDesc = 'By a clerk' WHERE ItemCode = '1001-HON-H254'");
    // Both come back: what was begun is found or entered, and what the clerks did is seen.
    site.hub.start_again(&[]);
    let driver = site.start_driver("driver", &[]);
    is_written_once(&site, &id, "PEER-DOWN");
    drop(driver);
    site.driver(&["sync", "--full"]).ok();
    site.driver(&["verify"]).ok();
}
