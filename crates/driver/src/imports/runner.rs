//! One company's writer.

mod answers;
mod freeze;
mod intake;
mod redaction;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use agent_store::journal::Journal;
use import::plan::Program;
use import::rules::Rules;
use import::settings::Settings;
use import::writing::{Login, release_session};
use import::{Command, Event, Moment, Obstacle, Stage};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use model::ImportState;
use sage::ReadError;
use values::{CompanyId, Decimal, ImportId, LeaseEpoch};
use wire::agent::{Accept, Preview};
use wire::status::ImportsStanding;

use super::carry_out::{Looked, Made};
use super::current::{Asked, Asking, Current};
use super::erp::Erp;
use super::lanes::Taken;
use super::ports::{Clock, Fence, HubError, HubImports, Ports, TableReader, ToHub, Worker, Workshop};
use super::spent::Spent;
use super::tables::Tables;

/// Documents held at a time: more wait at the hub, where they are safe too.
const MAX_IMPORTS: usize = 100;
/// Documents taken at once.
const WORK_LIMIT: u32 = 20;
/// Longest poll for work; the hub caps it at 30 s.
const POLL: Duration = Duration::from_secs(20);
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
    paused: Box<dyn Fn() -> Option<String>>,
    pub(super) lease: Option<LeaseEpoch>,
    pub(super) worker: Option<OpenWorker>,
    pub(super) gate: Option<Gate>,
    pub(super) imports: Vec<Current>,
    /// Where what is asked beside the writer is answered.
    pub(super) answers: Sender<(u64, Reply)>,
    answered: Receiver<(u64, Reply)>,
    tickets: u64,
    /// What documents come to that the journal has open and the hub has not, by customer.
    pub(super) resting: BTreeMap<String, Decimal>,
    /// Has a table the column for the mark of a document? As long as the session.
    pub(super) has_marker: BTreeMap<&'static str, bool>,
    /// Why imports are frozen, as long as that is not journaled.
    unjournaled_freeze: Option<String>,
    /// When old documents were last looked for.
    redacted_at: Option<Timestamp>,
    /// The hub gave as much work as it was asked for: there may be more.
    has_more: bool,
    /// Documents with a past that the journal does not know, for which a lease was taken anew.
    asked_after: BTreeSet<ImportId>,
    /// Documents of the company that a person has to look for in Sage.
    pub(super) in_doubt: BTreeSet<ImportId>,
    pub(super) tell: Box<dyn Fn(ImportsStanding)>,
    /// What was told last.
    pub(super) told: Option<ImportsStanding>,
    /// Questions that are answered when nothing is to be written.
    previews: VecDeque<Preview>,
    pub(super) hub_pause: Pause,
    /// Tells this session's batches from those of another, where a site wants that.
    pub(super) run: String,
    pub(super) spent: Spent,
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
    pub(super) until: Timestamp,
}

