//! The journal's documents page by page, for people.

use values::ImportId;

use super::{Journal, JournalError, Listed};

impl Journal {
    /// The newest imports of all companies that came before this one, newest first.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn older(&self, than: Option<&ImportId>, limit: u32) -> Result<Vec<Listed>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT import_id FROM document WHERE ?1 IS NULL \
             OR place < (SELECT place FROM document WHERE import_id = ?1) ORDER BY place DESC LIMIT ?2",
        )?;
        let ids = statement
            .query_map((than.map(ImportId::as_str), limit), |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        ids.into_iter()
            .filter_map(|id| self.listed(&ImportId::new(id)).transpose())
            .collect()
    }
}
