//! The journal of imports, `journal.db`: what exactly-once rests on. It is apart from the
//! disposable index, and every commit is on the disk before the call returns.
//!
//! **Room**: before a write in Sage begins, its outcome's row is stored at full size, and
//! every byte of it is then overwritten once. The outcome later replaces it in place. That
//! takes no further page of the file, and none of SQLite's own rollback journal either:
//! the rehearsal has rolled the same pages through it, and it keeps its size while the
//! process lives. So a full disk shows before the write, not after it.

mod attempts;
mod cut;
mod error;
mod lock;
mod numbers;
mod pages;
mod room;
mod rows;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use import::batches::Allotments;
use import::identity::numbers_of;
use import::plan::Plan;
use import::{Document, Done, Outcome, Record, Reserved, WriteStart};
use jiff::Timestamp;
use model::{Attempt, ImportKind, ImportState, Numbers, Problem};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use values::{CompanyId, ImportId, StoreId};

use attempts::append_all;
pub use error::JournalError;
use lock::Lock;
use room::{make_room, put_outcome, rehearse};
use rows::{
    begin, done_of, insert_document, instant, is_higher, is_reserved, outcome_of, replace_body,
    reservations_of, source_name, use_up_vouching, verdict_name, write_of,
};

/// Name of the number whose highest is watched.
const ORDER_NUMBER: &str = "sales_order_no";

/// The journal. One process has it open.
#[derive(Debug)]
pub struct Journal {
    db: Connection,
    store: StoreId,
    /// Highest number written, by company.
    highest: BTreeMap<CompanyId, String>,
    /// What was tried and is not in the file yet.
    notes: Vec<(ImportId, Attempt)>,
    _lock: Option<Lock>,
}

/// What became of a document that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It was not known.
    New,
    /// It is known at this revision and on its way.
    Known,
    /// A newer revision took the place of one that was not yet being written, or that had
    /// been refused or held.
    Revised,
    /// It had ended; the outcome is to be reported again.
    Ended,
}

/// An import in a list for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: ImportId,
    /// For which company.
    pub company: CompanyId,
    /// What kind of document (`sales_order`, …).
    pub kind: String,
    /// Where it stands.
    pub state: ImportState,
    /// Numbers in Sage: proven when it is written, else reserved.
    pub numbers: Numbers,
    /// Why it was refused, held or is in doubt.
    pub problems: Vec<Problem>,
    /// When it arrived.
    pub at: Timestamp,
}

impl Journal {
    /// Opens the journal, or makes one under the identity `fresh`.
    ///
    /// # Errors
    /// [`JournalError::InUse`] when another process has it open; else what the disk says.
    pub fn open(file: &Path, fresh: &StoreId) -> Result<Self, JournalError> {
        let lock = Lock::take(file)?;
        let db = Connection::open(file)?;
        Self::prepare(db, fresh, Some(lock))
    }

