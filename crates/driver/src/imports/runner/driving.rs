//! Bringing one document as far as it goes.

use import::{Command, Event, Obstacle};
use model::ImportState;
use values::ImportId;
use wire::agent::Accept;

use super::super::current::{Asked, Asking, Current};
use super::super::ports::ToHub;
use super::super::queued::Queued;
use super::{Gate, Halt, Runner};

impl Runner {
    /// Brings one import as far as it goes now.
    pub(super) fn drive(&mut self, place: usize) {
        let mut current = self.imports.remove(place);
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
        current.is_under_way = true;
        current.was_aside |= std::mem::take(&mut current.is_aside);
        if current.commands.is_empty() {
            let moment = self.moment();
            current.step(Event::Due, &moment);
        }
        self.go_on(place, current);
    }

    /// Says of a document that it waits for what the company waits for.
    pub(super) fn wait_with_the_company(&mut self, place: usize) {
        let gated = self.gate.as_ref().map(|gate| Event::Blocked {
            obstacle: gate.obstacle,
            detail: gate.detail.clone(),
        });
        let Some(event) = self.paused_event().or(gated) else {
            return;
        };
        let mut current = self.imports.remove(place);
        self.advance(&mut current, event, true);
        self.go_on(place, current);
    }

    /// Carries out what is to be done for it, until it has to wait for something.
    pub(super) fn go_on(&mut self, place: usize, mut current: Current) {
        // What was just entered is read back before the driver lets go.
        let mut has_entered = false;
        while current.asked.is_none()
            && let Some(command) = current.commands.pop_front()
        {
            if self.is_leaving && touches_sage(&command) && !matches!(command, Command::ReadBack { .. }) {
                // Nothing is begun any more.
                current.commands.push_front(command);
                break;
            }
            if matches!(command, Command::OpenSession { .. })
                && std::mem::take(&mut current.was_aside)
                && self.plan_again(&mut current)
            {
                // It waits for its lane first: others may be on their way in it.
                current.is_under_way = false;
                break;
            }
            if matches!(command, Command::OpenSession { .. }) && self.is_behind(&current) {
                // The session is set up for another one, which is entered first; or another's
                // file is handed over, which may take minutes: nothing is held up by waiting for it.
                current.is_under_way = !current.import.is_filed();
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

    /// Is another one being entered in the way in which this one is?
    fn is_behind(&self, current: &Current) -> bool {
        if current.import.is_filed() {
            self.imports.iter().any(Current::is_filing)
        } else {
            self.imports.iter().any(Current::is_in_session)
        }
    }

    /// Steps it on, and sees what it waits for.
    pub(super) fn advance(&mut self, current: &mut Current, event: Event, was_gated: bool) {
        let event = self.or_paused(event);
        let moment = self.moment();
        current.step(event, &moment);
        current.note_obstacle(moment.at);
        if current.is_aside {
            self.plan_again(current);
        }
        if let Some(waiting) = current.import.waiting() {
            tracing::info!(import = %current.id(), obstacle = waiting.obstacle.as_str(), until = %waiting.until, "import waits");
            if waiting.obstacle.concerns_company() && waiting.obstacle != Obstacle::Paused && !was_gated {
                self.gate = Some(Gate {
                    obstacle: waiting.obstacle,
                    detail: waiting.detail.clone(),
                    since: moment.at,
                    tries: 1,
                    until: waiting.until,
                });
            }
        }
    }

    /// Gives its plan up, when nothing was begun under it: those behind it go on meanwhile, and
    /// what it was made of moves.
    fn plan_again(&mut self, current: &mut Current) -> bool {
        let mut import = current.import.clone();
        let Some(command) = import.plan_again() else {
            return false;
        };
        let forgotten = self.journal().forget_plan(current.id());
        if let Err(error) = forgotten {
            tracing::debug!(import = %current.id(), %error, "its plan stays, and so does its place");
            current.is_aside = false;
            return false;
        }
        if import.waiting().is_none() {
            current.commands = [command].into();
        }
        current.import = import;
        true
    }

    pub(super) fn put_back(&mut self, place: usize, mut current: Current) {
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
    pub(in crate::imports) fn ticket(&mut self, current: &mut Current, what: Asking) -> u64 {
        self.tickets += 1;
        let ticket = self.tickets;
        current.asked = Some(Asked {
            ticket,
            what,
            at: self.clock.elapsed(),
        });
        ticket
    }

    pub(super) fn note_doubt(&mut self, id: &ImportId, state: Option<ImportState>) {
        if state == Some(ImportState::InDoubt) {
            let queued = self.queued_in_doubt(id);
            self.in_doubt.insert(id.clone(), queued);
        } else {
            self.in_doubt.remove(id);
        }
    }

    /// What may still come into Sage of a document in doubt.
    pub(super) fn queued_in_doubt(&self, id: &ImportId) -> Queued {
        let mut queued = Queued::default();
        if let Ok(Some(record)) = self.journal().record(id)
            && let Some(plan) = &record.plan
        {
            queued.add_receipts(&plan.writes, &record.done);
        }
        queued
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
