//! `erp-driver config`.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sage::Reader as _;
use sync::Shape;
use values::AgentId;

use super::Failed;
use super::connect::{datasets, link_config, lock, read_config};
use crate::bridge::ReadBridge;
use crate::config::{File, WriterTarget, password};
use crate::reading::SetupError;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the file, and every company against its live ERP.
    #[command(after_help = "Example:\n  erp-driver --config config.toml config check")]
    Check,
    /// Print the file as it was understood.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        match self.command {
            Command::Check => check(path),
            Command::Show { json } => show(path, json),
        }
    }
}

fn check(path: &Path) -> Result<ExitCode, Failed> {
    let config = read_config(path)?;
    let mut stopped = 0;
    // Nothing is sent: this finds addresses, files and proxies that cannot be used.
    link::Link::new(
        &link_config(&config, &config.hub_url)?,
        AgentId::new("check"),
        |_| String::new(),
    )?;
    match lock(&config) {
        Ok(_free) => {}
        Err(failed) if failed.code == "already_running" => {}
        Err(failed) => return Err(failed),
    }
    if let Err(error) = secrets::Identity::load(&config.state_dir) {
        host::cli::print(&format!("not enrolled yet: {}\n", error.remedy()));
    }
    for company in &config.companies {
        let source = company.read_source().map_err(SetupError::from)?;
        let mut bridge =
            ReadBridge::start(&crate::bridge::default_program(), &source).map_err(SetupError::from)?;
        let probe = bridge.probe().map_err(SetupError::from)?;
        host::cli::print(&format!(
            "{}: reached through {} {}\n",
            company.id, probe.driver, probe.driver_version
        ));
        if let Some(WriterTarget::Sandbox(file)) = &company.writer {
            if !file.exists() {
                return Err(Failed::new(
                    "writer_missing",
                    format!("{}: there is no file {}", company.id, file.display()),
                    "correct writer.sandbox",
                ));
            }
            company
                .orders
                .password_env
                .as_deref()
                .map(password)
                .transpose()
                .map_err(SetupError::from)?;
        }
        for dataset in datasets(&config, &[])? {
            let fitted = Shape::fit(&dataset, |table| bridge.columns(table)).map_err(SetupError::from)?;
            match fitted {
                Ok((_, problems)) if problems.is_empty() => {
                    host::cli::print(&format!("  {}: complete\n", dataset.name));
                }
                Ok((_, problems)) => {
                    host::cli::print(&format!(
                        "  {}: without {} columns\n",
                        dataset.name,
                        problems.len()
                    ));
                    problems
                        .iter()
                        .for_each(|p| host::cli::print(&format!("    {p}\n")));
                }
                Err(problem) => {
                    stopped += 1;
                    host::cli::print(&format!("  {}: cannot be read: {problem}\n", dataset.name));
                }
            }
        }
    }
    if stopped > 0 {
        return Err(Failed::new(
            "datasets_unreadable",
            format!("{stopped} datasets cannot be read"),
            "check the company code and the Sage user's rights, or name only the datasets that the site has as sync.datasets",
        ));
    }
    host::cli::print("The configuration holds.\n");
    Ok(ExitCode::SUCCESS)
}

fn show(path: &Path, json: bool) -> Result<ExitCode, Failed> {
    read_config(path)?;
    let file: File =
        host::config::read(path).map_err(|e| Failed::new(e.code(), e.to_string(), e.remedy()))?;
    if json {
        host::cli::print_json(&file);
    } else {
        let text = toml::to_string_pretty(&file)
            .map_err(|e| Failed::new("config_unprintable", e.to_string(), "use --json"))?;
        host::cli::print(&text);
    }
    Ok(ExitCode::SUCCESS)
}