    /// Opens a journal that may belong to a running process, only to look at it.
    ///
    /// # Errors
    /// There is no journal, or `SQLite` itself failed.
    pub fn look(file: &Path) -> Result<Self, JournalError> {
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(5))?;
        let store: String = db.query_row("SELECT value FROM meta WHERE name = 'store'", [], |row| {
            row.get(0)
        })?;
        Ok(Self {
            db,
            store: StoreId::new(store),
            highest: BTreeMap::new(),
            notes: Vec::new(),
            _lock: None,
        })
    }

    /// A journal that is forgotten with the value: for simulations.
    ///
    /// # Errors
    /// `SQLite` itself failed.
    pub fn in_memory(fresh: &StoreId) -> Result<Self, JournalError> {
        Self::prepare(Connection::open_in_memory()?, fresh, None)
    }

    fn prepare(db: Connection, fresh: &StoreId, lock: Option<Lock>) -> Result<Self, JournalError> {
        schema::prepare(&db)?;
        db.execute(
            "INSERT OR IGNORE INTO meta (name, value) VALUES ('store', ?1)",
            [fresh.as_str()],
        )?;
        let store: String = db.query_row("SELECT value FROM meta WHERE name = 'store'", [], |row| {
            row.get(0)
        })?;
        Ok(Self {
            db,
            store: StoreId::new(store),
            highest: BTreeMap::new(),
            notes: Vec::new(),
            _lock: lock,
        })
    }

    /// The journal's own random identity: a new one tells the hub to hand over what is open.
    #[must_use]
    pub const fn store_id(&self) -> &StoreId {
        &self.store
    }

    /// Takes a document.
    ///
    /// # Errors
    /// See [`JournalError`]; the document is not taken then.
    pub fn accept(&mut self, document: &Document, at: Timestamp) -> Result<Accepted, JournalError> {
        let transaction = begin(&mut self.db)?;
        let id = document.id.as_str();
        let known: Option<u32> = transaction
            .query_row(
                "SELECT revision FROM document WHERE import_id = ?1",
                [id],
                |row| row.get(0),
            )
            .optional()?;
        let Some(revision) = known else {
            insert_document(&transaction, document, at)?;
            transaction.commit()?;
            return Ok(Accepted::New);
        };
        let ended = outcome_of(&transaction, id)?.map(|(outcome, _)| outcome.state);
        let is_newer = document.revision > revision;
        let accepted = match ended {
            // A person edited it, or wants it tried again: it starts anew, and what may be in
            // Sage of it is looked for first.
            Some(ImportState::Refused | ImportState::Held | ImportState::InDoubt) if is_newer => {
                replace_body(&transaction, document)?;
                transaction.execute("DELETE FROM outcome WHERE import_id = ?1", [id])?;
                Accepted::Revised
            }
            Some(_) => {
                transaction.execute("UPDATE document SET reported = 0 WHERE import_id = ?1", [id])?;
                Accepted::Ended
            }
            None if is_newer && !is_reserved(&transaction, id)? => {
                replace_body(&transaction, document)?;
                Accepted::Revised
            }
            None => Accepted::Known,
        };
        transaction.commit()?;
        Ok(accepted)
    }

    /// Journals a reservation, or what is newly known of it.
    ///
    /// # Errors
    /// See [`JournalError`]; nothing may be written under the identity then.
    pub fn reserve(&mut self, id: &ImportId, reserved: &Reserved) -> Result<(), JournalError> {
        let transaction = begin(&mut self.db)?;
        transaction
            .prepare_cached(
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
        append_all(&transaction, &self.notes)?;
        transaction.commit()?;
        self.notes.clear();
        Ok(())
    }

    /// Journals that a write begins, and makes room for its outcome. The hub has the
    /// reservation by then.
    ///
    /// # Errors
    /// [`JournalError::Full`] when there is no room: nothing may be written then.
    pub fn start_write(&mut self, id: &ImportId, write: &WriteStart) -> Result<(), JournalError> {
        let transaction = begin(&mut self.db)?;
        let number = if write.name == ORDER_NUMBER {
            write.identity.as_str()
        } else {
            ""
        };
        make_room(&transaction, id, number)?;
        transaction.execute(
            "UPDATE reservation SET at_hub = 1 WHERE import_id = ?1 AND identity = ?2",
            [id.as_str(), &write.identity],
        )?;
        use_up_vouching(&transaction, id)?;
        append_all(&transaction, &self.notes)?;
        transaction.commit()?;
        self.notes.clear();
        // Apart from the room's own commit: only pages that were there before are rolled
        // through SQLite's journal. Without it the write does not count as begun.
        let transaction = begin(&mut self.db)?;
        rehearse(&transaction, id)?;
        transaction.execute(
            "INSERT OR REPLACE INTO write_start (import_id, identity, at, pid, process_start, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                id.as_str(),
                write.identity,
                write.at.to_string(),
                write.server.map(|s| s.pid),
                write.server.map(|s| s.started_at.to_string()),
                write.name
            ],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Journals that the attempt left nothing behind in Sage.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn end_write(&mut self, id: &ImportId, identity: &str, foreign: bool) -> Result<(), JournalError> {
        let transaction = begin(&mut self.db)?;
        transaction.execute("DELETE FROM write_start WHERE import_id = ?1", [id.as_str()])?;
        if foreign {
            transaction.execute(
                "UPDATE reservation SET verdict = 'foreign' WHERE import_id = ?1 AND identity = ?2",
                [id.as_str(), identity],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Journals what the document becomes.
    ///
    /// # Errors
    /// See [`JournalError`]; nothing of it may be reserved then.
    pub fn file_plan(&mut self, id: &ImportId, plan: &Plan) -> Result<(), JournalError> {
        let plan = serde_json::to_string(plan).map_err(JournalError::Content)?;
        let transaction = begin(&mut self.db)?;
        transaction.execute(
            "UPDATE document SET plan = ?2 WHERE import_id = ?1",
            [id.as_str(), &plan],
        )?;
        append_all(&transaction, &self.notes)?;
        transaction.commit()?;
        self.notes.clear();
        Ok(())
    }

    /// Journals that a write of the document is in Sage; its other writes follow.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn pass_write(&mut self, id: &ImportId, done: &Done) -> Result<(), JournalError> {
        let content = serde_json::to_string(done).map_err(JournalError::Content)?;
        let transaction = begin(&mut self.db)?;
        transaction.execute(
            "INSERT INTO done (import_id, place, content)
             VALUES (?1, (SELECT count(*) FROM done WHERE import_id = ?1), ?2)",
            [id.as_str(), &content],
        )?;
        transaction.execute("DELETE FROM write_start WHERE import_id = ?1", [id.as_str()])?;
        transaction.commit()?;
        Ok(())
    }

    /// Journals how the import ended. Of an outcome that is too large for its room, the
    /// state, the number, the totals and the first problem are kept, and of its other texts
    /// what fits.
    ///
    /// # Errors
    /// See [`JournalError`]; after [`Journal::start_write`] by the same process a full disk
    /// is no reason.
    pub fn settle(&mut self, id: &ImportId, outcome: &Outcome) -> Result<(), JournalError> {
        let written = outcome.state == ImportState::Written;
        let transaction = begin(&mut self.db)?;
        let has_room = transaction
            .query_row(
                "SELECT 1 FROM outcome WHERE import_id = ?1",
                [id.as_str()],
                |_| Ok(()),
            )
            .optional()?
            .is_some();
        if !has_room {
            make_room(
                &transaction,
                id,
                outcome.numbers.get(ORDER_NUMBER).map_or("", String::as_str),
            )?;
        }
        put_outcome(&transaction, id, outcome, written)?;
        transaction.commit()?;
        if written && let Some(number) = outcome.numbers.get(ORDER_NUMBER) {
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

    /// Notes that the hub knows the outcome, and gives back the room that it did not need.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn mark_reported(&mut self, id: &ImportId) -> Result<(), JournalError> {
        let transaction = begin(&mut self.db)?;
        transaction.execute(
            "UPDATE document SET reported = 1 WHERE import_id = ?1",
            [id.as_str()],
        )?;
        transaction.execute(
            "UPDATE outcome SET content = rtrim(content, ' ' || char(10)) WHERE import_id = ?1",
            [id.as_str()],
        )?;
        // What is in doubt may still be in Sage: a later retry has to fence and look.
        let is_doubtful =
            outcome_of(&transaction, id.as_str())?.is_some_and(|(o, _)| o.state == ImportState::InDoubt);
        if !is_doubtful {
            transaction.execute("DELETE FROM write_start WHERE import_id = ?1", [id.as_str()])?;
        }
        append_all(&transaction, &self.notes)?;
        transaction.commit()?;
        self.notes.clear();
        Ok(())
    }

    /// Everything about one import.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn record(&self, id: &ImportId) -> Result<Option<Record>, JournalError> {
        let found = self
            .db
            .prepare_cached(
                "SELECT company, kind, revision, body, reported, plan, decision FROM document WHERE import_id = ?1",
            )?
            .query_row([id.as_str()], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, u32>(2)?,
                    row.get::<_, String>(3)?,
                    row.get::<_, bool>(4)?,
                    row.get::<_, Option<String>>(5)?,
                    row.get::<_, String>(6)?,
                ))
            })
            .optional()?;
        let Some((company, kind, revision, body, reported, plan, decision)) = found else {
            return Ok(None);
        };
        let Some(kind) = ImportKind::from_name(&kind) else {
            return Err(JournalError::Broken(format!(
                "{id} is of the unknown kind {kind}"
            )));
        };
        Ok(Some(Record {
            document: Document {
                id: id.clone(),
                company: CompanyId::new(company),
                kind,
                revision,
                body: serde_json::from_str(&body).map_err(JournalError::Content)?,
                decision: serde_json::from_str(&decision).map_err(JournalError::Content)?,
            },
            plan: plan
                .map(|plan| serde_json::from_str(&plan).map_err(JournalError::Content))
                .transpose()?,
            done: done_of(&self.db, id)?,
            reservations: reservations_of(&self.db, id)?,
            write: write_of(&self.db, id)?,
            outcome: outcome_of(&self.db, id.as_str())?.map(|(outcome, _)| outcome),
            reported,
        }))
    }

    /// Every import of the company that has not ended, or whose end the hub does not know,
    /// oldest first.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn unsettled(&self, company: &CompanyId) -> Result<Vec<Record>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT import_id FROM document WHERE company = ?1 AND reported = 0 ORDER BY place",
        )?;
        let ids = statement
            .query_map([company.as_str()], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        ids.into_iter()
            .filter_map(|id| self.record(&ImportId::new(id)).transpose())
            .collect()
    }

    /// The newest imports of all companies, newest first.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn list(&self, limit: u32) -> Result<Vec<Listed>, JournalError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT import_id FROM document ORDER BY place DESC LIMIT ?1")?;
        let ids = statement
            .query_map([limit], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        ids.into_iter()
            .filter_map(|id| self.listed(&ImportId::new(id)).transpose())
            .collect()
    }

    /// One import as [`Journal::list`] shows it; none when it is not known here.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn listed(&self, id: &ImportId) -> Result<Option<Listed>, JournalError> {
        let found = self
            .db
            .prepare_cached("SELECT company, at, kind FROM document WHERE import_id = ?1")?
            .query_row([id.as_str()], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                ))
            })
            .optional()?;
        let Some((company, at, kind)) = found else {
            return Ok(None);
        };
        let outcome = outcome_of(&self.db, id.as_str())?.map(|(outcome, _)| outcome);
        let state = match &outcome {
            Some(outcome) => outcome.state,
            None if write_of(&self.db, id)?.is_some() => ImportState::Writing,
            None => ImportState::Validated,
        };
        let mut numbers = Numbers::new();
        for reserved in reservations_of(&self.db, id)? {
            numbers.extend(numbers_of(&reserved.name, &reserved.identity));
        }
        numbers.extend(outcome.as_ref().map(|o| o.numbers.clone()).unwrap_or_default());
        Ok(Some(Listed {
            id: id.clone(),
            company: CompanyId::new(company),
            kind,
            state,
            numbers,
            problems: outcome.map(|o| o.problems).unwrap_or_default(),
            at: instant(&at)?,
        }))
    }

    /// The documents of the company that are in doubt.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn in_doubt(&self, company: &CompanyId) -> Result<BTreeSet<ImportId>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT import_id FROM outcome WHERE company = ?1 AND written = 0 \
             AND CASE WHEN json_valid(content) THEN json_extract(content, '$.state') = 'in_doubt' ELSE 0 END",
        )?;
        let ids = statement.query_map([company.as_str()], |row| row.get::<_, String>(0))?;
        let ids: Result<BTreeSet<_>, _> = ids.map(|id| id.map(ImportId::new)).collect();
        Ok(ids?)
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

    /// Stops all imports of the company until [`Journal::thaw`]; nothing else ends it, no
    /// restart either.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn freeze(&mut self, company: &CompanyId, reason: &str, at: Timestamp) -> Result<(), JournalError> {
        self.db.execute(
            "INSERT OR REPLACE INTO frozen (company, reason, at) VALUES (?1, ?2, ?3)",
            params![company.as_str(), reason, at.to_string()],
        )?;
        Ok(())
    }

    /// A person has looked: the company's imports go on, and numbers of ours from before are
    /// no measure any more. Imports that were held meanwhile are each retried
    /// at the hub. The journal must have been opened by [`Journal::open`], so the
    /// driver must not be running.
    ///
    /// Gives back whether the company was frozen; one that was not is left as it is, its
    /// highest number too.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn thaw(&mut self, company: &CompanyId) -> Result<bool, JournalError> {
        let transaction = begin(&mut self.db)?;
        let frozen = transaction.execute("DELETE FROM frozen WHERE company = ?1", [company.as_str()])?;
        if frozen == 0 {
            return Ok(false);
        }
        transaction.execute(
            "UPDATE outcome SET written = 0 WHERE company = ?1",
            [company.as_str()],
        )?;
        transaction.commit()?;
        self.highest.remove(company);
        Ok(true)
    }

    /// Why the company's imports are frozen, if they are; works on a journal that is only
    /// looked at, too.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn frozen(&self, company: &CompanyId) -> Result<Option<String>, JournalError> {
        Ok(self
            .db
            .query_row(
                "SELECT reason FROM frozen WHERE company = ?1",
                [company.as_str()],
                |row| row.get(0),
            )
            .optional()?)
    }

    /// What the company's receipts were allotted to, oldest first.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn allotments(&self, company: &CompanyId) -> Result<Allotments, JournalError> {
        let mut statement = self
            .db
            .prepare_cached("SELECT content FROM allotment WHERE company = ?1 ORDER BY place DESC LIMIT 1")?;
        let content: Option<String> = statement
            .query_row([company.as_str()], |row| row.get(0))
            .optional()?;
        content.map_or_else(
            || Ok(Allotments::default()),
            |content| serde_json::from_str(&content).map_err(JournalError::Content),
        )
    }

    /// Journals what receipts are allotted to from now on.
    ///
    /// # Errors
    /// See [`JournalError`]; nothing may be entered into it then.
    pub fn keep_allotments(
        &mut self,
        company: &CompanyId,
        allotments: &Allotments,
    ) -> Result<(), JournalError> {
        let content = serde_json::to_string(allotments).map_err(JournalError::Content)?;
        let transaction = begin(&mut self.db)?;
        transaction.execute("DELETE FROM allotment WHERE company = ?1", [company.as_str()])?;
        transaction.execute(
            "INSERT INTO allotment (company, content) VALUES (?1, ?2)",
            [company.as_str(), &content],
        )?;
        transaction.commit()?;
        Ok(())
    }

    fn company_of(&self, id: &ImportId) -> Result<CompanyId, JournalError> {
        let company = self.db.query_row(
            "SELECT company FROM document WHERE import_id = ?1",
            [id.as_str()],
            |row| row.get::<_, String>(0),
        )?;
        Ok(CompanyId::new(company))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Nothing hangs on them, and nobody is left to tell.
        let _ = self.keep_notes();
    }
}

#[cfg(test)]
mod tests;
