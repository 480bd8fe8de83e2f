//! What people and Sage do to a document after it was sent: edits, decisions, previews, and
//! the later life of its order.

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

fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.setting("linger_ms", "50");
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn order(po: &str) -> Value {
    json!({
        "company": "ABC",
        "customer": { "ar_division_no": "01", "customer_no": "ABF" },
        "customer_po_no": po,
        "ship_to": { "ship_to_code": "2" },
        "lines": [
            { "item_code": "1001-HON-H252", "quantity_ordered": "2", "warehouse_code": "000" },
            { "item_code": "1001-HON-H254", "quantity_ordered": "1" }
        ]
    })
}

fn orders_with(site: &Site, po: &str) -> Vec<String> {
    let rows = site.erp_rows(&format!(
        "SELECT SalesOrderNo FROM SO_SalesOrderHeader WHERE CustomerPONo = '{po}' \
         UNION SELECT SalesOrderNo FROM SO_SalesOrderHistoryHeader WHERE CustomerPONo = '{po}'"
    ));
    rows.into_iter().map(|row| row["SalesOrderNo"].clone()).collect()
}

fn decide(site: &Site, id: &str, action: &str, body: &Value) -> Answer {
    let key = format!("{action}-{id}-{body}");
    site.api.post(&format!("/v1/imports/{id}/{action}"), &key, body)
}

