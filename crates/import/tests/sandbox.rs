//! Entering orders through the sandbox's business objects, in process.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

mod site;

use import::plan::{CustomerSource, LinePrice, Setting, ShipToSource};
use import::writing::{
    Answer, Entry, Login, Step, enter_program, next_number, open_session, read_back_through_objects,
    release_session,
};
use model::CustomerRef;
use sage::Condition;
use values::Secret;

use site::{Site, TODAY, enter_it, login, number, order, told};

#[test]
fn an_order_goes_in_and_is_found_again() {
    let site = Site::new();
    let write = order(|_| {});
    let mut engine = site.session(&write);
    assert_eq!(
        next_number(&mut engine, &write).unwrap(),
        Answer::Given("0000185".into())
    );
    let (entry, steps) = enter_it(&mut engine, "0000185", &write);
    let Entry::Entered {
        totals,
        numbers,
        extension,
        lines,
        warnings,
    } = entry
    else {
        panic!("{entry:?}")
    };
    // 2 at this customer's own price, 1 at the price sent.
    assert_eq!(extension.unwrap().to_string(), "259.00");
    assert_eq!(totals["taxable_amt"].to_string(), "159.00");
    assert_eq!(totals["non_taxable_amt"].to_string(), "100.00");
    assert!(totals.contains_key("order_total") && totals.contains_key("sales_tax_amt"));
    assert_eq!(warnings, Vec::<String>::new());
    assert!(numbers.is_empty());
    let prices: Vec<_> = lines
        .iter()
        .map(|line| (line.unit_price, line.extension_amt))
        .collect();
    assert_eq!(
        prices,
        [
            (Some(number("79.5")), Some(number("159"))),
            (Some(number("100")), Some(number("100"))),
            (None, None)
        ]
    );
    let lines = (0..3).map(Step::LineWritten);
    let mut expected = vec![Step::BeforeSetKey, Step::AfterSetKey, Step::HeaderSet];
    expected.extend(lines.chain([Step::BeforeHeaderWrite, Step::AfterHeaderWrite]));
    assert_eq!(steps, expected);

    let found = read_back_through_objects(&mut engine, "0000185")
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.marker.as_deref(), found.customer_po_no.as_str()),
        (Some("mark"), "WEB00001")
    );
    assert_eq!(found.lines.unwrap().len(), 3);
    assert_eq!(read_back_through_objects(&mut engine, "0000999").unwrap(), None);
    // What was set after the ship-to code replaces what the code loads.
    let via: String = site
        .database()
        .query_row(
            "SELECT ShipVia FROM SO_SalesOrderHeader WHERE SalesOrderNo = '0000185'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(via, "UPS BLUE");

    let (again, _) = enter_it(&mut engine, "0000186", &write);
    assert!(
        matches!(again, Entry::Entered { warnings, .. } if warnings.len() == 1),
        "the number is used twice"
    );
    release_session(&mut engine).unwrap();
}

