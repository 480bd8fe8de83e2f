//! `erp-driver imports`: documents, and what a person decides about them.

mod decide;
mod list;
mod lost;
mod show;

use std::path::Path;
use std::process::ExitCode;

use agent_store::journal::{Journal, Listed};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use model::ImportState;
use values::{CompanyId, ImportId};
use wire::status::NamedCondition;

use super::Failed;
use super::connect::{lock, open_journal, read_config};
use super::run::{Standings, read_standings};
use crate::config::Config;
use crate::times::read_for_people;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The documents that this driver knows, newest first.
    #[command(
        after_help = "Example:\n  erp-driver imports list --state held\n  erp-driver imports list --company ABC --json"
    )]
    List(list::Arguments),
    /// Everything about one document: why it waits, every attempt, what stands in Sage.
    #[command(after_help = "Example:\n  erp-driver imports show 0197c5d2e0a37c518f0d3c6b9a4e1f27")]
    Show(show::Arguments),
    /// Hand a document over again that was held, refused or is in doubt.
    #[command(
        after_help = "Example:\n  erp-driver imports retry 0197c5d2e0a37c518f0d3c6b9a4e1f27\n  erp-driver imports retry 0197c5d2e0a37c518f0d3c6b9a4e1f27 --accept credit_hold --why \"paid this morning\"\n  erp-driver imports retry 0197c5d2e0a37c518f0d3c6b9a4e1f27 --accept in_doubt --why \"looked in Sage, nothing there\""
    )]
    Retry(decide::RetryArguments),
    /// Give a document up for good; nothing in Sage is changed.
    #[command(
        after_help = "Example:\n  erp-driver imports discard 0197c5d2e0a37c518f0d3c6b9a4e1f27 --why \"entered by hand\""
    )]
    Discard(decide::DiscardArguments),
    /// The orders that were written and that Sage does not have any more, since it was
    /// restored from a backup.
    #[command(
        after_help = "Example:\n  erp-driver imports lost --company ABC\n  erp-driver imports lost --company ABC --from 0000901 --json"
    )]
    Lost(lost::Arguments),
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
        match self.command {
            Command::List(arguments) => arguments.run(path),
            Command::Show(arguments) => arguments.run(path),
            Command::Retry(arguments) => arguments.run(path),
            Command::Discard(arguments) => arguments.run(path),
            Command::Lost(arguments) => arguments.run(path),
            Command::Thaw { company } => thaw(path, &company),
        }
    }
}

fn thaw(path: &Path, company: &str) -> Result<ExitCode, Failed> {
    let config = read_config(path)?;
    let id = company_of(&config, company)?;
    let _lock = lock(&config)?;
    let mut journal = open_journal(&config)?;
    match journal.frozen(&id)? {
        Some(reason) => {
            journal.thaw(&id)?;
            host::cli::print(&format!(
                "Imports of {id} go on. They were frozen: {reason}\nhint: erp-driver imports lost --company {company} names the orders that Sage does not have any more\n"
            ));
        }
        None => host::cli::print(&format!("Imports of {id} were not frozen.\n")),
    }
    Ok(ExitCode::SUCCESS)
}

fn company_of(config: &Config, name: &str) -> Result<CompanyId, Failed> {
    let found = config.company(name).map(|company| company.id.clone());
    found.ok_or_else(|| {
        Failed::new(
            "company_unknown",
            format!("{} has no company {name:?}", config.path.display()),
            "name a company of the configuration",
        )
    })
}

/// The journal, beside a driver that may run; none before its first start.
fn look(config: &Config) -> Result<Option<Journal>, Failed> {
    let path = config.state_dir.join("journal.db");
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(Journal::look(&path)?))
}

/// An id as the API gives it; anything else could name another place of the hub's.
fn import_id(text: &str) -> Result<ImportId, Failed> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || !text.chars().all(is_plain) {
        return Err(unknown(text));
    }
    Ok(ImportId::new(text))
}

fn unknown(id: &str) -> Failed {
    Failed::new(
        "import_unknown",
        format!("there is no document {id:?} here"),
        "erp-driver imports list shows the ids of those that this driver knows",
    )
}

/// What documents wait for, while the driver runs: the journal keeps no waits.
pub(super) struct Waits(Standings);

impl Waits {
    pub(super) fn read(config: &Config) -> Self {
        let runs = host::lock::Exclusive::is_held(&config.state_dir.join("driver.lock"));
        Self(if runs {
            read_standings(&config.state_dir)
        } else {
            Standings::new()
        })
    }

    pub(super) const fn standings(&self) -> &Standings {
        &self.0
    }

    /// What this document waits for.
    pub(super) fn of(&self, import: &Listed) -> Option<&NamedCondition> {
        let standing = self.0.get(&import.company)?;
        let found = standing.waiting.iter().find(|w| w.import == import.id)?;
        is_open(import.state).then_some(&found.condition)
    }

    /// Where this document stands.
    pub(super) fn state(&self, import: &Listed) -> ImportState {
        match self.of(import) {
            Some(_) if import.state == ImportState::Validated => ImportState::Waiting,
            Some(_) | None => import.state,
        }
    }
}

const fn is_open(state: ImportState) -> bool {
    match state {
        ImportState::Received | ImportState::Validated | ImportState::Waiting | ImportState::Writing => true,
        ImportState::Written
        | ImportState::Held
        | ImportState::InDoubt
        | ImportState::Refused
        | ImportState::Discarded => false,
    }
}

/// A wait in a line.
pub(super) fn wait_words(condition: &NamedCondition, zone: &TimeZone) -> String {
    let by = condition.locked_by.as_ref().map(|who| format!(" by {who}"));
    format!(
        "{}{} since {}, next try {}: {}",
        condition.code,
        by.unwrap_or_default(),
        read_for_people(zone, &condition.since),
        read_for_people(zone, &condition.until),
        condition.detail
    )
}

/// The number that people look a document up by.
pub(super) fn number_of<'a>(kind: &str, state: &str, numbers: &'a model::Numbers) -> &'a str {
    // A number that is only reserved is not to be looked for in Sage.
    if !["written", "in_doubt"].contains(&state) {
        return "-";
    }
    let name = match kind {
        "payment" => "check_no",
        "customer" => "customer_no",
        _ => "sales_order_no",
    };
    numbers.get(name).map_or("-", String::as_str)
}
