//! Single documents by key, and what became of those that were not seen.

use std::collections::HashMap;
use std::time::Duration;

use catalog::{RemovalReason, Temperament};
use sage::{Column, Comparison, ReadError, Reader, Select, Where};
use values::{Key, Kind};

use super::columns::value_at;
use super::parents::literal;
use super::{DocumentPage, JoinCache, Parents, Source};
use crate::Shape;
use crate::ladder::Rung;

/// Rows of a successor that are looked at: an order has one, an invoice may have several.
const SUCCESSOR_ROWS: usize = 50;

/// A document that the index knows and that a whole pass did not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Which.
    pub key: Key,
    /// It was last read in a state in which it may leave.
    pub may_leave: bool,
}

/// Reads these documents, each by its key; those that are not there are left out.
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
    let rows = source.headers_of(keys)?;
    let parents = Parents {
        rows,
        last: None,
        end: true,
        findings: Vec::new(),
    };
    source.documents(parents, true)
}

/// What became of documents that a whole pass did not see: for each, why it leaves, or
/// `None` when it is still there.
///
/// # Errors
/// As the reader; then nothing may be concluded about any of them.
pub fn confirm(
    reader: &mut dyn Reader,
    shape: &Shape,
    suspects: &[Suspect],
    joins: &mut JoinCache,
    time_limit: Duration,
) -> Result<Vec<Option<RemovalReason>>, ReadError> {
    let mut source = Source {
        reader,
        shape,
        joins,
        time_limit,
    };
    let keys: Vec<Key> = suspects.iter().map(|s| s.key.clone()).collect();
    let headers = source.headers_of(&keys)?;
    let joined = source.joined(&headers)?;
    let found = source.keys(&headers);
    let kept = source.kept(&headers, &joined, &found, &mut Vec::new());
    let there: HashMap<&Key, bool> = found.iter().zip(kept).collect();
    let history = match shape.dataset.temperament {
        Temperament::History => true,
        Temperament::Hot | Temperament::Master => false,
    };
    suspects
        .iter()
        .map(|suspect| {
            Ok(match there.get(&suspect.key) {
                Some(true) => None,
                Some(false) if history => None,
                Some(false) => Some(RemovalReason::Filtered),
                None if history => Some(RemovalReason::Purged),
                None if suspect.may_leave => Some(RemovalReason::Settled),
                None => Some(
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
            conditions.push(Where {
                column: on.theirs.clone(),
                comparison: Comparison::Equal,
                literal: literal(part, column.kind, &successor.table)?,
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
    fn headers_of(&mut self, keys: &[Key]) -> Result<arrow_array::RecordBatch, ReadError> {
        let mut conditions = Vec::new();
        for key in keys {
            let literals = self.key_literals(&key.parts().unwrap_or_default())?;
            let pairs = self.shape.key.iter().zip(literals);
            let rung: Rung = pairs
                .map(|(column, literal)| Where {
                    column: column.name.clone(),
                    comparison: Comparison::Equal,
                    literal,
                })
                .collect();
            if rung.len() == self.shape.key.len() {
                conditions.push(rung);
            }
        }
        self.read_headers(conditions)
    }
}
