//! Price jobs, which leave no stamps.

use rusqlite::params;

use super::{Options, PlayError, Report, in_transaction};
use crate::Company;
use crate::random::Random;

const LOADED: u64 = 100;
const PROMOTED: u64 = 10;

/// Exactly so many prices really change: price records first, then items.
pub(super) fn price_load(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(LOADED);
    let mut random = Random::for_part(options.seed, "price-load");
    in_transaction(company, |db| {
        let mut report = Report::default();
        let mut left = wanted;
        for (table, column, key) in [
            (
                "IM_PriceCode",
                "DiscountMarkup1",
                "PriceCodeRecord || ':' || PriceCode || ':' || ItemCode",
            ),
            ("CI_Item", "StandardUnitPrice", "ItemCode"),
        ] {
            let mut select = db.prepare(&format!(
                "SELECT rowid, {key} FROM {table} ORDER BY rowid LIMIT ?1"
            ))?;
            let rows: Vec<(i64, String)> = select
                .query_map([left.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            let mut update = db.prepare(&format!(
                "UPDATE {table} SET {column} = printf('%.6f', CAST({column} AS REAL) + ?2) WHERE rowid = ?1"
            ))?;
            for (row, key) in rows {
                // A quarter and more: exact in binary, and never nothing.
                let quarters = f64::from(u16::try_from(random.between(1, 40)).unwrap_or(1));
                update.execute(params![row, quarters * 0.25])?;
                report.updated(table, 1);
                report.key(table, key);
                left -= 1;
            }
        }
        enough(left, wanted, "prices")?;
        Ok(report)
    })
}

/// Items go on sale for a month.
pub(super) fn promotion(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(PROMOTED);
    let today = company.stamp()?.date();
    in_transaction(company, |db| {
        let mut report = Report::default();
        let end = today.saturating_add(jiff::Span::new().days(30));
        let items = super::texts(
            db,
            &format!("SELECT ItemCode FROM CI_Item WHERE ItemType = '1' ORDER BY ItemCode LIMIT {wanted}"),
        )?;
        for item in &items {
            db.prepare_cached(
                "UPDATE CI_Item SET SaleMethod = 'P', SalesPromotionCode = 'PLAY', SaleStartingDate = ?2, SaleEndingDate = ?3, \
                 SalesPromotionPrice = printf('%.6f', CAST(StandardUnitPrice AS REAL) * 0.75) WHERE ItemCode = ?1",
            )?
            .execute(params![item, today.to_string(), end.to_string()])?;
            report.updated("CI_Item", 1);
            report.key("CI_Item", item);
        }
        enough(wanted - items.len() as u64, wanted, "items")?;
        Ok(report)
    })
}

/// A script that was told a number does that number, or nothing.
pub(super) fn enough(left: u64, wanted: u64, what: &str) -> Result<(), PlayError> {
    if left > 0 {
        let found = wanted - left;
        return Err(PlayError::NothingToDo(format!(
            "the company has {found} {what}, {wanted} were asked for"
        )));
    }
    Ok(())
}
