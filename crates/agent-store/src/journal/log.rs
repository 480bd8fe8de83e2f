//! Room in SQLite's write-ahead log. What a commit writes goes there, into blocks that the
//! file has already; so a full disk keeps nothing from being committed as long as the log is
//! followed up only as far as it was once written.
//!
//! Of that stretch a part is kept free for the outcomes of the writes under way. A commit that
//! would reach into it brings the log into the database first, after which the log begins
//! anew; and where the stretch is too short even then, it is written out longer. Both take
//! space on the disk, and both come before a write in Sage begins.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, ErrorCode};
use values::ImportId;

use super::JournalError;

/// Frames, one page of 4 KiB each, that an outcome takes at most: its row's pages, the pages
/// above them, and what else its commit says.
const OUTCOME_FRAMES: u32 = 16;
/// Frames of a commit, beside what it stores.
const COMMIT_FRAMES: u32 = 24;
/// Stored bytes by frame: half of a page may stay empty.
const FRAME_BYTES: usize = 2048;
/// How far the log is written out: bringing it into the database costs two waits for the
/// disk, which come after so many frames.
const STRETCH: u32 = 512;

/// The log of a journal.
#[derive(Debug)]
pub(super) struct Log {
    /// Frames that are in the log: the last commit's word.
    used: Arc<AtomicU32>,
    /// Frames that the file has blocks for.
    stretch: u32,
    /// Documents whose writes are under way.
    under_way: BTreeSet<ImportId>,
}

impl Log {
    /// Turns the log on; there is none where the journal lies in memory.
    pub(super) fn begin(db: &mut Connection) -> Result<Option<Self>, JournalError> {
        let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Ok(None);
        }
        // A commit that returned survives a power cut.
        db.execute_batch("PRAGMA synchronous = FULL;")?;
        let used = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&used);
        // It takes the place of SQLite's own, which would bring the log into the database
        // after any commit.
        db.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
            seen.store(u32::try_from(frames).unwrap_or(u32::MAX), Ordering::Relaxed);
            Ok(())
        }))?;
        let mut log = Self {
            used,
            stretch: 0,
            under_way: BTreeSet::new(),
        };
        // What a kill left in it. Where somebody looks at it, or the disk is full, that comes
        // later: before a write begins.
        match log.restart(db) {
            Ok(()) | Err(JournalError::Full | JournalError::Store(_)) => Ok(Some(log)),
            Err(error) => Err(error),
        }
    }

    /// Makes room for a commit that stores so many bytes, and for the outcomes of what is
    /// under way, `beginning` included.
    pub(super) fn make_room(
        &mut self,
        db: &Connection,
        bytes: usize,
        beginning: Option<&ImportId>,
    ) -> Result<(), JournalError> {
        let writes =
            self.under_way.len() + usize::from(beginning.is_some_and(|id| !self.under_way.contains(id)));
        if writes == 0 {
            // Nothing is owed to anybody; but the log is not to grow without end. While somebody
            // looks at it for long, it does.
            if self.used() > STRETCH {
                let _ = self.restart(db);
            }
            return Ok(());
        }
        let stored = u32::try_from(bytes / FRAME_BYTES).unwrap_or(u32::MAX);
        let kept = OUTCOME_FRAMES.saturating_mul(u32::try_from(writes).unwrap_or(u32::MAX));
        let asked = COMMIT_FRAMES.saturating_add(stored).saturating_add(kept);
        if self.used().saturating_add(asked) <= self.stretch {
            return Ok(());
        }
        self.restart(db)?;
        if asked > self.stretch {
            self.stretch_to(db, asked.max(STRETCH))?;
        }
        Ok(())
    }

    /// A write of the document begins: its outcome has room from now on.
    pub(super) fn has_begun(&mut self, id: &ImportId) {
        self.under_way.insert(id.clone());
    }

    /// Nothing of the document is under way any more.
    pub(super) fn has_ended(&mut self, id: &ImportId) {
        self.under_way.remove(id);
    }

    fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Brings the log into the database, so that it begins anew.
    fn restart(&mut self, db: &Connection) -> Result<(), JournalError> {
        let is_busy: bool = db.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| row.get(0))?;
        if is_busy {
            // Somebody has been looking at the journal for longer than SQLite waits.
            let busy = rusqlite::ffi::Error {
                code: ErrorCode::DatabaseBusy,
                extended_code: rusqlite::ffi::SQLITE_BUSY,
            };
            return Err(rusqlite::Error::SqliteFailure(busy, None).into());
        }
        self.stretch = self.stretch.max(self.used());
        self.used.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Writes the log out so far.
    fn stretch_to(&mut self, db: &Connection, frames: u32) -> Result<(), JournalError> {
        // One wait for the disk is enough, and the restart has it.
        db.execute_batch("PRAGMA synchronous = OFF;")?;
        let written = self.write_out(db, frames);
        db.execute_batch("PRAGMA synchronous = FULL;")?;
        written?;
        self.restart(db)
    }

    fn write_out(&self, db: &Connection, frames: u32) -> Result<(), JournalError> {
        let mut statement = db.prepare_cached(
            "INSERT INTO meta (name, value) VALUES ('stretch', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?;
        while self.used() < frames {
            statement.execute([self.used().to_string()])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
