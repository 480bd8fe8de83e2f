//! The copied company's tables.

use std::collections::BTreeMap;
use std::time::Duration;

use import::Row;
use sage::{Column, Comparison, Literal, ReadError, Reader, Select, Where};
use values::Kind;

use super::bench::Trouble;
use crate::imports::rows::rows_of;

/// By a key, or the first page of a table.
const TIME_LIMIT: Duration = Duration::from_secs(60);

pub(super) const TEXT: Kind = Kind::Text;
pub(super) const AMOUNT: Kind = Kind::Decimal { scale: 2 };
pub(super) const QUANTITY: Kind = Kind::Decimal { scale: 6 };

pub(super) struct Tables {
    reader: Box<dyn Reader>,
    columns: BTreeMap<String, Vec<String>>,
}

impl Tables {
    pub(super) fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            reader,
            columns: BTreeMap::new(),
        }
    }

    /// Does the copy have the table, or the user the right to see it?
    pub(super) fn has(&mut self, table: &str) -> Result<bool, ReadError> {
        Ok(!self.columns(table)?.is_empty())
    }

    /// The columns of a table; none when there is no such table.
    pub(super) fn columns(&mut self, table: &str) -> Result<&[String], ReadError> {
        if !self.columns.contains_key(table) {
            let columns = self.reader.columns(table)?;
            let names = columns.into_iter().map(|column| column.name).collect();
            self.columns.insert(table.to_owned(), names);
        }
        Ok(self.columns.get(table).map_or(&[], Vec::as_slice))
    }

    /// Up to `limit` rows with these columns, as far as the table has them, and this key.
    pub(super) fn rows(
        &mut self,
        table: &str,
        columns: &[(&str, Kind)],
        key: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<Row>, Trouble> {
        let has = self.columns(table)?;
        let known = |name: &str| has.iter().any(|column| column == name);
        let wanted: Vec<Column> = columns
            .iter()
            .filter(|(name, _)| known(name))
            .map(|(name, kind)| Column::new(*name, *kind))
            .collect();
        if wanted.is_empty() || !key.iter().all(|(name, _)| known(name)) {
            return Err(Trouble::Nothing(format!("{table} cannot be read here")));
        }
        let select = Select {
            table: table.to_owned(),
            columns: wanted,
            conditions: key
                .iter()
                .map(|(column, value)| Where {
                    column: (*column).to_owned(),
                    comparison: Comparison::Equal,
                    literal: Literal::Text((*value).to_owned()),
                })
                .collect(),
            order_by: Vec::new(),
        };
        let page = self.reader.read(&select, limit, TIME_LIMIT)?;
        Ok(rows_of(&select, &page.rows)?)
    }

    /// Text columns of up to `limit` rows.
    pub(super) fn texts(
        &mut self,
        table: &str,
        columns: &[&str],
        key: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<Row>, Trouble> {
        let columns: Vec<(&str, Kind)> = columns.iter().map(|name| (*name, TEXT)).collect();
        self.rows(table, &columns, key, limit)
    }

    /// What answers, as far as it says.
    pub(super) fn sage(&mut self) -> String {
        match self.reader.probe() {
            Ok(probe) => {
                let words = [probe.database, probe.driver, probe.driver_version];
                let words: Vec<&str> = words.iter().map(|w| w.trim()).filter(|w| !w.is_empty()).collect();
                words.join(" ")
            }
            Err(_) => "unknown".to_owned(),
        }
    }
}
