//! `index.db`: for each stream its progress, and key and hash of every document that the
//! hub has. Disposable: a file that is missing or damaged is made anew, and the hub is asked.

mod entries;
mod leavers;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use sync::Progress;

pub use entries::{Entry, Known};
pub use sweep::{SeenBits, Unseen};

use crate::StoreError;

/// Raised when the file's tables change; another version's file is thrown away.
const VERSION: i32 = 2;

/// Keys are looked up one by one inside one transaction; SQLite's page cache keeps the
/// neighbourhood. In KiB.
const CACHE_KIB: i32 = 8 * 1024;

/// Each stream has a table of entries of its own: the stream's number in every row would
/// cost as much as the flag and the slot.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS stream (
    id INTEGER PRIMARY KEY,
    company TEXT NOT NULL,
    dataset TEXT NOT NULL,
    progress TEXT NOT NULL,
    documents INTEGER NOT NULL DEFAULT 0,
    next_slot INTEGER NOT NULL DEFAULT 0,
    UNIQUE (company, dataset));
CREATE TABLE IF NOT EXISTS leaver (
    stream INTEGER NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (stream, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
    stream INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (stream, name)) WITHOUT ROWID;";

/// The index of one driver.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Connection,
}

/// A stream's number in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream(i64);

impl Stream {
    /// The table of its entries.
    fn entries(self) -> String {
        format!("entry_{}", self.0)
    }
}

impl Index {
    /// Opens the file, or makes it. A file that is damaged, or no index of this version, is
    /// moved aside as `index.db.damaged` and a new one is made; one that is busy or cannot be
    /// read is left as it is. For the process that holds the state folder's lock alone.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be written, or the file is busy.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::try_open(path) {
            Ok(index) => Ok(index),
            Err(error @ (StoreError::Full { .. } | StoreError::Sqlite { .. })) => Err(error),
            Err(error @ StoreError::Content { .. }) => {
                let aside = path.with_extension("db.damaged");
                if !path.exists() || std::fs::rename(path, &aside).is_err() {
                    return Err(error);
                }
                for end in ["-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(end);
                    // Left-overs of the damaged file; absent is as good as removed.
                    let _ = std::fs::remove_file(PathBuf::from(name));
                }
                Self::try_open(path)
            }
        }
    }

    /// Opens a file that is there, to look at it beside the process that works with it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, or is no index of this version; it is left as
    /// it is.
    pub fn open_to_look(path: &Path) -> Result<Self, StoreError> {
        let fail = |e: rusqlite::Error| StoreError::from_sqlite(path, &e);
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fail)?;
        let version: i32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(fail)?;
        if version == VERSION {
            Ok(Self {
                path: path.to_owned(),
                connection,
            })
        } else {
            Err(StoreError::Content {
                path: path.to_owned(),
                message: format!("index of version {version}; the driver makes a new one when it starts"),
            })
        }
    }

    fn try_open(path: &Path) -> Result<Self, StoreError> {
        let fail = |e: rusqlite::Error| StoreError::from_sqlite(path, &e);
        let connection = Connection::open(path).map_err(fail)?;
        let version: i32 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(fail)?;
        if version != 0 && version != VERSION {
            return Err(StoreError::Content {
                path: path.to_owned(),
                message: format!("index of version {version}"),
            });
        }
        let prepare = || -> rusqlite::Result<()> {
            // What is lost with power is asked of the hub again.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            if version == 0 {
                connection.execute_batch(TABLES)?;
                connection.pragma_update(None, "user_version", VERSION)?;
            }
            Ok(())
        };
        prepare().map_err(fail)?;
        let index = Self {
            path: path.to_owned(),
            connection,
        };
        index.check()?;
        Ok(index)
    }

    /// A damaged file is found at once rather than in the middle of a pass.
    fn check(&self) -> Result<(), StoreError> {
        let answer: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|e| self.fail(&e))?;
        if answer == "ok" {
            Ok(())
        } else {
            Err(StoreError::Content {
                path: self.path.clone(),
                message: answer,
            })
        }
    }

    /// The stream of this company and dataset and where it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn stream(&mut self, company: &str, dataset: &str) -> Result<(Stream, Progress), StoreError> {
        if let Some((stream, progress)) = self.look(company, dataset)? {
            return Ok((stream, progress));
        }
        let progress = Progress::default();
        let text = self.write(&progress)?;
        let path = self.path.clone();
        let mut add = || -> rusqlite::Result<Stream> {
            let transaction = Self::writing(&mut self.connection)?;
            transaction.execute(
                "INSERT INTO stream (company, dataset, progress) VALUES (?1, ?2, ?3)",
                params![company, dataset, text],
            )?;
            let stream = Stream(transaction.last_insert_rowid());
            transaction.execute_batch(&format!(
                "CREATE TABLE {} (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
                stream.entries()
            ))?;
            transaction.commit()?;
            Ok(stream)
        };
        let stream = add().map_err(|e| StoreError::from_sqlite(&path, &e))?;
        Ok((stream, progress))
    }

    /// The stream when there is one already: for those that only look.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look(&self, company: &str, dataset: &str) -> Result<Option<(Stream, Progress)>, StoreError> {
        let found: Option<(i64, String)> = self
            .connection
            .query_row(
                "SELECT id, progress FROM stream WHERE company = ?1 AND dataset = ?2",
                params![company, dataset],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|e| self.fail(&e))?;
        // A progress that cannot be read is none: the hub is asked.
        Ok(found.map(|(id, text)| (Stream(id), serde_json::from_str(&text).unwrap_or_default())))
    }

    /// What somebody noted beside the stream under this name: statistics, health.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(&self, stream: Stream, name: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row(
                "SELECT text FROM note WHERE stream = ?1 AND name = ?2",
                params![stream.0, name],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.fail(&e))
    }

    /// Notes something beside the stream. Nothing is decided by a note alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_note(&self, stream: Stream, name: &str, text: &str) -> Result<(), StoreError> {
        self.connection
            .execute(
                "INSERT OR REPLACE INTO note (stream, name, text) VALUES (?1, ?2, ?3)",
                params![stream.0, name, text],
            )
            .map(|_| ())
            .map_err(|e| self.fail(&e))
    }

    fn write(&self, progress: &Progress) -> Result<String, StoreError> {
        serde_json::to_string(progress).map_err(|e| StoreError::Content {
            path: self.path.clone(),
            message: e.to_string(),
        })
    }

    /// Begins to write at once: one that reads first and writes then fails when another
    /// company's thread has written in between.
    fn writing(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
        connection.transaction_with_behavior(TransactionBehavior::Immediate)
    }

    fn fail(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }
}
