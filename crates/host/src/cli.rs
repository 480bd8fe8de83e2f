//! Where a program writes to its terminal, and how it ends.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

/// An error that says what to do about it.
pub trait Explained: Display {
    /// What a person should do.
    fn remedy(&self) -> Option<String>;
    /// Stable, snake_case.
    fn code(&self) -> &str;
    /// Are the words of the command line wrong?
    fn is_usage(&self) -> bool {
        false
    }
}

/// Ends a program: what `run` says, or 1 after `error: …` and `hint: …` on stderr. Wrong
/// usage ends with 2, as clap's own.
pub fn main<E: Explained>(run: impl FnOnce() -> Result<ExitCode, E>) -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            let mut text = format!("error: {error} ({})\n", error.code());
            if let Some(remedy) = error.remedy() {
                text.push_str(&format!("hint: {remedy}\n"));
            }
            // When stderr is gone the exit code still tells.
            let _ = io::stderr().lock().write_all(text.as_bytes());
            if error.is_usage() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Writes to stdout. A reader that closed the pipe (`| head`) is normal: the program ends
/// with 0. Any other failure ends it with 1, since its output is what was asked for.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            tracing::error!(%error, "stdout cannot be written");
            std::process::exit(1);
        }
    }
}

/// Writes a value as indented JSON and a line end.
pub fn print_json<T: Serialize + ?Sized>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(mut text) => {
            text.push('\n');
            print(&text);
        }
        Err(error) => {
            tracing::error!(%error, "the answer has no JSON form");
            std::process::exit(1);
        }
    }
}
