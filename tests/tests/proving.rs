//! What a copied company shows of Sage, and what documents may rely on afterwards.

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
use system_tests::{Answer, Output, Reader, Running, Site, run};

const SETTLED: Duration = Duration::from_secs(90);
const PAYMENTS: &str = "[company.imports.payments]\nbank_code = \"A\"\ncard_types = [\"VISA\"]\n";

/// A site with its company ABC and a copy of it, TST, in which Sage behaves as `switches` say.
fn site(switches: &[(&str, &str)]) -> Site {
    let site = Site::demo(Reader::Sandbox);
    let copy = copy_of(&site).display().to_string();
    run("sage-sandbox", &["create", &copy]).ok();
    let always = [("CompanyCode", "TST"), ("linger_ms", "50")];
    for (name, value) in always.iter().chain(switches) {
        run("sage-sandbox", &["setting", &copy, "set", name, value]).ok();
    }
    let more = format!(
        "{PAYMENTS}[[company]]\ncode = \"TST\"\ncopy_of = \"ABC\"\nedition = \"standard\"\n\
         reader.sandbox = \"{copy}\"\nwriter.sandbox = \"{copy}\"\n\
         orders.password_env = \"SAGE_PASSWORD\"\norders.fence_wait_s = 5\norders.call_limit_s = 5\n"
    );
    site.write_config("driver", &more);
    site
}

fn copy_of(site: &Site) -> PathBuf {
    site.path().join("copy.db")
}

fn prove(site: &Site) -> Output {
    site.driver(&["prove", "--company", "TST", "--json"])
}

/// What a run told, when all of it ran.
#[track_caller]
fn proof(site: &Site) -> Value {
    serde_json::from_str(&prove(site).ok()).unwrap()
}

