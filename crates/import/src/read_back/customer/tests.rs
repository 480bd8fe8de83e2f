use model::CustomerRef;
use values::{Date, Decimal, Stamp};

use super::super::ship_to;
use super::super::tests::letter;
use super::*;
use crate::marker::MARKER_COLUMN;
use crate::plan::{CustomerSource, NumberSource, Setting, ShipToWrite};
use crate::rows::Field;

const DAY: Date = Date::constant(2026, 5, 6);

fn write() -> CustomerWrite {
    CustomerWrite {
        ar_division_no: "01".into(),
        number: NumberSource::SageNext,
        settings: vec![
            Setting::text("CustomerName", "Harbor Lamp Supply", "customer.new.customer_name"),
            Setting::text("AddressLine1", "5 Quay St", ""),
            Setting::text("ZipCode", "53402", ""),
            Setting::text("EmailAddress", "desk@harborlamp.example", ""),
        ],
    }
}

fn row(texts: &[(&str, &str)], hour: Option<&str>) -> Row {
    let mut row = Row::default();
    for (column, text) in texts {
        row.put(*column, Field::Text((*text).into()));
    }
    if let Some(hour) = hour {
        row.put("DateCreated", Field::Date(Some(DAY)));
        row.put("TimeCreated", Field::Text(hour.into()));
    }
    row
}

/// What is decided when all is equal; when name, e-mail, both, or name, e-mail and address
/// are another's.
fn decide(mark: Option<&str>, user: &str, hour: Option<&str>) -> String {
    let writer = Writer {
        marker: "c0ffee01c0ffee01",
        user_key: (user != "unknown").then_some("WEB"),
        since: Stamp::parse(DAY, "10").unwrap(),
    };
    let (name, mail, street) = ("HARBOR LAMP SUPPLY", "desk@harborlamp.example", "5 Quay St");
    [
        (name, mail, street),
        ("Else", mail, street),
        (name, "else@else.example", street),
        ("Else", "else@else.example", street),
        ("Else", "else@else.example", "1 Else Rd"),
    ]
    .into_iter()
    .map(|(name, mail, street)| {
        let mut texts = vec![
            ("CustomerName", name),
            ("EmailAddress", mail),
            ("AddressLine1", street),
            ("ZipCode", "53402"),
            ("UserCreatedKey", if user == "other" { "SUE" } else { "WEB" }),
        ];
        texts.extend(mark.map(|mark| (MARKER_COLUMN, mark)));
        let rows = BTreeMap::from([(Place::Customer, vec![row(&texts, hour)])]);
        letter(&classify("01:0000021", &write(), &writer, &rows))
    })
    .collect()
}

#[test]
fn whose_a_customer_is() {
    for (mark, user, hour, wanted) in [
        (Some("C0FFEE01C0FFEE01"), "other", None, "OOOOO"),
        (Some("feed"), "ours", Some("11"), "FFFFF"),
        (Some(""), "ours", Some("11"), "UUUUU"),
        (Some(""), "other", Some("11"), "FFFFF"),
        (Some("c0ffee01"), "other", Some("11"), "UUUUU"),
        (None, "ours", Some("11"), "OUOUU"),
        (None, "ours", Some("9"), "UUUUF"),
        (None, "ours", None, "UUUUU"),
        (None, "other", Some("11"), "FFFFF"),
        (None, "unknown", Some("11"), "UUUUF"),
        (None, "unknown", None, "UUUUF"),
    ] {
        assert_eq!(decide(mark, user, hour), wanted, "{mark:?} {user} {hour:?}");
    }
}

#[test]
fn nothing_read_is_not_nothing_there() {
    let writer = Writer {
        marker: "mark",
        user_key: None,
        since: Stamp::start_of(DAY),
    };
    let decide = |rows: &BTreeMap<_, _>| letter(&classify("01:0000021", &write(), &writer, rows));
    assert_eq!(decide(&BTreeMap::new()), 'U');
    assert_eq!(decide(&BTreeMap::from([(Place::Customer, Vec::new())])), 'A');
}

