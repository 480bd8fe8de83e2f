//! What more is known of items: long descriptions, other numbers, substitutes and the
//! site's own columns.

use rusqlite::Connection;

use super::customers::Customer;
use super::items::Item;
use super::{USERS, days_before, rate};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// One item in so many has a long description, a number of its own at a customer, another
/// item that stands in for it.
const DESCRIBED: usize = 20;
const ALIASED: usize = 30;
const SUBSTITUTED: usize = 40;

/// The key of an item's long description; blank when it has none.
pub(super) fn description_key(place: usize, item: &Item) -> String {
    if item.item_type == "1" && place.is_multiple_of(DESCRIBED) {
        format!("{:010}", place / DESCRIBED + 1)
    } else {
        String::new()
    }
}

/// The row with the site's own columns: seven goods in ten are sold on the web.
pub(super) fn with_own_columns(row: Row, plan: &Plan, item: &Item, random: &mut Random) -> Row {
    let web = random.chance(70);
    let margin = match item.price {
        0 => 0,
        price => (price - item.cost) * 1000 / price,
    };
    let row = row
        .with("UDF_WEB", if web { "Y" } else { "N" })
        .with("UDF_MARGIN", rate(margin));
    if web && item.item_type == "1" {
        let days = random.between(10, 360);
        row.with("UDF_WEB_CATEGORY", category(item.product_line))
            .with("UDF_LAUNCH", days_before(plan.today, days).to_string())
    } else {
        row
    }
}

fn category(product_line: &str) -> &'static str {
    match product_line {
        "FURN" | "SEAT" => "Furniture",
        "PAPR" | "WRIT" | "DESK" => "Supplies",
        "TECH" | "TONR" => "Technology",
        "BREA" => "Breakroom",
        _ => "Sets",
    }
}

/// Writes long descriptions, aliases and alternates.
pub(super) fn write(
    connection: &Connection,
    items: &[Item],
    customers: &[Customer],
) -> Result<(), SandboxError> {
    for (place, item) in items.iter().enumerate().filter(|(_, i)| i.item_type == "1") {
        let key = description_key(place, item);
        if !key.is_empty() {
            Row::new("CI_ExtendedDescription")
                .with("ExtendedDescriptionKey", key)
                .with(
                    "ExtendedDescriptionText",
                    format!(
                        "{}. Built for everyday use in the office and backed by our one-year replacement \
                         promise. Sold by the {}; ships from stock.",
                        item.desc,
                        item.unit.to_lowercase()
                    ),
                )
                .created(item.created, USERS[0])
                .insert(connection)?;
        }
        if place % ALIASED == 3 {
            // Every other one is a customer's own number, the rest is everybody's.
            let owner = customers
                .get(place / ALIASED)
                .filter(|_| (place / ALIASED) % 2 == 1);
            Row::new("IM_AliasItem")
                .with("AliasItemNo", format!("UPC{:09}", 73_100 + place * 17))
                .with("ItemCode", item.code.as_str())
                .with("ARDivisionNo", owner.map_or("", |c| c.division))
                .with("CustomerNo", owner.map_or("", |c| c.number.as_str()))
                .with("AliasItemDesc", item.desc.as_str())
                .created(item.created, USERS[0])
                .insert(connection)?;
        }
        if place % SUBSTITUTED == 7
            && let Some(other) = items
                .get(place + 1)
                .filter(|o| o.product_line == item.product_line)
        {
            Row::new("IM_AlternateItem")
                .with("ItemCode", item.code.as_str())
                .with("Priority", format!("{:014}", 1))
                .with("AlternateItem", other.code.as_str())
                .created(item.created, USERS[0])
                .insert(connection)?;
        }
    }
    Ok(())
}
