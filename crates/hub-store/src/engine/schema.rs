//! What making tables needs to know of an engine.

use std::collections::{HashMap, HashSet};

use values::Kind as FieldKind;

use super::{Kind, Tx, sqlite};
use crate::StoreError;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// A text, compared byte by byte.
    Text,
    /// A whole number.
    Integer,
    /// A whole number or nothing.
    IntegerOrNull,
    /// A field's text.
    TextField,
    /// A field's amount, in units at the catalog's scale.
    Units,
    /// A field's date or nothing.
    Date,
}

impl Column {
    /// The column of a field.
    pub(crate) const fn of(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Text | FieldKind::Json => Self::TextField,
            FieldKind::Decimal { .. } => Self::Units,
            FieldKind::Date => Self::Date,
        }
    }
}

/// What there is.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    /// Tables and their columns.
    pub(crate) tables: HashMap<String, HashSet<String>>,
    /// Names of indexes.
    pub(crate) indexes: HashSet<String>,
}

impl Tx<'_> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(_) => Kind::Sqlite,
        }
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.execute_batch(sql)?),
        }
    }

    /// Waits until nobody else makes or changes tables.
    pub(crate) fn lock_schema(&self) -> Result<(), StoreError> {
        match self {
            // A write has the file to itself.
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// The store's version; 0 where there is nothing yet.
    pub(crate) fn version(&self) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(transaction) => sqlite::version(transaction),
        }
    }

    pub(crate) fn set_version(&self, version: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.pragma_update(None, "user_version", version)?),
        }
    }

    /// Makes an empty store one with an identity.
    pub(crate) fn make_store(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let sql = match self.kind() {
            Kind::Sqlite => "INSERT INTO hub_store VALUES (?, ?)",
        };
        self.execute(sql, (id, now))?;
        Ok(())
    }

    pub(crate) fn inventory(&self) -> Result<Inventory, StoreError> {
        let (columns, indexes) = match self.kind() {
            Kind::Sqlite => (
                "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
                "SELECT name FROM sqlite_master WHERE type = 'index'",
            ),
        };
        let mut found = Inventory::default();
        self.each(columns, (), |row| {
            found.tables.entry(row.get(0)?).or_default().insert(row.get(1)?);
            Ok(())
        })?;
        found.indexes = self.all(indexes, (), |row| row.get(0))?.into_iter().collect();
        Ok(found)
    }

    /// A column's type and what holds of it.
    pub(crate) const fn definition(&self, column: Column) -> &'static str {
        match (self.kind(), column) {
            (Kind::Sqlite, Column::Text) => "TEXT NOT NULL",
            (Kind::Sqlite, Column::Integer) => "INTEGER NOT NULL",
            (Kind::Sqlite, Column::IntegerOrNull) => "INTEGER",
            (Kind::Sqlite, Column::TextField) => "TEXT NOT NULL DEFAULT ''",
            (Kind::Sqlite, Column::Units) => "INTEGER NOT NULL DEFAULT 0",
            (Kind::Sqlite, Column::Date) => "TEXT",
        }
    }

    /// What stands at the end of a table's definition.
    pub(crate) const fn table_options(&self) -> &'static str {
        match self.kind() {
            Kind::Sqlite => " STRICT",
        }
    }
}
