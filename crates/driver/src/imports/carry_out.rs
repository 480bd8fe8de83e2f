//! Carrying out the engine's commands.

use std::time::Duration;

use agent_store::journal::JournalError;
use import::read_back::{Expected, Finding, classify};
use import::sales_order::{
    Answer, EnterOptions, Entry, enter, next_number, open_session, read_back_through_objects, release_session,
};
use import::validate::validate;
use import::{Command, Event, Inquiry, Obstacle, Outcome, Reserved, WriteStart, marker};
use jiff::Timestamp;
use model::{Attempt, SalesOrder};
use sage::{Fault, ReadError, ServerProcess};
use values::{Date, Stamp};
use wire::agent::{Report, Reservation, Reserve};

use super::points;
use super::ports::HubError;
use super::runner::{Current, Halt, OpenWorker, Runner};

/// How long a process that was ended may take to be gone.
const END_WAIT: Duration = Duration::from_secs(10);
/// How often it is looked for.
const FENCE_STEP: Duration = Duration::from_millis(100);
/// What a sales order's number is called between driver and hub.
const IDENTITY: &str = "sales_order_no";

impl Runner {
    /// Does what the engine asks for; the answer is the event that goes with it, if any.
    pub(super) fn carry_out(&mut self, current: &Current, command: &Command) -> Result<Option<Event>, Halt> {
        let event = match command {
            Command::Validate => self.validate(current),
            Command::OpenSession => self.open_session(),
            Command::NextNumber => self.next_number(),
            Command::JournalReservation { number } => self.journal_reservation(current, number),
            Command::ReserveAtHub { reserved } => self.reserve_at_hub(current, reserved)?,
            Command::JournalWriteStarted { number, server } => self.start_write(current, number, *server),
            Command::EnterOrder { number } => self.enter(current, number),
            Command::KillWorker => {
                self.kill_worker();
                self.point("import.after_kill");
                return Ok(None);
            }
            Command::Fence { server } => self.fence_off(current, *server)?,
            Command::ReadBack { inquiry } => self.read_back(current, inquiry),
            Command::JournalWriteEnded { number, foreign } => self.end_write(current, number, *foreign),
            Command::Freeze { reason } => {
                let now = self.clock.now();
                if let Err(error) = self.journal().freeze(&self.site.company, reason, now) {
                    tracing::error!(code = error.code(), %error, "the freeze is not journaled");
                }
                tracing::error!(company = %self.site.company, reason, "imports of the company are frozen");
                return Ok(None);
            }
            Command::JournalOutcome { outcome } => self.settle(current, outcome),
            Command::Report { outcome } => self.report(current, outcome)?,
            Command::Announce { standing } => {
                self.announce(current, standing)?;
                return Ok(None);
            }
        };
        Ok(Some(event))
    }

    fn validate(&mut self, current: &Current) -> Event {
        let problems = match SalesOrder::parse(&current.document.body) {
            Err(problems) => Ok(problems),
            Ok(order) => validate(&order, &mut self.erp),
        };
        match problems {
            Ok(problems) => {
                self.note(current, "validated", &format!("{} problems", problems.len()));
                self.point("import.after_validate");
                Event::Validated(problems)
            }
            Err(error) => unreadable(&error),
        }
    }

    fn open_session(&mut self) -> Event {
        match self.journal().frozen(&self.site.company) {
            Ok(Some(reason)) => return Event::Frozen(reason),
            Ok(None) => {}
            Err(error) => return unjournaled(&error),
        }
        if let Some(worker) = &self.worker {
            return Event::SessionOpened(worker.objects.server());
        }
        // A new session looks at the site anew. Before a number is spent it must be possible
        // to read back.
        self.erp.forget();
        if let Err(error) = self.erp.columns() {
            return unreadable(&error);
        }
        let today = self.today();
        let mut objects = match self.workshop.start() {
            Ok(objects) => objects,
            Err(fault) => return blocked(Obstacle::SageUnreachable, &fault),
        };
        let refusal = match open_session(objects.as_mut(), &self.site.login, today) {
            Ok(Answer::Given(())) => {
                let server = objects.server();
                self.worker = Some(OpenWorker {
                    objects,
                    used_at: self.clock.now(),
                });
                self.point("import.after_session");
                return Event::SessionOpened(server);
            }
            Ok(Answer::Condition(condition, words)) => blocked(Obstacle::Sage(condition), &words),
            Ok(Answer::Refused(problem)) => blocked(Obstacle::SageUnreachable, &problem.message),
            Err(fault) => {
                objects.kill();
                return blocked(Obstacle::SageUnreachable, &fault);
            }
        };
        // The user may have taken a seat before the company was refused.
        if let Err(fault) = release_session(objects.as_mut()) {
            tracing::debug!(%fault, "the session was not released");
        }
        objects.kill();
        refusal
    }

