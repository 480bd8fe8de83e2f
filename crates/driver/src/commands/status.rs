//! `erp-driver status`: what the driver's own files say, also while it runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use agent_store::Index;
use agent_store::journal::Journal;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use values::CompanyId;
use wire::status::{DatasetState, DatasetStatus, ImportsStanding};

use super::Failed;
use super::connect::{datasets, read_config};
use super::imports::{Waits, number_of, wait_words};
use super::pause::paused_companies;
use super::run::{Problems, Standings, read_problems};
use crate::config::Config;
use crate::pause::{Holding, Paused};
use crate::reading::dataset_status;
use crate::times::{for_people, read_for_people};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Status {
    enrolled: bool,
    running: bool,
    hub: String,
    /// Companies that could not be read at all when the driver last tried.
    #[serde(skip_serializing_if = "Problems::is_empty")]
    failing_companies: Problems,
    /// Companies of which Sage is left alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    paused: BTreeMap<CompanyId, PauseRow>,
    /// How the documents of each company go in, as the running driver last said.
    #[serde(skip_serializing_if = "Standings::is_empty")]
    documents: Standings,
    datasets: Vec<DatasetRow>,
    /// The latest documents, newest first.
    imports: Vec<ImportStatus>,
}

#[derive(Debug, Serialize)]
struct PauseRow {
    #[serde(flatten)]
    paused: Paused,
    /// Handles on Sage that the running driver still has.
    held: Vec<String>,
    /// A document is being written, until then at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    writing_until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct ImportStatus {
    id: String,
    company: String,
    state: &'static str,
    kind: String,
    numbers: model::Numbers,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<model::Problem>,
    received_at: String,
}

/// Documents shown.
const IMPORTS: u32 = 20;

