//! The state machine of one stream.
//!
//! A pass asks the hub where the stream stands, opens a new epoch when the two sides do
//! not agree (and then rebuilds the index from the hub), and goes page by page: read,
//! compare with the index, send what differs, commit after the acknowledgement.

use jiff::{SignedDuration, civil::DateTime};
use sage::ReadError;
use values::{Date, Epoch, Hash, Sequence, Stamp, StoreId};

use crate::{PageRequest, Progress, Scan};

/// Bits of an epoch that are random: two epochs that were opened after independent
/// restores of both sides must not be taken for one.
const EPOCH_RANDOM_BITS: u32 = 20;

/// The civil clock goes back by an hour each autumn; the overlap covers that, and leaves the
/// rest of itself to workstations whose clocks are behind.
const ALLOWED_STEP_BACK: SignedDuration = SignedDuration::from_hours(1);

/// What a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// The whole table, compared with the index. The first pass of a stream is one.
    Full,
    /// Rows stamped since the watermark.
    Delta,
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
    /// was restored to the old epoch.
    RebuildIndex {
        /// To be recorded at the end.
        progress: Progress,
    },
    /// Read documents → [`Event::PageRead`].
    ReadPage(PageRequest),
    /// Drop what was stamped before `since`, and what the index has under the same hash
    /// → [`Event::Compared`].
    Compare {
        /// Where the delta is cut.
        since: Option<Stamp>,
    },
    /// Send what is left of the page, again and again if the network asks for it, always
    /// the same bytes → [`Event::Acknowledged`].
    Send {
        /// The stream's epoch.
        epoch: Epoch,
        /// The batch's number.
        sequence: Sequence,
        /// The digest of the batch before it.
        previous: Hash,
    },
    /// Record progress, and the sent rows' hashes, in one transaction → [`Event::Committed`].
    Commit {
        /// To be recorded.
        progress: Progress,
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
        /// Documents that differ from the index.
        changed: u64,
    },
    /// To [`Command::Send`].
    Acknowledged {
        /// Of the batch that was sent.
        digest: Hash,
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
        /// The clock was set back by more than an hour; full passes are made until it has
        /// caught up.
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
}

/// The state machine of one stream.
#[derive(Clone, Debug)]
pub struct Engine {
    fingerprint: Hash,
    overlap_s: u32,
    page_documents: usize,
    /// As last committed.
    progress: Progress,
    pass: Option<Pass>,
}

#[derive(Clone, Debug)]
struct Pass {
    kind: PassKind,
    started: DateTime,
    /// Place of a delta; a full pass keeps its place in the progress.
    after: Option<Vec<String>>,
    documents: u64,
    sent: u64,
    page: Option<PageEnd>,
    step: Step,
}

#[derive(Clone, Debug)]
struct PageEnd {
    documents: u64,
    last: Option<Vec<String>>,
    end: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Asking,
    Resetting(Progress),
    Rebuilding(Progress),
    Reading,
    Comparing,
    Sending { changed: u64 },
    Committing(Progress),
}

impl Engine {
    /// An engine that goes on from what was committed.
    #[must_use]
    pub const fn new(progress: Progress, fingerprint: Hash, overlap_s: u32, page_documents: usize) -> Self {
        Self {
            fingerprint,
            overlap_s,
            page_documents,
            progress,
            pass: None,
        }
    }

