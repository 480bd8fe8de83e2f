//! Units of measure of an item, with how many standard units each has.

use values::Decimal;

use super::record::Record;

/// The unit that a line starts with.
pub(crate) fn sales_unit(item: &Record) -> (&str, Decimal) {
    match item.text("SalesUnitOfMeasure") {
        "" => (item.text("StandardUnitOfMeasure"), ONE),
        unit => (unit, factor(item.number("SalesUMConvFctr"))),
    }
}

/// Standard units in `unit`, if the item is counted in it: its standard, sales and
/// purchase unit.
pub(crate) fn factor_of(item: &Record, unit: &str) -> Option<Decimal> {
    if unit.is_empty() {
        return None;
    }
    let units = [
        ("StandardUnitOfMeasure", ONE),
        ("SalesUnitOfMeasure", factor(item.number("SalesUMConvFctr"))),
        ("PurchaseUnitOfMeasure", factor(item.number("PurchaseUMConvFctr"))),
    ];
    units
        .into_iter()
        .find(|(column, _)| item.text(column) == unit)
        .map(|(_, factor)| factor)
}

/// A factor as the file has it: none is one.
pub(crate) fn factor(stored: Decimal) -> Decimal {
    if stored.is_zero() { ONE } else { stored }
}

const ONE: Decimal = Decimal::new(1, 0);
