//! Between the driver and a bridge process, over its stdin and stdout.
//!
//! A frame is a little-endian `u32` length, a tag byte (`J` JSON, `A` Arrow IPC) and the
//! payload; the length covers the payload only. The driver sends one [`Request`] and waits
//! for its [`Response`]; a page of rows is a [`Response::Page`] followed by one `A` frame.
//! Secrets travel here, never on the command line.

use std::io::{self, Read, Write};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use sage::{Call, ColumnInfo, Dialect, Fault, Finding, Probe, ReadError, Return, Select, ServerProcess};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use values::Secret;

/// Largest payload of one frame: a page is cut far below it.
pub const MAX_FRAME_BYTES: u32 = 256 * 1024 * 1024;

/// What the driver asks of a bridge. `Open…` comes first and once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
pub enum Request {
    /// Role `read`: connect through an ODBC driver.
    OpenOdbc {
        /// Connection string without password.
        connection: String,
        /// Appended as `PWD`, when there is one.
        password: Option<Secret>,
        /// How statements are written for it.
        dialect: Dialect,
    },
    /// Role `read`: a sandbox company's file.
    OpenSandboxReader {
        /// The file.
        path: String,
    },
    /// Role `write`: a sandbox company's business objects, in a server process of their own.
    OpenSandboxWriter {
        /// The file.
        path: String,
        /// The `sage-sandbox` program.
        program: String,
    },
    /// [`sage::Reader::probe`].
    Probe,
    /// [`sage::Reader::tables`].
    Tables,
    /// [`sage::Reader::columns`].
    Columns {
        /// Sage table.
        table: String,
    },
    /// [`sage::Reader::read`].
    Read {
        /// The statement.
        select: Select,
        /// At most so many rows.
        max_rows: usize,
        /// Milliseconds after which the read is given up.
        time_limit_ms: u64,
    },
    /// [`sage::BusinessObjects::call`].
    Call {
        /// The call.
        call: Call,
    },
}

/// What a bridge answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "response")]
pub enum Response {
    /// Open.
    Opened {
        /// Role `write`: the process that does the work.
        server: Option<ServerProcess>,
    },
    /// To [`Request::Probe`].
    Probe {
        /// What answers.
        probe: Probe,
    },
    /// To [`Request::Tables`].
    Tables {
        /// Names, sorted.
        tables: Vec<String>,
    },
    /// To [`Request::Columns`].
    Columns {
        /// By the driver's catalogue.
        columns: Vec<ColumnInfo>,
    },
    /// To [`Request::Read`]; an `A` frame with the rows follows.
    Page {
        /// No row is left.
        end: bool,
        /// What was wrong with single values.
        findings: Vec<Finding>,
    },
    /// To [`Request::Call`].
    Return {
        /// Sage's answer.
        answer: Return,
    },
    /// Reading failed.
    ReadFailed {
        /// Why.
        error: ReadError,
    },
    /// The call did not come back; this bridge is of no more use.
    Faulted {
        /// Why.
        fault: Fault,
    },
}

const JSON: u8 = b'J';
const ARROW: u8 = b'A';

/// Writes a JSON frame and flushes.
///
/// # Errors
/// The pipe is closed.
pub fn write_message<M: Serialize>(out: &mut impl Write, message: &M) -> io::Result<()> {
    let payload = serde_json::to_vec(message)?;
    write_frame(out, JSON, &payload)
}

/// Reads a JSON frame; `None` when the other side closed the pipe between frames.
///
/// # Errors
/// The pipe broke inside a frame, or the frame is no such message.
pub fn read_message<M: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<M>> {
    match read_frame(input)? {
        None => Ok(None),
        Some((JSON, payload)) => Ok(Some(serde_json::from_slice(&payload)?)),
        Some(_) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message was expected",
        )),
    }
}

/// Writes rows as an Arrow frame and flushes. Uncompressed: it only crosses a pipe.
///
/// # Errors
/// The pipe is closed, or the rows are too many for one frame.
pub fn write_rows(out: &mut impl Write, rows: &RecordBatch) -> io::Result<()> {
    let encode = || -> Result<Vec<u8>, ArrowError> {
        let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema())?;
        writer.write(rows)?;
        writer.into_inner()
    };
    let payload = encode().map_err(io::Error::other)?;
    write_frame(out, ARROW, &payload)
}

/// Reads an Arrow frame.
///
/// # Errors
/// The pipe broke, or the frame is no rows.
pub fn read_rows(input: &mut impl Read) -> io::Result<RecordBatch> {
    match read_frame(input)? {
        Some((ARROW, payload)) => crate::batch::decode_rows(&payload).map_err(io::Error::other),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "rows were expected")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn write_frame(out: &mut impl Write, tag: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len())
        .ok()
        .filter(|l| *l <= MAX_FRAME_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame over the limit"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&[tag])?;
    out.write_all(payload)?;
    out.flush()
}

fn read_frame(input: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0_u8; 5];
    let mut have = 0;
    while have < head.len() {
        match input.read(&mut head[have..])? {
            0 if have == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => have += read,
        }
    }
    let [a, b, c, d, tag] = head;
    let length = u32::from_le_bytes([a, b, c, d]);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame over the limit"));
    }
    let mut payload = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let read = input.take(u64::from(length)).read_to_end(&mut payload)?;
    if read != usize::try_from(length).unwrap_or(usize::MAX) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((tag, payload)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn frames_come_back() {
        let rows =
            RecordBatch::try_from_iter([("x", Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef)])
                .unwrap();
        let mut pipe = Vec::new();
        write_message(
            &mut pipe,
            &Request::Columns {
                table: "CI_Item".into(),
            },
        )
        .unwrap();
        write_rows(&mut pipe, &rows).unwrap();
        let mut input = pipe.as_slice();
        assert_eq!(
            read_message::<Request>(&mut input).unwrap(),
            Some(Request::Columns {
                table: "CI_Item".into()
            })
        );
        assert_eq!(read_rows(&mut input).unwrap(), rows);
        assert_eq!(read_message::<Request>(&mut input).unwrap(), None);
    }

    #[test]
    fn a_cut_frame_is_an_error_not_an_end() {
        let mut pipe = Vec::new();
        write_message(&mut pipe, &Request::Probe).unwrap();
        for cut in 1..pipe.len() {
            assert!(
                read_message::<Request>(&mut &pipe[..cut]).is_err(),
                "cut at {cut}"
            );
        }
    }
}
