//! Headers of orders.

use serde_json::json;
use values::Decimal;

use super::{Case, good_order, has, line_with, new_customer_order, order_of, order_with, words};
use crate::plan::{CustomerSource, Planned, ShipToSource, Write};
use crate::settings::{CouponPolicy, OnDoubt, Prepaid, ShipToSettings};

#[test]
fn a_good_order_is_one_write() {
    let plan = Case::order(good_order()).ready();
    assert_eq!(plan.writes.len(), 1);
    assert_eq!(plan.warnings, Vec::<String>::new());
    let order = order_of(&plan);
    assert_eq!(order.customer_po_no, "WEB00001");
    has(&order.header, &["ShipVia$=UPS BLUE"]);
    has(&order.lines[0].settings, &["WarehouseCode$=000"]);
}

#[test]
fn each_wrong_field_is_refused_by_name() {
    let known = |number: &str| json!({"ar_division_no": "01", "customer_no": number});
    let long = "x".repeat(31);
    for (change, code, field) in [
        (
            json!({"customer": known("NOBODY")}),
            "customer_unknown",
            "customer.customer_no",
        ),
        (
            json!({"warehouse_code": "999"}),
            "warehouse_unknown",
            "warehouse_code",
        ),
        (json!({"ship_via": "MULE"}), "ship_via_unknown", "ship_via"),
        (json!({"terms_code": "99"}), "terms_unknown", "terms_code"),
        (
            json!({"hold": {"reason_code": "NO"}}),
            "reason_unknown",
            "hold.reason_code",
        ),
        (
            json!({"ship_to": {"ship_to_code": "9"}}),
            "ship_to_unknown",
            "ship_to.ship_to_code",
        ),
        (json!({"comment": long}), "too_long", "comment"),
        (json!({"customer_po_no": long}), "too_long", "customer_po_no"),
        (json!({"hold": {"reason": long}}), "too_long", "hold.reason"),
        (json!({"comment": "Danke 🎁"}), "not_representable", "comment"),
        (
            json!({"confirm_to": "Škoda dealer"}),
            "not_representable",
            "confirm_to",
        ),
        (json!({"comment": "one\ntwo"}), "line_break", "comment"),
        (json!({"udf": {"nothing": "1"}}), "udf_unknown", "udf.nothing"),
        (
            json!({"udf": {"erp_driver_id": "1"}}),
            "udf_reserved",
            "udf.erp_driver_id",
        ),
        (json!({"udf": {"Gift": "1", "gift": "2"}}), "repeated", "udf.gift"),
        (
            json!({"freight_amt": "100000000.00"}),
            "number_too_large",
            "freight_amt",
        ),
        (
            json!({"payment": {"amount": "10.00", "payment_type": "GOLD"}}),
            "payment_type_unknown",
            "payment.payment_type",
        ),
    ] {
        Case::order(order_with(change)).refuses(code, field);
    }
}

#[test]
fn an_inactive_customer_is_refused() {
    Case::order(good_order())
        .with(|books| books.customers[0].is_inactive = true)
        .refuses("customer_inactive", "customer.customer_no");
}

#[test]
fn all_problems_come_at_once_refusals_and_holds() {
    let mut body = order_with(json!({
        "ship_via": "MULE", "udf": {"nothing": "1"}, "ship_to": {"ship_to_code": "9"},
    }));
    body["lines"][0]["item_code"] = json!("NONE");
    let found = Case::order(body)
        .with(|books| books.customers[0].is_on_credit_hold = true)
        .refused();
    let codes: Vec<_> = found.iter().map(|(code, _)| code.as_str()).collect();
    for code in [
        "credit_hold",
        "ship_via_unknown",
        "udf_unknown",
        "ship_to_unknown",
        "item_unknown",
    ] {
        assert!(codes.contains(&code), "{code} not in {codes:?}");
    }
}

#[test]
fn an_unknown_customer_does_not_hide_what_is_wrong_with_the_rest() {
    let mut body = order_with(json!({"customer": {"ar_division_no": "01", "customer_no": "NOBODY"}}));
    body["lines"][0]["item_code"] = json!("NONE");
    assert_eq!(Case::order(body).refused().len(), 2);
}

