//! The read side: what is read next, what is sent, and when progress may be recorded.
//!
//! [`Engine`] is a state machine for one stream (company and dataset): it gets events and
//! the time, and answers with the next command. Whoever carries the commands out (the
//! driver, or a test) may die between any two of them; what was recorded by a
//! [`Command::Commit`] is all that the next engine starts from.

mod adaptation;
mod brake;
mod cut;
mod documents;
mod engine;
mod fill;
mod ladder;
mod progress;
mod shape;
mod verify;

pub use adaptation::{Adaptation, Extra, FieldSteps, Keep, UserTable};
pub use brake::{Held, HeldReason};
pub use cut::{changed_rows, filtered_rows, kept_rows, rows_since, stamp_findings};
pub use documents::{
    DocumentPage, JoinCache, PageRequest, RowCode, RowFinding, Suspect, Verdict, confirm, explain,
    page_documents, read_documents, read_fill, read_keys,
};
pub use engine::{AtHand, Command, Engine, Event, Failure, Outcome, PassKind, Settings};
pub use fill::{ColumnFill, Fill, implausible, vanished};
pub use ladder::{Rung, rungs};
pub use progress::{DEFAULT_OVERLAP_S, Progress, Scan};
pub use shape::{Fitted, Offered, Remembered, Seen, Shape, ShapeProblem};
pub use verify::{Difference, compare};
