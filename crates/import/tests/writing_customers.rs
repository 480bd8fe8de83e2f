//! Customers, changes to them and ship-to addresses: entered, and found again in the tables.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

mod site;
mod tables;

use import::plan::{
    CustomerChange, CustomerSource, CustomerWrite, Identities, NumberSource, OrderWrite, Setting,
    ShipToSource, ShipToWrite, Write,
};
use import::read_back::customer::{self, Writer};
use import::read_back::{Finding, ship_to};
use import::writing::{Answer, Entry, Step, enter, next_number};
use model::CustomerRef;
use sage::Condition;
use sandbox::objects::DEFAULT_USER_KEY;
use values::Stamp;

use site::{Site, TODAY, abf, enter_it, number, open_program, order, preview_it, told};
use tables::{columns, read};

fn new_customer(change: impl FnOnce(&mut CustomerWrite)) -> CustomerWrite {
    let mut write = CustomerWrite {
        ar_division_no: "01".into(),
        number: NumberSource::SageNext,
        settings: vec![
            Setting::text("CustomerName", "Harbor Lamp Supply", "customer.new.customer_name"),
            Setting::text("AddressLine1", "5 Quay St", "customer.new.address_line1"),
            Setting::text("ZipCode", "53402", "customer.new.zip_code"),
            Setting::text("City", "Racine", "customer.new.city"),
            Setting::text("State", "WI", "customer.new.state"),
            Setting::text(
                "EmailAddress",
                "desk@harborlamp.example",
                "customer.new.email_address",
            ),
            Setting::text("TermsCode", "01", ""),
        ],
    };
    change(&mut write);
    write
}

fn new_ship_to(owner: CustomerSource) -> ShipToWrite {
    ShipToWrite {
        customer: owner,
        settings: vec![
            Setting::text("ShipToName", "Dock 4", "ship_to.name"),
            Setting::text("ShipToAddress1", "4 Pier Rd", "ship_to.address_line1"),
            Setting::text("ShipToZipCode", "53402", "ship_to.zip_code"),
            Setting::text("ShipToCity", "Racine", "ship_to.city"),
            Setting::text("WarehouseCode", "001", ""),
        ],
    }
}

fn change(settings: Vec<Setting>) -> CustomerChange {
    CustomerChange {
        customer: CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        },
        document: None,
        settings,
    }
}

const fn writer(marker: &str) -> Writer<'_> {
    Writer {
        marker,
        user_key: Some(DEFAULT_USER_KEY),
        since: Stamp::start_of(TODAY),
    }
}

fn is_ours(finding: &Finding) -> bool {
    matches!(finding, Finding::Ours { .. })
}

#[test]
fn a_customer_goes_in_under_its_number_and_is_found_again() {
    let site = Site::new();
    let plan = new_customer(|_| {});
    let write = Write::Customer(plan.clone());
    let mut engine = site.session(&write);
    let Answer::Given(customer_no) = next_number(&mut engine, &write).unwrap() else {
        panic!("no number")
    };
    let identity = format!("01:{customer_no}");
    let find = |marker: &str| {
        let rows = read(&site, customer::selects(&identity, &columns(&site)));
        customer::classify(&identity, &plan, &writer(marker), &rows)
    };
    assert_eq!(find("mark"), Finding::Absent);
    let before = site.rows();
    assert!(matches!(
        preview_it(&mut engine, &identity, &write),
        Entry::Entered { .. }
    ));
    assert_eq!(site.rows(), before, "looking ahead leaves nothing");
    let (entry, steps) = enter_it(&mut engine, &identity, &write);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    assert_eq!(
        steps,
        [
            Step::BeforeSetKey,
            Step::AfterSetKey,
            Step::HeaderSet,
            Step::BeforeHeaderWrite,
            Step::AfterHeaderWrite
        ]
    );
    assert!(is_ours(&find("mark")), "{:?}", find("mark"));
    assert!(matches!(find("another"), Finding::Foreign { .. }));
    // Without our column the rest must agree, and does.
    site.sql("ALTER TABLE AR_Customer DROP COLUMN UDF_ERP_DRIVER_ID");
    assert!(is_ours(&find("mark")), "{:?}", find("mark"));
    let (entry, _) = enter_it(&mut engine, &identity, &write);
    assert_eq!(entry, Entry::KeyTaken);
}

