//! What a pass tells: while it is under way, and at its end.

use agent_store::StoreError;
use catalog::Dataset;
use sage::ReadError;
use sync::{Outcome, PassKind, RowFinding, ShapeProblem};

use super::memory::Done;
use crate::config::MissingPassword;

/// Watches passes: a progress bar, a log, or nobody.
pub trait Observer {
    /// A whole pass is under way: so much was read before, so much is expected.
    fn expects(&mut self, dataset: &Dataset, before: u64, total: Option<u64>);
    /// A page was read, and so many of its documents differed.
    fn page(&mut self, dataset: &Dataset, documents: u64, sent: u64);
    /// Documents that were not seen are looked for by key; so many are left.
    fn confirming(&mut self, dataset: &Dataset, left: u64);
    /// The index is being filled from the hub.
    fn rebuilding(&mut self, dataset: &Dataset, entries: u64);
    /// A value could not be taken as it was.
    fn finding(&mut self, dataset: &Dataset, finding: &RowFinding);
    /// Something about the table's shape.
    fn shape(&mut self, dataset: &Dataset, problem: &ShapeProblem);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn expects(&mut self, _: &Dataset, _: u64, _: Option<u64>) {}
    fn page(&mut self, _: &Dataset, _: u64, _: u64) {}
    fn confirming(&mut self, _: &Dataset, _: u64) {}
    fn rebuilding(&mut self, _: &Dataset, _: u64) {}
    fn finding(&mut self, _: &Dataset, _: &RowFinding) {}
    fn shape(&mut self, _: &Dataset, _: &ShapeProblem) {}
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// The pass is over.
    Done(Outcome),
    /// The slice is over and the pass is not: the next one goes on.
    Yielded {
        /// What goes on.
        kind: PassKind,
    },
    /// The site does not have the table, as not every site does.
    Absent {
        /// Sage table.
        table: String,
    },
}

/// How a turn went.
#[derive(Clone, Debug)]
pub struct PassReport {
    /// How it ended.
    pub end: PassEnd,
    /// What this turn did, and how long it took.
    pub turn: Done,
    /// What the pass did, earlier turns included.
    pub pass: Done,
    /// Values that could not be taken as they were, in this turn.
    pub findings: u64,
}

/// A company cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The ERP.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The password.
    #[error(transparent)]
    Password(#[from] MissingPassword),
    /// The driver's own files.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SetupError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code.as_str(),
            Self::Password(_) => "password_missing",
            Self::Store(error) => error.code(),
        }
    }

    /// What a person should do.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Read(error) => error.remedy(),
            Self::Password(_) => {
                "set the variable for the service's user, or correct password_env in the configuration"
            }
            Self::Store(error) => error.remedy(),
        }
    }
}
