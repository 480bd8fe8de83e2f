//! What is asked.

use values::{Date, Decimal};

/// Who buys, where it goes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The customer whose prices count; none asks for what everybody pays. Where a bill-to
    /// customer's prices count, it is that one.
    pub customer: Option<Customer<'a>>,
    /// Ship-to address; may be blank.
    pub ship_to_code: &'a str,
    /// The order's date: promotions and price levels run by it.
    pub day: Date,
}

/// A customer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer<'a> {
    /// Division.
    pub division: &'a str,
    /// Number inside it.
    pub customer_no: &'a str,
}

/// What is bought.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The item.
    pub item_code: &'a str,
    /// Unit of measure; blank is the item's sales unit.
    pub unit: &'a str,
    /// In that unit.
    pub quantity: Decimal,
    /// A price level set on the line, instead of the customer's.
    pub price_level: Option<&'a str>,
}
