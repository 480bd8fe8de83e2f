//! Single documents by key, and what became of those that were not seen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use arrow_array::{RecordBatch, UInt32Array};
use catalog::{RemovalReason, Temperament};
use expression::Value;
use sage::{Column, Comparison, ReadError, ReadErrorCode, Reader, Select, Where};
use values::{Key, Kind};

use super::columns::value_at;
use super::parents::equal;
use super::written::{literal, literals};
use super::{DocumentPage, JoinCache, Parents, Source, wrong_types};
use crate::Shape;

/// Rows of a successor that are looked at: an order has one, an invoice may have several.
const SUCCESSOR_ROWS: usize = 50;
/// Rows that are read to find a key of which only the first parts can be written.
const ROWS_ALIKE: usize = 5_000;

/// A document that the index knows and that a whole pass did not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Which.
    pub key: Key,
    /// It was last read in a state in which it may leave.
    pub may_leave: bool,
}

/// Reads these documents, each by its key; those that are not there are left out, and those
/// whose key cannot be written.
///
/// # Errors
/// As the reader.
pub fn read_keys(
    reader: &mut dyn Reader,
    shape: &Shape,
    keys: &[Key],
    joins: &mut JoinCache,
    time_limit: Duration,
) -> Result<DocumentPage, ReadError> {
    let mut source = Source {
        reader,
        shape,
        joins,
        time_limit,
    };
    let (rows, _) = source.headers_of(keys)?;
    let parents = Parents {
        rows,
        last: None,
        end: true,
        findings: Vec::new(),
    };
    source.documents(parents, true)
}

/// What became of a document that a whole pass did not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, and the pass should have seen it. Nothing of it was read here but the
    /// header: the next whole pass compares it.
    There,
    /// It is there, and the site's filter or its window keeps it from being read. What the
    /// hub has of it stays.
    Hidden,
    /// Its key cannot be written into a statement ([`RowCode::KeyUnwritable`]), and too many
    /// rows share what of it can: it counts as there.
    ///
    /// [`RowCode::KeyUnwritable`]: crate::RowCode::KeyUnwritable
    Unwritable,
    /// It leaves.
    Gone(RemovalReason),
}

/// What became of documents that a whole pass did not see.
///
/// # Errors
/// As the reader; then nothing may be concluded about any of them.
pub fn confirm(
    reader: &mut dyn Reader,
    shape: &Shape,
    suspects: &[Suspect],
    joins: &mut JoinCache,
    time_limit: Duration,
) -> Result<Vec<Verdict>, ReadError> {
    let mut source = Source {
        reader,
        shape,
        joins,
        time_limit,
    };
    let keys: Vec<Key> = suspects.iter().map(|s| s.key.clone()).collect();
    let (headers, out_of_reach) = source.headers_of(&keys)?;
    let joined = source.joined(&headers)?;
    let found = source.keys(&headers);
    let kept = source.kept(&headers, &joined, &found, &mut Vec::new());
    let inside = source.inside_window(&headers);
    let there: HashMap<&Key, (bool, bool)> = found.iter().zip(kept.into_iter().zip(inside)).collect();
    let history = match shape.dataset.temperament {
        Temperament::History => true,
        Temperament::Hot | Temperament::Master => false,
    };
    suspects
        .iter()
        .map(|suspect| {
            Ok(match there.get(&suspect.key) {
                Some((true, true)) => Verdict::There,
                Some((true, false)) => Verdict::Hidden,
                Some((false, _)) if history => Verdict::Hidden,
                Some((false, _)) => Verdict::Gone(RemovalReason::Filtered),
                None if out_of_reach.contains(&suspect.key) => Verdict::Unwritable,
                None if history => Verdict::Gone(RemovalReason::Purged),
                None if suspect.may_leave => Verdict::Gone(RemovalReason::Settled),
                None => Verdict::Gone(
                    explain(source.reader, shape, &suspect.key, time_limit)?
                        .unwrap_or(RemovalReason::Deleted),
                ),
            })
        })
        .collect()
}

