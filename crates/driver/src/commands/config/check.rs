//! `erp-driver config check`: the file against the live ERP.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use sage::{Column, ReadError, Reader, Select};
use sync::{Adaptation, Keep, Remembered, Shape, ShapeProblem};
use values::{AgentId, Kind};

use super::effect::{has_effect, measure};
use super::report::{CompanyReport, DatasetReport, Problem, State};
use super::{check_imports, check_login};
use crate::bridge::ReadBridge;
use crate::commands::Failed;
use crate::commands::connect::{datasets, link_config, lock, read_config};
use crate::config::{
    Approval, Approvals, Company, Config, KEEPS_NOTHING, SiteDataset, WriterTarget, is_user_table, password,
};
use crate::reading::SetupError;

/// The table that knows all companies of an installation.
const COMPANIES: &str = "SY_Company";
const COMPANY_CODE: &str = "CompanyCode";
/// More companies than any installation has.
const MAX_COMPANIES: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Approve that the records leave which the filters leave out.
    #[arg(long)]
    approve_filters: bool,
}

impl Arguments {
    pub(super) fn run(self, path: &Path) -> Result<ExitCode, Failed> {
        let config = read_config(path)?;
        // Nothing is sent: this finds addresses, files and proxies that cannot be used.
        link::Link::new(
            &link_config(&config, &config.hub_url)?,
            AgentId::new("check"),
            |_| String::new(),
        )?;
        match lock(&config) {
            Ok(_free) => {}
            Err(failed) if failed.code == "already_running" => {}
            Err(failed) => return Err(failed),
        }
        if let Err(error) = secrets::Identity::load(&config.state_dir) {
            self.say(&format!("not enrolled yet: {}\n", error.remedy()));
        }
        let mut reports = Vec::new();
        let mut failures = Vec::new();
        let mut approvals = Vec::new();
        for company in &config.companies {
            let mut check = Check {
                config: &config,
                company,
                failures: Vec::new(),
                approvals: Vec::new(),
                approve: self.approve_filters,
            };
            // One company that cannot be reached does not hide what is wrong with others.
            match check.run() {
                Ok(report) => {
                    self.say(&report.text());
                    reports.push(report);
                }
                Err(failed) => {
                    let named = failed.message.starts_with(company.id.as_str());
                    let company = if named {
                        String::new()
                    } else {
                        format!("{}: ", company.id)
                    };
                    self.say(&format!("{company}{failed} ({})\n", failed.code));
                    failures.push(failed);
                }
            }
            failures.append(&mut check.failures);
            approvals.append(&mut check.approvals);
        }
        if self.json {
            host::cli::print_json(&reports);
        }
        if let Some(failed) = first_of(failures) {
            return Err(failed);
        }
        if !approvals.is_empty() {
            let mut all = Approvals::load(&config.state_dir)?;
            approvals.into_iter().for_each(|approval| all.approve(approval));
            all.save(&config.state_dir)?;
        }
        self.say("The configuration holds.\n");
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, text: &str) {
        if !self.json {
            host::cli::print(text);
        }
    }
}

/// All that stops datasets, as one error: one of them as it is, several counted.
fn first_of(mut failures: Vec<Failed>) -> Option<Failed> {
    let more = failures.len().checked_sub(1)?;
    let mut first = failures.swap_remove(0);
    if more > 0 {
        first.message = format!("{}; and {more} more, listed above", first.message);
    }
    Some(first)
}

struct Check<'a> {
    config: &'a Config,
    company: &'a Company,
    failures: Vec<Failed>,
    approvals: Vec<Approval>,
    approve: bool,
}

