//! `erp-driver imports retry` and `imports discard`: the hub keeps the word, and hands the
//! document over again.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use model::{Decision, ImportState};
use wire::agent::{Decide, DecideAction, code};

use super::{Failed, import_id, look, number_of};
use crate::commands::connect::Connection;

#[derive(Debug, Args)]
pub(super) struct RetryArguments {
    /// The document, as `imports list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// A problem with which it shall go in all the same; may be given more than once.
    /// `in_doubt` says that you looked in Sage and found nothing of it.
    #[arg(long, value_name = "CODE")]
    accept: Vec<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    why: String,
}

#[derive(Debug, Args)]
pub(super) struct DiscardArguments {
    /// The document, as `imports list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    why: String,
}

impl RetryArguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let decision = Decision {
            accept: self.accept,
            why: self.why,
        };
        let runs = decide(path, &self.id, DecideAction::Retry, decision)?;
        let when = if runs {
            "it is tried again now"
        } else {
            "it is tried again when the driver runs"
        };
        host::cli::print(&format!("{}: {when}\n", self.id));
        Ok(ExitCode::SUCCESS)
    }
}

impl DiscardArguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let decision = Decision {
            accept: Vec::new(),
            why: self.why,
        };
        decide(path, &self.id, DecideAction::Discard, decision)?;
        host::cli::print(&format!(
            "{} is given up: it never goes in; nothing in Sage was changed\n",
            self.id
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells the hub; says whether a driver runs here.
fn decide(path: &Path, id: &str, action: DecideAction, decision: Decision) -> Result<bool, Failed> {
    let id = import_id(id)?;
    let connection = Connection::open(path)?;
    if let Some(journal) = look(&connection.config)?
        && let Some(known) = journal.listed(&id)?
        && known.state == ImportState::Written
    {
        return Err(Failed::new(
            "import_written",
            format!(
                "{id} is in Sage already, as {}",
                number_of(&known.kind, known.state.as_str(), &known.numbers)
            ),
            "change or delete the record in Sage; a document that is written is never entered again",
        ));
    }
    let request = Decide { action, decision };
    let told = connection
        .handle()
        .block_on(connection.link.decide(&id, &request));
    told.map_err(|error| match error.code() {
        code::IMPORT_UNKNOWN => Failed::new(
            code::IMPORT_UNKNOWN,
            format!("the hub has no document {id} of this driver's companies"),
            "erp-driver imports list shows the ids; a company that was moved to another driver is decided about there",
        ),
        _ => error.into(),
    })?;
    Ok(host::lock::Exclusive::is_held(
        &connection.config.state_dir.join("driver.lock"),
    ))
}
