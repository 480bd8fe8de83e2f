//! The read side: what is read next, what is sent, and when progress may be recorded.
//!
//! [`Engine`] is a state machine for one stream (company and dataset): it gets events and
//! the time, and answers with the next command. Whoever carries the commands out (the
//! driver, or a test) may die between any two of them; what was recorded by a
//! [`Command::Commit`] is all that the next engine starts from.

mod cut;
mod documents;
mod engine;
mod ladder;
mod progress;
mod shape;
mod verify;

pub use cut::{changed_rows, rows_since};
pub use documents::{DocumentPage, PageRequest, RowFinding, read_documents};
pub use engine::{Command, Engine, Event, Failure, Outcome, PassKind};
pub use ladder::{Rung, rungs};
pub use progress::{DEFAULT_OVERLAP_S, Progress, Scan};
pub use shape::{Shape, ShapeProblem};
pub use verify::{Difference, compare};
