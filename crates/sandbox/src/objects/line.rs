//! A line of a sales order under work.

use rusqlite::Connection;
use sage::{Return, Scalar};
use values::{Date, Decimal};

use super::input::{accept, done, refused, warned};
use super::price_lookup::{self, Buyer};
use super::record::{Cell, Record, StoreError};
use super::{codes, kits, line_item, settings, totals, units};

/// What a line takes from its order.
pub(crate) struct OrderTerms<'a> {
    /// Customer's division.
    pub(crate) division: &'a str,
    /// Customer.
    pub(crate) customer: &'a str,
    /// Customer's price level.
    pub(crate) price_level: &'a str,
    /// Ship-to address; may be blank.
    pub(crate) ship_to: &'a str,
    /// The other lines, where quantities count together.
    pub(crate) others: Vec<&'a Record>,
    /// The header's warehouse.
    pub(crate) warehouse: &'a str,
    /// The order's date; promotions run by it.
    pub(crate) order_date: Date,
    /// When its goods are promised.
    pub(crate) promise_date: Option<Date>,
}

/// Columns that Sage works out by itself.
const COMPUTED: [&str; 20] = [
    "SalesOrderNo",
    "LineKey",
    "LineSeqNo",
    "SOHistoryDetlSeqNo",
    "ItemType",
    "PriceOverridden",
    "PriceLevel",
    "Valuation",
    "UnitOfMeasureConvFactor",
    "AliasItemNo",
    "SalesKitLineKey",
    "QuantityPerBill",
    "QuantityShipped",
    "QuantityBackordered",
    "MasterOriginalQty",
    "MasterQtyBalance",
    "MasterQtyOrderedToDate",
    "RepeatingQtyShippedToDate",
    "TaxAmt",
    "TaxRate",
];

/// Columns that are yes or no.
const FLAGS: [&str; 6] = [
    "DropShip",
    "PrintDropShipment",
    "Discount",
    "Commissionable",
    "SubjectToExemption",
    "SkipPrintCompLine",
];

/// Columns of what is counted and priced; charges and comments have none of them.
const COUNTED: [&str; 5] = [
    "QuantityOrdered",
    "UnitPrice",
    "UnitOfMeasure",
    "LineDiscountPercent",
    "WarehouseCode",
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
        ("ItemCode", Cell::Text(code)) => return line_item::load(db, terms, line, code),
        _ if line.text("ItemCode").is_empty() => {
            return Ok(refused(format!("The ItemCode is required before the {name}.")));
        }
        ("UnitOfMeasure", Cell::Text(unit)) if line.text("ItemType") != "2" => {
            return match refusal_by_type(line, &name) {
                Some(words) => Ok(refused(words)),
                None => set_unit(db, terms, line, unit),
            };
        }
        _ => {}
    }
    if let Some(words) = refusal_of_value(db, line, &name, &cell)? {
        return Ok(refused(words));
    }
    match &cell {
        Cell::Text(text) => line.put_text(&name, text),
        Cell::Number(number) => line.put_number(&name, *number)?,
        Cell::Date(date) => line.put_date(&name, *date),
    }
    match name.as_str() {
        "UnitPrice" => line.put_text("PriceOverridden", "Y"),
        "UnitCost" => line.put_text("CostOverridden", "Y"),
        "QuantityOrdered" => reprice(db, terms, line)?,
        _ => {}
    }
    totals::extend(line)?;
    Ok(match below_cost(db, line, &name)? {
        Some(words) => warned(words),
        None => done(),
    })
}

/// `nWrite` on a line: why it may not be kept.
pub(crate) fn refusal_of(db: &Connection, line: &Record) -> Result<Option<String>, StoreError> {
    let name = match line.text("ItemType") {
        _ if line.text("ItemCode").is_empty() => Some("ItemCode"),
        "2" if line.text("ItemCodeDesc").is_empty() => Some("ItemCodeDesc"),
        "1" | "2" | "5"
            if line.number("QuantityOrdered").is_zero() && !settings::is(db, "zero_quantity", "accept")? =>
        {
            Some("QuantityOrdered")
        }
        _ => None,
    };
    Ok(name.map(|name| format!("The {name} is required.")))
}

fn refusal_of_value(
    db: &Connection,
    line: &Record,
    name: &str,
    cell: &Cell,
) -> Result<Option<String>, StoreError> {
    if let Some(words) = refusal_by_type(line, name) {
        return Ok(Some(words));
    }
    match cell {
        Cell::Text(text) => refusal_of_text(db, line, name, text),
        Cell::Number(number) => refusal_of_number(db, line, name, *number),
        Cell::Date(_) => Ok(None),
    }
}

/// Columns that a line of this type does not have.
fn refusal_by_type(line: &Record, name: &str) -> Option<String> {
    match (line.text("ItemType"), name) {
        ("3", _) if COUNTED.contains(&name) => Some(format!("The {name} is not used on a charge.")),
        ("4", _) if COUNTED.contains(&name) || name == "ExtensionAmt" => {
            Some(format!("The {name} is not used on a comment."))
        }
        ("5", "WarehouseCode") => Some("The WarehouseCode is not used on a miscellaneous item.".into()),
        ("1" | "2" | "5", "ExtensionAmt") => Some("The ExtensionAmt cannot be changed.".into()),
        ("1" | "3" | "4" | "5", "UnitCost") => {
            Some("The UnitCost can be changed on a special item only.".into())
        }
        _ => None,
    }
}

