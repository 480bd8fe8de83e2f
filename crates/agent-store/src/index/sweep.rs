//! What a pass over the whole table has seen: one bit for each entry.

use rusqlite::params;
use values::Key;

use super::entries::next_slot;
use super::{Index, Known, Stream};
use crate::StoreError;

/// One bit for each entry that the index had when the sweep began. Entries that came later
/// have higher slots and are exempt. Lost with the process: then nothing is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenBits {
    words: Vec<u64>,
    /// First slot that is exempt.
    end: u64,
    /// Entries that there were.
    known: u64,
    /// Bits that are set.
    seen: u64,
}

/// A page of entries that were not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Keys, in key-byte order, and whether each may leave without being asked about.
    pub suspects: Vec<(Key, bool)>,
    /// Where the next page begins: behind this key.
    pub last: Option<Key>,
    /// Nothing is left behind it.
    pub end: bool,
}

/// Bits in a word.
const WORD: u64 = 64;

impl SeenBits {
    fn new(end: u64, known: u64) -> Self {
        let words = usize::try_from(end.div_ceil(WORD)).unwrap_or(0);
        Self {
            words: vec![0; words],
            end,
            known,
            seen: 0,
        }
    }

    /// Notes that the document was read.
    pub fn mark(&mut self, known: &Known) {
        let (word, bit) = place(known.slot);
        if let Some(word) = self.words.get_mut(word)
            && *word & bit == 0
        {
            *word |= bit;
            self.seen += 1;
        }
    }

    /// Entries of the beginning that have not been seen yet (those that were removed in
    /// between included).
    #[must_use]
    pub const fn unseen(&self) -> u64 {
        self.known.saturating_sub(self.seen)
    }

    fn was_seen(&self, slot: u64) -> bool {
        let (word, bit) = place(slot);
        slot >= self.end || self.words.get(word).is_none_or(|word| word & bit != 0)
    }
}

/// The word of a slot, and the bit in it.
fn place(slot: u64) -> (usize, u64) {
    (
        usize::try_from(slot / WORD).unwrap_or(usize::MAX),
        1 << (slot % WORD),
    )
}

impl Index {
    /// Begins a sweep: no leavers, and no entry seen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_sweep(&mut self, stream: Stream) -> Result<SeenBits, StoreError> {
        self.forget_leavers(stream)?;
        let end = next_slot(&self.connection, stream).map_err(|e| self.fail(&e))?;
        Ok(SeenBits::new(end, self.count(stream)?))
    }

    /// Entries that were not seen, behind a key: at most `limit`, which may be none although
    /// the end is not reached.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unseen(
        &self,
        stream: Stream,
        bits: &SeenBits,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Unseen, StoreError> {
        let read = || -> rusqlite::Result<Unseen> {
            // The blank key is a key, too: behind nothing it comes first.
            let compare = if after.is_some() { ">" } else { ">=" };
            let sql = format!(
                "SELECT key, value FROM {} WHERE key {compare} ?1 ORDER BY key",
                stream.entries()
            );
            let mut select = self.connection.prepare_cached(&sql)?;
            let mut rows = select.query(params![after.map_or("", Key::as_str)])?;
            let mut page = Unseen {
                end: true,
                ..Unseen::default()
            };
            while let Some(row) = rows.next()? {
                let known = Known::from_bytes(row.get_ref(1)?.as_blob()?);
                if bits.was_seen(known.slot) {
                    continue;
                }
                if page.suspects.len() == limit {
                    page.end = false;
                    break;
                }
                let key = Key::from_stored(row.get(0)?);
                page.last = Some(key.clone());
                page.suspects.push((key, known.may_leave));
            }
            Ok(page)
        };
        read().map_err(|e| self.fail(&e))
    }
}
