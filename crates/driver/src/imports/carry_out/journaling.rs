//! What is journaled of a document on its way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::Builder;

use agent_store::journal::JournalError;
use import::plan::{Plan, Write};
use import::{Done, Event, Outcome, Reserved, WriteStart};
use model::Attempt;
use sage::ServerProcess;

use super::super::current::{Asking, Current};
use super::super::erp::Erp;
use super::super::runner::{Reply, Runner};
use super::{unjournaled, unreadable};

impl Runner {
    pub(super) fn file_plan(&mut self, current: &Current, plan: &Plan) -> Event {
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

    /// Journals the identity together with the beginning of its write: one commit in front of
    /// the hub's word, and none behind it.
    pub(super) fn journal_reservation(
        &mut self,
        current: &mut Current,
        name: &str,
        identity: &str,
        server: Option<ServerProcess>,
    ) -> Event {
        if let Err(error) = self.prepare(current, name, identity) {
            return unreadable(&error);
        }
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

    pub(super) fn start_write(
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

    pub(super) fn pass_write(&mut self, current: &Current, done: &Done) -> Event {
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

    pub(super) fn end_write(&mut self, current: &Current, identity: &str, foreign: bool) -> Event {
        let ended = self.journal().end_write(current.id(), identity, foreign);
        match ended {
            Ok(()) => {
                self.point("import.after_write_ended");
                Event::WriteEnded
            }
            Err(error) => unjournaled(&error),
        }
    }

    /// Journals the end. Beside the writer, where there is something beside it: the next document
    /// is entered while the disk is waited for, and the hub is told when that is over.
    pub(super) fn settle(&mut self, current: &mut Current, outcome: &Outcome) -> Option<Event> {
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
        if !self.tables.is_beside() {
            let settled = self.journal().settle_with(current.id(), outcome, &attempt);
            return Some(self.take_settled(current, outcome, settled));
        }
        let (ticket, answers) = (self.ticket(current, Asking::Settle), self.answers.clone());
        let (journal, id, outcome) = (Arc::clone(&self.journal), current.id().clone(), outcome.clone());
        let settling = Builder::new().name("outcome".to_owned()).spawn(move || {
            let settle = || {
                let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
                journal.settle_with(&id, &outcome, &attempt)
            };
            // Whoever waits is answered, whatever becomes of it.
            let settled = catch_unwind(AssertUnwindSafe(settle)).unwrap_or_else(|_| {
                Err(JournalError::Broken(
                    "the driver failed while it wrote".to_owned(),
                ))
            });
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::Settled(Box::new(outcome), settled)));
        });
        match settling {
            Ok(_) => None,
            Err(error) => {
                current.asked = None;
                Some(unjournaled(&JournalError::Thread(error)))
            }
        }
    }

    /// What follows from the end's being journaled.
    pub(in crate::imports) fn take_settled(
        &mut self,
        current: &Current,
        outcome: &Outcome,
        settled: Result<(), JournalError>,
    ) -> Event {
        if let Err(error) = settled {
            return unjournaled(&error);
        }
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
}
