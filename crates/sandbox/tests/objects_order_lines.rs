//! The simulated sales order: its lines, by kind of item, and kits.

mod desk;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use desk::{Fixture, decimal};
use sage::{BusinessObjects, Call, Scalar};

const PRINTED: &str =
    "SELECT ItemCode || ' ' || ExplodedKitItem || ' ' || SalesKitLineKey || ' ' || QuantityOrdered
    || ' ' || QuantityPerBill || ' ' || UnitPrice || ' ' || ExtensionAmt || ' ' || SkipPrintCompLine
    FROM SO_SalesOrderDetail WHERE SalesOrderNo = ";

#[test]
fn goods_have_a_quantity_a_price_a_unit_and_a_warehouse() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    desk.set(object, "ShipExpireDate$", "20260520");
    let lines = desk.lines(object);
    desk.line(lines, "PENS");
    desk.reads(
        lines,
        &[
            ("UnitOfMeasure$", "BOX"),
            ("UnitOfMeasureConvFactor", "12"),
            ("PromiseDate$", "20260520"),
            ("WarehouseCode$", "000"),
            ("ExplodedKitItem$", "N"),
        ],
    );
    desk.set(lines, "QuantityOrdered", "2");
    // A price of 1.00 each.
    desk.reads(lines, &[("UnitPrice", "12"), ("ExtensionAmt", "24")]);
    for (unit, factor, price) in [("EACH", "1", "1"), ("CASE", "144", "144"), ("BOX", "12", "12")] {
        desk.set(lines, "UnitOfMeasure$", unit);
        desk.reads(
            lines,
            &[("UnitOfMeasureConvFactor", factor), ("UnitPrice", price)],
        );
    }
    for unit in ["PAL", ""] {
        desk.refuses(
            lines,
            "UnitOfMeasure$",
            unit,
            &format!("The UnitOfMeasure {unit} is not valid for item PENS."),
        );
    }
    for (column, value) in [
        ("WarehouseCode$", "001"),
        ("PromiseDate$", "20260601"),
        ("ItemCodeDesc$", "BLUE PENS"),
        ("CommentText$", "Blue, please"),
        ("DropShip$", "Y"),
        ("LineDiscountPercent", "12.5"),
        ("UnitPrice", "11.5"),
        ("UDF_ENGRAVING$", "ABF"),
        ("TaxClass$", "NT"),
        ("SalesAcctKey$", "00000001A"),
    ] {
        desk.set(lines, column, value);
    }
    desk.kept(lines);
    desk.kept(object);
    let sql = format!(
        "SELECT UnitOfMeasure || ' ' || WarehouseCode || ' ' || PromiseDate || ' ' || ItemCodeDesc || ' ' || CommentText
            || ' ' || DropShip || ' ' || LineDiscountPercent || ' ' || UnitPrice || ' ' || ExtensionAmt || ' ' || UDF_ENGRAVING
            || ' ' || PriceOverridden FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}'"
    );
    // 2 × 11.50 less 12.5 % = 20.125.
    assert_eq!(
        fixture.one(&sql),
        "BOX 001 2026-06-01 BLUE PENS Blue, please Y 12.500 11.500000 20.13 ABF Y"
    );
    let stock =
        "SELECT QuantityOnSalesOrder FROM IM_ItemWarehouse WHERE ItemCode = 'PENS' AND WarehouseCode = '001'";
    assert_eq!(fixture.one(stock), "24.000000", "in standard units");
}

