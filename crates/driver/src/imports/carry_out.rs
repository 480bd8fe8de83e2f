//! Carrying out the engine's commands.

mod entering;
mod fencing;
mod hub;
mod identities;
mod journaling;
mod planning;
mod read_back;
mod session;

use std::time::Instant;

use agent_store::journal::JournalError;
use import::{Command, Event, Obstacle};
use jiff::Timestamp;
use model::Attempt;
use sage::Fault;
use values::{Date, Stamp};

pub(super) use planning::{Made, Making};
pub(super) use read_back::Looked;

use super::current::{Asking, Current};
use super::ports::HubError;
use super::runner::{Halt, Runner};
use super::tables::TablesError;
use crate::bridge::FAULT_TIMED_OUT;

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
                return self.reserve_at_hub(current, reserved);
            }
            Command::JournalWriteStarted {
                name,
                identity,
                server,
            } => self.start_write(current, name, identity, *server),
            Command::Enter { write, identity } => return Ok(self.enter(current, *write, identity)),
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
            Command::JournalOutcome { outcome } => return Ok(self.settle(current, outcome)),
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

fn unreadable(error: &TablesError) -> Event {
    blocked(error.obstacle(), error)
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
