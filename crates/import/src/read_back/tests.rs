#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

use model::OrderType;

use super::*;
use crate::marker::MARKER_COLUMN;
use crate::plan::{CustomerSource, LinePrice, LineWrite, OrderChecks};
use crate::rows::Field;

const DAY: Date = Date::constant(2026, 5, 6);

pub(super) fn customer() -> CustomerRef {
    CustomerRef {
        ar_division_no: "01".into(),
        customer_no: "ABF".into(),
    }
}

/// A finding in a table of what is decided.
pub(super) fn letter(finding: &Finding) -> char {
    match finding {
        Finding::Ours { .. } => 'O',
        Finding::Foreign { .. } => 'F',
        Finding::Partial { .. } => 'P',
        Finding::Unclear { .. } => 'U',
        Finding::Absent => 'A',
        Finding::Removed { .. } => 'R',
    }
}

/// An order of that customer with these items and quantities.
pub(super) fn planned(po: &str, lines: &[(&str, i64)]) -> OrderWrite {
    OrderWrite {
        customer: CustomerSource::Known(customer()),
        ship_to: None,
        order_type: OrderType::Standard,
        customer_po_no: po.into(),
        order_date: None,
        header: Vec::new(),
        lines: lines
            .iter()
            .map(|(item, quantity)| LineWrite {
                place: None,
                field: String::new(),
                item_code: (*item).into(),
                quantity: Decimal::new(*quantity, 0),
                settings: Vec::new(),
                price: LinePrice::Sage {
                    web: None,
                    tolerance: Decimal::zero(6),
                },
                discount_percent: None,
            })
            .collect(),
        closing: Vec::new(),
        checks: OrderChecks::default(),
        made_from: String::new(),
    }
}

fn order() -> OrderWrite {
    planned("WEB1", &[("A", 2), ("A", 3), ("/C", 1)])
}

fn sighted() -> SightedOrder {
    let line = |item: &str, kind: &str, quantity: i64, cents: i64| SightedLine {
        item_code: item.into(),
        alias_item_no: String::new(),
        item_type: kind.into(),
        quantity: Decimal::new(quantity, 0),
        extension: Some(Decimal::new(cents, 2)),
    };
    SightedOrder {
        marker: Some("mark".into()),
        ar_division_no: "01".into(),
        customer_no: "ABF".into(),
        customer_po_no: "WEB1".into(),
        created_by: "WEB".into(),
        created: Some(Stamp::parse(DAY, "10.5").unwrap()),
        lines: Some(vec![
            line("A", "1", 3, 300),
            line("A", "1", 2, 200),
            line("/C", "4", 0, 0),
        ]),
        totals: Totals::new(),
        is_deleted: false,
    }
}

/// Judged as an open order, after a change.
fn judge(change: impl FnOnce(&mut SightedOrder)) -> Finding {
    let mut open = sighted();
    change(&mut open);
    judge_all(
        Sightings {
            open: Some(open),
            ..Sightings::default()
        },
        Some("WEB"),
    )
}

fn judge_all(sightings: Sightings, user_key: Option<&str>) -> Finding {
    let order = order();
    let expected = Expected {
        order: &order,
        customer: &customer(),
        marker: "mark",
        user_key,
        since: Stamp::parse(DAY, "10").unwrap(),
        extension: Some(Decimal::new(500, 2)),
    };
    classify(&expected, &sightings)
}

fn is_ours(finding: &Finding) -> bool {
    matches!(finding, Finding::Ours { .. })
}

#[test]
fn our_mark_decides_where_there_is_one() {
    assert!(is_ours(&judge(|_| {})));
    assert!(is_ours(&judge(|o| o.customer_po_no = "edited since".into())));
    assert!(is_ours(&judge(|o| o.created_by = "SUE".into())));
    assert!(matches!(
        judge(|o| o.marker = Some("another".into())),
        Finding::Foreign { .. }
    ));
    assert!(matches!(
        judge(|o| {
            o.marker = Some(String::new());
            o.created_by = "SUE".into();
        }),
        Finding::Foreign { .. }
    ));
    assert!(matches!(
        judge(|o| o.marker = Some(String::new())),
        Finding::Unclear { .. }
    ));
}

