//! `erp-hub`: the platform's side of ERP Driver.

use std::process::ExitCode;

fn main() -> ExitCode {
    host::cli::main(|| {
        hub::run(
            hub::Command::read(std::env::args_os())?,
            &mut std::io::stdout().lock(),
        )?;
        Ok::<_, hub::CommandError>(ExitCode::SUCCESS)
    })
}
