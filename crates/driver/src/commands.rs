//! The command line of `erp-driver`.

mod config;
mod connect;
mod enroll;
mod failure;
mod imports;
mod pause;
mod prove;
mod reconcile;
mod rules;
mod run;
mod status;
mod sync;
mod verify;
mod writing;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
pub use failure::Failed;

/// Keeps Sage 100 and its cloud platform in step, both ways.
#[derive(Debug, Parser)]
#[command(
    name = "erp-driver",
    version,
    after_help = "Example:\n  erp-driver --config config.toml sync\n  erp-driver verify --json"
)]
pub struct Cli {
    /// Configuration file.
    #[arg(long, global = true, env = "ERP_DRIVER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    log: host::log::LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this server known to a hub, with a one-time code.
    #[command(
        after_help = "Example:\n  erp-driver enroll --hub https://hub.example.com --code 0916a23a933f1db7b55c74b63737ead5"
    )]
    Enroll(enroll::Arguments),
    /// Sync and enter documents until stopped.
    #[command(after_help = "Example:\n  erp-driver --config config.toml run")]
    Run(run::Arguments),
    /// One pass over everything, then exit.
    #[command(after_help = "Example:\n  erp-driver sync --dataset items --dataset inventory")]
    Sync(sync::Arguments),
    /// Compare ERP and hub row by row; exit 1 on a difference.
    #[command(after_help = "Example:\n  erp-driver verify --dataset items")]
    Verify(verify::Arguments),
    /// Compare everything now; show what is held, and confirm it.
    #[command(
        after_help = "Example:\n  erp-driver reconcile --dataset items\n  erp-driver reconcile --dataset items --confirm-deletes"
    )]
    Reconcile(reconcile::Arguments),
    /// Where every dataset and document stands.
    #[command(after_help = "Example:\n  erp-driver status --json")]
    Status(status::Arguments),
    /// Leave Sage alone: nothing is read or entered, every handle is given back.
    #[command(
        after_help = "Example:\n  erp-driver pause --for 2h --reason \"period end\"\n  erp-driver pause --until 2026-05-06T18:00"
    )]
    Pause(pause::PauseArguments),
    /// End a pause, also one of the schedule.
    #[command(after_help = "Example:\n  erp-driver resume\n  erp-driver resume --company ABC")]
    Resume(pause::ResumeArguments),
    /// Try in a copied company what this build of Sage does, and keep it as the site's profile.
    #[command(
        after_help = "Example:\n  erp-driver prove --company TST\n  erp-driver prove --company TST --for ABC --json"
    )]
    Prove(prove::Arguments),
    /// Documents for Sage: look at them, try them again, give them up.
    #[command(
        after_help = "Example:\n  erp-driver imports list --state held\n  erp-driver imports show 0197c5d2e0a37c518f0d3c6b9a4e1f27"
    )]
    Imports(imports::Arguments),
    /// Try mappings and special rules on a sample document.
    #[command(after_help = "Example:\n  erp-driver rules test --document order.json --facts facts.json")]
    Rules(rules::Arguments),
    /// Check or show the configuration.
    #[command(after_help = "Example:\n  erp-driver config check")]
    Config(config::Arguments),
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// [`Failed`] with what to do about it.
    pub fn run(self) -> Result<std::process::ExitCode, Failed> {
        host::log::init(&self.log);
        let config = self.config.unwrap_or_else(host::config::default_path);
        let config = std::path::absolute(&config).unwrap_or(config);
        // Files that a command names are looked for from where it was called.
        let here = std::env::current_dir().unwrap_or_default();
        // Relative paths in the file, those inside connection strings too, are the file's.
        if let Some(folder) = config.parent().filter(|f| f.is_dir())
            && let Err(error) = std::env::set_current_dir(folder)
        {
            tracing::warn!(%error, folder = %folder.display(), "relative paths are looked up elsewhere");
        }
        match self.command {
            Command::Enroll(arguments) => arguments.run(&config),
            Command::Run(arguments) => arguments.run(&config),
            Command::Sync(arguments) => arguments.run(&config),
            Command::Verify(arguments) => arguments.run(&config),
            Command::Reconcile(arguments) => arguments.run(&config),
            Command::Status(arguments) => arguments.run(&config),
            Command::Pause(arguments) => arguments.run(&config),
            Command::Resume(arguments) => arguments.run(&config),
            Command::Prove(arguments) => arguments.run(&config),
            Command::Imports(arguments) => arguments.run(&config),
            Command::Rules(arguments) => arguments.run(&config, &here),
            Command::Config(arguments) => arguments.run(&config),
        }
    }
}
