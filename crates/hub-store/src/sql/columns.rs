//! Arrow columns out of rows.

use std::sync::Arc;

use crate::engine::Value;
use arrow_array::ArrayRef;
use arrow_array::builder::{Date32Builder, Decimal64Builder, StringBuilder};
use values::Kind;

use crate::StoreError;

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
            // Room for a thousand rows, as builders take it by themselves, costs more than one
            // record of a hundred columns does.
            Kind::Text | Kind::Json => Self::Text(StringBuilder::with_capacity(0, 0)),
            Kind::Decimal { .. } => {
                Self::Units(Decimal64Builder::with_capacity(0).with_data_type(data_type.clone()))
            }
            Kind::Date => Self::Days(Date32Builder::with_capacity(0)),
        }
    }

    pub(super) fn push(&mut self, value: &Value<'_>) -> Result<(), StoreError> {
        let odd = || StoreError::corrupt(format!("{} where the catalog says otherwise", value.kind()));
        match (self, value) {
            (Self::Text(texts), Value::Text(text)) => texts.append_value(text),
            (Self::Units(units), Value::Integer(number)) => units.append_value(*number),
            (Self::Days(days), value) => days.append_option(value.days().ok_or_else(odd)?),
            (Self::Text(_) | Self::Units(_), _) => return Err(odd()),
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