#[test]
fn credit_is_looked_at() {
    let on_hold = || Case::order(good_order()).with(|books| books.customers[0].is_on_credit_hold = true);
    on_hold().holds("credit_hold", "customer");
    assert_eq!(on_hold().accept("credit_hold").ready().warnings.len(), 1);
    // 800 owed, 100 on order, 50 on its way and 159 now.
    let near = |limit: i64| {
        Case::order(good_order()).with(|books| {
            let customer = &mut books.customers[0];
            customer.credit_limit = Decimal::new(limit, 2);
            customer.balance = Decimal::new(80_000, 2);
            customer.open_order_amt = Decimal::new(10_000, 2);
            books.queued = Decimal::new(5_000, 2);
        })
    };
    near(110_900).ready();
    near(110_899).holds("credit_limit", "customer");
    let warned = near(110_899)
        .set(|settings| settings.orders.on_credit = OnDoubt::Warn)
        .ready();
    assert_eq!(warned.warnings.len(), 1);
    let mut shown = near(110_900);
    shown.document.body["expected"] = json!({"order_total": "160.00"});
    shown.holds("credit_limit", "customer");
    // Nothing is known of its price yet: Sage computes it before the order is written.
    let mut unpriced = near(110_899);
    for line in unpriced.document.body["lines"].as_array_mut().unwrap() {
        line.as_object_mut().unwrap().remove("unit_price");
    }
    let plan = unpriced.ready();
    let credit = order_of(&plan).checks.credit.clone().unwrap();
    assert_eq!(credit.owed.unwrap().to_string(), "950.00");
    assert!(credit.hold && credit.problem(Some(Decimal::new(15_900, 2))).is_some());
    assert_eq!(
        order_of(&near(1).accept("credit_limit").ready()).checks.credit,
        None
    );
    let mut quote = near(1);
    quote.document.body["order_type"] = json!("Q");
    quote.ready();
}

#[test]
fn on_hold_means_status_and_no_picking_sheet() {
    let plan = Case::order(order_with(json!({"print_picking_sheets": true})))
        .with(|books| books.customers[0].is_on_credit_hold = true)
        .set(|settings| settings.orders.on_credit = OnDoubt::EnterOnHold)
        .ready();
    has(
        &order_of(&plan).closing,
        &["OrderStatus$=H", "PrintPickingSheets$=N"],
    );
    assert_eq!(plan.warnings.len(), 2);
    let plan = Case::order(order_with(
        json!({"hold": {"reason_code": "CALL", "reason": "call first"}}),
    ))
    .ready();
    let order = order_of(&plan);
    has(
        &order.closing,
        &[
            "CancelReasonCode$=CALL",
            "OrderStatus$=H",
            "PrintPickingSheets$=N",
        ],
    );
    has(&order.header, &["Comment$=call first"]);
    let plan = Case::order(order_with(
        json!({"print_picking_sheets": true, "print_sales_orders": false}),
    ))
    .ready();
    has(
        &order_of(&plan).closing,
        &["PrintPickingSheets$=Y", "PrintSalesOrders$=N"],
    );
}

#[test]
fn a_closed_period_holds() {
    let closed = || Case::order(good_order()).with(|books| books.is_closed = Some(true));
    closed().holds("period_closed", "order_date");
    closed().accept("period_closed").ready();
    Case::order(good_order())
        .with(|books| books.is_closed = None)
        .ready();
}

#[test]
fn the_buyers_number_on_another_order_is_told() {
    let twice = || Case::order(good_order()).with(|books| books.orders_with_po = vec!["0000184".into()]);
    let warnings = twice().ready().warnings;
    assert!(warnings[0].contains("0000184"));
    twice()
        .set(|settings| settings.orders.on_duplicate_po = OnDoubt::Hold)
        .holds("duplicate_po", "customer_po_no");
    // Its own earlier write is no duplicate.
    let own = twice().reserved("sales_order_no", "0000184").ready();
    assert_eq!(own.warnings, Vec::<String>::new());
}

#[test]
fn a_customer_without_a_tax_schedule_holds() {
    let none = || Case::order(good_order()).with(|books| books.customers[0].tax_schedule.clear());
    none().holds("tax_schedule_missing", "customer");
    none().accept("tax_schedule_missing").ready();
}

