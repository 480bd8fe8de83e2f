//! What is remembered about an import, whatever happens to the process.

use jiff::Timestamp;
use model::{Attempt, Decision, ImportKind, ImportReport, ImportState, Numbers, Problem, Totals};
use sage::ServerProcess;
use serde::{Deserialize, Serialize};
use values::{CompanyId, ImportId};

use crate::plan::Plan;

/// Warnings and problems kept in an outcome: it must fit into the room that was made for it.
const MAX_WORDS: usize = 20;
/// Longest text of one of them in bytes.
const MAX_TEXT: usize = 240;

/// A document as the hub handed it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: ImportId,
    /// For which company.
    pub company: CompanyId,
    /// What kind.
    pub kind: ImportKind,
    /// Grows when it is edited.
    pub revision: u32,
    /// The request's body.
    pub body: serde_json::Value,
    /// What a person decided about it.
    #[serde(default)]
    pub decision: Decision,
}

/// An identity in Sage that a write of the document may have been written under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// Which write ([`crate::plan::Write::identity_name`]).
    pub name: String,
    /// The record's key, as [`mod@crate::identity`] writes it.
    pub identity: String,
    /// When it was reserved.
    pub at: Timestamp,
    /// How we know of it.
    pub source: Source,
    /// The hub has it on record.
    pub at_hub: bool,
    /// What is known by now.
    pub verdict: Verdict,
}

/// How we know of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// This journal made it and saw everything that was done under it.
    Journal,
    /// Only the hub remembers it: what was done under it is not known.
    Hub,
}

/// What is known of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The document may be, or come to be, under it.
    Open,
    /// Somebody else's record stands there.
    Foreign,
}

/// A write that was begun and whose end is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteStart {
    /// Which write.
    pub name: String,
    /// Under which identity.
    pub identity: String,
    /// When.
    pub at: Timestamp,
    /// The process that may still commit it.
    pub server: Option<ServerProcess>,
}

/// A write of the document that is in Sage, proven by reading it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which write.
    pub name: String,
    /// Under which identity.
    pub identity: String,
    /// What people know the record by.
    #[serde(default)]
    pub numbers: Numbers,
    /// As Sage computed them.
    #[serde(default)]
    pub totals: Totals,
    /// Of an order, the mark of the content that it was made from; blank when that is not known.
    #[serde(default)]
    pub made_from: String,
}

/// Everything that the journal knows about one import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The document.
    pub document: Document,
    /// What it becomes; none before it is planned.
    pub plan: Option<Plan>,
    /// Writes that are in Sage.
    pub done: Vec<Done>,
    /// Oldest first.
    pub reservations: Vec<Reserved>,
    /// A write without an end.
    pub write: Option<WriteStart>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The hub knows the outcome.
    pub reported: bool,
}

/// How an import ended, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The state.
    pub state: ImportState,
    /// Sage's numbers, when they are proven, or the reserved ones in doubt.
    #[serde(default)]
    pub numbers: Numbers,
    /// As Sage computed them.
    #[serde(default)]
    pub totals: Totals,
    /// Sage's warnings.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Why it was refused, waits or is in doubt.
    #[serde(default)]
    pub problems: Vec<Problem>,
}

impl Outcome {
    /// A state without more to say.
    #[must_use]
    pub fn of_state(state: ImportState) -> Self {
        Self {
            state,
            numbers: Numbers::new(),
            totals: Totals::new(),
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Cut to what fits into the journal's room.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.warnings.truncate(MAX_WORDS);
        self.warnings.iter_mut().for_each(cut);
        self.problems.truncate(MAX_WORDS);
        for problem in &mut self.problems {
            cut(&mut problem.field);
            cut(&mut problem.value);
            cut(&mut problem.message);
            cut(&mut problem.remedy);
        }
        self
    }

    /// As the hub is told.
    #[must_use]
    pub fn into_report(self, attempts: Vec<Attempt>) -> ImportReport {
        ImportReport {
            state: self.state,
            numbers: self.numbers,
            totals: self.totals,
            warnings: self.warnings,
            problems: self.problems,
            lines: Vec::new(),
            attempts,
        }
    }
}

fn cut(text: &mut String) {
    if text.len() > MAX_TEXT {
        let end = (0..=MAX_TEXT)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
