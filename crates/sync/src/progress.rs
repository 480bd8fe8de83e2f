//! What a stream remembers between passes. It moves only in the transaction that records
//! an acknowledgement of the hub, and the hub acknowledges only what is durable.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use values::{Epoch, Hash, Sequence, Stamp, StoreId};

use crate::brake::Held;

/// How far a watermark stays behind the clock: workstations stamp by their own clocks, and
/// the hour that autumn repeats must be read twice. In seconds.
pub const DEFAULT_OVERLAP_S: u32 = 3 * 60 * 60;

/// A stream's durable state on the driver's side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The hub's store that the rest speaks of.
    pub store: Option<StoreId>,
    /// The stream's epoch; 0 before the first.
    pub epoch: Epoch,
    /// Last batch that the hub acknowledged in it.
    pub sequence: Sequence,
    /// That batch's digest; it covers the digest before it, and so all of the epoch.
    pub digest: Hash,
    /// The shape that the epoch was opened with.
    pub fingerprint: Option<Hash>,
    /// Rows stamped before this have been delivered. Set by a complete pass.
    pub watermark: Option<Stamp>,
    /// A whole-table pass that is under way.
    pub scan: Option<Scan>,
    /// A whole-table pass was completed under this lineage of epochs.
    pub loaded: bool,
    /// What the site had changed about the dataset when the whole table was last delivered.
    #[serde(default)]
    pub site: Option<Hash>,
    /// What a person is asked about.
    #[serde(default)]
    pub held: Option<Held>,
    /// Removals of the last day that nothing explains, and when they were acknowledged.
    #[serde(default)]
    pub removed: Vec<(DateTime, u64)>,
    /// When the last whole pass began that looked for what had left the ERP.
    #[serde(default)]
    pub swept_at: Option<DateTime>,
}

/// A whole-table pass under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The driver's clock in the site's zone when it began.
    pub started: DateTime,
    /// Key parts of the last document that was delivered; none at the beginning.
    pub after: Option<Vec<String>>,
    /// Documents read so far.
    pub documents: u64,
    /// Of these, those that the site's filter let through.
    #[serde(default)]
    pub kept: u64,
    /// Documents that the index had when it began.
    #[serde(default)]
    pub known: u64,
    /// What the site had changed about the dataset when it began.
    #[serde(default)]
    pub site: Hash,
    /// The whole table was read; what was not seen is being looked for.
    #[serde(default)]
    pub read: bool,
}

impl Progress {
    /// The same stream in a new epoch. `keep` says that the hub certainly holds all that
    /// was recorded as acknowledged, so that the place in the pass stays valid. What a
    /// person was asked, and what was removed today, is never forgotten.
    #[must_use]
    pub fn in_new_epoch(&self, store: StoreId, epoch: Epoch, fingerprint: Hash, keep: bool) -> Self {
        let start = if keep { self.clone() } else { self.forgotten() };
        Self {
            store: Some(store),
            epoch,
            sequence: Sequence(0),
            digest: Hash(0),
            fingerprint: Some(fingerprint),
            ..start
        }
    }

    /// What is recorded while the index is being rebuilt: it agrees with no hub, so that a
    /// rebuild that was cut short begins anew.
    #[must_use]
    pub fn unsettled(&self) -> Self {
        Self {
            epoch: self.epoch,
            ..self.forgotten()
        }
    }

    fn forgotten(&self) -> Self {
        Self {
            held: self.held.clone(),
            removed: self.removed.clone(),
            ..Self::default()
        }
    }
}
