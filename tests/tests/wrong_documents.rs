//! Documents with mistakes: each is refused or held with every mistake at once, each with
//! code, field, value and remedy; nothing of it is in Sage, and the queue goes on.
//!
//! The documents are in `tests/data/wrong_documents.json`: each is a good document with a
//! change (a merge patch), and says what must be found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value, json};
use system_tests::{Answer, Reader, Running, Site};

const CARD_NUMBERS: [&str; 3] = ["4111111111111111", "4111 1111", "5500005555555559"];

/// What the site has decided.
const SETTINGS: &str = r#"
[company.imports]
closed_through = "2025-12-31"
[company.imports.orders]
on_duplicate_po = "hold"
coupon = "refuse"
[company.imports.customers]
ar_division_no = "01"
guest = "refuse"
defaults = { terms_code = "01", tax_schedule = "WI" }
[company.imports.payments]
bank_code = "A"
bank_codes = { COD = "Z" }
prepaid = "deposit_and_receipt"
deposit_account_key = "00000000F"
[[company.imports.rule]]
name = "no freight over water"
document = "sales_order"
when = "ship_to.ship_to_state in ('AK', 'HI')"
refuse = "We do not ship to Alaska or Hawaii"
remedy = "ship it to another state"
[[company.imports.rule]]
name = "own truck"
document = "sales_order"
when = "ship_via = 'OUR TRUCK'"
hold = "The truck has to be booked"
remedy = "book the truck, then accept the order"
[company.imports.capabilities]
"#;

struct Wrong {
    name: String,
    collection: String,
    body: Value,
    /// None: it gets past the border.
    status: Option<u64>,
    state: String,
    problems: Vec<Value>,
    circumstances: String,
}

fn wrong_documents() -> Vec<Wrong> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("../data/wrong_documents.json")).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let documents = rows.iter().enumerate().map(|(place, row)| {
        let collection = text(row, "in");
        let mut body = good(&collection, &format!("W{place}"));
        patch(&mut body, &row["change"]);
        Wrong {
            name: text(row, "name"),
            body,
            collection,
            status: row["status"].as_u64(),
            state: text(row, "state"),
            problems: row["problems"].as_array().unwrap().clone(),
            circumstances: text(row, "while"),
        }
    });
    documents.collect()
}

/// A document that goes in, unlike every other.
fn good(collection: &str, mark: &str) -> Value {
    match collection {
        "sales_orders" => json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "customer_po_no": format!("PO-{mark}"),
            "lines": [ { "item_code": "1001-HON-H252", "quantity_ordered": "1" } ]
        }),
        "payments" => json!({
            "company": "ABC", "customer": { "ar_division_no": "01", "customer_no": "ABF" },
            "payment_type": "CHECK", "amount": "100.00", "reference": format!("check {mark}"),
            "invoices": [ { "invoice_no": "0100029", "amount": "100.00" } ]
        }),
        "customers" => json!({
            "company": "ABC",
            "new": { "customer_name": format!("Kettle Moraine {mark}"), "address_line1": format!("{mark} Lake Road"),
                     "city": "Racine", "state": "WI", "zip_code": "53402",
                     "email_address": format!("{}@kettle.example", mark.to_lowercase()) }
        }),
        other => panic!("no collection {other}"),
    }
}

/// RFC 7396.
fn patch(document: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        *document = change.clone();
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    for (name, value) in change {
        if value.is_null() {
            document.as_object_mut().unwrap().remove(name);
        } else {
            patch(&mut document[name], value);
        }
    }
}

fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    for sql in [
        "UPDATE CI_Item SET ItemCode = 'INACTIVE', InactiveItem = 'Y', ProductType = 'F' WHERE ItemCode = '1210-SAF-P131'",
        "UPDATE CI_Item SET ItemCode = 'UNSOLD', UseInSO = 'N' WHERE ItemCode = '/RESTOCK'",
        "DELETE FROM IM_ItemWarehouse WHERE ItemCode = '1001-HON-H254' AND WarehouseCode = '002'",
        "UPDATE AR_Customer SET CreditHold = 'Y' WHERE CustomerNo = 'KEYS001'",
        "UPDATE AR_Customer SET TaxSchedule = '' WHERE CustomerNo = 'ZENI003'",
        "UPDATE AR_OpenInvoice SET DiscountAmt = '20.00', InvoiceDiscountDate = '2026-03-25' WHERE InvoiceNo = '0100041'",
    ] {
        site.erp(sql);
    }
    settings(&site, true);
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn settings(site: &Site, receipts: bool) {
    site.write_config("driver", &format!("{SETTINGS}receipts = {receipts}\n"));
}

fn post(site: &Site, collection: &str, key: &str, body: &Value) -> Answer {
    site.api.post(&format!("/v1/{collection}"), key, body)
}

/// Posts a good document of each kind; the answers.
fn post_good(site: &Site, mark: &str) -> Vec<String> {
    ["sales_orders", "payments", "customers"]
        .map(|collection| {
            let mut body = good(collection, mark);
            if collection == "payments" {
                body["amount"] = json!("1.00");
                body["invoices"][0]["amount"] = json!("1.00");
            }
            let answer = post(site, collection, &format!("{collection}-{mark}"), &body);
            assert_eq!(answer.status, 202, "{}", answer.body);
            answer.body["id"].as_str().unwrap().to_owned()
        })
        .to_vec()
}

/// Every table of Sage, as a hash of all its rows. The sandbox's own tables hold sessions,
/// locks and the next numbers.
fn tables(site: &Site) -> BTreeMap<String, (usize, u64)> {
    let connection = Connection::open(site.company()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    let mut select = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sandbox%' AND name NOT LIKE 'sqlite%'")
        .unwrap();
    let names: Vec<String> = select
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(names.len() > 40, "{names:?}");
    let hashed = names.into_iter().map(|name| {
        let mut select = connection.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = select.column_count();
        let mut rows = select.query([]).unwrap();
        let (mut count, mut hasher) = (0, DefaultHasher::new());
        while let Some(row) = rows.next().unwrap() {
            count += 1;
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Null => 0_u8.hash(&mut hasher),
                    ValueRef::Integer(number) => number.hash(&mut hasher),
                    ValueRef::Real(number) => number.to_bits().hash(&mut hasher),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.hash(&mut hasher),
                }
            }
        }
        (name, (count, hasher.finish()))
    });
    hashed.collect()
}

/// Holds what was found against what has to be found; the complaints.
fn complaints(wrong: &Wrong, status: u16, told: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let state = told["state"].as_str().unwrap_or_default();
    if wrong.status.is_none() && state != wrong.state {
        complaints.push(format!("is {state:?}, not {:?}", wrong.state));
    }
    if wrong.status.is_some_and(|wanted| wanted != u64::from(status)) {
        complaints.push(format!("got {status}"));
    }
    let found = told["problems"].as_array().cloned().unwrap_or_default();
    for wanted in &wrong.problems {
        let is_it = |problem: &&Value| {
            problem["code"] == wanted[0]
                && (wanted[1].is_null() || problem["field"] == wanted[1])
                && (wanted[2].is_null() || problem["value"].as_str().unwrap_or_default() == wanted[2])
        };
        if !found.iter().any(|problem| is_it(&problem)) {
            complaints.push(format!("lacks {wanted}"));
        }
    }
    if found.len() != wrong.problems.len() {
        complaints.push(format!("{} problems, not {}", found.len(), wrong.problems.len()));
    }
    for problem in &found {
        if ["remedy", "message"]
            .iter()
            .any(|part| problem[part].as_str().unwrap_or_default().is_empty())
        {
            complaints.push(format!("no remedy or no message: {problem}"));
        }
    }
    let text = told.to_string();
    if CARD_NUMBERS.iter().any(|number| text.contains(number)) {
        complaints.push("repeats a card number".to_owned());
    }
    if complaints.is_empty() {
        return complaints;
    }
    complaints.push(format!("found: {}", Value::Array(found)));
    complaints
}

