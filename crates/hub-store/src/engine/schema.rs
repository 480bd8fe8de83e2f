//! What making tables needs to know of an engine.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use values::{Hash, Kind as FieldKind};

use super::{Kind, Tx, postgres, sqlite};
use crate::StoreError;

/// "ERPH", in the space of advisory locks that databases share with other programs.
const LOCK_SCHEMA: &str = "SELECT 1 FROM pg_advisory_xact_lock(1163022408, 1)";

/// What PostgreSQL keeps of a name; the rest it drops.
const NAME_BYTES: usize = 63;

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
            Self::Postgres(_) => Kind::Postgres,
        }
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        #[cfg(test)]
        super::recorder::record(sql);
        match self {
            Self::Sqlite(transaction) => Ok(transaction.execute_batch(sql)?),
            Self::Postgres(session) => session.batch(sql),
        }
    }

    /// Waits until nobody else makes or changes tables.
    pub(crate) fn lock_schema(&self) -> Result<(), StoreError> {
        match self {
            // A write has the file to itself.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(_) => self.each(LOCK_SCHEMA, (), |_| Ok(())),
        }
    }

    /// The store's version; 0 where there is nothing yet.
    pub(crate) fn version(&self) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(transaction) => sqlite::version(transaction),
            Self::Postgres(_) => postgres::version(self),
        }
    }

    pub(crate) fn set_version(&self, version: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.pragma_update(None, "user_version", version)?),
            Self::Postgres(_) => {
                self.execute("UPDATE hub_store SET version = ?", [version])?;
                Ok(())
            }
        }
    }

    /// Makes an empty store one with an identity.
    pub(crate) fn make_store(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let sql = match self.kind() {
            Kind::Sqlite => "INSERT INTO hub_store VALUES (?, ?)",
            Kind::Postgres => "INSERT INTO hub_store VALUES (?, ?, 0)",
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
            Kind::Postgres => (
                "SELECT c.relname, a.attname FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
                 AND a.attnum > 0 AND NOT a.attisdropped",
                "SELECT relname FROM pg_catalog.pg_class \
                 WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('i', 'I')",
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
            (Kind::Postgres, Column::Text) => "TEXT COLLATE \"C\" NOT NULL",
            (Kind::Postgres, Column::Integer) => "BIGINT NOT NULL",
            (Kind::Postgres, Column::IntegerOrNull) => "BIGINT",
            (Kind::Postgres, Column::TextField) => "TEXT COLLATE \"C\" NOT NULL DEFAULT ''",
            (Kind::Postgres, Column::Units) => "BIGINT NOT NULL DEFAULT 0",
            (Kind::Postgres, Column::Date) => "DATE",
        }
    }

    /// What stands at the end of a table's definition.
    pub(crate) const fn table_options(&self) -> &'static str {
        match self.kind() {
            Kind::Sqlite => " STRICT",
            Kind::Postgres => "",
        }
    }

    /// An index's name as the engine can keep it: long ones end in a digest.
    pub(crate) fn index_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self.kind() {
            Kind::Postgres if name.len() > NAME_BYTES => {
                let digest = Hash::of_bytes(name.as_bytes()).to_string();
                let kept = NAME_BYTES - digest.len() - 1;
                format!("{}_{digest}", name.get(..kept).unwrap_or_default()).into()
            }
            Kind::Sqlite | Kind::Postgres => name.into(),
        }
    }
}
