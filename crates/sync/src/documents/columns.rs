//! Single values of typed columns, and typed columns of single values.

use std::sync::Arc;

use arrow_array::builder::{Date32Builder, Decimal64Builder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Decimal64Type},
};
use arrow_schema::ArrowError;
use expression::Value;
use values::{Canonical, Decimal, Hash, Kind, date_from_days, days_from_date};

/// The value of a column in a row.
pub(super) fn value_at(column: &ArrayRef, row: usize) -> Value {
    if let Some(text) = column.as_string_opt::<i32>() {
        Value::Text(text.value(row).to_owned())
    } else if let Some(decimal) = column.as_primitive_opt::<Decimal64Type>() {
        let scale = u8::try_from(decimal.scale()).unwrap_or(0);
        Value::Decimal(Decimal::new(decimal.value(row), scale))
    } else if let Some(date) = column.as_primitive_opt::<Date32Type>() {
        let valid = date.is_valid(row);
        Value::Date(valid.then(|| date_from_days(date.value(row))).flatten())
    } else {
        Value::Text(String::new())
    }
}

/// A hash of each row.
pub(super) fn row_hashes(rows: &RecordBatch) -> Vec<Hash> {
    let mut canonical = Canonical::new();
    (0..rows.num_rows())
        .map(|row| {
            canonical.clear();
            for column in rows.columns() {
                match value_at(column, row) {
                    Value::Text(text) => canonical.text(&text),
                    Value::Decimal(decimal) => canonical.decimal(decimal.units()),
                    Value::Date(Some(date)) => canonical.date(days_from_date(date)),
                    Value::Date(None) | Value::Bool(_) => canonical.none(),
                }
            }
            canonical.hash()
        })
        .collect()
}

/// Builds a column of a field's kind.
pub(super) enum ColumnBuilder {
    Text(StringBuilder),
    Decimal(Decimal64Builder, u8),
    Date(Date32Builder),
}

impl ColumnBuilder {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(StringBuilder::new()),
            Kind::Decimal { scale } => Self::Decimal(Decimal64Builder::new(), scale),
            Kind::Date => Self::Date(Date32Builder::new()),
        }
    }

    /// Takes the next row's value; false when it does not fit, and then nothing is taken.
    pub(super) fn push(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(builder), value) => builder.append_value(value.to_string()),
            (Self::Decimal(builder, scale), Value::Decimal(decimal)) => match decimal.rescale(*scale) {
                Ok(decimal) => builder.append_value(decimal.units()),
                Err(_) => return false,
            },
            (Self::Date(builder), Value::Date(date)) => builder.append_option(date.map(days_from_date)),
            (Self::Decimal(..), Value::Text(_) | Value::Date(_) | Value::Bool(_))
            | (Self::Date(_), Value::Text(_) | Value::Decimal(_) | Value::Bool(_)) => return false,
        }
        true
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder, scale) => {
                let scale = i8::try_from(*scale).unwrap_or(0);
                Arc::new(builder.finish().with_precision_and_scale(18, scale)?)
            }
            Self::Date(builder) => Arc::new(builder.finish()),
        })
    }
}
