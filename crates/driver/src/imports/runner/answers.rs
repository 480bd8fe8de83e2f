//! What was asked beside the writer, and is answered.

use std::time::{Duration, Instant};

use import::{Command, Obstacle};

use super::super::current::{Asking, Current};
use super::super::ports::HubError;
use super::{DISAGREEMENT, FAREWELL, Halt, Pause, Reply, Runner, WORD_LIFE};

impl Runner {
    /// Takes what is answered; when nothing is, waits at most so long.
    pub(in crate::imports) fn hear(&mut self, wait: Duration) {
        let mut heard = if wait.is_zero() {
            self.answered.try_recv().ok()
        } else {
            let started = Instant::now();
            let heard = self.answered.recv_timeout(wait).ok();
            self.spent.add("wait", started);
            heard
        };
        while let Some((ticket, answer)) = heard {
            self.take(ticket, answer);
            heard = self.answered.try_recv().ok();
        }
    }

    /// What was entered is brought to its end before the driver goes: it would have to be
    /// looked for at the next start.
    pub(in crate::imports) fn take_leave(&mut self) {
        self.is_leaving = true;
        let until = Instant::now() + FAREWELL;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let closing = self.imports.iter().filter(|current| current.is_closing());
            if left.is_zero() || closing.count() == 0 {
                break;
            }
            let next = |current: &Current| current.asked.is_none() && current.is_closing();
            match self.imports.iter().position(next) {
                Some(place) => self.drive(place),
                None => self.hear(left),
            }
        }
        self.take_back();
        if let Err(error) = self.journal().flush() {
            tracing::debug!(%error, "what can wait is not journaled");
        }
    }

    fn take(&mut self, ticket: u64, answer: Reply) {
        let is_its = |current: &Current| current.asked.is_some_and(|asked| asked.ticket == ticket);
        // Asked for a document that was given up meanwhile, with the lease or for an edit.
        let Some(place) = self.imports.iter().position(is_its) else {
            return;
        };
        let mut current = self.imports.remove(place);
        let Some(asked) = current.asked.take() else { return };
        let event = match (asked.what, answer) {
            (Asking::Accept, Reply::Hub(answer)) => {
                self.take_accept(place, current, answer);
                return;
            }
            (Asking::Announce, Reply::Hub(Err(HubError::LeaseLost))) => Err(Halt::LeaseLost),
            (Asking::Announce, Reply::Hub(answer)) => {
                if let Err(error) = answer {
                    tracing::debug!(%error, "the hub does not know yet that the import waits");
                }
                Ok(None)
            }
            (Asking::Reserve, Reply::Hub(answer)) => {
                let answer = answer.and_then(|()| self.is_fresh(asked.at));
                self.take_reservation(&current, answer).map(Some)
            }
            (Asking::Report, Reply::Hub(answer)) => self.take_report(&current, answer).map(Some),
            (Asking::Plan, Reply::Planned(made)) => Ok(self.take_plan(&mut current, made)),
            (Asking::Look, Reply::Looked(looked)) => Ok(Some(self.take_look(&current, looked))),
            (Asking::Settle, Reply::Settled(outcome, settled)) => {
                Ok(Some(self.take_settled(&current, &outcome, settled)))
            }
            (Asking::HandOver, Reply::HandedOver(handed)) => {
                Ok(Some(self.take_handed_over(&current, handed)))
            }
            // Each is answered by its own kind.
            (
                _,
                Reply::Hub(_)
                | Reply::Planned(_)
                | Reply::Looked(_)
                | Reply::Settled(..)
                | Reply::HandedOver(_),
            ) => Ok(None),
        };
        match event {
            Ok(Some(event)) => {
                self.advance(&mut current, event, false);
                // What the hub allowed is entered before anything else is done or heard, since its
                // word grows old; a freeze holds before another document is entered; and that it
                // waits is told now, not when the wait is over.
                let is_next = |command: &Command| {
                    matches!(
                        command,
                        Command::Enter { .. }
                            | Command::JournalWriteStarted { .. }
                            | Command::Freeze { .. }
                            | Command::Announce { .. }
                    )
                };
                if current.commands.front().is_some_and(is_next) {
                    self.go_on(place, current);
                } else {
                    self.put_back(place, current);
                }
            }
            Ok(None) => self.put_back(place, current),
            Err(Halt::LeaseLost) => {
                self.imports.insert(place, current);
                self.lose_lease();
            }
            Err(Halt::Stopped) => {}
        }
    }

    /// May a write begin on a word of the hub that was asked for then? A driver that stops
    /// begins none.
    fn is_fresh(&mut self, asked_at: Duration) -> Result<(), HubError> {
        if self.is_stopped() {
            return Err(HubError::Unreachable(String::from("the driver stops")));
        }
        if self.clock.elapsed().saturating_sub(asked_at) > WORD_LIFE {
            return Err(HubError::Unreachable(String::from(
                "its word that the write may begin came too late",
            )));
        }
        Ok(())
    }

    fn take_accept(&mut self, place: usize, mut current: Current, answer: Result<(), HubError>) {
        match answer {
            Ok(()) => {
                self.hub_pause = Pause::default();
                self.point("import.after_accept_hub");
                current.is_acknowledged = true;
                self.imports.insert(place, current);
            }
            Err(HubError::LeaseLost) => self.lose_lease(),
            Err(HubError::Refused { code, detail }) => {
                // A hub restored from before the document was posted does not know it. The
                // journal keeps it; the others go on.
                tracing::warn!(import = %current.id(), code, detail, "the hub does not take this import back; it rests");
                self.no_intake_until = self.clock.now().checked_add(DISAGREEMENT).ok();
            }
            Err(error) => {
                tracing::debug!(import = %current.id(), %error, "not acknowledged yet");
                current.is_under_way = false;
                self.imports.insert(place, current);
                self.pause(Obstacle::HubUnreachable, &error);
            }
        }
    }
}
