//! Stock jobs, which leave no stamps.

use std::collections::BTreeSet;

use rusqlite::OptionalExtension as _;
use values::Decimal;

use super::prices::enough;
use super::{Options, PlayError, Report, add, in_transaction};
use crate::Company;
use crate::random::Random;

const MOVED: u64 = 50;

/// Exactly so many stock records get another quantity, and their items another total.
pub(super) fn stock_batch(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(MOVED);
    let mut random = Random::for_part(options.seed, "stock-batch");
    in_transaction(company, |db| {
        let mut report = Report::default();
        let rows: Vec<(i64, String, String)> = db
            .prepare("SELECT rowid, ItemCode, WarehouseCode FROM IM_ItemWarehouse ORDER BY rowid LIMIT ?1")?
            .query_map([wanted.cast_signed()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        enough(wanted - rows.len() as u64, wanted, "stock records")?;
        let mut items = BTreeSet::new();
        let mut find = db.prepare("SELECT rowid FROM CI_Item WHERE ItemCode = ?1")?;
        for (row, item, warehouse) in rows {
            let units = Decimal::new(random.between(1, 500), 0);
            add(db, "IM_ItemWarehouse", "QuantityOnHand", row, units)?;
            report.updated("IM_ItemWarehouse", 1);
            report.key("IM_ItemWarehouse", format!("{item}:{warehouse}"));
            if let Some(row) = find.query_row([&item], |row| row.get(0)).optional()? {
                add(db, "CI_Item", "TotalQuantityOnHand", row, units)?;
                if items.insert(item.clone()) {
                    report.updated("CI_Item", 1);
                    report.key("CI_Item", item);
                }
            }
        }
        Ok(report)
    })
}
