//! Forgetting what ended documents say of people. What exactly-once needs stays for ever: id,
//! hash of the body, identities, numbers and amounts.

use import::Outcome;
use jiff::Timestamp;
use model::ImportState;
use rusqlite::{Connection, OptionalExtension, params};
use values::{CompanyId, ImportId};

use super::rows::{hash_of, outcome_of, reservations_of};
use super::{Journal, JournalError};

/// What stands where a body was.
const NOTHING: &str = "null";
/// What forgetting one document may write at most: rows with their attempts.
const REDACTED_BYTES: usize = 16 * 1024;
/// What the identity of a receipt is called.
const RECEIPT: &str = "receipt";

/// A document that ended, whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub id: ImportId,
    /// Identities of receipts that it was entered under, or was to be.
    pub receipts: Vec<String>,
}

impl Journal {
    /// Documents of the company that were written, refused or discarded before this instant,
    /// as the hub knows, and still have their bodies; oldest first. Those that wait for a
    /// person are kept whole.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn ended_before(
        &self,
        company: &CompanyId,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Ended>, JournalError> {
        let ids: Vec<String> = self
            .db
            .prepare_cached(
                "SELECT d.import_id FROM document d JOIN outcome o ON o.import_id = d.import_id
                 WHERE d.ended_at IS NOT NULL AND d.redacted_at IS NULL AND d.reported = 1
                   AND julianday(d.ended_at) < julianday(?2) AND d.company = ?1
                   AND CASE WHEN json_valid(o.content)
                       THEN json_extract(o.content, '$.state') IN ('written', 'refused', 'discarded')
                       ELSE 0 END
                 ORDER BY d.ended_at LIMIT ?3",
            )?
            .query_map(params![company.as_str(), before.to_string(), limit], |row| {
                row.get(0)
            })?
            .collect::<Result<_, _>>()?;
        ids.into_iter()
            .map(|id| {
                let id = ImportId::new(id);
                let reservations = reservations_of(&self.db, &id)?;
                let receipts = reservations.into_iter().filter(|r| r.name == RECEIPT);
                Ok(Ended {
                    receipts: receipts.map(|r| r.identity).collect(),
                    id,
                })
            })
            .collect()
    }

    /// Forgets bodies, plans, words and attempts of documents that have ended.
    ///
    /// # Errors
    /// See [`JournalError`]; nothing is forgotten then.
    pub fn redact(&mut self, ids: &[ImportId], now: Timestamp) -> Result<(), JournalError> {
        self.commit(ids.len() * REDACTED_BYTES, |db| {
            ids.iter().try_for_each(|id| redact(db, id, now))
        })
    }

    /// When the document's body was forgotten, if it was.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn redacted_at(&self, id: &ImportId) -> Result<Option<String>, JournalError> {
        let found = self
            .db
            .prepare_cached("SELECT redacted_at FROM document WHERE import_id = ?1")?
            .query_row([id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }
}

fn redact(db: &Connection, id: &ImportId, now: Timestamp) -> Result<(), JournalError> {
    let Some((outcome, written)) = outcome_of(db, id.as_str())? else {
        return Ok(());
    };
    match outcome.state {
        ImportState::Written | ImportState::Refused | ImportState::Discarded => {}
        ImportState::Received
        | ImportState::Validated
        | ImportState::Waiting
        | ImportState::Writing
        | ImportState::Held
        | ImportState::InDoubt => return Ok(()),
    }
    // A journal of before has no hash yet.
    let (body, hash): (String, String) = db
        .prepare_cached("SELECT body, body_hash FROM document WHERE import_id = ?1")?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let hash = if hash.is_empty() { hash_of(&body) } else { hash };
    db.prepare_cached(
        "UPDATE document SET body = ?2, body_hash = ?3, plan = NULL, redacted_at = ?4,
                decision = json_remove(decision, '$.why') WHERE import_id = ?1",
    )?
    .execute(params![id.as_str(), NOTHING, hash, now.to_string()])?;
    let left = Outcome {
        warnings: Vec::new(),
        problems: Vec::new(),
        ..outcome
    };
    let content = serde_json::to_string(&left).map_err(JournalError::Content)?;
    db.prepare_cached("UPDATE outcome SET content = ?2, written = ?3 WHERE import_id = ?1")?
        .execute(params![id.as_str(), content, written])?;
    db.prepare_cached("DELETE FROM attempt WHERE import_id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}
