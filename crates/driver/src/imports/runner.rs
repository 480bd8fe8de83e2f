//! One company's writer.

mod answers;
mod driving;
mod freeze;
mod intake;
mod next;
mod redaction;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_store::journal::{Journal, JournalError};
use import::plan::Program;
use import::rules::Rules;
use import::settings::Settings;
use import::writing::{Login, release_session};
use import::{Event, Moment, Obstacle, Outcome};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use values::{CompanyId, ImportId, LeaseEpoch};
use wire::agent::Preview;
use wire::status::ImportsStanding;

use super::carry_out::{Looked, Made};
use super::current::Current;
use super::erp::Erp;
use super::ports::{Clock, Fence, HubError, HubImports, Ports, TableReader, Worker, Workshop};
use super::queued::Queued;
use super::spent::Spent;
use super::tables::{Tables, TablesError};
use crate::pause::CompanyPause;
use crate::receipt_files::{HandOverError, HandedOver};
pub(super) use next::Next;
use redaction::{IDLE, UNDER_LOAD};

/// Documents held at a time to be entered: more wait at the hub, where they are safe too.
pub(in crate::imports) const MAX_IMPORTS: usize = 100;
/// Documents held at a time, with those that stand aside until what is in their way is gone. Those
/// with a person who imports their files are not counted: nothing bounds how many they are.
const MAX_ASIDE: usize = 1_000;
/// New documents are left alone for so long when the hub would hand over the same again at once:
/// it took one not back as journaled, or one was given up on which work goes on.
const DISAGREEMENT: SignedDuration = SignedDuration::from_secs(10);
/// Documents taken at once.
const WORK_LIMIT: usize = 20;
/// Longest poll for work; the hub caps it at 30 s.
const POLL: Duration = Duration::from_secs(20);
/// Between two looks for work while a receipt is handed over: nothing in a poll hears of its end.
const LOOK_BESIDE_JOB: Duration = Duration::from_secs(1);
/// Longest sleep at a time, so that a stop is heard soon.
const NAP: Duration = Duration::from_millis(500);
/// Documents on their way at a time: one that is entered, one that is about to be, one that
/// is planned, and one whose end is looked for and journaled.
const MAX_UNDER_WAY: usize = 4;
/// A word of the hub that a write may begin is good for so long from when it was asked for: the
/// lease may be another's by then.
const WORD_LIFE: Duration = Duration::from_secs(15);
/// How long a stop waits for the hub to take the ends of documents.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is known about the company.
#[derive(Clone, Debug)]
pub struct Site {
    /// The company as the API calls it.
    pub company: CompanyId,
    /// Who logs on to which company of Sage.
    pub login: Login,
    /// The Sage server's zone.
    pub time_zone: TimeZone,
    /// Its IANA name, for the hub.
    pub time_zone_name: String,
    /// The company keeps sales order history (an option of Sales Order): without it an
    /// order that is not found is not proven absent.
    pub keeps_history: bool,
    /// How documents are entered.
    pub settings: Arc<Settings>,
    /// What happens to documents before they are planned.
    pub rules: Arc<Rules>,
    /// How far workstation clocks may be off; three hours are usual.
    pub clock_tolerance: SignedDuration,
    /// How long Sage's process may take to end by itself before it is ended.
    pub fence_wait: Duration,
    /// A session without work for so long is released, with its seat.
    pub idle_release: Duration,
    /// So long after its end a document's body is forgotten.
    pub redact_after: SignedDuration,
}

/// The company's only writer.
pub struct Runner {
    pub(super) site: Site,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) hub: Box<dyn HubImports>,
    pub(super) workshop: Box<dyn Workshop>,
    pub(super) tables: Tables,
    pub(super) fence: Box<dyn Fence>,
    pub(super) clock: Box<dyn Clock>,
    pub(super) fault_point: Box<dyn Fn(&'static str)>,
    pub(super) stop: Arc<AtomicBool>,
    /// Whether the company is paused, and who hears of what runs in Sage.
    pub(super) company: CompanyPause,
    /// Shared with the thread that hands a receipt over, as long as that lasts.
    pub(super) handing_over: Arc<()>,
    pub(super) lease: Option<LeaseEpoch>,
    pub(super) worker: Option<OpenWorker>,
    pub(super) gate: Option<Gate>,
    pub(super) imports: Vec<Current>,
    /// Where what is asked beside the writer is answered.
    pub(super) answers: Sender<(u64, Reply)>,
    answered: Receiver<(u64, Reply)>,
    tickets: u64,
    /// What documents want that the journal has open and the hub has not.
    pub(super) resting: Queued,
    /// Has a table the column for the mark of a document? As long as the session.
    pub(super) has_marker: BTreeMap<&'static str, bool>,
    /// Why imports are frozen, as long as that is not journaled.
    unjournaled_freeze: Option<String>,
    /// When old documents were last looked for, and whether there were more.
    redacted: Option<(Timestamp, bool)>,
    /// The hub gave as much work as it was asked for: there may be more.
    has_more: bool,
    /// No new documents are taken before.
    no_intake_until: Option<Timestamp>,
    /// Documents with a past that the journal does not know, for which a lease was taken anew.
    asked_after: BTreeSet<ImportId>,
    /// Documents of the company that a person has to look for in Sage, and what may still come
    /// of them.
    pub(super) in_doubt: BTreeMap<ImportId, Queued>,
    pub(super) tell: Box<dyn Fn(ImportsStanding)>,
    /// What was told last.
    pub(super) told: Option<ImportsStanding>,
    /// Questions that are answered when nothing is to be written.
    previews: VecDeque<Preview>,
    pub(super) hub_pause: Pause,
    /// Tells this session's batches from those of another, where a site wants that.
    pub(super) run: String,
    pub(super) spent: Spent,
    /// The same of the tables.
    tables_spent: Arc<Mutex<Spent>>,
    /// It ends: what was begun is brought to its end, and nothing else is begun.
    is_leaving: bool,
}

