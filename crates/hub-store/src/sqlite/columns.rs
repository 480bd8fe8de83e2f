//! Between Arrow columns and SQLite values.

use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Decimal64Builder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Date32Array, Decimal64Array, RecordBatch, StringArray};
use catalog::Field;
use rusqlite::Statement;
use rusqlite::types::ValueRef;
use values::{Kind, date_from_days, days_from_date, parse_date};

use crate::StoreError;

/// Columns of a batch, told apart once for all rows.
pub(super) struct Columns<'a> {
    columns: Vec<Column<'a>>,
    /// The date formatted last: neighbours often share theirs.
    date: (i32, String),
}

enum Column<'a> {
    Text(&'a StringArray),
    Units(&'a Decimal64Array),
    Days(&'a Date32Array),
}

impl<'a> Columns<'a> {
    /// The columns of the fields, behind `skip` others. The batch's shape was checked.
    pub(super) fn new(rows: &'a RecordBatch, fields: &[Field], skip: usize) -> Self {
        let columns = fields
            .iter()
            .zip(rows.columns().iter().skip(skip))
            .map(|(field, column)| match field.kind {
                Kind::Text | Kind::Json => Column::Text(column.as_string()),
                Kind::Decimal { .. } => Column::Units(column.as_primitive()),
                Kind::Date => Column::Days(column.as_primitive()),
            });
        Self {
            columns: columns.collect(),
            date: (0, "1970-01-01".to_owned()),
        }
    }

    /// Binds one row, from parameter `first` on.
    pub(super) fn bind(
        &mut self,
        statement: &mut Statement<'_>,
        first: usize,
        row: usize,
    ) -> rusqlite::Result<()> {
        for (parameter, column) in (first..).zip(&self.columns) {
            match column {
                Column::Text(texts) => statement.raw_bind_parameter(parameter, texts.value(row))?,
                Column::Units(units) => statement.raw_bind_parameter(parameter, units.value(row))?,
                Column::Days(days) if days.is_null(row) => {
                    statement.raw_bind_parameter(parameter, rusqlite::types::Null)?;
                }
                Column::Days(days) => {
                    let days = days.value(row);
                    if self.date.0 != days {
                        let text = date_from_days(days).map(|d| d.to_string()).unwrap_or_default();
                        self.date = (days, text);
                    }
                    statement.raw_bind_parameter(parameter, self.date.1.as_str())?;
                }
            }
        }
        Ok(())
    }
}

/// Builds one column from what is stored.
pub(super) enum ColumnBuilder {
    /// Text.
    Text(StringBuilder),
    /// Units at the catalog's scale.
    Units(Decimal64Builder),
    /// Days.
    Days(Date32Builder),
}

impl ColumnBuilder {
    pub(super) fn new(kind: Kind, data_type: &arrow_schema::DataType) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Decimal { .. } => Self::Units(Decimal64Builder::new().with_data_type(data_type.clone())),
            Kind::Date => Self::Days(Date32Builder::new()),
        }
    }

    pub(super) fn push(&mut self, value: ValueRef<'_>) -> Result<(), StoreError> {
        let odd = || {
            StoreError::corrupt(format!(
                "a {} where the catalog says otherwise",
                value.data_type()
            ))
        };
        match self {
            Self::Text(texts) => texts.append_value(value.as_str().map_err(|_| odd())?),
            Self::Units(units) => units.append_value(value.as_i64().map_err(|_| odd())?),
            Self::Days(days) => match value.as_str_or_null().map_err(|_| odd())? {
                None => days.append_null(),
                Some(text) => days.append_option(parse_date(text).map_err(|_| odd())?.map(days_from_date)),
            },
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        match &mut self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Units(units) => Arc::new(units.finish()),
            Self::Days(days) => Arc::new(days.finish()),
        }
    }
}
