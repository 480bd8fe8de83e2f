//! What the store's logic needs of a database: transactions, statements and rows. The logic
//! is written once, in SQL that every engine understands; what engines do differently is in
//! their modules.
//!
//! Statements have parameters `?` or `?1`; each is prepared once per connection.

mod schema;
mod sqlite;
mod value;

use values::{CompanyId, Key, TenantId};

use crate::StoreError;
use crate::sql::Rows;

pub(crate) use schema::{Column, Inventory};
pub(crate) use sqlite::Sqlite;
pub(crate) use value::{FromValue, Param, Params, ToParam, Value};

/// A database.
#[derive(Debug)]
pub(crate) enum Engine {
    /// One file.
    Sqlite(Sqlite),
}

impl Engine {
    /// Statements that see one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work),
        }
    }

    /// Statements that take effect together, durably, or not at all.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(work),
        }
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
}

/// A transaction.
pub(crate) enum Tx<'a> {
    Sqlite(&'a rusqlite::Transaction<'a>),
}

impl Tx<'_> {
    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, parameters: impl Params) -> Result<u64, StoreError> {
        parameters.with(|parameters| match self {
            Self::Sqlite(transaction) => sqlite::execute(transaction, sql, parameters),
        })
    }

    /// Runs `work` on each row.
    pub(crate) fn each(
        &self,
        sql: &str,
        parameters: impl Params,
        mut work: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        parameters.with(|parameters| match self {
            Self::Sqlite(transaction) => sqlite::each(transaction, sql, parameters, &mut work),
        })
    }

    /// All rows.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, parameters, |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row, if there is one. Ask for one only.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each(sql, parameters, |row| {
            if found.is_none() {
                found = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The row that has to be there.
    pub(crate) fn row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.one(sql, parameters, read)?
            .ok_or_else(|| StoreError::corrupt("no row where there has to be one"))
    }

    /// Is there a row?
    pub(crate) fn exists(&self, sql: &str, parameters: impl Params) -> Result<bool, StoreError> {
        Ok(self.one(sql, parameters, |_| Ok(()))?.is_some())
    }
}

/// Rows of a table by the keys of their records.
pub(crate) struct ByKey<'a> {
    pub(crate) table: &'a str,
    pub(crate) columns: &'a str,
    /// The order among rows of one record.
    pub(crate) order: &'a str,
}

impl Tx<'_> {
    /// Runs `work` on the rows of each of these records, in the order of the keys, with the
    /// key's place.
    pub(crate) fn each_by_key(
        &self,
        by_key: &ByKey<'_>,
        tenant: &str,
        company: &str,
        keys: &[Key],
        mut work: impl FnMut(u32, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let ByKey {
            table,
            columns,
            order,
        } = by_key;
        match self {
            Self::Sqlite(_) => {
                let sql = format!(
                    "SELECT {columns} FROM \"{table}\" WHERE tenant = ? AND company = ? AND key = ? ORDER BY {order}"
                );
                for (place, key) in (0_u32..).zip(keys) {
                    self.each(&sql, (tenant, company, key.as_str()), |row| work(place, row))?;
                }
                Ok(())
            }
        }
    }

    /// Deletes the rows of these records; `own` says of whom they are.
    pub(crate) fn delete_by_key(
        &self,
        table: &str,
        own: &[(&str, &str)],
        keys: &[Key],
    ) -> Result<(), StoreError> {
        let conditions: Vec<_> = own.iter().map(|(column, _)| format!("{column} = ?")).collect();
        let mut parameters: Vec<_> = own.iter().map(|(_, value)| Param::Text(value)).collect();
        let conditions = conditions.join(" AND ");
        match self {
            Self::Sqlite(_) => {
                let sql = format!("DELETE FROM \"{table}\" WHERE {conditions} AND key = ?");
                for key in keys {
                    parameters.push(Param::Text(key.as_str()));
                    self.execute(&sql, parameters.as_slice())?;
                    parameters.pop();
                }
                Ok(())
            }
        }
    }

    /// Upserts the documents of a batch and replaces their children; their positions begin
    /// with the first.
    pub(crate) fn put_documents(
        &self,
        rows: &Rows<'_>,
        tenant: &TenantId,
        company: &CompanyId,
        first_position: i64,
        now: i64,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                sqlite::put_documents(transaction, rows, tenant, company, first_position, now)
            }
        }
    }
}

/// A row, while a statement stands on it.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
}

impl Row<'_> {
    /// The value in a column.
    pub(crate) fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        match self {
            Self::Sqlite(row) => sqlite::value(row, column),
        }
    }

    /// The value in a column as a type.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T, StoreError> {
        let value = self.value(column)?;
        T::from_value(&value)
            .ok_or_else(|| StoreError::corrupt(format!("{} in column {column} of an answer", value.kind())))
    }
}
