//! Orders of every kind: lines, prices, what is compared, and looking ahead.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it does not expect"
)]

mod site;
mod tables;

use std::collections::BTreeMap;

use import::plan::{LinePrice, OrderWrite, Setting, Write};
use import::read_back::{Expected, Finding, Sightings, classify, order_selects};
use import::writing::{Answer, Entry, next_number};
use model::PricedLine;
use model::{CustomerRef, OrderType, Totals};
use sandbox::objects::{DEFAULT_USER_KEY, Engine};
use values::Stamp;

use site::{Site, TODAY, enter_it, line, number, order, preview_it, told};

struct Done {
    totals: Totals,
    lines: Vec<PricedLine>,
    warnings: Vec<String>,
}

fn entered(entry: Entry) -> Done {
    match entry {
        Entry::Entered {
            totals,
            lines,
            warnings,
            ..
        } => Done {
            totals,
            lines,
            warnings,
        },
        other => panic!("{other:?}"),
    }
}

fn holds(entry: Entry) -> Vec<model::Problem> {
    match entry {
        Entry::Held { problems, .. } => problems,
        other => panic!("{other:?}"),
    }
}

fn enter_one(site: &Site, engine: &mut Engine, write: &Write) -> (String, Entry) {
    let number = match next_number(engine, write).unwrap() {
        Answer::Given(number) => number,
        other => panic!("{other:?}"),
    };
    site.set("duplicate_po", "accept");
    let (entry, _) = enter_it(engine, &number, write);
    (number, entry)
}

/// The text of a column, of the header or of the line with this item.
fn stored(site: &Site, number: &str, item: Option<&str>, column: &str) -> String {
    let (table, item) = match item {
        Some(item) => ("SO_SalesOrderDetail", format!("AND ItemCode = '{item}'")),
        None => ("SO_SalesOrderHeader", String::new()),
    };
    site.database()
        .query_row(
            &format!("SELECT CAST({column} AS TEXT) FROM {table} WHERE SalesOrderNo = '{number}' {item}"),
            [],
            |row| row.get(0),
        )
        .unwrap()
}

fn web(price: &str) -> LinePrice {
    LinePrice::Web(number(price))
}

#[test]
fn every_kind_of_line() {
    let site = Site::new();
    site.sql(
        "INSERT INTO CI_Item (ItemCode, ItemType, ItemCodeDesc, TaxClass, StandardUnitPrice, SalesUnitOfMeasure, StandardUnitOfMeasure, SalesUMConvFctr) VALUES
           ('/COUPON', '3', 'COUPON', 'NT', '0', '', '', '0'), ('/GIFTWRAP', '5', 'GIFT WRAP', 'NT', '4.000000', 'EACH', 'EACH', '1');
         INSERT INTO IM_AliasItem (ItemCode, AliasItemNo) VALUES ('1001-HON-H254', 'FILE4')",
    );
    let write = order(|order| {
        order.lines = vec![
            line(0, "1001-HON-H252", "3"),
            line(1, "FILE4", "2"),
            line(2, "/C", "1"),
            line(3, "/COUPON", "2"),
            line(4, "/GIFTWRAP", "2"),
            line(5, "*ENGRAVING", "2"),
        ];
        order.lines[1].discount_percent = Some(number("10"));
        order.lines[3].price = LinePrice::Sage {
            web: Some(number("-2.5")),
            tolerance: number("0.01"),
        };
        order.lines[5].settings = vec![Setting::text(
            "ItemCodeDesc",
            "Engraving",
            "lines[5].item_code_desc",
        )];
        order.lines[5].price = LinePrice::Sage {
            web: Some(number("7")),
            tolerance: number("0.01"),
        };
    });
    let mut engine = site.session(&write);
    let (number_, entry) = enter_one(&site, &mut engine, &write);
    let done = entered(entry);
    let amounts: Vec<_> = done
        .lines
        .iter()
        .map(|line| {
            let text = |amount: Option<values::Decimal>| amount.map(|a| a.rescale(2).unwrap().to_string());
            (
                line.item_code.as_str(),
                text(line.unit_price),
                text(line.extension_amt),
            )
        })
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        amounts,
        [
            ("1001-HON-H252", some("79.50"), some("238.50")),
            ("FILE4", some("117.90"), some("212.22")),
            ("/C", None, None),
            ("/COUPON", None, some("-5.00")),
            ("/GIFTWRAP", some("4.00"), some("8.00")),
            ("*ENGRAVING", some("7.00"), some("14.00")),
        ]
    );
    assert_eq!(done.warnings, Vec::<String>::new());
    assert_eq!(
        stored(&site, &number_, Some("1001-HON-H254"), "AliasItemNo"),
        "FILE4"
    );
}

