//! The reader: what the port asks for, over one session.

use std::fmt;
use std::time::{Duration, Instant};

use odbc_api::sys::InfoType;
use sage::{ColumnInfo, Dialect, Page, Probe, ReadError, ReadErrorCode, Reader, Select, render};
use values::Secret;

use crate::catalog;
use crate::connection;
use crate::error::{connect_error, read_error};
use crate::rows::{FetchError, Fetched, Widths, fetch};
use crate::session::Session;

/// Reads one company's tables through an ODBC driver, and never writes.
pub struct OdbcReader {
    session: Session,
    dialect: Dialect,
    widths: Widths,
}

impl OdbcReader {
    /// Connects: `connection` is the driver's connection string without a password,
    /// `login_timeout_s` how many seconds the driver may take where it knows a limit.
    ///
    /// # Errors
    /// [`ReadErrorCode::NoDriver`], [`ReadErrorCode::PasswordRefused`],
    /// [`ReadErrorCode::WrongDatabase`] for a file that is missing, else
    /// [`ReadErrorCode::ConnectFailed`].
    pub fn connect(
        connection: &str,
        password: Option<&Secret>,
        dialect: Dialect,
        login_timeout_s: u32,
    ) -> Result<Self, ReadError> {
        let connection = connection::prepare(connection, password)?;
        let session = Session::connect(&connection, login_timeout_s)
            .map_err(|error| connect_error(&error, password))?;
        Ok(Self {
            session,
            dialect,
            widths: Widths::new(),
        })
    }

    fn fetch(
        &mut self,
        sql: &str,
        select: &Select,
        max_rows: usize,
        deadline: Instant,
    ) -> Result<Fetched, FetchError> {
        let mut statement = self.session.statement()?;
        let left_s = deadline
            .saturating_duration_since(Instant::now())
            .as_secs()
            .saturating_add(1);
        // Many drivers know no such limit; then the caller's own clock is what counts.
        if let Err(error) = statement.set_query_timeout_sec(usize::try_from(left_s).unwrap_or(usize::MAX)) {
            tracing::trace!(%error, "the driver takes no time limit");
        }
        // The cursor owns its statement: one that is borrowed is closed when dropped, and that
        // fails, with a panic, when the connection broke meanwhile.
        match statement.into_cursor(sql, ())? {
            Some(cursor) => fetch(cursor, select, max_rows, deadline, &mut self.widths),
            None => Err(FetchError::Odbc(odbc_api::Error::NoDiagnostics {
                function: "SQLExecDirect",
            })),
        }
    }
}

impl Reader for OdbcReader {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        let database = self.session.info(InfoType::DbmsName);
        for table in catalog::COMPANY_TABLES {
            let found = catalog::has_table(&self.session, &self.dialect, table);
            if !found.map_err(|error| read_error(&error, "catalogue"))? {
                continue;
            }
            return Ok(Probe {
                driver: self.session.info(InfoType::DriverName),
                driver_version: self.session.info(InfoType::DriverVer),
                database: format!("{database} {}", self.session.info(InfoType::DbmsVer))
                    .trim_end()
                    .to_owned(),
            });
        }
        Err(ReadError::new(
            ReadErrorCode::WrongDatabase,
            format!(
                "{database} answers, but has none of the tables {}",
                catalog::COMPANY_TABLES.join(", ")
            ),
        ))
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        catalog::tables(&self.session, &self.dialect).map_err(|error| read_error(&error, "catalogue"))
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        catalog::columns(&self.session, &self.dialect, table)
            .map_err(|error| read_error(&error, &format!("columns of {table}")))
    }

    fn read(&mut self, select: &Select, max_rows: usize, time_limit: Duration) -> Result<Page, ReadError> {
        let failed =
            |code, words: &dyn fmt::Display| ReadError::new(code, format!("{}: {words}", select.table));
        let sql =
            render(select, &self.dialect).map_err(|error| failed(ReadErrorCode::DriverError, &error))?;
        let deadline = Instant::now() + time_limit;
        for last_try in [false, true] {
            match self.fetch(&sql, select, max_rows, deadline) {
                Ok(Fetched::Page(page)) => return Ok(page),
                Ok(Fetched::Widened) if !last_try => {}
                Ok(Fetched::Widened) => {
                    return Err(failed(
                        ReadErrorCode::Truncated,
                        &"values are longer than the driver says",
                    ));
                }
                Ok(Fetched::Truncated(column)) => {
                    return Err(failed(
                        ReadErrorCode::Truncated,
                        &format_args!("a value of {column} was cut"),
                    ));
                }
                Ok(Fetched::TimedOut) => {
                    let words = format!("not done after {} ms", time_limit.as_millis());
                    return Err(failed(ReadErrorCode::TimedOut, &words));
                }
                Err(FetchError::Odbc(error)) => return Err(read_error(&error, &select.table)),
                Err(FetchError::Arrow(error)) => return Err(failed(ReadErrorCode::DriverError, &error)),
            }
        }
        Err(failed(ReadErrorCode::DriverError, &"not read"))
    }
}

impl fmt::Debug for OdbcReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OdbcReader")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}
