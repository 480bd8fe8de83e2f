//! One table of a dataset: what is selected from it, and where each field comes from.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal64Array, StringArray};
use arrow_schema::ArrowError;
use catalog::Field;
use sage::Column;
use values::Kind;

use super::SiteRules;

/// What is read of one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableShape {
    pub(crate) table: String,
    /// Selected, each column once.
    pub(crate) select: Vec<Column>,
    /// For each field of the dataset or child.
    pub(crate) fields: Vec<FieldSource>,
    /// Places among `select` of the parent's key; only of children.
    pub(crate) parent_key: Vec<usize>,
    /// The site's steps and own values.
    pub(crate) rules: SiteRules,
}

/// Where a field's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldSource {
    /// A selected column.
    Column(usize),
    /// A column of a join.
    Joined(usize, usize),
    /// The site lacks the column.
    Blank,
    /// The site's own values.
    Site,
}

/// A table from which fields are taken by a key.
#[derive(Clone, Debug)]
pub(crate) struct JoinShape {
    pub(crate) table: String,
    /// Places among the own table's selected columns.
    pub(crate) own: Vec<usize>,
    /// Their key columns.
    pub(crate) key: Vec<Column>,
    /// The columns that are taken.
    pub(crate) columns: Vec<Column>,
}

impl TableShape {
    /// The place of a column among the selected ones; it is added when it is not there.
    pub(crate) fn place(&mut self, name: &str, kind: Kind) -> usize {
        let found = self
            .select
            .iter()
            .position(|c| c.name.eq_ignore_ascii_case(name) && c.kind == kind);
        found.unwrap_or_else(|| {
            self.select.push(Column::new(name, kind));
            self.select.len() - 1
        })
    }

    /// Fields in the catalog's order. `joined` has each join's columns for these rows.
    pub(crate) fn assemble(
        &self,
        fields: &[Field],
        own: &[ArrayRef],
        joined: &[Vec<ArrayRef>],
        rows: usize,
    ) -> Result<Vec<ArrayRef>, ArrowError> {
        let missing = |field: &Field| ArrowError::SchemaError(format!("no column for {}", field.name));
        fields
            .iter()
            .zip(&self.fields)
            .map(|(field, source)| match source {
                FieldSource::Column(place) => own.get(*place).cloned().ok_or_else(|| missing(field)),
                FieldSource::Joined(join, place) => {
                    let column = joined.get(*join).and_then(|columns| columns.get(*place));
                    column.cloned().ok_or_else(|| missing(field))
                }
                FieldSource::Blank | FieldSource::Site => blank(field.kind, rows),
            })
            .collect()
    }
}

/// A column without values.
pub(crate) fn blank(kind: Kind, rows: usize) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        Kind::Text | Kind::Json => Arc::new(StringArray::from_iter_values(std::iter::repeat_n("", rows))),
        Kind::Decimal { scale } => {
            let zeros = Decimal64Array::from_iter_values(std::iter::repeat_n(0, rows));
            Arc::new(zeros.with_precision_and_scale(18, i8::try_from(scale).unwrap_or(0))?)
        }
        Kind::Date => Arc::new(Date32Array::new_null(rows)),
    })
}