#[test]
fn whose_an_address_is() {
    let write = ShipToWrite {
        customer: CustomerSource::Known(CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        }),
        settings: vec![
            Setting::text("ShipToName", "Dock 4", ""),
            Setting::text("ShipToAddress1", "4 Pier Rd", ""),
            Setting::text("ShipToZipCode", "53402", ""),
        ],
    };
    let writer = Writer {
        marker: "mark",
        user_key: Some("WEB"),
        since: Stamp::parse(DAY, "10").unwrap(),
    };
    let decide = |user: &str, name: &str, street: &str| {
        let texts = [
            ("UserCreatedKey", user),
            ("ShipToName", name),
            ("ShipToAddress1", street),
            ("ShipToZipCode", "53402"),
        ];
        let rows = BTreeMap::from([(Place::ShipTo, vec![row(&texts, Some("11"))])]);
        letter(&ship_to::classify("01:ABF:0003", &write, &writer, &rows))
    };
    assert_eq!(decide("WEB", "Dock 4", "4 Pier Rd"), 'O');
    assert_eq!(decide("WEB", "Dock 4", "9 Pier Rd"), 'U');
    assert_eq!(decide("SUE", "Dock 4", "4 Pier Rd"), 'F');
    assert_eq!(decide("", "Dock 4", "4 Pier Rd"), 'U');
    assert_eq!(decide("", "Yard", "1 Else Rd"), 'F');
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

#[test]
fn a_change_came_through_whole_or_not_at_all() {
    let change = change(vec![
        Setting::text("City", "Racine", "changes.city"),
        Setting::text("State", "wi", "changes.state"),
        Setting::number("CreditLimit", Decimal::new(5000, 2), ""),
        Setting::date("DateEstablished", DAY, ""),
    ]);
    let decide = |city: &str, state: &str, cents: i64, day: &str| {
        let mut row = row(
            &[("City", city), ("State", state), ("DateEstablished", day)],
            None,
        );
        row.put("CreditLimit", Field::Number(Decimal::new(cents, 2)));
        letter(&classify_change(
            &change,
            &BTreeMap::from([(Place::Customer, vec![row])]),
        ))
    };
    assert_eq!(decide("Racine", "WI", 5000, "2026-05-06"), 'O');
    assert_eq!(decide("Racine", "WI", 5000, "20260506"), 'O');
    assert_eq!(decide("Kenosha", "IL", 1, "2019-01-01"), 'A');
    assert_eq!(decide("Racine", "IL", 5000, "2026-05-06"), 'U');
    assert_eq!(decide("Racine", "WI", 1, "2026-05-06"), 'U');
    let only_city = BTreeMap::from([(Place::Customer, vec![row(&[("City", "Racine")], None)])]);
    assert_eq!(
        letter(&classify_change(&change, &only_city)),
        'U',
        "the rest cannot be read"
    );
    assert_eq!(letter(&classify_change(&change, &BTreeMap::new())), 'U');
    let gone = BTreeMap::from([(Place::Customer, Vec::new())]);
    assert_eq!(letter(&classify_change(&change, &gone)), 'A');
}

#[test]
fn reads_only_what_the_site_has() {
    let has = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let columns = Columns::from([
        (
            "AR_Customer".to_owned(),
            has(&[
                "ARDivisionNo",
                "CustomerNo",
                "CustomerName",
                "City",
                "DateCreated",
            ]),
        ),
        (
            "SO_ShipToAddress".to_owned(),
            has(&["ARDivisionNo", "CustomerNo", "ShipToCode"]),
        ),
    ]);
    let rendered = |selects: Vec<(Place, Select)>| -> Vec<String> {
        selects
            .iter()
            .map(|(_, s)| sage::render(s, &sage::Dialect::default()).unwrap())
            .collect()
    };
    assert_eq!(
        rendered(selects("01:0000021", &columns)),
        [
            "SELECT ARDivisionNo, CustomerNo, CustomerName, DateCreated FROM AR_Customer WHERE ARDivisionNo = '01' AND CustomerNo = '0000021'"
        ]
    );
    assert_eq!(
        rendered(ship_to::selects("01:ABF:0003", &columns)),
        [
            "SELECT ARDivisionNo, CustomerNo, ShipToCode FROM SO_ShipToAddress WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF' AND ShipToCode = '0003'"
        ]
    );
    let change = change(vec![
        Setting::text("City", "Racine", ""),
        Setting::text("UDF_NOWHERE", "x", ""),
    ]);
    assert_eq!(
        rendered(change_selects(&change, &columns)),
        [
            "SELECT ARDivisionNo, CustomerNo, City FROM AR_Customer WHERE ARDivisionNo = '01' AND CustomerNo = 'ABF'"
        ]
    );
    assert!(selects("01:0000021", &Columns::new()).is_empty());
}
