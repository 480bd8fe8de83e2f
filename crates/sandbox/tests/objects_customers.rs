//! Customers and ship-to addresses in process: the port's contract, and what only the file
//! shows.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod counter;

use counter::{Desk, Fixture, clock, refused};
use sage::contract::objects::check_receivables;
use sage::{BusinessObjects, Call, Condition, Fault, ObjectId};
use sandbox::objects::Engine;
use sandbox::{Profile, Settings};

const CUSTOMER: &str = "AR_Customer_bus";
const SHIP_TO: &str = "SO_ShipToAddress_bus";
const ABF: [(&str, &str); 2] = [("ARDivisionNo$", "01"), ("CustomerNo$", "ABF")];

fn customers(fixture: &Fixture) -> (Desk, ObjectId) {
    let mut desk = Desk::open(fixture, "A/R", "AR_Customer_ui");
    let object = desk.make(CUSTOMER);
    (desk, object)
}

fn ship_tos(fixture: &Fixture) -> (Desk, ObjectId) {
    let mut desk = Desk::open(fixture, "S/O", "SO_ShipToAddress_ui");
    let object = desk.make(SHIP_TO);
    (desk, object)
}

/// A new customer under this number, ready to be written.
fn fill_new(desk: &mut Desk, object: ObjectId, number: &str) {
    let answer = desk.key(object, &[("ARDivisionNo$", "01"), ("CustomerNo$", number)]);
    assert_eq!(answer.code, 2, "{answer:?}");
    desk.fill(
        object,
        &[("CustomerName$", "Lakeside Fixtures"), ("TermsCode$", "01")],
    );
}

#[test]
fn keeps_the_contract() {
    let fixture = Fixture::new();
    check_receivables(&mut || {
        let engine = Engine::open(&fixture.file, clock())?;
        Ok(Box::new(engine) as Box<dyn BusinessObjects>)
    });
}

