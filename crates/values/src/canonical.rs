//! The canonical encoding of a document and its 64-bit hash.
//!
//! The driver hashes what it read, the hub hashes what it stored; `verify` is worth
//! something only because both use this file. A field is a tag byte and its value, so
//! that no two different documents share an encoding.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use xxhash_rust::xxh3::xxh3_64;

const NONE: u8 = 0;
const TEXT: u8 = 1;
const DECIMAL: u8 = 2;
const DATE: u8 = 3;
const CHILD: u8 = 4;

/// A document under encoding: fields in catalog order, then each kind of child in
/// catalog order with its rows in key order.
#[derive(Debug, Default)]
pub struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the next document, keeping the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// No value (a blank date).
    pub fn none(&mut self) {
        self.bytes.push(NONE);
    }

    /// A text; the caller has cut trailing blanks.
    pub fn text(&mut self, text: &str) {
        self.bytes.push(TEXT);
        self.bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A decimal, as units at the catalog's scale.
    pub fn decimal(&mut self, units: i64) {
        self.bytes.push(DECIMAL);
        self.bytes.extend_from_slice(&units.to_le_bytes());
    }

    /// A date, as days since 1970-01-01.
    pub fn date(&mut self, days: i32) {
        self.bytes.push(DATE);
        self.bytes.extend_from_slice(&days.to_le_bytes());
    }

    /// A row of the kind of child with this place in the catalog begins.
    pub fn child(&mut self, place: u8) {
        self.bytes.push(CHILD);
        self.bytes.push(place);
    }

    /// The hash of all since the last [`clear`](Self::clear).
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash(xxh3_64(&self.bytes))
    }
}

/// The 64-bit hash of a document's canonical encoding (XXH3). It tells a change from no
/// change; it is not a defence against somebody who forges one.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub u64);

impl Hash {
    /// The same 64 bits for a store that only has signed integers.
    #[must_use]
    pub const fn to_signed(self) -> i64 {
        i64::from_ne_bytes(self.0.to_ne_bytes())
    }

    /// Back from [`to_signed`](Self::to_signed).
    #[must_use]
    pub const fn from_signed(value: i64) -> Self {
        Self(u64::from_ne_bytes(value.to_ne_bytes()))
    }

    /// The hash of bytes that are no document (digests of batches, fingerprints).
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(xxh3_64(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As sixteen hex digits: JSON numbers lose bits beyond 2^53.
impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_frozen() {
        // A change here re-sends every row of every site.
        let mut document = Canonical::new();
        document.text("NW-0001");
        document.decimal(18_000_000);
        document.date(20574);
        document.none();
        document.child(0);
        document.text("line");
        assert_eq!(document.hash().to_string(), FROZEN);
    }
    const FROZEN: &str = "1823396afd9ce611";

    #[test]
    fn neighbours_do_not_run_together() {
        let hash = |parts: &[&str]| {
            let mut document = Canonical::new();
            parts.iter().for_each(|p| document.text(p));
            document.hash()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_eq!(Hash::from_signed(hash(&["x"]).to_signed()), hash(&["x"]));
    }
}