/// The profile that is kept of ABC.
fn profile(site: &Site) -> Value {
    let file = site.path().join("driver").join("profile-ABC.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn check<'a>(profile: &'a Value, name: &str) -> &'a Value {
    let found = profile["findings"].as_array().unwrap().iter();
    let found = found.clone().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check {name}: {profile}"))
}

#[track_caller]
fn shows(profile: &Value, verdicts: &[(&str, &str)]) {
    for (name, verdict) in verdicts {
        let check = check(profile, name);
        assert_eq!(check["verdict"], *verdict, "{name}: {check}");
    }
}

fn orders(file: &std::path::Path, filter: &str) -> u32 {
    let connection = rusqlite::Connection::open(file).unwrap();
    let sql = format!("SELECT count(*) FROM SO_SalesOrderHeader WHERE {filter}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_copy_shows_what_documents_rely_on_and_the_live_company_is_left_alone() {
    let site = site(&[]);
    let before = orders(&site.company(), "1 = 1");
    let told = proof(&site);
    shows(
        &told,
        &[
            ("session", "shown"),
            ("number_spent", "shown"),
            ("order", "shown"),
            ("order_history", "shown"),
            ("number_taken", "shown"),
            ("tax_before_write", "shown"),
            ("duplicate_po", "shown"),
            ("kit_explodes", "shown"),
            ("kit_prompts", "not_shown"),
            ("locked_by", "shown"),
            ("customer", "shown"),
            ("zip_overwrites_city", "not_shown"),
            ("ship_to", "shown"),
            ("receipt_batch", "shown"),
            ("receipt", "shown"),
            ("receipt_history", "shown"),
            ("write_atomic", "shown"),
            ("late_commit", "shown"),
        ],
    );
    let kept = profile(&site);
    assert_eq!(
        kept["capabilities"],
        json!({ "receipts": true, "prompting_kits": false, "tax_before_write": true, "kits_explode": true })
    );
    assert_eq!(kept["findings"], told["findings"]);

    // Everything that is told to be left is there, marked; nothing is in the live company.
    let made: Vec<&str> = told["made"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m.as_str().unwrap())
        .collect();
    let of_orders = made.iter().filter(|m| m.starts_with("sales order ")).count();
    let marked = "Comment = 'ERP Driver proof' AND CustomerPONo LIKE 'PROOF-%'";
    assert_eq!(orders(&copy_of(&site), marked), u32::try_from(of_orders).unwrap());
    assert!(made.iter().any(|m| m.starts_with("cash receipt ")), "{made:?}");
    assert_eq!(orders(&site.company(), "1 = 1"), before);

    // It can be made again: numbers, customer POs and check numbers are new ones. By now a
    // batch was posted, and a clerk is in another.
    shows(&told, &[("receipt_batch_refused", "not_tried")]);
    let copy = rusqlite::Connection::open(copy_of(&site)).unwrap();
    copy.execute_batch(
        "UPDATE AR_CashReceiptsBatch SET BatchInUseBy = 'JQ' WHERE BatchNo = '00001'; \
         UPDATE AR_CashReceiptsBatch SET BatchStatus = 'P' WHERE BatchNo = '00002'",
    )
    .unwrap();
    let again = proof(&site);
    assert_eq!(again["capabilities"], told["capabilities"]);
    shows(&again, &[("receipt_batch_refused", "shown")]);
    let refused = check(&again, "receipt_batch_refused")["seen"].as_str().unwrap();
    assert!(
        refused.contains("in use by JQ") && refused.contains("posted"),
        "{refused}"
    );
}

#[test]
fn a_company_that_behaves_otherwise_is_told_and_stays_off() {
    let site = site(&[
        ("tax_timing", "after_write"),
        ("number_spent", "returned"),
        ("RetainSalesOrderHistory", "N"),
        ("CashReceiptsBatchEntry", "N"),
        ("kit_prompt", "explode"),
        ("zip_lookup", "Y"),
        ("duplicate_po", "refuse"),
        ("auto_customer_no", "N"),
        ("fault.header_write.delay_ms", "300"),
    ]);
    let copy = rusqlite::Connection::open(copy_of(&site)).unwrap();
    copy.execute_batch("DELETE FROM AR_CashReceiptsHistory").unwrap();
    let told = proof(&site);
    shows(
        &told,
        &[
            ("number_spent", "differs"),
            ("order", "shown"),
            ("order_history", "differs"),
            ("tax_before_write", "differs"),
            ("duplicate_po", "differs"),
            ("kit_prompts", "shown"),
            ("customer", "differs"),
            ("zip_overwrites_city", "shown"),
            ("receipt_batch", "differs"),
            ("receipt", "shown"),
            ("receipt_history", "differs"),
            ("write_atomic", "shown"),
        ],
    );
    let late = check(&told, "late_commit")["seen"].as_str().unwrap();
    // The first caller may end before Sage has heard of the write.
    assert!(!late.starts_with("0 of 3"), "{late}");
    assert!(late.contains("ended by itself"), "{late}");
    assert_eq!(
        told["capabilities"],
        json!({ "receipts": true, "prompting_kits": true, "tax_before_write": false, "kits_explode": true })
    );
    let text = site.driver(&["config", "show"]).ok();
    assert!(text.contains("prompting_kits"), "{text}");
}

#[test]
fn a_torn_write_and_receipts_that_sage_refuses_are_told() {
    let site = site(&[
        ("write_atomic", "no"),
        ("fault.between_header_and_lines.delay_ms", "700"),
        (
            "fault.AR_CashReceipts_bus.header_write.refuse",
            "The cash receipt is not valid.",
        ),
        ("kit_prompt", "skip"),
        ("linger_ms", "60000"),
    ]);
    let told = proof(&site);
    shows(
        &told,
        &[
            ("order", "shown"),
            ("kit_prompts", "differs"),
            ("receipt", "not_shown"),
            ("write_atomic", "differs"),
            // Its process had to be ended.
            ("late_commit", "differs"),
        ],
    );
    let refusal = check(&told, "receipt")["seen"].as_str().unwrap();
    assert!(refusal.contains("The cash receipt is not valid."), "{refusal}");
    let torn = check(&told, "write_atomic")["seen"].as_str().unwrap();
    assert!(!torn.contains(" 0 torn"), "{torn}");
    assert_eq!(profile(&site)["capabilities"]["receipts"], false);
    assert_eq!(profile(&site)["capabilities"]["prompting_kits"], false);
}

#[test]
fn a_kit_whose_dialog_nobody_answers_is_given_up_and_the_run_goes_on() {
    let site = site(&[("kit_prompt", "fault")]);
    let told = proof(&site);
    shows(
        &told,
        &[
            ("kit_prompts", "not_shown"),
            ("locked_by", "shown"),
            ("receipt", "shown"),
        ],
    );
}

#[test]
fn only_a_copy_is_tried() {
    let site = site(&[]);
    let refused = site.driver(&["prove", "--company", "ABC"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("not_a_copy"), "{}", refused.stderr);
    let refused = site.driver(&["prove", "--company", "TST", "--for", "TST"]);
    assert!(refused.stderr.contains("profile_of_a_copy"), "{}", refused.stderr);
    assert_eq!(orders(&copy_of(&site), "CustomerPONo LIKE 'PROOF-%'"), 0);

    // A company that lets nobody in keeps the profile that it had.
    let copy = copy_of(&site).display().to_string();
    run("sage-sandbox", &["setting", &copy, "set", "external_access", "N"]).ok();
    let closed = prove(&site);
    assert_eq!(closed.code, Some(1), "{}", closed.stdout);
    let told: Value = serde_json::from_str(&closed.stdout).unwrap();
    shows(&told, &[("session", "failed")]);
    assert_eq!(told["profile_file"], Value::Null);
    assert!(!site.path().join("driver").join("profile-ABC.json").exists());
}

fn payment(transaction: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment_type": "VISA",
        "amount": "10.00",
        "gateway_transaction_id": transaction,
        "invoices": [{ "invoice_no": "0100041", "amount": "10.00" }],
    })
}

/// An order of a kit that asks on the screen.
fn kit(po: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": po,
        "lines": [{ "item_code": "KIT-102", "quantity_ordered": "1" }],
    })
}

