//! What a line is priced at: the price level that the customer has for the item, the quantity
//! that breaks are held against, and the line's unit. The rules themselves are in `pricing`.
//!
//! Where the options of S/O say so (`DefaultPriceLevelByCust`), the level comes from
//! `AR_PriceLevelByCustomer`: a record that names the item's product line goes before one for
//! all, then one that names its price code, then one that names the ship-to address, then the
//! later one. Where they say that quantities count together (`PriceByTotalQuantity`), those of
//! all lines do, or of lines with the same product line or category (`price_total_by`).

use rusqlite::Connection;
use values::{Date, Decimal};

use super::pricing::{self, ItemPrices};
use super::record::{Layout, Record, StoreError};
use super::{settings, units};

const PRICE_SCALE: u8 = 6;

/// A price that is asked for without an order.
#[derive(Clone, Copy, Debug)]
pub struct PriceAsked<'a> {
    /// Customer's division.
    pub division: &'a str,
    /// Customer.
    pub customer: &'a str,
    /// Ship-to address; may be blank.
    pub ship_to: &'a str,
    /// Order date.
    pub day: Date,
    /// What is bought.
    pub line: LineAsked<'a>,
    /// The other lines of the order.
    pub others: &'a [LineAsked<'a>],
}

/// A line of it.
#[derive(Clone, Copy, Debug)]
pub struct LineAsked<'a> {
    /// The item.
    pub item: &'a str,
    /// Its unit; blank is the sales unit.
    pub unit: &'a str,
    /// In that unit.
    pub quantity: Decimal,
}

/// Why there is no price.
#[derive(Debug, thiserror::Error)]
pub enum PriceLookupError {
    /// Not on file, or not in this unit.
    #[error("{0} is not on file")]
    NotOnFile(String),
    /// The company's file does not allow it.
    #[error("{0}")]
    Company(String),
}

impl From<StoreError> for PriceLookupError {
    fn from(error: StoreError) -> Self {
        Self::Company(error.to_string())
    }
}

/// The unit price that a line of an order would start with.
///
/// # Errors
/// [`PriceLookupError`]
pub fn unit_price(db: &Connection, asked: &PriceAsked<'_>) -> Result<Decimal, PriceLookupError> {
    let key = [("ARDivisionNo", asked.division), ("CustomerNo", asked.customer)];
    let customer = Record::look_up(db, "AR_Customer", &key)?
        .ok_or_else(|| PriceLookupError::NotOnFile(asked.customer.to_owned()))?;
    let buyer = Buyer {
        division: asked.division,
        customer: asked.customer,
        ship_to: asked.ship_to,
        level: customer.text("PriceLevel"),
        day: asked.day,
    };
    let found = |line: &LineAsked<'_>| -> Result<(Record, Decimal, Decimal), PriceLookupError> {
        let not_on_file = || PriceLookupError::NotOnFile(format!("{} {}", line.item, line.unit));
        let item = Record::look_up(db, "CI_Item", &[("ItemCode", line.item)])?.ok_or_else(not_on_file)?;
        let factor = if line.unit.is_empty() {
            units::sales_unit(&item).1
        } else {
            units::factor_of(&item, line.unit).ok_or_else(not_on_file)?
        };
        let quantity = line
            .quantity
            .multiply(factor, PRICE_SCALE)
            .map_err(StoreError::from)?;
        Ok((item, factor, quantity))
    };
    let (item, factor, quantity) = found(&asked.line)?;
    let mut others = Vec::new();
    for line in asked.others {
        let (item, _, quantity) = found(line)?;
        others.push((item, quantity));
    }
    let quantity = together(db, &item, quantity, &others)?;
    Ok(priced(db, &buyer, &item, factor, quantity)?.0)
}

/// Whose prices count, and when.
pub(crate) struct Buyer<'a> {
    /// Customer's division.
    pub(crate) division: &'a str,
    /// Customer.
    pub(crate) customer: &'a str,
    /// Ship-to address; may be blank.
    pub(crate) ship_to: &'a str,
    /// The customer's own price level.
    pub(crate) level: &'a str,
    /// Order date.
    pub(crate) day: Date,
}

/// Price in a unit of so many standard units, for so many standard units, and the level.
pub(crate) fn priced(
    db: &Connection,
    buyer: &Buyer<'_>,
    item: &Record,
    factor: Decimal,
    quantity: Decimal,
) -> Result<(Decimal, String), StoreError> {
    let level = level_of(db, buyer, item)?;
    let rule = pricing::find_rule(db, item, buyer.division, buyer.customer, &level)?;
    let price = ItemPrices::of_item(item).price(rule.as_ref(), quantity, buyer.day)?;
    Ok((price.multiply(factor, PRICE_SCALE)?, level))
}

/// Do quantities of several lines count together?
pub(crate) fn counts_together(db: &Connection) -> Result<bool, StoreError> {
    is_on(db, "PriceByTotalQuantity")
}

/// Standard units of the line and of the other lines that count with it.
pub(crate) fn together(
    db: &Connection,
    item: &Record,
    quantity: Decimal,
    others: &[(Record, Decimal)],
) -> Result<Decimal, StoreError> {
    let mut total = quantity;
    if others.is_empty() || !counts_together(db)? {
        return Ok(total);
    }
    let by = settings::get(db, "price_total_by")?;
    for (other, quantity) in others {
        let is_with = match by.as_deref() {
            None => true,
            Some(column) => !item.text(column).is_empty() && item.text(column) == other.text(column),
        };
        if is_with {
            total = total.checked_add(*quantity)?;
        }
    }
    Ok(total)
}

fn level_of(db: &Connection, buyer: &Buyer<'_>, item: &Record) -> Result<String, StoreError> {
    let own = buyer.level.to_owned();
    if !is_on(db, "DefaultPriceLevelByCust")? {
        return Ok(own);
    }
    let Some(layout) = Layout::read_if_any(db, "AR_PriceLevelByCustomer")? else {
        return Ok(own);
    };
    let key = [("ARDivisionNo", buyer.division), ("CustomerNo", buyer.customer)];
    // In key order: the last of those that name the same is the latest.
    let rows = Record::read_all(db, &layout, &key)?;
    for product_line in [item.text("ProductLine"), ""] {
        for price_code in [item.text("PriceCode"), ""] {
            for ship_to in [buyer.ship_to, ""] {
                let in_force = rows.iter().rfind(|row| {
                    row.text("ProductLine") == product_line
                        && row.text("PriceCode") == price_code
                        && row.text("ShipToCode") == ship_to
                        && row.date("EffectiveDate").is_none_or(|day| day <= buyer.day)
                        && row.date("EndDate").is_none_or(|day| buyer.day <= day)
                });
                if let Some(row) = in_force {
                    return Ok(row.text("PriceLevel").to_owned());
                }
            }
        }
    }
    Ok(own)
}

/// An option of S/O: the setting of that name, else the company's `SO_Options`, else no.
fn is_on(db: &Connection, name: &str) -> Result<bool, StoreError> {
    if let Some(value) = settings::get(db, name)? {
        return Ok(value != "N");
    }
    let options = Record::look_up(db, "SO_Options", &[("ModuleCode", "S/O")])?;
    Ok(options.is_some_and(|options| !matches!(options.text(name), "" | "N")))
}