    /// The progress as last committed.
    #[must_use]
    pub const fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Is a pass under way?
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.pass.is_some()
    }

    /// Begins a pass. A delta becomes a full pass where none was completed yet, and while a
    /// clock that was set back by more than an hour has not caught up: new rows may be
    /// stamped below the watermark.
    ///
    /// `now` is the driver's clock in the site's zone.
    pub fn begin(&mut self, wanted: PassKind, now: DateTime) -> Command {
        self.pass = Some(Pass {
            kind: wanted,
            started: now,
            after: None,
            documents: 0,
            sent: 0,
            page: None,
            step: Step::Asking,
        });
        Command::AskStream
    }

    /// Takes what came of the last command and says what is next. An event that does not
    /// belong to the command under way ends the pass: nothing is built on a guess.
    pub fn handle(&mut self, event: Event) -> Command {
        let Some(mut pass) = self.pass.take() else {
            return Command::Finish(Outcome::Failed(unexpected(&event)));
        };
        let command = match (&pass.step, event) {
            (_, Event::Failed(failure)) => Command::Finish(Outcome::Failed(failure)),
            (
                Step::Asking,
                Event::StreamState {
                    store,
                    epoch,
                    sequence,
                    digest,
                    previous,
                    fingerprint,
                    hub_fingerprint,
                    random,
                },
            ) => {
                let hub = HubSide {
                    store,
                    epoch,
                    sequence,
                    digest,
                    previous,
                    fingerprint,
                };
                self.on_state(&mut pass, hub, hub_fingerprint, random)
            }
            (Step::Resetting(progress), Event::StreamReset) => {
                let progress = progress.clone();
                pass.step = Step::Rebuilding(progress.clone());
                Command::RebuildIndex { progress }
            }
            (Step::Rebuilding(progress), Event::IndexRebuilt) => {
                self.progress = progress.clone();
                self.start_reading(&mut pass)
            }
            (Step::Reading, Event::PageRead { documents, last, end }) => {
                pass.documents += documents;
                pass.page = Some(PageEnd { documents, last, end });
                if documents == 0 {
                    self.commit_page(&mut pass, None)
                } else {
                    pass.step = Step::Comparing;
                    Command::Compare {
                        since: self.delta_start(&pass),
                    }
                }
            }
            (Step::Comparing, Event::Compared { changed: 0 }) => self.commit_page(&mut pass, None),
            (Step::Comparing, Event::Compared { changed }) => {
                pass.step = Step::Sending { changed };
                Command::Send {
                    epoch: self.progress.epoch,
                    sequence: self.progress.sequence.next(),
                    previous: self.progress.digest,
                }
            }
            (Step::Sending { changed }, Event::Acknowledged { digest }) => {
                pass.sent += *changed;
                self.commit_page(&mut pass, Some(digest))
            }
            (Step::Committing(progress), Event::Committed) => {
                self.progress = progress.clone();
                self.next_page(&mut pass)
            }
            (
                Step::Asking
                | Step::Resetting(_)
                | Step::Rebuilding(_)
                | Step::Reading
                | Step::Comparing
                | Step::Sending { .. }
                | Step::Committing(_),
                other,
            ) => Command::Finish(Outcome::Failed(unexpected(&other))),
        };
        if !matches!(command, Command::Finish(_)) {
            self.pass = Some(pass);
        }
        command
    }

    fn on_state(&self, pass: &mut Pass, hub: HubSide, hub_fingerprint: Hash, random: u64) -> Command {
        if hub_fingerprint != self.fingerprint {
            return Command::Finish(Outcome::ShapesDiffer {
                hub: hub_fingerprint,
                driver: self.fingerprint,
            });
        }
        let mine = &self.progress;
        let same_stream = mine.store.as_ref() == Some(&hub.store)
            && mine.epoch == hub.epoch
            && mine.fingerprint == Some(self.fingerprint)
            && hub.fingerprint == self.fingerprint;
        if same_stream && mine.sequence == hub.sequence && mine.digest == hub.digest {
            return self.start_reading(pass);
        }
        // One batch ahead is the reply that was lost, or the commit that did not follow: the
        // hub has all that was recorded here, and more. Anything else means that one side
        // went back in time, and then only a pass over everything proves that nothing is
        // missing.
        let keep = same_stream && hub.sequence == mine.sequence.next() && hub.previous == mine.digest;
        let epoch = next_epoch(mine.epoch.max(hub.epoch), random);
        pass.step = Step::Resetting(mine.in_new_epoch(hub.store, epoch, self.fingerprint, keep));
        Command::ResetStream {
            epoch,
            from_epoch: hub.epoch,
            from_sequence: hub.sequence,
            from_digest: hub.digest,
        }
    }

    fn start_reading(&self, pass: &mut Pass) -> Command {
        let behind = self.clock_is_behind(pass.started);
        if !self.progress.loaded
            || self.progress.scan.is_some()
            || self.progress.watermark.is_none()
            || behind
        {
            pass.kind = PassKind::Full;
        }
        self.read_page(pass)
    }

    fn read_page(&self, pass: &mut Pass) -> Command {
        pass.step = Step::Reading;
        pass.page = None;
        let (since, after) = match pass.kind {
            PassKind::Full => (None, self.progress.scan.as_ref().and_then(|s| s.after.clone())),
            PassKind::Delta => (self.delta_start(pass).map(Stamp::date), pass.after.clone()),
        };
        Command::ReadPage(PageRequest {
            since,
            after,
            limit: self.page_documents,
        })
    }

    fn delta_start(&self, pass: &Pass) -> Option<Stamp> {
        match pass.kind {
            PassKind::Full => None,
            PassKind::Delta => self.progress.watermark,
        }
    }

    /// Records the page: its rows are acknowledged, or none of them differed.
    fn commit_page(&self, pass: &mut Pass, sent: Option<Hash>) -> Command {
        let mut progress = self.progress.clone();
        if let Some(digest) = sent {
            progress.sequence = progress.sequence.next();
            progress.digest = digest;
        }
        let page = pass.page.clone().unwrap_or(PageEnd {
            documents: 0,
            last: None,
            end: true,
        });
        match pass.kind {
            PassKind::Full => {
                let scan = progress.scan.take();
                let started = scan.as_ref().map_or(pass.started, |s| s.started);
                if page.end {
                    progress.loaded = true;
                    self.move_watermark(&mut progress, started);
                } else {
                    let documents = scan.as_ref().map_or(0, |s| s.documents) + page.documents;
                    let after = page.last.or_else(|| scan.and_then(|s| s.after));
                    progress.scan = Some(Scan {
                        started,
                        after,
                        documents,
                    });
                }
            }
            PassKind::Delta => {
                if page.end {
                    self.move_watermark(&mut progress, pass.started);
                } else {
                    pass.after = page.last.or_else(|| pass.after.take());
                }
            }
        }
        if progress == self.progress {
            // A page of a delta in which nothing differed: nothing to record.
            return self.next_page(pass);
        }
        pass.step = Step::Committing(progress.clone());
        Command::Commit { progress }
    }

    fn next_page(&self, pass: &mut Pass) -> Command {
        if pass.page.as_ref().is_some_and(|p| !p.end) {
            return self.read_page(pass);
        }
        Command::Finish(Outcome::Complete {
            kind: pass.kind,
            documents: pass.documents,
            sent: pass.sent,
            clock_set_back: self.clock_is_behind(pass.started),
        })
    }

    /// Was the clock set back by more than autumn does, since the watermark was set?
    fn clock_is_behind(&self, started: DateTime) -> bool {
        let allowed = started.checked_add(ALLOWED_STEP_BACK).unwrap_or(started);
        self.progress
            .watermark
            .is_some_and(|w| w > self.watermark_at(allowed))
    }

    /// The watermark never goes back: a clock that was set back asks for a full pass.
    fn move_watermark(&self, progress: &mut Progress, started: DateTime) {
        let candidate = self.watermark_at(started);
        if progress.watermark.is_none_or(|w| candidate > w) {
            progress.watermark = Some(candidate);
        }
    }

    fn watermark_at(&self, started: DateTime) -> Stamp {
        let overlap = SignedDuration::from_secs(i64::from(self.overlap_s));
        let behind = started.checked_sub(overlap);
        Stamp::of(behind.unwrap_or_else(|_| Date::MIN.to_datetime(jiff::civil::Time::midnight())))
    }
}

/// The hub's side of the stream as it answered.
struct HubSide {
    store: StoreId,
    epoch: Epoch,
    sequence: Sequence,
    digest: Hash,
    previous: Hash,
    fingerprint: Hash,
}

fn next_epoch(last: Epoch, random: u64) -> Epoch {
    let counter = (last.0 >> EPOCH_RANDOM_BITS) + 1;
    Epoch((counter << EPOCH_RANDOM_BITS) | (random & ((1 << EPOCH_RANDOM_BITS) - 1)))
}

fn unexpected(event: &Event) -> Failure {
    Failure::Store {
        code: "engine_confused".to_owned(),
        message: format!("an answer that was not asked for: {event:?}"),
        remedy: "the next pass starts from what was recorded; report it if it repeats".to_owned(),
    }
}
