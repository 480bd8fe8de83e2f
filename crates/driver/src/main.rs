//! The `erp-driver` program.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    host::cli::main(|| driver::commands::Cli::parse().run())
}
