//! Customers, ship-to records and receipts are written once, whatever is killed when.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops where it stands"
)]

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Reader, Site};

const SETTINGS: &str = "[company.imports.customers]\nar_division_no = \"01\"\n\
     numbering = { prefix = \"W\", digits = 6 }\ndefaults = { terms_code = \"01\", tax_schedule = \"WI\" }\n\
     update = \"web\"\n\
     [company.imports.ship_tos]\nnew = \"create\"\n\
     [company.imports.payments]\nbank_code = \"A\"\nhistory_kept = true\nprepaid = \"prepayment\"\n\
     [company.imports.capabilities]\nreceipts = true\n";

/// A document of each kind that is not an order alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Customer,
    Change,
    ShipTo,
    Receipt,
    /// A new customer, a ship-to record, an order and the receipt of what was prepaid.
    Everything,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Customer,
        Self::Change,
        Self::ShipTo,
        Self::Receipt,
        Self::Everything,
    ];

    /// The sandbox's object that writes its first record; of everything, the last.
    const fn object(self) -> &'static str {
        match self {
            Self::Customer | Self::Change => "AR_Customer_bus",
            Self::ShipTo => "SO_ShipToAddress_bus",
            Self::Receipt | Self::Everything => "AR_CashReceipts_bus",
        }
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Customer | Self::Change => "customers",
            Self::ShipTo | Self::Everything => "sales_orders",
            Self::Receipt => "payments",
        }
    }

    /// The document with this number; no two have anything in common.
    fn body(self, number: usize) -> Value {
        let known = json!({ "ar_division_no": "01", "customer_no": "ABF" });
        match self {
            Self::Customer => json!({ "company": "ABC", "new": {
                "customer_name": format!("Pier {number} Outfitters {number}"),
                "address_line1": format!("{number} Pier {number} Road"),
                "city": "Racine", "state": "WI", "zip_code": format!("{}", 53000 + number),
                "email_address": format!("office{number}@pier{number}.example.com"),
            }}),
            Self::Change => json!({ "company": "ABC", "customer": known, "changes": {
                "address_line2": format!("Gate {number}"),
            }}),
            Self::ShipTo => json!({
                "company": "ABC", "customer": known, "customer_po_no": format!("KILL-{number}"),
                "ship_to": {
                    "ship_to_name": format!("Store {number}"),
                    "ship_to_address1": format!("{number} Lakeside Avenue"),
                    "ship_to_city": "Kenosha", "ship_to_state": "WI", "ship_to_zip_code": "53140",
                },
                "lines": [{ "item_code": "1001-HON-H252", "quantity_ordered": "1" }],
            }),
            Self::Receipt => json!({
                "company": "ABC", "customer": known, "payment_type": "CHECK",
                "amount": format!("{number}.25"), "reference": format!("R{number}"),
                "invoices": [{ "invoice_no": "0100058", "amount": format!("{number}.25") }],
            }),
            Self::Everything => {
                let mut body = Self::ShipTo.body(number);
                body["customer"] = json!({ "new": Self::Customer.body(number)["new"] });
                body["payment"] = json!({
                    "payment_type": "CHECK", "amount": format!("{number}.25"), "reference": format!("R{number}"),
                });
                body
            }
        }
    }

    fn send(self, site: &Site, number: usize) -> String {
        site.send(
            self.collection(),
            &format!("{self:?}-{number}"),
            &self.body(number),
        )
    }

    /// The document is one record in Sage, and the report says which.
    #[track_caller]
    fn is_once(self, site: &Site, number: usize, import: &Value) {
        assert_eq!(import["state"], "written", "{import}");
        let said = |name: &str| import[name].as_str().unwrap_or_default();
        match self {
            Self::Customer => {
                let rows = site.erp_rows(&format!(
                    "SELECT CustomerNo FROM AR_Customer WHERE CustomerName = 'Pier {number} Outfitters {number}'"
                ));
                assert_eq!(rows.len(), 1, "{rows:?} {import}");
                assert_eq!(rows[0]["CustomerNo"], said("customer_no"), "{import}");
            }
            Self::Change => {
                let line = site.ask_erp("SELECT AddressLine2 FROM AR_Customer WHERE CustomerNo = 'ABF'");
                assert_eq!(line, format!("Gate {number}"), "{import}");
            }
            Self::ShipTo => {
                let records = site.erp_rows(&format!(
                    "SELECT ShipToCode FROM SO_ShipToAddress WHERE ShipToAddress1 = '{number} Lakeside Avenue'"
                ));
                assert_eq!(records.len(), 1, "{records:?} {import}");
                let orders = site.erp_rows(&format!(
                    "SELECT SalesOrderNo, ShipToCode FROM SO_SalesOrderHeader WHERE CustomerPONo = 'KILL-{number}'"
                ));
                assert_eq!(orders.len(), 1, "{orders:?} {import}");
                assert_eq!(orders[0]["SalesOrderNo"], said("sales_order_no"), "{import}");
                assert_eq!(orders[0]["ShipToCode"], records[0]["ShipToCode"], "{import}");
            }
            Self::Receipt => {
                let receipts = site.erp_rows(&format!(
                    "SELECT * FROM AR_CashReceiptsHeader WHERE AmountReceived = '{number}.25'"
                ));
                assert_eq!(receipts.len(), 1, "{receipts:?} {import}");
                for (name, column) in [
                    ("batch_no", "BatchNo"),
                    ("deposit_no", "DepositNo"),
                    ("check_no", "CheckNo"),
                ] {
                    assert_eq!(receipts[0][column], said(name), "{import}");
                }
                let lines = site.erp_rows(&format!(
                    "SELECT AmountPosted FROM AR_CashReceiptsDetail WHERE CheckNo = '{}'",
                    said("check_no")
                ));
                assert_eq!(lines.len(), 1, "{lines:?} {import}");
                assert_eq!(lines[0]["AmountPosted"], format!("{number}.25"));
            }
            Self::Everything => {
                for part in [Self::Customer, Self::ShipTo, Self::Receipt] {
                    part.is_once(site, number, import);
                }
            }
        }
    }
}