impl Check<'_> {
    fn run(&mut self) -> Result<CompanyReport, Failed> {
        let company = self.company;
        let source = company.read_source().map_err(SetupError::from)?;
        let mut bridge =
            ReadBridge::start(&crate::bridge::default_program(), &source).map_err(SetupError::from)?;
        let probe = bridge.probe().map_err(SetupError::from)?;
        self.writer()?;
        check_code(&mut bridge, company).map_err(|failed| *failed)?;
        let sites = datasets(self.config, company, &[])?;
        let mut report = CompanyReport {
            company: company.id.to_string(),
            driver: probe.driver,
            driver_version: probe.driver_version,
            tables_offered: tables_offered(&mut bridge, &sites).map_err(SetupError::from)?,
            datasets: Vec::new(),
            imports: check_imports::check(&mut bridge, company, &self.config.path)
                .map_err(SetupError::from)?,
            login: None,
        };
        report.login = check_login::check(self.config, company)?;
        let refused = report.login.as_ref().and_then(|login| login.problem.as_ref());
        self.failures.extend(refused.map(|said| {
            Failed::new(
                &said.code,
                format!(
                    "{}: login of {}: {}",
                    company.id, company.orders.sage_user, said.message
                ),
                &said.remedy,
            )
        }));
        let missing = report.imports.missing.iter();
        self.failures
            .extend(missing.map(|said| Failed::new(&said.code, &said.message, &said.remedy)));
        for site in &sites {
            report.datasets.push(self.dataset(&mut bridge, site)?);
        }
        Ok(report)
    }

    fn writer(&self) -> Result<(), Failed> {
        let Some(WriterTarget::Sandbox(file)) = &self.company.writer else {
            return Ok(());
        };
        if !file.exists() {
            return Err(Failed::new(
                "writer_missing",
                format!("{}: there is no file {}", self.company.id, file.display()),
                "correct writer.sandbox",
            ));
        }
        let variable = self.company.orders.password_env.as_deref();
        variable.map(password).transpose().map_err(SetupError::from)?;
        Ok(())
    }

    fn dataset(&mut self, bridge: &mut ReadBridge, site: &SiteDataset) -> Result<DatasetReport, Failed> {
        let fitted = Shape::fit(
            &site.dataset,
            &site.adaptation,
            &self.company.code,
            &Remembered::default(),
            |table| bridge.columns(table),
        )
        .map_err(|error| self.unread(site, &error))?;
        let mut report = DatasetReport {
            dataset: site.dataset.name.to_string(),
            state: State::Complete,
            problems: Vec::new(),
            offered: Vec::new(),
            effect: None,
        };
        let shape = match fitted {
            Ok((shape, problems)) => {
                report.problems = problems.iter().map(|p| self.problem(site, p)).collect();
                if !problems.is_empty() {
                    report.state = State::WithProblems;
                }
                shape
            }
            Err(problem) => {
                let said = self.problem(site, &problem);
                if problem.is_fatal() {
                    report.offered = self.all_offered(bridge, site);
                    self.failures
                        .push(Failed::new(&said.code, &said.message, &said.remedy));
                    report.state = State::Unreadable;
                } else {
                    report.state = State::Absent;
                }
                report.problems.push(said);
                return Ok(report);
            }
        };
        report.offered = named(&shape);
        if has_effect(&site.adaptation) {
            let index = self.config.state_dir.join("index.db");
            let limit = Duration::from_secs(self.config.sync.page_limit_s);
            let index = index.exists().then_some(index.as_path());
            let mut effect = measure(bridge, self.company, site, &shape, index, limit)?;
            if effect.rows > 0 && effect.pass == 0 {
                self.failures.push(Failed::new(
                    KEEPS_NOTHING,
                    format!(
                        "{} lets through none of {} rows of {}",
                        self.place(site, filter_name(&site.adaptation)),
                        effect.rows,
                        site.dataset.name
                    ),
                    "correct only, except and when of this section; sync = false leaves the whole dataset out",
                ));
            } else if let Some(change) = &mut effect.change
                && self.approve
                && change.leave > 0
            {
                change.approved = true;
                self.approvals.push(Approval {
                    company: self.company.id.to_string(),
                    dataset: site.dataset.name.to_string(),
                    site: Some(site.adaptation.fingerprint()),
                    removals: change.leave,
                    column: None,
                    approved_at: host::clock::now(),
                    used_at: None,
                });
            }
            report.effect = Some(effect);
        }
        Ok(report)
    }

    /// What the site's configuration might have meant; nothing when that cannot be told.
    fn all_offered(&self, bridge: &mut ReadBridge, site: &SiteDataset) -> Vec<String> {
        let adaptation = Adaptation {
            table: site.adaptation.table.clone(),
            ..Adaptation::default()
        };
        let none = Remembered::default();
        let fitted = Shape::fit(&site.dataset, &adaptation, &self.company.code, &none, |table| {
            bridge.columns(table)
        });
        fitted
            .ok()
            .and_then(Result::ok)
            .map_or(Vec::new(), |(shape, _)| named(&shape))
    }

    fn unread(&self, site: &SiteDataset, error: &ReadError) -> Failed {
        Failed::new(
            error.code.as_str(),
            format!("{}: {}: {error}", self.company.id, site.dataset.name),
            error.remedy(),
        )
    }

    fn problem(&self, site: &SiteDataset, problem: &ShapeProblem) -> Problem {
        let word = match problem {
            ShapeProblem::ColumnUnknown { column, .. } | ShapeProblem::ColumnWithheld { column, .. } => {
                Some(column.as_str())
            }
            ShapeProblem::RuleInvalid { used_by, .. } if used_by == "a filter" => Some("when"),
            ShapeProblem::RuleInvalid { used_by, .. } => used_by.rsplit(' ').next(),
            ShapeProblem::TableMissing { table } if site.adaptation.table.is_some() => Some(table.as_str()),
            ShapeProblem::TableMissing { .. }
            | ShapeProblem::TableAbsent { .. }
            | ShapeProblem::KeyMissing { .. }
            | ShapeProblem::ColumnMissing { .. }
            | ShapeProblem::ColumnNarrower { .. }
            | ShapeProblem::ColumnWider { .. }
            | ShapeProblem::TypeChanged { .. } => None,
        };
        let message = match word {
            Some(word) => format!("{}: {problem}", self.place(site, Some(word))),
            None if problem.is_fatal() => format!("{}: {}: {problem}", self.company.id, site.dataset.name),
            None => problem.to_string(),
        };
        Problem {
            code: problem.code().to_owned(),
            message,
            remedy: problem.remedy(),
        }
    }

    /// File, line and section of what the site says about this dataset.
    fn place(&self, site: &SiteDataset, word: Option<&str>) -> String {
        let name = site.dataset.name.as_str();
        let path = self.config.path.display();
        match self.company.place_of(&self.config.path, name, word) {
            Some((Some(line), place)) => format!("{path}:{line}: {place}"),
            Some((None, place)) => format!("{path}: {place}"),
            None => format!("{path}: {name}"),
        }
    }
}

