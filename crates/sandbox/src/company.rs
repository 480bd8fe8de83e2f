//! An open sandbox company.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, OpenFlags};
use values::Stamp;

use crate::SandboxError;
use crate::settings::{COMPANY_CODE, Settings, TIME_ZONE};

/// Tells a sandbox company from any other `SQLite` file (`SAGB`).
pub const APPLICATION_ID: i32 = 0x5341_4742;

/// How long a statement waits for another process that writes.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Where the company takes its time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An open company: Sage's tables and the settings beside them.
pub struct Company {
    connection: Connection,
    path: PathBuf,
    clock: Clock,
}

impl Company {
    /// Opens a company that exists. A file is never made.
    ///
    /// # Errors
    /// [`SandboxError::WrongDatabase`] when nothing is there or it is no company.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, SandboxError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            clock,
        })
    }

    /// The company's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for reading and for single statements.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The connection, for transactions.
    pub const fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Settings, next numbers, locks and faults.
    #[must_use]
    pub const fn settings(&self) -> Settings<'_> {
        Settings::new(&self.connection)
    }

    /// The instant by the clock that the company was opened with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The company's code (`ABC`).
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when the company has none.
    pub fn code(&self) -> Result<String, SandboxError> {
        self.settings()
            .get(COMPANY_CODE)?
            .ok_or_else(|| missing(COMPANY_CODE, "a company code such as ABC"))
    }

    /// The zone in which stamps are written.
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when the zone is not known.
    pub fn zone(&self) -> Result<TimeZone, SandboxError> {
        const EXPECTED: &str = "an IANA time zone such as America/New_York";
        let name = self
            .settings()
            .get(TIME_ZONE)?
            .ok_or_else(|| missing(TIME_ZONE, EXPECTED))?;
        TimeZone::get(&name).map_err(|_| SandboxError::BadSetting {
            name: TIME_ZONE.to_owned(),
            value: name,
            expected: EXPECTED,
        })
    }

    /// The stamp that a change made now carries.
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when the zone is not known.
    pub fn stamp(&self) -> Result<Stamp, SandboxError> {
        self.stamp_at(self.now())
    }

    /// The stamp that a change made at this instant carries.
    ///
    /// # Errors
    /// [`SandboxError::BadSetting`] when the zone is not known.
    pub fn stamp_at(&self, instant: Timestamp) -> Result<Stamp, SandboxError> {
        Ok(Stamp::of(self.zone()?.to_datetime(instant)))
    }
}

impl fmt::Debug for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Company")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The clock of this machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// A connection to a company that exists.
pub(crate) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, SandboxError> {
    let wrong = |reason: &str| SandboxError::WrongDatabase {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if !path.exists() {
        return Err(wrong("there is no such file"));
    }
    if !path.is_file() {
        return Err(wrong("it is not a file"));
    }
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| wrong(&format!("it cannot be opened ({error})")))?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(128);
    let id: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| {
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) {
                wrong("it is no database")
            } else {
                SandboxError::Database(error)
            }
        })?;
    if id == APPLICATION_ID {
        Ok(connection)
    } else {
        Err(wrong("it is another program's database"))
    }
}

fn missing(name: &str, expected: &'static str) -> SandboxError {
    SandboxError::BadSetting {
        name: name.to_owned(),
        value: String::new(),
        expected,
    }
}
