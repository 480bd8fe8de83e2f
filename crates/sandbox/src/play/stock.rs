//! Stock jobs, which leave no stamps.

use rusqlite::params;

use super::prices::enough;
use super::{Options, PlayError, Report, in_transaction};
use crate::Company;
use crate::random::Random;

const MOVED: u64 = 50;

/// Exactly so many stock records get another quantity.
pub(super) fn stock_batch(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(MOVED);
    let mut random = Random::for_part(options.seed, "stock-batch");
    in_transaction(company, |db| {
        let mut report = Report::default();
        let rows: Vec<(String, String)> = db
            .prepare("SELECT ItemCode, WarehouseCode FROM IM_ItemWarehouse ORDER BY rowid LIMIT ?1")?
            .query_map([wanted.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (item, warehouse) in &rows {
            let units = random.between(1, 500);
            db.prepare_cached(
                "UPDATE IM_ItemWarehouse SET QuantityOnHand = printf('%.6f', CAST(QuantityOnHand AS REAL) + ?3) \
                 WHERE ItemCode = ?1 AND WarehouseCode = ?2",
            )?
            .execute(params![item, warehouse, units])?;
            report.updated("IM_ItemWarehouse", 1);
            report.key("IM_ItemWarehouse", format!("{item}:{warehouse}"));
        }
        enough(wanted - rows.len() as u64, wanted, "stock records")?;
        Ok(report)
    })
}
