//! How full one column is, over the whole table, or how many documents have nested rows.

use std::time::Duration;

use arrow_array::{Array, ArrayRef};
use sage::{Column, Comparison, Literal, ReadError, ReadErrorCode, Reader, Select, Where};
use values::Kind;

use super::children::MAX_CHILD_ROWS;
use super::columns::value_at;
use super::written::{cut, literals};
use super::{JoinCache, PageRequest, read_documents, wrong_types};
use crate::ladder::rungs;
use crate::shape::Watched;
use crate::{ColumnFill, Fill, Shape};

/// Rows of a page: two or three narrow columns.
const PAGE_ROWS: usize = 10_000;
/// Headers of a page: all their columns.
const PAGE_HEADERS: usize = 1_000;

/// Counts over the whole table what is watched under this name (see [`Fill`]). Of an own
/// column nothing but the key and it is read, of nested rows the keys alone; for a joined
/// column the headers are read.
///
/// # Errors
/// As the reader; also when the column is not read for this dataset, or the pages do not
/// move on.
pub fn read_column_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    name: &str,
    time_limit: Duration,
) -> Result<ColumnFill, ReadError> {
    let Some((_, watched)) = shape.watched().find(|(n, _)| n == name) else {
        let message = format!("{name} of {} is not read", shape.own.table);
        return Err(ReadError::new(ReadErrorCode::ColumnMissing, message));
    };
    let company = shape
        .dataset
        .own_company
        .as_ref()
        .zip(shape.company_code.as_ref());
    let mut own = KeyScan {
        table: &shape.own.table,
        key: shape.key.iter().map(|k| (k.name.as_str(), k.kind)).collect(),
        extra: None,
        company: company.map(|(column, code)| Where {
            column: column.clone(),
            comparison: Comparison::Equal,
            literal: Literal::Text(code.clone()),
        }),
        time_limit,
    };
    let mut fill = ColumnFill::default();
    match watched {
        Watched::Own(_) => {
            let place = own.key.iter().position(|(column, _)| *column == name);
            if place.is_none() {
                own.extra = shape.own.select.iter().find(|c| c.name == name);
            }
            let place = place.unwrap_or(own.key.len());
            own.run(reader, |columns| {
                let counted = columns.get(place).map(ColumnFill::of).unwrap_or_default();
                fill.rows += counted.rows;
                fill.filled += counted.filled;
            })?;
        }
        Watched::Child(child) => {
            own.run(reader, |columns| fill.rows += rows(columns) as u64)?;
            let Some(of) = shape.dataset.children.get(child) else {
                return Ok(fill);
            };
            // Behind a parent's key come the next parent's rows: what a page left out of a
            // parent's rows is passed over.
            let kinds = shape.key.iter().map(|k| k.kind);
            let nested = KeyScan {
                table: &of.table,
                key: of.parent_key.iter().map(String::as_str).zip(kinds).collect(),
                extra: None,
                company: None,
                time_limit,
            };
            let mut last = None;
            nested.run(reader, |columns| {
                for row in 0..rows(columns) {
                    let parent = Some(parts(columns, row));
                    if parent != last {
                        fill.filled += 1;
                        last = parent;
                    }
                }
            })?;
            // Rows without a parent are no document's.
            fill.filled = fill.filled.min(fill.rows);
        }
        Watched::Joined(_) => fill = read_headers_fill(reader, shape, name, time_limit)?,
    }
    Ok(fill)
}

fn read_headers_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    name: &str,
    time_limit: Duration,
) -> Result<ColumnFill, ReadError> {
    let shape = shape.headers_alone();
    let mut joins = JoinCache::default();
    let mut all = Fill::default();
    let mut request = PageRequest {
        limit: PAGE_HEADERS,
        ..PageRequest::default()
    };
    loop {
        let page = read_documents(reader, &shape, &request, &mut joins, time_limit)?;
        all.add(&Fill::of(&shape, &page));
        if page.end || page.last.is_none() {
            return Ok(all.column(name).unwrap_or_default());
        }
        request.after = page.last;
    }
}

/// A whole table, of which a key and at most one more column are read.
struct KeyScan<'a> {
    table: &'a str,
    key: Vec<(&'a str, Kind)>,
    extra: Option<&'a Column>,
    company: Option<Where>,
    time_limit: Duration,
}

impl KeyScan<'_> {
    /// Hands on the columns of each page: those of the key, then the other one.
    fn run(&self, reader: &mut dyn Reader, mut page_of: impl FnMut(&[ArrayRef])) -> Result<(), ReadError> {
        let names: Vec<String> = self.key.iter().map(|(name, _)| (*name).to_owned()).collect();
        let kinds: Vec<Kind> = self.key.iter().map(|(_, kind)| *kind).collect();
        let key = self.key.iter().map(|(name, kind)| Column::new(*name, *kind));
        let columns: Vec<Column> = key.chain(self.extra.cloned()).collect();
        let fail = |e| wrong_types(self.table, &e);
        let mut after: Option<Vec<Literal>> = None;
        let mut limit = PAGE_ROWS;
        loop {
            let behind = names.get(..after.as_ref().map_or(names.len(), Vec::len));
            let mut pages = Vec::new();
            let mut end = true;
            let mut room = limit;
            for rung in rungs(behind.unwrap_or(&names), after.as_deref()) {
                if room == 0 {
                    end = false;
                    break;
                }
                let select = Select {
                    table: self.table.to_owned(),
                    columns: columns.clone(),
                    conditions: rung.into_iter().chain(self.company.clone()).collect(),
                    order_by: names.clone(),
                };
                let page = reader.read(&select, room, self.time_limit)?;
                room = room.saturating_sub(page.rows.num_rows());
                end = page.end;
                pages.push(page.rows);
            }
            let Some(first) = pages.first() else {
                return Ok(());
            };
            let page = arrow_select::concat::concat_batches(&first.schema(), &pages).map_err(fail)?;
            let key_of = |row: usize| parts(page.columns().get(..kinds.len()).unwrap_or_default(), row);
            let cut = cut(page.num_rows(), &kinds, key_of).filter(|_| !end);
            let taken = cut.as_ref().map_or(page.num_rows(), |cut| cut.rows);
            let last = cut.map(|cut| literals(&cut.last, &kinds));
            if end || last.is_some() {
                page_of(page.slice(0, taken).columns());
            }
            if end {
                return Ok(());
            }
            if last.is_none() && page.num_rows() == limit && limit < MAX_CHILD_ROWS {
                // No key among them can be written.
                limit = limit.saturating_mul(2).min(MAX_CHILD_ROWS);
                continue;
            }
            if last.is_none() || last == after {
                let message = format!("reading {} did not move on", self.table);
                return Err(ReadError::new(ReadErrorCode::DriverError, message));
            }
            after = last;
            limit = PAGE_ROWS;
        }
    }
}

fn rows(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, |column| column.len())
}

fn parts(columns: &[ArrayRef], row: usize) -> Vec<String> {
    columns.iter().map(|c| value_at(c, row).to_string()).collect()
}