    fn next_number(&mut self) -> Event {
        let Some(worker) = &mut self.worker else {
            return lost("the session is gone");
        };
        match next_number(worker.objects.as_mut()) {
            Ok(Answer::Given(number)) => {
                self.point("import.after_number");
                let highest = self.journal().highest_written(&self.site.company);
                match highest {
                    Ok(highest) => Event::NumberGiven { number, highest },
                    Err(error) => unjournaled(&error),
                }
            }
            Ok(Answer::Condition(condition, words)) => blocked(Obstacle::Sage(condition), &words),
            Ok(Answer::Refused(problem)) => blocked(Obstacle::SageUnreachable, &problem.message),
            Err(fault) => {
                self.kill_worker();
                lost(fault)
            }
        }
    }

    fn journal_reservation(&mut self, current: &Current, number: &str) -> Event {
        let at = self.clock.now();
        let reserved = Reserved {
            number: number.to_owned(),
            at,
            source: import::Source::Journal,
            at_hub: false,
            verdict: import::Verdict::Open,
        };
        let journaled = self.journal().reserve(current.id(), &reserved);
        match journaled {
            Ok(()) => {
                self.note(current, "reserved", number);
                self.point("import.after_reserve_local");
                Event::ReservationJournaled { at }
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn reserve_at_hub(&mut self, current: &Current, reserved: &Reserved) -> Result<Event, Halt> {
        let reservation = Reservation {
            write: 0,
            name: IDENTITY.into(),
            value: reserved.number.clone(),
            at: reserved.at.to_string(),
        };
        let reserve = Reserve {
            lease: self.lease.ok_or(Halt::LeaseLost)?,
            reservation,
        };
        match self.hub.reserve(current.id(), &reserve) {
            Ok(()) => {
                self.point("import.after_reserve_hub");
                if let Err(error) = self.journal().mark_at_hub(current.id(), &reserved.number) {
                    // It is told again then, which does no harm.
                    tracing::debug!(%error, "not noted that the hub has the reservation");
                }
                Ok(Event::ReservedAtHub)
            }
            Err(HubError::IdentityTaken) => {
                self.note(current, "identity_taken", &reserved.number);
                Ok(Event::IdentityTaken)
            }
            Err(error) => hub_failed(error),
        }
    }

    fn start_write(&mut self, current: &Current, number: &str, server: Option<ServerProcess>) -> Event {
        let write = WriteStart {
            number: number.to_owned(),
            at: self.clock.now(),
            server,
        };
        let started = self.journal().start_write(current.id(), &write);
        match started {
            Ok(()) => {
                self.note(current, "write_started", number);
                self.point("import.after_write_started");
                Event::WriteStarted
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn enter(&mut self, current: &Current, number: &str) -> Event {
        let options = EnterOptions {
            today: self.today(),
            marker: self
                .erp
                .has_marker()
                .unwrap_or(false)
                .then(|| marker(current.id())),
        };
        let fault_point = &self.fault_point;
        let entry = match (&mut self.worker, &current.order) {
            (Some(worker), Some(order)) => {
                let objects = worker.objects.as_mut();
                enter(objects, number, order, &options, &mut |step| {
                    fault_point(points::of_step(step))
                })
            }
            (None, _) | (_, None) => {
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
        let (step, detail) = match &entry {
            Entry::Entered { .. } => ("entered", String::from("Sage said that it is written")),
            Entry::Refused { problem, .. } => ("refused", format!("{}: {}", problem.code, problem.message)),
            Entry::Condition { condition, .. } => ("waiting", condition.as_str().to_owned()),
            Entry::KeyTaken => ("key_taken", number.to_owned()),
            Entry::Faulted { fault, .. } => ("faulted", fault.to_string()),
        };
        self.note(current, step, &detail);
        Event::Entered(entry)
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

    fn read_back(&mut self, current: &Current, inquiry: &Inquiry) -> Event {
        let through_objects = if inquiry.is_said_written() {
            self.ask_objects(&inquiry.number)
        } else {
            None
        };
        let found = self.erp.sightings(&inquiry.number).and_then(|mut sightings| {
            sightings.objects = through_objects;
            let user_key = self.erp.user_key(&self.site.login.user)?;
            Ok((sightings, user_key, self.erp.has_history()?))
        });
        let (sightings, user_key, has_history) = match found {
            Ok(found) => found,
            Err(error) => return unreadable(&error),
        };
        let mark = marker(current.id());
        let finding = match &current.order {
            Some(order) => {
                let expected = Expected {
                    order,
                    marker: &mark,
                    user_key: user_key.as_deref(),
                    since: self.since(inquiry.since),
                    extension: inquiry.extension(),
                };
                classify(&expected, &sightings)
            }
            None => Finding::Unclear {
                why: "the document cannot be parsed any more".into(),
            },
        };
        let detail = match &finding {
            Finding::Ours { .. } => "ours",
            Finding::Foreign { .. } => "foreign",
            Finding::Absent => "absent",
            Finding::Partial { .. } => "partial",
            Finding::Unclear { .. } => "unclear",
        };
        self.note(current, "read_back", &format!("{}: {detail}", inquiry.number));
        self.point("import.after_read_back");
        Event::ReadBack {
            finding,
            keeps_history: self.site.keeps_history && has_history,
        }
    }

    fn ask_objects(&mut self, number: &str) -> Option<Option<import::read_back::SightedOrder>> {
        let worker = self.worker.as_mut()?;
        match read_back_through_objects(worker.objects.as_mut(), number) {
            Ok(found) => Some(found),
            Err(fault) => {
                tracing::warn!(%fault, "not read back through Sage's objects; its tables decide");
                self.kill_worker();
                None
            }
        }
    }

    fn end_write(&mut self, current: &Current, number: &str, foreign: bool) -> Event {
        let ended = self.journal().end_write(current.id(), number, foreign);
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
        let settled = self.journal().settle(current.id(), outcome);
        match settled {
            Ok(()) => {
                self.point("import.after_outcome_local");
                let code = outcome.problems.first().map_or("", |p| p.code.as_str());
                let state = outcome.state.as_str();
                if outcome.state == model::ImportState::Written {
                    tracing::info!(import = %current.id(), state, "import ended");
                } else {
                    // Somebody is to look at it.
                    tracing::warn!(import = %current.id(), state, code, "import ended without an order that is proven");
                }
                self.note(
                    current,
                    outcome.state.as_str(),
                    outcome.sales_order_no.as_deref().unwrap_or(""),
                );
                Event::OutcomeJournaled
            }
            Err(error) => unjournaled(&error),
        }
    }

    fn report(&mut self, current: &Current, outcome: &Outcome) -> Result<Event, Halt> {
        match self.send(current, outcome)? {
            Ok(()) => {}
            Err(error) => return hub_failed(error),
        }
        self.point("import.after_report");
        if let Err(error) = self.journal().mark_reported(current.id()) {
            // It is reported again after the next start, which does no harm.
            tracing::debug!(%error, "not noted that the hub knows the outcome");
        }
        self.point("import.after_mark_reported");
        Ok(Event::Reported)
    }

    fn announce(&mut self, current: &Current, standing: &Outcome) -> Result<(), Halt> {
        match self.send(current, standing)? {
            Err(HubError::LeaseLost) => Err(Halt::LeaseLost),
            Err(error) => {
                tracing::debug!(%error, "the hub does not know yet that the import waits");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn send(&mut self, current: &Current, outcome: &Outcome) -> Result<Result<(), HubError>, Halt> {
        let lease = self.lease.ok_or(Halt::LeaseLost)?;
        let attempts = self.journal().attempts(current.id()).unwrap_or_default();
        let report = Report {
            lease,
            report: outcome.clone().into_report(attempts),
        };
        Ok(self.hub.report(current.id(), &report))
    }

    fn kill_worker(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.objects.kill();
        }
    }

    fn note(&mut self, current: &Current, step: &str, detail: &str) {
        let at = self.clock.now().to_string();
        let attempt = Attempt {
            at,
            step: step.to_owned(),
            detail: detail.to_owned(),
        };
        if let Err(error) = self.journal().note(current.id(), &attempt) {
            tracing::debug!(%error, step, "attempt not noted");
        }
    }

    fn today(&mut self) -> Date {
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

fn blocked(obstacle: Obstacle, detail: &dyn std::fmt::Display) -> Event {
    Event::Blocked {
        obstacle,
        detail: detail.to_string(),
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
