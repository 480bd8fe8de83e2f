//! `erp-driver sync`: one pass over everything, then exit.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use catalog::Dataset;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;
use serde::Serialize;
use sync::{Outcome, PassKind, RowFinding, ShapeProblem};

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::run::Said;
use crate::config::SiteDataset;
use crate::reading::{CompanyReader, Observer, PassEnd, PassReport, held_words};
use crate::times::with_offset;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these datasets.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Only these companies.
    #[arg(long = "company", value_name = "ID")]
    companies: Vec<String>,
    /// Compare whole tables, also where stamps would do, and find what was deleted.
    #[arg(long)]
    full: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Row {
    company: String,
    /// Empty where the company as a whole cannot be read.
    dataset: String,
    result: &'static str,
    /// `initial`, `delta` or `sweep`, once it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    documents: u64,
    sent: u64,
    removed: u64,
    seconds: f64,
    findings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    /// What waits for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct HeldRow {
    reason: &'static str,
    message: String,
    unexplained: u64,
    documents: u64,
    /// Since when (civil, the site's clock).
    since: String,
    /// How many were found for each reason; looking stops when it is clear that they are too
    /// many.
    reasons: BTreeMap<&'static str, u64>,
    /// The first records that would leave, and why.
    records: Vec<LeaverRow>,
}

#[derive(Debug, Serialize)]
struct LeaverRow {
    key: String,
    reason: &'static str,
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
        let journal = open_journal(&connection.config)?;
        let mut rows = Vec::new();
        for company in connection.companies(&self.companies)? {
            let sites = datasets(&connection.config, &company, &self.datasets)?;
            let mut company_rows = || -> Result<(), Failed> {
                connection.lease(&company, journal.store_id())?;
                let mut reader = connection.reader(&company)?;
                for site in &sites {
                    let kind = if self.full {
                        PassKind::Sweep
                    } else {
                        CompanyReader::usual_pass(&site.dataset)
                    };
                    let id = company.id.as_str();
                    rows.push(pass(&mut reader, id, site, kind, SHOWN_LEAVERS)?);
                }
                Ok(())
            };
            // The others go on.
            if let Err(failed) = company_rows() {
                rows.push(Row::of_company(company.id.as_str(), failed));
            }
        }
        Ok(show(&rows, self.json))
    }
}

/// Makes a whole pass and tells how it went.
pub(super) fn pass(
    reader: &mut CompanyReader,
    company: &str,
    site: &SiteDataset,
    kind: PassKind,
    shown: u32,
) -> Result<Row, Failed> {
    let mut progress = Progress::new(&site.dataset);
    let mut report = reader.run_pass(site, kind, None, &mut progress);
    if kind == PassKind::Sweep
        && let PassEnd::Done(Outcome::Complete { swept: false, .. }) = &report.end
    {
        // It went on where another process had begun: who left is seen by a pass of its own.
        report = reader.run_pass(site, kind, None, &mut progress);
    }
    progress.bar.finish_and_clear();
    reader
        .record(&site.dataset, &report, None)
        .map_err(|e| Failed::from_pass(&e))?;
    let mut row = Row::new(company, &site.dataset, &report, reader.zone());
    if let Some(held) = &mut row.held {
        name_leavers(held, reader, company, &site.dataset, shown)?;
    }
    Ok(row)
}

