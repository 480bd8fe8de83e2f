//! `erp-driver reconcile`: everything compared now, and what a person decides about it.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use sync::{HeldReason, PassKind};

use super::Failed;
use super::connect::{Connection, datasets, lock, open_journal};
use super::sync::{pass, show};
use crate::config::{Approval, Approvals, Config, SiteDataset};
use crate::reading::CompanyReader;

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
    /// Go on although a column has lost its values.
    #[arg(long)]
    confirm_columns: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(crate) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let connection = Connection::open(path)?;
        let _lock = lock(&connection.config)?;
        let journal = open_journal(&connection.config)?;
        let mut rows = Vec::new();
        for company in connection.companies(&self.companies)? {
            let sites = datasets(&connection.config, &company, &self.datasets)?;
            connection.lease(&company, journal.store_id())?;
            let mut reader = connection.reader(&company)?;
            for site in &sites {
                self.approve(&connection.config, &reader, company.id.as_str(), site)?;
                rows.push(pass(&mut reader, company.id.as_str(), site, PassKind::Sweep)?);
            }
        }
        Ok(show(&rows, self.json))
    }

    /// Approves what was held before, and no more: what a person has not seen stays held.
    fn approve(
        &self,
        config: &Config,
        reader: &CompanyReader,
        company: &str,
        site: &SiteDataset,
    ) -> Result<(), Failed> {
        let progress = reader
            .progress(&site.dataset)
            .map_err(|e| Failed::from_pass(&e))?;
        let Some(held) = progress.and_then(|progress| progress.held) else {
            return Ok(());
        };
        let (removals, columns) = match held.reason {
            HeldReason::Deletes | HeldReason::Emptied if self.confirm_deletes => (held.unexplained, false),
            HeldReason::Column(_) if self.confirm_columns => (0, true),
            HeldReason::Deletes | HeldReason::Emptied | HeldReason::Column(_) => return Ok(()),
        };
        let mut approvals = Approvals::load(&config.state_dir)?;
        approvals.approve(Approval {
            company: company.to_owned(),
            dataset: site.dataset.name.to_string(),
            site: None,
            removals,
            columns,
            approved_at: host::clock::now(),
            used_at: None,
        });
        approvals.save(&config.state_dir)?;
        Ok(())
    }
}
