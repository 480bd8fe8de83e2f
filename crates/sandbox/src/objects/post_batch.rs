//! A person posts the cash receipts journal of one batch.

use rusqlite::TransactionBehavior;

use super::batches;
use super::posting_error::PostingError;
use super::receipt_tables;
use super::receipts;
use super::record::StoreError;
use crate::Company;

/// Posts the cash receipts of one batch (`00012`): they go to `AR_CashReceiptsHistory`, the
/// balances of invoices and customers fall, and the batch cannot be selected again. A blank
/// `batch_no` posts the receipts that were entered without batches. The answer is the check
/// numbers of the receipts.
///
/// # Errors
/// [`PostingError`] when the batch is not open, in use or empty, or the file fails.
pub fn post_cash_receipts(company: &mut Company, batch_no: &str) -> Result<Vec<String>, PostingError> {
    let posted = company.stamp().map_err(StoreError::from).and_then(|stamp| {
        let db = company.connection_mut();
        receipt_tables::prepare(db)?;
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !batch_no.is_empty()
            && let Some(refusal) = batches::refusal_of(&transaction, batch_no)?
        {
            return Ok(Err(refusal.message));
        }
        let posted = receipts::post_batch(&transaction, stamp, batch_no)?;
        if posted.is_empty() {
            return Ok(Err(format!("Batch {batch_no} has no cash receipts.")));
        }
        transaction.commit()?;
        Ok(Ok(posted.into_iter().map(|(check, _)| check).collect()))
    });
    match posted {
        Ok(Ok(checks)) => Ok(checks),
        Ok(Err(words)) => Err(PostingError::BatchRefused { words }),
        Err(error) => Err(PostingError::of(format!("batch {batch_no}"), error)),
    }
}
