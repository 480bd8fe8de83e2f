//! Prices of lines in the simulated order entry where they depend on more than the line: on
//! price levels by customer, and on quantities that count together.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod desk;

use desk::Fixture;

const PRICES_SQL: &str = "
UPDATE CI_Item SET ProductLine = 'DESK' WHERE ItemCode IN ('PENS', '/SETUP');
INSERT INTO AR_Customer (ARDivisionNo, CustomerNo, CustomerName, TermsCode, PriceLevel, CustomerStatus) VALUES
 ('01', 'LEVEL', 'Level B', '01', 'B', 'A');
INSERT INTO IM_PriceCode (PriceCodeRecord, ItemCode, CustomerPriceLevel, PricingMethod, BreakQuantity1,
    DiscountMarkup1, BreakQuantity2, DiscountMarkup2) VALUES
 ('1', 'PENS', '', 'O', '20', '0.900000', '99999999', '0.800000'),
 ('1', 'PENS', 'A', 'O', '20', '0.700000', '99999999', '0.600000'),
 ('1', 'PENS', 'B', 'O', '20', '0.850000', '99999999', '0.750000');
INSERT INTO AR_PriceLevelByCustomer (ARDivisionNo, CustomerNo, ProductLine, EffectiveDate, EndDate, PriceLevel) VALUES
 ('01', 'LEVEL', 'DESK', '2026-01-01', '2026-05-05', ''),
 ('01', 'LEVEL', 'DESK', '2026-05-01', '', 'A'),
 ('01', 'LEVEL', 'DESK', '2026-05-07', '', '');
";

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.db().execute_batch(PRICES_SQL).unwrap();
    fixture
}

#[test]
fn a_price_level_by_customer_goes_before_the_customers_own() {
    let fixture = fixture();
    let mut desk = fixture.desk();
    let (object, _) = desk.order("LEVEL");
    let lines = desk.lines(object);
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "1");
    // A box of 12 at level B.
    desk.reads(lines, &[("UnitPrice", "10.2"), ("PriceLevel$", "B")]);
    fixture.set("DefaultPriceLevelByCust", "Y");
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "1");
    desk.reads(lines, &[("UnitPrice", "8.4"), ("PriceLevel$", "A")]);
    // The options of the company say the same.
    fixture.set("DefaultPriceLevelByCust", "");
    fixture
        .db()
        .execute_batch(
            "INSERT INTO SO_Options (ModuleCode, DefaultPriceLevelByCust) VALUES ('S/O', 'Y')
             ON CONFLICT DO UPDATE SET DefaultPriceLevelByCust = 'Y'",
        )
        .unwrap();
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "1");
    desk.reads(lines, &[("PriceLevel$", "A")]);
}

#[test]
fn lines_that_count_together_are_priced_anew_as_they_come_and_go() {
    let fixture = fixture();
    fixture.set("PriceByTotalQuantity", "Y");
    let mut desk = fixture.desk();
    let (object, number) = desk.order("PLAIN");
    let lines = desk.lines(object);
    // Twelve pens are up to twenty; twenty-four are not.
    desk.buy(lines, "PENS", "1");
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "1");
    desk.reads(lines, &[("UnitPrice", "9.6")]);
    desk.kept(lines);
    desk.reads(object, &[("TaxableAmt", "19.2")]);
    // A price that was typed stays.
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "1");
    desk.set(lines, "UnitPrice", "5");
    desk.kept(lines);
    desk.reads(object, &[("TaxableAmt", "24.2")]);
    desk.kept(object);
    assert_eq!(
        fixture.all(&format!(
            "SELECT UnitPrice FROM SO_SalesOrderDetail WHERE SalesOrderNo = '{number}' ORDER BY LineKey"
        )),
        ["9.600000", "9.600000", "5.000000"]
    );
    // One line less, and the other two are still more than twenty; none beside it, and it is not.
    let (object, _) = desk.order("PLAIN");
    let lines = desk.lines(object);
    desk.buy(lines, "PENS", "1");
    desk.buy(lines, "PENS", "1");
    desk.reads(object, &[("TaxableAmt", "19.2")]);
    assert_eq!(desk.call(&sage::Call::MoveFirst { object: lines }).code, 1);
    assert_eq!(desk.call(&sage::Call::Delete { object: lines }).code, 1);
    desk.reads(object, &[("TaxableAmt", "10.8")]);
    // By product line the setup counts with them, the file does not.
    fixture.set("price_total_by", "ProductLine");
    desk.buy(lines, "1001-HON-H254", "50");
    desk.line(lines, "PENS");
    desk.set(lines, "QuantityOrdered", "0.5");
    desk.reads(lines, &[("UnitPrice", "10.8")]);
    desk.set(lines, "QuantityOrdered", "0.75");
    desk.reads(lines, &[("UnitPrice", "9.6")]);
}
