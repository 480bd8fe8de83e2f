//! What client and server say to each other: one JSON text per line, the token first.

use std::io::{self, BufRead, Read, Write};

use sage::{Fault, Return};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longest line that either side reads: an order comment has no such size.
const LINE_LIMIT: u64 = 1024 * 1024;

/// The only line on the server's standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// Port on 127.0.0.1.
    pub(crate) port: u16,
    /// What a client must say first.
    pub(crate) token: String,
    /// The server's process.
    pub(crate) pid: u32,
    /// Its start, in seconds since 1970-01-01 UTC.
    pub(crate) started_at: u64,
}

/// The client's first line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    /// From the greeting.
    pub(crate) token: String,
}

/// The server's answer to a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Sage answered.
    Return(Return),
    /// It did not.
    Fault(Fault),
}

/// Sends one line.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

/// Reads one line; `None` at the end.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    from.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the line was cut or is too long",
        ));
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