#[test]
fn without_the_column_everything_else_must_agree() {
    let plain = |change: &dyn Fn(&mut SightedOrder)| {
        judge(|o| {
            o.marker = None;
            change(o);
        })
    };
    assert!(is_ours(&plain(&|_| {})));
    assert!(matches!(
        plain(&|o| o.created_by = "SUE".into()),
        Finding::Foreign { .. }
    ));
    assert!(matches!(
        plain(&|o| o.created = Some(Stamp::parse(DAY, "9.9").unwrap())),
        Finding::Unclear { .. }
    ));
    assert!(matches!(plain(&|o| o.created = None), Finding::Unclear { .. }));
    assert!(matches!(
        plain(&|o| o.customer_no = "ELSE".into()),
        Finding::Unclear { .. }
    ));
    assert!(matches!(
        plain(&|o| o.customer_po_no = "ELSE".into()),
        Finding::Unclear { .. }
    ));
    assert!(matches!(plain(&|o| o.lines = None), Finding::Unclear { .. }));
    let one_more = |o: &mut SightedOrder| {
        let lines = o.lines.as_mut().unwrap();
        lines.push(lines[0].clone());
    };
    assert!(matches!(plain(&one_more), Finding::Unclear { .. }));
    assert!(
        is_ours(&judge(one_more)),
        "with our mark a clerk's line is no harm"
    );
    let unknown_user = |customer: &str| {
        let open = SightedOrder {
            marker: None,
            customer_no: customer.into(),
            ..sighted()
        };
        judge_all(
            Sightings {
                open: Some(open),
                ..Sightings::default()
            },
            None,
        )
    };
    assert!(matches!(unknown_user("ABF"), Finding::Unclear { .. }));
    assert!(matches!(unknown_user("ELSE"), Finding::Foreign { .. }));
}

#[test]
fn an_order_that_is_not_whole_is_partial() {
    assert!(matches!(
        judge(|o| o.lines = Some(Vec::new())),
        Finding::Partial { .. }
    ));
    assert!(matches!(
        judge(|o| o.lines.as_mut().unwrap()[0].quantity = Decimal::new(9, 0)),
        Finding::Partial { .. }
    ));
    assert!(matches!(
        judge(|o| o.lines.as_mut().unwrap()[0].extension = Some(Decimal::new(1, 2))),
        Finding::Partial { .. }
    ));
}

#[test]
fn a_line_is_known_by_the_code_under_which_it_was_entered() {
    assert!(is_ours(&judge(|o| {
        for line in o.lines.as_mut().unwrap() {
            line.alias_item_no = std::mem::replace(&mut line.item_code, "Z".into());
        }
    })));
}

#[test]
fn an_order_is_followed_into_history_and_invoices() {
    let history = |is_deleted| Sightings {
        history: Some(SightedOrder {
            is_deleted,
            ..sighted()
        }),
        ..Sightings::default()
    };
    assert!(is_ours(&judge_all(history(false), Some("WEB"))));
    match judge_all(history(true), Some("WEB")) {
        Finding::Ours { notes, .. } => assert_eq!(notes.len(), 1),
        other => panic!("{other:?}"),
    }
    let invoice = |customer: &str, po: &str, date| SightedInvoice {
        marker: None,
        ar_division_no: "01".into(),
        customer_no: customer.into(),
        customer_po_no: po.into(),
        date: Some(date),
        totals: Totals::new(),
    };
    let judge = |invoices| {
        judge_all(
            Sightings {
                invoices,
                ..Sightings::default()
            },
            Some("WEB"),
        )
    };
    assert!(is_ours(&judge(vec![invoice("ABF", "WEB1", DAY)])));
    assert!(matches!(
        judge(vec![invoice("ABF", "ELSE", DAY)]),
        Finding::Unclear { .. }
    ));
    assert!(matches!(
        judge(vec![invoice("ELSE", "WEB1", DAY)]),
        Finding::Unclear { .. }
    ));
    let long_ago = invoice("ELSE", "OLD", Date::constant(2011, 1, 1));
    assert_eq!(judge(vec![long_ago]), Finding::Absent, "numbers come round again");
    assert_eq!(judge(Vec::new()), Finding::Absent);
}

