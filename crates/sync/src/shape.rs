//! A dataset as this site's release of Sage has it.

use arrow_array::{ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, SchemaRef};
use catalog::{Dataset, Field};
use sage::{Column, ColumnInfo};
use std::sync::Arc;
use values::Kind;

/// A dataset and which of its columns the site has.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The dataset.
    pub dataset: Dataset,
    parents: Present,
    children: Vec<Present>,
}

#[derive(Clone, Debug)]
struct Present {
    /// For each field: does the site have the column?
    fields: Vec<bool>,
}

/// What the site lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeProblem {
    /// The table is not there, or the user may not see it. The dataset is not read.
    #[error("table {table} is missing, or the Sage user may not read it")]
    TableMissing {
        /// Sage table.
        table: String,
    },
    /// A key column is not there. The dataset is not read.
    #[error("table {table} has no column {column}, which is part of its key")]
    KeyMissing {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
    },
    /// A column is not there; its field is delivered blank.
    #[error("table {table} has no column {column}; the field stays blank")]
    ColumnMissing {
        /// Sage table.
        table: String,
        /// Sage column.
        column: String,
    },
}

impl ShapeProblem {
    /// Does the dataset have to wait until somebody acts?
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::TableMissing { .. } | Self::KeyMissing { .. } => true,
            Self::ColumnMissing { .. } => false,
        }
    }

    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TableMissing { .. } => "table_missing",
            Self::KeyMissing { .. } => "key_missing",
            Self::ColumnMissing { .. } => "column_missing",
        }
    }
}

impl Shape {
    /// Fits a dataset to the columns that the site's tables have.
    ///
    /// # Errors
    /// The first problem without which the dataset cannot be read; others are returned
    /// beside the shape.
    pub fn fit(
        dataset: &Dataset,
        mut columns_of: impl FnMut(&str) -> Result<Vec<ColumnInfo>, sage::ReadError>,
    ) -> Result<Result<(Self, Vec<ShapeProblem>), ShapeProblem>, sage::ReadError> {
        let mut problems = Vec::new();
        let mut needed: Vec<&str> = dataset.key.iter().map(String::as_str).collect();
        if dataset.stamped {
            needed.push(catalog::STAMP_DATE);
        }
        let columns = columns_of(&dataset.table)?;
        let parents = match Present::fit(&dataset.table, &dataset.fields, &columns, &needed, &mut problems) {
            Ok(present) => present,
            Err(problem) => return Ok(Err(problem)),
        };
        let mut children = Vec::new();
        for child in &dataset.children {
            let needed: Vec<&str> = child
                .parent_key
                .iter()
                .chain(&child.key)
                .map(String::as_str)
                .collect();
            let columns = columns_of(&child.table)?;
            match Present::fit(&child.table, &child.fields, &columns, &needed, &mut problems) {
                Ok(present) => children.push(present),
                Err(problem) => return Ok(Err(problem)),
            }
        }
        Ok(Ok((
            Self {
                dataset: dataset.clone(),
                parents,
                children,
            },
            problems,
        )))
    }

    /// The columns to select for the parents.
    #[must_use]
    pub fn parent_columns(&self) -> Vec<Column> {
        self.parents.columns(&self.dataset.fields)
    }

    /// The columns to select for a kind of child: the parent's key, then its own.
    #[must_use]
    pub fn child_columns(&self, child: usize) -> Vec<Column> {
        let of = &self.dataset.children[child];
        let key = of.parent_key.iter().map(|c| Column {
            name: c.clone(),
            kind: Kind::Text,
        });
        key.chain(self.children[child].columns(&of.fields)).collect()
    }

    /// Rows as selected by [`parent_columns`](Self::parent_columns), in the catalog's shape.
    ///
    /// # Errors
    /// When the adapter gave other types than the port promises.
    pub fn complete_parents(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = self
            .parents
            .complete(&self.dataset.fields, rows.columns(), rows.num_rows())?;
        batch(self.dataset.schema(), columns, rows.num_rows())
    }

    /// Own columns of child rows (the parent's key cut off), in the catalog's shape, behind
    /// the column of parent rows.
    ///
    /// # Errors
    /// As [`complete_parents`](Self::complete_parents).
    pub fn complete_children(
        &self,
        child: usize,
        rows: &RecordBatch,
        parents: ArrayRef,
    ) -> Result<RecordBatch, ArrowError> {
        let of = &self.dataset.children[child];
        let own = &rows.columns()[of.parent_key.len()..];
        let mut columns = vec![parents];
        columns.extend(self.children[child].complete(&of.fields, own, rows.num_rows())?);
        batch(of.schema(), columns, rows.num_rows())
    }
}

impl Present {
    fn fit(
        table: &str,
        fields: &[Field],
        columns: &[ColumnInfo],
        needed: &[&str],
        problems: &mut Vec<ShapeProblem>,
    ) -> Result<Self, ShapeProblem> {
        if columns.is_empty() {
            return Err(ShapeProblem::TableMissing {
                table: table.to_owned(),
            });
        }
        let has = |name: &str| columns.iter().any(|c| c.name.eq_ignore_ascii_case(name));
        if let Some(column) = needed.iter().find(|c| !has(c)) {
            return Err(ShapeProblem::KeyMissing {
                table: table.to_owned(),
                column: (*column).to_owned(),
            });
        }
        let fields: Vec<(bool, &Field)> = fields.iter().map(|f| (has(&f.column), f)).collect();
        problems.extend(fields.iter().filter(|(present, _)| !present).map(|(_, field)| {
            ShapeProblem::ColumnMissing {
                table: table.to_owned(),
                column: field.column.clone(),
            }
        }));
        Ok(Self {
            fields: fields.into_iter().map(|(present, _)| present).collect(),
        })
    }

    fn columns(&self, fields: &[Field]) -> Vec<Column> {
        let present = fields.iter().zip(&self.fields).filter(|(_, present)| **present);
        present
            .map(|(field, _)| Column {
                name: field.column.clone(),
                kind: field.kind,
            })
            .collect()
    }

    fn complete(
        &self,
        fields: &[Field],
        columns: &[ArrayRef],
        rows: usize,
    ) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut given = columns.iter();
        fields
            .iter()
            .zip(&self.fields)
            .map(|(field, present)| {
                if *present {
                    let missing = || ArrowError::SchemaError(format!("no column for {}", field.column));
                    given.next().cloned().ok_or_else(missing)
                } else {
                    blank(field.kind, rows)
                }
            })
            .collect()
    }
}

fn blank(kind: Kind, rows: usize) -> Result<ArrayRef, ArrowError> {
    Ok(match kind {
        Kind::Text | Kind::Json => Arc::new(StringArray::from_iter_values(std::iter::repeat_n("", rows))),
        Kind::Decimal { scale } => {
            let zeros = Decimal64Array::from_iter_values(std::iter::repeat_n(0, rows));
            Arc::new(zeros.with_precision_and_scale(18, i8::try_from(scale).unwrap_or(0))?)
        }
        Kind::Date => Arc::new(Date32Array::new_null(rows)),
    })
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, ArrowError> {
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, columns, &options)
}
