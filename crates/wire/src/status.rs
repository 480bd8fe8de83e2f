//! What an agent tells of itself, for people: the same words in `erp-driver status` and in
//! `GET /v1/sites`.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /agent/v1/status` | [`AgentStatus`] | [`crate::agent::Done`] |

use serde::{Deserialize, Serialize};
use values::{CompanyId, DatasetName, ImportId};

/// The state of an agent's companies. The hub keeps the latest and shows it; nothing is
/// decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// The driver's clock less the hub's, in seconds, when it was last measured.
    pub clock_offset_s: Option<i64>,
    /// One for each company that the agent serves.
    pub companies: Vec<CompanyStatus>,
}

/// The state of one company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyStatus {
    /// Which.
    pub company: CompanyId,
    /// Why it cannot be read at all, when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Sage is left alone, by a person's word or by the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// How documents go in; none while nothing writes to the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imports: Option<ImportsStanding>,
    /// By name.
    pub datasets: Vec<DatasetStatus>,
}

/// How the documents of a company go in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportsStanding {
    /// What keeps every document of the company waiting, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<NamedCondition>,
    /// Why no document may be entered before a person has looked, when that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<String>,
    /// Documents at the driver that have not ended.
    pub queued: u64,
    /// Of these, documents that wait for something to pass.
    pub waiting_count: u64,
    /// Documents whose write is not proven and not disproven: a person has to look.
    pub in_doubt: u64,
    /// A session is open in the ERP, with its seat.
    pub session_open: bool,
    /// The first of those that wait, oldest first.
    #[serde(default)]
    pub waiting: Vec<WaitingDocument>,
}

impl ImportsStanding {
    /// Documents named in [`Self::waiting`]; more are only counted.
    pub const MOST_WAITING: usize = 20;
}

/// A document that waits, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDocument {
    /// The document.
    pub import: ImportId,
    /// What it waits for.
    #[serde(flatten)]
    pub condition: NamedCondition,
}

/// A state of the ERP, or of what lies before it, that passes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedCondition {
    /// Its name: `no_seat`, `record_locked`, `period_end`, …
    pub code: String,
    /// In the ERP's words.
    pub detail: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// When it is tried again (RFC 3339).
    pub until: String,
    /// Who has the record open, where the ERP tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_by: Option<String>,
    /// What a person can do.
    pub remedy: String,
}

/// A pause: nothing is read and nothing entered, and no handle on the ERP is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    /// Since when (RFC 3339).
    pub since: String,
    /// Until when (RFC 3339); none means until somebody resumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Why, in a person's words; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// A failure with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// The state of one dataset of one company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetStatus {
    /// Which.
    pub dataset: DatasetName,
    /// In words.
    pub state: DatasetState,
    /// Documents that the hub has, by the driver's index.
    pub documents: u64,
    /// The last complete passes.
    #[serde(default)]
    pub passes: Vec<PassSummary>,
    /// A whole-table pass under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<PassProgress>,
    /// Age in seconds of the oldest change that may not be at the hub yet: the time since the
    /// start of the last complete pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_s: Option<u64>,
    /// Changes stamped before this are at the hub (RFC 3339, by the ERP's clock).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<String>,
    /// When the next pass is due (RFC 3339); none when the driver does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_at: Option<String>,
    /// What was odd in the data, by column and code.
    #[serde(default)]
    pub findings: Vec<FindingSummary>,
    /// What waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldSummary>,
    /// Why the last pass ended early, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// A dataset's state in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetState {
    /// No pass has begun.
    Never,
    /// The first pass is under way.
    Loading,
    /// Loaded, and followed.
    Synced,
    /// It waits for a person.
    Held,
    /// The last pass failed.
    Failing,
    /// The site does not have the table.
    Absent,
}

/// A complete pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassSummary {
    /// `initial`, `delta` or `sweep`.
    pub kind: String,
    /// When it ended (RFC 3339).
    pub at: String,
    /// Documents read.
    pub documents: u64,
    /// Documents sent.
    pub sent: u64,
    /// Records removed.
    pub removed: u64,
    /// How long it read, in milliseconds.
    pub took_ms: u64,
}

/// How far a whole-table pass has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassProgress {
    /// Documents read so far.
    pub documents: u64,
    /// Documents expected, where the last whole pass tells.
    pub expected: Option<u64>,
    /// Documents a second, over the pass so far.
    pub documents_per_s: u64,
    /// Seconds that are left, where the expected number is known.
    pub remaining_s: Option<u64>,
}

/// What was odd in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingSummary {
    /// Stable code.
    pub code: String,
    /// Sage column, or table and column.
    pub column: String,
    /// How often in the last pass that read everything, and since.
    pub count: u64,
    /// Keys of up to three records that show it.
    #[serde(default)]
    pub keys: Vec<String>,
}

/// Something that a brake has stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldSummary {
    /// `deletes`, `emptied` or `column`.
    pub reason: String,
    /// In words, with the remedy.
    pub message: String,
    /// Records that would leave unexplained (at least).
    pub unexplained: u64,
    /// Records that there are.
    pub documents: u64,
    /// Since when (RFC 3339).
    pub since: String,
}