/// Where a document that left is found now. The first successor with a row decides.
///
/// # Errors
/// As the reader.
pub fn explain(
    reader: &mut dyn Reader,
    shape: &Shape,
    key: &Key,
    time_limit: Duration,
) -> Result<Option<RemovalReason>, ReadError> {
    let parts = key.parts().unwrap_or_default();
    let pairs = shape.dataset.successors.iter().zip(&shape.successors);
    for successor in pairs.filter(|(_, there)| **there).map(|(successor, _)| successor) {
        let mut conditions = Vec::new();
        for on in &successor.on {
            let place = shape.key.iter().position(|k| k.name == on.own);
            let Some((column, part)) = place.and_then(|p| shape.key.get(p).zip(parts.get(p))) else {
                continue;
            };
            let Some(literal) = literal(part, column.kind) else {
                continue;
            };
            conditions.push(Where {
                column: on.theirs.clone(),
                comparison: Comparison::Equal,
                literal,
            });
        }
        // With a part of its key alone, somebody else's document would explain it.
        let whole_key = conditions.len() == successor.on.len();
        let Some(first) = successor.on.first().filter(|_| whole_key) else {
            continue;
        };
        let column = successor.unless.as_ref().map_or(&first.theirs, |u| &u.column);
        let select = Select {
            table: successor.table.clone(),
            columns: vec![Column::new(column, Kind::Text)],
            conditions,
            order_by: Vec::new(),
        };
        let page = reader.read(&select, SUCCESSOR_ROWS, time_limit)?;
        if page.rows.num_rows() == 0 {
            continue;
        }
        let explains = successor.unless.as_ref().is_none_or(|unless| {
            let values = (0..page.rows.num_rows()).map(|row| value_at(page.rows.column(0), row).to_string());
            values
                .into_iter()
                .any(|value| !unless.values.iter().any(|v| v.trim() == value.trim()))
        });
        return Ok(explains.then_some(RemovalReason::Moved));
    }
    Ok(None)
}

impl Source<'_> {
    /// The headers of these keys, as far as they are there, and the keys that cannot be looked
    /// for. A key that cannot be written whole is looked for among those that begin like it.
    fn headers_of(&mut self, keys: &[Key]) -> Result<(RecordBatch, HashSet<Key>), ReadError> {
        let names = self.key_names();
        let kinds = self.key_kinds();
        let mut whole = Vec::new();
        let mut begun: BTreeMap<Vec<String>, HashSet<Key>> = BTreeMap::new();
        for key in keys {
            let mut parts = key.parts().unwrap_or_default();
            let written = literals(&parts, &kinds);
            if written.len() == names.len() {
                whole.push(equal(&names, &written));
            } else if written.len() < parts.len() {
                parts.truncate(written.len());
                begun.entry(parts).or_default().insert(key.clone());
            }
        }
        let mut out_of_reach = HashSet::new();
        let mut found = vec![self.read_headers(whole, ROWS_ALIKE)?.ok_or_else(|| {
            let message = format!(
                "more than {ROWS_ALIKE} rows of {} have one key",
                self.shape.own.table
            );
            ReadError::new(ReadErrorCode::DriverError, message)
        })?];
        for (start, wanted) in begun {
            let rung = equal(&names, &literals(&start, &kinds));
            match self.read_headers(vec![rung], ROWS_ALIKE)? {
                Some(rows) => {
                    let keys = self.keys(&rows);
                    let are_wanted = keys.iter().zip(0_u32..).filter(|(key, _)| wanted.contains(*key));
                    let places = UInt32Array::from_iter_values(are_wanted.map(|(_, row)| row));
                    let rows = arrow_select::take::take_record_batch(&rows, &places)
                        .map_err(|e| wrong_types(&self.shape.own.table, &e))?;
                    found.push(rows);
                }
                None => out_of_reach.extend(wanted),
            }
        }
        Ok((self.one_batch(&found)?, out_of_reach))
    }

    /// For each header: is it of the time that the site loads?
    fn inside_window(&self, headers: &RecordBatch) -> Vec<bool> {
        let Some((column, day)) = &self.shape.not_before else {
            return vec![true; headers.num_rows()];
        };
        let select = &self.shape.own.select;
        let place = select
            .iter()
            .position(|c| c.name == *column && c.kind == Kind::Date);
        let is_inside = |row: usize| match place.map(|place| value_at(headers.column(place), row)) {
            Some(Value::Date(Some(date))) => date >= *day,
            Some(Value::Date(None) | Value::Text(_) | Value::Decimal(_) | Value::Bool(_)) | None => false,
        };
        (0..headers.num_rows()).map(is_inside).collect()
    }
}