fn refusal_of_text(
    db: &Connection,
    line: &Record,
    name: &str,
    text: &str,
) -> Result<Option<String>, StoreError> {
    let code = line.text("ItemCode");
    Ok(match name {
        _ if FLAGS.contains(&name) && !matches!(text, "Y" | "N") => {
            Some(format!("The {name} {text} is not valid."))
        }
        "WarehouseCode" if !warehouse_exists(db, text)? => {
            Some(format!("The WarehouseCode {text} is not on file."))
        }
        "WarehouseCode" if line.text("ItemType") == "1" => {
            let item = Record::look_up(db, "CI_Item", &[("ItemCode", code)])?;
            let is_kit = item.as_ref().is_some_and(kits::is_kit);
            (!is_kit && !line_item::is_held_in(db, code, text)?)
                .then(|| format!("Item {code} is not on file in warehouse {text}."))
        }
        "ExplodedKitItem" => match Record::look_up(db, "CI_Item", &[("ItemCode", code)])? {
            Some(item) => kits::refusal_of(db, &item, text)?,
            None => Some(format!("Item {code} is not a kit.")),
        },
        "SalesAcctKey" | "CostOfGoodsSoldAcctKey"
            if codes::on_file(db, "GL_Account", &[("AccountKey", text)])? == Some(false) =>
        {
            Some(format!("The {name} {text} is not on file."))
        }
        _ => None,
    })
}

fn refusal_of_number(
    db: &Connection,
    line: &Record,
    name: &str,
    number: Decimal,
) -> Result<Option<String>, StoreError> {
    Ok(match name {
        "QuantityOrdered" if number.is_negative() && !may_return(db, line)? => {
            Some("The QuantityOrdered must not be negative.".into())
        }
        "ExtensionAmt" if number.is_negative() && settings::is(db, "negative_charges", "N")? => {
            Some("The ExtensionAmt must not be negative.".into())
        }
        "UnitPrice" | "UnitCost" | "LineDiscountPercent" if number.is_negative() => {
            Some(format!("The {name} must not be negative."))
        }
        "LineDiscountPercent" if number > Decimal::new(100, 0) => {
            Some("The LineDiscountPercent must not exceed 100.".into())
        }
        "UnitPrice" if settings::is(db, "permission:price", "N")? => {
            Some("You do not have permission to change the price.".into())
        }
        "UnitPrice" if settings::is(db, "below_cost", "refuse")? && number < cost_of(line)? => {
            Some(format!("The UnitPrice {number} is below the cost."))
        }
        _ => None,
    })
}

/// A negative quantity is a return; the setting `negative_quantity` = `returns` allows it
/// for items that may be returned.
fn may_return(db: &Connection, line: &Record) -> Result<bool, StoreError> {
    if !settings::is(db, "negative_quantity", "returns")? {
        return Ok(false);
    }
    let item = Record::look_up(db, "CI_Item", &[("ItemCode", line.text("ItemCode"))])?;
    Ok(item.is_some_and(|item| item.text("AllowReturns") == "Y"))
}

fn below_cost(db: &Connection, line: &Record, name: &str) -> Result<Option<String>, StoreError> {
    if name != "UnitPrice" || !settings::is(db, "below_cost", "warn")? {
        return Ok(None);
    }
    let price = line.number("UnitPrice");
    Ok((price < cost_of(line)?).then(|| format!("The UnitPrice {price} is below the cost.")))
}

/// The cost of one in the line's unit.
fn cost_of(line: &Record) -> Result<Decimal, StoreError> {
    let factor = units::factor(line.number("UnitOfMeasureConvFactor"));
    Ok(line.number("UnitCost").multiply(factor, 6)?)
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

fn set_unit(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    unit: &str,
) -> Result<Return, StoreError> {
    let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", line.text("ItemCode"))])? else {
        return Ok(refused("The ItemCode is not on file."));
    };
    let Some(factor) = units::factor_of(&item, unit) else {
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
pub(crate) fn reprice(db: &Connection, terms: &OrderTerms<'_>, line: &mut Record) -> Result<(), StoreError> {
    if line.text("PriceOverridden") == "Y" || !is_priced(line) {
        return Ok(());
    }
    let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", line.text("ItemCode"))])? else {
        return Ok(());
    };
    let buyer = Buyer {
        division: terms.division,
        customer: terms.customer,
        ship_to: terms.ship_to,
        level: terms.price_level,
        day: terms.order_date,
    };
    let mut others = Vec::new();
    for other in terms.others.iter().filter(|line| is_priced(line)) {
        let key = [("ItemCode", other.text("ItemCode"))];
        if let Some(item) = Record::look_up(db, "CI_Item", &key)? {
            others.push((item, standard_units(other)?));
        }
    }
    let factor = units::factor(line.number("UnitOfMeasureConvFactor"));
    let quantity = price_lookup::together(db, &item, standard_units(line)?, &others)?;
    let (price, level) = price_lookup::priced(db, &buyer, &item, factor, quantity)?;
    line.put_text("PriceLevel", &level);
    line.put_number("UnitPrice", price)
}

/// Does the line have a price of its item's?
fn is_priced(line: &Record) -> bool {
    line.text("ExplodedKitItem") != "C" && matches!(line.text("ItemType"), "1" | "5")
}

fn standard_units(line: &Record) -> Result<Decimal, StoreError> {
    let factor = units::factor(line.number("UnitOfMeasureConvFactor"));
    Ok(line.number("QuantityOrdered").multiply(factor, 6)?)
}
