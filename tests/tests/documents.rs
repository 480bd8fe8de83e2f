//! Customers, ship-to records and prepaid orders, from the web team's call to Sage's tables.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use serde_json::{Value, json};
use system_tests::{Reader, Site};

const CUSTOMERS: &str = "[company.imports.customers]\nar_division_no = \"01\"\n\
     numbering = { prefix = \"W\", digits = 6 }\ndefaults = { terms_code = \"01\", tax_schedule = \"WI\" }\n";

fn site(more: &str) -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.setting("linger_ms", "50");
    site.write_config("driver", more);
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

fn lumber() -> Value {
    json!({
        "customer_name": "Quarry Lane Lumber",
        "address_line1": "77 Quarry Lane",
        "city": "Racine",
        "state": "WI",
        "zip_code": "53402",
        "country_code": "USA",
        "email_address": "office@quarrylane.example.com",
    })
}

fn order(po: &str, customer: &Value) -> Value {
    json!({
        "company": "ABC",
        "customer": customer,
        "customer_po_no": po,
        "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "2" }],
    })
}

fn known() -> Value {
    json!({ "ar_division_no": "01", "customer_no": "ABF" })
}

fn order_row(site: &Site, import: &Value) -> std::collections::BTreeMap<String, String> {
    let number = import["sales_order_no"].as_str().unwrap();
    let rows = site.erp_rows(&format!(
        "SELECT * FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'"
    ));
    assert_eq!(rows.len(), 1, "{import}");
    rows[0].clone()
}

fn customers_named(site: &Site, name: &str) -> usize {
    site.erp_rows(&format!(
        "SELECT * FROM AR_Customer WHERE CustomerName = '{name}'"
    ))
    .len()
}