/// A worker with an open session.
pub(super) struct OpenWorker {
    pub(super) objects: Box<dyn Worker>,
    pub(super) used_at: Timestamp,
    /// Module and task that are set.
    pub(super) program: Option<Program>,
}

/// An obstacle that the whole company has run into: nobody tries before `until`.
pub(super) struct Gate {
    pub(super) obstacle: Obstacle,
    pub(super) detail: String,
    pub(super) since: Timestamp,
    pub(super) tries: u32,
    pub(super) until: Timestamp,
}

/// What comes of something that was asked beside the writer.
pub(super) enum Reply {
    /// The hub's word.
    Hub(Result<(), HubError>),
    /// What planning came to.
    Planned(Result<Made, TablesError>),
    /// What stands in the tables.
    Looked(Result<Looked, TablesError>),
    /// What became of journaling this end.
    Settled(Box<Outcome>, Result<(), JournalError>),
    /// What became of handing a receipt over; none when the driver failed at it.
    HandedOver(Option<Result<HandedOver, HandOverError>>),
}

/// Why an import is left where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    LeaseLost,
    Stopped,
}

#[derive(Default)]
pub(super) struct Pause {
    tries: u32,
    pub(super) until: Option<Timestamp>,
    /// What stands in the way, and since when.
    pub(super) cause: Option<(Obstacle, Timestamp)>,
    pub(super) detail: String,
}

impl Runner {
    /// A writer for the company. `stop` ends [`Runner::run`] at the next place where that
    /// is safe; a write under way runs to its end.
    #[must_use]
    pub fn new(site: Site, ports: Ports, journal: Arc<Mutex<Journal>>, stop: Arc<AtomicBool>) -> Self {
        let settings = Arc::clone(&site.settings);
        let tables_spent = Arc::default();
        let tables = match ports.reader {
            TableReader::Here(reader) => Tables::Here(Box::new(
                Erp::new(reader, settings).counting(Arc::clone(&tables_spent)),
            )),
            TableReader::Beside(mut reader) => {
                let spent = Arc::clone(&tables_spent);
                Tables::beside(move || Erp::new(reader(), Arc::clone(&settings)).counting(Arc::clone(&spent)))
            }
        };
        let (answers, answered) = mpsc::channel();
        Self {
            site,
            journal,
            hub: ports.hub,
            workshop: ports.workshop,
            tables,
            fence: ports.fence,
            clock: ports.clock,
            fault_point: ports.fault_point,
            stop,
            company: CompanyPause::default(),
            handing_over: Arc::default(),
            lease: None,
            worker: None,
            gate: None,
            imports: Vec::new(),
            answers,
            answered,
            tickets: 0,
            resting: Queued::default(),
            has_marker: BTreeMap::new(),
            unjournaled_freeze: None,
            redacted: None,
            has_more: false,
            no_intake_until: None,
            asked_after: BTreeSet::new(),
            in_doubt: BTreeMap::new(),
            tell: Box::new(|_| {}),
            told: None,
            previews: VecDeque::new(),
            hub_pause: Pause::default(),
            run: String::new(),
            spent: Spent::default(),
            tables_spent,
            is_leaving: false,
        }
    }

    /// Leaves Sage alone as long as the company is paused: no document begins, the session is
    /// released, and what the hub hands over is journaled and waits.
    #[must_use]
    pub fn pausing_with(mut self, company: CompanyPause) -> Self {
        self.company = company;
        self
    }

    /// Works until it is stopped.
    pub fn run(&mut self) {
        while !self.is_stopped() {
            self.turn();
        }
        self.take_leave();
        self.release_session();
    }

