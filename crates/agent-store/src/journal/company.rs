//! What the journal keeps of a company as a whole: whether its imports are frozen, and what
//! its receipts are allotted to.

use import::batches::Allotments;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use values::CompanyId;

use super::waiting::FEW_BYTES;
use super::{Journal, JournalError};

impl Journal {
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
        let was_frozen = self.commit(FEW_BYTES, |transaction| {
            let frozen = transaction.execute("DELETE FROM frozen WHERE company = ?1", [company.as_str()])?;
            if frozen > 0 {
                transaction.execute(
                    "UPDATE outcome SET written = 0 WHERE company = ?1",
                    [company.as_str()],
                )?;
            }
            Ok(frozen > 0)
        })?;
        if was_frozen {
            self.highest.remove(company);
            self.before_thaw.remove(company);
        }
        Ok(was_frozen)
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
        self.commit(content.len(), |transaction| {
            transaction.execute("DELETE FROM allotment WHERE company = ?1", [company.as_str()])?;
            transaction.execute(
                "INSERT INTO allotment (company, content) VALUES (?1, ?2)",
                [company.as_str(), &content],
            )?;
            Ok(())
        })
    }
}
