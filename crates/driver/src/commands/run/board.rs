//! How everything fares, told to the hub for people to see.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use values::{CompanyId, DatasetName};
use wire::status::{AgentStatus, CompanyStatus, DatasetState, DatasetStatus, ImportsStanding, Problem};

use super::{Failed, Stop};
use crate::commands::connect::Connection;
use crate::pause::{Paused, Pauses};

/// Between two reports when no state changes.
const TELL_EVERY: Duration = Duration::from_secs(15);
/// Between two looks whether one changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A clock that is off by more makes stamps and schedules misleading.
const ALLOWED_OFFSET_S: u64 = 60;

/// The latest of every company.
#[derive(Debug, Default)]
pub(super) struct Board {
    companies: Mutex<BTreeMap<CompanyId, Fares>>,
}

#[derive(Debug, Default)]
struct Fares {
    problem: Option<Problem>,
    imports: Option<ImportsStanding>,
    datasets: BTreeMap<DatasetName, DatasetStatus>,
}

/// How the documents of each company go in.
pub(crate) type Standings = BTreeMap<CompanyId, ImportsStanding>;

/// Companies that cannot be read at all, and why.
pub(crate) type Problems = BTreeMap<String, Problem>;

type PausedCompanies = BTreeMap<CompanyId, Paused>;

/// In the state folder, for `status`.
const PROBLEMS: &str = "companies.json";
const STANDINGS: &str = "imports.json";

/// The companies that the driver cannot read, as it last said; none when it never ran.
pub(crate) fn read_problems(state_dir: &Path) -> Problems {
    read(&state_dir.join(PROBLEMS))
}

/// How documents go in, as the driver last said; none when it never ran.
pub(crate) fn read_standings(state_dir: &Path) -> Standings {
    read(&state_dir.join(STANDINGS))
}

fn read<T: DeserializeOwned + Default>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn write(path: &Path, content: &impl Serialize) {
    let next = path.with_extension("json.new");
    let text = serde_json::to_string_pretty(content).unwrap_or_default();
    let write = || std::fs::write(&next, text).and_then(|()| std::fs::rename(&next, path));
    if let Err(error) = write() {
        tracing::debug!(%error, path = %path.display(), "not written");
    }
}

impl Board {
    /// A company cannot be read at all.
    pub(super) fn company_fails(&self, company: &CompanyId, failed: &Failed) {
        self.companies().entry(company.clone()).or_default().problem = Some(Problem {
            code: failed.code.clone(),
            message: failed.message.clone(),
            remedy: failed.remedy.clone(),
        });
    }

    /// How a dataset fares; its company can be read.
    pub(super) fn dataset(&self, company: &CompanyId, status: DatasetStatus) {
        let mut companies = self.companies();
        let fares = companies.entry(company.clone()).or_default();
        fares.problem = None;
        fares.datasets.insert(status.dataset.clone(), status);
    }

    /// How documents of the company go in.
    pub(super) fn documents(&self, company: &CompanyId, standing: ImportsStanding) {
        self.companies().entry(company.clone()).or_default().imports = Some(standing);
    }

    /// Tells the hub until stopped. Nothing depends on it, so that errors are only noted.
    pub(super) fn tell(&self, connection: &Connection, stop: &Stop, pauses: &Pauses) {
        let mut told: Option<(Instant, Vec<String>)> = None;
        let mut written: Option<(Problems, Standings)> = None;
        let mut warned = false;
        while !stop.is_set() {
            stop.wait(LOOK_EVERY);
            let now = (self.problems(), self.standings());
            if written.as_ref() != Some(&now) {
                write(&connection.config.state_dir.join(PROBLEMS), &now.0);
                write(&connection.config.state_dir.join(STANDINGS), &now.1);
                written = Some(now);
            }
            let paused = pauses.paused();
            let states = self.states(&paused);
            let is_due = told
                .as_ref()
                .is_none_or(|(at, before)| at.elapsed() >= TELL_EVERY || *before != states);
            if stop.is_set() || !is_due {
                continue;
            }
            let offset = connection.link.clock_offset();
            let is_off = offset.is_some_and(|s| s.unsigned_abs() > ALLOWED_OFFSET_S);
            if is_off && !warned {
                tracing::warn!(
                    code = "clock_offset",
                    offset_s = offset,
                    remedy = "set this machine's clock, or let it follow a time server",
                    "this machine's clock and the hub's differ by more than a minute"
                );
            }
            warned = is_off;
            let status = self.status(offset, &paused);
            told = Some((Instant::now(), states));
            let sent = stop.or_stopped(connection.link.status(&status));
            if let Some(Err(error)) = connection.handle().block_on(sent) {
                tracing::debug!(code = error.code(), "the hub was not told how everything fares");
            }
        }
    }

    fn status(&self, clock_offset_s: Option<i64>, paused: &PausedCompanies) -> AgentStatus {
        let mut companies = self.companies();
        for company in paused.keys() {
            // One that was paused before it was ever read is told of, too.
            companies.entry(company.clone()).or_default();
        }
        let companies = companies.iter().map(|(company, fares)| CompanyStatus {
            company: company.clone(),
            problem: fares.problem.clone(),
            paused: paused.get(company).map(Into::into),
            imports: fares.imports.clone(),
            datasets: fares.datasets.values().cloned().collect(),
        });
        AgentStatus {
            clock_offset_s,
            companies: companies.collect(),
        }
    }

    fn standings(&self) -> Standings {
        let companies = self.companies();
        let told = companies
            .iter()
            .filter_map(|(company, fares)| Some((company.clone(), fares.imports.clone()?)));
        told.collect()
    }

    fn problems(&self) -> Problems {
        let companies = self.companies();
        let failing = companies.iter().filter_map(|(company, fares)| {
            let problem = fares.problem.clone()?;
            Some((company.to_string(), problem))
        });
        failing.collect()
    }

    /// What a change of is worth telling at once.
    fn states(&self, paused: &PausedCompanies) -> Vec<String> {
        let companies = self.companies();
        let mut states: Vec<String> = paused.iter().map(|p| format!("{p:?}")).collect();
        for (company, fares) in companies.iter() {
            let problem = fares.problem.as_ref().map(|p| &p.code);
            states.push(format!("{company} {problem:?}"));
            states.extend(fares.imports.as_ref().map(|imports| {
                let condition = imports.condition.as_ref().map(|c| &c.code);
                let waiting = imports.waiting.iter().map(|w| (&w.import, &w.condition.code));
                let waiting: Vec<_> = waiting.collect();
                format!(
                    "{company} {condition:?} {:?} {} {waiting:?}",
                    imports.frozen, imports.in_doubt
                )
            }));
            states.extend(fares.datasets.values().map(|status| {
                let state: DatasetState = status.state;
                let problem = status.problem.as_ref().map(|p| &p.code);
                format!("{company} {} {state:?} {problem:?}", status.dataset)
            }));
        }
        states
    }

    fn companies(&self) -> MutexGuard<'_, BTreeMap<CompanyId, Fares>> {
        self.companies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
