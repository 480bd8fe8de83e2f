//! `erp-driver reconcile`: everything compared now, and what a person decides about it.

use std::path::Path;
use std::process::ExitCode;

use agent_store::Index;
use clap::Args;
use jiff::civil::DateTime;
use sync::{HeldReason, PassKind, Progress};

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::sync::{Row, pass, show};
use crate::config::{Approval, Approvals, Company, Config};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only these datasets.
    #[arg(long = "dataset", value_name = "NAME")]
    datasets: Vec<String>,
    /// Only these companies.
    #[arg(long = "company", value_name = "ID")]
    companies: Vec<String>,
    /// Let the records leave that were held, as many as were shown.
    #[arg(long)]
    confirm_deletes: bool,
    /// Go on although columns have lost their values: all that are named as held.
    #[arg(long)]
    confirm_columns: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Records named for a dataset, unless JSON is asked for.
const SHOWN_LEAVERS: u32 = 100;

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Connection::open(path)?;
        let _lock = lock(&connection.config)?;
        let journal = open_journal(&connection.config)?;
        let companies = connection.companies(&self.companies)?;
        if self.confirm_deletes || self.confirm_columns {
            self.approve(&connection.config, &companies)?;
        }
        let shown = if self.json { u32::MAX } else { SHOWN_LEAVERS };
        let mut rows = Vec::new();
        for company in &companies {
            let mut company_rows = || -> Result<(), Failed> {
                let sites = datasets(&connection.config, company, &self.datasets)?;
                connection.lease(company, journal.store_id())?;
                let mut reader = connection.reader(company)?;
                reader.confirm_all();
                for site in &sites {
                    let id = company.id.as_str();
                    rows.push(pass(&mut reader, id, site, PassKind::Sweep, shown)?);
                }
                Ok(())
            };
            if let Err(failed) = company_rows() {
                rows.push(Row::of_company(company.id.as_str(), failed));
            }
        }
        Ok(show(&rows, self.json))
    }

    /// Approves what was held before, and no more: what a person has not seen stays held.
    fn approve(&self, config: &Config, companies: &[Company]) -> Result<(), Failed> {
        let path = config.state_dir.join("index.db");
        let mut approvals = Approvals::load(&config.state_dir)?;
        let mut found = false;
        if path.exists() {
            let index = Index::open_to_look(&path)?;
            for company in companies {
                for site in datasets(config, company, &self.datasets)? {
                    let name = site.dataset.name.as_str();
                    let Some((_, progress)) = index.look(company.id.as_str(), name)? else {
                        continue;
                    };
                    let approval = Approval {
                        company: company.id.to_string(),
                        dataset: name.to_owned(),
                        site: None,
                        removals: 0,
                        column: None,
                        approved_at: host::clock::now(),
                        used_at: None,
                    };
                    let local = config.time_zone.to_datetime(approval.approved_at);
                    for approval in self.answers(&progress, &approvals, approval, local) {
                        found = true;
                        approvals.approve(approval);
                    }
                }
            }
        }
        if !found {
            return Err(Failed::new(
                "nothing_held",
                "no dataset waits for this answer, so that there is nothing to confirm",
                "run erp-driver reconcile without it: it shows what would leave",
            ));
        }
        Ok(approvals.save(&config.state_dir)?)
    }

    /// What is approved, each made from `approval`; nothing when it is not asked for. `local`
    /// is now by the Sage server's clock.
    fn answers(
        &self,
        progress: &Progress,
        approvals: &Approvals,
        mut approval: Approval,
        local: DateTime,
    ) -> Vec<Approval> {
        let Some(held) = &progress.held else {
            return Vec::new();
        };
        match &held.reason {
            HeldReason::Deletes | HeldReason::Emptied if self.confirm_deletes => {
                approval.removals = approvals.needed(
                    &approval.company,
                    &approval.dataset,
                    held.unexplained,
                    progress.removed_lately(local),
                    approval.approved_at,
                );
                vec![approval]
            }
            HeldReason::Columns(columns) if self.confirm_columns => {
                let of = |column: &String| Approval {
                    column: Some(column.clone()),
                    ..approval.clone()
                };
                columns.iter().map(of).collect()
            }
            HeldReason::Deletes | HeldReason::Emptied | HeldReason::Columns(_) => Vec::new(),
        }
    }
}
