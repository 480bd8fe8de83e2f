//! `erp-hub`: the platform's side of ERP Driver.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let command = hub::Command::parse();
    tracing_subscriber::fmt()
        .with_env_filter(hub::log_filter(std::env::var("ERP_HUB_LOG").ok().as_deref()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    match hub::run(command, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when stderr is gone, too.
            let told = writeln!(std::io::stderr(), "erp-hub: {error}; {}", error.remedy());
            if told.is_err() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
