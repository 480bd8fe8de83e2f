//! What the hub is asked and told about a document on its way.

use import::plan::Write;
use import::{Event, Obstacle, Outcome, Reserved};
use wire::agent::{Report, Reservation, Reserve};

use super::super::current::{Asking, Current};
use super::super::ports::{HubAnswer, HubError, ToHub};
use super::super::runner::{Halt, Reply, Runner};
use super::{blocked, hub_failed, lost, unreadable};

impl Runner {
    /// Asks the hub for its word; what comes back at once is what stands in the way.
    pub(super) fn reserve_at_hub(
        &mut self,
        current: &mut Current,
        reserved: &Reserved,
    ) -> Result<Option<Event>, Halt> {
        // A record that was reserved before is not read for yet.
        if let Err(error) = self.prepare(current, &reserved.name, &reserved.identity) {
            return Ok(Some(unreadable(&error)));
        }
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
        Ok(None)
    }

    /// What follows from the hub's word on the identity. Sage's session must still be the one
    /// that is journaled with it.
    pub(in crate::imports) fn take_reservation(
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

    /// Tells the hub where it stands, with what was tried as far as that is journaled: a driver
    /// that starts again must not know less than the hub.
    pub(super) fn report(
        &mut self,
        current: &mut Current,
        outcome: &Outcome,
        asking: Asking,
    ) -> Result<(), Halt> {
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
    pub(in crate::imports) fn take_report(
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
    pub(in crate::imports) fn tell_hub(&mut self, current: &mut Current, asking: Asking, message: ToHub) {
        let ticket = self.ticket(current, asking);
        let answers = self.answers.clone();
        let answer: HubAnswer = Box::new(move |answer| {
            // Nobody waits any more when the writer has ended.
            let _ = answers.send((ticket, Reply::Hub(answer)));
        });
        self.hub.tell(current.id(), message, answer);
    }
}
