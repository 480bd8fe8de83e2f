//! Documents in the journal: taken, and shown.

use std::collections::BTreeSet;

use import::identity::numbers_of;
use import::{Document, Record};
use jiff::Timestamp;
use model::{ImportKind, ImportState, Numbers, Problem};
use rusqlite::{OptionalExtension, Transaction};
use values::{CompanyId, ImportId};

use super::rows::{done_of, insert_document, instant, outcome_of, replace_body, reservations_of, write_of};
use super::waiting::FEW_BYTES;
use super::{Journal, JournalError};

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
    /// Takes a document.
    ///
    /// # Errors
    /// See [`JournalError`]; the document is not taken then.
    pub fn accept(&mut self, document: &Document, at: Timestamp) -> Result<Accepted, JournalError> {
        let accepted = self.accept_all(std::slice::from_ref(document), at)?;
        Ok(accepted.first().copied().unwrap_or(Accepted::Known))
    }

    /// Takes documents, all or none, in one commit.
    ///
    /// # Errors
    /// See [`JournalError`]; none is taken then.
    pub fn accept_all(
        &mut self,
        documents: &[Document],
        at: Timestamp,
    ) -> Result<Vec<Accepted>, JournalError> {
        let bodies: usize = documents
            .iter()
            .map(|d| 4 * FEW_BYTES + d.body.to_string().len())
            .sum();
        self.commit(bodies, |transaction| {
            documents.iter().map(|d| accept(transaction, d, at)).collect()
        })
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
}

fn accept(
    transaction: &Transaction<'_>,
    document: &Document,
    at: Timestamp,
) -> Result<Accepted, JournalError> {
    let id = document.id.as_str();
    let known: Option<u32> = transaction
        .prepare_cached("SELECT revision FROM document WHERE import_id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(revision) = known else {
        insert_document(transaction, document, at)?;
        return Ok(Accepted::New);
    };
    let ended = outcome_of(transaction, id)?.map(|(outcome, _)| outcome.state);
    let is_newer = document.revision > revision;
    Ok(match ended {
        // A person edited it, or wants it tried again: it starts anew, and what may be in
        // Sage of it is looked for first. A hub that was restored may not know any more that it
        // was given up.
        Some(ImportState::Refused | ImportState::Held | ImportState::InDoubt | ImportState::Discarded)
            if is_newer =>
        {
            replace_body(transaction, document)?;
            transaction.execute("DELETE FROM outcome WHERE import_id = ?1", [id])?;
            Accepted::Revised
        }
        Some(_) => {
            transaction.execute("UPDATE document SET reported = 0 WHERE import_id = ?1", [id])?;
            Accepted::Ended
        }
        // Where something is reserved for it the hub was told an end that a restored journal
        // does not know.
        None if is_newer => {
            replace_body(transaction, document)?;
            Accepted::Revised
        }
        None => Accepted::Known,
    })
}