#[test]
fn a_tax_service_needs_the_whole_address() {
    let service = |books: &mut super::Books| books.customers[0].tax_schedule = String::from("AVATAX");
    Case::order(good_order()).with(service).ready();
    let half = order_with(json!({"ship_to": {"ship_to_address1": "1 Elm St", "ship_to_city": "Racine"}}));
    Case::order(half)
        .with(service)
        .refuses("address_incomplete", "ship_to");
    Case::order(good_order())
        .with(service)
        .with(|books| {
            books.customers[0].texts.remove("zip_code");
        })
        .refuses("address_incomplete", "ship_to");
}

#[test]
fn nothing_of_tax_is_set_from_the_document() {
    let plan = Case::order(order_with(json!({"expected": {"sales_tax_amt": "9.99"}}))).ready();
    let order = order_of(&plan);
    let all = [words(&order.header), words(&order.closing)].concat();
    assert!(!all.iter().any(|word| word.contains("Tax")), "{all:?}");
    assert_eq!(order.checks.sales_tax_amt, Some(Decimal::new(999, 2)));
}

#[test]
fn an_address_stands_on_the_order_whole() {
    let body = order_with(
        json!({"ship_to": {"ship_to_name": "Dock 4", "ship_to_address1": "1 Elm St"},
        "bill_to": {"bill_to_name": "Accounting"}}),
    );
    let plan = Case::order(body).ready();
    has(
        &order_of(&plan).header,
        &[
            "ShipToCode$=",
            "ShipToName$=Dock 4",
            "ShipToAddress1$=1 Elm St",
            "ShipToAddress2$=",
            "ShipToCity$=",
            "BillToName$=Accounting",
            "BillToAddress1$=",
        ],
    );
}

fn racine(name: &str, street: &str) -> serde_json::Value {
    order_with(
        json!({"ship_to": {"ship_to_name": name, "ship_to_address1": street, "ship_to_address2": "Ste. 2087",
        "ship_to_city": "RACINE", "ship_to_state": "WI", "ship_to_zip_code": "53402-1234"}}),
    )
}

#[test]
fn a_ship_to_record_is_made_once() {
    let create = |body| Case::order(body).set(|settings| settings.ship_tos = ShipToSettings::Create);
    let plan = create(racine("Racine Warehouse, Inc.", "5411 Kendrick Dr.")).ready();
    assert_eq!(
        order_of(&plan).ship_to,
        Some(ShipToSource::Code("0002".to_owned()))
    );
    assert_eq!(plan.writes.len(), 1);
    let other = || create(racine("Racine Warehouse", "17 Kendrick Dr"));
    let plan = other().ready();
    assert_eq!(order_of(&plan).ship_to, Some(ShipToSource::Write(0)));
    let Write::ShipTo(ship_to) = &plan.writes[0] else {
        panic!("no ship-to first")
    };
    has(
        &ship_to.settings,
        &["ShipToName$=Racine Warehouse", "ShipToZipCode$=53402-1234"],
    );
    // Done before: its code. Begun before: planned again, even if one is like it.
    let same = || create(racine("Racine Warehouse, Inc.", "5411 Kendrick Dr."));
    let plan = same().done("ship_to_code", "01:HARBOR:0002").ready();
    assert_eq!(
        order_of(&plan).ship_to,
        Some(ShipToSource::Code("0002".to_owned()))
    );
    // The address was edited since: goods must not go to the old one.
    let problems = other().done("ship_to_code", "01:HARBOR:0002").refused();
    assert_eq!(problems[0].0, "ship_to_entered");
    let plan = create(racine("Racine Warehouse", "5411 Kendrick Dr"))
        .reserved("ship_to_code", "01:HARBOR:0002")
        .ready();
    assert_eq!(order_of(&plan).ship_to, Some(ShipToSource::Write(0)));
}

#[test]
fn a_ship_to_of_a_new_customer_comes_after_the_customer() {
    let mut body = new_customer_order();
    body["ship_to"] = json!({"ship_to_address1": "9 Lake Ave", "ship_to_city": "Racine"});
    let plan = Case::order(body)
        .set(|settings| settings.ship_tos = ShipToSettings::Create)
        .ready();
    let names: Vec<_> = plan.writes.iter().map(Write::identity_name).collect();
    assert_eq!(names, ["customer_no", "ship_to_code", "sales_order_no"]);
    let order = order_of(&plan);
    assert_eq!(order.customer, CustomerSource::Write(0));
    assert_eq!(order.ship_to, Some(ShipToSource::Write(1)));
    let Write::ShipTo(ship_to) = &plan.writes[1] else {
        panic!("no ship-to second")
    };
    has(&ship_to.settings, &["ShipToName$=Lakeside Hardware, Inc."]);
}

