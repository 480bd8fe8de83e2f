//! How full columns are, over the whole table, and how many documents have nested rows.

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

/// Rows of a page: a few narrow columns.
const PAGE_ROWS: usize = 10_000;
/// Beside the key; with more of them a page has as many rows as one of headers.
const FEW_COLUMNS: usize = 3;
/// Headers of a page: all their columns.
const PAGE_HEADERS: usize = 1_000;

/// Counts over the whole table what is watched under these names (see [`Fill`]). Of own
/// columns nothing but the key and them is read, of nested rows the keys alone; for joined
/// columns the headers are read. However many names there are, the own table is scanned
/// once, and once more for joined columns.
///
/// # Errors
/// As the reader; also when a column is not read for this dataset, or the pages do not
/// move on.
pub fn read_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    names: &[String],
    time_limit: Duration,
) -> Result<Fill, ReadError> {
    let (mut own, mut children, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        match shape.watched().find(|(n, _)| n == name) {
            Some((_, Watched::Own(_))) => own.push(name.as_str()),
            Some((_, Watched::Child(child))) => children.push((name.as_str(), child)),
            Some((_, Watched::Joined(_))) => joined.push(name.as_str()),
            None => {
                let message = format!("{name} of {} is not read", shape.own.table);
                return Err(ReadError::new(ReadErrorCode::ColumnMissing, message));
            }
        }
    }
    let mut fill = Fill::default();
    if !own.is_empty() || !children.is_empty() {
        let documents = read_own_fill(reader, shape, &own, &mut fill, time_limit)?;
        for (name, child) in children {
            // Rows without a parent are no document's.
            let parents = count_parents(reader, shape, child, time_limit)?.min(documents);
            let counted = ColumnFill {
                rows: documents,
                filled: parents,
            };
            fill.insert(name, counted);
        }
    }
    if !joined.is_empty() {
        let headers = read_headers_fill(reader, shape, time_limit)?;
        for name in joined {
            fill.insert(name, headers.column(name).unwrap_or_default());
        }
    }
    Ok(fill)
}

/// Counts own columns, and gives back how many documents there are.
fn read_own_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    names: &[&str],
    fill: &mut Fill,
    time_limit: Duration,
) -> Result<u64, ReadError> {
    let company = shape
        .dataset
        .own_company
        .as_ref()
        .zip(shape.company_code.as_ref());
    let is_key = |name: &str| shape.key.iter().any(|k| k.name == name);
    let scan = KeyScan {
        table: &shape.own.table,
        key: shape.key.iter().map(|k| (k.name.as_str(), k.kind)).collect(),
        extra: names
            .iter()
            .filter(|name| !is_key(name))
            .filter_map(|name| shape.own.select.iter().find(|c| c.name == **name))
            .cloned()
            .collect(),
        company: company.map(|(column, code)| Where {
            column: column.clone(),
            comparison: Comparison::Equal,
            literal: Literal::Text(code.clone()),
        }),
        time_limit,
    };
    let read: Vec<&str> = scan
        .key
        .iter()
        .map(|(name, _)| *name)
        .chain(scan.extra.iter().map(|column| column.name.as_str()))
        .collect();
    let mut counts = vec![ColumnFill::default(); read.len()];
    let mut documents = 0;
    scan.run(reader, |columns| {
        documents += rows(columns) as u64;
        for (count, column) in counts.iter_mut().zip(columns) {
            let counted = ColumnFill::of(column);
            count.rows += counted.rows;
            count.filled += counted.filled;
        }
    })?;
    for (name, count) in read.into_iter().zip(counts) {
        if names.contains(&name) {
            fill.insert(name, count);
        }
    }
    Ok(documents)
}

/// How many parents this kind of child has rows of, whether they are there or not.
fn count_parents(
    reader: &mut dyn Reader,
    shape: &Shape,
    child: usize,
    time_limit: Duration,
) -> Result<u64, ReadError> {
    let Some(of) = shape.dataset.children.get(child) else {
        return Ok(0);
    };
    // Behind a parent's key come the next parent's rows: what a page left out of a
    // parent's rows is passed over.
    let kinds = shape.key.iter().map(|k| k.kind);
    let nested = KeyScan {
        table: &of.table,
        key: of.parent_key.iter().map(String::as_str).zip(kinds).collect(),
        extra: Vec::new(),
        company: None,
        time_limit,
    };
    let (mut parents, mut last) = (0, None);
    nested.run(reader, |columns| {
        for row in 0..rows(columns) {
            let parent = Some(parts(columns, row));
            if parent != last {
                parents += 1;
                last = parent;
            }
        }
    })?;
    Ok(parents)
}

fn read_headers_fill(
    reader: &mut dyn Reader,
    shape: &Shape,
    time_limit: Duration,
) -> Result<Fill, ReadError> {
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
            return Ok(all);
        }
        request.after = page.last;
    }
}

/// A whole table, of which a key and some more columns are read.
struct KeyScan<'a> {
    table: &'a str,
    key: Vec<(&'a str, Kind)>,
    extra: Vec<Column>,
    company: Option<Where>,
    time_limit: Duration,
}

impl KeyScan<'_> {
    /// Hands on the columns of each page: those of the key, then the other one.
    fn run(&self, reader: &mut dyn Reader, mut page_of: impl FnMut(&[ArrayRef])) -> Result<(), ReadError> {
        let names: Vec<String> = self.key.iter().map(|(name, _)| (*name).to_owned()).collect();
        let kinds: Vec<Kind> = self.key.iter().map(|(_, kind)| *kind).collect();
        let key = self.key.iter().map(|(name, kind)| Column::new(*name, *kind));
        let columns: Vec<Column> = key.chain(self.extra.iter().cloned()).collect();
        let fail = |e| wrong_types(self.table, &e);
        let mut after: Option<Vec<Literal>> = None;
        let usual = if self.extra.len() > FEW_COLUMNS {
            PAGE_HEADERS
        } else {
            PAGE_ROWS
        };
        let mut limit = usual;
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
            limit = usual;
        }
    }
}

fn rows(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, |column| column.len())
}

fn parts(columns: &[ArrayRef], row: usize) -> Vec<String> {
    columns.iter().map(|c| value_at(c, row).to_string()).collect()
}