fn named(shape: &Shape) -> Vec<String> {
    let offered = shape.offered().iter();
    offered.map(|o| format!("{}.{}", o.table, o.column)).collect()
}

/// A name that stands where a dataset's filters do.
fn filter_name(adaptation: &Adaptation) -> Option<&str> {
    adaptation.keep.first().map(|keep| match keep {
        Keep::OneOf { column, .. } | Keep::NotOneOf { column, .. } => column.as_str(),
        Keep::Expression(_) => "when",
    })
}

/// User-defined tables that no dataset reads.
fn tables_offered(bridge: &mut ReadBridge, sites: &[SiteDataset]) -> Result<Vec<String>, ReadError> {
    let chosen: BTreeSet<String> = sites
        .iter()
        .filter_map(|s| s.adaptation.table.as_ref())
        .map(|t| t.table.to_ascii_lowercase())
        .collect();
    let mut tables = bridge.tables()?;
    tables.retain(|t| is_user_table(t) && !chosen.contains(&t.to_ascii_lowercase()));
    Ok(tables)
}

/// Is there a company with this code? Not asked where the table cannot be read.
fn check_code(bridge: &mut ReadBridge, company: &Company) -> Result<(), Box<Failed>> {
    let fail = |error: ReadError| {
        Box::new(Failed::new(
            error.code.as_str(),
            format!("{}: reading {COMPANIES}: {error}", company.id),
            error.remedy(),
        ))
    };
    let columns = bridge.columns(COMPANIES).map_err(fail)?;
    let Some(column) = columns.iter().find(|c| c.name.eq_ignore_ascii_case(COMPANY_CODE)) else {
        return Ok(());
    };
    let select = Select {
        table: COMPANIES.to_owned(),
        columns: vec![Column::new(&column.name, Kind::Text)],
        conditions: Vec::new(),
        order_by: Vec::new(),
    };
    let page = bridge
        .read(&select, MAX_COMPANIES, Duration::from_secs(60))
        .map_err(fail)?;
    let codes: Vec<String> = page
        .rows
        .columns()
        .iter()
        .filter_map(|c| c.as_any().downcast_ref::<arrow_array::StringArray>())
        .flat_map(|c| c.iter().flatten().map(|code| code.trim().to_owned()))
        .collect();
    if codes.is_empty() || codes.contains(&company.code) {
        return Ok(());
    }
    Err(Box::new(Failed::new(
        "wrong_company",
        format!("{}: Sage has no company {}", company.id, company.code),
        format!("use the code of one of its companies: {}", codes.join(", ")),
    )))
}
