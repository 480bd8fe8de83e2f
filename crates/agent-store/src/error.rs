//! Failures of the agent's files.

use std::path::{Path, PathBuf};

/// A file of the agent's cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room on the disk, or a size limit was met.
    #[error("{path}: no space left")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// SQLite's words.
    #[error("{path}: {message}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What happened.
        message: String,
    },
    /// What the file holds is not what this version wrote.
    #[error("{path}: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

impl StoreError {
    /// From SQLite, telling a full disk from the rest.
    #[must_use]
    pub fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let code = error.sqlite_error_code();
        let path = path.to_owned();
        if code == Some(ErrorCode::DiskFull)
            || code == Some(ErrorCode::SystemIoFailure) && is_write_limit(error)
        {
            Self::Full { path }
        } else if matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)) {
            Self::Content {
                path,
                message: error.to_string(),
            }
        } else {
            Self::Sqlite {
                path,
                message: error.to_string(),
            }
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "disk_full",
            Self::Sqlite { .. } => "store_failed",
            Self::Content { .. } => "store_damaged",
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Full { .. } => {
                "make room on the disk that holds the state folder; nothing was lost, and work goes on by itself"
            }
            Self::Sqlite { .. } => {
                "check that the state folder is on a local disk and that the service's user may write to it"
            }
            Self::Content { .. } => {
                "the file was made by another version or damaged; restore it from a backup or ask support"
            }
        }
    }
}

/// Writing beyond a file size limit comes back as an I/O error on write.
pub(crate) fn is_write_limit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(e, _)
        if e.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE || e.extended_code == rusqlite::ffi::SQLITE_IOERR_TRUNCATE)
}
