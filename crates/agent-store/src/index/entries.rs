//! Entries: key, hash, slot and flag of each document that the hub has.

use rusqlite::{OptionalExtension, Transaction, params};
use sync::Progress;
use values::{Hash, Key};

use super::{Index, Stream};
use crate::StoreError;

/// A document that is at the hub now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Its canonical hash.
    pub hash: Hash,
    /// It may leave without being asked about: it was settled when it was read.
    pub may_leave: bool,
}

/// What the index has of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its canonical hash.
    pub hash: Hash,
    /// It may leave without being asked about.
    pub may_leave: bool,
    /// Its number in the stream, in the order in which documents came.
    pub(super) slot: u64,
}

/// Bytes of a hash.
const HASH_BYTES: usize = 8;

impl Known {
    /// As it is stored: the hash, then slot and flag as one number in as few bytes as it
    /// needs. One column instead of three saves two bytes in every row.
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.hash.0.to_le_bytes().to_vec();
        let mut tag = (self.slot << 1) | u64::from(self.may_leave);
        while tag > 0 {
            let [low, ..] = tag.to_le_bytes();
            bytes.push(low);
            tag >>= 8;
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let (hash, tag) = bytes.split_at(HASH_BYTES.min(bytes.len()));
        let tag = number(tag);
        Self {
            hash: Hash(number(hash)),
            may_leave: tag & 1 == 1,
            slot: tag >> 1,
        }
    }
}

impl Index {
    /// Documents that the index knows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count(&self, stream: Stream) -> Result<u64, StoreError> {
        let count: i64 = self
            .connection
            .query_row("SELECT documents FROM stream WHERE id = ?1", [stream.0], |row| {
                row.get(0)
            })
            .map_err(|e| self.fail(&e))?;
        Ok(count.unsigned_abs())
    }

    /// What the index has of each key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn look_up(&mut self, stream: Stream, keys: &[Key]) -> Result<Vec<Option<Known>>, StoreError> {
        let path = self.path.clone();
        let mut read = || -> rusqlite::Result<Vec<Option<Known>>> {
            let transaction = self.connection.transaction()?;
            let mut select = transaction.prepare_cached(&select_sql(stream))?;
            keys.iter().map(|key| known(&mut select, key)).collect()
        };
        read().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    /// Records progress, and what the acknowledged batch brought or took, in one
    /// transaction. Who is removed is no leaver any more.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was recorded.
    pub fn commit(
        &mut self,
        stream: Stream,
        progress: &Progress,
        entries: &[Entry],
        removed: &[Key],
    ) -> Result<(), StoreError> {
        self.change(stream, Some(progress), false, entries, removed)
    }

    /// Forgets the stream's entries and records that it agrees with no hub for now.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was forgotten.
    pub fn begin_rebuild(&mut self, stream: Stream, progress: &Progress) -> Result<(), StoreError> {
        self.change(stream, Some(&progress.unsettled()), true, &[], &[])
    }

    /// Adds entries during a rebuild.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_rebuilt(&mut self, stream: Stream, entries: &[Entry]) -> Result<(), StoreError> {
        self.change(stream, None, false, entries, &[])
    }

    /// Sets the flag of documents whose content did not change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_may_leave(&mut self, stream: Stream, flags: &[(Key, bool)]) -> Result<(), StoreError> {
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = Self::writing(&mut self.connection)?;
            {
                let mut select = transaction.prepare_cached(&select_sql(stream))?;
                let mut update = transaction.prepare_cached(&update_sql(stream))?;
                for (key, flag) in flags {
                    if let Some(entry) = known(&mut select, key)? {
                        let entry = Known {
                            may_leave: *flag,
                            ..entry
                        };
                        update.execute(params![key.as_str(), entry.to_bytes()])?;
                    }
                }
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::from_sqlite(&path, &e))
    }

    fn change(
        &mut self,
        stream: Stream,
        progress: Option<&Progress>,
        clear: bool,
        entries: &[Entry],
        removed: &[Key],
    ) -> Result<(), StoreError> {
        let text = progress.map(|p| self.write(p)).transpose()?;
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = Self::writing(&mut self.connection)?;
            if clear {
                forget(&transaction, stream)?;
            }
            if !entries.is_empty() {
                put(&transaction, stream, entries)?;
            }
            if !removed.is_empty() {
                remove(&transaction, stream, removed)?;
            }
            if let Some(text) = &text {
                transaction
                    .prepare_cached("UPDATE stream SET progress = ?2 WHERE id = ?1")?
                    .execute(params![stream.0, text])?;
            }
            transaction.commit()
        };
        write().map_err(|e| StoreError::from_sqlite(&path, &e))
    }
}

