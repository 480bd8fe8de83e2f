//! The journal's tables, and how older ones become them.

use rusqlite::Connection;

use super::JournalError;

/// Version of the tables, in the file's `user_version`.
const VERSION: u32 = 2;

pub(super) fn prepare(db: &Connection) -> Result<(), JournalError> {
    db.execute_batch("PRAGMA foreign_keys = ON;")?;
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Err(JournalError::Broken(format!(
            "the journal's tables are of version {version}, and this driver knows {VERSION}: it was written by a newer one"
        )));
    }
    if version < 1 && has_column(db, "reservation", "number")? {
        // Before a document could become more than a sales order.
        db.execute_batch(
            "BEGIN IMMEDIATE;
             ALTER TABLE reservation RENAME COLUMN number TO identity;
             ALTER TABLE reservation ADD COLUMN name TEXT NOT NULL DEFAULT 'sales_order_no';
             ALTER TABLE write_start RENAME COLUMN number TO identity;
             ALTER TABLE write_start ADD COLUMN name TEXT NOT NULL DEFAULT 'sales_order_no';
             ALTER TABLE document ADD COLUMN plan TEXT;
             ALTER TABLE document ADD COLUMN decision TEXT NOT NULL DEFAULT '{}';
             COMMIT;",
        )?;
    }
    if version < 2 && has_column(db, "document", "body")? {
        // Before bodies were forgotten. When they ended was not kept: they count from now on.
        db.execute_batch(
            "BEGIN IMMEDIATE;
             ALTER TABLE document ADD COLUMN body_hash TEXT NOT NULL DEFAULT '';
             ALTER TABLE document ADD COLUMN ended_at TEXT;
             ALTER TABLE document ADD COLUMN redacted_at TEXT;
             UPDATE document SET ended_at = strftime('%Y-%m-%dT%H:%M:%SZ') WHERE reported = 1;
             COMMIT;",
        )?;
    }
    db.execute_batch(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS document (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            import_id TEXT NOT NULL UNIQUE, company TEXT NOT NULL, kind TEXT NOT NULL,
            revision INTEGER NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL, reported INTEGER NOT NULL,
            plan TEXT, decision TEXT NOT NULL DEFAULT '{}', body_hash TEXT NOT NULL DEFAULT '',
            ended_at TEXT, redacted_at TEXT);
         CREATE INDEX IF NOT EXISTS document_ended ON document (ended_at)
            WHERE ended_at IS NOT NULL AND redacted_at IS NULL;
         CREATE INDEX IF NOT EXISTS document_open ON document (company, place) WHERE reported = 0;
         CREATE TABLE IF NOT EXISTS reservation (
            import_id TEXT NOT NULL REFERENCES document (import_id), place INTEGER NOT NULL,
            identity TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL,
            at_hub INTEGER NOT NULL, verdict TEXT NOT NULL,
            name TEXT NOT NULL DEFAULT 'sales_order_no', PRIMARY KEY (import_id, identity)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS write_start (
            import_id TEXT PRIMARY KEY REFERENCES document (import_id), identity TEXT NOT NULL,
            at TEXT NOT NULL, pid INTEGER, process_start TEXT,
            name TEXT NOT NULL DEFAULT 'sales_order_no') WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS done (
            import_id TEXT NOT NULL REFERENCES document (import_id), place INTEGER NOT NULL,
            content TEXT NOT NULL, PRIMARY KEY (import_id, place)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS outcome (
            import_id TEXT NOT NULL UNIQUE REFERENCES document (import_id), company TEXT NOT NULL,
            number TEXT NOT NULL, written INTEGER NOT NULL, content TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS attempt (
            place INTEGER PRIMARY KEY, import_id TEXT NOT NULL, at TEXT NOT NULL,
            step TEXT NOT NULL, detail TEXT NOT NULL);
         CREATE INDEX IF NOT EXISTS attempt_of ON attempt (import_id, place);
         CREATE TABLE IF NOT EXISTS frozen (
            company TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS allotment (
            place INTEGER PRIMARY KEY AUTOINCREMENT, company TEXT NOT NULL, content TEXT NOT NULL);
         COMMIT;",
    )?;
    db.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

fn has_column(db: &Connection, table: &str, column: &str) -> Result<bool, JournalError> {
    let sql = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
    let found: u32 = db.query_row(sql, [table, column], |row| row.get(0))?;
    Ok(found > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tables_become_todays() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE document (
                place INTEGER PRIMARY KEY AUTOINCREMENT,
                import_id TEXT NOT NULL UNIQUE, company TEXT NOT NULL, kind TEXT NOT NULL,
                revision INTEGER NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL, reported INTEGER NOT NULL);
             CREATE TABLE reservation (
                import_id TEXT NOT NULL REFERENCES document (import_id), place INTEGER NOT NULL,
                number TEXT NOT NULL, at TEXT NOT NULL, source TEXT NOT NULL,
                at_hub INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (import_id, number)) WITHOUT ROWID;
             CREATE TABLE write_start (
                import_id TEXT PRIMARY KEY REFERENCES document (import_id), number TEXT NOT NULL,
                at TEXT NOT NULL, pid INTEGER, process_start TEXT) WITHOUT ROWID;
             INSERT INTO document VALUES (1, 'a', 'ABC', 'sales_order', 1, '{}', '2026-05-06T00:00:00Z', 0);
             INSERT INTO reservation VALUES ('a', 0, '0000185', '2026-05-06T00:00:00Z', 'journal', 1, 'open');",
        )
        .unwrap();
        prepare(&db).unwrap();
        prepare(&db).unwrap();
        let found: (String, String) = db
            .query_row("SELECT name, identity FROM reservation", [], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .unwrap();
        assert_eq!(found, ("sales_order_no".into(), "0000185".into()));
        db.pragma_update(None, "user_version", 99).unwrap();
        assert!(prepare(&db).unwrap_err().to_string().contains("newer"));
    }
}
