//! Documents that a pass found gone, before they are removed at the hub. On disk: of a large
//! table many may leave.

use catalog::{Removal, RemovalReason};
use rusqlite::{ToSql, params};
use values::Key;

use super::{Index, Stream};
use crate::StoreError;

impl Index {
    /// Adds documents that leave, or gives them another reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_leavers(&mut self, stream: Stream, leavers: &[Removal]) -> Result<(), StoreError> {
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = Self::writing(&mut self.connection)?;
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO leaver (stream, key, reason) VALUES (?1, ?2, ?3)",
                )?;
                for leaver in leavers {
                    insert.execute(params![stream.0, leaver.key.as_str(), leaver.reason.as_str()])?;
                }
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    /// Takes documents off again: they were read after all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_leavers(&mut self, stream: Stream, keys: &[Key]) -> Result<(), StoreError> {
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = Self::writing(&mut self.connection)?;
            {
                let mut delete =
                    transaction.prepare_cached("DELETE FROM leaver WHERE stream = ?1 AND key = ?2")?;
                for key in keys {
                    delete.execute(params![stream.0, key.as_str()])?;
                }
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    /// Forgets all of the stream's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_leavers(&mut self, stream: Stream) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM leaver WHERE stream = ?1", [stream.0])
            .map(|_| ())
            .map_err(|e| self.fail(&e))
    }

    /// The first of those that leave, in key-byte order: all, or only those that were
    /// found elsewhere in the ERP.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leavers(&self, stream: Stream, all: bool, limit: u32) -> Result<Vec<Removal>, StoreError> {
        let wanted: Vec<&str> = RemovalReason::ALL
            .into_iter()
            .filter(|reason| all || reason.is_seen_elsewhere())
            .map(RemovalReason::as_str)
            .collect();
        let read = || -> rusqlite::Result<Vec<Removal>> {
            let places = vec!["?"; wanted.len()].join(", ");
            let mut select = self.connection.prepare_cached(&format!(
                "SELECT key, reason FROM leaver WHERE stream = ? AND reason IN ({places}) ORDER BY key LIMIT ?"
            ))?;
            let mut parameters: Vec<&dyn ToSql> = vec![&stream.0];
            parameters.extend(wanted.iter().map(|reason| reason as &dyn ToSql));
            parameters.push(&limit);
            let rows = select.query_map(parameters.as_slice(), |row| {
                let reason: String = row.get(1)?;
                Ok(Removal {
                    key: Key::from_stored(row.get(0)?),
                    reason: RemovalReason::from_name(&reason).unwrap_or(RemovalReason::Deleted),
                })
            })?;
            rows.collect()
        };
        read().map_err(|e| self.fail(&e))
    }

    /// How many leave for each reason.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_leavers(&self, stream: Stream) -> Result<Vec<(RemovalReason, u64)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(RemovalReason, u64)>> {
            let mut select = self
                .connection
                .prepare_cached("SELECT reason, count(*) FROM leaver WHERE stream = ?1 GROUP BY reason")?;
            let rows = select.query_map([stream.0], |row| {
                let reason: String = row.get(0)?;
                let count: i64 = row.get(1)?;
                Ok((
                    RemovalReason::from_name(&reason).unwrap_or(RemovalReason::Deleted),
                    count.unsigned_abs(),
                ))
            })?;
            rows.collect()
        };
        read().map_err(|e| self.fail(&e))
    }
}
