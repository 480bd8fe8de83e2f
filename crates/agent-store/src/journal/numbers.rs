//! Numbers that the ERP gives out, against those that are known here.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use values::{CompanyId, ImportId};

use super::rows::is_higher;
use super::waiting::FEW_BYTES;
use super::writes::ORDER_NUMBER;
use super::{Journal, JournalError, Listed};

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

/// Written before the company was thawed: by then `written` is taken back.
const BEFORE_THAW: &str = "
    SELECT number FROM outcome WHERE company = ?1 AND written = 0 AND number <> ''
       AND CASE WHEN json_valid(content) THEN json_extract(content, '$.state') END = 'written'";

/// All that was written, before a thaw and after it.
const WRITTEN: &str = "
    SELECT import_id, number FROM outcome WHERE company = ?1 AND number <> ''
       AND CASE WHEN json_valid(content) THEN json_extract(content, '$.state') END = 'written'";

fn restored_name(company: &CompanyId) -> String {
    format!("restored_at {company}")
}

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
        if is_higher(given, &highest) {
            return Ok(Some(highest));
        }
        if self.is_unused(company, given)? {
            return Ok(None);
        }
        // Where the ERP stands now is asked for when the company is frozen and thawed again.
        self.keep_restored(company, given)?;
        Ok(Some(highest))
    }

    /// Was an order of ours written under this number before a person thawed the company? The
    /// ERP gives it out again, and it stays that order's.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn is_before_thaw(&mut self, company: &CompanyId, number: &str) -> Result<bool, JournalError> {
        if !self.before_thaw.contains_key(company) {
            let mut statement = self.db.prepare_cached(BEFORE_THAW)?;
            let numbers = statement
                .query_map([company.as_str()], |row| row.get::<_, String>(0))?
                .collect::<Result<BTreeSet<_>, _>>()?;
            self.before_thaw.insert(company.clone(), numbers);
        }
        let numbers = self.before_thaw.get(company);
        Ok(numbers.is_some_and(|numbers| numbers.contains(number)))
    }

    /// The number that the ERP gave out when it was last found restored; none when it never was.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn restored_at(&self, company: &CompanyId) -> Result<Option<String>, JournalError> {
        Ok(self
            .db
            .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
            .query_row([restored_name(company)], |row| row.get(0))
            .optional()?)
    }

    /// Orders journaled as written under this number or a higher one, by number.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn written_from(&self, company: &CompanyId, number: &str) -> Result<Vec<Listed>, JournalError> {
        let mut statement = self.db.prepare_cached(WRITTEN)?;
        let mut found = statement
            .query_map([company.as_str()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?
            .filter(|row| {
                row.as_ref()
                    .map_or(true, |(_, other)| other == number || is_higher(other, number))
            })
            .collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|(_, number)| (number.parse::<u64>().unwrap_or(u64::MAX), number.clone()));
        found
            .into_iter()
            .filter_map(|(id, _)| self.listed(&ImportId::new(id)).transpose())
            .collect()
    }

    /// The highest number that any order of ours was written under, before a thaw or after it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn highest_of_all(&self, company: &CompanyId) -> Result<Option<String>, JournalError> {
        let mut statement = self.db.prepare_cached(WRITTEN)?;
        let mut rows = statement.query([company.as_str()])?;
        let mut highest: Option<String> = None;
        while let Some(row) = rows.next()? {
            let number: String = row.get(1)?;
            if highest.as_ref().is_none_or(|highest| is_higher(&number, highest)) {
                highest = Some(number);
            }
        }
        Ok(highest)
    }

    fn keep_restored(&mut self, company: &CompanyId, given: &str) -> Result<(), JournalError> {
        self.commit(FEW_BYTES, |db| {
            db.execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
                [restored_name(company).as_str(), given],
            )?;
            Ok(())
        })
    }

    fn is_unused(&self, company: &CompanyId, number: &str) -> Result<bool, JournalError> {
        Ok(self
            .db
            .prepare_cached(IS_UNUSED)?
            .query_row(params![company.as_str(), ORDER_NUMBER, number], |row| row.get(0))?)
    }
}
