//! Leaving Sage alone: by a person's word and by the schedule, while reading, writing and
//! doing nothing.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Answer, Output, Reader, Running, Site};

const SETTLED: Duration = Duration::from_secs(60);
/// Within this time every handle on Sage has to be free.
const RELEASED: Duration = Duration::from_secs(10);

fn order(po: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": po,
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "2", "warehouse_code": "000" }]
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

fn has_setting(site: &Site, name: &str) -> bool {
    site.ask_erp(&format!(
        "SELECT count(*) FROM sandbox_setting WHERE name = '{name}'"
    )) != "0"
}

fn post(site: &Site, key: &str, body: &Value) -> String {
    let answer = site.api.post("/v1/sales_orders", key, body);
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

fn import(site: &Site, id: &str, state: &str) -> Value {
    let suits = |a: &Answer| a.body["state"] == state;
    site.api
        .wait_for(&format!("/v1/imports/{id}"), SETTLED, suits)
        .body
}

fn waits_for_pause(site: &Site, id: &str, reason: &str) {
    let suits = |a: &Answer| {
        let problem = &a.body["problems"][0];
        let message = problem["message"].as_str().unwrap_or_default();
        a.body["state"] == "waiting" && problem["code"] == "paused" && message.contains(reason)
    };
    let _ = site.api.wait_for(&format!("/v1/imports/{id}"), SETTLED, suits);
}

fn orders_with(site: &Site, po: &str) -> String {
    site.ask_erp(&format!(
        "SELECT count(*) FROM SO_SalesOrderHeader WHERE CustomerPONo = '{po}'"
    ))
}

fn is_written_once(site: &Site, id: &str, po: &str) {
    let _ = import(site, id, "written");
    assert_eq!(orders_with(site, po), "1");
}

fn seats(site: &Site) -> String {
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'sandbox_session'";
    if site.ask_erp(sql) == "0" {
        // Nobody has ever logged on.
        return "0".to_owned();
    }
    site.ask_erp("SELECT count(*) FROM sandbox_session")
}

/// Processes with a handle on Sage: the driver's bridges, and the company's object servers.
fn handles(site: &Site, driver: &Running) -> Vec<String> {
    let company = site.company().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(pid) = name.parse::<u32>() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        let is_bridge = parent == Some(driver.pid()) && line.contains("erp-bridge");
        let is_server = line.contains("sage-sandbox") && line.contains(" objects") && line.contains(&company);
        if is_bridge || is_server {
            found.push(format!("{pid} {line}"));
        }
    }
    found
}

#[track_caller]
fn holds_nothing(site: &Site, driver: &Running) {
    assert_eq!(handles(site, driver), Vec::<String>::new());
    assert_eq!(seats(site), "0");
}

