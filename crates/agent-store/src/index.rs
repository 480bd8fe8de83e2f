//! `index.db`: for each stream its progress, and the hash of every document that the hub
//! has. Disposable: a file that is missing or damaged is made anew, and the hub is asked.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use sync::Progress;
use values::{Hash, Key};

use crate::StoreError;

/// Raised when the file's tables change; another version's file is thrown away.
const VERSION: i32 = 1;

/// Keys are looked up one by one inside one transaction; SQLite's page cache keeps the
/// neighbourhood. In KiB.
const CACHE_KIB: i32 = 8 * 1024;

/// The index of one driver.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    connection: Connection,
}

/// A stream's number in this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream(i64);

impl Index {
    /// Opens the file, or makes it. A file that is no index of this version is moved aside
    /// as `index.db.damaged` and a new one is made.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match Self::try_open(path) {
            Ok(index) => Ok(index),
            Err(StoreError::Full { path }) => Err(StoreError::Full { path }),
            Err(error @ (StoreError::Sqlite { .. } | StoreError::Content { .. })) => {
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
        // What is lost with power is asked of the hub again.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(fail)?;
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(fail)?;
        connection
            .pragma_update(None, "cache_size", -CACHE_KIB)
            .map_err(fail)?;
        connection
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS stream (
                   id INTEGER PRIMARY KEY,
                   company TEXT NOT NULL,
                   dataset TEXT NOT NULL,
                   progress TEXT NOT NULL,
                   UNIQUE (company, dataset));
                 CREATE TABLE IF NOT EXISTS entry (
                   stream INTEGER NOT NULL,
                   key TEXT NOT NULL,
                   hash INTEGER NOT NULL,
                   PRIMARY KEY (stream, key)) WITHOUT ROWID;",
            )
            .map_err(fail)?;
        connection
            .pragma_update(None, "user_version", VERSION)
            .map_err(fail)?;
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
    pub fn stream(&self, company: &str, dataset: &str) -> Result<(Stream, Progress), StoreError> {
        let found: Option<(i64, String)> = self
            .connection
            .query_row(
                "SELECT id, progress FROM stream WHERE company = ?1 AND dataset = ?2",
                params![company, dataset],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|e| self.fail(&e))?;
        if let Some((id, text)) = found {
            // A progress that cannot be read is none: the hub is asked.
            return Ok((Stream(id), serde_json::from_str(&text).unwrap_or_default()));
        }
        let progress = Progress::default();
        self.connection
            .execute(
                "INSERT INTO stream (company, dataset, progress) VALUES (?1, ?2, ?3)",
                params![company, dataset, self.write(&progress)?],
            )
            .map_err(|e| self.fail(&e))?;
        Ok((Stream(self.connection.last_insert_rowid()), progress))
    }

