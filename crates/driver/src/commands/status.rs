//! `erp-driver status`: what the driver's own files say, also while it runs.

use std::path::Path;
use std::process::ExitCode;

use agent_store::Index;
use agent_store::journal::Journal;
use clap::Args;
use serde::Serialize;

use super::Failed;
use super::connect::{datasets, read_config};
use crate::config::Config;

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
    datasets: Vec<DatasetStatus>,
    /// The latest documents, newest first.
    imports: Vec<ImportStatus>,
}

#[derive(Debug, Serialize)]
struct ImportStatus {
    id: String,
    company: String,
    state: &'static str,
    sales_order_no: Option<String>,
    received_at: String,
}

/// Documents shown.
const IMPORTS: u32 = 20;

#[derive(Debug, Serialize)]
struct DatasetStatus {
    company: String,
    dataset: String,
    documents: u64,
    /// `never`, `loading` or `loaded`.
    state: &'static str,
    /// Documents read so far in a whole-table pass under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    loading: Option<u64>,
    /// Changes stamped before this are in the hub.
    watermark: Option<String>,
    epoch: u64,
    sequence: u64,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        let index_path = config.state_dir.join("index.db");
        let mut rows = Vec::new();
        if index_path.exists() {
            let index = Index::open(&index_path)?;
            for company in &config.companies {
                for dataset in datasets(&config, &[])? {
                    let (stream, progress) = index.stream(company.id.as_str(), dataset.name.as_str())?;
                    rows.push(DatasetStatus {
                        company: company.id.to_string(),
                        dataset: dataset.name.to_string(),
                        documents: index.count(stream)?,
                        state: match (&progress.scan, progress.loaded) {
                            (Some(_), _) => "loading",
                            (None, true) => "loaded",
                            (None, false) => "never",
                        },
                        loading: progress.scan.map(|s| s.documents),
                        watermark: progress
                            .watermark
                            .filter(|_| dataset.stamped)
                            .map(|w| w.civil().to_string()),
                        epoch: progress.epoch.0,
                        sequence: progress.sequence.0,
                    });
                }
            }
        }
        let status = Status {
            enrolled: secrets::Identity::load(&config.state_dir).is_ok(),
            running: host::lock::Exclusive::is_held(&config.state_dir.join("driver.lock")),
            hub: config.hub_url.clone(),
            datasets: rows,
            imports: imports(&config)?,
        };
        if self.json {
            host::cli::print_json(&status);
        } else {
            host::cli::print(&text(&status));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn imports(config: &Config) -> Result<Vec<ImportStatus>, Failed> {
    let path = config.state_dir.join("journal.db");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let listed = Journal::look(&path)?.list(IMPORTS)?;
    let shown = listed.into_iter().map(|import| ImportStatus {
        id: import.id.to_string(),
        company: import.company.to_string(),
        state: import.state.as_str(),
        sales_order_no: import.number,
        received_at: import.at.to_string(),
    });
    Ok(shown.collect())
}

fn text(status: &Status) -> String {
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
    if status.datasets.is_empty() {
        text.push_str("nothing synced yet: erp-driver sync makes the first pass\n");
    } else {
        text.push_str(&datasets_text(status));
    }
    if !status.imports.is_empty() {
        text.push_str("\ncompany  order     state      received              import\n");
    }
    for import in &status.imports {
        text.push_str(&format!(
            "{:<8} {:<9} {:<10} {:<21} {}\n",
            import.company,
            import.sales_order_no.as_deref().unwrap_or("-"),
            import.state,
            import.received_at.split('.').next().unwrap_or_default(),
            import.id
        ));
    }
    text
}

fn datasets_text(status: &Status) -> String {
    let mut text = String::new();
    text.push_str("company  dataset             documents  state    changes until\n");
    for row in &status.datasets {
        text.push_str(&format!(
            "{:<8} {:<18} {:>10}  {:<8} {}\n",
            row.company,
            row.dataset,
            row.documents,
            row.state,
            row.watermark.as_deref().unwrap_or("-")
        ));
    }
    text
}
