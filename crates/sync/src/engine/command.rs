//! What the engine asks for, and what it is told.

use sage::ReadError;
use values::{Epoch, Hash, Sequence, Stamp, StoreId};

use crate::brake::Held;
use crate::{PageRequest, Progress};

/// What a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PassKind {
    /// The whole table, for the first time.
    Initial,
    /// Rows stamped since the watermark.
    Delta,
    /// The whole table, compared with the index; what is not seen is looked for by its key.
    Sweep,
}

impl PassKind {
    /// Does it read the whole table?
    #[must_use]
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Initial | Self::Sweep => true,
            Self::Delta => false,
        }
    }

    /// The name used in logs and in status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Delta => "delta",
            Self::Sweep => "sweep",
        }
    }
}

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The dataset's shape, as both sides know it.
    pub fingerprint: Hash,
    /// What the site changes about the dataset (see [`Adaptation`](crate::Adaptation)). When
    /// it differs from what was last delivered, the next pass reads the whole table.
    pub site: Hash,
    /// How far the watermark stays behind the clock, in seconds.
    pub overlap_s: u32,
    /// Most documents of a page.
    pub page_documents: usize,
    /// Is it history? What leaves is kept by the hub, and the site's filter removes nothing.
    pub history: bool,
}

/// What the driver has when a pass begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtHand {
    /// The bits of the recorded whole pass are still in memory.
    pub seen_bits: bool,
    /// Unexplained removals of the last day that a person approved.
    pub approved: u64,
    /// The column of which a person is asked has its values again, or it was approved that
    /// it lost them.
    pub column_answered: bool,
}

