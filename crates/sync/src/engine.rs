//! The state machine of one stream.
//!
//! A pass asks the hub where the stream stands, opens a new epoch when the two sides do
//! not agree (and then rebuilds the index from the hub), and goes page by page: read,
//! compare with the index, send what differs, commit after the acknowledgement. A whole
//! pass then looks by key for every document that it did not see, and removes those that
//! are gone, unless the brake holds.

mod command;
mod removal;
mod standing;

use jiff::{SignedDuration, civil::DateTime};
use values::{Date, Hash, Stamp};

use crate::brake::{Brake, Held, HeldReason};
use crate::{PageRequest, Progress, Scan};

pub use command::{AtHand, Command, Event, Failure, Outcome, PassKind, Settings};
use standing::HubSide;

/// The civil clock goes back by an hour each autumn; the overlap covers that, and leaves the
/// rest of itself to workstations whose clocks are behind.
const ALLOWED_STEP_BACK: SignedDuration = SignedDuration::from_hours(1);

/// The state machine of one stream.
#[derive(Clone, Debug)]
pub struct Engine {
    settings: Settings,
    /// As last committed.
    progress: Progress,
    pass: Option<Pass>,
}

#[derive(Clone, Debug)]
struct Pass {
    kind: PassKind,
    started: DateTime,
    at_hand: AtHand,
    /// Seen bits of this whole pass, or of the one that a delta interrupts, are in memory.
    marks: bool,
    /// Place of a delta; a whole pass keeps its place in the progress.
    after: Option<Vec<String>>,
    /// The whole pass before its first page is recorded.
    scan: Option<Scan>,
    documents: u64,
    sent: u64,
    removed: u64,
    filtered: u64,
    page: Option<PageEnd>,
    brake: Option<Brake>,
    explained: u64,
    unexplained: u64,
    held: Option<Held>,
    /// The question about a column is answered; that is still to be recorded.
    answered: bool,
    /// The clock was behind the watermark when it began.
    is_behind: bool,
    swept: bool,
    step: Step,
}

#[derive(Clone, Debug)]
struct PageEnd {
    documents: u64,
    kept: u64,
    last: Option<Vec<String>>,
    end: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Asking,
    Resetting(Progress),
    Rebuilding(Progress),
    Beginning,
    Reading,
    Comparing,
    Sending { changed: u64 },
    Committing(Progress),
    Confirming,
    Counting,
    Taking,
    Removing { count: u64, unexplained: u64 },
    CommittingRemovals(Progress),
    Ending(Progress),
    Stopping(Progress, Held),
}

