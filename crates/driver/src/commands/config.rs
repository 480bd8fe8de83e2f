//! `erp-driver config`.

mod check;
mod effect;
mod report;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Failed;
use super::connect::read_config;
use crate::config::{File, SCHEMA};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file, and every company against its live ERP, with the whole effect of
    /// filters and steps. Nothing is changed.
    #[command(
        after_help = "Example:\n  erp-driver --config config.toml config check\n  erp-driver config check --approve-filters"
    )]
    Check(check::Arguments),
    /// Print the file as it was understood.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the file's JSON schema, for editors.
    #[command(after_help = "Example:\n  erp-driver config schema > erp-driver.schema.json")]
    Schema,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        match self.command {
            Command::Check(arguments) => arguments.run(path),
            Command::Show { json } => show(path, json),
            Command::Schema => {
                host::cli::print(SCHEMA);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn show(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    read_config(path)?;
    let file: File = host::config::read(path)?;
    let file = file.without_secrets();
    if json {
        host::cli::print_json(&file);
    } else {
        let text = toml::to_string_pretty(&file)
            .map_err(|e| Failed::new("config_unprintable", e.to_string(), "use --json"))?;
        host::cli::print(&text);
    }
    Ok(ExitCode::SUCCESS)
}