fn settled(site: &Site, collection: &str, body: &Value, key: &str) -> Value {
    let answer = site.api.post(&format!("/v1/{collection}"), key, body);
    assert_eq!(answer.status, 202, "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap();
    let is_settled = |a: &Answer| {
        let state = a.body["state"].as_str().unwrap_or_default();
        ["written", "held", "in_doubt", "refused", "discarded"].contains(&state)
    };
    site.api
        .wait_for(&format!("/v1/imports/{id}"), SETTLED, is_settled)
        .body
}

fn codes(import: &Value) -> Vec<&str> {
    let problems = import["problems"].as_array();
    problems.map_or_else(Vec::new, |all| {
        all.iter().filter_map(|p| p["code"].as_str()).collect()
    })
}

fn start(site: &Site) -> Running {
    site.start_driver("driver", &[])
}

#[test]
fn payments_and_kits_that_ask_wait_for_the_proof() {
    let site = site(&[("kit_prompt", "explode")]);
    let company = site.company().display().to_string();
    for (name, value) in [("kit_prompt", "explode"), ("linger_ms", "50")] {
        run("sage-sandbox", &["setting", &company, "set", name, value]).ok();
    }
    site.driver(&["sync"]).ok();
    let mut driver = start(&site);
    let sites = site.api.get("/v1/sites").body;
    assert!(
        !sites.to_string().contains("TST"),
        "nothing of a copy goes to the hub: {sites}"
    );
    let held = settled(&site, "payments", &payment("ch_1"), "pay-1");
    assert_eq!(
        (&held["state"], codes(&held)),
        (&json!("held"), vec!["receipts_unproven"]),
        "{held}"
    );
    let refused = settled(&site, "sales_orders", &kit("KIT-1"), "kit-1");
    assert_eq!(
        (&refused["state"], codes(&refused)),
        (&json!("refused"), vec!["kit_prompts"]),
        "{refused}"
    );
    driver.stop();

    proof(&site);
    let _driver = start(&site);
    let written = settled(&site, "payments", &payment("ch_2"), "pay-2");
    assert_eq!(written["state"], "written", "{written}");
    let written = settled(&site, "sales_orders", &kit("KIT-2"), "kit-2");
    assert_eq!(written["state"], "written", "{written}");
    let number = written["sales_order_no"].as_str().unwrap();
    let components = site.ask_erp(&format!(
        "SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}' AND ExplodedKitItem = 'C'"
    ));
    assert_ne!(components, "0");
    // The service read the copy, and entered nothing into it.
    let own = "CustomerPONo LIKE 'KIT-%'";
    assert_eq!(orders(&copy_of(&site), own), 0);
}

#[test]
fn people_read_each_check_once() {
    let site = site(&[]);
    let told = site.driver(&["prove", "--company", "TST"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let all = format!("{}{}", told.stdout, told.stderr);
    for check in ["session", "number_spent", "receipt_batch_refused", "late_commit"] {
        let rows = all
            .lines()
            .filter(|line| line.split_whitespace().next() == Some(check));
        assert_eq!(rows.count(), 1, "{check}: {all}");
    }
    assert!(
        told.stdout.contains("profile-ABC.json; restart the service"),
        "{all}"
    );
}

#[test]
fn without_a_session_it_is_said_what_to_do() {
    let site = site(&[("Seats", "0")]);
    let told = site.driver(&["prove", "--company", "TST"]);
    assert_eq!(told.code, Some(1), "{}", told.stdout);
    let rows: Vec<_> = told.stdout.lines().collect();
    assert!(
        matches!(rows.as_slice(), [only] if only.starts_with("session") && only.contains("could not run")),
        "{rows:?}"
    );
    assert!(
        told.stderr.contains("no_session") && told.stderr.contains("the profile of ABC stays as it was"),
        "{}",
        told.stderr
    );
    assert!(
        told.stderr.contains("hint: ") && told.stderr.contains("seat"),
        "{}",
        told.stderr
    );
}
