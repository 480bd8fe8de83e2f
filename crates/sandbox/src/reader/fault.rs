//! Reads that lie, stall or fail, set from outside: `reader.TABLE.fault`.

use std::time::Duration;

use rusqlite::Connection;
use sage::{Comparison, Page, ReadError, ReadErrorCode, Select};

use crate::settings::Settings;

/// A stalled driver does not come back by itself.
const STALL_S: u64 = 3600;

/// What is wrong with the reads of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No row comes, and the end is claimed.
    Empty,
    /// Half of the rows come, and the end is claimed.
    EndsEarly,
    /// The read takes so long.
    Stalls(Duration),
    /// The driver reports an error.
    Fails,
    /// The user may not see the table.
    Denied,
}

/// The fault set for a table. `:scan` behind it spares reads by key, so that a scan lies
/// where a second look would not.
pub(super) fn of(connection: &Connection, table: &str, select: Option<&Select>) -> Option<Fault> {
    let settings = Settings::new(connection);
    // A file that a test made by hand has no settings, and no faults.
    let value = settings.get(&format!("reader.{table}.fault")).ok().flatten()?;
    let (name, scans_only) = match value.split_once(':') {
        Some((name, "scan")) => (name, true),
        Some(_) | None => (value.as_str(), false),
    };
    let is_keyed = select.is_some_and(|s| {
        s.conditions
            .first()
            .is_some_and(|c| c.comparison == Comparison::Equal)
            && s.conditions.iter().all(|c| c.comparison == Comparison::Equal)
    });
    if scans_only && is_keyed {
        return None;
    }
    match name {
        "empty" => Some(Fault::Empty),
        "ends-early" => Some(Fault::EndsEarly),
        "stalls" => {
            let seconds = settings.get_number(&format!("reader.{table}.stall_s"));
            Some(Fault::Stalls(Duration::from_secs(
                seconds.ok().flatten().unwrap_or(STALL_S),
            )))
        }
        "fails" => Some(Fault::Fails),
        "denied" => Some(Fault::Denied),
        _ => None,
    }
}

impl Fault {
    /// What the read answers instead of the page that it found.
    pub(super) fn apply(self, page: Page, table: &str, time_limit: Duration) -> Result<Page, ReadError> {
        match self {
            Self::Empty => Ok(cut(page, 0)),
            Self::EndsEarly => {
                let half = page.rows.num_rows() / 2;
                Ok(cut(page, half))
            }
            Self::Stalls(time) => {
                std::thread::sleep(time.min(time_limit));
                if time < time_limit {
                    return Ok(page);
                }
                Err(ReadError::new(
                    ReadErrorCode::TimedOut,
                    format!("{table}: the driver stalls, as it was told to"),
                ))
            }
            Self::Fails => Err(ReadError::new(
                ReadErrorCode::DriverError,
                format!("{table}: the driver fails, as it was told to"),
            )),
            Self::Denied => Err(ReadError::new(
                ReadErrorCode::TableMissing,
                format!("no such table: {table}"),
            )),
        }
    }
}

fn cut(page: Page, rows: usize) -> Page {
    Page {
        rows: page.rows.slice(0, rows),
        end: true,
        findings: page.findings.into_iter().filter(|f| f.row < rows).collect(),
    }
}