fn select_sql(stream: Stream) -> String {
    format!("SELECT value FROM {} WHERE key = ?1", stream.entries())
}

fn update_sql(stream: Stream) -> String {
    format!("UPDATE {} SET value = ?2 WHERE key = ?1", stream.entries())
}

fn known(select: &mut rusqlite::Statement<'_>, key: &Key) -> rusqlite::Result<Option<Known>> {
    select
        .query_row([key.as_str()], |row| {
            Ok(Known::from_bytes(row.get_ref(0)?.as_blob()?))
        })
        .optional()
}

fn forget(transaction: &Transaction<'_>, stream: Stream) -> rusqlite::Result<()> {
    transaction.execute(&format!("DELETE FROM {}", stream.entries()), [])?;
    transaction.execute("DELETE FROM leaver WHERE stream = ?1", [stream.0])?;
    transaction.execute(
        "UPDATE stream SET documents = 0, next_slot = 0 WHERE id = ?1",
        [stream.0],
    )?;
    Ok(())
}

/// A document that is known keeps its slot; a new one gets the next.
fn put(transaction: &Transaction<'_>, stream: Stream, entries: &[Entry]) -> rusqlite::Result<()> {
    let mut next = next_slot(transaction, stream)?;
    let first = next;
    let mut select = transaction.prepare_cached(&select_sql(stream))?;
    let mut update = transaction.prepare_cached(&update_sql(stream))?;
    let insert = format!("INSERT INTO {} (key, value) VALUES (?1, ?2)", stream.entries());
    let mut insert = transaction.prepare_cached(&insert)?;
    for entry in entries {
        let before = known(&mut select, &entry.key)?;
        let after = Known {
            hash: entry.hash,
            may_leave: entry.may_leave,
            slot: before.map_or(next, |b| b.slot),
        };
        let parameters = params![entry.key.as_str(), after.to_bytes()];
        if before.is_some() {
            update.execute(parameters)?;
        } else {
            insert.execute(parameters)?;
            next += 1;
        }
    }
    transaction
        .prepare_cached("UPDATE stream SET documents = documents + ?2, next_slot = ?3 WHERE id = ?1")?
        .execute(params![
            stream.0,
            (next - first).cast_signed(),
            next.cast_signed()
        ])?;
    Ok(())
}

fn remove(transaction: &Transaction<'_>, stream: Stream, keys: &[Key]) -> rusqlite::Result<()> {
    let mut entry =
        transaction.prepare_cached(&format!("DELETE FROM {} WHERE key = ?1", stream.entries()))?;
    let mut leaver = transaction.prepare_cached("DELETE FROM leaver WHERE stream = ?1 AND key = ?2")?;
    let mut gone = 0_i64;
    for key in keys {
        if entry.execute([key.as_str()])? > 0 {
            gone += 1;
        }
        leaver.execute(params![stream.0, key.as_str()])?;
    }
    transaction
        .prepare_cached("UPDATE stream SET documents = documents - ?2 WHERE id = ?1")?
        .execute(params![stream.0, gone])?;
    Ok(())
}

pub(super) fn next_slot(connection: &rusqlite::Connection, stream: Stream) -> rusqlite::Result<u64> {
    let next: i64 = connection
        .prepare_cached("SELECT next_slot FROM stream WHERE id = ?1")?
        .query_row([stream.0], |row| row.get(0))?;
    Ok(next.cast_unsigned())
}