#[test]
fn what_a_line_does_not_take_is_refused_in_words_that_name_it() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.call(&Call::AddLine { object: lines });
    desk.not_kept(lines, "The ItemCode is required.");
    desk.refuses(
        lines,
        "QuantityOrdered",
        "1",
        "The ItemCode is required before the QuantityOrdered.",
    );
    for (item, words) in [
        ("NOTHING", "The ItemCode NOTHING is not on file."),
        ("GONE", "Item GONE is inactive."),
        ("BUYONLY", "Item BUYONLY is not used in Sales Order."),
        ("KIT-0", "Item KIT-0 is a kit without components."),
        (
            "A CODE THAT IS LONGER THAN ITS THIRTY",
            "The ItemCode is too long: at most 30 characters.",
        ),
    ] {
        desk.refuses(lines, "ItemCode$", item, words);
    }
    desk.set(lines, "ItemCode$", "1001-HON-H252");
    desk.not_kept(lines, "The QuantityOrdered is required.");
    for (column, value, words) in [
        (
            "QuantityOrdered",
            "-1",
            "The QuantityOrdered must not be negative.",
        ),
        (
            "QuantityOrdered",
            "123456789",
            "The QuantityOrdered is too large: at most 8 digits before the decimal point.",
        ),
        ("UnitPrice", "-0.01", "The UnitPrice must not be negative."),
        (
            "LineDiscountPercent",
            "100.001",
            "The LineDiscountPercent must not exceed 100.",
        ),
        (
            "LineDiscountPercent",
            "-1",
            "The LineDiscountPercent must not be negative.",
        ),
        ("ExtensionAmt", "5", "The ExtensionAmt cannot be changed."),
        (
            "UnitCost",
            "1",
            "The UnitCost can be changed on a special item only.",
        ),
        ("WarehouseCode$", "999", "The WarehouseCode 999 is not on file."),
        ("DropShip$", "X", "The DropShip X is not valid."),
        ("ExplodedKitItem$", "Y", "Item 1001-HON-H252 is not a kit."),
        ("SalesAcctKey$", "NONE", "The SalesAcctKey NONE is not on file."),
        ("LineKey$", "000009", "The LineKey cannot be changed."),
        ("QuantityShipped", "1", "The QuantityShipped cannot be changed."),
        (
            "UDF_ENGRAVING$",
            "words that are longer than the plate",
            "The UDF_ENGRAVING is too long: at most 30 characters.",
        ),
    ] {
        desk.refuses(lines, column, value, words);
    }
    desk.set(lines, "ItemCode$", "1001-HON-H254");
    desk.refuses(
        lines,
        "WarehouseCode$",
        "000",
        "Item 1001-HON-H254 is not on file in warehouse 000.",
    );
    desk.set(lines, "QuantityOrdered", "12345678");
    desk.kept(lines);
}

#[test]
fn zero_and_negative_quantities_and_prices_below_cost_are_switches() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    fixture.set("zero_quantity", "accept");
    desk.line(lines, "1001-HON-H252");
    desk.kept(lines);
    fixture.set("negative_quantity", "returns");
    desk.line(lines, "1001-HON-H252");
    desk.refuses(
        lines,
        "QuantityOrdered",
        "-1",
        "The QuantityOrdered must not be negative.",
    );
    desk.set(lines, "ItemCode$", "PENS");
    desk.set(lines, "QuantityOrdered", "-1");
    desk.reads(lines, &[("ExtensionAmt", "-12")]);
    // A box of twelve costs 4.80.
    desk.set(lines, "UnitPrice", "4.79");
    fixture.set("below_cost", "warn");
    desk.set(lines, "UnitPrice", "4.80");
    desk.warns(
        lines,
        "UnitPrice",
        "4.79",
        "The UnitPrice 4.790000 is below the cost.",
    );
    desk.reads(lines, &[("UnitPrice", "4.79")]);
    fixture.set("below_cost", "refuse");
    desk.refuses(
        lines,
        "UnitPrice",
        "4.70",
        "The UnitPrice 4.700000 is below the cost.",
    );
    fixture.set("permission:price", "N");
    desk.refuses(
        lines,
        "UnitPrice",
        "9",
        "You do not have permission to change the price.",
    );
}

