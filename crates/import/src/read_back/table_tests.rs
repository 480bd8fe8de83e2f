//! The whole decision table: every mark, user, customer, purchase order, time and line.

use super::tests::{letter, planned};
use super::*;

const DAY: Date = Date::constant(2026, 5, 6);

fn order(po: &str) -> OrderWrite {
    planned(po, &[("A", 2)])
}

fn mark(name: &str) -> Option<String> {
    match name {
        "ours" => Some("c0ffee01c0ffee01".into()),
        "loud" => Some("C0FFEE01C0FFEE01".into()),
        "cut" => Some("c0ffee01".into()),
        "other" => Some("feed".into()),
        "blank" => Some(String::new()),
        "none" => None,
        _ => panic!("{name}"),
    }
}

fn customer(name: &str) -> String {
    match name {
        "same" => "ABF".into(),
        "other" => "ELSE".into(),
        "untold" => String::new(),
        _ => panic!("{name}"),
    }
}

/// What is decided when all else agrees, when the purchase order differs, when the order is
/// older than its number, when its time is untold, and when its lines differ.
fn decide_order(place: &str, marked: &str, user: &str, whose: &str, po: &str) -> String {
    let order = order(po);
    let expected = Expected {
        order: &order,
        customer: &super::tests::customer(),
        marker: "c0ffee01c0ffee01",
        user_key: (user != "unknown").then_some("WEB"),
        since: Stamp::parse(DAY, "10").unwrap(),
        extension: None,
    };
    let plain = SightedOrder {
        marker: mark(marked),
        ar_division_no: "01".into(),
        customer_no: customer(whose),
        customer_po_no: po.into(),
        created_by: match user {
            "other" => "SUE".into(),
            "untold" => String::new(),
            _ => "WEB".into(),
        },
        created: Some(Stamp::parse(DAY, "10.5").unwrap()),
        lines: Some(vec![SightedLine {
            item_code: "A".into(),
            alias_item_no: String::new(),
            item_type: "1".into(),
            quantity: Decimal::new(2, 0),
            extension: None,
        }]),
        totals: Totals::new(),
        is_deleted: false,
    };
    let changes: [fn(&mut SightedOrder); 5] = [
        |_| {},
        |o| o.customer_po_no = "ELSE".into(),
        |o| o.created = Some(Stamp::parse(DAY, "3").unwrap()),
        |o| o.created = None,
        |o| o.lines.as_mut().unwrap()[0].quantity = Decimal::new(9, 0),
    ];
    changes
        .iter()
        .map(|change| {
            let mut found = plain.clone();
            change(&mut found);
            let sightings = if place == "open" {
                Sightings {
                    open: Some(found),
                    ..Sightings::default()
                }
            } else {
                Sightings {
                    history: Some(found),
                    ..Sightings::default()
                }
            };
            letter(&classify(&expected, &sightings))
        })
        .collect()
}