#[test]
fn a_kit_and_an_alias_are_found_again_as_the_lines_that_were_sent() {
    let site = Site::new();
    site.sql(
        "INSERT INTO CI_Item (ItemCode, ItemType, ProductType, ExplodeKitItems, ItemCodeDesc, TaxClass, StandardUnitPrice, SalesUnitOfMeasure, StandardUnitOfMeasure, SalesUMConvFctr) VALUES
           ('DESK-SET', '1', 'K', 'A', 'DESK SET', 'NT', '300.000000', 'EACH', 'EACH', '1');
         INSERT INTO IM_SalesKitDetail (SalesKitNo, LineKey, ComponentItemCode, ItemType, QuantityPerAssembly) VALUES
           ('DESK-SET', '000001', '1001-HON-H252', '1', '2.000000'), ('DESK-SET', '000002', '1001-HON-H254', '1', '1.000000');
         INSERT INTO IM_AliasItem (ItemCode, AliasItemNo) VALUES ('1001-HON-H254', 'FILE4')",
    );
    let write = order(|order| {
        order.lines = vec![line(0, "DESK-SET", "2"), line(1, "FILE4", "1")];
    });
    let mut engine = site.session(&write);
    let (number_, entry) = enter_one(&site, &mut engine, &write);
    let Entry::Entered { extension, lines, .. } = entry else {
        panic!("{entry:?}")
    };
    assert_eq!(lines.len(), 2);
    assert_eq!(extension.unwrap().to_string(), "717.90");
    let stored: u32 = site
        .database()
        .query_row(
            "SELECT count(*) FROM SO_SalesOrderDetail WHERE SalesOrderNo = ?",
            [&number_],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(stored, 4, "the kit's components are lines in Sage");
    let rows = tables::read(&site, order_selects(&number_, &tables::columns(&site)));
    let Write::SalesOrder(planned) = &write else {
        panic!("{write:?}")
    };
    let expected = Expected {
        order: planned,
        customer: &CustomerRef {
            ar_division_no: "01".into(),
            customer_no: "ABF".into(),
        },
        marker: "mark",
        user_key: Some(DEFAULT_USER_KEY),
        since: Stamp::start_of(TODAY),
        extension,
    };
    let found = classify(&expected, &Sightings::from_rows(&rows));
    assert!(matches!(found, Finding::Ours { .. }), "{found:?}");
}

#[test]
fn whose_price_a_line_gets() {
    let site = Site::new();
    let tolerance = number("0.5");
    let at = |price: LinePrice| {
        order(|order: &mut OrderWrite| {
            order.lines = vec![line(0, "1001-HON-H252", "2")];
            order.lines[0].price = price;
        })
    };
    let mut engine = site.session(&at(web("1")));
    // The price asked for; what Sage keeps, whether it is overridden, and warnings.
    for (price, kept, overridden, warnings) in [
        (LinePrice::Sage { web: None, tolerance }, "79.50", "N", 0),
        (
            LinePrice::Sage {
                web: Some(number("79.9")),
                tolerance,
            },
            "79.50",
            "N",
            0,
        ),
        (
            LinePrice::Sage {
                web: Some(number("70")),
                tolerance,
            },
            "79.50",
            "N",
            1,
        ),
        (
            LinePrice::WebWithin {
                web: number("79.5"),
                tolerance,
            },
            "79.50",
            "N",
            0,
        ),
        (
            LinePrice::WebWithin {
                web: number("80"),
                tolerance,
            },
            "80.00",
            "Y",
            0,
        ),
        (web("12.34"), "12.34", "Y", 0),
    ] {
        let (number_, entry) = enter_one(&site, &mut engine, &at(price));
        let done = entered(entry);
        let unit_price = done.lines[0].unit_price.unwrap().rescale(2).unwrap();
        assert_eq!(unit_price.to_string(), kept, "{price:?}");
        assert_eq!(done.warnings.len(), warnings, "{price:?}: {:?}", done.warnings);
        let flag = stored(&site, &number_, Some("1001-HON-H252"), "PriceOverridden");
        assert_eq!(flag == "Y", overridden == "Y", "{price:?}");
    }
}

#[test]
fn prices_too_far_off_are_held_together_and_can_be_accepted() {
    let site = Site::new();
    let far = |accepted: &[&str]| {
        order(|order| {
            for line in &mut order.lines[..2] {
                line.price = LinePrice::WebWithin {
                    web: number("50"),
                    tolerance: number("0.5"),
                };
            }
            order.checks.accepted = accepted.iter().map(|code| (*code).to_owned()).collect();
        })
    };
    let mut engine = site.session(&far(&[]));
    let before = site.rows();
    let problems = holds(enter_it(&mut engine, "0000185", &far(&["tax_differs"])).0);
    assert_eq!(
        told(&problems),
        [
            ("lines[0].unit_price", "price_differs"),
            ("lines[1].unit_price", "price_differs")
        ]
    );
    assert_eq!(problems[0].value, "50.000000");
    assert!(problems[0].message.contains("79.5"), "{problems:?}");
    assert_eq!(site.rows(), before);
    let done = entered(enter_it(&mut engine, "0000185", &far(&["price_differs"])).0);
    assert_eq!(done.lines[1].extension_amt, Some(number("50")));
    assert_eq!(done.warnings.len(), 2, "{:?}", done.warnings);
}

/// An order of 159.00 with 1.5 % tax: 161.39.
fn taxed(change: impl FnOnce(&mut OrderWrite)) -> Write {
    order(|order| {
        order.ship_to = None;
        order.lines = vec![line(0, "1001-HON-H252", "2")];
        // The demo customer's own discount is out of the way.
        order.closing = vec![Setting::number("DiscountRate", number("0"), "discount_rate")];
        change(order);
    })
}

#[test]
fn tax_and_total_are_compared_before_the_write() {
    let site = Site::new();
    let expecting = |tax: &str, total: &str, hold: bool, accepted: &[&str]| {
        taxed(|order| {
            order.checks.sales_tax_amt = Some(number(tax));
            order.checks.order_total = Some(number(total));
            order.checks.captured_amt = Some(number(total));
            order.checks.hold = hold;
            order.checks.accepted = accepted.iter().map(|code| (*code).to_owned()).collect();
        })
    };
    let mut engine = site.session(&taxed(|_| {}));
    let (_, entry) = enter_one(&site, &mut engine, &expecting("2.40", "161.40", true, &[]));
    let done = entered(entry);
    assert_eq!(done.totals["sales_tax_amt"].to_string(), "2.39");
    assert_eq!(done.totals["order_total"].to_string(), "161.39");
    assert_eq!(done.warnings, Vec::<String>::new(), "that is rounding");

    let (number_, entry) = enter_one(&site, &mut engine, &expecting("9.00", "168.00", true, &[]));
    assert_eq!(
        told(&holds(entry)),
        [
            ("expected.sales_tax_amt", "tax_differs"),
            ("expected.order_total", "total_differs"),
            ("payment.amount", "total_differs"),
        ]
    );
    let (entry, _) = enter_it(
        &mut engine,
        &number_,
        &expecting("9.00", "168.00", true, &["tax_differs"]),
    );
    assert_eq!(holds(entry).len(), 2, "the total was not accepted");
    for write in [
        expecting("9.00", "168.00", true, &["tax_differs", "total_differs"]),
        expecting("9.00", "168.00", false, &[]),
    ] {
        let (_, entry) = enter_one(&site, &mut engine, &write);
        let done = entered(entry);
        assert_eq!(done.warnings.len(), 3, "{:?}", done.warnings);
        assert_eq!(done.totals["order_total"].to_string(), "161.39");
    }
}

#[test]
fn tax_that_comes_with_the_write_is_compared_after_it() {
    let site = Site::new();
    site.set("tax_timing", "after_write");
    let expecting = |tax: &str, total: &str| {
        taxed(|order| {
            order.checks.sales_tax_amt = Some(number(tax));
            order.checks.order_total = Some(number(total));
            order.checks.hold = true;
        })
    };
    let mut engine = site.session(&taxed(|_| {}));
    let (_, entry) = enter_one(&site, &mut engine, &expecting("2.39", "161.39"));
    let done = entered(entry);
    assert_eq!(done.warnings, Vec::<String>::new());
    assert_eq!(done.totals["order_total"].to_string(), "161.39", "as stored");
    let (_, entry) = enter_one(&site, &mut engine, &expecting("9.00", "168.00"));
    assert_eq!(entered(entry).warnings.len(), 2, "too late to hold it");
    let (_, entry) = enter_one(&site, &mut engine, &expecting("2.39", "171.39"));
    assert_eq!(
        told(&holds(entry)),
        [("expected.order_total", "total_differs")],
        "what it comes to without tax is known before"
    );
}

#[test]
fn quotes_and_what_is_set_last() {
    let site = Site::new();
    let write = order(|order| {
        order.order_type = OrderType::Quote;
        order.order_date = None;
        order.closing = vec![
            Setting::number("DiscountAmt", number("9"), "discount_amt"),
            Setting::number("FreightAmt", number("12.5"), "freight_amt"),
            Setting::text("OrderStatus", "H", "hold"),
        ];
    });
    let mut engine = site.session(&write);
    let (number_, entry) = enter_one(&site, &mut engine, &write);
    let done = entered(entry);
    assert_eq!(done.totals["discount_amt"].to_string(), "9.00");
    assert_eq!(done.totals["freight_amt"].to_string(), "12.50");
    for (column, wanted) in [
        ("OrderType", "Q"),
        ("OrderStatus", "H"),
        ("OrderDate", "2026-05-06"),
    ] {
        assert_eq!(stored(&site, &number_, None, column), wanted);
    }
}

#[test]
fn looking_ahead_leaves_nothing() {
    let site = Site::new();
    let write = order(|order| {
        order.closing = vec![Setting::number("FreightAmt", number("12.5"), "freight_amt")];
    });
    let mut engine = site.session(&write);
    assert_eq!(
        next_number(&mut engine, &write).unwrap(),
        Answer::Given("0000185".into())
    );
    let before = site.rows();
    let ahead = entered(preview_it(&mut engine, "0000185", &write));
    assert_eq!(site.rows(), before, "not a row in any table");
    let refused = order(|order| order.lines[1].item_code = "NOPE".into());
    assert!(matches!(
        preview_it(&mut engine, "0000185", &refused),
        Entry::Refused { .. }
    ));
    assert_eq!(site.rows(), before);
    // It frees its lock, and comes to what the order comes to.
    let done = entered(enter_it(&mut engine, "0000185", &write).0);
    assert_eq!(
        (done.totals, done.lines, done.warnings),
        (ahead.totals, ahead.lines, ahead.warnings)
    );
    let changed: BTreeMap<_, _> = site
        .rows()
        .into_iter()
        .filter(|(table, rows)| before.get(table) != Some(rows))
        .collect();
    assert!(changed.contains_key("SO_SalesOrderHeader"), "{changed:?}");
}
