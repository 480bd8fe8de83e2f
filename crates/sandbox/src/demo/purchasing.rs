//! Purchase orders: what is to come from vendors, and orders that were received.

use rusqlite::Connection;

use super::items::Item;
use super::{USERS, WAREHOUSES, amount, days_before, office_hours, price, quantity};
use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;
use crate::row::Row;

/// Purchase orders that are due, at scale 1.
const DUE: u32 = 25;
/// Purchase orders that were received, at scale 1.
const RECEIVED: u32 = 40;
const FIRST_NUMBER: u32 = 10_001;

/// Vendors: number, name, city, state, zip code.
type Vendor = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const VENDORS: [Vendor; 8] = [
    ("ALLSTEE", "All Steel Office Works", "Muscatine", "IA", "52761"),
    ("ATLAS", "Atlas Paper Mills", "Appleton", "WI", "54911"),
    ("BRIGHTL", "Brightline Lighting", "Grand Rapids", "MI", "49503"),
    ("CONNEX", "Connex Cable and Toner", "San Jose", "CA", "95112"),
    ("EASTIMP", "Eastern Importers", "Newark", "NJ", "07102"),
    ("MIDWEST", "Midwest Furniture Supply", "Rockford", "IL", "61101"),
    ("NORTHPK", "Northern Packaging", "Duluth", "MN", "55802"),
    ("PACIFIC", "Pacific Business Machines", "Portland", "OR", "97209"),
];

/// Writes purchase orders, and notes on the items what is to come.
pub(super) fn write(connection: &Connection, plan: &Plan, items: &mut [Item]) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "purchasing");
    let bought: Vec<_> = (0..items.len()).filter(|i| items[*i].is_bought()).collect();
    let received = RECEIVED * plan.scale;
    for number in FIRST_NUMBER..FIRST_NUMBER + received {
        let days = random.between(45, 360);
        let stamp = office_hours(&mut random, days_before(plan.today, days));
        let vendor = random.pick(&VENDORS);
        history(number, vendor, "C")
            .with("PurchaseOrderDate", stamp.date().to_string())
            .created(stamp, USERS[0])
            .insert(connection)?;
    }
    let first = FIRST_NUMBER + received;
    for number in first..first + DUE * plan.scale {
        write_due(connection, plan, &mut random, number, &bought, items)?;
    }
    Ok(())
}

fn write_due(
    connection: &Connection,
    plan: &Plan,
    random: &mut Random,
    number: u32,
    bought: &[usize],
    items: &mut [Item],
) -> Result<(), SandboxError> {
    let vendor = random.pick(&VENDORS);
    let warehouse = random.place(WAREHOUSES.len());
    let days = random.between(1, 40);
    let stamp = office_hours(random, days_before(plan.today, days));
    let required = days_before(plan.today, -random.between(2, 30)).to_string();
    // Some have brought a part already.
    let is_partial = random.chance(25);
    let status = if is_partial { "B" } else { "O" };
    let (mut total, mut arrived_amount) = (0, 0);
    for place in 1..=random.between(3, 9) {
        let item = &mut items[random.pick(bought)];
        let to_come = random.between(1, 20) * 12;
        let arrived = if is_partial { random.between(0, 3) * 12 } else { 0 };
        let ordered = to_come + arrived;
        item.on_purchase[warehouse] += to_come;
        total += ordered * item.cost;
        arrived_amount += arrived * item.cost;
        Row::new("PO_PurchaseOrderDetail")
            .with("PurchaseOrderNo", format!("{number:07}"))
            .with("LineKey", format!("{place:06}"))
            .with("LineSeqNo", format!("{place:014}"))
            .with("ItemCode", item.code.as_str())
            .with("ItemType", "1")
            .with("ItemCodeDesc", item.desc.as_str())
            .with("UnitOfMeasure", item.unit)
            .with("WarehouseCode", WAREHOUSES[warehouse])
            .with("ProductLine", item.product_line)
            .with("RequiredDate", required.as_str())
            .with("Valuation", "2")
            .with("QuantityOrdered", quantity(ordered))
            .with("QuantityReceived", quantity(arrived))
            .with("UnitCost", price(item.cost))
            .with("OriginalUnitCost", price(item.cost))
            .with("ExtensionAmt", amount(ordered * item.cost))
            .with("ReceivedAmt", amount(arrived * item.cost))
            .with("UnitOfMeasureConvFactor", "1.0000")
            .insert(connection)?;
    }
    let (vendor_no, name, city, state, zip) = vendor;
    Row::new("PO_PurchaseOrderHeader")
        .with("PurchaseOrderNo", format!("{number:07}"))
        .with("PurchaseOrderDate", stamp.date().to_string())
        .with("OrderType", "S")
        .with("OrderStatus", status)
        .with("RequiredExpireDate", required)
        .with("APDivisionNo", "01")
        .with("VendorNo", vendor_no)
        .with("PurchaseName", name)
        .with("PurchaseCity", city)
        .with("PurchaseState", state)
        .with("PurchaseZipCode", zip)
        .with("PurchaseCountryCode", "USA")
        .with("ShipVia", "COMMON CARRIER")
        .with("WarehouseCode", WAREHOUSES[warehouse])
        .with("TermsCode", "01")
        .with("NonTaxableAmt", amount(total))
        .with("ReceivedAmt", amount(arrived_amount))
        .created(stamp, USERS[0])
        .insert(connection)?;
    history(number, vendor, status)
        .with("PurchaseOrderDate", stamp.date().to_string())
        .created(stamp, USERS[0])
        .insert(connection)
}

fn history(number: u32, vendor: Vendor, status: &str) -> Row {
    Row::new("PO_PurchaseOrderHistoryHeader")
        .with("PurchaseOrderNo", format!("{number:07}"))
        .with("OrderStatus", status)
        .with("APDivisionNo", "01")
        .with("VendorNo", vendor.0)
}