#[track_caller]
fn wait_until(what: &str, limit: Duration, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(site: &Site) -> Running {
    let driver = site.start_driver("driver", &[]);
    let _ = site
        .api
        .wait_for("/v1/items/1001-HON-H252", SETTLED, |a| a.status == 200);
    driver
}

/// Pauses, and takes no longer than it may.
#[track_caller]
fn pause(site: &Site, arguments: &[&str]) -> String {
    let began = Instant::now();
    let mut all = vec!["pause"];
    all.extend(arguments);
    let text = site.driver(&all).ok();
    assert!(began.elapsed() < RELEASED, "{:?}", began.elapsed());
    text
}

fn status(site: &Site) -> Value {
    serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap()
}

fn site_of(site: &Site, suits: impl Fn(&Value) -> bool) -> Value {
    let answer = site.api.wait_for("/v1/sites", SETTLED, |a| {
        let abc = &a.body["companies"][0];
        abc["company"] == "ABC" && suits(&abc["paused"])
    });
    answer.body["companies"][0]["paused"].clone()
}

#[test]
fn a_pause_gives_back_every_handle_and_afterwards_everything_goes_on() {
    let site = site();
    let driver = start(&site);
    let id = post(&site, "before", &order("WEB-BEFORE"));
    is_written_once(&site, &id, "WEB-BEFORE");
    assert_eq!(seats(&site), "1", "the session stays open for a while");
    assert!(!handles(&site, &driver).is_empty());

    let text = pause(&site, &["--reason", "period end"]);
    holds_nothing(&site, &driver);
    for wanted in [
        "ABC is paused until erp-driver resume",
        "read bridge",
        "write session",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
    let told = site_of(&site, |paused| paused.is_object());
    assert_eq!(told["reason"], "period end");
    assert!(told["since"].is_string() && told["until"].is_null(), "{told}");
    let shown = status(&site);
    assert_eq!(shown["paused"]["ABC"]["reason"], "period end", "{shown}");
    assert_eq!(shown["paused"]["ABC"]["held"], json!([]), "{shown}");
    let text = site.driver(&["status"]).ok();
    assert!(
        text.contains("ABC paused: the driver is paused until somebody resumes it: period end"),
        "{text}"
    );

    // Another command by hand leaves Sage alone, too.
    let output = site.driver(&["verify"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("(paused)"), "{}", output.stderr);

    // Documents wait with the reason, and nothing is opened for them.
    let id = post(&site, "during", &order("WEB-DURING"));
    waits_for_pause(&site, &id, "period end");
    site.erp("UPDATE CI_Item SET StandardUnitPrice = '91.25' WHERE ItemCode = '1001-HON-H252'");
    std::thread::sleep(Duration::from_secs(3));
    holds_nothing(&site, &driver);
    assert_eq!(orders_with(&site, "WEB-DURING"), "0");

    let text = site.driver(&["resume"]).ok();
    assert!(text.contains("ABC goes on"), "{text}");
    is_written_once(&site, &id, "WEB-DURING");
    assert!(site_of(&site, Value::is_null).is_null());
    assert_eq!(status(&site).get("paused"), None);
    drop(driver);
    site.driver(&["sync"]).ok();
    site.driver(&["reconcile"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn a_pause_before_the_header_s_write_leaves_the_document_untouched() {
    let site = site();
    let driver = start(&site);
    setting(&site, "fault.session_open.delay_ms", "once:4000");
    let id = post(&site, "slow", &order("WEB-SLOW"));
    wait_until("the session is being opened", SETTLED, || {
        !has_setting(&site, "fault.session_open.delay_ms")
    });
    let _ = pause(&site, &["--reason", "posting"]);
    holds_nothing(&site, &driver);
    waits_for_pause(&site, &id, "posting");
    assert_eq!(orders_with(&site, "WEB-SLOW"), "0");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(orders_with(&site, "WEB-SLOW"), "0");
    site.driver(&["resume"]).ok();
    is_written_once(&site, &id, "WEB-SLOW");
}

#[test]
fn a_session_that_does_not_open_is_cut_off() {
    let site = site();
    let driver = start(&site);
    setting(&site, "fault.session_open.delay_ms", "once:60000");
    let id = post(&site, "stuck", &order("WEB-STUCK"));
    wait_until("the session is being opened", SETTLED, || {
        !has_setting(&site, "fault.session_open.delay_ms")
    });
    let text = pause(&site, &[]);
    assert!(text.contains("released: "), "{text}");
    holds_nothing(&site, &driver);
    assert_eq!(orders_with(&site, "WEB-STUCK"), "0");
    site.driver(&["resume"]).ok();
    is_written_once(&site, &id, "WEB-STUCK");
}

#[test]
fn a_pause_inside_the_write_waits_for_it_and_says_so() {
    let site = site();
    let driver = start(&site);
    setting(&site, "fault.header_write.delay_ms", "once:4000");
    let id = post(&site, "late", &order("WEB-LATE"));
    let next = order("WEB-NEXT");
    wait_until("the header is being written", SETTLED, || {
        !has_setting(&site, "fault.header_write.delay_ms")
    });
    let next = post(&site, "next", &next);
    let output: Output = site.driver(&["pause", "--reason", "backup"]);
    assert!(
        output
            .stderr
            .contains("a document is being written, its deadline is in 1"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("nothing new begins"), "{}", output.stderr);
    let text = output.ok();
    assert!(text.contains("write session"), "{text}");
    holds_nothing(&site, &driver);
    // It was read back before the driver let go: its sender knows, while the next one waits.
    is_written_once(&site, &id, "WEB-LATE");
    waits_for_pause(&site, &next, "backup");
    assert_eq!(orders_with(&site, "WEB-NEXT"), "0");
    site.driver(&["resume"]).ok();
    is_written_once(&site, &next, "WEB-NEXT");
    is_written_once(&site, &id, "WEB-LATE");
}

#[test]
fn a_pause_for_a_time_ends_by_itself() {
    let site = site();
    let _driver = start(&site);
    let text = pause(&site, &["--for", "4s", "--json"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["running"], true);
    assert!(answer["paused"]["ABC"]["until"].is_string(), "{answer}");
    let began = Instant::now();
    let id = post(&site, "soon", &order("WEB-SOON"));
    is_written_once(&site, &id, "WEB-SOON");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(status(&site).get("paused"), None);
    for (arguments, code) in [
        (["--for", "soon"], "time_invalid"),
        (["--for", "0s"], "time_invalid"),
        (["--until", "2020-01-01T12:00"], "time_invalid"),
        (["--until", "tomorrow"], "time_invalid"),
        (["--company", "XYZ"], "company_unknown"),
    ] {
        let output = site.driver(&[&["pause"][..], &arguments].concat());
        assert!(output.stderr.contains(code), "{arguments:?}: {}", output.stderr);
        assert_eq!(output.code, Some(1));
    }
    assert_eq!(status(&site).get("paused"), None);
}

#[test]
fn a_pause_outlives_the_driver_and_needs_none() {
    let site = site();
    let text = pause(&site, &["--reason", "moving house", "--for", "2h"]);
    assert!(text.contains("no driver runs here"), "{text}");
    let output = site.driver(&["sync"]);
    assert_eq!(output.code, Some(1));
    assert!(output.stdout.contains("moving house"), "{}", output.stdout);

    let mut driver = site.start_driver("driver", &[]);
    let _ = site_of(&site, |paused| paused["reason"] == "moving house");
    let id = post(&site, "outlives", &order("WEB-OUTLIVES"));
    waits_for_pause(&site, &id, "moving house");
    holds_nothing(&site, &driver);
    driver.kill();
    let driver = site.start_driver("driver", &[]);
    std::thread::sleep(Duration::from_secs(3));
    holds_nothing(&site, &driver);
    assert_eq!(status(&site)["paused"]["ABC"]["reason"], "moving house");
    assert_eq!(orders_with(&site, "WEB-OUTLIVES"), "0");
    site.driver(&["resume", "--company", "ABC"]).ok();
    is_written_once(&site, &id, "WEB-OUTLIVES");
}

/// What a driver is handed at its start has to be taken in, however much it took in before.
#[test]
fn large_documents_that_wait_are_handed_over_again_at_the_next_start() {
    const ORDERS: usize = 40;
    let site = site();
    let _ = pause(&site, &["--reason", "stocktaking"]);
    let mut driver = site.start_driver("driver", &[]);
    let line = json!({ "item_code": "/C", "comment_text": "x".repeat(1_900) });
    let large = |n: usize| {
        let mut large = order("WEB-LARGE");
        large["customer"]["customer_no"] = format!("NOBODY{n}").into();
        large["lines"] = vec![line.clone(); 500].into();
        large
    };
    let ids: Vec<_> = (0..ORDERS)
        .map(|n| post(&site, &format!("large-{n}"), &large(n)))
        .collect();
    for id in &ids {
        waits_for_pause(&site, id, "stocktaking");
    }
    driver.kill();
    let _driver = site.start_driver("driver", &[]);
    site.driver(&["resume"]).ok();
    for id in &ids {
        let refused = import(&site, id, "refused");
        assert_eq!(refused["problems"][0]["code"], "customer_unknown", "{refused}");
    }
}

#[test]
fn the_schedule_pauses_and_a_person_may_end_it() {
    let site = site();
    // Around now, whatever the hour.
    let hour = |offset: i64| {
        let sql = format!("SELECT strftime('%H:00', 'now', '{offset} hours')");
        site.ask_erp(&sql)
    };
    let config = std::fs::read_to_string(site.config("driver")).unwrap();
    let config = config.replace("America/New_York", "UTC");
    let (from, to) = (hour(-1), hour(2));
    let text =
        format!("{config}\n[[pause]]\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"nightly backup\"\n");
    std::fs::write(site.config("driver"), text).unwrap();
    let driver = site.start_driver("driver", &[]);
    let told = site_of(&site, |paused| paused["reason"] == "nightly backup");
    assert!(told["until"].as_str().unwrap().contains(&to), "{told} {to}");
    holds_nothing(&site, &driver);
    let id = post(&site, "schedule", &order("WEB-SCHEDULE"));
    waits_for_pause(&site, &id, "nightly backup");
    site.driver(&["resume"]).ok();
    is_written_once(&site, &id, "WEB-SCHEDULE");
    assert!(site_of(&site, Value::is_null).is_null());
    // And pauses again by hand.
    let _ = pause(&site, &[]);
    holds_nothing(&site, &driver);
}

#[test]
fn reading_stops_within_seconds_and_goes_on_where_it_stood() {
    let site = site();
    // A page that takes a minute, in the middle of the first load.
    setting(&site, "reader.CI_Item.stall_s", "50");
    setting(&site, "reader.CI_Item.fault", "stalls:scan");
    let driver = site.start_driver("driver", &[]);
    wait_until("something is read", SETTLED, || {
        site.api.get("/v1/customers?limit=1").body["data"]
            .as_array()
            .is_some_and(|data| !data.is_empty())
    });
    std::thread::sleep(Duration::from_secs(1));
    let text = pause(&site, &[]);
    assert!(text.contains("read bridge"), "{text}");
    holds_nothing(&site, &driver);
    setting(&site, "reader.CI_Item.fault", "none");
    site.driver(&["resume"]).ok();
    let _ = site
        .api
        .wait_for("/v1/items/1001-HON-H252", SETTLED, |a| a.status == 200);
    let _ = site.api.wait_for("/v1/sales_orders?limit=1", SETTLED, |a| {
        a.body["data"].as_array().is_some_and(|d| !d.is_empty())
    });
    drop(driver);
    site.driver(&["sync"]).ok();
    site.driver(&["verify"]).ok();
}

#[test]
fn pauses_in_the_middle_of_a_busy_hour_lose_and_double_nothing() {
    const ORDERS: usize = 24;
    let site = site();
    let mut driver = start(&site);
    setting(&site, "fault.header_write.delay_ms", "60");
    let post_some = |from: usize, to: usize| -> Vec<(String, String)> {
        let posted = (from..to).map(|n| {
            let po = format!("WEB-BUSY-{n}");
            (post(&site, &po, &order(&po)), po)
        });
        posted.collect()
    };
    let mut posted = Vec::new();
    for round in 0..6 {
        posted.extend(post_some(round * 4, round * 4 + 4));
        std::thread::sleep(Duration::from_millis(70 * round as u64));
        let _ = pause(&site, &[]);
        holds_nothing(&site, &driver);
        if round == 3 {
            driver.kill();
            driver = site.start_driver("driver", &[]);
        }
        site.driver(&["resume"]).ok();
    }
    assert_eq!(posted.len(), ORDERS);
    for (id, po) in &posted {
        is_written_once(&site, id, po);
    }
    let all = site.ask_erp("SELECT count(*) FROM SO_SalesOrderHeader WHERE CustomerPONo LIKE 'WEB-BUSY-%'");
    assert_eq!(all, ORDERS.to_string());
}

#[test]
fn one_company_pauses_while_another_goes_on() {
    let site = site();
    let other = site.path().join("other.db").display().to_string();
    let make = ["create", &other, "--company", "XYZ", "--seed", "7"];
    system_tests::run("sage-sandbox", &make).ok();
    let section =
        format!("[[company]]\ncode = \"XYZ\"\nedition = \"standard\"\nreader.sandbox = \"{other}\"\n");
    site.write_config("driver", &section);
    let driver = site.start_driver("driver", &[]);
    let price = |company: &str| format!("/v1/items/1001-HON-H252?company={company}");
    for company in ["ABC", "XYZ"] {
        let _ = site.api.wait_for(&price(company), SETTLED, |a| a.status == 200);
    }
    let _ = pause(&site, &["--company", "ABC", "--reason", "counting"]);
    let shown = status(&site);
    assert_eq!(shown["paused"]["ABC"]["reason"], "counting", "{shown}");
    assert_eq!(shown["paused"].get("XYZ"), None, "{shown}");
    assert_eq!(handles(&site, &driver).len(), 1, "the other company's reader");
    let arguments = [
        "set",
        &other,
        "--table",
        "CI_Item",
        "--key",
        "ItemCode=1001-HON-H252",
        "--value",
        "StandardUnitPrice=77.5",
    ];
    system_tests::run("sage-sandbox", &arguments).ok();
    let _ = site.api.wait_for(&price("XYZ"), SETTLED, |a| {
        a.body["standard_unit_price"] == "77.500000"
    });
    let text = site.driver(&["resume", "--company", "XYZ"]).ok();
    assert!(text.contains("XYZ was not paused"), "{text}");
    assert_eq!(status(&site)["paused"]["ABC"]["reason"], "counting");
}

#[test]
fn a_pause_waits_for_an_import_job_and_names_it() {
    let site = site();
    let (log, folder) = (site.path().join("jobs"), site.path().join("files"));
    std::fs::create_dir(folder).unwrap();
    let script = site.path().join("job.sh");
    let text = format!("echo start >> '{0}'; sleep 4; echo end >> '{0}'", log.display());
    std::fs::write(&script, text).unwrap();
    let payments = format!(
        "[company.imports.payments]\nbank_code = \"A\"\noverpayment = \"prepayment\"\nwriter = {{ visual_integrator = {{ job = \"VIWI0A\", \
         folder = \"files\", command = [\"sh\", \"{}\", \"{{file}}\"] }} }}\n",
        script.display()
    );
    site.write_config("driver", &payments);
    let driver = start(&site);
    let jobs = || {
        std::fs::read_to_string(&log)
            .unwrap_or_default()
            .replace('\n', " ")
    };
    // Whoever comes after another one of the same customer is told nothing but that.
    let other = site.ask_erp(
        "SELECT CustomerNo FROM AR_Customer WHERE ARDivisionNo = '01' AND CustomerStatus = 'A' \
         AND CustomerNo <> 'ABF' LIMIT 1",
    );
    let pay = |customer_no: &str| {
        let body = json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": customer_no },
            "payment_type": "CHECK", "amount": "10.00", "reference": customer_no,
        });
        site.send("payments", customer_no, &body)
    };
    let _ = pay("ABF");
    wait_until("the job runs", SETTLED, || jobs() == "start ");
    let output: Output = site.driver(&["pause", "--reason", "posting"]);
    assert_eq!(jobs(), "start end ", "it does not wait for the job");
    assert!(
        output
            .stderr
            .contains("an import job runs, its deadline is in 29"),
        "{}",
        output.stderr
    );
    let text = output.ok();
    assert!(text.contains("import job"), "{text}");
    holds_nothing(&site, &driver);
    let next = pay(&other);
    waits_for_pause(&site, &next, "posting");
    assert_eq!(jobs(), "start end ");
    site.driver(&["resume"]).ok();
    wait_until("the next one is handed over", SETTLED, || {
        jobs() == "start end start end "
    });
}
