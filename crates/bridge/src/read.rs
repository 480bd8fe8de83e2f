//! Role `read`.

use std::path::Path;
use std::time::Duration;

use sage::{ReadError, ReadErrorCode, Reader};
use sage_odbc::OdbcReader;
use sandbox::SandboxReader;
use wire::bridge::{Request, Response};

use crate::{Answer, Side};

/// Seconds that a driver may take to log in, where it knows a limit; the driver process
/// kills us a little later.
const LOGIN_TIMEOUT_S: u32 = 30;

/// Holds the reader once it is open.
#[derive(Default)]
pub(crate) struct ReadSide {
    reader: Option<Box<dyn Reader>>,
}

impl Side for ReadSide {
    fn answer(&mut self, request: Request) -> Answer {
        self.try_answer(request).unwrap_or_else(|error| {
            tracing::debug!(code = error.code.as_str(), %error, "read failed");
            (Response::ReadFailed { error }, None)
        })
    }
}

impl ReadSide {
    fn try_answer(&mut self, request: Request) -> Result<Answer, ReadError> {
        let response = match request {
            Request::OpenOdbc {
                connection,
                password,
                dialect,
            } => {
                let reader = OdbcReader::connect(&connection, password.as_ref(), dialect, LOGIN_TIMEOUT_S)?;
                self.open(Box::new(reader))?
            }
            Request::OpenSandboxReader { path } => {
                self.open(Box::new(SandboxReader::open(Path::new(&path))?))?
            }
            Request::Probe => Response::Probe {
                probe: self.reader()?.probe()?,
            },
            Request::Tables => Response::Tables {
                tables: self.reader()?.tables()?,
            },
            Request::Columns { table } => Response::Columns {
                columns: self.reader()?.columns(&table)?,
            },
            Request::Read {
                select,
                max_rows,
                time_limit_ms,
            } => {
                let page = self
                    .reader()?
                    .read(&select, max_rows, Duration::from_millis(time_limit_ms))?;
                return Ok((
                    Response::Page {
                        end: page.end,
                        findings: page.findings,
                    },
                    Some(page.rows),
                ));
            }
            Request::OpenSandboxWriter { .. } | Request::Call { .. } => {
                return Err(misused("a bridge for reading does not write"));
            }
        };
        Ok((response, None))
    }

    fn open(&mut self, reader: Box<dyn Reader>) -> Result<Response, ReadError> {
        if self.reader.is_some() {
            return Err(misused("the bridge is open already"));
        }
        self.reader = Some(reader);
        Ok(Response::Opened { server: None })
    }

    fn reader(&mut self) -> Result<&mut dyn Reader, ReadError> {
        match &mut self.reader {
            Some(reader) => Ok(reader.as_mut()),
            None => Err(misused("the bridge is not open")),
        }
    }
}

fn misused(words: &str) -> ReadError {
    ReadError::new(ReadErrorCode::DriverError, words)
}