#[test]
fn charges_have_an_amount_and_comments_have_words() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    let lines = desk.lines(object);
    for item in ["/FREIGHT", "/M"] {
        desk.line(lines, item);
        desk.reads(lines, &[("ItemType$", "3"), ("WarehouseCode$", "")]);
        for column in ["QuantityOrdered", "UnitPrice", "LineDiscountPercent"] {
            desk.refuses(
                lines,
                column,
                "1",
                &format!("The {column} is not used on a charge."),
            );
        }
        for column in ["UnitOfMeasure$", "WarehouseCode$"] {
            let name = column.trim_end_matches('$');
            desk.refuses(
                lines,
                column,
                "000",
                &format!("The {name} is not used on a charge."),
            );
        }
        desk.set(lines, "ItemCodeDesc$", "CARRIAGE");
        desk.set(lines, "ExtensionAmt", "12.34");
        desk.kept(lines);
    }
    desk.line(lines, "/FREIGHT");
    desk.set(lines, "ExtensionAmt", "-2");
    fixture.set("negative_charges", "N");
    desk.refuses(
        lines,
        "ExtensionAmt",
        "-3",
        "The ExtensionAmt must not be negative.",
    );
    desk.kept(lines);
    desk.reads(object, &[("NonTaxableAmt", "22.68")]);
    for item in ["/C", "/THANKS"] {
        fixture
            .db()
            .execute_batch("INSERT OR IGNORE INTO CI_Item (ItemCode, ItemType) VALUES ('/THANKS', '4')")
            .unwrap();
        desk.line(lines, item);
        for column in ["QuantityOrdered", "UnitPrice", "ExtensionAmt"] {
            desk.refuses(
                lines,
                column,
                "1",
                &format!("The {column} is not used on a comment."),
            );
        }
        desk.set(lines, "CommentText$", "Leave at the back door. Ring twice.");
        desk.kept(lines);
    }
    desk.line(lines, "/SETUP");
    desk.reads(
        lines,
        &[
            ("ItemType$", "5"),
            ("UnitOfMeasure$", "EACH"),
            ("WarehouseCode$", ""),
        ],
    );
    desk.refuses(
        lines,
        "WarehouseCode$",
        "000",
        "The WarehouseCode is not used on a miscellaneous item.",
    );
    desk.set(lines, "QuantityOrdered", "2");
    desk.set(lines, "UnitPrice", "90");
    desk.kept(lines);
    desk.kept(object);
    let kept = fixture.all(&format!(
        "SELECT ItemCode || ' ' || ItemType || ' ' || ExtensionAmt || ' ' || CommentText FROM SO_SalesOrderDetail
         WHERE SalesOrderNo = '{number}' ORDER BY LineSeqNo"
    ));
    assert_eq!(
        kept,
        [
            "/FREIGHT 3 12.34 ",
            "/M 3 12.34 ",
            "/FREIGHT 3 -2.00 ",
            "/C 4 0.00 Leave at the back door. Ring twice.",
            "/THANKS 4 0.00 Leave at the back door. Ring twice.",
            "/SETUP 5 180.00 ",
        ]
    );
}

#[test]
fn a_comment_needs_no_item_on_file() {
    let fixture = Fixture::new();
    fixture
        .db()
        .execute_batch("DELETE FROM CI_Item WHERE ItemCode = '/C'")
        .unwrap();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "/C");
    desk.reads(lines, &[("ItemType$", "4"), ("ExtensionAmt", "0")]);
    desk.set(lines, "CommentText$", "Thank you");
    desk.kept(lines);
}

#[test]
fn special_items_are_described_and_priced_on_the_line() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("ABF");
    let lines = desk.lines(object);
    desk.line(lines, "*OAK DOOR");
    desk.reads(
        lines,
        &[
            ("ItemType$", "2"),
            ("UnitOfMeasure$", "EACH"),
            ("TaxClass$", "TX"),
            ("UnitPrice", "0"),
        ],
    );
    desk.set(lines, "QuantityOrdered", "3");
    desk.not_kept(lines, "The ItemCodeDesc is required.");
    desk.set(lines, "ItemCodeDesc$", "OAK DOOR, MADE TO MEASURE");
    desk.set(lines, "UnitOfMeasure$", "PAIR");
    desk.set(lines, "UnitPrice", "400");
    desk.set(lines, "UnitCost", "250");
    desk.reads(lines, &[("ExtensionAmt", "1200"), ("CostOverridden$", "Y")]);
    desk.kept(lines);
    desk.reads(object, &[("TaxableAmt", "1200")]);
    fixture.set("special_items", "N");
    desk.call(&Call::AddLine { object: lines });
    desk.refuses(lines, "ItemCode$", "*ANY", "Special items are not allowed.");
    desk.refuses(lines, "ItemCode$", "*", "The ItemCode * is not on file.");
}

