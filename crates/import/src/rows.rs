//! Rows of the ERP as plain values, so that decisions need no column format.

use std::collections::BTreeMap;

use values::{Date, Decimal};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Text, trimmed at the right.
    Text(String),
    /// An exact number.
    Number(Decimal),
    /// A date or none.
    Date(Option<Date>),
}

/// A row by Sage column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, Field>);

impl Row {
    /// Puts a value.
    pub fn put(&mut self, column: impl Into<String>, field: Field) {
        self.0.insert(column.into(), field);
    }

    /// Was the column read?
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// A text; blank when the column was not read.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        match self.0.get(column) {
            Some(Field::Text(text)) => text.trim_end(),
            Some(Field::Number(_) | Field::Date(_)) | None => "",
        }
    }

    /// A number, if the column was read.
    #[must_use]
    pub fn number(&self, column: &str) -> Option<Decimal> {
        match self.0.get(column) {
            Some(Field::Number(number)) => Some(*number),
            Some(Field::Text(_) | Field::Date(_)) | None => None,
        }
    }

    /// A date, if there is one.
    #[must_use]
    pub fn date(&self, column: &str) -> Option<Date> {
        match self.0.get(column) {
            Some(Field::Date(date)) => *date,
            Some(Field::Text(_) | Field::Number(_)) | None => None,
        }
    }
}
