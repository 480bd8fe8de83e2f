//! A person posts the cash receipts journal of one batch.

use rusqlite::TransactionBehavior;

use super::batches;
use super::receipt_tables;
use super::receipts;
use super::record::StoreError;
use crate::{Company, SandboxError};

/// A batch could not be posted; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// There is no such batch, it is posted, somebody is in it, or it is empty.
    #[error("{words}")]
    Refused {
        /// What the person reads.
        words: String,
    },
    /// The company's settings or file do not allow it.
    #[error("batch {batch}: {source}")]
    Company {
        /// The number asked for.
        batch: String,
        /// Why.
        source: SandboxError,
    },
    /// A value in the company's tables does not fit.
    #[error("batch {batch}: {problem}")]
    Data {
        /// The number asked for.
        batch: String,
        /// What does not fit.
        problem: String,
    },
}

impl BatchError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "batch_refused",
            Self::Company { source, .. } => source.code(),
            Self::Data { .. } => "bad_data",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Company { source, .. } => source.is_retryable(),
            Self::Refused { .. } | Self::Data { .. } => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Refused { .. } => {
                "give the number of a batch in AR_CashReceiptsBatch with receipts that nobody is working in"
            }
            Self::Company { source, .. } => source.remedy(),
            Self::Data { .. } => "correct the value in the company's file",
        }
    }
}

/// Posts the cash receipts of one batch (`00012`): they go to `AR_CashReceiptsHistory`, the
/// balances of invoices and customers fall, and the batch cannot be selected again. A blank
/// `batch_no` posts the receipts that were entered without batches. The answer is the check
/// numbers of the receipts.
///
/// # Errors
/// [`BatchError`] when the batch is not open, in use or empty, or the file fails.
pub fn post_cash_receipts(company: &mut Company, batch_no: &str) -> Result<Vec<String>, BatchError> {
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
    let batch = batch_no.to_owned();
    match posted {
        Ok(Ok(checks)) => Ok(checks),
        Ok(Err(words)) => Err(BatchError::Refused { words }),
        Err(StoreError::Sandbox(source)) => Err(BatchError::Company { batch, source }),
        Err(StoreError::Sqlite(source)) => Err(BatchError::Company {
            batch,
            source: SandboxError::Database(source),
        }),
        Err(
            error @ (StoreError::Decimal(_)
            | StoreError::NoTable(_)
            | StoreError::BadCell { .. }
            | StoreError::Ended),
        ) => Err(BatchError::Data {
            batch,
            problem: error.to_string(),
        }),
    }
}
