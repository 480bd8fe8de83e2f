//! The tables of cash receipts. Company files that were made by an earlier release lack
//! some of them and some columns: they are made when the engine opens the company.

use rusqlite::{Connection, Transaction, TransactionBehavior};

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

/// Receipts without a batch of theirs.
const WITHOUT_BATCH: &str = "FROM AR_CashReceiptsHeader r WHERE BatchNo <> '' AND NOT EXISTS
    (SELECT 1 FROM AR_CashReceiptsBatch b WHERE b.BatchNo = r.BatchNo)";
/// Receipts without a deposit of theirs.
const WITHOUT_DEPOSIT: &str = "FROM AR_CashReceiptsHeader r WHERE NOT EXISTS
    (SELECT 1 FROM AR_CashReceiptsDeposit d WHERE d.BatchNo = r.BatchNo AND d.BankCode = r.BankCode
     AND d.DepositNo = r.DepositNo)";

/// Makes what is missing, and batches and deposits for receipts that have none: those that
/// a clerk entered before there were such tables.
pub(crate) fn prepare(db: &Connection) -> Result<(), StoreError> {
    // Looking first: an engine that opens must not wait for another one that writes.
    if !is_anything_missing(db)? {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    for statement in missing(&transaction)? {
        transaction.execute_batch(&statement)?;
    }
    transaction.execute_batch(&format!(
        "INSERT OR IGNORE INTO {BATCH} (BatchNo, BatchStatus, PrivateBatch, DateCreated, TimeCreated,
           UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
         SELECT BatchNo, 'N', 'N', min(DateCreated), TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated,
           UserUpdatedKey {WITHOUT_BATCH} GROUP BY BatchNo;
         INSERT OR IGNORE INTO {DEPOSIT} (BatchNo, BankCode, DepositNo, DepositDate, DepositType,
           CashDepositAmt, DateCreated, TimeCreated, UserCreatedKey, DateUpdated, TimeUpdated, UserUpdatedKey)
         SELECT BatchNo, BankCode, DepositNo, DepositDate, DepositType,
           printf('%.2f', sum(CAST(AmountReceived AS REAL))), min(DateCreated), TimeCreated, UserCreatedKey,
           DateUpdated, TimeUpdated, UserUpdatedKey {WITHOUT_DEPOSIT} GROUP BY BatchNo, BankCode, DepositNo;"
    ))?;
    transaction.commit()?;
    Ok(())
}

fn is_anything_missing(db: &Connection) -> Result<bool, StoreError> {
    if !missing(db)?.is_empty() {
        return Ok(true);
    }
    let sql = format!("SELECT EXISTS (SELECT 1 {WITHOUT_BATCH}) OR EXISTS (SELECT 1 {WITHOUT_DEPOSIT})");
    Ok(db.query_row(&sql, [], |row| row.get(0))?)
}

/// Statements that make the tables and columns that are not there.
fn missing(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statements = Vec::new();
    for name in [BATCH, DEPOSIT, RECEIPT, LINE] {
        let Some(table) = schema::table(name) else {
            return Err(StoreError::NoTable(name.to_owned()));
        };
        let Some(layout) = Layout::read_if_any(db, name)? else {
            statements.push(table.create_sql());
            continue;
        };
        for column in table.columns.iter().filter(|c| layout.field(&c.name).is_none()) {
            let (column, declaration) = (&column.name, column.declaration());
            statements.push(format!(
                "ALTER TABLE \"{name}\" ADD COLUMN \"{column}\" {declaration}"
            ));
        }
    }
    Ok(statements)
}
