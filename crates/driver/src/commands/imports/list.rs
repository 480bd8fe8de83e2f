//! `erp-driver imports list`.

use std::path::Path;
use std::process::ExitCode;

use agent_store::journal::Listed;
use clap::Args;
use model::{ImportState, Numbers, Problem};
use serde::Serialize;
use wire::status::NamedCondition;

use super::{Failed, Waits, company_of, look, number_of, read_config, seconds, wait_words};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only those in this state: validated, waiting, writing, written, held, `in_doubt`,
    /// refused, discarded.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<ImportState>,
    /// Only those of this company.
    #[arg(long, value_name = "ID")]
    company: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn state(name: &str) -> Result<ImportState, String> {
    ImportState::from_name(name).ok_or_else(|| "no such state".to_owned())
}

#[derive(Debug, Serialize)]
struct Answer {
    /// Newest first.
    imports: Vec<Row>,
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
        let waits = Waits::read(&config);
        let listed = match look(&config)? {
            Some(journal) => journal.list(u32::MAX)?,
            None => Vec::new(),
        };
        let shown = listed
            .into_iter()
            .filter(|import| company.as_ref().is_none_or(|company| import.company == *company))
            .filter(|import| self.state.is_none_or(|state| waits.state(import) == state))
            .take(self.limit);
        let answer = Answer {
            imports: shown.map(|import| row(import, &waits)).collect(),
        };
        if self.json {
            host::cli::print_json(&answer);
        } else {
            host::cli::print(&text(&answer));
        }
        Ok(ExitCode::SUCCESS)
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

fn text(answer: &Answer) -> String {
    if answer.imports.is_empty() {
        return "no such documents\n".to_owned();
    }
    let mut text = "company  kind         number        state      received              import\n".to_owned();
    for import in &answer.imports {
        text.push_str(&format!(
            "{:<8} {:<12} {:<13} {:<10} {:<21} {}\n",
            import.company,
            import.kind,
            number_of(&import.kind, import.state.as_str(), &import.numbers),
            import.state.as_str(),
            seconds(&import.received_at),
            import.id
        ));
        if let Some(condition) = &import.waits_for {
            text.push_str(&format!("  waits: {}\n", wait_words(condition)));
        }
        for problem in &import.problems {
            text.push_str(&format!("  {}: {}\n", problem.code, problem.message));
        }
    }
    text
}
