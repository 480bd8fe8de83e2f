//! Price jobs, which leave no stamps.

use rusqlite::{Connection, OptionalExtension as _, params};
use values::Decimal;

use super::{Options, PlayError, Report, add, in_transaction};
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
            for (row, key) in rows {
                // A quarter and more, never nothing.
                add(
                    db,
                    table,
                    column,
                    row,
                    Decimal::new(random.between(1, 40) * 25, 2),
                )?;
                report.updated(table, 1);
                report.key(table, key);
                left -= 1;
            }
        }
        enough(left, wanted, "prices")?;
        Ok(report)
    })
}

/// Exactly so many items go on sale for a month, at three quarters of their price.
pub(super) fn promotion(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(PROMOTED);
    let today = company.stamp()?.date();
    let end = today.saturating_add(jiff::Span::new().days(30));
    in_transaction(company, |db| {
        let mut report = Report::default();
        let code = promotion_code(db)?;
        // Those first that are on no sale.
        let items: Vec<(i64, String, String)> = db
            .prepare(
                "SELECT rowid, ItemCode, CAST(StandardUnitPrice AS TEXT) FROM CI_Item \
                 WHERE ItemType = '1' AND CAST(StandardUnitPrice AS REAL) > 0 \
                 ORDER BY SaleMethod = 'P', ItemCode",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        let mut update = db.prepare(
            "UPDATE CI_Item SET SaleMethod = 'P', SalesPromotionCode = ?2, SaleStartingDate = ?3, \
             SaleEndingDate = ?4, SalesPromotionPrice = ?5 WHERE rowid = ?1 \
             AND (SaleMethod, SalesPromotionCode, SaleStartingDate, SaleEndingDate, SalesPromotionPrice) \
             <> ('P', ?2, ?3, ?4, ?5)",
        )?;
        let mut left = wanted;
        for (row, item, price) in items {
            if left == 0 {
                break;
            }
            let price = Decimal::parse(&price, 6)?.multiply(Decimal::new(75, 2), 2)?;
            let values = params![
                row,
                code,
                today.to_string(),
                end.to_string(),
                price.rescale(6)?.to_string()
            ];
            if update.execute(values)? > 0 {
                report.updated("CI_Item", 1);
                report.key("CI_Item", item);
                left -= 1;
            }
        }
        enough(left, wanted, "items that can go on sale")?;
        Ok(report)
    })
}

/// A promotion that the company knows, else none.
fn promotion_code(db: &Connection) -> Result<String, PlayError> {
    if !super::has_table(db, "IM_Promotion")? {
        return Ok(String::new());
    }
    let code = db
        .prepare("SELECT PromotionCode FROM IM_Promotion ORDER BY SaleMethod <> 'P', PromotionCode LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(code.unwrap_or_default())
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
