//! Values from other tables, found by a key: joined fields and the look-ups of steps.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow_array::types::{Date32Type, Decimal64Type};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array, cast::AsArray};
use arrow_schema::ArrowError;
use sage::{Column, ReadError, Select};
use values::{Key, Kind};

use super::columns::value_at;
use super::parents::{equal, ranges};
use super::written::{Bound, literals};
use super::{Source, wrong_types};
use crate::shape::{LookUpRule, blank};

/// A table of up to so many rows is read whole, once per pass.
const WHOLE_TABLE_ROWS: usize = 5_000;

/// Rows of one key: a key that is none has more.
const ROWS_OF_A_KEY: usize = 2;

/// Fewer keys than this are read one by one.
const RANGE_KEYS: usize = 3;

/// A range is read while it holds at most so many rows for each key wanted.
const ROWS_IN_RANGE: usize = 4;

/// What was read of other tables during a pass. A new pass begins with a new one.
#[derive(Clone, Debug, Default)]
pub struct JoinCache {
    tables: HashMap<String, Cached>,
}

impl JoinCache {
    /// Forgets what was read, and keeps in mind which tables are too large to be read whole.
    pub fn forget_rows(&mut self) {
        self.tables.retain(|_, table| match table {
            Cached::Whole(_) => false,
            Cached::Large => true,
        });
    }
}

#[derive(Clone, Debug)]
enum Cached {
    Whole(Arc<TableRows>),
    /// Too large: the keys of each page are read, and no more.
    Large,
}

/// Rows of another table by their key.
#[derive(Clone, Debug)]
pub(super) struct TableRows {
    places: HashMap<Key, u32>,
    /// The wanted columns; behind the rows stands one without values.
    columns: Vec<ArrayRef>,
    blank: u32,
}

impl TableRows {
    fn new(rows: &RecordBatch, key: usize) -> Result<Self, ArrowError> {
        let mut places = HashMap::with_capacity(rows.num_rows());
        for (row, place) in (0..rows.num_rows()).zip(0_u32..) {
            places.entry(key_at(rows, key, row)).or_insert(place);
        }
        let columns = rows.columns().iter().skip(key).map(|column| {
            let kind = kind_of(column);
            let none = blank(kind, 1)?;
            arrow_select::concat::concat(&[column.as_ref(), none.as_ref()])
        });
        Ok(Self {
            places,
            columns: columns.collect::<Result<_, _>>()?,
            blank: u32::try_from(rows.num_rows()).unwrap_or(u32::MAX),
        })
    }

    /// For each key its row's columns, blank where there is none.
    fn columns_for(&self, keys: &[Key]) -> Result<Vec<ArrayRef>, ArrowError> {
        let rows = keys
            .iter()
            .map(|key| self.places.get(key).copied().unwrap_or(self.blank));
        let rows = UInt32Array::from_iter_values(rows);
        self.columns
            .iter()
            .map(|column| arrow_select::take::take(column.as_ref(), &rows, None))
            .collect()
    }

    /// The first wanted column's value for a key.
    pub(super) fn value(&self, key: &Key) -> Option<expression::Value> {
        let row = *self.places.get(key)?;
        self.columns.first().map(|column| value_at(column, row as usize))
    }
}