#[test]
fn refusals_are_told_all_at_once_and_store_nothing() {
    let site = Site::new();
    let write = order(|order| {
        order.ship_to = Some(ShipToSource::Code("9".into()));
        order
            .header
            .push(Setting::text("UDF_NOWHERE", "x", "udf.nowhere"));
        order.lines[0].settings[0] = Setting::text("WarehouseCode", "999", "lines[0].warehouse_code");
        order.lines[0].discount_percent = Some(number("101"));
        order.lines[1].item_code = "NOPE".into();
        order.lines.insert(2, site::line(2, "1001-HON-H254", "123456789"));
        order.closing = vec![Setting::number("DiscountRate", number("200"), "discount_rate")];
    });
    let mut engine = site.session(&write);
    let before = site.rows();
    match enter_it(&mut engine, "0000185", &write) {
        (
            Entry::Refused {
                problems,
                at_header_write: false,
                ..
            },
            steps,
        ) => {
            assert_eq!(
                told(&problems),
                [
                    ("ship_to.ship_to_code", "value_refused"),
                    ("udf.nowhere", "value_refused"),
                    ("lines[0].warehouse_code", "value_refused"),
                    ("lines[0].line_discount_percent", "value_refused"),
                    ("lines[1].item_code", "item_refused"),
                    ("lines[2].quantity_ordered", "value_refused"),
                    ("discount_rate", "value_refused"),
                ]
            );
            assert_eq!(problems[4].value, "NOPE");
            assert!(!steps.contains(&Step::BeforeHeaderWrite));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(site.rows(), before);
    let (entry, _) = enter_it(&mut engine, "0000185", &order(|_| {}));
    assert!(
        matches!(entry, Entry::Entered { .. }),
        "the number was free again: {entry:?}"
    );
}

#[test]
fn a_refused_customer_is_the_only_problem() {
    let site = Site::new();
    let write = order(|order| {
        order.customer = CustomerSource::Known(CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "OLD".into(),
        });
        order.lines[0].item_code = "NOPE".into();
    });
    let mut engine = site.session(&write);
    match enter_it(&mut engine, "0000185", &write).0 {
        Entry::Refused { problems, .. } => {
            assert_eq!(told(&problems), [("customer.customer_no", "customer_refused")]);
            assert_eq!(problems[0].value, "OLD");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_setting_of_the_site_is_named_by_its_column() {
    let site = Site::new();
    let write = order(|order| order.header.push(Setting::text("TermsCode", "77", "")));
    let mut engine = site.session(&write);
    match enter_it(&mut engine, "0000185", &write).0 {
        Entry::Refused { problems, .. } => {
            assert_eq!(told(&problems), [("", "value_refused")]);
            assert!(problems[0].message.starts_with("TermsCode: "), "{problems:?}");
            assert!(problems[0].remedy.contains("configuration"), "{problems:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_stands_in_the_way_is_told_apart() {
    let site = Site::new();
    let write = order(|_| {});
    let mut engine = site.session(&write);
    assert_eq!(enter_it(&mut engine, "0000184", &write).0, Entry::KeyTaken);
    let met = |entry: Entry| match entry {
        Entry::Condition {
            condition,
            at_header_write,
            detail,
        } => {
            assert!(!detail.is_empty());
            (condition, at_header_write, detail)
        }
        other => panic!("{other:?}"),
    };
    site.set("lock:SO_SalesOrderHeader:0000185", "SUE");
    let (condition, at_header_write, detail) = met(enter_it(&mut engine, "0000185", &write).0);
    assert_eq!((condition, at_header_write), (Condition::RecordLocked, false));
    assert_eq!(Condition::locked_by(&detail), Some("SUE"));
    site.set("subscription", "lapsed");
    let (condition, at_header_write, _) = met(enter_it(&mut engine, "0000186", &write).0);
    assert_eq!(
        (condition, at_header_write),
        (Condition::SubscriptionLapsed, true)
    );
    site.set("subscription", "valid");
    site.set("fault.header_write.refuse", "once:Credit limit exceeded.");
    let (entry, _) = enter_it(&mut engine, "0000186", &write);
    assert!(
        matches!(&entry, Entry::Refused { at_header_write: true, problems, .. }
            if problems.len() == 1 && problems[0].message == "Credit limit exceeded."),
        "{entry:?}"
    );
    site.set("fault.header_write.crash_after_commit", "once");
    let (entry, _) = enter_it(&mut engine, "0000186", &write);
    assert!(matches!(entry, Entry::Faulted { began: true, .. }), "{entry:?}");
    let (entry, steps) = enter_it(&mut engine, "0000187", &write);
    assert!(
        matches!(entry, Entry::Faulted { began: false, .. }) && steps.is_empty(),
        "the session is poisoned"
    );
    drop(engine);
    let found = read_back_through_objects(&mut site.session(&write), "0000186").unwrap();
    assert!(found.is_some(), "it had been committed");
}

#[test]
fn a_condition_stops_at_once_whatever_was_refused_before() {
    let site = Site::new();
    let write = order(|order| {
        order
            .header
            .push(Setting::text("TaxSchedule", "AVATAX", "tax_schedule"));
        order.lines[0].item_code = "NOPE".into();
        order.lines[1].price = LinePrice::Sage {
            web: None,
            tolerance: number("0"),
        };
    });
    let mut engine = site.session(&write);
    site.set("tax_service", "down");
    let (entry, _) = enter_it(&mut engine, "0000185", &write);
    assert!(
        matches!(
            entry,
            Entry::Condition {
                condition: Condition::TaxService,
                at_header_write: false,
                ..
            }
        ),
        "{entry:?}"
    );
}

#[test]
fn a_session_that_may_not_be_opened_says_why() {
    let site = Site::new();
    let program = order(|_| {}).program();
    let open = || {
        let mut engine = site.engine();
        match open_session(&mut engine, &login()).unwrap() {
            Answer::Given(()) => enter_program(&mut engine, program, TODAY).unwrap(),
            other => other,
        }
    };
    let met = |answer| match answer {
        Answer::Condition(condition, words) => {
            assert!(!words.is_empty());
            condition
        }
        Answer::Given(()) | Answer::Refused(_) => panic!("{answer:?}"),
    };
    site.set("permission:SO_SalesOrder_ui", "N");
    assert_eq!(met(open()), Condition::PermissionDenied);
    site.set("exclusive_task", "Rebuild Sort Files");
    assert_eq!(met(open()), Condition::ExclusiveTask);
    site.set("external_access", "N");
    assert_eq!(met(open()), Condition::ExternalAccessOff);
    site.set("Seats", "0");
    assert_eq!(met(open()), Condition::NoSeat);
    let wrong = Login {
        password: Secret::new("wrong"),
        ..login()
    };
    assert_eq!(
        met(open_session(&mut site.engine(), &wrong).unwrap()),
        Condition::PasswordRefused
    );
}
