//! Lines of orders.

use serde_json::json;
use values::Decimal;

use super::books::item;
use super::{Case, good_order, has, line_with, order_of, order_with, words};
use crate::plan::LinePrice;
use crate::settings::PricePolicy;

#[test]
fn each_wrong_line_is_refused_by_name() {
    for (change, code, field) in [
        (json!({"item_code": "NONE"}), "item_unknown", "lines[0].item_code"),
        (
            json!({"item_code": "/NONE"}),
            "item_unknown",
            "lines[0].item_code",
        ),
        (
            json!({"warehouse_code": "002"}),
            "item_not_in_warehouse",
            "lines[0].warehouse_code",
        ),
        (
            json!({"unit_of_measure": "TON"}),
            "unit_unknown",
            "lines[0].unit_of_measure",
        ),
        (
            json!({"quantity_ordered": "100000000", "unit_price": null}),
            "number_too_large",
            "lines[0].quantity_ordered",
        ),
        (
            json!({"quantity_ordered": "2000", "unit_price": "90000000"}),
            "number_too_large",
            "lines[0].quantity_ordered",
        ),
        (
            json!({"item_code_desc": "x".repeat(31)}),
            "too_long",
            "lines[0].item_code_desc",
        ),
        (
            json!({"comment_text": "wrap \u{1f381}"}),
            "not_representable",
            "lines[0].comment_text",
        ),
        (
            json!({"udf": {"nothing": "1"}}),
            "udf_unknown",
            "lines[0].udf.nothing",
        ),
        (
            json!({"udf": {"holes": "two"}}),
            "udf_not_number",
            "lines[0].udf.holes",
        ),
        (
            json!({"udf": {"holes": "2.125"}}),
            "udf_not_number",
            "lines[0].udf.holes",
        ),
        (
            json!({"udf": {"holes": "1000000000"}}),
            "number_too_large",
            "lines[0].udf.holes",
        ),
    ] {
        Case::order(line_with(change)).refuses(code, field);
    }
    let found = Case::order(line_with(json!({"warehouse_code": "999"}))).refused();
    let once = (
        String::from("warehouse_unknown"),
        String::from("lines[0].warehouse_code"),
    );
    assert_eq!(found, [once]);
    // Zero and negative quantities are seen before Sage's tables are asked.
    for quantity in ["0", "-1"] {
        let found = Case::order(line_with(json!({"quantity_ordered": quantity}))).refused();
        assert_eq!(
            found,
            [("out_of_range".to_owned(), "lines[0].quantity_ordered".to_owned())]
        );
    }
}

#[test]
fn what_a_line_may_bring() {
    let plan = Case::order(line_with(json!({
        "quantity_ordered": "1.5", "unit_of_measure": "BOX", "item_code_desc": "Desk, oak", "comment_text": "two\nlines",
        "promise_date": "2026-06-01", "drop_ship": true, "udf": {"engrave": "H", "holes": "2.5"}, "line_discount_percent": "5",
    })))
    .ready();
    let line = &order_of(&plan).lines[0];
    has(
        &line.settings,
        &[
            "UnitOfMeasure$=BOX",
            "ItemCodeDesc$=Desk, oak",
            "CommentText$=two\nlines",
            "PromiseDate$=20260601",
            "DropShip$=Y",
            "UDF_ENGRAVE$=H",
            "UDF_HOLES=2.50",
        ],
    );
    assert_eq!(line.quantity, Decimal::new(1_500_000, 6));
    assert_eq!(line.discount_percent, Some(Decimal::new(5_000, 3)));
    assert_eq!(line.place, Some(0));
}

#[test]
fn items_that_are_not_sold() {
    Case::order(good_order())
        .with(|books| books.item_mut("DESK").is_inactive = true)
        .refuses("item_inactive", "lines[0].item_code");
    Case::order(good_order())
        .with(|books| {
            let columns = &mut books.item_mut("DESK").columns;
            columns.insert("use_in_so".into(), "N".into());
        })
        .refuses("item_not_sold", "lines[0].item_code");
    let discontinued = |available: i64| {
        Case::order(good_order()).with(move |books| {
            let mut facts = item(available);
            facts.product_type = String::from("D");
            books.items.insert("DESK".into(), facts);
        })
    };
    assert_eq!(discontinued(2).ready().warnings.len(), 1);
    discontinued(1).holds("item_discontinued", "lines[0].item_code");
    discontinued(1).accept("item_discontinued").ready();
}

#[test]
fn a_quantity_of_seven_digits_is_asked_about() {
    let large = || {
        Case::order(line_with(
            json!({"quantity_ordered": "1000000", "unit_price": "0.01"}),
        ))
    };
    large().holds("quantity_large", "lines[0].quantity_ordered");
    large().accept("quantity_large").ready();
    Case::order(line_with(
        json!({"quantity_ordered": "999999", "unit_price": "0.01"}),
    ))
    .ready();
}

#[test]
fn kits_go_as_the_site_has_proven() {
    let kit = |explode: &str| {
        let explode = explode.to_owned();
        Case::order(good_order()).with(|books| {
            let facts = books.item_mut("DESK");
            facts.product_type = String::from("K");
            facts.explode_kit_items = explode;
        })
    };
    kit("P").refuses("kit_prompts", "lines[0].item_code");
    kit("P")
        .set(|settings| settings.capabilities.prompting_kits = true)
        .ready();
    kit("A").holds("kit_unproven", "lines[0].item_code");
    kit("A").accept("kit_unproven").ready();
    kit("A")
        .set(|settings| settings.capabilities.kits_explode = true)
        .ready();
    kit("N").ready();
}

