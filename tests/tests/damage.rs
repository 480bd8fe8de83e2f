//! Sage left something half written, or was restored from a backup: told to people, and never
//! repaired by the driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Reader, Site};

const SETTLED: Duration = Duration::from_secs(90);

fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.setting("linger_ms", "50");
    site.write_config(
        "driver",
        "[company.imports.payments]\nbank_code = \"A\"\n[company.imports.capabilities]\nreceipts = true\n",
    );
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn order(po: &str) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" }, "customer_po_no": po,
        "lines": [ { "item_code": "1001-HON-H252", "quantity_ordered": "1" } ]
    })
}

fn payment(name: &str) -> Value {
    json!({
        "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "payment_type": "CHECK", "amount": "1.00", "gateway_transaction_id": name,
        "invoices": [ { "invoice_no": "0100029", "amount": "1.00" } ]
    })
}

fn state(site: &Site, id: &str) -> String {
    site.settled(id)["state"].as_str().unwrap().to_owned()
}

fn retried(site: &Site, id: &str) -> Value {
    let answer = site.api.post(
        &format!("/v1/imports/{id}/retry"),
        "unused",
        &json!({ "why": "looked at" }),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let is_written = |a: &Answer| a.body["state"] == "written";
    site.api
        .wait_for(&format!("/v1/imports/{id}"), SETTLED, is_written)
        .body
}

/// Everything that the order or the receipt left in Sage.
fn left(site: &Site, kind: &str, name: &str) -> Vec<String> {
    let queries: &[&str] = match kind {
        "sales_orders" => &[
            "SELECT count(*) || ':' || group_concat(SalesOrderNo) FROM SO_SalesOrderHeader WHERE CustomerPONo = ?",
            "SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo IN (SELECT SalesOrderNo FROM SO_SalesOrderHeader WHERE CustomerPONo = ?)",
        ],
        _ => &[
            "SELECT count(*) || ':' || group_concat(CheckNo) FROM AR_CashReceiptsHeader WHERE OtherPaymentTypeRefNo = ?",
            "SELECT count(*) FROM AR_CashReceiptsDetail WHERE CheckNo IN (SELECT CheckNo FROM AR_CashReceiptsHeader WHERE OtherPaymentTypeRefNo = ?)",
        ],
    };
    queries
        .iter()
        .map(|sql| site.ask_erp(&sql.replace('?', &format!("'{name}'"))))
        .collect()
}

#[test]
fn a_header_without_lines_is_in_doubt_and_stays_as_it_is() {
    let site = site();
    let mut driver = site.start_driver("driver", &[]);
    for (kind, switch) in [
        ("sales_orders", "fault.SO_SalesOrder_bus.partial_write"),
        ("payments", "fault.AR_CashReceipts_bus.partial_write"),
    ] {
        let body = |name: &str| {
            if kind == "payments" {
                payment(name)
            } else {
                order(name)
            }
        };
        let torn = format!("TORN-{kind}");
        site.setting(switch, "once");
        let id = site.send(kind, &torn, &body(&torn));
        let import = site.settled(&id);
        assert_eq!(import["state"], "in_doubt", "{import}");
        let problem = &import["problems"][0];
        assert!(!problem["code"].as_str().unwrap().is_empty(), "{import}");
        assert!(!problem["remedy"].as_str().unwrap().is_empty(), "{import}");
        let before = left(&site, kind, &torn);
        assert!(before[0].starts_with("1:") && before[1] == "0", "{before:?}");
        // Neither time nor a restart nor the same key completes, removes or repeats it.
        driver.kill();
        driver = site.start_driver("driver", &[]);
        assert_eq!(site.send(kind, &torn, &body(&torn)), id);
        let good = format!("WHOLE-{kind}");
        let next = site.send(kind, &good, &body(&good));
        assert_eq!(
            state(&site, &next),
            "written",
            "the queue goes on: {}",
            site.settled(&next)
        );
        assert_eq!(state(&site, &id), "in_doubt");
        assert_eq!(left(&site, kind, &torn), before);
        let answer = site
            .api
            .post(&format!("/v1/imports/{id}/retry"), "unused", &json!({}));
        assert!(
            (400..500).contains(&answer.status),
            "a word is needed: {}",
            answer.body
        );
    }
}

#[test]
fn numbers_that_went_backwards_freeze_imports_until_a_person_thaws_them() {
    let site = site();
    let mut driver = site.start_driver("driver", &[]);
    let first = site.send("sales_orders", "BEFORE", &order("BEFORE"));
    assert_eq!(state(&site, &first), "written");
    let number = site.settled(&first)["sales_order_no"]
        .as_str()
        .unwrap()
        .to_owned();
    // The company as it was before, as a restored backup brings it.
    for table in ["Header", "Detail", "HistoryHeader", "HistoryDetail"] {
        site.erp(&format!(
            "DELETE FROM SO_SalesOrder{table} WHERE SalesOrderNo = '{number}'"
        ));
    }
    site.setting("NextSalesOrderNo", "0000901");

    let second = site.send("sales_orders", "SECOND", &order("SECOND"));
    let held = site.settled(&second);
    assert_eq!(
        (held["state"].as_str(), held["problems"][0]["code"].as_str()),
        (Some("held"), Some("restored_from_backup")),
        "{held}"
    );
    assert!(
        held["problems"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("imports thaw"),
        "{held}"
    );
    // Every kind of document is held now, after a restart as well.
    driver.stop();
    driver = site.start_driver("driver", &[]);
    let third = site.send("payments", "THIRD", &payment("THIRD"));
    assert_eq!(
        site.settled(&third)["problems"][0]["code"],
        "restored_from_backup",
        "{}",
        site.settled(&third)
    );
    assert_eq!(
        site.ask_erp("SELECT count(*) FROM SO_SalesOrderHeader WHERE CustomerPONo = 'SECOND'"),
        "0"
    );

    // The reason stands where people look.
    let words = "restored from a backup";
    let status = site.driver(&["status"]).ok();
    assert!(
        status.contains("frozen") && status.contains("0000901") && status.contains("imports thaw"),
        "{status}"
    );
    let json: Value = serde_json::from_str(&site.driver(&["status", "--json"]).ok()).unwrap();
    assert!(json.to_string().contains("0000901"), "{json}");
    assert!(
        held.to_string().contains(words) || held.to_string().contains("0000901"),
        "{held}"
    );

    driver.stop();
    let thawed = site.driver(&["imports", "thaw", "--company", "ABC"]).ok();
    assert!(thawed.contains("go on") && thawed.contains("0000901"), "{thawed}");
    let _driver = site.start_driver("driver", &[]);
    let fourth = site.send("sales_orders", "FOURTH", &order("FOURTH"));
    assert_eq!(state(&site, &fourth), "written");
    for id in [&second, &third] {
        assert_eq!(retried(&site, id)["state"], "written");
    }
    let status = site.driver(&["status"]).ok();
    assert!(!status.contains("frozen"), "{status}");
}

#[test]
fn after_a_restore_the_numbers_of_lost_orders_are_passed_over_and_the_orders_named() {
    let site = site();
    let mut driver = site.start_driver("driver", &[]);
    // More of them than are tried where somebody else takes numbers.
    let mut lost = Vec::new();
    for n in 0..8 {
        let key = format!("LOST-{n}");
        let id = site.send("sales_orders", &key, &order(&key));
        let written = site.settled(&id);
        assert_eq!(written["state"], "written", "{written}");
        lost.push((id, written["sales_order_no"].as_str().unwrap().to_owned()));
    }
    let first = lost[0].1.clone();
    for table in ["Header", "Detail", "HistoryHeader", "HistoryDetail"] {
        site.erp(&format!(
            "DELETE FROM SO_SalesOrder{table} WHERE SalesOrderNo >= '{first}'"
        ));
    }
    site.setting("NextSalesOrderNo", &first);
    let held = site.send("sales_orders", "HELD", &order("HELD"));
    assert_eq!(site.settled(&held)["problems"][0]["code"], "restored_from_backup");
    let named = |site: &Site| -> Vec<(String, String)> {
        let answer = site
            .driver(&["imports", "lost", "--company", "ABC", "--json"])
            .ok();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["from"], first.as_str(), "{answer}");
        let rows = answer["imports"].as_array().unwrap();
        rows.iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap().to_owned();
                (text("id"), text("sales_order_no"))
            })
            .collect()
    };
    assert_eq!(named(&site), lost, "beside the service, before the thaw");
    driver.stop();
    site.driver(&["imports", "thaw", "--company", "ABC"]).ok();
    let _driver = site.start_driver("driver", &[]);
    let went_in = retried(&site, &held);
    assert_eq!(went_in["state"], "written", "{went_in}");
    let number = went_in["sales_order_no"].as_str().unwrap();
    let last = lost.last().unwrap().1.as_str();
    assert!(number > last, "{number} {last}");
    let shown = site.driver(&["imports", "show", &held, "--json"]).ok();
    assert!(
        shown.contains("skipped") && shown.contains(&format!(" to {last}, of orders written before")),
        "{shown}"
    );
    let next = site.send("sales_orders", "NEXT", &order("NEXT"));
    assert_eq!(state(&site, &next), "written");
    assert_eq!(named(&site), lost, "what went in since is in Sage");
    let text = site.driver(&["imports", "lost", "--company", "ABC"]).ok();
    assert!(text.contains(&lost[3].0) && text.contains("8 orders"), "{text}");
}
