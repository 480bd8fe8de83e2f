//! A big `IM_ItemWarehouse` and nothing else, to measure reading with.

use rusqlite::{Connection, params};
use values::{Date, Decimal, Stamp};

use crate::SandboxError;
use crate::create::Plan;
use crate::random::Random;

/// Writes so many rows: three warehouses for each item.
pub(crate) fn write(connection: &Connection, plan: &Plan, rows: u64) -> Result<(), SandboxError> {
    let mut random = Random::for_part(plan.seed, "stock");
    let mut statement = connection.prepare(
        "INSERT INTO IM_ItemWarehouse
           (ItemCode, WarehouseCode, BinLocation, ReorderMethod, QuantityOnHand, QuantityOnPurchaseOrder,
            QuantityOnSalesOrder, AverageCost, ReorderPointQty, TotalWarehouseValue,
            DateCreated, TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
         VALUES (?1, ?2, ?3, 'R', ?4, ?5, ?6, ?7, ?8, ?9, ?10, '8.00000', '0000000001', ?11, ?12, '0000000002')",
    )?;
    let created = before(plan.today, 364).to_string();
    for row in 0..rows {
        let on_hand = random.between(0, 5_000);
        let cost = random.between(50, 90_000);
        let stamp = stamp(&mut random, plan.today);
        statement.execute(params![
            format!("ITEM-{:08}", row / 3),
            ["000", "001", "002"][usize::try_from(row % 3).unwrap_or(0)],
            format!(
                "{}-{:02}",
                random.pick(&["A", "B", "C", "D"]),
                random.between(1, 40)
            ),
            units(on_hand),
            units(random.between(0, 3) * 12),
            units(random.between(0, 40)),
            Decimal::new(cost * 10_000, 6).to_string(),
            units(random.between(0, 50)),
            Decimal::new(on_hand * cost, 2).to_string(),
            created,
            stamp.date().to_string(),
            stamp.hours_text(),
        ])?;
    }
    Ok(())
}

fn units(count: i64) -> String {
    Decimal::new(count * 1_000_000, 6).to_string()
}

fn stamp(random: &mut Random, today: Date) -> Stamp {
    let midnight = before(today, random.between(0, 363)).to_datetime(jiff::civil::Time::midnight());
    Stamp::of(midnight.saturating_add(jiff::Span::new().seconds(random.between(6 * 3600, 20 * 3600))))
}

fn before(date: Date, days: i64) -> Date {
    jiff::Span::new()
        .try_days(days)
        .map_or(date, |span| date.saturating_sub(span))
}
