//! The tables of cash receipts. Company files that were made by an earlier release lack
//! some of them and some columns: they are made when the engine opens the company.

use rusqlite::Connection;

use super::record::{Layout, StoreError};
use crate::schema;

/// Batches.
pub(crate) const BATCH: &str = "AR_CashReceiptsBatch";
/// Deposits of a batch.
pub(crate) const DEPOSIT: &str = "AR_CashReceiptsDeposit";
/// Receipts of a deposit.
pub(crate) const RECEIPT: &str = "AR_CashReceiptsHeader";
/// What a receipt pays.
pub(crate) const LINE: &str = "AR_CashReceiptsDetail";

/// Makes what is missing, and batches and deposits for receipts that have none: those that
/// a clerk entered before there were such tables.
pub(crate) fn prepare(db: &Connection) -> Result<(), StoreError> {
    for name in [BATCH, DEPOSIT, RECEIPT, LINE] {
        let Some(table) = schema::table(name) else {
            return Err(StoreError::NoTable(name.to_owned()));
        };
        let Some(layout) = Layout::read_if_any(db, name)? else {
            db.execute_batch(&table.create_sql().replacen("TABLE", "TABLE IF NOT EXISTS", 1))?;
            continue;
        };
        for column in table.columns.iter().filter(|c| layout.field(&c.name).is_none()) {
            let declaration = column.declaration();
            db.execute_batch(&format!(
                "ALTER TABLE \"{name}\" ADD COLUMN \"{}\" {declaration}",
                column.name
            ))?;
        }
    }
    let batches = format!(
        "FROM {RECEIPT} r WHERE BatchNo <> '' AND NOT EXISTS
           (SELECT 1 FROM {BATCH} b WHERE b.BatchNo = r.BatchNo)"
    );
    let deposits = format!(
        "FROM {RECEIPT} r WHERE NOT EXISTS
           (SELECT 1 FROM {DEPOSIT} d WHERE d.BatchNo = r.BatchNo AND d.BankCode = r.BankCode
            AND d.DepositNo = r.DepositNo)"
    );
    // Reading first: an engine that opens must not wait for another one that writes.
    if is_any(db, &batches)? {
        db.execute_batch(&format!(
            "INSERT OR IGNORE INTO {BATCH} (BatchNo, BatchStatus, PrivateBatch, DateCreated, TimeCreated,
               UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
             SELECT BatchNo, 'N', 'N', min(DateCreated), TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated,
               UserUpdatedKey {batches} GROUP BY BatchNo"
        ))?;
    }
    if is_any(db, &deposits)? {
        db.execute_batch(&format!(
            "INSERT OR IGNORE INTO {DEPOSIT} (BatchNo, BankCode, DepositNo, DepositDate, DepositType,
               CashDepositAmt, DateCreated, TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
             SELECT BatchNo, BankCode, DepositNo, DepositDate, DepositType,
               printf('%.2f', sum(CAST(AmountReceived AS REAL))), min(DateCreated), TimeCreated, UserCreatedKey,
               DateUpdated, TimeUpdated, UserUpdatedKey {deposits} GROUP BY BatchNo, BankCode, DepositNo"
        ))?;
    }
    Ok(())
}

fn is_any(db: &Connection, from: &str) -> Result<bool, StoreError> {
    Ok(db.query_row(&format!("SELECT EXISTS (SELECT 1 {from})"), [], |row| row.get(0))?)
}
