//! What was tried for an import: for people, nothing hangs on it.

use model::Attempt;
use rusqlite::{Connection, params};
use values::ImportId;

use super::cut::cut;
use super::waiting::Waiting;
use super::{Journal, JournalError};

/// Attempts kept of one import: the last ones tell the story.
pub(super) const MAX_ATTEMPTS: i64 = 200;
/// Bytes kept of an attempt's detail, as JSON; what was cut ends in `…`.
pub(super) const MAX_DETAIL_BYTES: usize = 500;

impl Journal {
    /// Appends to what was tried. The last 200 attempts of an import are kept, and 500
    /// bytes of an attempt's detail.
    ///
    /// It reaches the file with the next thing that has to (a reservation, an outcome, …) or by
    /// [`Journal::flush`]. What a crash takes away is the last steps before it.
    pub fn note(&mut self, id: &ImportId, attempt: &Attempt) {
        self.waiting.push(Waiting::Attempt(id.clone(), attempt.clone()));
    }

    /// The last things that were tried, oldest first, as far as they are in the file: what is
    /// told of it elsewhere must be there after a crash, too.
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
        Ok(attempts)
    }
}

/// In the transaction of something that has to reach the file now.
pub(super) fn append(db: &Connection, id: &ImportId, attempt: &Attempt) -> Result<(), JournalError> {
    let mut detail = attempt.detail.clone();
    cut(&mut detail, MAX_DETAIL_BYTES);
    db.prepare_cached("INSERT INTO attempt (import_id, at, step, detail) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.as_str(), attempt.at, attempt.step, detail])?;
    db.prepare_cached(
        "DELETE FROM attempt WHERE import_id = ?1 AND place <=
         (SELECT place FROM attempt WHERE import_id = ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![id.as_str(), MAX_ATTEMPTS])?;
    Ok(())
}