#[test]
fn an_alias_stands_for_the_customers_item_before_everybodys() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    for (customer, item) in [("PLAIN", "1001-HON-H252"), ("ABF", "1001-HON-H254")] {
        let (object, _) = desk.order(customer);
        let lines = desk.lines(object);
        desk.line(lines, "CABINET");
        desk.reads(lines, &[("ItemCode$", item), ("AliasItemNo$", "CABINET")]);
    }
}

#[test]
fn an_item_that_only_its_own_warehouse_holds_is_taken_from_there() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "1001-HON-H254");
    desk.reads(lines, &[("WarehouseCode$", "000")]);
    fixture
        .db()
        .execute_batch("UPDATE CI_Item SET DefaultWarehouseCode = '001' WHERE ItemCode LIKE '1001%'")
        .unwrap();
    desk.line(lines, "1001-HON-H254");
    desk.reads(lines, &[("WarehouseCode$", "001")]);
    desk.line(lines, "1001-HON-H252");
    desk.reads(lines, &[("WarehouseCode$", "000")]);
}

#[test]
fn another_item_on_a_line_leaves_nothing_of_the_first() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "1001-HON-H252");
    desk.set(lines, "QuantityOrdered", "5");
    desk.set(lines, "LineDiscountPercent", "10");
    desk.set(lines, "ItemCode$", "/C");
    desk.reads(
        lines,
        &[
            ("QuantityOrdered", "0"),
            ("UnitPrice", "0"),
            ("ExtensionAmt", "0"),
            ("LineDiscountPercent", "0"),
            ("WarehouseCode$", ""),
            ("PromiseDate$", ""),
        ],
    );
}

#[test]
fn a_kit_that_always_explodes_is_followed_by_its_components() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "KIT-A");
    desk.reads(lines, &[("ExplodedKitItem$", "Y"), ("LineKey$", "000001")]);
    desk.refuses(
        lines,
        "ExplodedKitItem$",
        "N",
        "Item KIT-A is always exploded into its components.",
    );
    desk.set(lines, "WarehouseCode$", "001");
    desk.set(lines, "QuantityOrdered", "3");
    desk.kept(lines);
    desk.buy(lines, "1001-HON-H252", "1");
    desk.reads(object, &[("TaxableAmt", "1583.16")]);
    desk.kept(object);
    let printed = format!("{PRINTED}'{number}' ORDER BY LineSeqNo");
    let second = "1001-HON-H252 N  1.000000 0.000000 83.160000 83.16 ";
    assert_eq!(
        fixture.all(&printed),
        [
            "KIT-A Y  3.000000 0.000000 500.000000 1500.00 ",
            "1001-HON-H252 C 000001 6.000000 2.000000 0.000000 0.00 N",
            "PENS C 000001 3.000000 1.000000 0.000000 0.00 Y",
            second,
        ]
    );
    let stock = "SELECT ItemCode || ' ' || WarehouseCode || ' ' || QuantityOnSalesOrder FROM IM_ItemWarehouse
        WHERE QuantityOnSalesOrder > '0.000000' ORDER BY 1";
    assert_eq!(
        fixture.all(stock),
        [
            "1001-HON-H252 000 1.000000",
            "1001-HON-H252 001 6.000000",
            "PENS 001 36.000000"
        ],
        "a box has twelve"
    );

    // The components follow the kit's quantity under their keys, and go with it.
    assert_eq!(desk.key(object, &number).code, 1);
    assert_eq!(desk.call(&Call::MoveFirst { object: lines }).code, 1);
    desk.set(lines, "QuantityOrdered", "5");
    desk.kept(lines);
    desk.kept(object);
    let keys = format!(
        "SELECT LineKey || ' ' || QuantityOrdered FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}' ORDER BY 1"
    );
    assert_eq!(
        fixture.all(&keys),
        [
            "000001 5.000000",
            "000002 10.000000",
            "000003 5.000000",
            "000004 1.000000"
        ]
    );
    assert_eq!(desk.key(object, &number).code, 1);
    assert_eq!(desk.call(&Call::MoveFirst { object: lines }).code, 1);
    assert_eq!(desk.call(&Call::Delete { object: lines }).code, 1);
    desk.kept(object);
    assert_eq!(fixture.all(&printed), [second]);
    assert_eq!(fixture.all(stock), ["1001-HON-H252 000 1.000000"]);
}

