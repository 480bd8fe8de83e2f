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

/// Slot and flag in one small integer: SQLite stores it in as few bytes as it needs.
const fn tag(slot: u64, may_leave: bool) -> i64 {
    ((slot << 1) | may_leave as u64).cast_signed()
}

pub(super) const fn slot_of(tag: i64) -> u64 {
    tag.cast_unsigned() >> 1
}

pub(super) const fn may_leave(tag: i64) -> bool {
    tag & 1 == 1
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
            let sql = format!("SELECT hash, tag FROM {} WHERE key = ?1", stream.entries());
            let mut select = transaction.prepare_cached(&sql)?;
            keys.iter()
                .map(|key| {
                    select
                        .query_row([key.as_str()], |row| {
                            let tag = row.get(1)?;
                            Ok(Known {
                                hash: Hash::from_signed(row.get(0)?),
                                may_leave: may_leave(tag),
                                slot: slot_of(tag),
                            })
                        })
                        .optional()
                })
                .collect()
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
            let transaction = self.connection.transaction()?;
            {
                let sql = format!(
                    "UPDATE {} SET tag = (tag >> 1 << 1) | ?2 WHERE key = ?1",
                    stream.entries()
                );
                let mut update = transaction.prepare_cached(&sql)?;
                for (key, flag) in flags {
                    update.execute(params![key.as_str(), flag])?;
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
            let transaction = self.connection.transaction()?;
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
    let table = stream.entries();
    let mut next = next_slot(transaction, stream)?;
    let first = next;
    let mut update = transaction.prepare_cached(&format!(
        "UPDATE {table} SET hash = ?2, tag = (tag >> 1 << 1) | ?3 WHERE key = ?1"
    ))?;
    let mut insert = transaction.prepare_cached(&format!(
        "INSERT INTO {table} (key, hash, tag) VALUES (?1, ?2, ?3)"
    ))?;
    for entry in entries {
        let (key, hash) = (entry.key.as_str(), entry.hash.to_signed());
        if update.execute(params![key, hash, entry.may_leave])? == 0 {
            insert.execute(params![key, hash, tag(next, entry.may_leave)])?;
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
