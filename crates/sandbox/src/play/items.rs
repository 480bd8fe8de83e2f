//! Items that are deleted.

use super::prices::enough;
use super::{Options, PlayError, Report, has_table, in_transaction, texts};
use crate::Company;

const DELETED: u64 = 2;

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
        ] {
            if has_table(db, table)? {
                used.push_str(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM {table} u WHERE u.{column} = i.ItemCode)"
                ));
            }
        }
        let items = texts(
            db,
            &format!(
                "SELECT ItemCode FROM CI_Item i WHERE ItemType = '1'{used} ORDER BY ItemCode DESC LIMIT {wanted}"
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
            db.prepare_cached("DELETE FROM CI_Item WHERE ItemCode = ?1")?
                .execute([item])?;
            report.deleted("CI_Item", 1);
            report.key("CI_Item", item);
        }
        Ok(report)
    })
}