/// Prints the rows; a failure where one failed or waits for a person.
pub(super) fn show(rows: &[Row], json: bool) -> ExitCode {
    if json {
        host::cli::print_json(&rows);
    } else {
        host::cli::print(&table(rows));
    }
    if rows.iter().any(|row| row.problem.is_some() || row.held.is_some()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Leavers that are named for one dataset.
const SHOWN_LEAVERS: u32 = 20;

fn name_leavers(
    held: &mut HeldRow,
    reader: &mut CompanyReader,
    company: &str,
    dataset: &Dataset,
    shown: u32,
) -> Result<(), Failed> {
    let index = reader.index();
    let Some((stream, _)) = index.look(company, dataset.name.as_str())? else {
        return Ok(());
    };
    let counts = index.count_leavers(stream)?.into_iter();
    held.reasons = counts.map(|(reason, count)| (reason.as_str(), count)).collect();
    let found = index.leavers(stream, true, shown)?;
    let rows = found.into_iter().map(|leaver| LeaverRow {
        key: leaver.key.to_string(),
        reason: leaver.reason.as_str(),
    });
    held.records = rows.collect();
    Ok(())
}

impl Row {
    fn new(company: &str, dataset: &Dataset, report: &PassReport, zone: &TimeZone) -> Self {
        let mut row = Self {
            company: company.to_owned(),
            dataset: dataset.name.to_string(),
            result: "complete",
            kind: None,
            documents: report.pass.documents,
            sent: report.pass.sent,
            removed: report.pass.removed,
            seconds: report.pass.took.as_secs_f64(),
            findings: report.findings,
            problem: None,
            held: None,
        };
        let outcome = match &report.end {
            PassEnd::Done(outcome) => outcome,
            PassEnd::Yielded { .. } => {
                row.result = "under way";
                return row;
            }
            PassEnd::Absent { .. } => {
                row.result = "absent";
                return row;
            }
        };
        let held = match outcome {
            Outcome::Complete { kind, held, .. } => {
                row.kind = Some(kind.as_str());
                held.as_ref()
            }
            Outcome::Held(held) => Some(held),
            Outcome::Failed(_) | Outcome::ShapesDiffer { .. } => None,
        };
        if let Some(held) = held {
            row.result = "held";
            row.held = Some(HeldRow {
                reason: held.reason.code(),
                message: held_words(held),
                unexplained: held.unexplained,
                documents: held.documents,
                since: with_offset(zone, held.since),
                reasons: BTreeMap::new(),
                records: Vec::new(),
            });
        }
        let problem = match outcome {
            Outcome::Complete { .. } | Outcome::Held(_) => None,
            Outcome::Failed(failure) => Some(Failed::from_pass(failure)),
            Outcome::ShapesDiffer { hub, driver } => Some(Failed::new(
                "fingerprint_mismatch",
                format!(
                    "driver and hub know different shapes of {} ({driver}, {hub})",
                    dataset.name
                ),
                "update the older of the two",
            )),
        };
        if let Some(failed) = problem {
            row.result = "failed";
            row.problem = Some(failed.into());
        }
        row
    }

    /// The company cannot be read at all.
    pub(super) fn of_company(company: &str, failed: Failed) -> Self {
        Self {
            company: company.to_owned(),
            dataset: String::new(),
            result: "failed",
            kind: None,
            documents: 0,
            sent: 0,
            removed: 0,
            seconds: 0.0,
            findings: 0,
            problem: Some(failed.into()),
            held: None,
        }
    }
}

impl From<Failed> for Problem {
    fn from(failed: Failed) -> Self {
        Self {
            code: failed.code,
            message: failed.message,
            remedy: failed.remedy,
        }
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("company  dataset                       read     sent  removed   seconds\n");
    for row in rows {
        text.push_str(&format!(
            "{:<8} {:<24} {:>9} {:>8} {:>8} {:>9.2}{}{}\n",
            row.company,
            row.dataset,
            row.documents,
            row.sent,
            row.removed,
            row.seconds,
            if row.findings > 0 {
                format!("  {} findings", row.findings)
            } else {
                String::new()
            },
            if row.result == "absent" {
                "  not at this site"
            } else {
                ""
            }
        ));
        if let Some(held) = &row.held {
            text.push_str(&format!("  held ({}): {}\n", held.reason, held.message));
            for (reason, count) in &held.reasons {
                text.push_str(&format!("    looked at so far: {count} {reason}\n"));
            }
            for record in &held.records {
                text.push_str(&format!("    {}  {}\n", record.key, record.reason));
            }
        }
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
    before: u64,
    total: Option<u64>,
    documents: u64,
    sent: u64,
    findings: u64,
    started: Instant,
    logged: Instant,
}

/// Between two lines of progress where no terminal is.
const LOG_EVERY: Duration = Duration::from_secs(30);
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
            before: 0,
            total: None,
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
        let text = self.words();
        self.bar.set_message(text.clone());
        self.bar.tick();
        if self.bar.is_hidden() && self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            tracing::info!(dataset = %dataset.name, "{}: {text}", dataset.name);
        }
    }

    fn words(&self) -> String {
        let rate = self.documents as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let so_far = self.before + self.documents;
        let mut text = format!("{so_far} read, {} sent, {rate:.0} a second", self.sent);
        if let Some(left) = self.total.and_then(|total| total.checked_sub(so_far))
            && rate >= 1.0
        {
            text.push_str(&format!(", {:.0} s left", left as f64 / rate));
        }
        text
    }
}

impl Observer for Progress<'_> {
    fn expects(&mut self, _: &Dataset, before: u64, total: Option<u64>) {
        self.before = before;
        self.total = total;
    }

    fn page(&mut self, dataset: &Dataset, documents: u64, sent: u64) {
        self.documents += documents;
        self.sent += sent;
        self.show(dataset);
    }

    fn confirming(&mut self, _: &Dataset, left: u64) {
        self.bar
            .set_message(format!("looking for what was not seen, {left} left"));
        self.bar.tick();
    }

    fn rebuilding(&mut self, dataset: &Dataset, entries: u64) {
        self.bar.set_message(format!("index from the hub: {entries}"));
        self.bar.tick();
        tracing::debug!(dataset = %dataset.name, entries, "index rebuilt from the hub so far");
    }

    fn finding(&mut self, dataset: &Dataset, finding: &RowFinding) {
        self.findings += 1;
        let RowFinding { key, column, code } = finding;
        let is_new = |said: &mut Said| {
            said.is_new_finding(format!("{} {key} {column} {}", dataset.name, code.as_str()))
        };
        let is_told = self.said.as_deref_mut().is_none_or(is_new);
        if self.findings <= MAX_LOGGED_FINDINGS && is_told {
            tracing::warn!(dataset = %dataset.name, %key, column, code = code.as_str(), "a value of {} {key} could not be taken as it is: {column}", dataset.name);
        }
    }

    fn shape(&mut self, dataset: &Dataset, problem: &ShapeProblem) {
        let is_new = |said: &mut Said| said.is_new_finding(format!("{} {problem}", dataset.name));
        if self.said.as_deref_mut().is_none_or(is_new) {
            tracing::warn!(dataset = %dataset.name, code = problem.code(), "{}: {problem}", dataset.name);
        }
    }
}