#[test]
fn a_refused_order_is_edited_and_goes_in() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut body = order("EDIT");
    body["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    let id = site.send("sales_orders", "edit", &body);
    let refused = site.settled(&id);
    assert_eq!(refused["state"], "refused", "{refused}");
    assert_eq!(refused["problems"][0]["field"], "lines[0].item_code", "{refused}");

    let path = format!("/v1/imports/{id}");
    let patch = json!({ "lines": order("EDIT")["lines"] });
    let stale = site.api.patch(&format!("{path}?revision=7"), &patch);
    assert_eq!(
        (stale.status, &stale.body["code"]),
        (409, &json!("revision_stale")),
        "{}",
        stale.body
    );
    let edited = site.api.patch(&format!("{path}?revision=1"), &patch);
    assert_eq!(edited.status, 200, "{}", edited.body);
    assert_eq!(edited.body["revision"], 2, "{}", edited.body);

    let import = site.written_after_decision(&id);
    assert_eq!(
        orders_with(&site, "EDIT"),
        [import["sales_order_no"].as_str().unwrap()]
    );
    assert_eq!(import["problems"], json!([]), "{import}");
    let revisions: Vec<u64> = import["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|attempt| attempt["revision"].as_u64())
        .collect();
    assert!(revisions.contains(&1) && revisions.contains(&2), "{import}");

    // What is in Sage is edited there.
    let late = site.api.patch(&path, &json!({ "comment": "late" }));
    assert_eq!(
        (late.status, &late.body["code"]),
        (409, &json!("import_not_editable")),
        "{}",
        late.body
    );
}

#[test]
fn what_was_given_up_never_goes_in() {
    let site = site();
    let driver = site.start_driver("driver", &[]);
    let mut body = order("GIVEN-UP");
    body["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    let id = site.send("sales_orders", "given-up", &body);
    assert_eq!(site.settled(&id)["state"], "refused");
    let done = decide(&site, &id, "discard", &json!({ "why": "the buyer cancelled" }));
    assert_eq!(
        (done.status, &done.body["state"]),
        (200, &json!("discarded")),
        "{}",
        done.body
    );
    let again = decide(&site, &id, "retry", &json!({ "why": "changed my mind" }));
    assert_eq!(again.status, 409, "{}", again.body);
    drop(driver);
    let _driver = site.start_driver("driver", &[]);
    let behind = site.send("sales_orders", "behind", &order("BEHIND"));
    let _ = site.written(&behind);
    assert_eq!(orders_with(&site, "GIVEN-UP"), Vec::<String>::new());
    assert_eq!(site.settled(&id)["state"], "discarded");
}

#[test]
fn an_order_in_doubt_is_tried_again_only_by_somebody_who_looked() {
    let site = site();
    site.setting("fault.partial_write", "once");
    let _driver = site.start_driver("driver", &[]);
    let id = site.send("sales_orders", "doubt", &order("DOUBT"));
    let import = site.settled(&id);
    assert_eq!(import["state"], "in_doubt", "{import}");
    let partial = orders_with(&site, "DOUBT");
    assert_eq!(partial.len(), 1);
    for unsaid in [
        json!({ "why": "I looked" }),
        json!({ "accept": ["in_doubt"] }),
        json!({ "accept": ["price_differs"], "why": "I looked" }),
    ] {
        let answer = decide(&site, &id, "retry", &unsaid);
        assert!((400..500).contains(&answer.status), "{unsaid}: {}", answer.body);
    }
    // The person deletes the header without lines, as the remedy says; Sage takes the order
    // out of its history, too.
    for table in ["SO_SalesOrderHeader", "SO_SalesOrderHistoryHeader"] {
        site.erp(&format!(
            "DELETE FROM {table} WHERE SalesOrderNo = '{}'",
            partial[0]
        ));
    }
    let answer = decide(
        &site,
        &id,
        "retry",
        &json!({ "accept": ["in_doubt"], "why": "deleted the header without lines" }),
    );
    assert_eq!(answer.status, 200, "{}", answer.body);
    let import = site.written_after_decision(&id);
    assert_eq!(
        orders_with(&site, "DOUBT"),
        [import["sales_order_no"].as_str().unwrap()]
    );
    assert_eq!(
        import["decision"]["why"], "deleted the header without lines",
        "{import}"
    );
}

fn preview(site: &Site, body: &Value) -> Value {
    let answer = site.api.post("/v1/sales_orders?preview=true", "a-preview", body);
    let suits = |a: &Answer| a.status == 200;
    if answer.status == 202 {
        let id = answer.body["id"].as_str().unwrap();
        let path = format!("/v1/previews/{id}");
        return site.api.wait_for(&path, Duration::from_secs(30), suits).body;
    }
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[test]
fn a_preview_says_what_sage_would_and_leaves_nothing_but_a_spent_number() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let next = || -> u64 {
        let number = site.ask_erp("SELECT value FROM sandbox_setting WHERE name = 'NextSalesOrderNo'");
        number.parse().unwrap()
    };
    let (before, number) = (site.whole_company(), next());
    let said = preview(&site, &order("PREVIEW"));
    assert_eq!(said["state"], "validated", "{said}");
    assert_eq!(said["lines"][0]["item_code"], "1001-HON-H252", "{said}");
    assert!(
        said["lines"][0]["unit_price"].as_str().unwrap().starts_with("82"),
        "{said}"
    );
    assert_eq!(site.whole_company(), before);
    assert_eq!(next(), number + 1);

    // It is what the order comes to, and no import is left of it.
    let id = site.send("sales_orders", "real", &order("PREVIEW"));
    let import = site.written(&id);
    assert_eq!(
        said["totals"]["order_total"], import["totals"]["order_total"],
        "{said} {import}"
    );
    let imports = site.api.get("/v1/imports").body;
    assert_eq!(imports["data"].as_array().unwrap().len(), 1, "{imports}");

    // What would be refused is told with all its problems.
    let mut bad = order("PREVIEW-BAD");
    bad["lines"][0]["item_code"] = json!("NO-SUCH-ITEM");
    bad["ship_to"]["ship_to_code"] = json!("9999");
    let said = preview(&site, &bad);
    assert_eq!(said["state"], "refused", "{said}");
    assert_eq!(said["problems"].as_array().unwrap().len(), 2, "{said}");
}

#[test]
fn a_password_that_was_refused_is_not_tried_with_the_next_preview() {
    let site = site();
    site.setting("sage_password", "another one");
    let _driver = site.start_driver("driver", &[]);
    let refused =
        |said: &Value| said["state"] == "waiting" && said["problems"][0]["code"] == "password_refused";
    let said = preview(&site, &order("LOCKED"));
    assert!(refused(&said), "{said}");
    let _ = site.api.wait_for("/v1/sites", Duration::from_secs(30), |answer| {
        answer.body["companies"][0]["imports"]["condition"]["code"] == "password_refused"
    });
    // It would be taken now: that it is not shows that it was not tried.
    site.setting("sage_password", "sandbox");
    let said = preview(&site, &order("LOCKED"));
    assert!(refused(&said), "{said}");
}

#[test]
fn an_order_that_sage_prices_beyond_the_credit_limit_is_held() {
    let site = site();
    site.erp(
        "UPDATE AR_Customer SET CreditLimit = '3000.00', CurrentBalance = '0', OpenOrderAmt = '0', \
              AgingCategory1 = '0', AgingCategory2 = '0', AgingCategory3 = '0', AgingCategory4 = '0' \
              WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF'",
    );
    let _driver = site.start_driver("driver", &[]);
    let unpriced = |po: &str, quantity: &str| {
        let mut body = order(po);
        body["lines"] = json!([{ "item_code": "1001-HON-H252", "quantity_ordered": quantity }]);
        body.as_object_mut().unwrap().remove("expected");
        body
    };
    let beyond = unpriced("BEYOND", "100");
    assert_eq!(preview(&site, &beyond)["problems"][0]["code"], "credit_limit");
    let held = site.settled(&site.send("sales_orders", "beyond", &beyond));
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(held["problems"][0]["code"], "credit_limit", "{held}");
    assert_eq!(orders_with(&site, "BEYOND"), Vec::<String>::new());
    // Each is within the limit; with the one before it, which Sage has on order, the third is not.
    let states: Vec<Value> = (0..3)
        .map(|number| {
            let po = format!("WITHIN-{number}");
            site.settled(&site.send("sales_orders", &po, &unpriced(&po, "15")))["state"].clone()
        })
        .collect();
    assert_eq!(states, ["written", "written", "held"]);
}

#[test]
fn previews_are_answered_while_orders_are_written() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let ids: Vec<(String, String)> = (0..6)
        .map(|n| {
            let po = format!("BUSY-{n}");
            (site.send("sales_orders", &po, &order(&po)), po)
        })
        .collect();
    let said = preview(&site, &order("BUSY-PREVIEW"));
    assert_eq!(said["state"], "validated", "{said}");
    assert!(said["totals"]["order_total"].is_string(), "{said}");
    for (id, po) in ids {
        let import = site.written(&id);
        assert_eq!(
            orders_with(&site, &po),
            [import["sales_order_no"].as_str().unwrap()]
        );
    }
    assert_eq!(orders_with(&site, "BUSY-PREVIEW"), Vec::<String>::new());
}

#[test]
fn a_preview_of_an_order_to_a_new_address_stores_no_ship_to_record() {
    let site = site();
    site.write_config("driver", "[company.imports.ship_tos]\nnew = \"create\"\n");
    let _driver = site.start_driver("driver", &[]);
    let mut body = order("PREVIEW-SHIP");
    body["ship_to"] = json!({
        "ship_to_name": "Abf Lakeside Store", "ship_to_address1": "900 Lakeside Avenue",
        "ship_to_city": "Kenosha", "ship_to_state": "WI", "ship_to_zip_code": "53140",
    });
    let before = site.whole_company();
    let said = preview(&site, &body);
    assert_eq!(said["state"], "validated", "{said}");
    assert!(said["totals"]["order_total"].is_string(), "{said}");
    assert_eq!(site.whole_company(), before);
}

#[track_caller]
fn thread(site: &Site, id: &str, status: &str) -> Value {
    let path = format!("/v1/imports/{id}");
    let suits = |a: &Answer| a.body["order"]["status"] == status;
    site.api.wait_for(&path, Duration::from_secs(30), suits).body
}

#[test]
fn an_order_keeps_its_thread_to_the_invoice() {
    let site = site();
    site.write_config(
        "driver",
        "[[company.dataset]]\nname = \"sales_order_history\"\ninterval_s = 1\n\
         [[company.dataset]]\nname = \"invoices\"\ninterval_s = 1\n",
    );
    let _driver = site.start_driver("driver", &[]);
    let id = site.send("sales_orders", "thread", &order("THREAD"));
    let number = site.written(&id)["sales_order_no"].as_str().unwrap().to_owned();
    let open = thread(&site, &id, "open");
    assert_eq!(open["order"]["invoices"], json!([]), "{open}");

    site.play("day-end");
    // Nothing of it is left open.
    let invoiced = thread(&site, &id, "completed");
    let invoice = site.ask_erp(&format!(
        "SELECT InvoiceNo FROM AR_InvoiceHistoryHeader WHERE SalesOrderNo = '{number}'"
    ));
    assert!(
        invoiced["order"]["invoices"].to_string().contains(&invoice),
        "{invoiced}"
    );
    assert_eq!(invoiced["state"], "written", "{invoiced}");
}

#[test]
fn an_order_deleted_in_sage_is_told_and_not_entered_again() {
    let site = site();
    let driver = site.start_driver("driver", &[]);
    let id = site.send("sales_orders", "deleted", &order("DELETED"));
    let number = site.written(&id)["sales_order_no"].as_str().unwrap().to_owned();
    let _ = thread(&site, &id, "open");
    let company = site.company().display().to_string();
    let key = format!("SalesOrderNo={number}");
    for table in ["SO_SalesOrderHeader", "SO_SalesOrderHistoryHeader"] {
        system_tests::run(
            "sage-sandbox",
            &["delete", &company, "--table", table, "--key", &key],
        )
        .ok();
    }
    for table in ["SO_SalesOrderDetail", "SO_SalesOrderHistoryDetail"] {
        site.erp(&format!("DELETE FROM {table} WHERE SalesOrderNo = '{number}'"));
    }
    let _ = thread(&site, &id, "deleted");

    // The same call again is still the same import, and a driver that starts anew leaves it.
    assert_eq!(site.send("sales_orders", "deleted", &order("DELETED")), id);
    drop(driver);
    let _driver = site.start_driver("driver", &[]);
    let behind = site.send("sales_orders", "behind", &order("BEHIND"));
    let _ = site.written(&behind);
    assert_eq!(orders_with(&site, "DELETED"), Vec::<String>::new());
    let import = thread(&site, &id, "deleted");
    assert_eq!(
        (&import["state"], &import["sales_order_no"]),
        (&json!("written"), &json!(number))
    );
}
