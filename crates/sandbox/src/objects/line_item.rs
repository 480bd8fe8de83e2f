//! `ItemCode$` of a line: what an item brings along. Besides items on file a line takes an
//! alias of one, a special item (`*…`), a comment (`/C`) and a free charge (`/M`).

use rusqlite::Connection;
use sage::Return;
use values::Decimal;

use super::codes::on_file;
use super::input::{done, refused};
use super::kits::{self, Explosion};
use super::line::{OrderTerms, reprice, warehouse_exists};
use super::record::{Record, StoreError};
use super::{settings, totals, units};

/// Columns that an item gives to its line under the same name.
const FROM_ITEM: [&str; 10] = [
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
];

/// Puts the item on the line.
pub(crate) fn load(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    code: &str,
) -> Result<Return, StoreError> {
    if let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", code)])? {
        return load_item(db, terms, line, &item, "");
    }
    if let Some(item) = item_of_alias(db, terms, code)? {
        return load_item(db, terms, line, &item, code);
    }
    match code {
        "/C" => load_free(line, code, "4", ""),
        "/M" => load_free(line, code, "3", "NT"),
        _ if code.len() > 1 && code.starts_with('*') => {
            if settings::is(db, "special_items", "N")? {
                return Ok(refused("Special items are not allowed."));
            }
            let answer = load_free(line, code, "2", "TX")?;
            line.put_text("UnitOfMeasure", "EACH");
            Ok(answer)
        }
        _ => Ok(refused(format!("The ItemCode {code} is not on file."))),
    }
}

/// Does the warehouse hold the item? A company without stock records holds everything.
pub(crate) fn is_held_in(db: &Connection, item: &str, warehouse: &str) -> Result<bool, StoreError> {
    let key = [("ItemCode", item), ("WarehouseCode", warehouse)];
    Ok(on_file(db, "IM_ItemWarehouse", &key)? != Some(false))
}

fn load_item(
    db: &Connection,
    terms: &OrderTerms<'_>,
    line: &mut Record,
    item: &Record,
    alias: &str,
) -> Result<Return, StoreError> {
    let code = item.text("ItemCode");
    if item.text("InactiveItem") == "Y" {
        return Ok(refused(format!("Item {code} is inactive.")));
    }
    if item.text("UseInSO") == "N" {
        return Ok(refused(format!("Item {code} is not used in Sales Order.")));
    }
    let explosion = match kits::explosion_of(db, item)? {
        Ok(explosion) => explosion,
        Err(words) => return Ok(refused(words)),
    };
    start_anew(line, code)?;
    for column in FROM_ITEM {
        line.copy_column(column, item, column)?;
    }
    line.put_text("AliasItemNo", alias);
    let is_standard_cost = item.text("Valuation") == "1";
    let cost = if is_standard_cost {
        "StandardUnitCost"
    } else {
        "AverageUnitCost"
    };
    line.copy_column("UnitCost", item, cost)?;
    let (unit, factor) = units::sales_unit(item);
    line.put_text("UnitOfMeasure", unit);
    line.put_number("UnitOfMeasureConvFactor", factor)?;
    line.put_text("PriceLevel", terms.price_level);
    line.put_text("PriceOverridden", "N");
    let is_discounted = item.text("AllowTradeDiscount") != "N";
    line.put_text("Discount", if is_discounted { "Y" } else { "N" });
    if kits::is_kit(item) {
        let is_exploded = explosion == Explosion::Components;
        line.put_text("ExplodedKitItem", if is_exploded { "Y" } else { "N" });
        line.put_text("StandardKitBill", "N");
    }
    if item.text("ItemType") == "1" {
        line.put_text("WarehouseCode", &warehouse_for(db, terms, item)?);
        line.put_date("PromiseDate", terms.promise_date);
    } else {
        line.put_text("WarehouseCode", "");
    }
    reprice(db, terms, line)?;
    totals::extend(line)?;
    Ok(done())
}

/// The header's warehouse, unless only the item's own one holds it.
fn warehouse_for(db: &Connection, terms: &OrderTerms<'_>, item: &Record) -> Result<String, StoreError> {
    let (code, own) = (item.text("ItemCode"), item.text("DefaultWarehouseCode"));
    let is_own_better = !own.is_empty()
        && warehouse_exists(db, own)?
        && !is_held_in(db, code, terms.warehouse)?
        && is_held_in(db, code, own)?;
    Ok(if terms.warehouse.is_empty() || is_own_better {
        own
    } else {
        terms.warehouse
    }
    .to_owned())
}

/// A line of its own words: nothing on file stands behind it.
fn load_free(line: &mut Record, code: &str, item_type: &str, tax_class: &str) -> Result<Return, StoreError> {
    start_anew(line, code)?;
    for column in FROM_ITEM {
        line.put_text(column, "");
    }
    for (column, text) in [
        ("ItemType", item_type),
        ("TaxClass", tax_class),
        ("DropShip", "N"),
        ("PriceOverridden", "N"),
        ("Discount", if item_type == "2" { "Y" } else { "N" }),
        ("UnitOfMeasure", ""),
        ("WarehouseCode", ""),
        ("AliasItemNo", ""),
        ("PriceLevel", ""),
    ] {
        line.put_text(column, text);
    }
    line.put_number("UnitCost", Decimal::zero(6))?;
    line.put_number("UnitOfMeasureConvFactor", Decimal::new(1, 0))?;
    totals::extend(line)?;
    Ok(done())
}

/// Another item than before leaves nothing of the old one.
fn start_anew(line: &mut Record, code: &str) -> Result<(), StoreError> {
    if line.text("ItemCode") != code {
        for column in ["QuantityOrdered", "UnitPrice", "ExtensionAmt"] {
            line.put_number(column, Decimal::zero(0))?;
        }
    }
    line.put_text("ItemCode", code);
    line.put_text("ExplodedKitItem", "N");
    line.put_date("PromiseDate", None);
    line.put_number("LineDiscountPercent", Decimal::zero(3))
}

/// An alias of this customer, else of everybody.
fn item_of_alias(db: &Connection, terms: &OrderTerms<'_>, alias: &str) -> Result<Option<Record>, StoreError> {
    for (division, customer) in [(terms.division, terms.customer), ("", "")] {
        let key = [
            ("AliasItemNo", alias),
            ("ARDivisionNo", division),
            ("CustomerNo", customer),
        ];
        if let Some(found) = Record::look_up(db, "IM_AliasItem", &key)? {
            return Record::look_up(db, "CI_Item", &[("ItemCode", found.text("ItemCode"))]);
        }
    }
    Ok(None)
}
