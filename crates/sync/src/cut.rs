//! Cutting a page down to what has to travel.

use catalog::{Dataset, DocumentBatch, STAMP_DATE, STAMP_TIME, Value};
use jiff::{SignedDuration, civil::DateTime};
use sage::FindingCode;
use values::{Hash, Key, Stamp};

use crate::{DEFAULT_OVERLAP_S, RowCode, RowFinding};

/// Rows stamped at `since` or later. A row whose stamp cannot be read stays in: it is never
/// lost for an odd time.
#[must_use]
pub fn rows_since(dataset: &Dataset, batch: &DocumentBatch, since: Option<Stamp>) -> Vec<u32> {
    let rows = 0..u32::try_from(batch.parents.num_rows()).unwrap_or(u32::MAX);
    let places = dataset
        .field_of_column(STAMP_DATE)
        .zip(dataset.field_of_column(STAMP_TIME));
    let (Some(since), Some(((date, _), (time, _)))) = (since, places) else {
        return rows.collect();
    };
    rows.filter(|&row| {
        let row = row as usize;
        match (batch.parent_value(date, row), batch.parent_value(time, row)) {
            (Value::Date(Some(date)), Value::Text(time)) => match Stamp::parse(date, time) {
                Ok(stamp) => stamp >= since,
                Err(_) => date >= since.date(),
            },
            (Value::Date(_) | Value::Text(_) | Value::Decimal(_), _) => true,
        }
    })
    .collect()
}

/// Stamps that are no time, or that lie further ahead of the driver's clock (in the site's
/// zone) than workstations may be.
#[must_use]
pub fn stamp_findings(dataset: &Dataset, batch: &DocumentBatch, now: DateTime) -> Vec<RowFinding> {
    let places = dataset
        .field_of_column(STAMP_DATE)
        .zip(dataset.field_of_column(STAMP_TIME));
    let Some(((date, _), (time, _))) = places.filter(|_| dataset.stamped) else {
        return Vec::new();
    };
    let allowed = SignedDuration::from_secs(i64::from(DEFAULT_OVERLAP_S));
    let latest = Stamp::of(now.checked_add(allowed).unwrap_or(now));
    let odd: Vec<(u32, FindingCode)> = (0_u32..)
        .zip(0..batch.parents.num_rows())
        .filter_map(|(row, place)| {
            let (Value::Date(Some(date)), Value::Text(time)) =
                (batch.parent_value(date, place), batch.parent_value(time, place))
            else {
                return None;
            };
            match Stamp::parse(date, time) {
                Ok(stamp) if stamp > latest => Some((row, FindingCode::FutureStamp)),
                Ok(_) => None,
                Err(_) => Some((row, FindingCode::BadTime)),
            }
        })
        .collect();
    let rows: Vec<u32> = odd.iter().map(|(row, _)| *row).collect();
    let keys = dataset.take(batch, &rows).map(|taken| dataset.keys(&taken));
    let pairs = keys.unwrap_or_default().into_iter().zip(odd);
    pairs
        .map(|(key, (_, code))| RowFinding {
            key,
            column: match code {
                FindingCode::FutureStamp => STAMP_DATE,
                FindingCode::BadTime
                | FindingCode::BadDate
                | FindingCode::BadNumber
                | FindingCode::Rounded
                | FindingCode::NumberTooLarge
                | FindingCode::BeyondMask
                | FindingCode::LongerThanDeclared
                | FindingCode::CodePage => STAMP_TIME,
            }
            .to_owned(),
            code: RowCode::Value(code),
        })
        .collect()
}

/// Of these rows, those whose hash the index does not have. `known` has the index's answer
/// for each row of the batch.
#[must_use]
pub fn changed_rows(rows: &[u32], keys: &[Key], hashes: &[Hash], known: &[Option<Hash>]) -> Vec<u32> {
    debug_assert!(keys.len() == hashes.len() && hashes.len() == known.len());
    rows.iter()
        .copied()
        .filter(|&row| {
            let row = row as usize;
            known.get(row).copied().flatten() != hashes.get(row).copied()
        })
        .collect()
}

/// Of these rows, those that the site's filter lets through.
#[must_use]
pub fn kept_rows(rows: &[u32], kept: &[bool]) -> Vec<u32> {
    let is_kept = |row: &u32| kept.get(*row as usize).copied().unwrap_or(false);
    rows.iter().copied().filter(is_kept).collect()
}

/// Rows that the index knows and that the site's filter no longer lets through.
#[must_use]
pub fn filtered_rows(kept: &[bool], known: &[Option<Hash>]) -> Vec<u32> {
    let pairs = (0_u32..).zip(kept.iter().zip(known));
    pairs
        .filter(|(_, (kept, known))| !**kept && known.is_some())
        .map(|(row, _)| row)
        .collect()
}