#[test]
fn defaults_fill_what_the_order_lacks() {
    let case = |body| {
        Case::order(body).set(|settings| {
            let defaults = &mut settings.orders.defaults;
            defaults.insert("ship_via".into(), "UPS BLUE".into());
            defaults.insert("fob".into(), "DOCK".into());
            defaults.insert("udf_gift".into(), "N".into());
            defaults.insert("salesperson_division_no".into(), "01".into());
            defaults.insert("salesperson_no".into(), "0100".into());
        })
    };
    let plan = case(order_with(json!({"fob": "HERE"}))).ready();
    has(
        &order_of(&plan).header,
        &[
            "FOB$=HERE",
            "ShipVia$=UPS BLUE",
            "UDF_GIFT$=N",
            "SalespersonNo$=0100",
        ],
    );
    assert!(!words(&order_of(&plan).header).contains(&"FOB$=DOCK".to_owned()));
    case(good_order())
        .set(|settings| {
            settings
                .orders
                .defaults
                .insert("tax_schedule".into(), "WI".into());
        })
        .refuses("default_unknown", "defaults.tax_schedule");
    case(good_order())
        .set(|settings| {
            settings
                .orders
                .defaults
                .insert("salesperson_no".into(), "0999".into());
        })
        .refuses("salesperson_unknown", "defaults.salesperson_no");
}

#[test]
fn the_site_may_require_fields() {
    let case = |body, name: &str| {
        Case::order(body).set(|settings| {
            settings.orders.required.insert(name.to_owned());
        })
    };
    case(good_order(), "customer_po_no").ready();
    case(good_order(), "confirm_to").refuses("required", "confirm_to");
    case(good_order(), "payment.reference").refuses("required", "payment.reference");
}

#[test]
fn discounts_and_coupons_go_as_the_site_maps_them() {
    let coupons = json!([{"code": "SPRING", "amount": "5.00"}, {"code": "VIP", "amount": "2.50"}]);
    let body = order_with(json!({"discount_amt": "1.00", "coupons": coupons}));
    let plan = Case::order(body.clone()).ready();
    has(&order_of(&plan).closing, &["DiscountAmt=8.50"]);
    let plan = Case::order(body.clone())
        .set(|settings| settings.orders.coupon = CouponPolicy::Charge("/COUPON".into()))
        .ready();
    let order = order_of(&plan);
    has(&order.closing, &["DiscountAmt=1.00"]);
    assert_eq!(order.lines.len(), 3);
    assert_eq!(order.lines[1].place, None);
    assert_eq!(order.lines[2].field, "coupons[1]");
    Case::order(body.clone())
        .set(|settings| settings.orders.coupon = CouponPolicy::Charge("/NONE".into()))
        .refused();
    Case::order(body.clone())
        .set(|settings| settings.orders.coupon = CouponPolicy::Refuse)
        .refuses("coupon_refused", "coupons");
    Case::order(body)
        .set(|settings| settings.orders.take_discounts = false)
        .refuses("discount_refused", "discount_amt");
    let rate = order_with(json!({"discount_rate": "10", "coupons": coupons}));
    Case::order(rate).refuses("contradiction", "discount_rate");
    Case::order(line_with(json!({"line_discount_percent": "5"})))
        .set(|settings| settings.orders.take_discounts = false)
        .refuses("discount_refused", "lines[0].line_discount_percent");
}

#[test]
fn how_it_was_paid_stands_on_the_order() {
    let body = |id: &str| {
        order_with(
            json!({"payment": {"amount": "159.00", "payment_type": "visa", "gateway_transaction_id": id}}),
        )
    };
    let case = |id: &str| {
        Case::order(body(id)).set(|settings| {
            settings
                .payments
                .payment_types
                .insert("visa".into(), "WEB".into());
        })
    };
    let plan = case("ch_1").ready();
    let order = order_of(&plan);
    has(
        &order.header,
        &["PaymentType$=WEB", "OtherPaymentTypeRefNo$=ch_1"],
    );
    assert!(!words(&order.closing).iter().any(|word| word.contains("Deposit")));
    assert_eq!(order.checks.captured_amt, Some(Decimal::new(15_900, 2)));
    // Longer than the column: shortened by a rule, told, and told apart.
    let long = |end: &str| format!("pi_3MtwBwLkdIwHu7ix28a3{end}");
    let short = |end: &str| {
        let plan = case(&long(end)).ready();
        assert_eq!(plan.warnings.len(), 1);
        words(&order_of(&plan).header)
            .into_iter()
            .find(|word| word.starts_with("OtherPayment"))
            .unwrap()
    };
    assert_eq!(short("tqPa").len(), "OtherPaymentTypeRefNo$=".len() + 24);
    assert_ne!(short("tqPa"), short("tqPb"));
    assert_eq!(short("tqPa"), short("tqPa"));
}

