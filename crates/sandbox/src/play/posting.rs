//! The day end and the cash receipts journal: what was entered is posted.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::prices::enough;
use super::{KEYS, Options, PlayError, Report, has_table, in_transaction, texts};
use crate::Company;
use crate::objects::{batch_is_free, post_batch, post_order, post_receipts};

/// Tables that a posting fills or empties.
const POSTED: [&str; 18] = [
    "SO_SalesOrderHeader",
    "SO_SalesOrderDetail",
    "SO_SalesOrderPayment",
    "SO_InvoiceHeader",
    "SO_InvoiceDetail",
    "SO_InvoiceTracking",
    "SO_ARInvoiceHistoryLink",
    "SO_SalesOrderHistoryPayment",
    "AR_InvoiceHistoryHeader",
    "AR_InvoiceHistoryDetail",
    "AR_InvoiceHistoryTracking",
    "AR_InvoiceHistoryPayment",
    "AR_OpenInvoice",
    "AR_CashReceiptsHeader",
    "AR_CashReceiptsDetail",
    "AR_CashReceiptsDeposit",
    "AR_CashReceiptsHistory",
    "AR_TransactionPaymentHistory",
];

/// Rows whose amounts or quantities an order's posting moves, and their keys.
const MOVED_BY_AN_ORDER: [(&str, &str); 5] = [
    (
        "AR_Customer",
        "SELECT ARDivisionNo || ':' || CustomerNo FROM SO_SalesOrderHeader WHERE SalesOrderNo = ?1",
    ),
    (
        "AR_Customer",
        "SELECT BillToDivisionNo || ':' || BillToCustomerNo FROM SO_SalesOrderHeader \
         WHERE SalesOrderNo = ?1 AND BillToCustomerNo <> ''",
    ),
    (
        "CI_Item",
        "SELECT i.ItemCode FROM SO_SalesOrderDetail d JOIN CI_Item i ON i.ItemCode = d.ItemCode \
         WHERE d.SalesOrderNo = ?1 AND d.ItemType = '1' \
         AND EXISTS (SELECT 1 FROM IM_ItemWarehouse w WHERE w.ItemCode = d.ItemCode)",
    ),
    (
        "IM_ItemWarehouse",
        "SELECT w.ItemCode || ':' || w.WarehouseCode FROM SO_SalesOrderDetail d JOIN IM_ItemWarehouse w \
         ON w.ItemCode = d.ItemCode AND w.WarehouseCode = d.WarehouseCode \
         WHERE d.SalesOrderNo = ?1 AND d.ItemType = '1'",
    ),
    (
        "SO_SalesOrderHistoryDetail",
        "SELECT SalesOrderNo || ':' || SequenceNo || ':' || LineKey FROM SO_SalesOrderHistoryDetail \
         WHERE SalesOrderNo = ?1 AND QuantityShipped <> QuantityOrderedRevised",
    ),
];

