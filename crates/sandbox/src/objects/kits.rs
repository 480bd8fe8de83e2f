//! Kits: items that an order may show as their components.
//!
//! An exploded kit's line has `ExplodedKitItem` `Y` and carries the price. Its components
//! follow as lines with `C`, with the kit's line key in `SalesKitLineKey`, how many of each
//! a kit has in `QuantityPerBill`, and no price. The components come from
//! `IM_SalesKitDetail`, and it is they that hold stock; a kit that stays one line holds
//! only what the company may keep of the kit itself.
//!
//! Whether a kit is exploded stands in the item (`ExplodeKitItems`): always, never, or by a
//! question on the screen. What the question comes to where there is no screen is not
//! known, so the setting `kit_prompt` chooses.

use std::sync::Arc;

use rusqlite::Connection;
use values::Decimal;

use super::record::{Layout, Record, StoreError};
use super::{settings, units};

const COMPONENTS: &str = "IM_SalesKitDetail";

/// How a line of the item is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explosion {
    /// No kit, or a kit that stays one line.
    Whole,
    /// A kit with its components.
    Components,
}

/// What Sage does with the item when it comes on a line; the error is its refusal.
pub(crate) fn explosion_of(db: &Connection, item: &Record) -> Result<Result<Explosion, String>, StoreError> {
    let code = item.text("ItemCode");
    if !is_kit(item) {
        return Ok(Ok(Explosion::Whole));
    }
    let explosion = match item.text("ExplodeKitItems") {
        "A" => Explosion::Components,
        "P" => match settings::get(db, "kit_prompt")?.as_deref() {
            Some("explode") => Explosion::Components,
            Some("skip") => Explosion::Whole,
            Some("fault") => settings::never_answer(),
            Some(_) | None => {
                return Ok(Err(format!(
                    "Item {code} is a kit: answer whether to explode it into its components."
                )));
            }
        },
        _ => Explosion::Whole,
    };
    if explosion == Explosion::Components && components_of(db, code)?.is_empty() {
        return Ok(Err(format!("Item {code} is a kit without components.")));
    }
    Ok(Ok(explosion))
}

/// Why `ExplodedKitItem` of a line does not take this value.
pub(crate) fn refusal_of(db: &Connection, item: &Record, value: &str) -> Result<Option<String>, StoreError> {
    let code = item.text("ItemCode");
    Ok(match (is_kit(item), item.text("ExplodeKitItems"), value) {
        (true, "A", "N") => Some(format!("Item {code} is always exploded into its components.")),
        (true, "P", "Y") if components_of(db, code)?.is_empty() => {
            Some(format!("Item {code} is a kit without components."))
        }
        (true, "A" | "P", "Y") | (_, _, "N") => None,
        (true, _, "Y") => Some(format!("Item {code} is never exploded into its components.")),
        (false, _, "Y") => Some(format!("Item {code} is not a kit.")),
        _ => Some(format!("The ExplodedKitItem {value} is not valid.")),
    })
}

/// Is it a kit?
pub(crate) fn is_kit(item: &Record) -> bool {
    item.text("ProductType") == "K"
}

/// The component lines of a kit's line. Those that it had (`earlier`) keep their keys;
/// `next_key` gives keys to new ones.
pub(crate) fn component_lines(
    db: &Connection,
    kit: &Record,
    earlier: Vec<Record>,
    layout: &Arc<Layout>,
    next_key: &mut dyn FnMut() -> u32,
) -> Result<Vec<Record>, StoreError> {
    if kit.text("ExplodedKitItem") != "Y" {
        return Ok(Vec::new());
    }
    let mut lines = earlier;
    if lines.is_empty() {
        for component in components_of(db, kit.text("ItemCode"))? {
            lines.push(component_line(db, kit, &component, layout, next_key())?);
        }
    }
    let kits = kit
        .number("QuantityOrdered")
        .multiply(units::factor(kit.number("UnitOfMeasureConvFactor")), 6)?;
    for line in &mut lines {
        line.put_number(
            "QuantityOrdered",
            kits.multiply(line.number("QuantityPerBill"), 6)?,
        )?;
        line.put_text("WarehouseCode", warehouse_of(kit, line));
        line.put_date("PromiseDate", kit.date("PromiseDate"));
    }
    Ok(lines)
}

fn component_line(
    db: &Connection,
    kit: &Record,
    component: &Record,
    layout: &Arc<Layout>,
    key: u32,
) -> Result<Record, StoreError> {
    let mut line = Record::blank(layout);
    let code = component.text("ComponentItemCode");
    line.put_text("SalesOrderNo", kit.text("SalesOrderNo"));
    line.put_text("LineKey", &format!("{key:06}"));
    line.put_text("LineSeqNo", &format!("{key:014}"));
    line.put_text("SOHistoryDetlSeqNo", &format!("{key:014}"));
    line.put_text("SalesKitLineKey", kit.text("LineKey"));
    line.put_text("ExplodedKitItem", "C");
    line.put_text("ItemCode", code);
    line.put_text("ItemType", component.text("ItemType"));
    line.put_text("ItemCodeDesc", component.text("ComponentDesc"));
    line.put_text("CommentText", component.text("CommentText"));
    line.put_text("SkipPrintCompLine", flag(component.text("SkipPrintCompLine")));
    line.put_text("PriceOverridden", "N");
    line.put_text("DropShip", flag(kit.text("DropShip")));
    line.put_text("UnitOfMeasure", component.text("UnitOfMeasure"));
    line.put_number("UnitOfMeasureConvFactor", Decimal::new(1, 0))?;
    line.put_number("QuantityPerBill", component.number("QuantityPerAssembly"))?;
    if let Some(item) = Record::look_up(db, "CI_Item", &[("ItemCode", code)])? {
        for column in [
            "ItemType",
            "TaxClass",
            "SalesAcctKey",
            "CostOfGoodsSoldAcctKey",
            "Valuation",
            "CommodityCode",
        ] {
            line.copy_column(column, &item, column)?;
        }
        if let Some(factor) = units::factor_of(&item, component.text("UnitOfMeasure")) {
            line.put_number("UnitOfMeasureConvFactor", factor)?;
        }
    }
    Ok(line)
}

fn warehouse_of<'a>(kit: &'a Record, line: &Record) -> &'a str {
    if line.text("ItemType") == "1" {
        kit.text("WarehouseCode")
    } else {
        ""
    }
}

fn components_of(db: &Connection, kit: &str) -> Result<Vec<Record>, StoreError> {
    match Layout::read_if_any(db, COMPONENTS)? {
        Some(layout) => Record::read_all(db, &layout, &[("SalesKitNo", kit)]),
        None => Ok(Vec::new()),
    }
}

fn flag(text: &str) -> &str {
    if text.is_empty() { "N" } else { text }
}