#[test]
fn a_deposit_comes_with_its_receipt() {
    let case = || {
        let body = order_with(json!({"payment": {"amount": "159.00", "payment_type": "WEB"}}));
        Case::order(body).set(|settings| {
            settings.payments.prepaid = Prepaid::DepositAndReceipt;
            settings.payments.deposit_account_key = Some("000000042".into());
            settings.payments.bank_code = Some("A".into());
            settings.capabilities.receipts = true;
        })
    };
    let bank = |books: &mut super::Books| {
        books.codes.insert((crate::planning::CodeList::Bank, "A".into()));
    };
    let plan = case().with(bank).ready();
    let names: Vec<_> = plan.writes.iter().map(Write::identity_name).collect();
    assert_eq!(names, ["sales_order_no", "receipt"]);
    let Write::Receipt(receipt) = &plan.writes[1] else {
        panic!("no receipt")
    };
    let check = format!("CheckNoForDeposit$={}", receipt.check_no);
    has(&order_of(&plan).closing, &["DepositAmt=159.00", &check]);
    // The order is there, the receipt is not.
    let plan = case().with(bank).done("sales_order_no", "0000185").ready();
    assert_eq!(plan.writes, [Write::Receipt(receipt.clone())]);
    let mut all = case()
        .with(bank)
        .done("sales_order_no", "0000185")
        .done("receipt", "00001:A:00001:01:HARBOR:X");
    assert!(matches!(all.planned(), Planned::Nothing { .. }));
}

#[test]
fn a_column_without_a_width_takes_any_length() {
    let body = line_with(json!({"comment_text": "x".repeat(1_000)}));
    let plan = Case::order(body)
        .with(|books| {
            let table = books.widths.get_mut("SO_SalesOrderDetail").unwrap();
            table.texts.insert("CommentText".into(), 0);
        })
        .ready();
    assert_eq!(order_of(&plan).lines.len(), 1);
}

#[test]
fn a_quote_takes_no_money() {
    let body = order_with(json!({"order_type": "Q", "payment": {"amount": "159.00"}}));
    Case::order(body.clone()).ready();
    Case::order(body)
        .set(|settings| settings.payments.prepaid = Prepaid::DepositAndReceipt)
        .refuses("quote_paid", "payment");
}

#[test]
fn an_order_that_is_in_sage_is_not_planned_again() {
    let mut case = Case::order(order_with(json!({"ship_via": "MULE"}))).done("sales_order_no", "0000185");
    let Planned::Nothing { numbers, .. } = case.planned() else {
        panic!("planned again")
    };
    assert_eq!(numbers["sales_order_no"], "0000185");
}

#[test]
fn what_is_edited_of_an_order_that_is_in_sage_is_held_until_a_person_knows() {
    let prepaid = |payment: &str| {
        let body = order_with(json!({"payment": {"amount": payment}}));
        Case::order(body).set(|settings| settings.payments.prepaid = Prepaid::None)
    };
    let entered = |case: Case| case.entered("0000185");
    // The same again, or with another payment: nothing is to be said.
    for payment in ["159.00", "10.00"] {
        let mut case = entered(prepaid("159.00"));
        case.document.body["payment"]["amount"] = json!(payment);
        let Planned::Nothing { warnings, .. } = case.planned() else {
            panic!("planned again")
        };
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let edited = || {
        let mut case = entered(prepaid("159.00"));
        case.document.body["lines"][0]["quantity_ordered"] = json!("3");
        case
    };
    let Planned::Held(problems) = edited().planned() else {
        panic!("it went on")
    };
    assert_eq!(problems[0].code, "order_entered");
    assert!(matches!(
        edited().accept("order_entered").planned(),
        Planned::Nothing { .. }
    ));
}
