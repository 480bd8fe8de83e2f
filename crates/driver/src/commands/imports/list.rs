//! `erp-driver imports list`.

use std::path::Path;
use std::process::ExitCode;

use agent_store::journal::{Journal, Listed};
use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use model::{ImportState, Numbers, Problem};
use serde::Serialize;
use values::ImportId;
use wire::status::NamedCondition;

use super::{Failed, Waits, company_of, import_id, look, number_of, read_config, unknown, wait_words};
use crate::times::read_for_people;

/// Documents read from the journal at a time.
const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(STATES))]
    state: Option<String>,
    /// Only those of this company.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only those older than this document: the next page.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// In which a document is that the journal has.
const STATES: [&str; 8] = [
    ImportState::Validated.as_str(),
    ImportState::Waiting.as_str(),
    ImportState::Writing.as_str(),
    ImportState::Written.as_str(),
    ImportState::Held.as_str(),
    ImportState::InDoubt.as_str(),
    ImportState::Refused.as_str(),
    ImportState::Discarded.as_str(),
];

#[derive(Debug, Default, Serialize)]
struct Answer {
    /// Newest first.
    imports: Vec<Row>,
    /// Where the next page begins (`--after`); null at the end.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    company: String,
    kind: String,
    state: ImportState,
    numbers: Numbers,
    problems: Vec<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<NamedCondition>,
    received_at: String,
}

impl Arguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let company = self.company.as_deref().map(|name| company_of(&config, name));
        let company = company.transpose()?;
        let state = self.state.as_deref().and_then(ImportState::from_name);
        let after = self.after.as_deref().map(import_id).transpose()?;
        let waits = Waits::read(&config);
        let is_wanted = |import: &Listed| {
            company.as_ref().is_none_or(|company| import.company == *company)
                && state.is_none_or(|state| waits.state(import) == state)
        };
        let answer = match (look(&config)?, after) {
            (Some(journal), after) => page(&journal, after, self.limit, is_wanted, &waits)?,
            (None, Some(after)) => return Err(unknown(after.as_str())),
            (None, None) => Answer::default(),
        };
        if self.json {
            host::cli::print_json(&answer);
        } else {
            host::cli::print(&text(&answer, &config.time_zone));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the journal page by page, until so many are found and one more.
fn page(
    journal: &Journal,
    mut after: Option<ImportId>,
    limit: u32,
    is_wanted: impl Fn(&Listed) -> bool,
    waits: &Waits,
) -> Result<Answer, Failed> {
    if let Some(after) = &after
        && journal.listed(after)?.is_none()
    {
        return Err(unknown(after.as_str()));
    }
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut answer = Answer::default();
    loop {
        let found = journal.older(after.as_ref(), PAGE)?;
        let Some(last) = found.last() else {
            return Ok(answer);
        };
        after = Some(last.id.clone());
        for import in found.into_iter().filter(&is_wanted) {
            if answer.imports.len() == most {
                answer.next = answer.imports.last().map(|last| last.id.clone());
                return Ok(answer);
            }
            answer.imports.push(row(import, waits));
        }
    }
}

fn row(import: Listed, waits: &Waits) -> Row {
    Row {
        state: waits.state(&import),
        waits_for: waits.of(&import).cloned(),
        id: import.id.to_string(),
        company: import.company.to_string(),
        kind: import.kind,
        numbers: import.numbers,
        problems: import.problems,
        received_at: import.at.to_string(),
    }
}

fn text(answer: &Answer, zone: &TimeZone) -> String {
    if answer.imports.is_empty() {
        return "no such documents\n".to_owned();
    }
    let mut text =
        "company  kind         number        state      received                    import\n".to_owned();
    for import in &answer.imports {
        text.push_str(&format!(
            "{:<8} {:<12} {:<13} {:<10} {:<27} {}\n",
            import.company,
            import.kind,
            number_of(&import.kind, import.state.as_str(), &import.numbers),
            import.state.as_str(),
            read_for_people(zone, &import.received_at),
            import.id
        ));
        if let Some(condition) = &import.waits_for {
            text.push_str(&format!("  waits: {}\n", wait_words(condition, zone)));
        }
        for problem in &import.problems {
            text.push_str(&format!("  {}: {}\n", problem.code, problem.message));
        }
    }
    if let Some(next) = &answer.next {
        text.push_str(&format!("older ones: --after {next}\n"));
    }
    text
}