#[test]
fn objects_and_tables_must_not_contradict_each_other() {
    let sightings = |objects| Sightings {
        objects,
        ..Sightings::default()
    };
    assert!(matches!(
        judge_all(sightings(Some(Some(sighted()))), Some("WEB")),
        Finding::Unclear { .. }
    ));
    assert_eq!(judge_all(sightings(Some(None)), Some("WEB")), Finding::Absent);
}

#[test]
fn reads_only_what_the_site_has() {
    let mut columns = Columns::new();
    let has = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    columns.insert(
        TABLES[0].into(),
        has(&["SalesOrderNo", "CustomerNo", "TaxableAmt", "UDF_OTHER"]),
    );
    columns.insert(TABLES[2].into(), has(&[]));
    columns.insert(TABLES[5].into(), has(&["SalesOrderNo", MARKER_COLUMN]));
    let rendered = |selects: Vec<(Place, sage::Select)>| -> Vec<String> {
        selects
            .iter()
            .map(|(_, s)| sage::render(s, &sage::Dialect::default()).unwrap())
            .collect()
    };
    assert_eq!(
        rendered(order_selects("0000101", &columns)),
        [
            "SELECT SalesOrderNo, CustomerNo, TaxableAmt FROM SO_SalesOrderHeader WHERE SalesOrderNo = '0000101'"
        ]
    );
    assert_eq!(
        rendered(invoice_selects("0000101", &columns)),
        [
            "SELECT SalesOrderNo, UDF_ERP_DRIVER_ID FROM AR_InvoiceHistoryHeader WHERE SalesOrderNo = '0000101'"
        ]
    );
}

#[test]
fn rows_become_sightings() {
    let mut header = Row::default();
    header.put("CustomerNo", Field::Text("ABF  ".into()));
    header.put("DateCreated", Field::Date(Some(DAY)));
    header.put("TimeCreated", Field::Text("noon".into()));
    for (column, cents) in [
        ("TaxableAmt", 860_000),
        ("NonTaxableAmt", 0),
        ("FreightAmt", 0),
        ("DiscountAmt", 86_000),
        ("SalesTaxAmt", 11_610),
    ] {
        header.put(column, Field::Number(Decimal::new(cents, 2)));
    }
    let line = |kit: &str| {
        let mut row = Row::default();
        row.put("ItemCode", Field::Text("A".into()));
        row.put("SalesKitLineKey", Field::Text(kit.into()));
        row.put("QuantityOrdered", Field::Number(Decimal::new(2, 0)));
        row
    };
    let rows = [
        (Place::Open, vec![header]),
        (Place::OpenLines, vec![line(""), line("000001")]),
    ]
    .into();
    let open = Sightings::from_rows(&rows).open.unwrap();
    assert_eq!((open.customer_no.as_str(), open.marker), ("ABF", None));
    assert_eq!(
        open.created,
        Some(Stamp::parse(DAY, "24").unwrap()),
        "an odd time does not make an order older"
    );
    assert_eq!(open.totals["order_total"].to_string(), "7856.10");
    assert_eq!(
        open.lines.unwrap().len(),
        1,
        "components of a kit are not what was sent"
    );
}

#[test]
fn a_torn_order_that_was_deleted_is_told_apart_from_one_that_stands() {
    let torn = |is_deleted| SightedOrder {
        lines: Some(Vec::new()),
        is_deleted,
        ..sighted()
    };
    let in_history = |is_deleted| {
        let history = Some(torn(is_deleted));
        judge_all(
            Sightings {
                history,
                ..Sightings::default()
            },
            Some("WEB"),
        )
    };
    assert!(matches!(judge(|o| *o = torn(false)), Finding::Partial { .. }));
    assert!(matches!(in_history(false), Finding::Partial { .. }));
    let finding = in_history(true);
    assert!(
        matches!(&finding, Finding::Removed { was } if matches!(**was, Finding::Partial { .. })),
        "{finding:?}"
    );
}