/// The next thing to do. Exactly one is under way at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the hub where the stream stands → [`Event::StreamState`].
    AskStream,
    /// Open this epoch at the hub, if it still stands where it said → [`Event::StreamReset`].
    /// A hub that was restored in between has forgotten what the decision rests on.
    ResetStream {
        /// Larger than any that either side has seen.
        epoch: Epoch,
        /// The epoch that the hub must still have.
        from_epoch: Epoch,
        /// The sequence that the hub must still have.
        from_sequence: Sequence,
        /// The digest that the hub must still have.
        from_digest: Hash,
    },
    /// In one transaction forget the stream's index and record [`Progress::unsettled`];
    /// then fill the index from the hub, and record `progress` together with the last
    /// entries → [`Event::IndexRebuilt`]. A half-filled index must never meet a hub that
    /// was restored to the old epoch. The bits of a whole pass are lost with the old index.
    RebuildIndex {
        /// To be recorded at the end.
        progress: Progress,
    },
    /// A whole pass begins: forget who was leaving, and start with fresh seen bits; what is
    /// indexed from now on counts as seen → [`Event::SweepBegun`].
    BeginSweep,
    /// A delta begins, or a whole pass goes on: forget who was leaving, for what an earlier
    /// pass found may have come back → [`Event::LeaversForgotten`].
    ForgetLeavers,
    /// Read documents → [`Event::PageRead`].
    ReadPage(PageRequest),
    /// Drop what was stamped before `since`, what the site's filter does not let through,
    /// and what the index has under the same hash → [`Event::Compared`] or
    /// [`Event::Implausible`]. Whoever is seen and let through is no leaver (any more).
    Compare {
        /// Where the delta is cut.
        since: Option<Stamp>,
        /// Set the seen bits of the documents that are let through.
        mark: bool,
        /// Documents that the index knows and the filter no longer lets through are put
        /// among the leavers.
        filter_leaves: bool,
    },
    /// Send what is in hand, rows or removals, again and again if the network asks for it,
    /// always the same bytes → [`Event::Acknowledged`].
    Send {
        /// The stream's epoch.
        epoch: Epoch,
        /// The batch's number.
        sequence: Sequence,
        /// The digest of the batch before it.
        previous: Hash,
        /// Unexplained removals of the last day that a person approved.
        approved: u64,
    },
    /// Look by key for the next documents that were not seen; those that are gone are put
    /// among the leavers with their reason → [`Event::Confirmed`].
    Confirm {
        /// May stop early once more than so many are gone without explanation.
        allowed: u64,
    },
    /// Count the index's entries → [`Event::DocumentsCounted`].
    CountDocuments,
    /// Take some of the leavers in hand. They stay among the leavers until an acknowledged
    /// [`Command::Commit`] → [`Event::RemovalsTaken`].
    TakeRemovals {
        /// False while a brake holds: then only those are taken that were found elsewhere in
        /// the ERP.
        with_unexplained: bool,
    },
    /// Record progress in one transaction with what was in hand → [`Event::Committed`].
    Commit {
        /// To be recorded.
        progress: Progress,
        /// The hub has what is in hand: it goes into the index. Otherwise it is dropped.
        acknowledged: bool,
    },
    /// The pass is over.
    Finish(Outcome),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To [`Command::AskStream`].
    StreamState {
        /// The hub's store.
        store: StoreId,
        /// Its epoch for the stream; 0 for none.
        epoch: Epoch,
        /// The last batch that it committed.
        sequence: Sequence,
        /// Its digest.
        digest: Hash,
        /// The digest of the batch before it.
        previous: Hash,
        /// The shape with which the epoch was opened.
        fingerprint: Hash,
        /// The shape that the hub's catalog has now.
        hub_fingerprint: Hash,
        /// Fresh random bits, in case a new epoch is needed.
        random: u64,
    },
    /// To [`Command::ResetStream`].
    StreamReset,
    /// To [`Command::RebuildIndex`].
    IndexRebuilt,
    /// To [`Command::BeginSweep`].
    SweepBegun {
        /// Entries of the index.
        documents: u64,
    },
    /// To [`Command::ForgetLeavers`].
    LeaversForgotten,
    /// To [`Command::ReadPage`].
    PageRead {
        /// Documents read.
        documents: u64,
        /// Key parts of the last one.
        last: Option<Vec<String>>,
        /// Nothing is left behind them.
        end: bool,
    },
    /// To [`Command::Compare`].
    Compared {
        /// Documents that differ from the index and are to be sent.
        changed: u64,
        /// Documents put among the leavers because the filter does not let them through.
        filtered: u64,
        /// Documents of the page that the filter lets through.
        kept: u64,
    },
    /// To [`Command::Compare`]: nothing of the page may be used.
    Implausible {
        /// The columns that went blank in most rows, or vanished.
        columns: Vec<String>,
    },
    /// To [`Command::Send`].
    Acknowledged {
        /// Of the batch that was sent.
        digest: Hash,
    },
    /// To [`Command::Confirm`], about the documents looked for by this command.
    Confirmed {
        /// Gone, and why is known.
        explained: u64,
        /// Gone without explanation, or filtered away.
        unexplained: u64,
        /// Documents that are still to be looked for; an estimate is enough.
        left: u64,
        /// None is left.
        end: bool,
    },
    /// To [`Command::CountDocuments`].
    DocumentsCounted {
        /// Entries of the index.
        documents: u64,
    },
    /// To [`Command::TakeRemovals`].
    RemovalsTaken {
        /// How many are in hand; 0 when none is left.
        count: u64,
        /// Of these, those that nothing explains.
        unexplained: u64,
    },
    /// To [`Command::Commit`].
    Committed,
    /// Any command failed for good; nothing of it is assumed.
    Failed(Failure),
}

/// Why a pass ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The ERP could not be read.
    Read(ReadError),
    /// The hub could not be reached, or refused.
    Hub {
        /// Stable code.
        code: String,
        /// The hub's or the network's words.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// The driver's own store refused (disk full, file damaged).
    Store {
        /// Stable code.
        code: String,
        /// What happened.
        message: String,
        /// What to do.
        remedy: String,
    },
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was to be read is acknowledged.
    Complete {
        /// What it was.
        kind: PassKind,
        /// Documents read.
        documents: u64,
        /// Documents sent.
        sent: u64,
        /// Documents removed.
        removed: u64,
        /// Removals that wait for a person.
        held: Option<Held>,
        /// After a whole pass: what had left the ERP was looked for, and removed unless it is
        /// held. It is not when the driver was restarted in between; the next sweep does it.
        swept: bool,
        /// When it began, the clock had been set back by more than an hour; whole passes are
        /// made until one has read everything under the clock as it is.
        clock_set_back: bool,
    },
    /// It ended early; the next pass goes on from what was committed.
    Failed(Failure),
    /// The hub's catalog has another shape for the dataset: one of the two is to be updated.
    ShapesDiffer {
        /// The hub's.
        hub: Hash,
        /// The driver's.
        driver: Hash,
    },
    /// The dataset waits for a person; nothing more was read.
    Held(Held),
}
