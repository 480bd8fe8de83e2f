//! How full columns are, those of joined tables included, and how many documents have
//! nested rows. A column that lost most of its values between two passes, or a table that
//! gives rows no more, is a sign of a broken read (a right that was withdrawn, a driver that
//! gives up), not of work.

use std::collections::BTreeMap;

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

    /// Forgets a column: it is not watched.
    pub fn forget(&mut self, name: &str) {
        self.columns.remove(name);
    }

    /// What is watched under this name, in words: a column, or the table of a kind of child.
    #[must_use]
    pub fn words(name: &str) -> String {
        name.strip_suffix(CHILD_MARK).map_or_else(
            || format!("column {name}"),
            |child| format!("the table of the nested {child}"),
        )
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

    /// Half of the rows or more had a value, and now less than half as large a share has.
    #[must_use]
    pub fn is_implausible_after(&self, before: Self) -> bool {
        let counted = before.rows >= ENOUGH_ROWS && self.rows >= ENOUGH_ROWS;
        let was_filled = before.filled * 2 >= before.rows;
        // self.filled / self.rows < before.filled / before.rows / 2
        let now = u128::from(self.filled) * u128::from(before.rows) * 2;
        let then = u128::from(before.filled) * u128::from(self.rows);
        counted && was_filled && now < then
    }
}

/// A column that is suspiciously blank in this page. One page proves nothing:
/// [`read_column_fill`](crate::read_column_fill) looks at the whole table.
#[must_use]
pub fn implausible(previous: &Fill, page: &Fill) -> Option<String> {
    page.columns
        .iter()
        .find(|(column, fill)| {
            previous
                .columns
                .get(*column)
                .is_some_and(|before| fill.is_implausible_after(*before))
        })
        .map(|(column, _)| column.clone())
}

/// A column that had values in most rows and that the table no longer has, or a table of
/// nested rows that most documents had and that is no longer there.
#[must_use]
pub fn vanished(previous: &Fill, shape: &Shape) -> Option<String> {
    let mut was_filled = previous
        .columns
        .iter()
        .filter(|(_, before)| before.rows >= ENOUGH_ROWS && before.filled * 2 >= before.rows);
    was_filled
        .find(|(column, _)| !shape.watched().any(|(name, _)| name == **column))
        .map(|(column, _)| column.clone())
}

/// Rows of one parent stand together.
fn distinct(parents: &UInt32Array) -> u64 {
    let parents = parents.values();
    let more = parents.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (more + usize::from(!parents.is_empty())) as u64
}