#[test]
fn a_kit_that_never_explodes_is_one_line() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "KIT-N");
    desk.refuses(
        lines,
        "ExplodedKitItem$",
        "Y",
        "Item KIT-N is never exploded into its components.",
    );
    desk.set(lines, "QuantityOrdered", "1");
    desk.kept(lines);
    desk.kept(object);
    assert_eq!(
        fixture.all(&format!("{PRINTED}'{number}'")),
        ["KIT-N N  1.000000 0.000000 200.000000 200.00 "]
    );
}

#[test]
fn a_kit_that_asks_is_answered_by_the_switch() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.call(&Call::AddLine { object: lines });
    let words = "Item KIT-P is a kit: answer whether to explode it into its components.";
    desk.refuses(lines, "ItemCode$", "KIT-P", words);
    fixture.set("kit_prompt", "refuse");
    desk.refuses(lines, "ItemCode$", "KIT-P", words);
    for (answer, exploded, other, kept) in [("explode", "Y", "N", 2), ("skip", "N", "Y", 1)] {
        fixture.set("kit_prompt", answer);
        for flag in [exploded, other] {
            let (object, number) = desk.order("PLAIN");
            let lines = desk.lines(object);
            desk.line(lines, "KIT-P");
            desk.reads(lines, &[("ExplodedKitItem$", exploded)]);
            desk.set(lines, "ExplodedKitItem$", flag);
            desk.set(lines, "QuantityOrdered", "2");
            desk.kept(lines);
            desk.kept(object);
            let count = fixture.all(&format!("{PRINTED}'{number}'")).len();
            let expected = if flag == exploded { kept } else { 3 - kept };
            assert_eq!(count, expected, "{answer}, then {flag}");
        }
    }
}

#[test]
fn a_dialog_that_nobody_sees_never_comes_back() {
    let fixture = Fixture::new();
    fixture.set("kit_prompt", "fault");
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.call(&Call::AddLine { object: lines });
    let (answered, answer) = mpsc::channel();
    let mut engine = desk.0;
    thread::spawn(move || {
        let call = Call::SetValue {
            object: lines,
            column: "ItemCode$".into(),
            value: Scalar::Text("KIT-P".into()),
        };
        answered.send(engine.call(&call).map(|answer| answer.code))
    });
    assert!(answer.recv_timeout(Duration::from_millis(400)).is_err());
    assert_eq!(fixture.orders(&number), 0);
    // Nobody else is held up by it.
    let mut other = fixture.desk();
    let (object, _) = other.ready("PLAIN");
    other.kept(object);
}

#[test]
fn a_sum_that_its_column_cannot_hold_is_refused() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.line(lines, "1001-HON-H252");
    desk.set(lines, "QuantityOrdered", "99999999");
    let answer = desk.try_set(lines, "UnitPrice", "999999999");
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (0, "The UnitPrice is too large.")
    );
    assert_eq!(desk.amount(lines, "QuantityOrdered"), decimal("99999999"));
}

#[test]
fn every_kit_of_the_demo_company_is_entered_as_its_item_says() {
    let fixture = Fixture::demo();
    fixture.set("kit_prompt", "explode");
    let mut desk = fixture.desk();
    let kits = fixture.all(
        "SELECT ItemCode || '|' || ExplodeKitItems || '|' ||
            (SELECT count(*) FROM IM_SalesKitDetail WHERE SalesKitNo = ItemCode)
         FROM CI_Item WHERE ProductType = 'K' AND InactiveItem <> 'Y' ORDER BY 1",
    );
    assert!(kits.iter().any(|kit| kit.contains("|A|")), "{kits:?}");
    for kit in kits {
        let [code, explode, components] = kit.split('|').collect::<Vec<_>>().try_into().unwrap();
        let (object, number) = desk.order("ABF");
        let lines = desk.lines(object);
        desk.buy(lines, code, "1");
        assert_ne!(desk.write(object).code, 0);
        let expected = match explode {
            "N" => 1,
            _ => 1 + components.parse::<usize>().unwrap(),
        };
        let count = fixture.all(&format!("{PRINTED}'{number}'")).len();
        assert_eq!(count, expected, "{kit}");
    }
}