    /// Documents that the index knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count(&self, stream: Stream) -> Result<u64, StoreError> {
        let count: i64 = self
            .connection
            .query_row(
                "SELECT count(*) FROM entry WHERE stream = ?1",
                [stream.0],
                |row| row.get(0),
            )
            .map_err(|e| self.fail(&e))?;
        Ok(count.unsigned_abs())
    }

    /// The hash that the index has for each key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look_up(&mut self, stream: Stream, keys: &[Key]) -> Result<Vec<Option<Hash>>, StoreError> {
        let path = self.path.clone();
        let mut read = || -> rusqlite::Result<Vec<Option<Hash>>> {
            let transaction = self.connection.transaction()?;
            let mut select =
                transaction.prepare_cached("SELECT hash FROM entry WHERE stream = ?1 AND key = ?2")?;
            keys.iter()
                .map(|key| {
                    let hash: Option<i64> = select
                        .query_row(params![stream.0, key.as_str()], |row| row.get(0))
                        .optional()?;
                    Ok(hash.map(Hash::from_signed))
                })
                .collect()
        };
        read().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    /// Records progress and the hashes that belong to it, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was recorded.
    pub fn commit(
        &mut self,
        stream: Stream,
        progress: &Progress,
        entries: &[(Key, Hash)],
    ) -> Result<(), StoreError> {
        self.change(stream, Some(progress), false, entries)
    }

    /// Forgets the stream's entries and records that it agrees with no hub for now.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was forgotten.
    pub fn begin_rebuild(&mut self, stream: Stream, progress: &Progress) -> Result<(), StoreError> {
        self.change(stream, Some(&progress.unsettled()), true, &[])
    }

    /// Adds entries during a rebuild.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_rebuilt(&mut self, stream: Stream, entries: &[(Key, Hash)]) -> Result<(), StoreError> {
        self.change(stream, None, false, entries)
    }

    fn change(
        &mut self,
        stream: Stream,
        progress: Option<&Progress>,
        clear: bool,
        entries: &[(Key, Hash)],
    ) -> Result<(), StoreError> {
        let text = progress.map(|p| self.write(p)).transpose()?;
        let path = self.path.clone();
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            if clear {
                transaction.execute("DELETE FROM entry WHERE stream = ?1", [stream.0])?;
            }
            {
                let mut insert = transaction
                    .prepare_cached("INSERT OR REPLACE INTO entry (stream, key, hash) VALUES (?1, ?2, ?3)")?;
                for (key, hash) in entries {
                    insert.execute(params![stream.0, key.as_str(), hash.to_signed()])?;
                }
            }
            if let Some(text) = text {
                transaction.execute(
                    "UPDATE stream SET progress = ?2 WHERE id = ?1",
                    params![stream.0, text],
                )?;
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    fn write(&self, progress: &Progress) -> Result<String, StoreError> {
        serde_json::to_string(progress).map_err(|e| StoreError::Content {
            path: self.path.clone(),
            message: e.to_string(),
        })
    }

    fn fail(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }
}

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
    use values::{Epoch, Sequence, StoreId};

    use super::*;

    fn entries(count: u64) -> Vec<(Key, Hash)> {
        (0..count)
            .map(|n| (Key::from_parts([n.to_string()]), Hash(u64::MAX - n)))
            .collect()
    }

    fn progress(sequence: u64) -> Progress {
        let store = Some(StoreId::new("hub"));
        Progress {
            store,
            epoch: Epoch(7),
            sequence: Sequence(sequence),
            ..Progress::default()
        }
    }

    #[test]
    fn entries_and_progress_move_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.db");
        let mut index = Index::open(&path).unwrap();
        let (stream, fresh) = index.stream("ABC", "items").unwrap();
        let (other, _) = index.stream("XYZ", "items").unwrap();
        assert_eq!(fresh, Progress::default());
        index.commit(stream, &progress(1), &entries(3)).unwrap();
        drop(index);
        let mut index = Index::open(&path).unwrap();
        assert_eq!(index.stream("ABC", "items").unwrap(), (stream, progress(1)));
        let keys: Vec<Key> = ["0", "2", "9"].map(|k| Key::from_parts([k])).to_vec();
        let known = index.look_up(stream, &keys).unwrap();
        assert_eq!(known, [Some(Hash(u64::MAX)), Some(Hash(u64::MAX - 2)), None]);
        assert_eq!(index.count(other).unwrap(), 0);
    }

    #[test]
    fn a_rebuild_that_was_cut_short_agrees_with_no_hub() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(&folder.path().join("index.db")).unwrap();
        let (stream, _) = index.stream("ABC", "items").unwrap();
        index.commit(stream, &progress(5), &entries(3)).unwrap();
        index.begin_rebuild(stream, &progress(0)).unwrap();
        index.add_rebuilt(stream, &entries(1)).unwrap();
        let (_, found) = index.stream("ABC", "items").unwrap();
        assert_eq!((found.store, found.epoch), (None, Epoch(7)));
    }

    #[test]
    fn a_damaged_file_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.db");
        std::fs::write(
            &path,
            "no database, but long enough to look like a file of some kind",
        )
        .unwrap();
        let index = Index::open(&path).unwrap();
        assert_eq!(index.stream("ABC", "items").unwrap().1, Progress::default());
        assert!(path.with_extension("db.damaged").exists());
    }

    #[test]
    fn a_full_disk_records_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::open(&folder.path().join("index.db")).unwrap();
        let (stream, _) = index.stream("ABC", "items").unwrap();
        index.commit(stream, &progress(1), &entries(10)).unwrap();
        index
            .connection
            .pragma_update(None, "max_page_count", 12)
            .unwrap();
        let error = index.commit(stream, &progress(2), &entries(50_000)).unwrap_err();
        assert_eq!(error.code(), "disk_full");
        assert_eq!(index.stream("ABC", "items").unwrap().1, progress(1));
        assert_eq!(index.count(stream).unwrap(), 10);
    }

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
