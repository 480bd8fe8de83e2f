//! The tasks of this repository: `cargo xtask --help` lists them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner speaks to the person at the terminal"
)]

mod bench;
mod cargo;
mod check_windows;
mod ci;
mod demo;
mod deny;
mod failure;
mod licence;
mod long_files;
mod nightly;
mod schemathesis;
mod tally;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "The tasks of this repository")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the programs, run the tests, and list what was skipped and why
    Test(test::Options),
    /// See the product running: company, hub, driver and a web order
    Demo(demo::Options),
    /// Measure
    Bench(bench::Options),
    /// Send documents by the thousand while hub, driver and bridges are killed
    Nightly(nightly::Options),
    /// Ask a live hub whatever its description allows, and what it does not
    Schemathesis(schemathesis::Options),
    /// Check that the programs beside the ERP compile for Windows
    CheckWindows,
    /// Check the licences, bans and sources of every dependency against deny.toml
    Deny,
    /// Run every check that a change must pass
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Nightly(options) => nightly::run(&options),
        Task::Schemathesis(options) => schemathesis::run(&options),
        Task::CheckWindows => check_windows::run(),
        Task::Deny => deny::run(),
        Task::Ci => ci::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
