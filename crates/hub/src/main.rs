//! `erp-hub`: the platform's side of ERP Driver.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    host::cli::main(|| {
        hub::run(hub::Command::parse(), &mut std::io::stdout().lock())?;
        Ok::<_, hub::CommandError>(ExitCode::SUCCESS)
    })
}