#[track_caller]
fn decide(site: &Site, id: &str, action: &str, body: &Value) {
    let key = format!("{action}-{id}");
    let answer = site.api.post(&format!("/v1/imports/{id}/{action}"), &key, body);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn a_new_customer_comes_with_the_order_and_is_known_the_next_time() {
    let site = site(CUSTOMERS);
    let _driver = site.start_driver("driver", &[]);
    let first = site.written(&site.send(
        "sales_orders",
        "n-1",
        &order("NEW-1", &json!({ "new": lumber() })),
    ));
    let header = order_row(&site, &first);
    assert_eq!(first["customer_no"], "W000001", "{first}");
    assert_eq!(
        (header["ARDivisionNo"].as_str(), header["CustomerNo"].as_str()),
        ("01", "W000001")
    );
    let customer = site.erp_rows("SELECT * FROM AR_Customer WHERE CustomerNo = 'W000001'");
    assert_eq!(customer.len(), 1);
    for (column, value) in [
        ("CustomerName", "Quarry Lane Lumber"),
        ("AddressLine1", "77 Quarry Lane"),
        ("EmailAddress", "office@quarrylane.example.com"),
        ("TermsCode", "01"),
        ("TaxSchedule", "WI"),
    ] {
        assert_eq!(customer[0][column], value, "{customer:?}");
    }
    assert_eq!(header["TermsCode"], "01");

    let second = site.written(&site.send(
        "sales_orders",
        "n-2",
        &order("NEW-2", &json!({ "new": lumber() })),
    ));
    assert_eq!(order_row(&site, &second)["CustomerNo"], "W000001");
    assert_eq!(customers_named(&site, "Quarry Lane Lumber"), 1);
}

#[test]
fn a_likely_customer_is_held_until_a_person_says_that_it_is_another() {
    let site = site(CUSTOMERS);
    let _driver = site.start_driver("driver", &[]);
    let account = json!({ "company": "ABC", "new": lumber() });
    let approved = site.written(&site.send("customers", "account", &account));
    assert_eq!(approved["customer_no"], "W000001", "{approved}");

    let mut branch = lumber();
    branch["customer_name"] = json!("Quarry Lane Millwork");
    let id = site.send("sales_orders", "like", &order("LIKE", &json!({ "new": branch })));
    let held = site.settled(&id);
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(held["problems"][0]["code"], "customer_like", "{held}");
    assert_eq!(held["problems"][0]["field"], "customer.new", "{held}");
    assert!(
        held["problems"][0]["message"]
            .as_str()
            .unwrap()
            .contains("W000001"),
        "{held}"
    );
    assert_eq!(customers_named(&site, "Quarry Lane Millwork"), 0);

    decide(
        &site,
        &id,
        "retry",
        &json!({ "accept": ["customer_like"], "why": "a branch with an account of its own" }),
    );
    let import = site.written_after_decision(&id);
    assert_eq!(order_row(&site, &import)["CustomerNo"], "W000002", "{import}");
    assert_eq!(customers_named(&site, "Quarry Lane Millwork"), 1);
}

#[test]
fn guests_share_one_customer_and_their_names_stand_on_the_order() {
    let site =
        site("[company.imports.customers]\nguest = { ar_division_no = \"01\", customer_no = \"ABF\" }\n");
    let _driver = site.start_driver("driver", &[]);
    let customers = || site.ask_erp("SELECT count(*) FROM AR_Customer");
    let before = customers();
    let import = site.written(&site.send(
        "sales_orders",
        "guest",
        &order("GUEST", &json!({ "guest": lumber() })),
    ));
    let header = order_row(&site, &import);
    assert_eq!(header["CustomerNo"], "ABF");
    assert_eq!(header["BillToName"], "Quarry Lane Lumber");
    assert_eq!(header["BillToAddress1"], "77 Quarry Lane");
    assert_eq!(header["EmailAddress"], "office@quarrylane.example.com");
    assert_eq!(customers(), before);
}

#[test]
fn a_change_of_a_customer_is_proposed_and_accepted_and_others_follow_their_policy() {
    let site = site(
        "[company.imports.customers]\nupdates = { email_address = \"web\", customer_name = \"sage\" }\n",
    );
    let _driver = site.start_driver("driver", &[]);
    let customer = |column: &str| {
        site.ask_erp(&format!(
            "SELECT {column} FROM AR_Customer WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF'"
        ))
    };
    let change = |changes: &Value| json!({ "company": "ABC", "customer": known(), "changes": changes });

    let (name, street) = (customer("CustomerName"), customer("AddressLine1"));
    let body = change(&json!({ "email_address": "new@abf.example.com", "customer_name": "Another Name" }));
    let _ = site.written(&site.send("customers", "c-1", &body));
    assert_eq!(customer("EmailAddress"), "new@abf.example.com");
    // To and fro: the same change is another one by then.
    for (key, address) in [("c-fro", "old@abf.example.com"), ("c-to", "new@abf.example.com")] {
        let body = change(&json!({ "email_address": address }));
        let _ = site.written(&site.send("customers", key, &body));
        assert_eq!(customer("EmailAddress"), address);
    }
    assert_eq!(customer("CustomerName"), name);

    let body = change(&json!({ "address_line1": "12 New Dock Road" }));
    let id = site.send("customers", "c-2", &body);
    let held = site.settled(&id);
    assert_eq!(held["state"], "held", "{held}");
    assert_eq!(held["problems"][0]["code"], "change_proposed", "{held}");
    assert_eq!(customer("AddressLine1"), street);
    decide(
        &site,
        &id,
        "retry",
        &json!({ "accept": ["change_proposed"], "why": "they moved" }),
    );
    let _ = site.written_after_decision(&id);
    assert_eq!(customer("AddressLine1"), "12 New Dock Road");
    assert_eq!(customer("CustomerName"), name);
}

#[test]
fn a_new_address_becomes_a_ship_to_record_once() {
    let site = site("[company.imports.ship_tos]\nnew = \"create\"\n");
    let _driver = site.start_driver("driver", &[]);
    let send = |po: &str| {
        let mut body = order(po, &known());
        body["ship_to"] = json!({
            "ship_to_name": "Abf Lakeside Store",
            "ship_to_address1": "900 Lakeside Avenue",
            "ship_to_city": "Kenosha",
            "ship_to_state": "WI",
            "ship_to_zip_code": "53140",
            "ship_to_country_code": "USA",
        });
        let import = site.written(&site.send("sales_orders", po, &body));
        order_row(&site, &import)
    };
    let first = send("SHIP-1");
    assert!(!first["ShipToCode"].is_empty(), "{first:?}");
    assert_eq!(first["ShipToAddress1"], "900 Lakeside Avenue");
    let second = send("SHIP-2");
    assert_eq!(second["ShipToCode"], first["ShipToCode"]);
    let records =
        site.erp_rows("SELECT * FROM SO_ShipToAddress WHERE ShipToAddress1 = '900 Lakeside Avenue'");
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["ShipToCode"], first["ShipToCode"]);
    assert_eq!(records[0]["CustomerNo"], "ABF");
}

