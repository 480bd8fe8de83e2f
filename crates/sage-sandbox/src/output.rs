//! The one place that prints.

use std::io::{self, Write as _};

use serde::Serialize;

/// One line of data.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// One line of JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    line(&text)
}

/// One line for the person who waits.
pub(crate) fn progress(text: &str) {
    // Progress that nobody can see is no failure.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