#[test]
fn a_customer_is_refused_with_all_its_problems() {
    let site = Site::new();
    let write = Write::Customer(new_customer(|write| {
        write.settings[0] = Setting::text("CustomerName", "x".repeat(80), "customer.new.customer_name");
        write.settings.push(Setting::text(
            "SalespersonNo",
            "9999",
            "customer.new.salesperson_no",
        ));
        write
            .settings
            .push(Setting::text("UDF_NOWHERE", "x", "customer.new.udf.nowhere"));
    }));
    site.sql("INSERT INTO AR_Salesperson (SalespersonDivisionNo, SalespersonNo) VALUES ('01', '0100')");
    let mut engine = site.session(&write);
    let before = site.rows();
    match enter_it(&mut engine, "01:HARBOR", &write).0 {
        Entry::Refused {
            problems,
            at_header_write: false,
            ..
        } => assert_eq!(
            told(&problems),
            [
                ("customer.new.customer_name", "value_refused"),
                ("customer.new.salesperson_no", "value_refused"),
                ("customer.new.udf.nowhere", "value_refused"),
            ]
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(site.rows(), before);
    let nameless = Write::Customer(new_customer(|write| {
        write.settings.remove(0);
    }));
    match enter_it(&mut engine, "01:HARBOR", &nameless).0 {
        Entry::Refused {
            problems,
            at_header_write: true,
            ..
        } => assert_eq!(told(&problems), [("", "customer_refused")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_number_that_the_document_brought_is_refused_in_its_field() {
    let site = Site::new();
    let write = Write::Customer(new_customer(|write| {
        write.number = NumberSource::Given {
            customer_no: "X".repeat(40),
            field: "customer.new.customer_no".into(),
        };
    }));
    let mut engine = site.session(&write);
    match enter_it(&mut engine, &format!("01:{}", "X".repeat(40)), &write).0 {
        Entry::Refused { problems, .. } => {
            assert_eq!(told(&problems), [("customer.new.customer_no", "number_refused")])
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(enter_it(&mut engine, "01:PLAIN", &write).0, Entry::KeyTaken);
}

#[test]
fn numbers_come_from_sage_or_a_reason() {
    let site = Site::new();
    let write = Write::Customer(new_customer(|_| {}));
    let mut engine = site.session(&write);
    site.set("auto_customer_no", "N");
    let refused = |answer| match answer {
        Answer::Refused(problem) => problem,
        Answer::Given(_) | Answer::Condition(..) => panic!("{answer:?}"),
    };
    let problem = refused(next_number(&mut engine, &write).unwrap());
    assert_eq!(problem.code, "number_refused");
    assert!(problem.message.contains("Automatic numbering"), "{problem:?}");
    let address = Write::ShipTo(new_ship_to(abf()));
    let problem = refused(next_number(&mut engine, &address).unwrap());
    assert_eq!(problem.code, "number_refused", "Sage numbers no addresses");
    site.set("permission:AR_Customer_ui:create", "N");
    let (entry, _) = enter_it(&mut engine, "01:HARBOR", &write);
    assert!(
        matches!(
            entry,
            Entry::Condition {
                condition: Condition::PermissionDenied,
                at_header_write: false,
                ..
            }
        ),
        "{entry:?}"
    );
}

#[test]
fn a_change_comes_through_whole() {
    let site = Site::new();
    let plan = change(vec![
        Setting::text("ZipCode", "53403", "changes.zip_code"),
        Setting::text("City", "Caledonia", "changes.city"),
        Setting::number("CreditLimit", number("500"), "changes.credit_limit"),
    ]);
    let write = Write::CustomerChange(plan.clone());
    let mut engine = site.session(&write);
    let find = |plan: &CustomerChange| {
        let rows = read(&site, customer::change_selects(plan, &columns(&site)));
        customer::classify_change(plan, &rows)
    };
    assert_eq!(find(&plan), Finding::Absent);
    let (entry, _) = enter_it(&mut engine, "01:ABF:1234", &write);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    assert!(is_ours(&find(&plan)), "{:?}", find(&plan));
    site.sql("UPDATE AR_Customer SET City = 'Milwaukee' WHERE CustomerNo = 'ABF'");
    assert!(matches!(find(&plan), Finding::Unclear { .. }));

    let mut gone = plan;
    gone.customer.customer_no = "NOBODY".into();
    match enter_it(&mut engine, "01:NOBODY:1234", &Write::CustomerChange(gone)).0 {
        Entry::Refused { problems, .. } => {
            assert_eq!(told(&problems), [("customer.customer_no", "customer_missing")])
        }
        other => panic!("{other:?}"),
    }
    site.set("lock:AR_Customer:01-ABF", "JQ");
    let (entry, _) = enter_it(&mut engine, "01:ABF:1234", &write);
    assert!(
        matches!(&entry, Entry::Condition { condition: Condition::RecordLocked, detail, .. } if detail.contains("JQ")),
        "{entry:?}"
    );
}

#[test]
fn an_address_goes_in_and_is_found_again() {
    let site = Site::new();
    let plan = new_ship_to(abf());
    let write = Write::ShipTo(plan.clone());
    let mut engine = site.session(&write);
    let find = |identity: &str, marker: &str| {
        let rows = read(&site, ship_to::selects(identity, &columns(&site)));
        ship_to::classify(identity, &plan, &writer(marker), &rows)
    };
    assert_eq!(find("01:ABF:0004", "mark"), Finding::Absent);
    assert_eq!(enter_it(&mut engine, "01:ABF:2", &write).0, Entry::KeyTaken);
    let (entry, _) = enter_it(&mut engine, "01:ABF:0004", &write);
    assert!(matches!(entry, Entry::Entered { .. }), "{entry:?}");
    assert!(is_ours(&find("01:ABF:0004", "mark")));
    assert!(matches!(find("01:ABF:0004", "another"), Finding::Foreign { .. }));
    let (entry, steps) = enter_it(&mut engine, "01:PLAIN:0004", &write);
    assert!(
        matches!(entry, Entry::Faulted { began: false, .. }) && steps.is_empty(),
        "an address of another customer than the plan's"
    );
}

#[test]
fn an_order_uses_what_earlier_writes_made() {
    let site = Site::new();
    let new = Write::Customer(new_customer(|_| {}));
    let mut engine = site.session(&new);
    let address = Write::ShipTo(new_ship_to(CustomerSource::Write(0)));
    let sale = order(|order: &mut OrderWrite| {
        order.customer = CustomerSource::Write(0);
        order.ship_to = Some(ShipToSource::Write(1));
    });
    let mut earlier = Identities::new();
    for (place, identity, write) in [
        (0, "01:HARBOR", &new),
        (1, "01:HARBOR:0001", &address),
        (2, "0000185", &sale),
    ] {
        open_program(&mut engine, write);
        let entry = enter(
            &mut engine,
            identity,
            write,
            &site::context(&earlier),
            &mut |_| (),
        );
        assert!(matches!(entry, Entry::Entered { .. }), "{identity}: {entry:?}");
        earlier.insert(place, identity.to_owned());
    }
    let (customer, code): (String, String) = site
        .database()
        .query_row(
            "SELECT CustomerNo, ShipToCode FROM SO_SalesOrderHeader WHERE SalesOrderNo = '0000185'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((customer.as_str(), code.as_str()), ("HARBOR", "0001"));
    let nothing = Identities::new();
    let entry = enter(
        &mut engine,
        "0000186",
        &sale,
        &site::context(&nothing),
        &mut |_| (),
    );
    assert!(
        matches!(entry, Entry::Faulted { began: false, .. }),
        "nothing was made yet: {entry:?}"
    );
}
