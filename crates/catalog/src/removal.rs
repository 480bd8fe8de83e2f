//! Records that leave, why, and how many may leave before a person is asked.

use serde::{Deserialize, Serialize};
use values::Key;

/// The time over which unexplained removals are counted: a day's work.
pub const BRAKE_WINDOW_S: u32 = 24 * 60 * 60;

/// A few records may always leave: tables with a handful of rows would never move otherwise.
const ALWAYS_ALLOWED: u64 = 3;
/// One in twenty: more of a company's masters are not deleted in a day.
const ALLOWED_SHARE: u64 = 20;

/// A record that leaves the hub's live records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Which.
    pub key: Key,
    /// Why.
    pub reason: RemovalReason,
}

/// Why a record leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// A second, keyed read did not find it, and nothing explains it.
    Deleted,
    /// It is there, but the site's filter no longer lets it through.
    Filtered,
    /// It was found where such documents go (an order in the history).
    Moved,
    /// It was settled when it was last read (an open invoice with a balance of zero).
    Settled,
    /// Old history that the ERP no longer keeps; the hub keeps it, marked.
    Purged,
}

impl RemovalReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Deleted,
        Self::Filtered,
        Self::Moved,
        Self::Settled,
        Self::Purged,
    ];

    /// The name used in messages, stores and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Filtered => "filtered",
            Self::Moved => "moved",
            Self::Settled => "settled",
            Self::Purged => "purged",
        }
    }

    /// From the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Does the ERP itself say that it had to leave? Only the others count at the brake.
    #[must_use]
    pub const fn is_explained(self) -> bool {
        match self {
            Self::Moved | Self::Settled => true,
            Self::Deleted | Self::Filtered | Self::Purged => false,
        }
    }
}

impl RemovalReason {
    /// Was it found elsewhere in the ERP? While a brake holds the others only these leave:
    /// that a settled invoice is gone rests on the very read that is in doubt.
    #[must_use]
    pub const fn is_seen_elsewhere(self) -> bool {
        match self {
            Self::Moved => true,
            Self::Deleted | Self::Filtered | Self::Settled | Self::Purged => false,
        }
    }
}

/// How many of so many records may leave unexplained within [`BRAKE_WINDOW_S`] before a
/// person is asked.
#[must_use]
pub const fn removal_allowance(records: u64) -> u64 {
    let share = records / ALLOWED_SHARE;
    if share > ALWAYS_ALLOWED {
        share
    } else {
        ALWAYS_ALLOWED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_always_and_a_twentieth_of_many() {
        assert_eq!(removal_allowance(0), 3);
        assert_eq!(removal_allowance(79), 3);
        assert_eq!(removal_allowance(80), 4);
        assert_eq!(removal_allowance(100_000), 5_000);
    }

    #[test]
    fn names_come_back() {
        for reason in RemovalReason::ALL {
            assert_eq!(RemovalReason::from_name(reason.as_str()), Some(reason));
        }
    }
}