fn site() -> Site {
    let site = Site::demo(Reader::Sandbox);
    site.setting("linger_ms", "50");
    site.write_config("driver", SETTINGS);
    site.driver(&["sync", "--dataset", "warehouses"]).ok();
    site
}

/// How often the places of one kind's document are passed, in order.
fn places(site: &Site, kind: Kind, number: usize) -> Vec<String> {
    let log = site.path().join("points");
    let log_text = log.display().to_string();
    let driver = site.start_driver("driver", &[("ERP_DRIVER_FAULT_LOG", &log_text)]);
    let import = site.written(&kind.send(site, number));
    kind.is_once(site, number, &import);
    drop(driver);
    let text = std::fs::read_to_string(&log).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The driver dies at these places of each of the document's writes.
fn driver_dies(kind: Kind) {
    let site = site();
    let passed = places(&site, kind, 1);
    let mut number = 1;
    for place in [
        "import.after_allot",
        "import.after_reserve_hub",
        "import.before_header_write",
        "import.after_header_write",
        "import.after_pass",
    ] {
        let times = passed.iter().filter(|name| *name == place).count();
        let is_passed = match place {
            // Batch and deposit.
            "import.after_allot" => matches!(kind, Kind::Receipt | Kind::Everything),
            // From one write to the next.
            "import.after_pass" => matches!(kind, Kind::ShipTo | Kind::Everything),
            _ => true,
        };
        assert_eq!(times > 0, is_passed, "{place}: {passed:?}");
        for time in 1..=times {
            number += 1;
            let point = format!("{place}@{time}");
            let import = site.settled_in_spite_of(&point, || kind.send(&site, number));
            kind.is_once(&site, number, &import);
        }
    }
}

#[test]
fn the_driver_dies_and_a_customer_is_there_once() {
    driver_dies(Kind::Customer);
}

#[test]
fn the_driver_dies_and_a_customer_is_changed() {
    driver_dies(Kind::Change);
}

#[test]
fn the_driver_dies_and_a_ship_to_record_and_its_order_are_there_once() {
    driver_dies(Kind::ShipTo);
}

#[test]
fn the_driver_dies_and_a_receipt_is_there_once() {
    driver_dies(Kind::Receipt);
}

#[test]
fn the_driver_dies_and_each_of_four_records_is_there_once() {
    driver_dies(Kind::Everything);
}

#[test]
fn the_worker_dies_around_the_write_and_each_record_is_there_once() {
    for kind in Kind::ALL {
        let site = site();
        let passed = places(&site, kind, 1);
        let write = passed
            .iter()
            .position(|p| p == "import.before_header_write")
            .unwrap();
        // The call behind that place is the write.
        let calls = passed[..write]
            .iter()
            .filter(|p| *p == "bridge.before_call")
            .count();
        for (number, place) in [(2, "bridge.before_call"), (3, "bridge.after_call")] {
            let point = format!("{place}@{}", calls + 1);
            let import = site.settled_in_spite_of(&point, || kind.send(&site, number));
            kind.is_once(&site, number, &import);
        }
    }
}

#[test]
fn sage_commits_and_its_answer_is_lost() {
    let site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut number = 0;
    for kind in Kind::ALL {
        for fault in ["crash_before_commit", "crash_after_commit"] {
            number += 1;
            let name = format!("fault.{}.header_write.{fault}", kind.object());
            site.setting(&name, "once");
            let import = site.settled(&kind.send(&site, number));
            site.wait_until_fired(&name);
            kind.is_once(&site, number, &import);
        }
    }
}

#[test]
fn the_worker_dies_inside_the_write_and_sage_commits_late() {
    let site = site();
    let driver = site.start_driver("driver", &[]);
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let name = format!("fault.{}.header_write.delay_ms", kind.object());
        site.setting(&name, "once:1500");
        let id = kind.send(&site, place + 1);
        site.wait_until_fired(&name);
        driver.kill_worker();
        kind.is_once(&site, place + 1, &site.settled(&id));
    }
}