impl Engine {
    /// An engine that goes on from what was committed.
    #[must_use]
    pub const fn new(progress: Progress, settings: Settings) -> Self {
        Self {
            settings,
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

    /// The page that comes next when nothing comes between: it may be read while the one that
    /// was read is compared, sent and recorded. None when that was the last, or none was read.
    #[must_use]
    pub fn page_ahead(&self) -> Option<PageRequest> {
        let pass = self.pass.as_ref()?;
        let page = pass.page.as_ref().filter(|page| !page.end)?;
        let mut request = self.page_request(pass);
        request.after = page.last.clone().or(request.after);
        Some(request)
    }

    /// Begins a pass. A delta becomes a whole pass where none was completed yet, where the
    /// site changed something about the dataset, and after a clock was set back by more than
    /// an hour: new rows may be stamped below the watermark.
    ///
    /// `now` is the driver's clock in the site's zone.
    pub fn begin(&mut self, wanted: PassKind, now: DateTime, at_hand: AtHand) -> Command {
        if let Some(held) = &self.progress.held
            && held.stops_rows()
            && !at_hand.column_answered
        {
            return Command::Finish(Outcome::Held(held.clone()));
        }
        let answered = self.progress.held.take_if(|held| held.stops_rows()).is_some();
        self.pass = Some(Pass {
            kind: wanted,
            started: now,
            at_hand,
            marks: at_hand.seen_bits,
            after: None,
            scan: None,
            documents: 0,
            sent: 0,
            removed: 0,
            filtered: 0,
            page: None,
            brake: None,
            explained: 0,
            unexplained: 0,
            held: None,
            answered,
            is_behind: self.clock_is_behind(now),
            swept: false,
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
        let step = pass.step.clone();
        let command = match (step, event) {
            (Step::Removing { unexplained, .. }, Event::Failed(failure))
                if failure.is_brake() && pass.held.is_none() =>
            {
                self.hub_brakes(&mut pass, unexplained)
            }
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
                pass.step = Step::Rebuilding(progress.clone());
                Command::RebuildIndex { progress }
            }
            (Step::Rebuilding(progress), Event::IndexRebuilt) => {
                self.progress = progress;
                pass.marks = false;
                self.start(&mut pass)
            }
            (Step::Beginning, Event::SweepBegun { documents }) => {
                pass.marks = true;
                pass.scan = Some(Scan {
                    started: pass.started,
                    after: None,
                    documents: 0,
                    kept: 0,
                    known: documents,
                    site: self.settings.site,
                    read: false,
                });
                self.read_page(&mut pass)
            }
            (Step::Beginning, Event::LeaversForgotten) => {
                let read = self.progress.scan.as_ref().is_some_and(|scan| scan.read);
                if pass.kind.is_whole() && read {
                    self.after_reading(&mut pass)
                } else {
                    self.read_page(&mut pass)
                }
            }
            (Step::Reading, Event::PageRead { documents, last, end }) => {
                pass.documents += documents;
                pass.page = Some(PageEnd {
                    documents,
                    kept: 0,
                    last,
                    end,
                });
                if documents == 0 {
                    self.commit_page(&mut pass, None)
                } else {
                    pass.step = Step::Comparing;
                    Command::Compare {
                        since: self.delta_start(&pass),
                        mark: pass.marks,
                        filter_leaves: pass.kind == PassKind::Delta && !self.settings.history,
                    }
                }
            }
            (Step::Comparing, Event::Implausible { columns }) => self.stop(&mut pass, columns),
            (
                Step::Comparing,
                Event::Compared {
                    changed,
                    filtered,
                    kept,
                },
            ) => {
                if let Some(page) = &mut pass.page {
                    page.kept = kept;
                }
                if pass.kind == PassKind::Delta && !self.settings.history {
                    pass.filtered += filtered;
                }
                if changed == 0 {
                    self.commit_page(&mut pass, None)
                } else {
                    pass.step = Step::Sending { changed };
                    self.send(&pass)
                }
            }
            (Step::Sending { changed }, Event::Acknowledged { digest }) => {
                pass.sent += changed;
                self.commit_page(&mut pass, Some(digest))
            }
            (Step::Committing(progress), Event::Committed) => {
                self.progress = progress;
                self.next_page(&mut pass)
            }
            (
                Step::Confirming,
                Event::Confirmed {
                    explained,
                    unexplained,
                    left,
                    end,
                },
            ) => {
                pass.explained += explained;
                pass.unexplained += unexplained;
                self.on_confirmed(&mut pass, left, end)
            }
            (Step::Counting, Event::DocumentsCounted { documents }) => self.on_counted(&mut pass, documents),
            (Step::Taking, Event::RemovalsTaken { count: 0, .. }) => self.end(&mut pass),
            (Step::Taking, Event::RemovalsTaken { count, unexplained }) => {
                pass.step = Step::Removing { count, unexplained };
                self.send(&pass)
            }
            (Step::Removing { count, unexplained }, Event::Acknowledged { digest }) => {
                self.commit_removals(&mut pass, count, unexplained, digest)
            }
            (Step::CommittingRemovals(progress), Event::Committed) => {
                self.progress = progress;
                take(&mut pass)
            }
            (Step::Ending(progress), Event::Committed) => {
                self.progress = progress;
                self.complete(&pass)
            }
            (Step::Stopping(progress, held), Event::Committed) => {
                self.progress = progress;
                Command::Finish(Outcome::Held(held))
            }
            (
                Step::Asking
                | Step::Resetting(_)
                | Step::Rebuilding(_)
                | Step::Beginning
                | Step::Reading
                | Step::Comparing
                | Step::Sending { .. }
                | Step::Committing(_)
                | Step::Confirming
                | Step::Counting
                | Step::Taking
                | Step::Removing { .. }
                | Step::CommittingRemovals(_)
                | Step::Ending(_)
                | Step::Stopping(..),
                other,
            ) => Command::Finish(Outcome::Failed(unexpected(&other))),
        };
        if !matches!(command, Command::Finish(_)) {
            self.pass = Some(pass);
        }
        command
    }

    /// Both sides agree: what does this pass read?
    fn start(&self, pass: &mut Pass) -> Command {
        let site = self.settings.site;
        let whole = !self.progress.loaded
            || self.progress.watermark.is_none()
            || self.progress.site != Some(site)
            || self.clock_is_behind(pass.started);
        pass.kind = match (pass.kind, whole) {
            (PassKind::Delta, false) => PassKind::Delta,
            (PassKind::Initial | PassKind::Delta | PassKind::Sweep, _) if self.progress.loaded => {
                PassKind::Sweep
            }
            (PassKind::Initial | PassKind::Delta | PassKind::Sweep, _) => PassKind::Initial,
        };
        pass.step = Step::Beginning;
        let goes_on = self.progress.scan.as_ref().is_some_and(|scan| scan.site == site);
        if pass.kind.is_whole() && !goes_on {
            Command::BeginSweep
        } else {
            Command::ForgetLeavers
        }
    }

    fn read_page(&self, pass: &mut Pass) -> Command {
        pass.step = Step::Reading;
        pass.page = None;
        Command::ReadPage(self.page_request(pass))
    }

    /// The page behind what is recorded.
    fn page_request(&self, pass: &Pass) -> PageRequest {
        let (since, after) = match pass.kind {
            PassKind::Initial | PassKind::Sweep => {
                (None, self.scan(pass).and_then(|scan| scan.after.clone()))
            }
            PassKind::Delta => (self.delta_start(pass).map(Stamp::date), pass.after.clone()),
        };
        PageRequest {
            since,
            after,
            limit: self.settings.page_documents,
        }
    }

    /// The whole pass under way: a fresh one before its first page, or the recorded one.
    fn scan<'a>(&'a self, pass: &'a Pass) -> Option<&'a Scan> {
        pass.scan.as_ref().or(self.progress.scan.as_ref())
    }

    fn delta_start(&self, pass: &Pass) -> Option<Stamp> {
        match pass.kind {
            PassKind::Initial | PassKind::Sweep => None,
            PassKind::Delta => self.progress.watermark,
        }
    }

    fn send(&self, pass: &Pass) -> Command {
        Command::Send {
            epoch: self.progress.epoch,
            sequence: self.progress.sequence.next(),
            previous: self.progress.digest,
            approved: pass.at_hand.approved,
        }
    }

    /// Records the page: its rows are acknowledged, or none of them differed.
    fn commit_page(&self, pass: &mut Pass, sent: Option<Hash>) -> Command {
        let mut progress = self.progress.clone();
        let acknowledged = sent.is_some();
        if let Some(digest) = sent {
            progress.sequence = progress.sequence.next();
            progress.digest = digest;
        }
        let page = pass.page.clone().unwrap_or(PageEnd {
            documents: 0,
            kept: 0,
            last: None,
            end: true,
        });
        match pass.kind {
            PassKind::Initial | PassKind::Sweep => {
                let mut scan = self.scan(pass).cloned().unwrap_or(Scan {
                    started: pass.started,
                    after: None,
                    documents: 0,
                    kept: 0,
                    known: 0,
                    site: self.settings.site,
                    read: false,
                });
                pass.scan = None;
                scan.documents += page.documents;
                scan.kept += page.kept;
                scan.after = page.last.or(scan.after);
                if progress.site != Some(scan.site) {
                    // Some of the hub's records are as the new rules have them: to go back to
                    // the old ones takes a whole pass too.
                    progress.site = None;
                }
                if page.end {
                    progress.loaded = true;
                    // All rows were delivered, whatever they are stamped with: after a clock
                    // that was ahead the watermark goes back.
                    progress.watermark = Some(self.watermark_at(scan.started));
                    scan.read = true;
                }
                progress.scan = Some(scan);
            }
            PassKind::Delta => {
                pass.after = page.last.or_else(|| pass.after.take());
                // Whoever was filtered away is found again as long as the watermark stays.
                if page.end && pass.filtered == 0 {
                    self.move_watermark(&mut progress, pass.started);
                }
            }
        }
        if progress == self.progress {
            // A page of a delta in which nothing differed: nothing to record.
            return self.next_page(pass);
        }
        pass.step = Step::Committing(progress.clone());
        Command::Commit {
            progress,
            acknowledged,
        }
    }

    fn next_page(&self, pass: &mut Pass) -> Command {
        if pass.page.as_ref().is_some_and(|p| !p.end) {
            return self.read_page(pass);
        }
        self.after_reading(pass)
    }

    fn complete(&self, pass: &Pass) -> Command {
        Command::Finish(Outcome::Complete {
            kind: pass.kind,
            documents: pass.documents,
            sent: pass.sent,
            removed: pass.removed,
            // A delta asks nothing, and answers nothing.
            held: match pass.kind {
                PassKind::Delta => pass.held.clone().or_else(|| self.progress.held.clone()),
                PassKind::Initial | PassKind::Sweep => pass.held.clone(),
            },
            swept: pass.swept,
            clock_set_back: pass.is_behind,
        })
    }

    /// Columns lost their values: nothing of the page is used, and a person is asked.
    fn stop(&self, pass: &mut Pass, columns: Vec<String>) -> Command {
        let mut progress = self.progress.clone();
        let documents = self.scan(pass).map_or(0, |scan| scan.known);
        let held = Brake::new(&progress, documents, 0, pass.started).held(
            HeldReason::Columns(columns),
            0,
            progress.held.as_ref(),
            pass.started,
        );
        progress.held = Some(held.clone());
        pass.step = Step::Stopping(progress.clone(), held);
        Command::Commit {
            progress,
            acknowledged: false,
        }
    }

    /// Was the clock set back by more than autumn does, since the watermark was set?
    fn clock_is_behind(&self, started: DateTime) -> bool {
        let allowed = started.checked_add(ALLOWED_STEP_BACK).unwrap_or(started);
        self.progress
            .watermark
            .is_some_and(|w| w > self.watermark_at(allowed))
    }

    /// A delta never moves it back: a clock that was set back asks for a whole pass.
    fn move_watermark(&self, progress: &mut Progress, started: DateTime) {
        let candidate = self.watermark_at(started);
        if progress.watermark.is_none_or(|w| candidate > w) {
            progress.watermark = Some(candidate);
        }
    }

    fn watermark_at(&self, started: DateTime) -> Stamp {
        let overlap = SignedDuration::from_secs(i64::from(self.settings.overlap_s));
        let behind = started.checked_sub(overlap);
        Stamp::of(behind.unwrap_or_else(|_| Date::MIN.to_datetime(jiff::civil::Time::midnight())))
    }
}

/// The next leavers to be sent; those that nothing explains stay where the brake holds.
fn take(pass: &mut Pass) -> Command {
    pass.step = Step::Taking;
    Command::TakeRemovals {
        with_unexplained: pass.held.is_none(),
    }
}

fn unexpected(event: &Event) -> Failure {
    Failure::Store {
        code: "engine_confused".to_owned(),
        message: format!("an answer that was not asked for: {event:?}"),
        remedy: "the next pass starts from what was recorded; report it if it repeats".to_owned(),
    }
}
