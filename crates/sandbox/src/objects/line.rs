//! A line of a sales order under work.

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::{Date, Decimal};

use super::input::{accept, done, is_negative, refused};
use super::pricing::{self, ItemPrices};
use super::record::{Cell, Record, StoreError};
use super::totals;

/// What a line takes from its order.
pub(crate) struct OrderTerms<'a> {
    /// Customer's division.
    pub(crate) division: &'a str,
    /// Customer.
    pub(crate) customer: &'a str,
    /// Customer's price level.
    pub(crate) price_level: &'a str,
    /// The header's warehouse.
    pub(crate) warehouse: &'a str,
    /// The order's date; promotions run by it.
    pub(crate) order_date: Date,
}

/// Columns that Sage works out by itself.
const COMPUTED: [&str; 8] = [
    "SalesOrderNo",
    "LineKey",
    "LineSeqNo",
    "ItemType",
    "PriceOverridden",
    "UnitOfMeasureConvFactor",
    "TaxAmt",
    "TaxRate",
];

/// `nSetValue` on a line.
pub(crate) fn set_value(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    column: &str,
    value: &Scalar,
) -> Result<Return, StoreError> {
    let (name, cell) = match accept(line.layout(), column, value) {
        Ok((field, cell)) => (field.name.clone(), cell),
        Err(message) => return Ok(refused(message)),
    };
    if COMPUTED.contains(&name.as_str()) {
        return Ok(refused(format!("The {name} cannot be changed.")));
    }
    match (name.as_str(), &cell) {
        ("ItemCode", Cell::Text(code)) => return load_item(db, terms, line, code),
        _ if line.text("ItemCode").is_empty() => {
            return Ok(refused(format!("The ItemCode is required before the {name}.")));
        }
        ("WarehouseCode", Cell::Text(code)) if !warehouse_exists(db, code)? => {
            return Ok(refused(format!("The WarehouseCode {code} is not on file.")));
        }
        ("UnitOfMeasure", Cell::Text(unit)) => return set_unit(db, terms, line, unit),
        ("ExtensionAmt", _) if line.text("ItemType") != "3" => {
            return Ok(refused("The ExtensionAmt cannot be changed."));
        }
        ("QuantityOrdered" | "UnitPrice", _) if is_negative(&cell) => {
            return Ok(refused(format!("The {name} must not be negative.")));
        }
        ("LineDiscountPercent", Cell::Number(percent)) if *percent > Decimal::new(100, 0) => {
            return Ok(refused("The LineDiscountPercent must not exceed 100."));
        }
        _ => {}
    }
    match &cell {
        Cell::Text(text) => line.put_text(&name, text),
        Cell::Number(number) => line.put_number(&name, *number)?,
        Cell::Date(date) => line.put_date(&name, *date),
    }
    if name == "UnitPrice" {
        line.put_text("PriceOverridden", "Y");
    }
    if name == "QuantityOrdered" {
        reprice(db, terms, line)?;
    }
    totals::extend(line)?;
    Ok(done())
}

/// `nWrite` on a line: may it be kept?
pub(crate) fn refusal_of(line: &Record) -> Option<Return> {
    line.text("ItemCode")
        .is_empty()
        .then(|| refused("The ItemCode is required."))
}

/// Is there such a warehouse? A company without a table of warehouses has those in which
/// it keeps stock.
pub(crate) fn warehouse_exists(db: &Connection, code: &str) -> Result<bool, StoreError> {
    use super::record::exists;
    let having = [("WarehouseCode", code)];
    match exists(db, "IM_Warehouse", &having)? {
        Some(found) => Ok(found),
        None => Ok(exists(db, "IM_ItemWarehouse", &having)?.unwrap_or(false)),
    }
}

