//! Carrying out the engine's commands.

mod identities;
mod planning;
mod read_back;

use std::time::{Duration, Instant};

use agent_store::journal::JournalError;
use import::plan::{Plan, Program, ReceiptWrite, Write};
use import::writing::{Answer, EnterContext, Entry, enter, enter_program, open_session, release_session};
use import::{Command, Done, Event, MARKER_COLUMN, Obstacle, Outcome, Reserved, WriteStart, marker};
use jiff::Timestamp;
use model::{Attempt, Problem};
use sage::{Fault, ReadError, ServerProcess};
use values::{Date, Stamp};
use wire::agent::{Report, Reservation, Reserve};

pub(super) use planning::{Made, Making, add_queued};
pub(super) use read_back::Looked;

use super::current::{Asking, Current};
use super::erp::Erp;
use super::points;
use super::ports::{HubAnswer, HubError, ToHub};
use super::runner::{Halt, OpenWorker, Reply, Runner};
use crate::bridge::FAULT_TIMED_OUT;
use crate::receipt_files::hand_over;

/// How long a process that was ended may take to be gone.
const END_WAIT: Duration = Duration::from_secs(10);
/// How long an import job may run over one receipt.
const JOB_LIMIT: Duration = Duration::from_secs(300);
/// How often it is looked for.
const FENCE_STEP: Duration = Duration::from_millis(100);

impl Runner {
    /// Does what the engine asks for; the answer is the event that goes with it, if any.
    pub(super) fn carry_out(
        &mut self,
        current: &mut Current,
        command: &Command,
    ) -> Result<Option<Event>, Halt> {
        let started = Instant::now();
        let event = self.do_it(current, command);
        self.spent.add(name_of(command), started);
        event
    }

    fn do_it(&mut self, current: &mut Current, command: &Command) -> Result<Option<Event>, Halt> {
        let event = match command {
            Command::Plan => {
                self.plan(current);
                return Ok(None);
            }
            Command::JournalPlan { plan } => self.file_plan(current, plan),
            Command::OpenSession { write } => self.open_session(current, *write),
            Command::NextIdentity { write } => self.next_identity(current, *write),
            Command::JournalReservation {
                name,
                identity,
                server,
            } => self.journal_reservation(current, name, identity, *server),
            Command::ReserveAtHub { reserved } => {
                self.reserve_at_hub(current, reserved)?;
                return Ok(None);
            }
            Command::JournalWriteStarted {
                name,
                identity,
                server,
            } => self.start_write(current, name, identity, *server),
            Command::Enter { write, identity } => self.enter(current, *write, identity),
            Command::KillWorker => {
                self.kill_worker();
                self.point("import.after_kill");
                return Ok(None);
            }
            Command::Fence { server } => self.fence_off(current, *server)?,
            Command::ReadBack { write, inquiry } => return Ok(self.read_back(current, *write, inquiry)),
            Command::JournalWriteEnded {
                name: _,
                identity,
                foreign,
            } => self.end_write(current, identity, *foreign),
            Command::JournalDone { done } => self.pass_write(current, done),
            Command::Freeze { reason } => {
                tracing::error!(company = %self.site.company, reason, "imports of the company are frozen");
                self.freeze(reason);
                return Ok(None);
            }
            Command::JournalOutcome { outcome } => self.settle(current, outcome),
            Command::Report { outcome } => {
                self.report(current, outcome, Asking::Report)?;
                return Ok(None);
            }
            Command::Announce { standing } => {
                self.report(current, standing, Asking::Announce)?;
                return Ok(None);
            }
        };
        Ok(Some(event))
    }

