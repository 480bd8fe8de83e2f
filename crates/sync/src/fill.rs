//! How full columns are, those of joined tables included, and how many documents have
//! nested rows. A column that lost most of its values between two passes, or a table that
//! gives rows no more, is a sign of a broken read (a right that was withdrawn, a driver that
//! gives up), not of work.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, ArrayRef, UInt32Array, cast::AsArray, types::Decimal64Type};
use serde::{Deserialize, Serialize};

use crate::shape::{CHILD_MARK, Watched};
use crate::{DocumentPage, Shape};

/// Fewer rows tell nothing.
const ENOUGH_ROWS: u64 = 20;

/// How many rows have a value, for every column that is read: under its name one of the
/// dataset's own table, under `Table.Column` a joined one, and under `lines[]` how many
/// documents have at least one row of this kind of child.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    columns: BTreeMap<String, ColumnFill>,
}

/// How many rows of a column have a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnFill {
    /// Rows looked at.
    pub rows: u64,
    /// Of these, rows with a value: a text that is not empty, a number that is not zero, a
    /// date.
    pub filled: u64,
}

impl Fill {
    /// Of the rows of one page.
    #[must_use]
    pub fn of(shape: &Shape, page: &DocumentPage) -> Self {
        let columns = page.batch.parents.columns();
        let counted = shape.watched().filter_map(|(name, watched)| {
            let fill = match watched {
                Watched::Own(field) | Watched::Joined(field) => ColumnFill::of(columns.get(field)?),
                Watched::Child(child) => ColumnFill {
                    rows: page.batch.parents.num_rows() as u64,
                    filled: distinct(page.batch.parents_of(child)),
                },
            };
            Some((name, fill))
        });
        Self {
            columns: counted.collect(),
        }
    }

    /// Adds another page's counts.
    pub fn add(&mut self, other: &Self) {
        for (column, fill) in &other.columns {
            let mine = self.columns.entry(column.clone()).or_default();
            mine.rows += fill.rows;
            mine.filled += fill.filled;
        }
    }

    /// Adds what was counted of one column.
    pub(crate) fn insert(&mut self, name: &str, fill: ColumnFill) {
        self.columns.insert(name.to_owned(), fill);
    }

    /// Forgets a column: it is not watched.
    pub fn forget(&mut self, name: &str) {
        self.columns.remove(name);
    }

    /// What is watched under these names, in words: columns, or the tables of kinds of child.
    #[must_use]
    pub fn words(names: &[String]) -> String {
        let words: Vec<String> = names
            .iter()
            .map(|name| match name.strip_suffix(CHILD_MARK) {
                Some(child) => format!("the table of the nested {child}"),
                None => format!("column {name}"),
            })
            .collect();
        words.join(", ")
    }

    /// Of these counts over a whole table, the columns that have lost their values since.
    #[must_use]
    pub fn lost_since(&self, before: &Self) -> Vec<String> {
        let counted = self.columns.iter();
        counted
            .filter(|(name, now)| {
                before
                    .column(name)
                    .is_some_and(|before| now.is_lost_since(before))
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The columns that have values in half of the rows or more: those that can lose them.
    pub fn well_filled(&self) -> impl Iterator<Item = &str> {
        let filled = self.columns.iter().filter(|(_, fill)| fill.is_well_filled());
        filled.map(|(name, _)| name.as_str())
    }

    /// The counts of a column; none where it was not read.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<ColumnFill> {
        self.columns.get(name).copied()
    }
}

impl ColumnFill {
    /// Of one column.
    #[must_use]
    pub fn of(column: &ArrayRef) -> Self {
        let filled = if let Some(text) = column.as_string_opt::<i32>() {
            let ends = text.value_offsets();
            ends.windows(2).filter(|pair| pair[0] != pair[1]).count()
        } else if let Some(decimal) = column.as_primitive_opt::<Decimal64Type>() {
            decimal.values().iter().filter(|units| **units != 0).count()
        } else {
            column.len() - column.null_count()
        };
        Self {
            rows: column.len() as u64,
            filled: filled as u64,
        }
    }

    /// Over the whole table: half of the rows or more had a value, now less than half as large
    /// a share has, and less than half as many rows. A share that falls under many new rows
    /// without a value has lost nothing.
    #[must_use]
    pub fn is_lost_since(&self, before: Self) -> bool {
        self.is_blanker_than(before) && self.filled.saturating_mul(2) < before.filled
    }

    /// Half of the rows or more had a value, and now less than half as large a share has.
    fn is_blanker_than(&self, before: Self) -> bool {
        // self.filled / self.rows < before.filled / before.rows / 2
        let now = u128::from(self.filled) * u128::from(before.rows) * 2;
        let then = u128::from(before.filled) * u128::from(self.rows);
        before.is_well_filled() && self.rows >= ENOUGH_ROWS && now < then
    }

    const fn is_well_filled(&self) -> bool {
        self.rows >= ENOUGH_ROWS && self.filled.saturating_mul(2) >= self.rows
    }
}

/// The columns that are suspiciously blank in this page. One page proves nothing:
/// [`read_fill`](crate::read_fill) looks at the whole table.
#[must_use]
pub fn implausible(previous: &Fill, page: &Fill) -> Vec<String> {
    let columns = page.columns.iter();
    columns
        .filter(|(name, fill)| {
            previous
                .column(name)
                .is_some_and(|before| fill.is_blanker_than(before))
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// The columns that had values in most rows and that the table no longer has, and the tables
/// of nested rows that most documents had and that are no longer there.
#[must_use]
pub fn vanished(previous: &Fill, shape: &Shape) -> Vec<String> {
    let there: BTreeSet<String> = shape.watched().map(|(name, _)| name).collect();
    let was_filled = previous.well_filled();
    was_filled
        .filter(|name| !there.contains(*name))
        .map(str::to_owned)
        .collect()
}

/// Rows of one parent stand together.
fn distinct(parents: &UInt32Array) -> u64 {
    let parents = parents.values();
    let more = parents.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (more + usize::from(!parents.is_empty())) as u64
}
