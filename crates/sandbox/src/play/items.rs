//! Items that are deleted.

use rusqlite::Connection;

use super::prices::enough;
use super::{Options, PlayError, Report, has_table, in_transaction, texts};
use crate::Company;

const DELETED: u64 = 2;

/// Tables that name long descriptions.
const DESCRIBED: [&str; 6] = [
    "CI_Item",
    "SO_SalesOrderDetail",
    "SO_InvoiceDetail",
    "PO_PurchaseOrderDetail",
    "SO_SalesOrderHistoryDetail",
    "AR_InvoiceHistoryDetail",
];

/// Tables whose rows go with an item, and the column that names it.
const WITH_THE_ITEM: [(&str, &str); 6] = [
    ("IM_ItemWarehouse", "ItemCode"),
    ("IM_PriceCode", "ItemCode"),
    ("IM_ItemCost", "ItemCode"),
    ("IM_AliasItem", "ItemCode"),
    ("IM_AlternateItem", "ItemCode"),
    ("IM_SalesKitDetail", "SalesKitNo"),
];

/// Items without documents go, with what hangs on them. Sage keeps no trace.
pub(super) fn delete(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let wanted = options.count.unwrap_or(DELETED);
    in_transaction(company, |db| {
        let mut report = Report::default();
        let mut used = String::new();
        for (table, column) in [
            ("SO_SalesOrderDetail", "ItemCode"),
            ("SO_InvoiceDetail", "ItemCode"),
            ("PO_PurchaseOrderDetail", "ItemCode"),
            ("IM_SalesKitDetail", "ComponentItemCode"),
            ("IM_AlternateItem", "AlternateItem"),
            ("SO_SalesOrderHistoryDetail", "ItemCode"),
            ("AR_InvoiceHistoryDetail", "ItemCode"),
        ] {
            if has_table(db, table)? {
                used.push_str(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM {table} u WHERE u.{column} = i.ItemCode)"
                ));
            }
        }
        // Those first that have stock, so that more than the item goes.
        let stocked = if has_table(db, "IM_ItemWarehouse")? {
            "EXISTS (SELECT 1 FROM IM_ItemWarehouse w WHERE w.ItemCode = i.ItemCode) DESC, "
        } else {
            ""
        };
        let items = texts(
            db,
            &format!(
                "SELECT ItemCode FROM CI_Item i WHERE ItemType = '1'{used} ORDER BY {stocked}ItemCode DESC LIMIT {}",
                wanted.min(i64::MAX.unsigned_abs())
            ),
        )?;
        enough(wanted - items.len() as u64, wanted, "items that nothing uses")?;
        for item in &items {
            for (table, column) in WITH_THE_ITEM {
                if has_table(db, table)? {
                    let rows = db
                        .prepare_cached(&format!("DELETE FROM {table} WHERE {column} = ?1"))?
                        .execute([item])?;
                    if rows > 0 {
                        report.deleted(table, rows as u64);
                    }
                }
            }
            let description: String = db
                .prepare_cached("SELECT ExtendedDescriptionKey FROM CI_Item WHERE ItemCode = ?1")?
                .query_row([item], |row| row.get(0))?;
            db.prepare_cached("DELETE FROM CI_Item WHERE ItemCode = ?1")?
                .execute([item])?;
            delete_description(db, &description, &mut report)?;
            report.deleted("CI_Item", 1);
            report.key("CI_Item", item);
        }
        Ok(report)
    })
}

/// A long description goes with the last that names it.
fn delete_description(db: &Connection, key: &str, report: &mut Report) -> Result<(), PlayError> {
    if key.is_empty() || !has_table(db, "CI_ExtendedDescription")? {
        return Ok(());
    }
    for table in DESCRIBED {
        if has_table(db, table)?
            && db
                .prepare_cached(&format!(
                    "SELECT 1 FROM {table} WHERE ExtendedDescriptionKey = ?1"
                ))?
                .exists([key])?
        {
            return Ok(());
        }
    }
    let rows = db
        .prepare_cached("DELETE FROM CI_ExtendedDescription WHERE ExtendedDescriptionKey = ?1")?
        .execute([key])?;
    if rows > 0 {
        report.deleted("CI_ExtendedDescription", rows as u64);
    }
    Ok(())
}