    fn file_plan(&mut self, current: &Current, plan: &Plan) -> Event {
        let filed = self.journal().file_plan(current.id(), plan);
        match filed {
            Ok(()) => {
                let nouns: Vec<_> = plan.writes.iter().map(Write::noun).collect();
                self.note(current, "planned", &nouns.join(", "));
                self.point("import.after_plan");
                Event::PlanJournaled
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn open_session(&mut self, current: &Current, write: usize) -> Event {
        match self.frozen() {
            Ok(Some(reason)) => return Event::Frozen(reason),
            Ok(None) => {}
            Err(error) => return unjournaled(&error),
        }
        let Some(write) = current.write(write) else {
            return lost("the plan has no such write");
        };
        if write.is_filed() {
            return Event::SessionOpened(None);
        }
        self.enter_session(write.program())
    }

    /// Has a session in which this program is open.
    pub(super) fn enter_session(&mut self, program: Program) -> Event {
        let today = self.today();
        if self.worker.is_none() {
            // A new session looks at the site anew. Before a number is spent it must be
            // possible to read back.
            self.has_marker.clear();
            let columns = self.tables.ask(|erp| {
                erp.forget();
                erp.columns()
            });
            if let Err(error) = columns {
                return unreadable(&error);
            }
            let mut objects = match self.workshop.start() {
                Ok(objects) => objects,
                Err(fault) => return blocked(Obstacle::SageUnreachable, &fault),
            };
            match open_session(objects.as_mut(), &self.site.login) {
                Ok(Answer::Given(())) => {
                    self.run = self.clock.now().to_string();
                    self.worker = Some(OpenWorker {
                        objects,
                        used_at: self.clock.now(),
                        program: None,
                    });
                }
                Ok(Answer::Condition(condition, words)) => {
                    release(objects);
                    return blocked(Obstacle::Sage(condition), &words);
                }
                Ok(Answer::Refused(problem)) => {
                    release(objects);
                    return blocked(Obstacle::SageUnreachable, &problem.message);
                }
                Err(fault) => {
                    objects.kill();
                    return faulted(&fault);
                }
            }
        }
        let Some(worker) = &mut self.worker else {
            return lost("the session is gone");
        };
        if worker.program != Some(program) {
            worker.program = None;
            match enter_program(worker.objects.as_mut(), program, today) {
                Ok(Answer::Given(())) => worker.program = Some(program),
                Ok(Answer::Condition(condition, words)) => {
                    // The user may have taken a seat before the task was refused.
                    self.release_session();
                    let words = if words.is_empty() {
                        format!("task {} of {}", program.task, program.module)
                    } else {
                        format!("{words} (task {})", program.task)
                    };
                    return blocked(Obstacle::Sage(condition), &words);
                }
                Ok(Answer::Refused(problem)) => {
                    self.release_session();
                    return blocked(Obstacle::SageUnreachable, &problem.message);
                }
                Err(fault) => {
                    self.kill_worker();
                    return faulted(&fault);
                }
            }
        }
        let server = self.server();
        self.point("import.after_session");
        Event::SessionOpened(server)
    }

    /// Journals the identity together with the beginning of its write: one commit in front of
    /// the hub's word, and none behind it.
    fn journal_reservation(
        &mut self,
        current: &Current,
        name: &str,
        identity: &str,
        server: Option<ServerProcess>,
    ) -> Event {
        let at = self.clock.now();
        let reserved = Reserved {
            name: name.to_owned(),
            identity: identity.to_owned(),
            at,
            source: import::Source::Journal,
            at_hub: false,
            verdict: import::Verdict::Open,
        };
        let write = WriteStart {
            name: name.to_owned(),
            identity: identity.to_owned(),
            at,
            server,
        };
        let journaled = self.journal().reserve_and_start(current.id(), &reserved, &write);
        match journaled {
            Ok(()) => {
                self.note(current, "reserved", &format!("{name} {identity}"));
                self.point("import.after_reserve_local");
                self.point("import.after_write_started");
                Event::ReservationJournaled { at }
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn reserve_at_hub(&mut self, current: &mut Current, reserved: &Reserved) -> Result<(), Halt> {
        let write = current
            .writes()
            .iter()
            .position(|write| write.identity_name() == reserved.name)
            .unwrap_or_default();
        let reservation = Reservation {
            write: u32::try_from(write).unwrap_or_default(),
            name: reserved.name.clone(),
            value: reserved.identity.clone(),
            at: reserved.at.to_string(),
        };
        let reserve = Reserve {
            lease: self.lease.ok_or(Halt::LeaseLost)?,
            reservation,
        };
        self.tell_hub(current, Asking::Reserve, ToHub::Reserve(reserve));
        Ok(())
    }

    /// What follows from the hub's word on the identity. Sage's session must still be the one
    /// that is journaled with it.
    pub(super) fn take_reservation(
        &mut self,
        current: &Current,
        answer: Result<(), HubError>,
    ) -> Result<Event, Halt> {
        let Some(reserved) = current.reserved().cloned() else {
            return Ok(lost("nothing is reserved any more"));
        };
        match answer {
            Ok(()) => {}
            Err(HubError::IdentityTaken) => {
                self.note(current, "identity_taken", &reserved.identity);
                return Ok(Event::IdentityTaken);
            }
            Err(error) => return hub_failed(error),
        }
        self.journal().note_at_hub(current.id(), &reserved.identity);
        self.point("import.after_reserve_hub");
        if let Some(paused) = self.paused_event() {
            return Ok(paused);
        }
        match self.frozen() {
            Ok(None) => {}
            // It was decided after the session was opened.
            Ok(Some(reason)) => return Ok(blocked(Obstacle::SageUnreachable, &reason)),
            Err(error) => return Ok(blocked(Obstacle::JournalFailed, &error)),
        }
        let is_filed = |write: &Write| write.identity_name() == reserved.name && write.is_filed();
        if !current.writes().iter().any(is_filed) && self.server() != current.import.server() {
            return Ok(blocked(
                Obstacle::SageUnreachable,
                &"the session ended before the document was entered",
            ));
        }
        self.note(current, "write_started", &reserved.identity);
        Ok(Event::ReservedAtHub)
    }

    /// The process of the open session.
    fn server(&self) -> Option<ServerProcess> {
        self.worker.as_ref().and_then(|worker| worker.objects.server())
    }

    fn start_write(
        &mut self,
        current: &Current,
        name: &str,
        identity: &str,
        server: Option<ServerProcess>,
    ) -> Event {
        let write = WriteStart {
            name: name.to_owned(),
            identity: identity.to_owned(),
            at: self.clock.now(),
            server,
        };
        let started = self.journal().start_write(current.id(), &write);
        match started {
            Ok(()) => {
                self.point("import.after_write_started");
                Event::WriteStarted
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn enter(&mut self, current: &Current, write: usize, identity: &str) -> Event {
        let Some(write) = current.write(write).cloned() else {
            return lost("the plan has no such write");
        };
        if let Write::Receipt(receipt) = &write
            && receipt.is_filed
        {
            return self.hand_over(current, receipt, identity);
        }
        let deposited = match &write {
            Write::Receipt(_) => {
                let identity = identity.to_owned();
                match self.tables.ask(move |erp| erp.deposited(&identity)) {
                    Ok(deposited) => deposited,
                    Err(error) => return unreadable(&error),
                }
            }
            Write::SalesOrder(_) | Write::Customer(_) | Write::CustomerChange(_) | Write::ShipTo(_) => None,
        };
        let earlier = current.earlier();
        let context = EnterContext {
            today: self.today(),
            marker: self.marker_of(current, &write),
            earlier: &earlier,
            deposited,
        };
        let fault_point = &self.fault_point;
        let entry = match &mut self.worker {
            Some(worker) => enter(worker.objects.as_mut(), identity, &write, &context, &mut |step| {
                fault_point(points::of_step(step))
            }),
            None => {
                let fault = Fault {
                    code: 0,
                    message: "the session is gone".into(),
                };
                Entry::Faulted { fault, began: false }
            }
        };
        if let Some(worker) = &mut self.worker {
            worker.used_at = self.clock.now();
        }
        self.point("import.after_enter");
        let told = |problems: &[model::Problem]| match problems {
            [] => String::new(),
            [first, rest @ ..] => {
                let more = if rest.is_empty() {
                    String::new()
                } else {
                    format!(" (and {} more)", rest.len())
                };
                format!("{}: {}{more}", first.code, first.message)
            }
        };
        let (step, detail) = match &entry {
            Entry::Entered { .. } => (
                "entered",
                format!("Sage said that the {} is written", write.noun()),
            ),
            Entry::Held { problems, .. } => ("held", told(problems)),
            Entry::Refused { problems, .. } => ("refused", told(problems)),
            Entry::Condition {
                condition, detail, ..
            } => ("waiting", format!("{}: {detail}", condition.as_str())),
            Entry::HandedOver { problem } => ("handed_over", problem.message.clone()),
            Entry::KeyTaken => ("key_taken", identity.to_owned()),
            Entry::Faulted { fault, .. } => ("faulted", fault.to_string()),
        };
        self.note(current, step, &detail);
        Event::Entered(entry)
    }

    fn hand_over(&mut self, current: &Current, receipt: &ReceiptWrite, identity: &str) -> Event {
        let writer = &self.site.settings.payments.writer;
        let handed = hand_over(writer, receipt, identity, JOB_LIMIT);
        self.point("import.after_enter");
        match handed {
            Ok(handed) => {
                let problem = handed.problem();
                self.note(current, "handed_over", &handed.file.display().to_string());
                Event::Entered(Entry::HandedOver { problem })
            }
            Err(error) if error.is_retryable() => {
                let detail = format!("{}: {error}; {}", error.code(), error.remedy());
                blocked(Obstacle::ImportFile, &detail)
            }
            Err(error) => Event::Entered(Entry::Refused {
                problems: vec![Problem::new(error.code(), "", error.to_string(), error.remedy())],
                at_header_write: false,
                warnings: Vec::new(),
            }),
        }
    }

    /// The mark of this import, where the write's table has the column.
    fn marker_of(&mut self, current: &Current, write: &Write) -> Option<String> {
        let table = match write {
            Write::Customer(_) | Write::CustomerChange(_) => "AR_Customer",
            Write::ShipTo(_) => "SO_ShipToAddress",
            Write::SalesOrder(_) => "SO_SalesOrderHeader",
            Write::Receipt(_) => return None,
        };
        if !self.has_marker.contains_key(table) {
            // Only what is known is remembered, and as long as the session.
            if let Ok(has) = self.tables.ask(move |erp| erp.has_column(table, MARKER_COLUMN)) {
                self.has_marker.insert(table, has);
            }
        }
        let has_column = self.has_marker.get(table).copied().unwrap_or(false);
        has_column.then(|| marker(current.id()))
    }

    fn fence_off(&mut self, current: &Current, server: Option<ServerProcess>) -> Result<Event, Halt> {
        let is_gone = match server {
            Some(server) => self.outlive(server)?,
            None => false,
        };
        self.note(
            current,
            "fenced",
            if is_gone {
                "Sage's process is gone"
            } else {
                "Sage's process may still run"
            },
        );
        self.point("import.after_fence");
        Ok(Event::Fenced(is_gone))
    }

    /// Waits for the process to end by itself, which is the gentle way for its files, and
    /// ends it when it does not.
    fn outlive(&mut self, server: ServerProcess) -> Result<bool, Halt> {
        if self.wait_for_end(server, self.site.fence_wait)? {
            return Ok(true);
        }
        tracing::warn!(
            pid = server.pid,
            "Sage's process does not end by itself and is ended"
        );
        self.fence.end(server);
        self.wait_for_end(server, END_WAIT)
    }

    fn wait_for_end(&mut self, server: ServerProcess, longest: Duration) -> Result<bool, Halt> {
        let until = self.clock.now().checked_add(longest).unwrap_or(Timestamp::MAX);
        while self.fence.is_running(server) {
            if self.is_stopped() {
                return Err(Halt::Stopped);
            }
            if self.clock.now() >= until {
                return Ok(false);
            }
            self.clock.sleep(FENCE_STEP);
        }
        Ok(true)
    }

    fn pass_write(&mut self, current: &Current, done: &Done) -> Event {
        self.tables.tell(Erp::forget_customers);
        let passed = self.journal().pass_write(current.id(), done);
        match passed {
            Ok(()) => {
                self.note(current, "done", &format!("{} {}", done.name, done.identity));
                self.point("import.after_pass");
                Event::DoneJournaled
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn end_write(&mut self, current: &Current, identity: &str, foreign: bool) -> Event {
        let ended = self.journal().end_write(current.id(), identity, foreign);
        match ended {
            Ok(()) => {
                self.point("import.after_write_ended");
                Event::WriteEnded
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn settle(&mut self, current: &Current, outcome: &Outcome) -> Event {
        self.point("import.before_outcome_local");
        if outcome.numbers.contains_key("customer_no") {
            self.tables.tell(Erp::forget_customers);
        }
        let numbers: Vec<String> = outcome
            .numbers
            .iter()
            .map(|(name, number)| format!("{name} {number}"))
            .collect();
        // In the commit of the outcome: what is told of it is never more than what is journaled.
        let attempt = Attempt {
            at: self.clock.now().to_string(),
            step: outcome.state.as_str().to_owned(),
            detail: numbers.join(", "),
        };
        let settled = self.journal().settle_with(current.id(), outcome, &attempt);
        match settled {
            Ok(()) => {
                self.point("import.after_outcome_local");
                let code = outcome.problems.first().map_or("", |p| p.code.as_str());
                let state = outcome.state.as_str();
                if outcome.state == model::ImportState::Written {
                    tracing::info!(import = %current.id(), state, "import ended");
                } else {
                    // Somebody is to look at it.
                    tracing::warn!(import = %current.id(), state, code, "import ended; it waits for a person");
                }
                Event::OutcomeJournaled
            }
            Err(error) => unjournaled(&error),
        }
    }

    /// Tells the hub where it stands, with what was tried as far as that is journaled: a driver
    /// that starts again must not know less than the hub.
    fn report(&mut self, current: &mut Current, outcome: &Outcome, asking: Asking) -> Result<(), Halt> {
        let lease = self.lease.ok_or(Halt::LeaseLost)?;
        if asking == Asking::Announce
            && let Err(error) = self.journal().flush()
        {
            tracing::debug!(%error, "attempts are not journaled yet, and not told");
        }
        let attempts = self.journal().attempts(current.id()).unwrap_or_default();
        let report = Report {
            lease,
            revision: current.document.revision,
            report: outcome.clone().into_report(attempts),
        };
        self.tell_hub(current, asking, ToHub::Report(report));
        Ok(())
    }

    /// What follows from the hub's having the end.
    pub(super) fn take_report(
        &mut self,
        current: &Current,
        answer: Result<(), HubError>,
    ) -> Result<Event, Halt> {
        if let Err(error) = answer {
            return hub_failed(error);
        }
        self.point("import.after_report");
        let now = self.clock.now();
        self.journal().mark_reported(current.id(), now);
        self.point("import.after_mark_reported");
        Ok(Event::Reported)
    }

    /// Sends a message about a document; its answer comes by itself.
    pub(super) fn tell_hub(&mut self, current: &mut Current, asking: Asking, message: ToHub) {
        let ticket = self.ticket(current, asking);
        let answers = self.answers.clone();
        let answer: HubAnswer = Box::new(move |answer| {
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::Hub(answer)));
        });
        self.hub.tell(current.id(), message, answer);
    }

    pub(super) fn kill_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.objects.kill();
        }
    }

    pub(super) fn note(&mut self, current: &Current, step: &str, detail: &str) {
        let at = self.clock.now().to_string();
        let attempt = Attempt {
            at,
            step: step.to_owned(),
            detail: detail.to_owned(),
        };
        self.journal().note(current.id(), &attempt);
    }

    pub(super) fn today(&mut self) -> Date {
        self.site.time_zone.to_datetime(self.clock.now()).date()
    }

    /// The reservation's instant as the slowest of the site's clocks would have stamped it.
    fn since(&self, at: Timestamp) -> Stamp {
        let earliest = at
            .checked_sub(self.site.clock_tolerance)
            .unwrap_or(Timestamp::MIN);
        Stamp::of(self.site.time_zone.to_datetime(earliest))
    }
}

/// What the time of a command is told as.
const fn name_of(command: &Command) -> &'static str {
    match command {
        Command::Plan => "plan",
        Command::JournalPlan { .. } => "journal_plan",
        Command::OpenSession { .. } => "open_session",
        Command::NextIdentity { .. } => "next_identity",
        Command::JournalReservation { .. } => "journal_reservation",
        Command::ReserveAtHub { .. } => "reserve_at_hub",
        Command::JournalWriteStarted { .. } => "journal_write_started",
        Command::Enter { .. } => "enter",
        Command::KillWorker => "kill_worker",
        Command::Fence { .. } => "fence",
        Command::ReadBack { .. } => "read_back",
        Command::JournalWriteEnded { .. } => "journal_write_ended",
        Command::JournalDone { .. } => "journal_done",
        Command::Freeze { .. } => "freeze",
        Command::JournalOutcome { .. } => "journal_outcome",
        Command::Report { .. } => "report",
        Command::Announce { .. } => "announce",
    }
}

/// Frees the seat that a session may have taken, and ends its process.
fn release(mut objects: Box<dyn super::ports::Worker>) {
    if let Err(fault) = release_session(objects.as_mut()) {
        tracing::debug!(%fault, "the session was not released");
    }
    objects.kill();
}

fn blocked(obstacle: Obstacle, detail: &dyn std::fmt::Display) -> Event {
    Event::Blocked {
        obstacle,
        detail: detail.to_string(),
    }
}

/// A call outside a write did not come back with an answer.
fn faulted(fault: &Fault) -> Event {
    blocked(obstacle_of(fault), fault)
}

pub(super) const fn obstacle_of(fault: &Fault) -> Obstacle {
    if fault.code == FAULT_TIMED_OUT {
        Obstacle::TimeOut
    } else {
        Obstacle::ComFault
    }
}

fn lost(detail: impl std::fmt::Display) -> Event {
    Event::WorkerLost {
        detail: detail.to_string(),
    }
}

fn unreadable(error: &ReadError) -> Event {
    blocked(
        Obstacle::ReaderUnavailable,
        &format!("{}: {error}", error.code.as_str()),
    )
}

fn unjournaled(error: &JournalError) -> Event {
    let obstacle = match error.code() {
        "journal_full" => Obstacle::JournalFull,
        _ => Obstacle::JournalFailed,
    };
    blocked(obstacle, error)
}

fn hub_failed(error: HubError) -> Result<Event, Halt> {
    match error {
        HubError::LeaseLost => Err(Halt::LeaseLost),
        HubError::IdentityTaken | HubError::Refused { .. } | HubError::Unreachable(_) => {
            Ok(blocked(Obstacle::HubUnreachable, &error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::FAULT_LOST;

    #[test]
    fn a_call_that_took_too_long_is_not_called_a_fault() {
        let fault = |code| Fault {
            code,
            message: "x".to_owned(),
        };
        assert_eq!(obstacle_of(&fault(FAULT_TIMED_OUT)), Obstacle::TimeOut);
        assert_eq!(obstacle_of(&fault(FAULT_LOST)), Obstacle::ComFault);
        assert_eq!(obstacle_of(&fault(200)), Obstacle::ComFault);
    }
}
