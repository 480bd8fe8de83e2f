//! Numbers that the ERP gives out, against those that are known here.

use rusqlite::params;
use values::CompanyId;

use super::rows::is_higher;
use super::writes::ORDER_NUMBER;
use super::{Journal, JournalError};

/// Reserved for an order, and nothing may have been written under it.
const IS_UNUSED: &str = "
    WITH ending AS (SELECT import_id, company, number, written,
                           CASE WHEN json_valid(content) THEN json_extract(content, '$.state') END AS state
                    FROM outcome)
    SELECT EXISTS (SELECT 1 FROM reservation JOIN document USING (import_id)
                   WHERE company = ?1 AND reservation.name = ?2 AND identity = ?3)
       AND NOT EXISTS (SELECT 1 FROM write_start JOIN document USING (import_id) LEFT JOIN ending USING (import_id)
                       WHERE document.company = ?1 AND write_start.name = ?2 AND identity = ?3
                         AND coalesce(ending.state, '') NOT IN ('held', 'refused', 'discarded'))
       AND NOT EXISTS (SELECT 1 FROM done JOIN document USING (import_id)
                       WHERE company = ?1 AND json_extract(done.content, '$.name') = ?2
                         AND json_extract(done.content, '$.identity') = ?3)
       AND NOT EXISTS (SELECT 1 FROM ending WHERE company = ?1 AND number = ?3
                       AND (written = 1 OR coalesce(state, 'in_doubt') = 'in_doubt'))";

impl Journal {
    /// The highest number that an order of ours was written under, where `given` as the next
    /// one has to be beyond it. A number that was reserved for an order and not used may come
    /// again: some releases of Sage give out anew what was dropped.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn highest_before(
        &mut self,
        company: &CompanyId,
        given: &str,
    ) -> Result<Option<String>, JournalError> {
        let Some(highest) = self.highest_written(company)? else {
            return Ok(None);
        };
        if !is_higher(given, &highest) && self.is_unused(company, given)? {
            return Ok(None);
        }
        Ok(Some(highest))
    }

    fn is_unused(&self, company: &CompanyId, number: &str) -> Result<bool, JournalError> {
        Ok(self
            .db
            .prepare_cached(IS_UNUSED)?
            .query_row(params![company.as_str(), ORDER_NUMBER, number], |row| row.get(0))?)
    }
}
