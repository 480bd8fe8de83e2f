//! What is journaled of a document's writes, before and after Sage.

use import::plan::Plan;
use import::{Done, Outcome, Reserved, WriteStart};
use jiff::Timestamp;
use model::{Attempt, ImportState};
use rusqlite::{Connection, OptionalExtension, params};
use values::{CompanyId, ImportId};

use super::room::{ROOM_BYTES, make_room, put_outcome};
use super::rows::{is_higher, source_name, use_up_vouching, verdict_name};
use super::waiting::{FEW_BYTES, Waiting};
use super::{Journal, JournalError};

/// Name of the number whose highest is watched.
pub(super) const ORDER_NUMBER: &str = "sales_order_no";

impl Journal {
    /// Keeps what the document becomes. It reaches the file with the next commit of any kind,
    /// in front of what that commit is about: so a reservation is never there without it, and
    /// whatever was not reserved before a crash is planned anew.
    ///
    /// # Errors
    /// The plan cannot be written down.
    pub fn file_plan(&mut self, id: &ImportId, plan: &Plan) -> Result<(), JournalError> {
        let plan = serde_json::to_string(plan).map_err(JournalError::Content)?;
        self.waiting.push(Waiting::Plan(id.clone(), plan));
        Ok(())
    }

    /// Forgets what the document becomes: it is planned anew, also after a crash.
    ///
    /// # Errors
    /// See [`JournalError`]; the plan stays then.
    pub fn forget_plan(&mut self, id: &ImportId) -> Result<(), JournalError> {
        self.commit(FEW_BYTES, |db| {
            db.execute(
                "UPDATE document SET plan = NULL WHERE import_id = ?1",
                [id.as_str()],
            )?;
            Ok(())
        })
    }

    /// Journals a reservation, or what is newly known of it.
    ///
    /// # Errors
    /// See [`JournalError`]; nothing may be written under the identity then.
    pub fn reserve(&mut self, id: &ImportId, reserved: &Reserved) -> Result<(), JournalError> {
        self.commit(FEW_BYTES, |db| reserve(db, id, reserved))
    }

    /// Journals a reservation and that a write begins under it, with room for its outcome, in
    /// one commit. The hub has yet to hear of it, and nothing may be entered before it has:
    /// should it never, [`Journal::end_write`] takes the beginning back.
    ///
    /// # Errors
    /// [`JournalError::Full`] when there is no room: nothing may be written then.
    pub fn reserve_and_start(
        &mut self,
        id: &ImportId,
        reserved: &Reserved,
        write: &WriteStart,
    ) -> Result<(), JournalError> {
        self.commit_beginning(id, |db| {
            reserve(db, id, reserved)?;
            start(db, id, write)
        })
    }

    /// Journals that a write begins under an identity that was reserved before, and makes room
    /// for its outcome. The hub has the reservation by then.
    ///
    /// # Errors
    /// [`JournalError::Full`] when there is no room: nothing may be written then.
    pub fn start_write(&mut self, id: &ImportId, write: &WriteStart) -> Result<(), JournalError> {
        self.commit_beginning(id, |db| {
            at_hub(db, id, &write.identity)?;
            start(db, id, write)
        })
    }

    /// Notes that the hub knows the identity. It reaches the file with the next commit.
    pub fn note_at_hub(&mut self, id: &ImportId, identity: &str) {
        self.waiting.push(Waiting::AtHub(id.clone(), identity.to_owned()));
    }