/// What comes of something that was asked beside the writer.
pub(super) enum Reply {
    /// The hub's word.
    Hub(Result<(), HubError>),
    /// What planning came to.
    Planned(Result<Made, ReadError>),
    /// What stands in the tables.
    Looked(Result<Looked, ReadError>),
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
        let tables = match ports.reader {
            TableReader::Here(reader) => Tables::Here(Box::new(Erp::new(reader, settings))),
            TableReader::Beside(reader) => Tables::beside(move || Erp::new(reader, settings)),
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
            paused: Box::new(|| None),
            lease: None,
            worker: None,
            gate: None,
            imports: Vec::new(),
            answers,
            answered,
            tickets: 0,
            resting: BTreeMap::new(),
            has_marker: BTreeMap::new(),
            unjournaled_freeze: None,
            redacted_at: None,
            has_more: false,
            asked_after: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            tell: Box::new(|_| {}),
            told: None,
            previews: VecDeque::new(),
            hub_pause: Pause::default(),
            run: String::new(),
            spent: Spent::default(),
        }
    }

    /// Leaves Sage alone as long as `paused` gives a reason: no document begins, the session
    /// is released, and what the hub hands over is journaled and waits.
    #[must_use]
    pub fn pausing_while(mut self, paused: impl Fn() -> Option<String> + 'static) -> Self {
        self.paused = Box::new(paused);
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
        if (self.paused)().is_some() {
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
        // What is not acknowledged yet would be handed over again.
        if self.has_more && self.imports.iter().all(|current| current.is_acknowledged) {
            self.take_work(lease, now, Duration::ZERO);
            return;
        }
        if let Some(place) = self.next_due(now) {
            self.drive(place);
            return;
        }
        if self.imports.iter().any(|current| current.asked.is_some()) {
            let next = self.imports.iter().filter(|c| c.asked.is_none());
            let next = next
                .filter_map(|c| c.import.due_at())
                .filter(|due| *due > now)
                .min();
            let wait = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
            self.hear(wait.unwrap_or(NAP).min(NAP));
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
        self.redact(now);
        self.take_work(lease, now, POLL);
    }

    /// Frees the seat in Sage, if one is taken; the next document takes it again.
    pub fn release_session(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            if let Ok(spent) = self.tables.ask(|erp| Ok(erp.spent())) {
                self.spent.join(spent);
            }
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

    /// The document to go on with. What is asked of others comes first, since it goes on by
    /// itself; then what may be entered, so that Sage's session is never idle without need;
    /// then the one to be entered after it; then what is left to be journaled.
    fn next_due(&self, now: Timestamp) -> Option<usize> {
        let is_paused = (self.paused)().is_some();
        let is_due = |current: &Current| {
            current.asked.is_none()
                && current.import.due_at().is_some_and(|due| due <= now)
                && !(is_paused && current.waits_for_pause())
        };
        let in_session = self.imports.iter().position(Current::is_in_session);
        let mut taken = Taken::default();
        let mut under_way = 0;
        for current in self.imports.iter().filter(|current| current.is_under_way) {
            taken.take(&current.lane);
            under_way += 1;
        }
        let mut best: Option<(u8, usize)> = None;
        for (place, current) in self.imports.iter().enumerate() {
            if !is_due(current) {
                continue;
            }
            if !current.is_under_way && !current.has_ended() {
                let may_begin = under_way < MAX_UNDER_WAY && taken.is_free(&current.lane);
                // Who comes later of the same customer waits behind it.
                taken.take(&current.lane);
                if !may_begin {
                    continue;
                }
            }
            let rank = match current.import.stage() {
                Stage::Journaled | Stage::Filing { .. } | Stage::Fencing { .. } => 0,
                Stage::Writing => 1,
                Stage::Opening
                | Stage::Numbering
                | Stage::Keeping { .. }
                | Stage::Announcing
                | Stage::Starting => 2,
                Stage::Reading { .. }
                | Stage::Ending { .. }
                | Stage::Passing { .. }
                | Stage::Concluding { .. }
                | Stage::Reporting { .. }
                | Stage::Settled { .. } => 3,
            };
            let rank = if current.is_acknowledged { rank } else { 0 };
            if rank == 2 && in_session.is_some_and(|other| other != place) {
                continue;
            }
            if best.is_none_or(|(before, _)| rank < before) {
                best = Some((rank, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Brings one import as far as it goes now.
    fn drive(&mut self, place: usize) {
        let mut current = self.imports.remove(place);
        current.is_under_way = true;
        if !current.is_acknowledged {
            let Some(lease) = self.lease else { return };
            let accept = Accept {
                lease,
                revision: current.document.revision,
            };
            self.tell_hub(&mut current, Asking::Accept, ToHub::Accept(accept));
            self.imports.insert(place, current);
            return;
        }
        if current.commands.is_empty() {
            let moment = self.moment();
            current.step(Event::Due, &moment);
        }
        self.go_on(place, current);
    }

    /// Carries out what is to be done for it, until it has to wait for something.
    fn go_on(&mut self, place: usize, mut current: Current) {
        // What was just entered is read back before the driver lets go.
        let mut has_entered = false;
        while current.asked.is_none()
            && let Some(command) = current.commands.pop_front()
        {
            if matches!(command, Command::OpenSession { .. })
                && self.imports.iter().any(Current::is_in_session)
            {
                // The session is set up for another one, which is entered first.
                current.commands.push_front(command);
                break;
            }
            let reads_back = has_entered && matches!(command, Command::ReadBack { .. });
            let gated = if touches_sage(&command) && !reads_back {
                self.paused_event().or_else(|| self.gated(&command))
            } else {
                None
            };
            has_entered |= matches!(command, Command::Enter { .. });
            let was_gated = gated.is_some();
            let done = match gated {
                Some(event) => Ok(Some(event)),
                None => self.carry_out(&mut current, &command),
            };
            match done {
                Ok(Some(event)) => self.advance(&mut current, event, was_gated),
                Ok(None) => {}
                Err(halt) => {
                    // What is in memory is given up; the journal knows the rest.
                    if halt == Halt::LeaseLost {
                        self.imports.push(current);
                        self.lose_lease();
                    }
                    return;
                }
            }
        }
        self.put_back(place, current);
    }

    /// Steps it on, and sees what it waits for.
    fn advance(&mut self, current: &mut Current, event: Event, was_gated: bool) {
        let event = self.or_paused(event);
        let moment = self.moment();
        current.step(event, &moment);
        current.note_obstacle(moment.at);
        if let Some(waiting) = current.import.waiting() {
            tracing::info!(import = %current.id(), obstacle = waiting.obstacle.as_str(), until = %waiting.until, "import waits");
            if waiting.obstacle.concerns_company() && waiting.obstacle != Obstacle::Paused && !was_gated {
                let detail = waiting.detail.clone();
                self.gate = Some(Gate {
                    obstacle: waiting.obstacle,
                    detail,
                    until: waiting.until,
                });
            }
        }
    }

    fn put_back(&mut self, place: usize, mut current: Current) {
        self.note_doubt(current.id(), Some(current.import.standing().state));
        let is_waiting = current.import.waiting().is_some();
        if is_waiting || current.has_ended() {
            current.is_under_way = false;
        }
        if is_waiting {
            // People look at what was tried.
            if let Err(error) = self.journal().flush() {
                tracing::debug!(%error, "attempts not noted");
            }
        }
        if current.import.due_at().is_some() {
            self.imports.insert(place.min(self.imports.len()), current);
        }
    }

    /// Names what is asked for the document.
    pub(super) fn ticket(&mut self, current: &mut Current, what: Asking) -> u64 {
        self.tickets += 1;
        let ticket = self.tickets;
        current.asked = Some(Asked {
            ticket,
            what,
            at: Instant::now(),
        });
        ticket
    }

    fn note_doubt(&mut self, id: &ImportId, state: Option<ImportState>) {
        if state == Some(ImportState::InDoubt) {
            self.in_doubt.insert(id.clone());
        } else {
            self.in_doubt.remove(id);
        }
    }

    /// An obstacle of the whole company keeps every document from trying: a password that
    /// twenty documents try locks the user.
    fn gated(&mut self, command: &Command) -> Option<Event> {
        if !matches!(command, Command::OpenSession { .. }) {
            return None;
        }
        let now = self.clock.now();
        if self.gate.as_ref()?.until <= now {
            self.gate = None;
        }
        let gate = self.gate.as_ref()?;
        Some(Event::Blocked {
            obstacle: gate.obstacle,
            detail: gate.detail.clone(),
        })
    }

    /// Why the driver is paused, if it is.
    pub(super) fn is_paused(&self) -> Option<String> {
        (self.paused)()
    }

    pub(super) fn paused_event(&self) -> Option<Event> {
        (self.paused)().map(|detail| Event::Blocked {
            obstacle: Obstacle::Paused,
            detail,
        })
    }

    /// What fails because the driver was paused meanwhile is no failure.
    fn or_paused(&self, event: Event) -> Event {
        let is_of_sage = matches!(
            event,
            Event::WorkerLost { .. }
                | Event::Blocked {
                    obstacle: Obstacle::SageUnreachable
                        | Obstacle::ComFault
                        | Obstacle::TimeOut
                        | Obstacle::ReaderUnavailable,
                    ..
                }
        );
        let paused = is_of_sage.then(|| self.paused_event()).flatten();
        paused.unwrap_or(event)
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

/// Does the command need Sage, or lead to something that does? A fence needs nothing but the
/// list of processes, and what was entered is recorded and told whatever happens.
const fn touches_sage(command: &Command) -> bool {
    match command {
        Command::Plan
        | Command::OpenSession { .. }
        | Command::NextIdentity { .. }
        | Command::JournalWriteStarted { .. }
        | Command::ReadBack { .. } => true,
        Command::JournalPlan { .. }
        | Command::JournalReservation { .. }
        | Command::JournalDone { .. }
        | Command::ReserveAtHub { .. }
        | Command::Enter { .. }
        | Command::KillWorker
        | Command::Fence { .. }
        | Command::JournalWriteEnded { .. }
        | Command::Freeze { .. }
        | Command::JournalOutcome { .. }
        | Command::Report { .. }
        | Command::Announce { .. } => false,
    }
}
