//! `erp-driver rules`.

mod facts;
mod report;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use catalog::Catalog;
use clap::{Args, Subcommand, ValueEnum};
use import::rules::{Applied, DocumentKind, Rules, Vocabulary};
use serde_json::Value as Json;

use self::facts::GivenFacts;
use self::report::Report;
use super::Failed;
use super::connect::read_config;

/// The largest sample document or file of facts in bytes: larger ones are not taken by the hub.
const MAX_FILE_BYTES: u64 = 16 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply a company's mappings and rules to a sample document, and show what would become
    /// of it. Nothing is sent or written.
    #[command(
        after_help = "Exit codes: 0 it would go on, changed or not; 3 it would be held; 4 it would be refused.\n\n\
                      Example:\n  erp-driver rules test --document order.json --facts facts.json\n  \
                      erp-driver rules test --kind payment --document payment.json --json\n\n\
                      order.json is the body of a POST; facts.json is what the ERP would be asked for:\n  \
                      {\"weight\": \"180\", \"lines\": [{\"item.product_line\": \"WF&A\"}]}"
    )]
    Test {
        /// The company; not needed where there is one.
        #[arg(long, value_name = "ID")]
        company: Option<String>,
        /// The document: the JSON body of a POST.
        #[arg(long, value_name = "FILE.json")]
        document: PathBuf,
        /// What kind of document it is.
        #[arg(long, value_enum, default_value_t = DocumentName::SalesOrder)]
        kind: DocumentName,
        /// Facts about the document; without it none is known.
        #[arg(long, value_name = "FILE.json")]
        facts: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum DocumentName {
    SalesOrder,
    Payment,
    Customer,
}

impl From<DocumentName> for DocumentKind {
    fn from(name: DocumentName) -> Self {
        match name {
            DocumentName::SalesOrder => Self::SalesOrder,
            DocumentName::Payment => Self::Payment,
            DocumentName::Customer => Self::Customer,
        }
    }
}

impl Arguments {
    pub(crate) fn run(self, path: &Path, folder: &Path) -> Result<ExitCode, Failed> {
        let Command::Test {
            company,
            document,
            kind,
            facts,
            json,
        } = self.command;
        let config = read_config(path)?;
        let company = match (&company, config.companies.as_slice()) {
            (Some(name), _) => config.company(name).ok_or_else(|| {
                let message = format!("{} has no company {name:?}", path.display());
                Failed::new("company_unknown", message, "name a company of the configuration")
            })?,
            (None, [only]) => only,
            (None, _) => {
                return Err(Failed::new(
                    "company_required",
                    "the configuration has several companies",
                    "name one with --company",
                ));
            }
        };
        let body = read_json(&folder.join(document))?;
        let facts = facts.map(|file| read_json(&folder.join(file))).transpose()?;
        let words = vocabulary()?;
        let kind = kind.into();
        let applied = apply(&company.imports.rules, kind, &body, facts.as_ref(), &words)?;
        let report = Report::new(kind, &company.imports.rules, &body, &applied, facts.is_some());
        if json {
            host::cli::print_json(&report);
        } else {
            host::cli::print(&report.text());
        }
        Ok(ExitCode::from(report.outcome.exit_code()))
    }
}

fn vocabulary() -> Result<Vocabulary, Failed> {
    let catalog = Catalog::standard().map_err(|error| {
        let program = "report it: the program was built wrong";
        Failed::new(
            "catalog_invalid",
            format!("the catalog is wrong: {error}"),
            program,
        )
    })?;
    Ok(Vocabulary::of(&catalog))
}

fn apply(
    rules: &Rules,
    kind: DocumentKind,
    body: &Json,
    facts: Option<&Json>,
    words: &Vocabulary,
) -> Result<Applied, Failed> {
    let facts = facts.map_or_else(
        || Ok(GivenFacts::default()),
        |json| {
            GivenFacts::read(kind, json, words).map_err(|problem| {
                let remedy = "see docs/import-rules.md for the names of facts and how they are written";
                Failed::new("facts_invalid", problem, remedy)
            })
        },
    )?;
    Ok(rules.apply(kind, body, &facts))
}

fn read_json(path: &Path) -> Result<Json, Failed> {
    let refused = |problem: String, remedy: &str| {
        Err(Failed::new(
            "file_unreadable",
            format!("{}: {problem}", path.display()),
            remedy,
        ))
    };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            return refused(
                format!("{} bytes are no document", metadata.len()),
                "name a smaller file",
            );
        }
        Ok(_) => {}
        Err(error) => return refused(error.to_string(), "name a file that can be read"),
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return refused(error.to_string(), "name a file of UTF-8 text that can be read"),
    };
    serde_json::from_str(&text).or_else(|error| refused(error.to_string(), "write it as JSON"))
}