#[test]
fn the_driver_dies_and_sage_commits_late() {
    let site = site();
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        let name = format!("fault.{}.header_write.delay_ms", kind.object());
        site.setting(&name, "once:1500");
        let mut driver = site.start_driver("driver", &[]);
        let id = kind.send(&site, place + 1);
        site.wait_until_fired(&name);
        driver.kill();
        let _driver = site.start_driver("driver", &[]);
        kind.is_once(&site, place + 1, &site.settled(&id));
    }
}

#[test]
fn the_hub_dies_while_it_reserves() {
    let mut site = site();
    let _driver = site.start_driver("driver", &[]);
    let mut number = 0;
    for kind in Kind::ALL {
        for point in ["hub.before_reserve", "hub.after_reserve"] {
            number += 1;
            site.hub.kill();
            site.hub.start_again(&[("ERP_DRIVER_FAULT_POINT", point)]);
            let id = kind.send(&site, number);
            hub_ended(&mut site, point);
            site.hub.kill();
            site.hub.start_again(&[]);
            kind.is_once(&site, number, &site.settled(&id));
        }
    }
}

fn hub_ended(site: &mut Site, point: &str) {
    let start = std::time::Instant::now();
    while !site.hub.has_ended() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{point} was not passed"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_number_that_somebody_takes_meanwhile_is_left_to_them() {
    let site = site();
    // Sage's next number, which a clerk is given at the same moment.
    site.write_config(
        "driver",
        "[company.imports.customers]\nar_division_no = \"01\"\ndefaults = { terms_code = \"01\" }\n",
    );
    site.setting("fault.AR_Customer_bus.number_taken", "once:Somebody Else Ltd");
    let _driver = site.start_driver("driver", &[]);
    let import = site.settled(&Kind::Customer.send(&site, 1));
    site.wait_until_fired("fault.AR_Customer_bus.number_taken");
    Kind::Customer.is_once(&site, 1, &import);
    let others = site.ask_erp("SELECT CustomerNo FROM AR_Customer WHERE CustomerName = 'Somebody Else Ltd'");
    assert_ne!(others, import["customer_no"].as_str().unwrap());
}

#[test]
fn a_receipt_without_lines_is_in_doubt_until_a_person_has_looked() {
    let site = site();
    site.setting("fault.AR_CashReceipts_bus.partial_write", "once");
    let _driver = site.start_driver("driver", &[]);
    let id = Kind::Receipt.send(&site, 7);
    let import = site.settled(&id);
    assert_eq!(import["state"], "in_doubt", "{import}");
    assert!(
        !import["problems"][0]["remedy"].as_str().unwrap().is_empty(),
        "{import}"
    );
    let count = || site.ask_erp("SELECT count(*) FROM AR_CashReceiptsHeader WHERE AmountReceived = '7.25'");
    assert_eq!(count(), "1");
    let path = format!("/v1/imports/{id}/retry");
    let answer = site
        .api
        .post(&path, "unsaid", &json!({ "accept": [], "why": "again" }));
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(count(), "1");

    // The person deletes what is there and says that there is nothing of it now.
    site.erp("DELETE FROM AR_CashReceiptsHeader WHERE AmountReceived = '7.25'");
    let decision = json!({ "accept": ["in_doubt"], "why": "deleted the receipt without lines" });
    let answer = site.api.post(&path, "looked", &decision);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let import = site.written_after_decision(&id);
    Kind::Receipt.is_once(&site, 7, &import);
}
