//! What waits for the next commit. A commit of its own for each of these would cost more than
//! the steps that they are about, and nothing is lost with them that is not made good: what
//! was tried is for people, a plan without a reservation is made anew, an outcome that the
//! hub knows already is reported once more.

use jiff::Timestamp;
use model::{Attempt, ImportState};
use rusqlite::{Connection, Transaction};
use values::ImportId;

use super::attempts::append;
use super::room::ROOM_BYTES;
use super::rows::{begin, outcome_of};
use super::writes::at_hub;
use super::{Journal, JournalError};

/// What a change to one row, and perhaps its page, comes to.
pub(super) const FEW_BYTES: usize = 4096;

/// Something that goes with the next commit.
#[derive(Debug)]
pub(super) enum Waiting {
    /// What was tried.
    Attempt(ImportId, Attempt),
    /// What the document becomes, as JSON.
    Plan(ImportId, String),
    /// The hub knows the identity.
    AtHub(ImportId, String),
    /// The hub knows the outcome.
    Reported(ImportId, Timestamp),
}

impl Waiting {
    /// About what it stores.
    const fn bytes(&self) -> usize {
        match self {
            Self::Attempt(_, attempt) => 256 + attempt.step.len() + attempt.detail.len(),
            Self::Plan(_, plan) => 256 + plan.len(),
            Self::AtHub(..) | Self::Reported(..) => FEW_BYTES,
        }
    }
}

impl Journal {
    /// Brings everything that waits for a commit to the file.
    ///
    /// # Errors
    /// See [`JournalError`]; it goes on waiting then.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.commit(0, |_| Ok(()))
    }

    /// One commit of what waits and of what is done here, which stores about so many bytes.
    /// When it fails, nothing of it was done, and what waits goes on waiting.
    pub(super) fn commit<T>(
        &mut self,
        bytes: usize,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.make_room(bytes, None)?;
        self.commit_in_room(act)
    }

    /// As [`Journal::commit`], for the beginning of a write: its outcome has room when this
    /// returns.
    pub(super) fn commit_beginning<T>(
        &mut self,
        id: &ImportId,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        self.make_room(ROOM_BYTES, Some(id))?;
        let begun = self.commit_in_room(act)?;
        if let Some(log) = &mut self.log {
            log.has_begun(id);
        }
        Ok(begun)
    }

    fn make_room(&mut self, bytes: usize, beginning: Option<&ImportId>) -> Result<(), JournalError> {
        let waiting: usize = self.waiting.iter().map(Waiting::bytes).sum();
        match &mut self.log {
            Some(log) => log.make_room(&self.db, bytes + waiting, beginning),
            None => Ok(()),
        }
    }

    fn commit_in_room<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let transaction = begin(&mut self.db)?;
        for waiting in &self.waiting {
            put(&transaction, waiting)?;
        }
        let done = act(&transaction)?;
        transaction.commit()?;
        self.waiting.clear();
        Ok(done)
    }

    /// One commit without what waits, in room that was made before.
    pub(super) fn commit_alone<T>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let transaction = begin(&mut self.db)?;
        let done = act(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}

fn put(db: &Connection, waiting: &Waiting) -> Result<(), JournalError> {
    match waiting {
        Waiting::Attempt(id, attempt) => append(db, id, attempt),
        Waiting::Plan(id, plan) => {
            db.prepare_cached("UPDATE document SET plan = ?2 WHERE import_id = ?1")?
                .execute([id.as_str(), plan])?;
            Ok(())
        }
        Waiting::AtHub(id, identity) => at_hub(db, id, identity),
        Waiting::Reported(id, at) => reported(db, id, *at),
    }
}

fn reported(db: &Connection, id: &ImportId, at: Timestamp) -> Result<(), JournalError> {
    db.prepare_cached("UPDATE document SET reported = 1, ended_at = ?2 WHERE import_id = ?1")?
        .execute([id.as_str(), &at.to_string()])?;
    db.prepare_cached("UPDATE outcome SET content = rtrim(content, ' ' || char(10)) WHERE import_id = ?1")?
        .execute([id.as_str()])?;
    // What is in doubt may still be in Sage, and so it may when a person has given it up: a later
    // retry has to fence and look.
    let is_doubtful = outcome_of(db, id.as_str())?
        .is_some_and(|(o, _)| matches!(o.state, ImportState::InDoubt | ImportState::Discarded));
    if !is_doubtful {
        db.prepare_cached("DELETE FROM write_start WHERE import_id = ?1")?
            .execute([id.as_str()])?;
    }
    Ok(())
}
