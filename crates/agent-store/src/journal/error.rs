//! What can go wrong with the journal.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use values::ImportId;

use crate::error::is_write_limit;

/// The journal could not do what was asked; nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No space on the disk, or the file's limit is reached.
    #[error("the journal is full: no space for another outcome")]
    Full,
    /// Another process has it open.
    #[error("the journal {path} is open in another process")]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// The file beside it could not be used.
    #[error("the journal's lock {path} cannot be used: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// There is no thread to write it.
    #[error("the journal cannot be written: {0}")]
    Thread(std::io::Error),
    /// `SQLite` failed.
    #[error("the journal cannot be used: {0}")]
    Store(rusqlite::Error),
    /// A stored text does not read.
    #[error("the journal holds a text that cannot be read: {0}")]
    Content(serde_json::Error),
    /// It holds something that it never stores.
    #[error("the journal is damaged: {0}")]
    Broken(String),
    /// An outcome that does not fit even when all that may be cut is cut.
    #[error("the outcome of import {id} takes {bytes} bytes, more than the journal keeps of one")]
    TooLarge {
        /// The import.
        id: ImportId,
        /// What it takes.
        bytes: usize,
    },
}

impl JournalError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full => "journal_full",
            Self::InUse { .. } => "journal_in_use",
            Self::File { .. } | Self::Thread(_) | Self::Store(_) => "journal_failed",
            Self::Content(_) | Self::Broken(_) => "journal_damaged",
            Self::TooLarge { .. } => "outcome_too_large",
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Full | Self::File { .. } | Self::Thread(_) | Self::Store(_) => true,
            Self::InUse { .. } | Self::Content(_) | Self::Broken(_) | Self::TooLarge { .. } => false,
        }
    }

    /// What a person can do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Full => {
                "free space on the disk that holds the driver's state folder; nothing is written to Sage before"
            }
            Self::InUse { .. } => {
                "stop the other erp-driver that uses this state folder, or give this one a folder of its own"
            }
            Self::Thread(_) => "the machine gives the driver no further thread; it tries again",
            Self::File { .. } | Self::Store(_) => {
                "check that the service's user may write to the state folder and that its disk is sound"
            }
            Self::Content(_) | Self::Broken(_) => {
                "move journal.db away and start again: everything that the hub has open is then read back from Sage"
            }
            Self::TooLarge { .. } => {
                "look the order up in Sage, and report this: no order of Sage's has so much to say"
            }
        }
    }
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::SystemIoFailure) if is_write_limit(&error) => Self::Full,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Broken(error.to_string()),
            Some(_) | None => Self::Store(error),
        }
    }
}
