//! The simulated sales order: what its header accepts, refuses and warns of.

mod desk;

use desk::{Fixture, condition};
use sage::{Call, Condition};

#[test]
fn every_column_of_the_header_is_kept_as_it_was_set() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.ready("PLAIN");
    let columns = [
        ("OrderType$", "B"),
        ("OrderStatus$", "H"),
        ("CancelReasonCode$", "HOLD"),
        ("BillToName$", "Head Office"),
        ("BillToAddress1$", "1 High Street"),
        ("BillToAddress2$", "Floor 2"),
        ("BillToAddress3$", "Room 3"),
        ("BillToCity$", "Madison"),
        ("BillToState$", "WI"),
        ("BillToZipCode$", "53703"),
        ("BillToCountryCode$", "USA"),
        ("ShipToName$", "Back Door"),
        ("ShipToAddress1$", "2 Low Street"),
        ("ShipToAddress2$", "Yard"),
        ("ShipToAddress3$", "Gate 4"),
        ("ShipToCity$", "Kenosha"),
        ("ShipToState$", "WI"),
        ("ShipToZipCode$", "53140"),
        ("ShipToCountryCode$", "USA"),
        ("ShipVia$", "TRUCK"),
        ("WarehouseCode$", "001"),
        ("TermsCode$", "01"),
        ("TaxSchedule$", "WI"),
        ("TaxExemptNo$", "EX-1"),
        ("ConfirmTo$", "The Buyer"),
        ("EmailAddress$", "buyer@plain.example"),
        ("FaxNo$", "414-555-0101"),
        ("Comment$", "By the side door"),
        ("FOB$", "MILWAUKEE"),
        ("SalespersonDivisionNo$", "02"),
        ("SalespersonNo$", "0200"),
        ("PrintSalesOrders$", "Y"),
        ("PrintPickingSheets$", "N"),
        ("PaymentType$", "WEB"),
        ("PaymentTypeCategory$", "P"),
        ("OtherPaymentTypeRefNo$", "123456789012345678901234"),
        ("CheckNoForDeposit$", "1234567890"),
        ("ResidentialAddress$", "Y"),
        ("RMANo$", "0000012"),
        ("JobNo$", "JOB1"),
        ("OrderDate$", "20260501"),
        ("ShipExpireDate$", "20260520"),
        ("UDF_GIFT$", "Y"),
        ("FreightAmt", "12.50"),
        ("DepositAmt", "50"),
        ("DiscountRate", "5"),
    ];
    for (column, value) in columns {
        desk.set(object, column, value);
    }
    desk.kept(object);
    assert_eq!(desk.key(object, &number).code, 1);
    desk.reads(object, &columns);
}

#[test]
fn what_a_column_does_not_take_is_refused_in_words_that_name_it() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    let long = "x".repeat(300);
    for (column, width) in [
        ("Comment$", 30),
        ("ConfirmTo$", 50),
        ("CustomerPONo$", 30),
        ("OtherPaymentTypeRefNo$", 24),
        ("CheckNoForDeposit$", 10),
        ("ShipToName$", 50),
        ("ShipToState$", 2),
        ("TaxExemptNo$", 15),
        ("EmailAddress$", 250),
        ("UDF_GIFT$", 1),
    ] {
        let name = column.trim_end_matches('$');
        let words = format!("The {name} is too long: at most {width} characters.");
        desk.refuses(object, column, &long, &words);
        desk.refuses(object, column, &long[..=width], &words);
    }
    for (column, code) in [
        ("TermsCode$", "99"),
        ("TaxSchedule$", "NOWHERE"),
        ("CancelReasonCode$", "WHY"),
        ("PaymentType$", "GOLD"),
        ("ShipVia$", "BALLOON"),
        ("SalespersonNo$", "0200"),
        ("WarehouseCode$", "999"),
        ("ShipToCode$", "9"),
        ("BillToCustomerNo$", "NOBODY"),
    ] {
        let name = column.trim_end_matches('$');
        desk.refuses(
            object,
            column,
            code,
            &format!("The {name} {code} is not on file."),
        );
    }
    for (column, value) in [
        ("OrderType$", "X"),
        ("OrderStatus$", "Z"),
        ("PaymentTypeCategory$", "C"),
        ("PrintSalesOrders$", "1"),
        ("PrintPickingSheets$", "J"),
        ("ResidentialAddress$", "X"),
    ] {
        let name = column.trim_end_matches('$');
        desk.refuses(
            object,
            column,
            value,
            &format!("The {name} {value} is not valid."),
        );
    }
    for column in ["FreightAmt", "DepositAmt", "DiscountRate", "DiscountAmt"] {
        desk.refuses(
            object,
            column,
            "-0.01",
            &format!("The {column} must not be negative."),
        );
    }
    desk.refuses(
        object,
        "DiscountRate",
        "100.5",
        "The DiscountRate must not exceed 100.",
    );
    desk.refuses(
        object,
        "FreightAmt",
        "1234567890.12",
        "The FreightAmt is too large: at most 9 digits before the decimal point.",
    );
    for column in ["SalesTaxAmt", "TaxableAmt", "NonTaxableAmt"] {
        desk.refuses(object, column, "1", &format!("The {column} cannot be changed."));
    }
    desk.refuses(
        object,
        "OrderType$",
        "P",
        "The OrderType P is for a prospect, not a customer.",
    );
    for kind in ["B", "M", "R", "Q", "S"] {
        desk.set(object, "OrderType$", kind);
    }
    fixture.set("ship_via", "free");
    desk.set(object, "ShipVia$", "BALLOON");
    desk.set(object, "CancelReasonCode$", "");
}

