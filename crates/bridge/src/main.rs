//! `erp-bridge read|write`: arguments, logs, and the loop.

use std::io;
use std::process::ExitCode;

use bridge::{Role, serve};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Part of ERP Driver: started by the driver, and of no use without it.
///
/// Requests come on standard input, answers go to standard output, logs to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "erp-bridge",
    version,
    after_help = "Example (as the driver does it):\n  erp-bridge read"
)]
struct Arguments {
    /// What the process is for.
    role: Role,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("ERP_DRIVER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_env_filter(filter)
        .init();
    let on_close = move || match arguments.role {
        // A read that nobody waits for may hang in the driver for ever.
        Role::Read => std::process::exit(0),
        // A call that is being made is made to its end: the objects' server makes it anyway.
        Role::Write => {}
    };
    match serve(arguments.role, io::stdin(), &mut io::stdout().lock(), on_close) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the connection to the driver broke");
            ExitCode::FAILURE
        }
    }
}