#[derive(Debug, Serialize)]
struct DatasetRow {
    company: String,
    #[serde(flatten)]
    status: DatasetStatus,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let index_path = config.state_dir.join("index.db");
        let running = host::lock::Exclusive::is_held(&config.state_dir.join("driver.lock"));
        let mut rows = Vec::new();
        if index_path.exists() {
            let index = Index::open_to_look(&index_path)?;
            for company in &config.companies {
                for site in datasets(&config, company, &[])? {
                    let mut status =
                        dataset_status(&index, company.id.as_str(), &site.dataset, &config.time_zone)?;
                    if !running {
                        status.next_run_at = None;
                    }
                    rows.push(DatasetRow {
                        company: company.id.to_string(),
                        status,
                    });
                }
            }
        }
        let waits = Waits::read(&config);
        let status = Status {
            enrolled: secrets::Identity::load(&config.state_dir).is_ok(),
            running,
            hub: config.hub_url.clone(),
            failing_companies: read_problems(&config.state_dir),
            documents: documents(&config, &waits)?,
            paused: paused(&config, running)?,
            datasets: rows,
            imports: imports(&config, &waits)?,
        };
        if self.json {
            host::cli::print_json(&status);
        } else {
            host::cli::print(&text(&status, &config.time_zone));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn paused(config: &Config, running: bool) -> Result<BTreeMap<CompanyId, PauseRow>, Failed> {
    let holding = if running {
        Holding::load(&config.state_dir)
    } else {
        None
    };
    let mut rows = BTreeMap::new();
    for (company, paused) in paused_companies(config)? {
        let held = holding.as_ref().and_then(|h| h.companies.get(&company));
        let row = PauseRow {
            paused,
            held: held.map(|h| h.handles.clone()).unwrap_or_default(),
            writing_until: held.and_then(|h| h.writing_until),
        };
        rows.insert(company, row);
    }
    Ok(rows)
}

/// As the driver last said; what is frozen, as the journal has it now.
fn documents(config: &Config, waits: &Waits) -> Result<Standings, Failed> {
    let mut standings = waits.standings().clone();
    let path = config.state_dir.join("journal.db");
    if path.exists() {
        let journal = Journal::look(&path)?;
        for company in &config.companies {
            let frozen = journal.frozen(&company.id)?;
            if frozen.is_some() || standings.contains_key(&company.id) {
                standings.entry(company.id.clone()).or_default().frozen = frozen;
            }
        }
    }
    Ok(standings)
}

fn imports(config: &Config, waits: &Waits) -> Result<Vec<ImportStatus>, Failed> {
    let path = config.state_dir.join("journal.db");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let listed = Journal::look(&path)?.older(None, IMPORTS)?;
    let shown = listed.into_iter().map(|import| ImportStatus {
        state: waits.state(&import).as_str(),
        id: import.id.to_string(),
        company: import.company.to_string(),
        kind: import.kind,
        numbers: import.numbers,
        problem: import.problems.into_iter().next(),
        received_at: import.at.to_string(),
    });
    Ok(shown.collect())
}

fn standing_text(company: &CompanyId, standing: &ImportsStanding, zone: &TimeZone) -> String {
    let mut text = String::new();
    if let Some(reason) = &standing.frozen {
        text.push_str(&format!(
            "{company}: imports are frozen: {reason}\nhint: erp-driver imports lost --company {company} names what Sage lost; then erp-driver imports thaw --company {company}\n"
        ));
    }
    if let Some(condition) = &standing.condition {
        text.push_str(&format!(
            "{company}: documents wait: {}\nhint: {}\n",
            wait_words(condition, zone),
            condition.remedy
        ));
    }
    let own = standing.waiting.iter().filter(|w| {
        standing
            .condition
            .as_ref()
            .is_none_or(|c| c.code != w.condition.code)
    });
    for waiting in own {
        text.push_str(&format!(
            "{company}: {} waits: {}\n  hint: {}\n",
            waiting.import,
            wait_words(&waiting.condition, zone),
            waiting.condition.remedy
        ));
    }
    if standing.waiting_count > 0 {
        text.push_str(&format!(
            "{company}: {} of {} documents at work wait\n",
            standing.waiting_count, standing.queued
        ));
    }
    if standing.in_doubt > 0 {
        text.push_str(&format!(
            "{company}: {} in doubt: erp-driver imports list --state in_doubt\n",
            standing.in_doubt
        ));
    }
    text
}

fn text(status: &Status, zone: &TimeZone) -> String {
    let mut text = format!(
        "hub {}: {}, {}\n",
        status.hub,
        if status.enrolled {
            "enrolled"
        } else {
            "not enrolled (erp-driver enroll)"
        },
        if status.running { "running" } else { "not running" },
    );
    for (company, problem) in &status.failing_companies {
        text.push_str(&format!(
            "{company} cannot be read ({}): {}\nhint: {}\n",
            problem.code, problem.message, problem.remedy
        ));
    }
    for (company, row) in &status.paused {
        text.push_str(&format!("{company} paused: {}\n", row.paused.local_words(zone)));
        if let Some(until) = row.writing_until {
            text.push_str(&format!(
                "  a document is being written, its deadline is {}; nothing new begins\n",
                for_people(zone, until)
            ));
        }
        if !row.held.is_empty() {
            text.push_str(&format!("  still held: {}\n", row.held.join(", ")));
        }
    }
    for (company, standing) in &status.documents {
        text.push_str(&standing_text(company, standing, zone));
    }
    if status.datasets.is_empty() {
        text.push_str("nothing synced yet: erp-driver sync makes the first pass\n");
    } else {
        text.push_str(&datasets_text(status, zone));
    }
    if !status.imports.is_empty() {
        text.push_str(
            "\ncompany  kind         number        state      received                    import\n",
        );
    }
    for import in &status.imports {
        text.push_str(&format!(
            "{:<8} {:<12} {:<13} {:<10} {:<27} {}\n",
            import.company,
            import.kind,
            number_of(&import.kind, import.state, &import.numbers),
            import.state,
            read_for_people(zone, &import.received_at),
            import.id
        ));
    }
    text
}

fn datasets_text(status: &Status, zone: &TimeZone) -> String {
    let mut text = String::new();
    text.push_str("company  dataset                   documents  state      lag  last pass\n");
    for DatasetRow { company, status } in &status.datasets {
        let last = status.passes.last().map_or_else(
            || "-".to_owned(),
            |pass| format!("{} {}", pass.kind, read_for_people(zone, &pass.at)),
        );
        text.push_str(&format!(
            "{:<8} {:<24} {:>10}  {:<8} {:>5}  {last}\n",
            company,
            status.dataset.as_str(),
            status.documents,
            state_word(status.state),
            status.lag_s.map_or_else(|| "-".to_owned(), |s| format!("{s}s")),
        ));
        if let Some(progress) = &status.progress {
            let left = progress.remaining_s.map(|s| format!(", {s} s left"));
            text.push_str(&format!(
                "  whole pass under way: {} read{}, {} a second{}\n",
                progress.documents,
                progress.expected.map(|n| format!(" of {n}")).unwrap_or_default(),
                progress.documents_per_s,
                left.unwrap_or_default()
            ));
        }
        if let Some(held) = &status.held {
            text.push_str(&format!(
                "  held ({}) since {}: {}\n",
                held.reason,
                read_for_people(zone, &held.since),
                held.message
            ));
        }
        if let Some(problem) = &status.problem {
            text.push_str(&format!(
                "  failing ({}): {}\n  hint: {}\n",
                problem.code, problem.message, problem.remedy
            ));
        }
        for finding in &status.findings {
            text.push_str(&format!(
                "  {}: {} ({}) {}\n",
                finding.code,
                finding.column,
                finding.count,
                finding.keys.join(", ")
            ));
        }
    }
    text
}

const fn state_word(state: DatasetState) -> &'static str {
    match state {
        DatasetState::Never => "never",
        DatasetState::Loading => "loading",
        DatasetState::Synced => "synced",
        DatasetState::Held => "held",
        DatasetState::Failing => "failing",
        DatasetState::Absent => "absent",
    }
}