fn prepaid(site: &Site) -> (Value, std::collections::BTreeMap<String, String>) {
    let mut body = order("PREPAID", &known());
    body["payment"] = json!({
        "payment_type": "WEB", "amount": "100.00", "gateway_transaction_id": "ch_prepaid",
    });
    let import = site.written(&site.send("sales_orders", "prepaid", &body));
    let receipts = site.erp_rows(&format!(
        "SELECT * FROM AR_CashReceiptsHeader WHERE CheckNo = '{}'",
        import["check_no"].as_str().unwrap_or_default()
    ));
    assert_eq!(receipts.len(), 1, "{import}");
    assert_eq!(receipts[0]["AmountReceived"], "100.00");
    assert_eq!(
        import["batch_no"].as_str(),
        Some(receipts[0]["BatchNo"].as_str()),
        "{import}"
    );
    assert_eq!(
        import["deposit_no"].as_str(),
        Some(receipts[0]["DepositNo"].as_str()),
        "{import}"
    );
    (import, receipts[0].clone())
}

fn receipt_lines(site: &Site, receipt: &std::collections::BTreeMap<String, String>) -> Vec<[String; 3]> {
    let rows = site.erp_rows(&format!(
        "SELECT InvoiceType, AccountKey, AmountPosted FROM AR_CashReceiptsDetail WHERE CheckNo = '{}'",
        receipt["CheckNo"]
    ));
    rows.into_iter()
        .map(|row| ["InvoiceType", "AccountKey", "AmountPosted"].map(|name| row[name].clone()))
        .collect()
}

#[test]
fn money_taken_with_an_order_is_its_deposit_and_a_receipt_to_the_deposit_account() {
    let site = site(
        "[company.imports.payments]\nbank_code = \"A\"\nprepaid = \"deposit_and_receipt\"\n\
         deposit_account_key = \"00000000F\"\n[company.imports.capabilities]\nreceipts = true\n",
    );
    let _driver = site.start_driver("driver", &[]);
    let (import, receipt) = prepaid(&site);
    let header = order_row(&site, &import);
    assert_eq!(header["DepositAmt"], "100.00", "{header:?}");
    assert_eq!(header["CheckNoForDeposit"], receipt["CheckNo"]);
    assert_eq!(header["PaymentType"], "WEB");
    assert_eq!(
        receipt_lines(&site, &receipt),
        [["GL", "00000000F", "100.00"].map(str::to_owned)]
    );
}

#[test]
fn money_taken_with_an_order_is_a_prepayment_of_the_customer() {
    let site = site(
        "[company.imports.payments]\nbank_code = \"A\"\nprepaid = \"prepayment\"\n\
         [company.imports.capabilities]\nreceipts = true\n",
    );
    let _driver = site.start_driver("driver", &[]);
    let (import, receipt) = prepaid(&site);
    let header = order_row(&site, &import);
    assert_ne!(header["DepositAmt"], "100.00", "{header:?}");
    assert_eq!(
        receipt_lines(&site, &receipt),
        [["PP", "", "100.00"].map(str::to_owned)]
    );
}