    /// Does the next thing: get the lease, bring one import as far as it goes now, or take
    /// new work.
    pub fn turn(&mut self) {
        self.take_turn();
        self.tell();
    }

    fn take_turn(&mut self) {
        let now = self.clock.now();
        if self.company.is_paused() {
            self.release_session();
        }
        self.journal_freeze();
        self.hear(Duration::ZERO);
        if let Some(until) = self.hub_pause.until
            && until > now
        {
            self.nap(until, now);
            return;
        }
        let Some(lease) = self.lease else {
            self.take_lease();
            return;
        };
        // What is not acknowledged yet would be handed over again; and asking for one each time one
        // has ended would be a journal's commit each.
        let has_more = self.has_more && self.room(now) >= WORK_LIMIT;
        if has_more && self.imports.iter().all(|current| current.is_acknowledged) {
            self.take_work(lease, now, Duration::ZERO);
            return;
        }
        self.redact(now, UNDER_LOAD);
        match self.next_due(now) {
            Some(Next::GoOn(place)) => {
                self.drive(place);
                return;
            }
            Some(Next::Wait(place)) => {
                self.wait_with_the_company(place);
                return;
            }
            None => {}
        }
        let is_answered_soon = |current: &Current| current.asked.is_some() && !current.is_handed_over();
        if self.imports.iter().any(is_answered_soon) {
            self.hear_until_due(now, NAP);
            return;
        }
        if let Some(asked) = self.previews.pop_front() {
            match self.answer_preview(&asked) {
                Ok(()) => {}
                Err(HubError::LeaseLost) => self.lose_lease(),
                // Nobody waits for it for long.
                Err(error) => tracing::debug!(preview = %asked.id, %error, "the answer did not arrive"),
            }
            return;
        }
        if self
            .worker
            .as_ref()
            .is_some_and(|w| is_older(w.used_at, now, self.site.idle_release))
        {
            self.release_session();
        }
        self.redact(now, IDLE);
        if self.imports.iter().any(Current::is_handed_over) {
            self.hear_until_due(now, LOOK_BESIDE_JOB);
            self.take_work(lease, now, Duration::ZERO);
            return;
        }
        self.take_work(lease, now, POLL);
    }

    /// Waits for an answer, but not beyond the moment when another document is due.
    fn hear_until_due(&mut self, now: Timestamp, longest: Duration) {
        let next = self.imports.iter().filter(|c| c.asked.is_none());
        let next = next
            .filter_map(|c| c.import.due_at())
            .filter(|due| *due > now)
            .min();
        let wait = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
        self.hear(wait.unwrap_or(longest).min(longest));
    }

    /// Frees the seat in Sage, if one is taken; the next document takes it again.
    pub fn release_session(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            let mut spent = self.tables_spent.lock().unwrap_or_else(PoisonError::into_inner);
            self.spent.join(spent.take());
            drop(spent);
            tracing::info!(spent = %self.spent.take(), "what the time of documents went into");
            if let Err(fault) = release_session(worker.objects.as_mut()) {
                tracing::debug!(%fault, "the session was not released");
            }
            worker.objects.kill();
        }
    }

    /// Is anything left that can be done without the hub's sending more?
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lease.is_some() && self.imports.is_empty()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn point(&self, name: &'static str) {
        (self.fault_point)(name);
    }

    pub(super) fn moment(&mut self) -> Moment {
        Moment {
            at: self.clock.now(),
            random: self.clock.random(),
        }
    }

    /// Why the driver is paused, if it is.
    pub(super) fn is_paused(&self) -> Option<String> {
        self.company.paused().map(|paused| paused.words())
    }

    pub(super) fn paused_event(&self) -> Option<Event> {
        self.is_paused().map(|detail| Event::Blocked {
            obstacle: Obstacle::Paused,
            detail,
        })
    }
    fn pause(&mut self, obstacle: Obstacle, detail: &dyn fmt::Display) {
        let moment = self.moment();
        if self.hub_pause.cause.is_none_or(|(before, _)| before != obstacle) {
            self.hub_pause.cause = Some((obstacle, moment.at));
        }
        self.hub_pause.detail = detail.to_string();
        self.hub_pause.tries = self.hub_pause.tries.saturating_add(1);
        let wait = obstacle.wait(self.hub_pause.tries, moment.random);
        self.hub_pause.until = moment.at.checked_add(wait).ok();
    }

    fn nap(&mut self, until: Timestamp, now: Timestamp) {
        let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        self.clock.sleep(wait.min(NAP));
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("company", &self.site.company)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

fn is_older(at: Timestamp, now: Timestamp, than: Duration) -> bool {
    Duration::try_from(now.duration_since(at)).is_ok_and(|age| age >= than)
}
