//! Reading: the port, its answers and its failures.

use std::time::Duration;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use values::{Kind, MAX_SCALE};

use crate::{Finding, Select};

/// A connection to one company's tables. It is used by one thread; whoever cannot wait
/// for it to return kills the process that it lives in.
pub trait Reader {
    /// Says what answers on the other side.
    ///
    /// # Errors
    /// [`ReadErrorCode::WrongDatabase`] when what answers is no Sage company.
    fn probe(&mut self) -> Result<Probe, ReadError>;

    /// The tables and views that the user may see, by the driver's catalogue: names as it
    /// spells them, without schema, sorted.
    ///
    /// # Errors
    /// Broken infrastructure only.
    fn tables(&mut self) -> Result<Vec<String>, ReadError>;

    /// The columns of a table by the driver's catalogue, in its order; empty when there is
    /// no such table.
    ///
    /// # Errors
    /// Broken infrastructure only.
    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError>;

    /// Runs the statement and returns the first `max_rows` rows, then closes the cursor so
    /// that Sage's files are free again. Rows with values that cannot be read arrive all
    /// the same, with findings.
    ///
    /// # Errors
    /// When the statement, the connection or the driver fails, or a value was cut by the
    /// driver. A page is whole or it is an error.
    fn read(&mut self, select: &Select, max_rows: usize, time_limit: Duration) -> Result<Page, ReadError>;
}

/// What answers on the other side of a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The driver's own name.
    pub driver: String,
    /// Its version, as it says.
    pub driver_version: String,
    /// The database system behind it.
    pub database: String,
}

/// A column by the driver's catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Sage column.
    pub name: String,
    /// The driver's name for its type.
    pub type_name: String,
    /// Declared width in characters or digits; 0 when the driver does not say.
    pub width: usize,
    /// Declared decimals.
    pub scale: u8,
}

impl ColumnInfo {
    /// What the column seems to hold, by the driver's name for its type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        let name = self.type_name.to_ascii_uppercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&["CHAR", "TEXT", "MEMO", "CLOB"]) {
            Kind::Text
        } else if has(&["DATE", "TIMESTAMP"]) {
            Kind::Date
        } else if has(&["INT", "DEC", "NUM", "DOUBLE", "FLOAT", "REAL", "MONEY"]) {
            // A floating type declares no decimals; Sage's masks have at most six.
            let undeclared = has(&["DOUBLE", "FLOAT", "REAL", "MONEY"]) && self.scale == 0;
            Kind::Decimal {
                scale: if undeclared { 6 } else { self.scale.min(MAX_SCALE) },
            }
        } else {
            Kind::Text
        }
    }
}

/// Up to `max_rows` rows.
#[derive(Clone, Debug)]
pub struct Page {
    /// One column for each of the select's, in its order: `Utf8` for text, `Decimal64`
    /// for decimals at the wanted scale, nullable `Date32` for dates.
    pub rows: RecordBatch,
    /// No row is left after these.
    pub end: bool,
    /// What was wrong with single values.
    pub findings: Vec<Finding>,
}

/// Reading failed; nothing may be concluded about the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// What kind of failure.
    pub code: ReadErrorCode,
    /// The driver's words and what was being read.
    pub message: String,
}

/// The kinds of failure that people and the engine tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadErrorCode {
    /// The connection string names no driver or data source that this machine has.
    NoDriver,
    /// The ERP could not be reached.
    ConnectFailed,
    /// User or password refused.
    PasswordRefused,
    /// Something answers, but it is no Sage company.
    WrongDatabase,
    /// The table does not exist, or the user may not see it.
    TableMissing,
    /// The table exists, but the user may not read it.
    TableDenied,
    /// A column does not exist.
    ColumnMissing,
    /// The driver cut a value.
    Truncated,
    /// The read took longer than its limit, or the process that did it was killed.
    TimedOut,
    /// The process that loads the driver ended.
    BridgeLost,
    /// Anything else that the driver says.
    DriverError,
}

impl ReadErrorCode {
    /// The stable code, as it stands in logs and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoDriver => "no_driver",
            Self::ConnectFailed => "connect_failed",
            Self::PasswordRefused => "password_refused",
            Self::WrongDatabase => "wrong_database",
            Self::TableMissing => "table_missing",
            Self::TableDenied => "table_denied",
            Self::ColumnMissing => "column_missing",
            Self::Truncated => "truncated",
            Self::TimedOut => "timed_out",
            Self::BridgeLost => "bridge_lost",
            Self::DriverError => "driver_error",
        }
    }
}

impl ReadError {
    /// A failure with its words.
    pub fn new(code: ReadErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// May the same call succeed later without anybody doing anything?
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self.code {
            ReadErrorCode::ConnectFailed
            | ReadErrorCode::TimedOut
            | ReadErrorCode::BridgeLost
            | ReadErrorCode::DriverError => true,
            ReadErrorCode::NoDriver
            | ReadErrorCode::PasswordRefused
            | ReadErrorCode::WrongDatabase
            | ReadErrorCode::TableMissing
            | ReadErrorCode::TableDenied
            | ReadErrorCode::ColumnMissing
            | ReadErrorCode::Truncated => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self.code {
            ReadErrorCode::NoDriver => {
                "install the ODBC driver named in reader.odbc, in the bitness of the bridge, or correct the name (odbcinst -q -d lists them; on Windows odbcad32)"
            }
            ReadErrorCode::ConnectFailed => {
                "check that the server and path in reader.odbc exist and that the service's user may read them"
            }
            ReadErrorCode::PasswordRefused => {
                "correct the user in reader.odbc, and the password in the variable that reader.password_env names"
            }
            ReadErrorCode::WrongDatabase => {
                "check path, Directory and Company in reader.odbc: what answers there has no Sage tables"
            }
            ReadErrorCode::TableMissing => {
                "check the company code and the Sage user's ODBC rights in Role Maintenance; a denied table looks like a missing one"
            }
            ReadErrorCode::TableDenied => {
                "give the user the right to read the table: Role Maintenance (ODBC security), or db_datareader on Premium"
            }
            ReadErrorCode::ColumnMissing => {
                "run erp-driver config check: this release of Sage lacks the column"
            }
            ReadErrorCode::Truncated => "report the column's true width; nothing was taken from this read",
            ReadErrorCode::TimedOut => "try again when Sage is less busy, or raise the time limit",
            ReadErrorCode::BridgeLost => {
                "the driver process is restarted by itself; if this repeats, look for the ODBC driver's crash in the event log"
            }
            ReadErrorCode::DriverError => {
                "the message has the driver's own words; erp-driver config check shows what can be read"
            }
        }
    }
}
