//! Why a person's posting changed nothing.

use super::record::StoreError;
use crate::SandboxError;

/// Posting failed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PostingError {
    /// There is no such open order.
    #[error("sales order {order} is not open")]
    NotOpen {
        /// The number asked for.
        order: String,
    },
    /// There is no such batch, it is posted, somebody is in it, or it is empty.
    #[error("{words}")]
    BatchRefused {
        /// What the person reads.
        words: String,
    },
    /// The company's settings or file do not allow it.
    #[error("{what}: {source}")]
    Company {
        /// What was to be posted.
        what: String,
        /// Why.
        source: SandboxError,
    },
    /// A value in the company's tables does not fit.
    #[error("{what}: {problem}")]
    Data {
        /// What was to be posted.
        what: String,
        /// What does not fit.
        problem: String,
    },
}

impl PostingError {
    pub(super) fn of(what: String, error: StoreError) -> Self {
        match error {
            StoreError::Sandbox(source) => Self::Company { what, source },
            StoreError::Sqlite(source) => Self::Company {
                what,
                source: SandboxError::Database(source),
            },
            StoreError::Decimal(_)
            | StoreError::NoTable(_)
            | StoreError::BadCell { .. }
            | StoreError::Ended => Self::Data {
                what,
                problem: error.to_string(),
            },
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => "order_not_open",
            Self::BatchRefused { .. } => "batch_refused",
            Self::Company { source, .. } => source.code(),
            Self::Data { .. } => "bad_data",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Company { source, .. } => source.is_retryable(),
            Self::NotOpen { .. } | Self::BatchRefused { .. } | Self::Data { .. } => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NotOpen { .. } => {
                "give the number of an order in SO_SalesOrderHeader, zero-filled (0000123)"
            }
            Self::BatchRefused { .. } => {
                "give the number of a batch in AR_CashReceiptsBatch with receipts that nobody is working in"
            }
            Self::Company { source, .. } => source.remedy(),
            Self::Data { .. } => "correct the value in the company's file",
        }
    }
}
