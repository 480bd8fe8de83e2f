//! What `GET /v1/sites` shows.

use jiff::Timestamp;
use serde::Serialize;
use values::{CompanyId, DatasetName, Epoch, Sequence};
use wire::status::{
    DatasetState, FindingSummary, HeldSummary, ImportsStanding, PassProgress, PassSummary, Paused, Problem,
};

use crate::{AgentInfo, CompanyInfo};

/// Asks for what is connected, a page of companies at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitesQuery {
    /// Only of this company.
    pub company: Option<CompanyId>,
    /// Companies behind this one, as [`Sites::next`] gave it.
    pub after: Option<CompanyId>,
    /// At most so many companies.
    pub limit: u32,
}

impl Default for SitesQuery {
    /// All of it.
    fn default() -> Self {
        Self {
            company: None,
            after: None,
            limit: u32::MAX,
        }
    }
}

/// What is connected, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sites {
    /// Enrolled agents; on the first page only.
    pub agents: Vec<AgentSite>,
    /// Companies and whose they are.
    pub companies: Vec<CompanySite>,
    /// Datasets of those companies.
    pub datasets: Vec<DatasetSite>,
    /// Behind which company the next page begins; none at the end.
    #[serde(skip)]
    pub next: Option<CompanyId>,
}

/// An agent, with what it last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentSite {
    /// What the hub knows by itself.
    #[serde(flatten)]
    pub info: AgentInfo,
    /// The agent's clock less the hub's, in seconds, as it measured it.
    pub clock_offset_s: Option<i64>,
    /// When it last told; everything that comes from an agent is as of then.
    pub status_at: Option<Timestamp>,
    /// How many seconds ago that is.
    pub status_age_s: Option<u64>,
}

/// A company, with what its agent last told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompanySite {
    /// What the hub knows by itself.
    #[serde(flatten)]
    pub info: CompanyInfo,
    /// Why it cannot be read at all, when it cannot.
    pub problem: Option<Problem>,
    /// The driver leaves Sage alone, by a person's word or by the schedule.
    pub paused: Option<Paused>,
    /// How its documents go in, and what they wait for.
    pub imports: Option<ImportsStanding>,
}

/// Where a company's dataset stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetSite {
    /// Whose rows.
    pub company: CompanyId,
    /// Which dataset.
    pub dataset: DatasetName,
    /// The hub's side of it; epoch 0 when nothing was ever sent.
    #[serde(flatten)]
    pub stream: StreamSite,
    /// The agent's side of it, where it has told.
    #[serde(flatten)]
    pub report: ReportSite,
}

/// The hub's side of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StreamSite {
    /// The stream's epoch.
    pub epoch: Epoch,
    /// Last batch committed in it.
    pub sequence: Sequence,
    /// When it was committed, or the epoch was opened.
    pub updated_at: Option<Timestamp>,
    /// Live records.
    pub records: u64,
}

/// The agent's side of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportSite {
    /// In a word.
    pub state: Option<DatasetState>,
    /// Documents that the hub has, by the agent's count.
    pub documents: Option<u64>,
    /// The last complete pass of each kind.
    pub passes: Vec<PassSummary>,
    /// A whole-table pass under way.
    pub progress: Option<PassProgress>,
    /// Age in seconds of the oldest change that may not be here yet: as the agent told, and
    /// the time since then.
    pub lag_s: Option<u64>,
    /// Changes stamped before this (the ERP's clock) are here.
    pub watermark: Option<String>,
    /// When the next pass is due.
    pub next_run_at: Option<String>,
    /// What was odd in the data.
    pub findings: Vec<FindingSummary>,
    /// What waits for a person.
    pub held: Option<HeldSummary>,
    /// Why the last pass ended early, when it did.
    pub problem: Option<Problem>,
}