/// Keys of rows that move, each told once.
#[derive(Default)]
struct Moved(BTreeMap<&'static str, BTreeSet<String>>);

impl Moved {
    fn read(
        &mut self,
        db: &Connection,
        table: &'static str,
        sql: &str,
        order: &str,
    ) -> Result<(), PlayError> {
        let mut select = db.prepare_cached(sql)?;
        let keys = select.query_map([order], |row| row.get(0))?;
        let known = self.0.entry(table).or_default();
        for key in keys {
            known.insert(key?);
        }
        Ok(())
    }
}

/// Open orders become invoices, those that are shipped first, and all receipts post. Holds,
/// quotes, master and repeating orders stay.
pub(super) fn day_end(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let stamp = company.stamp()?;
    in_transaction(company, |db| {
        let orders = orders(db)?;
        let wanted = options.count.unwrap_or(u64::MAX);
        let orders: Vec<_> = orders
            .into_iter()
            .take(usize::try_from(wanted).unwrap_or(usize::MAX))
            .collect();
        if let Some(count) = options.count {
            enough(
                count - orders.len() as u64,
                count,
                "open orders that can be posted",
            )?;
        }
        let before = counts(db)?;
        let open_before = open_batches(db)?;
        let mut report = Report::default();
        let mut moved = Moved::default();
        moved.read(
            db,
            "AR_Customer",
            "SELECT ARDivisionNo || ':' || CustomerNo FROM AR_CashReceiptsHeader WHERE ?1 = ''",
            "",
        )?;
        for order in &orders {
            for (table, sql) in MOVED_BY_AN_ORDER {
                moved.read(db, table, sql, order)?;
            }
            let Some(invoice) = post_order(db, stamp, order)? else {
                continue;
            };
            report.key("SO_SalesOrderHeader", order);
            report.key("AR_InvoiceHistoryHeader", invoice);
        }
        report.updated("SO_SalesOrderHistoryHeader", orders.len() as u64);
        let receipts = post_receipts(db, stamp)?;
        tell_receipts(&mut report, &receipts);
        tell_batches(&mut report, &open_before, &open_batches(db)?);
        if orders.is_empty() && receipts.is_empty() {
            return Err(PlayError::NothingToDo(
                "the company has no open order and no receipt to post".to_owned(),
            ));
        }
        tell_moves(&mut report, &before, &counts(db)?);
        for (table, keys) in moved.0 {
            report.updated(table, keys.len() as u64);
            for key in keys.into_iter().take(KEYS) {
                report.key(table, key);
            }
        }
        Ok(report)
    })
}

/// The oldest open batches of cash receipts that nobody is working in are posted.
pub(super) fn receipts(company: &mut Company, options: &Options) -> Result<Report, PlayError> {
    let stamp = company.stamp()?;
    in_transaction(company, |db| {
        let wanted = options.count.unwrap_or(1);
        let mut free = Vec::new();
        for batch in open_batches(db)? {
            let entered = "SELECT EXISTS (SELECT 1 FROM AR_CashReceiptsHeader WHERE BatchNo = ?1)";
            let is_entered: bool = db.query_row(entered, [&batch], |row| row.get(0))?;
            if is_entered && batch_is_free(db, &batch)? {
                free.push(batch);
            }
        }
        if free.is_empty() {
            return Err(PlayError::NothingToDo(
                "no open batch has cash receipts that can be posted".to_owned(),
            ));
        }
        enough(
            wanted.saturating_sub(free.len() as u64),
            wanted,
            "open batches of cash receipts",
        )?;
        let (before, open_before) = (counts(db)?, open_batches(db)?);
        let mut report = Report::default();
        for batch in free.iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)) {
            tell_receipts(&mut report, &post_batch(db, stamp, batch)?);
        }
        tell_batches(&mut report, &open_before, &open_batches(db)?);
        tell_moves(&mut report, &before, &counts(db)?);
        Ok(report)
    })
}

fn open_batches(db: &Connection) -> Result<Vec<String>, PlayError> {
    if !has_table(db, "AR_CashReceiptsBatch")? {
        return Ok(Vec::new());
    }
    let sql = "SELECT BatchNo FROM AR_CashReceiptsBatch WHERE BatchStatus <> 'P' ORDER BY BatchNo";
    texts(db, sql)
}

fn tell_receipts(report: &mut Report, posted: &[(String, u64)]) {
    for (check, invoices) in posted {
        report.key("AR_CashReceiptsHeader", check);
        report.updated("AR_OpenInvoice", *invoices);
    }
}

fn tell_batches(report: &mut Report, before: &[String], after: &[String]) {
    for batch in before.iter().filter(|batch| !after.contains(batch)) {
        report.updated("AR_CashReceiptsBatch", 1);
        report.key("AR_CashReceiptsBatch", batch);
    }
}

fn orders(db: &Connection) -> Result<Vec<String>, PlayError> {
    let shipped_first = if has_table(db, "SO_InvoiceHeader")? {
        "EXISTS (SELECT 1 FROM SO_InvoiceHeader s WHERE s.SalesOrderNo = h.SalesOrderNo) DESC, "
    } else {
        ""
    };
    texts(
        db,
        &format!(
            "SELECT SalesOrderNo FROM SO_SalesOrderHeader h WHERE OrderType IN ('S', 'B') AND OrderStatus <> 'H' \
             ORDER BY {shipped_first}SalesOrderNo"
        ),
    )
}

fn counts(db: &Connection) -> Result<BTreeMap<&'static str, i64>, PlayError> {
    let mut counts = BTreeMap::new();
    for table in POSTED {
        if has_table(db, table)? {
            let rows = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
            counts.insert(table, rows);
        }
    }
    Ok(counts)
}

fn tell_moves(
    report: &mut Report,
    before: &BTreeMap<&'static str, i64>,
    after: &BTreeMap<&'static str, i64>,
) {
    for (table, rows) in after {
        let moved = rows - before.get(table).copied().unwrap_or(0);
        if moved > 0 {
            report.inserted(table, moved.unsigned_abs());
        } else if moved < 0 {
            report.deleted(table, moved.unsigned_abs());
        }
    }
}