#[test]
fn a_customer_is_stored_with_stamps_and_defaults() {
    let fixture = Fixture::new();
    let (mut desk, object) = customers(&fixture);
    fill_new(&mut desk, object, "web17");
    desk.fill(object, &[("UDF_ERP_DRIVER_ID$", "an id"), ("UDF_PORTAL$", "Y")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one(
            "SELECT ARDivisionNo || ' ' || CustomerNo || ' ' || SortField || '|' || CustomerStatus || OpenItemCustomer
               || ' ' || DateEstablished || ' ' || DateCreated || ' ' || TimeCreated || ' ' || UserCreatedKey
               || ' ' || DateUpdated || ' ' || UDF_ERP_DRIVER_ID || ' ' || UDF_PORTAL
             FROM AR_Customer WHERE CustomerName = 'Lakeside Fixtures'"
        ),
        "01 WEB17 LAKESIDE F|AY 2026-05-06 2026-05-06 10.50000 0000000003 2026-05-06 an id Y"
    );
}

#[test]
fn numbers_are_spent_and_skip_what_is_there() {
    let fixture = Fixture::new();
    let (mut desk, object) = customers(&fixture);
    fixture
        .db()
        .execute_batch("INSERT INTO AR_Customer (ARDivisionNo, CustomerNo) VALUES ('02', '0000002')")
        .unwrap();
    let given: Vec<_> = (0..2)
        .map(|_| desk.next(object, "CustomerNo").value.unwrap())
        .map(|value| value.as_text().unwrap().to_owned())
        .collect();
    assert_eq!(given, ["0000001", "0000003"]);
    fixture.set("auto_customer_no", "N");
    refused(
        &desk.next(object, "CustomerNo"),
        "Automatic numbering of customers is not activated in A/R Options.",
    );
    refused(
        &desk.next(object, "SalesOrderNo"),
        "There is no next SalesOrderNo here.",
    );
}

#[test]
fn wrong_values_are_refused_in_words() {
    let fixture = Fixture::new();
    let (mut desk, object) = customers(&fixture);
    refused(
        &desk.call(Call::SetKey { object }),
        "The ARDivisionNo is required.",
    );
    let key = [("ARDivisionNo$", "09"), ("CustomerNo$", "WEB1")];
    refused(&desk.key(object, &key), "The ARDivisionNo 09 is not on file.");
    refused(
        &desk.set(object, "City$", "Racine"),
        "The key is not set: ARDivisionNo is required before City$.",
    );
    assert_eq!(
        desk.key(object, &[("ARDivisionNo$", "1"), ("CustomerNo$", "WEB1")])
            .code,
        2
    );
    let long = "x".repeat(51);
    for (column, value, words) in [
        (
            "CustomerName$",
            long.as_str(),
            "The CustomerName is too long: at most 50 characters.",
        ),
        ("State$", "WIS", "The State is too long: at most 2 characters."),
        ("TermsCode$", "77", "The TermsCode 77 is not on file."),
        (
            "TaxSchedule$",
            "NOWHERE",
            "The TaxSchedule NOWHERE is not on file.",
        ),
        (
            "DefaultPaymentType$",
            "GOLD",
            "The DefaultPaymentType GOLD is not on file.",
        ),
        (
            "SalespersonNo$",
            "0999",
            "The SalespersonNo 01-0999 is not on file.",
        ),
        (
            "PrimaryShipToCode$",
            "9",
            "The PrimaryShipToCode 9 is not on file.",
        ),
        ("CreditHold$", "X", "The CreditHold X is not valid."),
        ("CreditLimit", "-1", "The CreditLimit must not be negative."),
        ("CurrentBalance", "5", "The CurrentBalance cannot be changed."),
        ("DateCreated$", "20260101", "The DateCreated cannot be changed."),
        (
            "CustomerNo$",
            "WEB2",
            "CustomerNo is a key column; set it with nSetKeyValue.",
        ),
        ("UDF_NOTHING$", "x", "The column UDF_NOTHING$ is not valid."),
    ] {
        refused(&desk.set(object, column, value), words);
    }
    refused(&desk.write(object).unwrap(), "The CustomerName is required.");
    desk.fill(object, &[("CustomerName$", "Lakeside Fixtures")]);
    refused(&desk.write(object).unwrap(), "The TermsCode is required.");
    assert_eq!(fixture.count("SELECT count(*) FROM AR_Customer"), 2);
}

#[test]
fn codes_are_free_where_the_company_keeps_none() {
    let fixture = Fixture::new();
    fixture
        .db()
        .execute_batch("DELETE FROM AR_TermsCode; DELETE FROM AR_Division;")
        .unwrap();
    let (mut desk, object) = customers(&fixture);
    desk.key(object, &[("ARDivisionNo$", "09"), ("CustomerNo$", "WEB1")]);
    desk.fill(object, &[("TermsCode$", "77"), ("ShipMethod$", "PIGEON")]);
}

#[test]
fn a_postal_code_may_overwrite_the_town() {
    let fixture = Fixture::new();
    fixture.set("zip_lookup", "Y");
    fixture.set("zip:60601", "Chicago,IL");
    let (mut desk, object) = customers(&fixture);
    fill_new(&mut desk, object, "WEB1");
    desk.fill(object, &[("City$", "My Town"), ("ZipCode$", "53402-0001")]);
    assert_eq!(desk.text(object, "City$"), "Racine");
    desk.fill(object, &[("ZipCode$", "60601")]);
    assert_eq!(
        (desk.text(object, "City$"), desk.text(object, "State$")),
        ("Chicago".into(), "IL".into())
    );
    desk.fill(object, &[("City$", "Chicago Loop")]);
    assert_eq!(desk.text(object, "City$"), "Chicago Loop");
    fixture.set("zip_lookup", "N");
    desk.fill(object, &[("ZipCode$", "53402")]);
    assert_eq!(desk.text(object, "City$"), "Chicago Loop");
}

#[test]
fn a_change_leaves_alone_what_it_did_not_set() {
    let fixture = Fixture::new();
    let (mut desk, object) = customers(&fixture);
    assert_eq!(desk.key(object, &ABF).code, 1);
    desk.fill(object, &[("AddressLine1$", "4 Harbor Road")]);
    // The journal is posted meanwhile.
    fixture
        .db()
        .execute_batch("UPDATE AR_Customer SET CurrentBalance = '10.00' WHERE CustomerNo = 'ABF'")
        .unwrap();
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one(
            "SELECT AddressLine1 || ' ' || CurrentBalance || ' ' || DateUpdated || ' ' || DateCreated
             FROM AR_Customer WHERE CustomerNo = 'ABF'"
        ),
        "4 Harbor Road 10.00 2026-05-06 "
    );
    assert_eq!(desk.key(object, &ABF).code, 1);
    fixture
        .db()
        .execute_batch("DELETE FROM AR_Customer WHERE CustomerNo = 'ABF'")
        .unwrap();
    refused(
        &desk.write(object).unwrap(),
        "Customer 01-ABF is no longer on file.",
    );
}