#[test]
fn orders() {
    // Mark, user, customer; as an open order, in history.
    let table = [
        ("ours", "*", "*", "OOOOP", "OOOOP"),
        ("loud", "*", "*", "OOOOP", "OOOOP"),
        ("other", "*", "*", "FFFFF", "FFFFF"),
        // Ours is never blank while it is open; history has the column only where it is mapped.
        ("blank", "ours", "same", "UUUUU", "OUUUP"),
        ("blank", "ours", "other", "UUUUU", "UUUUU"),
        ("blank", "other", "*", "FFFFF", "FFFFF"),
        ("blank", "unknown", "same", "UUUUU", "UUUUU"),
        ("blank", "unknown", "other", "FFFFF", "FFFFF"),
        ("blank", "untold", "same", "UUUUU", "UUUUU"),
        ("blank", "untold", "other", "FFFFF", "FFFFF"),
        ("none", "ours", "same", "OUUUP", "OUUUP"),
        ("none", "ours", "other", "UUUUU", "UUUUU"),
        ("none", "other", "*", "FFFFF", "FFFFF"),
        ("none", "unknown", "same", "UUUUU", "UUUUU"),
        ("none", "unknown", "other", "FFFFF", "FFFFF"),
        ("none", "untold", "same", "UUUUU", "UUUUU"),
        ("none", "untold", "other", "FFFFF", "FFFFF"),
        // A column that is too narrow for the mark.
        ("cut", "ours", "same", "OUUUP", "OUUUP"),
        ("cut", "ours", "other", "UUUUU", "UUUUU"),
        ("cut", "other", "*", "UUUUU", "UUUUU"),
        ("cut", "unknown", "*", "UUUUU", "UUUUU"),
        ("cut", "untold", "*", "UUUUU", "UUUUU"),
        // A place that does not tell the customer.
        ("blank", "ours", "untold", "UUUUU", "UUUUU"),
        ("blank", "unknown", "untold", "UUUUU", "UUUUU"),
        ("none", "ours", "untold", "UUUUU", "UUUUU"),
        ("none", "unknown", "untold", "UUUUU", "UUUUU"),
    ];
    let each = |name: &'static str, all: &[&'static str]| -> Vec<&'static str> {
        if name == "*" { all.to_vec() } else { vec![name] }
    };
    let mut wrong = Vec::new();
    for (marked, users, customers, open, history) in table {
        for user in each(users, &["ours", "other", "unknown", "untold"]) {
            for whose in each(customers, &["same", "other", "untold"]) {
                for po in ["WEB1", ""] {
                    for (place, wanted) in [("open", open), ("history", history)] {
                        let found = decide_order(place, marked, user, whose, po);
                        if found != wanted {
                            wrong.push(format!(
                                "{place} {marked} {user} {whose} {po:?}: {found}, not {wanted}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is decided about an invoice of today, without a date, of two weeks ago and of years ago.
fn decide_invoice(marked: &str, whose: &str, po: &str) -> String {
    let order = order("WEB1");
    let expected = Expected {
        order: &order,
        customer: &super::tests::customer(),
        marker: "c0ffee01c0ffee01",
        user_key: Some("WEB"),
        since: Stamp::parse(DAY, "10").unwrap(),
        extension: None,
    };
    [
        Some(DAY),
        None,
        Some(Date::constant(2026, 4, 22)),
        Some(Date::constant(2019, 4, 22)),
    ]
    .into_iter()
    .map(|date| {
        let invoice = SightedInvoice {
            marker: mark(marked),
            ar_division_no: "01".into(),
            customer_no: customer(whose),
            customer_po_no: po.into(),
            date,
            totals: Totals::new(),
        };
        let sightings = Sightings {
            invoices: vec![invoice],
            ..Sightings::default()
        };
        letter(&classify(&expected, &sightings))
    })
    .collect()
}

#[test]
fn invoices() {
    // Invoice entry and invoice history are judged alike. Clerks date invoices back to the
    // month before, and the customer may be the one who is billed.
    for (marked, whose, po, wanted) in [
        ("ours", "same", "WEB1", "OOOO"),
        ("ours", "other", "ELSE", "OOOO"),
        ("other", "same", "WEB1", "UUUA"),
        ("other", "other", "ELSE", "UUUA"),
        ("blank", "same", "WEB1", "OOUA"),
        ("blank", "same", "ELSE", "UUUA"),
        ("blank", "same", "", "UUUA"),
        ("blank", "other", "WEB1", "UUUA"),
        ("blank", "other", "ELSE", "UUUA"),
        ("none", "same", "WEB1", "OOUA"),
        ("none", "same", "ELSE", "UUUA"),
        ("none", "other", "WEB1", "UUUA"),
        ("none", "other", "ELSE", "UUUA"),
        ("cut", "same", "WEB1", "OOUA"),
        ("cut", "other", "ELSE", "UUUA"),
    ] {
        assert_eq!(
            decide_invoice(marked, whose, po),
            wanted,
            "{marked} {whose} {po:?}"
        );
    }
}

#[test]
fn an_open_order_of_somebody_else_does_not_hide_ours_in_history() {
    let order = order("WEB1");
    let expected = Expected {
        order: &order,
        customer: &super::tests::customer(),
        marker: "c0ffee01c0ffee01",
        user_key: Some("WEB"),
        since: Stamp::parse(DAY, "10").unwrap(),
        extension: None,
    };
    let history = SightedOrder {
        marker: mark("ours"),
        ar_division_no: "01".into(),
        customer_no: "ABF".into(),
        customer_po_no: "WEB1".into(),
        created_by: "WEB".into(),
        created: None,
        lines: None,
        totals: Totals::new(),
        is_deleted: false,
    };
    let open = SightedOrder {
        marker: mark("other"),
        ..history.clone()
    };
    let sightings = Sightings {
        open: Some(open),
        history: Some(history),
        ..Sightings::default()
    };
    assert_eq!(letter(&classify(&expected, &sightings)), 'U');
}
