//! `erp-driver imports`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use values::CompanyId;

use super::Failed;
use super::connect::{lock, open_journal, read_config};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let imports of a company go on that were frozen because Sage looked restored from a
    /// backup; the driver must be stopped.
    #[command(after_help = "Example:\n  erp-driver imports thaw --company ABC")]
    Thaw {
        /// The company.
        #[arg(long, value_name = "ID")]
        company: String,
    },
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let Command::Thaw { company } = self.command;
        let config = read_config(path)?;
        let Some(company) = config.company(&company) else {
            return Err(Failed::new(
                "company_unknown",
                format!("{} has no company {company:?}", path.display()),
                "name a company of the configuration",
            ));
        };
        let _lock = lock(&config)?;
        let mut journal = open_journal(&config)?;
        let id = CompanyId::new(company.id.as_str());
        match journal.frozen(&id)? {
            Some(reason) => {
                journal.thaw(&id)?;
                host::cli::print(&format!("Imports of {id} go on. They were frozen: {reason}\n"));
            }
            None => host::cli::print(&format!("Imports of {id} were not frozen.\n")),
        }
        Ok(ExitCode::SUCCESS)
    }
}
