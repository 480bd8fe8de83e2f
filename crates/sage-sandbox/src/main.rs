//! The program: parses its arguments, runs, and tells a failure in one line.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use sage_sandbox::cli::Cli;

fn main() -> ExitCode {
    match sage_sandbox::run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // `sage-sandbox show … | head` has had enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to be told when standard error is closed.
            let _ = writeln!(
                io::stderr(),
                "sage-sandbox: {error} [{}]; {}",
                error.code(),
                error.remedy()
            );
            ExitCode::FAILURE
        }
    }
}
