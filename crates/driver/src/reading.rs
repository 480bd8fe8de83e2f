//! Reading one company: carries out what the stream engines ask for.
//!
//! A company is read by one thread with one bridge process, one dataset at a time, so that
//! batch order is read order and Sage's files meet one reader.

mod hub;
mod pass;
mod schedule;
mod verify;

pub use hub::{HubError, StreamHub};
pub use pass::{CompanyReader, Observer, PassReport, SetupError, Silent};
pub use schedule::Schedule;
pub use verify::{DatasetVerdict, MAX_DIFFERENCES, verify_dataset};
