//! The journal of imports, `journal.db`: what exactly-once rests on. It is apart from the
//! disposable index, and every commit is on the disk before the call returns.
//!
//! **Room**: before a write in Sage begins, its outcome's row is stored at full size, and the
//! outcome later replaces it in place. That takes no further page of the file, and no further
//! block of SQLite's write-ahead log ([`log`]). So a full disk shows before the write, not
//! after it.
//!
//! **Commits** cost most of what the journal costs: one wait for the disk each. What can wait
//! goes with the next one ([`waiting`]); what an order cannot do without are two: its identity
//! and the beginning of its write, and its outcome.

mod attempts;
mod company;
mod cut;
mod documents;
mod error;
mod lock;
mod log;
mod numbers;
mod pages;
mod redaction;
mod room;
mod rows;
mod schema;
mod waiting;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use values::{CompanyId, StoreId};

pub use documents::{Accepted, Listed};
pub use error::JournalError;
use lock::Lock;
use log::Log;
pub use redaction::Ended;
use waiting::Waiting;

/// The journal. One process has it open.
#[derive(Debug)]
pub struct Journal {
    db: Connection,
    store: StoreId,
    /// Highest number written, by company.
    highest: BTreeMap<CompanyId, String>,
    /// Numbers of orders that were written before the company was thawed, once they were asked
    /// for.
    before_thaw: BTreeMap<CompanyId, BTreeSet<String>>,
    /// What goes with the next commit.
    waiting: Vec<Waiting>,
    /// Room for what is committed; none in memory.
    log: Option<Log>,
    _lock: Option<Lock>,
}

impl Journal {
    /// Opens the journal, or makes one under the identity `fresh`.
    ///
    /// # Errors
    /// [`JournalError::InUse`] when another process has it open; else what the disk says.
    pub fn open(file: &Path, fresh: &StoreId) -> Result<Self, JournalError> {
        let lock = Lock::take(file)?;
        let db = Connection::open(file)?;
        Self::prepare(db, fresh, Some(lock))
    }

    /// Opens a journal that may belong to a running process, only to look at it.
    ///
    /// # Errors
    /// There is no journal, or `SQLite` itself failed.
    pub fn look(file: &Path) -> Result<Self, JournalError> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let store: String = db.query_row("SELECT value FROM meta WHERE name = 'store'", [], |row| {
            row.get(0)
        })?;
        Ok(Self {
            db,
            store: StoreId::new(store),
            highest: BTreeMap::new(),
            before_thaw: BTreeMap::new(),
            waiting: Vec::new(),
            log: None,
            _lock: None,
        })
    }

    /// A journal that is forgotten with the value: for simulations.
    ///
    /// # Errors
    /// `SQLite` itself failed.
    pub fn in_memory(fresh: &StoreId) -> Result<Self, JournalError> {
        Self::prepare(Connection::open_in_memory()?, fresh, None)
    }

    fn prepare(mut db: Connection, fresh: &StoreId, lock: Option<Lock>) -> Result<Self, JournalError> {
        let log = Log::begin(&mut db)?;
        schema::prepare(&db)?;
        db.execute(
            "INSERT OR IGNORE INTO meta (name, value) VALUES ('store', ?1)",
            [fresh.as_str()],
        )?;
        let store: String = db.query_row("SELECT value FROM meta WHERE name = 'store'", [], |row| {
            row.get(0)
        })?;
        Ok(Self {
            db,
            store: StoreId::new(store),
            highest: BTreeMap::new(),
            before_thaw: BTreeMap::new(),
            waiting: Vec::new(),
            log,
            _lock: lock,
        })
    }

    /// The journal's own random identity: a new one tells the hub to hand over what is open.
    #[must_use]
    pub const fn store_id(&self) -> &StoreId {
        &self.store
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Nothing hangs on it, and nobody is left to tell.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests;
