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
    /// The revision that you saw; the one that `imports show` shows when left out. When the
    /// document was edited or decided about since, nothing is done.
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

#[derive(Debug, Args)]
pub(super) struct DiscardArguments {
    /// The document, as `imports list` shows it.
    #[arg(value_name = "ID")]
    id: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// The revision that you saw; the one that `imports show` shows when left out.
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
}

impl RetryArguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let decision = Decision {
            accept: self.accept,
            why: self.why,
        };
        let runs = decide(path, &self.id, (self.revision, DecideAction::Retry, decision))?;
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
        decide(path, &self.id, (self.revision, DecideAction::Discard, decision))?;
        host::cli::print(&format!(
            "{} is given up: it never goes in; nothing in Sage was changed\n",
            self.id
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells the hub; says whether a driver runs here.
fn decide(
    path: &Path,
    id: &str,
    (revision, action, decision): (Option<u32>, DecideAction, Decision),
) -> Result<bool, Failed> {
    let id = import_id(id)?;
    let connection = Connection::open(path)?;
    let journal = look(&connection.config)?;
    let known = journal.as_ref().map(|journal| journal.listed(&id)).transpose()?;
    let record = journal.as_ref().map(|journal| journal.record(&id)).transpose()?;
    let shown = record.flatten().map(|record| record.document.revision);
    if let Some(known) = known.flatten()
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
    let request = Decide {
        action,
        revision: revision.or(shown),
        decision,
    };
    let told = connection
        .handle()
        .block_on(connection.link.decide(&id, &request));
    told.map_err(|error| match error.code() {
        code::IMPORT_UNKNOWN => Failed::new(
            code::IMPORT_UNKNOWN,
            format!("the hub has no document {id} of this driver's companies"),
            "erp-driver imports list shows the ids; a company that was moved to another driver is decided about there",
        ),
        code::REVISION_STALE => Failed::new(
            code::REVISION_STALE,
            format!("{error}: it was edited or decided about meanwhile, and nothing was done"),
            "look at it again (erp-driver imports show, or GET /v1/imports/{id} while the driver has not taken it up), then decide, with --revision where you saw another one",
        ),
        _ => error.into(),
    })?;
    Ok(host::lock::Exclusive::is_held(
        &connection.config.state_dir.join("driver.lock"),
    ))
}
