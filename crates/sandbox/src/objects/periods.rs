//! Periods: the one whose end is being processed, and the one that is closed.

use rusqlite::Connection;
use values::Date;

use super::record::StoreError;
use super::settings;

/// Why work in `module` must wait: its period end runs (setting `period_end`).
pub(crate) fn end_in_process(db: &Connection, module: &str) -> Result<Option<String>, StoreError> {
    let is_running = settings::is(db, "period_end", module)?;
    Ok(is_running.then(|| format!("Period end processing is in process for {module}.")))
}

/// Why a date is not taken: its month is closed (setting `closed_period` = `YYYY-MM`).
pub(crate) fn refusal_of(db: &Connection, what: &str, date: Date) -> Result<Option<String>, StoreError> {
    let month = format!("{:04}-{:02}", date.year(), date.month());
    let is_closed = settings::is(db, "closed_period", &month)?;
    Ok(is_closed.then(|| format!("The {what} {date} is in the period {month}, which is closed.")))
}
