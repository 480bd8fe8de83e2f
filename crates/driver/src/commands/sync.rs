//! `erp-driver sync`: one pass over everything, then exit.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use catalog::Dataset;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sync::{Outcome, PassKind, RowFinding, ShapeProblem};

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::run::Said;
use crate::reading::{CompanyReader, Observer, PassReport};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these datasets.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Only these companies.
    #[arg(long = "company", value_name = "ID")]
    companies: Vec<String>,
    /// Read whole tables, also where stamps would do.
    #[arg(long)]
    full: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    company: String,
    dataset: String,
    result: &'static str,
    documents: u64,
    sent: u64,
    seconds: f64,
    findings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    message: String,
    remedy: String,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Connection::open(path)?;
        let _lock = lock(&connection.config)?;
        let datasets = datasets(&connection.config, &self.datasets)?;
        let journal = open_journal(&connection.config)?;
        let mut rows = Vec::new();
        for company in connection.companies(&self.companies)? {
            connection.lease(&company, journal.store_id())?;
            let mut reader = connection.reader(&company)?;
            for dataset in &datasets {
                let kind = if self.full {
                    PassKind::Full
                } else {
                    CompanyReader::usual_pass(dataset)
                };
                let mut progress = Progress::new(dataset);
                let report = reader.run_pass(dataset, kind, &mut progress);
                progress.bar.finish_and_clear();
                rows.push(Row::new(company.id.as_str(), dataset, &report));
            }
        }
        let failed = rows.iter().any(|r| r.problem.is_some());
        if self.json {
            host::cli::print_json(&rows);
        } else {
            host::cli::print(&table(&rows));
        }
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

impl Row {
    fn new(company: &str, dataset: &Dataset, report: &PassReport) -> Self {
        let mut row = Self {
            company: company.to_owned(),
            dataset: dataset.name.to_string(),
            result: "complete",
            documents: 0,
            sent: 0,
            seconds: report.took.as_secs_f64(),
            findings: report.findings,
            problem: None,
        };
        match &report.outcome {
            Outcome::Complete { documents, sent, .. } => {
                row.documents = *documents;
                row.sent = *sent;
            }
            Outcome::Failed(failure) => {
                let failed = Failed::from_pass(failure);
                row.result = "failed";
                row.problem = Some(Problem {
                    code: failed.code,
                    message: failed.message,
                    remedy: failed.remedy,
                });
            }
            Outcome::ShapesDiffer { hub, driver } => {
                row.result = "failed";
                row.problem = Some(Problem {
                    code: "fingerprint_mismatch".to_owned(),
                    message: format!(
                        "driver and hub know different shapes of {} ({driver}, {hub})",
                        dataset.name
                    ),
                    remedy: "update the older of the two".to_owned(),
                });
            }
        }
        row
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("company  dataset              read     sent   seconds\n");
    for row in rows {
        text.push_str(&format!(
            "{:<8} {:<16} {:>8} {:>8} {:>9.2}{}\n",
            row.company,
            row.dataset,
            row.documents,
            row.sent,
            row.seconds,
            if row.findings > 0 {
                format!("  {} findings", row.findings)
            } else {
                String::new()
            }
        ));
        if let Some(problem) = &row.problem {
            text.push_str(&format!(
                "  failed ({}): {}\n  hint: {}\n",
                problem.code, problem.message, problem.remedy
            ));
        }
    }
    text
}

/// Shows a pass on the terminal; where there is none, a line now and then.
pub(crate) struct Progress<'a> {
    said: Option<&'a mut Said>,
    bar: ProgressBar,
    documents: u64,
    sent: u64,
    findings: u64,
    started: Instant,
    logged: Instant,
}

/// Between two lines of progress where no terminal is.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Findings of one pass that are logged one by one.
const MAX_LOGGED_FINDINGS: u64 = 20;

impl<'a> Progress<'a> {
    pub(crate) fn new(dataset: &Dataset) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<18} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(dataset.name.to_string());
        Self {
            said: None,
            bar,
            documents: 0,
            sent: 0,
            findings: 0,
            started: Instant::now(),
            logged: Instant::now(),
        }
    }

    /// For a service, whose log says what changed and nothing else.
    pub(crate) fn quiet(dataset: &Dataset, said: &'a mut Said) -> Self {
        let mut progress = Self::new(dataset);
        progress.said = Some(said);
        progress
            .bar
            .set_draw_target(indicatif::ProgressDrawTarget::hidden());
        progress
    }

    fn show(&mut self, dataset: &Dataset) {
        let rate = self.documents as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let text = format!("{} read, {} sent, {rate:.0} a second", self.documents, self.sent);
        self.bar.set_message(text.clone());
        self.bar.tick();
        if self.bar.is_hidden() && self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            tracing::info!(dataset = %dataset.name, "{}: {text}", dataset.name);
        }
    }
}

impl Observer for Progress<'_> {
    fn page(&mut self, dataset: &Dataset, documents: u64, sent: u64) {
        self.documents += documents;
        self.sent += sent;
        self.show(dataset);
    }

    fn rebuilding(&mut self, dataset: &Dataset, entries: u64) {
        self.bar.set_message(format!("index from the hub: {entries}"));
        self.bar.tick();
        tracing::debug!(dataset = %dataset.name, entries, "index rebuilt from the hub so far");
    }

    fn finding(&mut self, dataset: &Dataset, finding: &RowFinding) {
        self.findings += 1;
        let RowFinding { key, column, code } = finding;
        let is_new =
            |said: &mut Said| said.is_new_finding(format!("{} {key} {column} {code:?}", dataset.name));
        let is_told = self.said.as_deref_mut().is_none_or(is_new);
        if self.findings <= MAX_LOGGED_FINDINGS && is_told {
            tracing::warn!(dataset = %dataset.name, %key, column, ?code, "a value of {} {key} could not be taken as it is: {column}", dataset.name);
        }
    }

    fn shape(&mut self, dataset: &Dataset, problem: &ShapeProblem) {
        tracing::warn!(dataset = %dataset.name, code = problem.code(), "{}: {problem}", dataset.name);
    }
}