fn load_item(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    code: &str,
) -> Result<Return, StoreError> {
    let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", code)])? else {
        return Ok(refused(format!("The ItemCode {code} is not on file.")));
    };
    if item.text("InactiveItem") == "Y" {
        return Ok(refused(format!("Item {code} is inactive.")));
    }
    if item.text("UseInSO") == "N" {
        return Ok(refused(format!("Item {code} is not used in Sales Order.")));
    }
    for column in [
        "ItemCode",
        "ItemType",
        "ItemCodeDesc",
        "ExtendedDescriptionKey",
        "TaxClass",
        "SalesAcctKey",
        "CostOfGoodsSoldAcctKey",
        "DropShip",
        "Valuation",
        "CommodityCode",
        "WarrantyCode",
    ] {
        line.copy_column(column, &item, column)?;
    }
    let is_standard_cost = item.text("Valuation") == "1";
    let cost = if is_standard_cost {
        "StandardUnitCost"
    } else {
        "AverageUnitCost"
    };
    line.copy_column("UnitCost", &item, cost)?;
    let (unit, factor) = sales_unit(&item);
    line.put_text("UnitOfMeasure", unit);
    line.put_number("UnitOfMeasureConvFactor", factor)?;
    line.put_text("PriceLevel", terms.price_level);
    line.put_text("PriceOverridden", "N");
    line.put_text(
        "Discount",
        if item.text("AllowTradeDiscount") == "N" {
            "N"
        } else {
            "Y"
        },
    );
    let warehouse = if terms.warehouse.is_empty() {
        item.text("DefaultWarehouseCode")
    } else {
        terms.warehouse
    };
    line.put_text(
        "WarehouseCode",
        if item.text("ItemType") == "1" {
            warehouse
        } else {
            ""
        },
    );
    line.put_number("LineDiscountPercent", Decimal::zero(3))?;
    reprice(db, terms, line)?;
    totals::extend(line)?;
    Ok(done())
}

fn set_unit(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    unit: &str,
) -> Result<Return, StoreError> {
    let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", line.text("ItemCode"))])? else {
        return Ok(refused("The ItemCode is not on file."));
    };
    let (sales_unit, sales_factor) = sales_unit(&item);
    let factor = if unit == item.text("StandardUnitOfMeasure") {
        Decimal::new(1, 0)
    } else if unit == sales_unit {
        sales_factor
    } else {
        return Ok(refused(format!(
            "The UnitOfMeasure {unit} is not valid for item {}.",
            item.text("ItemCode")
        )));
    };
    line.put_text("UnitOfMeasure", unit);
    line.put_number("UnitOfMeasureConvFactor", factor)?;
    reprice(db, terms, line)?;
    totals::extend(line)?;
    Ok(done())
}

/// Prices are kept per standard unit; a line in another unit is priced by its factor.
fn reprice(db: &Connection, terms: &OrderTerms<'_>, line: &mut Record) -> Result<(), StoreError> {
    if line.text("PriceOverridden") == "Y" || matches!(line.text("ItemType"), "3" | "4") {
        return Ok(());
    }
    let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", line.text("ItemCode"))])? else {
        return Ok(());
    };
    let rule = pricing::find_rule(db, &item, terms.division, terms.customer, terms.price_level)?;
    let factor = line.number("UnitOfMeasureConvFactor");
    let factor = if factor.is_zero() {
        Decimal::new(1, 0)
    } else {
        factor
    };
    let quantity = line.number("QuantityOrdered").multiply(factor, 6)?;
    let price = ItemPrices::of_item(&item).price(rule.as_ref(), quantity, terms.order_date)?;
    line.put_number("UnitPrice", price.multiply(factor, 6)?)
}

fn sales_unit(item: &Record) -> (&str, Decimal) {
    let factor = item.number("SalesUMConvFctr");
    let factor = if factor.is_zero() {
        Decimal::new(1, 0)
    } else {
        factor
    };
    match item.text("SalesUnitOfMeasure") {
        "" => (item.text("StandardUnitOfMeasure"), Decimal::new(1, 0)),
        unit => (unit, factor),
    }
}