#[test]
fn codes_of_tables_that_are_empty_are_not_checked() {
    let fixture = Fixture::new();
    fixture
        .db()
        .execute_batch("DELETE FROM AR_PaymentType; DROP TABLE SO_CancelReasonCode;")
        .unwrap();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    desk.set(object, "PaymentType$", "ANY");
    desk.set(object, "CancelReasonCode$", "ANY");
}

#[test]
fn deposits_stand_on_standard_and_back_orders_only() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.ready("PLAIN");
    desk.set(object, "OrderType$", "Q");
    desk.refuses(
        object,
        "DepositAmt",
        "10",
        "The DepositAmt is not allowed on an order of type Q.",
    );
    desk.set(object, "DepositAmt", "0");
    desk.set(object, "OrderType$", "S");
    desk.set(object, "DepositAmt", "10");
    desk.refuses(
        object,
        "OrderType$",
        "Q",
        "The OrderType Q is not allowed: the order has a deposit.",
    );
    desk.set(object, "OrderType$", "B");
    // 2 × 83.16 without tax.
    desk.set(object, "DepositAmt", "166.33");
    let answer = desk.write(object);
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (-1, "The DepositAmt 166.33 exceeds the order's total, 166.32.")
    );
    assert_eq!(fixture.orders(&number), 1, "a warning does not stop the write");
}

#[test]
fn an_order_discount_is_a_rate_or_an_amount() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.order("ABF");
    let lines = desk.lines(object);
    desk.buy(lines, "1001-HON-H252", "10");
    desk.buy(lines, "1001-HON-H254", "1");
    // 750 taxable and 117.90 not; the customer's rate is 10 %.
    desk.reads(
        object,
        &[
            ("DiscountRate", "10"),
            ("DiscountAmt", "86.79"),
            ("SalesTaxAmt", "10.13"),
        ],
    );
    desk.set(object, "DiscountAmt", "50");
    // 50 × 750 / 867.90 = 43.21 of it on taxable goods: 1.5 % of 706.79.
    desk.reads(
        object,
        &[
            ("DiscountRate", "0"),
            ("DiscountAmt", "50"),
            ("SalesTaxAmt", "10.60"),
        ],
    );
    desk.set(object, "DiscountAmt", "867.91");
    desk.not_kept(
        object,
        "The DiscountAmt must not exceed the amount subject to discount, 867.90.",
    );
    desk.set(object, "DiscountAmt", "50");
    desk.kept(object);
    assert_eq!(desk.key(object, &number).code, 1);
    desk.reads(object, &[("DiscountAmt", "50"), ("SalesTaxAmt", "10.60")]);
    desk.set(object, "DiscountRate", "0");
    desk.reads(object, &[("DiscountAmt", "0"), ("SalesTaxAmt", "11.25")]);
}

#[test]
fn a_purchase_order_number_of_an_open_order_is_told() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let words = "Customer PO 101255 is already used on sales order 0000184.";
    let (object, _) = desk.order("ABF");
    desk.warns(object, "CustomerPONo$", "101255", words);
    desk.reads(object, &[("CustomerPONo$", "101255")]);
    desk.set(object, "CustomerPONo$", "NEW");
    fixture.set("duplicate_po", "refuse");
    desk.refuses(object, "CustomerPONo$", "101255", words);
    fixture.set("duplicate_po", "accept");
    desk.set(object, "CustomerPONo$", "101255");
    // Another customer's number, and the order's own, are no duplicates.
    fixture.set("duplicate_po", "warn");
    let (object, number) = desk.ready("PLAIN");
    desk.set(object, "CustomerPONo$", "101255");
    desk.kept(object);
    assert_eq!(desk.key(object, &number).code, 1);
    desk.set(object, "CustomerPONo$", "101255");
}

#[test]
fn a_customer_on_credit_hold_puts_the_order_on_hold() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, number) = desk.blank_order();
    let words = "Customer 01-HELD is on credit hold: the order is put on hold.";
    desk.warns(object, "CustomerNo$", "HELD", words);
    let lines = desk.lines(object);
    desk.buy(lines, "1001-HON-H252", "1");
    desk.kept(object);
    assert_eq!(desk.key(object, &number).code, 1);
    desk.reads(object, &[("OrderStatus$", "H"), ("CustomerNo$", "HELD")]);
    fixture.set("credit_hold_refuses", "Y");
    let (object, _) = desk.blank_order();
    desk.refuses(
        object,
        "CustomerNo$",
        "HELD",
        "Customer 01-HELD is on credit hold.",
    );
    desk.refuses(object, "CustomerNo$", "OLD", "Customer 01-OLD is inactive.");
}

