//! Reading through a bridge process.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use sage::{ColumnInfo, Dialect, Page, Probe, ReadError, ReadErrorCode, Reader, Select};
use values::Secret;
use wire::bridge::{Request, Response};

use super::process::{Lost, Process, ProcessSlot};

/// A driver has 30 s to log in; the rest is for loading it.
const OPEN_WAIT: Duration = Duration::from_secs(45);
/// Catalogues are small, but some drivers open every file of the company for them.
const CATALOGUE_WAIT: Duration = Duration::from_secs(60);
/// What a bridge gets beyond a read's limit to say by itself that the time is over: then
/// its connection stays.
const GRACE: Duration = Duration::from_secs(1);
/// So many restarts in [`RESTART_WINDOW`]: a driver that crashes at once must not fill the
/// event log, and each start opens Sage's files.
const RESTARTS: usize = 5;
/// See [`RESTARTS`].
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// What a bridge reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadSource {
    /// Through an ODBC driver.
    Odbc {
        /// Connection string without password.
        connection: String,
        /// Password, when there is one.
        password: Option<Secret>,
        /// How statements are written for it.
        dialect: Dialect,
    },
    /// A sandbox company's file.
    Sandbox {
        /// The file.
        path: PathBuf,
    },
}

impl ReadSource {
    fn open_request(&self) -> Request {
        match self {
            Self::Odbc {
                connection,
                password,
                dialect,
            } => Request::OpenOdbc {
                connection: connection.clone(),
                password: password.clone(),
                dialect: dialect.clone(),
            },
            Self::Sandbox { path } => Request::OpenSandboxReader {
                path: path.to_string_lossy().into_owned(),
            },
        }
    }
}

/// A reader in a process of its own, which is started anew after a failure.
#[derive(Debug)]
pub struct ReadBridge {
    program: PathBuf,
    source: ReadSource,
    process: Option<Process>,
    slot: ProcessSlot,
    /// It was closed on purpose: opening it again is no restart after a failure.
    is_closed: bool,
    restarts: VecDeque<Instant>,
}

impl ReadBridge {
    /// Starts the program and opens the source.
    ///
    /// # Errors
    /// What opening fails with; [`ReadErrorCode::BridgeLost`] when the program does not
    /// start or ends, [`ReadErrorCode::TimedOut`] when it does not answer.
    pub fn start(program: &Path, source: &ReadSource) -> Result<Self, ReadError> {
        let mut bridge = Self::closed(program, source, ProcessSlot::default());
        bridge.process = Some(bridge.reopen()?);
        Ok(bridge)
    }

    /// A bridge without a process yet: the first request starts it, and `slot` shows it.
    #[must_use]
    pub fn closed(program: &Path, source: &ReadSource, slot: ProcessSlot) -> Self {
        Self {
            program: program.to_owned(),
            source: source.clone(),
            process: None,
            slot,
            is_closed: true,
            restarts: VecDeque::new(),
        }
    }

    /// Ends the process, and with it every handle on the ERP; the next request starts
    /// another.
    pub fn close(&mut self) {
        if self.process.take().is_some() {
            self.is_closed = true;
        }
    }

    /// The process at work; none between a failure and the next request.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    fn open(&self) -> Result<Process, ReadError> {
        let mut process = Process::start(&self.program, "read").map_err(|error| {
            ReadError::new(
                ReadErrorCode::BridgeLost,
                format!("{} does not start: {error}", self.program.display()),
            )
        })?;
        self.slot.hold(&process);
        match process
            .exchange(&self.source.open_request(), OPEN_WAIT)
            .map_err(read_error)?
        {
            (Response::Opened { .. }, _) => Ok(process),
            (response, _) => Err(refusal(response)),
        }
    }

    fn exchange(
        &mut self,
        request: &Request,
        wait: Duration,
    ) -> Result<(Response, Option<RecordBatch>), ReadError> {
        let mut process = match self.process.take() {
            Some(process) if !self.slot.was_ended() => process,
            Some(_) | None => self.reopen()?,
        };
        let (response, rows) = process.exchange(request, wait).map_err(read_error)?;
        let broken = matches!(
            &response,
            Response::ReadFailed { error } if error.code == ReadErrorCode::ConnectFailed
        );
        // A connection that broke does not mend; the next request opens another.
        if !broken {
            self.process = Some(process);
        }
        Ok((response, rows))
    }

    fn reopen(&mut self) -> Result<Process, ReadError> {
        if std::mem::take(&mut self.is_closed) {
            return self.open();
        }
        let now = Instant::now();
        while self
            .restarts
            .front()
            .is_some_and(|at| now.duration_since(*at) >= RESTART_WINDOW)
        {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= RESTARTS {
            let words = format!(
                "the bridge was started {RESTARTS} times within a minute: it rests until that is over"
            );
            return Err(ReadError::new(ReadErrorCode::BridgeLost, words));
        }
        self.restarts.push_back(now);
        tracing::info!(program = %self.program.display(), "starting the bridge for reading anew");
        self.open()
    }
}

impl Reader for ReadBridge {
    fn probe(&mut self) -> Result<Probe, ReadError> {
        match self.exchange(&Request::Probe, CATALOGUE_WAIT)? {
            (Response::Probe { probe }, _) => Ok(probe),
            (response, _) => Err(refusal(response)),
        }
    }

    fn tables(&mut self) -> Result<Vec<String>, ReadError> {
        match self.exchange(&Request::Tables, CATALOGUE_WAIT)? {
            (Response::Tables { tables }, _) => Ok(tables),
            (response, _) => Err(refusal(response)),
        }
    }

    fn columns(&mut self, table: &str) -> Result<Vec<ColumnInfo>, ReadError> {
        match self.exchange(
            &Request::Columns {
                table: table.to_owned(),
            },
            CATALOGUE_WAIT,
        )? {
            (Response::Columns { columns }, _) => Ok(columns),
            (response, _) => Err(refusal(response)),
        }
    }

    fn read(&mut self, select: &Select, max_rows: usize, time_limit: Duration) -> Result<Page, ReadError> {
        let request = Request::Read {
            select: select.clone(),
            max_rows,
            time_limit_ms: u64::try_from(time_limit.as_millis()).unwrap_or(u64::MAX),
        };
        match self.exchange(&request, time_limit.saturating_add(GRACE))? {
            (Response::Page { end, findings }, Some(rows)) => Ok(Page { rows, end, findings }),
            (response, _) => Err(refusal(response)),
        }
    }
}

fn read_error(lost: Lost) -> ReadError {
    let code = if lost.timed_out {
        ReadErrorCode::TimedOut
    } else {
        ReadErrorCode::BridgeLost
    };
    ReadError::new(code, lost.words)
}

fn refusal(response: Response) -> ReadError {
    match response {
        Response::ReadFailed { error } => error,
        Response::Opened { .. }
        | Response::Probe { .. }
        | Response::Tables { .. }
        | Response::Columns { .. }
        | Response::Page { .. }
        | Response::Return { .. }
        | Response::Faulted { .. } => ReadError::new(
            ReadErrorCode::BridgeLost,
            "the bridge program answers as another version",
        ),
    }
}