    /// Journals that the attempt left nothing behind in Sage.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn end_write(&mut self, id: &ImportId, identity: &str, foreign: bool) -> Result<(), JournalError> {
        self.commit(FEW_BYTES, |db| {
            db.execute("DELETE FROM write_start WHERE import_id = ?1", [id.as_str()])?;
            if foreign {
                db.execute(
                    "UPDATE reservation SET verdict = 'foreign' WHERE import_id = ?1 AND identity = ?2",
                    [id.as_str(), identity],
                )?;
            }
            Ok(())
        })?;
        self.has_ended(id);
        Ok(())
    }

    /// Journals that a write of the document is in Sage; its other writes follow.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn pass_write(&mut self, id: &ImportId, done: &Done) -> Result<(), JournalError> {
        let content = serde_json::to_string(done).map_err(JournalError::Content)?;
        self.commit(content.len(), |db| {
            db.execute(
                "INSERT INTO done (import_id, place, content)
                 VALUES (?1, (SELECT count(*) FROM done WHERE import_id = ?1), ?2)",
                [id.as_str(), &content],
            )?;
            db.execute("DELETE FROM write_start WHERE import_id = ?1", [id.as_str()])?;
            Ok(())
        })?;
        self.has_ended(id);
        Ok(())
    }

    /// Journals how the import ended. Of an outcome that is too large for its room, the
    /// state, the number, the totals and the first problem are kept, and of its other texts
    /// what fits.
    ///
    /// # Errors
    /// See [`JournalError`]; after the start of its write was journaled by the same process a
    /// full disk is no reason.
    pub fn settle(&mut self, id: &ImportId, outcome: &Outcome) -> Result<(), JournalError> {
        let settled = self.commit(ROOM_BYTES, |db| settle(db, id, outcome));
        if settled.is_err() {
            // What waits has no room of its own; the outcome has.
            self.commit_alone(|db| settle(db, id, outcome))?;
        }
        self.has_ended(id);
        if outcome.state == ImportState::Written
            && let Some(number) = outcome.numbers.get(ORDER_NUMBER)
        {
            let company = self.company_of(id)?;
            // Not loaded yet, it will be read with this one in it.
            if let Some(highest) = self.highest.get_mut(&company)
                && is_higher(number, highest)
            {
                highest.clone_from(number);
            }
        }
        Ok(())
    }

    /// As [`Journal::settle`], with the last thing that was tried: what is told of an end is then
    /// in the file, too.
    ///
    /// # Errors
    /// See [`Journal::settle`].
    pub fn settle_with(
        &mut self,
        id: &ImportId,
        outcome: &Outcome,
        attempt: &Attempt,
    ) -> Result<(), JournalError> {
        self.note(id, attempt);
        let settled = self.settle(id, outcome);
        if settled.is_err() {
            self.waiting.pop();
        }
        settled
    }

    /// Notes that the hub knows the outcome, and gives back the room that it did not need. It
    /// reaches the file with the next commit; after a crash before it the outcome is reported
    /// once more, which does no harm.
    pub fn mark_reported(&mut self, id: &ImportId, at: Timestamp) {
        self.waiting.push(Waiting::Reported(id.clone(), at));
    }

    /// The highest number that an order of ours was written under.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn highest_written(&mut self, company: &CompanyId) -> Result<Option<String>, JournalError> {
        if !self.highest.contains_key(company) {
            let mut statement = self
                .db
                .prepare_cached("SELECT number FROM outcome WHERE company = ?1 AND written = 1")?;
            let mut rows = statement.query([company.as_str()])?;
            let mut highest = String::new();
            while let Some(row) = rows.next()? {
                let number: String = row.get(0)?;
                if is_higher(&number, &highest) {
                    highest = number;
                }
            }
            self.highest.insert(company.clone(), highest);
        }
        Ok(self
            .highest
            .get(company)
            .filter(|number| !number.is_empty())
            .cloned())
    }

    fn has_ended(&mut self, id: &ImportId) {
        if let Some(log) = &mut self.log {
            log.has_ended(id);
        }
    }

    fn company_of(&self, id: &ImportId) -> Result<CompanyId, JournalError> {
        let company = self
            .db
            .prepare_cached("SELECT company FROM document WHERE import_id = ?1")?
            .query_row([id.as_str()], |row| row.get::<_, String>(0))?;
        Ok(CompanyId::new(company))
    }
}

fn reserve(db: &Connection, id: &ImportId, reserved: &Reserved) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT INTO reservation (import_id, place, identity, at, source, at_hub, verdict, name)
         VALUES (?1, (SELECT count(*) FROM reservation WHERE import_id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (import_id, identity) DO UPDATE SET at_hub = excluded.at_hub, verdict = excluded.verdict",
    )?
    .execute(params![
        id.as_str(),
        reserved.identity,
        reserved.at.to_string(),
        source_name(reserved.source),
        reserved.at_hub,
        verdict_name(reserved.verdict),
        reserved.name
    ])?;
    Ok(())
}

fn start(db: &Connection, id: &ImportId, write: &WriteStart) -> Result<(), JournalError> {
    let number = if write.name == ORDER_NUMBER {
        write.identity.as_str()
    } else {
        ""
    };
    make_room(db, id, number)?;
    use_up_vouching(db, id)?;
    db.prepare_cached(
        "INSERT OR REPLACE INTO write_start (import_id, identity, at, pid, process_start, name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        id.as_str(),
        write.identity,
        write.at.to_string(),
        write.server.map(|s| s.pid),
        write.server.map(|s| s.started_at.to_string()),
        write.name
    ])?;
    Ok(())
}

pub(super) fn at_hub(db: &Connection, id: &ImportId, identity: &str) -> Result<(), JournalError> {
    db.prepare_cached("UPDATE reservation SET at_hub = 1 WHERE import_id = ?1 AND identity = ?2")?
        .execute([id.as_str(), identity])?;
    Ok(())
}

fn settle(db: &Connection, id: &ImportId, outcome: &Outcome) -> Result<(), JournalError> {
    let has_room = db
        .prepare_cached("SELECT 1 FROM outcome WHERE import_id = ?1")?
        .query_row([id.as_str()], |_| Ok(()))
        .optional()?
        .is_some();
    if !has_room {
        let number = outcome.numbers.get(ORDER_NUMBER).map_or("", String::as_str);
        make_room(db, id, number)?;
    }
    put_outcome(db, id, outcome, outcome.state == ImportState::Written)
}
