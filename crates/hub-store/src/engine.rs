//! What the store's logic needs of a database: transactions, statements and rows. The logic
//! is written once, in SQL that every engine understands; what engines do differently is in
//! their modules.
//!
//! Statements have parameters `?` or `?1`; each is prepared once per connection.

mod postgres;
#[cfg(test)]
mod recorder;
mod schema;
mod sqlite;
mod value;

use values::{CompanyId, Key, TenantId};

use crate::StoreError;
use crate::sql::Rows;
use crate::wake::{Wake, WakeKind, WakeListener};

pub(crate) use postgres::{Address, Postgres};
#[cfg(test)]
pub(crate) use recorder::statements_of;
pub(crate) use schema::{Column, Inventory};
pub(crate) use sqlite::{Sqlite, is_store, make_private};
pub(crate) use value::{FromValue, Param, Params, ToParam, Value};

/// A database.
#[derive(Debug)]
pub(crate) enum Engine {
    /// One file.
    Sqlite(Box<Sqlite>),
    /// A database on a server.
    Postgres(Box<Postgres>),
}

impl Engine {
    /// Statements that see one state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work),
            Self::Postgres(postgres) => postgres.read(work),
        }
    }

    /// One statement that sees what is committed now: nothing opens or ends a transaction.
    pub(crate) fn look<T>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(work),
            Self::Postgres(postgres) => postgres.look(work),
        }
    }

    /// Changes with every commit, whoever makes it; none where only asking tells.
    pub(crate) fn mark(&self) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.mark().map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Statements that take effect together, durably, or not at all.
    /// `prepare` runs before others have to wait; what it did is undone with the rest. From
    /// then on there is one writer of the tenant; without one, the statements themselves
    /// have to keep what holds between them.
    pub(crate) fn write<T>(
        &self,
        tenant: Option<&TenantId>,
        prepare: impl FnOnce(&Tx<'_>) -> Result<(), StoreError>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(|t| {
                prepare(t)?;
                work(t)
            }),
            Self::Postgres(postgres) => postgres.write(tenant, prepare, work),
        }
    }
}

impl Engine {
    /// Calls the listener after each transaction that has something to tell.
    pub(crate) fn on_wake(&self, listener: WakeListener) {
        match self {
            Self::Sqlite(sqlite) => sqlite.on_wake(listener),
            Self::Postgres(postgres) => postgres.on_wake(listener),
        }
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A transaction.
pub(crate) enum Tx<'a> {
    Sqlite(&'a sqlite::FileTransaction<'a>),
    Postgres(&'a postgres::Session<'a>),
}

impl Tx<'_> {
    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, parameters: impl Params) -> Result<u64, StoreError> {
        #[cfg(test)]
        recorder::record(sql);
        parameters.with(|parameters| match self {
            Self::Sqlite(transaction) => sqlite::execute(transaction, sql, parameters),
            Self::Postgres(session) => session.execute_bound(sql, parameters),
        })
    }

    /// Runs `work` on each row.
    pub(crate) fn each(
        &self,
        sql: &str,
        parameters: impl Params,
        mut work: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        #[cfg(test)]
        recorder::record(sql);
        parameters.with(|parameters| match self {
            Self::Sqlite(transaction) => sqlite::each(transaction, sql, parameters, &mut work),
            Self::Postgres(session) => session.each_bound(sql, parameters, &mut work),
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
    /// Runs `work` on the rows of each of these records, table after table and in each in the
    /// order of the keys, with the table's place and the key's.
    pub(crate) fn each_by_key(
        &self,
        tables: &[ByKey<'_>],
        tenant: &str,
        company: &str,
        keys: &[Key],
        mut work: impl FnMut(usize, u32, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => {
                for (of, by_key) in tables.iter().enumerate() {
                    let ByKey {
                        table,
                        columns,
                        order,
                    } = by_key;
                    let sql = format!(
                        "SELECT {columns} FROM \"{table}\" WHERE tenant = ? AND company = ? AND key = ? ORDER BY {order}"
                    );
                    for (place, key) in (0_u32..).zip(keys) {
                        self.each(&sql, (tenant, company, key.as_str()), |row| work(of, place, row))?;
                    }
                }
                Ok(())
            }
            Self::Postgres(session) => {
                postgres::each_by_key(session, tables, tenant, company, keys, &mut work)
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
            Self::Postgres(session) => postgres::delete_by_key(session, table, own, keys),
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
            Self::Postgres(session) => {
                postgres::put_documents(session, rows, tenant, company, first_position, now)
            }
        }
    }

    /// Sends a batch ahead, before its tenant is locked. Only what is put is taken.
    pub(crate) fn stage(
        &self,
        rows: &Rows<'_>,
        tenant: &TenantId,
        company: &CompanyId,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => postgres::stage(self, session, rows, tenant, company),
        }
    }

    /// Tells those who wait, when the transaction takes effect.
    pub(crate) fn wake(&self, kind: WakeKind, tenant: &TenantId) {
        let wakes = match self {
            Self::Sqlite(transaction) => &transaction.wakes,
            Self::Postgres(session) => &session.wakes,
        };
        let wake = Wake::of(kind, tenant);
        let mut wakes = wakes.borrow_mut();
        if !wakes.contains(&wake) {
            wakes.push(wake);
        }
    }

    /// Makes the transaction the tenant's one writer, where it is not that anyway.
    pub(crate) fn lock(&self, tenant: &TenantId) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => postgres::lock(session, tenant),
        }
    }
}

/// A row, while a statement stands on it.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The value in a column.
    pub(crate) fn value(&self, column: usize) -> Result<Value<'_>, StoreError> {
        match self {
            Self::Sqlite(row) => sqlite::value(row, column),
            Self::Postgres(row) => postgres::value(row, column),
        }
    }

    /// The value in a column as a type.
    pub(crate) fn get<T: FromValue>(&self, column: usize) -> Result<T, StoreError> {
        let value = self.value(column)?;
        T::from_value(&value)
            .ok_or_else(|| StoreError::corrupt(format!("{} in column {column} of an answer", value.kind())))
    }
}