/// Posts it and waits for its end; the complaints.
fn try_one(site: &Site, key: &str, wrong: &Wrong) -> Vec<String> {
    let answer = post(site, &wrong.collection, key, &wrong.body);
    let told = match answer.body["id"].as_str() {
        Some(id) if answer.status == 202 => site.settled(id),
        _ => answer.body,
    };
    complaints(wrong, answer.status, &told)
}

#[track_caller]
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn wrong_documents_name_all_that_is_wrong_and_leave_nothing_in_sage() {
    let all = wrong_documents();
    assert!(all.len() >= 40, "{}", all.len());
    assert!(all.iter().filter(|w| w.problems.len() >= 3).count() >= 5);
    let site = site();
    let mut driver: Option<Running> = Some(site.start_driver("driver", &[]));
    let mut found = Vec::new();
    let mut receipts = true;
    for (place, wrong) in all.iter().enumerate() {
        if place % 10 == 0 {
            for id in post_good(&site, &format!("A{place}")) {
                let _ = site.written(&id);
            }
        }
        let is_proven = wrong.circumstances != "receipts_unproven";
        if receipts != is_proven {
            receipts = is_proven;
            settings(&site, receipts);
            driver.take().unwrap().stop();
            driver = Some(site.start_driver("driver", &[]));
        }
        let batches = wrong.circumstances == "batches_off";
        if batches {
            site.erp("UPDATE AR_Options SET CashReceiptsBatchEntry = 'N'");
        }
        let before = tables(&site);
        let said = try_one(&site, &format!("one-{place}"), wrong);
        found.extend(said.into_iter().map(|c| format!("{}: {c}", wrong.name)));
        let after = tables(&site);
        let changed: Vec<_> = after
            .iter()
            .filter(|(name, rows)| before.get(*name) != Some(rows))
            .collect();
        if !changed.is_empty() {
            found.push(format!("{}: changed {changed:?}", wrong.name));
        }
        if batches {
            site.erp("UPDATE AR_Options SET CashReceiptsBatchEntry = 'Y'");
        }
    }
    none(&found);
    for id in post_good(&site, "LAST") {
        let _ = site.written(&id);
    }
}

#[test]
fn wrong_documents_in_a_queue_hold_up_no_good_one() {
    let all: Vec<Wrong> = wrong_documents()
        .into_iter()
        .filter(|w| w.circumstances.is_empty())
        .collect();
    let site = site();
    let count = |table: &str| -> usize { tables(&site)[table].0 };
    let kept = [
        "SO_SalesOrderHeader",
        "AR_CashReceiptsHeader",
        "AR_Customer",
        "SO_ShipToAddress",
    ];
    let before = kept.map(count);
    // All lie in the queue before the driver comes.
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for (place, document) in all.iter().enumerate() {
        if place % 6 == 0 {
            good.extend(post_good(&site, &format!("B{place}")));
        }
        let answer = post(
            &site,
            &document.collection,
            &format!("queued-{place}"),
            &document.body,
        );
        wrong.push((document, answer));
    }
    good.extend(post_good(&site, "BEHIND"));
    let _driver = site.start_driver("driver", &[]);
    for id in &good {
        let _ = site.written(id);
    }
    let mut found = Vec::new();
    for (document, answer) in wrong {
        let told = match answer.body["id"].as_str() {
            Some(id) if answer.status == 202 => site.settled(id),
            _ => answer.body,
        };
        let said = complaints(document, answer.status, &told);
        found.extend(said.into_iter().map(|c| format!("{}: {c}", document.name)));
    }
    none(&found);
    let more = good.len() / 3;
    let after = kept.map(count);
    assert_eq!(
        after,
        [before[0] + more, before[1] + more, before[2] + more, before[3]]
    );
    // A wrong document that is posted again is the same document, and as wrong.
    let again = post(&site, &all[0].collection, "queued-0", &all[0].body);
    assert_eq!(again.status, 202, "{}", again.body);
    assert_eq!(
        site.settled(again.body["id"].as_str().unwrap())["state"],
        "refused"
    );
}