#[test]
fn the_credit_limit_counts_balance_open_orders_and_this_one() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    // 500 owed; 3 × 83.16 make 749.48, twice that 998.96.
    for _ in 0..2 {
        let (object, _) = desk.order("LIMIT");
        let lines = desk.lines(object);
        desk.buy(lines, "1001-HON-H252", "3");
        desk.kept(object);
    }
    let over = |desk: &mut desk::Desk, kind: &str| {
        let (object, number) = desk.order("LIMIT");
        desk.set(object, "OrderType$", kind);
        let lines = desk.lines(object);
        desk.buy(lines, "1001-HON-H252", "1");
        let answer = desk.write(object);
        assert_eq!(fixture.orders(&number), 1);
        answer
    };
    assert_eq!(over(&mut desk, "Q").code, 1, "a quote owes nothing");
    let answer = over(&mut desk, "S");
    assert_eq!(
        (answer.code, answer.message.as_str()),
        (
            -1,
            "Customer 01-LIMIT exceeds the credit limit of 1000.00: 1082.12 with this order."
        )
    );
    assert_eq!(Condition::of_message(&answer.message), None);
    fixture.set("credit_check", "N");
    assert_eq!(over(&mut desk, "S").code, 1);
}

#[test]
fn tax_may_be_known_only_after_the_write() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.ready("ABF");
    // 2 × 79.50 less 10 %, 1.5 % of 143.10.
    desk.reads(object, &[("SalesTaxAmt", "2.15")]);
    fixture.set("tax_timing", "after_write");
    let (object, number) = desk.ready("ABF");
    desk.reads(object, &[("SalesTaxAmt", "0"), ("TaxableAmt", "159")]);
    desk.kept(object);
    let sql = format!("SELECT SalesTaxAmt FROM SO_SalesOrderHeader WHERE SalesOrderNo = '{number}'");
    assert_eq!(fixture.one(&sql), "2.15");
    assert_eq!(desk.key(object, &number).code, 1);
    desk.reads(object, &[("SalesTaxAmt", "2.15")]);
}

#[test]
fn an_outside_tax_service_wants_an_address_and_may_be_down_or_slow() {
    let fixture = Fixture::new();
    fixture.set("tax_rate:AVATAX", "5");
    let mut desk = fixture.desk();
    let (object, _) = desk.order("PLAIN");
    desk.set(object, "TaxSchedule$", "AVATAX");
    let lines = desk.lines(object);
    desk.line(lines, "1001-HON-H252");
    desk.set(lines, "QuantityOrdered", "1");
    for (column, value) in [
        ("ShipToCity$", "Racine"),
        ("ShipToState$", "WI"),
        ("ShipToZipCode$", "53402"),
    ] {
        let name = column.trim_end_matches('$');
        let words = format!("The {name} is required to calculate sales tax for the schedule AVATAX.");
        desk.set(object, column, "");
        desk.not_kept(lines, &words);
        assert_eq!(Condition::of_message(&words), None, "{words}");
        desk.not_kept(object, &words);
        desk.set(object, column, value);
    }
    fixture.set("tax_service", "down");
    for asked in [lines, object] {
        let answer = desk.write(asked);
        assert_eq!(condition(&answer), Some(Condition::TaxService));
        assert_eq!(answer.message, "AvaTax: the tax service did not respond.");
    }
    fixture.set("tax_service", "slow:120");
    let before = std::time::Instant::now();
    desk.kept(lines);
    assert!(before.elapsed().as_millis() >= 120, "{:?}", before.elapsed());
    fixture.set("tax_service", "up");
    desk.reads(object, &[("SalesTaxAmt", "4.16")]);
    desk.kept(object);
    // Other schedules ask nobody.
    fixture.set("tax_service", "down");
    let (object, _) = desk.ready("ABF");
    desk.kept(object);
}

#[test]
fn the_end_of_a_call_names_what_the_order_lacks() {
    let fixture = Fixture::new();
    let mut desk = fixture.desk();
    let (object, _) = desk.blank_order();
    desk.not_kept(object, "The CustomerNo is required.");
    desk.set(object, "CustomerNo$", "PLAIN");
    for (column, value) in [
        ("TermsCode$", "01"),
        ("OrderDate$", "20260506"),
        ("ShipExpireDate$", "20260506"),
    ] {
        desk.set(object, column, "");
        desk.not_kept(
            object,
            &format!("The {} is required.", column.trim_end_matches('$')),
        );
        desk.set(object, column, value);
    }
    desk.kept(object);
    let answer = desk.call(&Call::Write { object });
    assert_eq!(answer.code, 0, "it is let go: {answer:?}");
}