#[test]
fn a_customer_with_open_documents_stays() {
    let fixture = Fixture::new();
    let (mut desk, object) = customers(&fixture);
    desk.key(object, &ABF);
    refused(
        &desk.call(Call::Delete { object }),
        "Customer 01-ABF has open documents and cannot be deleted.",
    );
    fixture.db().execute_batch("DELETE FROM AR_OpenInvoice").unwrap();
    assert_eq!(desk.call(Call::Delete { object }).code, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM AR_Customer"), 1);
}

#[test]
fn clerks_roles_and_the_subscription_stand_in_the_way() {
    let fixture = Fixture::new();
    fixture.set("lock:AR_Customer:01-ABF", "JQ");
    let (mut desk, object) = customers(&fixture);
    let answer = desk.key(object, &ABF);
    refused(&answer, "Customer 01-ABF is in use by JQ.");
    assert_eq!(
        Condition::of_message(&answer.message),
        Some(Condition::RecordLocked)
    );
    fixture.set("permission:AR_Customer_ui:create", "N");
    let key = [("ARDivisionNo$", "01"), ("CustomerNo$", "WEB1")];
    let answer = desk.key(object, &key);
    assert_eq!(
        Condition::of_message(&answer.message),
        Some(Condition::PermissionDenied)
    );
    fixture.set("permission:AR_Customer_ui:create", "Y");
    fill_new(&mut desk, object, "WEB1");
    fixture.set("subscription", "lapsed");
    let answer = desk.write(object).unwrap();
    assert_eq!(
        Condition::of_message(&answer.message),
        Some(Condition::SubscriptionLapsed)
    );
    drop(desk);
    fixture.set("permission:AR_Customer_ui", "N");
    let mut desk = Desk::open(&fixture, "S/O", "SO_SalesOrder_ui");
    let denied = desk.call(Call::LookupTask {
        task: "AR_Customer_ui".into(),
    });
    assert_eq!(denied.code, 0);
    let fault = desk.0.call(&Call::NewObject {
        name: CUSTOMER.into(),
    });
    assert!(matches!(fault, Err(Fault { code: 90, .. })), "{fault:?}");
}

#[test]
fn a_number_may_be_taken_before_it_is_used() {
    let fixture = Fixture::new();
    fixture.set("fault.number_taken", "once:Harbor Tool Supply");
    let (mut desk, object) = customers(&fixture);
    let number = desk.next(object, "CustomerNo").value.unwrap();
    let key = [
        ("ARDivisionNo$", "01"),
        ("CustomerNo$", number.as_text().unwrap()),
    ];
    assert_eq!(desk.key(object, &key).code, 1, "another customer is loaded");
    assert_eq!(desk.text(object, "CustomerName$"), "Harbor Tool Supply");
    assert_eq!(
        fixture.one("SELECT UserCreatedKey FROM AR_Customer WHERE CustomerNo = '0000001'"),
        "0000000002"
    );
    // A customer that came in between key and write is not overwritten.
    fill_new(&mut desk, object, "WEB1");
    fixture
        .db()
        .execute_batch("INSERT INTO AR_Customer (ARDivisionNo, CustomerNo) VALUES ('01', 'WEB1')")
        .unwrap();
    refused(
        &desk.write(object).unwrap(),
        "Customer 01-WEB1 is already on file.",
    );
}

#[test]
fn faults_may_be_of_one_object_only() {
    let fixture = Fixture::new();
    fixture.set("fault.SO_ShipToAddress_bus.header_write.refuse", "once:Not now.");
    fixture.set("fault.AR_Customer_bus.header_write.crash_after_commit", "once");
    let (mut desk, object) = customers(&fixture);
    fill_new(&mut desk, object, "WEB1");
    let fault = desk.write(object);
    assert!(matches!(fault, Err(Fault { code: 99, .. })), "{fault:?}");
    drop(desk);
    let stored = "SELECT count(*) FROM AR_Customer WHERE CustomerNo = 'WEB1'";
    assert_eq!(fixture.count(stored), 1);
    assert!(
        Settings::new(&fixture.db())
            .get("fault.SO_ShipToAddress_bus.header_write.refuse")
            .unwrap()
            .is_some(),
        "another object's fault waits"
    );
    fixture.set("fault.header_write.crash_before_commit", "once");
    let (mut desk, object) = customers(&fixture);
    fill_new(&mut desk, object, "WEB2");
    assert!(desk.write(object).is_err());
    let stored = "SELECT count(*) FROM AR_Customer WHERE CustomerNo = 'WEB2'";
    assert_eq!(fixture.count(stored), 0);
    drop(desk);
    let (mut desk, object) = ship_tos(&fixture);
    desk.key(object, &[ABF[0], ABF[1], ("ShipToCode$", "1")]);
    desk.fill(object, &[("ShipToName$", "Dock")]);
    refused(&desk.write(object).unwrap(), "Not now.");
    assert_eq!(desk.write(object).unwrap().code, 1);
}

#[test]
fn a_ship_to_needs_its_customer() {
    let fixture = Fixture::new();
    let (mut desk, object) = ship_tos(&fixture);
    let key = [
        ("ARDivisionNo$", "01"),
        ("CustomerNo$", "NOBODY"),
        ("ShipToCode$", "1"),
    ];
    refused(&desk.key(object, &key), "Customer 01-NOBODY is not on file.");
    let key = [ABF[0], ABF[1], ("ShipToCode$", "back")];
    assert_eq!(desk.key(object, &key).code, 2);
    assert_eq!(desk.text(object, "ShipToCode$"), "BACK");
    assert_eq!(desk.text(object, "SalespersonNo$"), "0100");
    refused(&desk.write(object).unwrap(), "The ShipToName is required.");
    for (column, value, words) in [
        ("WarehouseCode$", "999", "The WarehouseCode 999 is not on file."),
        ("TaxSchedule$", "XX", "The TaxSchedule XX is not on file."),
        ("ContactCode$", "NONE", "The ContactCode NONE is not on file."),
        (
            "ResidentialAddress$",
            "?",
            "The ResidentialAddress ? is not valid.",
        ),
        (
            "ShipToZipCode$",
            "123456-78901",
            "The ShipToZipCode is too long: at most 10 characters.",
        ),
    ] {
        if column == "ContactCode$" {
            fixture
                .db()
                .execute_batch(
                    "INSERT INTO AR_CustomerContact (ARDivisionNo, CustomerNo, ContactCode) VALUES ('01', 'ABF', 'ANN')",
                )
                .unwrap();
        }
        refused(&desk.set(object, column, value), words);
    }
    desk.fill(object, &[("ShipToName$", "Back Door"), ("ContactCode$", "ANN")]);
    // The customer goes while the address is entered.
    fixture
        .db()
        .execute_batch("UPDATE AR_Customer SET CustomerNo = 'RENAMED' WHERE CustomerNo = 'ABF'")
        .unwrap();
    refused(&desk.write(object).unwrap(), "Customer 01-ABF is not on file.");
    fixture
        .db()
        .execute_batch("UPDATE AR_Customer SET CustomerNo = 'ABF' WHERE CustomerNo = 'RENAMED'")
        .unwrap();
    assert_eq!(desk.write(object).unwrap().code, 1);
    assert_eq!(
        fixture.one("SELECT ShipToCode || ' ' || ShipToName || ' ' || UserCreatedKey FROM SO_ShipToAddress"),
        "BACK Back Door 0000000003"
    );
    assert_eq!(desk.key(object, &key).code, 1);
    assert_eq!(desk.call(Call::Delete { object }).code, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM SO_ShipToAddress"), 0);
}

#[test]
fn the_demo_company_takes_a_customer_with_a_ship_to() {
    let fixture = Fixture::of(Profile::Demo);
    let (mut desk, object) = customers(&fixture);
    let number = desk.next(object, "CustomerNo").value.unwrap();
    let number = number.as_text().unwrap().to_owned();
    fill_new(&mut desk, object, &number);
    desk.fill(
        object,
        &[("SalespersonNo$", "0100"), ("DefaultPaymentType$", "CHECK")],
    );
    assert_eq!(desk.write(object).unwrap().code, 1);
    desk.enter("S/O", "SO_ShipToAddress_ui");
    let object = desk.make(SHIP_TO);
    let key = [
        ("ARDivisionNo$", "01"),
        ("CustomerNo$", &number),
        ("ShipToCode$", "1"),
    ];
    assert_eq!(desk.key(object, &key).code, 2);
    desk.fill(object, &[("ShipToName$", "Dock"), ("WarehouseCode$", "001")]);
    assert_eq!(desk.write(object).unwrap().code, 1);
}
