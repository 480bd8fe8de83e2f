//! What was tried for an import: for people, nothing hangs on it.

use model::Attempt;
use rusqlite::{Connection, params};
use values::ImportId;

use super::cut::cut;
use super::rows::begin;
use super::{Journal, JournalError};

/// Attempts kept of one import: the last ones tell the story.
pub(super) const MAX_ATTEMPTS: i64 = 200;
/// Bytes kept of an attempt's detail, as JSON; what was cut ends in `…`.
pub(super) const MAX_DETAIL_BYTES: usize = 500;

impl Journal {
    /// Appends to what was tried. The last 200 attempts of an import are kept, and 500
    /// bytes of an attempt's detail.
    ///
    /// It reaches the file with the next thing that has to (a reservation, the start of a
    /// write, …) or by [`Journal::keep_notes`]: a commit of its own for each step would cost
    /// more than the steps. What a crash takes away is the last steps before it.
    pub fn note(&mut self, id: &ImportId, attempt: &Attempt) {
        self.notes.push((id.clone(), attempt.clone()));
    }

    /// Brings everything that was noted to the file.
    ///
    /// # Errors
    /// See [`JournalError`]; what was noted stays in memory then.
    pub fn keep_notes(&mut self) -> Result<(), JournalError> {
        if self.notes.is_empty() {
            return Ok(());
        }
        let transaction = begin(&mut self.db)?;
        append_all(&transaction, &self.notes)?;
        transaction.commit()?;
        self.notes.clear();
        Ok(())
    }

    /// The last things that were tried, oldest first.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn attempts(&self, id: &ImportId) -> Result<Vec<Attempt>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT at, step, detail FROM attempt WHERE import_id = ?1 ORDER BY place DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![id.as_str(), MAX_ATTEMPTS], |row| {
            Ok(Attempt {
                at: row.get(0)?,
                step: row.get(1)?,
                detail: row.get(2)?,
            })
        })?;
        let mut attempts = rows.collect::<Result<Vec<_>, _>>()?;
        attempts.reverse();
        let noted = self.notes.iter().filter(|(noted, _)| noted == id);
        attempts.extend(noted.map(|(_, attempt)| shortened(attempt)));
        let most = usize::try_from(MAX_ATTEMPTS).unwrap_or(usize::MAX);
        let surplus = attempts.len().saturating_sub(most);
        attempts.drain(..surplus);
        Ok(attempts)
    }
}

fn shortened(attempt: &Attempt) -> Attempt {
    let mut attempt = attempt.clone();
    cut(&mut attempt.detail, MAX_DETAIL_BYTES);
    attempt
}

/// In the transaction of something that has to reach the file now.
pub(super) fn append_all(db: &Connection, notes: &[(ImportId, Attempt)]) -> Result<(), JournalError> {
    for (id, attempt) in notes {
        let attempt = shortened(attempt);
        db.prepare_cached("INSERT INTO attempt (import_id, at, step, detail) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id.as_str(), attempt.at, attempt.step, attempt.detail])?;
        db.prepare_cached(
            "DELETE FROM attempt WHERE import_id = ?1 AND place <=
             (SELECT place FROM attempt WHERE import_id = ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![id.as_str(), MAX_ATTEMPTS])?;
    }
    Ok(())
}
