//! One process has the journal: two writers with one memory would each trust it alone.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::JournalError;

/// Held while the value lives; the system drops it with the process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(journal: &Path) -> Result<Self, JournalError> {
        let mut name = OsString::from(journal);
        name.push(".lock");
        let path = PathBuf::from(name);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| JournalError::File {
                path: path.clone(),
                error,
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse {
                path: journal.to_owned(),
            }),
            Err(TryLockError::Error(error)) => Err(JournalError::File { path, error }),
        }
    }
}
