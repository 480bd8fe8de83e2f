//! The journal's tables.

use rusqlite::Connection;

use super::JournalError;

pub(super) fn prepare(db: &Connection) -> Result<(), JournalError> {
    // FULL: a commit that returned survives a power cut. PERSIST keeps the rollback
    // journal's blocks: it is as large as the largest commit so far, and the rehearsal of
    // an outcome is none smaller than the outcome's own.
    db.execute_batch(
        "PRAGMA journal_mode = PERSIST;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS document (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            import_id TEXT NOT NULL UNIQUE, company TEXT NOT NULL, kind TEXT NOT NULL,
            revision INTEGER NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL, reported INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS document_open ON document (company, place) WHERE reported = 0;
         CREATE TABLE IF NOT EXISTS reservation (
            import_id TEXT NOT NULL REFERENCES document (import_id), place INTEGER NOT NULL,
            number TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL,
            at_hub INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (import_id, number)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS write_start (
            import_id TEXT PRIMARY KEY REFERENCES document (import_id), number TEXT NOT NULL,
            at TEXT NOT NULL, pid INTEGER, process_start TEXT) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS outcome (
            import_id TEXT NOT NULL UNIQUE REFERENCES document (import_id), company TEXT NOT NULL,
            number TEXT NOT NULL, written INTEGER NOT NULL, content TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS attempt (
            place INTEGER PRIMARY KEY, import_id TEXT NOT NULL, at TEXT NOT NULL,
            step TEXT NOT NULL, detail TEXT NOT NULL);
         CREATE INDEX IF NOT EXISTS attempt_of ON attempt (import_id, place);
         CREATE TABLE IF NOT EXISTS frozen (
            company TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;",
    )?;
    Ok(())
}