#[test]
fn comments_charges_and_special_items() {
    let lines = |line: serde_json::Value| Case::order(order_with(json!({"lines": [line]})));
    lines(json!({"item_code": "/C"})).refuses("required", "lines[0].comment_text");
    lines(json!({"item_code": "/C", "comment_text": "Gift wrap"})).ready();
    lines(json!({"item_code": "/C", "comment_text": "Gift wrap", "unit_price": "3"}))
        .refuses("contradiction", "lines[0].unit_price");
    lines(json!({"item_code": "/FREIGHT"})).refuses("required", "lines[0].unit_price");
    let plan = lines(json!({"item_code": "/FREIGHT", "unit_price": "-12.00"})).ready();
    let line = &order_of(&plan).lines[0];
    assert_eq!(line.price, LinePrice::Web(Decimal::new(-12_000_000, 6)));
    assert_eq!(line.quantity, Decimal::new(1_000_000, 6));
    let plan = lines(json!({"item_code": "/SERVICE"})).ready();
    assert!(matches!(
        order_of(&plan).lines[0].price,
        LinePrice::Sage { web: None, .. }
    ));
    let found = lines(json!({"item_code": "*CUSTOM", "quantity_ordered": "1"})).refused();
    assert_eq!(found.len(), 2, "{found:?}");
    let plan = lines(json!({"item_code": "*CUSTOM", "quantity_ordered": "1", "item_code_desc": "Sign", "unit_price": "40"}))
        .ready();
    assert!(matches!(order_of(&plan).lines[0].price, LinePrice::Web(_)));
}

#[test]
fn the_same_item_twice_stays_two_lines() {
    let line = json!({"item_code": "DESK", "quantity_ordered": "1"});
    let plan = Case::order(order_with(json!({"lines": [line, line]}))).ready();
    assert_eq!(order_of(&plan).lines.len(), 2);
}

#[test]
fn an_alternate_is_taken_when_the_item_is_short() {
    let lamp =
        |quantity: &str| json!({"item_code": "LAMP", "quantity_ordered": quantity, "take_alternate": true});
    let case = |lines: serde_json::Value| {
        Case::order(order_with(json!({"lines": lines}))).with(|books| {
            books.items.insert("LAMP-OLD".into(), {
                let mut facts = item(50);
                facts.is_inactive = true;
                facts
            });
            books.items.insert("LAMP-B".into(), item(0));
            books.items.insert("LAMP-C".into(), item(10));
            books.alternates = ["LAMP-OLD", "GONE", "LAMP-B", "LAMP-C"]
                .map(String::from)
                .to_vec();
        })
    };
    let items = |plan: &crate::plan::Plan| {
        order_of(plan)
            .lines
            .iter()
            .map(|line| line.item_code.clone())
            .collect::<Vec<_>>()
    };
    let plan = case(json!([lamp("3")])).ready();
    assert_eq!(items(&plan), ["LAMP"]);
    let plan = case(json!([lamp("4")])).ready();
    assert_eq!(items(&plan), ["LAMP-C"]);
    assert!(plan.warnings[0].contains("LAMP-C"), "{:?}", plan.warnings);
    // What the lines before take counts.
    let plan = case(json!([lamp("2"), lamp("2"), lamp("9")])).ready();
    assert_eq!(items(&plan), ["LAMP", "LAMP-C", "LAMP"]);
    assert!(
        plan.warnings
            .iter()
            .any(|w| w.contains("no alternate is in stock"))
    );
    let mut elsewhere = item(100);
    elsewhere.warehouses = vec!["001".into()];
    let mut here = lamp("4");
    here["warehouse_code"] = json!("000");
    let plan = case(json!([here]))
        .with(|books| {
            books.items.insert("LAMP-B".into(), elsewhere);
        })
        .ready();
    assert_eq!(items(&plan), ["LAMP-C"]);
    let mut without = lamp("4");
    without["take_alternate"] = json!(false);
    assert_eq!(items(&case(json!([without])).ready()), ["LAMP"]);
    let mut described = lamp("4");
    described["item_code_desc"] = json!("The old lamp");
    let plan = case(json!([described])).ready();
    assert_eq!(words(&order_of(&plan).lines[0].settings), Vec::<String>::new());
}

#[test]
fn whose_price_is_the_sites_choice() {
    let price = |policy, body| {
        let plan = Case::order(body)
            .set(|settings| settings.orders.price = policy)
            .ready();
        order_of(&plan).lines[0].price
    };
    let web = Decimal::new(79_500_000, 6);
    assert!(
        matches!(price(PricePolicy::Sage, good_order()), LinePrice::Sage { web: Some(w), .. } if w == web)
    );
    assert!(matches!(
        price(PricePolicy::WebWithinTolerance, good_order()),
        LinePrice::WebWithin { web: w, .. } if w == web
    ));
    assert_eq!(price(PricePolicy::Web, good_order()), LinePrice::Web(web));
    assert!(matches!(
        price(PricePolicy::Web, line_with(json!({"unit_price": null}))),
        LinePrice::Sage { web: None, .. }
    ));
}
