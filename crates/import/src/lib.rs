//! The write-side engine: a document becomes one record in the ERP, or says why not.
//!
//! Sage cannot join our transaction, so the order of steps carries the proof. [`Import`]
//! is that order as a state machine; [`writing`] is what is said to the business
//! objects; [`read_back`] decides from what is found in the ERP whether a record is ours;
//! [`planning`] finds what is wrong before Sage is asked. Nothing here does I/O, reads a
//! clock or draws a random number.

pub mod batches;
mod counted;
mod engine;
pub mod identity;
mod marker;
mod obstacle;
pub mod plan;
pub mod planning;
mod problems;
pub mod read_back;
mod record;
mod rows;
pub mod rules;
pub mod settings;
pub mod writing;

pub use counted::counted;
pub use engine::{Command, Event, Heard, Import, Inquiry, Moment, Proof, Stage, Waiting};
pub use marker::{MARKER_COLUMN, marker};
pub use obstacle::Obstacle;
pub use record::{Document, Done, Outcome, Record, Reserved, Source, Verdict, WriteStart};
pub use rows::{Field, Row};
