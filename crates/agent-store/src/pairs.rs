//! A sorted list on disk: one side of a comparison.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use values::{Hash, Key};

use crate::StoreError;

/// Pages that SQLite keeps in memory, in KiB.
const CACHE_KIB: i32 = 8 * 1024;

/// Keys and hashes on disk, to be read back in key-byte order: one side of a comparison
/// that may be larger than memory.
#[derive(Debug)]
pub struct Pairs {
    path: PathBuf,
    connection: Connection,
}

impl Pairs {
    /// An empty list in a temporary file of SQLite's own, gone with this value.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn new() -> Result<Self, StoreError> {
        let path = PathBuf::from("temporary file");
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open("")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.execute_batch(
                "CREATE TABLE pair (key TEXT PRIMARY KEY, hash INTEGER NOT NULL) WITHOUT ROWID",
            )?;
            Ok(connection)
        };
        let connection = open().map_err(|e| StoreError::from_sqlite(&path, &e))?;
        Ok(Self { path, connection })
    }

    /// Adds pairs; a key that stands already gets the new hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add(&mut self, pairs: impl IntoIterator<Item = (Key, Hash)>) -> Result<(), StoreError> {
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT OR REPLACE INTO pair (key, hash) VALUES (?1, ?2)")?;
                for (key, hash) in pairs {
                    insert.execute(params![key.as_str(), hash.to_signed()])?;
                }
            }
            transaction.commit()
        };
        let result = write();
        result.map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }

    /// A page of pairs behind a key, in key-byte order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn page(&self, after: Option<&Key>, limit: u32) -> Result<Vec<(Key, Hash)>, StoreError> {
        let read = || -> rusqlite::Result<Vec<(Key, Hash)>> {
            // The blank key is a key, too: behind nothing it comes first.
            let sql = if after.is_some() {
                "SELECT key, hash FROM pair WHERE key > ?1 ORDER BY key LIMIT ?2"
            } else {
                "SELECT key, hash FROM pair WHERE key >= ?1 ORDER BY key LIMIT ?2"
            };
            let mut select = self.connection.prepare_cached(sql)?;
            let rows = select.query_map(params![after.map_or("", Key::as_str), limit], |row| {
                Ok((Key::from_stored(row.get(0)?), Hash::from_signed(row.get(1)?)))
            })?;
            rows.collect()
        };
        read().map_err(|e| StoreError::from_sqlite(&self.path, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_back_in_byte_order() {
        let mut pairs = Pairs::new().unwrap();
        pairs
            .add(["b", "a~20", "B", "a", ""].map(|k| (Key::from_stored(k.to_owned()), Hash(1))))
            .unwrap();
        let first = pairs.page(None, 3).unwrap();
        let keys: Vec<&str> = first.iter().map(|(k, _)| k.as_str()).collect();
        assert_eq!(keys, ["", "B", "a"]);
        assert_eq!(pairs.page(Some(&first[2].0), 3).unwrap()[0].0.as_str(), "a~20");
    }
}