impl Source<'_> {
    /// For each join its columns for these rows; empty where the table is absent.
    pub(super) fn joined(&mut self, rows: &RecordBatch) -> Result<Vec<Vec<ArrayRef>>, ReadError> {
        let shape = self.shape;
        if !shape.has_joins() {
            return Ok(Vec::new());
        }
        let mut joined = Vec::new();
        for join in &shape.joins {
            let Some(join) = join.as_ref().filter(|join| !join.columns.is_empty()) else {
                joined.push(Vec::new());
                continue;
            };
            let keys: Vec<Key> = (0..rows.num_rows())
                .map(|row| {
                    let parts = join
                        .own
                        .iter()
                        .map(|place| value_at(rows.column(*place), row).to_string());
                    Key::from_parts(parts)
                })
                .collect();
            let found = self.rows_for(&join.table, &join.key, &join.columns, &keys)?;
            let columns = found.columns_for(&keys);
            joined.push(columns.map_err(|e| wrong_types(&join.table, &e))?);
        }
        Ok(joined)
    }

    /// What a look-up finds for these keys.
    pub(super) fn looked_up(&mut self, rule: &LookUpRule, keys: &[Key]) -> Result<Arc<TableRows>, ReadError> {
        let column = std::slice::from_ref(&rule.column);
        self.rows_for(&rule.table, &rule.key, column, keys)
    }

    fn rows_for(
        &mut self,
        table: &str,
        key: &[Column],
        columns: &[Column],
        wanted: &[Key],
    ) -> Result<Arc<TableRows>, ReadError> {
        let fail = |e: ArrowError| wrong_types(table, &e);
        let names = key.iter().chain(columns).map(|c| c.name.as_str());
        let name = format!("{table} {} {}", key.len(), names.collect::<Vec<_>>().join(" "));
        let select = Select {
            table: table.to_owned(),
            columns: key.iter().chain(columns).cloned().collect(),
            conditions: Vec::new(),
            order_by: key.iter().map(|c| c.name.clone()).collect(),
        };
        let asked: BTreeSet<Vec<String>> = wanted
            .iter()
            .filter_map(Key::parts)
            .filter(|parts| !parts.iter().all(String::is_empty))
            .collect();
        match self.joins.tables.get(&name) {
            Some(Cached::Whole(rows)) => return Ok(Arc::clone(rows)),
            Some(Cached::Large) | None if asked.is_empty() => {
                let none = super::children::empty(&select.columns).map_err(fail)?;
                return Ok(Arc::new(TableRows::new(&none, key.len()).map_err(fail)?));
            }
            Some(Cached::Large) => {}
            None => {
                let page = self.reader.read(&select, WHOLE_TABLE_ROWS, self.time_limit)?;
                if page.end {
                    let rows = Arc::new(TableRows::new(&page.rows, key.len()).map_err(fail)?);
                    self.joins.tables.insert(name, Cached::Whole(Arc::clone(&rows)));
                    return Ok(rows);
                }
                self.joins.tables.insert(name, Cached::Large);
            }
        }
        let rows = self.rows_of_keys(&select, key, &asked)?;
        Ok(Arc::new(TableRows::new(&rows, key.len()).map_err(fail)?))
    }

    /// The rows of these keys. Where they lie close together they are read as ranges; what the
    /// ranges do not give (the ERP's order is its own) is looked for key by key.
    fn rows_of_keys(
        &mut self,
        select: &Select,
        key: &[Column],
        asked: &BTreeSet<Vec<String>>,
    ) -> Result<RecordBatch, ReadError> {
        let fail = |e: ArrowError| wrong_types(&select.table, &e);
        let names: Vec<String> = key.iter().map(|c| c.name.clone()).collect();
        let kinds: Vec<Kind> = key.iter().map(|c| c.kind).collect();
        let mut pages = self.close_rows(select, &names, &kinds, asked)?;
        let mut found = HashSet::new();
        for rows in &pages {
            found.extend((0..rows.num_rows()).map(|row| key_at(rows, key.len(), row)));
        }
        for parts in asked {
            let written = literals(parts, &kinds);
            if written.len() < key.len() || found.contains(&Key::from_parts(parts)) {
                continue;
            }
            let select = Select {
                conditions: equal(&names, &written),
                ..select.clone()
            };
            pages.push(self.reader.read(&select, ROWS_OF_A_KEY, self.time_limit)?.rows);
        }
        match pages.first() {
            Some(first) => arrow_select::concat::concat_batches(&first.schema(), &pages).map_err(fail),
            None => super::children::empty(&select.columns).map_err(fail),
        }
    }

    /// The ranges that hold these keys; nothing when much else lies in them.
    fn close_rows(
        &mut self,
        select: &Select,
        names: &[String],
        kinds: &[Kind],
        asked: &BTreeSet<Vec<String>>,
    ) -> Result<Vec<RecordBatch>, ReadError> {
        if asked.len() < RANGE_KEYS {
            return Ok(Vec::new());
        }
        let bounds = |parts: &Vec<String>| -> Vec<Bound> {
            let pairs = parts.iter().zip(kinds);
            pairs.map(|(part, kind)| Bound::new(part, *kind)).collect()
        };
        let bounds: Vec<Vec<Bound>> = asked
            .iter()
            .filter(|parts| literals(parts, kinds).len() == kinds.len())
            .map(bounds)
            .collect();
        let mut conditions = Vec::new();
        ranges(&bounds, names, 0, &Vec::new(), &mut conditions);
        let mut room = asked.len().saturating_mul(ROWS_IN_RANGE);
        let mut pages = Vec::new();
        for conditions in conditions {
            let select = Select {
                conditions,
                ..select.clone()
            };
            let page = self.reader.read(&select, room, self.time_limit)?;
            room = room.saturating_sub(page.rows.num_rows());
            if !page.end || room == 0 {
                return Ok(Vec::new());
            }
            pages.push(page.rows);
        }
        Ok(pages)
    }
}

fn key_at(rows: &RecordBatch, key: usize, row: usize) -> Key {
    let columns = rows.columns().iter().take(key);
    Key::from_parts(columns.map(|column| value_at(column, row).to_string()))
}

fn kind_of(column: &ArrayRef) -> Kind {
    if let Some(decimal) = column.as_primitive_opt::<Decimal64Type>() {
        Kind::Decimal {
            scale: u8::try_from(decimal.scale()).unwrap_or(0),
        }
    } else if column.as_primitive_opt::<Date32Type>().is_some() {
        Kind::Date
    } else {
        Kind::Text
    }
}
